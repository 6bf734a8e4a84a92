//! Next steps for those who get an error of the engine at the command line, and the exit codes.

use eyre::Report;
use p2p_base::database::DatabaseError;
use p2p_base::error_kind::ErrorKind;
use p2p_engine::error::NAMELESS;
use p2p_engine::transfer::TransferError;
use p2p_engine::{Denial, EngineError};
use p2p_store::catalog::CatalogError;
use p2p_store::standing::Trouble;
use p2p_store::uploads::OtherSource;

use crate::doors::announced::{self, Holder};
use crate::failure::Advise;
use crate::statuses;

/// Attaches the next step and the exit code to an error of the engine.
pub fn advised(error: EngineError) -> Report {
    let advice = advice(&error);
    advised_by(error, advice)
}

/// Attaches this next step and the exit code to an error of the engine, for a front end that lacks what the usual step names.
pub fn advised_by(error: EngineError, advice: Option<&str>) -> Report {
    let (exit_code, holder) = (statuses::of(error.kind()).exit, holder(&error));
    let report = Report::from(error).exit_code(exit_code);
    let report = match holder {
        Some(holder) => {
            let report = report.suggestion(format_args!("it is served by {holder}; `kill {}` ends that", holder.pid));
            let of = |service: &str| holder.services.iter().find(|announced| announced.service == service);
            let report = match of("grpc") {
                Some(grpc) => {
                    report.suggestion(format_args!("`p2p {} ls` asks it, as put, get, rm and others do", grpc.options()))
                }
                None => report,
            };
            match of("web") {
                Some(web) => report.suggestion(format_args!("{}/room shows what it does", web.url())),
                None => report,
            }
        }
        None => report,
    };
    match advice {
        Some(advice) => report.suggestion(advice.to_owned()),
        None => report,
    }
}

/// Returns the services that hold the data directory, if an error says that another process does.
fn holder(error: &EngineError) -> Option<Holder> {
    match error {
        EngineError::Catalog(CatalogError::Database(DatabaseError::InUse { path })) => announced::holder(path),
        _ => None,
    }
}

/// Returns true if a file cannot be stored because of its own name alone.
pub fn is_nameless(reason: &str) -> bool {
    reason == NAMELESS
}

fn advice(error: &EngineError) -> Option<&'static str> {
    match error {
        EngineError::Denied(Denial::LoginNeeded) => {
            Some("`p2p login NAME` logs in until `p2p logout`; --user NAME does it for one command")
        }
        EngineError::NameTaken { .. } => Some(
            "choose another name (put has --as NAME for it), replace that one \
                (put, mv and cp have --force for it), or remove it with `p2p rm`",
        ),
        EngineError::IsDirectory { .. } => Some("--recursive takes all that is in it; `p2p ls PATH` lists that"),
        EngineError::NotEmpty { .. } => Some("`p2p rm --recursive` removes it with all that is in it"),
        EngineError::NoDirectory { .. } => Some("`p2p mkdir --parents PATH` makes it"),
        EngineError::NameReserved { .. } => Some(
            "wait until it is over, forget it if it is kept (`p2p uploads`), or choose another name (put has --as NAME for it)",
        ),
        EngineError::Name(_) => Some("choose another name (put has --as NAME for it)"),
        EngineError::DestinationTaken { .. } => Some("choose another place with -o OUT, or replace it with --force"),
        EngineError::UploadLonger { .. } => {
            Some("give the content that was interrupted, or undo the upload with `p2p uploads --forget ID` and store this anew")
        }
        EngineError::UploadDiffers { other: OtherSource::Size { .. }, .. } => {
            Some("give the content that was interrupted, or undo the upload with `p2p uploads --forget ID` and store this anew")
        }
        EngineError::UploadDiffers { .. } => Some(
            "undo the upload with `p2p uploads --forget ID` and store this file anew; if its content is the same all the same, `p2p put --resume ID - < FILE` continues",
        ),
        EngineError::UnknownFile { .. } => Some("`p2p ls` lists the files that are stored"),
        EngineError::NodesFull { .. } => Some("remove files with `p2p rm`, or ask an admin for more room"),
        EngineError::OverQuota { .. } => Some("remove files with `p2p rm`, or ask an admin for a larger [accounts] quota"),
        EngineError::OwnerOverQuota { .. } => Some("ask the owner of the directory to remove files, or store it among your own"),
        EngineError::NoRoom { .. } => Some("remove files with `p2p rm`, or raise [nodes] capacity or count in p2p.toml"),
        EngineError::TransferFailed { error, .. } => transfer_advice(error),
        EngineError::Catalog(CatalogError::Database(error)) => database_advice(error),
        EngineError::Trouble { trouble, .. } => disk_advice(trouble),
        EngineError::TooManySegments { .. } => Some("raise [storage] segment_size in p2p.toml"),
        EngineError::UnknownUpload(_) => Some(
            "`p2p uploads` lists those that are kept, which is for a day; of one that was killed before its first note there is none: store it anew",
        ),
        EngineError::UploadRunning(_) => Some("wait until that is over; `p2p uploads` shows what becomes of it"),
        EngineError::BeyondEnd { .. } => {
            Some("bytes are counted from 0; --range=-N takes the last N, and `p2p ls` shows the sizes")
        }
        EngineError::DataDir { .. } => Some("choose another directory with --data-dir"),
        EngineError::Source { reason, .. } if is_nameless(reason) => {
            Some("store it under a name that can be one, with --as NAME")
        }
        EngineError::Source { .. } => {
            Some("give the path of a regular file that you may read; a directory is stored with --recursive")
        }
        EngineError::Destination { .. } => Some("choose another place with -o OUT"),
        EngineError::Capture(_) => Some("make room on the disk, or choose another place for the capture"),
        // The other messages contain their next step, or there is none.
        _ => None,
    }
}

