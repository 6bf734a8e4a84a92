//! The log, written to daily files of the data directory and never to the terminal.
//!
//! `P2P_LOG` selects what is logged, in the syntax of `tracing-subscriber`'s filters: `debug`, `p2p_engine=trace`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use eyre::{Result, WrapErr};
use p2p_base::private_file;
use p2p_base::spelling::{visible, visible_line, visible_path};
use p2p_base::stored_time;
use time::macros::format_description;
use time::{Date, OffsetDateTime};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// Number of lines that wait for the thread which writes the log; further ones are dropped. Room for all is made at each start.
const LINES_MAX: usize = 16_384;
/// Environment variable with the filter of the log.
const FILTER_VARIABLE: &str = "P2P_LOG";
/// Filter without the environment variable.
const DEFAULT_FILTER: &str = "info";
/// Prefix of the log files' names, before the date.
const PREFIX: &str = "p2p.log";
/// Number of daily files that are kept.
const DAYS: usize = 14;
/// Maximum size of a day's file in bytes, however much virtual time passes in a day.
const DAY_BYTES_MAX: u64 = 64 << 20;
/// Seconds of a day; days begin at midnight UTC, as the files do.
const DAY_SECONDS: u64 = 86_400;

/// Treatment of the old log files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upkeep {
    /// The oldest files are removed.
    Prunes,
    /// Old files are kept, since other processes use the directory too.
    AppendsOnly,
}

/// Starts the log below `data_dir`; `clock` is the wall clock, in seconds since 1970. Buffered lines are written when the guard
/// is dropped.
///
/// # Errors
/// Fails if the directory cannot be created or `P2P_LOG` is not a valid filter.
pub fn start(data_dir: &Path, clock: fn() -> u64, upkeep: Upkeep) -> Result<WorkerGuard> {
    let directory = data_dir.join("logs");
    private_file::create_directory(&directory).wrap_err_with(|| format!("cannot create {}", visible_path(&directory)))?;
    let wanted = std::env::var(FILTER_VARIABLE).unwrap_or_else(|_| DEFAULT_FILTER.into());
    let filter = EnvFilter::try_new(&wanted)
        .wrap_err_with(|| format!("{FILTER_VARIABLE}={} is no filter for the log", visible(&wanted)))?;
    let files = DailyFile::open(&directory, clock, upkeep).wrap_err("cannot write the log")?;
    let written = bytes_of_day(&directory, clock());
    let (writer, guard) = behind(Capped::new(files, written, DAY_BYTES_MAX, clock));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(false).finish();
    // A second start in one process, as in tests, continues with the first subscriber.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(guard)
}

/// Returns a guard without a log, for a data directory that cannot be written to.
pub fn nowhere() -> WorkerGuard {
    behind(io::sink()).1
}

/// Returns a writer that hands its lines to a thread which writes them.
fn behind(file: impl Write + Send + 'static) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default().buffered_lines_limit(LINES_MAX).finish(file)
}

/// Returns the number of bytes that the day's file has already.
fn bytes_of_day(directory: &Path, now: u64) -> u64 {
    path_of_day(directory, now).metadata().map_or(0, |metadata| metadata.len())
}

/// Returns the path of the day's file.
fn path_of_day(directory: &Path, now: u64) -> PathBuf {
    let seconds = i64::try_from(now).unwrap_or_default();
    let day = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH).date();
    directory.join(format!("{PREFIX}.{day}"))
}

/// Writer with one file per day. Each file is private to its owner, which the rolling files of `tracing-appender` are not.
#[derive(Debug)]
struct DailyFile {
    directory: PathBuf,
    /// Wall clock, in seconds since 1970.
    clock: fn() -> u64,
    upkeep: Upkeep,
    /// Day of the current file, in days since 1970.
    day: u64,
    file: File,
}

impl DailyFile {
    /// Opens the current day's file for appending and, with [`Upkeep::Prunes`], removes the files that are too old.
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

/// Removes the oldest files, so that only the latest ones stay. Files of future days count as the oldest: they were written
/// while the clock was ahead, and would otherwise stay while today's files are removed.
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
        // Best effort: an additional file does no harm.
        let _ = fs::remove_file(path);
    }
}

/// Returns an entry of the log as one line, whatever names and texts from outside it quotes: a line end in one of them would begin an
/// entry that nobody has made.
fn of_one_line(entry: &[u8]) -> String {
    let entry = String::from_utf8_lossy(entry);
    format!("{}\n", visible_line(entry.strip_suffix('\n').unwrap_or(&entry)))
}

/// Writer that accepts a limited number of bytes per day. Further lines are dropped, after a line that says so.
#[derive(Debug)]
struct Capped<W> {
    inner: W,
    /// Day that is counted, in days since 1970.
    day: u64,
    written: u64,
    max: u64,
    /// Wall clock, in seconds since 1970.
    clock: fn() -> u64,
}

impl<W: Write> Capped<W> {
    fn new(inner: W, written: u64, max: u64, clock: fn() -> u64) -> Capped<W> {
        Capped { inner, day: clock() / DAY_SECONDS, written, max, clock }
    }
}

impl<W: Write> Write for Capped<W> {
    /// Writes the whole line or drops the whole line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let today = (self.clock)() / DAY_SECONDS;
        if self.day != today {
            (self.day, self.written) = (today, 0);
        }
        let shown = of_one_line(line);
        let before = self.written;
        self.written = before.saturating_add(shown.len() as u64);
        if self.written <= self.max {
            self.inner.write_all(shown.as_bytes())?;
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

    /// An entry is a line, whatever it quotes.
    #[test]
    fn an_entry_is_one_line() {
        let now = || DAY_SECONDS;
        let mut log = Capped::new(Vec::new(), 0, 1_000, now);
        log.write_all(b"INFO cannot read a\nERROR b\r\x1b[31m\xff \xe2\x80\xae\n").unwrap();
        log.write_all(b"INFO done\n").unwrap();
        let text = String::from_utf8(log.inner).unwrap();
        assert_eq!(text, "INFO cannot read a\\nERROR b\\r\\u{1b}[31m\u{fffd} \\u{202e}\nINFO done\n");
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
