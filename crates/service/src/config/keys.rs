//! Keys of `p2p.toml`: the only list of them, with section, kind and bounds. Independent of where values are set.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use p2p_auth::names::Email;
use p2p_auth::password::{ITERATIONS_MAX, ITERATIONS_MIN};
use p2p_base::spelling::{is_legible, stands_alone, visible};
use p2p_base::units::{Bandwidth, ByteSize, DelayRange, Probability, SimDuration};
use p2p_engine::faults::{BANDWIDTH_MIN, FLAP_MIN, FLAPS_MAX, Failing, Slowdown, parse_bursts};
use p2p_engine::pace::Speed;
use p2p_net::{CongestionControl, Subnet};
use p2p_store::placement::PlacementPolicy;
use p2p_store::segment::SegmentSize;

use super::endpoint::Endpoint;
use crate::access::remote::RemoteRegistration;

/// Section of the configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// Section `[network]`: links and TCP.
    Network,
    /// Section `[client]`: the client's own values.
    Client,
    /// Section `[nodes]`: number and capacity of the nodes.
    Nodes,
    /// Table `[[node]]`: values of a single node.
    Node,
    /// Section `[storage]`: segments, placement and disks.
    Storage,
    /// Section `[health]`: probes between the hosts.
    Health,
    /// Section `[engine]`: speed and memory.
    Engine,
    /// Section `[accounts]`: password hashing, sessions and the audit log.
    Accounts,
    /// Section `[mail]`: the mail server.
    Mail,
    /// Section `[serve]`: the services for other programs.
    Serve,
    /// Section `[grpc]`: the gRPC services.
    Grpc,
    /// Section `[ssh]`: the SSH servers of the nodes.
    Ssh,
    /// Section `[web]`: REST and the pages for browsers.
    Web,
    /// Tables `[[ssh.remote]]`: hosts elsewhere with an SSH server.
    Remote,
    /// Section `[tui]`: appearance of the full-screen interface.
    Tui,
    /// Tables `[profiles.NAME]`: faults that are put on together.
    Profiles,
    /// Section `[keys]`: key bindings of the full-screen interface.
    Keys,
}

impl Section {
    /// Every section with its name in the file.
    pub const NAMES: [(Section, &'static str); 17] = [
        (Section::Network, "network"),
        (Section::Client, "client"),
        (Section::Nodes, "nodes"),
        (Section::Node, "node"),
        (Section::Storage, "storage"),
        (Section::Health, "health"),
        (Section::Engine, "engine"),
        (Section::Accounts, "accounts"),
        (Section::Mail, "mail"),
        (Section::Serve, "serve"),
        (Section::Grpc, "grpc"),
        (Section::Ssh, "ssh"),
        (Section::Web, "web"),
        (Section::Remote, "ssh.remote"),
        (Section::Tui, "tui"),
        (Section::Profiles, "profiles"),
        (Section::Keys, "keys"),
    ];

    /// Returns the section of this name.
    pub fn from_name(name: &str) -> Option<Section> {
        Section::NAMES.iter().find(|(_, known)| *known == name).map(|&(section, _)| section)
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(Section::NAMES.iter().find(|(section, _)| section == self).map_or("", |&(_, name)| name))
    }
}

/// Kind of value that a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Data rate such as `64KiB/s`.
    Rate,
    /// Bandwidth of a link, with the minimum of those that `link` gives.
    LinkRate,
    /// Fixed delay, or a range such as `1ms..10ms`.
    Delay,
    /// Time span with a minimum in milliseconds.
    Time {
        /// Minimum time in milliseconds.
        min_ms: u64,
    },
    /// Time span with a minimum in milliseconds, or zero for never.
    TimeOrNever {
        /// Minimum in milliseconds, unless the value is zero.
        min_ms: u64,
    },
    /// Probability such as `1%`.
    Chance,
    /// Size of at least one byte.
    Size,
    /// Size that is valid for a segment.
    SegmentSize,
    /// Whole number within bounds.
    Count {
        /// Smallest number that is permitted.
        min: u64,
        /// Largest number that is permitted.
        max: u64,
    },
    /// IPv4 subnet in prefix notation.
    Subnet,
    /// IPv4 address of a host.
    Address,
    /// Name of a congestion control algorithm.
    Congestion,
    /// Name of a placement policy.
    Placement,
    /// Speed of virtual time.
    Speed,
    /// A truth value.
    Switch,
    /// One of the listed words.
    OneOf(&'static [&'static str]),
    /// Key of the keyboard: `z`, `Ctrl-P`, `F1`, `Space`, `Enter`.
    KeyName,
    /// Any text that is not empty.
    Text,
    /// Path, relative to the directory of the file that contains it.
    Path,
    /// Name or address of a machine.
    Host,
    /// Address and port at which a service listens.
    Endpoint,
    /// Loss in bursts, such as `1%,25%`.
    Bursts,
    /// Factor by which a disk is slower.
    Slowdown,
    /// Kinds of operations that a disk fails.
    Failing,
    /// Secret text, which is never displayed and never read from a file that other users may read or write.
    Secret,
    /// Address of an e-mail account.
    Email,
}

