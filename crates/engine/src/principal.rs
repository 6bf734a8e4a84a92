//! Principals: who asks for an operation, with which scope and from which origin. Independent of how a user logs in.

use std::net::IpAddr;

use p2p_base::user_name::UserName;
use serde::{Deserialize, Serialize};

pub use p2p_base::scope::Scope;

use crate::peer::Peer;

/// User on whose behalf an operation is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Principal {
    /// The user who has the data directory open, while there are no accounts; also the program itself, for what it does by
    /// itself, such as a shutdown.
    Operator,
    /// A user who has not logged in, although there are accounts.
    Nobody,
    /// A user who is logged in, by a session or by an API token.
    User {
        /// Name of the account.
        name: UserName,
        /// True if the account is an admin's.
        is_admin: bool,
        /// Scope of the session or the token; a session has that of its user.
        scope: Scope,
        /// Path among the user's own files to which an API token is limited, in the spelling in which names are stored; `None` if
        /// it is not limited.
        path: Option<String>,
    },
}

/// Place from which an operation is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// A front end of this process: the terminal, a script, a one-shot command.
    Local,
    /// A client of a service, with its address. The loopback address is remote as well.
    Remote(IpAddr),
}

/// Caller of an operation, and the origin of the call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// User on whose behalf the operation is called.
    pub principal: Principal,
    /// Place from which it is called.
    pub origin: Origin,
    /// Host that carries the transfers which the caller begins: the client, or that of the node whose door the caller came in by. Not
    /// part of the encoding.
    #[serde(skip)]
    pub host: Peer,
}

impl Caller {
    /// Returns the caller for what the program does by itself, and for its user while there are no accounts.
    pub const fn operator() -> Caller {
        Caller { principal: Principal::Operator, origin: Origin::Local, host: Peer::Client }
    }
}

impl Principal {
    /// Returns the user name, if there is one; it becomes the owner of stored files.
    pub fn name(&self) -> Option<&str> {
        match self {
            Principal::User { name, .. } => Some(name.as_str()),
            Principal::Operator | Principal::Nobody => None,
        }
    }

    /// Returns true if the principal has the rights of an admin.
    pub fn is_admin(&self) -> bool {
        match self {
            Principal::Operator => true,
            Principal::Nobody => false,
            Principal::User { is_admin, scope, path, .. } => *is_admin && *scope == Scope::Admin && path.is_none(),
        }
    }

    /// Returns the path to which the principal is limited, if it is.
    pub fn path(&self) -> Option<&str> {
        match self {
            Principal::User { path, .. } => path.as_deref(),
            Principal::Operator | Principal::Nobody => None,
        }
    }

    /// Returns the scope of the principal; `None` for a user who has not logged in.
    pub fn scope(&self) -> Option<Scope> {
        match self {
            Principal::Operator => Some(Scope::Admin),
            Principal::Nobody => None,
            Principal::User { scope, .. } => Some(*scope),
        }
    }
}
