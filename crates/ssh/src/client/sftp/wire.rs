//! Packets between the library and a host: those of the host are checked before the library reads them, and names are bytes on the wire.
//!
//! The library passes over what it cannot read, or waits for what does not come any more. A host that does not speak as it should is given up at
//! once here, with the reason.

use std::collections::HashSet;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::names::{bytes_of, of_bytes};
use super::{CHECK, POSIX_RENAME};
use crate::{strings, uploads};

/// Bytes of a packet at the most, as the library takes it.
const PACKET_MAX: usize = 256 << 10;
/// Bytes that are read at once.
const READ: usize = 32 << 10;
/// Types of packets (section 3 of the draft).
const INIT: u8 = 1;
const VERSION: u8 = 2;
const STATUS: u8 = 101;
const NAME: u8 = 104;
const ATTRS: u8 = 105;
const EXTENDED: u8 = 200;
const EXTENDED_REPLY: u8 = 201;
/// Status of a failure that has no other, and the last one of version 3 (section 7 of the draft).
const FAILURE: u32 = 4;
const LAST_STATUS: u32 = 8;

/// Reason for which the host was given up, once it is.
pub(super) type Reason = Arc<OnceLock<String>>;

/// Stream of packets to and from a host.
pub(super) struct Wire<S> {
    stream: S,
    reason: Reason,
    /// Bytes of packets that have not come as a whole.
    come: BytesMut,
    /// Packets that the library is to read.
    checked: BytesMut,
    /// Numbers of the requests that are not answered.
    asked: HashSet<u32>,
    /// Bytes of packets of the library that it has not given as a whole.
    given: BytesMut,
    /// Packets for the host, and the length of what the library has given for them.
    sending: BytesMut,
    accepted: Option<usize>,
}

impl<S> Wire<S> {
    pub(super) fn new(stream: S, reason: Reason) -> Wire<S> {
        Wire {
            stream,
            reason,
            come: BytesMut::new(),
            checked: BytesMut::new(),
            asked: HashSet::new(),
            given: BytesMut::new(),
            sending: BytesMut::new(),
            accepted: None,
        }
    }

    /// Takes the packets that have come as a whole.
    fn check(&mut self) -> Result<(), String> {
        while let Some(len) = self.come.first_chunk().map(|len| u32::from_be_bytes(*len) as usize) {
            if !(1..=PACKET_MAX).contains(&len) {
                return Err(format!("a packet of {len} bytes"));
            }
            if self.come.len() < 4 + len {
                return Ok(());
            }
            self.come.advance(4);
            let mut packet = self.come.split_to(len);
            self.check_packet(&mut packet)?;
            self.checked.put_u32(u32::try_from(packet.len()).unwrap_or(u32::MAX));
            self.checked.extend_from_slice(&packet);
        }
        Ok(())
    }

