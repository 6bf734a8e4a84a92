//! What is wrong on purpose, in JSON: what a request asks for, and what an answer tells of a fault that is on, so that what was read of one can
//! be asked for again. Values are written as in the command language and in p2p.toml.

use p2p_service::network::{
    Bandwidth, Break, DelayRange, Direction, DiskFaults, FLAPS, Failing, Fault, Flapping, GilbertElliott, LinkChange, Loss,
    PathChange, Peer, STOP_WITHIN, Slowdown, parse_bursts,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::values::{node_of, peer_of, read};
use crate::problem::Problem;

/// Direction of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::api) enum LinkDirection {
    /// Direction of what the host sends.
    Up,
    /// Direction of what the host receives.
    Down,
}

impl From<LinkDirection> for Direction {
    fn from(direction: LinkDirection) -> Direction {
        match direction {
            LinkDirection::Up => Direction::Up,
            LinkDirection::Down => Direction::Down,
        }
    }
}

impl From<Direction> for LinkDirection {
    fn from(direction: Direction) -> LinkDirection {
        match direction {
            Direction::Up => LinkDirection::Up,
            Direction::Down => LinkDirection::Down,
        }
    }
}

/// Changes of a link.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub(in crate::api) struct Linked {
    /// Rate, as `64KiB/s` or `1Mbit/s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) bandwidth: Option<String>,
    /// Packets that may wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) queue_packets: Option<u32>,
}

impl Linked {
    pub(in crate::api) fn change(&self) -> Result<LinkChange, Problem> {
        let bandwidth: Option<Bandwidth> = read("bandwidth", self.bandwidth.as_ref())?;
        Ok(LinkChange { bandwidth, queue_packets: self.queue_packets })
    }
}

impl From<LinkChange> for Linked {
    fn from(LinkChange { bandwidth, queue_packets }: LinkChange) -> Linked {
        Linked { bandwidth: bandwidth.map(|rate| rate.to_string()), queue_packets }
    }
}

/// Changes of what happens to packets on their way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub(in crate::api) struct OnTheWay {
    /// Propagation delay, as `40ms` or `40ms..60ms`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) delay: Option<String>,
    /// Share of packets that are lost, as `5%`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) loss: Option<String>,
    /// Loss in bursts by Gilbert and Elliott, as `1%,25%` (P,R[,1-H[,1-K]]), in the place of `loss`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) burst: Option<String>,
    /// Share of packets that arrive twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) duplicate: Option<String>,
    /// Share of packets of which a bit is changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) corrupt: Option<String>,
    /// Share of packets that others overtake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) reorder: Option<String>,
}

impl OnTheWay {
    pub(in crate::api) fn change(&self) -> Result<PathChange, Problem> {
        let loss = match (&self.loss, &self.burst) {
            (Some(_), Some(_)) => return Err(Problem::invalid("burst", "packets are lost by `loss` or in bursts")),
            (loss, None) => read("loss", loss.as_ref())?.map(Loss::Independent),
            (None, Some(burst)) => Some(parse_bursts(burst).map_err(|error| Problem::invalid("burst", error))?),
        };
        let delay: Option<DelayRange> = read("delay", self.delay.as_ref())?;
        Ok(PathChange {
            delay,
            loss,
            duplicate: read("duplicate", self.duplicate.as_ref())?,
            corrupt: read("corrupt", self.corrupt.as_ref())?,
            reorder: read("reorder", self.reorder.as_ref())?,
        })
    }
}

impl From<PathChange> for OnTheWay {
    fn from(PathChange { delay, loss, duplicate, corrupt, reorder }: PathChange) -> OnTheWay {
        let (loss, burst) = match loss {
            None => (None, None),
            Some(Loss::Independent(chance)) => (Some(chance.to_string()), None),
            Some(Loss::Bursts(GilbertElliott { p, r, loss_in_bad, loss_in_good })) => {
                (None, Some(format!("{p},{r},{loss_in_bad},{loss_in_good}")))
            }
        };
        let chance = |chance: Option<p2p_service::network::Probability>| chance.map(|chance| chance.to_string());
        OnTheWay {
            delay: delay.map(|delay| delay.to_string()),
            loss,
            burst,
            duplicate: chance(duplicate),
            corrupt: chance(corrupt),
            reorder: chance(reorder),
        }
    }
}

/// Faults of a disk.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub(in crate::api) struct Disk {
    /// Factor by which it is slower.
    #[serde(skip_serializing_if = "Option::is_none")]
    slow: Option<u32>,
    /// Operations that fail: `reads`, `writes`, `syncs`.
    #[serde(default)]
    fail: Vec<String>,
    /// True if it has no room.
    #[serde(default)]
    full: bool,
    /// Number of segments that it returns with a changed bit; 1 for some where one may not know how many.
    #[serde(default)]
    corrupt: u32,
}

