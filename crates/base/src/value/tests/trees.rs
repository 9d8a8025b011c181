//! `serde::Serialize` values, compared with the output of `serde_json`.
use std::collections::BTreeMap;
use std::fmt;

use proptest::prelude::*;
use serde::Serialize;
use serde_json::Value as Json;

use super::{M, Model, write, write_bounded};
use crate::limits::Limits;
use crate::value::{SerdeValue, Value};

/// A tree that was read, as JSON.
fn json(value: &Model) -> Json {
    match value {
        M::Null => Json::Null,
        M::Bool(value) => (*value).into(),
        M::I64(value) => (*value).into(),
        M::U64(value) => (*value).into(),
        M::I128(value) => number(&value.to_string()),
        M::U128(value) => number(&value.to_string()),
        M::F64(bits) => serde_json::to_value(f64::from_bits(*bits)).unwrap(),
        M::F32(bits) => serde_json::to_value(f32::from_bits(*bits)).unwrap(),
        M::Char(value) => value.to_string().into(),
        M::Str(text) => text.clone().into(),
        M::Number(text) => number(text),
        M::Array(elements) => elements.iter().map(json).collect(),
        M::Map(entries) => {
            Json::Object(entries.iter().map(|(key, value)| (key.clone(), json(value))).collect())
        }
        other => panic!("not from serde: {other:?}"),
    }
}

fn number(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

fn check<T: Serialize>(value: T) {
    let written = write(&SerdeValue(&value), Limits::default(), 1 << 20);
    assert!(!written.is_cut && !written.is_full);
    assert_eq!(json(&written.read()), serde_json::to_value(&value).unwrap());
}

#[derive(Serialize, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Id(u64);

#[derive(Serialize)]
enum Shape {
    Point,
    Circle(f64),
    Box(u32, u32),
    Poly { corners: Vec<(i32, i32)>, open: bool },
}

#[derive(Serialize)]
struct Nothing;

#[derive(Serialize)]
struct Order<'a> {
    id: Id,
    #[serde(rename = "type")]
    kind: &'a str,
    price: Option<f32>,
    note: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<&'a str>,
    shapes: Vec<Shape>,
    big: (i128, u128, char, (), Nothing),
    #[serde(flatten)]
    more: BTreeMap<&'a str, u8>,
}

#[test]
fn composite_types_match_serde_json() {
    check(Order {
        id: Id(7),
        kind: "limit",
        price: Some(0.5),
        note: None,
        tags: vec![],
        shapes: vec![
            Shape::Point,
            Shape::Circle(1.5),
            Shape::Box(1, 2),
            Shape::Poly { corners: vec![(0, 0), (-1, 2)], open: true },
        ],
        big: (i128::MIN, u128::MAX, 'ß', (), Nothing),
        more: BTreeMap::from([("x", 1), ("y", 2)]),
    });
}

#[test]
fn keys_of_every_kind_in_json() {
    check(BTreeMap::from([(1u8, 1), (2, 2)]));
    check(BTreeMap::from([(-1i128, 1)]));
    check(BTreeMap::from([(true, 1), (false, 2)]));
    check(BTreeMap::from([('x', 1)]));
    check(BTreeMap::from([(Id(3), 1)]));
    check(BTreeMap::from([(std::net::Ipv4Addr::LOCALHOST, 1)]));
    struct Float(f64);
    impl Serialize for Float {
        fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            to.collect_map([(self.0, 1)])
        }
    }
    check(Float(0.5));
}

#[test]
fn a_non_text_key_becomes_a_message() {
    let written = write_bounded(&SerdeValue(BTreeMap::from([([1, 2], 3)])), Limits::default());
    let expected = "cannot be serialized: a map's key must be a text or a number";
    assert_eq!(written.read(), M::Str(expected.into()));
}

#[test]
fn a_failing_implementation_writes_its_error_message() {
    struct Broken;
    impl Serialize for Broken {
        fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            use serde::ser::{Error, SerializeSeq};
            let mut sequence = to.serialize_seq(None)?;
            sequence.serialize_element("half")?;
            Err(S::Error::custom(format_args!("{} ran out", "ink")))
        }
    }
    for (value, expected) in [
        (&SerdeValue(Broken) as &dyn Value, M::Str("cannot be serialized: ink ran out".into())),
        (&SerdeValue(vec![Some(Broken)]), M::Str("cannot be serialized: ink ran out".into())),
    ] {
        let written = write_bounded(value, Limits::default());
        assert_eq!((written.read(), written.is_cut), (expected, true));
    }
}

#[test]
fn numbers_of_arbitrary_precision_stay_numbers() {
    check(serde_json::from_str::<Json>(r#"{"a": 1.10, "b": [1e400, 7], "c": "1.10"}"#).unwrap());
    let raw = write_bounded(&SerdeValue(Display("1.10")), Limits::default()).read();
    assert_eq!(raw, M::Str("1.10".into()));
}

/// Serialized by its `Display`.
struct Display(&'static str);

impl Serialize for Display {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{}", self.0))
    }
}

/// A list with the given depth of nesting.
struct Deep(u32);

impl Serialize for Deep {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.0 == 0 { to.serialize_unit() } else { to.collect_seq([Deep(self.0 - 1)]) }
    }
}

#[test]
fn a_tree_deeper_than_the_limit_ends_there() {
    let limits = Limits { depth_max: 3, ..Limits::default() };
    let written = write_bounded(&SerdeValue(Deep(1_000_000)), limits);
    let expected = [0; 3].iter().fold(M::Deep, |inner, _| M::Array(vec![inner]));
    assert_eq!((written.read(), written.is_cut), (expected, true));
}

#[test]
fn a_tree_over_its_limit_leaves_room() {
    let list: Vec<u64> = (0..1000).collect();
    let map: BTreeMap<String, Shape> = (0..100)
        .map(|index| (format!("key{index}"), Shape::Poly { corners: vec![(1, 2)], open: true }))
        .collect();
    let trees: [&dyn Value; 3] =
        [&SerdeValue(&list), &SerdeValue(&map), &SerdeValue(Shape::Box(1, 2))];
    for tree in trees {
        for max in 0..200 {
            let limits = Limits::default().with_value_bytes_max(max);
            let written = write_bounded(tree, limits);
            written.read();
            assert!(written.is_cut || max > 20);
        }
    }
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        prop::num::f64::NORMAL.prop_map(Json::from),
        ".{0,20}".prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            prop::collection::btree_map(".{0,6}", inner, 0..6)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_tree_matches_serde_json(value in any_json()) {
        check(value);
    }

    #[test]
    fn a_truncated_tree_is_always_readable(value in any_json(), max in 0u32..200) {
        write_bounded(&SerdeValue(&value), Limits::default().with_value_bytes_max(max)).read();
    }
}

#[test]
fn a_failure_message_is_cut_between_characters() {
    struct Broken;
    impl Serialize for Broken {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("ä".repeat(200)))
        }
    }
    impl fmt::Display for Broken {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("broken")
        }
    }
    let M::Str(text) = write_bounded(&SerdeValue(Broken), Limits::default()).read() else {
        panic!("no text");
    };
    let kept = text.strip_prefix("cannot be serialized: ").unwrap();
    assert!(kept.len() > 60 && kept.len() < 200 && kept.chars().all(|c| c == 'ä'), "{kept}");
}
