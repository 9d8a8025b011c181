//! An event's fields as the macros hand them over: a list of values whose length is in its type.
use super::limits::Limits;
use super::value::{Value, ValueWriter};

/// The values of an event, in the order of its call site's keys.
///
/// `()` is the empty list, `(value, rest)` any other; the compiler flattens both walks.
pub trait Fields {
    /// An upper bound of the bytes that [`Fields::write`] takes.
    fn size_bytes_max(&self, limits: &Limits) -> usize;

    /// Writes the values one after the other.
    fn write(&self, out: &mut ValueWriter<'_>);
}

impl Fields for () {
    #[inline(always)]
    fn size_bytes_max(&self, _limits: &Limits) -> usize {
        0
    }

    #[inline(always)]
    fn write(&self, _out: &mut ValueWriter<'_>) {}
}

impl<V: Value, R: Fields> Fields for (V, R) {
    #[inline(always)]
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        self.0.size_bytes_max(limits) + self.1.size_bytes_max(limits)
    }

    #[inline(always)]
    fn write(&self, out: &mut ValueWriter<'_>) {
        self.0.write(out);
        self.1.write(out);
    }
}
