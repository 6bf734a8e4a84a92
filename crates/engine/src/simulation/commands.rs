//! Execution of commands, and the answers to commands that wait. Independent of how users type commands.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use p2p_base::pieces::PieceFile;
use p2p_base::private_file;
use p2p_base::spelling::visible;
use p2p_base::units::{SimDuration, SimTime};
use p2p_net::HostConfig;
use p2p_store::catalog::Catalog;
use p2p_store::manifest::FileRecord;
use p2p_store::names::FileKey;
use p2p_store::namespace::Entry;

use super::answers::{Answer, catalog_refused, finished};
use super::running::Running;
use super::{Capturing, CommandId, Simulation, Waiting};
use crate::cause::{FailureKind, LocalFailure};
use crate::changes;
use crate::edge::Happened;
use crate::error::EngineError;
use crate::event::Event;
use crate::io::crashed;
use crate::io::{Blocked, JobId, Lane, Outcome};
use crate::operation::{Command, OnShutdown, Reply};
use crate::peer::Peer;
use crate::policy;
use crate::principal::{Caller, Origin, Principal};
use crate::transfer::{Input, TransferId, TransferReport, TransferStatus};

/// Virtual time that a shutdown waits for connections to close.
const CLOSING_TIME: SimDuration = SimDuration::from_secs(5);

impl Simulation {
    /// Executes an operation for a caller at the current virtual instant, if the policy permits it. Its answer is available under
    /// `id`, at once or later. Returns false if the operation was refused at once. Operations that concern the pace of time are
    /// executed by the driver and only acknowledged here.
    pub fn apply(&mut self, id: CommandId, caller: &Caller, command: impl Into<Command>) -> bool {
        let command = command.into();
        let answer = match policy::check(caller, &command, self) {
            Ok(()) => self.dispatch(id, caller, command),
            Err(denial) => Some(Err(denial.into())),
        };
        let may_see_usage = policy::may_see_usage(&caller.principal);
        let known = |error: EngineError| error.with_usage_if(may_see_usage);
        let answer = answer.map(|answer| answer.map_err(known));
        let taken = !matches!(answer, Some(Err(_)));
        self.replies.extend(answer.map(|answer| (id, answer)));
        taken
    }

