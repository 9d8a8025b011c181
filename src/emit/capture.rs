//! Turns an expression in a macro into a value: by its type, as an error, or into a compile error.
//!
//! The macros call `(&&&&&Wrap(&expression)).capture()`. Method lookup takes the first that matches, from the outermost
//! reference inwards: [`ViaCopy`], [`ViaValue`], [`ViaError`], [`ViaReport`], [`ViaReportRef`], and [`ViaNothing`],
//! which only exists for its error message.
use std::error::Error;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Deref;
use std::time::Duration;

use ringseal_base::limits::Limits;
use ringseal_base::value::{
    AllowedUnder, DynError, ErrorValue, ObjectValue, Since, Timer, Value, ValueWriter,
};

/// An expression's value, borrowed.
#[derive(Debug)]
pub struct Wrap<'a, T: ?Sized>(pub &'a T);

/// Numbers and other small types: taken by value, so they stay in registers on their way into the ring.
pub trait ViaCopy {
    /// The value in the event.
    type Out;

    /// Takes the value.
    fn capture(&self) -> Self::Out;
}

impl<T: Small> ViaCopy for &&&&Wrap<'_, T> {
    type Out = T;

    #[inline(always)]
    fn capture(&self) -> T {
        *self.0
    }
}

/// Types that are taken by value.
pub trait Small: Value + Copy {}

macro_rules! small {
    ($($type:ty),+) => { $(impl Small for $type {})+ };
}

small!(
    (),
    bool,
    char,
    i8,
    i16,
    i32,
    i64,
    i128,
    isize,
    u8,
    u16,
    u32,
    u64,
    u128,
    usize,
    f32,
    f64,
    &str,
    Duration,
    Ipv4Addr,
    Ipv6Addr,
    Since,
    Timer
);

/// Types that implement `Value`.
pub trait ViaValue<'a> {
    /// The value in the event.
    type Out;

    /// Takes the value.
    fn capture(&self) -> Self::Out;
}

impl<'a, T: Value + ?Sized> ViaValue<'a> for &&&Wrap<'a, T> {
    type Out = &'a T;

    #[inline(always)]
    fn capture(&self) -> &'a T {
        self.0
    }
}

/// Errors: type, message and chain.
pub trait ViaError<'a> {
    /// The value in the event.
    type Out;

    /// Takes the error.
    fn capture(&self) -> Self::Out;
}

impl<'a, E: Error> ViaError<'a> for &&Wrap<'a, E> {
    type Out = ErrorValue<'a, E>;

    #[inline(always)]
    fn capture(&self) -> ErrorValue<'a, E> {
        ErrorValue(self.0)
    }
}

/// Reports that are not errors but dereference to one: `anyhow::Error`, `eyre::Report`.
pub trait ViaReport<'a> {
    /// The value in the event.
    type Out;

    /// Takes the error of the report.
    fn capture(&self) -> Self::Out;
}

impl<'a, R> ViaReport<'a> for &Wrap<'a, R>
where
    R: Deref<Target: DynError>,
{
    type Out = &'a R::Target;

    #[inline(always)]
    fn capture(&self) -> &'a R::Target {
        self.0
    }
}

/// References to such reports.
pub trait ViaReportRef<'a> {
    /// The value in the event.
    type Out;

    /// Takes the error of the report.
    fn capture(&self) -> Self::Out;
}

impl<'a, R> ViaReportRef<'a> for Wrap<'a, &'a R>
where
    R: Deref<Target: DynError>,
{
    type Out = &'a R::Target;

    #[inline(always)]
    fn capture(&self) -> &'a R::Target {
        self.0
    }
}

/// Everything else: a compile error.
pub trait ViaNothing<T: ?Sized> {
    /// Requires a trait that the type does not implement.
    fn capture(self) -> Nothing
    where
        T: Value;
}

impl<T: ?Sized> ViaNothing<T> for Wrap<'_, T> {
    fn capture(self) -> Nothing
    where
        T: Value,
    {
        Nothing
    }
}

/// Replaces a value that cannot be logged, so that one mistake gives one error.
#[derive(Debug)]
pub struct Nothing;

impl Value for Nothing {
    fn size_bytes_max(&self, _limits: &Limits) -> usize {
        1
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        out.null();
    }
}

impl ObjectValue for Nothing {}

