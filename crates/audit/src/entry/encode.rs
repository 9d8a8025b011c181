//! Frames the JSON members of an event as a line to be signed.
use super::parse::Parser;
use super::time::put_timestamp;
use super::{PREV_KEY, ParseError, SIGNATURE_BYTES, SIGNATURE_KEY, Signature};

/// The members of an event, in canonical form: `"event_type":"user.login","actor":{…}`.
///
/// ```
/// use ringseal_audit::entry::{Body, Parser};
/// let mut parser = Parser::new();
/// assert!(Body::new(br#""event_type":"user.login","outcome":"success""#, &mut parser).is_ok());
/// let spaced = br#""event_type":"user.login", "outcome":"success""#;
/// assert_eq!(Body::new(spaced, &mut parser).unwrap_err().at, 26);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Body<'a> {
    members: &'a [u8],
}

impl<'a> Body<'a> {
    /// Checks with the parser that `members` are allowed in a line. Event types of control entries are
    /// rejected.
    pub fn new(members: &'a [u8], parser: &mut Parser) -> Result<Body<'a>, ParseError> {
        parser.body(members)?;
        Ok(Body { members })
    }

    /// Members from an encoder of this crate, which are canonical (its tests prove it).
    #[doc(hidden)]
    pub fn trusted(members: &'a [u8]) -> Body<'a> {
        Body { members }
    }

    /// The members.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.members
    }
}

/// Appends a line up to the end of `_prev_signature`: the text to be signed.
pub fn begin(out: &mut Vec<u8>, seq: u64, unix_nanos: i64, body: Body<'_>, previous: &Signature) {
    out.extend_from_slice(b"{\"seq\":");
    put_decimal(out, seq);
    out.extend_from_slice(b",\"timestamp\":\"");
    put_timestamp(unix_nanos, out);
    out.extend_from_slice(b"\",");
    out.extend_from_slice(body.members);
    out.extend_from_slice(PREV_KEY);
    put_signature(out, previous);
    out.push(b'"');
}

/// Appends the signature and the end of the line, with the newline.
pub fn finish(out: &mut Vec<u8>, signature: &Signature) {
    out.extend_from_slice(SIGNATURE_KEY);
    put_signature(out, signature);
    out.extend_from_slice(b"\"}\n");
}

/// Runs twice per entry, so the vector is extended only once.
fn put_signature(out: &mut Vec<u8>, signature: &Signature) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digit = |bits: u32, shift: u32| DIGITS[(bits >> shift & 63) as usize];
    let mut text = [0; SIGNATURE_BYTES];
    text[..3].copy_from_slice(signature.scheme.prefix().as_bytes());
    let (threes, rest) = signature.hash.as_chunks::<3>();
    for ([a, b, c], four) in threes.iter().zip(text[3..].as_chunks_mut::<4>().0) {
        let bits = u32::from_be_bytes([0, *a, *b, *c]);
        *four = [digit(bits, 18), digit(bits, 12), digit(bits, 6), digit(bits, 0)];
    }
    if let [a, b] = rest {
        let bits = u32::from_be_bytes([0, *a, *b, 0]);
        text[43..].copy_from_slice(&[digit(bits, 18), digit(bits, 12), digit(bits, 6)]);
    }
    out.extend_from_slice(&text);
}

pub(super) fn put_decimal(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}
