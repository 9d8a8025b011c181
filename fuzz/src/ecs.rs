//! Lines of the Elastic Common Schema: those of plans beside those of trees, of which no object has a key twice.
use std::collections::HashSet;

use arbitrary::Arbitrary;
use ringseal::internals::core::callsite::{Callsite, Metadata};
use ringseal::internals::core::registry;
use ringseal::internals::encode::layout::{
    Bound, EcsLayout, Event as LineEvent, JsonOptions, Layout, Scope, Source, key_bits,
};
use ringseal::internals::json::{Token, Tokens};
use ringseal::value::{Value, ValueWriter};
use ringseal::{EcsOptions, Level, Limits};

use crate::oracle::Tree;

/// Keys that have a place in the schema, and some that are prefixes of others.
const KEYS: [&str; 24] = [
    "a",
    "a.b",
    "a.b.c",
    "b",
    "user",
    "user.id",
    "user.name",
    "http",
    "http.request",
    "http.request.method",
    "error",
    "error.code",
    "event.category",
    "client.ip",
    "source",
    "labels",
    "labels.a.b",
    "extra",
    "payment",
    "session_id",
    "trace_id",
    "level",
    "duration_ms",
    "ecs_event",
];

macro_rules! sites {
    ($($keys:expr),*) => {
        [$(Callsite::new(Metadata {
            level: Level::Info,
            event: "seen",
            target: "fuzz",
            file: file!(),
            line: line!(),
            keys: $keys,
        })),*]
    };
}

static SITES: [Callsite; 6] = sites![
    &[],
    &["amount", "currency"],
    &["user.id", "amount", "user.name"],
    &["a", "a.b", "a.b.c"],
    &["user", "http", "error", "labels", "source"],
    &["level", "duration_ms", "payment", "client.ip", "event.category", "extra"]
];

/// An event of a call site, several times.
#[derive(Debug, Arbitrary)]
pub struct Event {
    site: u8,
    /// The values of the fields of each event; null where there are too few.
    values: Vec<Vec<Tree>>,
    bound: Option<Vec<(Key, Tree)>>,
    static_fields: Vec<(Key, Tree)>,
    omit_none: bool,
}

/// A key of a context.
#[derive(Debug, Arbitrary)]
pub enum Key {
    Known(u8),
    Any(String),
}

impl Key {
    fn text(&self) -> &str {
        match self {
            Key::Known(index) => KEYS[usize::from(*index) % KEYS.len()],
            Key::Any(key) => key,
        }
    }
}

/// Space for any event; a larger one is skipped.
const BYTES_MAX: usize = 1 << 16;

fn written(fill: impl FnOnce(&mut ValueWriter<'_>)) -> Option<Vec<u8>> {
    let mut bytes = vec![0; BYTES_MAX];
    let mut out = ValueWriter::new(&mut bytes, Limits::default());
    fill(&mut out);
    let (len, is_full) = (out.len_bytes(), out.is_full());
    bytes.truncate(len);
    (!is_full).then_some(bytes)
}

fn entries(fields: &[(Key, Tree)]) -> Option<Vec<u8>> {
    written(|out| fields.iter().for_each(|(key, value)| out.entry(key.text(), value)))
}

/// Checks the lines of one call site.
///
/// # Panics
/// If a planned line differs from that of a tree, or an object has a key twice.
pub fn check(event: &Event) {
    let site = &SITES[usize::from(event.site) % SITES.len()];
    registry::assign_id(site);
    let mut settings = JsonOptions::default();
    settings.omit_none = event.omit_none;
    settings.run_id = "run".into();
    let options = EcsOptions::new().service("fuzz", "1");
    let mut layout = Layout::Ecs(Box::new(EcsLayout::new(options, settings)));
    let Some(static_fields) = entries(&event.static_fields) else { return };
    layout.set_static_fields(&static_fields).expect("what was written can be read");
    let Some(bound) = entries(event.bound.as_deref().unwrap_or_default()) else { return };
    let mut rendered = Vec::new();
    layout.bound(&bound, &mut rendered).expect("what was written can be read");
    let context = Bound { entries: &bound, rendered: &rendered, key_bits: key_bits(&bound) };
    let scope = Scope { bound: Some(context), ..Scope::default() };
    let keys = site.metadata().keys;
    for values in &event.values {
        let value = |index| values.get(index).unwrap_or(&Tree::Null);
        let payload = written(|out| (0..keys.len()).for_each(|at| value(at).write(out)));
        let named = written(|out| {
            keys.iter().enumerate().for_each(|(at, key)| out.entry(key, value(at)));
        });
        let (Some(payload), Some(named)) = (payload, named) else { return };
        let mut line_of = |source, payload: &[u8]| {
            let line_event = LineEvent {
                unix_nanos: 0,
                level: Level::Info,
                source,
                payload,
                scope: event.bound.as_ref().map(|_| &scope),
                has_stack: false,
                sample_rate: None,
            };
            let mut line = Vec::new();
            layout.line(&line_event, &mut line).expect("what was written can be read");
            line
        };
        let planned = line_of(Source::Site(site), &payload);
        let again = line_of(Source::Site(site), &payload);
        // An event without a call site has no plan.
        let tree = line_of(Source::Dynamic { target: b"fuzz", event: b"seen" }, &named);
        let text = |line: &[u8]| String::from_utf8_lossy(line).into_owned();
        assert_eq!(text(&planned), text(&tree));
        assert_eq!(text(&again), text(&tree));
        crate::json_of(&tree);
        check_keys(&text(&tree));
    }
}

/// # Panics
/// If an object has a key twice.
fn check_keys(line: &str) {
    let mut tokens = Tokens::of(line.trim_end());
    let mut open = Vec::new();
    while let Some(token) = tokens.next_token().expect("a line is JSON") {
        match token {
            Token::MapStart => open.push(HashSet::new()),
            Token::MapEnd => drop(open.pop()),
            Token::Key(key) => {
                let keys = open.last_mut().expect("a key is in an object");
                assert!(keys.insert(key.decode()), "{} twice in {line}", key.raw());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use arbitrary::{Arbitrary, Unstructured};

    #[test]
    fn planned_lines_equal_those_of_trees() {
        let mut random = 0x9E37_79B9_7F4A_7C15_u64;
        for _ in 0..2_000 {
            let bytes: Vec<u8> = std::iter::repeat_with(|| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                random as u8
            })
            .take(400)
            .collect();
            if let Ok(event) = super::Event::arbitrary(&mut Unstructured::new(&bytes)) {
                super::check(&event);
            }
        }
    }
}
