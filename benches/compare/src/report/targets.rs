//! The targets, the measured values, and the verdicts. The limits are constants here; everything
//! else is computed from the results.

use super::data::{self, Data, ENC, ENC_COARSE};
use super::sweep::thousandths;
use super::tables::{heading, line, ratio};
use crate::stats::Rounds;
use crate::sweep::{self, point::What};

const OWN: &str = "ringseal";
const UNREDACTED: &str = "ringseal_unredacted";
/// The floor with a reader, which any ring pays for.
const RING: &str = "ring";
const FERRILOG: &str = "ferrilog";
/// The floor that writes lines as long as ringseal's.
const RING_JSON_SAME: &str = "ring_json_same";
const SAME_UNIT: &str = " × ring_json_same";
const LATENCY: &str = "latency";
const THROUGHPUT: &str = "throughput";
const TRACING: &str = "tracing";
const P50: &[&str] = &["batch", "p50"];
const P99: &[&str] = &["batch", "p99"];
const P999: &[&str] = &["batch", "p999"];
const SPEED: &[&str] = &["events_per_s"];
const CPU: &[&str] = &["cpu_ns_per_event"];

#[derive(Clone, Copy)]
enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

impl Limit {
    fn admits(self, value: f64) -> bool {
        match self {
            Self::AtMost(limit) => value <= limit,
            Self::AtLeast(limit) => value >= limit,
        }
    }

    fn word(self) -> String {
        match self {
            Self::AtMost(limit) => format!("≤ {}", thousandth(limit)),
            Self::AtLeast(limit) => format!("≥ {}", thousandth(limit)),
        }
    }
}

/// Rounded to three decimals.
fn thousandth(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// A row.
struct Target<'a> {
    what: &'static str,
    limit: Limit,
    /// The text after the limit: a unit or the divisor.
    unit: &'static str,
    measured: Option<Rounds>,
    /// The measured value; a number of a candidate that lost events does not count.
    of: [(&'a str, &'a str); 2],
}

impl Target<'_> {
    fn verdict(&self, data: &Data) -> String {
        let problems = self.of.iter().filter_map(|(name, mode)| {
            let problem = data::problem(data.series(name, mode)?)?;
            Some(format!("does not count: {name} {problem}"))
        });
        if let Some(problem) = problems.into_iter().next() {
            return problem;
        }
        let Some(Rounds { low, median, high }) = self.measured else {
            return "not measured".to_owned();
        };
        let met = [low, median, high].map(|value| self.limit.admits(value));
        match met {
            [true, true, true] => "met".to_owned(),
            [_, true, _] => "met at the median, not in every round".to_owned(),
            _ => "**not met**".to_owned(),
        }
    }

    fn line(&self, data: &Data) -> String {
        let cell =
            if self.unit == PERCENT { thousandths(self.measured) } else { ratio(self.measured) };
        let target = format!("{}{}", self.limit.word(), self.unit);
        line(&[self.what.to_owned(), target, cell, self.verdict(data)])
    }
}

const PERCENT: &str = " % of a core";

/// The table.
pub fn table(data: &Data) -> String {
    let (one, many) = (sweep::name(sweep::DEFAULT, 1), sweep::name(sweep::DEFAULT, 64));
    let mut out = heading(&["", "target", "measured", ""]);
    let rows = RATIOS
        .iter()
        .map(|ratio| ratio.target(data))
        .chain([well_below_ferrilog(data)])
        .chain(below_quill(data))
        .chain(differences(data))
        .chain(sweep_targets(data, &one, &many));
    rows.for_each(|row| out.push_str(&row.line(data)));
    out
}

/// A quantity of ringseal, divided by that of a floor or another logger.
struct Ratio {
    what: &'static str,
    limit: Limit,
    /// The text after the limit.
    unit: &'static str,
    mode: &'static str,
    of: &'static str,
    base: &'static str,
    path: &'static [&'static str],
}

/// `OWN` in latency, at most `limit` times `base`.
const fn call(
    what: &'static str,
    limit: f64,
    unit: &'static str,
    base: &'static str,
    path: &'static [&'static str],
) -> Ratio {
    Ratio { what, limit: Limit::AtMost(limit), unit, mode: LATENCY, of: OWN, base, path }
}

/// `of` in throughput, at least `limit` times `base`.
const fn flow(
    what: &'static str,
    limit: f64,
    unit: &'static str,
    of: &'static str,
    base: &'static str,
) -> Ratio {
    Ratio { what, limit: Limit::AtLeast(limit), unit, mode: THROUGHPUT, of, base, path: SPEED }
}

