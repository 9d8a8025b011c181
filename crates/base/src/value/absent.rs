//! A value that may be missing.
use super::put::put_fixed;
use super::{Element, ObjectValue, Value, ValueWriter, tag};
use crate::limits::Limits;

/// A value, or none: then the line has neither the key nor the value, as if the field had not been given.
///
/// An `Option` that is `None` is logged as `null` instead. A bound field with the same key is shown if the value is
/// missing. In an array, which cannot leave out an element, a missing value is `null`.
///
/// ```
/// use ringseal_base::limits::Limits;
/// use ringseal_base::value::{Maybe, Value};
/// let (title, isbn) = (Some("Emma"), None::<u64>);
/// assert_eq!(Maybe(title).plain_bytes() + Maybe(title).text_bytes(), 5 + 4);
/// assert_eq!(Maybe(isbn).size_bytes_max(&Limits::default()), 1);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Maybe<T>(pub Option<T>);

impl<T: Value> Value for Maybe<T> {
    #[inline(always)]
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        self.0.as_ref().map_or(1, |value| value.size_bytes_max(limits))
    }

    #[inline(always)]
    fn write(&self, out: &mut ValueWriter<'_>) {
        match &self.0 {
            Some(value) => value.write(out),
            None => out.tag_only(tag::ABSENT),
        }
    }

    #[inline(always)]
    fn is_absent(&self) -> bool {
        self.0.as_ref().is_none_or(Value::is_absent)
    }

    #[inline(always)]
    fn plain_bytes(&self) -> usize {
        self.0.as_ref().map_or(1, |value| value.plain_bytes())
    }

    #[inline(always)]
    fn text_bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |value| value.text_bytes())
    }

    #[inline(always)]
    fn put<'b>(&self, out: &'b mut [u8]) -> &'b mut [u8] {
        match &self.0 {
            Some(value) => value.put(out),
            None => put_fixed(out, tag::ABSENT, []),
        }
    }
}

impl<T: ObjectValue> ObjectValue for Maybe<T> {}
impl<T: Value> Element for Maybe<T> {}
