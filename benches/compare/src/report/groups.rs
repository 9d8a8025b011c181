//! The tables of families whose rows are in groups; `None` if the results do not contain the family.

use super::data::{self, Data, Order};
use super::tables::{heading, line, ranged, ratio};

/// A group of rows: mode, title, and the candidate that the others are compared with.
type Group = (&'static str, &'static str, &'static str);

/// Those of the family `context`.
pub const CONTEXT: &[Group] = &[
    ("context poll", "a poll", "tokio task_local"),
    ("context event", "an event", "no context"),
    ("context span", "a span", "two calls"),
];

/// Those of the family `bridges`.
pub const BRIDGES: &[Group] = &[
    ("bridge event", "an event", "native `info!`"),
    ("bridge spans", "an event in spans", "ringseal subscriber, no span"),
    ("bridge disabled", "a disabled event", "no subscriber"),
];

/// That of the family `typed`.
pub const TYPED: &[Group] = &[("typed event", "an event", "`info!`")];

const CALL: &[&str] = &["call", "p50"];
/// Processor time of all threads.
const CPU: &[&str] = &["cpu_ns_per_event"];

/// Times in each group, fastest first. With `has_cpu`, also the processor time for an event, its line included.
pub fn table(data: &Data, groups: &[Group], has_cpu: bool) -> Option<String> {
    let columns: &[&str] = &["", "", "ns", "÷ the base", "CPU ns", "÷ the base"];
    let mut out = heading(if has_cpu { columns } else { &columns[..4] });
    let (mut notes, mut is_any) = (String::new(), false);
    for &(mode, title, base) in groups {
        let mut title = title;
        for row in data.ranked(mode, CALL, Order::LowestFirst) {
            if let Some(problem) = &row.problem {
                notes.push_str(&format!("\n{}: {problem}.\n", row.name));
                continue;
            }
            let name =
                if row.name == base { format!("{base} (base)") } else { row.name.to_owned() };
            let mut cells = vec![std::mem::take(&mut title).to_owned(), name];
            for path in [CALL, CPU].into_iter().take(1 + usize::from(has_cpu)) {
                cells.push(ranged(data::rounds(row.series, path)));
                cells.push(ratio(data.ratio(row.series, mode, base, path)));
            }
            out.push_str(&line(&cells));
            is_any = true;
        }
    }
    is_any.then_some(out + &notes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn record(mode: &str, name: &str, ns: f64) -> Value {
        json!({"candidate": name, "mode": mode, "round": 0, "good": true, "call": {"p50": ns}})
    }

    #[test]
    fn rows_are_compared_within_their_group() {
        let records = [
            record("context poll", "ringseal in_context", 10.0),
            record("context poll", "tokio task_local", 5.0),
            record("context span", "two calls", 30.0),
            record("context span", "tracing fmt JSON, both lines", 3000.0),
        ];
        let table = table(&Data::of(&records), CONTEXT, false).expect("it was measured");
        let lines: Vec<_> = table.lines().skip(2).collect();
        assert!(lines[0].starts_with("| a poll | tokio task_local (base) | 5"), "{table}");
        assert!(
            lines[1].starts_with("|  | ringseal in_context | 10") && lines[1].contains("2.00"),
            "{table}"
        );
        assert!(lines[3].contains("100"), "{table}");
        assert_eq!(super::table(&Data::of(&[]), CONTEXT, true), None);
    }
}
