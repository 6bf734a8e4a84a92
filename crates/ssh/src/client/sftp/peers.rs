//! The client against servers that are as they should not be, in the memory of the test.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Cursor, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use russh_sftp::protocol::{
    Attrs, Data, ExtendedReply, FileAttributes, Handle, Name, OpenFlags, Packet, Status, StatusCode, Version,
};
use russh_sftp::server::{Handler, run};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::*;

/// What a server does otherwise than it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Nothing.
    Sound,
    /// Reads are answered with a thousand bytes at the most.
    Short,
    /// The file gets longer while it is read.
    Growing,
    /// The file ends before its size.
    Ending,
    /// The file goes on after its size.
    Longer,
    /// Directories have pages without anything in them.
    Empty,
    /// Its SHA-256 is that of something else.
    Wrong,
    /// Reads and writes are not answered.
    Mute,
    /// Writes beyond the first hundred thousand bytes are refused.
    Full,
    /// The connection is closed at the first write.
    Gone,
}

type Files = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

struct Server {
    manner: Manner,
    files: Files,
    asked: u64,
}

fn ok(id: u32) -> Status {
    Status { id, status_code: StatusCode::Ok, error_message: String::new(), language_tag: String::new() }
}

impl Server {
    fn attributes(&mut self, path: &str) -> Result<FileAttributes, StatusCode> {
        let size = self.files.lock().unwrap().get(path).ok_or(StatusCode::NoSuchFile)?.len() as u64;
        self.asked += 1;
        let size = match self.manner {
            Manner::Growing => size + self.asked,
            Manner::Ending => size + 10,
            Manner::Longer => size - 10,
            _ => size,
        };
        Ok(FileAttributes { size: Some(size), permissions: Some(0o100_644), ..FileAttributes::empty() })
    }
}

impl Handler for Server {
    type Error = StatusCode;

    fn unimplemented(&self) -> StatusCode {
        StatusCode::OpUnsupported
    }

    async fn init(&mut self, _: u32, _: HashMap<String, String>) -> Result<Version, StatusCode> {
        let mut version = Version::new();
        version.extensions.insert(CHECK.0.into(), "1".into());
        Ok(version)
    }

    async fn open(&mut self, id: u32, path: String, flags: OpenFlags, _: FileAttributes) -> Result<Handle, StatusCode> {
        let mut files = self.files.lock().unwrap();
        match (files.get(&path), flags.contains(OpenFlags::CREATE)) {
            (None, false) => return Err(StatusCode::NoSuchFile),
            (Some(_), _) if flags.contains(OpenFlags::EXCLUDE) => return Err(StatusCode::Failure),
            (Some(_), _) if !flags.contains(OpenFlags::TRUNCATE) => {}
            _ => drop(files.insert(path.clone(), Vec::new())),
        }
        Ok(Handle { id, handle: path })
    }

    async fn close(&mut self, id: u32, _: String) -> Result<Status, StatusCode> {
        Ok(ok(id))
    }

    async fn read(&mut self, id: u32, path: String, offset: u64, len: u32) -> Result<Data, StatusCode> {
        if self.manner == Manner::Mute {
            std::future::pending::<()>().await;
        }
        let max = if self.manner == Manner::Short { len.min(1_000) } else { len };
        let files = self.files.lock().unwrap();
        let rest = files[&path].get(offset as usize..).filter(|rest| !rest.is_empty()).ok_or(StatusCode::Eof)?;
        Ok(Data { id, data: rest[..rest.len().min(max as usize)].to_vec() })
    }

    async fn write(&mut self, id: u32, path: String, offset: u64, data: Vec<u8>) -> Result<Status, StatusCode> {
        match self.manner {
            Manner::Mute => std::future::pending().await,
            Manner::Full if offset > 100_000 => return Err(StatusCode::Failure),
            // The task of the server ends with its panic, and the stream with that.
            Manner::Gone => std::panic::resume_unwind(Box::new("the server ends")),
            _ => {}
        }
        let mut files = self.files.lock().unwrap();
        let file = files.get_mut(&path).ok_or(StatusCode::Failure)?;
        assert_eq!(file.len() as u64, offset, "writes come in the order of the file");
        file.extend_from_slice(&data);
        Ok(ok(id))
    }

    async fn stat(&mut self, id: u32, path: String) -> Result<Attrs, StatusCode> {
        Ok(Attrs { id, attrs: self.attributes(&path)? })
    }

    async fn fstat(&mut self, id: u32, path: String) -> Result<Attrs, StatusCode> {
        Ok(Attrs { id, attrs: self.attributes(&path)? })
    }

