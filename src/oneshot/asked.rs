//! The one-shot commands as they ask a server, and the options that contradict each other wherever the files are.

use eyre::Result;
use p2p_base::spelling::visible_path;
use p2p_service::failure::wrong_usage;
use p2p_shell::manner::Manner;

use super::kept::KeptPut;
use super::streams::require_stdin;
use super::{GetArgs, ListArgs, PutArgs, RemoveArgs};
use crate::operand::is_dash;
use crate::remote::{self, Fetching, Server, Storing};

impl PutArgs {
    /// Stores the files at a server.
    ///
    /// # Errors
    /// Fails if a file cannot be stored, or if the options contradict each other.
    pub async fn run_at(&self, server: Server) -> Result<()> {
        self.check()?;
        if self.recursive {
            return Err(wrong_usage("--recursive is of a data directory, and not of --connect", "store the files one by one"));
        }
        let kept = KeptPut::of(self)?;
        let (upload, is_resumed) = (kept.as_ref().map(|kept| kept.upload), self.resume.is_some());
        let (name, options) = (self.name.as_deref(), self.common.words());
        let manner = Manner { replace: self.force, preserve: self.preserve, ..Manner::default() };
        let storing = Storing { files: &self.files, name, upload, is_resumed, manner, options };
        remote::put(server, &self.common, &storing).await
    }

    /// Refuses options that contradict each other.
    pub(super) fn check(&self) -> Result<()> {
        let PutArgs { files, name, .. } = self;
        if name.as_ref().is_some_and(|name| !name.ends_with('/')) && files.len() > 1 {
            return Err(wrong_usage(format_args!("--as names one file, but {} are given", files.len()), "store them one by one"));
        }
        let from_stdin = files.iter().any(|path| is_dash(path));
        if from_stdin && ((name.is_none() && self.resume.is_none()) || files.len() > 1) {
            return Err(wrong_usage("standard input has no name", "give it one with --as NAME"));
        }
        if from_stdin && self.preserve {
            return Err(wrong_usage("standard input has no time of modification and no mode", "leave --preserve out"));
        }
        if from_stdin { require_stdin() } else { Ok(()) }
    }
}

impl GetArgs {
    /// Fetches the files from a server.
    ///
    /// # Errors
    /// Fails if a file cannot be fetched, or if the options contradict each other.
    pub async fn run_at(&self, server: Server) -> Result<()> {
        self.check()?;
        if self.recursive {
            return Err(wrong_usage("--recursive is of a data directory, and not of --connect", "fetch the files one by one"));
        }
        let manner = Manner { replace: self.force, preserve: self.preserve, ..Manner::default() };
        let out = self.output_file.as_deref();
        remote::get(server, &self.common, &Fetching { names: &self.names, out, range: self.range, manner }).await
    }

    /// Refuses options that contradict each other.
    pub(super) fn check(&self) -> Result<()> {
        let out = self.output_file.as_deref();
        if self.range.is_some() && (self.recursive || self.names.len() > 1) {
            return Err(wrong_usage("--range is of one file", "fetch the files one by one"));
        }
        if self.preserve && out.is_some_and(is_dash) {
            return Err(wrong_usage("standard output has no time of modification and no mode", "leave --preserve out"));
        }
        match out.filter(|out| self.names.len() > 1 && !is_dash(out) && !out.is_dir()) {
            Some(out) => {
                let problem =
                    format!("{} files do not fit into one place, and {} is no directory", self.names.len(), visible_path(out));
                Err(wrong_usage(problem, "make a directory and give that, or fetch them one by one"))
            }
            None => Ok(()),
        }
    }
}

impl ListArgs {
    /// Lists what a server stores.
    ///
    /// # Errors
    /// Fails if the server cannot be asked, or refuses.
    pub async fn run_at(&self, server: Server) -> Result<()> {
        remote::list(server, &self.common, self.path.as_deref(), self.recursive).await
    }
}

impl RemoveArgs {
    /// Removes files and directories at a server.
    ///
    /// # Errors
    /// Fails if the server cannot be asked, or if something cannot be removed.
    pub async fn run_at(&self, server: Server) -> Result<()> {
        remote::remove(server, &self.common, &self.names, self.recursive).await
    }
}
