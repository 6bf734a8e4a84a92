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
}

/// Every command of the program is in the README.
#[test]
fn the_readme_names_every_command() {
    let readme = include_str!("../../README.md");
    let help = Home::new("").ok(&["--help"]);
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    for line in commands {
        // What goes on on a further line is set in deeper.
        if line.starts_with("   ") {
            continue;
        }
        let command = line.split_whitespace().next().unwrap();
        assert!(command == "help" || readme.contains(&format!("`p2p {command}")), "{command}");
    }
}
