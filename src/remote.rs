//! Commands that ask a running `p2p serve`: `p2p --connect grpc://127.0.0.1:50050 put a.bin`.
//!
//! | file | contents |
//! |---|---|
//! | `server` | the server, and whose certificate it may have |
//! | `advice` | next steps after errors of this machine's side |
//! | `visits` | the connection of a command, and for whom it asks |
//! | `transfers` | `get`, and what it has in common with `put` |
//! | `sending` | `put` |
//! | `uploads` | `uploads` |
//! | `accounts` | `register`, `login` and `whoami` |
//! | `secrets` | what is typed for a command, or is in a file or the environment |
//! | `following` | figures of a transfer for its bar |
//! | `patience` | waiting for a server whose time stands still |
//! | `names` | the commands about the names of what is stored |
//! | `network` | the commands about nodes, faults and time |
//! | `events` | `events` |

use p2p_shell::at_server::AT_SERVERS;

mod accounts;
mod advice;
mod events;
mod following;
mod names;
mod network;
mod patience;
mod secrets;
mod sending;
mod server;
mod transfers;
mod uploads;
mod visits;

pub use self::accounts::{Registering, login, register, who};
pub use self::events::{EventsArgs, events};
pub use self::names::{copy, facts, list, make_directories, remove, rename, set_attributes, share};
pub use self::network::{NetworkCommand, nodes};
pub use self::sending::{Storing, put};
pub use self::server::{Server, TrustArgs};
pub use self::transfers::{Fetching, get};
pub use self::uploads::uploads;

/// Commands that ask a server and are none of the network's.
const OF_FILES: [&str; 17] = [
    "put", "get", "ls", "rm", "uploads", "mv", "cp", "chmod", "touch", "mkdir", "info", "share", "unshare", "events", "register",
    "whoami", "login",
];

/// Returns the names of all commands that a server can be asked for, as a list in a sentence.
pub fn commands() -> String {
    let names: Vec<&str> = OF_FILES.into_iter().chain(AT_SERVERS).collect();
    match names.split_last() {
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}
