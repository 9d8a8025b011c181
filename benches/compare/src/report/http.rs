//! The tables of the family `http`; `None` if the results do not contain it.

use super::data::{self, Data, Order, Row};
use super::tables::{heading, line, ranged, ratio};
use crate::stats::Rounds;

const IN_PROCESS: &str = "http in process";
const LOOPBACK: &str = "http loopback";
/// What a layer adds is the difference to it.
const BARE: &str = "bare service";
/// What it is compared with.
const RIVAL: &str = "tower-http, JSON and appender";

const CALL: &[&str] = &["call", "p50"];
const ALLOCATIONS: &[&str] = &["call_allocations"];
const SPEED: &[&str] = &["requests_per_s"];
/// Processor time of all threads but that of the load.
const CPU: &[&str] = &["cpu_ns_per_event"];

/// Times, allocations and processor times of a request, and requests a second.
pub fn tables(data: &Data) -> Option<String> {
    data.series(BARE, IN_PROCESS).or_else(|| data.series(BARE, LOOPBACK))?;
    Some(format!("{}\n{}", in_process(data), loopback(data)))
}

fn in_process(data: &Data) -> String {
    let head = heading(&[
        "in process, a request",
        "ns",
        "adds",
        "÷ tower-http's",
        "allocations",
        "adds",
        "CPU ns",
        "adds",
        "÷ tower-http's",
    ]);
    let row = |row: &Row<'_>| {
        let mut cells = vec![row.name.to_owned()];
        cells.extend(times(data, row, IN_PROCESS, CALL));
        cells.push(one_decimal(data::rounds(row.series, ALLOCATIONS)));
        cells.push(match row.name {
            BARE => String::new(),
            _ => one_decimal(data.difference(row.series, IN_PROCESS, BARE, ALLOCATIONS)),
        });
        cells.extend(times(data, row, IN_PROCESS, CPU));
        cells
    };
    head + &lines(&data.ranked(IN_PROCESS, CALL, Order::LowestFirst), row)
}

fn loopback(data: &Data) -> String {
    let head = heading(&[
        "over 64 connections",
        "requests/s",
        "÷ bare",
        "CPU ns of the server, a request",
        "adds",
        "÷ tower-http's",
    ]);
    let row = |row: &Row<'_>| {
        let mut cells = vec![row.name.to_owned(), ranged(data::rounds(row.series, SPEED))];
        cells.push(ratio(data.ratio(row.series, LOOPBACK, BARE, SPEED)));
        cells.extend(times(data, row, LOOPBACK, CPU));
        cells
    };
    head + &lines(&data.ranked(LOOPBACK, SPEED, Order::HighestFirst), row)
}

/// A time, what the layer adds to the bare service, and that divided by what the rival adds.
fn times(data: &Data, row: &Row<'_>, mode: &str, path: &[&str]) -> [String; 3] {
    let time = ranged(data::rounds(row.series, path));
    if row.name == BARE {
        return [time, String::new(), String::new()];
    }
    let adds = ranged(data.difference(row.series, mode, BARE, path));
    [time, adds, ratio(data.ratio_above(row.series, mode, [BARE, RIVAL], path))]
}

fn lines(rows: &[Row<'_>], cells: impl Fn(&Row<'_>) -> Vec<String>) -> String {
    let (mut out, mut notes) = (String::new(), String::new());
    for row in rows {
        match &row.problem {
            Some(problem) => notes.push_str(&format!("\n{}: {problem}.\n", row.name)),
            None => out.push_str(&line(&cells(row))),
        }
    }
    out + &notes
}

/// The highest of all rounds: a count hardly varies.
fn one_decimal(rounds: Option<Rounds>) -> String {
    rounds.map_or_else(|| "–".to_owned(), |rounds| format!("{:.1}", rounds.high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn records(name: &str, ns: f64) -> [Value; 2] {
        [
            json!({
                "candidate": name, "mode": IN_PROCESS, "round": 0, "good": true,
                "call": {"p50": ns}, "call_allocations": ns / 100.0, "cpu_ns_per_event": 2.0 * ns,
            }),
            json!({
                "candidate": name, "mode": LOOPBACK, "round": 0, "good": true,
                "requests_per_s": 1e7 / ns, "cpu_ns_per_event": 3.0 * ns,
            }),
        ]
    }

    #[test]
    fn layers_are_compared_by_what_they_add() {
        let rows = [("ringseal-tower", 300.0), (RIVAL, 2_100.0), (BARE, 100.0)];
        let records: Vec<Value> = rows.iter().flat_map(|(name, ns)| records(name, *ns)).collect();
        let text = tables(&Data::of(&records)).expect("it was measured");
        let row = |start: &str, at: usize| -> Vec<&str> {
            let line = text.lines().filter(|line| line.starts_with(start)).nth(at);
            line.map(|line| line.split(" | ").collect()).unwrap_or_default()
        };
        let (own, bare) = (row("| ringseal-tower", 0), row("| bare", 0));
        assert_eq!(bare[1..6], ["100 (100–100)", "", "", "1.0", ""], "{text}");
        assert_eq!(own[1..4], ["300 (300–300)", "200 (200–200)", "0.10 (0.10–0.10)"], "{text}");
        assert_eq!(own[4..6], ["3.0", "2.0"], "{text}");
        let own = row("| ringseal-tower", 1);
        assert_eq!(own[2], "0.33 (0.33–0.33)", "{text}");
        assert_eq!(own[4..6], ["600 (600–600)", "0.10 (0.10–0.10) |"], "{text}");
        assert_eq!(tables(&Data::of(&[])), None);
    }

    #[test]
    fn a_layer_that_loses_lines_is_not_compared() {
        let mut records = records(BARE, 100.0).to_vec();
        records.push(json!({
            "candidate": "loser", "mode": LOOPBACK, "round": 0, "good": false, "complaint": "too few",
        }));
        let text = tables(&Data::of(&records)).expect("it was measured");
        assert!(text.contains("\nloser: too few.\n") && !text.contains("| loser"), "{text}");
    }
}
