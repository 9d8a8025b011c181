//! Errors as values: type, message, and the chain of causes.
use std::any::type_name;
use std::error::Error;
use std::fmt;
use std::ops::Deref;

use super::backtrace::Trace;
use super::error_type::{IO_ERROR, TypeName, io_type};
use super::format::{DisplayValue, write_formatted};
use super::{Element, ObjectValue, Value, ValueWriter, tag};
use crate::limits::Limits;

/// How many causes of an error are followed.
const CHAIN_MAX: usize = 16;

/// An error with the name of its type.
///
/// In the record: type, message, then each cause: its message or, if its type is known, type and message as an error.
/// A map with a `stack_trace` may follow. The writer adds `stack_hash`. The type of `std::io::Error` has its kind:
/// `std::io::Error(NotFound)`.
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
        let io;
        let name = match type_name::<E>().trim_start_matches('&') {
            IO_ERROR => {
                io = TypeName::of_debug(&self.0);
                io.as_str()
            }
            name => name,
        };
        write_error(out, name, &self.0, self.0.source(), None);
    }
}

impl<E: Error> ObjectValue for ErrorValue<'_, E> {}

/// Errors whose type is only known at run time: `Box<dyn Error>`, and reports such as `anyhow::Error`.
pub trait DynError: ObjectValue {
    /// Writes the error, and what `trace` writes after its causes.
    #[doc(hidden)]
    fn write_with(&self, out: &mut ValueWriter<'_>, trace: &dyn Fn(&mut ValueWriter<'_>));
}

macro_rules! dyn_errors {
    ($($type:ty),+) => {$(
        impl Value for $type {
            fn size_bytes_max(&self, limits: &Limits) -> usize {
                size_bytes_max(limits)
            }

            fn write(&self, out: &mut ValueWriter<'_>) {
                let name = dynamic_type(&self, self.source());
                write_error(out, name.as_str(), &self, self.source(), None);
            }
        }

        impl ObjectValue for $type {}
        impl Element for $type {}
        impl DynError for $type {
            fn write_with(&self, out: &mut ValueWriter<'_>, trace: &dyn Fn(&mut ValueWriter<'_>)) {
                let name = dynamic_type(&self, self.source());
                write_error(out, name.as_str(), &self, self.source(), Some(trace));
            }
        }
    )+};
}

dyn_errors!(dyn Error + '_, dyn Error + Send + '_, dyn Error + Send + Sync + '_);

/// The type of an error by its `Debug`. A layer of context around another error has the type of that error.
fn dynamic_type(debug: &dyn fmt::Debug, source: Option<&(dyn Error + 'static)>) -> TypeName {
    let mut name = TypeName::of_debug(debug);
    let mut cause = source;
    for _ in 0..CHAIN_MAX {
        match cause {
            Some(error) if name.is_context() => {
                name = static_type(error);
                cause = error.source();
            }
            _ => break,
        }
    }
    name
}

/// The type of a cause.
fn static_type(error: &(dyn Error + 'static)) -> TypeName {
    match error.downcast_ref::<std::io::Error>() {
        Some(error) => io_type(error.kind()),
        None => TypeName::of_debug(&error),
    }
}

fn write_error(
    out: &mut ValueWriter<'_>,
    name: &str,
    message: &dyn fmt::Display,
    source: Option<&(dyn Error + 'static)>,
    trace: Option<&dyn Fn(&mut ValueWriter<'_>)>,
) {
    out.within(size_bytes_max(out.limits()), |out| {
        let Some(open) = out.begin(tag::ERROR) else { return };
        out.str(name);
        write_formatted(out, format_args!("{message}"));
        write_chain(out, source);
        if let Some(trace) = trace {
            trace(out);
        }
        out.end(open);
    });
}

fn write_chain(out: &mut ValueWriter<'_>, source: Option<&(dyn Error + 'static)>) {
    let mut cause = source;
    for _ in 0..CHAIN_MAX {
        let Some(error) = cause else { return };
        let mark = out.mark();
        write_cause(out, error);
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

fn write_cause(out: &mut ValueWriter<'_>, error: &(dyn Error + 'static)) {
    let name = static_type(error);
    if !name.is_known() {
        return write_formatted(out, format_args!("{error}"));
    }
    if let Some(open) = out.begin(tag::ERROR) {
        out.str(name.as_str());
        write_formatted(out, format_args!("{error}"));
        out.end(open);
    }
}

/// The error of a report, with the backtrace that the report has captured; made by `ringseal::with_backtrace`.
#[derive(Debug, Clone, Copy)]
pub struct BacktraceValue<'a, R: ?Sized>(pub &'a R);

impl<R: fmt::Debug + Deref<Target: DynError>> Value for BacktraceValue<'_, R> {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        size_bytes_max(limits)
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        (**self.0).write_with(out, &|out| {
            let mark = out.mark();
            out.map(|out| out.entry("stack_trace", &DisplayValue(Trace(self.0))));
            if out.is_full() {
                out.rewind(mark);
            }
        });
    }
}

impl<R: fmt::Debug + Deref<Target: DynError>> ObjectValue for BacktraceValue<'_, R> {}
