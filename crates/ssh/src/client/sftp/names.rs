//! Paths at a host: `/` separates names, and a name is one that a file of this machine may have.
//!
//! Names are bytes there, and text here. Where they are no text, each byte that is none stands as a NUL, which no name has, and two hexadecimal
//! digits: `caf\0e9`. Requests have the bytes again.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use p2p_base::spelling::{visible, visible_path};

/// Length of a name at the most, in bytes, as most file systems have it.
const NAME_MAX: usize = 255;
/// End of the name of what is kept of a transfer.
const KEPT: &str = ".p2p-part";
/// Mark of a byte that is no text.
const MARK: char = '\0';

/// Returns the last name of a path; none if that stands for a directory, as `..` does.
pub fn last_name(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next()?;
    (!matches!(name, "" | "." | "..")).then_some(name)
}

/// Returns the path of a name in a directory.
pub fn joined(directory: &str, name: &str) -> String {
    match directory {
        "" => name.to_owned(),
        _ => format!("{}/{name}", directory.strip_suffix('/').unwrap_or(directory)),
    }
}

/// Returns the name under which an interrupted transfer of a file of this name is kept, for the next one to continue.
pub fn kept_name(name: &str) -> String {
    with_end(name, KEPT)
}

/// Returns a path of bytes as the text that stands for it.
pub(super) fn of_bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let marked = |text: &mut String, byte: u8| {
        // Writing to a string does not fail.
        let _ = write!(text, "{MARK}{byte:02x}");
    };
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c == MARK { marked(&mut text, 0) } else { text.push(c) }
        }
        chunk.invalid().iter().for_each(|&byte| marked(&mut text, byte));
    }
    text
}

/// Returns a path as users write it in the text that stands for it.
pub fn of_path(path: &Path) -> String {
    of_bytes(path.as_os_str().as_bytes())
}

/// Returns the bytes of a path for which a text stands.
pub(super) fn bytes_of(text: &str) -> Cow<'_, [u8]> {
    let mut parts = text.split(MARK);
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    if bytes.len() == text.len() {
        return Cow::Borrowed(text.as_bytes());
    }
    for part in parts {
        match part.split_at_checked(2).and_then(|(digits, rest)| Some((u8::from_str_radix(digits, 16).ok()?, rest))) {
            Some((byte, rest)) => {
                bytes.push(byte);
                bytes.extend_from_slice(rest.as_bytes());
            }
            None => bytes.extend_from_slice(part.as_bytes()),
        }
    }
    Cow::Owned(bytes)
}

/// Returns the name of a file here for which a text stands.
pub fn own_name(text: &str) -> OsString {
    OsString::from_vec(bytes_of(text).into_owned())
}

/// Returns a path as it is shown: what is no text is escaped, as in `caf\xe9`, and what cannot be seen too.
pub fn shown(text: &str) -> Cow<'_, str> {
    if text.contains(MARK) { visible_path(own_name(text)).into() } else { visible(text) }
}

/// Returns the path beside a file under which it is written until it is whole: one of its own, or the one that is kept.
pub(super) fn part_of(target: &str, tag: Option<&str>) -> String {
    let name = last_name(target).unwrap_or_default();
    let directory = target.strip_suffix(name).unwrap_or_default();
    let name = match tag {
        Some(tag) => with_end(name, &format!(".p2p-{tag}")),
        None => kept_name(name),
    };
    format!("{directory}{name}")
}

/// Returns a name with this end, made shorter before if it would be too long.
fn with_end(name: &str, end: &str) -> String {
    let mut len = name.len().min(NAME_MAX.saturating_sub(end.len()));
    while !name.is_char_boundary(len) {
        len -= 1;
    }
    format!("{}{end}", &name[..len])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_a_last_name_unless_it_is_a_directory() {
        for (path, name) in [("a", Some("a")), ("/x/a.bin", Some("a.bin")), ("x/", None), ("..", None), ("x/.", None), ("", None)]
        {
            assert_eq!(last_name(path), name, "{path}");
        }
        assert_eq!([joined("", "a"), joined("x", "a"), joined("x/", "a"), joined("/", "a")], ["a", "x/a", "x/a", "/a"]);
    }

    #[test]
    fn what_is_written_stands_beside_its_target() {
        assert_eq!(part_of("x/a.bin", None), "x/a.bin.p2p-part");
        assert_eq!(part_of("a", Some("ff")), "a.p2p-ff");
        let long = "ä".repeat(127);
        let part = part_of(&format!("x/{long}"), Some("0123456789abcdef"));
        assert!(part.len() <= 2 + NAME_MAX && part.ends_with(".p2p-0123456789abcdef"), "{part}");
    }

    #[test]
    fn a_name_that_is_no_text_is_shown_and_comes_back() {
        for (bytes, text, seen) in [
            (&b"a.bin"[..], "a.bin", "a.bin"),
            (b"caf\xe9.txt", "caf\0e9.txt", "caf\\xe9.txt"),
            (b"\xff\xfe", "\0ff\0fe", "\\xff\\xfe"),
            (b"a\0b", "a\x0000b", "a\\u{0}b"),
        ] {
            assert_eq!((of_bytes(bytes).as_str(), shown(text).as_ref()), (text, seen));
            assert_eq!(bytes_of(text).as_ref(), bytes);
        }
        assert_eq!(shown("a\x1b"), "a\\u{1b}");
    }
}
