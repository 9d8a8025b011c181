//! Errors as values: type, message, and the chain of causes.
use std::any::type_name;
use std::error::Error;
use std::fmt::{self, Write};

use super::format::write_formatted;
use super::{Element, ObjectValue, Value, ValueWriter, tag};
use crate::limits::Limits;

/// How many causes of an error are followed.
const CHAIN_MAX: usize = 16;

/// An error with the name of its type.
///
/// In the record: type, message, then the message of each cause. The writer adds `stack_hash`.
#[derive(Debug, Clone, Copy)]
pub struct ErrorValue<'a, E: ?Sized>(pub &'a E);

/// Space for the container and three texts of the maximum length; longer chains are truncated to it.
fn size_bytes_max(limits: &Limits) -> usize {
    5 + 3 * (9 + limits.value_bytes_max as usize)
}

impl<E: Error> Value for ErrorValue<'_, E> {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        size_bytes_max(limits)
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        write_error(out, type_name::<E>(), &self.0, self.0.source());
    }
}

impl<E: Error> ObjectValue for ErrorValue<'_, E> {}

/// Errors whose type is only known at run time: `Box<dyn Error>`, and reports such as `anyhow::Error`.
pub trait DynError: ObjectValue {}

macro_rules! dyn_errors {
    ($($type:ty),+) => {$(
        impl Value for $type {
            fn size_bytes_max(&self, limits: &Limits) -> usize {
                size_bytes_max(limits)
            }

            fn write(&self, out: &mut ValueWriter<'_>) {
                let mut name = TypeFromDebug::default();
                // The formatter stops at the end of the name.
                let _ = write!(name, "{self:?}");
                write_error(out, name.as_str(), &self, self.source());
            }
        }

        impl ObjectValue for $type {}
        impl Element for $type {}
        impl DynError for $type {}
    )+};
}

dyn_errors!(dyn Error + '_, dyn Error + Send + '_, dyn Error + Send + Sync + '_);

fn write_error(
    out: &mut ValueWriter<'_>,
    type_name: &str,
    message: &dyn fmt::Display,
    source: Option<&(dyn Error + 'static)>,
) {
    out.within(size_bytes_max(out.limits()), |out| {
        let Some(open) = out.begin(tag::ERROR) else { return };
        out.str(type_name.trim_start_matches('&'));
        write_formatted(out, format_args!("{message}"));
        write_chain(out, source);
        out.end(open);
    });
}

fn write_chain(out: &mut ValueWriter<'_>, source: Option<&(dyn Error + 'static)>) {
    let mut cause = source;
    for _ in 0..CHAIN_MAX {
        let Some(error) = cause else { return };
        let mark = out.mark();
        write_formatted(out, format_args!("{error}"));
        if out.is_full() {
            out.rewind(mark);
            return;
        }
        cause = error.source();
    }
    if cause.is_some() {
        out.set_cut();
    }
}

/// The name of the type, read from the start of its derived `Debug`: a capitalised identifier, followed by the end,
/// `(` or ` {`. There is no name if the implementation prints a sentence or a quoted text.
struct TypeFromDebug {
    name: [u8; 64],
    len: usize,
    /// The bytes after the identifier; two are enough to decide.
    after: [u8; 2],
    after_len: usize,
}

impl Default for TypeFromDebug {
    fn default() -> Self {
        Self { name: [0; 64], len: 0, after: [0; 2], after_len: 0 }
    }
}

impl TypeFromDebug {
    fn as_str(&self) -> &str {
        let name = &self.name[..self.len];
        let is_type = name.first().is_some_and(u8::is_ascii_uppercase)
            && matches!(&self.after[..self.after_len], [] | [b'(', ..] | [b' ', b'{']);
        match std::str::from_utf8(name) {
            Ok(name) if is_type => name,
            _ => "dyn Error",
        }
    }
}

impl Write for TypeFromDebug {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            let in_name = self.after_len == 0 && (byte.is_ascii_alphanumeric() || byte == b'_');
            let (place, len) = match in_name {
                true => (self.name.get_mut(self.len), &mut self.len),
                false => (self.after.get_mut(self.after_len), &mut self.after_len),
            };
            *place.ok_or(fmt::Error)? = byte;
            *len += 1;
        }
        Ok(())
    }
}
