//! Bounds of what links, paths and processes may be given as faults, and defaults.

use p2p_base::units::{Bandwidth, SimDuration};

/// Longest delay that a path may be given: twice the time that a request waits for a sign of progress by default. What is under way when
/// the delay is taken back keeps its instant, so that the delay outlasts that by its own length.
pub const DELAY_MAX: SimDuration = SimDuration::from_secs(60);

/// Lowest bandwidth that a link may be given. What has been queued is sent at the rate of its time, so that a lower one would outlast
/// its being taken back by more than a few minutes.
pub const BANDWIDTH_MIN: Bandwidth = Bandwidth::from_bits_per_second(8 * 1024);

/// Shortest time from one kill of a flapping process to the next.
pub const FLAP_MIN: SimDuration = SimDuration::from_millis(100);
/// Largest number of times that a process is killed by one command.
pub const FLAPS_MAX: u32 = 10_000;
/// Number of times that a flapping process is killed, unless the caller says otherwise.
pub const FLAPS: u32 = 10;
