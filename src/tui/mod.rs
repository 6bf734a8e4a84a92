//! Floor 5: the full-screen session, `p2p` alone.
//!
//! | file | what it is |
//! |---|---|
//! | [`app`] | what the screen shows and what keys do to it, without a terminal |
//! | [`draw`], `panes` | the screen, region by region |
//! | [`action`] | what keys do where: the one table |
//! | [`prompt`], [`editor`] | the line that is typed |
//! | [`dialog`], [`form`], [`masked`] | questions above the panes, forms among them, secrets that are typed |
//! | [`theme`], [`words`], [`wrap`] | colours and glyphs; events in words; texts in lines that fit |
//! | [`tour`] | a script that types itself |
//! | [`terminal`] | taken over and given back |
//!
//! One loop takes input, events, snapshots and answers as they come, and draws when something has changed, at most thirty
//! times a second. Knows the engine and the shell, and no other front end.

pub mod action;
pub mod app;
pub mod dialog;
pub mod draw;
pub mod editor;
pub mod form;
pub mod masked;
pub(crate) mod panes;
pub mod prompt;
pub mod terminal;
pub mod theme;
pub mod tour;
pub mod words;
pub mod wrap;

use std::io::{IsTerminal, stdin, stdout};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use crossterm::event::Event as Input;
use eyre::{Result, WrapErr, eyre};
use ratatui::Terminal;
use ratatui::backend::Backend;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::{Instant, sleep_until};

use self::app::{App, Message, Wish};
use self::theme::{Theme, ThemeName};
use self::tour::Tour;
use crate::asking::{Desk, LoginArgs};
use crate::config::Config;
use crate::config::keys::Section;
use crate::demo_users::{self, DemoUsers};
use crate::engine::{Event, Snapshot};
use crate::failure::Advise;
use crate::history::Histories;
use crate::interrupt::{self, interrupted};
use crate::mailer::Notice;
use crate::offered::Offered;
use crate::output;
use crate::private_file;
use crate::random::RandomStream;
use crate::scratch::Scratch;
use crate::session::{EngineArgs, Leaving, Session, SimulationArgs};
use crate::shell::Questions;
use crate::shell::words::Variables;
use crate::units::SimTime;

/// The time between two frames, at the least.
const FRAME: Duration = Duration::from_millis(33);
/// How often a clock is drawn that is shown.
const SECOND: Duration = Duration::from_secs(1);
/// How often it is looked whether the session still lasts.
const SESSION_LOOK: Duration = Duration::from_secs(10);

/// `p2p`
#[derive(Debug, Default, Args)]
pub struct TuiArgs {
    /// Draw with ASCII characters only
    #[arg(long)]
    ascii: bool,
    /// The colours: dark, light, high-contrast, mono
    #[arg(long, value_name = "THEME", value_parser = Offered::<ThemeName>::new(&["dark", "light", "high-contrast", "mono"]), hide_possible_values = true)]
    theme: Option<ThemeName>,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    login: LoginArgs,
}

/// Opens the session and runs it to its end.
///
/// # Errors
/// Where there is no terminal, or the data directory cannot be used.
pub async fn run(args: &TuiArgs) -> Result<()> {
    if !is_possible() {
        return Err(eyre!("this is no terminal"))
            .suggestion("`p2p demo` prints a report anywhere, `p2p run` carries out a script");
    }
    // What is wrong with the keys is told before anything is begun.
    args.engine.load()?.keymap()?;
    args.login.check()?;
    let session = Session::start_interactive(&args.engine)?;
    let theme = args.theme(&session.config);
    open(session, &args.login, theme, None).await
}

/// Plays the tour in a session of its own, with files and accounts of its own, in a directory that is gone afterwards; then the
/// prompt is the user's.
///
/// # Errors
/// As for [`run`].
pub async fn run_tour(simulation: &SimulationArgs) -> Result<()> {
    let scratch = Scratch::temporary(demo_users::PREFIX)?;
    let data_dir = scratch.path().join("data");
    let engine = demo_users::engine(&data_dir, simulation);
    engine.load()?.keymap()?;
    let users = DemoUsers::make(&data_dir, engine.load()?.accounts()?, output::now_unix).await?;
    let session = Session::start_interactive(&engine)?;
    let mut variables = Variables::new();
    for (number, (name, bytes)) in TOUR_FILES.into_iter().enumerate() {
        let path = scratch.path().join(name);
        let mut content = vec![0; bytes];
        RandomStream::new(session.config.seed()?, name).fill(&mut content);
        private_file::write(&path, &content).wrap_err_with(|| format!("cannot write {}", path.display()))?;
        variables.insert(format!("file{}", number + 1), path.display().to_string());
        variables.insert(format!("name{}", number + 1), name.to_owned());
    }
    let tour = Tour::new(include_str!("../../assets/tour.p2p"), &variables, Some(users));
    let theme = TuiArgs::default().theme(&session.config);
    open(session, &LoginArgs::default(), theme, Some(tour)).await
}

/// The files that the tour stores, and their bytes.
const TOUR_FILES: [(&str, usize); 2] = [("holiday.bin", 600 << 10), ("notes.bin", 200 << 10)];

