//! What the room asks before a command takes something away, and what it says of a form that is not filled in: in the words of its fields.

use p2p_base::spelling::visible_line;

use super::filled::Filled;

/// Question whether a command is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    /// What is done, which is the label of the button that does it.
    pub(super) title: String,
    /// What that takes away, and what gives it back.
    pub(super) told: String,
    /// Command that is carried out then.
    pub(super) line: String,
}

/// Flags and commands whose value a field has: what it is, and what to write.
const VALUES: [(&str, &str, &str); 6] = [
    ("--delay", "a delay", "a time such as 200ms or 1s"),
    ("--loss", "a share of packets", "a percentage such as 5%"),
    ("--duplicate", "a share of packets", "a percentage such as 5%"),
    ("--corrupt", "a share of packets", "a percentage such as 5%"),
    ("--bandwidth", "a rate", "an amount a second such as 8KiB/s or 1Mbit/s"),
    ("speed", "a speed", "10x, or max"),
];

/// Returns what is asked before a command of this name is carried out, or its line where nothing is taken away.
pub(super) fn question_of(name: &str, words: &[String], line: String) -> Result<Question, String> {
    let Some((title, told)) = taken_away(name, words) else { return Err(line) };
    Ok(Question { title: visible_line(&title).into_owned(), told, line })
}

/// Returns what a command is called that takes something away, and what that is.
fn taken_away(name: &str, words: &[String]) -> Option<(String, String)> {
    let word = |place: usize| words.get(place).map_or("", String::as_str);
    let has = |flag: &str| words.iter().any(|word| word == flag || word.split_once('=').is_some_and(|(name, _)| name == flag));
    let (title, told) = match name {
        "kill" => {
            let told = "Its process ends as by kill -9: what it held in memory is lost, its disk stays. Start takes that back.";
            (format!("Kill {}", word(1)), told)
        }
        "stop" => {
            let told = "It takes no more segments, and ends once nothing is under way there. Start takes that back.";
            (format!("Stop {}", word(1)), told)
        }
        "restart" => (format!("Restart {}", word(1)), "It ends once nothing is under way there, and starts again."),
        "refuse" => {
            let told = "Its connections are reset, and new ones refused. Start takes that back.";
            (format!("Refuse connections to {}", word(1)), told)
        }
        "path" if has("--cut") => {
            let told = "Every packet on it is dropped; transfers wait, and give the connection up after a time. Nothing that is \
                        stored is lost, and Heal takes that back.";
            (format!("Cut the path {}", word(1)), told)
        }
        "disk" if ["--fail", "--full", "--corrupt"].into_iter().any(has) => {
            let told = "Its reads or writes fail from then on, as this says. The disk itself is not changed, and Sound again takes \
                        that back.";
            (format!("Break the disk of {} ({})", word(1), words[2..].join(" ").replace("--", "")), told)
        }
        "faults" if word(1) == "apply" => {
            let told = "Puts all faults of the profile on. Take back, beside it, ends them.";
            let of = if word(3).is_empty() { "all nodes" } else { word(3) };
            (format!("Put {} on {of}", word(2)), told)
        }
        "faults" if word(1) == "clear" && words.len() == 2 => {
            let told = "Killed and stopped nodes start, cut paths heal, and links, paths and disks are as they were.";
            ("Heal all".to_owned(), told)
        }
        "cancel" => {
            let told = "The transfer ends: what an upload has stored is deleted again, and nothing of a download is kept.";
            (format!("Cancel #{}", word(1)), told)
        }
        _ => return None,
    };
    Some((title, told.to_owned()))
}

/// Returns what is not filled in of a form, in the words of its fields.
pub(super) fn lacking(form: &Filled) -> Option<String> {
    let is_empty = |place: &str, filled: &str| form.command.contains(place) && filled.trim().is_empty();
    // A profile without a node is for all of them.
    if is_empty("{host}", &form.host) && !form.command.starts_with("faults ") {
        return Some("Choose a node: the field for it is empty.".to_owned());
    }
    if is_empty("{other}", &form.other) {
        return Some("Choose both ends of the path: the field To is empty.".to_owned());
    }
    if form.command.contains("{other}") && form.host.trim() == form.other.trim() {
        return Some(format!("A path has two ends, and both are {}: choose another host.", visible_line(form.host.trim())));
    }
    let (_, what, example) = is_empty("{value}", &form.value).then(|| meant(&form.command))??;
    Some(format!("Write {what}: {example}. The field for it is empty."))
}

/// Returns what is wrong with the value of a form whose command was not understood, if it has one.
pub(super) fn wrong_value(form: &Filled) -> Option<String> {
    let (_, what, example) = form.command.contains("{value}").then(|| meant(&form.command))??;
    Some(format!("“{}” is not {what}: write {example}.", visible_line(form.value.trim())))
}

/// Returns what the value of a form means, if that is known.
fn meant(command: &str) -> Option<(&'static str, &'static str, &'static str)> {
    VALUES.into_iter().find(|(flag, ..)| command.split(' ').any(|word| word == *flag))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Option<String> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        question_of(&words[0], &words, line.to_owned()).ok().map(|question| question.title)
    }

    #[test]
    fn what_takes_something_away_is_asked_about() {
        for (line, title) in [
            ("kill Node_03", "Kill Node_03"),
            ("stop Node_03", "Stop Node_03"),
            ("restart Node_03", "Restart Node_03"),
            ("refuse Node_03", "Refuse connections to Node_03"),
            ("path client,Node_03 --cut", "Cut the path client,Node_03"),
            ("disk Node_03 --fail writes,syncs", "Break the disk of Node_03 (fail writes,syncs)"),
            ("disk Node_03 --full", "Break the disk of Node_03 (full)"),
            ("faults apply slow-wan", "Put slow-wan on all nodes"),
            ("faults apply slow-wan Node_03", "Put slow-wan on Node_03"),
            ("faults clear", "Heal all"),
            ("cancel 7", "Cancel #7"),
        ] {
            assert_eq!(asked(line).as_deref(), Some(title), "{line}");
        }
        for line in ["start Node_03", "heal client,Node_03", "path client,Node_03 --delay 1s", "disk Node_03 --clear", "pause"] {
            assert_eq!(asked(line), None, "{line}");
        }
    }

    #[test]
    fn a_field_is_told_by_its_name() {
        let form = |command: &str, host: &str, other: &str, value: &str| {
            let [command, host, other, value] = [command, host, other, value].map(str::to_owned);
            Filled { command, host, other, value, ..Filled::default() }
        };
        let told = |form: Filled| lacking(&form).unwrap_or_default();
        assert!(told(form("kill {host}", " ", "", "")).starts_with("Choose a node"));
        assert!(told(form("path {host},{other} --cut", "client", "", "")).starts_with("Choose both ends"));
        assert!(told(form("path {host},{other} --cut", "client", "client", "")).contains("both are client"));
        let delay = "path {host},{other} --delay {value}";
        assert!(told(form(delay, "client", "Node_03", "")).starts_with("Write a delay: a time such as 200ms"));
        assert_eq!(told(form(delay, "client", "Node_03", "1s")), "");
        assert_eq!(told(form("faults apply {value} {host}", "", "", "slow-wan")), "", "for all nodes");
        let wrong = wrong_value(&form(delay, "client", "Node_03", "5%"));
        assert_eq!(wrong.as_deref(), Some("“5%” is not a delay: write a time such as 200ms or 1s."));
        assert_eq!(wrong_value(&form("kill {host}", "a", "", "")), None);
    }
}
