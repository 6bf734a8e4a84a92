//! Digests of content in headers (RFC 9530): dictionaries of structured fields (RFC 9651, which has taken the place of RFC 8941), of which
//! SHA-256 is made use of. Uploads of one request and those in pieces read them here, so that both take and refuse the same.

use base64::prelude::{BASE64_STANDARD, Engine};
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};
use p2p_service::files::Sha256Digest;
use sfv::{BareItem, Dictionary, ListEntry, Parser};

use crate::problem::Problem;

/// Digest of a whole file, whatever part of it is answered (RFC 9530, section 3).
pub(super) const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
/// Digest of the body of a message (RFC 9530, section 2).
pub(super) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
/// Wish of a client for digests of a file, by their algorithms (RFC 9530, section 4).
const WANT_REPR_DIGEST: HeaderName = HeaderName::from_static("want-repr-digest");
/// Key of SHA-256 in the dictionary (RFC 9530, section 5).
const SHA_256: &str = "sha-256";

/// Returns the value of `Repr-Digest` of a file.
pub(super) fn told(digest: &Sha256Digest) -> Option<HeaderValue> {
    format!("{SHA_256}=:{}:", BASE64_STANDARD.encode(digest.as_bytes())).parse().ok()
}

/// Returns false if a client says that the SHA-256 of a file is nothing for it: of the preference 0 (RFC 9530, section 4). What is no
/// dictionary is as if it were not there, since it is a wish.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    let wishes = dictionary(headers, &WANT_REPR_DIGEST).unwrap_or_default();
    let Some(ListEntry::Item(wish)) = wishes.get(SHA_256) else { return true };
    !matches!(&wish.bare_item, BareItem::Integer(preference) if i64::from(*preference) == 0)
}

/// Returns the SHA-256 that the body of a request must have. The body is the file, so that both headers say the same. Other digests are
/// passed over, as RFC 9530, section 2, permits.
///
/// # Errors
/// Fails as [`stated`] does, and if the headers differ.
pub(super) fn expected(headers: &HeaderMap) -> Result<Option<Sha256Digest>, Problem> {
    let (of_file, of_body) = (stated(headers, &REPR_DIGEST)?, stated(headers, &CONTENT_DIGEST)?);
    match (of_file, of_body) {
        (Some(of_file), Some(of_body)) if of_file != of_body => {
            Err(Problem::invalid(REPR_DIGEST.as_str(), "it differs from `Content-Digest`, and the body is the whole file"))
        }
        (of_file, of_body) => Ok(of_file.or(of_body)),
    }
}

/// Returns the SHA-256 that a header states; `None` if it has none, as those of other algorithms are passed over.
///
/// # Errors
/// Fails if the header is no dictionary, or if what it has of SHA-256 is no byte sequence of 32 bytes.
pub(super) fn stated(headers: &HeaderMap, header: &HeaderName) -> Result<Option<Sha256Digest>, Problem> {
    let wrong = || Problem::invalid(header.as_str(), "write it as `sha-256=:BASE64:`, with the base64 of 32 bytes");
    match dictionary(headers, header).ok_or_else(wrong)?.get(SHA_256) {
        None => Ok(None),
        Some(ListEntry::Item(item)) => match &item.bare_item {
            BareItem::ByteSequence(bytes) => {
                let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_| wrong())?;
                Ok(Some(Sha256Digest::from_bytes(bytes)))
            }
            _ => Err(wrong()),
        },
        Some(ListEntry::InnerList(_)) => Err(wrong()),
    }
}

