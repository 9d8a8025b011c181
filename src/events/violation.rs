//! What is wrong with an event: a fixed number of violations, kept without allocation.
//!
//! Promises: nothing allocates or blocks. A value of a secret or of personal data is never kept. Of a text, the first
//! bytes are kept.
use std::fmt;

use super::descriptor::FieldDescriptor;
use super::rule::{self, FieldValue, Num, Rule};
use super::state::EventState;
use ringseal_base::limits::{Limits, floor_char_boundary};
use ringseal_base::value::{DisplayValue, Value, ValueWriter};

/// How many violations of one event are kept; further ones are counted.
pub const VIOLATIONS_MAX: usize = 16;

/// How many bytes of a text a violation keeps.
const TEXT_BYTES_MAX: usize = 46;

/// A value that violates a rule of its field.
///
/// Its `Display` is the message: `gem_score=150.0 above max 100.0`.
#[derive(Clone, Copy)]
pub struct Violation {
    /// The field's key; for [`Rule::AnyOf`], the keys of all alternatives.
    keys: &'static [&'static str],
    rule: &'static Rule,
    found: Found,
}

/// A [`FieldValue`] without a borrow.
#[derive(Clone, Copy)]
enum Found {
    Null,
    Bool(bool),
    Int(i64),
    /// An integer beyond 64 bits, in bytes so that it needs no alignment of 16.
    LongInt([u8; 16]),
    Float(f64),
    Single(f32),
    Text {
        bytes: [u8; TEXT_BYTES_MAX],
        len: u8,
        is_cut: bool,
    },
    List(u32),
    Hidden,
    Other,
}

impl Found {
    fn of(value: FieldValue<'_>) -> Found {
        match value {
            FieldValue::Null => Found::Null,
            FieldValue::Bool(value) => Found::Bool(value),
            FieldValue::Num(Num::Float(value)) => Found::Float(value),
            FieldValue::Num(Num::Int(value)) => match i64::try_from(value) {
                Ok(value) => Found::Int(value),
                Err(_) => Found::LongInt(value.to_le_bytes()),
            },
            FieldValue::Single(value) => Found::Single(value),
            FieldValue::Text(text) => {
                let len = floor_char_boundary(text, TEXT_BYTES_MAX);
                let mut bytes = [0; TEXT_BYTES_MAX];
                bytes[..len].copy_from_slice(&text.as_bytes()[..len]);
                Found::Text { bytes, len: len as u8, is_cut: len < text.len() }
            }
            FieldValue::List(count) => Found::List(u32::try_from(count).unwrap_or(u32::MAX)),
            FieldValue::Hidden => Found::Hidden,
            FieldValue::Other => Found::Other,
        }
    }

    /// The value, and whether it is only the beginning of a text.
    fn value(&self) -> (FieldValue<'_>, bool) {
        let value = match self {
            Found::Null => FieldValue::Null,
            Found::Bool(value) => FieldValue::Bool(*value),
            Found::Int(value) => FieldValue::Num(Num::Int((*value).into())),
            Found::LongInt(bytes) => FieldValue::Num(Num::Int(i128::from_le_bytes(*bytes))),
            Found::Float(value) => FieldValue::Num(Num::Float(*value)),
            Found::Single(value) => FieldValue::Single(*value),
            Found::Text { bytes, len, is_cut } => {
                let text = bytes.get(..usize::from(*len)).unwrap_or_default();
                return (FieldValue::Text(std::str::from_utf8(text).unwrap_or_default()), *is_cut);
            }
            Found::List(count) => FieldValue::List(*count as usize),
            Found::Hidden => FieldValue::Hidden,
            Found::Other => FieldValue::Other,
        };
        (value, false)
    }
}

impl Violation {
    /// The field's key; for alternatives, that of the first.
    pub fn field(&self) -> &'static str {
        self.keys.first().copied().unwrap_or_default()
    }

    /// The keys of all alternatives; for other rules, the field's key alone.
    pub fn fields(&self) -> &'static [&'static str] {
        self.keys
    }

    /// The rule.
    pub fn rule(&self) -> &'static Rule {
        self.rule
    }
}

/// The keys of alternatives: `asin|title`.
struct Name(&'static [&'static str]);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, key) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "|" };
            write!(f, "{separator}{key}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (found, is_cut) = self.found.value();
        rule::explain(f, &Name(self.keys), self.rule, &found, is_cut)
    }
}

impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&format_args!("{self}"), f)
    }
}

/// What is wrong with an event: the first [`VIOLATIONS_MAX`] violations, and how many there are.
///
/// As a [`Value`](crate::value::Value), it is a list of the messages.
#[derive(Clone, Copy)]
pub struct Violations {
    list: [Violation; VIOLATIONS_MAX],
    count: u32,
}

impl Default for Violations {
    fn default() -> Self {
        Self::new()
    }
}

impl Violations {
    /// None yet.
    pub const fn new() -> Self {
        let none = Violation { keys: &[], rule: &Rule::NonNull, found: Found::Null };
        Self { list: [none; VIOLATIONS_MAX], count: 0 }
    }

    /// How many there are, those that were not kept included.
    pub fn count(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Those that were kept, in the order of the fields.
    pub fn iter(&self) -> std::slice::Iter<'_, Violation> {
        self.list.get(..self.count().min(VIOLATIONS_MAX)).unwrap_or_default().iter()
    }

    /// Applies the rules of a field to a value whose type is known only at run time.
    pub fn check(&mut self, field: &'static FieldDescriptor, value: FieldValue<'_>) {
        for rule in field.rules {
            if !rule.accepts(&value) {
                self.add(std::slice::from_ref(&field.key), rule, value);
            }
        }
    }

    /// Adds that this field is required, and there is no such key: `Required feature gem_score missing`.
    pub fn require_field(&mut self, field: &'static FieldDescriptor) {
        self.require(std::slice::from_ref(&field.key));
    }

    /// Adds that one of these fields is required, and none of them is present: `Required feature asin|title missing`.
    pub fn require(&mut self, keys: &'static [&'static str]) {
        self.add(keys, &Rule::AnyOf, FieldValue::Null);
    }

    fn add(&mut self, keys: &'static [&'static str], rule: &'static Rule, found: FieldValue<'_>) {
        if let Some(place) = self.list.get_mut(self.count as usize) {
            *place = Violation { keys, rule, found: Found::of(found) };
        }
        self.count = self.count.saturating_add(1);
    }
}

impl<'v> IntoIterator for &'v Violations {
    type Item = &'v Violation;
    type IntoIter = std::slice::Iter<'v, Violation>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, violation) in self.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{violation}")?;
        }
        match self.count().saturating_sub(VIOLATIONS_MAX) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl fmt::Debug for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl std::error::Error for Violations {}

impl Value for Violations {
    fn size_bytes_max(&self, limits: &Limits) -> usize {
        let each = DisplayValue("").size_bytes_max(limits);
        5 + each * self.count().min(VIOLATIONS_MAX)
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        out.array(|out| {
            for violation in self {
                DisplayValue(violation).write(out);
            }
        });
    }
}

/// Collects the violations of an event of `domain_events!`, whose rules have been applied by inlined code.
#[derive(Debug)]
pub struct Collector {
    violations: Violations,
    /// Counts each violation, if given.
    state: Option<&'static EventState>,
    /// How many rules came before.
    rules: usize,
}

impl Collector {
    /// Without violations so far.
    pub fn new(state: Option<&'static EventState>) -> Self {
        Self { violations: Violations::new(), state, rules: 0 }
    }

    /// The next field, whether its value satisfies each of its rules, and the value for the messages.
    pub fn field(
        &mut self,
        field: Option<&'static FieldDescriptor>,
        value: FieldValue<'_>,
        passes: &[bool],
    ) {
        let Some(field) = field else { return };
        for (rule, passes) in field.rules.iter().zip(passes) {
            if !passes {
                self.add(std::slice::from_ref(&field.key), rule, value);
            }
            self.rules += 1;
        }
    }

    /// The next alternatives, and whether one of them has a value.
    pub fn any_of(&mut self, keys: Option<&'static &'static [&'static str]>, is_present: bool) {
        if !is_present {
            self.add(keys.copied().unwrap_or_default(), &Rule::AnyOf, FieldValue::Null);
        }
        self.rules += 1;
    }

    fn add(&mut self, keys: &'static [&'static str], rule: &'static Rule, value: FieldValue<'_>) {
        self.violations.add(keys, rule, value);
        if let Some(state) = self.state {
            state.count(self.rules);
        }
    }

    /// What was found.
    pub fn finish(self) -> Violations {
        self.violations
    }
}
