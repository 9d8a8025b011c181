//! The tables of a sweep. Each is `None` if the results contain no sweep.

use super::data::{self, Data, Series};
use super::tables::{grouped, heading, line, plain, ranged, ratio};
use crate::candidates::ringseal::Tuning;
use crate::stats::Rounds;
use crate::sweep::point::What;
use crate::sweep::{self, bytes_word};

const SPEED: &[&str] = &["events_per_s"];
const CPU: &[&str] = &["cpu_ns_per_event"];

fn throughput<'a>(data: &'a Data, name: &str) -> Option<&'a Series> {
    data.series(name, What::Throughput.word())
}

fn millions(series: &Series) -> String {
    ratio(data::rounds(series, SPEED).map(|rounds| rounds.times(1e-6)))
}

/// Ring capacities and batch sizes.
pub fn capacity(data: &Data) -> Option<String> {
    let mut out = heading(&[
        "one producer",
        "M events/s",
        "÷ ring_json",
        "CPU ns/event",
        "p50, ns per call",
        "p99, ns per call",
    ]);
    let floor = throughput(data, sweep::FLOOR)?;
    let cpu = |series: &Series| ranged(data::rounds(series, CPU));
    let dash = || "–".to_owned();
    let name = format!("floor {}", sweep::FLOOR);
    out.push_str(&line(&[name, millions(floor), dash(), cpu(floor), dash(), dash()]));
    let rings = sweep::RING_BYTES
        .map(|ring_bytes| ("ring", ring_bytes, Tuning { ring_bytes, ..sweep::DEFAULT }));
    let batches = sweep::BATCH_BYTES
        .map(|batch_bytes| ("batch", batch_bytes, Tuning { batch_bytes, ..sweep::DEFAULT }));
    let mut notes = String::new();
    for (what, bytes, tuning) in rings.into_iter().chain(batches) {
        let (label, name) = (format!("{what} {}", bytes_word(bytes)), sweep::name(tuning, 1));
        let Some(series) = throughput(data, &name) else { continue };
        let calls = |key: &str| {
            let series = data.series(&name, What::Latency.word());
            ranged(series.and_then(|series| data::rounds(series, &["batch", key])))
        };
        notes.push_str(&note(&label, series));
        out.push_str(&line(&[
            label,
            millions(series),
            ratio(data.ratio(series, What::Throughput.word(), sweep::FLOOR, SPEED)),
            cpu(series),
            calls("p50"),
            calls("p99"),
        ]));
    }
    Some(out + &notes)
}

/// Numbers of rings.
pub fn rings(data: &Data) -> Option<String> {
    let mut out =
        heading(&["producers", "ring each", "M events/s", "÷ one producer", "CPU ns/event"]);
    let one = sweep::name(sweep::DEFAULT, 1);
    throughput(data, &one)?;
    let mut notes = String::new();
    for (producers, ring_bytes) in sweep::PRODUCERS {
        let name = sweep::name(Tuning { ring_bytes, ..sweep::DEFAULT }, producers);
        let Some(series) = throughput(data, &name) else { continue };
        notes.push_str(&note(&format!("{producers} producers"), series));
        out.push_str(&line(&[
            producers.to_string(),
            bytes_word(ring_bytes),
            millions(series),
            ratio(data.ratio(series, What::Throughput.word(), &one, SPEED)),
            ranged(data::rounds(series, CPU)),
        ]));
    }
    Some(out + &notes)
}

/// Idle cost, start time and binary size.
pub fn idle(data: &Data) -> Option<String> {
    let name = sweep::name(sweep::DEFAULT, 1);
    let rounds = |what: What, key: &str| -> Option<Rounds> {
        data::rounds(data.series(&name, what.word())?, &[key])
    };
    let percent = |what: What| rounds(what, "cpu_share").map(|share| share.times(100.0));
    percent(What::Idle)?;
    let mut out = heading(&["", "measured"]);
    let mut add = |label: &str, cell: String| out.push_str(&line(&[label.to_owned(), cell]));
    add("idle process, defaults, % of a core", thousandths(percent(What::Idle)));
    let label = "idle process, preset for latency, % of a core";
    add(label, thousandths(percent(What::IdleLatency)));
    let label = "a process that only wakes as often as an idle engine's writer, % of a core";
    if let Some(floor) = percent(What::IdleFloor) {
        add(label, thousandths(Some(floor)));
    }
    add("`init`, µs", ranged(rounds(What::Start, "init_us")));
    add("the first call of a thread, µs", ranged(rounds(What::Start, "first_call_us")));
    let label = "from the call of `init` to the first line in the file, µs";
    add(label, ranged(rounds(What::Start, "first_line_us")));
    if let Some(series) = data.series("minimal", "sweep_size") {
        let kib = |key: &str| match data::rounds(series, &[key]) {
            Some(bytes) => grouped(bytes.median / 1024.0),
            None => plain(None),
        };
        add("a program that logs one event, stripped, KiB", kib("bytes"));
        add("the same less a program that does nothing, KiB", kib("bytes_added"));
    }
    Some(out)
}

/// Three decimals: an idle share is small.
pub fn thousandths(rounds: Option<Rounds>) -> String {
    rounds.map_or_else(
        || plain(None),
        |Rounds { low, median, high }| format!("{median:.3} ({low:.3}–{high:.3})"),
    )
}

/// A sentence about lost events, if any.
fn note(label: &str, series: &Series) -> String {
    data::problem(series).map_or_else(String::new, |problem| format!("\n{label}: {problem}.\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn speed(name: &str, round: u64, per_s: f64) -> Value {
        json!({
            "candidate": name, "mode": "sweep_throughput", "round": round, "good": true,
            "events_per_s": per_s, "cpu_ns_per_event": 200.0,
        })
    }

    #[test]
    fn rings_are_compared_within_a_round() {
        let (one, many) = (sweep::name(sweep::DEFAULT, 1), sweep::name(sweep::DEFAULT, 64));
        let records =
            [speed(&one, 0, 4e6), speed(&many, 0, 2e6), speed(&one, 1, 8e6), speed(&many, 1, 4e6)];
        let table = rings(&Data::of(&records)).expect("there is a sweep");
        assert!(table.contains("| 64 | 1 MiB | 3.00 (2.00–4.00) | 0.50 (0.50–0.50) |"), "{table}");
        assert_eq!(capacity(&Data::of(&records)), None, "the floor is missing");
        assert_eq!(rings(&Data::of(&[])), None);
    }
}
