//! Circles of modules: siblings of which each imports from the other, directly or by way of further ones.
//!
//! A module's own file may use its children and they their parent, which is one concept with them. What counts are the imports
//! between siblings, with all that lies below each; a name that a parent only re-exports counts for the child that defines it.
//! Names in macro arguments count as well, as far as they are written as paths.

use std::collections::{BTreeMap, BTreeSet};

use super::paths::{Paths, Segments};
use super::sources::Source;

/// The name of the crate and then of the modules on the way down.
type ModulePath = Segments;

/// All circles, each as the sorted full names of its modules.
pub(super) fn circles(sources: &[Source]) -> BTreeSet<Vec<String>> {
    let files: Vec<(ModulePath, Paths)> = sources.iter().map(|source| (module_of(source), Paths::of(&source.syntax()))).collect();
    let house = House::new(&files);
    let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (from, paths) in &files {
        // What is re-exported is a child's for whoever imports it, and no import of this file's.
        let imported = paths.imports.iter().filter(|import| !import.is_reexport).map(|import| &import.path);
        for name in imported.chain(&paths.written) {
            let Some(to) = house.resolve(from, name) else { continue };
            if let Some((from, to)) = siblings(from, &to) {
                imports.entry(from).or_default().insert(to);
            }
        }
    }
    strongly_connected(&imports)
}

/// Crate and modules of a source file.
fn module_of(source: &Source) -> ModulePath {
    let path = source.path.with_extension("");
    let mut parts: Vec<String> = path.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    let begin = parts.iter().position(|part| part == "src").unwrap();
    let name = if begin == 0 { "p2p".to_owned() } else { parts[begin - 1].clone() };
    parts.drain(..=begin);
    if parts.last().is_some_and(|last| matches!(last.as_str(), "mod" | "lib" | "main")) {
        parts.pop();
    }
    std::iter::once(name).chain(parts).collect()
}

/// The two modules with one parent under which these lie; `None` where one lies above the other.
fn siblings(from: &ModulePath, to: &ModulePath) -> Option<(String, String)> {
    let common = from.iter().zip(to).take_while(|(a, b)| a == b).count();
    let name = |path: &ModulePath| (path.len() > common && common > 0).then(|| path[..=common].join("::"));
    Some((name(from)?, name(to)?))
}

/// All modules, and the names that they re-export from their children.
struct House {
    modules: BTreeSet<ModulePath>,
    exports: BTreeMap<(ModulePath, String), Vec<String>>,
}

impl House {
    fn new(files: &[(ModulePath, Paths)]) -> House {
        let modules = files.iter().map(|(module, _)| module.clone()).collect();
        let mut exports = BTreeMap::new();
        for (module, paths) in files {
            for import in paths.imports.iter().filter(|import| import.is_reexport) {
                if let Some(name) = &import.name {
                    exports.insert((module.clone(), name.clone()), import.path.clone());
                }
            }
        }
        House { modules, exports }
    }

    /// The module in which a name is defined that a module writes so; `None` for names of other crates.
    fn resolve(&self, from: &ModulePath, name: &[String]) -> Option<ModulePath> {
        let mut at = from.clone();
        let mut rest = name;
        match rest.first()?.as_str() {
            "crate" => {
                at.truncate(1);
                rest = &rest[1..];
            }
            "self" => rest = &rest[1..],
            "super" => {}
            first if self.modules.contains(&[&at[..], &[first.to_owned()]].concat()) => {}
            _ => return None,
        }
        while rest.first().is_some_and(|part| part == "super") {
            at.pop();
            rest = &rest[1..];
        }
        while let Some(part) = rest.first() {
            let below = [&at[..], std::slice::from_ref(part)].concat();
            if self.modules.contains(&below) {
                at = below;
                rest = &rest[1..];
                continue;
            }
            let export = self.exports.get(&(at.clone(), part.clone())).filter(|path| path.as_slice() != name || at != *from);
            return match export {
                Some(path) if path.first().is_none_or(|first| first != "super") => self.resolve(&at, path).or(Some(at)),
                _ => Some(at),
            };
        }
        Some(at)
    }
}

/// Sets of more than one module of which each reaches each other.
fn strongly_connected(imports: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<Vec<String>> {
    let reached = |from: &String| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(module) = open.pop() {
            open.extend(imports.get(module).into_iter().flatten().filter(|next| seen.insert((*next).clone())));
        }
        seen
    };
    let reach: BTreeMap<&String, BTreeSet<String>> = imports.keys().map(|module| (module, reached(module))).collect();
    let circle = |module: &String| -> Vec<String> {
        let others = reach[module].iter().filter(|other| reach.get(other).is_some_and(|back| back.contains(module)));
        others.cloned().collect()
    };
    imports.keys().map(circle).filter(|circle| circle.len() > 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Segments {
        text.split("::").map(str::to_owned).collect()
    }

    #[test]
    fn a_circle_is_found() {
        let graph = |edges: &[(&str, &str)]| {
            let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for (from, to) in edges {
                imports.entry((*from).to_owned()).or_default().insert((*to).to_owned());
            }
            strongly_connected(&imports)
        };
        assert!(graph(&[("a", "b"), ("b", "c"), ("a", "c")]).is_empty());
        let found = graph(&[("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")]);
        assert_eq!(found, BTreeSet::from([vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]]));
    }

    #[test]
    fn names_lead_to_the_modules_that_define_them() {
        let files = [
            ("net", "mod a;\nmod d;\npub use self::a::Thing;"),
            ("net::a", "pub use self::b::Thing;\npub use super::d::Cousin;"),
            ("net::a::b", "pub(crate) use self::c::{Deep, Plain as Renamed};"),
            ("net::a::b::c", ""),
            ("net::d", "use super::a::Private;"),
        ];
        let house = House::new(&files.map(|(module, text)| (path(module), Paths::of(&syn::parse_file(text).unwrap()))));
        let cases = [
            ("net::a", "crate::d::X", Some("net::d")),
            ("net::a::b::c", "self::X", Some("net::a::b::c")),
            ("net::a::b::c", "super::X", Some("net::a::b")),
            ("net::a::b::c", "super::super::X", Some("net::a")),
            ("net::a::b::c", "super::super::super::d", Some("net::d")),
            // A child, and a name of a further crate.
            ("net::a", "b::X", Some("net::a::b")),
            ("net::a", "std::fs", None),
            // Re-exported once, twice, and by another name.
            ("net::d", "super::a::b::Deep", Some("net::a::b::c")),
            ("net::d", "crate::Thing", Some("net::a::b")),
            ("net::d", "crate::a::b::Renamed", Some("net::a::b::c")),
            ("net::d", "crate::a::b::Plain", Some("net::a::b")),
            // What a module exports from above or imports for itself counts for the module.
            ("net::d", "crate::a::Cousin", Some("net::a")),
            ("net::a", "crate::d::Private", Some("net::d")),
        ];
        for (from, name, expected) in cases {
            assert_eq!(house.resolve(&path(from), &path(name)), expected.map(path), "{name} in {from}");
        }
    }
}