    async fn opendir(&mut self, id: u32, path: String) -> Result<Handle, StatusCode> {
        Ok(Handle { id, handle: path })
    }

    async fn readdir(&mut self, id: u32, _: String) -> Result<Name, StatusCode> {
        match self.manner {
            Manner::Empty => Ok(Name { id, files: Vec::new() }),
            _ => Err(StatusCode::Eof),
        }
    }

    async fn remove(&mut self, id: u32, path: String) -> Result<Status, StatusCode> {
        self.files.lock().unwrap().remove(&path).map(|_| ok(id)).ok_or(StatusCode::NoSuchFile)
    }

    async fn rename(&mut self, id: u32, from: String, to: String) -> Result<Status, StatusCode> {
        let mut files = self.files.lock().unwrap();
        let content = files.remove(&from).ok_or(StatusCode::NoSuchFile)?;
        files.insert(to, content);
        Ok(ok(id))
    }

    async fn extended(&mut self, id: u32, _: String, mut data: Vec<u8>) -> Result<Packet, StatusCode> {
        let path = data.split_off(4);
        let len = u32::from_be_bytes(data.try_into().unwrap()) as usize;
        let mut sha256: [u8; 32] = Sha256::digest(&self.files.lock().unwrap()[std::str::from_utf8(&path[..len]).unwrap()]).into();
        sha256[0] ^= u8::from(self.manner == Manner::Wrong);
        let mut data = Vec::new();
        strings::put(&mut data, b"sha256");
        data.extend(sha256);
        Ok(Packet::ExtendedReply(ExtendedReply { id, data }))
    }
}

async fn session(manner: Manner, answer_max: Duration) -> (Sftp, Files) {
    let files = Files::default();
    let (mine, theirs) = duplex(1 << 16);
    run(theirs, Server { manner, files: files.clone(), asked: 0 }).await;
    (Sftp::begin(mine, "store".into(), answer_max).await.unwrap(), files)
}

const PATIENCE: Duration = Duration::from_secs(60);

fn content() -> Vec<u8> {
    (0..300_000_u32).map(|number| (number / 7) as u8).collect()
}

