//! One end of a connection: its states, its opening and its closing (RFC 9293 §3.3.2, §3.10).
//!
//! Combines the two halves, [`Sender`] and [`Receiver`], and passes each packet through both in Linux's order:
//! acknowledgement, data, new data, answer.

mod patience;

use p2p_base::units::{SimDuration, SimTime};

use super::TcpConfig;
use super::handshake::Handshake;
use super::liveness::{Activity, Liveness};
use super::receiver::Receiver;
use super::reset::{Resets, Verdict as ResetVerdict};
use super::sender::Sender;
use super::state::{CloseReason, ConnectionSample, Outstanding, State};
use super::step::Step;
use super::timer::{Timer, Timers};
use crate::packet::{Flags, Packet, Side};
use crate::stats::ConnectionStats;

/// Twice the maximum segment lifetime, as Linux defines it (RFC 9293 §3.6.1; `TCP_TIMEWAIT_LEN`), and the time that a closed
/// end waits for the peer's FIN (`tcp_fin_timeout`).
const TIME_WAIT: SimDuration = SimDuration::from_secs(60);
/// Notifications of one step for the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct StepEvents {
    /// True if the handshake is complete.
    pub(crate) opened: bool,
    /// True if there is more to read, or the stream has ended.
    pub(crate) readable: bool,
    /// The way in which the connection ended, if it has ended.
    pub(crate) ended: Option<CloseReason>,
}

/// State of one end of a connection (RFC 9293 §3.3.1: the TCB).
#[derive(Debug)]
pub(crate) struct Connection {
    state: State,
    pub(super) sender: Sender,
    pub(super) receiver: Receiver,
    timers: Timers,
    flow: u32,
    side: Side,
    user_timeout: SimDuration,
    liveness: Liveness,
    /// True if the application will not read any more.
    abandoned: bool,
    /// True if the application has closed its stream.
    finished: bool,
    handshake: Handshake,
    resets: Resets,
}

impl Connection {
    /// Returns the end that opens a connection, in SYN-SENT once [`open`](Self::open) has run.
    pub(crate) fn opener(flow: u32, config: &TcpConfig, now: SimTime) -> Connection {
        Connection::new(State::SynSent, (flow, Side::Opener), config, now)
    }

    /// Returns the end that accepts a connection, in SYN-RECEIVED once [`open`](Self::open) has run.
    pub(crate) fn acceptor(syn: &Packet, config: &TcpConfig, now: SimTime) -> Connection {
        let mut connection = Connection::new(State::SynReceived, (syn.slot, Side::Acceptor), config, now);
        connection.receiver.echo = syn.timestamp;
        connection
    }

    fn new(state: State, (flow, side): (u32, Side), config: &TcpConfig, now: SimTime) -> Connection {
        let buffer = u32::try_from(config.receive_buffer.as_u64()).unwrap_or(u32::MAX / 2);
        let mut timers = Timers::new();
        timers.set(Timer::Lifetime, now + config.connect_timeout);
        Connection {
            state,
            sender: Sender::new(config),
            receiver: Receiver::new(buffer, side == Side::Opener),
            timers,
            flow,
            side,
            user_timeout: config.user_timeout,
            liveness: Liveness::new(config.keepalive),
            abandoned: false,
            finished: false,
            handshake: Handshake::new(now, config.connect_timeout),
            resets: Resets::default(),
        }
    }

    pub(crate) fn state(&self) -> State {
        self.state
    }

    pub(crate) fn stats(&self) -> ConnectionStats {
        self.receiver.counted_in(self.sender.stats())
    }

    /// Counts sent packets of the connection end.
    pub(crate) fn record_sent(&mut self, packets: usize) {
        self.sender.record_sent(packets);
    }

    /// Returns the instant at which to call [`handle_timeout`](Self::handle_timeout); `None` if no timer is set. Ask again after
    /// every call that takes `now`.
    pub(crate) fn next_timeout(&self) -> Option<SimTime> {
        self.timers.next()
    }

    /// Returns the offset below which the peer has acknowledged everything.
    pub(crate) fn acked_to(&self) -> u64 {
        self.sender.acked_to()
    }

    /// Returns the offset below which everything has been sent at least once.
    pub(crate) fn sent_to(&self) -> u64 {
        self.sender.sent_to()
    }

    /// Returns how much of the peer's stream has arrived, in order and beyond holes, as an offset.
    pub(crate) fn arrived_to(&self) -> u64 {
        self.receiver.arrived_to()
    }

    /// Returns the offset of the peer's stream below which everything has arrived.
    pub(crate) fn readable_to(&self) -> u64 {
        self.receiver.readable_to()
    }

