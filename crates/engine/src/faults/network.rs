//! Faults of links and paths: what is changed, and what it comes to.

use std::fmt;

use p2p_base::units::{Bandwidth, Probability, count_of};
use p2p_net::{GilbertElliott, LinkConfig, Loss, PathChange};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::bounds::{BANDWIDTH_MIN, DELAY_MAX};
use super::refusal::FaultError;

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

    /// Returns what is left of these changes beneath newer ones: what the newer say nothing about.
    #[must_use]
    pub(super) fn beneath(self, newer: LinkChange) -> LinkChange {
        LinkChange {
            bandwidth: self.bandwidth.filter(|_| newer.bandwidth.is_none()),
            queue_packets: self.queue_packets.filter(|_| newer.queue_packets.is_none()),
        }
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
        words.extend(self.bandwidth.map(Bandwidth::human));
        let queue = |packets: u32| format!("a queue of {}", count_of(packets.into(), "packet"));
        words.extend(self.queue_packets.map(queue));
        f.write_str(&words.join(", "))
    }
}

/// Refuses a change of a link that would outlast its being taken back by more than anyone waits, or let nothing pass.
pub(crate) fn check_link(change: LinkChange) -> Result<(), FaultError> {
    if change.bandwidth.is_some_and(|bandwidth| bandwidth < BANDWIDTH_MIN) {
        return Err(FaultError::Bandwidth);
    }
    if change.queue_packets == Some(0) { Err(FaultError::Queue) } else { Ok(()) }
}

/// Refuses a change of a path that would outlast its being taken back by more than anyone waits.
pub(crate) fn check_path(change: PathChange) -> Result<(), FaultError> {
    if change.delay.is_some_and(|delay| delay.max() > DELAY_MAX) { Err(FaultError::Delay) } else { Ok(()) }
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

#[cfg(test)]
mod tests {
    use p2p_net::PathConfig;

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
        assert_eq!((both.to_string().as_str(), both.queue_packets), ("8 kbit/s, a queue of 5 packets", Some(5)));
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
