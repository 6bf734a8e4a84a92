//! A program in a pseudo-terminal whose screen can be looked at.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use crate::program::{comes_true, wait_until};

/// The real binary in a pseudo-terminal whose screen can be looked at.
pub(crate) struct Pty {
    pub(crate) master: Box<dyn portable_pty::MasterPty + Send>,
    pub(crate) writer: Box<dyn Write + Send>,
    pub(crate) screen: Arc<Mutex<vt100::Parser>>,
    pub(crate) child: Box<dyn portable_pty::Child + Send + Sync>,
}

pub(crate) fn cells(count: u16) -> std::num::NonZero<u16> {
    std::num::NonZero::new(count).unwrap()
}

pub(crate) fn size(cols: u16, rows: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

impl Pty {
    pub(crate) fn start(command: CommandBuilder) -> Pty {
        Pty::start_in(command, 120, 40)
    }

    /// The same on a screen of another size.
    pub(crate) fn start_in(command: CommandBuilder, cols: u16, rows: u16) -> Pty {
        let pair = native_pty_system().openpty(size(cols, rows)).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        let screen = Arc::new(Mutex::new(vt100::Parser::new(cells(rows), cells(cols), 0)));
        let (mut reader, shared) = (pair.master.try_clone_reader().unwrap(), Arc::clone(&screen));
        std::thread::Builder::new()
            .spawn(move || {
                let mut bytes = [0; 4096];
                while let Ok(count @ 1..) = reader.read(&mut bytes) {
                    shared.lock().unwrap().process(&bytes[..count]);
                }
            })
            .unwrap();
        Pty { writer: pair.master.take_writer().unwrap(), master: pair.master, screen, child }
    }

    /// Leaves the choice of the first start.
    pub(crate) fn looks_around(&mut self) {
        self.shows("Take the tour");
        self.send("\x1b");
        wait_until("the choice to be gone", || !self.text().contains("Take the tour"));
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.writer.write_all(text.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    pub(crate) fn shows(&self, text: &str) {
        assert!(comes_true(|| self.text().contains(text)), "`{text}` is not on the screen:\n{}", self.text());
    }

    /// Waits until the program has ended.
    pub(crate) fn ends(&mut self) -> portable_pty::ExitStatus {
        let mut ended = None;
        let has_ended = comes_true(|| {
            ended = self.child.try_wait().unwrap();
            ended.is_some()
        });
        assert!(has_ended, "it goes on:\n{}", self.text());
        ended.unwrap()
    }

    /// Waits until a line can be typed.
    pub(crate) fn prompts(&self) {
        wait_until("the prompt", || self.text().trim_end().ends_with("p2p›"));
    }

    pub(crate) fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }
}
