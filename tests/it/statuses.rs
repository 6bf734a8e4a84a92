//! The table of how front ends tell of errors: docs/errors.md is made from it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use p2p_engine::ErrorKind;
use p2p_service::failure::exit;
use p2p_service::reasons;
use p2p_service::statuses::{self, Code};

use crate::generated;
use crate::program::{Home, end_of};

fn table() -> String {
    let mut text = String::from("| kind | meaning | exit | gRPC | HTTP | SFTP |\n|---|---|---|---|---|---|\n");
    let shown = |Code { number, name }: Code| format!("{number} {name}");
    for &kind in ErrorKind::ALL {
        let statuses = statuses::of(kind);
        let [grpc, http, sftp] = [statuses.grpc, statuses.http, statuses.sftp].map(shown);
        let meaning = kind.meaning().trim_end_matches('.');
        writeln!(text, "| `{}` | {meaning} | {} | {grpc} | {http} | {sftp} |", kind.name(), statuses.exit).unwrap();
    }
    text
}

#[test]
fn the_table_of_the_documentation_is_that_of_the_program() {
    generated::check("docs/errors.md", "kinds", &table());
}

#[test]
fn the_reasons_of_the_documentation_are_those_of_the_program() {
    let mut text = String::from("| reason | meaning |\n|---|---|\n");
    for (name, meaning) in reasons::NAMES {
        writeln!(text, "| `{name}` | {meaning} |").unwrap();
    }
    generated::check("docs/errors.md", "reasons", &text);
}

/// The manual pages have the same table.
#[test]
fn the_exit_codes_of_the_documentation_are_those_of_the_program() {
    let mut text = String::from("| code | meaning |\n|---|---|\n");
    for (code, meaning) in exit::TABLE {
        writeln!(text, "| {code} | {} |", meaning.replace('|', "\\|")).unwrap();
    }
    generated::check("docs/json.md", "exit codes", &text);
}

/// A script ends with the code of the line that has failed: the same that the command alone ends with.
#[test]
fn a_script_ends_with_the_code_of_its_line() {
    let home = Home::new("[network]\nloss = '100%'\nconnect_timeout = '1s'\n");
    home.file("a.bin", 1000);
    let code = |arguments: &[&str]| home.run(arguments).code;
    assert_eq!(code(&["put", "a.bin"]), Some(i32::from(exit::TEMPORARY)));
    assert_eq!(code(&["run", "-c", "upload a.bin"]), Some(i32::from(exit::TEMPORARY)));
    assert_eq!(code(&["run", "-c", "upload a.bin --background; wait"]), Some(i32::from(exit::TEMPORARY)));
    for script in ["download none", "nonsense", "rm", "expect ls contains nothing", "upload none"] {
        assert_eq!(code(&["run", "-c", script]), Some(i32::from(exit::FAILED)), "{script}");
    }
    let mut repl = home.command(&["repl"]).stdin(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut repl.stdin.take().unwrap(), b"download none\n").unwrap();
    assert_eq!(end_of(repl).code, Some(0));
}

/// What holds of every kind. No kind can be left out: the list of all is made together with the kinds, and the table is a match.
#[test]
fn what_every_kind_has_in_common() {
    for &kind in ErrorKind::ALL {
        let statuses = statuses::of(kind);
        // A script tells failures from a wrong command line and from the codes of signals.
        assert!([exit::FAILED, exit::TEMPORARY].contains(&statuses.exit), "{kind:?}");
        // 4xx blames the request, 5xx the server, and gRPC has 1 to 16 for errors.
        assert!((400..600).contains(&statuses.http.number) && (1..=16).contains(&statuses.grpc.number), "{kind:?}");
        // The lower statuses of SFTP are no errors, and the higher ones are for packets that are malformed or not supported.
        assert!((2..=4).contains(&statuses.sftp.number), "{kind:?}");
    }
    let grpc: BTreeSet<u16> = ErrorKind::ALL.iter().map(|&kind| statuses::of(kind).grpc.number).collect();
    assert_eq!(grpc.len(), ErrorKind::ALL.len(), "each kind has a code of gRPC to itself");
}
