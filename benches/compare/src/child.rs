//! One measurement in a separate process, because most loggers are global and can be started only once.

use std::path::Path;

use serde_json::{Value, json};

use crate::candidates;
use crate::check::{Verdict, check};
use crate::event::BATCH;
use crate::measure::{Amounts, Latency, Logged, Throughput};
use crate::stats::Summary;
use crate::sys;

/// The kind of measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The producer's side.
    Latency,
    /// End to end.
    Throughput,
}

impl Mode {
    /// The word on the command line and in result files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Throughput => "throughput",
        }
    }

    /// The mode of that word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Latency, Self::Throughput].into_iter().find(|mode| mode.word() == word)
    }
}

/// Measures one candidate under `dir` and returns its result record, without the round.
pub fn run(
    name: &str,
    mode: Mode,
    dir: &Path,
    amounts: Amounts,
    tsc_hz: f64,
) -> Result<Value, String> {
    let entry = candidates::find(name).ok_or_else(|| format!("no candidate is named {name}"))?;
    let mut record = observe(|| match mode {
        Mode::Latency => {
            let (times, logged) = (entry.latency)(dir, amounts, tsc_hz)?;
            Ok((latency_record(times, tsc_hz), logged))
        }
        Mode::Throughput => {
            let (flow, logged) = (entry.throughput)(dir, amounts)?;
            Ok((throughput_record(&flow, amounts.events), logged))
        }
    })?;
    record["candidate"] = json!(entry.name);
    record["kind"] = json!(entry.kind.word());
    record["format"] = json!(entry.format.word());
    record["mode"] = json!(mode.word());
    Ok(record)
}

/// Measures, records the load by other processes, and checks the output.
pub fn observe(measure: impl FnOnce() -> Result<(Value, Logged), String>) -> Result<Value, String> {
    let (before, begin) = (Noise::read()?, std::time::Instant::now());
    let (mut record, logged) = measure()?;
    let noise = Noise::read()?.since(before, begin.elapsed().as_secs_f64());
    record["others_share"] = json!(noise.others);
    record["stolen_share"] = json!(noise.stolen);
    let verdict = check(&logged)?;
    add_verdict(&mut record, &verdict, &logged);
    Ok(record)
}

/// The load by other processes: seconds of one core, or shares of both cores.
#[derive(Clone, Copy)]
struct Noise {
    others: f64,
    stolen: f64,
}

impl Noise {
    fn read() -> Result<Self, String> {
        let machine = sys::machine();
        let own_s: f64 =
            [sys::cpu()?, sys::children_cpu()?].iter().map(|cpu| cpu.user_s + cpu.system_s).sum();
        Ok(Self { others: machine.busy_s - own_s, stolen: machine.stolen_s })
    }

    fn since(self, before: Self, wall_s: f64) -> Self {
        let share = |now: f64, then: f64| {
            let share = (now - then) / (wall_s * sys::CORES_USED);
            (share.max(0.0) * 1000.0).round() / 1000.0
        };
        Self {
            others: share(self.others, before.others),
            stolen: share(self.stolen, before.stolen),
        }
    }
}

/// The record of a latency measurement.
pub fn latency_record(times: Latency, tsc_hz: f64) -> Value {
    let ns = 1e9 / tsc_hz;
    json!({
        "batch": Summary::of(times.batches, ns / BATCH as f64),
        "single": Summary::of(times.singles, ns),
        "cold": Summary::of(times.colds, ns),
    })
}

/// The record of a throughput measurement.
pub fn throughput_record(flow: &Throughput, timed_events: u64) -> Value {
    let events = timed_events as f64;
    json!({
        "timed_events": timed_events,
        "wall_s": flow.wall.as_secs_f64(),
        "calls_s": flow.calls.as_secs_f64(),
        "user_s": flow.cpu.user_s,
        "system_s": flow.cpu.system_s,
        "events_per_s": events / flow.wall.as_secs_f64(),
        "cpu_ns_per_event": (flow.cpu.user_s + flow.cpu.system_s) * 1e9 / events,
    })
}

fn add_verdict(record: &mut Value, verdict: &Verdict, logged: &Logged) {
    record["events"] = json!(logged.events);
    record["arrived"] = json!(verdict.arrived);
    record["lost"] = json!(verdict.lost);
    record["twice"] = json!(verdict.twice);
    record["wrong"] = json!(verdict.wrong);
    record["other_lines"] = json!(verdict.other);
    record["complaint"] = json!(verdict.complaint);
    record["good"] = json!(verdict.is_good());
    record["bytes"] = json!(logged.bytes);
    record["bytes_per_event"] = json!(logged.bytes as f64 / logged.events.max(1) as f64);
}
