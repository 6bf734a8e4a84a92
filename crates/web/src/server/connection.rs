//! A connection: HTTP/1.1 (RFC 9112) or HTTP/2 (RFC 9113) with its limits, the tasks of its requests, and its end.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use http::HeaderValue;
use http::header::CONNECTION;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use p2p_service::doors::guest::{Guest, reason};
use p2p_service::doors::requests::Requests;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tower::ServiceExt;

use super::rests::Rest;
use super::waiting::{Taking, Waiting, awaited};

/// Requests of one connection that are open at once, at the most (`SETTINGS_MAX_CONCURRENT_STREAMS`).
const STREAMS_MAX: u32 = 64;
/// Bytes of a request that may be on their way before the server has taken them.
const STREAM_WINDOW: u32 = 1 << 20;
/// Bytes of all requests of a connection that may be on their way.
const CONNECTION_WINDOW: u32 = 4 << 20;
/// Length of a frame of HTTP/2 from a client at the most, in bytes: one is read as a whole.
const FRAME_MAX: u32 = 128 << 10;
/// Bytes of an answer that wait for its client to take them, before the server makes no more.
const SEND_BUFFER: usize = 256 << 10;
/// Length of the header of a request at the most, in bytes.
const HEADER_MAX: u32 = 32 << 10;
/// Fields in the header of a request over HTTP/1.1, at the most.
const FIELDS_MAX: usize = 100;
/// Time for the header of a request over HTTP/1.1, from the first byte on or from the end of the request before.
const HEADER_WITHIN: Duration = Duration::from_secs(30);
/// Time between two pings to a client of HTTP/2, and time for the answer to one.
const PING: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(30));

/// Serves one connection to its end. Its requests end with it, so that ending this future ends all of them.
pub(super) async fn serve<S>(stream: S, guest: Guest, routes: Router, mut ends: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let requests = Requests::default();
    let client = guest.clone();
    let answering = hyper::service::service_fn(move |request: http::Request<Incoming>| {
        let (routes, guest) = (routes.clone(), client.clone());
        async move { Ok::<_, Infallible>(answer(routes, guest, request).await) }
    });
    let builder = builder(Tasks { requests: requests.clone(), guest: guest.clone() });
    let connection = builder.serve_connection(TokioIo::new(stream), answering);
    tokio::pin!(connection);
    // Over HTTP/1.1 no request is a task, and the time for the next header ends the connection before.
    let idle = async {
        requests.used().await;
        requests.idle().await;
    };
    tokio::pin!(idle);
    let mut is_leaving = false;
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                tracing::debug!(client = %guest.address(), ?ended, "a connection of the web is over");
                return;
            }
            // The sender lives as long as the door is attended.
            _ = ends.wait_for(|&ends| ends), if !is_leaving => {}
            () = &mut idle, if !is_leaving => {}
        }
        // What has begun goes on, and the next request takes another connection (RFC 9113, section 6.8; RFC 9112, section 9.6).
        connection.as_mut().graceful_shutdown();
        is_leaving = true;
    }
}

/// Returns the answer to a request of a client, and notes the request.
async fn answer(routes: Router, guest: Guest, request: http::Request<Incoming>) -> Response {
    guest.note_request();
    let (rest, waiting) = (Rest::of(&request), Waiting::default());
    let mut request = request.map(|body| waiting.after(rest.lent(body), guest.clone()));
    // The address of the client, for the gate.
    request.extensions_mut().insert(guest.clone());
    let mut answer = routes.oneshot(request).await.unwrap_or_else(|never| match never {});
    if !rest.taken_up().await {
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    answer.map(|body| awaited(body, &guest))
}

fn builder(tasks: Tasks) -> Builder<Tasks> {
    let mut builder = Builder::new(tasks);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_WITHIN)
        .max_buf_size(HEADER_MAX as usize)
        .max_headers(FIELDS_MAX)
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(FRAME_MAX)
        .max_send_buf_size(SEND_BUFFER)
        .max_header_list_size(HEADER_MAX)
        .keep_alive_interval(PING.0)
        .keep_alive_timeout(PING.1);
    builder
}

/// Runs the requests of one connection as its tasks, each to its end or until its client takes nothing of the answer any more.
#[derive(Debug, Clone)]
struct Tasks {
    requests: Requests,
    guest: Guest,
}

impl<Request> Executor<Request> for Tasks
where
    Request: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, request: Request) {
        let guest = self.guest.clone();
        self.requests.run(async move {
            // The stream is reset when its task ends before (RFC 9113, section 5.4.2).
            if !Taking::default().watch(request, guest.silence()).await {
                guest.note_refusal(reason::SILENT);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};

    use axum::routing::get;
    use p2p_service::doors::Doors;
    use p2p_service::doors::guest::Limits;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::time::timeout;

    use super::*;

    /// A frame of HTTP/2 (RFC 9113, section 4.1).
    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
    }

    /// The type, the flags and the stream of the next frame.
    async fn next_frame(stream: &mut TcpStream) -> std::io::Result<(u8, u8, u32)> {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        stream.read_exact(&mut vec![0; length as usize]).await?;
        Ok((head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]])))
    }

    /// Asks for `/` over a connection that gives each answer this window, and speaks on until the answer is reset.
    async fn ask_without_a_window(address: SocketAddr, window: u8) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // SETTINGS_INITIAL_WINDOW_SIZE, and `GET http://localhost/` (RFC 7541).
        let header = [&[0x82, 0x86, 0x84, 0x01, 9], &b"localhost"[..]].concat();
        let settings = frame(4, 0, 0, &[0, 4, 0, 0, 0, window]);
        let asked = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &settings[..], &frame(1, 5, 1, &header)].concat();
        stream.write_all(&asked).await.unwrap();
        loop {
            // Each answer to a ping is followed by another ping.
            stream.write_all(&frame(6, 0, 0, &[0; 8])).await.unwrap();
            loop {
                match next_frame(&mut stream).await.unwrap() {
                    (3, _, 1) => return,
                    (6, 1, 0) => break,
                    _ => {}
                }
            }
        }
    }

    /// A client that goes on to speak, and gives no window for an answer, loses the answer: whether it takes nothing of it at all, or one byte of a
    /// body that is there as a whole.
    #[tokio::test]
    async fn an_answer_that_nobody_takes_is_given_up() {
        const SOON: Duration = Duration::from_millis(500);
        let routes = Router::new().route("/", get(|| async { vec![7; 1 << 20] }));
        let (doors, here) = (Doors::default(), SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0));
        let door = doors.open("web", here, Limits { silence: SOON, ..Limits::default() }).await.unwrap();
        let (address, ends) = (door.address(), watch::Sender::new(false));
        let attending = door.attend(SOON, |stream, guest| serve(stream, guest, routes.clone(), ends.subscribe()));
        let asking = async {
            for window in [0, 1] {
                ask_without_a_window(address, window).await;
            }
            doors.close();
        };
        timeout(Duration::from_secs(60), async { tokio::join!(attending, asking) }).await.unwrap();
        assert_eq!(doors.figures().remove(0).refusals.get(reason::SILENT), Some(&2));
    }
}
