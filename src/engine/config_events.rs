//! The first event of a global engine: how it was configured; and later, what was changed.
use std::sync::Arc;

use super::engine::Engine;
use crate::core::callsite::{Callsite, Metadata};
use crate::core::field::Fields;
use crate::core::level::Level;
use crate::core::value::Number;
use crate::emit::emitter::{Emitter, emit, on_some_lane};
use crate::emit::lane::Written;
use crate::emit::logger::AsEmitter;
use crate::emit::shared::Shared;

static CONFIGURED: Callsite = Callsite::new(Metadata {
    level: Level::Info,
    event: "logging.configured",
    target: "boot",
    file: file!(),
    line: line!(),
    keys: &[
        "log_level",
        "format",
        "redact",
        "redact_rules",
        "sample_success",
        "sink",
        "schema",
        "filter",
        "sampling",
    ],
});

/// Logs `logging.configured`.
pub(super) fn announce(engine: &Engine) {
    let emitter = engine.emitter();
    if CONFIGURED.enabled(emitter.slot()) {
        let described = engine.described();
        let schema = described.schema_version;
        let sample_success = Number(&described.sample_success);
        let (filter, sampling) = (&described.filter, &described.sampling);
        let behind = (&described.sink, (schema, (filter, (sampling, ()))));
        let redaction = (described.is_redacting, (&described.rules_hash, (sample_success, behind)));
        emit(emitter, &CONFIGURED, Level::Info, (&described.level, (&described.format, redaction)));
    }
}

/// Logs one of the engine's own events, whatever the filter says, without waiting for room. Says whether it is in a
/// ring; whoever does not try again counts it.
pub(super) fn tell(
    to: Emitter<'_>,
    shared: &Arc<Shared>,
    callsite: &'static Callsite,
    fields: &dyn Fields,
) -> bool {
    let mut is_done = false;
    on_some_lane(to, shared, false, &mut |lane| {
        is_done = lane.write_slow(callsite, None, fields) == Written::Done;
    });
    is_done
}

/// Tells of a change of the engine's settings.
pub(super) fn tell_change(engine: &Engine, callsite: &'static Callsite, now: &str) {
    let shared = engine.shared();
    if !tell(engine.emitter(), shared, callsite, &(now, ())) {
        shared.lose_unplaced(callsite.metadata().level);
    }
}
