//! Whether a text is a value of its setting.
use crate::table::Kind;

/// What was expected, if the text is not a value of this kind. Values of [`Kind::Engine`] are checked by the engine.
pub(crate) fn check(kind: Kind, text: &str) -> Result<(), String> {
    let text = text.trim();
    match kind {
        Kind::Text | Kind::Path if text.contains('\0') => {
            Err("a text without the character NUL".into())
        }
        Kind::Text | Kind::Path | Kind::Engine(_) => Ok(()),
        Kind::Switch => switch(text).map(|_| ()).ok_or_else(|| SWITCH.into()),
        Kind::Number { min, max } => match number(text) {
            Some(value) if (min..=max).contains(&value) => Ok(()),
            _ => Err(format!("a whole number from {min} to {max}, in decimal digits")),
        },
        Kind::Bytes => bytes(text).map(|_| ()).ok_or_else(|| BYTES.into()),
        Kind::Offset => offset_seconds(text).map(|_| ()).ok_or_else(|| OFFSET.into()),
        Kind::Word(words) => match words.iter().any(|word| word.eq_ignore_ascii_case(text)) {
            true => Ok(()),
            false => Err(one_of(words)),
        },
    }
}

const SWITCH: &str = "true, 1, yes or on, or false, 0, no or off";
const OFFSET: &str = "a distance from UTC from -14:00 to +14:00, such as Z, +02:00 or -0330";
const BYTES: &str = "a number of bytes such as 10485760, 10 MiB or 1 GB";

/// `a, b or c`.
pub(crate) fn one_of(words: &[&str]) -> String {
    match words.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// A truth value.
pub(crate) fn switch(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// Decimal digits, with `_` between them.
pub(crate) fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    let is_grouped = !text.starts_with('_') && !text.ends_with('_') && !text.contains("__");
    let digits = text.replace('_', "");
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    (is_grouped && is_number).then(|| digits.parse().ok()).flatten()
}

/// A distance from UTC in seconds.
pub(crate) fn offset_seconds(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("z") || text.eq_ignore_ascii_case("utc") {
        return Some(0);
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) if minutes.len() == 2 => (hours, minutes),
        Some(_) => return None,
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None => (digits, "00"),
    };
    let part = |text: &str| {
        let is_number = matches!(text.len(), 1 | 2) && text.bytes().all(|it| it.is_ascii_digit());
        is_number.then(|| text.parse::<i64>().ok()).flatten()
    };
    let (hours, minutes) = (part(hours)?, part(minutes)?);
    let seconds = hours * 3600 + minutes * 60;
    (minutes < 60 && seconds <= 14 * 3600).then_some(sign * seconds)
}

/// A number of bytes with or without a unit, in any case.
pub(crate) fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
    let (count, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        _ => return None,
    };
    number(count)?.checked_mul(factor)
}
