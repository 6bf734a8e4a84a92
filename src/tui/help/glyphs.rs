//! The glyphs of the screen with their meanings, each once, whatever it stands for.

use super::Entry;
use crate::tui::theme::Glyphs;

/// Returns the glyphs of the screen with their meanings. One that stands for several things has all of them.
pub(super) fn glyphs(shown: &Glyphs) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for (glyph, meaning) in [of_rows(shown), of_network(shown), of_screen(shown)].concat() {
        match entries.iter_mut().find(|(known, _)| *known == glyph) {
            Some((_, meanings)) => *meanings = format!("{meanings}; {meaning}"),
            None => entries.push((glyph, meaning)),
        }
    }
    entries
}

fn own(glyph: &str, meaning: &str) -> Entry {
    (glyph.to_owned(), meaning.to_owned())
}

/// Returns the glyphs of nodes, files, transfers and segments.
fn of_rows(glyphs: &Glyphs) -> Vec<Entry> {
    vec![
        own(glyphs.alive, "node: ALIVE"),
        own(glyphs.suspect, "node: SUSPECT, it has missed probes"),
        own(glyphs.dead, "node: DEAD, or out of reach of what it holds; file: it cannot be read at the moment; packet: lost"),
        own(glyphs.removal, "transfer: a removal"),
        own(glyphs.up, "upload, or bytes that go up to the network"),
        own(glyphs.down, "download, or bytes that come down from the network"),
        own(glyphs.full, "bar: what is stored"),
        own(glyphs.arrived, "bar and segment: arrived or acknowledged by TCP, and not yet stored"),
        own(glyphs.empty, "bar: what remains"),
        own(glyphs.connecting, "segment: its connection is being opened"),
        own(glyphs.queued, "segment: it waits for its turn on the connection"),
        own(glyphs.sending, "segment: it is being sent"),
        own(glyphs.undoing, "segment: it is being deleted, since its upload was cancelled or has failed"),
        own(glyphs.done, "done: segment, transfer; file: it can be read"),
        own(glyphs.oldest, "segment: of those under way, the one that was sent first; the transfer waits for it"),
    ]
}

/// Returns the glyphs of packets and paths.
fn of_network(glyphs: &Glyphs) -> Vec<Entry> {
    vec![
        own(glyphs.cut, "on the map: a path that is cut"),
        own(glyphs.again, "packet or segment: sent again"),
        own(glyphs.copy, "packet: a copy that the path has made"),
        own(glyphs.to, "from one host to another"),
        own(
            &glyphs.losses.concat(),
            "in the matrix, before a figure: up to a fifth, up to a half, or more of the latest probes were lost",
        ),
        own("%", "in the matrix and on the map: a path that loses or corrupts packets because of a fault"),
        own("~", "in the matrix and on the map: a path that is slow because of a fault"),
        own("+", "in the matrix and on the map: a path that duplicates or reorders packets because of a fault"),
        own(glyphs.diagonal, "in the matrix: the host itself"),
        own("-", "no figure: nothing has been measured, or it is not known"),
    ]
}

/// Returns the glyphs of the log, of charts, and of the frame of the screen.
fn of_screen(glyphs: &Glyphs) -> Vec<Entry> {
    vec![
        own(
            &[glyphs.failure, glyphs.warning, glyphs.done, glyphs.dot].join(" "),
            "in the log: what failed, what needs attention, what is in order, and what else happened",
        ),
        own(
            glyphs.play,
            "virtual time passes, at this speed; `7800x of 100000x`: at the former, since the machine does not reach the latter or a client is waited for",
        ),
        own(glyphs.pause, "virtual time is paused"),
        own(glyphs.prompt, "line of the prompt, and in the log of it a line that was run"),
        own(glyphs.level, "in a chart: the level that is named beside it"),
        own(glyphs.ascending, "in a heading: the rows are sorted by this column, the least first"),
        own(glyphs.descending, "in a heading: the rows are sorted by this column, the greatest first"),
        own(glyphs.scroll, "in the frame of a pane: which part of the rows is shown"),
        own(glyphs.ellipsis, "a text is cut here"),
        own(
            &glyphs.levels.concat(),
            "bytes in each of the latest seconds, from none to all that the link carries; in Files: how many segments lie on a node",
        ),
    ]
}
