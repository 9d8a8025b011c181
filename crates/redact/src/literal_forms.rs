//! The forms in which a user's literal appears in texts: as it is, and in the encodings of URLs, JSON, XML and base64.
//!
//! Promises: the literal itself comes first; no form is shorter than the literal, so the index of literals looks up no
//! more positions because of them. Base64 and hexadecimal forms are made of literals from [`ENCODED_BYTES_MIN`] bytes
//! on, because short ones would occur by chance.
use ringseal_base::digest::text::{Base64, base64, hex};

/// The shortest literal that is also searched in base64 and hexadecimal.
const ENCODED_BYTES_MIN: usize = 8;

/// All forms of `literal`, each once.
pub(super) fn forms(literal: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![literal.to_vec()];
    let mut add = |form: Vec<u8>| {
        if form.len() >= literal.len() && !forms.contains(&form) {
            forms.push(form);
        }
    };
    for keeps in [&b""[..], b"/", b":/?@!$&'()*+,;=", b"!'()*"] {
        for lower in [false, true] {
            add(percent(literal, keeps, lower, b"%20"));
            add(percent(literal, keeps, lower, b"+"));
        }
    }
    // Percent-encoded twice, as in a URL in a URL.
    add(percent(&percent(literal, b"", false, b"%20"), b"", false, b"%20"));
    let json = escaped(literal, &JSON);
    add(escaped(&json, &JSON));
    add(json);
    add(escaped(literal, &JSON_FOR_HTML));
    XML.iter().for_each(|table| add(escaped(literal, table)));
    if literal.len() >= ENCODED_BYTES_MIN {
        for how in [Base64::Standard, Base64::Url] {
            (0..3).for_each(|before| add(inside_base64(how, literal, before)));
        }
        let hex = hex(literal);
        add(hex.to_ascii_uppercase().into_bytes());
        add(hex.into_bytes());
    }
    forms
}

/// Percent-encodes all but letters, digits, `-_.~` and the bytes of `keeps`.
fn percent(text: &[u8], keeps: &[u8], lower: bool, space: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for &byte in text {
        match byte {
            b' ' => out.extend_from_slice(space),
            _ if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) => out.push(byte),
            _ if keeps.contains(&byte) => out.push(byte),
            _ => {
                let digits = format!("{byte:02x}");
                let digits = if lower { digits } else { digits.to_ascii_uppercase() };
                out.push(b'%');
                out.extend_from_slice(digits.as_bytes());
            }
        }
    }
    out
}

type Escapes = [(u8, &'static str)];

const JSON: [(u8, &str); 7] = [
    (b'"', "\\\""),
    (b'\\', "\\\\"),
    (b'\n', "\\n"),
    (b'\r', "\\r"),
    (b'\t', "\\t"),
    (8, "\\b"),
    (12, "\\f"),
];

/// As serializers write that escape for HTML, too.
const JSON_FOR_HTML: [(u8, &str); 8] = [
    (b'"', "\\\""),
    (b'\\', "\\\\"),
    (b'/', "\\/"),
    (b'&', "\\u0026"),
    (b'<', "\\u003c"),
    (b'>', "\\u003e"),
    (b'\'', "\\u0027"),
    (b'\n', "\\n"),
];

/// Serializers differ in how they write quotes.
const XML: [&Escapes; 4] = [
    &[(b'&', "&amp;"), (b'<', "&lt;"), (b'>', "&gt;")],
    &[(b'&', "&amp;"), (b'<', "&lt;"), (b'>', "&gt;"), (b'"', "&quot;")],
    &[(b'&', "&amp;"), (b'<', "&lt;"), (b'>', "&gt;"), (b'"', "&quot;"), (b'\'', "&#39;")],
    &[(b'&', "&amp;"), (b'<', "&lt;"), (b'>', "&gt;"), (b'"', "&#34;"), (b'\'', "&apos;")],
];

fn escaped(text: &[u8], escapes: &Escapes) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in text {
        match escapes.iter().find(|(escaped, _)| escaped == byte) {
            Some((_, escape)) => out.extend_from_slice(escape.as_bytes()),
            None => out.push(*byte),
        }
    }
    out
}

/// The digits of base64 that only the literal decides, if `before` bytes precede it in its group of three.
fn inside_base64(how: Base64, literal: &[u8], before: usize) -> Vec<u8> {
    let padded = [&[0; 2][..before], literal].concat();
    let digits = base64(how, &padded);
    let first = [0, 2, 3][before];
    // The last group is decided by what follows, unless it is full.
    let full = padded.len() / 3 * 4;
    let last = full + [0, 1, 2][padded.len() % 3];
    digits.as_bytes().get(first..last).unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn has(literal: &str, form: &str) -> bool {
        forms(literal.as_bytes()).iter().any(|known| known == form.as_bytes())
    }

    #[test]
    fn encoded_literals_are_known() {
        let literal = "corr/ect\"horse";
        for form in [
            "corr/ect\"horse",
            "corr%2Fect%22horse",
            "corr%2fect%22horse",
            "corr/ect%22horse",
            "corr%252Fect%2522horse",
            "corr/ect\\\"horse",
            "corr\\/ect\\\"horse",
            "corr/ect\\\\\\\"horse",
            "corr/ect&quot;horse",
            "corr/ect&#34;horse",
            "Y29yci9lY3QiaG9yc2",
            "636f72722f65637422686f727365",
            "636F72722F65637422686F727365",
        ] {
            assert!(has(literal, form), "{form}");
        }
        assert!(
            has("pass word&more", "pass+word%26more")
                && has("pass word&more", "pass%20word%26more")
        );
        assert!(has("a&b<c>'d'", "a&amp;b&lt;c&gt;&#39;d&#39;"));
        assert!(has("it's \u{e9}t\u{e9}", "it%27s%20%C3%A9t%C3%A9"));
    }

    #[test]
    fn plain_words_have_few_forms() {
        assert_eq!(forms(b"hunter2"), [b"hunter2".to_vec()]);
        assert_eq!(forms(b"hunter2xyz").len(), 1 + 3 + 2);
    }

    proptest! {
        #[test]
        fn base64_of_a_text_holds_a_form(
            before in "[a-z:]{0,7}",
            literal in "[ -~]{8,30}",
            after in "[a-z:]{0,7}",
        ) {
            let text = format!("{before}{literal}{after}");
            for how in [Base64::Standard, Base64::Url] {
                let encoded = base64(how, text.as_bytes());
                let found = forms(literal.as_bytes()).into_iter().any(|form| {
                    form != literal.as_bytes()
                        && encoded.as_bytes().windows(form.len()).any(|window| window == form)
                });
                prop_assert!(found, "{text} {encoded}");
            }
        }
    }
}
