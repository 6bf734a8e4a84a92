//! SFTP of clients that mean harm, or do not know what they do.

use std::sync::Arc;

use bytes::Bytes;
use russh::client::{Config, Msg, connect, connect_stream};
use russh::{Channel, ChannelMsg};
use russh_sftp::protocol::{FileAttributes, Init, Open, OpenFlags, Packet, Read, StatusCode, Write};
use tokio::io::AsyncWriteExt;

use super::files::registered;
use super::sftp::{channel, content, put, raw, refused, sftp, speaking, subsystem};
use super::ssh::{Anyone, logged_in, of_alice, served, told};
use super::*;

/// Clients of each hostile kind.
const FIFTY: usize = 50;
/// Clients that write: each costs the test what it sends.
const WRITERS: usize = 10;
/// Memory that fifty of a kind may take at the most, in bytes.
const MEMORY_MAX: u64 = 230 << 20;
/// Clients that are killed at once, and how often.
const KILLED: usize = 5;
const ROUNDS: usize = 3;
/// Growth of memory that is no leak of what the killed have sent, in bytes.
const GROWTH_MAX: u64 = 48 << 20;

fn bytes(packet: Packet) -> Bytes {
    packet.try_into().unwrap()
}

/// Sends bytes, and returns what comes back until the server closes the channel.
async fn answered(channel: &mut Channel<Msg>, bytes: Vec<u8>) -> (Vec<u8>, bool) {
    let (mut found, mut has_ended) = (Vec::new(), false);
    let _ = channel.data_bytes(bytes).await;
    while let Some(message) = channel.wait().await {
        match message {
            ChannelMsg::Data { data } => found.extend_from_slice(&data),
            ChannelMsg::Eof => has_ended = true,
            ChannelMsg::Close => return (found, has_ended),
            _ => {}
        }
    }
    (found, has_ended)
}

#[test]
fn what_is_no_packet_ends_the_channel() {
    let (_home, served) = of_alice();
    let address = served.ssh("Node_01");
    let init = bytes(Packet::Init(Init::default()));
    on_a_runtime(async {
        for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0, 0, 0, 0], &[0, 4, 0, 1, 17], &[0, 0, 0, 5, 17, 0, 0, 0, 1]] {
            let mut channel = channel(address).await;
            let (_, has_ended) = answered(&mut channel, garbage.to_vec()).await;
            assert!(has_ended, "{garbage:?}");
            let mut after = self::channel(address).await;
            let (found, has_ended) = answered(&mut after, [&init[..], garbage].concat()).await;
            assert!(has_ended && found.starts_with(&[0, 0]), "{garbage:?}");
        }
        // The end of what is asked is the end of the channel, once all is answered.
        let mut channel = channel(address).await;
        channel.data_bytes(init.to_vec()).await.unwrap();
        channel.eof().await.unwrap();
        let (found, has_ended) = answered(&mut channel, Vec::new()).await;
        assert!(has_ended && found.get(4) == Some(&2));
    });
    assert_eq!(served.stop().code, Some(0));
}

#[test]
fn no_path_leads_out_of_what_is_ones_own() {
    let home = Home::new(QUICK);
    home.register("root");
    home.register("alice");
    home.login("root");
    std::fs::write(home.path("secret"), b"secret").unwrap();
    home.ok(&["put", "secret"]);
    let served = served(&home);
    let address = served.ssh("Node_01");
    on_a_runtime(async {
        let sftp = sftp(address).await;
        put(&sftp, "a", b"a").await;
        let too_long = "x".repeat(70_000);
        let others = [
            "../../etc/passwd",
            "/files/../../../etc/passwd",
            "/files/../secret",
            "/etc/passwd",
            "/proc/self/environ",
            "/files/~root/secret",
            "/files/~root/../~root/secret",
            "~root",
            "root/secret",
            "/files/~/secret",
            "/files/~nobody/a",
            "/node/../p2p.toml",
            "/node/segments/../../p2p.toml",
            "/node/segments/~root",
            "a/../../secret",
            "a\0b",
            &too_long,
        ];
        for path in others {
            let name = &path[..path.len().min(40)];
            assert!(sftp.metadata(path).await.is_err(), "{name}");
            assert!(sftp.read(path).await.is_err(), "{name}");
            assert!(sftp.read_dir(path).await.is_err(), "{name}");
            assert!(sftp.remove_file(path).await.is_err(), "{name}");
            assert!(sftp.rename(path, "stolen").await.is_err(), "{name}");
        }
        for path in
            ["/files/~root/made", "/etc/made", "/node/segments/made", "~root/made", "a\0b", &too_long, "a/b", "/files", "/"]
        {
            let name = &path[..path.len().min(40)];
            assert!(sftp.create(path).await.is_err(), "{name}");
            assert!(sftp.create_dir(path).await.is_err(), "{name}");
            assert!(sftp.rename("a", path).await.is_err(), "{name}");
        }
        assert_eq!(sftp.read_dir("/files").await.unwrap().count(), 1);
        assert_eq!(sftp.read("a").await.unwrap(), b"a");
    });
    assert_eq!(served.stop().code, Some(0));
}

