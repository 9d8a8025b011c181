//! The walk over the digits of a number and the separators between them.
//!
//! Promises: reads at most [`DIGITS_MAX`] digits and three bytes between two of them; allocates nothing.

use crate::bytes::at;

/// Most digits of a number.
pub(crate) const DIGITS_MAX: usize = 20;

/// Most bytes between two digits.
const GAP_BYTES_MAX: usize = 3;

/// A separator, and a number's way of writing separators: all spaces are a space, all dashes a dash, and parentheses
/// without any other separator are `(`.
pub(crate) type Sign = u8;

/// Added to a sign if there is a parenthesis, too.
const PAREN: u8 = 0x80;

/// Where a number may end, its digits up to there, and how they are grouped.
#[derive(Clone, Copy)]
pub(crate) struct Walk {
    start: usize,
    digits: [u8; DIGITS_MAX],
    /// After each digit, the distance of the position after it from the start.
    ends: [u8; DIGITS_MAX],
    /// After each digit, the separator before the next one, or 0.
    signs: [u8; DIGITS_MAX],
    /// The number of digits walked over.
    pub(crate) count: usize,
}

impl Walk {
    /// Walks over digits from `pos`, with at most one separator and one parenthesis of each kind between two digits.
    pub(crate) fn from(input: &[u8], pos: usize) -> Walk {
        let (digits, ends, signs) = ([0; DIGITS_MAX], [0; DIGITS_MAX], [0; DIGITS_MAX]);
        let mut walk = Walk { start: pos, digits, ends, signs, count: 0 };
        let rest = input.get(pos..).unwrap_or_default();
        let mut i = 0;
        while walk.count < DIGITS_MAX
            && let Some(digit @ b'0'..=b'9') = rest.get(i)
        {
            i += 1;
            walk.digits[walk.count] = *digit;
            // Twenty digits with gaps of three bytes are 77 bytes.
            walk.ends[walk.count] = i as u8;
            if !at(rest, i).is_ascii_digit() {
                (i, walk.signs[walk.count]) = skip_gap(rest, i);
            }
            walk.count += 1;
        }
        walk
    }

    /// The same walk, ended before the first separator that is not in `allowed`. Parentheses are allowed if `(` is.
    pub(crate) fn within(&self, allowed: &[Sign]) -> Walk {
        let is_allowed = |sign: u8| {
            let other = sign & !PAREN;
            (sign < PAREN || allowed.contains(&b'(')) && (other == 0 || allowed.contains(&other))
        };
        let gaps = &self.signs[..self.count.saturating_sub(1)];
        let count = gaps.iter().position(|sign| !is_allowed(*sign)).map_or(self.count, |i| i + 1);
        Walk { count, ..*self }
    }

    /// The position of the first digit.
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    /// The position after the digit number `count`, counted from one.
    pub(crate) fn end(&self, count: usize) -> usize {
        self.start + usize::from(self.ends[count - 1])
    }

    /// The first `count` digits.
    pub(crate) fn digits(&self, count: usize) -> &[u8] {
        &self.digits[..count]
    }

    /// Whether no separator lies between the first `count` digits.
    pub(crate) fn is_bare(&self, count: usize) -> bool {
        usize::from(self.ends[count - 1]) == count
    }

    /// Whether a parenthesis lies between the first `count` digits.
    pub(crate) fn has_paren(&self, count: usize) -> bool {
        self.signs[..count - 1].iter().any(|sign| *sign >= PAREN)
    }

    /// The groups of the first `count` digits.
    pub(crate) fn groups(&self, count: usize) -> Groups {
        let mut groups = Groups { lens: [0; GROUPS_MAX], used: 0, signs: [0; GROUPS_MAX] };
        let mut len = 0;
        for i in 0..count {
            len += 1;
            let sign = if i + 1 == count { 0 } else { self.signs[i] };
            if sign != 0 || i + 1 == count {
                if groups.used == GROUPS_MAX {
                    return Groups { used: 0, ..groups };
                }
                let sign = if sign == PAREN { b'(' } else { sign & !PAREN };
                (groups.lens[groups.used], groups.signs[groups.used]) = (len, sign);
                groups.used += 1;
                len = 0;
            }
        }
        groups
    }
}

/// Most groups of a number.
const GROUPS_MAX: usize = 8;

/// The groups of digits of a number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Groups {
    lens: [u8; GROUPS_MAX],
    used: usize,
    signs: [Sign; GROUPS_MAX],
}

impl Groups {
    /// The number of digits of each group; empty if there are too many groups.
    pub(crate) fn lens(&self) -> &[u8] {
        &self.lens[..self.used]
    }

    /// The separators between the groups.
    pub(crate) fn signs(&self) -> &[Sign] {
        &self.signs[..self.used.saturating_sub(1)]
    }

    /// The only sign between the groups, or 0 if there is none or more than one kind.
    pub(crate) fn sign(&self) -> Sign {
        match self.signs() {
            [first, rest @ ..] if rest.iter().all(|sign| sign == first) => *first,
            _ => 0,
        }
    }
}

/// Skips `)`, one separator and `(`, if a digit follows: the next position and the sign.
#[inline(never)]
fn skip_gap(input: &[u8], pos: usize) -> (usize, u8) {
    let mut j = pos + usize::from(at(input, pos) == b')');
    let (len, sign) = separator(input, j);
    j += len;
    j += usize::from(at(input, j) == b'(');
    if !at(input, j).is_ascii_digit() || j - pos > GAP_BYTES_MAX {
        return (pos, 0);
    }
    (j, if j - pos > len { sign | PAREN } else { sign })
}

/// The separator at `pos`: its length and its sign.
pub(crate) fn separator(input: &[u8], pos: usize) -> (usize, Sign) {
    let rest = input.get(pos..).unwrap_or_default();
    match *rest {
        [b' ', b' ', ..] => (2, b' '),
        [b' ', sign @ (b'-' | b'/'), b' ', ..] => (3, sign),
        [sign @ (b' ' | b'-' | b'.' | b'/' | b'\t'), ..] => (1, sign),
        [0xC2, 0xA0, ..] => (2, b' '),
        [0xC2, 0xAD, ..] => (2, b'-'),
        [0xE2, 0x80, 0x80..=0x8A | 0xAF, ..] | [0xE2, 0x81, 0x9F, ..] | [0xE3, 0x80, 0x80, ..] => {
            (3, b' ')
        }
        [0xE2, 0x80, 0x90..=0x95, ..] | [0xE2, 0x88, 0x92, ..] | [0xEF, 0xBC, 0x8D, ..] => {
            (3, b'-')
        }
        [0xEF, 0xBC, 0x8E, ..] => (3, b'.'),
        _ => (0, 0),
    }
}
