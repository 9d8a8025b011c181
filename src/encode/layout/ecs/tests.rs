//! Lines read back, planned lines beside those of the tree, and the tree beside a model.
use proptest::collection::vec;
use proptest::prelude::*;

use self::model::{Member, merged};
use super::*;
use crate::core::callsite::{Callsite, Metadata};
use crate::core::correlation::Correlation;
use crate::core::registry;
use crate::encode::layout::tests::json::{Json, read};
use crate::encode::layout::{Bound, RunId, Scope, key_bits};
use ringseal_base::limits::Limits;
use ringseal_base::value::model::{Model, tree};
use ringseal_base::value::{Value, ValueWriter};

mod golden;
mod meanings;
mod model;
mod places;
mod plans;
mod table;

/// 2025-01-13T10:30:00.000Z.
const TIME: i64 = 1_736_764_200_000_000_000;

/// Fields of an event or of a context.
type Fields = Vec<(String, Model)>;

/// The parts of an event.
#[derive(Debug, Clone, Default)]
struct Described {
    fields: Fields,
    bound: Option<Fields>,
    ambient: Option<Fields>,
    ids: Option<([u8; 16], [u8; 16])>,
    sample_rate: Option<f64>,
}

fn fields<const N: usize>(of: [(&str, Model); N]) -> Fields {
    of.map(|(key, value)| (key.to_owned(), value)).into()
}

fn text(text: &str) -> Model {
    Model::Str(text.into())
}

fn map<const N: usize>(of: [(&str, Model); N]) -> Model {
    Model::Map(fields(of))
}

fn written(fill: impl FnOnce(&mut ValueWriter<'_>)) -> Vec<u8> {
    let mut bytes = vec![0; 1 << 18];
    let mut out = ValueWriter::new(&mut bytes, Limits::default());
    fill(&mut out);
    assert!(!out.is_full());
    let len = out.len_bytes();
    bytes.truncate(len);
    bytes
}

fn entries(of: &Fields) -> Vec<u8> {
    written(|out| of.iter().for_each(|(key, value)| out.entry(key, value)))
}

fn values(of: &Fields) -> Vec<u8> {
    written(|out| of.iter().for_each(|(_, value)| value.write(out)))
}

fn leak(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

fn callsite(target: &str, event: &str, of: &Fields) -> &'static Callsite {
    let keys: Vec<&str> = of.iter().map(|(key, _)| leak(key)).collect();
    let site = Box::leak(Box::new(Callsite::new(Metadata {
        level: Level::Info,
        event: leak(event),
        target: leak(target),
        file: "src/pay.rs",
        line: 17,
        keys: Box::leak(keys.into_boxed_slice()),
    })));
    registry::assign_id(site);
    site
}

/// Without the identifier of the run.
fn settings() -> JsonOptions {
    JsonOptions { run_id_in: RunId::Off, ..JsonOptions::default() }
}

fn layout(options: EcsOptions) -> EcsLayout {
    EcsLayout::new(options, settings())
}

/// A context as the writer keeps it.
struct Context {
    entries: Vec<u8>,
    rendered: Vec<u8>,
}

impl Context {
    fn new(layout: &mut EcsLayout, of: &Fields) -> Self {
        let entries = entries(of);
        let mut rendered = Vec::new();
        layout.bound(&entries, &mut rendered).unwrap();
        Self { entries, rendered }
    }

    fn bound(&self) -> Bound<'_> {
        let key_bits = key_bits(&self.entries);
        Bound { entries: &self.entries, rendered: &self.rendered, key_bits }
    }
}