    /// Checks that a packet answers a request, and makes text of its names.
    fn check_packet(&mut self, packet: &mut BytesMut) -> Result<(), String> {
        let kind = packet[0];
        if kind == VERSION {
            return Ok(());
        }
        if !(STATUS..=ATTRS).contains(&kind) && kind != EXTENDED_REPLY {
            return Err(format!("a packet of the type {kind}, which is no answer"));
        }
        let id = packet.get(1..5).and_then(|id| id.try_into().ok()).map(u32::from_be_bytes);
        let id = id.ok_or_else(|| format!("an answer of {} bytes", packet.len()))?;
        if !self.asked.remove(&id) {
            return Err(format!("an answer to the request {id}, which waits for none"));
        }
        match kind {
            // Later versions have more of them, and some hosts use those.
            STATUS => {
                if let Some(code) = packet.get_mut(5..9).filter(|code| (&code[..]).get_u32() > LAST_STATUS) {
                    code.copy_from_slice(&FAILURE.to_be_bytes());
                }
            }
            NAME => {
                if let Some(named) = names_as_text(packet) {
                    *packet = named;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes what the library gives, and makes bytes of the names in whole packets.
    fn take(&mut self, bytes: &[u8]) {
        self.given.extend_from_slice(bytes);
        while let Some(len) = self.given.first_chunk().map(|len| u32::from_be_bytes(*len) as usize) {
            if self.given.len() < 4 + len {
                return;
            }
            self.given.advance(4);
            let packet = self.given.split_to(len);
            if packet.first().is_some_and(|kind| *kind != INIT) {
                self.asked.extend(packet[1..].first_chunk().map(|id| u32::from_be_bytes(*id)));
            }
            let packet = paths_as_bytes(&packet).unwrap_or(packet);
            self.sending.put_u32(u32::try_from(packet.len()).unwrap_or(u32::MAX));
            self.sending.extend_from_slice(&packet);
        }
    }
}

impl<S: AsyncWrite + Unpin> Wire<S> {
    /// Sends what is to be sent.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.sending.is_empty() {
            let sent = ready!(Pin::new(&mut self.stream).poll_write(context, &self.sending))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sending.advance(sent);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while this.checked.is_empty() {
            let mut bytes = [0; READ];
            let mut read = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut this.stream).poll_read(context, &mut read))?;
            if read.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.come.extend_from_slice(read.filled());
            if let Err(reason) = this.check() {
                // The first reason is the one that counts.
                let _ = this.reason.set(reason.clone());
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, reason)));
            }
        }
        let len = this.checked.len().min(into.remaining());
        into.put_slice(&this.checked.split_to(len));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    /// Sends what the library gives as a whole before it is taken: the library flushes nothing, and gives the same bytes again until then.
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.accepted.is_none() {
            this.take(bytes);
            this.accepted = Some(bytes.len());
        }
        ready!(this.poll_send(context))?;
        Poll::Ready(Ok(this.accepted.take().unwrap_or(bytes.len())))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Takes attributes (section 5 of the draft) from the begin of bytes.
fn attributes<'d>(bytes: &mut &'d [u8]) -> Option<&'d [u8]> {
    let all = *bytes;
    let flags = bytes.try_get_u32().ok()?;
    let lengths = [(0x1, 8), (0x2, 8), (0x4, 4), (0x8, 8)];
    let len = lengths.iter().filter(|(flag, _)| flags & flag != 0).map(|(_, len)| len).sum();
    *bytes = bytes.split_at_checked(len)?.1;
    if flags & 0x8000_0000 != 0 {
        for _ in 0..bytes.try_get_u32().ok()? {
            strings::take(bytes)?;
            strings::take(bytes)?;
        }
    }
    all.get(..all.len() - bytes.len())
}

/// Returns an answer with names (section 7) in which these are text; `None` if they are so already, or if it is malformed.
fn names_as_text(packet: &[u8]) -> Option<BytesMut> {
    let (head, mut rest) = packet.split_at_checked(9)?;
    let (mut named, mut is_other) = (BytesMut::from(head), false);
    for _ in 0..(&head[5..]).get_u32() {
        let name = strings::take(&mut rest)?;
        let text = of_bytes(name);
        is_other |= text.as_bytes() != name;
        strings::put(&mut named, text.as_bytes());
        strings::put(&mut named, strings::take(&mut rest)?);
        named.extend_from_slice(attributes(&mut rest)?);
    }
    named.extend_from_slice(rest);
    is_other.then_some(named)
}

