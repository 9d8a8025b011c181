//! Implementations of `Value` for references and smart pointers: those of what they point to.
use std::rc::Rc;
use std::sync::Arc;

use super::{Element, ObjectValue, Value, ValueWriter};
use crate::limits::Limits;

macro_rules! pointer_values {
    ($($type:ty),+) => {$(
        impl<T: Value + ?Sized> Value for $type {
            #[inline(always)]
            fn size_bytes_max(&self, limits: &Limits) -> usize {
                (**self).size_bytes_max(limits)
            }

            #[inline(always)]
            fn write(&self, out: &mut ValueWriter<'_>) {
                (**self).write(out);
            }

            #[inline(always)]
            fn is_absent(&self) -> bool {
                (**self).is_absent()
            }

            #[inline(always)]
            fn plain_bytes(&self) -> usize {
                (**self).plain_bytes()
            }

            #[inline(always)]
            fn text_bytes(&self) -> usize {
                (**self).text_bytes()
            }

            #[inline(always)]
            fn put<'b>(&self, out: &'b mut [u8]) -> &'b mut [u8] {
                (**self).put(out)
            }
        }

        impl<T: ObjectValue + ?Sized> ObjectValue for $type {}
        impl<T: Value + ?Sized> Element for $type {}
    )+};
}

pointer_values!(&T, &mut T, Box<T>, Arc<T>, Rc<T>);
