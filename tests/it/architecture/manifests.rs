//! The manifests of the workspace: which crates there are, and on what each depends.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// Tables of dependencies, at the top of a manifest and below each `[target.…]`.
const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// Manifest of a crate.
pub(super) struct Manifest(Table);

/// Dependency as a manifest gives it.
pub(super) struct Dependency<'a> {
    /// Name of the package, whatever name it has in the crate.
    pub(super) package: &'a str,
    /// Table in which it is listed.
    pub(super) kind: &'static str,
    value: &'a Value,
}

impl Dependency<'_> {
    pub(super) fn is_optional(&self) -> bool {
        self.value.get("optional").and_then(Value::as_bool) == Some(true)
    }

    /// Returns true if the dependency asks for features beyond those that the workspace gives it.
    pub(super) fn names_features(&self) -> bool {
        names_features(self.value)
    }
}

/// Returns true if `features` of a dependency lists any, or its default features are switched on.
pub(super) fn names_features(dependency: &Value) -> bool {
    let is_any = dependency.get("features").and_then(Value::as_array).is_some_and(|features| !features.is_empty());
    is_any || dependency.get("default-features").and_then(Value::as_bool) == Some(true)
}

impl Manifest {
    pub(super) fn of(directory: &Path) -> Manifest {
        Manifest(fs::read_to_string(directory.join("Cargo.toml")).unwrap().parse().unwrap())
    }

    pub(super) fn name(&self) -> &str {
        self.0["package"]["name"].as_str().unwrap()
    }

    /// Returns the features that are on where nobody says otherwise.
    pub(super) fn default_features(&self) -> &[Value] {
        let default = self.0.get("features").and_then(|features| features.get("default"));
        default.and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Returns the dependencies of all kinds and targets. `workspace` are those that the workspace names.
    pub(super) fn dependencies<'a>(&'a self, workspace: &'a Table) -> Vec<Dependency<'a>> {
        let targets = self.0.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
        let places = std::iter::once(&self.0).chain(targets.filter_map(Value::as_table));
        let tables = places.flat_map(|place| KINDS.iter().filter_map(|&kind| Some((kind, place.get(kind)?.as_table()?))));
        let dependency = |kind, (name, value): (&'a String, &'a Value)| {
            let package = package_of(value).or_else(|| package_of(workspace.get(name)?)).unwrap_or(name);
            Dependency { package, kind, value }
        };
        tables.flat_map(|(kind, table)| table.iter().map(move |entry| dependency(kind, entry))).collect()
    }

    /// Returns the names of the crates of this workspace on which the crate depends.
    pub(super) fn crates_below(&self, workspace: &Table) -> BTreeSet<String> {
        let packages = self.dependencies(workspace).into_iter().map(|dependency| dependency.package);
        packages.filter(|package| package.starts_with("p2p-")).map(str::to_owned).collect()
    }
}

fn package_of(dependency: &Value) -> Option<&str> {
    dependency.get("package")?.as_str()
}

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Directories of all crates, that of the root package first.
pub(super) fn crates() -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found.insert(0, root().to_owned());
    found
}

/// The dependencies that the workspace names for its crates.
pub(super) fn workspace_dependencies() -> Table {
    Manifest::of(root()).0["workspace"]["dependencies"].as_table().unwrap().clone()
}

#[test]
fn dependencies_of_every_kind_are_found() {
    let workspace: Table = "renamed = { package = \"p2p-a\", path = \"a\" }".parse().unwrap();
    let text = "[dependencies]\nrenamed.workspace = true\nb = { package = \"p2p-b\", path = \"b\" }\nsha2 = \"1\"\n\
        [dev-dependencies]\np2p-c = \"1\"\n[build-dependencies]\np2p-d = \"1\"\n\
        [target.'cfg(unix)'.dependencies]\np2p-e = { version = \"1\", features = [\"f\"], optional = true }\n";
    let manifest = Manifest(text.parse().unwrap());
    let found: Vec<_> = manifest.crates_below(&workspace).into_iter().collect();
    assert_eq!(found, ["p2p-a", "p2p-b", "p2p-c", "p2p-d", "p2p-e"]);
    let all = manifest.dependencies(&workspace);
    let told: Vec<_> =
        all.iter().filter(|found| found.is_optional() && found.names_features()).map(|found| found.package).collect();
    assert_eq!(told, ["p2p-e"]);
}
