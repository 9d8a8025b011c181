//! Checks what a candidate has written: each line is JSON, and each request has one, with an id that no other has.

use std::collections::HashSet;

use serde::Deserialize;

use crate::Place;
use crate::stack::{Stack, Written};

/// What is checked of an access line.
#[derive(Deserialize)]
struct Line {
    event: Option<String>,
    message: Option<String>,
    status: serde_json::Value,
    request_id: Option<String>,
    span: Option<SpanOfLine>,
}

#[derive(Deserialize)]
struct SpanOfLine {
    request_id: Option<String>,
}

impl Line {
    /// The id, if the line is one about a request that has ended well.
    fn id_of_request(self) -> Option<String> {
        let is_access = self.event.as_deref() == Some("http.access")
            || self.message.as_deref() == Some("finished processing request");
        // A number of ringseal, a number or text of tracing-subscriber.
        let status = self.status.as_u64().or_else(|| self.status.as_str()?.parse().ok());
        let id = self.request_id.or(self.span.and_then(|span| span.request_id));
        id.filter(|_| is_access && status == Some(200))
    }
}

/// Whether all of `requests` are written about once; says what is wrong otherwise. Over loopback, the ids are those
/// that were sent: `r-0` and on.
pub fn check(stack: Stack, place: Place, written: &Written, requests: u64) -> Result<(), String> {
    let was_sent = |id: &str| {
        let number = id.strip_prefix("r-").and_then(|number| number.parse::<u64>().ok());
        place == Place::InProcess || number.is_some_and(|number| number < requests)
    };
    let found = match (stack, written) {
        (Stack::Bare, Written::Nothing) => return Ok(()),
        (Stack::OpenTelemetry, Written::Spans(spans)) => *spans,
        (Stack::Ringseal | Stack::TowerHttp, Written::Lines(text)) => access_lines(text, was_sent)?,
        _ => return Err("it was started in another way".to_owned()),
    };
    match found == requests {
        true => Ok(()),
        false => Err(format!("expected {requests} requests, found {found} lines or spans")),
    }
}

/// The number of lines; each must be an access line with an id that no other has.
fn access_lines(text: &str, was_sent: impl Fn(&str) -> bool) -> Result<u64, String> {
    let mut ids = HashSet::new();
    for line in text.lines() {
        let parsed: Line = serde_json::from_str(line).map_err(|e| format!("{e}: {line}"))?;
        let id = parsed.id_of_request().ok_or_else(|| format!("not an access line: {line}"))?;
        if !was_sent(&id) {
            return Err(format!("an id that was not sent: {line}"));
        }
        if !ids.insert(id) {
            return Err(format!("a second line with the same id: {line}"));
        }
    }
    Ok(ids.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"{"event":"http.access","status":200,"request_id":"r-0"}"#;
    const OTHER: &str =
        r#"{"message":"finished processing request","status":"200","span":{"request_id":"r-1"}}"#;

    #[test]
    fn lost_doubled_and_wrong_lines_are_found() {
        let table: [(&str, &[&str], bool); 7] = [
            ("one line each", &[ONE, OTHER], true),
            ("a lost line", &[ONE], false),
            ("a line twice", &[ONE, ONE], false),
            ("a line too many", &[ONE, OTHER, &ONE.replace("r-0", "r-2")], false),
            ("an id that was not sent", &[ONE, &OTHER.replace("r-1", "r-2")], false),
            ("another status", &[ONE, &OTHER.replace("200", "500")], false),
            ("no id", &[ONE, &OTHER.replace("request_id", "id")], false),
        ];
        for (name, lines, is_good) in table {
            let written = Written::Lines(lines.join("\n"));
            assert_eq!(
                check(Stack::Ringseal, Place::Loopback, &written, 2).is_ok(),
                is_good,
                "{name}"
            );
        }
        let check = |stack, written| check(stack, Place::InProcess, &written, 2);
        assert!(check(Stack::OpenTelemetry, Written::Spans(1)).is_err());
        assert!(check(Stack::TowerHttp, Written::Nothing).is_err());
        let made = [ONE.replace("r-0", "0192f1c4"), OTHER.to_owned()].join("\n");
        assert_eq!(check(Stack::TowerHttp, Written::Lines(made)), Ok(()));
    }
}
