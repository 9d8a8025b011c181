//! A service continues traces as W3C Trace Context asks: the 41 cases of the specification's suite, by name, through
//! the functions that a service calls for its incoming and outgoing headers. And what a stranger's headers change.
//!
//! `examples/services/tests/trace_service.rs` runs the suite itself.
use std::collections::HashSet;

use ringseal::testing::Capture;
use ringseal::trace_context::{Propagation, TraceContext, TraceParent, Trust};
use ringseal::{Config, Level, Sampling, debug};

/// The trace of most cases, and the caller's span.
const TRACE: &str = "12345678901234567890123456789012";
const SPAN: &str = "1234567890123456";

/// What the outgoing headers must be.
#[derive(Debug, Clone, PartialEq)]
enum Sent {
    /// Another trace, without `tracestate`.
    Another,
    /// The same trace, without `tracestate`.
    Same,
    /// The same trace with this `tracestate`.
    With(String),
}
use Sent::{Another, Same};

/// One request: its headers, and what is sent with calls.
type Request = (Vec<(String, String)>, Sent);

fn header(name: &str, value: impl Into<String>) -> (String, String) {
    (name.into(), value.into())
}

/// A request with this `traceparent`; `T` and `S` are the ids.
fn parent(template: &str, sent: Sent) -> Request {
    let value = template.replace('T', TRACE).replace('S', SPAN);
    (vec![header("traceparent", value)], sent)
}

/// A request that continues the trace and has these headers `tracestate`.
fn state(values: &[&str], sent: Sent) -> Request {
    let (mut headers, sent) = parent("00-T-S-00", sent);
    headers.extend(values.iter().map(|value| header("tracestate", *value)));
    (headers, sent)
}

fn kept(text: &str) -> Sent {
    Sent::With(text.into())
}

/// A request whose only header `tracestate` is passed on as it is.
fn kept_as_it_is(value: &str) -> Request {
    state(&[value], kept(value))
}

/// A request with another header than `traceparent`.
fn named(name: &str, sent: Sent) -> Request {
    let (headers, sent) = parent("00-T-S-01", sent);
    (headers.into_iter().map(|(_, value)| header(name, value)).collect(), sent)
}

/// A request that continues the trace and has another header than `tracestate`.
fn state_named(name: &str, sent: Sent) -> Request {
    let (mut headers, sent) = parent("00-T-S-00", sent);
    headers.push(header(name, "foo=1"));
    (headers, sent)
}

/// Members `bar01=01` to this number, as ten in a header.
fn many(count: usize) -> Vec<String> {
    let member = |number: usize| format!("bar{number:02}={number:02}");
    let members: Vec<_> = (1..=count).map(member).collect();
    members.chunks(10).map(|members| members.join(",")).collect()
}

