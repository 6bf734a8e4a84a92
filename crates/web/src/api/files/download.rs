//! The content of a file: all of it or a range, under conditions, and its description alone.
//!
//! Nothing is asked of the nodes while the client does not take what is there, and a client that has gone cancels the download. The last piece is
//! given once the nodes' content is verified as a whole, so that no client takes a damaged file for complete. The answer begins with the first
//! piece that may be given, so that its status tells of content that no node gives.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, ETAG, LAST_MODIFIED, REFERRER_POLICY};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use p2p_service::access::range::WantedRange;
use p2p_service::access::{Access, AccessError};
use p2p_service::files::{Await, EngineError, Entry, FileRecord, StreamReader, TransferId};
use p2p_service::reasons::name;
use serde::Deserialize;
use tokio::sync::mpsc::Sender;
use utoipa::IntoParams;

use super::conditions::{self, Reading};
use super::described::FileContent;
use super::produced::{Incomplete, Produced, send};
use super::ranges::{self, Part};
use super::{User, checked, disposition};
use crate::api::digests;
use crate::api::extract::{Path, Query};
use crate::problem::Problem;

/// Further looks at a path at which another file has taken the place of the one that was looked at, at the most.
const LOOKS: u32 = 3;

/// Manner in which content is given.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Giving {
    /// Present if a browser is to save the content in any case, whatever the value.
    download: Option<String>,
}

impl Giving {
    pub(super) const fn is_saved(&self) -> bool {
        self.download.is_some()
    }
}

/// Gives the content of a file, or a range of it.
#[utoipa::path(get, path = "/files/content/{path}", operation_id = "get_file_content", tag = "files", params(
    ("path" = String, Path, description = "Path of the file"), Giving,
    ("Range" = Option<String>, Header, description = "One range of bytes; of several the whole is answered"),
    ("If-Range" = Option<String>, Header, description = "ETag for which the range is meant"),
    ("If-Match" = Option<String>, Header, description = "ETags of which the file must have one"),
    ("If-None-Match" = Option<String>, Header, description = "ETags of what the client has"),
    ("If-Modified-Since" = Option<String>, Header, description = "Time of the modification of what the client has"),
    ("Want-Repr-Digest" = Option<String>, Header, description = "Digests that the client wants (RFC 9530); with `sha-256=0` it is told none"),
), responses(
    (status = 200, description = "The content", content((FileContent = "application/octet-stream"), (FileContent = "*/*")), headers(
        ("ETag" = String, description = "SHA-256 of the content in hexadecimal, between quotes"),
        ("Last-Modified" = String, description = "Time of the last modification"),
        ("Repr-Digest" = String, description = "SHA-256 of the content in base64 (RFC 9530)"),
        ("Accept-Ranges" = String, description = "`bytes`"),
    )),
    (status = 206, description = "The range of the content", content((FileContent = "application/octet-stream"), (FileContent = "*/*")), headers(
        ("Content-Range" = String, description = "Place of the range in the content"),
        ("ETag" = String, description = "SHA-256 of the whole content in hexadecimal, between quotes"),
        ("Repr-Digest" = String, description = "SHA-256 of the whole content in base64 (RFC 9530)"),
    )),
    (status = 304, description = "The client has it"),
    (status = 412, description = "The file is another one", body = Problem, content_type = "application/problem+json"),
    (status = 416, description = "The range begins beyond the end", body = Problem, content_type = "application/problem+json",
        headers(("Content-Range" = String, description = "`bytes */SIZE`"))),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn content(
    user: User,
    Path(path): Path<String>,
    Query(giving): Query<Giving>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    user.given(checked("path", &path)?, (&method, &headers), giving.is_saved()).await
}

/// Tells of the content of a file what an answer with it would.
#[utoipa::path(head, path = "/files/content/{path}", operation_id = "describe_file_content", tag = "files", params(
    ("path" = String, Path, description = "Path of the file"), Giving,
), responses(
    (status = 200, description = "The headers of the content"),
    (status = 304, description = "The client has it"),
    (status = "default", description = "What is wrong, without a body"),
))]
pub(super) async fn content_head(
    user: User,
    path: Path<String>,
    giving: Query<Giving>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    content(user, path, giving, Method::HEAD, headers).await
}

impl User {
    /// Returns the answer to a request for the content of the file that the user calls `path`.
    pub(super) async fn given(
        &self,
        path: &str,
        (method, headers): (&Method, &HeaderMap),
        is_saved: bool,
    ) -> Result<Response, Problem> {
        let mut looks = 0..LOOKS;
        loop {
            let file = self.file_at(path).await?;
            if conditions::of_reading(headers, &file)? == Reading::NotModified {
                return Ok(described(StatusCode::NOT_MODIFIED.into_response(), &file));
            }
            // Ranges are of GET alone (RFC 9110, section 14.2).
            let part = match *method == Method::GET && conditions::is_range_meant(headers, &file) {
                true => ranges::of(headers, file.size),
                false => Part::Whole,
            };
            let body = match part {
                Part::Beyond => return Ok(beyond(&file)),
                _ if *method == Method::HEAD || file.size == 0 => Body::empty(),
                part => match self.begun(path, &file, part).await {
                    Err(AccessError::Engine(EngineError::ContentDiffers { .. })) if looks.next().is_some() => continue,
                    begun => begun?,
                },
            };
            let mut answer = answer(&file, part, body, is_saved);
            if !digests::is_wanted(headers) {
                answer.headers_mut().remove(digests::REPR_DIGEST);
            }
            return Ok(answer);
        }
    }

