//! Bytes as hexadecimal digits, as digests and random names are written in reports, in names of files and in the audit log.

/// Returns the bytes as lowercase hexadecimal digits, two for each.
///
/// ```
/// assert_eq!(p2p_base::hex::hex(&[0x00, 0xa7, 0xff]), "00a7ff");
/// ```
pub fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])).collect()
}
