//! The paths that a file names: its imports, each written out without braces, and those in its code. Macro arguments are read as
//! tokens, so paths in them are found too.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// Segments of a path, as `["std", "fs"]`.
pub(super) type Segments = Vec<String>;

/// Import of one name, or of all names of a module.
#[derive(Debug, PartialEq)]
pub(super) struct Import {
    pub(super) path: Segments,
    /// Name in the file; `None` for all names of a module.
    pub(super) name: Option<String>,
    pub(super) is_reexport: bool,
}

/// All paths of a file.
#[derive(Default)]
pub(super) struct Paths {
    pub(super) imports: Vec<Import>,
    /// Paths of more than one segment outside of imports.
    pub(super) written: Vec<Segments>,
}

impl Paths {
    pub(super) fn of(file: &syn::File) -> Paths {
        let mut paths = Paths::default();
        paths.visit_file(file);
        paths
    }

    /// Returns the paths that reach one of `banned`, whatever names the imports give.
    pub(super) fn reaching(&self, banned: &[&str]) -> BTreeSet<String> {
        let banned: Vec<Segments> = banned.iter().map(|path| path.split("::").map(str::to_owned).collect()).collect();
        let is_below = |path: &Segments| banned.iter().any(|banned| path.starts_with(banned));
        let imported = self.imports.iter().map(|import| self.written_out(&import.path));
        let written = self.written.iter().map(|path| self.written_out(path));
        let named = imported.chain(written).filter(is_below);
        let globs = self.imports.iter().filter(|import| import.name.is_none()).map(|import| self.written_out(&import.path));
        let above = globs.filter(|glob| banned.iter().any(|banned| banned.starts_with(glob)));
        named.chain(above).map(|path| path.join("::")).collect()
    }

    /// Replaces the first segment of a path by what it was imported from.
    fn written_out(&self, path: &[String]) -> Segments {
        let (mut path, mut seen) = (path.to_vec(), BTreeSet::new());
        while let Some(first) = path.first().cloned() {
            let import = self.imports.iter().find(|import| import.name.as_ref() == Some(&first));
            let Some(import) = import.filter(|_| seen.insert(first)) else { break };
            path.splice(..1, import.path.iter().cloned());
        }
        path
    }

    /// Adds the paths among tokens.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let (mut path, mut colons) = (Segments::new(), 0);
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Ident(ident) if colons == 2 && !path.is_empty() => {
                    path.push(ident.to_string());
                    colons = 0;
                }
                other => {
                    self.add(std::mem::take(&mut path));
                    colons = 0;
                    match other {
                        TokenTree::Ident(ident) => path.push(ident.to_string()),
                        TokenTree::Group(group) => self.add_tokens(group.stream()),
                        TokenTree::Punct(_) | TokenTree::Literal(_) => {}
                    }
                }
            }
        }
        self.add(path);
    }

    fn add(&mut self, path: Segments) {
        if path.len() > 1 {
            self.written.push(path);
        }
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let is_reexport = !matches!(item.vis, syn::Visibility::Inherited);
        self.imports.extend(leaves(&item.tree).into_iter().map(|(path, name)| Import { path, name, is_reexport }));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.add(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.add_tokens(called.tokens.clone());
        visit::visit_macro(self, called);
    }
}

/// The paths of a `use` with braces, each written out, with the names that they get.
fn leaves(tree: &syn::UseTree) -> Vec<(Segments, Option<String>)> {
    match tree {
        syn::UseTree::Path(path) => {
            let first = path.ident.to_string();
            let below = leaves(&path.tree).into_iter().map(|(rest, name)| {
                // The name of `self` in braces is that of the module.
                let name = name.map(|name| if name == "self" { first.clone() } else { name });
                (std::iter::once(first.clone()).chain(rest).collect(), name)
            });
            below.collect()
        }
        syn::UseTree::Name(name) => vec![(segment_of(&name.ident), Some(name.ident.to_string()))],
        syn::UseTree::Rename(rename) => vec![(segment_of(&rename.ident), Some(rename.rename.to_string()))],
        syn::UseTree::Glob(_) => vec![(Segments::new(), None)],
        syn::UseTree::Group(group) => group.items.iter().flat_map(leaves).collect(),
    }
}

/// The last segment of a path, which `self` in braces does not add.
fn segment_of(ident: &syn::Ident) -> Segments {
    if ident == "self" { Segments::new() } else { vec![ident.to_string()] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Paths {
        Paths::of(&syn::parse_file(text).unwrap())
    }

    #[test]
    fn imports_are_written_out() {
        let found = paths("use a::{self, b::{C, D as E}, f::*};\npub use g::H;").imports;
        let told: Vec<(String, Option<&str>, bool)> =
            found.iter().map(|import| (import.path.join("::"), import.name.as_deref(), import.is_reexport)).collect();
        let expected = [
            ("a", Some("a"), false),
            ("a::b::C", Some("C"), false),
            ("a::b::D", Some("E"), false),
            ("a::f", None, false),
            ("g::H", Some("H"), true),
        ];
        assert_eq!(told, expected.map(|(path, name, is_reexport)| (path.to_owned(), name, is_reexport)));
    }

    /// However a path is spelled, it is found; and what only resembles it is not.
    #[test]
    fn banned_paths_are_found() {
        let reached =
            |text: &str| paths(text).reaching(&["std::fs", "std::time::Instant", "tokio"]).into_iter().collect::<Vec<_>>();
        assert_eq!(reached("use std::{fs, io};"), ["std::fs"]);
        assert_eq!(reached("use std::time::{Duration, Instant as I};"), ["std::time::Instant"]);
        assert_eq!(reached("pub use std::time::*;"), ["std::time"]);
        assert_eq!(reached("use std::time;\nfn f() { time::Instant::now(); }"), ["std::time::Instant::now"]);
        assert_eq!(reached("use std as s;\nuse s::time as t;\nfn f(_: t::Instant) {}"), ["std::time::Instant"]);
        assert_eq!(reached("fn f() { println!(\"{:?}\", [std::fs::read(\"a\")]); }"), ["std::fs::read"]);
        assert_eq!(reached("fn f() { tokio::spawn(async {}); }"), ["tokio::spawn"]);
        assert!(reached("use std::time::Duration;\nuse super::fs;\n// std::fs\nfn f() { \"std::fs\"; fs::g(); }").is_empty());
    }
}
