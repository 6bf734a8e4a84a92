//! The marks that the charts of a page are drawn with. Across, marks lie at a share of the width, and down at pixels: so a chart takes whatever
//! width there is, and its words keep their size.

use std::fmt;

use p2p_base::units::SimTime;

use super::words::{Grid, Words};
use crate::report::{Resolution, instant_of};

/// Height of a row of a chart that has a line of words and a bar below it, in pixels.
pub(super) const ROW: f64 = 38.0;
/// Height of the names of an axis below a plot, in pixels.
pub(super) const BELOW: f64 = 20.0;

/// A share of the width of a drawing, shown in per cent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Share(f64);

impl Share {
    pub(super) const NONE: Share = Share(0.0);
    pub(super) const ALL: Share = Share(1.0);

    /// Returns `part` of `whole`, between nothing and all of it; nothing of nothing.
    pub(super) fn of(part: f64, whole: f64) -> Share {
        if whole > 0.0 { Share((part / whole).clamp(0.0, 1.0)) } else { Share::NONE }
    }

    /// Returns the share that is left from `start` to this one.
    pub(super) fn since(self, start: Share) -> Share {
        Share((self.0 - start.0).max(0.0))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}%", 100.0 * self.0)
    }
}

/// A place across from which a word is written: behind, around or before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        })
    }
}

/// A mark of a drawing. The class names what it stands for; the style sheet gives it its colour.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Mark {
    /// Bar from one share of the width over another.
    Bar { class: &'static str, x: Share, width: Share, y: f64, height: f64 },
    /// Words on a baseline.
    Text { class: &'static str, x: Share, y: f64, anchor: Anchor, words: Words },
    /// Line across the whole width.
    Across { class: &'static str, y: f64 },
    /// Line from one height to another.
    Upright { class: &'static str, x: Share, y1: f64, y2: f64 },
    /// Curve over the whole width, in a space of its own that is a thousand wide and high.
    Curve { class: &'static str, y: f64, height: f64, path: String },
}

/// Marks on an area of some height.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Drawing {
    pub(super) height: f64,
    pub(super) marks: Vec<Mark>,
}

/// A key of a legend: a short drawing of a mark, and what it stands for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    pub(super) mark: Mark,
    pub(super) words: Words,
}

/// A chart with its text alternatives: a description, and the table of all that it draws.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chart {
    pub(super) title: Words,
    pub(super) description: Words,
    pub(super) legend: Vec<Key>,
    /// Drawing of the names of the rows, which stands to the left.
    pub(super) names: Option<Drawing>,
    pub(super) plot: Drawing,
    pub(super) figures: Grid,
}

/// Height of the drawing of a key, in pixels.
const KEY: f64 = 12.0;

impl Key {
    /// Creates the key of a line.
    pub(super) fn of_line(class: &'static str, words: &str) -> Key {
        Key { mark: Mark::Across { class, y: KEY / 2.0 }, words: Words::new(words) }
    }

    /// Creates the key of a bar of some height.
    pub(super) fn of_bar(class: &'static str, height: f64, words: &str) -> Key {
        let mark = Mark::Bar { class, x: Share::NONE, width: Share::ALL, y: (KEY - height) / 2.0, height };
        Key { mark, words: Words::new(words) }
    }

    /// Creates the key of a short upright line.
    pub(super) fn of_upright(class: &'static str, words: &str) -> Key {
        Key { mark: Mark::Upright { class, x: Share::of(1.0, 2.0), y1: 0.0, y2: KEY }, words: Words::new(words) }
    }
}

impl Drawing {
    /// Adds words in the ordinary colour.
    pub(super) fn say(&mut self, (x, y): (Share, f64), anchor: Anchor, words: &str) {
        self.marks.push(Mark::Text { class: "words", x, y, anchor, words: Words::new(words) });
    }

    /// Adds the names of the ends and of the middle of an axis across, on a baseline.
    pub(super) fn say_axis(&mut self, y: f64, [from, middle, to]: [&str; 3]) {
        let places =
            [(Share::NONE, Anchor::Start, from), (Share::of(1.0, 2.0), Anchor::Middle, middle), (Share::ALL, Anchor::End, to)];
        for (x, anchor, words) in places {
            self.marks.push(Mark::Text { class: "axis", x, y, anchor, words: Words::new(words) });
        }
    }

    /// Adds the names of the ends and of the middle of an axis of virtual time, on a baseline.
    pub(super) fn say_span(&mut self, y: f64, from: SimTime, to: SimTime) {
        let middle = SimTime::from_nanos(from.as_nanos() + to.since(from).as_nanos() / 2);
        let [from, middle, to] = [from, middle, to].map(|at| instant_of(at, Resolution::Millis));
        self.say_axis(y, [&from, &middle, &to]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_stay_within_the_width() {
        let shares = [(1.0, 4.0), (5.0, 4.0), (-1.0, 4.0), (1.0, 0.0), (0.0, 0.0)].map(|(part, whole)| Share::of(part, whole));
        assert_eq!(shares.map(|share| share.to_string()), ["25.000%", "100.000%", "0.000%", "0.000%", "0.000%"]);
        assert_eq!(Share::of(1.0, 4.0).since(Share::of(3.0, 4.0)), Share::NONE);
    }
}
