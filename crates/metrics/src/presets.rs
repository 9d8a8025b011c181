//! Ready rules.
use crate::rule::{Rule, RuleSet};

impl RuleSet {
    /// The series of a service that scans tokens, by the events `scan_started`, `scan_completed`, `scan_failed`,
    /// `data_source_queried`, `circuit_breaker_changed`, `feature_validation_failed` and `feature_written`.
    ///
    /// `token_id` has as many values as there are tokens: beyond `series_max`, tokens share a series.
    #[must_use]
    pub fn scans() -> RuleSet {
        RuleSet::new()
            .rule(
                Rule::counter("scan_requests_total", "scan_started")
                    .help("Scans that were started.")
                    .label("token_id"),
            )
            .rule(
                Rule::counter("scan_errors_total", "scan_failed")
                    .help("Scans that failed.")
                    .label("token_id")
                    .label("error_type"),
            )
            .rule(
                Rule::histogram("scan_duration_seconds", "scan_completed", "duration_ms")
                    .help("Duration of scans.")
                    .label("token_id"),
            )
            .rule(
                Rule::histogram(
                    "data_source_latency_seconds",
                    "data_source_queried",
                    "duration_ms",
                )
                .help("Latency of data sources.")
                .label("source"),
            )
            .rule(
                Rule::histogram("gem_score_distribution", "scan_completed", "gem_score")
                    .help("Scores of scanned tokens.")
                    .buckets([0.0, 20.0, 40.0, 60.0, 80.0, 100.0]),
            )
            .rule(
                Rule::gauge("circuit_breaker_open", "circuit_breaker_changed", "open")
                    .help("Whether the circuit breaker of a source is open.")
                    .label("source"),
            )
            .rule(
                Rule::counter("feature_validation_failures_total", "feature_validation_failed")
                    .help("Features that failed a validation.")
                    .label("feature_name")
                    .label("validation_type"),
            )
            .rule(
                Rule::histogram("feature_value_distribution", "feature_written", "value")
                    .help("Values of features.")
                    .buckets([0.0, 10.0, 25.0, 50.0, 75.0, 90.0, 100.0])
                    .label("feature_name"),
            )
    }
}