/// `OWN`'s processor time, at most `limit` times that of `base`.
const fn work(what: &'static str, limit: f64, unit: &'static str, base: &'static str) -> Ratio {
    Ratio { limit: Limit::AtMost(limit), path: CPU, ..flow(what, 0.0, unit, OWN, base) }
}

const RATIOS: &[Ratio] = &[
    call("a call, exact clock, p50", 1.15, " × ring", RING, P50),
    call("the same", 1.0, " × ferrilog", FERRILOG, P50),
    call("the same, p99", 1.3, " × ring", RING, P99),
    call("the same, p99", 1.0, " × ferrilog", FERRILOG, P99),
    call("the same, p99.9", 1.3, " × ring", RING, P999),
    call("the same, p99.9", 1.0, " × ferrilog", FERRILOG, P999),
    Ratio {
        of: "ringseal_coarse",
        ..call("a call, coarse clock, p50", 1.5, " × enc_coarse", ENC_COARSE, P50)
    },
    call("a single call, p50", 1.0, " × ferrilog", FERRILOG, &["single", "p50"]),
    call("a cold call, p50", 1.0, " × ferrilog", FERRILOG, &["cold", "p50"]),
    flow("events/s, JSON, one producer, not redacted", 0.9, SAME_UNIT, UNREDACTED, RING_JSON_SAME),
    flow("the same, redacted by default", 0.75, SAME_UNIT, OWN, RING_JSON_SAME),
    flow("events/s, not redacted, beside tracing", 10.0, " × tracing", UNREDACTED, TRACING),
    flow("the same, redacted by default", 10.0, " × tracing", OWN, TRACING),
    work("processor time an event, redacted", 1.3, SAME_UNIT, RING_JSON_SAME),
    work("the same, beside tracing", 1.0 / 12.0, " × tracing", TRACING),
];

impl Ratio {
    fn target(&self, data: &Data) -> Target<'static> {
        let Self { what, limit, unit, mode, of, base, path } = *self;
        let series = data.series(of, mode);
        let measured = series.and_then(|series| data.ratio(series, mode, base, path));
        Target { what, limit, unit, measured, of: [(of, mode), (base, mode)] }
    }
}

/// The ratio to ferrilog's p50, of the rounds in which 0.8 times that is above the floor without a reader: elsewhere
/// the machine leaves no space for it.
fn well_below_ferrilog(data: &Data) -> Target<'static> {
    const SHARE: f64 = 0.8;
    let p50 = |name: &str, round: &(usize, u64)| {
        data::number(data.series(name, LATENCY)?.get(round)?, P50)
    };
    let rounds = data.series(OWN, LATENCY).into_iter().flat_map(|series| series.keys());
    let measured = Rounds::of(rounds.filter_map(|round| {
        let ferrilog = p50(FERRILOG, round)?;
        let has_space = ferrilog * SHARE > p50(ENC, round)?;
        if has_space { Some(p50(OWN, round)? / ferrilog) } else { None }
    }));
    Target {
        what: "a call, p50, in rounds where 0.8 × ferrilog is above enc",
        limit: Limit::AtMost(SHARE),
        unit: " × ferrilog",
        measured,
        of: [(OWN, LATENCY), (FERRILOG, LATENCY)],
    }
}

/// p50 and p99 beside the quicker of quill's sinks.
fn below_quill(data: &Data) -> [Target<'static>; 2] {
    let base = quill(data).unwrap_or("quill_json");
    let row = |what, path| call(what, 1.0, " × quill", base, path).target(data);
    [row("a call, p50, beside the quicker of quill's sinks", P50), row("the same, p99", P99)]
}

fn quill(data: &Data) -> Option<&'static str> {
    let p50 = |name| Some((name, data::rounds(data.series(name, LATENCY)?, P50)?.median));
    let measured = ["quill_json", "quill_text"].into_iter().filter_map(p50);
    measured.min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(name, _)| name)
}

/// p50 of `of` minus that of `base`, at most this many nanoseconds.
fn minus(
    data: &Data,
    what: &'static str,
    limit: f64,
    (of, base): (&'static str, &'static str),
) -> Target<'static> {
    let series = data.series(of, LATENCY);
    let measured = series.and_then(|series| data.difference(series, LATENCY, base, P50));
    let of = [(of, LATENCY), (base, LATENCY)];
    Target { what, limit: Limit::AtMost(limit), unit: " ns", measured, of }
}

