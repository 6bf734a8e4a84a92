//! Fields of the headers of requests about uploads, as text: those of tus 1.0.0, and the items of structured fields (RFC 9651) that
//! draft-ietf-httpbis-resumable-upload has.

use http::HeaderMap;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use percent_encoding::percent_decode_str;

use crate::problem::Problem;

/// Name of the field with the version of tus.
pub(super) const TUS_RESUMABLE: &str = "tus-resumable";
/// Version of tus that is spoken.
pub(super) const TUS_VERSION: &str = "1.0.0";
/// Extensions of tus that are there.
pub(super) const TUS_EXTENSIONS: &str = "creation,creation-with-upload,creation-defer-length,checksum,expiration,termination";
/// Media type of the content of a PATCH by tus.
pub(super) const TUS_CONTENT: &str = "application/offset+octet-stream";
/// Media type of the content of a PATCH by the draft (section 7).
pub(super) const DRAFT_CONTENT: &str = "application/partial-upload";
/// Name of the field with a position, of both protocols.
pub(super) const UPLOAD_OFFSET: &str = "upload-offset";
/// Name of the field with the size of the whole content, of both protocols.
pub(super) const UPLOAD_LENGTH: &str = "upload-length";
/// Name of the field that says if the content of a request is the last, of the draft (section 4.1.2).
pub(super) const UPLOAD_COMPLETE: &str = "upload-complete";
/// Name of the field with the limits of uploads, of the draft (section 4.1.4).
pub(super) const UPLOAD_LIMIT: &str = "upload-limit";

/// Digits of an integer at the most (RFC 9651, section 3.3.1).
const DIGITS_MAX: usize = 15;

/// Protocol that a request speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// tus 1.0.0.
    Tus,
    /// draft-ietf-httpbis-resumable-upload.
    Draft,
}

/// Returns the text of a field that is there once; `None` if it is not there.
///
/// # Errors
/// Fails if it is there more than once, or is no text.
pub(super) fn text<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<Option<&'h str>, Problem> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            value.to_str().map(|text| Some(text.trim())).map_err(|_| Problem::invalid(name, "it is to be visible ASCII"))
        }
        (Some(_), Some(_)) => Err(Problem::invalid(name, "it is there more than once")),
    }
}

/// Returns the number of a field; `None` if it is not there.
///
/// # Errors
/// Fails if it is no number of bytes.
pub(super) fn number(headers: &HeaderMap, name: &'static str) -> Result<Option<u64>, Problem> {
    let Some(text) = text(headers, name)? else { return Ok(None) };
    let is_number = !text.is_empty() && text.len() <= DIGITS_MAX && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| is_number);
    number
        .map(Some)
        .ok_or_else(|| Problem::invalid(name, format!("it is to be a number of bytes of at most {DIGITS_MAX} digits")))
}

/// Returns the Boolean of a field (RFC 9651, section 3.3.6); `None` if it is not there, and also for other values, as the draft wants it
/// (section 4.1.2).
pub(super) fn boolean(headers: &HeaderMap, name: &'static str) -> Option<bool> {
    let text = text(headers, name).ok()??;
    // Parameters that nobody has defined are ignored.
    match text.split(';').next().map(str::trim) {
        Some("?1") => Some(true),
        Some("?0") => Some(false),
        _ => None,
    }
}

/// Returns the protocol of a request whose content is a part of an upload, by the media type of the content; `None` for another one.
pub(super) fn of_content(headers: &HeaderMap) -> Option<Protocol> {
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?.split(';').next()?.trim();
    match kind {
        kind if kind.eq_ignore_ascii_case(TUS_CONTENT) => Some(Protocol::Tus),
        kind if kind.eq_ignore_ascii_case(DRAFT_CONTENT) => Some(Protocol::Draft),
        _ => None,
    }
}

