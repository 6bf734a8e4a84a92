//! Answers about names that have changed: the same by whatever way the change was asked for.

use p2p_base::spelling::visible;
use p2p_store::attributes::Attributes;
use serde_json::json;

use crate::answer::{Answer, View};
use crate::report::{date_of, mode_of};

/// Returns the answer about a directory that is made, by its visible name.
pub fn made(directory: &str) -> Answer {
    Answer::new(View::Text(format!("made {directory}/")), json!({ "directory": directory }))
}

/// Returns the answer about a file or directory that has another name now, by its visible names.
pub fn moved(from: &str, to: &str) -> Answer {
    Answer::new(View::Text(format!("moved {from} to {to}")), json!({ "from": from, "to": to }))
}

/// Returns the answer about a file that was copied, by its visible names.
pub fn copied(from: &str, to: &str) -> Answer {
    Answer::new(View::Text(format!("copied {from} to {to}")), json!({ "from": from, "to": to }))
}

/// Returns the answer about a file or directory, by its visible name, of which attributes were set.
pub fn attributed(name: &str, attributes: Attributes) -> Answer {
    let mode = attributes.mode.map(mode_of);
    let text = match (&mode, attributes.modified) {
        (Some(mode), _) => format!("{name} has the mode {mode}"),
        (None, modified) => format!("{name} was modified at {}", date_of(modified.unwrap_or_default())),
    };
    Answer::new(View::Text(text), json!({ "file": name, "modified_at": attributes.modified, "mode": mode }))
}

/// Returns the answer about a file or directory, as the user calls it, that a reader may read or may not. `is_changed` is false if that was
/// so before.
pub fn shared(name: &str, reader: &str, may_read: bool, is_changed: bool) -> Answer {
    let state = match (is_changed, may_read) {
        (true, true) => "shared with",
        (true, false) => "no longer shared with",
        (false, true) => "already shared with",
        (false, false) => "not shared with",
    };
    let text = format!("{} is {state} {}", visible(name), visible(reader));
    Answer::new(View::Text(text), json!({ "file": name, "user": reader, "may_read": may_read }))
}

/// Returns the answer about a directory, as the user calls it, in which another user may store new files or may not. `is_changed` is false if
/// that was so before.
pub fn shared_for_uploads(name: &str, uploader: &str, may_upload: bool, is_changed: bool) -> Answer {
    let state = match (is_changed, may_upload) {
        (true, true) => "shared for uploads with",
        (true, false) => "no longer shared for uploads with",
        (false, true) => "already shared for uploads with",
        (false, false) => "not shared for uploads with",
    };
    let text = format!("{} is {state} {}", visible(name), visible(uploader));
    Answer::new(View::Text(text), json!({ "file": name, "user": uploader, "may_upload": may_upload }))
}
