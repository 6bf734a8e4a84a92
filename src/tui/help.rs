//! The words of the screen: keys of the prompt, the mouse, glyphs and terms with their meanings. F1, the palette, the legend and
//! `docs/screen.md` read these tables and that of the actions.

use unicode_width::UnicodeWidthStr;

use super::action::{BINDINGS, Binding, Keymap, Scope};
use super::theme::Glyphs;
use super::wrap::wrapped;

/// Column in which the meanings begin.
const COLUMN: usize = 34;

/// A word on the screen with its meaning.
pub type Entry = (String, String);

/// Keys of the prompt.
const PROMPT_KEYS: &[(&str, &str)] = &[
    ("Enter", "run the line; several commands are separated by `;`, and the next line may be typed at once"),
    ("Tab", "complete the word, or choose among several; in an empty line: focus the next pane"),
    ("Up, Down", "history: older and newer lines that were run"),
    ("Ctrl-R", "search the history backward for a text; Ctrl-R again: the next older line"),
    ("Right, End", "at the end of the line: take over the rest that the history suggests"),
    ("Ctrl-C", "clear the line; nothing that is under way ends, `cancel N` ends a transfer"),
    ("Ctrl-D", "delete a character; in an empty line: leave, after a question if anything is under way"),
    ("Ctrl-A, Ctrl-E", "go to the start or the end of the line; so do Home and End"),
    ("Ctrl-Left, Ctrl-Right", "go a word to the left or to the right; so do Alt-B and Alt-F"),
    ("Ctrl-W", "cut the word before the cursor; so does Alt-Backspace"),
    ("Ctrl-U, Ctrl-K", "cut the line before or behind the cursor"),
    ("Ctrl-Y", "paste what was cut last"),
    ("Ctrl-_", "undo the last change of the line"),
    ("PageUp, PageDown", "scroll the output by its height; the frame shows a mark where there is more"),
    ("paste", "lines that are pasted are joined by `;` and run with Enter"),
];

/// Keys that are no actions of the table, in panes.
const PANE_KEYS: &[(&str, &str)] = &[
    ("1-9", "focus the pane of this number, in the order of Tab"),
    (":", "go to the prompt and type a command"),
    ("d", "in Transfers: cancel the transfer, or drop what waits; in Files: download"),
    ("o", "in Transfers: select nothing, so that the segments are those of what runs"),
    ("u", "in Files: go to the directory above"),
    ("v", "in Files: verify, which reads all of it back and compares it with its SHA-256"),
    ("s", "in Files: share with another user"),
    ("r", "in Files: remove, after a question"),
    ("n", "in Segments: switch between a row a segment and a row a node"),
    ("p", "in Wire: show or hide probes"),
    ("c", "in Wire: switch between packets and connections"),
    ("any other letter", "goes to the prompt, where it begins a command"),
];

/// Acts of the mouse.
const MOUSE: &[(&str, &str)] = &[
    ("mouse click", "focus a pane and select a row"),
    ("mouse wheel", "scroll the pane below the pointer by three lines"),
    (
        "Shift and mouse",
        "select text of the terminal itself, to copy it; most terminals need Shift while a program uses the mouse",
    ),
];

