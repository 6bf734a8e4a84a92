//! Profiles of faults: those that are built in, those of a file, and that one is applied as a whole or not at all.

use std::fs;

use p2p_base::units::SimDuration;
use p2p_engine::faults::{DiskFaults, Fault, FaultCause, Flapping, LinkChange, PathChange, Profile};
use p2p_engine::operation::{self, Break, ClearFaults, Mend, Which};
use p2p_engine::snapshot::Peer;
use p2p_engine::{ErrorKind, Reply};
use p2p_net::Direction;
use p2p_store::manifest::NodeNumber;

use super::node;
use crate::harness::{Harness, quick_link, random_file, user};
use crate::program::{Home, QUICK};

fn apply(node: Option<p2p_store::manifest::NodeNumber>, profile: Profile) -> Break {
    Break::Profile { name: "test".into(), node, profile: Box::new(profile) }
}

#[test]
fn a_profile_is_applied_as_a_whole() {
    let mut harness = Harness::new(2, quick_link());
    random_file(&harness.path("a.bin"), 300_000, 1);
    harness.put("a.bin").unwrap();
    let profile = Profile {
        up: LinkChange { queue_packets: Some(7), ..LinkChange::default() },
        path: PathChange { delay: "9ms".parse().ok(), ..PathChange::default() },
        disk: DiskFaults { corrupt: 1, ..DiskFaults::default() },
        flap: Some(Flapping { every: SimDuration::from_secs(1), times: 2 }),
        ..Profile::default()
    };
    harness.ask(apply(Some(node(1)), profile.clone())).unwrap();
    let faults = harness.faults();
    let paths = |harness: &mut Harness| harness.kinds().iter().filter(|kind| **kind == "paths").count();
    assert_eq!((paths(&mut harness), faults.len()), (1, 4), "{faults:?}");
    let of_profile = |cause: &FaultCause| matches!(cause, FaultCause::Profile { name, by: None } if name == "test");
    assert!(faults.iter().all(|active| of_profile(&active.cause) || matches!(active.fault, Fault::Killed { .. })));
    // One fault of each node's paths stands for all of them.
    harness.ask(p2p_engine::operation::ClearFaults::ALL).unwrap();
    harness.ask(apply(None, profile.clone())).unwrap();
    assert_eq!(paths(&mut harness), 2);
    let told =
        super::told(&harness.events()).iter().filter(|(began, fault)| *began && matches!(fault, Fault::Paths { .. })).count();
    assert_eq!(told, 1 + 2);
    harness.ask(p2p_engine::operation::ClearFaults::ALL).unwrap();
    assert!(harness.get("a.bin").is_ok() && harness.kinds().is_empty());
    // A process that does not run cannot flap, so that nothing of the profile is on.
    harness.ask(Break::Kill { node: node(2) }).unwrap();
    let error = harness.ask(apply(None, profile)).unwrap_err();
    assert_eq!((error.kind(), harness.kinds()), (ErrorKind::Precondition, vec!["killed"]));
    harness.ask(Mend::Process { node: node(2) }).unwrap();
    assert_eq!(harness.ask(apply(None, Profile::default())).unwrap_err().kind(), ErrorKind::Invalid);
    // As with a disk alone, nothing can be corrupt where nothing is stored.
    let mut harness = Harness::new(2, quick_link());
    let corrupt_alone = Profile { disk: DiskFaults { corrupt: 1, ..DiskFaults::default() }, ..Profile::default() };
    let error = harness.ask(apply(None, corrupt_alone)).unwrap_err();
    assert_eq!(error.to_string(), "Node_01 stores no segment");
    assert_eq!(harness.faults().len(), 0);
}

/// A profile for all nodes is one fault of each node's paths, however many nodes there are, and every path among them follows it.
#[test]
fn a_profile_is_for_as_many_nodes_as_there_are() {
    let late = Profile { path: PathChange { delay: "9ms".parse().ok(), ..PathChange::default() }, ..Profile::default() };
    let mut harness = Harness::with(|directory| crate::harness::config(directory, 250, quick_link()));
    harness.ask(apply(None, late)).unwrap();
    assert_eq!((harness.faults().len(), harness.kinds()[0]), (250, "paths"));
    random_file(&harness.path("a.bin"), 10_000, 1);
    let begun = harness.simulation.now();
    harness.put("a.bin").unwrap();
    // A handshake, and there and back for the segment and for its commit.
    assert!(harness.simulation.now() > begun + SimDuration::from_millis(9 * 5));
    let Ok(Reply::Cleared(cleared)) = harness.ask(ClearFaults { which: of("test", None) }) else { panic!("what was taken back") };
    assert_eq!((cleared.taken_back.len(), harness.faults().len()), (250, 0));
    let begun = harness.simulation.now();
    random_file(&harness.path("b.bin"), 10_000, 2);
    harness.put("b.bin").unwrap();
    assert!(harness.simulation.now() < begun + SimDuration::from_millis(9 * 5), "it is as it was");
}

