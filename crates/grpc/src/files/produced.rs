//! Answers of many messages, which a task of their own produces.
//!
//! HTTP/2 asks for an answer only while its client takes it. What has to go on although the client takes nothing, as an upload does,
//! cannot be done in the asking. The task ends with the answer: at a cancel, a deadline, or the loss of the connection. A task that has
//! something to undo then notices the end by itself.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::runtime::Handle;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use tonic::Status;
use tonic::codegen::tokio_stream::Stream;

use crate::status;

/// Messages of an answer, and the task that produces them.
#[derive(Debug)]
pub(crate) struct Produced<T> {
    messages: Receiver<T>,
    /// Task that produces them, until its end is told. One whose handle is dropped goes on, and notices the closed channel.
    work: Option<JoinHandle<Result<(), Status>>>,
}

impl<T: Send + 'static> Produced<T> {
    /// Begins to produce an answer, of which `waiting` messages may wait to be taken. The work ends with the answer.
    pub(super) fn new<W>(waiting: usize, work: impl FnOnce(Sender<T>) -> W) -> Produced<T>
    where
        W: Future<Output = Result<(), Status>> + Send + 'static,
    {
        Produced::outlived_by(waiting, |answers| {
            let (gone, work) = (answers.clone(), work(answers));
            async move {
                tokio::select! {
                    biased;
                    ended = work => ended,
                    () = gone.closed() => Err(status::gone()),
                }
            }
        })
    }

    /// Begins to produce an answer as [`new`](Self::new) does, by work that notices the end of the answer by the closed channel, and ends
    /// itself soon after.
    pub(super) fn outlived_by<W>(waiting: usize, work: impl FnOnce(Sender<T>) -> W) -> Produced<T>
    where
        W: Future<Output = Result<(), Status>> + Send + 'static,
    {
        let (sender, messages) = channel(waiting);
        Produced { messages, work: Some(Handle::current().spawn(work(sender))) }
    }
}

impl<T> Stream for Produced<T> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(message) = ready!(self.messages.poll_recv(cx)) {
            return Poll::Ready(Some(Ok(message)));
        }
        // The task has no end of the channel any more: it is over, and says how.
        let Some(work) = &mut self.work else { return Poll::Ready(None) };
        let ended = ready!(Pin::new(work).poll(cx));
        self.work = None;
        match ended {
            Ok(Ok(())) => Poll::Ready(None),
            Ok(Err(status)) => Poll::Ready(Some(Err(status))),
            Err(panicked) => {
                tracing::error!(%panicked, "a request has not been answered to its end");
                Poll::Ready(Some(Err(status::internal())))
            }
        }
    }
}

/// Sends a message, and waits until its client takes what is before it.
///
/// # Errors
/// Fails if nobody takes it any more.
pub(super) async fn send<T>(answers: &Sender<T>, message: impl Into<T>) -> Result<(), Status> {
    answers.send(message.into()).await.map_err(|_| status::gone())
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;
    use tonic::Code;
    use tonic::codegen::tokio_stream::StreamExt;

    use super::*;

    #[tokio::test]
    async fn messages_come_in_order_and_the_end_is_told() {
        let mut all = Produced::<i32>::new(1, |answers| async move {
            for n in 0..5 {
                send(&answers, n).await?;
            }
            Err(Status::data_loss("lost"))
        });
        for n in 0..5 {
            assert_eq!(all.next().await.unwrap().unwrap(), n);
        }
        assert_eq!(all.next().await.unwrap().unwrap_err().code(), Code::DataLoss);
        assert!(all.next().await.is_none());
        let mut complete = Produced::<u8>::new(1, |_| async { Ok(()) });
        assert!(complete.next().await.is_none());
        let mut panicked = Produced::<u8>::new(1, |_| async { panic!("as a test wants it") });
        assert_eq!(panicked.next().await.unwrap().unwrap_err().code(), Code::Internal);
    }

    #[tokio::test]
    async fn the_task_ends_with_the_answer() {
        let (alive, dropped) = oneshot::channel::<()>();
        let answer = Produced::<u8>::new(1, |_| async move {
            let _alive = alive;
            std::future::pending().await
        });
        drop(answer);
        assert!(dropped.await.is_err());
        let (told, undone) = oneshot::channel();
        let answer = Produced::<u8>::outlived_by(1, |answers| async move {
            answers.closed().await;
            tokio::task::yield_now().await;
            told.send(()).unwrap();
            Err(status::gone())
        });
        drop(answer);
        undone.await.unwrap();
    }
}
