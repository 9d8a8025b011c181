//! The rate at which an event was sampled: a double at the end of its record.
//!
//! Promises: allocates nothing. A missing rate, where the flag is set, is a typed error.
use super::Header;
use ringseal_base::value::put::put_fixed;
use ringseal_base::value::{ReadError, ValueRef, tag};

/// Bytes of a rate: its tag and a double.
pub(crate) const RATE_BYTES: usize = 9;

/// Writes a rate into the first [`RATE_BYTES`] of `bytes`.
#[inline]
pub(crate) fn put_rate(bytes: &mut [u8], rate: f64) {
    put_fixed(bytes, tag::F64, rate.to_le_bytes());
}

/// Splits the payload into the values and the rate.
#[inline]
pub(crate) fn split_rate<'p>(
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::level::Level;
    use crate::core::record::Kind;

    #[test]
    fn a_malformed_rate_is_an_error() {
        let rate = |tag: u8| [&[tag][..], &0.25_f64.to_le_bytes()].concat();
        let f64_tag = ringseal_base::value::tag::F64;
        let header = |has_rate| Header {
            kind: Kind::Event,
            level: Level::Info,
            is_cut: false,
            has_stack: false,
            has_rate,
            callsite: 1,
            context: 0,
            ticks: 1,
        };
        let whole = [&b"values"[..], &rate(f64_tag)].concat();
        assert_eq!(split_rate(&header(false), &whole), Ok((&whole[..], None)));
        assert_eq!(split_rate(&header(true), &whole), Ok((&b"values"[..], Some(0.25))));
        let mut put = [0; RATE_BYTES];
        put_rate(&mut put, 0.25);
        assert_eq!(put[..], rate(f64_tag));
        let alone = rate(f64_tag);
        assert_eq!(split_rate(&header(true), &alone), Ok((&b""[..], Some(0.25))));
        for short in 0..9 {
            let error = ReadError::Short { expected: 9, found: short };
            assert_eq!(split_rate(&header(true), &alone[..short]), Err(error));
        }
        let u64_tag = ringseal_base::value::tag::U64;
        assert_eq!(split_rate(&header(true), &rate(u64_tag)), Err(ReadError::Tag(u64_tag)));
        assert_eq!(split_rate(&header(true), &rate(200)), Err(ReadError::Tag(200)));
    }
}
