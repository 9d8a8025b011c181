//! Records of the crate `log` that `tracing_log` has made into events: their target, file and line are fields.
use std::fmt;

use ringseal::Logger;
use tracing_core::field::{Field, Visit};
use tracing_core::{Event, Metadata};

use super::sites::{MESSAGE, level_of};
use super::visit::Entries;

const TARGET: &str = "log.target";
/// The fields that say where a record comes from.
const PLACE: &str = "log.";

/// Whether the events of a call site are records of `log`.
pub(crate) fn is_record(metadata: &Metadata<'_>) -> bool {
    metadata.is_event() && metadata.fields().field(TARGET).is_some()
}

/// Logs a record under its own target.
#[cold]
pub(crate) fn emit(log: &Logger, event: &Event<'_>) {
    let mut texts = Texts::default();
    event.record(&mut texts);
    let target = texts.target.as_deref().unwrap_or_else(|| event.metadata().target());
    let message = texts.message.unwrap_or_default();
    log.dynamic(level_of(event.metadata()), target, &message, &|out| {
        event.record(&mut Rest(Entries(out)));
    });
}

/// Target and message.
#[derive(Debug, Default)]
struct Texts {
    target: Option<String>,
    message: Option<String>,
}

impl Visit for Texts {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            TARGET => self.target = Some(value.to_owned()),
            MESSAGE => self.message = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == MESSAGE {
            self.message = Some(format!("{value:?}"));
        }
    }
}

/// All other fields.
struct Rest<'w, 'b>(Entries<'w, 'b>);

macro_rules! pass_on {
    ($($method:ident: $type:ty),+) => {
        impl Visit for Rest<'_, '_> {
            $(fn $method(&mut self, field: &Field, value: $type) {
                if field.name() != MESSAGE && !field.name().starts_with(PLACE) {
                    self.0.$method(field, value);
                }
            })+
        }
    };
}

pass_on! {
    record_f64: f64,
    record_i64: i64,
    record_u64: u64,
    record_i128: i128,
    record_u128: u128,
    record_bool: bool,
    record_str: &str,
    record_error: &(dyn std::error::Error + 'static),
    record_debug: &dyn fmt::Debug
}
