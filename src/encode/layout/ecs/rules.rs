//! The path of a field in a line, which depends on its key and on the kind of its value.
//!
//! Fields of the schema and the configured ones stay at the root of the line; every other key is written below `extra`.
//! A single value under the name of an object moves to the member that it means (`error = "x"` to `error.message`), or
//! below `extra` if it means none.
//!
//! Promises: the place of a field depends on its key, the kind of its value and the options only, so that it is found
//! once per call site and shape of a context. No key is left out, except a text under `level`, which repeats
//! `log.level`.
use super::field_types::{FieldType, Kind, Problem, field_type, is_object, problem_of};
use super::options::EcsOptions;

/// Parts of a path beyond this number are one part.
const PARTS_MAX: usize = 20;

/// Where fields come from, as far as it decides about their places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The call.
    Call,
    /// The call with which the engine ends a span.
    SpanEnd,
    /// A context, or the fields of every line.
    Context,
}

/// A path: its parts, which are keys of objects inside each other.
#[derive(Debug, Default)]
pub(super) struct Path {
    /// The parts with dots between.
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Path {
    /// Removes all parts.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    /// Adds one part as it is.
    fn push(&mut self, part: &[u8]) {
        if !self.ends.is_empty() {
            self.text.push(b'.');
        }
        self.text.extend_from_slice(part);
        self.ends.push(self.text.len());
    }

    /// Adds one part, with `_` in place of the bytes that `is_replaced`, or of none.
    fn push_replacing(&mut self, part: &[u8], is_replaced: fn(u8) -> bool) {
        self.push(if part.is_empty() { b"_" } else { part });
        let start = self.text.len() - part.len();
        self.text[start..]
            .iter_mut()
            .filter(|byte| is_replaced(**byte))
            .for_each(|byte| *byte = b'_');
    }

    /// Adds the parts of a dotted key that is in `depth` objects.
    pub(super) fn push_dotted(&mut self, key: &[u8], depth: usize) {
        // An index rejects empty names.
        let is_one = has_empty_part(key);
        let parts_max = if is_one { 1 } else { PARTS_MAX.saturating_sub(depth).max(1) };
        for part in key.splitn(parts_max, |byte| *byte == b'.') {
            self.push_replacing(part, |byte| byte == b'.');
        }
    }

    /// The number of parts.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The parts.
    pub(super) fn parts(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|end| end + 1));
        starts.zip(&self.ends).map(|(start, end)| &self.text[start..*end])
    }

    /// The parts with dots between.
    pub(super) fn dotted(&self) -> &[u8] {
        &self.text
    }
}

/// Whether a part of the dotted key is empty.
pub(super) fn has_empty_part(key: &[u8]) -> bool {
    key.split(|byte| *byte == b'.').any(<[u8]>::is_empty)
}

/// What is to be done with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It is left out.
    Nowhere,
    /// The value, a map as it is, at the path.
    Path,
    /// A label at the path: a value that is not single is written as a text.
    Label,
    /// The outcome of a span at the path, as a word of `event.outcome`.
    Outcome,
    /// Each entry of the map, with the key of the map and a dot before its own.
    Entries,
    /// Each entry of the map, as if it was logged without the map.
    RootEntries,
}

/// Keys that mean a field of the schema, wherever they are logged.
const ALIASES: [(&str, &str); 4] = [
    ("trace_id", "trace.id"),
    ("span_id", "span.id"),
    ("transaction_id", "transaction.id"),
    ("parent_span_id", "parent.id"),
];

/// Keys that mean a field of the schema in a context.
const CONTEXT_ALIASES: [(&str, &str); 5] = [
    ("user_id", "user.id"),
    ("ip", "client.ip"),
    ("orn", "payment.orn"),
    ("pg_code", "payment.pg_code"),
    ("reference_number", "payment.reference"),
];

/// The keys that mean a field of the schema in a context, as a set.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ContextAliases(u8);

impl ContextAliases {
    /// Adds the key of a context's field, if it means a field of the schema.
    pub(super) fn add(&mut self, key: &[u8], kind: Kind) {
        if is_single(kind) && kind != Kind::Absent {
            self.0 |= Self::bit_of(without_extra(key));
        }
    }

    /// Whether a context has this key.
    pub(super) fn contains(self, key: &[u8]) -> bool {
        self.0 & Self::bit_of(key) != 0
    }

