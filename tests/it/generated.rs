//! Parts of documents that the program writes itself. A test fails where one is stale; `P2P_REGENERATE=1 cargo test` writes
//! them anew.

use std::path::Path;

/// Checks that what stands in `document` between `<!-- generated: NAME -->` and `<!-- end: NAME -->` is `text`.
pub(crate) fn check(document: &str, name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(document);
    let whole = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = (format!("<!-- generated: {name} -->\n"), format!("<!-- end: {name} -->"));
    let from = whole.find(&begin).unwrap_or_else(|| panic!("{document} has no `{begin}`")) + begin.len();
    let to = from + whole[from..].find(&end).unwrap_or_else(|| panic!("{document} has no `{end}`"));
    let fresh = format!("{}{text}{}", &whole[..from], &whole[to..]);
    if std::env::var_os("P2P_REGENERATE").is_some() {
        std::fs::write(&path, fresh).unwrap();
    } else {
        assert!(whole == fresh, "`{name}` in {document} is stale; P2P_REGENERATE=1 cargo test writes it anew:\n{text}");
    }
}

/// Checks that a whole file is `text`.
pub(crate) fn check_file(document: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(document);
    if std::env::var_os("P2P_REGENERATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = text.lines().zip(known.lines()).position(|(now, then)| now != then);
    assert!(text == known, "{document} is stale from line {differs:?} on; P2P_REGENERATE=1 cargo test writes it anew:\n{text}");
}
