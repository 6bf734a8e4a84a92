//! The command `df`: how much room there is for the user's files, and on a node.

use p2p_engine::snapshot::NodeStatus;
use p2p_service::access::room::FileRoom;
use serde::Serialize;

use super::data;
use super::network::{named, status_of};
use crate::answer::{Answer, View};
use crate::call::Call;
use crate::report::{Table, bytes_of, number_column, text_column};
use crate::{Shell, ShellError};

/// Block in which `df -k` counts, in bytes (POSIX.1-2017, `df`).
const BLOCK: u64 = 1024;

/// Room for files: all of it, what is taken and what is free, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Room {
    /// What the room is for.
    name: String,
    size_bytes: u64,
    /// Taken and free bytes; absent for users who may not see them.
    used_bytes: Option<u64>,
    available_bytes: Option<u64>,
}

impl Room {
    /// Returns the taken share of what is taken or free, rounded up to whole percent as POSIX says; `None` if that is not known.
    fn percent(&self) -> Option<u64> {
        let (used, available) = (u128::from(self.used_bytes?), u128::from(self.available_bytes?));
        let percent = (100 * used).div_ceil((used + available).max(1));
        u64::try_from(percent).ok()
    }

    fn row(&self) -> Vec<String> {
        let bytes = |bytes: Option<u64>| bytes.map_or_else(|| "-".into(), bytes_of);
        let percent = self.percent().map_or_else(|| "-".into(), |percent| format!("{percent} %"));
        vec![self.name.clone(), bytes_of(self.size_bytes), bytes(self.used_bytes), bytes(self.available_bytes), percent]
    }

    /// Returns the fields of a line of `df -k`: no blank is in any but the last, and what is taken is rounded up.
    fn fields(&self, is_files: bool) -> [String; 6] {
        let (name, mounted) = if is_files { ("p2p", "/") } else { (self.name.as_str(), "-") };
        let blocks = |blocks: Option<u64>| blocks.map_or_else(|| "-".into(), |blocks| blocks.to_string());
        [
            name.to_owned(),
            (self.size_bytes / BLOCK).to_string(),
            blocks(self.used_bytes.map(|bytes| bytes.div_ceil(BLOCK))),
            blocks(self.available_bytes.map(|bytes| bytes / BLOCK)),
            self.percent().map_or_else(|| "-".into(), |percent| format!("{percent}%")),
            mounted.to_owned(),
        ]
    }
}

pub(crate) async fn df(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let mut rooms = vec![room_for_files(shell).await?];
    if let Some(node) = named(shell, call)? {
        rooms.push(room_on(&status_of(shell, node).await?.status));
    }
    let view = match call.has("kibibytes") {
        true => View::Text(posix_lines(&rooms)),
        false => View::Table(table(&rooms)),
    };
    Ok(Answer::new(view, data(&rooms)))
}

/// Returns the room for the user's files, or for all where an admin asks and has no quota.
async fn room_for_files(shell: &Shell) -> Result<Room, ShellError> {
    let FileRoom { size_bytes, used_bytes, available_bytes, is_of_all } =
        shell.access().room_for_files(&shell.identity()).await?;
    let name = if is_of_all { "all files" } else { "your files" };
    Ok(Room { name: name.into(), size_bytes, used_bytes: Some(used_bytes), available_bytes: Some(available_bytes) })
}

fn room_on(node: &NodeStatus) -> Room {
    let free = node.used_bytes.map(|used| node.capacity_bytes.saturating_sub(used));
    Room { name: node.node.to_string(), size_bytes: node.capacity_bytes, used_bytes: node.used_bytes, available_bytes: free }
}

fn table(rooms: &[Room]) -> Table {
    let columns = vec![
        text_column("room for"),
        number_column("size"),
        number_column("used"),
        number_column("available"),
        number_column("full"),
    ];
    Table { columns, rows: rooms.iter().map(Room::row).collect(), empty: "" }
}

/// Returns the lines that POSIX specifies for `df -k -P`, in columns.
fn posix_lines(rooms: &[Room]) -> String {
    let heading = ["Filesystem", "1024-blocks", "Used", "Available", "Capacity", "Mounted on"].map(str::to_owned);
    let lines: Vec<[String; 6]> =
        [heading].into_iter().chain(rooms.iter().enumerate().map(|(index, room)| room.fields(index == 0))).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].len()).max().unwrap_or(0);
    let widths: [usize; 5] = std::array::from_fn(width);
    let text = |line: &[String; 6]| {
        let numbers: String = (1..5).map(|column| format!(" {:>1$}", line[column], widths[column])).collect();
        format!("{:<2$}{numbers} {}", line[0], line[5], widths[0])
    };
    lines.iter().map(text).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(size: u64, used: Option<u64>, available: Option<u64>) -> Room {
        Room { name: "Node_02".into(), size_bytes: size, used_bytes: used, available_bytes: available }
    }

    #[test]
    fn shares_are_rounded_up() {
        for (used, available, percent) in
            [(0, 0, 0), (0, 10, 0), (1, 999, 1), (50, 50, 50), (u64::MAX, u64::MAX, 50), (7, 0, 100)]
        {
            assert_eq!(room(0, Some(used), Some(available)).percent(), Some(percent), "{used}/{available}");
        }
        assert_eq!(room(9, None, None).percent(), None);
    }

    #[test]
    fn lines_are_those_of_posix() {
        let rooms = [room(10 << 20, Some(1_025), Some((10 << 20) - 1_025)), room(1 << 40, None, None)];
        let expected = "Filesystem 1024-blocks Used Available Capacity Mounted on\n\
                        p2p              10240    2     10238       1% /\n\
                        Node_02     1073741824    -         -        - -";
        assert_eq!(posix_lines(&rooms), expected);
    }
}
