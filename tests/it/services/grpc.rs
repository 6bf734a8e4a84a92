//! The gRPC server as its clients see it: health, reflection, deadlines, limits, and its end.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use tokio_stream::StreamExt;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_reflection::pb::{v1, v1alpha};

use super::{Served, on_a_runtime};
use crate::program::{DEADLINE, Home, QUICK, signal, wait_until};

/// Connects a client.
pub(super) async fn connected(address: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap()
}

/// Client that writes and reads frames of HTTP/2 (RFC 9113) as they are.
struct Frames(TcpStream);

const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const END_HEADERS: u8 = 4;

impl Frames {
    fn connect(address: SocketAddr) -> Frames {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut frames = Frames(stream);
        frames.0.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
        frames.send(SETTINGS, 0, 0, &[]);
        frames
    }

    fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        self.0.write_all(&frame).unwrap();
    }

    /// Begins a request to this path (RFC 7541, section 6: `POST` and `http` are in the static table, the others are literals).
    fn begin(&mut self, stream: u32, path: &str) {
        let mut header = vec![0x83, 0x86, 0x04, u8::try_from(path.len()).unwrap()];
        header.extend(path.as_bytes());
        header.extend([0x0f, 0x10, 16]);
        header.extend(b"application/grpc");
        self.send(HEADERS, END_HEADERS, stream, &header);
    }

    /// Waits for a frame of this kind, and gives its flags and payload; `None` at the end.
    fn wait_for(&mut self, wanted: u8) -> Option<(u8, Vec<u8>)> {
        loop {
            let mut header = [0; 9];
            self.0.read_exact(&mut header).ok()?;
            let mut payload = vec![0; u32::from_be_bytes([0, header[0], header[1], header[2]]) as usize];
            self.0.read_exact(&mut payload).ok()?;
            if header[3] == wanted {
                return Some((header[4], payload));
            }
        }
    }

    /// Waits until the server has read all that was sent.
    fn are_read(&mut self) {
        self.send(PING, 0, 0, &[7; 8]);
        assert_eq!(self.wait_for(PING), Some((1, vec![7; 8])));
    }
}

/// A client with a request whose message never comes.
pub(super) fn open_request(address: SocketAddr) -> impl Sized {
    let mut client = Frames::connect(address);
    client.begin(1, "/grpc.health.v1.Health/Check");
    client.are_read();
    client
}

async fn status(client: &mut HealthClient<Channel>, service: &str) -> Result<ServingStatus, Code> {
    let answer = client.check(HealthCheckRequest { service: service.into() }).await;
    answer.map(|answer| answer.into_inner().status()).map_err(|status| status.code())
}

#[test]
fn health_is_told_of_the_whole_and_of_each_service() {
    let home = Home::new(QUICK);
    let served = Served::start(&home, &[]);
    on_a_runtime(async {
        let mut client = HealthClient::new(connected(served.grpc()).await);
        assert_eq!(status(&mut client, "").await, Ok(ServingStatus::Serving));
        assert_eq!(status(&mut client, "p2p.v1.AuthService").await, Ok(ServingStatus::Serving));
        assert_eq!(status(&mut client, "p2p.v1.NoService").await, Err(Code::NotFound));
    });
    let said = served.stop();
    assert!(said.stderr.contains("is closed after 1 connection and 3 requests"), "{said:?}");
}

/// Whoever watches the health is told before the connections end, and holds nothing up.
#[test]
fn who_watches_is_told_of_the_end() {
    let home = Home::new(&format!("{QUICK}[serve]\ndrain = '1h'\n"));
    let served = Served::start(&home, &[]);
    on_a_runtime(async {
        let mut client = HealthClient::new(connected(served.grpc()).await);
        let mut watched = client.watch(HealthCheckRequest { service: String::new() }).await.unwrap().into_inner();
        let told = |message: Option<HealthCheckResponse>| message.unwrap().status();
        assert_eq!(told(watched.message().await.unwrap()), ServingStatus::Serving);
        signal(served.child.as_ref().unwrap(), "TERM");
        assert_eq!(told(watched.message().await.unwrap()), ServingStatus::NotServing);
        assert_eq!(watched.message().await.unwrap_err().code(), Code::Unavailable);
    });
    let mut served = served;
    assert_eq!(served.end().code, Some(0));
}

