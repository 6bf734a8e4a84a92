//! Events that a reader asks for: by kind, by transfer, and after which one.

use http::HeaderValue;
use p2p_service::Event;
use p2p_service::files::{EventId, TransferId};
use p2p_service::told::ToldEvent;

use crate::problem::Problem;

/// Events that a reader asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Event after which to begin; from now on if there is none.
    pub(super) after: Option<EventId>,
    kinds: Vec<String>,
    transfer: Option<TransferId>,
}

impl Wanted {
    /// Returns what the parameters of a request ask for; `last` is what a browser that comes again has seen last.
    pub(super) fn of(asked: &[(String, String)], last: Option<&HeaderValue>) -> Result<Wanted, Problem> {
        let mut wanted = Wanted::default();
        for (place, (name, value)) in asked.iter().enumerate() {
            if name != "kind" && asked[..place].iter().any(|(earlier, _)| earlier == name) {
                return Err(Problem::invalid(name, "it is there more than once"));
            }
            match name.as_str() {
                "kind" => wanted.kinds.extend(kinds_of(value)?),
                "transfer" => wanted.transfer = Some(transfer_of(value)?),
                "after" => wanted.after = id_of("after", value)?,
                _ => {}
            }
        }
        wanted.kinds.sort_unstable();
        wanted.kinds.dedup();
        if let Some(last) = last {
            let text = last.to_str().map_err(|_| no_event("Last-Event-ID"))?;
            wanted.after = id_of("Last-Event-ID", text)?.or(wanted.after);
        }
        Ok(wanted)
    }

    /// Returns true if an event is asked for.
    pub(super) fn is_meant(&self, told: &ToldEvent) -> bool {
        let is_of_kind = self.kinds.is_empty() || self.kinds.binary_search(&told.kind).is_ok();
        is_of_kind && (self.transfer.is_none() || self.transfer == told.transfer)
    }
}

fn kinds_of(text: &str) -> Result<Vec<String>, Problem> {
    let kinds = text.split(',').map(str::trim).filter(|kind| !kind.is_empty());
    let known = |kind: &str| match Event::KINDS.contains(&kind) {
        true => Ok(kind.to_owned()),
        false => Err(Problem::invalid("kind", format!("no kind of event has this name; these are: {}", Event::KINDS.join(", ")))),
    };
    kinds.map(known).collect()
}

fn transfer_of(text: &str) -> Result<TransferId, Problem> {
    text.parse().map(TransferId).map_err(|_| Problem::invalid("transfer", "it is the number of a transfer, such as 7"))
}

/// Returns the event that a text names; `None` if it is empty, as that of a browser which has seen none.
fn id_of(field: &str, text: &str) -> Result<Option<EventId>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    let parts = text.split_once('-').and_then(|(run, number)| {
        let is_plain = |text: &str, digit: fn(&char) -> bool| !text.is_empty() && text.chars().all(|c| digit(&c));
        let is_id = is_plain(run, char::is_ascii_hexdigit) && is_plain(number, char::is_ascii_digit);
        is_id.then(|| Some(EventId { run: u64::from_str_radix(run, 16).ok()?, number: number.parse().ok()? })).flatten()
    });
    parts.map(Some).ok_or_else(|| no_event(field))
}

fn no_event(field: &str) -> Problem {
    Problem::invalid(field, "it is the identifier of an event as its message has it, such as 1f3a5b7c9d0e2468-42")
}

#[cfg(test)]
mod tests {
    use p2p_service::files::SimTime;
    use serde_json::Value;

    use super::*;
    use crate::api::values::event_text;

    fn wanted(asked: &[(&str, &str)], last: Option<&str>) -> Result<Wanted, Problem> {
        let asked: Vec<_> = asked.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let last = last.map(|last| HeaderValue::from_bytes(last.as_bytes()).unwrap());
        Wanted::of(&asked, last.as_ref())
    }

    #[test]
    fn what_a_browser_has_seen_goes_before_where_it_has_begun() {
        let id = EventId { run: 0x1f, number: 42 };
        assert_eq!(event_text(id), "000000000000001f-42");
        let after = |asked: &[(&str, &str)], last: Option<&str>| wanted(asked, last).map(|wanted| wanted.after);
        assert_eq!(after(&[], None), Ok(None));
        assert_eq!(after(&[("after", "1f-42")], None), Ok(Some(id)));
        assert_eq!(after(&[("after", "1f-7")], Some("000000000000001f-42")), Ok(Some(id)));
        assert_eq!(after(&[("after", "1f-42")], Some("")), Ok(Some(id)), "it has seen none yet");
        for wrong in ["1f", "-", "1f-", "-4", "1f--4", "+f-4", "1f-+4", "x-1", "1f-99999999999999999999", "1f-4 ", "é-1"] {
            assert!(after(&[("after", wrong)], None).is_err() && after(&[], Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn kinds_and_transfers_choose() {
        let told = |kind: &str, transfer: Option<u64>| ToldEvent {
            id: EventId { run: 1, number: 1 },
            at: SimTime::ZERO,
            kind: kind.to_owned(),
            fields: Value::Null,
            transfer: transfer.map(TransferId),
            path: None,
            text: String::new(),
        };
        let all = wanted(&[("other", "x")], None).unwrap();
        assert!(all.is_meant(&told("Segment", Some(3))) && all.is_meant(&told("Connected", None)));
        let some = wanted(&[("kind", "Segment,FileStored"), ("kind", "Segment, Connected,"), ("transfer", "3")], None).unwrap();
        assert!(some.is_meant(&told("Segment", Some(3))));
        assert!(!some.is_meant(&told("Segment", Some(4))) && !some.is_meant(&told("Moved", Some(3))));
        assert!(!some.is_meant(&told("Connected", None)), "it is about no transfer");
        for wrong in [("kind", "Nothing"), ("kind", "segment"), ("transfer", "-1"), ("transfer", "x")] {
            assert!(wanted(&[wrong], None).is_err(), "{wrong:?}");
        }
        assert!(wanted(&[("kind", "Segment"), ("kind", "Connected")], None).is_ok());
        assert!(wanted(&[("transfer", "3"), ("kind", "Segment"), ("transfer", "4")], None).is_err());
    }
}