/// Terms, in the order of the alphabet.
const TERMS: &[(&str, &str)] = &[
    ("ALIVE, SUSPECT, DEAD", "health of a node as the client's probes see it: it answers, it has missed probes, it is given up"),
    ("backlog", "bytes that were handed to a connection and are not acknowledged yet"),
    (
        "behind others, waits for",
        "why there is no eta: nothing has arrived yet while others pass, or answers to an upload or an undo wait behind a download; a node has to answer first, or to delete",
    ),
    (
        "cut, down, loss, port, queue, sum",
        "why a packet was lost: path cut, host down, path lossy, port closed, queue full, checksum bad",
    ),
    ("cwnd", "congestion window: number of packets that TCP lets be under way at once (RFC 5681)"),
    (
        "eta",
        "estimated time until a transfer is done, from what is left for each holder, what links and paths allow, and the rates measured",
    ),
    ("goodput", "bytes of a file that arrive in a second, without headers and without what is sent again"),
    ("holder", "node that stores a segment"),
    ("in flight", "bytes that were sent and are not acknowledged yet"),
    (
        "killed, cut off, refusing",
        "fault because of which nothing can be had from a node; so are stopped, disk fails and no disk",
    ),
    ("loss", "packet that the path has dropped, or that a full queue has"),
    (
        "measuring, stalled",
        "why there is no eta: too little has passed to measure a rate; nothing has come from a holder, or to it, for ten seconds",
    ),
    ("packet", "unit of the network, up to 1500 bytes; TCP calls its part of it a segment"),
    ("probe", "small datagram that asks a node whether it is alive; its answer gives the round trip"),
    ("PROMPT, PANE", "mode at the left of the last line: where the keys go; dialogs have their own names there"),
    (
        "READY, RUNNING, WAITING, STOPPED",
        "process of a node: idle, receiving a request, waiting for its disk or for an acknowledgement, not running",
    ),
    ("REC", "packets are being captured to a file; `capture stop` ends it"),
    ("resent, rtx", "retransmits: packets that TCP has sent again, because they were lost or seemed so"),
    ("RTO", "retransmission timeout of TCP: time after which it sends again what is not acknowledged (RFC 6298)"),
    ("RTT", "round-trip time: from a probe or a packet to its answer"),
    ("segment", "piece of a file of 64 KiB, stored by one node under its SHA-256"),
    ("seq, ack", "position of a packet's first byte in the stream of its connection, and the next byte that is expected"),
    ("snapshot", "what the screen shows: all of the engine at one instant"),
    ("ssthresh", "slow-start threshold of TCP: window above which it grows slowly"),
    ("tour", "eight steps that show the screen on a network of their own; `tour` begins it, Space goes on, Esc leaves it"),
    ("undoing", "what a cancelled or failed upload has stored is being deleted; nothing of the file is sent any more"),
    ("virtual time", "clock of the simulation, which runs at the chosen speed and stands still while paused"),
    ("waiting", "step of a line that begins once those before it are over; F7 lists and drops such steps"),
    ("wire", "packets as they are handed to the links"),
];

/// Returns the glyphs of the screen with their meanings.
fn glyphs(glyphs: &Glyphs) -> Vec<Entry> {
    let own = |glyph: &str, meaning: &str| (glyph.to_owned(), meaning.to_owned());
    vec![
        own(glyphs.alive, "node: ALIVE"),
        own(glyphs.suspect, "node: SUSPECT, it has missed probes"),
        own(
            glyphs.dead,
            "node: DEAD, or out of reach of what it holds; transfer: a removal; file: it cannot be read at the moment; packet: lost",
        ),
        own(glyphs.up, "upload, or bytes that go up to the network"),
        own(glyphs.down, "download, or bytes that come down from the network"),
        own(glyphs.full, "bar: what is stored"),
        own(glyphs.arrived, "bar and segment: arrived or acknowledged by TCP, and not yet stored"),
        own(glyphs.empty, "bar: what remains"),
        own(glyphs.connecting, "segment: its connection is being opened"),
        own(glyphs.queued, "segment: it waits for its turn on the connection"),
        own(glyphs.sending, "segment: it is being sent"),
        own(glyphs.done, "done: segment, transfer; file: it can be read"),
        own(glyphs.cut, "on the map: a path that is cut"),
        own(glyphs.again, "packet or segment: sent again"),
        own(glyphs.copy, "packet: a copy that the path has made"),
        own(glyphs.oldest, "segment: of those under way, the one that was sent first; the transfer waits for it"),
        own(
            &glyphs.losses.concat(),
            "in the matrix, before a figure: up to a fifth, up to a half, or more of the latest probes were lost",
        ),
        own("%", "in the matrix and on the map: a path that loses or corrupts packets because of a fault"),
        own("~", "in the matrix and on the map: a path that is slow because of a fault"),
        own("+", "in the matrix and on the map: a path that duplicates or reorders packets because of a fault"),
        own(
            &[glyphs.failure, glyphs.warning, glyphs.done, glyphs.dot].join(" "),
            "in the log: what failed, what needs attention, what is in order, and what else happened",
        ),
        own(glyphs.play, "virtual time passes, at this speed"),
        own(glyphs.pause, "virtual time is paused"),
        own(glyphs.scroll, "in the frame of a pane: which part of the rows is shown"),
        own(glyphs.ellipsis, "a text is cut here"),
        own(
            &glyphs.levels.concat(),
            "bytes in each of the latest seconds, from none to all that the link carries; in Files: how many segments lie on a node",
        ),
    ]
}

