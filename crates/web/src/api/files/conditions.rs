//! Conditions of requests (RFC 9110, section 13): by the tag of the content, which is its SHA-256, and by the time of its modification.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE};
use http::{HeaderMap, StatusCode};
use p2p_service::access::AccessError;
use p2p_service::files::{Attributes, EngineError, Entry, FileRecord, Sha256Digest, StoreAs, TransferError};
use p2p_service::reasons::name;

use super::User;
use crate::problem::Problem;

/// Returns the tag of a file: strong, since it is made of the content alone (RFC 9110, section 8.8.3).
pub(super) fn tag_of(file: &FileRecord) -> String {
    format!("\"{}\"", file.sha256)
}

/// Returns the time of the last modification of a file, as HTTP writes it (RFC 9110, section 5.6.7).
pub(super) fn modified(file: &FileRecord) -> String {
    httpdate::fmt_http_date(time(file.modified))
}

fn time(seconds: u64) -> SystemTime {
    // No modification is kept that is later than the year 9999, the last that such a date can write.
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// Tags of a header (RFC 9110, section 13.1.1).
#[derive(Debug, PartialEq, Eq)]
enum Tags<'h> {
    /// The sign `*`, which any file has.
    Any,
    /// Tags, each with its quotes, and true for those that are weak.
    These(Vec<(bool, &'h str)>),
}

impl Tags<'_> {
    /// Returns true if one of these is the tag of what is there, compared strongly (RFC 9110, section 8.8.3.2).
    fn has(&self, tag: &str) -> bool {
        match self {
            Tags::Any => true,
            Tags::These(all) => all.iter().any(|(is_weak, known)| !is_weak && *known == tag),
        }
    }

    /// Returns true if one of these is the tag of what is there, compared weakly.
    fn has_weakly(&self, tag: &str) -> bool {
        match self {
            Tags::Any => true,
            Tags::These(all) => all.iter().any(|(_, known)| *known == tag),
        }
    }
}

/// Returns the next tag of a list, and what follows it.
fn next_tag(text: &str) -> Option<((bool, &str), &str)> {
    let (is_weak, text) = text.strip_prefix("W/").map_or((false, text), |text| (true, text));
    let end = text.strip_prefix('"')?.find('"')? + 2;
    Some(((is_weak, &text[..end]), &text[end..]))
}

fn tags(text: &str) -> Option<Tags<'_>> {
    let mut rest = text.trim();
    if rest == "*" {
        return Some(Tags::Any);
    }
    let mut all = Vec::new();
    while !rest.is_empty() {
        let (tag, after) = next_tag(rest)?;
        all.push(tag);
        let after = after.trim_start();
        rest = match after.strip_prefix(',') {
            Some(more) => more.trim_start(),
            None if after.is_empty() => after,
            None => return None,
        };
    }
    Some(Tags::These(all))
}

/// Returns the lines of a header as one (RFC 9110, section 5.3).
///
/// # Errors
/// Fails if it is not text.
pub(super) fn joined(headers: &HeaderMap, header: &HeaderName) -> Result<Option<String>, Problem> {
    let lines: Result<Vec<&str>, _> = headers.get_all(header).iter().map(|value| value.to_str()).collect();
    let lines = lines.map_err(|_| Problem::invalid(header.as_str(), "it is not text"))?;
    Ok(Some(lines.join(", ")).filter(|_| !lines.is_empty()))
}

fn failed(detail: &str) -> Problem {
    Problem::new(StatusCode::PRECONDITION_FAILED, name::STATE, detail)
}

fn holds(headers: &HeaderMap, header: &HeaderName, is_so: impl Fn(&Tags<'_>) -> bool) -> Result<Option<bool>, Problem> {
    let Some(text) = joined(headers, header)? else { return Ok(None) };
    match tags(&text) {
        Some(tags) => Ok(Some(is_so(&tags))),
        None => Err(Problem::invalid(header.as_str(), "write it as `\"TAG\"`, with several between commas, or `*`")),
    }
}

/// Returns the time in a header; none if it is not valid, which is then as if it were not there (RFC 9110, section 13.1.3).
fn date(headers: &HeaderMap, header: &HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(header)?.to_str().ok()?).ok()
}

