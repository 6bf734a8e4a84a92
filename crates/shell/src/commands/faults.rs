//! The implementations of the commands that break parts of the network on purpose.

mod list;

use std::fmt::Display;
use std::str::FromStr;

use p2p_base::spelling::visible;
use p2p_base::units::{Probability, SimDuration, count_of};
use p2p_engine::EngineError;
use p2p_engine::faults::{ActiveFault, DiskFaults, FLAPS, Flapping, LinkChange, PathChange, Target, parse_bursts};
use p2p_engine::operation::{Break, Mend, STOP_WITHIN, Which};
use p2p_engine::snapshot::Peer;
use p2p_net::{Direction, Loss};
use serde_json::json;

pub(crate) use self::list::{check_action, faults, known_profile, require_admin};

use crate::answer::{Answer, View};
use crate::call::Call;
use crate::hosts::{self, Paths};
use crate::network::Network;
use crate::report::{CutPaths, ToldFault};
use crate::{Shell, ShellError};

/// Carries out a command about the process of a node.
pub(crate) async fn process<N: Network>(network: &N, call: &Call) -> Result<Answer, N::Error> {
    let (node, state) = (call.node(0)?, process_after(call));
    process_of(call)?.make(network).await?;
    let said = match state {
        "running" => format!("{node} runs"),
        _ => with_undo(&format!("{node} is {state}"), &format!("start {node}")),
    };
    Ok(Answer::new(View::Text(said), json!({ "node": node.to_string(), "process": state })))
}

/// Returns what `kill`, `stop`, `start`, `restart` or `refuse` is to do.
pub(crate) fn process_of(call: &Call) -> Result<Change, ShellError> {
    let node = call.node(0)?;
    Ok(match call.spec.name {
        "kill" => Change::Break(Break::Kill { node }),
        "stop" => Change::Break(Break::Stop { node, within: within(call)? }),
        "restart" => Change::Break(Break::Restart { node, within: within(call)? }),
        "refuse" => Change::Break(Break::Refuse { node }),
        _ => Change::Mend(Mend::Process { node }),
    })
}

/// Returns what the process is once such a command has been carried out.
fn process_after(call: &Call) -> &'static str {
    match call.spec.name {
        "kill" => "killed",
        "stop" => "stopped",
        "refuse" => "refusing",
        _ => "running",
    }
}

/// Change of faults, as the words of a command say it.
#[derive(Debug)]
pub(crate) enum Change {
    /// Change for the worse.
    Break(Break),
    /// Change back.
    Mend(Mend),
    /// Taking back of several faults.
    Clear(Which),
}

impl Change {
    /// Refuses what is never possible.
    fn checked(self) -> Result<Change, ShellError> {
        let checked = match &self {
            Change::Break(what) => what.check(),
            Change::Mend(what) => what.check(),
            Change::Clear(_) => Ok(()),
        };
        Ok(checked.map(|()| self).map_err(EngineError::from)?)
    }

    async fn make<N: Network>(self, network: &N) -> Result<(), N::Error> {
        match self {
            Change::Break(what) => network.put_on(what).await,
            Change::Mend(what) => network.take_back(what).await.map(drop),
            Change::Clear(which) => network.clear(which).await.map(drop),
        }
    }
}

/// Returns the change of faults that a command is to make, if it makes one.
///
/// # Errors
/// Fails if the command would refuse its words, or the profile that they name.
pub(crate) fn change_of(shell: &Shell, call: &Call) -> Result<Option<Change>, ShellError> {
    Ok(Some(match call.spec.name {
        "kill" | "stop" | "start" | "restart" | "refuse" => process_of(call)?,
        "disk" => disk_of(call)?,
        "link" => link_of(call)?.2,
        "path" => path_of(call)?.1,
        "partition" => partition_of(call)?.1,
        "heal" => Change::Mend(heal_of(call)?),
        "flap" => flap_of(call)?,
        "faults" => return list::change_of(shell.access().profiles(), call),
        _ => return Ok(None),
    }))
}

