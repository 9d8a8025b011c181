//! The headers `tracestate`.
use proptest::prelude::*;

use crate::trace_context::ExpectedInHeader::{self as Expected, *};
use crate::trace_context::{TraceState, TraceStateError};

fn text(state: &TraceState<'_>) -> String {
    state.write(&mut [0; 20_000]).unwrap_or_default().to_owned()
}

fn members(count: usize) -> String {
    (0..count).map(|index| format!("k{index}={index}")).collect::<Vec<_>>().join(",")
}

#[test]
fn valid_headers_are_joined_in_order() {
    let (long_key, long_value) = ("z".repeat(256), "v".repeat(256));
    let long = format!("{long_key}={long_value}");
    let printable: String = (' '..='~').filter(|c| !",=".contains(*c)).collect();
    let all = format!("abcdefghijklmnopqrstuvwxyz0123456789_-*/@a={printable}");
    for (name, headers, expected) in [
        ("one member", &["foo=1"] as &[&str], "foo=1"),
        ("several headers", &["foo=1,bar=2", "rojo=1", "baz=3"], "foo=1,bar=2,rojo=1,baz=3"),
        ("none", &[], ""),
        ("empty headers", &["", "foo=1", " \t", ""], "foo=1"),
        ("empty members", &[",foo=1,, ,bar=2,"], "foo=1,bar=2"),
        ("spaces and tabs", &["\t foo=1 \t , \tbar=2\t"], "foo=1,bar=2"),
        ("spaces inside and before a value", &["foo=  a b "], "foo=  a b"),
        ("repeated keys", &["foo=1,foo=2"], "foo=1,foo=2"),
        (
            "keys with at signs",
            &["foo@=1,foo@@bar=1,foo@bar@baz=2"],
            "foo@=1,foo@@bar=1,foo@bar@baz=2",
        ),
        ("a key that begins with a digit", &["0a=1"], "0a=1"),
        ("the longest member", &[&long], &long),
        ("all characters", &[&all], &all),
    ] {
        let state = TraceState::check(headers).expect(name);
        assert_eq!(text(&state), expected, "{name}");
        assert_eq!(state.is_empty(), expected.is_empty(), "{name}");
    }
    assert_eq!(TraceState::check([&members(32)]).map(|state| state.members().count()), Ok(32));
}

#[test]
fn an_invalid_member_invalidates_all() {
    let long_key = format!("foo=1,{}=1", "z".repeat(257));
    let long_value = format!("foo={}", "v".repeat(257));
    let many = members(33);
    type Row<'t> = (&'t str, &'t [&'t str], (usize, usize, Expected));
    let cases: &[Row<'_>] = &[
        ("a space after the key", &["foo =1"], (0, 3, Equals)),
        ("upper case", &["FOO=1"], (0, 0, Key)),
        ("a dot in the key", &["foo.bar=1"], (0, 3, Equals)),
        ("an at sign first", &["bar=2", "a=1,@foo=1"], (1, 4, Key)),
        ("no key", &["=1"], (0, 0, Key)),
        ("no value", &["foo=,bar=3"], (0, 4, Value)),
        ("a value of spaces", &["foo=   "], (0, 4, Value)),
        ("no equals sign", &["foo"], (0, 3, Equals)),
        ("two equals signs", &["foo=bar=baz"], (0, 7, Value)),
        ("a tab in the value", &["foo=a\tb"], (0, 5, Value)),
        ("a byte after ASCII", &[" foo=\u{e9}"], (0, 5, Value)),
        ("a long key", &[&long_key], (0, 6 + 256, Key)),
        ("a long value", &[&long_value], (0, 4 + 256, Value)),
        ("33 members", &[&many], (0, many.len() - 6, Members)),
    ];
    for (name, headers, expected) in cases {
        let error = TraceState::check(*headers).expect_err(name);
        assert_eq!((error.header(), error.offset(), error.expected()), *expected, "{name}");
    }
    let error = TraceState::check(["a=1", "b=2,C=3"]).expect_err("upper case");
    assert_eq!(
        error.to_string(),
        "invalid tracestate in header 1 at byte 4: expected a key of at most 256 bytes out of a-z, 0-9 and, after the \
         first, `_-*/@`, found `C`"
    );
}

