//! The parts of the room's scripts that touch no page, run by node.

use std::path::Path;
use std::process::Command;

const TRIED: &str = r#"
import assert from "node:assert/strict";
import { stillWanted } from "./live.js";
import { toldAge } from "./room.js";

assert.deepEqual(toldAge(0, false), { text: "live", state: "live" });
assert.deepEqual(toldAge(-5, false), { text: "live", state: "live" });
assert.deepEqual(toldAge(4200, false), { text: "last update 4 s ago", state: "late" });
assert.deepEqual(toldAge(12900, false), { text: "connection lost; last update 12 s ago", state: "lost" });
assert.equal(toldAge(100, true).state, "lost");
assert.deepEqual(stillWanted(new Map([["/room", 1000], ["/old", -20000]]), 2000), ["/room"]);
console.log("fine");
"#;

#[test]
#[ignore = "needs node"]
fn ages_and_wishes_are_told() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["leading.js", "live.js", "morph.js", "room.js"] {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/web/static").join(name);
        std::fs::copy(source, directory.path().join(name)).unwrap();
    }
    std::fs::write(directory.path().join("package.json"), r#"{"type":"module"}"#).unwrap();
    std::fs::write(directory.path().join("tried.js"), TRIED).unwrap();
    let ran = Command::new("node").arg("tried.js").current_dir(directory.path()).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8(ran.stderr).unwrap());
}
