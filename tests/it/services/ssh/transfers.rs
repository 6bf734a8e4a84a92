//! The command `sftp`: files that are sent to a node or a host elsewhere, fetched from there and listed.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Child;
use std::time::UNIX_EPOCH;

use super::client::with_store;
use super::*;
use crate::program::read;
use crate::services::connect::{At, Watching};
use crate::services::prompts::Repl;

/// Time of modification of a file that keeps it.
const THEN: u64 = 1_600_000_000;

/// Gives a file of the home this mode, and the time of modification above.
fn dated(home: &Home, name: &str, mode: u32) {
    let file = fs::File::options().append(true).open(home.path(name)).unwrap();
    file.set_permissions(fs::Permissions::from_mode(mode)).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_secs(THEN)).unwrap();
}

/// The mode and the time of modification of a file.
fn dates(path: impl AsRef<Path>) -> (u32, u64) {
    let found = fs::metadata(path).unwrap();
    (found.permissions().mode() & 0o777, found.modified().unwrap().duration_since(UNIX_EPOCH).unwrap().as_secs())
}

/// Names of the fields of a list, as the reference writes them.
fn fields(of: &str, value: &Value) -> Vec<String> {
    value[0].as_object().unwrap().keys().map(|name| format!("{of}[].{name}")).collect()
}

/// Starts a command whose standard input is held, so that it cannot end before it is told to.
pub(super) fn held(home: &Home, arguments: &[&str]) -> Child {
    home.command(arguments).stdin(Stdio::piped()).spawn().unwrap()
}

/// Waits until a node has acknowledged a segment of what is sent under a path that begins so.
pub(super) fn wait_for_a_segment(at: &At, path: &str) {
    let is_it = |event: &Value| event["path"].as_str().is_some_and(|found| found.starts_with(path));
    let started = Watching::new(at, "TransferStarted").wait_for(is_it);
    let is_of_it = |event: &Value| event["transfer"] == started["transfer"] && event["fields"]["stage"] == "acknowledged";
    Watching::new(at, "Segment").wait_for(is_of_it);
}

/// Standard output that cannot be written is named; one who reads no more is no failure.
#[test]
fn standard_output_that_cannot_be_written_is_named() {
    let home = with_key();
    home.file("a.bin", 200_000);
    let served = served(&home);
    home.ok(&["sftp", "put", "alice@Node_02", "a.bin"]);
    let words = ["sftp", "get", "Node_02", "a.bin", "-o", "-"];
    names_its_output(&home, &words);
    assert_eq!(served.stop().code, Some(0));
}

#[test]
fn files_are_sent_fetched_and_listed() {
    let home = with_key();
    let content = home.file("a.bin", 300_001);
    dated(&home, "a.bin", 0o640);
    let served = served(&home);
    home.ok(&["ssh", "Node_01", "mkdir docs"]);
    let put = home.json(&["sftp", "put", "alice@Node_02", "a.bin", "--as", "docs/", "--preserve"]);
    assert_eq!(fields("files", &put["files"]), documented("sftp put").into_keys().collect::<Vec<_>>());
    let line = &put["files"][0];
    assert_eq!((&line["path"], &line["local"], &line["bytes"]), (&json!("docs/a.bin"), &json!("a.bin"), &json!(300_001)));
    assert_eq!((&line["compared"], &line["kept_bytes"], &line["host"]), (&json!(true), &json!(0), &json!("Node_02")));
    let got = home.json(&["sftp", "get", "Node_01", "docs/a.bin", "-o", "b.bin", "-p"]);
    assert!(read(home.path("b.bin")) == content);
    assert_eq!((&got["files"][0]["sha256"], dates(home.path("b.bin"))), (&line["sha256"], (0o640, THEN)));
    // What is there stays, on both sides, unless it is to be replaced.
    let there = home.refused(&["sftp", "put", "Node_01", "a.bin", "--as", "docs"]);
    assert!(there.contains("`docs/a.bin` is at Node_01 already") && there.contains("--force"), "{there}");
    assert!(home.refused(&["sftp", "get", "Node_01", "docs/a.bin", "-o", "b.bin"]).contains("already exists"));
    let other = home.file("c.bin", 70_000);
    home.ok(&["sftp", "put", "Node_01", "c.bin", "--as", "docs/a.bin", "--force"]);
    home.ok(&["sftp", "get", "Node_01", "docs/a.bin", "-o", "b.bin", "--force"]);
    assert!(read(home.path("b.bin")) == other);
    assert_eq!(home.ok(&["sftp", "ls", "Node_02"]), "docs/\n");
    let listed = home.json(&["sftp", "ls", "Node_02", "docs"]);
    assert_eq!(fields("", &listed), documented("sftp ls").into_keys().collect::<Vec<_>>());
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["name"], &listed[0]["bytes"]), (1, &json!("a.bin"), &json!(70_000)));
    assert!(home.ok(&["sftp", "ls", "-l", "2", "docs"]).contains("68.4 KiB"));
    assert_eq!(served.stop().code, Some(0));
}

