//! Meters: the number of payload bytes of marked ranges that have arrived at the other end, in total and per second.
//!
//! A meter may be part of another one, whose count is then the sum of its parts.
//!
//! A writer may mark the bytes that it writes with a meter. A packet that brings marked bytes for the first time, in order or beyond a
//! hole, adds them to their meter at the instant at which it arrives. The acknowledgements would tell another rate: they wait in the
//! queues of the way back, and come in one burst where these drain (Zhang, Shenker and Clark, "Observations on the Dynamics of a
//! Congestion Control Algorithm: The Effects of Two-Way Traffic", SIGCOMM 1991), so that more bytes would seem to pass in a second than
//! the link carries. Unmarked bytes cost nothing.

use std::collections::VecDeque;

use p2p_base::units::SimTime;
use slab::Slab;

use super::Network;
use super::flow::{ConnectionId, Flow};
use super::packet::Side;
use super::series::{RateSeries, SecondReadings, second_of, start_of};

/// Identifier of a meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeterId {
    place: u32,
    /// Distinguishes this meter from earlier ones that used the same slot.
    generation: u32,
}

/// A range of an end's stream whose bytes count for a meter.
#[derive(Debug)]
pub(crate) struct Marked {
    /// The first offset that has not been counted yet.
    from: u64,
    end: u64,
    meter: MeterId,
}

#[derive(Debug)]
struct Meter {
    generation: u32,
    total: u64,
    readings: SecondReadings,
    /// Meter that counts the same bytes, and those of other parts.
    whole: Option<MeterId>,
}

impl Meter {
    fn count(&mut self, bytes: u64, now: SimTime) {
        if self.readings.is_due(now) {
            let total = self.total;
            self.readings.read(now, |_| total);
        }
        self.total += bytes;
    }
}

/// All meters of a network.
#[derive(Debug, Default)]
pub(super) struct Meters {
    meters: Slab<Meter>,
    next_generation: u32,
}

impl Meters {
    fn add(&mut self, now: SimTime, whole: Option<MeterId>) -> MeterId {
        self.next_generation = self.next_generation.wrapping_add(1);
        let generation = self.next_generation;
        let place = self.meters.insert(Meter { generation, total: 0, readings: SecondReadings::new(now), whole });
        MeterId { place: place as u32, generation }
    }

    fn get(&self, id: MeterId) -> Option<&Meter> {
        self.meters.get(id.place as usize).filter(|meter| meter.generation == id.generation)
    }

    /// Counts the marked bytes that have arrived at one end of a flow.
    pub(super) fn count_arrived(&mut self, flow: &mut Flow, at: Side, now: SimTime) {
        let [end, peer] = flow.pair_mut(at);
        let (Some(connection), Some(marks)) = (&end.connection, &mut peer.marks) else { return };
        if !marks.metered.is_empty() {
            self.count(&mut marks.metered, connection.arrived_to(), now);
        }
    }

    /// Counts the marked bytes below the offset `arrived`, up to which the peer has the stream. Ranges of a removed meter are
    /// dropped without effect.
    fn count(&mut self, marked: &mut VecDeque<Marked>, arrived: u64, now: SimTime) {
        while let Some(range) = marked.front_mut().filter(|range| range.from < arrived) {
            let (reached, meter) = (arrived.min(range.end), range.meter);
            let bytes = reached - range.from;
            range.from = reached;
            if range.from == range.end {
                marked.pop_front();
            }
            let mut counting = Some(meter);
            while let Some(meter) = counting.and_then(|id| self.get_mut(id)) {
                meter.count(bytes, now);
                counting = meter.whole;
            }
        }
    }

    fn get_mut(&mut self, id: MeterId) -> Option<&mut Meter> {
        self.meters.get_mut(id.place as usize).filter(|meter| meter.generation == id.generation)
    }
}

impl Network {
    /// Adds a meter that starts at zero.
    pub fn add_meter(&mut self) -> MeterId {
        self.sockets.meters.add(self.now, None)
    }

    /// Adds a meter that starts at zero and is a part of `whole`: what it counts, `whole` counts as well.
    pub fn add_part_of_meter(&mut self, whole: MeterId) -> MeterId {
        self.sockets.meters.add(self.now, Some(whole))
    }

    /// Removes a meter; bytes marked with it are no longer counted.
    pub fn remove_meter(&mut self, id: MeterId) {
        if self.sockets.meters.get(id).is_some() {
            self.sockets.meters.meters.remove(id.place as usize);
        }
    }

    /// Marks the bytes that an end has written from `offset` on (from 0, as in [`tell_when_sent`](Network::tell_when_sent)):
    /// they count for the meter once they have arrived. Mark ranges in the order of the stream, right after they have
    /// been written.
    pub fn mark_written(&mut self, id: ConnectionId, offset: u64, meter: MeterId) {
        if let Some(flow) = self.sockets.flow_mut(id) {
            let end = flow.end_mut(id.side);
            let (from, to) = (offset + 1, end.stream.end());
            if from < to {
                end.marks.get_or_insert_default().metered.push_back(Marked { from, end: to, meter });
            }
        }
    }

    /// Returns the bytes that a meter has counted; 0 if it has been removed.
    pub fn metered(&self, id: MeterId) -> u64 {
        self.sockets.meters.get(id).map_or(0, |meter| meter.total)
    }

    /// Returns the bytes that a meter has counted since [`seconds_ago`](Self::seconds_ago).
    pub fn metered_since(&self, id: MeterId, seconds: usize) -> u64 {
        let since = |meter: &Meter| meter.total - meter.readings.before(self.now, seconds, |_| meter.total);
        self.sockets.meters.get(id).map_or(0, since)
    }

    /// Returns the bytes that a meter has counted in each of the latest `seconds` whole seconds; an empty series if it has been
    /// removed. At most the last [`SECONDS_MAX`](crate::SECONDS_MAX) seconds are kept.
    pub fn metered_series(&self, id: MeterId, seconds: usize) -> RateSeries {
        let series = |meter: &Meter| meter.readings.series(self.now, seconds, |_| meter.total);
        self.sockets.meters.get(id).map(series).unwrap_or_default()
    }

    /// Returns the end of the whole virtual second that ended `seconds` whole seconds before the last one that has ended.
    pub fn seconds_ago(&self, seconds: usize) -> SimTime {
        start_of(second_of(self.now).saturating_sub(seconds as u64))
    }
}
