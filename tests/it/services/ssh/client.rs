//! The commands `ssh` and `broadcast`: at the nodes of this program, and at hosts elsewhere.

use super::*;
use crate::accounts::as_user;
use crate::pty::{Pty, program};
use crate::services::prompts::Repl;

/// The document that a command has printed. Options stand before the command that is carried out elsewhere.
fn parsed(said: &str) -> Value {
    serde_json::from_str(said).unwrap()
}

/// A home whose p2p.toml has the server of another one as the host `store`, with these keys of its table.
pub(super) fn with_store(address: SocketAddr, keys: &str) -> Home {
    let (host, port) = (address.ip(), address.port());
    Home::new(&format!("{QUICK}[[ssh.remote]]\nname = 'store'\naddress = '{host}'\nport = {port}\nuser = 'alice'\n{keys}"))
}

#[test]
fn a_command_is_carried_out_at_a_node() {
    let home = with_key();
    let refused = home.refused(&["ssh", "Node_02", "whoami"]);
    assert!(refused.contains("Node_02 has no SSH server") && refused.contains("`p2p serve --ssh`"), "{refused}");
    let served = served(&home);
    assert!(home.ok(&["ssh", "alice@Node_02", "whoami"]).contains("alice"));
    // The only user with a key is meant where nobody is named.
    assert!(home.ok(&["ssh", "2", "status"]).contains("Node_02"));
    let answered = parsed(&home.ok(&["ssh", "--json", "Node_02", "echo hello"]));
    let fields: Vec<String> = answered.as_object().unwrap().keys().cloned().collect();
    assert_eq!(fields, documented("ssh").into_keys().collect::<Vec<_>>());
    assert_eq!(answered, json!({ "host": "Node_02", "user": "alice", "status": 0, "out": "hello\n", "err": "", "error": null }));
    let failed = home.run(&["ssh", "Node_02", "info none"]);
    assert!(failed.code.is_some_and(|code| code > 0) && failed.stderr.contains("none") && failed.stdout.is_empty(), "{failed:?}");
    for (arguments, words) in [
        (["ssh", "Node_99", "df"], "Node_99 has no SSH server"),
        (["ssh", "elsewhere", "df"], "there is no host `elsewhere`"),
        (["ssh", "eve@Node_01", "df"], "Node_01 has asked for what nobody answers: Password"),
    ] {
        let refused = home.run(&arguments);
        assert!(refused.code == Some(1) && refused.stderr.contains(words), "{refused:?}");
    }
    let mut by_password = home.command(&["ssh", "--user", "alice", "Node_01", "whoami"]);
    std::fs::remove_dir_all(home.data().join("keys/users")).unwrap();
    let said = end_of(by_password.env("P2P_PASSWORD", PASSWORD).spawn().unwrap());
    assert!(said.code == Some(0) && said.stdout.contains("alice"), "{said:?}");
    assert_eq!(served.stop().code, Some(0));
}

/// Every node has its rows, and one that is not there does not hold the others up.
#[test]
fn a_command_is_carried_out_at_all_nodes() {
    let home = with_key();
    let served = served(&home);
    let all = parsed(&home.ok(&["broadcast", "--json", "whoami"]));
    let fields: Vec<String> = all[0].as_object().unwrap().keys().map(|key| format!("[].{key}")).collect();
    assert_eq!(fields, documented("broadcast").into_keys().collect::<Vec<_>>());
    let all = all.as_array().unwrap();
    let nodes = served.ready["services"].as_array().unwrap().len();
    assert!(nodes > 1 && all.len() == nodes, "{all:?}");
    assert!(all.iter().all(|one| one["status"] == 0 && one["out"].as_str().unwrap().contains("alice")), "{all:?}");
    home.ok(&["ssh", "Node_01", "kill Node_02"]);
    let address = served.ssh("Node_02");
    wait_until("the end of the node", || std::net::TcpStream::connect(address).is_err());
    // Nor does a key that cannot be used hold other nodes up.
    std::fs::write(home.data().join("keys/Node_01_rsa"), "no key").unwrap();
    let said = home.run(&["broadcast", "whoami"]);
    assert!(said.stdout.contains("Node_01_rsa") && said.stderr.contains(&format!("failed at 2 of {nodes} nodes")), "{said:?}");
    std::fs::remove_file(home.data().join("keys/Node_01_rsa")).unwrap();
    let said = home.run(&["broadcast", "whoami"]);
    assert!(said.code == Some(1) && said.stderr.contains(&format!("failed at 1 of {nodes} nodes")), "{said:?}");
    assert!(
        said.stdout.contains("Node_02 cannot be reached at") && said.stdout.matches("alice").count() >= nodes - 1,
        "{said:?}"
    );
    // Without a key there is a password, or nobody to ask for it.
    std::fs::remove_dir_all(home.data().join("keys/users")).unwrap();
    let refused = home.refused(&["broadcast", "--user", "alice", "whoami"]);
    assert!(refused.contains("no terminal to ask at") && refused.contains("P2P_PASSWORD"), "{refused}");
    let mut pty = Pty::start(program(&home.path(""), &["broadcast", "--user", "alice", "whoami"]));
    pty.shows("Password: ");
    pty.send("\x03");
    let (code, said) = pty.end();
    assert!(code == 1 && said.contains("given up; nothing has changed"), "{said}");
    assert_eq!(served.stop().code, Some(0));
}

