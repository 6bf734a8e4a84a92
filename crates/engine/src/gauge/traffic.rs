//! Traffic of all transfers of a host: what has still to pass in both directions, and how it will.

use std::collections::BTreeMap;

use p2p_store::segment::SegmentSize;

use super::Links;
use super::backlog::Backlog;
use super::forecast::Forecast;
use crate::peer::Peer;
use crate::transfer::Direction;

/// Traffic of each host that carries transfers.
#[derive(Debug, Default)]
pub(crate) struct TrafficByHost {
    hosts: BTreeMap<Peer, Traffic>,
    /// Traffic of every other host, of which there is none.
    nothing: Traffic,
}

impl TrafficByHost {
    pub(crate) fn of(&self, host: Peer) -> &Traffic {
        self.hosts.get(&host).unwrap_or(&self.nothing)
    }

    pub(crate) fn of_mut(&mut self, host: Peer) -> &mut Traffic {
        self.hosts.entry(host).or_default()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (Peer, &mut Traffic)> {
        self.hosts.iter_mut().map(|(&host, traffic)| (host, traffic))
    }
}

/// Traffic between a host and the nodes.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) up: Backlog,
    pub(crate) down: Backlog,
    /// Forecasts of both directions, once all is known; none of a direction without transfers.
    forecasts: [Option<Forecast>; 2],
}

impl Traffic {
    /// Returns what the transfers of a direction have to pass; removals count as uploads.
    pub(super) fn of(&self, way: Direction) -> &Backlog {
        if way == Direction::Download { &self.down } else { &self.up }
    }

    /// Returns what the transfers of the other direction have to pass.
    pub(super) fn against(&self, way: Direction) -> &Backlog {
        if way == Direction::Download { &self.up } else { &self.down }
    }

    /// Returns how the transfers of a direction pass.
    pub(super) const fn forecast(&self, way: Direction) -> Option<&Forecast> {
        self.forecasts[matches!(way, Direction::Download) as usize].as_ref()
    }

    /// Returns how the transfers of the other direction pass.
    pub(super) const fn forecast_against(&self, way: Direction) -> Option<&Forecast> {
        self.forecasts[!matches!(way, Direction::Download) as usize].as_ref()
    }

    /// Foretells how all of it passes, once it is known. Segments have this size at the most.
    pub(crate) fn settle(&mut self, links: Links<'_>, segment: SegmentSize) {
        let Traffic { up, down, .. } = self;
        up.settle(segment.as_usize() as f64);
        down.settle(segment.as_usize() as f64);
        self.forecasts = [Forecast::new(links, Direction::Upload, up, down), Forecast::new(links, Direction::Download, down, up)];
    }
}
