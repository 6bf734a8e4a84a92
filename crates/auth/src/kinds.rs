//! The kind of each error of accounts, by which front ends choose exit codes and statuses. Each match lists every error, so that a
//! new one cannot be added without a kind.

use p2p_base::error_kind::ErrorKind;

use super::AuthError;
use super::invites::InviteError;
use super::keys::KeyError;
use super::tokens::TokenError;

impl AuthError {
    /// Returns the kind of the error.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            AuthError::Database(error) => error.kind(),
            AuthError::Token(error) => error.kind(),
            AuthError::Invite(error) => error.kind(),
            AuthError::Key(error) => error.kind(),
            AuthError::NoChance { .. } | AuthError::Internal { .. } => ErrorKind::Internal,
            AuthError::Name(_) | AuthError::Password(_) => ErrorKind::Invalid,
            AuthError::NameTaken { .. } | AuthError::EmailTaken { .. } => ErrorKind::AlreadyExists,
            AuthError::WrongLogin
            | AuthError::WrongPassword
            | AuthError::WrongCode
            | AuthError::Lapsed
            | AuthError::SessionOver => ErrorKind::Unauthenticated,
            // Time alone removes the cause.
            AuthError::Wait { .. } => ErrorKind::Unavailable,
            AuthError::UnknownSession { .. } | AuthError::UnknownUser { .. } => ErrorKind::NotFound,
            AuthError::OwnReset => ErrorKind::Denied,
            AuthError::NothingBegun | AuthError::OtpEnabled | AuthError::OtpDisabled => ErrorKind::Precondition,
        }
    }
}

impl TokenError {
    /// Returns the kind of the error.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            TokenError::Refused => ErrorKind::Unauthenticated,
            TokenError::NameTaken { .. } => ErrorKind::AlreadyExists,
            TokenError::AdminPath => ErrorKind::Invalid,
            TokenError::TooMany => ErrorKind::Exhausted,
            TokenError::Lifetime => ErrorKind::OutOfRange,
            TokenError::AdminScope => ErrorKind::Denied,
            TokenError::Unknown { .. } => ErrorKind::NotFound,
        }
    }
}

impl InviteError {
    /// Returns the kind of the error.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            InviteError::Closed => ErrorKind::Denied,
            InviteError::Needed | InviteError::Refused | InviteError::SetupNeeded | InviteError::SetupRefused => {
                ErrorKind::Unauthenticated
            }
            InviteError::TooMany => ErrorKind::Exhausted,
            InviteError::Lifetime => ErrorKind::OutOfRange,
            InviteError::Unknown { .. } => ErrorKind::NotFound,
        }
    }
}

impl KeyError {
    /// Returns the kind of the error.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            KeyError::PublicKey(_) => ErrorKind::Invalid,
            KeyError::NameTaken { .. } | KeyError::Known { .. } => ErrorKind::AlreadyExists,
            KeyError::TooMany => ErrorKind::Exhausted,
            KeyError::Unknown { .. } => ErrorKind::NotFound,
        }
    }
}
