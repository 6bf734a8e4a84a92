//! The table of all states and all events (RFC 9293 §3.3.2 figure 5, §3.10), as a golden file for review.

use std::fmt::Write;

use bytes::Bytes;

use super::*;
use crate::event::NetEvent;
use crate::flow::ConnectionId;
use crate::golden::assert_golden;
use crate::host::HostId;
use crate::listener::Listener;
use crate::sockets::{NewEnd, Sockets};

const PORT: u16 = 7000;

/// States of the end under test, those without a connection included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Row {
    Closed,
    Listen,
    In(State),
}

const ROWS: [Row; 11] = [
    Row::Closed,
    Row::Listen,
    Row::In(State::SynSent),
    Row::In(State::SynReceived),
    Row::In(State::Established),
    Row::In(State::FinWait1),
    Row::In(State::FinWait2),
    Row::In(State::CloseWait),
    Row::In(State::Closing),
    Row::In(State::LastAck),
    Row::In(State::TimeWait),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Send,
    Close,
    CloseBoth,
    Abort,
    Syn,
    SynAck,
    Ack,
    KeepAlive,
    Data,
    Fin,
    FinAckOfAll,
    Rst,
    RstAhead,
    RstOutside,
    RstAck,
    Timeout,
    Silence,
}

impl Event {
    const ALL: [Event; 17] = [
        Event::Send,
        Event::Close,
        Event::CloseBoth,
        Event::Abort,
        Event::Syn,
        Event::SynAck,
        Event::Ack,
        Event::KeepAlive,
        Event::Data,
        Event::Fin,
        Event::FinAckOfAll,
        Event::Rst,
        Event::RstAhead,
        Event::RstOutside,
        Event::RstAck,
        Event::Timeout,
        Event::Silence,
    ];

    const fn name(self) -> &'static str {
        match self {
            Event::Send => "call: send 100 bytes",
            Event::Close => "call: close the stream (half-close)",
            Event::CloseBoth => "call: close, and read no more",
            Event::Abort => "call: abort",
            Event::Syn => "segment: SYN",
            Event::SynAck => "segment: SYN,ACK of the SYN",
            Event::Ack => "segment: ACK of everything sent",
            Event::KeepAlive => "segment: ACK with the byte before RCV.NXT (keep-alive)",
            Event::Data => "segment: 100 bytes, ACK of nothing new",
            Event::Fin => "segment: FIN, ACK of nothing new",
            Event::FinAckOfAll => "segment: FIN, ACK of everything sent",
            Event::Rst => "segment: RST at RCV.NXT",
            Event::RstAhead => "segment: RST in the window, beyond RCV.NXT",
            Event::RstOutside => "segment: RST beyond the window",
            Event::RstAck => "segment: RST,ACK of everything sent",
            Event::Timeout => "timeout: the first timer",
            Event::Silence => "timeout: an hour in which the peer is silent",
        }
    }
}

/// Connections of two hosts, of which one end is under test and the other one lends it segments.
struct Bench {
    now: SimTime,
    sockets: Sockets,
    end: ConnectionId,
}

impl Bench {
    /// An end in the state of a row; nothing is in flight, and no event is waiting.
    fn new(row: Row) -> Bench {
        let mut sockets = Sockets::new(1);
        if row != Row::Closed {
            sockets.listen(HostId(1), PORT, Listener { config: TcpConfig::default(), is_adopting: false });
        }
        let end = |host, port| NewEnd { host: HostId(host), port, path: host };
        let opener = sockets.connect(SimTime::ZERO, end(0, 40_000), end(1, PORT), &TcpConfig::default());
        let mut bench = Bench { now: SimTime::ZERO, sockets, end: opener };
        bench.bring_to(row);
        bench.sockets.events.clear();
        assert_eq!(bench.row(row == Row::Listen), row);
        bench
    }

    fn bring_to(&mut self, row: Row) {
        let (opener, acceptor) = (self.end, self.end.peer());
        match row {
            Row::Closed | Row::Listen => {
                self.end = acceptor;
                return self.carry(|_| false);
            }
            Row::In(State::SynSent) => return self.carry(|_| false),
            Row::In(State::SynReceived) => {
                self.end = acceptor;
                return self.carry(|packet| packet.kind() == PacketKind::Syn);
            }
            Row::In(_) => self.carry(|_| true),
        }
        let closes = |bench: &mut Bench, id, arrives: bool| {
            bench.sockets.finish(bench.now, id);
            bench.carry(|packet| arrives || packet.kind() != PacketKind::Fin);
        };
        match row {
            Row::In(State::FinWait1) => closes(self, opener, false),
            Row::In(State::FinWait2) => closes(self, opener, true),
            Row::In(State::CloseWait) => closes(self, acceptor, true),
            Row::In(State::Closing) => {
                closes(self, opener, false);
                closes(self, acceptor, true);
            }
            Row::In(State::LastAck) => {
                closes(self, acceptor, true);
                closes(self, opener, false);
            }
            Row::In(State::TimeWait) => {
                closes(self, opener, true);
                closes(self, acceptor, true);
            }
            _ => {}
        }
    }

    /// Carries packets until there are none, but those that do not arrive.
    fn carry(&mut self, arrives: impl Fn(&Packet) -> bool) {
        while self.sockets.has_outbox() {
            for packet in self.sockets.take_outbox() {
                if arrives(&packet) {
                    self.sockets.handle_packet(self.now, &packet, true);
                } else {
                    self.sockets.handle_dropped(&packet);
                }
            }
        }
    }

