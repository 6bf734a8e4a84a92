//! `FileStorageService` as its clients see it: an endpoint of each node, what can be done there and by whom, and what becomes of it
//! when the node's process ends.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use bytes::Bytes;
use p2p_engine::faults::PathChange;
use p2p_engine::operation::{Await, Break, ListNodes, Mend, SetSpeed, StatUser};
use p2p_engine::pace::Speed;
use p2p_engine::snapshot::Peer;
use p2p_grpc::Server;
use p2p_grpc::proto::auth_service_client::AuthServiceClient;
use p2p_grpc::proto::file_storage_service_client::FileStorageServiceClient;
use p2p_grpc::proto::login_response::Step;
use p2p_grpc::proto::{
    CreateTokenRequest, DeleteSegmentRequest, GetNetworkTopologyRequest, GetNodeInfoRequest, HealthCheckRequest, LoginRequest,
    RetrieveSegmentRequest, StoreSegmentRequest, StoreSegmentResponse,
};
use p2p_grpc::storage::{Endpoint, Reflection};
use p2p_service::access::Access;
use p2p_service::doors::Doors;
use p2p_service::doors::guest::Limits;
use p2p_service::files::Declared;
use p2p_service::instance::{EngineArgs, Instance};
use p2p_store::manifest::NodeNumber;
use p2p_store::segment::Sha256Digest;
use tokio::task::JoinSet;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use super::account_of;
use super::auth::{because, refused};
use super::grpc::{connected, reflected_by};
use super::{Served, on_a_runtime};
use crate::harness::random_bytes;
use crate::program::{Home, PASSWORD, QUICK};

/// Time between two looks at whether something has come true.
const LOOK: Duration = Duration::from_millis(10);

/// The services of an engine in this process, with users alice, who is the admin, and bob.
struct House {
    instance: Instance,
    alice: Access,
    doors: Doors,
    main: SocketAddr,
    nodes: Vec<SocketAddr>,
    attending: JoinSet<()>,
    _home: Home,
}

impl House {
    async fn new(config: &str) -> House {
        let home = Home::new(config);
        let mut args = EngineArgs { data_dir: Some(home.path("data")), ..EngineArgs::default() };
        args.simulation.config = Some(home.path("p2p.toml"));
        let instance = Instance::start_interactive(&args).unwrap();
        let alice = account_of(&instance, "alice").await;
        account_of(&instance, "bob").await;
        let (doors, mut attending) = (Doors::default(), JoinSet::new());
        let here = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        let server = Server::new(instance.access("serve").unwrap(), instance.remote_rules().unwrap(), None).await.unwrap();
        let (mut nodes, reflection) = (Vec::new(), Reflection::new().unwrap());
        for (index, (_, door)) in doors.open_each("nodes", &[here; 3], Limits::default()).await.into_iter().enumerate() {
            let (door, endpoint) = (door.unwrap(), Endpoint::new(&server, &reflection, NodeNumber::from_index(index)).await);
            nodes.push(door.address());
            attending.spawn(endpoint.attend(door, instance.snapshots(), Duration::from_secs(1)));
        }
        let door = doors.open("grpc", here, Limits::default()).await.unwrap();
        let main = door.address();
        attending.spawn(server.attend(door, Duration::from_secs(1)));
        House { instance, alice, doors, main, nodes, attending, _home: home }
    }

    /// The token of a session that a user begins.
    async fn session(&self, name: &str) -> String {
        let wanted = LoginRequest { name: name.into(), password: PASSWORD.into() };
        let mut service = AuthServiceClient::new(connected(self.main).await);
        match service.login(wanted).await.unwrap().into_inner().step.unwrap() {
            Step::SessionToken(token) => token,
            Step::Challenge(challenge) => panic!("{challenge:?}"),
        }
    }

    /// A client of a node.
    async fn client(&self, index: usize, bearer: Option<&str>) -> Client {
        let service = FileStorageServiceClient::new(connected(self.nodes[index]).await);
        Client { service, bearer: bearer.map(str::to_owned) }
    }

    async fn end(self) {
        let House { instance, alice, doors, mut attending, .. } = self;
        doors.close();
        while attending.join_next().await.is_some() {}
        drop(alice);
        drop(instance.end().await.unwrap());
    }
}

