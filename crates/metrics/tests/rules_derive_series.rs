//! Rules derive counters, gauges and histograms from events, with bounded series and redacted labels.
mod support;

use std::fmt;
use std::time::Duration;

use proptest::prelude::*;
use ringseal::value::Map;
use ringseal::{Config, Context, Correlation, Sampling, fields, info, testing::Capture, warn};
use ringseal_metrics::{EventMetrics, Rule, RuleSet, TextFormat, render};
use support::{Measured, assert_promtool_accepts};

#[derive(Debug)]
struct Timeout;

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("timed out")
    }
}

impl std::error::Error for Timeout {}

#[test]
fn the_documents_series_appear() {
    let measured = Measured::new(&RuleSet::scans());
    let engine = &measured.engine;
    for id in 0..3 {
        info!(engine, "scan_started", token_id = "t1", symbol = "X");
        info!(engine, "scan_completed", token_id = "t1", gem_score = 10 * id, duration_ms = 250);
    }
    warn!(engine, "scan_failed", token_id = "t1", error = &Timeout);
    info!(engine, "data_source_queried", source = "dex", duration_ms = Duration::from_millis(20));
    info!(engine, "circuit_breaker_changed", source = "dex", open = true);
    warn!(engine, "feature_validation_failed", feature_name = "f", validation_type = "range");
    info!(engine, "feature_written", feature_name = "f", value = 12.5);
    let text = measured.text(TextFormat::Prometheus);
    for line in [
        "scan_requests_total{token_id=\"t1\"} 3",
        "scan_errors_total{token_id=\"t1\",error_type=\"rules_derive_series::Timeout\"} 1",
        "scan_duration_seconds_bucket{token_id=\"t1\",le=\"0.1\"} 0",
        "scan_duration_seconds_bucket{token_id=\"t1\",le=\"0.25\"} 3",
        "scan_duration_seconds_bucket{token_id=\"t1\",le=\"+Inf\"} 3",
        "scan_duration_seconds_sum{token_id=\"t1\"} 0.75",
        "scan_duration_seconds_count{token_id=\"t1\"} 3",
        "data_source_latency_seconds_sum{source=\"dex\"} 0.02",
        "gem_score_distribution_bucket{le=\"0.0\"} 1",
        "gem_score_distribution_bucket{le=\"20.0\"} 3",
        "circuit_breaker_open{source=\"dex\"} 1",
        "feature_validation_failures_total{feature_name=\"f\",validation_type=\"range\"} 1",
        "feature_value_distribution_bucket{feature_name=\"f\",le=\"25.0\"} 1",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    }
    assert_promtool_accepts(&text);
}

#[test]
fn ten_thousand_tokens_are_bounded() {
    let measured = Measured::new(&RuleSet::scans());
    for id in 0..10_000 {
        info!(measured.engine, "scan_started", token_id = format_args!("token-{id}"));
    }
    let text = measured.text(TextFormat::Prometheus);
    let series = text.lines().filter(|line| line.starts_with("scan_requests_total{")).count();
    assert_eq!(series, 2_001);
    assert!(measured.has_line("scan_requests_total{overflow=\"true\"} 8000"));
    let counter = "ringseal_metrics_overflowed_events_total{metric=\"scan_requests_total\"} 8000";
    assert!(measured.has_line(counter));
    assert_eq!(measured.metrics.overflows(), [("scan_requests_total".to_owned(), 8_000)]);
    assert_promtool_accepts(&text);
}

#[test]
fn labels_are_redacted_and_from_contexts() {
    let rule = Rule::counter("seen_total", "seen").label("note").label("tenant").label("request");
    let measured = Measured::new(&RuleSet::new().rule(rule.label("missing")));
    let log = measured.engine.logger().bind(fields! { tenant = "acme" });
    Context::new().with(fields! { request = 7 }).run(|| {
        info!(log, "seen", note = "card 4111 1111 1111 1111");
        info!(log, "unseen", note = 1);
    });
    let line = "seen_total{note=\"card <card>\",tenant=\"acme\",request=\"7\"} 1";
    assert!(measured.has_line(line), "{}", measured.text(TextFormat::Prometheus));
}

#[test]
fn run_time_events_are_measured() {
    let measured =
        Measured::new(&RuleSet::new().rule(Rule::sum("bytes_total", "sent", "size").label("to")));
    for size in [1, 2] {
        measured.engine.logger().dynamic(ringseal::Level::Info, "shop", "sent", &|out| {
            out.entry("size", &size);
            out.entry("to", &"b");
        });
    }
    assert!(measured.has_line("bytes_total{to=\"b\"} 3"));
}

#[test]
fn sampled_events_count_for_all() {
    let rules = RuleSet::new().rule(Rule::counter("kept_total", "kept"));
    let metrics = EventMetrics::new(&rules).unwrap();
    let sampling = Sampling::new().success(0.25).unwrap();
    let (engine, capture) = Capture::start_with(metrics.install(Config::new().sampling(sampling)));
    for _ in 0..400 {
        info!(engine, "kept", event_type = "PAY_OK");
    }
    engine.flush().unwrap();
    let kept = capture.events_named("kept").len();
    assert!(kept > 0 && kept < 400);
    let text = render(&engine, &metrics, TextFormat::Prometheus);
    assert!(text.contains(&format!("kept_total {}\n", kept * 4)), "{kept}: {text}");
}