/// Returns a request with the bytes of its paths; `None` if all of them are text.
fn paths_as_bytes(packet: &[u8]) -> Option<BytesMut> {
    let (head, mut rest) = packet.split_at_checked(5)?;
    let mut named = BytesMut::from(head);
    let paths = match head[0] {
        // OPEN, LSTAT, SETSTAT, OPENDIR, REMOVE, MKDIR, RMDIR, REALPATH, STAT, READLINK; RENAME and SYMLINK (section 6 of the draft).
        3 | 7 | 9 | 11 | 13..=17 | 19 => 1,
        18 | 20 => 2,
        EXTENDED => {
            let request = strings::take(&mut rest)?;
            strings::put(&mut named, request);
            match request {
                _ if request == POSIX_RENAME.as_bytes() => 2,
                _ if request == CHECK.1.as_bytes() || request == uploads::STATUS.as_bytes() => 1,
                _ => return None,
            }
        }
        _ => return None,
    };
    let mut is_other = false;
    for _ in 0..paths {
        let text = strings::take(&mut rest)?;
        let bytes = bytes_of(std::str::from_utf8(text).ok()?);
        is_other |= *bytes != *text;
        strings::put(&mut named, &bytes);
    }
    named.extend_from_slice(rest);
    is_other.then_some(named)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    fn packet(body: &[u8]) -> Vec<u8> {
        let mut packet = BytesMut::new();
        strings::put(&mut packet, body);
        packet.to_vec()
    }

    /// Returns what comes out of a wire after this request and these bytes of the host, and the reason for which the host is given up.
    async fn come(bytes: &[u8]) -> (Vec<u8>, Option<String>) {
        let (mine, mut theirs) = duplex(1 << 20);
        let reason = Reason::default();
        let mut wire = Wire::new(mine, reason.clone());
        wire.write_all(&packet(b"\x04\0\0\0\x07")).await.unwrap();
        theirs.write_all(bytes).await.unwrap();
        drop(theirs);
        let mut all = Vec::new();
        let _ = wire.read_to_end(&mut all).await;
        (all, reason.get().cloned())
    }

    #[tokio::test]
    async fn what_is_no_answer_ends_the_session_with_the_reason() {
        let status = |id: u8, code: u8| packet(&[101, 0, 0, 0, id, 0, 0, 0, code, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(come(&status(7, 4)).await, (status(7, 4), None));
        assert_eq!(come(&status(7, 11)).await.0, status(7, 4), "a status of a later version is a failure");
        for (bytes, words) in [
            (status(8, 0), "an answer to the request 8, which waits for none"),
            ([status(7, 0), status(7, 0)].concat(), "an answer to the request 7, which waits for none"),
            (packet(&[3, 0, 0, 0, 7]), "a packet of the type 3, which is no answer"),
            (packet(&[101, 0, 0]), "an answer of 3 bytes"),
            (vec![0xff; 4], "a packet of 4294967295 bytes"),
            (vec![0; 4], "a packet of 0 bytes"),
        ] {
            assert_eq!(come(&bytes).await.1.as_deref(), Some(words));
        }
    }

    #[test]
    fn names_are_text_here_and_bytes_there() {
        let mut names = BytesMut::from(&b"\x68\0\0\0\x07\0\0\0\x02"[..]);
        for name in [&b"caf\xe9"[..], b"b"] {
            strings::put(&mut names, name);
            strings::put(&mut names, b"long");
            names.put_u32(0x8000_0005);
            names.put_u64(3);
            names.put_u32(0o100_644);
            names.put_u32(1);
            strings::put(&mut names, b"x");
            strings::put(&mut names, b"y");
        }
        let text = names_as_text(&names).unwrap();
        assert_eq!(text.len(), names.len() + 2);
        assert!(text.windows(6).any(|window| window == b"caf\0e9") && names_as_text(&text[..text.len() - 1]).is_none());
        for (kind, paths) in [(3_u8, 1), (18, 2)] {
            let mut asked = BytesMut::from(&[kind, 0, 0, 0, 1][..]);
            let mut expected = asked.clone();
            for _ in 0..paths {
                strings::put(&mut asked, b"caf\0e9");
                strings::put(&mut expected, b"caf\xe9");
            }
            asked.put_u32(26);
            expected.put_u32(26);
            assert_eq!(paths_as_bytes(&asked), Some(expected.clone()));
            assert_eq!(paths_as_bytes(&expected), None);
        }
    }
}
