//! The events that report an engine's configuration: at the start of the global engine, and at each change.
use std::sync::Arc;

use super::engine::Engine;
use crate::core::callsite::{Callsite, Metadata};
use crate::core::field::Fields;
use crate::core::level::Level;
use crate::core::registry;
use crate::emit::AsEmitter;
use crate::emit::ambient::Ambient;
use crate::emit::emitter::{Emitter, emit_formatted, emit_own};
use crate::emit::shared::Shared;
use crate::encode::layout::BOOT_EVENT;
use crate::writer::report::UNHEARD;
use ringseal_base::value::Number;

static CONFIGURED: Callsite = Callsite::new(Metadata {
    level: Level::Info,
    event: BOOT_EVENT.1,
    target: BOOT_EVENT.0,
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
        "quiet_targets",
        "sampling",
    ],
});

/// Logs `logging.configured`.
pub(super) fn report_start(engine: &Engine) {
    let emitter = engine.emitter();
    if engine.shared().enables(&CONFIGURED) {
        let described = engine.described();
        let schema = described.schema_version;
        let sample_success = Number(&described.sample_success);
        let (filter, sampling) = (&described.filter, &described.sampling);
        let rest = (filter, (described.quiet_targets, (sampling, ())));
        let rest = (&described.sink, (schema, rest));
        let redaction = (described.is_redacting, (&described.rules_hash, (sample_success, rest)));
        emit_formatted(
            emitter,
            &Ambient::NONE,
            &CONFIGURED,
            &(&described.level, (&described.format, redaction)),
        );
    }
}

/// Reports events of the macros that found no engine before this one.
pub(super) fn report_unheard(engine: &Engine) {
    let counts = registry::take_unheard(Some(Arc::clone(&engine.shared().filter.read())));
    if counts.total() > 0 && engine.shared().enables(&UNHEARD) {
        report(engine.shared(), &UNHEARD, &(counts.total(), (counts.is_at_least, ())));
    }
}

/// Logs a change of the engine's settings.
pub(super) fn report_change(shared: &Arc<Shared>, callsite: &'static Callsite, now: &str) {
    report(shared, callsite, &(now, ()));
}

/// Logs an event about the engine regardless of the filter. Waits for space in the ring as any event of its level does.
pub(super) fn report_waiting(
    shared: &Arc<Shared>,
    callsite: &'static Callsite,
    fields: &dyn Fields,
) {
    emit_formatted(Emitter::of(shared), &Ambient::NONE, callsite, fields);
}

fn report(shared: &Arc<Shared>, callsite: &'static Callsite, fields: &dyn Fields) {
    if !emit_own(shared, callsite, fields) {
        shared.count_loss_without_lane(callsite.metadata().level);
    }
}
