//! The markdown tables.

use serde_json::Value;

use super::data::{self, Data, ENC, ENC_COARSE, Order, RING_JSON, Row, Series};
use crate::candidate::Kind;
use crate::stats::Rounds;

const LATENCY: &str = "latency";
const THROUGHPUT: &str = "throughput";
/// The floor with ringseal's line length.
const RING_JSON_SAME: &str = "ring_json_same";
/// The rival that most Rust programs use.
const TRACING: &str = "tracing";

/// If other processes used more than this share of the cores at the median, a run proves nothing.
const BUSY_SHARE: f64 = 0.1;

/// The description of the run: candidates, machine and amounts.
pub fn run(data: &Data) -> String {
    let mut out = String::new();
    for about in &data.about {
        out.push_str(&paragraph(about));
    }
    let share = |key: &str| data.overall(&[key]);
    if let (Some(others), Some(stolen)) = (share("others_share"), share("stolen_share")) {
        let percent = |value: f64| format!("{:.1} %", value * 100.0);
        out.push_str(&format!(
            "While a candidate was measured, other processes used {} of the two cores at the median \
             and {} at most; the host took {} and {}.\n\n",
            percent(others.median),
            percent(others.high),
            percent(stolen.median),
            percent(stolen.high),
        ));
        if others.median > BUSY_SHARE {
            out.push_str("**The machine was too busy for any number on this page to count.**\n\n");
        }
    }
    let versions = data.about.iter().rev().find_map(|about| about["versions"].as_object());
    if let Some(versions) = versions {
        let list: Vec<String> = versions
            .iter()
            .map(|(name, version)| format!("{name} {}", version.as_str().unwrap_or("?")))
            .collect();
        out.push_str(&format!("Versions: {}.\n", list.join(", ")));
    }
    if let Some(reason) =
        data.about.iter().rev().find_map(|about| about["quill"]["skipped"].as_str())
    {
        out.push_str(&format!("\nNot measured: quill ({reason}).\n"));
    }
    out
}

/// The description of a run in its result file.
fn paragraph(about: &Value) -> String {
    let word = |key: &str| match &about[key] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if about["family"] == "traceparent" {
        return format!(
            "The header `traceparent`, a separate run: {} rounds; each round and crate: {} batches of 20 calls.\n\n",
            word("rounds"),
            count(&about["batches"]),
        );
    }
    if about["family"] == "context" {
        return format!(
            "Contexts and spans, a separate run: {} rounds; each round and row: {} batches of 50 calls.\n\n",
            word("rounds"),
            count(&about["batches"]),
        );
    }
    if about["family"] == "bridges" {
        return format!(
            "Bridges, a separate run: {} rounds; each round and row: a process and {} batches of 20 calls.\n\n",
            word("rounds"),
            count(&about["batches"]),
        );
    }
    if about["family"] == "typed" {
        return format!(
            "Typed events, a separate run: {} rounds; each round and row: {} batches of 20 calls.\n\n",
            word("rounds"),
            count(&about["batches"]),
        );
    }
    if about["family"] == "http" {
        return format!(
            "HTTP layers, a separate run: {} rounds; each round and row: a process and {} batches of 20 requests, or \
             as many requests over loopback.\n\n",
            word("rounds"),
            count(&about["batches"]),
        );
    }
    if about["sweep"] == true {
        return format!(
            "The sweep, a separate run: {} rounds; each round and point: {} events flat out, {} \
             batches of 20 calls; idle engines were watched for {} s.\n\n",
            word("rounds"),
            count(&about["events"]),
            count(&about["batches"]),
            word("idle_s"),
        );
    }
    format!(
        "{}, {} cores, counter at {} GHz, kernel {}. {} rounds, candidates interleaved; each \
         round and candidate: {} batches of 20 calls, {} single calls, {} cold calls, {} events \
         flat out. Medians over the rounds, ranges in brackets; a ratio is taken within each \
         round. The counter moves in steps of up to 10 ns, so p50 of a batch is exact to half a \
         nanosecond.\n\n",
        word("cpu"),
        word("cores"),
        word("tsc_ghz"),
        word("kernel"),
        word("rounds"),
        count(&about["batches"]),
        count(&about["singles"]),
        count(&about["colds"]),
        count(&about["events"]),
    )
}

fn count(value: &Value) -> String {
    grouped(value.as_f64().unwrap_or(0.0))
}

/// Batches of 20 calls.
pub fn latency(data: &Data) -> String {
    let mut out = heading(&[
        "ns per call",
        "#",
        "p50",
        "p90",
        "p99",
        "p99.9",
        "max",
        "mean",
        "p50 ÷ enc",
        "p99 ÷ enc",
        "p50 ÷ enc_coarse",
    ]);
    for row in data.ranked(LATENCY, &["batch", "p50"], Order::LowestFirst) {
        let cell = |key: &str| plain(data::rounds(row.series, &["batch", key]));
        let wide = |key: &str| ranged(data::rounds(row.series, &["batch", key]));
        let below =
            |base: &str, key: &str| ratio(data.ratio(row.series, LATENCY, base, &["batch", key]));
        out.push_str(&line(&[
            name(&row),
            rank(&row),
            wide("p50"),
            cell("p90"),
            wide("p99"),
            wide("p999"),
            cell("max"),
            cell("mean"),
            below(ENC, "p50"),
            below(ENC, "p99"),
            below(ENC_COARSE, "p50"),
        ]));
    }
    out + &problem_lines(data, LATENCY, &["batch", "p50"])
}

