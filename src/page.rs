//! The option `--html` of commands that write the report of their run to a file of this machine, as a page.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use eyre::{Report, Result};
use p2p_base::replacement::{Existing, Replacement};
use p2p_engine::EngineError;
use p2p_service::failure::wrong_usage;
use p2p_service::instance::advised_by;
use p2p_shell::asking::refused;
use p2p_shell::words::Variables;
use p2p_shell::{Shell, page};

use crate::operand::is_dash;

/// Options about the page of a report.
#[derive(Debug, Args)]
pub struct PageArgs {
    /// Write the report to FILE as a page of HTML with charts, which needs no network and no script
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Replace FILE if it is there
    #[arg(long, requires = "html")]
    force: bool,
}

/// A page that is to be: the file has no name until all of it is written.
#[derive(Debug)]
pub struct PageFile {
    file: Replacement,
    path: PathBuf,
}

impl PageArgs {
    /// Returns true if a page is wanted.
    pub fn is_wanted(&self) -> bool {
        self.html.is_some()
    }

    /// Begins the page before the run that it is about, if one is wanted, so that a path that cannot be written is told of before all else.
    ///
    /// # Errors
    /// Fails if the file exists and is not to be replaced, or if its directory cannot be written.
    pub fn begin(&self) -> Result<Option<PageFile>> {
        let Some(path) = &self.html else { return Ok(None) };
        if is_dash(path) {
            return Err(wrong_usage("--html writes a file, and no standard output", "./- is a file of that name"));
        }
        let existing = if self.force { Existing::Replaced } else { Existing::Refused };
        let file = Replacement::create_private_where_new(path, existing).map_err(|error| unwritable(path, &error))?;
        Ok(Some(PageFile { file, path: path.clone() }))
    }
}

impl PageFile {
    /// Returns the path at which the page is to appear.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the page, which appears under its name when it is complete.
    ///
    /// # Errors
    /// Fails if it cannot be written; then nothing is there that was not before.
    pub fn write(mut self, html: &str) -> Result<()> {
        let written = self.file.write_all(html.as_bytes()).and_then(|()| self.file.finish());
        written.map(drop).map_err(|error| unwritable(&self.path, &error))
    }

    /// Writes the page of a run so far, as the user of a shell may see it.
    ///
    /// # Errors
    /// Fails if the user may not see a report, or if the page cannot be written.
    pub async fn write_run(self, shell: &Shell) -> Result<()> {
        let report = shell.run("report", &Variables::new()).await.map_err(refused)?;
        let html = page::of_run(shell.access(), &report.view).await.map_err(refused)?;
        self.write(&html)
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Report {
    let path = path.to_owned();
    match error.kind() {
        ErrorKind::AlreadyExists => {
            let advice = "choose another place with --html FILE, or replace it with --force";
            advised_by(EngineError::DestinationTaken { path }, Some(advice))
        }
        _ => advised_by(
            EngineError::Destination { path, reason: error.to_string() },
            Some("choose another place with --html FILE"),
        ),
    }
}