/// The cases of `traceparent`.
fn parent_cases() -> Vec<(&'static str, Vec<Request>)> {
    let zeros = "0".repeat(32);
    vec![
        ("both_traceparent_and_tracestate_missing", vec![(vec![], Another)]),
        ("traceparent_included_tracestate_missing", vec![parent("00-T-S-01", Same)]),
        ("traceparent_duplicated", {
            let one = |last| header("traceparent", format!("00-{}{last}-{SPAN}-01", &TRACE[..31]));
            vec![(vec![one('1'), one('2')], Another), (vec![one('1'), one('1')], Another)]
        }),
        (
            "traceparent_header_name",
            vec![named("trace-parent", Another), named("trace.parent", Another)],
        ),
        (
            "traceparent_header_name_valid_casing",
            ["TraceParent", "TrAcEpArEnT", "TRACEPARENT"].map(|name| named(name, Same)).to_vec(),
        ),
        (
            "traceparent_version_0x00",
            vec![
                parent("00-T-S-01.", Another),
                parent("00-T-S-01-what-the-future-will-be-like", Another),
            ],
        ),
        (
            "traceparent_version_0xcc",
            vec![
                parent("cc-T-S-01", Same),
                parent("cc-T-S-01-what-the-future-will-be-like", Same),
                parent("cc-T-S-01.what-the-future-will-be-like", Another),
            ],
        ),
        ("traceparent_version_0xff", vec![parent("ff-T-S-01", Another)]),
        (
            "traceparent_version_illegal_characters",
            vec![parent(".0-T-S-01", Another), parent("0.-T-S-01", Another)],
        ),
        (
            "traceparent_version_too_long",
            vec![parent("000-T-S-01", Another), parent("0000-T-S-01", Another)],
        ),
        ("traceparent_version_too_short", vec![parent("0-T-S-01", Another)]),
        ("traceparent_trace_id_all_zero", vec![parent(&format!("00-{zeros}-S-01"), Another)]),
        (
            "traceparent_trace_id_illegal_characters",
            vec![
                parent(&format!("00-.{}-S-01", &TRACE[1..]), Another),
                parent(&format!("00-{}.-S-01", &TRACE[..31]), Another),
            ],
        ),
        ("traceparent_trace_id_too_long", vec![parent("00-T3-S-01", Another)]),
        (
            "traceparent_trace_id_too_short",
            vec![parent(&format!("00-{}-S-01", &TRACE[..31]), Another)],
        ),
        ("traceparent_parent_id_all_zero", vec![parent("00-T-0000000000000000-01", Another)]),
        (
            "traceparent_parent_id_illegal_characters",
            vec![
                parent("00-T-.234567890123456-01", Another),
                parent("00-T-123456789012345.-01", Another),
            ],
        ),
        ("traceparent_parent_id_too_long", vec![parent("00-T-S7-01", Another)]),
        ("traceparent_parent_id_too_short", vec![parent("00-T-123456789012345-01", Another)]),
        (
            "traceparent_trace_flags_illegal_characters",
            vec![parent("00-T-S-.0", Another), parent("00-T-S-0.", Another)],
        ),
        ("traceparent_trace_flags_too_long", vec![parent("00-T-S-001", Another)]),
        ("traceparent_trace_flags_too_short", vec![parent("00-T-S-1", Another)]),
        (
            "traceparent_ows_handling",
            [" 00-T-S-01", "\t00-T-S-01", "00-T-S-01 ", "00-T-S-01\t", "\t 00-T-S-01 \t"]
                .map(|value| parent(value, Same))
                .to_vec(),
        ),
        ("multiple_requests_with_valid_traceparent", vec![parent("00-T-S-01", Same)]),
        ("multiple_requests_without_traceparent", vec![(vec![], Another)]),
        (
            "multiple_requests_with_illegal_traceparent",
            vec![parent(&format!("00-{zeros}-S-01"), Another)],
        ),
        ("propagates_random_flag", vec![parent("00-T-S-02", Same)]),
    ]
}

