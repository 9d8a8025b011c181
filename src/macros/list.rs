//! The list of values that a macro's fields become, and, with `--cfg ringseal_ecs`, the check of their keys.

/// `(first, (second, ()))`.
#[cfg(not(ringseal_ecs))]
#[doc(hidden)]
#[macro_export]
macro_rules! __list {
    () => { () };
    ({$key:tt plain ($value:expr)} $($rest:tt)*) => {
        ((&&&&&$crate::__private::Wrap(&$value)).capture(), $crate::__list!($($rest)*))
    };
    ({$key:tt display ($value:expr)} $($rest:tt)*) => {
        ($crate::__private::DisplayValue(&$value), $crate::__list!($($rest)*))
    };
    ({$key:tt debug ($value:expr)} $($rest:tt)*) => {
        ($crate::__private::DebugValue(&$value), $crate::__list!($($rest)*))
    };
}

/// The same, and refuses flat values under the names of ECS objects.
#[cfg(ringseal_ecs)]
#[doc(hidden)]
#[macro_export]
macro_rules! __list {
    () => { () };
    ({$key:tt plain ($value:expr)} $($rest:tt)*) => {
        (
            $crate::__under!($key (&&&&&$crate::__private::Wrap(&$value)).capture()),
            $crate::__list!($($rest)*),
        )
    };
    ({$key:tt display ($value:expr)} $($rest:tt)*) => {
        (
            $crate::__under!($key $crate::__private::DisplayValue(&$value)),
            $crate::__list!($($rest)*),
        )
    };
    ({$key:tt debug ($value:expr)} $($rest:tt)*) => {
        (
            $crate::__under!($key $crate::__private::DebugValue(&$value)),
            $crate::__list!($($rest)*),
        )
    };
}

/// A value, refused if it is flat and its key names an ECS object. A dotted key names none.
#[cfg(ringseal_ecs)]
#[doc(hidden)]
#[macro_export]
macro_rules! __under {
    ((agent) $value:expr) => {
        $crate::__private::ecs_keys::agent($value)
    };
    ((client) $value:expr) => {
        $crate::__private::ecs_keys::client($value)
    };
    ((cloud) $value:expr) => {
        $crate::__private::ecs_keys::cloud($value)
    };
    ((container) $value:expr) => {
        $crate::__private::ecs_keys::container($value)
    };
    ((data_stream) $value:expr) => {
        $crate::__private::ecs_keys::data_stream($value)
    };
    ((destination) $value:expr) => {
        $crate::__private::ecs_keys::destination($value)
    };
    ((dll) $value:expr) => {
        $crate::__private::ecs_keys::dll($value)
    };
    ((dns) $value:expr) => {
        $crate::__private::ecs_keys::dns($value)
    };
    ((ecs) $value:expr) => {
        $crate::__private::ecs_keys::ecs($value)
    };
    ((error) $value:expr) => {
        $crate::__private::ecs_keys::error($value)
    };
    ((event) $value:expr) => {
        $crate::__private::ecs_keys::event($value)
    };
    ((file) $value:expr) => {
        $crate::__private::ecs_keys::file($value)
    };
    ((group) $value:expr) => {
        $crate::__private::ecs_keys::group($value)
    };
    ((host) $value:expr) => {
        $crate::__private::ecs_keys::host($value)
    };
    ((http) $value:expr) => {
        $crate::__private::ecs_keys::http($value)
    };
    ((log) $value:expr) => {
        $crate::__private::ecs_keys::log($value)
    };
    ((network) $value:expr) => {
        $crate::__private::ecs_keys::network($value)
    };
    ((observer) $value:expr) => {
        $crate::__private::ecs_keys::observer($value)
    };
    ((orchestrator) $value:expr) => {
        $crate::__private::ecs_keys::orchestrator($value)
    };
    ((organization) $value:expr) => {
        $crate::__private::ecs_keys::organization($value)
    };
    ((package) $value:expr) => {
        $crate::__private::ecs_keys::package($value)
    };
    ((process) $value:expr) => {
        $crate::__private::ecs_keys::process($value)
    };
    ((registry) $value:expr) => {
        $crate::__private::ecs_keys::registry($value)
    };
    ((related) $value:expr) => {
        $crate::__private::ecs_keys::related($value)
    };
    ((rule) $value:expr) => {
        $crate::__private::ecs_keys::rule($value)
    };
    ((server) $value:expr) => {
        $crate::__private::ecs_keys::server($value)
    };
    ((service) $value:expr) => {
        $crate::__private::ecs_keys::service($value)
    };
    ((source) $value:expr) => {
        $crate::__private::ecs_keys::source($value)
    };
    ((span) $value:expr) => {
        $crate::__private::ecs_keys::span($value)
    };
    ((threat) $value:expr) => {
        $crate::__private::ecs_keys::threat($value)
    };
    ((tls) $value:expr) => {
        $crate::__private::ecs_keys::tls($value)
    };
    ((trace) $value:expr) => {
        $crate::__private::ecs_keys::trace($value)
    };
    ((transaction) $value:expr) => {
        $crate::__private::ecs_keys::transaction($value)
    };
    ((url) $value:expr) => {
        $crate::__private::ecs_keys::url($value)
    };
    ((user) $value:expr) => {
        $crate::__private::ecs_keys::user($value)
    };
    ((user_agent) $value:expr) => {
        $crate::__private::ecs_keys::user_agent($value)
    };
    ((vulnerability) $value:expr) => {
        $crate::__private::ecs_keys::vulnerability($value)
    };
    (($key:literal) $value:expr) => {
        $crate::__private::check::<{ $crate::__private::is_ecs_object($key) }, _>($value)
    };
    ($key:tt $value:expr) => {
        $value
    };
}
