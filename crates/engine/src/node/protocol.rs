//! The protocol between nodes and their clients: requests, responses, and the frames that carry them.
//!
//! ```text
//! 0        1               3                  7            7 + h              7 + h + p
//! ├────────┼───────────────┼──────────────────┼────────────┼──────────────────┤
//! │version │header len (h) │payload len (p)   │ header     │ payload          │
//! │ u8     │ u16           │ u32              │ bincode    │ raw bytes        │
//! ```
//!
//! Numbers are little-endian. The payload is a segment, or a sequence of segment names, and is passed on without being copied.
//! Every length has an upper bound, so that a wrong length is refused before memory is allocated for it.

use bytes::{Bytes, BytesMut};
use p2p_base::codec::{self, DecodeError};
use p2p_store::disk::DiskError;
use p2p_store::segment::{SegmentId, SegmentSize};
use p2p_store::volume::VolumeStats;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::part::{Part, Piece};

/// Version of the format of frames and headers.
const VERSION: u8 = 1;
/// Length of the prefix in bytes: version, header length and payload length.
const PREFIX_LEN: usize = 7;
/// Largest length of a header in bytes.
const HEADER_MAX: usize = 1024;
/// Largest length of a payload in bytes: that of the largest segment, which fits the receive buffer of a connection.
const PAYLOAD_MAX: usize = SegmentSize::MAX.as_u64() as usize;
/// Length of a segment's name in bytes.
const ID_LEN: usize = 32;

/// Largest number of segments in one request: 2 MiB of names.
pub const IDS_MAX: usize = 65_536;

/// Tag of a request, unique on its connection; the response carries the same tag.
pub type RequestTag = u64;

/// Request of a client to a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Ask for a sign of life.
    Ping,
    /// Store the segment in the payload.
    Put {
        /// Name of the segment to store.
        id: SegmentId,
    },
    /// Read a segment from the volume.
    Get {
        /// Name of the segment to read.
        id: SegmentId,
    },
    /// Delete the segments that the payload names.
    Delete,
    /// Make the segments that the payload names durable.
    Commit,
    /// Ask for the fill level of the volume.
    Stat,
}

/// Response of a node to a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// Sign of life, the answer to a ping.
    Pong,
    /// The segment is written; a power loss may still take it.
    Stored {
        /// Name of the stored segment.
        id: SegmentId,
    },
    /// The segment was read and is in the payload.
    Segment {
        /// Name of the segment in the payload.
        id: SegmentId,
    },
    /// The requested segments are deleted.
    Deleted,
    /// The requested segments are durable.
    Committed,
    /// Fill level of the volume.
    Stat(VolumeStats),
    /// The request is refused for this reason. If the node lacks some of the segments that it was to commit, the payload names them.
    Refused(Refusal),
}

/// Reason why a node refuses a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Error)]
pub enum Refusal {
    /// The segment would exceed the capacity of the volume.
    #[error("its volume is full ({free} bytes are free, {needed} needed)")]
    Full {
        /// Number of bytes that the segment needs.
        needed: u64,
        /// Number of free bytes of the volume.
        free: u64,
    },
    /// The real disk has no room left.
    #[error("no space is left on its disk")]
    DiskFull,
    /// The segment is not stored on the node.
    #[error("it does not hold segment {id:?}")]
    NotStored {
        /// Name of the requested segment.
        id: SegmentId,
    },
    /// The stored or the received bytes do not have the digest that they are named by.
    #[error("its copy of segment {id:?} is damaged")]
    Corrupt {
        /// Name of the damaged segment.
        id: SegmentId,
    },
    /// The disk of the node failed.
    #[error("its disk failed: {0}")]
    Disk(DiskError),
    /// The volume is read-only.
    #[error("its volume is only read")]
    ReadOnly,
    /// The segment is stored, but a failed sync may have lost it.
    #[error("its disk may have lost segment {id:?}: a sync has failed since it was written")]
    Doubtful {
        /// Name of the segment in doubt.
        id: SegmentId,
    },
}

