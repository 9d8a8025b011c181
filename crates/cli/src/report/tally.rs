//! What a page shows, as counts.
//!
//! Promises: memory is bounded by the capacities below, whatever the log holds. Nothing blocks.
use ringseal::Level;

use super::duration::{Durations, Slowest};
use super::table::{Ranked, Row, Scale, Series, Table};

/// Rows that a table keeps at least, and twice as many at most.
const ROWS_KEPT: usize = 1000;
/// The latest lines that are kept of each level from warn.
pub const PROBLEMS_KEPT: usize = 60;
/// Malformed lines that are kept as examples.
pub const EXAMPLES_KEPT: usize = 20;
/// Levels, and one more for lines without one.
pub const LEVELS: usize = Level::COUNT + 1;
/// The index of lines without a level.
pub const NO_LEVEL: usize = Level::COUNT;
/// Separates the parts of a name.
pub const SEPARATOR: char = '\u{1f}';

/// Where each line went.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lines {
    /// All lines.
    pub total: u64,
    /// Lines that are events.
    pub events: u64,
    /// Without content.
    pub empty: u64,
    /// Text without level and time, such as a stack trace.
    pub continued: u64,
    /// Begin like a JSON object and are none.
    pub broken: u64,
    /// Longer than the limit; only the beginning was read.
    pub cut: u64,
    /// Outside of the range of times.
    pub outside: u64,
    /// Not counted because of the range, and without a time.
    pub untimed_left_out: u64,
    /// Events with bytes that are not UTF-8.
    pub not_utf8: u64,
    /// Events without a time, or with one before 2000 or after tomorrow; they are in no chart.
    pub untimed: u64,
    /// Events whose level is not understood.
    pub odd_level: u64,
}

/// Events of one name and level, or of one call site.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// How many lines.
    pub count: u64,
    /// How many events they represent, with sampling.
    pub weight: f64,
    /// By time.
    pub series: Series,
    /// The first and the last time.
    pub range: Option<(i64, i64)>,
    /// Level, for errors.
    pub level: usize,
    /// Event, for errors.
    pub event: String,
    /// An example.
    pub example: String,
    /// Durations, of operations.
    pub durations: Durations,
}

impl Row for Group {
    fn count(&self) -> u64 {
        self.count
    }

    fn absorb(&mut self, other: Self) {
        self.count += other.count;
        self.weight += other.weight;
        self.series.absorb(&other.series);
        for time in other.range.into_iter().flat_map(|(first, last)| [first, last]) {
            self.seen_at(time);
        }
        // The earlier example counts, so that the order of merging does not.
        if (self.example.is_empty() || other.example < self.example) && !other.example.is_empty() {
            self.example = other.example;
        }
        self.level = self.level.max(other.level);
        if self.event.is_empty() {
            self.event = other.event;
        }
        self.durations.absorb(&other.durations);
    }
}

impl Group {
    fn seen_at(&mut self, time: i64) {
        let (first, last) = self.range.unwrap_or((time, time));
        self.range = Some((first.min(time), last.max(time)));
    }

    /// Adds a line.
    pub fn add(&mut self, seen: &Seen) {
        self.count += 1;
        self.weight += seen.weight;
        if let Some(time) = seen.time {
            self.seen_at(time);
            self.series.add(seen.step, 1);
        }
    }
}

/// What all tables need of a line.
pub struct Seen {
    /// Its time.
    pub time: Option<i64>,
    /// The step of that time.
    pub step: i64,
    /// Its level.
    pub level: usize,
    /// How many events it represents.
    pub weight: f64,
}

/// A line that is shown.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Its time, if it has one.
    pub time: Option<i64>,
    /// Its level.
    pub level: usize,
    /// Its event.
    pub event: String,
    /// File and line.
    pub place: String,
    /// The line, or its beginning.
    pub text: String,
}

