//! Things of an account that the commands of a line name: public keys, API tokens and invites, and uploads that are kept. What is known not
//! to be there when a command begins, or to be there already, is refused ahead.
//!
//! A session of somebody else is named by nothing else than a session that is not there: the command `sessions revoke` looks for itself,
//! since the attempt is recorded. `token revoke` does, since a token that has ended is not listed and may be stored still.

use std::collections::{BTreeMap, BTreeSet};

use p2p_auth::AuthError;
use p2p_auth::invites::InviteError;
use p2p_auth::keys::{KEYS_MAX, KeyError};
use p2p_auth::names::{KeyName, NameError, TokenName};
use p2p_auth::public_key::KeyFingerprint;
use p2p_auth::tokens::{TOKENS_MAX, TokenError};
use p2p_service::access::AccessError;

use crate::call::Call;
use crate::commands::{invites, keys, tokens, uploads};
use crate::{Shell, ShellError};

/// Things that there are as the earlier commands of a line leave them, each kind from the first command about it on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held {
    /// Public keys, of which one that is in a file that may be another by then is not known.
    keys: Option<BTreeMap<KeyName, Option<KeyFingerprint>>>,
    /// Tokens, with false for those that the line revokes.
    tokens: Option<BTreeMap<TokenName, bool>>,
    invites: Option<BTreeSet<String>>,
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

    async fn take_key(&mut self, shell: &Shell, action: keys::Action, may_make_files: bool) -> Result<(), ShellError> {
        let held = match &mut self.keys {
            Some(held) => held,
            none => {
                let known = shell.access.keys().await?.into_iter();
                none.insert(known.map(|key| (key.name, Some(key.fingerprint))).collect())
            }
        };
        match action {
            keys::Action::List => Ok(()),
            keys::Action::Add(name, source) => {
                let key = match source {
                    keys::KeySource::File(_) if may_make_files => None,
                    source => Some(source.key().await?.fingerprint()),
                };
                match held.iter().find(|(_, known)| key.is_some() && **known == key) {
                    Some((name, _)) => Err(refused(KeyError::Known { name: name.clone() })),
                    None if held.contains_key(&name) => Err(refused(KeyError::NameTaken { name })),
                    None if held.len() >= KEYS_MAX => Err(refused(KeyError::TooMany)),
                    None => {
                        held.insert(name, key);
                        Ok(())
                    }
                }
            }
            keys::Action::Remove(name) => held.remove(&name).map(drop).ok_or_else(|| refused(KeyError::Unknown { name })),
        }
    }

    async fn take_token(&mut self, shell: &Shell, action: tokens::Action<'_>) -> Result<(), ShellError> {
        let held = match &mut self.tokens {
            Some(held) => held,
            none => none.insert(shell.access.api_tokens().await?.into_iter().map(|token| (token.name, true)).collect()),
        };
        match action {
            tokens::Action::List => Ok(()),
            tokens::Action::New { name, .. } => match held.insert(name.clone(), true) {
                Some(true) => Err(refused(TokenError::NameTaken { name })),
                _ if held.values().filter(|is_there| **is_there).count() > TOKENS_MAX => Err(refused(TokenError::TooMany)),
                _ => Ok(()),
            },
            tokens::Action::Revoke(name) => {
                let name: TokenName = name.parse().map_err(|error: NameError| refused(error))?;
                // One that has ended and is not listed any more may still be revoked.
                match held.insert(name.clone(), false) {
                    Some(false) => Err(refused(TokenError::Unknown { name })),
                    _ => Ok(()),
                }
            }
        }
    }

    async fn take_invite(&mut self, shell: &Shell, action: invites::Action<'_>) -> Result<(), ShellError> {
        let invites::Action::Revoke(id) = action else { return Ok(()) };
        let held = match &mut self.invites {
            Some(held) => held,
            none => none.insert(shell.access.invites().await?.into_iter().map(|invite| invite.id).collect()),
        };
        if held.remove(id) { Ok(()) } else { Err(refused(InviteError::Unknown { id: id.to_owned() })) }
    }
}