/// Violation of the protocol.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize)]
pub enum ProtocolError {
    /// The frame has another version, or the bytes are no frame.
    #[error("frame version {found} is unknown (this program speaks version {VERSION})")]
    Version {
        /// Version of the received frame.
        found: u8,
    },
    /// A length exceeds its upper bound.
    #[error("a {part} of {length} bytes is too long (at most {limit})")]
    TooLong {
        /// Part that is too long.
        part: FramePart,
        /// Length of the part in bytes.
        length: usize,
        /// Largest allowed length in bytes.
        limit: usize,
    },
    /// The header cannot be decoded or encoded.
    #[error("the header is damaged: {0}")]
    Header(HeaderDefect),
    /// The length of the payload does not fit the message in the header.
    #[error("a payload of {length} bytes does not belong to this message")]
    Payload {
        /// Length of the payload in bytes.
        length: usize,
    },
}

/// Part of a frame whose length is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, Serialize)]
pub enum FramePart {
    /// The message, encoded.
    #[error("header")]
    Header,
    /// The segment or the names that follow the header.
    #[error("payload")]
    Payload,
}

/// Defect of a header.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize)]
pub enum HeaderDefect {
    /// The header has no bytes.
    #[error("it is empty")]
    Empty,
    /// The header is encoded in another version of the format.
    #[error("format version {found} is unknown (this program reads version {VERSION})")]
    Version {
        /// Version of the header.
        found: u8,
    },
    /// The bytes are not the encoding of a message.
    #[error("damaged value")]
    Malformed,
    /// The message is followed by extra bytes.
    #[error("{count} bytes follow the value")]
    Trailing {
        /// Number of extra bytes.
        count: usize,
    },
    /// The message cannot be encoded, which is a bug of this program.
    #[error("the value cannot be encoded")]
    Unencodable,
}

impl From<DecodeError> for HeaderDefect {
    fn from(error: DecodeError) -> HeaderDefect {
        match error {
            DecodeError::Empty => HeaderDefect::Empty,
            DecodeError::Version { found, .. } => HeaderDefect::Version { found },
            DecodeError::Malformed { .. } => HeaderDefect::Malformed,
            DecodeError::Trailing { count } => HeaderDefect::Trailing { count },
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    tag: RequestTag,
    body: T,
}

/// Encodes the prefix and the header of a frame that carries `message` and is followed by `payload`.
///
/// # Errors
/// Fails if the message or the payload exceeds its length limit, or the message cannot be encoded.
pub fn frame<T: Serialize>(tag: RequestTag, message: &T, payload: &Bytes) -> Result<Bytes, ProtocolError> {
    let header = codec::encode(VERSION, &Envelope { tag, body: message });
    let header = header.map_err(|_| ProtocolError::Header(HeaderDefect::Unencodable))?;
    check_length(FramePart::Header, header.len(), HEADER_MAX)?;
    check_length(FramePart::Payload, payload.len(), PAYLOAD_MAX)?;
    let mut bytes = BytesMut::with_capacity(PREFIX_LEN + header.len());
    bytes.extend_from_slice(&[VERSION]);
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&header);
    Ok(bytes.freeze())
}

/// Returns the segment names in a payload.
pub fn ids_in(payload: &[u8]) -> Vec<SegmentId> {
    let (names, _) = payload.as_chunks::<ID_LEN>();
    names.iter().map(|&name| SegmentId::from_bytes(name)).collect()
}

/// Encodes segment names as a payload.
pub fn ids_payload(ids: &[SegmentId]) -> Bytes {
    ids.iter().flat_map(|id| id.as_bytes()).copied().collect::<Vec<u8>>().into()
}

fn check_length(part: FramePart, length: usize, limit: usize) -> Result<(), ProtocolError> {
    if length > limit { Err(ProtocolError::TooLong { part, length, limit }) } else { Ok(()) }
}

/// Frame that has been received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    header: Bytes,
    /// Bytes that followed the header.
    pub payload: Bytes,
}

