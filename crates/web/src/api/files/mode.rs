//! Permission bits as text of octal digits, as chmod(1) takes them and as the command language has them: `0644`. One form for JSON, parameters and
//! the metadata of uploads, since `644` as a number would be another mode than as digits.

use std::fmt::Formatter;

use p2p_service::event_words::mode_of;
use p2p_shell::attributes::parse_mode;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Permission bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) struct Mode(pub(in crate::api) u32);

impl Serialize for Mode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&mode_of(self.0))
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Mode, D::Error> {
        deserializer.deserialize_any(Digits)
    }
}

/// Reader of the text of a mode.
struct Digits;

impl Visitor<'_> for Digits {
    type Value = Mode;

    fn expecting(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("a mode as text of octal digits, such as \"0644\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Mode, E> {
        parse_mode(text).map(Mode).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_value, json, to_value};

    use super::*;

    #[test]
    fn a_mode_is_text_of_octal_digits() {
        for (text, bits) in [("644", 0o644), ("0644", 0o644), ("4755", 0o755), ("000", 0)] {
            assert_eq!(from_value::<Mode>(json!(text)).unwrap(), Mode(bits), "{text}");
        }
        assert_eq!([0o644, 0o7, 0].map(|bits| to_value(Mode(bits)).unwrap()), [json!("0644"), json!("0007"), json!("0000")]);
    }

    /// The number of a mode may be meant in two ways, and is none of them.
    #[test]
    fn a_number_is_refused_with_what_to_write() {
        for wrong in
            [json!(420), json!(644), json!(-1), json!(6.4), Value::Null, json!("64"), json!("0o644"), json!("888"), json!("u+x")]
        {
            let error = from_value::<Mode>(wrong.clone()).unwrap_err().to_string();
            assert!(error.contains("octal digits"), "{wrong}: {error}");
        }
    }
}
