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

/// `sftp` and `scp` of OpenSSH, where a password and a code are asked for: a file goes there and comes back.
#[test]
#[ignore = "needs OpenSSH"]
fn openssh_moves_files_with_a_password_and_a_code() {
    let home = Home::new(QUICK);
    home.register("alice");
    let (_, backup) = enable_app(&home, "alice");
    let content = home.file("a.bin", 1 << 20);
    let served = served(&home);
    let port = served.ssh("Node_01").port().to_string();
    let options = ["-F", "none", "-o", "UserKnownHostsFile=hosts", "-o", "StrictHostKeyChecking=accept-new", "-P", &port];
    let command = |program: &str, words: &[&str]| {
        let mut command = Command::new(program);
        command.args(options).args(["-o", "RekeyLimit=1M", "-o", "PubkeyAuthentication=no"]).args(words);
        command.current_dir(home.path(".")).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    fs::write(home.path("lines"), "put a.bin there.bin\nget there.bin back.bin\n").unwrap();
    let mut sftp = command("sftp", &["alice@127.0.0.1"]);
    sftp.stdin(fs::File::open(home.path("lines")).unwrap());
    let said = asking(&home, sftp, &backup[0]);
    assert!(said.code == Some(0) && fs::read(home.path("back.bin")).unwrap() == content, "{said:?}");
    let said = asking(&home, command("scp", &["a.bin", "alice@127.0.0.1:copied.bin"]), &backup[1]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = asking(&home, command("scp", &["alice@127.0.0.1:copied.bin", "again.bin"]), &backup[2]);
    assert!(said.code == Some(0) && fs::read(home.path("again.bin")).unwrap() == content, "{said:?}");
    // A code that was used admits no more.
    let said = asking(&home, command("scp", &["alice@127.0.0.1:copied.bin", "third.bin"]), &backup[2]);
    assert!(said.code != Some(0) && !home.path("third.bin").exists(), "{said:?}");
    assert_eq!(served.stop().code, Some(0));
}

/// The lines of the README as they stand there, but for the places where OpenSSH keeps the keys of hosts and asks.
#[test]
#[ignore = "needs OpenSSH"]
fn the_lines_of_the_readme_work() {
    let home = Home::new(QUICK);
    home.register("alice");
    let served = served(&home);
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let (_, rest) = readme.split_once("<!-- tested: files by sftp -->\n```sh\n").unwrap();
    let lines = rest.split_once("```").unwrap().0;
    fs::create_dir(home.path("bin")).unwrap();
    let found =
        end_of(Command::new("sh").args(["-c", "command -v sftp"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let own = format!(
        "#!/bin/sh\nexec {} -F none -o UserKnownHostsFile=hosts -o StrictHostKeyChecking=accept-new \"$@\"\n",
        found.stdout.trim()
    );
    fs::write(home.path("bin/sftp"), own).unwrap();
    fs::set_permissions(home.path("bin/sftp"), fs::Permissions::from_mode(0o700)).unwrap();
    for _ in 0..2 {
        let mut shell = Command::new("sh");
        let path = format!("{}:{}", home.path("bin").to_str().unwrap(), std::env::var("PATH").unwrap());
        shell.args(["-ec", lines]).env("PATH", path).env("P2P_SSH", served.ssh("Node_01").port().to_string());
        shell.current_dir(home.path(".")).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let said = asking(&home, shell, "");
        assert!(said.code == Some(0) && said.stdout.ends_with("hello, nodes\n"), "{said:?}");
        assert!(said.stdout.contains("greeting.txt"), "{said:?}");
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
