//! Meters: how many payload bytes of marked ranges have been acknowledged, in all and by the second.
//!
//! Whoever writes may mark what it writes with a meter. An acknowledgement that covers marked bytes, cumulatively or selectively, adds
//! them to their meter, at the instant at which it reaches the sender. Costs nothing where nothing is marked. Knows nothing of what the bytes mean.

use std::collections::VecDeque;

use slab::Slab;

use super::Network;
use super::flow::ConnectionId;
use super::series::{SecondReadings, second_of, start_of};
use crate::units::SimTime;

/// Names a meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeterId {
    place: u32,
    /// Tells a meter from an earlier one that had its place.
    generation: u32,
}

/// A range of what an end writes whose bytes count for a meter.
#[derive(Debug)]
pub(crate) struct Marked {
    /// The first offset that has not been counted.
    from: u64,
    end: u64,
    meter: MeterId,
}

#[derive(Debug)]
struct Meter {
    generation: u32,
    total: u64,
    readings: SecondReadings,
}

/// All meters of a network.
#[derive(Debug, Default)]
pub(super) struct Meters {
    meters: Slab<Meter>,
    next_generation: u32,
}

impl Meters {
    fn add(&mut self, now: SimTime) -> MeterId {
        self.next_generation = self.next_generation.wrapping_add(1);
        let generation = self.next_generation;
        let place = self.meters.insert(Meter { generation, total: 0, readings: SecondReadings::new(now) });
        MeterId { place: place as u32, generation }
    }

    fn get(&self, id: MeterId) -> Option<&Meter> {
        self.meters.get(id.place as usize).filter(|meter| meter.generation == id.generation)
    }

    /// All below `acked` of what an end has written is acknowledged, or as much as that is. A meter that is gone counts nothing.
    pub(super) fn count(&mut self, marked: &mut VecDeque<Marked>, acked: u64, now: SimTime) {
        while let Some(range) = marked.front_mut().filter(|range| range.from < acked) {
            let (reached, meter) = (acked.min(range.end), range.meter);
            let bytes = reached - range.from;
            range.from = reached;
            if range.from == range.end {
                marked.pop_front();
            }
            let found = self.meters.get_mut(meter.place as usize).filter(|found| found.generation == meter.generation);
            let Some(Meter { total, readings, .. }) = found else { continue };
            if readings.is_due(now) {
                readings.read(now, |_| *total);
            }
            *total += bytes;
        }
    }
}

impl Network {
    /// Adds a meter that stands at zero.
    pub fn add_meter(&mut self) -> MeterId {
        self.meters.add(self.now)
    }

    /// Removes a meter: what is marked with it counts for nothing from now on.
    pub fn remove_meter(&mut self, id: MeterId) {
        if self.meters.get(id).is_some() {
            self.meters.meters.remove(id.place as usize);
        }
    }

    /// The bytes that an end has written from `offset` on (from 0, as in [`tell_when_sent`](Network::tell_when_sent)) count for a
    /// meter once they are acknowledged. Ranges are marked in the order of the stream, when they have just been written.
    pub fn mark_written(&mut self, id: ConnectionId, offset: u64, meter: MeterId) {
        if let Some(flow) = self.flow_mut(id) {
            let end = flow.end_mut(id.side);
            let (from, to) = (offset + 1, end.stream.end());
            if from < to {
                end.marked.push_back(Marked { from, end: to, meter });
            }
        }
    }

    /// The bytes that a meter has counted; 0 where it is gone.
    pub fn metered(&self, id: MeterId) -> u64 {
        self.meters.get(id).map_or(0, |meter| meter.total)
    }

    /// The bytes that a meter has counted since [`seconds_ago`](Self::seconds_ago).
    pub fn metered_since(&self, id: MeterId, seconds: usize) -> u64 {
        let since = |meter: &Meter| meter.total - meter.readings.before(self.now, seconds, |_| meter.total);
        self.meters.get(id).map_or(0, since)
    }

    /// The end of the whole virtual second that ended `seconds` whole seconds before the last one that has ended.
    pub fn seconds_ago(&self, seconds: usize) -> SimTime {
        start_of(second_of(self.now).saturating_sub(seconds as u64))
    }
}
