//! Circles of modules: siblings of which each imports from the other, directly or by way of further ones.
//!
//! A module's own file may use its children and they their parent, which is one concept with them. What counts are the imports
//! between siblings, with all that lies below each; a name that a parent only re-exports counts for the child that defines it.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};

use super::sources::Source;

/// The name of the crate and then of the modules on the way down.
type ModulePath = Vec<String>;

/// All circles, each as the sorted full names of its modules.
pub(super) fn circles(sources: &[Source]) -> BTreeSet<Vec<String>> {
    let files: Vec<(ModulePath, syn::File)> = sources.iter().map(|source| (module_of(source), source.syntax())).collect();
    let house = House::new(&files);
    let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (from, file) in &files {
        let mut names = Names::default();
        names.visit_file(file);
        for name in names.0 {
            let Some(to) = house.resolve(from, &name) else { continue };
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
    fn new(files: &[(ModulePath, syn::File)]) -> House {
        let modules = files.iter().map(|(module, _)| module.clone()).collect();
        let mut exports = BTreeMap::new();
        for (module, file) in files {
            for item in &file.items {
                let syn::Item::Use(item) = item else { continue };
                if matches!(item.vis, syn::Visibility::Inherited) {
                    continue;
                }
                for path in paths_of(&item.tree) {
                    if let Some(name) = path.last() {
                        exports.insert((module.clone(), name.clone()), path.clone());
                    }
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

/// Names that a file imports or writes out, as far as they begin with `crate`, `self`, `super` or a child module.
#[derive(Default)]
struct Names(Vec<Vec<String>>);

impl<'ast> Visit<'ast> for Names {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        // What is re-exported is a child's for whoever imports it, and no import of this file's.
        if matches!(item.vis, syn::Visibility::Inherited) {
            self.0.extend(paths_of(&item.tree));
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if parts.len() > 1 {
            self.0.push(parts);
        }
        visit::visit_path(self, path);
    }
}

/// The paths of a `use` with braces, each written out.
fn paths_of(tree: &syn::UseTree) -> Vec<Vec<String>> {
    match tree {
        syn::UseTree::Path(path) => {
            let below = paths_of(&path.tree);
            below.into_iter().map(|rest| std::iter::once(path.ident.to_string()).chain(rest).collect()).collect()
        }
        syn::UseTree::Name(name) if name.ident == "self" => vec![Vec::new()],
        syn::UseTree::Name(name) => vec![vec![name.ident.to_string()]],
        syn::UseTree::Rename(rename) => vec![vec![rename.ident.to_string()]],
        syn::UseTree::Glob(_) => vec![Vec::new()],
        syn::UseTree::Group(group) => group.items.iter().flat_map(paths_of).collect(),
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
