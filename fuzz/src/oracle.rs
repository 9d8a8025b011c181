//! A structured event, written into a record, rendered as a line and compared with what `serde_json` makes of it.
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use std::time::Duration;

use arbitrary::Arbitrary;
use ringseal::LevelCase;
use ringseal::internals::encode::layout::{
    Bound, Event as LineEvent, JsonLayout, JsonOptions, Layout, Source, key_bits,
};
use ringseal::value::{Element, Number, SerdeValue, Uuid, Value, ValueWriter};
use ringseal::{Level, Limits};
use serde_json::{Map, Value as Json};

/// An event as the fuzzer makes it up.
#[derive(Debug, Arbitrary)]
pub struct Event {
    unix_nanos: i64,
    level: u8,
    target: Vec<u8>,
    name: Vec<u8>,
    fields: Vec<(String, Tree)>,
    bound: Option<Vec<(String, Tree)>>,
    value_bytes_max: u16,
    schema_version: u32,
    sort_keys: bool,
    upper: bool,
}

/// A value.
#[derive(Debug, Arbitrary)]
pub enum Tree {
    Null,
    Bool(bool),
    I64(i64),
    U64(u64),
    I128(i128),
    U128(u128),
    F64(f64),
    F32(f32),
    Char(char),
    Str(String),
    Bytes(Vec<u8>),
    Number(String),
    Duration(u64, u32),
    Ipv4([u8; 4]),
    Ipv6([u8; 16]),
    SocketV4([u8; 4], u16),
    SocketV6([u8; 16], u16),
    Uuid([u8; 16]),
    Array(Vec<Tree>),
    Map(Vec<(String, Tree)>),
    /// Through `serde::Serialize`; the text is parsed, so that it is any JSON.
    Serialized(String),
}

impl Value for Tree {
    fn size_bytes_max(&self, _: &Limits) -> usize {
        BYTES_MAX
    }

    fn write(&self, out: &mut ValueWriter<'_>) {
        match self {
            Tree::Null => ().write(out),
            Tree::Bool(value) => value.write(out),
            Tree::I64(value) => value.write(out),
            Tree::U64(value) => value.write(out),
            Tree::I128(value) => value.write(out),
            Tree::U128(value) => value.write(out),
            Tree::F64(value) => value.write(out),
            Tree::F32(value) => value.write(out),
            Tree::Char(value) => value.write(out),
            Tree::Str(text) => text.write(out),
            Tree::Bytes(bytes) => bytes.write(out),
            Tree::Number(text) => Number(text).write(out),
            Tree::Duration(seconds, nanos) => duration(*seconds, *nanos).write(out),
            Tree::Ipv4(octets) => Ipv4Addr::from(*octets).write(out),
            Tree::Ipv6(octets) => Ipv6Addr::from(*octets).write(out),
            Tree::SocketV4(ip, port) => SocketAddrV4::new((*ip).into(), *port).write(out),
            Tree::SocketV6(ip, port) => SocketAddrV6::new((*ip).into(), *port, 0, 0).write(out),
            Tree::Uuid(bytes) => Uuid(*bytes).write(out),
            Tree::Array(elements) => elements.write(out),
            Tree::Map(entries) => out.map(|out| write_entries(entries, out)),
            Tree::Serialized(text) => match serde_json::from_str::<Json>(text) {
                Ok(json) if is_short(&json) => SerdeValue(json).write(out),
                _ => ().write(out),
            },
        }
    }
}

impl Element for Tree {}

/// Room for any event; one that needs more is not looked at.
const BYTES_MAX: usize = 1 << 15;
const DEPTH_MAX: u8 = 32;

fn duration(seconds: u64, nanos: u32) -> Duration {
    Duration::new(seconds, nanos % 1_000_000_000)
}

/// Whether a tree stays whole under every limit that the fuzzer can choose; `serde` trees are cut by rules of their
/// own, which the library's tests look at.
fn is_short(json: &Json) -> bool {
    json.to_string().len() < VALUE_BYTES_MIN / 12
}

