//! Lines read back by `serde_json`, against a model built from the event itself.
use proptest::collection::vec;
use proptest::prelude::*;

use self::model::{Json, Shape, expected, read};
use super::line_keys::LineKeys;
use super::*;
use crate::core::callsite::Metadata;
use crate::core::correlation::Correlation;
use crate::core::registry;
use crate::encode::Subsecond;
use ringseal_base::limits::Limits;
use ringseal_base::value::model::{Model, tree};
use ringseal_base::value::{Value, ValueWriter};

mod edges;
/// JSON that was read, for the tests of other layouts.
pub(super) mod json {
    pub(in crate::encode::layout) use super::model::{Json, read};
}
mod model;
mod profiles;
mod text_lines;

/// An event as a test describes it.
#[derive(Debug, Clone)]
pub(super) struct Described {
    unix_nanos: i64,
    level: Level,
    target: String,
    event: String,
    fields: Vec<(String, Model)>,
    is_dynamic: bool,
    stack: Option<String>,
    bound: Option<Vec<(String, Model)>>,
    ambient: Option<Vec<(String, Model)>>,
    ids: Option<([u8; 16], [u8; 16])>,
    value_bytes_max: u32,
}

impl Described {
    /// A call site's event with these fields.
    pub(super) fn site(fields: Vec<(String, Model)>) -> Self {
        Described {
            unix_nanos: 1_763_060_400_123_456_789,
            level: Level::Info,
            target: "app".into(),
            event: "seen".into(),
            fields,
            is_dynamic: false,
            stack: None,
            bound: None,
            ambient: None,
            ids: None,
            value_bytes_max: 16 << 10,
        }
    }

    fn limits(&self) -> Limits {
        Limits::default().with_value_bytes_max(self.value_bytes_max)
    }
}

fn written(limits: Limits, fill: impl FnOnce(&mut ValueWriter<'_>)) -> Vec<u8> {
    let mut bytes = vec![0; 1 << 20];
    let mut out = ValueWriter::new(&mut bytes, limits);
    fill(&mut out);
    assert!(!out.is_full());
    let len = out.len_bytes();
    bytes.truncate(len);
    bytes
}

fn entries(limits: Limits, fields: &[(String, Model)]) -> Vec<u8> {
    written(limits, |out| fields.iter().for_each(|(key, value)| out.entry(key, value)))
}

fn leak(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

pub(super) fn callsite(described: &Described) -> &'static Callsite {
    let keys: Vec<&str> = described.fields.iter().map(|(key, _)| leak(key)).collect();
    let site = Callsite::new(Metadata {
        level: described.level,
        event: leak(&described.event),
        target: leak(&described.target),
        file: file!(),
        line: line!(),
        keys: Box::leak(keys.into_boxed_slice()),
    });
    let site = Box::leak(Box::new(site));
    registry::assign_id(site);
    site
}

/// The line that `layout` makes of an event.
pub(super) fn line(layout: &mut Layout, described: &Described) -> String {
    let limits = described.limits();
    let (source, payload) = if described.is_dynamic {
        let (target, event) = (described.target.as_bytes(), described.event.as_bytes());
        (Source::Dynamic { target, event }, entries(limits, &described.fields))
    } else {
        let payload = written(limits, |out| {
            described.fields.iter().for_each(|(_, value)| value.write(out));
            described.stack.iter().for_each(|stack| out.str(stack));
        });
        (Source::Site(callsite(described)), payload)
    };
    let bound = described.bound.as_ref().map(|fields| entries(limits, fields));
    line_of(layout, described, source, &payload, bound.as_deref())
}

pub(super) fn line_of(
    layout: &mut Layout,
    described: &Described,
    source: Source<'_>,
    payload: &[u8],
    bound: Option<&[u8]>,
) -> String {
    let mut rendered = Vec::new();
    if let Some(entries) = bound {
        layout.bound(entries, &mut rendered).unwrap();
    }
    let ambient_entries =
        described.ambient.as_ref().map(|fields| entries(described.limits(), fields));
    let mut ambient_rendered = Vec::new();
    if let Some(entries) = &ambient_entries {
        layout.bound(entries, &mut ambient_rendered).unwrap();
    }
    let context = bound.map(|entries| {
        let key_bits = key_bits(entries);
        Bound { entries, rendered: &rendered, key_bits }
    });
    let ambient = ambient_entries.as_deref().map(|entries| {
        let key_bits = key_bits(entries);
        Bound { entries, rendered: &ambient_rendered, key_bits }
    });
    let correlation = described.ids.map(|(trace, span)| Correlation::new(trace, span));
    let scope = Scope { bound: context, ambient, correlation };
    let is_in_scope = context.is_some() || ambient.is_some() || correlation.is_some();
    let event = Event {
        unix_nanos: described.unix_nanos,
        level: described.level,
        source,
        payload,
        scope: is_in_scope.then_some(&scope),
        has_stack: described.stack.is_some(),
        sample_rate: None,
    };
    let mut line = b"before\n".to_vec();
    layout.line(&event, &mut line).unwrap();
    let line = String::from_utf8(line.split_off(7)).unwrap();
    let inside = line.strip_suffix('\n').unwrap();
    let is_raw = |c: char| c.is_control() && c < ' ' || matches!(c, '\u{2028}' | '\u{2029}');
    assert!(!inside.contains(is_raw), "a raw control character in {inside:?}");
    inside.to_owned()
}

pub(super) fn flat(options: JsonOptions) -> Layout {
    Layout::Json(Box::new(JsonLayout::new(options)))
}

fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-d]{1,2}",
        1 => "(trace_id|span_id|error|error_type)",
        1 => "(field\\.){0,2}(ts|name|err|trace|@stack)",
        1 => "(timestamp|level|target|event|message|run_id|schema_version|stack)",
        1 => "(field\\.){1,3}(level|event|message|a)",
        1 => "[a-c]{1}[._](ms|us|ns|millis|micros|nanos)",
        1 => ".{0,6}",
    ]
}

