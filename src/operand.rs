//! Paths of this machine as operands of commands: `-` stands for standard input or output.

use std::path::Path;

use p2p_base::spelling::shell_operand;

/// Returns true if a path stands for standard input or output.
pub(crate) fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Returns the command that stores a file with these options, which can be pasted.
pub(crate) fn put_again(path: &Path, options: &str) -> String {
    let file = if is_dash(path) { "-".to_owned() } else { shell_operand(path) };
    // What is behind `--` is no option any more.
    if file.starts_with("-- ") { format!("p2p put {options} {file}") } else { format!("p2p put {file} {options}") }
}
