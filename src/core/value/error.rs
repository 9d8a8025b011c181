//! Errors as values: type, message, and the chain of causes.
use std::any::type_name;
use std::error::Error;
use std::fmt::{self, Write};

use super::format::write_formatted;
use super::{ObjectValue, Value, ValueWriter, tag};
use crate::core::limits::Limits;

/// How many causes of an error are followed.
const CHAIN_MAX: usize = 16;

/// An error with the name of its type.
///
/// In the record: type, message, then the message of each cause. The writer adds `stack_hash`.
#[derive(Debug, Clone, Copy)]
pub struct ErrorValue<'a, E: ?Sized>(pub &'a E);

impl<E: Error> Value for ErrorValue<'_, E> {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        5 + 3 * (9 + limits.value_bytes_max as usize)
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        write_error(out, type_name::<E>(), &self.0, self.0.source());
    }
}

impl<E: Error> ObjectValue for ErrorValue<'_, E> {}

macro_rules! dyn_errors {
    ($($type:ty),+) => {$(
        impl Value for $type {
            fn size_bytes_max(&self, limits: &Limits) -> usize {
                5 + 3 * (9 + limits.value_bytes_max as usize)
            }

            fn write(&self, out: &mut ValueWriter<'_>) {
                let mut name = TypeFromDebug { name: [0; 64], len: 0 };
                // Stops by itself once the name is over.
                let _ = write!(name, "{self:?}");
                write_error(out, name.as_str(), &self, self.source());
            }
        }

        impl ObjectValue for $type {}
    )+};
}

dyn_errors!(
    dyn Error,
    dyn Error + Send,
    dyn Error + Send + Sync,
    Box<dyn Error>,
    Box<dyn Error + Send>,
    Box<dyn Error + Send + Sync>
);

fn write_error(
    out: &mut ValueWriter<'_>,
    type_name: &str,
    message: &dyn fmt::Display,
    source: Option<&(dyn Error + 'static)>,
) {
    let Some(open) = out.begin(tag::ERROR) else { return };
    out.str(type_name.trim_start_matches('&'));
    write_formatted(out, format_args!("{message}"));
    let mut cause = source;
    for _ in 0..CHAIN_MAX {
        let Some(error) = cause else { break };
        let mark = out.mark();
        write_formatted(out, format_args!("{error}"));
        if out.is_full() {
            out.rewind(mark);
            break;
        }
        cause = error.source();
    }
    out.end(open);
}

/// The leading identifier of a `Debug` rendering: the type's own name, where it was derived.
struct TypeFromDebug {
    name: [u8; 64],
    len: usize,
}

impl TypeFromDebug {
    fn as_str(&self) -> &str {
        match std::str::from_utf8(&self.name[..self.len]) {
            Ok(name) if !name.is_empty() => name,
            _ => "dyn Error",
        }
    }
}

impl Write for TypeFromDebug {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if !(byte.is_ascii_alphanumeric() || byte == b'_') || self.len == self.name.len() {
                return Err(fmt::Error);
            }
            self.name[self.len] = byte;
            self.len += 1;
        }
        Ok(())
    }
}
