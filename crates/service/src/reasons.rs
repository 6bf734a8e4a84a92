//! Reasons: the names by which programs tell errors of one kind apart, and what they can use of an error beside its text. The table in
//! docs/errors.md is made from the names.
//!
//! The kind of an error says what its caller can do, and its reason what it was about. Reasons are for services whose protocol has a
//! place for them, as the `ErrorInfo` of gRPC.

use std::time::Duration;

use p2p_auth::AuthError;
use p2p_auth::invites::InviteError;
use p2p_auth::keys::KeyError;
use p2p_auth::names::NameError;
use p2p_auth::tokens::TokenError;
use p2p_engine::transfer::TransferError;
use p2p_engine::{Denial, EngineError, ErrorKind};

use crate::access::AccessError;

/// Domain of the reasons: the program that defines them.
pub const DOMAIN: &str = "p2p";

/// Time after which a request may be repeated that a part of the system could not answer.
pub const SOON: Duration = Duration::from_secs(1);

/// Defines the names with their meanings, so that there is no second list.
macro_rules! names {
    ($($name:ident $meaning:literal,)*) => {
        /// Names of the reasons.
        pub mod name {
            $(#[doc = $meaning] pub const $name: &str = stringify!($name);)*
        }

        /// All names with their meanings, as sentences.
        pub const NAMES: &[(&str, &str)] = &[$((stringify!($name), $meaning)),*];
    };
}

names! {
    ACCOUNT_LIMIT "The user, or the server, has as many tokens or invites as there may be",
    ADMIN_ONLY "The operation is for admins",
    ALREADY_SO "The state that is asked for is there already",
    ANOTHER_TREE "The path is among the files of another user",
    CANCELLED "The transfer was cancelled",
    CATALOG "The catalog cannot do it, or cannot say whether it is done",
    CODE_NEEDED "The password is right, and a code of the second factor is needed too",
    CODE_REFUSED "The code is wrong, too old or used already",
    CONTENT_DIFFERS "The content has another SHA-256 than the request says",
    CROSS_SITE "The request comes from a page of another site, or without the token of the page",
    DATA_LOST "Segments of the file are lost or damaged",
    DIRECTORY_NOT_EMPTY "The directory has something in it",
    DISK "The disk of a node, or the data directory, cannot be used",
    EMAIL_TAKEN "An account has the address already",
    ENDING "The server ends",
    FAULT "The fault cannot be put on or taken back",
    INTERNAL "A bug of the program, or a failure of the system that it does not know",
    INTO_ITSELF "A directory cannot be moved into itself",
    INVALID_FIELD "A field of the request has no valid value",
    IS_DIRECTORY "The path is a directory where a file is needed",
    LAPSED "The login took too long, failed too often, or was overtaken by a change of the account",
    LOCAL_ONLY "Only the terminal of the program may do that",
    LOGIN_NEEDED "Nobody is logged in",
    LOGIN_REFUSED "The name, the password or both are wrong",
    MEDIA_TYPE "The body has another media type than those that are read here",
    METHOD "What the request names has no such method",
    NAME_TAKEN "What has the name is there already",
    NOT_DIRECTORY "The path is a file where a directory is needed",
    NOT_FOUND "What the request names is not there, or the caller may not see it",
    NO_ACCOUNTS "No account exists yet",
    NO_ROOM "The nodes have no room",
    OUT_OF_RANGE "A position or a time lies beyond what is possible",
    OVER_QUOTA "The quota of the user is used up",
    PASSWORD_REFUSED "The new password violates the rules",
    READ_ONLY "The file is another user's, who has shared it for reading",
    REGISTRATION_REFUSED "The registration is not admitted: no valid setup token, no valid invite, or nobody may; or an invite would admit nobody",
    REMOVED "The file was removed in the meantime",
    REQUEST_LIMIT "The request, or a part of it, is longer or slower than it may be",
    SCOPE "The API token does not cover the operation",
    SEGMENT_NEEDED "The segment is needed by files or by other users, and the caller does not keep it",
    SESSION_ONLY "The operation needs a session, which an API token is not",
    SESSION_OVER "The session is over",
    STATE "The state does not permit it now",
    STORE_ONLY "The directory is another user's, who has shared it for storing new files",
    TAKEN_OVER "Another client goes on with the upload",
    TOKEN_REFUSED "The API token is unknown, expired or revoked",
    TOO_LARGE "The file has more segments than a file may have",
    TOO_MANY_ATTEMPTS "Too many attempts have failed; the time to wait is told",
    TOO_MANY_REQUESTS "The user, or the address, makes more requests than it may",
    UNAVAILABLE "Nodes do not answer, or another part of the system cannot be used now",
    UNDER_WAY "The same is under way already",
    UPLOAD_DIFFERS "The content is not that of the upload that is kept",
    WRONG_HOST "The request names another host than this server",
}

/// What a program can use of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Name of the reason, of [`NAMES`].
    pub name: &'static str,
    /// Time after which the request may be repeated, if that can help.
    pub retry_after: Option<Duration>,
    /// Field of the request that has no valid value.
    pub field: Option<&'static str>,
    /// Quota that is used up: `tokens`, `invites`, `files`, or `segments` for requests about single segments at once.
    pub quota: Option<&'static str>,
    /// Kind and name of what the error is about.
    pub resource: Option<(&'static str, String)>,
}

impl Reason {
    /// Returns the reason of an error.
    pub fn of(error: &AccessError) -> Reason {
        let reason = match error {
            AccessError::NoAccounts => named(name::NO_ACCOUNTS),
            AccessError::InvitesClosed => named(name::REGISTRATION_REFUSED),
            AccessError::SessionOnly { .. } => named(name::SESSION_ONLY),
            AccessError::AnotherTree { path } => named(name::ANOTHER_TREE).about("file", path),
            AccessError::Nameless { .. } => named(name::INVALID_FIELD).in_field("path"),
            AccessError::UserChanging => named(name::UNAVAILABLE),
            AccessError::Auth(error) => of_account(error),
            AccessError::Engine(error) => of_engine(error),
        };
        match error.kind() {
            ErrorKind::Unavailable if reason.retry_after.is_none() => Reason { retry_after: Some(SOON), ..reason },
            _ => reason,
        }
    }

    fn about(self, kind: &'static str, name: impl ToString) -> Reason {
        Reason { resource: Some((kind, name.to_string())), ..self }
    }

    fn in_field(self, field: &'static str) -> Reason {
        Reason { field: Some(field), ..self }
    }

    fn of_quota(self, quota: &'static str) -> Reason {
        Reason { quota: Some(quota), ..self }
    }
}

const fn named(name: &'static str) -> Reason {
    Reason { name, retry_after: None, field: None, quota: None, resource: None }
}

/// Returns the reason of an error of the accounts. Nothing tells whether an account exists to whoever is not logged in to it.
fn of_account(error: &AuthError) -> Reason {
    match error {
        AuthError::Database(_) => named(name::CATALOG),
        AuthError::NoChance { .. } | AuthError::Internal { .. } => named(name::INTERNAL),
        AuthError::Name(NameError::User(_) | NameError::Token | NameError::Key) => named(name::INVALID_FIELD).in_field("name"),
        AuthError::Name(NameError::Email(_)) => named(name::INVALID_FIELD).in_field("email"),
        AuthError::Token(error) => of_token(error),
        AuthError::Key(error) => of_key(error),
        AuthError::Invite(InviteError::TooMany) => named(name::ACCOUNT_LIMIT).of_quota("invites"),
        AuthError::Invite(InviteError::Lifetime) => named(name::OUT_OF_RANGE).in_field("expires_at"),
        AuthError::Invite(InviteError::Unknown { id }) => named(name::NOT_FOUND).about("invite", id),
        AuthError::Invite(_) => named(name::REGISTRATION_REFUSED),
        AuthError::Password(_) => named(name::PASSWORD_REFUSED).in_field("password"),
        AuthError::NameTaken { name } => named(name::NAME_TAKEN).about("user", name),
        AuthError::EmailTaken { .. } => named(name::EMAIL_TAKEN),
        AuthError::WrongLogin | AuthError::WrongPassword => named(name::LOGIN_REFUSED),
        AuthError::WrongCode => named(name::CODE_REFUSED),
        AuthError::Wait { seconds } => {
            Reason { retry_after: Some(Duration::from_secs(*seconds)), ..named(name::TOO_MANY_ATTEMPTS) }
        }
        AuthError::Lapsed => named(name::LAPSED),
        AuthError::SessionOver => named(name::SESSION_OVER),
        AuthError::UnknownSession { id } => named(name::NOT_FOUND).about("session", id),
        AuthError::UnknownUser { name } => named(name::NOT_FOUND).about("user", name),
        AuthError::OtpEnabled => named(name::ALREADY_SO),
        AuthError::NothingBegun | AuthError::OwnReset | AuthError::OtpDisabled => named(name::STATE),
    }
}

fn of_token(error: &TokenError) -> Reason {
    match error {
        TokenError::Refused => named(name::TOKEN_REFUSED),
        TokenError::NameTaken { name } => named(name::NAME_TAKEN).about("token", name),
        TokenError::TooMany => named(name::ACCOUNT_LIMIT).of_quota("tokens"),
        TokenError::Lifetime => named(name::OUT_OF_RANGE).in_field("expires_at"),
        TokenError::AdminScope => named(name::ADMIN_ONLY),
        TokenError::AdminPath => named(name::INVALID_FIELD).in_field("path"),
        TokenError::Unknown { name } => named(name::NOT_FOUND).about("token", name),
    }
}

fn of_key(error: &KeyError) -> Reason {
    match error {
        KeyError::PublicKey(_) => named(name::INVALID_FIELD).in_field("key"),
        KeyError::NameTaken { name } => named(name::NAME_TAKEN).about("key", name),
        KeyError::Known { name } => named(name::ALREADY_SO).about("key", name),
        KeyError::TooMany => named(name::ACCOUNT_LIMIT).of_quota("keys"),
        KeyError::Unknown { name } => named(name::NOT_FOUND).about("key", name),
    }
}

fn of_denial(denial: &Denial) -> Reason {
    match denial {
        Denial::LoginNeeded => named(name::LOGIN_NEEDED),
        Denial::OperatorIsLocal => named(name::NO_ACCOUNTS),
        Denial::LocalOnly => named(name::LOCAL_ONLY),
        Denial::AdminOnly { .. } => named(name::ADMIN_ONLY),
        Denial::Scope { .. } | Denial::Limited { .. } => named(name::SCOPE),
        Denial::ReadOnly(key) => named(name::READ_ONLY).about("file", key),
        Denial::StoreOnly(key) => named(name::STORE_ONLY).about("file", key),
        Denial::UnknownFile(key) => named(name::NOT_FOUND).about("file", key),
        Denial::UnknownTransfer(transfer) => named(name::NOT_FOUND).about("transfer", transfer),
        Denial::UnknownUpload(upload) => named(name::NOT_FOUND).about("upload", upload),
        Denial::UnknownSegment { id, .. } => named(name::NOT_FOUND).about("segment", id),
    }
}

fn of_engine(error: &EngineError) -> Reason {
    use EngineError as E;
    match error {
        E::Denied(denial) => of_denial(denial),
        E::Name(_) => named(name::INVALID_FIELD).in_field("path"),
        E::NameTaken { name } | E::NameReserved { name } => named(name::NAME_TAKEN).about("file", name),
        E::IsDirectory { name } => named(name::IS_DIRECTORY).about("directory", name),
        E::NotDirectory { name } => named(name::NOT_DIRECTORY).about("file", name),
        E::NoDirectory { name } => named(name::NOT_FOUND).about("directory", name),
        E::NotEmpty { name } => named(name::DIRECTORY_NOT_EMPTY).about("directory", name),
        E::IntoItself { name } => named(name::INTO_ITSELF).about("directory", name),
        E::UnknownFile { file, .. } => named(name::NOT_FOUND).about("file", file),
        E::NoRoom { .. } | E::NodesFull { .. } => named(name::NO_ROOM),
        E::OverQuota { .. } | E::OwnerOverQuota { .. } => named(name::OVER_QUOTA).of_quota("files"),
        E::TooManySegments { .. } => named(name::TOO_LARGE),
        E::BeyondEnd { name, .. } => named(name::OUT_OF_RANGE).about("file", name),
        E::UnknownHost(host) => named(name::NOT_FOUND).about("host", host),
        E::UnknownTransfer(transfer) => named(name::NOT_FOUND).about("transfer", transfer),
        E::UnknownUpload(upload) => named(name::NOT_FOUND).about("upload", upload),
        E::UnknownSegment { id, .. } => named(name::NOT_FOUND).about("segment", id),
        E::SegmentNeeded { id, .. } => named(name::SEGMENT_NEEDED).about("segment", id),
        E::NodeFull { node } => named(name::NO_ROOM).about("host", node),
        E::TooManyExchanges { .. } => Reason { retry_after: Some(SOON), ..named(name::TOO_MANY_REQUESTS).of_quota("segments") },
        E::NodeFailed { node, .. } => named(of_node(error.kind())).about("host", node),
        E::UploadLonger { .. } => named(name::UPLOAD_DIFFERS),
        E::ContentDiffers { name, .. } => named(name::CONTENT_DIFFERS).about("file", name),
        E::UploadDiffers { name, .. } => named(name::UPLOAD_DIFFERS).about("file", name),
        E::UploadRunning(upload) => named(name::UNDER_WAY).about("upload", upload),
        E::TransferFailed { error, name, .. } => of_transfer(error).about("file", name),
        E::Running(_) | E::CaptureRunning => named(name::ALREADY_SO),
        E::Fault(_) => named(name::FAULT),
        E::Catalog(_) | E::CatalogMissing { .. } => named(name::CATALOG),
        E::Source { .. } | E::Destination { .. } | E::DestinationTaken { .. } => named(name::LOCAL_ONLY),
        E::Trouble { .. } | E::DataDir { .. } | E::Capture(_) => named(name::DISK),
        E::NoTaker { .. } => named(name::UNAVAILABLE),
        E::EndOfTime { .. } => named(name::OUT_OF_RANGE),
        E::Stopped => named(name::ENDING),
        E::Internal(_) => named(name::INTERNAL),
        E::NotRunning(_) | E::StopTakenBack(_) | E::TransferOver(_) | E::Busy { .. } => named(name::STATE),
        E::Recording(_) | E::Stalled(_) | E::NotPaused | E::NoCapture => named(name::STATE),
    }
}

/// Returns the name of the reason for which a node has not done what it was asked.
const fn of_node(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Exhausted => name::NO_ROOM,
        ErrorKind::DataLoss => name::DATA_LOST,
        _ => name::UNAVAILABLE,
    }
}

