//! Hosts of a simulation, without transfers: every host can ask every node.

mod carrying;

use std::path::Path;

use bytes::Bytes;
use p2p_base::database::Purpose;
use p2p_base::units::{ByteSize, DelayRange, Probability, SimDuration};
use p2p_net::{HostConfig, TcpConfig};
use p2p_store::manifest::NodeNumber;
use p2p_store::names::FileKey;
use p2p_store::placement::PlacementPolicy;
use p2p_store::segment::{SegmentId, SegmentSize};

use super::*;
use crate::config::Patience;
use crate::faults::{FaultCause, PathChange, Target};
use crate::io::InlineIo;
use crate::node::health::HealthConfig;
use crate::node::protocol::{Request, Response};
use crate::operation::{
    Await, Break, Command, CopyFile, ListNodes, Move, OnShutdown, Reply, Shutdown, Sleep, StatFile, Upload, WatchWire,
};
use crate::pace::Speed;
use crate::peer::Peer;
use crate::principal::Caller;
use crate::transfer::{Input, Part};
use crate::world::{Due, Hosts, Owner, World};
use crate::{ClockMode, DiskSpeed, EngineConfig, HostSpec, NodeSpec};

fn simulation(directory: &Path) -> Simulation {
    simulation_with(directory, "64KiB/s", SimDuration::from_millis(5))
}

/// A simulation of three nodes with this bandwidth of every link and this delay.
fn simulation_with(directory: &Path, bandwidth: &str, delay: SimDuration) -> Simulation {
    simulation_of(3, directory, bandwidth, delay)
}

fn simulation_of(nodes: u8, directory: &Path, bandwidth: &str, delay: SimDuration) -> Simulation {
    let link = HostConfig::symmetric(bandwidth.parse().unwrap(), DelayRange::fixed(delay), Probability::NEVER);
    let host = |last| HostSpec { address: [192, 168, 1, last].into(), link };
    let config = EngineConfig {
        seed: 1,
        data_dir: directory.join("data"),
        clock: ClockMode::OnDemand,
        speed: Speed::Max,
        client: host(1),
        nodes: (2..2 + nodes).map(|last| NodeSpec { host: host(last), capacity: ByteSize::from_gib(1) }).collect(),
        host_time: DelayRange::fixed(SimDuration::ZERO),
        tcp: TcpConfig::default(),
        idle_timeout: SimDuration::from_secs(60),
        health: HealthConfig::default(),
        segment_size: SegmentSize::default(),
        placement: PlacementPolicy::RoundRobin,
        disk: DiskSpeed { service_time: SimDuration::from_millis(1), throughput: "200MiB/s".parse().unwrap() },
        memory: ByteSize::from_mib(64),
        quota: None,
        patience: Patience::default(),
    };
    Simulation::open(config, Box::new(InlineIo::default())).unwrap()
}

/// Lets time pass until an input for a transfer arrives.
fn next_input(simulation: &mut Simulation) -> (TransferId, Input) {
    let world = &mut simulation.world;
    loop {
        while world.handle_net_event() || world.handle_notice() || world.handle_timeout() {}
        if let Some((Due::Disk(node, job), outcome)) = world.take_due_work().unwrap() {
            world.handle_disk(node, job, outcome);
            continue;
        }
        if let Some(input) = world.inbox.pop_front() {
            return input;
        }
        let due = [world.next_due(), world.net.next_timeout()].into_iter().flatten().min().unwrap();
        assert!(due < SimTime::ZERO + SimDuration::from_secs(60), "no answer has come");
        world.net.handle_timeout(due);
    }
}

/// A node asks another one and gets its answer, as the client does; nobody is told of its connections.
#[test]
fn a_node_can_ask_another_node() {
    let directory = tempfile::tempdir().unwrap();
    let mut simulation = simulation(directory.path());
    simulation.world.claim_volumes(Purpose::Keep).unwrap();
    let (asked, transfer) = (NodeNumber::from_index(2), TransferId(7));
    let bytes = Bytes::from_static(b"a segment that one node gives to another");
    let id = SegmentId::of(&bytes);
    for asking in [Hosts::CLIENT, Hosts::index_of(NodeNumber::from_index(0)), Hosts::index_of(NodeNumber::from_index(1))] {
        let mut ask = |part, request: &Request, payload| {
            simulation.world.ask_from(asking, asked, Owner::Transfer(transfer, part), request, payload);
            next_input(&mut simulation)
        };
        let stored = ask(Part::Segment(3), &Request::Put { id }, bytes.clone());
        let (TransferId(7), Input::Answered { part: Part::Segment(3), node, response, .. }) = stored else {
            panic!("{stored:?}")
        };
        assert_eq!((node, response), (asked, Response::Stored { id }));
        let (_, Input::Answered { payload, .. }) = ask(Part::Segment(4), &Request::Get { id }, Bytes::new()) else {
            panic!("no answer")
        };
        assert_eq!(payload, bytes);
    }
    let told = std::iter::from_fn(|| simulation.poll_event());
    assert_eq!(told.filter(|(_, event)| matches!(event, Event::Connected { .. })).count(), 1);
}

