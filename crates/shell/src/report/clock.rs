//! The one notation of the virtual clock: minutes and seconds since the start of the simulation, preceded by the hours if there
//! are any, as in `17:02.479512`.
//!
//! A place shows as many decimals as it needs: the header of the screen tenths, the log and answers milliseconds, the wire
//! microseconds, the axis of a chart what tells its ends apart. Instants are cut off and never rounded, so that one place's text is
//! the beginning of another's: what the log tells is found on the wire by the text of its time. Durations are rounded.

use p2p_base::units::SimTime;
use p2p_engine::pace::{PaceStatus, Speed};

/// Number of decimals of a second that a place shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// One decimal: clocks that run, and axes of ten seconds and more.
    Tenths,
    /// Three decimals: the log, and answers to commands.
    Millis,
    /// Six decimals: packets on the wire.
    Micros,
}

impl Resolution {
    const fn decimals(self) -> usize {
        match self {
            Resolution::Tenths => 1,
            Resolution::Millis => 3,
            Resolution::Micros => 6,
        }
    }
}

/// Formats an instant, cut off at the resolution, as in `17:02.479` or `1:02:05.0`.
pub fn instant_of(at: SimTime, resolution: Resolution) -> String {
    notation(at.as_nanos(), resolution)
}

/// Formats two instants as in `17:02.479-06.971`: of the later one the part from the first field on that differs; one time for two that
/// read the same.
pub fn range_of(first: SimTime, last: SimTime, resolution: Resolution) -> String {
    let [first, last] = [first, last].map(|at| instant_of(at, resolution));
    if first == last {
        return first;
    }
    let is_same = |end: usize| first.get(..end).is_some_and(|start| last.starts_with(start));
    let fields = last.match_indices(':').map(|(place, _)| place + 1).take_while(|&end| is_same(end));
    let from = if first.len() == last.len() { fields.last().unwrap_or(0) } else { 0 };
    format!("{first}-{}", &last[from..])
}

/// Formats a duration in seconds, rounded to tenths, as in `01:23.4`.
pub fn clock_of(seconds: f64) -> String {
    // The whole value is rounded first, so that the seconds never read 60.
    notation(((seconds * 10.0).round() as u64).saturating_mul(100_000_000), Resolution::Tenths)
}

/// Formats a duration in seconds likewise, without the decimal if it is zero, as in `01:23`.
pub fn whole_clock_of(seconds: f64) -> String {
    let clock = clock_of(seconds);
    clock.strip_suffix(".0").unwrap_or(&clock).to_owned()
}

fn notation(nanos: u64, resolution: Resolution) -> String {
    SimTime::from_nanos(nanos).clock(resolution.decimals())
}

/// Returns the speed at which time passes: the one that was asked for, and before it the one that is reached where that is less.
pub fn pace_of(pace: PaceStatus) -> String {
    match (pace.speed, pace.actual) {
        (Speed::Thousandths(asked), Some(actual @ Speed::Thousandths(reached))) if reached < asked => {
            format!("{actual} of {}", pace.speed)
        }
        (speed, _) => speed.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_place_shows_its_decimals() {
        let at = SimTime::from_nanos(1_022_479_512_999);
        let texts = [Resolution::Tenths, Resolution::Millis, Resolution::Micros].map(|resolution| instant_of(at, resolution));
        assert_eq!(texts, ["17:02.4", "17:02.479", "17:02.479512"]);
        assert_eq!(instant_of(SimTime::from_nanos(3_725_999_999_999), Resolution::Millis), "1:02:05.999");
    }

    #[test]
    fn a_range_has_what_differs() {
        let at = |ms: u64| SimTime::from_nanos(ms * 1_000_000);
        let of = |first, last| range_of(at(first), at(last), Resolution::Millis);
        assert_eq!(of(1_200, 1_200), "00:01.200");
        assert_eq!([of(1_200, 3_104), of(59_900, 61_000)], ["00:01.200-03.104", "00:59.900-01:01.000"]);
        assert_eq!(of(3_599_999, 3_600_001), "59:59.999-1:00:00.001");
        assert_eq!(of(3_600_001, 3_600_002), "1:00:00.001-00.002");
        assert_eq!(of(3_600_001, 36_000_000), "1:00:00.001-10:00:00.000");
    }

    #[test]
    fn durations_are_rounded() {
        assert_eq!([clock_of(0.0), clock_of(83.44), clock_of(3_725.0)], ["00:00.0", "01:23.4", "1:02:05.0"]);
        assert_eq!([clock_of(59.94), clock_of(59.97), clock_of(3_599.99)], ["00:59.9", "01:00.0", "1:00:00.0"]);
    }

    proptest! {
        /// The time of a line in the log is the beginning of that of its packet on the wire, and two instants are in the order of
        /// their texts within an hour.
        #[test]
        fn one_place_s_text_begins_another_s(nanos: u64, other in 0u64..3_600_000_000_000, later in 0u64..3_600_000_000_000) {
            let of = |resolution| instant_of(SimTime::from_nanos(nanos), resolution);
            prop_assert!(of(Resolution::Micros).starts_with(&of(Resolution::Millis)));
            prop_assert!(of(Resolution::Millis).starts_with(&of(Resolution::Tenths)));
            let of = |nanos| instant_of(SimTime::from_nanos(nanos), Resolution::Micros);
            prop_assert_eq!((other / 1_000).cmp(&(later / 1_000)), of(other).cmp(&of(later)));
        }
    }

    /// What is not reached is not claimed: the speed that is stands before the one that was asked for.
    #[test]
    fn a_speed_that_is_not_reached_says_so() {
        let told = |speed: &str, actual: Option<&str>| {
            let of = |text: &str| text.parse::<Speed>().unwrap();
            pace_of(PaceStatus { speed: of(speed), is_paused: false, actual: actual.map(of) })
        };
        assert_eq!(told("100000x", Some("7800x")), "7800x of 100000x");
        assert_eq!(told("10x", Some("1x")), "1x of 10x", "a client is waited for");
        let as_asked = [told("10x", Some("10x")), told("max", Some("1x")), told("1x", Some("max")), told("5x", None)];
        assert_eq!(as_asked, ["10x", "max", "1x", "5x"]);
    }
}
