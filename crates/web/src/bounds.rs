//! Bounds of what the content of clients may hold up: how long it may take, and how much room it has in temporary files.

use std::time::Duration;

/// Bounds of the content that clients send. The default ones are those that hold; others are for tests of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Time without a byte of content after which its request is ended.
    pub stalled_after: Duration,
    /// Time for all content of a request whose checksum is compared before any of it is kept.
    pub checked_within: Duration,
    /// Bytes of all content of a user that waits for its checksum to be compared, and so of a request with one.
    pub checked_of_user: u64,
    /// Bytes of all content of all users that waits for that.
    pub checked_of_all: u64,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            stalled_after: Duration::from_secs(60),
            checked_within: Duration::from_secs(15 * 60),
            checked_of_user: 256 << 20,
            checked_of_all: 1 << 30,
        }
    }
}
