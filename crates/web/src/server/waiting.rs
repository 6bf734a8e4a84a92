//! Clients that wait: once a request is complete, its client has nothing to say until the answer is, which may take longer than a client may
//! be silent. One that stops in the middle of a request still may not.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use p2p_service::doors::guest::{Guest, Listening};

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
    _waiting: Listening,
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
    Body::new(Answer { body, _waiting: guest.listen() })
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

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
