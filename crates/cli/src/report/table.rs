//! Counts by name in bounded memory, and counts by time.
//!
//! Promises: a table holds at most twice its capacity. When it is full, the rows with the lowest counts are dropped; a
//! row that is added later knows how much it may have missed, so that every shown count has a bound on its error
//! (Misra and Gries). Names are cut to [`NAME_BYTES_MAX`] bytes. Nothing blocks.
use std::collections::HashMap;

/// The longest name that is kept.
pub const NAME_BYTES_MAX: usize = 256;

/// The beginning of a name, at most [`NAME_BYTES_MAX`] bytes.
pub fn cut_name(name: &str) -> &str {
    cut(name, NAME_BYTES_MAX)
}

/// The beginning of a text, at most `bytes_max` bytes, without splitting a character.
pub fn cut(text: &str, bytes_max: usize) -> &str {
    let at = bytes_max.min(text.len());
    let boundary = (0..=at).rev().find(|at| text.is_char_boundary(*at));
    &text[..boundary.unwrap_or(0)]
}

/// A row of a table.
pub trait Row {
    /// The number by which rows are ranked.
    fn count(&self) -> u64;
    /// Adds the row of the same name of another table.
    fn absorb(&mut self, other: Self);
}

/// A name with its row.
#[derive(Debug)]
pub struct Ranked<R> {
    /// The name.
    pub name: String,
    /// Its values.
    pub row: R,
    /// How many events of this name may have been dropped before: its count may be too low by this.
    pub missed_max: u64,
}

/// Rows by name.
#[derive(Debug)]
pub struct Table<R> {
    rows: Vec<Ranked<R>>,
    places: HashMap<String, usize>,
    capacity: usize,
    /// The highest count of a dropped row, with what it may have missed.
    dropped_count_max: u64,
    dropped_rows: u64,
}

impl<R: Row> Table<R> {
    /// A table that keeps `capacity` rows at least, and twice as many at most.
    pub fn new(capacity: usize) -> Self {
        let (rows, places) = (Vec::new(), HashMap::new());
        Self { rows, places, capacity, dropped_count_max: 0, dropped_rows: 0 }
    }

    /// The row of this name, made by `new` if it is missing; dropped rows are passed to `dropped`.
    pub fn row(
        &mut self,
        name: &str,
        new: impl FnOnce() -> R,
        dropped: impl FnMut(Ranked<R>),
    ) -> &mut R {
        let at = match self.places.get(name) {
            Some(at) => *at,
            None => {
                if self.rows.len() >= self.capacity * 2 {
                    self.prune(dropped);
                }
                self.push(Ranked {
                    name: name.to_owned(),
                    row: new(),
                    missed_max: self.dropped_count_max,
                })
            }
        };
        &mut self.rows[at].row
    }

    fn push(&mut self, row: Ranked<R>) -> usize {
        let at = self.rows.len();
        self.places.insert(row.name.clone(), at);
        self.rows.push(row);
        at
    }

    fn prune(&mut self, mut dropped: impl FnMut(Ranked<R>)) {
        sort(&mut self.rows);
        for row in self.rows.drain(self.capacity.min(self.rows.len())..) {
            let count = row.row.count().saturating_add(row.missed_max);
            self.dropped_count_max = self.dropped_count_max.max(count);
            self.dropped_rows += 1;
            dropped(row);
        }
        self.places.clear();
        self.places.extend(self.rows.iter().enumerate().map(|(at, row)| (row.name.clone(), at)));
    }

    /// Adds the rows of another table.
    pub fn merge(&mut self, other: Table<R>, dropped: impl FnMut(Ranked<R>)) {
        for row in &mut self.rows {
            if !other.places.contains_key(&row.name) {
                row.missed_max = row.missed_max.saturating_add(other.dropped_count_max);
            }
        }
        for mut theirs in other.rows {
            if let Some(at) = self.places.get(&theirs.name) {
                let ours = &mut self.rows[*at];
                ours.missed_max = ours.missed_max.saturating_add(theirs.missed_max);
                ours.row.absorb(theirs.row);
            } else {
                theirs.missed_max = theirs.missed_max.saturating_add(self.dropped_count_max);
                self.push(theirs);
            }
        }
        self.dropped_count_max = self.dropped_count_max.saturating_add(other.dropped_count_max);
        self.dropped_rows += other.dropped_rows;
        if self.rows.len() > self.capacity * 2 {
            self.prune(dropped);
        }
    }

    /// All rows, for changes.
    pub fn rows_mut(&mut self) -> impl Iterator<Item = &mut R> {
        self.rows.iter_mut().map(|row| &mut row.row)
    }

    /// How many rows were dropped; the same name may have been dropped several times.
    pub fn dropped_rows(&self) -> u64 {
        self.dropped_rows
    }

    /// The rows, the highest count first.
    pub fn into_ranked(mut self) -> Vec<Ranked<R>> {
        sort(&mut self.rows);
        self.rows
    }
}

/// The name decides among equal counts, so that the same log gives the same page.
fn sort<R: Row>(rows: &mut [Ranked<R>]) {
    rows.sort_unstable_by(|one, other| {
        other.row.count().cmp(&one.row.count()).then_with(|| one.name.cmp(&other.name))
    });
}

/// Counts by time: the number of each time step with events, and how many they are.
#[derive(Debug, Clone, Default)]
pub struct Series(Vec<(i64, u64)>);