    /// Returns true if the peer's stream has ended and all of it has arrived.
    pub(crate) fn peer_finished(&self) -> bool {
        self.receiver.is_finished()
    }

    /// Returns the sending half, for what its writer asks of it.
    pub(crate) fn sender_mut(&mut self) -> &mut Sender {
        &mut self.sender
    }

    /// Returns the instants of the latest sign of life and of the latest progress.
    pub(crate) fn activity(&self) -> Activity {
        self.liveness.activity
    }

    /// Returns the congestion window, in packets.
    pub(crate) fn window(&self) -> u32 {
        self.sender.window()
    }

    /// Returns a sample of the connection end's state.
    pub(crate) fn sample(&self, now: SimTime) -> ConnectionSample {
        ConnectionSample {
            at: now,
            state: self.state,
            phase: self.sender.phase_name(),
            window: self.sender.window(),
            threshold: self.sender.threshold(),
            in_flight: self.sender.in_flight(),
            srtt: self.sender.srtt(),
            rto: self.sender.rto(),
            retransmits: self.sender.stats().retransmits,
        }
    }

    /// Returns what is outstanding while a timer waits for its acknowledgement.
    pub(crate) fn outstanding(&self) -> Option<Outstanding> {
        let is_waiting = self.sender.unacknowledged() > 0 && self.timers.is_set(Timer::Transmit);
        is_waiting.then(|| Outstanding { sent_at: self.sender.last_sent(), again_at: self.timers.at(Timer::Transmit) })
    }

    /// Sends the SYN, or the SYN-ACK.
    pub(crate) fn open(&mut self, now: SimTime, out: &mut Vec<Packet>) {
        self.step(now, out, |connection, step| connection.send_syn(step));
    }

    /// Takes over the bytes that the application has written up to offset `written`.
    pub(crate) fn handle_write(&mut self, now: SimTime, written: u64, out: &mut Vec<Packet>) {
        self.sender.hand_over(written, self.finished);
        self.push(now, out);
    }

    /// Handles a read of the application up to offset `read`.
    pub(crate) fn handle_read(&mut self, now: SimTime, read: u64, out: &mut Vec<Packet>) {
        if self.receiver.record_read(now, read) && !self.state.is_opening() {
            self.step(now, out, |connection, step| connection.receiver.send_ack(step));
        }
    }

    /// Treats data up to offset `until` as read on arrival, although the application acts on it later.
    pub(crate) fn take_as_it_comes(&mut self, until: u64) {
        self.receiver.take_as_it_comes(until);
    }

    /// Closes the stream of this end, which ends at `written`. The peer may continue to send (half-close).
    pub(crate) fn finish(&mut self, now: SimTime, written: u64, out: &mut Vec<Packet>) {
        if !self.state.may_send() || self.finished {
            return;
        }
        self.finished = true;
        self.sender.hand_over(written, true);
        match self.state {
            State::Established => self.state = State::FinWait1,
            State::CloseWait => self.state = State::LastAck,
            _ => {}
        }
        self.push(now, out);
    }

    /// Closes the reading side as well. Data that the peer still sends is answered by a reset (RFC 9293 §3.6.1).
    pub(crate) fn abandon(&mut self, now: SimTime) {
        self.abandoned = true;
        if self.state == State::FinWait2 {
            self.timers.set(Timer::Lifetime, now + TIME_WAIT);
        }
    }

    /// Aborts the connection, with a reset if the peer may still hold state for it (RFC 9293 §3.10.5).
    pub(crate) fn abort(&mut self, now: SimTime, out: &mut Vec<Packet>) {
        if !matches!(self.state, State::SynSent | State::TimeWait | State::Closed) {
            self.step(now, out, |connection, step| {
                let seq = connection.sender.sent_to();
                step.send_control(seq, Flags::RST.with(Flags::ACK), |_| {});
            });
        }
        self.enter_closed();
    }

    /// Handles a packet that has arrived (RFC 9293 §3.10.7).
    pub(crate) fn handle_packet(&mut self, now: SimTime, packet: &Packet, out: &mut Vec<Packet>) -> StepEvents {
        self.liveness.hear(now, packet.len == 0 && packet.seq >= self.receiver.expected());
        self.step(now, out, |connection, step| {
            if packet.flags.contains(Flags::RST) {
                return connection.handle_reset(step, packet);
            }
            match connection.state {
                State::SynSent => connection.handle_packet_in_syn_sent(step, packet),
                State::Closed => StepEvents::default(),
                State::TimeWait => connection.handle_packet_in_time_wait(step, packet),
                _ => connection.handle_packet_when_synchronised(step, packet),
            }
        })
    }