/// Returns the name of a file in `Content-Disposition` (RFC 6266, section 4.3): that of `filename*` before that of `filename`.
pub(super) fn filename(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(CONTENT_DISPOSITION)?.to_str().ok()?;
    let parameters: Vec<(String, String)> = parameters(text);
    let of = |wanted: &str| parameters.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let extended = of("filename*").and_then(|value| {
        let (charset, rest) = value.split_once('\'')?;
        let (_, encoded) = rest.split_once('\'')?;
        let decoded = percent_decode_str(encoded).decode_utf8().ok().filter(|_| charset.eq_ignore_ascii_case("utf-8"));
        decoded.map(|name| name.into_owned())
    });
    extended.or_else(|| of("filename").map(str::to_owned)).filter(|name| !name.is_empty())
}

/// Returns the parameters of a field, whose names are in lower case and whose values are without quotes (RFC 9110, section 5.6.6).
fn parameters(text: &str) -> Vec<(String, String)> {
    let (mut parameters, mut part, mut is_quoted, mut is_escaped) = (Vec::new(), String::new(), false, false);
    for character in text.chars().chain([';']) {
        match character {
            _ if is_escaped => {
                is_escaped = false;
                part.push(character);
            }
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            ';' if !is_quoted => {
                let ended = std::mem::take(&mut part);
                let pair = ended.split_once('=');
                parameters.extend(pair.map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned())));
            }
            _ => part.push(character),
        }
    }
    parameters
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn with(name: &'static str, value: &[u8]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_bytes(value).unwrap());
        headers
    }

    #[test]
    fn numbers_are_digits() {
        let of = |text: &str| number(&with(UPLOAD_OFFSET, text.as_bytes()), UPLOAD_OFFSET).ok().flatten();
        assert_eq!([of("0"), of("070"), of("999999999999999")], [Some(0), Some(70), Some(999_999_999_999_999)]);
        for wrong in ["", "-1", "+1", "1.0", "1;a", "0x1", "1 1", "1000000000000000"] {
            assert!(number(&with(UPLOAD_OFFSET, wrong.as_bytes()), UPLOAD_OFFSET).is_err(), "{wrong}");
        }
        let mut twice = with(UPLOAD_OFFSET, b"1");
        twice.append(UPLOAD_OFFSET, HeaderValue::from_static("1"));
        assert!(number(&twice, UPLOAD_OFFSET).is_err());
        assert_eq!(number(&HeaderMap::new(), UPLOAD_OFFSET).unwrap(), None);
    }

    #[test]
    fn other_booleans_are_ignored() {
        let of = |text: &str| boolean(&with(UPLOAD_COMPLETE, text.as_bytes()), UPLOAD_COMPLETE);
        assert_eq!(
            [of("?1"), of("?0"), of(" ?1;a=b"), of("1"), of("true"), of("")],
            [Some(true), Some(false), Some(true), None, None, None]
        );
    }

    #[test]
    fn a_file_is_named_in_either_way() {
        let of = |text: &str| filename(&with("content-disposition", text.as_bytes()));
        assert_eq!(of("inline; filename=\"a b;c.txt\"").as_deref(), Some("a b;c.txt"));
        assert_eq!(of("inline; filename=\"x\"; FILENAME*=UTF-8''%e2%82%ac%20rates").as_deref(), Some("€ rates"));
        assert_eq!(of(r#"attachment; filename="a\"b""#).as_deref(), Some("a\"b"));
        assert_eq!(of("inline; filename*=iso-8859-1''a; filename=b").as_deref(), Some("b"));
        assert_eq!([of("inline"), of("inline; filename=")], [None, None]);
    }

    proptest! {
        /// Whatever a client sends is read or refused.
        #[test]
        fn nothing_makes_it_fail(value in proptest::collection::vec(32_u8..=255, 0..80)) {
            prop_assume!(!value.contains(&127));
            let headers = with("content-disposition", &value);
            let _ = (filename(&headers), number(&headers, "content-disposition"), boolean(&headers, "content-disposition"));
            let _ = of_content(&with("content-type", &value));
        }

        #[test]
        fn each_number_is_read(wanted in 0_u64..1_000_000_000_000_000) {
            prop_assert_eq!(number(&with(UPLOAD_LENGTH, wanted.to_string().as_bytes()), UPLOAD_LENGTH).unwrap(), Some(wanted));
        }
    }
}