impl Kind {
    /// Returns true if the value is a number in TOML, and not a string.
    pub const fn is_number(self) -> bool {
        matches!(self, Kind::Count { .. })
    }

    /// Returns true if the value is a string in TOML, and neither a number nor a truth value.
    pub const fn is_string(self) -> bool {
        !self.is_number() && !matches!(self, Kind::Switch)
    }

    /// Returns true if any characters may be in the value, or if its own check tells of those that cannot be seen.
    pub(super) const fn is_free(self) -> bool {
        matches!(self, Kind::Text | Kind::Secret | Kind::Path | Kind::KeyName)
    }

    /// Returns an example of a valid value.
    pub const fn example(self) -> &'static str {
        match self {
            Kind::Rate | Kind::LinkRate => "64KiB/s",
            Kind::Delay => "1ms..10ms",
            Kind::Time { .. } | Kind::TimeOrNever { .. } => "10s",
            Kind::Chance => "1%",
            Kind::Size => "10GiB",
            Kind::SegmentSize => "64KiB",
            Kind::Count { .. } => "5",
            Kind::Subnet => "192.168.1.0/24",
            Kind::Address => "192.168.1.7",
            Kind::Congestion => "cubic",
            Kind::Placement => "round-robin",
            Kind::Speed => "1x",
            Kind::Switch => "true",
            Kind::OneOf(words) => words[0],
            Kind::KeyName => "Ctrl-P",
            Kind::Text => "p2p",
            Kind::Path => "/srv/p2p",
            Kind::Host => "mail.example.org",
            Kind::Endpoint => "127.0.0.1:50050",
            Kind::Bursts => "1%,25%",
            Kind::Slowdown => "10x",
            Kind::Failing => "writes,syncs",
            Kind::Secret => "…",
            Kind::Email => "p2p@example.org",
        }
    }

    /// Checks that `text` is a value of this kind.
    ///
    /// # Errors
    /// Returns a message that describes the error and a valid value.
    pub fn check(self, text: &str) -> Result<(), String> {
        match self {
            // A message that quotes it as it is would show nothing.
            _ if !self.is_free() && !text.is_empty() && !is_legible(text) => {
                Err(format!("`{}` has characters that cannot be seen; a value is as in {}", visible(text), self.example()))
            }
            Kind::Rate => parses::<Bandwidth>(text),
            Kind::LinkRate => check_link_rate(text),
            Kind::Delay => parses::<DelayRange>(text),
            Kind::Time { min_ms } => check_time(text, SimDuration::from_millis(min_ms)),
            Kind::TimeOrNever { min_ms } => match parse::<SimDuration>(text)? {
                SimDuration::ZERO => Ok(()),
                _ => check_time(text, SimDuration::from_millis(min_ms)),
            },
            Kind::Chance => parses::<Probability>(text),
            Kind::Size => check_size(text),
            Kind::SegmentSize => {
                parse::<ByteSize>(text).and_then(|size| SegmentSize::new(size).map_err(|error| error.to_string())).map(drop)
            }
            Kind::Count { min, max } => check_count(text, min, max),
            Kind::Subnet => parses::<Subnet>(text),
            Kind::Address => {
                parse::<Ipv4Addr>(text).map(drop).map_err(|_| format!("`{text}` is no IPv4 address, as in 192.168.1.7"))
            }
            Kind::Congestion => parses::<CongestionControl>(text),
            Kind::Placement => parses::<PlacementPolicy>(text),
            Kind::Speed => parses::<Speed>(text),
            Kind::Switch if matches!(text, "true" | "false") => Ok(()),
            Kind::Switch => Err(format!("`{text}` is neither true nor false")),
            Kind::OneOf(words) if words.contains(&text) => Ok(()),
            Kind::OneOf(words) => Err(format!("`{text}` is none of: {}", words.join(", "))),
            Kind::KeyName => check_key(text),
            Kind::Email => parses::<Email>(text),
            Kind::Endpoint => parses::<Endpoint>(text),
            Kind::Bursts => parse_bursts(text).map(drop).map_err(|error| error.to_string()),
            Kind::Slowdown => parses::<Slowdown>(text),
            Kind::Failing => parses::<Failing>(text),
            Kind::Host => check_host(text),
            Kind::Path if text.contains('\0') => Err(format!("{text:?} is no path")),
            Kind::Path if text == "-" => Err("`-` is no file here; ./- is one of that name".into()),
            Kind::Text | Kind::Secret | Kind::Path if text.is_empty() => {
                Err("it is empty; leave the key out where there is none".into())
            }
            Kind::Text | Kind::Secret | Kind::Path => Ok(()),
        }
    }
}

