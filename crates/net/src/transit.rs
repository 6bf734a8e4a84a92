//! The transit of a packet: uplink, path, downlink, the host's processing time, and delivery to the receiving end.
//!
//! Every packet is counted and traced here, once when it is sent and once when it is lost or delivered.

use bytes::Bytes;
use p2p_base::units::SimTime;

use super::Network;
use super::event::NetEvent;
use super::host::{Condition, HostId};
use super::in_flight::InFlight;
use super::packet::{Packet, Side};
use super::path::{Copies, Passage};
use super::queue::Due;
use super::stats::DropCause;

/// Largest payload of a datagram in bytes: an MTU-sized packet less its headers.
const MAX_DATAGRAM: usize = 1472;

/// A datagram in flight.
#[derive(Debug, Clone)]
pub(crate) struct Datagram {
    pub(super) from: HostId,
    pub(super) to: HostId,
    sent_at: SimTime,
    pub(super) payload: Bytes,
}

impl Network {
    /// Sends a datagram (RFC 768): it arrives at most once, and neither end learns whether it arrived. A payload longer than
    /// a packet holds is truncated. Returns false if the sender's own queue was full, which the sending host can see.
    pub fn send_datagram(&mut self, from: HostId, to: HostId, payload: Bytes) -> bool {
        let payload = payload.slice(..payload.len().min(MAX_DATAGRAM));
        let len = payload.len() as u16;
        let place = self.datagrams.insert(Datagram { from, to, sent_at: self.now, payload });
        let path = self.path(from, to);
        self.send_along(path, from, Packet::datagram(place as u32, len))
    }

    /// Sends a TCP packet from the connection end that it names.
    pub(super) fn send(&mut self, mut packet: Packet) {
        let Some(flow) = self.flows.get_mut(packet.flow as usize) else { return };
        flow.in_flight += 1;
        if let Some(connection) = flow.connection_mut(packet.from) {
            connection.record_sent();
        }
        let end = flow.end_mut(packet.from);
        let (host, path) = (end.host, end.path);
        if packet.len > 0 {
            let data_end = packet.seq + u64::from(packet.len);
            if packet.seq < end.sent_high {
                packet.is_retransmission = true;
                let id = flow.id(packet.flow, packet.from);
                self.hosts[host.index()].stats.retransmits += 1;
                let event = NetEvent::Retransmitted { connection: id, offset: packet.seq - 1, len: packet.len };
                self.events.push_back(event);
            } else {
                end.sent_high = data_end;
                let reached = end.send_marks.partition_point(|&mark| mark < data_end);
                let marks: Vec<u64> = end.send_marks.drain(..reached).collect();
                let id = flow.id(packet.flow, packet.from);
                self.events.extend(marks.into_iter().map(|mark| NetEvent::Sent { connection: id, offset: mark - 1 }));
            }
        }
        self.send_along(path, host, packet);
    }

    /// Sends a packet along a path. Returns true if the uplink had room.
    fn send_along(&mut self, path: u32, from: HostId, packet: Packet) -> bool {
        let bytes = packet.wire_len();
        let order = self.queue.next_order();
        let host = &mut self.hosts[from.index()];
        host.stats.sent[packet.kind()] += 1;
        host.stats.bytes_sent += u64::from(bytes);
        if host.condition == Condition::Down {
            self.drop_at_sender(from, packet, DropCause::HostDown);
            return true;
        }
        let Some(sent) = host.up.enqueue(self.now, bytes, order) else {
            self.drop_at_sender(from, packet, DropCause::QueueFull);
            return false;
        };
        match self.paths[path as usize].admit() {
            Err(cause) => self.drop_at_sender(from, packet, cause),
            Ok(copies) => {
                self.carry(path, packet, sent, order);
                if copies == Copies::Two {
                    self.duplicate(path, packet, sent);
                }
            }
        }
        true
    }

    fn drop_at_sender(&mut self, from: HostId, packet: Packet, cause: DropCause) {
        if self.observers.any() {
            self.observe(&packet, Some(cause));
        }
        self.lose(from, packet, cause);
    }

    /// Puts a packet on a path, which it has entered at `sent`.
    fn carry(&mut self, path: u32, mut packet: Packet, sent: SimTime, order: u64) {
        let entry = &mut self.paths[path as usize];
        let Passage { at, overtakes, is_corrupt } = entry.pass(sent);
        packet.is_corrupt = is_corrupt;
        if self.observers.any() {
            self.observe(&packet, is_corrupt.then_some(DropCause::Corrupt));
        }
        let entry = &mut self.paths[path as usize];
        let (queue, due) = match overtakes {
            true => (&mut entry.overtaking, Due::Overtaking(path)),
            false => (&mut entry.in_flight, Due::Path(path)),
        };
        if overtakes {
            self.hosts[entry.from as usize].stats.reordered += 1;
        }
        if self.in_flight.push(queue, InFlight { at, order, packet }) {
            self.queue.push(at, order, due);
        }
        self.trace_packet(&packet, 0);
    }

    /// Puts a copy of a packet on a path. The copy meets the faults of the path by itself, but is not duplicated again
    /// (`netem_enqueue`, which enqueues the copy anew with duplication switched off).
    fn duplicate(&mut self, path: u32, packet: Packet, sent: SimTime) {
        let mut copy = packet;
        if packet.is_datagram {
            let datagram = self.datagrams[packet.flow as usize].clone();
            copy.flow = self.datagrams.insert(datagram) as u32;
        } else {
            self.flows[packet.flow as usize].in_flight += 1;
        }
        let order = self.queue.next_order();
        let entry = &mut self.paths[path as usize];
        let from = HostId(entry.from);
        let stats = &mut self.hosts[from.index()].stats;
        stats.duplicated += 1;
        stats.bytes_duplicated += u64::from(copy.wire_len());
        if entry.loses() {
            self.drop_at_sender(from, copy, DropCause::Loss);
        } else {
            self.carry(path, copy, sent, order);
        }
    }

