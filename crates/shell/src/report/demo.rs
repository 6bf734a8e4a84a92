//! The report of the demonstration, as JSON fields and as text with tables.

use p2p_auth::{Account, CodeKind};
use p2p_store::segment::Sha256Digest;
use serde::Serialize;

use super::segments::{SegmentReport, segments_table};
use super::tables::{Table, number_column, rate_of, seconds_of, text_column, wrapped};
use super::{NetworkReport, NodeLine, WayReport, bytes_of, nodes_table};

/// Number of segments of each file that the text shows.
pub(crate) const SEGMENTS_SHOWN: usize = 4;

/// A user of the demonstration.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UserReport {
    /// Name of the user.
    pub user: String,
    /// Role of the account: `admin` or `user`.
    pub role: &'static str,
    /// Second factor of the login: `app` or `mail`; absent if there is none.
    pub second_factor: Option<&'static str>,
    /// Number of backup codes that are left.
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

/// The upload and the download of one file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileReport {
    /// Name of the user who stored the file and fetched it again.
    pub owner: String,
    /// Name of the file.
    pub name: String,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Number of segments of the file.
    pub segments: u32,
    /// SHA-256 digest of the stored file.
    pub sha256: Sha256Digest,
    /// Figures of the upload.
    pub upload: WayReport,
    /// Figures of the download.
    pub download: WayReport,
    /// True if the fetched file equals the stored one in every byte.
    pub verified: bool,
}

/// The way of a file through a door for other programs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DoorReport {
    /// Door: `grpc` or `sftp`.
    pub door: &'static str,
    /// Address and port at which it listened.
    pub address: String,
    /// Node whose server it was; absent if it was that of the whole network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Program that was served.
    pub client: String,
    /// Bytes that the other side has told or given.
    pub bytes: u64,
    /// SHA-256 digest of these: as the server has told it of what was stored, and as counted of what was fetched.
    pub sha256: Sha256Digest,
    /// Duration on the wall clock in seconds, from the connection to the end.
    pub seconds: f64,
}

/// A file that was stored through one door and fetched through another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServicesReport {
    /// Name of the file.
    pub file: String,
    /// Name of the user.
    pub owner: String,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// SHA-256 digest of the file.
    pub sha256: Sha256Digest,
    /// Way in.
    pub stored: DoorReport,
    /// Way out.
    pub fetched: DoorReport,
    /// True if size and digest of both are those of the file.
    pub verified: bool,
}

/// The results of the demonstration.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DemoReport {
    /// True if every byte of every file came back.
    pub verified: bool,
    /// Seed of the random streams of the run.
    pub seed: u64,
    /// Hash of the trace of all events: equal for equal seeds.
    pub trace_hash: String,
    /// Duration on the wall clock in seconds.
    pub wall_seconds: f64,
    /// Duration on the virtual clock in seconds.
    pub virtual_seconds: f64,
    /// Users of the demonstration, who have logged in with their second factors.
    pub users: Vec<UserReport>,
    /// Files that were stored and fetched again.
    pub files: Vec<FileReport>,
    /// Uploads of the segments of these files.
    pub segments: Vec<SegmentReport>,
    /// State of the nodes after the last file was fetched.
    pub nodes: Vec<NodeLine>,
    /// Counters of the network up to the closing of the last connection.
    pub network: NetworkReport,
    /// File that went through the doors for other programs, after all that; absent without `--services`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub services: Option<ServicesReport>,
}

impl ServicesReport {
    /// Returns the section of the report, with an empty line at its end.
    fn text(&self, width: Option<u16>) -> String {
        format!("services ({} of {})\n{}\n\n", self.file, self.owner, self.table().text(width))
    }

