//! The engine's own events, written into the stream like any other: nothing disappears silently.
use crate::core::callsite::{Callsite, Metadata};
use crate::core::level::Level;

macro_rules! own_events {
    ($($(#[doc = $doc:literal])+ $static:ident = $level:ident $event:literal [$($key:literal),*];)+) => {$(
        $(#[doc = $doc])+
        pub static $static: Callsite = Callsite::new(Metadata {
            level: Level::$level,
            event: $event,
            target: "ringseal",
            file: file!(),
            line: line!(),
            keys: &[$($key),*],
        });
    )+};
}

/// The name of the thread where a full ring was handed from one that ended to the next, and whose loss it was is not
/// known.
pub const MIXED: &str = "more than one thread";

own_events! {
    /// Events of one thread found their ring full and were given up.
    LOST = Warn "ringseal.lost" [
        "lost", "lost_trace", "lost_debug", "lost_info", "lost_warn", "lost_error", "lost_critical",
        "thread", "thread_name", "since"
    ];
    /// So many events of a call site were above its limit and not kept. Written by the thread whose event passes
    /// again, and at the end.
    SUPPRESSED = Info "ringseal.suppressed" [
        "suppressed", "suppressed_event", "suppressed_target", "suppressed_level"
    ];
    /// A sink has begun to fail; its lines are held up to a bound, then dropped.
    SINK_FAILED = Error "ringseal.sink_failed" ["sink", "reason"];
    /// A sink takes lines again.
    SINK_RECOVERED = Warn "ringseal.sink_recovered" ["sink", "dropped_lines", "failing_ms"];
    /// The system clock was set, and lines jump with it.
    CLOCK_STEPPED = Warn "ringseal.clock_stepped" ["step_ms"];
    /// From here on other redaction rules are in force.
    REDACTION_CHANGED = Info "ringseal.redaction_changed" ["is_on", "rules_hash"];
    /// From here on other levels are logged.
    FILTER_CHANGED = Info "ringseal.filter_changed" ["filter"];
    /// From here on other shares of events are kept.
    SAMPLING_CHANGED = Info "ringseal.sampling_changed" ["sampling"];
    /// A thread of the host panicked.
    PANICKED = Error "ringseal.panicked" ["error", "location", "thread_name"];
    /// A record could not be read and was skipped.
    RECORD_ERROR = Error "ringseal.record_error" ["reason", "skipped_bytes"];
    /// The audit log, or another sink of it, cannot be written; its entries are kept and tried again.
    AUDIT_SINK_FAILURE = Critical "audit_sink_failure" ["sink", "reason"];
    /// It can be written again, and has everything.
    AUDIT_SINK_RECOVERED = Warn "audit_sink_recovered" ["sink"];
    /// The audit log runs without keys: told at each start.
    AUDIT_KEYLESS = Warn "audit_keyless" ["sink", "reason"];
    /// Segments of the audit log were compared with what is expected of them, and are right.
    AUDIT_INTEGRITY_CHECK = Info "audit_integrity_check" [
        "trigger", "verification_status", "file_size_bytes", "line_count"
    ];
    /// The same, and they are not.
    AUDIT_INTEGRITY_MISMATCH = Critical "audit_integrity_check" [
        "trigger", "verification_status", "file_size_bytes", "line_count"
    ];
    /// A segment of the audit log was closed.
    AUDIT_ROTATION = Info "log_rotation" ["stream", "old_file", "new_file", "reason", "file_size_bytes"];
    /// Segments of the audit log were removed.
    AUDIT_PRUNED = Warn "audit_pruned" ["before_seq", "reason"];
    /// The audit log was sealed; the note is an anchor for whoever keeps this log.
    AUDIT_CHECKPOINT = Info "audit_checkpoint" ["entries", "checkpoint"];
}
