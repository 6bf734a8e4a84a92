//! The command `faults`: what is on, what is taken back of it, and the profiles.

use p2p_base::likeness;
use p2p_base::spelling::visible;
use p2p_base::units::count_of;
use p2p_engine::faults::{ActiveFault, FaultCause, Profile};
use p2p_engine::operation::{Break, Which};
use p2p_service::profiles::{NamedProfile, Profiles};
use p2p_store::manifest::NodeNumber;
use serde_json::{Value, json};

use crate::ShellError;
use crate::answer::{Answer, View};
use crate::call::Call;
use crate::commands::faults::{Change, with_undo};
use crate::hosts;
use crate::network::{Cleared, Network};
use crate::report::{Resolution, SHOWN_MAX, Table, ToldFault, instant_of, number_column, text_column};

/// Action of the command, as its words say it.
enum Action<'a> {
    List,
    Profiles,
    Apply(&'a str),
    Clear(Option<&'a str>),
}

fn action_of(call: &Call) -> Result<Action<'_>, ShellError> {
    match (call.argument(0), call.argument(1)) {
        (Some(action), _) if call.has("parts") => {
            Err(call.wrong(format!("--parts is of the list, and `{}` is none", visible(action))))
        }
        (Some("apply"), Some(name)) => Ok(Action::Apply(name)),
        (Some("apply"), None) => Err(call.wrong("PROFILE is missing; `faults profiles` lists them".into())),
        (Some("clear"), what) => Ok(Action::Clear(what)),
        (_, Some(unexpected)) => Err(call.wrong(format!("unexpected argument `{}`", visible(unexpected)))),
        (Some("profiles"), None) => Ok(Action::Profiles),
        _ => Ok(Action::List),
    }
}

/// Refuses words that say nothing that the command does.
pub(crate) fn check_action(call: &Call) -> Result<(), ShellError> {
    action_of(call).map(drop)
}

/// Lists the faults that are on, takes them back, lists the profiles, or applies one.
pub(crate) async fn faults<N: Network>(network: &N, call: &Call) -> Result<Answer, N::Error> {
    require_admin(network, call).await?;
    match action_of(call)? {
        Action::Apply(name) => apply(network, call, name).await,
        Action::Clear(what) => clear(network, call, what).await,
        Action::Profiles => Ok(profiles(&network.profiles().await?)),
        Action::List => list(network, call.has("parts")).await,
    }
}

/// Returns the faults that are meant by the argument of `faults clear`: a profile that is on or known, or else a node.
fn which(profiles: &Profiles, call: &Call, what: Option<&str>) -> Result<Which, ShellError> {
    let Some(what) = what else { return Ok(Which::All) };
    let (node, is_profile) = (node_of_third(call)?, profiles.contains_key(what));
    match hosts::node_of(what).filter(|_| !is_profile) {
        Some(_) if node.is_some() => Err(call.wrong("two nodes are given; take them back one after the other".into())),
        Some(node) => Ok(Which::Node(node)),
        None => Ok(Which::Profile { name: what.to_owned(), node }),
    }
}

/// Returns the change of faults that the command is to make, if it makes one.
pub(super) fn change_of(profiles: &Profiles, call: &Call) -> Result<Option<Change>, ShellError> {
    Ok(match action_of(call)? {
        Action::Apply(name) => Some(Change::Break(profile_of(profiles, call, name)?.1)),
        Action::Clear(what) => Some(Change::Clear(which(profiles, call, what)?)),
        Action::Profiles | Action::List => None,
    })
}

/// Refuses an action that is for admins to other users, and records that.
pub(crate) async fn require_admin<N: Network>(network: &N, call: &Call) -> Result<(), N::Error> {
    let what = match action_of(call)? {
        Action::Apply(_) => "faults apply",
        Action::Clear(_) => "faults clear",
        Action::Profiles | Action::List => return Ok(()),
    };
    network.require_admin(what).await
}

async fn clear<N: Network>(network: &N, call: &Call, what: Option<&str>) -> Result<Answer, N::Error> {
    // Only a name that is a node's may be a profile's as well.
    let profiles = match what.and_then(hosts::node_of) {
        Some(_) => network.profiles().await?,
        None => Profiles::default(),
    };
    let which = which(&profiles, call, what)?;
    let Cleared { mut taken_back, not_running } = network.clear(which).await?;
    taken_back.sort_by_key(|active| active.fault.target());
    let told = ToldFault::all(&taken_back);
    let parts: Vec<String> = taken_back.iter().map(|active| active.fault.to_string()).collect();
    let left = not_running.iter().map(|(node, reason)| match reason {
        Some(reason) => format!("{node} does not run: {reason}"),
        None => format!("{node} does not run"),
    });
    let lines: Vec<String> = lines_of(&told).into_iter().chain(left).collect();
    let left = |(node, reason): &(NodeNumber, Option<String>)| json!({ "node": node.to_string(), "reason": reason });
    let not_running: Vec<Value> = not_running.iter().map(left).collect();
    let data = json!({ "taken_back": told.len(), "parts": parts, "not_running": not_running });
    Ok(Answer::new(View::Text(lines.join("\n")), data))
}

