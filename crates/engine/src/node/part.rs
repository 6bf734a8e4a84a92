//! Parts of frames that arrive in pieces. Most payloads do: what is left of the packet that brings the header, and then the rest.

use std::mem;

use bytes::Bytes;

/// Bytes that have arrived on a connection.
#[derive(Debug, Clone)]
pub struct Piece {
    /// Bytes of the piece.
    pub bytes: Bytes,
    /// Payload as it was written, if this is the last piece of it and the other end still has it. A payload whose pieces all lie in
    /// it is this one, and need not be put together.
    pub whole: Option<Bytes>,
}

impl From<Bytes> for Piece {
    fn from(bytes: Bytes) -> Piece {
        Piece { bytes, whole: None }
    }
}

/// Part of a frame that is being received. It is not copied if it arrives in one piece, or if its last piece comes with the whole.
#[derive(Debug, Default)]
pub(super) struct Part {
    first: Bytes,
    later: Vec<Bytes>,
    len: usize,
}

impl Part {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Adds the next bytes.
    pub(super) fn push(&mut self, bytes: Bytes) {
        self.len += bytes.len();
        if self.first.is_empty() {
            self.first = bytes;
        } else if !bytes.is_empty() {
            self.later.push(bytes);
        }
    }

    /// Returns all bytes that were added, and is empty then. They are `whole`, if that is where they lie.
    pub(super) fn take(&mut self, whole: Option<Bytes>) -> Bytes {
        let Part { first, mut later, .. } = mem::take(self);
        if later.is_empty() {
            return first;
        }
        later.insert(0, first);
        whole.filter(|whole| lie_in(whole, &later)).unwrap_or_else(|| later.concat().into())
    }
}

/// Returns true if `pieces` are all of `whole`: the same bytes in memory, which nothing changes while either is there.
fn lie_in(whole: &Bytes, pieces: &[Bytes]) -> bool {
    let mut at = whole.as_ptr().addr();
    let is_next = |piece: &Bytes| {
        let is_next = piece.as_ptr().addr() == at;
        at += piece.len();
        is_next
    };
    pieces.iter().all(is_next) && at == whole.as_ptr_range().end.addr()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(pieces: &[Bytes]) -> Part {
        let mut part = Part::default();
        pieces.iter().for_each(|piece| part.push(piece.clone()));
        part
    }

    #[test]
    fn pieces_of_a_known_whole_are_not_copied_and_others_are_put_together() {
        let whole = Bytes::from(vec![7; 100]);
        let pieces = [whole.slice(..30), whole.slice(30..31), whole.slice(31..)];
        let is_it = |bytes: &Bytes| bytes.as_ptr() == whole.as_ptr();
        assert!(is_it(&part(&pieces).take(Some(whole.clone()))));
        for (pieces, other) in [
            (&pieces[..], None),
            (&pieces[..], Some(Bytes::from(vec![7; 100]))),
            (&pieces[..], Some(whole.slice(..99))),
            (&[whole.slice(..30), whole.slice(..70)], Some(whole.clone())),
        ] {
            let taken = part(pieces).take(other);
            assert!(taken == whole && !is_it(&taken));
        }
        let mut one = part(&[Bytes::new(), whole.clone()]);
        assert!(one.len() == 100 && is_it(&one.take(None)) && one.len() == 0);
    }
}
