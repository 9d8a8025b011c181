//! The macros: `macro_rules!` only, so that a user's build runs no procedural macro.
//!
//! Each invocation has one static [`Callsite`](crate::core::callsite::Callsite) with its constant data. A disabled call
//! is one relaxed load and a branch; its fields are not evaluated.

mod domain_events;
mod list;
mod span;

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
/// | written | means |
/// |---|---|
/// | `key = value` | any [`Value`](crate::value::Value): number, text, option, error (`error = &err`), map |
/// | `key = %value`, `key = ?value` | as `Display` or `Debug` formats it |
/// | `key`, `%key`, `?key`, `user.id` | a variable, or a field of one, under its own name |
/// | `user.id = 42`, `"retry count" = 3`, `r#type = "s3"` | dotted keys, keys of any text, keywords |
/// | `info!(log, "name")` | to this logger or engine; without one, to the global engine |
/// | `info!(target: "module", "name")` | another target than the module's path |
///
/// One macro for each level: [`trace!`](crate::trace), [`debug!`](crate::debug), [`info!`](crate::info),
/// [`warn!`](crate::warn), [`error!`](crate::error), [`critical!`](crate::critical).
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
    // The fields come first, as in `tracing`.
    ($level:expr, $($key:ident).+ = $($rest:tt)*) => {
        $crate::__name_last!(("event!(", ::core::stringify!($level), ", ") [] $($key).+ = $($rest)*)
    };
    ($level:expr, % $($rest:tt)*) => {
        $crate::__name_last!(("event!(", ::core::stringify!($level), ", ") [] % $($rest)*)
    };
    ($level:expr, ? $($rest:tt)*) => {
        $crate::__name_last!(("event!(", ::core::stringify!($level), ", ") [] ? $($rest)*)
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
            // The fields come first, as in `tracing`.
            (target: $dollar target:expr, $dollar ($dollar key:ident).+ = $dollar ($dollar rest:tt)*) => {
                $crate::__name_last!(
                    (::core::stringify!($name), "!(target: ", ::core::stringify!($dollar target), ", ")
                    [] $dollar ($dollar key).+ = $dollar ($dollar rest)*
                )
            };
            ($dollar ($dollar key:ident).+ = $dollar ($dollar rest:tt)*) => {
                $crate::__name_last!(
                    (::core::stringify!($name), "!(") [] $dollar ($dollar key).+ = $dollar ($dollar rest)*
                )
            };
            ($dollar key:literal = $dollar ($dollar rest:tt)*) => {
                $crate::__name_last!((::core::stringify!($name), "!(") [] $dollar key = $dollar ($dollar rest)*)
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
            (target: $dollar target:expr, $dollar ($dollar wrong:tt)*) => {
                $crate::__name_last!(
                    (::core::stringify!($name), "!(target: ", ::core::stringify!($dollar target), ", ")
                    [] $dollar ($dollar wrong)*
                )
            };
            ($dollar ($dollar wrong:tt)*) => {
                $crate::__name_last!((::core::stringify!($name), "!(") [] $dollar ($dollar wrong)*)
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

/// A call that the macros do not accept, perhaps with the name after the fields: a compile error that shows the right
/// call. The fields are moved into the brackets token by token.
#[doc(hidden)]
#[macro_export]
macro_rules! __name_last {
    // Only the name is left.
    (($($head:tt)*) [$($field:tt)+] , $name:literal $(,)?) => {
        ::core::compile_error!(::core::concat!(
            "the event's name is a constant and comes before the fields: write `", $($head)*,
            ::core::stringify!($name), ", ", ::core::stringify!($($field)+), ")`"
        ))
    };
    // A format string with its arguments.
    (($($head:tt)*) [$($field:tt)+] , $format:literal, $($argument:tt)+) => {
        ::core::compile_error!(::core::concat!(
            "the event's name is a constant and comes before the fields, and variable data is in fields: instead of ",
            ::core::stringify!($format), " write `", $($head)*, "\"event_name\", ", ::core::stringify!($($field)+),
            ", key = value)`"
        ))
    };
    ($head:tt [$($field:tt)*] $next:tt $($rest:tt)*) => {
        $crate::__name_last!($head [$($field)* $next] $($rest)*)
    };
    (($($head:tt)*) [$($field:tt)*]) => {
        ::core::compile_error!(::core::concat!(
            "expected `", $($head)*, "\"event_name\", key = value, ...)` or `", $($head)*,
            "logger, \"event_name\", ...)`; the event's name is a string literal; put variable data in fields"
        ))
    };
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
        $crate::__fields!({$($then)*} {$($done)* {($crate::__key!($($key).+)) ($($key).+) display ($value)}} $($rest)*)
    };
    ({$($then:tt)*} {$($done:tt)*} $($key:ident).+ = ?$value:expr, $($rest:tt)*) => {
        $crate::__fields!({$($then)*} {$($done)* {($crate::__key!($($key).+)) ($($key).+) debug ($value)}} $($rest)*)
    };
    ({$($then:tt)*} {$($done:tt)*} $($key:ident).+ = $value:expr, $($rest:tt)*) => {
        $crate::__fields!({$($then)*} {$($done)* {($crate::__key!($($key).+)) ($($key).+) plain ($value)}} $($rest)*)
    };
    // "quoted key" = …
    ({$($then:tt)*} {$($done:tt)*} $key:literal = %$value:expr, $($rest:tt)*) => {
        $crate::__fields!({$($then)*} {$($done)* {($key) ($key) display ($value)}} $($rest)*)
    };
    ({$($then:tt)*} {$($done:tt)*} $key:literal = ?$value:expr, $($rest:tt)*) => {
        $crate::__fields!({$($then)*} {$($done)* {($key) ($key) debug ($value)}} $($rest)*)
    };
    ({$($then:tt)*} {$($done:tt)*} $key:literal = $value:expr, $($rest:tt)*) => {
        $crate::__fields!({$($then)*} {$($done)* {($key) ($key) plain ($value)}} $($rest)*)
    };
    // Shorthand: the key is the expression.
    ({$($then:tt)*} {$($done:tt)*} %$($key:ident).+, $($rest:tt)*) => {
        $crate::__fields!(
            {$($then)*} {$($done)* {($crate::__key!($($key).+)) ($($key).+) display ($($key).+)}} $($rest)*
        )
    };
    ({$($then:tt)*} {$($done:tt)*} ?$($key:ident).+, $($rest:tt)*) => {
        $crate::__fields!({$($then)*} {$($done)* {($crate::__key!($($key).+)) ($($key).+) debug ($($key).+)}} $($rest)*)
    };
    ({$($then:tt)*} {$($done:tt)*} $($key:ident).+, $($rest:tt)*) => {
        $crate::__fields!({$($then)*} {$($done)* {($crate::__key!($($key).+)) ($($key).+) plain ($($key).+)}} $($rest)*)
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
    ({event [global] $level:expr, $target:expr, $name:literal}
        $({($key:expr) $text:tt $kind:ident ($value:expr)})*) => {
        if const { $crate::__private::is_compiled_in($level) } {
            #[allow(unused_imports)]
            use $crate::__private::{
                ViaCopy as _, ViaError as _, ViaNothing as _, ViaReport as _, ViaReportRef as _, ViaValue as _,
            };
            $crate::__callsite!(__CALLSITE, $level, $target, $name, [$($key),*]);
            if let ::core::option::Option::Some(pass) = $crate::__private::pass_globally(&__CALLSITE) {
                $crate::__private::emit(
                    &$crate::__private::Global,
                    &__CALLSITE,
                    pass,
                    $level,
                    $crate::__list!($({$text $kind ($value)})*),
                );
            }
        }
    };
    ({event [$log:expr] $level:expr, $target:expr, $name:literal}
        $({($key:expr) $text:tt $kind:ident ($value:expr)})*) => {
        if const { $crate::__private::is_compiled_in($level) } {
            #[allow(unused_imports)]
            use $crate::__private::{
                ViaCopy as _, ViaError as _, ViaNothing as _, ViaReport as _, ViaReportRef as _, ViaValue as _,
            };
            $crate::__callsite!(__CALLSITE, $level, $target, $name, [$($key),*]);
            match &$log {
                log => {
                    if let ::core::option::Option::Some(pass) =
                        $crate::__private::AsEmitter::pass(log, &__CALLSITE)
                    {
                        $crate::__private::emit(
                            log,
                            &__CALLSITE,
                            pass,
                            $level,
                            $crate::__list!($({$text $kind ($value)})*),
                        );
                    }
                }
            }
        }
    };
    ({span [$log:expr] $level:ident $kind:ident $name:literal}
        $({($key:expr) $text:tt $form:ident ($value:expr)})*) => {{
        #[allow(unused_imports)]
        use $crate::__private::{
            ViaCopy as _, ViaError as _, ViaNothing as _, ViaReport as _, ViaReportRef as _, ViaValue as _,
        };
        static __SITE: $crate::__private::SpanSite = $crate::__private::SpanSite::new(
            $name,
            $crate::Level::$level,
            $crate::SpanKind::$kind,
            (::core::file!(), ::core::line!()),
            $crate::__private::SpanKeys {
                start: &["span", $($key),*],
                error: &["span", "duration_ms", "error", $($key),*],
                end: &["span", "duration_ms", "outcome", "kind", "sampled", "parent_span_id", $($key),*],
            },
        );
        match &$log {
            log => {
                if const { $crate::__private::is_compiled_in($crate::Level::$level) } {
                    let fields = $crate::__private::Attributes::of(&$crate::__list!($({$text $form ($value)})*));
                    $crate::Span::begin(log, &__SITE, fields)
                } else {
                    $crate::Span::without_events(log, &__SITE)
                }
            }
        }
    }};
    ({bind} $({($key:expr) $text:tt $kind:ident ($value:expr)})*) => {{
        #[allow(unused_imports)]
        use $crate::__private::{
                ViaCopy as _, ViaError as _, ViaNothing as _, ViaReport as _, ViaReportRef as _, ViaValue as _,
            };
        const __KEYS: &[&str] = &[$($key),*];
        const _: () = $crate::__private::check_keys(__KEYS);
        $crate::__private::BoundFields::new(
            __KEYS,
            &$crate::__list!($({$text $kind ($value)})*),
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

#[doc(hidden)]
#[macro_export]
macro_rules! __event {
    ([$($log:tt)*] $level:expr, $target:expr, $name:literal, $($fields:tt)*) => {
        $crate::__fields!({event [$($log)*] $level, $target, $name} {} $($fields)* ,)
    };
}
