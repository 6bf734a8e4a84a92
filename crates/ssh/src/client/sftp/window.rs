//! Requests that are under way at once: sent in their order, and taken in that order once they are answered.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::Poll;

/// Requests that are under way at the most: with the length of one, 1 MiB is on the wire and in the memory of both sides.
const REQUESTS_MAX: usize = 32;

/// Request that is under way.
enum Request<T> {
    Answered(T),
    Waiting(Pin<Box<dyn Future<Output = T> + Send>>),
}

/// Requests under way.
pub(super) struct Window<T>(VecDeque<Request<T>>);

impl<T> Default for Window<T> {
    fn default() -> Self {
        Window(VecDeque::with_capacity(REQUESTS_MAX))
    }
}

impl<T> Window<T> {
    /// Returns true if another request may be sent.
    pub(super) fn has_room(&self) -> bool {
        self.0.len() < REQUESTS_MAX
    }

    /// Returns true if none is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sends a request, whose future does so when it is asked for the first time.
    pub(super) async fn push(&mut self, request: impl Future<Output = T> + Send + 'static) {
        let mut request: Pin<Box<dyn Future<Output = T> + Send>> = Box::pin(request);
        let begun = std::future::poll_fn(|context| Poll::Ready(request.as_mut().poll(context))).await;
        self.0.push_back(match begun {
            Poll::Ready(answer) => Request::Answered(answer),
            Poll::Pending => Request::Waiting(request),
        });
    }

    /// Waits for the answer to the oldest request; none if no request is under way. Nothing is lost if the future is dropped.
    pub(super) async fn next(&mut self) -> Option<T> {
        let Request::Waiting(request) = self.0.front_mut()? else {
            return match self.0.pop_front() {
                Some(Request::Answered(answer)) => Some(answer),
                _ => None,
            };
        };
        let answer = request.as_mut().await;
        self.0.pop_front();
        Some(answer)
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    /// Answers that come in another order are given in that of the requests.
    #[tokio::test]
    async fn answers_are_taken_in_the_order_of_their_requests() {
        let mut window = Window::default();
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..3).map(|_| oneshot::channel::<u32>()).unzip();
        for receiver in receivers {
            window.push(async move { receiver.await.unwrap() }).await;
        }
        window.push(std::future::ready(3)).await;
        for (number, sender) in senders.into_iter().enumerate().rev() {
            sender.send(u32::try_from(number).unwrap()).unwrap();
        }
        for expected in [Some(0), Some(1), Some(2), Some(3), None] {
            assert_eq!(window.next().await, expected);
        }
        assert!(window.is_empty() && window.has_room());
    }
}
