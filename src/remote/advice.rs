//! Next steps after errors of this machine's side, where a server is asked: it stores and fetches no directories, and what it keeps is listed by itself.

use eyre::Report;
use p2p_engine::EngineError;
use p2p_service::instance::{self, advised_by, is_nameless};

/// Attaches the next step and the exit code to an error of a command with `--connect`.
pub(super) fn advised(error: EngineError) -> Report {
    match step(&error) {
        Some(step) => advised_by(error, Some(step)),
        None => instance::advised(error),
    }
}

fn step(error: &EngineError) -> Option<&'static str> {
    match error {
        EngineError::Source { reason, .. } if !is_nameless(reason) => {
            Some("give the path of a regular file that you may read, or `-` for standard input")
        }
        EngineError::IsDirectory { .. } => Some("name the files in it; `p2p --connect URL ls PATH` lists them"),
        EngineError::UnknownUpload(_) => {
            Some("`p2p --connect URL uploads` lists those that are kept, which is for a day; store it anew")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use p2p_service::files::UploadId;

    use super::*;

    /// No step names a flag that a command at a server does not have.
    #[test]
    fn steps_name_what_there_is() {
        for error in [
            EngineError::Source { path: "docs".into(), reason: "it is a directory".into() },
            EngineError::IsDirectory { name: "docs".into() },
            EngineError::UnknownUpload(UploadId::random().unwrap()),
        ] {
            assert!(step(&error).is_some_and(|step| !step.contains("--recursive")), "{error}");
        }
    }
}
