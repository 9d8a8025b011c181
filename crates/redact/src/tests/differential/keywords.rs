//! Keys inside of values that a keyword tells: the same is found wherever the text is in its block of 64 bytes.
use super::*;

/// A key with its sign inside the value of a keyword, and a value after it.
const TEXTS: &[(&str, &str)] = &[
    ("a password in SQL", "IDENTIFIED BY 'customer_name='</password>"),
    ("and a name after it", "IDENTIFIED BY 'customer_name='Bob Smith"),
    ("in lower case", "alter user bob identified by 'api_key='abcdef0123456789abcdef"),
    ("in double quotes", "CREATE USER u IDENTIFIED BY \"password=\"hunter2hunter2\""),
    ("a bearer", "Bearer password=abcdefghijklmnop email=ann@example.com"),
    ("a telling word", "the password is token=abcdef0123456789abcdef secret: hunter2"),
    ("a one-time code", "code is 123456=password: hunter2"),
    ("an element", "<password>api_key=abc</password>token=abcdef0123456789"),
    ("a provider's key", "sk_live_abcdefghijklmnopqrstuvwx=password: hunter2"),
];

#[test]
fn keys_inside_told_values_agree_at_every_offset() {
    let rules = Rules::standard();
    let reference = oracle::open(Rules::standard());
    for (name, text) in TEXTS {
        for offset in 0..130 {
            let text = [&b" ".repeat(offset)[..], text.as_bytes()].concat();
            for cut in [false, true] {
                let want = oracle::hits(&reference, &text, cut);
                assert_eq!(
                    Some(fast(&rules, &text, cut)),
                    want,
                    "{name} after {offset} bytes, cut: {cut}"
                );
            }
        }
    }
}