/// Outcome of the conditions of a request to read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// The content is answered.
    Wanted,
    /// The client has the content already.
    NotModified,
}

/// Judges the conditions of a request to read a file, in the order of RFC 9110, section 13.2.2.
///
/// # Errors
/// Fails with 412 if the file is not the one that is meant.
pub(super) fn of_reading(headers: &HeaderMap, file: &FileRecord) -> Result<Reading, Problem> {
    let tag = tag_of(file);
    let is_meant = match holds(headers, &IF_MATCH, |tags| tags.has(&tag))? {
        Some(is_meant) => is_meant,
        None => date(headers, &IF_UNMODIFIED_SINCE).is_none_or(|since| time(file.modified) <= since),
    };
    if !is_meant {
        return Err(failed("the file is another one than the condition says"));
    }
    let is_known = match holds(headers, &IF_NONE_MATCH, |tags| tags.has_weakly(&tag))? {
        Some(is_known) => is_known,
        None => date(headers, &IF_MODIFIED_SINCE).is_some_and(|since| time(file.modified) <= since),
    };
    Ok(if is_known { Reading::NotModified } else { Reading::Wanted })
}

/// Returns true if the range of a request is to be answered: without `If-Range`, or if that is the tag of the file. A date never is: owners
/// may set the time of a modification, so that it is no strong validator (RFC 9110, sections 8.8.2.2 and 13.1.5).
pub(super) fn is_range_meant(headers: &HeaderMap, file: &FileRecord) -> bool {
    headers.get(IF_RANGE).is_none_or(|value| value.as_bytes() == tag_of(file).as_bytes())
}

/// Condition of a request to store or to remove, as the engine judges it in the instant of the change: what was there when the condition held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Condition {
    /// True if there may be nothing of the name.
    is_new: bool,
    /// SHA-256 of the file of which the condition holds.
    pub(super) expected: Option<Sha256Digest>,
}

impl Condition {
    /// Returns the place of a file of these attributes that is to be stored.
    pub(super) const fn stored_as(self, attributes: Attributes) -> StoreAs {
        StoreAs { attributes, replace: !self.is_new, expected: self.expected }
    }

    /// Returns the problem of a refusal of the change. Where another change came first, the condition does not hold.
    pub(super) fn refusal(self, error: AccessError) -> Problem {
        use EngineError::{ContentDiffers, IsDirectory, NameTaken, TransferFailed, UnknownFile};
        let AccessError::Engine(refused) = &error else { return error.into() };
        let is_other = match refused {
            ContentDiffers { .. } | UnknownFile { .. } | IsDirectory { .. } => self.expected.is_some(),
            TransferFailed { error: TransferError::ContentDiffers { .. } | TransferError::Removed, .. } => {
                self.expected.is_some()
            }
            NameTaken { .. } | TransferFailed { error: TransferError::NameTaken, .. } if self.is_new => return taken(),
            _ => false,
        };
        if is_other {
            failed("another change has come first: what is stored is not what the condition says any more")
        } else {
            error.into()
        }
    }
}

