//! Geometry of the charts: scales, ticks, and numbers as attributes of SVG.

/// Linear scale from values to positions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    /// Values at both ends.
    pub(super) values: (f64, f64),
    /// Positions at both ends.
    pub(super) places: (f64, f64),
}

impl Scale {
    /// Returns the position of a value, which is kept between the ends.
    pub(super) fn at(&self, value: f64) -> f64 {
        let (from, to) = self.values;
        let share = if to > from { ((value - from) / (to - from)).clamp(0.0, 1.0) } else { 0.0 };
        self.places.0 + share * (self.places.1 - self.places.0)
    }
}

/// Formats a position with one decimal at the most, as in `12` or `12.5`.
pub(super) fn px(place: f64) -> String {
    let tenths = (place * 10.0).round();
    if !tenths.is_finite() {
        return "0".to_owned();
    }
    let text = format!("{:.1}", tenths / 10.0);
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Returns steps of rates up to `most` bytes per second, five at the most beside zero: multiples of a power of two, so that their units read
/// well.
pub(super) fn rate_ticks(most: f64) -> Vec<f64> {
    let step = (most.max(5.0) / 5.0).log2().ceil().exp2();
    ticks(step, most)
}

/// Steps of time in seconds that read well on a clock.
const SPANS: [f64; 19] =
    [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0, 7_200.0];

/// Returns the instants between two, both in seconds, at which an axis has a tick: six at the most.
pub(super) fn time_ticks(from: f64, to: f64) -> Vec<f64> {
    let span = (to - from).max(0.0);
    let longest = SPANS[SPANS.len() - 1];
    let step = SPANS.into_iter().find(|step| span / step <= 6.0).unwrap_or_else(|| (span / 6.0 / longest).ceil() * longest);
    let first = (from / step).ceil();
    let count = ((to / step).floor() - first + 1.0).clamp(0.0, 7.0);
    (0..count as u32).map(|n| (first + f64::from(n)) * step).collect()
}

fn ticks(step: f64, most: f64) -> Vec<f64> {
    let count = (most / step).floor().clamp(0.0, 5.0);
    (0..=count as u32).map(|n| f64::from(n) * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_stays_between_its_ends() {
        let scale = Scale { values: (10.0, 20.0), places: (100.0, 0.0) };
        assert_eq!([10.0, 15.0, 20.0, 0.0, 99.0].map(|value| scale.at(value)), [100.0, 50.0, 0.0, 100.0, 0.0]);
        let none = Scale { values: (5.0, 5.0), places: (3.0, 9.0) };
        assert_eq!(none.at(5.0), 3.0, "nothing has passed yet");
        assert!(scale.at(f64::NAN).is_nan());
    }

    #[test]
    fn positions_are_short() {
        assert_eq!([0.0, 12.04, 12.05, -0.01, 3.96, f64::NAN].map(px), ["0", "12", "12.1", "0", "4", "0"]);
    }

    #[test]
    fn ticks_are_few_and_round() {
        assert_eq!(rate_ticks(65_536.0), [0.0, 16_384.0, 32_768.0, 49_152.0, 65_536.0]);
        assert_eq!(rate_ticks(0.0), [0.0]);
        assert_eq!(rate_ticks(12_500_000.0).len(), 3);
        assert_eq!(time_ticks(0.0, 120.0), [0.0, 30.0, 60.0, 90.0, 120.0]);
        assert_eq!(time_ticks(62.5, 64.0), [62.5, 63.0, 63.5, 64.0]);
        assert_eq!(time_ticks(0.0, 0.1).len(), 6, "a short transfer has an axis too");
        assert_eq!(time_ticks(5.0, 5.0), [5.0]);
        for (from, to) in [(0.0, 1e6), (1e9, 1e9 + 1.0), (3.3, 1_234.5), (0.0, 0.01)] {
            let all = time_ticks(from, to);
            assert!(all.len() <= 7 && all.iter().all(|tick| (from..=to).contains(tick)), "{from} {to} {all:?}");
        }
    }
}