impl Series {
    /// Adds events in a step.
    pub fn add(&mut self, step: i64, count: u64) {
        // Logs are in order of time, nearly.
        match self.0.last_mut() {
            Some(last) if last.0 == step => last.1 += count,
            Some(last) if last.0 > step => match self.0.binary_search_by_key(&step, |at| at.0) {
                Ok(at) => self.0[at].1 += count,
                Err(at) => self.0.insert(at, (step, count)),
            },
            _ => self.0.push((step, count)),
        }
    }

    /// Joins each `factor` steps.
    pub fn widen(&mut self, factor: i64) {
        let narrow = std::mem::take(&mut self.0);
        for (step, count) in narrow {
            self.add(step.div_euclid(factor), count);
        }
    }

    /// Adds another one with the same width of steps.
    pub fn absorb(&mut self, other: &Series) {
        other.0.iter().for_each(|(step, count)| self.add(*step, *count));
    }

    /// The steps with events, in order.
    pub fn steps(&self) -> &[(i64, u64)] {
        &self.0
    }
}

/// Widths of a time step in nanoseconds; each divides the next.
const WIDTHS: [i64; 18] = {
    const MS: i64 = 1_000_000;
    const SECOND: i64 = 1000 * MS;
    const HOUR: i64 = 3600 * SECOND;
    const DAY: i64 = 24 * HOUR;
    [
        10 * MS,
        50 * MS,
        100 * MS,
        500 * MS,
        SECOND,
        5 * SECOND,
        10 * SECOND,
        30 * SECOND,
        60 * SECOND,
        300 * SECOND,
        600 * SECOND,
        1800 * SECOND,
        HOUR,
        3 * HOUR,
        6 * HOUR,
        12 * HOUR,
        DAY,
        28 * DAY,
    ]
};

/// The most steps of a chart.
pub const STEPS_MAX: i64 = 240;

/// The width of time steps, which grows with the range of times.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scale {
    width: usize,
    range: Option<(i64, i64)>,
}

impl Scale {
    /// The width of a step in nanoseconds.
    pub fn width_nanos(&self) -> i64 {
        WIDTHS[self.width]
    }

    /// The first and last time, in nanoseconds since 1970-01-01T00:00:00Z.
    pub fn range(&self) -> Option<(i64, i64)> {
        self.range
    }

    /// The number of the step with this time.
    pub fn step(&self, unix_nanos: i64) -> i64 {
        unix_nanos.div_euclid(self.width_nanos())
    }

    /// Extends the range. Returns the factor by which steps have become wider, if they have.
    pub fn include(&mut self, unix_nanos: i64) -> Option<i64> {
        let (first, last) = self.range.unwrap_or((unix_nanos, unix_nanos));
        let range = (first.min(unix_nanos), last.max(unix_nanos));
        self.range = Some(range);
        let before = self.width_nanos();
        while self.step(range.1) - self.step(range.0) >= STEPS_MAX && self.width + 1 < WIDTHS.len()
        {
            self.width += 1;
        }
        let factor = self.width_nanos() / before;
        (factor > 1).then_some(factor)
    }

    /// Widens the steps to those of `other`; returns the factor.
    pub fn widen_to(&mut self, other: &Scale) -> Option<i64> {
        let before = self.width_nanos();
        self.width = self.width.max(other.width);
        let factor = self.width_nanos() / before;
        (factor > 1).then_some(factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Row for u64 {
        fn count(&self) -> u64 {
            *self
        }
        fn absorb(&mut self, other: Self) {
            *self += other;
        }
    }

    #[test]
    fn widths_divide_each_other() {
        assert!(WIDTHS.windows(2).all(|pair| pair[1] % pair[0] == 0 && pair[1] > pair[0]));
    }

    #[test]
    fn counts_are_within_their_bounds() {
        let mut table = Table::new(8);
        let mut truth: HashMap<String, u64> = HashMap::new();
        let mut dropped = 0;
        let mut state = 7_u64;
        for turn in 0..20_000_u64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Few names are frequent, many are rare; a frequent one begins late.
            let name = match state >> 60 {
                0..4 => "a".to_owned(),
                4..7 if turn > 5_000 => "late".to_owned(),
                _ => format!("n{}", (state >> 33) % 500),
            };
            *truth.entry(name.clone()).or_default() += 1;
            *table.row(&name, || 0, |row| dropped += row.row) += 1;
        }
        let rows = table.into_ranked();
        assert!(rows.len() <= 16);
        let kept: u64 = rows.iter().map(|ranked| ranked.row).sum();
        assert_eq!(kept + dropped, 20_000, "every event is in a row or was passed on");
        for ranked in &rows {
            let exact = truth[&ranked.name];
            assert!(ranked.row <= exact && exact <= ranked.row + ranked.missed_max, "{ranked:?}");
        }
        assert_eq!([rows[0].name.as_str(), &rows[1].name], ["a", "late"]);
    }

    #[test]
    fn wider_steps_keep_the_sum() {
        let (mut scale, mut series) = (Scale::default(), Series::default());
        let times =
            [5_i64, 0, 86_400 * 30, 3, 86_400 * 29, 7200].map(|second| second * 1_000_000_000);
        for time in times {
            if let Some(factor) = scale.include(time) {
                series.widen(factor);
            }
            series.add(scale.step(time), 1);
        }
        assert_eq!(series.steps().iter().map(|(_, count)| count).sum::<u64>(), 6);
        assert!(series.steps().windows(2).all(|pair| pair[0].0 < pair[1].0));
        let (first, last) = scale.range().expect("times");
        assert!(scale.step(last) - scale.step(first) < STEPS_MAX);
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        assert_eq!((cut("aé", 2), cut("aé", 3), cut("", 5)), ("a", "aé", ""));
    }
}
