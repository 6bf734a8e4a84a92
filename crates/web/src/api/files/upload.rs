//! Content that becomes a file: what a client sends goes to the engine as it comes, and is a file once all of it is stored.
//!
//! A body that breaks off, that is shorter than declared, or of another digest than stated is never a file. A client that sends nothing holds up
//! its own upload alone; where its request ends, the end of the stream is dropped with it, and the upload is cancelled.

use std::time::Duration;

use axum::body::Body;
use axum::extract::OriginalUri;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, LOCATION};
use http::{HeaderMap, StatusCode};
use p2p_service::access::AccessError;
use p2p_service::files::{
    Attributes, Await, BegunUpload, Cancel, Declared, Entry, Sha256Digest, StoreAs, StreamWriter, TransferId,
};
use p2p_service::reasons::name;
use serde::Deserialize;
use utoipa::IntoParams;

use super::conditions;
use super::described::{FileContent, FileEntry};
use super::mode::Mode;
use super::{User, checked};
use crate::api::content::{self, Ended};
use crate::api::digests;
use crate::api::extract::{Path, Query};
use crate::api::values::{node_of, within};
use crate::bounds::Bounds;
use crate::problem::Problem;

/// Time for a file to be stored once its content has come: the last segments are acknowledged and made durable.
const STORED_WITHIN: Duration = Duration::from_secs(10 * 60);

/// Manner in which a file is stored.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Keeping {
    /// Last modification that the file is to have, in seconds since 1970; the time of storing without one.
    modified: Option<u64>,
    /// Permission bits as octal digits, such as `0644`, which are kept and shown and allow nothing.
    #[param(value_type = Option<String>, pattern = "^[0-7]{3,4}$")]
    mode: Option<Mode>,
    /// Node to which the segments go first, as `Node_03` or `3`: while it is alive and has room. Without one, that which the
    /// user prefers. A segment whose bytes are stored already stays where it is.
    node: Option<String>,
}

/// Stores the body as a file, in place of one of the same name.
#[utoipa::path(put, path = "/files/content/{path}", operation_id = "put_file_content", tag = "files", params(
    ("path" = String, Path, description = "Path of the file"), Keeping,
    ("If-None-Match" = Option<String>, Header, description = "`*` if nothing may be replaced"),
    ("If-Match" = Option<String>, Header, description = "ETag of the file that is replaced"),
    ("Repr-Digest" = Option<String>, Header, description = "SHA-256 that the content must have (RFC 9530)"),
    ("Content-Digest" = Option<String>, Header, description = "The same"),
), request_body(content = FileContent, content_type = "application/octet-stream", description = "The content"), responses(
    (status = 201, description = "The file is stored", body = FileEntry, headers(
        ("ETag" = String, description = "SHA-256 of the content in hexadecimal, between quotes"),
        ("Location" = String, description = "Where the content is"),
    )),
    (status = 204, description = "The file has taken the place of another", headers(
        ("ETag" = String, description = "SHA-256 of the content in hexadecimal, between quotes"),
    )),
    (status = 412, description = "A condition does not hold", body = Problem, content_type = "application/problem+json"),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn store(
    user: User,
    Extension(bounds): Extension<Bounds>,
    Path(path): Path<String>,
    Query(keeping): Query<Keeping>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    mut body: Body,
) -> Result<Response, Problem> {
    let path = checked("path", &path)?;
    require_whole(&headers)?;
    let expected = digests::expected(&headers)?;
    let condition = user.check_to_change(path, &headers).await?;
    let is_there = user.access.entry(&user.identity, path).await.is_ok();
    let size = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let attributes = Attributes { modified: keeping.modified, mode: keeping.mode.map(|Mode(bits)| bits) };
    let wanted = condition.stored_as(attributes);
    let refused = |error| condition.refusal(error);
    let storing = match &keeping.node {
        Some(node) => User { access: user.access.preferring(node_of("node", node)?)?, ..user.clone() },
        None => user.clone(),
    };
    let mut upload = storing.begun_upload(path, size, wanted).await.map_err(refused)?;
    tokio::select! {
        biased;
        poured = upload.pour(&mut body, bounds.stalled_after) => poured?,
        // Who has no access any more gives no more content.
        error = user.access.lapsed() => return Err(error.into()),
    }
    let entry = upload.stored(expected).await.map_err(|error| error.or(refused))?;
    let stored = user.described_one(&entry).await?;
    let response = match is_there {
        true => StatusCode::NO_CONTENT.into_response(),
        false => (StatusCode::CREATED, [(LOCATION, uri.path().to_owned())], Json(stored)).into_response(),
    };
    Ok(tagged(response, &entry))
}

/// Returns an answer with the tag of the file that is stored.
fn tagged(mut response: Response, entry: &Entry) -> Response {
    if let Entry::File(file) = entry
        && let Ok(tag) = conditions::tag_of(file).parse()
    {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// Refuses a body that is not the whole content as it is to be stored: a part of it (RFC 9110, section 14.4), or one that is encoded (RFC 9110,
/// section 8.4).
fn require_whole(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key(CONTENT_RANGE) {
        return Err(Problem::invalid(
            "content-range",
            "a part of a file cannot be stored; send the whole, or resume an upload of `/api/v1/uploads`",
        ));
    }
    match headers.get(CONTENT_ENCODING) {
        Some(coding) if !coding.as_bytes().eq_ignore_ascii_case(b"identity") => {
            let problem = Problem::invalid("content-encoding", "send the content as it is to be stored");
            Err(problem.with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE))
        }
        _ => Ok(()),
    }
}

/// Returns the next bytes of a body, which come within a time; none after the last.
///
/// # Errors
/// Fails if the body breaks off before its end.
async fn next(body: &mut Body, within: Duration) -> Result<Option<Bytes>, Problem> {
    content::next(body, within).await.map_err(|ended| match ended {
        Ended::Lost(error) => broken(&error.to_string()),
        Ended::Stalled => stalled(within),
    })
}

/// Returns the problem of a body of which nothing has come for a time.
pub(super) fn stalled(after: Duration) -> Problem {
    let detail = format!("nothing has come for {} s, and nothing of it is stored", after.as_secs());
    Problem::new(StatusCode::REQUEST_TIMEOUT, name::REQUEST_LIMIT, detail)
}

/// Returns the problem of a body that breaks off.
fn broken(error: &str) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        name::UPLOAD_DIFFERS,
        format!("the body ends before its end, and nothing of it is stored: {error}"),
    )
}

