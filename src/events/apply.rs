//! The rules of `domain_events!` as code that is inlined into the call, and what the macro makes constants of.
//!
//! Promises: comparisons only; nothing allocates, blocks or panics.
use std::ops::{RangeFrom, RangeInclusive, RangeToInclusive};

use super::field::EventField;
use super::rule::{self, Allowed, Bounds, Num};

/// A range of numbers of one type; `range(0.0..=100.0)`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a range of values of the type `{T}`",
    label = "expected `min..=max`, `min..` or `..=max` in the field's own type, which is a number",
    note = "texts have the rule `len`, lists the rule `items`; `bool` has `one_of`"
)]
pub trait RangeOver<T: ?Sized>: Sized {
    /// Whether the value is inside. NaN is outside of every range.
    fn holds(&self, value: &T) -> bool;

    /// Whether all values from `low` to `high` are inside, where `low` is at most `high`.
    fn holds_all(&self, low: &T, high: &T) -> bool {
        self.holds(low) && self.holds(high)
    }
}

/// A type of which some values can be listed; `one_of("LOW", "HIGH")`.
#[diagnostic::on_unimplemented(
    message = "the rule `one_of` cannot list values of the type `{Self}`",
    label = "expected a text, an integer or `bool`"
)]
pub trait Enumerable {
    /// A listed value.
    type Literal: Copy;

    /// Whether it is the listed value.
    fn is(&self, literal: Self::Literal) -> bool;
}

/// A number as a constant: [`BoundsOf::get`], [`AllowedOf::get`].
macro_rules! numbers {
    ($($type:ty => |$value:ident| $num:expr;)+) => {$(
        impl RangeOver<$type> for RangeInclusive<$type> {
            #[inline(always)]
            fn holds(&self, value: &$type) -> bool {
                *value >= *self.start() && *value <= *self.end()
            }

            #[inline(always)]
            fn holds_all(&self, low: &$type, high: &$type) -> bool {
                *low >= *self.start() && *high <= *self.end()
            }
        }

        impl RangeOver<$type> for RangeFrom<$type> {
            #[inline(always)]
            fn holds(&self, value: &$type) -> bool {
                *value >= self.start
            }
        }

        impl RangeOver<$type> for RangeToInclusive<$type> {
            #[inline(always)]
            fn holds(&self, value: &$type) -> bool {
                *value <= self.end
            }
        }

        impl NumOf<$type> {
            const fn get(self) -> Num {
                let $value = self.0;
                $num
            }
        }

        impl BoundsOf<RangeInclusive<$type>> {
            /// The ends.
            pub const fn get(&self) -> Bounds {
                let (min, max) = (*self.0.start(), *self.0.end());
                Bounds { min: Some(NumOf(min).get()), max: Some(NumOf(max).get()) }
            }
        }

        impl BoundsOf<RangeFrom<$type>> {
            /// The ends.
            pub const fn get(&self) -> Bounds {
                Bounds { min: Some(NumOf(self.0.start).get()), max: None }
            }
        }

        impl BoundsOf<RangeToInclusive<$type>> {
            /// The ends.
            pub const fn get(&self) -> Bounds {
                Bounds { min: None, max: Some(NumOf(self.0.end).get()) }
            }
        }
    )+};
}

struct NumOf<T>(T);

/// The ends of a range as a constant.
#[derive(Debug)]
pub struct BoundsOf<R>(pub R);

numbers! {
    i8 => |value| Num::Int(value as i128);
    i16 => |value| Num::Int(value as i128);
    i32 => |value| Num::Int(value as i128);
    i64 => |value| Num::Int(value as i128);
    i128 => |value| Num::Int(value);
    isize => |value| Num::Int(value as i128);
    u8 => |value| Num::Int(value as i128);
    u16 => |value| Num::Int(value as i128);
    u32 => |value| Num::Int(value as i128);
    u64 => |value| Num::Int(value as i128);
    u128 => |value| match value > i128::MAX as u128 {
        true => Num::Float(value as f64),
        false => Num::Int(value as i128),
    };
    usize => |value| Num::Int(value as i128);
    f32 => |value| Num::Float(value as f64);
    f64 => |value| Num::Float(value);
}

/// A listed value as a constant.
#[derive(Debug)]
pub struct AllowedOf<L>(pub L);

impl AllowedOf<&'static str> {
    /// The value.
    pub const fn get(self) -> Allowed {
        Allowed::Text(self.0)
    }
}

impl AllowedOf<bool> {
    /// The value.
    pub const fn get(self) -> Allowed {
        Allowed::Bool(self.0)
    }
}

impl Enumerable for str {
    type Literal = &'static str;

    #[inline(always)]
    fn is(&self, literal: &'static str) -> bool {
        self == literal
    }
}

impl Enumerable for bool {
    type Literal = bool;

    #[inline(always)]
    fn is(&self, literal: bool) -> bool {
        *self == literal
    }
}

