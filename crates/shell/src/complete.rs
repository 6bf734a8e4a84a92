//! Completion of the line being typed: candidates for the word under the cursor, and the usage to show beside it. Independent of
//! any terminal.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{MAIN_SEPARATOR, Path};

use p2p_base::spelling::{hidden_character, visible};
use p2p_engine::Snapshot;
use p2p_service::access::{Access, Identity};
use p2p_service::profiles::Profiles;
use p2p_store::namespace::Entry;

use super::spec::{Flag, Kind, Place, Spec, WAITING};
use super::table::{self, Table};
use super::words::{self, Word, quote};

/// Names that completion offers beside the commands.
#[derive(Debug, Clone, Default)]
pub struct Knowledge {
    /// Commands of the shell.
    pub table: Table,
    /// Names of the nodes.
    pub nodes: Vec<String>,
    /// Names of the stored files and, with a `/` at the end, of the directories.
    pub files: Vec<String>,
    /// Names of other users: for an admin all, otherwise those whom the stored files name, their owners and readers of what the user may
    /// share.
    pub users: Vec<String>,
    /// Numbers of the transfers, each with a description.
    pub transfers: Vec<(String, String)>,
    /// Names of the profiles of faults, each with a description.
    pub profiles: Vec<(String, String)>,
    /// True for a client from remote, to whom neither files of this machine are offered nor commands for it alone.
    pub is_remote: bool,
}

impl Knowledge {
    /// Collects the names in a snapshot, which is one that the user may see.
    pub fn of(snapshot: &Snapshot, identity: &Identity) -> Knowledge {
        let transfer = |report: &std::sync::Arc<p2p_engine::transfer::TransferReport>| {
            let status = &report.status;
            (status.id.0.to_string(), format!("{}, {}", identity.describe(status), status.state.name()))
        };
        Knowledge {
            table: Table::default(),
            nodes: snapshot.figures.nodes.iter().map(|node| node.node.to_string()).collect(),
            files: snapshot.files.entries().map(|entry| label_of(identity, entry)).collect(),
            users: users_of(snapshot, identity),
            transfers: snapshot.transfers.iter().rev().map(transfer).collect(),
            profiles: Vec::new(),
            is_remote: false,
        }
    }

    /// Adds the names of users to those whom the stored files name.
    #[must_use]
    pub fn with_users(self, names: Vec<String>, identity: &Identity) -> Knowledge {
        let others = names.into_iter().filter(|name| identity.name() != Some(name));
        let users: BTreeSet<String> = self.users.into_iter().chain(others).collect();
        Knowledge { users: users.into_iter().collect(), ..self }
    }

    /// Collects what a user may see, with the commands of a table and the names of `users`.
    pub fn of_access(access: &Access, table: &Table, users: Vec<String>) -> Knowledge {
        let identity = access.identity();
        let known = Knowledge::of(&access.snapshot(), &identity).with_users(users, &identity);
        known.with_profiles(access.profiles()).with_table(table).for_client(access.is_remote())
    }

    /// Offers the commands of this table.
    #[must_use]
    pub fn with_table(self, table: &Table) -> Knowledge {
        Knowledge { table: table.clone(), ..self }
    }

    /// Leaves out what is for this machine alone, if the user is a client from remote.
    #[must_use]
    pub fn for_client(self, is_remote: bool) -> Knowledge {
        Knowledge { is_remote, ..self }
    }

    /// Adds the names of the profiles of faults.
    #[must_use]
    pub fn with_profiles(self, profiles: &Profiles) -> Knowledge {
        let profiles = profiles.iter().map(|(name, profile)| (name.clone(), profile.described().into_owned())).collect();
        Knowledge { profiles, ..self }
    }

    /// Returns the names of all hosts, the client first.
    fn hosts(&self) -> impl Iterator<Item = &str> {
        std::iter::once("client").chain(self.nodes.iter().map(String::as_str))
    }
}

/// A word that could stand at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Text that is shown.
    pub label: String,
    /// Text that is inserted into the line, quoted if necessary.
    pub text: String,
    /// Short description of the word.
    pub summary: String,
}

impl Candidate {
    /// Returns true if more may follow within the word, as after a directory.
    pub fn goes_on(&self) -> bool {
        self.label.ends_with('/')
    }
}

/// The candidates for a position in a line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Completion {
    /// Byte offset of the beginning of the word that the candidates replace, up to the cursor.
    pub start: usize,
    /// Candidates in the order in which they are shown.
    pub candidates: Vec<Candidate>,
}

