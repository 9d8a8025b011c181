//! Values under keys that the documents have, and that name objects in the Elastic Common Schema.
use ringseal::Limits;
use ringseal::value::{ObjectValue, Value, ValueWriter};

/// A value under a key such as `url`, `span` or `error`. The layout of the schema has a rule for each of them
/// (`url.full`, `span.name`), so that the macros need not refuse it with `--cfg ringseal_ecs`.
pub(crate) struct Placed<V>(pub(crate) V);

impl<V: Value> Value for Placed<V> {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        self.0.size_bytes_max(limits)
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        self.0.write(out);
    }

    fn is_absent(&self) -> bool {
        self.0.is_absent()
    }

    fn plain_bytes(&self) -> usize {
        self.0.plain_bytes()
    }

    fn text_bytes(&self) -> usize {
        self.0.text_bytes()
    }

    fn put<'b>(&self, out: &'b mut [u8]) -> &'b mut [u8] {
        self.0.put(out)
    }
}

impl<V: Value> ObjectValue for Placed<V> {}
