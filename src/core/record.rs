//! Records: an event's bytes in a ring.
//!
//! This is version [`RECORD_FORMAT`] of the format: a header of 24 bytes, then tagged values (see
//! [`ringseal_base::value`]), padded to a multiple of 8. Numbers are little-endian.
//!
//! | bytes | what |
//! |---|---|
//! | 0..4 | length of the record, without the padding |
//! | 4 | kind |
//! | 5 | level |
//! | 6..8 | flags, see below |
//! | 8..12 | id of the call site |
//! | 12..14 | slot of the bound context, 0 for none |
//! | 14..16 | slot of the ambient context, 0 for none |
//! | 16..24 | ticks of the producers' clock |
//! | 24.. | the values of the call site's keys |
//! | then | the stack trace, a value, with flag bit 1 |
//! | then | the rate at which the event was sampled, the value of a double, with flag bit 2 |
//! | the last 32 | the correlation with flag bit 3: trace id, 16 bytes, and span id, 16 bytes |
//!
//! Flag bit 0: a value was truncated. Other kinds of records use the parts as [`Kind`] describes.
//!
//! A record holds ids and slots, and no pointers, so another process can read it. A slot refers to the last definition
//! of its table that precedes the record in the lane. Each definition contains the context's id of 64 bits and names
//! the definition that it evicts, so a reader that has missed definitions can only miss a context, unless it takes a
//! slot for the context of an older definition; it must therefore begin with no definitions, at a record of
//! [`Kind::Thread`], or with a copy of the table. Reading is total: any bytes give a record or a typed error.
mod extras;

use std::fmt;

pub use self::extras::{Extras, split_extras};
pub(crate) use self::extras::{RATE_BYTES, put_rate};

use super::level::Level;

/// The version of this format. Each change of the bytes of a record or a value increments it.
pub const RECORD_FORMAT: u16 = 2;

/// Bytes of a context's id, at the front of its definition.
pub const CONTEXT_ID_BYTES: usize = 8;

/// Bytes of a header.
pub const HEADER_BYTES: usize = 24;

const FLAG_CUT: u16 = 1;
const FLAG_STACK: u16 = 1 << 1;
const FLAG_RATE: u16 = 1 << 2;
const FLAG_CORRELATION: u16 = 1 << 3;

/// Records start at multiples of this.
const ALIGN: usize = 8;

/// The kind of a record: what follows its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// The values of a call site's fields, in its order.
    Event = 1,
    /// An event whose name and keys are known only at run time: target, name, then a map.
    Dynamic = 2,
    /// A context: its id, unique in the process, in 8 bytes; then the entries of a map. Later records refer to it by
    /// the slot in their headers: one of the table of bound contexts or of that of ambient contexts, whichever of the
    /// two slots of this header is not 0. In place of the call site's id is the slot of the same table whose context is
    /// no longer used, or 0.
    Context = 3,
    /// Another thread has taken the lane: the thread's number and name.
    Thread = 4,
    /// An audit event: a map. The header holds its ticket: the lower half in place of the call site's id, the
    /// upper half in place of the two slots.
    Audit = 5,
}

impl Kind {
    fn from_u8(number: u8) -> Option<Kind> {
        Some(match number {
            1 => Kind::Event,
            2 => Kind::Dynamic,
            3 => Kind::Context,
            4 => Kind::Thread,
            5 => Kind::Audit,
            _ => return None,
        })
    }
}

/// What follows the values of an event in its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtraFlags(u16);

impl ExtraFlags {
    /// Nothing.
    pub const NONE: ExtraFlags = ExtraFlags(0);

    /// These parts.
    #[inline(always)]
    pub fn new(has_rate: bool, has_correlation: bool) -> ExtraFlags {
        let rate = u16::from(has_rate) * FLAG_RATE;
        let correlation = u16::from(has_correlation) * FLAG_CORRELATION;
        ExtraFlags(rate | correlation)
    }

    /// Whether anything follows.
    #[inline(always)]
    pub fn any(self) -> bool {
        self.0 != 0
    }

