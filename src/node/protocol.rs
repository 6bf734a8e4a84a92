//! What nodes and their clients say to each other, and the frames that carry it.
//!
//! ```text
//! 0        1               3                  7            7 + h              7 + h + p
//! ├────────┼───────────────┼──────────────────┼────────────┼──────────────────┤
//! │version │header len (h) │payload len (p)   │ header     │ payload          │
//! │ u8     │ u16           │ u32              │ bincode    │ bytes as they are│
//! ```
//!
//! Numbers are little-endian. The payload is a segment, or segment names one after the other, and is passed on without being
//! copied. Every length has a bound, so that a wrong one is refused before anything is kept for it. Knows nothing of what a
//! node does about a request.

use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::codec;
use crate::storage::disk::DiskError;
use crate::storage::segment::{SegmentId, SegmentSize};
use crate::storage::volume::VolumeStats;

/// The version of frames and headers.
const VERSION: u8 = 1;
/// Version, header length and payload length.
const PREFIX_LEN: usize = 7;
/// No header has more bytes.
const HEADER_MAX: usize = 1024;
/// No payload has more bytes: a segment of the largest size, which a connection's receive buffer holds whole.
const PAYLOAD_MAX: usize = SegmentSize::MAX.as_u64() as usize;
/// Bytes of a segment's name.
const ID_LEN: usize = 32;

/// No request names more segments: 2 MiB of names.
pub const IDS_MAX: usize = 65_536;

/// Names a request among those of its connection; its response bears the same.
pub type RequestTag = u64;

/// What a client asks of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Are you there?
    Ping,
    /// Keep the segment in the payload.
    Put {
        /// Its name.
        id: SegmentId,
    },
    /// Give this segment back.
    Get {
        /// Its name.
        id: SegmentId,
    },
    /// Forget the segments that the payload names.
    Delete,
    /// Make the segments that the payload names durable.
    Commit,
    /// How full are you?
    Stat,
}

/// What a node answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// I am.
    Pong,
    /// The segment is written; a power loss may still take it.
    Stored {
        /// Its name.
        id: SegmentId,
    },
    /// The segment is in the payload.
    Segment {
        /// Its name.
        id: SegmentId,
    },
    /// They are gone.
    Deleted,
    /// They are durable.
    Committed,
    /// This full.
    Stat(VolumeStats),
    /// No, and why.
    Refused(Refusal),
}

/// Why a node does not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Error)]
pub enum Refusal {
    /// It would pass the volume's capacity.
    #[error("its volume is full ({free} bytes are free, {needed} needed)")]
    Full {
        /// How many bytes the segment has.
        needed: u64,
        /// How many are free.
        free: u64,
    },
    /// The real disk has no room.
    #[error("no space is left on its disk")]
    DiskFull,
    /// The segment is not there.
    #[error("it does not hold segment {id:?}")]
    NotStored {
        /// The segment.
        id: SegmentId,
    },
    /// What is there, or what arrived, is not what it is called.
    #[error("its copy of segment {id:?} is damaged")]
    Corrupt {
        /// The segment.
        id: SegmentId,
    },
    /// The disk failed.
    #[error("its disk failed: {0}")]
    Disk(DiskError),
    /// Nothing on its volume is changed.
    #[error("its volume is only read")]
    ReadOnly,
    /// The segment is there, but a failed sync may have lost it.
    #[error("its disk may have lost segment {id:?}: a sync has failed since it was written")]
    Doubtful {
        /// The segment.
        id: SegmentId,
    },
}

/// What does not keep to the protocol.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProtocolError {
    /// Another version, or no frame at all.
    #[error("frame version {found} is unknown (this program speaks version {VERSION})")]
    Version {
        /// The version found.
        found: u8,
    },
    /// A length beyond its bound.
    #[error("a {part} of {length} bytes is too long (at most {limit})")]
    TooLong {
        /// Which part.
        part: &'static str,
        /// How long it claims to be.
        length: usize,
        /// How long it may be.
        limit: usize,
    },
    /// A header that says nothing.
    #[error("the header is damaged: {reason}")]
    Header {
        /// What was wrong.
        reason: String,
    },
    /// A payload that does not fit the header.
    #[error("a payload of {length} bytes does not belong to this message")]
    Payload {
        /// How long it is.
        length: usize,
    },
}

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    tag: RequestTag,
    body: T,
}

