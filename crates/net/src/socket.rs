//! The socket calls of an application: listen, connect, write, read, close.

use bytes::Bytes;
use p2p_base::units::SimDuration;

use super::Network;
use super::event::{ConnectionChange, Read, UnknownHost, WriteError};
use super::flow::ConnectionId;
use super::host::HostId;
use super::listener::Listener;
use super::sockets::NewEnd;
use super::stats::ConnectionStats;
use super::tcp::connection::Connection;
use super::tcp::state::{ConnectionSample, Outstanding, State};
use super::tcp::{Activity, TcpConfig};

impl Network {
    /// Accepts connections to `port` of `host`, with `config` for the accepting end, until [`unlisten`](Self::unlisten).
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if the network does not have the host.
    pub fn listen(&mut self, host: HostId, port: u16, config: TcpConfig) -> Result<(), UnknownHost> {
        self.wires.host(host)?;
        self.sockets.listen(host, port, Listener { config, is_adopting: false });
        Ok(())
    }

    /// Accepts connections as [`listen`](Self::listen) does, but with an end that is no less patient than the opener: its timeouts are at
    /// least the opener's, as the User Timeout Option tells them (RFC 5482 §3.1). Linux does not have that option, and nothing of it is sent.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if the network does not have the host.
    pub fn listen_as_patient(&mut self, host: HostId, port: u16, config: TcpConfig) -> Result<(), UnknownHost> {
        self.wires.host(host)?;
        self.sockets.listen(host, port, Listener { config, is_adopting: true });
        Ok(())
    }

    /// Accepts no further connections to `port` of `host`: a SYN is answered with a reset. Established connections remain;
    /// those of which the handshake is in progress are forgotten. Returns true if the port was open.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if the network does not have the host.
    pub fn unlisten(&mut self, host: HostId, port: u16) -> Result<bool, UnknownHost> {
        self.wires.host(host)?;
        Ok(self.sockets.unlisten(host, port))
    }

    /// Opens a connection; [`NetEvent::Connected`](super::NetEvent::Connected) or [`NetEvent::Ended`](super::NetEvent::Ended)
    /// reports the outcome.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if the network does not have both hosts.
    pub fn connect(&mut self, from: HostId, to: HostId, port: u16, config: TcpConfig) -> Result<ConnectionId, UnknownHost> {
        let (there, back) = (self.wires.path(from, to)?, self.wires.path(to, from)?);
        let own_port = self.wires.host_mut(from)?.take_port();
        let opener = NewEnd { host: from, port: own_port, path: there };
        let acceptor = NewEnd { host: to, port, path: back };
        let id = self.sockets.connect(self.now, opener, acceptor, &config);
        self.flush();
        Ok(id)
    }

    /// Appends `bytes` to the stream of this end. Accepts all of them or none.
    ///
    /// # Errors
    /// Returns the errors of [`write_pieces`](Self::write_pieces).
    pub fn write(&mut self, id: ConnectionId, bytes: Bytes) -> Result<(), WriteError> {
        self.write_pieces(id, [bytes])
    }

    /// Appends several pieces at once, so that they share packets. Accepts all of them or none; the peer reads them in the
    /// same pieces, provided it does not ask for less at once.
    ///
    /// # Errors
    /// Returns [`WriteError::Full`] if the bytes waiting already fill the send buffer, and [`WriteError::Closed`] if this end
    /// can no longer send.
    pub fn write_pieces<const N: usize>(&mut self, id: ConnectionId, pieces: [Bytes; N]) -> Result<(), WriteError> {
        let outcome = self.sockets.write(self.now, id, pieces);
        self.flush();
        outcome
    }

    /// Returns true if a write would be accepted now. If the send buffer is full, [`NetEvent::Writable`](super::NetEvent::Writable)
    /// is reported once there is room, as after a write that was refused.
    pub fn is_writable(&mut self, id: ConnectionId) -> bool {
        self.sockets.writable_end(id).is_ok()
    }

    /// Limits the bytes that this end has written and that were never sent (Linux `TCP_NOTSENT_LOWAT`): from `bytes` of them on no write
    /// is accepted, until fewer than half as many are left. What is not written yet can still be reordered or dropped. Without a limit
    /// the send buffer alone decides.
    pub fn set_notsent_lowat(&mut self, id: ConnectionId, bytes: u32) {
        self.sockets.limit_unsent(id, bytes);
    }

    /// Sets how long the opening of a connection may take, from its beginning on, and how long what this end has sent may stay
    /// unacknowledged while its peer is silent (Linux `TCP_USER_TIMEOUT`), from the next check on. A peer that
    /// [is to be as patient](Self::listen_as_patient) takes longer ones over.
    pub fn set_deadlines(&mut self, id: ConnectionId, connect_timeout: SimDuration, user_timeout: SimDuration) {
        self.sockets.set_deadlines(self.now, id, connect_timeout, user_timeout);
        self.flush();
    }

    /// Reads the next bytes that have arrived in order, at most `max`, in the pieces in which they were written.
    pub fn read(&mut self, id: ConnectionId, max: usize) -> Read {
        let read = self.sockets.read(self.now, id, max);
        self.flush();
        read
    }

    /// Returns the number of bytes that can be read now.
    pub fn readable(&self, id: ConnectionId) -> u64 {
        self.sockets.flow(id).map_or(0, |flow| flow.readable(id.side))
    }

