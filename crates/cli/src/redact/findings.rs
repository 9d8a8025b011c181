//! Reports hits by file, line and rule, never by value.
use std::collections::BTreeMap;

use crate::console::write_stderr;
use crate::progress::Progress;
use crate::size::{format_bytes, format_count};

use super::filter::Filter;
use super::line_reader::TooLong;
use super::report::hits;

/// The hits so far.
#[derive(Debug)]
pub(super) struct Findings {
    /// Number of places with a hit: a string of JSON or a line of text.
    pub(super) places: u64,
    named_max: u64,
    /// Hits in the places that were named.
    named_hits: u64,
    name: String,
    lines_before: u64,
    /// Hits by rule, up to the previous place.
    known: BTreeMap<String, u64>,
}

impl Findings {
    pub(super) fn new(named_max: u64) -> Self {
        let (name, known) = (String::new(), BTreeMap::new());
        Self { places: 0, named_max, named_hits: 0, name, lines_before: 0, known }
    }

    /// Starts another file after this many lines.
    pub(super) fn restart(&mut self, name: String, lines_before: u64) {
        self.name = name;
        self.lines_before = lines_before;
    }

    /// With --check: reports that something in this line would be replaced. `line` counts over all files.
    pub(super) fn add(&mut self, line: u64, filter: &Filter, progress: &Progress) {
        self.places += 1;
        if self.places > self.named_max {
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
        progress.suspended(|| write_stderr(message));
        self.named_hits = total(&now);
        self.known = now.into_iter().collect();
    }

    /// Without --check: reports that this line was masked whole, which users may not expect. `line` counts over all
    /// files.
    pub(super) fn too_long(&mut self, line: u64, long: TooLong, progress: &Progress) {
        self.places += 1;
        if self.places > self.named_max {
            return;
        }
        let (line, bytes) = (line - self.lines_before, format_bytes(long.bytes));
        let message = format!("{}:{line}: overrun: {bytes} long, masked whole", self.name);
        progress.suspended(|| write_stderr(message));
    }

    /// Without --check: the final message about lines that were not named.
    pub(super) fn too_long_unnamed(&self) -> Option<String> {
        let unnamed = self.places.saturating_sub(self.named_max);
        (unnamed > 0).then(|| format!("overrun: {} more lines masked whole", format_count(unnamed)))
    }

    /// With --check: the final message.
    pub(super) fn summary(&self, filter: &Filter) -> String {
        let count = total(&hits(filter));
        let values = if count == 1 { "1 value".into() } else { format_count(count) + " values" };
        let (changed, lines) = (format_count(filter.changed_lines), format_count(filter.lines));
        let more = match count.saturating_sub(self.named_hits) {
            0 => String::new(),
            untold => format!(" ({} not named)", format_count(untold)),
        };
        format!("{values} would be masked, in {changed} of {lines} lines{more}")
    }
}

fn total(hits: &[(String, u64)]) -> u64 {
    hits.iter().map(|(_, hits)| hits).sum()
}
