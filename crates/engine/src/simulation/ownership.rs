//! Ownership of files and read access: sharing files, and giving files without an owner to a user. The caller checks
//! permissions.

use std::sync::Arc;

use p2p_store::manifest::FileKey;

use super::commands::{Answer, catalog_refused, crashed};
use super::{CommandId, Simulation, Waiting};
use crate::event::Event;
use crate::io::{Blocked, JobId, Outcome};
use crate::operation::{self, Reply};

impl Simulation {
    pub(super) fn share(&mut self, command_id: CommandId, share: operation::Share) -> Option<Answer> {
        let operation::Share { file, user, may_read } = share;
        if let Err(error) = self.known_file(&file) {
            return Some(Err(error));
        }
        let (key, reader) = (file.clone(), user.clone());
        let job = self.ask_catalog(move |catalog| Outcome::FileShared(catalog.set_reader(&key, &reader, may_read)));
        self.wait_for(command_id, Waiting::Sharing { job, file, user, may_read })
    }

    /// Returns the condition that an adoption by `owner` waits for: first the end of running transfers of files without an
    /// owner, then the catalog.
    pub(super) fn adoption(&mut self, owner: String) -> Waiting {
        if self.transfers.values().any(|transfer| transfer.bare_status().file.owner.is_none()) {
            return Waiting::Adoption { owner };
        }
        let (heir, reserved) = (owner.clone(), self.world.names.reserved().clone());
        let job = self.ask_catalog(move |catalog| Outcome::FilesAdopted(catalog.adopt(&heir, &reserved)));
        Waiting::Adopting { job, owner }
    }

    /// Returns the answer to the waiting command at this index, once there is one.
    pub(super) fn answer_about_owners(&mut self, index: usize) -> Result<Option<Answer>, Blocked> {
        match &self.waiting[index].1 {
            Waiting::Sharing { job, file, user, may_read } => {
                let (job, file, user, may_read) = (*job, file.clone(), user.clone(), *may_read);
                let outcome = self.outcome_of(job)?;
                Ok(Some(self.shared(outcome, file, user, may_read)))
            }
            Waiting::Adoption { owner } => {
                let adoption = self.adoption(owner.clone());
                if matches!(adoption, Waiting::Adoption { .. }) {
                    return Ok(None);
                }
                self.waiting[index].1 = adoption;
                self.answer_about_owners(index)
            }
            Waiting::Adopting { job, owner } => {
                let (job, owner) = (*job, owner.clone());
                let outcome = self.outcome_of(job)?;
                Ok(Some(self.adopted(outcome, owner)))
            }
            _ => Ok(None),
        }
    }

    fn outcome_of(&mut self, job: JobId) -> Result<Outcome, Blocked> {
        self.world.work.jobs.take(job).ok_or(Blocked(job))
    }

    fn shared(&mut self, outcome: Outcome, file: FileKey, user: String, may_read: bool) -> Answer {
        match outcome {
            Outcome::FileShared(Ok(())) => {}
            Outcome::FileShared(Err(error)) => return Err(catalog_refused(error)),
            other => return Err(crashed(other)),
        }
        self.world.names.set_reader(&file, &user, may_read);
        self.world.emit(Event::FileShared { file, user, may_read });
        Ok(Reply::Done(()))
    }

    fn adopted(&mut self, outcome: Outcome, owner: String) -> Answer {
        let keys = match outcome {
            Outcome::FilesAdopted(Ok(keys)) => keys,
            Outcome::FilesAdopted(Err(error)) => return Err(error.into()),
            other => return Err(crashed(other)),
        };
        self.world.names.adopt(&owner, &keys);
        for report in self.finished.iter_mut().filter(|report| keys.contains(&report.status.file)) {
            let status = &mut Arc::make_mut(report).status;
            (status.file.owner, status.user) = (Some(owner.clone()), Some(owner.clone()));
        }
        if !keys.is_empty() {
            self.world.emit(Event::FilesAdopted { owner, count: keys.len() as u64 });
        }
        Ok(Reply::Done(()))
    }
}
