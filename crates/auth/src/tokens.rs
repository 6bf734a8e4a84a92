//! API tokens: how programs log in. A token is a bearer token (RFC 6750): whoever has its text may do what its scope covers, in
//! the name of the user who made it, until it expires or is revoked.
//!
//! The rules are those of OWASP ASVS 5.0 for sessions and secrets (sections 7.2 to 7.4 and 13.3): a token is 256 random bits, is shown
//! once, is stored as a digest, has a scope, ends, and can be revoked by itself. It begins with [`PREFIX`], so that scanners for
//! secrets find one that was published by mistake.
//!
//! A link to a file or directory has such a token in its address, of the scope read and for one path. It is given to people, appears in
//! histories and logs of others, and so opens what it is to and nothing else: no program logs in by it.

use p2p_base::database::DatabaseError;
use p2p_base::hex::hex;
use p2p_base::scope::Scope;
use p2p_base::stored_time;
use redb::WriteTransaction;
use secrecy::ExposeSecret;
use thiserror::Error;

use super::audit::{self, Action, AuditEntry};
use super::login::{Attempt, record_failure};
use super::mail::{self, Mail};
use super::names::{TokenName, UserName};
use super::secret::{BEARER_CHARACTERS, Fingerprint, Secret, fingerprint, new_bearer};
use super::store::{self, ACCOUNTS, AccountRecord, LINK, Role, TOKENS, TokenRecord};
use super::{Account, Auth, AuthError, audit_entry};

/// Text with which every token begins.
pub const PREFIX: &str = "p2p_";
/// Number of tokens that a user may have.
pub const TOKENS_MAX: usize = 32;
/// Lifetime of a token unless another is asked for, in seconds.
pub const LIFETIME: u64 = 90 * DAY;
/// Longest lifetime of a token, in seconds.
pub const LIFETIME_MAX: u64 = 366 * DAY;

const DAY: u64 = 24 * 3600;
/// Shortest time between two updates of a token's last use, in seconds.
const NOTED_EVERY: u64 = 60;
/// Characters of the name of a link behind that.
const LINK_CHARACTERS: usize = 8;
/// Name in the log in place of the user of a token that has no record.
const UNKNOWN_TOKEN: &str = "(unknown token)";

/// Use of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Login of a program.
    Login,
    /// Opening of a link.
    Link,
}

/// Reason why an API token is refused or not made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TokenError {
    /// The token is unknown, expired or revoked, or for another use; the message does not tell which.
    #[error("the API token is not valid: it is unknown, expired or revoked")]
    Refused,
    /// The user has a token of this name already.
    #[error("there is a token `{name}` already")]
    NameTaken {
        /// Name that is taken.
        name: TokenName,
    },
    /// The user has as many tokens as a user may have.
    #[error("you have {TOKENS_MAX} tokens, and no user has more")]
    TooMany,
    /// The token would end too late, or would have ended already.
    #[error("a token lasts until a time to come, and at most {} days", LIFETIME_MAX / DAY)]
    Lifetime,
    /// The scope is reserved for the tokens of admins.
    #[error("the scope `admin` is for the tokens of admins")]
    AdminScope,
    /// The scope covers more than files, so that a path cannot limit it.
    #[error("a token of the scope `admin` cannot be limited to a path; `read` and `write` can")]
    AdminPath,
    /// The user has no token of this name.
    #[error("you have no token `{name}`")]
    Unknown {
        /// Name that was given.
        name: TokenName,
    },
}

/// Reach of a token: the most that its bearer may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// Scope of the token.
    pub scope: Scope,
    /// Path among the user's own files to which the token is limited, in the spelling in which names are stored; `None` if it is
    /// not limited.
    pub path: Option<String>,
}

impl Reach {
    /// Returns the description for the audit log.
    fn note(&self) -> String {
        let path = self.path.as_ref().map(|path| format!(", path {path}")).unwrap_or_default();
        format!("scope {}{path}", self.scope.name())
    }
}

/// Token to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Name of the token, unique among those of its user.
    pub name: TokenName,
    /// Most that its bearer may do.
    pub reach: Reach,
    /// Time at which it ends, in seconds since 1970.
    pub expires_at: u64,
}

/// Link to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLink {
    /// Path among the user's own files, in the spelling in which names are stored.
    pub path: String,
    /// Time at which it ends, in seconds since 1970.
    pub expires_at: u64,
}

