//! Each value is written, read back, and compared with a tree that a simple model truncates.
use std::net::SocketAddrV6;
use std::time::{Duration, UNIX_EPOCH};

use proptest::collection::vec;
use proptest::prelude::*;

use super::model::Model as M;
use super::model::{Model, model, tree};
use super::*;

mod errors;
#[cfg(feature = "serde")]
mod trees;

/// The bytes written for one value into a buffer of `room` bytes.
pub(super) struct Written {
    pub(super) bytes: Vec<u8>,
    pub(super) is_cut: bool,
    pub(super) is_full: bool,
}

impl Written {
    pub(super) fn read(&self) -> Model {
        let mut rest = &self.bytes[..];
        let value = model(ValueRef::read(&mut rest).unwrap()).unwrap();
        assert_eq!(rest, b"", "one value and nothing else");
        value
    }
}

pub(super) fn write(value: &dyn Value, limits: Limits, room: usize) -> Written {
    let mut bytes = vec![0xA5; room];
    let mut out = ValueWriter::new(&mut bytes, limits);
    value.write(&mut out);
    let (len, is_cut, is_full) = (out.len_bytes(), out.is_cut(), out.is_full());
    bytes.truncate(len);
    Written { bytes, is_cut, is_full }
}

/// The bytes written into a buffer of exactly the size that the value requires.
pub(super) fn write_bounded(value: &dyn Value, limits: Limits) -> Written {
    let written = write(value, limits, value.size_bytes_max(&limits));
    assert!(!written.is_full, "the bound that the value promised is too small");
    assert_fast_path_writes_the_same(value, limits, &written);
    written
}

/// The fast path for plain values must write the same bytes as the general path, in the space that it requires.
fn assert_fast_path_writes_the_same(value: &dyn Value, limits: Limits, written: &Written) {
    let len = plain_bytes_within(value, &limits);
    if len >= NOT_PLAIN {
        return;
    }
    assert!(!written.is_cut, "what is cut is not plain");
    let mut bytes = vec![0xA5; len + 1];
    assert_eq!(*value.put(&mut bytes), [0xA5], "the rest begins after the value");
    assert_eq!(bytes[..len], written.bytes);
    for room in 0..len {
        value.put(&mut bytes[..room]);
    }
}

/// The value as the limits truncate it.
fn cut(value: &Model, limits: &Limits, depth: u8) -> Model {
    let max = limits.value_bytes_max as usize;
    match value {
        M::Str(text) | M::Number(text) if text.len() > max => {
            let mut kept = text.clone();
            while kept.len() > max {
                kept.pop();
            }
            M::StrCut(kept, text.len() as u32)
        }
        M::Bytes(bytes) if bytes.len() > max => {
            M::BytesCut(bytes[..max].to_vec(), bytes.len() as u32)
        }
        M::Array(_) | M::Map(_) | M::Pii(..) if depth >= limits.depth_max => M::Deep,
        M::Pii(kind, inner) => M::Pii(*kind, Box::new(cut(inner, limits, depth + 1))),
        M::Array(elements) => {
            M::Array(elements.iter().map(|element| cut(element, limits, depth + 1)).collect())
        }
        M::Map(entries) => {
            let entries = entries.iter().filter(|(_, value)| *value != M::Absent);
            M::Map(entries.map(|(k, v)| (k.clone(), cut(v, limits, depth + 1))).collect())
        }
        other => other.clone(),
    }
}

/// The value without the entries of maps whose values are absent.
fn present(value: &Model) -> Model {
    cut(value, &Limits { value_bytes_max: u32::MAX, depth_max: u8::MAX, ..Limits::default() }, 0)
}

/// Whether `part` is `whole` without some values at the ends of containers, or with truncated texts.
fn is_part(part: &Model, whole: &Model) -> bool {
    match (part, whole) {
        (M::Array(part), M::Array(whole)) => {
            part.len() <= whole.len() && part.iter().zip(whole).all(|(p, w)| is_part(p, w))
        }
        (M::Map(part), M::Map(whole)) => {
            let mut rest = whole.iter();
            part.iter().all(|(key, value)| {
                rest.any(|(other, whole)| other == key && is_part(value, whole))
            })
        }
        (M::Pii(part, inner), M::Pii(whole, whole_inner)) => {
            part == whole && is_part(inner, whole_inner)
        }
        _ => part == whole,
    }
}

