//! Reproducible random numbers.
//!
//! Every consumer of randomness (the loss on one path, the choice of a holder) draws from a stream of its own, named by the
//! run's seed and a label. A new consumer therefore does not change the numbers of the others, and the same seed gives the
//! same run.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use sha2::{Digest, Sha256};

use crate::units::{DelayRange, Probability, SimDuration};

/// Stream of random numbers of one consumer: xoshiro256++ (Blackman and Vigna 2019), seeded by SHA-256 of seed and label.
///
/// ```
/// use p2p_base::random::RandomStream;
///
/// let (mut losses, mut again) = (RandomStream::new(42, "losses"), RandomStream::new(42, "losses"));
/// assert_eq!(losses.next_u64(), again.next_u64());
/// assert_ne!(losses.next_u64(), RandomStream::new(42, "delays").next_u64());
/// ```
#[derive(Debug, Clone)]
pub struct RandomStream(Xoshiro256PlusPlus);

impl RandomStream {
    /// Returns the stream for `label` in a run with `seed`.
    pub fn new(seed: u64, label: &str) -> RandomStream {
        let digest = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(label.as_bytes()).finalize();
        RandomStream(Xoshiro256PlusPlus::from_seed(digest.into()))
    }

    /// Returns the next number, uniformly distributed over all of `u64`.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Returns a number below `bound`, each equally likely (but for one part in 2⁶⁴/`bound`); 0 if `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next_u64()) * u128::from(bound);
        (wide >> 64) as u64
    }

    /// Returns true with the probability `chance`. Draws exactly one number, or none if the probability is 0 or 1.
    pub fn happens(&mut self, chance: Probability) -> bool {
        match chance.threshold() {
            Some(0) => false,
            Some(threshold) => self.next_u64() < threshold,
            None => true,
        }
    }

    /// Returns a delay drawn from the range. Draws no number if the range is a single value.
    pub fn delay(&mut self, range: DelayRange) -> SimDuration {
        let width = range.max().as_nanos() - range.min().as_nanos();
        if width == 0 { range.min() } else { range.min() + SimDuration::from_nanos(self.below(width.saturating_add(1))) }
    }

    /// Fills `bytes` with random bytes.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_named_by_seed_and_label() {
        let draw = |seed, label| RandomStream::new(seed, label).next_u64();
        assert_eq!(draw(1, "path 0-1"), draw(1, "path 0-1"));
        assert_ne!(draw(1, "path 0-1"), draw(2, "path 0-1"));
        assert_ne!(draw(1, "path 0-1"), draw(1, "path 1-0"));
    }

    /// The numbers themselves are part of the promise "same seed, same run": a new version of a crate must not change them.
    #[test]
    fn the_numbers_never_change() {
        let mut stream = RandomStream::new(1, "golden");
        let drawn = [stream.next_u64(), stream.below(1000), stream.next_u64()];
        assert_eq!(drawn, [9_542_740_952_456_669_871, 133, 8_893_274_836_379_486_176]);
    }

    #[test]
    fn chances_come_true_about_as_often_as_they_say() {
        let mut stream = RandomStream::new(7, "loss");
        let hits = (0..100_000).filter(|_| stream.happens(Probability::from_percent(1))).count();
        assert!((900..1100).contains(&hits), "{hits} of 100,000 at 1 %");
        assert!(!stream.happens(Probability::NEVER));
        assert!(stream.happens(Probability::ALWAYS));
    }

    #[test]
    fn delays_stay_within_their_range() {
        let mut stream = RandomStream::new(7, "delay");
        let range: DelayRange = "1ms..10ms".parse().unwrap();
        for _ in 0..10_000 {
            let delay = stream.delay(range);
            assert!(range.min() <= delay && delay <= range.max());
        }
    }
}
