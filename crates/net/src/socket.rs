//! The socket calls of an application: listen, connect, write, read, close.
//!
//! Each call is one step of one connection end, after which the packets that it produced are sent.

use bytes::Bytes;
use p2p_base::units::SimTime;

use super::Network;
use super::event::{NetEvent, WriteError};
use super::flow::{ConnectionId, End, Flow};
use super::host::{Condition, HostId};
use super::packet::{Flags, Packet, Side};
use super::queue::Due;
use super::stats::ConnectionStats;
use super::tcp::connection::{Connection, StepEvents};
use super::tcp::state::{CloseReason, ConnectionSample, State};
use super::tcp::{Activity, TcpConfig};

impl Network {
    /// Accepts connections to `port` of `host`, with `config` for the accepting end.
    pub fn listen(&mut self, host: HostId, port: u16, config: TcpConfig) {
        self.listeners.insert((host.0, port), config);
    }

    /// Opens a connection; [`NetEvent::Connected`] or [`NetEvent::Ended`] reports the outcome.
    pub fn connect(&mut self, from: HostId, to: HostId, port: u16, config: TcpConfig) -> ConnectionId {
        let own_port = self.hosts[from.index()].take_port();
        let (there, back) = (self.path(from, to), self.path(to, from));
        let mut opener = End::new(from, own_port, there, self.initial_sequences.next_u64() as u32);
        let mut acceptor = End::new(to, port, back, self.initial_sequences.next_u64() as u32);
        acceptor.expects_syn = true;
        self.next_generation = self.next_generation.wrapping_add(1);
        let entry = self.flows.vacant_entry();
        let number = entry.key() as u32;
        opener.connection = Some(Box::new(Connection::opener(number, &config, self.now)));
        entry.insert(Flow {
            ends: [opener, acceptor],
            generation: self.next_generation,
            in_flight: 0,
            timer_at: SimTime::MAX,
            watched: false,
        });
        let id = ConnectionId { flow: number, side: Side::Opener, generation: self.next_generation };
        self.act(id, |connection, now, out| connection.open(now, out));
        id
    }

    /// Appends `bytes` to the stream of this end. Accepts all of them or none.
    ///
    /// # Errors
    /// Returns the errors of [`write_pieces`](Self::write_pieces).
    pub fn write(&mut self, id: ConnectionId, bytes: Bytes) -> Result<(), WriteError> {
        self.write_pieces(id, [bytes])
    }

    /// Appends several pieces at once, so that they share packets. Accepts all of them or none; the peer reads them in the
    /// same pieces, provided it does not ask for less at once.
    ///
    /// # Errors
    /// Returns [`WriteError::Full`] if the bytes waiting already fill the send buffer, and [`WriteError::Closed`] if this end
    /// can no longer send.
    pub fn write_pieces<const N: usize>(&mut self, id: ConnectionId, pieces: [Bytes; N]) -> Result<(), WriteError> {
        let end = self.flow_mut(id).map(|flow| flow.end_mut(id.side)).ok_or(WriteError::Closed)?;
        let connection = end.connection.as_deref_mut().ok_or(WriteError::Closed)?;
        if !connection.state().may_send() {
            return Err(WriteError::Closed);
        }
        if !connection.lets_write() {
            end.wants_room = true;
            return Err(WriteError::Full);
        }
        pieces.into_iter().for_each(|piece| end.stream.write(piece));
        let written = end.stream.end();
        self.act(id, |connection, now, out| connection.on_write(now, written, out));
        Ok(())
    }

    /// Returns the next bytes that have arrived in order, at most `max`, in the pieces in which they were written; `None` if
    /// none have arrived.
    pub fn read(&mut self, id: ConnectionId, max: usize) -> Option<Bytes> {
        let flow = self.flow_mut(id)?;
        let limit = flow.connection(id.side)?.readable_to();
        let stream = &mut flow.end_mut(id.side.other()).stream;
        let bytes = stream.read(limit, max)?;
        let offset = stream.read_offset();
        let end = flow.end_mut(id.side);
        end.read_told = false;
        let until = offset.saturating_add(end.read_mark - 1);
        self.act(id, |connection, now, out| {
            connection.take_as_it_comes(until);
            connection.on_read(now, offset, out);
        });
        Some(bytes)
    }

    /// Returns the number of bytes that can be read now.
    pub fn readable(&self, id: ConnectionId) -> u64 {
        self.flow(id).map_or(0, |flow| readable(flow, id.side))
    }

