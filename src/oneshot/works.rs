//! What `put`, `get` and `rm` carry out: small transfers in groups, and all else by itself.

use eyre::Result;
use p2p_engine::BegunUpload;
use p2p_engine::operation::BeginTransfer;
use p2p_engine::transfer::{TransferId, TransferReport};
use p2p_service::access::Access;
use p2p_service::access::range::WantedRange;
use p2p_service::instance::advised;
use p2p_shell::asking::refused;
use p2p_shell::groups::{Group, Groups, Step, name_of_small};
use p2p_store::attributes::StoreAs;
use p2p_store::uploads::Declared;

use super::Visit;
use super::kept::KeptPut;
use super::streams::{Origin, pour_in, pour_out};

/// Transfer that a command carries out.
pub(super) enum Work {
    Transfer(BeginTransfer),
    /// Upload of standard input under a name, in the place of a stored file if the flag says so.
    FromStdin(String, bool),
    /// Upload that is kept if it is interrupted.
    Kept(KeptPut),
    /// Download of a stored file, or of a range of it, to standard output.
    ToStdout(String, Option<WantedRange>),
}

impl<T: Into<BeginTransfer>> From<T> for Work {
    fn from(begins: T) -> Work {
        Work::Transfer(begins.into())
    }
}

impl Work {
    async fn carry_out(self, visit: &Visit) -> Result<TransferReport> {
        match self {
            Work::Transfer(begins) => visit.instance.transfer(visit.access(), begins).await,
            Work::FromStdin(name, replace) => {
                let stored_as = StoreAs { replace, ..StoreAs::default() };
                let begun = visit.access().store_stream(&name, Declared::default(), None, stored_as).await;
                let BegunUpload { transfer, writer, .. } = begun.map_err(refused)?;
                visit.instance.transfer_stream(transfer, pour_in(writer, None, Origin::Stdin)).await
            }
            Work::Kept(kept) => kept.carry_out(visit).await,
            Work::ToStdout(name, range) => {
                let begun = visit.access().download_stream(&visit.identity, &name, range, None).await;
                let (transfer, reader) = begun.map_err(refused)?;
                visit.instance.transfer_stream(transfer, pour_out(reader)).await
            }
        }
    }
}

/// Work of a command, or the reason why it cannot be done, with what the file is called.
pub(super) struct Named {
    name: String,
    work: Result<Work>,
}

impl Named {
    pub(super) fn new(name: impl Into<String>, work: Result<Work>) -> Named {
        Named { name: name.into(), work }
    }

    pub(super) fn of((name, begins): (String, BeginTransfer)) -> Named {
        Named::new(name, Ok(begins.into()))
    }

    /// Returns the transfer, if the work is an ordinary one.
    pub(super) fn begins(&self) -> Option<&BeginTransfer> {
        if let Ok(Work::Transfer(begins)) = &self.work { Some(begins) } else { None }
    }

    /// Returns true for an upload that is kept if it is interrupted.
    pub(super) fn is_kept(&self) -> bool {
        matches!(self.work, Ok(Work::Kept(_)))
    }
}

/// Work of a command that has not begun, or the reason why it cannot.
pub(super) struct Queued {
    named: Named,
    /// Name that a small transfer stores or removes.
    beside: Option<String>,
}

impl Queued {
    /// Asks the disk whether the transfer is a small one.
    pub(super) fn new(access: &Access, named: Named) -> Queued {
        let beside = named.begins().and_then(|begins| name_of_small(access, begins));
        Queued { named, beside }
    }
}

impl Step for Queued {
    fn beside(&self) -> Option<&str> {
        self.beside.as_deref()
    }
}

/// Work of a command that has begun.
pub(super) enum Started {
    /// Transfer beside others, or the reason why it was refused, with what the file is called.
    Transfer(String, Result<TransferId>),
    /// Work that is carried out by itself.
    Alone(Named),
}

impl Started {
    /// Waits for the end. Returns what the file is called, and the report.
    pub(super) async fn see_through(self, visit: &Visit) -> (String, Result<TransferReport>) {
        match self {
            Started::Transfer(name, Ok(transfer)) => (name, visit.instance.see_through(transfer).await),
            Started::Transfer(name, Err(error)) | Started::Alone(Named { name, work: Err(error) }) => (name, Err(error)),
            Started::Alone(Named { name, work: Ok(work) }) => (name, work.carry_out(visit).await),
        }
    }
}

/// Begins the next transfers that may be under way beside each other, at one virtual instant, once those before them are over.
pub(super) async fn begin_group(visit: &Visit, groups: &mut Groups<Queued, Started>) {
    let together = match groups.take_group() {
        None => return,
        Some(Group::Alone(one)) => return groups.put(Started::Alone(one.named)),
        Some(Group::Together(several)) => several,
    };
    let (mut names, mut transfers) = (Vec::with_capacity(together.len()), Vec::with_capacity(together.len()));
    for Queued { named: Named { name, work }, .. } in together {
        match work {
            Ok(Work::Transfer(begins)) => {
                names.push(name);
                transfers.push(begins);
            }
            work => groups.put(Started::Alone(Named { name, work })),
        }
    }
    for (name, begun) in names.into_iter().zip(visit.access().begin_together(transfers).await) {
        groups.put(Started::Transfer(name, begun.map_err(advised)));
    }
}
