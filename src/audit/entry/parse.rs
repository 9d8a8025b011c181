//! The one parser of entries.
use super::json::{Keys, Scanner};
use super::time::{TIMESTAMP_BYTES, parse_timestamp};
use super::{
    CONTROL_PREFIX, EVENT_TYPE_BYTES_MAX, FRAME_BYTES_MAX, LINE_BYTES_MAX, PREV_KEY, ParseError,
    ParseErrorKind, SIGNATURE_BYTES, SIGNATURE_KEY, SUFFIX_BYTES, Scheme, Signature,
};
use crate::digest::text::{Base64, base64_array};

/// An entry as it stands in its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its number, from 0; also the index of its leaf.
    pub seq: u64,
    /// Its time, nanoseconds since 1970.
    pub unix_nanos: i64,
    /// What happened.
    pub event_type: &'a str,
    /// The members of the event, from `"event_type"` on.
    pub body: &'a str,
    /// What its signature is over.
    pub signed: &'a [u8],
    /// The signature of the entry before.
    pub previous: Signature,
    /// Its own.
    pub signature: Signature,
}

impl Entry<'_> {
    /// Whether the log wrote it about itself.
    pub fn is_control(&self) -> bool {
        self.event_type.starts_with(CONTROL_PREFIX)
    }
}

/// The parser; keeps its memory from line to line.
#[derive(Debug, Default)]
pub struct Parser {
    keys: Keys,
}

impl Parser {
    /// A parser.
    pub fn new() -> Parser {
        Parser::default()
    }

    /// Parses a line without its newline.
    pub fn entry<'a>(&mut self, line: &'a [u8]) -> Result<Entry<'a>, ParseError> {
        check_bytes(line, LINE_BYTES_MAX - 1)?;
        self.keys.clear();
        let mut scan = Scanner { bytes: line, at: 0, keys: &mut self.keys };
        scan.literal(b"{\"seq\":", "{\"seq\":")?;
        let seq = scan.decimal()?;
        scan.literal(b",\"timestamp\":\"", ",\"timestamp\":\"")?;
        let time = scan.rest().get(..TIMESTAMP_BYTES).and_then(parse_timestamp);
        let Some(unix_nanos) = time else { return scan.error(ParseErrorKind::Timestamp) };
        scan.at += TIMESTAMP_BYTES;
        scan.literal(b"\",", "a quote and a comma")?;
        let body_at = scan.at;
        let event_type = members(&mut scan, true)?;
        let body = line.get(body_at..scan.at).unwrap_or_default();
        let (previous, signature) = suffix(&mut scan)?;
        let signed = line.get(..line.len() - (SIGNATURE_KEY.len() + SIGNATURE_BYTES + 2));
        Ok(Entry {
            seq,
            unix_nanos,
            event_type: utf8(event_type)?,
            body: utf8(body)?,
            signed: signed.unwrap_or_default(),
            previous,
            signature,
        })
    }

    /// Looks whether `members` may stand in an entry that an application writes.
    pub(super) fn body(&mut self, members_text: &[u8]) -> Result<(), ParseError> {
        check_bytes(members_text, LINE_BYTES_MAX - FRAME_BYTES_MAX)?;
        self.keys.clear();
        let mut scan = Scanner { bytes: members_text, at: 0, keys: &mut self.keys };
        let event_type = members(&mut scan, false)?;
        if event_type.starts_with(CONTROL_PREFIX.as_bytes()) {
            return Err(ParseError { at: 14, kind: ParseErrorKind::EventType });
        }
        Ok(())
    }
}

/// What holds for all bytes of a line, in two passes that run over many bytes at once.
fn check_bytes(bytes: &[u8], len_max: usize) -> Result<(), ParseError> {
    if bytes.len() > len_max {
        return Err(ParseError { at: len_max, kind: ParseErrorKind::TooLong });
    }
    if !bytes.is_ascii()
        && let Err(error) = std::str::from_utf8(bytes)
    {
        return Err(ParseError { at: error.valid_up_to(), kind: ParseErrorKind::Utf8 });
    }
    if bytes.iter().fold(false, |found, byte| found | (*byte < 0x20)) {
        let found = bytes.iter().enumerate().find(|(_, byte)| **byte < 0x20);
        let (at, byte) = found.unwrap_or((0, &0));
        return Err(ParseError { at, kind: ParseErrorKind::ControlByte(*byte) });
    }
    Ok(())
}

