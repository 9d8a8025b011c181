//! The UUID of the crate `uuid`.
use super::put::put_fixed;
use super::{Element, Value, ValueWriter, tag};
use crate::limits::Limits;
use uuid::Uuid;

impl Value for Uuid {
    #[inline(always)]
    fn size_bytes_max(&self, _limits: &Limits) -> usize {
        17
    }

    #[inline(always)]
    fn write(&self, out: &mut ValueWriter<'_>) {
        out.fixed(tag::UUID, *self.as_bytes());
    }

    #[inline(always)]
    fn plain_bytes(&self) -> usize {
        17
    }

    #[inline(always)]
    fn text_bytes(&self) -> usize {
        0
    }

    #[inline(always)]
    fn put<'b>(&self, out: &'b mut [u8]) -> &'b mut [u8] {
        put_fixed(out, tag::UUID, *self.as_bytes())
    }
}

impl Element for Uuid {}