#[test]
fn a_member_moves_to_the_front() {
    let state = TraceState::check(["a=1,b=2,a=3"]).expect("valid");
    let front = |key, value| state.with_front(key, value).map(|state| text(&state));
    assert_eq!(front("b", "9").as_deref(), Ok("b=9,a=1,a=3"));
    assert_eq!(front("a", "9").as_deref(), Ok("a=9,b=2"));
    assert_eq!(front("c", " 9").as_deref(), Ok("c= 9,a=1,b=2,a=3"));
    for (name, key, value, expected) in [
        ("an empty key", "", "1", (0, Key)),
        ("upper case", "aB", "1", (1, Key)),
        ("an equals sign", "a=b", "1", (1, Key)),
        ("an empty value", "ab", "", (3, Value)),
        ("a comma", "ab", "c,d=e", (4, Value)),
        ("a space at the end", "ab", "c ", (4, Value)),
    ] {
        let found = state.with_front(key, value);
        let fault = |error: TraceStateError| (error.offset(), error.expected());
        assert_eq!(found.map_err(fault).expect_err(name), expected, "{name}");
    }
    let full = members(32);
    let state = TraceState::check([&full]).expect("valid").with_front("new", "1").expect("valid");
    assert_eq!(text(&state), format!("new=1,{}", members(31)), "the last one is dropped");
}

#[test]
fn whole_members_are_cut_from_the_right() {
    let long = format!("long={}", "x".repeat(150));
    let header = format!("a=1,{long},b=2,{long},c=3");
    let state = TraceState::check([&header]).expect("valid");
    for (room, expected) in [
        (header.len(), &*header),
        (header.len() - 1, &format!("a=1,{long},b=2,c=3")),
        (long.len() + 12, &format!("a=1,{long},b=2,c=3")),
        (long.len() + 11, "a=1,b=2,c=3"),
        (11, "a=1,b=2,c=3"),
        (10, "a=1,b=2"),
        (7, "a=1,b=2"),
        (6, "a=1"),
        (3, "a=1"),
        (2, ""),
        (0, ""),
    ] {
        let mut buffer = vec![0; room];
        assert_eq!(state.write(&mut buffer).unwrap_or_default(), expected, "{room}");
    }
    // 32 of the longest members exceed any usual buffer.
    let longest: Vec<String> =
        (0..32).map(|index| format!("k{index:0>255}={}", "v".repeat(256))).collect();
    let state = TraceState::check(&longest).expect("valid");
    assert_eq!(state.write(&mut [0; TraceState::BYTES]), None);
    assert_eq!(state.write(&mut [0; 513]).map(str::len), Some(513));
}

/// The rules for one header, by the grammar.
fn oracle(header: &str) -> Option<String> {
    let is_key = |key: &str| {
        let is_start = key.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        let is_allowed = |c: char| {
            c.is_ascii_lowercase() || c.is_ascii_digit() || ['_', '-', '*', '/', '@'].contains(&c)
        };
        is_start && key.chars().all(is_allowed) && key.len() <= 256
    };
    let is_value = |value: &str| {
        let is_allowed = |c: char| (' '..='~').contains(&c) && c != ',' && c != '=';
        value.chars().all(is_allowed) && (1..=256).contains(&value.len())
    };
    let members = header.split(',').map(|member| member.trim_matches([' ', '\t']));
    let members: Vec<_> = members.filter(|member| !member.is_empty()).collect();
    let is_valid = |member: &&str| {
        member.split_once('=').is_some_and(|(key, value)| is_key(key) && is_value(value))
    };
    (members.len() <= 32 && members.iter().all(is_valid)).then(|| members.join(","))
}

proptest! {
    #[test]
    fn headers_are_read_as_the_oracle_does(
        header in "([ \t]{0,2}[a-zA@0-9_*/-]{0,3}=?[ -~\u{e9}]{0,4}[ \t]{0,2},?){0,40}",
    ) {
        let state = TraceState::check([&header]).ok().map(|state| text(&state));
        prop_assert_eq!(&state, &oracle(&header));
        if let Some(state) = state {
            let again = TraceState::check([&state]).map(|state| text(&state));
            prop_assert_eq!(again.ok(), Some(state));
        }
    }

    #[test]
    fn a_cut_state_is_valid_and_short(count in 0..40usize, len in 1..200usize, room in 0..3000usize) {
        let header: Vec<_> = (0..count).map(|at| format!("k{at}={}", "v".repeat(1 + at * len % 250))).collect();
        let header = header.join(",");
        if let Ok(state) = TraceState::check([&header]) {
            let mut buffer = vec![0; room];
            let cut = state.write(&mut buffer).unwrap_or_default();
            prop_assert!(cut.len() <= room);
            let cut = TraceState::check([cut]).expect("valid");
            let mut rest = state.members();
            prop_assert!(cut.members().all(|member| rest.any(|other| other == member)), "in order");
        }
    }
}
