//! Rules that no value, or no event, can satisfy: refused at compile time.
use super::descriptor::FieldDescriptor;
use super::rule::{Allowed, Bounds, Num, Rule};
use crate::core::callsite::{refuse, same};

/// Refuses rules that contradict each other, and a rule that a field has twice.
///
/// # Panics
/// At compile time.
pub const fn check_rules(fields: &[FieldDescriptor]) {
    let mut field = 0;
    while field < fields.len() {
        let FieldDescriptor { key, rules, .. } = fields[field];
        let mut rule = 0;
        while rule < rules.len() {
            check_alone(key, &rules[rule]);
            let mut other = 0;
            while other < rule {
                check_pair(key, &rules[other], &rules[rule]);
                check_pair(key, &rules[rule], &rules[other]);
                other += 1;
            }
            rule += 1;
        }
        field += 1;
    }
}

const fn check_alone(key: &str, rule: &Rule) {
    match rule {
        Rule::Range(bounds) if is_empty(bounds) => refuse(
            "no value of the field `",
            key,
            "` is in its range: the minimum is above the maximum, or is NaN",
        ),
        Rule::Len(bounds) | Rule::Items(bounds) if is_empty(bounds) => refuse(
            "no value of the field `",
            key,
            "` has such a length: the minimum is above the maximum",
        ),
        Rule::OneOf([]) => refuse(
            "the rule `one_of` of the field `",
            key,
            "` lists no value, so that none is allowed",
        ),
        Rule::Pattern { source, .. } if source.is_empty() => refuse(
            "the rule `pattern` of the field `",
            key,
            "` needs the regular expression as a text",
        ),
        _ => {}
    }
}

const fn check_pair(key: &str, one: &Rule, other: &Rule) {
    if same(one.kind(), other.kind()) && !matches!(one, Rule::Custom { .. } | Rule::Pattern { .. })
    {
        refuse("the field `", key, "` has the same rule twice");
    }
    let is_possible = match (one, other) {
        (Rule::NotBlank | Rule::Hex, Rule::Len(Bounds { max: Some(Num::Int(0)), .. })) => false,
        (Rule::OneOf(allowed), Rule::Range(bounds)) => some_in_range(allowed, bounds),
        (Rule::OneOf(allowed), Rule::Len(bounds)) => some_of_len(allowed, bounds),
        _ => true,
    };
    if !is_possible {
        refuse(
            "the rules of the field `",
            key,
            "` contradict each other: no value satisfies all of them",
        );
    }
}

const fn is_empty(bounds: &Bounds) -> bool {
    let is_nan = matches!(bounds.min, Some(Num::Float(min)) if min.is_nan())
        || matches!(bounds.max, Some(Num::Float(max)) if max.is_nan());
    is_nan
        || match (bounds.min, bounds.max) {
            (Some(min), Some(max)) => is_above(min, max),
            _ => false,
        }
}

/// Whether `one` is above `other`; numbers of one field have one kind.
const fn is_above(one: Num, other: Num) -> bool {
    match (one, other) {
        (Num::Int(one), Num::Int(other)) => one > other,
        (Num::Float(one), Num::Float(other)) => one > other,
        (Num::Int(one), Num::Float(other)) => one as f64 > other,
        (Num::Float(one), Num::Int(other)) => one > other as f64,
    }
}

const fn is_within(value: Num, bounds: &Bounds) -> bool {
    let is_low = match bounds.min {
        Some(min) => is_above(min, value),
        None => false,
    };
    let is_high = match bounds.max {
        Some(max) => is_above(value, max),
        None => false,
    };
    !is_low && !is_high
}

const fn some_in_range(allowed: &[Allowed], bounds: &Bounds) -> bool {
    let mut index = 0;
    while index < allowed.len() {
        if let Allowed::Num(value) = allowed[index]
            && is_within(value, bounds)
        {
            return true;
        }
        index += 1;
    }
    false
}

const fn some_of_len(allowed: &[Allowed], bounds: &Bounds) -> bool {
    let mut index = 0;
    while index < allowed.len() {
        if let Allowed::Text(text) = allowed[index]
            && is_within(Num::Int(chars(text)), bounds)
        {
            return true;
        }
        index += 1;
    }
    false
}

/// The number of characters.
const fn chars(text: &str) -> i128 {
    let (bytes, mut index, mut count) = (text.as_bytes(), 0, 0);
    while index < bytes.len() {
        if bytes[index] & 0xc0 != 0x80 {
            count += 1;
        }
        index += 1;
    }
    count
}

/// The key of the field with this name.
///
/// # Panics
/// At compile time, if there is none.
pub const fn key_of(fields: &[FieldDescriptor], name: &str) -> &'static str {
    let mut index = 0;
    while index < fields.len() {
        if same(fields[index].name, name) {
            return fields[index].key;
        }
        index += 1;
    }
    refuse("`require any` lists `", name, "`, which is not a field of the event")
}