/// Calls `work` with the event of a call site.
fn with_event<R>(
    layout: &mut EcsLayout,
    site: &'static Callsite,
    of: &Described,
    work: impl FnOnce(&mut EcsLayout, &Event<'_>) -> R,
) -> R {
    with_source(layout, Source::Site(site), &values(&of.fields), of, work)
}

fn with_source<R>(
    layout: &mut EcsLayout,
    source: Source<'_>,
    payload: &[u8],
    of: &Described,
    work: impl FnOnce(&mut EcsLayout, &Event<'_>) -> R,
) -> R {
    let bound = of.bound.as_ref().map(|fields| Context::new(layout, fields));
    let ambient = of.ambient.as_ref().map(|fields| Context::new(layout, fields));
    let scope = Scope {
        bound: bound.as_ref().map(Context::bound),
        ambient: ambient.as_ref().map(Context::bound),
        correlation: of.ids.map(|(trace, span)| Correlation::new(trace, span)),
    };
    let is_in_scope = bound.is_some() || ambient.is_some() || of.ids.is_some();
    let event = Event {
        unix_nanos: TIME,
        level: Level::Info,
        source,
        payload,
        scope: is_in_scope.then_some(&scope),
        has_stack: false,
        sample_rate: of.sample_rate,
    };
    work(layout, &event)
}

/// The line of an event, as the writer makes it; checks that a plan and the tree give the same bytes.
fn line_of(layout: &mut EcsLayout, site: &'static Callsite, of: &Described) -> String {
    with_event(layout, site, of, |layout, event| {
        let (mut first, mut again, mut tree) = (b"before\n".to_vec(), Vec::new(), Vec::new());
        layout.line(event, &mut first).unwrap();
        layout.line(event, &mut again).unwrap();
        layout.line_of_tree(event, &mut tree).unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        assert_eq!(text(&first[7..]), text(&tree), "the first line and that of the tree");
        assert_eq!(text(&again), text(&tree), "a planned line and that of the tree");
        text(&tree).strip_suffix('\n').unwrap().to_owned()
    })
}

/// The line of an event from a call site that no other event has.
fn line(layout: &mut EcsLayout, of: &Described) -> String {
    let site = callsite("core.payment.views", "payment_processed", &of.fields);
    line_of(layout, site, of)
}

/// The members after those that every line has.
fn members(line: &str) -> &str {
    let (_, members) = line.split_once("\"log.logger\":\"core.payment.views\"").unwrap();
    members.strip_suffix('}').unwrap().trim_start_matches(',')
}

fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[ab](\\.[abc]){0,3}",
        2 => "(user|http|error|event|source|client|labels|extra|payment|trace|log|ecs_event|geo|service)",
        2 => "(user|http|labels|extra|payment|trace|ecs_event|client)\\.(id|name|ip|request|geo|a)(\\.[ab])?",
        1 => "(level|message|timestamp|session_id|view|trace_id|span_id|user_id|ip|outcome|duration_ms|tags|headers|value)",
        1 => "(http.request|http.request.method|http.response.status_code|client.ip|event.category|dns.answers)",
        1 => ".{0,4}",
    ]
}

fn any_fields(len_max: usize) -> impl Strategy<Value = Fields> {
    vec((any_key(), any_value()), 0..len_max)
}

fn any_value() -> impl Strategy<Value = Model> {
    let map = vec((any_key(), prop_oneof![tree(), any::<u64>().prop_map(Model::U64)]), 0..4);
    prop_oneof![
        3 => any::<u64>().prop_map(Model::U64),
        2 => "[a-z\"\\\\é]{0,40}".prop_map(Model::Str),
        1 => Just(text("10.0.0.1")),
        1 => tree(),
        2 => map.prop_map(Model::Map),
    ]
}

fn any_described() -> impl Strategy<Value = Described> {
    let id = || prop_oneof![Just([0; 16]), any::<[u8; 16]>()];
    let scope = (prop::option::of(any_fields(4)), prop::option::of(any_fields(4)));
    (any_fields(6), scope, prop::option::of((id(), id())), prop::option::of(0.0..1.0)).prop_map(
        |(mut fields, (bound, ambient), ids, sample_rate)| {
            let mut seen = std::collections::HashSet::new();
            fields.retain(|(key, _)| !key.is_empty() && seen.insert(key.clone()));
            Described { fields, bound, ambient, ids, sample_rate }
        },
    )
}

