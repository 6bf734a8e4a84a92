//! The implementations of the commands that break parts of the network on purpose.

use std::fmt::Display;
use std::str::FromStr;

use p2p_base::likeness;
use p2p_base::spelling::visible;
use p2p_base::units::{Probability, SimDuration};
use p2p_engine::faults::{
    ActiveFault, ClearedFaults, DiskFaults, FLAPS, FaultCause, Flapping, LinkChange, PathChange, Target, parse_bursts,
};
use p2p_engine::operation::{Break, ClearFaults, ListFaults, Mend, STOP_WITHIN};
use p2p_net::{Direction, Loss};
use p2p_service::profiles::NamedProfile;
use p2p_store::manifest::NodeNumber;
use p2p_store::standing::Trouble;
use serde_json::{Value, json};

use crate::answer::{Answer, View};
use crate::call::Call;
use crate::hosts;
use crate::report::{Table, number_column, seconds_of, text_column};
use crate::{Shell, ShellError};

pub(crate) async fn kill(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let node = call.node(0)?;
    shell.call(Break::Kill { node }).await?;
    Ok(process(node, "killed"))
}

pub(crate) async fn stop(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let (node, within) = (call.node(0)?, within(call)?);
    shell.wait_for(Break::Stop { node, within }).await?;
    Ok(process(node, "stopped"))
}

pub(crate) async fn start(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let node = call.node(0)?;
    shell.wait_for(Mend::Process { node }).await?;
    Ok(process(node, "running"))
}

pub(crate) async fn restart(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let (node, within) = (call.node(0)?, within(call)?);
    shell.wait_for(Break::Restart { node, within }).await?;
    Ok(process(node, "running"))
}

pub(crate) async fn refuse(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let node = call.node(0)?;
    shell.call(Break::Refuse { node }).await?;
    Ok(process(node, "refusing"))
}

