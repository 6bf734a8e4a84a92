//! Facts of the process, as proc(5) tells them. Where there is no such file system, there are none.

use std::fs;

/// Facts of the process; each is `None` where the system does not tell it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Process {
    /// Time of processors that it has used, in seconds.
    pub(super) cpu_seconds: Option<f64>,
    /// Memory that it has, in bytes.
    pub(super) resident_bytes: Option<u64>,
    /// Files that it has open.
    pub(super) open_files: Option<u64>,
    /// Threads that it has.
    pub(super) threads: Option<u64>,
    /// Instant of its start, in seconds since 1970.
    pub(super) started: Option<f64>,
}

impl Process {
    /// Returns the facts of this process now.
    pub(super) fn now() -> Process {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let boot = fs::read_to_string("/proc/stat").unwrap_or_default();
        let open = fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as u64);
        #[cfg(target_os = "linux")]
        let (ticks, page) = (rustix::param::clock_ticks_per_second(), rustix::param::page_size() as u64);
        #[cfg(not(target_os = "linux"))]
        let (ticks, page) = (1, 1);
        Process { open_files: open, ..read(&stat, &boot, ticks, page) }
    }
}

/// Reads the facts that stand in two files of proc(5).
fn read(stat: &str, boot: &str, ticks: u64, page: u64) -> Process {
    // The name of the program stands in brackets and may have any character; what follows is numbered from 3 on.
    let fields: Vec<&str> = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default();
    let field = |number: usize| fields.get(number - 3).and_then(|text| text.parse::<u64>().ok());
    let in_seconds = |count: u64| count as f64 / ticks.max(1) as f64;
    let booted = boot.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse::<f64>().ok());
    Process {
        cpu_seconds: field(14).zip(field(15)).map(|(user, system)| in_seconds(user.saturating_add(system))),
        resident_bytes: field(24).map(|pages| pages.saturating_mul(page)),
        open_files: None,
        threads: field(20),
        started: booted.zip(field(22)).map(|(booted, after)| booted + in_seconds(after)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_facts_are_read_whatever_the_name_of_the_program() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194304 1 0 0 0 150 50 0 0 20 0 5 0 1000 9999 30 18446744073709551615";
        let found = read(stat, "cpu 1 2\nbtime 1700000000\n", 100, 4096);
        let expected = Process {
            cpu_seconds: Some(2.0),
            resident_bytes: Some(122_880),
            open_files: None,
            threads: Some(5),
            started: Some(1_700_000_010.0),
        };
        assert_eq!(found, expected);
        assert_eq!(read("", "", 100, 4096), Process::default());
    }
}