impl Completion {
    /// Returns the longest common prefix of all candidates.
    pub fn common_prefix(&self) -> &str {
        let Some((first, rest)) = self.candidates.split_first() else { return "" };
        let mut len = first.text.len();
        for candidate in rest {
            let same = first.text.chars().zip(candidate.text.chars()).take_while(|(a, b)| a == b);
            len = len.min(same.map(|(c, _)| c.len_utf8()).sum());
        }
        &first.text[..len]
    }
}

/// Returns the candidates for byte `cursor` of `line`.
pub fn complete(line: &str, cursor: usize, known: &Knowledge) -> Completion {
    let typed = line.get(..cursor).unwrap_or(line);
    let mut words = words::split_unfinished(typed);
    // The words after `expect` are a command of their own.
    while words.len() > 1 && known.table.find(&words[0].text).is_some_and(|spec| spec.name == "expect") {
        words.remove(0);
    }
    let current = words.pop_if(|word| word.span.end == typed.len() && !typed.is_empty());
    let start = current.as_ref().map_or(typed.len(), |word| word.span.start);
    let text = current.as_ref().map_or("", |word| word.text.as_str());
    let candidates = match words.split_first() {
        None => commands(text, known),
        Some((first, before)) => match known.table.find(&first.text) {
            Some(spec) => words_of(spec, (table::first_words(&first.text).len(), before), current.as_ref(), known),
            None => Vec::new(),
        },
    };
    Completion { start, candidates }
}

fn commands(prefix: &str, known: &Knowledge) -> Vec<Candidate> {
    let named = |spec: &'static Spec| {
        let names = std::iter::once(spec.name).chain(spec.aliases.iter().copied());
        // An alias is offered only if the name itself does not match.
        names.into_iter().find(|name| name.starts_with(prefix)).map(|name| candidate(name, spec.summary))
    };
    let is_offered = |spec: &&Spec| !known.is_remote || spec.place != Place::ThisMachine;
    let mut found: Vec<Candidate> = known.table.commands().filter(is_offered).filter_map(named).collect();
    found.sort_by(|a, b| a.label.cmp(&b.label));
    found
}

fn candidate(text: &str, summary: &str) -> Candidate {
    Candidate { label: visible(text).into_owned(), text: quote(text), summary: summary.to_owned() }
}

/// Returns the candidates after the words `before`; the command's name stands for `given` further arguments.
fn words_of(spec: &'static Spec, (given, before): (usize, &[Word]), current: Option<&Word>, known: &Knowledge) -> Vec<Candidate> {
    let text = current.map_or("", |word| word.text.as_str());
    let flag_of = |word: &Word| spec.flag_of(&word.text).filter(|_| !word.quoted);
    if let Some(Flag { value: Some((_, kind)), .. }) = before.last().and_then(flag_of) {
        return values(*kind, text, known);
    }
    if text.starts_with('-') && !current.is_some_and(|word| word.quoted) {
        let fitting = spec.flags.iter().filter(|flag| format!("--{}", flag.name).starts_with(text));
        let summary = |flag: &Flag| match flag.short {
            Some(letter) => format!("-{letter}, {}", flag.summary),
            None => flag.summary.to_owned(),
        };
        return fitting.map(|flag| candidate(&format!("--{}", flag.name), &summary(flag))).collect();
    }
    let mut place = given;
    let mut words = before.iter();
    while let Some(word) = words.next() {
        match flag_of(word) {
            Some(flag) => drop(flag.value.and_then(|_| words.next())),
            None => place += 1,
        }
    }
    let is_applied = before.first().is_some_and(|word| word.text == "apply");
    let kind = spec.argument_at(place).map(|argument| match argument.kind {
        Kind::ProfileOrNode if is_applied => Kind::Profile,
        kind => kind,
    });
    kind.map(|kind| values(kind, text, known)).unwrap_or_default()
}