    /// Drops the packets that a host has not finished sending.
    pub(super) fn drop_unsent(&mut self, host: HostId) {
        let Some(order) = self.hosts[host.index()].up.stop(self.now) else { return };
        let mut unsent = Vec::new();
        for path in self.paths.iter_mut().filter(|path| path.from == host.0) {
            unsent.extend(self.in_flight.take_from(&mut path.in_flight, order));
            path.ends_with(self.in_flight.last(path.in_flight).map(|last| last.at));
            unsent.extend(self.in_flight.take_from(&mut path.overtaking, order));
        }
        unsent.sort_unstable_by_key(|flying| flying.order);
        for InFlight { packet, .. } in unsent {
            self.lose(host, packet, DropCause::HostDown);
        }
    }

    /// Handles the arrival of a path's first packet, or of the first that overtakes others, at the receiver's downlink. The host's
    /// processing time is added here to the instant at which the downlink will have sent the packet, so that it needs no event of
    /// its own.
    pub(super) fn arrive_from_path(&mut self, path: u32, overtaking: bool) {
        let scheduled = self.queue.peek_order();
        let path = &mut self.paths[path as usize];
        let queue = if overtaking { &mut path.overtaking } else { &mut path.in_flight };
        if self.in_flight.first(*queue).map(|first| first.order) != scheduled {
            // The packet for which the event was scheduled never left its host.
            self.queue.finish(None);
            return;
        }
        let flying = self.in_flight.pop(queue);
        self.queue.finish(self.in_flight.first(*queue).map(|next| (next.at, next.order)));
        let (from, to) = (HostId(path.from), HostId(path.to));
        let Some(InFlight { packet, .. }) = flying else { return };
        let order = self.queue.next_order();
        let host = &mut self.hosts[to.index()];
        let Some(received) = host.down.enqueue(self.now, packet.wire_len(), order) else {
            self.lose(from, packet, DropCause::QueueFull);
            return;
        };
        let at = host.take_up(received, self.host_time);
        if at == self.now && self.in_flight.first(host.arriving).is_none() {
            self.deliver(from, to, packet);
            return;
        }
        if self.in_flight.push(&mut host.arriving, InFlight { at, order, packet }) {
            self.queue.push(at, order, Due::Downlink(to.0));
        }
    }

    /// Handles the arrival of a downlink's first packet at the host's stack.
    pub(super) fn arrive_from_downlink(&mut self, to: u32) {
        let host = &mut self.hosts[to as usize];
        let flying = self.in_flight.pop(&mut host.arriving);
        self.queue.finish(self.in_flight.first(host.arriving).map(|next| (next.at, next.order)));
        let Some(InFlight { packet, .. }) = flying else { return };
        let from = self.sender_of(&packet);
        self.deliver(from, HostId(to), packet);
    }

    fn sender_of(&self, packet: &Packet) -> HostId {
        if packet.is_datagram {
            self.datagrams[packet.flow as usize].from
        } else {
            self.flows[packet.flow as usize].end(packet.from).host
        }
    }

    fn deliver(&mut self, from: HostId, to: HostId, packet: Packet) {
        let host = &mut self.hosts[to.index()];
        if host.condition == Condition::Down {
            self.lose(from, packet, DropCause::HostDown);
            return;
        }
        if packet.is_corrupt {
            self.lose(from, packet, DropCause::Corrupt);
            return;
        }
        self.trace.add(self.now.as_nanos());
        host.stats.received[packet.kind()] += 1;
        host.stats.bytes_received += u64::from(packet.wire_len());
        if packet.is_datagram {
            let Datagram { from, to, sent_at, payload } = self.datagrams.remove(packet.flow as usize);
            self.events.push_back(NetEvent::Datagram { to, from, sent_at, payload });
            return;
        }
        let side: Side = packet.from.other();
        let Some(flow) = self.flows.get_mut(packet.flow as usize) else { return };
        flow.in_flight -= 1;
        let id = flow.id(packet.flow, side);
        match flow.connection_mut(side) {
            Some(connection) => {
                let events = connection.on_packet(self.now, &packet, &mut self.outbox);
                self.after_step(id, events);
            }
            None => self.on_unmatched(id, &packet),
        }
        self.drop_if_over(packet.flow);
    }

    /// Counts and traces a lost packet, and releases its state.
    fn lose(&mut self, from: HostId, packet: Packet, cause: DropCause) {
        self.trace_packet(&packet, cause as u64 + 1);
        let stats = &mut self.hosts[from.index()].stats;
        stats.dropped[cause] += 1;
        stats.bytes_dropped += u64::from(packet.wire_len());
        if packet.is_datagram {
            self.datagrams.remove(packet.flow as usize);
        } else if let Some(flow) = self.flows.get_mut(packet.flow as usize) {
            flow.in_flight -= 1;
            self.drop_if_over(packet.flow);
        }
    }

    fn trace_packet(&mut self, packet: &Packet, outcome: u64) {
        let head = u64::from(packet.flow) << 32
            | (packet.from as u64) << 31
            | outcome << 28
            | u64::from(packet.flags.bits()) << 16
            | u64::from(packet.wire_len());
        self.trace.add(self.now.as_nanos());
        self.trace.add(head);
        self.trace.add(packet.seq ^ packet.ack.rotate_left(32));
    }
}
