//! Floor 4: the log, in daily files of the data directory and never on the terminal.
//!
//! `P2P_LOG` sets what is written, in the syntax of `tracing-subscriber`'s filters: `debug`, `p2p_storage::engine=trace`. Knows
//! nothing of what is worth writing.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use eyre::{Result, WrapErr};
use time::macros::format_description;
use time::{Date, OffsetDateTime};
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;

use crate::{private_file, stored_time};

/// The variable that sets what is written.
const FILTER_VARIABLE: &str = "P2P_LOG";
/// Without it.
const DEFAULT_FILTER: &str = "info";
/// How the names of the files begin; the day follows.
const PREFIX: &str = "p2p.log";
/// How many days are kept.
const DAYS: usize = 14;
/// How many bytes a day's file may have, whatever happens in however much virtual time.
const DAY_BYTES_MAX: u64 = 64 << 20;
/// Seconds of a day, which begins at midnight UTC, as the files do.
const DAY_SECONDS: u64 = 86_400;

/// What becomes of the log's old files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upkeep {
    /// The oldest are removed.
    Prunes,
    /// They stay: others use the directory as well.
    AppendsOnly,
}

/// Begins to write the log below `data_dir`; `clock` is the wall clock, in seconds since 1970. What is still to be written is written when the guard is dropped.
///
/// # Errors
/// Where the directory cannot be made, or `P2P_LOG` is no filter.
pub fn start(data_dir: &Path, clock: fn() -> u64, upkeep: Upkeep) -> Result<WorkerGuard> {
    let directory = data_dir.join("logs");
    private_file::create_directory(&directory).wrap_err_with(|| format!("cannot create {}", directory.display()))?;
    let wanted = std::env::var(FILTER_VARIABLE).unwrap_or_else(|_| DEFAULT_FILTER.into());
    let filter = EnvFilter::try_new(&wanted).wrap_err_with(|| format!("{FILTER_VARIABLE}={wanted} is no filter for the log"))?;
    let files = DailyFile::open(&directory, clock, upkeep).wrap_err("cannot write the log")?;
    let written = bytes_of_day(&directory, clock());
    let (writer, guard) = tracing_appender::non_blocking(Capped::new(files, written, DAY_BYTES_MAX, clock));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(false).finish();
    // A second start in one process, as in tests, goes on with the first one's.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(guard)
}

/// Writes no log, where there is nothing that can be written to.
pub fn nowhere() -> WorkerGuard {
    tracing_appender::non_blocking(io::sink()).1
}

/// How many bytes the day's file has already.
fn bytes_of_day(directory: &Path, now: u64) -> u64 {
    path_of_day(directory, now).metadata().map_or(0, |metadata| metadata.len())
}

/// The day's file.
fn path_of_day(directory: &Path, now: u64) -> PathBuf {
    let seconds = i64::try_from(now).unwrap_or_default();
    let day = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH).date();
    directory.join(format!("{PREFIX}.{day}"))
}

/// A file a day, each its owner's alone, which the rolling files of `tracing-appender` are not.
#[derive(Debug)]
struct DailyFile {
    directory: PathBuf,
    /// The wall clock, in seconds since 1970.
    clock: fn() -> u64,
    upkeep: Upkeep,
    /// The day that is written, in days since 1970.
    day: u64,
    file: File,
}

impl DailyFile {
    /// Goes on with the present day's file, and removes those that are too old, where it is to.
    fn open(directory: &Path, clock: fn() -> u64, upkeep: Upkeep) -> io::Result<DailyFile> {
        let now = clock();
        let file = private_file::open_to_append(&path_of_day(directory, now))?;
        if upkeep == Upkeep::Prunes {
            prune(directory, now);
        }
        Ok(DailyFile { directory: directory.to_owned(), clock, upkeep, day: now / DAY_SECONDS, file })
    }
}

