//! Patterns for paths of this machine, as `upload photos/*`: no other program stands between the prompt and the command that would
//! replace them by names.
//!
//! They are those for stored names. As in POSIX (XCU 2.14.3) a leading period is matched by a period alone, and a path that exists is
//! meant itself, whatever characters it has.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use p2p_base::spelling::{composed, visible, visible_path};

use crate::ShellError;
use crate::pattern::Pattern;
use crate::place::expand;
use crate::trees::off_thread;

/// Maximum number of names that a pattern is compared with.
const SEEN_MAX: usize = 100_000;

/// Returns the paths that the words of a command stand for, each with what it is called: the word as it was typed, or the path that
/// matches it. With `directories` the directories that match are among them.
///
/// # Errors
/// Fails if nothing matches a word, or if it is about too many names.
pub(crate) async fn local_paths(words: &[String], directories: bool) -> Result<Vec<(String, PathBuf)>, ShellError> {
    let all = words.to_vec();
    let found = off_thread(move || all.iter().map(|word| named_paths_of(word, directories)).collect::<Result<Vec<_>, _>>());
    Ok(found.await??.into_iter().flatten().collect())
}

/// Returns the paths that a word stands for as [`paths_of`] does, each with what it is called.
fn named_paths_of(word: &str, directories: bool) -> Result<Vec<(String, PathBuf)>, ShellError> {
    // A pattern may stand for very many, and each look at where the program runs asks the system.
    let (typed, base) = (expand(word), base_of(word));
    let name = |path: &Path| if typed == path { visible(word).into_owned() } else { called(base.as_ref(), path) };
    Ok(paths_of(word, directories)?.into_iter().map(|path| (name(&path), path)).collect())
}

/// Returns the directory below which a word is meant, and what is typed for that; `None` if the word begins at the root.
fn base_of(word: &str) -> Option<(PathBuf, &'static str)> {
    match word {
        word if word.starts_with('/') => None,
        word if word.starts_with("~/") => Some((expand("~/"), "~/")),
        _ => Some((expand("."), "")),
    }
}

/// Returns what a path is called that a pattern stands for: below the same [base](base_of) as the pattern.
fn called(base: Option<&(PathBuf, &str)>, path: &Path) -> String {
    match base.and_then(|(base, before)| Some((before, path.strip_prefix(base).ok()?))) {
        Some((before, below)) => format!("{before}{}", visible_path(below)),
        None => visible_path(path),
    }
}

/// Returns the paths that a word stands for, in their order: itself, or as a pattern the files that match, and with `directories` the
/// directories as well.
///
/// # Errors
/// Fails if nothing matches, or if the pattern is about too many names.
fn paths_of(word: &str, directories: bool) -> Result<Vec<PathBuf>, ShellError> {
    let path = expand(word);
    if !Pattern::is_in(word) || fs::symlink_metadata(&path).is_ok() {
        return Ok(vec![path]);
    }
    let mut walk = Walk::default();
    let names: Vec<String> = path.components().filter_map(name_of).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let root: PathBuf = path.components().take_while(|part| name_of(*part).is_none()).collect();
    walk.find(&root, &names)?;
    let found: Vec<PathBuf> = walk.found.iter().filter(|path| directories || !path.is_dir()).cloned().collect();
    // What is in a directory that matches is stored with it.
    let is_within = |path: &PathBuf| path.ancestors().skip(1).any(|above| walk.found.contains(above));
    match found.is_empty() {
        false if directories => Ok(found.into_iter().filter(|path| !is_within(path)).collect()),
        false => Ok(found),
        true if !walk.found.is_empty() => {
            Err(wrong(format!("`{}` matches directories alone; --recursive stores all that is in them", visible(word))))
        }
        // Brackets are usual in names, and what cannot be read is told better than what does not match.
        true if !word.contains(['*', '?']) => Ok(vec![path]),
        true => Err(wrong(format!("nothing on this machine matches `{}`", visible(word)))),
    }
}

fn wrong(problem: String) -> ShellError {
    ShellError::Bad(problem)
}

/// Returns the name of a part of a path; `None` for its root.
fn name_of(part: Component<'_>) -> Option<String> {
    matches!(part, Component::Normal(_) | Component::ParentDir).then(|| part.as_os_str().to_string_lossy().into_owned())
}

/// The names that were found, and how many were looked at.
#[derive(Debug, Default)]
struct Walk {
    found: BTreeSet<PathBuf>,
    seen: usize,
}

