//! Spin's routes: `/a` for one path, `/a/...` for all below it, `/:name` for any segment. An exact
//! route goes before a named segment, and that before a longer and a shorter `...`.

use std::fmt;

use routefinder::{RouteSpec, Router};

/// The routes that lead to the component.
pub struct Routes {
    router: Router<Route>,
    /// There is one, and it takes every path.
    takes_all: bool,
}

/// A route as the manifest has it.
#[derive(Debug)]
struct Route(String);

/// Where a path has led.
#[derive(Debug, PartialEq, Eq)]
pub struct Found<'a> {
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
    /// The error says what is wrong with which route.
    pub fn parse(texts: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut router = Router::new();
        let mut all = Vec::new();
        for route in texts {
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
            let spec: RouteSpec = pattern.try_into().map_err(|error: String| wrong(&error))?;
            all.push(route.clone());
            router.add(spec, Route(route.clone())).map_err(|error| wrong(&error))?;
        }
        Ok(Self { router, takes_all: all == ["/..."] })
    }

    /// The route that a path belongs to.
    pub fn find(&self, path: &str) -> Option<Found<'_>> {
        if self.takes_all {
            let (route, prefix) = ("/...", "");
            return Some(Found { route, prefix, rest: path.to_owned(), named: Vec::new() });
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
        let Route(route) = found.handler();
        let prefix = route.strip_suffix("/...").unwrap_or(route);
        Some(Found { route, prefix, rest, named })
    }
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
        Routes::parse(routes.iter().map(ToString::to_string)).unwrap()
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
    fn what_is_no_route_is_named() {
        for route in ["/a/.../b", "/a..."] {
            let error = Routes::parse([route.to_owned()]).unwrap_err();
            assert!(error.contains(&format!("{route:?}")), "{error}");
        }
    }
}
