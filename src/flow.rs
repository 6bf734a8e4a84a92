//! `p2p flow`, a measurement on the simulated network from the command line. Runs [`Experiment`] and prints its
//! result.

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, ValueEnum};
use eyre::{Report, Result, WrapErr, eyre};
use p2p_base::replacement::{Existing, Replacement, directory_of};
use p2p_base::spelling::visible_path;
use p2p_base::trace::TraceHash;
use p2p_base::units::{Bandwidth, ByteSize, DelayRange, Probability};
use p2p_net::CongestionControl;
use p2p_net::experiment::{Experiment, FlowSample, Run, Shape, percentile};
use p2p_service::failure::{Advise, wrong_usage};
use p2p_service::instance::refuse_dash;
use p2p_service::output::{self, OutputArgs};
use p2p_shell::report::{Table, number_column, seconds_of, wrapped};
use serde::Serialize;

/// The topology of the flows.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum ShapeArg {
    /// All flows share one link
    Single,
    /// One host sends to many, over access links
    Fanout,
    /// Many hosts send to one, over access links
    Incast,
}

/// `p2p flow`
#[derive(Debug, Args)]
pub struct FlowArgs {
    /// The rate of the link
    #[arg(long, value_name = "RATE", default_value = "64KiB/s")]
    bandwidth: Bandwidth,
    /// How long a packet travels one way: fixed, or a range as in 1ms..10ms
    #[arg(long, value_name = "TIME", default_value = "5ms")]
    delay: DelayRange,
    /// How likely a packet is lost, each way
    #[arg(long, value_name = "CHANCE", default_value = "1%")]
    loss: Probability,
    /// What each flow carries
    #[arg(long, value_name = "SIZE", default_value = "5MiB")]
    bytes: ByteSize,
    /// The congestion control: cubic or newreno, or several in turn for the flows, as in cubic,newreno
    #[arg(long, value_name = "NAME", default_value = "cubic", value_delimiter = ',')]
    congestion: Vec<CongestionControl>,
    /// How many flows start at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    flows: u32,
    /// Their topology
    #[arg(long, value_enum, default_value = "single")]
    shape: ShapeArg,
    /// How many packets may wait in a queue [default: twice the bandwidth-delay product, at least 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    queue: Option<u32>,
    /// How long a host takes to hand a packet from its link to its TCP: fixed, or a range
    #[arg(long, value_name = "TIME", default_value = "20us..100us")]
    host_time: DelayRange,
    /// How many runs, each with the next seed
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    runs: u32,
    /// The seed of the first run
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Write the packets of the first run to FILE, for Wireshark
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Write the congestion windows of the first run over time to FILE, as CSV
    #[arg(long, value_name = "FILE")]
    cwnd: Option<PathBuf>,
    /// Replace files that are there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    output: OutputArgs,
}

impl FlowArgs {
    fn experiment(&self) -> Experiment {
        Experiment {
            bandwidth: self.bandwidth,
            delay: self.delay,
            loss: self.loss,
            bytes: self.bytes,
            congestion: self.congestion.clone(),
            flows: self.flows,
            shape: match self.shape {
                ShapeArg::Single => Shape::Single,
                ShapeArg::Fanout => Shape::Fanout,
                ShapeArg::Incast => Shape::Incast,
            },
            host_time: self.host_time,
            queue: self.queue,
        }
    }
}

/// Report of the command, printed as text or serialised.
#[derive(Debug, Serialize)]
struct FlowReport {
    runs: Vec<Run>,
    median_seconds: Option<f64>,
    p10_seconds: Option<f64>,
    p90_seconds: Option<f64>,
    trace_hash: String,
    wall_seconds: f64,
}

