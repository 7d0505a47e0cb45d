//! Spin's routes: `/a` for one path, `/a/...` for all below it, `/:name` for any segment. An exact
//! route goes before a named segment, and that before a longer and a shorter `...`.

use std::collections::BTreeSet;
use std::fmt;

use percent_encoding::{CONTROLS, utf8_percent_encode};
use routefinder::{RouteSpec, Router, Segment};

/// The routes that lead to components.
pub struct Routes {
    router: Router<Route>,
    /// The component of the only one, where that takes every path.
    takes_all: Option<usize>,
}

/// A route as the manifest has it, and the component's place there.
#[derive(Debug)]
struct Route(String, usize);

/// Where a path has led.
#[derive(Debug, PartialEq, Eq)]
pub struct Found<'a> {
    /// The component's place in the manifest.
    pub component: usize,
    /// As the manifest has it.
    pub route: &'a str,
    /// The route without its `...`.
    pub prefix: &'a str,
    /// What stands in the path for the `...`.
    pub rest: String,
    /// What stands in it for named segments.
    pub named: Vec<(String, String)>,
}

impl Routes {
    /// Routes with the places of their components. The error says what is wrong with which route.
    pub fn parse(all: impl IntoIterator<Item = (String, usize)>) -> Result<Self, String> {
        let mut router = Router::new();
        let mut patterns = BTreeSet::new();
        for (route, component) in all {
            let slash = if route.starts_with('/') { "" } else { "/" };
            let pattern = format!("{slash}{route}");
            let pattern = pattern.strip_suffix('/').unwrap_or(&pattern);
            let pattern = match pattern.strip_suffix("/...") {
                Some(prefix) => format!("{prefix}/*"),
                None => pattern.to_owned(),
            };
            let wrong = |error: &dyn fmt::Display| {
                format!(
                    "trigger.http.route is {route:?}: {error}; write a path such as \"/a\", \
                     \"/a/...\" for all below it, or \"/:name/b\""
                )
            };
            if pattern.contains("...") {
                return Err(wrong(&"... stands at the end only"));
            }
            // As requests have it: no client sends a path beyond ASCII in another way.
            let pattern = utf8_percent_encode(&pattern, CONTROLS).to_string();
            let spec: RouteSpec = pattern.try_into().map_err(|error: String| wrong(&error))?;
            // The router would take it, and panic at a request that comes so far.
            if spec.segments().iter().rev().skip(1).any(|segment| *segment == Segment::Wildcard) {
                return Err(wrong(&"* stands at the end only"));
            }
            if !patterns.insert(without_names(&spec)) {
                return Err(wrong(&"it stands there twice, by whatever names of segments"));
            }
            router.add(spec, Route(route.clone(), component)).map_err(|error| wrong(&error))?;
        }
        let only = router.iter().next().filter(|_| patterns.len() == 1).map(|(_, route)| route);
        let takes_all = only.filter(|Route(route, _)| route == "/...").map(|route| route.1);
        Ok(Self { router, takes_all })
    }

    /// The route that a path belongs to.
    pub fn find(&self, path: &str) -> Option<Found<'_>> {
        if let Some(component) = self.takes_all {
            let (route, prefix) = ("/...", "");
            let (rest, named) = (path.to_owned(), Vec::new());
            return Some(Found { component, route, prefix, rest, named });
        }
        let found = self.router.best_match(path)?;
        let captures = found.captures();
        let named = captures.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let named = named.collect();
        // Spin keeps the slash at the end, which the captured text has lost.
        let end = if path.ends_with('/') { "/" } else { "" };
        let rest = match captures.wildcard() {
            None => String::new(),
            Some("") => end.to_owned(),
            Some(rest) => format!("/{rest}{end}"),
        };
        let Route(route, component) = found.handler();
        let prefix = route.strip_suffix("/...").unwrap_or(route);
        Some(Found { component: *component, route, prefix, rest, named })
    }
}

