//! The house rules, held by tests: crates depend downward only, modules form no circles, files and functions stay short, comments
//! begin with what they document. `cargo test --test it architecture::figures -- --nocapture` prints the figures.
//!
//! The limits are ratchets. They may be tightened when the code gets better; they are not loosened to let something in.

mod circles;
mod docs;
mod manifests;
mod messages;
mod paths;
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use self::circles::circles;
use self::docs::openings;
use self::manifests::{Manifest, crates, names_features, root, workspace_dependencies};
use self::paths::Paths;
use self::sources::functions;
pub(crate) use self::sources::{Source, sources};

/// Crates and the floor on which each stands, from the ground up. A crate depends on crates of lower floors only; `never` names
/// those that it may not know although they are lower (docs/architecture.md).
const FLOORS: &[(&str, u8, &[&str])] = &[
    ("p2p-base", 0, &[]),
    ("p2p-net", 1, &[]),
    ("p2p-store", 1, &[]),
    ("p2p-auth", 1, &[]),
    ("p2p-engine", 2, &["p2p-auth"]),
    ("p2p-service", 3, &[]),
    ("p2p-shell", 4, &[]),
    ("p2p-grpc", 5, &["p2p-base", "p2p-net", "p2p-store", "p2p-auth", "p2p-engine"]),
    ("p2p-ssh", 5, &["p2p-net", "p2p-store", "p2p-auth", "p2p-engine", "p2p-grpc"]),
    ("p2p-web", 5, &["p2p-net", "p2p-store", "p2p-auth", "p2p-engine", "p2p-grpc", "p2p-ssh"]),
    // The program composes the front ends.
    ("p2p-storage", 6, &[]),
];

/// Circles of modules that stand until the structure around them changes. The list may only shrink.
const CIRCLES: &[&[&str]] = &[
    // A flow has the marked bytes of its ends, a meter finds them by the connection.
    &["net::flow", "net::meter"],
    // The parts of one function of Linux, `tcp_ack`.
    &["net::tcp::sender::ack", "net::tcp::sender::rack", "net::tcp::sender::recovery", "net::tcp::sender::timeout"],
    // The table names what runs each command, and `help` reads the table.
    &["shell::call", "shell::commands", "shell::spec", "shell::table"],
    // One database, whose tables lie in two files.
    &["storage::catalog", "storage::epochs"],
];

/// Lines of a file at the most, its unit tests not counted.
const FILE_LINES_MAX: usize = 500;
/// Lines of any function at the most.
const FUNCTION_LINES_MAX: usize = 60;
/// Lines of functions at the most, up to that percentile.
const FUNCTION_LINES: [(usize, usize); 3] = [(50, 7), (90, 20), (99, 35)];
/// Percentage of doc comments at the most that begin with a pronoun or a question word.
const OPENINGS_MAX: f64 = 1.0;

#[test]
fn crates_depend_downward_only() {
    let floors: BTreeMap<&str, (u8, &[&str])> = FLOORS.iter().map(|&(name, floor, never)| (name, (floor, never))).collect();
    let (workspace, mut seen) = (workspace_dependencies(), BTreeSet::new());
    for directory in crates() {
        let manifest = Manifest::of(&directory);
        let name = manifest.name();
        let &(floor, never) = floors.get(name).unwrap_or_else(|| panic!("`{name}` stands on no floor: add it to FLOORS"));
        for other in manifest.crates_below(&workspace) {
            let other = other.as_str();
            let below = floors.get(other).is_some_and(|&(its_floor, _)| its_floor < floor);
            assert!(below && !never.contains(&other), "{name} may not know {other}");
        }
        seen.insert(name.to_owned());
    }
    assert_eq!(seen.len(), FLOORS.len());
}