/// Reads every nested value.
fn walk(value: ValueRef<'_>, depth: u32) {
    match value {
        ValueRef::Array(values) | ValueRef::Error(values) if depth < 64 => {
            values.flatten().for_each(|value| walk(value, depth + 1));
        }
        ValueRef::Map(entries) if depth < 64 => {
            entries.flatten().for_each(|(_, value)| walk(value, depth + 1));
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn written_values_read_back_within_the_limits(
        value in tree(), value_bytes_max in 0u32..64, depth_max in 0u8..7,
    ) {
        let limits = Limits { value_bytes_max, depth_max, ..Limits::default() };
        let written = write_bounded(&value, limits);
        let expected = cut(&value, &limits, 0);
        prop_assert_eq!(written.is_cut, expected != present(&value));
        prop_assert_eq!(written.read(), expected);
    }

    #[test]
    fn containers_without_space_end_early_and_are_marked(value in tree(), room in 0usize..300) {
        let written = write(&value, Limits::default(), room);
        if written.is_full {
            prop_assert_eq!(written.bytes.len(), 0);
        } else {
            let read = written.read();
            prop_assert!(is_part(&read, &value), "{:?} of {:?}", read, value);
            prop_assert_eq!(written.is_cut, read != present(&value));
        }
    }

    #[test]
    fn any_bytes_are_values_or_a_typed_error(bytes in vec(any::<u8>(), 0..200)) {
        Values(&bytes).flatten().for_each(|value| walk(value, 0));
        Entries(&bytes).flatten().for_each(|(_, value)| walk(value, 0));
    }

    #[test]
    fn a_damaged_value_is_read_or_an_error(
        value in tree(), damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), keep: prop::sample::Index,
    ) {
        let mut bytes = write_bounded(&value, Limits::default()).bytes;
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        bytes.truncate(keep.index(bytes.len() + 1));
        Values(&bytes).flatten().for_each(|value| walk(value, 0));
    }

    #[test]
    fn numbers_are_what_a_json_reader_accepts(text in "[-+0-9.eE]{0,8}") {
        let is_number = serde_json::from_str::<serde_json::Number>(&text).is_ok();
        prop_assert_eq!(Number(&text).is_json(), is_number, "{}", text);
    }

    #[test]
    fn formatted_texts_are_cut_at_a_character(text in ".{0,60}", max in 0u32..80) {
        let limits = Limits::default().with_value_bytes_max(max);
        let expected = match cut(&M::Str(text.clone()), &limits, 0) {
            // The length of the whole text is unknown.
            M::StrCut(kept, _) => M::StrCut(kept, 0),
            whole => whole,
        };
        for value in [&DisplayValue(&text) as &dyn Value, &format_args!("{text}")] {
            let written = write_bounded(value, limits);
            prop_assert_eq!(written.is_cut, matches!(expected, M::StrCut(..)));
            prop_assert_eq!(written.read(), expected.clone());
        }
        let debug = write_bounded(&DebugValue(&text), Limits::default()).read();
        prop_assert_eq!(debug, M::Str(format!("{text:?}")));
    }
}

#[test]
fn a_display_without_end_ends_at_the_limit() {
    struct Endless;
    impl std::fmt::Display for Endless {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            loop {
                f.write_str("again ")?;
            }
        }
    }
    let written = write_bounded(&DisplayValue(Endless), Limits::default().with_value_bytes_max(16));
    assert_eq!(written.read(), M::StrCut("again again agai".into(), 0));
}

#[test]
fn a_failing_display_is_marked() {
    struct Broken;
    impl std::fmt::Display for Broken {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("half")?;
            Err(std::fmt::Error)
        }
    }
    let written = write_bounded(&DisplayValue(Broken), Limits::default());
    assert_eq!((written.read(), written.is_cut), (M::StrCut("half".into(), 0), true));
}