    fn bit_of(key: &[u8]) -> u8 {
        let at = CONTEXT_ALIASES.iter().position(|(from, _)| from.as_bytes() == key);
        at.map_or(0, |at| 1 << at)
    }
}

/// The key of a context's field without the wrapper `extra`.
pub(super) fn without_extra(mut key: &[u8]) -> &[u8] {
    while let Some(rest) = key.strip_prefix(b"extra.") {
        key = rest;
    }
    key
}

/// Whether a value of this kind is neither an array nor an object.
fn is_single(kind: Kind) -> bool {
    !matches!(kind, Kind::Map | Kind::Error | Kind::Array)
}

/// Keys of durations.
const DURATIONS: [&str; 4] = ["duration", "duration_ms", "duration_us", "duration_ns"];

/// The member that a single value under the name of an object means.
fn member_of(object: &[u8], kind: Kind) -> Option<&'static str> {
    Some(match (object, kind) {
        (b"error", Kind::Text | Kind::Ip) => "message",
        (b"user", Kind::Text) => "name",
        (b"user", Kind::Integer) => "id",
        (b"host" | b"service" | b"span", Kind::Text) => "name",
        (b"url", Kind::Text) => "full",
        (b"event", Kind::Text) => "action",
        (b"trace" | b"transaction", Kind::Text | Kind::Integer) => "id",
        (b"source" | b"client" | b"server" | b"destination" | b"host", Kind::Ip) => "ip",
        (b"source" | b"client" | b"server" | b"destination", Kind::Text) => "address",
        _ => return None,
    })
}

/// Whether the schema has an object of this name, or lines of this layout do.
pub(super) fn is_schema_root(name: &[u8]) -> bool {
    name == b"parent" || (name != b"labels" && is_object(name))
}

/// Whether the exact kind of the value decides about the place of this key, and not only whether it is a single value,
/// an array, a map, an error or absent.
pub(super) fn is_sensitive(key: &[u8]) -> bool {
    key == b"level"
        || key == b"ecs_event"
        || DURATIONS.iter().any(|it| it.as_bytes() == key)
        || is_schema_root(key)
}

/// Finds the path of a field. Returns what is to be done, and what is wrong with the field, if anything.
pub(super) fn place(
    options: &EcsOptions,
    (key, kind): (&[u8], Kind),
    origin: Origin,
    path: &mut Path,
) -> (Place, Option<Problem>) {
    path.clear();
    let key = if origin == Origin::Context { without_extra(key) } else { key };
    if has_empty_part(key) {
        let first = key.split(|byte| *byte == b'.').next().unwrap_or_default();
        if first != b"labels" {
            path.push(b"extra");
            path.push_dotted(key, 1);
            return (Place::Path, Some(Problem::EmptyPart));
        }
    }
    if let Some(place) = place_known(key, kind, origin, path) {
        return (place, None);
    }
    let renamed;
    let key = match key.strip_prefix(b"ecs_event") {
        Some([]) => b"event".as_slice(),
        Some(rest) if rest.starts_with(b".") => {
            renamed = [b"event", rest].concat();
            &renamed
        }
        _ => key,
    };
    match key.iter().position(|byte| *byte == b'.') {
        None => place_root(options, key, kind, path),
        Some(dot) => place_below(options, (key, dot), kind, path),
    }
}

/// Finds the place of a key with a meaning that is not that of its name.
fn place_known(key: &[u8], kind: Kind, origin: Origin, path: &mut Path) -> Option<Place> {
    if key == b"level" && kind == Kind::Text {
        return Some(Place::Nowhere);
    }
    if kind == Kind::Duration && DURATIONS.iter().any(|it| it.as_bytes() == key) {
        path.push_dotted(b"event.duration", 0);
        return Some(Place::Path);
    }
    if kind == Kind::Map && origin == Origin::Context && key == b"extra" {
        return Some(Place::RootEntries);
    }
    if origin == Origin::SpanEnd && key == b"outcome" && is_single(kind) {
        path.push_dotted(b"event.outcome", 0);
        return Some(Place::Outcome);
    }
    let aliases: &[_] = if origin == Origin::Context { &CONTEXT_ALIASES } else { &[] };
    let mut aliases = ALIASES.iter().chain(aliases);
    let (_, to) = aliases.find(|(from, _)| is_single(kind) && from.as_bytes() == key)?;
    path.push_dotted(to.as_bytes(), 0);
    Some(Place::Path)
}

