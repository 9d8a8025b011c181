//! The model: builds the expected content of a line in the simplest way.
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{
    Described, JsonOptions, Level, LevelCase, LevelWords, LineKey, Model, RunId, Subsecond,
};
use crate::encode::layout::line_keys::LineKeys;

/// JSON with numbers as written, and with keys in order, including repeated ones.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::encode::layout) enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    Array(Vec<Json>),
    Map(Vec<(String, Json)>),
}

/// Reads a line with `serde_json`.
pub(in crate::encode::layout) fn read(line: &str) -> Json {
    let json: Json = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
    json.assert_keys_are_unique();
    json
}

impl Json {
    fn assert_keys_are_unique(&self) {
        match self {
            Json::Array(elements) => elements.iter().for_each(Json::assert_keys_are_unique),
            Json::Map(entries) => {
                let mut seen = std::collections::HashSet::new();
                for (key, value) in entries {
                    assert!(seen.insert(key), "duplicate key {key:?}");
                    value.assert_keys_are_unique();
                }
            }
            _ => {}
        }
    }

    pub(super) fn sorted(self) -> Json {
        match self {
            Json::Array(elements) => Json::Array(elements.into_iter().map(Json::sorted).collect()),
            Json::Map(entries) => {
                let mut entries: Vec<_> =
                    entries.into_iter().map(|(key, value)| (key, value.sorted())).collect();
                entries.sort_by(|one, other| one.0.cmp(&other.0));
                Json::Map(entries)
            }
            other => other,
        }
    }

    pub(super) fn is_sorted(&self) -> bool {
        *self == self.clone().sorted()
    }