#[test]
fn a_session_has_so_many_handles_and_no_more() {
    let (_home, served) = of_alice();
    let address = served.ssh("Node_01");
    on_a_runtime(async {
        put(&sftp(address).await, "a", b"a").await;
        // The limits are not asked for, as a client of ill will does.
        let raw = raw(address).await;
        let (read, create) = (OpenFlags::READ, OpenFlags::WRITE | OpenFlags::CREATE);
        let open = |name: &'static str, flags| raw.open(name, flags, FileAttributes::empty());
        let mut handles = Vec::new();
        for _ in 0..64 {
            handles.push(open("a", read).await.unwrap().handle);
        }
        let status = refused(open("a", read).await);
        assert!(status.status_code == StatusCode::Failure && status.error_message.contains("64"), "{status:?}");
        refused(open("b", create).await);
        refused(raw.opendir("/files").await);
        raw.close(handles.pop().unwrap()).await.unwrap();
        let handle = open("b", create).await.unwrap().handle;
        raw.close(handle).await.unwrap();
        assert!(sftp(address).await.open("b").await.is_ok(), "another session has its own");
    });
    assert_eq!(served.stop().code, Some(0));
}

/// Logs in with a small window, so that little is sent to who does not read.
async fn narrow(address: SocketAddr) -> Channel<Msg> {
    let config = Config { window_size: 64 << 10, ..Config::default() };
    let mut session = connect(Arc::new(config), address, Anyone).await.unwrap();
    assert!(session.authenticate_password("alice", PASSWORD).await.unwrap().success());
    let channel = subsystem(&session).await;
    std::mem::forget(session);
    channel
}

/// Begins to speak, and opens a file under the handle `1`.
async fn opened(address: SocketAddr, filename: &str, pflags: OpenFlags) -> Channel<Msg> {
    let mut channel = narrow(address).await;
    let open = Packet::Open(Open { id: 1, filename: filename.into(), pflags, attrs: Default::default() });
    let both = [bytes(Packet::Init(Init::default())), bytes(open)].concat();
    channel.data_bytes(both).await.unwrap();
    let mut found = Vec::new();
    // SSH_FXP_HANDLE is 102, and follows the answer to INIT.
    let is_open = |found: &[u8]| {
        let first = found.first_chunk::<4>().map(|len| 4 + u32::from_be_bytes(*len) as usize);
        first.is_some_and(|first| found.get(first + 4) == Some(&102))
    };
    while !is_open(&found) {
        if let ChannelMsg::Data { data } = channel.wait().await.unwrap() {
            found.extend_from_slice(&data);
        }
    }
    channel
}

/// Lets each client ask for more than it ever reads, or write more than is ever taken, until its connection takes no more for a while.
async fn overload(clients: Vec<Channel<Msg>>, packet: fn(u32) -> Packet) -> Vec<Channel<Msg>> {
    let mut all = tokio::task::JoinSet::new();
    for client in clients {
        all.spawn(async move {
            for id in 2..400 {
                let sent = tokio::time::timeout(Duration::from_secs(2), client.data_bytes(bytes(packet(id)))).await;
                if !matches!(sent, Ok(Ok(()))) {
                    break;
                }
            }
            client
        });
    }
    all.join_all().await
}

