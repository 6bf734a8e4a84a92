//! Kept uploads as lines of the listing `uploads`, and the table of these lines.

use p2p_engine::operation::KeptUpload;
use p2p_store::uploads::UploadId;
use serde::Serialize;

use super::{Table, bytes_of, number_column, text_column};

/// A kept upload, as a line of `uploads`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UploadLine {
    /// Name of the file as the user sees it.
    #[serde(skip)]
    pub label: String,
    /// Name of the upload.
    pub id: UploadId,
    /// Owner of the file that it will be; absent while there are no accounts.
    pub owner: Option<String>,
    /// Path of the file among those of its owner.
    pub name: String,
    /// Number of bytes that are kept.
    pub offset: u64,
    /// Word for the state of the transfer that stores it, or `parked`.
    pub state: String,
    /// Number of the transfer that continues it; absent if it is parked.
    pub transfer: Option<u64>,
    /// Time at which it was begun, in seconds since 1970.
    pub began_at: u64,
    /// Time after which it is no longer kept, in seconds since 1970.
    pub expires_at: u64,
}

impl UploadLine {
    /// Creates the line of an upload whose file the user sees as `label`.
    pub fn new(upload: &KeptUpload, label: String) -> UploadLine {
        UploadLine {
            label,
            id: upload.id,
            owner: upload.file.owner.clone(),
            name: upload.file.name.clone(),
            offset: upload.offset,
            state: upload.state.name().to_owned(),
            transfer: upload.transfer.map(|transfer| transfer.0),
            began_at: upload.began_at,
            expires_at: upload.expires_at,
        }
    }
}

/// Returns the table of kept uploads at the wall-clock time `now`, in seconds since 1970.
pub fn uploads_table(lines: &[UploadLine], now: u64) -> Table {
    let row = |line: &UploadLine| {
        vec![
            line.id.to_string(),
            line.label.clone(),
            bytes_of(line.offset),
            line.state.clone(),
            span_of(now.saturating_sub(line.began_at)),
            if line.expires_at > now { span_left(line.expires_at - now) } else { "now".to_owned() },
        ]
    };
    let columns = vec![
        text_column("upload").unbroken(),
        text_column("file"),
        number_column("kept"),
        text_column("state").gives_way(2),
        number_column("age").gives_way(3),
        number_column("expires in").gives_way(1),
    ];
    Table { columns, rows: lines.iter().map(row).collect(), empty: "no uploads are kept" }
}

/// Formats a span of time on the wall clock by its largest unit, as in `23 h`.
fn span_of(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// Formats the time that is left until something happens: as [`span_of`] does, but rounded up, so that a day is a day as long as
/// anything of its last hour is left.
fn span_left(seconds: u64) -> String {
    match seconds {
        3_600..172_800 => format!("{} h", seconds.div_ceil(3_600)),
        _ => span_of(seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_one_unit() {
        let spans = [0, 59, 60, 3_599, 3_600, 86_399, 172_799, 172_800].map(span_of);
        assert_eq!(spans, ["0 s", "59 s", "1 min", "59 min", "1 h", "23 h", "47 h", "2 d"]);
    }

    #[test]
    fn what_is_left_is_rounded_up() {
        let spans = [59, 3_600, 3_601, 82_801, 86_400, 172_799].map(span_left);
        assert_eq!(spans, ["59 s", "1 h", "2 h", "24 h", "24 h", "48 h"]);
    }
}
