//! The entries of the command table for commands that break parts of the network on purpose.

use super::{many, once, optional};
use crate::commands::faults;
use crate::spec::{Audience, Flag, Group, Kind, Place, Spec};

/// Longest time that a planned stop waits, for the commands that stop a process.
const WITHIN: Flag = Flag {
    name: "within",
    short: None,
    value: Some(("SPAN", Kind::Like(&["10s", "90s", "10m"]))),
    summary: "end it after this time, whatever is under way (90s)",
};

pub(super) static COMMANDS: &[Spec] = &[
    Spec {
        name: "kill",
        aliases: &[],
        group: Group::Faults,
        audience: Audience::Admins,
        place: Place::Anywhere,
        summary: "kill a node's process: its connections see silence",
        details: "As with `kill -9`, the process loses what it held in memory, and the disk keeps what was handed to it: this is no \
                  power loss. Nothing answers at the node's address until `start NODE`.",
        arguments: &[once("NODE", Kind::Node)],
        flags: &[],
        run: |shell, call| Box::pin(faults::process(shell, call)),
    },
    Spec {
        name: "stop",
        aliases: &[],
        group: Group::Faults,
        audience: Audience::Admins,
        place: Place::Anywhere,
        summary: "stop a node's process once nothing is under way there",
        details: "No segments are placed on the node from then on. The process ends when no transfer needs it any more, at the \
                  latest after the time of --within; its connections are closed in order, and new ones are refused.",
        arguments: &[once("NODE", Kind::Node)],
        flags: &[WITHIN],
        run: |shell, call| Box::pin(faults::process(shell, call)),
    },
    Spec {
        name: "start",
        aliases: &[],
        group: Group::Faults,
        audience: Audience::Admins,
        place: Place::Anywhere,
        summary: "start a node's process, or let it accept connections again",
        details: "A process that was killed or has stopped reads its disk first. Its peers find it ALIVE by their next probes.",
        arguments: &[once("NODE", Kind::Node)],
        flags: &[],
        run: |shell, call| Box::pin(faults::process(shell, call)),
    },
    Spec {
        name: "restart",
        aliases: &[],
        group: Group::Faults,
        audience: Audience::Admins,
        place: Place::Anywhere,
        summary: "stop a node's process as `stop` does, and start it again",
        details: "",
        arguments: &[once("NODE", Kind::Node)],
        flags: &[WITHIN],
        run: |shell, call| Box::pin(faults::process(shell, call)),
    },
    Spec {
        name: "refuse",
        aliases: &[],
        group: Group::Faults,
        audience: Audience::Admins,
        place: Place::Anywhere,
        summary: "let a node reset its connections and refuse new ones",
        details: "No port of the host is open: it answers connections with RST at once, and no probes, until `start NODE`. Its process \
                  goes on.",
        arguments: &[once("NODE", Kind::Node)],
        flags: &[],
        run: |shell, call| Box::pin(faults::process(shell, call)),
    },
    Spec {
        name: "disk",
        aliases: &[],
        group: Group::Faults,
        audience: Audience::Admins,
        place: Place::Anywhere,
        summary: "make a node's disk slow, failing, full or corrupt, or sound again",
        details: "What is named comes to what is wrong already. KINDS is one or more of reads, writes and syncs, as in \
                  `--fail writes,syncs`; such operations fail with an I/O error. A full disk takes nothing and deletes. Of a corrupt \
                  segment other bytes are read than were written, which SHA-256 finds; the disk itself is not changed, so that \
                  `--clear` heals it, and so does storing the segment again.",
        arguments: &[once("NODE", Kind::Node)],
        flags: &[
            Flag {
                name: "slow",
                short: None,
                value: Some(("FACTOR", Kind::Like(&["2x", "10x", "50x", "100x"]))),
                summary: "let every operation take so many times as long",
            },
            Flag {
                name: "fail",
                short: None,
                value: Some(("KINDS", Kind::Like(&["reads", "writes", "syncs", "writes,syncs", "reads,writes,syncs"]))),
                summary: "let operations of these kinds fail",
            },
            Flag { name: "full", short: None, value: None, summary: "leave no room" },
            Flag {
                name: "corrupt",
                short: None,
                value: Some(("N", Kind::Like(&["1", "3", "10"]))),
                summary: "change a bit in so many of the stored segments, chosen at random",
            },
            Flag { name: "clear", short: None, value: None, summary: "make the disk sound" },
        ],
        run: |shell, call| Box::pin(faults::disk(shell, call)),
    },
    Spec {
        name: "link",
        aliases: &[],
        group: Group::Faults,
        audience: Audience::Admins,
        place: Place::Anywhere,
        summary: "change the access link of a host, or return it to what it was",
        details: "Without --up and --down both directions are changed. Packets that the link has accepted keep their times.",
        arguments: &[once("HOST", Kind::Host)],
        flags: &[
            Flag { name: "up", short: None, value: None, summary: "only from the host to the network" },
            Flag { name: "down", short: None, value: None, summary: "only from the network to the host" },
            Flag {
                name: "bandwidth",
                short: None,
                value: Some(("RATE", Kind::Like(&["1KiB/s", "64KiB/s", "256kbit/s", "1Mbit/s", "100Mbit/s"]))),
                summary: "the rate of the link",
            },
            Flag {
                name: "queue",
                short: None,
                value: Some(("PACKETS", Kind::Like(&["1", "10", "20", "50", "100"]))),
                summary: "how many packets may wait",
            },
            Flag { name: "clear", short: None, value: None, summary: "return the link to what it was" },
        ],
        run: |shell, call| Box::pin(faults::link(shell, call)),
    },
    Spec {
        name: "path",
        aliases: &[],
        group: Group::Faults,
        audience: Audience::Admins,
        place: Place::Anywhere,
        summary: "change the path between two hosts, one way (A->B) or both (A,B), or all paths of a host (A), or return it to what it was",
        details: "A host is `client` or a node; a name alone stands for all paths from and to it, beneath what is said of single paths. \
                  What is named comes to what is changed already. --clear takes changes back and leaves cuts to `heal`. --burst takes P,R[,1-H[,1-K]] as \
                  `tc netem loss gemodel` does: the chances that a packet takes the path from the good state to the bad one and \
                  back, and those that it is lost there (100% in the bad one, 0% in the good one). The answer has the mean loss \
                  that they give. A corrupt packet is dropped by its receiver, whose checksum reveals it.",
        arguments: &[once("A->B|A,B|A", Kind::Hosts)],
        flags: &[
            Flag {
                name: "delay",
                short: None,
                value: Some(("DELAY", Kind::Like(&["10ms", "100ms", "10ms..50ms", "80ms..120ms", "1s"]))),
                summary: "how long a packet is on its way",
            },
            chance("loss", "how many packets are lost, each by itself"),
            Flag {
                name: "burst",
                short: None,
                value: Some(("P,R", Kind::Like(&["1%,25%", "0.5%,20%", "5%,50%,80%", "1%,25%,100%,1%"]))),
                summary: "how packets are lost in bursts",
            },
            chance("duplicate", "how many packets arrive twice"),
            chance("corrupt", "in how many packets a bit is changed"),
            chance("reorder", "how many packets overtake those that are delayed"),
            Flag { name: "cut", short: None, value: None, summary: "drop every packet, until `heal`" },
            Flag { name: "clear", short: None, value: None, summary: "take the changes of the path back; what is cut stays so" },
        ],
        run: |shell, call| Box::pin(faults::path(shell, call)),
    },
    Spec {
        name: "partition",
        aliases: &[],
        group: Group::Faults,
        audience: Audience::Admins,
        place: Place::Anywhere,
        summary: "cut all paths between two groups of hosts (A,B|C,D), or those one way (A,B->C,D)",
        details: "Nodes that follow each other may be written as a range, as in `client,1-150|151-300`. Within each group everything goes \
                  on. `heal` takes it back.",
        arguments: &[many("A,B|C,D", Kind::Hosts)],
        flags: &[],
        run: |shell, call| Box::pin(faults::partition(shell, call)),
    },
    Spec {
        name: "heal",
        aliases: &[],
        group: Group::Faults,
        audience: Audience::Admins,
        place: Place::Anywhere,
        summary: "let the paths pass packets that are cut: all, or those between two hosts (A->B, A,B)",
        details: "",
        arguments: &[optional("A->B|A,B", Kind::Hosts)],
        flags: &[],
        run: |shell, call| Box::pin(faults::heal(shell, call)),
    },
    Spec {
        name: "flap",
        aliases: &[],
        group: Group::Faults,
        audience: Audience::Admins,
        place: Place::Anywhere,
        summary: "kill a node's process again and again, and start it half of the time after each kill",
        details: "The first kill is at once. After the last start the fault is over; it is killed 10 times unless --times says \
                  otherwise, and every 100ms at the most often.",
        arguments: &[once("NODE", Kind::Node)],
        flags: &[
            Flag {
                name: "every",
                short: None,
                value: Some(("SPAN", Kind::Like(&["1s", "5s", "30s", "1m"]))),
                summary: "the time from one kill to the next",
            },
            Flag {
                name: "times",
                short: None,
                value: Some(("N", Kind::Like(&["1", "3", "10", "100"]))),
                summary: "how often it is killed",
            },
            Flag { name: "clear", short: None, value: None, summary: "end it, and start the process if it was killed" },
        ],
        run: |shell, call| Box::pin(faults::flap(shell, call)),
    },
    Spec {
        name: "faults",
        aliases: &["fault"],
        group: Group::Faults,
        audience: Audience::Users,
        place: Place::Anywhere,
        summary: "list the faults that are on, take them back, list profiles, or apply one",
        details: "Each is listed with the instant since which it is on and the command that takes it back; admins also see by whom. \
                  What one profile has put on is one row, and --parts lists all of it. `clear` takes all back, or what a profile has \
                  put on (of one node, if it is named), or all of a node, and waits until every process runs again. `profiles` lists \
                  those that are built in and those of p2p.toml; `apply` puts all faults of one on, for a node or for all, or none of \
                  them. For admins but for the lists.",
        arguments: &[
            optional("ACTION", Kind::OneOf(&["clear", "profiles", "apply"])),
            optional("PROFILE|NODE", Kind::ProfileOrNode),
            optional("NODE", Kind::Node),
        ],
        flags: &[Flag { name: "parts", short: None, value: None, summary: "list each part of what profiles have put on" }],
        run: |shell, call| Box::pin(faults::faults(shell, call)),
    },
];

/// Returns a flag whose value is the share of packets that something happens to.
const fn chance(name: &'static str, summary: &'static str) -> Flag {
    Flag { name, short: None, value: Some(("SHARE", Kind::Like(&["0.1%", "1%", "5%", "10%", "50%"]))), summary }
}
