//! Parses and formats sizes in bytes and counts.

/// Units and their number of bytes.
const UNITS: [(&str, u64); 10] = [
    ("", 1),
    ("b", 1),
    ("k", 1 << 10),
    ("kib", 1 << 10),
    ("m", 1 << 20),
    ("mib", 1 << 20),
    ("g", 1 << 30),
    ("gib", 1 << 30),
    ("kb", 1_000),
    ("mb", 1_000_000),
];

/// Parses a size: `1000000`, `64MiB`, `64M` (the same), `4g`, `10MB` (10 million bytes) or `4GB`.
///
/// # Errors
/// If the text is not a size or exceeds 64 bits.
///
/// ```
/// use ringseal_cli::size::parse_bytes;
/// assert_eq!(parse_bytes("64MiB"), Ok(64 << 20));
/// assert!(parse_bytes("much").is_err());
/// ```
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let len = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, unit) = text.split_at(len);
    let unit = unit.trim().to_ascii_lowercase();
    let factor = match &*unit {
        "gb" => Some(1_000_000_000),
        unit => UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor),
    };
    digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor?))
        .ok_or_else(|| "expected a size in bytes such as 1000000, 64KiB, 10MB or 4GiB".to_owned())
}

/// Formats a size: `1.5 MiB`.
pub fn format_bytes(bytes: u64) -> String {
    let units = [("GiB", 1_u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match units.iter().find(|(_, size)| bytes >= *size) {
        Some((unit, size)) => format!("{:.1} {unit}", bytes as f64 / *size as f64),
        None => format!("{bytes} B"),
    }
}

/// Formats a count: `1,234,567`.
pub fn format_count(count: u64) -> String {
    let digits = count.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_parse_with_and_without_units() {
        let cases = [
            ("0", Some(0)),
            ("1000000", Some(1_000_000)),
            ("64KiB", Some(65_536)),
            ("64k", Some(65_536)),
            ("64 kb", Some(64_000)),
            ("10MB", Some(10_000_000)),
            ("2m", Some(2 << 20)),
            ("4GiB", Some(4 << 30)),
            ("4gb", Some(4_000_000_000)),
            ("7b", Some(7)),
            ("", None),
            ("k", None),
            ("-1", None),
            ("1.5m", None),
            ("1t", None),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("99999999999999999g", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_bytes(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn sizes_and_counts_are_formatted() {
        let bytes = [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 << 30, "5.0 GiB")];
        for (number, shown) in bytes {
            assert_eq!(format_bytes(number), shown);
        }
        let counts = [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")];
        for (number, shown) in counts {
            assert_eq!(format_count(number), shown);
        }
    }
}
