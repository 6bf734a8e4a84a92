//! Digests of content in headers (RFC 9530): dictionaries of structured fields (RFC 9651), of which SHA-256 is made use of.

use base64::prelude::{BASE64_STANDARD, Engine};
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};
use p2p_service::files::Sha256Digest;

use super::conditions::joined;
use crate::problem::Problem;

/// Digest of a whole file, whatever part of it is answered (RFC 9530, section 3).
pub(super) const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
/// Digest of the body of a message (RFC 9530, section 2).
pub(super) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
/// Key of SHA-256 in the dictionary (RFC 9530, section 5).
const SHA_256: &str = "sha-256";

/// Returns the value of `Repr-Digest` of a file.
pub(super) fn told(digest: &Sha256Digest) -> Option<HeaderValue> {
    format!("{SHA_256}=:{}:", BASE64_STANDARD.encode(digest.as_bytes())).parse().ok()
}

/// Returns the SHA-256 that the body of a request must have. The body is the file, so that both headers say the same. Other digests are
/// passed over, as RFC 9530, section 2, permits.
///
/// # Errors
/// Fails if a header is no dictionary, if what it has of SHA-256 is none, or if the headers differ.
pub(super) fn expected(headers: &HeaderMap) -> Result<Option<Sha256Digest>, Problem> {
    let (of_file, of_body) = (stated(headers, &REPR_DIGEST)?, stated(headers, &CONTENT_DIGEST)?);
    match (of_file, of_body) {
        (Some(of_file), Some(of_body)) if of_file != of_body => {
            Err(Problem::invalid(REPR_DIGEST.as_str(), "it differs from `Content-Digest`, and the body is the whole file"))
        }
        (of_file, of_body) => Ok(of_file.or(of_body)),
    }
}

fn stated(headers: &HeaderMap, header: &HeaderName) -> Result<Option<Sha256Digest>, Problem> {
    let Some(text) = joined(headers, header)? else { return Ok(None) };
    let wrong = || Problem::invalid(header.as_str(), "write it as `sha-256=:BASE64:`, with the base64 of 32 bytes");
    let mut found = None;
    for member in text.split(',') {
        let (key, value) = member.trim().split_once('=').ok_or_else(wrong)?;
        // Of two members of one key the last counts (RFC 9651, section 4.2.2).
        if key == SHA_256 {
            found = Some(digest(value).ok_or_else(wrong)?);
        }
    }
    Ok(found)
}

/// Returns the digest of a byte sequence, `:BASE64:` (RFC 9651, section 3.3.5), whatever parameters follow it.
fn digest(value: &str) -> Option<Sha256Digest> {
    let (value, _) = value.split_once(';').unwrap_or((value, ""));
    let text = value.trim().strip_prefix(':')?.strip_suffix(':')?;
    let bytes: [u8; 32] = BASE64_STANDARD.decode(text).ok()?.try_into().ok()?;
    Some(Sha256Digest::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digest of `{"hello": "world"}` and a line feed in appendix B of RFC 9530.
    const HELLO: &str = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";

    fn of(header: HeaderName, value: &str) -> Result<Option<Sha256Digest>, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(header, value.parse().unwrap());
        expected(&headers)
    }

    #[test]
    fn a_digest_is_read_and_written_as_the_rfc_has_it() {
        let hello = Sha256Digest::of(b"{\"hello\": \"world\"}\n");
        assert_eq!(told(&hello).unwrap(), HELLO);
        assert_eq!(of(REPR_DIGEST, HELLO).unwrap(), Some(hello));
        assert_eq!(of(CONTENT_DIGEST, &format!("md5=:AAAA:, {HELLO};a=1, sha-512=:AAAA:")).unwrap(), Some(hello));
        assert_eq!(of(CONTENT_DIGEST, "sha-512=:AAAA:").unwrap(), None);
        assert_eq!(expected(&HeaderMap::new()).unwrap(), None);
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        for wrong in ["x", "sha-256", "sha-256=abc", "sha-256=:AAAA:", "sha-256=::", "sha-256=:*:", ""] {
            assert!(of(REPR_DIGEST, wrong).is_err(), "{wrong}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(REPR_DIGEST, HELLO.parse().unwrap());
        headers.insert(CONTENT_DIGEST, told(&Sha256Digest::of(b"")).unwrap());
        assert!(expected(&headers).is_err(), "they differ");
    }
}