/// Returns the dictionary of a header, whose lines are one (RFC 9651, section 4.2): an empty one if it is not there, and `None` if it is none.
fn dictionary(headers: &HeaderMap, header: &HeaderName) -> Option<Dictionary> {
    let lines: Vec<&[u8]> = headers.get_all(header).iter().map(HeaderValue::as_bytes).collect();
    Parser::new(&lines.join(&b", "[..])).parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The digest of `{"hello": "world"}` and a line feed in appendix B of RFC 9530.
    const HELLO: &str = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";

    fn with(header: HeaderName, lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.extend(lines.iter().map(|line| (header.clone(), line.parse().unwrap())));
        headers
    }

    fn of(value: &str) -> Result<Option<Sha256Digest>, Problem> {
        let (of_file, of_body) = (with(REPR_DIGEST, &[value]), with(CONTENT_DIGEST, &[value]));
        let stated = stated(&of_file, &REPR_DIGEST);
        assert_eq!(expected(&of_file).is_ok(), stated.is_ok());
        assert_eq!(expected(&of_body).ok(), stated.clone().ok());
        stated
    }

    fn hello() -> Sha256Digest {
        Sha256Digest::of(b"{\"hello\": \"world\"}\n")
    }

    #[test]
    fn a_digest_is_read_and_written_as_the_rfc_has_it() {
        assert_eq!(told(&hello()).unwrap(), HELLO);
        assert_eq!(of(HELLO).unwrap(), Some(hello()));
        assert_eq!(of(&format!("md5=:AAAA:, {HELLO};a=1, sha-512=:AAAA:")).unwrap(), Some(hello()));
        assert_eq!(of(&format!("unixsum=5, note=\"a, sha-256=:AAAA:\", list=(1 :AAAA:), {HELLO}")).unwrap(), Some(hello()));
        for none in ["sha-512=:AAAA:", "sha-512=:AAAA:;sha-256=:AAAA:", ""] {
            assert_eq!(of(none).unwrap(), None, "{none}");
        }
        assert_eq!(expected(&HeaderMap::new()).unwrap(), None);
        // Of two members of one key the last counts (RFC 9651, section 4.2.2), and lines are one (RFC 9110, section 5.3).
        assert_eq!(of(&format!("sha-256=:AAAA:, {HELLO}")).unwrap(), Some(hello()));
        assert_eq!(stated(&with(REPR_DIGEST, &["sha-512=:AAAA:", HELLO]), &REPR_DIGEST).unwrap(), Some(hello()));
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        for wrong in [
            "x",
            "sha-256",
            "sha-256=abc",
            "sha-256=\"RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=\"",
            "sha-256=:AAAA:",
            "sha-256=::",
            "sha-256=:*:",
            "sha-256=(:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:)",
            "SHA-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:",
            "sha-256 =:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:",
            "sha-512=:AAAA:,",
            "sha-512=:AAAA",
        ] {
            let is_other_key = wrong == "x";
            assert_eq!(of(wrong).is_err(), !is_other_key, "{wrong}");
        }
        let mut headers = with(REPR_DIGEST, &[HELLO]);
        headers.insert(CONTENT_DIGEST, told(&Sha256Digest::of(b"")).unwrap());
        assert!(expected(&headers).is_err(), "they differ");
        headers.insert(CONTENT_DIGEST, HeaderValue::from_bytes(b"sha-256=\xff").unwrap());
        assert!(expected(&headers).is_err(), "it is no text");
    }

    #[test]
    fn a_client_may_want_no_digest() {
        let is_wanted = |value: &str| is_wanted(&with(WANT_REPR_DIGEST, &[value]));
        for wanted in ["sha-256=10", "sha-256=1, sha-512=0", "sha-512=3", "sha-256", "sha-256=a", "=", ""] {
            assert!(is_wanted(wanted), "{wanted}");
        }
        assert!(!is_wanted("sha-256=0") && !is_wanted("sha-512=3, sha-256=0;q=1"));
        assert!(super::is_wanted(&HeaderMap::new()));
    }

    proptest! {
        /// What was written is read, whatever stands beside it in the dictionary.
        #[test]
        fn a_digest_is_read_as_it_was_written(bytes: [u8; 32], key in "[a-z][a-z0-9]{0,8}", other: Vec<u8>, is_first: bool) {
            let digest = Sha256Digest::from_bytes(bytes);
            let own = told(&digest).unwrap().to_str().unwrap().to_owned();
            let other = format!("{key}=:{}:", BASE64_STANDARD.encode(&other));
            let both = if is_first { format!("{other}, {own}") } else { format!("{own},{other}") };
            prop_assert_eq!(of(&both).unwrap(), Some(digest));
        }

        /// Whatever a client sends is read or refused.
        #[test]
        fn nothing_makes_it_fail(value in "[ -~]{0,80}") {
            let _ = of(&value);
            let _ = is_wanted(&with(WANT_REPR_DIGEST, &[&value]));
        }

        /// A digest with one character changed is another one or none.
        #[test]
        fn a_changed_digest_is_no_longer_the_same(bytes: [u8; 32], place in 9_usize..52, letter in "[A-Za-z0-9+/]") {
            let digest = Sha256Digest::from_bytes(bytes);
            let mut text = told(&digest).unwrap().to_str().unwrap().to_owned();
            // The last letter has two bits that stand for nothing.
            prop_assume!(text[place..=place] != letter && place < 51);
            text.replace_range(place..=place, &letter);
            prop_assert_ne!(of(&text).ok().flatten(), Some(digest));
        }
    }
}