impl Write for DailyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if (self.clock)() / DAY_SECONDS != self.day {
            *self = DailyFile::open(&self.directory, self.clock, self.upkeep)?;
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Removes the oldest files, so that no more than the latest ones stay. Those of days that are yet to come count as the oldest: a
/// clock that was ahead has written them, and they would stay while those of today go.
fn prune(directory: &Path, now: u64) {
    let day_of = |path: &Path| {
        let day = path.file_name()?.to_str()?.strip_prefix(PREFIX)?.strip_prefix('.')?;
        let day = Date::parse(day, format_description!("[year]-[month]-[day]")).ok()?;
        u64::try_from(day.midnight().assume_utc().unix_timestamp()).ok()
    };
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<(u64, PathBuf)> = entries.filter_map(|path| Some((day_of(&path)?, path))).collect();
    files.sort_by_key(|(day, _)| stored_time::order_of(*day, now));
    for (_, path) in files.iter().take(files.len().saturating_sub(DAYS)) {
        // Best effort: one more than wanted does no harm.
        let _ = fs::remove_file(path);
    }
}

/// A writer that takes only so many bytes a day. What is beyond them is dropped, after a line that says so.
#[derive(Debug)]
struct Capped<W> {
    inner: W,
    /// The day that is counted, in days since 1970.
    day: u64,
    written: u64,
    max: u64,
    /// The wall clock, in seconds since 1970.
    clock: fn() -> u64,
}

impl<W: Write> Capped<W> {
    fn new(inner: W, written: u64, max: u64, clock: fn() -> u64) -> Capped<W> {
        Capped { inner, day: clock() / DAY_SECONDS, written, max, clock }
    }
}

impl<W: Write> Write for Capped<W> {
    /// Takes a line whole or drops it whole.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let today = (self.clock)() / DAY_SECONDS;
        if self.day != today {
            (self.day, self.written) = (today, 0);
        }
        let before = self.written;
        self.written = before.saturating_add(line.len() as u64);
        if self.written <= self.max {
            self.inner.write_all(line)?;
        } else if before <= self.max {
            let max = self.max >> 20;
            writeln!(self.inner, "The log of this day has {max} MiB: nothing more is written before the next, at midnight UTC.")?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    static NOW: AtomicU64 = AtomicU64::new(10 * DAY_SECONDS + 5);

    fn now() -> u64 {
        NOW.load(Ordering::Relaxed)
    }

    /// A clock that was a year ahead does not make the logs of that time the latest for a year.
    #[test]
    fn logs_that_are_yet_to_come_go_first() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(format!("p2p.log.{name}"));
        for day in 10..30 {
            std::fs::write(path(&format!("2027-11-{day}")), "").unwrap();
        }
        for name in ["2026-11-23", "2026-11-24", "2026-11-25", "old"] {
            std::fs::write(path(name), "").unwrap();
        }
        // 2026-11-25 12:00:00 UTC.
        prune(directory.path(), 1_795_608_000);
        assert!(
            ["2026-11-23", "2026-11-24", "2026-11-25", "2027-11-29", "2027-11-28", "old"].iter().all(|name| path(name).exists())
        );
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), DAYS + 1);
    }

    #[test]
    fn what_the_day_s_file_has_already_counts() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("p2p.log.1970-01-11"), "yesterday's").unwrap();
        std::fs::write(directory.path().join("p2p.log.1970-01-12"), "today").unwrap();
        assert_eq!(bytes_of_day(directory.path(), 11 * DAY_SECONDS + 7), 5);
    }

    #[test]
    fn each_day_has_a_file_of_its_own_and_the_latest_stay() {
        static DAY: AtomicU64 = AtomicU64::new(20_782 * DAY_SECONDS);
        let directory = tempfile::tempdir().unwrap();
        let mut log = DailyFile::open(directory.path(), || DAY.load(Ordering::Relaxed), Upkeep::Prunes).unwrap();
        for day in 0..20 {
            writeln!(log, "day {day}").unwrap();
            writeln!(log, "still day {day}").unwrap();
            DAY.fetch_add(DAY_SECONDS, Ordering::Relaxed);
        }
        let mut names: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        assert_eq!(names.len(), DAYS);
        assert!(names[DAYS - 1].ends_with("p2p.log.2026-12-14"), "{names:?}");
        assert_eq!(fs::read_to_string(&names[DAYS - 1]).unwrap(), "day 19\nstill day 19\n");
        assert!(names.iter().all(|path| fs::metadata(path).unwrap().permissions().mode() & 0o777 == 0o600));
    }

    #[test]
    fn a_day_has_so_many_bytes_and_says_when_they_are_spent() {
        let mut log = Capped::new(Vec::new(), 10, 30, now);
        for _ in 0..1_000 {
            log.write_all(b"ten bytes\n").unwrap();
        }
        let text = String::from_utf8(log.inner.clone()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines.len(), lines[1]), (3, "ten bytes"), "{text}");
        assert!(lines[2].starts_with("The log of this day"), "{text}");
        NOW.fetch_add(DAY_SECONDS, Ordering::Relaxed);
        log.write_all(b"a new day\n").unwrap();
        assert!(log.inner.ends_with(b"a new day\n"));
    }
}
