//! `AdminService` as its clients see it: each call with what it takes and what it refuses, who may make it, and what others notice of a
//! node that is killed in the middle of what they do.

use p2p_grpc::proto::admin_service_client::AdminServiceClient;
use p2p_grpc::proto::{self, Host, fault, heal_request, host, path_change, set_path_request};
use p2p_grpc::proto::{Health, LinkDirection, ProcessState};
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};

use super::auth::{because, refused, token_of};
use super::files::{clients, header, registered};
use super::grpc::connected;
use super::{Served, on_a_runtime};
use crate::harness::random_bytes;
use crate::program::{Home, QUICK};

/// Links on which a mebibyte takes some seconds.
const SLOW: &str = "[network]\nbandwidth = '256KiB/s'\nloss = '0%'\n";

/// A client of the network, and what it presents.
#[derive(Clone)]
struct Admin {
    service: AdminServiceClient<Channel>,
    bearer: Option<String>,
}

/// Makes a call with a message, and returns the answer.
macro_rules! ask {
    ($client:expr, $call:ident, $message:expr) => {
        $client.service.clone().$call($client.request($message)).await.map(Response::into_inner)
    };
}

impl Admin {
    async fn new(served: &Served, bearer: Option<&str>) -> Admin {
        Admin { service: AdminServiceClient::new(connected(served.grpc()).await), bearer: bearer.map(str::to_owned) }
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(bearer) = &self.bearer {
            request.metadata_mut().insert("authorization", format!("Bearer {bearer}").parse().unwrap());
        }
        request
    }

    /// The faults that are on, in words, by pages of this size.
    async fn faults(&self, page_size: u32) -> Vec<String> {
        let (mut all, mut page_token) = (Vec::new(), String::new());
        loop {
            let page = ask!(self, list_faults, proto::ListFaultsRequest { page_size, page_token }).unwrap();
            assert!(page_size == 0 || page.faults.len() <= page_size as usize);
            all.extend(page.faults.into_iter().map(|fault| fault.text));
            if page.next_page_token.is_empty() {
                return all;
            }
            page_token = page.next_page_token;
        }
    }

    async fn heal(&self, what: heal_request::What) -> Result<proto::HealResponse, Status> {
        ask!(self, heal, proto::HealRequest { what: Some(what) })
    }

    async fn set_path(&self, way: proto::Way, change: proto::PathChange, cut: bool) -> Result<proto::SetPathResponse, Status> {
        let paths = Some(set_path_request::Paths::Way(way));
        ask!(self, set_path, proto::SetPathRequest { paths, change: Some(change), cut })
    }

    async fn status(&self) -> proto::Status {
        ask!(self, get_status, proto::GetStatusRequest {}).unwrap().status.unwrap()
    }
}

fn client() -> Option<Host> {
    Some(Host { host: Some(host::Host::Client(())) })
}

fn node(number: u32) -> Option<Host> {
    Some(Host { host: Some(host::Host::Node(number)) })
}

fn seconds(seconds: i64) -> Option<proto::Duration> {
    Some(proto::Duration { seconds, nanos: 0 })
}

fn invalid() -> (Code, String) {
    because(Code::InvalidArgument, "INVALID_FIELD")
}

/// A home with an admin and a user, and its server with a client of the admin.
async fn admin_of(served: &Served) -> Admin {
    Admin::new(served, Some(&token_of(served, "root").await)).await
}

fn home() -> Home {
    registered(QUICK, &["root", "alice"])
}

/// What a fault is of.
fn kinds(faults: &[proto::Fault]) -> Vec<&'static str> {
    let kind = |fault: &proto::Fault| match fault.what.as_ref().unwrap() {
        fault::What::Process(_) => "process",
        fault::What::Disk(_) => "disk",
        fault::What::Flap(_) => "flap",
        fault::What::Link(_) => "link",
        fault::What::Paths(_) => "paths",
        fault::What::Path(_) => "path",
        fault::What::Cut(_) => "cut",
    };
    faults.iter().map(kind).collect()
}

