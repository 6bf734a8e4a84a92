//! Changes of paths: what is to be different from what the hosts imply, of one path or of all paths of a host.

use std::fmt;

use p2p_base::units::{DelayRange, Probability};

use super::path::{Loss, PathConfig};

/// Changes of a path in one direction; what is `None` stays as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PathChange {
    /// Propagation delay.
    pub delay: Option<DelayRange>,
    /// Loss of packets, each by itself or in bursts.
    pub loss: Option<Loss>,
    /// Probability that a packet arrives twice.
    pub duplicate: Option<Probability>,
    /// Probability that a bit of a packet is changed, which its checksum reveals.
    pub corrupt: Option<Probability>,
    /// Probability that a packet overtakes those that are delayed.
    pub reorder: Option<Probability>,
}

impl PathChange {
    /// Returns true if nothing is changed.
    pub fn is_none(&self) -> bool {
        *self == PathChange::default()
    }

    /// Returns these changes together with further ones, of which the newer hold.
    #[must_use]
    pub fn with(self, more: PathChange) -> PathChange {
        PathChange {
            delay: more.delay.or(self.delay),
            loss: more.loss.or(self.loss),
            duplicate: more.duplicate.or(self.duplicate),
            corrupt: more.corrupt.or(self.corrupt),
            reorder: more.reorder.or(self.reorder),
        }
    }

    /// Returns what is left of these changes beneath newer ones: what the newer say nothing about.
    #[must_use]
    pub fn beneath(self, newer: PathChange) -> PathChange {
        PathChange {
            delay: self.delay.filter(|_| newer.delay.is_none()),
            loss: self.loss.filter(|_| newer.loss.is_none()),
            duplicate: self.duplicate.filter(|_| newer.duplicate.is_none()),
            corrupt: self.corrupt.filter(|_| newer.corrupt.is_none()),
            reorder: self.reorder.filter(|_| newer.reorder.is_none()),
        }
    }

    /// Returns true if no packet passes.
    pub fn loses_all(&self) -> bool {
        self.loss.is_some_and(|loss| loss.mean() == Probability::ALWAYS)
    }

    /// Returns true if fewer packets pass the changed path than one that is configured so, or pass it later or out of order.
    pub fn is_worse_than(self, path: PathConfig) -> bool {
        let changed = self.applied(path);
        let more = [(changed.corrupt, path.corrupt), (changed.reorder, path.reorder), (changed.loss.mean(), path.loss.mean())];
        let is_bursty = matches!(changed.loss, Loss::Bursts(_)) && changed.loss != path.loss;
        changed.delay.max() > path.delay.max() || is_bursty || more.iter().any(|(changed, before)| changed > before)
    }

    /// Returns what a path becomes.
    pub fn applied(self, path: PathConfig) -> PathConfig {
        PathConfig {
            delay: self.delay.unwrap_or(path.delay),
            loss: self.loss.unwrap_or(path.loss),
            duplicate: self.duplicate.unwrap_or(path.duplicate),
            corrupt: self.corrupt.unwrap_or(path.corrupt),
            reorder: self.reorder.unwrap_or(path.reorder),
            cut: path.cut,
        }
    }
}

/// Change of all paths from and to a host, with its place among all such changes of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathRule {
    /// Number of the rule: of what the rules of both hosts of a path say of the same thing, that with the greater number holds.
    pub order: u64,
    /// Change of the paths.
    pub change: PathChange,
}

impl PathRule {
    /// Returns what the rules of both hosts of a path say together: of each thing what the latest says.
    pub fn together(rules: impl IntoIterator<Item = PathRule>) -> PathChange {
        let mut rules: Vec<PathRule> = rules.into_iter().collect();
        rules.sort_by_key(|rule| rule.order);
        rules.into_iter().fold(PathChange::default(), |all, rule| all.with(rule.change))
    }
}

/// Formats the changes as in `delay 50ms, loss in bursts 1%,25% (3.85 % on average, 4.0 packets long), 1% duplicated`.
impl fmt::Display for PathChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        words.extend(self.delay.map(|delay| format!("delay {delay}")));
        words.extend(self.loss.map(loss_in_words));
        for (chance, what) in [(self.duplicate, "duplicated"), (self.corrupt, "corrupted"), (self.reorder, "reordered")] {
            words.extend(chance.map(|chance| format!("{chance} {what}")));
        }
        f.write_str(&words.join(", "))
    }
}

/// Describes the loss on a path; of bursts with the mean loss that their parameters give, and with
/// their mean length, which is that of the bad state: where packets pass in it too, fewer than so many are lost in a row.
fn loss_in_words(loss: Loss) -> String {
    let Loss::Bursts(bursts) = loss else { return format!("loss {}", loss.mean()) };
    let mut parameters = vec![bursts.p, bursts.r, bursts.loss_in_bad, bursts.loss_in_good];
    let usual = [Probability::ALWAYS, Probability::NEVER];
    while parameters.len() > 2 && parameters.last() == Some(&usual[parameters.len() - 3]) {
        parameters.pop();
    }
    let parameters: Vec<String> = parameters.iter().map(ToString::to_string).collect();
    let mean = 100.0 * loss.mean().as_f64();
    let length = match bursts.mean_burst() {
        None => "without end".to_owned(),
        Some(packets) if bursts.loss_in_bad == Probability::ALWAYS => format!("{packets:.1} packets long"),
        Some(packets) => format!("within {packets:.1} packets"),
    };
    format!("loss in bursts {} ({mean:.2} % on average, {length})", parameters.join(","))
}
