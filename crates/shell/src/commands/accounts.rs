//! Commands about accounts: registering, logging in and out, passwords, sessions, the audit log and mail.

use std::fmt::Display;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::sync::Arc;

use p2p_auth::audit::{AuditEntry, Finding};
use p2p_auth::mail::Mail;
use p2p_auth::names::{Email, UserName};
use p2p_auth::{Account, AuthError, Challenge, CodeKind, Registration, Secret, SessionInfo};
use p2p_engine::{Denial, EngineError};
use p2p_service::access::{AccessError, Identity};
use serde_json::{Value, json};

use super::forms::{beside, beside_code, check_repeated, fill_or_send_until, fill_until, text_of};
use crate::answer::{Answer, View};
use crate::call::Call;
use crate::question::{CodeField, FieldError, FieldKind, Form, LOG_IN};
use crate::report::{Table, count_of, date_of, number_column, text_column};
use crate::{Shell, ShellError};

/// Default number of entries of the audit log that are shown.
const AUDIT_COUNT: NonZeroUsize = NonZeroUsize::new(20).unwrap();

pub(crate) async fn register(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let identity = shell.access.check().await?;
    shell.access.require_session(&identity, "register").await?;
    let is_first = *identity == Identity::Operator;
    let mut form = Form::new(if is_first { "Create the first account: the admin's" } else { "Register" });
    if is_first {
        form = form.with_text("From then on everybody has to log in, and what is stored already is the admin's.");
    }
    form = form.with_checked("User name", call.argument(0), is_text_of::<UserName>);
    form = form.with_checked("E-mail", call.argument(1), is_text_of::<Email>);
    form = form.with("Password", FieldKind::NewPassword).with("Once more", FieldKind::Repeated);
    let account = fill_until(shell, &mut form, |given| async move {
        let registered = shell.access.register(wanted(&given)?).await;
        registered.map_err(|error| beside(field_of(&error), error))
    });
    let account = account.await?;
    let text = format!("{} is registered, as {}", account.name, account.role.name());
    Ok(Answer::new(View::Text(text), account_data(&account)))
}

/// Returns the index of the registration field that an error concerns.
fn field_of(error: &AccessError) -> usize {
    match error {
        AccessError::Auth(AuthError::EmailTaken { .. }) => 1,
        AccessError::Auth(AuthError::Password(_)) => 2,
        _ => 0,
    }
}

/// Parses the filled-in fields of a registration; returns the field and the message of the first invalid one.
fn wanted(given: &[Secret]) -> Result<Registration, FieldError> {
    let (name, email) = (parsed(given, 0)?, parsed(given, 1)?);
    check_repeated(given, 2)?;
    Ok(Registration { name, email, password: given[2].clone() })
}

/// Parses the text of a field.
fn parsed<T: FromStr<Err: Display>>(given: &[Secret], field: usize) -> Result<T, FieldError> {
    text_of(&given[field]).parse().map_err(|error: T::Err| FieldError { field, message: error.to_string() })
}

/// Checks that a text parses as a `T`; returns the error message otherwise.
fn is_text_of<T: FromStr<Err: Display>>(text: &str) -> Result<(), String> {
    text.trim().parse::<T>().map(drop).map_err(|error| error.to_string())
}

pub(crate) async fn login(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    if *shell.access.check().await.or_else(nobody_where_over)? == Identity::Operator {
        return Err(AccessError::NoAccounts.into());
    }
    let mut form = Form::new(LOG_IN).with_value("User name", call.argument(0)).with("Password", FieldKind::Password);
    loop {
        let challenge = fill_until(shell, &mut form, |given| async move {
            shell.access.login(text_of(&given[0]), given[1].clone()).await.map_err(|error| beside(1, error))
        });
        let Some(challenge) = challenge.await? else { break };
        match second_factor(shell, &form.fields[0].value, &challenge).await {
            // The challenge has lapsed, so that the login starts again.
            Err(ShellError::Access(error @ AccessError::Auth(AuthError::Lapsed))) => {
                form.error = Some(FieldError { field: 1, message: error.to_string() });
            }
            ended => break ended?,
        }
    }
    let identity = shell.identity();
    let Identity::User { account, .. } = &*identity else { return Ok(Answer::nothing()) };
    Ok(Answer::new(View::Text(format!("{} is logged in", account.name)), account_data(account)))
}