fn of_transfer(error: &TransferError) -> Reason {
    match error {
        TransferError::File(_) => named(name::STATE),
        TransferError::OverQuota { .. } => named(name::OVER_QUOTA).of_quota("files"),
        TransferError::TooManySegments { .. } => named(name::TOO_LARGE),
        TransferError::Catalog(_) | TransferError::OutcomeUnknown(_) => named(name::CATALOG),
        TransferError::ContentDiffers { .. } => named(name::CONTENT_DIFFERS),
        TransferError::NameTaken => named(name::NAME_TAKEN),
        TransferError::Removed => named(name::REMOVED),
        TransferError::Cancelled => named(name::CANCELLED),
        TransferError::Internal(_) => named(name::INTERNAL),
        TransferError::StreamLost { .. } | TransferError::HostEnded { .. } => named(name::UNAVAILABLE),
        TransferError::NoHolder { .. } | TransferError::NotConfirmed { .. } | TransferError::Unreadable { .. } => {
            named(of_node(error.kind()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order_and_each_is_there_once() {
        let names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
    }

    /// A later attempt is suggested where the kind says that it may succeed, and the time to wait is that of the error.
    #[test]
    fn what_may_succeed_later_says_when() {
        let wait = Reason::of(&AuthError::Wait { seconds: 7 }.into());
        assert_eq!((wait.name, wait.retry_after), (name::TOO_MANY_ATTEMPTS, Some(Duration::from_secs(7))));
        assert_eq!(Reason::of(&AccessError::UserChanging).retry_after, Some(SOON));
        for error in [AuthError::WrongLogin, AuthError::SessionOver, AuthError::OtpDisabled] {
            assert_eq!(Reason::of(&error.into()).retry_after, None);
        }
        let denied = Reason::of(&Denial::AdminOnly { what: "users".into() }.into());
        assert_eq!(denied, named(name::ADMIN_ONLY));
        let missing = Reason::of(&EngineError::UnknownFile { file: "a.bin".into(), nearest: None }.into());
        assert_eq!(missing.resource, Some(("file", "a.bin".into())));
    }
}