    /// Handles the timers that have expired by `now`. A call before any has expired has no effect.
    pub(crate) fn handle_timeout(&mut self, now: SimTime, out: &mut Vec<Packet>) -> StepEvents {
        let mut events = StepEvents::default();
        while let Some(timer) = self.timers.take_expired(now) {
            self.step(now, out, |connection, step| match timer {
                Timer::Handshake => connection.resend_syn(step),
                Timer::Transmit => connection.handle_transmit_timer(step, &mut events),
                Timer::Patience => connection.handle_patience(step, &mut events),
                Timer::DelayedAck | Timer::CompressedAck => {
                    connection.receiver.handle_timer(step, timer, connection.sender.rto_jiffies());
                }
                Timer::Lifetime => connection.handle_lifetime(step, &mut events),
            });
        }
        events
    }

    /// Runs `body` with a step whose headers carry the current state of the receiving half.
    fn step<T>(&mut self, now: SimTime, out: &mut Vec<Packet>, body: impl FnOnce(&mut Connection, &mut Step) -> T) -> T {
        let mut timers = self.timers;
        let mut step = Step::new(now, &mut timers, out, Packet::header(self.flow, self.side));
        step.set_seq(self.sender.sent_to());
        self.receiver.stamp(&mut step);
        let result = body(self, &mut step);
        if self.state != State::Closed {
            self.timers = timers;
        }
        result
    }

    fn push(&mut self, now: SimTime, out: &mut Vec<Packet>) {
        if self.state == State::Closed {
            return;
        }
        let may_send = !self.state.is_opening();
        self.step(now, out, |connection, step| {
            connection.sender.enqueue(step, may_send);
            if may_send {
                connection.transmit_and_acknowledge(step);
            }
        });
    }

    fn transmit_and_acknowledge(&mut self, step: &mut Step) {
        let before = self.sender.sent_to();
        self.sender.transmit(step);
        self.sender.wake_writer(step);
        if self.sender.sent_to() > before {
            self.receiver.record_data_sent(step.now);
        }
        step.set_seq(self.sender.sent_to());
        self.receiver.acknowledge(step, self.sender.srtt());
    }

    fn send_syn(&mut self, step: &mut Step) {
        let flags = if self.state == State::SynSent { Flags::SYN } else { Flags::SYN.with(Flags::ACK) };
        let window = self.receiver.syn_window();
        step.send_control(0, flags, |packet| packet.window = window);
        step.timers.set(Timer::Handshake, self.handshake.record_sent(step.now));
    }

    fn resend_syn(&mut self, step: &mut Step) {
        if !self.state.is_opening() {
            return;
        }
        self.handshake.back_off(self.state == State::SynSent);
        self.sender.record_syn_resent(true);
        self.send_syn(step);
    }

    /// Handles a packet in SYN-SENT (RFC 9293 §3.10.7.3).
    fn handle_packet_in_syn_sent(&mut self, step: &mut Step, packet: &Packet) -> StepEvents {
        let answers = packet.flags.contains(Flags::SYN.with(Flags::ACK)) && packet.ack == 1;
        if !answers {
            return StepEvents::default();
        }
        self.receiver.echo = packet.timestamp;
        if self.handshake.first_was_lost(packet.timestamp_echo) {
            self.sender.syn_was_lost();
        }
        self.enter_established(step, packet);
        step.set_seq(self.sender.sent_to());
        self.receiver.send_ack(step);
        self.transmit_and_acknowledge(step);
        StepEvents { opened: true, ..StepEvents::default() }
    }

    fn enter_established(&mut self, step: &mut Step, packet: &Packet) {
        self.state = if self.finished { State::FinWait1 } else { State::Established };
        step.timers.cancel(Timer::Handshake);
        step.timers.cancel(Timer::Lifetime);
        if let Some(at) = self.liveness.first_look(step.now) {
            step.timers.set(Timer::Lifetime, at);
        }
        if self.handshake.several_were_lost(packet.timestamp_echo) {
            self.sender.begin_with_one_packet();
        }
        let rtt_us = self.handshake.round_trip_us(step.now, packet);
        self.handshake.end();
        self.sender.established(step.now, packet.window, rtt_us);
        self.receiver.established(step.now);
    }

