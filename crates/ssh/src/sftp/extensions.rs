//! Extended requests: those of OpenSSH (its file `PROTOCOL`, section 4), and of draft-ietf-secsh-filexfer-extensions-00.
//!
//! | request | answer |
//! |---|---|
//! | `limits@openssh.com` | the limits of this server |
//! | `posix-rename@openssh.com` | renames, and replaces what has the new name |
//! | `lsetstat@openssh.com` | sets attributes, as SETSTAT does: there are no links |
//! | `hardlink@openssh.com` | refused: a file has one name, and `cp` and `copy-data` copy |
//! | `home-directory`, `expand-path@openssh.com` | `/files`, and a path from there on |
//! | `users-groups-by-id@openssh.com` | names of owners |
//! | `fsync@openssh.com` | makes durable what was written so far |
//! | `statvfs@openssh.com`, `fstatvfs@openssh.com` | the room for the user's files, as `df` has it |
//! | `copy-data` | copies bytes of one open file to another |
//! | `check-file-name`, `check-file-handle` | SHA-256 of all of a file, as it was stored |
//! | `upload-status@p2p`, `upload-forget@p2p`, `upload-expect@p2p` | what [`uploads`] describes |

use std::collections::HashMap;

use bytes::Buf;
use p2p_service::files::Sha256Digest;
use russh_sftp::protocol::{ExtendedReply, FileAttributes, Name, Packet};

use super::failure::{Done, Failure, done};
use super::frames::{PACKET_MAX, READ_MAX};
use super::handles::{HANDLES_MAX, Open};
use super::schedule::Claim;
use super::session::Session;
use crate::paths::{HOME, Place, absolute, expanded, place};
use crate::{strings, uploads};

const LIMITS: &str = "limits@openssh.com";
const POSIX_RENAME: &str = "posix-rename@openssh.com";
const LSETSTAT: &str = "lsetstat@openssh.com";
const HARDLINK: &str = "hardlink@openssh.com";
const HOME_DIRECTORY: &str = "home-directory";
const EXPAND_PATH: &str = "expand-path@openssh.com";
const NAMES: &str = "users-groups-by-id@openssh.com";
pub(super) const FSYNC: &str = "fsync@openssh.com";
const STATVFS: &str = "statvfs@openssh.com";
const FSTATVFS: &str = "fstatvfs@openssh.com";
const COPY_DATA: &str = "copy-data";
/// Block in which room is counted, in bytes.
const BLOCK: u64 = 4096;
/// Length of a name at the most, in bytes.
const NAME_MAX: u64 = 255;
const CHECK_NAME: &str = "check-file-name";
const CHECK_HANDLE: &str = "check-file-handle";

/// Extensions by their versions, as the answer to INIT names them.
pub(super) fn offered() -> HashMap<String, String> {
    let first = [LIMITS, POSIX_RENAME, LSETSTAT, HOME_DIRECTORY, EXPAND_PATH, NAMES, FSYNC, COPY_DATA, "check-file"];
    let own = [uploads::STATUS, uploads::FORGET, uploads::EXPECT];
    let first = first.into_iter().chain(own).map(|name| (name, "1"));
    let versions = first.chain([(STATVFS, "2"), (FSTATVFS, "2")]);
    versions.map(|(name, version)| (name.to_owned(), version.to_owned())).collect()
}

/// Fields of a request (RFC 4251, section 5).
struct Fields<'d>(&'d [u8]);

impl<'d> Fields<'d> {
    fn bytes(&mut self) -> Done<&'d [u8]> {
        strings::take(&mut self.0).ok_or_else(short)
    }

    fn text(&mut self) -> Done<&'d str> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Failure::no_text())
    }

    fn number(&mut self) -> Done<u32> {
        self.0.try_get_u32().map_err(|_| short())
    }

    fn long(&mut self) -> Done<u64> {
        self.0.try_get_u64().map_err(|_| short())
    }

    /// Reads attributes (section 5 of the draft).
    fn attributes(&mut self) -> Done<FileAttributes> {
        let flags = self.number()?;
        let mut attrs = FileAttributes::empty();
        if flags & 0x1 != 0 {
            attrs.size = Some(self.long()?);
        }
        if flags & 0x2 != 0 {
            (attrs.uid, attrs.gid) = (Some(self.number()?), Some(self.number()?));
        }
        if flags & 0x4 != 0 {
            attrs.permissions = Some(self.number()?);
        }
        if flags & 0x8 != 0 {
            (attrs.atime, attrs.mtime) = (Some(self.number()?), Some(self.number()?));
        }
        Ok(attrs)
    }
}

