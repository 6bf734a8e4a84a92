//! Pace of virtual time against the wall clock: paused, slower, real time, faster, or as fast as the machine can.
//!
//! The only module below the front ends that reads a wall clock. The speed changes when a user sees an event, never the events
//! themselves.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use p2p_base::units::{SimDuration, SimTime};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Unfinished work in the simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// No work.
    Nothing,
    /// Transfers that wait for streams of remote origin, which live by the wall clock.
    Idle,
    /// Transfers for which virtual time has to pass, but that wait for streams of remote origin as well: what they have asked for is under
    /// way, and they would ask for more.
    HeldUp,
    /// Commands or transfers that virtual time has to pass for.
    Busy,
}

/// Speed of virtual time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Speed {
    /// Virtual seconds per wall-clock second, in thousandths.
    Thousandths(u64),
    /// As fast as the machine can.
    Max,
}

impl Speed {
    /// Real time: one virtual second per wall-clock second.
    pub const REAL: Speed = Speed::Thousandths(1_000);

    /// Returns the virtual seconds per wall-clock second; `None` for the fastest speed.
    pub fn factor(self) -> Option<f64> {
        match self {
            Speed::Thousandths(thousandths) => Some(thousandths as f64 / 1_000.0),
            Speed::Max => None,
        }
    }

    /// Returns the slower of two speeds.
    fn slower_of(self, other: Speed) -> Speed {
        match (self, other) {
            (Speed::Thousandths(one), Speed::Thousandths(other)) => Speed::Thousandths(one.min(other)),
            (Speed::Max, speed) | (speed, Speed::Max) => speed,
        }
    }
}

/// Text that is not a valid speed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is not a valid speed (a factor from 0.001 to 1000000, as in `1x` or `10`, or `max`)")]
pub struct ParseSpeedError {
    /// Text that was rejected.
    pub text: String,
}

impl FromStr for Speed {
    type Err = ParseSpeedError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParseSpeedError { text: text.to_owned() };
        let trimmed = text.trim();
        if trimmed.eq_ignore_ascii_case("max") {
            return Ok(Speed::Max);
        }
        let number = trimmed.strip_suffix(['x', 'X']).unwrap_or(trimmed);
        let factor: f64 = number.parse().map_err(|_| wrong())?;
        let thousandths = (factor * 1_000.0).round();
        if (1.0..=1e9).contains(&thousandths) { Ok(Speed::Thousandths(thousandths as u64)) } else { Err(wrong()) }
    }
}

/// Formats the speed as `1x`, `0.25x` or `max`.
impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.factor() {
            Some(factor) => f.pad(&format!("{factor}x")),
            None => f.pad("max"),
        }
    }
}

/// Pace of virtual time at one instant, for screens and reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaceStatus {
    /// Speed that was asked for, even while paused.
    pub speed: Speed,
    /// True if virtual time is paused.
    pub is_paused: bool,
    /// Speed at which virtual time passes: real time where a network without work is set to the fastest speed or waits for a client, the
    /// fastest speed while a transfer is undone, and what the machine reaches where that is clearly less than was asked for. `None` while time stands still, and rates are those of the last seconds that have passed.
    pub actual: Option<Speed>,
}

impl PaceStatus {
    /// Returns the status of time that passes at the speed that was asked for.
    pub const fn running(speed: Speed) -> PaceStatus {
        PaceStatus { speed, is_paused: false, actual: Some(speed) }
    }
}

/// Reason to let virtual time run at full speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hurry {
    /// No reason: speed and pause apply.
    Nothing,
    /// A transfer is being undone: the speed does not apply, a pause does.
    Undoing,
    /// The user has asked for a transfer to end: neither speed nor pause applies.
    Asked,
}

/// Mapping from the wall clock to virtual time, counted from a starting point.
#[derive(Debug)]
pub struct Pace {
    speed: Speed,
    paused: bool,
    hurry: Hurry,
    /// Starting point on the wall clock and in virtual time.
    since: (Instant, SimTime),
    /// Virtual instants reached at two of the wall clock: one at least a [`SPAN`] ago, once there is one, and one after it.
    marks: [(Instant, SimTime); 2],
    /// Virtual and wall-clock time that have passed together between such an instant and now; `None` before there is one.
    passed: Option<(SimDuration, Duration)>,
}

