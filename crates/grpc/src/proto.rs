//! The contract of the services, compiled from `assets/proto`: messages, servers, and clients.

#![expect(
    missing_docs,
    clippy::allow_attributes_without_reason,
    clippy::large_enum_variant,
    reason = "generated from the contract, which has the comments"
)]

pub use prost_types::{Duration, Timestamp};

tonic::include_proto!("p2p.v1");

/// Descriptions of all files of the contract, for reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/p2p_v1.bin"));
