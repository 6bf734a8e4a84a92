//! QR codes (ISO/IEC 18004) of all front ends: as text in half blocks, two modules per cell, and as one path of SVG. Callers must draw the dark
//! modules black and the light ones white, independent of the colours around them, for cameras to read them.

use std::fmt::Write;

use qrcode::render::unicode::Dense1x2;
use qrcode::{Color, EcLevel, QrCode};

/// Modules of the quiet zone around a code (ISO/IEC 18004, section 9.1).
const QUIET: usize = 4;

/// Makes the code of a text, or returns `None` if the text is too long for one.
///
/// The lowest level of error correction makes the smallest code, and suffices on a screen, where no part of the code is damaged.
fn code_of(text: &str) -> Option<QrCode> {
    QrCode::with_error_correction_level(text, EcLevel::L).ok()
}

/// Returns the lines of the QR code of a text, including the quiet zone, or `None` if the text is too long for one.
pub fn lines(text: &str) -> Option<Vec<String>> {
    Some(code_of(text)?.render::<Dense1x2>().quiet_zone(true).build().lines().map(str::to_owned).collect())
}

/// QR code as a picture: a path of SVG without any text of others in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Modules of a side, with the quiet zone.
    pub side: usize,
    /// Dark modules, as the data of a path of SVG.
    pub path: String,
}

impl Picture {
    /// Returns the code of a text, or `None` if the text is too long for one.
    pub fn of(text: &str) -> Option<Picture> {
        let code = code_of(text)?;
        let (width, mut path) = (code.width(), String::new());
        for (place, color) in code.to_colors().into_iter().enumerate() {
            if color == Color::Dark {
                // Writing to a text cannot fail.
                let _ = write!(path, "M{} {}h1v1h-1z", place % width + QUIET, place / width + QUIET);
            }
        }
        Some(Picture { side: width + 2 * QUIET, path })
    }

    /// Returns the picture as an element of SVG of this many pixels a side at the least: dark on light in every colour scheme.
    pub fn svg(&self, pixels: usize) -> String {
        let Picture { side, path } = self;
        let size = pixels.div_ceil(*side) * side;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{size}\" height=\"{size}\" viewBox=\"0 0 {side} {side}\" \
             shape-rendering=\"crispEdges\"><rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/><path d=\"{path}\" fill=\"#000\"/></svg>"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str = "otpauth://totp/p2p:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=p2p";

    #[test]
    fn a_provisioning_uri_fits_a_small_screen() {
        let size = |uri: &str| lines(uri).map(|lines| (lines[0].chars().count(), lines.len())).unwrap();
        assert_eq!(size(URI), (41, 21));
        assert_eq!(size(&URI.replace("alice", &"a".repeat(32))), (45, 23));
        assert!(lines(&"x".repeat(5_000)).is_none());
    }

    #[test]
    fn a_picture_has_its_three_finders() {
        let code = Picture::of(URI).unwrap();
        let last = code.side - QUIET - 7;
        for (x, y) in [(QUIET, QUIET), (last, QUIET), (QUIET, last)] {
            assert!(code.path.contains(&format!("M{x} {y}h1")), "no finder at {x}, {y}");
        }
        assert!(Picture::of(&"x".repeat(5_000)).is_none());
        assert!(code.svg(240).contains("width=\"246\""), "a module has the same number of pixels everywhere: {}", code.svg(240));
    }
}
