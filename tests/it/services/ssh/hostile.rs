//! Clients that mean harm, or that have it done to them: each gets a clear end, and the others go on.

use std::io::Write;
use std::net::TcpStream as Stream;
use std::time::Instant;

use super::limits::banner;
use super::*;
use crate::accounts::{app_code, enable_app, now};

/// Five hundred connections at once: as many as there are places are taken in, the others are refused at once, the memory stays in bounds, and
/// whoever comes when they have gone logs in.
#[test]
fn five_hundred_connections_cost_little() {
    let (_home, served) = of_alice();
    let address = served.ssh("Node_01");
    let before = served.memory();
    let mut there: Vec<Stream> = (0..500).map(|_| Stream::connect(address).unwrap()).collect();
    let taken = there.iter_mut().filter_map(banner).count();
    assert_eq!(taken, 128);
    let grown = served.memory().saturating_sub(before);
    assert!(grown < 64 << 20, "{grown} bytes");
    drop(there);
    wait_until("room again", || banner(&mut Stream::connect(address).unwrap()).is_some());
    on_a_runtime(async { assert!(told(&logged_in(address).await, Some("whoami"), b"").await.out.contains("alice")) });
    let said = served.stop();
    let refused = said.stderr.split_once(" too many connections of one address").unwrap().0;
    // Who has looked whether there was room again may be among them.
    let refused: usize = refused.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(said.code == Some(0) && refused >= 372, "{said:?}");
}

/// A handshake has half a minute, however slowly it goes on.
#[test]
#[ignore = "needs half a minute"]
#[expect(clippy::disallowed_methods, reason = "a server gives its clients wall time")]
fn a_slow_handshake_is_cut() {
    let home = Home::new(QUICK);
    let served = served(&home);
    let mut stream = Stream::connect(served.ssh("Node_01")).unwrap();
    assert!(banner(&mut stream).is_some());
    let began = Instant::now();
    stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let _ = stream.write_all(b"SSH-2.0-it\r\n\x00\x00\x04\x00");
    let mut said = [0; 4096];
    loop {
        // A byte a second: the client is never silent, and never done.
        match stream.read(&mut said) {
            Ok(0) => break,
            Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => break,
            _ => {}
        }
        if stream.write_all(b"\x00").is_err() {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(40), "it goes on");
    }
    assert!(began.elapsed() > Duration::from_secs(20), "{:?}", began.elapsed());
    let said = served.stop();
    assert!(said.code == Some(0) && said.stderr.contains("1 no request in time"), "{said:?}");
}

/// A code admits once, on whatever connection.
#[test]
fn a_code_is_not_taken_twice() {
    let home = Home::new(QUICK);
    home.register("alice");
    let (secret, _) = enable_app(&home, "alice");
    let served = served(&home);
    let addresses = ["Node_01", "Node_02"].map(|node| served.ssh(node));
    // The code of the present was used to enable codes.
    let code = app_code(&secret, now() + 30);
    on_a_runtime(async {
        for (address, is_first) in addresses.into_iter().zip([true, false]) {
            let mut session = session(address).await;
            session.authenticate_password("alice", PASSWORD).await.unwrap();
            session.authenticate_keyboard_interactive_start("alice", None).await.unwrap();
            let answer = logins::respond(&mut session, &code).await;
            assert_eq!(matches!(answer, KeyboardInteractiveAuthResponse::Success), is_first, "{answer:?}");
        }
    });
    assert_eq!(served.stop().code, Some(0));
}

/// A client whose node is killed while a command runs is told and cut, and what the command has begun is cancelled.
#[test]
fn the_end_of_a_node_ends_what_runs_there() {
    // At 1x the command takes longer than this test may: it runs whenever its node is killed.
    let home = Home::new("[network]\nbandwidth = '128Kbit/s'\ndelay = '1ms'\nloss = '0%'\n");
    home.register("alice");
    home.login("alice");
    home.file("big.bin", 3_000_000);
    home.ok(&["put", "big.bin"]);
    let served = Served::of(home.spawn(&["serve", "--ssh=:0", "--speed=1x"]));
    let (first, second) = (served.ssh("Node_01"), served.ssh("Node_02"));
    on_a_runtime(async {
        let admin = logged_in(first).await;
        let cut = logged_in(second).await;
        let mut channel = cut.channel_open_session().await.unwrap();
        channel.exec(true, "md5sum /files/big.bin").await.unwrap();
        while !told(&admin, Some("transfers"), b"").await.out.contains("big.bin") {
            tokio::task::yield_now().await;
        }
        assert_eq!(told(&admin, Some("kill Node_02"), b"").await.status, Some(0));
        let ended = async {
            while let Some(message) = channel.wait().await {
                assert!(!matches!(message, ChannelMsg::ExitStatus { exit_status: 0 }), "it has succeeded");
            }
            while !cut.is_closed() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(DEADLINE, ended).await.unwrap();
        while !told(&admin, Some("transfers"), b"").await.out.contains("failed") {
            tokio::task::yield_now().await;
        }
        let listed = told(&admin, Some("nodes"), b"").await;
        assert_eq!(listed.status, Some(0));
    });
    assert_eq!(served.stop().code, Some(0));
}

/// Channels whose answers nobody takes cost a bounded memory, and other clients are answered.
#[test]
fn readers_that_never_read_hold_nobody_up() {
    let (_home, served) = of_alice();
    let (first, second) = (served.ssh("Node_01"), served.ssh("Node_02"));
    let before = served.memory();
    on_a_runtime(async {
        let mut stuck = Vec::new();
        for _ in 0..8 {
            let session = logged_in(first).await;
            let channel = session.channel_open_session().await.unwrap();
            channel.request_shell(true).await.unwrap();
            // What they ask for is more than the window of a channel, and nobody takes it.
            channel.data_bytes("help\n".repeat(2_000).into_bytes()).await.unwrap();
            stuck.push((session, channel));
        }
        let other = logged_in(second).await;
        assert!(told(&other, Some("whoami"), b"").await.out.contains("alice"));
        let grown = served.memory().saturating_sub(before);
        assert!(grown < 128 << 20, "{grown} bytes");
    });
    assert_eq!(served.stop().code, Some(0));
}