/// Public data of an API token, as shown to its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiTokenInfo {
    /// Identifier of the token, which tells tokens of one name apart that were made one after the other.
    pub id: String,
    /// Name of the token.
    pub name: TokenName,
    /// Most that its bearer may do.
    pub reach: Reach,
    /// Time at which it was made, in seconds since 1970.
    pub created_at: u64,
    /// Time of its last use, in seconds since 1970, exact to the minute; `None` if it was not used yet.
    pub last_used: Option<u64>,
    /// Time at which it ends, in seconds since 1970.
    pub expires_at: u64,
    /// True if it opens a link alone.
    pub is_link: bool,
}

/// Returns true if a text contains what may be a token, so that it is stored nowhere.
pub fn is_in(text: &str) -> bool {
    let is_of_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let begins = |(place, _): (usize, &str)| text[place + PREFIX.len()..].chars().take_while(|&c| is_of_token(c)).count();
    text.match_indices(PREFIX).map(begins).any(|count| count >= BEARER_CHARACTERS)
}

/// Returns the digest that the database stores. A plain digest is sufficient, since 256 random bits cannot be guessed, and finding
/// a record by it tells the time of no comparison with a secret.
fn digest_of(token: &Secret) -> Fingerprint {
    fingerprint("API token", token.expose_secret())
}

/// Removes all tokens of a user.
pub(super) fn revoke_all(transaction: &WriteTransaction, user: &UserName) -> Result<(), DatabaseError> {
    let all = store::tokens_of(&transaction.open_table(TOKENS)?, user)?;
    all.into_iter().try_for_each(|(digest, _)| store::remove(transaction, TOKENS, digest))
}

/// Removes the tokens of a user that have ended, and returns the others.
fn sweep(transaction: &WriteTransaction, user: &UserName, now: u64) -> Result<Vec<TokenRecord>, DatabaseError> {
    let all = store::tokens_of(&transaction.open_table(TOKENS)?, user)?;
    let (ended, lasting): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, record)| record.end(now).is_some());
    ended.into_iter().try_for_each(|(digest, _)| store::remove(transaction, TOKENS, digest))?;
    Ok(lasting.into_iter().map(|(_, record)| record).collect())
}

impl TokenRecord {
    /// Returns the reason why the token has ended, if it has. A clock that was put back would lengthen its life.
    fn end(&self, now: u64) -> Option<&'static str> {
        match self {
            record if stored_time::is_ahead(record.created_at.max(record.used_at.unwrap_or(0)), now) => {
                Some("made or used at a time that is yet to come: the clock was put back")
            }
            record if record.expires_at <= now => Some("expired"),
            _ => None,
        }
    }

    fn info(self, digest: &Fingerprint) -> ApiTokenInfo {
        let reach = self.reach();
        let TokenRecord { name, created_at, used_at, expires_at, is_link, .. } = self;
        ApiTokenInfo { id: hex(&digest[..4]), name, reach, created_at, last_used: used_at, expires_at, is_link }
    }

    fn reach(&self) -> Reach {
        Reach { scope: self.scope, path: self.path.clone() }
    }
}

impl NewToken {
    /// Checks that a user with these tokens may have another one.
    fn check(&self, role: Role, tokens: &[TokenRecord], now: u64) -> Result<(), TokenError> {
        if self.reach.scope == Scope::Admin && role != Role::Admin {
            return Err(TokenError::AdminScope);
        }
        if self.reach.scope == Scope::Admin && self.reach.path.is_some() {
            return Err(TokenError::AdminPath);
        }
        if !(1..=LIFETIME_MAX).contains(&self.expires_at.saturating_sub(now)) {
            return Err(TokenError::Lifetime);
        }
        if tokens.iter().any(|record| record.name == self.name) {
            return Err(TokenError::NameTaken { name: self.name.clone() });
        }
        if tokens.len() >= TOKENS_MAX { Err(TokenError::TooMany) } else { Ok(()) }
    }
}

impl Auth {
    /// Makes an API token of a user and returns its text, which cannot be read again later. The user is told by mail.
    ///
    /// # Errors
    /// Returns a [`TokenError`] if the user has a token of that name or too many tokens, if the token would last too long, or if
    /// its scope is not for this user; fails if the disk refuses.
    pub fn new_token(&self, user: &UserName, wanted: &NewToken, origin: &str, now: u64) -> Result<Secret, AuthError> {
        self.make_token(user, (wanted, false), origin, now)
    }

