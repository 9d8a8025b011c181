//! The macros of typed events: `domain_events!` and `catalogue!`.

/// Declares event types: for each a struct whose fields are those of the event, and `emit`, which logs it.
///
/// ```
/// use ringseal::{Pii, domain_events, testing::Capture};
/// domain_events! {
///     /// The torrent file exists and was checked.
///     #[derive(Clone, Copy)]
///     pub event TorrentBuilt<'a> = "TORRENT_BUILT_SUCCESS", Info, version 1 {
///         infohash: &'a str where hex, len(40..=40);
///         score: f64 where range(0.0..=100.0);
///         /// The key in lines is `meta.reason`, the field of the struct `reason`.
///         meta.reason: Option<&'a str> where one_of("new", "rebuilt");
///         kind as "type": &'a str;
///         asin: Option<&'a str>;
///         title: Option<&'a str>;
///         author: Pii<&'a str>;
///         require any(asin, title);
///     }
/// }
/// # fn main() -> Result<(), ringseal::events::Violations> {
/// let (engine, capture) = Capture::start();
/// let built = TorrentBuilt {
///     infohash: "da39a3ee5e6b4b0d3255bfef95601890afd80709",
///     score: 97.5,
///     reason: Some("new"),
///     kind: "book",
///     asin: None,
///     title: Some("Emma"),
///     author: Pii::name("Jane Austen"),
/// };
/// built.emit(&engine)?; // `built.emit_globally()?` for the global engine
/// assert_eq!(capture.event("TORRENT_BUILT_SUCCESS")["meta.reason"], "new");
/// assert!(TorrentBuilt { score: f64::NAN, ..built }.validate().is_err());
/// # Ok(())
/// # }
/// ```
///
/// An event is `pub event Struct<'a, T: Bound> = "NAME", Level, version 1 { .. }`, with attributes before it and, after
/// the version, optionally `target "name"`. The types of fields are those that [`info!`](crate::info) logs; generic
/// types are bounded by paths, such as `T: Value + Copy`.
///
/// | written | means |
/// |---|---|
/// | `field: T;` | a field; of the type `Option` it is optional, and logged as `null` if missing |
/// | `meta.field: T;` | the field `field` of the struct, with the key `meta.field` |
/// | `field as "any key": T;` | a field with another key |
/// | `field: T where rule, rule;` | a field with rules, which a missing value satisfies |
/// | `require any(a, b);` | one of these optional fields has a value |
///
/// | rule | is satisfied by |
/// |---|---|
/// | `non_null` | an `Option` with a value |
/// | `range(0.0..=1.0)`, `range(1..)`, `range(..=9)` | a number inside; NaN is outside |
/// | `one_of("a", "b")` | one of these texts, integers or truth values |
/// | `len(1..=9)` | a text with this number of characters |
/// | `items(1..=9)` | a list with this number of items |
/// | `not_blank` | a text with more than white space |
/// | `hex` | a text of hexadecimal digits |
/// | `pattern("^[A-Z]{2}$", is_country)` | a text that the function accepts; the regular expression is for schemas |
/// | `custom(is_even)` | a value that the function accepts; it takes `&f64`, `&str`, `&[T]` |
///
/// What happens to an event that violates its rules is its [`Policy`](crate::events::Policy). Rules that contradict
/// each other, and rules that do not apply to a field's type, are compile errors.
///
/// Names have the form `NOUN_VERB[_RESULT]`, unless the invocation begins with another one: `names: snake_case;`,
/// `names: dotted;` or `names: any;`. `verbs: ["SYNC"];` and `results: ["STALE"];` add words to those that are known.
#[macro_export]
macro_rules! domain_events {
    ($($events:tt)*) => {
        $crate::__domain_events!({NounVerb [] []} $($events)*);
    };
}

/// A [`Catalogue`](crate::events::Catalogue) of these event types, with each name once: `catalogue![UploadSubmitted,
/// UploadFailed]`.
#[macro_export]
macro_rules! catalogue {
    ($($event:ty),* $(,)?) => {
        const { $crate::events::Catalogue::new(&[$(<$event>::DESCRIPTOR),*]) }
    };
}

