//! JSON after prefixes.
use crate::line::LineParser;

use super::NOW;

/// The prefix of a line that is JSON; `None` for text.
fn prefix_of(line: &[u8]) -> Option<Vec<u8>> {
    let mut parser = LineParser::new(NOW);
    let parsed = parser.parse(line);
    parsed.is_json.then(|| parsed.prefix.to_vec())
}

#[test]
fn objects_after_known_prefixes_are_json() {
    let prefixes = [
        "",
        " ",
        "\u{feff}",
        "2026-01-01T00:00:00.000000000Z stdout F ",
        "2026-01-01T00:00:00.000000000+01:00 stderr F ",
        "2026-01-01T00:00:00.000000000Z stdout F:x ",
        "2026-01-01T00:00:00.123456789Z ",
        "2026-01-01 00:00:00,123 ",
        "web_1  | ",
        "web-1  | ",
        "web-1 |",
        "my-app-web-1  | ",
        "\x1b[36mweb_1  |\x1b[0m ",
        "\x1b[36mweb_1  | \x1b[0m",
        "web-1  | 2026-01-01T00:00:00.123456789Z ",
        "12:00:00 web.1  | ",
        "0|api  | ",
        "[pod/web-7d4b9/app] ",
        "[pod/web-7d4b9/app] 2026-01-01T00:00:00.123456789Z ",
        "[web] ",
        "[0] ",
        "[2026-01-01T00:00:00Z] ",
        "<14>",
        "<14>Jun  1 12:00:00 host app: ",
        "<14>Jun  1 12:00:00 host app[123]: ",
        "<14>Jun  1 12:00:00 host app: @cee: ",
        "<14>Jun  1 12:00:00 app[1]: ",
        "<165>1 2026-01-01T00:00:00Z host app 123 ID47 - ",
        "<165>1 2026-01-01T00:00:00Z host app 123 ID47 [a@1 k=\"v\"] ",
        "<165>1 2026-01-01T00:00:00Z host app 123 ID47 [a@1 k=\"{\\]\"][b@1 k=\"v\"] ",
        "<165>1 2026-01-01T00:00:00Z host app - - - \u{feff}",
        "Jun  1 12:00:00 host app: ",
        "Jun 01 12:00:00 host app[123]: ",
        "Jun  1 12:00:00 host docker/web[123]: ",
        "2026-06-01T12:00:00+00:00 host app[1]: ",
        "2026-06-01T12:00:00.123456+02:00 host app: @cee:",
        "2026-06-01T12:00:00.123456+00:00 app[web.1]: ",
        "2026-06-01T12:00:00+0000 ip-10-0-0-1 kubelet[1]: ",
        "@cee: ",
        "@cee:",
        "2026-01-16T21:49:17.073Z\tc6af9ac6-7b61-11e6-9a41-93e8deadbeef\tINFO\t",
        "I0102 15:04:05.000000       1 main.go:12] ",
        "2026-01-01T00:00:00.000000000Z stdout F I0102 15:04:05.000000       1 main.go:12] ",
        "ERROR ",
        "web-7d4b9c6f5-x2x7q app ",
        "2026-01-01T00:00:00.000000+00:00 app/web/0123abcd ",
        "<165>1 - - - - - - ",
        "error: ",
        "2026-01-01T00:00:00Z INFO ",
    ];
    for prefix in prefixes {
        let line = format!("{prefix}{{\"level\":\"error\",\"n\":1234}}");
        let want = prefix.trim_end_matches(' ').len();
        let found = prefix_of(line.as_bytes());
        let found_len =
            found.as_ref().map(|found| String::from_utf8_lossy(found).trim_end_matches(' ').len());
        assert_eq!(found_len, Some(want), "{line}");
        let with_space = format!("{line} \r");
        assert!(prefix_of(with_space.as_bytes()).is_some(), "{line}");
    }
}

#[test]
fn objects_inside_prose_are_text() {
    let lines = [
        "got {\"level\":\"error\"}",
        "the answer was: {\"level\":\"error\"}",
        "payload: {\"value\":\"x\"}",
        "2026-01-01 user sent {\"level\":\"error\"}",
        "web said | maybe {\"a\":1}",
        "web-1  | listening on {host}",
        "[two words] {\"a\":1}",
        "<14>Jun  1 12:00:00 host app: said {\"a\":1}",
        "{\"a\":1} {\"b\":2}",
        "{\"a\":1} trailing",
        "[{\"a\":1}]",
        "\"{}\"",
        "{}x",
        "{",
        "}",
        "config={\"a\":1}",
        "well-known words {\"a\":1}",
        "2026-01-01T00:00:00Z path/to/file has {\"a\":1}",
        "POST /x {\"a\":1}",
    ];
    for line in lines {
        assert_eq!(prefix_of(line.as_bytes()), None, "{line}");
    }
}

#[test]
fn bytes_that_are_not_utf8_stay_json() {
    let lines: [&[u8]; 6] = [
        b"{\"level\":\"error\",\"msg\":\"caf\xE9\"}",
        b"{\"na\xEFve\":1}",
        b"\xEF\xBB\xBF{\"msg\":\"caf\xE9\"}",
        b"web-1  | {\"msg\":\"\xFF\xFE\"}",
        b"{\"msg\":\"cut \\ud83d\"}",
        b"{\"msg\":\"\\udc00\xE9\"}",
    ];
    for line in lines {
        assert!(prefix_of(line).is_some(), "{}", String::from_utf8_lossy(line));
    }
    assert_eq!(prefix_of(b"\xFF{\"a\":1}"), None);
}
