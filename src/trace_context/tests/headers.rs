//! Headers as different libraries hold them.
use crate::trace_context::{Headers, Propagation};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn values<H: Headers + ?Sized>(headers: &H, name: &str) -> Vec<Vec<u8>> {
    headers.values(name).map(<[u8]>::to_vec).collect()
}

#[test]
fn pairs_are_found_by_name_in_order() {
    let array = [("A", "1"), ("b", "2"), ("a", "3")];
    let texts = array.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
    let expected = [b"1".to_vec(), b"3".to_vec()];
    assert_eq!(values(&array, "a"), expected);
    assert_eq!(values(&array[..], "A"), expected);
    assert_eq!(values(&texts, "a"), expected);
    assert_eq!(values(&texts.to_vec(), "A"), expected);
    assert_eq!(values(&array, "c"), [] as [Vec<u8>; 0]);
    assert_eq!(values(&array, ""), [] as [Vec<u8>; 0]);
}

#[test]
fn bytes_that_are_not_text_are_survived() {
    let headers: [(&str, &[u8]); 3] =
        [("traceparent", PARENT.as_bytes()), ("tracestate", b"a=\xFF"), ("x-request-id", b"\xFF")];
    let trace = Propagation::new().receive(&headers, None);
    assert!(trace.is_continued() && trace.state().is_empty());
    assert!(trace.fault().is_some_and(|fault| fault.to_string().ends_with("found the byte 0xff")));
}

#[cfg(feature = "http")]
#[test]
fn header_maps_are_read() {
    use http::{HeaderMap, HeaderValue};

    let mut headers = HeaderMap::new();
    headers.append("traceparent", HeaderValue::from_static(PARENT));
    headers.append("tracestate", HeaderValue::from_static("a=1"));
    headers.append("tracestate", HeaderValue::from_static("b=2"));
    assert_eq!(values(&headers, "TraceState"), [b"a=1".to_vec(), b"b=2".to_vec()]);
    assert_eq!(values(&headers, "not a name"), [] as [Vec<u8>; 0]);
    let trace = Propagation::new().receive(&headers, None);
    assert!(trace.is_continued());
    assert_eq!(trace.outgoing().tracestate(), Some("a=1,b=2"));
    headers.append("traceparent", HeaderValue::from_static(PARENT));
    assert!(!Propagation::new().receive(&headers, None).is_continued());
}