/// Accepts an expired session as no session, since the user is about to log in.
fn nobody_where_over(error: AccessError) -> Result<Arc<Identity>, AccessError> {
    match error {
        AccessError::Auth(AuthError::SessionOver) => Ok(Arc::new(Identity::Nobody)),
        error => Err(error),
    }
}

/// Asks for the code of a login until it is correct, or until the login has to start again.
async fn second_factor(shell: &Shell, user: &str, challenge: &Challenge) -> Result<(), ShellError> {
    let way = shell.access.mail_way();
    let text = match (challenge.kind, challenge.mail_wait) {
        (CodeKind::App, _) => "The six digits that your authenticator app shows.".to_owned(),
        (CodeKind::Mail, None) => format!("The six digits that were mailed to you ({way})."),
        (CodeKind::Mail, Some(seconds)) => {
            format!("Too many codes were mailed: another one can be had in {seconds} s. A backup code does now.")
        }
    };
    let is_mailed = challenge.kind == CodeKind::Mail;
    let code = CodeField { changes: !is_mailed, can_be_sent_again: is_mailed, or_backup_code: true };
    let mut form = Form::new("Second factor").of(user).with_text(text).with("Code", FieldKind::Code(code));
    let log_in =
        |given: Vec<Secret>| async move { shell.access.login_with_code(challenge, given[0].clone()).await.map_err(beside_code) };
    let send = || async move {
        shell.access.send_code(challenge).await.map_err(beside_code)?;
        Ok(format!("Another code was mailed to you ({way}); the one before is worth nothing now."))
    };
    fill_or_send_until(shell, &mut form, log_in, send).await
}

pub(crate) async fn logout(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let all = call.has("all");
    let name = shell.access.logout(all).await?;
    let text = if all { format!("every session of {name} is ended") } else { format!("{name} is logged out") };
    Ok(Answer::new(View::Text(text), json!({ "user": name, "all": all })))
}

pub(crate) async fn whoami(shell: &Shell, _: &Call) -> Result<Answer, ShellError> {
    let identity = shell.identity();
    let Identity::User { account, .. } = &*identity else {
        let text = "there are no accounts: the owner of the data directory may do everything; `register` makes one";
        let nobody = json!({
            "user": null, "email": null, "role": null, "created_at": null, "last_login": null, "second_factor": null,
            "backup_codes": null,
        });
        return Ok(Answer::new(View::Text(text.into()), nobody));
    };
    let facts = [
        ("user", account.name.to_string()),
        ("e-mail", account.email.to_string()),
        ("role", account.role.name().to_owned()),
        ("registered", date_of(account.created_at)),
        ("second factor", factor_of(account).to_owned()),
        ("backup codes", account.backup_codes.to_string()),
    ];
    Ok(Answer::new(View::pairs(facts), account_data(account)))
}

/// Returns the second factor of an account in words.
pub(super) fn factor_of(account: &Account) -> &'static str {
    match account.second_factor {
        None => "none",
        Some(CodeKind::App) => "authenticator app",
        Some(CodeKind::Mail) => "codes by mail",
    }
}

fn account_data(account: &Account) -> Value {
    json!({
        "user": account.name.as_str(),
        "email": account.email.as_str(),
        "role": account.role,
        "created_at": account.created_at,
        "last_login": account.last_login,
        "second_factor": account.second_factor.map(CodeKind::name),
        "backup_codes": account.backup_codes,
    })
}

pub(crate) async fn change_password(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let user = own_name(shell, call).await?;
    let mut form = Form::new("Change password").of(&user).with("Password now", FieldKind::Password);
    form = form.with("New password", FieldKind::NewPassword).with("Once more", FieldKind::Repeated);
    let changed = fill_until(shell, &mut form, |given| async move {
        check_repeated(&given, 1)?;
        let changed = shell.access.change_password(given[0].clone(), given[1].clone()).await;
        changed.map_err(|error| beside(usize::from(matches!(error, AccessError::Auth(AuthError::Password(_)))), error))
    });
    changed.await?;
    Ok(Answer::text("the password is changed; your other sessions and your API tokens are ended"))
}

/// Returns the name of the current user, for a command about the user's account. The command is refused to an API token before
/// anything is asked.
///
/// # Errors
/// Returns [`Denial::LoginNeeded`] if no user is logged in, and [`AccessError::SessionOnly`] if the user is by an API token.
pub(super) async fn own_name(shell: &Shell, call: &Call) -> Result<String, ShellError> {
    let identity = shell.identity();
    shell.access.require_session(&identity, call.spec.name).await?;
    identity.name().map(str::to_owned).ok_or_else(|| EngineError::from(Denial::LoginNeeded).into())
}

