//! What `put`, `get` and `rm` are to carry out. All that is given is checked before the first of it begins.
//!
//! With `--recursive` that is whether it is there, can be read and is given once. What has the name or the place of a file already is
//! found out of each by itself, and ends nothing else, so that a command that was interrupted can be repeated.

use std::path::PathBuf;

use eyre::Report;
use p2p_base::message::legible;
use p2p_base::spelling::{visible, visible_path};
use p2p_service::output;
use p2p_shell::asking::refused;
use p2p_shell::manner::Manner;
use p2p_shell::trees::{Plan, Target, plan_download, plan_upload};
use p2p_shell::{ShellError, Wanted, check_given, check_sources, check_transfers, refusal, require_apart, transfers_of};

use super::works::Named;
use super::{GetArgs, PutArgs, RemoveArgs, Visit};

/// Returns the uploads of files and directories. The directories are made here.
pub(super) async fn uploads_of(visit: &Visit, args: &PutArgs, name: Option<&str>) -> Result<Vec<Named>, ShellError> {
    let files = args.files.iter().map(|path| (visible_path(path), path.clone()));
    let manner = Manner { replace: args.force, preserve: args.preserve, ..Manner::default() };
    if !args.recursive {
        let begins = |(label, path): (String, PathBuf)| {
            let upload = visit.access().upload(path, name).map_err(ShellError::from);
            (label, upload.map(|upload| manner.storing(upload).into()))
        };
        let transfers = check_transfers(visit.access(), files.map(begins).collect()).await?;
        return Ok(transfers.into_iter().map(Named::of).collect());
    }
    let files: Vec<(String, PathBuf)> = files.collect();
    check_sources(files.clone()).await?;
    let mut works = Vec::new();
    for (label, path) in files {
        let plan = plan_upload(visit.access(), label.clone(), path, name, manner).await;
        works.extend(works_of(&label, plan));
    }
    require_apart(works.iter().filter_map(Named::begins))?;
    Ok(works)
}

/// Returns the transfers of a plan, with an error in the place of each that cannot be begun, and tells what is left out.
fn works_of(label: &str, plan: Result<Plan, ShellError>) -> Vec<Named> {
    let plan = match plan {
        Ok(plan) => plan,
        Err(error) => return vec![Named::new(label, Err(refused(error)))],
    };
    plan.notes().iter().for_each(|note| output::tell(legible(&format!("p2p: {note}"))));
    let failures = plan.failures.into_iter().map(|failure| Named::new(label, Err(Report::msg(failure))));
    failures.chain(plan.transfers.into_iter().map(Named::of)).collect()
}

/// Returns the downloads of stored files and directories. The directories are made here.
pub(super) async fn downloads_of(visit: &Visit, args: &GetArgs) -> Result<Vec<Named>, ShellError> {
    let (access, identity) = (visit.access(), &visit.identity);
    let manner = Manner { replace: args.force, preserve: args.preserve, ..Manner::default() };
    if !args.recursive {
        let wanted = Wanted::Fetched { range: args.range, path: args.output_file.clone(), manner };
        let transfers = transfers_of(access, identity, &args.names, &wanted).await;
        return Ok(check_transfers(access, transfers).await?.into_iter().map(Named::of).collect());
    }
    check_given(&args.names, async |name| access.tree(identity, name).await.map(|(root, _)| root)).await?;
    let (to, mut works) = (Target::new(args.output_file.clone(), args.names.len(), manner), Vec::new());
    for name in &args.names {
        works.extend(works_of(&visible(name), plan_download(access, identity, name, &to).await));
    }
    require_apart(works.iter().filter_map(Named::begins))?;
    Ok(works)
}

/// Checks that all of several stored files can be read, before the first byte of one of them is written. The same one may be meant more than
/// once, as by cat(1).
pub(super) async fn check_readable(visit: &Visit, names: &[String]) -> Result<(), ShellError> {
    let mut unreadable = Vec::new();
    for name in names.iter().filter(|_| names.len() > 1) {
        let found = visit.access().readable(&visit.identity, name).await;
        unreadable.extend(found.err().map(|error| (visible(name).into_owned(), error.into())));
    }
    refusal(unreadable, names.len())
}

/// Returns the removals of stored files and directories.
pub(super) async fn removals_of(visit: &Visit, args: &RemoveArgs) -> Result<Vec<Named>, ShellError> {
    let (access, identity) = (visit.access(), &visit.identity);
    let transfers = transfers_of(access, identity, &args.names, &Wanted::Removed { recursive: args.recursive }).await;
    Ok(check_transfers(access, transfers).await?.into_iter().map(Named::of).collect())
}