fn any_fields(len_max: usize) -> impl Strategy<Value = Vec<(String, Model)>> {
    vec((any_key(), tree()), 0..len_max)
}

/// The span id of W3C Trace Context.
fn padded(first: [u8; 8]) -> [u8; 16] {
    std::array::from_fn(|at| first.get(at).copied().unwrap_or(0))
}

fn any_event() -> impl Strategy<Value = Described> {
    let names = prop_oneof![
        4 => ("[a-z:]{0,9}", "[^{}]{1,12}"),
        1 => Just(("boot".to_owned(), "logging.configured".to_owned())),
    ];
    let head = (any::<i64>(), 0..6u8, names);
    // Few and many: from 17 keys on, repeated keys are found by another method.
    let many = vec((any_key(), any::<u64>().prop_map(Model::U64)), 10..40);
    let fields = prop_oneof![2 => any_fields(5), 1 => many];
    let flags = (any::<bool>(), prop::option::of(".{0,30}"), prop::option::of(any_fields(4)));
    let id = || {
        prop_oneof![
            Just([0; 16]),
            Just([7; 16]),
            any::<[u8; 16]>(),
            any::<[u8; 8]>().prop_map(padded)
        ]
    };
    let scope = (prop::option::of(any_fields(4)), prop::option::of((id(), id())));
    (head, fields, flags, scope, prop_oneof![Just(16_384u32), 0u32..20]).prop_map(
        |(
            (unix_nanos, level, (target, event)),
            mut fields,
            (is_dynamic, stack, bound),
            (ambient, ids),
            max,
        )| {
            if !is_dynamic {
                // Keys that the macros reject at compile time.
                let mut seen = std::collections::HashSet::new();
                fields.retain(|(key, _)| !key.is_empty() && seen.insert(key.clone()));
            }
            Described {
                unix_nanos,
                level: Level::ALL[usize::from(level)],
                target,
                event,
                fields,
                is_dynamic,
                stack: stack.filter(|_| !is_dynamic),
                bound,
                ambient,
                ids,
                value_bytes_max: max,
            }
        },
    )
}

/// Other keys for some members; no key for two.
fn any_keys() -> impl Strategy<Value = LineKeys> {
    let names = [
        (LineKey::Timestamp, "ts"),
        (LineKey::Level, "@level\""),
        (LineKey::Target, "name"),
        (LineKey::Event, "message"),
        (LineKey::RunId, "run"),
        (LineKey::SchemaVersion, "b"),
        (LineKey::TraceId, "trace"),
        (LineKey::SpanId, "event"),
        (LineKey::Error, "err"),
        (LineKey::Stack, "@stack"),
        (LineKey::SampleRate, "rate"),
    ];
    prop_oneof![
        1 => Just(vec![]),
        1 => prop::sample::subsequence(names.to_vec(), 0..=names.len()),
    ]
    .prop_map(|chosen| {
        let mut keys = LineKeys::default();
        for (of, key) in chosen {
            let is_free = LineKey::ALL.iter().all(|(other, _)| keys.get(*other) != key);
            if is_free {
                keys.set(of, key);
            }
        }
        keys
    })
}

