//! What a client has written beyond the bytes that an upload has, which is kept until what is before it has come.

use std::collections::BTreeMap;

use bytes::Bytes;

/// Distance from what the upload has to the end of what is kept at the most, and bytes that are kept at the most, in bytes.
const AHEAD_MAX: u64 = 2 * 1024 * 1024;
/// Bytes that one write takes beside its content.
const ENTRY: u64 = 128;

/// Writes by their position.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    writes: BTreeMap<u64, Bytes>,
    /// Bytes of memory that they take together.
    held: u64,
}

impl Ahead {
    /// Returns true if bytes from `offset` to `end` may be kept where the upload has those before `at`: they are not before that nor far
    /// beyond it, and there is room for them. What comes next always may, since it does not stay.
    pub(super) fn takes(&self, at: u64, offset: u64, end: u64) -> bool {
        offset == at || (offset > at && end - at <= AHEAD_MAX && self.held + (end - offset) + ENTRY <= AHEAD_MAX)
    }

    /// Keeps a write. Of two at one place the longer one is kept with the beginning of the later one, since that is a part of it that was sent
    /// twice.
    pub(super) fn keep(&mut self, offset: u64, data: Bytes) {
        let data = match self.remove(offset) {
            Some(former) if former.len() > data.len() => [&data[..], &former[data.len()..]].concat().into(),
            _ => data,
        };
        self.held += cost(&data);
        self.writes.insert(offset, data);
    }

    /// Returns the position of the first write.
    pub(super) fn first(&self) -> Option<u64> {
        self.writes.first_key_value().map(|(&offset, _)| offset)
    }

    /// Takes the first write out if it begins at a position or before it.
    pub(super) fn next(&mut self, at: u64) -> Option<(u64, Bytes)> {
        let offset = self.first().filter(|&offset| offset <= at)?;
        Some((offset, self.remove(offset)?))
    }

    fn remove(&mut self, offset: u64) -> Option<Bytes> {
        let data = self.writes.remove(&offset)?;
        self.held -= cost(&data);
        Some(data)
    }
}

fn cost(data: &Bytes) -> u64 {
    data.len() as u64 + ENTRY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_that_overlap_take_a_bounded_memory() {
        let (mut ahead, data) = (Ahead::default(), Bytes::from_static(&[0; 255 << 10]));
        let mut kept = 0;
        for offset in 1..1_000 {
            if ahead.takes(0, offset, offset + data.len() as u64) {
                ahead.keep(offset, data.clone());
                kept += 1;
            }
        }
        assert_eq!(kept, 8);
        assert!(ahead.takes(0, 0, 1) && !ahead.takes(0, 2_000, 2_000 + data.len() as u64));
        while ahead.next(1_000).is_some() {}
        assert_eq!(ahead.held, 0);
    }

    #[test]
    fn short_writes_take_a_bounded_memory() {
        let mut ahead = Ahead::default();
        let taken = (1..=100_000).filter(|&offset| {
            let takes = ahead.takes(0, 2 * offset, 2 * offset + 1);
            takes.then(|| ahead.keep(2 * offset, Bytes::from_static(b"x"))).is_some()
        });
        assert_eq!(taken.count() as u64, AHEAD_MAX / (ENTRY + 1));
    }

    #[test]
    fn of_two_writes_at_one_place_nothing_is_lost() {
        let mut ahead = Ahead::default();
        ahead.keep(5, Bytes::from_static(b"former"));
        ahead.keep(5, Bytes::from_static(b"new"));
        assert_eq!(ahead.next(4), None);
        assert_eq!(ahead.next(5), Some((5, Bytes::from_static(b"newmer"))));
        assert_eq!((ahead.first(), ahead.held), (None, 0));
    }
}
