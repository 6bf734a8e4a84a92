//! Sends the queued mails to a server, or into the outbox directory if no server is configured.
//!
//! Mails are sent by a task of their own, so that a login continues whatever happens to its mail. A mail that cannot be sent
//! stays in the queue, is retried at growing intervals and finally given up; a mail that the server refuses permanently is
//! given up at once. The log has the reasons.

mod delivery;
mod outbox;
mod refusal;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

use p2p_auth::Auth;
use p2p_auth::mail::{Mail, Unsent};
use p2p_auth::names::Email;
use tokio::sync::{Notify, broadcast, watch};
use tokio::task::JoinHandle;

pub use self::delivery::Delivery;
pub use self::outbox::OUTBOX;

use crate::blocking::off_thread;

/// Number of notices that a reader may lag behind before it loses the oldest ones.
const NOTICES_MAX: usize = 64;
/// Time that an ending process waits for the mail that is being sent.
const LAST_CHANCE: Duration = Duration::from_secs(5);

/// Time without another mail after a result could not be recorded on the disk.
const PAUSE: Duration = Duration::from_secs(30);

/// Result of an attempt to send a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Address of the recipient.
    pub to: Email,
    /// Subject of the mail.
    pub subject: String,
    /// Description of the place that the mail has reached, or the reason of the failure.
    pub outcome: Result<String, Unsent>,
}

/// Task that sends the queued mails.
#[derive(Debug)]
pub struct Mailer {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
    notices: broadcast::Sender<Notice>,
    /// Description of the route by which mails are sent.
    pub way: Arc<str>,
}

impl Mailer {
    /// Starts to send the mails in the queue of `auth`. `clock` is the wall clock, in seconds since 1970.
    pub fn start(auth: Auth, delivery: Delivery, clock: fn() -> u64) -> Mailer {
        let (stop, stopped) = watch::channel(false);
        let (notices, _) = broadcast::channel(NOTICES_MAX);
        let way = delivery.describe().into();
        let queued = Arc::new(Queued::default());
        auth.wake_on_mail(Waker::from(Arc::clone(&queued)));
        let worker = Worker { queued, auth, delivery, clock, notices: notices.clone() };
        Mailer { stop, task: spawn(worker.run(stopped)), notices, way }
    }

    /// Subscribes to the results of all further attempts.
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    /// Ends the task after a last attempt for the mail that is being sent and for those not tried yet. Unsent mails wait for
    /// the next process.
    pub async fn end(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the task that sends mails has failed");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a task of the front ends, whose handle is kept")]
fn spawn(task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(task)
}

/// Notification that a mail may have been queued.
#[derive(Debug, Default)]
struct Queued(Notify);

impl Wake for Queued {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

struct Worker {
    auth: Auth,
    queued: Arc<Queued>,
    delivery: Delivery,
    clock: fn() -> u64,
    notices: broadcast::Sender<Notice>,
}

impl Worker {
    async fn run(self, mut stopped: watch::Receiver<bool>) {
        while !*stopped.borrow() {
            let (due, next) = self.next(|_| true).await;
            if let Some((number, mail)) = due {
                self.send(number, mail, &mut stopped).await;
                continue;
            }
            tokio::select! {
                () = wish_to_end(&mut stopped) => break,
                () = self.queued.0.notified() => {}
                () = sleep(next.map(|at| Duration::from_secs(at.saturating_sub((self.clock)())))) => {}
            }
        }
        // Mails that were queued last are tried once, unless one attempt fails: a user who quits does not wait for a failing
        // server.
        while let (Some((number, mail)), _) = self.next(|mail| mail.attempts == 0).await {
            if !self.send(number, mail, &mut stopped).await {
                break;
            }
        }
    }

    /// Returns the mail of the kind `is_meant` that is due first, if there is one, and the time at which the next one becomes
    /// due. Mails with few attempts come first, since a user may be waiting for a code.
    async fn next(&self, is_meant: impl Fn(&Mail) -> bool) -> (Option<(u64, Mail)>, Option<u64>) {
        let mails = off_thread(&self.auth, |auth| auth.mails()).await.unwrap_or_else(|error| {
            tracing::error!(%error, "the queue of mails cannot be read");
            Vec::new()
        });
        let now = (self.clock)();
        let (due, later): (Vec<_>, Vec<_>) =
            mails.into_iter().filter(|(_, mail)| is_meant(mail)).partition(|(_, mail)| mail.is_due(now));
        let first = due.into_iter().min_by_key(|(number, mail)| (mail.attempts, *number));
        (first, later.iter().map(|(_, mail)| mail.next_try(now)).min())
    }

    /// Sends a mail and records the result. When the process ends, the server has [`LAST_CHANCE`] left. Returns true if the
    /// mail was sent.
    async fn send(&self, number: u64, mail: Mail, stopped: &mut watch::Receiver<bool>) -> bool {
        let too_old = || Err(Unsent { reason: "it is too old".into(), is_final: true });
        let outcome = if mail.is_too_old((self.clock)()) { too_old() } else { self.deliver(number, &mail, stopped).await };
        self.tell(&mail, &outcome);
        let (is_sent, result, now) = (outcome.is_ok(), outcome.map(drop), (self.clock)());
        if let Err(error) = off_thread(&self.auth, move |auth| auth.record_mail(number, result, now)).await {
            tracing::error!(%error, "what became of a mail cannot be noted");
            // Without a record the mail would be sent again and again.
            tokio::select! {
                () = sleep(Some(PAUSE)) => {}
                () = wish_to_end(stopped) => return false,
            }
        }
        is_sent
    }

    async fn deliver(&self, number: u64, mail: &Mail, stopped: &mut watch::Receiver<bool>) -> Result<String, Unsent> {
        let delivery = self.delivery.deliver(number, mail);
        tokio::pin!(delivery);
        tokio::select! {
            biased;
            outcome = &mut delivery => outcome,
            () = wish_to_end(stopped) => {
                let unanswered = |_| {
                    let reason = format!("the server had not answered {} s after p2p was to end", LAST_CHANCE.as_secs());
                    Err(Unsent { reason, is_final: false })
                };
                tokio::time::timeout(LAST_CHANCE, delivery).await.unwrap_or_else(unanswered)
            }
        }
    }

    fn tell(&self, mail: &Mail, outcome: &Result<String, Unsent>) {
        let Mail { to, subject, .. } = mail;
        match outcome {
            Ok(place) => tracing::info!(%to, %subject, %place, "a mail is sent"),
            Err(Unsent { reason, is_final: true }) => tracing::error!(%to, %subject, %reason, "a mail is given up"),
            Err(Unsent { reason, .. }) => tracing::warn!(%to, %subject, %reason, "a mail is not sent"),
        }
        // There may be no subscriber.
        let _ = self.notices.send(Notice { to: to.clone(), subject: subject.clone(), outcome: outcome.clone() });
    }
}

/// Waits until the process is about to end.
async fn wish_to_end(stopped: &mut watch::Receiver<bool>) {
    // A dropped sender has the same meaning.
    drop(stopped.wait_for(|stopped| *stopped).await);
}

#[expect(clippy::disallowed_methods, reason = "mails are tried again after a time on the wall clock")]
async fn sleep(span: Option<Duration>) {
    match span {
        Some(span) => tokio::time::sleep(span).await,
        None => std::future::pending().await,
    }
}
