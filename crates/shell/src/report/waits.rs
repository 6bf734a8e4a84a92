//! What a transfer waits for, in words: the nodes out of reach that have to answer before it can be completed, or that are replaced by
//! others after a time.

use p2p_base::units::{SimDuration, SimTime, count_of};
use p2p_engine::transfer::{Absence, Awaited, Replacement, TransferStatus};
use p2p_store::manifest::NodeNumber;

use super::clock::whole_clock_of;

/// Beginning of the shortest wording of what a transfer waits for.
pub(super) const FOR: &str = "for ";

/// Formats the time since an instant in whole seconds, as in `00:12`.
pub fn past_of(since: SimTime, now: SimTime) -> String {
    whole_clock_of((now.since(since).as_nanos() / 1_000_000_000) as f64)
}

/// Returns since when and why a node is out of reach, as in `cut off 00:12 ago`.
pub fn absence_of(awaited: &Awaited, now: SimTime) -> String {
    let past = past_of(awaited.since, now);
    match awaited.why {
        Absence::CutOff => format!("cut off {past} ago"),
        Absence::Killed => format!("killed {past} ago"),
        Absence::Stopped => format!("stopped {past} ago"),
        Absence::Refusing => format!("refusing connections for {past}"),
        Absence::Silent => format!("silent for {past}"),
    }
}

/// Returns when another node replaces one, as in `other node in 00:18`, and `other node in the commit` where that begins then.
fn replacement_of(from: Option<SimTime>, now: SimTime) -> String {
    match from {
        // The second that has begun counts, so that the time is not over before it is.
        Some(from) => format!("other node in {}", past_of(now, from.max(now) + SimDuration::from_nanos(999_999_999))),
        None => "other node in the commit".into(),
    }
}

/// Returns which nodes are waited for and why, as in `waits for Node_03, cut off 00:12 ago; 2 nodes, killed 00:05 ago`. Nodes with the
/// same reason are named together; without any, there is nothing to say.
fn waits_for(verb: &str, nodes: &[(NodeNumber, String)]) -> Option<String> {
    let mut reasons: Vec<(&String, Vec<NodeNumber>)> = Vec::new();
    for &(node, ref why) in nodes {
        match reasons.iter_mut().find(|(known, _)| known == &why) {
            Some((_, nodes)) => nodes.push(node),
            None => reasons.push((why, vec![node])),
        }
    }
    let told = |(why, nodes): &(&String, Vec<NodeNumber>)| format!("{}, {why}", named(nodes));
    (!reasons.is_empty()).then(|| format!("{verb} {}", reasons.iter().map(told).collect::<Vec<_>>().join("; ")))
}

/// Returns what a transfer waits for that is out of reach, in each wording that is shorter than the one before: with the reason, without
/// it, and without the verb.
pub(super) fn wordings(status: &TransferStatus, now: SimTime) -> Vec<String> {
    let nodes = status.awaited.iter().map(|awaited| (awaited.node, absence_of(awaited, now)));
    waits_for_within(nodes, (&status.replaced, status.goes_on_without()), now)
}