    fn table(&self) -> Table {
        let row = |(way, report): (&str, &DoorReport)| {
            vec![
                way.to_owned(),
                report.door.to_owned(),
                report.address.clone(),
                report.node.clone().unwrap_or_else(|| "-".to_owned()),
                report.client.clone(),
                bytes_of(report.bytes),
                report.sha256.short(),
                seconds_of(report.seconds),
                if (report.bytes, report.sha256) == (self.bytes, self.sha256) { "verified" } else { "DIFFERS" }.to_owned(),
            ]
        };
        let columns = vec![
            text_column("way"),
            text_column("door"),
            text_column("address"),
            text_column("node").gives_way(3),
            text_column("client").gives_way(2),
            number_column("size"),
            text_column("sha-256").gives_way(1),
            number_column("wall time").gives_way(4),
            text_column("bytes"),
        ];
        let rows = [("stored", &self.stored), ("fetched", &self.fetched)].map(row).to_vec();
        Table { columns, rows, empty: "no files" }
    }
}

impl DemoReport {
    /// Returns the report as text; tables are at most `width` columns wide, as far as their contents permit.
    pub fn text(&self, width: Option<u16>) -> String {
        let verdict = self.verdict();
        let text = format!(
            "users\n{}\n\nfiles\n{}\n\nsegments on their way (the first {SEGMENTS_SHOWN} of each file)\n{}\n\nnodes\n{}\n\nnetwork\n{}\n{}\n\n{}\
             {verdict}; {:.3} virtual seconds in {:.3} s of wall time; seed {}, trace {}",
            self.users_table().text(width),
            self.files_table().text(width),
            self.segments_table().text(width),
            nodes_table(&self.nodes).text(width),
            self.network.packets_table().text(width),
            self.network.summary(),
            self.services.as_ref().map(|services| services.text(width)).unwrap_or_default(),
            self.virtual_seconds,
            self.wall_seconds,
            self.seed,
            self.trace_hash,
        );
        wrapped(&text, width)
    }

    /// Returns what the demonstration has come to, in words.
    pub fn verdict(&self) -> &'static str {
        if self.verified { "every byte came back" } else { "NOT every byte came back" }
    }

    /// Returns the tables of the report with their names, in its order.
    pub fn tables(&self) -> Vec<(&'static str, Table)> {
        let tables = [
            ("users", self.users_table()),
            ("files", self.files_table()),
            ("segments", self.segments_table()),
            ("nodes", nodes_table(&self.nodes)),
            ("network", self.network.packets_table()),
        ];
        tables.into_iter().chain(self.services.iter().map(|services| ("services", services.table()))).collect()
    }

    fn users_table(&self) -> Table {
        let row = |user: &UserReport| {
            let factor = user.second_factor.unwrap_or("none").to_owned();
            vec![user.user.clone(), user.role.to_owned(), factor, user.backup_codes.to_string()]
        };
        let columns =
            vec![text_column("user"), text_column("role"), text_column("second factor"), number_column("backup codes left")];
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
                format!("{} / {}", file.upload.retransmits, file.download.retransmits),
                if file.verified { "verified".into() } else { "DIFFERS".into() },
            ]
        };
        let columns = vec![
            text_column("file"),
            text_column("owner"),
            number_column("size"),
            number_column("segments").gives_way(4),
            number_column("upload"),
            number_column("upload rate").gives_way(2),
            number_column("download"),
            number_column("download rate").gives_way(3),
            number_column("resent up/down").gives_way(1),
            text_column("bytes"),
        ];
        Table { columns, rows: self.files.iter().map(row).collect(), empty: "no files" }
    }

    fn segments_table(&self) -> Table {
        let shown: Vec<&SegmentReport> =
            self.segments.iter().filter(|segment| (segment.index as usize) < SEGMENTS_SHOWN).collect();
        let mut table = segments_table(shown.iter().copied());
        table.columns.insert(0, text_column("file"));
        for (row, segment) in table.rows.iter_mut().zip(&shown) {
            row.insert(0, segment.file.clone());
        }
        table
    }
}
