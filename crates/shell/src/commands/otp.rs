//! Commands about one-time passwords: enabling them with a code, disabling them, and backup codes.

use p2p_auth::{Begun, CodeKind, Secret};
use p2p_service::access::Identity;
use serde_json::json;

use super::accounts::{factor_of, own_name};
use super::forms::{beside, beside_code, fill_or_send_until, fill_until};
use crate::answer::{Answer, View};
use crate::call::Call;
use crate::question::{CodeField, FieldKind, Form, Shown};
use crate::{Shell, ShellError};

/// Refuses a kind of codes where none is enabled.
pub(crate) fn check_kind(call: &Call) -> Result<(), ShellError> {
    match (call.argument(0), call.argument(1)) {
        (Some("enable"), _) | (_, None) => Ok(()),
        (_, Some(kind)) => Err(call.wrong(format!("unexpected argument `{kind}`"))),
    }
}

pub(crate) async fn otp(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let user = own_name(shell, call).await?;
    let action = call.argument(0).unwrap_or_default();
    check_kind(call)?;
    match action {
        "enable" => enable(shell, &user, if call.argument(1) == Some("mail") { CodeKind::Mail } else { CodeKind::App }).await,
        "confirm" => {
            shell.access.otp_begun().await?;
            confirm(shell, confirmation(&user, CodeField::default())).await
        }
        "disable" => {
            let mut form = Form::new("Disable one-time passwords").of(&user).with("Password", FieldKind::Password);
            let disabled = fill_until(shell, &mut form, |given| async move {
                shell.access.otp_disable(given[0].clone()).await.map_err(|error| beside(0, error))
            });
            disabled.await?;
            Ok(Answer::text("one-time passwords are disabled"))
        }
        "backup-codes" => {
            let title = "New backup codes: the old ones are worth nothing then";
            let mut form = Form::new(title).of(&user).with("Password", FieldKind::Password);
            let renewed = fill_until(shell, &mut form, |given| async move {
                let codes = shell.access.new_backup_codes(given[0].clone()).await.map_err(|error| beside(0, error))?;
                Ok(show(shell, codes).await?)
            });
            renewed.await?;
            Ok(Answer::text("there are new backup codes"))
        }
        _ => Ok(status(shell)),
    }
}

async fn enable(shell: &Shell, user: &str, kind: CodeKind) -> Result<Answer, ShellError> {
    let form = match shell.access.otp_enable(kind).await? {
        Begun::App(enrolment) => {
            let mut form = confirmation(user, CodeField { changes: true, ..CodeField::default() });
            form.text =
                "Scan this with an authenticator app, or type the secret into it; then type the code that it shows.".into();
            form.shown = Shown::App(enrolment);
            form
        }
        Begun::Mail => {
            let code = CodeField { can_be_sent_again: true, ..CodeField::default() };
            confirmation(user, code).with_text(mailed(shell))
        }
    };
    confirm(shell, form).await
}

fn confirmation(user: &str, code: CodeField) -> Form {
    let form = Form::new("Enable one-time passwords").of(user).with_text("The code of the app or the mail that you were given.");
    form.with("Code", FieldKind::Code(code))
}

/// Asks for the code until it is correct, and then enables one-time passwords.
async fn confirm(shell: &Shell, mut form: Form) -> Result<Answer, ShellError> {
    let enable = |given: Vec<Secret>| async move {
        let codes = shell.access.otp_confirm(given[0].clone()).await.map_err(beside_code)?;
        Ok(show(shell, codes).await?)
    };
    let send = || async move {
        shell.access.otp_enable(CodeKind::Mail).await.map_err(beside_code)?;
        Ok(mailed(shell))
    };
    fill_or_send_until(shell, &mut form, enable, send).await?;
    Ok(Answer::text("one-time passwords are enabled"))
}

fn mailed(shell: &Shell) -> String {
    format!("A code was mailed to you ({}).", shell.access.mail_way())
}

/// Shows backup codes. They are not shown again later.
async fn show(shell: &Shell, codes: Vec<Secret>) -> Result<(), ShellError> {
    let text = "Keep these: each logs you in once where you have no code. They are not shown again.";
    let form = Form { shown: Shown::Codes(codes), ..Form::new("Backup codes").with_text(text) };
    match shell.fill_in(&form).await {
        // The codes have been shown, also if the user closed the form without confirming it.
        Ok(_) | Err(ShellError::Abandoned) => Ok(()),
        Err(error) => Err(error),
    }
}

fn status(shell: &Shell) -> Answer {
    let identity = shell.identity();
    let Identity::User { account, .. } = &*identity else { return Answer::nothing() };
    let kind = account.second_factor.map(CodeKind::name);
    let facts = [("second factor", factor_of(account).to_owned()), ("backup codes left", account.backup_codes.to_string())];
    Answer::new(View::pairs(facts), json!({ "second_factor": kind, "backup_codes": account.backup_codes }))
}
