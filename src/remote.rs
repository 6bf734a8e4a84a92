//! Commands that ask a running `p2p serve`: `p2p --connect grpc://127.0.0.1:50050 put a.bin`.
//!
//! | file | contents |
//! |---|---|
//! | `server` | the server, and whose certificate it may have |
//! | `visits` | the connection of a command, and for whom it asks |
//! | `transfers` | `put` and `get` |
//! | `names` | the commands about the names of what is stored |
//! | `network` | the commands about nodes, faults and time |
//! | `events` | `events` |

use p2p_shell::at_server::AT_SERVERS;

mod events;
mod names;
mod network;
mod server;
mod transfers;
mod visits;

pub use self::events::{EventsArgs, events};
pub use self::names::{copy, facts, list, login, make_directories, remove, rename, share, who};
pub use self::network::{NetworkCommand, nodes};
pub use self::server::{Server, TrustArgs};
pub use self::transfers::{Fetching, Storing, get, put};

/// Commands that ask a server and are none of the network's.
const OF_FILES: [&str; 13] =
    ["put", "get", "ls", "rm", "mv", "cp", "mkdir", "info", "share", "unshare", "events", "whoami", "login"];

/// Returns the names of all commands that a server can be asked for, as a list in a sentence.
pub fn commands() -> String {
    let names: Vec<&str> = OF_FILES.into_iter().chain(AT_SERVERS).collect();
    match names.split_last() {
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}