    /// Executes an operation. Returns `None` if the answer comes later. The match lists every operation, so that a new one cannot
    /// be acknowledged without being done.
    fn dispatch(&mut self, id: CommandId, caller: &Caller, command: Command) -> Option<Answer> {
        let (by, is_remote) = (&caller.principal, matches!(caller.origin, Origin::Remote(_)));
        let (user, host) = (by.name().map(str::to_owned), caller.host);
        let reply = |reply| Some(Ok(reply));
        match command {
            Command::Upload(upload) => self.upload(id, caller, upload),
            Command::Download(download) => self.download(id, (user, host), download, is_remote),
            Command::ForgetUpload(forget) => Some(self.forget_upload((user, host), forget.upload)),
            Command::ExpireUploads(expire) => Some(self.expire_uploads(expire.now).map(Reply::Done)),
            Command::ListUploads(_) => reply(Reply::Uploads(self.kept_uploads(by))),
            Command::Remove(remove) => Some(self.remove((user, host), &remove)),
            Command::MakeDirectory(make) => self.make_directory(id, user, &make),
            Command::Move(change) => self.move_to(id, change),
            Command::CopyFile(copy) => self.copy(id, user, copy),
            Command::SetAttributes(set) => self.set_attributes(id, set),
            Command::Share(share) => self.share(id, share),
            Command::ShareUploads(share) => self.share_uploads(id, share),
            Command::Adopt(adopt) => self.adopt(id, adopt.owner),
            Command::Await(wait) => self.await_transfer(id, wait.transfer),
            Command::Cancel(cancel) => self.stop(id, cancel.transfer, Input::Cancelled),
            Command::Park(park) => self.stop(id, park.transfer, Input::Parked),
            Command::StatFile(stat) => self.stat_file(id, by, stat.file),
            Command::CheckHealth(_) => {
                self.world.check_health();
                self.wait_for(id, Waiting::HealthCheck)
            }
            Command::Sleep(sleep) => self.sleep(id, sleep.span),
            Command::Step(step) => self.step(id, step.span),
            Command::Shutdown(shutdown) => self.shut_down(id, shutdown.running),
            Command::ListFiles(_) => reply(Reply::Files(self.files_known_to(by))),
            Command::ListDirectory(list) => Some(self.list_directory(by, &list)),
            Command::ListNodes(_) => {
                let nodes = self.node_statuses().into_iter();
                reply(Reply::Nodes(nodes.map(|node| policy::known_of_node(by, node)).collect()))
            }
            Command::StatStorage(_) => reply(Reply::Storage(self.storage_stats())),
            Command::StatUser(_) => reply(Reply::Usage(self.usage_of(by.name()))),
            Command::ListHosts(_) => reply(Reply::Topology(self.topology())),
            Command::CountPackets(_) => reply(Reply::Network(Box::new(self.network_stats()))),
            Command::ListTransfers(_) => reply(Reply::Transfers(self.transfers_of(by))),
            Command::TakeFailures(_) => reply(Reply::Transfers(self.take_failures(by))),
            Command::ListPackets(_) => reply(Reply::Packets(self.world.net.wire(usize::MAX).records)),
            Command::ListConnections(_) => reply(Reply::Connections(self.connections())),
            Command::SetLink(change) => Some(self.set_link(change.peer, change.link)),
            Command::WatchWire(watch) => Some(self.watch_wire(watch.packets)),
            Command::StartCapture(capture) => Some(self.start_capture(&capture.path)),
            Command::StopCapture(_) => Some(self.stop_capture()),
            Command::ListFaults(_) => reply(Reply::Faults(self.faults_known_to(by))),
            Command::Break(what) => self.break_it(id, by, what),
            Command::Mend(what) => self.mend(id, by, &what),
            Command::ClearFaults(clear) => self.clear_faults(id, by, &clear.which),
            Command::StoreSegment(store) => self.store_segment(id, by, store),
            Command::RetrieveSegment(fetch) => self.retrieve_segment(id, by, fetch),
            Command::DeleteSegment(delete) => self.delete_segment(id, by, (delete.node, delete.id)),
            Command::AskNode(ask) => self.ask_node(id, by, ask.node),
            Command::TreatOrphans(treat) => Some(self.orphans(treat.action, treat.node)),
            // The driver changes the pace.
            Command::SetSpeed(_) | Command::Pause(_) | Command::Resume(_) => reply(Reply::Done(())),
        }
    }

    fn files_known_to(&self, by: &Principal) -> Vec<FileRecord> {
        policy::known_names(by, self.world.names.files()).files().cloned().collect()
    }

    fn transfers_of(&self, by: &Principal) -> Vec<TransferStatus> {
        let mut all = self.transfer_statuses();
        all.retain(|status| policy::may_see_transfer(by, status));
        all
    }

    fn sleep(&mut self, id: CommandId, span: SimDuration) -> Option<Answer> {
        match self.instant_after(span) {
            Ok(at) => self.wait_for(id, Waiting::Until(at)),
            Err(error) => Some(Err(error)),
        }
    }

    fn step(&mut self, id: CommandId, span: Option<SimDuration>) -> Option<Answer> {
        let until = span.map_or_else(|| Ok(self.next_due().unwrap_or(self.now())), |span| self.instant_after(span));
        // A step over a span passes all of it, whatever events occur.
        let events = span.is_none().then_some(self.world.journal.emitted());
        match until {
            Ok(until) => self.wait_for(id, Waiting::Step { until, events }),
            Err(error) => Some(Err(error)),
        }
    }

