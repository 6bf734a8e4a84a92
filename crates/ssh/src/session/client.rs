//! The client at the other end of a channel: what it types, what it is told, and its end.

use std::collections::VecDeque;

use bytes::Bytes;
use p2p_base::message::legible;
use russh::server::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};

use super::Terminal;
use super::input::{Decoder, Key};

/// Bytes that are kept of what is typed ahead, at the most. Beyond that a client waits.
const AHEAD_MAX: usize = 256 * 1024;
/// Byte that a terminal sends for Ctrl-C.
const CTRL_C: u8 = 0x03;
/// Bytes of one message to a client at the most.
const MESSAGE: usize = 32 * 1024;

/// Input of a client that comes while something runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// Interruption: Ctrl-C at a terminal, or the signal INT.
    Interrupt,
    /// End of the channel or of the connection.
    Gone,
}

/// Client of a channel.
pub(super) struct Client {
    read: ChannelReadHalf,
    write: ChannelWriteHalf<Msg>,
    terminal: Option<Terminal>,
    /// Bytes that were typed and not read.
    ahead: VecDeque<u8>,
    /// Decoder of the keys of the terminal. What a key has begun goes on in the next line: the line feed behind a carriage return is no key of it.
    decoder: Decoder,
    /// True once the client sends no more (RFC 4254, section 5.3).
    is_ended: bool,
    /// True once the client has closed the channel, or is lost.
    is_gone: bool,
}

impl Client {
    pub(super) fn new(channel: Channel<Msg>, terminal: Option<Terminal>) -> Client {
        let (read, write) = channel.split();
        Client { read, write, terminal, ahead: VecDeque::new(), decoder: Decoder::default(), is_ended: false, is_gone: false }
    }

    /// Returns the terminal, if the client has one.
    pub(super) fn terminal(&self) -> Option<Terminal> {
        self.terminal
    }

    /// Returns true if the client is there no more.
    pub(super) fn is_gone(&self) -> bool {
        self.is_gone
    }

    /// Takes one message in. Returns what it calls for.
    fn take(&mut self, message: Option<ChannelMsg>) -> Option<Call> {
        match message {
            Some(ChannelMsg::Data { data }) => {
                // A terminal in raw mode sends the key, and no signal. What was typed before it is dropped with the command.
                if self.terminal.is_some() && data.contains(&CTRL_C) {
                    self.ahead.clear();
                    self.decoder = Decoder::default();
                    let rest = data.iter().rposition(|&byte| byte == CTRL_C).map_or(0, |place| place + 1);
                    self.ahead.extend(&data[rest..]);
                    return Some(Call::Interrupt);
                }
                self.ahead.extend(&data);
                None
            }
            Some(ChannelMsg::Signal { signal: Sig::INT }) => Some(Call::Interrupt),
            Some(ChannelMsg::Signal { signal: Sig::HUP | Sig::TERM | Sig::KILL }) => self.gone(),
            Some(ChannelMsg::WindowChange { col_width, .. }) => {
                self.terminal = self.terminal.map(|_| Terminal::of(col_width));
                None
            }
            Some(ChannelMsg::Eof) => {
                self.is_ended = true;
                None
            }
            Some(ChannelMsg::Close) | None => self.gone(),
            Some(_) => None,
        }
    }

    fn gone(&mut self) -> Option<Call> {
        (self.is_ended, self.is_gone) = (true, true);
        Some(Call::Gone)
    }

    /// Waits until the client interrupts what runs, or is gone; what it types meanwhile is kept for later, or dropped if nobody is to read it.
    pub(super) async fn call(&mut self, keeps: bool) -> Call {
        loop {
            if self.is_gone {
                return Call::Gone;
            }
            // A client that types on and on waits until it is read.
            if keeps && self.ahead.len() >= AHEAD_MAX {
                std::future::pending::<()>().await;
            }
            let message = self.read.wait().await;
            if let Some(call) = self.take(message) {
                return call;
            }
            if !keeps {
                self.ahead.clear();
            }
        }
    }

    /// Reads what the client sends, without an end at lines; `None` at its end.
    pub(super) async fn bytes(&mut self) -> Result<Option<Vec<u8>>, Call> {
        while self.ahead.is_empty() {
            if !self.more().await? {
                return Ok(None);
            }
        }
        Ok(Some(self.ahead.drain(..).collect()))
    }

    /// Reads a line without its end, of `max` bytes at the most; what is longer comes in parts. `None` is the end.
    pub(super) async fn line(&mut self, max: usize) -> Result<Option<String>, Call> {
        loop {
            let end = self.ahead.iter().take(max).position(|&byte| byte == b'\n');
            let len = end.map(|end| end + 1).or((self.ahead.len() >= max).then_some(max));
            let len = len.or((self.is_ended && !self.ahead.is_empty()).then_some(self.ahead.len()));
            if let Some(len) = len {
                let bytes: Vec<u8> = self.ahead.drain(..len).collect();
                let text = String::from_utf8_lossy(&bytes);
                return Ok(Some(text.trim_end_matches('\n').trim_end_matches('\r').to_owned()));
            }
            if !self.more().await? {
                return Ok(None);
            }
        }
    }

    /// Waits for one more message of the client. Returns false if it sends no more.
    async fn more(&mut self) -> Result<bool, Call> {
        if self.is_ended {
            return if self.is_gone { Err(Call::Gone) } else { Ok(false) };
        }
        let message = self.read.wait().await;
        self.take(message).map_or(Ok(true), Err)
    }

    /// Reads a key of the terminal; `None` is the end.
    pub(super) async fn key(&mut self) -> Result<Option<Key>, Call> {
        loop {
            while let Some(byte) = self.ahead.pop_front() {
                if let Some(key) = self.decoder.take(byte) {
                    return Ok(Some(key));
                }
            }
            if !self.more().await? {
                return Ok(None);
            }
        }
    }

    /// Returns true if something was typed that is not read.
    pub(super) fn is_ahead(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// Sends bytes as they are.
    pub(super) async fn send(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(MESSAGE) {
            if self.write.data_bytes(Bytes::copy_from_slice(part)).await.is_err() {
                self.is_gone = true;
                return;
            }
        }
    }

    /// Prints a text and ends its line.
    pub(super) async fn print(&mut self, text: &str) {
        if !text.is_empty() {
            let text = self.ended(text);
            self.send(text.as_bytes()).await;
        }
    }

    /// Tells an error, on one line: to standard error, or on the terminal, which has no other place.
    pub(super) async fn complain(&mut self, text: &str) {
        self.tell(&legible(text)).await;
    }

    /// Tells lines that are legible already, where errors are told.
    pub(super) async fn tell(&mut self, text: &str) {
        if self.terminal.is_some() {
            return self.print(text).await;
        }
        let text = self.ended(text);
        for part in text.as_bytes().chunks(MESSAGE) {
            // 1 is standard error (RFC 4254, section 5.2).
            if self.write.extended_data_bytes(1, Bytes::copy_from_slice(part)).await.is_err() {
                self.is_gone = true;
                return;
            }
        }
    }

    /// Returns a text with the ends of lines that the client needs: a terminal in raw mode does not return by itself.
    fn ended(&self, text: &str) -> String {
        let text = format!("{text}\n");
        if self.terminal.is_some() { text.replace('\n', "\r\n") } else { text }
    }

    /// Ends the channel with an exit status (RFC 4254, sections 5.3 and 6.10). One that is closed already needs none of it.
    pub(super) async fn end(self, status: u32) {
        let _ = self.write.exit_status(status).await;
        let _ = self.write.eof().await;
        let _ = self.write.close().await;
    }
}