fn short() -> Failure {
    Failure::because("the request has fewer fields than it needs")
}

/// Returns the handle with which a request begins.
pub(super) fn handle(data: &[u8]) -> Done<&str> {
    Fields(data).text()
}

/// Returns what an extended request names. A malformed one names nothing, and its answer says so.
pub(super) fn claim(request: &str, data: &[u8]) -> Claim {
    let mut fields = Fields(data);
    let claim = match request {
        POSIX_RENAME => fields.text().and_then(|from| Ok(Claim::change([absolute(from), absolute(fields.text()?)]))),
        COPY_DATA => fields.text().and_then(|from| {
            let (_, _) = (fields.long()?, fields.long()?);
            Ok(Claim { handles: vec![from.to_owned(), fields.text()?.to_owned()], ..Claim::default() })
        }),
        STATVFS | LSETSTAT | CHECK_NAME => fields.text().map(|path| Claim::look(absolute(path))),
        FSTATVFS | CHECK_HANDLE | uploads::EXPECT => fields.text().map(Claim::of_handle),
        // Those about an upload by its path are answered while its writes wait for nodes.
        _ => Ok(Claim::default()),
    };
    claim.unwrap_or_default()
}

impl Session {
    /// Does what an extended request asks for.
    pub(super) async fn extended(&self, id: u32, request: &str, data: &[u8]) -> Done<Packet> {
        let mut fields = Fields(data);
        let reply = |data: Vec<u8>| Packet::ExtendedReply(ExtendedReply { id, data });
        let path = |path| Packet::Name(Name { id, files: vec![self.named(path)] });
        match request {
            LIMITS => Ok(reply(limits())),
            POSIX_RENAME => {
                let (from, to) = (fields.text()?, fields.text()?);
                self.rename(from, to, true).await.map(|()| done(id))
            }
            LSETSTAT => {
                let (path, attrs) = (fields.text()?, fields.attributes()?);
                self.set(path, &attrs).await.map(|()| done(id))
            }
            HARDLINK => Err(Failure::unsupported("a stored file has one name; copy it instead")),
            HOME_DIRECTORY => Ok(path(HOME.to_owned())),
            EXPAND_PATH => fields.text().map(|text| path(expanded(text))),
            NAMES => self.names(fields).map(reply),
            FSYNC => self.sync(fields.text()?).await.map(|()| done(id)),
            STATVFS => {
                self.stat(fields.text()?).await?;
                self.room().await.map(reply)
            }
            FSTATVFS => {
                self.handles.get(fields.text()?)?;
                self.room().await.map(reply)
            }
            COPY_DATA => self.copy(fields).await.map(|()| done(id)),
            CHECK_NAME => self.check_name(fields).await.map(reply),
            CHECK_HANDLE => self.check_handle(fields).await.map(reply),
            uploads::STATUS => Ok(reply(self.upload_status(fields.text()?).await?.encoded())),
            uploads::FORGET => self.forget_upload(fields.text()?).await.map(|()| done(id)),
            uploads::EXPECT => self.expect(fields.text()?, fields.bytes()?).await.map(|()| done(id)),
            _ => Err(Failure::unsupported("there is no such extension")),
        }
    }

    async fn check_name(&self, mut fields: Fields<'_>) -> Done<Vec<u8>> {
        let path = absolute(fields.text()?);
        let Place::Stored(text) = place(&path) else { return Err(Failure::nothing(&path)) };
        let file = self.access.readable(&*self.user().await?, &text).await?;
        checked(fields, &file.sha256, file.size)
    }

    async fn check_handle(&self, mut fields: Fields<'_>) -> Done<Vec<u8>> {
        let (_, Open::Reader(reader)) = self.handles.get(fields.text()?)? else { return Err(Failure::handle()) };
        let reader = reader.lock().await;
        if reader.len() != reader.file().size {
            return Err(Failure::unsupported("the name of a segment is its SHA-256"));
        }
        checked(fields, &reader.file().sha256, reader.len())
    }

    /// Copies bytes of a file that is open for reading to one that is open for writing (section 7 of the draft). A length of 0 is all up to
    /// the end. All of a file comes into an empty one without moving a byte.
    async fn copy(&self, mut fields: Fields<'_>) -> Done<()> {
        let (from, first, len) = (fields.text()?, fields.long()?, fields.long()?);
        let (to, mut at) = (fields.text()?, fields.long()?);
        let (_, Open::Reader(reader)) = self.handles.get(from)? else { return Err(Failure::handle()) };
        let mut reader = reader.lock().await;
        let is_whole = first == 0 && at == 0 && (len == 0 || len >= reader.len()) && reader.len() == reader.file().size;
        if is_whole && self.take_copy(to, &reader).await? {
            return Ok(());
        }
        let end = if len == 0 { reader.len() } else { first.saturating_add(len).min(reader.len()) };
        let mut from = first;
        while from < end {
            let max = usize::try_from(end - from).unwrap_or(usize::MAX).min(READ_MAX as usize);
            let data = reader.read(from, max).await?.into_bytes();
            let copied = data.len() as u64;
            self.write(to, at, data).await?;
            (from, at) = (from + copied, at.saturating_add(copied));
        }
        Ok(())
    }

