//! The manual page in roff (man(7)): one page for the program and all its commands, made from the definition of the command line.

use std::io;

use clap::{Arg, ArgAction, Command};
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

/// Options that many commands share; the page lists them once.
const SHARED: [&str; 9] = ["data-dir", "config", "seed", "speed", "user", "password-file", "json", "help", "version"];

const EXIT_STATUS: [(&str, &str); 5] = [
    ("0", "All was done."),
    ("1", "Something was not done. Standard error says what, and what to do."),
    ("2", "The command line cannot be carried out as it stands."),
    ("75", "Another process has the data directory; later it may go well."),
    ("129, 130, 143", "Ended by SIGHUP, SIGINT or SIGTERM. What was under way is undone, and what was past that is told."),
];

const ENVIRONMENT: [(&str, &str); 12] = [
    ("P2P_PASSWORD", "The password of the user who logs in or registers, where no terminal asks for it."),
    ("P2P_NEW_PASSWORD", "The password that is to take its place."),
    ("P2P_OTP", "The code of an authenticator app, or a backup code. It is good once."),
    ("P2P_TOKEN", "The API token of a program, in place of a login, for `run` and the commands that do one thing."),
    ("P2P_SMTP_PASSWORD", "The password of the mail server, where [mail] names a user and no password."),
    ("P2P_LOG", "What the log says, as in debug or p2p_engine=trace."),
    ("HOME", "The home directory, where data is kept and ~/ leads."),
    ("XDG_DATA_HOME", "Where data is kept instead of ~/.local/share."),
    ("TMPDIR", "Where temporary files lie that have no name, instead of /tmp."),
    ("NO_COLOR", "Where it is not empty, nothing is coloured."),
    ("TERM", "The terminal of the full-screen interface."),
    ("RUST_BACKTRACE", "1 prints a backtrace with a bug of this program; never with an ordinary error."),
];

const FILES: [(&str, &str); 8] = [
    ("./p2p.toml", "The configuration, where --config names no other. The README explains each key."),
    ("~/.local/share/p2p", "The data directory, where neither --data-dir nor [storage] data_dir names another."),
    ("catalog.redb", "In it: accounts, sessions, API tokens, files and where their segments are."),
    ("nodes/Node_01/segments", "In it: the segments that a node holds."),
    ("session", "In it: the session that p2p login began."),
    ("logs/p2p.log.*", "In it: the log of each day, for fourteen days."),
    ("recordings/*.p2prec", "In it: recordings of the latest twenty interactive runs, for p2p replay."),
    ("outbox/*.eml", "In it: mails, where no server is configured."),
];

const EXAMPLES: [(&str, &str); 7] = [
    ("p2p demo", "The tour."),
    ("p2p put video.bin && p2p get video.bin -o copy.bin", "Stores a file and fetches it."),
    ("tar c . | p2p put - --as backup.tar", "Stores what another program writes."),
    ("p2p get backup.tar -o - | tar t", "And gives it to another."),
    ("p2p run -c 'upload a.bin --background; sleep 2s; transfers; wait'", "Looks on while a file is stored."),
    ("p2p run assets/scenarios/lossy-link.p2p a.bin", "Carries a script out that stores a.bin."),
    ("p2p flow --bandwidth 10Mbit/s --delay 25ms --runs 20", "Times flows on a link."),
];

/// Returns the page of a command line that was built with `Command::build`.
pub(super) fn page(command: &mut Command) -> io::Result<String> {
    let mut roff = Roff::default();
    let version = format!("p2p {}", command.get_version().unwrap_or_default());
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
    for subcommand in command.get_subcommands_mut().filter(|subcommand| subcommand.get_name() != "help") {
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
    entries(&mut roff, "EXIT STATUS", &EXIT_STATUS);
    entries(&mut roff, "ENVIRONMENT", &ENVIRONMENT);
    entries(&mut roff, "FILES", &FILES);
    entries(&mut roff, "EXAMPLES", &EXAMPLES);
    roff.control("SH", ["SEE ALSO"]);
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
