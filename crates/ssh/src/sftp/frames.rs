//! Packets in what a client sends, bounded before anything is allocated for them (draft-ietf-secsh-filexfer-02, section 3).

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};
use russh_sftp::protocol::Packet;
use thiserror::Error;

/// Length of a packet at the most, in bytes and without its length field, as in OpenSSH (`SFTP_MAX_MSG_LENGTH`).
pub(super) const PACKET_MAX: usize = 256 * 1024;
/// Bytes of one READ or WRITE at the most, as in OpenSSH: a packet less 1 KiB for what is around them.
pub(super) const READ_MAX: u32 = PACKET_MAX as u32 - 1024;
/// Type of the packet that writes, SSH_FXP_WRITE (section 3 of the draft).
const WRITE: u8 = 6;
/// Bytes from which on packets, and what a WRITE brings, stay where they have arrived. Fewer of a WRITE are copied, because they would keep a
/// whole message of the channel, and so are those of which the packet is more than twice as long.
const KEPT_MIN: usize = 16 * 1024;
/// Character by which the decoder replaces bytes that are no UTF-8.
const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// Reason for which nothing that follows can be understood: the client is disconnected.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum FrameError {
    #[error("a packet has a length of {0} bytes; at least 1 and at most {PACKET_MAX} are allowed")]
    Length(usize),
    #[error("a packet cannot be read: {0}")]
    Malformed(String),
    #[error("the first packet is not SSH_FXP_INIT, or a later one is")]
    Order,
    #[error("a packet of this type is not sent by clients")]
    Direction,
    #[error("the client asks for more and more, and does not take the answers")]
    Unheeded,
}

/// Bytes of a client that have not been taken as packets.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// Whole packets, several together where they are short.
    whole: VecDeque<BytesMut>,
    /// Bytes of `whole`.
    whole_len: usize,
    /// What follows, of which the last packet is not complete.
    rest: BytesMut,
}

impl Frames {
    /// Takes bytes in.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if let Ok(length) = (&self.rest[..]).chain(bytes).try_get_u32()
            && length as usize <= PACKET_MAX
        {
            // A packet that stands first comes into one place, with what follows it in its last bytes, and is not moved as it grows.
            let missing = (4 + length as usize).saturating_sub(self.rest.len()).max(bytes.len());
            if self.rest.capacity() - self.rest.len() < missing {
                self.rest.reserve(missing + bytes.len());
            }
        }
        self.rest.extend_from_slice(bytes);
        let whole = whole(&self.rest);
        if whole >= KEPT_MIN {
            self.whole.push_back(self.rest.split_to(whole));
            self.whole_len += whole;
        }
    }

    /// Returns the number of bytes that wait.
    pub(super) fn len(&self) -> usize {
        self.whole_len + self.rest.len()
    }

    /// Takes the next packet out, if all of it is there.
    ///
    /// # Errors
    /// Fails if the length of the packet is not allowed; nothing after it can be read.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, FrameError> {
        let Some(first) = self.whole.front_mut() else { return taken(&mut self.rest) };
        let (before, packet) = (first.len(), taken(first)?);
        self.whole_len -= before - first.len();
        if first.is_empty() {
            self.whole.pop_front();
        }
        Ok(packet)
    }
}

/// Returns the length of the packet with which bytes begin, as the client has it.
fn length(bytes: &[u8]) -> Option<usize> {
    bytes.first_chunk().map(|length| u32::from_be_bytes(*length) as usize)
}

/// Returns how many bytes the packets have with which bytes begin, as far as they are complete and their lengths are allowed.
fn whole(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(length) = length(&bytes[at..])
        && (1..=PACKET_MAX).contains(&length)
        && bytes.len() - at >= 4 + length
    {
        at += 4 + length;
    }
    at
}

/// Takes the packet out with which bytes begin, if all of it is there.
fn taken(bytes: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
    let Some(length) = length(bytes) else { return Ok(None) };
    if length == 0 || length > PACKET_MAX {
        return Err(FrameError::Length(length));
    }
    if bytes.len() < 4 + length {
        return Ok(None);
    }
    bytes.advance(4);
    Ok(Some(bytes.split_to(length).freeze()))
}

/// Request in a packet.
#[derive(Debug)]
pub(super) enum Asked {
    /// Packet that is understood, and whose texts are UTF-8.
    Packet(Packet),
    /// Request to write.
    Write(Write),
    /// Request of this identifier with a text that is no UTF-8: nothing has such a name.
    NoText(u32),
    /// Request of this identifier and of a type that version 3 does not know.
    Unknown(u32),
}

