//! The chart of what crossed the client's link in each whole second, with the capacity of the link.

use std::fmt::Write as _;

use p2p_base::units::{Bandwidth, SimDuration, SimTime, count_of};
use p2p_engine::Snapshot;
use p2p_engine::snapshot::Peer;
use p2p_net::SECONDS_MAX;

use super::chart::{Anchor, BELOW, Chart, Drawing, Key, Mark, Share};
use super::words::{Grid, Words};
use crate::report::{Resolution, instant_of, rate_of};

/// Heights of the chart in pixels: above the plot, and of the plot.
const TOP: f64 = 18.0;
const PLOT: f64 = 200.0;
/// Capacity that is drawn, at the most, in peaks of the measured rates: above that the rates would lie flat on the axis.
const HEADROOM: u64 = 20;
/// Width and height of the space in which curves are drawn.
const SPACE: f64 = 1000.0;

/// Bytes that crossed a link in each second of a span.
struct Seconds {
    /// Beginning of the first second.
    from: SimTime,
    sent: Vec<u64>,
    received: Vec<u64>,
    /// Capacities of the directions in bytes per second; `None` without a limit.
    capacity: [Option<u64>; 2],
}

/// Returns the chart of the client's link over the latest seconds of a run; `None` before a whole second has passed.
pub(super) fn of_client(snapshot: &Snapshot) -> Option<Chart> {
    let rates = &snapshot.figures.client_rates;
    let [sent, received] = [rates.up.tail(SECONDS_MAX), rates.down.tail(SECONDS_MAX)];
    let count = sent.len().min(received.len());
    let span = SimDuration::from_secs(count as u64);
    let from = SimTime::from_nanos(rates.up.end().as_nanos().checked_sub(span.as_nanos())?);
    let host = snapshot.figures.topology.hosts.iter().find(|host| host.peer == Peer::Client);
    let capacity = [host.map(|host| host.link.up.bandwidth), host.map(|host| host.link.down.bandwidth)]
        .map(|bandwidth| bandwidth.and_then(Bandwidth::bytes_per_second));
    let last = |bytes: &[u64]| bytes[bytes.len() - count..].to_vec();
    let seconds = Seconds { from, sent: last(sent), received: last(received), capacity };
    (count > 0).then(|| seconds.chart())
}

impl Seconds {
    fn chart(&self) -> Chart {
        let mut legend = vec![Key::of_line("sent", "sent by the client"), Key::of_line("received", "received by it")];
        legend
            .extend(self.drawn_capacity().iter().any(Option::is_some).then(|| Key::of_line("capacity", "capacity of its link")));
        Chart {
            title: Words::new("Throughput of the client’s link"),
            description: Words::new(self.description()),
            legend,
            names: None,
            plot: self.plot(),
            figures: self.figures(),
        }
    }

    /// Returns the end of a second.
    fn end_of(&self, index: usize) -> SimTime {
        self.from + SimDuration::from_secs(index as u64 + 1)
    }

    fn peak(&self) -> u64 {
        self.sent.iter().chain(&self.received).copied().max().unwrap_or(0)
    }

    /// Returns the capacities that are not far above all that was measured.
    fn drawn_capacity(&self) -> [Option<u64>; 2] {
        let most = self.peak().saturating_mul(HEADROOM);
        self.capacity.map(|capacity| capacity.filter(|&capacity| capacity <= most))
    }

    /// Returns the rate at the upper edge of the plot.
    fn scale(&self) -> u64 {
        self.drawn_capacity().into_iter().flatten().chain([self.peak(), 1]).max().unwrap_or(1)
    }

    fn plot(&self) -> Drawing {
        let scale = self.scale();
        let mut plot = Drawing { height: TOP + PLOT + BELOW, marks: Vec::new() };
        let height_of = |rate: f64| TOP + PLOT * (1.0 - rate / scale as f64);
        for part in [0.0, 0.5, 1.0] {
            let rate = part * scale as f64;
            plot.marks.push(Mark::Across { class: "grid", y: height_of(rate) });
            if part > 0.0 {
                plot.say((Share::NONE, height_of(rate) - 4.0), Anchor::Start, &rate_of(rate));
            }
        }
        for (class, bytes) in [("received", &self.received), ("sent", &self.sent)] {
            plot.marks.push(Mark::Curve { class, y: TOP, height: PLOT, path: steps(bytes, scale) });
        }
        for (y, x, anchor, words) in self.capacity_lines(height_of) {
            plot.marks.push(Mark::Across { class: "capacity", y });
            plot.say((x, y - 4.0), anchor, &words);
        }
        plot.say_span(TOP + PLOT + 15.0, self.from, self.end_of(self.sent.len() - 1));
        plot
    }

