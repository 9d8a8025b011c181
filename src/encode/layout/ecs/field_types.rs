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
            ValueRef::Duration(..) | ValueRef::Since(_) => Kind::Duration,
            ValueRef::Array(_) => Kind::Array,
            ValueRef::Map(_) => Kind::Map,
            ValueRef::Error(_) => Kind::Error,
            ValueRef::Pii(_, mut inner) => match inner.next() {
                Some(Ok(inner)) => Kind::of(inner),
                _ => Kind::Null,
            },
            _ => Kind::Text,
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

/// Whether a text is a date that an index accepts: `2026-01-31`, with or without a time after `T`, or milliseconds.
pub fn is_date(text: &[u8]) -> bool {
    let is_digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    if is_digits(text) {
        return true;
    }
    let (date, time) = text.split_at(text.len().min(10));
    let mut parts = date.split(|byte| *byte == b'-');
    let is_part =
        |part: Option<&[u8]>, len| part.is_some_and(|it| it.len() == len && is_digits(it));
    if !(is_part(parts.next(), 4) && is_part(parts.next(), 2) && is_part(parts.next(), 2)) {
        return false;
    }
    match time.split_first() {
        None => true,
        Some((b'T', time)) => {
            time.len() >= 2
                && time.iter().all(|byte| {
                    byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b'Z' | b'+' | b'-')
                })
        }
        Some(_) => false,
    }
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
            ("yesterday", false, false),
            ("", false, false),
        ] {
            assert_eq!((is_ip(text.as_bytes()), is_date(text.as_bytes())), (ip, date), "{text}");
        }
    }

    /// Writes `fields.rs` from the list in the file that `ECS_FIELDS` names; see there.
    #[test]
    #[ignore = "writes a file of the source; the head of fields.rs has the command"]
    fn the_table_is_written() {
        let list = std::fs::read_to_string(std::env::var("ECS_FIELDS").unwrap()).unwrap();
        let mut rows: Vec<(&str, &str)> = list
            .lines()
            .filter_map(|line| line.split_once([',', '\t']))
            .filter(|(field, _)| *field != "Field")
            .map(|(field, kind)| (field.trim_matches('"'), code_of(kind)))
            .collect();
        rows.sort_unstable();
        rows.dedup();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/encode/layout/ecs/fields.rs");
        let before = std::fs::read_to_string(path).unwrap();
        let (head, _) = before.split_once("#[rustfmt::skip]").unwrap();
        let count = rows.len();
        let mut text = format!(
            "{head}#[rustfmt::skip]\npub(super) static FIELDS: [(&str, FieldType); {count}] = [\n"
        );
        let mut line = String::from("   ");
        for (field, code) in rows {
            let item = format!(" (\"{field}\", {code}),");
            if line.len() + item.len() > 118 {
                text.push_str(&line);
                text.push('\n');
                line = String::from("   ");
            }
            line.push_str(&item);
        }
        text.push_str(&line);
        text.push_str("\n];\n");
        std::fs::write(path, text).unwrap();
    }

    fn code_of(kind: &str) -> &'static str {
        match kind.trim_matches('"') {
            "keyword" | "constant_keyword" | "wildcard" | "match_only_text" | "text" => "K",
            "long" | "integer" => "I",
            "float" | "scaled_float" => "N",
            "boolean" => "B",
            "date" => "D",
            "ip" => "A",
            "geo_point" => "G",
            "object" | "flattened" | "nested" => "O",
            other => panic!("unknown type {other:?}"),
        }
    }
}
