//! The checks of the fuzz targets, as plain functions: the targets call them with the fuzzer's input, the
//! tests with seeds, so that an ordinary debugger can be used on a failing input.
pub mod audit;
pub mod ecs;
pub mod foreign;
pub mod homes;
pub mod json;
pub mod oracle;
pub mod redaction;
pub mod seeds;
pub mod sites;
pub mod trace;

use serde_json::Value as Json;

/// A line without its newline, as JSON.
///
/// # Panics
/// If it is not exactly one line with one JSON object.
pub fn json_of(line: &[u8]) -> Json {
    let text = std::str::from_utf8(line).expect("a line is UTF-8");
    let inside = text.strip_suffix('\n').expect("a line ends in a newline");
    assert!(!inside.contains(['\n', '\r', '\0', '\u{2028}', '\u{2029}']), "{inside:?}");
    let json: Json = serde_json::from_str(inside).unwrap_or_else(|e| panic!("{e}: {inside:?}"));
    assert!(json.is_object(), "{inside:?}");
    json
}
