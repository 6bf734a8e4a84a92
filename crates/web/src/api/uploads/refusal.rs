//! Refusals: why a request about an upload is not done, as a problem document (RFC 9457) with what a protocol says beside it.

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use p2p_base::spelling::visible_json;
use p2p_service::access::{Access, AccessError};
use p2p_service::files::EngineError;
use p2p_service::reasons::name;
use serde_json::{Map, Value};

use super::fields::UPLOAD_LIMIT;
use crate::problem::{MEDIA_TYPE, Problem};

/// Status of content with another checksum than the request says (tus, section "Checksum").
const CHECKSUM_MISMATCH: u16 = 460;
/// Begin of the types of problems that the draft defines (section 8).
const DRAFT_PROBLEMS: &str = "https://iana.org/assignments/http-problem-types#";

/// Request that is refused: a problem with what a protocol says beside it.
#[derive(Debug)]
pub(super) struct Refusal {
    problem: Box<Problem>,
    /// Type of the draft, or title, where it is not that of the problem.
    kind: Option<&'static str>,
    title: Option<&'static str>,
    members: Vec<(&'static str, u64)>,
    // In a box, as most results are no refusals.
    fields: Box<HeaderMap>,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Refusal {
        Refusal { problem: Box::new(problem), kind: None, title: None, members: Vec::new(), fields: Box::default() }
    }
}

impl From<AccessError> for Refusal {
    fn from(error: AccessError) -> Refusal {
        Problem::from(error).into()
    }
}

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Refusal {
        Problem::from(error).into()
    }
}

impl Refusal {
    pub(super) fn new(status: StatusCode, reason: &'static str, detail: impl ToString) -> Refusal {
        Problem::new(status, reason, detail).into()
    }

    /// Returns the refusal of content that does not go on where the upload does (section 8.1 of the draft).
    pub(super) fn other_offset(given: u64, expected: u64) -> Refusal {
        let text = format!("upload-offset: {given} is not the position at which the upload goes on, which is {expected}");
        let refusal = Refusal::new(StatusCode::CONFLICT, name::OUT_OF_RANGE, text);
        let members = vec![("expected-offset", expected), ("provided-offset", given)];
        Refusal { kind: Some("mismatching-upload-offset"), members, ..refusal }
    }

    /// Returns the refusal of content for an upload that is complete (section 8.2 of the draft).
    pub(super) fn complete() -> Refusal {
        let text = "all content of the upload has come, and its file is stored";
        Refusal { kind: Some("completed-upload"), ..Refusal::new(StatusCode::BAD_REQUEST, name::STATE, text) }
    }

    /// Returns the refusal of sizes that do not fit each other (section 8.3 of the draft).
    pub(super) fn other_length(detail: impl ToString) -> Refusal {
        let refusal = Refusal::new(StatusCode::BAD_REQUEST, name::UPLOAD_DIFFERS, detail);
        Refusal { kind: Some("inconsistent-upload-length"), ..refusal }
    }

    /// Returns the refusal of content with another checksum than its request says.
    pub(super) fn other_checksum() -> Refusal {
        let status = StatusCode::from_u16(CHECKSUM_MISMATCH).unwrap_or(StatusCode::BAD_REQUEST);
        let text = "the content has another checksum than the request says; nothing of it is kept, send it again";
        Refusal { title: Some("Checksum Mismatch"), ..Refusal::new(status, name::CONTENT_DIFFERS, text) }
    }

    /// Returns the refusal of content that is longer than it may be.
    pub(super) fn too_large(access: &Access, detail: impl ToString) -> Refusal {
        let refusal = Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, name::TOO_LARGE, detail);
        refusal.with(UPLOAD_LIMIT, &format!("max-size={}", access.file_size_max()))
    }

    /// Returns the refusal with a field in its header.
    pub(super) fn with(mut self, name: &'static str, value: &str) -> Refusal {
        self.fields.extend(HeaderValue::from_str(value).ok().map(|value| (HeaderName::from_static(name), value)));
        self
    }

    /// Returns the refusal with fields in its header.
    pub(super) fn with_all(mut self, fields: HeaderMap) -> Refusal {
        self.fields.extend(fields);
        self
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.problem.status();
        let mut document = match serde_json::to_value(self.problem.told()) {
            Ok(Value::Object(document)) => document,
            _ => Map::new(),
        };
        document.extend(self.kind.map(|kind| ("type".to_owned(), Value::from(format!("{DRAFT_PROBLEMS}{kind}")))));
        document.extend(self.title.map(|title| ("title".to_owned(), Value::from(title))));
        document.extend(self.members.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))));
        // The fields of the problem itself, as the time to wait, go before those of the upload.
        let mut response = (status, *self.fields, self.problem.into_response()).into_response();
        *response.body_mut() = visible_json(&Value::Object(document).to_string()).into_owned().into();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        response.headers_mut().remove(http::header::CONTENT_LENGTH);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_what_the_draft_says() {
        let response = Refusal::other_offset(7, 5).with("upload-offset", "5").into_response();
        assert_eq!(
            (response.status(), &response.headers()["upload-offset"]),
            (StatusCode::CONFLICT, &HeaderValue::from_static("5"))
        );
        assert_eq!(response.headers()[CONTENT_TYPE], MEDIA_TYPE);
        assert_eq!(Refusal::other_checksum().into_response().status(), 460);
    }
}
