//! Many small files in one command: what each costs at first, and what it costs when many are stored.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::cost::{Cost, cost_of, p2p};

/// Number of files.
const FILES: usize = 20_000;
/// Number of files whose cost is told.
const SHARE: usize = 1_000;

/// Stores 20,000 files of 200 bytes, the first and the last thousand by commands of their own; lists them, and removes a thousand.
pub(crate) fn store_small_files(home: &Path, config: &Path) {
    let (source, data, none) = (home.join("small"), home.join("small-data"), home.join("no-data"));
    fs::create_dir(&source).unwrap();
    let files: Vec<PathBuf> = (0..FILES).map(|n| source.join(format!("f{n:05}"))).collect();
    files.iter().for_each(|file| fs::write(file, format!("{}\n", file.display()).repeat(4)).unwrap());
    let on = |data: &Path, command: &mut Command| cost_of(command.arg("--config").arg(config).arg("--data-dir").arg(data));
    let put = |files: &[PathBuf]| on(&data, p2p().arg("put").args(files));
    let of_one = |seconds: f64, files: usize| 1e3 * seconds / files as f64;
    let each = |cost: Cost| {
        format!("{:.2} ms of CPU and {:.2} ms each", of_one(cost.cpu_seconds(), SHARE), of_one(cost.wall_seconds, SHARE))
    };
    println!("put of the first {SHARE} files: {}", each(put(&files[..SHARE])));
    let most = &files[SHARE..FILES - SHARE];
    let cost = put(most);
    println!("put of {} more in one command: {:.2} ms of CPU each", most.len(), of_one(cost.cpu_seconds(), most.len()));
    println!("put of the last {SHARE} of {FILES}: {}", each(put(&files[FILES - SHARE..])));
    let names: Vec<OsString> = files[..SHARE].iter().map(|file| file.file_name().unwrap().to_owned()).collect();
    let list = |data: &Path, name: Option<&OsString>| {
        let costs = (0..5).map(|_| on(data, p2p().arg("ls").args(name)));
        costs.map(|cost| cost.wall_seconds).fold(f64::INFINITY, f64::min) * 1e3
    };
    let (all, one, empty) = (list(&data, None), list(&data, Some(&names[0])), list(&none, None));
    println!("with {FILES} files: `ls` of all {all:.0} ms, of one {one:.0} ms; without files {empty:.0} ms");
    let removed = on(&data, p2p().arg("rm").args(&names));
    println!("rm of {SHARE}: {:.2} s, {:.2} CPU s", removed.wall_seconds, removed.cpu_seconds());
}
