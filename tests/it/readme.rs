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

/// Every command of the program is in the README.
#[test]
fn the_readme_names_every_command() {
    let readme = include_str!("../../README.md");
    let help = Home::new("").ok(&["--help"]);
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    for line in commands {
        let command = line.split_whitespace().next().unwrap();
        assert!(command == "help" || readme.contains(&format!("`p2p {command}")), "{command}");
    }
}
