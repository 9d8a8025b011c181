//! What is constant about an event's type: its name, level, version and fields, as data.
use std::fmt;

use super::field::Shape;
use super::rule::Rule;
use super::state::EventState;
use crate::core::level::Level;

/// A field of an event, with its rules.
///
/// Those of `domain_events!` are made by the macro. For values whose keys and types are known only at run time, a table
/// of such fields is made with [`FieldDescriptor::new`] and applied with
/// [`Violations::check`](super::Violations::check).
///
/// ```
/// use ringseal::events::{Bounds, FieldDescriptor, FieldValue, Num, Rule, Violations};
/// static GEM_SCORE: FieldDescriptor = FieldDescriptor::new("gem_score", &[
///     Rule::NonNull,
///     Rule::Range(Bounds { min: Some(Num::Float(0.0)), max: Some(Num::Float(100.0)) }),
/// ]);
/// let mut violations = Violations::new();
/// violations.check(&GEM_SCORE, 150.0.into());
/// violations.check(&GEM_SCORE, FieldValue::Null);
/// assert_eq!(
///     violations.to_string(),
///     "gem_score=150.0 above max 100.0; gem_score is required but got None"
/// );
/// ```
#[derive(Debug, Clone, Copy)]
pub struct FieldDescriptor {
    /// The name in the struct.
    #[doc(hidden)]
    pub name: &'static str,
    #[doc(hidden)]
    pub key: &'static str,
    #[doc(hidden)]
    pub shape: Shape,
    #[doc(hidden)]
    pub rules: &'static [Rule],
}

impl FieldDescriptor {
    /// A field of any type, which is optional unless it is [`Rule::NonNull`].
    pub const fn new(key: &'static str, rules: &'static [Rule]) -> Self {
        Self { name: key, key, shape: Shape::Optional(&Shape::Any), rules }
    }

    /// The key in lines.
    pub const fn key(&self) -> &'static str {
        self.key
    }

    /// What its values look like in lines.
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// Its rules.
    pub const fn rules(&self) -> &'static [Rule] {
        self.rules
    }

    /// Whether every valid event has a value: its type has no missing value, or it is `non_null`.
    pub fn is_required(&self) -> bool {
        let is_non_null = self.rules.iter().any(|rule| matches!(rule, Rule::NonNull));
        is_non_null || !self.shape.is_optional()
    }
}

/// An event's type, made by [`domain_events!`](crate::domain_events) as the constant `DESCRIPTOR`.
#[derive(Clone, Copy)]
pub struct EventDescriptor {
    #[doc(hidden)]
    pub name: &'static str,
    #[doc(hidden)]
    pub level: Level,
    #[doc(hidden)]
    pub target: &'static str,
    #[doc(hidden)]
    pub version: u32,
    #[doc(hidden)]
    pub fields: &'static [FieldDescriptor],
    #[doc(hidden)]
    pub alternatives: &'static [&'static [&'static str]],
    #[doc(hidden)]
    pub state: fn() -> &'static EventState,
}

impl EventDescriptor {
    /// The event's name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Its level.
    pub const fn level(&self) -> Level {
        self.level
    }

    /// Its target.
    pub const fn target(&self) -> &'static str {
        self.target
    }

    /// The version of its fields.
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// Its fields.
    pub const fn fields(&self) -> &'static [FieldDescriptor] {
        self.fields
    }

    /// The keys of which one needs a value: `require any(asin, title)`.
    pub const fn alternatives(&self) -> &'static [&'static [&'static str]] {
        self.alternatives
    }

    /// Its policy and counters.
    pub(super) fn state(&self) -> &'static EventState {
        (self.state)()
    }

    /// How often each rule was violated by events that were about to be logged. Under [`Policy::Off`](super::Policy)
    /// nothing is counted.
    pub fn failures(&self) -> impl Iterator<Item = RuleFailures> + use<> {
        let event = self.name;
        let of_fields = self.fields.iter().flat_map(|field| {
            field.rules.iter().map(|rule| (std::slice::from_ref(&field.key), rule.kind()))
        });
        let of_sets = self.alternatives.iter().map(|keys| (*keys, Rule::AnyOf.kind()));
        let counts = self.state().failures();
        let rules = of_fields.chain(of_sets);
        rules.zip(counts).map(move |((keys, kind), count)| RuleFailures {
            event,
            keys,
            kind,
            count,
        })
    }
}

impl fmt::Debug for EventDescriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventDescriptor")
            .field("name", &self.name)
            .field("level", &self.level)
            .field("version", &self.version)
            .field("fields", &self.fields)
            .field("alternatives", &self.alternatives)
            .finish_non_exhaustive()
    }
}

/// How often a rule was violated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleFailures {
    /// The event's name.
    pub event: &'static str,
    /// The field's key; for alternatives, those of all.
    pub keys: &'static [&'static str],
    /// The kind of rule ([`Rule::kind`]).
    pub kind: &'static str,
    /// The number of events.
    pub count: u64,
}