/// Of what is said of all paths of two hosts, the newer holds of each thing on the path between them, whatever is done to their links
/// and taken back of profiles afterwards.
#[test]
fn the_newer_rule_of_all_paths_holds() {
    let directory = tempfile::tempdir().unwrap();
    let mut simulation = simulation(directory.path());
    let world = &mut simulation.world;
    let peers = [0, 1].map(|index| Peer::Node(NodeNumber::from_index(index)));
    let [(one, first), (other, second)] =
        [0, 1].map(|index| (peers[index], world.hosts.of_node(NodeNumber::from_index(index)).id));
    let delay = |delay: &str| PathChange { delay: Some(delay.parse().unwrap()), ..PathChange::default() };
    let loss = PathChange { loss: Some(p2p_net::Loss::Independent("7%".parse().unwrap())), ..PathChange::default() };
    let command = FaultCause::Command { by: None };
    let profile = FaultCause::Profile { name: "late".to_owned(), by: None };
    let shown = |world: &World| {
        let [there, back] = [(first, second), (second, first)].map(|(from, to)| world.net.path_config(from, to).unwrap());
        assert_eq!(there, back);
        (there.delay.to_string(), there.loss.mean().to_string())
    };
    let said = |delay: &str, loss: &str| (delay.to_owned(), loss.to_owned());
    world.change_paths_of(&[one], delay("30ms"), &profile);
    world.change_paths_of(&[other], delay("20ms"), &command);
    assert_eq!(shown(world), said("20ms", "0%"));
    // The host of the older rule follows a change of its link, and the rule is no newer for that.
    let link = world.config.nodes[0].host.link;
    world.set_wires(one, &HostConfig { delay: "1ms".parse().unwrap(), ..link });
    assert_eq!(shown(world), said("20ms", "0%"));
    // A newer rule of the same host about something else leaves what the older one says of the delay as old as it was.
    world.change_paths_of(&[one], loss, &command);
    assert_eq!(shown(world), said("20ms", "7%"));
    world.change_paths_of(&[one], delay("40ms"), &command);
    assert_eq!(shown(world), said("40ms", "7%"));
    // A part that is taken back leaves the others as they were.
    world.change_paths_of(&[other], delay("50ms"), &profile);
    world.mend_profile(Target::Paths(one), "late", command.clone());
    world.follow_paths_of(&[one]);
    assert_eq!(shown(world), said("50ms", "7%"));
    world.mend_profile(Target::Paths(other), "late", command);
    world.follow_paths_of(&[other]);
    assert_eq!(shown(world), said("40ms", "7%"));
}

/// A rule of all paths that says what the link has come to imply is over, and paths follow the link.
#[test]
fn a_rule_of_all_paths_ends_where_a_link_implies_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut simulation = simulation(directory.path());
    let world = &mut simulation.world;
    let [one, other] = [0, 1].map(NodeNumber::from_index);
    let late = PathChange { delay: Some("80ms".parse().unwrap()), ..PathChange::default() };
    world.change_paths_of(&[Peer::Node(one)], late, &FaultCause::Command { by: None });
    let link = world.config.nodes[0].host.link;
    world.set_wires(Peer::Node(one), &HostConfig { delay: "80ms".parse().unwrap(), ..link });
    assert!(world.faults.of(Target::Paths(Peer::Node(one))).is_none());
    world.set_wires(Peer::Node(one), &link);
    let [one, other] = [one, other].map(|node| world.hosts.of_node(node).id);
    assert_eq!(world.net.path_config(one, other).unwrap().delay, link.delay);
}

