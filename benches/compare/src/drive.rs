//! Runs the rounds. Each round measures every candidate once, each in a child process, and appends each record to the
//! results at once.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::candidates::{self, Entry};
use crate::child::Mode;
use crate::options::{self, Run};
use crate::peer::{self, Built};
use crate::{programs, sweep, sys, tsc};

/// Measures everything and returns the records, the description of each run first.
pub fn run(options: &Run) -> Result<Vec<Value>, String> {
    let mut results = Results::create(&options.results)?;
    if !options.modes.is_empty() {
        run_candidates(options, &mut results)?;
    }
    if let Some(sweep) = &options.sweep {
        sweep::run(sweep, &mut results)?;
    }
    for plan in &options.programs {
        programs::run(*plan, &mut results)?;
    }
    let _ = fs::remove_dir(&options.dir); // keeps it if it contains other files
    Ok(results.records)
}

fn run_candidates(options: &Run, results: &mut Results) -> Result<(), String> {
    let (candidates, peer) = available(options)?;
    let tsc_hz = tsc::calibrate(Duration::from_millis(300));
    results.add(describe_run(options, peer.as_ref(), tsc_hz))?;
    for round in 0..options.rounds {
        for entry in round_order(&candidates, round) {
            let modes = options.modes.iter().copied();
            for mode in modes.filter(|&mode| entry.writes() || mode == Mode::Latency) {
                let mut record = measure(entry.name, mode, options, tsc_hz);
                record["round"] = json!(round);
                eprintln!("{}", line(&record, options.rounds));
                results.add(record)?;
            }
        }
    }
    Ok(())
}

/// The candidates that can be measured here, and whether the peer in C++ is among them, if it was selected.
fn available(options: &Run) -> Result<(Vec<&'static Entry>, Option<Built>), String> {
    let mut candidates = options.candidates.clone();
    if !candidates.iter().any(|entry| entry.is_peer()) {
        return Ok((candidates, None));
    }
    let built = peer::build(options.quill.as_deref())?;
    match &built {
        Built::Yes(peer) => eprintln!("quill {}", peer.phrase()),
        Built::Skipped(reason) => {
            candidates.retain(|entry| !entry.is_peer());
            if candidates.is_empty() {
                return Err(format!(
                    "there is nothing else to measure, and quill is skipped: {reason}"
                ));
            }
            eprintln!("quill is skipped: {reason}");
        }
    }
    Ok((candidates, Some(built)))
}

/// Each round starts with another candidate, so that no candidate always runs on the dirty pages of
/// the same predecessor.
fn round_order(candidates: &[&'static Entry], round: usize) -> Vec<&'static Entry> {
    let mut candidates = candidates.to_vec();
    let by = round * 5 % candidates.len().max(1);
    candidates.rotate_left(by);
    candidates
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

fn describe_run(options: &Run, peer: Option<&Built>, tsc_hz: f64) -> Value {
    let amounts = options.amounts;
    let mut about = machine(tsc_hz);
    about["rounds"] = json!(options.rounds);
    about["batches"] = json!(amounts.batches);
    about["singles"] = json!(amounts.singles);
    about["colds"] = json!(amounts.colds);
    about["events"] = json!(amounts.events);
    let mut versions: serde_json::Map<_, _> = candidates::ALL
        .iter()
        .filter_map(|entry| Some((entry.name.to_owned(), json!(entry.version()?))))
        .collect();
    match peer {
        Some(Built::Yes(peer)) => {
            versions.insert("quill".to_owned(), json!(peer.phrase()));
            about["quill"] = peer.record();
        }
        Some(Built::Skipped(reason)) => about["quill"] = json!({"skipped": reason}),
        None => {}
    }
    about["versions"] = versions.into();
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
    let head = format!("[{round}/{rounds}] {:<18} {:<10}", word("candidate"), word("mode"));
    if let Some(error) = record["failed"].as_str() {
        return format!("{head} FAILED: {error}");
    }
    let numbers = if record["mode"] == "latency" {
        latency_words(record)
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

/// The measured ones of batches, single calls and cold calls.
fn latency_words(record: &Value) -> String {
    let words = |kind: &str| {
        let one = record[kind].as_object()?;
        Some(format!("{kind} p50 {} ns, p99 {}, p99.9 {}", one["p50"], one["p99"], one["p999"]))
    };
    ["batch", "single", "cold"].into_iter().filter_map(words).collect::<Vec<_>>().join("; ")
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
