//! The questions of hosts, and who answers them: the user at a prompt or at the terminal, or the environment.

use std::path::Path;

use p2p_base::spelling::{visible_line, visible_path};
use p2p_service::accounts::Secret;
use p2p_shell::asking::answers::Answers;
use p2p_shell::question::{FieldKind, Form, Question, Reply};
use p2p_shell::{Shell, ShellError};
use p2p_ssh::client::login::{self, Prompt};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::oneshot;

/// Person or environment that answers.
pub(super) struct Asker<'a> {
    by: By<'a>,
    user: String,
    /// True if the host is a node of this program, whose passwords are those here.
    is_here: bool,
}

enum By<'a> {
    /// The user at a prompt.
    Prompt(&'a Shell),
    /// The user at the terminal, or the environment.
    Terminal(Box<Answers>),
    /// Password that is known, which is given once, and nothing else.
    Nobody(Option<Secret>),
}

impl<'a> Asker<'a> {
    /// Makes who answers at a prompt, for a user at the host.
    pub(super) fn prompt(shell: &'a Shell, user: &str, is_here: bool) -> Asker<'a> {
        Asker { by: By::Prompt(shell), user: user.to_owned(), is_here }
    }

    /// Makes who answers at the terminal, for a user at the host.
    pub(super) fn terminal(answers: Answers, user: &str, is_here: bool) -> Asker<'static> {
        Asker { by: By::Terminal(Box::new(answers)), user: user.to_owned(), is_here }
    }

    /// Makes who answers a node with a password alone, if there is one.
    pub(super) fn nobody(password: Option<Secret>, user: &str) -> Asker<'static> {
        Asker { by: By::Nobody(password), user: user.to_owned(), is_here: true }
    }

    /// Returns true if the user trusts a host that is not known, by the fingerprint of its key.
    pub(super) async fn trusts(&mut self, host: &str, fingerprint: &str) -> bool {
        let text = format!(
            "{host} is not known yet. Its host key is {fingerprint}: compare it with what its owner says. Once trusted, it is known by this key."
        );
        let form = Form::new("A new host").with_text(text).with_checked("Trust it (yes or no)", None, |text| match text {
            "yes" | "no" => Ok(()),
            _ => Err("answer yes or no".into()),
        });
        let given = self.fill(form).await;
        given.is_some_and(|given| given[0].expose_secret() == "yes")
    }

    /// Returns the passphrase of a private key, if the user gives it.
    pub(super) async fn passphrase(&mut self, path: &Path) -> Option<Secret> {
        let text = format!("The private key in {} is encrypted.", visible_path(path));
        self.fill(Form::new("A private key").with_text(text).with("Passphrase", FieldKind::Secret)).await?.pop()
    }

    async fn fill(&mut self, form: Form) -> Option<Vec<Secret>> {
        let fields = form.fields.len();
        let given = match &mut self.by {
            By::Prompt(shell) => shell.ask(&form).await.ok()?,
            By::Terminal(answers) => filled(answers, form).await?,
            By::Nobody(password) => {
                let is_password = fields == 1 && form.fields[0].kind == FieldKind::Password;
                vec![password.take().filter(|_| is_password)?]
            }
        };
        (given.len() == fields).then_some(given)
    }
}

async fn filled(answers: &mut Answers, form: Form) -> Option<Vec<Secret>> {
    match replied(answers, form).await {
        Some(Reply::Given(texts)) => Some(texts),
        _ => None,
    }
}

/// Returns the reply to a form; none if it was given up.
async fn replied(answers: &mut Answers, form: Form) -> Option<Reply> {
    let (reply, given) = oneshot::channel();
    answers.answer(Question { form, reply }).await;
    given.await.ok()
}

impl login::Answers for Asker<'_> {
    async fn answer(&mut self, host: &str, words: &str, prompts: &[Prompt]) -> Option<Vec<SecretString>> {
        // What a host says is shown as data: it is another's.
        let asked: Vec<String> = prompts.iter().map(|prompt| visible_line(prompt.text.trim()).into_owned()).collect();
        let words: Vec<String> = words.lines().map(|line| visible_line(line).into_owned()).collect();
        let text = format!("{host} asks {}: {} {}", self.user, asked.join(" "), words.join(" "));
        let mut form = Form::new("Log in at a host").of(&self.user).with_text(text.trim_end());
        for prompt in prompts {
            form = match prompt.is_shown {
                // The password here is no other machine's.
                false if self.is_here => form.with("Password", FieldKind::Password),
                false => form.with("Password there", FieldKind::Secret),
                true => form.with("Answer", FieldKind::Text),
            };
        }
        self.fill(form).await
    }
}

/// Returns the form that asks for the password with which a user logs in at all nodes.
pub(super) fn form_for_all(user: &str) -> Form {
    Form::new("Log in at all nodes").of(user).with("Password", FieldKind::Password)
}

/// Returns the password with which a user logs in at all nodes, if the environment or a file has it, or the user types it.
///
/// # Errors
/// Fails if the user gives up, or if there is nobody to ask.
pub(super) async fn password_for_all(answers: &mut Answers, user: &str) -> Result<Option<Secret>, ShellError> {
    match replied(answers, form_for_all(user)).await {
        Some(Reply::Given(mut texts)) => Ok(texts.pop()),
        Some(Reply::Unable(reason)) => Err(ShellError::Unanswerable(reason)),
        Some(Reply::SendAgain) | None => Err(ShellError::Abandoned),
    }
}