/// Shortest span of the wall clock over which the speed that the machine reaches is measured.
const SPAN: Duration = Duration::from_secs(2);
/// Part of the speed that was asked for below which the machine does not reach it.
const REACHED: f64 = 0.8;

/// Returns the speed that was reached, to two digits, if it is clearly less than the one that was asked for; that one otherwise.
fn reached(asked: Speed, (time, wall): (SimDuration, Duration)) -> Speed {
    let Some(factor) = asked.factor().filter(|_| wall >= SPAN) else { return asked };
    let found = time.as_secs_f64() / wall.as_secs_f64();
    if found >= REACHED * factor {
        return asked;
    }
    let thousandths = (found * 1_000.0).round().max(1.0) as u64;
    let unit = 10u64.pow(thousandths.ilog10().saturating_sub(1));
    Speed::Thousandths((thousandths + unit / 2) / unit * unit)
}

#[expect(clippy::disallowed_methods, reason = "this is where the wall clock is read")]
fn wall_clock() -> Instant {
    Instant::now()
}

impl Pace {
    /// Creates a pace that starts at the virtual instant `now`.
    pub fn new(speed: Speed, now: SimTime) -> Pace {
        let since = (wall_clock(), now);
        Pace { speed, paused: false, hurry: Hurry::Nothing, since, marks: [since; 2], passed: None }
    }

    /// Returns the speed, even while paused.
    pub fn speed(&self) -> Speed {
        self.speed
    }

    /// Returns true if time is paused.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Returns the pace for screens, while the simulation does `activity`.
    pub fn status(&self, activity: Activity) -> PaceStatus {
        let actual = (!self.stands_still()).then(|| self.speed_when(activity));
        let actual = actual.map(|speed| self.passed.map_or(speed, |passed| reached(speed, passed)));
        PaceStatus { speed: self.speed, is_paused: self.paused, actual }
    }

    /// Changes the speed at the virtual instant `now`.
    pub fn set_speed(&mut self, speed: Speed, now: SimTime) {
        self.speed = speed;
        self.restart(now);
    }

    /// Pauses or resumes time at the virtual instant `now`.
    pub fn set_paused(&mut self, paused: bool, now: SimTime) {
        self.paused = paused;
        self.restart(now);
    }

    /// Returns the current reason to run at full speed.
    pub fn hurry(&self) -> Hurry {
        self.hurry
    }

    /// Sets the reason to run at full speed from the virtual instant `now` on; [`Hurry::Nothing`] restores the configured
    /// speed.
    pub fn set_hurry(&mut self, hurry: Hurry, now: SimTime) {
        if std::mem::replace(&mut self.hurry, hurry) != hurry {
            self.restart(now);
        }
    }

    /// Returns true if virtual time may not pass at all.
    pub fn stands_still(&self) -> bool {
        self.paused && self.hurry != Hurry::Asked
    }

    /// Restarts the count at the virtual instant `now`; wall-clock time since the previous starting point is not made up for.
    pub fn restart(&mut self, now: SimTime) {
        self.since = (wall_clock(), now);
        (self.marks, self.passed) = ([self.since; 2], None);
    }

    /// Notes how far virtual time has come, so that the status tells how fast it passes where the machine is slower than was asked for.
    pub fn note(&mut self, now: SimTime) {
        let wall = wall_clock();
        let ((begun, from), (next, _)) = (self.marks[0], self.marks[1]);
        let span = wall.duration_since(begun);
        if span >= SPAN {
            self.passed = Some((now.since(from), span));
        }
        if wall.duration_since(next) >= SPAN {
            self.marks = [self.marks[1], (wall, now)];
        }
    }

    /// Returns true if time passes at another speed during one activity than during the other.
    pub fn differs_between(&self, one: Activity, other: Activity) -> bool {
        self.speed_when(one) != self.speed_when(other)
    }

