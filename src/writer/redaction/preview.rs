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
use super::clean_texts::CleanTexts;
use super::prescan::{TEXT_BYTES_MIN, may_be_card};
use crate::core::record::{CONTEXT_ID_BYTES, Kind, PlainRecord, Record, split_extras};
use ringseal_base::simd::Cursor;
use ringseal_base::value::tag;
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
#[derive(Debug)]
pub(super) struct TextBatch {
    bytes: Vec<u8>,
    texts: Vec<Range<u32>>,
    /// For each record, the number of texts up to its last one.
    ends: Vec<u32>,
    marks: Vec<bool>,
    pub(super) clean: CleanTexts,
}

impl TextBatch {
    pub(super) fn new() -> Self {
        Self {
            bytes: Vec::with_capacity(2 * TEXT_BYTES_MAX),
            texts: Vec::with_capacity(4 * RECORDS_MAX),
            ends: Vec::with_capacity(RECORDS_MAX),
            marks: Vec::with_capacity(4 * RECORDS_MAX),
            clean: CleanTexts::new(),
        }
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.texts.clear();
        self.ends.clear();
    }

    /// Copies the texts at `texts` in `payload`.
    #[inline]
    fn add(&mut self, payload: &[u8], texts: &[Range<u32>]) {
        let mut cursor = Cursor::new(&mut self.bytes);
        for text in texts {
            let Some(bytes) = payload.get(text.start as usize..text.end as usize) else { continue };
            if self.clean.has(bytes) {
                continue;
            }
            // At most a ring's record on top of the bound: far below 4 GiB.
            let start = cursor.len() as u32;
            cursor.raw(bytes);
            self.texts.push(start..cursor.len() as u32);
            cursor.raw(b"\0");
        }
    }

    /// Copies the texts of values under plain keys, if all values are of the most frequent types; returns whether the
    /// event is clean apart from them. Otherwise adds nothing: [`Prescan::values`] handles all types.
    #[inline]
    fn add_plain(&mut self, payload: &[u8], values: usize) -> Option<bool> {
        let (bytes_before, texts_before) = (self.bytes.len(), self.texts.len());
        let mut cursor = Cursor::new(&mut self.bytes);
        let mut is_clean = true;
        let (mut rest, mut count) = (payload, 0);
        while let Some([tag, word @ ..]) = rest.first_chunk::<9>() {
            let word = u64::from_le_bytes(*word);
            count += 1;
            match *tag {
                tag::STR => {
                    let (len, from) = (word as u32 as usize, &rest[5..]);
                    let Some((text, after)) = from.split_at_checked(len) else { break };
                    if len >= TEXT_BYTES_MIN && !self.clean.has(text) {
                        let start = cursor.len() as u32;
                        cursor.raw(text);
                        self.texts.push(start..cursor.len() as u32);
                        cursor.raw(b"\0");
                    }
                    rest = after;
                    continue;
                }
                tag::U64 => is_clean &= !may_be_card(word),
                tag::I64 => is_clean &= !may_be_card((word as i64).unsigned_abs()),
                tag::F64 => {}
                _ => break,
            }
            rest = &rest[9..];
        }
        drop(cursor);
        // A payload with too few values is reported by those who read it.
        if rest.is_empty() && count == values || is_short_text(rest) && count + 1 == values {
            return Some(is_clean);
        }
        self.bytes.truncate(bytes_before);
        self.texts.truncate(texts_before);
        None
    }

    /// A bit for each record that is not clean. Remembers the texts that are.
    fn search(&mut self, redactor: &mut Redactor) -> u64 {
        if self.texts.is_empty() {
            return 0;
        }
        self.bytes.extend_from_slice(&SLACK);
        redactor.mark_dirty(&self.bytes, &self.texts, &mut self.marks);
        for (text, _) in self.texts.iter().zip(&self.marks).filter(|(_, mark)| !**mark) {
            self.clean
                .add(self.bytes.get(text.start as usize..text.end as usize).unwrap_or_default());
        }
        if !self.marks.contains(&true) {
            return 0;
        }
        let mut start = 0;
        self.ends.iter().enumerate().fold(0, |bits, (record, &end)| {
            let marks = self.marks.get(start..end as usize).unwrap_or_default();
            start = end as usize;
            bits | u64::from(marks.contains(&true)) << record
        })
    }
}

/// Whether these are the bytes of one text that is too short for a hit.
#[inline]
fn is_short_text(bytes: &[u8]) -> bool {
    let Some(([tag, len @ ..], text)) = bytes.split_first_chunk::<5>() else { return false };
    let len = u32::from_le_bytes(*len) as usize;
    *tag == tag::STR && len == text.len() && len < TEXT_BYTES_MIN
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
        if self.has_foreign_ids {
            return Preview::default();
        }
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
            let (verdict, len) = match PlainRecord::read(rest) {
                Some(plain) => (self.prescan_plain(&plain), plain.len_bytes),
                None => (None, 0),
            };
            let (verdict, len) = match verdict {
                Some(is_clean) => (Some(is_clean), len),
                None => {
                    let Ok(next) = Record::read(rest) else { break };
                    (self.prescan_record(&next), next.len_bytes)
                }
            };
            match verdict {
                Some(true) => clean |= 1 << record,
                Some(false) => dirty |= 1 << record,
                None => {}
            }
            self.batch.ends.push(self.batch.texts.len() as u32);
            record += 1;
            let Some(after) = rest.get(len..) else { break };
            rest = after;
        }
        let found = self.batch.search(&mut self.redactor);
        (record as u32, clean & !found, dirty | found)
    }

    /// Adds the texts of a record whose keys and values are all of the most frequent kinds; returns whether it is clean
    /// apart from them.
    #[inline]
    fn prescan_plain(&mut self, record: &PlainRecord<'_>) -> Option<bool> {
        let site = self.sites.get(record.callsite as usize)?.as_deref()?;
        if site.is_plain { self.batch.add_plain(record.payload, site.rulings.len()) } else { None }
    }

    /// Adds the texts of a record; returns whether it is clean apart from them, if that can be decided
    /// here.
    #[inline(never)]
    fn prescan_record(&mut self, record: &Record<'_>) -> Option<bool> {
        match record.header.kind {
            Kind::Event => {}
            Kind::Context => return self.prescan_context(record.payload),
            _ => return None,
        }
        let site = self.sites.get(record.header.callsite as usize)?.as_deref()?;
        if site.has_dirty_names() || site.open.is_some() {
            return Some(false);
        }
        let (payload, _) = split_extras(&record.header, record.payload).ok()?;
        self.prescan.clear();
        let Self { prescan, redactor, keys, .. } = self;
        prescan.values(&site.rulings, site.names, payload, redactor, keys).ok()?;
        if self.prescan.needs_rewrite() {
            return Some(false);
        }
        self.batch.add(payload, self.prescan.texts());
        Some(true)
    }

    /// Adds the texts of a context's definition; returns whether it is clean apart from them, if that can be decided
    /// here.
    fn prescan_context(&mut self, payload: &[u8]) -> Option<bool> {
        let (_, entries) = payload.split_first_chunk::<CONTEXT_ID_BYTES>()?;
        self.prescan.clear();
        let Self { prescan, redactor, keys, .. } = self;
        prescan.entries(entries, b"", entries, redactor, keys).ok()?;
        if prescan.needs_rewrite() || redactor.may_have_copies(entries) {
            return None;
        }
        self.batch.add(entries, self.prescan.texts());
        Some(true)
    }
}
