//! Paths: what a packet meets between the uplink of one host and the downlink of another, in one direction.
//!
//! A path delays packets and, if told to, loses, duplicates, corrupts and reorders them or is cut. The rules are those of
//! Linux's `netem` (tc-netem(8), `net/sched/sch_netem.c`), with one exception: jitter never reorders. A packet waits for the one
//! before it, as on a physical path, and reordering is a fault of its own.

use p2p_base::random::RandomStream;
use p2p_base::units::{DelayRange, Probability, SimTime};

use super::burst::{Burst, GilbertElliott};
use super::in_flight::{PacketQueue, PacketStore};
use super::stats::DropCause;

/// Loss on a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Loss {
    /// Each packet is lost with this probability, whatever became of the others (Bernoulli).
    Independent(Probability),
    /// Packets are lost in bursts.
    Bursts(GilbertElliott),
}

impl Loss {
    /// No packet is lost.
    pub const NONE: Loss = Loss::Independent(Probability::NEVER);

    /// Returns the share of packets that are lost in the long run.
    pub fn mean(&self) -> Probability {
        match self {
            Loss::Independent(probability) => *probability,
            Loss::Bursts(model) => model.mean_loss(),
        }
    }
}

/// Configuration of a path, in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PathConfig {
    /// Propagation delay, drawn for each packet. Packets are first in, first out, whatever is drawn; only after a shorter delay
    /// is set, packets may overtake those sent before.
    pub delay: DelayRange,
    /// Loss of packets.
    pub loss: Loss,
    /// Probability that a packet arrives twice. The copy does not use the sender's uplink, and is lost, corrupted, delayed and
    /// reordered by itself.
    pub duplicate: Probability,
    /// Probability that a bit of a packet is changed. The packet crosses the receiver's downlink, where its checksum reveals the
    /// error, and is dropped (RFC 9293 §3.1, RFC 768, RFC 1122 §3.2.1.2).
    pub corrupt: Probability,
    /// Probability that a packet is sent without the path's delay, so that it overtakes those that are still delayed (`netem
    /// reorder`). Without a delay it has no effect.
    pub reorder: Probability,
    /// True if the path is cut: every packet is dropped.
    pub cut: bool,
}

impl PathConfig {
    /// Returns a path without faults other than independent loss.
    pub const fn new(delay: DelayRange, loss: Probability) -> PathConfig {
        PathConfig {
            delay,
            loss: Loss::Independent(loss),
            duplicate: Probability::NEVER,
            corrupt: Probability::NEVER,
            reorder: Probability::NEVER,
            cut: false,
        }
    }

    /// Returns true if packets may be lost independently, or delayed by different times.
    fn has_chances(&self) -> bool {
        matches!(self.loss, Loss::Independent(chance) if !is_never(chance)) || self.delay.min() != self.delay.max()
    }

    /// Returns true if the path does more to packets than to delay them and to lose each independently.
    const fn has_faults(&self) -> bool {
        let PathConfig { loss, duplicate, corrupt, reorder, cut, .. } = *self;
        matches!(loss, Loss::Bursts(_)) || !is_never(duplicate) || !is_never(corrupt) || !is_never(reorder) || cut
    }
}

const fn is_never(probability: Probability) -> bool {
    probability.billionths() == 0
}

/// Part of a path in which packets are first in, first out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Packets that are delayed.
    InOrder,
    /// Packets that skip the delay.
    Overtaking,
    /// Packets that were in flight when the delay became shorter, and that later ones may overtake.
    Overtaken,
}

impl Lane {
    pub(crate) const ALL: [Lane; 3] = [Lane::InOrder, Lane::Overtaking, Lane::Overtaken];
}

/// Number of copies of a packet that enter a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Copies {
    One,
    Two,
}

/// A packet's passage of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Passage {
    /// Instant at which the packet reaches the end of the path.
    pub(crate) at: SimTime,
    pub(crate) lane: Lane,
    /// True if a bit of the packet was changed.
    pub(crate) is_corrupt: bool,
}

/// Configuration in force on a path, in the room that most paths need of it.
#[derive(Debug)]
enum Conditions {
    /// No faults but independent loss.
    Plain { delay: DelayRange, loss: Probability },
    /// A configuration with faults.
    Faulty(Box<PathConfig>),
}

impl Conditions {
    fn new(config: PathConfig) -> Conditions {
        match config.loss {
            Loss::Independent(loss) if !config.has_faults() => Conditions::Plain { delay: config.delay, loss },
            _ => Conditions::Faulty(Box::new(config)),
        }
    }

