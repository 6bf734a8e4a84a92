//! What `--json` prints of the command language, against docs/json.md: every field that is there is documented, and the other way
//! round.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cli::documented;
use crate::program::{Home, PASSWORD, QUICK, end_of};

/// The paths of all fields and the kinds of their values; of one that is `null`, none.
fn fields(value: &Value, path: &str, found: &mut BTreeMap<String, Option<&'static str>>) {
    let kind = match value {
        Value::Object(object) => {
            for (key, value) in object {
                fields(value, &if path.is_empty() { key.clone() } else { format!("{path}.{key}") }, found);
            }
            return;
        }
        Value::Array(items) => return items.iter().for_each(|item| fields(item, &format!("{path}[]"), found)),
        Value::Bool(_) => Some("boolean"),
        Value::Number(_) => Some("number"),
        Value::String(_) => Some("text"),
        Value::Null => None,
    };
    // What a connection has counted is the network's to name.
    let path = if path.starts_with("connection.stats.") { "connection.stats" } else { path };
    let known = found.entry(path.to_owned()).or_default();
    *known = known.or(kind);
}

/// The answers of a script, by the first word of each command.
fn answers(home: &Home, user: &str, script: &str) -> Vec<(String, Value)> {
    let mut command = home.command(&["run", "--json", "--user", user, "-c", script]);
    let said = end_of(command.env("P2P_PASSWORD", PASSWORD).spawn().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    let answer = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        (line["command"].as_str().unwrap().split(' ').next().unwrap().to_owned(), line["answer"].clone())
    };
    said.stdout.lines().map(answer).collect()
}

#[test]
fn the_answers_of_commands_have_the_documented_fields_and_no_others() {
    let home = Home::new(QUICK);
    home.file("a.bin", 300_000);
    for name in ["alice", "bob"] {
        home.register(name);
    }
    let script = "upload a.bin; upload a.bin --as b.bin --background; cancel 2; share a.bin bob; verify a.bin; info a.bin; transfers; \
                  segments; storage; df 1; status; status 1; node 1; health; ping 2; topology; stats; trace 1; speed; pause; step 1s; resume; sleep 1s; \
                  whoami; users; sessions; otp status; audit; unshare a.bin bob; mkdir docs; share docs bob --upload; \
                  info docs; unshare docs bob --upload; mv docs papers; \
                  token new ci; token list; token revoke ci; key add k --key 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHC7qH7pCU9fvWCJDK5A9yDaJLxdAELchLh8ALDdqXu3 alice@laptop'; key list; key remove k; restart 2 --within 1s; stop 3; start 3; kill 1; download a.bin c.bin --background; sleep 10ms; transfers; cancel 4; refuse 2; disk 1 --slow 10; link 4 --queue 50; node 4; topology; link client --queue 50; path client,2 --delay 2ms; \
                  flap 3 --every 1h; flap 3 --clear; partition 1->2; faults apply congested 4; faults; heal; start 1; \
                  faults clear";
    let mut seen = BTreeMap::<String, BTreeMap<String, Option<&'static str>>>::new();
    for user in ["alice", "bob"] {
        // A user is told less; what is told has the same names.
        let script = if user == "alice" { script } else { "storage; df 1; node 1; whoami" };
        let is_listed = |(command, answer): &(String, Value)| {
            !["upload", "download"].contains(&command.as_str())
                && answer.get("taken_back").is_none()
                && answer.get("profile").is_none()
                && (command != "key" || answer.is_array())
        };
        for (command, answer) in answers(&home, user, script).into_iter().filter(is_listed) {
            fields(&answer, "", seen.entry(command).or_default());
        }
    }
    assert_eq!(seen.len(), 42);
    for (command, found) in seen {
        let documented = documented(&command);
        assert_eq!(found.keys().collect::<Vec<_>>(), documented.keys().collect::<Vec<_>>(), "{command}");
        for (field, kind) in found {
            assert!(kind.is_none_or(|kind| kind == documented[&field]), "{command}: {field} is {kind:?}");
        }
    }
}

#[test]
fn answers_about_transfers_have_the_documented_form() {
    let home = Home::new(QUICK);
    home.file("a.bin", 1000);
    home.file("b.bin", 1000);
    home.file("c.bin", 1000);
    let script = "upload a.bin --background; upload b.bin c.bin --background; wait; export out.json; whoami";
    let said = home.ok(&["run", "--json", "-c", script]);
    let answers: Vec<Value> = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["answer"].clone()).collect();
    assert_eq!(answers[0], serde_json::json!({ "transfer": 1 }));
    assert_eq!(answers[1], serde_json::json!([{ "transfer": 2 }, { "transfer": 3 }]));
    assert_eq!(answers[2].as_array().unwrap().len(), 3);
    assert!(answers[3]["files"] == 3 && answers[3]["path"].as_str().unwrap().ends_with("out.json"), "{}", answers[3]);
    assert!(answers[4]["user"].is_null() && answers[4].as_object().unwrap().len() == 7);
}
