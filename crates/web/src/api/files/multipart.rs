//! Files of a form (`multipart/form-data`, RFC 7578): each is stored as it comes, one after the other.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};
use p2p_service::access::Access;
use p2p_service::files::{Entry, StoreAs};
use p2p_service::reasons::name;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use utoipa::{IntoParams, ToSchema};

use super::described::FileEntry;
use super::upload::stalled;
use super::{PATH_MAX, User, checked};
use crate::api::extract::Query;
use crate::bounds::Bounds;
use crate::problem::Problem;

/// Bytes of a form that are read before one of them belongs to a field: its boundary, and the header of the field.
const AHEAD_MAX: usize = 1 << 20;
/// Media type of a form with files (RFC 7578).
const FORM: &str = "multipart/form-data";
/// Files of one form, at the most.
const FILES_MAX: usize = 1000;

/// Destination of the files of a form.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Destination {
    /// Directory; one's root without one. A field `path` before a file says the same.
    path: Option<String>,
    /// True if files of the same names may be replaced. A field `replace` before a file says the same.
    #[serde(default)]
    replace: bool,
}

/// Form with files.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "the form as the description has it; it is read field by field")]
pub(super) struct UploadForm {
    /// Directory for the files that follow.
    path: Option<String>,
    /// True if files of the same names may be replaced.
    replace: Option<bool>,
    /// Files, each with its name.
    #[schema(value_type = Vec<String>, format = Binary, content_media_type = "application/octet-stream", required = false)]
    file: Vec<Vec<u8>>,
}

/// Files that are stored.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StoredFiles {
    /// Files in the order of the form.
    files: Vec<FileEntry>,
}

/// Stores the files of a form in a directory.
#[utoipa::path(post, path = "/files/upload", operation_id = "upload_files", tag = "files", params(Destination),
    request_body(content = UploadForm, content_type = "multipart/form-data", description = "Files; a field `path` or `replace` is for those after it"),
    responses(
        (status = 201, description = "The files are stored", body = StoredFiles),
        (status = "default", description = "What is wrong; it names the files before that, which are stored", body = Problem,
            content_type = "application/problem+json"),
    ),
)]
pub(super) async fn store_files(
    user: User,
    Query(into): Query<Destination>,
    request: Request,
) -> Result<(StatusCode, Json<StoredFiles>), Problem> {
    let stored = user.stored_of_form(into, request).await?;
    Ok((StatusCode::CREATED, Json(StoredFiles { files: user.described(&stored).await? })))
}

/// Stores the files of the form of a page in a directory, and returns their number.
pub(crate) async fn stored_into(access: &Access, directory: String, request: Request) -> Result<usize, Problem> {
    let into = Destination { path: Some(directory), replace: false };
    Ok(User::of(access.clone())?.stored_of_form(into, request).await?.len())
}

/// Meaning of a field of a form.
enum Part {
    /// Value of a setting.
    Setting(String, String),
    /// File that is stored.
    Stored(Box<Entry>),
    /// Empty: a file that was not chosen, or a field of no meaning here.
    Nothing,
}

impl User {
    /// Stores the files of a form, and returns them. Who has no access any more gives no more content.
    async fn stored_of_form(&self, into: Destination, request: Request) -> Result<Vec<Entry>, Problem> {
        tokio::select! {
            biased;
            stored = self.store_form(into, request) => stored,
            error = self.access.lapsed() => Err(error.into()),
        }
    }