/// Upload that is under way. Dropping it cancels it.
pub(super) struct Upload {
    user: User,
    transfer: TransferId,
    writer: StreamWriter,
    is_over: bool,
}

/// Reason why content has not become a file.
#[derive(Debug)]
pub(super) enum NotStored {
    /// The gate refuses it.
    Refused(AccessError),
    /// The content is not what its client has said.
    Other(Problem),
}

impl<E: Into<AccessError>> From<E> for NotStored {
    fn from(error: E) -> NotStored {
        NotStored::Refused(error.into())
    }
}

impl NotStored {
    /// Returns the problem, which is this of what the gate refuses.
    pub(super) fn or(self, of_refusal: impl FnOnce(AccessError) -> Problem) -> Problem {
        match self {
            NotStored::Refused(error) => of_refusal(error),
            NotStored::Other(problem) => problem,
        }
    }
}

impl User {
    /// Begins to store what follows under a name, of this size if that is known.
    pub(super) async fn begun_upload(&self, path: &str, size: Option<u64>, wanted: StoreAs) -> Result<Upload, AccessError> {
        let declared = Declared { size, modified: None };
        let BegunUpload { transfer, writer, .. } = self.access.store_stream(path, declared, None, wanted).await?;
        Ok(Upload { user: self.clone(), transfer, writer, is_over: false })
    }
}

impl Upload {
    /// Gives the next bytes, and waits until the engine takes them. Returns false if the upload is over, of which [`stored`](Self::stored) says
    /// why.
    pub(super) async fn give(&mut self, bytes: Bytes) -> bool {
        self.is_over = self.writer.write(bytes).await.is_err();
        !self.is_over
    }

    /// Gives all of a body, of which something comes within each such time, unless the upload is over before.
    ///
    /// # Errors
    /// Fails if the body breaks off before its end.
    async fn pour(&mut self, body: &mut Body, within: Duration) -> Result<(), Problem> {
        while let Some(piece) = next(body, within).await? {
            if !self.give(piece).await {
                break;
            }
        }
        Ok(())
    }

    /// Ends the content, and waits until it is a file, which is returned. Content of another digest than the `expected` one is none.
    pub(super) async fn stored(self, expected: Option<Sha256Digest>) -> Result<Entry, NotStored> {
        let Upload { user, transfer, writer, is_over } = self;
        if !is_over {
            let ended = writer.end();
            if let Some(expected) = expected.filter(|expected| *expected != ended.sha256) {
                let detail = format!("the content has the SHA-256 {}, and not {expected}; nothing of it is stored", ended.sha256);
                user.access.call(Cancel { transfer }).await?;
                return Err(NotStored::Other(Problem::new(StatusCode::BAD_REQUEST, name::CONTENT_DIFFERS, detail)));
            }
            // There is a file from here on, and who is nobody any more since the last look stores none.
            let identity = user.access.check().await?;
            user.access.require_login(&identity)?;
            // What was shared for it may be so no longer.
            user.access.check_storing(transfer)?;
            // The report says why it is over.
            let _ = ended.hand_over().await;
        }
        let report =
            within(STORED_WITHIN, user.access.call(Await { transfer })).await.map_err(NotStored::Other)?.into_result()?;
        Ok(user.access.stored_file(&user.identity, &report).await?)
    }
}
