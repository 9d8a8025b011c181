//! Reads lines and returns redacted lines.
//!
//! A buffer of whole lines is walked once to collect its leaves. One scan over all leaves finds those that are not
//! clean, and only these are redacted one by one. A buffer without hits is not copied. Each line stays one line, and a
//! line that was JSON stays JSON: only the content of strings, and whole numbers, are replaced.
use std::ops::Range;
use std::sync::Arc;

use ringseal_redact::{HitKind, KeyClass, RedactOutcome, Redactor, Rules};

use super::dump_block::DumpBlock;
use super::escape::{escape, unescape};
use super::json_leaves::{Leaf, LeafKind, Walker};
use super::key_block::KeyBlock;
use super::key_cache::KeyCache;
use crate::line::prefix::{BYTE_ORDER_MARK, json_start};

/// Lines are scanned together up to about this many bytes, which stay in the processor's cache.
const STRETCH_BYTES: usize = 64 << 10;

/// Whether a buffer was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changed {
    /// Nothing is different; nothing was written.
    No,
    /// The changed text was appended.
    Yes,
}

/// Redacts lines. Keeps its memory from one call to the next.
#[derive(Debug)]
pub(super) struct Filter {
    pub(super) redactor: Redactor,
    keys: KeyCache,
    walker: Walker,
    block: KeyBlock,
    dump: DumpBlock,
    /// Whether the rules mask private keys.
    masks_private_keys: bool,
    pub(super) leaves: Vec<Leaf>,
    /// A line before its copies were masked.
    pub(super) before_copies: Vec<u8>,
    gathered: Vec<u8>,
    ranges: Vec<Range<u32>>,
    dirty: Vec<bool>,
    pub(super) decoded: Vec<u8>,
    pub(super) piece: Vec<u8>,
    /// Lines of private keys that were masked, and lines that were too long to scan.
    pub(super) block_lines: u64,
    pub(super) long_lines: u64,
    /// The numbers of lines read and of lines changed.
    pub(super) lines: u64,
    pub(super) changed_lines: u64,
}

impl Filter {
    pub(super) fn new(rules: Arc<Rules>) -> Self {
        let mut redactor = Redactor::new(Arc::clone(&rules));
        let masks_private_keys = masks_private_keys(&mut redactor);
        redactor.set_rules(Arc::clone(&rules));
        Self {
            redactor,
            keys: KeyCache::new(rules),
            walker: Walker::default(),
            block: KeyBlock::default(),
            dump: DumpBlock::default(),
            masks_private_keys,
            leaves: Vec::new(),
            before_copies: Vec::new(),
            gathered: Vec::new(),
            ranges: Vec::new(),
            dirty: Vec::new(),
            decoded: Vec::new(),
            piece: Vec::new(),
            block_lines: 0,
            long_lines: 0,
            lines: 0,
            changed_lines: 0,
        }
    }

    pub(super) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Starts another file.
    pub(super) fn restart(&mut self) {
        self.block.close();
        self.dump.close();
    }

    /// Redacts whole lines, appending them to `out` if any is changed. Calls `hit` for each replaced value, in order,
    /// with its line and the counters after that replacement.
    pub(super) fn lines(
        &mut self,
        text: &[u8],
        out: &mut Vec<u8>,
        hit: &mut dyn FnMut(u64, &Filter),
    ) -> Changed {
        let mut edits =
            Edits { text, out, written: 0, counted: 0, last_line: 0, line_end: 0, line_out: 0 };
        let has_keys =
            self.masks_private_keys && memchr::memmem::find(text, b"PRIVATE KEY").is_some();
        let mut at = 0;
        while at < text.len() {
            let end = self.collect(text, at, has_keys);
            self.search(text);
            self.apply(&mut edits, hit);
            at = end;
        }
        self.lines += memchr::memchr_iter(b'\n', &text[edits.counted..]).count() as u64;
        self.lines += u64::from(!text.ends_with(b"\n") && !text.is_empty());
        edits.finish()
    }

    /// The text that replaces a line that was too long to be held.
    pub(super) fn too_long(&mut self, is_json: bool) -> String {
        self.lines += 1;
        self.changed_lines += 1;
        self.long_lines += 1;
        self.block.other_line();
        let mask = self.redactor.rules().profile().mask(HitKind::Overrun);
        if is_json { format!("\"{mask}\"") } else { mask.to_owned() }
    }

    /// Collects the leaves of the lines from `at` on; returns where they end.
    fn collect(&mut self, text: &[u8], at: usize, has_keys: bool) -> usize {
        self.leaves.clear();
        let last = text.len().min(at + STRETCH_BYTES);
        let mut start = at;
        while start < last {
            let line = memchr::memchr(b'\n', &text[start..]).map_or(text.len(), |len| start + len);
            let end = line - usize::from(text[start..line].ends_with(b"\r"));
            // A byte order mark is kept, and what follows it is read as without one.
            let mark = text[start..end].starts_with(BYTE_ORDER_MARK);
            let from = start + if mark { BYTE_ORDER_MARK.len() } else { 0 };
            if self.dump_line(text, from..end) {
                // A part of a value.
            } else if self.json_line(text, from..end) {
                self.block.other_line();
            } else {
                let line = &text[from..end];
                let masks_keys = has_keys
                    || self.masks_private_keys
                        && (self.block.is_open() || KeyBlock::may_start(line));
                self.text_line(text, from..end, masks_keys);
            }
            start = line + 1;
        }
        start.min(text.len())
    }