fn parse<T: FromStr<Err: fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

fn parses<T: FromStr<Err: fmt::Display>>(text: &str) -> Result<(), String> {
    parse::<T>(text).map(drop)
}

/// Returns why a keyboard key is not available for an action, if it is not: it has a fixed meaning in the panes, in the prompt, or to every
/// terminal, where Ctrl-I is Tab and Ctrl-M is Enter; or the prompt types it.
pub fn why_taken(text: &str, action: &str) -> Option<&'static str> {
    const ANYWHERE: [&str; 12] =
        ["Ctrl-I", "Ctrl-M", "Ctrl-J", "Ctrl-H", "Ctrl-L", "Ctrl-T", "Ctrl-Z", "F6", "F7", "F8", "F9", "?"];
    // The prompt, the panes by their numbers, healing, rows, their order and their columns, and the theme.
    const IN_PANES: &str = ":123456789HjkgGSICT";
    const IN_PROMPT: &str = "ABCDEFHKRUWY";
    let counts_in_prompt = matches!(action, "help" | "palette" | "quit" | "overview" | "transfer" | "network" | "files");
    let prompt_takes = text.strip_prefix("Ctrl-").is_some_and(|letter| IN_PROMPT.contains(letter));
    let is_character = text.chars().count() == 1;
    let is_fixed = ANYWHERE.contains(&text) || (text == "Enter" && action != "open") || (is_character && IN_PANES.contains(text));
    if is_fixed || (counts_in_prompt && (prompt_takes || text == "Enter")) {
        return Some("has a fixed meaning; choose another");
    }
    let is_typed = is_character || text == "Space";
    (counts_in_prompt && is_typed).then_some("is typed in the prompt, where this action counts too; choose one as F1 or Ctrl-P")
}

