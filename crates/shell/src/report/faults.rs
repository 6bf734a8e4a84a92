//! Faults as the user has put them on, one for each act as far as that is known, and the faults of each host.

use std::collections::{BTreeMap, BTreeSet};

use p2p_base::units::count_of;
use p2p_engine::faults::{ActiveFault, Target};
use p2p_engine::snapshot::Peer;
use serde::{Serialize, Serializer};

use super::clock::{Resolution, instant_of};

/// Maximum number of faults that are shown one by one, where no list is asked for.
pub const SHOWN_MAX: usize = 20;

/// Faults that are told as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToldFault<'a> {
    /// A fault by itself.
    One(&'a ActiveFault),
    /// Both directions of a link or a path, of which this is the first.
    BothWays(&'a ActiveFault),
    /// All that a profile has put on, by its name.
    Profile(&'a str, Vec<&'a ActiveFault>),
}

impl<'a> ToldFault<'a> {
    /// Returns how faults, which are in the order of their targets, are told: what one profile has put on together, and both directions
    /// of a link or a path that one act has changed alike.
    pub fn all(faults: &'a [ActiveFault]) -> Vec<ToldFault<'a>> {
        ToldFault::of_those(faults, |_| true)
    }

    /// Returns how those faults are told that are meant, as [`ToldFault::all`] does. Where one direction of a path is meant, the other one
    /// is too.
    pub fn of_those(faults: &'a [ActiveFault], is_meant: impl Fn(Target) -> bool) -> Vec<ToldFault<'a>> {
        let mut profiles: BTreeMap<&str, Vec<&ActiveFault>> = BTreeMap::new();
        let mut told = Vec::new();
        for active in faults.iter().filter(|active| is_meant(active.fault.target())) {
            match of_one_profile(active) {
                Some(profile) => profiles.entry(profile).or_default().push(active),
                None => told.extend(ToldFault::of_directions(active, faults)),
            }
        }
        told.extend(profiles.into_iter().map(|(profile, parts)| match parts.as_slice() {
            [one] => ToldFault::One(one),
            _ => ToldFault::Profile(profile, parts),
        }));
        told
    }

    /// Returns how faults, which are in the order of their targets, are told whatever profiles have put them on.
    pub fn in_directions(faults: &'a [ActiveFault]) -> impl Iterator<Item = ToldFault<'a>> {
        faults.iter().filter_map(|active| ToldFault::of_directions(active, faults))
    }

    /// Returns how some faults are told, in their order: both directions of a link or a path once, where both are among them.
    pub fn among(faults: &[&'a ActiveFault]) -> Vec<ToldFault<'a>> {
        let other_of = |active: &ActiveFault| faults.iter().copied().find(|other| other.is_opposite_of(active));
        faults.iter().filter_map(|active| ToldFault::with_opposite(active, other_of(active))).collect()
    }

    /// Returns how a fault is told together with that of the other direction, if it is among all that are on.
    fn of_directions(active: &'a ActiveFault, all: &[ActiveFault]) -> Option<ToldFault<'a>> {
        let place = |target: Target| all.binary_search_by_key(&target, |active| active.fault.target()).ok();
        let other = active.fault.target().opposite().and_then(place).map(|place| &all[place]);
        ToldFault::with_opposite(active, other.filter(|other| other.is_opposite_of(active)))
    }

    /// Returns how a fault is told together with the same one of the other direction, if there is one; `None` if it is told with that.
    fn with_opposite(active: &'a ActiveFault, other: Option<&ActiveFault>) -> Option<ToldFault<'a>> {
        match other {
            None => Some(ToldFault::One(active)),
            Some(other) => (active.fault.target() < other.fault.target()).then_some(ToldFault::BothWays(active)),
        }
    }

    /// Returns the first part of the fault.
    pub fn first(&self) -> Option<&'a ActiveFault> {
        match self {
            ToldFault::One(active) | ToldFault::BothWays(active) => Some(active),
            ToldFault::Profile(_, parts) => parts.first().copied(),
        }
    }

    /// Returns the fault as a line, with the instant since which it is on and the command that takes it back.
    fn line(&self) -> String {
        let since = self.first().map(|active| active.since).unwrap_or_default();
        let (fault, undo) = self.in_words();
        format!("{fault} since {}, until `{undo}`", instant_of(since, Resolution::Millis))
    }

    /// Returns the fault in words and the command that takes it back. What a profile has put on is told by its name.
    pub fn in_words(&self) -> (String, String) {
        let alone = |active: &ActiveFault| (active.fault.to_string(), active.fault.undone_by());
        match self {
            ToldFault::One(active) => alone(active),
            ToldFault::BothWays(active) => active.fault.both_ways().unwrap_or_else(|| alone(active)),
            ToldFault::Profile(profile, parts) => {
                let hosts = parts.iter().flat_map(|active| active.fault.target().hosts()).collect();
                (parts_of_profile(profile, &hosts, parts.len() as u64), format!("faults clear {profile}"))
            }
        }
    }
}

/// Returns so many parts of a profile on some hosts, as in `slow-wan on 5 nodes (15 parts)`.
pub fn parts_of_profile(profile: &str, hosts: &BTreeSet<Peer>, parts: u64) -> String {
    let on = match (hosts.len(), hosts.first()) {
        (1, Some(host)) => host.to_string(),
        (count, _) => count_of(count as u64, "node"),
    };
    format!("{profile} on {on} ({})", count_of(parts, "part"))
}

/// Returns the profile that has put a fault on, if nobody else has added to it.
fn of_one_profile(active: &ActiveFault) -> Option<&str> {
    let profile = active.cause.profile()?;
    active.causes().all(|cause| cause.profile() == Some(profile)).then_some(profile)
}

/// Faults that are on of a host: of its process, its disk, its links and its paths.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostFaults(Vec<ActiveFault>);

impl HostFaults {
    /// Returns the faults of each host that has some. A fault of a path is one of both its hosts.
    pub fn of_each(faults: &[ActiveFault]) -> BTreeMap<Peer, HostFaults> {
        let mut of_each: BTreeMap<Peer, HostFaults> = BTreeMap::new();
        for active in faults {
            for host in active.fault.target().hosts() {
                of_each.entry(host).or_default().0.push(active.clone());
            }
        }
        of_each
    }

    /// Returns the faults of one host.
    pub fn of(faults: Vec<ActiveFault>, host: Peer) -> HostFaults {
        HostFaults(faults.into_iter().filter(|active| active.fault.target().hosts().any(|of| of == host)).collect())
    }

    /// Returns true if no fault is on.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the kinds of the faults in one line, as in `killed, disk, 4 × path`.
    pub fn kinds(&self) -> String {
        let mut counts: Vec<(&str, usize)> = Vec::new();
        let names = ToldFault::in_directions(&self.0).map(|told| told.first().map_or("", |active| active.fault.name()));
        for kind in names {
            match counts.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, count)) => *count += 1,
                None => counts.push((kind, 1)),
            }
        }
        let words =
            counts.into_iter().map(|(kind, count)| if count == 1 { kind.to_owned() } else { format!("{count} × {kind}") });
        words.collect::<Vec<_>>().join(", ")
    }

    /// Returns the faults in words, each with the instant since which it is on and the command that takes it back. Of many the first
    /// are shown, and how many there are beside them.
    pub fn lines(&self) -> Vec<String> {
        let told: Vec<ToldFault<'_>> = ToldFault::in_directions(&self.0).collect();
        let mut lines: Vec<String> = told.iter().take(SHOWN_MAX).map(ToldFault::line).collect();
        if let Some(left) = told.len().checked_sub(SHOWN_MAX + 1) {
            lines.push(format!("and {} more; `faults --parts` lists all", left + 1));
        }
        lines
    }
}

/// Serializes the faults as sentences.
impl Serialize for HostFaults {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|active| active.fault.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use p2p_base::units::SimTime;
    use p2p_engine::faults::{Fault, FaultCause};
    use p2p_store::manifest::NodeNumber;

    use super::*;

    fn on(fault: Fault) -> ActiveFault {
        ActiveFault { fault, since: SimTime::ZERO, cause: FaultCause::Over, added: Vec::new(), rules: Vec::new() }
    }

    /// As [`ToldFault::in_directions`] does, whatever the order, and never with a fault that is not among them.
    #[test]
    fn what_both_directions_have_in_common_is_told_once() {
        let (client, node) = (Peer::Client, Peer::Node(NodeNumber::from_index(0)));
        let (to, from) = (on(Fault::Cut { from: client, to: node }), on(Fault::Cut { from: node, to: client }));
        assert_eq!(ToldFault::among(&[&from, &to]), [ToldFault::BothWays(&to)]);
        assert_eq!(ToldFault::among(&[&to]), [ToldFault::One(&to)]);
        let later = ActiveFault { since: SimTime::from_nanos(1), ..to.clone() };
        assert_eq!(ToldFault::among(&[&later, &from]), [ToldFault::One(&later), ToldFault::One(&from)]);
    }

    #[test]
    fn a_path_is_one_of_both_its_hosts_and_many_faults_are_counted() {
        let node = NodeNumber::from_index;
        let cut = |to| on(Fault::Cut { from: Peer::Node(node(0)), to: Peer::Node(node(to)) });
        let all: Vec<ActiveFault> = (1..=25).map(cut).chain([on(Fault::Killed { node: node(0) })]).collect();
        let of_each = HostFaults::of_each(&all);
        assert_eq!((of_each.len(), of_each[&Peer::Node(node(0))].kinds().as_str()), (26, "25 × cut, killed"));
        let lines = of_each[&Peer::Node(node(0))].lines();
        assert_eq!((lines.len(), lines[20].as_str()), (21, "and 6 more; `faults --parts` lists all"));
        let other = &of_each[&Peer::Node(node(7))];
        assert_eq!(other.lines(), ["the path Node_01->Node_08 is cut since 00:00.000, until `heal Node_01->Node_08`"]);
        assert_eq!(serde_json::to_string(other).unwrap(), r#"["the path Node_01->Node_08 is cut"]"#);
    }
}
