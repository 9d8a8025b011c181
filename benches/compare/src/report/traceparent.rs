//! The table of the family `traceparent`; `None` if the results do not contain it.

use super::data::{self, Data, Order};
use super::tables::{heading, line, ranged, ratio};
use crate::stats::Rounds;

const MODE: &str = "traceparent";
const PARSE: &[&str] = &["parse", "p50"];
const WRITE: &[&str] = &["write", "p50"];
const OWN: &str = "ringseal";

/// Times and allocations, fastest first.
pub fn table(data: &Data) -> Option<String> {
    data.series(OWN, MODE)?;
    let mut out = heading(&[
        "crate",
        "parse, ns",
        "÷ ringseal",
        "allocations",
        "write, ns",
        "÷ ringseal",
        "allocations",
    ]);
    let mut notes = String::new();
    for row in data.ranked(MODE, PARSE, Order::LowestFirst) {
        if let Some(problem) = &row.problem {
            notes.push_str(&format!("\n{}: {problem}.\n", row.name));
            continue;
        }
        let of = |path: &[&str]| ranged(data::rounds(row.series, path));
        let to_own = |path: &[&str]| ratio(data.ratio(row.series, MODE, OWN, path));
        let count = |key: &str| allocations(data::rounds(row.series, &[key]));
        out.push_str(&line(&[
            row.name.to_owned(),
            of(PARSE),
            to_own(PARSE),
            count("parse_allocations"),
            of(WRITE),
            to_own(WRITE),
            count("write_allocations"),
        ]));
    }
    Some(out + &notes)
}

/// A count for each call.
fn allocations(rounds: Option<Rounds>) -> String {
    rounds.map_or_else(|| "–".to_owned(), |rounds| format!("{:.0}", rounds.high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn record(name: &str, ns: f64, allocations: f64) -> Value {
        json!({
            "candidate": name, "mode": "traceparent", "round": 0, "good": true,
            "parse": {"p50": ns}, "write": {"p50": 2.0 * ns},
            "parse_allocations": 0.0, "write_allocations": allocations,
        })
    }

    #[test]
    fn candidates_are_compared_with_ringseal() {
        let records = [record("fastrace", 30.0, 1.0), record("ringseal", 10.0, 0.0)];
        let table = table(&Data::of(&records)).expect("it was measured");
        let lines: Vec<_> = table.lines().skip(2).collect();
        assert!(lines[0].starts_with("| ringseal | 10") && lines[0].contains("| 0 |"), "{table}");
        assert!(lines[1].starts_with("| fastrace | 30") && lines[1].contains("3.00"), "{table}");
        assert!(lines[1].ends_with("| 1 |"), "{table}");
        assert_eq!(super::table(&Data::of(&[])), None);
    }
}