impl Disk {
    fn faults(&self) -> Result<DiskFaults, Problem> {
        let mut fails = Failing::default();
        if let Some(wrong) = self.fail.iter().find(|name| !fails.add(name)) {
            return Err(Problem::invalid("fail", format_args!("a disk fails reads, writes or syncs, and not `{wrong}`")));
        }
        let slow = self.slow.map(Slowdown::try_from).transpose().map_err(|error| Problem::invalid("slow", error))?;
        Ok(DiskFaults { slow, fails, full: self.full, corrupt: self.corrupt })
    }
}

impl From<DiskFaults> for Disk {
    fn from(DiskFaults { slow, fails, full, corrupt }: DiskFaults) -> Disk {
        let fail = fails.names().into_iter().map(str::to_owned).collect();
        Disk { slow: slow.map(u32::from), fail, full, corrupt }
    }
}

/// Fault: what is wrong, of which kind, and where. `POST` of one puts it on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(in crate::api) enum Wanted {
    /// The process of a node is gone, and its host answers nothing.
    Kill { node: String },
    /// The process of a node ends once nothing is under way there.
    Stop {
        node: String,
        /// Longest time that its end waits, as `30s`.
        #[serde(skip_serializing_if = "Option::is_none")]
        within: Option<String>,
    },
    /// The process of a node ends as planned, and starts again.
    Restart {
        node: String,
        /// Longest time that its end waits, as `30s`.
        #[serde(skip_serializing_if = "Option::is_none")]
        within: Option<String>,
    },
    /// The host of a node resets its connections and refuses new ones.
    Refuse { node: String },
    /// The process of a node is killed and started, again and again.
    Flap {
        node: String,
        /// Time between two kills, as `10s`.
        every: String,
        /// Number of kills.
        #[serde(skip_serializing_if = "Option::is_none")]
        times: Option<u32>,
    },
    /// The disk of a node is slow, fails, is full or corrupt.
    Disk {
        node: String,
        #[serde(flatten)]
        disk: Disk,
    },
    /// The access link of a host has another rate or another queue.
    Link {
        /// `client` or a node.
        host: String,
        /// Direction; both without it.
        #[serde(skip_serializing_if = "Option::is_none")]
        direction: Option<LinkDirection>,
        #[serde(flatten)]
        link: Linked,
    },
    /// Paths from and to a host are different, all of them.
    Paths {
        /// `client` or a node.
        host: String,
        #[serde(flatten)]
        path: OnTheWay,
    },
    /// The paths between two hosts are different, or cut.
    Path {
        from: String,
        to: String,
        /// True if only the path in this direction is meant.
        #[serde(default)]
        one_way: bool,
        #[serde(flatten)]
        path: OnTheWay,
        /// True if no packet passes.
        #[serde(default)]
        cut: bool,
    },
    /// Paths between two groups of hosts are cut, all of them.
    Partition {
        one: Vec<String>,
        other: Vec<String>,
        /// True if only the paths from the one group to the other are meant.
        #[serde(default)]
        one_way: bool,
    },
}

impl Wanted {
    /// Returns the operation that puts the fault on.
    pub(super) fn operation(&self) -> Result<Break, Problem> {
        let node = |name: &String| node_of("node", name);
        let within = |text: &Option<String>| Ok::<_, Problem>(read("within", text.as_ref())?.unwrap_or(STOP_WITHIN));
        Ok(match self {
            Wanted::Kill { node: name } => Break::Kill { node: node(name)? },
            Wanted::Stop { node: name, within: span } => Break::Stop { node: node(name)?, within: within(span)? },
            Wanted::Restart { node: name, within: span } => Break::Restart { node: node(name)?, within: within(span)? },
            Wanted::Refuse { node: name } => Break::Refuse { node: node(name)? },
            Wanted::Flap { node: name, every, times } => {
                let every = every.parse().map_err(|error| Problem::invalid("every", error))?;
                Break::Flap { node: node(name)?, plan: Flapping { every, times: times.unwrap_or(FLAPS) } }
            }
            Wanted::Disk { node: name, disk } => Break::Disk { node: node(name)?, faults: disk.faults()? },
            Wanted::Link { host, direction, link } => {
                Break::Link { peer: peer_of("host", host)?, direction: direction.map(Into::into), change: link.change()? }
            }
            Wanted::Paths { host, path } => Break::Paths { peer: peer_of("host", host)?, change: path.change()? },
            Wanted::Path { from, to, one_way, path, cut } => Break::Path {
                from: peer_of("from", from)?,
                to: peer_of("to", to)?,
                one_way: *one_way,
                change: path.change()?,
                cut: *cut,
            },
            Wanted::Partition { one, other, one_way } => {
                Break::Partition { one: group("one", one)?, other: group("other", other)?, one_way: *one_way }
            }
        })
    }
}

