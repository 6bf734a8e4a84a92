//! Floor 0: text that comes from outside, read in one way everywhere. A byte order mark is no part of it (UTF-8, and UTF-16 as Windows
//! writes it), and a line ends with LF or CR LF. Knows nothing of what a text says.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use thiserror::Error;

/// Stands at the beginning of a text to say how it is encoded (Unicode Standard, section 23.8).
const BYTE_ORDER_MARK: char = '\u{feff}';
/// No text is longer, in bytes.
const BYTES_MAX: u64 = 64 << 20;

/// Why some bytes are no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NotText {
    /// They are no UTF-8.
    #[error("line {line} is not valid UTF-8")]
    Utf8 {
        /// The first line of which that is true, from 1.
        line: usize,
    },
    /// They begin as UTF-16 does, and are none.
    #[error("line {line} is not valid UTF-16, which the byte order mark says that it is")]
    Utf16 {
        /// The first line of which that is true, from 1.
        line: usize,
    },
}

/// Reads a file of text.
///
/// # Errors
/// Where it cannot be read, is too long, or no text.
pub fn read(path: &Path) -> io::Result<String> {
    read_from(File::open(path)?)
}

/// Reads a text to its end.
///
/// # Errors
/// As for [`read`].
pub fn read_from(source: impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    source.take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(io::Error::new(ErrorKind::FileTooLarge, format!("it has more than {} MiB", BYTES_MAX >> 20)));
    }
    let mut text = String::with_capacity(room_for(bytes.len()));
    decode_into(&bytes, &mut text).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
    Ok(text)
}

/// The bytes that a text of so many bytes takes once it is decoded, at the most.
pub const fn room_for(bytes: usize) -> usize {
    // Two bytes of UTF-16 become three of UTF-8, three where they are none.
    bytes.saturating_mul(2)
}

/// Adds the text that some bytes are to `text`, which need not grow where it has [`room_for`] them: no copy of a secret is left behind.
///
/// # Errors
/// Where they are none; what comes before is added.
pub fn decode_into(bytes: &[u8], text: &mut String) -> Result<(), NotText> {
    let mut text = Unended { text, ends_in_return: false, line: 1 };
    match bytes {
        [0xff, 0xfe, units @ ..] => text.add_utf16(units, u16::from_le_bytes),
        [0xfe, 0xff, units @ ..] => text.add_utf16(units, u16::from_be_bytes),
        bytes => text.add_utf8(bytes),
    }
}

/// The lines of a file of lines that are text, and could be typed: one that was torn, or that something else has written, is left out.
pub fn whole_lines(bytes: &[u8]) -> Vec<String> {
    let lines = bytes.split(|&byte| byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok()).map(without_ends);
    lines.filter(|line| !line.is_empty() && !line.contains(|c: char| c.is_control() && c != '\t')).map(str::to_owned).collect()
}

/// A line that was typed or given, without its end, and without a byte order mark where it is the first of its source.
pub fn without_ends(line: &str) -> &str {
    line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line).trim_end_matches(['\r', '\n'])
}

/// A text that more is added to.
struct Unended<'a> {
    text: &'a mut String,
    /// A carriage return was read that may be a part of a line's end.
    ends_in_return: bool,
    line: usize,
}

impl Unended<'_> {
    fn add_utf8(&mut self, bytes: &[u8]) -> Result<(), NotText> {
        let (valid, rest) = match std::str::from_utf8(bytes) {
            Ok(text) => (text, false),
            // What comes before is text.
            Err(error) => (std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(), true),
        };
        valid.strip_prefix(BYTE_ORDER_MARK).unwrap_or(valid).chars().for_each(|c| self.add(c));
        if rest { Err(NotText::Utf8 { line: self.line }) } else { Ok(()) }
    }

    fn add_utf16(&mut self, bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<(), NotText> {
        let (units, odd) = bytes.as_chunks();
        for c in char::decode_utf16(units.iter().map(|&bytes| unit(bytes))) {
            self.add(c.map_err(|_| NotText::Utf16 { line: self.line })?);
        }
        if odd.is_empty() { Ok(()) } else { Err(NotText::Utf16 { line: self.line }) }
    }

    /// Adds a character; a carriage return before a line's end, or before the end of all, belongs to that.
    fn add(&mut self, c: char) {
        if std::mem::replace(&mut self.ends_in_return, c == '\r') && c != '\n' {
            self.text.push('\r');
        }
        self.line += usize::from(c == '\n');
        if c != '\r' {
            self.text.push(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(bytes: &[u8]) -> Result<String, NotText> {
        let mut text = String::new();
        decode_into(bytes, &mut text).map(|()| text)
    }

    fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(unit).collect()
    }

    #[test]
    fn marks_and_line_ends_make_no_difference() {
        let written = "echo h\u{e9}\r\n\r\nls\r\n";
        let forms = [
            written.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", written.as_bytes()].concat(),
            utf16(written, u16::to_le_bytes),
            utf16(written, u16::to_be_bytes),
        ];
        for bytes in forms {
            assert_eq!(decoded(&bytes).unwrap(), "echo h\u{e9}\n\nls\n");
        }
        // One that is no line's end stays, as does a mark that is not at the beginning.
        assert_eq!(decoded(b"a\rb\r\r\nc\r").unwrap(), "a\rb\r\nc");
        assert_eq!(decoded("a\u{feff}".as_bytes()).unwrap(), "a\u{feff}");
        assert_eq!((decoded(b"").unwrap(), decoded(b"\xef\xbb\xbf").unwrap()), (String::new(), String::new()));
    }

    #[test]
    fn what_is_no_text_is_told_by_its_line() {
        assert_eq!(decoded(b"one\ntwo\n\xff\xfe"), Err(NotText::Utf8 { line: 3 }));
        assert_eq!(decoded(b"\xff\xfea\0\n\0\0\xdc"), Err(NotText::Utf16 { line: 2 }));
        assert_eq!(decoded(b"\xff\xfea"), Err(NotText::Utf16 { line: 1 }));
        assert!(read_from(&b"a\xffb"[..]).unwrap_err().to_string().contains("line 1"));
        assert!(read_from(io::repeat(b'a')).unwrap_err().to_string().contains("more than 64 MiB"));
    }

    #[test]
    fn the_good_lines_of_a_file_are_read() {
        let bytes = b"\xef\xbb\xbfnodes\r\n\xff\xfe bad\n\0\0\0\0\n\nstorage\nhalf \xe2\x82";
        assert_eq!(whole_lines(bytes), ["nodes", "storage"]);
        assert_eq!(without_ends("\u{feff}secret\r\n"), "secret");
    }

    proptest! {
        #[test]
        fn every_text_comes_back_in_every_encoding(text in "(\\PC|\n|\t){0,40}") {
            let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&text);
            let with_returns = text.replace('\n', "\r\n");
            for bytes in [text.as_bytes().to_vec(), with_returns.as_bytes().to_vec(), utf16(&with_returns, u16::to_le_bytes)] {
                let room = room_for(bytes.len());
                let mut decoded = String::with_capacity(room);
                decode_into(&bytes, &mut decoded).unwrap();
                prop_assert_eq!(&decoded, text);
                prop_assert!(decoded.len() <= room);
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = decoded(&bytes);
            prop_assert!(whole_lines(&bytes).iter().all(|line| !line.contains('\n')));
        }
    }
}
