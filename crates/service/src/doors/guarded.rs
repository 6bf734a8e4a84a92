//! Guarded streams: connections that count their bytes, and that fail when their client makes no request in time or falls silent, unless it
//! listens to an answer that goes on.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::guest::{Guest, reason};

/// Stream of a client's connection.
///
/// What arrives shows that the client is there, and so does room that comes free in a full socket; what is merely put into the socket
/// does not.
#[derive(Debug)]
pub struct Guarded<S> {
    inner: S,
    guest: Guest,
    begun: Instant,
    /// Last sign of the client.
    heard: Instant,
    /// True while the socket takes no more.
    is_full: bool,
    alarm: Pin<Box<Sleep>>,
}

impl<S> Guarded<S> {
    /// Guards the stream of a guest.
    pub fn new(inner: S, guest: Guest) -> Guarded<S> {
        let now = Instant::now();
        let alarm = Box::pin(tokio::time::sleep_until(now + guest.limits().until_request));
        Guarded { inner, guest, begun: now, heard: now, is_full: false, alarm }
    }

    /// Returns the instant at which the stream fails, with the reason, unless the client does something before.
    fn due(&self) -> (Instant, &'static str) {
        let limits = self.guest.limits();
        match self.guest.is_known() {
            true => (self.heard + limits.silence, reason::SILENT),
            false => (self.begun + limits.until_request, reason::NO_REQUEST),
        }
    }

    /// Returns the error of a stream whose time is over.
    fn over(&self, reason: &'static str) -> io::Error {
        self.guest.note_refusal(reason);
        io::Error::new(ErrorKind::TimedOut, reason)
    }

    /// Waits for the instant at which the stream fails.
    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let (due, reason) = self.due();
        if self.alarm.deadline() != due {
            self.alarm.as_mut().reset(due);
        }
        ready!(self.alarm.as_mut().poll(cx));
        if reason == reason::SILENT && !self.is_full && self.guest.is_listening() {
            // Who listens says nothing, and takes what comes: a socket that fills up shows one that does not.
            self.heard = Instant::now();
            return self.poll_over(cx);
        }
        Poll::Ready(self.over(reason))
    }

    /// Fails if the first request is late, although bytes arrive: a client may send one at a time.
    fn check_request(&self) -> io::Result<()> {
        match self.due() {
            (due, reason::NO_REQUEST) if Instant::now() >= due => Err(self.over(reason::NO_REQUEST)),
            _ => Ok(()),
        }
    }

    /// Takes the outcome of a write, and waits for the end of a client that takes nothing.
    fn after_write(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(count)) => {
                self.guest.note_bytes(0, count);
                if std::mem::take(&mut self.is_full) {
                    self.heard = Instant::now();
                }
                Poll::Ready(Ok(count))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                self.is_full = true;
                self.poll_over(cx).map(Err)
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.check_request()?;
        let before = buffer.filled().len();
        match Pin::new(&mut self.inner).poll_read(cx, buffer) {
            Poll::Ready(Ok(())) => {
                self.guest.note_bytes(buffer.filled().len() - before, 0);
                self.heard = Instant::now();
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => self.poll_over(cx).map(Err),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.after_write(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, buffers);
        self.after_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
