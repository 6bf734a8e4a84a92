//! Uploads by the libraries of others.

use std::process::Command;

use super::*;
use crate::program::python;

/// Runs a program of others with the target, a token and a file; it says what the library found.
fn foreign(program: &mut Command, site: &Site, script: &str, file: &str) -> Value {
    let script = format!("{}/tests/data/{script}", env!("CARGO_MANIFEST_DIR"));
    let said = program.arg(script).arg(site.url("/api/v1/uploads")).arg(&site.token).arg(site.home.path(file)).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    serde_json::from_slice(&said.stdout).unwrap()
}

/// The Python library uploads in pieces with checksums, and another client of it goes on.
#[test]
#[ignore = "needs tuspy"]
fn the_python_library_goes_on() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let content = site.home.file("big.bin", 3_000_000);
        let said = foreign(&mut Command::new(python()), &site, "tus_upload.py", "big.bin");
        let upload = said["location"].as_str().unwrap().split_once("/api/v1").unwrap().1.to_owned();
        assert_eq!(said["offsets"], json!([1_000_000, 3_000_000]));
        site.check_stored(&upload, &content).await;
        assert_eq!(site.served.stop().code, Some(0));
    });
}

/// The library of browsers uploads, breaks off and goes on. `NODE_PATH` says where it is.
#[test]
#[ignore = "needs tus-js-client"]
fn the_library_of_browsers_goes_on() {
    on_a_runtime(async {
        let site = Site::start(QUICK).await;
        let content = site.home.file("big.bin", 3_000_000);
        let said = foreign(&mut Command::new("node"), &site, "tus_upload.cjs", "big.bin");
        for protocol in ["tus", "draft"] {
            let upload = said[protocol].as_str().unwrap().split_once("/api/v1").unwrap().1.to_owned();
            site.check_stored(&upload, &content).await;
        }
        assert_eq!(site.served.stop().code, Some(0));
    });
}
