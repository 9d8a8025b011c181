//! The slow reference: every detector at every position.

use super::detect;
use super::hits::{Finder, Hit, merge};
use super::rules::Rules;

/// The hits in `input`, joined, without any prefilter. `None` when over budget.
pub(crate) fn hits(rules: &Rules, input: &[u8], cut: bool) -> Option<Vec<Hit>> {
    let mut hits = Vec::new();
    let mut finder = Finder::new(rules, input, cut, &mut hits);
    for pos in 0..input.len() {
        detect::at_punct(&mut finder, pos);
        detect::at_number(&mut finder, pos);
        detect::at_word(&mut finder, pos);
        detect::at_cut_word(&mut finder, pos);
        detect::at_lettered_number(&mut finder, pos);
        if detect::keyword_may_be(input, pos) {
            detect::at_keyword(&mut finder, pos);
        }
    }
    detect::find_copies(&mut finder);
    rules.find_user_literals(&mut finder);
    if finder.over_budget() {
        return None;
    }
    merge(&mut hits);
    Some(hits)
}

/// The same rules, without the filter for `key=value`.
pub fn open(mut rules: Rules) -> Rules {
    rules.key_tails.open();
    rules
}

/// The result of redacting prose with the default profile.
pub fn redacted(rules: &Rules, input: &[u8], cut: bool) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut written = 0;
    for hit in hits(rules, input, cut)? {
        out.extend_from_slice(&input[written..hit.start]);
        if hit.keep > 0 {
            out.extend_from_slice(b"****");
            out.extend_from_slice(&input[hit.end - usize::from(hit.keep)..hit.end]);
        } else {
            out.extend_from_slice(rules.profile().mask(hit.kind).as_bytes());
        }
        written = hit.end;
    }
    out.extend_from_slice(&input[written..]);
    Some(out)
}