    /// Whether the rate follows at which the event was sampled, a double.
    #[inline(always)]
    pub fn has_rate(self) -> bool {
        self.0 & FLAG_RATE != 0
    }

    /// Whether the record ends with a correlation.
    #[inline(always)]
    pub fn has_correlation(self) -> bool {
        self.0 & FLAG_CORRELATION != 0
    }
}

/// The slots of an event's contexts, one of each table; 0 for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots(u32);

impl Slots {
    /// No contexts.
    pub const NONE: Slots = Slots(0);

    /// These slots.
    #[inline(always)]
    pub const fn new(bound: u16, ambient: u16) -> Slots {
        Slots(bound as u32 | (ambient as u32) << 16)
    }

    /// The slot of the bound context.
    #[inline(always)]
    pub const fn bound(self) -> u16 {
        self.0 as u16
    }

    /// The slot of the ambient context.
    #[inline(always)]
    pub const fn ambient(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// The same with this ambient context.
    #[inline(always)]
    pub const fn with_ambient(self, ambient: u16) -> Slots {
        Slots(self.0 | (ambient as u32) << 16)
    }

    /// The only slot, if no other is set.
    #[inline(always)]
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }

    /// Whether the event has a context.
    #[inline(always)]
    pub fn any(self) -> bool {
        self.0 != 0
    }
}

/// The fixed part of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The record's kind.
    pub kind: Kind,
    /// The event's level.
    pub level: Level,
    /// Whether a limit truncated a value.
    pub is_cut: bool,
    /// Whether a stack trace follows the fields' values.
    pub has_stack: bool,
    /// What follows the values.
    pub extras: ExtraFlags,
    /// The id of the call site; 0 if there is none.
    pub callsite: u32,
    /// The contexts.
    pub slots: Slots,
    /// The time, in ticks of the producers' clock.
    pub ticks: u64,
}

impl Header {
    /// A header without flags, ids and time.
    pub const fn new(kind: Kind, level: Level) -> Self {
        Self {
            kind,
            level,
            is_cut: false,
            has_stack: false,
            extras: ExtraFlags::NONE,
            callsite: 0,
            slots: Slots::NONE,
            ticks: 0,
        }
    }

    /// The header of an audit event.
    pub(crate) const fn of_audit(ticket: u64) -> Self {
        Self {
            callsite: ticket as u32,
            slots: Slots((ticket >> 32) as u32),
            ..Self::new(Kind::Audit, Level::Info)
        }
    }

    /// The ticket of an audit event.
    pub(crate) fn ticket(&self) -> u64 {
        u64::from(self.callsite) | u64::from(self.slots.0) << 32
    }

    /// Writes the header in front of `payload_len` bytes of values and returns the record's length, without the
    /// padding.
    ///
    /// `bytes` must hold at least [`HEADER_BYTES`]; otherwise nothing is written.
    #[inline(always)]
    pub fn write(&self, bytes: &mut [u8], payload_len: usize) -> usize {
        let len = HEADER_BYTES + payload_len;
        let flags = (u16::from(self.is_cut) * FLAG_CUT)
            | (u16::from(self.has_stack) * FLAG_STACK)
            | self.extras.0;
        let kind =
            u32::from(self.kind as u8) | u32::from(self.level as u8) << 8 | u32::from(flags) << 16;
        if let Some(header) = bytes.first_chunk_mut::<HEADER_BYTES>() {
            header[..4].copy_from_slice(&(len as u32).to_le_bytes());
            header[4..8].copy_from_slice(&kind.to_le_bytes());
            header[8..12].copy_from_slice(&self.callsite.to_le_bytes());
            header[12..16].copy_from_slice(&self.slots.0.to_le_bytes());
            header[16..].copy_from_slice(&self.ticks.to_le_bytes());
        }
        len
    }
}

/// One record, borrowed from the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The fixed part.
    pub header: Header,
    /// The values, without padding.
    pub payload: &'a [u8],
    /// Bytes of the whole record, padding included.
    pub len_bytes: usize,
}

