//! Responses of errors that are not problem documents yet: those without a body, and texts.
use bytes::Bytes;
use http::header::{
    CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    HeaderValue, LAST_MODIFIED, TRANSFER_ENCODING,
};
use http::response::Parts;
use http_body::Body;

use crate::problem::{PROBLEM_JSON, Problem};

/// What describes the body that the document replaces.
const OF_THE_BODY: [http::HeaderName; 7] = [
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    ETAG,
    LAST_MODIFIED,
    TRANSFER_ENCODING,
];

/// The document in place of the body, if the response is an error with no body or a text; the head is then that of the
/// document. The text is dropped: it may say something of the inside.
pub(crate) fn document_for<B: Body>(head: &mut Parts, body: &B) -> Option<Bytes> {
    let is_error = head.status.is_client_error() || head.status.is_server_error();
    let is_empty = body.is_end_stream() || body.size_hint().exact() == Some(0);
    if !(is_error && (is_empty || is_text(head))) {
        return None;
    }
    for name in OF_THE_BODY {
        head.headers.remove(name);
    }
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    Some(Problem::new(head.status).to_json().into())
}

fn is_text(head: &Parts) -> bool {
    let value = head.headers.get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    let media_type = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    media_type.eq_ignore_ascii_case(b"text/plain")
}