    fn handle_packet_when_synchronised(&mut self, step: &mut Step, packet: &Packet) -> StepEvents {
        let mut events = StepEvents::default();
        if packet.flags.contains(Flags::SYN) {
            self.handle_repeated_syn(step, packet);
            return events;
        }
        if self.state == State::SynReceived {
            if packet.ack != 1 && packet.ack > self.sender.sent_to() {
                return events;
            }
            self.enter_established(step, packet);
            events.opened = true;
        }
        let delivered_before = self.sender.delivered();
        let acks_unsent = self.sender.handle_ack(step, packet);
        if self.sender.delivered() != delivered_before {
            self.liveness.activity.acked_at = step.now;
        }
        if self.abandoned && packet.len > 0 && packet.seq >= self.receiver.expected() {
            step.send_control(self.sender.sent_to(), Flags::RST.with(Flags::ACK), |_| {});
            self.enter_closed();
            events.ended = Some(CloseReason::Reset);
            return events;
        }
        let fresh_before = self.receiver.fresh();
        events.readable = self.receiver.handle_packet(step, packet, self.sender.rto_jiffies());
        if self.receiver.fresh() != fresh_before {
            self.liveness.activity.received_at = step.now;
        }
        self.receiver.stamp(step);
        self.follow_fins(step, &mut events);
        if acks_unsent {
            self.receiver.send_ack(step);
        }
        self.transmit_and_acknowledge(step);
        events
    }

    /// Handles a repeated SYN or SYN-ACK: the last packet of the handshake was lost, or the SYN was sent again.
    fn handle_repeated_syn(&mut self, step: &mut Step, packet: &Packet) {
        if self.state == State::SynReceived && !packet.flags.contains(Flags::ACK) {
            self.sender.record_syn_resent(false);
            self.send_syn(step);
        } else {
            self.receiver.send_ack(step);
        }
    }

    /// Changes the state after a FIN was acknowledged or received (RFC 9293 figure 5).
    fn follow_fins(&mut self, step: &mut Step, events: &mut StepEvents) {
        let (ours, theirs) = (self.sender.fin_acked(), self.receiver.is_finished());
        let next = match self.state {
            State::Established if theirs => State::CloseWait,
            State::FinWait1 if ours && theirs => State::TimeWait,
            State::FinWait1 if ours => State::FinWait2,
            State::FinWait1 if theirs => State::Closing,
            State::FinWait2 if theirs => State::TimeWait,
            State::Closing if ours => State::TimeWait,
            State::LastAck if ours => State::Closed,
            same => same,
        };
        if next == self.state {
            return;
        }
        self.state = next;
        match next {
            State::TimeWait => {
                step.timers.cancel_all();
                step.timers.set(Timer::Lifetime, step.now + TIME_WAIT);
                events.ended = Some(CloseReason::Closed);
            }
            State::FinWait2 if self.abandoned => step.timers.set(Timer::Lifetime, step.now + TIME_WAIT),
            State::Closed => {
                self.enter_closed();
                events.ended = Some(CloseReason::Closed);
            }
            _ => {}
        }
    }

    /// Handles a packet in TIME-WAIT (RFC 9293 §3.10.7.4): a repeated FIN is acknowledged again and restarts the wait.
    fn handle_packet_in_time_wait(&mut self, step: &mut Step, packet: &Packet) -> StepEvents {
        if packet.flags.contains(Flags::FIN) {
            self.receiver.send_ack(step);
            step.timers.set(Timer::Lifetime, step.now + TIME_WAIT);
        }
        StepEvents::default()
    }

    /// Handles a reset (RFC 9293 §3.10.7.3 and §3.10.7.4, RFC 5961 §3.2).
    fn handle_reset(&mut self, step: &mut Step, packet: &Packet) -> StepEvents {
        let mut events = StepEvents::default();
        match self.resets.judge(step.now, packet, self.state, &self.receiver) {
            ResetVerdict::End(reason) => {
                self.enter_closed();
                events.ended = reason;
            }
            ResetVerdict::Challenge => self.receiver.send_ack(step),
            ResetVerdict::Ignore => {}
        }
        events
    }

    /// Handles the lifetime timer: the connection has waited long enough for its opening or its end. As in Linux, an open
    /// connection uses the same timer for its keep-alive.
    fn handle_lifetime(&mut self, step: &mut Step, events: &mut StepEvents) {
        let is_open = !self.state.is_opening() && !matches!(self.state, State::TimeWait | State::FinWait2 | State::Closed);
        if is_open {
            return self.handle_keepalive(step, events);
        }
        let reason = match self.state {
            State::TimeWait | State::FinWait2 => None,
            _ => Some(CloseReason::TimedOut),
        };
        if self.state == State::FinWait2 {
            events.ended = Some(CloseReason::Closed);
        }
        events.ended = reason.or(events.ended);
        self.enter_closed();
    }

    fn enter_closed(&mut self) {
        self.state = State::Closed;
        self.timers.cancel_all();
    }
}