fn of(name: &str, node: Option<NodeNumber>) -> Which {
    Which::Profile { name: name.into(), node }
}

/// What commands and other profiles have said of the same disk, link and path stays, or comes back.
#[test]
fn what_a_profile_has_put_on_is_taken_back_alone() {
    let mut harness = Harness::new(2, quick_link());
    random_file(&harness.path("a.bin"), 1_000_000, 1);
    harness.put("a.bin").unwrap();
    let stored = |harness: &mut Harness, number: usize| match harness.ask(operation::ListNodes).unwrap() {
        Reply::Nodes(nodes) => nodes[number - 1].segments.unwrap(),
        other => panic!("{other:?}"),
    };
    assert!(stored(&mut harness, 1) > 4);
    let said = |harness: &mut Harness| harness.faults().iter().map(|active| active.fault.to_string()).collect::<Vec<_>>();
    let slow = |factor: &str| Some(factor.parse().unwrap());
    let queue = |packets| LinkChange { queue_packets: Some(packets), ..LinkChange::default() };
    let late = |delay: &str| PathChange { delay: delay.parse().ok(), ..PathChange::default() };
    harness
        .ask(Break::Disk { node: node(1), faults: DiskFaults { slow: slow("5x"), corrupt: 1, ..DiskFaults::default() } })
        .unwrap();
    harness.ask(Break::Link { peer: Peer::Node(node(1)), direction: Some(Direction::Up), change: queue(9) }).unwrap();
    harness.ask(Break::Paths { peer: Peer::Node(node(1)), change: late("30ms") }).unwrap();
    let before = said(&mut harness);
    assert_eq!(
        before,
        [
            "the disk of Node_01 is slow 5x, corrupt in 1 segment",
            "the uplink of Node_01 has a queue of 9 packets",
            "all paths of Node_01 have delay 30ms"
        ]
    );
    let profile = Profile {
        up: queue(4),
        down: queue(4),
        path: PathChange { reorder: "1%".parse().ok(), ..late("90ms") },
        disk: DiskFaults { slow: slow("50x"), full: true, corrupt: 2, ..DiskFaults::default() },
        flap: Some(Flapping { every: SimDuration::from_secs(100), times: 2 }),
    };
    harness.ask(apply(None, profile.clone())).unwrap();
    assert!(said(&mut harness).contains(&"the disk of Node_01 is slow 50x, full, corrupt in 3 segments".to_owned()));
    assert!(said(&mut harness).contains(&"all paths of Node_01 have delay 90ms, 1% reordered".to_owned()));
    harness.sleep(SimDuration::from_millis(1));
    // Its plan has killed both processes, and they run again at the end of the command.
    assert_eq!(harness.kinds().iter().filter(|kind| **kind == "killed").count(), 2);
    let Ok(Reply::Cleared(cleared)) = harness.ask(ClearFaults { which: of("test", Some(node(2))) }) else { panic!("cleared") };
    assert_eq!((cleared.taken_back.len(), cleared.not_running), (6, vec![]));
    assert!(!said(&mut harness).iter().any(|fault| fault.contains("Node_02")));
    let Ok(Reply::Cleared(cleared)) = harness.ask(ClearFaults { which: of("test", None) }) else { panic!("cleared") };
    let disk = cleared.taken_back.iter().find(|active| active.fault.name() == "disk").unwrap();
    assert_eq!(disk.fault.to_string(), "the disk of Node_01 is slow 50x, full, corrupt in 2 segments");
    assert_eq!(said(&mut harness), before);
    assert!(harness.faults().iter().all(|active| active.causes().all(|cause| cause.profile().is_none())));
    let again = harness.ask(ClearFaults { which: of("test", None) }).unwrap_err();
    assert_eq!(again.to_string(), "no fault of the profile `test` is on");
    // A node is taken back with all that others say of it too.
    harness.ask(apply(Some(node(1)), profile)).unwrap();
    harness.ask(Break::Refuse { node: node(2) }).unwrap();
    let cut = PathChange::default();
    harness
        .ask(Break::Path { from: Peer::Node(node(1)), to: Peer::Node(node(2)), one_way: true, change: cut, cut: true })
        .unwrap();
    harness.ask(ClearFaults { which: Which::Node(node(1)) }).unwrap();
    assert_eq!(harness.kinds(), ["refusing"]);
    let again = harness.ask(ClearFaults { which: Which::Node(node(1)) }).unwrap_err();
    assert_eq!(again.to_string(), "nothing is wrong with Node_01, its disk, its links and its paths");
}

