//! The family `traceparent`: reads and writes the header of W3C Trace Context. The program `src/bin/traceparent.rs`
//! measures; this module builds it, runs it and takes its records.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::drive::{self, Results};
use crate::family::{Measurement, Selection};
use crate::tsc;

/// What to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amounts {
    /// The number of times that every candidate is measured.
    pub rounds: usize,
    /// Batches of 20 calls.
    pub batches: usize,
}

/// The result file of this family alone.
pub const RESULTS: &str = "results/traceparent.jsonl";

/// The amounts that were given, or the defaults; `None` if the family is not selected.
pub fn amounts(
    selection: &Selection,
    rounds: Option<usize>,
    batches: Option<usize>,
    is_quick: bool,
) -> Option<Amounts> {
    let default = if is_quick { 8_000 } else { 100_000 };
    let amounts = Amounts { rounds: rounds.unwrap_or(3), batches: batches.unwrap_or(default) };
    selection.has(Measurement::TraceParent).then_some(amounts)
}

/// Measures all candidates and adds their records, the description of the run first.
pub fn run(amounts: Amounts, results: &mut Results) -> Result<(), String> {
    let program = build()?;
    let mut about = drive::machine(tsc::calibrate(Duration::from_millis(300)));
    about["family"] = json!("traceparent");
    about["rounds"] = json!(amounts.rounds);
    about["batches"] = json!(amounts.batches);
    results.add(about)?;
    let output = Command::new(program)
        .args([amounts.rounds.to_string(), amounts.batches.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| format!("starting traceparent: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(format!("traceparent ended with {} and printed: {text}", output.status));
    }
    for line in text.lines() {
        let record: Value =
            serde_json::from_str(line).map_err(|e| format!("traceparent printed {line}: {e}"))?;
        eprintln!("{}", print(&record, amounts.rounds));
        results.add(record)?;
    }
    Ok(())
}

/// Builds the program beside this one.
fn build() -> Result<std::path::PathBuf, String> {
    let here = std::env::current_exe().map_err(|e| format!("current_exe: {e}"))?;
    let program = here.with_file_name("traceparent");
    let cargo = std::env::var_os("CARGO").ok_or("--family traceparent needs `cargo run`")?;
    let built = Command::new(cargo)
        .args(["build", "--release", "--quiet", "--locked", "--bin", "traceparent"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .status()
        .map_err(|e| format!("building traceparent: {e}"))?;
    match built.success() && program.exists() {
        true => Ok(program),
        false => Err(format!("{} was not built; use `cargo run --release`", program.display())),
    }
}

fn print(record: &Value, rounds: usize) -> String {
    let round = record["round"].as_u64().unwrap_or(0) + 1;
    let name = record["candidate"].as_str().unwrap_or_default();
    let head = format!("[{round}/{rounds}] {name:<18} traceparent");
    if record["good"] == false {
        return format!("{head}  NOT GOOD: {}", record["complaint"]);
    }
    let part = |key: &str| {
        let (ns, allocations) = (&record[key]["p50"], &record[format!("{key}_allocations")]);
        format!("{key} p50 {ns} ns, {allocations} allocations")
    };
    format!("{head} {}; {}", part("parse"), part("write"))
}
