//! Answers to requests about uploads: what is told of an upload in the header and as JSON. Both protocols find their fields in each answer, so
//! that one resource speaks them at once.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use p2p_service::access::Access;
use p2p_service::files::{End, UploadId};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use utoipa::ToSchema;

use super::fields::{UPLOAD_COMPLETE, UPLOAD_LENGTH, UPLOAD_LIMIT, UPLOAD_OFFSET};
use super::metadata::UPLOAD_METADATA;
use super::refusal::Refusal;
use super::state::Upload;
use crate::api::digests;
use crate::targets;

/// Name of the field with the time from which on an upload may be dropped, of tus.
const UPLOAD_EXPIRES: &str = "upload-expires";
/// Format of dates in headers (RFC 9110, section 5.6.7).
const HTTP_DATE: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");

/// An upload, as JSON.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UploadState {
    /// Name of the upload: 32 hexadecimal digits.
    id: String,
    /// Path of the file that it is to become.
    path: String,
    /// State: `open` if content is to follow, `stored` if the file is there.
    state: &'static str,
    /// Bytes of the content that are kept: they are there after a crash of the server too.
    offset: u64,
    /// Size of the whole content in bytes, if it is known.
    size: Option<u64>,
    /// SHA-256 of the file, or the one without which the content becomes no file, as hexadecimal digits.
    sha256: Option<String>,
    /// True while a request, or a client of another service, sends content.
    is_under_way: bool,
    /// Time at which it began, in seconds since 1970.
    began_at: u64,
    /// Time from which on it may be dropped, in seconds since 1970: a day after it was begun or continued, or was stored.
    expires_at: u64,
    /// Target by which the upload is asked for and continued.
    location: String,
    /// Target of the content of the file, once it is stored.
    content: Option<String>,
}

/// Uploads of a user.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Uploads {
    /// Uploads, by their names.
    uploads: Vec<UploadState>,
}

impl Uploads {
    pub(super) fn of(uploads: &[Upload]) -> Uploads {
        Uploads { uploads: uploads.iter().map(UploadState::of).collect() }
    }
}

impl UploadState {
    pub(super) fn of(upload: &Upload) -> UploadState {
        let note = &upload.note;
        let stored = upload.stored();
        UploadState {
            id: note.id.to_string(),
            path: note.path.clone(),
            state: if stored.is_some() { "stored" } else { "open" },
            offset: upload.offset(),
            size: note.size,
            sha256: stored.or(note.sha256).map(|sha256| sha256.to_string()),
            is_under_way: upload.kept.as_ref().is_some_and(|kept| kept.transfer.is_some()),
            began_at: note.began_at,
            expires_at: upload.expires_at(),
            location: location(note.id),
            content: stored.map(|_| targets::content(&note.path)),
        }
    }
}

/// Returns the target of an upload.
pub(super) fn location(id: UploadId) -> String {
    format!("/api/v1/uploads/{id}")
}

/// Returns the fields that tell of an upload.
pub(super) fn fields(access: &Access, upload: &Upload) -> HeaderMap {
    let (note, mut fields) = (&upload.note, HeaderMap::new());
    let mut put = |name: &'static str, value: String| {
        // What a client sends is visible ASCII, as it was read.
        fields.extend(HeaderValue::try_from(value).ok().map(|value| (HeaderName::from_static(name), value)));
    };
    put(UPLOAD_OFFSET, upload.offset().to_string());
    put(UPLOAD_COMPLETE, if upload.stored().is_some() { "?1" } else { "?0" }.to_owned());
    match note.size {
        Some(size) => put(UPLOAD_LENGTH, size.to_string()),
        None => put("upload-defer-length", "1".to_owned()),
    }
    if !note.metadata.is_empty() {
        put(UPLOAD_METADATA, note.metadata.clone());
    }
    let expires_at = i64::try_from(upload.expires_at()).ok().and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
    if let Some(date) = expires_at.and_then(|at| at.format(HTTP_DATE).ok()) {
        put(UPLOAD_EXPIRES, date);
    }
    put(UPLOAD_LIMIT, limits(access, Some(upload)));
    if let End::Stored(sha256) = note.end {
        put("content-location", targets::content(&note.path));
        fields.extend(digests::told(&sha256).map(|digest| (digests::REPR_DIGEST, digest)));
    }
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    fields
}

/// Returns the limits of an upload, or of all (draft-ietf-httpbis-resumable-upload, section 4.1.4).
pub(super) fn limits(access: &Access, upload: Option<&Upload>) -> String {
    let size = format!("max-size={}", access.file_size_max());
    match upload {
        Some(upload) => format!("{size}, max-age={}", upload.expires_at().saturating_sub(access.now())),
        None => size,
    }
}

/// Answers with the state of an upload: with JSON where a body says more than the header.
pub(super) fn told(access: &Access, status: StatusCode, upload: &Upload) -> Response {
    let fields = fields(access, upload);
    match status {
        StatusCode::NO_CONTENT => (status, fields).into_response(),
        StatusCode::CREATED => {
            // A client of the draft finds the upload at the same place in each answer.
            let location = [(LOCATION, location(upload.note.id))];
            (status, fields, location, Json(UploadState::of(upload))).into_response()
        }
        _ => (status, fields, Json(UploadState::of(upload))).into_response(),
    }
}

/// Returns a refusal with the state of the upload in its header, at which a client goes on.
pub(super) fn at(refusal: Refusal, access: &Access, upload: &Upload) -> Refusal {
    refusal.with_all(fields(access, upload))
}
