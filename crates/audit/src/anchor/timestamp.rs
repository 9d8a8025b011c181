//! Requests and responses of RFC 3161.
use super::der::{
    BOOLEAN, Der, INTEGER, NULL, OCTETS, OID, SEQUENCE, SET, TIME, UTF8, context, put, put_unsigned,
};
use super::{TimestampError, imprint};
use crate::entry::parse_timestamp;
use ringseal_base::digest::Hash;

/// 2.16.840.1.101.3.4.2.1
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
/// 1.2.840.113549.1.7.2
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// 1.2.840.113549.1.9.16.1.4
const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];

/// A `TimeStampReq`: asks for a stamp on a checkpoint, with the authority's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimestampRequest {
    /// SHA-256 of the checkpoint's text.
    pub imprint: Hash,
    /// Random; ties the response to this request.
    pub nonce: [u8; 8],
}

impl TimestampRequest {
    /// A request for the checkpoint with this text ([`Note::text`](crate::note::Note::text)).
    pub fn new(checkpoint_text: &str, nonce: [u8; 8]) -> TimestampRequest {
        TimestampRequest { imprint: imprint(checkpoint_text), nonce }
    }

    /// The body of a POST with `Content-Type: application/timestamp-query`.
    pub fn to_der(&self) -> Vec<u8> {
        let mut algorithm = Vec::new();
        put(&mut algorithm, OID, SHA256);
        put(&mut algorithm, NULL, &[]);
        let mut message = Vec::new();
        put(&mut message, SEQUENCE, &algorithm);
        put(&mut message, OCTETS, &self.imprint);
        let mut request = Vec::new();
        put(&mut request, INTEGER, &[1]);
        put(&mut request, SEQUENCE, &message);
        put_unsigned(&mut request, &self.nonce);
        put(&mut request, BOOLEAN, &[0xff]);
        let mut whole = Vec::new();
        put(&mut whole, SEQUENCE, &request);
        whole
    }

    /// Reads a request as [`TimestampRequest::to_der`] writes it.
    pub fn parse(der: &[u8]) -> Result<TimestampRequest, TimestampError> {
        let mut whole = Der::new(der);
        let mut request = whole.take(SEQUENCE, "a TimeStampReq")?;
        whole.end()?;
        version(&mut request)?;
        let imprint = take_imprint(&mut request)?;
        let before = request;
        let digits = request.unsigned("a nonce")?;
        let mut nonce = [0; 8];
        let Some(place) = nonce.len().checked_sub(digits.len()) else {
            return before.error("a nonce of 8 bytes");
        };
        nonce[place..].copy_from_slice(digits);
        if request.take(BOOLEAN, "certReq")?.bytes() != [0xff] {
            return request.error("a request for the certificate");
        }
        request.end()?;
        Ok(TimestampRequest { imprint, nonce })
    }
}

/// A stamp by an authority. Its signature is not checked here: see the module.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timestamp {
    /// The stamped SHA-256.
    pub imprint: Hash,
    /// The time by the authority's clock, nanoseconds since 1970.
    pub unix_nanos: i64,
    /// The stamp's number, big-endian.
    pub serial: Vec<u8>,
    /// The request's nonce, big-endian without leading zeros; `None` if the stamp has none.
    pub nonce: Option<Vec<u8>>,
}

impl Timestamp {
    /// Reads a `TimeStampResp`, or the token in it alone.
    pub fn parse(der: &[u8]) -> Result<Timestamp, TimestampError> {
        let mut whole = Der::new(der);
        let start = whole;
        let mut outer = whole.take(SEQUENCE, "a TimeStampResp")?;
        whole.end()?;
        if outer.tag() == Some(OID) {
            return token(&mut { start });
        }
        status(&mut outer)?;
        let stamp = token(&mut outer)?;
        outer.end()?;
        Ok(stamp)
    }

    /// Checks that the stamp is for the checkpoint with this text, and answers the request, if given.
    pub fn check(
        &self,
        checkpoint_text: &str,
        request: Option<&TimestampRequest>,
    ) -> Result<(), TimestampError> {
        let expected = imprint(checkpoint_text);
        if self.imprint != expected {
            return Err(TimestampError::Imprint { expected, found: self.imprint });
        }
        request.map_or(Ok(()), |request| self.check_answers(request))
    }

    /// Checks that the stamp answers this request.
    pub fn check_answers(&self, request: &TimestampRequest) -> Result<(), TimestampError> {
        if self.imprint != request.imprint {
            let (expected, found) = (request.imprint, self.imprint);
            return Err(TimestampError::Imprint { expected, found });
        }
        let zeros = request.nonce.iter().take_while(|digit| **digit == 0).count();
        if self.nonce.as_deref() != request.nonce.get(zeros..) {
            let found = self.nonce.clone().unwrap_or_default();
            return Err(TimestampError::Nonce { expected: request.nonce, found });
        }
        Ok(())
    }
}