    #[inline]
    fn config(&self) -> PathConfig {
        match self {
            Conditions::Plain { delay, loss } => PathConfig::new(*delay, *loss),
            Conditions::Faulty(config) => **config,
        }
    }

    #[inline]
    fn delay(&self) -> DelayRange {
        match self {
            Conditions::Plain { delay, .. } => *delay,
            Conditions::Faulty(config) => config.delay,
        }
    }
}

/// A path between two hosts in one direction.
#[derive(Debug)]
pub(crate) struct Path {
    pub(crate) from: u32,
    pub(crate) to: u32,
    conditions: Conditions,
    /// True if the configuration was set for this path, and is not the one that its two hosts imply.
    is_set: bool,
    last_arrival: SimTime,
    /// Packets in flight, by lane, each lane in order.
    lanes: [PacketQueue; 3],
    /// Chances of a path without faults, from the first configuration on that leaves anything to chance.
    chances: Option<Box<Chances>>,
    /// State of the faults, from the first fault on.
    faults: Option<Box<Faults>>,
}

/// Chances of a path without faults, each with a random stream of its own.
#[derive(Debug)]
struct Chances {
    losses: RandomStream,
    delays: RandomStream,
}

/// State of a path's faults. Each chance has a random stream of its own, and draws from it only while its fault is on.
#[derive(Debug)]
struct Faults {
    burst: Burst,
    duplications: RandomStream,
    corruptions: RandomStream,
    reorderings: RandomStream,
}

impl Path {
    /// Returns the path between the hosts `from` and `to` in a run with `seed`.
    pub(crate) fn new(seed: u64, from: u32, to: u32, implied: PathConfig) -> Path {
        let mut path = Path {
            from,
            to,
            conditions: Conditions::new(implied),
            is_set: false,
            last_arrival: SimTime::ZERO,
            lanes: [PacketQueue::default(); 3],
            chances: None,
            faults: None,
        };
        path.prepare(seed);
        path
    }

    /// Creates the random streams that the configuration needs, unless there are some.
    fn prepare(&mut self, seed: u64) {
        let (from, to, config) = (self.from, self.to, self.config());
        if config.has_chances() {
            self.chances.get_or_insert_with(|| Box::new(Chances::new(seed, from, to)));
        }
        if config.has_faults() {
            self.faults.get_or_insert_with(|| Box::new(Faults::new(seed, from, to)));
        }
    }

    /// Returns true if the path is that of a host to itself, on which packets cross no link.
    #[inline]
    pub(crate) const fn is_loopback(&self) -> bool {
        self.from == self.to
    }

    /// Returns the packets of one lane.
    #[inline]
    pub(crate) fn lane(&self, lane: Lane) -> PacketQueue {
        self.lanes[lane as usize]
    }

    /// Returns the packets of one lane, to be changed.
    #[inline]
    pub(crate) fn lane_mut(&mut self, lane: Lane) -> &mut PacketQueue {
        &mut self.lanes[lane as usize]
    }

    /// Returns the configuration in force.
    pub(crate) fn config(&self) -> PathConfig {
        self.conditions.config()
    }

    /// Sets the configuration of this path, whatever its hosts imply. A change of the parameters of bursts begins in the good
    /// state.
    pub(crate) fn set(&mut self, seed: u64, config: PathConfig) {
        self.is_set = true;
        self.configure(seed, config);
    }

    fn configure(&mut self, seed: u64, config: PathConfig) {
        let loss_changes = self.config().loss != config.loss;
        self.conditions = Conditions::new(config);
        self.prepare(seed);
        if let Some(faults) = self.faults.as_mut().filter(|_| loss_changes && config.has_faults()) {
            faults.burst.restart();
        }
    }

    /// Returns the path to the configuration that its hosts imply.
    pub(crate) fn reset(&mut self, seed: u64, implied: PathConfig) {
        self.is_set = false;
        self.configure(seed, implied);
    }

    /// Follows a change of the hosts, unless the path has a configuration of its own.
    pub(crate) fn follow(&mut self, seed: u64, implied: PathConfig) {
        if !self.is_set {
            self.configure(seed, implied);
        }
    }

    /// Takes notice that of those in flight the last one arrives at `last` now, because later ones were removed or it leaves at another
    /// instant: no packet has to wait for what does not come then.
    pub(crate) fn ends_with(&mut self, last: Option<SimTime>) {
        self.last_arrival = last.unwrap_or(SimTime::ZERO);
    }

