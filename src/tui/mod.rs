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
//! | [`tour`], [`welcome`] | steps that show the screen by themselves; what is offered at the first start |
//! | [`terminal`], [`background`], [`plain`] | taking the terminal over and restoring it; its background; its characters |
//! | [`input`] | keys, pasted texts and clicks, from the bytes that the terminal sends |
//!
//! One loop takes input, events, snapshots and answers as they come, and draws when something has changed: at most thirty times a
//! second, ten times for what the engine does by itself, and five times while no transfer is under way.

pub mod action;
pub mod answers;
pub mod app;
pub mod background;
pub mod connection;
mod console;
pub mod dialog;
pub mod draw;
mod drive;
pub mod editor;
mod engine_screen;
pub mod form;
pub mod help;
pub mod input;
pub mod journal;
pub mod layout;
pub mod lines;
pub mod masked;
pub mod panes;
pub mod path;
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
pub mod welcome;
pub mod words;
pub mod workspace;
pub mod wrap;

use std::io::{IsTerminal, stdin, stdout};

use clap::Args;
use eyre::{Result, eyre};
use p2p_service::abilities::Abilities;
use p2p_service::config::keys::Section;
use p2p_service::failure::Advise;
use p2p_service::instance::{EngineArgs, Instance, SimulationArgs};
use p2p_service::interrupt::{self, heeded};
use p2p_service::offered::Offered;
use p2p_shell::Shell;
use p2p_shell::asking::{LoginArgs, Prompter};

use self::app::{ExitRequest, NetworkKind};
use self::console::Console;
use self::engine_screen::EngineScreen;
use self::theme::ThemeName;
use self::tour::network::TourNetwork;

/// `p2p`
#[derive(Debug, Default, Args)]
pub struct TuiArgs {
    /// The colours: dark, light, high-contrast, mono; by default those chosen on the screen before, or light or dark as the terminal is
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
    // An invalid configuration is reported before a login that cannot be used, and before the engine starts.
    args.engine.load()?;
    args.login.check()?;
    let instance = Instance::start_interactive(&args.engine)?;
    let theme = args.theme.or_else(|| configured_theme(&instance));
    // The login of the command line or the stored session is handled before the screen is taken over.
    let shell = Prompter::open(&instance, &args.login, "local screen").await?;
    let (shell, questions) = shell.into_shell();
    let _attention = interrupt::attend()?;
    let mut screen = EngineScreen::begin(instance, shell, questions, NetworkKind::Own).await?;
    if args.theme.is_some() {
        screen.app.prefer_usual_theme();
    }
    screen.app.greet();
    let mut console = None;
    let result = show_own(&mut screen, &mut console, theme, &args.engine.simulation).await;
    // The terminal is the shell's again before anything is printed.
    drop(console);
    screen.end(result).await
}

/// Shows the user's own screen until the program is left, and tours meanwhile. A tour that fails ends nothing of the user's: it is said
/// on their screen, where what was under way goes on.
async fn show_own(
    screen: &mut EngineScreen,
    console: &mut Option<Console>,
    theme: Option<ThemeName>,
    simulation: &SimulationArgs,
) -> Result<()> {
    while screen.show(console, theme).await? == ExitRequest::Tour {
        let left_for = show_tours(simulation, NetworkKind::TourBesideOwn, console, theme).await;
        match left_for {
            Ok(ExitRequest::Quit) => {
                screen.app.quit(false);
                if screen.app.take_exit().is_some() {
                    break;
                }
            }
            // A signal ends the program, wherever it comes.
            Err(error) if interrupt::pending().is_some() => return Err(error),
            Ok(ExitRequest::Tour | ExitRequest::Back) | Err(_) => {}
        }
        screen.app.come_back(left_for.err().as_ref());
    }
    Ok(())
}

/// Plays the tour on an engine with files and accounts of its own, in a temporary directory that is removed afterwards; the
/// prompt is the user's once the tour is over.
///
/// # Errors
/// Fails as [`run`] does.
pub async fn run_tour(simulation: &SimulationArgs) -> Result<()> {
    let _attention = interrupt::attend()?;
    show_tours(simulation, NetworkKind::TourAlone, &mut None, None).await.map(drop)
}

/// Shows one tour after the other until the user wants no other; returns where the last one was left for.
async fn show_tours(
    simulation: &SimulationArgs,
    network_kind: NetworkKind,
    console: &mut Option<Console>,
    theme: Option<ThemeName>,
) -> Result<ExitRequest> {
    loop {
        let exit = show_tour(simulation, network_kind, console, theme).await?;
        if exit != ExitRequest::Tour {
            return Ok(exit);
        }
    }
}

/// Shows one tour; returns where it was left for.
async fn show_tour(
    simulation: &SimulationArgs,
    network_kind: NetworkKind,
    console: &mut Option<Console>,
    theme: Option<ThemeName>,
) -> Result<ExitRequest> {
    let network = TourNetwork::prepare(simulation).await?;
    let instance = Instance::start_interactive(&network.engine)?;
    let theme = theme.or_else(|| configured_theme(&instance));
    let (shell, mut questions) = Shell::new(instance.access("local screen")?);
    // An interruption ends the screen, and with it the engine, before the directory is removed.
    let (tour, scratch) = heeded(network.begin(&instance, &shell, &mut questions)).await?;
    let mut screen = EngineScreen::begin(instance, shell, questions, network_kind).await?;
    screen.app.start_tour(tour);
    let (exit, result) = match screen.show(console, theme).await {
        Ok(exit) => (exit, Ok(())),
        Err(error) => (ExitRequest::Quit, Err(error)),
    };
    let is_last = exit == ExitRequest::Quit && network_kind == NetworkKind::TourAlone;
    if is_last || interrupt::pending().is_some() {
        *console = None;
    }
    screen.end(result).await?;
    drop(scratch);
    Ok(exit)
}

/// Returns true if the screen can be drawn: standard input and output are terminals, and the cursor can be moved.
pub fn is_possible() -> bool {
    is_on_terminal() && Abilities::of_environment().moves_cursor
}

fn is_on_terminal() -> bool {
    stdout().is_terminal() && stdin().is_terminal()
}

/// Returns the name of the theme that the configuration asks for; `None` if it leaves that to the terminal.
fn configured_theme(instance: &Instance) -> Option<ThemeName> {
    instance.config.text(Section::Tui, "theme").parse().ok()
}