/// Runs the experiment and prints its result.
///
/// # Errors
/// Fails if a run does not finish, a file cannot be written, or the arguments contradict each other.
pub fn run(args: &FlowArgs) -> Result<()> {
    if args.bytes.as_u64() == 0 {
        return Err(wrong_usage(
            format_args!("--bytes {}: a flow carries at least one byte", args.bytes),
            "--bytes 1B is the least",
        ));
    }
    check_places(args)?;
    let started = wall_clock();
    let experiment = args.experiment();
    let mut runs = vec![first_run(args, &experiment)?];
    runs.extend((1..args.runs).map(|n| experiment.run(args.seed.wrapping_add(u64::from(n)))));
    let seconds: Vec<f64> = runs.iter().filter_map(|run| run.seconds).collect();
    let of_finished = |p| Some(percentile(&seconds, p)).filter(|seconds| seconds.is_finite());
    let mut trace = TraceHash::new();
    runs.iter().for_each(|run| trace.add(run.trace_hash));
    let report = FlowReport {
        median_seconds: of_finished(0.5),
        p10_seconds: of_finished(0.1),
        p90_seconds: of_finished(0.9),
        trace_hash: trace.to_string(),
        wall_seconds: started.elapsed().as_secs_f64(),
        runs,
    };
    output::print(&args.output, &report, |report| text(report, args.seed))?;
    all_finished(&report.runs, args.seed)
}

/// Refuses output paths that cannot name a file, and the same path for both outputs.
fn check_places(args: &FlowArgs) -> Result<()> {
    refuse_dash("--pcap", args.pcap.as_deref())?;
    refuse_dash("--cwnd", args.cwnd.as_deref())?;
    let place = |path: &PathBuf| directory_of(path).canonicalize().ok().zip(path.file_name().map(ToOwned::to_owned));
    match (&args.pcap, &args.cwnd) {
        (Some(pcap), Some(cwnd)) if pcap == cwnd || place(pcap).is_some_and(|pcap| Some(pcap) == place(cwnd)) => {
            Err(wrong_usage("--pcap and --cwnd name the same file", "give each a name of its own"))
        }
        _ => Ok(()),
    }
}

/// Fails if a run did not finish, because such a run is no measurement.
fn all_finished(runs: &[Run], seed: u64) -> Result<()> {
    let unfinished: Vec<u64> =
        (0u64..).zip(runs).filter(|(_, run)| run.seconds.is_none()).map(|(n, _)| seed.wrapping_add(n)).collect();
    let mut named: Vec<String> = unfinished.iter().take(NAMED_MAX).map(ToString::to_string).collect();
    match unfinished.len().saturating_sub(NAMED_MAX) {
        _ if unfinished.is_empty() => return Ok(()),
        0 => {}
        more => named.push(format!("{more} more")),
    }
    let what = if named.len() == 1 { "seed" } else { "seeds" };
    Err(eyre!("{} of {} runs did not finish: {what} {}", unfinished.len(), runs.len(), named.join(", ")))
        .suggestion("TCP gives a flow up of which nothing gets through for too long; with a lower --loss it finishes")
}

/// Maximum number of unfinished runs that the error message lists by seed.
const NAMED_MAX: usize = 10;

/// Output file of the first run.
enum Written {
    /// A regular file that appears under its name only when it is complete, readable by its owner alone if it is new.
    Whole(Replacement),
    /// A pipe or a device, written directly: there is no earlier content to protect, and a reader expects the data at once.
    Through(File),
}

impl Written {
    fn create(path: &Path, force: bool) -> Result<Written> {
        let is_stream = path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir());
        let existing = if force { Existing::Replaced } else { Existing::Refused };
        let created = match is_stream {
            true => File::options().write(true).open(path).map(Written::Through),
            false => Replacement::create_private_where_new(path, existing).map(Written::Whole),
        };
        match created {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(taken(path)),
            created => created.wrap_err_with(|| format!("cannot write {}", visible_path(path))),
        }
    }

    fn writer(&self) -> io::Result<BufWriter<File>> {
        match self {
            Written::Whole(file) => file.writer(),
            Written::Through(file) => file.try_clone(),
        }
        .map(BufWriter::new)
    }

    /// Gives a complete file its final name.
    fn finish(self, path: &Path) -> Result<()> {
        match self {
            Written::Through(_) => Ok(()),
            Written::Whole(file) => match file.finish() {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(taken(path)),
                finished => finished.map(drop).wrap_err_with(|| format!("cannot write {}", visible_path(path))),
            },
        }
    }
}

