//! The demonstration's report. Knows nothing of how the demonstration is run.

use serde::Serialize;

use super::tables::{Table, bytes_of, figures, rate_of, seconds_of, words};
use super::{NetworkReport, NodeLine, WayReport, nodes_table};
use crate::auth::{Account, CodeKind};
use crate::engine::transfer::{SegmentStory, TransferReport};
use crate::storage::segment::Sha256Digest;

/// How many segments the text shows of each file.
const SEGMENTS_SHOWN: usize = 4;

/// A user of the demonstration.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UserReport {
    /// The user name.
    pub user: String,
    /// What they may do: `admin` or `user`.
    pub role: &'static str,
    /// What they logged in with beside the password: `app` or `mail`.
    pub second_factor: Option<&'static str>,
    /// Backup codes that are left.
    pub backup_codes: usize,
}

impl From<&Account> for UserReport {
    fn from(account: &Account) -> UserReport {
        UserReport {
            user: account.name.to_string(),
            role: account.role.name(),
            second_factor: account.second_factor.map(CodeKind::name),
            backup_codes: account.backup_codes,
        }
    }
}

/// One file, there and back.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileReport {
    /// The user who stored it and fetched it back.
    pub owner: String,
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
    /// Its segments.
    pub segments: u32,
    /// Its digest, as it was stored.
    pub sha256: Sha256Digest,
    /// The way there.
    pub upload: WayReport,
    /// The way back.
    pub download: WayReport,
    /// Every byte came back.
    pub verified: bool,
}

/// One segment on its way to its holder. Times are seconds since the start of the simulation; one that did not come is absent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SegmentReport {
    /// Its file.
    pub file: String,
    /// Its place in the file.
    pub index: u32,
    /// Its bytes.
    pub bytes: u32,
    /// The node that holds it.
    pub holder: String,
    /// When it was given to the connection.
    pub queued_s: f64,
    /// When the connection was open.
    pub connected_s: Option<f64>,
    /// When its first byte left the client.
    pub first_byte_s: Option<f64>,
    /// When its last byte reached the holder.
    pub last_byte_s: Option<f64>,
    /// When the client knew that it was stored.
    pub acknowledged_s: Option<f64>,
    /// Its bytes over the time from first to last byte.
    pub goodput_bytes_per_second: Option<f64>,
    /// Packets of it that were sent again.
    pub retransmits: u32,
}

impl SegmentReport {
    fn new(file: &str, story: &SegmentStory) -> SegmentReport {
        let seconds = |at: Option<crate::units::SimTime>| at.map(|at| at.as_secs_f64());
        SegmentReport {
            file: file.to_owned(),
            index: story.index,
            bytes: story.len,
            holder: story.holder.to_string(),
            queued_s: story.queued.as_secs_f64(),
            connected_s: seconds(story.connected),
            first_byte_s: seconds(story.first_byte),
            last_byte_s: seconds(story.last_byte),
            acknowledged_s: seconds(story.acknowledged),
            goodput_bytes_per_second: story.goodput(),
            retransmits: story.retransmits,
        }
    }

    /// The segments of a transfer.
    pub fn of_transfer(transfer: &TransferReport) -> Vec<SegmentReport> {
        transfer.stories.iter().map(|story| SegmentReport::new(&transfer.status.file.name, story)).collect()
    }
}

/// What the demonstration found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DemoReport {
    /// Every byte of every file came back.
    pub verified: bool,
    /// The chances of the run.
    pub seed: u64,
    /// The hash of everything that happened: the same for the same seed.
    pub trace_hash: String,
    /// Seconds on the wall clock.
    pub wall_seconds: f64,
    /// Seconds on the virtual clock.
    pub virtual_seconds: f64,
    /// The users, who have logged in with their second factors.
    pub users: Vec<UserReport>,
    /// The files.
    pub files: Vec<FileReport>,
    /// Their segments, on their way to the nodes.
    pub segments: Vec<SegmentReport>,
    /// The nodes, after the last file came back.
    pub nodes: Vec<NodeLine>,
    /// What the network counted, until the last connection was closed.
    pub network: NetworkReport,
}

impl DemoReport {
    /// The report as text, with tables that are no wider than so many characters.
    pub fn text(&self, width: Option<u16>) -> String {
        let verdict = if self.verified { "every byte came back" } else { "NOT every byte came back" };
        format!(
            "users\n{}\n\nfiles\n{}\n\nsegments on their way (the first {SEGMENTS_SHOWN} of each file)\n{}\n\nnodes\n{}\n\nnetwork\n{}\n{}\n\n\
             {verdict}; {:.3} virtual seconds in {:.3} s of wall time; seed {}, trace {}",
            self.users_table().text(width),
            self.files_table().text(width),
            self.segments_table().text(width),
            nodes_table(&self.nodes).text(width),
            self.network.packets_table().text(width),
            self.network.summary(),
            self.virtual_seconds,
            self.wall_seconds,
            self.seed,
            self.trace_hash,
        )
    }

    fn users_table(&self) -> Table {
        let row = |user: &UserReport| {
            let factor = user.second_factor.unwrap_or("none").to_owned();
            vec![user.user.clone(), user.role.to_owned(), factor, user.backup_codes.to_string()]
        };
        let columns = vec![words("user"), words("role"), words("second factor"), figures("backup codes left")];
        Table { columns, rows: self.users.iter().map(row).collect(), empty: "no users" }
    }

    fn files_table(&self) -> Table {
        let row = |file: &FileReport| {
            vec![
                file.name.clone(),
                file.owner.clone(),
                bytes_of(file.bytes),
                file.segments.to_string(),
                seconds_of(file.upload.virtual_seconds),
                rate_of(file.upload.goodput_bytes_per_second),
                seconds_of(file.download.virtual_seconds),
                rate_of(file.download.goodput_bytes_per_second),
                (file.upload.retransmits + file.download.retransmits).to_string(),
                if file.verified { "verified".into() } else { "DIFFERS".into() },
            ]
        };
        let columns = vec![
            words("file"),
            words("owner"),
            figures("size"),
            figures("segments").gives_way(4),
            figures("upload"),
            figures("upload rate").gives_way(2),
            figures("download"),
            figures("download rate").gives_way(3),
            figures("retransmits").gives_way(1),
            words("bytes"),
        ];
        Table { columns, rows: self.files.iter().map(row).collect(), empty: "no files" }
    }

    fn segments_table(&self) -> Table {
        let shown = self.segments.iter().filter(|segment| (segment.index as usize) < SEGMENTS_SHOWN);
        let time = |at: Option<f64>| at.map_or_else(|| "-".into(), seconds_of);
        let row = |segment: &SegmentReport| {
            vec![
                segment.file.clone(),
                segment.index.to_string(),
                segment.holder.clone(),
                time(Some(segment.queued_s)),
                time(segment.first_byte_s),
                time(segment.last_byte_s),
                time(segment.acknowledged_s),
                segment.goodput_bytes_per_second.map_or_else(|| "-".into(), rate_of),
                segment.retransmits.to_string(),
            ]
        };
        let columns = vec![
            words("file"),
            figures("segment"),
            words("holder"),
            figures("queued").gives_way(3),
            figures("first byte"),
            figures("last byte").gives_way(4),
            figures("acknowledged"),
            figures("goodput").gives_way(2),
            figures("retransmits").gives_way(1),
        ];
        Table { columns, rows: shown.map(row).collect(), empty: "no segments" }
    }
}