/// Single calls and cold calls.
pub fn pauses(data: &Data) -> String {
    let mut out = heading(&[
        "ns per call, counter included",
        "single p50",
        "p99",
        "p99.9",
        "p50 ÷ enc",
        "cold p50",
        "p90",
        "p99",
        "p50 ÷ enc",
    ]);
    for row in data.ranked(LATENCY, &["single", "p50"], Order::LowestFirst) {
        let wide = |kind: &str, key: &str| ranged(data::rounds(row.series, &[kind, key]));
        let cell = |kind: &str, key: &str| plain(data::rounds(row.series, &[kind, key]));
        let below = |kind: &str| ratio(data.ratio(row.series, LATENCY, ENC, &[kind, "p50"]));
        out.push_str(&line(&[
            name(&row),
            wide("single", "p50"),
            cell("single", "p99"),
            cell("single", "p999"),
            below("single"),
            wide("cold", "p50"),
            cell("cold", "p90"),
            cell("cold", "p99"),
            below("cold"),
        ]));
    }
    out
}

/// End to end, at full speed.
pub fn throughput(data: &Data) -> String {
    let mut out = heading(&[
        "",
        "#",
        "format",
        "M events/s",
        "÷ ring_json",
        "÷ ring_json_same",
        "× tracing",
        "CPU ns/event",
        "CPU ÷ ring_json",
        "bytes/event",
    ]);
    let speed: &[&str] = &["events_per_s"];
    let cpu: &[&str] = &["cpu_ns_per_event"];
    for row in data.ranked(THROUGHPUT, speed, Order::HighestFirst) {
        let below =
            |base: &str, path: &[&str]| ratio(data.ratio(row.series, THROUGHPUT, base, path));
        let millions = data::rounds(row.series, speed).map(|rounds| rounds.times(1e-6));
        out.push_str(&line(&[
            name(&row),
            rank(&row),
            format_of(row.series),
            ratio(millions),
            below(RING_JSON, speed),
            below(RING_JSON_SAME, speed),
            below(TRACING, speed),
            ranged(data::rounds(row.series, cpu)),
            below(RING_JSON, cpu),
            plain(data::rounds(row.series, &["bytes_per_event"])),
        ]));
    }
    out + &problem_lines(data, THROUGHPUT, speed)
}

fn format_of(series: &Series) -> String {
    let word = series.values().find_map(|record| record["format"].as_str());
    word.unwrap_or("–").to_owned()
}

fn name(row: &Row<'_>) -> String {
    match row.kind {
        Kind::Floor => format!("floor {}", row.name),
        Kind::Own => format!("**{}**", row.name),
        Kind::Variant | Kind::Rival => row.name.to_owned(),
    }
}

fn rank(row: &Row<'_>) -> String {
    row.rank.map_or_else(String::new, |rank| rank.to_string())
}

/// A sentence for each candidate without a rank.
fn problem_lines(data: &Data, mode: &str, path: &[&str]) -> String {
    let mut out = String::new();
    for row in data.ranked(mode, path, Order::LowestFirst) {
        if let Some(problem) = &row.problem {
            out.push_str(&format!("\nNo rank for {}: {problem}.\n", row.name));
        }
    }
    out
}

/// The head of a table; numbers are aligned to the right.
pub fn heading(cells: &[&str]) -> String {
    let rule: Vec<&str> = (0..cells.len()).map(|i| if i == 0 { "---" } else { "---:" }).collect();
    format!("| {} |\n|{}|\n", cells.join(" | "), rule.join("|"))
}

/// A line of a table.
pub fn line(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// The median; a dash if there is none.
pub fn plain(rounds: Option<Rounds>) -> String {
    rounds.map_or_else(|| "–".to_owned(), |rounds| short(rounds.median))
}

/// The median and the range.
pub fn ranged(rounds: Option<Rounds>) -> String {
    rounds.map_or_else(
        || "–".to_owned(),
        |r| format!("{} ({}–{})", short(r.median), short(r.low), short(r.high)),
    )
}

/// The median and the range, with two decimals below ten.
pub fn ratio(rounds: Option<Rounds>) -> String {
    let two = |value: f64| if value < 9.995 { format!("{value:.2}") } else { short(value) };
    rounds.map_or_else(
        || "–".to_owned(),
        |r| format!("{} ({}–{})", two(r.median), two(r.low), two(r.high)),
    )
}

/// One decimal below 100, none above.
pub fn short(value: f64) -> String {
    if value.abs() < 99.95 { format!("{value:.1}") } else { grouped(value) }
}

/// Without decimals, with commas between thousands.
pub fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut out = if value < 0.0 { "-".to_owned() } else { String::new() };
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_busy_machine_is_reported() {
        let is_busy = |others: f64| {
            let record = json!({
                "candidate": "enc", "mode": LATENCY, "round": 0, "good": true,
                "others_share": others, "stolen_share": 0.0,
            });
            run(&Data::of(&[record])).contains("too busy")
        };
        assert_eq!((is_busy(0.02), is_busy(0.6)), (false, true));
    }

    #[test]
    fn decimals_decrease_with_magnitude() {
        let table =
            [(3.25, "3.2"), (99.94, "99.9"), (99.96, "100"), (1234.5, "1,234"), (4e6, "4,000,000")];
        for (value, wanted) in table {
            assert_eq!(short(value), wanted);
        }
    }
}
