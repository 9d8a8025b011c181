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
    /// A record could not be read and was skipped.
    RECORD_ERROR = Error "ringseal.record_error" ["reason", "skipped_bytes"];
}