    /// Stores the files of a form, and returns them.
    async fn store_form(&self, into: Destination, request: Request) -> Result<Vec<Entry>, Problem> {
        require_form(request.headers())?;
        let ahead = Arc::new(AtomicUsize::new(0));
        let within = request.extensions().get::<Bounds>().copied().unwrap_or_default().stalled_after;
        let mut request = request.map(|inner| Body::new(Metered { inner, ahead: Arc::clone(&ahead), is_due: false }));
        // The content is not kept in memory.
        DefaultBodyLimit::disable().apply(&mut request);
        let form = Multipart::from_request(request, &()).await;
        let mut form = form.map_err(|_| {
            Problem::new(StatusCode::BAD_REQUEST, name::INVALID_FIELD, "the form: its media type has no boundary")
        })?;
        let (mut into, mut stored) = (into, Vec::new());
        loop {
            match self.part(&mut form, &into, (&ahead, within, stored.len())).await {
                Ok(None) => return Ok(stored),
                Ok(Some(Part::Nothing)) => {}
                Ok(Some(Part::Stored(entry))) => stored.push(*entry),
                Ok(Some(Part::Setting(setting, value))) => {
                    set(&mut into, &setting, value, stored.len()).map_err(|problem| self.with_stored(problem, &stored))?;
                }
                Err(problem) => return Err(self.with_stored(problem, &stored)),
            }
        }
    }

    /// Reads the next field of a form; none after the last.
    async fn part(
        &self,
        form: &mut Multipart,
        into: &Destination,
        (ahead, within, stored): (&AtomicUsize, Duration, usize),
    ) -> Result<Option<Part>, Problem> {
        let next = timeout(within, form.next_field()).await.map_err(|_| stalled(within))?;
        let Some(mut field) = next.map_err(malformed)? else { return Ok(None) };
        ahead.store(0, Ordering::Relaxed);
        match (field.name().map(str::to_owned), field.file_name().map(str::to_owned)) {
            (_, Some(name)) if stored < FILES_MAX => self.file(&mut field, &name, into, (ahead, within)).await.map(Some),
            (_, Some(_)) => Err(Problem::invalid("file", format_args!("a form has at most {FILES_MAX} files"))),
            (Some(name), None) if matches!(name.as_str(), "path" | "replace") => {
                let value = text(&mut field, &name, within).await?;
                Ok(Some(Part::Setting(name, value)))
            }
            // Such as the token of a page.
            _ => {
                while next_of(&mut field, within).await?.is_some() {
                    ahead.store(0, Ordering::Relaxed);
                }
                Ok(Some(Part::Nothing))
            }
        }
    }

    /// Stores a file of a form.
    async fn file(
        &self,
        field: &mut Field<'_>,
        name: &str,
        into: &Destination,
        (ahead, within): (&AtomicUsize, Duration),
    ) -> Result<Part, Problem> {
        let first = next_of(field, within).await?;
        // Where no file was chosen, a browser sends one without a name and content.
        if name.is_empty() && first.is_none() {
            return Ok(Part::Nothing);
        }
        // What a name has of directories is of the client's machine (RFC 7578, section 4.2).
        let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
        let path = place(into.path.as_deref().unwrap_or_default(), name);
        let wanted = StoreAs { replace: into.replace, ..StoreAs::default() };
        let mut upload = self.begun_upload(checked("file", &path)?, None, wanted).await?;
        let mut next = first;
        while let Some(bytes) = next {
            ahead.store(0, Ordering::Relaxed);
            if !upload.give(bytes).await {
                break;
            }
            next = next_of(field, within).await?;
        }
        let stored = upload.stored(None).await.map_err(|error| error.or(Problem::from))?;
        Ok(Part::Stored(Box::new(stored)))
    }

    /// Returns a problem that also names what is stored already.
    fn with_stored(&self, problem: Problem, stored: &[Entry]) -> Problem {
        match stored {
            [] => problem,
            stored => {
                let names: Vec<String> = stored.iter().map(|entry| format!("`{}`", self.identity.shown(entry.key()))).collect();
                problem.and(&format!("stored already: {}", names.join(", ")))
            }
        }
    }
}

