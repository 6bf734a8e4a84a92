//! One-time passwords: enabling them with a code, disabling them, backup codes. Knows nothing of how somebody is asked.

use serde_json::json;

use super::accounts::{factor_of, put_beside, refuse_operator};
use crate::access::{AccessError, Who};
use crate::auth::{Begun, CodeKind, Secret};
use crate::shell::answer::{Answer, View};
use crate::shell::call::Call;
use crate::shell::question::{CodeField, FieldKind, Form, Shown};
use crate::shell::{Filled, Shell, ShellError};

pub(in crate::shell) async fn otp(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    refuse_operator(shell)?;
    let action = call.argument(0).unwrap_or_default();
    if let Some(kind) = call.argument(1).filter(|_| action != "enable") {
        return Err(call.wrong(format!("`{kind}` is too much")));
    }
    match action {
        "enable" => enable(shell, if call.argument(1) == Some("mail") { CodeKind::Mail } else { CodeKind::App }).await,
        "confirm" => {
            shell.access.otp_begun().await?;
            confirm(shell, confirmation(CodeField::default())).await
        }
        "disable" => {
            with_password(shell, "Disable one-time passwords", |password| shell.access.otp_disable(password)).await?;
            Ok(Answer::text("one-time passwords are disabled"))
        }
        "backup-codes" => {
            let renew = |password| shell.access.new_backup_codes(password);
            let codes = with_password(shell, "New backup codes: the old ones are worth nothing then", renew).await?;
            show(shell, codes).await?;
            Ok(Answer::text("there are new backup codes"))
        }
        _ => Ok(status(shell)),
    }
}

async fn enable(shell: &Shell, kind: CodeKind) -> Result<Answer, ShellError> {
    let form = match shell.access.otp_enable(kind).await? {
        Begun::App(enrolment) => {
            let mut form = confirmation(CodeField { changes: true, ..CodeField::default() });
            form.text =
                "Scan this with an authenticator app, or type the secret into it; then type the code that it shows.".into();
            form.shown = Shown::App(enrolment);
            form
        }
        Begun::Mail => {
            let code = CodeField { can_be_sent_again: true, ..CodeField::default() };
            confirmation(code).with_text(format!("A code was mailed to you ({}).", shell.access.mail_way()))
        }
    };
    confirm(shell, form).await
}

fn confirmation(code: CodeField) -> Form {
    let form = Form::new("Enable one-time passwords").with_text("The code of the app or the mail that you were given.");
    form.with("Code", FieldKind::Code(code))
}

/// Asks for the code until it is right.
async fn confirm(shell: &Shell, mut form: Form) -> Result<Answer, ShellError> {
    let codes = loop {
        match shell.fill_in(&form).await? {
            Filled::With(given) => match shell.access.otp_confirm(given[0].clone()).await {
                Ok(codes) => break codes,
                Err(error) => put_beside(&mut form, 0, error)?,
            },
            Filled::SendAgain => match shell.access.otp_enable(CodeKind::Mail).await {
                Ok(_) => form.error = None,
                Err(error) => put_beside(&mut form, 0, error)?,
            },
        }
    };
    show(shell, codes).await?;
    Ok(Answer::text("one-time passwords are enabled"))
}

/// Shows backup codes, this once.
async fn show(shell: &Shell, codes: Vec<Secret>) -> Result<(), ShellError> {
    let text = "Keep these: each logs you in once where you have no code. They are not shown again.";
    let form = Form { shown: Shown::Codes(codes), ..Form::new("Backup codes").with_text(text) };
    match shell.fill_in(&form).await {
        // They have been seen, however they were left.
        Ok(_) | Err(ShellError::Abandoned) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Does what needs the password once more.
async fn with_password<T, A: Future<Output = Result<T, AccessError>>>(
    shell: &Shell,
    title: &'static str,
    act: impl Fn(Secret) -> A,
) -> Result<T, ShellError> {
    let mut form = Form::new(title).with("Password", FieldKind::Password);
    loop {
        let Filled::With(given) = shell.fill_in(&form).await? else { continue };
        match act(given[0].clone()).await {
            Ok(done) => return Ok(done),
            Err(error) => put_beside(&mut form, 0, error)?,
        }
    }
}

fn status(shell: &Shell) -> Answer {
    let who = shell.who();
    let Who::User(account) = &*who else { return Answer::nothing() };
    let kind = account.second_factor.map(CodeKind::name);
    let facts = [("second factor", factor_of(account).to_owned()), ("backup codes left", account.backup_codes.to_string())];
    Answer::new(View::pairs(facts), json!({ "second_factor": kind, "backup_codes": account.backup_codes }))
}
