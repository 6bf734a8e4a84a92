//! The trace hash: one number over everything that happened, used to check that two runs are identical.
//!
//! FNV-1a (Fowler, Noll and Vo) over 64-bit words instead of bytes, fast enough to be computed always. The hash detects
//! accidental differences; it is not cryptographic.

/// Hash over a sequence of words.
///
/// ```
/// use p2p_base::trace::TraceHash;
///
/// let (mut one, mut other) = (TraceHash::new(), TraceHash::new());
/// [1, 2].into_iter().for_each(|word| one.add(word));
/// [2, 1].into_iter().for_each(|word| other.add(word));
/// assert_ne!(one, other, "the order counts");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceHash(u64);

impl TraceHash {
    /// Returns the hash of the empty sequence.
    pub const fn new() -> TraceHash {
        TraceHash(0xcbf2_9ce4_8422_2325)
    }

    /// Adds a word to the hash.
    pub const fn add(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x0000_0100_0000_01b3);
        // The multiplication never moves a high bit down; without this, high words would not reach the low bits.
        self.0 ^= self.0 >> 29;
    }

    /// Adds the words of a byte string, followed by its length.
    pub fn add_bytes(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.add(u64::from_le_bytes(word));
        }
        self.add(bytes.len() as u64);
    }

    /// Returns the value of the hash so far.
    pub const fn value(self) -> u64 {
        self.0
    }
}

impl Default for TraceHash {
    fn default() -> Self {
        TraceHash::new()
    }
}

impl std::fmt::Display for TraceHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(words: &[u64]) -> u64 {
        let mut hash = TraceHash::new();
        words.iter().for_each(|&word| hash.add(word));
        hash.value()
    }

    #[test]
    fn order_and_every_bit_count() {
        assert_ne!(hash(&[1, 2]), hash(&[2, 1]));
        let base = hash(&[0, 7]);
        for bit in 0..64 {
            let flipped = hash(&[1 << bit, 7]);
            assert_ne!(flipped as u32, base as u32, "bit {bit}");
        }
    }

    #[test]
    fn the_value_never_changes() {
        assert_eq!(hash(&[1, 2, 3]), 7_899_576_157_623_109_534);
    }
}