fn database_advice(error: &DatabaseError) -> Option<&'static str> {
    match error {
        DatabaseError::InUse { .. } => {
            Some("wait for the other process with --wait 30s, or choose another directory with --data-dir")
        }
        DatabaseError::Full => Some("make room on the disk; `p2p rm` works all the same, as long as room is kept back for it"),
        DatabaseError::ReadOnly { .. } => Some(
            "what only reads works, as ls, get, verify and export do; to change anything, copy the directory to where you may write, and use --data-dir",
        ),
        DatabaseError::Damaged { .. } => {
            Some("restore the whole directory from a backup, or move it away to begin anew; nothing in it was touched")
        }
        DatabaseError::OutcomeUnknown { .. } | DatabaseError::Suspended { .. } => {
            Some("`p2p ls` says what is stored, and the log what went wrong")
        }
        _ => None,
    }
}

fn disk_advice(trouble: &Trouble) -> Option<&'static str> {
    match trouble {
        Trouble::NotMounted => {
            Some("mount the disk; or, where it is lost, `p2p orphans adopt NODE` begins anew in what is there")
        }
        Trouble::Foreign | Trouble::Unmarked | Trouble::DamagedMarker => {
            Some("`p2p orphans` lists what is there; `p2p orphans free NODE` or `p2p orphans adopt NODE` makes it this catalog's")
        }
        Trouble::Disk(_) => Some("mend the disk, or its permissions; the other nodes go on"),
        _ => None,
    }
}

fn transfer_advice(error: &TransferError) -> Option<&'static str> {
    match error {
        TransferError::NoHolder { .. } | TransferError::Unreadable { .. } | TransferError::NotConfirmed { .. }
            if error.kind() == ErrorKind::Unavailable =>
        {
            Some("`p2p nodes` shows how the nodes stand, and the log has the details; try again once they answer")
        }
        TransferError::Unreadable { .. } | TransferError::NotConfirmed { .. } => {
            Some("`p2p nodes` shows how the nodes stand; a damaged segment is mended when the same content is stored again")
        }
        TransferError::StreamLost { is_kept: true, .. } => {
            Some("`p2p uploads` lists what is kept, which `p2p put` continues with --resume ID; where nothing is, store it anew")
        }
        TransferError::StreamLost { .. } => {
            Some("give the content again, or store it from a file, of which lost segments are read and stored again")
        }
        TransferError::HostEnded { .. } => {
            Some("`p2p start NODE` starts it; log in at another node, or again there once it runs")
        }
        TransferError::NoHolder { .. } => Some("`p2p nodes` shows how full the nodes are; remove files with `p2p rm`"),
        TransferError::ContentDiffers { .. } | TransferError::NameTaken | TransferError::Removed => {
            Some("`p2p ls` lists what is stored")
        }
        TransferError::OverQuota { .. } => Some("remove files with `p2p rm`, or ask an admin for a larger [accounts] quota"),
        _ => None,
    }
}
