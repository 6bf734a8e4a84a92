//! Floor 0: what every other crate counts, draws and stores with.
//!
//! | feature | module | contents |
//! |---|---|---|
//! | (always) | [`units`], [`random`], [`trace`], [`scope`], [`error_kind`] | virtual time, sizes, rates, probabilities; seeded randomness; the trace hash; scopes of access; kinds of errors |
//! | `codec` | `codec` | values as versioned bytes |
//! | `panics` | `panics` | panics as values |
//! | `text` | `text`, `spelling`, `message`, `likeness`, `stored_time`, `user_name` | text from outside, its spellings, and messages that quote it; names that may be meant; instants that were stored; names of users |
//! | `files` | `pieces`, `file_identity`, `replacement`, `private_file`, `data_dir` | files that grow or appear whole; files of their owner alone; the lock of a data directory |
//! | `database` | `database` | the embedded database |
//!
//! Without features it depends on no serialisation and no database.

#![deny(clippy::print_stdout, clippy::print_stderr)]

#[cfg(feature = "codec")]
pub mod codec;
#[cfg(feature = "files")]
pub mod data_dir;
#[cfg(feature = "database")]
pub mod database;
pub mod error_kind;
#[cfg(feature = "files")]
pub mod file_identity;
pub mod hex;
#[cfg(feature = "text")]
pub mod likeness;
#[cfg(feature = "text")]
pub mod message;
#[cfg(feature = "panics")]
pub mod panics;
#[cfg(feature = "files")]
pub mod pieces;
#[cfg(feature = "files")]
pub mod private_file;
pub mod random;
#[cfg(feature = "files")]
pub mod replacement;
pub mod scope;
#[cfg(feature = "files")]
pub mod source_file;
#[cfg(feature = "text")]
pub mod spelling;
#[cfg(feature = "text")]
pub mod stored_time;
#[cfg(feature = "text")]
pub mod text;
pub mod trace;
pub mod units;
#[cfg(feature = "text")]
pub mod user_name;