/// For the name of each ECS object, a function that only accepts objects, and whose trait names the key in the message
/// of the compiler.
pub mod ecs_keys {
    use ringseal_base::value::ObjectValue;

    macro_rules! keys {
        ($($name:ident $message:literal;)+) => {
            $(
                #[doc = concat!("Accepts an object under the key `", stringify!($name), "`.")]
                #[inline(always)]
                pub fn $name<V: objects::$name>(value: V) -> V {
                    value
                }
            )+

            /// Values that are allowed under each key.
            #[allow(non_camel_case_types, reason = "keys are written in this way")]
            pub mod objects {
                $(
                    #[doc = concat!("A value that is allowed under the key `", stringify!($name), "`.")]
                    #[diagnostic::on_unimplemented(
                        message = $message,
                        label = "give an error or a map, or name a field of the object: `error = &err`, `user.id = 42`"
                    )]
                    pub trait $name {}

                    #[diagnostic::do_not_recommend]
                    impl<V: super::ObjectValue> $name for V {}
                )+
            }
        };
    }

    keys! {
        agent "the key `agent` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        client "the key `client` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        cloud "the key `cloud` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        container "the key `container` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        data_stream "the key `data_stream` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        destination "the key `destination` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        dll "the key `dll` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        dns "the key `dns` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        ecs "the key `ecs` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        error "the key `error` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        event "the key `event` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        file "the key `file` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        group "the key `group` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        host "the key `host` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        http "the key `http` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        log "the key `log` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        network "the key `network` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        observer "the key `observer` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        orchestrator "the key `orchestrator` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        organization "the key `organization` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        package "the key `package` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        process "the key `process` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        registry "the key `registry` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        related "the key `related` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        rule "the key `rule` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        server "the key `server` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        service "the key `service` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        source "the key `source` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        span "the key `span` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        threat "the key `threat` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        tls "the key `tls` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        trace "the key `trace` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        transaction "the key `transaction` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        url "the key `url` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        user "the key `user` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        user_agent "the key `user_agent` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
        vulnerability "the key `vulnerability` names an object of the Elastic Common Schema, and `{Self}` is a flat value";
    }
}

/// Accepts a value only under a key that allows it; see [`AllowedUnder`].
#[inline(always)]
pub fn check<const ECS_OBJECT: bool, V: AllowedUnder<ECS_OBJECT>>(value: V) -> V {
    value
}

/// A key as in lines: `r#type` is `type`.
pub const fn key(text: &'static str) -> &'static str {
    if starts_raw(text.as_bytes(), 0) { text.split_at(2).1 } else { text }
}

/// The length of a dotted key as in lines: `user.r#type` is `user.type`.
pub const fn dotted_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut len) = (0, 0);
    while at < bytes.len() {
        if starts_raw(bytes, at) {
            at += 2;
        }
        at += 1;
        len += 1;
    }
    len
}

/// A dotted key as in lines; `N` is its [`dotted_len`].
pub const fn dotted<const N: usize>(text: &str) -> [u8; N] {
    let bytes = text.as_bytes();
    let (mut at, mut len, mut key) = (0, 0, [0; N]);
    while len < N {
        if starts_raw(bytes, at) {
            at += 2;
        }
        key[len] = bytes[at];
        at += 1;
        len += 1;
    }
    key
}

/// The text of a dotted key's bytes.
pub const fn dotted_str(bytes: &'static [u8]) -> &'static str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => "",
    }
}

/// Whether `r#` is at this position, at the start of a key or of one of its parts.
const fn starts_raw(bytes: &[u8], at: usize) -> bool {
    at + 2 < bytes.len()
        && bytes[at] == b'r'
        && bytes[at + 1] == b'#'
        && (at == 0 || bytes[at - 1] == b'.')
}

#[cfg(test)]
mod tests {
    use super::{dotted, dotted_len, dotted_str, key};

    #[test]
    fn raw_identifiers_lose_their_prefix_everywhere() {
        assert_eq!((key("r#type"), key("type"), key("r")), ("type", "type", "r"));
        const TEXT: &str = "r#type.user.r#fn.for#x.r";
        const BYTES: [u8; dotted_len(TEXT)] = dotted(TEXT);
        assert_eq!(dotted_str(&BYTES), "type.user.fn.for#x.r");
    }
}
