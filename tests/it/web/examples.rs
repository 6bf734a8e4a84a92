//! The examples for other languages, run as by those who copy them.

use std::path::Path;
use std::process::{Command, Stdio};

use super::*;
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

/// The first steps of docs/web.md work as they are printed there, at an address that is not the usual one.
#[test]
#[ignore = "needs curl"]
fn the_first_steps_work_as_printed() {
    on_a_runtime(async {
        let site = Site::of(Home::new(QUICK));
        let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/web.md")).unwrap();
        let (_, rest) = page.split_once("<!-- tested: first steps -->\n```sh\n").unwrap();
        let (printed, _) = rest.split_once("```").unwrap();
        let mut shell = Command::new("bash");
        shell.args(["-euxo", "pipefail", "-c", &printed.replace("http://127.0.0.1:5000", &site.base)]);
        shell.env("SETUP", site.served.ready["setup_token"].as_str().unwrap()).env("no_proxy", "127.0.0.1");
        let directory = tempfile::tempdir().unwrap();
        shell.current_dir(directory.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let said = tokio::task::spawn_blocking(move || end_of(shell.spawn().unwrap())).await.unwrap();
        assert_eq!(said.code, Some(0), "{said:#?}");
        assert_eq!(std::fs::read(directory.path().join("back.txt")).unwrap(), b"hello, nodes\n");
        assert!(said.stdout.contains("\"path\":\"notes/part.txt\""), "{said:#?}");
        site.served.stop();
    });
}