#[test]
fn fifty_who_never_read_hold_nobody_up() {
    let (_home, served) = of_alice();
    let address = served.ssh("Node_01");
    on_a_runtime(async {
        let one = sftp(address).await;
        let all = content(4 << 20);
        put(&one, "big", &all).await;
        let before = served.memory();
        let mut clients = Vec::new();
        for _ in 0..FIFTY {
            clients.push(opened(address, "big", OpenFlags::READ).await);
        }
        let read =
            |id: u32| Packet::Read(Read { id, handle: "1".into(), offset: u64::from(id) % 16 * (255 << 10), len: 255 << 10 });
        let clients = overload(clients, read).await;
        assert_eq!(one.read("big").await.unwrap(), all);
        let taken = served.memory().saturating_sub(before);
        assert!(taken < MEMORY_MAX, "{taken}");
        assert_eq!(clients.len(), FIFTY);
    });
    assert_eq!(served.stop().code, Some(0));
}

#[test]
fn those_who_write_more_than_is_taken_hold_nobody_up() {
    // What they write goes over links of 64 KiB/s.
    let home = Home::new("[network]\ndelay = '1ms'\nloss = '0%'\n");
    home.register("alice");
    let served = Served::of(home.spawn(&["serve", "--ssh=:0"]));
    let address = served.ssh("Node_01");
    on_a_runtime(async {
        let one = sftp(address).await;
        let before = served.memory();
        let mut clients = Vec::new();
        for number in 0..WRITERS {
            let flags = OpenFlags::WRITE | OpenFlags::CREATE;
            clients.push(opened(address, &format!("big {number}"), flags).await);
        }
        let write = |id: u32| {
            let data = vec![id as u8; 128 << 10];
            Packet::Write(Write { id, handle: "1".into(), offset: u64::from(id - 2) * (128 << 10), data })
        };
        let clients = overload(clients, write).await;
        one.create_dir("d").await.unwrap();
        assert!(one.metadata("d").await.unwrap().is_dir());
        let taken = served.memory().saturating_sub(before);
        assert!(taken < WRITERS as u64 * (MEMORY_MAX / FIFTY as u64), "{taken}");
        assert_eq!(clients.len(), WRITERS);
        assert_eq!(one.read_dir("/files").await.unwrap().count(), 1, "nothing of it is a file");
    });
    served.stop();
}

/// Sends the begin of a file, and is killed: its connection ends without a word of SSH or SFTP.
async fn killed_in_the_middle(address: SocketAddr, path: &str, content: &[u8]) {
    let (near, mut end) = tokio::io::duplex(64 << 10);
    let mut far = tokio::net::TcpStream::connect(address).await.unwrap();
    let mut wire = tokio::task::JoinSet::new();
    wire.spawn(async move { tokio::io::copy_bidirectional(&mut end, &mut far).await });
    let mut session = connect_stream(Arc::default(), near, Anyone).await.unwrap();
    assert!(session.authenticate_password("alice", PASSWORD).await.unwrap().success());
    let client = speaking(subsystem(&session).await).await;
    let mut file = client.create(path).await.unwrap();
    file.write_all(content).await.unwrap();
    // What was written is answered before the size is.
    file.metadata().await.unwrap();
    wire.shutdown().await;
}

/// What the killed have sent is no file, is kept until it is forgotten, and costs no memory; the upload of another client goes on.
#[test]
fn clients_that_are_killed_in_the_middle_of_an_upload_hold_nobody_up() {
    let (_home, served) = of_alice();
    let address = served.ssh("Node_01");
    on_a_runtime(async {
        let one = sftp(address).await;
        let all = content(300_000);
        let mut file = one.create("whole").await.unwrap();
        let mut before = 0;
        for (round, part) in all.chunks(all.len() / ROUNDS).enumerate() {
            file.write_all(part).await.unwrap();
            for number in 0..KILLED {
                killed_in_the_middle(address, &format!("killed {number}"), &all).await;
            }
            for number in 0..KILLED {
                let path = format!("killed {number}");
                let mut looks = tokio::time::interval(Duration::from_millis(20));
                let kept = loop {
                    looks.tick().await;
                    if let Ok(found) = one.metadata(&path).await {
                        break found.size.unwrap();
                    }
                };
                assert!((1..=300_000).contains(&kept), "{kept}");
                assert_eq!(refused(one.open(&path).await.map(drop)).status_code, StatusCode::NoSuchFile);
                one.remove_file(&path).await.unwrap();
            }
            if round == 0 {
                before = served.memory();
            }
        }
        file.shutdown().await.unwrap();
        assert_eq!(one.read("whole").await.unwrap(), all);
        assert_eq!(one.read_dir("/files").await.unwrap().count(), 1, "nothing of the killed is a file");
        let grown = served.memory().saturating_sub(before);
        assert!(grown < GROWTH_MAX, "{grown}");
    });
    assert_eq!(served.stop().code, Some(0));
}

