//! The targets, the measured values, and the verdicts. The limits are constants here; everything
//! else is computed from the results.

use super::data::{self, Data, ENC, ENC_COARSE, RING_JSON};
use super::sweep::thousandths;
use super::tables::{heading, line, ratio};
use crate::stats::Rounds;
use crate::sweep::{self, point::What};

const OWN: &str = "ringseal";
const UNREDACTED: &str = "ringseal_unredacted";
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
            Self::AtMost(limit) => format!("≤ {limit}"),
            Self::AtLeast(limit) => format!("≥ {limit}"),
        }
    }
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
    let rows = latency(data)
        .into_iter()
        .chain(throughput_targets(data))
        .chain(sweep_targets(data, &one, &many));
    rows.for_each(|row| out.push_str(&row.line(data)));
    out
}

/// `of` ÷ `base`.
fn divided<'a>(
    data: &Data,
    what: &'static str,
    limit: Limit,
    unit: &'static str,
    mode: &'a str,
    (of, base, path): (&'a str, &'a str, &[&str]),
) -> Target<'a> {
    let measured = data.series(of, mode).and_then(|series| data.ratio(series, mode, base, path));
    Target { what, limit, unit, measured, of: [(of, mode), (base, mode)] }
}

/// `of` minus `base`.
fn minus<'a>(
    data: &Data,
    what: &'static str,
    limit: Limit,
    (of, base): (&'a str, &'a str),
) -> Target<'a> {
    let series = data.series(of, LATENCY);
    let measured = series.and_then(|series| data.difference(series, LATENCY, base, P50));
    Target { what, limit, unit: " ns", measured, of: [(of, LATENCY), (base, LATENCY)] }
}

fn latency(data: &Data) -> Vec<Target<'_>> {
    let most = Limit::AtMost;
    let enc =
        |what, limit, path| divided(data, what, most(limit), " × enc", LATENCY, (OWN, ENC, path));
    let coarse = ("ringseal_coarse", ENC_COARSE, P50);
    let mut rows = vec![
        enc("a call, exact clock, p50", 1.15, P50),
        enc("the same, p99", 1.3, P99),
        enc("the same, p99.9", 1.3, P999),
    ];
    rows.extend(fastest_rival(data).map(|rival| {
        let what = "the same, p50, beside the quickest other logger of this run";
        divided(data, what, most(1.0), " × that", LATENCY, (OWN, rival, P50))
    }));
    let what = "a call, coarse clock, p50";
    rows.push(divided(data, what, most(1.5), " × enc_coarse", LATENCY, coarse));
    let what = "a disabled call, p50, less the timing's own share (floor empty)";
    rows.push(minus(data, what, most(1.0), ("ringseal_disabled", "empty")));
    let what = "five bound fields, p50, less the same logger without";
    rows.push(minus(data, what, most(3.0), ("ringseal_bound", "ringseal_logger")));
    rows
}

/// The other logger with the least p50, among those that lost nothing.
fn fastest_rival(data: &Data) -> Option<&str> {
    data.ranked(LATENCY, |series| data::median(series, P50))
        .into_iter()
        .find(|row| row.kind == crate::candidate::Kind::Rival && row.rank.is_some())
        .map(|row| row.name)
}

fn throughput_targets(data: &Data) -> [Target<'_>; 5] {
    let row = |what, limit, unit, of, base, path| {
        divided(data, what, limit, unit, THROUGHPUT, (of, base, path))
    };
    let (least, most) = (Limit::AtLeast, Limit::AtMost);
    let what = "throughput, JSON, one producer, no redaction";
    [
        row(what, least(0.9), " × ring_json", UNREDACTED, RING_JSON, SPEED),
        row("the same, beside tracing", least(10.0), " × tracing", UNREDACTED, TRACING, SPEED),
        row("throughput, redacted by default", least(0.7), " × ring_json", OWN, RING_JSON, SPEED),
        row("processor time an event, redacted", most(1.5), " × ring_json", OWN, RING_JSON, CPU),
        row("the same, beside tracing", most(0.1), " × tracing", OWN, TRACING, CPU),
    ]
}

fn sweep_targets<'a>(data: &Data, one: &'a str, many: &'a str) -> [Target<'a>; 2] {
    let flow = What::Throughput.word();
    let idle = data
        .series(one, What::Idle.word())
        .and_then(|series| data::rounds(series, &["cpu_share"]))
        .map(|share| share.times(100.0));
    let what = "throughput over 64 rings, beside one";
    [
        divided(data, what, Limit::AtLeast(0.75), " × one ring", flow, (many, one, SPEED)),
        Target {
            what: "an idle process",
            limit: Limit::AtMost(0.1),
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
                    [record(ENC, round, 10.0, 0), record(OWN, round, own[round as usize], lost)]
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
}
