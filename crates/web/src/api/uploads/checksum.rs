//! Checksums of the content of a request: `Upload-Checksum` of tus (section "Checksum"), and `Content-Digest` (RFC 9530, section 2).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::fields::{Protocol, text};
use crate::api::digests;
use crate::problem::Problem;

/// Name of the field of tus.
const UPLOAD_CHECKSUM: &str = "upload-checksum";
/// Algorithms of `Upload-Checksum`. Each server has SHA-1, and it is good against accidents alone.
pub(super) const ALGORITHMS: &str = "sha256,sha1";

/// Checksum that the content of a request is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checksum {
    /// SHA-1 (FIPS 180-4).
    Sha1([u8; 20]),
    /// SHA-256 (FIPS 180-4).
    Sha256([u8; 32]),
}

/// State of the checksum of the content that has come.
#[derive(Debug, Clone)]
pub(super) enum Summing {
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Checksum {
    /// Returns the checksum that a request says its content has; `None` if it says nothing of that.
    ///
    /// # Errors
    /// Fails if the field is not made as its specification says, or names no algorithm that is known.
    pub(super) fn of(headers: &HeaderMap, protocol: Protocol) -> Result<Option<Checksum>, Problem> {
        let tus = text(headers, UPLOAD_CHECKSUM)?.filter(|_| protocol == Protocol::Tus);
        match tus {
            Some(text) => Checksum::of_tus(text).map(Some),
            None => Ok(digests::stated(headers, &digests::CONTENT_DIGEST)?.map(|digest| Checksum::Sha256(*digest.as_bytes()))),
        }
    }

    fn of_tus(text: &str) -> Result<Checksum, Problem> {
        let wrong = |problem: &str| Problem::invalid(UPLOAD_CHECKSUM, problem);
        let (algorithm, value) = text.split_once(' ').ok_or_else(|| wrong("write it as `sha256 BASE64`"))?;
        let bytes = STANDARD.decode(value.trim()).map_err(|_| wrong("its value is no Base64"))?;
        let checksum = match algorithm {
            "sha1" => bytes.try_into().ok().map(Checksum::Sha1),
            "sha256" => bytes.try_into().ok().map(Checksum::Sha256),
            _ => return Err(wrong("the algorithm is not one of sha256 and sha1")),
        };
        checksum.ok_or_else(|| wrong("its value has another length than those of the algorithm"))
    }

    /// Begins to compute a checksum of this kind.
    pub(super) fn begin(&self) -> Summing {
        match self {
            Checksum::Sha1(_) => Summing::Sha1(Sha1::new()),
            Checksum::Sha256(_) => Summing::Sha256(Sha256::new()),
        }
    }
}

impl Summing {
    /// Takes the next bytes.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        match self {
            Summing::Sha1(state) => state.update(bytes),
            Summing::Sha256(state) => state.update(bytes),
        }
    }

    /// Returns the checksum of all bytes.
    pub(super) fn end(self) -> Checksum {
        match self {
            Summing::Sha1(state) => Checksum::Sha1(state.finalize().into()),
            Summing::Sha256(state) => Checksum::Sha256(state.finalize().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const CONTENT_DIGEST: &str = "content-digest";

    fn read(name: &'static str, text: &str, protocol: Protocol) -> Result<Option<Checksum>, u16> {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(text).unwrap());
        Checksum::of(&headers, protocol).map_err(|problem| problem.status().as_u16())
    }

    fn sum(checksum: Checksum, bytes: &[u8]) -> Checksum {
        let mut summing = checksum.begin();
        bytes.chunks(3).for_each(|bytes| summing.add(bytes));
        summing.end()
    }

    /// The values are those of FIPS 180-4 for `abc`.
    #[test]
    fn both_algorithms_of_tus_are_there() {
        let sha1 = read(UPLOAD_CHECKSUM, "sha1 qZk+NkcGgWq6PiVxeFDCbJzQ2J0=", Protocol::Tus).unwrap().unwrap();
        let sha256 = read(UPLOAD_CHECKSUM, "sha256 ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", Protocol::Tus);
        let sha256 = sha256.unwrap().unwrap();
        assert_eq!((sum(sha1, b"abc"), sum(sha256, b"abc")), (sha1, sha256));
        assert_ne!((sum(sha1, b"abd"), sum(sha256, b"abd")), (sha1, sha256));
        let digest =
            read(CONTENT_DIGEST, "sha-512=:YQ==:, sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:", Protocol::Draft);
        assert_eq!(digest, Ok(Some(sha256)));
    }

    #[test]
    fn what_is_wrong_is_refused() {
        for wrong in ["", "sha1", "sha1 YQ==", "sha256 !", "md5 YQ==", "SHA1 qZk+NkcGgWq6PiVxeFDCbJzQ2J0="] {
            assert_eq!(read(UPLOAD_CHECKSUM, wrong, Protocol::Tus), Err(400), "{wrong}");
        }
        for wrong in ["sha-256=YQ==", "sha-256=:YQ==:", "sha-256=:!:"] {
            assert_eq!(read(CONTENT_DIGEST, wrong, Protocol::Draft), Err(400), "{wrong}");
        }
        assert_eq!(read(CONTENT_DIGEST, "sha-512=:YQ==:", Protocol::Draft), Ok(None));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_fail(text in "[ -~]{0,80}") {
            let _ = (read(UPLOAD_CHECKSUM, &text, Protocol::Tus), read(CONTENT_DIGEST, &text, Protocol::Draft));
        }
    }
}
