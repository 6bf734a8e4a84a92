//! What a browser is to do with content: its type, and whether it shows or saves it.
//!
//! The type comes from the name alone, and never from whoever has stored the file. Shown are types that run nothing; all others are saved, and
//! run nothing if they are opened all the same.

use axum::response::Response;
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Characters of a name that are percent-encoded: all but `attr-char` (RFC 8187, section 3.2.1).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// Types that a browser shows without running anything in them, besides sounds and films.
const SHOWN: [&str; 7] = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "text/plain", "application/pdf"];

/// Sets the headers of an answer that say what its content is and what is to be done with it. With `is_saved`, it is saved in any case.
pub(super) fn set(response: &mut Response, name: &str, is_saved: bool) {
    let kind = mime_guess::from_path(name).first_or_octet_stream();
    let is_shown = SHOWN.contains(&kind.essence_str()) || matches!(kind.type_().as_str(), "audio" | "video");
    let manner = if is_shown && !is_saved { "inline" } else { "attachment" };
    let kind = match kind.essence_str() {
        "text/plain" => "text/plain; charset=utf-8",
        kind => kind,
    };
    let headers = response.headers_mut();
    // No name of a type has characters that a header may not have.
    headers.insert(CONTENT_TYPE, kind.parse().unwrap_or(HeaderValue::from_static("application/octet-stream")));
    if let Ok(value) = disposition(manner, name).parse() {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !is_shown {
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    }
}

/// Returns the value of `Content-Disposition` (RFC 6266): the name for programs that know UTF-8 alone, and before it one in ASCII without
/// anything that could be taken for something else (appendix D).
fn disposition(manner: &str, name: &str) -> String {
    let is_plain = |c: &char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\' | '%' | '/');
    let plain: String = name.chars().map(|c| Some(c).filter(is_plain).unwrap_or('_')).collect();
    match plain == name {
        true => format!("{manner}; filename=\"{plain}\""),
        false => format!("{manner}; filename=\"{plain}\"; filename*=UTF-8''{}", utf8_percent_encode(name, ENCODED)),
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    fn headers(name: &str, is_saved: bool) -> (String, String, bool) {
        let mut response = ().into_response();
        set(&mut response, name, is_saved);
        let text = |header| response.headers()[header].to_str().unwrap().to_owned();
        assert_eq!(text(X_CONTENT_TYPE_OPTIONS), "nosniff");
        (text(CONTENT_TYPE), text(CONTENT_DISPOSITION), response.headers().contains_key(CONTENT_SECURITY_POLICY))
    }

    #[test]
    fn what_could_run_is_saved() {
        for name in ["a.html", "a.svg", "a.xml", "a.xhtml", "a.js", "a", "a.HTML", "a.unknown", "a.htm", "a.md"] {
            let (_, disposition, is_sandboxed) = headers(name, false);
            assert!(disposition.starts_with("attachment; ") && is_sandboxed, "{name} {disposition}");
        }
        for (name, kind) in
            [("a.png", "image/png"), ("a.TXT", "text/plain; charset=utf-8"), ("a.pdf", "application/pdf"), ("a.mp4", "video/mp4")]
        {
            assert_eq!(headers(name, false), (kind.into(), format!("inline; filename=\"{name}\""), false));
            assert!(headers(name, true).1.starts_with("attachment; "));
        }
    }

    #[test]
    fn hostile_names_stay_names() {
        let of = |name: &str| headers(name, true).1;
        assert_eq!(of("a b.bin"), "attachment; filename=\"a b.bin\"");
        assert_eq!(of("a\"; x=\"b"), "attachment; filename=\"a_; x=_b\"; filename*=UTF-8''a%22%3B%20x%3D%22b");
        assert_eq!(of("50%.txt"), "attachment; filename=\"50_.txt\"; filename*=UTF-8''50%25.txt");
        assert_eq!(of("€ rates"), "attachment; filename=\"_ rates\"; filename*=UTF-8''%E2%82%AC%20rates");
        assert_eq!(of("it's(1)*"), "attachment; filename=\"it's(1)*\"");
        assert_eq!(
            of("a\r\nSet-Cookie: b"),
            "attachment; filename=\"a__Set-Cookie: b\"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20b"
        );
    }
}
