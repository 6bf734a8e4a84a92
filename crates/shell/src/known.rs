//! Things other than stored files that the commands of a line need: hosts, profiles, transfers, users and the capture of packets. What is
//! known not to be there when the line begins, and what no earlier command of it can make, is refused ahead.

use std::collections::BTreeMap;

use p2p_auth::names::UserName;
use p2p_engine::faults::{ActiveFault, FaultError};
use p2p_engine::operation::ListFaults;
use p2p_engine::snapshot::{CaptureState, Peer};
use p2p_engine::transfer::{TransferId, TransferStatus};
use p2p_engine::{EngineError, Snapshot};

use crate::call::Call;
use crate::commands::faults::known_profile;
use crate::commands::files::unknown_transfer;
use crate::hosts::{members, node_of};
use crate::spec::{Kind, WAITING};
use crate::{Shell, ShellError};

/// Commands after which there may be transfers that were not there before.
pub(crate) const BEGINNING: [&str; 5] = ["upload", "download", "rm", "verify", "expect"];

/// Commands after which the transfer that they name is over.
const ENDING: [&str; 2] = ["wait", "cancel"];

/// Things of which it is known when a line begins whether they are there, and what its earlier commands may make of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Things {
    /// Transfers that the user may see, each with whether it is over; `None` if they are not known.
    transfers: Option<BTreeMap<TransferId, bool>>,
    /// True if transfers may begin.
    transfers_may_come: bool,
    /// True if accounts may be made.
    users_may_come: bool,
    /// True while packets are captured; `None` if that is not known, or if the next `capture stop` is to tell why a capture has ended.
    is_capturing: Option<bool>,
}

impl Things {
    /// Returns the things that are there when a line begins.
    pub(crate) fn of(transfers: Option<&[TransferStatus]>, snapshot: Option<&Snapshot>) -> Things {
        let is_over = |status: &TransferStatus| (status.id, status.state.is_over());
        Things {
            transfers: transfers.map(|all| all.iter().map(is_over).collect()),
            is_capturing: snapshot.and_then(|snapshot| match snapshot.figures.capture {
                CaptureState::Off => Some(false),
                CaptureState::Runs => Some(true),
                CaptureState::EndedEarly => None,
            }),
            ..Things::default()
        }
    }

    /// Checks the hosts, profiles, transfers and users that a command names.
    ///
    /// # Errors
    /// Fails with the first that is not there and cannot come.
    pub(crate) async fn check(&self, shell: &Shell, call: &Call) -> Result<(), ShellError> {
        self.check_network(shell, call).await?;
        for place in 0..call.arguments.len() {
            match (call.spec.argument_at(place).map(|argument| argument.kind), call.argument(place)) {
                (Some(Kind::TransferOrWaiting), Some(WAITING)) => {}
                (Some(Kind::Transfer | Kind::TransferOrWaiting), _) => self.check_transfer(shell, call, place).await?,
                _ => {}
            }
        }
        match user_of(call) {
            Some(user) if !self.users_may_come => {
                shell.access.user(UserName::folded(user)).await.map(drop).map_err(ShellError::from)
            }
            _ => Ok(()),
        }
    }

    /// Checks the hosts and the profiles that a command names, and that packets are captured or not as it needs.
    ///
    /// # Errors
    /// Fails with the error with which the command would be refused.
    pub(crate) async fn check_network(&self, shell: &Shell, call: &Call) -> Result<(), ShellError> {
        for place in 0..call.arguments.len() {
            let text = call.argument(place).unwrap_or_default();
            match call.spec.argument_at(place).map(|argument| argument.kind) {
                Some(Kind::Node) => require_host(shell, Peer::Node(call.node(place)?))?,
                Some(Kind::Host | Kind::Hosts) => {
                    for name in text.split([',', '|', '>']).map(|name| name.trim_end_matches('-').trim()) {
                        // What has another form is refused by the command, which says how it is written.
                        let hosts = members(name).unwrap_or_default();
                        hosts.into_iter().try_for_each(|host| require_host(shell, host))?;
                    }
                }
                Some(Kind::Profile | Kind::ProfileOrNode) => require_profile(shell, call, text).await?,
                _ => {}
            }
        }
        let nodes = call.spec.flags.iter().filter(|flag| flag.value.is_some_and(|(_, kind)| kind == Kind::Node));
        for text in nodes.filter_map(|flag| call.flags.get(flag.name)) {
            require_host(shell, Peer::Node(call.node_named(text)?))?;
        }
        match (call.spec.name, call.argument(0), self.is_capturing) {
            ("capture", Some("start"), Some(true)) => Err(EngineError::CaptureRunning.into()),
            ("capture", Some("stop"), Some(false)) => Err(EngineError::NoCapture.into()),
            _ => Ok(()),
        }
    }

    /// Refuses a transfer that is not there, and one that is to be cancelled and is over. While others are under way, more may begin before
    /// the command does.
    async fn check_transfer(&self, shell: &Shell, call: &Call, place: usize) -> Result<(), ShellError> {
        let (Some(transfer), Some(known)) = (call.transfer(place)?, &self.transfers) else { return Ok(()) };
        match known.get(&transfer) {
            Some(true) if call.spec.name == "cancel" => Err(EngineError::TransferOver(transfer).into()),
            None if !self.transfers_may_come && known.values().all(|is_over| *is_over) => {
                Err(unknown_transfer(shell, transfer).await?)
            }
            _ => Ok(()),
        }
    }

    /// Takes in what a command of this name may bring about, which an `expect` carries out or the line itself.
    ///
    /// # Errors
    /// Fails if its words name no transfer where it needs one.
    pub(crate) fn follow(&mut self, call: &Call, is_expected: bool) -> Result<(), ShellError> {
        self.transfers_may_come |= BEGINNING.contains(&call.spec.name);
        self.users_may_come |= call.spec.name == "register";
        match call.argument(0) {
            _ if call.spec.name != "capture" => {}
            _ if is_expected => self.is_capturing = None,
            action => self.is_capturing = Some(action == Some("start")),
        }
        let is_ended = !is_expected && ENDING.contains(&call.spec.name) && call.argument(0) != Some(WAITING);
        if let (true, Some(known)) = (is_ended, &mut self.transfers) {
            known.extend(call.transfer(0)?.map(|transfer| (transfer, true)));
        }
        Ok(())
    }

    /// Notes that virtual time may have passed, in which a capture may end by itself; where other lines run beside this one, one may also begin.
    pub(crate) fn pass_time(&mut self, is_alone: bool) {
        self.is_capturing = self.is_capturing.filter(|is_capturing| is_alone && !is_capturing);
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
        return known_profile(shell.access().profiles(), call, name).map(drop);
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

/// Returns the user whom a command names and who has to have an account.
fn user_of(call: &Call) -> Option<&str> {
    match (call.spec.name, call.argument(0)) {
        ("share", _) => call.argument(1),
        ("users", Some("reset")) => call.argument(1),
        _ => None,
    }
}