#[test]
fn nodes_and_hosts_are_told_with_their_figures() {
    let home = home();
    let served = Served::start(&home, &[]);
    on_a_runtime(async {
        let admin = admin_of(&served).await;
        let nodes = ask!(admin, list_nodes, proto::ListNodesRequest {}).unwrap().nodes;
        let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
        assert_eq!((names.first(), nodes[2].number), (Some(&"Node_01"), 3));
        assert_eq!((nodes[0].state(), nodes[0].health(), nodes[0].used_bytes), (ProcessState::Ready, Health::Alive, Some(0)));
        let hosts = ask!(admin, list_hosts, proto::ListHostsRequest {}).unwrap().hosts;
        assert_eq!((hosts.len(), hosts[0].host, hosts[1].host), (nodes.len() + 1, client(), node(1)));
        assert_eq!(hosts[0].up.unwrap().bits_per_second, Some(1_000_000_000));
        let one = ask!(admin, get_node, proto::GetNodeRequest { node: 2 }).unwrap();
        assert_eq!((one.node.unwrap().name.as_str(), one.links.unwrap().host, one.faults), ("Node_02", node(2), Vec::new()));
        let none = ask!(admin, get_node, proto::GetNodeRequest { node: 99 });
        assert_eq!(refused(none), because(Code::NotFound, "NOT_FOUND"));
        assert_eq!(refused(ask!(admin, get_node, proto::GetNodeRequest { node: 0 })), invalid());
        // Others learn nothing of how full the nodes are.
        let alice = Admin::new(&served, Some(&token_of(&served, "alice").await)).await;
        let seen = ask!(alice, list_nodes, proto::ListNodesRequest {}).unwrap().nodes;
        assert_eq!((seen.len(), seen[0].used_bytes, seen[0].segments), (nodes.len(), None, None));
    });
    assert_eq!(served.stop().code, Some(0));
}

#[test]
fn processes_end_and_start_as_they_are_asked_to() {
    let home = home();
    let served = Served::start(&home, &["--speed", "max"]);
    on_a_runtime(async {
        let admin = admin_of(&served).await;
        ask!(admin, kill_node, proto::KillNodeRequest { node: 1 }).unwrap();
        assert_eq!(admin.faults(0).await, ["Node_01 is killed"]);
        let state = ask!(admin, get_node, proto::GetNodeRequest { node: 1 }).unwrap();
        assert_eq!((state.node.unwrap().state(), kinds(&state.faults)), (ProcessState::Stopped, vec!["process"]));
        let again = ask!(admin, kill_node, proto::KillNodeRequest { node: 1 });
        assert_eq!(refused(again), because(Code::FailedPrecondition, "STATE"));
        ask!(admin, start_node, proto::StartNodeRequest { node: 1 }).unwrap();
        assert_eq!(refused(ask!(admin, start_node, proto::StartNodeRequest { node: 1 })).1, "ALREADY_SO");
        ask!(admin, stop_node, proto::StopNodeRequest { node: 2, within: seconds(1) }).unwrap();
        assert_eq!(admin.faults(0).await, ["Node_02 is stopped"]);
        ask!(admin, restart_node, proto::RestartNodeRequest { node: 2, within: None }).unwrap();
        ask!(admin, refuse_connections, proto::RefuseConnectionsRequest { node: 3 }).unwrap();
        assert_eq!(admin.faults(0).await, ["Node_03 is refusing"]);
        ask!(admin, start_node, proto::StartNodeRequest { node: 3 }).unwrap();
        let plan = Some(proto::Flapping { every: seconds(3600), times: 2 });
        ask!(admin, flap_node, proto::FlapNodeRequest { node: 4, plan }).unwrap();
        let flapping = ask!(admin, list_faults, proto::ListFaultsRequest::default()).unwrap().faults;
        assert_eq!(kinds(&flapping), ["process", "flap"], "{flapping:?}");
        assert_eq!(admin.heal(heal_request::What::Flap(4)).await.unwrap().taken_back_count, 2);
        assert_eq!(admin.faults(0).await, [""; 0]);
        for answer in [
            refused(ask!(admin, kill_node, proto::KillNodeRequest { node: 0 })),
            refused(ask!(admin, stop_node, proto::StopNodeRequest { node: 1, within: seconds(-1) })),
            refused(ask!(admin, restart_node, proto::RestartNodeRequest { node: 70_000, within: None })),
            refused(ask!(admin, start_node, proto::StartNodeRequest { node: 0 })),
            refused(ask!(admin, refuse_connections, proto::RefuseConnectionsRequest { node: 0 })),
            refused(ask!(admin, flap_node, proto::FlapNodeRequest { node: 1, plan: None })),
        ] {
            assert_eq!(answer, invalid());
        }
        let quick = Some(proto::Flapping { every: Some(proto::Duration { seconds: 0, nanos: 1 }), times: 2 });
        assert_eq!(refused(ask!(admin, flap_node, proto::FlapNodeRequest { node: 1, plan: quick })).1, "FAULT");
        assert_eq!(refused(ask!(admin, stop_node, proto::StopNodeRequest { node: 99, within: None })).1, "NOT_FOUND");
    });
    assert_eq!(served.stop().code, Some(0));
}

