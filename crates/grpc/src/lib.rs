//! Floor 5: the gRPC services for other programs, over HTTP/2 on real sockets.
//!
//! | module | contents |
//! |---|---|
//! | [`server`] | the server: connections, deadlines, health, reflection, and the end of all of these |
//!
//! A front end opens the [door](p2p_service::doors) and lets a [`Server`] attend it.

pub mod server;

pub use self::server::Server;
