//! `compare sweep`: measures ringseal with different ring and batch sizes and numbers of rings, when idle, and at its
//! start. Every measurement is a child process, and `ring_json` is measured in every round with throughput. The
//! records usually go to a separate file, which `report` reads in addition to the main one.

pub mod point;
mod size;

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::candidates::ringseal::Tuning;
use crate::child::Mode;
use crate::drive::{self, Results};
use crate::family::Measurement;
use crate::measure::Amounts;
use crate::{options, tsc};
use point::{Plan, What};

/// Options of `sweep`.
#[derive(Debug)]
pub struct Sweep {
    /// The parts to measure.
    pub parts: Vec<Measurement>,
    /// The number of times that every point is measured.
    pub rounds: usize,
    /// The amount to measure at each point.
    pub amounts: Amounts,
    /// The time for which an idle engine is observed.
    pub idle: Duration,
    /// The directory in which lines are written.
    pub dir: PathBuf,
}

/// The default of both sizes.
pub const DEFAULT: Tuning = Tuning { ring_bytes: 1 << 20, batch_bytes: 1 << 20 };
/// Ring capacities, with the default batch size.
pub const RING_BYTES: [usize; 8] =
    [64 << 10, 128 << 10, 256 << 10, 512 << 10, 1 << 20, 2 << 20, 4 << 20, 8 << 20];
/// Batch sizes, with the default ring capacity.
pub const BATCH_BYTES: [usize; 4] = [64 << 10, 256 << 10, 1 << 20, 4 << 20];
/// Numbers of producers, each with its ring, and the bytes of each ring: first the default; at the end, all rings
/// together have the size of one default ring.
pub const PRODUCERS: [(usize, usize); 5] =
    [(1, 1 << 20), (2, 1 << 20), (8, 1 << 20), (64, 1 << 20), (64, 16 << 10)];
/// The floor among the sweep's records.
pub const FLOOR: &str = "ring_json";

/// The name of a measurement in the results.
pub fn name(tuning: Tuning, producers: usize) -> String {
    let Tuning { ring_bytes, batch_bytes } = tuning;
    format!("ring={ring_bytes} batch={batch_bytes} producers={producers}")
}

/// A capacity as text.
pub fn bytes_word(bytes: usize) -> String {
    if bytes < 1 << 20 { format!("{} KiB", bytes >> 10) } else { format!("{} MiB", bytes >> 20) }
}

/// Measures everything and adds the records, the description of the sweep first.
pub fn run(options: &Sweep, results: &mut Results) -> Result<(), String> {
    let begin = std::time::Instant::now();
    let tsc_hz = tsc::calibrate(Duration::from_millis(300));
    results.add(describe_run(options, tsc_hz))?;
    if options.parts.contains(&Measurement::Idle)
        && let Some(record) = size::measure()
    {
        print_record(&record, options.rounds);
        results.add(record)?;
    }
    for round in 0..options.rounds {
        for plan in round_order(plans(&options.parts), round) {
            let mut record = measure(plan, options, tsc_hz);
            record["round"] = json!(round);
            print_record(&record, options.rounds);
            results.add(record)?;
        }
    }
    eprintln!("the sweep took {:.0} s", begin.elapsed().as_secs_f64());
    Ok(())
}

/// The measurements of a round, each once; `None` is the floor.
fn plans(parts: &[Measurement]) -> Vec<Option<Plan>> {
    let mut plans = Vec::new();
    let mut add = |plan: Option<Plan>| {
        if !plans.contains(&plan) {
            plans.push(plan);
        }
    };
    let plan = |what, tuning, producers| Some(Plan { what, tuning, producers });
    if parts.contains(&Measurement::Rings) || parts.contains(&Measurement::Capacity) {
        add(None);
    }
    if parts.contains(&Measurement::Rings) {
        for (producers, ring_bytes) in PRODUCERS {
            add(plan(What::Throughput, Tuning { ring_bytes, ..DEFAULT }, producers));
        }
    }
    if parts.contains(&Measurement::Capacity) {
        let rings = RING_BYTES.map(|ring_bytes| Tuning { ring_bytes, ..DEFAULT });
        let batches = BATCH_BYTES.map(|batch_bytes| Tuning { batch_bytes, ..DEFAULT });
        for tuning in rings.into_iter().chain(batches) {
            add(plan(What::Throughput, tuning, 1));
            add(plan(What::Latency, tuning, 1));
        }
    }
    if parts.contains(&Measurement::Idle) {
        for what in [What::Start, What::Idle, What::IdleLatency, What::IdleFloor] {
            add(plan(what, DEFAULT, 1));
        }
    }
    plans
}