    /// The value under a key.
    pub(in crate::encode::layout) fn get(&self, wanted: &str) -> Option<&Json> {
        match self {
            Json::Map(entries) => {
                entries.iter().find(|(key, _)| key == wanted).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    pub(in crate::encode::layout) fn text(&self, wanted: &str) -> &str {
        match self.get(wanted) {
            Some(Json::Text(text)) => text,
            other => panic!("{wanted}: {other:?}"),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Json, A::Error> {
        let mut array = Vec::new();
        while let Some(element) = elements.next_element()? {
            array.push(element);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut map = Vec::new();
        while let Some((key, value)) = entries.next_entry::<String, Json>()? {
            map.push((key, value));
        }
        // The form in which `serde_json` with arbitrary precision passes a number.
        match map.as_mut_slice() {
            [(key, Json::Text(number))] if key == "$serde_json::private::Number" => {
                Ok(Json::Number(std::mem::take(number)))
            }
            _ => Ok(Json::Map(map)),
        }
    }
}

/// The options of the line.
pub(super) struct Shape {
    keys: LineKeys,
    run_id: String,
    schema_version: u32,
    is_upper: bool,
    level_words: LevelWords,
    run_id_in: RunId,
    is_sorted: bool,
    omits_none: bool,
    decimals: usize,
    /// Fields of every line.
    fields: Vec<(String, Model)>,
}

impl Shape {
    pub(super) fn of(options: &JsonOptions, fields: Vec<(String, Model)>) -> Self {
        Shape {
            keys: options.keys.clone(),
            run_id: options.run_id.clone(),
            schema_version: options.schema_version,
            is_upper: options.level_case == LevelCase::Upper,
            level_words: options.level_words,
            run_id_in: options.run_id_in,
            is_sorted: options.sort_keys,
            omits_none: options.omit_none,
            fields,
            decimals: match options.subsecond {
                Subsecond::Millis => 3,
                Subsecond::Micros => 6,
                Subsecond::Nanos => 9,
            },
        }
    }

    /// The key of a user's field.
    fn users(&self, key: &str) -> String {
        let mut unprefixed = key;
        while let Some(rest) = unprefixed.strip_prefix("field.") {
            unprefixed = rest;
        }
        let of_fields = [LineKey::TraceId, LineKey::SpanId, LineKey::Error];
        let is_reserved = |(of, default): &(LineKey, &str)| {
            let name = self.keys.get(*of);
            name == unprefixed && (!of_fields.contains(of) || name != *default)
        };
        if LineKey::ALL.iter().any(is_reserved) {
            return format!("field.{key}");
        }
        let renamed = of_fields.into_iter().find(|of| of.as_str() == key);
        renamed.map_or(key, |of| self.keys.get(of)).to_owned()
    }
}

/// The expected line of an event.
pub(super) fn expected(event: &Described, shape: &Shape) -> Json {
    let text = |text: &str| Json::Text(text.to_owned());
    let level = match (event.level, shape.level_words) {
        (Level::Warn, LevelWords::Warning) => "warning",
        (level, _) => level.as_str(),
    };
    let level = if shape.is_upper { level.to_uppercase() } else { level.to_owned() };
    let (seconds, nanos) =
        (event.unix_nanos.div_euclid(1_000_000_000), event.unix_nanos.rem_euclid(1_000_000_000));
    let key = |of| shape.keys.get(of).to_owned();
    let mut line = vec![
        (key(LineKey::Timestamp), Json::Text(rfc3339(seconds, nanos as u32, shape.decimals))),
        (key(LineKey::Level), Json::Text(level)),
        (key(LineKey::Target), text(&event.target)),
        (key(LineKey::Event), text(&event.event)),
    ];
    let is_boot = (&*event.target, &*event.event) == ("boot", "logging.configured");
    let has_run = match shape.run_id_in {
        RunId::EveryLine => true,
        RunId::BootEvent => is_boot,
        RunId::Off => false,
    };
    if has_run && !shape.run_id.is_empty() {
        line.push((key(LineKey::RunId), text(&shape.run_id)));
    }
    if has_run {
        line.push((key(LineKey::SchemaVersion), Json::Number(shape.schema_version.to_string())));
    }
    let fields = &present(&event.fields);
    let static_fields = &present(&shape.fields);
    let ambient = &present(event.ambient.as_deref().unwrap_or_default());
    let ids = ids(event);
    let bound = &present(event.bound.as_deref().unwrap_or_default());
    let has = |fields: &[(String, Model)], key: &str| fields.iter().any(|(own, _)| own == key);
    let mut add = |key: &str, value: &Model, max: usize, end: Option<i64>| {
        if *value != Model::Null || !shape.omits_none {
            line.push((shape.users(key), json(value, unit(key), max, end)));
        }
    };
    for (key, value) in last_ones(static_fields) {
        let is_id = ids.iter().any(|(id, _)| *id == key);
        if !has(fields, key) && !has(bound, key) && !has(ambient, key) && !is_id {
            add(key, value, 16 << 10, None);
        }
    }
    let max = event.value_bytes_max as usize;
    for (key, value) in last_ones(fields) {
        add(key, value, max, Some(event.unix_nanos));
    }
    if let Some(stack) = &event.stack {
        line.push((key(LineKey::Stack), json(&Model::Str(stack.clone()), "s", max, None)));
    }
    for (key, value) in last_ones(bound) {
        let is_omitted = *value == Model::Null && shape.omits_none;
        if !has(fields, key) && !is_omitted {
            line.push((shape.users(key), json(value, unit(key), max, None)));
        }
    }
    for (key, value) in last_ones(ambient) {
        let is_omitted = *value == Model::Null && shape.omits_none;
        if !has(fields, key) && !has(bound, key) && !is_omitted {
            line.push((shape.users(key), json(value, unit(key), max, None)));
        }
    }
    for (key, digits) in ids {
        if !has(fields, key) && !has(bound, key) && !has(ambient, key) {
            line.push((shape.users(key), Json::Text(digits)));
        }
    }
    if shape.is_sorted { Json::Map(line).sorted() } else { Json::Map(line) }
}

/// The ids that are not zero, as digits.
fn ids(event: &Described) -> Vec<(&'static str, String)> {
    let Some((trace, span)) = event.ids else { return Vec::new() };
    let digits = |id: &[u8]| id.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let shown_span = if span[8..] == [0; 8] { &span[..8] } else { &span[..] };
    let all = [("trace_id", trace, digits(&trace)), ("span_id", span, digits(shown_span))];
    let present = all.into_iter().filter(|(_, id, _)| *id != [0; 16]);
    present.map(|(key, _, digits)| (key, digits)).collect()
}

/// Removes entries without a value.
fn present(entries: &[(String, Model)]) -> Vec<(String, Model)> {
    entries.iter().filter(|(_, value)| *value != Model::Absent).cloned().collect()
}

/// Removes entries whose keys occur again later.
fn last_ones(entries: &[(String, Model)]) -> Vec<(&str, &Model)> {
    let stands_later = |at: usize| entries[at + 1..].iter().any(|(key, _)| *key == entries[at].0);
    let kept = (0..entries.len()).filter(|&at| !stands_later(at));
    kept.map(|at| (entries[at].0.as_str(), &entries[at].1)).collect()
}

fn unit(key: &str) -> &'static str {
    let Some(at) = key.rfind(['.', '_']) else { return "s" };
    match (&key[at..at + 1], &key[at + 1..]) {
        (_, "ms") | ("_", "millis") => "ms",
        (_, "us") | ("_", "micros") => "us",
        (_, "ns") | ("_", "nanos") => "ns",
        _ => "s",
    }
}

/// A value; durations that begin with ticks end at `end`, and are null without.
fn json(value: &Model, unit: &'static str, max: usize, end: Option<i64>) -> Json {
    match value {
        Model::Null | Model::Absent => Json::Null,
        Model::Since(start) => end.map_or(Json::Null, |end| {
            let nanos = i128::from(end) - i128::from((*start).min(i64::MAX as u64));
            let duration = Duration::from_nanos(nanos.max(0) as u64);
            json(&Model::Duration(duration), unit, max, None)
        }),
        Model::SinceMicros(start) => end.map_or(Json::Null, |end| {
            let nanos = i128::from(end) - i128::from((*start).min(i64::MAX as u64));
            let micros = (nanos.max(0) as u64).saturating_add(500) / 1000;
            json(&Model::Duration(Duration::from_micros(micros)), unit, max, None)
        }),
        Model::Bool(value) => Json::Bool(*value),
        Model::I64(value) => Json::Number(value.to_string()),
        Model::U64(value) => Json::Number(value.to_string()),
        Model::I128(value) => Json::Number(value.to_string()),
        Model::U128(value) => Json::Number(value.to_string()),
        Model::F64(bits) => {
            let value = f64::from_bits(*bits);
            float(value, || in_serde_json_form(&serde_json::to_string(&value).unwrap()))
        }
        Model::F32(bits) => {
            let value = f32::from_bits(*bits);
            float(f64::from(value), || in_serde_json_form(&serde_json::to_string(&value).unwrap()))
        }
        Model::Char(value) => Json::Text(value.to_string()),
        Model::Str(text) => Json::Text(kept(text.as_bytes(), max, true)),
        Model::Number(number) if number.len() <= max => Json::Number(in_serde_json_form(number)),
        Model::Number(text) => Json::Text(kept(text.as_bytes(), max, true)),
        Model::Bytes(bytes) => Json::Text(kept(bytes, max, false)),
        Model::Duration(duration) => {
            let decimals = match unit {
                "ms" => 6,
                "us" => 3,
                "ns" => 0,
                _ => 9,
            };
            Json::Number(decimal(duration.as_nanos(), decimals))
        }
        Model::Time(seconds, nanos) => Json::Text(rfc3339(*seconds, *nanos, 9)),
        Model::Ipv4(octets) => Json::Text(Ipv4Addr::from(*octets).to_string()),
        Model::Ipv6(octets) => Json::Text(Ipv6Addr::from(*octets).to_string()),
        Model::SocketV4(octets, port) => {
            Json::Text(SocketAddrV4::new((*octets).into(), *port).to_string())
        }
        Model::SocketV6(octets, port) => {
            Json::Text(SocketAddrV6::new((*octets).into(), *port, 0, 0).to_string())
        }
        Model::SpanId(bytes) => Json::Text(format!("{:016x}", u64::from_be_bytes(*bytes))),
        Model::Uuid(bytes) => {
            let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let parts = [&hex[..4], &hex[4..6], &hex[6..8], &hex[8..10], &hex[10..]];
            Json::Text(parts.map(<[String]>::concat).join("-"))
        }
        Model::Array(elements) => {
            Json::Array(elements.iter().map(|element| json(element, unit, max, end)).collect())
        }
        Model::Map(entries) => Json::Map(
            last_ones(&present(entries))
                .into_iter()
                .map(|(key, value)| (key.to_owned(), json(value, self::unit(key), max, end)))
                .collect(),
        ),
        Model::Secret => Json::Text("***REDACTED***".into()),
        Model::Pii(_, inner) => json(inner, unit, max, end),
        other => panic!("not written: {other:?}"),
    }
}

/// `serde_json` keeps the digits of a number and gives its exponent a sign.
fn in_serde_json_form(number: &str) -> String {
    let number = number.replace('E', "e");
    match number.split_once('e') {
        Some((digits, exponent)) if !exponent.starts_with(['+', '-']) => {
            format!("{digits}e+{exponent}")
        }
        _ => number,
    }
}

fn float(value: f64, text: impl FnOnce() -> String) -> Json {
    if value.is_nan() {
        Json::Text("NaN".into())
    } else if value.is_infinite() {
        Json::Text(if value > 0.0 { "inf" } else { "-inf" }.into())
    } else {
        Json::Number(text())
    }
}

/// A text cut at `max` bytes, with the note of how much is missing.
fn kept(bytes: &[u8], max: usize, is_text: bool) -> String {
    if bytes.len() <= max {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let mut len = max;
    while is_text && std::str::from_utf8(&bytes[..len]).is_err() {
        len -= 1;
    }
    let whole = bytes.len();
    format!("{}…[truncated, {len} of {whole} bytes]", String::from_utf8_lossy(&bytes[..len]))
}

fn decimal(number: u128, decimals: usize) -> String {
    let digits = format!("{number:0width$}", width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    format!("{whole}.{fraction}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn rfc3339(seconds: i64, nanos: u32, decimals: usize) -> String {
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    // 146,097 days are four hundred years; within those, year by year and month by month.
    let (mut days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let mut year = 1970 + 400 * days.div_euclid(146_097);
    days = days.rem_euclid(146_097);
    while days >= 365 + i64::from(is_leap(year)) {
        days -= 365 + i64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + i64::from(is_leap(year));
    let mut month = 1;
    for len in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < len {
            break;
        }
        days -= len;
        month += 1;
    }
    let year = match year {
        0..=9999 => format!("{year:04}"),
        year => format!("{year:+07}"),
    };
    let (hour, minute) = (second / 3600, second / 60 % 60);
    let fraction = &format!("{nanos:09}")[..decimals];
    format!(
        "{year}-{month:02}-{:02}T{hour:02}:{minute:02}:{:02}.{fraction}Z",
        days + 1,
        second % 60
    )
}