/// Returns how many faults were taken back, and which: one of them in the same line, and of many the first ones, each in a line that says
/// so by itself, since a small screen may show nothing but the last.
fn lines_of(told: &[ToldFault<'_>]) -> Vec<String> {
    let count = format!("{} taken back", count_of(told.len() as u64, "fault"));
    let mut names: Vec<String> = told.iter().take(SHOWN_MAX).map(|told| told.in_words().0).collect();
    match (names.as_slice(), told.len().saturating_sub(SHOWN_MAX)) {
        ([], _) => vec!["no fault is on".to_owned()],
        ([only], _) => vec![format!("{count}: {only}")],
        (_, left) => {
            names.iter_mut().for_each(|name| name.insert_str(0, "no longer: "));
            names.extend((left > 0).then(|| format!("and {left} more")));
            [vec![format!("{count}:")], names].concat()
        }
    }
}

/// Returns a profile that is to be put on, with its faults.
///
/// # Errors
/// Fails if it is not known, or if the configuration says nothing valid of it.
pub(crate) fn known_profile(profiles: &Profiles, call: &Call, name: &str) -> Result<(NamedProfile, Profile), ShellError> {
    let known = || likeness::nearest(name, profiles.keys().map(String::as_str)).into_iter().next();
    let unknown = || match known() {
        Some(near) => format!("there is no profile `{}`; did you mean `{near}`?", visible(name)),
        None => format!("there is no profile `{}`; `faults profiles` lists them", visible(name)),
    };
    let found = profiles.get(name).ok_or_else(|| call.wrong(unknown()))?;
    let profile = found.profile.clone().map_err(|problem| call.wrong(problem))?;
    Ok((found.clone(), profile))
}

/// Returns a profile with what puts it on.
fn profile_of(profiles: &Profiles, call: &Call, name: &str) -> Result<(NamedProfile, Break), ShellError> {
    let (found, profile) = known_profile(profiles, call, name)?;
    Ok((found, Break::Profile { name: name.to_owned(), node: node_of_third(call)?, profile: Box::new(profile) }))
}

/// Returns the node that follows the profile, if one does.
fn node_of_third(call: &Call) -> Result<Option<NodeNumber>, ShellError> {
    call.argument(2).map(|_| call.node(2)).transpose()
}

async fn apply<N: Network>(network: &N, call: &Call, name: &str) -> Result<Answer, N::Error> {
    let (found, applied) = profile_of(&network.profiles().await?, call, name)?;
    let node = node_of_third(call)?;
    network.put_on(applied).await?;
    let on = node.map_or_else(|| "all nodes".to_owned(), |node| node.to_string());
    let is_on = network.faults().await?.iter().any(|active| active.causes().any(|cause| cause.profile() == Some(name)));
    let undo = node.map_or_else(|| format!("faults clear {name}"), |node| format!("faults clear {name} {node}"));
    // The summary stands in a file that may be another's.
    let text = match is_on {
        true => with_undo(&format!("{name} is on for {on}: {}", visible(&found.described())), &undo),
        false => format!("{name} changes nothing for {on}: all is so already"),
    };
    Ok(Answer::new(View::Text(text), json!({ "profile": name, "node": node.map(|node| node.to_string()), "on": is_on })))
}

fn profiles(profiles: &Profiles) -> Answer {
    let rows = profiles
        .iter()
        .map(|(name, found)| {
            vec![visible(name).into_owned(), visible(&found.described()).into_owned(), visible(&found.origin).into_owned()]
        })
        .collect();
    let columns = vec![text_column("profile"), text_column("what it does"), text_column("from")];
    let json = |(name, found): (&String, &NamedProfile)| {
        let error = found.profile.as_ref().err();
        json!({ "profile": name, "summary": found.described(), "from": found.origin, "error": error })
    };
    Answer::new(View::Table(Table { columns, rows, empty: "there are no profiles" }), profiles.iter().map(json).collect())
}

/// Lists what is on. What one profile has put on is one row, and so are both directions of a link or a path, unless all parts are wanted;
/// data has all parts.
async fn list<N: Network>(network: &N, in_parts: bool) -> Result<Answer, N::Error> {
    let on = network.faults().await?;
    let told = if in_parts { on.iter().map(ToldFault::One).collect() } else { ToldFault::all(&on) };
    let rows = told.iter().map(row).collect();
    let columns = vec![text_column("fault"), number_column("since"), text_column("by"), text_column("taken back by")];
    let table = Table { columns, rows, empty: "no fault is on" };
    Ok(Answer::new(View::Table(table), on.iter().map(fault_data).collect()))
}

fn row(told: &ToldFault<'_>) -> Vec<String> {
    let (fault, undo) = told.in_words();
    let (fault, since, users) = match told {
        ToldFault::One(active) | ToldFault::BothWays(active) => (fault, active.since, active.users()),
        ToldFault::Profile(_, parts) => {
            let since = parts.iter().map(|active| active.since).min().unwrap_or_default();
            (format!("{fault}; `faults --parts` lists them"), since, users_of(parts))
        }
    };
    let by = if users.is_empty() { "-".to_owned() } else { users.join(", ") };
    vec![fault, instant_of(since, Resolution::Millis), by, undo]
}

/// Returns the names of all users who have put on some of these faults, each once.
fn users_of<'a>(parts: &[&'a ActiveFault]) -> Vec<&'a str> {
    let mut users: Vec<&str> = Vec::new();
    for user in parts.iter().flat_map(|active| active.users()) {
        if !users.contains(&user) {
            users.push(user);
        }
    }
    users
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
