//! Content of requests, piece by piece as it comes, with a bound to the wait for each: a client that sends nothing holds no upload open.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::time::timeout;

/// Reason why no more of the content of a request comes.
#[derive(Debug)]
pub(super) enum Ended {
    /// The client is gone, or what it has sent cannot be read.
    Lost(axum::Error),
    /// The client has sent nothing for the time.
    Stalled,
}

/// Returns the next bytes of a body, which come within a time; none after the last. Trailers are no content.
///
/// # Errors
/// Fails if the body ends before its end.
pub(super) async fn next(body: &mut Body, within: Duration) -> Result<Option<Bytes>, Ended> {
    loop {
        let frame = timeout(within, body.frame()).await.map_err(|_| Ended::Stalled)?;
        match frame.transpose().map_err(Ended::Lost)?.map(http_body::Frame::into_data) {
            None => return Ok(None),
            Some(Ok(bytes)) if !bytes.is_empty() => return Ok(Some(bytes)),
            Some(_) => {}
        }
    }
}
