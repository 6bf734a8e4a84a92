//! Floor 4: sends the mails that wait in the queue: to a server, or into the outbox where none is configured.
//!
//! One task, which nobody waits for: a login goes on whatever becomes of its mail. What cannot be sent stays in the queue, is
//! tried again later and later, and in the end given up; the log says why. Knows nothing of what mails say.

mod delivery;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr};
use tokio::sync::{Notify, broadcast, oneshot};
use tokio::task::JoinHandle;

use self::delivery::Delivery;
use crate::auth::mail::Mail;
use crate::auth::names::Email;
use crate::auth::{Auth, AuthError};
use crate::config::Config;

/// Notices that a reader may lag behind before it loses some.
const NOTICES_MAX: usize = 64;
/// How long a process that ends waits for mails that nobody has tried to send yet.
const LAST_CHANCE: Duration = Duration::from_secs(5);

/// What became of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// To whom.
    pub to: Email,
    /// About what.
    pub subject: String,
    /// Where it is now, or why it is still in the queue.
    pub outcome: Result<String, String>,
}

/// The task that sends mails.
#[derive(Debug)]
pub struct Mailer {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    notices: broadcast::Sender<Notice>,
    /// Where mails go, in words.
    pub way: Arc<str>,
}

impl Mailer {
    /// Begins to send what waits in the queue of `auth`. `clock` is the wall clock, in seconds since 1970.
    ///
    /// # Errors
    /// Where the configuration of the server is wrong: a password that is not there, a certificate that is none.
    pub fn start(auth: Auth, config: &Config, data_dir: &Path, clock: fn() -> u64) -> Result<Mailer> {
        let delivery = Delivery::new(config, data_dir).wrap_err("cannot send mail")?;
        let (stop, stopped) = oneshot::channel();
        let (notices, _) = broadcast::channel(NOTICES_MAX);
        let way = delivery.describe().into();
        let worker = Worker { queued: auth.mail_queued(), auth, delivery, clock, notices: notices.clone() };
        Ok(Mailer { stop, task: spawn(worker.run(stopped)), notices, way })
    }

    /// What becomes of mails from now on.
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    /// Ends, when what was queued last has been tried once. What could not be sent waits for the next process.
    pub async fn end(self) {
        // The task may have ended in a panic, which has been told.
        let _ = self.stop.send(());
        let task = self.task.abort_handle();
        if tokio::time::timeout(LAST_CHANCE, self.task).await.is_err() {
            task.abort();
            tracing::warn!("mails are left in the queue: the server has not taken them in time");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a task of the front ends, whose handle is kept")]
fn spawn(task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(task)
}

struct Worker {
    auth: Auth,
    queued: Arc<Notify>,
    delivery: Delivery,
    clock: fn() -> u64,
    notices: broadcast::Sender<Notice>,
}

impl Worker {
    async fn run(self, mut stopped: oneshot::Receiver<()>) {
        loop {
            let next = self.send_due().await;
            tokio::select! {
                _ = &mut stopped => break,
                () = self.queued.notified() => {}
                () = sleep(next.map(|at| Duration::from_secs(at.saturating_sub((self.clock)())))) => {}
            }
        }
        // What was queued last.
        self.send_due().await;
    }

    /// Sends what is due; gives when the next one is.
    async fn send_due(&self) -> Option<u64> {
        let mails = match self.on_thread(|auth| auth.mails()).await {
            Ok(mails) => mails,
            Err(error) => {
                tracing::error!(%error, "the queue of mails cannot be read");
                return None;
            }
        };
        let now = (self.clock)();
        let (due, later): (Vec<_>, Vec<_>) = mails.into_iter().partition(|(_, mail)| mail.next <= now);
        let mut next = later.iter().map(|(_, mail)| mail.next).min();
        for (number, mail) in due {
            let outcome =
                if mail.until <= now { Err("it is too old".into()) } else { self.delivery.deliver(number, &mail).await };
            self.tell(&mail, &outcome);
            let result = outcome.map(drop);
            match self.on_thread(move |auth| auth.note_mail(number, result, now)).await {
                Ok(retry) => next = [next, retry].into_iter().flatten().min(),
                Err(error) => tracing::error!(%error, "what became of a mail cannot be noted"),
            }
        }
        next
    }

    fn tell(&self, mail: &Mail, outcome: &Result<String, String>) {
        let Mail { to, subject, .. } = mail;
        match outcome {
            Ok(place) => tracing::info!(%to, %subject, %place, "a mail is sent"),
            Err(error) => tracing::warn!(%to, %subject, %error, "a mail is not sent"),
        }
        // Nobody may be listening.
        let _ = self.notices.send(Notice { to: to.clone(), subject: subject.clone(), outcome: outcome.clone() });
    }

    async fn on_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Auth) -> Result<T, AuthError> + Send + 'static,
    ) -> Result<T, AuthError> {
        let auth = self.auth.clone();
        let done = tokio::task::spawn_blocking(move || work(&auth)).await;
        done.unwrap_or_else(|error| Err(AuthError::Internal { reason: error.to_string() }))
    }
}

#[expect(clippy::disallowed_methods, reason = "mails are tried again after a time on the wall clock")]
async fn sleep(span: Option<Duration>) {
    match span {
        Some(span) => tokio::time::sleep(span).await,
        None => std::future::pending().await,
    }
}