    /// Makes a link of a user and returns its name and the text of its token, which cannot be read again later.
    ///
    /// # Errors
    /// Fails like [`new_token`](Self::new_token): links count among the tokens of a user, and last no longer.
    pub fn new_link(&self, user: &UserName, wanted: &NewLink, origin: &str, now: u64) -> Result<(TokenName, Secret), AuthError> {
        let NewLink { path, expires_at } = wanted.clone();
        let random = new_bearer("")?;
        let letters = random.expose_secret().chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase());
        // The name of a link is not that of one before, which may be on a page that somebody has open.
        let name: TokenName = format!("{LINK}{}", letters.take(LINK_CHARACTERS).collect::<String>()).parse()?;
        let wanted = NewToken { name: name.clone(), reach: Reach { scope: Scope::Read, path: Some(path) }, expires_at };
        Ok((name, self.make_token(user, (&wanted, true), origin, now)?))
    }

    fn make_token(
        &self,
        user: &UserName,
        (wanted, is_link): (&NewToken, bool),
        origin: &str,
        now: u64,
    ) -> Result<Secret, AuthError> {
        let text = new_bearer(PREFIX)?;
        let NewToken { name, reach, expires_at } = wanted.clone();
        let note = format!("{name}, {}", reach.note());
        let made = AuditEntry { note, ..audit_entry(now, user.as_str(), origin, Action::NewToken) };
        let unknown = || AuthError::UnknownUser { name: user.to_string() };
        self.write(|transaction| {
            let account: AccountRecord = store::get(transaction, ACCOUNTS, user.as_str())?.ok_or_else(unknown)?;
            let tokens = sweep(transaction, user, now)?;
            if let Err(error) = wanted.check(account.role, &tokens, now) {
                if error == TokenError::AdminScope {
                    audit::append(transaction, AuditEntry { done: false, ..made })?;
                }
                return Ok(Err(error.into()));
            }
            let Reach { scope, path } = reach;
            let record =
                TokenRecord { user: user.clone(), name, scope, path, created_at: now, used_at: None, expires_at, is_link };
            store::put(transaction, TOKENS, digest_of(&text), &record)?;
            mail::queue(
                transaction,
                &Mail::changed(&account.email, user.as_str(), if is_link { "link made" } else { "API token made" }, now),
            )?;
            audit::append(transaction, made)?;
            Ok::<_, AuthError>(Ok(text))
        })?
    }

    /// Lists the tokens of a user that have not ended, by name.
    ///
    /// # Errors
    /// Fails if the disk refuses.
    pub fn api_tokens(&self, user: &UserName, now: u64) -> Result<Vec<ApiTokenInfo>, AuthError> {
        let table = self.0.database.read()?.open_table(TOKENS).map_err(DatabaseError::from)?;
        let records = store::tokens_of(&table, user)?.into_iter();
        let lasting = records.filter(|(_, record)| record.end(now).is_none());
        let mut found: Vec<ApiTokenInfo> = lasting.map(|(digest, record)| record.info(&digest)).collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// Revokes the token of a user that has this name.
    ///
    /// # Errors
    /// Returns [`TokenError::Unknown`] if the user has no such token, or fails if the text is no name of a token or the disk
    /// refuses.
    pub fn revoke_token(&self, user: &UserName, name: &str, origin: &str, now: u64) -> Result<(), AuthError> {
        self.revoke_one(user, name, |_| true, (origin, now))
    }

    /// Revokes the link of a user that has this name, and no other token.
    ///
    /// # Errors
    /// Fails like [`revoke_token`](Self::revoke_token).
    pub fn revoke_link(&self, user: &UserName, name: &str, origin: &str, now: u64) -> Result<(), AuthError> {
        self.revoke_one(user, name, |record| record.is_link, (origin, now))
    }

    fn revoke_one(
        &self,
        user: &UserName,
        name: &str,
        is_meant: impl Fn(&TokenRecord) -> bool,
        (origin, now): (&str, u64),
    ) -> Result<(), AuthError> {
        let name: TokenName = name.parse()?;
        let revoked = AuditEntry { note: name.to_string(), ..audit_entry(now, user.as_str(), origin, Action::RevokeToken) };
        self.write(|transaction| {
            let tokens = store::tokens_of(&transaction.open_table(TOKENS).map_err(DatabaseError::from)?, user)?;
            let found = tokens.into_iter().find(|(_, record)| record.name == name && is_meant(record));
            let (digest, _) = found.ok_or(TokenError::Unknown { name })?;
            store::remove(transaction, TOKENS, digest)?;
            Ok(audit::append(transaction, revoked)?)
        })
    }

    /// Returns the account and the reach of a token that a program presents, and records the use of the token.
    ///
    /// # Errors
    /// Returns [`TokenError::Refused`] if the token is unknown, expired or revoked, or that of a link, and [`AuthError::Wait`] in place of
    /// that after too many failures of the same origin.
    pub fn by_token(&self, token: &Secret, origin: &str, now: u64) -> Result<(Account, Reach), AuthError> {
        self.used(token, Use::Login, (origin, now))
    }

    /// Returns the account and the reach of the token of a link that is opened, and records the use of it.
    ///
    /// # Errors
    /// Fails like [`by_token`](Self::by_token), and also if the token is that of no link.
    pub fn by_link(&self, token: &Secret, origin: &str, now: u64) -> Result<(Account, Reach), AuthError> {
        self.used(token, Use::Link, (origin, now))
    }

    fn used(&self, token: &Secret, what: Use, (origin, now): (&str, u64)) -> Result<(Account, Reach), AuthError> {
        let (record, account) = self.token_of(token, what, (origin, now))?;
        if record.used_at.is_none_or(|used_at| used_at + NOTED_EVERY <= now) {
            let digest = digest_of(token);
            self.write_access(|transaction| match store::get::<_, TokenRecord>(transaction, TOKENS, digest)? {
                Some(record) => store::put(transaction, TOKENS, digest, &TokenRecord { used_at: Some(now), ..record }),
                None => Ok(()),
            })?;
        }
        Ok((account, record.reach()))
    }

    /// Returns the account and the reach of a token, without recording a use of the token.
    ///
    /// # Errors
    /// Fails like [`by_token`](Self::by_token).
    pub fn peek_token(&self, token: &Secret, origin: &str, now: u64) -> Result<(Account, Reach), AuthError> {
        self.token_of(token, Use::Login, (origin, now)).map(|(record, account)| (account, record.reach()))
    }

    /// Returns the account and the reach of the token of a link, without recording a use of it.
    ///
    /// # Errors
    /// Fails like [`by_link`](Self::by_link).
    pub fn peek_link(&self, token: &Secret, origin: &str, now: u64) -> Result<(Account, Reach), AuthError> {
        self.token_of(token, Use::Link, (origin, now)).map(|(record, account)| (account, record.reach()))
    }

    /// Returns the instant at which a valid link ends, in seconds since 1970.
    ///
    /// # Errors
    /// Fails like [`by_link`](Self::by_link).
    pub fn link_end(&self, token: &Secret, origin: &str, now: u64) -> Result<u64, AuthError> {
        self.token_of(token, Use::Link, (origin, now)).map(|(record, _)| record.expires_at)
    }

    /// Returns a valid token and its account. A valid token is never delayed: it cannot be guessed, and failures of others must not
    /// lock its bearer out.
    fn token_of(&self, token: &Secret, what: Use, (origin, now): (&str, u64)) -> Result<(TokenRecord, Account), AuthError> {
        let reading = self.0.database.read()?;
        let Some(record) = store::read::<_, TokenRecord>(&reading, TOKENS, digest_of(token))? else {
            return Err(self.refuse_token(UNKNOWN_TOKEN, "unknown or revoked", origin, now));
        };
        if let Some(why) = record.end(now) {
            return Err(self.refuse_token(record.user.as_str(), why, origin, now));
        }
        match (record.is_link, what) {
            (true, Use::Login) => {
                return Err(self.refuse_token(record.user.as_str(), "of a link, which logs nobody in", origin, now));
            }
            (false, Use::Link) => return Err(self.refuse_token(record.user.as_str(), "of no link", origin, now)),
            (true, Use::Link) | (false, Use::Login) => {}
        }
        match store::read::<_, AccountRecord>(&reading, ACCOUNTS, record.user.as_str())? {
            Some(account) => Ok((record, Account::from(&account))),
            None => Err(self.refuse_token(record.user.as_str(), "of no account", origin, now)),
        }
    }

    /// Counts a failure of an origin and logs it. Returns the error, which is the same whatever is wrong with the token.
    fn refuse_token(&self, user: &str, why: &str, origin: &str, now: u64) -> AuthError {
        let attempt = Attempt { name: user, user, origin, action: Action::Token, now };
        let refused = self.admit(&attempt).and_then(|_in_flight| {
            self.write_access(|transaction| record_failure(transaction, &attempt, why))?;
            Ok(())
        });
        refused.err().unwrap_or_else(|| TokenError::Refused.into())
    }
}