/// At a prompt a connection is kept for the next command, and who is logged in logs in.
#[test]
fn a_connection_is_kept_at_a_prompt() {
    let home = with_key();
    let mut repl = Repl::start(&home);
    repl.line("ssh Node_02 whoami");
    repl.line("serve start ssh :0");
    let line = repl.says("ssh of Node_01 listens at ");
    let first = line.split(' ').next_back().unwrap().to_owned();
    for _ in 0..2 {
        repl.line("ssh Node_02 'echo from afar'");
        repl.says("from afar");
    }
    repl.line("serve stop ssh");
    repl.says(&format!("ssh at {first} is closed after 1 connection "));
    repl.line("serve start ssh :0");
    repl.says("ssh of Node_02 listens at ");
    repl.line("broadcast 'echo here'");
    repl.says("here");
    let said = repl.end();
    assert!(said.code == Some(0) && said.stderr.contains("Node_02 has no SSH server that listens here"), "{said:?}");
    // A script ends where a node has failed, below the table.
    for (options, table) in [(&["run"][..], "no file named `none`"), (&["run", "--json"], "\"status\":")] {
        let line = ["-c", "serve start ssh :0; broadcast 'info none'; echo after"];
        let said = home.run(&[options, &line].concat());
        assert!(said.stdout.contains(table) && !said.stdout.contains("after"), "{said:?}");
        assert!(said.code == Some(1) && said.stderr.contains("broadcast 'info none': the command has failed at "), "{said:?}");
    }
}

/// The keys of the data directory are for their owners, also at a prompt of somebody else.
#[test]
fn a_key_logs_in_its_owner_alone() {
    let home = with_users(&["alice", "bob"]);
    let made = home.json(&["keygen", "bob"]);
    let added = as_user(&home, "bob", &["run", "-c", &format!("key add laptop --key '{}'", made["public"].as_str().unwrap())]);
    assert_eq!(added.code, Some(0), "{added:?}");
    let mut repl = Repl::start(&home);
    repl.line("serve start ssh :0");
    repl.says("ssh of Node_01 listens at ");
    for line in ["ssh bob@Node_01 whoami", "", "ssh Node_01 whoami"] {
        repl.line(line);
    }
    repl.says("alice");
    let said = repl.end();
    assert!(said.stderr.contains("Node_01 has asked for what nobody answers: Password"), "{said:?}");
}

/// A host elsewhere is known by the fingerprint of p2p.toml, or by the key that was trusted once; another key is refused.
#[test]
fn a_host_elsewhere_is_known_by_its_key() {
    let home = with_key();
    let served = served(&home);
    let address = served.ssh("Node_01");
    let key = home.data().join("keys/users/alice_ed25519");
    let key = format!("key = '{}'\n", key.to_str().unwrap());
    let fingerprint = served.ready["host_keys"][0].as_str().unwrap();
    let sure = with_store(address, &format!("{key}host_key = '{fingerprint}'\n"));
    assert!(sure.ok(&["ssh", "store", "whoami"]).contains("alice"));
    let wrong = with_store(address, &format!("{key}host_key = 'SHA256:{}'\n", "a".repeat(43)));
    let refused = wrong.refused(&["ssh", "store", "whoami"]);
    assert!(refused.contains("somebody may stand in between") && refused.contains(fingerprint), "{refused}");
    // Without a terminal nobody is asked.
    let asked = with_store(address, &key);
    let refused = asked.refused(&["ssh", "store", "whoami"]);
    assert!(refused.contains(&format!("store is not known yet; its host key is {fingerprint}")), "{refused}");
    let mut repl = Repl::start(&asked);
    for line in ["ssh store whoami", "no", "ssh store whoami", "perhaps", "yes"] {
        repl.line(line);
    }
    repl.says("alice");
    assert_eq!(repl.end().code, Some(0));
    assert!(asked.ok(&["ssh", "store", "whoami"]).contains("alice"), "it is known now");
    let known = asked.data().join("keys/known_hosts");
    let other = std::fs::read_to_string(home.data().join("keys/users/alice_ed25519.pub")).unwrap();
    std::fs::write(&known, format!("[{}]:{} {other}", address.ip(), address.port())).unwrap();
    let refused = asked.refused(&["ssh", "store", "whoami"]);
    assert!(refused.contains("is known by another one") && refused.contains("known_hosts:"), "{refused}");
    assert_eq!(served.stop().code, Some(0));
}

/// A key that the nodes do not take is in the way of no password that is provided.
#[test]
fn all_nodes_take_the_password_where_they_take_no_key() {
    let home = Home::new(QUICK);
    home.register("alice");
    home.login("alice");
    home.ok(&["keygen", "alice"]);
    let served = served(&home);
    let mut broadcast = home.command(&["broadcast", "--user", "alice", "echo", "here"]);
    let said = end_of(broadcast.env("P2P_PASSWORD", PASSWORD).spawn().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    let told = said.stdout;
    assert_eq!(told.matches("here").count(), served.ready["services"].as_array().unwrap().len(), "{told}");
    assert_eq!(served.stop().code, Some(0));
}