/// Each round starts at another place of the same order.
fn round_order(mut plans: Vec<Option<Plan>>, round: usize) -> Vec<Option<Plan>> {
    let by = round * 11 % plans.len().max(1);
    plans.rotate_left(by);
    plans
}

fn measure(plan: Option<Plan>, options: &Sweep, tsc_hz: f64) -> Value {
    let (name, what) = match plan {
        Some(plan) => (name(plan.tuning, plan.producers), plan.what),
        None => (FLOOR.to_owned(), What::Throughput),
    };
    let dir = options.dir.join(format!("sweep-{}", what.word()));
    let words = match plan {
        Some(plan) => options::point_words(plan, &dir, tsc_hz, options),
        None => options::child_words(FLOOR, Mode::Throughput, &dir, tsc_hz, options.amounts),
    };
    let mut record =
        drive::spawn(words, &dir).unwrap_or_else(|error| json!({"failed": error, "good": false}));
    record["candidate"] = json!(name);
    record["mode"] = json!(what.word());
    record
}

fn describe_run(options: &Sweep, tsc_hz: f64) -> Value {
    let mut about = drive::machine(tsc_hz);
    about["sweep"] = json!(true);
    about["rounds"] = json!(options.rounds);
    about["batches"] = json!(options.amounts.batches);
    about["events"] = json!(options.amounts.events);
    about["idle_s"] = json!(options.idle.as_secs_f64());
    about
}

/// The keys whose numbers are printed while the sweep runs.
const TOLD: [&str; 5] =
    ["events_per_s", "cpu_share", "first_line_us", "bytes_added", "cpu_ns_per_event"];

fn print_record(record: &Value, rounds: usize) {
    let round = record["round"].as_u64().map_or(0, |round| round + 1);
    let word = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
    let mut numbers: Vec<String> = TOLD
        .into_iter()
        .filter_map(|key| Some(format!("{key} {:.4}", record[key].as_f64()?)))
        .collect();
    if let (Some(p50), Some(p99)) =
        (record["batch"]["p50"].as_f64(), record["batch"]["p99"].as_f64())
    {
        numbers.push(format!("p50 {p50} ns, p99 {p99} ns"));
    }
    let verdict = match (record["failed"].as_str(), record["good"] == false) {
        (Some(error), _) => format!("  FAILED: {error}"),
        (None, true) => format!("  NOT GOOD: lost {}; {}", record["lost"], word("complaint")),
        (None, false) => String::new(),
    };
    let (mode, name, numbers) = (word("mode"), word("candidate"), numbers.join(", "));
    eprintln!("[{round}/{rounds}] {mode:<18} {name:<42} {numbers}{verdict}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_of_every_axis_is_measured_once() {
        let plans = plans(crate::family::SWEEP);
        for (at, plan) in plans.iter().enumerate() {
            assert!(!plans[..at].contains(plan), "{plan:?}");
        }
        let has = |what, tuning, producers| plans.contains(&Some(Plan { what, tuning, producers }));
        for ring_bytes in RING_BYTES {
            let tuning = Tuning { ring_bytes, ..DEFAULT };
            assert!(has(What::Throughput, tuning, 1) && has(What::Latency, tuning, 1));
        }
        for (producers, ring_bytes) in PRODUCERS {
            assert!(has(What::Throughput, Tuning { ring_bytes, ..DEFAULT }, producers));
        }
        assert!(plans.contains(&None));
        assert_eq!(round_order(plans.clone(), 2).len(), plans.len());
    }

    #[test]
    fn a_part_is_measured_alone() {
        let whats = |part| -> Vec<Option<What>> {
            plans(&[part]).into_iter().map(|plan| plan.map(|plan| plan.what)).collect()
        };
        let rings = whats(Measurement::Rings);
        assert_eq!(rings.len(), 1 + PRODUCERS.len());
        assert!(rings[1..].iter().all(|&what| what == Some(What::Throughput)));
        let idle = [What::Start, What::Idle, What::IdleLatency, What::IdleFloor].map(Some);
        assert_eq!(whats(Measurement::Idle), idle);
        assert!(whats(Measurement::Capacity).contains(&Some(What::Latency)));
        assert!(round_order(plans(&[]), 1).is_empty());
    }
}
