//! Which values the fields of the Elastic Common Schema take.
//!
//! Promises: a search is binary and allocates nothing. Nothing here changes a line: the layout counts and reports what
//! does not fit, and writes it.
use std::net::IpAddr;

use super::fields::FIELDS;
use ringseal_base::value::ValueRef;

/// The type of a field, as far as it restricts the values that an index accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// Any single value: `keyword`, `wildcard`, `match_only_text`.
    Keyword,
    /// A whole number of 64 bits: `long`, `integer`.
    Integer,
    /// A number: `float`, `scaled_float`.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A time in ISO 8601, or milliseconds since 1970.
    Date,
    /// An IP address.
    Ip,
    /// A place: an object, an array or a text.
    GeoPoint,
    /// An object: `object`, `flattened`, `nested`.
    Object,
}

/// The words that `event.category` takes.
pub const CATEGORIES: [&str; 16] = [
    "authentication",
    "configuration",
    "database",
    "driver",
    "file",
    "host",
    "iam",
    "intrusion_detection",
    "malware",
    "network",
    "package",
    "process",
    "registry",
    "session",
    "threat",
    "web",
];

/// The type of the field with this dotted path, if the schema defines one.
pub fn field_type(path: &[u8]) -> Option<FieldType> {
    field_of(path).map(|(_, found)| found)
}

/// Path and type of the field with this dotted path, if the schema defines one.
pub(super) fn field_of(path: &[u8]) -> Option<(&'static str, FieldType)> {
    let found = FIELDS.binary_search_by(|(field, _)| field.as_bytes().cmp(path));
    found.ok().map(|index| FIELDS[index])
}

/// Whether the schema has an object of this dotted path: a field that is one, or fields below the path.
pub fn is_object(path: &[u8]) -> bool {
    if let Some(found) = field_type(path) {
        return matches!(found, FieldType::Object | FieldType::GeoPoint);
    }
    // The parts of a path are compared with a dot after them, which is smaller than every character of a name.
    let below = |field: &str| field.as_bytes().iter().cmp(path.iter().chain(b"."));
    let at = FIELDS.partition_point(|(field, _)| below(field).is_lt());
    FIELDS.get(at).is_some_and(|(field, _)| {
        field.as_bytes().strip_prefix(path).is_some_and(|rest| rest.starts_with(b"."))
    })
}

/// What a value is, as far as the layout and the schema distinguish it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The field is left out.
    Absent,
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number without a fraction.
    Integer,
    /// Any other number.
    Number,
    /// A string.
    Text,
    /// A string that is an IP address, or an IP address.
    Ip,
    /// A time.
    Time,
    /// A duration.
    Duration,
    /// An array.
    Array,
    /// A map.
    Map,
    /// An error.
    Error,
}

impl Kind {
    /// The kind of a value.
    pub(super) fn of(value: ValueRef<'_>) -> Kind {
        match value {
            ValueRef::Absent => Kind::Absent,
            ValueRef::Null => Kind::Null,
            ValueRef::Bool(_) => Kind::Bool,
            ValueRef::I64(_) | ValueRef::U64(_) | ValueRef::I128(_) | ValueRef::U128(_) => {
                Kind::Integer
            }
            ValueRef::F64(_) | ValueRef::F32(_) => Kind::Number,
            ValueRef::Number(text) => of_number(text),
            ValueRef::Str(text) if is_ip(text) => Kind::Ip,
            ValueRef::Ipv4(_) | ValueRef::Ipv6(_) => Kind::Ip,
            ValueRef::Time(..) => Kind::Time,
            ValueRef::Duration(..) | ValueRef::Since(_) | ValueRef::SinceMicros(_) => {
                Kind::Duration
            }
            ValueRef::Array(_) => Kind::Array,
            ValueRef::Map(_) => Kind::Map,
            ValueRef::Error(_) => Kind::Error,
            ValueRef::Pii(_, mut inner) => match inner.next() {
                Some(Ok(inner)) => Kind::of(inner),
                _ => Kind::Null,
            },
            // Without `_`, so that each new value gets a kind on purpose.
            ValueRef::Str(_)
            | ValueRef::StrCut(..)
            | ValueRef::Bytes(_)
            | ValueRef::BytesCut(..)
            | ValueRef::Char(_)
            | ValueRef::SocketV4(..)
            | ValueRef::SocketV6(..)
            | ValueRef::Uuid(_)
            | ValueRef::SpanId(_)
            | ValueRef::Deep
            | ValueRef::Secret => Kind::Text,
        }
    }

    /// The kind of a value as far as it decides about most places: all single values are texts.
    pub(super) fn coarse(value: ValueRef<'_>, is_null_alike: bool) -> Kind {
        match value {
            ValueRef::Absent => Kind::Absent,
            ValueRef::Null if !is_null_alike => Kind::Null,
            ValueRef::Array(_) => Kind::Array,
            ValueRef::Map(_) => Kind::Map,
            ValueRef::Error(_) => Kind::Error,
            ValueRef::Pii(_, mut inner) => match inner.next() {
                Some(Ok(inner)) => Kind::coarse(inner, is_null_alike),
                _ => Kind::coarse(ValueRef::Null, is_null_alike),
            },
            _ => Kind::Text,
        }
    }

