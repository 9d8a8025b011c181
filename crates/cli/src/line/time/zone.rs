//! Reads zones: offsets and the abbreviations in common use.
use super::cursor::Cursor;

/// Abbreviations and their seconds east of UTC. Ambiguous ones have the meaning that mail and logs use most.
const ZONES: [(&[u8], i32); 39] = [
    (b"Z", 0),
    (b"UTC", 0),
    (b"GMT", 0),
    (b"UT", 0),
    (b"WET", 0),
    (b"WEST", 60),
    (b"BST", 60),
    (b"CET", 60),
    (b"MET", 60),
    (b"CEST", 120),
    (b"MEST", 120),
    (b"EET", 120),
    (b"SAST", 120),
    (b"EEST", 180),
    (b"MSK", 180),
    (b"EAT", 180),
    (b"GST", 240),
    (b"PKT", 300),
    (b"IST", 330),
    (b"WIB", 420),
    (b"ICT", 420),
    (b"SGT", 480),
    (b"HKT", 480),
    (b"AWST", 480),
    (b"JST", 540),
    (b"KST", 540),
    (b"ACST", 570),
    (b"AEST", 600),
    (b"AEDT", 660),
    (b"NZST", 720),
    (b"NZDT", 780),
    (b"BRT", -180),
    (b"EDT", -240),
    (b"EST", -300),
    (b"CDT", -300),
    (b"CST", -360),
    (b"MDT", -360),
    (b"MST", -420),
    (b"PDT", -420),
];
const ZONES_WEST: [(&[u8], i32); 4] =
    [(b"PST", -480), (b"AKDT", -480), (b"AKST", -540), (b"HST", -600)];

/// Reads a zone, if one follows: seconds east of UTC. Reads nothing if what follows is not a zone.
pub(super) fn read(cursor: &mut Cursor<'_>) -> i64 {
    let mut ahead = cursor.clone();
    let is_spaced = ahead.spaces().is_some();
    let seconds = offset(&mut ahead, is_spaced).or_else(|| abbreviation(&mut ahead));
    let Some(seconds) = seconds else { return 0 };
    skip_name(&mut ahead);
    *cursor = ahead;
    seconds
}

/// `+03:00`, `+0300`, `+03`; after a space, only forms with minutes.
fn offset(cursor: &mut Cursor<'_>, is_spaced: bool) -> Option<i64> {
    let mut ahead = cursor.clone();
    let sign = if ahead.one_of(b"+-")? == b'+' { 1 } else { -1 };
    let hours = ahead.digits(2)?;
    let has_colon = ahead.one_of(b":").is_some();
    let minutes = match ahead.digits(2) {
        Some(minutes) => minutes,
        None if has_colon || is_spaced => return None,
        None => 0,
    };
    let is_end = !ahead.peek().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if !is_end || hours > 23 || minutes > 59 {
        return None;
    }
    *cursor = ahead;
    Some(sign * (hours * 3600 + minutes * 60))
}

fn abbreviation(cursor: &mut Cursor<'_>) -> Option<i64> {
    let mut ahead = cursor.clone();
    let word = ahead.word();
    let known = ZONES.iter().chain(&ZONES_WEST);
    let mut known = known.filter(|(name, _)| word == *name || *name == b"Z" && word == b"z");
    let minutes = known.next()?.1;
    // `UTC+2`, `GMT+0200`
    let more = match ahead.peek() {
        Some(b'+' | b'-') if minutes == 0 && word.len() >= 2 => short_offset(&mut ahead)?,
        Some(byte) if byte.is_ascii_alphanumeric() || byte == b'_' => return None,
        _ => 0,
    };
    *cursor = ahead;
    Some(i64::from(minutes) * 60 + more)
}

/// `+2`, `+02`, `+0200`, `+02:00`
fn short_offset(cursor: &mut Cursor<'_>) -> Option<i64> {
    if let Some(seconds) = offset(cursor, false) {
        return Some(seconds);
    }
    let sign = if cursor.one_of(b"+-")? == b'+' { 1 } else { -1 };
    cursor.number(1, 1).map(|hours| sign * hours * 3600)
}

/// Skips `[Europe/Berlin]`, `(CEST)` and ` CEST` after an offset.
fn skip_name(cursor: &mut Cursor<'_>) {
    let mut ahead = cursor.clone();
    if ahead.spaces().is_some() && abbreviation(&mut ahead).is_some() {
        *cursor = ahead;
        return;
    }
    let close = match ahead.peek() {
        Some(b'[') if ahead.rest().len() < cursor.rest().len() => return,
        Some(b'[') => b']',
        Some(b'(') => b')',
        _ => return,
    };
    let name = ahead.rest();
    let Some(end) = name.iter().position(|byte| *byte == close) else { return };
    let is_name = name[1..end].iter().all(|b| b.is_ascii_alphabetic() || b"/_ -".contains(b));
    if is_name && end > 1 {
        ahead.skip(end + 1);
        *cursor = ahead;
    }
}
