//! The menu of faults: what can be broken on purpose at a node, a link or a path, and how each is taken back. Each entry is a command
//! as it is typed, and the menu shows it, so that one learns the language by it.
//!
//! What needs a value opens a further menu with usual ones; its last entry puts the beginning of the command into the prompt, where
//! any other value is typed.

mod inverses;

use p2p_base::spelling::visible;
use p2p_base::units::count_of;
use p2p_engine::snapshot::Peer;
use p2p_service::profiles::{NamedProfile, Profiles};
use p2p_store::manifest::NodeNumber;

use self::inverses::Inverses;
use super::broken::Broken;
use super::pane_view::{Deed, Menu, Verb};
use super::scene::Scene;
use crate::tui::action::Action;

/// Number of hosts up to which a partition is offered with all hosts of the other side; of more the line would be unreadable.
const PARTITION_MAX: usize = 16;

const BANDWIDTHS: &[&str] = &["8KiB/s", "16KiB/s", "32KiB/s", "64KiB/s", "1Mbit/s", "10Mbit/s"];
const QUEUES: &[&str] = &["5", "20", "100", "1000"];
const DELAYS: &[&str] = &["20ms", "100ms", "500ms", "2s", "10ms..50ms"];
const SHARES: &[&str] = &["1%", "5%", "10%", "30%"];
const BURSTS: &[&str] = &["1%,25%", "5%,50%", "1%,10%"];
const SLOWDOWNS: &[&str] = &["10x", "100x", "1000x"];
const FAILING: &[&str] = &["reads", "writes", "syncs", "reads,writes,syncs"];
const CORRUPT: &[&str] = &["1", "3", "10"];
const FLAPS: &[&str] = &["1s", "5s", "30s"];

/// Faults that a path can be given, and all paths of a host, with the flag and usual values.
const PATH_CHANGES: [(&str, &str, &str, &[&str]); 6] = [
    ("delay packets ...", "all paths: delay ...", "delay", DELAYS),
    ("lose packets ...", "all paths: loss ...", "loss", SHARES),
    ("lose them in bursts ...", "all paths: bursts ...", "burst", BURSTS),
    ("duplicate packets ...", "all paths: duplicates ...", "duplicate", SHARES),
    ("corrupt packets ...", "all paths: corruption ...", "corrupt", SHARES),
    ("reorder packets ...", "all paths: reordering ...", "reorder", SHARES),
];

/// Returns the faults of a host, what is on already first, to be taken back.
pub(super) fn of_host(scene: &Scene<'_>, peer: Peer) -> Vec<Verb> {
    if !scene.identity.is_admin() {
        return vec![for_admins()];
    }
    let mut verbs = Vec::new();
    if let Peer::Node(node) = peer {
        verbs.extend(of_process(Broken::of(scene.snapshot), node));
        verbs.extend(of_disk(node));
    }
    verbs.extend(of_link(peer));
    verbs.extend(PATH_CHANGES.map(|(_, all, flag, usual)| values(all, format!("path {peer} --{flag}"), usual)));
    if let Peer::Node(node) = peer {
        verbs.push(run("cut off from the client", format!("path client,{node} --cut")));
        verbs.push(partition(scene, node));
        verbs.push(Verb::new("", "a profile of faults ...", Deed::Profiles(node)));
    }
    with_inverses(scene, &inverses::of_host(scene.snapshot, peer), verbs)
}

/// Returns the faults of the path between two hosts, what is on already first, to be taken back.
pub(super) fn of_path(scene: &Scene<'_>, from: Peer, to: Peer) -> Vec<Verb> {
    if !scene.identity.is_admin() {
        return vec![for_admins()];
    }
    let mut verbs = vec![
        run("cut both ways", format!("path {from},{to} --cut")),
        run("cut this way only", format!("path {from}->{to} --cut")),
    ];
    let both = |flag: &str| format!("path {from},{to} --{flag}");
    let one = |flag: &str| format!("path {from}->{to} --{flag}");
    verbs.extend(PATH_CHANGES.map(|(label, _, flag, usual)| {
        let mut entries = lines(&both(flag), usual, "both ways");
        entries.extend(lines(&one(flag), usual, "this way only"));
        entries.extend([typed(both(flag)), typed(one(flag))]);
        Verb::new("", label, Deed::Choose(Menu { title: format!("{from} and {to}: --{flag}"), entries }))
    }));
    with_inverses(scene, &inverses::of_path(scene.snapshot, from, to), verbs)
}

/// Returns the entry for users who may not break anything.
fn for_admins() -> Verb {
    Verb::new("", "only admins break or mend", Deed::Open("faults".into()))
}