    /// Answers with the room for the user's files, as `statvfs(3)` tells of it.
    async fn room(&self) -> Done<Vec<u8>> {
        let room = self.access.room_for_files(&*self.user().await?).await?;
        let (size, free) = (room.size_bytes / BLOCK, room.available_bytes / BLOCK);
        // Blocks, files (none, as of file systems that do not count them), the file system, its flags, and the longest name.
        let all = [BLOCK, BLOCK, size, free, free, 0, 0, 0, 0, 0, NAME_MAX];
        Ok(all.into_iter().flat_map(u64::to_be_bytes).collect())
    }

    /// Answers with the names of users and of groups, which are the same.
    fn names(&self, mut fields: Fields<'_>) -> Done<Vec<u8>> {
        let mut answer = Vec::new();
        for _ in 0..2 {
            let mut names = Vec::new();
            for id in fields.bytes()?.chunks_exact(4) {
                let id = u32::from_be_bytes([id[0], id[1], id[2], id[3]]);
                strings::put(&mut names, self.owners.name(id).as_bytes());
            }
            strings::put(&mut answer, &names);
        }
        Ok(answer)
    }
}

/// Returns the limits: of a packet, a READ, a WRITE, and the handles.
fn limits() -> Vec<u8> {
    let all = [PACKET_MAX as u64, READ_MAX.into(), READ_MAX.into(), HANDLES_MAX as u64];
    all.into_iter().flat_map(u64::to_be_bytes).collect()
}

/// Answers with the digest of all of a file (section 3 of the draft).
fn checked(mut fields: Fields<'_>, sha256: &Sha256Digest, size: u64) -> Done<Vec<u8>> {
    let (algorithms, first, len, block) = (fields.text()?, fields.long()?, fields.long()?, fields.number()?);
    if !algorithms.split(',').any(|name| name == "sha256") {
        return Err(Failure::unsupported("`sha256` is the only digest that is known of stored files"));
    }
    if first != 0 || (len != 0 && len < size) || block != 0 && u64::from(block) < size {
        return Err(Failure::unsupported("the digest is known of a file as a whole, and of no part of it"));
    }
    let mut answer = Vec::new();
    strings::put(&mut answer, b"check-file");
    strings::put(&mut answer, b"sha256");
    answer.extend_from_slice(sha256.as_bytes());
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_are_missing_are_errors() {
        for data in [&b""[..], b"\0\0", b"\0\0\0\x05ab", b"\xff\xff\xff\xffab"] {
            assert!(Fields(data).text().is_err(), "{data:?}");
        }
        assert_eq!(Fields(b"\0\0\0\x02ab").text().unwrap(), "ab");
        assert!(Fields(b"\0\0\0\x01\xff").text().is_err());
        assert_eq!(claim(POSIX_RENAME, b"\0\0\0\x02"), Claim::default());
        assert_eq!(claim(POSIX_RENAME, b"\0\0\0\x01a\0\0\0\x01b"), Claim::change(["/files/a".to_owned(), "/files/b".to_owned()]));
    }

    #[test]
    fn a_digest_is_given_of_a_whole_file() {
        let request = |algorithms: &str, first: u64, len: u64, block: u32| {
            let mut data = Vec::new();
            strings::put(&mut data, algorithms.as_bytes());
            data.extend_from_slice(&first.to_be_bytes());
            data.extend_from_slice(&len.to_be_bytes());
            data.extend_from_slice(&block.to_be_bytes());
            checked(Fields(&data), &Sha256Digest::of(b"abc"), 3)
        };
        let answer = request("md5,sha256", 0, 0, 0).unwrap();
        assert_eq!(answer, [&b"\0\0\0\x0acheck-file\0\0\0\x06sha256"[..], Sha256Digest::of(b"abc").as_bytes()].concat());
        assert!(request("md5", 0, 0, 0).is_err() && request("sha256", 1, 0, 0).is_err() && request("sha256", 0, 2, 0).is_err());
        assert!(request("sha256", 0, 3, 0).is_ok() && request("sha256", 0, 0, 2).is_err());
    }
}
