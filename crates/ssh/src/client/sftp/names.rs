//! Paths at a host: `/` separates names, and a name is one that a file of this machine may have.

/// Length of a name at the most, in bytes, as most file systems have it.
const NAME_MAX: usize = 255;
/// End of the name of what is kept of a transfer.
const KEPT: &str = ".p2p-part";

/// Returns the last name of a path; none if that stands for a directory, as `..` does.
pub fn last_name(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next()?;
    (!matches!(name, "" | "." | "..")).then_some(name)
}

/// Returns the path of a name in a directory.
pub fn joined(directory: &str, name: &str) -> String {
    match directory {
        "" => name.to_owned(),
        _ => format!("{}/{name}", directory.strip_suffix('/').unwrap_or(directory)),
    }
}

/// Returns the name under which an interrupted transfer of a file of this name is kept, for the next one to continue.
pub fn kept_name(name: &str) -> String {
    with_end(name, KEPT)
}

/// Returns the path beside a file under which it is written until it is whole: one of its own, or the one that is kept.
pub(super) fn part_of(target: &str, tag: Option<&str>) -> String {
    let name = last_name(target).unwrap_or_default();
    let directory = target.strip_suffix(name).unwrap_or_default();
    let name = match tag {
        Some(tag) => with_end(name, &format!(".p2p-{tag}")),
        None => kept_name(name),
    };
    format!("{directory}{name}")
}

/// Returns a name with this end, made shorter before if it would be too long.
fn with_end(name: &str, end: &str) -> String {
    let mut len = name.len().min(NAME_MAX.saturating_sub(end.len()));
    while !name.is_char_boundary(len) {
        len -= 1;
    }
    format!("{}{end}", &name[..len])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_a_last_name_unless_it_is_a_directory() {
        for (path, name) in [("a", Some("a")), ("/x/a.bin", Some("a.bin")), ("x/", None), ("..", None), ("x/.", None), ("", None)]
        {
            assert_eq!(last_name(path), name, "{path}");
        }
        assert_eq!([joined("", "a"), joined("x", "a"), joined("x/", "a"), joined("/", "a")], ["a", "x/a", "x/a", "/a"]);
    }

    #[test]
    fn what_is_written_stands_beside_its_target() {
        assert_eq!(part_of("x/a.bin", None), "x/a.bin.p2p-part");
        assert_eq!(part_of("a", Some("ff")), "a.p2p-ff");
        let long = "ä".repeat(127);
        let part = part_of(&format!("x/{long}"), Some("0123456789abcdef"));
        assert!(part.len() <= 2 + NAME_MAX && part.ends_with(".p2p-0123456789abcdef"), "{part}");
    }
}