/// Refuses a command about the account to an API token, as the command itself does.
pub(crate) async fn require_person(shell: &Shell, call: &Call) -> Result<(), ShellError> {
    match (call.spec.name, call.argument(0)) {
        ("passwd" | "sessions" | "otp" | "token" | "key" | "invite", _) => own_name(shell, call).await.map(drop),
        ("users", Some(_)) => Ok(shell.access.require_session(&shell.identity(), "users reset").await?),
        ("register", _) => Ok(shell.access.require_session(&shell.identity(), "register").await?),
        _ => Ok(()),
    }
}

/// Returns the session or the user that an action of the command is about; `None` if they are to be listed.
pub(crate) fn named_of(call: &Call) -> Result<Option<&str>, ShellError> {
    let name = if call.spec.name == "sessions" { "ID" } else { "NAME" };
    call.argument(0).map(|_| call.required(1, name)).transpose()
}

pub(crate) async fn sessions(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    own_name(shell, call).await?;
    if let Some(id) = named_of(call)? {
        shell.access.revoke(id.to_owned()).await?;
        return Ok(Answer::new(View::Text(format!("session {id} is revoked")), json!({ "revoked": id })));
    }
    let sessions = shell.access.sessions().await?;
    let row = |session: &SessionInfo| {
        let own = if session.is_own { "this one" } else { "" };
        vec![session.id.clone(), date_of(session.created_at), date_of(session.used_at), session.origin.clone(), own.to_owned()]
    };
    let data = |session: &SessionInfo| {
        json!({
            "id": session.id, "created_at": session.created_at, "used_at": session.used_at, "origin": session.origin,
            "own": session.is_own,
        })
    };
    let columns = vec![text_column("session"), text_column("begun"), text_column("used"), text_column("from"), text_column("")];
    let rows = sessions.iter().map(row).collect();
    Ok(Answer::new(View::Table(Table { columns, rows, empty: "no sessions" }), sessions.iter().map(data).collect()))
}

pub(crate) async fn users(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    if let Some(name) = named_of(call)? {
        return reset(shell, name).await;
    }
    let accounts = shell.access.accounts().await?;
    let row = |account: &Account| {
        vec![
            account.name.to_string(),
            account.email.to_string(),
            account.role.name().to_owned(),
            date_of(account.created_at),
            account.last_login.map_or_else(|| "never".into(), date_of),
            factor_of(account).to_owned(),
        ]
    };
    let columns = vec![
        text_column("user"),
        text_column("e-mail"),
        text_column("role"),
        text_column("registered"),
        text_column("last login"),
        text_column("second factor"),
    ];
    let rows = accounts.iter().map(row).collect();
    let view = View::Table(Table { columns, rows, empty: "there are no accounts" });
    Ok(Answer::new(view, accounts.iter().map(account_data).collect()))
}

/// Sets a new password for a user who has lost the password or the second factor, and removes the second factor.
async fn reset(shell: &Shell, name: &str) -> Result<Answer, ShellError> {
    shell.access.require_session(&shell.identity(), "users reset").await?;
    let user = shell.access.user(name.to_owned()).await?;
    if shell.identity().name() == Some(user.as_str()) {
        return Err(AccessError::from(AuthError::OwnReset).into());
    }
    let mut form = Form::new("Reset an account").with_text(format!(
        "{user} gets this password, and no second factor; every session and API token of theirs ends, and a mail tells them."
    ));
    form = form.with("New password", FieldKind::NewPassword).with("Once more", FieldKind::Repeated);
    let user = &user;
    let reset = fill_until(shell, &mut form, |given| async move {
        check_repeated(&given, 0)?;
        shell.access.reset(user.clone(), given[0].clone()).await.map_err(|error| beside(0, error))
    });
    reset.await?;
    Ok(Answer::new(View::Text(format!("{user} has a new password")), json!({ "user": user.as_str() })))
}

/// Returns how many entries `audit` is to show at the most.
pub(crate) fn count_of_entries(call: &Call) -> Result<NonZeroUsize, ShellError> {
    let parse = |text: &String| text.parse().map_err(|_| call.wrong(format!("`{text}` is no number from 1")));
    call.flags.get("count").map_or(Ok(AUDIT_COUNT), parse)
}