/// Runs two uploads to two nodes of which one refuses connections from an instant on, and returns the trace hash.
fn refused_uploads(is_watched: bool, refused_at: SimDuration) -> TraceHash {
    let directory = tempfile::tempdir().unwrap();
    let mut simulation = simulation_with(directory.path(), "1Gbit/s", SimDuration::from_millis(1));
    let upload = |name: &str, bytes: u32| {
        let content: Vec<u8> = (0..bytes).map(|place| (place ^ place >> 9 ^ bytes) as u8).collect();
        let path = directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        Command::from(Upload::of_file(path, None, 0))
    };
    let [first, last] = [0, 2].map(NodeNumber::from_index);
    let ms = SimDuration::from_millis;
    let commands: [(SimDuration, Command); 6] = [
        (ms(0), WatchWire { packets: is_watched.then_some(100) }.into()),
        (ms(0), Break::Stop { node: first, within: ms(3_000) }.into()),
        (ms(0), upload("a.bin", 150_000)),
        (ms(7), upload("b.bin", 450_000)),
        (refused_at, Break::Refuse { node: last }.into()),
        (ms(20_000), ListNodes.into()),
    ];
    for (id, (at, command)) in (1..).zip(commands) {
        while simulation.advance(SimTime::ZERO + at, u32::MAX) == Progress::Working {
            while simulation.poll_reply().is_some() {}
        }
        simulation.apply(CommandId(id), &Caller::operator(), command);
    }
    simulation.trace_hash()
}

/// Lets time pass until a command is answered.
fn call(simulation: &mut Simulation, command: impl Into<Command>) -> Reply {
    let id = CommandId(simulation.now().as_nanos() + 1);
    simulation.apply(id, &Caller::operator(), command);
    loop {
        let progress = simulation.advance(SimTime::ZERO + SimDuration::from_secs(600), u32::MAX);
        if let Some((of, answer)) = simulation.poll_reply() {
            assert_eq!(of, id);
            return answer.unwrap();
        }
        assert_eq!(progress, Progress::Working, "no answer comes");
    }
}

/// Segments of a file that is replaced may be on nodes that the network has no more; those of the others are deleted.
#[test]
fn what_a_file_in_the_way_had_on_a_node_that_is_gone_is_left_there() {
    let directory = tempfile::tempdir().unwrap();
    let mut simulation = simulation_of(3, directory.path(), "1Gbit/s", SimDuration::from_millis(1));
    for (name, byte) in [("a.bin", 1), ("b.bin", 2), ("c.bin", 3)] {
        let path = directory.path().join(name);
        let content: Vec<u8> = (0..200_000_u32).map(|place| (place >> 16) as u8 + 50 * byte).collect();
        std::fs::write(&path, content).unwrap();
        let Reply::Started(transfer) = call(&mut simulation, Upload::of_file(path, None, 0)) else { panic!("no transfer") };
        call(&mut simulation, Await { transfer });
    }
    call(&mut simulation, Shutdown { running: OnShutdown::Cancel });
    drop(simulation);
    let mut simulation = simulation_of(1, directory.path(), "1Gbit/s", SimDuration::from_millis(1));
    let key = |name: &str| FileKey::new(None, name);
    call(&mut simulation, Move { from: key("a.bin"), to: "b.bin".to_owned(), replace: true });
    let (from, to) = (key("b.bin"), "c.bin".to_owned());
    call(&mut simulation, CopyFile { from, to, copied_at: 0, preserve: false, replace: true });
    call(&mut simulation, Sleep { span: SimDuration::from_secs(60) });
    let held = simulation.world.nodes[0].node.volume_stats().segments;
    let Reply::Manifest(manifest) = call(&mut simulation, StatFile { file: key("c.bin") }) else { panic!("no manifest") };
    let left = manifest.segments.iter().filter(|segment| segment.holders.contains(&NodeNumber::from_index(0))).count();
    assert_eq!((held, manifest.segments.len()), (left as u64, 4));
}

/// Whoever watches the wire is no part of the run: a recording does not hold it, and in a replay nobody watches. Several segments fail
/// at one instant, and what becomes of each is told by one turn of the simulation after the other.
#[test]
fn watching_the_wire_changes_nothing() {
    for tenths in [110, 113, 117] {
        let refused_at = SimDuration::from_micros(tenths * 100);
        assert_eq!(refused_uploads(true, refused_at), refused_uploads(false, refused_at), "{refused_at}");
    }
}