fn utf8(bytes: &[u8]) -> Result<&str, ParseError> {
    // Whole parts of a line that is UTF-8, cut at ASCII bytes.
    std::str::from_utf8(bytes).map_err(|_| ParseError { at: 0, kind: ParseErrorKind::Utf8 })
}

/// From `"event_type"` on, up to the comma before `_prev_signature` (`in_line`) or to the end;
/// gives the event type.
fn members<'a>(scan: &mut Scanner<'a, '_>, in_line: bool) -> Result<&'a [u8], ParseError> {
    scan.literal(b"\"event_type\":\"", "\"event_type\":\"")?;
    let event_type = event_type(scan)?;
    let end = if in_line {
        let Some(end) = scan.bytes.len().checked_sub(SUFFIX_BYTES) else {
            return scan.error(ParseErrorKind::Expected("room for two signatures"));
        };
        end
    } else {
        scan.bytes.len()
    };
    let base = scan.keys.count();
    while scan.at < end {
        scan.literal(b",", "a comma")?;
        let key_at = scan.at;
        let reserved: [&[u8]; 5] =
            [b"seq", b"timestamp", b"event_type", b"_prev_signature", b"_signature"];
        if reserved.contains(&scan.key()?) {
            return Err(ParseError { at: key_at, kind: ParseErrorKind::ReservedKey });
        }
        scan.value(1)?;
    }
    if scan.at > end {
        scan.at = end;
        return scan.error(ParseErrorKind::Expected(",\"_prev_signature\":\""));
    }
    scan.keys.close(scan.bytes, base)?;
    Ok(event_type)
}

fn event_type<'a>(scan: &mut Scanner<'a, '_>) -> Result<&'a [u8], ParseError> {
    let plain = |byte: &&u8| matches!(byte, 0x21..=0x7E) && !matches!(byte, b'"' | b'\\');
    let len = scan.rest().iter().take(EVENT_TYPE_BYTES_MAX + 1).take_while(plain).count();
    let text = scan.rest().get(..len).unwrap_or_default();
    if !(1..=EVENT_TYPE_BYTES_MAX).contains(&len) {
        return scan.error(ParseErrorKind::EventType);
    }
    scan.at += len;
    if scan.peek() != Some(b'"') {
        return scan.error(ParseErrorKind::EventType);
    }
    scan.at += 1;
    Ok(text)
}

/// The last 130 bytes.
fn suffix(scan: &mut Scanner<'_, '_>) -> Result<(Signature, Signature), ParseError> {
    scan.literal(PREV_KEY, ",\"_prev_signature\":\"")?;
    let previous = signature(scan)?;
    scan.literal(b"\"", "a quote")?;
    scan.literal(SIGNATURE_KEY, ",\"_signature\":\"")?;
    let own = signature(scan)?;
    scan.literal(b"\"}", "a quote and the last brace")?;
    if scan.at != scan.bytes.len() {
        return scan.error(ParseErrorKind::Trailing);
    }
    Ok((previous, own))
}

fn signature(scan: &mut Scanner<'_, '_>) -> Result<Signature, ParseError> {
    let text = scan.rest().get(..SIGNATURE_BYTES).unwrap_or_default();
    let parsed = text.split_at_checked(3).and_then(|(prefix, digits)| {
        let scheme = match prefix {
            b"m1:" => Scheme::Mac,
            b"h1:" => Scheme::Hash,
            _ => return None,
        };
        let hash = base64_array(Base64::Url, digits).ok()?;
        Some(Signature { scheme, hash })
    });
    let Some(signature) = parsed else { return scan.error(ParseErrorKind::Signature) };
    scan.at += SIGNATURE_BYTES;
    Ok(signature)
}