/// Two routes that differ in the names of their segments alone lead to the same paths.
fn without_names(spec: &RouteSpec) -> String {
    let unnamed = |segment: &Segment| match segment {
        Segment::Param(_) => Segment::Param("".into()),
        other => other.clone(),
    };
    RouteSpec::from(spec.segments().iter().map(unnamed).collect::<Vec<_>>()).to_string()
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.router.iter().map(|(_, route)| route)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(routes: &[&str]) -> Routes {
        Routes::parse(routes.iter().enumerate().map(|(at, route)| ((*route).to_owned(), at)))
            .unwrap()
    }

    /// Route and rest.
    fn find<'a>(routes: &'a Routes, path: &str) -> Option<(&'a str, String)> {
        routes.find(path).map(|found| (found.route, found.rest))
    }

    #[test]
    fn one_route_may_take_everything() {
        let all = routes(&["/..."]);
        for path in ["/", "/a", "/a/", "/a//b"] {
            assert_eq!(find(&all, path), Some(("/...", path.to_owned())));
        }
        let found = all.find("/a").unwrap();
        assert_eq!((found.prefix, found.named), ("", vec![]));
    }

    #[test]
    fn the_rest_of_a_path_keeps_its_last_slash() {
        let some = routes(&["/a/..."]);
        for (path, rest) in
            [("/a", ""), ("/a/", "/"), ("/a/b", "/b"), ("/a/b/", "/b/"), ("/a/b/c", "/b/c")]
        {
            assert_eq!(find(&some, path), Some(("/a/...", rest.to_owned())), "{path}");
        }
        for path in ["/", "/b", "/ab"] {
            assert_eq!(find(&some, path), None, "{path}");
        }
        assert_eq!(some.find("/a/b").unwrap().prefix, "/a");
    }

    #[test]
    fn what_is_exact_or_longer_goes_first_in_any_order() {
        let mut all = ["/one/...", "/one/two/...", "/one/two", "/one/:x", "/..."];
        for _ in 0..2 {
            let some = routes(&all);
            for (path, route) in [
                ("/one/two", "/one/two"),
                ("/one/two/three", "/one/two/..."),
                ("/one/three", "/one/:x"),
                ("/one/three/four", "/one/..."),
                ("/two", "/..."),
                ("/", "/..."),
            ] {
                assert_eq!(some.find(path).map(|found| found.route), Some(route), "{path}");
            }
            all.reverse();
        }
    }

    #[test]
    fn segments_have_names() {
        let some = routes(&["/:year/x/:month"]);
        let found = some.find("/2026/x/11").unwrap();
        let named = [("year", "2026"), ("month", "11")];
        assert_eq!(found.named, named.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!((found.rest.as_str(), found.prefix), ("", "/:year/x/:month"));
        assert_eq!(some.find("/2026/y/11"), None);
    }

    #[test]
    fn a_route_beyond_ascii_is_what_clients_make_of_it() {
        let some = routes(&["/é/x", "/é/y/...", "/:a.json", "/a.b/:c"]);
        for (path, route) in [
            ("/%C3%A9/x", Some("/é/x")),
            ("/%C3%A9x", None),
            ("/%C3%A9/y/z", Some("/é/y/...")),
            ("/%C3%A9y", None),
            ("/b.json", Some("/:a.json")),
            ("/a.b/d.e", Some("/a.b/:c")),
            ("/a.b/d/e", None),
            ("/a.b/%2e%2e", Some("/a.b/:c")),
        ] {
            assert_eq!(some.find(path).map(|found| found.route), route, "{path}");
        }
        // Whatever comes is looked up without harm.
        for path in ["", "*", "/é/x", "/é.json", "//", "/..", "/a.b//"] {
            let _ = some.find(path);
        }
    }

    #[test]
    fn what_is_no_route_is_named() {
        for route in ["/a/.../b", "/a...", "/a/*/b", "/*.js", "/a/*/...", "/:a/*/:b", "/:", "/*x"] {
            let error = Routes::parse([(route.to_owned(), 0)]).unwrap_err();
            assert!(error.contains(&format!("{route:?}")), "{error}");
        }
    }

    #[test]
    fn every_route_has_its_component_and_no_two_are_the_same() {
        let some = routes(&["/...", "/api/...", "/api/:id"]);
        for (path, component) in [("/", 0), ("/x", 0), ("/api", 1), ("/api/7", 2), ("/api/7/x", 1)]
        {
            assert_eq!(some.find(path).unwrap().component, component, "{path}");
        }
        for (one, other) in [
            ("/a/...", "/a/..."),
            ("/a/...", "a/.../"),
            ("/a/...", "/a/*"),
            ("/a", "/a/"),
            ("/:x/b", "/:y/b"),
            ("/:x.:y", "/:y.:x"),
        ] {
            let twice = [(one.to_owned(), 0), (other.to_owned(), 1)];
            let error = Routes::parse(twice).map(|_| ()).unwrap_err();
            assert!(error.contains("twice"), "{one} {other}: {error}");
        }
    }
}
