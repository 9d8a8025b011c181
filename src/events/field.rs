//! The types of fields: what rules compare, what messages show, and what a schema says about them.
use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::rule::{FieldValue, Num};
use ringseal_base::value::{
    ErrorValue, Map, Maybe, Pii, Sanitized, Secret, Since, SpanId, Timer, Uuid,
};

/// A type whose values rules can be applied to.
///
/// Implemented for numbers, `bool`, texts and lists, and for references, `Option`, [`Maybe`](crate::Maybe),
/// [`Pii`](crate::Pii) and [`Secret`](crate::Secret) of them. Rules apply to the value inside; without one they are
/// satisfied. The value of a [`Pii`](crate::Pii) or a [`Secret`](crate::Secret) is never shown in a message.
#[diagnostic::on_unimplemented(
    message = "rules cannot be applied to `{Self}`",
    label = "expected a number, `bool`, a text, a list, or an `Option` of one; implement \
             `ringseal::events::EventField` for your type"
)]
pub trait EventField {
    /// The type that rules compare: `f64` for `Option<f64>`, `str` for all texts, `[T]` for lists.
    type Scalar: ?Sized;

    /// The value, if there is one.
    fn scalar(&self) -> Option<&Self::Scalar>;

    /// The value as messages show it.
    fn shown(&self) -> FieldValue<'_>;
}

/// A type whose values may be missing.
#[diagnostic::on_unimplemented(
    message = "a field of the type `{Self}` always has a value",
    label = "`non_null` and `require any` are for `Option` and `Maybe`"
)]
pub trait Nullable {
    /// Whether there is a value.
    fn is_present(&self) -> bool;
}

impl<T> Nullable for Option<T> {
    #[inline(always)]
    fn is_present(&self) -> bool {
        self.is_some()
    }
}

impl<T> Nullable for Maybe<T> {
    #[inline(always)]
    fn is_present(&self) -> bool {
        self.0.is_some()
    }
}

impl<T: Nullable> Nullable for Pii<T> {
    #[inline(always)]
    fn is_present(&self) -> bool {
        self.expose().is_present()
    }
}

impl<T: Nullable> Nullable for Secret<T> {
    #[inline(always)]
    fn is_present(&self) -> bool {
        self.expose().is_present()
    }
}

macro_rules! scalars {
    ($($type:ty => |$value:ident| $shown:expr;)+) => {$(
        impl EventField for $type {
            type Scalar = $type;

            #[inline(always)]
            fn scalar(&self) -> Option<&$type> {
                Some(self)
            }

            fn shown(&self) -> FieldValue<'_> {
                let $value = *self;
                $shown
            }
        }
    )+};
}

scalars! {
    bool => |value| FieldValue::Bool(value);
    i8 => |value| value.into();
    i16 => |value| value.into();
    i32 => |value| value.into();
    i64 => |value| value.into();
    i128 => |value| value.into();
    isize => |value| FieldValue::Num(Num::Int(value as i128));
    u8 => |value| value.into();
    u16 => |value| value.into();
    u32 => |value| value.into();
    u64 => |value| value.into();
    u128 => |value| FieldValue::Num(match i128::try_from(value) {
        Ok(value) => Num::Int(value),
        Err(_) => Num::Float(value as f64),
    });
    usize => |value| FieldValue::Num(Num::Int(value as i128));
    f32 => |value| FieldValue::Single(value);
    f64 => |value| value.into();
}

macro_rules! texts {
    ($($type:ty),+) => {$(
        impl EventField for $type {
            type Scalar = str;

            #[inline(always)]
            fn scalar(&self) -> Option<&str> {
                Some(self)
            }

            fn shown(&self) -> FieldValue<'_> {
                FieldValue::Text(self)
            }
        }
    )+};
}

texts!(str, String, Box<str>, Arc<str>, Rc<str>, Cow<'_, str>);

impl EventField for Sanitized<'_> {
    type Scalar = str;

    #[inline(always)]
    fn scalar(&self) -> Option<&str> {
        Some(self.0)
    }

    fn shown(&self) -> FieldValue<'_> {
        FieldValue::Text(self.0)
    }
}

macro_rules! lists {
    ($([$($parameter:tt)*] $type:ty;)+) => {$(
        impl<T, $($parameter)*> EventField for $type {
            type Scalar = [T];

            #[inline(always)]
            fn scalar(&self) -> Option<&[T]> {
                Some(self)
            }

            fn shown(&self) -> FieldValue<'_> {
                FieldValue::List(self.len())
            }
        }
    )+};
}

lists! {
    [] [T];
    [] Vec<T>;
    [const N: usize] [T; N];
}

impl<T: EventField + ?Sized> EventField for &T {
    type Scalar = T::Scalar;

    #[inline(always)]
    fn scalar(&self) -> Option<&T::Scalar> {
        (**self).scalar()
    }

    fn shown(&self) -> FieldValue<'_> {
        (**self).shown()
    }
}

impl<T: EventField> EventField for Option<T> {
    type Scalar = T::Scalar;

    #[inline(always)]
    fn scalar(&self) -> Option<&T::Scalar> {
        self.as_ref().and_then(T::scalar)
    }

    fn shown(&self) -> FieldValue<'_> {
        self.as_ref().map_or(FieldValue::Null, T::shown)
    }
}

impl<T: EventField> EventField for Maybe<T> {
    type Scalar = T::Scalar;

    #[inline(always)]
    fn scalar(&self) -> Option<&T::Scalar> {
        self.0.scalar()
    }

    fn shown(&self) -> FieldValue<'_> {
        self.0.shown()
    }
}