#[test]
fn links_paths_and_disks_are_changed_and_taken_back() {
    let home = home();
    let served = Served::start(&home, &[]);
    on_a_runtime(async {
        let admin = admin_of(&served).await;
        let change = Some(proto::LinkChange { bits_per_second: Some(2_000_000), queue_packets: Some(7) });
        let up = LinkDirection::Up.into();
        ask!(admin, set_link, proto::SetLinkRequest { host: node(1), direction: up, change }).unwrap();
        let both = |one_way| proto::Way { from: client(), to: node(2), one_way };
        let lossy = proto::PathChange { loss: Some(path_change::Loss::LossShare(0.05)), ..Default::default() };
        let bursts = proto::Bursts { to_bad: 0.01, to_good: 0.25, ..Default::default() };
        let bursts = proto::PathChange { loss: Some(path_change::Loss::Bursts(bursts)), ..Default::default() };
        admin.set_path(both(true), lossy, false).await.unwrap();
        admin.set_path(both(false), proto::PathChange::default(), true).await.unwrap();
        let all_of = set_path_request::Paths::AllOf(node(3).unwrap());
        ask!(admin, set_path, proto::SetPathRequest { paths: Some(all_of), change: Some(bursts), cut: false }).unwrap();
        let group = |numbers: &[u32]| numbers.iter().map(|&number| node(number).unwrap()).collect();
        let parted = proto::PartitionRequest { one: group(&[1]), other: group(&[4, 5]), one_way: true };
        ask!(admin, partition, parted.clone()).unwrap();
        let full = Some(proto::DiskFaults { full: true, slowdown_factor: Some(10), ..Default::default() });
        ask!(admin, set_disk, proto::SetDiskRequest { node: 5, faults: full }).unwrap();
        let on = [
            "the disk of Node_05 is slow 10x, full",
            "the uplink of Node_01 has 2 Mbit/s, a queue of 7 packets",
            "all paths of Node_03 have loss in bursts 1%,25% (3.85 % on average, 4.0 packets long)",
            "the path client->Node_02 has loss 5%",
            "the path client->Node_02 is cut",
            "the path Node_01->Node_04 is cut",
            "the path Node_01->Node_05 is cut",
            "the path Node_02->client is cut",
        ];
        for page_size in [0, 1, 3, 8, 1000] {
            assert_eq!(admin.faults(page_size).await, on, "{page_size}");
        }
        use heal_request::What;
        for (what, healed) in [
            (What::Link(proto::LinkOf { host: node(1), direction: 0 }), vec!["link"]),
            (What::Disk(5), vec!["disk"]),
            (What::Paths(node(3).unwrap()), vec!["paths"]),
            (What::Path(both(true)), vec!["path"]),
            (What::Cut(both(true)), vec!["cut"]),
            (What::Node(5), vec!["cut"]),
            (What::Cuts(()), vec!["cut", "cut"]),
            (What::Everything(()), vec![]),
        ] {
            let answer = admin.heal(what.clone()).await.unwrap();
            assert_eq!((kinds(&answer.taken_back), answer.not_running), (healed, Vec::new()), "{what:?}");
        }
        let beyond = proto::PathChange { loss: Some(path_change::Loss::LossShare(1.5)), ..Default::default() };
        let late = proto::DelayRange { shortest: seconds(3600), longest: None };
        let late = proto::PathChange { delay: Some(late), ..Default::default() };
        let itself = proto::Way { from: node(1), to: node(1), one_way: true };
        let slow = Some(proto::DiskFaults { slowdown_factor: Some(0), ..Default::default() });
        for answer in [
            refused(ask!(admin, set_link, proto::SetLinkRequest { host: None, direction: 0, change })),
            refused(ask!(admin, set_link, proto::SetLinkRequest { host: node(1), direction: 9, change })),
            refused(ask!(admin, set_path, proto::SetPathRequest::default())),
            refused(ask!(admin, set_path, proto::SetPathRequest { paths: Some(all_of), change: None, cut: true })),
            refused(admin.set_path(both(true), beyond, false).await),
            refused(ask!(admin, partition, proto::PartitionRequest { other: Vec::new(), ..parted })),
            refused(ask!(admin, set_disk, proto::SetDiskRequest { node: 1, faults: slow })),
            refused(ask!(admin, heal, proto::HealRequest { what: None })),
            refused(ask!(admin, list_faults, proto::ListFaultsRequest { page_size: 1001, page_token: String::new() })),
            refused(ask!(admin, list_faults, proto::ListFaultsRequest { page_size: 0, page_token: "7".into() })),
        ] {
            assert_eq!(answer, invalid());
        }
        for answer in [
            refused(ask!(admin, set_link, proto::SetLinkRequest { host: node(1), direction: 0, change: None })),
            refused(ask!(admin, set_disk, proto::SetDiskRequest { node: 1, faults: None })),
            refused(admin.set_path(both(true), late, false).await),
            refused(admin.set_path(itself, lossy, false).await),
            refused(admin.heal(What::Disk(1)).await).clone(),
        ] {
            assert_eq!(answer.1, "FAULT");
        }
        assert_eq!(admin.faults(0).await, [""; 0], "nothing of what is refused is on");
    });
    assert_eq!(served.stop().code, Some(0));
    home.login("root");
    let audit = home.ok(&["run", "-c", "audit --count 200"]);
    assert!(audit.contains("path client->Node_02: loss 5%") && audit.contains("grpc 127.0.0.1"), "{audit}");
}

