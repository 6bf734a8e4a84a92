//! Paths of SFTP: `/files` with the user's files, `/files/~OWNER` with those of another user, and `/node/segments`.

/// Directory in which a session begins, and of the user's files.
pub(super) const HOME: &str = "/files";
/// Directory of what is about the node.
const NODE: &str = "/node";
/// Directory of the node's segments.
pub(super) const SEGMENTS: &str = "/node/segments";

/// Place that a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// The directory above all.
    Root,
    /// A file or a directory of a user, as the gate calls it; `.` is the root of the user's own.
    Stored(String),
    /// The directory of the node.
    Node,
    /// The directory of the node's segments.
    Segments,
    /// A segment, by its name.
    Segment(String),
    /// Path at which there is never anything.
    Nowhere,
}

/// Makes a path absolute, from [`HOME`] on, and resolves `.` and `..`, which need not exist.
pub(super) fn absolute(path: &str) -> String {
    let mut parts: Vec<&str> = if path.starts_with('/') { Vec::new() } else { vec![&HOME[1..]] };
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Returns the place of an absolute path.
pub(super) fn place(absolute: &str) -> Place {
    match absolute {
        "/" => return Place::Root,
        HOME => return Place::Stored(".".into()),
        NODE => return Place::Node,
        SEGMENTS => return Place::Segments,
        _ => {}
    }
    let below = |directory: &str| absolute.strip_prefix(directory).and_then(|rest| rest.strip_prefix('/'));
    match (below(HOME), below(SEGMENTS)) {
        (Some(path), _) if path.starts_with('~') => Place::Stored(path.to_owned()),
        // With `./` in front it is the user's own, and never one in the older form OWNER/NAME.
        (Some(path), _) => Place::Stored(format!("./{path}")),
        (_, Some(name)) if !name.contains('/') => Place::Segment(name.to_owned()),
        _ => Place::Nowhere,
    }
}

/// Returns the last name of an absolute path.
pub(super) fn last_name(absolute: &str) -> &str {
    absolute.rsplit('/').next().unwrap_or(absolute)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_absolute_and_never_above_the_root() {
        for (path, expected) in [
            ("", "/files"),
            (".", "/files"),
            ("a/b/", "/files/a/b"),
            ("../..", "/"),
            ("/../../etc/passwd", "/etc/passwd"),
            ("/files/./a//../b", "/files/b"),
            ("~bob/x", "/files/~bob/x"),
        ] {
            assert_eq!(absolute(path), expected, "{path}");
        }
    }

    #[test]
    fn places_are_the_users_own_unless_another_is_named() {
        let stored = |text: &str| Place::Stored(text.into());
        assert_eq!(place("/"), Place::Root);
        assert_eq!(place("/files"), stored("."));
        assert_eq!(place("/files/bob/x"), stored("./bob/x"));
        assert_eq!(place("/files/~bob/x"), stored("~bob/x"));
        assert_eq!(place("/node/segments"), Place::Segments);
        assert_eq!(place("/node/segments/ab"), Place::Segment("ab".into()));
        for nowhere in ["/etc/passwd", "/node/segments/a/b", "/filesystem", "/node/x"] {
            assert_eq!(place(nowhere), Place::Nowhere, "{nowhere}");
        }
    }
}
