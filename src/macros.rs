//! The macros: `macro_rules!` only, so that a user's build runs no procedural macro.
//!
//! Each invocation has one static [`Callsite`](crate::core::callsite::Callsite) with its constant data. A disabled call
//! is one relaxed load and a branch; its fields are not evaluated.

/// Logs an event at a level known at compile time: `event!(Level::Info, "name", key = value)`.
///
/// The grammar, which all the level macros share:
///
/// ```
/// # use ringseal::{info, warn, error, event, Level};
/// # let (peer, state, id, err) = (std::net::Ipv4Addr::LOCALHOST, Some(1), 7, std::fmt::Error);
/// # struct User { id: u64 }
/// # let user = User { id: 9 };
/// info!("payment_processed", amount = 100, currency = "KWD", user.id = 42);
/// warn!("rate_limit_near", peer = %peer, state = ?state);  // Display, Debug
/// info!("order_filled", id, ?state, %peer, user.id);       // shorthand
/// error!("upload_failed", error = &err, "retry count" = 3, r#type = "s3",);
/// event!(Level::Info, "seen");
/// info!(target: "exchange::gateway", "order_filled", id);
/// ```
///
/// A logger may come first: `info!(log, "request_started")`.
#[macro_export]
macro_rules! event {
    (target: $target:expr, $level:expr, $name:literal $(, $($fields:tt)*)?) => {
        $crate::__event!([global] $level, $target, $name, $($($fields)*)?)
    };
    (target: $target:expr, $log:expr, $level:expr, $name:literal $(, $($fields:tt)*)?) => {
        $crate::__event!([$log] $level, $target, $name, $($($fields)*)?)
    };
    ($level:expr, $name:literal $(, $($fields:tt)*)?) => {
        $crate::__event!([global] $level, ::core::module_path!(), $name, $($($fields)*)?)
    };
    ($log:expr, $level:expr, $name:literal $(, $($fields:tt)*)?) => {
        $crate::__event!([$log] $level, ::core::module_path!(), $name, $($($fields)*)?)
    };
    ($($wrong:tt)*) => {
        ::core::compile_error!(
            "expected `event!(Level::Info, \"event_name\", key = value, ...)`; the event's name is a string literal"
        )
    };
}

macro_rules! level_macros {
    ($($dollar:tt $name:ident $level:ident $doc:literal;)+) => {$(
        #[doc = $doc]
        ///
        /// The grammar is described at [`event!`](crate::event).
        #[macro_export]
        macro_rules! $name {
            (target: $dollar target:expr, $dollar name:literal $dollar (, $dollar ($dollar fields:tt)*)?) => {
                $crate::__event!([global] $crate::Level::$level, $dollar target, $dollar name,
                    $dollar ($dollar ($dollar fields)*)?)
            };
            (target: $dollar target:expr, $dollar log:expr, $dollar name:literal
                $dollar (, $dollar ($dollar fields:tt)*)?) => {
                $crate::__event!([$dollar log] $crate::Level::$level, $dollar target, $dollar name,
                    $dollar ($dollar ($dollar fields)*)?)
            };
            ($dollar name:literal $dollar (, $dollar ($dollar fields:tt)*)?) => {
                $crate::__event!([global] $crate::Level::$level, ::core::module_path!(), $dollar name,
                    $dollar ($dollar ($dollar fields)*)?)
            };
            ($dollar log:expr, $dollar name:literal $dollar (, $dollar ($dollar fields:tt)*)?) => {
                $crate::__event!([$dollar log] $crate::Level::$level, ::core::module_path!(), $dollar name,
                    $dollar ($dollar ($dollar fields)*)?)
            };
            ($dollar ($dollar wrong:tt)*) => {
                ::core::compile_error!(::core::concat!(
                    "expected `", ::core::stringify!($name), "!(\"event_name\", key = value, ...)` or `",
                    ::core::stringify!($name), "!(logger, \"event_name\", ...)`; the event's name is a string literal; \
                    put variable data in fields"
                ))
            };
        }
    )+};
}