/// What a serialized tree gets at least.
const VALUE_BYTES_MIN: usize = 1200;

fn write_entries(entries: &[(String, Tree)], out: &mut ValueWriter<'_>) {
    for (key, value) in entries {
        out.entry(key, value);
    }
}

fn has_serialized(entries: &[(String, Tree)]) -> bool {
    fn is_serialized(tree: &Tree) -> bool {
        match tree {
            Tree::Serialized(_) => true,
            Tree::Array(elements) => elements.iter().any(is_serialized),
            Tree::Map(entries) => has_serialized(entries),
            _ => false,
        }
    }
    entries.iter().any(|(_, tree)| is_serialized(tree))
}

/// Checks one event.
///
/// # Panics
/// When the line is not what `serde_json` makes of the event.
pub fn check(event: &Event) {
    let bound = event.bound.as_deref().unwrap_or_default();
    let mut max = usize::from(event.value_bytes_max);
    if has_serialized(&event.fields) || has_serialized(bound) {
        max = max.max(VALUE_BYTES_MIN);
    }
    let limits = Limits::default().with_value_bytes_max(max as u32);
    let (Some(payload), Some(bound_entries)) =
        (written(&event.fields, limits), written(bound, limits))
    else {
        return;
    };
    let mut options = JsonOptions::default();
    options.schema_version = event.schema_version;
    options.sort_keys = event.sort_keys;
    options.level_case = if event.upper { LevelCase::Upper } else { LevelCase::Lower };
    let mut layout = Layout::Json(Box::new(JsonLayout::new(options)));
    let mut rendered = Vec::new();
    layout.bound(&bound_entries, &mut rendered).expect("what was written can be read");
    let context =
        Bound { entries: &bound_entries, rendered: &rendered, key_bits: key_bits(&bound_entries) };
    let level = Level::ALL[usize::from(event.level) % Level::COUNT];
    let line_event = LineEvent {
        unix_nanos: event.unix_nanos,
        level,
        source: Source::Dynamic { target: &event.target, event: &event.name },
        payload: &payload,
        context: event.bound.as_ref().map(|_| context),
        has_stack: false,
        sample_rate: None,
    };
    let mut line = Vec::new();
    layout.line(&line_event, &mut line).expect("what was written can be read");
    let mut found = super::json_of(&line);
    let timestamp = found.as_object_mut().and_then(|line| line.remove("timestamp"));
    assert!(timestamp.is_some_and(|time| time.as_str().is_some_and(|text| text.ends_with('Z'))));
    assert_eq!(found, expected(event, level, max), "{}", String::from_utf8_lossy(&line));
}

fn written(entries: &[(String, Tree)], limits: Limits) -> Option<Vec<u8>> {
    let mut bytes = vec![0; 2 * BYTES_MAX];
    let mut out = ValueWriter::new(&mut bytes, limits);
    write_entries(entries, &mut out);
    let len = out.len_bytes();
    bytes.truncate(len);
    (len < BYTES_MAX).then_some(bytes)
}

fn expected(event: &Event, level: Level, max: usize) -> Json {
    let lossy = |bytes: &[u8]| Json::from(String::from_utf8_lossy(bytes).into_owned());
    let mut line = Map::new();
    for (key, value) in event.bound.as_deref().unwrap_or_default() {
        line.insert(users_key(key), json(value, key, max, 0));
    }
    for (key, value) in &event.fields {
        line.insert(users_key(key), json(value, key, max, 0));
    }
    let level = level.as_str();
    let level = if event.upper { level.to_uppercase() } else { level.to_owned() };
    line.insert("level".into(), level.into());
    line.insert("target".into(), lossy(&event.target));
    line.insert("event".into(), lossy(&event.name));
    line.insert("schema_version".into(), event.schema_version.into());
    Json::Object(line)
}

fn users_key(key: &str) -> String {
    let own = [
        "timestamp",
        "level",
        "target",
        "event",
        "run_id",
        "schema_version",
        "stack",
        "sample_rate",
    ];
    if own.contains(&key.trim_start_matches("field.")) {
        format!("field.{key}")
    } else {
        key.into()
    }
}

