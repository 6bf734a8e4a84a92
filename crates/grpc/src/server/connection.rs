//! A connection: HTTP/2 (RFC 9113) with its limits, the tasks of its requests, and its end.

use std::convert::Infallible;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::http2::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use p2p_service::doors::guest::Guest;
use p2p_service::doors::requests::Requests;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tonic::service::Routes;

use super::requests::answer_to;

/// Requests of one connection that are open at once, at the most (`SETTINGS_MAX_CONCURRENT_STREAMS`).
const STREAMS_MAX: u32 = 64;
/// Bytes of a request that may be on their way before the server has taken them.
const STREAM_WINDOW: u32 = 1 << 20;
/// Bytes of all requests of a connection that may be on their way.
const CONNECTION_WINDOW: u32 = 4 << 20;
/// Length of a frame from a client at the most, in bytes (`SETTINGS_MAX_FRAME_SIZE`; RFC 9113, section 6.5.2): one is read as a whole. Each
/// frame costs a write and a read or two, so that those of 16 KiB, which hold otherwise, cost more than what is in them.
const FRAME_MAX: u32 = 128 << 10;
/// Bytes of an answer that wait for its client to take them, before the server makes no more.
const SEND_BUFFER: usize = 256 << 10;
/// Length of the header of a request at the most, in bytes.
const HEADER_MAX: u32 = 16 << 10;
/// Time between two pings to a client, and time for the answer to one.
const PING: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(30));

/// Serves one connection to its end. Its requests end with it, so that ending this future ends all of them.
pub(super) async fn serve<S>(stream: S, guest: Guest, routes: Routes, mut ends: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let requests = Requests::default();
    let services = {
        let (guest, ends) = (guest.clone(), ends.clone());
        hyper::service::service_fn(move |request: http::Request<Incoming>| {
            let (routes, guest, ends) = (routes.clone(), guest.clone(), ends.clone());
            async move { Ok::<_, Infallible>(answer_to(&guest, request, routes, ends).await) }
        })
    };
    let connection = builder(Tasks(requests.clone())).serve_connection(TokioIo::new(stream), services);
    tokio::pin!(connection);
    let mut is_leaving = false;
    loop {
        tokio::select! {
            biased;
            ended = &mut connection => {
                tracing::debug!(client = %guest.address(), ?ended, "a gRPC connection is over");
                return;
            }
            // The sender lives as long as the door is attended.
            _ = ends.wait_for(|&ends| ends), if !is_leaving => {}
            () = requests.idle(), if !is_leaving => {}
        }
        // GOAWAY (RFC 9113, section 6.8): what has begun goes on, and the next request takes another connection.
        connection.as_mut().graceful_shutdown();
        is_leaving = true;
    }
}

fn builder(tasks: Tasks) -> Builder<Tasks> {
    let mut builder = Builder::new(tasks);
    builder
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

/// Runs the requests of one connection as its tasks.
#[derive(Debug, Clone, Default)]
struct Tasks(Requests);

impl<Request> Executor<Request> for Tasks
where
    Request: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, request: Request) {
        self.0.run(request);
    }
}
