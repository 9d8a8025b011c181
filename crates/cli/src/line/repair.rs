//! Repairs what keeps a line from being JSON although every reader can see what it means.
//!
//! Understood are: lone surrogates (`\ud83d`, written when a text was cut), bytes that are not UTF-8, `\x22` as nginx
//! escapes bytes, control characters inside strings, `NaN` and `Infinity` as Python writes them (they become strings),
//! a backslash before a character that has no escape (`C:\Users`), and a comma before a closing bracket. Anything else
//! is copied, and the reader refuses it.
//!
//! Promises: linear, one allocation that is reused; a text that is JSON is copied unchanged.

/// Writes the repaired line into `out`.
pub(super) fn repair(line: &[u8], out: &mut String) {
    out.clear();
    let mut rest = line;
    while let Some(&byte) = rest.first() {
        rest = match byte {
            b'"' => string(rest, out),
            b',' => comma(rest, out),
            b'N' | b'I' | b'-' => word(rest, out),
            0..0x80 => {
                out.push(char::from(byte));
                &rest[1..]
            }
            _ => {
                out.push(char::REPLACEMENT_CHARACTER);
                &rest[1..]
            }
        };
    }
}

/// Drops a comma before a closing bracket.
fn comma<'a>(rest: &'a [u8], out: &mut String) -> &'a [u8] {
    let after = rest[1..].trim_ascii_start();
    if !matches!(after.first(), Some(b'}' | b']')) {
        out.push(',');
    }
    &rest[1..]
}

/// Writes `NaN`, `Infinity` and `-Infinity` as strings.
fn word<'a>(rest: &'a [u8], out: &mut String) -> &'a [u8] {
    for word in ["NaN", "Infinity", "-Infinity", "-NaN"] {
        if rest.starts_with(word.as_bytes()) {
            out.push('"');
            out.push_str(word);
            out.push('"');
            return &rest[word.len()..];
        }
    }
    out.push(char::from(rest[0]));
    &rest[1..]
}

/// Copies a string up to its closing quote.
fn string<'a>(rest: &'a [u8], out: &mut String) -> &'a [u8] {
    out.push('"');
    let mut rest = &rest[1..];
    loop {
        let plain = rest.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)).count();
        out.push_str(&String::from_utf8_lossy(&rest[..plain]));
        rest = &rest[plain..];
        match rest.first() {
            None => return rest,
            Some(b'"') => {
                out.push('"');
                return &rest[1..];
            }
            Some(b'\\') => rest = escape(rest, out),
            Some(&control) => {
                push_escaped(out, control);
                rest = &rest[1..];
            }
        }
    }
}

/// Copies one escape, or several that belong together.
fn escape<'a>(rest: &'a [u8], out: &mut String) -> &'a [u8] {
    match rest.get(1) {
        Some(b'x') if hex_byte(rest).is_some() => bytes_in_hex(rest, out),
        Some(b'u') => unicode(rest, out),
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
            out.extend(['\\', char::from(rest[1])]);
            &rest[2..]
        }
        _ => {
            out.push_str("\\\\");
            &rest[1..]
        }
    }
}

/// The byte of `\x22`.
fn hex_byte(rest: &[u8]) -> Option<u8> {
    let hex = str::from_utf8(rest.strip_prefix(b"\\x")?.get(..2)?).ok()?;
    u8::from_str_radix(hex, 16).ok()
}

/// Decodes `\xC3\xA9`: the bytes together are UTF-8.
fn bytes_in_hex<'a>(rest: &'a [u8], out: &mut String) -> &'a [u8] {
    let mut bytes = Vec::new();
    let mut rest = rest;
    while let Some(byte) = hex_byte(rest) {
        bytes.push(byte);
        rest = &rest[4..];
    }
    for char in String::from_utf8_lossy(&bytes).chars() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            '\0'..'\x20' => push_escaped(out, char as u8),
            _ => out.push(char),
        }
    }
    rest
}

