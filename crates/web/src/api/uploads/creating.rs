//! Begin of an upload: by tus (section "Creation"), or by the draft (section 4.2). Everything that can be known before its content is refused
//! before its content.

use axum::Extension;
use axum::body::Body;
use axum::response::Response;
use http::header::{IF_MATCH, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
use http::{HeaderMap, StatusCode};
use http_body::Body as _;
use p2p_service::access::{Access, Identity};
use p2p_service::files::{Declared, End, KEPT_FOR, Park, UploadId, UploadNote};
use p2p_service::reasons::name;
use tokio::time::timeout;

use super::answers::{UploadState, told};
use super::append::{Append, Ends};
use super::checksum::Checksum;
use super::content::{Content, drained};
use super::fields::{self, Protocol, TUS_CONTENT, TUS_RESUMABLE, UPLOAD_COMPLETE, UPLOAD_LENGTH};
use super::holds::{Held, Holds, REST_MAX};
use super::metadata::{Metadata, Place};
use super::refusal::Refusal;
use super::state::{Upload, too_many, unrested};
use super::{Wanted, checked, forget, hold, length, user};
use crate::api::extract::Query;
use crate::api::files::FileContent;
use crate::callers::Caller;
use crate::problem::Problem;
use crate::spools::Spools;

/// Upload that is to begin.
struct New {
    metadata: Metadata,
    part: Wanted,
    /// True if the request has content.
    has_content: bool,
}

impl New {
    fn of(headers: &HeaderMap, place: Place, body: &Body) -> Result<New, Refusal> {
        // A client that is not told so would take its file for the one that it has seen.
        if let Some(header) = [IF_MATCH, IF_NONE_MATCH, IF_UNMODIFIED_SINCE].iter().find(|header| headers.contains_key(*header)) {
            let text = "an upload in pieces has no conditions: it replaces nothing unless `replace` says so; `PUT files/content/PATH` has them";
            return Err(Problem::invalid(header.as_str(), text).into());
        }
        let is_empty = body.is_end_stream() || body.size_hint().exact() == Some(0);
        let completes = fields::boolean(headers, UPLOAD_COMPLETE);
        match completes {
            _ if headers.contains_key(TUS_RESUMABLE) => New::of_tus(headers, body, is_empty),
            Some(completes) => New::of_draft(headers, place, body, (completes, is_empty)),
            None => {
                let text = "an upload is begun with `Tus-Resumable: 1.0.0` or with `Upload-Complete: ?0` or `?1`";
                Err(Problem::invalid(UPLOAD_COMPLETE, text).into())
            }
        }
    }

    fn of_tus(headers: &HeaderMap, body: &Body, is_empty: bool) -> Result<New, Refusal> {
        let (size, deferred) = (fields::number(headers, UPLOAD_LENGTH)?, fields::text(headers, "upload-defer-length")?);
        match (size, deferred) {
            (Some(_), None) | (None, Some("1")) => {}
            (Some(_), Some(_)) => return Err(Problem::invalid(UPLOAD_LENGTH, "it is there, and deferred too").into()),
            (None, Some(_)) => return Err(Problem::invalid("upload-defer-length", "its value is 1").into()),
            (None, None) => return Err(Problem::invalid(UPLOAD_LENGTH, "it is needed, or `Upload-Defer-Length: 1`").into()),
        }
        if !is_empty && fields::of_content(headers) != Some(Protocol::Tus) {
            let text = format!("content-type: content that comes with the begin of an upload is {TUS_CONTENT}");
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, name::INVALID_FIELD, text));
        }
        let checksum = Checksum::of(headers, Protocol::Tus)?;
        let part =
            Wanted { protocol: Protocol::Tus, offset: 0, size, ends: Ends::AtSize, checksum, len: body.size_hint().exact() };
        Ok(New { metadata: Metadata::of_tus(headers)?, part, has_content: !is_empty || size == Some(0) })
    }

    fn of_draft(headers: &HeaderMap, place: Place, body: &Body, (completes, is_empty): (bool, bool)) -> Result<New, Refusal> {
        let len = if is_empty { Some(0) } else { body.size_hint().exact() };
        let size = length(fields::number(headers, UPLOAD_LENGTH)?, len.filter(|_| completes))?;
        let (protocol, ends) = (Protocol::Draft, if completes { Ends::Now } else { Ends::Later });
        let part = Wanted { protocol, offset: 0, size, ends, checksum: Checksum::of(headers, protocol)?, len };
        Ok(New { metadata: Metadata::of_draft(headers, place)?, part, has_content: !is_empty || completes })
    }

    /// Refuses sizes that cannot be.
    fn check(&self, access: &Access) -> Result<(), Refusal> {
        let max = access.file_size_max();
        match (self.part.size, self.part.len) {
            (Some(size), _) if size > max => Err(Refusal::too_large(access, format!("no file has more than {max} bytes"))),
            (Some(size), Some(len)) if len > size => {
                Err(Refusal::other_length(format!("the content has {len} bytes, and the upload {size}")))
            }
            _ => Ok(()),
        }
    }

    /// Returns the note of the upload, of which nothing is kept yet.
    fn note(&self, access: &Access, identity: &Identity) -> Result<UploadNote, Refusal> {
        let Metadata { path, name, sha256, stored_as, text } = self.metadata.clone();
        let (path, own) = match (path, name) {
            (Some(path), own) => (path, own),
            (None, Some(name)) => (name, None),
            (None, None) => return Err(Problem::invalid("path", "the upload is given a path or a filename").into()),
        };
        // The root of the user's own files is a directory too.
        let placed = match own.as_deref().filter(|_| path.is_empty()) {
            Some(own) => access.place_to_store(own, None)?,
            None => access.place_to_store(&path, own.as_deref())?,
        };
        let path = identity.label(&placed);
        let id = UploadId::random().map_err(|error| {
            tracing::error!(%error, "the system gives no random bytes");
            Problem::internal()
        })?;
        let (user, began_at) = (identity.name().map(str::to_owned), access.now());
        let expires_at = began_at.saturating_add(KEPT_FOR.as_secs());
        let (is_kept, tail, end) = (false, (0, Vec::new()), End::Open);
        Ok(UploadNote {
            id,
            user,
            path,
            size: self.part.size,
            sha256,
            stored_as,
            metadata: text,
            began_at,
            expires_at,
            is_kept,
            tail,
            end,
        })
    }
}

