//! SFTP at the SSH server of a node, as a client of the same library sees it and, packet by packet, as a hostile one does.

use bytes::Bytes;
use russh::client::Msg;
use russh::{Channel, ChannelMsg};
use russh_sftp::client::SftpSession;
use russh_sftp::protocol::{FileAttributes, OpenFlags, Packet, Status, StatusCode};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

use super::ssh::{logged_in, served};
use super::*;

async fn channel(address: SocketAddr) -> Channel<Msg> {
    let session = logged_in(address).await;
    let channel = session.channel_open_session().await.unwrap();
    channel.request_subsystem(true, "sftp").await.unwrap();
    // The connection lasts as long as the test.
    std::mem::forget(session);
    channel
}

async fn sftp(address: SocketAddr) -> SftpSession {
    SftpSession::new(channel(address).await.into_stream()).await.unwrap()
}

/// Content in which every place differs from its neighbours.
fn content(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 31 + at / 251) as u8).collect()
}

async fn put(sftp: &SftpSession, path: &str, content: &[u8]) {
    let mut file = sftp.create(path).await.unwrap();
    file.write_all(content).await.unwrap();
    file.shutdown().await.unwrap();
}

/// Returns the status of a refusal.
fn refused<T: std::fmt::Debug>(answer: Result<T, russh_sftp::client::error::Error>) -> Status {
    match answer {
        Err(russh_sftp::client::error::Error::Status(status)) => status,
        other => panic!("{other:?}"),
    }
}

#[test]
fn files_are_stored_listed_read_renamed_and_removed() {
    let home = Home::new(QUICK);
    home.register("alice");
    let served = served(&home);
    let address = served.ssh("Node_02");
    on_a_runtime(async {
        let sftp = sftp(address).await;
        assert_eq!(sftp.canonicalize(".").await.unwrap(), "/files");
        sftp.create_dir("docs").await.unwrap();
        let all = content(300_000);
        put(&sftp, "docs/a.bin", &all).await;
        assert_eq!(sftp.read("/files/docs/a.bin").await.unwrap(), all);
        let attrs = sftp.metadata("docs/a.bin").await.unwrap();
        assert_eq!((attrs.size, attrs.is_regular(), attrs.permissions.unwrap() & 0o777), (Some(300_000), true, 0o644));
        // Reads elsewhere give the bytes of that place.
        let mut file = sftp.open("docs/a.bin").await.unwrap();
        for at in [250_000, 10, 131_072, 131_000] {
            let mut found = [0; 100];
            file.seek(std::io::SeekFrom::Start(at)).await.unwrap();
            file.read_exact(&mut found).await.unwrap();
            assert_eq!(found[..], all[at as usize..][..100], "{at}");
        }
        file.shutdown().await.unwrap();
        let names: Vec<String> = sftp.read_dir("docs").await.unwrap().map(|entry| entry.file_name()).collect();
        assert_eq!(names, ["a.bin"]);
        // A plain RENAME replaces nothing, and a directory that is not empty stays.
        put(&sftp, "b.bin", b"b").await;
        assert_eq!(refused(sftp.rename("b.bin", "docs/a.bin").await).status_code, StatusCode::Failure);
        sftp.rename("docs/a.bin", "a.bin").await.unwrap();
        assert_eq!(refused(sftp.metadata("docs/a.bin").await).status_code, StatusCode::NoSuchFile);
        assert_eq!(refused(sftp.remove_dir("/files").await).status_code, StatusCode::PermissionDenied);
        sftp.remove_dir("docs").await.unwrap();
        sftp.remove_file("a.bin").await.unwrap();
        assert_eq!(refused(sftp.remove_file("a.bin").await).status_code, StatusCode::NoSuchFile);
        assert_eq!(refused(sftp.metadata("/etc/passwd").await).status_code, StatusCode::NoSuchFile);
        // What is written to nowhere is refused.
        assert_eq!(refused(sftp.create("/node/x").await.map(drop)).status_code, StatusCode::PermissionDenied);
    });
    assert_eq!(served.stop().code, Some(0));
}

#[test]
fn times_and_modes_are_kept_and_the_writing_session_alone_sees_a_file_before_its_end() {
    let home = Home::new(QUICK);
    home.register("alice");
    let served = served(&home);
    let address = served.ssh("Node_01");
    on_a_runtime(async {
        let (one, two) = (sftp(address).await, sftp(address).await);
        let attrs = FileAttributes { mtime: Some(1_600_000_000), permissions: Some(0o600), ..FileAttributes::empty() };
        let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE;
        let mut file = one.open_with_flags_and_attributes("a", flags, attrs).await.unwrap();
        file.write_all(b"12345").await.unwrap();
        file.flush().await.unwrap();
        assert_eq!(one.metadata("a").await.unwrap().size, Some(5));
        assert_eq!(refused(two.metadata("a").await).status_code, StatusCode::NoSuchFile);
        file.shutdown().await.unwrap();
        let found = two.metadata("a").await.unwrap();
        assert_eq!((found.size, found.mtime, found.permissions.unwrap() & 0o777), (Some(5), Some(1_600_000_000), 0o600));
        let later = FileAttributes { mtime: Some(1_500_000_000), atime: Some(0), ..FileAttributes::empty() };
        two.set_metadata("a", later).await.unwrap();
        assert_eq!(one.metadata("a").await.unwrap().mtime, Some(1_500_000_000));
    });
    assert_eq!(served.stop().code, Some(0));
}

