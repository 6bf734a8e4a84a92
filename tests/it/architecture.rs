//! The house rules, held by a test: floors import downward only, files and functions stay short, modules say what they are.
//!
//! The limits are ratchets. They may be tightened when the code gets better; they are not loosened to let something in.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Every module of the crate and the floor on which it stands, from the ground up. On the ground floor and on floor 4, where
/// front ends find what they share, a module may build on those named before it; elsewhere none knows its neighbours.
const FLOORS: &[(&str, u8)] = &[
    ("units", 0),
    ("random", 0),
    ("codec", 0),
    ("panics", 0),
    ("text", 0),
    ("spelling", 0),
    ("stored_time", 0),
    ("pieces", 0),
    ("file_identity", 0),
    ("replacement", 0),
    ("likeness", 0),
    ("private_file", 0),
    ("data_dir", 0),
    ("database", 0),
    ("net", 1),
    ("storage", 1),
    ("auth", 1),
    ("node", 2),
    ("engine", 3),
    ("failure", 4),
    ("scratch", 4),
    ("offered", 4),
    ("config", 4),
    ("logging", 4),
    ("output", 4),
    ("interrupt", 4),
    ("recordings", 4),
    ("mailer", 4),
    ("access", 4),
    ("session", 4),
    ("report", 4),
    ("progress", 4),
    ("experiment", 4),
    ("shell", 4),
    ("history", 4),
    ("qr", 4),
    ("asking", 4),
    ("demo_users", 4),
    ("oneshot", 5),
    ("accounts", 5),
    ("language", 5),
    ("demo", 5),
    ("flow", 5),
    ("repl", 5),
    ("replay", 5),
    ("scripts", 5),
    ("tui", 5),
    ("cli", 6),
];

/// No file is longer, its unit tests not counted.
const FILE_LINES_MAX: usize = 500;
/// No function is longer.
const FUNCTION_LINES_MAX: usize = 70;
/// Half of all functions are no longer.
const FUNCTION_LINES_MEDIAN: usize = 10;
/// Nine of ten functions are no longer.
const FUNCTION_LINES_NINTH_DECILE: usize = 30;

struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// The module of the crate's root that it belongs to; `None` for the root and the binary.
    fn module(&self) -> Option<String> {
        let first = self.path.components().next()?.as_os_str().to_str()?;
        let name = first.strip_suffix(".rs").unwrap_or(first);
        (!matches!(name, "lib" | "main")).then(|| name.to_owned())
    }

    /// The code without the unit tests at the end of the file.
    fn code(&self) -> &str {
        self.text.split_once("\n#[cfg(test)]\nmod tests {").map_or(&self.text, |(code, _)| code)
    }

    fn is_test(&self) -> bool {
        self.path.ends_with("tests.rs")
    }
}

fn sources() -> Vec<Source> {
    fn collect(directory: &Path, root: &Path, into: &mut Vec<Source>) {
        let mut entries: Vec<PathBuf> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                collect(&path, root, into);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                into.push(Source { path: path.strip_prefix(root).unwrap().to_owned(), text });
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    collect(&root, &root, &mut all);
    assert!(all.len() > 20, "the sources were not found");
    all
}

fn floor_of(module: &str) -> u8 {
    let entry = FLOORS.iter().find(|(name, _)| *name == module);
    entry.unwrap_or_else(|| panic!("`{module}` stands on no floor: add it to FLOORS")).1
}

fn may_import(module: &str, import: &str) -> bool {
    let (own, other) = (floor_of(module), floor_of(import));
    let place = |name: &str| FLOORS.iter().position(|(entry, _)| *entry == name);
    other < own || (other == own && matches!(own, 0 | 4) && place(import) < place(module))
}

/// The modules of the crate's root that a text names: `crate::net::…` and `crate::{net, units}`.
fn imports(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for (at, _) in line.match_indices("crate::") {
            let rest = &line[at + "crate::".len()..];
            let list = rest.strip_prefix('{').map_or(rest, |inner| inner.split('}').next().unwrap());
            let names = if list.len() < rest.len() { list.split(',').collect() } else { vec![rest] };
            for name in names {
                let name = name.trim().split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
                found.push(name.to_owned());
            }
        }
    }
    found
}

