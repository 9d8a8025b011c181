//! Rules of fields, as data: what a value must be, and what a message says if it is not.
use std::fmt;

use super::python;

/// A bound of a range, or an allowed number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Num {
    /// An integer.
    Int(i128),
    /// A float.
    Float(f64),
}

impl Num {
    /// Compares two numbers exactly; `None` if one of them is NaN.
    pub fn compare(self, other: Num) -> Option<std::cmp::Ordering> {
        match (self, other) {
            (Num::Int(one), Num::Int(other)) => Some(one.cmp(&other)),
            (Num::Float(one), Num::Float(other)) => one.partial_cmp(&other),
            (Num::Int(one), Num::Float(other)) => compare_mixed(one, other),
            (Num::Float(one), Num::Int(other)) => {
                compare_mixed(other, one).map(std::cmp::Ordering::reverse)
            }
        }
    }
}

/// Compares without the rounding of a conversion to `f64`.
fn compare_mixed(int: i128, float: f64) -> Option<std::cmp::Ordering> {
    // 2^127, which `i128` does not reach.
    const END: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;
    if float.is_nan() {
        return None;
    }
    if float >= END {
        return Some(std::cmp::Ordering::Less);
    }
    if float < -END {
        return Some(std::cmp::Ordering::Greater);
    }
    let whole = float.trunc();
    Some(
        int.cmp(&(whole as i128))
            .then_with(|| whole.partial_cmp(&float).unwrap_or(std::cmp::Ordering::Equal)),
    )
}

/// As Python prints it: `150.0`, `1e+16`.
impl fmt::Display for Num {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Num::Int(value) => value.fmt(f),
            Num::Float(value) => python::float(f, value),
        }
    }
}

/// The ends of a range, both included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// The smallest allowed number.
    pub min: Option<Num>,
    /// The largest allowed number.
    pub max: Option<Num>,
}

impl Bounds {
    /// Whether the number is inside. NaN is outside of every range.
    pub fn contain(&self, value: Num) -> bool {
        self.is_above_min(value) && self.is_below_max(value) && value.compare(value).is_some()
    }

    fn is_above_min(&self, value: Num) -> bool {
        self.min.is_none_or(|min| value.compare(min).is_some_and(std::cmp::Ordering::is_ge))
    }

    fn is_below_max(&self, value: Num) -> bool {
        self.max.is_none_or(|max| value.compare(max).is_some_and(std::cmp::Ordering::is_le))
    }

    /// Whether a count is inside.
    fn contain_count(&self, count: usize) -> bool {
        self.contain(Num::Int(count as i128))
    }
}

/// A value of a list of allowed ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Allowed {
    /// A text.
    Text(&'static str),
    /// A number.
    Num(Num),
    /// A truth value. It is not a number: neither 0 nor 1 equals it.
    Bool(bool),
}

/// As in a Python list: `'LOW'`, `True`, `3`.
impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Allowed::Text(text) => python::quoted(f, text),
            Allowed::Num(num) => num.fmt(f),
            Allowed::Bool(value) => python::bool(f, *value),
        }
    }
}

/// A value that a rule is applied to, and that a message shows.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum FieldValue<'a> {
    /// No value: `None`.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number.
    Num(Num),
    /// A float of 32 bits, which has other digits than the same number with 64.
    Single(f32),
    /// A text.
    Text(&'a str),
    /// A list of this length.
    List(usize),
    /// A value that is never shown: a secret, or personal data.
    Hidden,
    /// A value of some other kind.
    Other,
}

impl FieldValue<'_> {
    fn as_num(&self) -> Option<Num> {
        match *self {
            FieldValue::Num(num) => Some(num),
            FieldValue::Single(value) => Some(Num::Float(value.into())),
            _ => None,
        }
    }
}

macro_rules! from_ints {
    ($($type:ty),+) => {$(
        impl From<$type> for FieldValue<'_> {
            fn from(value: $type) -> Self {
                FieldValue::Num(Num::Int(value.into()))
            }
        }
    )+};
}

from_ints!(i8, i16, i32, i64, i128, u8, u16, u32, u64);

impl From<f64> for FieldValue<'_> {
    fn from(value: f64) -> Self {
        FieldValue::Num(Num::Float(value))
    }
}