/// Checks that the text is one character that can be seen, a letter with Ctrl, a function key, or a key with a name.
fn check_key(text: &str) -> Result<(), String> {
    const NAMED: [&str; 2] = ["Space", "Enter"];
    let mut chars = text.chars();
    let is_single = chars.next().is_some_and(stands_alone) && chars.next().is_none();
    let with_control = text.strip_prefix("Ctrl-").is_some_and(|key| key.len() == 1 && key.as_bytes()[0].is_ascii_uppercase());
    let function = (1..=12).any(|number| text == format!("F{number}"));
    match is_single || with_control || function || NAMED.contains(&text) {
        true => Ok(()),
        // A mark alone would be drawn on the quote before it.
        false if !text.chars().any(stands_alone) => Err(format!("`{}` is no key that can be seen", text.escape_unicode())),
        false => Err(format!("`{}` is no key, as in z, Ctrl-P, F1 or Space", visible(text))),
    }
}

/// Checks that the text is a host name (RFC 952; RFC 1123, section 2.1), or an address, which may contain colons (RFC 4291).
fn check_host(text: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':');
    match !text.is_empty() && text.chars().all(fits) {
        true => Ok(()),
        false => Err(format!("`{text}` is no host; write a name as mail.example.org")),
    }
}

fn check_time(text: &str, min: SimDuration) -> Result<(), String> {
    if parse::<SimDuration>(text)? < min { Err(format!("at least {min}, not {text}")) } else { Ok(()) }
}

fn check_link_rate(text: &str) -> Result<(), String> {
    if parse::<Bandwidth>(text)? < BANDWIDTH_MIN { Err(format!("at least {BANDWIDTH_MIN}, not {text}")) } else { Ok(()) }
}

fn check_size(text: &str) -> Result<(), String> {
    if parse::<ByteSize>(text)?.as_u64() == 0 { Err("at least 1B".into()) } else { Ok(()) }
}

fn check_count(text: &str, min: u64, max: u64) -> Result<(), String> {
    match text.parse() {
        Ok(number) if (min..=max).contains(&number) => Ok(()),
        _ => Err(format!("expected a whole number from {min} to {max}, not {text}")),
    }
}

/// Key of the configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Section that contains the key.
    pub section: Section,
    /// Name within the section.
    pub name: &'static str,
    /// Kind of its value.
    pub kind: Kind,
    /// True if the compiled-in configuration has a value for it.
    pub has_default: bool,
}

impl Key {
    /// Returns the full name such as `[network] bandwidth`.
    pub fn full_name(&self) -> String {
        match self.section {
            Section::Node | Section::Remote => format!("[[{}]] {}", self.section, self.name),
            Section::Profiles => format!("[profiles.…] {}", self.name),
            section => format!("[{section}] {}", self.name),
        }
    }
}

const fn key(section: Section, name: &'static str, kind: Kind) -> Key {
    Key { section, name, kind, has_default: true }
}

const fn optional(section: Section, name: &'static str, kind: Kind) -> Key {
    Key { section, name, kind, has_default: false }
}

const ITERATIONS: Kind = Kind::Count { min: ITERATIONS_MIN as u64, max: ITERATIONS_MAX as u64 };
const FLAP_MIN_MS: u64 = FLAP_MIN.as_nanos() / 1_000_000;
const QUEUE: Kind = Kind::Count { min: 1, max: 1_000_000 };