/// Who wants the ground floor alone, or the network with it, gets no serialisation and no database.
#[test]
fn the_lower_floors_are_light() {
    let workspace = workspace_dependencies();
    for (name, required) in
        [("base", &["rand_core", "rand_xoshiro", "sha2", "thiserror"][..]), ("net", &["bytes", "p2p-base", "slab", "thiserror"])]
    {
        let manifest = Manifest::of(&root().join("crates").join(name));
        let mut found = manifest.dependencies(&workspace);
        found.retain(|dependency| dependency.kind != "dev-dependencies" && !dependency.is_optional());
        let packages: Vec<&str> = found.iter().map(|dependency| dependency.package).collect();
        assert_eq!(packages, required, "{name}");
        for dependency in found.iter().filter(|dependency| dependency.package.starts_with("p2p-")) {
            assert!(!dependency.names_features(), "{name} asks for features of {}", dependency.package);
        }
    }
    assert!(!names_features(&workspace["p2p-base"]), "the workspace gives features of p2p-base to every crate");
    let default = Manifest::of(&root().join("crates/base")).default_features().to_vec();
    assert!(default.is_empty(), "p2p-base has features that nobody asked for: {default:?}");
    let auth = Manifest::of(&root().join("crates/auth"));
    assert!(auth.dependencies(&workspace).iter().all(|dependency| dependency.package != "tokio"), "p2p-auth needs no runtime");
}

#[test]
fn modules_form_no_circles() {
    let found = circles(&sources());
    let known: BTreeSet<Vec<String>> =
        CIRCLES.iter().map(|circle| circle.iter().map(|&name| name.to_owned()).collect()).collect();
    let new: Vec<_> = found.difference(&known).collect();
    let gone: Vec<_> = known.difference(&found).collect();
    assert!(new.is_empty(), "circles that are not named: {new:#?}");
    assert!(gone.is_empty(), "strike from CIRCLES what has gone: {gone:#?}");
}

#[test]
fn the_lower_floors_touch_no_clock_no_thread_and_no_file() {
    let banned = ["std::fs", "std::thread", "std::time::Instant", "std::time::SystemTime", "tokio", "rand::rng", "getrandom"];
    let pure = ["crates/base/src/units", "crates/base/src/random.rs", "crates/base/src/trace.rs", "crates/net/src"];
    let all = sources();
    for place in pure {
        let mut found = all.iter().filter(|source| source.path.starts_with(place)).peekable();
        assert!(found.peek().is_some(), "{place} is not there");
        for source in found {
            let wrong = Paths::of(&source.syntax()).reaching(&banned);
            assert!(wrong.is_empty(), "{}: {wrong:#?}", source.path.display());
        }
    }
}

/// A front end that held the engine could pass by the logins and the audit log.
#[test]
fn the_service_alone_holds_the_engine() {
    let banned = ["p2p_engine::EngineHandle", "p2p_engine::Engine", "p2p_engine::Simulation", "p2p_engine::Caller"];
    let all = sources();
    let below = ["base", "net", "storage", "auth", "engine", "service"].map(|name| Path::new("crates").join(name));
    let front_ends = all.iter().filter(|source| !below.iter().any(|below| source.path.starts_with(below)));
    for source in front_ends {
        let wrong = Paths::of(&source.syntax()).reaching(&banned);
        assert!(wrong.is_empty(), "{}: {wrong:#?}", source.path.display());
    }
}

/// The model of the front ends to come needs the service and no other crate of the house.
#[test]
fn the_example_of_a_front_end_uses_the_service_alone() {
    let example = std::fs::read_to_string(root().join("examples/front_end.rs")).unwrap();
    let paths = Paths::of(&syn::parse_file(&example).unwrap());
    assert!(!paths.reaching(&["p2p_service"]).is_empty(), "its paths were not found");
    let others: Vec<&str> = FLOORS.iter().map(|&(name, ..)| name).filter(|&name| name != "p2p-service").collect();
    for name in others.into_iter().map(|name| name.replace('-', "_")) {
        assert!(paths.reaching(&[name.as_str()]).is_empty(), "it uses {name}");
    }
}

