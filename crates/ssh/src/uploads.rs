//! Requests of this program's own about uploads, which its client makes of its servers (section 8 of draft-ietf-secsh-filexfer-02, "Vendor-specific
//! extensions"): what is stored of an upload, the end of one, and the SHA-256 that CLOSE is to find.
//!
//! | request | fields | answer |
//! |---|---|---|
//! | `upload-status@p2p` | path | EXTENDED_REPLY with an [`UploadStatus`] |
//! | `upload-forget@p2p` | path | STATUS, once nothing is kept of the upload |
//! | `upload-expect@p2p` | handle, SHA-256 | STATUS; CLOSE stores nothing else then |

use bytes::{Buf, BufMut};

/// Asks what is stored of an upload.
pub(crate) const STATUS: &str = "upload-status@p2p";
/// Undoes an upload that is kept or under way.
pub(crate) const FORGET: &str = "upload-forget@p2p";
/// Names the SHA-256 of the content without which CLOSE stores nothing.
pub(crate) const EXPECT: &str = "upload-expect@p2p";

/// State of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Upload {
    /// Its client is gone, and so many bytes of it are kept.
    Kept(u64),
    /// So many bytes of it are stored, and others are under way.
    UnderWay(u64),
}

/// Content of a path: a file that is stored, and an upload that is to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UploadStatus {
    /// True if a file is stored there.
    pub(crate) is_stored: bool,
    /// Upload, if there is one.
    pub(crate) upload: Option<Upload>,
}

impl UploadStatus {
    /// Returns the fields of the answer: a byte that is 1 where a file is stored, a byte that is 1 for an upload that is kept and 2 for one that is
    /// under way, and its bytes.
    pub(crate) fn encoded(self) -> Vec<u8> {
        let (state, bytes) = match self.upload {
            None => (0, 0),
            Some(Upload::Kept(bytes)) => (1, bytes),
            Some(Upload::UnderWay(bytes)) => (2, bytes),
        };
        let mut fields = vec![u8::from(self.is_stored), state];
        fields.put_u64(bytes);
        fields
    }

    /// Returns what the fields of an answer say; `None` if they are not such fields.
    pub(crate) fn decoded(mut fields: &[u8]) -> Option<UploadStatus> {
        let is_stored = fields.try_get_u8().ok()? == 1;
        let (state, bytes) = (fields.try_get_u8().ok()?, fields.try_get_u64().ok()?);
        let upload = match state {
            0 => None,
            1 => Some(Upload::Kept(bytes)),
            2 => Some(Upload::UnderWay(bytes)),
            _ => return None,
        };
        Some(UploadStatus { is_stored, upload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_understood() {
        for upload in [None, Some(Upload::Kept(7)), Some(Upload::UnderWay(u64::MAX))] {
            for is_stored in [false, true] {
                let status = UploadStatus { is_stored, upload };
                assert_eq!(UploadStatus::decoded(&status.encoded()), Some(status));
            }
        }
        for wrong in [&b""[..], b"\x01", b"\x01\x02\0\0\0", b"\x01\x03\0\0\0\0\0\0\0\0"] {
            assert_eq!(UploadStatus::decoded(wrong), None, "{wrong:?}");
        }
    }
}
