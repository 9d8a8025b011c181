//! The rate at which an event was sampled: at the end of its record, for its line.
//!
//! Promises: reads only. A record that says it has a rate and has none is an error like any other that cannot be read.
use crate::core::record::Header;
use crate::core::value::{ReadError, ValueRef};

/// Bytes of a double and its tag.
const RATE_BYTES: usize = 9;

/// The values without the rate, and the rate.
#[inline]
pub(super) fn split_rate<'p>(
    header: &Header,
    payload: &'p [u8],
) -> Result<(&'p [u8], Option<f64>), ReadError> {
    if header.has_rate { split(payload) } else { Ok((payload, None)) }
}

#[cold]
fn split(payload: &[u8]) -> Result<(&[u8], Option<f64>), ReadError> {
    let short = ReadError::Short { expected: RATE_BYTES, found: payload.len() };
    let at = payload.len().checked_sub(RATE_BYTES).ok_or(short)?;
    let (values, mut last) = payload.split_at(at);
    let tag = last.first().copied().unwrap_or_default();
    match ValueRef::read(&mut last)? {
        ValueRef::F64(rate) => Ok((values, Some(rate))),
        _ => Err(ReadError::Tag(tag)),
    }
}
