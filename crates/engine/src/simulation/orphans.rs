//! Orphans: segments that no file of the catalog references, on volumes that another catalog has written to or that a user has
//! adopted as they were. On request they are listed, freed or adopted; the engine does none of this by itself.

use std::collections::BTreeSet;

use p2p_base::database::Purpose;
use p2p_store::catalog::CatalogError;
use p2p_store::disk_op::DiskOutcome;
use p2p_store::epochs::Claim;
use p2p_store::manifest::NodeNumber;
use p2p_store::segment::SegmentId;
use p2p_store::standing::{Comparison, Trouble};
use p2p_store::volume::Volume;

use super::Simulation;
use super::answers::Answer;
use crate::error::EngineError;
use crate::known_host::known;
use crate::node::NODE_PORT;
use crate::operation::{OrphansAction, Reply};
use crate::snapshot::{Orphans, Peer};

type Found = Vec<(SegmentId, u64)>;

impl Simulation {
    /// Lists orphans, frees them or adopts them: on one node, or on all nodes that have any.
    pub(super) fn orphans(&mut self, action: OrphansAction, node: Option<NodeNumber>) -> Answer {
        if let Some(node) = node.filter(|node| node.index() >= self.world.nodes.len()) {
            return Err(EngineError::UnknownHost(Peer::Node(node)));
        }
        if action != OrphansAction::List {
            self.world.names.catalog().database().refuse_when_read_only().map_err(CatalogError::from)?;
        }
        let running = self.running_transfers();
        if action != OrphansAction::List && !running.is_empty() {
            return Err(EngineError::Busy { names: running });
        }
        let all = (0..self.world.nodes.len()).map(NodeNumber::from_index);
        let wanted: Vec<NodeNumber> = all.filter(|&of| node.is_none_or(|node| of == node)).collect();
        let mut reports = Vec::new();
        for of in wanted {
            let report = self.orphans_of(of)?;
            let is_named = node.is_some();
            if report.trouble.is_none() && report.segments.is_empty() && report.needed_elsewhere.is_empty() {
                continue;
            }
            // A disk that is broken or not mounted is skipped unless the command names its node.
            if action != OrphansAction::List && !is_named && report.trouble.as_ref().is_some_and(Trouble::stops) {
                continue;
            }
            self.settle_orphans(action, &report)?;
            reports.push(report);
        }
        Ok(Reply::Orphans(reports))
    }

    fn settle_orphans(&mut self, action: OrphansAction, report: &Orphans) -> Result<(), EngineError> {
        let ids_of = |segments: &Found| segments.iter().map(|(id, _)| *id).collect::<Vec<SegmentId>>();
        let (ids, elsewhere) = (ids_of(&report.segments), ids_of(&report.needed_elsewhere));
        match (action, &report.trouble) {
            (OrphansAction::List, _) => return Ok(()),
            (_, Some(trouble @ Trouble::Disk(_))) | (OrphansAction::Free, Some(trouble @ Trouble::NotMounted)) => {
                return Err(EngineError::Trouble { node: report.node, trouble: trouble.clone() });
            }
            (OrphansAction::Adopt, Some(_)) => {
                self.world.names.catalog().keep(report.node, &[ids.clone(), elsewhere].concat())?;
                self.take_over(report.node)?;
            }
            // Segments on an adopted volume are kept already.
            (OrphansAction::Adopt, None) => return Ok(()),
            (OrphansAction::Free, trouble) => {
                // Noted before the volume belongs to the catalog, so that a sweep does not remove the kept segments.
                self.world.names.catalog().keep(report.node, &elsewhere)?;
                if trouble.is_some() {
                    self.take_over(report.node)?;
                }
                self.delete_orphans(report.node, &ids)?;
            }
        }
        let count = report.trouble.as_ref().map_or(0, |_| ids.len() as u64);
        self.world.volumes.unknown_segments = self.world.volumes.unknown_segments.saturating_sub(count);
        Ok(())
    }

    /// Returns the orphans of a node: all unreferenced segments there or, if the volume belongs to the catalog, the kept ones.
    /// Segments of running uploads are not among them.
    fn orphans_of(&self, node: NodeNumber) -> Result<Orphans, EngineError> {
        let entry = &self.world.nodes[node.index()];
        let trouble = entry.node.trouble().filter(|trouble| !trouble.allows_deletion()).cloned();
        let candidates: Found = match &trouble {
            Some(Trouble::Disk(_)) => Vec::new(),
            Some(_) => self.found_on(node)?,
            None => {
                let kept = self.world.names.catalog().kept()?.remove(&node).unwrap_or_default();
                kept.into_iter().filter_map(|id| Some((id, entry.node.len_of(id)?))).collect()
            }
        };
        let mut references = self.world.names.catalog().held()?;
        let here = references.remove(&node).unwrap_or_default();
        let elsewhere: BTreeSet<SegmentId> = references.into_values().flatten().collect();
        let others = candidates.into_iter().filter(|(id, _)| !here.contains(id));
        let (needed_elsewhere, segments) = others.partition(|(id, _)| elsewhere.contains(id));
        Ok(Orphans { node, trouble, segments, needed_elsewhere })
    }

    fn found_on(&self, node: NodeNumber) -> Result<Found, EngineError> {
        let found = self.world.nodes[node.index()].disk().list();
        found.map_err(|error| EngineError::Trouble { node, trouble: error.into() })
    }

    /// Assigns a volume with its content to the catalog, and lets its node run.
    fn take_over(&mut self, node: NodeNumber) -> Result<(), EngineError> {
        // With this purpose the content can be deleted from now on.
        let failed = self.world.begin_epoch(Purpose::Free, &[Claim { node, marked: None }])?;
        if let Some((node, error)) = failed.into_iter().next() {
            return Err(EngineError::Trouble { node, trouble: error.into() });
        }
        let needed = self.world.names.catalog().needed()?.remove(&node).unwrap_or_default();
        let disk = self.world.nodes[node.index()].disk();
        let compared = disk.names().and_then(|names| Comparison::new(disk, names, &needed));
        let Comparison { there, others, .. } = compared.map_err(|error| EngineError::Trouble { node, trouble: error.into() })?;
        let capacity = self.world.config.nodes[node.index()].capacity.as_u64();
        let tcp = self.world.config.accepted_tcp();
        let entry = &mut self.world.nodes[node.index()];
        entry.node.take_over(Volume::new(capacity, &there).with_unsynced(&others));
        let host = self.world.hosts.of_node(node).id;
        known(self.world.net.listen_as_patient(host, NODE_PORT, tcp));
        self.world.record_all_timeouts();
        Ok(())
    }

    fn delete_orphans(&mut self, node: NodeNumber, ids: &[SegmentId]) -> Result<(), EngineError> {
        let entry = &mut self.world.nodes[node.index()];
        let deletion = entry.node.discard(ids);
        let outcome = deletion.run(entry.disk());
        entry.node.discarded(&deletion, &outcome);
        let (left, error) = match outcome {
            Ok(DiskOutcome::NotDeleted { left, error }) => (left, error),
            Ok(_) => return Ok(()),
            Err(error) => (ids.to_vec(), error),
        };
        // The catalog no longer references them, so the node owes their deletion.
        self.world.owe(node, left);
        Err(EngineError::Trouble { node, trouble: error.into() })
    }
}