/// The cases of `tracestate`.
fn state_cases() -> Vec<(&'static str, Vec<Request>)> {
    let (long, too_long) = ("z".repeat(256), "z".repeat(257));
    let (many_32, many_33) = (many(32), many(33));
    let values =
        |list: &[String], sent| state(&list.iter().map(String::as_str).collect::<Vec<_>>(), sent);
    let letters: String = ('a'..='z').collect();
    let printable: String = (' '..='~').filter(|c| !",=".contains(*c)).collect();
    let three = |text: &str| state(&[text], kept("foo=1,bar=2,baz=3"));
    let after_foo = |key: &str| {
        let member = format!("{key}=1");
        state(&["foo=1", &member], kept(&format!("foo=1,{member}")))
    };
    vec![
        (
            "tracestate_included_traceparent_missing",
            ["foo=1", "foo=1,bar=2"]
                .map(|value| (vec![header("tracestate", value)], Another))
                .to_vec(),
        ),
        ("tracestate_included_traceparent_included", vec![kept_as_it_is("foo=1,bar=2")]),
        (
            "tracestate_header_name",
            vec![state_named("trace-state", Same), state_named("trace.state", Same)],
        ),
        (
            "tracestate_header_name_valid_casing",
            ["TraceState", "TrAcEsTaTe", "TRACESTATE"]
                .map(|name| state_named(name, kept("foo=1")))
                .to_vec(),
        ),
        (
            "tracestate_empty_header",
            vec![
                state(&[""], Same),
                state(&["foo=1", ""], kept("foo=1")),
                state(&["", "foo=1"], kept("foo=1")),
            ],
        ),
        (
            "tracestate_multiple_headers_different_keys",
            vec![state(
                &["foo=1,bar=2", "rojo=1,congo=2", "baz=3"],
                kept("foo=1,bar=2,rojo=1,congo=2,baz=3"),
            )],
        ),
        (
            "tracestate_duplicated_keys",
            vec![
                kept_as_it_is("foo=1,foo=1"),
                kept_as_it_is("foo=1,foo=2"),
                state(&["foo=1", "foo=1"], kept("foo=1,foo=1")),
                state(&["foo=1", "foo=2"], kept("foo=1,foo=2")),
            ],
        ),
        (
            "tracestate_all_allowed_characters",
            vec![
                kept_as_it_is(&format!("{letters}0123456789_-*/={printable}")),
                kept_as_it_is(&format!("{letters}0123456789_-*/@a-z0-9_-*/={printable}")),
            ],
        ),
        (
            "tracestate_ows_handling",
            [
                vec![
                    three("foo=1 \t , \t bar=2, \t baz=3"),
                    three("foo=1\t \t,\t \tbar=2,\t \tbaz=3"),
                ],
                [" foo=1", "\tfoo=1", "foo=1 ", "foo=1\t", "\t foo=1 \t"]
                    .map(|value| state(&[value], kept("foo=1")))
                    .to_vec(),
            ]
            .concat(),
        ),
        (
            "tracestate_key_illegal_characters",
            ["foo =1", "FOO=1", "foo.bar=1"].map(|value| state(&[value], Same)).to_vec(),
        ),
        (
            "tracestate_key_illegal_vendor_format",
            vec![
                kept_as_it_is("foo@=1,bar=2"),
                state(&["@foo=1,bar=2"], Same),
                kept_as_it_is("foo@@bar=1,bar=2"),
                kept_as_it_is("foo@bar@baz=1,bar=2"),
            ],
        ),
        (
            "tracestate_member_count_limit",
            vec![values(&many_32, kept(&many_32.join(","))), values(&many_33, Same)],
        ),
        (
            "tracestate_key_length_limit",
            vec![
                after_foo(&long),
                state(&["foo=1", &format!("{too_long}=1")], Same),
                after_foo(&format!("{}@{}", "t".repeat(241), "v".repeat(14))),
                after_foo(&format!("{}@v", "t".repeat(242))),
                after_foo(&format!("t@{}", "v".repeat(15))),
            ],
        ),
        (
            "tracestate_value_illegal_characters",
            vec![state(&["foo=bar=baz"], Same), state(&["foo=,bar=3"], Same)],
        ),
    ]
}

/// The headers of one call.
fn call(trace: &TraceContext<'_>) -> (TraceParent, Option<String>) {
    let outgoing = trace.outgoing();
    let headers: Vec<_> = outgoing.iter().collect();
    let find = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, text)| text);
    assert_eq!(headers[0].0, "traceparent");
    assert!(headers.len() == 1 || headers.len() == 2 && headers[1].0 == "tracestate");
    let parent = find("traceparent").expect("ids are always sent");
    assert!(parent.len() == TraceParent::BYTES && parent.starts_with("00-"), "{parent}");
    (parent.parse().expect("valid"), find("tracestate").map(|text| (*text).to_owned()))
}