fn version(of: &mut Der<'_>) -> Result<(), TimestampError> {
    let before = *of;
    if of.small("version 1")? == 1 { Ok(()) } else { before.error("version 1") }
}

/// `PKIStatusInfo`: 0 is granted, 1 granted with changes.
fn status(response: &mut Der<'_>) -> Result<(), TimestampError> {
    let mut info = response.take(SEQUENCE, "a PKIStatusInfo")?;
    let status = info.small("a status")?;
    let mut said = String::new();
    if let Some(mut texts) = info.take_if(SEQUENCE)? {
        while !texts.is_empty() {
            let text = texts.take(UTF8, "a text")?;
            said.push_str(&String::from_utf8_lossy(text.bytes()));
        }
    }
    if status > 1 {
        return Err(TimestampError::Refused { status, text: said });
    }
    Ok(())
}

/// `ContentInfo` with `SignedData` with `TSTInfo`.
fn token(from: &mut Der<'_>) -> Result<Timestamp, TimestampError> {
    let mut info = from.take(SEQUENCE, "a timestamp token")?;
    oid(&mut info, SIGNED_DATA, "the type of signed data")?;
    let mut explicit = info.take(context(0), "signed data")?;
    info.end()?;
    let mut signed = explicit.take(SEQUENCE, "signed data")?;
    explicit.end()?;
    signed.small("a version of signed data")?;
    signed.take(SET, "digest algorithms")?;
    let mut content = signed.take(SEQUENCE, "the signed content")?;
    oid(&mut content, TST_INFO, "the type of a TSTInfo")?;
    let mut explicit = content.take(context(0), "a TSTInfo")?;
    content.end()?;
    let mut octets = explicit.take(OCTETS, "the bytes of a TSTInfo")?;
    explicit.end()?;
    let stamp = tst_info(&mut octets)?;
    octets.end()?;
    // Certificates, revocations, then the signers: at least one.
    while matches!(signed.tag(), Some(tag) if tag == context(0) || tag == context(1)) {
        signed.skip()?;
    }
    let signers = signed.take(SET, "signers")?;
    if signers.is_empty() {
        return signers.error("a signer");
    }
    signed.end()?;
    Ok(stamp)
}

fn tst_info(from: &mut Der<'_>) -> Result<Timestamp, TimestampError> {
    let mut info = from.take(SEQUENCE, "a TSTInfo")?;
    version(&mut info)?;
    info.take(OID, "a policy")?;
    let imprint = take_imprint(&mut info)?;
    let serial = info.unsigned("a serial number")?.to_vec();
    let time = info.take(TIME, "a time")?;
    let Some(unix_nanos) = time_of(time.bytes()) else {
        return time.error("a time as YYYYMMDDhhmmss[.s]Z");
    };
    info.take_if(SEQUENCE)?;
    if let Some(ordering) = info.take_if(BOOLEAN)?
        && ordering.bytes() != [0xff]
    {
        return ordering.error("true, or no ordering");
    }
    let nonce = match info.tag() {
        Some(INTEGER) => Some(info.unsigned("a nonce")?.to_vec()),
        _ => None,
    };
    info.take_if(context(0))?;
    info.take_if(context(1))?;
    info.end()?;
    Ok(Timestamp { imprint, unix_nanos, serial, nonce })
}

fn oid(from: &mut Der<'_>, expected: &[u8], what: &'static str) -> Result<(), TimestampError> {
    let found = from.take(OID, what)?;
    if found.bytes() == expected { Ok(()) } else { found.error(what) }
}

fn take_imprint(from: &mut Der<'_>) -> Result<Hash, TimestampError> {
    let mut message = from.take(SEQUENCE, "a message imprint")?;
    let mut algorithm = message.take(SEQUENCE, "a hash algorithm")?;
    oid(&mut algorithm, SHA256, "SHA-256")?;
    if let Some(parameters) = algorithm.take_if(NULL)? {
        parameters.end()?;
    }
    algorithm.end()?;
    let hash = message.take(OCTETS, "a hash")?;
    message.end()?;
    match Hash::try_from(hash.bytes()) {
        Ok(hash) => Ok(hash),
        Err(_) => hash.error("32 bytes"),
    }
}

/// `YYYYMMDDhhmmss`, optionally a fraction without trailing zeros, then `Z`.
fn time_of(text: &[u8]) -> Option<i64> {
    let text = str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = match text.split_once('.') {
        Some((_, "")) => return None,
        Some((_, fraction)) if fraction.ends_with('0') || fraction.len() > 9 => return None,
        Some((whole, fraction)) => (whole, fraction),
        None => (text, ""),
    };
    if whole.len() != 14 || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = |range: std::ops::Range<usize>| whole.get(range).unwrap_or_default();
    let (year, month, day) = (part(0..4), part(4..6), part(6..8));
    let (hour, minute, second) = (part(8..10), part(10..12), part(12..14));
    let line = format!("{year}-{month}-{day}T{hour}:{minute}:{second}.{fraction:0<9}Z");
    parse_timestamp(line.as_bytes())
}
