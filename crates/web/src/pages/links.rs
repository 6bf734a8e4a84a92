//! Links to files and directories: a path whose segments are percent-encoded (RFC 3986, section 3.3).

use p2p_service::access::Identity;
use p2p_service::files::FileKey;

pub(super) use crate::targets::{content, encoded, encoded_path};

/// Returns the path by which links and forms name a file or directory. A browser takes `./` out of a link (RFC 3986, section 5.2.4), so
/// that an own path which begins like that of another user is written with its owner.
pub(super) fn path_of(identity: &Identity, key: &FileKey) -> String {
    match (&key.owner, key.name.starts_with('~')) {
        (Some(owner), true) => format!("~{owner}/{}", key.name),
        _ => identity.label(key),
    }
}

/// Returns the link to the page of a file or directory that has this path.
pub(super) fn page(path: &str) -> String {
    format!("/files/{}", encoded_path(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_in_a_link_is_encoded() {
        assert_eq!(page("a b/c?d#e%2F\"<é.txt"), "/files/a%20b/c%3Fd%23e%252F%22%3C%C3%A9.txt");
    }
}
