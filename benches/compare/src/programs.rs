//! Families that a separate program in `src/bin` measures, such as `traceparent`. This module builds the program, runs
//! it and takes the records that it prints.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::drive::{self, Results};
use crate::family::{Measurement, Selection};
use crate::tsc;

/// A program.
#[derive(Debug, PartialEq, Eq)]
pub struct Program {
    /// The name of the program and of its family.
    pub name: &'static str,
    /// The measurement that it makes.
    measurement: Measurement,
    /// The batches of a round, with `--quick` and without.
    batches: [usize; 2],
    /// The result file of this family alone.
    pub results: &'static str,
}

/// All of them.
const ALL: &[Program] = &[
    Program {
        name: "traceparent",
        measurement: Measurement::TraceParent,
        batches: [8_000, 100_000],
        results: "results/traceparent.jsonl",
    },
    Program {
        name: "context",
        measurement: Measurement::Context,
        batches: [4_000, 20_000],
        results: "results/context.jsonl",
    },
    Program {
        name: "bridges",
        measurement: Measurement::Bridges,
        batches: [2_000, 20_000],
        results: "results/bridges.jsonl",
    },
    Program {
        name: "typed",
        measurement: Measurement::Typed,
        batches: [4_000, 50_000],
        results: "results/typed.jsonl",
    },
    Program {
        name: "http",
        measurement: Measurement::Http,
        batches: [2_000, 20_000],
        results: "results/http.jsonl",
    },
];

/// What to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The program.
    pub program: &'static Program,
    /// The number of times that every candidate is measured.
    pub rounds: usize,
    /// Batches of calls in a round.
    pub batches: usize,
}

/// The selected programs with the amounts that were given, or the defaults.
pub fn plans(
    selection: &Selection,
    rounds: Option<usize>,
    batches: Option<usize>,
    is_quick: bool,
) -> Vec<Plan> {
    let plan = |program: &'static Program| {
        let [quick, full] = program.batches;
        let default = if is_quick { quick } else { full };
        Plan { program, rounds: rounds.unwrap_or(3), batches: batches.unwrap_or(default) }
    };
    ALL.iter().filter(|program| selection.has(program.measurement)).map(plan).collect()
}

/// The result file of a run with or without events and a sweep: that of a program alone if it is all there is.
pub fn result_file(is_without_events: bool, has_sweep: bool, programs: &[Plan]) -> &'static str {
    match (is_without_events, has_sweep, programs) {
        (false, ..) => "results/latest.jsonl",
        (true, false, [plan, ..]) => plan.program.results,
        _ => "results/sweep.jsonl",
    }
}

/// Measures all candidates and adds their records, the description of the run first.
pub fn run(plan: Plan, results: &mut Results) -> Result<(), String> {
    let Plan { program: Program { name, .. }, rounds, batches } = plan;
    let program = build(name)?;
    let mut about = drive::machine(tsc::calibrate(Duration::from_millis(300)));
    about["family"] = json!(name);
    about["rounds"] = json!(rounds);
    about["batches"] = json!(batches);
    results.add(about)?;
    let output = Command::new(program)
        .args([rounds.to_string(), batches.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| format!("starting {name}: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(format!("{name} ended with {} and printed: {text}", output.status));
    }
    for line in text.lines() {
        let record: Value =
            serde_json::from_str(line).map_err(|e| format!("{name} printed {line}: {e}"))?;
        eprintln!("{}", print(&record, rounds));
        results.add(record)?;
    }
    Ok(())
}

/// Builds the program beside this one.
fn build(name: &str) -> Result<std::path::PathBuf, String> {
    let here = std::env::current_exe().map_err(|e| format!("current_exe: {e}"))?;
    let program = here.with_file_name(name);
    let cargo = std::env::var_os("CARGO").ok_or(format!("--family {name} needs `cargo run`"))?;
    let built = Command::new(cargo)
        .args(["build", "--release", "--quiet", "--locked", "--bin", name])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .status()
        .map_err(|e| format!("building {name}: {e}"))?;
    match built.success() && program.exists() {
        true => Ok(program),
        false => Err(format!("{} was not built; use `cargo run --release`", program.display())),
    }
}

/// One line about a record: the median of each thing that it measures, with its allocations if they are counted, or a
/// rate.
fn print(record: &Value, rounds: usize) -> String {
    let round = record["round"].as_u64().unwrap_or(0) + 1;
    let text = |key: &str| record[key].as_str().unwrap_or_default();
    let (name, mode) = (text("candidate"), text("mode"));
    let head = format!("[{round}/{rounds}] {name:<34} {mode}");
    if record["good"] == false {
        return format!("{head}  NOT GOOD: {}", record["complaint"]);
    }
    let part = |key: &&str| {
        let ns = record[*key]["p50"].as_f64()?;
        let allocations = &record[format!("{key}_allocations")];
        let allocations = allocations.as_f64().map(|count| format!(", {count} allocations"));
        Some(format!("{key} p50 {ns} ns{}", allocations.unwrap_or_default()))
    };
    let rate = record["requests_per_s"].as_f64().map(|rate| format!("{rate:.0} requests/s"));
    let parts = ["parse", "write", "call"].iter().filter_map(part).chain(rate);
    let parts: Vec<_> = parts.collect();
    format!("{head}  {}", parts.join("; "))
}
