//! Series of one metric: a table of fixed size that the writer's thread fills and any thread reads.
//!
//! Promises: the slots are allocated at the start; a new combination of label values allocates its text and its values
//! once, and counting in a known one allocates nothing. Reading blocks nothing. When the table is full, further
//! combinations share one series with the label `overflow="true"`, and each such event is counted.
use std::fmt::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};

use crate::rule::Kind;
use crate::text::escape_label;

/// A number that one thread writes.
#[derive(Debug, Default)]
pub(crate) struct Cell(AtomicU64);

impl Cell {
    /// Adds.
    #[inline]
    pub(crate) fn add(&self, value: f64) {
        self.set(self.get() + value);
    }

    /// Replaces.
    #[inline]
    pub(crate) fn set(&self, value: f64) {
        // ORDER: relaxed; one thread writes, and a reader may be late.
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }

    /// The value now.
    #[inline]
    pub(crate) fn get(&self) -> f64 {
        // ORDER: relaxed; see `set`.
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

/// The last event of a series that belongs to a trace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Exemplar {
    pub(crate) trace_id: [u8; 16],
    pub(crate) value: f64,
    pub(crate) unix_nanos: i64,
}

/// An exemplar that one thread writes.
#[derive(Debug, Default)]
struct ExemplarCell {
    /// Odd while the words are written; 0 before the first time.
    version: AtomicU64,
    words: [AtomicU64; 4],
}

impl ExemplarCell {
    fn set(&self, exemplar: &Exemplar) {
        let (high, low) = exemplar.trace_id.split_at(8);
        let word = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_be_bytes);
        let words =
            [word(high), word(low), exemplar.value.to_bits(), exemplar.unix_nanos.cast_unsigned()];
        // ORDER: relaxed load, this thread is the only writer; the fence keeps the words after the odd version, and
        // the release store keeps them before the even one, which `get` acquires.
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        for (cell, word) in self.words.iter().zip(words) {
            cell.store(word, Ordering::Relaxed);
        }
        self.version.store(version + 2, Ordering::Release);
    }

    /// `None` if there is none, or if it is written at this moment.
    fn get(&self) -> Option<Exemplar> {
        // ORDER: acquire pairs with the release store of `set`; the fence keeps the loads before the second look.
        let before = self.version.load(Ordering::Acquire);
        let words = [0, 1, 2, 3].map(|index| self.words[index].load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        let is_whole = before == self.version.load(Ordering::Relaxed);
        if before == 0 || before % 2 == 1 || !is_whole {
            return None;
        }
        let mut trace_id = [0; 16];
        trace_id[..8].copy_from_slice(&words[0].to_be_bytes());
        trace_id[8..].copy_from_slice(&words[1].to_be_bytes());
        let (value, unix_nanos) = (f64::from_bits(words[2]), words[3].cast_signed());
        Some(Exemplar { trace_id, value, unix_nanos })
    }
}

/// One combination of label values.
#[derive(Debug)]
pub(crate) struct Series {
    /// `a="b",c="d"`, escaped.
    pub(crate) labels: Box<str>,
    /// Of a histogram: the count of each bucket alone, of those above the last bound, and the sum.
    pub(crate) values: Box<[Cell]>,
    exemplar: ExemplarCell,
}

impl Series {
    fn new(labels: String, values: usize) -> Series {
        let values = (0..values).map(|_| Cell::default()).collect();
        Series { labels: labels.into(), values, exemplar: ExemplarCell::default() }
    }

    /// The last event that belongs to a trace.
    pub(crate) fn exemplar(&self) -> Option<Exemplar> {
        self.exemplar.get()
    }
}

/// A metric and its series.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) name: String,
    pub(crate) help: String,
    pub(crate) kind: Kind,
    pub(crate) label_names: Vec<String>,
    pub(crate) buckets: Vec<f64>,
    slots: Box<[OnceLock<Series>]>,
    len: AtomicUsize,
    overflow: OnceLock<Series>,
    /// Events that were counted in the series of the overflow.
    pub(crate) overflowed: AtomicU64,
    /// Whether the overflow was reported in the log.
    pub(crate) is_reported: AtomicBool,
}

impl Family {
    pub(crate) fn new(
        (name, help): (String, String),
        kind: Kind,
        label_names: Vec<String>,
        buckets: Vec<f64>,
        series_max: usize,
    ) -> Family {
        let slots = (0..series_max.max(1)).map(|_| OnceLock::new()).collect();
        Family {
            name,
            help,
            kind,
            label_names,
            buckets,
            slots,
            len: AtomicUsize::new(0),
            overflow: OnceLock::new(),
            overflowed: AtomicU64::new(0),
            is_reported: AtomicBool::new(false),
        }
    }

    fn values(&self) -> usize {
        match self.kind {
            Kind::Counter | Kind::Gauge => 1,
            Kind::Histogram => self.buckets.len() + 2,
            Kind::Summary => 2,
        }
    }

    /// The series, in the order of their first events; that of the overflow is the last.
    pub(crate) fn series(&self) -> impl Iterator<Item = &Series> {
        // ORDER: acquire pairs with the release store of `add`.
        let len = self.len.load(Ordering::Acquire);
        self.slots[..len].iter().filter_map(OnceLock::get).chain(self.overflow.get())
    }

