//! Resumable uploads: tus 1.0.0 (<https://tus.io/protocols/resumable-upload>) and draft-ietf-httpbis-resumable-upload-15 on one resource, on
//! the uploads that the engine keeps.
//!
//! | file | contents |
//! |---|---|
//! | `creating` | the begin of an upload |
//! | `fields`, `metadata`, `checksum` | what stands in the headers of requests |
//! | `state` | an upload as it is kept |
//! | `holds` | which request works on an upload |
//! | `content` | the content of a request, as it comes or once its checksum is right |
//! | `append` | the content given to the upload, and the file that it becomes |
//! | `answers`, `refusal` | what is told of an upload, and why a request is not done |

mod answers;
mod append;
mod checksum;
mod content;
mod creating;
mod fields;
mod holds;
mod metadata;
mod refusal;
mod state;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use p2p_service::access::{Access, Identity};
use p2p_service::files::{Await, Cancel, ForgetUpload, UploadId};
use p2p_service::reasons::name;
use tokio::time::timeout;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::answers::{UploadState, Uploads, at, fields as told_fields, limits, told};
use self::append::{Append, Ends};
use self::checksum::Checksum;
use self::content::{Content, Refused};
use self::fields::{Protocol, TUS_EXTENSIONS, TUS_RESUMABLE, TUS_VERSION, UPLOAD_COMPLETE, UPLOAD_LENGTH, UPLOAD_OFFSET};
use self::holds::{Held, Holds, NotHeld, REST_MAX};
use self::refusal::Refusal;
use self::state::{Upload, unrested};
use super::extract::Path;
use super::files::FileContent;
use crate::callers::{Caller, Stranger};
use crate::problem::Problem;
use crate::spools::Spools;
use crate::web::Web;

/// Name of the field with the method that is meant, for clients that cannot send it (tus, section "Requests").
const METHOD_OVERRIDE: &str = "x-http-method-override";

/// Returns the routes of uploads.
pub(super) fn routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(list, creating::create, options))
        .routes(routes!(get, head, patch, delete, overridden, options_of_one))
        .layer(Extension(Holds::default()))
        .layer(from_fn(versioned))
}

/// Refuses other versions of tus, and says in each answer which one is spoken (tus, section "Tus-Resumable").
async fn versioned(request: Request, next: Next) -> Response {
    let version = request.headers().get(TUS_RESUMABLE).cloned();
    let is_other = version.as_ref().is_some_and(|version| version.as_bytes() != TUS_VERSION.as_bytes());
    let mut response = match is_other && request.method() != Method::OPTIONS {
        true => {
            let text = format!("{TUS_RESUMABLE}: only version {TUS_VERSION} of tus is spoken");
            let refusal = Refusal::new(StatusCode::PRECONDITION_FAILED, name::INVALID_FIELD, text);
            refusal.with("tus-version", TUS_VERSION).into_response()
        }
        false => next.run(request).await,
    };
    response.headers_mut().insert(TUS_RESUMABLE, HeaderValue::from_static(TUS_VERSION));
    response
}

/// Reads the name of an upload. What is no name is of no upload.
fn named(text: &str) -> Result<UploadId, Refusal> {
    text.parse().map_err(|error| Refusal::new(StatusCode::NOT_FOUND, name::NOT_FOUND, error))
}

/// Returns who makes a request, if somebody is logged in.
fn user(access: &Access) -> Result<std::sync::Arc<Identity>, Refusal> {
    let identity = access.identity();
    access.require_login(&identity)?;
    Ok(identity)
}

/// Takes an upload over from whoever works on it.
async fn hold(holds: &Holds, id: UploadId) -> Result<Held, Refusal> {
    holds.take(id).await.map_err(|why| match why {
        NotHeld::Busy => unrested(),
        NotHeld::TakenOver => {
            Refusal::new(StatusCode::CONFLICT, name::TAKEN_OVER, format!("a later request has taken upload {id} over"))
        }
    })
}

/// Takes an upload of the caller over, once nobody sends content of it. Nobody ends the request of another user.
async fn taken_over(access: &Access, holds: &Holds, (identity, id): (&Identity, UploadId)) -> Result<(Held, Upload), Refusal> {
    Upload::known(access, identity, id).await?;
    let held = hold(holds, id).await?;
    Ok((held, Upload::rested(access, identity, id).await?))
}

/// Lists the resumable uploads of the caller, and those that are stored since a day at the most.
#[utoipa::path(get, path = "/uploads", operation_id = "list_uploads", responses(
    (status = 200, description = "The uploads", body = Uploads),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