pub(crate) async fn disk<N: Network>(network: &N, call: &Call) -> Result<Answer, N::Error> {
    disk_of(call)?.make(network).await?;
    let target = Target::Disk(call.node(0)?);
    answer_about(network, &target.to_string(), false, |of| of == target).await
}

/// Returns what `disk` is to do.
pub(crate) fn disk_of(call: &Call) -> Result<Change, ShellError> {
    let (node, faults) = (call.node(0)?, disk_faults(call)?);
    let clears = check_clear(call, faults.is_none(), "--slow, --fail, --full or --corrupt")?;
    if clears { Change::Mend(Mend::Disk { node }) } else { Change::Break(Break::Disk { node, faults }) }.checked()
}

/// Returns the faults of a disk that the flags name.
fn disk_faults(call: &Call) -> Result<DiskFaults, ShellError> {
    Ok(DiskFaults {
        slow: value(call, "slow")?,
        fails: value(call, "fail")?.unwrap_or_default(),
        full: call.has("full"),
        corrupt: count(call, "corrupt")?.unwrap_or_default(),
    })
}

/// Returns the value of a flag, if it is given.
fn value<T: FromStr<Err: Display>>(call: &Call, flag: &str) -> Result<Option<T>, ShellError> {
    let parse = |text: &String| text.parse().map_err(|error: T::Err| call.wrong(format!("--{flag}: {error}")));
    call.flags.get(flag).map(parse).transpose()
}

/// Returns the value of a flag that is a number from 1, if it is given.
fn count(call: &Call, flag: &str) -> Result<Option<u32>, ShellError> {
    let parse = |text: &String| match text.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(call.wrong(format!("--{flag}: `{}` is no number from 1 to {}", visible(text), u32::MAX))),
    };
    call.flags.get(flag).map(parse).transpose()
}

/// Refuses --clear together with flags that say what is to be wrong, and a command with neither.
fn check_clear(call: &Call, is_nothing: bool, flags: &str) -> Result<bool, ShellError> {
    match (call.has("clear"), is_nothing) {
        (true, false) => Err(call.wrong("--clear stands alone".into())),
        (false, true) => Err(call.wrong(format!("say what is to be wrong: {flags}; or --clear"))),
        (is_cleared, _) => Ok(is_cleared),
    }
}

/// Returns the host and the directions that `link` is about, and what it is to do.
pub(crate) fn link_of(call: &Call) -> Result<(Peer, Option<Direction>, Change), ShellError> {
    let peer = hosts::peer(call.argument(0).unwrap_or_default()).map_err(|problem| call.wrong(problem))?;
    let direction = match (call.has("up"), call.has("down")) {
        (true, false) => Some(Direction::Up),
        (false, true) => Some(Direction::Down),
        _ => None,
    };
    let change = LinkChange { bandwidth: value(call, "bandwidth")?, queue_packets: count(call, "queue")? };
    let change = match check_clear(call, change.is_none(), "--bandwidth or --queue")? {
        true => Change::Mend(Mend::Link { peer, direction }),
        false => Change::Break(Break::Link { peer, direction, change }),
    };
    Ok((peer, direction, change.checked()?))
}

pub(crate) async fn link<N: Network>(network: &N, call: &Call) -> Result<Answer, N::Error> {
    let (peer, direction, change) = link_of(call)?;
    change.make(network).await?;
    let is_meant = |target: Target| match target {
        Target::Link(of, way) => of == peer && direction.is_none_or(|only| only == way),
        _ => false,
    };
    let name = direction.map_or_else(|| format!("the link of {peer}"), |only| Target::Link(peer, only).to_string());
    answer_about(network, &name, false, is_meant).await
}

