//! Keys in what a terminal sends (ECMA-48; xterm's control sequences), also where a key comes in two messages.

/// Key of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// Character to be inserted.
    Char(char),
    /// Letter that is typed with Ctrl.
    Ctrl(char),
    Enter,
    Tab,
    Backspace,
    Delete,
    Left,
    Right,
    Up,
    Down,
    Home,
    End,
    /// Word to the left or to the right.
    WordLeft,
    WordRight,
}

/// Longest sequence of a key, in bytes. A longer one is none.
const SEQUENCE_MAX: usize = 16;
const ESCAPE: u8 = 0x1b;

/// Decoder of keys.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// Bytes of a key that is not complete.
    begun: Vec<u8>,
    /// True if the last byte was a carriage return: a line feed after it is no key.
    was_return: bool,
}

impl Decoder {
    /// Takes a byte in. Returns the key that it completes.
    pub(super) fn take(&mut self, byte: u8) -> Option<Key> {
        let was_return = std::mem::replace(&mut self.was_return, byte == b'\r' && self.begun.is_empty());
        if was_return && byte == b'\n' {
            return None;
        }
        // A key within a sequence ends it.
        if byte == ESCAPE || (byte < b' ' && !self.begun.is_empty()) {
            self.begun.clear();
        }
        self.begun.push(byte);
        let (is_over, key) = match self.begun.as_slice() {
            [ESCAPE] | [ESCAPE, b'[' | b'O'] => (false, None),
            [ESCAPE, b'[' | b'O', .., last] => ((0x40..=0x7e).contains(last), named(&self.begun[2..])),
            [ESCAPE, b'b'] => (true, Some(Key::WordLeft)),
            [ESCAPE, b'f'] => (true, Some(Key::WordRight)),
            [ESCAPE, _] => (true, None),
            bytes => character(bytes),
        };
        if is_over || self.begun.len() >= SEQUENCE_MAX {
            self.begun.clear();
        }
        key.filter(|_| is_over)
    }
}

/// Returns the key of a control sequence, without what introduces it.
fn named(sequence: &[u8]) -> Option<Key> {
    Some(match sequence {
        b"A" => Key::Up,
        b"B" => Key::Down,
        b"C" => Key::Right,
        b"D" => Key::Left,
        b"H" | b"1~" | b"7~" => Key::Home,
        b"F" | b"4~" | b"8~" => Key::End,
        b"3~" => Key::Delete,
        b"1;5D" | b"1;3D" => Key::WordLeft,
        b"1;5C" | b"1;3C" => Key::WordRight,
        _ => return None,
    })
}

/// Returns whether bytes are complete, and the key that they are.
fn character(bytes: &[u8]) -> (bool, Option<Key>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (true, text.chars().next().and_then(key_of)),
        // Not yet all of a character, or never one.
        Err(error) => (error.error_len().is_some(), None),
    }
}

fn key_of(c: char) -> Option<Key> {
    Some(match c {
        '\r' | '\n' => Key::Enter,
        '\t' => Key::Tab,
        '\u{8}' | '\u{7f}' => Key::Backspace,
        '\u{1}'..='\u{1a}' => Key::Ctrl(char::from(b'A' - 1 + c as u8)),
        c if c.is_control() => return None,
        c => Key::Char(c),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let mut decoder = Decoder::default();
        bytes.iter().filter_map(|&byte| decoder.take(byte)).collect()
    }

    #[test]
    fn keys_are_known_by_their_bytes() {
        assert_eq!(keys("aé€".as_bytes()), [Key::Char('a'), Key::Char('é'), Key::Char('€')]);
        assert_eq!(keys(b"\x1b[A\x1bOB\x1b[1;5D\x1b[3~\x1bf"), [Key::Up, Key::Down, Key::WordLeft, Key::Delete, Key::WordRight]);
        assert_eq!(keys(b"\r\n\n\r"), [Key::Enter; 3]);
        assert_eq!(
            keys(b"\x01\x05\x15\x17\x7f\t"),
            [Key::Ctrl('A'), Key::Ctrl('E'), Key::Ctrl('U'), Key::Ctrl('W'), Key::Backspace, Key::Tab]
        );
    }

    #[test]
    fn what_is_no_key_is_passed_over() {
        assert_eq!(keys(b"\xff\xfea"), [Key::Char('a')]);
        assert_eq!(keys(b"\x1b[99;99za\x1b[\ra"), [Key::Char('a'), Key::Enter, Key::Char('a')]);
        assert_eq!(keys(&[b"\x1b[".as_slice(), &[b'1'; 100], b"a"].concat()).last(), Some(&Key::Char('a')));
    }
}