level_macros! {
    $ trace Trace "Logs finest detail.";
    $ debug Debug "Logs development detail.";
    $ info Info "Logs a success or another expected event.";
    $ warn Warn "Logs a degraded state, or a failure that will be retried.";
    $ error Error "Logs a failure.";
    $ critical Critical "Logs a failure that needs immediate attention.";
}

/// Fields to bind to a logger: `engine.logger().bind(fields! { trace_id = id, user.id = 42 })`.
///
/// The grammar of the fields is that of [`event!`](crate::event).
#[macro_export]
macro_rules! fields {
    ($($fields:tt)*) => {
        $crate::__fields!({bind} {} $($fields)* ,)
    };
}

/// Parses the fields one by one, then calls back with `{key value}` pairs.
#[doc(hidden)]
#[macro_export]
macro_rules! __fields {
    // The end: only the added comma remains, and possibly the user's trailing comma.
    ({$($then:tt)*} {$($done:tt)*} $(,)?) => {
        $crate::__then!({$($then)*} $($done)*)
    };
    ({$($then:tt)*} {$($done:tt)*} , ,) => {
        $crate::__then!({$($then)*} $($done)*)
    };
    // key = %value, key = ?value, key = value
    ({$($then:tt)*} {$($done:tt)*} $($key:ident).+ = %$value:expr, $($rest:tt)*) => {
        $crate::__fields!({$($then)*} {$($done)* {($crate::__key!($($key).+)) display ($value)}} $($rest)*)
    };
    ({$($then:tt)*} {$($done:tt)*} $($key:ident).+ = ?$value:expr, $($rest:tt)*) => {
        $crate::__fields!({$($then)*} {$($done)* {($crate::__key!($($key).+)) debug ($value)}} $($rest)*)
    };
    ({$($then:tt)*} {$($done:tt)*} $($key:ident).+ = $value:expr, $($rest:tt)*) => {
        $crate::__fields!({$($then)*} {$($done)* {($crate::__key!($($key).+)) plain ($value)}} $($rest)*)
    };
    // "quoted key" = …
    ({$($then:tt)*} {$($done:tt)*} $key:literal = %$value:expr, $($rest:tt)*) => {
        $crate::__fields!({$($then)*} {$($done)* {($key) display ($value)}} $($rest)*)
    };
    ({$($then:tt)*} {$($done:tt)*} $key:literal = ?$value:expr, $($rest:tt)*) => {
        $crate::__fields!({$($then)*} {$($done)* {($key) debug ($value)}} $($rest)*)
    };
    ({$($then:tt)*} {$($done:tt)*} $key:literal = $value:expr, $($rest:tt)*) => {
        $crate::__fields!({$($then)*} {$($done)* {($key) plain ($value)}} $($rest)*)
    };
    // Shorthand: the key is the expression.
    ({$($then:tt)*} {$($done:tt)*} %$($key:ident).+, $($rest:tt)*) => {
        $crate::__fields!({$($then)*} {$($done)* {($crate::__key!($($key).+)) display ($($key).+)}} $($rest)*)
    };
    ({$($then:tt)*} {$($done:tt)*} ?$($key:ident).+, $($rest:tt)*) => {
        $crate::__fields!({$($then)*} {$($done)* {($crate::__key!($($key).+)) debug ($($key).+)}} $($rest)*)
    };
    ({$($then:tt)*} {$($done:tt)*} $($key:ident).+, $($rest:tt)*) => {
        $crate::__fields!({$($then)*} {$($done)* {($crate::__key!($($key).+)) plain ($($key).+)}} $($rest)*)
    };
    ({$($then:tt)*} {$($done:tt)*} $($wrong:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "a field is `key = value`, `key = %value` (Display), `key = ?value` (Debug), `key`, `%key` or `?key`, \
             where a key is `name`, `dotted.name` or `\"any text\"`; found `", ::core::stringify!($($wrong)*), "`"
        ))
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __key {
    ($key:ident) => {
        $crate::__private::key(::core::stringify!($key))
    };
    ($first:ident $(. $rest:ident)+) => {{
        const __TEXT: &str =
            ::core::concat!(::core::stringify!($first) $(, ".", ::core::stringify!($rest))+);
        const __BYTES: [u8; $crate::__private::dotted_len(__TEXT)] =
            $crate::__private::dotted(__TEXT);
        $crate::__private::dotted_str(&__BYTES)
    }};
}

/// What to do with the parsed fields.
#[doc(hidden)]
#[macro_export]
macro_rules! __then {
    ({event [global] $level:expr, $target:expr, $name:literal} $({($key:expr) $kind:ident ($value:expr)})*) => {
        if const { $crate::__private::is_compiled_in($level) } {
            #[allow(unused_imports)]
            use $crate::__private::{
                ViaCopy as _, ViaError as _, ViaNothing as _, ViaReport as _, ViaReportRef as _, ViaValue as _,
            };
            $crate::__callsite!(__CALLSITE, $level, $target, $name, [$($key),*]);
            if $crate::__private::should_log_globally(&__CALLSITE) {
                $crate::__private::emit(
                    $crate::__private::Emitter::global(),
                    &__CALLSITE,
                    $level,
                    $crate::__list!($({($key) $kind ($value)})*),
                );
            }
        }
    };
    ({event [$log:expr] $level:expr, $target:expr, $name:literal} $({($key:expr) $kind:ident ($value:expr)})*) => {
        if const { $crate::__private::is_compiled_in($level) } {
            #[allow(unused_imports)]
            use $crate::__private::{
                ViaCopy as _, ViaError as _, ViaNothing as _, ViaReport as _, ViaReportRef as _, ViaValue as _,
            };
            $crate::__callsite!(__CALLSITE, $level, $target, $name, [$($key),*]);
            match &$log {
                log => {
                    if $crate::__private::AsEmitter::should_log(log, &__CALLSITE) {
                        $crate::__private::emit(
                            $crate::__private::AsEmitter::emitter(log),
                            &__CALLSITE,
                            $level,
                            $crate::__list!($({($key) $kind ($value)})*),
                        );
                    }
                }
            }
        }
    };
    ({bind} $({($key:expr) $kind:ident ($value:expr)})*) => {{
        #[allow(unused_imports)]
        use $crate::__private::{
                ViaCopy as _, ViaError as _, ViaNothing as _, ViaReport as _, ViaReportRef as _, ViaValue as _,
            };
        const __KEYS: &[&str] = &[$($key),*];
        const _: () = $crate::__private::check_keys(__KEYS);
        $crate::__private::BoundFields::new(
            __KEYS,
            &$crate::__list!($({($key) $kind ($value)})*),
        )
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __callsite {
    ($static:ident, $level:expr, $target:expr, $name:literal, [$($key:expr),*]) => {
        static $static: $crate::__private::Callsite =
            $crate::__private::Callsite::new($crate::__private::Metadata {
                level: $level,
                event: $name,
                target: $target,
                file: ::core::file!(),
                line: ::core::line!(),
                keys: &[$($key),*],
            });
    };
}

/// `(first, (second, ()))`.
#[doc(hidden)]
#[macro_export]
macro_rules! __list {
    () => { () };
    ({($key:expr) plain ($value:expr)} $($rest:tt)*) => {
        (
            $crate::__private::check::<{ $crate::__private::is_ecs_object($key) }, _>(
                (&&&&&$crate::__private::Wrap(&$value)).capture()
            ),
            $crate::__list!($($rest)*),
        )
    };
    ({($key:expr) display ($value:expr)} $($rest:tt)*) => {
        (
            $crate::__private::check_text::<{ $crate::__private::is_ecs_object($key) }, _>(
                $crate::__private::DisplayValue(&$value)
            ),
            $crate::__list!($($rest)*),
        )
    };
    ({($key:expr) debug ($value:expr)} $($rest:tt)*) => {
        (
            $crate::__private::check_text::<{ $crate::__private::is_ecs_object($key) }, _>(
                $crate::__private::DebugValue(&$value)
            ),
            $crate::__list!($($rest)*),
        )
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __event {
    ([$($log:tt)*] $level:expr, $target:expr, $name:literal, $($fields:tt)*) => {
        $crate::__fields!({event [$($log)*] $level, $target, $name} {} $($fields)* ,)
    };
}
