//! Quantities of the contract: spans, shares, delays, speeds and the numbers of nodes, each with the bounds that its type has here.

use p2p_service::files::{NodeNumber, SimDuration, SimTime};
use p2p_service::network::{DelayRange, Probability, Speed};
use prost_types::Duration;
use thiserror::Error;
use tonic::Status;

use crate::{proto, status};

/// Nanoseconds of a second.
pub(crate) const SECOND: u64 = 1_000_000_000;
/// Parts of a whole that count of a share.
const PARTS: f64 = 1e9;

/// Field of a message that has no valid value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{field}: {problem}")]
pub(crate) struct Wrong {
    field: String,
    problem: String,
}

impl Wrong {
    pub(crate) fn new(field: &str, problem: impl ToString) -> Wrong {
        Wrong { field: field.to_owned(), problem: problem.to_string() }
    }

    /// Returns the error of a field that a message needs and does not have.
    pub(crate) fn missing(field: &str) -> Wrong {
        Wrong::new(field, "it is missing")
    }

    /// Returns the same of a message that is a field of another one.
    pub(crate) fn within(self, outer: &str) -> Wrong {
        Wrong { field: format!("{outer}.{}", self.field), ..self }
    }
}

impl From<Wrong> for Status {
    fn from(Wrong { field, problem }: Wrong) -> Status {
        status::invalid(&field, problem)
    }
}

pub(crate) type Read<T> = Result<T, Wrong>;

/// Returns the number of a node from 1 on.
pub(crate) fn number(node: NodeNumber) -> u32 {
    u32::try_from(node.index()).unwrap_or(u32::MAX).saturating_add(1)
}

pub(crate) fn node_of(field: &str, number: u32) -> Read<NodeNumber> {
    let index = usize::from(u16::try_from(number).unwrap_or_default()).checked_sub(1);
    index.map(NodeNumber::from_index).ok_or_else(|| Wrong::new(field, format_args!("a node has a number from 1 to {}", u16::MAX)))
}

pub(crate) fn span(span: SimDuration) -> Duration {
    of_nanos(span.as_nanos())
}

pub(crate) fn instant(at: SimTime) -> Duration {
    of_nanos(at.as_nanos())
}

fn of_nanos(nanos: u64) -> Duration {
    Duration { seconds: (nanos / SECOND) as i64, nanos: (nanos % SECOND) as i32 }
}

/// Returns the nanoseconds of so many whole seconds and nanoseconds of another; none if they are not counted from 0 on, or do not fit.
pub(crate) fn nanos_in(seconds: i64, nanos: i32) -> Option<u64> {
    let nanos = u64::try_from(nanos).ok().filter(|&nanos| nanos < SECOND)?;
    u64::try_from(seconds).ok()?.checked_mul(SECOND)?.checked_add(nanos)
}

fn nanos_of(field: &str, span: Duration) -> Read<u64> {
    nanos_in(span.seconds, span.nanos).ok_or_else(|| Wrong::new(field, "it is no span of virtual time, which has 0 to 584 years"))
}

pub(crate) fn span_of(field: &str, given: Duration) -> Read<SimDuration> {
    nanos_of(field, given).map(SimDuration::from_nanos)
}

pub(crate) fn instant_of(field: &str, given: Duration) -> Read<SimTime> {
    nanos_of(field, given).map(SimTime::from_nanos)
}

pub(crate) fn share(chance: Probability) -> f64 {
    chance.as_f64()
}

pub(crate) fn chance_of(field: &str, share: f64) -> Read<Probability> {
    match (0.0..=1.0).contains(&share) {
        true => Ok(Probability::from_billionths((share * PARTS).round() as u32)),
        false => Err(Wrong::new(field, "a share is a number from 0 to 1")),
    }
}

pub(crate) fn delays(range: DelayRange) -> proto::DelayRange {
    let longest = (range.max() != range.min()).then(|| span(range.max()));
    proto::DelayRange { shortest: Some(span(range.min())), longest }
}

pub(crate) fn delays_of(field: &str, range: proto::DelayRange) -> Read<DelayRange> {
    let shortest = range.shortest.ok_or_else(|| Wrong::missing("shortest").within(field))?;
    let shortest = span_of("shortest", shortest).map_err(|wrong| wrong.within(field))?;
    let longest =
        range.longest.map_or(Ok(shortest), |longest| span_of("longest", longest)).map_err(|wrong| wrong.within(field))?;
    match longest < shortest {
        true => Err(Wrong::new("longest", "it is shorter than the shortest").within(field)),
        false => Ok(DelayRange::between(shortest, longest)),
    }
}

pub(crate) fn speed(speed: Speed) -> proto::Speed {
    let speed = match speed.factor() {
        Some(factor) => proto::speed::Speed::Factor(factor),
        None => proto::speed::Speed::Max(()),
    };
    proto::Speed { speed: Some(speed) }
}

pub(crate) fn speed_of(field: &str, given: Option<proto::Speed>) -> Read<Speed> {
    match given.and_then(|given| given.speed).ok_or_else(|| Wrong::missing(field))? {
        proto::speed::Speed::Max(()) => Ok(Speed::Max),
        // The bounds are those of the text, which users write.
        proto::speed::Speed::Factor(factor) => factor.to_string().parse().map_err(|error| Wrong::new(field, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_not_negative_and_fit() {
        for nanos in [0, 1, SECOND, u64::MAX] {
            assert_eq!(span_of("s", span(SimDuration::from_nanos(nanos))), Ok(SimDuration::from_nanos(nanos)));
        }
        let given = |seconds, nanos| span_of("s", Duration { seconds, nanos });
        for (seconds, nanos) in [(-1, 0), (0, -1), (0, 1_000_000_000), (i64::MAX, 0), (18_446_744_073, 709_551_616)] {
            assert!(given(seconds, nanos).is_err(), "{seconds} {nanos}");
        }
    }

    #[test]
    fn shares_keep_nine_decimals() {
        for billionths in [0, 1, 10_000_000, 333_333_333, 999_999_999, 1_000_000_000] {
            let chance = Probability::from_billionths(billionths);
            assert_eq!(chance_of("s", share(chance)), Ok(chance));
        }
        for wrong in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(chance_of("s", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn delays_and_speeds_are_within_their_bounds() {
        for text in ["10ms", "10ms..50ms", "0ms"] {
            let range: DelayRange = text.parse().unwrap();
            assert_eq!(delays_of("d", delays(range)), Ok(range));
        }
        let (short, long) = (span(SimDuration::from_millis(1)), span(SimDuration::from_millis(2)));
        let wrong = delays_of("d", proto::DelayRange { shortest: Some(long), longest: Some(short) }).unwrap_err();
        assert_eq!(wrong.to_string(), "d.longest: it is shorter than the shortest");
        assert!(delays_of("d", proto::DelayRange { shortest: None, longest: Some(long) }).is_err());
        for text in ["1x", "0.001x", "1000000x", "max"] {
            let given: Speed = text.parse().unwrap();
            assert_eq!(speed_of("s", Some(speed(given))), Ok(given));
        }
        let factor = |factor| Some(proto::Speed { speed: Some(proto::speed::Speed::Factor(factor)) });
        for wrong in [0.0, -1.0, 1e7, f64::NAN, f64::INFINITY] {
            assert!(speed_of("s", factor(wrong)).is_err(), "{wrong}");
        }
        assert!(speed_of("s", None).is_err() && speed_of("s", Some(proto::Speed { speed: None })).is_err());
    }
}