#[test]
fn every_case_of_the_suite_passes() {
    let cases = [parent_cases(), state_cases()].concat();
    let names: HashSet<_> = cases.iter().map(|(name, _)| *name).collect();
    assert_eq!((cases.len(), names.len()), (41, 41));
    let trace_id = 0x1234_5678_9012_3456_7890_1234_5678_9012_u128.to_be_bytes();
    let propagation = Propagation::new();
    for (name, requests) in cases {
        for (headers, sent) in requests {
            let trace = propagation.receive(&headers, None);
            let what = format!("{name} {headers:?}: {:?}", trace.fault());
            let calls = [(); 3].map(|()| call(&trace));
            let state = match &sent {
                Another | Same => None,
                Sent::With(state) => Some(state.clone()),
            };
            let incoming = headers.iter().find_map(|(_, value)| value.parse::<TraceParent>().ok());
            let is_random = sent == Another || incoming.is_some_and(|parent| parent.is_random());
            let mut spans = HashSet::from([0x1234_5678_9012_3456_u64.to_be_bytes()]);
            for (parent, found) in calls {
                assert_eq!(parent.trace_id() == trace_id, sent != Another, "{what}");
                assert_eq!(parent.trace_id(), trace.span().trace_id(), "{what}");
                assert_eq!(parent.is_random(), is_random, "{what}");
                assert!(spans.insert(parent.span_id()), "{what}: each call is a new span");
                assert_eq!(found, state, "{what}");
            }
        }
    }
    let counts = propagation.counts();
    assert_eq!(
        (counts.restarted, counts.repaired, counts.states_dropped),
        (26, 0, 8),
        "{counts:?}"
    );
}

#[test]
fn the_lenient_mode_is_counted() {
    let headers = [("traceparent", format!("00-{TRACE}-1234-01")), ("tracestate", "a=1".into())];
    let strict = Propagation::new();
    let trace = strict.receive(&headers, None);
    assert!(!trace.is_continued() && trace.state().is_empty() && trace.fault().is_some());
    assert_eq!((strict.counts().restarted, strict.counts().repaired), (1, 0));
    let lenient = Propagation::new().lenient(true).trust(Trust::Always);
    let trace = lenient.receive(&headers, None);
    assert!(trace.is_continued() && trace.fault().is_none());
    assert!(trace.outgoing().traceparent().starts_with(&format!("00-{TRACE}-")));
    assert!(trace.outgoing().traceparent().ends_with("-01"));
    assert_eq!(trace.outgoing().tracestate(), Some("a=1"));
    assert_eq!((lenient.counts().restarted, lenient.counts().repaired), (0, 1));
}

/// How many of 100 requests are logged at 10 %, if a stranger sends this flag and ids like this.
fn logged(propagation: &Propagation, flags: &str, id: impl Fn(u32) -> String) -> usize {
    let sampling = Sampling::new().level(Level::Debug, 0.1).expect("a rate");
    let config = Config::new().level(Level::Debug).sampling(sampling);
    let (engine, capture) = Capture::start_with(config);
    for request in 0..100 {
        let headers = [("traceparent", format!("00-{}-{SPAN}-{flags}", id(request)))];
        let trace = propagation.receive(&headers, None);
        trace.correlation().run(|| debug!(engine, "request"));
    }
    capture.events().iter().filter(|event| event.name() == "request").count()
}

#[test]
fn a_strangers_flag_does_not_raise_the_volume() {
    // Ids whose randomness covers its range evenly: a tenth of them is kept.
    let even = |request: u32| {
        format!("{:016x}{:02x}{:014x}", 1, 7, u64::from(request) * ((1 << 56) / 100) + 1000)
    };
    let greedy = |request: u32| format!("{:016x}07ff{request:012x}", 1);
    let default = Propagation::new();
    for flags in ["00", "01", "02", "03"] {
        assert_eq!(logged(&default, flags, even), 10, "{flags}");
        let trusted = Propagation::new().trust(Trust::Always);
        assert_eq!(logged(&trusted, flags, even), 10, "{flags}: the id decides for everyone");
        // The id decides, and the caller has chosen it: a border begins other traces.
        assert_eq!(logged(&default, flags, greedy), 100, "{flags}");
        let border = Propagation::new().restart_strangers(true);
        let kept = logged(&border, flags, greedy);
        assert!(kept < 50, "{flags}: {kept} of 100 at a rate of a tenth");
    }
}
