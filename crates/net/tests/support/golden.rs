//! Golden files of tests: what a part of the model does, kept as text that a reviewer can read.

use std::path::Path;

/// Compares `text` with the file `name` in `tests/data`. `P2P_REGENERATE=1` writes the file anew.
pub(crate) fn assert_golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    if std::env::var_os("P2P_REGENERATE").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = known.lines().zip(text.lines()).take_while(|(one, other)| one == other).count() + 1;
    assert!(known == text, "{} differs from line {differs} on; P2P_REGENERATE=1 cargo test writes it anew", path.display());
}