/// Other values with the same keys.
fn changed(fields: &Fields, values: &[Model]) -> Fields {
    let keys = fields.iter().map(|(key, _)| key.clone());
    keys.zip(values.iter().cloned().chain(std::iter::repeat(Model::Null))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn a_planned_line_equals_that_of_the_tree(
        described in any_described(), others in vec(vec(any_value(), 0..6), 1..4),
        fields in any_fields(3), omit_none: bool, has_call_site: bool,
    ) {
        let settings = JsonOptions { omit_none, ..settings() };
        let options = EcsOptions::new().service("pay", "1.4.2").call_site(has_call_site);
        let mut layout = EcsLayout::new(options, settings);
        layout.set_static_fields(&entries(&fields));
        let site = callsite("app", "seen", &described.fields);
        check_line(&line_of(&mut layout, site, &described));
        for values in others {
            // The same call site with values of other kinds.
            let fields = changed(&described.fields, &values);
            let bound = described.bound.as_ref().map(|bound| changed(bound, &values));
            check_line(&line_of(&mut layout, site, &Described { fields, bound, ..described.clone() }));
            check_line(&line_of(&mut layout, site, &described));
        }
    }

    #[test]
    fn each_leaf_is_of_the_nearest_source(
        own in vec((path_key(), simple()), 0..6),
        bound in vec((path_key(), simple()), 0..6),
        ambient in vec((path_key(), simple()), 0..6),
    ) {
        let mut own = own;
        let mut seen = std::collections::HashSet::new();
        own.retain(|(key, _)| seen.insert(key.clone()));
        let expected = merged(&[&own, &bound, &ambient]);
        let described = Described { fields: own, bound: Some(bound), ambient: Some(ambient), ..Described::default() };
        let line = line(&mut layout(EcsOptions::new()), &described);
        let found = read(&line);
        let found = found.get("extra").map_or(Member::Object(Vec::new()), Member::from_json);
        prop_assert_eq!(found, expected, "{}", line);
    }

    #[test]
    fn damaged_bytes_are_an_error_or_a_line(
        described in any_described(), damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        keep: prop::sample::Index, is_dynamic: bool,
    ) {
        let mut layout = layout(EcsOptions::new());
        let mut payload = if is_dynamic { entries(&described.fields) } else { values(&described.fields) };
        payload.truncate(keep.index(payload.len() + 1));
        for (place, byte) in damage.iter().filter(|_| !payload.is_empty()).collect::<Vec<_>>() {
            let place = place.index(payload.len());
            payload[place] = *byte;
        }
        let site = callsite("app", "seen", &described.fields);
        let source = match is_dynamic {
            true => Source::Dynamic { target: b"\xFF", event: b"\xC3\n" },
            false => Source::Site(site),
        };
        for _ in 0..2 {
            let mut bytes = Vec::new();
            let result = with_source(&mut layout, source, &payload, &described, |layout, event| {
                layout.line(event, &mut bytes)
            });
            if result.is_ok() {
                read(std::str::from_utf8(&bytes).unwrap());
            }
        }
        let described = Described { bound: None, ambient: None, ..described };
        let mut fresh = self::layout(EcsOptions::new());
        prop_assert_eq!(line_of(&mut layout, site, &described), line_of(&mut fresh, site, &described));
    }
}

/// Keys that are prefixes of each other, all below `extra`.
fn path_key() -> impl Strategy<Value = String> {
    "[ab](\\.[ab]){0,2}"
}

fn simple() -> impl Strategy<Value = Model> {
    let leaf = any::<u16>().prop_map(|number| Model::U64(u64::from(number)));
    leaf.prop_recursive(2, 8, 3, |inner| vec((path_key(), inner), 0..3).prop_map(Model::Map))
}

/// What every line promises: no key twice, only allowed members, objects where the schema has them.
fn check_line(line: &str) {
    let json = read(line);
    let Json::Map(members) = &json else { panic!("{line}") };
    for (key, value) in members {
        let is_object = matches!(value, Json::Map(_));
        let is_allowed = match key.as_str() {
            "@timestamp" | "log.level" | "message" | "ecs.version" | "log.logger" => !is_object,
            "session_id" | "merchant_id" | "view" => !is_object,
            "payload" | "headers" | "sample_rate" => true,
            "tags" => !is_object,
            "extra" | "labels" | "project" | "payment" | "parent" => is_object,
            other => rules::is_schema_root(other.as_bytes()) && is_object,
        };
        assert!(is_allowed, "{key} in {line}");
        if let ("labels", Json::Map(labels)) = (key.as_str(), value) {
            let is_flat = |value: &Json| !matches!(value, Json::Map(_) | Json::Array(_));
            assert!(
                labels.iter().all(|(key, value)| is_flat(value) && !key.contains(['.', '*', '\\'])),
                "{line}"
            );
        }
        check_objects(key, value, line);
    }
    let has = |key: &str| json.get(key).is_some();
    assert!(has("@timestamp") && has("log.level") && has("ecs.version"), "{line}");
}

/// The schema's objects are objects, and its fields are not.
fn check_objects(path: &str, value: &Json, line: &str) {
    let Json::Map(members) = value else { return };
    if !rules::is_schema_root(path.split('.').next().unwrap().as_bytes()) {
        return;
    }
    for (key, value) in members {
        let path = format!("{path}.{key}");
        let is_single = !matches!(value, Json::Map(_) | Json::Array(_) | Json::Null);
        if is_object(path.as_bytes()) && field_type(path.as_bytes()) != Some(FieldType::GeoPoint) {
            assert!(!is_single, "{path} in {line}");
        } else if field_type(path.as_bytes()).is_some_and(|it| it != FieldType::GeoPoint) {
            assert!(!matches!(value, Json::Map(_)), "{path} in {line}");
        }
        check_objects(&path, value, line);
    }
}