/// Waits until something is true, within the deadline of the test.
async fn comes_true(is_so: impl AsyncFn() -> bool) {
    let mut looks = tokio::time::interval(LOOK);
    while !is_so().await {
        looks.tick().await;
    }
}

#[derive(Clone)]
struct Client {
    service: FileStorageServiceClient<Channel>,
    bearer: Option<String>,
}

impl Client {
    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(bearer) = &self.bearer {
            request.metadata_mut().insert("authorization", format!("Bearer {bearer}").parse().unwrap());
        }
        request
    }

    async fn store_as(&mut self, data: &[u8], sha256: Option<Bytes>) -> Result<StoreSegmentResponse, Status> {
        let request = self.request(StoreSegmentRequest { data: data.to_vec().into(), sha256 });
        self.service.store_segment(request).await.map(Response::into_inner)
    }

    async fn store(&mut self, data: &[u8]) -> Result<Bytes, Status> {
        self.store_as(data, None).await.map(|stored| stored.sha256)
    }

    async fn fetch(&mut self, sha256: &Bytes, path: Option<&str>) -> Result<Bytes, Status> {
        let request = self.request(RetrieveSegmentRequest { sha256: sha256.clone(), path: path.map(Into::into) });
        self.service.retrieve_segment(request).await.map(|answer| answer.into_inner().data)
    }

    async fn delete(&mut self, sha256: &Bytes) -> Result<(), Status> {
        let request = self.request(DeleteSegmentRequest { sha256: sha256.clone() });
        self.service.delete_segment(request).await.map(drop)
    }

    async fn check(&mut self) -> Result<u32, Status> {
        let request = self.request(HealthCheckRequest {});
        let answer = self.service.health_check(request).await?.into_inner();
        assert!(answer.round_trip.unwrap().nanos > 0);
        Ok(answer.node)
    }
}

fn name_of(data: &[u8]) -> Bytes {
    Sha256Digest::of(data).as_bytes().to_vec().into()
}

#[test]
fn segments_are_stored_fetched_and_deleted_at_an_endpoint() {
    on_a_runtime(async {
        let house = House::new(QUICK).await;
        let bob = house.session("bob").await;
        let mut first = house.client(0, Some(&bob)).await;
        let mut second = house.client(1, Some(&bob)).await;
        let data = random_bytes(64 << 10, 1);
        let id = name_of(&data);
        for expected in [None, Some(id.clone()), None] {
            let stored = first.store_as(&data, expected).await.unwrap();
            assert_eq!((&stored.sha256, stored.length), (&id, 64 << 10));
            assert!(stored.virtual_time.unwrap().nanos > 0);
        }
        assert_eq!(first.fetch(&id, None).await.unwrap(), data);
        assert_eq!(refused(second.fetch(&id, None).await), because(Code::NotFound, "NOT_FOUND"));
        first.delete(&id).await.unwrap();
        for answer in [first.delete(&id).await, first.fetch(&id, None).await.map(drop)] {
            let status = answer.unwrap_err();
            assert_eq!(status.code(), Code::NotFound);
            assert_eq!(status.get_error_details().resource_info().unwrap().resource_type, "segment");
        }
        house.end().await;
    });
}

#[test]
fn what_is_no_segment_is_refused() {
    on_a_runtime(async {
        let house = House::new(QUICK).await;
        let mut client = house.client(0, Some(&house.session("bob").await)).await;
        let invalid = || because(Code::InvalidArgument, "INVALID_FIELD");
        assert_eq!(refused(client.store(&[]).await), invalid());
        assert_eq!(refused(client.store(&vec![7; (64 << 10) + 1]).await), invalid());
        assert_eq!(refused(client.store_as(b"a", Some(Bytes::from_static(b"short"))).await), invalid());
        let other = client.store_as(b"a", Some(name_of(b"b"))).await;
        assert_eq!(refused(other), because(Code::FailedPrecondition, "CONTENT_DIFFERS"));
        assert_eq!(client.store(&vec![7; 3 << 20]).await.unwrap_err().code(), Code::OutOfRange);
        for answer in [client.fetch(&Bytes::new(), None).await.map(drop), client.delete(&Bytes::from_static(b"short")).await] {
            assert_eq!(refused(answer), invalid());
        }
        assert_eq!(refused(client.fetch(&name_of(b"a"), Some("")).await), invalid());
        assert_eq!(refused(client.fetch(&name_of(b"a"), Some("none")).await), because(Code::NotFound, "NOT_FOUND"));
        assert_eq!(house.alice.call(StatUser).await.unwrap().file_bytes, 0);
        house.end().await;
    });
}

