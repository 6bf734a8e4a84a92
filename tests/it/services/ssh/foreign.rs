//! The servers as OpenSSH sees them.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::accounts::{app_code, enable_app, now};

/// `ssh` of OpenSSH to a node, which knows nothing of this machine's user.
fn ssh(home: &Home, address: SocketAddr, options: &[&str], command: &str) -> Command {
    let mut ssh = Command::new("ssh");
    ssh.args(["-F", "none", "-o", "UserKnownHostsFile=hosts", "-o", "StrictHostKeyChecking=accept-new"]);
    ssh.args(["-o", "ConnectTimeout=30", "-p", &address.port().to_string()]).args(options);
    ssh.args(["alice@127.0.0.1", command]).current_dir(home.path("."));
    ssh.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    ssh
}

/// `ssh` that logs in by the key of `keygen`.
fn by_key(home: &Home, address: SocketAddr, options: &[&str], command: &str) -> Command {
    let key = home.data().join("keys/users/alice_ed25519");
    let login = ["-i", key.to_str().unwrap(), "-o", "IdentitiesOnly=yes", "-o", "PreferredAuthentications=publickey"];
    ssh(home, address, &[&login, options].concat(), command)
}

/// Has OpenSSH ask a program for what it is asked for: the password, and then the code.
fn asking(home: &Home, mut ssh: Command, code: &str) -> Said {
    let script = format!("#!/bin/sh\ncase \"$1\" in\n*assword*) echo '{PASSWORD}' ;;\n*) echo '{code}' ;;\nesac\n");
    fs::write(home.path("ask.sh"), script).unwrap();
    fs::set_permissions(home.path("ask.sh"), fs::Permissions::from_mode(0o700)).unwrap();
    ssh.env("SSH_ASKPASS", home.path("ask.sh")).env("SSH_ASKPASS_REQUIRE", "force");
    end_of(ssh.spawn().unwrap())
}

#[test]
#[ignore = "needs OpenSSH"]
fn openssh_logs_in_by_a_key_and_carries_commands_out() {
    let home = with_key();
    let served = served(&home);
    let address = served.ssh("Node_02");
    let run = |command: &str| end_of(by_key(&home, address, &[], command).spawn().unwrap());
    let who = run("whoami");
    assert!(who.code == Some(0) && who.stdout.contains("alice"), "{who:?}");
    // The key that it has taken is the one of the ready line.
    let known = Command::new("ssh-keygen").args(["-l", "-f", "hosts"]).current_dir(home.path(".")).output().unwrap();
    let known = String::from_utf8(known.stdout).unwrap();
    let told = served.ready["host_keys"].as_array().unwrap();
    assert!(told.iter().any(|key| known.contains(key.as_str().unwrap())), "{known}: {told:?}");
    let none = run("info none");
    assert!(none.code.is_some_and(|code| code != 0 && code != 255) && none.stderr.contains("none"), "{none:?}");
    assert_eq!(served.stop().code, Some(0));
}

#[test]
#[ignore = "needs OpenSSH"]
fn openssh_gives_a_password_and_then_a_code() {
    let home = Home::new(QUICK);
    home.register("alice");
    let (secret, backup) = enable_app(&home, "alice");
    let served = served(&home);
    let address = served.ssh("Node_01");
    for (methods, code) in
        [("keyboard-interactive", app_code(&secret, now() + 30)), ("password,keyboard-interactive", backup[0].clone())]
    {
        let methods = format!("PreferredAuthentications={methods}");
        let ssh = ssh(&home, address, &["-o", &methods, "-o", "PubkeyAuthentication=no"], "whoami");
        let said = asking(&home, ssh, &code);
        assert!(said.code == Some(0) && said.stdout.contains("alice"), "{methods}: {said:?}");
    }
    assert_eq!(served.stop().code, Some(0));
}

/// Twenty megabytes of answers while the keys are exchanged anew after each.
#[test]
#[ignore = "needs OpenSSH"]
fn openssh_exchanges_keys_anew_while_answers_flow() {
    const ENOUGH: usize = 20_000_000;
    let home = with_key();
    let served = served(&home);
    let address = served.ssh("Node_01");
    let once = end_of(by_key(&home, address, &[], "help").spawn().unwrap());
    assert!(once.code == Some(0) && once.stdout.len() > 1_000, "{once:?}");
    let times = ENOUGH.div_ceil(once.stdout.len());
    let mut command = by_key(&home, address, &["-T", "-v", "-o", "RekeyLimit=1M"], "");
    fs::write(home.path("lines"), "help\n".repeat(times)).unwrap();
    let said = end_of(command.stdin(fs::File::open(home.path("lines")).unwrap()).spawn().unwrap());
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_eq!(said.stdout.len(), times * once.stdout.len());
    let exchanged = said.stderr.matches("SSH2_MSG_NEWKEYS received").count();
    assert!(exchanged >= 10, "{exchanged}");
    assert_eq!(served.stop().code, Some(0));
}