    pub(super) fn wait_for(&mut self, command_id: CommandId, what: Waiting) -> Option<Answer> {
        self.waiting.add(command_id, what);
        None
    }

    /// Returns the instant that lies `span` in the future.
    pub(super) fn instant_after(&self, span: SimDuration) -> Result<SimTime, EngineError> {
        let now = self.now();
        let left = SimTime::MAX.since(now).saturating_sub(SimDuration::from_nanos(1));
        now.checked_add(span).ok_or(EngineError::EndOfTime { now, left })
    }

    pub(super) fn refuse_when_closing(&self) -> Result<(), EngineError> {
        if self.closing { Err(EngineError::Stopped) } else { Ok(()) }
    }

    /// Refuses a transfer of a host that cannot carry one: its node does not run, or the simulation ends.
    pub(super) fn refuse_without_host(&self, host: Peer) -> Result<(), EngineError> {
        self.refuse_when_closing()?;
        match host {
            host if !self.world.has_peer(host) => Err(EngineError::UnknownHost(host)),
            Peer::Node(node) if !self.world.runs(host.index()) => Err(EngineError::NotRunning(node)),
            Peer::Client | Peer::Node(_) => Ok(()),
        }
    }

    pub(super) fn known_file(&mut self, key: &FileKey) -> Result<FileRecord, EngineError> {
        self.note_use(key);
        match self.known_entry(key)? {
            Entry::File(file) => Ok(file.clone()),
            Entry::Directory(_) => Err(EngineError::IsDirectory { name: key.name.clone() }),
        }
    }

    pub(super) fn known_entry(&self, key: &FileKey) -> Result<&Entry, EngineError> {
        changes::known_entry(self.world.names.files(), key)
    }

    pub(super) fn next_id(&mut self) -> TransferId {
        self.next_transfer += 1;
        TransferId(self.next_transfer)
    }

    pub(super) fn begin(&mut self, id: TransferId, transfer: Running) -> Answer {
        let transfer = self.transfers.entry(id).insert_entry(transfer).into_mut();
        self.ready.insert(id);
        // Nothing is waited for at the beginning.
        let _ = transfer.carry_out_all(&mut self.world);
        Ok(Reply::Started(id))
    }

    fn await_transfer(&mut self, command_id: CommandId, id: TransferId) -> Option<Answer> {
        if let Some(report) = self.report_of_finished(id) {
            self.failures.retain(|status| status.id != id);
            return Some(finished(report));
        }
        if self.transfers.contains_key(&id) {
            return self.wait_for(command_id, Waiting::Transfer(id));
        }
        Some(Err(EngineError::UnknownTransfer(id)))
    }

    fn adopt(&mut self, command_id: CommandId, owner: String) -> Option<Answer> {
        let adoption = self.adoption(owner);
        self.wait_for(command_id, adoption)
    }

    fn stop(&mut self, command_id: CommandId, id: TransferId, stop: Input) -> Option<Answer> {
        if self.report_of_finished(id).is_some() {
            return Some(Err(EngineError::TransferOver(id)));
        }
        if !self.transfers.contains_key(&id) {
            return Some(Err(EngineError::UnknownTransfer(id)));
        }
        self.world.inbox.push_back((id, stop));
        self.wait_for(command_id, Waiting::Transfer(id))
    }

    fn report_of_finished(&self, id: TransferId) -> Option<TransferReport> {
        self.finished.iter().find(|report| report.status.id == id).map(|report| TransferReport::clone(report))
    }

    fn take_failures(&mut self, by: &Principal) -> Vec<TransferStatus> {
        let may_see = |status: &TransferStatus| policy::may_see_transfer(by, status);
        let (taken, left) = std::mem::take(&mut self.failures).into_iter().partition(may_see);
        self.failures = left;
        taken.into()
    }