/// A fault that says what is so without it is not on, and one that comes to that is over.
#[test]
fn what_changes_nothing_is_not_listed() {
    let mut harness = Harness::new(2, quick_link());
    let base = quick_link();
    let same = LinkChange { bandwidth: Some(base.up.bandwidth), ..LinkChange::default() };
    let (peer, client) = (Peer::Node(node(1)), Peer::Client);
    let link = |change| Break::Link { peer, direction: Some(Direction::Up), change };
    harness.ask(link(same)).unwrap();
    let paths = PathChange { delay: Some(base.delay), ..PathChange::default() };
    harness.ask(Break::Path { from: client, to: peer, one_way: false, change: paths, cut: false }).unwrap();
    harness.ask(Break::Paths { peer, change: paths }).unwrap();
    let once = DiskFaults { slow: "1x".parse().ok(), ..DiskFaults::default() };
    harness.ask(Break::Disk { node: node(1), faults: once }).unwrap();
    assert!(harness.faults().is_empty() && super::told(&harness.events()).is_empty());
    harness.ask(link(LinkChange { bandwidth: "1KiB/s".parse().ok(), ..LinkChange::default() })).unwrap();
    harness.ask(Break::Disk { node: node(1), faults: DiskFaults { slow: "9x".parse().ok(), ..once } }).unwrap();
    assert_eq!(harness.kinds(), ["disk", "link"]);
    harness.ask(link(same)).unwrap();
    harness.ask(Break::Disk { node: node(1), faults: once }).unwrap();
    assert!(harness.faults().is_empty());
    // The same profile twice is on, and not mistaken for what is there without it.
    let late = Profile { path: PathChange { delay: "9ms".parse().ok(), ..PathChange::default() }, ..Profile::default() };
    harness.ask(apply(None, late.clone())).unwrap();
    harness.ask(apply(None, late)).unwrap();
    assert_eq!(harness.kinds(), ["paths", "paths"]);
}

/// Who has begun a plan is behind each of its kills.
#[test]
fn the_kills_of_a_flapping_process_say_by_whom() {
    let mut harness = Harness::new(1, quick_link());
    let mut ann = user("ann");
    if let p2p_engine::Principal::User { is_admin, .. } = &mut ann.principal {
        *is_admin = true;
    }
    let plan = Flapping { every: SimDuration::from_secs(10), times: 3 };
    harness.ask_as(&ann, Break::Flap { node: node(1), plan }).unwrap();
    harness.sleep(SimDuration::from_secs(11));
    let Ok(Reply::Faults(faults)) = harness.ask_as(&ann, operation::ListFaults) else { panic!("the faults") };
    assert_eq!(faults.iter().map(|active| active.users()).collect::<Vec<_>>(), [["ann"], ["ann"]]);
    assert!(harness.ask_as(&user("bob"), operation::ListFaults).is_ok_and(|reply| match reply {
        Reply::Faults(faults) => faults.len() == 2 && faults.iter().all(|active| active.users().is_empty()),
        _ => false,
    }));
}

