//! The parser of entries.
use std::ops::Range;
use std::str::Utf8Error;

use super::json::{ScanState, Scanner};
use super::time::{TIMESTAMP_BYTES, TimestampParser};
use super::{
    CONTROL_PREFIX, EVENT_TYPE_BYTES_MAX, FRAME_BYTES_MAX, LINE_BYTES_MAX, PREV_KEY, ParseError,
    ParseErrorKind, SIGNATURE_BYTES, SIGNATURE_KEY, SIGNED_FROM_END, SUFFIX_BYTES, Scheme,
    Signature,
};
use ringseal_base::digest::text::{Base64, base64_array};

/// A parsed entry, borrowed from its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its sequence number, from 0; also the index of its leaf.
    pub seq: u64,
    /// Its time, nanoseconds since 1970.
    pub unix_nanos: i64,
    /// Its event type.
    pub event_type: &'a str,
    /// The members of the event, from `"event_type"` on.
    pub body: &'a str,
    /// The signed text.
    pub signed: &'a [u8],
    /// The signature of the previous entry.
    pub previous: Signature,
    /// Its own signature.
    pub signature: Signature,
}

impl Entry<'_> {
    /// Whether it is a control entry, which the log writes about itself.
    pub fn is_control(&self) -> bool {
        self.event_type.starts_with(CONTROL_PREFIX)
    }
}

/// The parser of entries; reuses its memory from line to line.
#[derive(Debug, Default)]
pub struct Parser {
    state: ScanState,
    timestamps: TimestampParser,
    signatures: Signatures,
}

impl Parser {
    /// Creates a parser.
    pub fn new() -> Parser {
        Parser::default()
    }

    /// Parses a line without its newline.
    pub fn entry<'a>(&mut self, line: &'a [u8]) -> Result<Entry<'a>, ParseError> {
        let text = check_bytes(line, LINE_BYTES_MAX - 1)?;
        let mut scan = Scanner::new(line, &mut self.state)?;
        scan.literal(b"{\"seq\":", "{\"seq\":")?;
        let seq = scan.decimal()?;
        scan.literal(b",\"timestamp\":\"", ",\"timestamp\":\"")?;
        let time = scan.rest().first_chunk().and_then(|text| self.timestamps.parse(text));
        let Some(unix_nanos) = time else { return scan.error(ParseErrorKind::Timestamp) };
        scan.at += TIMESTAMP_BYTES;
        scan.literal(b"\",", "a quote and a comma")?;
        let body_at = scan.at;
        let event_type = members(&mut scan, true)?;
        let body = text.get(body_at..scan.at).unwrap_or_default();
        let (previous, signature) = self.signatures.suffix(&mut scan)?;
        let signed = line.get(..line.len() - SIGNED_FROM_END).unwrap_or_default();
        let event_type = text.get(event_type).unwrap_or_default();
        Ok(Entry { seq, unix_nanos, event_type, body, signed, previous, signature })
    }

    /// Checks that `members` are allowed in an entry that an application writes.
    pub(super) fn body(&mut self, members_text: &[u8]) -> Result<(), ParseError> {
        let text = check_bytes(members_text, LINE_BYTES_MAX - FRAME_BYTES_MAX)?;
        let mut scan = Scanner::new(members_text, &mut self.state)?;
        let event_type = members(&mut scan, false)?;
        if text.get(event_type).unwrap_or_default().starts_with(CONTROL_PREFIX) {
            return Err(ParseError { at: 14, kind: ParseErrorKind::EventType });
        }
        Ok(())
    }
}

/// The line as text.
fn check_bytes(bytes: &[u8], len_max: usize) -> Result<&str, ParseError> {
    if bytes.len() > len_max {
        return Err(ParseError { at: len_max, kind: ParseErrorKind::TooLong });
    }
    let wrong =
        |error: Utf8Error| ParseError { at: error.valid_up_to(), kind: ParseErrorKind::Utf8 };
    std::str::from_utf8(bytes).map_err(wrong)
}

/// Scans from `"event_type"` up to the comma before `_prev_signature` (`in_line`) or to the end;
/// returns the range of the event type.
fn members(scan: &mut Scanner<'_, '_>, in_line: bool) -> Result<Range<usize>, ParseError> {
    scan.literal(b"\"event_type\":\"", "\"event_type\":\"")?;
    let event_type = event_type(scan)?;
    let end = if in_line {
        let Some(end) = scan.bytes.len().checked_sub(SUFFIX_BYTES) else {
            return scan.error(ParseErrorKind::Expected("two signatures at the end"));
        };
        end
    } else {
        scan.bytes.len()
    };
    let base = scan.state.count();
    while scan.at < end {
        scan.literal(b",", "a comma")?;
        let key_at = scan.at;
        let is_reserved = matches!(
            scan.key()?,
            b"seq" | b"timestamp" | b"event_type" | b"_prev_signature" | b"_signature"
        );
        if is_reserved {
            return Err(ParseError { at: key_at, kind: ParseErrorKind::ReservedKey });
        }
        scan.value(1)?;
    }
    if scan.at > end {
        scan.at = end;
        return scan.error(ParseErrorKind::Expected(",\"_prev_signature\":\""));
    }
    scan.state.close(scan.bytes, base)?;
    Ok(event_type)
}

fn event_type(scan: &mut Scanner<'_, '_>) -> Result<Range<usize>, ParseError> {
    let plain = |byte: &&u8| matches!(byte, 0x21..=0x7E) && !matches!(byte, b'"' | b'\\');
    let len = scan.rest().iter().take(EVENT_TYPE_BYTES_MAX + 1).take_while(plain).count();
    let text = scan.at..scan.at + len;
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

/// Parses signatures. In a log, the first signature of a line is the last one of the previous line, so it is
/// cached.
#[derive(Debug, Default)]
struct Signatures {
    last: Option<([u8; SIGNATURE_BYTES], Signature)>,
}

impl Signatures {
    /// The last 130 bytes of a line.
    fn suffix(&mut self, scan: &mut Scanner<'_, '_>) -> Result<(Signature, Signature), ParseError> {
        scan.literal(PREV_KEY, ",\"_prev_signature\":\"")?;
        let previous = self.take(scan)?;
        scan.literal(b"\"", "a quote")?;
        scan.literal(SIGNATURE_KEY, ",\"_signature\":\"")?;
        let own = self.take(scan)?;
        scan.literal(b"\"}", "a quote and the last brace")?;
        if scan.at != scan.bytes.len() {
            return scan.error(ParseErrorKind::Trailing);
        }
        Ok((previous, own))
    }

    fn take(&mut self, scan: &mut Scanner<'_, '_>) -> Result<Signature, ParseError> {
        let found = scan.rest().first_chunk().and_then(|text| match &self.last {
            Some((last, signature)) if last == text => Some(*signature),
            _ => parse_signature(text).map(|signature| self.last.insert((*text, signature)).1),
        });
        let Some(signature) = found else { return scan.error(ParseErrorKind::Signature) };
        scan.at += SIGNATURE_BYTES;
        Ok(signature)
    }
}

fn parse_signature(text: &[u8; SIGNATURE_BYTES]) -> Option<Signature> {
    let (prefix, digits) = text.split_first_chunk()?;
    let scheme = match prefix {
        b"m1:" => Scheme::Mac,
        b"h1:" => Scheme::Hash,
        _ => return None,
    };
    Some(Signature { scheme, hash: base64_array(Base64::Url, digits).ok()? })
}