    /// Adds a series with these label values. `None` if the table is full.
    fn add(&self, index: usize, key: &[u8]) -> Option<&Series> {
        let slot = self.slots.get(index)?;
        let series = slot.get_or_init(|| Series::new(self.labels_of(key), self.values()));
        // ORDER: release pairs with the acquire load of `series`.
        self.len.store(index + 1, Ordering::Release);
        Some(series)
    }

    fn labels_of(&self, key: &[u8]) -> String {
        let mut labels = String::new();
        let mut rest = key;
        for name in &self.label_names {
            let Some((len, after)) = rest.split_first_chunk::<2>() else { break };
            let (value, after) = after.split_at(usize::from(u16::from_le_bytes(*len)));
            rest = after;
            if !value.is_empty() {
                let comma = if labels.is_empty() { "" } else { "," };
                let _ = write!(labels, "{comma}{name}=\"");
                escape_label(&String::from_utf8_lossy(value), &mut labels);
                labels.push('"');
            }
        }
        labels
    }

    #[cold]
    fn overflow(&self) -> &Series {
        self.overflow.get_or_init(|| Series::new("overflow=\"true\"".to_owned(), self.values()))
    }

    /// Records a value in a series.
    #[inline]
    pub(crate) fn record(&self, series: &Series, value: f64, weight: f64) {
        match self.kind {
            Kind::Counter => series.values[0].add(value * weight),
            Kind::Gauge => series.values[0].set(value),
            Kind::Histogram => {
                let bucket = self.buckets.partition_point(|bound| *bound < value);
                series.values[bucket].add(weight);
                series.values[self.buckets.len() + 1].add(value * weight);
            }
            Kind::Summary => {
                series.values[0].add(weight);
                series.values[1].add(value * weight);
            }
        }
    }

    /// Keeps an exemplar of a series.
    #[inline]
    pub(crate) fn note_trace(series: &Series, trace_id: [u8; 16], value: f64, unix_nanos: i64) {
        series.exemplar.set(&Exemplar { trace_id, value, unix_nanos });
    }
}

/// Finds a series by its label values. Belongs to the thread that writes.
#[derive(Debug)]
pub(crate) struct Index {
    /// Position of a series plus 1, by hash; open addressing.
    table: Box<[u32]>,
    keys: Vec<(u64, Box<[u8]>)>,
}

impl Index {
    /// For a family with this number of series.
    pub(crate) fn new(series_max: usize) -> Index {
        let slots = (series_max.max(1) * 2).next_power_of_two();
        Index { table: vec![0; slots].into(), keys: Vec::with_capacity(series_max) }
    }

    /// The series with these label values, which is added if there is room.
    #[inline]
    pub(crate) fn find<'f>(&mut self, family: &'f Family, key: &[u8]) -> &'f Series {
        let hash = hash(key);
        let mask = self.table.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let Some(position) = (self.table[at] as usize).checked_sub(1) else {
                return self.add(family, at, hash, key);
            };
            let (known_hash, known) = &self.keys[position];
            if *known_hash == hash
                && **known == *key
                && let Some(series) = family.slots[position].get()
            {
                return series;
            }
            at = (at + 1) & mask;
        }
    }

    #[cold]
    fn add<'f>(&mut self, family: &'f Family, at: usize, hash: u64, key: &[u8]) -> &'f Series {
        match family.add(self.keys.len(), key) {
            Some(series) => {
                self.keys.push((hash, key.into()));
                self.table[at] = self.keys.len() as u32;
                series
            }
            None => {
                // ORDER: relaxed; a sum that readers may see late.
                family.overflowed.fetch_add(1, Ordering::Relaxed);
                family.overflow()
            }
        }
    }
}

/// A hash of label values, eight bytes at a time. Collisions cost time alone, and the table is bounded.
#[inline]
fn hash(key: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut hash = key.len() as u64;
    let (words, rest) = key.as_chunks::<8>();
    for word in words {
        hash = (hash ^ u64::from_le_bytes(*word)).wrapping_mul(FACTOR).rotate_left(29);
    }
    for byte in rest {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(FACTOR);
    }
    hash ^ hash >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(value: &str) -> Vec<u8> {
        [&(value.len() as u16).to_le_bytes()[..], value.as_bytes()].concat()
    }

    #[test]
    fn series_are_bounded() {
        let names = ("x_total".to_owned(), String::new());
        let family = Family::new(names, Kind::Counter, vec!["id".into()], Vec::new(), 10);
        let mut index = Index::new(10);
        for turn in 0..3 {
            for id in 0..100 {
                let series = index.find(&family, &key(&id.to_string()));
                assert_eq!(&*series.labels == "overflow=\"true\"", id >= 10, "{turn} {id}");
                family.record(series, 1.0, 2.0);
            }
        }
        let values: Vec<f64> = family.series().map(|series| series.values[0].get()).collect();
        assert_eq!(values, [[6.0; 10].as_slice(), &[540.0]].concat());
        assert_eq!(family.overflowed.load(Ordering::Relaxed), 270);
    }

    #[test]
    fn an_exemplar_is_read_whole() {
        let cell = ExemplarCell::default();
        assert_eq!(cell.get(), None);
        let exemplar = Exemplar { trace_id: [7; 16], value: -0.5, unix_nanos: -3 };
        cell.set(&exemplar);
        assert_eq!(cell.get(), Some(exemplar));
        cell.version.store(3, Ordering::Relaxed);
        assert_eq!(cell.get(), None, "it is being written");
    }
}
