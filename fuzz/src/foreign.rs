//! Reads any bytes as part of a ring, as recovery finds them after a crash.
use ringseal::internals::core::callsite::{Callsite, Metadata};
use ringseal::internals::core::record::{
    CONTEXT_ID_BYTES, HEADER_BYTES, Kind, Record, split_extras,
};
use ringseal::internals::core::registry;
use ringseal::internals::core::value::{ValueRef, Values};
use ringseal::internals::encode::layout::{
    AuditMembers, Bound, ConsoleLayout, ConsoleOptions, ConsoleStyle, EcsLayout, Event, JsonLayout,
    JsonOptions, Layout, Profile, Scope, Source, key_bits,
};
use ringseal::{Correlation, EcsOptions, Level};

const fn site(keys: &'static [&'static str]) -> Callsite {
    let (level, event, target) = (Level::Info, "seen", "fuzz");
    Callsite::new(Metadata { level, event, target, file: file!(), line: line!(), keys })
}

static SITES: [Callsite; 4] = [
    site(&[]),
    site(&["a"]),
    site(&["error", "took_ms", "user.id", "a b"]),
    site(&["level", "field.level", "stack", "event"]),
];

/// Reads the records as the writer does, and renders each in every layout.
///
/// # Panics
/// If anything panics, or a JSON line is invalid.
pub fn ring_stretch(bytes: &[u8]) {
    SITES.iter().for_each(registry::assign_id);
    let mut options = JsonOptions::default();
    options.run_id = "r".into();
    let mut sorted = options.clone();
    sorted.sort_keys = true;
    let ecs = EcsLayout::new(EcsOptions::new().service("fuzz", "1"), options.clone());
    let profiles = [Profile::STRUCTLOG, Profile::STDLIB_JSON, Profile::CLOUD_DOG_JSON];
    let options = [options, sorted].into_iter().chain(profiles.map(JsonOptions::of));
    let json = options.map(|options| Layout::Json(Box::new(JsonLayout::new(options))));
    let styles = [ConsoleStyle::Console, ConsoleStyle::Dashtam, ConsoleStyle::CloudDog];
    let text = styles.map(|style| ConsoleLayout::new(ConsoleOptions::of(style)));
    let text = text.map(|layout| Layout::Console(Box::new(layout)));
    let ecs = Layout::Ecs(Box::new(ecs));
    let mut layouts: Vec<Layout> = json.chain(text).chain([ecs]).collect();
    let mut contexts = Contexts::default();
    let mut rest = bytes;
    while rest.len() >= HEADER_BYTES {
        match Record::read(rest) {
            Ok(record) => {
                take(&record, &mut layouts, &mut contexts);
                rest = &rest[record.len_bytes..];
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                rest = &rest[8..];
            }
        }
    }
}

/// The entries of the last context of each table.
#[derive(Default)]
struct Contexts {
    bound: Vec<u8>,
    ambient: Vec<u8>,
}

fn take(record: &Record<'_>, layouts: &mut [Layout], contexts: &mut Contexts) {
    let header = &record.header;
    let mut payload = record.payload;
    let source = match header.kind {
        Kind::Context => {
            let context = match header.slots.ambient() {
                0 => &mut contexts.bound,
                _ => &mut contexts.ambient,
            };
            context.clear();
            let Some((_id, payload)) = payload.split_first_chunk::<CONTEXT_ID_BYTES>() else {
                return;
            };
            let mut rendered = Vec::new();
            let is_read = layouts.iter_mut().all(|l| l.bound(payload, &mut rendered).is_ok());
            // The writer does not accept a definition that cannot be rendered.
            if is_read {
                context.extend_from_slice(payload);
            }
            return;
        }
        Kind::Thread => {
            while ValueRef::read(&mut payload).is_ok_and(|value| walk(value, 0)) {}
            return;
        }
        Kind::Audit => {
            // As in the writer: the entries of a map are members of an entry that the parser accepts.
            let (mut members, mut text) = (AuditMembers::default(), Vec::new());
            if members.write(payload, 1 << 16, &mut text).is_ok() {
                std::str::from_utf8(&text).expect("members are UTF-8");
            }
            return;
        }
        Kind::Event => Source::Site(&SITES[header.callsite as usize % SITES.len()]),
        Kind::Dynamic => {
            let (Some(target), Some(event)) = (text(&mut payload), text(&mut payload)) else {
                return;
            };
            Source::Dynamic { target, event }
        }
    };
    let Ok((payload, extras)) = split_extras(header, payload) else { return };
    let correlation = extras.correlation.map(Correlation::from_bytes);
    for layout in layouts {
        let (mut bound_line, mut ambient_line) = (Vec::new(), Vec::new());
        let bound = bound_fields(layout, &contexts.bound, &mut bound_line);
        let ambient = bound_fields(layout, &contexts.ambient, &mut ambient_line);
        let scope = Scope {
            bound: bound.filter(|_| header.slots.bound() != 0),
            ambient: ambient.filter(|_| header.slots.ambient() != 0),
            correlation,
        };
        let is_in_scope = header.slots.any() || correlation.is_some();
        let event = Event {
            unix_nanos: header.ticks as i64,
            level: header.level,
            source,
            payload,
            scope: is_in_scope.then_some(&scope),
            has_stack: header.has_stack,
            sample_rate: extras.sample_rate,
        };
        let mut line = Vec::new();
        if layout.line(&event, &mut line).is_ok() {
            check(layout, &line);
        }
    }
}

/// The fields of a context as this layout renders them.
fn bound_fields<'a>(
    layout: &mut Layout,
    entries: &'a [u8],
    rendered: &'a mut Vec<u8>,
) -> Option<Bound<'a>> {
    layout.bound(entries, rendered).ok()?;
    Some(Bound { entries, rendered, key_bits: key_bits(entries) })
}

fn text<'a>(payload: &mut &'a [u8]) -> Option<&'a [u8]> {
    match ValueRef::read(payload).ok()? {
        ValueRef::Str(text) | ValueRef::StrCut(text, _) => Some(text),
        _ => Some(b""),
    }
}

fn check(layout: &Layout, line: &[u8]) {
    match layout {
        Layout::Json(_) | Layout::Ecs(_) => {
            super::json_of(line);
        }
        Layout::Console(_) => {
            let text = std::str::from_utf8(line).expect("a line is UTF-8");
            let inside = text.strip_suffix('\n').expect("a line ends in a newline");
            assert!(!inside.contains(char::is_control), "{inside:?}");
        }
    }
}

/// Reads everything that can be reached; always true.
fn walk(value: ValueRef<'_>, depth: u32) -> bool {
    let each = |mut values: Values<'_>| values.all(|v| v.is_ok_and(|v| walk(v, depth + 1)));
    match value {
        ValueRef::Array(values) | ValueRef::Error(values) if depth < 100 => {
            each(values);
        }
        ValueRef::Map(mut entries) if depth < 100 => {
            entries.all(|entry| entry.is_ok_and(|(_, value)| walk(value, depth + 1)));
        }
        _ => {}
    }
    true
}
