//! A request: its count, its deadline in wall time, and the end of the streams that would go on for ever.
//!
//! A deadline that passes before the answer begins, and one that passes while an answer is streamed, both end in DEADLINE_EXCEEDED, and
//! what the request has begun is dropped (gRPC over HTTP2, "Timeout").

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use p2p_service::doors::guest::Guest;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};
use tonic::body::Body;
use tonic::service::Routes;
use tonic::{Code, Status};
use tower_service::Service;

use crate::status;

/// Services and calls whose streams have no end of their own: they end when the server does.
const ENDLESS: [&str; 3] = ["/grpc.health.", "/grpc.reflection.", "/p2p.v1.FileTransferService/WatchEvents"];

/// Number of digits of a timeout at the most.
const DIGITS_MAX: usize = 8;

/// Returns the answer to a request.
async fn answer(request: Request<Body>, mut routes: Routes, ends: watch::Receiver<bool>) -> Response<Body> {
    let deadline = timeout_of(request.headers()).and_then(|limit| Instant::now().checked_add(limit));
    let is_endless = ENDLESS.iter().any(|service| request.uri().path().starts_with(service));
    let answering = routes.call(request);
    let answer = match deadline {
        None => answering.await,
        Some(deadline) => match timeout_at(deadline, answering).await {
            Ok(answer) => answer,
            Err(_) => return late().into_http(),
        },
    };
    let answer = answer.unwrap_or_else(|never| match never {});
    if deadline.is_none() && !is_endless {
        return answer;
    }
    answer.map(|inner| {
        let alarm = deadline.map(|deadline| Box::pin(sleep_until(deadline)));
        let end = is_endless.then(|| end_of(ends));
        Body::new(Bounded { inner, alarm, end, is_over: false })
    })
}

fn late() -> Status {
    Status::deadline_exceeded("the deadline of the request has passed")
}

/// Returns the answer to a request of a client, and notes both.
pub(super) async fn answer_to(
    guest: &Guest,
    request: Request<Incoming>,
    routes: Routes,
    ends: watch::Receiver<bool>,
) -> Response<Body> {
    guest.note_request();
    let mut request = request.map(Body::new);
    // The address of the client, for the gate.
    request.extensions_mut().insert(guest.clone());
    let answer = answer(request, routes, ends).await;
    note_refusal(&answer, guest);
    answer
}

/// Notes an answer that refuses the request to this client.
fn note_refusal(answer: &Response<Body>, guest: &Guest) {
    let code = Status::from_header_map(answer.headers()).map(|status| status.code());
    let reason = match code {
        Some(Code::Unauthenticated) => "UNAUTHENTICATED",
        Some(Code::PermissionDenied) => "PERMISSION_DENIED",
        Some(Code::ResourceExhausted) => "RESOURCE_EXHAUSTED",
        _ => return,
    };
    guest.note_refusal(reason);
}

