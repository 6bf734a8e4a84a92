//! Small transfers of one command, which are carried out beside each other.
//!
//! What a small file costs is mostly waiting for a disk. Several that are under way at the same time share a sync and a transaction of
//! the catalog. Results are told in the order of the arguments all the same, and a transfer that could depend on an earlier one is
//! begun after it.

use std::collections::{BTreeSet, VecDeque};
use std::fs;

use eyre::Result;
use p2p_engine::operation::{BeginTransfer, Command, Source};
use p2p_engine::transfer::{TransferId, TransferReport};
use p2p_service::access::Access;
use p2p_service::instance::{Instance, advised};

/// Number of small transfers that are under way at the same time: half of the results that the engine remembers, since those that are
/// over before an earlier one are among them, and so are transfers of the program itself.
const BESIDE_MAX: usize = p2p_engine::FINISHED_MAX / 2;
/// Size in bytes up to which a file is a small one: that of a segment.
const SMALL_BYTES: u64 = 64 << 10;

/// Small transfers that have begun, in their order.
#[derive(Debug, Default)]
pub(super) struct Beside {
    begun: VecDeque<(String, Result<TransferId>)>,
    names: BTreeSet<String>,
}

impl Beside {
    /// Returns the number of transfers that have begun and whose results are not taken yet.
    pub(super) fn len(&self) -> usize {
        self.begun.len()
    }

    /// Returns the name by which a transfer is known here, if it may begin now: it is small, and none of this name is under way.
    pub(super) fn admits(&self, access: &Access, begins: &BeginTransfer) -> Option<String> {
        let name = name_of_small(access, begins).filter(|_| self.begun.len() < BESIDE_MAX)?;
        (!self.names.contains(&name)).then_some(name)
    }

    /// Begins a transfer that is [admitted](Self::admits).
    pub(super) async fn begin(&mut self, access: &Access, name: String, begins: BeginTransfer) {
        let begun = access.begin(begins).await.map_err(advised);
        self.names.insert(name.clone());
        self.begun.push_back((name, begun));
    }

    /// Waits for the end of the first transfer that has begun; `None` if there is none.
    pub(super) async fn next(&mut self, instance: &Instance) -> Option<Result<TransferReport>> {
        let (name, begun) = self.begun.pop_front()?;
        self.names.remove(&name);
        Some(match begun {
            Ok(transfer) => instance.see_through(transfer).await,
            Err(error) => Err(error),
        })
    }
}

/// Returns the name that a small transfer stores or removes; `None` if it is large, or of another kind.
fn name_of_small(access: &Access, begins: &BeginTransfer) -> Option<String> {
    match begins.command() {
        Command::Upload(upload) => {
            let Source::File(path) = &upload.source else { return None };
            let found = fs::metadata(path).ok().filter(|found| found.is_file() && found.len() <= SMALL_BYTES);
            let own = || path.file_name().map(|name| name.to_string_lossy().into_owned());
            found.and_then(|_| upload.name.clone().or_else(own))
        }
        Command::Remove(remove) => access.is_file(&remove.file).then(|| remove.file.to_string()),
        _ => None,
    }
}
