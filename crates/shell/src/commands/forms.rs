//! Forms that are asked repeatedly, with the error beside the field, until the action they are for has succeeded or failed for
//! good.

use p2p_auth::{AuthError, Secret};
use p2p_service::access::AccessError;
use secrecy::ExposeSecret;
use tokio::sync::oneshot;

use crate::question::{FieldError, FieldKind, Form, Question, Reply};
use crate::{Shell, ShellError};

impl Shell {
    /// Asks the user to fill in a form, for a command of a crate above this one, and returns a text for each field.
    ///
    /// # Errors
    /// Fails if the user gives up, or if there is nobody to ask.
    pub async fn ask(&self, form: &Form) -> Result<Vec<Secret>, ShellError> {
        match self.fill_in(form).await? {
            Filled::With(texts) => Ok(texts),
            // No such form can be asked for by this.
            Filled::SendAgain => Err(ShellError::Abandoned),
        }
    }

    /// Asks the user to fill in a form. The answer is a text for each field, or the request for another code by mail.
    pub(super) async fn fill_in(&self, form: &Form) -> Result<Filled, ShellError> {
        let (reply, answer) = oneshot::channel();
        self.questions.send(Question { form: form.clone(), reply }).map_err(|_| ShellError::Abandoned)?;
        match answer.await {
            Ok(Reply::Given(texts)) if texts.len() == form.fields.len() => Ok(Filled::With(texts)),
            Ok(Reply::SendAgain) => Ok(Filled::SendAgain),
            Ok(Reply::Unable(reason)) => Err(ShellError::Unanswerable(reason)),
            _ => Err(ShellError::Abandoned),
        }
    }
}

/// The result of asking a form.
pub(super) enum Filled {
    With(Vec<Secret>),
    SendAgain,
}

/// The reason for which the contents of a form are refused.
pub(super) enum Refusal {
    /// A field is wrong, and the form is asked again.
    Field(FieldError),
    /// The command fails, and the form is not asked again.
    Form(ShellError),
}

impl From<FieldError> for Refusal {
    fn from(error: FieldError) -> Self {
        Refusal::Field(error)
    }
}

impl From<ShellError> for Refusal {
    fn from(error: ShellError) -> Self {
        Refusal::Form(error)
    }
}

/// Converts an error of the accounts: errors about the contents of the form become errors of a field.
pub(super) fn beside(field: usize, error: AccessError) -> Refusal {
    use AuthError::{EmailTaken, Lapsed, Name, NameTaken, Password, Wait, WrongCode, WrongLogin, WrongPassword};
    match error {
        AccessError::Auth(
            error @ (NameTaken { .. }
            | EmailTaken { .. }
            | Name(_)
            | Password(_)
            | WrongLogin
            | WrongPassword
            | WrongCode
            | Wait { .. }
            | Lapsed),
        ) => FieldError { field, message: error.to_string() }.into(),
        error => ShellError::from(error).into(),
    }
}

/// Converts an error about a code as [`beside`] does, but ends the form if the challenge has lapsed: no code can be correct then.
pub(super) fn beside_code(error: AccessError) -> Refusal {
    match error {
        error @ AccessError::Auth(AuthError::Lapsed) => ShellError::from(error).into(),
        error => beside(0, error),
    }
}

/// Returns the text of a field without surrounding white space.
pub(super) fn text_of(given: &Secret) -> String {
    given.expose_secret().trim().to_owned()
}

/// Checks that a field and the next one are equal. The error concerns the first of them, so that both are typed again.
pub(super) fn check_repeated(given: &[Secret], field: usize) -> Result<(), FieldError> {
    if given[field].expose_secret() == given[field + 1].expose_secret() {
        return Ok(());
    }
    Err(FieldError { field, message: "the two are not the same".into() })
}

/// Asks until `act` succeeds on the contents of the form. An interruption waits for `act`, so that no action is reported as not
/// done which is done.
///
/// # Errors
/// Returns [`ShellError::Abandoned`] if the user gives up, or the error for which the command fails.
pub(super) async fn fill_until<T, A: Future<Output = Result<T, Refusal>>>(
    shell: &Shell,
    form: &mut Form,
    act: impl Fn(Vec<Secret>) -> A,
) -> Result<T, ShellError> {
    fill_or_send_until(shell, form, act, || std::future::ready(Ok(String::new()))).await
}

/// Asks as [`fill_until`] does, for a form in which the user can request another code; `send` sends it and returns the new text
/// of the form.
///
/// # Errors
/// Fails as [`fill_until`] does.
pub(super) async fn fill_or_send_until<T, A, S>(
    shell: &Shell,
    form: &mut Form,
    act: impl Fn(Vec<Secret>) -> A,
    send: impl Fn() -> S,
) -> Result<T, ShellError>
where
    A: Future<Output = Result<T, Refusal>>,
    S: Future<Output = Result<String, Refusal>>,
{
    loop {
        let filled = shell.fill_in(form).await?;
        let _critical_section = shell.access.critical_section();
        let refusal = match filled {
            Filled::With(given) => {
                keep_texts(form, &given);
                match act(given).await {
                    Ok(done) => return Ok(done),
                    Err(refusal) => refusal,
                }
            }
            Filled::SendAgain => match send().await {
                Ok(text) => {
                    (form.text, form.error) = (text, None);
                    continue;
                }
                Err(refusal) => refusal,
            },
        };
        match refusal {
            Refusal::Field(error) => form.error = Some(error),
            Refusal::Form(error) => return Err(error),
        }
    }
}

/// Keeps the entered texts that are no secrets for when the form is asked again.
fn keep_texts(form: &mut Form, given: &[Secret]) {
    for (field, text) in form.fields.iter_mut().zip(given).filter(|(field, _)| field.kind == FieldKind::Text) {
        field.value = text_of(text);
    }
}
