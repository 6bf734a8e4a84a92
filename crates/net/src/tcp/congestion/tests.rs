use p2p_base::units::SimDuration;
use proptest::prelude::*;

use super::*;

const RTT: SimDuration = SimDuration::from_millis(100);

/// The window after each round trip, with every packet of a window acknowledged by pairs and `losses` at the rounds named.
fn curve(control: CongestionControl, rounds: u32, losses: &[u32]) -> Vec<u32> {
    let mut congestion = Congestion::new(control);
    congestion.window.threshold = 10;
    let mut now = SimTime::ZERO + SimDuration::from_secs(1);
    let mut sizes = Vec::new();
    for round in 0..rounds {
        if losses.contains(&round) {
            congestion.window.threshold = congestion.threshold_after_loss();
            congestion.window.size = congestion.window.threshold;
        }
        let acks = congestion.window.size.div_ceil(2);
        for _ in 0..acks {
            now += SimDuration::from_nanos(RTT.as_nanos() / u64::from(acks));
            congestion.handle_ack(now, 2);
        }
        sizes.push(congestion.window.size);
    }
    sizes
}

/// β is 717/1024 (Linux `tcp_cubic.c`: `beta`), and neither 716/1024 nor 718/1024.
#[test]
fn cubic_keeps_717_packets_of_1024() {
    for (window, threshold) in [(2, 2), (10, 7), (47, 32), (100, 70), (512, 358), (1_000, 700), (1_024, 717), (65_536, 45_888)] {
        let mut congestion = Congestion::new(CongestionControl::Cubic);
        congestion.window.size = window;
        assert_eq!(congestion.threshold_after_loss(), threshold, "of {window}");
    }
}

#[test]
fn newreno_adds_a_packet_a_round_trip_and_halves() {
    assert_eq!(curve(CongestionControl::NewReno, 6, &[3]), [11, 12, 13, 7, 8, 9]);
}

/// RFC 9438 §4.1: steep, flat around the window of the last loss, steep again.
#[test]
fn cubic_is_flat_around_the_last_maximum() {
    let sizes = curve(CongestionControl::Cubic, 120, &[40]);
    let peak = sizes[39];
    let after = &sizes[40..];
    assert!(after[0] < peak * 3 / 4, "{sizes:?}");
    let flat = after.iter().filter(|&&size| size.abs_diff(peak) <= 2).count();
    assert!(flat > 10, "around {peak}: {sizes:?}");
    assert!(after[79] > peak * 5 / 4, "{sizes:?}");
}

/// The curves themselves: a changed constant or rounding shows here.
#[test]
fn golden_curves() {
    assert_eq!(
        curve(CongestionControl::Cubic, 24, &[8, 16]),
        [10, 11, 11, 12, 12, 13, 14, 14, 10, 11, 11, 12, 12, 12, 13, 13, 10, 10, 10, 11, 11, 12, 12, 13]
    );
}

#[test]
fn slow_start_ends_at_the_threshold_and_the_rest_grows_slowly() {
    let mut congestion = Congestion::new(CongestionControl::NewReno);
    congestion.window.threshold = 12;
    congestion.handle_ack(SimTime::ZERO, 5);
    assert_eq!((congestion.window.size, congestion.window.credit), (12, 3));
}

#[test]
fn hystart_ends_slow_start_when_the_round_trip_grows() {
    let mut congestion = Congestion::new(CongestionControl::Cubic);
    let mut acked_to = 1;
    let mut now = SimTime::ZERO;
    let mut sample = |congestion: &mut Congestion, rtt_us: u64| {
        now += SimDuration::from_millis(3);
        acked_to += 1448;
        let sample = AckSample { at: now, rtt_us, acked_to, sent_to: acked_to + 14_480, pacing_rate: 0 };
        congestion.handle_ack(now, 1);
        congestion.handle_rtt(&sample);
    };
    (0..20).for_each(|_| sample(&mut congestion, 50_000));
    assert!(congestion.window.in_slow_start());
    (0..40).for_each(|_| sample(&mut congestion, 60_000));
    assert!(!congestion.window.in_slow_start());
}

proptest! {
    #[test]
    fn a_window_never_vanishes(control in prop_oneof![Just(CongestionControl::Cubic), Just(CongestionControl::NewReno)],
                               steps in proptest::collection::vec((0u8..3, 1u32..20, 0u64..500), 1..300)) {
        let mut congestion = Congestion::new(control);
        let mut now = SimTime::ZERO;
        for (step, acked, wait) in steps {
            now += SimDuration::from_millis(wait);
            let before = congestion.window.size;
            match step {
                0 => { congestion.handle_ack(now, acked); prop_assert!(congestion.window.size <= before + acked); }
                1 => {
                    let threshold = congestion.threshold_after_loss();
                    prop_assert!(threshold >= 2 && threshold <= before.max(2));
                    congestion.window.threshold = threshold;
                    congestion.window.size = threshold;
                }
                _ => { congestion.handle_timeout(now, 0); congestion.window.size = 1; }
            }
            prop_assert!(congestion.window.size >= 1);
        }
    }
}
