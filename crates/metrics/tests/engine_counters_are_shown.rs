//! The engine's counters appear with labels and equal `Engine::metrics()`.
mod support;

use ringseal::{Level, error, info};
use ringseal_metrics::{RuleSet, TextFormat};
use support::{Measured, assert_promtool_accepts};

/// The value of a sample.
fn value(text: &str, sample: &str) -> Option<f64> {
    let line = text
        .lines()
        .find(|line| line.strip_prefix(sample).is_some_and(|it| it.starts_with(' ')))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[test]
fn counters_equal_those_of_the_engine() {
    let measured = Measured::new(&RuleSet::new());
    for turn in 0..1_000 {
        info!(measured.engine, "counted", turn, mail = "ann@example.com");
    }
    error!(measured.engine, "failed");
    let text = measured.text(TextFormat::Prometheus);
    let metrics = measured.engine.metrics();
    assert_eq!(metrics.events.of(Level::Error), 1);
    for level in Level::ALL {
        let shown =
            |name: &str| value(&text, &format!("ringseal_{name}_total{{level=\"{level}\"}}"));
        assert_eq!(shown("events"), Some(metrics.events.of(level) as f64), "{level}");
        assert_eq!(shown("lost"), Some(metrics.lost.of(level) as f64), "{level}");
    }
    assert_eq!(value(&text, "ringseal_line_bytes_total"), Some(metrics.line_bytes as f64));
    let hits = metrics.redaction.hits.iter().find(|hits| hits.rule == "email").unwrap();
    assert_eq!(
        (hits.hits, value(&text, "ringseal_redaction_hits_total{rule=\"email\"}")),
        (1000, Some(1000.0))
    );
    let sink = format!("{{sink=\"{}\",index=\"0\"}}", metrics.sinks[0].name);
    assert_eq!(
        value(&text, &format!("ringseal_sink_lines_total{sink}")),
        Some(metrics.sinks[0].lines as f64)
    );
    assert_promtool_accepts(&text);
}

#[test]
fn every_row_is_shown() {
    let measured = Measured::new(&RuleSet::new());
    let text = measured.text(TextFormat::Prometheus);
    let rows = measured.engine.metrics().rows();
    let samples =
        text.lines().filter(|line| line.starts_with("ringseal_") && !line.contains("{sink="));
    // Those beside the rows: whether redaction is on, refused values, and overflows of the field of metrics.
    assert_eq!(samples.count(), rows.len() + 3, "{text}");
    assert!(!text.contains("_nanos") && !text.contains("_info_total"));
}

#[cfg(target_os = "linux")]
#[test]
fn the_process_is_measured() {
    let measured = Measured::new(&RuleSet::new());
    let text = measured.text(TextFormat::Prometheus);
    let of = |name: &str| value(&text, name).unwrap();
    assert!(of("process_resident_memory_bytes") > 1e6 && of("process_open_fds") >= 3.0);
    assert!(of("process_cpu_seconds_total") < 1e6);
    let started = of("process_start_time_seconds");
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
    assert!((now - started).abs() < 24.0 * 3600.0, "{now} {started}");
}
