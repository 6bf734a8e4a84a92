//! The sending half of a connection: transmission, and the processing of acknowledgements.
//!
//! | file | contents |
//! |---|---|
//! | [`send_queue`] | data handed over by the application, and the blocking of the writer (Linux `tcp_sendmsg`) |
//! | [`transmit`] | new data: windows, Nagle, bursts (RFC 9293 §3.7.4, §3.8.6) |
//! | [`ack`] | an acknowledgement, from the packet to the window (RFC 5681, 6298) |
//! | [`sack`] | selective acknowledgements, reordering and duplicates (RFC 2018, 2883) |
//! | [`rack`] | detection of lost packets (RFC 8985 §6) |
//! | [`recovery`] | the effect of a loss on the window, and its undoing (RFC 6582, 9937, 5682) |
//! | [`losses`] | what is known of losses, where there are any |
//! | [`timeout`] | retransmission, loss probe and window probe (RFC 6298 §5, 8985 §7, 9293 §3.8.6.1) |
//! | [`scoreboard`] | the state of every packet sent (RFC 6675) |
//! | [`sent`] | a packet sent, and its marks |
//! | [`runs`] | packets sent together, of which nothing is known yet |
//!
//! Opening and closing are handled by the connection; the sender only learns which byte is the last.

mod ack;
mod losses;
mod rack;
mod recovery;
mod runs;
mod sack;
mod scoreboard;
mod send_queue;
mod sent;
mod timeout;
mod transmit;

use p2p_base::units::{SimDuration, SimTime};

use self::losses::{LossCounts, Losses};
use self::rack::Rack;
use self::recovery::RecoveryPhase;
use self::scoreboard::Scoreboard;
use self::send_queue::SendQueue;
use self::timeout::Waiting;
use self::transmit::Usage;
use super::TcpConfig;
use super::congestion::Congestion;
use super::rtt::RttEstimator;
use crate::stats::ConnectionStats;

