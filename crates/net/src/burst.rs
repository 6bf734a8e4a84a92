//! Loss in bursts: the two-state Markov model of Gilbert (1960) and Elliott (1963), with the parameters that `tc netem loss
//! gemodel` takes.
//!
//! A path is in a good or in a bad state, in each of which a packet is lost with a probability of its own. Packets move the
//! chain, not time: a pause does not end a burst.

use p2p_base::random::RandomStream;
use p2p_base::units::Probability;

/// Parameters of the Gilbert-Elliott model, named as in tc-netem(8): p, r, 1-h and 1-k.
///
/// ```
/// use p2p_net::GilbertElliott;
///
/// // `tc qdisc add dev eth0 root netem loss gemodel 1% 25%`
/// let bursts = GilbertElliott::simple("1%".parse()?, "25%".parse()?);
/// assert_eq!(bursts.mean_loss().to_string(), "3.8461538%");
/// assert_eq!(bursts.mean_burst(), Some(4.0));
/// # Ok::<(), p2p_base::units::ParseUnitError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GilbertElliott {
    /// p: probability that a packet takes the path from the good state to the bad one.
    pub p: Probability,
    /// r: probability that a packet takes the path from the bad state to the good one.
    pub r: Probability,
    /// 1-h: probability that a packet is lost in the bad state.
    pub loss_in_bad: Probability,
    /// 1-k: probability that a packet is lost in the good state.
    pub loss_in_good: Probability,
}

impl GilbertElliott {
    /// Returns the Simple Gilbert model, in which every packet of the bad state is lost and none of the good one: the defaults
    /// of tc-netem(8) where only p and r are given.
    pub const fn simple(p: Probability, r: Probability) -> GilbertElliott {
        GilbertElliott { p, r, loss_in_bad: Probability::ALWAYS, loss_in_good: Probability::NEVER }
    }

    /// Returns the share of packets that are lost in the long run: r/(p+r) of them meet the good state and p/(p+r) the bad one.
    /// A chain that never changes its state remains in the good one, in which it begins.
    pub fn mean_loss(&self) -> Probability {
        let (p, r) = (u128::from(self.p.billionths()), u128::from(self.r.billionths()));
        if p + r == 0 {
            return self.loss_in_good;
        }
        let weighted = p * u128::from(self.loss_in_bad.billionths()) + r * u128::from(self.loss_in_good.billionths());
        Probability::from_billionths(u32::try_from((weighted + (p + r) / 2) / (p + r)).unwrap_or(u32::MAX))
    }

    /// Returns the mean number of successive packets that meet the bad state, 1/r, which is the mean length of a burst of losses
    /// if every packet of that state is lost; `None` if the bad state has no end.
    pub fn mean_burst(&self) -> Option<f64> {
        (self.r != Probability::NEVER).then(|| 1.0 / self.r.as_f64())
    }
}

/// State of the chain on one path.
#[derive(Debug)]
pub(crate) struct Burst {
    is_bad: bool,
    chances: RandomStream,
}

impl Burst {
    /// Returns a chain in the good state.
    pub(crate) fn new(chances: RandomStream) -> Burst {
        Burst { is_bad: false, chances }
    }

    /// Returns the chain to the good state, in which every configuration begins (`get_loss_clg` of Linux's `sch_netem.c`).
    pub(crate) fn restart(&mut self) {
        self.is_bad = false;
    }

    /// Passes one packet and returns true if it is lost. As in Linux's `loss_gilb_ell`, the packet meets the state that its
    /// predecessor left, and then moves the chain.
    pub(crate) fn loses(&mut self, model: &GilbertElliott) -> bool {
        let (leaves, loss) = if self.is_bad { (model.r, model.loss_in_bad) } else { (model.p, model.loss_in_good) };
        self.is_bad ^= self.chances.happens(leaves);
        self.chances.happens(loss)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PACKETS: usize = 400_000;

    fn model(p: &str, r: &str, loss_in_bad: &str, loss_in_good: &str) -> GilbertElliott {
        let parsed = |text: &str| text.parse().unwrap();
        GilbertElliott { p: parsed(p), r: parsed(r), loss_in_bad: parsed(loss_in_bad), loss_in_good: parsed(loss_in_good) }
    }

    /// The outcome of many packets in turn: true for a lost one.
    fn losses(model: &GilbertElliott, seed: u64) -> Vec<bool> {
        let mut burst = Burst::new(RandomStream::new(seed, "burst"));
        (0..PACKETS).map(|_| burst.loses(model)).collect()
    }

    fn share(losses: &[bool]) -> f64 {
        losses.iter().filter(|&&lost| lost).count() as f64 / losses.len() as f64
    }

    /// The four models that tc-netem(8) names: Bernoulli (r = 1-p), Simple Gilbert, Gilbert and Gilbert-Elliott.
    #[test]
    fn the_mean_loss_is_the_one_that_the_parameters_give() {
        for (parameters, mean) in [
            (["3%", "97%", "100%", "0%"], 0.03),
            (["1%", "25%", "100%", "0%"], 0.01 / 0.26),
            (["1%", "10%", "70%", "0%"], 0.7 * 0.01 / 0.11),
            (["2%", "10%", "80%", "1%"], (0.8 * 0.02 + 0.01 * 0.10) / 0.12),
        ] {
            let [p, r, loss_in_bad, loss_in_good] = parameters;
            let model = model(p, r, loss_in_bad, loss_in_good);
            assert!((model.mean_loss().as_f64() - mean).abs() < 1e-9, "{parameters:?}: {}", model.mean_loss());
            let measured = share(&losses(&model, 5));
            assert!((measured / mean - 1.0).abs() < 0.05, "{parameters:?}: {measured} for {mean}");
        }
    }

    #[test]
    fn a_burst_lasts_as_long_as_the_bad_state() {
        let model = GilbertElliott::simple("1%".parse().unwrap(), "25%".parse().unwrap());
        let outcome = losses(&model, 9);
        let bursts: Vec<usize> = outcome.split(|&lost| !lost).map(<[bool]>::len).filter(|&len| len > 0).collect();
        let mean = bursts.iter().sum::<usize>() as f64 / bursts.len() as f64;
        assert!((mean - 4.0).abs() < 0.15, "{mean} packets");
        // Lengths are geometric: a quarter of the bursts is one packet long, three quarters of the rest are longer than two.
        let single = bursts.iter().filter(|&&len| len == 1).count() as f64 / bursts.len() as f64;
        assert!((single - 0.25).abs() < 0.03, "{single}");
    }

    #[test]
    fn a_chain_without_transitions_stays_good() {
        let model = model("0%", "0%", "100%", "0%");
        assert_eq!((model.mean_loss(), model.mean_burst()), (Probability::NEVER, None));
        assert_eq!(share(&losses(&model, 1)), 0.0);
    }

    proptest! {
        #[test]
        fn the_mean_lies_between_the_losses_of_the_two_states(
            p in 0u32..=1_000_000_000, r in 0u32..=1_000_000_000, bad in 0u32..=1_000_000_000, good in 0u32..=1_000_000_000,
        ) {
            let [p, r, loss_in_bad, loss_in_good] = [p, r, bad, good].map(Probability::from_billionths);
            let mean = GilbertElliott { p, r, loss_in_bad, loss_in_good }.mean_loss();
            prop_assert!(mean >= loss_in_bad.min(loss_in_good) && mean <= loss_in_bad.max(loss_in_good));
        }
    }
}