    async fn file_at(&self, path: &str) -> Result<FileRecord, AccessError> {
        match self.access.known_entry(&self.identity, path).await? {
            Entry::File(file) => Ok(file),
            Entry::Directory(_) => self.access.readable(&self.identity, path).await,
        }
    }

    /// Fetches a file up to the first piece that may be given, or fails before anything is sent: a client learns from the status that no node
    /// gives the content. What is fetched is the file that the client is told of, whatever takes its place meanwhile.
    async fn begun(&self, path: &str, file: &FileRecord, part: Part) -> Result<Body, AccessError> {
        let (wanted, len) = match part {
            Part::Range { first, len } => (Some(WantedRange::From { first, last: Some(first + len - 1) }), len),
            Part::Whole | Part::Beyond => (None, file.size),
        };
        let (transfer, reader) = self.access.download_stream(&self.identity, path, wanted, Some(file.sha256)).await?;
        let (access, file) = (self.access.clone(), file.clone());
        let mut fetched = Fetched { access, transfer, reader, file, held: None, is_over: false };
        let first = tokio::select! {
            biased;
            first = fetched.next() => first?,
            error = self.access.lapsed() => return Err(error),
        };
        Ok(Body::new(Produced::new(Some(len), move |pieces| async move { fetched.pour(first, pieces).await })))
    }
}

/// Content on its way from the nodes. The download is cancelled where this is dropped before its end.
#[derive(Debug)]
struct Fetched {
    access: Access,
    transfer: TransferId,
    reader: StreamReader,
    /// The file whose content it is to be.
    file: FileRecord,
    /// Piece behind which nothing has come yet: it may be the last, which is given once the content is verified.
    held: Option<Bytes>,
    is_over: bool,
}

impl Fetched {
    /// Returns the next piece that may be given; `None` after the last.
    async fn next(&mut self) -> Result<Option<Bytes>, EngineError> {
        if self.is_over {
            return Ok(None);
        }
        // The report of a download that is not complete says why.
        while let Ok(Some(piece)) = self.reader.read().await {
            if let Some(before) = self.held.replace(piece) {
                return Ok(Some(before));
            }
        }
        self.is_over = true;
        let report = self.access.call(Await { transfer: self.transfer }).await?.into_result()?;
        match report.sha256.filter(|found| *found != self.file.sha256) {
            Some(found) => {
                Err(EngineError::ContentDiffers { name: self.file.key.name.clone(), expected: self.file.sha256, found })
            }
            None => Ok(self.held.take()),
        }
    }

    /// Gives a client all that is left from its next piece on, as long as what it has presented is valid.
    async fn pour(mut self, first: Option<Bytes>, pieces: Sender<Bytes>) -> Result<(), Incomplete> {
        let access = self.access.clone();
        tokio::select! {
            biased;
            poured = self.pour_all(first, &pieces) => poured,
            // The reader is dropped, and that cancels the download.
            error = access.lapsed() => Err(Incomplete(error.to_string())),
        }
    }

    async fn pour_all(&mut self, first: Option<Bytes>, pieces: &Sender<Bytes>) -> Result<(), Incomplete> {
        let mut next = first;
        while let Some(piece) = next {
            send(pieces, piece).await?;
            next = self.next().await.map_err(|error| Incomplete(error.to_string()))?;
        }
        Ok(())
    }
}

/// Sets the headers that an answer about a file has whatever its status (RFC 9110, section 15.4.5).
fn described(mut response: Response, file: &FileRecord) -> Response {
    let headers = response.headers_mut();
    if let (Ok(tag), Ok(modified)) = (conditions::tag_of(file).parse(), conditions::modified(file).parse()) {
        headers.insert(ETAG, tag);
        headers.insert(LAST_MODIFIED, modified);
    }
    // Who may read a file changes, so that what is kept of it is asked for each time.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    response
}

fn answer(file: &FileRecord, part: Part, body: Body, is_saved: bool) -> Response {
    let (status, len, range) = match part {
        Part::Range { first, len } => {
            let range = format!("bytes {first}-{}/{}", first + len - 1, file.size);
            (StatusCode::PARTIAL_CONTENT, len, range.parse().ok())
        }
        Part::Whole | Part::Beyond => (StatusCode::OK, file.size, None),
    };
    let mut response = described((status, body).into_response(), file);
    disposition::set(&mut response, file.key.last_name(), is_saved);
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, len.into());
    if let Some(range) = range {
        headers.insert(CONTENT_RANGE, range);
    }
    if let Some(digest) = digests::told(&file.sha256) {
        headers.insert(digests::REPR_DIGEST, digest);
    }
    response
}

/// Returns the answer to a request for a range that begins beyond the end (RFC 9110, section 15.5.17).
fn beyond(file: &FileRecord) -> Response {
    let detail = format!("the file has {} bytes, and the range begins beyond the last of them", file.size);
    let problem = Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, name::OUT_OF_RANGE, detail);
    let mut response = described(problem.into_response(), file);
    if let Ok(range) = format!("bytes */{}", file.size).parse() {
        response.headers_mut().insert(CONTENT_RANGE, range);
    }
    response
}
