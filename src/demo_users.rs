//! Alice, bob and charlie, the users of the demonstration and of the tour, and their answers to forms: alice has an
//! authenticator app, bob gets codes by mail, charlie has backup codes. Their secrets are generated anew for each demonstration
//! and never shown.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

use eyre::{Report, Result, eyre};
use p2p_auth::names::NameError;
use p2p_auth::{Auth, AuthError, Begun, CodeKind, Policy, Registration, Secret, otp, password};
use p2p_base::database::Database;
use p2p_base::private_file;
use p2p_service::instance::{EngineArgs, SimulationArgs};
use p2p_service::interrupt::{Interrupted, heeded};
use p2p_service::mailer::OUTBOX;
use p2p_shell::question::{FieldKind, Form};

/// The users with the second factor of each; the first one becomes the admin.
pub const USERS: [(&str, CodeKind); 3] = [("alice", CodeKind::App), ("bob", CodeKind::Mail), ("charlie", CodeKind::App)];

/// Prefix of the names of the temporary directories of demonstrations.
pub const PREFIX: &str = "p2p-demo-";

/// Number of seconds by which the enabling of the second factor is dated back: a code is valid once, and the first login needs
/// another one.
const AGO: u64 = 10 * otp::STEP;

/// The secrets of one user.
#[derive(Debug)]
struct Secrets {
    password: Secret,
    app: Option<Secret>,
    backup: VecDeque<Secret>,
}

/// The users of the demonstration, and their secrets.
#[derive(Debug)]
pub struct DemoUsers {
    secrets: BTreeMap<&'static str, Secrets>,
    /// Directory of the mails of a data directory without a mail server.
    outbox: PathBuf,
    clock: fn() -> u64,
    /// Name of the user who is logging in.
    present: Option<&'static str>,
    /// True if every user logs in with a backup code.
    uses_backup_codes: bool,
}

/// Returns the options of an engine for these users in a data directory of its own, without a mail server: their mails stay in
/// the outbox.
pub fn engine(data_dir: &Path, simulation: &SimulationArgs) -> EngineArgs {
    EngineArgs {
        data_dir: Some(data_dir.to_owned()),
        simulation: simulation.clone(),
        without_mail_server: true,
        ..EngineArgs::default()
    }
}

impl DemoUsers {
    /// Creates the accounts in a new data directory, before the engine uses it. The hashes of their passwords take time, and an
    /// interruption ends that between two of them.
    ///
    /// # Errors
    /// Fails if the disk refuses, and returns [`Interrupted`] if there was an interruption.
    pub async fn make(data_dir: &Path, policy: Policy, clock: fn() -> u64) -> Result<DemoUsers> {
        private_file::create_directory(data_dir)?;
        let auth = Auth::open(Database::open(&data_dir.join("catalog.redb"))?, policy)?;
        let then = clock().saturating_sub(AGO);
        let make_all = move || {
            let made = |(name, kind): (&'static str, CodeKind)| {
                Interrupted::check()?;
                Ok((name, make_user(&auth, name, kind, then)?))
            };
            let made = USERS.into_iter().map(made).collect::<Result<_>>()?;
            Interrupted::check()?;
            Ok::<_, Report>(made)
        };
        let secrets = heeded(tokio::task::spawn_blocking(make_all)).await??;
        Ok(DemoUsers { secrets, outbox: data_dir.join(OUTBOX), clock, present: None, uses_backup_codes: false })
    }

    /// Returns the answers of the user who is logging in to a form, or `None` while an answer is not known yet, such as a code in
    /// a mail that has not arrived.
    ///
    /// # Errors
    /// Fails if the form belongs to none of the users.
    pub fn fill_in(&mut self, form: &Form) -> Result<Option<Vec<Secret>>> {
        let mut given = Vec::new();
        for field in &form.fields {
            let text = match field.kind {
                FieldKind::Text => {
                    self.present = self.secrets.keys().find(|name| **name == field.value).copied();
                    Some(field.value.as_str().into())
                }
                FieldKind::Code(_) => self.code(),
                _ => self.secrets().map(|secrets| secrets.password.clone()),
            };
            if self.present.is_none() {
                return Err(eyre!("nobody of the demonstration knows what to fill into {:?}", form.title));
            }
            match text {
                Some(text) => given.push(text),
                None => return Ok(None),
            }
        }
        Ok(Some(given))
    }

