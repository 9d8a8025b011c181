//! Fields of `tracing` as fields of the engine.
use std::error::Error;
use std::fmt;

use ringseal::bridge::{self, SiteWriter};
use ringseal::value::{DebugValue, DisplayValue, Value, ValueWriter};
use ringseal::{BoundFields, value};
use tracing_core::field::{Field, Visit};

use super::sites::{CRITICAL, MESSAGE};

/// Takes the values of fields.
trait Put {
    fn put<V: Value>(&mut self, key: &'static str, value: &V);

    /// Takes a value that is a text under the key of the message.
    #[inline]
    fn put_or_message(&mut self, field: &Field, value: &(impl Value + fmt::Display)) {
        match field.name() {
            MESSAGE => self.put(MESSAGE, &DisplayValue(value)),
            key => self.put(key, value),
        }
    }
}

macro_rules! visits {
    ($type:ty) => {
        impl Visit for $type {
            fn record_f64(&mut self, field: &Field, value: f64) {
                self.put_or_message(field, &value);
            }

            fn record_i64(&mut self, field: &Field, value: i64) {
                self.put_or_message(field, &value);
            }

            fn record_u64(&mut self, field: &Field, value: u64) {
                self.put_or_message(field, &value);
            }

            fn record_i128(&mut self, field: &Field, value: i128) {
                self.put_or_message(field, &value);
            }

            fn record_u128(&mut self, field: &Field, value: u128) {
                self.put_or_message(field, &value);
            }

            fn record_bool(&mut self, field: &Field, value: bool) {
                self.put_or_message(field, &value);
            }

            fn record_str(&mut self, field: &Field, value: &str) {
                self.put(field.name(), &value);
            }

            fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
                match field.name() {
                    MESSAGE => self.put(MESSAGE, &DisplayValue(value)),
                    key => self.put(key, &value),
                }
            }

            fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                self.put(field.name(), &DebugValue(value));
            }
        }
    };
}

/// The fields of an event.
pub(crate) struct EventFields<'f, 'w, 'b>(pub(crate) &'f mut SiteWriter<'w, 'b>);

impl Put for EventFields<'_, '_, '_> {
    #[inline]
    fn put<V: Value>(&mut self, key: &'static str, value: &V) {
        self.0.field(key, value);
    }
}

visits!(EventFields<'_, '_, '_>);

/// The fields of a span, and of an event whose keys are in its record.
pub(crate) struct Entries<'w, 'b>(pub(crate) &'w mut ValueWriter<'b>);

impl Put for Entries<'_, '_> {
    fn put<V: Value>(&mut self, key: &'static str, value: &V) {
        self.0.entry(key, value);
    }
}

visits!(Entries<'_, '_>);

/// The fields that `record` visits; `None` if there are none.
pub(crate) fn bound_fields(record: &dyn Fn(&mut dyn Visit)) -> Option<BoundFields> {
    let fields = bridge::fields(&|out: &mut value::ValueWriter<'_>| record(&mut Entries(out)));
    (!fields.is_empty()).then_some(fields)
}

/// Looks for `critical = true`.
#[derive(Debug, Default)]
pub(crate) struct IsCritical(pub(crate) bool);

impl Visit for IsCritical {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0 |= value && field.name() == CRITICAL;
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn fmt::Debug) {}
}
