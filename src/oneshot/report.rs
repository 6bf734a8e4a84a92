//! `p2p report`, which tells what there is: files, nodes with the results of a health check, and the counters of the network.

use clap::Args;
use eyre::Result;
use p2p_base::spelling::visible_path;
use p2p_engine::operation::CheckHealth;
use p2p_service::instance::advised;
use p2p_service::output;
use p2p_shell::ShellError;
use p2p_shell::answer::Answer;
use p2p_shell::asking::CommonArgs;
use p2p_shell::page;
use p2p_shell::words::Variables;

use super::Visit;
use crate::page::PageArgs;

/// `p2p report`
#[derive(Debug, Args)]
pub struct ReportArgs {
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    common: CommonArgs,
}

/// Reports on the files, the nodes and the network, as text, as JSON, or as a page.
///
/// # Errors
/// Fails if the data directory cannot be used, or the page cannot be written.
pub async fn report(args: &ReportArgs) -> Result<()> {
    let file = args.page.begin()?;
    let visit = Visit::begin_reading(&args.common.engine, &args.common.login).await?;
    visit.access().call(CheckHealth).await.map_err(advised)?;
    let (answer, html) = match answered(&visit, file.is_some()).await {
        Ok(answered) => answered,
        Err(error) => return visit.end_refused(error).await,
    };
    let ended = visit.end().await;
    let told = file.as_ref().map(|file| format!("the report is written to {}", visible_path(file.path())));
    file.zip(html).map_or(Ok(()), |(file, html)| file.write(&html))?;
    let text = |_: &serde_json::Value| told.unwrap_or_else(|| answer.view.text_within(output::terminal_width()));
    output::print(&args.common.output, &answer.data, text)?;
    ended
}

/// Returns the report, and its page if that is wanted.
async fn answered(visit: &Visit, wants_page: bool) -> Result<(Answer, Option<String>), ShellError> {
    let answer = visit.prompter.shell().run("report", &Variables::new()).await?;
    let html = if wants_page { Some(page::of_run(visit.access(), &answer.view).await?) } else { None };
    Ok((answer, html))
}