    /// Returns the latest virtual instant that may be reached by now. While the simulation is not busy, [`Speed::Max`] is
    /// limited to real time: an idle simulation would otherwise run ahead without bound.
    pub fn allowed(&self, activity: Activity) -> SimTime {
        let (wall, start) = self.since;
        match (self.stands_still(), self.speed_when(activity)) {
            (true, _) => start,
            (false, Speed::Max) => SimTime::MAX,
            (false, Speed::Thousandths(thousandths)) => {
                let nanos = wall.elapsed().as_nanos() * u128::from(thousandths) / 1_000;
                SimTime::from_nanos(start.as_nanos().saturating_add(u64::try_from(nanos).unwrap_or(u64::MAX)))
            }
        }
    }

    /// Returns the wall-clock time until the virtual instant `at` may be reached; `None` if it is never reached.
    pub fn wait_until(&self, at: SimTime, activity: Activity) -> Option<Duration> {
        let (wall, start) = self.since;
        match (self.stands_still(), self.speed_when(activity)) {
            (true, _) => None,
            (false, Speed::Max) => Some(Duration::ZERO),
            (false, Speed::Thousandths(thousandths)) => {
                let nanos = u128::from((at - start).as_nanos()) * 1_000 / u128::from(thousandths);
                let due = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
                Some(due.saturating_sub(wall.elapsed()))
            }
        }
    }

