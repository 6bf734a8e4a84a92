//! What each command of a line will find stored: what there is, and what the earlier commands of the line will have stored, removed and
//! moved by then.
//!
//! A name that a transfer under way stores or removes is neither there nor free for certain. What cannot be known ahead is not refused
//! ahead, but by the command itself.

mod files;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use p2p_engine::EngineError;
use p2p_engine::operation::ListTransfers;
use p2p_service::access::Identity;
use p2p_store::names::FileKey;
use p2p_store::namespace::Namespace;

use crate::breakage::Breakage;
use crate::call::Call;
use crate::commands::accounts::require_person;
use crate::commands::faults::{change_of, require_admin};
use crate::commands::session::{compare_refusal, expected_command};
use crate::held::Held;
use crate::known::{BEGINNING, Things};
use crate::spec::{Group, WAITING};
use crate::{Shell, ShellError};

/// Commands after which a file of this machine may exist that did not before.
const MAKING_FILES: [&str; 4] = ["download", "export", "capture", "report"];
/// Commands that wait for virtual time, unless they begin transfers in the background; others do with some of their arguments.
const TAKING_TIME: [&str; 10] = ["upload", "download", "rm", "verify", "sleep", "ping", "health", "stop", "start", "restart"];
/// Commands that change names. It is not known ahead whether one succeeds that an `expect` carries out.
const CHANGING_NAMES: [&str; 5] = ["upload", "rm", "mkdir", "mv", "cp"];
/// Commands after which other names may be stored than the ones before have made so.
const UNDOING_NAMES: [&str; 2] = ["cancel", "uploads"];
/// Commands after which somebody else may be the user.
const CHANGING_USER: [&str; 4] = ["login", "logout", "register", "expect"];

/// Returns true if a command waits for virtual time, whatever there is.
fn takes_time(call: &Call) -> bool {
    match (call.spec.name, call.argument(0)) {
        ("cancel", Some(WAITING)) => false,
        ("cancel", _) | ("uploads", Some(_)) | ("faults", Some("clear")) => true,
        (name, _) => TAKING_TIME.contains(&name) && !call.has("background"),
    }
}

/// Stored names and files of this machine as a command of a line will find them.
#[derive(Debug, Clone)]
pub(crate) struct Outlook {
    names: Namespace,
    /// What was stored when the line began.
    before: Namespace,
    identity: Arc<Identity>,
    /// Names of which it is not certain what is stored there.
    open: Vec<FileKey>,
    /// Files of this machine that earlier commands make.
    made: BTreeSet<PathBuf>,
    /// Files of this machine that the present command makes.
    written: BTreeSet<PathBuf>,
    may_make_files: bool,
    /// True once a command stands in the line after which another user's tree may be one's own.
    may_change_user: bool,
    /// True if time is paused, as it is when the line begins or once a command of it pauses time, until another one resumes it; `None` if
    /// that is not known ahead.
    is_paused: Option<bool>,
    /// Transfers, users and the like that are there or may come.
    things: Things,
    /// Keys, tokens and invites of the user.
    held: Held,
    /// Faults that are on.
    breakage: Breakage,
    /// False once a command stands in the line after which somebody else may be the user.
    knows_user: bool,
    /// False once a command stands in the line whose effects on names are not known ahead.
    knows_names: bool,
}

impl Outlook {
    /// Returns what the first command of a line finds.
    pub(crate) async fn of(shell: &Shell) -> Outlook {
        let transfers = shell.call(ListTransfers).await.ok();
        let open = transfers.iter().flatten().filter(|status| !status.state.is_over()).map(|status| status.file.clone());
        let snapshot = shell.access.present_snapshot().await.ok();
        let names = shell.access.names();
        Outlook {
            open: open.collect(),
            things: Things::of(transfers.as_deref(), snapshot.as_deref()),
            breakage: snapshot.as_deref().map(Breakage::of).unwrap_or_default(),
            is_paused: snapshot.map(|snapshot| snapshot.pace.is_paused),
            before: names.clone(),
            names,
            identity: shell.identity(),
            made: BTreeSet::new(),
            written: BTreeSet::new(),
            may_make_files: false,
            may_change_user: false,
            held: Held::default(),
            knows_user: true,
            knows_names: true,
        }
    }

