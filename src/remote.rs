//! Commands that ask a running `p2p serve`: `p2p --connect grpc://127.0.0.1:50050 put a.bin`.
//!
//! | file | contents |
//! |---|---|
//! | `visits` | the connection of a command, and for whom it asks |
//! | `transfers` | `put` and `get` |
//! | `names` | the commands about the names of what is stored |
//! | `events` | `events` |

mod events;
mod names;
mod transfers;
mod visits;

pub use self::events::{EventsArgs, events};
pub use self::names::{facts, list, login, make_directories, remove, rename, share, who};
pub use self::transfers::{Fetching, Storing, get, put};
pub use self::visits::Server;
