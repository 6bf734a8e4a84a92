//! Things other than stored files that the commands of a line name: hosts, profiles, transfers and users. What is known not to be there when
//! the line begins, and what no earlier command of it can make, is refused ahead.

use p2p_auth::names::UserName;
use p2p_engine::EngineError;
use p2p_engine::faults::{ActiveFault, FaultError};
use p2p_engine::operation::{ListFaults, ListTransfers};
use p2p_engine::snapshot::Peer;

use crate::call::Call;
use crate::commands::faults::known_profile;
use crate::commands::files::own_transfer;
use crate::hosts::{node_of, peer};
use crate::spec::{Kind, WAITING};
use crate::{Shell, ShellError};

/// What earlier commands of a line may make that the later ones name.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct MayCome {
    /// True if transfers may begin.
    pub(crate) transfers: bool,
    /// True if accounts may be made.
    pub(crate) users: bool,
}

/// Checks the hosts, profiles, transfers and users that a command names.
///
/// # Errors
/// Fails with the first that is not there and cannot come.
pub(crate) async fn check_things(shell: &Shell, call: &Call, may_come: MayCome) -> Result<(), ShellError> {
    for place in 0..call.arguments.len() {
        let text = call.argument(place).unwrap_or_default();
        match call.spec.argument_at(place).map(|argument| argument.kind) {
            Some(Kind::Node) => require_host(shell, Peer::Node(call.node(place)?))?,
            Some(Kind::Host | Kind::Hosts) => {
                for name in text.split([',', '|', '>']).map(|name| name.trim_end_matches('-').trim()) {
                    // What has another form is refused by the command, which says how it is written.
                    peer(name).map_or(Ok(()), |host| require_host(shell, host))?;
                }
            }
            Some(Kind::Profile | Kind::ProfileOrNode) => require_profile(shell, call, text).await?,
            Some(Kind::TransferOrWaiting) if text == WAITING => {}
            Some(Kind::Transfer | Kind::TransferOrWaiting) if !may_come.transfers => require_transfer(shell, call, place).await?,
            _ => {}
        }
    }
    match user_of(call) {
        Some(user) if !may_come.users => shell.access.user(UserName::folded(user)).await.map(drop).map_err(ShellError::from),
        _ => Ok(()),
    }
}

/// Refuses a host that the network does not have.
fn require_host(shell: &Shell, host: Peer) -> Result<(), ShellError> {
    let snapshot = shell.access.snapshot();
    let is_there = match host {
        Peer::Client => true,
        Peer::Node(node) => snapshot.figures.nodes.iter().any(|known| known.node == node),
    };
    if is_there { Ok(()) } else { Err(EngineError::UnknownHost(host).into()) }
}

/// Refuses a profile that is to be put on and is not known, and one to be taken back that is neither known nor on: it may be on without being
/// known any more.
async fn require_profile(shell: &Shell, call: &Call, name: &str) -> Result<(), ShellError> {
    if call.argument(0) == Some("apply") {
        return known_profile(shell, call, name).map(drop);
    }
    match node_of(name) {
        _ if shell.access.profiles().contains_key(name) => Ok(()),
        Some(node) => require_host(shell, Peer::Node(node)),
        None => {
            let is_on = |active: &ActiveFault| active.causes().any(|cause| cause.profile() == Some(name));
            if shell.call(ListFaults).await?.iter().any(is_on) {
                return Ok(());
            }
            Err(EngineError::from(FaultError::ProfileNotOn { name: name.to_owned(), node: None }).into())
        }
    }
}

/// Refuses a transfer that is not there. While others are under way, more may begin before the command does.
async fn require_transfer(shell: &Shell, call: &Call, place: usize) -> Result<(), ShellError> {
    let Some(transfer) = call.transfer(place)? else { return Ok(()) };
    let all = shell.call(ListTransfers).await?;
    if all.iter().any(|status| !status.state.is_over()) { Ok(()) } else { own_transfer(shell, transfer).await }
}

/// Returns the user whom a command names and who has to have an account.
fn user_of(call: &Call) -> Option<&str> {
    match (call.spec.name, call.argument(0)) {
        ("share", _) => call.argument(1),
        ("users", Some("reset")) => call.argument(1),
        _ => None,
    }
}