#[test]
fn unusable_values_are_refused_and_counted() {
    let rules = RuleSet::new()
        .rule(Rule::sum("paid_total", "paid", "amount"))
        .rule(Rule::histogram("size", "paid", "size"));
    let measured = Measured::new(&rules);
    info!(measured.engine, "paid", amount = -1, size = f64::NAN);
    info!(measured.engine, "paid", amount = "text", size = 2);
    info!(measured.engine, "paid", size = true);
    measured.engine.flush().unwrap();
    assert_eq!(measured.metrics.refused(), 4);
    assert!(measured.has_line("size_count 2"));
    assert!(measured.has_line("ringseal_metrics_refused_values_total 4"));
}

#[test]
fn a_field_of_metrics_is_measured() {
    let rules = RuleSet::new().rule(Rule::counter("taken_total", "x"));
    let metrics = EventMetrics::new(&rules).unwrap();
    let (engine, capture) = Capture::start_with(metrics.install(Config::new()));
    for duration in [123, 77] {
        let fields = Map(&[
            ("http.request.duration", &duration),
            ("http.response.status_code", &200),
            ("taken", &1),
            ("ringseal_events", &1),
            ("note", &"text"),
        ]);
        info!(engine, "request", path = "/", _metrics = fields);
    }
    engine.flush().unwrap();
    let text = render(&engine, &metrics, TextFormat::Prometheus);
    for line in [
        "# TYPE http_request_duration summary",
        "http_request_duration_sum 200",
        "http_request_duration_count 2",
        "http_response_status_code_sum 400",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    }
    assert_eq!(metrics.refused(), 6);
    assert!(capture.events_named("request").iter().all(|event| event.get("_metrics").is_none()));
    assert_promtool_accepts(&text);
}

#[test]
fn exemplars_are_in_open_metrics_only() {
    let rules = RuleSet::new()
        .rule(Rule::counter("seen_total", "seen"))
        .rule(Rule::histogram("took_seconds", "seen", "took_ms").buckets([0.1, 1.0]));
    let measured = Measured::new(&rules);
    Correlation::new([0xab; 16], [1; 16]).run(|| info!(measured.engine, "seen", took_ms = 500));
    let open = measured.text(TextFormat::OpenMetrics);
    let id = "ab".repeat(16);
    assert!(open.contains(&format!("\nseen_total 1 # {{trace_id=\"{id}\"}} 1 ")), "{open}");
    assert!(open.contains(&format!("le=\"1.0\"}} 1 # {{trace_id=\"{id}\"}} 0.5 ")), "{open}");
    assert_eq!(open.matches(&id).count(), 2);
    assert!(open.contains("# TYPE seen counter\n") && open.ends_with("# EOF\n"));
    let plain = measured.text(TextFormat::Prometheus);
    assert!(!plain.contains(" # {") && !plain.contains("# EOF"));
    assert!(plain.contains("# TYPE seen_total counter\n"));
}

#[test]
fn one_engine_at_a_time_is_measured() {
    let rules = RuleSet::new().rule(Rule::counter("seen_total", "seen").label("id"));
    let first = Measured::new(&rules);
    let start = || first.metrics.install(Config::new());
    let log = |id: u32| {
        let (engine, _capture) = Capture::start_with(start());
        info!(engine, "seen", id);
        engine.flush().unwrap();
        engine.stop().unwrap();
    };
    info!(first.engine, "seen", id = 1);
    assert!(first.has_line("seen_total{id=\"1\"} 1"));
    log(2);
    assert!(!first.text(TextFormat::Prometheus).contains("id=\"2\""));
    let Measured { engine, metrics } = first;
    engine.stop().unwrap();
    let (engine, _capture) = Capture::start_with(metrics.install(Config::new()));
    for id in [2, 1] {
        info!(engine, "seen", id);
    }
    engine.flush().unwrap();
    let text = render(&engine, &metrics, TextFormat::Prometheus);
    assert!(text.contains("seen_total{id=\"1\"} 2\nseen_total{id=\"2\"} 1\n"), "{text}");
}

/// Splits a sample into its label values: a reader of the format that shares nothing with the writer.
fn label_values(line: &str) -> Vec<String> {
    let mut rest = &line[line.find('{').unwrap() + 1..];
    let mut values = Vec::new();
    loop {
        rest = &rest[rest.find("=\"").unwrap() + 2..];
        let (mut value, mut is_escaped, mut end) = (String::new(), false, 0);
        for (at, char) in rest.char_indices() {
            match (is_escaped, char) {
                (true, 'n') => value.push('\n'),
                (true, other) => value.push(other),
                (false, '\\') => {}
                (false, '"') => {
                    end = at;
                    break;
                }
                (false, other) => value.push(other),
            }
            is_escaped = !is_escaped && char == '\\';
        }
        values.push(value);
        rest = &rest[end + 1..];
        if rest.starts_with('}') {
            return values;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn labels_survive_escaping(first in "[a-z\\\\\"\n{}, =é]{1,40}", second in "\\PC{1,20}") {
        let rule = Rule::counter("seen_total", "seen").label("first").label("second");
        let metrics = EventMetrics::new(&RuleSet::new().rule(rule)).unwrap();
        let config = Config::new().no_redaction().output(ringseal::Output::custom(
            ringseal::sink::memory::MemorySink::new(),
        ));
        let engine = ringseal::Engine::start(metrics.install(config)).unwrap();
        info!(engine, "seen", first = &*first, second = &*second);
        engine.flush().unwrap();
        let text = render(&engine, &metrics, TextFormat::Prometheus);
        let line = text.lines().find(|line| line.starts_with("seen_total{")).unwrap();
        prop_assert_eq!(label_values(line), [first, second]);
    }
}
