//! Floor 5: the web: REST for programs, and pages for people, over HTTP/1.1 and HTTP/2 on real sockets.
//!
//! | module | contents |
//! |---|---|
//! | [`server`] | the server: connections with their limits, and the end of all of these |
//! | `api` | REST, below `/api`, and its description |
//! | `pages` | the pages |
//! | `embedded` | the files of the pages that do not change: style sheets, scripts, pictures |
//! | `guards` | what every request passes: hosts, headers, and what no handler answers |
//! | [`bounds`] | how long content of clients may take, and how much room it has in temporary files |
//! | `callers` | who makes a request |
//! | `cookies` | the cookie that holds the session of a browser, and the key that signs it |
//! | `dashboards` | the latest dashboards, each as the bytes of its answer |
//! | `csrf` | protection against requests that pages of other sites cause |
//! | `problem` | how errors are told |
//! | `spools` | temporary files for content whose checksum is compared before any of it is kept |
//! | `targets` | names and paths of users in the targets of requests |
//! | `watching` | metrics, and whether the process is well, for programs that watch it |
//! | `rates` | how many requests a client may make |
//! | `web` | what all requests share |
//!
//! A front end opens the [door](p2p_service::doors) and lets a [`Server`] attend it.

#![expect(clippy::result_large_err, reason = "a problem ends its request")]

mod api;
pub mod bounds;
mod callers;
mod cookies;
mod csrf;
mod dashboards;
mod embedded;
mod guards;
mod pages;
mod problem;
mod rates;
pub mod server;
mod spools;
mod targets;
mod watching;
mod web;
mod wording;

pub use self::api::description;
pub use self::bounds::Bounds;
pub use self::cookies::CookieKeyError;
pub use self::server::{PROTOCOLS, Server};

/// Name of the service, of its section in p2p.toml, of its doors, and in the audit log and in mails.
pub const SERVICE: &str = "web";

/// Length of a body of JSON or of a form at the most, in bytes. Content of files is read by other means.
const BODY_MAX: usize = 64 << 10;
