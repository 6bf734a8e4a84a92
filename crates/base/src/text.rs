//! Reading of text from outside the program, with the same rules everywhere. A byte order mark is removed (UTF-8, and
//! UTF-16 as Windows writes it), and a line ends with LF or CR LF.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use thiserror::Error;

/// Character that marks the encoding at the beginning of a text (Unicode Standard, section 23.8).
const BYTE_ORDER_MARK: char = '\u{feff}';
/// Largest length of a text in bytes.
const BYTES_MAX: u64 = 64 << 20;

/// Reason why bytes are no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NotText {
    /// The bytes are not valid UTF-8.
    #[error("line {line} is not valid UTF-8")]
    Utf8 {
        /// First line that is not valid, counted from 1.
        line: usize,
    },
    /// The bytes begin with the byte order mark of UTF-16, and are not valid UTF-16.
    #[error("line {line} is not valid UTF-16, which the byte order mark says that it is")]
    Utf16 {
        /// First line that is not valid, counted from 1.
        line: usize,
    },
}

/// Reads a text file.
///
/// # Errors
/// Fails if the file cannot be read, is too long, or is no text.
pub fn read(path: &Path) -> io::Result<String> {
    read_from(File::open(path)?)
}

/// Reads a text to the end of its source.
///
/// # Errors
/// Fails like [`read`].
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

/// Returns an upper bound on the length in bytes of a decoded text that has `bytes` bytes before.
pub const fn room_for(bytes: usize) -> usize {
    // Two bytes of UTF-16 become at most three of UTF-8.
    bytes.saturating_mul(2)
}

/// Decodes `bytes` and appends the text to `text`, which does not grow if it has [`room_for`] them, so that no copy of a secret
/// is left behind.
///
/// # Errors
/// Fails if the bytes are no text; the valid part before the error is appended.
pub fn decode_into(bytes: &[u8], text: &mut String) -> Result<(), NotText> {
    let mut text = Unended { text, ends_in_return: false, line: 1 };
    match bytes {
        [0xff, 0xfe, units @ ..] => text.add_utf16(units, u16::from_le_bytes),
        [0xfe, 0xff, units @ ..] => text.add_utf16(units, u16::from_be_bytes),
        bytes => text.add_utf8(bytes),
    }
}

/// Returns the lines of a file that are text and could be typed; a line that was truncated or written by another program is left
/// out.
pub fn whole_lines(bytes: &[u8]) -> Vec<String> {
    let lines = bytes.split(|&byte| byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok()).map(without_ends);
    lines.filter(|line| !line.is_empty() && !line.contains(|c: char| c.is_control() && c != '\t')).map(str::to_owned).collect()
}

/// Returns a typed or given line without its end, and without a byte order mark at its beginning.
pub fn without_ends(line: &str) -> &str {
    line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line).trim_end_matches(['\r', '\n'])
}

/// Text that is being decoded.
struct Unended<'a> {
    text: &'a mut String,
    /// True if the last character was a carriage return, which may belong to a line end.
    ends_in_return: bool,
    line: usize,
}

impl Unended<'_> {
    fn add_utf8(&mut self, bytes: &[u8]) -> Result<(), NotText> {
        let (valid, rest) = match std::str::from_utf8(bytes) {
            Ok(text) => (text, false),
            // The part before the error is text.
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

    /// Appends a character; a carriage return before a line feed, or at the end of the text, is dropped.
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
