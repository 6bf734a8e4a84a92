//! What a request costs with 100,000 stored files, beside what it costs with 100.

use std::fs;
use std::path::Path;
use std::time::Instant;

use p2p_engine::io::InlineIo;
use p2p_engine::operation::{Await, ListDirectory, Page, Remove, StatUser, Upload};
use p2p_engine::pace::{PaceStatus, Speed};
use p2p_engine::{Caller, ClockMode, Command, CommandId, Reply, Simulation};
use p2p_service::config::Config;
use p2p_store::catalog::{Catalog, Commit};
use p2p_store::manifest::{FileRecord, Manifest};
use p2p_store::names::FileKey;
use p2p_store::segment::Sha256Digest;

/// Number of times that each request is made; the median counts.
const TIMES: usize = 101;

/// A simulation on a catalog with so many files.
struct Bench {
    simulation: Simulation,
    file: std::path::PathBuf,
    next_command: u64,
}

/// Compares the costs. The disks are in memory where there is such a place, so that waiting for one does not hide the rest.
pub(crate) fn compare(home: &Path) {
    let home = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir_in(home)).unwrap();
    let [few, many] = [100, 100_000].map(|files| Bench::new(&home.path().join(files.to_string()), files).costs());
    for ((name, few), (_, many)) in few.into_iter().zip(many) {
        println!("{name}: {few:.1} µs with 100 stored files, {many:.1} µs with 100,000, {:.2} times as much", many / few);
    }
}

impl Bench {
    fn new(data: &Path, files: usize) -> Bench {
        fs::create_dir_all(data).unwrap();
        let catalog = Catalog::open(&data.join("catalog.redb")).unwrap();
        let all: Vec<Commit> =
            (0..files).map(|file| Commit { manifest: empty_file(file), replace: false, expected: None }).collect();
        all.chunks(10_000).flat_map(|some| catalog.commit_files(some)).for_each(|stored| drop(stored.unwrap()));
        drop(catalog);
        let settings = Config::load(None).unwrap().engine(data, ClockMode::OnDemand).unwrap();
        let file = data.join("small");
        fs::write(&file, "a small file").unwrap();
        Bench { simulation: Simulation::open(settings, Box::new(InlineIo::default())).unwrap(), file, next_command: 0 }
    }

    fn ask(&mut self, command: impl Into<Command>) -> Reply {
        self.next_command += 1;
        self.simulation.apply(CommandId(self.next_command), &Caller::operator(), command);
        self.simulation.run();
        self.simulation.poll_reply().unwrap().1.unwrap()
    }

    fn carry_out(&mut self, begins: impl Into<Command>) {
        let Reply::Started(transfer) = self.ask(begins) else { panic!("it has not begun") };
        assert!(matches!(self.ask(Await { transfer }), Reply::Finished(_)));
    }

    /// Returns the median cost of each request in microseconds.
    fn costs(mut self) -> [(&'static str, f64); 5] {
        let mut times: [Vec<f64>; 5] = Default::default();
        let latest = self.simulation.snapshot(PaceStatus::running(Speed::Max));
        for n in 0..TIMES {
            let name = format!("z{n}");
            let mut measure = |bench: &mut Bench, place: usize, work: &dyn Fn(&mut Bench)| {
                let started = Instant::now();
                work(bench);
                times[place].push(started.elapsed().as_secs_f64() * 1e6);
            };
            measure(&mut self, 0, &|bench| {
                bench.carry_out(Upload::of_file(bench.file.clone(), Some(name.clone()), 0));
            });
            measure(&mut self, 1, &|bench| {
                bench.carry_out(Remove { file: FileKey::unowned(&name), recursive: false, expected: None })
            });
            measure(&mut self, 2, &|bench| {
                let page = Some(Page { after: Some("f00000050".into()), max: 50 });
                let Reply::Entries(entries) = bench.ask(ListDirectory { directory: FileKey::unowned(""), page }) else {
                    panic!("no page")
                };
                assert!(entries.len() >= 49);
            });
            measure(&mut self, 3, &|bench| assert!(matches!(bench.ask(StatUser), Reply::Usage(_))));
            measure(&mut self, 4, &|bench| drop(bench.simulation.snapshot_after(&latest, PaceStatus::running(Speed::Max))));
        }
        let names = ["an upload", "a removal", "a page of a list", "a reply", "the snapshot of a reply"];
        let median = |mut times: Vec<f64>| {
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        };
        let mut medians = times.map(median).into_iter();
        names.map(|name| (name, medians.next().unwrap_or_default()))
    }
}

fn empty_file(n: usize) -> Manifest {
    let key = FileKey::unowned(&format!("f{n:08}"));
    let sha256 = Sha256Digest::of(b"");
    let file = FileRecord {
        key,
        readers: Default::default(),
        size: 0,
        sha256,
        segments: 0,
        segment_size: 65_536,
        stored_at: 0,
        modified: 0,
        mode: 0o644,
    };
    Manifest { file, segments: Vec::new() }
}
