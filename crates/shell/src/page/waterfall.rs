//! The chart of the segments of a transfer: one row each, with how long it waited, was on its way, and was not yet confirmed.

use p2p_base::units::{SimTime, count_of};
use p2p_engine::transfer::{Direction, SegmentTimeline, TransferReport};

use super::chart::{Anchor, BELOW, Chart, Drawing, Key, Mark, Share};
use super::words::{Grid, Words};
use crate::report::{Resolution, SegmentReport, instant_of, states_table};

/// Number of segments that are drawn and listed of one transfer.
pub(super) const DRAWN_MAX: usize = 100;
/// Height of a row, in pixels.
const ROW: f64 = 16.0;

/// The steps of a segment in the order in which they come, each with its class, its height in pixels and its words.
const STEPS: [(&str, f64, &str); 3] =
    [("waits", 3.0, "waits"), ("moves", 10.0, "on its way"), ("settles", 6.0, "not yet confirmed")];

/// Returns the chart of a transfer that is called `name`, as it is at an instant; `None` if it has no segments.
pub(super) fn of_transfer(report: &TransferReport, name: &str, now: SimTime) -> Option<Chart> {
    let shown = &report.timelines[..report.timelines.len().min(DRAWN_MAX)];
    let end = report.status.finished.unwrap_or(now);
    let from = shown.iter().map(|line| line.queued).min()?;
    let to = shown.iter().map(|line| ends_of(line, end)[2]).max()?;
    let below = ROW * shown.len() as f64;
    let (mut names, mut plot) = (Drawing { height: below + BELOW, marks: Vec::new() }, Drawing::default());
    plot.height = names.height;
    let share = |at: SimTime| Share::of(at.since(from).as_secs_f64(), to.since(from).as_secs_f64());
    for (place, line) in shown.iter().enumerate() {
        let middle = ROW * place as f64 + ROW / 2.0;
        names.say((Share::NONE, middle + 4.0), Anchor::Start, &format!("{} {}", line.index, line.holder));
        let mut begins = line.queued;
        for ((class, height, _), ends) in STEPS.into_iter().zip(ends_of(line, end)) {
            if ends > begins {
                let (x, y) = (share(begins), middle - height / 2.0);
                plot.marks.push(Mark::Bar { class, x, width: share(ends).since(x), y, height });
            }
            begins = begins.max(ends);
        }
    }
    plot.say_span(below + 14.0, from, to);
    Some(Chart {
        title: Words::new(format!("Segments of {name}")),
        description: Words::new(description(report, shown, (from, to))),
        legend: STEPS.map(|(class, height, words)| Key::of_bar(class, height, words)).to_vec(),
        names: Some(names),
        plot,
        figures: figures(report, shown.len(), name),
    })
}

/// Returns the instants at which a segment ends its steps. Those of a step that is not over are `end`, and so are those after it.
fn ends_of(line: &SegmentTimeline, end: SimTime) -> [SimTime; 3] {
    let first = line.first_byte.unwrap_or(end);
    let last = line.first_byte.and(line.last_byte).unwrap_or(end);
    [first, last, line.acknowledged.unwrap_or(end)]
}

fn description(report: &TransferReport, shown: &[SegmentTimeline], (from, to): (SimTime, SimTime)) -> String {
    let (all, drawn) = (u64::from(report.status.segments), shown.len() as u64);
    let some = if drawn < all {
        format!(" Drawn are {drawn} of {all}, as `segments {}` lists them.", report.status.id.0)
    } else {
        String::new()
    };
    let done = shown.iter().filter(|line| line.acknowledged.is_some()).count();
    let resent: u64 = shown.iter().map(|line| u64::from(line.retransmits)).sum();
    let [from, to] = [from, to].map(|at| instant_of(at, Resolution::Millis));
    let way = match report.status.direction {
        Direction::Download => "from its holder to the client",
        _ => "to its holder",
    };
    format!(
        "One row for each segment on its way {way}, from {from} to {to} of virtual time: how long it waited, from its first byte to its last, and \
         until it was confirmed. {done} of {} {} confirmed, with {} of their packets.{some}",
        count_of(drawn, "segment"),
        if done == 1 { "is" } else { "are" },
        count_of(resent, "retransmit"),
    )
}

fn figures(report: &TransferReport, shown: usize, name: &str) -> Grid {
    let mut segments = SegmentReport::of_transfer(report);
    segments.truncate(shown);
    Grid::of(&format!("Times of the segments of {name}"), &states_table(&segments))
}

#[cfg(test)]
mod tests {
    use p2p_store::manifest::NodeNumber;

    use super::*;

    #[test]
    fn a_step_that_is_not_over_lasts_until_now() {
        let at = SimTime::from_nanos;
        let line = SegmentTimeline {
            index: 0,
            len: 1,
            holder: NodeNumber::from_index(0),
            attempt: 0,
            queued: at(1),
            connected: None,
            first_byte: Some(at(3)),
            last_byte: None,
            acknowledged: None,
            retransmits: 0,
        };
        assert_eq!(ends_of(&line, at(9)), [3, 9, 9].map(at));
        let done = SegmentTimeline { last_byte: Some(at(5)), acknowledged: Some(at(7)), ..line.clone() };
        assert_eq!(ends_of(&done, at(9)), [3, 5, 7].map(at));
        assert_eq!(ends_of(&SegmentTimeline { first_byte: None, ..line }, at(9)), [9, 9, 9].map(at));
    }
}
