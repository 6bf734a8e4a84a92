//! Problems: how errors are told to clients, as problem documents (RFC 9457). The status is that of the error's kind, by the one table of
//! statuses, unless a rule of HTTP has a more exact one.

use std::time::Duration;

use axum::extract::rejection::{BytesRejection, FormRejection, JsonRejection, PathRejection, QueryRejection};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use p2p_base::spelling::{visible_json, visible_line};
use p2p_service::ErrorKind;
use p2p_service::access::AccessError;
use p2p_service::reasons::{Reason, name};
use p2p_service::statuses;
use serde::Serialize;
use utoipa::ToSchema;

use crate::BODY_MAX;
use crate::wording::told;

/// Media type of problem documents (RFC 9457, section 3).
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// A problem document. `reason` is one of those of docs/errors.md, the same as in the errors of gRPC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Page about problems of this reason, relative to the server.
    #[serde(rename = "type")]
    kind: String,
    /// Name of the status.
    title: String,
    /// Status of the answer.
    status: u16,
    /// Sentence about this problem, with the next step where there is one.
    detail: String,
    /// Reason by which programs tell problems of one status apart.
    reason: &'static str,
    /// Field of the request that has no valid value.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// What the problem is about, by kind and name.
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<Resource>,
    /// Quota that is used up.
    #[serde(skip_serializing_if = "Option::is_none")]
    quota: Option<&'static str>,
    /// Seconds after which the request may be repeated, if that can help.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    /// Name of a login that waits for a code (`CODE_NEEDED`), for `auth/otp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge: Option<String>,
    /// Source of that code: `app` or `mail`. A backup code is taken as well.
    #[serde(rename = "kind", skip_serializing_if = "Option::is_none")]
    source: Option<&'static str>,
    /// Seconds until such a code is mailed again, if too many were asked for: none was mailed then.
    #[serde(skip_serializing_if = "Option::is_none")]
    mail_wait: Option<u64>,
    /// Next step of a program, which stands at the end of the detail; people are shown the way by the page.
    #[serde(skip)]
    #[schema(ignore)]
    next: Option<&'static str>,
}

/// Login that waits for the code of a second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CodeNeeded {
    /// Name of the login for `auth/otp`, for ten minutes.
    pub(crate) challenge: String,
    /// Source of the code: `app` or `mail`.
    pub(crate) source: &'static str,
    /// Seconds until a code is mailed again, if too many were asked for.
    pub(crate) mail_wait: Option<u64>,
}

/// What a problem is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Resource {
    kind: String,
    name: String,
}

impl Problem {
    /// Makes a problem of this status and reason.
    pub(crate) fn new(status: StatusCode, reason: &'static str, detail: impl ToString) -> Problem {
        Problem {
            kind: format!("/problems/{reason}"),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            // A client may have named something that is not shown as what it is, or that moves a cursor.
            detail: visible_line(&detail.to_string()).into_owned(),
            reason,
            field: None,
            resource: None,
            quota: None,
            retry_after: None,
            challenge: None,
            source: None,
            mail_wait: None,
            next: None,
        }
    }

    /// Returns the problem of a login that needs a code too.
    pub(crate) fn code_needed(code: CodeNeeded) -> Problem {
        let detail = match code.source {
            "mail" => "the code that was mailed is needed too",
            _ => "a code of the authenticator app is needed too, or a backup code",
        };
        let CodeNeeded { challenge, source, mail_wait } = code;
        let problem = Problem::new(StatusCode::UNAUTHORIZED, name::CODE_NEEDED, detail);
        Problem { challenge: Some(challenge), source: Some(source), mail_wait, ..problem }
    }

