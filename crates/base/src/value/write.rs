//! Writing values into granted bytes.
use super::put::copy_short;
use super::tag;
use crate::limits::{Limits, floor_char_boundary};

/// Writes tagged values into a borrowed stretch of ring memory.
///
/// If a value does not fit, nothing of it is written and [`ValueWriter::is_full`] becomes true. Formatted values are
/// truncated instead if a part of them fits; arrays and maps end early.
#[derive(Debug)]
pub struct ValueWriter<'a> {
    buffer: &'a mut [u8],
    at: usize,
    limits: Limits,
    depth: u8,
    cut: bool,
    full: bool,
    refused: bool,
    /// Whether the outermost containers are limited to the bytes of one text.
    is_tight: bool,
}

/// The start of a container, so that its length can be written when it ends.
#[derive(Debug)]
#[must_use = "a container must be ended"]
pub(crate) struct Open {
    at: usize,
}

/// A position that the writer can return to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    at: usize,
    depth: u8,
    full: bool,
}

impl<'a> ValueWriter<'a> {
    /// A writer over `buffer`, from its start.
    #[inline(always)]
    pub fn new(buffer: &'a mut [u8], limits: Limits) -> Self {
        Self {
            buffer,
            at: 0,
            limits,
            depth: 0,
            cut: false,
            full: false,
            refused: false,
            is_tight: false,
        }
    }

    /// Bytes written.
    #[inline(always)]
    pub fn len_bytes(&self) -> usize {
        self.at
    }

    /// Whether a string or formatted value was truncated.
    #[inline(always)]
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// Whether a value did not fit at all.
    #[inline(always)]
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Gives the record up: the values do not have the form that its call site states.
    #[doc(hidden)]
    pub fn refuse(&mut self) {
        (self.full, self.refused) = (true, true);
    }

    /// Whether the record is given up.
    #[doc(hidden)]
    pub fn is_refused(&self) -> bool {
        self.refused
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    #[inline(always)]
    fn take(&mut self, len: usize) -> Option<&mut [u8]> {
        let at = self.at;
        match self.buffer.get_mut(at..at + len) {
            Some(bytes) => {
                self.at = at + len;
                Some(bytes)
            }
            None => {
                self.full = true;
                None
            }
        }
    }

    #[inline(always)]
    pub(super) fn fixed<const N: usize>(&mut self, tag: u8, payload: [u8; N]) {
        if let Some(bytes) = self.take(1 + N) {
            bytes[0] = tag;
            bytes[1..].copy_from_slice(&payload);
        }
    }

    /// Values that are encoded already, as [`Values`](super::Values) reads them. All or none of them fit.
    #[doc(hidden)]
    pub fn encoded(&mut self, values: &[u8]) {
        if let Some(bytes) = self.take(values.len()) {
            bytes.copy_from_slice(values);
        }
    }

    /// A value without payload.
    #[inline(always)]
    pub(crate) fn tag_only(&mut self, tag: u8) {
        self.fixed(tag, []);
    }

    /// `null`.
    #[inline(always)]
    pub fn null(&mut self) {
        self.tag_only(tag::NULL);
    }

    /// A truth value.
    #[inline(always)]
    pub fn bool(&mut self, value: bool) {
        self.tag_only(if value { tag::TRUE } else { tag::FALSE });
    }

    /// A signed integer of up to 64 bits.
    #[inline(always)]
    pub fn i64(&mut self, value: i64) {
        self.fixed(tag::I64, value.to_le_bytes());
    }

    /// An unsigned integer of up to 64 bits.
    #[inline(always)]
    pub fn u64(&mut self, value: u64) {
        self.fixed(tag::U64, value.to_le_bytes());
    }

    /// A signed integer of 128 bits.
    #[inline(always)]
    pub fn i128(&mut self, value: i128) {
        self.fixed(tag::I128, value.to_le_bytes());
    }

    /// An unsigned integer of 128 bits.
    #[inline(always)]
    pub fn u128(&mut self, value: u128) {
        self.fixed(tag::U128, value.to_le_bytes());
    }

    /// A double.
    #[inline(always)]
    pub fn f64(&mut self, value: f64) {
        self.fixed(tag::F64, value.to_le_bytes());
    }

    /// A float, which prints shorter than the double of the same value.
    #[inline(always)]
    pub fn f32(&mut self, value: f32) {
        self.fixed(tag::F32, value.to_le_bytes());
    }

    /// A character.
    #[inline(always)]
    pub fn char(&mut self, value: char) {
        self.fixed(tag::CHAR, u32::from(value).to_le_bytes());
    }

    /// Seconds and nanoseconds under a tag.
    #[inline(always)]
    pub(crate) fn seconds(&mut self, tag: u8, seconds: [u8; 8], nanos: u32) {
        let mut payload = [0; 12];
        payload[..8].copy_from_slice(&seconds);
        payload[8..].copy_from_slice(&nanos.to_le_bytes());
        self.fixed(tag, payload);
    }

    /// A point in time: whole seconds since 1970 (rounded down), and the remaining nanoseconds.
    pub fn time(&mut self, seconds: i64, nanos: u32) {
        self.seconds(tag::TIME, seconds.to_le_bytes(), nanos);
    }

    /// An address and a port under a tag.
    pub(crate) fn socket(&mut self, tag: u8, address: &[u8], port: u16) {
        if let Some(bytes) = self.take(1 + address.len() + 2) {
            bytes[0] = tag;
            bytes[1..=address.len()].copy_from_slice(address);
            bytes[1 + address.len()..].copy_from_slice(&port.to_le_bytes());
        }
    }

    /// Text. Over the limit, it is truncated at a character boundary and marked.
    #[inline(always)]
    pub fn str(&mut self, text: &str) {
        if text.len() <= self.limits.value_bytes_max as usize {
            self.counted(tag::STR, text.as_bytes());
        } else {
            self.str_cut(text);
        }
    }

    #[cold]
    fn str_cut(&mut self, text: &str) {
        let kept = floor_char_boundary(text, self.limits.value_bytes_max as usize);
        self.counted_cut(tag::STR_CUT, &text.as_bytes()[..kept], text.len());
    }

    /// Bytes that are mostly text. Over the limit, they are truncated and marked.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) {
        let max = self.limits.value_bytes_max as usize;
        if bytes.len() <= max {
            self.counted(tag::BYTES, bytes);
        } else {
            self.counted_cut(tag::BYTES_CUT, &bytes[..max], bytes.len());
        }
    }