/// Returns the next bytes of a field, which come within a time; none after the last.
async fn next_of(field: &mut Field<'_>, within: Duration) -> Result<Option<Bytes>, Problem> {
    while let Some(bytes) = timeout(within, field.chunk()).await.map_err(|_| stalled(within))?.map_err(malformed)? {
        if !bytes.is_empty() {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

/// Refuses a body that is no form with files.
fn require_form(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()?.split(';').next()).unwrap_or_default();
    if kind.trim().eq_ignore_ascii_case(FORM) {
        return Ok(());
    }
    let detail = format!("files are sent here as a form, `{FORM}`; `PUT /api/v1/files/content/PATH` takes one as it is");
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, name::MEDIA_TYPE, detail))
}

/// Returns the path of a file of this name in a directory.
fn place(directory: &str, name: &str) -> String {
    match directory.trim_end_matches('/') {
        "" | "." => format!("./{name}"),
        directory => format!("{directory}/{name}"),
    }
}

/// Takes a setting for the files that follow.
fn set(into: &mut Destination, setting: &str, value: String, stored: usize) -> Result<(), Problem> {
    match (setting, value.as_str()) {
        _ if stored > 0 => return Err(Problem::invalid(setting, "it is for the files after it; put it before the first")),
        ("replace", "true" | "on" | "1") => into.replace = true,
        ("replace", "false" | "") => into.replace = false,
        ("replace", _) => return Err(Problem::invalid("replace", "it is `true` or `false`")),
        _ => into.path = Some(value).filter(|path| !path.is_empty()),
    }
    Ok(())
}

/// Reads the value of a setting, which is short.
async fn text(field: &mut Field<'_>, name: &str, within: Duration) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = next_of(field, within).await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > PATH_MAX {
            return Err(Problem::invalid(name, format_args!("it has more than {PATH_MAX} bytes")));
        }
    }
    String::from_utf8(bytes).map_err(|_| Problem::invalid(name, "it is not UTF-8"))
}

/// Returns the problem of a form that cannot be read, as where its body breaks off, which is no error of the server.
fn malformed(error: MultipartError) -> Problem {
    match error.status() {
        // The reader of forms takes for an error of the server what is one of the body.
        StatusCode::INTERNAL_SERVER_ERROR => Problem::new(
            StatusCode::BAD_REQUEST,
            name::INVALID_FIELD,
            format!("the body breaks off, or its boundary or the header of a field is not there within {} KiB", AHEAD_MAX >> 10),
        ),
        status => Problem::new(status, name::INVALID_FIELD, format_args!("the form cannot be read: {}", error.body_text())),
    }
}

/// Body of a form, of which no more is read at once than one piece, and no more than a bound that belongs to no field: the reader of forms
/// takes all that it is given, and keeps what has no end.
struct Metered {
    inner: Body,
    /// Bytes that were read since the last that belonged to a field.
    ahead: Arc<AtomicUsize>,
    /// True if a piece was given at the last asking, so that the next one gives none.
    is_due: bool,
}

impl HttpBody for Metered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if std::mem::take(&mut self.is_due) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        self.is_due = true;
        let len = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref().map(Bytes::len)).unwrap_or(0);
        match self.ahead.fetch_add(len, Ordering::Relaxed) {
            before if before > AHEAD_MAX => {
                let detail = format!("the header of a field has more than {AHEAD_MAX} bytes");
                Poll::Ready(Some(Err(axum::Error::new(std::io::Error::other(detail)))))
            }
            _ => Poll::Ready(frame),
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_place_in_a_directory() {
        for (directory, place_of) in [("", "./a"), (".", "./a"), ("docs", "docs/a"), ("docs/", "docs/a"), ("~bob/x", "~bob/x/a")]
        {
            assert_eq!(place(directory, "a"), place_of);
        }
    }

    #[test]
    fn settings_are_for_the_files_after_them() {
        let mut into = Destination::default();
        set(&mut into, "path", "docs".into(), 0).unwrap();
        set(&mut into, "replace", "true".into(), 0).unwrap();
        assert_eq!((into.path.as_deref(), into.replace), (Some("docs"), true));
        assert!(set(&mut into, "path", "elsewhere".into(), 1).is_err() && set(&mut into, "replace", "yes".into(), 0).is_err());
    }
}
