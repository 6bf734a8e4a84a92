//! Patterns for the names of stored files, as POSIX shells have them, and the files and directories that they stand for among
//! those that a user may see.
//!
//! `*` stands for any characters of one name, `?` for one character, `[a-z]` for one of these, `[!a-z]` for any other, and `**`, as
//! a name of the path, for any number of directories. There is no exception for names that begin with a dot.

use p2p_auth::names::UserName;
use p2p_base::spelling::{composed, visible};
use p2p_service::access::Identity;
use p2p_store::namespace::{Entry, Namespace};
use thiserror::Error;

/// Length of the longest pattern in bytes, which bounds the work for each name.
const BYTES_MAX: usize = 4095;

/// Reason why a pattern stands for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PatternError {
    /// Nothing that the user may see has such a name.
    #[error(
        "nothing that is stored matches `{}`; `ls` lists what there is, and a name with such characters goes in quotes",
        visible(pattern)
    )]
    NoMatch {
        /// Pattern as it was typed.
        pattern: String,
    },
    /// The pattern is too long.
    #[error("the pattern has {bytes} bytes; at most {BYTES_MAX} are allowed")]
    TooLong {
        /// Length of the pattern in bytes.
        bytes: usize,
    },
}

/// Part of a pattern that stands for one character or for several.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// This character.
    Char(char),
    /// Any character.
    One,
    /// Any characters, or none.
    Many,
    /// A character in one of the ranges, or in none of them.
    Class { ranges: Vec<(char, char)>, negated: bool },
}

impl Token {
    fn fits(&self, c: char) -> bool {
        match self {
            Token::Char(expected) => *expected == c,
            Token::One | Token::Many => true,
            Token::Class { ranges, negated } => ranges.iter().any(|&(from, to)| (from..=to).contains(&c)) != *negated,
        }
    }
}

/// Name in a pattern of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// `**`: any number of directories.
    Deep,
    /// A name that these stand for.
    Name(Vec<Token>),
}

/// A pattern for a path.
///
/// ```
/// use p2p_shell::pattern::Pattern;
///
/// let pattern = Pattern::parse("docs/**/*.txt")?;
/// assert!(pattern.fits("docs/a.txt") && pattern.fits("docs/2024/é.txt") && !pattern.fits("a.txt"));
/// # Ok::<(), p2p_shell::pattern::PatternError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Part>);

impl Pattern {
    /// Returns true if a text has characters of patterns.
    pub fn is_in(text: &str) -> bool {
        text.contains(['*', '?', '['])
    }

    /// Parses a pattern. A bracket that is not closed stands for itself.
    ///
    /// # Errors
    /// Fails if the pattern is too long.
    pub fn parse(text: &str) -> Result<Pattern, PatternError> {
        if text.len() > BYTES_MAX {
            return Err(PatternError::TooLong { bytes: text.len() });
        }
        let part = |name: &str| if name == "**" { Part::Deep } else { Part::Name(tokens(name)) };
        let mut parts: Vec<Part> = composed(text).split('/').map(part).collect();
        if parts.last() == Some(&Part::Deep) {
            // What a directory contains, not the directory itself.
            parts.push(Part::Name(vec![Token::Many]));
        }
        Ok(Pattern(parts))
    }

    /// Returns true if the pattern stands for this path.
    pub fn fits(&self, path: &str) -> bool {
        let names: Vec<&str> = path.split('/').collect();
        // For each number of names: whether the parts so far may stand for so many.
        let mut reached = vec![false; names.len() + 1];
        reached[0] = true;
        for part in &self.0 {
            match part {
                Part::Deep => (0..names.len()).for_each(|at| reached[at + 1] |= reached[at]),
                Part::Name(tokens) => {
                    for at in (0..names.len()).rev() {
                        reached[at + 1] = reached[at] && fits(tokens, names[at]);
                    }
                    reached[0] = false;
                }
            }
        }
        reached[names.len()]
    }
}

/// Takes a name of a pattern apart.
fn tokens(name: &str) -> Vec<Token> {
    let chars: Vec<char> = name.chars().collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(&c) = chars.get(at) {
        at += 1;
        match c {
            '*' if found.last() == Some(&Token::Many) => {}
            '*' => found.push(Token::Many),
            '?' => found.push(Token::One),
            '[' => match class(&chars[at..]) {
                Some((class, length)) => {
                    found.push(class);
                    at += length;
                }
                None => found.push(Token::Char(c)),
            },
            c => found.push(Token::Char(c)),
        }
    }
    found
}

