//! Bodies of answers that a task of their own produces, piece by piece as their client takes them.
//!
//! HTTP asks for a body only while its client takes it. Whether what the client has presented is still valid is looked at meanwhile too, which
//! cannot be done in the asking. The task ends with the body: at the loss of the connection, or once the client gives the answer up.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;

/// Reason why a body is not complete. The connection ends with it, so that no client takes it for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Incomplete(pub(super) String);

impl std::fmt::Display for Incomplete {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Incomplete {}

/// Body of an answer, and the task that produces it.
#[derive(Debug)]
pub(super) struct Produced {
    pieces: Receiver<Bytes>,
    /// Task that produces them, until its end is told. It ends with this.
    work: Option<JoinSet<Result<(), Incomplete>>>,
    /// Bytes that are still to come, where that is known.
    left: Option<u64>,
}

impl Produced {
    /// Begins to produce a body of this length, if that is known.
    pub(super) fn new<W>(len: Option<u64>, work: impl FnOnce(Sender<Bytes>) -> W) -> Produced
    where
        W: Future<Output = Result<(), Incomplete>> + Send + 'static,
    {
        // One piece waits to be taken while the next is produced.
        let (sender, pieces) = channel(1);
        let mut tasks = JoinSet::new();
        tasks.spawn_on(work(sender), &Handle::current());
        Produced { pieces, work: Some(tasks), left: len }
    }
}

impl Body for Produced {
    type Data = Bytes;
    type Error = Incomplete;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Incomplete>>> {
        if let Some(piece) = ready!(self.pieces.poll_recv(cx)) {
            self.left = self.left.map(|left| left.saturating_sub(piece.len() as u64));
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        // The task has no end of the channel any more: it is over, and says how.
        let Some(work) = &mut self.work else { return Poll::Ready(None) };
        let ended = ready!(work.poll_join_next(cx));
        self.work = None;
        match ended {
            Some(Ok(Ok(()))) | None => Poll::Ready(None),
            Some(Ok(Err(incomplete))) => Poll::Ready(Some(Err(incomplete))),
            Some(Err(panicked)) => {
                tracing::error!(%panicked, "a body has not been produced to its end");
                Poll::Ready(Some(Err(Incomplete("an error of the program".to_owned()))))
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// Sends a piece, and waits until its client takes what is before it.
///
/// # Errors
/// Fails if nobody takes it any more.
pub(super) async fn send(pieces: &Sender<Bytes>, piece: Bytes) -> Result<(), Incomplete> {
    pieces.send(piece).await.map_err(|_| Incomplete("the client has gone".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::sync::oneshot;

    use super::*;

    async fn next(body: &mut Produced) -> Option<Result<Bytes, Incomplete>> {
        let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await?;
        Some(frame.map(|frame| frame.into_data().unwrap()))
    }

    #[tokio::test]
    async fn pieces_come_in_order_and_the_end_is_told() {
        let mut body = Produced::new(Some(6), |pieces| async move {
            for piece in ["abc", "def"] {
                send(&pieces, Bytes::from(piece)).await?;
            }
            Err(Incomplete("lost".into()))
        });
        assert_eq!(body.size_hint().exact(), Some(6));
        assert_eq!(next(&mut body).await.unwrap().unwrap(), "abc");
        assert_eq!(body.size_hint().exact(), Some(3));
        assert_eq!(next(&mut body).await.unwrap().unwrap(), "def");
        assert_eq!(next(&mut body).await, Some(Err(Incomplete("lost".into()))));
        assert_eq!(next(&mut body).await, None);
        let mut complete = Produced::new(None, |_| async { Ok(()) });
        assert_eq!((complete.size_hint().exact(), next(&mut complete).await), (None, None));
        let mut panicked = Produced::new(None, |_| async { panic!("as a test wants it") });
        assert!(next(&mut panicked).await.unwrap().is_err());
    }

    #[tokio::test]
    async fn the_task_ends_with_the_body() {
        let (alive, dropped) = oneshot::channel::<()>();
        let body = Produced::new(None, |_| async move {
            let _alive = alive;
            std::future::pending().await
        });
        drop(body);
        assert!(dropped.await.is_err());
    }
}