/// State of the sending half of one connection end.
#[derive(Debug)]
pub(crate) struct Sender {
    /// Oldest offset that is not acknowledged (RFC 9293 §3.3.1: SND.UNA).
    una: u64,
    /// Next offset to send (SND.NXT).
    nxt: u64,
    /// Offset after the last byte taken in from the application.
    written: u64,
    /// True if the application has closed the stream: a FIN follows its last byte.
    finished: bool,
    /// The peer's receive window in bytes (SND.WND), and its largest value so far.
    peer_window: u32,
    peer_window_max: u32,
    /// Sequence offset of the peer's packet that last updated the window (SND.WL1).
    window_told_at: u64,
    queue: SendQueue,
    board: Scoreboard,
    rtt: RttEstimator,
    congestion: Congestion,
    phase: RecoveryPhase,
    losses: Losses,
    rack: Rack,
    usage: Usage,
    waiting: Waiting,
    /// Number of packets known to have reached the receiver, and of packets found lost, over the whole connection.
    delivered: u32,
    lost: u32,
    /// Number of retransmission timeouts since the last progress.
    timeouts_in_a_row: u32,
    /// Instant since which the peer owes an answer to data sent; [`SimTime::MAX`] while it answers.
    unanswered_since: SimTime,
    /// End of the last packet below full size (Minshall's refinement of Nagle's rule).
    small_end: u64,
    last_sent: SimTime,
    packets_sent: u64,
    bytes_acked: u64,
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
            board: Scoreboard::default(),
            rtt: RttEstimator::new(),
            congestion: Congestion::new(config.congestion),
            phase: RecoveryPhase::Open,
            losses: Losses::default(),
            rack: Rack::default(),
            usage: Usage::default(),
            waiting: Waiting::Nothing,
            delivered: 0,
            lost: 0,
            timeouts_in_a_row: 0,
            unanswered_since: SimTime::MAX,
            small_end: 1,
            last_sent: SimTime::ZERO,
            packets_sent: 0,
            bytes_acked: 0,
        }
    }

    /// Starts the sender when the handshake is complete, with the peer's window and the round-trip time of the handshake in
    /// microseconds.
    pub(super) fn established(&mut self, now: SimTime, peer_window: u32, rtt_us: Option<u64>) {
        self.peer_window = peer_window;
        self.peer_window_max = peer_window;
        self.usage.renew(now);
        if let Some(rtt_us) = rtt_us {
            self.rtt.sample(rtt_us, self.una, self.nxt);
            self.rtt.sample_min(now, rtt_us);
        }
    }

    /// Returns the counters of the sending half.
    pub(super) fn stats(&self) -> ConnectionStats {
        let LossCounts { retransmits, timeouts, probes, undos } = self.losses.counts;
        let (packets_sent, bytes_acked) = (self.packets_sent, self.bytes_acked);
        let received = ConnectionStats::default();
        ConnectionStats { packets_sent, retransmits, timeouts, loss_probes: probes, undos, bytes_acked, ..received }
    }

    /// Counts packets sent, of whatever kind.
    pub(super) fn record_sent(&mut self, packets: usize) {
        self.packets_sent += packets as u64;
    }

    /// Counts a SYN or SYN-ACK that is sent again: because none was answered in time, or a SYN-ACK because the SYN has come again (Linux
    /// counts both in `total_retrans`).
    pub(super) fn record_syn_resent(&mut self, is_timeout: bool) {
        self.losses.counts.timeouts += u64::from(is_timeout);
        self.losses.counts.retransmits += 1;
    }

    /// Treats the loss of the SYN like any other loss (Linux `tcp_enter_loss`).
    pub(super) fn syn_was_lost(&mut self) {
        let threshold = self.congestion.threshold_after_loss();
        self.congestion.begin_anew();
        self.congestion.window.threshold = threshold;
    }

    /// Limits the initial window to one packet, because the SYN or SYN-ACK was lost more than once (RFC 5681 §3.1; Linux
    /// `tcp_init_transfer`).
    pub(super) fn begin_with_one_packet(&mut self) {
        self.congestion.window.size = 1;
    }

    /// Returns the offset below which everything is acknowledged (SND.UNA).
    pub(super) fn acked_to(&self) -> u64 {
        self.una
    }

    /// Returns the next offset to send (SND.NXT).
    pub(super) fn sent_to(&self) -> u64 {
        self.nxt
    }

    /// Returns true if the FIN was sent and acknowledged.
    pub(super) fn fin_acked(&self) -> bool {
        self.finished && self.una > self.written
    }

    /// Returns the number of packets that the peer is known to have, acknowledged or SACKed, as a counter that wraps (Linux
    /// `tp->delivered`).
    pub(super) fn delivered(&self) -> u32 {
        self.delivered
    }

    /// Returns the instant since which the peer owes an answer to data sent.
    pub(super) fn unanswered_since(&self) -> Option<SimTime> {
        (self.unanswered_since < SimTime::MAX).then_some(self.unanswered_since)
    }

    /// Returns the congestion window, in packets.
    pub(super) fn window(&self) -> u32 {
        self.congestion.window.size
    }

    /// Returns the slow-start threshold, in packets; `None` before the first loss.
    pub(super) fn threshold(&self) -> Option<u32> {
        let threshold = self.congestion.window.threshold;
        (threshold != super::congestion::NO_THRESHOLD).then_some(threshold)
    }

    /// Returns the number of packets in flight.
    pub(super) fn in_flight(&self) -> u32 {
        self.board.in_flight()
    }

    /// Returns the instant at which a packet was last sent, for the first time or again.
    pub(super) const fn last_sent(&self) -> SimTime {
        self.last_sent
    }

    /// Returns the smoothed round-trip time; zero before the first measurement.
    pub(super) fn srtt(&self) -> SimDuration {
        SimDuration::from_micros(self.rtt.srtt_us())
    }

    /// Returns the retransmission timeout, with its doublings.
    pub(super) fn rto(&self) -> SimDuration {
        self.rtt.rto()
    }

    /// Returns the retransmission timeout without its doublings.
    pub(super) fn first_rto(&self) -> SimDuration {
        self.rtt.first_rto()
    }

    /// Returns the retransmission timeout in jiffies.
    pub(super) fn rto_jiffies(&self) -> u64 {
        self.rtt.rto_jiffies()
    }

    /// Returns the name of the phase of loss recovery.
    pub(super) fn phase_name(&self) -> &'static str {
        self.phase.name()
    }

    /// Returns the microseconds from `earlier` to `now`.
    fn micros(now: SimTime, earlier: SimTime) -> u64 {
        (now - earlier).as_nanos() / 1_000
    }
}
