//! Delivery of a single mail: to a submission server (RFC 6409), or into a file of the outbox directory. Independent of the
//! queue.

use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use eyre::{Result, WrapErr, eyre};
use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use p2p_auth::mail::{Mail, Unsent};
use p2p_auth::names::Email;
use p2p_base::private_file;
use p2p_base::spelling::{visible, visible_path};
use p2p_base::text;
use secrecy::{ExposeSecret, SecretString};

use super::outbox::{self, OUTBOX};
use super::refusal;
use crate::config::{Config, MailServer};

/// Environment variable that may contain the password of the server.
const PASSWORD_VARIABLE: &str = "P2P_SMTP_PASSWORD";
/// Maximum duration of a delivery, from the connection to the final reply.
const PATIENCE: Duration = Duration::from_secs(30);

/// First line of a PEM certificate (RFC 7468, section 2). For a file without one the library would add no certificate and
/// report no error.
const PEM_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

/// Destination of all mails.
#[derive(Debug)]
pub enum Delivery {
    /// Submission server for mail.
    Server {
        /// SMTP client for the server.
        transport: AsyncSmtpTransport<Tokio1Executor>,
        /// Host name and port of the server.
        name: String,
        /// Sender address of the mails.
        from: Email,
    },
    /// Directory in which each mail becomes a file.
    Outbox {
        /// Path of the directory.
        directory: PathBuf,
        /// Sender address of the mails.
        from: Email,
    },
}

impl Delivery {
    /// Creates the delivery that the configuration describes.
    ///
    /// # Errors
    /// Fails if a required password is missing or a certificate is invalid.
    pub fn new(config: &Config, data_dir: &Path) -> Result<Delivery> {
        let from = config.mail_from()?;
        match config.mail()? {
            Some(server) => {
                let name = format!("{}:{}", visible(&server.host), server.port);
                Ok(Delivery::Server { transport: transport(&server)?, name, from })
            }
            None => Ok(Delivery::Outbox { directory: data_dir.join(OUTBOX), from }),
        }
    }

    /// Returns a description of the destination for messages.
    pub(super) fn describe(&self) -> String {
        match self {
            Delivery::Server { name, .. } => format!("mails go to {name}"),
            Delivery::Outbox { directory, .. } => {
                format!("no mail server is configured: mails are put into {}", visible_path(directory))
            }
        }
    }

    /// Delivers a mail. Returns a description of the place that it has reached, or the reason of the failure.
    pub(super) async fn deliver(&self, number: u64, mail: &Mail) -> Result<String, Unsent> {
        let (Delivery::Server { from, .. } | Delivery::Outbox { from, .. }) = self;
        let message = message(from, mail).map_err(|error| Unsent { reason: format!("{error:#}"), is_final: true })?;
        let later = |reason| Unsent { reason, is_final: false };
        match self {
            Delivery::Server { transport, name, .. } => {
                // The transport's own timeout does not apply while the server is silent.
                let sent = tokio::time::timeout(PATIENCE, transport.send(message)).await;
                let sent = sent.map_err(|_| later(format!("{name} has not answered in {} s", PATIENCE.as_secs())))?;
                sent.map(|_| format!("taken by {name}")).map_err(|error| refusal::of(name, &error))
            }
            Delivery::Outbox { directory, .. } => {
                let name = outbox::name_of(mail.at, number);
                let written = outbox::keep(directory, &name, message.formatted()).await;
                written
                    .map(|()| format!("put into {OUTBOX}/{name}"))
                    .map_err(|error| later(format!("{}: {error}", visible_path(directory.join(&name)))))
            }
        }
    }
}

/// Returns the mail in the Internet Message Format (RFC 5322), marked as automatically generated (RFC 3834, section 5).
fn message(from: &Email, mail: &Mail) -> Result<Message> {
    let (from, to) = (from.to_mailed()?, mail.to.to_mailed()?);
    let message = Message::builder()
        .from(from.clone().into())
        .to(to.clone().into())
        .envelope(Envelope::new(Some(from), vec![to])?)
        .subject(&mail.subject)
        .date(UNIX_EPOCH + Duration::from_secs(mail.at))
        .message_id(None)
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".into()))
        .header(ContentType::TEXT_PLAIN);
    Ok(message.body(mail.text.clone())?)
}

fn transport(server: &MailServer) -> Result<AsyncSmtpTransport<Tokio1Executor>> {
    let mut tls = TlsParameters::builder(server.host.clone());
    if let Some(path) = &server.ca_file {
        let pem = text::read(path).wrap_err_with(|| format!("[mail] ca_file: cannot read {}", visible_path(path)))?;
        if !pem.contains(PEM_CERTIFICATE) {
            return Err(eyre!("[mail] ca_file: {} has no certificate in PEM", visible_path(path)));
        }
        let certificate = Certificate::from_pem(pem.as_bytes());
        tls = tls.add_root_certificate(
            certificate.wrap_err_with(|| format!("[mail] ca_file: {} is no certificate", visible_path(path)))?,
        );
    }
    let tls = tls.build_rustls().wrap_err_with(|| format!("[mail] host: `{}` is no name for TLS", visible(&server.host)))?;
    let tls = if server.tls_from_the_start { Tls::Wrapper(tls) } else { Tls::Required(tls) };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host).port(server.port).tls(tls);
    builder = builder.timeout(Some(PATIENCE));
    if let Some(user) = &server.user {
        builder = builder.credentials(Credentials::new(user.clone(), password(server)?.expose_secret().to_owned()));
    }
    Ok(builder.build())
}

/// Returns the password for the server, from the environment, a file or the configuration.
fn password(server: &MailServer) -> Result<SecretString> {
    if let Ok(password) = std::env::var(PASSWORD_VARIABLE) {
        return Ok(text::without_ends(&password).into());
    }
    if let Some(path) = &server.password_file {
        return private_file::read_secret(path)
            .wrap_err_with(|| format!("[mail] password_file: cannot read {}", visible_path(path)));
    }
    let missing = || eyre!("[mail] user is set, but no password: give it as {PASSWORD_VARIABLE}, or in [mail] password_file");
    server.password.clone().ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use p2p_auth::Registration;

    #[test]
    fn a_mail_says_what_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let database = p2p_base::database::Database::open(&directory.path().join("catalog.redb")).unwrap();
        let auth = p2p_auth::Auth::open(database, p2p_auth::Policy::default()).unwrap();
        let (name, email) = ("alice".parse().unwrap(), "alice@example.org".parse().unwrap());
        let alice = Registration { name, email, password: "correct horse battery".into() };
        auth.register_other(&alice, "a test", "a test", 1_795_000_000).unwrap();
        auth.test_mail(&alice.name, 1_795_000_000).unwrap();
        let (_, mail) = auth.mails().unwrap().pop().unwrap();
        let text = String::from_utf8(message(&"p2p@localhost".parse().unwrap(), &mail).unwrap().formatted()).unwrap();
        for line in [
            "From: p2p@localhost",
            "To: alice@example.org",
            "Subject: p2p: test",
            "Auto-Submitted: auto-generated",
            "Date: Wed, 18 Nov 2026",
            "Mail from p2p arrives.",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }
}
