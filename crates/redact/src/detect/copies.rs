//! Further copies of a value that was found by its key: `token='X', retry with X`; `customer name: Ann Lee … Ann Lee`.
//!
//! The text is searched once for each of the first [`VALUES_MAX`] values, and only if there is one. The values of the
//! other fields of an event come from [`FoundValues`]. Allocates nothing.

use super::extent;
use super::letters::are_drawn;
use crate::bytes::{at, before, is_word, mixed};
use crate::found_values::FoundValues;
use crate::hits::{Finder, Hit, rule};
use crate::kind::HitKind;

/// The values that are searched for.
const VALUES_MAX: usize = 16;
/// A shorter value may be a word or a number that occurs elsewhere for another reason.
const VALUE_BYTES_MIN: usize = 8;
/// The shortest name of a person that is searched for; it consists of two words.
const NAME_BYTES_MIN: usize = 6;
/// Bytes that a search reads for each unit of work: it compares vectors.
const BYTES_PER_WORK: usize = 4;

/// Adds a hit for each copy of the values among the hits that were found by their keys.
pub(crate) fn find(finder: &mut Finder<'_>) {
    if !finder.has_hits() {
        return;
    }
    finder.merge();
    let (mut values, mut len) = ([(0, 0, HitKind::Secret); VALUES_MAX], 0);
    for hit in finder.hits() {
        let Some(slot) = values.get_mut(len) else { break };
        if let Some((start, end)) = value(finder.input, hit) {
            *slot = (start, end, kind_of_copy(hit.kind));
            len += 1;
        }
    }
    let input = finder.input;
    for &(start, end, kind) in &values[..len] {
        if !find_value(finder, &input[start..end], kind, start) {
            return;
        }
    }
}

/// Adds a hit for each copy of `values`, which were found in other texts.
pub(crate) fn find_others(finder: &mut Finder<'_>, values: &FoundValues) {
    for (value, kind) in values.iter() {
        if !find_value(finder, value, kind, usize::MAX) {
            return;
        }
    }
}

/// Adds a hit for each copy of `value` but the one at `except`; false if the budget is spent.
fn find_value(finder: &mut Finder<'_>, value: &[u8], kind: HitKind, except: usize) -> bool {
    let input = finder.input;
    finder.spend(input.len() / BYTES_PER_WORK);
    if finder.over_budget() {
        return false;
    }
    let Some((&first, rest)) = value.split_first() else { return true };
    // Searching for one byte is quicker than preparing a search for a short value; a text in which that byte is
    // frequent pays for each comparison.
    let mut from = 0;
    for pos in memchr::memchr_iter(first, input) {
        finder.spend(1);
        let is_copy = pos >= from && input[pos + 1..].starts_with(rest);
        if is_copy && pos != except && !is_within_word(input, pos, value) {
            finder.hit(pos, pos + value.len(), rule::COPY, kind);
        }
        // Copies do not overlap.
        from = if is_copy { pos + value.len() } else { from };
    }
    true
}

/// Whether `value` at `pos` is only a part of a longer word.
pub(crate) fn is_within_word(input: &[u8], pos: usize, value: &[u8]) -> bool {
    let (first, last) = (at(value, 0), before(value, value.len()));
    is_word(before(input, pos)) && is_word(first)
        || is_word(at(input, pos + value.len())) && is_word(last)
}

/// Notes the values among `hits` in `found`, for the other texts of the event.
pub(crate) fn note(input: &[u8], hits: &[Hit], found: &mut FoundValues) {
    for hit in hits {
        if let Some((start, end)) = value(input, hit) {
            found.add(&input[start..end], kind_of_copy(hit.kind));
        }
    }
}

/// Copies of a credential are masked whole, without a scheme or a host beside them.
fn kind_of_copy(kind: HitKind) -> HitKind {
    if kind.is_personal() { kind } else { HitKind::Secret }
}

/// The value of a hit, if its key told it and no other text would contain it by chance.
fn value(input: &[u8], hit: &Hit) -> Option<(usize, usize)> {
    let by_key = matches!(hit.rule, rule::KV | rule::KV_AUTH | rule::PROSE | rule::URL_PASSWORD);
    if !by_key {
        return None;
    }
    let (start, end) = unwrapped(input, hit);
    is_distinct(&input[start..end], hit.kind).then_some((start, end))
}

/// Whether a value of this kind is so unusual that a copy of it is the same value.
pub(crate) fn is_distinct(text: &[u8], kind: HitKind) -> bool {
    if text.len() < NAME_BYTES_MIN && kind != HitKind::Email {
        return false;
    }
    let space = || text.contains(&b' ');
    let digits = || text.iter().filter(|byte| byte.is_ascii_digit()).count();
    match kind {
        HitKind::Secret | HitKind::Token | HitKind::Bearer | HitKind::UrlPassword => {
            let special =
                |byte: &u8| matches!(byte, b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'&' | b'*');
            text.len() >= VALUE_BYTES_MIN
                && (mixed(text) || text.iter().any(special) || are_drawn(text) || space())
        }
        HitKind::Name => space(),
        HitKind::Address => text.len() >= VALUE_BYTES_MIN && space() && digits() > 0,
        HitKind::Email => text.contains(&b'@'),
        HitKind::Phone | HitKind::Ssn | HitKind::Card | HitKind::Iban => {
            digits() >= VALUE_BYTES_MIN
        }
        _ => false,
    }
}

/// The text in quotes, of a hit that covers its wrapper.
fn unwrapped(input: &[u8], hit: &Hit) -> (usize, usize) {
    let text = &input[hit.start..hit.end];
    // A double quote inside of single ones is part of a text.
    let quote = memchr::memchr2(b'"', b'\'', &text[..text.len().min(64)]);
    let quote = quote.filter(|&quote| text[quote] == b'"');
    match quote.and_then(|quote| extent::string(input, hit.start + quote, false, 0)) {
        Some((_, leaf)) if leaf.end < hit.end && !leaf.open => (leaf.start, leaf.end),
        _ => (hit.start, hit.end),
    }
}
