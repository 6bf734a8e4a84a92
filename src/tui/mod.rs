//! The full-screen interface, which `p2p` opens without a command.
//!
//! | file | content |
//! |---|---|
//! | [`app`] | the parts of the screen and their reactions to keys, without a terminal |
//! | [`view`], [`journal`], [`workspace`] | what is shown of the engine, its log, and where the panes are |
//! | [`panes`] | the panes, a type each, and the scene that they read |
//! | [`layout`], [`preset`] | which panes are shown on a screen of some size, and where |
//! | [`draw`] | the drawing of the screen: panes, hint line and dialogs |
//! | [`lines`], `tasks` | the typed lines that are carried out, and the tasks that do it |
//! | [`action`] | the table of keys and actions |
//! | [`prompt`], [`editor`] | the line that is typed |
//! | [`dialog`], [`viewer`], [`form`], [`masked`] | dialogs above the panes, among them texts to read, forms and secrets |
//! | [`help`] | what keys, glyphs and terms mean |
//! | [`settings`] | what is remembered from run to run |
//! | [`theme`], [`words`], [`wrap`] | colours and glyphs; events in words; texts in lines that fit |
//! | [`tour`] | a script that types itself |
//! | [`terminal`], [`background`], [`plain`] | taking the terminal over and restoring it; its background; its characters |
//!
//! One loop takes input, events, snapshots and answers as they come, and draws when something has changed, at most thirty times a
//! second.

pub mod action;
pub mod app;
pub mod background;
pub mod connection;
pub mod dialog;
pub mod draw;
mod drive;
pub mod editor;
pub mod form;
pub mod help;
pub mod journal;
pub mod layout;
pub mod lines;
pub mod masked;
pub mod panes;
pub mod plain;
pub mod preset;
pub mod prompt;
pub mod settings;
mod tasks;
pub mod terminal;
pub mod theme;
pub mod tour;
pub mod view;
pub mod viewer;
pub mod words;
pub mod workspace;
pub mod wrap;

use std::io::{IsTerminal, stdin, stdout};

use clap::Args;
use crossterm::event::Event;
use eyre::{Result, WrapErr, eyre};
use p2p_base::private_file;
use p2p_base::random::RandomStream;
use p2p_service::abilities::{self, Abilities, Colors, Glyphs};
use p2p_service::config::keys::Section;
use p2p_service::failure::Advise;
use p2p_service::instance::{EngineArgs, Instance, Leaving, SimulationArgs};
use p2p_service::interrupt::{self, interrupted};
use p2p_service::offered::Offered;
use p2p_service::output;
use p2p_service::scratch::Scratch;
use p2p_shell::asking::{LoginArgs, Prompter};
use p2p_shell::history::Histories;
use p2p_shell::words::{Variables, quote};

use self::app::{App, TerminalRequest};
use self::background::{Heard, LateAnswer};
use self::drive::{Sources, drive};
use self::settings::SettingsFiles;
use self::theme::{Theme, ThemeName};
use self::tour::Tour;
use crate::demo_users::{self, DemoUsers};

/// `p2p`
#[derive(Debug, Default, Args)]
pub struct TuiArgs {
    /// The colours: dark, light, high-contrast, mono; by default light or dark as the terminal is
    #[arg(long, value_name = "THEME", value_parser = Offered::<ThemeName>::new(&["dark", "light", "high-contrast", "mono"]), hide_possible_values = true)]
    theme: Option<ThemeName>,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    login: LoginArgs,
}

/// Opens the full-screen interface and runs it to its end.
///
/// # Errors
/// Fails if there is no terminal, or the data directory cannot be used.
pub async fn run(args: &TuiArgs) -> Result<()> {
    if !is_on_terminal() {
        return Err(eyre!("this is no terminal"))
            .suggestion("`p2p demo` prints a report anywhere, `p2p run` carries out a script");
    }
    if !Abilities::of_environment().moves_cursor {
        let term = std::env::var("TERM").unwrap_or_default();
        return Err(eyre!("the screen cannot be drawn on a terminal of the kind {term:?} (TERM)")).suggestion(
            "`p2p repl` takes the same commands line by line; `TERM=xterm-256color p2p` is for a terminal that can do more",
        );
    }
    // An invalid key map is reported before the engine starts.
    args.engine.load()?.keymap()?;
    args.login.check()?;
    let instance = Instance::start_interactive(&args.engine)?;
    let theme = args.theme.or_else(|| instance.config.text(Section::Tui, "theme").parse().ok());
    open(instance, &args.login, theme, None).await
}

