//! The header `traceparent`.
use proptest::prelude::*;

use crate::core::correlation::Correlation;
use crate::trace_context::ExpectedInHeader::{self as Expected, *};
use crate::trace_context::{TraceParent, TraceParentError};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

#[derive(Debug, Clone, Copy)]
enum Read {
    /// The flags.
    Flags(u8),
    /// The offset of the fault, and what is expected.
    Fault(usize, Expected),
}
use Read::{Fault, Flags};

/// What the strict mode and the lenient mode read; `T` is the trace id, `S` the parent id.
const CASES: &[(&str, &str, Read, bool)] = &[
    ("sampled", "00-T-S-01", Flags(1), true),
    ("not sampled", "00-T-S-00", Flags(0), true),
    ("random", "00-T-S-02", Flags(2), true),
    ("flags of the future are dropped", "00-T-S-ff", Flags(3), true),
    ("spaces and tabs around", " \t00-T-S-01\t ", Flags(1), true),
    ("a later version", "cc-T-S-01", Flags(1), true),
    (
        "a later version with a further part",
        "01-T-S-03-what-the-future-will-be-like",
        Flags(3),
        true,
    ),
    ("a later version with a dash at its end", "fe-T-S-01-", Flags(1), true),
    ("a later version without a dash", "cc-T-S-01.x", Fault(55, DashOrEnd), false),
    ("version 00 with a further part", "00-T-S-01-x", Fault(55, End), false),
    ("version 00 with a dash at its end", "00-T-S-01-", Fault(55, End), false),
    ("version ff", "ff-T-S-01", Fault(0, Version), false),
    ("version in upper case", "CC-T-S-01", Fault(0, Digit), false),
    ("version of one digit", "0-T-S-01", Fault(1, Digit), false),
    ("version of three digits", "000-T-S-01", Fault(2, Dash), false),
    ("version of other characters", ".0-T-S-01", Fault(0, Digit), false),
    ("empty", "", Fault(0, Digit), false),
    ("only spaces", "  \t", Fault(0, Digit), false),
    ("a trace id of zeros", "00-00000000000000000000000000000000-S-01", Fault(3, TraceId), false),
    (
        "a trace id in upper case",
        "00-0AF7651916cd43dd8448eb211c80319c-S-01",
        Fault(4, Digit),
        false,
    ),
    ("a trace id with a sign", "00-+af7651916cd43dd8448eb211c80319c-S-01", Fault(3, Digit), false),
    ("a short trace id", "00-0af7651916cd43dd8448eb211c80319-S-01", Fault(34, Digit), false),
    ("a long trace id", "00-0af7651916cd43dd8448eb211c80319cc-S-01", Fault(35, Dash), false),
    ("a space inside", "00-T -S-01", Fault(35, Dash), false),
    ("a byte after ASCII", "00-\u{e9}f7651916cd43dd8448eb211c80319c-S-01", Fault(3, Digit), false),
    ("flags of one digit", "00-T-S-1", Fault(54, Digit), false),
    ("flags of three digits", "00-T-S-001", Fault(55, End), false),
    ("flags in upper case", "00-T-S-0A", Fault(54, Digit), false),
    ("no flags", "00-T-S", Fault(52, Dash), false),
    ("another separator", "00_T-S-01", Fault(2, Dash), false),
    // Only the lenient mode reads these.
    ("the number of a connection", "00-T-1234-01", Fault(40, Digit), true),
    ("a short parent id", "00-T-b7ad6b716920333-01", Fault(51, Digit), true),
    ("a long parent id", "00-T-b7ad6b71692033312-01", Fault(52, Dash), true),
    ("a parent id of zeros", "00-T-0000000000000000-01", Fault(36, ParentId), true),
    ("a parent id in upper case", "00-T-B7AD6B7169203331-01", Fault(36, Digit), true),
    ("an empty parent id", "00-T--01", Fault(36, Digit), true),
    ("a connection in a later version", "01-T-7-03-more", Fault(37, Digit), true),
    // Neither reads these.
    ("a connection and further parts", "00-T-7-01-more", Fault(37, Digit), false),
    ("a connection and no flags", "00-T-1234", Fault(40, Digit), false),
    ("a connection and broken flags", "00-T-1234-0x", Fault(40, Digit), false),
    ("a parent id of other characters", "00-T-b7ad6b716920333.-01", Fault(51, Digit), false),
];

