//! The manual pages in roff (man(7)), made from the definition of the command line: one page for the program and one for each command.

use std::io;

use clap::{Arg, ArgAction, Command};
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use p2p_service::failure::exit;

use super::examples;

/// Options that many commands share; the page of the program lists them once.
const SHARED: [&str; 15] = [
    "data-dir",
    "wait",
    "config",
    "seed",
    "speed",
    "user",
    "password-file",
    "token-file",
    "json",
    "ascii",
    "connect",
    "tls-ca",
    "tls-fingerprint",
    "help",
    "version",
];

const ENVIRONMENT: [(&str, &str); 10] = [
    ("P2P_PASSWORD", "The password of the user who logs in or registers, where no terminal asks for it."),
    ("P2P_NEW_PASSWORD", "The password that is to take its place."),
    ("P2P_OTP", "The code of an authenticator app, or a backup code. It is good once."),
    ("P2P_SETUP_TOKEN", "The setup token that a server without accounts has printed, for `register` with `--connect`."),
    ("P2P_INVITE", "An invite of an admin, for `register` with `--connect`."),
    ("P2P_TOKEN", "The API token of a program, in place of a login, for `run` and the commands that do one thing."),
    ("P2P_SMTP_PASSWORD", "The password of the mail server, where [mail] names a user and no password."),
    ("P2P_LOG", "What the log says, as in debug or p2p_engine=trace."),
    ("HOME, XDG_DATA_HOME", "Data is kept in $XDG_DATA_HOME/p2p, or else in ~/.local/share/p2p."),
    ("TMPDIR", "Where temporary files lie that have no name, instead of /tmp."),
];

const ENVIRONMENT_OF_ALL: [(&str, &str); 6] = [
    (
        "LC_ALL, LC_CTYPE, LANG",
        "The first that is not empty says whether there is UTF-8. In any other locale, all output is ASCII.",
    ),
    ("TERM", "The terminal. Where it is dumb, not set or of no known kind, no control sequences are sent."),
    ("COLORTERM, NO_COLOR", "truecolor where the terminal has all colours; anything where none are wanted."),
    ("COLORFGBG", "Colours of the terminal, where it does not answer when it is asked for its background."),
    ("COLUMNS", "The width of a terminal that does not tell its own."),
    ("RUST_BACKTRACE", "1 prints a backtrace with a bug of this program; never with an ordinary error."),
];

const FILES: [(&str, &str); 10] = [
    ("./p2p.toml", "The configuration, where --config names no other. The README explains each key."),
    ("~/.local/share/p2p", "The data directory, where neither --data-dir nor [storage] data_dir names another."),
    ("catalog.redb", "In it: accounts, sessions, API tokens, files and where their segments are."),
    ("nodes/Node_01/segments", "In it: the segments that a node holds."),
    ("session", "In it: the session that p2p login began."),
    ("keys", "In it: the certificate of p2p cert and its key."),
    ("logs/p2p.log.*", "In it: the log of each day, for fourteen days."),
    ("recordings/*.p2prec", "In it: recordings of the latest twenty interactive runs, for p2p replay."),
    ("outbox/*.eml", "In it: mails, where no server is configured; the latest thousand."),
    ("audit/*.jsonl", "In it: entries of the audit log that no longer have a place in the catalog."),
];

/// Returns the page of the program, or of one of its commands; `None` if there is no such command. The command line must have been
/// built with `Command::build`.
pub(super) fn page(program: &mut Command, name: Option<&str>) -> io::Result<Option<String>> {
    let Some(name) = name else { return page_of_program(program).map(Some) };
    let version = version_of(program);
    program.find_subcommand_mut(name).map(|command| page_of(command, name, &version)).transpose()
}

fn is_documented(command: &Command) -> bool {
    command.get_name() != "help" && !command.is_hide_set()
}

fn version_of(program: &Command) -> String {
    format!("p2p {}", program.get_version().unwrap_or_default())
}

fn page_of(command: &mut Command, name: &str, version: &str) -> io::Result<String> {
    let mut roff = Roff::default();
    roff.control("TH", [format!("P2P-{}", name.to_uppercase()).as_str(), "1", "", version, "User Commands"]);
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    roff.control("SH", ["NAME"]);
    roff.text([roman(format!("p2p-{name} - {about}"))]);
    roff.control("SH", ["SYNOPSIS"]);
    roff.text([roman(command.render_usage().to_string().trim_start_matches("Usage: "))]);
    roff.control("SH", ["DESCRIPTION"]);
    paragraphs(&mut roff, &command.get_long_about().map_or(about, ToString::to_string));
    roff.control("SH", ["OPTIONS"]);
    command.get_arguments().for_each(|arg| option(&mut roff, arg));
    let has = |long: &str| command.get_arguments().any(|arg| arg.get_long() == Some(long));
    endings(&mut roff, name, has("config"), has("data-dir"));
    roff.control("SH", ["SEE ALSO"]);
    roff.text([bold("p2p"), roman("(1)")]);
    Ok(roff.render())
}