/// Finds the place of a key without dots.
fn place_root(
    options: &EcsOptions,
    key: &[u8],
    kind: Kind,
    path: &mut Path,
) -> (Place, Option<Problem>) {
    let is_named = |names: &[String]| names.iter().any(|name| name.as_bytes() == key);
    match key {
        b"tags" if matches!(kind, Kind::Map | Kind::Error) => {
            path.push(b"extra");
            path.push(key);
            return (Place::Path, Some(Problem::NotAValue));
        }
        b"payload" | b"headers" | b"tags" => {
            path.push(key);
            return (Place::Path, None);
        }
        b"labels" | b"extra" if kind == Kind::Map => return (Place::Entries, None),
        _ => {}
    }
    if is_named(&options.root_fields) && !matches!(kind, Kind::Map | Kind::Error) {
        path.push(key);
        return (Place::Path, None);
    }
    let is_schema = is_schema_root(key);
    if !is_schema && !is_named(&options.root_objects) && key != b"labels" {
        path.push(b"extra");
        path.push_dotted(key, 1);
        return (Place::Path, None);
    }
    match kind {
        Kind::Map => return (Place::Entries, None),
        Kind::Error if key == b"error" => {
            path.push(key);
            return (Place::Path, None);
        }
        _ => {}
    }
    match member_of(key, kind).filter(|_| is_schema) {
        Some(member) => {
            path.push(key);
            path.push(member.as_bytes());
        }
        None => {
            path.push(b"extra");
            path.push(key);
        }
    }
    // The events of spans have the span's name under this key.
    let is_meant = kind == Kind::Null || (key == b"span" && kind == Kind::Text);
    (Place::Path, (!is_meant).then_some(Problem::NotAnObject))
}

/// Finds the place of a key with its first dot at `dot`.
fn place_below(
    options: &EcsOptions,
    (key, dot): (&[u8], usize),
    kind: Kind,
    path: &mut Path,
) -> (Place, Option<Problem>) {
    let (first, rest) = (&key[..dot], &key[dot + 1..]);
    if first == b"labels" {
        path.push(first);
        path.push_replacing(rest, |byte| matches!(byte, b'.' | b'*' | b'\\'));
        return (Place::Label, None);
    }
    if first == b"extra" {
        path.push_dotted(key, 0);
        return (Place::Path, None);
    }
    let is_root = first == b"payload"
        || first == b"headers"
        || options.root_objects.iter().any(|name| name.as_bytes() == first);
    if is_root {
        path.push_dotted(key, 0);
        return (Place::Path, None);
    }
    if is_schema_root(first) {
        return place_in_schema(key, kind, path);
    }
    path.push(b"extra");
    path.push_dotted(key, 1);
    (Place::Path, None)
}

/// Finds the place of a key whose first part is an object of the schema.
fn place_in_schema(key: &[u8], kind: Kind, path: &mut Path) -> (Place, Option<Problem>) {
    // The layout writes these itself.
    let is_own = matches!(key, b"log.level" | b"log.logger") || key.starts_with(b"ecs.");
    let below_value = ends_of_parents(key).any(|end| is_value(&key[..end]));
    let found = field_type(key);
    let is_flat = is_single(kind);
    let not_an_object = (kind != Kind::Null).then_some(Problem::NotAnObject);
    let problem = match found {
        _ if is_own => None,
        _ if below_value => Some(Problem::NotAValue),
        None if is_object(key) && kind == Kind::Map => return (Place::Entries, None),
        None if is_object(key) => not_an_object,
        Some(FieldType::Object) if is_flat => not_an_object,
        // An index takes arrays of what a field holds.
        Some(found) if kind != Kind::Array => match problem_of(found, kind) {
            Some(Problem::NotAValue) => Some(Problem::NotAValue),
            problem => {
                path.push_dotted(key, 0);
                return (Place::Path, problem);
            }
        },
        _ => {
            path.push_dotted(key, 0);
            return (Place::Path, None);
        }
    };
    path.push(b"extra");
    path.push_dotted(key, 1);
    (Place::Path, problem)
}

/// Where the dotted paths end that the path is below.
fn ends_of_parents(key: &[u8]) -> impl Iterator<Item = usize> {
    key.iter().enumerate().filter(|(_, byte)| **byte == b'.').map(|(at, _)| at)
}

/// Whether the schema has a field of this path that holds single values.
fn is_value(path: &[u8]) -> bool {
    field_type(path).is_some_and(|it| !matches!(it, FieldType::Object | FieldType::GeoPoint))
}
