//! A folder with a manifest in it, as a developer has one.

use crate::{component, root, test_component};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use toml::{Table, Value};

/// A temporary folder with the repository's `spin.toml`, whose paths point into
/// the repository.
pub struct Project {
    folder: TempDir,
    manifest: Table,
}

impl Project {
    pub fn new() -> Self {
        let text =
            fs::read_to_string(root().join("spin.toml")).expect("read the repository's spin.toml");
        let manifest: Table = text.parse().expect("spin.toml is TOML");
        let mut project = Self { folder: folder(), manifest };
        project.set("component.todo.source", component().to_str().expect("a UTF-8 path"));
        let migrations = root().join("todo-component/migrations");
        project.set(
            "component.todo.tool.runtime-host.migrations",
            migrations.to_str().expect("a UTF-8 path"),
        );
        project
    }

    /// The same with the component that does on demand what a good one never does.
    pub fn misbehaving() -> Self {
        let mut project = Self::new();
        project.set("component.todo.source", test_component().to_str().expect("a UTF-8 path"));
        project.set("variables.database_ca.default", "");
        project.set("component.todo.variables.database_ca", "{{ database_ca }}");
        project
    }

    /// Sets a value by its dotted path, and makes the tables on the way.
    pub fn set(&mut self, path: &str, value: impl Into<Value>) {
        let (tables, key) = path.rsplit_once('.').map_or(("", path), |(tables, key)| (tables, key));
        let mut table = &mut self.manifest;
        for name in tables.split('.').filter(|name| !name.is_empty()) {
            let entry = table.entry(name).or_insert_with(|| Table::new().into());
            table = entry.as_table_mut().expect("a table on the way");
        }
        table.insert(key.to_owned(), value.into());
        self.save();
    }

    /// Takes a value away by its dotted path.
    pub fn remove(&mut self, path: &str) {
        let (tables, key) = path.rsplit_once('.').map_or(("", path), |(tables, key)| (tables, key));
        let mut table = &mut self.manifest;
        for name in tables.split('.').filter(|name| !name.is_empty()) {
            table = table.get_mut(name).and_then(Value::as_table_mut).expect("a table on the way");
        }
        table.remove(key).expect("a value to remove");
        self.save();
    }

    fn save(&self) {
        self.write("spin.toml", self.manifest.to_string());
    }

    /// Puts a file into the folder.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder above")).expect("make the file's folder");
        fs::write(&path, contents)
            .unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
        path
    }

    /// Puts a file into the folder at one instant, as compilers and editors do.
    pub fn replace(&self, name: &str, contents: impl AsRef<[u8]>) {
        let new = self.write(&format!("{name}.new"), contents);
        fs::rename(new, self.path(name)).expect("rename over the old file");
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("read {name}: {error}"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Default for Project {
    fn default() -> Self {
        Self::new()
    }
}

/// A temporary folder that others may enter: PostgreSQL refuses to be root, so
/// the host gives it another user.
pub fn folder() -> TempDir {
    let open = fs::Permissions::from_mode(0o755);
    tempfile::Builder::new()
        .prefix("todoozle-")
        .permissions(open)
        .tempdir()
        .expect("make a temporary folder")
}
