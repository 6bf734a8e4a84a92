//! Rests of requests: what no handler reads of a body, because the request was refused before.
//!
//! Over HTTP/1.1 the next request comes behind the body. A short rest is taken, so that the connection goes on; behind a long one, or one whose
//! client waits for `100 Continue`, the connection ends, and the answer says so (RFC 9112, section 9.6). Without that a client that sends its
//! next request at once would lose it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use http::header::EXPECT;
use http::{Request, Version};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::timeout;

/// Bytes of a rest that are taken, at the most.
const REST_MAX: usize = 256 << 10;
/// Time for a rest to arrive.
const REST_WITHIN: Duration = Duration::from_secs(1);

/// Place to which the body of a request returns if nobody reads it to its end.
#[derive(Debug)]
pub(super) struct Rest<B> {
    /// The body, and whether some of it was read.
    left: Arc<Mutex<Option<(B, bool)>>>,
    /// True if the client sends the body once it is asked for (RFC 9110, section 10.1.1).
    expects: bool,
    /// True if the connection has one request after the other.
    is_in_line: bool,
}

impl<B: Body<Data = Bytes> + Unpin> Rest<B> {
    /// Makes the place of a request.
    pub(super) fn of<T>(request: &Request<T>) -> Rest<B> {
        let is_in_line = request.version() <= Version::HTTP_11;
        Rest { left: Arc::default(), expects: request.headers().contains_key(EXPECT), is_in_line }
    }

    /// Returns the body for a handler.
    pub(super) fn lent(&self, body: B) -> Lent<B> {
        Lent { body: Some(body), is_read: false, left: Arc::clone(&self.left) }
    }

    /// Takes what nobody has read. Returns false if the connection has to end, since there is more.
    pub(super) async fn taken_up(self) -> bool {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner).take();
        match left {
            Some((body, is_read)) if self.is_in_line && !body.is_end_stream() => {
                (is_read || !self.expects) && timeout(REST_WITHIN, ends(body)).await.unwrap_or(false)
            }
            _ => true,
        }
    }
}

/// Returns true once a body has come to its end, and false where that is too far away.
async fn ends<B: Body<Data = Bytes> + Unpin>(mut body: B) -> bool {
    let mut taken = 0;
    // The length may be declared.
    while body.size_hint().lower() <= REST_MAX as u64 && taken <= REST_MAX {
        match body.frame().await {
            None => return true,
            Some(Ok(frame)) => taken += frame.data_ref().map_or(0, Bytes::len),
            Some(Err(_)) => return false,
        }
    }
    false
}

/// Body of a request that returns to its place if it is not read to its end.
#[derive(Debug)]
pub(super) struct Lent<B> {
    body: Option<B>,
    is_read: bool,
    left: Arc<Mutex<Option<(B, bool)>>>,
}

impl<B> Drop for Lent<B> {
    fn drop(&mut self) {
        let left = self.body.take().map(|body| (body, self.is_read));
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = left;
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Lent<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        self.is_read = true;
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = std::task::ready!(Pin::new(&mut *body).poll_frame(cx));
        if body.is_end_stream() || !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// A body that comes piece by piece; after the last one it ends or nothing comes.
    struct Pieces(Vec<usize>, bool);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            match self.0.pop() {
                Some(length) => Poll::Ready(Some(Ok(Frame::data(vec![0; length].into())))),
                None if self.1 => Poll::Ready(None),
                None => Poll::Pending,
            }
        }
    }

    async fn taken(request: http::request::Builder, body: Pieces, read: usize) -> bool {
        let request = request.body(()).unwrap();
        let rest = Rest::of(&request);
        let mut lent = rest.lent(body);
        for _ in 0..read {
            let _ = lent.frame().await;
        }
        drop(lent);
        rest.taken_up().await
    }

    /// A short rest is taken, and a connection with a longer one ends, as does one whose rest does not come.
    #[tokio::test(start_paused = true)]
    async fn a_short_rest_taken_up() {
        let (post, few, much) = (|| Request::post("/"), vec![10, 10], vec![REST_MAX / 2; 3]);
        assert!(taken(post(), Pieces(few.clone(), true), 0).await);
        assert!(taken(post(), Pieces(few.clone(), true), 1).await);
        assert!(taken(post(), Pieces(much.clone(), true), 4).await, "read by its handler");
        assert!(!taken(post(), Pieces(much.clone(), true), 0).await);
        assert!(!taken(post(), Pieces(few.clone(), false), 0).await, "it does not come");
        assert!(!taken(post().header(EXPECT, "100-continue"), Pieces(few.clone(), true), 0).await, "it was not asked for");
        assert!(taken(post().header(EXPECT, "100-continue"), Pieces(few, true), 1).await);
        assert!(taken(post().version(Version::HTTP_2), Pieces(much, true), 0).await, "streams end by themselves");
    }
}
