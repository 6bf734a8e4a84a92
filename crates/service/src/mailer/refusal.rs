//! Classification of delivery failures: the reason as a text, and a decision if another attempt can succeed.

use lettre::transport::smtp::Error;
use p2p_auth::mail::Unsent;
use p2p_base::message::legible;
use rustls::CertificateError;

/// Returns the failure to deliver a mail to the server of this name.
pub(super) fn of(name: &str, error: &Error) -> Unsent {
    let certificate = certificate_of(error);
    let (why, is_final) = match (error.status(), certificate) {
        // RFC 5321, section 4.2.1: after a 5yz reply the client should not repeat the same request.
        (Some(code), _) if error.is_permanent() => (format!("it is refused for good, {code} {}", cause_of(error)), true),
        (_, Some(refused)) => (refused.0, refused.1),
        // The server supports no encryption, no common login mechanism, or not this form of address.
        _ if error.is_client() => (with_causes(error), true),
        _ => (with_causes(error), false),
    };
    // A server may answer in several lines, and with anything in them.
    Unsent { reason: legible(&format!("{name}: {why}")), is_final }
}

/// Returns the reply of the server.
fn cause_of(error: &Error) -> String {
    std::error::Error::source(error).map(ToString::to_string).unwrap_or_default()
}

/// Returns the description of a certificate error and true if it is permanent, if the cause is one. A new certificate remedies
/// an expired one, as does a corrected clock.
fn certificate_of(error: &Error) -> Option<(String, bool)> {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let tls: Option<&rustls::Error> = inner.and_then(|inner| inner.downcast_ref()).or_else(|| error.downcast_ref());
        if let Some(rustls::Error::InvalidCertificate(wrong)) = tls {
            return Some(describe(wrong));
        }
        cause = error.source();
    }
    None
}

fn describe(wrong: &CertificateError) -> (String, bool) {
    use CertificateError::{
        Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet, NotValidYetContext, UnknownIssuer,
    };
    let may_pass = matches!(wrong, Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. });
    let advice = match wrong {
        UnknownIssuer => "; [mail] ca_file names a certificate to trust beside the usual ones",
        NotValidForName | NotValidForNameContext { .. } => "; [mail] host is to be a name that the certificate bears",
        // The library has no variant for this error.
        other if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            let why = "the server shows the certificate of an authority (CA:TRUE) as its own, which cannot be trusted as a server's; \
                       give it one that an authority has signed, or one of its own with basicConstraints=CA:FALSE";
            return (why.to_owned(), true);
        }
        _ => "",
    };
    (format!("the server's certificate is not accepted: {}{advice}", rustls::Error::InvalidCertificate(wrong.clone())), !may_pass)
}

/// Formats an error and its causes in one line, without causes that the text contains already.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_that_stay_wrong_are_told_from_those_that_may_not() {
        for (wrong, is_final, says) in [
            (CertificateError::Expired, false, "expired"),
            (CertificateError::NotValidYet, false, "notvalidyet"),
            (CertificateError::UnknownIssuer, true, "[mail] ca_file"),
            (CertificateError::NotValidForName, true, "[mail] host"),
            (CertificateError::BadSignature, true, "not accepted"),
        ] {
            let (text, found) = describe(&wrong);
            assert!(found == is_final && text.to_lowercase().contains(says), "{text}");
        }
        let authority = rustls::OtherError(std::sync::Arc::new(std::io::Error::other("CaUsedAsEndEntity")));
        let (text, is_final) = describe(&CertificateError::Other(authority));
        assert!(is_final && text.contains("CA:FALSE") && !text.contains("OtherError"), "{text}");
    }
}