    /// Lets every user log in with a backup code if `uses_backup_codes` is true. The code of an app is valid once, so that a login right
    /// before another one leaves it to the second.
    pub fn use_backup_codes(&mut self, uses_backup_codes: bool) {
        self.uses_backup_codes = uses_backup_codes;
    }

    fn secrets(&mut self) -> Option<&mut Secrets> {
        self.present.and_then(|name| self.secrets.get_mut(name))
    }

    /// Returns the code of the user who is logging in; charlie uses a backup code instead of the app.
    fn code(&mut self) -> Option<Secret> {
        let now = (self.clock)();
        match self.present? {
            name if name == "charlie" || self.uses_backup_codes => self.secrets()?.backup.pop_front(),
            "bob" => self.mailed_code(),
            _ => otp::code_at(self.secrets()?.app.as_ref()?, now),
        }
    }

    /// Takes the code from the latest mail of the outbox, and removes that mail: a code is valid once, and the next one is in a
    /// mail that may not have arrived yet.
    fn mailed_code(&self) -> Option<Secret> {
        let entries = std::fs::read_dir(&self.outbox).ok()?.flatten();
        let paths = entries.map(|entry| entry.path());
        let mut mails: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|kind| kind == "eml")).collect();
        mails.sort();
        mails.iter().rev().find_map(|path| {
            let code = code_in(&std::fs::read_to_string(path).ok()?)?;
            std::fs::remove_file(path).ok().map(|()| code)
        })
    }
}

/// Returns the code that the text of a mail contains.
fn code_in(text: &str) -> Option<Secret> {
    let (_, rest) = text.split_once("Your code is ")?;
    rest.get(..6).map(Secret::from)
}

fn make_user(auth: &Auth, name: &str, kind: CodeKind, then: u64) -> Result<Secrets, AuthError> {
    let password = password::random()?;
    let wanted = Registration {
        name: name.parse().map_err(NameError::from)?,
        email: format!("{name}@example.org").parse()?,
        password: password.clone(),
    };
    let user = auth.register_other(&wanted, "the demonstration", "demonstration", then)?.name;
    let (code, app) = match auth.otp_enable(&user, kind, then)? {
        Begun::App(enrolment) => (otp::code_at(&enrolment.secret, then), Some(enrolment.secret)),
        // No mailer runs yet: the mail is in the queue of the database.
        Begun::Mail => (auth.mails()?.last().and_then(|(_, mail)| code_in(&mail.text)), None),
    };
    let code = code.ok_or(AuthError::WrongCode)?;
    let backup = auth.otp_confirm(&user, &code, "demonstration", then)?.into();
    Ok(Secrets { password, app, backup })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use p2p_shell::question::CodeField;

    fn filled_in(users: &mut DemoUsers, form: &Form) -> Option<Vec<String>> {
        let given = users.fill_in(form).unwrap()?;
        Some(given.iter().map(|text| text.expose_secret().to_owned()).collect())
    }

    #[tokio::test]
    async fn a_mailed_code_is_waited_for_and_read_once() {
        let directory = tempfile::tempdir().unwrap();
        let policy = Policy { iterations: 1000, ..Policy::default() };
        let mut users = DemoUsers::make(directory.path(), policy, || 1_795_000_000).await.unwrap();
        let auth = Auth::open(Database::open(&directory.path().join("catalog.redb")).unwrap(), policy).unwrap();
        // What enabled codes by mail is not there to be taken for another.
        assert!(auth.mails().unwrap().iter().all(|(_, mail)| code_in(&mail.text).is_none()));

        let login = Form::new("Log in").with_value("User name", Some("bob")).with("Password", FieldKind::Password);
        assert_eq!(filled_in(&mut users, &login).unwrap()[0], "bob");
        let code = Form::new("Second factor").with("Code", FieldKind::Code(CodeField::default()));
        assert_eq!(filled_in(&mut users, &code), None);
        private_file::create_directory(&users.outbox).unwrap();
        for (name, text) in
            [("1-000001.eml", "bob has logged in."), ("1-000002.eml", "Your code is 123456"), (".tmp", "Your code is 9")]
        {
            std::fs::write(users.outbox.join(name), text).unwrap();
        }
        assert_eq!(filled_in(&mut users, &code), Some(vec!["123456".to_owned()]));
        assert_eq!(filled_in(&mut users, &code), None);
    }
}