/// Returns for which nodes something waits and why, and when others replace those that are `replaced`; and the same in each wording that is
/// shorter than the one before: without the reasons, and without the verb. Without any nodes, there is nothing to say. A transfer that `goes_on`
/// with other nodes is without these, and does not wait for them.
pub(super) fn waits_for_within(
    nodes: impl IntoIterator<Item = (NodeNumber, String)>,
    (replaced, goes_on): (&[Replacement], bool),
    now: SimTime,
) -> Vec<String> {
    let all: Vec<(NodeNumber, String)> = nodes.into_iter().collect();
    let nodes: Vec<NodeNumber> = all.iter().map(|(node, _)| *node).collect();
    let from = |node: NodeNumber| replaced.iter().find(|other| other.node == node).map(|other| other.from);
    let told = |(node, why): (NodeNumber, String)| match from(node) {
        Some(from) => (node, format!("{why}, an{}", replacement_of(from, now))),
        None => (node, why),
    };
    let is_without = goes_on && nodes.iter().all(|&node| from(node).is_some());
    let (verb, short) = if is_without { ("without ", "without ") } else { ("waits for ", FOR) };
    let Some(whole) = waits_for(verb.trim_end(), &all.into_iter().map(told).collect::<Vec<_>>()) else { return Vec::new() };
    let names = named(&nodes);
    // All of them are replaced at the last of these instants.
    let last =
        nodes.iter().map(|&node| from(node)).collect::<Option<Vec<_>>>().map(|all| all.into_iter().collect::<Option<Vec<_>>>());
    match last.map(|all| replacement_of(all.and_then(|all| all.into_iter().max()), now)) {
        Some(other) => vec![whole, format!("{names}: an{other}"), other, format!("{short}{names}")],
        None => vec![whole, format!("waits for {names}"), format!("{FOR}{names}")],
    }
}

/// Returns which nodes slow something, and why, in each wording that is shorter than the one before: with the reasons, and without them.
pub(super) fn slowed_by(nodes: &[(NodeNumber, String)]) -> Vec<String> {
    let Some(whole) = waits_for("slowed by", nodes) else { return Vec::new() };
    vec![whole, format!("slowed by {}", named(&nodes.iter().map(|(node, _)| *node).collect::<Vec<_>>()))]
}

/// Returns the wordings of what is waited for, with what slows it behind the longest one; what is slowed and waits for nothing has the wordings of that.
pub(super) fn behind_waits(waits: Vec<String>, slowed: Vec<String>) -> Vec<String> {
    match (waits.first(), slowed.first()) {
        (Some(waited), Some(slow)) => std::iter::once(format!("{waited}; {slow}")).chain(waits.iter().cloned()).collect(),
        (None, _) => slowed,
        (_, None) => waits,
    }
}

/// Returns which nodes have still to delete segments, in each wording that is shorter than the one before: with what is ahead of them,
/// without it, and without the rest.
pub(super) fn deletion(node: NodeNumber, others: u32, is_behind: bool) -> Vec<String> {
    let nodes = if others == 0 { node.to_string() } else { count_of(u64::from(others) + 1, "node") };
    let whole = format!("waits for {nodes} to delete");
    let behind = is_behind.then(|| format!("{whole}, behind others"));
    behind.into_iter().chain([whole, format!("for {nodes}")]).collect()
}

