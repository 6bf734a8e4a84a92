//! Floor 4: alice, bob and charlie, the users of the demonstration and of the tour, and what they would fill in: alice has an
//! authenticator app, bob gets codes by mail, charlie has backup codes. Their secrets are made anew each time and shown to nobody.
//!
//! Knows nothing of what they do.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

use color_eyre::eyre::{Result, eyre};

use crate::auth::{Auth, AuthError, Begun, CodeKind, Policy, Registration, Secret, otp, password};
use crate::database::Database;
use crate::private_file;
use crate::shell::question::{FieldKind, Form};

/// The users, the admin first, each with the second factor.
pub const USERS: [(&str, CodeKind); 3] = [("alice", CodeKind::App), ("bob", CodeKind::Mail), ("charlie", CodeKind::App)];

/// The second factor was enabled so many seconds ago: a code is good once, and the first login needs one.
const AGO: u64 = 10 * otp::STEP;

/// What one of them knows.
#[derive(Debug)]
struct Secrets {
    password: Secret,
    app: Option<Secret>,
    backup: VecDeque<Secret>,
}

/// The users and what they know.
#[derive(Debug)]
pub struct DemoUsers {
    secrets: BTreeMap<&'static str, Secrets>,
    /// Where mail goes while nobody has configured a server.
    outbox: PathBuf,
    clock: fn() -> u64,
    /// Who is logging in.
    present: Option<&'static str>,
}

impl DemoUsers {
    /// Makes their accounts in a new data directory, before anybody else uses it.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn make(data_dir: &Path, policy: Policy, clock: fn() -> u64) -> Result<DemoUsers> {
        private_file::create_directory(data_dir)?;
        let auth = Auth::open(Database::open(&data_dir.join("catalog.redb"))?, policy)?;
        let then = clock().saturating_sub(AGO);
        let made = |(name, kind): (&'static str, CodeKind)| Ok((name, make_user(&auth, name, kind, then)?));
        let secrets = USERS.into_iter().map(made).collect::<Result<_, AuthError>>()?;
        Ok(DemoUsers { secrets, outbox: data_dir.join("outbox"), clock, present: None })
    }

    /// What one of them fills into a form; nothing where they do not know it yet, such as a code that is still on its way.
    ///
    /// # Errors
    /// Where the form is none of theirs.
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

    fn secrets(&mut self) -> Option<&mut Secrets> {
        self.present.and_then(|name| self.secrets.get_mut(name))
    }

    /// The code of whoever is logging in: charlie has left the phone at home.
    fn code(&mut self) -> Option<Secret> {
        let now = (self.clock)();
        match self.present? {
            "charlie" => self.secrets()?.backup.pop_front(),
            "bob" => self.mailed_code(),
            _ => otp::code_at(self.secrets()?.app.as_ref()?, now),
        }
    }

    /// The code in the latest mail of the outbox.
    fn mailed_code(&self) -> Option<Secret> {
        let entries = std::fs::read_dir(&self.outbox).ok()?.flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        paths.iter().rev().find_map(|path| code_in(&std::fs::read_to_string(path).ok()?))
    }
}

/// The code that a mail brings.
fn code_in(text: &str) -> Option<Secret> {
    let (_, rest) = text.split_once("Your code is ")?;
    rest.get(..6).map(Secret::from)
}

fn make_user(auth: &Auth, name: &str, kind: CodeKind, then: u64) -> Result<Secrets, AuthError> {
    let password = password::random()?;
    let wanted = Registration { name: name.parse()?, email: format!("{name}@example.org").parse()?, password: password.clone() };
    let user = auth.register_other(&wanted, "the demonstration", "demonstration", then)?.name;
    let (code, app) = match auth.otp_enable(&user, kind, then)? {
        Begun::App(enrolment) => (otp::code_at(&enrolment.secret, then), Some(enrolment.secret)),
        // Nobody sends mails yet: it is in the queue.
        Begun::Mail => (auth.mails()?.last().and_then(|(_, mail)| code_in(&mail.text)), None),
    };
    let code = code.ok_or(AuthError::WrongCode)?;
    let backup = auth.otp_confirm(&user, &code, "demonstration", then)?.into();
    Ok(Secrets { password, app, backup })
}
