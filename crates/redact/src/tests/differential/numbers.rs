//! Numbers whose digits are grouped in any way, after words that identify them and after others.

use super::*;

#[test]
fn digits_in_any_groups_are_found() {
    let (rules, open) = (Rules::standard(), oracle::open(Rules::standard()));
    let before = [
        "",
        "visa no ",
        "card ",
        "tel ",
        "a ",
        "ssn ",
        "iban ",
        "0",
        "00",
        "+",
        "(",
        "pin: ",
        "order ",
        "visa x ",
        "card of ann, ",
    ];
    let gaps = [
        " ",
        "-",
        ".",
        "(",
        ")",
        ") ",
        "/",
        ":",
        ",",
        ", ",
        " - ",
        "  ",
        "\u{a0}",
        "x",
        "ext",
        "EXT. ",
        "x ",
        "durchwahl ",
    ];
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as usize % below
    };
    for _ in 0..60_000 {
        let mut text = String::from(before[next(before.len())]);
        let (gap, chance) = (gaps[next(gaps.len())], 1 + next(5));
        for _ in 0..7 + next(14) {
            text.push(char::from(b'0' + next(10) as u8));
            if next(chance) == 0 {
                text.push_str(if next(8) == 0 { gaps[next(gaps.len())] } else { gap });
            }
        }
        text.push_str(["", " x", ".", "T", " euros"][next(5)]);
        let found = fast(&rules, text.as_bytes(), false);
        assert_eq!(Some(found), oracle::hits(&open, text.as_bytes(), false), "{text:?}");
    }
}

#[test]
fn unusual_ways_to_write_numbers_are_found() {
    let rules = Rules::standard();
    for text in [
        "tel 1736744595x80",
        "tel 8248429x530.",
        "0049) 89 123 45678",
        "004 9 89 123 456 78",
        "fax 004\u{a0}9\u{a0}89\u{a0}1234\u{a0}5678",
        "visa no 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
    ] {
        assert!(!fast(&rules, text.as_bytes(), false).is_empty(), "{text}");
    }
    // No calling code starts with a zero.
    assert!(fast(&rules, b"000 112 86 30 48", false).is_empty());
}