impl Frame {
    /// Decodes the request that the frame carries.
    ///
    /// # Errors
    /// Fails if the frame carries no request, or its payload does not fit the request.
    pub fn request(&self) -> Result<(RequestTag, Request), ProtocolError> {
        let (tag, request) = self.message()?;
        let fits = match request {
            Request::Ping | Request::Get { .. } | Request::Stat => self.payload.is_empty(),
            Request::Put { .. } => (1..=SegmentSize::MAX.as_u64() as usize).contains(&self.payload.len()),
            Request::Delete | Request::Commit => self.payload.len().is_multiple_of(ID_LEN),
        };
        if fits { Ok((tag, request)) } else { Err(ProtocolError::Payload { length: self.payload.len() }) }
    }

    /// Decodes the response that the frame carries.
    ///
    /// # Errors
    /// Fails if the frame carries no response, or its payload does not fit the response.
    pub fn response(&self) -> Result<(RequestTag, Response), ProtocolError> {
        let (tag, response) = self.message()?;
        let fits = match &response {
            Response::Segment { .. } => true,
            Response::Refused(Refusal::NotStored { .. } | Refusal::Doubtful { .. }) => self.payload.len().is_multiple_of(ID_LEN),
            _ => self.payload.is_empty(),
        };
        if fits { Ok((tag, response)) } else { Err(ProtocolError::Payload { length: self.payload.len() }) }
    }

    /// Returns the segment names in the payload.
    pub fn ids(&self) -> Vec<SegmentId> {
        ids_in(&self.payload)
    }

    fn message<T: serde::de::DeserializeOwned>(&self) -> Result<(RequestTag, T), ProtocolError> {
        let envelope: Envelope<T> = codec::decode(VERSION, &self.header).map_err(|error| ProtocolError::Header(error.into()))?;
        Ok((envelope.tag, envelope.body))
    }
}

/// Result of passing bytes to a frame reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadStep {
    /// The frame is not complete yet.
    More,
    /// The frame is complete.
    Frame(Frame),
}

/// Reader that assembles frames from the bytes of a connection.
#[derive(Debug, Default)]
pub struct FrameReader {
    lengths: Option<(usize, usize)>,
    header: Option<Bytes>,
    part: Part,
}

impl FrameReader {
    /// Returns true if part of a frame has arrived.
    pub fn is_mid_frame(&self) -> bool {
        self.lengths.is_some() || self.part.len() > 0
    }

    /// Returns the largest number of bytes to push at once, so that no piece belongs to two parts.
    pub fn piece_max(&self) -> usize {
        self.part_len() - self.part.len()
    }

    /// Returns the number of bytes that are missing from the prefix, or from the rest of the frame.
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

    /// Processes a piece of at most [`piece_max`](Self::piece_max) bytes.
    ///
    /// # Errors
    /// Fails if the bytes violate the protocol; the reader cannot be used afterwards.
    pub fn push(&mut self, piece: impl Into<Piece>) -> Result<ReadStep, ProtocolError> {
        let Piece { bytes, whole } = piece.into();
        self.part.push(bytes);
        if self.part.len() < self.part_len() {
            return Ok(ReadStep::More);
        }
        let part = self.part.take(whole);
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
    check_length(FramePart::Header, header, HEADER_MAX)?;
    check_length(FramePart::Payload, payload, PAYLOAD_MAX)?;
    if header == 0 {
        return Err(ProtocolError::Header(HeaderDefect::Empty));
    }
    Ok((header, payload))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use p2p_net::TcpConfig;

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
        let huge = ProtocolError::TooLong { part: FramePart::Payload, length: 0xffff_ffff, limit: PAYLOAD_MAX };
        assert_eq!(read(&[1, 5, 0, 255, 255, 255, 255], 99), Err(huge));
        assert!(matches!(read(&[1, 255, 255, 0, 0, 0, 0], 99), Err(ProtocolError::TooLong { part: FramePart::Header, .. })));
        assert!(matches!(read(&[1, 0, 0, 0, 0, 0, 0], 99), Err(ProtocolError::Header(HeaderDefect::Empty))));
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
