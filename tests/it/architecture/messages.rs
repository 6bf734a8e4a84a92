//! Messages that quote paths: a path is shown by `p2p_base::spelling::visible_path` alone, and given to a shell by `shell_word`, since it
//! may have line ends and escape sequences in it.

use super::sources;

/// Files that need paths as text, and not for a message: each with how many times, and what for.
const WITHOUT_A_MESSAGE: &[(&str, usize, &str)] = &[
    ("crates/base/src/database.rs", 1, "the beginning of a name is compared"),
    ("crates/base/src/database/kept_copy.rs", 1, "the name of a copy is made of it"),
    ("crates/base/src/private_file.rs", 1, "the beginning of a name is compared"),
    ("crates/service/src/abilities.rs", 1, "variables of the environment are compared"),
    ("crates/service/src/config/mod.rs", 1, "a setting is shown as a string of TOML or JSON"),
    ("crates/service/src/scratch.rs", 1, "the beginning of a name is compared"),
    ("crates/shell/src/asking/mod.rs", 1, "a token is read"),
    ("crates/shell/src/commands/network.rs", 1, "a string of JSON"),
    ("crates/shell/src/commands/session.rs", 1, "a string of JSON"),
    ("crates/shell/src/local_pattern.rs", 2, "names are compared with a pattern"),
    ("src/cli/manual.rs", 1, "defaults that the program has itself"),
    ("src/oneshot.rs", 1, "a setting"),
    ("src/scripts.rs", 1, "the value of a variable"),
    ("src/tui/tour/network.rs", 1, "the value of a variable"),
];

#[test]
fn paths_reach_messages_escaped() {
    let (mut shown, mut used) = (Vec::new(), Vec::new());
    for source in sources() {
        let path = source.path.to_str().unwrap().to_owned();
        let lines = source.code().lines().enumerate();
        shown.extend(lines.filter(|(_, line)| line.contains(".display()")).map(|(at, _)| format!("{path}:{}", at + 1)));
        let uses = source.code().matches("to_string_lossy").count();
        if uses > 0 {
            used.push((path, uses));
        }
    }
    used.sort();
    assert!(shown.is_empty(), "show it with `visible_path`, or `shell_word` in a command: {shown:#?}");
    let known: Vec<(String, usize)> = WITHOUT_A_MESSAGE.iter().map(|&(path, uses, _)| (path.to_owned(), uses)).collect();
    assert_eq!(used, known, "a message shows a path with `visible_path`; what else needs one as text is listed, sorted");
}

/// A message of several lines is the program's own: what it quotes makes none.
#[test]
fn few_places_print_lines() {
    let known = [
        "crates/service/src/failure.rs",
        "crates/service/src/output.rs",
        "crates/shell/src/asking/answers.rs",
        "src/cli.rs",
        "src/repl.rs",
        "src/ssh.rs",
    ];
    let prints = |code: &str| code.contains("tell_lines(") || code.contains("legible_lines(");
    let mut found: Vec<_> = sources().into_iter().filter(|source| prints(source.code())).map(|source| source.path).collect();
    found.sort();
    let found: Vec<&str> =
        found.iter().filter_map(|path| path.to_str()).filter(|path| *path != "crates/base/src/message.rs").collect();
    assert_eq!(found, known, "`tell` prints a line, and `legible` makes one");
}