    /// Returns the lines of the capacities with their heights, and the places of their words.
    fn capacity_lines(&self, height_of: impl Fn(f64) -> f64) -> Vec<(f64, Share, Anchor, String)> {
        let [up, down] = self.drawn_capacity();
        match (up, down) {
            (Some(up), Some(down)) if up == down => vec![(height_of(up as f64), Share::ALL, Anchor::End, "capacity".to_owned())],
            _ => {
                let up = up.map(|up| (height_of(up as f64), Share::ALL, Anchor::End, "capacity up".to_owned()));
                let middle = Share::of(1.0, 2.0);
                let down = down.map(|down| (height_of(down as f64), middle, Anchor::Middle, "capacity down".to_owned()));
                up.into_iter().chain(down).collect()
            }
        }
    }

    fn description(&self) -> String {
        let count = self.sent.len() as u64;
        let [from, to] = [self.from, self.end_of(self.sent.len() - 1)].map(|at| instant_of(at, Resolution::Tenths));
        let rate = |bytes: &[u64]| {
            let (most, sum) = (bytes.iter().copied().max().unwrap_or(0), bytes.iter().sum::<u64>());
            format!("{} at the most and {} on average", rate_of(most as f64), rate_of(sum as f64 / count.max(1) as f64))
        };
        let capacity = |(capacity, way): (Option<u64>, &str)| match capacity {
            Some(capacity) => format!("{} {way}", rate_of(capacity as f64)),
            None => format!("unlimited {way}"),
        };
        let [up, down] = [(self.capacity[0], "up"), (self.capacity[1], "down")].map(capacity);
        let above = if self.capacity.iter().zip(self.drawn_capacity()).any(|(all, drawn)| all.is_some() && drawn.is_none()) {
            " A capacity that is far above what was measured is not drawn."
        } else {
            ""
        };
        format!(
            "Bytes that crossed the link in each of {}, from {from} to {to} of virtual time, counted in whole packets. Sent: {}. Received: {}. \
             The capacity at the end of the run is {up} and {down}.{above}",
            count_of(count, "whole second"),
            rate(&self.sent),
            rate(&self.received),
        )
    }

    fn figures(&self) -> Grid {
        let row = |(index, (sent, received)): (u64, (&u64, &u64))| {
            let from = instant_of(self.from + SimDuration::from_secs(index), Resolution::Tenths);
            vec![from, sent.to_string(), received.to_string()]
        };
        let rows = (0..).zip(self.sent.iter().zip(&self.received)).map(row).collect();
        Grid::of_numbers("Bytes on the client’s link, second by second", ["second from", "bytes sent", "bytes received"], rows)
    }
}

/// Returns the path of a curve that is level within each second, in a space of [`SPACE`] across and down.
fn steps(bytes: &[u64], scale: u64) -> String {
    let (mut path, count) = (String::new(), bytes.len() as f64);
    for (index, &bytes) in bytes.iter().enumerate() {
        let (from, to) = (SPACE * index as f64 / count, SPACE * (index + 1) as f64 / count);
        let y = SPACE * (1.0 - bytes as f64 / scale as f64);
        let command = if index == 0 { 'M' } else { 'L' };
        // Writing to a string does not fail.
        let _ = write!(path, "{command}{from:.2} {y:.2}H{to:.2}");
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(sent: &[u64], capacity: [Option<u64>; 2]) -> Seconds {
        Seconds { from: SimTime::ZERO, sent: sent.to_vec(), received: vec![0; sent.len()], capacity }
    }

    #[test]
    fn a_second_is_a_step_as_high_as_its_bytes() {
        assert_eq!(steps(&[0, 500, 1_000], 1_000), "M0.00 1000.00H333.33L333.33 500.00H666.67L666.67 0.00H1000.00");
    }

    /// The scale is that of the capacity, unless everything measured would lie flat below it.
    #[test]
    fn the_capacity_is_drawn_where_it_is_near() {
        let near = seconds(&[60_000, 10], [Some(65_536); 2]);
        assert_eq!((near.scale(), near.capacity_lines(|rate| rate).len()), (65_536, 1));
        let apart = seconds(&[60_000], [Some(65_536), Some(131_072)]);
        assert_eq!((apart.scale(), apart.capacity_lines(|rate| rate).len()), (131_072, 2));
        let far = seconds(&[60_000], [Some(125_000_000), None]);
        assert_eq!((far.scale(), far.capacity_lines(|rate| rate).len()), (60_000, 0));
        assert!(
            far.description()
                .ends_with("119.2 MiB/s up and unlimited down. A capacity that is far above what was measured is not drawn.")
        );
        assert!(near.description().contains("Sent: 58.6 KiB/s at the most and 29.3 KiB/s on average."), "{}", near.description());
    }

    #[test]
    fn a_run_without_a_byte_has_a_chart() {
        let idle = seconds(&[0, 0], [Some(65_536); 2]);
        assert!(idle.chart().plot.marks.iter().all(|mark| !matches!(mark, Mark::Text { y, .. } if !y.is_finite())));
        assert_eq!(idle.figures().rows.len(), 2);
    }
}