fn json(value: &Tree, key: &str, max: usize, depth: u8) -> Json {
    match value {
        Tree::Null => Json::Null,
        Tree::Bool(value) => (*value).into(),
        Tree::I64(value) => (*value).into(),
        Tree::U64(value) => (*value).into(),
        Tree::I128(value) => number(&value.to_string()),
        Tree::U128(value) => number(&value.to_string()),
        Tree::F64(value) if value.is_finite() => number(&serde_json::to_string(value).unwrap()),
        Tree::F32(value) if value.is_finite() => number(&serde_json::to_string(value).unwrap()),
        Tree::F64(value) => value.to_string().into(),
        Tree::F32(value) => value.to_string().into(),
        Tree::Char(value) => value.to_string().into(),
        Tree::Str(text) => kept(text.as_bytes(), text.floor_char_boundary(max)),
        Tree::Bytes(bytes) => kept(bytes, max),
        Tree::Number(text) => match serde_json::from_str::<serde_json::Number>(text) {
            // The parser allows blanks around it.
            Ok(number) if text.len() <= max && text.trim() == text => number.into(),
            _ => kept(text.as_bytes(), text.floor_char_boundary(max)),
        },
        Tree::Duration(seconds, nanos) => number(&decimal(duration(*seconds, *nanos), key)),
        Tree::Ipv4(octets) => Ipv4Addr::from(*octets).to_string().into(),
        Tree::Ipv6(octets) => Ipv6Addr::from(*octets).to_string().into(),
        Tree::SocketV4(ip, port) => SocketAddrV4::new((*ip).into(), *port).to_string().into(),
        Tree::SocketV6(ip, port) => SocketAddrV6::new((*ip).into(), *port, 0, 0).to_string().into(),
        Tree::Uuid(bytes) => {
            let mut text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            [20, 16, 12, 8].into_iter().for_each(|at| text.insert(at, '-'));
            text.into()
        }
        Tree::Array(_) | Tree::Map(_) if depth >= DEPTH_MAX => "…".into(),
        Tree::Array(elements) => elements.iter().map(|e| json(e, key, max, depth + 1)).collect(),
        Tree::Map(entries) => {
            let entries = entries.iter();
            Json::Object(entries.map(|(k, v)| (k.clone(), json(v, k, max, depth + 1))).collect())
        }
        Tree::Serialized(text) => match serde_json::from_str::<Json>(text) {
            Ok(json) if is_short(&json) => cut_deep(json, depth),
            _ => Json::Null,
        },
    }
}

fn cut_deep(json: Json, depth: u8) -> Json {
    match json {
        Json::Array(_) | Json::Object(_) if depth >= DEPTH_MAX => "…".into(),
        Json::Array(elements) => elements.into_iter().map(|e| cut_deep(e, depth + 1)).collect(),
        Json::Object(entries) => {
            Json::Object(entries.into_iter().map(|(k, v)| (k, cut_deep(v, depth + 1))).collect())
        }
        other => other,
    }
}

fn number(text: &str) -> Json {
    serde_json::from_str(text).expect("a number")
}

fn kept(bytes: &[u8], max: usize) -> Json {
    if bytes.len() <= max {
        return String::from_utf8_lossy(bytes).into_owned().into();
    }
    let text = String::from_utf8_lossy(&bytes[..max]);
    format!("{text}…[truncated, {max} of {} bytes]", bytes.len()).into()
}

fn decimal(duration: Duration, key: &str) -> String {
    let ends = |suffixes: [&str; 3]| suffixes.iter().any(|suffix| key.ends_with(suffix));
    let decimals = match () {
        () if ends(["_ms", ".ms", "_millis"]) => 6,
        () if ends(["_us", ".us", "_micros"]) => 3,
        () if ends(["_ns", ".ns", "_nanos"]) => 0,
        () => 9,
    };
    let digits = format!("{:0width$}", duration.as_nanos(), width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { whole.into() } else { format!("{whole}.{fraction}") }
}
