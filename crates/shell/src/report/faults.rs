//! The faults of each host, for the reports on nodes and hosts.

use std::collections::BTreeMap;

use p2p_engine::faults::ActiveFault;
use p2p_engine::snapshot::Peer;
use serde::{Serialize, Serializer};

use super::tables::seconds_of;

/// Maximum number of faults of one host that are shown one by one.
const SHOWN_MAX: usize = 20;

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
        for kind in self.0.iter().map(|active| active.fault.name()) {
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
        let line = |active: &ActiveFault| {
            let since = seconds_of(active.since.as_secs_f64());
            format!("{} since {since}, until `{}`", active.fault, active.fault.undone_by())
        };
        let mut lines: Vec<String> = self.0.iter().take(SHOWN_MAX).map(line).collect();
        if let Some(left) = self.0.len().checked_sub(SHOWN_MAX + 1) {
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

    #[test]
    fn a_path_is_one_of_both_its_hosts_and_many_faults_are_counted() {
        let on =
            |fault| ActiveFault { fault, since: SimTime::ZERO, cause: FaultCause::Over, added: Vec::new(), rules: Vec::new() };
        let node = NodeNumber::from_index;
        let cut = |to| on(Fault::Cut { from: Peer::Node(node(0)), to: Peer::Node(node(to)) });
        let all: Vec<ActiveFault> = (1..=25).map(cut).chain([on(Fault::Killed { node: node(0) })]).collect();
        let of_each = HostFaults::of_each(&all);
        assert_eq!((of_each.len(), of_each[&Peer::Node(node(0))].kinds().as_str()), (26, "25 × cut, killed"));
        let lines = of_each[&Peer::Node(node(0))].lines();
        assert_eq!((lines.len(), lines[20].as_str()), (21, "and 6 more; `faults --parts` lists all"));
        let other = &of_each[&Peer::Node(node(7))];
        assert_eq!(other.lines(), ["the path Node_01->Node_08 is cut since 0.000 s, until `heal Node_01->Node_08`"]);
        assert_eq!(serde_json::to_string(other).unwrap(), r#"["the path Node_01->Node_08 is cut"]"#);
    }
}