/// What is fetched of a file at such a server, and what it is.
async fn fetched(manner: Manner) -> (Result<Fetched, SftpError>, Vec<u8>) {
    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);
    impl Write for Sink {
        fn write(&mut self, data: &[u8]) -> io::Result<usize> {
            Write::write(&mut *self.0.lock().unwrap(), data)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let patience = if manner == Manner::Mute { Duration::from_secs(1) } else { PATIENCE };
    let (sftp, files) = session(manner, patience).await;
    files.lock().unwrap().insert("a".into(), content());
    let sink = Sink::default();
    let wanted = Wanted { path: "a", from: 0, kept: None };
    let done = sftp.fetch(wanted, sink.clone(), |_| {}, std::future::pending()).await;
    let found = sink.0.lock().unwrap().clone();
    (done, found)
}

#[tokio::test]
async fn a_file_is_whole_or_an_error() {
    for manner in [Manner::Sound, Manner::Short] {
        let (done, found) = fetched(manner).await;
        assert!(done.unwrap().is_compared && found == content(), "{manner:?}");
    }
    for (manner, words) in [
        (Manner::Growing, "`a` has changed at store"),
        (Manner::Ending, "`a` has changed at store"),
        (Manner::Longer, "`a` is longer than the 299990 bytes that store tells of it"),
        (Manner::Wrong, "store has the SHA-256 "),
        (Manner::Mute, "store has not answered a request within 1 s"),
    ] {
        let told = fetched(manner).await.0.unwrap_err().to_string();
        assert!(told.starts_with(words), "{manner:?}: {told}");
    }
}

/// A list ends, whatever its pages are.
#[tokio::test]
async fn a_list_ends() {
    for (manner, is_list) in [(Manner::Sound, true), (Manner::Empty, false)] {
        let (sftp, _) = session(manner, PATIENCE).await;
        let listed = sftp.listed("d", "d").await;
        assert_eq!(matches!(&listed, Ok(entries) if entries.is_empty()), is_list, "{listed:?}");
        assert_eq!(matches!(listed, Err(SftpError::Unsound { .. })), !is_list);
    }
}

/// What a transfer that fails has begun is removed, and where that cannot be, it is told.
#[tokio::test]
async fn nothing_is_left_of_what_fails() {
    let sending = || Sending { target: "d/a", size: None, replaces: false, keeps: false, attributes: None };
    let (sftp, files) = session(Manner::Sound, PATIENCE).await;
    let send = |sftp: Sftp| async move { sftp.send(sending(), Cursor::new(content()), |_| {}, std::future::pending()).await };
    let sent = send(sftp.clone()).await.unwrap();
    assert!(sent.is_compared && sent.bytes == 300_000 && files.lock().unwrap()["d/a"] == content());
    let taken = send(sftp).await.unwrap_err();
    assert!(matches!(taken, SftpError::Taken { .. }) && files.lock().unwrap().len() == 1, "{taken}");
    for (manner, words) in [(Manner::Full, "store: "), (Manner::Wrong, "store has the SHA-256 ")] {
        let (sftp, files) = session(manner, PATIENCE).await;
        let told = send(sftp).await.unwrap_err().to_string();
        assert!(told.starts_with(words) && files.lock().unwrap().is_empty(), "{manner:?}: {told}");
    }
    let (sftp, files) = session(Manner::Gone, PATIENCE).await;
    let told = send(sftp).await.unwrap_err();
    let part = files.lock().unwrap().keys().next().unwrap().clone();
    assert!(told.is_temporary() && told.to_string().contains(&format!("`{part}` may be left at store")), "{told}");
    // A source that fails leaves nothing either.
    struct Broken;
    impl io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let (sftp, files) = session(Manner::Sound, PATIENCE).await;
    let told = sftp.send(sending(), Broken, |_| {}, std::future::pending()).await.unwrap_err().to_string();
    assert!(told == "the disk is gone" && files.lock().unwrap().is_empty(), "{told}");
}

/// A transfer that is given up is gone; one that is to be kept goes on, and is not taken for another file.
#[tokio::test]
async fn what_is_given_up_is_gone_or_goes_on() {
    let sending = |keeps| Sending { target: "a", size: Some(300_000), replaces: false, keeps, attributes: None };
    let (sftp, files) = session(Manner::Sound, PATIENCE).await;
    let told = sftp.send(sending(false), Cursor::new(content()), |_| {}, std::future::ready(())).await.unwrap_err();
    assert!(told.is_stopped() && files.lock().unwrap().is_empty(), "{told}");
    files.lock().unwrap().insert("a.p2p-part".into(), content()[..200_000].to_vec());
    let mut first = None;
    let told = |now: Progress| {
        first.get_or_insert(now.stored);
    };
    let sent = sftp.send(sending(true), Cursor::new(content()), told, std::future::pending()).await.unwrap();
    assert_eq!((sent.kept, first), (200_000, Some(200_000)));
    assert_eq!(files.lock().unwrap().clone(), BTreeMap::from([("a".to_owned(), content())]));
    // Of another content, and longer than the file.
    for (kept, is_told) in [(vec![1; 200_000], true), (vec![1; 300_001], false)] {
        *files.lock().unwrap() = BTreeMap::from([("a.p2p-part".to_owned(), kept)]);
        let sent = sftp.send(sending(true), Cursor::new(content()), |_| {}, std::future::pending()).await;
        assert_eq!(matches!(sent, Err(SftpError::Differs { .. })), is_told, "{sent:?}");
        assert_eq!(files.lock().unwrap().len(), usize::from(!is_told));
    }
}

/// An answer to a request that was not made ends the session at once, with the reason, whatever time an answer may take.
#[tokio::test]
async fn a_host_that_answers_what_was_not_asked_is_given_up() {
    let (mine, mut theirs) = duplex(1 << 16);
    let host = async move {
        let mut asked = [0; 9];
        theirs.read_exact(&mut asked).await.unwrap();
        // VERSION 3, and a status of the request 99 for the first one.
        theirs.write_all(&[0, 0, 0, 5, 2, 0, 0, 0, 3]).await.unwrap();
        theirs.read_exact(&mut asked[..4]).await.unwrap();
        let mut status = [0; 21];
        status[3] = 17;
        (status[4], status[8]) = (101, 99);
        theirs.write_all(&status).await.unwrap();
        theirs
    };
    let asking = async {
        let sftp = Sftp::begin(mine, "store".into(), Duration::from_secs(600)).await.unwrap();
        let told = sftp.stat("a").await.unwrap_err();
        (sftp, told)
    };
    let ((sftp, told), _theirs) = tokio::join!(asking, host);
    assert_eq!(told.to_string(), "store does not speak SFTP as it should: an answer to the request 99, which waits for none");
    // Nothing else is asked of it.
    assert!(matches!(sftp.stat("b").await, Err(SftpError::Unsound { .. })));
}