async fn list(Caller(access): Caller) -> Result<Json<Uploads>, Refusal> {
    let identity = user(&access)?;
    Ok(Json(Uploads::of(&Upload::all(&access, &identity).await?)))
}

/// Says how far an upload is, as JSON: for clients whose proxies let no HEAD through, and without ending what another request does.
#[utoipa::path(get, path = "/uploads/{id}", operation_id = "get_upload", params(("id" = String, Path, description = "Name of the upload")), responses(
    (status = 200, description = "The upload", body = UploadState),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
async fn get(Caller(access): Caller, Path(id): Path<String>) -> Result<Response, Refusal> {
    let identity = user(&access)?;
    let upload = Upload::known(&access, &identity, named(&id)?).await?;
    Ok(told(&access, StatusCode::OK, &upload))
}

/// Says how far an upload is. A request that sends content is ended, so that a client that has lost its connection can go on where this says.
#[utoipa::path(head, path = "/uploads/{id}", operation_id = "head_upload", params(("id" = String, Path, description = "Name of the upload")), responses(
    (status = 200, description = "The header says how far the upload is"),
    (status = "default", description = "What is wrong"),
))]
async fn head(Caller(access): Caller, Extension(holds): Extension<Holds>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let (_held, upload) = taken_over(&access, &holds, (&*user(&access)?, named(&id)?)).await?;
    Ok((StatusCode::OK, told_fields(&access, &upload)).into_response())
}

/// Continues an upload with the content, which begins at `Upload-Offset`. By tus, the file is stored with the last byte of its size; by the
/// draft, with `Upload-Complete: ?1`.
#[utoipa::path(patch, path = "/uploads/{id}", operation_id = "continue_upload", params(
    ("id" = String, Path, description = "Name of the upload"),
    ("Upload-Offset" = u64, Header, description = "Position of the first byte of the content"),
    ("Upload-Complete" = Option<String>, Header, description = "`?1` if the content is the last, and `?0` otherwise, by the draft"),
    ("Upload-Length" = Option<u64>, Header, description = "Size of the whole content, if it was not known before"),
    ("Upload-Checksum" = Option<String>, Header, description = "`sha256` or `sha1` with the checksum of the content in Base64, by tus"),
), request_body(content = FileContent, content_type = "application/offset+octet-stream", description = "Content, also as application/partial-upload"),
responses(
    (status = 201, description = "The file is stored, by the draft", body = UploadState),
    (status = 204, description = "The content is kept, or the file is stored; the header says how far the upload is"),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
async fn patch(
    Caller(access): Caller,
    Extension(holds): Extension<Holds>,
    Extension(spools): Extension<Spools>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let wanted = Wanted::of(&headers, &body);
    match prepared(&access, &holds, &id, wanted).await {
        Ok((held, upload, wanted)) => appended(&access, &holds, (held, upload), wanted, Content::Sent(body, spools)).await,
        Err(refusal) => {
            content::drained(body).await;
            Err(refusal)
        }
    }
}

/// Takes an upload over for content that can follow what is kept of it.
async fn prepared(
    access: &Access,
    holds: &Holds,
    id: &str,
    wanted: Result<Wanted, Refusal>,
) -> Result<(Held, Upload, Wanted), Refusal> {
    let (identity, id, wanted) = (user(access)?, named(id)?, wanted?);
    let (held, upload) = taken_over(access, holds, (&identity, id)).await?;
    wanted.check(access, &upload)?;
    if upload.stored().is_none() {
        // What was shared for it may be so no longer.
        access.place_to_store(&upload.note.path, None)?;
    }
    Ok((held, upload, wanted))
}

/// Part of an upload, as the header of its request describes it.
#[derive(Debug)]
struct Wanted {
    protocol: Protocol,
    offset: u64,
    size: Option<u64>,
    ends: Ends,
    checksum: Option<Checksum>,
    /// Number of bytes of the content, if the client says so.
    len: Option<u64>,
}

impl Wanted {
    fn of(headers: &HeaderMap, body: &Body) -> Result<Wanted, Refusal> {
        let protocol = fields::of_content(headers).ok_or_else(|| {
            let text = format!("content-type: the content of an upload is {} or {}", fields::TUS_CONTENT, fields::DRAFT_CONTENT);
            let refusal = Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, name::INVALID_FIELD, text);
            refusal.with("accept-patch", &format!("{}, {}", fields::TUS_CONTENT, fields::DRAFT_CONTENT))
        })?;
        let missing = |field| Problem::invalid(field, "it is needed");
        let offset = fields::number(headers, UPLOAD_OFFSET)?.ok_or_else(|| missing(UPLOAD_OFFSET))?;
        let ends = match (protocol, fields::boolean(headers, UPLOAD_COMPLETE)) {
            (Protocol::Tus, _) => Ends::AtSize,
            (Protocol::Draft, Some(true)) => Ends::Now,
            (Protocol::Draft, Some(false)) => Ends::Later,
            (Protocol::Draft, None) => return Err(missing(UPLOAD_COMPLETE).into()),
        };
        let len = http_body::Body::size_hint(body).exact();
        let declared = fields::number(headers, UPLOAD_LENGTH)?;
        let size = length(declared, len.filter(|_| ends == Ends::Now).map(|len| offset.saturating_add(len)))?;
        Ok(Wanted { protocol, offset, size, ends, checksum: Checksum::of(headers, protocol)?, len })
    }

    /// Refuses content that cannot follow what is kept of an upload.
    fn check(&self, access: &Access, upload: &Upload) -> Result<(), Refusal> {
        let at = |refusal: Refusal| Err(at(refusal, access, upload));
        let kept = upload.offset();
        if upload.stored().is_some() {
            return match self.protocol {
                // The end of a request that was not answered is sent again.
                Protocol::Tus if self.offset == kept && self.len == Some(0) => Ok(()),
                Protocol::Draft if self.len != Some(0) => at(Refusal::other_length("all content of the upload has come")),
                _ => at(Refusal::complete()),
            };
        }
        if self.offset != kept {
            return at(Refusal::other_offset(self.offset, kept));
        }
        match (upload.note.size, self.size) {
            (Some(size), Some(given)) if size != given => {
                at(Refusal::other_length(format!("the upload was begun with {size} bytes, and this request says {given}")))
            }
            (_, Some(given)) if given < kept => at(Refusal::other_length(format!(
                "{kept} bytes are kept of the upload, and this request says that it has {given}"
            ))),
            (_, Some(given)) if given > access.file_size_max() => {
                at(Refusal::too_large(access, format!("no file has more than {} bytes", access.file_size_max())))
            }
            (size, given) => match (size.or(given), self.len) {
                (Some(size), Some(len)) if kept.saturating_add(len) > size => {
                    at(Refusal::other_length(format!("{len} bytes do not fit: {kept} of {size} are kept")))
                }
                _ => Ok(()),
            },
        }
    }
}