#[test]
fn every_standard_library_type_has_its_value() {
    use std::borrow::Cow;
    use std::collections::{BTreeMap, HashMap};
    use std::num::{NonZeroI32, NonZeroU8, NonZeroUsize};
    use std::rc::Rc;
    use std::sync::Arc;
    let text = || M::Str("x".into());
    let numbers = || M::Array(vec![M::U64(1), M::U64(2)]);
    let map = || M::Map(vec![("k".into(), M::I64(7))]);
    let mut mutable = 7u8;
    let scoped = SocketAddrV6::new("fe80::1".parse().unwrap(), 443, 0, 3);
    let cases: Vec<(Box<dyn Value + '_>, Model)> = vec![
        (Box::new(-7i8), M::I64(-7)),
        (Box::new(-7i16), M::I64(-7)),
        (Box::new(-7i32), M::I64(-7)),
        (Box::new(-7isize), M::I64(-7)),
        (Box::new(7u16), M::U64(7)),
        (Box::new(7u32), M::U64(7)),
        (Box::new(7usize), M::U64(7)),
        (Box::new(&mut mutable), M::U64(7)),
        (Box::new(NonZeroU8::MAX), M::U64(255)),
        (Box::new(NonZeroI32::MIN), M::I64(i64::from(i32::MIN))),
        (Box::new(NonZeroUsize::MIN), M::U64(1)),
        (Box::new("x"), text()),
        (Box::new(String::from("x")), text()),
        (Box::new(Cow::Borrowed("x")), text()),
        (Box::new(Box::<str>::from("x")), text()),
        (Box::new(Arc::<str>::from("x")), text()),
        (Box::new(Rc::<str>::from("x")), text()),
        (Box::new(Some(&&"x")), text()),
        (Box::new(Option::<String>::None), M::Null),
        (Box::new(*b"x\xFF"), M::Bytes(b"x\xFF".into())),
        (Box::new(b"x\xFF".as_slice()), M::Bytes(b"x\xFF".into())),
        (Box::new([1u16, 2]), numbers()),
        (Box::new([1u64, 2].as_slice()), numbers()),
        (Box::new(vec![Some(1u32), Some(2)]), numbers()),
        (Box::new(Arc::new([1u32, 2])), numbers()),
        (Box::new([[1u32, 2], [1, 2]]), M::Array(vec![numbers(), numbers()])),
        (Box::new([&1u8 as &dyn Value, &"x"]), M::Array(vec![M::U64(1), text()])),
        (Box::new(Map(&[("k", &7i64)])), map()),
        (Box::new(BTreeMap::from([("k", 7i64)])), map()),
        (Box::new(HashMap::from([(String::from("k"), 7i32)])), map()),
        (Box::new(vec![BTreeMap::from([("k", 7i64)])]), M::Array(vec![map()])),
        (Box::new(std::net::IpAddr::from([127, 0, 0, 1])), M::Ipv4([127, 0, 0, 1])),
        (
            Box::new(std::net::SocketAddr::from(([127, 0, 0, 1], 80))),
            M::SocketV4([127, 0, 0, 1], 80),
        ),
        (Box::new(Maybe(Some("x"))), text()),
        (Box::new(Maybe(None::<&str>)), M::Absent),
        (Box::new([Maybe(Some(1u64)), Maybe(None)]), M::Array(vec![M::U64(1), M::Absent])),
        (Box::new(since(Start::from_ticks(7))), M::Since(7)),
        (Box::new(Timer::since(Start::from_ticks(7))), M::SinceMicros(7)),
        (Box::new(scoped), M::Str("[fe80::1%3]:443".into())),
        (Box::new(UNIX_EPOCH - Duration::from_millis(1)), M::Time(-1, 999_000_000)),
    ];
    for (index, (value, expected)) in cases.iter().enumerate() {
        assert_eq!(write_bounded(value, Limits::default()).read(), *expected, "case {index}");
    }
    let widest = SocketAddrV6::new([0xFFFF; 8].into(), u16::MAX, 0, u32::MAX);
    let written = write_bounded(&widest, Limits::default()).read();
    assert_eq!(written, M::Str(widest.to_string()));
}

#[test]
fn a_container_that_does_not_fit_is_absent() {
    for value in [&[true; 4] as &dyn Value, &Map(&[("k", &true)])] {
        for room in 0..5 {
            let written = write(value, Limits::default(), room);
            assert!(written.is_full && written.bytes.is_empty(), "{room} bytes");
        }
    }
}

#[test]
fn an_entry_too_long_leaves_room_for_later() {
    let mut bytes = [0; 40];
    let mut out = ValueWriter::new(&mut bytes, Limits::default());
    out.entry("a", &1u64);
    out.entry("long", &"0123456789012345678901234567890123456789");
    out.entry("b", &true);
    let len = out.len_bytes();
    assert!(out.is_cut() && !out.is_full());
    let keys: Vec<&[u8]> = Entries(&bytes[..len]).map(|entry| entry.unwrap().0).collect();
    assert_eq!(keys, [b"a", b"b"]);
}

#[test]
fn a_key_is_cut_at_its_maximum_length() {
    let long = "ä".repeat(40_000);
    let mut bytes = vec![0; 100_000];
    let mut out = ValueWriter::new(&mut bytes, Limits::default());
    out.entry(&long, &1u64);
    let len = out.len_bytes();
    assert!(out.is_cut());
    let (key, value) = Entries(&bytes[..len]).next().unwrap().unwrap();
    assert_eq!((key, value), (&long.as_bytes()[..65_534], ValueRef::U64(1)));
}

#[test]
fn unreadable_bytes_are_a_named_error() {
    for (bytes, error) in [
        (&b""[..], ReadError::Short { expected: 1, found: 0 }),
        (&[tag::I64, 1, 2], ReadError::Short { expected: 8, found: 2 }),
        (&[tag::STR, 9, 0, 0, 0, b'x'], ReadError::Short { expected: 9, found: 1 }),
        (&[tag::STR_CUT, 1, 0, 0, 0, 1], ReadError::Short { expected: 4, found: 1 }),
        (
            &[tag::ARRAY, 255, 255, 255, 255],
            ReadError::Short { expected: u32::MAX as usize, found: 0 },
        ),
        (&[tag::SINCE, 1, 2], ReadError::Short { expected: 8, found: 2 }),
        (&[200], ReadError::Tag(200)),
    ] {
        assert_eq!(ValueRef::read(&mut { bytes }), Err(error), "{bytes:?}");
    }
    assert_eq!(ReadError::Tag(200).to_string(), "unknown tag 200 of a value");
}

#[test]
fn the_compiler_names_the_keys_that_are_objects() {
    let source = include_str!("mod.rs").split("\\\n").map(str::trim_start).collect::<String>();
    let named = ECS_OBJECTS.join(", ");
    assert_eq!(source.matches(&format!("keys that name objects: {named}\"")).count(), 1);
}
