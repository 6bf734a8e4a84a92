//! Statuses: how errors are told to clients. The code is that of the error's kind, and the details say what a program can use: the reason,
//! the field, the resource, the quota, and when to try again (AIP-193; `google/rpc/error_details.proto`).

use p2p_service::ErrorKind;
use p2p_service::access::AccessError;
use p2p_service::reasons::{DOMAIN, Reason};
use p2p_service::statuses;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// Returns the status of an error of the gate.
pub(crate) fn of(error: &AccessError) -> Status {
    let (reason, text) = (Reason::of(error), error.to_string());
    let mut details = ErrorDetails::with_error_info(reason.name, DOMAIN, []);
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
        details.set_resource_info(*kind, name, "", &text);
    }
    with_details(error.kind(), text, details)
}

/// Returns the status of a request whose field has no valid value.
pub(crate) fn invalid(field: &str, problem: impl ToString) -> Status {
    let problem = problem.to_string();
    let mut details = ErrorDetails::with_error_info(p2p_service::reasons::name::INVALID_FIELD, DOMAIN, []);
    details.add_bad_request_violation(field, &problem);
    with_details(ErrorKind::Invalid, format!("{field}: {problem}"), details)
}

/// Returns the status of a server that ends: another may be there soon.
pub(crate) fn ending() -> Status {
    let mut details = ErrorDetails::with_error_info(p2p_service::reasons::name::ENDING, DOMAIN, []);
    details.set_retry_info(Some(p2p_service::reasons::SOON));
    with_details(ErrorKind::Unavailable, "the server ends".into(), details)
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
