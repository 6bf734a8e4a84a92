//! Floor 1: what a node keeps, and what a file becomes.
//!
//! | module | what it is |
//! |---|---|
//! | [`segment`] | cutting a file into segments, each named by its SHA-256 |
//! | [`disk`], [`local_disk`], [`crash_disk`] | where segments rest: a trait, a real directory, and its hostile twin for tests |
//! | [`file_system`] | many segments made durable at once |
//! | [`marker`], [`epochs`], [`standing`] | whose a volume is: the file on its disk, what the catalog knows of it, and what follows |
//! | [`volume`] | one node's share: what is there, what is durable, how much fits |
//! | [`manifest`] | a file: its name, its hash, its segments and who holds them |
//! | [`placement`] | which node gets the next segment |
//! | [`catalog`] | the embedded database that makes a file visible in one transaction |
//!
//! Knows no network and no virtual time.

pub mod catalog;
pub mod crash_disk;
pub mod disk;
pub mod disk_op;
pub mod epochs;
pub mod file_system;
pub mod local_disk;
pub mod manifest;
pub mod marker;
pub mod placement;
pub mod segment;
pub mod standing;
pub mod volume;