/// Returns the class whose text begins after its `[`, and the length of that text; `None` if it is not closed.
fn class(chars: &[char]) -> Option<(Token, usize)> {
    let negated = matches!(chars.first(), Some('!' | '^'));
    let first = usize::from(negated);
    // A bracket at the beginning is one of the characters.
    let end = first + 1 + chars.get(first + 1..)?.iter().position(|&c| c == ']')?;
    let (mut ranges, mut at) = (Vec::new(), first);
    while at < end {
        let is_range = at + 2 < end && chars[at + 1] == '-';
        let to = if is_range { at + 2 } else { at };
        ranges.push((chars[at], chars[to]));
        at = to + 1;
    }
    Some((Token::Class { ranges, negated }, end + 1))
}

/// Returns true if the tokens stand for this name, in a time proportional to the product of both lengths.
fn fits(tokens: &[Token], name: &str) -> bool {
    let chars: Vec<char> = name.chars().collect();
    let (mut token, mut at) = (0, 0);
    // Place of the latest `*`, and of the first character that it does not stand for.
    let mut retry: Option<(usize, usize)> = None;
    while at < chars.len() {
        match tokens.get(token) {
            Some(Token::Many) => {
                retry = Some((token, at));
                token += 1;
            }
            Some(one) if one.fits(chars[at]) => (token, at) = (token + 1, at + 1),
            _ => match retry {
                Some((many, from)) => {
                    retry = Some((many, from + 1));
                    (token, at) = (many + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    tokens[token..].iter().all(|left| *left == Token::Many)
}

/// Returns the files and directories that a word stands for as a pattern, in the order of their paths; `None` if the word is a
/// name. `names` are those that the user may see. A pattern that begins with `~` is about the trees of other users, in which the
/// name of the user may have such characters too; every other is about the user's own.
///
/// # Errors
/// Fails if nothing matches, or if the pattern is too long.
pub fn matching(names: &Namespace, identity: &Identity, text: &str) -> Result<Option<Vec<Entry>>, PatternError> {
    let is_kind = |entry: &Entry| !text.ends_with('/') || matches!(entry, Entry::Directory(_));
    let is_name = || identity.keys_of(text).iter().any(|key| names.get(key).is_some_and(is_kind));
    if !Pattern::is_in(text) || is_name() {
        return Ok(None);
    }
    let key = identity.key_of(text);
    let path = Pattern::parse(&key.name)?;
    let owner = match key.owner.as_deref().filter(|_| text.starts_with('~')) {
        Some(owner) => Some(Pattern::parse(&UserName::folded(owner))?),
        None => None,
    };
    let is_meant = |entry: &&Entry| {
        let of_owner = match (&owner, &entry.key().owner) {
            (Some(pattern), Some(owner)) => pattern.fits(owner),
            (None, owner) => *owner == key.owner,
            (Some(_), None) => false,
        };
        of_owner && is_kind(entry) && path.fits(&entry.key().name)
    };
    let found: Vec<Entry> = names.entries().filter(is_meant).cloned().collect();
    if found.is_empty() { Err(PatternError::NoMatch { pattern: text.to_owned() }) } else { Ok(Some(found)) }
}

/// Returns the entries that are not within another of them, for what is done to all that is within a directory.
pub fn outermost(entries: Vec<Entry>) -> Vec<Entry> {
    let all: Namespace = entries.iter().cloned().collect();
    entries.into_iter().filter(|entry| entry.key().ancestors().all(|directory| all.get(&directory).is_none())).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use p2p_base::scope::Scope;
    use p2p_engine::{Principal, policy};
    use p2p_store::manifest::FileRecord;
    use p2p_store::names::FileKey;
    use p2p_store::namespace::DirectoryRecord;
    use p2p_store::segment::Sha256Digest;
    use proptest::prelude::*;

    use super::*;

    fn file(key: FileKey, readers: &[&str]) -> Entry {
        let readers: BTreeSet<String> = readers.iter().map(|&reader| reader.to_owned()).collect();
        let sha256 = Sha256Digest::of(b"x");
        Entry::File(FileRecord {
            key,
            size: 1,
            sha256,
            segments: 1,
            segment_size: 65_536,
            stored_at: 7,
            modified: 7,
            mode: 0o644,
            readers,
        })
    }

    fn names(paths: &[&str]) -> Namespace {
        let entry = |path: &&str| match path.strip_suffix('/') {
            Some(path) => Entry::Directory(DirectoryRecord::made(FileKey::unowned(path), 7)),
            None => file(FileKey::unowned(path), &[]),
        };
        paths.iter().map(entry).collect()
    }

    fn found(names: &Namespace, text: &str) -> Vec<String> {
        let found = matching(names, &Identity::Operator, text).unwrap().unwrap();
        found.iter().map(|entry| entry.key().name.clone()).collect()
    }

    #[test]
    fn patterns_stand_for_names_as_in_a_shell() {
        for (pattern, fitting, other) in [
            ("*.bin", &["a.bin", ".bin", "\u{e9}.bin"][..], &["a.bin.x", "d/a.bin"][..]),
            ("a?c", &["abc", "a\u{e9}c", "a\u{1f469}c"], &["ac", "abbc", "a/c"]),
            ("[a-c]x[!0-9]", &["axy", "cx\u{e9}"], &["dxy", "ax1", "ax"]),
            ("[]-]*", &["]", "-a"], &["a"]),
            ("[^a]", &["b"], &["a", ""]),
            ("a[b", &["a[b"], &["ab"]),
            ("[z-a]", &[], &["a", "z", "m"]),
            ("**", &["a", "d/a"], &[]),
            ("d/**", &["d/a", "d/e/f"], &["d", "e/d/a"]),
            ("**/a", &["a", "d/a", "d/e/a"], &["d/b"]),
            ("d/**/a", &["d/a", "d/e/f/a"], &["a", "d/e"]),
            ("*a*b*", &["ab", "xaxbx", "aab"], &["ba", "a"]),
            ("cafe\u{301}*", &["caf\u{e9}1"], &[]),
        ] {
            let parsed = Pattern::parse(pattern).unwrap();
            for path in fitting {
                assert!(parsed.fits(path), "{pattern} {path}");
            }
            for path in other {
                assert!(!parsed.fits(path), "{pattern} {path}");
            }
        }
        assert!(matches!(Pattern::parse(&"*".repeat(5000)), Err(PatternError::TooLong { bytes: 5000 })));
    }

    #[test]
    fn a_pattern_stands_for_what_is_stored() {
        let names = names(&["docs/", "docs/a.bin", "docs/old/", "docs/old/b.bin", "c.bin", "[x]", "d*"]);
        assert_eq!(found(&names, "*.bin"), ["c.bin"]);
        assert_eq!(found(&names, "**/*.bin"), ["c.bin", "docs/a.bin", "docs/old/b.bin"]);
        assert_eq!(found(&names, "do*/"), ["docs"]);
        assert_eq!(found(&names, "./c*"), ["c.bin"]);
        // A file of that name wins.
        for name in ["[x]", "d*", "docs/a.bin"] {
            assert_eq!(matching(&names, &Identity::Operator, name), Ok(None));
        }
        let none = matching(&names, &Identity::Operator, "nothing*").unwrap_err();
        assert!(none.to_string().contains("`nothing*`"), "{none}");
        let all = matching(&names, &Identity::Operator, "docs*/**").unwrap().unwrap();
        assert_eq!((all.len(), outermost(all).len()), (3, 2));
    }

    #[test]
    fn other_trees_are_named() {
        let key = |owner, path| FileKey::new(owner, path);
        let entries = [key(None, "a.bin"), key(Some("alice"), "a.bin"), key(Some("bob"), "a.bin")];
        let names: Namespace = entries.into_iter().map(|key| file(key, &[])).collect();
        let of = |text: &str| {
            let found = matching(&names, &Identity::Operator, text).unwrap().unwrap();
            found.iter().map(|entry| entry.key().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(of("**"), ["a.bin"], "without ~ it is about one's own tree alone");
        assert_eq!(of("~Alice/*"), ["~alice/a.bin"]);
        assert_eq!(of("~*/a*"), ["~alice/a.bin", "~bob/a.bin"]);
    }

    proptest! {
        /// What a pattern stands for is something that the user may read.
        #[test]
        fn a_pattern_reveals_nothing(
            entries in prop::collection::vec(("[ab*\\[]{1,3}(/[ab?]{1,2})?", prop::sample::select(vec!["alice", "bob"]), any::<bool>()), 1..12),
            pattern in "(~[ab*]{1,2}/)?[ab*?\\[\\]/]{1,6}",
        ) {
            let all: Namespace = entries.iter().map(|(path, owner, shared)| {
                file(FileKey::new(Some(owner), path), if *shared { &["carol"] } else { &[] })
            }).collect();
            let carol = Principal::User { name: "carol".parse().unwrap(), is_admin: false, scope: Scope::Admin, path: None };
            let known = policy::known_names(&carol, &all);
            if let Ok(Some(found)) = matching(&known, &Identity::Operator, &pattern) {
                for entry in found {
                    prop_assert!(policy::may_read(&carol, &all, entry.key()), "{:?}", entry.key());
                }
            }
        }

        /// Every text stands for itself as a pattern in which each character is a class of its own.
        #[test]
        fn a_name_in_brackets_stands_for_itself(name in "[a-z*?\\[\\]!^-]{1,8}", other in "[a-z*?\\[]{1,8}") {
            let pattern: String = name.chars().map(|c| if c == '!' || c == '^' { c.to_string() } else { format!("[{c}]") }).collect();
            let pattern = Pattern::parse(&pattern).unwrap();
            prop_assert!(pattern.fits(&name));
            prop_assert_eq!(pattern.fits(&other), name == other);
        }
    }
}