/// Nobody may nothing, a token has its scope, and what is another's is unknown.
#[test]
fn callers_are_those_of_all_services() {
    on_a_runtime(async {
        let house = House::new(QUICK).await;
        let bob = house.session("bob").await;
        let mut nobody = house.client(0, None).await;
        let needed = because(Code::Unauthenticated, "LOGIN_NEEDED");
        assert_eq!(refused(nobody.store(b"a").await), needed);
        assert_eq!(refused(nobody.check().await), needed);
        let mut client = house.client(0, Some(&bob)).await;
        let id = client.store(b"bob's").await.unwrap();
        let wanted = CreateTokenRequest { name: "ci".into(), scope: "read".into(), ..CreateTokenRequest::default() };
        let token = AuthServiceClient::new(connected(house.main).await).create_token(client.request(wanted)).await.unwrap();
        let mut reader = house.client(0, Some(&token.into_inner().token)).await;
        assert_eq!(reader.fetch(&id, None).await.unwrap(), &b"bob's"[..]);
        for answer in [reader.store(b"b").await.map(drop), reader.delete(&id).await] {
            assert_eq!(refused(answer), because(Code::PermissionDenied, "SCOPE"));
        }
        let carol = account_of(&house.instance, "carol").await;
        let mut other = house.client(0, Some(&house.session("carol").await)).await;
        for answer in [other.fetch(&id, None).await.map(drop), other.delete(&id).await] {
            assert_eq!(refused(answer), because(Code::NotFound, "NOT_FOUND"));
        }
        let mut admin = house.client(0, Some(&house.session("alice").await)).await;
        assert_eq!(admin.fetch(&id, None).await.unwrap(), &b"bob's"[..]);
        assert_eq!(refused(admin.delete(&id).await), because(Code::FailedPrecondition, "SEGMENT_NEEDED"));
        drop(carol);
        house.end().await;
    });
}

/// A file that is stored by another door has segments that are fetched here.
#[test]
fn segments_of_files_are_fetched_by_path() {
    on_a_runtime(async {
        let house = House::new(QUICK).await;
        let bytes = random_bytes(100_000, 2);
        let mut begun = house.alice.upload_stream("a.bin", Declared::default(), None).await.unwrap();
        begun.writer.write(bytes.clone().into()).await.unwrap();
        begun.writer.finish().await.unwrap();
        house.alice.call(Await { transfer: begun.transfer }).await.unwrap();
        let (alice, bob) = (house.session("alice").await, house.session("bob").await);
        let manifest = &house.alice.manifests().await.unwrap()[0];
        let segment = &manifest.segments[0];
        let (id, node) = (Bytes::copy_from_slice(segment.id.as_bytes()), segment.holders[0].index());
        let mut client = house.client(node, Some(&alice)).await;
        assert_eq!(client.fetch(&id, Some("a.bin")).await.unwrap(), &bytes[..64 << 10]);
        let mut other = house.client(node, Some(&bob)).await;
        assert_eq!(refused(other.fetch(&id, Some("~alice/a.bin")).await), because(Code::NotFound, "NOT_FOUND"));
        let identity = house.alice.identity();
        house.alice.share(&identity, "a.bin", "bob", true).await.unwrap();
        assert_eq!(other.fetch(&id, Some("~alice/a.bin")).await.unwrap(), &bytes[..64 << 10]);
        house.end().await;
    });
}

