//! The client of SFTP version 3 (draft-ietf-secsh-filexfer-02): files that are sent, fetched and listed at any host.
//!
//! | file | contents |
//! |---|---|
//! | `mod` | a session, and its short requests |
//! | `listing` | attributes, and lists of directories |
//! | `sending` | a file that is sent |
//! | `parts` | places where it is written until it is whole |
//! | `uploads` | what servers of this program tell of uploads |
//! | `fetching` | a file that is fetched |
//! | `threads` | sources and sinks, which threads of their own read and write |
//! | `window` | requests that are under way at once |
//! | `wire` | packets, which are checked before the library reads them |
//! | `names` | paths at a host |
//! | `failure` | errors |
//!
//! `russh-sftp` encodes, counts and times the requests. What is under way at once, and the order of it, is decided here: reads and writes go out in the
//! order of the file, so that a server which streams need not seek.

mod failure;
mod fetching;
mod listing;
mod names;
mod parts;
#[cfg(test)]
mod peers;
mod sending;
mod threads;
mod uploads;
mod window;
mod wire;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::BufMut;
use russh::{Channel, ChannelMsg};
use russh_sftp::client::error::Error;
use russh_sftp::client::{Config, RawSftpSession};
use russh_sftp::extensions::LimitsExtension;
use russh_sftp::protocol::{Packet, Status, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

pub use self::failure::SftpError;
pub use self::fetching::{Fetched, Wanted};
pub use self::listing::{Attributes, Entry, Kind};
pub use self::names::{joined, kept_name, last_name, of_path, own_name, shown};
pub use self::parts::Sending;
pub use self::sending::{Progress, Sent, Step};
use self::wire::{Reason, Wire};
use super::{ClientError, Connection, OPEN_MAX};
use crate::strings;

/// Version that is spoken.
const VERSION: u32 = 3;
/// Bytes of a READ or a WRITE, as every server takes (section 3 of the draft), unless its limits are lower.
const LENGTH: u32 = 32 << 10;
/// Time for the first answers, which cost a round trip each.
const BEGIN_MAX: Duration = Duration::from_secs(30);
/// Time for the answer to a request. Those of this program's servers take virtual time.
const ANSWER_MAX: Duration = Duration::from_secs(600);
/// Renames a file, and replaces what has the new name (OpenSSH's `PROTOCOL`, section 4.3).
const POSIX_RENAME: &str = "posix-rename@openssh.com";
/// Says how long requests may be (OpenSSH's `PROTOCOL`, section 4.8).
const LIMITS: &str = "limits@openssh.com";
/// Digest of a file (draft-ietf-secsh-filexfer-extensions-00, section 3), and its request.
const CHECK: (&str, &str) = ("check-file", "check-file-name");

/// Session of SFTP. It ends with the last of its clones that is dropped; the connection stays.
#[derive(Clone)]
pub struct Sftp {
    raw: Arc<RawSftpSession>,
    host: String,
    extensions: Arc<HashMap<String, String>>,
    /// Bytes of a READ and of a WRITE.
    lengths: (u32, u32),
    answer_max: Duration,
    /// Reason for which the host was given up, once it is.
    reason: Reason,
    /// Session of its own for questions about what this one sends, whose requests wait for nodes.
    aside: Option<Box<Sftp>>,
}

impl std::fmt::Debug for Sftp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sftp").field("host", &self.host).field("extensions", &self.extensions).finish_non_exhaustive()
    }
}