impl Walk {
    /// Finds what matches these names below a directory.
    fn find(&mut self, directory: &Path, names: &[&str]) -> Result<(), ShellError> {
        let Some((&name, rest)) = names.split_first() else {
            self.found.insert(directory.to_owned());
            return Ok(());
        };
        let literal = directory.join(name);
        match fs::symlink_metadata(&literal).is_ok() {
            true => return self.find(&literal, rest),
            false if !Pattern::is_in(name) => return Ok(()),
            false => {}
        }
        let is_deep = name == "**";
        if is_deep && !rest.is_empty() {
            self.find(directory, rest)?;
        }
        let pattern = Pattern::parse(if is_deep { "*" } else { name }).map_err(|error| wrong(error.to_string()))?;
        // What cannot be read has no names.
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            self.seen += 1;
            if self.seen > SEEN_MAX {
                return Err(wrong(format!(
                    "the pattern is about more than {SEEN_MAX} names; name a directory nearer to the files"
                )));
            }
            let (text, is_directory) = (entry.file_name(), entry.file_type().is_ok_and(|kind| kind.is_dir()));
            let text = text.to_string_lossy();
            if (text.starts_with('.') && !name.starts_with('.')) || !pattern.fits(&composed(&text)) {
                continue;
            }
            match is_deep {
                true if is_directory => self.find(&entry.path(), names)?,
                true if rest.is_empty() => drop(self.found.insert(entry.path())),
                true => {}
                false => self.find(&entry.path(), rest)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of files may be decomposed, as macOS writes them; patterns are composed.
    #[test]
    fn a_decomposed_name_matches_as_it_reads() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("cafe\u{301}.jpg");
        fs::write(&file, "").unwrap();
        for pattern in ["caf\u{e9}.*", "cafe\u{301}*", "caf?.jpg", "caf[\u{e9}].jpg"] {
            let word = home.path().join(pattern).display().to_string();
            assert_eq!(paths_of(&word, false).map_err(|error| error.to_string()), Ok(vec![file.clone()]), "{pattern}");
        }
    }

    #[test]
    fn what_matches_is_called_as_the_pattern_is_typed() {
        for (word, path, name) in [
            ("a*", expand("a.bin"), "a.bin"),
            ("d/*", expand("d/a.bin"), "d/a.bin"),
            ("../*", expand("../a.bin"), "../a.bin"),
            ("/tmp/a*", PathBuf::from("/tmp/a.bin"), "/tmp/a.bin"),
            ("~/a*", expand("~/a.bin"), "~/a.bin"),
        ] {
            assert_eq!(called(base_of(word).as_ref(), &path), name, "{word}");
        }
    }

    #[test]
    fn a_pattern_stands_for_what_is_there() {
        let home = tempfile::tempdir().unwrap();
        for name in ["a.jpg", "b.jpg", "c.txt", ".hidden.jpg", "[x].txt", "trip/d.jpg", "trip/deep/e.jpg", "trip/.h/f.jpg"] {
            let path = home.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        let of = |pattern: &str, directories| {
            let word = home.path().join(pattern).display().to_string();
            let paths = paths_of(&word, directories).map_err(|error| error.to_string())?;
            let names = paths.into_iter().map(|path| path.strip_prefix(home.path()).unwrap().display().to_string());
            Ok::<Vec<String>, String>(names.collect())
        };
        for (pattern, files) in [
            ("*.jpg", vec!["a.jpg", "b.jpg"]),
            ("[ab].jpg", vec!["a.jpg", "b.jpg"]),
            ("[x].txt", vec!["[x].txt"]),
            ("?.*", vec!["a.jpg", "b.jpg", "c.txt"]),
            (".*.jpg", vec![".hidden.jpg"]),
            ("*/*.jpg", vec!["trip/d.jpg"]),
            ("**/*.jpg", vec!["a.jpg", "b.jpg", "trip/d.jpg", "trip/deep/e.jpg"]),
            ("trip/**", vec!["trip/d.jpg", "trip/deep/e.jpg"]),
            ("no such", vec!["no such"]),
            ("no [such", vec!["no [such"]),
        ] {
            assert_eq!(of(pattern, false).unwrap(), files, "{pattern}");
        }
        assert_eq!(of("*", true).unwrap(), ["[x].txt", "a.jpg", "b.jpg", "c.txt", "trip"]);
        assert!(of("*.png", false).unwrap_err().starts_with("nothing on this machine matches `"));
        assert!(of("tri?", false).unwrap_err().contains("matches directories alone; --recursive"));
    }
}
