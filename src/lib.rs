//! `p2p`: a peer-to-peer storage network in one terminal. The bytes, the disks and the services are real; only the wires
//! between the nodes are simulated, and they keep the time that real Linux TCP would keep.
//!
//! The house has floors, and a floor imports only from those below it (`tests/it/architecture.rs` holds it to that):
//!
//! | floor | module | what it is |
//! |---|---|---|
//! | 0 | [`units`], [`random`], [`codec`] | virtual time, sizes, rates, chances; seeded chance; values as bytes |
//! | 1 | [`net`] | the virtual TCP/IP network |
//! | 1 | [`storage`] | what a node keeps, and what a file becomes |
//! | 2 | [`node`] | one peer: protocol, health, requests and answers |
//! | 3 | [`engine`] | the simulation: nodes on the network, transfers, time |
//! | 5 | [`experiment`] | one experiment on the virtual wire, like iperf |

pub mod codec;
pub mod engine;
pub mod experiment;
pub mod net;
pub mod node;
pub mod random;
pub mod storage;
pub mod units;
