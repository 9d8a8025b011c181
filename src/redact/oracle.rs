//! The slow, obvious way: every detector at every position.

use super::detect;
use super::find::{Finder, Hit, merge};
use super::rules::Rules;

/// The hits in `v`, joined, without any prefilter. `None` when over budget.
pub(crate) fn hits(rules: &Rules, v: &[u8], cut: bool) -> Option<Vec<Hit>> {
    let mut hits = Vec::new();
    let mut finder = Finder::new(rules, v, cut, &mut hits);
    for p in 0..v.len() {
        detect::at_punct(&mut finder, p);
        detect::at_number(&mut finder, p);
        detect::at_word(&mut finder, p);
        detect::at_cut_word(&mut finder, p);
        detect::at_iban(&mut finder, p);
        detect::at_keyword(&mut finder, p);
    }
    rules.find_own(&mut finder);
    if finder.over_budget() {
        return None;
    }
    merge(&mut hits);
    Some(hits)
}

/// The same rules, with no filter in front of `key=value`.
pub fn open(mut rules: Rules) -> Rules {
    rules.key_tails.open();
    rules
}

/// The text as it should come out of prose redaction with the default profile.
pub fn redacted(rules: &Rules, v: &[u8], cut: bool) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut written = 0;
    for hit in hits(rules, v, cut)? {
        out.extend_from_slice(&v[written..hit.start]);
        if hit.keep > 0 {
            out.extend_from_slice(b"****");
            out.extend_from_slice(&v[hit.end - usize::from(hit.keep)..hit.end]);
        } else {
            out.extend_from_slice(rules.profile().mask(hit.kind).as_bytes());
        }
        written = hit.end;
    }
    out.extend_from_slice(&v[written..]);
    Some(out)
}