macro_rules! enumerable {
    ($($type:ty),+) => {$(
        impl Enumerable for $type {
            type Literal = $type;

            #[inline(always)]
            fn is(&self, literal: $type) -> bool {
                *self == literal
            }
        }

        impl AllowedOf<$type> {
            /// The value.
            pub const fn get(self) -> Allowed {
                Allowed::Num(NumOf(self.0).get())
            }
        }
    )+};
}

enumerable!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize);

/// Gives a range the type of the field's values.
pub const fn typed<V: EventField, R: RangeOver<V::Scalar>>(range: R) -> R {
    range
}

/// Gives a range the type of a count.
pub const fn counts<R: RangeOver<usize>>(range: R) -> R {
    range
}

/// Gives a listed value the type of the field's values.
pub const fn listed<V>(literal: Literal<V>) -> Literal<V>
where
    V: EventField<Scalar: Enumerable>,
{
    literal
}

/// A listed value of a field's type.
pub type Literal<V> = <<V as EventField>::Scalar as Enumerable>::Literal;

/// A field whose values are texts.
#[diagnostic::on_unimplemented(
    message = "this rule is for texts, and `{Self}` is not a text",
    label = "`len`, `not_blank`, `hex` and `pattern` are for texts, `items` for lists, `range` for numbers"
)]
pub trait Text {
    /// The text.
    fn text(&self) -> &str;
}

impl Text for str {
    #[inline(always)]
    fn text(&self) -> &str {
        self
    }
}

/// A field whose values are lists.
#[diagnostic::on_unimplemented(
    message = "the rule `items` is for lists, and `{Self}` is not a list",
    label = "`len` is for texts, `range` for numbers"
)]
pub trait Items {
    /// The number of items.
    fn count(&self) -> usize;
}

impl<T> Items for [T] {
    #[inline(always)]
    fn count(&self) -> usize {
        self.len()
    }
}

#[inline(always)]
fn is_text<V: EventField<Scalar: Text>>(value: &V, accepts: impl FnOnce(&str) -> bool) -> bool {
    value.scalar().is_none_or(|scalar| accepts(scalar.text()))
}

/// `range(0.0..=100.0)`.
#[inline(always)]
pub fn range<V: EventField, R: RangeOver<V::Scalar>>(value: &V, range: R) -> bool {
    value.scalar().is_none_or(|scalar| range.holds(scalar))
}

/// `len(10..=500)`.
#[inline(always)]
pub fn len<V: EventField<Scalar: Text>, R: RangeOver<usize>>(value: &V, range: R) -> bool {
    is_text(value, |text| has_len(text, &range))
}

/// A character takes 1 to 4 bytes, so most texts need not be counted.
#[inline]
fn has_len<R: RangeOver<usize>>(text: &str, range: &R) -> bool {
    let (fewest, most) = (text.len().div_ceil(4), text.len());
    range.holds_all(&fewest, &most) || range.holds(&text.chars().count())
}

/// `items(1..=10)`.
#[inline(always)]
pub fn items<V: EventField<Scalar: Items>, R: RangeOver<usize>>(value: &V, range: R) -> bool {
    value.scalar().is_none_or(|list| range.holds(&list.count()))
}

/// `not_blank`.
#[inline(always)]
pub fn not_blank<V: EventField<Scalar: Text>>(value: &V) -> bool {
    is_text(value, |text| match text.as_bytes().first() {
        Some(first) if first.is_ascii_graphic() => true,
        _ => !rule::is_blank(text),
    })
}

/// `hex`.
#[inline(always)]
pub fn hex<V: EventField<Scalar: Text>>(value: &V) -> bool {
    is_text(value, rule::is_hex)
}

/// One of the values of `one_of("LOW", "HIGH")`; a missing value is one.
#[inline(always)]
pub fn is<V: EventField<Scalar: Enumerable>>(value: &V, literal: Literal<V>) -> bool {
    value.scalar().is_none_or(|scalar| scalar.is(literal))
}

/// `pattern("^[A-Z]{2}$", is_country)`.
#[inline(always)]
pub fn pattern<V: EventField<Scalar: Text>>(value: &V, matches: impl Fn(&str) -> bool) -> bool {
    is_text(value, matches)
}

/// `custom(is_even)`.
#[inline(always)]
pub fn custom<V: EventField>(value: &V, check: impl Fn(&V::Scalar) -> bool) -> bool {
    value.scalar().is_none_or(check)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_counted_only_if_necessary() {
        let texts = ["", "a", "ä", "€€", "🦀", "aä€🦀", "0123456789", "🦀🦀🦀🦀🦀"];
        for text in texts {
            let count = text.chars().count();
            for min in 0..6 {
                for max in min..12 {
                    let expected = (min..=max).contains(&count);
                    assert_eq!(len(&text, min..=max), expected, "{text} {min} {max}");
                }
                assert_eq!(len(&text, min..), count >= min, "{text}");
                assert_eq!(len(&text, ..=min), count <= min, "{text}");
            }
        }
    }
}