/// Copies `\u00e9` and pairs of surrogates; a lone surrogate becomes U+FFFD.
fn unicode<'a>(rest: &'a [u8], out: &mut String) -> &'a [u8] {
    let unit = |at: usize| {
        let hex = rest.get(at..)?.strip_prefix(b"\\u")?.get(..4)?;
        hex.iter().all(u8::is_ascii_hexdigit).then_some(())?;
        u32::from_str_radix(str::from_utf8(hex).ok()?, 16).ok()
    };
    let len = match (unit(0), unit(6)) {
        (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
        (Some(0xD800..=0xDFFF), _) => {
            out.push_str("\\ufffd");
            return &rest[6..];
        }
        (Some(_), _) => 6,
        (None, _) => {
            out.push_str("\\\\");
            return &rest[1..];
        }
    };
    out.extend(rest[..len].iter().map(|byte| char::from(*byte)));
    &rest[len..]
}

fn push_escaped(out: &mut String, control: u8) {
    use std::fmt::Write as _;
    let _ = write!(out, "\\u{control:04x}");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn repaired(line: &[u8]) -> String {
        let mut out = String::new();
        repair(line, &mut out);
        out
    }

    #[test]
    fn near_misses_become_json() {
        let cases: &[(&[u8], &str)] = &[
            (br#"{"a":"cut \ud83d"}"#, r#"{"a":"cut \ufffd"}"#),
            (br#"{"a":"\udc00\ud83d\ude00"}"#, r#"{"a":"\ufffd\ud83d\ude00"}"#),
            (br#"{"a":"\ud83d\u0041"}"#, r#"{"a":"\ufffd\u0041"}"#),
            (b"{\"a\":\"caf\xE9\"}", "{\"a\":\"caf\u{FFFD}\"}"),
            (br#"{"a":"Moz \x22q\x22 \x5C \x09"}"#, r#"{"a":"Moz \"q\" \\ \u0009"}"#),
            (br#"{"a":"\xC3\xA9\xE2\x82\xAC\xFF"}"#, "{\"a\":\"é€\u{FFFD}\"}"),
            (b"{\"a\":\"tab\there\"}", r#"{"a":"tab\u0009here"}"#),
            (
                br#"{"a":NaN,"b":-Infinity,"c":[Infinity,-1]}"#,
                r#"{"a":"NaN","b":"-Infinity","c":["Infinity",-1]}"#,
            ),
            (br#"{"a":1,}"#, r#"{"a":1}"#),
            (br#"{"a":[1,2 , ] ,}"#, r#"{"a":[1,2  ] }"#),
            (br#"{"a":",}"}"#, r#"{"a":",}"}"#),
            (br#"{"a":"NaN,]"}"#, r#"{"a":"NaN,]"}"#),
            (br#"{"a":"C:\Users\x2\u12"}"#, r#"{"a":"C:\\Users\\x2\\u12"}"#),
        ];
        for (line, want) in cases {
            let found = repaired(line);
            assert_eq!(found, *want);
            assert!(serde_json::from_str::<Value>(&found).is_ok(), "{found}");
        }
    }

    #[test]
    fn other_text_is_still_refused() {
        for line in
            [r#"{"a":1"#, r#"{a:1}"#, r#"{"a":"x"y"}"#, "{'a':1}", r#"{"a":"x"#, "{\"a\":,}"]
        {
            assert!(serde_json::from_str::<Value>(&repaired(line.as_bytes())).is_err(), "{line}");
        }
    }

    proptest! {
        #[test]
        fn json_is_copied_unchanged(text: String, number: i64) {
            let line = serde_json::json!({ "a": text, "b": [number, null, { "": text }] }).to_string();
            prop_assert_eq!(repaired(line.as_bytes()), line);
        }

        #[test]
        fn any_bytes_are_survived(line in proptest::collection::vec(any::<u8>(), 0..60)) {
            repaired(&line);
        }
    }
}