#[test]
fn streams_are_sent_and_fetched() {
    let home = with_key();
    let served = served(&home);
    let mut put = held(&home, &["sftp", "put", "Node_01", "-", "--as", "s"]);
    put.stdin.take().unwrap().write_all(&b"0123456789".repeat(10_000)).unwrap();
    assert_eq!(end_of(put).code, Some(0));
    assert_eq!(home.ok(&["sftp", "get", "Node_02", "s", "-o", "-"]), "0123456789".repeat(10_000));
    let mut empty = held(&home, &["sftp", "put", "Node_01", "-", "--as", "none"]);
    drop(empty.stdin.take());
    assert_eq!(end_of(empty).code, Some(0));
    assert_eq!(home.ok(&["sftp", "get", "Node_01", "none", "-o", "-"]), "");
    assert_eq!(served.stop().code, Some(0));
}

#[test]
fn what_cannot_be_is_refused() {
    let home = with_key();
    home.file("a.bin", 10);
    let refused = home.refused(&["sftp", "ls", "Node_02"]);
    assert!(refused.contains("Node_02 has no SSH server") && refused.contains("`p2p serve --ssh`"), "{refused}");
    let served = served(&home);
    home.ok(&["ssh", "Node_01", "mkdir docs"]);
    for (arguments, words) in [
        (&["get", "Node_01", "none"][..], "none"),
        (&["get", "Node_01", "docs"], "`docs` is no file at Node_01"),
        (&["ls", "Node_01", "none"], "none"),
        (&["put", "Node_01", "none.bin"], "none.bin"),
        (&["put", "Node_01", "a.bin", "--as", "nowhere/a.bin"], "nowhere"),
        (&["put", "Node_01", "a.bin", "--as", "/node/a.bin"], "cannot be changed"),
        (&["get", "elsewhere", "a.bin"], "there is no host `elsewhere`"),
        (&["get", "eve@Node_01", "a.bin"], "Node_01 has asked for what nobody answers: Password"),
    ] {
        let said = home.refused(&[&["sftp"], arguments].concat());
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
    for (arguments, words) in [
        (&["get", "Node_01"][..], "no file is named"),
        (&["put", "Node_01", "-"], "--as NAME"),
        (&["put", "Node_01", "a.bin", "-o", "x"], "--as NAME for the path at the host"),
        (&["get", "Node_01", "a.bin", "--as", "x"], "--output-file OUT"),
        (&["ls", "Node_01", "a", "b"], "one directory"),
        (&["get", "Node_01", "a.bin", "-o", "-", "--json"], "both want standard output"),
        (&["get", "Node_01", "a.bin", "-o", "-", "--resume"], "cannot be continued"),
    ] {
        let said = home.wrong_usage(&[&["sftp"], arguments].concat());
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
    // One of several that fails is told by its name, and the others are there.
    let said = home.run(&["sftp", "put", "Node_01", "none.bin", "a.bin"]);
    assert!(said.code == Some(1) && said.stdout.contains("a.bin") && said.stderr.contains("none.bin"), "{said:?}");
    assert_eq!(home.ok(&["sftp", "ls", "Node_01"]), "a.bin\ndocs/\n");
    assert_eq!(served.stop().code, Some(0));
    let announced = home.run(&["sftp", "ls", "Node_01"]);
    assert!(announced.code == Some(1), "{announced:?}");
}

/// Of a transfer that is interrupted nothing is left, unless it is to be continued, and then it goes on where it was.
#[test]
fn what_is_interrupted_is_gone_or_goes_on() {
    let home = with_key();
    let content = home.file("a.bin", 1 << 20);
    let served = Served::of(home.spawn(&["serve", "--grpc=:0", "--ssh=:0", "--speed=max"]));
    let at = At::new(&home, &served);
    for (flag, name, words) in
        [(None, "c.bin", "nothing is kept of what was under way"), (Some("--resume"), "a.bin", "goes on where it was")]
    {
        let arguments: Vec<&str> = ["sftp", "put", "Node_01", "-", "--as", name].into_iter().chain(flag).collect();
        let mut put = held(&home, &arguments);
        // The rest is never given, so that the file cannot be whole.
        put.stdin.as_mut().unwrap().write_all(&content[..700_000]).unwrap();
        wait_for_a_segment(&at, name);
        assert_eq!(home.ok(&["sftp", "ls", "Node_02"]), "nothing in it\n");
        signal(&put, "INT");
        let said = end_of(put);
        assert!(said.code == Some(130) && said.stderr.contains(words), "{said:?}");
        match flag {
            None => {
                assert_eq!((at.json(&["uploads"]), home.ok(&["sftp", "ls", "Node_02"])), (json!([]), "nothing in it\n".into()))
            }
            Some(_) => wait_until("what is kept", || at.json(&["uploads"])[0]["state"] == "parked"),
        }
    }
    let put = home.json(&["sftp", "put", "Node_02", "a.bin", "--resume"]);
    assert!(put["files"][0]["kept_bytes"].as_u64().is_some_and(|kept| kept > 0), "{put}");
    home.ok(&["sftp", "get", "Node_01", "a.bin", "-o", "b.bin"]);
    assert!(read(home.path("b.bin")) == content);
    assert_eq!((home.ok(&["sftp", "ls", "Node_02"]), at.json(&["uploads"])), ("a.bin\n".into(), json!([])));
    assert_eq!(served.stop().code, Some(0));
}

/// What is kept of another content is not taken for that of the file, and is of no use.
#[test]
fn what_is_kept_of_another_file_is_found_out() {
    let home = with_key();
    home.file("a.bin", 1 << 20);
    let served = Served::of(home.spawn(&["serve", "--grpc=:0", "--ssh=:0", "--speed=max"]));
    let at = At::new(&home, &served);
    let mut put = held(&home, &["sftp", "put", "Node_01", "-", "--as", "a.bin", "--resume"]);
    put.stdin.as_mut().unwrap().write_all(&[7; 700_000]).unwrap();
    wait_for_a_segment(&at, "a.bin");
    signal(&put, "INT");
    assert_eq!(end_of(put).code, Some(130));
    wait_until("what is kept", || at.json(&["uploads"])[0]["state"] == "parked");
    let refused = home.refused(&["sftp", "put", "Node_01", "a.bin", "--resume"]);
    assert!(refused.contains("SHA-256"), "{refused}");
    assert_eq!((home.ok(&["sftp", "ls", "Node_02"]), at.json(&["uploads"])), ("nothing in it\n".into(), json!([])));
    home.ok(&["sftp", "put", "Node_01", "a.bin", "--resume"]);
    assert_eq!(served.stop().code, Some(0));
}

/// A file that is fetched appears whole; what is kept of one goes on where it was.
#[test]
fn a_fetched_file_is_whole_or_goes_on() {
    let home = with_key();
    let content = home.file("a.bin", 1 << 20);
    home.ok(&["put", "a.bin"]);
    let served = Served::of(home.spawn(&["serve", "--grpc=:0", "--ssh=:0", "--speed=max"]));
    let at = At::new(&home, &served);
    let part = home.path("b.bin.p2p-part");
    // Nothing comes while time stands still, so that the file cannot be whole.
    at.ok(&["pause"]);
    let get = home.spawn(&["sftp", "get", "Node_01", "a.bin", "-o", "b.bin", "--resume"]);
    wait_until("the begin", || part.exists());
    assert_eq!(fs::metadata(&part).unwrap().permissions().mode() & 0o777, 0o600);
    signal(&get, "INT");
    let said = end_of(get);
    assert!(said.code == Some(130) && said.stderr.contains("goes on where it was"), "{said:?}");
    assert!(!home.path("b.bin").exists() && !part.exists(), "nothing has come");
    at.ok(&["resume"]);
    // What an interruption keeps has the time of the file at the host.
    let modified = home.json(&["sftp", "ls", "Node_01", "a.bin"])[0]["modified_at"].as_u64().unwrap();
    fs::write(&part, &content[..300_000]).unwrap();
    let file = fs::File::options().append(true).open(&part).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_secs(modified)).unwrap();
    let got = home.json(&["sftp", "get", "Node_02", "a.bin", "-o", "b.bin", "--resume"]);
    assert_eq!((&got["files"][0]["kept_bytes"], &got["files"][0]["compared"]), (&json!(300_000), &json!(true)));
    assert!(read(home.path("b.bin")) == content && !part.exists());
    assert_eq!(served.stop().code, Some(0));
}

#[test]
fn files_are_moved_at_a_prompt_and_at_hosts_elsewhere() {
    let home = with_key();
    let content = home.file("a.bin", 100_000);
    let mut repl = Repl::start(&home);
    repl.line("serve start ssh :0");
    repl.says("ssh of Node_01 listens at ");
    for (line, words) in [
        ("sftp put Node_02 a.bin --as there.bin", "there.bin"),
        ("sftp ls Node_01 -l", "97.7 KiB"),
        ("sftp get Node_01 there.bin --output-file b.bin", "the same there"),
    ] {
        repl.line(line);
        repl.says(words);
    }
    repl.line("sftp put Node_01 - --as x");
    repl.line("sftp get Node_01 there.bin --output-file b.bin");
    let said = repl.end();
    assert!(said.stderr.contains("`-` is no file here") && said.stderr.contains("already exists"), "{said:?}");
    assert!(read(home.path("b.bin")) == content);
    let served = served(&home);
    let key = home.data().join("keys/users/alice_ed25519");
    let host_key = served.ready["host_keys"][0].as_str().unwrap();
    let elsewhere = with_store(served.ssh("Node_01"), &format!("key = '{}'\nhost_key = '{host_key}'\n", key.to_str().unwrap()));
    elsewhere.ok(&["sftp", "get", "store", "there.bin"]);
    assert!(read(elsewhere.path("there.bin")) == content);
    let unknown = with_store(served.ssh("Node_01"), &format!("key = '{}'\n", key.to_str().unwrap()));
    assert!(unknown.refused(&["sftp", "ls", "store"]).contains("store is not known yet"));
    let address = served.ssh("Node_01");
    assert_eq!(served.stop().code, Some(0));
    let gone = elsewhere.unavailable(&["sftp", "ls", "store"]);
    assert!(gone.contains(&format!("store cannot be reached at {address}")), "{gone}");
}

/// Ends a server of OpenSSH with the test.
struct Sshd(Child);

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// OpenSSH's own server, with the key of alice for the user of this process.
fn sshd(home: &Home) -> (Sshd, SocketAddr) {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let path = |name: &str| home.path(name).to_str().unwrap().to_owned();
    let key = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &path("host_key")]).status().unwrap();
    assert!(key.success());
    fs::copy(home.data().join("keys/users/alice_ed25519.pub"), home.path("authorized")).unwrap();
    let config = format!(
        "Port {}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\nPidFile none\nSubsystem sftp internal-sftp\n",
        address.port(),
        path("host_key"),
        path("authorized"),
    );
    fs::write(home.path("sshd_config"), config).unwrap();
    // It wants the directory that its unit makes.
    let _ = fs::create_dir_all("/run/sshd");
    let mut sshd = Command::new("/usr/sbin/sshd");
    sshd.args(["-D", "-e", "-f", &path("sshd_config")]).stdin(Stdio::null()).stderr(Stdio::null());
    let sshd = Sshd(sshd.spawn().unwrap());
    wait_until("sshd", || TcpStream::connect(address).is_ok());
    (sshd, address)
}

