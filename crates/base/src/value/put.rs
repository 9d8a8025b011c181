//! Writes plain values to the front of granted bytes. The state is in registers, nothing is truncated, and each
//! function returns the remaining bytes.
//!
//! The caller measures first ([`Value::plain_bytes`](super::Value::plain_bytes),
//! [`Value::text_bytes`](super::Value::text_bytes)). If the bytes are too few for a value, an empty rest is returned
//! that is not the end of the caller's bytes.
use super::tag;

/// Writes a tag and a payload of constant length.
#[inline(always)]
pub fn put_fixed<const N: usize>(out: &mut [u8], tag: u8, payload: [u8; N]) -> &mut [u8] {
    match out.split_at_mut_checked(1 + N) {
        Some((bytes, rest)) => {
            bytes[0] = tag;
            bytes[1..].copy_from_slice(&payload);
            rest
        }
        None => &mut [],
    }
}

/// Writes a text.
#[inline(always)]
pub fn put_text<'b>(out: &'b mut [u8], text: &[u8]) -> &'b mut [u8] {
    let Some((head, rest)) = out.split_first_chunk_mut::<5>() else { return &mut [] };
    match rest.split_at_mut_checked(text.len()) {
        Some((bytes, rest)) => {
            head[0] = tag::STR;
            head[1..].copy_from_slice(&(text.len() as u32).to_le_bytes());
            copy_short(bytes, text);
            rest
        }
        None => &mut [],
    }
}

/// Writes bytes unchanged.
#[inline(always)]
pub fn put_bytes<'b>(out: &'b mut [u8], bytes: &[u8]) -> &'b mut [u8] {
    match out.split_at_mut_checked(bytes.len()) {
        Some((front, rest)) => {
            copy_short(front, bytes);
            rest
        }
        None => &mut [],
    }
}

/// Writes a map's key, of 65,535 bytes at most; its value follows.
#[inline(always)]
pub fn put_key<'b>(out: &'b mut [u8], key: &str) -> &'b mut [u8] {
    put_bytes(put_bytes(out, &(key.len() as u16).to_le_bytes()), key.as_bytes())
}

/// Writes a container of the values that `put` writes.
#[inline(always)]
pub fn put_container<'b>(
    out: &'b mut [u8],
    tag: u8,
    put: impl FnOnce(&'b mut [u8]) -> &'b mut [u8],
) -> &'b mut [u8] {
    let Some((frame, rest)) = out.split_first_chunk_mut::<5>() else { return &mut [] };
    let room = rest.len();
    let rest = put(rest);
    frame[0] = tag;
    frame[1..].copy_from_slice(&(room.saturating_sub(rest.len()) as u32).to_le_bytes());
    rest
}

/// Copies strings of common lengths without a call, as two overlapping blocks.
#[inline(always)]
pub fn copy_short(to: &mut [u8], from: &[u8]) {
    /// Copies the first and the last `N` bytes of `from`; together they cover up to `2 * N` bytes.
    #[inline(always)]
    fn ends<const N: usize>(to: &mut [u8], from: &[u8]) -> bool {
        let (Some(first), Some(last)) = (from.first_chunk::<N>(), from.last_chunk::<N>()) else {
            return false;
        };
        if let Some(slot) = to.first_chunk_mut::<N>() {
            *slot = *first;
        }
        if let Some(slot) = to.last_chunk_mut::<N>() {
            *slot = *last;
        }
        true
    }
    let len = from.len();
    let done = if len <= 16 {
        if len >= 8 {
            ends::<8>(to, from)
        } else if len >= 4 {
            ends::<4>(to, from)
        } else {
            if let (Some(first), Some(last)) = (from.first(), from.last()) {
                to[0] = *first;
                to[len / 2] = from[len / 2];
                to[len - 1] = *last;
            }
            true
        }
    } else {
        len <= 32 && ends::<16>(to, from)
    };
    if !done {
        to.copy_from_slice(from);
    }
}
