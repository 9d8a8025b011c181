//! The engine's own events, which are written to the log like all others.
use crate::core::callsite::{Callsite, Metadata};
use crate::core::level::Level;

pub use crate::encode::layout::OWN_TARGET;

macro_rules! own_events {
    ($($(#[doc = $doc:literal])+ $static:ident = $level:ident $event:literal [$($key:literal),*];)+) => {$(
        $(#[doc = $doc])+
        pub static $static: Callsite = Callsite::new(Metadata {
            level: Level::$level,
            event: $event,
            target: OWN_TARGET,
            file: file!(),
            line: line!(),
            keys: &[$($key),*],
        });
    )+};
}

/// The thread name in a report if the ring passed from one thread to another, so that the thread that lost the events
/// is unknown.
pub const MIXED: &str = "more than one thread";

own_events! {
    /// Events of one thread were lost because its ring was full.
    LOST = Warn "ringseal.lost" [
        "lost", "lost_trace", "lost_debug", "lost_info", "lost_warn", "lost_error", "lost_critical",
        "thread", "thread_name", "since"
    ];
    /// A number of events of a call site exceeded its limit and were not kept. Written by the thread whose event is the
    /// first to pass again, and when the engine stops.
    SUPPRESSED = Info "ringseal.suppressed" [
        "suppressed", "suppressed_event", "suppressed_target", "suppressed_level"
    ];
    /// A sink began to fail; its lines are held up to a bound, then dropped.
    SINK_FAILED = Error "ringseal.sink_failed" ["sink", "reason"];
    /// Something went wrong that does not keep a sink from taking lines: a rotation was postponed, a file that is not
    /// the log's was set aside.
    SINK_WARNING = Warn "ringseal.sink_warning" ["sink", "reason"];
    /// A sink takes lines again.
    SINK_RECOVERED = Warn "ringseal.sink_recovered" ["sink", "dropped_lines", "failing_ms", "failures"];
    /// Retention removed segments of a log. Reported at most once a minute.
    SEGMENTS_REMOVED = Info "ringseal.segments_removed" ["sink", "segments", "bytes"];
    /// The events of a run that was killed follow, as far as its sinks do not have them.
    RECOVERED = Warn "ringseal.recovered" [
        "recovered_run_id", "recovered_pid", "cause", "lines", "lines_maybe_repeated", "unreadable_bytes", "lost",
        "unbacked_lanes", "from", "to"
    ];
    /// The events of a run that was killed could not be recovered. They are left to the next start, or set aside.
    RECOVERY_FAILED = Error "ringseal.recovery_failed" ["recovered_run_id", "reason", "aside"];
    /// Events of some threads would not survive a kill any more, although that was configured.
    RING_UNBACKED = Warn "ringseal.ring_unbacked" ["lanes", "reason"];
    /// The system clock was set, so that timestamps jump.
    CLOCK_STEPPED = Warn "ringseal.clock_stepped" ["step_ms"];
    /// Other redaction rules apply from here on.
    REDACTION_CHANGED = Info "ringseal.redaction_changed" ["is_on", "rules_hash"];
    /// Other levels are logged from here on.
    FILTER_CHANGED = Info "ringseal.filter_changed" ["filter"];
    /// Other levels are logged for a time.
    LEVEL_CHANGED = Info "ringseal.level_changed" ["by", "from", "to", "until"];
    /// The configured levels are logged again: the time is over, the override was cancelled, or the engine stops.
    LEVEL_RESTORED = Info "ringseal.level_restored" ["by", "from", "to", "reason"];
    /// Other shares of events are kept from here on.
    SAMPLING_CHANGED = Info "ringseal.sampling_changed" ["sampling"];
    /// Events were logged without a logger while there was no global engine.
    UNHEARD = Warn "ringseal.logged_without_engine" ["events", "is_at_least"];
    /// A thread of the host panicked.
    PANICKED = Error "ringseal.panicked" ["error", "location", "thread_name"];
    /// A field does not fit the Elastic Common Schema: an index would reject the line, or the field. Reported once for
    /// each event and field, ten times a minute at most.
    ECS_MISFIT = Warn "ringseal.ecs_misfit" ["field", "expected", "found", "in_event", "in_target"];
    /// A provider of fields or a hook of events panicked, and is left out from now on. The number counts both, from 1,
    /// in the order of the configuration.
    HOOK_FAILED = Error "ringseal.hook_failed" ["hook"];
    /// The observer of events panicked, and is left out from now on.
    OBSERVER_FAILED = Error "ringseal.observer_failed" [];
    /// A record could not be read and was skipped.
    RECORD_ERROR = Error "ringseal.record_error" ["reason", "skipped_bytes"];
    /// The audit log or one of its sinks cannot be written; its entries are kept and retried.
    AUDIT_SINK_FAILURE = Critical "audit_sink_failure" ["sink", "reason"];
    /// It can be written again and has all entries.
    AUDIT_SINK_RECOVERED = Warn "audit_sink_recovered" ["sink"];
    /// The audit log runs without keys. Reported at each start.
    AUDIT_KEYLESS = Warn "audit_keyless" ["sink", "reason"];
    /// Segments of the audit log were checked and are intact.
    AUDIT_INTEGRITY_CHECK = Info "audit_integrity_check" [
        "trigger", "verification_status", "file_size_bytes", "line_count"
    ];
    /// Segments of the audit log were checked and are not intact.
    AUDIT_INTEGRITY_MISMATCH = Critical "audit_integrity_check" [
        "trigger", "verification_status", "file_size_bytes", "line_count"
    ];
    /// A log file was rotated.
    APP_ROTATION = Info "log_rotation" ["stream", "old_file", "new_file", "reason", "file_size_bytes"];
    /// A segment of the audit log was closed.
    AUDIT_ROTATION = Info "log_rotation" ["stream", "old_file", "new_file", "reason", "file_size_bytes"];
    /// When the audit log was opened, it was not as its last writer left it. A signed entry records this.
    AUDIT_STATE_MISMATCH = Critical "audit_state_mismatch" ["sink", "reason"];
    /// Segments of the audit log were removed.
    AUDIT_PRUNED = Warn "audit_pruned" ["before_seq", "reason"];
    /// The audit log was sealed; the note is an anchor for readers of this log.
    AUDIT_CHECKPOINT = Info "audit_checkpoint" ["entries", "checkpoint"];
}