    /// The kind in words, for reports.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Absent => "nothing",
            Kind::Null => "null",
            Kind::Bool => "a truth value",
            Kind::Integer => "a whole number",
            Kind::Number => "a number with a fraction",
            Kind::Text => "a text",
            Kind::Ip => "an IP address",
            Kind::Time => "a time",
            Kind::Duration => "a duration",
            Kind::Array => "an array",
            Kind::Map | Kind::Error => "an object",
        }
    }
}

/// The kind of a number in JSON syntax.
pub fn of_number(text: &[u8]) -> Kind {
    if text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-') {
        Kind::Integer
    } else {
        Kind::Number
    }
}

/// Whether a text is an IP address.
pub fn is_ip(text: &[u8]) -> bool {
    // The longest has 45 bytes; most texts have a letter beyond `f` or no separator.
    text.len() <= 45
        && text.iter().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':'))
        && text.iter().any(|byte| matches!(byte, b'.' | b':'))
        && std::str::from_utf8(text).is_ok_and(|text| text.parse::<IpAddr>().is_ok())
}

/// Whether a text is a date that an index accepts: a day of the calendar such as `2026-01-31`, with or without a time
/// after `T`, or milliseconds.
pub fn is_date(text: &[u8]) -> bool {
    let is_digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    if is_digits(text) {
        return true;
    }
    let Some((date, time)) = text.split_at_checked(10) else { return false };
    let &[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = date else { return false };
    let day = (number([y0, y1, y2, y3]), number([m0, m1]), number([d0, d1]));
    let (Some(year), Some(month), Some(day)) = day else { return false };
    if day == 0 || day > days_of_month(year, month) {
        return false;
    }
    match time.split_first() {
        None => true,
        Some((b'T', time)) => is_time_of_day(time),
        Some(_) => false,
    }
}

/// The number that these digits are; `None` if one of them is not a digit.
fn number<const N: usize>(digits: [u8; N]) -> Option<u32> {
    digits.iter().try_fold(0, |number, digit| {
        digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0'))
    })
}

/// The days of a month from 1 to 12; none in other months.
fn days_of_month(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        1..=12 => 31,
        _ => 0,
    }
}

/// Whether a text is `10`, `10:30`, `10:30:00` or `10:30:00.123`, with or without a zone.
fn is_time_of_day(text: &[u8]) -> bool {
    let Some(mut rest) = two_digits(text, 23) else { return false };
    if let Some(minutes) = rest.strip_prefix(b":") {
        let Some(after) = two_digits(minutes, 59) else { return false };
        rest = after;
        if let Some(seconds) = rest.strip_prefix(b":") {
            let Some(after) = two_digits(seconds, 59) else { return false };
            rest = after;
            if let [b'.' | b',', fraction @ ..] = after {
                let len = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
                if len == 0 {
                    return false;
                }
                rest = &fraction[len..];
            }
        }
    }
    is_zone(rest)
}

/// Whether a text is empty, `Z`, `+03`, `+0300` or `+03:00`.
fn is_zone(text: &[u8]) -> bool {
    let (b'+' | b'-', offset) = (match text.split_first() {
        None => return true,
        Some((b'Z', rest)) => return rest.is_empty(),
        Some((sign, offset)) => (*sign, offset),
    }) else {
        return false;
    };
    let Some(rest) = two_digits(offset, 18) else { return false };
    let minutes = rest.strip_prefix(b":").unwrap_or(rest);
    rest.is_empty() || two_digits(minutes, 59).is_some_and(<[u8]>::is_empty)
}

/// The text after two digits that are at most `max`.
fn two_digits(text: &[u8], max: u32) -> Option<&[u8]> {
    let (digits, rest) = text.split_first_chunk()?;
    number::<2>(*digits).filter(|number| *number <= max).map(|_| rest)
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Problem {
    /// A single value has the name of an object.
    NotAnObject,
    /// An object has the name of a field that holds single values.
    NotAValue,
    /// The schema expects a whole number.
    NotAnInteger,
    /// The schema expects a number.
    NotANumber,
    /// The schema expects a truth value.
    NotABoolean,
    /// The schema expects a time.
    NotADate,
    /// The schema expects an IP address.
    NotAnIp,
    /// The schema has no such category.
    UnknownCategory,
    /// A key has an empty part, as in `a..b`.
    EmptyPart,
}

impl Problem {
    /// The expectation, in words.
    pub fn expected(self) -> &'static str {
        match self {
            Problem::NotAnObject => "an object, or a field of it such as `error.message`",
            Problem::NotAValue => "a single value, because the schema defines this field as one",
            Problem::NotAnInteger => "a whole number",
            Problem::NotANumber => "a number",
            Problem::NotABoolean => "true or false",
            Problem::NotADate => "a time such as 2026-01-31T12:00:00.000Z",
            Problem::NotAnIp => "an IP address",
            Problem::UnknownCategory => {
                "authentication, configuration, database, driver, file, host, iam, intrusion_detection, malware, \
                 network, package, process, registry, session, threat or web"
            }
            Problem::EmptyPart => "a key without empty parts, which an index rejects",
        }
    }
}

