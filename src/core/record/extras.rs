//! The parts of an event's record after its values: the rate at which it was sampled, and its correlation.
//!
//! Promises: allocates nothing. A missing part, where its flag is set, is a typed error.
use super::Header;
use crate::core::correlation::CORRELATION_BYTES;
use ringseal_base::value::put::put_fixed;
use ringseal_base::value::{ReadError, ValueRef, tag};

/// Bytes of a rate: its tag and a double.
pub(crate) const RATE_BYTES: usize = 9;

/// Writes a rate into the first [`RATE_BYTES`] of `bytes`.
#[inline]
pub(crate) fn put_rate(bytes: &mut [u8], rate: f64) {
    put_fixed(bytes, tag::F64, rate.to_le_bytes());
}

/// The parts after the values.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Extras<'p> {
    /// The share of such events that is kept, if not all are.
    pub sample_rate: Option<f64>,
    /// The bytes of the correlation.
    pub correlation: Option<&'p [u8; CORRELATION_BYTES]>,
}

/// Splits the payload of an event into the values and what follows them.
#[inline]
pub fn split_extras<'p>(
    header: &Header,
    payload: &'p [u8],
) -> Result<(&'p [u8], Extras<'p>), ReadError> {
    // One test for the usual event, which has neither.
    if header.extras.any() { split(header, payload) } else { Ok((payload, Extras::default())) }
}

#[inline(never)]
fn split<'p>(header: &Header, mut payload: &'p [u8]) -> Result<(&'p [u8], Extras<'p>), ReadError> {
    let mut extras = Extras::default();
    if header.extras.has_correlation() {
        let short = ReadError::Short { expected: CORRELATION_BYTES, found: payload.len() };
        let (before, correlation) = payload.split_last_chunk().ok_or(short)?;
        (payload, extras.correlation) = (before, Some(correlation));
    }
    if header.extras.has_rate() {
        let (before, rate) = split_rate(payload)?;
        (payload, extras.sample_rate) = (before, Some(rate));
    }
    Ok((payload, extras))
}

fn split_rate(payload: &[u8]) -> Result<(&[u8], f64), ReadError> {
    let short = ReadError::Short { expected: RATE_BYTES, found: payload.len() };
    let at = payload.len().checked_sub(RATE_BYTES).ok_or(short)?;
    let (values, mut last) = payload.split_at(at);
    let tag = last.first().copied().unwrap_or_default();
    match ValueRef::read(&mut last)? {
        ValueRef::F64(rate) => Ok((values, rate)),
        _ => Err(ReadError::Tag(tag)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::level::Level;
    use crate::core::record::{ExtraFlags, Kind};

    fn header(has_rate: bool, has_correlation: bool) -> Header {
        let extras = ExtraFlags::new(has_rate, has_correlation);
        Header { extras, ..Header::new(Kind::Event, Level::Info) }
    }

    fn extras(rate: Option<f64>, correlation: Option<&[u8; 32]>) -> Extras<'_> {
        Extras { sample_rate: rate, correlation }
    }

    #[test]
    fn a_malformed_rate_is_an_error() {
        let rate = |tag: u8| [&[tag][..], &0.25_f64.to_le_bytes()].concat();
        let whole = [&b"values"[..], &rate(tag::F64)].concat();
        assert_eq!(
            split_extras(&header(false, false), &whole),
            Ok((&whole[..], extras(None, None)))
        );
        fn split(payload: &[u8]) -> Result<(&[u8], Extras<'_>), ReadError> {
            split_extras(&header(true, false), payload)
        }
        let quarter = extras(Some(0.25), None);
        assert_eq!(split(&whole), Ok((&b"values"[..], quarter)));
        let mut put = [0; RATE_BYTES];
        put_rate(&mut put, 0.25);
        assert_eq!(put[..], rate(tag::F64));
        let alone = rate(tag::F64);
        assert_eq!(split(&alone), Ok((&b""[..], quarter)));
        for short in 0..9 {
            let error = ReadError::Short { expected: 9, found: short };
            assert_eq!(split(&alone[..short]), Err(error));
        }
        assert_eq!(split(&rate(tag::U64)), Err(ReadError::Tag(tag::U64)));
        assert_eq!(split(&rate(200)), Err(ReadError::Tag(200)));
    }

    #[test]
    fn a_correlation_follows_values_and_rate() {
        let ids: [u8; 32] = std::array::from_fn(|at| at as u8);
        let mut rate = [0; RATE_BYTES];
        put_rate(&mut rate, 0.5);
        let both = [&b"values"[..], &rate, &ids].concat();
        for (has_rate, payload, sample_rate) in
            [(true, &both[..], Some(0.5)), (false, &[&b"values"[..], &ids].concat(), None)]
        {
            let expected = Ok((&b"values"[..], extras(sample_rate, Some(&ids))));
            assert_eq!(split_extras(&header(has_rate, true), payload), expected);
        }
        for short in 0..32 {
            let error = ReadError::Short { expected: 32, found: short };
            assert_eq!(split_extras(&header(true, true), &ids[..short]), Err(error));
        }
        let error = ReadError::Short { expected: 9, found: 0 };
        assert_eq!(split_extras(&header(true, true), &ids), Err(error));
    }
}
