//! An event's fields as the macros pass them: a list of values whose length is in its type.
use ringseal_base::limits::Limits;
use ringseal_base::value::{Value, ValueWriter};

/// The values of an event, in the order of its call site's keys.
///
/// `()` is the empty list, `(value, rest)` any other; the compiler flattens the recursion.
pub trait Fields {
    /// An upper bound of the bytes that [`Fields::write`] takes.
    fn size_bytes_max(&self, limits: &Limits) -> usize;

    /// Whether the bound is a guess: values that were cut are then written again with more room.
    #[inline(always)]
    fn is_guessed(&self) -> bool {
        false
    }

    /// Writes the values one after the other.
    fn write(&self, out: &mut ValueWriter<'_>);

    /// The exact bytes that [`Fields::put`] takes besides those of texts.
    fn plain_bytes(&self) -> usize;

    /// The exact bytes of the texts that [`Fields::put`] writes; [`NOT_PLAIN`](ringseal_base::value::NOT_PLAIN) or more
    /// if a value requires [`Fields::write`].
    fn text_bytes(&self) -> usize;

    /// Writes plain values to the front of `out` and returns the remaining bytes.
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
    fn plain_bytes(&self) -> usize {
        0
    }

    #[inline(always)]
    fn text_bytes(&self) -> usize {
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

    // Saturating: a type of the caller's own may return an absurd length. With at most one text, and with values of
    // constant length, nothing is left of it.
    #[inline(always)]
    fn plain_bytes(&self) -> usize {
        self.0.plain_bytes().saturating_add(self.1.plain_bytes())
    }

    #[inline(always)]
    fn text_bytes(&self) -> usize {
        self.0.text_bytes().saturating_add(self.1.text_bytes())
    }

    #[inline(always)]
    fn put<'b>(&self, out: &'b mut [u8]) -> &'b mut [u8] {
        self.1.put(self.0.put(out))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ringseal_base::value::{DisplayValue, NOT_PLAIN};

    use super::*;

    #[test]
    fn only_lists_of_plain_fields_take_the_shortcut() {
        let limits = Limits::default().with_value_bytes_max(8);
        let plain = (1u8, ("text", (Some(2.5), (None::<bool>, (Duration::MAX, ())))));
        let mut expected = vec![0; plain.size_bytes_max(&limits)];
        let mut out = ValueWriter::new(&mut expected, limits);
        Fields::write(&plain, &mut out);
        let len = out.len_bytes();
        expected.truncate(len);
        let mut bytes = vec![0; plain.plain_bytes() + plain.text_bytes()];
        assert!(plain.put(&mut bytes).is_empty());
        assert_eq!(bytes, expected);
        assert!((1u8, (DisplayValue(1), ())).text_bytes() >= NOT_PLAIN);
        assert!((1u8, ([1, 2], ("text", ()))).text_bytes() >= NOT_PLAIN);
    }
}
