//! Faults in the audit log: who has put what on, who has taken it back, what could not be done, and who was refused.

use crate::accounts::{audit, script};
use crate::program::{Home, QUICK};

#[test]
fn faults_are_recorded_with_who_and_what() {
    let home = Home::new(QUICK);
    home.register("alice");
    home.register("bob");
    let all = "kill 1; start 1; disk 2 --slow 10x --full; path client->3 --loss 5% --cut; heal; faults apply slow-wan 3; \
               partition 1,2|3,4; link 3 --up --bandwidth 1KiB/s; faults clear slow-wan 3; faults clear 2; faults clear";
    script(&home, "alice", all);
    let failed = crate::accounts::as_user(&home, "alice", &["run", "-c", "heal 1->2"]);
    let refused = crate::accounts::as_user(&home, "bob", &["run", "-c", "kill 1"]);
    assert!(failed.code != Some(0) && refused.code != Some(0));
    let entries = audit(&home, "alice");
    let of = |action: &str| -> Vec<(String, String, bool)> {
        let entries = entries.iter().filter(|entry| entry["action"] == action);
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        entries.map(|entry| (text(&entry["user"]), text(&entry["note"]), entry["done"] == true)).collect()
    };
    let done = [
        "kill Node_01",
        "start Node_01",
        "disk Node_02: slow 10x, full",
        "path client->Node_03: loss 5% --cut",
        "heal",
        "faults apply slow-wan Node_03",
        "partition Node_01,Node_02|Node_03,Node_04",
        "link Node_03 --up: 1.0 KiB/s",
        "faults clear slow-wan Node_03",
        "faults clear Node_02",
        "faults clear",
        "heal Node_01->Node_02",
    ];
    let mut expected: Vec<(String, String, bool)> = done.map(|what| ("alice".into(), what.into(), true)).into();
    let why = "heal Node_01->Node_02: the path Node_01->Node_02 is not cut";
    expected.push(("alice".into(), why.into(), false));
    assert_eq!(of("fault"), expected);
    let refused = of("access").into_iter().filter(|(user, _, done)| user == "bob" && !done).count();
    assert_eq!(refused, 1, "{entries:#?}");
}
