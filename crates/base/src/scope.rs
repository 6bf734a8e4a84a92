//! Scopes: the most that the bearer of an API token may do. Accounts keep the scope of each token, and the policy of the engine
//! decides by it.

use std::str::FromStr;

use thiserror::Error;

/// Scope of an API token: the most that its bearer may do. Each scope includes those before it.
///
/// ```
/// use p2p_base::scope::Scope;
///
/// assert!(Scope::Read < Scope::Write && Scope::Write < Scope::Admin);
/// assert_eq!("write".parse(), Ok(Scope::Write));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Scope {
    /// Reads files and states.
    Read,
    /// Also stores, removes and shares files, and cancels transfers.
    Write,
    /// Also does what only admins may, if the user is one.
    Admin,
}

/// Error of parsing a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the scopes are read, write and admin")]
pub struct UnknownScope;

impl Scope {
    /// All scopes, the narrowest first.
    pub const ALL: [Scope; 3] = [Scope::Read, Scope::Write, Scope::Admin];

    /// Returns the word for messages and options.
    pub const fn name(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Write => "write",
            Scope::Admin => "admin",
        }
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        Scope::ALL.into_iter().find(|scope| scope.name() == text).ok_or(UnknownScope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_read_by_its_name() {
        for scope in Scope::ALL {
            assert_eq!(scope.name().parse(), Ok(scope));
        }
        for bad in ["", "Read", "write ", "all"] {
            assert_eq!(bad.parse::<Scope>(), Err(UnknownScope), "{bad:?}");
        }
    }
}
