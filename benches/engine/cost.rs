//! What a process or a piece of work costs.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What a process took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    pub(crate) user_seconds: f64,
    pub(crate) system_seconds: f64,
    pub(crate) wall_seconds: f64,
    pub(crate) peak_mib: u64,
}

impl Cost {
    /// Returns the processor time, in the program and in the system for it.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        self.user_seconds + self.system_seconds
    }
}

/// Returns the median of a figure.
pub(crate) fn median(costs: &[Cost], figure: impl Fn(&Cost) -> f64) -> f64 {
    let mut figures: Vec<f64> = costs.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Returns the command that runs the program.
pub(crate) fn p2p() -> Command {
    Command::new(env!("CARGO_BIN_EXE_p2p"))
}

/// Runs a command to its end and returns what it took.
pub(crate) fn cost_of(command: &mut Command) -> Cost {
    let ((user, system), started) = (children_seconds(), Instant::now());
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let peak_mib = watch(&mut child);
    let (user_after, system_after) = children_seconds();
    Cost {
        user_seconds: user_after - user,
        system_seconds: system_after - system,
        wall_seconds: started.elapsed().as_secs_f64(),
        peak_mib,
    }
}

/// Waits for a process and returns its peak memory.
fn watch(child: &mut Child) -> u64 {
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).and_then(|kib| kib.parse().ok());
        peak_kib = peak_kib.max(kib.unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success());
            return peak_kib >> 10;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Returns user and system time of all children that have been waited for (`proc_pid_stat(5)`: cutime, cstime, in hundredths).
fn children_seconds() -> (f64, f64) {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    let mut fields = after_name.split_whitespace().skip(13).map(|field| field.parse::<f64>().unwrap() / 100.0);
    (fields.next().unwrap(), fields.next().unwrap())
}
