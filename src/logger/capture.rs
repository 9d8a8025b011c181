//! How the macros turn an expression into a value: by its own type, or as an error, or not at all.
//!
//! The macros call `(&&Wrap(&expression)).capture()`. Method lookup takes the first that fits: [`ViaValue`] on
//! `&Wrap`, then [`ViaError`] on `Wrap`, then [`ViaNothing`], which only exists to say what is wrong.
use std::error::Error;

use crate::core::value::{AllowedUnder, ErrorValue, Value};

/// An expression's value, borrowed.
#[derive(Debug)]
pub struct Wrap<'a, T: ?Sized>(pub &'a T);

/// Types that know how to be logged.
pub trait ViaValue<'a> {
    /// What stands in the event.
    type Out;

    /// Takes the value.
    fn capture(&self) -> Self::Out;
}

impl<'a, T: Value + ?Sized> ViaValue<'a> for &Wrap<'a, T> {
    type Out = &'a T;

    #[inline(always)]
    fn capture(&self) -> &'a T {
        self.0
    }
}

/// Errors: type, message and chain.
pub trait ViaError<'a> {
    /// What stands in the event.
    type Out;

    /// Takes the error.
    fn capture(&self) -> Self::Out;
}

impl<'a, E: Error> ViaError<'a> for Wrap<'a, E> {
    type Out = ErrorValue<'a, E>;

    #[inline(always)]
    fn capture(&self) -> ErrorValue<'a, E> {
        ErrorValue(self.0)
    }
}

/// Everything else: a compile error in words.
pub trait ViaNothing<'a, T: ?Sized> {
    /// Asks for what is not there.
    fn capture(self) -> &'a T
    where
        T: Value;
}

impl<'a, T: ?Sized> ViaNothing<'a, T> for Wrap<'a, T> {
    fn capture(self) -> &'a T
    where
        T: Value,
    {
        self.0
    }
}

/// Lets a value pass only where its key allows it; see [`AllowedUnder`].
#[inline(always)]
pub fn check<const ECS_OBJECT: bool, V: AllowedUnder<ECS_OBJECT>>(value: V) -> V {
    value
}

/// A key as it stands in lines: `r#type` is `type`.
pub const fn key(text: &'static str) -> &'static str {
    let bytes = text.as_bytes();
    if bytes.len() > 2 && bytes[0] == b'r' && bytes[1] == b'#' { text.split_at(2).1 } else { text }
}
