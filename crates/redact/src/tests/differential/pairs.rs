//! Keys of two words, with whatever joins the words.

use super::super::super::key_words as words;
use super::*;

#[test]
fn pairs_joined_in_any_way_are_found() {
    let (rules, open) = (Rules::standard(), oracle::open(Rules::standard()));
    let joins = [
        ".",
        "._",
        "..-",
        ".__",
        "-",
        "-_",
        "_____",
        "..........",
        " ",
        " _",
        "[",
        "['",
        "%2e",
        "\\\"",
        "é",
    ];
    let values = ["Deqwgkoy Fustvthm", "k9QzL2mXq8Zr4TwY12", "4829", "hunter2x", "+1 402 555 1212"];
    let check = |first: &str, second: &str| {
        for join in joins {
            for sign in ["=", ": ", " = ", "\": \""] {
                for value in values {
                    let text = format!("{first}{join}{second}{sign}{value} x");
                    let found = fast(&rules, text.as_bytes(), false);
                    assert_eq!(
                        Some(found),
                        oracle::hits(&open, text.as_bytes(), false),
                        "{text:?}"
                    );
                }
            }
        }
    };
    for pairs in words::PAIRS {
        let first = pairs.firsts[0];
        pairs.lasts.iter().for_each(|second| check(first, second));
        check("secret", pairs.lasts[0]);
    }
    for (first, second) in
        [("customer", "Name"), ("billing", "the_name"), ("api", "key"), ("card", "key")]
    {
        check(first, second);
    }
}