macro_rules! hidden {
    ($($type:ident),+) => {$(
        impl<T: EventField> EventField for $type<T> {
            type Scalar = T::Scalar;

            #[inline(always)]
            fn scalar(&self) -> Option<&T::Scalar> {
                self.expose().scalar()
            }

            fn shown(&self) -> FieldValue<'_> {
                match self.expose().shown() {
                    FieldValue::Null => FieldValue::Null,
                    _ => FieldValue::Hidden,
                }
            }
        }
    )+};
}

hidden!(Pii, Secret);

/// What the values of a type look like in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shape {
    /// Anything: a type that has no [`FieldShape`].
    Any,
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// An integer, never negative if it has no sign.
    Integer {
        /// Whether it can be negative.
        is_signed: bool,
    },
    /// A float: a number, or `"NaN"`, `"inf"`, `"-inf"`.
    Float,
    /// A number.
    Number,
    /// A text, with the name that JSON Schema has for its format.
    Text {
        /// `ipv4`, `uuid`, `date-time`.
        format: Option<&'static str>,
    },
    /// A list of values of this shape.
    List(&'static Shape),
    /// An object.
    Object,
    /// A value of this shape, or `null`.
    Optional(&'static Shape),
    /// A value of this shape; without one, the field is left out.
    Absent(&'static Shape),
    /// Personal data: a placeholder or a token, unless redaction is off.
    Personal {
        /// Whether it may be `null`.
        is_optional: bool,
    },
    /// A secret: a mask.
    Secret,
}

impl Shape {
    /// Whether a line may lack the field.
    pub const fn may_be_absent(self) -> bool {
        matches!(self, Shape::Absent(_))
    }

    /// Whether a value may be missing.
    pub const fn is_optional(self) -> bool {
        match self {
            Shape::Optional(_) | Shape::Absent(_) => true,
            Shape::Personal { is_optional } => is_optional,
            _ => false,
        }
    }
}

/// A type whose values have a known shape in a line.
pub trait FieldShape {
    /// The shape.
    const SHAPE: Shape;

    /// The shape of a list of such values.
    const LIST: Shape = Shape::List(&Self::SHAPE);
}

/// The shape of any type. `ShapeOf::<T>::SHAPE` is that of its [`FieldShape`] or, with [`AnyShape`] in scope,
/// [`Shape::Any`] if it has none.
#[derive(Debug)]
pub struct ShapeOf<T: ?Sized>(std::marker::PhantomData<T>);

impl<T: FieldShape + ?Sized> ShapeOf<T> {
    /// The shape.
    pub const SHAPE: Shape = T::SHAPE;
}

/// See [`ShapeOf`].
pub trait AnyShape {
    /// The shape.
    const SHAPE: Shape = Shape::Any;
}

impl<T: ?Sized> AnyShape for ShapeOf<T> {}

macro_rules! shapes {
    ($($type:ty => $shape:expr;)+) => {$(
        impl FieldShape for $type {
            const SHAPE: Shape = $shape;
        }
    )+};
}

const TEXT: Shape = Shape::Text { format: None };
const SIGNED: Shape = Shape::Integer { is_signed: true };
const UNSIGNED: Shape = Shape::Integer { is_signed: false };

shapes! {
    () => Shape::Null;
    bool => Shape::Boolean;
    i8 => SIGNED;
    i16 => SIGNED;
    i32 => SIGNED;
    i64 => SIGNED;
    i128 => SIGNED;
    isize => SIGNED;
    u16 => UNSIGNED;
    u32 => UNSIGNED;
    u64 => UNSIGNED;
    u128 => UNSIGNED;
    usize => UNSIGNED;
    f32 => Shape::Float;
    f64 => Shape::Float;
    char => TEXT;
    str => TEXT;
    String => TEXT;
    Box<str> => TEXT;
    Arc<str> => TEXT;
    Rc<str> => TEXT;
    Cow<'_, str> => TEXT;
    Sanitized<'_> => TEXT;
    Duration => Shape::Number;
    Since => Shape::Number;
    Timer => Shape::Number;
    SystemTime => Shape::Text { format: Some("date-time") };
    Ipv4Addr => Shape::Text { format: Some("ipv4") };
    Ipv6Addr => Shape::Text { format: Some("ipv6") };
    IpAddr => TEXT;
    SocketAddr => TEXT;
    Uuid => Shape::Text { format: Some("uuid") };
    SpanId => TEXT;
}

impl FieldShape for u8 {
    const SHAPE: Shape = UNSIGNED;
    // Bytes are logged as a text of unknown encoding.
    const LIST: Shape = TEXT;
}

impl<T: FieldShape + ?Sized> FieldShape for &T {
    const SHAPE: Shape = T::SHAPE;
}

impl<T: FieldShape> FieldShape for [T] {
    const SHAPE: Shape = T::LIST;
}

impl<T: FieldShape> FieldShape for Vec<T> {
    const SHAPE: Shape = <[T]>::SHAPE;
}

impl<T: FieldShape, const N: usize> FieldShape for [T; N] {
    const SHAPE: Shape = <[T]>::SHAPE;
}

impl<T: FieldShape> FieldShape for Option<T> {
    const SHAPE: Shape = Shape::Optional(&T::SHAPE);
}

impl<T: FieldShape> FieldShape for Maybe<T> {
    const SHAPE: Shape = Shape::Absent(&T::SHAPE);
}

impl<T: FieldShape> FieldShape for Pii<T> {
    const SHAPE: Shape = Shape::Personal { is_optional: T::SHAPE.is_optional() };
}

impl<T> FieldShape for Secret<T> {
    const SHAPE: Shape = Shape::Secret;
}

impl FieldShape for Map<'_> {
    const SHAPE: Shape = Shape::Object;
}

impl<E: ?Sized> FieldShape for ErrorValue<'_, E> {
    const SHAPE: Shape = Shape::Object;
}
