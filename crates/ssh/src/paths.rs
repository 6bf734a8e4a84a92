//! Paths of SFTP and of commands of `sh`: `/files` with the user's files, `/files/~OWNER` with those of another user, and `/node/segments`.

/// Directory in which a session begins, and of the user's files.
pub(crate) const HOME: &str = "/files";
/// Directory of what is about the node.
const NODE: &str = "/node";
/// Directory of the node's segments.
pub(crate) const SEGMENTS: &str = "/node/segments";

/// Place that a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
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
pub(crate) fn absolute(path: &str) -> String {
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

/// Makes a path absolute with `~` expanded: alone it is one's own directory, with a name that of the user, as everywhere here.
pub(crate) fn expanded(path: &str) -> String {
    match path.strip_prefix('~') {
        Some("") => HOME.to_owned(),
        Some(rest) if rest.starts_with('/') => absolute(&rest[1..]),
        _ => absolute(path),
    }
}

/// Returns the place of an absolute path.
pub(crate) fn place(absolute: &str) -> Place {
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

/// Returns what the gate calls the file at a path as a user of `sh` writes it; none where there is never a stored one.
pub(crate) fn stored_at(path: &str) -> Option<String> {
    match place(&expanded(path)) {
        Place::Stored(text) => Some(text),
        _ => None,
    }
}

/// Returns the last name of an absolute path.
pub(crate) fn last_name(absolute: &str) -> &str {
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

    #[test]
    fn home_is_where_the_files_are() {
        for (path, expected) in
            [("~", "/files"), ("~/a", "/files/a"), ("~bob/a", "/files/~bob/a"), ("a", "/files/a"), ("/node", "/node")]
        {
            assert_eq!(expanded(path), expected);
        }
    }

    /// A name in the older form OWNER/NAME is not another user's: it is that of a file in a directory of one's own.
    #[test]
    fn paths_of_a_shell_are_those_of_sftp() {
        for (path, name) in [
            ("/files/docs/a", "./docs/a"),
            ("bob/a", "./bob/a"),
            ("/files/bob/a", "./bob/a"),
            ("/files/x/../bob/./a", "./bob/a"),
            ("~bob/a", "~bob/a"),
            ("~/a", "./a"),
            ("/files", "."),
        ] {
            assert_eq!(stored_at(path).as_deref(), Some(name), "{path}");
        }
        for path in ["/filesystem", "/", "..", "/node/segments/ab"] {
            assert_eq!(stored_at(path), None, "{path}");
        }
    }
}