pub(crate) async fn audit(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    if call.argument(0).is_some() {
        return finding(shell.access.verify_audit().await?);
    }
    let count = count_of_entries(call)?;
    // The latest entry comes last, next to the prompt that follows.
    let mut entries = shell.access.audit(count.get()).await?;
    entries.reverse();
    let row = |(number, entry): &(u64, AuditEntry)| {
        let done = if entry.done { "done" } else { "refused" };
        vec![
            number.to_string(),
            date_of(entry.at),
            entry.user.clone(),
            entry.origin.clone(),
            entry.action.name().to_owned(),
            done.to_owned(),
            entry.note.clone(),
        ]
    };
    let data = |(number, entry): &(u64, AuditEntry)| {
        json!({
            "number": number, "at": entry.at, "user": entry.user, "origin": entry.origin, "action": entry.action.name(),
            "done": entry.done, "note": entry.note,
        })
    };
    let columns = vec![
        number_column("entry"),
        text_column("time"),
        text_column("user"),
        text_column("from"),
        text_column("what"),
        text_column("outcome"),
        text_column("note"),
    ];
    let rows = entries.iter().map(row).collect();
    Ok(Answer::new(View::Table(Table { columns, rows, empty: "the log is empty" }), entries.iter().map(data).collect()))
}

fn finding(finding: Finding) -> Result<Answer, ShellError> {
    let (entries, first, head) = match finding {
        Finding::Whole { entries, first, head } => (entries, first, head),
        Finding::Broken { entry } => {
            let what = format!("entry {entry} was altered, or the one before it was removed");
            return Err(ShellError::Bad(format!("the log is NOT whole: {what}")));
        }
        Finding::CutOff { after } => {
            return Err(ShellError::Bad(format!("the log is NOT whole: entries after {after} were removed")));
        }
    };
    let dropped = if first > 1 { format!(" from {first} on, those before it were dropped for their age") } else { String::new() };
    let text = match entries {
        0 => "the log is empty".to_owned(),
        entries => format!("the log is whole: {}{dropped}; the latest hash is {head}", count_of(entries, "entry")),
    };
    Ok(Answer::new(View::Text(text), json!({ "whole": true, "entries": entries, "first": first, "head": head })))
}

pub(crate) async fn mail(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let way = shell.access.mail_way();
    if call.argument(0).is_some() {
        let to = shell.access.test_mail().await?;
        return Ok(Answer::new(View::Text(format!("a mail to {to} is queued ({way})")), json!({ "to": to.as_str() })));
    }
    let (waiting, given_up) = (shell.access.mails().await?, shell.access.mails_given_up().await?);
    let (now, has_given_up) = (shell.access.now(), !given_up.is_empty());
    let next = |mail: &Mail| mail.next_try(now);
    let mut sections = vec![(way.to_string(), mails_table(&waiting, "next", next, "no mail waits"))];
    if has_given_up {
        sections.push(("given up".into(), mails_table(&given_up, "given up", |mail| mail.next, "")));
    }
    let data = |(number, mail): &(u64, Mail), next: Option<u64>| {
        json!({
            "number": number, "to": mail.to.as_str(), "subject": mail.subject, "at": mail.at, "attempts": mail.attempts,
            "next": next, "error": mail.error, "given_up": next.is_none(),
        })
    };
    let waiting = waiting.iter().map(|queued| data(queued, Some(next(&queued.1))));
    let list = waiting.chain(given_up.iter().map(|queued| data(queued, None))).collect();
    Ok(Answer::new(View::Sections(sections), list))
}

/// Returns a table of mails; `when` is the heading of the column that `time` fills.
fn mails_table(mails: &[(u64, Mail)], when: &'static str, time: impl Fn(&Mail) -> u64, empty: &'static str) -> View {
    let row = |(number, mail): &(u64, Mail)| {
        vec![
            number.to_string(),
            mail.to.to_string(),
            mail.subject.clone(),
            date_of(mail.at),
            mail.attempts.to_string(),
            date_of(time(mail)),
            mail.error.clone().unwrap_or_default(),
        ]
    };
    let columns = vec![
        number_column("mail"),
        text_column("to"),
        text_column("about"),
        text_column("written"),
        number_column("tried"),
        text_column(when),
        text_column("error"),
    ];
    View::Table(Table { columns, rows: mails.iter().map(row).collect(), empty })
}