    /// Returns true if the peer has closed its stream and all of it has been read.
    pub fn at_end(&self, id: ConnectionId) -> bool {
        let Some(flow) = self.flow(id) else { return true };
        flow.connection(id.side).is_none_or(|connection| connection.peer_finished() && readable(flow, id.side) == 0)
    }

    /// Sets the number of readable bytes (at least 1) at which [`NetEvent::Readable`] is reported. Until then the application
    /// is treated as one that reads data on arrival into a buffer of its own: the mark saves events and does not close the
    /// window.
    pub fn set_read_mark(&mut self, id: ConnectionId, bytes: u64) {
        if let Some(flow) = self.flow_mut(id) {
            let until = flow.end(id.side.other()).stream.read_offset().saturating_add(bytes.max(1) - 1);
            let end = flow.end_mut(id.side);
            end.read_mark = bytes.max(1);
            end.read_told = false;
            if let Some(connection) = end.connection.as_deref_mut() {
                connection.take_as_it_comes(until);
            }
            self.tell_readable(id);
        }
    }

    /// Requests [`NetEvent::Drained`] once all bytes that this end has written, including those written later, are
    /// acknowledged.
    pub fn tell_when_drained(&mut self, id: ConnectionId) {
        if let Some(flow) = self.flow_mut(id) {
            flow.end_mut(id.side).wants_drained = true;
        }
    }

    /// Requests [`NetEvent::Acknowledged`] once the first `bytes` bytes that this end wrote are acknowledged. A second
    /// request replaces the first.
    pub fn tell_when_acknowledged(&mut self, id: ConnectionId, bytes: u64) {
        let Some(flow) = self.flow_mut(id) else { return };
        let acked = flow.connection(id.side).map_or(1, Connection::acked_to);
        let mark = bytes.saturating_add(1);
        let is_done = acked >= mark;
        flow.end_mut(id.side).ack_mark = if is_done { u64::MAX } else { mark };
        if is_done {
            self.events.push_back(NetEvent::Acknowledged { connection: id });
        }
    }

    /// Requests [`NetEvent::Sent`] once the byte at `offset` of this end's stream (from 0) is sent for the first time. Make
    /// requests in the order of the offsets, before the bytes are written.
    pub fn tell_when_sent(&mut self, id: ConnectionId, offset: u64) {
        if let Some(flow) = self.flow_mut(id) {
            let marks = &mut flow.end_mut(id.side).send_marks;
            if marks.back() != Some(&(offset + 1)) {
                marks.push_back(offset + 1);
            }
        }
    }

    /// Returns the number of bytes that this end has ever written.
    pub fn written(&self, id: ConnectionId) -> u64 {
        self.flow(id).map_or(0, |flow| flow.end(id.side).stream.end() - 1)
    }

    /// Returns the number of bytes written by this end that its peer has acknowledged.
    pub fn acknowledged(&self, id: ConnectionId) -> u64 {
        self.flow(id).and_then(|flow| flow.connection(id.side)).map_or(0, |connection| connection.acked_to() - 1)
    }

    /// Returns the instants at which a connection end last heard from its peer, and last saw progress; `None` once it is
    /// over.
    pub fn activity(&self, id: ConnectionId) -> Option<Activity> {
        self.flow(id)?.connection(id.side).map(Connection::activity)
    }

    /// Closes the stream of this end; data from the peer can still be read (half-close, RFC 9293 §3.6).
    pub fn finish(&mut self, id: ConnectionId) {
        let Some(flow) = self.flow(id) else { return };
        let written = flow.end(id.side).stream.end();
        self.act(id, |connection, now, out| connection.finish(now, written, out));
    }

    /// Closes this end entirely: its stream ends, and data that the peer still sends is refused.
    pub fn close(&mut self, id: ConnectionId) {
        self.finish(id);
        self.act(id, |connection, now, _| connection.abandon(now));
    }

    /// Aborts a connection at once; the peer sees a reset. No event is reported to this end.
    pub fn abort(&mut self, id: ConnectionId) {
        self.act(id, |connection, now, out| connection.abort(now, out));
    }

    /// Starts or stops the observation of a connection, in which every change of its state is reported as
    /// [`NetEvent::Sample`].
    pub fn watch(&mut self, id: ConnectionId, watched: bool) {
        if let Some(flow) = self.flow_mut(id) {
            flow.watched = watched;
        }
    }

    /// Returns a sample of a connection end's state; `None` once it is over.
    pub fn sample(&self, id: ConnectionId) -> Option<ConnectionSample> {
        self.flow(id)?.connection(id.side).map(|connection| connection.sample(self.now))
    }

