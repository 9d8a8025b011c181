//! Times of lines of text.
use crate::line::{LineParser, TimeReading};

use super::NOW;

/// 2026-01-16T21:49:17Z.
const AT: i64 = 1_768_600_157_000_000_000;
const MILLIS: i64 = 73_000_000;

#[test]
fn times_of_text_formats_are_read() {
    let cases: &[(&str, i64)] = &[
        ("2026-01-16 21:49:17,073 - root - ERROR - x", AT + MILLIS),
        ("2026-01-16T21:49:17.073Z ERROR x", AT + MILLIS),
        ("ERROR 2026-01-16 21:49:17 x", AT),
        ("[2026-01-16T21:49:17Z ERROR crate] x", AT),
        ("[2026-01-16 21:49:17,073: ERROR/MainProcess] x", AT + MILLIS),
        ("[2026-01-16 21:49:17 +0000] [1] [INFO] x", AT),
        ("WARN  [2026-01-16 21:49:17,073] com.x: y", AT + MILLIS),
        ("[Fri Jan 16 21:49:17 2026] [error] x", AT),
        ("[Fri Jan 16 21:49:17.073000 2026] [core:error] [pid 1] x", AT + MILLIS),
        ("2026/01/16 21:49:17 [error] 7#7: x", AT),
        ("127.0.0.1 - - [16/Jan/2026:21:49:17 +0000] \"GET / HTTP/1.1\" 200 1", AT),
        ("127.0.0.1 - bob [16/Jan/2026:23:49:17 +0200] \"GET / HTTP/1.1\" 200 1", AT),
        ("I0116 21:49:17.073000       1 main.go:12] x", AT + MILLIS),
        ("W, [2026-01-16T21:49:17.073000 #1234]  WARN -- : x", AT + MILLIS),
        ("1:M 16 Jan 2026 21:49:17.073 * x", AT + MILLIS),
        ("Jan 16 21:49:17 host app[1]: x", AT),
        ("<34>Jan 16 21:49:17 host app[1]: x", AT),
        ("<165>1 2026-01-16T21:49:17.073Z host app - - - x", AT + MILLIS),
        ("2026-01-16T21:49:17.073000000Z stdout F x", AT + MILLIS),
        ("web-1  | 2026-01-16T21:49:17Z x", AT),
        ("2026-01-16 21:49:17.073 UTC [1] LOG:  x", AT + MILLIS),
        ("2026-01-16 22:49:17.073 CET [1] LOG:  x", AT + MILLIS),
        ("[16-Jan-2026 21:49:17 UTC] PHP Warning:  x", AT),
        ("16-Jan-2026 21:49:17.073 SEVERE [main] x", AT + MILLIS),
        ("01-16 21:49:17.073  1234  5678 E Tag: x", AT + MILLIS),
        ("=ERROR REPORT==== 16-Jan-2026::21:49:17 ===", AT),
        ("[0116/214917.073:ERROR:file.cc(1)] x", AT + MILLIS),
        ("Error 1/16/2026 9:49:17 PM Source 1000 None", AT),
        ("Jan 16, 2026 9:49:17 PM com.x.Y run", AT),
        ("time=\"2026-01-16T21:49:17Z\" level=info msg=x", AT),
        ("level=info ts=2026-01-16T21:49:17.073Z caller=x", AT + MILLIS),
        ("ts=1768600157.073 level=info", AT + MILLIS),
        ("1768600157.073 12 10.0.0.1 TCP_MISS/200 1 GET http://x/", AT + MILLIS),
        ("1768600157 x", AT),
        ("[1234] 16 Jan 21:49:17.073 # x", AT + MILLIS),
        ("*Jan 16 21:49:17.073: %SYS-5-CONFIG_I: x", AT + MILLIS),
        ("Warning,1/16/2026 9:49:17 PM,Source,1", AT),
        ("- 1768600157 2026.01.16 host x", AT),
        ("26/01/16 21:49:17 INFO executor.Executor: x", AT),
        ("260116 214917 148 INFO dfs.DataNode: x", AT),
        ("type=SYSCALL msg=audit(1768600157.073:45): arch=x", AT + MILLIS),
        ("audit: type=1400 audit(1768600157.073:45): apparmor=x", AT + MILLIS),
        ("https 2026-01-16T21:49:17.073000Z app/x 1.2.3.4:5", AT + MILLIS),
        ("web-1  | time=2026-01-16T21:49:17.073Z level=WARN msg=x", AT + MILLIS),
        ("date=2026-01-16 time=21:49:17 type=event level=notice", AT),
        ("1.768600157e+09\tinfo\tx", AT),
        ("\u{1b}[2m2026-01-16T21:49:17Z\u{1b}[0m INFO x", AT),
        ("[ERROR]\t2026-01-16T21:49:17.073Z\treq\tx", AT + MILLIS),
    ];
    let mut parser = LineParser::new(NOW);
    let mut wrong = Vec::new();
    for (line, want) in cases {
        let found = parser.parse(line.as_bytes()).time();
        if found != TimeReading::At(*want) {
            wrong.push(format!("{found:?} instead of {want}: {line}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn times_of_messages_are_not_read() {
    let cases = [
        ("backup of 2026-01-16 21:49:17 failed", TimeReading::Missing),
        ("ERROR cannot parse date 2026-01-16 21:49:17", TimeReading::Missing),
        ("\"2026-01-16 21:49:17\" is quoted", TimeReading::Missing),
        ("    at x.y(z.java:12)", TimeReading::Missing),
        ("", TimeReading::Missing),
        ("12:00:00.123 [main] ERROR x", TimeReading::Unknown),
        ("9:49PM ERR x", TimeReading::Unknown),
        ("2/3/2026 21:49:17 ERROR x", TimeReading::Unknown),
        ("02/03/26 21:49:17 x", TimeReading::Unknown),
        ("level=info ts=yesterday", TimeReading::Unknown),
        ("127.0.0.1 GET / 200", TimeReading::Missing),
    ];
    let mut parser = LineParser::new(NOW);
    for (line, want) in cases {
        assert_eq!(parser.parse(line.as_bytes()).time(), want, "{line}");
    }
}