fn written(template: &str) -> String {
    template.replace('T', TRACE).replace('S', SPAN)
}

#[test]
fn each_header_is_read_as_specified() {
    for (name, template, expected, _) in CASES {
        let header = written(template);
        match (TraceParent::parse(&header), expected) {
            (Ok(parent), Flags(flags)) => {
                assert_eq!(parent.to_string(), format!("00-{TRACE}-{SPAN}-{flags:02x}"), "{name}");
            }
            (Err(error), Fault(offset, what)) => {
                assert_eq!((error.offset(), error.expected()), (*offset, *what), "{name}");
            }
            (found, _) => panic!("{name}: {header:?} gives {found:?}"),
        }
    }
}

#[test]
fn the_lenient_mode_keeps_the_trace_id() {
    for (name, template, strict, is_readable) in CASES {
        let header = written(template);
        let read = TraceParent::parse_lenient(&header);
        assert_eq!(read.is_ok(), *is_readable, "{name}: {read:?}");
        let Ok(read) = read else { continue };
        let text = read.parent.to_string();
        assert!(text.starts_with(&format!("00-{TRACE}-")), "{name}: {text}");
        assert_eq!(read.replaced.is_some(), matches!(strict, Fault(..)), "{name}");
        assert_eq!(read.replaced, TraceParent::parse(&header).err(), "{name}");
        let other = TraceParent::parse_lenient(&header).expect(name).parent;
        assert_eq!(
            read.parent == other,
            read.replaced.is_none(),
            "{name}: a new span id each time"
        );
    }
    let long = |len: usize| format!("00-{TRACE}-{}-01", "7".repeat(len));
    assert!(TraceParent::parse_lenient(long(64)).is_ok());
    assert!(TraceParent::parse_lenient(long(65)).is_err());
}