fn values(kind: Kind, prefix: &str, known: &Knowledge) -> Vec<Candidate> {
    let fitting = |texts: &[String], summary: &str| {
        let texts = texts.iter().filter(|text| begins(text, prefix));
        texts.map(|text| candidate(text, summary)).collect()
    };
    match kind {
        Kind::LocalPath if known.is_remote => Vec::new(),
        Kind::LocalPath => paths(prefix),
        Kind::StoredFile => stored(prefix, &known.files),
        Kind::Node => fitting(&known.nodes, "node"),
        Kind::User => fitting(&known.users, "user"),
        Kind::Host => known.hosts().filter(|host| begins(host, prefix)).map(|host| candidate(host, "host")).collect(),
        Kind::Hosts => hosts(prefix, known),
        Kind::Profile => {
            let found = known.profiles.iter().filter(|(name, _)| name.starts_with(prefix));
            found.map(|(name, summary)| candidate(name, summary)).collect()
        }
        Kind::ProfileOrNode => [Kind::Profile, Kind::Node].into_iter().flat_map(|kind| values(kind, prefix, known)).collect(),
        Kind::Transfer => {
            let prefix = prefix.trim_start_matches('#');
            let found = known.transfers.iter().filter(|(id, _)| id.starts_with(prefix));
            found.map(|(id, summary)| candidate(id, summary)).collect()
        }
        Kind::TransferOrWaiting => {
            let waiting = Some(candidate(WAITING, "all that has not begun")).filter(|_| WAITING.starts_with(prefix));
            waiting.into_iter().chain(values(Kind::Transfer, prefix, known)).collect()
        }
        Kind::Command => commands(prefix, known),
        Kind::OneOf(texts) | Kind::Like(texts) => {
            texts.iter().filter(|text| text.starts_with(prefix)).map(|text| candidate(text, "")).collect()
        }
        Kind::Other(_) => Vec::new(),
    }
}

/// Returns the hosts that complete the last name of groups of hosts, none of which is named twice.
fn hosts(prefix: &str, known: &Knowledge) -> Vec<Candidate> {
    let begin = prefix.rfind([',', '>', '|']).map_or(0, |at| at + 1);
    let Some((before, typed)) = prefix.split_at_checked(begin) else { return Vec::new() };
    let named: Vec<&str> = before.split([',', '>', '|']).map(|name| name.trim_end_matches('-')).collect();
    let fits = |host: &&str| begins(host, typed) && !named.iter().any(|name| name.eq_ignore_ascii_case(host));
    // A word may have `>` and `|` in it, and more names may follow: a quote that is opened here would still be open then.
    let is_plain = before.split(['>', '|']).all(|part| part.is_empty() || quote(part) == part);
    let text = |host: &str| if is_plain { format!("{before}{host}") } else { quote(&format!("{before}{host}")) };
    let found = known.hosts().filter(fits);
    found.map(|host| Candidate { text: text(host), label: host.to_owned(), summary: "host".to_owned() }).collect()
}

/// Returns the other users whom the files that a user may see name to them.
fn users_of(snapshot: &Snapshot, identity: &Identity) -> Vec<String> {
    let mut found = BTreeSet::new();
    for file in snapshot.files.files() {
        found.extend(file.key.owner.as_deref());
        found.extend(file.readers.iter().map(String::as_str).filter(|_| identity.may_change(&file.key)));
    }
    found.into_iter().filter(|name| identity.name() != Some(name)).map(str::to_owned).collect()
}

/// Returns the user's label of a stored file, or of a directory with a `/` at its end.
fn label_of(identity: &Identity, entry: &Entry) -> String {
    let label = identity.label(entry.key());
    if matches!(entry, Entry::Directory(_)) { label + "/" } else { label }
}

/// Returns a name that begins with a prefix up to the next `/` after the last one of the prefix; `None` if nothing follows that.
pub fn next_piece<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    let directory = prefix.rfind('/').map_or(0, |at| at + 1);
    let rest = name.get(directory..).filter(|rest| !rest.is_empty())?;
    Some(&name[..rest.find('/').map_or(name.len(), |at| directory + at + 1)])
}

/// Returns the stored files and directories whose names begin with a prefix, each up to the next `/`, as for local paths.
fn stored(prefix: &str, labels: &[String]) -> Vec<Candidate> {
    let directory = prefix.rfind('/').map_or(0, |at| at + 1);
    let mut found = BTreeMap::<(bool, String), Candidate>::new();
    for label in labels.iter().filter(|label| begins(label, prefix)) {
        let Some(piece) = next_piece(label, prefix) else { continue };
        let name = &piece[directory..];
        let is_file = !name.ends_with('/');
        let summary = if is_file { "stored file" } else { "directory" };
        let text = quote(piece);
        let candidate = Candidate { label: visible(name).into_owned(), text, summary: summary.to_owned() };
        found.entry((name.starts_with('~') && directory == 0, name.to_owned())).or_insert(candidate);
    }
    found.into_values().collect()
}

