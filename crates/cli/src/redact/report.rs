//! The report of hits by rule.
use std::fmt;

use crate::size::{format_bytes, format_count};

use super::filter::Filter;

/// The counters of a run.
#[derive(Debug)]
pub(super) struct Report {
    /// Rules and their hits, most frequent first.
    rules: Vec<(String, u64)>,
    rules_hash: [u8; 32],
    profile: &'static str,
    lines: u64,
    changed_lines: u64,
    bytes: u64,
}

impl Report {
    pub(super) fn of(filter: &Filter, bytes: u64) -> Self {
        let rules = filter.redactor().rules();
        let mut hits = hits(filter);
        hits.sort_by(|(a_name, a), (b_name, b)| b.cmp(a).then_with(|| a_name.cmp(b_name)));
        Self {
            rules: hits,
            rules_hash: rules.hash(),
            profile: rules.profile().name(),
            lines: filter.lines,
            changed_lines: filter.changed_lines,
            bytes,
        }
    }
}

/// Collects the rules with hits. Hits of the stream (private keys, long lines) are added to their rules.
pub(super) fn hits(filter: &Filter) -> Vec<(String, u64)> {
    let redactor = filter.redactor();
    let of_stream = [("private_key", filter.block_lines), ("overrun", filter.long_lines)];
    let count = |(rule, &count): (usize, &u64)| {
        let name = redactor.rules().rule_name(rule)?;
        let more = of_stream.iter().find(|(known, _)| *known == name).map_or(0, |(_, more)| *more);
        (count + more > 0).then(|| (name.to_owned(), count + more))
    };
    redactor.counts().iter().enumerate().filter_map(count).collect()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total: u64 = self.rules.iter().map(|(_, hits)| hits).sum();
        writeln!(f, "{:>12}  rule", "hits")?;
        for (name, hits) in &self.rules {
            writeln!(f, "{:>12}  {name}", format_count(*hits))?;
        }
        writeln!(
            f,
            "{:>12}  in all, in {} of {} lines, {}",
            format_count(total),
            format_count(self.changed_lines),
            format_count(self.lines),
            format_bytes(self.bytes)
        )?;
        write!(f, "rules       ")?;
        self.rules_hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        writeln!(f, ", profile {}", self.profile)
    }
}
