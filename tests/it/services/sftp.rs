//! SFTP at the SSH server of a node, as a client of the same library sees it.

use russh::Channel;
use russh::client::{Handle, Msg};
use russh_sftp::client::{RawSftpSession, SftpSession};
use russh_sftp::protocol::{FileAttributes, OpenFlags, Status, StatusCode};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

use super::ssh::{Anyone, logged_in, of_alice, served, told};
use super::*;

/// Opens SFTP on a connection.
pub(super) async fn subsystem(session: &Handle<Anyone>) -> Channel<Msg> {
    let channel = session.channel_open_session().await.unwrap();
    channel.request_subsystem(true, "sftp").await.unwrap();
    channel
}

pub(super) async fn channel(address: SocketAddr) -> Channel<Msg> {
    let session = logged_in(address).await;
    let channel = subsystem(&session).await;
    // The connection lasts as long as the test.
    std::mem::forget(session);
    channel
}

/// Speaks SFTP on a channel, and waits for answers as long as for anything.
pub(super) async fn speaking(channel: Channel<Msg>) -> SftpSession {
    let sftp = SftpSession::new(channel.into_stream()).await.unwrap();
    sftp.set_timeout(DEADLINE.as_secs());
    sftp
}

pub(super) async fn sftp(address: SocketAddr) -> SftpSession {
    speaking(channel(address).await).await
}

/// A session that has asked for no limits.
pub(super) async fn raw(address: SocketAddr) -> RawSftpSession {
    let raw = RawSftpSession::new(channel(address).await.into_stream());
    raw.set_timeout(DEADLINE.as_secs());
    raw.init().await.unwrap();
    raw
}

/// Content in which every place differs from its neighbours.
pub(super) fn content(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 31 + at / 251) as u8).collect()
}

pub(super) async fn put(sftp: &SftpSession, path: &str, content: &[u8]) {
    let mut file = sftp.create(path).await.unwrap();
    file.write_all(content).await.unwrap();
    file.shutdown().await.unwrap();
}

/// Returns the status of a refusal.
pub(super) fn refused<T: std::fmt::Debug>(answer: Result<T, russh_sftp::client::error::Error>) -> Status {
    match answer {
        Err(russh_sftp::client::error::Error::Status(status)) => status,
        other => panic!("{other:?}"),
    }
}

/// Waits until all that was written is answered, without asking for it to be durable: the size is asked for behind it.
async fn settled(file: &mut russh_sftp::client::fs::File) {
    file.metadata().await.unwrap();
}

