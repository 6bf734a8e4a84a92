//! Floor 5: SSH (RFC 4250 to 4254) on real sockets: one server a node for other programs, and a client.
//!
//! | module | contents |
//! |---|---|
//! | [`keys`] | private keys in files: those of the hosts, and those that are made for users |
//! | `algorithms` | the algorithms that both sides take |
//! | [`server`] | the servers: connections, logins, channels, and the end of all of these |
//! | `paths` | paths in both of what follows |
//! | `strings` | strings in the packets of both |
//! | `uploads` | requests of SFTP about uploads that the client makes of servers of this program |
//! | `session` | what runs in a channel: commands, the interactive shell, and what `sh` has of its own |
//! | `sftp` | SFTP: requests of a channel, and the files and directories that they are about |
//! | [`client`] | connections to hosts that are known, logins there, commands, and files over SFTP |
//!
//! A front end opens a [door](p2p_service::doors) for each node and lets a [`Server`] attend them.

mod algorithms;
pub mod client;
pub mod keys;
mod paths;
pub mod server;
mod session;
mod sftp;
mod strings;
mod uploads;

pub use self::server::Server;
