//! An event's fields as the macros hand them over: a list of values whose length is in its type.
use ringseal_base::limits::Limits;
use ringseal_base::value::{Value, ValueWriter};

/// The values of an event, in the order of its call site's keys.
///
/// `()` is the empty list, `(value, rest)` any other; the compiler flattens both walks.
pub trait Fields {
    /// An upper bound of the bytes that [`Fields::write`] takes.
    fn size_bytes_max(&self, limits: &Limits) -> usize;

    /// Writes the values one after the other.
    fn write(&self, out: &mut ValueWriter<'_>);

    /// The exact bytes that [`Fields::put`] takes; [`NOT_PLAIN`](ringseal_base::value::NOT_PLAIN) or more when some value has
    /// to go through [`Fields::write`].
    fn plain_bytes(&self, limits: &Limits) -> usize;

    /// Writes plain values to the front of `out` and returns the rest.
    fn put<'b>(&self, out: &'b mut [u8]) -> &'b mut [u8];
}

impl Fields for () {
    #[inline(always)]
    fn size_bytes_max(&self, _limits: &Limits) -> usize {
        0
    }

    #[inline(always)]
    fn write(&self, _out: &mut ValueWriter<'_>) {}

    #[inline(always)]
    fn plain_bytes(&self, _limits: &Limits) -> usize {
        0
    }

    #[inline(always)]
    fn put<'b>(&self, out: &'b mut [u8]) -> &'b mut [u8] {
        out
    }
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

    #[inline(always)]
    fn plain_bytes(&self, limits: &Limits) -> usize {
        self.0.plain_bytes(limits) + self.1.plain_bytes(limits)
    }

    #[inline(always)]
    fn put<'b>(&self, out: &'b mut [u8]) -> &'b mut [u8] {
        self.1.put(self.0.put(out))
    }
}
