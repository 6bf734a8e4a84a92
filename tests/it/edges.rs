//! Streams at the edges of transfers: who holds virtual time, back-pressure, what becomes of an upload whose stream goes, and what a
//! recording keeps of it.

mod bench;
mod expected;
mod gone;
mod hosts;
mod idle;
mod kept;
mod local;
mod random;
mod ranges;
mod replays;
mod segments;
mod slow;
