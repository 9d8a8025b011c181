//! The format of a file with call sites, and its reader.
//!
//! A file begins with a header of 64 bytes; all numbers are little-endian:
//!
//! | at | what |
//! |---|---|
//! | 0 | 16 bytes that mark the file |
//! | 16 | version u16, bytes of the header u16, 4 zeros |
//! | 24 | where the last entry ends u64, stored last |
//! | 32 | number of entries u64, for people |
//!
//! The entries follow, each at a multiple of 8:
//!
//! | at | what |
//! |---|---|
//! | 0 | bytes of the entry u32, id u32, CRC-32 of all other bytes of the entry u32, line u32 |
//! | 16 | level u8, flags u8 (1: of another logging interface), index of the message's key u16 (0xFFFF: none) |
//! | 20 | number of keys u16, reserved u16 |
//! | 24 | lengths u32 of event, target, file and each key, then their bytes |
//!
//! Promises: [`read_sites`] is total on any bytes. What it allocates is in proportion to their number. A bad entry
//! ends the file with an error, and what was read before it is kept. A file whose process was killed at any instant is
//! valid: it has the entries that were complete.
use std::collections::HashMap;
use std::fmt;
use std::hint::black_box;

use ringseal_base::digest::Crc32;

use crate::core::Level;
use crate::core::callsite::Callsite;

/// Bytes of the header, and the place of the first entry.
pub(super) const HEADER_BYTES: usize = 64;
/// Place of the version and of the header's length.
pub(super) const VERSION_AT: usize = 16;
/// Place of the end of the last entry.
pub(super) const END_AT: usize = 24;
/// Place of the number of entries.
pub(super) const COUNT_AT: usize = 32;
/// Entries start at a multiple of this.
pub(super) const ENTRY_ALIGN: usize = 8;

const VERSION: u16 = 1;
/// Bytes of an entry before the lengths of its texts.
const HEAD_BYTES: usize = 24;
/// Texts of an entry besides its keys.
const TEXTS: usize = 3;
const NO_MESSAGE: u16 = u16::MAX;
const IS_FOREIGN: u8 = 1;

/// The mark with all bits inverted, so that a search of memory for the mark finds files and not the program.
const MARK_INVERTED: [u8; 16] = inverted(*b"ringseal\x1Asites\n\0");

const fn inverted(mut bytes: [u8; 16]) -> [u8; 16] {
    let mut index = 0;
    while index < bytes.len() {
        bytes[index] ^= 0xFF;
        index += 1;
    }
    bytes
}

/// The first 24 bytes of a file.
pub(super) fn header_start() -> [u8; END_AT] {
    let mut start = [0; END_AT];
    // Opaque to the compiler, which would store the mark itself.
    start[..VERSION_AT].copy_from_slice(&black_box(MARK_INVERTED).map(|byte| byte ^ 0xFF));
    start[16..18].copy_from_slice(&VERSION.to_le_bytes());
    start[18..20].copy_from_slice(&(HEADER_BYTES as u16).to_le_bytes());
    start
}

/// A call site of another process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteEntry {
    /// Severity.
    pub level: Level,
    /// The event's name.
    pub event: Box<str>,
    /// The target.
    pub target: Box<str>,
    /// Source file.
    pub file: Box<str>,
    /// Line in it.
    pub line: u32,
    /// The fields' keys, in the order of the values.
    pub keys: Box<[Box<str>]>,
    /// The index of the key whose value is shown as the event's name.
    pub message: Option<u16>,
    /// Whether the site belongs to another logging interface.
    pub is_foreign: bool,
}

/// The call sites of another process by their ids there.
#[derive(Debug, Default)]
pub struct Sites {
    by_id: HashMap<u32, SiteEntry>,
}

impl Sites {
    /// The call site that had this id.
    pub fn get(&self, id: u32) -> Option<&SiteEntry> {
        self.by_id.get(&id)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// All ids with their call sites, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &SiteEntry)> {
        self.by_id.iter().map(|(id, entry)| (*id, entry))
    }
}

/// Why the rest of a file cannot be read. Places are in bytes from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SitesError {
    /// It is not a file with call sites.
    NotSites,
    /// It has another version of the format.
    Version(u16),
    /// It is shorter than its header says.
    Truncated {
        /// Where the missing entry starts.
        at: usize,
    },
    /// The checksum of an entry is wrong.
    Checksum {
        /// Where the entry starts.
        at: usize,
    },
    /// An entry is not in the format.
    Malformed {
        /// Where the entry starts.
        at: usize,
    },
}

impl fmt::Display for SitesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SitesError::NotSites => f.write_str("not a file with call sites"),
            SitesError::Version(found) => {
                write!(f, "call sites in version {found} of the format; expected {VERSION}")
            }
            SitesError::Truncated { at } => write!(f, "call sites end early, at byte {at}"),
            SitesError::Checksum { at } => {
                write!(f, "wrong checksum of the call site at byte {at}")
            }
            SitesError::Malformed { at } => write!(f, "malformed call site at byte {at}"),
        }
    }
}

impl std::error::Error for SitesError {}

