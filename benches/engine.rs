//! What storing costs the machine, and whether virtual time keeps to the wall clock when it is told to.
//!
//! No criterion here: one run takes seconds, and CPU time and memory count, not only the clock. `cargo bench --bench engine`
//! needs Linux, `openssl`, and 8 GiB of disk and as much memory to be quick.

#![expect(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a benchmark may stop, and reads the clock")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use p2p_base::random::RandomStream;
use p2p_base::units::SimTime;
use p2p_engine::pace::Speed;
use p2p_engine::{Caller, ClockMode, Command as Ask, Engine, Reply, operation};
use p2p_service::config::Config;

const GIB: u64 = 1 << 30;
const ROUNDS: usize = 3;
/// Links so fast that the machine is what is measured.
const FAST: &str = "[network]\nbandwidth = \"100Gbit/s\"\ndelay = \"100us\"\nloss = \"0%\"\nqueue = 10000\n";

/// What a process took.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    cpu_seconds: f64,
    wall_seconds: f64,
    peak_mib: u64,
}

fn main() {
    let home = tempfile::tempdir_in(std::env::var_os("BENCH_DIR").unwrap_or(".".into())).unwrap();
    store_a_gibibyte(home.path());
    keep_to_the_wall_clock(home.path());
    demonstrate();
}

/// `p2p put` of 1 GiB against the least that could be done with it: `openssl dgst -sha256` and `cp`. Nothing is deleted in
/// between, so that both get memory and inodes of the same kind from the system.
fn store_a_gibibyte(home: &Path) {
    let (source, config) = (home.join("1g.bin"), home.join("fast.toml"));
    fs::write(&config, FAST).unwrap();
    let mut file = fs::File::create(&source).unwrap();
    let (mut chunk, mut random) = (vec![0; 1 << 20], RandomStream::new(1, "benchmark"));
    for _ in 0..GIB >> 20 {
        random.fill(&mut chunk);
        file.write_all(&chunk).unwrap();
    }
    file.sync_all().unwrap();
    for round in 0..ROUNDS {
        let digest = cost_of(Command::new("openssl").args(["dgst", "-sha256"]).arg(&source));
        let copy = cost_of(Command::new("cp").arg(&source).arg(home.join(format!("copy-{round}"))));
        let data = home.join(format!("data-{round}"));
        let put = cost_of(p2p().arg("put").arg(&source).arg("--config").arg(&config).arg("--data-dir").arg(data));
        let reference = digest.cpu_seconds + copy.cpu_seconds;
        println!(
            "put of 1 GiB: {:.2} CPU s, {:.2} s, at most {} MiB resident; openssl {:.2} + cp {:.2} CPU s; ratio {:.2}",
            put.cpu_seconds,
            put.wall_seconds,
            put.peak_mib,
            digest.cpu_seconds,
            copy.cpu_seconds,
            put.cpu_seconds / reference,
        );
    }
}

fn p2p() -> Command {
    Command::new(env!("CARGO_BIN_EXE_p2p"))
}

fn cost_of(command: &mut Command) -> Cost {
    let (cpu, started) = (children_cpu_seconds(), Instant::now());
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let peak_mib = watch(&mut child);
    Cost { cpu_seconds: children_cpu_seconds() - cpu, wall_seconds: started.elapsed().as_secs_f64(), peak_mib }
}

/// Waits for a process; gives its peak memory.
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

/// User and system time of all children that have been waited for (`proc_pid_stat(5)`: cutime, cstime, in hundredths).
fn children_cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    let ticks: u64 = after_name.split_whitespace().skip(13).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
    ticks as f64 / 100.0
}

/// An upload at 1x: what the wall clock says of what virtual time says.
fn keep_to_the_wall_clock(home: &Path) {
    let source = home.join("1m.bin");
    fs::write(&source, vec![7; 1 << 20]).unwrap();
    let mut settings = Config::load(None).unwrap().engine(&home.join("paced"), ClockMode::OnDemand).unwrap();
    settings.speed = Speed::REAL;
    let (engine, handle) = Engine::start(settings, None).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let started = Instant::now();
        let ask = Ask::Upload(operation::Upload::of_file(source, None, 0));
        let Ok(Reply::Started(transfer)) = handle.call(&Caller::operator(), ask).await else { panic!("not started") };
        let Ok(Reply::Finished(report)) = handle.call(&Caller::operator(), Ask::Await(operation::Await { transfer })).await
        else {
            panic!("not finished")
        };
        let (wall, virtual_time) = (started.elapsed().as_secs_f64(), report.status.elapsed(SimTime::MAX).as_secs_f64());
        println!("1 MiB at 1x: {virtual_time:.4} virtual s in {wall:.4} s, {:+.3} %", 100.0 * (wall / virtual_time - 1.0));
    });
    drop(handle);
    engine.join().unwrap();
}

/// The whole demonstration as a process: three files there and back, about 340 virtual seconds.
fn demonstrate() {
    let costs: Vec<Cost> = (0..5).map(|_| cost_of(p2p().arg("demo"))).collect();
    let least = costs.iter().map(|cost| cost.wall_seconds).fold(f64::INFINITY, f64::min);
    println!("p2p demo: {least:.3} s");
}
