//! What bounds a target, by experiment: floors that resemble ringseal in one more respect each, beside the floor or the
//! logger of the target.

use super::data::{self, Data};
use super::tables::{heading, line, ratio};

const LATENCY: &str = "latency";
const THROUGHPUT: &str = "throughput";

/// A quantity that a target compares.
struct Quantity {
    what: &'static str,
    mode: &'static str,
    path: &'static [&'static str],
    /// The configuration of ringseal that the target is about.
    own: &'static str,
    /// What the target compares it with.
    base: &'static str,
    /// The experiments, from the least like ringseal to the most.
    experiments: &'static [&'static str],
}

const CALL: &[&str] = &["ring_same", "ring_asleep", "ring_json_asleep"];

const fn call(
    what: &'static str,
    path: &'static [&'static str],
    base: &'static str,
    experiments: &'static [&'static str],
) -> Quantity {
    Quantity { what, mode: LATENCY, path, own: "ringseal", base, experiments }
}

const QUANTITIES: &[Quantity] = &[
    call("a call, p50", &["batch", "p50"], "ring", CALL),
    call("a call, p50", &["batch", "p50"], "ferrilog", &["enc_same", "ring_same", "ring_asleep"]),
    call("a call, p99", &["batch", "p99"], "ring", CALL),
    call("a call, p99.9", &["batch", "p999"], "ring", CALL),
    Quantity {
        own: "ringseal_coarse",
        ..call("coarse clock, p50", &["batch", "p50"], "enc_coarse", &["ring_coarse"])
    },
    call("a single call, p50", &["single", "p50"], "ferrilog", CALL),
    call("a cold call, p50", &["cold", "p50"], "ferrilog", CALL),
    Quantity {
        what: "events/s, not redacted",
        mode: THROUGHPUT,
        path: &["events_per_s"],
        own: "ringseal_unredacted",
        base: "ring_json_same",
        experiments: &["ring_json_asleep"],
    },
    Quantity {
        what: "events/s, redacted",
        mode: THROUGHPUT,
        path: &["events_per_s"],
        own: "ringseal",
        base: "ring_json_same",
        experiments: &["ring_json_asleep", "ring_json_redacted"],
    },
    Quantity {
        what: "processor time, redacted",
        mode: THROUGHPUT,
        path: &["cpu_ns_per_event"],
        own: "ringseal",
        base: "ring_json_same",
        experiments: &["ring_json_asleep", "ring_json_redacted"],
    },
];

/// The table; `None` if no experiment was measured.
pub fn table(data: &Data) -> Option<String> {
    let mut out = heading(&[
        "",
        "beside",
        "ringseal ÷ that",
        "experiment",
        "experiment ÷ that",
        "ringseal ÷ experiment",
    ]);
    let mut rows = 0;
    for quantity in QUANTITIES {
        let Quantity { what, mode, path, own, base, experiments } = *quantity;
        let Some(own) = data.series(own, mode) else { continue };
        for &experiment in experiments {
            let Some(series) = data.series(experiment, mode) else { continue };
            if data::rounds(series, path).is_none() {
                continue;
            }
            rows += 1;
            out.push_str(&line(&[
                what.to_owned(),
                base.to_owned(),
                ratio(data.ratio(own, mode, base, path)),
                experiment.to_owned(),
                ratio(data.ratio(series, mode, base, path)),
                ratio(data.ratio(own, mode, experiment, path)),
            ]));
        }
    }
    (rows > 0).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::candidates;
    use crate::family::Group;
    use serde_json::{Value, json};

    fn record(name: &str, p99: f64) -> Value {
        json!({
            "candidate": name, "mode": LATENCY, "round": 0, "good": true,
            "batch": {"p99": p99},
        })
    }

    #[test]
    fn an_experiment_lies_between_floor_and_logger() {
        let records = [record("ring", 10.0), record("ringseal", 30.0), record("ring_asleep", 20.0)];
        let table = table(&Data::of(&records)).expect("one was measured");
        let row = "| a call, p99 | ring | 3.00 (3.00–3.00) | ring_asleep | 2.00 (2.00–2.00) | 1.50 (1.50–1.50) |";
        assert_eq!(table.lines().skip(2).collect::<Vec<_>>(), [row]);
        assert_eq!(super::table(&Data::of(&records[..2])), None);
    }

    #[test]
    fn every_experiment_is_a_candidate_and_used() {
        let is_bound =
            |name: &str| candidates::find(name).map(|entry| entry.group) == Some(Group::Bounds);
        for quantity in QUANTITIES {
            assert!(quantity.experiments.iter().all(|name| is_bound(name)), "{}", quantity.what);
            assert!(candidates::find(quantity.own).is_some(), "{}", quantity.own);
            assert!(candidates::find(quantity.base).is_some(), "{}", quantity.base);
        }
        for entry in candidates::ALL.iter().filter(|entry| entry.group == Group::Bounds) {
            let is_used = |quantity: &Quantity| quantity.experiments.contains(&entry.name);
            assert!(QUANTITIES.iter().any(is_used), "{}", entry.name);
        }
    }
}
