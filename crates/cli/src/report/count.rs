//! Counts the lines of logs, one after the other.
//!
//! Promises: every line is counted in [`Lines`](super::tally::Lines) once, and each that is not an event has its reason
//! there. Memory is that of the [`Tally`]. Nothing blocks.
use ringseal::Level;

use super::duration::Slow;
use super::fields::{Fields, Scratch, text_of, walk};
use super::table::{cut, cut_name};
use super::tally::{
    EXAMPLES_KEPT, Group, NO_LEVEL, PROBLEMS_KEPT, SEPARATOR, Seen, Shown, Tally, add_to_others,
};
use super::words::{event_name, is_masked};
use crate::line::{KeyOptions, LevelReading, LineParser, ParsedLine};

/// The longest example.
const EXAMPLE_BYTES_MAX: usize = 2000;
/// Times before 2000 are those of clocks that were not set.
const FIRST_TIME: i64 = 946_684_800_000_000_000;
/// Clocks may be ahead by this.
const AHEAD_NANOS: i64 = 2 * 86_400 * 1_000_000_000;

/// Which lines count.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    pub since: Option<i64>,
    /// The first moment after the range.
    pub until: Option<i64>,
    /// Now.
    pub now: i64,
    /// Chosen keys.
    pub keys: KeyOptions,
}

/// Counts lines.
pub struct Counter {
    /// The counts.
    pub tally: Tally,
    parser: LineParser,
    selection: Selection,
    scratch: Scratch,
    name: String,
}

impl Counter {
    /// A counter of the lines that are selected.
    pub fn new(selection: &Selection) -> Self {
        Self {
            tally: Tally::new(),
            parser: LineParser::new(selection.now).with_keys(&selection.keys),
            selection: selection.clone(),
            scratch: Scratch::default(),
            name: String::new(),
        }
    }

    /// Counts one line. `place` is called if the line is shown.
    pub fn add(&mut self, line: &[u8], is_cut: bool, place: &dyn Fn() -> String) {
        self.tally.lines.total += 1;
        if line.trim_ascii().is_empty() {
            self.tally.lines.empty += 1;
            return;
        }
        let mut parser = std::mem::take(&mut self.parser);
        let parsed = parser.parse(line);
        if is_cut {
            self.tally.lines.cut += 1;
            self.malformed("longer than --line-bytes-max", &parsed, place);
        } else if parsed.error.is_some() {
            self.tally.lines.broken += 1;
            self.malformed("not a whole JSON object", &parsed, place);
        } else {
            self.event(&parsed, place);
        }
        self.parser = parser;
    }

    fn malformed(&mut self, why: &str, line: &ParsedLine<'_>, place: &dyn Fn() -> String) {
        if self.tally.malformed.len() < EXAMPLES_KEPT {
            self.tally.malformed.push(Shown {
                time: None,
                level: NO_LEVEL,
                event: why.to_owned(),
                place: place(),
                text: cut(line.text.trim(), EXAMPLE_BYTES_MAX).to_owned(),
            });
        }
    }

    fn event(&mut self, line: &ParsedLine<'_>, place: &dyn Fn() -> String) {
        let facts = line.facts();
        let time = facts.time.unix_nanos();
        let lines = &mut self.tally.lines;
        if !line.is_json && facts.level == LevelReading::Missing && time.is_none() {
            lines.continued += 1;
            return;
        }
        let Selection { since, until, now, .. } = self.selection;
        let is_ranged = since.is_some() || until.is_some();
        if time.is_none() && is_ranged {
            lines.untimed_left_out += 1;
            return;
        }
        let is_early = |time| since.is_some_and(|since| time < since);
        let is_late = |time| until.is_some_and(|until| time >= until);
        if time.is_some_and(|time| is_early(time) || is_late(time)) {
            lines.outside += 1;
            return;
        }
        lines.events += 1;
        let time = time.filter(|time| (FIRST_TIME..now.saturating_add(AHEAD_NANOS)).contains(time));
        lines.untimed += u64::from(time.is_none());
        lines.odd_level += u64::from(facts.level == LevelReading::Unknown);
        lines.not_utf8 += u64::from(!line.is_utf8);
        let level = match facts.level {
            LevelReading::Missing => NO_LEVEL,
            reading => reading.or_assumed() as usize,
        };
        if let Some(factor) = time.and_then(|time| self.tally.scale.include(time)) {
            self.tally.widen(factor);
        }
        let step = time.map_or(0, |time| self.tally.scale.step(time));
        let fields = Fields::of(line.entries, line.text, &mut self.scratch);
        let weight = fields.sample_rate.map_or(1.0, |rate| 1.0 / rate);
        let event = event_name(line, &facts);
        let event = cut_name(if event.is_empty() { "(without a name)" } else { &event }).to_owned();
        let seen = Seen { time, step, level, weight };
        self.count(&seen, &event, &fields);
        self.tally.sampled += u64::from(weight > 1.0);
        self.tally.masked += u64::from(is_masked(line.text));
        self.error(&seen, &event, &fields, line);
        self.operation(&seen, &event, &fields, place);
        if is_own(&fields.target, &event) {
            self.own_event(&seen, &event, line);
        }
        self.problem(&seen, &event, line, place);
    }

    fn count(&mut self, seen: &Seen, event: &str, fields: &Fields<'_>) {
        let Self { tally, name, .. } = self;
        tally.levels[seen.level].add(seen);
        let new = || Group { level: seen.level, event: event.to_owned(), ..Group::default() };
        name.clear();
        name.push((b'0' + seen.level as u8) as char);
        name.push_str(event);
        let others = &mut tally.others;
        tally.events.row(name, new, |row| add_to_others(others, row)).add(seen);
        for part in [&fields.target, &fields.file, &fields.line] {
            name.push(SEPARATOR);
            name.push_str(cut_name(part));
        }
        tally.sites.row(name, new, drop).add(seen);
    }

