//! The first event of a global engine: how it was configured.
use super::engine::Engine;
use super::handle::AsEmitter;
use crate::core::callsite::{Callsite, Metadata};
use crate::core::level::Level;
use crate::core::value::Number;

static CONFIGURED: Callsite = Callsite::new(Metadata {
    level: Level::Info,
    event: "logging.configured",
    target: "boot",
    file: file!(),
    line: line!(),
    keys: &["log_level", "format", "redact", "redact_rules", "sample_success", "sink", "schema"],
});

/// Logs `logging.configured`.
pub(super) fn announce(engine: &Engine) {
    let emitter = engine.emitter();
    if CONFIGURED.enabled(emitter.slot()) {
        let described = engine.described();
        let schema = described.schema_version;
        let sample_success = Number(&described.sample_success);
        super::emit::emit(
            emitter,
            &CONFIGURED,
            Level::Info,
            (
                &described.level,
                (
                    &described.format,
                    (
                        described.is_redacting,
                        (&described.rules_hash, (sample_success, (&described.sink, (schema, ())))),
                    ),
                ),
            ),
        );
    }
}
