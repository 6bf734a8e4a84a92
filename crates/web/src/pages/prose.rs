//! Prose in which code stands between backticks, as the help of commands and the description of REST have it: the macro `prose` shows it.

/// Pieces of a text, each with whether it is code.
pub(super) type Prose = Vec<(bool, String)>;

/// Returns the pieces of a text.
pub(super) fn prose(text: &str) -> Prose {
    let pieces = text.split('`').enumerate().map(|(place, piece)| (place % 2 == 1, piece.to_owned()));
    pieces.filter(|(_, piece)| !piece.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_between_backticks_is_code() {
        let piece = |is_code: bool, text: &str| (is_code, text.to_owned());
        assert_eq!(
            prose("`limit` of `a`, or none"),
            [piece(true, "limit"), piece(false, " of "), piece(true, "a"), piece(false, ", or none")]
        );
        assert_eq!(prose(""), []);
    }
}
