//! The example prints lines of three jobs, each with the ids of the request that queued it.
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

fn text<'a>(line: &'a Value, key: &str) -> &'a str {
    line[key].as_str().unwrap_or_else(|| panic!("no {key} in {line}"))
}

#[test]
fn three_jobs_keep_their_ids() {
    let output = Command::new(env!("CARGO_BIN_EXE_context")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut traces: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut spans: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    let mut events: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.get("file").is_some()) {
        let file = text(line, "file");
        traces.entry(file).or_default().insert(text(line, "trace_id"));
        let side = if text(line, "target") == "span" || text(line, "event").starts_with("file") {
            "job"
        } else {
            "request"
        };
        spans.entry((file, side)).or_default().insert(text(line, "span_id"));
        events.entry(file).or_default().push(text(line, "event"));
        let tenant = match file {
            "a.csv" => "acme",
            "b.csv" => "globex",
            _ => "initech",
        };
        assert_eq!(text(line, "correlation_id"), format!("request-{tenant}"));
        let tenant_or_none = line.get("tenant").and_then(Value::as_str);
        assert!(tenant_or_none.is_none_or(|own| own == tenant), "another tenant: {line}");
    }
    assert_eq!(traces.keys().copied().collect::<Vec<_>>(), ["a.csv", "b.csv", "c.csv"]);
    assert!(traces.values().all(|ids| ids.len() == 1), "{traces:?}");
    assert!(spans.values().all(|ids| ids.len() == 1), "{spans:?}");
    let all: BTreeSet<_> = spans.values().flatten().collect();
    assert_eq!(all.len(), 6, "a span for each request and each job");
    for (file, mut seen) in events {
        seen.sort_unstable();
        let expected = [
            "file_hashed",
            "file_parsed",
            "file_read",
            "job_queued",
            "request_received",
            "span.end",
            "span.start",
        ];
        assert_eq!(seen, expected, "{file}");
    }
}
