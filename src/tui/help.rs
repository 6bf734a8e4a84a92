//! The words of the screen: keys of the prompt, the mouse, glyphs, headings and terms with their meanings. F1, the palette, the legend and
//! `docs/screen.md` read these tables and that of the actions.

mod columns;
mod glyphs;
mod terms;

use unicode_width::UnicodeWidthStr;

use self::columns::COLUMNS;
use self::glyphs::glyphs;
use self::terms::TERMS;
use super::action::{BINDINGS, Binding, Keymap, Scope};
use super::theme::Glyphs;
use super::wrap::wrapped;

/// Column in which the meanings begin.
const COLUMN: usize = 36;
/// The same where there is little room; meanings of words that are longer begin in the line below.
const CLOSE_COLUMN: usize = 16;
/// Width below which there is little room.
const NARROW: usize = 90;

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
    ("1-9", "focus the pane of this number, in the order of Tab, which passes Services over while nothing is served"),
    (":", "go to the prompt and type a command"),
    ("d", "in Transfers: cancel the transfer, or drop what waits; in Files: download"),
    ("D", "in Transfers: drop all files that wait of the same command, or all that waits of the same line"),
    ("o", "in Transfers and Segments: select nothing, so that the segments are those of what runs"),
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
        Part { name: "Columns", entries: owned(COLUMNS) },
        Part { name: "Terms", entries: owned(TERMS) },
    ]
}

/// Returns the legend as a text with lines of at most `width` cells; the meanings stand in a column.
pub fn legend(shown: &Glyphs, keymap: &Keymap, width: usize) -> String {
    let column = if width < NARROW { CLOSE_COLUMN } else { COLUMN };
    let mut text = String::new();
    for part in parts(shown, keymap) {
        text.push_str(&format!("{}\n", part.name.to_uppercase()));
        for (word, meaning) in &part.entries {
            let mut word = word.as_str();
            if word.width() > column - 2 {
                text.push_str(&format!("  {word}\n"));
                word = "";
            }
            for line in wrapped(meaning, width.saturating_sub(column + 1).max(20)) {
                text.push_str(&format!("  {} {line}\n", padded(std::mem::take(&mut word), column - 2)));
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
                assert!(words.len() == part.entries.len(), "{part:?}");
            }
            let text = legend(&shown, &Keymap::new(), 76);
            assert!(!ascii || text.is_ascii(), "an ASCII screen has an ASCII legend");
            assert!(text.lines().all(|line| line.width() <= 76), "{text}");
            // Most of the width is for the meanings.
            let narrow = legend(&shown, &Keymap::new(), 58);
            assert!(narrow.lines().all(|line| line.width() <= 58), "{narrow}");
            assert!(narrow.lines().count() < 800, "{}", narrow.lines().count());
        }
        for words in [TERMS, COLUMNS] {
            let is_behind = |pair: &[(&str, &str)]| pair[0].0.to_lowercase() < pair[1].0.to_lowercase();
            let wrong = words.windows(2).find(|pair| !is_behind(pair));
            assert!(wrong.is_none(), "words stand in their order: {wrong:?}");
            assert!(words.iter().all(|(word, _)| word.width() <= COLUMN - 2), "words stand in their column");
        }
    }

    #[test]
    fn every_glyph_is_explained() {
        for ascii in [false, true] {
            let shown = Theme::new(ThemeName::Dark, ascii).glyphs;
            let words: Vec<Entry> = glyphs(&shown);
            // All glyphs of the theme stand in quotation marks here, and nothing else does.
            let all = format!("{shown:?}").replace(r"\\", r"\");
            for glyph in all.split('"').skip(1).step_by(2) {
                assert!(words.iter().any(|(word, _)| word.contains(glyph)), "`{glyph}` is not explained: {all}");
            }
        }
    }
}