    /// An error is one of level error and above, and any line with a `stack_hash`.
    fn error(&mut self, seen: &Seen, event: &str, fields: &Fields<'_>, line: &ParsedLine<'_>) {
        let is_error = (Level::Error as usize..NO_LEVEL).contains(&seen.level);
        if !is_error && fields.stack_hash.is_empty() {
            return;
        }
        let Self { tally, name, .. } = self;
        name.clear();
        let kind = if fields.stack_hash.is_empty() { &fields.target } else { &fields.error_type };
        for part in
            [&*fields.stack_hash, kind, if fields.stack_hash.is_empty() { event } else { "" }]
        {
            name.push_str(cut_name(part));
            name.push(SEPARATOR);
        }
        let message = fields.error_message.clone();
        let new = || Group {
            level: seen.level,
            event: event.to_owned(),
            example: format!(
                "{}{SEPARATOR}{}",
                cut(&message, EXAMPLE_BYTES_MAX),
                cut(line.text.trim(), EXAMPLE_BYTES_MAX)
            ),
            ..Group::default()
        };
        tally.errors.row(name, new, drop).add(seen);
    }

    fn operation(
        &mut self,
        seen: &Seen,
        event: &str,
        fields: &Fields<'_>,
        place: &dyn Fn() -> String,
    ) {
        let Some(nanos) = fields.duration_nanos else { return };
        let Self { tally, name, .. } = self;
        name.clear();
        let route = if fields.route.is_empty() { &fields.path } else { &fields.route };
        let is_request = !fields.method.is_empty() && !route.is_empty();
        let table = match is_request {
            true => {
                name.push_str(cut_name(&fields.method));
                name.push(' ');
                name.push_str(cut_name(route));
                &mut tally.requests
            }
            false => {
                name.push_str(if fields.span.is_empty() { event } else { cut_name(&fields.span) });
                &mut tally.spans
            }
        };
        let new = || Group { level: seen.level, event: event.to_owned(), ..Group::default() };
        let row = table.row(name, new, drop);
        row.add(seen);
        row.durations.add(nanos);
        if tally.slowest.takes(nanos) {
            let outcome = if fields.status.is_empty() { &fields.outcome } else { &fields.status };
            tally.slowest.add(Slow {
                nanos,
                time: seen.time,
                level: seen.level,
                name: name.clone(),
                event: event.to_owned(),
                outcome: cut_name(outcome).to_owned(),
                trace_id: cut_name(&fields.trace_id).to_owned(),
                place: place(),
            });
        }
    }

    fn own_event(&mut self, seen: &Seen, event: &str, line: &ParsedLine<'_>) {
        let mut lost = [0; Level::COUNT + 1];
        let mut suppressed = 0;
        let mut detail = String::new();
        let mut see = |path: &str, entry: &crate::json::Entry<'_>| {
            let key = path.strip_prefix("extra.").unwrap_or(path);
            let value = text_of(entry);
            let count = value.parse().unwrap_or(0);
            match key {
                "lost" if event == "ringseal.lost" => lost[Level::COUNT] = count,
                "suppressed" => suppressed = count,
                "thread_name" | "suppressed_event" | "sink" | "reason" => {
                    let is_next = !detail.is_empty();
                    detail.push_str(if is_next { ", " } else { "" });
                    detail.push_str(cut_name(&value));
                }
                _ => {
                    let level =
                        key.strip_prefix("lost_").and_then(|level| level.parse::<Level>().ok());
                    if let (Some(level), true) = (level, event == "ringseal.lost") {
                        lost[level as usize] = count;
                    }
                }
            }
        };
        walk(line.entries, line.text, &mut self.scratch, &|path| path == "extra", &mut see);
        let Self { tally, name, .. } = self;
        tally.lost.iter_mut().zip(lost).for_each(|(sum, count): (&mut u64, u64)| *sum += count);
        tally.suppressed += if event == "ringseal.suppressed" { suppressed } else { 0 };
        name.clear();
        name.push_str(event);
        name.push(SEPARATOR);
        name.push_str(cut_name(&detail));
        let new = || Group {
            level: seen.level,
            event: event.to_owned(),
            example: cut(line.text.trim(), EXAMPLE_BYTES_MAX).to_owned(),
            ..Group::default()
        };
        tally.own.row(name, new, drop).add(seen);
    }

    fn problem(
        &mut self,
        seen: &Seen,
        event: &str,
        line: &ParsedLine<'_>,
        place: &dyn Fn() -> String,
    ) {
        let index = seen.level.checked_sub(Level::Warn as usize).filter(|_| seen.level < NO_LEVEL);
        let Some(kept) = index.and_then(|index| self.tally.problems.get_mut(index)) else { return };
        // Logs are nearly in order of time: the oldest one is at the front, nearly always.
        if kept.len() >= PROBLEMS_KEPT {
            if kept.first().is_some_and(|oldest| oldest.time > seen.time) {
                return;
            }
            kept.remove(0);
        }
        kept.push(Shown {
            time: seen.time,
            level: seen.level,
            event: event.to_owned(),
            place: place(),
            text: cut(line.text.trim(), EXAMPLE_BYTES_MAX).to_owned(),
        });
        kept.sort_by_key(|shown| shown.time);
    }
}

/// Whether an event is one of the engine's own, which report losses, sampling and the state of outputs.
fn is_own(target: &str, event: &str) -> bool {
    event.starts_with("ringseal.")
        || event == "logging.configured"
        || (target == "ringseal" && (event.starts_with("audit_") || event == "log_rotation"))
}
