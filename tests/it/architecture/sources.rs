//! The sources of all crates as text and as syntax, without what is compiled for tests only.

use std::fs;
use std::path::{Path, PathBuf};

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::manifests::{crates, root};

/// A source file of the program.
pub(crate) struct Source {
    /// Path from the root of the workspace.
    pub(crate) path: PathBuf,
    pub(super) text: String,
}

impl Source {
    fn read(path: &Path, root: &Path) -> Source {
        Source { path: path.strip_prefix(root).unwrap().to_owned(), text: fs::read_to_string(path).unwrap() }
    }

    /// Parses the items, without those under `#[cfg(test)]`.
    pub(super) fn syntax(&self) -> syn::File {
        let mut file = syn::parse_file(&self.text).unwrap_or_else(|error| panic!("{}: {error}", self.path.display()));
        file.items.retain(|item| !matches!(item, syn::Item::Mod(module) if module.attrs.iter().any(is_for_tests)));
        file
    }

    /// The text without the unit tests at the end of the file.
    pub(crate) fn code(&self) -> &str {
        self.text.split_once("\n#[cfg(test)]\nmod tests {").map_or(&self.text, |(code, _)| code)
    }
}

fn is_for_tests(attribute: &syn::Attribute) -> bool {
    let syn::Meta::List(list) = &attribute.meta else { return false };
    list.path.is_ident("cfg") && list.tokens.to_string() == "test"
}

/// All source files of all crates, but those of unit tests.
pub(crate) fn sources() -> Vec<Source> {
    let root = root();
    let mut all = Vec::new();
    for directory in crates() {
        collect(&directory.join("src"), root, &mut all);
    }
    assert!(all.len() > 100, "the sources were not found");
    all
}

fn collect(directory: &Path, root: &Path, into: &mut Vec<Source>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let is_of_tests = path.file_stem().is_some_and(|name| name == "tests");
        if path.is_dir() && !is_of_tests {
            collect(&path, root, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !is_of_tests {
            into.push(Source::read(&path, root));
        }
    }
}

/// The functions of a file with their lines, from that of the signature to that of the closing brace.
pub(super) fn functions(file: &syn::File) -> Vec<(String, usize)> {
    let mut found = Functions(Vec::new());
    found.visit_file(file);
    found.0
}

struct Functions(Vec<(String, usize)>);

impl Functions {
    fn add(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let (first, last) = (signature.span().start().line, block.brace_token.span.close().end().line);
        self.0.push((format!("{} (line {first})", signature.ident), last - first + 1));
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.add(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

#[test]
fn a_function_ends_at_its_closing_brace() {
    let text = "fn one() {}\n\nimpl X {\n    fn two(\n        a: u8,\n    ) -> u8 {\n        let b = a;\n        b\n    }\n}\ntrait T {\n    fn none();\n}\n";
    let file = syn::parse_file(text).unwrap();
    assert_eq!(functions(&file), [("one (line 1)".to_owned(), 1), ("two (line 4)".to_owned(), 6)]);
}
