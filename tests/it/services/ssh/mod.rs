//! The SSH servers of the nodes, as a client of the same library sees them.

mod carrying;
mod client;
mod foreign;
mod hostile;
mod limits;
mod logins;
mod shell;
mod transfers;
mod uploads;

use std::sync::Arc;

use russh::client::{AuthResult, Config, Handle, Handler, KeyboardInteractiveAuthResponse, Msg, connect};
use russh::keys::PublicKeyOrCertificate;
use russh::{Channel, ChannelMsg};

use super::files::registered;
use super::*;

/// Client that takes any host key, since a new server is asked.
pub(super) struct Anyone;

impl Handler for Anyone {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

/// What a command has said.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) status: Option<u32>,
    out: String,
    err: String,
}

impl Served {
    /// The address of the SSH server of a node.
    pub(super) fn ssh(&self, node: &str) -> SocketAddr {
        self.of_node("ssh", node)
    }
}

pub(super) fn served(home: &Home) -> Served {
    Served::of(home.spawn(&["serve", "--ssh=:0", "--speed=max"]))
}

/// A home with alice, which is removed when it is dropped, and the SSH servers of its nodes.
pub(super) fn of_alice() -> (Home, Served) {
    let home = registered(QUICK, &["alice"]);
    let served = served(&home);
    (home, served)
}

/// A home with alice, whose key logs in.
fn with_key() -> Home {
    with_users(&["alice"])
}

/// A home with these users, of whom the key of alice logs in.
fn with_users(names: &[&str]) -> Home {
    let home = registered(QUICK, names);
    home.login("alice");
    let made = home.json(&["keygen", "alice"]);
    home.ok(&["run", "-c", &format!("key add laptop --key '{}'", made["public"].as_str().unwrap())]);
    home
}

/// A connection on which nobody has logged in.
async fn session(address: SocketAddr) -> Handle<Anyone> {
    connect(Arc::new(Config::default()), address, Anyone).await.unwrap()
}

pub(super) async fn logged_in(address: SocketAddr) -> Handle<Anyone> {
    let mut session = session(address).await;
    assert!(session.authenticate_password("alice", PASSWORD).await.unwrap().success());
    session
}

/// Carries a command out, with this on its standard input.
pub(super) async fn told(session: &Handle<Anyone>, command: Option<&str>, input: &[u8]) -> Told {
    let mut channel = session.channel_open_session().await.unwrap();
    match command {
        Some(command) => channel.exec(true, command).await.unwrap(),
        None => channel.request_shell(true).await.unwrap(),
    }
    channel.data_bytes(input.to_vec()).await.unwrap();
    channel.eof().await.unwrap();
    let (mut status, mut out, mut err) = (None, Vec::new(), Vec::new());
    while let Some(message) = channel.wait().await {
        match message {
            ChannelMsg::Data { data } => out.extend_from_slice(&data),
            ChannelMsg::ExtendedData { data, ext: 1 } => err.extend_from_slice(&data),
            ChannelMsg::ExitStatus { exit_status } => status = Some(exit_status),
            _ => {}
        }
    }
    Told { status, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
}

#[test]
fn a_command_has_an_exit_status_and_its_errors_apart() {
    let (_home, served) = of_alice();
    let address = served.ssh("Node_02");
    on_a_runtime(async {
        let session = logged_in(address).await;
        let who = told(&session, Some("whoami"), b"").await;
        assert!(who.status == Some(0) && who.out.contains("alice") && who.err.is_empty(), "{who:?}");
        assert!(told(&session, Some("status"), b"").await.out.contains("Node_02"));
        let unknown = told(&session, Some("info none"), b"").await;
        assert!(unknown.status == Some(66) || unknown.status == Some(1), "{unknown:?}");
        assert!(unknown.out.is_empty() && unknown.err.contains("none"), "{unknown:?}");
        let elsewhere = told(&session, Some("export x"), b"").await;
        assert!(elsewhere.status != Some(0) && elsewhere.err.contains("refused to clients"), "{elsewhere:?}");
        let probe = told(&session, Some("echo ${ShellId}%ComSpec%"), b"").await;
        assert_eq!(probe, Told { status: Some(0), out: "%ComSpec%\n".into(), err: String::new() });
        let sum = told(&session, Some("md5sum"), b"abc\n").await;
        assert_eq!(sum.out, "0bee89b07a248e27c83fc3d5951213c1  -\n");
        // As `sh` does: the last one counts.
        let mixed = told(&session, Some("info none; pwd; whoami"), b"").await;
        assert!(mixed.status == Some(0) && mixed.out.starts_with("/files\n") && mixed.out.contains("alice"), "{mixed:?}");
        assert!(mixed.err.contains("none"), "{mixed:?}");
        let mixed = told(&session, Some("pwd; info none"), b"").await;
        assert!(mixed.status == unknown.status && mixed.out == "/files\n", "{mixed:?}");
        // Lines of standard input; one that fails does not end the shell.
        let lines = told(&session, None, b"nope\nset x hello\necho $x\n").await;
        assert!(lines.status == Some(0) && lines.out == "hello\n" && lines.err.contains("nope"), "{lines:?}");
        assert!(session.channel_open_session().await.unwrap().request_subsystem(true, "sftp").await.is_ok());
    });
    assert_eq!(served.stop().code, Some(0));
}

#[test]
fn who_is_not_known_is_refused() {
    let (_home, served) = of_alice();
    let address = served.ssh("Node_01");
    on_a_runtime(async {
        for (name, password) in [("alice", "wrong"), ("operator", PASSWORD), ("", "")] {
            let mut session = session(address).await;
            let refused = session.authenticate_password(name, password).await.unwrap();
            assert!(matches!(refused, AuthResult::Failure { .. }), "{name}");
            assert!(session.channel_open_session().await.is_err(), "{name}");
        }
        let mut session = session(address).await;
        let asked = session.authenticate_keyboard_interactive_start("alice", None).await.unwrap();
        assert!(matches!(asked, KeyboardInteractiveAuthResponse::InfoRequest { .. }));
        let answered = logins::respond(&mut session, PASSWORD).await;
        assert!(matches!(answered, KeyboardInteractiveAuthResponse::Success), "{answered:?}");
    });
    assert_eq!(served.stop().code, Some(0));
}