    #[inline(always)]
    pub(crate) fn counted(&mut self, tag: u8, content: &[u8]) {
        if let Some(bytes) = self.take(5 + content.len()) {
            bytes[0] = tag;
            bytes[1..5].copy_from_slice(&(content.len() as u32).to_le_bytes());
            copy_short(&mut bytes[5..], content);
        }
    }

    fn counted_cut(&mut self, tag: u8, kept: &[u8], whole_len: usize) {
        self.cut = true;
        if let Some(bytes) = self.take(9 + kept.len()) {
            bytes[0] = tag;
            bytes[1..5].copy_from_slice(&(kept.len() as u32).to_le_bytes());
            bytes[5..9]
                .copy_from_slice(&u32::try_from(whole_len).unwrap_or(u32::MAX).to_le_bytes());
            bytes[9..].copy_from_slice(kept);
        }
    }

    /// Opens a container. Its values follow, then [`ValueWriter::end`].
    ///
    /// `None` if nesting is too deep, in which case a mark replaces the value, or if there is no space. In both cases,
    /// the caller must not write the container's values.
    pub(crate) fn begin(&mut self, tag: u8) -> Option<Open> {
        if self.depth >= self.limits.depth_max {
            self.cut = true;
            self.tag_only(tag::DEEP);
            return None;
        }
        let at = self.at;
        self.take(5)?[0] = tag;
        self.depth += 1;
        Some(Open { at })
    }

    /// Ends a container.
    pub(crate) fn end(&mut self, open: Open) {
        self.depth -= 1;
        let len = (self.at - open.at - 5) as u32;
        self.buffer[open.at + 1..open.at + 5].copy_from_slice(&len.to_le_bytes());
    }