impl Connection {
    /// Begins a session of SFTP in a channel of its own, for the user who is logged in.
    ///
    /// # Errors
    /// Fails if the host has no SFTP of version 3, if it does not answer in time, or if the connection ends.
    pub async fn sftp(&self) -> Result<Sftp, SftpError> {
        let silent = || ClientError::Silent { host: self.host.name.clone(), seconds: OPEN_MAX.as_secs() };
        let opening = timeout(OPEN_MAX, self.handle.channel_open_session()).await.map_err(|_| silent())?;
        let mut channel = opening.map_err(|error| self.failed(error))?;
        channel.request_subsystem(true, "sftp").await.map_err(|error| self.failed(error))?;
        let is_there = timeout(OPEN_MAX, is_granted(&mut channel)).await.map_err(|_| silent())?;
        let host = self.host.name.clone();
        match is_there {
            Some(true) => Sftp::begin(channel.into_stream(), host, ANSWER_MAX).await,
            Some(false) => Err(SftpError::NoSftp { host, reason: "it refuses the subsystem".into() }),
            None => Err(SftpError::Lost { host }),
        }
    }
}

impl Connection {
    /// Begins a session as [`sftp`](Self::sftp) does, for files that are sent. A server of this program tells meanwhile, in a session of its own,
    /// what it has stored.
    ///
    /// # Errors
    /// Fails as [`sftp`](Self::sftp) does.
    pub async fn sftp_to_send(&self) -> Result<Sftp, SftpError> {
        let mut sftp = self.sftp().await?;
        if sftp.tells_of_uploads() {
            sftp.aside = Some(Box::new(self.sftp().await?));
        }
        Ok(sftp)
    }
}

/// Waits for the answer to the request for the subsystem; none if the channel ends before.
async fn is_granted(channel: &mut Channel<russh::client::Msg>) -> Option<bool> {
    loop {
        match channel.wait().await? {
            ChannelMsg::Success => return Some(true),
            ChannelMsg::Failure => return Some(false),
            _ => {}
        }
    }
}

impl Sftp {
    /// Begins a session on a stream.
    async fn begin(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        host: String,
        answer_max: Duration,
    ) -> Result<Sftp, SftpError> {
        let (begin_max, reason) = (BEGIN_MAX.min(answer_max), Reason::default());
        let config = Config { request_timeout_secs: begin_max.as_secs(), ..Config::default() };
        let raw = RawSftpSession::new_with_config(Wire::new(stream, Reason::clone(&reason)), config);
        let failed = |error| match reason.get() {
            Some(what) => SftpError::Unsound { host: host.clone(), what: what.clone() },
            None => SftpError::of(error, &host, "", begin_max.as_secs()),
        };
        let told = raw.init().await.map_err(failed)?;
        if told.version != VERSION {
            let reason = format!("it speaks version {}, and not {VERSION}", told.version);
            return Err(SftpError::NoSftp { host, reason });
        }
        let mut lengths = (LENGTH, LENGTH);
        if told.extensions.contains_key(LIMITS) {
            lengths = lengths_within(&raw.limits().await.map_err(failed)?);
        }
        raw.set_timeout(answer_max.as_secs());
        let (raw, extensions) = (Arc::new(raw), Arc::new(told.extensions));
        Ok(Sftp { raw, host, extensions, lengths, answer_max, reason, aside: None })
    }

    /// Returns the name of the host.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Renames a file. With `replaces` what has the new name is replaced in one step; without, it stays and this fails.
    ///
    /// # Errors
    /// Fails if the host refuses, or cannot replace anything.
    pub async fn rename(&self, from: &str, to: &str, replaces: bool) -> Result<(), SftpError> {
        if !replaces {
            return self.raw.rename(from, to).await.map(drop).map_err(|error| self.failed(error, to));
        }
        if !self.extensions.contains_key(POSIX_RENAME) {
            return Err(SftpError::NotReplaceable { host: self.host.clone(), path: to.to_owned() });
        }
        let mut names = Vec::new();
        [from, to].into_iter().for_each(|name| strings::put(&mut names, name.as_bytes()));
        self.request(POSIX_RENAME, names, to).await
    }

    /// Makes a request of an extension about a path, which is answered by a status.
    async fn request(&self, request: &str, fields: Vec<u8>, path: &str) -> Result<(), SftpError> {
        match self.raw.extended(request, fields).await.map_err(|error| self.failed(error, path))? {
            Packet::Status(Status { status_code: StatusCode::Ok, .. }) => Ok(()),
            Packet::Status(status) => Err(self.failed(status.into(), path)),
            _ => Err(self.failed(Error::UnexpectedPacket, path)),
        }
    }