#[test]
fn an_error_says_what_to_send_instead() {
    for (header, expected) in [
        (
            "00-T-1234-01",
            "invalid traceparent at byte 40: expected a hexadecimal digit in lower case, found `-`",
        ),
        ("ff-T-S-01", "invalid traceparent at byte 0: expected a version other than ff, found ff"),
        ("00-T-S", "invalid traceparent at byte 52: expected `-`, found the end"),
        (
            "00-00000000000000000000000000000000-S-01",
            "invalid traceparent at byte 3: expected a trace id that is not all zeros, found zeros",
        ),
        (
            "00-T-S-0\u{1}",
            "invalid traceparent at byte 54: expected a hexadecimal digit in lower case, found the byte 0x01",
        ),
        (
            "00-T-S-01-x",
            "invalid traceparent at byte 55: expected the end of the value, because version 00 has four parts, \
             found `-`",
        ),
    ] {
        let error = TraceParent::parse(written(header)).expect_err(header);
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_child_keeps_all_but_the_span() {
    let parent = TraceParent::random();
    assert!(parent.is_random() && !parent.is_sampled());
    let sampled = parent.with_sampled(true);
    assert!(sampled.is_random() && sampled.is_sampled());
    assert_eq!(sampled.with_sampled(false), parent);
    let children: std::collections::HashSet<_> = (0..1000).map(|_| sampled.child()).collect();
    assert_eq!(children.len(), 1000);
    for child in children {
        assert_eq!((child.trace_id(), child.is_sampled()), (parent.trace_id(), true));
        assert!(child.is_random() && child.span_id() != [0; 8]);
    }
}

#[test]
fn ids_pass_through_a_correlation() {
    let span = TraceParent::random().with_sampled(true);
    let correlation = Correlation::from(span);
    assert_eq!(correlation.trace_id(), span.trace_id());
    assert_eq!(correlation.span_id(), *[span.span_id(), [0; 8]].as_flattened());
    let back = TraceParent::from_correlation(correlation).expect("ids");
    assert_eq!((back.trace_id(), back.span_id()), (span.trace_id(), span.span_id()));
    assert!(!back.is_sampled() && !back.is_random());
    // The span id of a layout that has UUIDs for it: the first 16 digits.
    let uuid = Correlation::new([7; 16], [0x5A; 16]);
    assert_eq!(TraceParent::from_correlation(uuid).expect("ids").span_id(), [0x5A; 8]);
    for (trace_id, span_id) in [([0; 16], [1; 16]), ([1; 16], [0; 16]), ([0; 16], [0; 16])] {
        assert_eq!(TraceParent::from_correlation(Correlation::new(trace_id, span_id)), None);
    }
    assert_eq!(TraceParent::new([0; 16], [1; 8]), None);
    assert_eq!(TraceParent::new([1; 16], [0; 8]), None);
}

/// The rules, part by part.
fn oracle(header: &[u8]) -> Option<String> {
    // What follows the flags in later versions may be any bytes.
    let text = String::from_utf8_lossy(header);
    let text = text.trim_matches([' ', '\t']);
    let parts: Vec<&str> = text.split('-').collect();
    let is_hex = |part: &str, len: usize| {
        part.len() == len && part.chars().all(|c| "0123456789abcdef".contains(c))
    };
    let [version, trace_id, span_id, flags, rest @ ..] = &parts[..] else { return None };
    let is_valid = is_hex(version, 2)
        && *version != "ff"
        && is_hex(trace_id, 32)
        && is_hex(span_id, 16)
        && is_hex(flags, 2)
        && trace_id.contains(|c| c != '0')
        && span_id.contains(|c| c != '0')
        && (rest.is_empty() || *version != "00");
    let flags = u8::from_str_radix(flags, 16).ok()? & 3;
    is_valid.then(|| format!("00-{trace_id}-{span_id}-{flags:02x}"))
}

proptest! {
    #[test]
    fn what_is_written_is_read(trace_id: [u8; 16], span_id: [u8; 8], is_sampled: bool) {
        if let Some(parent) = TraceParent::new(trace_id, span_id) {
            let parent = parent.with_sampled(is_sampled);
            prop_assert_eq!(TraceParent::parse(parent.to_string()), Ok(parent));
            prop_assert_eq!(oracle(parent.to_string().as_bytes()), Some(parent.to_string()));
        }
    }

    #[test]
    fn changed_headers_are_read_as_the_oracle_does(
        version in "00|01|cc|ff|fe",
        changes in proptest::collection::vec((0..70usize, any::<u8>()), 0..3),
        rest in "(-|-x|\\.|[0-9a-f-]{0,8})?",
        cut in 0..70usize,
    ) {
        let mut header = format!("{version}-{TRACE}-{SPAN}-01{rest}").into_bytes();
        for (at, byte) in changes {
            if let Some(place) = header.get_mut(at) {
                *place = byte;
            }
        }
        if cut > 20 {
            header.truncate(cut);
        }
        let read: Result<TraceParent, TraceParentError> = TraceParent::parse(&header);
        prop_assert_eq!(read.ok().map(|parent| parent.to_string()), oracle(&header), "{:?}", header);
        if let Err(error) = read {
            let len = header.trim_ascii().len();
            prop_assert!(error.offset() <= len, "{} of {}", error.offset(), len);
        }
    }

    #[test]
    fn any_bytes_are_read_as_the_oracle_does(header in proptest::collection::vec(any::<u8>(), 0..80)) {
        let read = TraceParent::parse(&header).ok();
        prop_assert_eq!(read.map(|parent| parent.to_string()), oracle(&header));
        let lenient = TraceParent::parse_lenient(&header).ok();
        prop_assert!(read.is_none() || lenient.is_some_and(|lenient| Some(lenient.parent) == read));
    }
}
