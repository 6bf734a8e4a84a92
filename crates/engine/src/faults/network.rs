//! Faults of links and paths: what is changed, and what it comes to.

use std::fmt;

use p2p_base::units::{Bandwidth, DelayRange, Probability, SimDuration};
use p2p_net::{GilbertElliott, LinkConfig, Loss, PathConfig};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Longest delay that a path may be given: twice the time that a request waits for a sign of progress by default. What is under way when
/// the delay is taken back keeps its instant, so that the delay outlasts that by its own length.
pub const DELAY_MAX: SimDuration = SimDuration::from_secs(60);

/// Lowest bandwidth that a link may be given. What has been queued is sent at the rate of its time, so that a lower one would outlast
/// its being taken back by more than a few minutes.
pub const BANDWIDTH_MIN: Bandwidth = Bandwidth::from_bits_per_second(8 * 1024);

/// Changes of one direction of a host's access link; what is `None` stays as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LinkChange {
    /// Bandwidth of the link.
    pub bandwidth: Option<Bandwidth>,
    /// Maximum number of waiting packets.
    pub queue_packets: Option<u32>,
}

impl LinkChange {
    /// Returns true if nothing is changed.
    pub fn is_none(&self) -> bool {
        *self == LinkChange::default()
    }

    /// Returns these changes together with further ones, of which the newer hold.
    #[must_use]
    pub fn with(self, more: LinkChange) -> LinkChange {
        LinkChange { bandwidth: more.bandwidth.or(self.bandwidth), queue_packets: more.queue_packets.or(self.queue_packets) }
    }

    /// Returns true if fewer packets pass the changed link than one that is configured so, or pass it later.
    pub(crate) fn is_worse_than(self, link: LinkConfig) -> bool {
        let LinkConfig { bandwidth, queue_packets } = self.applied(link);
        bandwidth < link.bandwidth || queue_packets < link.queue_packets
    }

    /// Returns what a link becomes.
    pub fn applied(self, link: LinkConfig) -> LinkConfig {
        LinkConfig {
            bandwidth: self.bandwidth.unwrap_or(link.bandwidth),
            queue_packets: self.queue_packets.unwrap_or(link.queue_packets),
        }
    }
}

impl fmt::Display for LinkChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        words.extend(self.bandwidth.map(|bandwidth| bandwidth.to_string()));
        let queue = |packets| format!("a queue of {packets} {}", if packets == 1 { "packet" } else { "packets" });
        words.extend(self.queue_packets.map(queue));
        f.write_str(&words.join(", "))
    }
}

/// Changes of a path in one direction; what is `None` stays as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
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

    /// Returns true if no packet passes.
    pub fn loses_all(&self) -> bool {
        self.loss.is_some_and(|loss| loss.mean() == Probability::ALWAYS)
    }

    /// Returns true if fewer packets pass the changed path than one that is configured so, or pass it later or out of order.
    pub(crate) fn is_worse_than(self, path: PathConfig) -> bool {
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

/// Text that is no description of bursts.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` says no bursts: they are P,R or P,R,1-H or P,R,1-H,1-K as in tc-netem(8), such as 1%,25%")]
pub struct BurstsError(String);

/// Parses loss in bursts, as in `1%,25%`: the probabilities with which a packet takes the path from the good state to the bad one, and
/// back, and those with which it is lost in the bad and in the good state (100 % and 0 % unless they are given).
///
/// # Errors
/// Returns [`BurstsError`] if the text has another form.
pub fn parse_bursts(text: &str) -> Result<Loss, BurstsError> {
    let chances: Result<Vec<Probability>, _> = text.split(',').map(str::parse).collect();
    let bursts = match chances.as_deref() {
        Ok(&[p, r]) => GilbertElliott::simple(p, r),
        Ok(&[p, r, loss_in_bad]) => GilbertElliott { loss_in_bad, ..GilbertElliott::simple(p, r) },
        Ok(&[p, r, loss_in_bad, loss_in_good]) => GilbertElliott { p, r, loss_in_bad, loss_in_good },
        _ => return Err(BurstsError(text.to_owned())),
    };
    Ok(Loss::Bursts(bursts))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn chance(text: &str) -> Probability {
        text.parse().unwrap()
    }

    #[test]
    fn changes_come_to_what_is_there_already() {
        let base = PathConfig::new("5ms".parse().unwrap(), chance("1%"));
        let first =
            PathChange { loss: Some(Loss::Independent(chance("7%"))), duplicate: Some(chance("2%")), ..PathChange::default() };
        let both = first.with(PathChange { duplicate: Some(chance("3%")), ..PathChange::default() });
        let expected = PathConfig { loss: Loss::Independent(chance("7%")), duplicate: chance("3%"), ..base };
        assert_eq!((both.applied(base), PathChange::default().applied(base)), (expected, base));
        assert_eq!(both.to_string(), "loss 7%, 3% duplicated");
        let link = LinkConfig { bandwidth: "1Mbit/s".parse().unwrap(), queue_packets: 100 };
        let change = LinkChange { queue_packets: Some(5), ..LinkChange::default() };
        assert_eq!(change.applied(link), LinkConfig { queue_packets: 5, ..link });
        let both = change.with(LinkChange { bandwidth: "8kbit/s".parse().ok(), queue_packets: None });
        assert_eq!((both.to_string().as_str(), both.queue_packets), ("8kbit/s, a queue of 5 packets", Some(5)));
        assert!(LinkChange::default().is_none() && !both.is_none());
    }

    /// The mean loss is what the parameters give: p/(p+r) of the packets meet the bad state.
    #[test]
    fn bursts_show_their_mean_loss() {
        let said = |bursts| PathChange { loss: Some(Loss::Bursts(bursts)), ..PathChange::default() }.to_string();
        let simple = GilbertElliott::simple(chance("1%"), chance("25%"));
        assert_eq!(said(simple), "loss in bursts 1%,25% (3.85 % on average, 4.0 packets long)");
        let whole = GilbertElliott { loss_in_bad: chance("80%"), loss_in_good: chance("1%"), ..simple };
        assert_eq!(said(whole), "loss in bursts 1%,25%,80%,1% (4.04 % on average, within 4.0 packets)");
        let endless = GilbertElliott { r: Probability::NEVER, loss_in_bad: chance("50%"), ..simple };
        assert_eq!(said(endless), "loss in bursts 1%,0%,50% (50.00 % on average, without end)");
        for (text, bursts) in [("1%,25%", simple), ("1%,25%,80%,1%", whole), ("1%, 0%, 50%", endless)] {
            assert_eq!(parse_bursts(text), Ok(Loss::Bursts(bursts)));
        }
        for wrong in ["", "1%", "1%,2%,3%,4%,5%", "x,1%"] {
            assert!(parse_bursts(wrong).unwrap_err().to_string().contains("tc-netem(8)"), "{wrong}");
        }
    }
}
