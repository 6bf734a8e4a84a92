//! QR codes (ISO/IEC 18004) as text in half blocks, two modules per cell. Callers must draw the dark modules black and
//! the light ones white, independent of the terminal's colours, for cameras to read them.

use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

/// Returns the lines of the QR code of a text, including the quiet zone, or `None` if the text is too long for one.
///
/// The lowest level of error correction makes the smallest code, and suffices on a screen, where no part of the code is damaged.
pub fn lines(text: &str) -> Option<Vec<String>> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    Some(code.render::<Dense1x2>().quiet_zone(true).build().lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provisioning_uri_fits_a_small_screen() {
        let uri = |name: &str| format!("otpauth://totp/p2p:{name}?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=p2p");
        let size = |name: &str| lines(&uri(name)).map(|lines| (lines[0].chars().count(), lines.len())).unwrap();
        assert_eq!(size("alice"), (41, 21));
        assert_eq!(size(&"a".repeat(32)), (45, 23));
        assert!(lines(&"x".repeat(5_000)).is_none());
    }
}
