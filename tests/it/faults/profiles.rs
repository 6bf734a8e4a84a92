//! Profiles of faults: those that are built in, those of a file, and that one is applied as a whole or not at all.

use std::fs;

use p2p_base::units::SimDuration;
use p2p_engine::ErrorKind;
use p2p_engine::faults::{DiskFaults, Fault, FaultCause, Flapping, LinkChange, PathChange, Profile};
use p2p_engine::operation::{Break, Mend};

use super::node;
use crate::harness::{Harness, quick_link, random_file};
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
    let paths = |harness: &mut Harness| harness.kinds().iter().filter(|kind| **kind == "path").count();
    assert_eq!((paths(&mut harness), faults.len()), (4, 7), "{faults:?}");
    let of_profile = |cause: &FaultCause| matches!(cause, FaultCause::Profile { name, by: None } if name == "test");
    assert!(faults.iter().all(|active| of_profile(&active.cause) || matches!(active.fault, Fault::Killed { .. })));
    // Among three hosts there are six paths, each of which is changed once.
    harness.ask(p2p_engine::operation::ClearFaults).unwrap();
    harness.ask(apply(None, profile.clone())).unwrap();
    assert_eq!(paths(&mut harness), 6);
    let told =
        super::told(&harness.events()).iter().filter(|(began, fault)| *began && matches!(fault, Fault::Path { .. })).count();
    assert_eq!(told, 4 + 6);
    harness.ask(p2p_engine::operation::ClearFaults).unwrap();
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

/// Each path among the hosts is changed once, and counted once.
#[test]
fn a_profile_is_for_as_many_nodes_as_the_bound_says() {
    let late = Profile { path: PathChange { delay: "9ms".parse().ok(), ..PathChange::default() }, ..Profile::default() };
    let mut harness = Harness::new(99, quick_link());
    harness.ask(apply(None, late.clone())).unwrap();
    assert_eq!(harness.faults().len(), 9_900);
    let error = Harness::new(100, quick_link()).ask(apply(None, late)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "that would change 10100 paths, and 10000 are changed at once at the most; name one node, or set it in p2p.toml"
    );
}

/// All profiles that are built in can be applied, and all of each is taken back.
#[test]
fn the_profiles_that_are_built_in_run() {
    let home = Home::new(QUICK);
    home.file("a.bin", 200_000);
    let script = "upload a.bin; faults apply slow-wan 1; faults apply lossy-wifi; faults apply dying-disk 2; faults apply congested 3; \
                  faults apply flapping-node 4; faults; faults clear; expect faults contains 'no fault'; sleep 60s; verify a.bin";
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
    assert!(said.contains("delay 300ms") && said.contains("a queue of 3 packets") && !said.contains("256kbit/s"), "{said}");
    let hostile = Home::new(&format!("{QUICK}[profiles.mine]\nsummary = \"\\u001b]0;evil\\u0007\"\ndelay = '300ms'\n"));
    let said = hostile.ok(&["run", "-c", "faults profiles; faults apply mine 1"]);
    assert!(said.contains("evil") && !said.contains(['\u{1b}', '\u{7}']), "{said:?}");
    let refused = home.refused(&["run", "-c", "faults apply mien"]);
    assert!(refused.contains("there is no profile `mien`; did you mean `mine`?"), "{refused}");
    for (text, words) in [
        ("[profiles.x]\ndelays = '1ms'\n", ":6: "),
        ("[profiles.x]\nloss = '5'\n", ":6: "),
        ("[profiles.x]\nsummary = 'nothing'\n", "it says nothing that is to be wrong"),
        ("[profiles.x]\nloss = '1%'\nburst = '1%,2%'\n", "give one of them"),
        ("[profiles.x]\nflap_times = 3\n", "`flap_times` needs `flap_every`"),
        ("[profiles.X]\nqueue = 3\n", "small letters"),
        ("[profiles]\nx = 3\n", "it is a table with keys"),
    ] {
        let home = Home::new(&format!("{QUICK}{text}"));
        let refused = home.refused(&["run", "-c", "faults"]);
        assert!(refused.contains(words), "{text}: {refused}");
    }
}