impl From<bool> for FieldValue<'_> {
    fn from(value: bool) -> Self {
        FieldValue::Bool(value)
    }
}

impl<'a> From<&'a str> for FieldValue<'a> {
    fn from(value: &'a str) -> Self {
        FieldValue::Text(value)
    }
}

impl<'a, T: Into<FieldValue<'a>>> From<Option<T>> for FieldValue<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(FieldValue::Null, Into::into)
    }
}

/// What a field's value must be. A missing value satisfies every rule except [`Rule::NonNull`].
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Rule {
    /// `non_null`: there is a value.
    NonNull,
    /// `require any(a, b)`: one of several fields has a value.
    AnyOf,
    /// `not_blank`: a text with a character that is not white space.
    NotBlank,
    /// `range(0.0..=100.0)`: a number inside.
    Range(Bounds),
    /// `len(10..=500)`: a text with this number of characters.
    Len(Bounds),
    /// `items(1..=10)`: a list with this number of items.
    Items(Bounds),
    /// `one_of("LOW", "HIGH")`: one of these values.
    OneOf(&'static [Allowed]),
    /// `hex`: a text of hexadecimal digits, at least one.
    Hex,
    /// `pattern("^[A-Z]{2}$", is_country)`: a text that the function accepts. The engine contains no regular
    /// expressions: the source is for the schema and the message, the function decides.
    Pattern {
        /// The regular expression, as JSON Schema has it.
        source: &'static str,
        /// Whether a text matches.
        matches: fn(&str) -> bool,
    },
    /// `custom(is_even)`: a value that the function accepts.
    Custom {
        /// The name of the function.
        name: &'static str,
        /// Whether a value is accepted, for values whose type is known only at run time. In `domain_events!`, the
        /// function takes the field's own type, and this is `None`, which accepts everything.
        check: Option<fn(&FieldValue<'_>) -> bool>,
    },
}

impl Rule {
    /// The kind of rule, for counters: `range`, `non_null`, `enum`, `regex`, `custom`, `not_blank`, `len`, `items`,
    /// `hex`, `any_of`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Rule::NonNull => "non_null",
            Rule::AnyOf => "any_of",
            Rule::NotBlank => "not_blank",
            Rule::Range(_) => "range",
            Rule::Len(_) => "len",
            Rule::Items(_) => "items",
            Rule::OneOf(_) => "enum",
            Rule::Hex => "hex",
            Rule::Pattern { .. } => "regex",
            Rule::Custom { .. } => "custom",
        }
    }

    /// Whether a value whose type is known only at run time satisfies the rule. A value of a kind that the rule is not
    /// about violates it: a text is in no range, and neither is a truth value.
    ///
    /// ```
    /// use ringseal::events::{Allowed, FieldValue, Rule};
    /// let flag = Rule::OneOf(&[Allowed::Bool(true), Allowed::Bool(false)]);
    /// assert!(flag.accepts(&true.into()));
    /// assert!(!flag.accepts(&1.into()), "a number is not a truth value");
    /// assert!(flag.accepts(&FieldValue::Null), "an optional value");
    /// ```
    pub fn accepts(&self, value: &FieldValue<'_>) -> bool {
        if *value == FieldValue::Null {
            return !matches!(self, Rule::NonNull | Rule::AnyOf);
        }
        let is_text = |accepts: &dyn Fn(&str) -> bool| matches!(value, FieldValue::Text(text) if accepts(text));
        match self {
            Rule::NonNull | Rule::AnyOf => true,
            Rule::NotBlank => is_text(&|text| !is_blank(text)),
            Rule::Range(bounds) => value.as_num().is_some_and(|num| bounds.contain(num)),
            Rule::Len(bounds) => is_text(&|text| bounds.contain_count(text.chars().count())),
            Rule::Items(bounds) => {
                matches!(value, FieldValue::List(count) if bounds.contain_count(*count))
            }
            Rule::OneOf(allowed) => allowed.iter().any(|allowed| is_same(value, allowed)),
            Rule::Hex => is_text(&is_hex),
            Rule::Pattern { matches, .. } => is_text(matches),
            Rule::Custom { check, .. } => check.is_none_or(|check| check(value)),
        }
    }
}