/// Why bytes are not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordError {
    /// There are fewer bytes than a header has, or than the header states.
    Short {
        /// Bytes expected.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// The length is smaller than a header.
    Length(u32),
    /// The number of the kind is not assigned.
    Kind(u8),
    /// The number of the level is not assigned.
    Level(u8),
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecordError::Short { expected, found } => {
                write!(f, "expected a record of {expected} bytes, found {found} bytes")
            }
            RecordError::Length(len) => {
                write!(f, "expected a record length of at least {HEADER_BYTES}, found {len}")
            }
            RecordError::Kind(kind) => write!(f, "expected record kind 1 to 5, found {kind}"),
            RecordError::Level(level) => write!(f, "expected level 0 to 5, found {level}"),
        }
    }
}

impl std::error::Error for RecordError {}

impl<'a> Record<'a> {
    /// The ticks of the first record of `bytes`, without reading the rest.
    #[inline(always)]
    pub fn peek_ticks(bytes: &[u8]) -> Option<u64> {
        let header = bytes.first_chunk::<HEADER_BYTES>()?;
        header.last_chunk::<8>().map(|ticks| u64::from_le_bytes(*ticks))
    }

    /// Reads the record at the front of `bytes`.
    #[inline]
    pub fn read(bytes: &'a [u8]) -> Result<Record<'a>, RecordError> {
        let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else {
            return Err(RecordError::Short { expected: HEADER_BYTES, found: bytes.len() });
        };
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&header[at..at + 8]);
            u64::from_le_bytes(word)
        };
        let (first, second, ticks) = (word(0), word(8), word(16));
        let len = first as u32;
        let flags = (first >> 48) as u16;
        if (len as usize) < HEADER_BYTES {
            return Err(RecordError::Length(len));
        }
        let len_bytes = (len as usize).next_multiple_of(ALIGN);
        if len_bytes > bytes.len() {
            return Err(RecordError::Short { expected: len_bytes, found: bytes.len() });
        }
        let (kind, level) = ((first >> 32) as u8, (first >> 40) as u8);
        let header = Header {
            kind: Kind::from_u8(kind).ok_or(RecordError::Kind(kind))?,
            level: Level::from_u8(level).ok_or(RecordError::Level(level))?,
            is_cut: flags & FLAG_CUT != 0,
            has_stack: flags & FLAG_STACK != 0,
            extras: ExtraFlags(flags & (FLAG_RATE | FLAG_CORRELATION)),
            callsite: second as u32,
            slots: Slots((second >> 32) as u32),
            ticks,
        };
        Ok(Record { header, payload: &bytes[HEADER_BYTES..len as usize], len_bytes })
    }
}

/// An event's record without context and flags, as most are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlainRecord<'a> {
    /// The event's level.
    pub level: Level,
    /// The id of the call site.
    pub callsite: u32,
    /// The time, in ticks of the producers' clock.
    pub ticks: u64,
    /// The values, without padding.
    pub payload: &'a [u8],
    /// Bytes of the whole record, padding included.
    pub len_bytes: usize,
}

impl<'a> PlainRecord<'a> {
    /// Reads the record at the front of `bytes` if it is one of these; [`Record::read`] reads all.
    #[inline(always)]
    pub fn read(bytes: &'a [u8]) -> Option<PlainRecord<'a>> {
        let header = bytes.first_chunk::<HEADER_BYTES>()?;
        let (words, _) = header.as_chunks::<8>();
        let [first, second, ticks] = [words[0], words[1], words[2]].map(u64::from_le_bytes);
        // One comparison for the kind, the flags and the context.
        let other = (first >> 32) & 0xFFFF_00FF ^ Kind::Event as u64 | second >> 32;
        let len = first as u32 as usize;
        // If this wraps, `len` is above the length of `bytes`, so that it is no range of them.
        let len_bytes = len.wrapping_add(ALIGN - 1) & !(ALIGN - 1);
        if other != 0 || len_bytes > bytes.len() {
            return None;
        }
        let level = Level::from_u8((first >> 40) as u8)?;
        let payload = bytes.get(HEADER_BYTES..len)?;
        Some(PlainRecord { level, callsite: second as u32, ticks, payload, len_bytes })
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