fn group(field: &str, names: &[String]) -> Result<Vec<Peer>, Problem> {
    match names {
        [] => Err(Problem::invalid(field, "it names no host")),
        names => names.iter().map(|name| peer_of(field, name)).collect(),
    }
}

/// Tells of a fault as of the request that puts it on.
impl From<&Fault> for Wanted {
    fn from(fault: &Fault) -> Wanted {
        match *fault {
            Fault::Killed { node } => Wanted::Kill { node: node.to_string() },
            Fault::Stopping { node, restarts: true, .. } => Wanted::Restart { node: node.to_string(), within: None },
            Fault::Stopping { node, .. } | Fault::Stopped { node } => Wanted::Stop { node: node.to_string(), within: None },
            Fault::Refusing { node } => Wanted::Refuse { node: node.to_string() },
            Fault::Flapping { node, plan: Flapping { every, times } } => {
                Wanted::Flap { node: node.to_string(), every: every.to_string(), times: Some(times) }
            }
            Fault::Disk { node, faults, .. } => Wanted::Disk { node: node.to_string(), disk: faults.into() },
            Fault::Link { peer, direction, change } => {
                Wanted::Link { host: peer.to_string(), direction: Some(direction.into()), link: change.into() }
            }
            Fault::Paths { peer, change } => Wanted::Paths { host: peer.to_string(), path: change.into() },
            Fault::Path { from, to, change } => {
                Wanted::Path { from: from.to_string(), to: to.to_string(), one_way: true, path: change.into(), cut: false }
            }
            Fault::Cut { from, to } => {
                Wanted::Path { from: from.to_string(), to: to.to_string(), one_way: true, path: OnTheWay::default(), cut: true }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use p2p_service::files::SimTime;
    use p2p_service::network::NodeNumber;

    use super::*;

    /// A fault that is told puts the same one on.
    #[test]
    fn a_fault_is_asked_for_as_it_is_told() {
        let (node, client) = (NodeNumber::from_index(2), Peer::Client);
        let bursts = parse_bursts("1%,25%,80%").ok();
        let change = PathChange { delay: "10ms..50ms".parse().ok(), loss: bursts, ..PathChange::default() };
        let slower = LinkChange { bandwidth: "1Mbit/s".parse().ok(), queue_packets: Some(5) };
        let faults = DiskFaults { slow: "10x".parse().ok(), fails: "reads,syncs".parse().unwrap(), full: true, corrupt: 2 };
        let plan = Flapping { every: "1500ms".parse().unwrap(), times: 3 };
        let until = SimTime::ZERO;
        for (fault, expected) in [
            (Fault::Killed { node }, Break::Kill { node }),
            (Fault::Stopping { node, until, restarts: true }, Break::Restart { node, within: STOP_WITHIN }),
            (Fault::Stopped { node }, Break::Stop { node, within: STOP_WITHIN }),
            (Fault::Refusing { node }, Break::Refuse { node }),
            (Fault::Flapping { node, plan }, Break::Flap { node, plan }),
            (Fault::Disk { node, faults, is_counted: true }, Break::Disk { node, faults }),
            (
                Fault::Link { peer: client, direction: Direction::Down, change: slower },
                Break::Link { peer: client, direction: Some(Direction::Down), change: slower },
            ),
            (Fault::Paths { peer: client, change }, Break::Paths { peer: client, change }),
            (
                Fault::Path { from: client, to: Peer::Node(node), change },
                Break::Path { from: client, to: Peer::Node(node), one_way: true, change, cut: false },
            ),
            (
                Fault::Cut { from: Peer::Node(node), to: client },
                Break::Path { from: Peer::Node(node), to: client, one_way: true, change: PathChange::default(), cut: true },
            ),
        ] {
            let text = serde_json::to_string(&Wanted::from(&fault)).unwrap();
            let read: Wanted = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(read.operation().unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_by_its_field() {
        let told = |text: &str| serde_json::from_str::<Wanted>(text).unwrap().operation().unwrap_err().detail().to_owned();
        assert!(told(r#"{"kind":"path","from":"client","to":"1","loss":"5"}"#).starts_with("loss: "));
        assert!(told(r#"{"kind":"paths","host":"1","loss":"5%","burst":"1%,2%"}"#).starts_with("burst: "));
        assert!(told(r#"{"kind":"disk","node":"1","fail":["writs"]}"#).contains("`writs`"));
        assert!(told(r#"{"kind":"partition","one":[],"other":["1"]}"#).starts_with("one: "));
        assert!(told(r#"{"kind":"kill","node":"client"}"#).starts_with("node: "));
        assert!(serde_json::from_str::<Wanted>(r#"{"kind":"explode"}"#).is_err());
    }
}
