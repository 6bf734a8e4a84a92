//! What the readers of JSON, queries and forms say of what they reject, in words of those who ask: what is wrong, and what to write. Nobody
//! who asks knows the types of this program.

/// Words of the readers, and those in their place.
const WORDS: &[(&str, &str)] = &[
    ("Failed to deserialize the JSON body into the target type: ", "the body: "),
    ("Failed to deserialize query string: ", "the query: "),
    ("Failed to deserialize form body: ", "the form: "),
    ("Failed to parse the request body as JSON: ", "the body is no JSON: "),
    ("Failed to buffer the request body: ", "the body has not come as a whole: "),
    (
        "Expected request with `Content-Type: application/json`",
        "the body is to be JSON; send it with `Content-Type: application/json`",
    ),
    ("Invalid URL: Cannot parse ", "the path: "),
    ("Invalid URL: ", "the path: "),
    (" to a `u64`", " is no number from 0 on"),
    ("invalid digit found in string", "it is no number from 0 on"),
    ("cannot parse integer from empty string", "it is empty, and no number from 0 on"),
    ("number too large to fit in target type", "the number is too large"),
    ("provided string was not `true` or `false`", "it is neither `true` nor `false`"),
];

/// Kinds of values that were found, by how the readers name them.
const FOUND: &[(&str, &str)] = &[
    ("integer ", "the number "),
    ("floating point ", "the number "),
    ("string ", "the text "),
    ("boolean ", ""),
    ("null", "`null`"),
    ("map", "an object"),
    ("sequence", "a list"),
    ("unit", "`null`"),
];

/// Kinds of values that were expected, by how the readers name them.
const EXPECTED: &[(&str, &str)] = &[
    ("u64", "a whole number from 0 on"),
    ("u32", "a whole number from 0 on, below 2^32"),
    ("u16", "a whole number from 0 to 65535"),
    ("usize", "a whole number from 0 on"),
    ("f64", "a number"),
    ("a string", "a text"),
    ("a boolean", "`true` or `false`"),
    ("a sequence", "a list"),
    ("a map", "an object"),
];

/// Returns the text of a reader in words of those who ask. The name of the field, if it is about one, stays where it is.
pub(crate) fn told(text: &str) -> String {
    let told = WORDS.iter().fold(text.to_owned(), |told, (theirs, ours)| told.replacen(theirs, ours, 1));
    // Where JSON ends that is none is of use; where a value stands that has a name is not.
    let told = match told.split_once(" at line ") {
        Some((told, _)) if !told.starts_with("the body is no JSON") => told.to_owned(),
        _ => told,
    };
    let begins =
        ["invalid type: ", "invalid value: ", "missing field `", "duplicate field `", "unknown field `", "unknown variant `"];
    let Some(at) = begins.iter().filter_map(|begin| told.find(begin)).min() else { return told };
    let (before, wrong) = told.split_at(at);
    format!("{before}{}", said(wrong).unwrap_or_else(|| wrong.to_owned()))
}

/// Returns what is said of a value or a field that is wrong.
fn said(wrong: &str) -> Option<String> {
    let value = wrong.strip_prefix("invalid type: ").or_else(|| wrong.strip_prefix("invalid value: "));
    if let Some((found, expected)) = value.and_then(|value| value.rsplit_once(", expected ")) {
        return Some(format!("it is {}, and is to be {}", in_words(FOUND, found), in_words(EXPECTED, expected)));
    }
    let (kind, rest) = wrong.split_once(" `")?;
    let (name, rest) = rest.split_once('`')?;
    // The choices that there are, as `` `a`, `b` or `c` ``.
    let choices = rest.strip_prefix(", expected ").map(|choices| choices.strip_prefix("one of ").unwrap_or(choices));
    Some(match (kind, choices) {
        ("missing field", _) => format!("the field `{name}` is missing"),
        ("duplicate field", _) => format!("the field `{name}` is there more than once"),
        ("unknown field", None) => format!("there is no field `{name}`"),
        ("unknown field", Some(choices)) if choices.matches('`').count() == 2 => {
            format!("there is no field `{name}`; there is {choices}")
        }
        ("unknown field", Some(choices)) => format!("there is no field `{name}`; there are {choices}"),
        ("unknown variant", Some(choices)) => format!("`{name}` is none of {choices}"),
        _ => return None,
    })
}

/// Returns the words for a kind of value; what a table does not have stays as it is.
fn in_words(table: &[(&str, &str)], text: &str) -> String {
    let found = table.iter().find_map(|(theirs, ours)| Some(format!("{ours}{}", text.strip_prefix(theirs)?)));
    found.unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_without_types() {
        let body = "Failed to deserialize the JSON body into the target type: ";
        for (theirs, ours) in [
            (
                "mode: invalid type: string \"0600\", expected u32 at line 1 column 15",
                "mode: it is the text \"0600\", and is to be a whole number from 0 on, below 2^32",
            ),
            (
                "days: invalid type: floating point `1.5`, expected u64 at line 1 column 9",
                "days: it is the number `1.5`, and is to be a whole number from 0 on",
            ),
            ("user: invalid type: null, expected a string at line 1 column 9", "user: it is `null`, and is to be a text"),
            ("missing field `user` at line 1 column 2", "the field `user` is missing"),
            ("duplicate field `user` at line 1 column 2", "the field `user` is there more than once"),
            ("unknown field `x`, expected `a` at line 1 column 2", "there is no field `x`; there is `a`"),
            ("unknown field `x`, expected `a` or `b` at line 1 column 2", "there is no field `x`; there are `a` or `b`"),
            ("kind: unknown variant `x`, expected one of `a`, `b`, `c` at line 1 column 2", "kind: `x` is none of `a`, `b`, `c`"),
        ] {
            assert_eq!(told(&format!("{body}{theirs}")), format!("the body: {ours}"));
        }
        let none = "Failed to parse the request body as JSON: EOF while parsing a value at line 1 column 12";
        assert_eq!(told(none), "the body is no JSON: EOF while parsing a value at line 1 column 12");
    }
}