impl Asked {
    /// Returns the identifier of the request.
    pub(super) fn id(&self) -> u32 {
        match self {
            Asked::Packet(packet) => packet.get_request_id(),
            Asked::Write(Write { id, .. }) | Asked::NoText(id) | Asked::Unknown(id) => *id,
        }
    }
}

/// Request to write bytes, which are not copied out of what has arrived (section 6.4 of the draft).
#[derive(Debug)]
pub(super) struct Write {
    pub(super) id: u32,
    pub(super) handle: String,
    pub(super) offset: u64,
    pub(super) data: Bytes,
}

impl Write {
    /// Reads the fields of a packet after its type; `None` if some are missing.
    fn read(mut fields: Bytes) -> Option<Write> {
        let packet = fields.len();
        let id = fields.try_get_u32().ok()?;
        // What is no UTF-8 is no handle of ours, as is nothing.
        let handle = String::from_utf8(text(&mut fields)?.into()).unwrap_or_default();
        let offset = fields.try_get_u64().ok()?;
        let data = text(&mut fields)?;
        let data = if data.len() < KEPT_MIN.max(packet / 2) { Bytes::copy_from_slice(&data) } else { data };
        Some(Write { id, handle, offset, data })
    }
}

/// Takes a string out of fields (RFC 4251, section 5).
fn text(fields: &mut Bytes) -> Option<Bytes> {
    let len = fields.try_get_u32().ok()? as usize;
    (len <= fields.len()).then(|| fields.split_to(len))
}

/// Reads a packet.
///
/// # Errors
/// Fails if it is malformed.
pub(super) fn read(raw: &Bytes) -> Result<Asked, FrameError> {
    if raw.first() == Some(&WRITE) {
        let write =
            Write::read(raw.slice(1..)).ok_or_else(|| FrameError::Malformed("a WRITE has fewer fields than it needs".into()))?;
        return Ok(Asked::Write(write));
    }
    if is_unknown(raw) {
        let id = raw
            .get(1..)
            .and_then(|rest| rest.first_chunk::<4>())
            .ok_or_else(|| FrameError::Malformed("it has no identifier".into()))?;
        return Ok(Asked::Unknown(u32::from_be_bytes(*id)));
    }
    let packet = Packet::try_from(&mut raw.clone()).map_err(|error| FrameError::Malformed(error.to_string()))?;
    // The decoder replaces what is no UTF-8, and a replaced name could be that of another file.
    let found: usize = texts(&packet).iter().map(|text| text.matches(REPLACEMENT).count()).sum();
    if found > 0 && found > signs(raw) {
        return Ok(Asked::NoText(packet.get_request_id()));
    }
    Ok(Asked::Packet(packet))
}

/// Returns how often the client itself has sent the character by which others are replaced.
fn signs(raw: &[u8]) -> usize {
    let mut encoded = [0; 4];
    let sign = REPLACEMENT.encode_utf8(&mut encoded).as_bytes();
    raw.windows(sign.len()).filter(|window| *window == sign).count()
}

/// Returns true if the type of a packet is none of version 3 (section 3 of the draft).
fn is_unknown(raw: &[u8]) -> bool {
    !matches!(raw.first(), Some(1..=20 | 101..=105 | 200 | 201) | None)
}

