//! The sockets: connections between hosts, the ports on which hosts listen, and the events for their applications.
//!
//! Each call of an application, each packet and each timer is one step of one connection end. A step leaves packets for
//! [`take_outbox`](Sockets::take_outbox) and timers for [`poll_timer`](Sockets::poll_timer): ask for both after every call that
//! takes `now`. Nothing here knows how a packet travels.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use p2p_base::random::RandomStream;
use p2p_base::units::{SimDuration, SimTime};
use slab::Slab;

use super::datagram::Datagrams;
use super::event::{ConnectionChange, NetEvent, Read, WriteError};
use super::flow::{ConnectionId, End, Flow, Marks};
use super::host::{Endpoint, HostId};
use super::listener::Listener;
use super::meter::Meters;
use super::packet::{Flags, Packet, Side, Traits};
use super::tcp::TcpConfig;
use super::tcp::connection::{Connection, StepEvents};
use super::tcp::state::{CloseReason, State};

/// Connections, listening ports and events.
#[derive(Debug)]
pub(crate) struct Sockets {
    flows: Slab<Flow>,
    listeners: HashMap<Endpoint, Listener>,
    pub(crate) datagrams: Datagrams,
    pub(crate) events: VecDeque<NetEvent>,
    /// Changes of observed connection ends.
    pub(crate) changes: VecDeque<ConnectionChange>,
    pub(crate) meters: Meters,
    /// Packets of the steps since the outbox was last taken; the vector is kept to avoid an allocation per step.
    outbox: Vec<Packet>,
    /// Number of packets of the outbox that are counted.
    counted: usize,
    /// Timers that have not been scheduled yet.
    timers: VecDeque<(u32, SimTime)>,
    initial_sequences: RandomStream,
    next_generation: u32,
}

/// One end of a connection to be opened: its host, its port, and the path of its packets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewEnd {
    pub(crate) host: HostId,
    pub(crate) port: u16,
    pub(crate) path: u32,
}

impl Sockets {
    /// Returns no connections, in a run with `seed`.
    pub(crate) fn new(seed: u64) -> Sockets {
        Sockets {
            flows: Slab::new(),
            listeners: HashMap::new(),
            datagrams: Datagrams::default(),
            events: VecDeque::new(),
            changes: VecDeque::new(),
            meters: Meters::default(),
            outbox: Vec::new(),
            counted: 0,
            timers: VecDeque::new(),
            initial_sequences: RandomStream::new(seed, "initial sequence numbers"),
            next_generation: 0,
        }
    }

    pub(crate) fn flow(&self, id: ConnectionId) -> Option<&Flow> {
        self.flows.get(id.flow as usize).filter(|flow| flow.generation == id.generation)
    }

    pub(crate) fn flow_mut(&mut self, id: ConnectionId) -> Option<&mut Flow> {
        self.flows.get_mut(id.flow as usize).filter(|flow| flow.generation == id.generation)
    }

    /// Returns the state of a connection end; `None` once it is over.
    pub(crate) fn connection(&self, id: ConnectionId) -> Option<&Connection> {
        self.flow(id)?.connection(id.side)
    }

    /// Returns the flow of a TCP packet.
    pub(crate) fn flow_of(&self, packet: &Packet) -> Option<&Flow> {
        self.flows.get(packet.slot as usize).filter(|_| !packet.is_datagram())
    }