fn taken(path: &Path) -> Report {
    eyre!("{} already exists", visible_path(path)).suggestion("choose another name, or replace it with --force")
}

#[expect(clippy::disallowed_methods, reason = "the report says how long the runs took on the wall clock")]
fn wall_clock() -> Instant {
    Instant::now()
}

/// Runs the first run, the only one that may be captured and observed; observation does not change its result.
fn first_run(args: &FlowArgs, experiment: &Experiment) -> Result<Run> {
    let create = |path: &PathBuf| Written::create(path, args.force).map(|file| (file, path.clone()));
    let capture = args.pcap.as_ref().map(create).transpose()?;
    let windows = args.cwnd.as_ref().map(create).transpose()?;
    let writer = |written: &Option<(Written, PathBuf)>| written.as_ref().map(|(file, _)| file.writer()).transpose();
    let captured = writer(&capture)?.map(|file| Box::new(file) as Box<dyn Write + Send>);
    let mut samples = writer(&windows)?;
    let mut failed = samples.as_mut().and_then(|file| writeln!(file, "{HEADINGS}").err());
    let observe = samples.as_mut().map(|file| {
        |sample: FlowSample| {
            failed = failed.take().or_else(|| write_sample(file, &sample).err());
        }
    });
    let run = experiment.run_observed(args.seed, observe, captured).wrap_err("cannot write the capture")?;
    let flushed = samples.map_or(Ok(()), |mut file| file.flush());
    failed.map_or(flushed, Err).wrap_err("cannot write the congestion windows")?;
    capture.into_iter().chain(windows).try_for_each(|(file, path)| file.finish(&path))?;
    Ok(run)
}

/// Column headings of the CSV file of congestion windows.
const HEADINGS: &str = "seconds,flow,cwnd_packets,ssthresh_packets,in_flight_packets,srtt_seconds,state";

fn write_sample(file: &mut impl Write, FlowSample { flow, sample }: &FlowSample) -> std::io::Result<()> {
    let threshold = sample.threshold.map(|threshold| threshold.to_string()).unwrap_or_default();
    writeln!(
        file,
        "{:.9},{flow},{},{threshold},{},{:.6},{}",
        sample.at.as_secs_f64(),
        sample.window,
        sample.in_flight,
        sample.srtt.as_secs_f64(),
        sample.phase
    )
}

fn text(report: &FlowReport, seed: u64) -> String {
    let row = |(n, run): (usize, &Run)| {
        vec![
            seed.wrapping_add(n as u64).to_string(),
            run.seconds.map_or("not finished".into(), seconds_of),
            run.retransmits.to_string(),
            run.rtos.to_string(),
            run.packets.to_string(),
        ]
    };
    let columns = ["seed", "time", "retransmits", "timeouts", "packets"].map(number_column).to_vec();
    let runs = Table { columns, rows: report.runs.iter().enumerate().map(row).collect(), empty: "no runs" };
    let seconds = |seconds: Option<f64>| seconds.map_or("-".into(), seconds_of);
    let unfinished = match report.runs.iter().filter(|run| run.seconds.is_none()).count() {
        0 => String::new(),
        count => format!("{count} of {} runs did not finish; of the others: ", report.runs.len()),
    };
    let width = output::terminal_width();
    let text = format!(
        "{}\n{unfinished}median {}, 10th percentile {}, 90th {}; {:.3} s of wall time; trace {}",
        runs.text(width),
        seconds(report.median_seconds),
        seconds(report.p10_seconds),
        seconds(report.p90_seconds),
        report.wall_seconds,
        report.trace_hash
    );
    wrapped(&text, width)
}
