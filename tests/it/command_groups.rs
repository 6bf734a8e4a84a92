//! Commands that a crate above the language adds: parsed, checked, completed, documented and carried out like all others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use p2p_shell::answer::Answer;
use p2p_shell::call::Call;
use p2p_shell::complete::{Knowledge, complete, doc_lines};
use p2p_shell::spec::{Argument, Audience, Flag, Group, Kind, Place, Spec, Times};
use p2p_shell::table::{CommandGroup, Table};
use p2p_shell::words::Variables;
use p2p_shell::{Shell, ShellError, reference, table};

use crate::places::Shells;

/// A bell that rings as often as it is told, and counts.
#[derive(Debug, Default)]
struct Bell(AtomicUsize);

static RING: &[Spec] = &[Spec {
    name: "ring",
    aliases: &["chime"],
    group: Group::Session,
    audience: Audience::Admins,
    place: Place::ThisMachine,
    summary: "ring the bell",
    details: "It is heard far away.",
    arguments: &[Argument { name: "NODE", kind: Kind::Node, times: Times::Optional }],
    flags: &[Flag { name: "twice", short: Some('t'), value: None, summary: "ring it once more" }],
    run: |shell, call| Box::pin(ring(shell, call)),
}];

async fn ring(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let bell: &Bell = shell.group()?;
    let times = if call.has("twice") { 2 } else { 1 };
    Ok(Answer::text(format!("rung {} times", bell.0.fetch_add(times, Ordering::SeqCst) + times)))
}

impl CommandGroup for Bell {
    fn commands(&self) -> &'static [Spec] {
        RING
    }
}

/// A group that may not be added: the commands are `commands`.
#[derive(Debug)]
struct Wrong(&'static [Spec]);

impl CommandGroup for Wrong {
    fn commands(&self) -> &'static [Spec] {
        self.0
    }
}

fn table() -> Table {
    Table::default().with(Arc::new(Bell::default()))
}

#[test]
fn a_command_from_above_is_carried_out_under_the_same_rules() {
    let shells = Shells::new();
    let run = |shell: &Shell, line: &str| {
        let answer = shells.runtime.block_on(shell.run_to_end(line, &Variables::new()));
        answer.map(|answer| answer.view.text()).map_err(|error| error.to_string())
    };
    let unknown = run(&shells.local, "ring").unwrap_err();
    assert!(unknown.starts_with("there is no command `ring`"), "{unknown}");
    let shell = shells.local.clone().knowing(table());
    assert_eq!(run(&shell, "ring"), Ok("rung 1 times".into()));
    assert_eq!(run(&shell, "expect chime -t = 'rung 3 times'"), Ok(String::new()));
    assert_eq!(run(&shell, "ring x y").unwrap_err(), "unexpected argument `y`; usage: ring [NODE] [-t|--twice]");
    assert!(run(&shell, "rinh").unwrap_err().contains("did you mean `ring`"));
    // Ahead of a line, too.
    let ahead = shells.runtime.block_on(shell.check_line(&["ring".into(), "ring 9".into()], &Variables::new()));
    assert!(ahead.unwrap_err().to_string().contains("Node_09"));
    // Neither who may run it nor from where is for the crate to check.
    let bob = shells.user("bob").knowing(table());
    assert!(run(&bob, "ring").unwrap_err().contains("refused to clients of its services"));
    assert!(run(&shells.local_of("bob").knowing(table()), "ring").unwrap_err().contains("`ring` is for admins"));
}

#[test]
fn a_command_from_above_is_completed_and_documented() {
    let table = table();
    let known = Knowledge { nodes: vec!["Node_01".into()], ..Knowledge::default() }.with_table(&table);
    let texts = |line: &str| -> Vec<String> {
        complete(line, line.len(), &known).candidates.into_iter().map(|candidate| candidate.text).collect()
    };
    assert_eq!(
        (texts("rin"), texts("chi"), texts("expect ri")),
        (vec!["ring".into()], vec!["chime".into()], vec!["ring".into()])
    );
    assert_eq!((texts("ring N"), texts("ring --")), (vec!["Node_01".to_owned()], vec!["--twice".to_owned()]));
    assert_eq!(complete("rin", 3, &Knowledge::default()).candidates, []);
    assert_eq!(doc_lines(&table, "chime 1").unwrap()[0], "ring [NODE] [-t|--twice]   ring the bell");
    assert_eq!(doc_lines(&Table::default(), "ring"), None);
    let text = reference(&table);
    let place = text.find("### ring").unwrap();
    assert!(place > text.find("## General").unwrap() && text[place..].contains("Ring the bell. It is heard far away."), "{text}");
    assert!(text[place..].contains("For admins.") && text[place..].contains("Only on this machine"), "{text}");
    let shells = Shells::new();
    let shell = shells.local.clone().knowing(table);
    for (line, words) in [("help ring", "Also called: chime"), ("help", "ring the bell")] {
        let help = shells.runtime.block_on(shell.run_to_end(line, &Variables::new())).unwrap().view.text();
        assert!(help.contains(words), "{line}: {help}");
    }
}

/// A group that would hide a command, or that is about accounts, is left out.
#[test]
fn no_group_hides_a_command() {
    let before = table().commands().count();
    assert_eq!(before, table::commands().count() + 1);
    let of = |name: &str| -> &'static [Spec] { std::slice::from_ref(table::find(name).unwrap()) };
    for wrong in [of("ls"), of("whoami"), RING] {
        let table = table().with(Arc::new(Wrong(wrong)));
        assert_eq!(table.commands().count(), before);
        assert!(table.group::<Wrong>().is_none() && table.group::<Bell>().is_some());
    }
}