/// Plays the tour on an engine with files and accounts of its own, in a temporary directory that is removed afterwards; the
/// prompt is the user's once the tour is over.
///
/// # Errors
/// Fails as [`run`] does.
pub async fn run_tour(simulation: &SimulationArgs) -> Result<()> {
    let scratch = Scratch::temporary(demo_users::PREFIX)?;
    let data_dir = scratch.path().join("data");
    let engine = demo_users::engine(&data_dir, simulation);
    engine.load()?.keymap()?;
    let users = DemoUsers::make(&data_dir, engine.load()?.accounts()?, output::now_unix).await?;
    let instance = Instance::start_interactive(&engine)?;
    let mut variables = Variables::new();
    for (number, (name, bytes)) in TOUR_FILES.into_iter().enumerate() {
        let path = scratch.path().join(name);
        let mut content = vec![0; bytes];
        RandomStream::new(instance.config.seed()?, name).fill(&mut content);
        private_file::write(&path, &content).wrap_err_with(|| format!("cannot write {}", path.display()))?;
        variables.insert(format!("file{}", number + 1), path.display().to_string());
        variables.insert(format!("name{}", number + 1), name.to_owned());
    }
    let tour = Tour::new(include_str!("../../assets/tour.p2p"), &variables, Some(users));
    let theme = instance.config.text(Section::Tui, "theme").parse().ok();
    open(instance, &LoginArgs::default(), theme, Some(tour)).await
}

/// Files that the tour stores, with their sizes in bytes.
const TOUR_FILES: [(&str, usize); 2] = [("holiday.bin", 600 << 10), ("notes.bin", 200 << 10)];

/// Opens the screen in a theme, or in that which the background of the terminal asks for.
async fn open(instance: Instance, login: &LoginArgs, named: Option<ThemeName>, tour: Option<Tour>) -> Result<()> {
    // The login of the command line or the stored session is handled before the screen is taken over.
    let prompter = Prompter::open(&instance, login, "local screen").await?;
    let (shell, questions) = prompter.into_shell();
    instance.watch_wire().await?;
    let door = shell.clone();
    let (keymap, recording) = (instance.config.keymap()?, instance.recording().filter(|_| tour.is_none()));
    let _attention = interrupt::attend()?;
    let guard = terminal::Guard::take(instance.config.takes_mouse()).wrap_err("cannot use the terminal")?;
    let Look { theme, typed, late } = look(named).wrap_err("cannot use the terminal")?;
    let (mut app, messages) = App::new(shell, theme, Histories::new(instance.data_dir.clone()));
    app.set_keymap(keymap);
    if tour.is_none() {
        app.remember_settings(SettingsFiles::new(instance.data_dir.clone()));
    }
    match tour {
        Some(tour) => app.start_tour(tour),
        None => app.greet(),
    }
    let (reader, input) = terminal::InputReader::start(typed, late).wrap_err("cannot read the terminal")?;
    let sources = Sources {
        input,
        events: door.access().events(None),
        snapshots: door.access().snapshots(),
        questions,
        mail: instance.mailer.notices(),
    };
    let mut screen = terminal::screen().wrap_err("cannot use the terminal")?;
    let result = tokio::select! {
        result = drive(&mut app, &mut screen, messages, sources, grant_request) => result,
        stop = interrupted() => stop.and_then(|stop| Err(stop.into())),
    };
    drop(reader);
    drop(guard);
    drop(app);
    // The user has confirmed the cancelling of transfers before leaving.
    let result = door.leave(&instance, result.map(|()| Leaving::Cancelling)).await;
    door.access().end().await;
    drop(door);
    drop(instance.end().await?);
    if let Some(path) = recording.filter(|path| path.exists()) {
        let word = quote(&path.to_string_lossy());
        output::tell(format_args!("recorded in {}; it runs again with: p2p replay {word}", path.display()));
    }
    result
}

/// Returns true if the screen can be drawn: standard input and output are terminals, and the cursor can be moved.
pub fn is_possible() -> bool {
    is_on_terminal() && Abilities::of_environment().moves_cursor
}

fn is_on_terminal() -> bool {
    stdout().is_terminal() && stdin().is_terminal()
}

/// The look of the screen, and the input that came while the terminal was asked about it.
struct Look {
    theme: Theme,
    typed: Vec<Event>,
    late: LateAnswer,
}

/// Returns the theme of this name in the colours and the characters of the terminal. Without a name, the terminal is asked for its
/// background, and then the environment; where neither says, it is taken for a dark one.
fn look(named: Option<ThemeName>) -> std::io::Result<Look> {
    let abilities = Abilities::of_environment();
    let heard = match named {
        None if abilities.colors != Colors::None => background::ask()?,
        _ => Heard { is_complete: true, ..Heard::default() },
    };
    let is_light = heard.is_light.or(abilities.is_light).unwrap_or(false);
    let name = named.unwrap_or(if is_light { ThemeName::Light } else { ThemeName::Dark });
    let theme = Theme::new(name, abilities::glyphs() == Glyphs::Ascii).in_colors(abilities.colors);
    let late = if heard.is_complete { LateAnswer::NotExpected } else { LateAnswer::Expected };
    Ok(Look { theme, typed: heard.typed, late })
}

fn grant_request(request: TerminalRequest) -> std::io::Result<()> {
    match request {
        TerminalRequest::Copy(text) => terminal::copy(&text),
        TerminalRequest::Suspend => terminal::suspend(),
        TerminalRequest::ToggleMouse => terminal::toggle_mouse(),
    }
}
