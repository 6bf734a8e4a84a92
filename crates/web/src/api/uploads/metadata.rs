//! What a client says of an upload when it begins it: `Upload-Metadata` of tus (section "Creation"), or the target and the header of a request
//! by the draft.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use p2p_service::files::{Attributes, Sha256Digest, StoreAs};
use p2p_shell::attributes::parse_mode;

use super::fields::{filename, text};
use crate::api::digests;
use crate::problem::Problem;

/// Name of the field of tus.
pub(super) const UPLOAD_METADATA: &str = "upload-metadata";
/// Length of the field at the most, in bytes: a client reads it again as it was, so that it is kept with the upload.
const TEXT_MAX: usize = 4096;

/// File that an upload is to become.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Metadata {
    /// Text of the field, as it was sent.
    pub(super) text: String,
    /// Path of the file, or of the directory in which it is to be.
    pub(super) path: Option<String>,
    /// Name of the file in that directory.
    pub(super) name: Option<String>,
    /// SHA-256 without which the content becomes no file.
    pub(super) sha256: Option<Sha256Digest>,
    /// Attributes and place of the file.
    pub(super) stored_as: StoreAs,
}

/// Parameters in the target of a request that begins an upload by the draft.
#[derive(Debug, Default, serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Place {
    /// Path of the file, or of the directory in which it is to be, for the draft; by tus, the metadata says so.
    pub(super) path: Option<String>,
    /// True if a stored file of that path may be replaced.
    pub(super) replace: Option<bool>,
}

impl Metadata {
    /// Reads what a request by tus says.
    ///
    /// # Errors
    /// Fails if the field is not made as tus says, is too long, or if a known key has no valid value.
    pub(super) fn of_tus(headers: &HeaderMap) -> Result<Metadata, Problem> {
        let text = text(headers, UPLOAD_METADATA)?.unwrap_or_default();
        if text.len() > TEXT_MAX {
            return Err(wrong(format!("it has {} bytes; at most {TEXT_MAX} are kept", text.len())));
        }
        let (mut metadata, mut keys) = (Metadata { text: text.to_owned(), ..Metadata::default() }, Vec::new());
        for pair in text.split(',').map(str::trim).filter(|_| !text.is_empty()) {
            let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
            if key.is_empty() || keys.contains(&key) {
                return Err(wrong("each of its pairs has a key of its own and a value in Base64, as in `filename YS50eHQ=`"));
            }
            keys.push(key);
            let value = STANDARD.decode(value.trim()).map_err(|error| wrong(format!("`{key}` is no Base64: {error}")))?;
            metadata.take(key, value)?;
        }
        Ok(metadata)
    }

    /// Takes a pair; one with an unknown key is the client's own.
    fn take(&mut self, key: &str, value: Vec<u8>) -> Result<(), Problem> {
        if !["path", "relativePath", "filename", "name", "sha256", "replace", "modified", "mode"].contains(&key) {
            return Ok(());
        }
        let value = String::from_utf8(value).map_err(|_| wrong(format!("`{key}` is no UTF-8")))?;
        match key {
            "path" => self.path = Some(value),
            // Uppy sends `null` for a file that was chosen alone.
            "relativePath" if value.is_empty() || value == "null" || self.path.is_some() => {}
            "relativePath" => self.path = Some(value),
            "filename" => self.name = Some(value),
            "name" if self.name.is_none() => self.name = Some(value),
            "sha256" => self.sha256 = Some(value.parse().map_err(|error| wrong(format!("`sha256`: {error}")))?),
            "replace" => self.stored_as.replace = boolean(&value).ok_or_else(|| wrong("`replace` is `true` or `false`"))?,
            "modified" => self.attributes().modified = Some(seconds(&value)?),
            "mode" => self.attributes().mode = Some(parse_mode(&value).map_err(|problem| wrong(format!("`mode`: {problem}")))?),
            _ => {}
        }
        Ok(())
    }

