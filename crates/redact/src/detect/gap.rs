//! What may lie between a key, its sign and its value without separating them: colours, invisible characters, spaces.
//!
//! Reads at most a few dozen bytes, and allocates nothing.

use crate::bytes::{ByteSet, at, before};

/// The longest colour sequence that is skipped.
const COLOUR_BYTES_MAX: usize = 24;
/// The most colours and invisible characters in a row.
const DECORATIONS_MAX: usize = 8;
/// The most spaces between a key and its sign, or a sign and its value.
const BLANKS_MAX: usize = 64;
const PARAMETERS: ByteSet = ByteSet::of(b"0-?");
const BLANK: ByteSet = ByteSet::of(b" \t");

/// The ways in which the escape character is written, each with the bracket after it.
const INTRODUCERS: [&[u8]; 7] =
    [b"\x1b[", b"\\u001b[", b"\\u001B[", b"\\x1b[", b"\\x1B[", b"\\033[", b"\\e["];

/// The length of the colours and invisible characters at `pos`.
#[inline]
pub(super) fn decoration(input: &[u8], pos: usize) -> usize {
    if !matches!(at(input, pos), 0x1B | b'\\' | 0xC2 | 0xE2 | 0xEF) {
        return 0;
    }
    let mut end = pos;
    for _ in 0..DECORATIONS_MAX {
        let len = colour(input, end).max(invisible(input, end));
        if len == 0 {
            break;
        }
        end += len;
    }
    end - pos
}

/// The length of the colour sequence at `pos`, or 0.
fn colour(input: &[u8], pos: usize) -> usize {
    let rest = input.get(pos..).unwrap_or_default();
    let Some(opening) = INTRODUCERS.iter().find(|opening| rest.starts_with(opening)) else {
        return 0;
    };
    let end = opening.len() + PARAMETERS.run(rest, opening.len(), COLOUR_BYTES_MAX);
    if matches!(at(rest, end), b'm' | b'K') { end + 1 } else { 0 }
}

/// How far the end of a colour sequence reaches into the word at `start`: `32m` of `\x1b[32mpassword`.
pub(super) fn colour_rest(input: &[u8], start: usize) -> usize {
    if !matches!(before(input, start), b'[' | b';') {
        return 0;
    }
    let digits = ByteSet::of(b"0-9").run(input, start, 3);
    let open = start - PARAMETERS.run_back(input, start, COLOUR_BYTES_MAX);
    let coloured = INTRODUCERS.iter().any(|opening| input[..open].ends_with(opening));
    if coloured && matches!(at(input, start + digits), b'm' | b'K') { digits + 1 } else { 0 }
}

/// The length of the invisible character at `pos`, or 0: zero-width spaces and joiners, marks of direction, the soft
/// hyphen, the byte order mark.
pub(super) fn invisible(input: &[u8], pos: usize) -> usize {
    match input.get(pos..).unwrap_or_default() {
        [0xC2, 0xAD, ..] => 2,
        [0xE2, 0x80, 0x8B..=0x8F | 0xAA..=0xAE, ..] | [0xE2, 0x81, 0xA0..=0xA4, ..] => 3,
        [0xEF, 0xBB, 0xBF, ..] => 3,
        _ => 0,
    }
}

/// The length of the spaces at `pos`, with colours and invisible characters between them.
#[inline]
pub(super) fn spaces(input: &[u8], pos: usize) -> usize {
    let mut end = pos;
    loop {
        let blanks = BLANK.run(input, end, BLANKS_MAX);
        let rest = input.get(end + blanks..).unwrap_or_default();
        let wide = 2 * usize::from(rest.starts_with(&[0xC2, 0xA0]));
        let len = blanks + wide + decoration(input, end + blanks + wide);
        end += len;
        if len == 0 || end - pos > BLANKS_MAX {
            return end - pos;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_spaces_are_measured() {
        let rows: [(&[u8], usize, usize); 9] = [
            (b"x", 0, 0),
            (b"\x1b[0mx", 4, 4),
            (b"\x1b[38;5;208m\x1b[1mx", 15, 15),
            (b"\\u001b[0mx", 9, 9),
            (b"\\nx", 0, 0),
            ("\u{200b}\u{feff}x".as_bytes(), 6, 6),
            (b"  \x1b[0m\tx", 0, 7),
            ("\u{a0} x".as_bytes(), 0, 3),
            (b"\x1b[2Jx", 0, 0),
        ];
        for (text, marks, all) in rows {
            assert_eq!((decoration(text, 0), spaces(text, 0)), (marks, all), "{text:?}");
        }
        assert_eq!(spaces(b"", 0), 0);
    }
}
