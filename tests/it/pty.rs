//! A program in a pseudo-terminal whose screen can be looked at.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use crate::program::{comes_true, wait_until};

/// The real binary in a pseudo-terminal whose screen can be looked at.
pub(crate) struct Pty {
    pub(crate) master: Box<dyn portable_pty::MasterPty + Send>,
    pub(crate) screen: Arc<Mutex<vt100::Parser>>,
    pub(crate) child: Box<dyn portable_pty::Child + Send + Sync>,
    writer: Arc<Mutex<Box<dyn Write + Send>>>,
    /// All that the terminal was sent.
    bytes: Arc<Mutex<Vec<u8>>>,
    reading: JoinHandle<()>,
}

pub(crate) fn cells(count: u16) -> std::num::NonZero<u16> {
    std::num::NonZero::new(count).unwrap()
}

pub(crate) fn size(cols: u16, rows: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

/// The real program with these arguments in a terminal, for a user with this home directory and nothing else in the environment.
pub(crate) fn program(home: &Path, arguments: &[&str]) -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_p2p"));
    command.args(arguments);
    command.env_clear();
    command.env("HOME", home);
    command.env("TERM", "xterm-256color");
    command
}

impl Pty {
    pub(crate) fn start(command: CommandBuilder) -> Pty {
        Pty::start_in(command, 120, 40)
    }

    /// The same on a screen of another size.
    pub(crate) fn start_in(command: CommandBuilder, cols: u16, rows: u16) -> Pty {
        Pty::start_answering(command, cols, rows, "")
    }

    /// The same on a terminal that gives this answer when it is asked for its background.
    pub(crate) fn start_answering(command: CommandBuilder, cols: u16, rows: u16, answer: &'static str) -> Pty {
        let pair = native_pty_system().openpty(size(cols, rows)).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        let screen = Arc::new(Mutex::new(vt100::Parser::new(cells(rows), cells(cols), 0)));
        let writer = Arc::new(Mutex::new(pair.master.take_writer().unwrap()));
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (shown, kept, answers) = (Arc::clone(&screen), Arc::clone(&bytes), Arc::clone(&writer));
        let reading = move || {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut chunk) {
                kept.lock().unwrap().extend_from_slice(&chunk[..count]);
                shown.lock().unwrap().process(&chunk[..count]);
                if chunk[..count].windows(6).any(|window| window == b"\x1b]11;?") {
                    answers.lock().unwrap().write_all(answer.as_bytes()).unwrap();
                }
            }
        };
        let reading = std::thread::Builder::new().spawn(reading).unwrap();
        Pty { master: pair.master, screen, child, writer, bytes, reading }
    }

    /// Leaves the choice of the first start.
    pub(crate) fn looks_around(&mut self) {
        self.shows("Take the tour");
        self.send("\x1b");
        wait_until("the choice to be gone", || !self.text().contains("Take the tour"));
    }

    pub(crate) fn send(&mut self, text: &str) {
        let mut writer = self.writer.lock().unwrap();
        writer.write_all(text.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    pub(crate) fn shows(&self, text: &str) {
        assert!(comes_true(|| self.text().contains(text)), "`{text}` is not on the screen:\n{}", self.text());
    }

    /// Waits until the program has ended and all that it wrote has been read.
    pub(crate) fn ends(&mut self) -> portable_pty::ExitStatus {
        let mut ended = None;
        let has_ended = comes_true(|| {
            ended = self.child.try_wait().unwrap();
            ended.is_some()
        });
        assert!(has_ended, "it goes on:\n{}", self.text());
        // The reader may lag behind the end of the program, and comes to its end with the terminal's.
        wait_until("all bytes", || self.reading.is_finished());
        ended.unwrap()
    }

    /// Waits for the end, and returns the exit code and all that the terminal was sent.
    pub(crate) fn end(mut self) -> (u32, String) {
        let status = self.ends();
        (status.exit_code(), String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned())
    }

    /// Leaves the screen, and returns all that the terminal was sent.
    pub(crate) fn leaves(mut self) -> String {
        self.send("\x11");
        self.end().1
    }

    /// Waits until a line can be typed.
    pub(crate) fn prompts(&self) {
        wait_until("the prompt", || self.text().trim_end().ends_with("p2p›"));
    }

    pub(crate) fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// What is on the screen, with the sequences for its colours.
    pub(crate) fn formatted(&self) -> String {
        self.screen.lock().unwrap().screen().contents_formatted()
    }
}
