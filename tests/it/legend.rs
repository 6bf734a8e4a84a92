//! The legend explains every word that the screen shows: the headings of columns and the words of states, modes and labels are read from
//! the code that has them, so that a new one cannot be forgotten.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use p2p_storage::tui::action::Keymap;
use p2p_storage::tui::app::Pane;
use p2p_storage::tui::help;
use p2p_storage::tui::theme::{Theme, ThemeName};

use crate::architecture::{Source, sources};

/// Functions whose texts are shown, by the files that they stand in.
const SHOWN: &[(&str, &[&str])] = &[
    ("crates/engine/src/node/health/peer.rs", &["name"]),
    ("crates/engine/src/node/process.rs", &["name"]),
    ("crates/engine/src/status.rs", &["name"]),
    ("crates/engine/src/status/state.rs", &["name"]),
    ("crates/engine/src/faults.rs", &["name"]),
    ("crates/engine/src/pace.rs", &["fmt"]),
    ("crates/engine/src/snapshot.rs", &["kind_name"]),
    ("crates/net/src/packet.rs", &["name"]),
    ("crates/net/src/tcp/state.rs", &["name"]),
    ("crates/net/src/tcp/sender/recovery.rs", &["name"]),
    ("crates/shell/src/report/hindrances.rs", &["fault_in_short"]),
    ("crates/shell/src/report/standings.rs", &["seen", "apply"]),
    ("crates/shell/src/report/segments.rs", &["name"]),
    ("crates/shell/src/report/tables.rs", &["transfer_time_within", "shown_of_all", "outcome_of_cancel"]),
    ("crates/shell/src/report/waits.rs", &["absence_of"]),
    ("crates/shell/src/report/wires.rs", &["name"]),
    ("crates/service/src/doors/mod.rs", &["name"]),
    ("src/serve/services.rs", &["state"]),
    ("src/tui/app/input.rs", &["mode"]),
    ("src/tui/dialog.rs", &["mode"]),
    ("src/tui/draw/connection.rs", &["facts", "words_of", "windows_of", "round_trips_of"]),
    ("src/tui/draw/mod.rs", &["title_within"]),
    ("src/tui/panes/broken.rs", &["hosts"]),
    ("src/tui/panes/files/holders.rs", &["health", "foot"]),
    ("src/tui/panes/files/mod.rs", &["title"]),
    ("src/tui/panes/header.rs", &["draw", "user", "time", "rates", "nodes", "queues", "faults"]),
    ("src/tui/panes/health.rs", &["figures", "title"]),
    ("src/tui/panes/health/chart.rs", &["facts", "plot"]),
    ("src/tui/panes/health/matrix.rs", &["legend", "title"]),
    ("src/tui/panes/log.rs", &["title"]),
    ("src/tui/panes/nodes.rs", &["title", "foot", "queues_within"]),
    ("src/tui/panes/prompt.rs", &["title"]),
    ("src/tui/panes/segments.rs", &["foot", "title"]),
    ("src/tui/panes/segments/rate.rs", &["plot"]),
    ("src/tui/panes/segments/time_axis.rs", &["draw"]),
    ("src/tui/panes/services.rs", &["title"]),
    ("src/tui/panes/transfers.rs", &["totals", "cell_of_pending"]),
    ("src/tui/panes/wire.rs", &["title"]),
    ("src/tui/panes/wire/packets.rs", &["fate_of", "word_of"]),
];

/// Functions whose sentences are shown, by the files that they stand in: lines of the log, and what stands below a table.
const SENTENCES: &[(&str, &[&str])] = &[
    ("crates/service/src/event_words.rs", &["describe", "of_failure", "attributes_of", "of_node", "by"]),
    ("crates/shell/src/report/tables.rs", &["drawn"]),
];

/// Words of sentences and headings of tables that are words of the language, or of what a command is about.
const PROSE: &[&str] = &[
    "a",
    "about",
    "added",
    "age",
    "an",
    "answer",
    "answers",
    "are",
    "as",
    "at",
    "available",
    "back",
    "brought",
    "byte",
    "bytes",
    "changed",
    "compared",
    "connection",
    "crash",
    "date",
    "delay",
    "delete",
    "deleted",
    "did",
    "directory",
    "does",
    "e-mail",
    "ended",
    "entry",
    "error",
    "expires",
    "faults",
    "files",
    "first",
    "former",
    "given",
    "id",
    "key",
    "lacks",
    "last",
    "left",
    "login",
    "longer",
    "made",
    "mail",
    "may",
    "modification",
    "modified",
    "need",
    "needs",
    "next",
    "no",
    "note",
    "one",
    "outcome",
    "passphrase",
    "private",
    "reachable",
    "read",
    "registered",
    "removed",
    "role",
    "room",
    "since",
    "start",
    "status",
    "stay",
    "taken",
    "that",
    "they",
    "transfer",
    "tried",
    "type",
    "used",
    "user",
    "was",
    "way",
    "what",
    "when",
    "which",
    "why",
    "without",
    "written",
];

/// Words of the language, units, names of panes and of the program, that need no explanation.
const PLAIN: &[&str] = &[
    "acknowledged",
    "again",
    "ago",
    "and",
    "client",
    "connections",
    "done",
    "event",
    "fault",
    "file",
    "for",
    "from",
    "has",
    "have",
    "in",
    "is",
    "it",
    "link",
    "ms",
    "nodes",
    "none",
    "not",
    "now",
    "of",
    "on",
    "p2p",
    "Map",
    "packets",
    "probes",
    "process",
    "refusing",
    "resent",
    "s",
    "segments",
    "sent",
    "the",
    "there",
    "to",
    "windows",
    "x",
    "yet",
    "Round",
    "trips",
    "were",
    "RFC",
    "UDP",
];