/// Writes the sections at the end of a page: what a command that has a configuration or a data directory has to do with.
fn endings(roff: &mut Roff, name: &str, has_config: bool, has_data: bool) {
    entries(roff, "EXIT STATUS", &exit::TABLE);
    let own = if has_data { &ENVIRONMENT[..] } else { &[] };
    entries(roff, "ENVIRONMENT", &[own, &ENVIRONMENT_OF_ALL].concat());
    match (has_config, has_data) {
        (_, true) => entries(roff, "FILES", &FILES),
        (true, false) => entries(roff, "FILES", &FILES[..1]),
        (false, false) => {
            roff.control("SH", ["FILES"]);
            roff.text([roman("None but those that are named; of ./p2p.toml only [tui] glyphs counts.")]);
        }
    }
    entries(roff, "EXAMPLES", examples::of(name));
}

fn page_of_program(command: &mut Command) -> io::Result<String> {
    let mut roff = Roff::default();
    let version = version_of(command);
    roff.control("TH", ["P2P", "1", "", &version, "User Commands"]);
    roff.control("SH", ["NAME"]);
    roff.text([roman("p2p - "), roman(command.get_about().map(ToString::to_string).unwrap_or_default())]);
    roff.control("SH", ["SYNOPSIS"]);
    roff.text([bold("p2p"), roman(" ["), italic("OPTION"), roman("]...")]);
    roff.control("br", []);
    roff.text([
        bold("p2p"),
        roman(" ["),
        italic("OPTION"),
        roman("]... "),
        italic("COMMAND"),
        roman(" ["),
        italic("ARGUMENT"),
        roman("]..."),
    ]);
    roff.control("SH", ["DESCRIPTION"]);
    paragraphs(
        &mut roff,
        "Without a command, p2p opens the full-screen interface. `p2p demo` shows what it does, `help` at its prompt and `p2p run -c help` list the commands of its language. Links, nodes and sizes are set in p2p.toml; `p2p config` shows what is in effect.",
    );
    roff.control("SH", ["COMMANDS"]);
    for subcommand in command.get_subcommands_mut().filter(|subcommand| is_documented(subcommand)) {
        describe(&mut roff, subcommand);
    }
    roff.control("SH", ["OPTIONS"]);
    paragraphs(
        &mut roff,
        "What a command takes beside its own options, `p2p COMMAND --help` says. They may stand before the command as well.",
    );
    command.get_arguments().for_each(|arg| option(&mut roff, arg));
    if let Some(json) = command.find_subcommand("ls").and_then(|ls| ls.get_arguments().find(|arg| arg.get_long() == Some("json")))
    {
        option(&mut roff, json);
    }
    endings(&mut roff, "", true, true);
    roff.control("SH", ["SEE ALSO"]);
    for name in command.get_subcommands().filter(|command| is_documented(command)).map(Command::get_name) {
        roff.text([bold(format!("p2p-{name}")), roman("(1), ")]);
    }
    roff.text([bold("nohup"), roman("(1), "), bold("tcp"), roman("(7), "), bold("wireshark"), roman("(1)")]);
    Ok(roff.render())
}

/// Writes a command: its usage, its description, and the options that are its own.
fn describe(roff: &mut Roff, command: &mut Command) {
    let usage = command.render_usage().to_string();
    roff.control("SS", [usage.trim_start_matches("Usage: ")]);
    let about = command.get_long_about().or_else(|| command.get_about()).map(ToString::to_string).unwrap_or_default();
    paragraphs(roff, &about);
    let own = command.get_arguments().filter(|arg| arg.get_long().is_none_or(|long| !SHARED.contains(&long)));
    own.for_each(|arg| option(roff, arg));
}

/// Writes an option or an argument with its description and default values.
fn option(roff: &mut Roff, arg: &Arg) {
    let Some(help) = arg.get_long_help().or_else(|| arg.get_help()).filter(|_| !arg.is_hide_set()) else { return };
    let mut names: Vec<Inline> = Vec::new();
    let short = arg.get_short().map(|short| format!("-{short}"));
    for name in short.into_iter().chain(arg.get_long().map(|long| format!("--{long}"))) {
        if !names.is_empty() {
            names.push(roman(", "));
        }
        names.push(bold(name));
    }
    let takes_value = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    let values = arg.get_value_names().unwrap_or_default().iter().map(|value| value.as_str()).collect::<Vec<_>>().join(" ");
    if takes_value && !values.is_empty() {
        names.push(roman(if names.is_empty() { "" } else { " " }));
        names.push(italic(values));
    }
    roff.control("TP", []);
    roff.text(names);
    let mut text = vec![roman(help.to_string().replace('\n', " "))];
    let defaults: Vec<String> = arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    if takes_value && !defaults.is_empty() {
        text.push(roman(format!(" [default: {}]", defaults.join(" "))));
    }
    roff.text(text);
}

fn entries(roff: &mut Roff, heading: &str, entries: &[(&str, &str)]) {
    roff.control("SH", [heading]);
    for (name, text) in entries {
        roff.control("TP", []);
        roff.text([bold(*name)]);
        roff.text([roman(*text)]);
    }
}

fn paragraphs(roff: &mut Roff, text: &str) {
    for (place, paragraph) in text.split("\n\n").enumerate() {
        if place > 0 {
            roff.control("PP", []);
        }
        roff.text([roman(paragraph.replace('\n', " "))]);
    }
}