#[test]
#[ignore = "needs sshd of OpenSSH"]
fn files_are_moved_at_an_sshd_of_openssh() {
    let home = with_key();
    let (_sshd, address) = sshd(&home);
    let who = Command::new("id").arg("-un").output().unwrap().stdout;
    let who = String::from_utf8(who).unwrap();
    let key = home.data().join("keys/users/alice_ed25519");
    let host_key = Command::new("ssh-keygen").args(["-l", "-f", home.path("host_key.pub").to_str().unwrap()]).output().unwrap();
    let host_key = String::from_utf8(host_key.stdout).unwrap();
    let host_key = host_key.split(' ').nth(1).unwrap();
    let config = format!("key = '{}'\nhost_key = '{host_key}'\n", key.to_str().unwrap());
    let store = with_store(address, &config);
    let store_at = |name: &str| home.path("there").join(name).to_str().unwrap().to_owned();
    fs::create_dir(home.path("there")).unwrap();
    let content = store.file("a.bin", 20 << 20);
    dated(&store, "a.bin", 0o640);
    let (user, there) = (format!("{}@store", who.trim()), store_at("a.bin"));
    let directory = format!("{}/", store_at(""));
    let put = store.json(&["sftp", "put", &user, "a.bin", "--as", &directory, "-p"]);
    assert_eq!((&put["files"][0]["bytes"], &put["files"][0]["compared"]), (&json!(20 << 20), &json!(false)));
    assert!(read(&there) == content);
    assert_eq!(dates(&there), (0o640, THEN));
    assert!(store.refused(&["sftp", "put", &user, "a.bin", "--as", &there]).contains("already"));
    store.ok(&["sftp", "put", &user, "a.bin", "--as", &there, "--force"]);
    store.ok(&["sftp", "get", &user, &there, "-o", "b.bin"]);
    assert!(read(store.path("b.bin")) == content);
    // An upload that is interrupted leaves nothing, or goes on.
    for flag in [None, Some("--resume")] {
        let target = store_at("c.bin");
        let arguments: Vec<&str> = ["sftp", "put", &user, "-", "--as", &target].into_iter().chain(flag).collect();
        let mut put = held(&store, &arguments);
        put.stdin.as_mut().unwrap().write_all(&content[..700_000]).unwrap();
        let part = |entry: &fs::DirEntry| entry.file_name().to_str().unwrap().starts_with("c.bin.p2p-");
        let parts = || fs::read_dir(home.path("there")).unwrap().map(Result::unwrap).filter(part).collect::<Vec<_>>();
        wait_until("the first bytes", || parts().iter().any(|part| part.metadata().unwrap().len() > 0));
        signal(&put, "INT");
        assert_eq!(end_of(put).code, Some(130));
        assert_eq!(parts().len(), usize::from(flag.is_some()));
    }
    let put = store.json(&["sftp", "put", &user, "a.bin", "--as", &store_at("c.bin"), "--resume"]);
    assert!(put["files"][0]["kept_bytes"].as_u64().is_some_and(|kept| kept > 0), "{put}");
    assert!(read(store_at("c.bin")) == content);
    let names = store.ok(&["sftp", "ls", &user, &store_at("")]);
    assert_eq!(names, "a.bin\nc.bin\n");
}