    /// Returns true if there is neither a connection nor a packet of one in flight.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.flows.is_empty() && self.datagrams.is_empty()
    }

    /// Returns the host that sent a packet in flight.
    pub(crate) fn sender_of(&self, packet: &Packet) -> HostId {
        if packet.is_datagram() {
            return self.datagrams.of(packet).from.host;
        }
        self.flows[packet.slot as usize].end(packet.side()).host
    }

    pub(crate) fn listen(&mut self, host: HostId, port: u16, listener: Listener) {
        self.listeners.insert(Endpoint { host, port }, listener);
    }

    /// Ends listening. Connections that are not established yet are forgotten, as by Linux's `inet_csk_listen_stop`: the next
    /// packet of their peer is answered with a reset.
    pub(crate) fn unlisten(&mut self, host: HostId, port: u16) -> bool {
        let was_open = self.listeners.remove(&Endpoint { host, port }).is_some();
        let is_embryonic = |sockets: &Sockets, id: ConnectionId| {
            let is_port = sockets.flow(id).is_some_and(|flow| id.side == Side::Acceptor && flow.end(id.side).port == port);
            is_port && sockets.connection(id).is_some_and(|connection| connection.state() == State::SynReceived)
        };
        let embryonic: Vec<ConnectionId> = self.connections_of(host).filter(|&id| is_embryonic(self, id)).collect();
        embryonic.into_iter().for_each(|id| self.forget(id));
        was_open
    }

    pub(crate) fn connect(&mut self, now: SimTime, opener: NewEnd, acceptor: NewEnd, config: &TcpConfig) -> ConnectionId {
        let mut ends = [opener, acceptor].map(|end| {
            let initial_sequence = self.initial_sequences.next_u64() as u32;
            End::new(end.host, end.port, end.path, initial_sequence)
        });
        ends[Side::Acceptor.index()].expects_syn = true;
        self.next_generation = self.next_generation.wrapping_add(1);
        let generation = self.next_generation;
        let entry = self.flows.vacant_entry();
        let number = entry.key() as u32;
        ends[Side::Opener.index()].connection = Some(Box::new(Connection::opener(number, config, now)));
        entry.insert(Flow { ends, generation, in_flight: 0, timer_at: SimTime::MAX, watched: false });
        let id = ConnectionId { flow: number, side: Side::Opener, generation };
        self.step(now, id, |connection, out| connection.open(now, out));
        id
    }

    pub(crate) fn write<const N: usize>(&mut self, now: SimTime, id: ConnectionId, pieces: [Bytes; N]) -> Result<(), WriteError> {
        let end = self.writable_end(id)?;
        pieces.into_iter().for_each(|piece| end.stream.write(piece));
        let written = end.stream.end();
        self.step(now, id, |connection, out| connection.handle_write(now, written, out));
        Ok(())
    }

    /// Returns the end of a connection if a write is accepted now. If it is full, its writer is told when there is room.
    pub(crate) fn writable_end(&mut self, id: ConnectionId) -> Result<&mut End, WriteError> {
        let end = self.flow_mut(id).map(|flow| flow.end_mut(id.side)).ok_or(WriteError::Closed)?;
        let connection = end.connection.as_deref_mut().ok_or(WriteError::Closed)?;
        if !connection.state().may_send() {
            return Err(WriteError::Closed);
        }
        if !connection.sender_mut().lets_write() {
            end.wants_room = true;
            return Err(WriteError::Full);
        }
        Ok(end)
    }

    pub(crate) fn limit_unsent(&mut self, id: ConnectionId, bytes: u32) {
        let end = self.flow_mut(id).map(|flow| flow.end_mut(id.side));
        if let Some(connection) = end.and_then(|end| end.connection.as_deref_mut()) {
            connection.sender_mut().limit_unsent(bytes);
        }
    }

    pub(crate) fn set_deadlines(&mut self, now: SimTime, id: ConnectionId, connect: SimDuration, user: SimDuration) {
        let Some(flow) = self.flow(id) else { return };
        let End { host, port, .. } = *flow.end(id.side.other());
        let is_adopted = self.listeners.get(&Endpoint { host, port }).is_some_and(|listener| listener.is_adopting);
        let Some(flow) = self.flow_mut(id) else { return };
        flow.connection_mut(id.side).into_iter().for_each(|own| own.set_deadlines(now, connect, user));
        let peer = flow.connection_mut(id.side.other()).filter(|_| is_adopted);
        peer.into_iter().for_each(|peer| peer.adopt_deadlines(now, connect, user));
        self.set_timer(id.flow);
    }

    pub(crate) fn read(&mut self, now: SimTime, id: ConnectionId, max: usize) -> Read {
        let Some(flow) = self.flow_mut(id) else { return Read::Over };
        let Some(connection) = flow.connection(id.side) else { return Read::Over };
        let (limit, is_finished) = (connection.readable_to(), connection.peer_finished());
        let stream = &mut flow.end_mut(id.side.other()).stream;
        let Some(bytes) = stream.read(limit, max) else {
            return if is_finished && stream.read_offset() >= limit { Read::End } else { Read::Pending };
        };
        let offset = stream.read_offset();
        let end = flow.end_mut(id.side);
        end.read_told = false;
        let until = offset.saturating_add(end.read_mark - 1);
        self.step(now, id, |connection, out| {
            connection.take_as_it_comes(until);
            connection.handle_read(now, offset, out);
        });
        Read::Bytes(bytes)
    }

    pub(crate) fn set_read_mark(&mut self, id: ConnectionId, bytes: u64) {
        let Some(flow) = self.flow_mut(id) else { return };
        let until = flow.end(id.side.other()).stream.read_offset().saturating_add(bytes.max(1) - 1);
        let end = flow.end_mut(id.side);
        end.read_mark = bytes.max(1);
        end.read_told = false;
        if let Some(connection) = end.connection.as_deref_mut() {
            connection.take_as_it_comes(until);
        }
        if flow.takes_readable(id.side) {
            self.events.push_back(NetEvent::Readable { connection: id });
        }
    }

    pub(crate) fn finish(&mut self, now: SimTime, id: ConnectionId) {
        let Some(flow) = self.flow(id) else { return };
        let written = flow.end(id.side).stream.end();
        self.step(now, id, |connection, out| connection.finish(now, written, out));
    }

    pub(crate) fn abandon(&mut self, now: SimTime, id: ConnectionId) {
        self.step(now, id, |connection, _| connection.abandon(now));
    }

    pub(crate) fn abort(&mut self, now: SimTime, id: ConnectionId) {
        self.step(now, id, |connection, out| connection.abort(now, out));
    }

    /// Returns the connection ends of a host.
    pub(crate) fn connections_of(&self, host: HostId) -> impl Iterator<Item = ConnectionId> + '_ {
        self.flows.iter().flat_map(move |(number, flow)| {
            let sides = [Side::Opener, Side::Acceptor].into_iter();
            let here = move |side: &Side| flow.end(*side).host == host && flow.connection(*side).is_some();
            sides.filter(here).map(move |side| flow.id(number as u32, side))
        })
    }

    /// Returns true if a connection is open or has packets in flight; TIME-WAIT does not count as open.
    pub(crate) fn has_open_connections(&self) -> bool {
        let is_open = |connection: &Connection| connection.state() != State::TimeWait;
        let ends = |flow: &Flow| flow.ends.iter().filter_map(|end| end.connection.as_deref()).any(is_open);
        self.flows.iter().any(|(_, flow)| flow.in_flight > 0 || ends(flow))
    }

    /// Forgets a connection end without a word.
    pub(crate) fn forget(&mut self, id: ConnectionId) {
        if let Some(flow) = self.flow_mut(id) {
            flow.end_mut(id.side).connection = None;
            self.drop_if_over(id.flow);
        }
    }

    /// Handles a TCP packet that has arrived. `is_open` is true if the host accepts connections.
    pub(crate) fn handle_packet(&mut self, now: SimTime, packet: &Packet, is_open: bool) {
        let side = packet.side().other();
        let Some(flow) = self.flows.get_mut(packet.slot as usize) else { return };
        flow.in_flight -= 1;
        let id = flow.id(packet.slot, side);
        match flow.connection_mut(side) {
            Some(connection) => {
                let events = connection.handle_packet(now, packet, &mut self.outbox);
                self.complete(now, id, events);
            }
            None => {
                self.handle_unmatched(now, id, packet, is_open);
                self.drop_if_over(packet.slot);
            }
        }
    }

    /// Takes notice that a packet which is not in flight any more was dropped.
    pub(crate) fn handle_dropped(&mut self, packet: &Packet) {
        self.handle_sent(packet, 0);
    }

    /// Takes notice that a packet, of which one was counted as in flight, is `in_flight` packets now.
    pub(crate) fn handle_sent(&mut self, packet: &Packet, in_flight: u32) {
        if packet.is_datagram() {
            self.datagrams.record_in_flight(packet, in_flight);
        } else if let Some(flow) = self.flows.get_mut(packet.slot as usize) {
            flow.in_flight = flow.in_flight + in_flight - 1;
            self.drop_if_over(packet.slot);
        }
    }

    /// Handles the timers of a flow that have expired. Returns the sides of the flow, each of which is to be stepped by
    /// [`handle_end_timeout`](Self::handle_end_timeout); none if the timer has been superseded.
    pub(crate) fn handle_timeout(&mut self, now: SimTime, number: u32) -> &'static [Side] {
        match self.flows.get_mut(number as usize).filter(|flow| flow.timer_at == now) {
            Some(flow) => {
                flow.timer_at = SimTime::MAX;
                &[Side::Opener, Side::Acceptor]
            }
            None => &[],
        }
    }

    /// Handles the timers of one end of a flow.
    pub(crate) fn handle_end_timeout(&mut self, now: SimTime, number: u32, side: Side) {
        let Some(flow) = self.flows.get_mut(number as usize) else { return };
        let id = flow.id(number, side);
        let Some(connection) = flow.connection_mut(side) else { return };
        let events = connection.handle_timeout(now, &mut self.outbox);
        self.complete(now, id, events);
    }

    /// Sets the timer of a flow to the earliest of its ends'.
    pub(crate) fn set_timer(&mut self, number: u32) {
        if let Some(at) = self.flows.get(number as usize).and_then(Flow::next_timeout) {
            self.schedule_timer(number, at);
        }
    }

    /// Returns true if there are packets to send.
    #[inline]
    pub(crate) fn has_outbox(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Returns the packets to send, in order. Give the vector back by [`return_outbox`](Self::return_outbox) once they are sent.
    #[inline]
    pub(crate) fn take_outbox(&mut self) -> Vec<Packet> {
        self.counted = 0;
        std::mem::take(&mut self.outbox)
    }

    /// Takes back the vector of packets that have been sent, for those that follow.
    #[inline]
    pub(crate) fn return_outbox(&mut self, mut sent: Vec<Packet>) {
        sent.clear();
        self.outbox = sent;
    }

    /// Returns the index of the path that carries a TCP packet to be sent.
    #[inline]
    pub(crate) fn path_of(&self, packet: &Packet) -> Option<u32> {
        self.flows.get(packet.slot as usize).map(|flow| flow.end(packet.side()).path)
    }

    /// Returns the next flow whose timer is to be scheduled, and the instant. Poll after every call that takes `now`.
    #[inline]
    pub(crate) fn poll_timer(&mut self) -> Option<(u32, SimTime)> {
        self.timers.pop_front()
    }

    /// Runs one step of one connection end, and its consequences.
    fn step(&mut self, now: SimTime, id: ConnectionId, step: impl FnOnce(&mut Connection, &mut Vec<Packet>)) {
        let flow = self.flows.get_mut(id.flow as usize).filter(|flow| flow.generation == id.generation);
        let Some(connection) = flow.and_then(|flow| flow.connection_mut(id.side)) else { return };
        step(connection, &mut self.outbox);
        self.complete(now, id, StepEvents::default());
    }

    /// Handles a packet for an end without a connection: a SYN may open one, everything else is refused.
    fn handle_unmatched(&mut self, now: SimTime, id: ConnectionId, packet: &Packet, is_open: bool) {
        let Some(flow) = self.flow(id) else { return };
        let end = flow.end(id.side);
        let is_unanswered = flow.connection(id.side.other()).is_some_and(|peer| peer.state() == State::SynSent);
        // A SYN that is sent again after the host has lost its state opens the connection like the first one.
        let (host, port, expects_syn) = (end.host, end.port, end.expects_syn || id.side == Side::Acceptor && is_unanswered);
        let is_syn = packet.flags.contains(Flags::SYN) && !packet.flags.contains(Flags::ACK);
        let listener = self.listeners.get(&Endpoint { host, port }).copied().filter(|_| is_open && is_syn && expects_syn);
        match listener {
            Some(listener) => self.accept(now, id, packet, listener),
            None => self.refuse(id, packet),
        }
    }

    fn accept(&mut self, now: SimTime, id: ConnectionId, syn: &Packet, Listener { config, is_adopting }: Listener) {
        let opener = self.flow(id).and_then(|flow| flow.connection(id.side.other())).filter(|_| is_adopting);
        let config = opener.map_or(config, |opener| opener.adopted_by(config));
        let connection = Connection::acceptor(syn, &config, now);
        if let Some(flow) = self.flow_mut(id) {
            let end = flow.end_mut(id.side);
            end.connection = Some(Box::new(connection));
            end.expects_syn = false;
        }
        self.step(now, id, |connection, out| connection.open(now, out));
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
        self.outbox.push(reset);
        self.count_outbox(id);
    }

    /// Counts the packets that a step of a connection end has added to the outbox, and reports what they send for the first time and
    /// what again.
    fn count_outbox(&mut self, id: ConnectionId) {
        let Sockets { flows, events, outbox, counted, .. } = self;
        let Some(flow) = flows.get_mut(id.flow as usize) else { return };
        let from = std::mem::replace(counted, outbox.len());
        let packets = &mut outbox[from..];
        flow.in_flight += packets.len() as u32;
        let end = flow.end_mut(id.side);
        if let Some(connection) = end.connection.as_deref_mut() {
            connection.record_sent(packets.len());
        }
        for packet in packets.iter_mut().filter(|packet| packet.sequence_len() > 0) {
            let data_end = packet.seq + packet.sequence_len();
            if packet.seq < end.sent_high {
                packet.traits = packet.traits.with(Traits::RETRANSMISSION, true);
                if packet.len > 0 {
                    events.push_back(NetEvent::Retransmitted { connection: id, offset: packet.seq - 1, len: packet.len });
                }
                continue;
            }
            end.sent_high = data_end;
            if let Some(Marks { sent, .. }) = end.marks.as_deref_mut() {
                let reached = sent.partition_point(|&mark| mark < data_end);
                events.extend(sent.drain(..reached).map(|mark| NetEvent::Sent { connection: id, offset: mark - 1 }));
            }
        }
    }

    fn schedule_timer(&mut self, number: u32, at: SimTime) {
        let Some(flow) = self.flows.get_mut(number as usize) else { return };
        if at < flow.timer_at {
            flow.timer_at = at;
            self.timers.push_back((number, at));
        }
    }

    /// Completes a step: enqueues its packets, reports its events to the application and sets its timers.
    fn complete(&mut self, now: SimTime, id: ConnectionId, mut events: StepEvents) {
        if self.counted < self.outbox.len() {
            self.count_outbox(id);
        }
        let Some(flow) = self.flows.get_mut(id.flow as usize) else { return };
        let end = flow.end_mut(id.side);
        let Some(connection) = end.connection.as_deref_mut() else { return };
        let acked = connection.acked_to();
        end.stream.acknowledge(acked);
        if end.wants_room && connection.sender_mut().lets_write() {
            end.wants_room = false;
            self.events.push_back(NetEvent::Writable { connection: id });
        }
        if end.wants_drained && acked >= end.stream.end() {
            end.wants_drained = false;
            self.events.push_back(NetEvent::Drained { connection: id });
        }
        let (deadline, is_closed) = (connection.next_timeout(), connection.state() == State::Closed);
        self.meters.count_arrived(flow, id.side, now);
        let is_watched = flow.watched;
        events.readable = events.readable && flow.takes_readable(id.side);
        if let Some(at) = deadline.filter(|&at| at < flow.timer_at) {
            flow.timer_at = at;
            self.timers.push_back((id.flow, at));
        }
        if is_watched || events != StepEvents::default() {
            self.tell(now, id, events, is_watched);
        }
        if is_closed {
            self.forget(id);
        }
    }

    fn tell(&mut self, now: SimTime, id: ConnectionId, events: StepEvents, watched: bool) {
        if events.opened {
            self.tell_opened(id);
        }
        if events.readable {
            self.events.push_back(NetEvent::Readable { connection: id });
        }
        if let Some(reason) = events.ended {
            self.tell_ended(id, reason);
        }
        if watched && let Some(connection) = self.connection(id) {
            let (sample, stats) = (connection.sample(now), connection.stats());
            self.changes.push_back(ConnectionChange { connection: id, sample, stats });
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

    fn tell_ended(&mut self, id: ConnectionId, reason: CloseReason) {
        let stats = self.connection(id).map(Connection::stats).unwrap_or_default();
        self.events.push_back(NetEvent::Ended { connection: id, reason, stats });
    }

    fn drop_if_over(&mut self, number: u32) {
        if self.flows.get(number as usize).is_some_and(Flow::is_over) {
            self.flows.remove(number as usize);
        }
    }
}
