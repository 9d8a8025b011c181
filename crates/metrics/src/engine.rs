//! The engine's own counters as metrics.
//!
//! Promises: every counter of `Metrics::rows` is shown; the level, the rule and the sink are labels, not parts of
//! names; durations are in seconds. Reading waits for no writer.
use ringseal::{Engine, Level, Metrics};

use crate::rule::Kind;
use crate::text::Exposition;

/// Counters with a value for each level.
const BY_LEVEL: [&str; 6] = ["events", "discarded", "truncated", "dropped", "lost", "sampled_out"];
/// The start of rows for redaction rules, which are shown by `redaction`.
const REDACTED: &str = "redacted_";
/// Gauges: the row, the metric, the factor.
const GAUGES: [(&str, &str, f64); 3] = [
    ("lanes", "ringseal_lanes", 1.0),
    ("ring_bytes_high_water", "ringseal_ring_high_water_bytes", 1.0),
    ("writer_lag_nanos_max", "ringseal_writer_lag_max_seconds", 1e-9),
];

/// A number of a sink.
type SinkValue = fn(&ringseal::SinkMetrics) -> u64;

/// The counters of sinks.
const SINK_COUNTERS: [(&str, &str, SinkValue); 9] = [
    ("lines", "Lines that the sink has accepted.", |sink| sink.lines),
    ("bytes", "Bytes that the sink has accepted.", |sink| sink.bytes),
    ("lines_dropped", "Lines that the sink did not accept.", |sink| sink.lines_dropped),
    ("rotations", "Segments sealed.", |sink| sink.rotations),
    ("reopened", "Times the target had to be opened again.", |sink| sink.reopened),
    ("removed_segments", "Sealed segments removed by retention.", |sink| sink.removed),
    ("removed_bytes", "Bytes of segments removed by retention.", |sink| sink.removed_bytes),
    ("torn_bytes", "Bytes of torn lines cut away.", |sink| sink.torn_bytes),
    ("call_errors", "Calls of the sink that failed.", |sink| sink.errors),
];

/// The counters of an engine.
pub(crate) fn write(out: &mut Exposition, engine: &Engine) {
    let metrics = engine.metrics();
    rows(out, &metrics);
    sampling_rules(out, &metrics);
    redaction(out, &metrics);
    sinks(out, &metrics);
    #[cfg(feature = "audit")]
    audit(out, engine);
}

/// Splits `events_info` into the counter and the level.
fn by_level(row: &str) -> Option<(&'static str, Level)> {
    let (name, level) = row.rsplit_once('_')?;
    let name = BY_LEVEL.into_iter().find(|known| *known == name)?;
    Some((name, level.parse().ok()?))
}

fn rows(out: &mut Exposition, metrics: &Metrics) {
    let mut last = "";
    for (row, help, value) in metrics.rows() {
        if row.starts_with(REDACTED) {
            continue;
        }
        if let Some((name, level)) = by_level(&row) {
            let metric = format!("ringseal_{name}_total");
            if name != last {
                out.head(&metric, help, Kind::Counter);
            }
            last = name;
            out.labelled(&metric, &[("level", &level.to_string())], value as f64);
        } else if let Some((_, name, factor)) = GAUGES.iter().find(|(gauge, ..)| *gauge == row) {
            out.single(
                name,
                help.trim_start_matches("Gauge: "),
                Kind::Gauge,
                value as f64 * factor,
            );
        } else {
            out.single(&format!("ringseal_{row}_total"), help, Kind::Counter, value as f64);
        }
    }
}

fn sampling_rules(out: &mut Exposition, metrics: &Metrics) {
    if metrics.sampled_out_by_rule.is_empty() {
        return;
    }
    let name = "ringseal_sampled_out_by_rule_total";
    out.head(name, "Events that a rule of the sampling policy did not keep.", Kind::Counter);
    let mut seen: Vec<&str> = Vec::new();
    for rule in &metrics.sampled_out_by_rule {
        // Rules of earlier policies may have the same name; their counts are one series.
        if seen.contains(&&*rule.rule) {
            continue;
        }
        seen.push(&rule.rule);
        let same = || metrics.sampled_out_by_rule.iter().filter(|other| other.rule == rule.rule);
        for level in Level::ALL {
            let count: u64 = same().map(|other| other.sampled_out.of(level)).sum();
            if count > 0 {
                let labels = [("rule", &*rule.rule), ("level", &*level.to_string())];
                out.labelled(name, &labels, count as f64);
            }
        }
    }
}

fn redaction(out: &mut Exposition, metrics: &Metrics) {
    let on = f64::from(u8::from(metrics.redaction.is_on));
    out.single("ringseal_redaction_on", "Whether events are redacted.", Kind::Gauge, on);
    let name = "ringseal_redaction_hits_total";
    if !metrics.redaction.hits.is_empty() {
        out.head(name, "Hits of a redaction rule.", Kind::Counter);
    }
    for hits in &metrics.redaction.hits {
        out.labelled(name, &[("rule", &hits.rule)], hits.hits as f64);
    }
}

/// Two sinks may have the same name, so their position is a label as well.
fn sinks(out: &mut Exposition, metrics: &Metrics) {
    if metrics.sinks.is_empty() {
        return;
    }
    let healthy = "ringseal_sink_healthy";
    out.head(healthy, "Whether the last call of the sink succeeded.", Kind::Gauge);
    let each = |out: &mut Exposition, name: &str, value: &dyn Fn(&ringseal::SinkMetrics) -> u64| {
        for (index, sink) in metrics.sinks.iter().enumerate() {
            let labels = [("sink", &*sink.name), ("index", &*index.to_string())];
            out.labelled(name, &labels, value(sink) as f64);
        }
    };
    each(out, healthy, &|sink| u64::from(sink.is_healthy));
    for (name, help, value) in SINK_COUNTERS {
        let name = format!("ringseal_sink_{name}_total");
        out.head(&name, help, Kind::Counter);
        each(out, &name, &value);
    }
}

#[cfg(feature = "audit")]
fn audit(out: &mut Exposition, engine: &Engine) {
    let Some(audit) = engine.audit() else { return };
    let health = audit.health();
    let flag = |truth: bool| f64::from(u8::from(truth));
    for (name, help, value) in [
        (
            "ringseal_audit_healthy",
            "Whether the audit log can be written.",
            flag(health.is_healthy()),
        ),
        ("ringseal_audit_keyless", "Whether the audit log has no keys.", flag(health.is_keyless)),
        (
            "ringseal_audit_blocked",
            "Whether callers wait for the audit log.",
            flag(health.is_blocked),
        ),
        (
            "ringseal_audit_held_bytes",
            "Bytes of entries held for the audit log.",
            health.held_bytes as f64,
        ),
    ] {
        out.single(name, help, Kind::Gauge, value);
    }
    if let Some(log) = &health.log {
        let help = "Entries of the audit log.";
        out.single("ringseal_audit_entries", help, Kind::Gauge, log.audit_event_count as f64);
        let help = "Bytes of the audit log.";
        out.single("ringseal_audit_log_bytes", help, Kind::Gauge, log.audit_log_size_bytes as f64);
    }
    let name = "ringseal_audit_sink_healthy";
    if !health.sinks.is_empty() {
        out.head(name, "Whether a sink of the audit log takes entries.", Kind::Gauge);
    }
    for (index, sink) in health.sinks.iter().enumerate() {
        out.labelled(name, &[("index", &index.to_string())], flag(sink.is_healthy));
    }
}