/// Returns the paths that `path` is about, and what it is to do.
pub(crate) fn path_of(call: &Call) -> Result<(Paths, Change), ShellError> {
    let paths = hosts::paths(call.argument(0).unwrap_or_default()).map_err(|problem| call.wrong(problem))?;
    let (change, cut) = (path_change(call)?, call.has("cut"));
    let flags = "--delay, --loss, --burst, --duplicate, --corrupt, --reorder or --cut";
    let clears = check_clear(call, change.is_none() && !cut, flags)?;
    let change = match paths {
        Paths::All(peer) if clears => Change::Mend(Mend::Paths { peer }),
        Paths::All(_) if cut => return Err(call.wrong("--cut is of one path, A->B or A,B; `partition` cuts many".into())),
        Paths::All(peer) => Change::Break(Break::Paths { peer, change }),
        Paths::Between { from, to, one_way } if clears => Change::Mend(Mend::Path { from, to, one_way }),
        Paths::Between { from, to, one_way } => Change::Break(Break::Path { from, to, one_way, change, cut }),
    };
    Ok((paths, change.checked()?))
}

pub(crate) async fn path<N: Network>(network: &N, call: &Call) -> Result<Answer, N::Error> {
    let (paths, change) = path_of(call)?;
    change.make(network).await?;
    let is_meant = |target: Target| match (paths, target) {
        (Paths::All(peer), Target::Paths(of)) => of == peer,
        (Paths::Between { from, to, one_way }, Target::Path(one, other) | Target::Cut(one, other)) => {
            (one, other) == (from, to) || (!one_way && (other, one) == (from, to))
        }
        _ => false,
    };
    let (name, plural) = match paths {
        Paths::All(peer) => (Target::Paths(peer).to_string(), true),
        Paths::Between { from, to, one_way } => (format!("the path {from}{}{to}", if one_way { "->" } else { "," }), false),
    };
    answer_about(network, &name, plural, is_meant).await
}

/// Returns the changes of paths that the flags name.
fn path_change(call: &Call) -> Result<PathChange, ShellError> {
    let burst = call.flags.get("burst").map(|text| parse_bursts(text)).transpose();
    let burst = burst.map_err(|error| call.wrong(format!("--burst: {error}")))?;
    let loss = value::<Probability>(call, "loss")?.map(Loss::Independent);
    if burst.is_some() && loss.is_some() {
        return Err(call.wrong("--loss and --burst both say how packets are lost; give one of them".into()));
    }
    Ok(PathChange {
        delay: value(call, "delay")?,
        loss: loss.or(burst),
        duplicate: value(call, "duplicate")?,
        corrupt: value(call, "corrupt")?,
        reorder: value(call, "reorder")?,
    })
}

/// Returns the sides that `partition` parts, and what it is to do.
pub(crate) fn partition_of(call: &Call) -> Result<(hosts::Sides, Change), ShellError> {
    let sides = hosts::sides(&call.arguments.join(" ")).map_err(|problem| call.wrong(problem))?;
    let hosts::Sides { one, other, one_way } = sides.clone();
    Ok((sides, Change::Break(Break::Partition { one, other, one_way }).checked()?))
}

pub(crate) async fn partition<N: Network>(network: &N, call: &Call) -> Result<Answer, N::Error> {
    let (hosts::Sides { one, other, one_way }, change) = partition_of(call)?;
    let is_between = |from: &Peer, to: &Peer| one.contains(from) && other.contains(to);
    let is_named = |from: Peer, to: Peer| is_between(&from, &to) || (!one_way && is_between(&to, &from));
    let is_meant = |active: &&ActiveFault| match active.fault.target() {
        Target::Cut(from, to) => is_named(from, to),
        _ => false,
    };
    change.make(network).await?;
    let on = network.faults().await?;
    let (named, all) = (CutPaths::among(on.iter().filter(is_meant)), CutPaths::among(&on));
    let data = json!({ "healed": 0, "cut": all.len() });
    let told = match (named.told(), all.is_empty(), all.len() > named.len()) {
        (told, true, _) => told,
        (told, false, false) => with_undo(&told, "heal"),
        (told, false, true) => format!("{told}; {} are cut in all, and `heal` takes all back", all.len()),
    };
    Ok(Answer::new(View::Text(told), data))
}