/// Begins an upload, by tus or by the draft. Content may come with it, and the file is stored at once if that is all.
#[utoipa::path(post, path = "/uploads", operation_id = "begin_upload", params(
    Place,
    ("Tus-Resumable" = Option<String>, Header, description = "`1.0.0`, by tus"),
    ("Upload-Length" = Option<u64>, Header, description = "Size of the whole content"),
    ("Upload-Defer-Length" = Option<String>, Header, description = "`1` if the size is told later, by tus"),
    ("Upload-Metadata" = Option<String>, Header, description = "Keys with values in Base64, by tus: path, filename, sha256, replace, modified, mode"),
    ("Upload-Complete" = Option<String>, Header, description = "`?1` if all content comes with the request, and `?0` otherwise, by the draft"),
), request_body(content = FileContent, content_type = "application/offset+octet-stream", description = "Content, which may be empty"), responses(
    (status = 201, description = "The upload has begun, or its file is stored", body = UploadState),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn create(
    Caller(access): Caller,
    Extension(holds): Extension<Holds>,
    Extension(spools): Extension<Spools>,
    Query(place): Query<Place>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let new = New::of(&headers, place, &body);
    let (new, held, upload) = match prepared(&access, &holds, new).await {
        Ok(prepared) => prepared,
        Err(refusal) => {
            drained(body).await;
            return Err(refusal);
        }
    };
    if !new.has_content {
        return Ok(told(&access, StatusCode::CREATED, &upload));
    }
    let content = checked(&access, &upload, &new.part, Content::Sent(body, spools)).await?;
    upload.noted(&access).await?;
    let append = Append { access: access.clone(), held, upload, content, ends: new.part.ends, is_new: true };
    let upload = holds.run(append.run()).await.ok_or_else(Problem::internal)??;
    Ok(told(&access, StatusCode::CREATED, &upload))
}

/// Makes a new upload, of which no content is here yet.
async fn prepared(access: &Access, holds: &Holds, new: Result<New, Refusal>) -> Result<(New, Held, Upload), Refusal> {
    let (identity, new) = (user(access)?, new?);
    new.check(access)?;
    // Where there is no room for another, nothing is begun; what counts is the look when it is noted.
    if access.has_uploads_max().await? {
        return Err(too_many());
    }
    let note = new.note(access, &identity)?;
    let held = hold(holds, note.id).await?;
    let mut upload = Upload { note, kept: None };
    if !new.has_content {
        upload.reserve(access).await?;
    }
    Ok((new, held, upload))
}

impl Upload {
    /// Lets the engine keep the upload, of which nothing has come yet, so that its name is its own. What is to replace a file has no name
    /// before it has content, and is looked at all the same.
    async fn reserve(&mut self, access: &Access) -> Result<(), Refusal> {
        let note = &mut self.note;
        let declared = Declared { size: note.size, modified: None };
        let begun = access.store_stream(&note.path, declared, Some(note.id), note.stored_as).await?;
        let parked = timeout(REST_MAX, access.call(Park { transfer: begun.transfer })).await;
        drop(begun.writer);
        let _ = parked.map_err(|_| unrested())?;
        self.kept = access.kept_uploads().await?.into_iter().find(|kept| kept.id == note.id);
        note.is_kept = self.kept.is_some();
        let noted = self.noted(access).await;
        if noted.is_err() && self.kept.is_some() {
            // Nobody can go on with it.
            forget(access, self.note.id).await?;
        }
        noted
    }
}