fn differences(data: &Data) -> [Target<'static>; 2] {
    let disabled = "a disabled call, p50, less the timing's own share (floor empty)";
    let bound = "five bound fields, p50, less the same logger without";
    [
        minus(data, disabled, 1.0, ("ringseal_disabled", "empty")),
        minus(data, bound, 3.0, ("ringseal_bound", "ringseal_logger")),
    ]
}

fn sweep_targets<'a>(data: &Data, one: &'a str, many: &'a str) -> [Target<'a>; 2] {
    let flow = What::Throughput.word();
    let measured = data.series(many, flow).and_then(|many| data.ratio(many, flow, one, SPEED));
    let idle = data
        .series(one, What::Idle.word())
        .and_then(|series| data::rounds(series, &["cpu_share"]))
        .map(|share| share.times(100.0));
    [
        Target {
            what: "throughput over 64 rings, beside one",
            limit: Limit::AtLeast(0.9),
            unit: " × one ring",
            measured,
            of: [(many, flow), (one, flow)],
        },
        Target {
            what: "an idle process",
            limit: Limit::AtMost(0.05),
            unit: PERCENT,
            measured: idle,
            of: [(one, What::Idle.word()); 2],
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn record(name: &str, round: u64, p50: f64, lost: u64) -> Value {
        json!({
            "candidate": name, "mode": LATENCY, "round": round, "lost": lost, "good": lost == 0,
            "events": 10, "batch": {"p50": p50, "p99": 2.0 * p50, "p999": 4.0 * p50},
            "kind": if name == OWN { "own" } else { "floor" },
        })
    }

    /// The last cell of the line that begins with `what`.
    fn verdict(records: &[Value], what: &str) -> String {
        let table = table(&Data::of(records));
        let line = table.lines().find(|line| line.starts_with(&format!("| {what}")));
        let line = line.expect("the row is there").trim_end_matches(" |");
        line.rsplit("| ").next().unwrap_or_default().to_owned()
    }

    #[test]
    fn verdicts_follow_from_the_rounds() {
        let rounds = |own: [f64; 3], lost: u64| -> Vec<Value> {
            (0..3)
                .flat_map(|round| {
                    [record(RING, round, 10.0, 0), record(OWN, round, own[round as usize], lost)]
                })
                .collect()
        };
        let table = [
            ([10.0, 11.0, 11.5], 0, "met"),
            ([10.0, 11.0, 12.0], 0, "met at the median, not in every round"),
            ([10.0, 12.0, 12.0], 0, "**not met**"),
            (
                [10.0, 10.0, 10.0],
                1,
                "does not count: ringseal 3 lost of 30 events in 3 of 3 rounds",
            ),
        ];
        for (own, lost, wanted) in table {
            assert_eq!(verdict(&rounds(own, lost), "a call, exact clock, p50"), wanted);
        }
        assert_eq!(verdict(&rounds([10.0; 3], 0), "an idle process"), "not measured");
    }

    #[test]
    fn only_rounds_with_space_are_compared() {
        let round = |round: u64, enc: f64, ferrilog: f64, own: f64| {
            [
                record(ENC, round, enc, 0),
                record(FERRILOG, round, ferrilog, 0),
                record(OWN, round, own, 0),
            ]
        };
        let what = "a call, p50, in rounds where";
        let records = [round(0, 10.0, 20.0, 15.0), round(1, 10.0, 12.0, 12.0)].concat();
        assert_eq!(verdict(&records, what), "met");
        assert_eq!(verdict(&records[3..], what), "not measured");
        assert_eq!(verdict(&round(0, 10.0, 20.0, 17.0), what), "**not met**");
    }

    #[test]
    fn the_quicker_sink_of_quill_counts() {
        let what = "a call, p50, beside the quicker";
        let mut records = vec![record(OWN, 0, 20.0, 0), record("quill_text", 0, 25.0, 0)];
        assert_eq!(verdict(&records, what), "met");
        records.push(record("quill_json", 0, 19.0, 0));
        assert_eq!(verdict(&records, what), "**not met**");
        assert_eq!(verdict(&records[..1], what), "not measured");
    }

    #[test]
    fn every_target_names_known_candidates() {
        for ratio in RATIOS {
            for name in [ratio.of, ratio.base] {
                assert!(crate::candidates::find(name).is_some(), "{name}");
            }
        }
    }
}