    /// Checks the next command of the line, and takes in what it will bring about.
    ///
    /// # Errors
    /// Fails if the command would be refused.
    pub(crate) async fn take(&mut self, shell: &Shell, call: &Call) -> Result<(), ShellError> {
        self.made.append(&mut self.written);
        shell.require_place(call).await?;
        self.may_change_user |= call.spec.group == Group::Accounts;
        self.check_new_names(shell, call).await?;
        if self.knows_user {
            shell.admit(call.spec).await?;
            self.check_rights(shell, call).await?;
            self.things.check(shell, call).await?;
        }
        self.check_pace(shell, call)?;
        if self.knows_user {
            self.check_breakage(shell, call)?;
            let may_keep = !self.open.is_empty() || !self.knows_names;
            self.held.take(shell, call, self.may_make_files, may_keep).await?;
        }
        self.look(shell, call).await?;
        let expects = call.spec.name == "expect";
        let expected = if expects { expected_command(shell.table(), call) } else { None };
        if let Some(expected) = &expected {
            self.check_expected(shell, call, expected).await?;
        }
        self.follow(shell, expected.as_ref().unwrap_or(call), expects)
    }

    /// Refuses actions of commands that are for others than those whom the command is for.
    async fn check_rights(&self, shell: &Shell, call: &Call) -> Result<(), ShellError> {
        match call.spec.name {
            "faults" => require_admin(shell, call).await,
            _ => require_person(shell, call).await,
        }
    }

    fn check_breakage(&self, shell: &Shell, call: &Call) -> Result<(), ShellError> {
        let change = change_of(shell, call)?;
        Ok(change.map_or(Ok(()), |change| self.breakage.check(&change))?)
    }

    /// Refuses an expectation whose command is known to be refused with another text: one that breaks or mends what is not as it needs it. What
    /// others are refused for is compared when they are.
    async fn check_expected(&self, shell: &Shell, call: &Call, expected: &Call) -> Result<(), ShellError> {
        let is_meant = expected.spec.group == Group::Faults || expected.spec.name == "capture";
        let may = self.identity.is_admin() && !(expected.is_for_this_machine() && shell.access.is_remote());
        if !self.knows_user || !is_meant || !may {
            return Ok(());
        }
        let checked = match self.check_pace(shell, expected) {
            Ok(()) => self.things.check_network(shell, expected).await,
            refused => refused,
        };
        match checked.and_then(|()| self.check_breakage(shell, expected)) {
            Ok(()) => Ok(()),
            Err(error) => compare_refusal(call, &error),
        }
    }

    /// Takes in what may have become of the rest after a command, which an `expect` carries out or the line itself.
    fn follow(&mut self, shell: &Shell, call: &Call, is_expected: bool) -> Result<(), ShellError> {
        let name = call.spec.name;
        match name {
            "pause" | "resume" if is_expected => self.is_paused = None,
            "pause" => self.is_paused = Some(true),
            "resume" => self.is_paused = Some(false),
            _ => {}
        }
        self.follow_breakage(shell, call, is_expected)?;
        self.may_make_files |= MAKING_FILES.contains(&name);
        // Who is logged in stays that when another account is made.
        self.knows_user &= !CHANGING_USER.contains(&name) || (name == "register" && self.identity.name().is_some());
        let is_uncertain = UNDOING_NAMES.contains(&name) || (is_expected && CHANGING_NAMES.contains(&name));
        self.knows_names &= self.knows_user && !is_uncertain;
        Ok(())
    }

    /// Takes in what becomes of what is broken, and of the other things. Whether one succeeds that an `expect` carries out is not known.
    fn follow_breakage(&mut self, shell: &Shell, call: &Call, is_expected: bool) -> Result<(), ShellError> {
        let may_take_time = is_expected || takes_time(call) || matches!(call.spec.name, "wait" | "step");
        if may_take_time {
            self.things.pass_time(shell.is_alone);
        }
        if may_take_time && !shell.is_alone {
            self.breakage.forget();
        }
        if BEGINNING.contains(&call.spec.name) {
            self.breakage.may_store();
        }
        self.things.follow(call, is_expected)?;
        if call.spec.group == Group::Faults && (is_expected || !self.knows_user) {
            self.breakage.forget();
        } else if let Some(change) = change_of(shell, call)? {
            self.breakage.follow(&change);
        }
        Ok(())
    }

    /// Refuses a command that waits for virtual time while that is paused, and one that goes on in it while it is not, unless another line
    /// may resume or pause it.
    fn check_pace(&self, shell: &Shell, call: &Call) -> Result<(), ShellError> {
        match self.is_paused.filter(|_| shell.is_alone) {
            Some(true) if takes_time(call) => Err(ShellError::StandingStill),
            Some(false) if call.spec.name == "step" => Err(EngineError::NotPaused.into()),
            _ => Ok(()),
        }
    }
}
