//! Paths of this machine as operands of commands: `-` stands for standard input or output.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use p2p_base::spelling::shell_operand;
use p2p_store::uploads::Declared;

/// Returns true if a path stands for standard input or output.
pub(crate) fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Returns what is known of a file before it is read.
pub(crate) fn declared(metadata: &Metadata) -> Declared {
    let seconds = u64::try_from(metadata.mtime()).ok().and_then(|seconds| seconds.checked_mul(1_000_000_000));
    // A time before 1970 is none that could be compared.
    let modified =
        seconds.zip(metadata.mtime_nsec().try_into().ok()).map(|(seconds, nanos): (u64, u64)| seconds.saturating_add(nanos));
    Declared { size: Some(metadata.len()), modified }
}

/// Returns the command that stores a file with these options, which can be pasted.
pub(crate) fn put_again(path: &Path, options: &str) -> String {
    let file = if is_dash(path) { "-".to_owned() } else { shell_operand(path) };
    // What is behind `--` is no option any more.
    if file.starts_with("-- ") { format!("p2p put {options} {file}") } else { format!("p2p put {file} {options}") }
}
