//! The extended requests of SFTP and the packets that clients seldom send, as they are on the wire.

use p2p_store::segment::Sha256Digest;
use russh_sftp::protocol::{FileAttributes, OpenFlags, Packet, StatusCode};

use super::sftp::{content, put, raw, refused, sftp};
use super::ssh::of_alice;
use super::*;

/// Fields of a request: each with its length before it (RFC 4251, section 5).
fn texts(all: &[&[u8]]) -> Vec<u8> {
    all.iter().flat_map(|text| [&(text.len() as u32).to_be_bytes()[..], text].concat()).collect()
}

/// The bytes of an extended answer.
fn reply(packet: Packet) -> Vec<u8> {
    match packet {
        Packet::ExtendedReply(reply) => reply.data,
        other => panic!("{other:?}"),
    }
}

/// The status of a packet that is one.
fn status(packet: Packet) -> StatusCode {
    match packet {
        Packet::Status(status) => status.status_code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn extended_requests_are_answered() {
    let (_home, served) = of_alice();
    let content = content(100_000);
    on_a_runtime(async {
        put(&sftp(served.ssh("Node_01")).await, "a", &content).await;
        let raw = raw(served.ssh("Node_02")).await;
        let limits = raw.limits().await.unwrap();
        assert_eq!((limits.max_packet_len, limits.max_read_len, limits.max_write_len), (256 << 10, 255 << 10, 255 << 10));
        assert_eq!(limits.max_open_handles, 64);
        let named = |packet: Packet| match packet {
            Packet::Name(name) => name.files[0].filename.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(named(raw.extended("home-directory", texts(&[b"alice"])).await.unwrap()), "/files");
        let expanded = raw.expand_path("~/a").await.unwrap();
        assert_eq!(expanded.files[0].filename, "/files/a");
        // Nothing of the content is read for its digest.
        let digest = [&texts(&[b"check-file", b"sha256"])[..], Sha256Digest::of(&content).as_bytes()].concat();
        let whole = [&texts(&[b"/files/a", b"md5,sha256"])[..], &[0; 20]].concat();
        assert_eq!(reply(raw.extended("check-file-name", whole).await.unwrap()), digest);
        let handle = raw.open("a", OpenFlags::READ, FileAttributes::empty()).await.unwrap().handle;
        let whole = [&texts(&[handle.as_bytes(), b"sha256"])[..], &[0; 20]].concat();
        assert_eq!(reply(raw.extended("check-file-handle", whole).await.unwrap()), digest);
        let by_path = raw.statvfs("/files").await.unwrap();
        let by_handle = reply(raw.extended("fstatvfs@openssh.com", texts(&[handle.as_bytes()])).await.unwrap());
        assert!(by_path.blocks >= by_path.blocks_avail && by_path.blocks_avail > 0);
        assert_eq!(by_handle[16..24], by_path.blocks.to_be_bytes());
        let attributes = [&texts(&[b"/files/a"])[..], &4u32.to_be_bytes(), &0o600u32.to_be_bytes()].concat();
        assert_eq!(status(raw.extended("lsetstat@openssh.com", attributes).await.unwrap()), StatusCode::Ok);
        let found = raw.stat("a").await.unwrap().attrs;
        assert_eq!(found.permissions.unwrap() & 0o7777, 0o600);
        let ids = [found.uid.unwrap(), found.gid.unwrap()].map(u32::to_be_bytes);
        let names = reply(raw.extended("users-groups-by-id@openssh.com", texts(&[&ids[0], &ids[1]])).await.unwrap());
        let name = texts(&[b"alice"]);
        assert_eq!(names, texts(&[&name, &name]));
        raw.close(handle).await.unwrap();
    });
    assert_eq!(served.stop().code, Some(0));
}

/// What there is not is refused by its own status, and the session goes on.
#[test]
fn what_is_not_served_is_refused() {
    let (_home, served) = of_alice();
    on_a_runtime(async {
        put(&sftp(served.ssh("Node_01")).await, "a", b"abc").await;
        let raw = raw(served.ssh("Node_01")).await;
        assert_eq!(refused(raw.hardlink("a", "b").await).status_code, StatusCode::OpUnsupported);
        assert_eq!(refused(raw.symlink("a", "b").await).status_code, StatusCode::OpUnsupported);
        assert_eq!(refused(raw.readlink("a").await).status_code, StatusCode::Failure);
        assert_eq!(status(raw.extended("nothing@example.org", Vec::new()).await.unwrap()), StatusCode::OpUnsupported);
        // A request without its fields, and the digest of a part.
        assert_eq!(status(raw.extended("check-file-name", texts(&[b"/files/a"])).await.unwrap()), StatusCode::Failure);
        let part = [&texts(&[b"/files/a", b"sha256"])[..], &1u64.to_be_bytes(), &[0; 12]].concat();
        assert_eq!(status(raw.extended("check-file-name", part).await.unwrap()), StatusCode::OpUnsupported);
        let none = [&texts(&[b"/files/none", b"sha256"])[..], &[0; 20]].concat();
        assert_eq!(status(raw.extended("check-file-name", none).await.unwrap()), StatusCode::NoSuchFile);
        assert_eq!(refused(raw.close("99").await).status_code, StatusCode::Failure);
        // RENAME replaces nothing, and the files are as they were.
        put(&sftp(served.ssh("Node_02")).await, "b", b"other").await;
        assert_eq!(refused(raw.rename("a", "b").await).status_code, StatusCode::Failure);
        assert_eq!(sftp(served.ssh("Node_02")).await.read("b").await.unwrap(), b"other");
    });
    assert_eq!(served.stop().code, Some(0));
}
