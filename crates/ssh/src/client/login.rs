//! Logins of the client (RFC 4252; RFC 4256): by keys, and by answers to what the host asks for.

use std::sync::Arc;

use russh::client::{AuthResult, KeyboardInteractiveAuthResponse as Asked};
use russh::keys::{Algorithm, HashAlg, PrivateKey, PrivateKeyWithHashAlg};
use russh::{MethodKind, MethodSet};
use secrecy::{ExposeSecret, SecretString};

use super::{ClientError, Connection};

/// Rounds of questions that are answered anew after a wrong answer.
const ROUNDS_MAX: usize = 3;

/// Question of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// Text of the question, as `Password:`.
    pub text: String,
    /// True if the answer may be visible while it is typed.
    pub is_shown: bool,
}

/// Source of answers to the questions of hosts.
pub trait Answers: Send {
    /// Answers the questions of a host, which says something with them: an answer to each, or `None` if they are not answered.
    fn answer(&mut self, host: &str, words: &str, prompts: &[Prompt]) -> impl Future<Output = Option<Vec<SecretString>>> + Send;
}

impl Connection {
    /// Logs a user in: by one of the keys, or else by answers to what the host asks for.
    ///
    /// # Errors
    /// Fails if the host logs the user not in, if a question is not answered, or if the connection ends.
    pub async fn log_in(&mut self, user: &str, keys: &[Arc<PrivateKey>], answers: &mut impl Answers) -> Result<(), ClientError> {
        let mut methods = match self.handle.authenticate_none(user).await.map_err(|error| self.failed(error))? {
            AuthResult::Success => return Ok(()),
            AuthResult::Failure { remaining_methods, .. } => remaining_methods,
        };
        for key in keys {
            if !methods.contains(&MethodKind::PublicKey) {
                break;
            }
            match self.by_key(user, key).await? {
                AuthResult::Success => return Ok(()),
                AuthResult::Failure { remaining_methods, .. } => methods = remaining_methods,
            }
        }
        if methods.contains(&MethodKind::KeyboardInteractive) {
            return self.by_answers(user, answers).await;
        }
        if methods.contains(&MethodKind::Password) {
            return self.by_password(user, answers).await;
        }
        Err(self.refused(user, &methods))
    }

    async fn by_key(&mut self, user: &str, key: &Arc<PrivateKey>) -> Result<AuthResult, ClientError> {
        let hash = match key.algorithm() {
            // RFC 8332: the strongest of those that the host names, and never SHA-1.
            Algorithm::Rsa { .. } => {
                let named = self.handle.best_supported_rsa_hash().await.map_err(|error| self.failed(error))?;
                Some(named.flatten().unwrap_or(HashAlg::Sha512))
            }
            _ => None,
        };
        let key = PrivateKeyWithHashAlg::new(Arc::clone(key), hash);
        self.handle.authenticate_publickey(user, key).await.map_err(|error| self.failed(error))
    }

    async fn by_answers(&mut self, user: &str, answers: &mut impl Answers) -> Result<(), ClientError> {
        let mut said = None;
        for _ in 0..ROUNDS_MAX {
            let asked = self.handle.authenticate_keyboard_interactive_start(user, None).await;
            let mut asked = asked.map_err(|error| self.failed(error))?;
            let methods = loop {
                match asked {
                    Asked::Success => return Ok(()),
                    Asked::Failure { remaining_methods, .. } => break remaining_methods,
                    Asked::InfoRequest { instructions, prompts, .. } => {
                        let prompts: Vec<Prompt> =
                            prompts.into_iter().map(|prompt| Prompt { text: prompt.prompt, is_shown: prompt.echo }).collect();
                        said = Some(instructions.clone()).filter(|words| !words.is_empty()).or(said);
                        let given = self.answered(user, answers, &instructions, &prompts).await?;
                        let given = given.iter().map(|text| text.expose_secret().to_owned()).collect();
                        let next = self.handle.authenticate_keyboard_interactive_respond(given).await;
                        asked = next.map_err(|error| self.failed(error))?;
                    }
                }
            };
            if !methods.contains(&MethodKind::KeyboardInteractive) || self.is_over() {
                break;
            }
        }
        Err(ClientError::Refused { host: self.host.name.clone(), user: user.to_owned(), words: said })
    }

    async fn by_password(&mut self, user: &str, answers: &mut impl Answers) -> Result<(), ClientError> {
        let prompt = [Prompt { text: "Password: ".into(), is_shown: false }];
        for _ in 0..ROUNDS_MAX {
            let given = self.answered(user, answers, "", &prompt).await?;
            let password = given.first().map(|text| text.expose_secret().to_owned()).unwrap_or_default();
            let answered = self.handle.authenticate_password(user, password).await;
            match answered.map_err(|error| self.failed(error))? {
                AuthResult::Success => return Ok(()),
                // The password was right, and a code is asked for.
                AuthResult::Failure { remaining_methods, partial_success: true }
                    if remaining_methods.contains(&MethodKind::KeyboardInteractive) =>
                {
                    return self.by_answers(user, answers).await;
                }
                AuthResult::Failure { remaining_methods, .. } => {
                    if !remaining_methods.contains(&MethodKind::Password) || self.is_over() {
                        break;
                    }
                }
            }
        }
        Err(self.refused(user, &MethodSet::empty()))
    }

    /// Has questions answered, each by one answer; those without a question need none.
    async fn answered(
        &self,
        user: &str,
        answers: &mut impl Answers,
        words: &str,
        prompts: &[Prompt],
    ) -> Result<Vec<SecretString>, ClientError> {
        if prompts.is_empty() {
            return Ok(Vec::new());
        }
        let given = answers.answer(&self.host.name, words, prompts).await;
        given.filter(|given| given.len() == prompts.len()).ok_or_else(|| ClientError::Unanswered {
            host: self.host.name.clone(),
            user: user.to_owned(),
            prompt: prompts[0].text.trim().trim_end_matches(':').to_owned(),
        })
    }

    fn refused(&self, user: &str, methods: &MethodSet) -> ClientError {
        if self.is_over() {
            return ClientError::Cut { host: self.host.name.clone() };
        }
        let names: Vec<String> = methods.iter().map(String::from).collect();
        let words = (!names.is_empty()).then(|| format!("it asks for {}", names.join(", ")));
        ClientError::Refused { host: self.host.name.clone(), user: user.to_owned(), words }
    }
}
