//! The virtual clock: what time it is, how fast it passes, and what changes that.

use p2p_service::network::Snapshot;
use p2p_shell::report::{Resolution, instant_of, pace_of};

/// Speeds that are offered, besides any other that is typed.
const SPEEDS: [&str; 6] = ["0.1x", "1x", "10x", "100x", "1000x", "max"];
/// Spans that are offered for a step.
const STEPS: [&str; 4] = ["1s", "10s", "1m", "10m"];

/// Clock of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clock {
    /// Virtual instant of the snapshot.
    pub(super) at: String,
    /// Speed at which time passes.
    pub(super) pace: String,
    pub(super) is_paused: bool,
    /// True while time stands still although nobody has paused it, so that rates are those of before.
    pub(super) stands_still: bool,
    /// Speeds that are offered, each with whether it is the one that was asked for.
    pub(super) speeds: Vec<(String, bool)>,
    /// Spans that are offered for a step.
    pub(super) steps: [&'static str; 4],
}

impl Clock {
    pub(super) fn of(snapshot: &Snapshot) -> Clock {
        let pace = snapshot.pace;
        Clock {
            at: instant_of(snapshot.at, Resolution::Tenths),
            pace: pace_of(pace),
            is_paused: pace.is_paused,
            stands_still: pace.actual.is_none(),
            speeds: speeds_of(&pace.speed.to_string()),
            steps: STEPS,
        }
    }
}

fn speeds_of(asked: &str) -> Vec<(String, bool)> {
    let mut speeds: Vec<(String, bool)> = SPEEDS.iter().map(|&speed| (speed.to_owned(), speed == asked)).collect();
    if speeds.iter().all(|(_, is_asked)| !is_asked) {
        speeds.push((asked.to_owned(), true));
    }
    speeds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_speed_that_was_asked_for_is_always_offered() {
        let chosen = |asked| speeds_of(asked).into_iter().filter(|(_, is_asked)| *is_asked).map(|(speed, _)| speed);
        assert_eq!(chosen("10x").collect::<Vec<_>>(), ["10x"]);
        assert_eq!(chosen("33x").collect::<Vec<_>>(), ["33x"]);
        assert_eq!((speeds_of("10x").len(), speeds_of("33x").len()), (SPEEDS.len(), SPEEDS.len() + 1));
    }
}