#[test]
fn floors_import_downward_only() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        let Some(module) = source.module() else { continue };
        for import in imports(source.code()).into_iter().filter(|import| *import != module) {
            if !may_import(&module, &import) {
                wrong.push(format!(
                    "{}: floor {} imports `{import}` of floor {}",
                    source.path.display(),
                    floor_of(&module),
                    floor_of(&import)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The map in the crate's documentation has every module on the floor on which it stands.
#[test]
fn the_map_of_the_house_is_whole() {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let rows: Vec<&str> = lib.lines().filter_map(|line| line.strip_prefix("//! | ")).collect();
    for (module, floor) in FLOORS {
        let row = rows.iter().find(|row| row.contains(&format!("[`{module}`]")));
        assert!(
            row.is_some_and(|row| row.starts_with(&format!("{floor} |"))),
            "`{module}` is not on floor {floor} of the map: {row:?}"
        );
    }
}

#[test]
fn the_lower_floors_touch_no_clock_no_thread_and_no_file() {
    let banned = ["std::fs", "std::thread", "std::time::Instant", "std::time::SystemTime", "tokio", "rand::rng", "getrandom"];
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        let pure = source.module().is_some_and(|module| matches!(module.as_str(), "units" | "random" | "net"));
        for (number, line) in source.code().lines().enumerate().filter(|_| pure) {
            let code = line.split("//").next().unwrap();
            if let Some(word) = banned.iter().find(|word| code.contains(*word)) {
                wrong.push(format!("{}:{}: {word}", source.path.display(), number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_module_says_what_it_is_for() {
    for source in sources().iter().filter(|source| !source.is_test()) {
        let lines = source.text.lines().map_while(|line| line.strip_prefix("//!"));
        let docs: String = lines.collect();
        assert!(docs.len() > 60, "{}: begin with //! what it is for", source.path.display());
    }
}

#[test]
fn files_stay_short() {
    let mut long = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        let lines = source.code().lines().count();
        if lines > FILE_LINES_MAX {
            long.push(format!("{}: {lines}", source.path.display()));
        }
    }
    assert!(long.is_empty(), "cut along a concept: {long:#?}");
}

/// The lengths of functions, by their names: from the line of `fn` to that of the closing brace.
fn functions(text: &str) -> BTreeMap<String, usize> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = BTreeMap::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let is_function = ["fn ", "pub fn ", "async fn ", "pub async fn ", "const fn ", "pub const fn "]
            .iter()
            .any(|prefix| code.starts_with(prefix))
            || (code.starts_with("pub(") && code.contains(") fn "));
        if !is_function {
            continue;
        }
        let indent = line.len() - code.len();
        let closing = format!("{}}}", " ".repeat(indent));
        let end = lines[start..].iter().position(|line| *line == closing || line.ends_with("{}") || line.ends_with(';'));
        let name = code.split("fn ").nth(1).unwrap().split(['(', '<']).next().unwrap();
        found.insert(format!("{name} (line {})", start + 1), end.map_or(1, |end| end + 1));
    }
    found
}

#[test]
fn functions_stay_short() {
    let mut lengths = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        for (name, length) in functions(source.code()) {
            lengths.push((length, format!("{}: {name}", source.path.display())));
        }
    }
    lengths.sort();
    let at = |share: usize| lengths[lengths.len() * share / 100].0;
    let longest = lengths.last().unwrap();
    assert!(longest.0 <= FUNCTION_LINES_MAX, "{longest:?}");
    assert!(at(50) <= FUNCTION_LINES_MEDIAN, "the median function has {} lines", at(50));
    assert!(at(90) <= FUNCTION_LINES_NINTH_DECILE, "nine of ten functions have up to {} lines", at(90));
}

#[test]
fn no_module_is_a_drawer() {
    for source in sources() {
        let name = source.path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(!["utils", "util", "helpers", "common", "misc"].contains(&name.as_str()), "{}", source.path.display());
    }
}