/// Every key of the configuration file.
pub const KEYS: &[Key] = &[
    key(Section::Network, "subnet", Kind::Subnet),
    key(Section::Network, "bandwidth", Kind::LinkRate),
    key(Section::Network, "delay", Kind::Delay),
    key(Section::Network, "loss", Kind::Chance),
    key(Section::Network, "queue", QUEUE),
    key(Section::Network, "host_time", Kind::Delay),
    key(Section::Network, "seed", Kind::Count { min: 0, max: u64::MAX }),
    key(Section::Network, "congestion", Kind::Congestion),
    key(Section::Network, "connect_timeout", Kind::Time { min_ms: 1_000 }),
    key(Section::Network, "answer_timeout", Kind::Time { min_ms: 1_000 }),
    key(Section::Network, "idle_timeout", Kind::TimeOrNever { min_ms: 10 }),
    optional(Section::Client, "address", Kind::Address),
    optional(Section::Client, "bandwidth", Kind::LinkRate),
    optional(Section::Client, "bandwidth_up", Kind::LinkRate),
    optional(Section::Client, "bandwidth_down", Kind::LinkRate),
    optional(Section::Client, "delay", Kind::Delay),
    optional(Section::Client, "loss", Kind::Chance),
    optional(Section::Client, "queue", QUEUE),
    key(Section::Nodes, "count", Kind::Count { min: 1, max: 1_000 }),
    key(Section::Nodes, "capacity", Kind::Size),
    optional(Section::Node, "number", Kind::Count { min: 1, max: 1_000 }),
    optional(Section::Node, "address", Kind::Address),
    optional(Section::Node, "bandwidth", Kind::LinkRate),
    optional(Section::Node, "bandwidth_up", Kind::LinkRate),
    optional(Section::Node, "bandwidth_down", Kind::LinkRate),
    optional(Section::Node, "delay", Kind::Delay),
    optional(Section::Node, "loss", Kind::Chance),
    optional(Section::Node, "queue", QUEUE),
    optional(Section::Node, "capacity", Kind::Size),
    key(Section::Storage, "segment_size", Kind::SegmentSize),
    key(Section::Storage, "placement", Kind::Placement),
    key(Section::Storage, "disk_service_time", Kind::Time { min_ms: 0 }),
    key(Section::Storage, "disk_throughput", Kind::Rate),
    optional(Section::Storage, "data_dir", Kind::Path),
    key(Section::Health, "interval", Kind::TimeOrNever { min_ms: 10 }),
    key(Section::Health, "timeout", Kind::Time { min_ms: 1 }),
    key(Section::Health, "suspect_after", Kind::Count { min: 1, max: 100 }),
    key(Section::Health, "dead_after", Kind::Count { min: 1, max: 100 }),
    key(Section::Engine, "speed", Kind::Speed),
    key(Section::Engine, "memory", Kind::Size),
    key(Section::Accounts, "pbkdf2_iterations", ITERATIONS),
    key(Section::Accounts, "session_lifetime", Kind::Time { min_ms: 60_000 }),
    key(Section::Accounts, "session_idle", Kind::Time { min_ms: 60_000 }),
    key(Section::Accounts, "audit_entries", Kind::Count { min: 1_000, max: 10_000_000 }),
    optional(Section::Accounts, "quota", Kind::Size),
    key(Section::Accounts, "remote_registration", Kind::OneOf(RemoteRegistration::NAMES)),
    optional(Section::Mail, "host", Kind::Host),
    optional(Section::Mail, "port", Kind::Count { min: 1, max: 65_535 }),
    key(Section::Mail, "security", Kind::OneOf(&["starttls", "tls"])),
    optional(Section::Mail, "user", Kind::Text),
    optional(Section::Mail, "password", Kind::Secret),
    optional(Section::Mail, "password_file", Kind::Path),
    key(Section::Mail, "from", Kind::Email),
    optional(Section::Mail, "ca_file", Kind::Path),
    key(Section::Serve, "drain", Kind::Time { min_ms: 0 }),
    key(Section::Grpc, "address", Kind::Endpoint),
    key(Section::Grpc, "allow_public", Kind::Switch),
    optional(Section::Grpc, "nodes", Kind::Endpoint),
    key(Section::Grpc, "nodes_max", Kind::Count { min: 1, max: 1_000 }),
    optional(Section::Grpc, "tls.certificate", Kind::Path),
    optional(Section::Grpc, "tls.key", Kind::Path),
    key(Section::Ssh, "address", Kind::Endpoint),
    key(Section::Ssh, "allow_public", Kind::Switch),
    key(Section::Ssh, "nodes_max", Kind::Count { min: 1, max: 1_000 }),
    key(Section::Web, "address", Kind::Endpoint),
    key(Section::Web, "allow_public", Kind::Switch),
    key(Section::Web, "requests_per_second", Kind::Count { min: 1, max: 1_000_000 }),
    key(Section::Web, "connections", Kind::Count { min: 1, max: 65_535 }),
    optional(Section::Web, "connections_per_address", Kind::Count { min: 1, max: 65_535 }),
    optional(Section::Web, "tls.certificate", Kind::Path),
    optional(Section::Web, "tls.key", Kind::Path),
    optional(Section::Remote, "name", Kind::Text),
    optional(Section::Remote, "address", Kind::Host),
    optional(Section::Remote, "port", Kind::Count { min: 1, max: 65_535 }),
    optional(Section::Remote, "user", Kind::Text),
    optional(Section::Remote, "key", Kind::Path),
    optional(Section::Remote, "host_key", Kind::Text),
    key(Section::Tui, "theme", Kind::OneOf(&["auto", "dark", "light", "high-contrast", "mono"])),
    key(Section::Tui, "glyphs", Kind::OneOf(&["auto", "unicode", "ascii"])),
    key(Section::Tui, "mouse", Kind::Switch),
    optional(Section::Profiles, "summary", Kind::Text),
    optional(Section::Profiles, "bandwidth", Kind::LinkRate),
    optional(Section::Profiles, "bandwidth_up", Kind::LinkRate),
    optional(Section::Profiles, "bandwidth_down", Kind::LinkRate),
    optional(Section::Profiles, "queue", QUEUE),
    optional(Section::Profiles, "delay", Kind::Delay),
    optional(Section::Profiles, "loss", Kind::Chance),
    optional(Section::Profiles, "burst", Kind::Bursts),
    optional(Section::Profiles, "duplicate", Kind::Chance),
    optional(Section::Profiles, "corrupt", Kind::Chance),
    optional(Section::Profiles, "reorder", Kind::Chance),
    optional(Section::Profiles, "disk_slow", Kind::Slowdown),
    optional(Section::Profiles, "disk_fail", Kind::Failing),
    optional(Section::Profiles, "disk_full", Kind::OneOf(&["yes", "no"])),
    optional(Section::Profiles, "disk_corrupt", Kind::Count { min: 1, max: 1_000_000 }),
    optional(Section::Profiles, "flap_every", Kind::Time { min_ms: FLAP_MIN_MS }),
    optional(Section::Profiles, "flap_times", Kind::Count { min: 1, max: FLAPS_MAX as u64 }),
    key(Section::Keys, "zoom", Kind::KeyName),
    key(Section::Keys, "pause", Kind::KeyName),
    key(Section::Keys, "slower", Kind::KeyName),
    key(Section::Keys, "faster", Kind::KeyName),
    key(Section::Keys, "step", Kind::KeyName),
    key(Section::Keys, "freeze", Kind::KeyName),
    key(Section::Keys, "filter", Kind::KeyName),
    key(Section::Keys, "map", Kind::KeyName),
    key(Section::Keys, "copy", Kind::KeyName),
    key(Section::Keys, "open", Kind::KeyName),
    key(Section::Keys, "act", Kind::KeyName),
    key(Section::Keys, "overview", Kind::KeyName),
    key(Section::Keys, "transfer", Kind::KeyName),
    key(Section::Keys, "network", Kind::KeyName),
    key(Section::Keys, "files", Kind::KeyName),
    key(Section::Keys, "help", Kind::KeyName),
    key(Section::Keys, "palette", Kind::KeyName),
    key(Section::Keys, "quit", Kind::KeyName),
];

/// Returns the key of this name in a section.
pub fn find(section: Section, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.section == section && key.name == name)
}

/// Returns true if a section has keys in a table of this name.
pub(super) fn has_table(section: Section, name: &str) -> bool {
    of(section).any(|key| key.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
}

/// Returns the keys of a section.
pub fn of(section: Section) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| key.section == section)
}
