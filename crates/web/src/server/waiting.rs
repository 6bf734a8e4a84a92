//! Clients that wait: once a request is complete, its client has nothing to say until the answer is, which may take longer than a client may
//! be silent. One that stops in the middle of a request still may not.
//!
//! A client that takes nothing of an answer is silent too. Over HTTP/1.1 the full socket shows it; over HTTP/2 the connection may go on without
//! the one answer, for which its client gives no window (RFC 9113, section 5.2), so that each answer is watched by itself.

use std::future::pending;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use p2p_service::doors::guest::{Guest, Listening};
use tokio::time::{Instant, timeout};

/// Bytes of an answer over HTTP/2 that are given at once, at the most: all that is given waits for its client.
const GIVEN_MAX: usize = 64 << 10;

tokio::task_local! {
    /// Watch over the answer to the request of a task.
    static TAKING: Taking;
}

/// Watch over whether a client takes an answer: the instant since which it has had something to take, unless more was asked for since.
#[derive(Debug, Clone, Default)]
pub(super) struct Taking(Arc<Mutex<Option<Instant>>>);

/// Note of a client that waits, from the end of its request on.
#[derive(Debug, Clone, Default)]
pub(super) struct Waiting(Arc<OnceLock<Listening>>);

/// Body of a request, at whose end the client begins to wait.
struct Asked {
    body: Body,
    guest: Guest,
    waiting: Waiting,
}

/// Body of an answer, for which the client waits to its end.
struct Answer {
    body: Body,
    /// Bytes that are not given yet of those that the body has given.
    rest: Bytes,
    /// Watch over the answer, over HTTP/2.
    taking: Option<Taking>,
    _waiting: Listening,
}

impl Taking {
    /// Runs a request to its end, or until its client has taken nothing of the answer for so long. Returns false in that case.
    pub(super) async fn watch(self, request: impl Future, silence: Duration) -> bool {
        let watched = self.clone();
        tokio::select! {
            biased;
            _ = TAKING.scope(self, request) => true,
            () = watched.stalled(silence) => false,
        }
    }

    async fn stalled(&self, silence: Duration) {
        loop {
            let since = *self.given();
            let left = since.map_or(silence, |since| silence.saturating_sub(since.elapsed()));
            if left.is_zero() {
                return;
            }
            // Nothing else comes.
            let _ = timeout(left, pending::<()>()).await;
        }
    }

    fn given(&self) -> MutexGuard<'_, Option<Instant>> {
        // A panic while the lock was held leaves a complete value.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Returns the body of a request at whose end the wait begins.
    pub(super) fn after<B>(&self, body: B, guest: Guest) -> Body
    where
        B: http_body::Body<Data = Bytes, Error: Into<axum::BoxError>> + Send + 'static,
    {
        let asked = Asked { body: Body::new(body), guest, waiting: self.clone() };
        asked.note_end();
        Body::new(asked)
    }
}

/// Returns the body of an answer for which the client waits.
pub(super) fn awaited(body: Body, guest: &Guest) -> Body {
    let taking = TAKING.try_with(Taking::clone).ok();
    if let Some(taking) = &taking {
        // The head is given.
        *taking.given() = Some(Instant::now());
    }
    Body::new(Answer { body, rest: Bytes::new(), taking, _waiting: guest.listen() })
}

impl Asked {
    fn note_end(&self) {
        if http_body::Body::is_end_stream(&self.body) {
            self.waiting.0.get_or_init(|| self.guest.listen());
        }
    }
}

impl http_body::Body for Asked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() {
            self.waiting.0.get_or_init(|| self.guest.listen());
        }
        self.note_end();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Answer {
    /// Returns the next frame, of which over HTTP/2 no more is given at once than a part.
    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            let frame = match ready!(http_body::Body::poll_frame(Pin::new(&mut self.body), cx)) {
                Some(Ok(frame)) if self.taking.is_some() => frame,
                other => return Poll::Ready(other),
            };
            match frame.into_data() {
                Ok(bytes) => self.rest = bytes,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
        let part = self.rest.split_to(self.rest.len().min(GIVEN_MAX));
        Poll::Ready(Some(Ok(Frame::data(part))))
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = self.poll_part(cx);
        if let Some(taking) = &self.taking {
            // Who waits for more has taken what there was.
            *taking.given() = frame.is_ready().then(Instant::now);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (mut hint, rest) = (self.body.size_hint(), self.rest.len() as u64);
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(hint.lower().saturating_add(rest));
        hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client that takes nothing is waited for so long, from the last that it was given on; one that waits itself is waited for in any case.
    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_given_up() {
        let silence = Duration::from_secs(45);
        for (waits, is_over) in [(0, true), (40, true), (50, false)] {
            let (taking, begun) = (Taking::default(), Instant::now());
            let request = async {
                *TAKING.with(Taking::clone).given() = None;
                let _ = timeout(Duration::from_secs(100), pending::<()>()).await;
                *TAKING.with(Taking::clone).given() = Some(Instant::now());
                let _ = timeout(Duration::from_secs(waits), pending::<()>()).await;
            };
            assert_eq!(taking.watch(request, silence).await, is_over, "{waits}");
            assert_eq!(begun.elapsed().as_secs(), if is_over { 100 + waits } else { 145 }, "{waits}");
        }
    }
}