#[test]
fn profiles_are_listed_put_on_and_taken_back() {
    let home = home();
    let served = Served::start(&home, &[]);
    on_a_runtime(async {
        let admin = admin_of(&served).await;
        let profiles = ask!(admin, list_profiles, proto::ListProfilesRequest {}).unwrap().profiles;
        let known = profiles.iter().find(|profile| profile.name == "slow-wan").unwrap();
        assert_eq!(known.origin, "built in");
        let Some(proto::profile::Content::Faults(faults)) = &known.content else { panic!("{known:?}") };
        assert_eq!(faults.up.unwrap().bits_per_second, Some(2_000_000));
        let apply = |profile: &str, node| proto::ApplyProfileRequest { profile: profile.into(), node };
        ask!(admin, apply_profile, apply("slow-wan", Some(2))).unwrap();
        let on = ask!(admin, list_faults, proto::ListFaultsRequest::default()).unwrap().faults;
        let cause = on[0].cause.as_ref().unwrap();
        assert_eq!((on.len(), cause.by.as_deref(), cause.profile.as_deref()), (3, Some("root"), Some("slow-wan")));
        let of = |profile: &str| heal_request::What::Profile(proto::ProfileOf { profile: profile.into(), node: None });
        assert_eq!(admin.heal(of("slow-wan")).await.unwrap().taken_back_count, 3);
        assert_eq!(refused(ask!(admin, apply_profile, apply("none", None))), invalid());
        assert_eq!(refused(ask!(admin, apply_profile, apply("slow-wan", Some(0)))), invalid());
        assert_eq!(refused(ask!(admin, apply_profile, apply("slow-wan", Some(99)))).1, "NOT_FOUND");
        assert_eq!(refused(admin.heal(of(&"x".repeat(1000))).await), invalid());
        assert_eq!(refused(admin.heal(of("slow-wan")).await).1, "FAULT");
    });
    assert_eq!(served.stop().code, Some(0));
}