    /// Lets packets that leave the uplink from `leaves` on wait no longer for those in flight than the delay lasts, as when a route
    /// changes: nobody waits for a packet that a longer delay holds up. Those in flight keep their instants, and change to the lane
    /// of those that are overtaken.
    pub(crate) fn release(&mut self, store: &mut PacketStore, leaves: SimTime) {
        let latest = leaves + self.conditions.delay().max();
        if self.last_arrival > latest {
            self.last_arrival = latest;
            let [in_order, _, overtaken] = &mut self.lanes;
            store.merge(in_order, overtaken);
        }
    }

    /// Returns true if a packet that arrives at `at` does so before one in flight that has entered the path earlier.
    #[inline]
    pub(crate) fn is_ahead(&self, store: &PacketStore, lane: Lane, at: SimTime) -> bool {
        let ends_later = |lane| store.last(self.lane(lane)).is_some_and(|last| last.at > at);
        ends_later(Lane::Overtaken) || lane == Lane::Overtaking && ends_later(Lane::InOrder)
    }

    /// Returns the number of copies of the next packet that enter the path, or the cause of its loss. As in `netem_enqueue`, a
    /// packet that is duplicated and lost at once enters once.
    #[inline]
    pub(crate) fn admit(&mut self) -> Result<Copies, DropCause> {
        let is_duplicated = match (&self.conditions, &mut self.faults) {
            (Conditions::Faulty(config), _) if config.cut => return Err(DropCause::Cut),
            (Conditions::Faulty(config), Some(faults)) => faults.duplications.happens(config.duplicate),
            _ => false,
        };
        match (is_duplicated, self.loses()) {
            (false, true) => Err(DropCause::Loss),
            (true, false) => Ok(Copies::Two),
            _ => Ok(Copies::One),
        }
    }

    /// Returns true if the next packet is lost.
    #[inline]
    pub(crate) fn loses(&mut self) -> bool {
        let chance = match &self.conditions {
            Conditions::Plain { loss, .. } => *loss,
            Conditions::Faulty(config) => match (config.loss, &mut self.faults) {
                (Loss::Independent(chance), _) => chance,
                (Loss::Bursts(model), Some(faults)) => return faults.burst.loses(&model),
                (Loss::Bursts(_), None) => return false,
            },
        };
        self.chances.as_mut().is_some_and(|chances| chances.losses.happens(chance))
    }

    /// Passes a packet that left the uplink at `sent`.
    #[inline]
    pub(crate) fn pass(&mut self, sent: SimTime) -> Passage {
        let delay = self.conditions.delay();
        let mut is_corrupt = false;
        if let (Conditions::Faulty(config), Some(faults)) = (&self.conditions, &mut self.faults) {
            is_corrupt = faults.corruptions.happens(config.corrupt);
            if faults.reorderings.happens(config.reorder) {
                return Passage { at: sent, lane: Lane::Overtaking, is_corrupt };
            }
        }
        let delay = self.chances.as_mut().map_or(delay.min(), |chances| chances.delays.delay(delay));
        self.last_arrival = self.last_arrival.max(sent + delay);
        Passage { at: self.last_arrival, lane: Lane::InOrder, is_corrupt }
    }
}

impl Chances {
    fn new(seed: u64, from: u32, to: u32) -> Chances {
        let stream = |kind: &str| RandomStream::new(seed, &format!("{kind} {from}-{to}"));
        Chances { losses: stream("loss"), delays: stream("delay") }
    }
}

impl Faults {
    fn new(seed: u64, from: u32, to: u32) -> Faults {
        let stream = |kind: &str| RandomStream::new(seed, &format!("{kind} {from}-{to}"));
        Faults {
            burst: Burst::new(stream("burst")),
            duplications: stream("duplicate"),
            corruptions: stream("corrupt"),
            reorderings: stream("reorder"),
        }
    }
}

#[cfg(test)]
mod tests {
    use p2p_base::units::SimDuration;
    use proptest::prelude::*;

    use super::*;

    fn path(seed: u64, config: PathConfig) -> Path {
        let mut path = Path::new(seed, 0, 1, PathConfig::new(config.delay, Probability::NEVER));
        path.set(seed, config);
        path
    }

    fn base() -> PathConfig {
        PathConfig::new("5ms".parse().unwrap(), Probability::NEVER)
    }

    fn count(packets: usize, hits: impl FnMut(usize) -> bool) -> usize {
        (0..packets).map(hits).filter(|&hit| hit).count()
    }