    fn attributes(&mut self) -> &mut Attributes {
        &mut self.stored_as.attributes
    }

    /// Reads what a request by the draft says: the target has the path, `Content-Disposition` a name, and `Repr-Digest` the digest (section
    /// 9.1).
    ///
    /// # Errors
    /// Fails if a digest is not made as RFC 9530 says.
    pub(super) fn of_draft(headers: &HeaderMap, place: Place) -> Result<Metadata, Problem> {
        let stored_as = StoreAs { replace: place.replace.unwrap_or_default(), ..StoreAs::default() };
        let sha256 = digests::stated(headers, &digests::REPR_DIGEST)?;
        Ok(Metadata { path: place.path, name: filename(headers), sha256, stored_as, ..Metadata::default() })
    }
}

fn wrong(problem: impl ToString) -> Problem {
    Problem::invalid(UPLOAD_METADATA, problem)
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "" | "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// Reads a time in seconds since 1970, of which a fraction is left out.
fn seconds(text: &str) -> Result<u64, Problem> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = whole.parse().ok().filter(|_| is_number(whole) && is_number(fraction));
    seconds.ok_or_else(|| wrong("`modified` is a time in seconds since 1970"))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Metadata, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(UPLOAD_METADATA, HeaderValue::from_bytes(text.as_bytes()).unwrap());
        Metadata::of_tus(&headers)
    }

    fn pair(key: &str, value: &str) -> String {
        format!("{key} {}", STANDARD.encode(value))
    }

    #[test]
    fn known_keys_are_taken_and_others_are_the_clients() {
        let sha256 = Sha256Digest::of(b"a");
        let pairs = [
            pair("path", "docs/"),
            pair("filename", "ä.txt"),
            pair("type", "text/plain"),
            pair("sha256", &sha256.to_string()),
            "replace".to_owned(),
            pair("modified", "1700000000.25"),
            pair("mode", "0640"),
        ];
        let read = read(&pairs.join(",")).unwrap();
        let attributes = Attributes { modified: Some(1_700_000_000), mode: Some(0o640) };
        assert_eq!(read.stored_as, StoreAs { attributes, replace: true, expected: None });
        assert_eq!((read.path.as_deref(), read.name.as_deref(), read.sha256), (Some("docs/"), Some("ä.txt"), Some(sha256)));
        assert_eq!(read.text, pairs.join(","));
    }

    #[test]
    fn a_path_goes_before_those_of_the_libraries() {
        for (pairs, path, name) in [
            (vec![pair("relativePath", "null"), pair("name", "a")], None, Some("a")),
            (vec![pair("relativePath", "d/a"), pair("name", "a")], Some("d/a"), Some("a")),
            (vec![pair("path", "x"), pair("relativePath", "d/a")], Some("x"), None),
            (vec![pair("name", "b"), pair("filename", "a")], None, Some("a")),
        ] {
            let read = read(&pairs.join(", ")).unwrap();
            assert_eq!((read.path.as_deref(), read.name.as_deref()), (path, name), "{pairs:?}");
        }
        assert_eq!(read("").unwrap(), Metadata::default());
    }

    #[test]
    fn what_is_wrong_is_refused() {
        let long = pair("filename", &"a".repeat(TEXT_MAX));
        let wrong = [
            "filename !!",
            ",",
            "a,a",
            &pair("sha256", "12"),
            &pair("replace", "maybe"),
            &pair("modified", "-1"),
            &pair("modified", "1.x"),
            &pair("mode", "9"),
            &pair("mode", "64"),
            &pair("mode", "17777"),
            "filename /w==",
            &long,
        ];
        for text in wrong {
            assert_eq!(read(text).unwrap_err().status(), 400, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_fail(text in "[ -~]{0,120}") {
            let _ = read(&text);
        }

        #[test]
        fn each_name_is_read(name in "\\PC{1,40}") {
            let read = read(&pair("filename", &name)).unwrap();
            prop_assert_eq!(read.name, Some(name));
        }
    }
}
