//! Statuses: how errors are told to clients. The code is that of the error's kind, and the details say what a program can use: the reason,
//! the field, the resource, the quota, and when to try again (AIP-193; `google/rpc/error_details.proto`).

use std::fmt::Display;
use std::time::Duration;

use p2p_service::ErrorKind;
use p2p_service::access::AccessError;
use p2p_service::files::{Sha256Digest, UploadId};
use p2p_service::reasons::{DOMAIN, Reason, name};
use p2p_service::statuses;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// Length of a text in a status at the most, in bytes: a status is a header, and clients take headers of a few KiB.
const TEXT_MAX: usize = 512;

/// Returns the status of an error that the gate passes on.
pub(crate) fn told(error: impl Into<AccessError>) -> Status {
    of(&error.into())
}

/// Returns the status of an error of the gate.
pub(crate) fn of(error: &AccessError) -> Status {
    let (reason, text) = (Reason::of(error), shortened(error.to_string()));
    let mut details = named(reason.name);
    if let Some(span) = reason.retry_after {
        details.set_retry_info(Some(span));
    }
    if let Some(quota) = reason.quota {
        details.add_quota_failure_violation(quota, &text);
    }
    if let Some(field) = reason.field {
        details.add_bad_request_violation(field, &text);
    }
    if let Some((kind, name)) = &reason.resource {
        details.set_resource_info(*kind, shortened(name.clone()), "", &text);
    }
    with_details(error.kind(), text, details)
}

/// Returns the status of a request whose field has no valid value.
pub(crate) fn invalid(field: &str, problem: impl ToString) -> Status {
    let problem = shortened(problem.to_string());
    let mut details = named(name::INVALID_FIELD);
    details.add_bad_request_violation(field, &problem);
    with_details(ErrorKind::Invalid, format!("{field}: {problem}"), details)
}

/// Returns the status of a server that ends: another may be there soon.
pub(crate) fn ending() -> Status {
    let mut details = named(name::ENDING);
    details.set_retry_info(Some(p2p_service::reasons::SOON));
    with_details(ErrorKind::Unavailable, "the server ends".into(), details)
}

/// Returns the status of a position that is not the one at which the content goes on.
pub(crate) fn other_offset(field: &str, found: u64, expected: u64) -> Status {
    let text = format!("{field}: {found} is not the position at which the content goes on, which is {expected}");
    let mut details = ErrorDetails::with_error_info(name::OUT_OF_RANGE, DOMAIN, [("offset".into(), expected.to_string())]);
    details.add_bad_request_violation(field, &text);
    with_details(ErrorKind::OutOfRange, text, details)
}

/// Returns the status of content that is not what was to be expected.
pub(crate) fn other_digest(expected: &Sha256Digest, found: &Sha256Digest) -> Status {
    let found = [("expected".into(), expected.to_string()), ("found".into(), found.to_string())];
    let text = format!("the content has another SHA-256 than {expected}");
    with_details(ErrorKind::Precondition, text, ErrorDetails::with_error_info(name::CONTENT_DIFFERS, DOMAIN, found))
}

/// Returns the status of content that does not begin with what is kept of the upload.
pub(crate) fn other_content(problem: &impl Display) -> Status {
    let text = format!("the content is not that of the upload that is kept: {problem}");
    with_details(ErrorKind::Precondition, text, named(name::UPLOAD_DIFFERS))
}

/// Returns the status of an upload that is kept as another file.
pub(crate) fn other_upload(upload: &UploadId, file: &str) -> Status {
    let text = shortened(format!("upload {upload} is of `{file}`"));
    let mut details = named(name::UPLOAD_DIFFERS);
    details.set_resource_info("upload", upload.to_string(), "", &text);
    with_details(ErrorKind::Precondition, text, details)
}

/// Returns the status of an upload that another client goes on with, so that this one is not to try again.
pub(crate) fn taken_over(upload: &UploadId) -> Status {
    let text = format!("another client has taken upload {upload} over; what is stored of it is kept for that one");
    let mut details = named(name::TAKEN_OVER);
    details.set_resource_info("upload", upload.to_string(), "", &text);
    with_details(ErrorKind::Precondition, text, details)
}

/// Returns the status of an upload whose client does not say what it is.
pub(crate) fn no_header(within: Duration) -> Status {
    let text = format!("no header has come within {} s", within.as_secs());
    with_details(ErrorKind::DeadlineExceeded, text, named(name::INVALID_FIELD))
}

/// Returns the status of a request that has met a bug of this program.
pub(crate) fn internal() -> Status {
    with_details(ErrorKind::Internal, "an error of the program, which its log has".into(), named(name::INTERNAL))
}

/// Returns the status of a request whose client takes no answer any more.
pub(crate) fn gone() -> Status {
    Status::cancelled("the client has gone")
}

/// Returns a text without what is too long for a header.
fn shortened(mut text: String) -> String {
    if text.len() > TEXT_MAX {
        let end = (0..=TEXT_MAX).rev().find(|&end| text.is_char_boundary(end)).unwrap_or_default();
        text.truncate(end);
        text.push('\u{2026}');
    }
    text
}

/// Returns details that name a reason.
fn named(reason: &'static str) -> ErrorDetails {
    ErrorDetails::with_error_info(reason, DOMAIN, [])
}

fn with_details(kind: ErrorKind, text: String, details: ErrorDetails) -> Status {
    Status::with_error_details(Code::from_i32(statuses::of(kind).grpc.number.into()), text, details)
}

#[cfg(test)]
mod tests {
    use p2p_service::accounts::{AuthError, TokenError};

    use super::*;

    /// The code of each kind is the canonical one of its name.
    #[test]
    fn codes_are_those_of_the_table() {
        for &kind in ErrorKind::ALL {
            let status = with_details(kind, "text".into(), ErrorDetails::new());
            let name = statuses::of(kind).grpc.name.replace('_', "").to_lowercase();
            assert_eq!(format!("{:?}", status.code()).to_lowercase(), name);
            assert_eq!(status.message(), "text");
        }
    }

    #[test]
    fn details_say_what_a_program_can_use() {
        let status = of(&AuthError::Wait { seconds: 7 }.into());
        assert_eq!(status.code(), Code::Unavailable);
        let details = status.get_error_details();
        assert_eq!(
            details.error_info().map(|info| (info.reason.as_str(), info.domain.as_str())),
            Some(("TOO_MANY_ATTEMPTS", "p2p"))
        );
        assert_eq!(details.retry_info().and_then(|info| info.retry_delay).unwrap().as_secs(), 7);
        let status = of(&AuthError::Token(TokenError::TooMany).into());
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(status.get_error_details().quota_failure().unwrap().violations[0].subject, "tokens");
        let status = invalid("name", "no name");
        assert_eq!((status.code(), status.message()), (Code::InvalidArgument, "name: no name"));
        assert_eq!(status.get_error_details().bad_request().unwrap().field_violations[0].field, "name");
    }
}
