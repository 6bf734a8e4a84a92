//! Logins (RFC 4252; RFC 4256): by a public key, by a password and then the one-time code where the account has a second factor, or by an API
//! token in the place of a password.
//!
//! Nothing of it is decided here: the accounts check, delay, log and tell by mail, as for every front end. A client that has given the right
//! password by the method `password` goes on with the code by `keyboard-interactive`, which is also a method for both.

use p2p_service::access::{Access, AccessError};
use p2p_service::accounts::{AuthError, Challenge, CodeKind, KeyFingerprint, Secret, UserName, is_api_token};
use russh::keys::PublicKey;
use russh::server::{Auth, Response};
use russh::{MethodKind, MethodSet};
use secrecy::ExposeSecret;

/// Methods of login, in the order in which clients should try them.
pub(super) const METHODS: &[MethodKind] = &[MethodKind::PublicKey, MethodKind::KeyboardInteractive, MethodKind::Password];

/// Login that is under way.
#[derive(Debug)]
pub(super) struct Login {
    access: Access,
    /// User who has given the right password and owes a code.
    owing: Option<(String, Challenge)>,
    /// Words with the next question: why the last attempt was refused, or where the code is.
    words: String,
}

/// Outcome of a password.
enum Step {
    In,
    Code,
    Refused,
}

impl Login {
    pub(super) fn new(access: Access) -> Login {
        Login { access, owing: None, words: String::new() }
    }

    /// Returns true if a key is one of the user's.
    pub(super) async fn knows(&self, user: &str, key: &PublicKey) -> bool {
        let Ok(blob) = key.to_bytes() else { return false };
        match self.access.has_key(user.to_owned(), KeyFingerprint::of(&blob)).await {
            Ok(is_known) => is_known,
            Err(error) => {
                tracing::warn!(%error, "a public key is not looked up");
                false
            }
        }
    }

    /// Logs a user in whose signature by a key was verified.
    pub(super) async fn by_key(&mut self, user: &str, key: &PublicKey) -> Auth {
        let Ok(blob) = key.to_bytes() else { return refused() };
        match self.access.login_with_key(user.to_owned(), KeyFingerprint::of(&blob)).await {
            Ok(()) => Auth::Accept,
            Err(error) => self.refuse(&error),
        }
    }

    /// Checks a password, or an API token in its place.
    pub(super) async fn by_password(&mut self, user: &str, password: Secret) -> Auth {
        let is_token = is_api_token(password.expose_secret());
        let step = if is_token { self.by_token(user, password).await } else { self.password(user, password).await };
        match step {
            Step::In => Auth::Accept,
            Step::Refused => refused(),
            // RFC 4252, section 5.1: the method has succeeded, and another one is needed.
            Step::Code => Auth::Reject {
                proceed_with_methods: Some(MethodSet::from(&[MethodKind::KeyboardInteractive][..])),
                partial_success: true,
            },
        }
    }

    /// Asks for a password and then for a code, or for the code alone where the password was right (RFC 4256, section 3.2).
    pub(super) async fn by_answers(&mut self, user: &str, answers: Option<Response<'_>>) -> Auth {
        let Some(mut answers) = answers else { return self.question(user) };
        let Some(text) = answers.next().and_then(|bytes| String::from_utf8(bytes.to_vec()).ok()) else { return refused() };
        let is_token = is_api_token(&text);
        let text = Secret::from(text);
        // Another code may be given, until the accounts say that the login has lapsed.
        if let Some(challenge) = self.owed(user).cloned() {
            let is_answered = !text.expose_secret().is_empty() || challenge.kind != CodeKind::Mail;
            if !is_answered {
                return self.another_code(user, &challenge).await;
            }
            return match self.access.login_with_code(&challenge, text).await {
                Ok(()) => Auth::Accept,
                Err(error) => self.refuse(&error),
            };
        }
        let step = if is_token { self.by_token(user, text).await } else { self.password(user, text).await };
        match step {
            Step::In => Auth::Accept,
            Step::Code => self.question(user),
            Step::Refused => refused(),
        }
    }

    /// Mails another code and asks for it, which is no attempt: the accounts limit the mails.
    async fn another_code(&mut self, user: &str, challenge: &Challenge) -> Auth {
        self.words = match self.access.send_code(challenge).await {
            Ok(()) => {
                format!("Another code was mailed to you ({}); the one before is worth nothing now.", self.access.mail_way())
            }
            Err(AccessError::Auth(error @ AuthError::Lapsed)) => return self.refuse(&error.into()),
            Err(error) => error.to_string(),
        };
        self.question(user)
    }

    /// Returns the challenge of the code that a user owes.
    fn owed(&self, user: &str) -> Option<&Challenge> {
        self.owing.as_ref().filter(|(owing, _)| owing == user).map(|(_, challenge)| challenge)
    }

    fn question(&mut self, user: &str) -> Auth {
        let owed = self.owed(user).map(|challenge| challenge.kind);
        let prompt = match owed {
            None => "Password: ",
            Some(CodeKind::App) => "One-time code: ",
            Some(CodeKind::Mail) => "One-time code (nothing for another one): ",
        };
        Auth::Partial {
            name: "p2p".into(),
            instructions: std::mem::take(&mut self.words).into(),
            prompts: vec![(prompt.into(), owed.is_some())].into(),
        }
    }

    async fn password(&mut self, user: &str, password: Secret) -> Step {
        match self.access.login(user.to_owned(), password).await {
            Ok(None) => Step::In,
            Ok(Some(challenge)) => {
                self.words = self.told_of(&challenge);
                self.owing = Some((user.to_owned(), challenge));
                Step::Code
            }
            Err(error) => {
                self.refuse(&error);
                Step::Refused
            }
        }
    }

    /// Says where the code is that a user owes; nothing of one by an app, which the user has.
    fn told_of(&self, challenge: &Challenge) -> String {
        match (challenge.kind, challenge.mail_wait) {
            (CodeKind::App, _) => String::new(),
            (CodeKind::Mail, None) => format!("The six digits that were mailed to you ({}).", self.access.mail_way()),
            (CodeKind::Mail, Some(seconds)) => {
                format!("Too many codes were mailed: another one can be had in {seconds} s. A backup code does now.")
            }
        }
    }

    /// Logs in by an API token of the user of this name.
    async fn by_token(&mut self, user: &str, token: Secret) -> Step {
        match self.access.log_in_with_token(token).await {
            Ok(identity) if identity.name() == Some(UserName::folded(user).as_str()) => Step::In,
            Ok(_) => {
                // The token is right, and not this user's: nobody is logged in.
                self.access.end().await;
                let nobody = self.access.check().await;
                tracing::debug!(?nobody, "an API token of another user was given");
                Step::Refused
            }
            Err(error) => {
                self.refuse(&error);
                Step::Refused
            }
        }
    }

    fn refuse(&mut self, error: &AccessError) -> Auth {
        tracing::debug!(%error, "a login by SSH is refused");
        if matches!(error, AccessError::Auth(AuthError::Lapsed)) {
            // The password is asked for again.
            self.owing = None;
        }
        self.words = error.to_string();
        refused()
    }
}

/// Returns the refusal after which every method may be tried again.
pub(super) fn refused() -> Auth {
    Auth::Reject { proceed_with_methods: Some(MethodSet::from(METHODS)), partial_success: false }
}