/// Returns true if a text begins with a prefix, ignoring the case of ASCII letters.
fn begins(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Returns the files and directories whose path begins with a prefix.
fn paths(prefix: &str) -> Vec<Candidate> {
    let (directory, name) =
        prefix.rsplit_once(MAIN_SEPARATOR).map_or(("", prefix), |(_, name)| (&prefix[..prefix.len() - name.len()], name));
    let place = match (directory.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ if directory.is_empty() => Path::new(".").to_owned(),
        _ => Path::new(directory).to_owned(),
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        // A name that cannot be shown as it is cannot be typed either.
        let Some(entry_name) = entry.file_name().into_string().ok().filter(|name| hidden_character(name).is_none()) else {
            continue;
        };
        if !entry_name.starts_with(name) || (entry_name.starts_with('.') && !name.starts_with('.')) {
            continue;
        }
        let is_directory = entry.path().is_dir();
        let label = if is_directory { format!("{entry_name}{MAIN_SEPARATOR}") } else { entry_name };
        let summary = if is_directory { "directory" } else { "file" };
        found.push(Candidate { text: quote(&format!("{directory}{label}")), label, summary: summary.into() });
    }
    found.sort_by(|a, b| a.label.cmp(&b.label));
    found
}

/// Returns the usage of the command being typed, once its name is complete, in several wordings, the longest first: with the summary, without
/// it, and without the names of the flags.
pub fn doc_lines(table: &Table, line: &str) -> Option<[String; 3]> {
    let words = words::split_unfinished(line);
    let spec = table.find(&words.first()?.text)?;
    Some([format!("{}   {}", spec.usage(), spec.summary), spec.usage(), spec.usage_in_short()])
}

/// Returns the rest of the latest history line that begins with `line`.
pub fn history_hint<'a>(line: &str, mut latest_first: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if line.trim().is_empty() {
        return None;
    }
    latest_first.find_map(|entry| entry.strip_prefix(line).filter(|rest| !rest.is_empty()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn known() -> Knowledge {
        Knowledge {
            table: Table::default(),
            nodes: vec!["Node_01".into(), "Node_02".into()],
            files: vec!["video.bin".into(), "my notes.txt".into()],
            users: vec!["bob".into(), "carol".into()],
            transfers: vec![("7".into(), "upload of video.bin, running".into())],
            profiles: vec![("slow-wan".into(), "far away".into())],
            is_remote: false,
        }
    }

    fn texts(line: &str) -> Vec<String> {
        complete(line, line.len(), &known()).candidates.into_iter().map(|candidate| candidate.text).collect()
    }

    #[test]
    fn each_place_has_its_candidates() {
        assert_eq!(texts("up"), ["upload", "uploads"]);
        assert_eq!(texts("exi"), ["exit"]);
        assert_eq!(texts("rm "), ["'my notes.txt'", "video.bin"]);
        assert_eq!(texts("rm video.bin m"), ["'my notes.txt'"]);
        assert_eq!(texts("rm 'my n"), ["'my notes.txt'"]);
        assert_eq!(texts("node NODE_0"), ["Node_01", "Node_02"]);
        assert_eq!(texts("cancel '#"), ["7"]);
        assert_eq!(texts("share video.bin "), ["bob", "carol"]);
        assert_eq!(texts("unshare video.bin c"), ["carol"]);
        assert_eq!(texts("users reset B"), ["bob"]);
        assert_eq!(texts("kill 'node_02"), ["Node_02"]);
        assert_eq!(texts("link c"), ["client"]);
        assert_eq!(texts("path client->no"), ["client->Node_01", "client->Node_02"]);
        assert_eq!(texts("partition Node_01,"), ["Node_01,client", "Node_01,Node_02"]);
        assert_eq!(texts("faults apply "), ["slow-wan"]);
        assert_eq!(texts("faults apply slow-wan node_01"), ["Node_01"]);
        assert_eq!(texts("faults clear "), ["slow-wan", "Node_01", "Node_02"]);
        assert_eq!(texts("faults clear slow-wan node_02"), ["Node_02"]);
        assert_eq!(texts("path n"), ["Node_01", "Node_02"]);
        assert_eq!(texts("disk Node_01 --f"), ["--fail", "--full"]);
        assert_eq!(texts("disk Node_01 --fail r"), ["reads", "reads,writes,syncs"]);
        assert_eq!(texts("disk Node_01 --slow "), ["2x", "10x", "50x", "100x"]);
        assert_eq!(texts("trace Node_01 --packets "), ["20"]);
        assert_eq!(texts("download video.bin --f"), ["--force"]);
        assert_eq!(texts("speed 10"), ["10x", "100x"]);
        assert_eq!(texts("otp enable "), ["app", "mail"]);
        assert_eq!(texts("enable_otp "), ["app", "mail"]);
        assert_eq!(texts("expect no"), ["node", "nodes"]);
        assert_eq!(texts("expect node "), ["Node_01", "Node_02"]);
        assert_eq!(texts("nonsense "), Vec::<String>::new());
        assert_eq!(texts("ls "), ["'my notes.txt'", "video.bin"]);
        assert_eq!(texts("rm -"), ["--recursive", "--background", "--yes"]);
        assert_eq!(texts("rm -r v"), ["video.bin"]);
        assert_eq!(texts("").len(), table::commands().count());
    }

    /// A value that is offered is one that the command takes, and every flag with a value offers some.
    #[test]
    fn every_flag_with_a_value_offers_values() {
        for spec in table::commands() {
            for flag in spec.flags.iter().filter(|flag| flag.value.is_some_and(|(_, kind)| !matches!(kind, Kind::LocalPath))) {
                assert!(!texts(&format!("{} --{} ", spec.name, flag.name)).is_empty(), "{} --{}", spec.name, flag.name);
            }
        }
    }

    #[test]
    fn stored_paths_complete_up_to_the_next_directory() {
        let files = ["docs/", "docs/a.bin", "docs/b c/", "docs/b c/d", "dog.bin", "~alice/plan/x", "/old"];
        let known = Knowledge { files: files.map(str::to_owned).into(), ..Knowledge::default() };
        let complete = |line: &str| complete(line, line.len(), &known);
        let texts = |line: &str| complete(line).candidates.into_iter().map(|found| found.text).collect::<Vec<_>>();
        assert_eq!(texts("ls "), ["/", "docs/", "dog.bin", "~alice/"]);
        assert_eq!(texts("mv do"), ["docs/", "dog.bin"]);
        assert_eq!(texts("mv a docs/"), ["docs/a.bin", "'docs/b c/'"]);
        assert_eq!(texts("rm 'docs/b c/'"), ["'docs/b c/d'"]);
        assert_eq!(texts("mkdir ~a"), ["~alice/"]);
        assert_eq!(texts("get ~alice/"), ["~alice/plan/"]);
        let found = complete("rm docs/").candidates;
        assert_eq!((found[0].goes_on(), found[1].goes_on(), found[1].label.as_str()), (false, true, "b c/"));
    }

    #[test]
    fn local_paths_are_listed_and_directories_go_on() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("music")).unwrap();
        for name in ["album one.flac", "mud.bin", ".hidden"] {
            fs::write(home.path().join(name), "").unwrap();
        }
        let place = home.path().display();
        assert_eq!(texts(&format!("upload {place}/mu")), [format!("{place}/mud.bin"), format!("{place}/music/")]);
        assert_eq!(texts(&format!("upload {place}/al")), [format!("'{place}/album one.flac'")]);
        assert_eq!(texts(&format!("upload {place}/.h")), [format!("{place}/.hidden")]);
        let completion = complete(&format!("upload {place}/mu"), 7 + 1 + place.to_string().len() + 2, &known());
        assert_eq!(completion.common_prefix(), format!("{place}/mu"));
    }

    #[test]
    fn a_client_from_remote_is_offered_nothing_of_this_machine() {
        let place = env!("CARGO_MANIFEST_DIR");
        let of_client = known().for_client(true);
        let texts = |line: &str, known: &Knowledge| complete(line, line.len(), known).candidates.len();
        for (line, here, elsewhere) in [("upl", 2, 1), ("capt", 1, 0), ("exp", 2, 2)] {
            assert_eq!((texts(line, &known()), texts(line, &of_client)), (here, elsewhere), "{line}");
        }
        for line in ["upload ", "export ", "download video.bin ", "expect export "].map(|line| format!("{line}{place}/sr")) {
            assert_eq!((texts(&line, &known()), texts(&line, &of_client)), (1, 0), "{line}");
        }
    }

    #[test]
    fn hints_come_from_the_history_and_the_table() {
        let history = ["upload b.bin", "ls", "upload a.bin"];
        assert_eq!(history_hint("upl", history.into_iter()), Some("oad b.bin"));
        assert_eq!(history_hint("upload b.bin", history.into_iter()), None);
        assert_eq!(history_hint(" ", history.into_iter()), None);
        let [whole, usage, short] = doc_lines(&Table::default(), "put x").unwrap();
        assert!(usage.starts_with("upload PATH… [--as NAME]") && whole.starts_with(&format!("{usage}   ")), "{whole}");
        assert_eq!(short, "upload PATH… [OPTIONS]");
        assert_eq!(doc_lines(&Table::default(), "xyz"), None);
    }

    proptest! {
        #[test]
        fn candidates_fit_where_they_are_put(line in "[a-z '\"\\\\#-]{0,20}", cursor in 0usize..24) {
            let completion = complete(&line, cursor, &known());
            prop_assert!(completion.start <= line.len() && line.is_char_boundary(completion.start));
        }
    }
}
