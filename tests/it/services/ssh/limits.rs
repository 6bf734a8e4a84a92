//! Limits, and clients that do not do as they should.

use std::io::Write;
use std::net::TcpStream as Stream;

use super::*;

/// Returns the first line that the server sends, or nothing where it ends the connection.
pub(super) fn banner(stream: &mut Stream) -> Option<String> {
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).ok()?;
    (!line.is_empty()).then_some(line)
}

/// What is no SSH ends its own connection and no other one.
#[test]
fn garbage_ends_the_connection() {
    let (_home, served) = of_alice();
    let address = served.ssh("Node_01");
    let long = vec![b'x'; 1 << 20];
    let garbage: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\n\r\n",
        b"SSH-1.5-old\r\n",
        b"SSH-2.0-it\r\n\xff\xff\xff\xff\xff\xff\xff\xff",
        b"SSH-2.0-it\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
        &long,
    ];
    for bytes in garbage {
        let mut stream = Stream::connect(address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        // The server may have ended it before all is sent.
        let _ = stream.write_all(bytes).and_then(|()| stream.shutdown(std::net::Shutdown::Write));
        let mut said = Vec::new();
        let ended = stream.read_to_end(&mut said);
        let timed_out = ended.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
        assert!(!timed_out, "{}", bytes.escape_ascii().take(40).map(char::from).collect::<String>());
    }
    on_a_runtime(async { assert!(logged_in(address).await.channel_open_session().await.is_ok()) });
    assert_eq!(served.stop().code, Some(0));
}

/// The nodes have their limits in common: 128 connections of one address, and whoever goes makes room.
#[test]
fn a_hundred_and_forty_connections_are_too_many_for_one_address() {
    const PLACES: usize = 128;
    let home = Home::new(QUICK);
    let served = served(&home);
    let addresses = ["Node_01", "Node_02"].map(|node| served.ssh(node));
    let mut there: Vec<Stream> = (0..140).map(|index| Stream::connect(addresses[index % 2]).unwrap()).collect();
    let answers = there.iter_mut().map(banner).collect::<Vec<_>>();
    assert_eq!(answers.iter().flatten().count(), PLACES);
    assert!(answers.iter().flatten().all(|line| line.starts_with("SSH-2.0-p2p_")));
    drop(there);
    wait_until("room again", || banner(&mut Stream::connect(addresses[0]).unwrap()).is_some());
    let said = served.stop();
    assert!(said.code == Some(0) && said.stderr.contains("too many connections of one address"), "{said:?}");
}

#[test]
fn what_a_client_may_ask_of_a_connection_is_limited() {
    let (_home, served) = of_alice();
    let address = served.ssh("Node_01");
    on_a_runtime(async {
        let session = logged_in(address).await;
        let mut open = Vec::new();
        for _ in 0..10 {
            open.push(session.channel_open_session().await.unwrap());
        }
        assert!(session.channel_open_session().await.is_err(), "the eleventh channel");
        open.pop().unwrap().close().await.unwrap();
        let mut channel = loop {
            match session.channel_open_session().await {
                Ok(channel) => break channel,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        channel.exec(true, vec![b'x'; (64 << 10) + 1]).await.unwrap();
        assert!(refused(&mut channel).await, "a command that is too long");
        channel.request_subsystem(true, "nothing").await.unwrap();
        assert!(refused(&mut channel).await, "an unknown subsystem");
        channel.set_env(true, "LD_PRELOAD", "x").await.unwrap();
        assert!(refused(&mut channel).await, "the environment");
        assert!(session.channel_open_direct_tcpip("127.0.0.1", 1, "127.0.0.1", 2).await.is_err(), "forwarding");
        assert!(session.tcpip_forward("127.0.0.1", 0).await.is_err(), "forwarding back");
    });
    let said = served.stop();
    for words in ["1 too many channels of one connection", "1 a command that is too long", "1 a subsystem that there is not"] {
        assert!(said.stderr.contains(words), "{words}: {said:?}");
    }
}

/// Waits for the answer to a request.
async fn refused(channel: &mut Channel<Msg>) -> bool {
    loop {
        match channel.wait().await.unwrap() {
            ChannelMsg::Failure => return true,
            ChannelMsg::Success => return false,
            _ => {}
        }
    }
}

/// The session of a client that is cut off ends, and with it the command that it waits for.
#[test]
fn a_client_that_is_cut_off_leaves_nothing() {
    let (_home, served) = of_alice();
    let address = served.ssh("Node_01");
    on_a_runtime(async {
        let watching = logged_in(address).await;
        let cut = logged_in(address).await;
        let channel = cut.channel_open_session().await.unwrap();
        channel.exec(true, "md5sum").await.unwrap();
        channel.data_bytes(vec![7; 1 << 20]).await.unwrap();
        assert_eq!(sessions(&watching).await, 2);
        // Without a word: the task of the connection ends with the handle.
        drop((channel, cut));
        while sessions(&watching).await != 1 {
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(served.stop().code, Some(0));
}

/// Counts the sessions that begin by SSH.
async fn sessions(session: &Handle<Anyone>) -> usize {
    told(session, Some("sessions"), b"").await.out.matches("ssh").count()
}

/// Clients of a killed node are cut and refused, and taken in again once it runs.
#[test]
fn a_killed_node_refuses_and_comes_back() {
    let (_home, served) = of_alice();
    let (first, second) = (served.ssh("Node_01"), served.ssh("Node_02"));
    on_a_runtime(async {
        let admin = logged_in(first).await;
        let cut = logged_in(second).await;
        assert_eq!(told(&admin, Some("kill Node_02"), b"").await.status, Some(0));
        while !cut.is_closed() {
            tokio::task::yield_now().await;
        }
        while tokio::net::TcpStream::connect(second).await.is_ok() {
            tokio::task::yield_now().await;
        }
        assert_eq!(told(&admin, Some("start Node_02"), b"").await.status, Some(0));
        while tokio::net::TcpStream::connect(second).await.is_err() {
            tokio::task::yield_now().await;
        }
        assert!(told(&logged_in(second).await, Some("whoami"), b"").await.out.contains("alice"));
    });
    assert_eq!(served.stop().code, Some(0));
}