fn named(nodes: &[NodeNumber]) -> String {
    match nodes {
        [node] => node.to_string(),
        nodes => count_of(nodes.len() as u64, "node"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_with_the_same_reason_are_named_together() {
        let at = |seconds: u64| SimTime::ZERO + SimDuration::from_millis(seconds * 1_000);
        let awaited = |index, why, since| Awaited { node: NodeNumber::from_index(index), why, since: at(since) };
        let reason = |one: &Awaited| (one.node, absence_of(one, at(20)));
        let told = |all: &[Awaited]| waits_for("waits for", &all.iter().map(reason).collect::<Vec<_>>()).unwrap_or_default();
        assert_eq!(told(&[]), "");
        assert_eq!(told(&[awaited(2, Absence::CutOff, 8)]), "waits for Node_03, cut off 00:12 ago");
        let (killed, other) = (awaited(0, Absence::Killed, 15), awaited(4, Absence::Killed, 15));
        let silent = awaited(1, Absence::Silent, 1);
        let expected = "waits for 2 nodes, killed 00:05 ago; Node_02, silent for 00:19";
        assert_eq!(told(&[killed, silent, other]), expected);
    }

    /// Where others replace a node that does not answer, each wording but the shortest says that, and when; where one of two nodes is not
    /// replaced, the transfer waits for it.
    #[test]
    fn what_is_replaced_says_when() {
        let at = |millis: u64| SimTime::ZERO + SimDuration::from_millis(millis);
        let (one, other) = (NodeNumber::from_index(2), NodeNumber::from_index(3));
        let killed = |nodes: &[NodeNumber]| nodes.iter().map(|&node| (node, "killed 00:12 ago".to_owned())).collect::<Vec<_>>();
        let told = |nodes: &[NodeNumber], replaced: &[(NodeNumber, Option<u64>)]| {
            let (open, stored, patience) = (0, 1, SimDuration::ZERO);
            let new = |&(node, from): &(_, Option<u64>)| Replacement {
                node,
                from: from.map(at),
                open,
                stored,
                patience,
                dead_at: None,
            };
            let replaced: Vec<_> = replaced.iter().map(new).collect();
            let [goes_on, waits] = [true, false].map(|goes_on| waits_for_within(killed(nodes), (&replaced, goes_on), at(12_300)));
            let is_all = nodes.iter().all(|node| replaced.iter().any(|other| other.node == *node));
            let verb = if is_all { "without Node_03" } else { "waits for " };
            assert!(nodes.len() > 1 || goes_on[0].starts_with(verb), "{goes_on:?}");
            assert_eq!(goes_on[1..goes_on.len() - 1], waits[1..waits.len() - 1]);
            let last = if is_all { "without " } else { "for " };
            assert!(goes_on.last().unwrap().starts_with(last), "{goes_on:?}");
            waits
        };
        assert_eq!(told(&[one], &[]), ["waits for Node_03, killed 00:12 ago", "waits for Node_03", "for Node_03"]);
        let in_18 = "another node in 00:18";
        let short = "other node in 00:18";
        let expected =
            [&format!("waits for Node_03, killed 00:12 ago, {in_18}"), &format!("Node_03: {in_18}"), short, "for Node_03"];
        assert_eq!(told(&[one], &[(one, Some(30_000))]), expected);
        assert_eq!(told(&[one], &[(one, None)])[1], "Node_03: another node in the commit");
        assert_eq!(told(&[one, other], &[(one, Some(20_000)), (other, Some(30_000))])[1], format!("2 nodes: {in_18}"));
        assert_eq!(told(&[one, other], &[(one, Some(20_000))])[1], "waits for 2 nodes");
        assert_eq!(told(&[one], &[(one, Some(12_000))])[2], "other node in 00:00");
    }

    /// A node that is slow and delivers is not waited for; beside one that is, it is told with it.
    #[test]
    fn what_slows_is_told_apart() {
        let slow = [(NodeNumber::from_index(0), "link 8.0 KiB/s 00:05 ago".to_owned())];
        let slowed = slowed_by(&slow);
        assert_eq!(slowed, ["slowed by Node_01, link 8.0 KiB/s 00:05 ago", "slowed by Node_01"]);
        assert_eq!((slowed_by(&[]), behind_waits(Vec::new(), slowed.clone())), (Vec::new(), slowed.clone()));
        let waits = vec!["waits for Node_02, killed 00:12 ago".to_owned(), "waits for Node_02".to_owned()];
        let told = behind_waits(waits.clone(), slowed);
        assert_eq!(told[0], "waits for Node_02, killed 00:12 ago; slowed by Node_01, link 8.0 KiB/s 00:05 ago");
        assert_eq!((&told[1..], behind_waits(waits.clone(), Vec::new())), (&waits[..], waits.clone()));
    }

    #[test]
    fn each_wording_of_a_deletion_is_shorter() {
        let node = NodeNumber::from_index(2);
        let behind = ["waits for 4 nodes to delete, behind others", "waits for 4 nodes to delete", "for 4 nodes"];
        assert_eq!(deletion(node, 3, true), behind);
        assert_eq!(deletion(node, 0, false), ["waits for Node_03 to delete", "for Node_03"]);
    }
}