/// The beginning of a frame that carries `message` and is followed by `payload`.
///
/// # Errors
/// Where the message or the payload passes its bound.
pub fn frame<T: Serialize>(tag: RequestTag, message: &T, payload: &Bytes) -> Result<Bytes, ProtocolError> {
    let header = codec::encode(VERSION, &Envelope { tag, body: message });
    let header = header.map_err(|error| ProtocolError::Header { reason: error.to_string() })?;
    check_length("header", header.len(), HEADER_MAX)?;
    check_length("payload", payload.len(), PAYLOAD_MAX)?;
    let mut bytes = BytesMut::with_capacity(PREFIX_LEN + header.len());
    bytes.extend_from_slice(&[VERSION]);
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&header);
    Ok(bytes.freeze())
}

/// A payload that names segments.
pub fn ids_payload(ids: &[SegmentId]) -> Bytes {
    ids.iter().flat_map(|id| id.as_bytes()).copied().collect::<Vec<u8>>().into()
}

fn check_length(part: &'static str, length: usize, limit: usize) -> Result<(), ProtocolError> {
    if length > limit { Err(ProtocolError::TooLong { part, length, limit }) } else { Ok(()) }
}

/// A frame that has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    header: Bytes,
    /// What followed the header.
    pub payload: Bytes,
}

impl Frame {
    /// The request that it carries.
    ///
    /// # Errors
    /// Where it is none, or its payload does not fit.
    pub fn request(&self) -> Result<(RequestTag, Request), ProtocolError> {
        let (tag, request) = self.message()?;
        let fits = match request {
            Request::Ping | Request::Get { .. } | Request::Stat => self.payload.is_empty(),
            Request::Put { .. } => (1..=SegmentSize::MAX.as_u64() as usize).contains(&self.payload.len()),
            Request::Delete | Request::Commit => self.payload.len().is_multiple_of(ID_LEN),
        };
        if fits { Ok((tag, request)) } else { Err(ProtocolError::Payload { length: self.payload.len() }) }
    }

    /// The response that it carries.
    ///
    /// # Errors
    /// Where it is none, or its payload does not fit.
    pub fn response(&self) -> Result<(RequestTag, Response), ProtocolError> {
        let (tag, response) = self.message()?;
        let carries_segment = matches!(response, Response::Segment { .. });
        if carries_segment || self.payload.is_empty() {
            Ok((tag, response))
        } else {
            Err(ProtocolError::Payload { length: self.payload.len() })
        }
    }

    /// The segments that the payload names.
    pub fn ids(&self) -> Vec<SegmentId> {
        let (names, _) = self.payload.as_chunks::<ID_LEN>();
        names.iter().map(|&name| SegmentId::from_bytes(name)).collect()
    }

    fn message<T: serde::de::DeserializeOwned>(&self) -> Result<(RequestTag, T), ProtocolError> {
        let envelope: Envelope<T> =
            codec::decode(VERSION, &self.header).map_err(|error| ProtocolError::Header { reason: error.to_string() })?;
        Ok((envelope.tag, envelope.body))
    }
}

/// What has come of some bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadStep {
    /// Nothing yet.
    More,
    /// A frame is here.
    Frame(Frame),
}

/// Puts frames together from bytes as they come.
#[derive(Debug, Default)]
pub struct FrameReader {
    lengths: Option<(usize, usize)>,
    header: Option<Bytes>,
    part: Part,
}

/// A part of a frame that is arriving: as one piece where it came as one.
#[derive(Debug, Default)]
struct Part {
    first: Bytes,
    joined: BytesMut,
}

impl Part {
    fn len(&self) -> usize {
        self.first.len() + self.joined.len()
    }

    fn push(&mut self, bytes: Bytes) {
        if self.len() == 0 {
            self.first = bytes;
            return;
        }
        if !self.first.is_empty() {
            self.joined.extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.joined.extend_from_slice(&bytes);
    }

    fn take(&mut self) -> Bytes {
        if self.joined.is_empty() { std::mem::take(&mut self.first) } else { std::mem::take(&mut self.joined).freeze() }
    }
}

impl FrameReader {
    /// Whether part of a frame has arrived.
    pub fn is_mid_frame(&self) -> bool {
        self.lengths.is_some() || self.part.len() > 0
    }