fn any_options() -> impl Strategy<Value = JsonOptions> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let digits =
        prop_oneof![Just(Subsecond::Millis), Just(Subsecond::Micros), Just(Subsecond::Nanos)];
    let run_id_in = prop_oneof![Just(RunId::EveryLine), Just(RunId::BootEvent), Just(RunId::Off)];
    (("(|[a-z\"\\\\]{3})", any_keys()), flags, any::<u32>(), digits, run_id_in).prop_map(
        |((run_id, keys), flags, schema_version, subsecond, run_id_in)| {
            let (is_upper, is_long, sort_keys, omit_none) = flags;
            JsonOptions {
                keys,
                run_id,
                schema_version,
                run_id_in,
                level_case: if is_upper { LevelCase::Upper } else { LevelCase::Lower },
                level_words: if is_long { LevelWords::Warning } else { LevelWords::Warn },
                sort_keys,
                omit_none,
                subsecond,
                ..JsonOptions::default()
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_line_has_each_key_once_in_order(
        events in vec(any_event(), 1..4), options in any_options(), fields in any_fields(4),
    ) {
        let mut layout = flat(options.clone());
        layout.set_static_fields(&entries(Limits::default(), &fields)).unwrap();
        let shape = Shape::of(&options, fields);
        for event in &events {
            let line = line(&mut layout, event);
            let (found, expected) = (read(&line), expected(event, &shape));
            // A static field is written in the place of the absent field of its key.
            let is_moved = event.fields.iter().any(|(_, value)| *value == Model::Absent);
            if is_moved && !event.is_dynamic {
                prop_assert_eq!(found.sorted(), expected.sorted(), "{}", line);
            } else {
                prop_assert_eq!(found, expected, "{}", line);
            }
        }
    }

    #[test]
    fn sorting_keys_changes_only_their_order(
        event in any_event(), options in any_options(), fields in any_fields(4),
    ) {
        let line_of = |sort_keys| {
            let mut layout = flat(JsonOptions { sort_keys, ..options.clone() });
            layout.set_static_fields(&entries(Limits::default(), &fields)).unwrap();
            read(&line(&mut layout, &event))
        };
        let sorted = line_of(true);
        prop_assert!(sorted.is_sorted());
        prop_assert_eq!(sorted, line_of(false).sorted());
    }

    #[test]
    fn a_damaged_payload_never_affects_the_next_line(
        event in any_event(), damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        keep: prop::sample::Index, sort_keys: bool,
    ) {
        let mut payload = entries(event.limits(), &event.fields);
        payload.truncate(keep.index(payload.len() + 1));
        for (place, byte) in damage.iter().filter(|_| !payload.is_empty()).collect::<Vec<_>>() {
            let place = place.index(payload.len());
            payload[place] = *byte;
        }
        let source = Source::Dynamic { target: b"\xFF", event: b"\xC3\n" };
        let damaged = Event {
            unix_nanos: 0, level: Level::Info, source, payload: &payload, scope: None,
            has_stack: false, sample_rate: None,
        };
        let mut used = flat(JsonOptions { sort_keys, ..JsonOptions::default() });
        let mut bytes = Vec::new();
        if used.line(&damaged, &mut bytes).is_ok() {
            read(std::str::from_utf8(&bytes).unwrap());
        }
        let mut fresh = flat(JsonOptions { sort_keys, ..JsonOptions::default() });
        prop_assert_eq!(line(&mut used, &event), line(&mut fresh, &event));
    }

    #[test]
    fn a_console_line_is_one_line_without_controls(
        event in any_event(), color: bool, omit_none: bool, fields in any_fields(4),
        style in prop::sample::select(&STYLES[..]),
    ) {
        let options = ConsoleOptions { color, omit_none, ..ConsoleOptions::of(style) };
        let mut layout = Layout::Console(Box::new(ConsoleLayout::new(options)));
        layout.set_static_fields(&entries(Limits::default(), &fields)).unwrap();
        let mut line = line_of_text(&mut layout, &event);
        for sequence in ["[31m", "[32m", "[33m", "[35m", "[36m", "[41m", "[2m", "[0m"] {
            if color {
                line = line.replace(&format!("\u{1b}{sequence}"), "");
            }
        }
        let obeyed = |c: char| {
            c.is_control() || matches!(c, '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
        };
        prop_assert!(!line.contains(obeyed), "{:?}", line);
    }
}

const STYLES: [ConsoleStyle; 3] =
    [ConsoleStyle::Console, ConsoleStyle::Dashtam, ConsoleStyle::CloudDog];

fn line_of_text(layout: &mut Layout, described: &Described) -> String {
    let limits = described.limits();
    let payload = entries(limits, &described.fields);
    let bound = described.bound.as_ref().map(|fields| entries(limits, fields));
    let (target, event) = (described.target.as_bytes(), described.event.as_bytes());
    let context =
        bound.as_ref().map(|entries| Bound { entries, rendered: b"", key_bits: key_bits(entries) });
    let source = Source::Dynamic { target, event };
    let (unix_nanos, level) = (described.unix_nanos, described.level);
    let event = Event {
        unix_nanos,
        level,
        source,
        payload: &payload,
        scope: Some(&Scope { bound: context, ..Scope::default() }),
        has_stack: false,
        sample_rate: None,
    };
    let mut line = Vec::new();
    layout.line(&event, &mut line).unwrap();
    String::from_utf8(line).unwrap().strip_suffix('\n').unwrap().to_owned()
}
