//! Floor 1: the storage layer, that is, the volumes of the nodes and the files made of segments.
//!
//! | module | contents |
//! |---|---|
//! | [`segment`] | cutting a file or a stream into segments, each named by its SHA-256 |
//! | [`disk`], [`local_disk`], [`crash_disk`] | stores of segments: a trait, a real directory, and a disk with faults for tests |
//! | [`file_system`] | many segments made durable at once |
//! | [`marker`], [`epochs`], [`standing`] | ownership of a volume: its marker file, the catalog's records, the resulting rules |
//! | [`volume`] | the segments of one node: which are stored, which are durable, how much room is left |
//! | [`names`], [`namespace`] | names and paths, and the tree of directories and files in memory |
//! | [`manifest`] | a file: its hash, its segments and their holders |
//! | [`attributes`] | the time of the last modification and the permission bits of files and directories |
//! | [`uploads`] | an upload that is kept although its source has gone, until it is resumed or dropped |
//! | [`pins`] | a segment that is kept for a user without a file |
//! | [`placement`] | the choice of the node that stores the next segment |
//! | [`catalog`] | the embedded database that makes a file visible in one transaction |
//!
//! Independent of the network and of virtual time.

#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod attributes;
pub mod catalog;
pub mod crash_disk;
mod directory_entries;
pub mod disk;
pub mod disk_op;
pub mod epochs;
pub mod file_system;
pub mod local_disk;
pub mod manifest;
pub mod marker;
pub mod names;
pub mod namespace;
pub mod pins;
pub mod placement;
pub mod segment;
pub mod standing;
pub mod uploads;
pub mod volume;
