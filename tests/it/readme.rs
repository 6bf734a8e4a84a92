//! The README shows what the program prints, not what somebody once saw.

use crate::generated;
use crate::program::Home;

#[test]
fn the_readme_shows_a_real_demonstration() {
    let said = Home::new("").ok(&["demo"]);
    let mut lines: Vec<String> = said.lines().map(str::to_owned).collect();
    let verdict = lines.pop().unwrap();
    let (before, clock) = verdict.split_once(" in ").unwrap();
    let (_, after) = clock.split_once(" s of wall time").unwrap();
    lines.push(format!("{before}{after}"));
    generated::check("README.md", "demo", &format!("```text\n{}\n```\n", lines.join("\n")));
}

/// What packagers install is what the program prints.
#[test]
fn completions_and_the_manual_are_those_of_the_program() {
    let home = Home::new("");
    for shell in ["bash", "zsh", "fish"] {
        generated::check_file(&format!("assets/completions/p2p.{shell}"), &home.ok(&["completions", shell]));
    }
    let manual = home.ok(&["man"]);
    assert!(manual.contains(".SS \"p2p flow"), "{manual}");
    generated::check_file("assets/man/p2p.1", &manual);
    let mut pages = vec!["p2p.1".to_owned()];
    for name in commands(&home) {
        let page = home.ok(&["man", &name]);
        pages.push(format!("p2p-{name}.1"));
        generated::check_file(&format!("assets/man/p2p-{name}.1"), &page);
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "\"EXIT STATUS\"", "ENVIRONMENT", "FILES", "EXAMPLES"] {
            assert!(page.contains(&format!(".SH {section}\n")), "{name}: {section}: {page}");
        }
    }
    // Nor is there a page of what is no longer a command.
    let kept = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/man")).unwrap();
    let mut kept: Vec<String> = kept.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    kept.sort();
    pages.sort();
    assert_eq!(kept, pages);
    assert!(home.wrong_usage(&["man", "none"]).contains("there is no command `none`"));
}

/// Returns the names of all commands but `help`.
fn commands(home: &Home) -> Vec<String> {
    let help = home.ok(&["--help"]);
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // What goes on on a further line is set in deeper.
    let names = commands.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// Every command of the program is in the README.
#[test]
fn the_readme_names_every_command() {
    let readme = include_str!("../../README.md");
    for command in commands(&Home::new("")) {
        assert!(readme.contains(&format!("`p2p {command}")), "{command}");
    }
}