    /// The most bytes to push at once, so that no piece belongs to two parts.
    pub fn piece_max(&self) -> usize {
        self.part_len() - self.part.len()
    }

    /// How many bytes are missing until something can be done: the prefix, or the rest of the frame.
    pub fn frame_rest(&self) -> u64 {
        let after = match (self.lengths, &self.header) {
            (Some((_, payload)), None) => payload,
            _ => 0,
        };
        (self.piece_max() + after) as u64
    }

    fn part_len(&self) -> usize {
        match (self.lengths, &self.header) {
            (None, _) => PREFIX_LEN,
            (Some((header, _)), None) => header,
            (Some((_, payload)), Some(_)) => payload,
        }
    }

    /// Takes in bytes, [`piece_max`](Self::piece_max) at the most.
    ///
    /// # Errors
    /// Where they do not keep to the protocol; the reader is of no use afterwards.
    pub fn push(&mut self, bytes: Bytes) -> Result<ReadStep, ProtocolError> {
        self.part.push(bytes);
        if self.part.len() < self.part_len() {
            return Ok(ReadStep::More);
        }
        let part = self.part.take();
        match (self.lengths, self.header.take()) {
            (None, _) => {
                self.lengths = Some(parse_prefix(&part)?);
                Ok(ReadStep::More)
            }
            (Some((_, 0)), None) => Ok(self.finish(part, Bytes::new())),
            (Some(_), None) => {
                self.header = Some(part);
                Ok(ReadStep::More)
            }
            (Some(_), Some(header)) => Ok(self.finish(header, part)),
        }
    }