    /// Collects the leaves of a line of JSON, also after a prefix, which is scanned as text; false for other lines.
    pub(super) fn json_line(&mut self, text: &[u8], line: Range<usize>) -> bool {
        if self.walker.line(text, line.start, line.end, &mut self.keys, &mut self.leaves) {
            return true;
        }
        let object = json_start(&text[line.clone()]).filter(|at| *at > 0);
        let Some(object) = object.map(|at| line.start + at) else { return false };
        let before = self.leaves.len();
        let (start, end) = (line.start as u32, object as u32);
        self.leaves.push(Leaf { start, end, kind: LeafKind::Line, class: KeyClass::Plain });
        let is_json = self.walker.line(text, object, line.end, &mut self.keys, &mut self.leaves);
        if !is_json {
            self.leaves.truncate(before);
        }
        is_json
    }

    /// Collects the parts of a line on which a value of a sensitive key is continued; false for other lines.
    fn dump_line(&mut self, text: &[u8], line: Range<usize>) -> bool {
        if !self.dump.is_open() && !DumpBlock::may_open(&text[line.clone()]) {
            return false;
        }
        let part = self.dump.line(&text[line.clone()], self.redactor.rules());
        let Some((part, class)) = part else { return false };
        let part = line.start + part.start..line.start + part.end;
        let parts = [
            (line.start..part.start, KeyClass::Plain),
            (part.clone(), class),
            (part.end..line.end, KeyClass::Plain),
        ];
        for (part, class) in parts.into_iter().filter(|(part, _)| !part.is_empty()) {
            let (start, end) = (part.start as u32, part.end as u32);
            self.leaves.push(Leaf { start, end, kind: LeafKind::Line, class });
        }
        true
    }

    fn text_line(&mut self, text: &[u8], line: Range<usize>, masks_private_keys: bool) {
        let key = match masks_private_keys {
            true => self.block.line(&text[line.clone()]),
            false => None,
        };
        let key = key.map(|key| line.start + key.start..line.start + key.end);
        let prose = line.start..key.as_ref().map_or(line.end, |key| key.start);
        let parts = [(Some(prose), LeafKind::Line), (key, LeafKind::KeyBlock)];
        for (part, kind) in parts {
            let Some(part) = part.filter(|part| !part.is_empty()) else { continue };
            let (start, end) = (part.start as u32, part.end as u32);
            self.leaves.push(Leaf { start, end, kind, class: KeyClass::Plain });
        }
    }

    /// Keeps only the leaves that are not clean.
    ///
    /// The texts are first copied together, because half of a line is keys and punctuation, which would slow the
    /// search.
    fn search(&mut self, text: &[u8]) {
        let is_searched = |leaf: &Leaf| {
            matches!(leaf.kind, LeafKind::Text | LeafKind::Key | LeafKind::Line)
                && leaf.class == KeyClass::Plain
        };
        self.ranges.clear();
        self.gathered.clear();
        for leaf in self.leaves.iter().filter(|leaf| is_searched(leaf)) {
            // The position is within the buffer, whose positions fit in 32 bits.
            let start = self.gathered.len() as u32;
            self.gathered.extend_from_slice(&text[leaf.start as usize..leaf.end as usize]);
            self.ranges.push(start..self.gathered.len() as u32);
            self.gathered.push(b'\n');
        }
        self.redactor.mark_dirty(&self.gathered, &self.ranges, &mut self.dirty);
        let mut dirty = self.dirty.iter();
        self.leaves.retain(|leaf| match leaf.kind {
            // A missing mark counts as dirty.
            _ if is_searched(leaf) => dirty.next().copied().unwrap_or(true),
            LeafKind::Number => {
                leaf.class != KeyClass::Plain || leaf.end - leaf.start >= CARD_DIGITS_MIN
            }
            _ => true,
        });
    }

    fn apply(&mut self, edits: &mut Edits<'_>, hit: &mut dyn FnMut(u64, &Filter)) {
        let leaves = std::mem::take(&mut self.leaves);
        for leaf in &leaves {
            if leaf.start as usize >= edits.line_end {
                self.finish_line(edits, hit);
                self.redactor.start_event();
                edits.start_line(leaf.start as usize);
            }
            let mut piece = std::mem::take(&mut self.piece);
            piece.clear();
            let is_replaced = self.leaf(leaf, edits.text, &mut piece);
            if is_replaced {
                let line = edits.replace(leaf, &piece, self);
                hit(line, self);
            }
            self.piece = piece;
        }
        self.finish_line(edits, hit);
        self.redactor.end_event();
        self.leaves = leaves;
    }

