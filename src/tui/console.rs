//! The console: the terminal while screens are shown, one after the other. It is taken once and given back after the last of them, so
//! that what is typed while one network is exchanged for another reaches the next screen as keys, and no byte of it the line discipline
//! of a terminal in its usual modes, where Ctrl-C ends the program and Ctrl-Q is swallowed (POSIX.1-2024, XBD 11.1.9).

use eyre::{Result, WrapErr};
use p2p_service::abilities::{self, Abilities, Colors, Glyphs};
use tokio::sync::mpsc;

use super::background;
use super::input::{Heard, InputReader};
use super::terminal::Guard;
use super::theme::{Theme, ThemeName};

/// A terminal that is taken over, and its input. The fields are dropped in their order: what comes after the reader has ended is left to
/// the shell.
#[derive(Debug)]
pub(super) struct Console {
    _reader: InputReader,
    _guard: Guard,
    /// Receiver of keys, clicks and answers of the terminal; it ends with the input.
    pub(super) input: mpsc::Receiver<Heard>,
    /// Usual theme of the screens, for the background that the terminal has told of.
    pub(super) theme: Theme,
    /// Theme that the user has chosen on the latest screen; `None` for the usual one, or before the end of the first screen.
    pub(super) chosen: Option<ThemeName>,
}

impl Console {
    /// Takes the terminal over, and the mouse if `takes_mouse` is true. Without the name of a theme, the terminal is asked for its
    /// background.
    ///
    /// # Errors
    /// Fails if the terminal cannot be used.
    pub(super) fn take(takes_mouse: bool, named: Option<ThemeName>) -> Result<Console> {
        let guard = Guard::take(takes_mouse).wrap_err("cannot use the terminal")?;
        let (theme, awaits_background) = look(named).wrap_err("cannot use the terminal")?;
        let (reader, input) = InputReader::start(awaits_background).wrap_err("cannot read the terminal")?;
        Ok(Console { _reader: reader, _guard: guard, input, theme, chosen: None })
    }
}

/// Returns the theme of this name in the colours and the characters of the terminal. Without a name, it is that for the background which
/// the environment tells of, a dark one if it does not; and the terminal, which knows better, is asked. Then
/// the flag is true, and the answer is left to the reader, so that nothing waits for a terminal that does not give one.
fn look(named: Option<ThemeName>) -> std::io::Result<(Theme, bool)> {
    let abilities = Abilities::of_environment();
    let theme = Theme::new(named.unwrap_or_default(), abilities::glyphs() == Glyphs::Ascii).in_colors(abilities.colors);
    match named {
        None if abilities.colors != Colors::None => {
            background::ask()?;
            Ok((theme.on_background(abilities.is_light.unwrap_or(false)), true))
        }
        _ => Ok((theme, false)),
    }
}