    fn finish(&mut self, header: Bytes, payload: Bytes) -> ReadStep {
        *self = FrameReader::default();
        ReadStep::Frame(Frame { header, payload })
    }
}

fn parse_prefix(prefix: &[u8]) -> Result<(usize, usize), ProtocolError> {
    let &[version, h0, h1, p0, p1, p2, p3] = prefix else { return Err(ProtocolError::Payload { length: prefix.len() }) };
    if version != VERSION {
        return Err(ProtocolError::Version { found: version });
    }
    let (header, payload) = (usize::from(u16::from_le_bytes([h0, h1])), u32::from_le_bytes([p0, p1, p2, p3]) as usize);
    check_length("header", header, HEADER_MAX)?;
    check_length("payload", payload, PAYLOAD_MAX)?;
    if header == 0 {
        return Err(ProtocolError::Header { reason: "it is empty".into() });
    }
    Ok((header, payload))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::net::TcpConfig;

    /// Reads frames from `bytes` as they come in steps of `step`.
    fn read(bytes: &[u8], step: usize) -> Result<Vec<Frame>, ProtocolError> {
        let (mut reader, mut rest, mut frames) = (FrameReader::default(), Bytes::copy_from_slice(bytes), Vec::new());
        while !rest.is_empty() {
            let piece = rest.split_to(rest.len().min(step).min(reader.piece_max()));
            if let ReadStep::Frame(frame) = reader.push(piece)? {
                frames.push(frame);
            }
        }
        Ok(frames)
    }

    fn whole(tag: RequestTag, request: &Request, payload: &Bytes) -> Vec<u8> {
        [&frame(tag, request, payload).unwrap()[..], payload].concat()
    }

    /// A frame is looked at when it is there whole, so a connection must be able to hold it.
    #[test]
    fn the_largest_frame_fits_a_receive_buffer() {
        let largest = (PREFIX_LEN + HEADER_MAX + PAYLOAD_MAX) as u64;
        assert!(largest <= TcpConfig::default().receive_buffer.as_u64());
        const { assert!(IDS_MAX * ID_LEN <= PAYLOAD_MAX) };
    }

    #[test]
    fn a_segment_that_comes_as_one_piece_is_not_copied() {
        let payload = Bytes::from(vec![7; 65_536]);
        let request = Request::Put { id: SegmentId::of(&payload) };
        let mut reader = FrameReader::default();
        let header = frame(3, &request, &payload).unwrap();
        assert_eq!(reader.frame_rest(), PREFIX_LEN as u64);
        assert_eq!(reader.push(header.slice(..PREFIX_LEN)), Ok(ReadStep::More));
        assert_eq!(reader.frame_rest(), (header.len() - PREFIX_LEN + payload.len()) as u64);
        assert_eq!(reader.push(header.slice(PREFIX_LEN..)), Ok(ReadStep::More));
        let Ok(ReadStep::Frame(frame)) = reader.push(payload.clone()) else { panic!("no frame") };
        assert_eq!(frame.request(), Ok((3, request)));
        assert_eq!(frame.payload.as_ptr(), payload.as_ptr());
        assert!(!reader.is_mid_frame());
    }

    /// The format on the wire, so that two versions of the program understand each other or know that they do not.
    #[test]
    fn the_format_never_changes() {
        let bytes = frame(300, &Request::Commit, &ids_payload(&[SegmentId::of(b"a")])).unwrap();
        assert_eq!(&bytes[..], [1, 5, 0, 32, 0, 0, 0, 1, 251, 44, 1, 4]);
        let bytes = frame(1, &Response::Refused(Refusal::Full { needed: 5, free: 4 }), &Bytes::new()).unwrap();
        assert_eq!(&bytes[..], [1, 6, 0, 0, 0, 0, 0, 1, 1, 6, 0, 5, 4]);
    }

    #[test]
    fn what_does_not_keep_to_the_protocol_is_told_apart() {
        assert_eq!(read(b"GET / HTTP/1.1\r\n", 99), Err(ProtocolError::Version { found: b'G' }));
        let huge = ProtocolError::TooLong { part: "payload", length: 0xffff_ffff, limit: PAYLOAD_MAX };
        assert_eq!(read(&[1, 5, 0, 255, 255, 255, 255], 99), Err(huge));
        assert!(matches!(read(&[1, 255, 255, 0, 0, 0, 0], 99), Err(ProtocolError::TooLong { part: "header", .. })));
        assert!(matches!(read(&[1, 0, 0, 0, 0, 0, 0], 99), Err(ProtocolError::Header { .. })));
        let frames = read(&whole(1, &Request::Ping, &Bytes::from_static(b"payload")), 99).unwrap();
        assert_eq!(frames[0].request(), Err(ProtocolError::Payload { length: 7 }));
        let empty = read(&whole(1, &Request::Put { id: SegmentId::of(b"") }, &Bytes::new()), 99).unwrap();
        assert_eq!(empty[0].request(), Err(ProtocolError::Payload { length: 0 }));
        let names = read(&whole(1, &Request::Commit, &Bytes::from_static(b"33 bytes are one and a byte more.")), 99).unwrap();
        assert!(names[0].request().is_err());
    }

    proptest! {
        #[test]
        fn frames_arrive_however_they_are_cut(
            messages in proptest::collection::vec((any::<u64>(), 0u8..6, 1usize..300), 1..8), step in 1usize..400,
        ) {
            let (mut bytes, mut expected) = (Vec::new(), Vec::new());
            for (tag, kind, len) in messages {
                let id = SegmentId::of(&[kind]);
                let (request, payload) = match kind {
                    0 => (Request::Ping, Bytes::new()),
                    1 => (Request::Put { id }, vec![kind; len].into()),
                    2 => (Request::Get { id }, Bytes::new()),
                    3 => (Request::Delete, ids_payload(&vec![id; len % 5])),
                    4 => (Request::Commit, ids_payload(&vec![id; len % 5])),
                    _ => (Request::Stat, Bytes::new()),
                };
                bytes.extend(whole(tag, &request, &payload));
                expected.push((tag, request, payload));
            }
            let got: Vec<_> = read(&bytes, step).unwrap().into_iter().map(|frame| {
                let (tag, request) = frame.request().unwrap();
                (tag, request, frame.payload)
            }).collect();
            prop_assert_eq!(got, expected);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), step in 1usize..50) {
            for frame in read(&bytes, step).into_iter().flatten() {
                let _ = (frame.request(), frame.response(), frame.ids());
            }
        }
    }
}
