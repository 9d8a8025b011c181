//! Runs the rounds. Each round measures every candidate once, each in a child process, and appends each record to the
//! results at once.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::candidates;
use crate::child::Mode;
use crate::options::{self, Run};
use crate::{sys, tsc};

/// Measures everything and returns the records, the description of the run first.
pub fn run(options: &Run) -> Result<Vec<Value>, String> {
    let tsc_hz = tsc::calibrate(Duration::from_millis(300));
    let mut results = Results::create(&options.results)?;
    results.add(describe_run(options, tsc_hz))?;
    for round in 0..options.rounds {
        for &name in round_order(&options.only, round).iter() {
            let writes = candidates::find(name).is_some_and(|entry| entry.writes());
            for &mode in options.modes.iter().filter(|&&mode| writes || mode == Mode::Latency) {
                let mut record = measure(name, mode, options, tsc_hz);
                record["round"] = json!(round);
                eprintln!("{}", line(&record, options.rounds));
                results.add(record)?;
            }
        }
    }
    let _ = fs::remove_dir(&options.dir); // keeps it if it contains other files
    Ok(results.records)
}

/// Each round starts with another candidate, so that no candidate always runs on the dirty pages of
/// the same predecessor.
fn round_order(names: &[&'static str], round: usize) -> Vec<&'static str> {
    let mut names = names.to_vec();
    let by = round * 5 % names.len().max(1);
    names.rotate_left(by);
    names
}

fn measure(name: &str, mode: Mode, options: &Run, tsc_hz: f64) -> Value {
    child(name, mode, options, tsc_hz)
        .unwrap_or_else(|error| json!({"candidate": name, "mode": mode.word(), "failed": error}))
}

fn child(name: &str, mode: Mode, options: &Run, tsc_hz: f64) -> Result<Value, String> {
    let dir = options.dir.join(format!("{name}-{}", mode.word()));
    spawn(options::child_words(name, mode, &dir, tsc_hz, options.amounts), &dir)
}

/// Runs this program with the arguments `words`, which select one measurement below `dir`, and returns the record that
/// it prints. `dir` is empty before and removed afterwards.
pub fn spawn(words: Vec<String>, dir: &Path) -> Result<Value, String> {
    empty(dir)?;
    let program = std::env::current_exe().map_err(|e| format!("current_exe: {e}"))?;
    let output = Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| format!("starting the child: {e}"))?;
    // Removed at once, before the kernel writes the pages to the disk while the next candidate is measured.
    fs::remove_dir_all(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    match serde_json::from_str(last) {
        Ok(record) if output.status.success() => Ok(record),
        _ => Err(format!("the child ended with {} and printed: {last}", output.status)),
    }
}

fn empty(dir: &Path) -> Result<(), String> {
    let describe = |e: std::io::Error| format!("{}: {e}", dir.display());
    if dir.exists() {
        fs::remove_dir_all(dir).map_err(describe)?;
    }
    fs::create_dir_all(dir).map_err(describe)
}

fn describe_run(options: &Run, tsc_hz: f64) -> Value {
    let amounts = options.amounts;
    let mut about = machine(tsc_hz);
    about["rounds"] = json!(options.rounds);
    about["batches"] = json!(amounts.batches);
    about["singles"] = json!(amounts.singles);
    about["colds"] = json!(amounts.colds);
    about["events"] = json!(amounts.events);
    about["versions"] = candidates::ALL
        .iter()
        .filter_map(|entry| Some((entry.name.to_owned(), json!(entry.version()?))))
        .collect::<serde_json::Map<_, _>>()
        .into();
    about
}

/// The machine and the time of the results: the beginning of the first record of each file.
pub fn machine(tsc_hz: f64) -> Value {
    json!({
        "mode": "about",
        "unix_s": std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs()),
        "cpu": sys::cpu_model(),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "kernel": sys::kernel(),
        "tsc_ghz": (tsc_hz / 1e7).round() / 100.0,
    })
}

fn line(record: &Value, rounds: usize) -> String {
    let word = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
    let round = record["round"].as_u64().unwrap_or(0) + 1;
    let head = format!("[{round}/{rounds}] {:<16} {:<10}", word("candidate"), word("mode"));
    if let Some(error) = record["failed"].as_str() {
        return format!("{head} FAILED: {error}");
    }
    let numbers = if record["mode"] == "latency" {
        let batch = &record["batch"];
        format!("p50 {} ns, p99 {} ns, p99.9 {} ns", batch["p50"], batch["p99"], batch["p999"])
    } else {
        let millions = record["events_per_s"].as_f64().unwrap_or(0.0) / 1e6;
        let cpu = record["cpu_ns_per_event"].as_f64().unwrap_or(0.0);
        format!("{millions:.2} M/s, {cpu:.0} ns cpu/event")
    };
    let verdict = if record["good"] == true {
        String::new()
    } else {
        let complaint = word("complaint");
        format!("  NOT GOOD: lost {} of {}; {complaint}", record["lost"], record["events"])
    };
    let others = record["others_share"].as_f64().unwrap_or(0.0) * 100.0;
    let noise = if others < 5.0 {
        String::new()
    } else {
        format!("  (others: {others:.0} % of the cores)")
    };
    format!("{head} {numbers}{noise}{verdict}")
}

/// The result file and its records.
pub struct Results {
    file: fs::File,
    /// The records so far.
    pub records: Vec<Value>,
}

impl Results {
    /// Creates the file, and its directory if that is missing.
    pub fn create(path: &Path) -> Result<Self, String> {
        let describe = |e: std::io::Error| format!("{}: {e}", path.display());
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(parent).map_err(describe)?;
        }
        Ok(Self { file: fs::File::create(path).map_err(describe)?, records: Vec::new() })
    }

    /// Appends a record and writes it at once.
    pub fn add(&mut self, record: Value) -> Result<(), String> {
        writeln!(self.file, "{record}").map_err(|e| format!("results: {e}"))?;
        self.records.push(record);
        Ok(())
    }
}
