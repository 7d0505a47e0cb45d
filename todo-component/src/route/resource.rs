//! What an address stands for, and what may be done with it.

use crate::{assets, request};
use http::Method;

/// What an address stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    Todos,
    Todo(i64),
    Restore(i64),
    Move(i64),
    Tick(i64),
    Export,
    Import,
    Home,
    /// An address of the old application: its GET leads home.
    Index,
    NewItem,
    Toggle(i64),
    Edit(i64),
    Destroy(i64),
    MoveItem(i64),
    ToggleAll,
    ClearCompleted,
    Undo,
    ImportPage,
    Asset(assets::Asset),
    /// All lists that a browser knows, and where one is made.
    Lists,
    /// A list of one's own.
    List,
    Settings,
    Rekey,
    DestroyList,
}

impl Resource {
    /// What a path stands for, in a list of one's own or elsewhere.
    pub fn find(path: &str, in_list: bool) -> Option<Self> {
        if in_list {
            match path {
                "/" => return Some(Self::List),
                "/settings" => return Some(Self::Settings),
                "/rekey" => return Some(Self::Rekey),
                "/destroy" => return Some(Self::DestroyList),
                _ => {}
            }
        }
        if path == "/lists" && !in_list {
            return Some(Self::Lists);
        }
        Self::of_todos(path)
    }

    fn of_todos(path: &str) -> Option<Self> {
        let mut parts = path.strip_prefix('/')?.split('/');
        let segments = (parts.next()?, parts.next(), parts.next(), parts.next());
        match segments {
            ("", None, ..) => Some(Self::Home),
            ("index", None, ..) => Some(Self::Index),
            ("new_item", None, ..) => Some(Self::NewItem),
            ("toggle-all", None, ..) => Some(Self::ToggleAll),
            ("clear-completed", None, ..) => Some(Self::ClearCompleted),
            ("undo", None, ..) => Some(Self::Undo),
            ("todos", None, ..) => Some(Self::Todos),
            ("todos", Some("export"), None, _) => Some(Self::Export),
            ("todos", Some("import"), None, _) => Some(Self::Import),
            ("import", None, ..) => Some(Self::ImportPage),
            ("todos", Some(id), None, _) => request::id(id).map(Self::Todo),
            ("todos", Some(id), Some("restore"), None) => request::id(id).map(Self::Restore),
            ("todos", Some(id), Some("move"), None) => request::id(id).map(Self::Move),
            ("todos", Some(id), Some("step"), None) => request::id(id).map(Self::Tick),
            ("items", Some(id), Some("toggle"), None) => request::id(id).map(Self::Toggle),
            ("items", Some(id), Some("edit"), None) => request::id(id).map(Self::Edit),
            ("items", Some(id), Some("destroy"), None) => request::id(id).map(Self::Destroy),
            ("items", Some(id), Some("move"), None) => request::id(id).map(Self::MoveItem),
            ("assets", ..) => assets::find(path).map(Self::Asset),
            _ => assets::by_name(path).map(Self::Asset),
        }
    }

    /// The value of `Allow`.
    pub fn methods(self) -> &'static str {
        match self {
            Self::Todos => "GET, HEAD, POST, DELETE, OPTIONS",
            Self::Todo(_) | Self::List => "GET, HEAD, PATCH, DELETE, OPTIONS",
            Self::Home | Self::Index | Self::Export | Self::Asset(_) => "GET, HEAD, OPTIONS",
            Self::NewItem | Self::Edit(_) | Self::ImportPage | Self::Lists | Self::Settings => {
                "GET, HEAD, POST, OPTIONS"
            }
            Self::Restore(_)
            | Self::Move(_)
            | Self::Tick(_)
            | Self::Import
            | Self::MoveItem(_)
            | Self::Toggle(_)
            | Self::Destroy(_)
            | Self::ToggleAll
            | Self::ClearCompleted
            | Self::Undo
            | Self::Rekey
            | Self::DestroyList => "POST, OPTIONS",
        }
    }

    /// Bytes of the largest body that means something here.
    pub fn max_body(self) -> usize {
        match self {
            Self::Import | Self::ImportPage => request::MAX_FILE,
            _ => request::MAX_BODY,
        }
    }

    /// Whether a link that only reads leads here.
    pub fn only_reads(self, method: &Method) -> bool {
        let shows = matches!(
            self,
            Self::Todos | Self::Todo(_) | Self::Export | Self::List | Self::Asset(_) | Self::Index
        );
        shows && *method == Method::GET || *method == Method::OPTIONS
    }

    /// Whether what answers here looks at the version of a todo itself.
    pub fn has_version(self) -> bool {
        matches!(self, Self::Todo(_) | Self::Restore(_) | Self::Move(_) | Self::Tick(_))
    }

    pub fn allows(self, method: &Method) -> bool {
        self.methods().split(", ").any(|allowed| allowed == method.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_stands_for_one_thing() {
        assert_eq!(Resource::find("/", false), Some(Resource::Home));
        assert_eq!(Resource::find("/todos", false), Some(Resource::Todos));
        assert_eq!(Resource::find("/todos/7", false), Some(Resource::Todo(7)));
        assert_eq!(Resource::find("/todos/7/restore", false), Some(Resource::Restore(7)));
        assert_eq!(Resource::find("/items/7/edit", false), Some(Resource::Edit(7)));
        assert_eq!(Resource::find("/lists", false), Some(Resource::Lists));
        assert_eq!(Resource::find("/", true), Some(Resource::List));
        assert_eq!(Resource::find("/lists", true), None);
        assert_eq!(Resource::find("/settings", false), None);
        for path in ["", "/todos/", "/todos/07", "/todos/7/", "/items/7", "/items/7/edit/", "//"] {
            assert_eq!(Resource::find(path, false), None, "{path}");
        }
    }

    #[test]
    fn a_link_that_only_reads_leads_to_no_form() {
        assert!(Resource::List.only_reads(&Method::GET));
        for resource in [Resource::Edit(7), Resource::Settings, Resource::ImportPage] {
            assert!(!resource.only_reads(&Method::GET), "{resource:?}");
        }
        assert!(!Resource::Todos.only_reads(&Method::POST));
    }

    #[test]
    fn methods_are_matched_whole() {
        assert!(Resource::Todos.allows(&Method::DELETE));
        assert!(!Resource::Todos.allows(&Method::PATCH));
        assert!(!Resource::Todos.allows(&Method::from_bytes(b"GE").unwrap()));
    }
}
