//! The macro of spans.

/// Begins a [`Span`](crate::Span), which ends when it is dropped: `span!("db.query", table = "orders")`.
///
/// The name comes first and is a string literal, like that of an event; the fields have the grammar of
/// [`event!`](crate::event). When the span begins, the event `span.start` is logged, and when it ends `span.end`, both
/// with the name as `span` and with the fields. `span.end` also has `duration_ms`, `outcome` (`ok`, `error`,
/// `cancelled`, `panicked`), `kind`, `sampled` and `parent_span_id`.
///
/// ```
/// # use ringseal::{WithSpan, error, info, span, testing::Capture};
/// # let (engine, capture) = Capture::start();
/// let query = span!("db.query", table = "orders"); // the global engine
/// let query = span!(engine, "db.query", table = "orders");
/// query.run(|| info!(engine, "connected")); // has the ids of the span
/// if let Err(err) = "x".parse::<u16>() {
///     query.fail(&err); // span.error
/// }
/// drop(query);
///
/// let call = span!(kind: Client, engine, "http.request", method = "GET");
/// # async fn send() {}
/// let sending = send().in_span(call);
/// let step = span!(level: Debug, engine, "cache.lookup");
/// # drop((sending, step));
/// # assert_eq!(capture.event("span.error").text("span"), "db.query");
/// ```
///
/// | written | means |
/// |---|---|
/// | `span!("name", key = value)` | a span in the global engine |
/// | `span!(log, "name", ...)` | to this logger or engine |
/// | `span!(level: Debug, ...)` | the level of both events; without it, info |
/// | `span!(kind: Client, ...)` | its [`SpanKind`](crate::SpanKind); without it, internal. Comes after the level |
#[macro_export]
macro_rules! span {
    (level: $level:ident, kind: $kind:ident, $($rest:tt)*) => {
        $crate::__span!([$level $kind] $($rest)*)
    };
    (level: $level:ident, $($rest:tt)*) => {
        $crate::__span!([$level Internal] $($rest)*)
    };
    (kind: $kind:ident, $($rest:tt)*) => {
        $crate::__span!([Info $kind] $($rest)*)
    };
    ($($rest:tt)*) => {
        $crate::__span!([Info Internal] $($rest)*)
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __span {
    ([$level:ident $kind:ident] $name:literal $(, $($fields:tt)*)?) => {
        $crate::__fields!({span [$crate::__private::Global] $level $kind $name} {} $($($fields)*)? ,)
    };
    ($head:tt $($key:ident).+ = $($rest:tt)*) => {
        $crate::__name_last!(("span!(") [] $($key).+ = $($rest)*)
    };
    ([$level:ident $kind:ident] $log:expr, $name:literal $(, $($fields:tt)*)?) => {
        $crate::__fields!({span [$log] $level $kind $name} {} $($($fields)*)? ,)
    };
    ($head:tt $($wrong:tt)*) => {
        ::core::compile_error!(
            "expected `span!(\"span_name\", key = value, ...)`; the span's name is a string literal, and variable \
             data is in fields"
        )
    };
}
