//! The implementations of the commands in the table, grouped by topic.

pub(super) mod accounts;
pub(super) mod cancelling;
pub(super) mod copies;
pub(super) mod faults;
pub(super) mod files;
mod forms;
pub(super) mod invites;
pub(super) mod keys;
pub(super) mod names;
pub(super) mod network;
pub(super) mod orphans;
pub(super) mod otp;
mod removing;
pub(super) mod room;
pub(super) mod segments;
pub(super) mod session;
pub(super) mod status;
pub(super) mod time;
pub(super) mod tokens;
pub(super) mod uploads;
mod values;

pub(crate) use self::values::check_values;

pub use self::session::{reference, write_document};

use serde::Serialize;
use serde_json::Value;

/// Converts a value to JSON.
fn data<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}
