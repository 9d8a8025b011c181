//! The dry run against a service: one request, and what its log says about it.
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ringseal::sink::file::reader::logs_in;

use super::Check;
use super::lines::{self, Member, Members};
use super::request::{self, Response, Url};
use crate::console::{Failure, pause};

/// The trace of the request.
const TRACE_ID: &str = "abcdef1234567890abcdef1234567890";
const PARENT_ID: &str = "1234567890abcdef";
const TRACEPARENT: &str = "00-abcdef1234567890abcdef1234567890-1234567890abcdef-01";
const REQUEST_ID: &str = "doctor-0123456789abcdef";
/// Made up; nothing of it may be in the log.
const EMAIL: &str = "doctor.probe@example.com";
const TOKEN: &str = "doctorProbeToken0123456789abcdef";

/// The most that is read of what a log has got since the request.
const LOG_BYTES_MAX: u64 = 4 << 20;
const POLL: Duration = Duration::from_millis(20);
/// Lines may come after the first one of the request.
const SETTLE: Duration = Duration::from_millis(300);

/// All checks.
pub(super) fn check(url: &str, log: &Path, timeout: Duration) -> Result<Vec<Check>, Failure> {
    let url = Url::parse(url)?;
    let logs = logs_of(log)?;
    let starts: Vec<(PathBuf, u64)> = logs
        .into_iter()
        .map(|path| {
            let length = path.metadata().map_or(0, |metadata| metadata.len());
            (path, length)
        })
        .collect();
    let authorization = format!("Bearer {TOKEN}");
    let headers = [
        ("traceparent", TRACEPARENT),
        ("x-request-id", REQUEST_ID),
        ("authorization", authorization.as_str()),
        ("x-user-email", EMAIL),
        ("user-agent", "ringseal-doctor"),
    ];
    let response = match request::get(&url, &headers, timeout) {
        Ok(response) => response,
        Err(error) => {
            let text = format!("no answer: {error}");
            let rest = "there was no answer";
            let rest = ["line", "propagation", "ids", "redaction"]
                .map(|name| Check::unchecked(name, rest));
            return Ok([Check::failed("service", text)].into_iter().chain(rest).collect());
        }
    };
    let text = wait_for_lines(&starts, timeout)?;
    Ok(checks_of(&response, &text))
}

fn logs_of(log: &Path) -> Result<Vec<PathBuf>, Failure> {
    let logs = match log.is_dir() {
        true => logs_in(log).map_err(Failure::of)?,
        false => vec![log.to_owned()],
    };
    if logs.is_empty() || !logs.iter().any(|log| log.exists()) {
        return Err(Failure::of(format_args!("{}: expected a log, found none", log.display())));
    }
    Ok(logs)
}

/// What the logs have got since the request, once it is in them or the time is over.
fn wait_for_lines(starts: &[(PathBuf, u64)], timeout: Duration) -> Result<String, Failure> {
    let end = Instant::now() + timeout;
    let mut settled: Option<Instant> = None;
    loop {
        let text = new_text(starts);
        let has_request = text.contains(TRACE_ID) || text.contains(REQUEST_ID);
        let now = Instant::now();
        if has_request && settled.is_none() {
            settled = Some(now + SETTLE);
        }
        if now >= end || settled.is_some_and(|settled| now >= settled) {
            return Ok(text);
        }
        pause(POLL)?;
    }
}