/// Returns the paths and names in a packet.
fn texts(packet: &Packet) -> Vec<&str> {
    match packet {
        Packet::Open(open) => vec![&open.filename],
        Packet::Lstat(lstat) => vec![&lstat.path],
        Packet::SetStat(setstat) => vec![&setstat.path],
        Packet::OpenDir(opendir) => vec![&opendir.path],
        Packet::Remove(remove) => vec![&remove.filename],
        Packet::MkDir(mkdir) => vec![&mkdir.path],
        Packet::RmDir(rmdir) => vec![&rmdir.path],
        Packet::RealPath(realpath) => vec![&realpath.path],
        Packet::Stat(stat) => vec![&stat.path],
        Packet::Rename(rename) => vec![&rename.oldpath, &rename.newpath],
        Packet::ReadLink(readlink) => vec![&readlink.path],
        Packet::Symlink(symlink) => vec![&symlink.linkpath, &symlink.targetpath],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use russh_sftp::protocol::{Remove, Stat};

    use super::*;

    fn packet(path: &[u8]) -> Bytes {
        let mut bytes = BytesMut::from(&[17, 0, 0, 0, 7][..]);
        bytes.extend_from_slice(&(path.len() as u32).to_be_bytes());
        bytes.extend_from_slice(path);
        bytes.freeze()
    }

    #[test]
    fn packets_come_out_whatever_the_pieces_are() {
        let sent: Bytes = Packet::Remove(Remove { id: 3, filename: "a".into() }).try_into().unwrap();
        let all = sent.repeat(3);
        for size in [1, 3, 7, 100] {
            let (mut frames, mut found) = (Frames::default(), 0);
            for piece in all.chunks(size) {
                frames.push(piece);
                while let Some(raw) = frames.next().unwrap() {
                    assert!(matches!(read(&raw).unwrap(), Asked::Packet(Packet::Remove(_))));
                    found += 1;
                }
            }
            assert_eq!((found, frames.len()), (3, 0));
        }
    }

    #[test]
    fn long_and_short_packets_come_out_in_their_order() {
        let lengths = [1, 40_000, 3, PACKET_MAX, 5, 20_000, 1, 1, 30_000, 7];
        let mut sent = Vec::new();
        for (number, &length) in lengths.iter().enumerate() {
            sent.extend_from_slice(&(length as u32).to_be_bytes());
            sent.resize(sent.len() + length, number as u8);
        }
        for size in [1_000, 32_768, 100_000, sent.len()] {
            // Once they are taken as they come, and once all at the end.
            for waits in [false, true] {
                let (mut frames, mut found, mut left) = (Frames::default(), Vec::new(), sent.len());
                for (at, piece) in sent.chunks(size).enumerate() {
                    frames.push(piece);
                    while (!waits || at == (sent.len() - 1) / size)
                        && let Some(raw) = frames.next().unwrap()
                    {
                        assert!(raw.iter().all(|&byte| usize::from(byte) == found.len()));
                        left -= 4 + raw.len();
                        found.push(raw.len());
                    }
                    assert_eq!(frames.len(), left - (sent.len() - (at + 1).saturating_mul(size).min(sent.len())));
                }
                assert_eq!(found, lengths);
            }
        }
    }

    #[test]
    fn a_length_is_checked_before_its_bytes_are_there() {
        for (length, is_allowed) in
            [(0, false), (1, true), (PACKET_MAX, true), (PACKET_MAX + 1, false), (u32::MAX as usize, false)]
        {
            let mut frames = Frames::default();
            frames.push(&(length as u32).to_be_bytes());
            assert_eq!(frames.next().is_ok(), is_allowed, "{length}");
        }
    }

    #[test]
    fn malformed_packets_are_errors_and_unknown_types_are_told_apart() {
        assert!(matches!(read(&Bytes::from_static(&[17, 0, 0])), Err(FrameError::Malformed(_))));
        assert!(matches!(read(&Bytes::from_static(&[17, 0, 0, 0, 1, 0, 0, 0, 9, 65])), Err(FrameError::Malformed(_))));
        assert!(matches!(read(&Bytes::from_static(&[99, 0, 0, 0, 5])), Ok(Asked::Unknown(5))));
        assert!(read(&Bytes::from_static(&[99, 0])).is_err());
    }

    #[test]
    fn a_write_is_read_as_the_library_writes_it() {
        for len in [0, 1, KEPT_MIN, 100_000] {
            let (id, handle, offset, data) = (3, "7".to_owned(), 1 << 40, vec![5; len]);
            let sent: Bytes = Packet::Write(russh_sftp::protocol::Write { id, handle, offset, data }).try_into().unwrap();
            let Asked::Write(write) = read(&sent.slice(4..)).unwrap() else { panic!() };
            assert_eq!((write.id, &*write.handle, write.offset, write.data.len()), (3, "7", 1 << 40, len));
            assert!(write.data.iter().all(|&byte| byte == 5));
            assert!((5..sent.len().min(40)).all(|end| read(&sent.slice(4..end)).is_err()));
        }
    }

    #[test]
    fn a_name_that_is_no_utf_8_is_not_taken_for_another() {
        assert!(matches!(read(&packet(b"a\xff")).unwrap(), Asked::NoText(7)));
        let Asked::Packet(Packet::Stat(Stat { path, .. })) = read(&packet("a\u{fffd}".as_bytes())).unwrap() else { panic!() };
        assert_eq!(path, "a\u{fffd}");
    }
}