/// Names of the services, and the file of a type, as reflection tells of them.
macro_rules! reflected {
    ($version:ident, $address:expr) => {{
        use $version::server_reflection_request::MessageRequest;
        use $version::server_reflection_response::MessageResponse;
        let mut client = $version::server_reflection_client::ServerReflectionClient::new(connected($address).await);
        let ask =
            |message_request| $version::ServerReflectionRequest { host: String::new(), message_request: Some(message_request) };
        let asked = [
            ask(MessageRequest::ListServices(String::new())),
            ask(MessageRequest::FileContainingSymbol("google.rpc.RetryInfo".into())),
        ];
        let mut answers = client.server_reflection_info(tokio_stream::iter(asked)).await.unwrap().into_inner();
        let mut names = Vec::new();
        while let Some(answer) = answers.next().await {
            match answer.unwrap().message_response.unwrap() {
                MessageResponse::ListServicesResponse(list) => names.extend(list.service.into_iter().map(|service| service.name)),
                MessageResponse::FileDescriptorResponse(file) => {
                    assert!(file.file_descriptor_proto.iter().any(|file| file.windows(9).any(|part| part == b"RetryInfo")));
                    names.push("details".into());
                }
                other => panic!("{other:?}"),
            }
        }
        names
    }};
}

/// The names that reflection tells at an address.
pub(super) async fn reflected_by(address: SocketAddr) -> Vec<String> {
    reflected!(v1, address)
}

#[test]
fn reflection_tells_of_all_services_and_of_the_details_of_errors() {
    let home = Home::new(QUICK);
    let served = Served::start(&home, &[]);
    on_a_runtime(async {
        for (mut names, version) in [(reflected!(v1, served.grpc()), "v1"), (reflected!(v1alpha, served.grpc()), "v1alpha")] {
            names.sort();
            let reflection = format!("grpc.reflection.{version}.ServerReflection");
            assert_eq!(
                names,
                [
                    "details",
                    "grpc.health.v1.Health",
                    &reflection,
                    "p2p.v1.AdminService",
                    "p2p.v1.AuthService",
                    "p2p.v1.FileTransferService"
                ]
            );
        }
    });
}

/// Wall time, and the code that clients expect.
#[test]
fn a_deadline_that_passes_is_told_as_one() {
    let home = Home::new(QUICK);
    let served = Served::start(&home, &[]);
    on_a_runtime(async {
        let mut client = HealthClient::new(connected(served.grpc()).await);
        let mut request = Request::new(HealthCheckRequest { service: String::new() });
        // The client would end it by itself, and not see the server's answer, if it knew of the deadline.
        request.metadata_mut().insert("grpc-timeout", "100m".parse().unwrap());
        let mut watched = client.watch(request).await.unwrap().into_inner();
        assert!(watched.message().await.unwrap().is_some());
        assert_eq!(watched.message().await.unwrap_err().code(), Code::DeadlineExceeded);
        assert_eq!(status(&mut client, "").await, Ok(ServingStatus::Serving), "the connection goes on");
    });
}

/// What is refused before it is a client's: no place, no HTTP/2. Others go on.
#[test]
fn five_hundred_connections_and_garbage_leave_a_client_alone() {
    let home = Home::new(QUICK);
    let served = Served::start(&home, &[]);
    on_a_runtime(async {
        let mut client = HealthClient::new(connected(served.grpc()).await);
        assert_eq!(status(&mut client, "").await, Ok(ServingStatus::Serving));
        let mut garbage = TcpStream::connect(served.grpc()).unwrap();
        garbage.set_read_timeout(Some(DEADLINE)).unwrap();
        garbage.write_all(&[b'x'; 4096]).unwrap();
        // It is told so at the most, and closed.
        let _ = garbage.read_to_end(&mut Vec::new());
        let crowd: Vec<TcpStream> = (0..500).map(|_| TcpStream::connect(served.grpc()).unwrap()).collect();
        let mut last = crowd.last().unwrap();
        last.set_read_timeout(Some(DEADLINE)).unwrap();
        assert!(matches!(last.read(&mut [0]), Ok(0) | Err(_)), "there is no place for it");
        assert_eq!(status(&mut client, "").await, Ok(ServingStatus::Serving));
    });
    let said = served.stop();
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stderr.contains(" too many connections of one address"), "{said:?}");
}

/// What has begun may end in its time, and then the connection is cut.
#[test]
fn a_request_that_does_not_end_is_cut_when_the_server_has_waited_for_it() {
    let home = Home::new(&format!("{QUICK}[serve]\ndrain = '200ms'\n"));
    let mut served = Served::start(&home, &[]);
    let mut client = Frames::connect(served.grpc());
    client.begin(1, "/grpc.health.v1.Health/Check");
    client.are_read();
    signal(served.child.as_ref().unwrap(), "TERM");
    assert!(client.wait_for(GOAWAY).is_some(), "the client is asked to go");
    wait_until("the end of the listening", || TcpStream::connect(served.grpc()).is_err());
    assert_eq!(client.wait_for(SETTINGS), None, "the connection is cut");
    assert_eq!(served.end().code, Some(0));
}