/// What the schema has against a single value of this kind in a field of this type.
pub fn problem_of(found: FieldType, kind: Kind) -> Option<Problem> {
    let is_map = matches!(kind, Kind::Map | Kind::Error);
    if is_map && !matches!(found, FieldType::Object | FieldType::GeoPoint) {
        return Some(Problem::NotAValue);
    }
    let (is_fine, problem) = match found {
        FieldType::Keyword => (true, Problem::NotAValue),
        FieldType::Integer => {
            (matches!(kind, Kind::Integer | Kind::Duration), Problem::NotAnInteger)
        }
        FieldType::Number => {
            (matches!(kind, Kind::Integer | Kind::Number | Kind::Duration), Problem::NotANumber)
        }
        FieldType::Boolean => (kind == Kind::Bool, Problem::NotABoolean),
        // The bytes of a text are checked when it is written.
        FieldType::Date => {
            (matches!(kind, Kind::Time | Kind::Text | Kind::Integer), Problem::NotADate)
        }
        FieldType::Ip => (matches!(kind, Kind::Ip | Kind::Text), Problem::NotAnIp),
        FieldType::GeoPoint => (true, Problem::NotAnObject),
        FieldType::Object => (is_map, Problem::NotAnObject),
    };
    (!is_fine && !matches!(kind, Kind::Absent | Kind::Null)).then_some(problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_complete() {
        assert!(FIELDS.is_sorted_by(|one, other| one.0 < other.0));
        let of = |name: &str| field_type(name.as_bytes());
        for (field, expected) in [
            ("event.duration", Some(FieldType::Integer)),
            ("http.response.status_code", Some(FieldType::Integer)),
            ("client.ip", Some(FieldType::Ip)),
            ("event.risk_score", Some(FieldType::Number)),
            ("@timestamp", Some(FieldType::Date)),
            ("error.stack_trace", Some(FieldType::Keyword)),
            ("labels", Some(FieldType::Object)),
            ("http", None),
            ("user.nam", None),
        ] {
            assert_eq!(of(field), expected, "{field}");
        }
    }

    #[test]
    fn objects_are_paths_with_fields_below() {
        for (path, expected) in [
            ("user", true),
            ("http.request", true),
            ("client.geo.location", true),
            ("package", true),
            ("dns.answers", true),
            ("user_agent", true),
            ("use", false),
            ("user.id", false),
            ("http.request.method", false),
            ("", false),
            ("zzz", false),
        ] {
            assert_eq!(is_object(path.as_bytes()), expected, "{path}");
        }
    }

    #[test]
    fn texts_are_recognised() {
        for (text, ip, date) in [
            ("192.168.1.1", true, false),
            ("::1", true, false),
            ("1.2.3", false, false),
            ("ab", false, false),
            ("2026-01-31", false, true),
            ("2026-01-31T10:00:00.000Z", false, true),
            ("2026-01-31T10:00:00+03:00", false, true),
            ("1763060400123", false, true),
            ("2026-1-31", false, false),
            ("2026-01-31 10:00", false, false),
            ("2028-02-29", false, true),
            ("2000-02-29T23:59:59.999999999-0330", false, true),
            ("2026-01-31T10", false, true),
            ("2026-01-31T10:00+03", false, true),
            ("2026-01-31T10:00:00,5Z", false, true),
            ("2026-02-29", false, false),
            ("2100-02-29", false, false),
            ("2026-02-30", false, false),
            ("2026-04-31", false, false),
            ("2026-13-40T21:21:23Z", false, false),
            ("2026-00-01", false, false),
            ("2026-01-00", false, false),
            ("2026-01-31T", false, false),
            ("2026-01-31T1", false, false),
            ("2026-01-31T24:00:00Z", false, false),
            ("2026-01-31T10:60:00Z", false, false),
            ("2026-01-31T10:00:60Z", false, false),
            ("2026-01-31T10:00:00.Z", false, false),
            ("2026-01-31T10:00:00ZZ", false, false),
            ("2026-01-31T10:00:00+19:00", false, false),
            ("2026-01-31T10:00:00+3", false, false),
            ("2026-01-31T10:00:00+03:", false, false),
            ("2026-01-31T::::", false, false),
            ("yesterday", false, false),
            ("", false, false),
        ] {
            assert_eq!((is_ip(text.as_bytes()), is_date(text.as_bytes())), (ip, date), "{text}");
        }
    }
}