    /// Returns the SHA-256 of a file as the host has it, if it tells such.
    ///
    /// # Errors
    /// Fails if the connection ends.
    async fn sha256(&self, path: &str) -> Result<Option<[u8; 32]>, SftpError> {
        let (extension, request) = CHECK;
        if !self.extensions.contains_key(extension) {
            return Ok(None);
        }
        let mut asked = Vec::new();
        strings::put(&mut asked, path.as_bytes());
        strings::put(&mut asked, b"sha256");
        // All of the file, as one block.
        asked.put_u64(0);
        asked.put_u64(0);
        asked.put_u32(0);
        match self.raw.extended(request, asked).await.map_err(|error| self.failed(error, path))? {
            Packet::ExtendedReply(reply) => Ok(sha256_in(&reply.data)),
            // A host need not know it of every file.
            Packet::Status(_) => Ok(None),
            _ => Err(self.failed(Error::UnexpectedPacket, path)),
        }
    }

    fn failed(&self, error: Error, path: &str) -> SftpError {
        match self.reason.get() {
            Some(what) => SftpError::Unsound { host: self.host.clone(), what: what.clone() },
            None => SftpError::of(error, &self.host, path, self.answer_max.as_secs()),
        }
    }
}

/// Returns the bytes of a READ and of a WRITE within the limits of a server. It has none where it says 0.
fn lengths_within(limits: &LimitsExtension) -> (u32, u32) {
    let within = |max: u64| match u32::try_from(max) {
        Ok(max @ 1..) => max.min(LENGTH),
        _ => LENGTH,
    };
    (within(limits.max_read_len), within(limits.max_write_len))
}

/// Returns the digest in the answer to `check-file-name`: the algorithm, which some servers have after the name of the request, and one block.
fn sha256_in(mut answer: &[u8]) -> Option<[u8; 32]> {
    loop {
        match strings::take(&mut answer)? {
            b"check-file" => {}
            b"sha256" => return answer.try_into().ok(),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    #[test]
    fn requests_are_as_long_as_the_server_takes() {
        let limits =
            |read, write| LimitsExtension { max_packet_len: 0, max_read_len: read, max_write_len: write, max_open_handles: 0 };
        assert_eq!(lengths_within(&limits(0, 261_120)), (LENGTH, LENGTH));
        assert_eq!(lengths_within(&limits(1_000, u64::MAX)), (1_000, LENGTH));
    }

    #[test]
    fn a_digest_is_found_with_and_without_the_name_of_its_request() {
        let mut answer = Vec::new();
        strings::put(&mut answer, b"sha256");
        answer.extend([7; 32]);
        assert_eq!(sha256_in(&answer), Some([7; 32]));
        let mut named = Vec::new();
        strings::put(&mut named, b"check-file");
        named.extend_from_slice(&answer);
        assert_eq!(sha256_in(&named), Some([7; 32]));
        for wrong in [&answer[..answer.len() - 1], b"", b"\0\0\0\x03md5", b"\xff\xff\xff\xff"] {
            assert_eq!(sha256_in(wrong), None, "{wrong:?}");
        }
    }

    /// A server that takes the connection and answers nothing is given up, and so is one that goes.
    #[tokio::test]
    async fn a_silent_server_is_given_up() {
        let (mine, theirs) = duplex(1 << 16);
        let late = Sftp::begin(mine, "store".into(), Duration::from_secs(1)).await.unwrap_err();
        assert_eq!(late.to_string(), "store has not answered a request within 1 s");
        drop(theirs);
        let (mine, theirs) = duplex(1 << 16);
        drop(theirs);
        let lost = Sftp::begin(mine, "store".into(), Duration::from_secs(60)).await.unwrap_err();
        assert!(matches!(lost, SftpError::Lost { .. }), "{lost}");
    }
}
