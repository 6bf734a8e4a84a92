//! QR codes (ISO/IEC 18004) as SVG: one path of squares, without any text of others in it.

use std::fmt::Write;

use qrcode::{Color, EcLevel, QrCode};

/// Modules of the quiet zone around a code (ISO/IEC 18004, section 9.1).
const QUIET: usize = 4;

/// Code as the template draws it.
#[derive(Debug)]
pub(super) struct Code {
    /// Modules of a side, with the quiet zone.
    pub(super) side: usize,
    /// Dark modules, as the data of a path of SVG.
    pub(super) path: String,
}

impl Code {
    /// Returns the code of a text, or `None` if the text is too long for one. The lowest level of error correction suffices on a screen, where
    /// no part of the code is damaged.
    pub(super) fn of(text: &str) -> Option<Code> {
        let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
        let (width, mut path) = (code.width(), String::new());
        for (place, color) in code.to_colors().into_iter().enumerate() {
            if color == Color::Dark {
                // Writing to a text cannot fail.
                let _ = write!(path, "M{} {}h1v1h-1z", place % width + QUIET, place / width + QUIET);
            }
        }
        Some(Code { side: width + 2 * QUIET, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_three_finders() {
        let code = Code::of("otpauth://totp/p2p:alice?secret=GEZDGNBVGY3TQOJQ&issuer=p2p").unwrap();
        let last = code.side - QUIET - 7;
        for (x, y) in [(QUIET, QUIET), (last, QUIET), (QUIET, last)] {
            assert!(code.path.contains(&format!("M{x} {y}h1")), "no finder at {x}, {y}");
        }
        assert!(Code::of(&"x".repeat(5_000)).is_none());
    }
}