/// Five gibibytes are declared, by OPEN, by the size of an open file and of a stored one, and by the place of a WRITE, and ten bytes are sent.
#[test]
fn what_is_declared_and_not_sent_is_no_file() {
    const DECLARED: u64 = 5 << 30;
    let (_home, served) = of_alice();
    let address = served.ssh("Node_01");
    on_a_runtime(async {
        let one = sftp(address).await;
        put(&one, "stored", b"ten bytes.").await;
        let before = served.memory();
        let size = FileAttributes { size: Some(DECLARED), ..FileAttributes::empty() };
        let raw = raw(address).await;
        let flags = OpenFlags::WRITE | OpenFlags::CREATE;
        let open = async |name: &'static str, attrs| raw.open(name, flags, attrs).await.unwrap().handle;
        // A size in OPEN is no promise (draft-ietf-secsh-filexfer-02, section 6.3): what is sent is all.
        let handle = open("opened", size.clone()).await;
        raw.write(&handle, 0, b"ten bytes.".to_vec()).await.unwrap();
        raw.close(&handle).await.unwrap();
        assert_eq!(one.read("opened").await.unwrap(), b"ten bytes.");
        let handle = open("grown", FileAttributes::empty()).await;
        raw.write(&handle, 0, b"ten bytes.".to_vec()).await.unwrap();
        let status = refused(raw.fsetstat(&handle, size.clone()).await);
        assert!(status.status_code == StatusCode::Failure && status.error_message.contains("256"), "{status:?}");
        refused(raw.close(&handle).await);
        let handle = open("far", FileAttributes::empty()).await;
        let status = refused(raw.write(&handle, DECLARED, b"ten bytes.".to_vec()).await);
        assert!(status.status_code == StatusCode::Failure && status.error_message.contains("256"), "{status:?}");
        refused(raw.close(&handle).await);
        let status = refused(one.set_metadata("stored", size).await);
        assert!(status.status_code == StatusCode::Failure && status.error_message.contains("256"), "{status:?}");
        assert_eq!(one.read("stored").await.unwrap(), b"ten bytes.");
        let mut names: Vec<String> = one.read_dir("/files").await.unwrap().map(|entry| entry.file_name()).collect();
        names.sort_unstable();
        assert_eq!(names, ["opened", "stored"]);
        let grown = served.memory().saturating_sub(before);
        assert!(grown < GROWTH_MAX, "{grown}");
    });
    assert_eq!(served.stop().code, Some(0));
}

/// A token that there never was logs nobody in; a session whose token is revoked does nothing more and ends, and what it has begun to send is no
/// file.
#[test]
fn a_token_that_is_wrong_or_revoked_opens_nothing() {
    let home = registered(QUICK, &["alice"]);
    home.login("alice");
    let token = home.ok(&["token", "new", "program", "--scope", "write"]).trim().to_owned();
    let served = served(&home);
    let address = served.ssh("Node_01");
    on_a_runtime(async {
        let by = async |token: &str| {
            let mut session = connect(Arc::default(), address, Anyone).await.unwrap();
            session.authenticate_password("alice", token).await.unwrap().success().then_some(session)
        };
        assert!(by("p2p_0123456789012345678901234567890123456789012").await.is_none());
        let session = by(&token).await.unwrap();
        let over = speaking(subsystem(&session).await).await;
        put(&over, "a", b"a").await;
        let mut file = over.create("b").await.unwrap();
        file.write_all(&content(200_000)).await.unwrap();
        file.metadata().await.unwrap();
        let alice = logged_in(address).await;
        assert_eq!(told(&alice, Some("token revoke program"), b"").await.status, Some(0));
        assert!(over.read("a").await.is_err() && over.create("c").await.is_err() && over.remove_file("a").await.is_err());
        assert!(file.shutdown().await.is_err());
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        while !session.is_closed() {
            looks.tick().await;
        }
        assert!(by(&token).await.is_none());
        let one = sftp(address).await;
        while one.metadata("b").await.is_err() {
            // What it has sent is kept for its user.
            looks.tick().await;
        }
        let names: Vec<String> = one.read_dir("/files").await.unwrap().map(|entry| entry.file_name()).collect();
        assert_eq!(names, ["a"]);
    });
    assert_eq!(served.stop().code, Some(0));
}
