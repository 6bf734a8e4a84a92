//! The network of the tour: an engine with files and accounts of its own in a temporary directory, which is removed at the end.

use eyre::{Result, WrapErr, eyre};
use p2p_base::private_file;
use p2p_base::random::RandomStream;
use p2p_base::spelling::visible_path;
use p2p_service::instance::{EngineArgs, Instance, SimulationArgs};
use p2p_service::output;
use p2p_service::scratch::Scratch;
use p2p_shell::question::Reply;
use p2p_shell::words::{Variables, quote};
use p2p_shell::{Questions, Shell};

use super::Tour;
use super::forms::FormFiller;
use crate::demo_users::{self, DemoUsers, USERS};

/// Names and sizes in bytes of the files that the tour stores.
pub const FILES: [(&str, usize); 2] = [("holiday.bin", 400 << 10), ("notes.bin", 200 << 10)];

/// A directory with the files and the accounts of a tour, before an engine uses it.
#[derive(Debug)]
pub struct TourNetwork {
    /// Options of the engine.
    pub engine: EngineArgs,
    users: DemoUsers,
    scratch: Scratch,
}

impl TourNetwork {
    /// Creates the directory with the accounts.
    ///
    /// # Errors
    /// Fails if the configuration is invalid or the disk refuses.
    pub async fn prepare(simulation: &SimulationArgs) -> Result<TourNetwork> {
        let scratch = Scratch::temporary(demo_users::PREFIX)?;
        let data_dir = scratch.path().join("data");
        let engine = demo_users::engine(&data_dir, simulation);
        let users = DemoUsers::make(&data_dir, engine.load()?.accounts()?, output::now_unix).await?;
        Ok(TourNetwork { engine, users, scratch })
    }

    /// Returns the tour of the network, and the directory, which is removed when it is dropped. The files are made, and the first
    /// user is logged in to the shell.
    ///
    /// # Errors
    /// Fails if the disk refuses or the user cannot be logged in.
    pub async fn begin(self, instance: &Instance, shell: &Shell, questions: &mut Questions) -> Result<(Tour, Scratch)> {
        let TourNetwork { mut users, scratch, .. } = self;
        let mut variables = Variables::new();
        for (number, (name, bytes)) in FILES.into_iter().enumerate() {
            let path = scratch.path().join(name);
            let mut content = vec![0; bytes];
            RandomStream::new(instance.config.seed()?, name).fill(&mut content);
            private_file::write(&path, &content).wrap_err_with(|| format!("cannot write {}", visible_path(&path)))?;
            variables.insert(format!("file{}", number + 1), path.to_string_lossy().into_owned());
            variables.insert(format!("name{}", number + 1), name.to_owned());
        }
        let snapshot = shell.access().snapshot();
        variables.insert("nodes".into(), snapshot.figures.nodes.len().to_string());
        variables.insert("speed".into(), snapshot.pace.speed.to_string());
        log_in(shell, questions, &mut users).await?;
        Ok((Tour::new(variables, Some(FormFiller::new(users))), scratch))
    }
}

/// Logs the first user of the demonstration in to a shell, with a backup code: the one of the app remains for the end of the tour.
///
/// # Errors
/// Fails if the users do not know what is asked, or if the login is refused.
pub async fn log_in(shell: &Shell, questions: &mut Questions, users: &mut DemoUsers) -> Result<()> {
    let (line, variables) = (format!("login {}", quote(USERS[0].0)), Variables::new());
    let login = shell.run(&line, &variables);
    tokio::pin!(login);
    users.use_backup_codes(true);
    loop {
        tokio::select! {
            done = &mut login => {
                users.use_backup_codes(false);
                return done.map(drop).wrap_err("the tour cannot log its user in");
            }
            question = questions.recv() => {
                let question = question.ok_or_else(|| eyre!("nothing more is asked"))?;
                // The first user needs no mail, so that the answers are known at once.
                let given = users.fill_in(&question.form)?.ok_or_else(|| eyre!("{:?} has no answer", question.form.title))?;
                // The task that asked may have ended.
                let _ = question.reply.send(Reply::Given(given));
            }
        }
    }
}
