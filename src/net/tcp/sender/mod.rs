//! The sending half of a connection: what is sent, when, and what an acknowledgement does.
//!
//! | file | what it is |
//! |---|---|
//! | [`send_queue`] | what the application hands over, and when it has to wait (Linux `tcp_sendmsg`) |
//! | [`transmit`] | new data: windows, Nagle, bursts (RFC 9293 §3.7.4, §3.8.6) |
//! | [`ack`] | an acknowledgement, from the packet to the window (RFC 5681, 6298) |
//! | [`sack`] | selective acknowledgements, reordering and duplicates (RFC 2018, 2883) |
//! | [`rack`] | which packets are lost (RFC 8985 §6) |
//! | [`recovery`] | what a loss does to the window, and how it is undone (RFC 6582, 9937, 5682) |
//! | [`timeout`] | retransmission, loss probe and window probe (RFC 6298 §5, 8985 §7, 9293 §3.8.6.1) |
//! | [`scoreboard`] | what became of every packet sent (RFC 6675) |
//!
//! Knows nothing of what the bytes are, nor of opening and closing beyond "this is the last byte".

mod ack;
mod rack;
mod recovery;
mod sack;
mod scoreboard;
mod send_queue;
mod timeout;
mod transmit;

use self::rack::Rack;
use self::recovery::{Phase, Recovery};
use self::sack::Reordering;
use self::scoreboard::Scoreboard;
use self::send_queue::SendQueue;
use self::timeout::{LossProbe, Waiting};
use self::transmit::Usage;
use super::TcpConfig;
use super::congestion::Congestion;
use super::rtt::RttEstimator;
use crate::net::packet::MSS;
use crate::net::stats::ConnectionStats;
use crate::units::{SimDuration, SimTime};

/// The sending half of one connection end.
#[derive(Debug)]
pub(super) struct Sender {
    /// The oldest offset that is not acknowledged (RFC 9293 §3.3.1: SND.UNA).
    una: u64,
    /// The next offset to send (SND.NXT).
    nxt: u64,
    /// The offset after the last byte that was taken in from the application.
    written: u64,
    /// Whether that was the last: a FIN follows.
    finished: bool,
    /// The peer's receive window in bytes (SND.WND), and the largest that it ever was.
    peer_window: u32,
    peer_window_max: u32,
    /// The offset of the peer's packet that last told the window (SND.WL1).
    window_told_at: u64,
    queue: SendQueue,
    board: Scoreboard,
    rtt: RttEstimator,
    congestion: Congestion,
    phase: Phase,
    recovery: Recovery,
    rack: Rack,
    reordering: Reordering,
    probe: LossProbe,
    usage: Usage,
    waiting: Waiting,
    /// Packets that have reached the receiver, and packets found lost, ever.
    delivered: u32,
    lost: u32,
    /// Retransmission timeouts since the last progress.
    timeouts_in_a_row: u32,
    /// When the peer stopped answering what was sent; `None` while it answers.
    unanswered_since: Option<SimTime>,
    /// The end of the last packet below full size (Minshall's refinement of Nagle's rule).
    small_end: u64,
    last_sent: SimTime,
    pub(super) stats: ConnectionStats,
}

impl Sender {
    pub(super) fn new(config: &TcpConfig) -> Sender {
        Sender {
            una: 1,
            nxt: 1,
            written: 1,
            finished: false,
            peer_window: 0,
            peer_window_max: 0,
            window_told_at: 0,
            queue: SendQueue::new(config.send_buffer.as_u64()),
            board: Scoreboard::new(),
            rtt: RttEstimator::new(),
            congestion: Congestion::new(config.congestion),
            phase: Phase::Open,
            recovery: Recovery::default(),
            rack: Rack::default(),
            reordering: Reordering::default(),
            probe: LossProbe::default(),
            usage: Usage::default(),
            waiting: Waiting::Nothing,
            delivered: 0,
            lost: 0,
            timeouts_in_a_row: 0,
            unanswered_since: None,
            small_end: 1,
            last_sent: SimTime::ZERO,
            stats: ConnectionStats::default(),
        }
    }

    /// The handshake is done: the peer's window, and how long the round trip took in microseconds.
    pub(super) fn established(&mut self, now: SimTime, peer_window: u32, rtt_us: Option<u64>) {
        self.peer_window = peer_window;
        self.peer_window_max = peer_window;
        self.usage.renew(now);
        if let Some(rtt_us) = rtt_us {
            self.rtt.sample(rtt_us, self.una, self.nxt);
            self.rtt.sample_min(now, rtt_us);
        }
    }

    /// The SYN was lost: a loss like another (Linux `tcp_enter_loss`).
    pub(super) fn syn_was_lost(&mut self) {
        let threshold = self.congestion.threshold_after_loss();
        self.congestion.begin_anew();
        self.congestion.window.threshold = threshold;
    }

    /// The SYN or SYN-ACK was lost more than once: the first flight has one packet (RFC 5681 §3.1; Linux
    /// `tcp_init_transfer`).
    pub(super) fn begin_with_one_packet(&mut self) {
        self.congestion.window.size = 1;
    }

    /// SND.UNA: all before it has arrived.
    pub(super) fn acked_to(&self) -> u64 {
        self.una
    }

    /// As far as the stream would be acknowledged if what has arrived had arrived in order: SACKed packets count as full ones. Unlike
    /// [`acked_to`](Self::acked_to) it does not leap where a hole is filled.
    pub(super) fn delivered_to(&self) -> u64 {
        (self.una + u64::from(self.board.sacked()) * u64::from(MSS)).min(self.nxt)
    }

    /// SND.NXT.
    pub(super) fn sent_to(&self) -> u64 {
        self.nxt
    }

    /// Whether the FIN was sent and acknowledged.
    pub(super) fn fin_acked(&self) -> bool {
        self.finished && self.una > self.written
    }

    /// Packets that the peer is known to have, acknowledged or SACKed, as a counter that wraps (Linux `tp->delivered`).
    pub(super) fn delivered(&self) -> u32 {
        self.delivered
    }

    /// Since when the peer owes an answer to something sent.
    pub(super) fn unanswered_since(&self) -> Option<SimTime> {
        self.unanswered_since
    }

    /// The congestion window, in packets.
    pub(super) fn window(&self) -> u32 {
        self.congestion.window.size
    }

    /// The slow-start threshold, in packets; `None` before the first loss.
    pub(super) fn threshold(&self) -> Option<u32> {
        let threshold = self.congestion.window.threshold;
        (threshold != super::congestion::NO_THRESHOLD).then_some(threshold)
    }

    /// Packets on their way.
    pub(super) fn in_flight(&self) -> u32 {
        self.board.in_flight()
    }

    /// The smoothed round-trip time; zero before the first measurement.
    pub(super) fn srtt(&self) -> SimDuration {
        SimDuration::from_micros(self.rtt.srtt_us())
    }

    /// The retransmission timeout, with its doublings.
    pub(super) fn rto(&self) -> SimDuration {
        self.rtt.rto()
    }

    /// The retransmission timeout in ticks.
    pub(super) fn rto_jiffies(&self) -> u64 {
        self.rtt.rto_jiffies()
    }

    /// The phase of loss recovery, as a word.
    pub(super) fn phase_name(&self) -> &'static str {
        self.phase.name()
    }

    /// Microseconds from `earlier` to `now`.
    fn micros(now: SimTime, earlier: SimTime) -> u64 {
        (now - earlier).as_nanos() / 1_000
    }
}