#[test]
fn time_stands_still_goes_on_and_steps() {
    let home = home();
    let served = Served::start(&home, &["--seed", "7"]);
    on_a_runtime(async {
        let admin = admin_of(&served).await;
        let status = admin.status().await;
        assert_eq!((status.seed, status.is_paused, status.transfers_under_way), (7, false, 0));
        assert_eq!(status.speed.unwrap().speed, Some(proto::speed::Speed::Factor(1.0)));
        let still = ask!(admin, pause, proto::PauseRequest {}).unwrap().status.unwrap();
        assert_eq!((still.is_paused, still.actual_speed, still.run), (true, None, status.run));
        assert_eq!(admin.status().await.virtual_time, still.virtual_time);
        let stepped = ask!(admin, step, proto::StepRequest { span: seconds(5) }).unwrap().status.unwrap();
        let at = |status: &proto::Status| status.virtual_time.map(|at| at.seconds * 1_000_000_000 + i64::from(at.nanos)).unwrap();
        assert_eq!(at(&stepped) - at(&still), 5_000_000_000);
        let next = ask!(admin, step, proto::StepRequest { span: None }).unwrap().status.unwrap();
        assert!(at(&next) > at(&stepped) && next.is_paused);
        let fast = Some(proto::Speed { speed: Some(proto::speed::Speed::Factor(2.5)) });
        let faster = ask!(admin, set_speed, proto::SetSpeedRequest { speed: fast }).unwrap().status.unwrap();
        assert_eq!((faster.speed, faster.is_paused), (fast, true));
        let going = ask!(admin, resume, proto::ResumeRequest {}).unwrap().status.unwrap();
        assert!(!going.is_paused && going.actual_speed.is_some());
        assert_eq!(refused(ask!(admin, step, proto::StepRequest { span: None })), because(Code::FailedPrecondition, "STATE"));
        assert_eq!(refused(ask!(admin, step, proto::StepRequest { span: seconds(-1) })), invalid());
        for speed in [None, Some(proto::speed::Speed::Factor(0.0)), Some(proto::speed::Speed::Factor(f64::NAN))] {
            assert_eq!(
                refused(ask!(admin, set_speed, proto::SetSpeedRequest { speed: Some(proto::Speed { speed }) })),
                invalid()
            );
        }
    });
    assert_eq!(served.stop().code, Some(0));
}

/// Every call by everybody: who may do what is the policy's to say, whoever presents what.
#[test]
fn each_call_is_refused_to_those_who_may_not_make_it() {
    let home = home();
    home.login("root");
    let token = |arguments: &[&str]| home.ok(&[&["token", "new"], arguments].concat()).trim().to_owned();
    let scoped = [["r", "--scope", "read"], ["w", "--scope", "write"], ["a", "--scope", "admin"]].map(|words| token(&words));
    let limited = token(&["l", "--scope", "write", "--path", "docs"]);
    let served = Served::start(&home, &[]);
    on_a_runtime(async {
        let admin = admin_of(&served).await;
        let login = because(Code::Unauthenticated, "LOGIN_NEEDED");
        let (only, scope) = (because(Code::PermissionDenied, "ADMIN_ONLY"), because(Code::PermissionDenied, "SCOPE"));
        let alice = token_of(&served, "alice").await;
        for (bearer, asking, changing) in [
            (None, Some(&login), Some(&login)),
            (Some(alice.as_str()), None, Some(&only)),
            (Some(&scoped[0]), None, Some(&scope)),
            (Some(&scoped[1]), None, Some(&scope)),
            (Some(&limited), None, Some(&scope)),
            (Some(&scoped[2]), None, None),
        ] {
            let caller = Admin { bearer: bearer.map(str::to_owned), ..admin.clone() };
            for answer in asked(&caller).await {
                assert_eq!(answer.err().map(|status| refused::<()>(Err(status))).as_ref(), asking, "{bearer:?}");
            }
            for answer in changed(&caller).await {
                match changing {
                    Some(expected) => assert_eq!(&refused(answer), expected, "{bearer:?}"),
                    // Some of them need a state that is not there, which is another reason.
                    None => assert!(!matches!(
                        answer.map_err(|status| status.code()),
                        Err(Code::PermissionDenied | Code::Unauthenticated)
                    )),
                }
            }
        }
    });
    assert_eq!(served.stop().code, Some(0));
    let audit = home.ok(&["run", "-c", "audit --count 200"]);
    assert!(audit.contains("KillNode"), "{audit}");
}

/// The calls that change nothing.
async fn asked(caller: &Admin) -> Vec<Result<(), Status>> {
    vec![
        ask!(caller, list_nodes, proto::ListNodesRequest {}).map(drop),
        ask!(caller, get_node, proto::GetNodeRequest { node: 1 }).map(drop),
        ask!(caller, list_hosts, proto::ListHostsRequest {}).map(drop),
        ask!(caller, list_faults, proto::ListFaultsRequest::default()).map(drop),
        ask!(caller, list_profiles, proto::ListProfilesRequest {}).map(drop),
        ask!(caller, get_status, proto::GetStatusRequest {}).map(drop),
    ]
}