/// Adds the call sites of a file. Of several with one id, the last one is kept.
///
/// # Errors
/// If the rest of the file cannot be read; `into` has what was before.
pub fn read_sites(bytes: &[u8], into: &mut Sites) -> Result<(), SitesError> {
    let published = read_header(bytes)?;
    let end = usize::try_from(published).unwrap_or(usize::MAX);
    let readable = &bytes[..end.min(bytes.len())];
    let mut at = HEADER_BYTES;
    while at < readable.len() {
        let (id, entry, len) = read_entry(&readable[at..], at)?;
        into.by_id.insert(id, entry);
        at += len.next_multiple_of(ENTRY_ALIGN);
    }
    if end > bytes.len() { Err(SitesError::Truncated { at }) } else { Ok(()) }
}

/// Where the last entry ends.
fn read_header(bytes: &[u8]) -> Result<u64, SitesError> {
    let expected = header_start();
    let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else {
        // A process that was killed before it gave the file its length.
        return if bytes.is_empty() { Ok(0) } else { Err(SitesError::NotSites) };
    };
    let published = u64_at(header, END_AT);
    if published == 0 {
        // The same while it wrote the header.
        let is_begun = header.iter().zip(expected).all(|(byte, own)| *byte == 0 || *byte == own);
        return if is_begun { Ok(0) } else { Err(SitesError::NotSites) };
    }
    if header[..VERSION_AT] != expected[..VERSION_AT] {
        return Err(SitesError::NotSites);
    }
    if header[..END_AT] != expected {
        return Err(SitesError::Version(u16_at(header, VERSION_AT)));
    }
    if published < HEADER_BYTES as u64 { Err(SitesError::NotSites) } else { Ok(published) }
}

/// The id, the call site and the length of the entry that `bytes` begin with.
fn read_entry(bytes: &[u8], at: usize) -> Result<(u32, SiteEntry, usize), SitesError> {
    let head = bytes.first_chunk::<HEAD_BYTES>().ok_or(SitesError::Truncated { at })?;
    let len = u32_at(head, 0) as usize;
    if len < HEAD_BYTES + TEXTS * 4 {
        return Err(SitesError::Malformed { at });
    }
    let bytes = bytes.get(..len).ok_or(SitesError::Truncated { at })?;
    if checksum(bytes) != u32_at(head, 8) {
        return Err(SitesError::Checksum { at });
    }
    let entry = parse(head, &bytes[HEAD_BYTES..]).ok_or(SitesError::Malformed { at })?;
    let id = u32_at(head, 4);
    if id == 0 { Err(SitesError::Malformed { at }) } else { Ok((id, entry, len)) }
}

/// A call site from the head of its entry and the rest, which has exactly its texts.
fn parse(head: &[u8; HEAD_BYTES], rest: &[u8]) -> Option<SiteEntry> {
    let keys = usize::from(u16_at(head, 20));
    let (mut lengths, mut texts) = rest.split_at_checked((TEXTS + keys) * 4)?;
    let mut text = || -> Option<Box<str>> {
        let (len, others) = lengths.split_first_chunk::<4>()?;
        let (text, after) = texts.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        (lengths, texts) = (others, after);
        Some(std::str::from_utf8(text).ok()?.into())
    };
    let (event, target, file) = (text()?, text()?, text()?);
    let keys = (0..keys).map(|_| text()).collect::<Option<Box<[_]>>>()?;
    let (level, flags, message) = (Level::from_u8(head[16])?, head[17], u16_at(head, 18));
    let is_strict = texts.is_empty() && flags & !IS_FOREIGN == 0;
    is_strict.then_some(SiteEntry {
        level,
        event,
        target,
        file,
        line: u32_at(head, 12),
        keys,
        message: (message != NO_MESSAGE).then_some(message),
        is_foreign: flags & IS_FOREIGN != 0,
    })
}

/// Replaces `out` by the entry of a call site. Returns whether the format has room for it.
pub(super) fn write_entry(id: u32, site: &Callsite, out: &mut Vec<u8>) -> bool {
    let metadata = site.metadata();
    let texts = [metadata.event, metadata.target, metadata.file];
    let texts = texts.iter().chain(metadata.keys).map(|text| text.as_bytes());
    let Ok(keys) = u16::try_from(metadata.keys.len()) else { return false };
    let len = texts.clone().fold(HEAD_BYTES, |sum, text| sum.saturating_add(4 + text.len()));
    let Ok(entry_bytes) = u32::try_from(len) else { return false };
    let message = site.message().and_then(|index| u16::try_from(index).ok());
    out.clear();
    out.extend_from_slice(&entry_bytes.to_le_bytes());
    out.extend_from_slice(&id.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&metadata.line.to_le_bytes());
    out.extend_from_slice(&[metadata.level as u8, u8::from(site.is_foreign()) * IS_FOREIGN]);
    out.extend_from_slice(&message.unwrap_or(NO_MESSAGE).to_le_bytes());
    out.extend_from_slice(&keys.to_le_bytes());
    out.extend_from_slice(&[0; 2]);
    texts.clone().for_each(|text| out.extend_from_slice(&(text.len() as u32).to_le_bytes()));
    texts.for_each(|text| out.extend_from_slice(text));
    let sum = checksum(out);
    out[8..12].copy_from_slice(&sum.to_le_bytes());
    true
}

/// The CRC-32 of an entry without its checksum.
pub(super) fn checksum(entry: &[u8]) -> u32 {
    let mut crc = Crc32::new();
    crc.update(entry.get(..8).unwrap_or_default());
    crc.update(entry.get(12..).unwrap_or_default());
    crc.finish()
}

/// The number in these bytes; zeros if there are not enough.
fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or([0; N])
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array_at(bytes, at))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}
