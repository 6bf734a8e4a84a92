//! Things of an account that the commands of a line name: public keys, API tokens and invites, and uploads that are kept. What is known not
//! to be there when a command begins, or to be there already, is refused ahead.
//!
//! A session of somebody else is named by nothing else than a session that is not there: the command `sessions revoke` looks for itself,
//! since the attempt is recorded.

use std::collections::BTreeMap;

use p2p_auth::AuthError;
use p2p_auth::invites::InviteError;
use p2p_auth::keys::KeyError;
use p2p_auth::names::{NameError, TokenName};
use p2p_auth::public_key::PublicKey;
use p2p_auth::tokens::TokenError;
use p2p_service::access::AccessError;

use crate::call::Call;
use crate::commands::{invites, keys, tokens, uploads};
use crate::{Shell, ShellError};

/// Kind of a thing, with its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Key(String),
    Token(String),
    Invite(String),
}

/// Things that earlier commands of a line make or remove.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// True for what is there by then, and false for what is not.
    changed: BTreeMap<Thing, bool>,
}

fn refused(error: impl Into<AuthError>) -> ShellError {
    AccessError::from(error.into()).into()
}

impl Held {
    /// Checks what a command makes or removes of the account, and takes it in. Files are read unless `may_make_files`, since other ones may be
    /// there by then; an upload has to be kept already unless `may_keep`.
    ///
    /// # Errors
    /// Fails as the command would.
    pub(crate) async fn take(
        &mut self,
        shell: &Shell,
        call: &Call,
        may_make_files: bool,
        may_keep: bool,
    ) -> Result<(), ShellError> {
        match call.spec.name {
            "key" => self.take_key(shell, keys::action_of(call)?, may_make_files).await,
            "token" => self.take_token(shell, tokens::action_of(call)?).await,
            "invite" => self.take_invite(shell, invites::action_of(call)?).await,
            // What comes after it is not looked into.
            "uploads" => match uploads::forgotten_of(call)? {
                Some(id) if !may_keep => Ok(shell.access.kept_upload(&shell.identity(), id).await.map(drop)?),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Notes that a thing is there from now on, or no more, and returns whether it was: as an earlier command has left it, or else as it `was_there`.
    fn put(&mut self, thing: Thing, is_there: bool, was_there: bool) -> bool {
        self.changed.insert(thing, is_there).unwrap_or(was_there)
    }

    async fn take_key(&mut self, shell: &Shell, action: keys::Action, may_make_files: bool) -> Result<(), ShellError> {
        let known = shell.access.keys().await?;
        match action {
            keys::Action::List => Ok(()),
            keys::Action::Add(name, source) => {
                let key: Option<PublicKey> = match source {
                    keys::KeySource::File(_) if may_make_files => None,
                    source => Some(source.key().await?),
                };
                let is_known = key.is_some_and(|key| known.iter().any(|known| known.fingerprint == key.fingerprint()));
                let was_there = known.iter().any(|known| known.name == name);
                // Which key it is that is there already is told by the command.
                match self.put(Thing::Key(name.to_string()), true, was_there) && !is_known {
                    true => Err(refused(KeyError::NameTaken { name })),
                    false => Ok(()),
                }
            }
            keys::Action::Remove(name) => {
                let was_there = known.iter().any(|known| known.name == name);
                match self.put(Thing::Key(name.to_string()), false, was_there) {
                    true => Ok(()),
                    false => Err(refused(KeyError::Unknown { name })),
                }
            }
        }
    }

    async fn take_token(&mut self, shell: &Shell, action: tokens::Action<'_>) -> Result<(), ShellError> {
        let known = shell.access.api_tokens().await?;
        let is_there = |name: &TokenName| known.iter().any(|known| known.name == *name);
        match action {
            tokens::Action::List => Ok(()),
            tokens::Action::New { name, .. } => match self.put(Thing::Token(name.to_string()), true, is_there(&name)) {
                true => Err(refused(TokenError::NameTaken { name })),
                false => Ok(()),
            },
            tokens::Action::Revoke(name) => {
                let name: TokenName = name.parse().map_err(|error: NameError| refused(error))?;
                match self.put(Thing::Token(name.to_string()), false, is_there(&name)) {
                    true => Ok(()),
                    false => Err(refused(TokenError::Unknown { name })),
                }
            }
        }
    }

    async fn take_invite(&mut self, shell: &Shell, action: invites::Action<'_>) -> Result<(), ShellError> {
        let invites::Action::Revoke(id) = action else { return Ok(()) };
        let was_there = shell.access.invites().await?.iter().any(|known| known.id == id);
        match self.put(Thing::Invite(id.to_owned()), false, was_there) {
            true => Ok(()),
            false => Err(refused(InviteError::Unknown { id: id.to_owned() })),
        }
    }
}