/// A part of the legend.
#[derive(Debug)]
pub struct Part {
    /// Heading.
    pub name: &'static str,
    /// Words with their meanings.
    pub entries: Vec<Entry>,
}

fn owned(entries: &[(&str, &str)]) -> Vec<Entry> {
    entries.iter().map(|(word, meaning)| ((*word).to_owned(), (*meaning).to_owned())).collect()
}

/// Returns what a binding does, beginning with the name by which the hint line and the palette know it.
pub fn meaning(binding: &Binding) -> String {
    if binding.name.is_empty() { binding.help.to_owned() } else { format!("{}: {}", binding.name, binding.help) }
}

/// Returns all that is to be known of the screen, in parts.
pub fn parts(shown: &Glyphs, keymap: &Keymap) -> Vec<Part> {
    let bound = |scope| {
        let bindings = BINDINGS.iter().filter(move |binding| binding.scope == scope);
        bindings.map(|binding| (binding.key(keymap).to_owned(), meaning(binding))).collect::<Vec<Entry>>()
    };
    let mut panes = bound(Scope::Panes);
    panes.extend(owned(PANE_KEYS));
    vec![
        Part { name: "Keys everywhere", entries: bound(Scope::Everywhere) },
        Part { name: "Keys in a pane", entries: panes },
        Part { name: "Keys in the prompt", entries: owned(PROMPT_KEYS) },
        Part { name: "Mouse", entries: owned(MOUSE) },
        Part { name: "Glyphs", entries: glyphs(shown) },
        Part { name: "Terms", entries: owned(TERMS) },
    ]
}

/// Returns the legend as a text with lines of at most `width` cells; the meanings stand in a column.
pub fn legend(shown: &Glyphs, keymap: &Keymap, width: usize) -> String {
    let mut text = String::new();
    for part in parts(shown, keymap) {
        text.push_str(&format!("{}\n", part.name.to_uppercase()));
        for (word, meaning) in &part.entries {
            for (place, line) in wrapped(meaning, width.saturating_sub(COLUMN + 1).max(20)).iter().enumerate() {
                let word = if place == 0 { word.as_str() } else { "" };
                text.push_str(&format!("  {} {line}\n", padded(word, COLUMN - 2)));
            }
        }
        text.push('\n');
    }
    text
}

/// Returns a word with spaces up to a width in cells.
fn padded(word: &str, width: usize) -> String {
    format!("{word}{}", " ".repeat(width.saturating_sub(word.width())))
}

/// Returns the legend with the default keys in Markdown, for the documentation.
pub fn markdown(shown: &Glyphs) -> String {
    let mut text = String::new();
    for part in parts(shown, &Keymap::new()) {
        text.push_str(&format!("## {}\n\n| | |\n|---|---|\n", part.name));
        let cell = |text: &str| text.replace('|', "\\|");
        part.entries.iter().for_each(|(word, meaning)| text.push_str(&format!("| {} | {} |\n", cell(word), cell(meaning))));
        text.push('\n');
    }
    text.trim_end().to_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::tui::theme::{Theme, ThemeName};

    #[test]
    fn every_part_explains_its_words_once() {
        for ascii in [false, true] {
            let shown = Theme::new(ThemeName::Dark, ascii).glyphs;
            for part in parts(&shown, &Keymap::new()) {
                assert!(part.entries.iter().all(|(word, meaning)| !word.is_empty() && meaning.len() > 5), "{part:?}");
                let words: BTreeSet<&str> = part.entries.iter().map(|(word, _)| word.as_str()).collect();
                // In ASCII a character stands for several glyphs.
                assert!(ascii || words.len() == part.entries.len(), "{part:?}");
            }
            let text = legend(&shown, &Keymap::new(), 76);
            assert!(!ascii || text.is_ascii(), "an ASCII screen has an ASCII legend");
            assert!(text.lines().all(|line| line.width() <= 76), "{text}");
        }
        assert!(TERMS.windows(2).all(|pair| pair[0].0.to_lowercase() < pair[1].0.to_lowercase()), "terms stand in their order");
    }
}