    fn stat_file(&mut self, command_id: CommandId, by: &Principal, file: FileKey) -> Option<Answer> {
        if let Err(error) = self.known_file(&file) {
            return Some(Err(error));
        }
        let by = by.clone();
        let job = self.ask_catalog(move |catalog| Outcome::Manifest(catalog.manifest(&file).map(Box::new)));
        self.wait_for(command_id, Waiting::Manifest(job, by))
    }

    /// Submits work on the catalog whose outcome takes effect at this virtual instant, however long the work really takes.
    pub(super) fn ask_catalog(&mut self, work: impl FnOnce(&Catalog) -> Outcome + Send + 'static) -> JobId {
        let catalog = Arc::clone(self.world.names.catalog());
        self.world.work.jobs.submit(Lane::Catalog, Box::new(move || work(&catalog)))
    }

    fn set_link(&mut self, peer: Peer, link: HostConfig) -> Answer {
        if !self.world.has_peer(peer) {
            return Err(EngineError::UnknownHost(peer));
        }
        self.world.set_wires(peer, &link);
        self.world.emit(Event::LinkChanged { peer, link });
        Ok(Reply::Done(()))
    }

    fn watch_wire(&mut self, packets: Option<u32>) -> Answer {
        self.world.watch(packets.map(|packets| packets as usize));
        Ok(Reply::Done(()))
    }

