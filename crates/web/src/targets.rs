//! Targets of requests: names and paths of users, percent-encoded (RFC 3986, section 3.3).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Characters that are encoded: all but the unreserved ones (RFC 3986, section 2.3), so that a name is one segment of a path, or a value in a
/// query, and nothing of HTML.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Returns a text as a segment of a path, or as a value in a query.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// Returns a path with its segments encoded.
pub(crate) fn encoded_path(path: &str) -> String {
    path.split('/').map(encoded).collect::<Vec<_>>().join("/")
}

/// Returns the target of the content of the file that has this path.
pub(crate) fn content(path: &str) -> String {
    format!("/api/v1/files/content/{}", encoded_path(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_in_a_target_is_encoded() {
        assert_eq!(content("docs/ä b?.txt"), "/api/v1/files/content/docs/%C3%A4%20b%3F.txt");
        assert_eq!(content("~bob/x"), "/api/v1/files/content/~bob/x");
        assert_eq!(encoded("a/b"), "a%2Fb");
    }
}
