//! Request ids, and the headers that they come from.
use std::collections::HashSet;
use std::time::{Duration, UNIX_EPOCH};

use crate::trace_context::{NewRequestId, RequestId, RequestIdError, RequestIds};

#[test]
fn only_short_harmless_texts_are_believed() {
    let longest = "x".repeat(128);
    for text in ["r", "r-17", "a.b_c-D9", "4bf92f35-77b3-4da6-a3ce-929d0e0e4736", &longest] {
        assert_eq!(RequestId::parse(text).map(|id| id.to_string()).as_deref(), Ok(text));
    }
    let byte = |offset, found| RequestIdError::Byte { offset, found };
    let long = "x".repeat(129);
    for (text, expected) in [
        ("", RequestIdError::Length { found: 0 }),
        (&long, RequestIdError::Length { found: 129 }),
        ("a b", byte(1, b' ')),
        ("a\r\nset-cookie: x", byte(1, b'\r')),
        ("a,b", byte(1, b',')),
        ("\"a\"", byte(0, b'"')),
        ("a\u{e9}", byte(1, 0xC3)),
        ("a\0", byte(1, 0)),
        ("{a}", byte(0, b'{')),
    ] {
        assert_eq!(RequestId::parse(text), Err(expected), "{text:?}");
    }
    assert_eq!(
        RequestId::parse("a\nb").expect_err("a newline").to_string(),
        "invalid request id at byte 1: expected letters, digits, `.`, `_` and `-`, found '\\n'"
    );
}

#[test]
fn generated_ids_have_their_form() {
    for (new, version, len) in [
        (NewRequestId::UuidV4, b'4', 36),
        (NewRequestId::UuidV7, b'7', 36),
        (NewRequestId::Hex, 0, 32),
    ] {
        let ids: HashSet<RequestId> = (0..1000).map(|_| new.generate()).collect();
        assert_eq!(ids.len(), 1000, "{new:?}");
        for id in ids {
            let text = id.as_str();
            assert_eq!(RequestId::parse(text), Ok(id));
            assert_eq!(text.len(), len, "{text}");
            let digits = text.bytes().filter(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            assert_eq!(digits.count(), 32, "{text}");
            if new != NewRequestId::Hex {
                assert_eq!(text.as_bytes()[14], version, "{text}");
                assert!(matches!(text.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{text}");
                let dashes: Vec<_> = text.match_indices('-').map(|(at, _)| at).collect();
                assert_eq!(dashes, [8, 13, 18, 23], "{text}");
            }
        }
    }
}

#[test]
fn uuids_of_later_times_sort_later() {
    // The example of RFC 9562, A.6: 2022-02-22T14:22:22-05:00.
    let time = UNIX_EPOCH + Duration::from_millis(0x017F_22E2_79B0);
    assert!(RequestId::uuid_v7_at(time).as_str().starts_with("017f22e2-79b0-7000-"));
    let mut last = RequestId::uuid_v7_at(time);
    for step in 1..5000 {
        let next = RequestId::uuid_v7_at(time + Duration::from_nanos(step * 250));
        assert!(last.as_str() < next.as_str(), "{last} {next}");
        last = next;
    }
    let before = RequestId::uuid_v7_at(UNIX_EPOCH - Duration::from_secs(9));
    assert!(before.as_str().starts_with("00000000-0000-7000-"), "{before}");
}

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

#[test]
fn the_first_believable_header_gives_the_id() {
    type Row = (
        &'static str,
        &'static [(&'static str, &'static str)],
        Option<(&'static str, &'static str)>,
    );
    let rows: &[Row] = &[
        ("no header", &[("host", "x")], None),
        (
            "the order of the list",
            &[("X-Trace-Id", "t"), ("X-Request-ID", "r")],
            Some(("X-Request-ID", "r")),
        ),
        ("any case", &[("x-request-id", "r")], Some(("X-Request-ID", "r"))),
        ("spaces and tabs around", &[("x-request-id", "\t r ")], Some(("X-Request-ID", "r"))),
        ("another case", &[("X-Trace-ID", "t")], Some(("X-Trace-Id", "t"))),
        ("the trace id", &[("TraceParent", PARENT)], Some(("traceparent", TRACE))),
        (
            "before the correlation id",
            &[("x-correlation-id", "c"), ("traceparent", PARENT)],
            Some(("traceparent", TRACE)),
        ),
        ("the correlation id", &[("X-CORRELATION-ID", "c")], Some(("X-Correlation-Id", "c"))),
        (
            "not believable",
            &[("x-request-id", "a b"), ("x-trace-id", "t")],
            Some(("X-Trace-Id", "t")),
        ),
        ("empty", &[("x-request-id", ""), ("x-trace-id", "t")], Some(("X-Trace-Id", "t"))),
        (
            "the second of two",
            &[("x-request-id", "a b"), ("x-request-id", "r")],
            Some(("X-Request-ID", "r")),
        ),
        (
            "an invalid traceparent",
            &[("traceparent", "00-x"), ("x-correlation-id", "c")],
            Some(("X-Correlation-Id", "c")),
        ),
        ("two of them", &[("traceparent", PARENT), ("traceparent", PARENT)], None),
        ("nothing believable", &[("x-request-id", "\n"), ("x-trace-id", "%s")], None),
    ];
    let ids = RequestIds::new();
    for (name, headers, expected) in rows {
        let found = ids.find(*headers);
        let found = found.as_ref().map(|(header, id)| (*header, id.as_str()));
        assert_eq!(found, *expected, "{name}");
        let id = ids.of_request(*headers);
        match expected {
            Some((_, expected)) => assert_eq!(id.as_str(), *expected, "{name}"),
            None => assert_eq!(id.as_str().as_bytes()[14], b'7', "{name}: a new one"),
        }
    }
}

#[test]
fn the_list_of_headers_can_be_set() {
    let ids = RequestIds::new().headers(["traceparent", "Request-Id"]).generate(NewRequestId::Hex);
    let headers = vec![("request-id", "r".to_owned()), ("x-request-id", "x".to_owned())];
    assert_eq!(ids.of_request(&headers).as_str(), "r");
    assert_eq!(ids.of_request(&headers[1..]).as_str().len(), 32);
    let of_trace = [("traceparent", PARENT), ("request-id", "r")];
    assert_eq!(ids.of_request(&of_trace).as_str(), TRACE);
    assert_eq!(RequestIds::new().headers([""; 0]).find(&headers), None);
}