#[test]
fn a_node_says_what_it_is_and_what_the_network_is() {
    on_a_runtime(async {
        let house = House::new(QUICK).await;
        let (alice, bob) = (house.session("alice").await, house.session("bob").await);
        for (index, name) in ["Node_01", "Node_02", "Node_03"].into_iter().enumerate() {
            let mut client = house.client(index, Some(&bob)).await;
            assert_eq!(client.check().await.unwrap(), index as u32 + 1);
            let request = client.request(GetNodeInfoRequest {});
            let info = client.service.get_node_info(request).await.unwrap().into_inner();
            assert_eq!((info.node, info.name.as_str()), (index as u32 + 1, name));
            assert!(["READY", "RUNNING", "WAITING"].contains(&info.state.as_str()), "{info:?}");
            assert!(info.address.starts_with("192.168.1.") && info.capacity_bytes > 0 && info.trouble.is_none(), "{info:?}");
            assert_eq!((info.used_bytes, info.segments), (None, None), "how full it is only admins learn");
        }
        let mut client = house.client(1, Some(&alice)).await;
        client.store(&[7; 1_000]).await.unwrap();
        let request = client.request(GetNodeInfoRequest {});
        let info = client.service.get_node_info(request).await.unwrap().into_inner();
        assert_eq!((info.used_bytes, info.segments), (Some(1_000), Some(1)));
        let request = client.request(GetNetworkTopologyRequest {});
        let hosts = client.service.get_network_topology(request).await.unwrap().into_inner().hosts;
        let named: Vec<(Option<u32>, &str)> = hosts.iter().map(|host| (host.node, host.name.as_str())).collect();
        assert_eq!(named[..3], [(None, "client"), (Some(1), "Node_01"), (Some(2), "Node_02")]);
        assert_eq!(named.len(), 1 + 5);
        let up = hosts[1].up.as_ref().unwrap();
        assert_eq!((up.bytes_per_second, hosts[1].loss), (Some(125_000_000), 0.0));
        house.end().await;
    });
}

/// A node that is far away answers late, in virtual time, and the others as before.
#[test]
fn a_slow_node_is_slow() {
    on_a_runtime(async {
        let house = House::new(QUICK).await;
        let alice = house.session("alice").await;
        let delay = "400ms".parse().unwrap();
        let change = PathChange { delay: Some(delay), ..PathChange::default() };
        house.alice.call(Break::Paths { peer: Peer::Node(NodeNumber::from_index(1)), change }).await.unwrap();
        let mut stored = Vec::new();
        for index in [0, 1] {
            let mut client = house.client(index, Some(&alice)).await;
            let span = client.store_as(&[7; 1_000], None).await.unwrap().virtual_time.unwrap();
            stored.push(span.seconds as f64 + f64::from(span.nanos) / 1e9);
        }
        // There and back, and once more before that where no connection was open.
        assert!(stored[0] < 0.4 && stored[1] >= 0.8, "{stored:?}");
        house.end().await;
    });
}

/// The services of an endpoint are those that it describes.
#[test]
fn an_endpoint_has_health_and_reflection_of_its_own() {
    on_a_runtime(async {
        let house = House::new(QUICK).await;
        let mut health = HealthClient::new(connected(house.nodes[2]).await);
        for (service, is_known) in [("", true), ("p2p.v1.FileStorageService", true), ("p2p.v1.AuthService", false)] {
            let answer = health.check(tonic_health::pb::HealthCheckRequest { service: service.into() }).await;
            assert_eq!(answer.is_ok(), is_known, "{service}");
        }
        let mut names = reflected_by(house.nodes[2]).await;
        names.sort();
        let reflection = "grpc.reflection.v1.ServerReflection";
        assert_eq!(names, ["details", "grpc.health.v1.Health", reflection, "p2p.v1.FileStorageService"]);
        house.end().await;
    });
}

/// The endpoint of a node whose process is killed takes no connections and cuts those that it has, until the process starts again.
#[test]
fn an_endpoint_goes_and_comes_with_its_node() {
    on_a_runtime(async {
        let house = House::new(QUICK).await;
        let bob = house.session("bob").await;
        let (mut first, mut second) = (house.client(0, Some(&bob)).await, house.client(1, Some(&bob)).await);
        let id = first.store(b"kept").await.unwrap();
        for _ in 0..2 {
            let node = NodeNumber::from_index(0);
            house.alice.call(Break::Kill { node }).await.unwrap();
            comes_true(async || TcpStream::connect(house.nodes[0]).is_err()).await;
            comes_true(async || first.clone().check().await.is_err()).await;
            assert_eq!(second.check().await.unwrap(), 2, "the others go on");
            house.alice.call(Mend::Process { node }).await.unwrap();
            comes_true(async || TcpStream::connect(house.nodes[0]).is_ok()).await;
            first = house.client(0, Some(&bob)).await;
            assert_eq!(first.fetch(&id, None).await.unwrap(), &b"kept"[..]);
        }
        house.end().await;
    });
}