    /// A tag byte and one value. If the value does not fit, nothing of it is written.
    pub(crate) fn labelled(&mut self, tag: u8, label: u8, fill: impl FnOnce(&mut ValueWriter<'_>)) {
        let mark = self.mark();
        let Some(open) = self.begin(tag) else { return };
        if let Some(byte) = self.take(1) {
            byte[0] = label;
            fill(self);
        }
        if self.full {
            self.rewind(mark);
            self.full = true;
        } else {
            self.end(open);
        }
    }

    /// The current position, for [`ValueWriter::rewind`].
    pub(crate) fn mark(&self) -> Mark {
        Mark { at: self.at, depth: self.depth, full: self.full }
    }

    /// Removes everything written since `mark`, and records that a value was left out.
    pub(crate) fn rewind(&mut self, mark: Mark) {
        self.at = mark.at;
        self.depth = mark.depth;
        self.full = mark.full;
        self.cut = true;
    }

    /// Lets `fill` write at most `bytes_max` bytes, so that a value of unknown length does not exceed its promised
    /// bound and leaves space for the values after it.
    pub(crate) fn within(&mut self, bytes_max: usize, fill: impl FnOnce(&mut ValueWriter<'_>)) {
        let end = self.buffer.len().min(self.at.saturating_add(bytes_max));
        let mut part = ValueWriter {
            buffer: &mut self.buffer[self.at..end],
            at: 0,
            limits: self.limits,
            depth: self.depth,
            cut: false,
            full: false,
            refused: false,
            is_tight: self.is_tight,
        };
        fill(&mut part);
        let ValueWriter { at: len, cut, full, .. } = part;
        self.at += len;
        self.cut |= cut;
        self.full |= full;
    }

    /// From now on, limits each outermost array and map to the bytes of one value. Otherwise one of them could use
    /// all the space and leave nothing for the values after it.
    #[doc(hidden)]
    pub fn tighten(&mut self) {
        self.is_tight = true;
    }

    /// Records that a value was left out.
    pub(crate) fn set_cut(&mut self) {
        self.cut = true;
    }

    /// Turns the text written since `mark` into a number, if it is one in JSON syntax.
    #[cfg(feature = "serde")]
    pub(crate) fn str_to_number(&mut self, mark: Mark) {
        let Some([tag @ tag::STR, _, _, _, _, text @ ..]) = self.buffer.get_mut(mark.at..self.at)
        else {
            return;
        };
        if std::str::from_utf8(text).is_ok_and(|text| super::Number(text).is_json()) {
            *tag = tag::NUMBER;
        }
    }

    /// An empty text that is marked as truncated.
    #[cfg(feature = "serde")]
    pub(crate) fn nothing_left(&mut self) {
        self.counted_cut(tag::STR_CUT, &[], 0);
    }

    /// A map's key; its value must follow. Keys over 65,535 bytes are truncated.
    pub fn key(&mut self, key: &str) {
        let whole_len = key.len();
        let key = &key[..floor_char_boundary(key, usize::from(u16::MAX))];
        self.cut |= key.len() < whole_len;
        if let Some(bytes) = self.take(2 + key.len()) {
            bytes[..2].copy_from_slice(&(key.len() as u16).to_le_bytes());
            bytes[2..].copy_from_slice(key.as_bytes());
        }
    }

    /// One entry of a map: key and value. An entry that does not fit whole is left out, and so is one whose value is
    /// absent.
    pub fn entry(&mut self, key: &str, value: &dyn super::Value) {
        if value.is_absent() {
            return;
        }
        let mark = self.mark();
        self.key(key);
        let at = self.at;
        value.write(self);
        if self.full {
            self.rewind(mark);
        } else if self.buffer.get(at) == Some(&tag::ABSENT) {
            // A value of the caller's own type that wraps one.
            self.at = mark.at;
        }
    }

    /// An array of the values that `fill` writes.
    pub fn array(&mut self, fill: impl FnOnce(&mut ValueWriter<'_>)) {
        self.container(tag::ARRAY, fill);
    }

    fn container(&mut self, tag: u8, fill: impl FnOnce(&mut ValueWriter<'_>)) {
        if self.is_tight && self.depth == 0 {
            let bytes_max = 5 + self.limits.value_bytes_max as usize;
            self.within(bytes_max, |out| out.opened(tag, fill));
        } else {
            self.opened(tag, fill);
        }
    }

    fn opened(&mut self, tag: u8, fill: impl FnOnce(&mut ValueWriter<'_>)) {
        if let Some(open) = self.begin(tag) {
            fill(self);
            self.end(open);
        }
    }

    /// A map of the entries that `fill` writes.
    pub fn map(&mut self, fill: impl FnOnce(&mut ValueWriter<'_>)) {
        self.container(tag::MAP, fill);
    }

    /// The free bytes, for a formatter to fill; [`ValueWriter::formatted_end`] must follow.
    pub(crate) fn formatted_begin(&mut self) -> Option<&mut [u8]> {
        let at = self.at;
        let Some(room) = self.buffer.len().checked_sub(at + 9) else {
            self.full = true;
            return None;
        };
        let len = room.min(self.limits.value_bytes_max as usize);
        self.buffer.get_mut(at + 5..at + 5 + len)
    }

    /// Makes a string of the first `len` bytes that a formatter wrote. `cut` means that the formatter had more.
    pub(crate) fn formatted_end(&mut self, len: usize, cut: bool) {
        let at = self.at;
        let bytes = &mut self.buffer[at..at + 9 + len];
        bytes[1..5].copy_from_slice(&(len as u32).to_le_bytes());
        if cut {
            self.cut = true;
            bytes[0] = tag::STR_CUT;
            bytes.copy_within(5..5 + len, 9);
            bytes[5..9].fill(0);
            self.at = at + 9 + len;
        } else {
            bytes[0] = tag::STR;
            self.at = at + 5 + len;
        }
    }
}