#[test]
fn every_module_says_what_it_is_for() {
    for source in sources() {
        let docs: String = source.text.lines().map_while(|line| line.strip_prefix("//!")).collect();
        assert!(docs.len() > 60, "{}: begin with //! what it is for", source.path.display());
    }
}

#[test]
fn comments_begin_with_what_they_document() {
    let found = openings(&sources());
    let share = 100.0 * found.wrong.len() as f64 / found.all as f64;
    assert!(share < OPENINGS_MAX, "{share:.1} % begin with a pronoun or a question word: {:#?}", found.wrong);
}

#[test]
fn files_stay_short() {
    let too_long = |source: &Source| source.code().lines().count() > FILE_LINES_MAX;
    let long: Vec<_> = sources().into_iter().filter(too_long).map(|source| source.path).collect();
    assert!(long.is_empty(), "cut along a concept: {long:#?}");
}

#[test]
fn functions_stay_short() {
    let lengths = lengths(&sources());
    let longest: Vec<_> = lengths.iter().filter(|(length, _)| *length > FUNCTION_LINES_MAX).collect();
    assert!(longest.is_empty(), "{longest:#?}");
    for (percentile, limit) in FUNCTION_LINES {
        let (length, _) = lengths[lengths.len() * percentile / 100];
        assert!(length <= limit, "percentile {percentile} of the functions' lines is {length}");
    }
}

/// The length of every function with its place, the shortest first.
fn lengths(sources: &[Source]) -> Vec<(usize, String)> {
    let of_source = |source: &Source| {
        let path = source.path.display().to_string();
        functions(&source.syntax()).into_iter().map(move |(name, lines)| (lines, format!("{path}: {name}")))
    };
    let mut all: Vec<_> = sources.iter().flat_map(of_source).collect();
    all.sort();
    assert!(all.len() > 1_000, "the functions were not found");
    all
}

#[test]
fn no_module_and_no_crate_is_a_drawer() {
    let is_drawer = |word: &str| ["utils", "util", "helpers", "common", "misc"].contains(&word);
    for source in sources() {
        let mut names = source.path.iter().map(|part| Path::new(part).file_stem().unwrap().to_str().unwrap());
        assert!(!names.any(is_drawer), "{}", source.path.display());
    }
    for directory in crates() {
        let manifest = Manifest::of(&directory);
        assert!(!manifest.name().split('-').any(is_drawer), "{}", manifest.name());
    }
}

/// Prints the figures of the house.
#[test]
fn figures() {
    let sources = sources();
    let lengths = lengths(&sources);
    let at = |percentile: usize| lengths[(lengths.len() * percentile / 100).min(lengths.len() - 1)].0;
    let mut files: Vec<usize> = sources.iter().map(|source| source.code().lines().count()).collect();
    files.sort_unstable();
    let openings = openings(&sources);
    let share = |part: usize| 100.0 * part as f64 / openings.all as f64;
    println!("functions: {}; lines median {} / p90 {} / p99 {} / max {}", lengths.len(), at(50), at(90), at(99), at(100));
    println!(
        "files: {}; lines median {} / p90 {} / max {}",
        files.len(),
        files[files.len() / 2],
        files[files.len() * 9 / 10],
        files[files.len() - 1]
    );
    println!(
        "doc comments: {}; {:.1} % begin with a pronoun or a question word, {:.1} % have at most three words",
        openings.all,
        share(openings.wrong.len()),
        share(openings.short)
    );
    println!("circles of modules: {}", circles(&sources).len());
    let workspace = workspace_dependencies();
    for directory in crates() {
        let manifest = Manifest::of(&directory);
        let name = manifest.name();
        let prefix = directory.strip_prefix(root()).unwrap().join("src");
        let lines: usize =
            sources.iter().filter(|source| source.path.starts_with(&prefix)).map(|source| source.code().lines().count()).sum();
        println!(
            "{name}: {lines} lines; depends on {}",
            manifest.crates_below(&workspace).into_iter().collect::<Vec<_>>().join(", ")
        );
    }
}
