//! The client of a connection (RFC 4254): its login, its channels, and what it asks of each.
//!
//! A channel is a task of its own, so that none holds the connection up. Forwarding, agents and X11 are refused, and so is the environment.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use p2p_service::access::Access;
use p2p_service::doors::Closing;
use p2p_service::doors::guest::Guest;
use p2p_service::doors::seats::{Seat, Seats};
use p2p_service::files::NodeNumber;
use russh::server::{Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Response, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelOpenFailure, Pty};
use secrecy::SecretString;
use tokio::sync::watch;

use super::login::{Login, refused};
use super::works::Works;
use crate::algorithms::may_sign;
use crate::session::{self, Asker, Terminal};
use crate::sftp;

/// Channels of one connection at the most, as in OpenSSH (`MaxSessions`).
const CHANNELS_MAX: usize = 10;
/// Length of a command at the most, in bytes.
const COMMAND_MAX: usize = 64 * 1024;

/// Reasons for which something is refused to a client.
mod reason {
    pub(super) const CONNECTIONS: &str = "too many connections of one user";
    pub(super) const CHANNELS: &str = "too many channels of one connection";
    pub(super) const SUBSYSTEM: &str = "a subsystem that there is not";
    pub(super) const COMMAND: &str = "a command that is too long";
}

/// Channel among those that are open, until this is dropped. The library does not tell of the end of a channel that is closed here first.
struct OpenChannel(Arc<AtomicUsize>);

impl OpenChannel {
    fn of(open: &Arc<AtomicUsize>) -> OpenChannel {
        open.fetch_add(1, Ordering::Relaxed);
        OpenChannel(Arc::clone(open))
    }
}

impl Drop for OpenChannel {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Client of one connection.
pub(super) struct Client {
    access: Access,
    guest: Guest,
    login: Login,
    seats: Seats,
    seat: Option<Seat>,
    node: NodeNumber,
    /// Number of open channels.
    open: Arc<AtomicUsize>,
    /// Channels of which nothing was asked yet, each with its terminal.
    waiting: HashMap<ChannelId, (Channel<Msg>, Option<Terminal>, OpenChannel)>,
    works: Works,
    closing: Closing,
    logged_in: watch::Sender<bool>,
}

impl Client {
    pub(super) fn new(
        access: Access,
        guest: Guest,
        (seats, node): (Seats, NodeNumber),
        works: Works,
        closing: Closing,
        logged_in: watch::Sender<bool>,
    ) -> Client {
        Client {
            login: Login::new(access.clone()),
            access,
            guest,
            seats,
            seat: None,
            node,
            open: Arc::default(),
            waiting: HashMap::new(),
            works,
            closing,
            logged_in,
        }
    }

    /// Notes that the handshake is over.
    fn note_handshake(&self) {
        if !self.guest.is_known() {
            self.guest.note_request();
        }
    }

    /// Gives a seat to a user who has logged in, or ends the login.
    async fn seated(&mut self, auth: Auth) -> Auth {
        if auth != Auth::Accept {
            return auth;
        }
        let identity = self.access.identity();
        self.seat = identity.name().and_then(|name| self.seats.take(name));
        if self.seat.is_some() {
            self.logged_in.send_replace(true);
            return auth;
        }
        self.guest.note_refusal(reason::CONNECTIONS);
        self.access.end().await;
        refused()
    }

    /// Takes a channel of which something is asked for the first time.
    fn take(&mut self, channel: ChannelId) -> Option<(Channel<Msg>, Asker, OpenChannel)> {
        let (channel, terminal, open) = self.waiting.remove(&channel)?;
        self.guest.note_request();
        let (access, closing) = (self.access.clone(), self.closing.clone());
        Some((channel, Asker { access, node: self.node, terminal, closing }, open))
    }

    /// Runs in a channel what is asked of it, if that is the first thing. The channel is open until it ends.
    fn run<W: Future<Output = ()> + Send + 'static>(
        &mut self,
        channel: ChannelId,
        session: &mut Session,
        work: impl FnOnce(Channel<Msg>, Asker) -> W,
    ) -> Result<(), russh::Error> {
        let Some((taken, asker, open)) = self.take(channel) else { return session.channel_failure(channel) };
        session.channel_success(channel)?;
        let work = work(taken, asker);
        self.works.begin(async move {
            work.await;
            drop(open);
        });
        Ok(())
    }
}

impl Handler for Client {
    type Error = russh::Error;

    async fn auth_none(&mut self, _: &str) -> Result<Auth, Self::Error> {
        self.note_handshake();
        Ok(refused())
    }

    async fn auth_publickey_offered(&mut self, user: &str, offer: PublicKeyOffer<'_>) -> Result<Auth, Self::Error> {
        self.note_handshake();
        let is_known = may_sign(offer.algorithm) && self.login.knows(user, offer.public_key).await;
        Ok(if is_known { Auth::Accept } else { refused() })
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        if !may_sign(key.algorithm) {
            return Ok(refused());
        }
        let auth = self.login.by_key(user, key.public_key).await;
        Ok(self.seated(auth).await)
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        self.note_handshake();
        let auth = self.login.by_password(user, SecretString::from(password)).await;
        Ok(self.seated(auth).await)
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        user: &str,
        _: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        self.note_handshake();
        let auth = self.login.by_answers(user, response).await;
        Ok(self.seated(auth).await)
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        if self.open.load(Ordering::Relaxed) >= CHANNELS_MAX {
            self.guest.note_refusal(reason::CHANNELS);
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        }
        self.waiting.insert(channel.id(), (channel, None, OpenChannel::of(&self.open)));
        reply.accept().await;
        Ok(())
    }

    async fn channel_close(&mut self, channel: ChannelId, _: &mut Session) -> Result<(), Self::Error> {
        self.waiting.remove(&channel);
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        _: &str,
        columns: u32,
        _: u32,
        _: u32,
        _: u32,
        _: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        match self.waiting.get_mut(&channel) {
            Some((_, terminal, _)) => {
                *terminal = Some(Terminal::of(columns));
                session.channel_success(channel)
            }
            None => session.channel_failure(channel),
        }
    }

    async fn shell_request(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        self.run(channel, session, session::shell)
    }

    async fn exec_request(&mut self, channel: ChannelId, command: &[u8], session: &mut Session) -> Result<(), Self::Error> {
        if command.len() > COMMAND_MAX {
            self.guest.note_refusal(reason::COMMAND);
            return session.channel_failure(channel);
        }
        self.run(channel, session, |taken, asker| session::exec(taken, asker, command.to_vec()))
    }

    async fn subsystem_request(&mut self, channel: ChannelId, name: &str, session: &mut Session) -> Result<(), Self::Error> {
        if name != sftp::SUBSYSTEM {
            self.guest.note_refusal(reason::SUBSYSTEM);
            return session.channel_failure(channel);
        }
        self.run(channel, session, sftp::serve)
    }

    async fn env_request(&mut self, channel: ChannelId, _: &str, _: &str, session: &mut Session) -> Result<(), Self::Error> {
        session.channel_failure(channel)
    }

    async fn x11_request(
        &mut self,
        channel: ChannelId,
        _: bool,
        _: &str,
        _: &str,
        _: u32,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(channel)
    }
}