async fn open(session: Session, login: &LoginArgs, theme: Theme, tour: Option<Tour>) -> Result<()> {
    // Who is given with the command line, or has logged in before, is asked before the screen is taken over.
    let desk = Desk::open(&session, login, "local screen").await?;
    let (shell, questions) = desk.into_shell();
    shell.watch_wire().await?;
    let door = shell.clone();
    let (mut app, messages) = App::new(shell, theme, Histories::new(session.data_dir.clone()));
    app.keymap = session.config.keymap()?;
    match tour {
        Some(tour) => app.tour = Some(tour),
        None => app.greet(),
    }
    let _attention = interrupt::attend()?;
    let guard = terminal::Guard::take().wrap_err("cannot use the terminal")?;
    let (reader, input) = terminal::InputReader::start().wrap_err("cannot read the terminal")?;
    let sources = Sources {
        input,
        events: session.engine.events(),
        snapshots: session.engine.snapshots(),
        questions,
        mail: session.mailer.notices(),
    };
    let mut screen = terminal::screen().wrap_err("cannot use the terminal")?;
    let result = tokio::select! {
        result = drive(&mut app, &mut screen, messages, sources, real_wish) => result,
        stop = interrupted() => stop.and_then(|stop| Err(stop.into())),
    };
    drop(reader);
    drop(guard);
    drop(app);
    // Whoever leaves has been asked first.
    let result = session
        .leave(result.map(|()| Leaving::Cancelling), &door.take_untold(), |transfer| door.access().who().name_of(transfer))
        .await;
    door.access().end().await;
    drop(door);
    drop(session.end().await?);
    result
}

/// Whether there is a terminal to draw on and to type at.
pub fn is_possible() -> bool {
    stdout().is_terminal() && stdin().is_terminal()
}

impl TuiArgs {
    /// What the flags say, else the configuration; `NO_COLOR` (no-color.org) goes before both.
    fn theme(&self, config: &Config) -> Theme {
        let configured = config.text(Section::Tui, "theme").parse().unwrap_or_default();
        let name = if output::no_color() { ThemeName::Mono } else { self.theme.unwrap_or(configured) };
        Theme::new(name, self.ascii || config.text(Section::Tui, "glyphs") == "ascii")
    }
}

/// Where everything comes from.
#[derive(Debug)]
pub struct Sources {
    /// The terminal, or a test.
    pub input: mpsc::UnboundedReceiver<Input>,
    /// The engine's events.
    pub events: broadcast::Receiver<(SimTime, Event)>,
    /// The engine's snapshots.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// What commands ask.
    pub questions: Questions,
    /// What becomes of mails.
    pub mail: broadcast::Receiver<Notice>,
}

/// Runs the screen until it is over or there is no more input. What the terminal is to do beyond drawing goes to `grant`.
///
/// # Errors
/// Where drawing fails.
pub async fn drive<B: Backend>(
    app: &mut App,
    screen: &mut Terminal<B>,
    mut messages: mpsc::UnboundedReceiver<Message>,
    mut sources: Sources,
    mut grant: impl FnMut(Wish) -> std::io::Result<()>,
) -> Result<()>
where
    B::Error: Send + Sync + 'static,
{
    let mut next_frame = now();
    let (mut dirty, mut next_step) = (true, now());
    let (mut next_second, mut next_look) = (now(), now() + SESSION_LOOK);
    while !app.over {
        tokio::select! {
            biased;
            () = sleep_until(next_frame), if dirty => {
                screen.draw(|frame| draw::draw(app, frame)).wrap_err("cannot draw")?;
                next_frame = now() + FRAME;
                dirty = false;
            }
            () = sleep_until(next_step), if app.tour.is_some() => {
                next_step = now() + app.on_tour();
                dirty = true;
            }
            () = sleep_until(next_second), if app.shows_a_clock() => {
                next_second = now() + SECOND;
                dirty = true;
            }
            () = sleep_until(next_look) => {
                next_look = now() + SESSION_LOOK;
                app.look_after_session();
            }
            Some(question) = sources.questions.recv() => {
                app.on_question(question);
                dirty = true;
            }
            Ok(notice) = sources.mail.recv() => {
                app.on_mail(&notice);
                dirty = true;
            }
            input = sources.input.recv() => match input {
                Some(input) => {
                    app.on_input(input);
                    dirty = true;
                }
                None => break,
            },
            Some(message) = messages.recv() => {
                app.on_message(message);
                dirty = true;
            }
            event = sources.events.recv() => {
                match event {
                    Ok((at, event)) => app.on_event(at, &event),
                    Err(RecvError::Lagged(count)) => app.on_events_lost(count),
                    Err(RecvError::Closed) => break,
                }
                dirty = true;
            }
            changed = sources.snapshots.changed() => {
                if changed.is_err() {
                    break; // The engine is gone; why is told when it is joined.
                }
                let snapshot = Arc::clone(&sources.snapshots.borrow_and_update());
                app.on_snapshot(snapshot);
                dirty = true;
            }
            Some(task) = app.task_ended() => task.wrap_err("a command has failed in a way that it should not")?,
        }
        for wish in std::mem::take(&mut app.wishes) {
            let redraw = wish == Wish::Suspend;
            grant(wish).wrap_err("cannot use the terminal")?;
            if redraw {
                // The terminal is blank now. `clear` would ask it where its cursor is, and the thread that reads it is in the way.
                screen.swap_buffers();
                dirty = true;
            }
        }
    }
    Ok(())
}

fn real_wish(wish: Wish) -> std::io::Result<()> {
    match wish {
        Wish::Copy(text) => terminal::copy(&text),
        Wish::Suspend => terminal::suspend(),
    }
}

fn now() -> Instant {
    Instant::now()
}