    /// Appends the replacement of a leaf; false if it stays unchanged.
    fn leaf(&mut self, leaf: &Leaf, text: &[u8], piece: &mut Vec<u8>) -> bool {
        let raw = &text[leaf.start as usize..leaf.end as usize];
        let profile = self.redactor.rules().profile();
        let outcome = match leaf.kind {
            LeafKind::Text | LeafKind::Key | LeafKind::Line => {
                self.redactor.value(leaf.class, raw, false, piece)
            }
            LeafKind::Escaped | LeafKind::EscapedKey => {
                self.decoded.clear();
                unescape(raw, &mut self.decoded);
                self.redactor.value(leaf.class, &self.decoded, false, piece)
            }
            LeafKind::Number => self.redactor.number(leaf.class, raw, piece),
            LeafKind::Deep => {
                self.long_lines += 1;
                piece.extend_from_slice(profile.mask(HitKind::Overrun).as_bytes());
                RedactOutcome::Replaced
            }
            LeafKind::KeyBlock => {
                self.block_lines += 1;
                piece.extend_from_slice(profile.mask(HitKind::PrivateKey).as_bytes());
                RedactOutcome::Replaced
            }
        };
        outcome == RedactOutcome::Replaced
    }
}

/// The fewest digits of a card number; shorter numbers under plain keys stay unchanged.
const CARD_DIGITS_MIN: u32 = 12;

/// Tests with an example whether the rules mask private keys.
pub(super) fn masks_private_keys(redactor: &mut Redactor) -> bool {
    let key = [
        &b"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n"[..],
        b"-----END PRIVATE KEY-----",
    ]
    .concat();
    let mut out = Vec::new();
    let outcome = redactor.value(KeyClass::Plain, &key, false, &mut out);
    outcome == RedactOutcome::Replaced && !out.windows(4).any(|part| part == b"MIIE")
}

/// The changed copy of the buffer; empty until something is replaced.
pub(super) struct Edits<'a> {
    text: &'a [u8],
    pub(super) out: &'a mut Vec<u8>,
    written: usize,
    /// Where the current line ends, and where its output starts; [`UNCHANGED`] until something in it is replaced.
    line_end: usize,
    line_out: usize,
    /// Newlines before this position have been counted.
    counted: usize,
    last_line: u64,
}

/// The line has no output yet.
const UNCHANGED: usize = usize::MAX;

impl Edits<'_> {
    /// Starts the line that `at` is in.
    fn start_line(&mut self, at: usize) {
        let rest = &self.text[at..];
        self.line_end = memchr::memchr(b'\n', rest).map_or(self.text.len(), |len| at + len);
        self.line_out = UNCHANGED;
    }

    /// Writes the rest of the current line; returns where its output starts, or `None` if it is unchanged.
    pub(super) fn end_line(&mut self) -> Option<usize> {
        let start = std::mem::replace(&mut self.line_out, UNCHANGED);
        if start == UNCHANGED {
            return None;
        }
        self.out.extend_from_slice(&self.text[self.written..self.line_end]);
        self.written = self.line_end;
        Some(start)
    }

    /// The number of the last line that was changed.
    pub(super) fn last_line(&self) -> u64 {
        self.last_line
    }

    /// Replaces `leaf` by `piece`; returns the line of `leaf`.
    fn replace(&mut self, leaf: &Leaf, piece: &[u8], filter: &mut Filter) -> u64 {
        let (start, end) = (leaf.start as usize, leaf.end as usize);
        let newlines = memchr::memchr_iter(b'\n', &self.text[self.counted..start]).count() as u64;
        self.counted = start;
        filter.lines += newlines;
        let line = filter.lines + 1;
        filter.changed_lines += u64::from(line != self.last_line);
        self.last_line = line;
        if self.line_out == UNCHANGED {
            let line = memchr::memrchr(b'\n', &self.text[..start]).map_or(0, |at| at + 1);
            self.out.extend_from_slice(&self.text[self.written..line]);
            self.written = line;
            self.line_out = self.out.len();
        }
        self.out.extend_from_slice(&self.text[self.written..start]);
        let is_quoted = matches!(leaf.kind, LeafKind::Number | LeafKind::Deep);
        let is_content = is_quoted
            || matches!(
                leaf.kind,
                LeafKind::Text | LeafKind::Escaped | LeafKind::Key | LeafKind::EscapedKey
            );
        self.quote(is_quoted);
        if is_content {
            escape(piece, matches!(leaf.kind, LeafKind::Text | LeafKind::Key), self.out)
        } else {
            self.out.extend_from_slice(piece)
        }
        self.quote(is_quoted);
        self.written = end;
        line
    }

    fn quote(&mut self, wanted: bool) {
        self.out.extend_from_slice(if wanted { b"\"" } else { b"" });
    }

    fn finish(self) -> Changed {
        if self.written == 0 {
            return Changed::No;
        }
        self.out.extend_from_slice(&self.text[self.written..]);
        Changed::Yes
    }
}