    /// Returns the problem of a client that makes too many requests, with the time after which it may make one.
    pub(crate) fn too_many(detail: &str, wait: Duration) -> Problem {
        // Rounded up, so that who waits for so long is served.
        let retry_after = Some(wait.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX).max(1));
        Problem { retry_after, ..Problem::new(StatusCode::TOO_MANY_REQUESTS, name::TOO_MANY_REQUESTS, detail) }
    }

    /// Returns the problem of a request whose field has no valid value.
    pub(crate) fn invalid(field: &str, problem: impl ToString) -> Problem {
        let detail = format!("{field}: {}", problem.to_string());
        Problem { field: Some(field.to_owned()), ..Problem::new(StatusCode::BAD_REQUEST, name::INVALID_FIELD, detail) }
    }

    /// Returns the problem of a request that has met a bug of this program.
    pub(crate) fn internal() -> Problem {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, name::INTERNAL, "an error of the program, which its log has")
    }

    /// Returns the problem with a more exact status than that of its kind.
    pub(crate) fn with_status(self, status: StatusCode) -> Problem {
        let title = status.canonical_reason().unwrap_or_default().to_owned();
        Problem { status: status.as_u16(), title, ..self }
    }

    /// Returns the problem with another sentence about it.
    pub(crate) fn with_detail(self, detail: String) -> Problem {
        Problem { detail: visible_line(&detail).into_owned(), ..self }
    }

    /// Returns the problem with one more thing to know.
    pub(crate) fn and(self, more: &str) -> Problem {
        Problem { detail: format!("{}; {more}", self.detail), ..self }
    }

    /// Returns the problem with the next step for a program.
    pub(crate) fn with_next(self, next: &'static str) -> Problem {
        Problem { next: Some(next), ..self }
    }

    /// Returns the problem as a program is told of it: with the next step in its detail.
    pub(crate) fn told(&self) -> Problem {
        let detail = self.next.map_or_else(|| self.detail.clone(), |next| format!("{}; {next}", self.detail));
        Problem { detail, ..self.clone() }
    }

    /// Returns the status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Returns the name of the status.
    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    /// Returns true if the client makes too many requests; attempts to log in are another matter.
    pub(crate) fn is_of_rate(&self) -> bool {
        self.reason == name::TOO_MANY_REQUESTS
    }

    /// Returns true if the login that the request goes on with is over.
    pub(crate) fn is_of_lapsed_login(&self) -> bool {
        self.reason == name::LAPSED
    }

    /// Returns the sentence about the problem for a form, where fields have these words on the page: `(field, word)`.
    pub(crate) fn in_words(&self, words: &[(&str, &str)]) -> String {
        let told = words.iter().find_map(|(field, word)| {
            let rest = self.detail.strip_prefix(field)?.strip_prefix(": ")?;
            Some(format!("{word}: {rest}"))
        });
        told.unwrap_or_else(|| self.detail.clone())
    }

    /// Returns the sentence about the problem.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }
}

/// Tells of an error of the gate.
impl<E: Into<AccessError>> From<E> for Problem {
    fn from(error: E) -> Problem {
        let error = error.into();
        let (reason, kind) = (Reason::of(&error), error.kind());
        let status = match reason.name {
            // More exact than the kind (RFC 6585, section 4).
            name::TOO_MANY_ATTEMPTS | name::TOO_MANY_REQUESTS => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::from_u16(statuses::of(kind).http.number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        };
        let resource = reason.resource.map(|(kind, name)| Resource { kind: kind.to_owned(), name });
        let retry_after = reason.retry_after.map(|span: Duration| span.as_secs().max(1));
        let detail = match kind {
            // What is wrong with the program is for its log.
            ErrorKind::Internal => {
                tracing::error!(%error, "a request of the web has failed");
                return Problem::internal();
            }
            _ => error.to_string(),
        };
        let (field, next) = (reason.field.map(str::to_owned), next_step(reason.name, resource.as_ref()));
        Problem { field, resource, quota: reason.quota, retry_after, next, ..Problem::new(status, reason.name, detail) }
    }
}

/// Returns what a program does next to whom something is refused for this reason, where that does not stand in the sentence of the error.
fn next_step(reason: &str, resource: Option<&Resource>) -> Option<&'static str> {
    Some(match (reason, resource.map(|resource| resource.kind.as_str())) {
        (name::LOGIN_NEEDED, _) => {
            "present a token as `Authorization: Bearer TOKEN`; `POST /api/v1/auth/login` and `POST /api/v1/tokens` give one"
        }
        (name::SESSION_OVER, _) => "`POST /api/v1/auth/login` begins another",
        (name::TOKEN_REFUSED, _) => "`POST /api/v1/tokens` makes another, by a session",
        (name::NOT_FOUND, Some("host")) => "`GET /api/v1/nodes` lists the nodes",
        (name::NOT_FOUND, Some("directory")) => "`POST /api/v1/files/directories` makes one",
        (name::NOT_FOUND, Some("file")) => "`GET /api/v1/files` lists what there is",
        (name::NOT_FOUND, Some("transfer")) => "`GET /api/v1/transfers` lists those that there are",
        (name::NOT_FOUND, Some("upload")) => "`GET /api/v1/uploads` lists those that there are",
        (name::NOT_FOUND, Some("token")) => "`GET /api/v1/tokens` lists yours",
        (name::NOT_FOUND, Some("invite")) => "`GET /api/v1/invites` lists those that are open",
        (name::NOT_FOUND, Some("session")) => "`GET /api/v1/auth/sessions` lists yours",
        (name::NOT_FOUND, Some("user")) => "`GET /api/v1/users` lists with whom you can share",
        _ => return None,
    })
}

/// Makes the problems of what the extractors of axum reject: the blanket conversion above is for errors of the gate.
macro_rules! rejections {
    ($($rejection:ident),*) => {
        $(
            impl From<$rejection> for Rejected {
                fn from(rejection: $rejection) -> Rejected {
                    Rejected(Box::new(rejected(rejection.status(), &rejection.body_text())))
                }
            }
        )*
    };
}

