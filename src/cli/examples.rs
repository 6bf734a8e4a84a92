//! Examples of each command, for its manual page: lines as they are typed, each with what it does. A test parses all of them.

/// Examples of a command: lines as they are typed, each with what it does.
pub(super) type Examples = &'static [(&'static str, &'static str)];

/// Every command with its examples, in the order of the command line.
const EXAMPLES: [(&str, Examples); 42] = [
    (
        "demo",
        &[
            ("p2p demo", "The tour."),
            ("p2p demo --json --seed 7", "The report of one run, for a program."),
            ("p2p demo --services", "The report, with a file that is stored over gRPC and read over SFTP."),
        ],
    ),
    (
        "put",
        &[
            ("p2p put video.bin", "Stores a file under its own name."),
            ("p2p put --recursive photos --as archive/", "Stores a directory in the stored directory archive."),
            ("p2p put --force --preserve video.bin", "Replaces the stored file, and keeps the time and the mode of this one."),
            ("tar c . | p2p put - --as backup.tar", "Stores what another program writes."),
            (
                "p2p put --keep large.bin",
                "Keeps what is stored if this is interrupted; what is said first has the ID for --resume.",
            ),
        ],
    ),
    (
        "get",
        &[
            ("p2p get video.bin", "Fetches a file into this directory."),
            ("p2p get video.bin --output-file copy.bin --force", "Replaces copy.bin by it."),
            ("p2p get backup.tar -o - | tar t", "Gives it to another program."),
            ("p2p get video.bin --range -1000 -o -", "The last thousand bytes."),
        ],
    ),
    (
        "ls",
        &[
            ("p2p ls", "The root of your files."),
            ("p2p ls -R archive", "All that is in a directory."),
            ("p2p ls --json", "The same for a program."),
        ],
    ),
    (
        "rm",
        &[("p2p rm video.bin", "Removes a file."), ("p2p rm --recursive archive", "Removes a directory with all that is in it.")],
    ),
    ("uploads", &[("p2p uploads", "What is kept of uploads."), ("p2p uploads --forget 0123456789abcdef", "Undoes one.")]),
    ("mkdir", &[("p2p mkdir --parents archive/2026", "Makes both directories.")]),
    (
        "mv",
        &[
            ("p2p mv video.bin film.bin", "Gives a file another name."),
            ("p2p mv a.bin b.bin archive", "Moves two files into a directory."),
        ],
    ),
    ("cp", &[("p2p cp video.bin archive", "Copies a file into a directory."), ("p2p cp --force a.bin b.bin", "Replaces b.bin.")]),
    ("chmod", &[("p2p chmod 640 video.bin", "Sets the permission bits.")]),
    ("touch", &[("p2p touch --date 2026-11-28T06:30:00Z video.bin", "Sets the time of modification.")]),
    ("info", &[("p2p info video.bin", "A file and who holds its segments.")]),
    ("verify", &[("p2p verify video.bin", "Fetches a file, checks every byte, and keeps none of it.")]),
    ("share", &[("p2p share video.bin bob", "Lets bob read it, as ~OWNER/video.bin.")]),
    ("unshare", &[("p2p unshare video.bin bob", "Bob reads it no longer.")]),
    ("nodes", &[("p2p nodes", "The nodes as probes see them."), ("p2p nodes --json", "The same for a program.")]),
    ("report", &[("p2p report", "What there is, as text."), ("p2p report --html report.html", "As a page with charts.")]),
    ("orphans", &[("p2p orphans", "Lists them."), ("p2p orphans adopt Node_03", "Keeps those of a node.")]),
    ("register", &[("p2p register alice alice@example.org", "Makes an account; the password is typed.")]),
    (
        "login",
        &[
            ("p2p login alice", "Logs in for the commands that follow."),
            ("p2p login alice --password-file secret", "Without a terminal."),
        ],
    ),
    ("logout", &[("p2p logout", "Ends the session of p2p login."), ("p2p logout --all", "Ends every session of the user.")]),
    ("whoami", &[("p2p whoami", "Who the commands work for.")]),
    ("sessions", &[("p2p sessions", "Your sessions."), ("p2p sessions --revoke 0123456789abcdef", "Ends one.")]),
    (
        "token",
        &[
            ("p2p token new backup --scope write --path archive --expires 30d", "A token for a program that may write there."),
            ("p2p token", "Lists them."),
            ("p2p token revoke backup", "Ends one."),
        ],
    ),
    ("passwd", &[("p2p passwd", "Changes your password.")]),
    ("otp", &[("p2p otp enable app", "Codes of an authenticator app."), ("p2p otp", "What is in effect.")]),
    (
        "flow",
        &[
            ("p2p flow --bandwidth 10Mbit/s --delay 25ms --runs 20", "Times flows on a link."),
            ("p2p flow --loss 1% --pcap flow.pcapng", "One that Wireshark shows."),
        ],
    ),
    (
        "run",
        &[
            ("p2p run -c 'upload a.bin --background; sleep 2s; transfers; wait'", "Looks on while a file is stored."),
            ("p2p run assets/scenarios/lossy-link.p2p a.bin", "Carries a script out that stores a.bin."),
            ("p2p run -c help", "The commands of the language."),
            ("p2p run plan.p2p --html report.html", "What the script has come to, as a page with charts."),
        ],
    ),
    (
        "repl",
        &[("p2p repl", "Commands line by line."), ("p2p repl < commands", "Those of a file; a line that fails does not end it.")],
    ),
    (
        "keygen",
        &[
            ("p2p keygen Node_03 --type rsa", "A host key of its own for a node."),
            ("p2p keygen alice --passphrase", "A pair for a user, encrypted."),
        ],
    ),
    (
        "ssh",
        &[
            ("p2p ssh alice@Node_02 df", "What Node_02 of a running `p2p serve --ssh` has left."),
            ("p2p ssh --json store 'info report.pdf'", "A command at a host of p2p.toml, with its exit status as JSON."),
        ],
    ),
    ("broadcast", &[("p2p broadcast --user alice status", "What every node says of itself, in a table.")]),
    (
        "sftp",
        &[
            ("p2p sftp put alice@Node_02 report.pdf --as docs/", "Stores a file over Node_02 of a running `p2p serve --ssh`."),
            (
                "p2p sftp get store backup.tar --resume",
                "Fetches a file from a host of p2p.toml, and goes on with it after an interruption.",
            ),
            ("tar c . | p2p sftp put store - --as backup.tar", "Sends what another program writes."),
            ("p2p sftp ls -l Node_02 docs", "What is in a directory."),
        ],
    ),
    (
        "serve",
        &[
            ("p2p serve", "Serves all at the addresses of p2p.toml."),
            ("p2p serve --web", "REST and the pages: a browser opens http://127.0.0.1:5000."),
            ("p2p serve --grpc :0 --exit-with-parent > ready.json", "Under another program, which reads the port."),
            ("p2p serve --grpc --ssh", "SSH too: `ssh -p 2202 alice@127.0.0.1 df` asks Node_02."),
        ],
    ),
    (
        "cert",
        &[
            ("p2p cert", "For clients of this machine."),
            ("p2p cert nas.example.org 192.168.1.7 --days 90 --force", "For others too, in the place of an earlier one."),
        ],
    ),
    (
        "events",
        &[
            ("p2p events --connect grpc://127.0.0.1:50050", "What happens at a server, as it happens."),
            ("p2p events --connect grpc://127.0.0.1:50050 --kind FileStored --json", "The files that are stored, for a program."),
        ],
    ),
    ("replay", &[("p2p replay run.p2prec", "Runs a recording again, and compares the trace.")]),
    (
        "config",
        &[("p2p config", "What is in effect, and where it is from."), ("p2p config --config other.toml", "Checks a file.")],
    ),
    ("export", &[("p2p export -o catalog.json", "What the catalog knows.")]),
    (
        "completions",
        &[
            ("p2p completions bash > ~/.local/share/bash-completion/completions/p2p", "For bash."),
            ("p2p completions zsh > ~/.zfunc/_p2p", "For zsh, where ~/.zfunc is in fpath."),
            ("p2p completions fish > ~/.config/fish/completions/p2p.fish", "For fish."),
        ],
    ),
    (
        "man",
        &[
            ("p2p man put | man -l -", "Shows the page of a command."),
            ("p2p man > ~/.local/share/man/man1/p2p.1", "Installs that of the program."),
        ],
    ),
    // The page of the program itself has no name of a command.
    (
        "",
        &[
            ("p2p demo", "The tour."),
            ("p2p put video.bin && p2p get video.bin -o copy.bin", "Stores a file and fetches it."),
            ("p2p put --force --preserve video.bin", "Replaces the stored file, and keeps the time and the mode of this one."),
            ("tar c . | p2p put - --as backup.tar", "Stores what another program writes."),
            ("p2p get backup.tar -o - | tar t", "And gives it to another."),
            ("p2p run -c 'upload a.bin --background; sleep 2s; transfers; wait'", "Looks on while a file is stored."),
            ("p2p run assets/scenarios/lossy-link.p2p a.bin", "Carries a script out that stores a.bin."),
            ("p2p flow --bandwidth 10Mbit/s --delay 25ms --runs 20", "Times flows on a link."),
        ],
    ),
];

/// Returns the examples of a command; those of the program if the name is empty.
pub(super) fn of(command: &str) -> Examples {
    EXAMPLES.iter().find(|(name, _)| *name == command).map_or(&[], |(_, examples)| examples)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};
    use p2p_shell::words;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn every_command_has_examples_that_it_takes() {
        let command = Cli::command();
        let names: Vec<&str> =
            command.get_subcommands().filter(|command| !command.is_hide_set()).map(clap::Command::get_name).chain([""]).collect();
        assert_eq!(EXAMPLES.map(|(name, _)| name).to_vec(), names);
        for (name, examples) in EXAMPLES {
            assert!(!examples.is_empty(), "{name}");
            for (line, _) in examples {
                let parts = line.split(['|', '<', '>']).flat_map(|part| part.split("&&"));
                let part = parts.map(str::trim).find(|part| part.starts_with("p2p ")).unwrap_or_else(|| panic!("{line}"));
                let words: Vec<String> = words::split_unfinished(part).into_iter().map(|word| word.text).collect();
                assert!(name.is_empty() || words[1] == name, "{line}");
                Cli::try_parse_from(&words).unwrap_or_else(|error| panic!("{line}: {error}"));
            }
        }
    }
}