    fn speed_when(&self, activity: Activity) -> Speed {
        let speed = if self.hurry == Hurry::Nothing { self.speed } else { Speed::Max };
        match activity {
            Activity::Busy => speed,
            // Who is in a hurry waits for no client of somebody else.
            Activity::HeldUp if self.hurry != Hurry::Nothing => speed,
            Activity::HeldUp => speed.slower_of(Speed::REAL),
            Activity::Nothing if speed != Speed::Max => speed,
            Activity::Nothing | Activity::Idle => Speed::REAL,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_read_and_print() {
        for (text, speed) in
            [("1x", Speed::REAL), ("0.25", Speed::Thousandths(250)), ("max", Speed::Max), ("1e3", Speed::Thousandths(1_000_000))]
        {
            assert_eq!(text.parse(), Ok(speed));
            assert_eq!(speed.to_string().parse(), Ok(speed));
        }
        for text in ["0", "-1", "fast", "1e99", "nan", ""] {
            assert!(text.parse::<Speed>().is_err(), "{text}");
        }
    }

    #[test]
    fn time_that_is_paused_stands_still_and_max_has_no_bound() {
        let start = SimTime::from_nanos(5);
        let mut pace = Pace::new(Speed::Max, start);
        assert_eq!(pace.allowed(Activity::Busy), SimTime::MAX);
        assert!(pace.allowed(Activity::Nothing) < SimTime::MAX);
        pace.set_paused(true, start);
        assert_eq!((pace.allowed(Activity::Busy), pace.wait_until(SimTime::MAX, Activity::Busy)), (start, None));
    }

    #[test]
    fn whoever_is_in_a_hurry_waits_for_neither_speed_nor_pause() {
        let start = SimTime::from_nanos(5);
        let mut pace = Pace::new(Speed::Thousandths(1), start);
        pace.set_paused(true, start);
        pace.set_hurry(Hurry::Asked, start);
        assert_eq!((pace.allowed(Activity::Busy), pace.stands_still()), (SimTime::MAX, false));
        pace.set_hurry(Hurry::Nothing, start);
        assert_eq!((pace.allowed(Activity::Busy), pace.stands_still(), pace.speed()), (start, true, Speed::Thousandths(1)));
    }

    #[test]
    fn what_is_undone_waits_for_a_pause_and_for_no_speed() {
        let start = SimTime::from_nanos(5);
        let mut pace = Pace::new(Speed::Thousandths(1), start);
        pace.set_hurry(Hurry::Undoing, start);
        assert_eq!((pace.allowed(Activity::Busy), pace.speed()), (SimTime::MAX, Speed::Thousandths(1)));
        pace.set_paused(true, start);
        assert_eq!((pace.allowed(Activity::Busy), pace.stands_still()), (start, true));
    }

    /// What is told of the pace is what it is: at the fastest speed an idle simulation runs in real time, and a pause stops it.
    #[test]
    fn the_status_tells_the_speed_at_which_time_passes() {
        let mut pace = Pace::new(Speed::Max, SimTime::ZERO);
        assert_eq!(pace.status(Activity::Busy), PaceStatus::running(Speed::Max));
        let idle = PaceStatus { speed: Speed::Max, is_paused: false, actual: Some(Speed::REAL) };
        assert_eq!((pace.status(Activity::Nothing), pace.status(Activity::Idle)), (idle, idle));
        pace.set_speed(Speed::Thousandths(10_000), SimTime::ZERO);
        assert_eq!(pace.status(Activity::Nothing), PaceStatus::running(Speed::Thousandths(10_000)));
        pace.set_paused(true, SimTime::ZERO);
        let paused = PaceStatus { speed: Speed::Thousandths(10_000), is_paused: true, actual: None };
        assert_eq!(pace.status(Activity::Busy), paused);
        pace.set_hurry(Hurry::Asked, SimTime::ZERO);
        assert_eq!(pace.status(Activity::Busy), PaceStatus { actual: Some(Speed::Max), ..paused });
    }

    /// Time that waits for a client passes as that of the client does, and never faster than it was asked for. Who is in a hurry does
    /// not wait for the client of somebody else.
    #[test]
    fn time_that_is_held_up_is_no_faster_than_real_time() {
        for (speed, expected) in
            [(Speed::Max, Speed::REAL), (Speed::REAL, Speed::REAL), (Speed::Thousandths(1), Speed::Thousandths(1))]
        {
            let mut pace = Pace::new(speed, SimTime::ZERO);
            assert_eq!(pace.status(Activity::HeldUp).actual, Some(expected));
            assert_eq!(pace.differs_between(Activity::Busy, Activity::HeldUp), speed != expected);
            pace.set_hurry(Hurry::Asked, SimTime::ZERO);
            assert_eq!(pace.allowed(Activity::HeldUp), SimTime::MAX);
        }
    }

    /// The speed that is told is the one that is reached, over some seconds, and the one that was asked for while the machine keeps up.
    #[test]
    fn a_machine_that_falls_behind_is_told() {
        let of = |asked: u64, virtual_seconds, wall| {
            let asked = Speed::Thousandths(1_000 * asked);
            reached(asked, (SimDuration::from_secs(virtual_seconds), Duration::from_secs(wall))).to_string()
        };
        assert_eq!(of(100_000, 31_138, 4), "7800x");
        assert_eq!([of(100_000, 400_000, 4), of(10_000, 40_500, 4), of(10_000, 33_000, 4)], ["100000x", "10000x", "10000x"]);
        assert_eq!([of(10, 5, 2), of(1, 1, 3), of(1, 0, 3)], ["2.5x", "0.33x", "0.001x"]);
        assert_eq!(of(100_000, 1, 1), "100000x", "a second tells nothing");
        let never = (SimDuration::from_secs(1), Duration::from_secs(9));
        assert_eq!(reached(Speed::Max, never), Speed::Max);
    }

    /// What was reached at one speed tells nothing of the next one, nor of the time after a pause.
    #[test]
    fn what_is_reached_is_measured_anew_at_another_speed() {
        let mut pace = Pace::new(Speed::Thousandths(100_000_000), SimTime::ZERO);
        pace.passed = Some((SimDuration::from_secs(5), Duration::from_secs(5)));
        let late = PaceStatus { actual: Some(Speed::REAL), ..PaceStatus::running(pace.speed()) };
        assert_eq!(pace.status(Activity::Busy), late);
        pace.set_speed(Speed::Thousandths(200_000_000), SimTime::ZERO);
        assert_eq!(pace.status(Activity::Busy), PaceStatus::running(pace.speed()));
    }

    #[test]
    fn a_faster_pace_waits_less() {
        let at = SimTime::ZERO + SimDuration::from_secs(1_000);
        let slow = Pace::new(Speed::REAL, SimTime::ZERO).wait_until(at, Activity::Busy).unwrap();
        let fast = Pace::new(Speed::Thousandths(10_000), SimTime::ZERO).wait_until(at, Activity::Busy).unwrap();
        assert!(slow > Duration::from_secs(900) && fast <= Duration::from_secs(100));
    }
}
