//! Strings, compared with a simple escaper.
use super::*;
use proptest::prelude::*;

/// One character at a time.
fn json_oracle(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for character in String::from_utf8_lossy(bytes).chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{C}' => text.push_str("\\f"),
            '\0'..='\x1F' | '\u{2028}' | '\u{2029}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            _ => text.push(character),
        }
    }
    text.push('"');
    text
}

fn text_oracle(bytes: &[u8]) -> String {
    let mut text = String::new();
    for character in String::from_utf8_lossy(bytes).chars() {
        let bidi = "\u{61C}\u{200E}\u{200F}\u{202A}\u{202B}\u{202C}\u{202D}\u{202E}\
            \u{2066}\u{2067}\u{2068}\u{2069}";
        let no_width = "\u{AD}\u{34F}\u{180B}\u{180C}\u{180D}\u{180E}\u{180F}\u{200B}\u{200C}\u{200D}\u{2060}\u{2061}\
            \u{2062}\u{2063}\u{2064}\u{2065}\u{206A}\u{206B}\u{206C}\u{206D}\u{206E}\u{206F}\u{FEFF}\u{FFF9}\u{FFFA}\u{FFFB}";
        let fillers = "\u{115F}\u{1160}\u{17B4}\u{17B5}\u{3164}\u{FFA0}";
        let notes = "\u{1BCA0}\u{1BCA1}\u{1BCA2}\u{1BCA3}\u{1D173}\u{1D174}\u{1D175}\u{1D176}\u{1D177}\u{1D178}\
            \u{1D179}\u{1D17A}";
        match character {
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{C}' => text.push_str("\\f"),
            _ if character.is_control()
                || [bidi, no_width, fillers, notes]
                    .iter()
                    .any(|hidden| hidden.contains(character))
                || matches!(character, '\u{2028}' | '\u{2029}' | '\u{E0000}'..='\u{E0FFF}') =>
            {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
            _ => text.push(character),
        }
    }
    text
}

fn written(write: impl Fn(&mut Out<'_>)) -> String {
    let mut line = Vec::new();
    write(&mut Out::new(&mut line));
    String::from_utf8(line).unwrap()
}

fn check(bytes: &[u8]) {
    let expected = json_oracle(bytes);
    let found = written(|out| out.string_lossy(bytes));
    assert_eq!(found, expected, "{bytes:x?}");
    let parsed: String = serde_json::from_str(&found).unwrap();
    assert_eq!(parsed, String::from_utf8_lossy(bytes));
    assert!(!found.contains(['\n', '\r']));
    for tail in [0, 1, 16, 31, 32, 33] {
        let longer = [bytes, &vec![b'"'; tail]].concat();
        assert_eq!(written(|out| out.string_of(&longer, bytes.len())), expected);
    }
    if std::str::from_utf8(bytes).is_ok() {
        assert_eq!(written(|out| out.string(bytes)), expected);
    }
    assert_eq!(written(|out| out.text(bytes)), text_oracle(bytes));
}

#[test]
fn clean_strings_of_every_length_and_alignment() {
    let text: Vec<u8> = (0..400u32).map(|index| b'a' + (index % 26) as u8).collect();
    for start in 0..33 {
        for len in 0..300 {
            check(&text[start..start + len]);
        }
    }
}

#[test]
fn every_byte_at_every_place_of_every_length() {
    // Each byte alone, so that those above 0x7F are invalid in all ways.
    for len in 1..70 {
        let mut bytes = vec![b'.'; len];
        for place in 0..len {
            for byte in
                (0..=0x22).chain([b'\\', 0x7F, 0x80, 0xA8, 0xBF, 0xC2, 0xE2, 0xED, 0xF0, 0xFF])
            {
                bytes[place] = byte;
                check(&bytes);
            }
            bytes[place] = b'.';
        }
    }
    for byte in 0..=255 {
        for len in [1, 2, 5, 9, 17, 33, 65, 129] {
            let mut bytes = vec![b'.'; len];
            bytes[len - 1] = byte;
            check(&bytes);
            bytes.fill(byte);
            check(&bytes);
        }
    }
}

#[test]
fn every_special_character_at_every_place() {
    let specials =
        ["\u{2028}", "\u{2029}", "\u{2027}", "\u{202A}", "“", "é", "漢", "😀", "\u{9B}", "\u{85}"];
    for special in specials {
        for before in 0..140 {
            for after in [0, 1, 2, 7, 15, 16, 31, 40] {
                let text = format!("{}{special}{}", "x".repeat(before), "y".repeat(after));
                check(text.as_bytes());
                // Cut in the middle of the character at either end.
                check(&text.as_bytes()[..before + 1]);
                check(&text.as_bytes()[before + 1..]);
            }
        }
    }
}

#[test]
fn surrogates_and_overlong_forms_become_replacements() {
    let table: [&[u8]; 8] = [
        b"\xED\xA0\x80",
        b"\xED\xA0\xBD\xED\xB8\x80",
        b"\xC0\x80",
        b"\xE0\x80\x80",
        b"\xF4\x90\x80\x80",
        b"\xF0\x9F\x98",
        b"\xE2\x80",
        b"a\xE2\x80\xA8\xFFb\xE2\x80\xA9\xE2",
    ];
    for bytes in table {
        check(bytes);
    }
    assert_eq!(written(|out| out.string_lossy(b"\xED\xA0\x80")), "\"\u{FFFD}\u{FFFD}\u{FFFD}\"");
}

#[test]
fn unchecked_invalid_utf8_is_written_unchanged() {
    let mut line = Vec::new();
    Out::new(&mut line).string(b"\xFF\xE2\n\xE2\x80\"");
    assert_eq!(line, b"\"\xFF\xE2\\n\xE2\x80\\\"\"");
}

#[test]
fn a_terminal_sees_no_escape_sequence() {
    let attack = "\x1b]0;owned\x07\x1b[2J\u{9b}31m\r\nroot# \u{202E}txt.exe\x7f";
    assert_eq!(
        written(|out| out.text(attack.as_bytes())),
        "\\u001b]0;owned\\u0007\\u001b[2J\\u009b31m\\r\\nroot# \\u202etxt.exe\\u007f"
    );
    assert_eq!(written(|out| out.text(b"C:\\temp \"quoted\"")), "C:\\temp \"quoted\"");
}

#[test]
fn a_full_vector_grows_wherever_it_is_full() {
    let text = "plain \"quoted\" \u{1} and \u{2028} and long enough for two blocks";
    let expected = json_oracle(text.as_bytes());
    for capacity in 0..120 {
        let mut line = Vec::with_capacity(capacity);
        Out::new(&mut line).string(text.as_bytes());
        assert_eq!(line, expected.as_bytes());
    }
}

#[test]
fn every_character_is_written_as_a_string() {
    for character in ('\0'..='\u{3000}').chain(['\u{D7FF}', '\u{E000}', '\u{10FFFF}']) {
        let found = written(|out| out.char(character));
        assert_eq!(serde_json::from_str::<char>(&found).unwrap(), character);
        assert_eq!(found, json_oracle(character.to_string().as_bytes()));
    }
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        check(&bytes);
    }

    #[test]
    fn any_text(text in "\\PC{0,60}[\\x00-\\x7f]{0,60}\\PC{0,20}", cut in 0usize..200) {
        check(text.as_bytes());
        let (head, tail) = text.as_bytes().split_at(cut.min(text.len()));
        check(head);
        check(tail);
    }

    #[test]
    fn mostly_clean_bytes(
        len in 0usize..300,
        places in proptest::collection::vec((any::<usize>(), any::<u8>()), 0..6),
    ) {
        let mut bytes = vec![b'z'; len];
        for (place, byte) in places {
            if len > 0 {
                bytes[place % len] = byte;
            }
        }
        check(&bytes);
    }
}