/// The texts between quotation marks in the functions of this name, without what is computed.
fn texts(sources: &[Source], file: &str, function: &str) -> Vec<String> {
    let source = sources.iter().find(|source| source.path == Path::new(file));
    let code = source.unwrap_or_else(|| panic!("there is no {file}")).code();
    let mut texts = Vec::new();
    for (at, _) in code.match_indices(&format!("fn {function}(")) {
        let line = code[..at].rsplit('\n').next().unwrap();
        let indent = line.chars().take_while(|c| *c == ' ').count();
        let end = code[at..].find(&format!("\n{}}}", " ".repeat(indent))).unwrap();
        let body: Vec<&str> = code[at..at + end].lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        texts.extend(body.join("\n").split('"').skip(1).step_by(2).map(str::to_owned));
    }
    assert!(!texts.is_empty(), "{file} has no texts in `{function}`: has it another name?");
    texts
}

/// The phrases of a text: what stands between marks and what is computed.
fn phrases(text: &str) -> Vec<String> {
    let mut plain = String::new();
    let mut depth = 0;
    for c in text.replace("\\n", "|").chars() {
        match c {
            '{' => depth += 1,
            '}' => (depth -= 1, plain.push('\n')).1,
            _ if depth > 0 => {}
            c if c.is_alphanumeric() || [' ', '-', '_'].contains(&c) => plain.push(c),
            _ => plain.push('\n'),
        }
    }
    let phrases = plain.lines().map(str::trim).filter(|phrase| phrase.chars().any(char::is_alphabetic));
    phrases.map(str::to_owned).collect()
}

/// The headings of all tables that answers have.
fn headings_of_tables(sources: &[Source]) -> BTreeSet<String> {
    let mut headings = BTreeSet::new();
    for source in sources {
        for column in ["text_column(\"", "number_column(\""] {
            let all =
                source.code().split(column).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect::<Vec<_>>();
            headings.extend(all);
        }
    }
    assert!(headings.len() > 80, "{headings:?}");
    headings
}

/// The headings of the columns of all panes.
fn headings(sources: &[Source]) -> BTreeSet<String> {
    let mut headings = BTreeSet::new();
    for source in sources.iter().filter(|source| source.path.starts_with("src/tui/panes")) {
        for column in source.code().split("Column::new(Quantity::").skip(1) {
            let arguments = column.split_once(", ").unwrap().1;
            headings.extend(arguments.strip_prefix('"').map(|rest| rest.split('"').next().unwrap().to_owned()));
        }
    }
    headings.remove("");
    assert!(headings.len() > 25, "{headings:?}");
    headings
}

#[test]
fn every_word_of_the_screen_is_in_the_legend() {
    let sources = sources();
    let parts = help::parts(&Theme::new(ThemeName::Dark, false).glyphs, &Keymap::new());
    let entries = parts.iter().filter(|part| ["Columns", "Terms"].contains(&part.name)).flat_map(|part| &part.entries);
    let known: BTreeSet<&str> = entries.flat_map(|(words, _)| words.split(", ")).collect();
    // A term may consist of several words; the longest ones are taken first.
    let mut long: Vec<&str> = known.iter().copied().filter(|term| term.contains(' ')).collect();
    long.sort_by_key(|term| std::cmp::Reverse(term.len()));
    let mut unknown: BTreeSet<String> = headings(&sources)
        .into_iter()
        .filter(|word| !known.contains(word.as_str()))
        .map(|word| format!("heading: {word}"))
        .collect();
    let panes = Pane::ALL.map(Pane::name);
    let mut check = |place: &str, text: &str, plain: &[&[&str]]| {
        for phrase in phrases(text) {
            let is_plain = |word: &str| panes.contains(&word) || plain.iter().any(|plain| plain.contains(&word));
            let rest = long.iter().fold(phrase.clone(), |rest, term| rest.replace(term, ""));
            let is_missing = |word: &&str| word.chars().any(char::is_alphabetic) && !known.contains(word) && !is_plain(word);
            let missing = rest.split_whitespace().filter(is_missing);
            unknown.extend(missing.map(|word| format!("{place}: {word} (in `{phrase}`)")));
        }
    };
    for (functions, plain) in [(SHOWN, &[PLAIN][..]), (SENTENCES, &[PLAIN, PROSE])] {
        for (file, names) in functions {
            names.iter().flat_map(|name| texts(&sources, file, name)).for_each(|text| check(file, &text, plain));
        }
    }
    headings_of_tables(&sources).iter().for_each(|heading| check("a table", heading, &[PLAIN, PROSE]));
    assert!(unknown.is_empty(), "the legend (src/tui/help) does not explain {unknown:#?}");
}

#[test]
fn the_modes_are_in_the_documentation() {
    let (sources, modes) = (sources(), [("src/tui/app/input.rs", "mode"), ("src/tui/dialog.rs", "mode")]);
    let screen = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/screen.md")).unwrap();
    let told = screen.split("- **Modes.**").nth(1).unwrap().split("\n\n").next().unwrap();
    for mode in modes.iter().flat_map(|(file, function)| texts(&sources, file, function)) {
        assert!(told.contains(&mode), "docs/screen.md does not name the mode {mode}");
    }
}