/// All profiles that are built in can be applied, and all of each is taken back.
#[test]
fn the_profiles_that_are_built_in_run() {
    let home = Home::new(QUICK);
    home.file("a.bin", 200_000);
    let script = "upload a.bin; faults apply slow-wan 1; faults apply lossy-wifi; faults apply dying-disk 2; faults apply congested 3; \
                  faults apply flapping-node 4; faults --parts; faults clear; expect faults contains 'no fault'; sleep 60s; verify a.bin";
    let said = home.ok(&["run", "-c", script]);
    for words in
        ["slow-wan is on for Node_01", "lossy-wifi is on for all nodes", "3.85 % on average", "is killed and started every 10s"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
    let said = home.ok(&["run", "-c", "faults profiles"]);
    for name in ["slow-wan", "lossy-wifi", "dying-disk", "flapping-node", "congested"] {
        assert!(said.contains(name) && said.contains("built in"), "{said}");
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/profiles");
        assert!(fs::read_to_string(format!("{path}/{name}.toml")).unwrap().contains(&format!("[profiles.{name}]")));
    }
}

#[test]
fn a_file_has_profiles_of_its_own() {
    let home = Home::new(&format!("{QUICK}[profiles.mine]\nsummary = 'far'\ndelay = '300ms'\n[profiles.congested]\nqueue = 3\n"));
    let said = home.ok(&["run", "-c", "faults profiles; faults apply mine 1; faults apply congested 2; faults"]);
    assert!(said.contains("delay 300ms") && said.contains("a queue of 3 packets") && !said.contains("256 kbit/s"), "{said}");
    let hostile = Home::new(&format!("{QUICK}[profiles.mine]\nsummary = \"\\u001b]0;evil\\u0007\"\ndelay = '300ms'\n"));
    let said = hostile.ok(&["run", "-c", "faults profiles; faults apply mine 1"]);
    assert!(said.contains("evil") && !said.contains(['\u{1b}', '\u{7}']), "{said:?}");
    let refused = home.refused(&["run", "-c", "faults apply mien"]);
    assert!(refused.contains("there is no profile `mien`; did you mean `mine`?"), "{refused}");
    for (text, words) in [
        ("[profiles.x]\ndelays = '1ms'\n", ":6: [profiles.x]: unknown key `delays` (did you mean `delay`?)"),
        ("[profiles.x]\nloss = '5'\n", ":6: [profiles.x] loss: "),
        ("[profiles.x]\ndelay = '2m'\n", "[profiles.x]: a path delays packets by 1m at the most"),
        ("[profiles.x]\nbandwidth = '1B/s'\n", "[profiles.x] bandwidth: at least 1KiB/s, not 1B/s"),
        ("[profiles.x]\nflap_every = '1ms'\n", "[profiles.x] flap_every: at least 100ms, not 1ms"),
        ("[profiles.x]\nsummary = 'nothing'\n", "it says nothing that is to be wrong"),
        ("[profiles.x]\nloss = '1%'\nburst = '1%,2%'\n", "give one of them"),
        ("[profiles.x]\nflap_times = 3\n", "`flap_times` needs `flap_every`"),
        ("[profiles.X]\nqueue = 3\n", "small letters"),
        ("[profiles]\nx = 3\n", "it is a table with keys"),
    ] {
        // All other commands go on, and each says which profile of which file is not used.
        let home = Home::new(&format!("{QUICK}{text}"));
        let output = home.run(&["run", "-c", "faults; faults profiles; faults apply slow-wan 1"]);
        let (said, warned) = (&output.stdout, &output.stderr);
        assert!(output.code == Some(0) && said.contains("slow-wan is on for Node_01"), "{text}: {said}{warned}");
        assert!(
            warned.contains("a profile is not usable: ") && warned.contains("p2p.toml") && warned.contains(words),
            "{warned}"
        );
        let name = text.trim_start_matches("[profiles").trim_start_matches(['.', ']', '\n']).split([']', ' ']).next().unwrap();
        let refused = home.refused(&["run", "-c", &format!("faults apply {name}")]);
        assert!(refused.contains(words), "{text}: {refused}");
    }
    let home = Home::new(&format!("{QUICK}[profiles.plain]\ndelay = '300ms'\ndisk_full = 'yes'\n"));
    let said = home.ok(&["run", "-c", "faults profiles; faults apply plain 1"]);
    assert_eq!(said.matches("paths with delay 300ms, a disk that is full").count(), 2, "{said}");
}

/// A profile on many nodes is one row with its parts at hand; what is taken back is as much as is named.
#[test]
fn the_list_has_a_row_a_profile() {
    let home = Home::new(QUICK);
    let said = home.ok(&["run", "-c", "faults apply slow-wan; kill 1; faults"]);
    assert!(said.contains("slow-wan on 5 nodes (15 parts); `faults --parts` lists them"), "{said}");
    assert!(said.contains("Node_01 is killed") && said.contains("faults clear slow-wan"), "{said}");
    let script = "faults apply slow-wan; kill 1; faults --parts; faults clear 2; faults; faults clear slow-wan 3; faults; faults clear \
                  slow-wan; faults";
    let said = home.ok(&["run", "-c", script]);
    for words in [
        "all paths of Node_04 have delay 80ms..120ms, loss 0.5%",
        "path Node_04 --clear",
        "slow-wan on 4 nodes (12 parts);",
        "slow-wan on 3 nodes (9 parts);",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    // As the header of the screen counts them: what a profile has put on is one, however much of it is taken back.
    assert_eq!(said.matches("1 fault taken back").count(), 3, "{said}");
    let last = said.rsplit("taken back by").next().unwrap();
    assert!(last.contains("Node_01 is killed") && !last.contains("slow-wan"), "{said}");
    let json = home.ok(&["run", "--json", "-c", "faults apply slow-wan; faults"]);
    assert_eq!(json.lines().last().unwrap().matches("since_seconds").count(), 15, "{json}");
    let refused = home.refused(&["run", "-c", "faults clear slow-van"]);
    assert!(refused.contains("no fault of the profile `slow-van` is on"), "{refused}");
}