/// Returns the time that a request leaves for its answer (`grpc-timeout`); `None` if it leaves any time, or says what is no time.
fn timeout_of(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let is_number = (1..=DIGITS_MAX).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let count: u64 = digits.parse().ok().filter(|_| is_number)?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

type End = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Returns a future that is ready when the server ends.
fn end_of(mut ends: watch::Receiver<bool>) -> End {
    Box::pin(async move {
        // Without the server there is nothing to wait for either.
        let _ = ends.wait_for(|&ends| ends).await;
    })
}

/// Body of an answer that ends at a deadline, or when the server ends.
struct Bounded {
    inner: Body,
    alarm: Option<Pin<Box<Sleep>>>,
    end: Option<End>,
    is_over: bool,
}

impl Bounded {
    /// Waits for the status with which the answer ends before it is complete.
    fn poll_status(&mut self, cx: &mut Context<'_>) -> Poll<Status> {
        if self.alarm.as_mut().is_some_and(|alarm| alarm.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(late());
        }
        match &mut self.end {
            Some(end) => end.as_mut().poll(cx).map(|()| status::ending()),
            None => Poll::Pending,
        }
    }
}

impl http_body::Body for Bounded {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        let status = ready!(self.poll_status(cx));
        // What produces the rest notices that nobody takes it.
        (self.is_over, self.inner) = (true, Body::empty());
        let mut trailers = HeaderMap::new();
        Poll::Ready(Some(status.add_header(&mut trailers).map(|()| Frame::trailers(trailers))))
    }

    // An answer that is a status alone ends with its headers (gRPC over HTTP2, "Responses", Trailers-Only). Clients take a status in
    // headers that an empty frame of data follows for a stream that was removed.
    fn is_end_stream(&self) -> bool {
        self.is_over || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeout(text: &str) -> Option<Duration> {
        timeout_of(&HeaderMap::from_iter([("grpc-timeout".parse().unwrap(), text.parse().unwrap())]))
    }

    #[test]
    fn timeouts_have_eight_digits_and_a_unit() {
        for (text, nanos) in [
            ("1H", 3_600_000_000_000),
            ("2M", 120_000_000_000),
            ("3S", 3_000_000_000),
            ("4m", 4_000_000),
            ("5u", 5_000),
            ("6n", 6),
            ("0S", 0),
            ("99999999H", 99_999_999 * 3_600_000_000_000),
        ] {
            assert_eq!(timeout(text).unwrap().as_nanos(), nanos, "{text}");
        }
        for text in ["", "S", "1", "1s", "-1S", "+1S", "1.5S", "100000000S", "S1", "1 S", "½S"] {
            assert_eq!(timeout(text), None, "{text}");
        }
        assert_eq!(timeout_of(&HeaderMap::new()), None);
    }

    /// Body of a request whose message never comes.
    struct Never;

    impl http_body::Body for Never {
        type Data = Bytes;
        type Error = Status;

        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
            Poll::Pending
        }
    }

    /// Answers that are a status alone end with their headers, whether a deadline or the end of the server bounds them.
    #[tokio::test]
    async fn a_status_alone_ends_with_its_headers() {
        let (_, health) = tonic_health::server::health_reporter();
        let (_ends, is_over) = watch::channel(false);
        for (path, timeout) in [("Watch", None), ("Watch", Some("10S")), ("Check", Some("10S"))] {
            let mut request = Request::post(format!("/grpc.health.v1.Health/{path}")).header("content-type", "application/grpc");
            if let Some(timeout) = timeout {
                request = request.header("grpc-timeout", timeout);
            }
            // No message of a request where one is needed.
            let request = request.body(Body::empty()).unwrap();
            let answer = answer(request, Routes::new(health.clone()).prepare(), is_over.clone()).await;
            assert!(Status::from_header_map(answer.headers()).is_some(), "{path} {timeout:?}");
            assert!(http_body::Body::is_end_stream(answer.body()), "{path} {timeout:?}");
            assert_eq!(http_body::Body::size_hint(answer.body()).exact(), Some(0), "{path} {timeout:?}");
        }
    }

    /// A body that ends at its deadline has its trailers yet to give, and none after them.
    #[tokio::test]
    async fn a_deadline_in_the_midst_ends_with_trailers() {
        let alarm = Some(Box::pin(sleep_until(Instant::now())));
        let mut body = Bounded { inner: Body::new(Never), alarm, end: None, is_over: false };
        assert!(!http_body::Body::is_end_stream(&body));
        let next = std::future::poll_fn(|cx| http_body::Body::poll_frame(Pin::new(&mut body), cx)).await;
        let trailers = next.unwrap().unwrap().into_trailers().unwrap();
        assert_eq!(Status::from_header_map(&trailers).unwrap().code(), Code::DeadlineExceeded);
        assert!(http_body::Body::is_end_stream(&body));
    }

    /// The answer of the server itself, since clients end a call at its deadline by themselves.
    #[test]
    fn a_deadline_before_the_answer_begins_is_told_as_one() {
        let (_, health) = tonic_health::server::health_reporter();
        let request = Request::post("/grpc.health.v1.Health/Check")
            .header("content-type", "application/grpc")
            .header("grpc-timeout", "10m")
            .body(Body::new(Never))
            .unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (_ends, is_over) = watch::channel(false);
        let answer = runtime.block_on(answer(request, Routes::new(health).prepare(), is_over));
        let status = Status::from_header_map(answer.headers()).unwrap();
        assert_eq!((status.code(), status.message()), (Code::DeadlineExceeded, late().message()));
    }
}
