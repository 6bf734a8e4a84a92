//! What `sftp` answers with: lines of files that were sent or fetched, and of directories.

use p2p_base::spelling::visible;
use p2p_service::event_words::mode_of;
use p2p_shell::report::{Table, bytes_of, date_of, number_column, rate_of, seconds_of, text_column};
use p2p_ssh::client::sftp::{Entry, Kind, shown};
use p2p_store::segment::Sha256Digest;
use serde::Serialize;

/// Text of a directory with nothing in it.
const EMPTY: &str = "nothing in it";

/// File that was sent or fetched.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct FileLine {
    pub(super) host: String,
    /// Path at the host.
    pub(super) path: String,
    /// Path here; `-` for standard input and output.
    pub(super) local: String,
    pub(super) bytes: u64,
    /// Bytes of it that were kept before, and not transferred again.
    pub(super) kept_bytes: u64,
    pub(super) sha256: Sha256Digest,
    /// True if the host has told the same SHA-256.
    pub(super) compared: bool,
    /// Seconds on the wall clock.
    pub(super) seconds: f64,
    /// Bytes that were transferred over that time.
    pub(super) bytes_per_second: f64,
}

/// The JSON output of `put` and `get`.
#[derive(Debug, Serialize)]
pub(super) struct Done {
    pub(super) files: Vec<FileLine>,
}

/// Returns the table of files that were sent or fetched.
pub(super) fn files_table(lines: &[FileLine]) -> Table {
    let row = |line: &FileLine| {
        vec![
            visible(&line.path).into_owned(),
            bytes_of(line.bytes),
            seconds_of(line.seconds),
            rate_of(line.bytes_per_second),
            if line.compared { "the same there" } else { "not told there" }.to_owned(),
            line.sha256.short(),
        ]
    };
    let columns = vec![
        text_column("file"),
        number_column("size"),
        number_column("time"),
        number_column("rate").gives_way(1),
        text_column("compared").gives_way(2),
        text_column("sha-256").gives_way(3),
    ];
    Table { columns, rows: lines.iter().map(row).collect(), empty: "no files" }
}

/// Returns a path at a host as JSON has it: what is no text is escaped, as in `caf\xe9`.
pub(super) fn text_of(path: &str) -> String {
    if path.contains('\0') { shown(path).into_owned() } else { path.to_owned() }
}

/// Entry of a directory at a host. What the host does not tell is absent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct EntryLine {
    kind: &'static str,
    name: String,
    bytes: Option<u64>,
    modified_at: Option<u64>,
    mode: Option<String>,
}

impl From<&Entry> for EntryLine {
    fn from(entry: &Entry) -> EntryLine {
        let told = entry.attributes;
        EntryLine {
            kind: told.kind.name(),
            name: text_of(&entry.name),
            bytes: told.bytes.filter(|_| told.kind != Kind::Directory),
            modified_at: told.modified,
            mode: told.mode.map(mode_of),
        }
    }
}

impl EntryLine {
    /// Returns the name as users see it, with a `/` behind that of a directory.
    fn label(&self) -> String {
        let end = if self.kind == Kind::Directory.name() { "/" } else { "" };
        format!("{}{end}", visible(&self.name))
    }
}

/// Returns the names of entries, one a line.
pub(super) fn names(lines: &[EntryLine]) -> String {
    match lines {
        [] => EMPTY.to_owned(),
        lines => lines.iter().map(EntryLine::label).collect::<Vec<_>>().join("\n"),
    }
}

/// Returns the table of entries, with all that is known of them.
pub(super) fn entries_table(lines: &[EntryLine]) -> Table {
    let figure = |figure: Option<String>| figure.unwrap_or_else(|| "-".to_owned());
    let row = |line: &EntryLine| {
        vec![
            figure(line.mode.clone()),
            figure(line.bytes.map(bytes_of)),
            figure(line.modified_at.map(date_of)),
            match line.kind {
                "file" | "directory" => line.label(),
                kind => format!("{} ({kind})", line.label()),
            },
        ]
    };
    let columns =
        vec![text_column("mode").gives_way(1), number_column("size"), text_column("modified").gives_way(2), text_column("name")];
    Table { columns, rows: lines.iter().map(row).collect(), empty: EMPTY }
}

#[cfg(test)]
mod tests {
    use p2p_ssh::client::sftp::Attributes;

    use super::*;

    /// A host may call its files as it likes: what is shown has no effect on the terminal.
    #[test]
    fn names_of_a_host_are_shown_as_data() {
        let entry = |name: &str, kind| {
            let attributes = Attributes { kind, bytes: Some(5), modified: None, mode: Some(0o644) };
            EntryLine::from(&Entry { name: name.into(), attributes })
        };
        let lines = [entry("docs", Kind::Directory), entry("a\x1b[2J", Kind::File), entry("l", Kind::Link)];
        assert_eq!(names(&lines), "docs/\na\\u{1b}[2J\nl");
        let table = entries_table(&lines).text(None);
        assert!(table.contains("l (link)") && table.contains("0644") && !table.contains('\x1b'), "{table}");
        assert_eq!((lines[0].bytes, lines[1].bytes), (None, Some(5)));
        assert_eq!(names(&[]), EMPTY);
    }
}
