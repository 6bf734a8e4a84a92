//! Floor 5: the gRPC services for other programs, over HTTP/2 on real sockets.
//!
//! | module | contents |
//! |---|---|
//! | [`proto`] | the contract: messages, servers and clients, compiled from `assets/proto` |
//! | `accounts` | `AuthService`: registration, logins, sessions and API tokens |
//! | `admin` | `AdminService`: nodes, links, paths, faults and virtual time |
//! | `files` | `FileTransferService`: files stored, fetched, listed and shared, and events |
//! | [`storage`] | `FileStorageService`: segments of one node, at an endpoint of its own |
//! | [`client`] | the client, for commands that ask a running server |
//! | `callers` | who makes a request |
//! | `quantities` | spans, shares, delays, speeds and numbers of nodes in messages |
//! | `status` | how errors are told |
//! | [`server`] | the server: connections, deadlines, health, reflection, and the end of all of these |
//!
//! A front end opens the [door](p2p_service::doors) and lets a [`Server`] attend it.

mod accounts;
mod admin;
mod callers;
pub mod client;
mod files;
pub mod proto;
mod quantities;
pub mod server;
mod status;
pub mod storage;

pub use self::server::{Server, Unsound};