impl User {
    /// Judges the conditions of a request to change what the user calls `path`: `If-Match`, `If-Unmodified-Since` and `If-None-Match`. Returns
    /// what must be so in the instant of the change for them to hold then too.
    ///
    /// # Errors
    /// Fails with 412 if a condition does not hold.
    pub(super) async fn check_to_change(&self, path: &str, headers: &HeaderMap) -> Result<Condition, Problem> {
        if ![IF_MATCH, IF_NONE_MATCH, IF_UNMODIFIED_SINCE].iter().any(|header| headers.contains_key(header)) {
            return Ok(Condition::default());
        }
        let found = match self.access.entry(&self.identity, path).await {
            Ok(found) => Some(found),
            Err(AccessError::Engine(EngineError::UnknownFile { .. })) => None,
            Err(error) => return Err(error.into()),
        };
        let tag = match &found {
            Some(Entry::File(file)) => Some(tag_of(file)),
            _ => None,
        };
        // A directory has no tag, and is there.
        let has = |tags: &Tags<'_>| match (&tag, tags) {
            (Some(tag), tags) => tags.has(tag),
            (None, tags) => found.is_some() && *tags == Tags::Any,
        };
        if holds(headers, &IF_MATCH, has)? == Some(false) {
            return Err(failed("what is stored is not what `If-Match` says"));
        }
        let modified = found.as_ref().and_then(|found| found.attributes().modified);
        let is_later = |since: SystemTime| modified.is_some_and(|at| time(at) > since);
        if !headers.contains_key(IF_MATCH) && date(headers, &IF_UNMODIFIED_SINCE).is_some_and(is_later) {
            return Err(failed("what is stored was modified since"));
        }
        let has_weakly = |tags: &Tags<'_>| tag.as_ref().map_or_else(|| has(tags), |tag| tags.has_weakly(tag));
        if holds(headers, &IF_NONE_MATCH, has_weakly)? == Some(true) {
            return Err(taken());
        }
        // A name that was free when the condition held is to be free still.
        let is_new = found.is_none() && headers.contains_key(IF_NONE_MATCH);
        let expected = match found {
            Some(Entry::File(file)) => Some(file.sha256),
            _ => None,
        };
        Ok(Condition { is_new, expected })
    }
}

/// Returns the problem of a request to store a new file where there is one.
pub(super) fn taken() -> Problem {
    failed("there is something of that name, which `If-None-Match` does not allow")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use p2p_service::network::Way;

    use super::*;

    #[test]
    fn tags_are_read_as_the_rfc_writes_them() {
        assert_eq!(tags("*"), Some(Tags::Any));
        assert_eq!(tags(r#""a""#), Some(Tags::These(vec![(false, r#""a""#)])));
        let three = Tags::These(vec![(false, r#""a""#), (true, r#""b,c""#), (false, r#""""#)]);
        assert_eq!(tags(r#" "a" ,W/"b,c", """#), Some(three));
        for wrong in ["a", r#""a"#, r#""a" "b""#, r#"w/"a""#, r#""a"x"#, "*, *"] {
            assert_eq!(tags(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn weak_tags_match_weakly_alone() {
        let weak = tags(r#"W/"a""#).unwrap();
        assert!(weak.has_weakly("\"a\"") && !weak.has("\"a\""));
        assert!(Tags::Any.has("\"b\"") && Tags::Any.has_weakly("\"b\""));
    }

    /// What has come first in the instant of the change is a condition that does not hold, and without a condition what it is.
    #[test]
    fn a_change_that_comes_first_is_a_failed_condition() {
        let (expected, found) = (Sha256Digest::of(b"a"), Sha256Digest::of(b"b"));
        let failed = |error| EngineError::TransferFailed { direction: Way::Upload, name: "a".into(), error };
        let others = [
            EngineError::ContentDiffers { name: "a".into(), expected, found },
            EngineError::UnknownFile { file: "a".into(), nearest: None },
            failed(TransferError::ContentDiffers { expected, found }),
            failed(TransferError::Removed),
        ];
        let taken = [EngineError::NameTaken { name: "a".into() }, failed(TransferError::NameTaken)];
        let status = |condition: Condition, error: &EngineError| condition.refusal(error.clone().into()).status().as_u16();
        let of_file = Condition { is_new: false, expected: Some(expected) };
        let is_new = Condition { is_new: true, expected: None };
        assert_eq!(others.each_ref().map(|error| status(of_file, error)), [412; 4]);
        assert_eq!(taken.each_ref().map(|error| status(is_new, error)), [412; 2]);
        assert_eq!(taken.each_ref().map(|error| status(Condition::default(), error)), [409; 2]);
        assert!(others.iter().all(|error| status(Condition::default(), error) != 412));
    }

    #[test]
    fn lines_are_one_list() {
        let mut headers = HeaderMap::new();
        headers.append(IF_MATCH, HeaderValue::from_static("\"a\""));
        headers.append(IF_MATCH, HeaderValue::from_static("\"b\""));
        assert_eq!(holds(&headers, &IF_MATCH, |tags| tags.has("\"b\"")).unwrap(), Some(true));
        assert_eq!(holds(&headers, &IF_NONE_MATCH, |_| true).unwrap(), None);
    }
}
