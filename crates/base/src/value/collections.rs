//! The collections of the standard library: maps, and sequences that are not slices.
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, LinkedList, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use super::types::write_elements;
use super::{Element, ObjectValue, Value, ValueWriter};
use crate::limits::Limits;

/// A type that can be the key of a logged map: texts, integers, characters and truth values.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the key of a logged map",
    note = "the keys of a map are texts, integers, characters or truth values; `?map` logs its Debug output"
)]
pub trait MapKey {
    /// Calls `action` with the key's text.
    fn with_text<T>(&self, action: impl FnOnce(&str) -> T) -> T;
}

macro_rules! text_keys {
    ($($type:ty),+) => {$(
        impl MapKey for $type {
            fn with_text<T>(&self, action: impl FnOnce(&str) -> T) -> T {
                action(self)
            }
        }
    )+};
}

text_keys!(str, String, Cow<'_, str>);

macro_rules! pointer_keys {
    ($($type:ty),+) => {$(
        impl<K: MapKey + ?Sized> MapKey for $type {
            fn with_text<T>(&self, action: impl FnOnce(&str) -> T) -> T {
                (**self).with_text(action)
            }
        }
    )+};
}

pointer_keys!(&K, Box<K>, Arc<K>, Rc<K>);

macro_rules! integer_keys {
    ($($type:ty),+) => {$(
        impl MapKey for $type {
            fn with_text<T>(&self, action: impl FnOnce(&str) -> T) -> T {
                action(itoa::Buffer::new().format(*self))
            }
        }
    )+};
}

integer_keys!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize);

impl MapKey for char {
    fn with_text<T>(&self, action: impl FnOnce(&str) -> T) -> T {
        action(self.encode_utf8(&mut [0; 4]))
    }
}

impl MapKey for bool {
    fn with_text<T>(&self, action: impl FnOnce(&str) -> T) -> T {
        action(if *self { "true" } else { "false" })
    }
}

macro_rules! maps {
    ($([$($generics:tt)*] $map:ty;)+) => {$(
        impl<$($generics)*> Value for $map {
            fn size_bytes_max(&self, limits: &Limits) -> usize {
                let sizes = self.iter().map(|(key, value)| {
                    2 + key.with_text(str::len) + value.size_bytes_max(limits)
                });
                5 + sizes.sum::<usize>()
            }

            fn write(&self, out: &mut ValueWriter<'_>) {
                out.map(|out| {
                    for (key, value) in self {
                        key.with_text(|key| out.entry(key, value));
                    }
                });
            }
        }

        impl<$($generics)*> ObjectValue for $map {}
        impl<$($generics)*> Element for $map {}
    )+};
}

maps! {
    [K: MapKey, V: Value, S] HashMap<K, V, S>;
    [K: MapKey, V: Value] BTreeMap<K, V>;
}

macro_rules! sequences {
    ($([$($generics:tt)*] $sequence:ty;)+) => {$(
        impl<$($generics)*> Value for $sequence {
            fn size_bytes_max(&self, limits: &Limits) -> usize {
                5 + self.iter().map(|element| element.size_bytes_max(limits)).sum::<usize>()
            }

            fn write(&self, out: &mut ValueWriter<'_>) {
                write_elements(out, self.iter());
            }
        }

        impl<$($generics)*> Element for $sequence {}
    )+};
}

sequences! {
    [T: Element] VecDeque<T>;
    [T: Element] LinkedList<T>;
    [T: Element] BTreeSet<T>;
    [T: Element, S] HashSet<T, S>;
}