fn new_text(starts: &[(PathBuf, u64)]) -> String {
    let mut text = String::new();
    for (path, start) in starts {
        let Ok(mut file) = File::open(path) else { continue };
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        // A shorter file is a new one.
        let start = if length < *start { 0 } else { *start };
        let mut bytes = Vec::new();
        let read = file.seek(SeekFrom::Start(start));
        if read.and_then(|_| file.take(LOG_BYTES_MAX).read_to_end(&mut bytes)).is_ok() {
            text.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    text
}

fn checks_of(response: &Response, text: &str) -> Vec<Check> {
    let mut checks = vec![match response.status {
        500.. => Check::failed("service", format!("answered with the status {}", response.status)),
        status => Check::good("service", format!("answered with the status {status}")),
    }];
    checks.push(match response.head.contains(&format!("x-request-id: {REQUEST_ID}")) {
        true => Check::good("request id", "the response has the one of the request"),
        false => Check::warning("request id", "the response has no x-request-id, or another one"),
    });
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    if lines.is_empty() {
        let text = "the log has got no line; does the service write to it?";
        checks.push(Check::failed("line", text));
        checks.extend(
            ["propagation", "ids", "redaction"].map(|name| Check::unchecked(name, "no line")),
        );
        return checks;
    }
    let parsed: Vec<Result<Members, String>> =
        lines.iter().map(|line| lines::members(line)).collect();
    let wrong =
        parsed.iter().zip(&lines).find_map(|(parsed, line)| Some((parsed.as_ref().err()?, line)));
    checks.push(match wrong {
        Some((error, line)) => {
            Check::failed("line", format!("expected one JSON object: {error}\n{line}"))
        }
        None => Check::good("line", format!("{} new, each one JSON object", lines.len())),
    });
    let members: Vec<&Members> = parsed.iter().filter_map(|parsed| parsed.as_ref().ok()).collect();
    if members.is_empty() {
        checks.extend(["propagation", "ids"].map(|name| Check::unchecked(name, "no line is JSON")));
        checks.push(redaction(text, &members));
        return checks;
    }
    checks.push(propagation(&members));
    checks.push(ids(&members));
    checks.push(redaction(text, &members));
    checks
}

/// Whether the trace of the request continues in the log, with a span of the service's own.
fn propagation(lines: &[&Members]) -> Check {
    const NAME: &str = "propagation";
    let of_trace =
        |members: &&&Members| lines::text(members, &["trace.id", "trace_id"]) == Some(TRACE_ID);
    let Some(members) = lines.iter().find(of_trace) else {
        let found =
            lines.iter().find_map(|members| lines::text(members, &["trace.id", "trace_id"]));
        let found = found.map_or("no trace id".to_owned(), |found| format!("{found:?}"));
        let text = format!("no line has the trace id of the request ({TRACE_ID}); found {found}");
        return Check::failed(NAME, text);
    };
    match lines::text(members, &["span.id", "span_id"]) {
        Some(PARENT_ID) => {
            Check::failed(NAME, "span.id is that of the caller; the service needs a separate span")
        }
        Some(_) => Check::good(NAME, "the trace continues, in a span of the service"),
        None => Check::warning(NAME, "the trace continues, but lines have no span id"),
    }
}

fn ids(lines: &[&Members]) -> Check {
    let mut misfits: Vec<String> =
        lines.iter().flat_map(|members| lines::misfits(members)).collect();
    misfits.sort();
    misfits.dedup();
    match misfits.is_empty() {
        true => Check::good("ids", "ids and objects have the form that they must have"),
        false => Check::failed("ids", misfits.join("\n")),
    }
}

/// Whether made-up values are in the log: as they are, in another case, escaped in JSON or as in URLs.
fn redaction(text: &str, lines: &[&Members]) -> Check {
    let decoded = lines.iter().flat_map(|members| members.iter());
    let decoded = decoded.filter_map(|(_, member)| match member {
        Member::Text(text) => Some(text.as_str()),
        _ => None,
    });
    let texts: Vec<String> =
        std::iter::once(text).chain(decoded).map(|text| text.to_lowercase()).collect();
    let is_shown = |value: &str| {
        let value = value.to_lowercase();
        let in_url = value.replace('@', "%40");
        texts.iter().any(|text| text.contains(&value) || text.contains(&in_url))
    };
    let found: Vec<&str> = [("the email address", EMAIL), ("the token", TOKEN)]
        .into_iter()
        .filter(|(_, value)| is_shown(value))
        .map(|(name, _)| name)
        .collect();
    match found.is_empty() {
        true => Check::good("redaction", "the made-up email address and token are not in the log"),
        false => Check::failed("redaction", format!("in clear: {}", found.join(", "))),
    }
}
