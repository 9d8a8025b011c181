//! Further copies of a value that was found by its key: `token='X', retry with X`.
//!
//! The text is searched once for each of the first [`VALUES_MAX`] values, and only if there is one. Allocates nothing.

use memchr::memmem;

use super::extent;
use super::letters::are_drawn;
use crate::bytes::{at, before, is_word, mixed};
use crate::hits::{Finder, Hit, rule};
use crate::kind::HitKind;

/// The values that are searched for.
const VALUES_MAX: usize = 16;
/// A shorter value may be a word or a number that occurs elsewhere for another reason.
const VALUE_BYTES_MIN: usize = 8;
/// Bytes that a search reads for each unit of work: it compares vectors.
const BYTES_PER_WORK: usize = 4;

/// Adds a hit for each copy of the values of secrets among the hits.
pub(crate) fn find(finder: &mut Finder<'_>) {
    if !finder.has_hits() {
        return;
    }
    finder.merge();
    let (mut values, mut len) = ([(0, 0); VALUES_MAX], 0);
    for hit in finder.hits() {
        let Some(slot) = values.get_mut(len) else { break };
        if let Some(value) = value(finder.input, hit) {
            *slot = value;
            len += 1;
        }
    }
    let input = finder.input;
    for &(start, end) in &values[..len] {
        finder.spend(input.len() / BYTES_PER_WORK);
        if finder.over_budget() {
            return;
        }
        let value = &input[start..end];
        for pos in memmem::find_iter(input, value) {
            let after = pos + value.len();
            let inside = is_word(before(input, pos)) && is_word(value[0])
                || is_word(at(input, after)) && is_word(value[value.len() - 1]);
            if pos != start && !inside {
                finder.hit(pos, after, rule::COPY, HitKind::Secret);
            }
        }
    }
}

/// The value of a hit, if it is a secret that no other text would contain by chance.
fn value(input: &[u8], hit: &Hit) -> Option<(usize, usize)> {
    let by_key = matches!(hit.rule, rule::KV | rule::KV_AUTH | rule::PROSE | rule::URL_PASSWORD);
    let secret = matches!(
        hit.kind,
        HitKind::Secret | HitKind::Token | HitKind::Bearer | HitKind::UrlPassword
    );
    if !by_key || !secret {
        return None;
    }
    let (start, end) = unwrapped(input, hit);
    let text = &input[start..end];
    let special = text
        .iter()
        .any(|byte| matches!(byte, b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'&' | b'*'));
    let unlikely = mixed(text) || special || are_drawn(text) || text.contains(&b' ');
    (text.len() >= VALUE_BYTES_MIN && unlikely).then_some((start, end))
}

/// The text in quotes, of a hit that covers its wrapper.
fn unwrapped(input: &[u8], hit: &Hit) -> (usize, usize) {
    let text = &input[hit.start..hit.end];
    let quote = text.iter().take(64).position(|&byte| byte == b'"');
    match quote.and_then(|quote| extent::string(input, hit.start + quote, false, 0)) {
        Some((_, leaf)) if leaf.end < hit.end && !leaf.open => (leaf.start, leaf.end),
        _ => (hit.start, hit.end),
    }
}