    #[test]
    fn a_path_without_faults_and_chances_takes_little_room() {
        let plain = path(1, base());
        assert!(plain.chances.is_none() && plain.faults.is_none());
        let lossy = PathConfig::new(base().delay, Probability::from_percent(1));
        assert!(path(1, lossy).chances.is_some());
        assert_eq!(size_of::<Path>(), 88);
    }

    #[test]
    fn each_chance_comes_true_as_often_as_it_says() {
        let chance = Probability::from_percent(10);
        let mut path = path(3, PathConfig { duplicate: chance, corrupt: chance, reorder: chance, ..base() });
        let copies = count(10_000, |_| path.admit() == Ok(Copies::Two));
        let passages: Vec<Passage> = (0..10_000).map(|_| path.pass(SimTime::ZERO)).collect();
        let corrupt = passages.iter().filter(|passage| passage.is_corrupt).count();
        let is_early = |passage: &Passage| passage.lane == Lane::Overtaking;
        let early = passages.iter().filter(|passage| is_early(passage)).count();
        for (what, hits) in [("copies", copies), ("corrupt", corrupt), ("early", early)] {
            assert!((900..=1_100).contains(&hits), "{what}: {hits} of 10,000 at 10 %");
        }
        assert!(passages.iter().all(|passage| (passage.at == SimTime::ZERO) == is_early(passage)));
    }

    /// `netem_enqueue` counts one for the packet, one more for a copy and one less for a loss.
    #[test]
    fn a_packet_that_is_doubled_and_lost_arrives_once() {
        let always = Probability::ALWAYS;
        let mut doubled = path(1, PathConfig { duplicate: always, loss: Loss::Independent(always), ..base() });
        assert_eq!(doubled.admit(), Ok(Copies::One));
        let mut lost = path(1, PathConfig { loss: Loss::Independent(always), ..base() });
        assert_eq!(lost.admit(), Err(DropCause::Loss));
        let mut cut = path(1, PathConfig { duplicate: always, cut: true, ..base() });
        assert_eq!(cut.admit(), Err(DropCause::Cut));
    }

    /// A fault that is off draws nothing, and one that is on shifts no other's numbers.
    #[test]
    fn a_fault_shifts_no_other_chance() {
        let range: DelayRange = "1ms..10ms".parse().unwrap();
        let plain = PathConfig::new(range, Probability::from_percent(20));
        let faulty = PathConfig { duplicate: Probability::from_percent(30), corrupt: Probability::from_percent(30), ..plain };
        let run = |config: PathConfig, faults_end: usize| {
            let mut path = path(11, config);
            let mut sent = SimTime::ZERO;
            let outcome = |number| {
                if number == faults_end {
                    path.set(11, plain);
                }
                sent += SimDuration::from_secs(1);
                (path.loses(), path.pass(sent).at)
            };
            (0..500).map(outcome).collect::<Vec<_>>()
        };
        assert_eq!(run(plain, 0), run(faulty, 250));
    }

    #[test]
    fn new_parameters_of_bursts_begin_in_the_good_state() {
        let forever = GilbertElliott::simple(Probability::ALWAYS, Probability::NEVER);
        let mut path = path(1, PathConfig { loss: Loss::Bursts(forever), ..base() });
        assert_eq!([path.loses(), path.loses(), path.loses()], [false, true, true]);
        path.set(1, PathConfig { loss: Loss::Bursts(forever), corrupt: Probability::ALWAYS, ..base() });
        assert!(path.loses(), "the loss has not changed");
        let other = GilbertElliott::simple(Probability::NEVER, Probability::NEVER);
        path.set(1, PathConfig { loss: Loss::Bursts(other), ..base() });
        assert!(!path.loses());
    }

    proptest! {
        #[test]
        fn nothing_overtakes_by_jitter(gaps in proptest::collection::vec(0u64..20_000_000, 1..200), seed: u64) {
            let range: DelayRange = "1ms..10ms".parse().unwrap();
            let mut path = path(seed, PathConfig::new(range, Probability::from_percent(5)));
            let (mut sent, mut last) = (SimTime::ZERO, SimTime::ZERO);
            for gap in gaps {
                sent += SimDuration::from_nanos(gap);
                if !path.loses() {
                    let arrival = path.pass(sent).at;
                    prop_assert!(arrival >= last && arrival >= sent + range.min());
                    last = arrival;
                }
            }
        }
    }
}