fn is_same(value: &FieldValue<'_>, allowed: &Allowed) -> bool {
    match (value, allowed) {
        (FieldValue::Text(text), Allowed::Text(allowed)) => text == allowed,
        (FieldValue::Bool(value), Allowed::Bool(allowed)) => value == allowed,
        (value, Allowed::Num(allowed)) => value
            .as_num()
            .and_then(|num| num.compare(*allowed))
            .is_some_and(std::cmp::Ordering::is_eq),
        _ => false,
    }
}

/// Whether a text has no character besides white space, where white space is what either Rust or JSON Schema's regular
/// expressions call so.
#[inline]
pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c == '\u{feff}')
}

#[inline]
pub(super) fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What a message says about a value that violates the rule, after the field's name.
pub(super) fn explain(
    f: &mut fmt::Formatter<'_>,
    name: &dyn fmt::Display,
    rule: &Rule,
    found: &FieldValue<'_>,
    is_cut: bool,
) -> fmt::Result {
    let shown = Shown(found, is_cut);
    match rule {
        Rule::NonNull => write!(f, "{name} is required but got None"),
        Rule::AnyOf => write!(f, "Required feature {name} missing"),
        Rule::NotBlank => write!(f, "{name}={shown} is blank"),
        Rule::Range(bounds) => {
            explain_bounds(f, format_args!("{name}={shown}"), bounds, found.as_num(), "a number")
        }
        // The message has no text of 500 characters, only its first ones.
        Rule::Len(bounds) => write!(f, "{name}={shown} does not have {} characters", Count(bounds)),
        Rule::Items(bounds) => write!(f, "{name} has {shown}, expected {}", Count(bounds)),
        Rule::OneOf(allowed) => write!(f, "{name}={shown} not in {}", List(allowed)),
        Rule::Hex => write!(f, "{name}={shown} is not hexadecimal"),
        Rule::Pattern { source, .. } => write!(f, "{name}={shown} does not match {source}"),
        Rule::Custom { name: check, .. } => write!(f, "{name}={shown} is refused by {check}"),
    }
}

fn explain_bounds(
    f: &mut fmt::Formatter<'_>,
    subject: fmt::Arguments<'_>,
    bounds: &Bounds,
    found: Option<Num>,
    kind: &str,
) -> fmt::Result {
    match (found, bounds) {
        (Some(num), Bounds { min: Some(min), .. }) if !bounds.is_above_min(num) => {
            write!(f, "{subject} below min {min}")
        }
        (Some(_), Bounds { max: Some(max), .. }) => write!(f, "{subject} above max {max}"),
        (Some(_), _) => write!(f, "{subject} is not {kind}"),
        // A hidden value, or a value of another kind.
        (None, bounds) => write!(f, "{subject} is not {kind} in {}", Count(bounds)),
    }
}

/// `10..=500`; a single number if the ends are the same.
struct Count<'a>(&'a Bounds);

impl fmt::Display for Count<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.min, self.0.max) {
            (Some(min), Some(max)) if min == max => min.fmt(f),
            (min, max) => {
                min.map_or(Ok(()), |min| min.fmt(f))?;
                f.write_str("..")?;
                max.map_or(Ok(()), |max| write!(f, "={max}"))
            }
        }
    }
}

struct List<'a>(&'a [Allowed]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (index, allowed) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{allowed}")?;
        }
        f.write_str("]")
    }
}

/// A value as Python prints it, and whether it is only the beginning of a text.
struct Shown<'a>(&'a FieldValue<'a>, bool);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            FieldValue::Null => f.write_str("None"),
            FieldValue::Bool(value) => python::bool(f, *value),
            FieldValue::Num(num) => num.fmt(f),
            FieldValue::Single(value) => python::float(f, *value),
            FieldValue::Text(text) => {
                f.write_str(text)?;
                if self.1 { f.write_str("…") } else { Ok(()) }
            }
            FieldValue::List(count) => write!(f, "{count} items"),
            FieldValue::Hidden => f.write_str(ringseal_base::value::SECRET_MASK),
            FieldValue::Other => f.write_str("(a value of another kind)"),
        }
    }
}