/// Everything that was counted.
#[derive(Debug)]
pub struct Tally {
    /// Where lines went.
    pub lines: Lines,
    /// The width of time steps.
    pub scale: Scale,
    /// By level.
    pub levels: [Group; LEVELS],
    /// By level and event.
    pub events: Table<Group>,
    /// By level: events whose rows were dropped.
    pub others: [Group; LEVELS],
    /// By level, target, event and place in the source.
    pub sites: Table<Group>,
    /// By `stack_hash`, type and message; or by target and event.
    pub errors: Table<Group>,
    /// Spans and other operations with a duration.
    pub spans: Table<Group>,
    /// Requests by method and route.
    pub requests: Table<Group>,
    /// The slowest single ones.
    pub slowest: Slowest,
    /// The engine's own events, by event and a detail.
    pub own: Table<Group>,
    /// Lost events, by level; the last one is the sum as reported.
    pub lost: [u64; Level::COUNT + 1],
    /// Events that limits suppressed, as reported.
    pub suppressed: u64,
    /// Events with a sampling rate below one.
    pub sampled: u64,
    /// Events with a mask of the redactor.
    pub masked: u64,
    /// The latest lines of warn, error, critical.
    pub problems: [Vec<Shown>; 3],
    /// Examples of malformed lines.
    pub malformed: Vec<Shown>,
}

impl Tally {
    /// Nothing counted yet.
    pub fn new() -> Self {
        let table = || Table::new(ROWS_KEPT);
        Self {
            lines: Lines::default(),
            scale: Scale::default(),
            levels: Default::default(),
            events: table(),
            others: Default::default(),
            sites: table(),
            errors: table(),
            spans: table(),
            requests: table(),
            slowest: Slowest::default(),
            own: table(),
            lost: Default::default(),
            suppressed: 0,
            sampled: 0,
            masked: 0,
            problems: Default::default(),
            malformed: Vec::new(),
        }
    }

    /// Joins each `factor` steps of all counts by time.
    pub fn widen(&mut self, factor: i64) {
        for table in [
            &mut self.events,
            &mut self.sites,
            &mut self.errors,
            &mut self.spans,
            &mut self.requests,
            &mut self.own,
        ] {
            table.rows_mut().for_each(|row| row.series.widen(factor));
        }
        self.levels.iter_mut().chain(&mut self.others).for_each(|row| row.series.widen(factor));
    }

    /// Adds another one, which may have read other lines of the same log.
    pub fn merge(&mut self, mut other: Tally) {
        for time in other.scale.range().into_iter().flat_map(|(first, last)| [first, last]) {
            if let Some(factor) = self.scale.include(time) {
                self.widen(factor);
            }
        }
        if let Some(factor) = other.scale.widen_to(&self.scale) {
            other.widen(factor);
        }
        let all = [&mut self.levels, &mut self.others].into_iter().flatten();
        let theirs = other.levels.into_iter().chain(other.others);
        all.zip(theirs).for_each(|(ours, theirs)| ours.absorb(theirs));
        let others = &mut self.others;
        self.events.merge(other.events, |row| add_to_others(others, row));
        self.sites.merge(other.sites, drop);
        self.errors.merge(other.errors, drop);
        self.spans.merge(other.spans, drop);
        self.requests.merge(other.requests, drop);
        self.own.merge(other.own, drop);
        self.slowest.merge(other.slowest);
        self.lines.add(&other.lines);
        self.lost.iter_mut().zip(other.lost).for_each(|(ours, theirs)| *ours += theirs);
        self.suppressed += other.suppressed;
        self.sampled += other.sampled;
        self.masked += other.masked;
        for (ours, theirs) in self.problems.iter_mut().zip(other.problems) {
            ours.extend(theirs);
            ours.sort_by(|one, other| (other.time, &one.place).cmp(&(one.time, &other.place)));
            ours.truncate(PROBLEMS_KEPT);
        }
        self.malformed.extend(other.malformed);
        self.malformed.sort_by(|one, other| one.place.cmp(&other.place));
        self.malformed.truncate(EXAMPLES_KEPT);
    }
}

/// Adds a row that was dropped to the others of its level.
pub fn add_to_others(others: &mut [Group; LEVELS], row: Ranked<Group>) {
    if let Some(other) = others.get_mut(row.row.level) {
        other.absorb(row.row);
    }
}

impl Lines {
    fn add(&mut self, other: &Lines) {
        self.total += other.total;
        self.events += other.events;
        self.empty += other.empty;
        self.continued += other.continued;
        self.broken += other.broken;
        self.cut += other.cut;
        self.outside += other.outside;
        self.untimed_left_out += other.untimed_left_out;
        self.not_utf8 += other.not_utf8;
        self.untimed += other.untimed;
        self.odd_level += other.odd_level;
    }
}