pub(crate) async fn disk(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let node = call.node(0)?;
    let faults = disk_faults(call)?;
    if check_clear(call, faults.is_none(), "--slow, --fail, --full or --corrupt")? {
        shell.call(Mend::Disk { node }).await?;
    } else {
        shell.call(Break::Disk { node, faults }).await?;
    }
    let target = Target::Disk(node);
    answer_about(shell, &target.to_string(), |of| of == target).await
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

pub(crate) async fn link(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let peer = hosts::peer(call.argument(0).unwrap_or_default()).map_err(|problem| call.wrong(problem))?;
    let direction = match (call.has("up"), call.has("down")) {
        (true, false) => Some(Direction::Up),
        (false, true) => Some(Direction::Down),
        _ => None,
    };
    let change = LinkChange { bandwidth: value(call, "bandwidth")?, queue_packets: count(call, "queue")? };
    if check_clear(call, change.is_none(), "--bandwidth or --queue")? {
        shell.call(Mend::Link { peer, direction }).await?;
    } else {
        shell.call(Break::Link { peer, direction, change }).await?;
    }
    let is_meant = |target: Target| match target {
        Target::Link(of, way) => of == peer && direction.is_none_or(|only| only == way),
        _ => false,
    };
    let name = direction.map_or_else(|| format!("the link of {peer}"), |only| Target::Link(peer, only).to_string());
    answer_about(shell, &name, is_meant).await
}

pub(crate) async fn path(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let (from, to, one_way) = hosts::path(call.argument(0).unwrap_or_default()).map_err(|problem| call.wrong(problem))?;
    let burst = call.flags.get("burst").map(|text| parse_bursts(text)).transpose();
    let burst = burst.map_err(|error| call.wrong(format!("--burst: {error}")))?;
    let loss = value::<Probability>(call, "loss")?.map(Loss::Independent);
    if burst.is_some() && loss.is_some() {
        return Err(call.wrong("--loss and --burst both say how packets are lost; give one of them".into()));
    }
    let change = PathChange {
        delay: value(call, "delay")?,
        loss: loss.or(burst),
        duplicate: value(call, "duplicate")?,
        corrupt: value(call, "corrupt")?,
        reorder: value(call, "reorder")?,
    };
    let cut = call.has("cut");
    let flags = "--delay, --loss, --burst, --duplicate, --corrupt, --reorder or --cut";
    if check_clear(call, change.is_none() && !cut, flags)? {
        shell.call(Mend::Path { from, to, one_way }).await?;
    } else {
        shell.call(Break::Path { from, to, one_way, change, cut }).await?;
    }
    let is_meant = |target: Target| match target {
        Target::Path(one, other) | Target::Cut(one, other) => {
            (one, other) == (from, to) || (!one_way && (other, one) == (from, to))
        }
        _ => false,
    };
    answer_about(shell, &format!("the path {from}{}{to}", if one_way { "->" } else { "," }), is_meant).await
}

pub(crate) async fn partition(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let text = call.arguments.join(" ");
    let hosts::Sides { one, other, one_way } = hosts::sides(&text).map_err(|problem| call.wrong(problem))?;
    shell.call(Break::Partition { one, other, one_way }).await?;
    cuts(shell).await
}

pub(crate) async fn heal(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let one = call.argument(0).map(hosts::path).transpose().map_err(|problem| call.wrong(problem))?;
    shell.call(one.map_or(Mend::Cuts, |(from, to, one_way)| Mend::Cut { from, to, one_way })).await?;
    cuts(shell).await
}

/// Returns the answer about the paths that are cut now.
async fn cuts(shell: &Shell) -> Result<Answer, ShellError> {
    let is_cut = |active: &ActiveFault| matches!(active.fault.target(), Target::Cut(..));
    let cut = shell.call(ListFaults).await?.iter().filter(|active| is_cut(active)).count();
    let text = match cut {
        0 => "no path is cut".to_owned(),
        1 => "1 path is cut".to_owned(),
        count => format!("{count} paths are cut"),
    };
    Ok(Answer::new(View::Text(text), json!({ "cut": cut })))
}

pub(crate) async fn flap(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let node = call.node(0)?;
    let every: Option<SimDuration> = value(call, "every")?;
    let times = count(call, "times")?;
    if check_clear(call, every.is_none() && times.is_none(), "--every SPAN")? {
        shell.wait_for(Mend::Flap { node }).await?;
    } else if let Some(every) = every {
        let plan = Flapping { every, times: times.unwrap_or(FLAPS) };
        shell.call(Break::Flap { node, plan }).await?;
    } else {
        return Err(call.wrong("--times says how often, and --every SPAN is missing".into()));
    }
    let target = Target::Flap(node);
    answer_about(shell, &target.to_string(), |of| of == target).await
}

/// Returns the answer about the faults of what is called `name` that are on now.
async fn answer_about(shell: &Shell, name: &str, is_meant: impl Fn(Target) -> bool) -> Result<Answer, ShellError> {
    let on = shell.call(ListFaults).await?.into_iter().filter(|active| is_meant(active.fault.target()));
    let faults: Vec<String> = on.map(|active| active.fault.to_string()).collect();
    let text = if faults.is_empty() { format!("{name} is as it was") } else { faults.join("\n") };
    Ok(Answer::new(View::Text(text), json!({ "target": name, "faults": faults })))
}

/// Returns the time of --within.
fn within(call: &Call) -> Result<SimDuration, ShellError> {
    Ok(value(call, "within")?.unwrap_or(STOP_WITHIN))
}

/// Returns the answer about what a node's process does now.
fn process(node: NodeNumber, state: &str) -> Answer {
    let said = if state == "running" { "runs".to_owned() } else { format!("is {state}") };
    Answer::new(View::Text(format!("{node} {said}")), json!({ "node": node.to_string(), "process": state }))
}

/// Lists the faults that are on, takes them all back, lists the profiles, or applies one.
pub(crate) async fn faults(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    match (call.argument(0), call.argument(1)) {
        (Some("apply"), Some(name)) => apply(shell, call, name).await,
        (Some("apply"), None) => Err(call.wrong("PROFILE is missing; `faults profiles` lists them".into())),
        (_, Some(unexpected)) => Err(call.wrong(format!("unexpected argument `{}`", visible(unexpected)))),
        (Some("clear"), None) => clear(shell).await,
        (Some("profiles"), None) => Ok(profiles(shell)),
        _ => list(shell).await,
    }
}

async fn clear(shell: &Shell) -> Result<Answer, ShellError> {
    shell.access().require_admin(&shell.identity(), "faults clear").await?;
    let ClearedFaults { taken_back, not_running } = shell.wait_for(ClearFaults).await?;
    let count = taken_back.len();
    let taken_back = format!("{count} {} taken back", if count == 1 { "fault" } else { "faults" });
    let why = |trouble: &Option<Trouble>| trouble.as_ref().map(ToString::to_string);
    let left = not_running.iter().map(|(node, trouble)| match why(trouble) {
        Some(reason) => format!("{node} does not run: {reason}"),
        None => format!("{node} does not run"),
    });
    let lines: Vec<String> = std::iter::once(taken_back).chain(left).collect();
    let left = |(node, trouble): &(NodeNumber, Option<Trouble>)| json!({ "node": node.to_string(), "reason": why(trouble) });
    let not_running: Vec<Value> = not_running.iter().map(left).collect();
    Ok(Answer::new(View::Text(lines.join("\n")), json!({ "taken_back": count, "not_running": not_running })))
}

async fn apply(shell: &Shell, call: &Call, name: &str) -> Result<Answer, ShellError> {
    shell.access().require_admin(&shell.identity(), "faults apply").await?;
    let profiles = shell.access().profiles();
    let known = || likeness::nearest(name, profiles.keys().map(String::as_str)).into_iter().next();
    let unknown = || match known() {
        Some(near) => format!("there is no profile `{}`; did you mean `{near}`?", visible(name)),
        None => format!("there is no profile `{}`; `faults profiles` lists them", visible(name)),
    };
    let found = profiles.get(name).ok_or_else(|| call.wrong(unknown()))?;
    let node = call.argument(2).map(|_| call.node(2)).transpose()?;
    let profile = Box::new(found.profile.clone());
    shell.call(Break::Profile { name: name.to_owned(), node, profile }).await?;
    let on = node.map_or_else(|| "all nodes".to_owned(), |node| node.to_string());
    // The summary stands in a file that may be another's.
    let text = format!("{name} is on for {on}: {}", visible(&found.summary));
    Ok(Answer::new(View::Text(text), json!({ "profile": name, "node": node.map(|node| node.to_string()) })))
}

fn profiles(shell: &Shell) -> Answer {
    let profiles = shell.access().profiles();
    let rows = profiles
        .iter()
        .map(|(name, found)| vec![name.clone(), visible(&found.summary).into_owned(), found.origin.clone()])
        .collect();
    let columns = vec![text_column("profile"), text_column("what it does"), text_column("from")];
    let json =
        |(name, found): (&String, &NamedProfile)| json!({ "profile": name, "summary": found.summary, "from": found.origin });
    Answer::new(View::Table(Table { columns, rows, empty: "there are no profiles" }), profiles.iter().map(json).collect())
}

async fn list(shell: &Shell) -> Result<Answer, ShellError> {
    let on = shell.call(ListFaults).await?;
    let row = |active: &ActiveFault| {
        let users = active.users();
        let by = if users.is_empty() { "-".to_owned() } else { users.join(", ") };
        let (what, since) = (active.fault.to_string(), seconds_of(active.since.as_secs_f64()));
        vec![what, since, by, active.fault.undone_by()]
    };
    let columns = vec![text_column("fault"), number_column("since"), text_column("by"), text_column("taken back by")];
    let table = Table { columns, rows: on.iter().map(row).collect(), empty: "no fault is on" };
    Ok(Answer::new(View::Table(table), on.iter().map(fault_data).collect()))
}

fn fault_data(active: &ActiveFault) -> Value {
    let reason = |cause: &FaultCause| json!({ "by": cause.by(), "profile": cause.profile() });
    json!({
        "target": active.fault.target().to_string(),
        "kind": active.fault.name(),
        "fault": active.fault.to_string(),
        "since_seconds": active.since.as_secs_f64(),
        "by": active.cause.by(),
        "profile": active.cause.profile(),
        "added": active.added.iter().map(reason).collect::<Vec<_>>(),
        "undo": active.fault.undone_by(),
    })
}
