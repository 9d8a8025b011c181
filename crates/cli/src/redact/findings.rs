//! `--check`: what would be masked, by file, line and rule. What it is, is not said.
use std::collections::BTreeMap;

use crate::out::complain;
use crate::progress::Progress;
use crate::size::show_count;

use super::filter::Filter;
use super::report::hits;

/// What was found.
#[derive(Debug)]
pub(super) struct Findings {
    /// Values in which anything was found.
    pub(super) count: u64,
    named_max: u64,
    name: String,
    lines_before: u64,
    /// Hits by rule, up to the finding before.
    known: BTreeMap<String, u64>,
}

impl Findings {
    pub(super) fn new(named_max: u64) -> Self {
        let (name, known) = (String::new(), BTreeMap::new());
        Self { count: 0, named_max, name, lines_before: 0, known }
    }

    /// Another file begins, after so many lines.
    pub(super) fn restart(&mut self, name: String, lines_before: u64) {
        self.name = name;
        self.lines_before = lines_before;
    }

    /// A value of this line, counted over all files, was replaced.
    pub(super) fn add(&mut self, line: u64, filter: &Filter, progress: &Progress) {
        self.count += 1;
        if self.count > self.named_max {
            return;
        }
        let now = hits(filter);
        let rules: Vec<_> = now
            .iter()
            .filter(|(rule, hits)| self.known.get(rule).is_none_or(|known| known < hits))
            .map(|(rule, _)| rule.as_str())
            .collect();
        let line = line - self.lines_before;
        let message = format!("{}:{line}: {}", self.name, rules.join(", "));
        progress.suspended(|| complain(message));
        self.known = now.into_iter().collect();
    }

    /// What is said at the end.
    pub(super) fn summary(&self, filter: &Filter) -> String {
        let values =
            if self.count == 1 { "1 value".into() } else { show_count(self.count) + " values" };
        let (changed, lines) = (show_count(filter.changed_lines), show_count(filter.lines));
        let untold = self.count.saturating_sub(self.named_max);
        let more = match untold {
            0 => String::new(),
            _ => format!(" ({} not named)", show_count(untold)),
        };
        format!("{values} would be masked, in {changed} of {lines} lines{more}")
    }
}