/// Returns the size that a request says, which it may say in two ways (draft-ietf-httpbis-resumable-upload, section 4.1.3).
fn length(declared: Option<u64>, counted: Option<u64>) -> Result<Option<u64>, Refusal> {
    match (declared, counted) {
        (Some(declared), Some(counted)) if declared != counted => {
            Err(Refusal::other_length(format!("upload-length says {declared} bytes, and the content ends after {counted}")))
        }
        _ => Ok(declared.or(counted)),
    }
}

/// Gives the content of a request to an upload, and answers.
async fn appended(
    access: &Access,
    holds: &Holds,
    (held, mut upload): (Held, Upload),
    wanted: Wanted,
    content: Content,
) -> Result<Response, Refusal> {
    if upload.stored().is_some() {
        return Ok(told(access, StatusCode::NO_CONTENT, &upload));
    }
    let content = checked(access, &upload, &wanted, content).await?;
    if let Some(size) = wanted.size.filter(|_| upload.note.size.is_none()) {
        upload.note.size = Some(size);
        upload.noted(access).await?;
    }
    let append = Append { access: access.clone(), held, upload, content, ends: wanted.ends, is_new: false };
    let upload = holds.run(append.run()).await.ok_or_else(Problem::internal)??;
    let status = match (wanted.protocol, upload.stored()) {
        // The answer is that of the request which would have stored all at once (section 4.4.2 of the draft).
        (Protocol::Draft, Some(_)) => StatusCode::CREATED,
        _ => StatusCode::NO_CONTENT,
    };
    Ok(told(access, status, &upload))
}

/// Returns the content once its checksum is right, if the request names one.
async fn checked(access: &Access, upload: &Upload, wanted: &Wanted, content: Content) -> Result<Content, Refusal> {
    let Some(checksum) = wanted.checksum else { return Ok(content) };
    let left = upload.note.size.or(wanted.size).map_or(u64::MAX, |size| size.saturating_sub(wanted.offset));
    let user = upload.note.user.as_deref().unwrap_or_default();
    content.checked(checksum, left, user).await.map_err(|why| {
        let refusal = match why {
            Refused::Differs if wanted.protocol == Protocol::Tus => Refusal::other_checksum(),
            Refused::Differs => {
                let text = "content-digest: the content has another SHA-256; nothing of it is kept, send it again";
                Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, name::CONTENT_DIFFERS, text)
            }
            Refused::Longer(max) => {
                let text = format!("content with a checksum has at most {max} bytes here; send it in several requests");
                Refusal::too_large(access, text)
            }
            Refused::NoRoom => {
                let text = "your temporary files for content with a checksum, or those of all users, have no room; try again later, or \
                            send less at once";
                Refusal::new(StatusCode::SERVICE_UNAVAILABLE, name::NO_ROOM, text).with("retry-after", "1")
            }
            Refused::Broken(broken) => append::broken_off(&broken),
        };
        at(refusal, access, upload)
    })
}