/// Adds the entries that take faults back to those of a row: what is on there first, and all that is on elsewhere too last.
fn with_inverses(scene: &Scene<'_>, on: &Inverses, mut others: Vec<Verb>) -> Vec<Verb> {
    let back = |(what, line): &(String, String)| Verb::new("", format!("take back: {what}"), Deed::Run(line.clone()));
    let mut verbs: Vec<Verb> = on.each.iter().map(back).collect();
    if let Some(left @ 1..) = on.count.checked_sub(on.each.len()) {
        verbs.push(Verb::new("", format!("{left} more, in the list of faults"), Deed::Open("faults".into())));
    }
    verbs.extend(on.whole.iter().map(back));
    let has_whole = on.count == 1 || on.whole.is_some();
    let is_covered = scene.snapshot.faults.is_empty() || (on.is_all && has_whole);
    let all = count_of(scene.fault_count as u64, "fault");
    let heal = (!is_covered).then(|| Verb::new("", format!("take back: all that is on, {all}"), Deed::Act(Action::HealAll)));
    if on.each.is_empty() {
        others.extend(heal);
    } else {
        verbs.extend(heal);
    }
    verbs.append(&mut others);
    verbs
}

fn of_process(broken: Broken<'_>, node: NodeNumber) -> Vec<Verb> {
    let mut verbs = Vec::new();
    if !broken.is_down(Peer::Node(node)) {
        verbs.push(run("kill its process", format!("kill {node}")));
        verbs.push(run("stop it when it is quiet", format!("stop {node}")));
        verbs.push(run("restart its process", format!("restart {node}")));
        verbs.push(run("refuse connections", format!("refuse {node}")));
        verbs.push(values("kill it repeatedly ...", format!("flap {node} --every"), FLAPS));
    }
    verbs
}

fn of_disk(node: NodeNumber) -> [Verb; 4] {
    [
        values("slow its disk down ...", format!("disk {node} --slow"), SLOWDOWNS),
        values("let its disk fail ...", format!("disk {node} --fail"), FAILING),
        run("fill its disk", format!("disk {node} --full")),
        values("corrupt its segments ...", format!("disk {node} --corrupt"), CORRUPT),
    ]
}

fn of_link(peer: Peer) -> [Verb; 4] {
    [
        values("link bandwidth ...", format!("link {peer} --bandwidth"), BANDWIDTHS),
        values("uplink bandwidth ...", format!("link {peer} --up --bandwidth"), BANDWIDTHS),
        values("downlink bandwidth ...", format!("link {peer} --down --bandwidth"), BANDWIDTHS),
        values("link queue ...", format!("link {peer} --queue"), QUEUES),
    ]
}

/// Returns the partition of a node from all other hosts.
fn partition(scene: &Scene<'_>, node: NodeNumber) -> Verb {
    let nodes = &scene.snapshot.figures.nodes;
    if nodes.len() > PARTITION_MAX {
        return Verb::new("", "cut off from hosts ...", Deed::Type(format!("partition {node}|")));
    }
    let others = nodes.iter().map(|other| other.node).filter(|&other| other != node);
    let others: Vec<String> = std::iter::once("client".to_owned()).chain(others.map(|other| other.to_string())).collect();
    run("cut off from all hosts", format!("partition {node}|{}", others.join(",")))
}

/// Returns an entry that opens a menu of usual values for the end of a line.
fn values(label: &'static str, line: String, usual: &[&str]) -> Verb {
    let mut entries = lines(&line, usual, "");
    entries.push(typed(line.clone()));
    Verb::new("", label, Deed::Choose(Menu { title: line, entries }))
}

/// Returns a line with each of some values.
fn lines(line: &str, usual: &[&str], note: &str) -> Vec<(String, Deed)> {
    let entry = |value: &&str| (format!("{value} {note}").trim_end().to_owned(), Deed::Run(format!("{line} {value}")));
    usual.iter().map(entry).collect()
}

/// Returns the entry by which another value is typed.
fn typed(line: String) -> (String, Deed) {
    ("another value".into(), Deed::Type(line))
}

/// Returns the menu of the profiles that can be used, for a node.
pub fn profiles(profiles: &Profiles, node: NodeNumber) -> Menu {
    let usable = profiles.iter().filter(|(_, named)| named.profile.is_ok());
    // The description may stand in a file of another.
    let entry = |(name, named): (&String, &NamedProfile)| {
        (format!("{name}: {}", visible(&named.described())), Deed::Run(format!("faults apply {name} {node}")))
    };
    Menu { title: format!("Profiles for {node}"), entries: usable.map(entry).collect() }
}

fn run(label: &'static str, line: String) -> Verb {
    Verb::new("", label, Deed::Run(line))
}
