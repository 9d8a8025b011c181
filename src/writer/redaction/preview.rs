//! Scans the texts of many events at once: they are short, and most of the cost of a scan is its start.
//!
//! The texts of a lane's next records are copied one after another and scanned together. Each record then gets its
//! verdict when it is processed.
//!
//! Promises: in steady state nothing is allocated; at most [`RECORDS_MAX`] records and [`TEXT_BYTES_MAX`]
//! of texts are scanned ahead. A verdict is valid only for its position in the ring and for the rules that
//! made it: otherwise the verdict is [`Verdict::Unknown`], and the event is scanned by itself.
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Redaction;
use crate::core::record::{Kind, Record, split_rate};
use ringseal_base::simd::Cursor;
use ringseal_redact::Redactor;

/// Records of one scan; a bit each.
const RECORDS_MAX: usize = 64;
/// Bytes of texts after which no further record is added.
const TEXT_BYTES_MAX: usize = 16 * 1024;
/// Zeros after the last text, so that the scan reads whole blocks to the end.
const SLACK: [u8; 128] = [0; 128];

/// The result of scanning an event ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::writer) enum Verdict {
    /// The event has to be scanned.
    Unknown,
    /// The event can be passed through unchanged.
    Clean,
    /// The event must be redacted value by value.
    Dirty,
}

/// Verdicts on the next records of a lane.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::writer) struct Preview {
    /// The position in the ring of the next record that has a verdict.
    position: usize,
    /// The number of verdicts left.
    left: u32,
    /// The rules that made them.
    generation: u64,
    /// The lowest bit is the next record's. No record has both bits.
    clean: u64,
    dirty: u64,
}

impl Preview {
    /// The verdict on the record at `position`.
    #[inline(always)]
    pub(in crate::writer) fn verdict(&self, position: usize) -> Verdict {
        if self.left == 0 || self.position != position {
            return Verdict::Unknown;
        }
        match (self.dirty & 1, self.clean & 1) {
            (1, _) => Verdict::Dirty,
            (_, 1) => Verdict::Clean,
            _ => Verdict::Unknown,
        }
    }

    /// Whether the record at `position` is known to be clean.
    #[inline(always)]
    pub(in crate::writer) fn is_clean(&self, position: usize) -> bool {
        self.left > 0 && self.position == position && self.clean & 1 == 1
    }

    /// Goes on to the record after the one at `position`, of `len` bytes.
    #[inline(always)]
    pub(in crate::writer) fn pass(&mut self, position: usize, len: usize) {
        if self.left == 0 {
            return;
        }
        if self.position != position {
            *self = Preview::default();
            return;
        }
        self.position += len;
        self.left -= 1;
        self.clean >>= 1;
        self.dirty >>= 1;
    }
}

/// The texts of many records, one after another.
#[derive(Debug, Default)]
pub(super) struct TextBatch {
    bytes: Vec<u8>,
    texts: Vec<Range<u32>>,
    /// The record that each text belongs to.
    records: Vec<u8>,
    marks: Vec<bool>,
}

impl TextBatch {
    pub(super) fn new() -> Self {
        Self { bytes: Vec::with_capacity(2 * TEXT_BYTES_MAX), ..Self::default() }
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.texts.clear();
        self.records.clear();
    }

    /// Copies the texts at `texts` in `payload`.
    #[inline]
    fn add(&mut self, record: u8, payload: &[u8], texts: &[Range<u32>]) {
        let mut cursor = Cursor::new(&mut self.bytes);
        for text in texts {
            let Some(bytes) = payload.get(text.start as usize..text.end as usize) else { continue };
            // At most a ring's record on top of the bound: far below 4 GiB.
            let start = cursor.len() as u32;
            cursor.raw(bytes);
            self.texts.push(start..cursor.len() as u32);
            self.records.push(record);
            cursor.raw(b"\0");
        }
    }

    /// A bit for each record that is not clean.
    fn search(&mut self, redactor: &mut Redactor) -> u64 {
        if self.texts.is_empty() {
            return 0;
        }
        self.bytes.extend_from_slice(&SLACK);
        redactor.mark_dirty(&self.bytes, &self.texts, &mut self.marks);
        let marked = self.records.iter().zip(&self.marks).filter(|(_, mark)| **mark);
        marked.fold(0, |bits, (record, _)| bits | 1 << record)
    }
}

impl Redaction {
    /// Scans ahead if there is no verdict on the record at `position`, with which `stretch` starts.
    #[inline]
    pub(in crate::writer) fn preview(
        &mut self,
        preview: &mut Preview,
        position: usize,
        stretch: &[u8],
    ) {
        let is_good = preview.left > 0
            && preview.position == position
            && preview.generation == self.generation;
        if self.is_on && !is_good {
            *preview = self.prescan_ahead(position, stretch);
        }
    }

    #[inline(never)]
    fn prescan_ahead(&mut self, position: usize, stretch: &[u8]) -> Preview {
        // If the rules panic, each event is scanned by itself, where the failure is handled.
        let scanned = catch_unwind(AssertUnwindSafe(|| self.verdicts(stretch)));
        let (left, clean, dirty) = scanned.unwrap_or_default();
        Preview { position, left, generation: self.generation, clean, dirty }
    }

    /// The number of records scanned, and which of them are clean and which are not.
    fn verdicts(&mut self, stretch: &[u8]) -> (u32, u64, u64) {
        let (mut clean, mut dirty) = (0u64, 0u64);
        let mut record = 0;
        let mut rest = stretch;
        self.batch.clear();
        while record < RECORDS_MAX && self.batch.bytes.len() < TEXT_BYTES_MAX {
            let Ok(next) = Record::read(rest) else { break };
            match self.prescan_record(record as u8, &next) {
                Some(true) => clean |= 1 << record,
                Some(false) => dirty |= 1 << record,
                None => {}
            }
            rest = rest.get(next.len_bytes..).unwrap_or_default();
            record += 1;
        }
        let found = self.batch.search(&mut self.redactor);
        (record as u32, clean & !found, dirty | found)
    }

    /// Adds the texts of a record; returns whether it is clean apart from them, if that can be decided
    /// here.
    #[inline]
    fn prescan_record(&mut self, number: u8, record: &Record<'_>) -> Option<bool> {
        if record.header.kind != Kind::Event {
            return None;
        }
        let site = self.sites.get(record.header.callsite as usize)?.as_deref()?;
        if site.name.is_some() || site.open.is_some() {
            return Some(false);
        }
        let (payload, _) = split_rate(&record.header, record.payload).ok()?;
        self.prescan.clear();
        self.prescan.values(&site.rulings, payload, &mut self.redactor, &mut self.keys).ok()?;
        if self.prescan.needs_rewrite() {
            return Some(false);
        }
        self.batch.add(number, payload, self.prescan.texts());
        Some(true)
    }
}
