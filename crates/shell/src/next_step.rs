//! Next steps after errors, each as a continuation of the error's sentence, and what an error states without one. A step is for the state of
//! now: after an error that is foretold for a later command of a line it would be a wrong one.

use p2p_auth::AuthError;
use p2p_auth::invites::InviteError;
use p2p_auth::keys::KeyError;
use p2p_auth::tokens::TokenError;
use p2p_engine::faults::FaultError;
use p2p_engine::{Denial, EngineError};
use p2p_service::access::AccessError;
use p2p_service::instance::is_nameless;

use crate::ShellError;
use crate::ahead::told_refused_as;

/// Returns the next step after an error of the engine; empty if there is none.
pub(crate) fn of_engine(error: &EngineError) -> String {
    let step = match error {
        EngineError::NotRunning(node) => return format!("; `start {node}` starts it"),
        EngineError::Fault(FaultError::BrokenElsewhere { fault, .. }) => {
            return format!("; `{}` takes that back", fault.undone_by());
        }
        EngineError::Fault(FaultError::ProfileNotOn { .. }) => "; `faults` lists those that are",
        EngineError::Denied(Denial::LoginNeeded) => "; `login NAME` logs in, `register` makes an account",
        EngineError::NotEmpty { .. } => "; `rm --recursive` removes it with all that is in it",
        EngineError::IsDirectory { .. } => "; --recursive takes all that is in it, and `ls PATH` lists that",
        EngineError::NoDirectory { .. } => "; `mkdir --parents PATH` makes it",
        EngineError::DestinationTaken { .. } => "; --force replaces it",
        EngineError::Source { reason, .. } if is_nameless(reason) => "; --as NAME says under which it is stored",
        EngineError::NameTaken { .. } => {
            "; choose another name (upload has --as NAME for it), replace that one \
             (upload, mv and cp have --force for it), or remove it with `rm`"
        }
        EngineError::NameReserved { .. } => "; `transfers` lists what is under way, and `uploads` what is kept",
        EngineError::UnknownUpload(_) => "; `uploads` lists those that are kept",
        EngineError::UploadRunning(_) => "; `uploads` shows what becomes of it",
        EngineError::BeyondEnd { .. } => "; bytes are counted from 0, and `ls` shows the sizes",
        _ => "",
    };
    step.to_owned()
}

/// Returns the next step after an error of the accounts; empty if there is none.
pub(crate) fn of_access(error: &AccessError) -> String {
    match error {
        AccessError::Auth(AuthError::Key(error)) => of_key(error),
        AccessError::Auth(AuthError::Token(error)) => of_token(error),
        AccessError::Auth(AuthError::Invite(InviteError::TooMany)) => "; `invite revoke ID` removes one".into(),
        AccessError::Auth(AuthError::Invite(InviteError::Unknown { .. })) => "; `invite list` lists them".into(),
        _ => String::new(),
    }
}

fn of_key(error: &KeyError) -> String {
    match error {
        KeyError::NameTaken { name } => format!("; `key remove {name}` removes it"),
        KeyError::TooMany => "; `key remove NAME` removes one".into(),
        KeyError::Unknown { .. } => "; `key list` lists them".into(),
        _ => String::new(),
    }
}

fn of_token(error: &TokenError) -> String {
    match error {
        TokenError::NameTaken { name } => format!("; `token revoke {name}` removes it"),
        TokenError::TooMany => "; `token revoke NAME` removes one".into(),
        TokenError::Unknown { .. } => "; `token list` lists them".into(),
        _ => String::new(),
    }
}

/// Returns what an error states, without a next step.
pub(crate) fn statement(error: &ShellError) -> String {
    match error {
        ShellError::Engine(error) => error.to_string(),
        ShellError::Access(error) => error.to_string(),
        ShellError::StandingStill => "time is paused, and cannot be resumed while this waits".into(),
        ShellError::NoneOf { error, others, files, all } => told_refused_as(statement, error, others, files, *all),
        error => error.to_string(),
    }
}