#[test]
fn files_are_stored_listed_read_renamed_and_removed() {
    let (_home, served) = of_alice();
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
    let (_home, served) = of_alice();
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
    let (_home, served) = of_alice();
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

/// An upload whose client is lost is no file, and another connection sends what is missing.
#[test]
fn a_lost_upload_is_no_file_and_is_continued() {
    let (_home, served) = of_alice();
    let address = served.ssh("Node_01");
    let all = content(400_000);
    on_a_runtime(async {
        let connection = logged_in(address).await;
        let lost = speaking(subsystem(&connection).await).await;
        let flags = OpenFlags::WRITE | OpenFlags::CREATE;
        let attrs = |mode| FileAttributes { permissions: Some(mode), ..FileAttributes::empty() };
        let mut file = lost.open_with_flags_and_attributes("a", flags | OpenFlags::TRUNCATE, attrs(0o600)).await.unwrap();
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
        let tries = [sftp.open("a").await.map(drop), sftp.rename("a", "b").await];
        for status in tries.map(refused) {
            assert_eq!(status.status_code, StatusCode::NoSuchFile);
            assert!(status.error_message.contains("interrupted after"), "{status:?}");
        }
        let mut file = sftp.open_with_flags_and_attributes("a", flags, attrs(0o644)).await.unwrap();
        let mode = async || sftp.metadata("a").await.unwrap().permissions.unwrap() & 0o777;
        assert_eq!(mode().await, 0o600, "that with which it was begun");
        file.seek(std::io::SeekFrom::Start(kept)).await.unwrap();
        file.write_all(&all[kept as usize..]).await.unwrap();
        file.shutdown().await.unwrap();
        assert_eq!(sftp.read("a").await.unwrap(), all);
        assert_eq!(mode().await, 0o600);
        // TRUNC replaces what is stored as a whole.
        put(&sftp, "a", b"new").await;
        assert_eq!(sftp.read("a").await.unwrap(), b"new");
    });
    assert_eq!(served.stop().code, Some(0));
}

/// What is written out of order is in its place, also in a file that is stored already, and a read gives what was written.
#[test]
fn files_are_written_anywhere_and_change_at_their_end() {
    let (_home, served) = of_alice();
    let address = served.ssh("Node_01");
    on_a_runtime(async {
        let (one, two) = (sftp(address).await, sftp(address).await);
        let mut all = content(300_000);
        let mut file = one.create("a").await.unwrap();
        file.write_all(&all).await.unwrap();
        file.seek(std::io::SeekFrom::Start(70_000)).await.unwrap();
        file.write_all(b"later").await.unwrap();
        all[70_000..70_005].copy_from_slice(b"later");
        file.shutdown().await.unwrap();
        assert_eq!(two.read("a").await.unwrap(), all);
        // A part of a stored file.
        let both = OpenFlags::READ | OpenFlags::WRITE;
        let mut file = one.open_with_flags("a", both).await.unwrap();
        file.seek(std::io::SeekFrom::Start(299_999)).await.unwrap();
        file.write_all(b"beyond").await.unwrap();
        settled(&mut file).await;
        assert_eq!(
            (one.metadata("a").await.unwrap().size, two.metadata("a").await.unwrap().size),
            (Some(300_005), Some(300_000))
        );
        assert_eq!(two.read("a").await.unwrap(), all, "others see the former file until the end");
        let mut found = vec![0; 7];
        file.seek(std::io::SeekFrom::Start(299_998)).await.unwrap();
        file.read_exact(&mut found).await.unwrap();
        assert_eq!(found, [&all[299_998..299_999], b"beyond"].concat());
        file.shutdown().await.unwrap();
        all.truncate(299_999);
        all.extend_from_slice(b"beyond");
        assert_eq!(two.read("a").await.unwrap(), all);
        // The size of a stored file, and an end that was never written.
        for (size, rest) in [(100_u64, 0), (200, 100)] {
            two.set_metadata("a", FileAttributes { size: Some(size), ..FileAttributes::empty() }).await.unwrap();
            all.truncate(100);
            assert_eq!(one.read("a").await.unwrap(), [&all[..], &vec![0; rest]].concat());
        }
        // Attributes come with the size, where it is another one and where it is not.
        for (size, mode) in [(250_u64, 0o600), (250, 0o640), (200, 0o604)] {
            let given = FileAttributes {
                size: Some(size),
                permissions: Some(mode),
                mtime: Some(mode),
                atime: Some(mode),
                ..FileAttributes::empty()
            };
            two.set_metadata("a", given).await.unwrap();
            let now = one.metadata("a").await.unwrap();
            assert_eq!((now.size, now.permissions.map(|mode| mode & 0o777), now.mtime), (Some(size), Some(mode), Some(mode)));
        }
        let mut file = one.open_with_flags("a", OpenFlags::WRITE | OpenFlags::APPEND).await.unwrap();
        file.write_all(b"end").await.unwrap();
        file.shutdown().await.unwrap();
        assert_eq!(one.read("a").await.unwrap(), [&all[..], &[0; 100], b"end"].concat());
        // Nothing was written: nothing has changed.
        let before = one.metadata("a").await.unwrap();
        one.open_with_flags("a", both).await.unwrap().shutdown().await.unwrap();
        assert_eq!(one.metadata("a").await.unwrap().mtime, before.mtime);
    });
    assert_eq!(served.stop().code, Some(0));
}

/// Writes to a path from the begin on, and loses the connection.
async fn lose(address: SocketAddr, path: &str, content: &[u8]) {
    let connection = logged_in(address).await;
    let lost = speaking(subsystem(&connection).await).await;
    let mut file = lost.create(path).await.unwrap();
    file.write_all(content).await.unwrap();
    settled(&mut file).await;
    connection.disconnect(russh::Disconnect::ByApplication, "", "").await.unwrap();
}

/// Sets the mode of a file, once no upload of it is under way any more.
async fn changed(sftp: &SftpSession, path: &str) {
    let attrs = FileAttributes { permissions: Some(0o600), ..FileAttributes::empty() };
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    while sftp.set_metadata(path, attrs.clone()).await.is_err() {
        looks.tick().await;
    }
}

/// Renames and replaces.
async fn replaced(address: SocketAddr, from: &str, to: &str) {
    let raw = raw(address).await;
    let text = |text: &str| [&(text.len() as u32).to_be_bytes()[..], text.as_bytes()].concat();
    raw.extended("posix-rename@openssh.com", [text(from), text(to)].concat()).await.unwrap();
}

/// What is kept of an upload that was to replace a file locks that file for nobody; where nothing is kept, nothing is left of it.
#[test]
fn a_lost_replacement_locks_no_file() {
    let (_home, served) = of_alice();
    let address = served.ssh("Node_01");
    let (old, new) = (content(1_000), content(300_000));
    on_a_runtime(async {
        let sftp = sftp(address).await;
        put(&sftp, "a", &old).await;
        lose(address, "a", b"a little").await;
        changed(&sftp, "a").await;
        assert_eq!(sftp.read("a").await.unwrap(), old);
        let both = OpenFlags::READ | OpenFlags::WRITE;
        sftp.open_with_flags("a", both).await.unwrap().shutdown().await.unwrap();
        // What is kept is not mixed with the file, until the file is given another size or removed.
        lose(address, "a", &new).await;
        changed(&sftp, "a").await;
        let status = refused(sftp.open_with_flags("a", both).await.map(drop));
        assert!(status.error_message.contains("interrupted after"), "{status:?}");
        sftp.set_metadata("a", FileAttributes { size: Some(500), ..FileAttributes::empty() }).await.unwrap();
        assert_eq!(sftp.read("a").await.unwrap(), old[..500]);
        sftp.open_with_flags("a", both).await.unwrap().shutdown().await.unwrap();
        lose(address, "a", &new).await;
        changed(&sftp, "a").await;
        sftp.remove_file("a").await.unwrap();
        assert_eq!(refused(sftp.metadata("a").await).status_code, StatusCode::NoSuchFile);
        // Renaming leaves it where it is, and so do commands.
        for command in ["", "mv a b", "rm a", "touch a"] {
            put(&sftp, "a", &old).await;
            lose(address, "a", &new).await;
            changed(&sftp, "a").await;
            match command {
                "" => sftp.rename("a", "b").await.unwrap(),
                _ => assert_eq!(told(&logged_in(address).await, Some(command), b"").await.status, Some(0), "{command}"),
            }
            if command != "touch a" {
                assert!(sftp.metadata("a").await.unwrap().size.unwrap() >= 1 << 16, "{command}");
            }
            sftp.remove_file("a").await.unwrap();
            let _ = sftp.remove_file("b").await;
        }
        for name in ["a", "c"] {
            put(&sftp, name, name.as_bytes()).await;
        }
        lose(address, "a", &new).await;
        changed(&sftp, "a").await;
        replaced(address, "c", "a").await;
        assert_eq!(sftp.read("a").await.unwrap(), b"c");
        put(&sftp, "a", &new).await;
        assert_eq!(sftp.read("a").await.unwrap(), new);
    });
    assert_eq!(served.stop().code, Some(0));
}

/// A change of a stored file is stored in its place, and not where another session has removed or replaced it.
#[test]
fn what_another_session_has_removed_does_not_come_back() {
    let (_home, served) = of_alice();
    let address = served.ssh("Node_01");
    on_a_runtime(async {
        let (one, two) = (sftp(address).await, sftp(address).await);
        for replaces in [false, true] {
            put(&one, "a", &content(1_000)).await;
            let mut file = one.open_with_flags("a", OpenFlags::READ | OpenFlags::WRITE).await.unwrap();
            file.write_all(b"zz").await.unwrap();
            settled(&mut file).await;
            let status = refused(one.rename("a", "b").await);
            assert!(status.error_message.contains("being written"), "{status:?}");
            two.remove_file("a").await.unwrap();
            if replaces {
                put(&two, "a", b"another").await;
            }
            assert!(file.shutdown().await.is_err());
            assert_eq!(two.read("a").await.ok(), replaces.then(|| b"another".to_vec()));
        }
        // Also what the session has stored before its end.
        let mut file = one.create("b").await.unwrap();
        file.write_all(b"begin").await.unwrap();
        file.seek(std::io::SeekFrom::Start(0)).await.unwrap();
        file.write_all(b"B").await.unwrap();
        file.sync_all().await.unwrap();
        two.remove_file("b").await.unwrap();
        file.write_all(b"E").await.unwrap();
        assert!(file.shutdown().await.is_err());
        assert_eq!(refused(two.metadata("b").await).status_code, StatusCode::NoSuchFile);
    });
    assert_eq!(served.stop().code, Some(0));
}

/// Who has nothing under way does not hold up the end: a connection that has sent nothing, one without a login, and an idle session.
#[test]
fn the_end_does_not_wait_for_who_does_nothing() {
    let home = Home::new(&format!("{QUICK}[serve]\ndrain = '1h'\n"));
    home.register("alice");
    let served = served(&home);
    let address = served.ssh("Node_01");
    on_a_runtime(async {
        let silent = tokio::net::TcpStream::connect(address).await.unwrap();
        let mut greeting = tokio::net::TcpStream::connect(address).await.unwrap();
        greeting.write_all(b"SSH-2.0-it\r\n").await.unwrap();
        let (idle, listing) = (sftp(address).await, sftp(address).await);
        put(&idle, "a", b"a").await;
        assert_eq!(listing.read_dir("/files").await.unwrap().count(), 1);
        let said = tokio::task::spawn_blocking(|| served.stop()).await.unwrap();
        assert_eq!(said.code, Some(0));
        drop((silent, greeting, idle, listing));
    });
}

/// What a client wants to be durable is kept after a crash of the server, and is no file before its end.
#[test]
fn what_is_synchronized_outlives_a_crash() {
    let (home, first) = of_alice();
    let all = content(300_000);
    on_a_runtime(async {
        let (one, two) = (sftp(first.ssh("Node_01")).await, sftp(first.ssh("Node_01")).await);
        let mut file = one.create("a").await.unwrap();
        file.write_all(&all[..100_000]).await.unwrap();
        file.sync_all().await.unwrap();
        file.write_all(&all[100_000..200_000]).await.unwrap();
        file.sync_all().await.unwrap();
        assert_eq!(one.metadata("a").await.unwrap().size, Some(200_000));
        assert_eq!(refused(two.metadata("a").await).status_code, StatusCode::NoSuchFile);
        std::mem::forget(file);
    });
    signal(first.child.as_ref().unwrap(), "KILL");
    drop(first);
    let second = served(&home);
    on_a_runtime(async {
        let sftp = sftp(second.ssh("Node_01")).await;
        assert_eq!(sftp.metadata("a").await.unwrap().size, Some(3 << 16));
        let mut file = sftp.open_with_flags("a", OpenFlags::WRITE).await.unwrap();
        file.seek(std::io::SeekFrom::Start(3 << 16)).await.unwrap();
        file.write_all(&all[3 << 16..]).await.unwrap();
        file.sync_all().await.unwrap();
        file.shutdown().await.unwrap();
        assert_eq!(sftp.read("a").await.unwrap(), all);
        // What is written out of order is stored as it is.
        let mut file = sftp.create("b").await.unwrap();
        file.write_all(b"begin and end").await.unwrap();
        file.seek(std::io::SeekFrom::Start(0)).await.unwrap();
        file.write_all(b"B").await.unwrap();
        file.sync_all().await.unwrap();
        assert_eq!(self::sftp(second.ssh("Node_02")).await.read("b").await.unwrap(), b"Begin and end");
        file.write_all(b"E").await.unwrap();
        file.shutdown().await.unwrap();
        assert_eq!(sftp.read("b").await.unwrap(), b"BEgin and end");
    });
    assert_eq!(second.stop().code, Some(0));
}

/// A connection has ten channels at once, and any number one after the other.
#[test]
fn a_channel_that_has_ended_makes_room_for_another() {
    let (_home, served) = of_alice();
    let address = served.ssh("Node_01");
    on_a_runtime(async {
        let session = logged_in(address).await;
        for number in 0..25 {
            let mut channel = session.channel_open_session().await.unwrap_or_else(|error| panic!("{number}: {error}"));
            channel.request_subsystem(true, "sftp").await.unwrap();
            channel.eof().await.unwrap();
            while channel.wait().await.is_some() {}
        }
    });
    assert_eq!(served.stop().code, Some(0));
}
