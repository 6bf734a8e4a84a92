//! Change of a link's rate: what stands in its queue leaves at the new one, and is due at other instants behind it.
//!
//! A packet is scheduled for the end of its path, or for its host's stack, when its link accepts it. So a change looks for those that
//! the link has not finished sending. It is rare, and costs the usual way of a packet nothing.

use p2p_base::units::SimTime;

use super::Wires;
use crate::event::UnknownHost;
use crate::host::HostId;
use crate::link::{Direction, LinkConfig, Retiming};
use crate::path::{Lane, Path};
use crate::queue::Due;

impl Wires {
    /// Configures one direction of a host's link.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if there is no such host.
    pub(crate) fn set_link(
        &mut self,
        now: SimTime,
        host: HostId,
        direction: Direction,
        config: LinkConfig,
    ) -> Result<(), UnknownHost> {
        if let Some(retiming) = self.host_mut(host)?.link_mut(direction).reconfigure(now, config) {
            match direction {
                Direction::Up => self.retime_uplink(host, &retiming),
                Direction::Down => self.retime_downlink(host, &retiming),
            }
        }
        Ok(())
    }

    fn retime_uplink(&mut self, host: HostId, retiming: &Retiming) {
        let Wires { paths, in_flight, queue, .. } = self;
        let crosses = |path: &Path| path.from == host.0 && !path.is_loopback();
        queue.remove(|due| matches!(due, Due::Path(path, _) if crosses(&paths[path as usize])));
        for (index, path) in (0..).zip(paths).filter(|(_, path)| crosses(path)) {
            for lane in Lane::ALL {
                let mut last = SimTime::ZERO;
                in_flight.retime(path.lane_mut(lane), |scheduled| match lane {
                    // The packets of the other lanes wait for none before them.
                    Lane::InOrder => in_turn(&mut last, retiming.due(scheduled)),
                    Lane::Overtaking | Lane::Overtaken => retiming.due(scheduled),
                });
                if let Some(first) = in_flight.first(path.lane(lane)) {
                    queue.push(first.at, first.order, Due::Path(index, lane));
                }
            }
            path.ends_with(in_flight.last(path.lane(Lane::InOrder)).map(|last| last.at));
        }
    }

    fn retime_downlink(&mut self, host: HostId, retiming: &Retiming) {
        let Wires { hosts, in_flight, queue, .. } = self;
        let (number, host) = (host.0, &mut hosts[host.index()]);
        queue.remove(|due| due == Due::Downlink(number));
        let mut last = SimTime::ZERO;
        in_flight.retime(&mut host.arriving, |scheduled| in_turn(&mut last, retiming.due(scheduled)));
        if let Some(first) = in_flight.first(host.arriving) {
            queue.push(first.at, first.order, Due::Downlink(number));
            host.takes_up_last(last);
        }
    }
}

/// Returns the instant at which a packet is due that would be at `at`, but not before the `last` one.
fn in_turn(last: &mut SimTime, at: SimTime) -> SimTime {
    *last = at.max(*last);
    *last
}