    fn row(&self, listens: bool) -> Row {
        match self.sockets.connection(self.end) {
            Some(connection) => Row::In(connection.state()),
            None if listens => Row::Listen,
            None => Row::Closed,
        }
    }

    /// A segment of the peer, as it would follow what the end under test has sent and received.
    fn segment(&self, event: Event) -> Packet {
        let (mut next, mut unacknowledged, mut sent) = (0, 0, 0);
        if let Some(connection) = self.sockets.connection(self.end) {
            (next, unacknowledged, sent) = (connection.receiver.expected(), connection.acked_to(), connection.sender.sent_to());
        }
        let is_first = matches!(event, Event::Syn | Event::SynAck);
        let (flags, ack) = match event {
            Event::Syn => (Flags::SYN, 0),
            Event::SynAck => (Flags::SYN.with(Flags::ACK), 1),
            Event::Fin => (Flags::FIN.with(Flags::ACK), unacknowledged),
            Event::FinAckOfAll => (Flags::FIN.with(Flags::ACK), sent),
            Event::Rst | Event::RstAhead | Event::RstOutside => (Flags::RST, 0),
            Event::RstAck => (Flags::RST.with(Flags::ACK), sent),
            Event::Data => (Flags::ACK, unacknowledged),
            _ => (Flags::ACK, sent),
        };
        let seq = match event {
            _ if is_first => 0,
            Event::KeepAlive => next.saturating_sub(1),
            Event::RstAhead => next + 1,
            Event::RstOutside => next + (1 << 30),
            _ => next,
        };
        let len = if event == Event::Data { 100 } else { 0 };
        Packet { flags, ack, seq, len, window: 65_536, ..Packet::header(self.end.flow, self.end.side.other()) }
    }

    fn handle(&mut self, event: Event) {
        let (now, end) = (self.now, self.end);
        match event {
            Event::Send => drop(self.sockets.write(now, end, [Bytes::from_static(&[0; 100])])),
            Event::Close => self.sockets.finish(now, end),
            Event::CloseBoth => {
                self.sockets.finish(now, end);
                self.sockets.abandon(now, end);
            }
            Event::Abort => self.sockets.abort(now, end),
            Event::Timeout => self.run_timer(),
            Event::Silence => {
                while self.next_timeout().is_some_and(|at| at <= SimTime::ZERO + SimDuration::from_secs(3_600)) {
                    self.run_timer();
                }
            }
            segment => {
                let packet = self.segment(segment);
                if let Some(flow) = self.sockets.flow_mut(end) {
                    flow.in_flight += 1;
                }
                self.sockets.handle_packet(now, &packet, true);
            }
        }
    }

    fn next_timeout(&self) -> Option<SimTime> {
        self.sockets.connection(self.end).and_then(Connection::next_timeout)
    }

    fn run_timer(&mut self) {
        if let Some(at) = self.next_timeout() {
            self.now = at;
            self.sockets.handle_end_timeout(at, self.end.flow, self.end.side);
        }
    }

    /// What the end under test has sent, kind by kind.
    fn sent(&mut self) -> Vec<String> {
        let mut kinds: Vec<(&str, u32)> = Vec::new();
        for packet in self.sockets.take_outbox() {
            let name = packet.kind().name();
            match kinds.last_mut().filter(|(last, _)| *last == name) {
                Some((_, count)) => *count += 1,
                None => kinds.push((name, 1)),
            }
        }
        kinds.into_iter().map(|(name, count)| if count == 1 { name.to_owned() } else { format!("{name} x{count}") }).collect()
    }

    /// What the application of the end under test was told.
    fn told(&mut self) -> Vec<String> {
        let end = self.end;
        let told = |event| match event {
            NetEvent::Connected { connection } if connection == end => Some("connected".to_owned()),
            NetEvent::Accepted { connection, .. } if connection == end => Some("accepted".to_owned()),
            NetEvent::Readable { connection } if connection == end => Some("readable".to_owned()),
            NetEvent::Ended { connection, reason, .. } if connection == end => Some(format!("ended: {reason:?}")),
            _ => None,
        };
        std::mem::take(&mut self.sockets.events).into_iter().filter_map(told).collect()
    }
}

fn name(row: Row) -> &'static str {
    match row {
        Row::Closed => "CLOSED",
        Row::Listen => "LISTEN",
        Row::In(state) => state.name(),
    }
}

/// One line of the table.
fn line(row: Row, event: Event) -> String {
    let mut bench = Bench::new(row);
    bench.handle(event);
    let next = name(bench.row(row == Row::Listen));
    let next = if next == name(row) { "-" } else { next };
    let (sent, told) = (bench.sent().join(" "), bench.told().join(", "));
    format!("  {:<56} {next:<13} {sent:<18} {told}", event.name()).trim_end().to_owned()
}

#[test]
fn every_state_meets_every_event() {
    let mut table = String::from(
        "States and events of TCP: RFC 9293 section 3.3.2 figure 5, section 3.10; what is sent and what the application is told.\n\
         `-`: the state does not change. Segments continue what the end has sent and received. A port that is closed is CLOSED, one\n\
         that is open LISTEN. There is no simultaneous open: a connection has one opener. P2P_REGENERATE=1 writes this file anew.\n",
    );
    for row in ROWS {
        writeln!(table, "\n{}\n  {:<56} {:<13} {:<18} told", name(row), "event", "next state", "sent").unwrap();
        Event::ALL.into_iter().for_each(|event| writeln!(table, "{}", line(row, event)).unwrap());
    }
    assert_golden("tcp_states.txt", &table);
}