/// Undoes an upload. Of one that is stored, only what is told of it is forgotten: the file stays.
#[utoipa::path(delete, path = "/uploads/{id}", operation_id = "delete_upload", params(("id" = String, Path, description = "Name of the upload")), responses(
    (status = 204, description = "Nothing is kept of the upload"),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
async fn delete(
    Caller(access): Caller,
    Extension(holds): Extension<Holds>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let (_held, upload) = taken_over(&access, &holds, (&*user(&access)?, named(&id)?)).await?;
    if let Some(kept) = &upload.kept {
        match kept.transfer {
            Some(transfer) => {
                let _ = access.call(Cancel { transfer }).await;
                let _ = timeout(REST_MAX, access.call(Await { transfer })).await.map_err(|_| unrested())?;
            }
            None => forget(&access, upload.note.id).await?,
        }
    }
    access.forget_upload_note(upload.note.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Undoes what the engine keeps of an upload.
async fn forget(access: &Access, id: UploadId) -> Result<(), Refusal> {
    let transfer = access.begin(ForgetUpload { upload: id }.into()).await?;
    let report = timeout(REST_MAX, access.call(Await { transfer })).await.map_err(|_| unrested())??;
    report.into_result()?;
    Ok(())
}

/// Does what `X-HTTP-Method-Override` says, for clients that can send nothing but POST.
#[utoipa::path(post, path = "/uploads/{id}", operation_id = "upload_by_post", params(
    ("id" = String, Path, description = "Name of the upload"),
    ("X-HTTP-Method-Override" = String, Header, description = "PATCH, HEAD or DELETE"),
), request_body(content = FileContent, content_type = "application/offset+octet-stream", description = "Content, for PATCH"), responses(
    (status = 200, description = "As HEAD answers"),
    (status = 201, description = "As PATCH answers", body = UploadState),
    (status = 204, description = "As PATCH and DELETE answer"),
    (status = "default", description = "What is wrong", body = Problem, content_type = "application/problem+json"),
))]
async fn overridden(
    caller: Caller,
    holds: Extension<Holds>,
    spools: Extension<Spools>,
    id: Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    match fields::text(&headers, METHOD_OVERRIDE)? {
        Some("PATCH") => patch(caller, holds, spools, id, headers, body).await,
        Some("HEAD") => head(caller, holds, id).await,
        Some("DELETE") => delete(caller, holds, id).await.map(IntoResponse::into_response),
        _ => {
            let text = format!("content of an upload is sent by PATCH; by POST, {METHOD_OVERRIDE} says PATCH, HEAD or DELETE");
            let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, name::INVALID_FIELD, text);
            Err(refusal.with("allow", "GET, HEAD, PATCH, DELETE, OPTIONS, POST"))
        }
    }
}

/// Says what is spoken: the versions, extensions and limits of tus, and what the draft wants to be known before.
#[utoipa::path(options, path = "/uploads", operation_id = "upload_options", responses((status = 204, description = "The header says what is spoken")))]
async fn options(Stranger(access): Stranger) -> Response {
    let max = access.file_size_max().to_string();
    let fields = [
        ("tus-version", TUS_VERSION),
        ("tus-extension", TUS_EXTENSIONS),
        ("tus-max-size", &max),
        ("tus-checksum-algorithm", checksum::ALGORITHMS),
        ("accept-patch", "application/offset+octet-stream, application/partial-upload"),
        ("upload-limit", &limits(&access, None)),
    ];
    (StatusCode::NO_CONTENT, fields.map(|(name, value)| (name, value.to_owned()))).into_response()
}

/// Says what is spoken, at an upload as at all of them.
#[utoipa::path(options, path = "/uploads/{id}", operation_id = "upload_options_of_one", params(("id" = String, Path, description = "Name of the upload")),
responses((status = 204, description = "The header says what is spoken")))]
async fn options_of_one(stranger: Stranger) -> Response {
    options(stranger).await
}