    fn start_capture(&mut self, path: &Path) -> Answer {
        if matches!(self.capture, Capturing::Runs) {
            return Err(EngineError::CaptureRunning);
        }
        let file = private_file::create_new(path).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => EngineError::DestinationTaken { path: path.to_owned() },
            _ => EngineError::Destination { path: path.to_owned(), reason: error.to_string() },
        })?;
        let started = PieceFile::new(file).and_then(|file| self.world.net.start_capture(Box::new(file)));
        if let Err(error) = started {
            // The file was created for this capture alone and is empty.
            let _ = std::fs::remove_file(path);
            return Err(EngineError::Capture(error.to_string()));
        }
        self.capture = Capturing::Runs;
        Ok(Reply::Done(()))
    }

    fn stop_capture(&mut self) -> Answer {
        match std::mem::replace(&mut self.capture, Capturing::Nothing) {
            Capturing::Nothing => Err(EngineError::NoCapture),
            Capturing::Runs => {
                self.world.net.stop_capture().map(Reply::Captured).map_err(|error| ended_early(self.now(), &error))
            }
            Capturing::EndedEarly(error) => Err(error),
        }
    }

    /// Reports the end of a capture that has failed.
    pub(super) fn look_after_capture(&mut self) {
        if !matches!(self.capture, Capturing::Runs) || self.world.net.capture_failure().is_none() {
            return;
        }
        self.capture = match self.world.net.stop_capture() {
            Ok(_) => Capturing::Nothing,
            Err(error) => {
                let ended = ended_early(self.now(), &error);
                let kind = FailureKind::Capture { at: self.now(), error: (&error).into() };
                self.world.tell(Event::CaptureEnded { failure: LocalFailure::with_details(kind, ended.to_string()) });
                Capturing::EndedEarly(ended)
            }
        };
    }

    fn shut_down(&mut self, command_id: CommandId, running: OnShutdown) -> Option<Answer> {
        let names: Vec<String> = self.running_transfers();
        if running == OnShutdown::Refuse && !names.is_empty() {
            return Some(Err(EngineError::Busy { names }));
        }
        self.closing = true;
        for (&id, transfer) in &self.transfers {
            // A stream of remote origin may never end, and the service that it came by ends as well.
            let end = match transfer.is_remote() || transfer.kept().is_some() {
                true => Input::Happened(Happened::Gone),
                false if running == OnShutdown::Cancel => Input::Cancelled,
                false => continue,
            };
            self.world.inbox.push_back((id, end));
        }
        self.wait_for(command_id, Waiting::Shutdown)
    }

    /// Returns a short description of each running transfer.
    pub(super) fn running_transfers(&self) -> Vec<String> {
        let describe = |transfer: &Running| {
            let status = transfer.bare_status();
            format!("{} {} of `{}`", status.id, status.direction.name(), visible(&status.file.name))
        };
        self.transfers.values().map(describe).collect()
    }

    /// Answers the commands that have waited for this instant.
    pub(super) fn answer_awake(&mut self) {
        while let Some(command_id) = self.waiting.take_awake(self.now()) {
            self.replies.push_back((command_id, Ok(Reply::Done(()))));
        }
    }

    /// Answers the waiting command of this index, if its condition is met, and returns whether it is. The next one has the index then.
    pub(super) fn answer_waiting(&mut self, index: usize) -> Result<bool, Blocked> {
        let Some(answer) = self.answer_to(index)? else { return Ok(false) };
        let command_id = self.waiting.take_other(index);
        self.replies.push_back((command_id, answer));
        Ok(true)
    }

    fn answer_to(&mut self, index: usize) -> Result<Option<Answer>, Blocked> {
        let now = self.now();
        Ok(match self.waiting.other(index) {
            // These are indexed, and not among the others.
            Waiting::Transfer(_) | Waiting::Until(_) => None,
            Waiting::Step { until, events } => {
                let has_happened = events.is_some_and(|events| self.world.journal.emitted() > events);
                (*until <= now || has_happened).then_some(Ok(Reply::Done(())))
            }
            Waiting::Process(awaited) => self.answer_about_processes(awaited),
            Waiting::HealthCheck if self.world.is_checking_health() => None,
            Waiting::HealthCheck => Some(Ok(Reply::Health(self.health_report()))),
            Waiting::Manifest(job, by) => {
                let (job, by) = (*job, by.clone());
                let outcome = self.world.work.jobs.take(job).ok_or(Blocked(job))?;
                Some(manifest_answer(outcome, &by))
            }
            Waiting::Opening(job, opening) => {
                let (job, opening) = (*job, (**opening).clone());
                Some(self.answer_to_opening(job, opening)?)
            }
            Waiting::Resuming(job, resuming) => {
                let (job, resuming) = (*job, (**resuming).clone());
                Some(self.answer_to_resuming(job, resuming)?)
            }
            Waiting::NameChange { .. } | Waiting::Adoption { .. } | Waiting::Adopting { .. } => self.answer_about_names(index)?,
            Waiting::Closing(at) if *at <= now || !self.world.net.has_open_connections() => {
                self.world.stop_nodes();
                let is_over = matches!(self.capture, Capturing::Nothing);
                Some(if is_over { Ok(Reply::Done(())) } else { self.stop_capture().map(|_| Reply::Done(())) })
            }
            Waiting::Closing(_) => None,
            Waiting::Shutdown if self.transfers.is_empty() && self.exchanges.is_empty() => self.close_connections(index),
            Waiting::Shutdown => None,
        })
    }

    /// Closes the connections once all transfers are over, and gives packets in flight [`CLOSING_TIME`] to arrive.
    fn close_connections(&mut self, index: usize) -> Option<Answer> {
        self.world.close_connections();
        self.waiting.set_other(index, Waiting::Closing(self.now() + CLOSING_TIME));
        None
    }
}

/// Returns the error for a capture that ended without a command.
fn ended_early(at: SimTime, error: &std::io::Error) -> EngineError {
    EngineError::Capture(format!("it ended at {} of virtual time: {error}; the packets that its file has are whole", at.clock(3)))
}

fn manifest_answer(outcome: Outcome, by: &Principal) -> Answer {
    match outcome {
        Outcome::Manifest(Ok(mut manifest)) => {
            manifest.file = policy::known_of(by, manifest.file);
            Ok(Reply::Manifest(manifest))
        }
        Outcome::Manifest(Err(error)) => Err(catalog_refused(error)),
        other => Err(crashed(other)),
    }
}
