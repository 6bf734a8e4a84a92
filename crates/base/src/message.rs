//! Messages of errors as they are shown. A message quotes texts from outside the program (keys and values of a configuration, words of a
//! command, names of files), which may be of any length and contain anything: what is shown of them is bounded and moves no cursor.

use crate::spelling::visible_line;

/// Largest number of characters of a quoted text, or of a word, that a message shows. No name of a file is longer.
pub const QUOTED_MAX: usize = 256;
/// Largest number of characters of a whole message that are shown.
pub const MESSAGE_MAX: usize = 4_096;
/// Characters that stand around quoted texts.
const QUOTES: [char; 3] = ['`', '\'', '"'];

/// Returns a message as it is shown, on one line: of a text in quotes, and of a word without blanks, at most [`QUOTED_MAX`] characters, and
/// of the whole at most [`MESSAGE_MAX`]. An ellipsis stands for what is left out in the middle. Characters that would disturb a terminal are
/// escaped, and so are line ends, since what begins a line is taken for the program's own words.
pub fn legible(message: &str) -> String {
    let chars: Vec<char> = message.chars().collect();
    // What would open a quotation behind these is not closed, which need not be found out for each anew.
    let last = QUOTES.map(|quote| (0..chars.len()).rfind(|&place| closes(&chars, place, quote)).unwrap_or(0));
    let (mut shown, mut at) = (Vec::new(), 0);
    while at < chars.len() {
        let quote = QUOTES.into_iter().zip(last).find(|&(quote, last)| at < last && opens(&chars, at, quote));
        at = match quote.and_then(|(quote, _)| (at + 1..chars.len()).find(|&end| closes(&chars, end, quote))) {
            Some(end) => {
                let inside = shortened(&chars[at + 1..end], QUOTED_MAX);
                shown.extend([chars[at]].into_iter().chain(inside).chain([chars[end]]));
                end + 1
            }
            None => {
                let end = word_end(&chars, at);
                shown.extend(shortened(&chars[at..end], QUOTED_MAX));
                end
            }
        };
    }
    visible_line(&shortened(&shown, MESSAGE_MAX).into_iter().collect::<String>()).into_owned()
}

/// Returns a message of several lines as it is shown, each of them [legible]. What it quotes may have no line ends of its own.
pub fn legible_lines(message: &str) -> String {
    message.lines().map(legible).collect::<Vec<_>>().join("\n")
}

/// Returns true if a quotation begins at a position. An apostrophe in a word begins none.
fn opens(chars: &[char], at: usize, quote: char) -> bool {
    chars[at] == quote && (at == 0 || chars[at - 1].is_whitespace() || matches!(chars[at - 1], '(' | '[' | '='))
}

/// Returns true if a quotation may end at a position.
fn closes(chars: &[char], at: usize, quote: char) -> bool {
    chars[at] == quote && chars.get(at + 1).is_none_or(|next| !next.is_alphanumeric())
}

/// Returns the end of the word or of the blank at a position.
fn word_end(chars: &[char], at: usize) -> usize {
    match chars[at].is_whitespace() {
        true => at + 1,
        false => (at + 1..chars.len()).find(|&end| chars[end].is_whitespace()).unwrap_or(chars.len()),
    }
}

/// Returns at most `max` characters: the beginning, an ellipsis and the end, which tells what is wrong with a text, or which file is
/// named by a path.
fn shortened(chars: &[char], max: usize) -> Vec<char> {
    if chars.len() <= max {
        return chars.to_vec();
    }
    let tail = max / 3;
    let (head, tail) = (&chars[..max - tail - 1], &chars[chars.len() - tail..]);
    [head, &['…'], tail].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_quoted_is_shortened_and_what_is_said_of_it_stays() {
        let long = "k".repeat(10_000);
        for (before, after) in [
            ("p2p.toml:2: unknown key `", "` (did you mean `bandwidth`?)"),
            ("there is no command `", "`; `help` lists them"),
            ("[keys] ", ": it isn't one of the user's"),
            ("cannot read /", "/a.bin: File name too long (os error 36)"),
            ("unexpected argument '", "' found"),
        ] {
            let shown = legible(&format!("{before}{long}{after}"));
            assert!(shown.starts_with(before) && shown.ends_with(after), "{shown}");
            assert!(shown.chars().count() <= before.len() + QUOTED_MAX + after.len() && shown.contains("k…k"), "{shown}");
        }
        assert_eq!(legible(&"some words ".repeat(1_000)).chars().count(), MESSAGE_MAX);
    }

    #[test]
    fn what_is_quoted_adds_no_line_and_moves_no_cursor() {
        assert_eq!(legible("`a\nb\u{1b}[2J` is no node\tusage"), "`a\\nb\\u{1b}[2J` is no node\\tusage");
        // What pretends to end the quotation adds none either.
        assert_eq!(legible("`a` is stored\np2p: `b\r\n` is no node"), "`a` is stored\\np2p: `b\\r\\n` is no node");
        assert_eq!(legible_lines("one\u{1b}\n  two"), "one\\u{1b}\n  two");
        let (both, long) = ("node 'x x' of `y y` is none", "x ".repeat(5_000));
        assert_eq!(legible(&both.replace("x x", &long).replace("y y", &long)).chars().count(), both.len() - 6 + 2 * QUOTED_MAX);
        assert!(legible(&" 'a `b".repeat(100_000)).chars().count() == MESSAGE_MAX, "and in no time");
        // An apostrophe opens no quotation, and one that is not closed is none.
        assert_eq!(legible("alice's bob's 'x y"), "alice's bob's 'x y");
    }

    proptest! {
        #[test]
        fn what_is_short_stays_as_it_is(message in "[a-z `'\"().:]{0,200}") {
            let shown = legible(&message);
            prop_assert_eq!(shown, message);
        }

        #[test]
        fn no_message_is_long_or_disturbs(message in "(\\PC|\n|\u{1b}|`|'| ){0,400}", times in 1_usize..30) {
            let shown = legible(&message.repeat(times));
            // One character may be escaped by ten.
            prop_assert!(shown.chars().count() <= 10 * MESSAGE_MAX);
            prop_assert_eq!(&visible_line(&shown), &shown);
        }
    }
}