/// Returns the problem of a request that a library has rejected with this status and text.
pub(crate) fn rejected(status: StatusCode, text: &str) -> Problem {
    let reason = match status {
        StatusCode::PAYLOAD_TOO_LARGE => return too_long(),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => name::MEDIA_TYPE,
        _ => name::INVALID_FIELD,
    };
    let told = told(text);
    let field = field_of(&told).map(str::to_owned);
    // Where fields of two kinds stand together, the reader of JSON does not list them.
    let is_unlisted = told.contains("there is no field") && !told.contains("`; there ");
    let next = is_unlisted.then_some("`/api/v1/openapi.json` has the fields that there are");
    Problem { field, next, ..Problem::new(status, reason, told) }
}

/// Returns the problem of a body that is too long.
pub(crate) fn too_long() -> Problem {
    let detail = format!("the body has more than {} KiB", BODY_MAX >> 10);
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, name::REQUEST_LIMIT, detail)
}

/// Returns the field that a told rejection is about: that at its beginning, as in `the body: expires_at: …`, or the one that is missing, unknown or
/// there twice.
fn field_of(told: &str) -> Option<&str> {
    let rest = ["the body: ", "the query: ", "the form: "].iter().find_map(|begin| told.strip_prefix(begin))?;
    let is_name = |text: &&str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.[]".contains(c));
    let quoted = || {
        let rest = ["the field `", "there is no field `"].iter().find_map(|begin| rest.strip_prefix(begin))?;
        rest.split_once('`').map(|(name, _)| name)
    };
    rest.split_once(": ").map(|(name, _)| name).filter(is_name).or_else(quoted)
}

/// Rejection of an extractor of axum, told as a problem.
#[derive(Debug)]
pub(crate) struct Rejected(Box<Problem>);

rejections!(BytesRejection, FormRejection, JsonRejection, PathRejection, QueryRejection);

impl From<Problem> for Rejected {
    fn from(problem: Problem) -> Rejected {
        Rejected(Box::new(problem))
    }
}

impl IntoResponse for Rejected {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = visible_json(&serde_json::to_string(&self.told()).unwrap_or_default()).into_owned();
        let mut response = (self.status(), [(CONTENT_TYPE, MEDIA_TYPE)], body).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status() == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"p2p\""));
        }
        // For pages, which tell of it in words.
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libraries_say_is_told_in_words_of_those_who_ask() {
        let of = |status: u16, text: &str| {
            let problem = rejected(StatusCode::from_u16(status).unwrap(), text);
            (problem.detail, problem.field)
        };
        let field = |name: &str| Some(name.to_owned());
        let body = "Failed to deserialize the JSON body into the target type: ";
        let wrong = format!("{body}expires_at: invalid value: integer `-1`, expected u64 at line 1 column 16");
        let told = "the body: expires_at: it is the number `-1`, and is to be a whole number from 0 on";
        assert_eq!(of(422, &wrong), (told.to_owned(), field("expires_at")));
        for (kind, told) in [
            ("missing", "the field `user` is missing"),
            ("unknown", "there is no field `user`"),
            ("duplicate", "the field `user` is there more than once"),
        ] {
            let (detail, found) = of(422, &format!("{body}{kind} field `user` at line 1 column 2"));
            assert_eq!((detail, found), (format!("the body: {told}"), field("user")));
        }
        let query = "Failed to deserialize query string: limit: invalid digit found in string";
        assert_eq!(of(400, query), ("the query: limit: it is no number from 0 on".to_owned(), field("limit")));
        let path = "Invalid URL: Cannot parse `abc` to a `u64`";
        assert_eq!(of(400, path), ("the path: `abc` is no number from 0 on".to_owned(), None));
        let none = "Failed to parse the request body as JSON: username: EOF while parsing a value at line 1 column 12";
        assert_eq!(of(400, none).1, None);
        assert_eq!(of(413, "Failed to buffer the request body: length limit exceeded").0, "the body has more than 64 KiB");
    }

    /// A program is told its next step, and the sentence about the problem, which pages show, is without.
    #[tokio::test]
    async fn the_next_step_is_for_programs() {
        let problem = Problem::new(StatusCode::NOT_FOUND, name::NOT_FOUND, "there is none").with_next("`GET x` lists them");
        assert_eq!(problem.detail(), "there is none");
        let (head, body) = problem.into_response().into_parts();
        assert_eq!(head.extensions.get::<Problem>().unwrap().detail(), "there is none");
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let told: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&told["detail"], &told["next"]), (&"there is none; `GET x` lists them".into(), &serde_json::Value::Null));
    }
}
