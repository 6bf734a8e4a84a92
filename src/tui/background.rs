//! The background of the terminal, dark or light, which the terminal itself is asked for (xterm's control sequences, OSC 11).
//!
//! Nothing waits for the answer: the decoder of the input takes it out whenever it comes, and what was typed before it or after it is
//! passed on.

use std::io::{self, Write, stdout};

/// Question for the colour of the background.
const QUESTION: &[u8] = b"\x1b]11;?\x1b\\";
/// Beginning of what the answer says.
const BEGINNING: &str = "11;";

/// Asks the terminal, whose input must be in raw mode.
///
/// # Errors
/// Fails if the terminal cannot be written to.
pub fn ask() -> io::Result<()> {
    let mut out = stdout();
    out.write_all(QUESTION)?;
    out.flush()
}

/// Returns true if an answer such as `11;rgb:ffff/ffff/dddd` names a light colour: one that is nearer to white than to black in the
/// eye (relative luminance, WCAG 2.2, above 0.18).
pub(super) fn is_light(answer: &str) -> Option<bool> {
    let color = answer.strip_prefix(BEGINNING)?;
    let parts = color.strip_prefix("rgb:").or_else(|| color.strip_prefix("rgba:"))?;
    let part = |text: &str| {
        let most = 16_u32.checked_pow(u32::try_from(text.len()).ok()?)?.checked_sub(1).filter(|&most| most > 0)?;
        Some(f64::from(u32::from_str_radix(text, 16).ok()?) / f64::from(most))
    };
    let parts: Vec<f64> = parts.split('/').map(part).collect::<Option<_>>()?;
    let [red, green, blue, ..] = parts.as_slice() else { return None };
    let linear = |part: f64| if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) };
    Some(0.2126 * linear(*red) + 0.7152 * linear(*green) + 0.0722 * linear(*blue) > 0.18)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_light_or_dark() {
        for (answer, light) in [
            ("11;rgb:ffff/ffff/ffff", Some(true)),
            ("11;rgb:fd/f6/e3", Some(true)),
            ("11;rgb:0000/2b2b/3636", Some(false)),
            ("11;rgba:1e1e/1e1e/1e1e/ffff", Some(false)),
            ("11;rgb:0/0/0", Some(false)),
            ("10;rgb:ffff/ffff/ffff", None),
            ("11;rgb://", None),
            ("11;rgb:fffffffff/0/0", None),
            ("11;?", None),
        ] {
            assert_eq!(is_light(answer), light, "{answer}");
        }
    }
}
