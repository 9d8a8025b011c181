//! The first event of a global engine: how it was configured; and later, what was changed.
use super::emit::{Emitter, emit};
use super::engine::Engine;
use super::handle::AsEmitter;
use crate::core::callsite::{Callsite, Metadata};
use crate::core::field::Fields;
use crate::core::level::Level;
use crate::core::value::Number;

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

/// Logs one of the engine's own events, whatever the filter says.
pub(super) fn tell<F: Fields>(to: Emitter<'_>, callsite: &'static Callsite, fields: F) {
    emit(to, callsite, callsite.metadata().level, fields);
}
