//! What storing costs the machine, beside the least that could be done and beside itself at a hundredth of the size.
//!
//! No criterion here: one run takes minutes, and CPU time and memory count, not only the clock. `cargo bench --bench engine` needs
//! Linux, `openssl`, `cp`, and 20 GiB of disk and as much memory to be quick; `BENCH_DIR` is where it works. With the name of a part
//! (`gibibyte`, `small`, `stored`, `nodes`, `clock`, `demo`) it runs that part alone.

#![expect(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a benchmark may stop, and reads the clock")]

mod engine {
    pub(crate) mod cost;
    pub(crate) mod least;
    pub(crate) mod nodes;
    pub(crate) mod small;
    pub(crate) mod stored;
}

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use p2p_base::random::RandomStream;
use p2p_base::units::SimTime;
use p2p_engine::pace::Speed;
use p2p_engine::{Caller, ClockMode, Command as Ask, Engine, Reply, operation};
use p2p_service::config::Config;

use self::engine::cost::{Cost, cost_of, median, p2p};
use self::engine::{least, nodes, small, stored};

const GIB: u64 = 1 << 30;
const ROUNDS: usize = 3;
/// Links so fast that the machine is what is measured.
const FAST: &str = "[network]\nbandwidth = \"100Gbit/s\"\ndelay = \"100us\"\nloss = \"0%\"\nqueue = 10000\n";

fn main() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(least::PART) {
        return least::run(arguments);
    }
    let home = tempfile::tempdir_in(std::env::var_os("BENCH_DIR").unwrap_or(".".into())).unwrap();
    let fast = home.path().join("fast.toml");
    fs::write(&fast, FAST).unwrap();
    let parts: [(&str, &dyn Fn()); 6] = [
        ("gibibyte", &|| store_a_gibibyte(home.path(), &fast)),
        ("small", &|| small::store_small_files(home.path(), &fast)),
        ("stored", &|| stored::compare(home.path())),
        ("nodes", &|| nodes::many_nodes(home.path())),
        ("clock", &|| keep_to_the_wall_clock(home.path())),
        ("demo", &demonstrate),
    ];
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    for (name, part) in parts {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            part();
        }
    }
}

/// `p2p put` and `p2p get` of 1 GiB against the least that could be done with it: `openssl dgst -sha256` and `cp`, and against the
/// least that one file a segment allows. The rounds are interleaved, and nothing is deleted in between: ext4 looks for inodes that were
/// deleted lately, and all get memory and inodes of the same kind from the system.
fn store_a_gibibyte(home: &Path, config: &Path) {
    let source = home.join("1g.bin");
    let mut file = fs::File::create(&source).unwrap();
    let (mut chunk, mut random) = (vec![0; 1 << 20], RandomStream::new(1, "benchmark"));
    for _ in 0..GIB >> 20 {
        random.fill(&mut chunk);
        file.write_all(&chunk).unwrap();
    }
    file.sync_all().unwrap();
    let (mut digests, mut copies, mut puts, mut gets) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut storing, mut fetching) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let data = home.join(format!("data-{round}"));
        let with_data = |command: &mut Command| cost_of(command.arg("--config").arg(config).arg("--data-dir").arg(&data));
        digests.push(cost_of(Command::new("openssl").args(["dgst", "-sha256"]).arg(&source)));
        copies.push(cost_of(Command::new("cp").arg(&source).arg(home.join(format!("copy-{round}")))));
        puts.push(with_data(p2p().arg("put").arg(&source)));
        gets.push(with_data(p2p().args(["get", "1g.bin", "-o"]).arg(home.join(format!("got-{round}")))));
        let segments = home.join(format!("segments-{round}"));
        storing.push(cost_of(&mut least::storing(&source, &segments)));
        fetching.push(cost_of(&mut least::fetching(&segments, &home.join(format!("fetched-{round}")))));
    }
    let (digest, copy) = (median(&digests, |cost| cost.user_seconds), median(&copies, |cost| cost.system_seconds));
    println!("1 GiB, medians of {ROUNDS} rounds: openssl {digest:.2} s of user time, cp {copy:.2} s of system time");
    for (name, costs) in [("put", &puts), ("get", &gets), ("least put", &storing), ("least get", &fetching)] {
        let (user, system) = (median(costs, |cost| cost.user_seconds), median(costs, |cost| cost.system_seconds));
        let (wall, peak) = (median(costs, |cost| cost.wall_seconds), costs.iter().map(|cost| cost.peak_mib).max().unwrap_or(0));
        println!(
            "{name}: user {user:.2} s, {:.2} of openssl's; system {system:.2} s, {:.2} of cp's; {wall:.2} s, at most {peak} MiB resident",
            user / digest,
            system / copy,
        );
    }
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
    let least = |figure: fn(&Cost) -> f64| costs.iter().map(figure).fold(f64::INFINITY, f64::min);
    println!("p2p demo: {:.3} s, {:.3} CPU s", least(|cost| cost.wall_seconds), least(Cost::cpu_seconds));
}