/// The calls that change something, whose order leaves nothing broken.
async fn changed(caller: &Admin) -> Vec<Result<(), Status>> {
    let plan = Some(proto::Flapping { every: seconds(3600), times: 1 });
    let full = Some(proto::DiskFaults { full: true, ..Default::default() });
    let change = Some(proto::LinkChange { bits_per_second: None, queue_packets: Some(7) });
    let way = proto::Way { from: client(), to: node(2), one_way: true };
    let paths = Some(set_path_request::Paths::Way(way));
    let parted = proto::PartitionRequest { one: vec![node(1).unwrap()], other: vec![node(2).unwrap()], one_way: false };
    let max = Some(proto::Speed { speed: Some(proto::speed::Speed::Max(())) });
    vec![
        ask!(caller, set_speed, proto::SetSpeedRequest { speed: max }).map(drop),
        ask!(caller, kill_node, proto::KillNodeRequest { node: 1 }).map(drop),
        ask!(caller, start_node, proto::StartNodeRequest { node: 1 }).map(drop),
        ask!(caller, stop_node, proto::StopNodeRequest { node: 1, within: None }).map(drop),
        ask!(caller, restart_node, proto::RestartNodeRequest { node: 1, within: None }).map(drop),
        ask!(caller, refuse_connections, proto::RefuseConnectionsRequest { node: 2 }).map(drop),
        ask!(caller, flap_node, proto::FlapNodeRequest { node: 3, plan }).map(drop),
        ask!(caller, set_disk, proto::SetDiskRequest { node: 3, faults: full }).map(drop),
        ask!(caller, set_link, proto::SetLinkRequest { host: node(3), direction: 0, change }).map(drop),
        ask!(caller, set_path, proto::SetPathRequest { paths, change: None, cut: true }).map(drop),
        ask!(caller, partition, parted).map(drop),
        ask!(caller, apply_profile, proto::ApplyProfileRequest { profile: "slow-wan".into(), node: None }).map(drop),
        caller.heal(heal_request::What::Everything(())).await.map(drop),
        ask!(caller, pause, proto::PauseRequest {}).map(drop),
        ask!(caller, step, proto::StepRequest { span: None }).map(drop),
        ask!(caller, resume, proto::ResumeRequest {}).map(drop),
    ]
}

/// The upload of one client meets the kill and comes to right bytes, or to an error that leaves no file; another client goes on.
#[test]
fn a_node_that_is_killed_in_the_middle_of_an_upload_corrupts_nothing() {
    let home = registered(SLOW, &["root", "alice", "bob"]);
    let served = Served::start(&home, &[]);
    on_a_runtime(async {
        let [alice, bob] = clients(&served, ["alice", "bob"]).await;
        let admin = admin_of(&served).await;
        let content = random_bytes(1 << 20, 11);
        let mut sending = alice.begin(header("a")).await.unwrap();
        sending.offset().await.unwrap();
        sending.chunk(&content[..content.len() / 2]).await;
        // A node has acknowledged a segment, and has others on their way to it.
        let first = sending.answers.message().await.unwrap().unwrap().message.unwrap();
        let proto::upload_file_response::Message::Acknowledged(told) = first else { panic!("{first:?}") };
        let killed = told.segment.unwrap().node;
        ask!(admin, kill_node, proto::KillNodeRequest { node: killed }).unwrap();
        let max = Some(proto::Speed { speed: Some(proto::speed::Speed::Max(())) });
        ask!(admin, set_speed, proto::SetSpeedRequest { speed: max }).unwrap();
        let theirs = random_bytes(300_000, 12);
        let beside = async {
            bob.put("b", &theirs).await.unwrap();
            assert!(bob.get("b").await.unwrap() == theirs, "the other client goes on");
        };
        let rest = async {
            sending.chunk(&content[content.len() / 2..]).await;
            sending.done().await
        };
        let (ended, ()) = tokio::join!(rest, beside);
        // What was on the killed node is on its disk.
        ask!(admin, start_node, proto::StartNodeRequest { node: killed }).unwrap();
        match ended {
            Ok(done) => {
                assert_eq!(done.file.unwrap().size, content.len() as u64);
                assert!(alice.get("a").await.unwrap() == content, "the right bytes");
            }
            Err(status) => {
                assert!(matches!(status.code(), Code::Unavailable | Code::DataLoss), "{status:?}");
                assert_eq!(alice.list("", true, 0).await.unwrap(), [""; 0]);
            }
        }
        assert!(bob.get("b").await.unwrap() == theirs);
    });
    assert_eq!(served.stop().code, Some(0));
}