#[test]
fn the_segments_of_a_node_can_be_read() {
    let home = Home::new(QUICK);
    home.register("alice");
    let served = served(&home);
    let address = served.ssh("Node_01");
    on_a_runtime(async {
        let sftp = sftp(address).await;
        let all = content(200_000);
        put(&sftp, "a", &all).await;
        for entry in sftp.read_dir("/node/segments").await.unwrap() {
            let bytes = sftp.read(format!("/node/segments/{}", entry.file_name())).await.unwrap();
            assert_eq!(entry.metadata().size, Some(bytes.len() as u64));
            assert_eq!(p2p_store::segment::Sha256Digest::of(&bytes).to_string(), entry.file_name());
        }
    });
    assert_eq!(served.stop().code, Some(0));
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
    let home = Home::new(QUICK);
    home.register("alice");
    let served = served(&home);
    let address = served.ssh("Node_01");
    let init: Bytes = Packet::Init(Default::default()).try_into().unwrap();
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

/// An upload whose client is lost is no file, and another connection sends what is missing.
#[test]
fn a_lost_upload_is_no_file_and_is_continued() {
    let home = Home::new(QUICK);
    home.register("alice");
    let served = served(&home);
    let address = served.ssh("Node_01");
    let all = content(400_000);
    on_a_runtime(async {
        let connection = logged_in(address).await;
        let channel = connection.channel_open_session().await.unwrap();
        channel.request_subsystem(true, "sftp").await.unwrap();
        let lost = SftpSession::new(channel.into_stream()).await.unwrap();
        let mut file = lost.create("a").await.unwrap();
        file.write_all(&all[..300_000]).await.unwrap();
        file.flush().await.unwrap();
        let sftp = sftp(address).await;
        connection.disconnect(russh::Disconnect::ByApplication, "", "").await.unwrap();
        drop((file, lost, connection));
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        let kept = loop {
            looks.tick().await;
            if let Ok(found) = sftp.metadata("a").await {
                break found.size.unwrap();
            }
        };
        assert!((1..=300_000).contains(&kept), "{kept}");
        assert_eq!(sftp.read_dir("/files").await.unwrap().count(), 0, "it is listed as no file");
        assert_eq!(refused(sftp.open("a").await.map(drop)).status_code, StatusCode::NoSuchFile);
        let mut file = sftp.open_with_flags("a", OpenFlags::WRITE | OpenFlags::CREATE).await.unwrap();
        file.seek(std::io::SeekFrom::Start(kept)).await.unwrap();
        file.write_all(&all[kept as usize..]).await.unwrap();
        file.shutdown().await.unwrap();
        assert_eq!(sftp.read("a").await.unwrap(), all);
        // TRUNC replaces what is stored as a whole.
        put(&sftp, "a", b"new").await;
        assert_eq!(sftp.read("a").await.unwrap(), b"new");
    });
    assert_eq!(served.stop().code, Some(0));
}

/// A home with a user who has a key, and the options of OpenSSH for it.
fn keyed() -> (Home, Vec<String>) {
    let home = Home::new(QUICK);
    home.register("alice");
    home.login("alice");
    let key = home.path("id");
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status().unwrap();
    assert!(made.success());
    home.ok(&["run", "-c", "key add laptop id.pub"]);
    let options = ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "RekeyLimit=1M"];
    let mut all: Vec<String> = options.iter().map(|option| format!("-o{option}")).collect();
    all.push(format!("-i{}", key.to_str().unwrap()));
    (home, all)
}

/// Runs commands of OpenSSH's `sftp`, each of which has to be done.
fn batch(home: &Home, address: SocketAddr, options: &[String], commands: &str) -> Said {
    std::fs::write(home.path("batch"), commands).unwrap();
    let mut sftp = Command::new("sftp");
    sftp.args(["-q", "-b", "batch"]).args(options).args(["-P", &address.port().to_string(), "alice@127.0.0.1"]);
    sftp.current_dir(home.path(".")).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    end_of(sftp.spawn().unwrap())
}

#[test]
#[ignore = "needs OpenSSH"]
fn openssh_stores_fetches_renames_and_goes_on() {
    let (home, options) = keyed();
    let all = home.file("big", 20 << 20);
    std::fs::write(home.path("part"), &all[..5 << 20]).unwrap();
    let served = served(&home);
    let address = served.ssh("Node_02");
    let said =
        batch(&home, address, &options, "put -p big\nget big back\nget -p big kept\nmkdir d\nrename big d/x\nls -l d\ndf\n");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains("-rw-") && said.stdout.contains("20971520") && said.stdout.contains("d/x"), "{said:?}");
    assert!(std::fs::read(home.path("back")).unwrap() == all);
    // A download goes on where it ended.
    let said = batch(&home, address, &options, "reget d/x part\nrm d/x\nrmdir d\n");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(std::fs::read(home.path("part")).unwrap() == all);
    let scp = |from: &str, to: &str| {
        let mut scp = Command::new("scp");
        scp.arg("-q").args(&options).args(["-P", &address.port().to_string(), from, to]).current_dir(home.path("."));
        scp.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let said = end_of(scp.spawn().unwrap());
        assert_eq!(said.code, Some(0), "{said:?}");
    };
    scp("big", "alice@127.0.0.1:copied");
    scp("alice@127.0.0.1:copied", "again");
    assert!(std::fs::read(home.path("again")).unwrap() == all);
    assert_eq!(served.stop().code, Some(0));
}

#[test]
#[ignore = "needs OpenSSH"]
fn openssh_lists_two_thousand_files() {
    let (home, options) = keyed();
    let served = served(&home);
    std::fs::create_dir(home.path("many")).unwrap();
    for number in 0..2_000 {
        std::fs::write(home.path("many").join(format!("{number:04}")), b"x").unwrap();
    }
    let said = batch(&home, served.ssh("Node_01"), &options, "put -R many\nls -1 many\n");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.stdout.lines().filter(|line| line.starts_with("many/")).count(), 2_000);
    assert_eq!(served.stop().code, Some(0));
}
