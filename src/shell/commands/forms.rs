//! Forms that are asked again, with what was wrong beside the field, until what they are for is done. Knows nothing of how
//! somebody is asked.

use secrecy::ExposeSecret;

use crate::access::AccessError;
use crate::auth::{AuthError, Secret};
use crate::shell::question::{FieldError, FieldKind, Form};
use crate::shell::{Filled, Shell, ShellError};

/// Why what was filled in does not do.
pub(super) enum Refusal {
    /// A field is wrong, and may be filled in anew.
    Field(FieldError),
    /// All of it is in vain.
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

/// What the accounts say, beside a field where it is about what was filled in.
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

/// The same for a code: what has lapsed is not brought back by another one.
pub(super) fn beside_code(error: AccessError) -> Refusal {
    match error {
        error @ AccessError::Auth(AuthError::Lapsed) => ShellError::from(error).into(),
        error => beside(0, error),
    }
}

/// The text that was filled in, without what surrounds it.
pub(super) fn text_of(given: &Secret) -> String {
    given.expose_secret().trim().to_owned()
}

/// What stands in a field has to stand in the next one too. Nobody knows which of the two was meant: both are typed anew.
pub(super) fn check_repeated(given: &[Secret], field: usize) -> Result<(), FieldError> {
    if given[field].expose_secret() == given[field + 1].expose_secret() {
        return Ok(());
    }
    Err(FieldError { field, message: "the two are not the same".into() })
}

/// Asks until `act` has done something with what was filled in. An interruption waits for it: nobody is to be told that it is not
/// done where it is.
///
/// # Errors
/// [`ShellError::Abandoned`] where somebody does not want to, and whatever is in vain.
pub(super) async fn fill_until<T, A: Future<Output = Result<T, Refusal>>>(
    shell: &Shell,
    form: &mut Form,
    act: impl Fn(Vec<Secret>) -> A,
) -> Result<T, ShellError> {
    fill_or_send_until(shell, form, act, || std::future::ready(Ok(String::new()))).await
}

/// The same for a form in which another code can be asked for; `send` gives what there is to know of it.
///
/// # Errors
/// As for [`fill_until`].
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
        let _undisturbed = shell.access.undisturbed();
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

/// What is no secret is there when the form is asked again.
fn keep_texts(form: &mut Form, given: &[Secret]) {
    for (field, text) in form.fields.iter_mut().zip(given).filter(|(field, _)| field.kind == FieldKind::Text) {
        field.value = text_of(text);
    }
}