    /// Returns true if nothing more can be read: all of the peer's stream has been read, or the connection is over.
    pub fn at_end(&self, id: ConnectionId) -> bool {
        let Some(flow) = self.sockets.flow(id) else { return true };
        flow.connection(id.side).is_none_or(|connection| connection.peer_finished() && flow.readable(id.side) == 0)
    }

    /// Sets the number of readable bytes (at least 1) at which [`NetEvent::Readable`](super::NetEvent::Readable) is reported.
    /// Until then the application is treated as one that reads data on arrival into a buffer of its own: the mark saves events
    /// and does not close the window.
    pub fn set_read_mark(&mut self, id: ConnectionId, bytes: u64) {
        self.sockets.set_read_mark(id, bytes);
    }

    /// Requests [`NetEvent::Drained`](super::NetEvent::Drained) once all bytes that this end has written, including those
    /// written later, are acknowledged.
    pub fn tell_when_drained(&mut self, id: ConnectionId) {
        if let Some(flow) = self.sockets.flow_mut(id) {
            flow.end_mut(id.side).wants_drained = true;
        }
    }

    /// Requests [`NetEvent::Sent`](super::NetEvent::Sent) once the byte at `offset` of this end's stream (from 0) is sent for
    /// the first time. Make requests in the order of the offsets, before the bytes are written.
    pub fn tell_when_sent(&mut self, id: ConnectionId, offset: u64) {
        if let Some(flow) = self.sockets.flow_mut(id) {
            let marks = &mut flow.end_mut(id.side).marks.get_or_insert_default().sent;
            if marks.back() != Some(&(offset + 1)) {
                marks.push_back(offset + 1);
            }
        }
    }

    /// Returns the number of bytes that this end has ever written.
    pub fn written(&self, id: ConnectionId) -> u64 {
        self.sockets.flow(id).map_or(0, |flow| flow.end(id.side).stream.end() - 1)
    }

    /// Returns the number of bytes written by this end that its peer has acknowledged.
    pub fn acknowledged(&self, id: ConnectionId) -> u64 {
        self.sockets.connection(id).map_or(0, |connection| connection.acked_to() - 1)
    }

    /// Returns the number of bytes written by this end that have been sent at least once, so that its peer has had nothing of those
    /// behind them; `None` once the end is over.
    pub fn sent(&self, id: ConnectionId) -> Option<u64> {
        self.sockets.connection(id).map(|connection| connection.sent_to() - 1)
    }

    /// Returns the instants at which a connection end last heard from its peer, and last saw progress; `None` once it is
    /// over.
    pub fn activity(&self, id: ConnectionId) -> Option<Activity> {
        self.sockets.connection(id).map(Connection::activity)
    }

    /// Closes the stream of this end; data from the peer can still be read (half-close, RFC 9293 §3.6).
    pub fn finish(&mut self, id: ConnectionId) {
        self.sockets.finish(self.now, id);
        self.flush();
    }

    /// Closes this end entirely: its stream ends, and data that the peer still sends is refused.
    pub fn close(&mut self, id: ConnectionId) {
        self.finish(id);
        self.sockets.abandon(self.now, id);
        self.flush();
    }

    /// Aborts a connection at once; the peer sees a reset. No event is reported to this end.
    pub fn abort(&mut self, id: ConnectionId) {
        self.sockets.abort(self.now, id);
        self.flush();
    }

    /// Starts or stops the observation of a connection: [`poll_change`](Self::poll_change) then returns every change of its ends.
    pub fn watch(&mut self, id: ConnectionId, watched: bool) {
        if let Some(flow) = self.sockets.flow_mut(id) {
            flow.watched = watched;
        }
    }

    /// Returns the oldest change of an observed connection end that was not yet taken. Changes neither end
    /// [`handle_timeout`](Self::handle_timeout) nor stand in the order of the events, so that who observes changes nothing; take them
    /// after every call, since they are kept until then.
    pub fn poll_change(&mut self) -> Option<ConnectionChange> {
        self.sockets.changes.pop_front()
    }

    /// Returns a sample of a connection end's state; `None` once it is over.
    pub fn sample(&self, id: ConnectionId) -> Option<ConnectionSample> {
        self.sockets.connection(id).map(|connection| connection.sample(self.now))
    }

    /// Returns what a connection end has outstanding; `None` if that is nothing, or it is over.
    pub fn outstanding(&self, id: ConnectionId) -> Option<Outstanding> {
        self.sockets.connection(id).and_then(Connection::outstanding)
    }

    /// Returns the state of a connection end; `None` once it is over and removed.
    pub fn state(&self, id: ConnectionId) -> Option<State> {
        self.sockets.connection(id).map(Connection::state)
    }

    /// Returns the counters of a connection end; `None` once it is over and removed.
    pub fn connection_stats(&self, id: ConnectionId) -> Option<ConnectionStats> {
        self.sockets.connection(id).map(Connection::stats)
    }

    /// Returns the connection ends of a host.
    pub fn connections_of(&self, host: HostId) -> impl Iterator<Item = ConnectionId> + '_ {
        self.sockets.connections_of(host)
    }

    /// Returns true if a connection is open or has packets in flight; TIME-WAIT (RFC 9293 §3.6) does not count as open.
    pub fn has_open_connections(&self) -> bool {
        self.sockets.has_open_connections()
    }
}
