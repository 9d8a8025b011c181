//! The end of a text as whole blocks, so that the pass over the bytes needs no other way for it.
//!
//! Promises: copies at most 65 bytes, on the stack, without calling a function.

use super::byte_masks::VIEW;

/// The end of a text that is too short for a whole view, followed by filler.
///
/// After the end of a cut text the filler is digits: they belong to every class used for numbers and words.
pub(super) struct Tail {
    /// Where it starts: at a block.
    at: usize,
    bytes: [u8; Tail::BYTES],
}

impl Tail {
    /// Up to 65 bytes, then a block of filler, and the view's extra bytes.
    const BYTES: usize = 3 * 64 + 16;

    /// The tail of `input`, where blocks start at `from` and the last block requested is one past `to`.
    #[inline(always)]
    pub(super) fn of(input: &[u8], from: usize, to: usize, cut: bool) -> Tail {
        let mut bytes = [0; Tail::BYTES];
        if cut {
            bytes.fill(b'0');
        }
        let len = input.len().saturating_sub(from);
        let at = from + if len < VIEW { 0 } else { (len - VIEW) / 64 * 64 + 64 };
        if to + if cut { 64 } else { 0 } > at {
            copy_up_to_65(input.get(at..).unwrap_or_default(), &mut bytes);
        }
        Tail { at, bytes }
    }

    /// The view of the block at `at`, up to the one after the last.
    #[inline(always)]
    pub(super) fn view<'a>(&'a self, input: &'a [u8], at: usize) -> &'a [u8; VIEW] {
        if let Some(Some(view)) = input.get(at..).map(<[u8]>::first_chunk) {
            return view;
        }
        match self.bytes.get(at - self.at..).map(<[u8]>::first_chunk) {
            Some(Some(view)) => view,
            _ => &[0; VIEW],
        }
    }
}

/// Copies up to 65 bytes in pieces of fixed sizes, so that no function is called.
#[inline(always)]
fn copy_up_to_65(from: &[u8], to: &mut [u8; Tail::BYTES]) {
    #[inline(always)]
    fn ends<const N: usize>(from: &[u8], to: &mut [u8; Tail::BYTES]) {
        if let (Some(head), Some(end)) = (from.first_chunk::<N>(), from.last_chunk::<N>()) {
            let last = from.len() - N;
            to[..N].copy_from_slice(head);
            if let Some(to) = to.get_mut(last..last + N) {
                to.copy_from_slice(end);
            }
        }
    }
    match from.len() {
        64.. => {
            ends::<64>(from, to);
        }
        32.. => ends::<32>(from, to),
        16.. => ends::<16>(from, to),
        8.. => ends::<8>(from, to),
        4.. => ends::<4>(from, to),
        _ => from.iter().zip(to).for_each(|(from, to)| *to = *from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_holds_the_text_and_filler() {
        for len in 0..300usize {
            let input: Vec<u8> = (0..len).map(|i| i as u8 | 1).collect();
            let tail = Tail::of(&input, 0, len, false);
            for at in (0..len.next_multiple_of(64) + 1).step_by(64) {
                let view = tail.view(&input, at);
                for (i, byte) in view.iter().enumerate() {
                    assert_eq!(*byte, input.get(at + i).copied().unwrap_or(0), "{len} {at} {i}");
                }
            }
        }
    }
}