    /// Returns the state of a connection end; `None` once it is over and removed.
    pub fn state(&self, id: ConnectionId) -> Option<State> {
        self.flow(id)?.connection(id.side).map(Connection::state)
    }

    /// Returns the counters of a connection end; `None` once it is over and removed.
    pub fn connection_stats(&self, id: ConnectionId) -> Option<ConnectionStats> {
        self.flow(id)?.connection(id.side).map(Connection::stats)
    }

    /// Returns the connection ends of a host.
    pub fn connections_of(&self, host: HostId) -> impl Iterator<Item = ConnectionId> + '_ {
        self.flows.iter().flat_map(move |(number, flow)| {
            let sides = [Side::Opener, Side::Acceptor].into_iter();
            let here = move |side: &Side| flow.end(*side).host == host && flow.connection(*side).is_some();
            sides.filter(here).map(move |side| flow.id(number as u32, side))
        })
    }

    /// Returns true if a connection is open or has packets in flight; TIME-WAIT (RFC 9293 §3.6) does not count as open.
    pub fn has_open_connections(&self) -> bool {
        let is_open = |connection: &Connection| connection.state() != State::TimeWait;
        let ends = |flow: &Flow| flow.ends.iter().filter_map(|end| end.connection.as_deref()).any(is_open);
        self.flows.iter().any(|(_, flow)| flow.in_flight > 0 || ends(flow))
    }

    pub(super) fn forget(&mut self, id: ConnectionId) {
        if let Some(flow) = self.flow_mut(id) {
            flow.end_mut(id.side).connection = None;
            self.drop_if_over(id.flow);
        }
    }

    /// Runs one step of one connection end, and its consequences.
    fn act(&mut self, id: ConnectionId, step: impl FnOnce(&mut Connection, SimTime, &mut Vec<Packet>)) {
        let mut out = std::mem::take(&mut self.outbox);
        let now = self.now;
        if let Some(connection) = self.flow_mut(id).and_then(|flow| flow.connection_mut(id.side)) {
            step(connection, now, &mut out);
            self.outbox = out;
            self.after_step(id, StepEvents::default());
        } else {
            self.outbox = out;
        }
    }

    /// Handles a packet for an end without a connection: a SYN may open one, everything else is refused.
    pub(super) fn on_unmatched(&mut self, id: ConnectionId, packet: &Packet) {
        let Some(flow) = self.flow(id) else { return };
        let end = flow.end(id.side);
        let is_unanswered = flow.connection(id.side.other()).is_some_and(|peer| peer.state() == State::SynSent);
        // A SYN that is sent again after the host has lost its state opens the connection like the first one.
        let (host, port, expects_syn) = (end.host, end.port, end.expects_syn || id.side == Side::Acceptor && is_unanswered);
        let is_syn = packet.flags.contains(Flags::SYN) && !packet.flags.contains(Flags::ACK);
        let open = self.hosts[host.index()].condition == Condition::Up;
        let config = self.listeners.get(&(host.0, port)).copied().filter(|_| open && is_syn && expects_syn);
        match config {
            Some(config) => self.accept(id, packet, config),
            None => self.refuse(id, packet),
        }
    }

    fn accept(&mut self, id: ConnectionId, syn: &Packet, config: TcpConfig) {
        let connection = Connection::acceptor(syn, &config, self.now);
        if let Some(flow) = self.flow_mut(id) {
            let end = flow.end_mut(id.side);
            end.connection = Some(Box::new(connection));
            end.expects_syn = false;
        }
        self.act(id, |connection, now, out| connection.open(now, out));
    }

    /// Sends a reset, but never in response to a reset (RFC 9293 §3.10.7.1).
    fn refuse(&mut self, id: ConnectionId, packet: &Packet) {
        if packet.flags.contains(Flags::RST) {
            return;
        }
        let mut reset = Packet::header(id.flow, id.side);
        reset.flags = Flags::RST.with(Flags::ACK);
        reset.seq = packet.ack;
        reset.ack = packet.seq + u64::from(packet.len) + u64::from(packet.flags.contains(Flags::SYN));
        self.send(reset);
    }

    /// Runs the timers of a flow that have expired.
    pub(super) fn run_timers(&mut self, number: u32) {
        self.queue.finish(None);
        let now = self.now;
        let Some(flow) = self.flows.get_mut(number as usize).filter(|flow| flow.timer_at == now) else { return };
        flow.timer_at = SimTime::MAX;
        for side in [Side::Opener, Side::Acceptor] {
            let Some(flow) = self.flows.get_mut(number as usize) else { return };
            let id = flow.id(number, side);
            let Some(connection) = flow.connection_mut(side) else { continue };
            let mut out = std::mem::take(&mut self.outbox);
            let events = connection.on_timer(now, &mut out);
            self.outbox = out;
            self.after_step(id, events);
        }
        if let Some(flow) = self.flows.get(number as usize) {
            self.schedule_timer(number, flow.next_timeout());
        }
    }

    fn schedule_timer(&mut self, number: u32, at: SimTime) {
        let Some(flow) = self.flows.get_mut(number as usize) else { return };
        if at < flow.timer_at {
            flow.timer_at = at;
            let order = self.queue.next_order();
            self.queue.push(at, order, Due::Timer(number));
        }
    }

    /// Completes a step: sends its packets, reports its events to the application and schedules its timers.
    pub(super) fn after_step(&mut self, id: ConnectionId, events: StepEvents) {
        let mut out = std::mem::take(&mut self.outbox);
        for packet in out.drain(..) {
            self.send(packet);
        }
        self.outbox = out;
        let Some(flow) = self.flows.get_mut(id.flow as usize) else { return };
        let watched = flow.watched;
        let end = flow.end_mut(id.side);
        let Some(connection) = end.connection.as_deref_mut() else { return };
        let acked = connection.acked_to();
        end.stream.acknowledge(acked);
        if !end.marked.is_empty() {
            // Selectively acknowledged bytes count as well: otherwise a filled hole would look like a jump of the rate.
            self.meters.count(&mut end.marked, connection.delivered_to(), self.now);
        }
        let has_room = end.wants_room && connection.lets_write();
        let drained = end.wants_drained && connection.unacknowledged() == 0;
        let acknowledged = connection.acked_to() >= end.ack_mark;
        let (deadline, closed) = (connection.next_timeout(), connection.state() == State::Closed);
        if has_room {
            end.wants_room = false;
            self.events.push_back(NetEvent::Writable { connection: id });
        }
        if drained {
            end.wants_drained = false;
            self.events.push_back(NetEvent::Drained { connection: id });
        }
        if acknowledged {
            end.ack_mark = u64::MAX;
            self.events.push_back(NetEvent::Acknowledged { connection: id });
        }
        self.tell(id, events, watched);
        self.schedule_timer(id.flow, deadline);
        if closed {
            self.forget(id);
        }
    }

    fn tell(&mut self, id: ConnectionId, events: StepEvents, watched: bool) {
        if events.opened {
            self.tell_opened(id);
        }
        if events.readable {
            self.tell_readable(id);
        }
        if let Some(reason) = events.ended {
            self.tell_ended(id, reason);
        }
        if watched && let Some(sample) = self.sample(id) {
            self.events.push_back(NetEvent::Sample { connection: id, sample });
        }
    }

    fn tell_opened(&mut self, id: ConnectionId) {
        let Some(flow) = self.flow(id) else { return };
        let end = flow.end(id.side);
        let event = match id.side {
            Side::Opener => NetEvent::Connected { connection: id },
            Side::Acceptor => NetEvent::Accepted { connection: id, host: end.host, port: end.port },
        };
        self.events.push_back(event);
    }

    fn tell_readable(&mut self, id: ConnectionId) {
        let Some(flow) = self.flow_mut(id) else { return };
        let finished = flow.connection(id.side).is_some_and(Connection::peer_finished);
        let enough = readable(flow, id.side) >= flow.end(id.side).read_mark;
        let end = flow.end_mut(id.side);
        if (enough || finished) && !end.read_told {
            end.read_told = true;
            self.events.push_back(NetEvent::Readable { connection: id });
        }
    }

    fn tell_ended(&mut self, id: ConnectionId, reason: CloseReason) {
        let stats = self.connection_stats(id).unwrap_or_default();
        self.events.push_back(NetEvent::Ended { connection: id, reason, stats });
    }

    pub(super) fn drop_if_over(&mut self, number: u32) {
        if self.flows.get(number as usize).is_some_and(Flow::is_over) {
            self.flows.remove(number as usize);
        }
    }
}

fn readable(flow: &Flow, side: Side) -> u64 {
    let arrived = flow.connection(side).map_or(1, Connection::readable_to);
    arrived.saturating_sub(flow.end(side.other()).stream.read_offset())
}