/// Who stores a segment while the node is killed is told why that is not done, and keeps nothing.
#[test]
fn a_node_that_is_killed_while_a_segment_comes_is_told() {
    on_a_runtime(async {
        let house = House::new("[network]\nbandwidth = '64KiB/s'\nloss = '0%'\n").await;
        house.alice.call(SetSpeed { speed: Speed::Max }).await.unwrap();
        let bob = house.session("bob").await;
        let mut client = house.client(0, Some(&bob)).await;
        client.check().await.unwrap();
        house.alice.call(SetSpeed { speed: "1x".parse().unwrap() }).await.unwrap();
        let arrived = async || house.alice.call(ListNodes).await.unwrap()[0].bytes_received;
        let before = arrived().await;
        let data = random_bytes(64 << 10, 3);
        let killing = async {
            comes_true(async || arrived().await > before + 20_000).await;
            house.alice.call(Break::Kill { node: NodeNumber::from_index(0) }).await.unwrap();
            house.alice.call(SetSpeed { speed: Speed::Max }).await.unwrap();
        };
        let (answer, ()) = tokio::join!(client.store(&data), killing);
        let status = answer.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        assert!(status.message().starts_with("Node_01: "), "{status:?}");
        let details = status.get_error_details();
        assert_eq!(details.error_info().unwrap().reason, "UNAVAILABLE");
        assert!(details.retry_info().is_some());
        let own = house.instance.access("a test").unwrap();
        assert!(own.login("bob".into(), PASSWORD.into()).await.unwrap().is_none());
        let usage = own.call(StatUser).await.unwrap();
        assert_eq!((usage.file_bytes, usage.arriving_bytes), (0, 0));
        drop(own);
        house.end().await;
    });
}

/// The ready line names the endpoints; a port that is taken is told, and the rest goes on.
#[test]
fn the_ready_line_names_the_endpoints() {
    let home = Home::new(&format!("{QUICK}[nodes]\ncount = 3\n"));
    let served = Served::start(&home, &["--grpc-nodes=:0"]);
    let services = served.ready["services"].as_array().unwrap();
    let nodes: Vec<Option<&str>> = services.iter().map(|service| service["node"].as_str()).collect();
    assert_eq!(nodes, [None, Some("Node_01"), Some("Node_02"), Some("Node_03")]);
    for service in services {
        assert_eq!(service["service"], "grpc");
        // A client that has an answer has been taken in.
        let mut client = TcpStream::connect(service["address"].as_str().unwrap()).unwrap();
        client.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
        client.read_exact(&mut [0]).unwrap();
    }
    let said = served.stop();
    assert_eq!(said.code, Some(0));
    assert!(said.stderr.contains("p2p: grpc of the nodes at 127.0.0.1:") && said.stderr.contains("3 connections"), "{said:?}");
    // The port of the second node is taken.
    let (taken, first) = neighbours();
    let served = Served::start(&home, &[&format!("--grpc-nodes={first}")]);
    let services = served.ready["services"].as_array().unwrap();
    assert!(services.iter().all(|service| service["node"] != "Node_02"), "{services:?}");
    assert_eq!((services[1]["node"].as_str(), services[1]["address"].as_str()), (Some("Node_01"), Some(&*first.to_string())));
    let said = served.stop();
    let told = format!("p2p: Node_02 has no endpoint: {} cannot be listened at: ", taken.local_addr().unwrap());
    assert!(said.stderr.contains(&told), "{said:?}");
}

/// A port that is taken, and the free one before it.
fn neighbours() -> (TcpListener, SocketAddr) {
    loop {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let before = SocketAddr::new(address.ip(), address.port() - 1);
        if TcpListener::bind(before).is_ok() {
            return (taken, before);
        }
    }
}
