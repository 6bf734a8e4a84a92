//! Bytes of a file on their way to a client, with room before them for the fields of their packet: they are copied once.

use bytes::{Buf, Bytes, BytesMut};

/// Type of the packet that answers READ, SSH_FXP_DATA (draft-ietf-secsh-filexfer-02, section 3).
const DATA: u8 = 103;
/// Bytes of a packet before those of the file: its length, its type, its request and their number (sections 3 and 7 of the draft).
const FIELDS: usize = 4 + 1 + 4 + 4;

/// Bytes of a file.
#[derive(Debug)]
pub(super) struct Content(BytesMut);

impl Content {
    /// Makes room for so many bytes.
    pub(super) fn with_capacity(len: usize) -> Content {
        let mut bytes = BytesMut::with_capacity(FIELDS + len);
        bytes.resize(FIELDS, 0);
        Content(bytes)
    }

    /// Makes so many zeros.
    pub(super) fn zeros(len: usize) -> Content {
        Content(BytesMut::zeroed(FIELDS + len))
    }

    /// Returns the number of the bytes.
    pub(super) fn len(&self) -> usize {
        self.0.len() - FIELDS
    }

    /// Adds bytes at the end.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Returns the bytes, to be written.
    pub(super) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.0[FIELDS..]
    }

    /// Returns the bytes.
    pub(super) fn into_bytes(mut self) -> Bytes {
        self.0.advance(FIELDS);
        self.0.freeze()
    }

    /// Returns the packet that answers a READ with the bytes, with its length.
    pub(super) fn into_packet(mut self, id: u32) -> Bytes {
        // No content is longer than a packet may be.
        let number = |len: usize| u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes();
        let (length, len) = (number(self.0.len() - 4), number(self.len()));
        let fields = length.into_iter().chain([DATA]).chain(id.to_be_bytes()).chain(len);
        self.0.iter_mut().zip(fields).for_each(|(byte, field)| *byte = field);
        self.0.freeze()
    }
}

#[cfg(test)]
mod tests {
    use russh_sftp::protocol::{Data, Packet};

    use super::*;

    #[test]
    fn a_packet_is_the_one_of_the_library() {
        for len in [0, 1, 300] {
            let mut content = Content::with_capacity(len);
            content.extend(&vec![7; len]);
            assert_eq!(content.len(), len);
            let expected: Bytes = Packet::Data(Data { id: 0x0102_0304, data: vec![7; len] }).try_into().unwrap();
            assert_eq!(content.into_packet(0x0102_0304), expected);
        }
        let mut zeros = Content::zeros(2);
        zeros.as_mut_slice()[1] = 1;
        assert_eq!(zeros.into_bytes(), &[0, 1][..]);
    }
}
