//! Job control of a process (POSIX.1-2024, XBD 11.1): its process group, session and parent.
//!
//! They are read from proc(5). Within a PID namespace (pid_namespaces(7)), as containers have one, a group or session whose leader is outside
//! has the number 0, which getpgrp(2) and getsid(2) return as well, and which is no process number for the crates that wrap these.
//! Where proc(5) is not mounted, they are not known.

use std::fs;
use std::io::stdin;

use rustix::io::Errno;
use rustix::process::Pid;
use rustix::termios::tcgetpgrp;

/// Maximum number of ancestors that are looked at.
const ANCESTORS_MAX: usize = 64;

/// Number of a process, of a group or of a session by its leader; 0 is one outside the PID namespace.
type Number = u32;

/// Place of a process in job control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Job {
    parent: Number,
    group: Number,
    session: Number,
    /// Foreground process group of the controlling terminal; `None` without one.
    foreground: Option<Number>,
}

impl Job {
    fn of_this_process() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/self/stat").ok()?)
    }

    fn of(process: Number) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
    }

    /// Reads a line of proc_pid_stat(5). The name of the program stands in parentheses, and may hold any character itself.
    fn parse(stat: &str) -> Option<Self> {
        let (_, fields) = stat.rsplit_once(')')?;
        let mut fields = fields.split_ascii_whitespace().skip(1);
        let mut number = || fields.next()?.parse::<i64>().ok();
        let (parent, group, session, terminal) = (number()?, number()?, number()?, number()?);
        let foreground = number()?;
        Some(Self {
            parent: parent.try_into().ok()?,
            group: group.try_into().ok()?,
            session: session.try_into().ok()?,
            foreground: if terminal == 0 { None } else { foreground.try_into().ok() },
        })
    }
}

/// Returns true if the process is in the foreground process group of its controlling terminal, so that it may change the terminal's modes:
/// another one would be stopped (SIGTTOU) for the attempt. Where the group of the process is not known, it counts as the foreground one if
/// standard input is the controlling terminal: most programs that a signal ends are in the foreground, whose terminal would be left without
/// echo, and one in the background goes on to its end at SIGCONT, as `fg` sends it.
pub(super) fn is_in_foreground() -> bool {
    is_foreground(Job::of_this_process(), || tcgetpgrp(stdin()))
}

fn is_foreground(job: Option<Job>, foreground: impl FnOnce() -> Result<Pid, Errno>) -> bool {
    match job {
        Some(job) => job.foreground == Some(job.group),
        // A foreground group whose leader is outside the PID namespace is one as well.
        None => matches!(foreground(), Ok(_) | Err(Errno::OPNOTSUPP)),
    }
}

/// Returns true if the process group is orphaned (POSIX.1-2024, XBD 3.254): none of its processes has a parent in another group of the same
/// session, so that nobody would continue it, and the default action of SIGTSTP is not taken. The ancestors of this process stand for
/// its group. Those outside the PID namespace cannot be seen, and count as absent.
pub(super) fn is_orphaned() -> bool {
    is_orphan(Job::of_this_process(), Job::of)
}

/// Returns true also for a job that is not known: a stop that nobody could end would be worse than none.
fn is_orphan(own: Option<Job>, of: impl Fn(Number) -> Option<Job>) -> bool {
    let Some(own) = own else { return true };
    let mut child = own;
    for _ in 0..ANCESTORS_MAX {
        let parent = if child.parent == 0 { None } else { of(child.parent) };
        let Some(parent) = parent.filter(|parent| parent.session == own.session) else { return true };
        if parent.group != own.group {
            return false;
        }
        child = parent;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(parent: Number, group: Number, session: Number) -> Job {
        Job { parent, group, session, foreground: None }
    }

    #[test]
    fn a_job_is_read_from_a_line_of_proc() {
        let shell = Job { parent: 7, group: 12, session: 7, foreground: Some(12) };
        assert_eq!(Job::parse("12 (p2p) R 7 12 7 34816 12 4194304 77 0"), Some(shell));
        assert_eq!(Job::parse("12 (p) 2) p\n) R 7 12 7 34816 12 4194304"), Some(shell));
        assert_eq!(Job::parse("12 (p2p) R 1 0 0 0 -1 4194304"), Some(job(1, 0, 0)));
        let outside = Job { parent: 0, group: 0, session: 0, foreground: Some(0) };
        assert_eq!(Job::parse("1 (p2p) R 0 0 0 34816 0 4194304"), Some(outside));
        for bad in ["", "12 (p2p", "12 (p2p) R 7 12", "12 (p2p) R a 12 7 34816 12", "12 (p2p) R -7 12 7 34816 12"] {
            assert_eq!(Job::parse(bad), None, "{bad}");
        }
        assert!(Job::of_this_process().is_some());
    }

    #[test]
    fn a_group_that_is_not_known_is_in_the_foreground_of_a_terminal() {
        let known = |group, foreground| Some(Job { parent: 7, group, session: 7, foreground });
        let unasked = || -> Result<Pid, Errno> { panic!("proc(5) has told") };
        assert!(is_foreground(known(12, Some(12)), unasked) && is_foreground(known(0, Some(0)), unasked));
        assert!(!is_foreground(known(12, Some(7)), unasked) && !is_foreground(known(12, None), unasked));
        assert!(is_foreground(None, || Ok(Pid::INIT)) && is_foreground(None, || Err(Errno::OPNOTSUPP)));
        assert!(!is_foreground(None, || Err(Errno::NOTTY)));
    }

    #[test]
    fn a_group_is_orphaned_where_no_parent_in_the_session_is_in_another_group() {
        // A shell (7) runs a group of two processes: 12, and its child 13.
        let shell = |process| match process {
            7 => Some(job(1, 7, 7)),
            12 => Some(job(7, 12, 7)),
            _ => None,
        };
        assert!(is_orphan(None, |_| panic!("proc(5) has told nothing")), "where it is not mounted");
        assert!(!is_orphan(Some(job(7, 12, 7)), shell));
        assert!(!is_orphan(Some(job(12, 12, 7)), shell));
        // Its parent has ended, is of another session, or outside the PID namespace, with its group and session or without.
        assert!(is_orphan(Some(job(99, 12, 7)), shell));
        assert!(is_orphan(Some(job(7, 12, 12)), shell));
        assert!(is_orphan(Some(job(0, 12, 12)), shell));
        assert!(is_orphan(Some(job(0, 0, 0)), shell));
        // A session whose leader is outside the PID namespace is one all the same.
        assert!(!is_orphan(Some(job(7, 12, 0)), |_| Some(job(0, 7, 0))));
        assert!(is_orphan(Some(job(7, 12, 12)), |_| Some(job(0, 0, 0))));
        // The search ends.
        assert!(is_orphan(Some(job(7, 12, 7)), |_| Some(job(7, 12, 7))));
    }
}