/// Fails if the fields of a [`Catalogue`](crate::events::Catalogue)'s events have changed and their versions have not:
/// `assert_schema_snapshot!(CATALOGUE, "schemas/events.json")`, in a test.
///
/// The file, whose path is relative to the package, has the catalogue's JSON Schema. With the variable
/// `RINGSEAL_UPDATE_SCHEMAS` set, the macro writes the file; also then it refuses a change without another version.
#[macro_export]
macro_rules! assert_schema_snapshot {
    ($catalogue:expr, $path:literal $(,)?) => {
        $crate::events::expanded::assert_snapshot(
            &$catalogue,
            ::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/", $path),
        )
    };
}

/// Reads the settings, then the events.
#[doc(hidden)]
#[macro_export]
macro_rules! __domain_events {
    ({$names:ident $verbs:tt $results:tt} names: snake_case; $($rest:tt)*) => {
        $crate::__domain_events!({SnakeCase $verbs $results} $($rest)*);
    };
    ({$names:ident $verbs:tt $results:tt} names: dotted; $($rest:tt)*) => {
        $crate::__domain_events!({Dotted $verbs $results} $($rest)*);
    };
    ({$names:ident $verbs:tt $results:tt} names: any; $($rest:tt)*) => {
        $crate::__domain_events!({Any $verbs $results} $($rest)*);
    };
    ({$names:ident $verbs:tt $results:tt} verbs: [$($verb:literal),* $(,)?]; $($rest:tt)*) => {
        $crate::__domain_events!({$names [$($verb),*] $results} $($rest)*);
    };
    ({$names:ident $verbs:tt $results:tt} results: [$($result:literal),* $(,)?]; $($rest:tt)*) => {
        $crate::__domain_events!({$names $verbs [$($result),*]} $($rest)*);
    };
    ($form:tt $(
        $(#[$attribute:meta])*
        $vis:vis event $event:ident $(<
            $($lifetime:lifetime),* $(,)?
            $($param:ident $(: $($bound:ident)::+ $(+ $($more:ident)::+)*)?),* $(,)?
        >)? = $name:literal, $level:ident, version $version:literal $(, target $target:literal)? {
            $($field:tt)*
        }
    )*) => {$(
        $crate::__domain_event!(
            {
                $form [$(#[$attribute])*] [$vis] $event
                [$($($lifetime,)* $($param $(: $($bound)::+ $(+ $($more)::+)*)?,)*)?]
                [$($($lifetime,)* $($param,)*)?]
                [$($($param)*)?]
                $name $level $version [$($target)?]
            }
            {} {} $($field)*
        );
    )*};
    ($form:tt $($wrong:tt)*) => {
        ::core::compile_error!(
            "expected events such as `pub event UploadFailed<'a> = \"UPLOAD_FAILED\", Error, version 1 { tracker: &'a \
             str; }`, with a level of trace, debug, info, warn, error or critical as `Info`; before the first one, \
             `names: snake_case;`, `verbs: [..];` or `results: [..];`"
        );
    };
}

/// Reads the fields one by one.
#[doc(hidden)]
#[macro_export]
macro_rules! __domain_event {
    ($head:tt {$($field:tt)*} {$($any:tt)*}) => {
        $crate::__typed_event!($head {$($field)*} {$($any)*});
    };
    ($head:tt $fields:tt {$($any:tt)*} require any($($alternative:ident),+ $(,)?); $($rest:tt)*) => {
        $crate::__domain_event!($head $fields {$($any)* {$($alternative)+}} $($rest)*);
    };
    ($head:tt {$($field:tt)*} $any:tt $(#[$attribute:meta])* $name:ident: $type:ty
        $(where $($rule:ident $(($($argument:tt)*))?),+ $(,)?)?; $($rest:tt)*) => {
        $crate::__domain_event!($head {$($field)* {
            [$(#[$attribute])*] $name ($crate::__key!($name)) ($name) [$type]
            [$($({$rule ($($($argument)*)?)})+)?]
        }} $any $($rest)*);
    };
    ($head:tt {$($field:tt)*} $any:tt $(#[$attribute:meta])* $outer:ident.$name:ident: $type:ty
        $(where $($rule:ident $(($($argument:tt)*))?),+ $(,)?)?; $($rest:tt)*) => {
        $crate::__domain_event!($head {$($field)* {
            [$(#[$attribute])*] $name ($crate::__key!($outer.$name)) ($outer.$name) [$type]
            [$($({$rule ($($($argument)*)?)})+)?]
        }} $any $($rest)*);
    };
    ($head:tt {$($field:tt)*} $any:tt $(#[$attribute:meta])* $name:ident as $key:literal: $type:ty
        $(where $($rule:ident $(($($argument:tt)*))?),+ $(,)?)?; $($rest:tt)*) => {
        $crate::__domain_event!($head {$($field)* {
            [$(#[$attribute])*] $name ($key) ($key) [$type]
            [$($({$rule ($($($argument)*)?)})+)?]
        }} $any $($rest)*);
    };
    ($head:tt $fields:tt $any:tt $($wrong:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "expected a field `name: Type;`, `outer.name: Type;` or `name as \"any key\": Type;`, with rules as in \
             `name: Type where not_blank, len(1..=9);`, or `require any(one, other);`; found `",
            ::core::stringify!($($wrong)*), "`"
        ));
    };
}

/// The struct and its methods.
#[doc(hidden)]
#[macro_export]
macro_rules! __typed_event {
    (
        {
            {$names:ident [$($verb:literal),*] [$($result:literal),*]} [$($attribute:tt)*] [$vis:vis] $event:ident
            [$($declared:tt)*] [$($used:tt)*] [$($param:ident)*]
            $text:literal $level:ident $version:literal [$($target:literal)?]
        }
        {$({
            [$($field_attribute:tt)*] $field:ident ($key:expr) $key_text:tt [$type:ty]
            [$({$rule:ident ($($argument:tt)*)})*]
        })*}
        {$({$($alternative:ident)+})*}
    ) => {
        $($attribute)*
        $vis struct $event<$($declared)*> {
            $($($field_attribute)* #[allow(missing_docs)] $vis $field: $type,)*
        }

        const _: () = $crate::events::expanded::check_name(
            $text,
            $crate::events::expanded::Names::$names,
            &[$($verb),*],
            &[$($result),*],
        );
        $crate::__check_typed_event!([$($param)*] $event);

        #[allow(dead_code, clippy::result_large_err, reason = "not every event uses every method")]
        impl<$($declared)*> $event<$($used)*> {
            /// What is constant about the event's type.
            $vis const DESCRIPTOR: &'static $crate::events::EventDescriptor = &$crate::events::EventDescriptor {
                name: $text,
                level: $crate::Level::$level,
                target: $crate::__target!($($target)?),
                version: $version,
                fields: Self::__FIELDS,
                alternatives: &[$(&[$(
                    $crate::events::expanded::key_of(Self::__FIELDS, ::core::stringify!($alternative))
                ),+]),*],
                state: Self::__state,
            };

            #[doc(hidden)]
            const __FIELDS: &'static [$crate::events::FieldDescriptor] = &[$(
                $crate::events::FieldDescriptor {
                    name: ::core::stringify!($field),
                    key: $key,
                    shape: {
                        #[allow(unused_imports)]
                        use $crate::events::expanded::AnyShape as _;
                        $crate::events::expanded::ShapeOf::<$type>::SHAPE
                    },
                    rules: &[$($crate::__rule!($rule ($($argument)*) [$type])),*],
                }
            ),*];

            #[doc(hidden)]
            const __CHECKED: () = $crate::events::expanded::check_rules(Self::__FIELDS);

            #[doc(hidden)]
            fn __state() -> &'static $crate::events::expanded::EventState {
                const RULES: usize = 0 $($(+ $crate::__one!($rule))*)* $(+ $crate::__one!($($alternative)+))*;
                static FAILURES: [::core::sync::atomic::AtomicU64; RULES] =
                    [const { ::core::sync::atomic::AtomicU64::new(0) }; RULES];
                static STATE: $crate::events::expanded::EventState =
                    $crate::events::expanded::EventState::new(&FAILURES);
                &STATE
            }

            /// Logs the event with this engine or logger. An event that is enabled and violates its rules is treated
            /// by its [policy]($crate::events::Policy); `Err` means that it was not logged.
            #[inline(always)]
            $vis fn emit<L>(self, log: &L) -> ::core::result::Result<(), $crate::events::Violations>
            where
                L: $crate::AsEmitter + ?::core::marker::Sized,
            {
                const { Self::__CHECKED };
                if const { $crate::__private::is_compiled_in($crate::Level::$level) } {
                    $crate::__callsite!(
                        __CALLSITE, $crate::Level::$level, $crate::__target!($($target)?), $text, [$($key),*]
                    );
                    if let ::core::option::Option::Some(entry) = $crate::__private::AsEmitter::pass(log, &__CALLSITE) {
                        if !self.__is_valid() {
                            return self.__emit_invalid(log, &__CALLSITE, entry);
                        }
                        $crate::__emit_typed!(
                            self log __CALLSITE entry ($crate::Level::$level) [$({$key_text $field})*]
                        );
                    }
                }
                ::core::result::Result::Ok(())
            }

            /// Logs the event with the global engine; see [`Self::emit`].
            #[inline(always)]
            $vis fn emit_globally(self) -> ::core::result::Result<(), $crate::events::Violations> {
                self.emit(&$crate::__private::Global)
            }

            /// Applies the rules, whatever the policy is, and counts nothing.
            $vis fn validate(&self) -> ::core::result::Result<(), $crate::events::Violations> {
                if self.__is_valid() {
                    return ::core::result::Result::Ok(());
                }
                ::core::result::Result::Err(self.__violations(::core::option::Option::None))
            }

            #[doc(hidden)]
            #[inline(always)]
            fn __is_valid(&self) -> bool {
                true $($(&& $crate::__apply!($rule ($($argument)*) [$type] &self.$field))*)*
                    $(&& (false $(|| $crate::events::Nullable::is_present(&self.$alternative))+))*
            }

            #[doc(hidden)]
            #[cold]
            #[inline(never)]
            #[allow(unused_mut, unused_variables)]
            fn __violations(
                &self,
                state: ::core::option::Option<&'static $crate::events::expanded::EventState>,
            ) -> $crate::events::Violations {
                let mut found = $crate::events::expanded::Collector::new(state);
                let mut fields = Self::__FIELDS.iter();
                $($crate::__collect!(
                    found (fields.next()) &self.$field,
                    [$($crate::__apply!($rule ($($argument)*) [$type] &self.$field)),*]
                );)*
                let mut sets = Self::DESCRIPTOR.alternatives().iter();
                $(found.any_of(sets.next(), false $(|| $crate::events::Nullable::is_present(&self.$alternative))+);)*
                found.finish()
            }

            #[doc(hidden)]
            #[cold]
            #[inline(never)]
            fn __emit_invalid<L>(
                self,
                log: &L,
                callsite: &'static $crate::__private::Callsite,
                entry: $crate::__private::Pass,
            ) -> ::core::result::Result<(), $crate::events::Violations>
            where
                L: $crate::AsEmitter + ?::core::marker::Sized,
            {
                const LEVEL: $crate::Level = $crate::Level::$level;
                const DEGRADED: $crate::Level = $crate::events::expanded::degraded(LEVEL);
                let policy = Self::__state().policy();
                if let $crate::events::Policy::Off = policy {
                    $crate::__emit_typed!(self log (*callsite) entry (LEVEL) [$({$key_text $field})*]);
                    return ::core::result::Result::Ok(());
                }
                let violations = self.__violations(::core::option::Option::Some(Self::__state()));
                if let $crate::events::Policy::Reject = policy {
                    return ::core::result::Result::Err(violations);
                }
                $crate::__callsite!(
                    __CALLSITE, DEGRADED, $crate::__target!($($target)?), $text, [$($key,)* "validation_errors"]
                );
                if let ::core::option::Option::Some(entry) = $crate::__private::AsEmitter::pass(log, &__CALLSITE) {
                    $crate::__emit_typed!(
                        self log __CALLSITE entry (DEGRADED) [$({$key_text $field})*] violations
                    );
                }
                ::core::result::Result::Ok(())
            }
        }
    };
}

/// Checks rules where the type has no parameters that a constant would have to choose; otherwise they are checked where
/// the event is used.
#[doc(hidden)]
#[macro_export]
macro_rules! __check_typed_event {
    ([] $event:ident) => {
        const _: () = $event::__CHECKED;
        const _: &[$crate::events::FieldDescriptor] = $event::DESCRIPTOR.fields();
    };
    ([$($param:ident)+] $event:ident) => {};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __target {
    () => {
        ::core::module_path!()
    };
    ($target:literal) => {
        $target
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __one {
    ($($counted:tt)*) => {
        1
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __emit_typed {
    ($event:ident $log:ident $callsite:tt $entry:ident ($level:expr) [$({$key:tt $field:ident})*]
        $($violations:ident)?) => {{
        #[allow(unused_imports)]
        use $crate::__private::{
            ViaCopy as _, ViaError as _, ViaNothing as _, ViaReport as _, ViaReportRef as _, ViaValue as _,
        };
        $crate::__private::emit(
            $log,
            &$callsite,
            $entry,
            $level,
            $crate::__list!(
                $({$key plain ($event.$field)})*
                $({(validation_errors) plain ($violations)})?
            ),
        );
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __collect {
    ($found:ident ($field:expr) $value:expr, []) => {
        $field;
    };
    ($found:ident ($field:expr) $value:expr, [$($passes:expr),+]) => {
        $found.field($field, $crate::events::EventField::shown($value), &[$($passes),+])
    };
}

/// A rule as data.
#[doc(hidden)]
#[macro_export]
macro_rules! __rule {
    (non_null () $type:tt) => { $crate::events::Rule::NonNull };
    (not_blank () $type:tt) => { $crate::events::Rule::NotBlank };
    (hex () $type:tt) => { $crate::events::Rule::Hex };
    (range ($range:expr) [$type:ty]) => {
        $crate::events::Rule::Range(
            $crate::events::expanded::BoundsOf($crate::events::expanded::typed::<$type, _>($range)).get(),
        )
    };
    (len ($range:expr) $type:tt) => {
        $crate::events::Rule::Len(
            $crate::events::expanded::BoundsOf($crate::events::expanded::counts($range)).get(),
        )
    };
    (items ($range:expr) $type:tt) => {
        $crate::events::Rule::Items(
            $crate::events::expanded::BoundsOf($crate::events::expanded::counts($range)).get(),
        )
    };
    (one_of ($($allowed:expr),* $(,)?) [$type:ty]) => {
        $crate::events::Rule::OneOf(&[$(
            $crate::events::expanded::AllowedOf($crate::events::expanded::listed::<$type>($allowed)).get()
        ),*])
    };
    (pattern ($source:literal, $matches:expr $(,)?) $type:tt) => {
        $crate::events::Rule::Pattern { source: $source, matches: $matches }
    };
    (custom ($check:expr) $type:tt) => {
        $crate::events::Rule::Custom { name: ::core::stringify!($check), check: ::core::option::Option::None }
    };
    ($rule:ident ($($argument:tt)*) $type:tt) => {
        ::core::compile_error!(::core::concat!(
            "expected a rule: non_null, not_blank, hex, range(min..=max), len(min..=max), items(min..=max), \
             one_of(a, b), pattern(\"regular expression\", function) or custom(function); found `",
            ::core::stringify!($rule($($argument)*)), "`"
        ))
    };
}

/// A rule as code: whether the value satisfies it.
#[doc(hidden)]
#[macro_export]
macro_rules! __apply {
    (non_null () $type:tt $value:expr) => { $crate::events::Nullable::is_present($value) };
    (not_blank () $type:tt $value:expr) => { $crate::events::expanded::not_blank($value) };
    (hex () $type:tt $value:expr) => { $crate::events::expanded::hex($value) };
    (range ($range:expr) $type:tt $value:expr) => { $crate::events::expanded::range($value, $range) };
    (len ($range:expr) $type:tt $value:expr) => { $crate::events::expanded::len($value, $range) };
    (items ($range:expr) $type:tt $value:expr) => { $crate::events::expanded::items($value, $range) };
    (one_of ($($allowed:expr),* $(,)?) [$type:ty] $value:expr) => {
        (false $(|| $crate::events::expanded::is::<$type>($value, $allowed))*)
    };
    (pattern ($source:literal, $matches:expr $(,)?) $type:tt $value:expr) => {
        $crate::events::expanded::pattern($value, $matches)
    };
    (custom ($check:expr) $type:tt $value:expr) => { $crate::events::expanded::custom($value, $check) };
    // `__rule` reports it.
    ($rule:ident ($($argument:tt)*) $type:tt $value:expr) => { true };
}
