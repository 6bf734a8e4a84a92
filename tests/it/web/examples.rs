//! The examples for other languages, run as by those who copy them.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::program::{end_of, python};

/// The recipe for tests of clients passes as it is.
#[test]
#[ignore = "needs pytest and requests"]
fn the_recipe_for_tests_of_clients_passes() {
    let home = tempfile::tempdir().unwrap();
    let mut pytest = Command::new(python());
    pytest.args(["-m", "pytest", "-q", "-p", "no:cacheprovider"]);
    pytest.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/test_dying_disk.py"));
    pytest.env("P2P", env!("CARGO_BIN_EXE_p2p")).env("HOME", home.path()).env("PYTHONDONTWRITEBYTECODE", "1");
    pytest.current_dir(home.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let said = end_of(pytest.spawn().unwrap());
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert!(said.stdout.contains("1 passed"), "{said:#?}");
}
