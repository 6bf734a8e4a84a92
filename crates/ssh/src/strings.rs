//! Strings in packets of SSH and SFTP: a length and so many bytes (RFC 4251, section 5).

use bytes::{Buf, BufMut};

/// Appends a string.
pub(crate) fn put(to: &mut impl BufMut, bytes: &[u8]) {
    to.put_u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    to.put_slice(bytes);
}

/// Takes a string from the begin of bytes; `None` if there is no whole one.
pub(crate) fn take<'d>(bytes: &mut &'d [u8]) -> Option<&'d [u8]> {
    let len = bytes.try_get_u32().ok()? as usize;
    let (string, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(string)
}