/// Returns what `heal` is to take back.
pub(crate) fn heal_of(call: &Call) -> Result<Mend, ShellError> {
    let mend = match call.argument(0).map(hosts::paths).transpose().map_err(|problem| call.wrong(problem))? {
        None => Mend::Cuts,
        Some(Paths::Between { from, to, one_way }) => Mend::Cut { from, to, one_way },
        Some(Paths::All(_)) => return Err(call.wrong("name both hosts, A->B or A,B; `heal` alone heals all paths".into())),
    };
    Ok(mend.check().map(|()| mend).map_err(EngineError::from)?)
}

pub(crate) async fn heal<N: Network>(network: &N, call: &Call) -> Result<Answer, N::Error> {
    let mend = heal_of(call)?;
    let healed = CutPaths::among(&network.take_back(mend).await?);
    let on = network.faults().await?;
    let left = CutPaths::among(&on);
    let text = match (healed.is_empty(), left.is_empty()) {
        (true, true) => none_cut(&on),
        (true, false) => format!("that path was not cut; {}", left.told()),
        (false, true) => format!("healed {}; no path is cut any more", healed.names()),
        (false, false) => format!("healed {}; {}", healed.names(), left.told()),
    };
    Ok(Answer::new(View::Text(text), json!({ "healed": healed.len(), "cut": left.len() })))
}

/// Returns the answer where no path is cut, which names what takes back the other faults that are on.
fn none_cut(on: &[ActiveFault]) -> String {
    let told: Vec<(String, String)> = ToldFault::all(on).iter().map(ToldFault::in_words).collect();
    match told.as_slice() {
        [] => "no path was cut".to_owned(),
        [(words, command)] => format!("no path was cut, but {words}: `{command}` takes that back"),
        _ => format!(
            "no path was cut, but {} are on: `faults clear` takes all back, `faults` lists them",
            count_of(told.len() as u64, "other fault")
        ),
    }
}

/// Returns what `flap` is to do.
pub(crate) fn flap_of(call: &Call) -> Result<Change, ShellError> {
    let node = call.node(0)?;
    let every: Option<SimDuration> = value(call, "every")?;
    let times = count(call, "times")?;
    if check_clear(call, every.is_none() && times.is_none(), "--every SPAN")? {
        return Ok(Change::Mend(Mend::Flap { node }));
    }
    let every = every.ok_or_else(|| call.wrong("--times says how often, and --every SPAN is missing".into()))?;
    let plan = Flapping { every, times: times.unwrap_or(FLAPS) };
    Change::Break(Break::Flap { node, plan }).checked()
}

pub(crate) async fn flap<N: Network>(network: &N, call: &Call) -> Result<Answer, N::Error> {
    flap_of(call)?.make(network).await?;
    let target = Target::Flap(call.node(0)?);
    answer_about(network, &target.to_string(), false, |of| of == target).await
}

/// Returns the answer about the faults of what is called `name` that are on now.
async fn answer_about<N: Network>(
    network: &N,
    name: &str,
    plural: bool,
    is_meant: impl Fn(Target) -> bool,
) -> Result<Answer, N::Error> {
    let mut on = network.faults().await?;
    on.retain(|active| is_meant(active.fault.target()));
    let faults: Vec<String> = on.iter().map(|active| active.fault.to_string()).collect();
    let in_words = |told: ToldFault<'_>| {
        let (words, command) = told.in_words();
        with_undo(&words, &command)
    };
    let told: Vec<String> = ToldFault::in_directions(&on).map(in_words).collect();
    let unchanged = if plural { "are as they were" } else { "is as it was" };
    let text = if told.is_empty() { format!("{name} {unchanged}") } else { told.join("\n") };
    Ok(Answer::new(View::Text(text), json!({ "target": name, "faults": faults })))
}

/// Returns what is on, in words, with the command that takes it back.
fn with_undo(words: &str, command: &str) -> String {
    format!("{words}; `{command}` takes that back")
}

/// Returns the time of --within.
pub(crate) fn within(call: &Call) -> Result<SimDuration, ShellError> {
    Ok(value(call, "within")?.unwrap_or(STOP_WITHIN))
}
