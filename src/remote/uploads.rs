//! `uploads` at a server: uploads that are kept although they are not complete, and their end.

use eyre::Result;
use p2p_base::spelling::visible;
use p2p_engine::EngineError;
use p2p_grpc::client::ClientError;
use p2p_grpc::proto::{KeptUpload, Timestamp};
use p2p_service::failure::wrong_usage;
use p2p_service::output;
use p2p_shell::asking::CommonArgs;
use p2p_shell::report::{FileRef, RemovalLine, UploadLine, removals_text, uploads_table, wrapped};
use p2p_store::uploads::UploadId;

use super::advice::advised;
use super::names::{seconds, unix};
use super::server::Server;
use super::visits::Visit;

/// Lists the kept uploads of a server, or undoes one of them.
///
/// # Errors
/// Fails if the server cannot be asked, refuses, or keeps no such upload.
pub async fn uploads(server: Server, common: &CommonArgs, forgotten: Option<&str>) -> Result<()> {
    let id = forgotten.map(str::parse::<UploadId>).transpose();
    let id = id.map_err(|error| wrong_usage(error, format_args!("`p2p --connect {server} uploads` lists them")))?;
    let visit = Visit::begin(server, &common.engine, &common.login).await?;
    let result = match id {
        Some(id) => forget(&visit, common, id).await,
        None => list(&visit, common).await,
    };
    let ended = visit.end().await;
    result.and(ended)
}

async fn list(visit: &Visit, common: &CommonArgs) -> Result<()> {
    let kept = visit.ask(visit.client.uploads()).await?;
    let lines = kept.into_iter().map(line_of).collect::<Result<Vec<_>, _>>().map_err(|error| visit.failed(error))?;
    let now = output::now_unix();
    output::print(&common.output, &lines, |lines| uploads_table(lines, now).text(output::terminal_width()))
}

async fn forget(visit: &Visit, common: &CommonArgs, id: UploadId) -> Result<()> {
    let kept = visit.kept(id).await?;
    let figures = visit.change(visit.client.forget(&kept.upload_id)).await?;
    let file = FileRef {
        label: visible(&kept.path).into_owned(),
        owner: kept.owner,
        name: kept.name,
        bytes: figures.bytes,
        segments: figures.segments,
    };
    let line = RemovalLine { file, virtual_seconds: seconds(figures.virtual_time), owing_nodes: figures.owing_nodes };
    output::print(&common.output, &line, |line| wrapped(&removals_text(std::slice::from_ref(line)), output::terminal_width()))
}

fn line_of(kept: KeptUpload) -> Result<UploadLine, ClientError> {
    let at = |time: Option<Timestamp>| unix(time.as_ref()).unwrap_or_default();
    Ok(UploadLine {
        label: visible(&kept.path).into_owned(),
        id: kept.upload_id.parse().map_err(|_| ClientError::Unexpected("an upload has no valid ID"))?,
        owner: kept.owner,
        name: kept.name,
        offset: kept.offset,
        state: kept.state,
        transfer: kept.transfer,
        began_at: at(kept.began_at),
        expires_at: at(kept.expires_at),
    })
}

impl Visit {
    /// Returns an upload that is kept.
    ///
    /// # Errors
    /// Fails if the server does not say so, or keeps no such upload.
    pub(super) async fn kept(&self, id: UploadId) -> Result<KeptUpload> {
        let uploads = self.ask(self.client.uploads()).await?;
        let kept = uploads.into_iter().find(|upload| upload.upload_id == id.to_string());
        kept.ok_or_else(|| advised(EngineError::UnknownUpload(id)))
    }
}
