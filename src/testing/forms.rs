//! The forms in which a secret can be written, as texts to search for.
use super::leak::Form;

/// Shorter pieces of encoded text occur by chance.
const CODED_BYTES_MIN: usize = 8;
/// Shorter secrets are searched for in exact case and in encoded forms only.
const LOOSE_BYTES_MIN: usize = 8;
/// Shorter numbers are not searched for backwards.
const NUMBER_BYTES_MIN: usize = 12;
/// The texts that can follow a cut text: ringseal's mark, the marks of other programs, the end of the line.
const CUT_MARKS: [&[u8]; 5] = ["…".as_bytes(), b"\\u2026", b"...", b"\n", b"\r"];

/// One text to search for, in any ASCII case.
#[derive(Debug)]
pub(super) struct Needle {
    /// The index of the secret.
    pub(super) secret: usize,
    pub(super) text: Vec<u8>,
    form: Form,
    /// For [`Form::Cut`], the whole secret; otherwise empty.
    whole: Vec<u8>,
}

impl Needle {
    /// The most bytes from its start that [`Needle::form_at`] reads.
    pub(super) fn match_bytes_max(&self) -> usize {
        self.text.len().max(self.whole.len()) + 8
    }

    /// The form of the match at `at`, or `None` if it does not count as a leak. `is_end` is true if `text` ends at
    /// the end of the file.
    pub(super) fn form_at(&self, text: &[u8], at: usize, is_end: bool) -> Option<Form> {
        let found = text.get(at..)?;
        match self.form {
            Form::Raw if found.starts_with(&self.text) => Some(Form::Raw),
            Form::Raw => (self.text.len() >= LOOSE_BYTES_MIN).then_some(Form::OtherCase),
            // In base64, the two cases of a letter are different digits.
            Form::Base64 => found.starts_with(&self.text).then_some(Form::Base64),
            Form::Cut => {
                let same = found.iter().zip(&self.whole).take_while(|(a, b)| a == b).count();
                let rest = &found[same..];
                let is_cut = same >= self.text.len()
                    && same < self.whole.len()
                    && (CUT_MARKS.iter().any(|mark| rest.starts_with(mark))
                        || rest.is_empty() && is_end);
                is_cut.then_some(Form::Cut)
            }
            form => Some(form),
        }
    }
}

/// All texts to search for to find `secret`, which has this index.
pub(super) fn needles(index: usize, secret: &str) -> Vec<Needle> {
    let bytes = secret.as_bytes();
    let mut all: Vec<(Form, Vec<u8>)> = vec![(Form::Raw, bytes.to_vec())];
    let json = escape_json(secret, false);
    all.push((Form::Json, escape_json(&json, false).into_bytes()));
    all.push((Form::Json, escape_json(secret, true).into_bytes()));
    all.push((Form::Json, json.replace('/', "\\/").into_bytes()));
    all.push((Form::Json, json.into_bytes()));
    all.push((Form::Url, percent(bytes, false)));
    all.push((Form::Url, percent(bytes, true)));
    all.push((
        Form::Url,
        bytes.iter().flat_map(|byte| format!("%{byte:02x}").into_bytes()).collect(),
    ));
    let mut coded: Vec<(Form, Vec<u8>)> = Vec::new();
    for alignment in 0..3 {
        coded.push((Form::Base64, base64(bytes, alignment, b"+/")));
        coded.push((Form::Base64, base64(bytes, alignment, b"-_")));
    }
    coded.push((
        Form::Hex,
        bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect(),
    ));
    all.extend(coded.into_iter().filter(|(_, text)| text.len() >= CODED_BYTES_MIN));
    if bytes.len() >= LOOSE_BYTES_MIN {
        if !is_short_number(bytes) {
            all.push((Form::Reversed, secret.chars().rev().collect::<String>().into_bytes()));
        }
        let half = bytes.len().div_ceil(2).max(LOOSE_BYTES_MIN).min(bytes.len() - 1);
        all.push((Form::Cut, bytes[..half].to_vec()));
    }
    // If several forms have the same text, the first and plainest one is kept.
    let mut needles: Vec<Needle> = Vec::new();
    for (form, text) in all {
        if needles.iter().all(|known| known.text != text) {
            let whole = if form == Form::Cut { bytes.to_vec() } else { Vec::new() };
            needles.push(Needle { secret: index, text, form, whole });
        }
    }
    needles
}

/// Whether this is a number that logs contain backwards by chance: times and ids are full of digits.
fn is_short_number(secret: &[u8]) -> bool {
    secret.len() < NUMBER_BYTES_MIN && secret.iter().all(u8::is_ascii_digit)
}

/// `text` as the content of a JSON string; with `ascii`, characters beyond ASCII become `\u` escapes.
fn escape_json(text: &str, ascii: bool) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1F}' => out.push_str(&format!("\\u{:04x}", u32::from(character))),
            '\u{7F}'.. if ascii => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            _ => out.push(character),
        }
    }
    out
}

/// Percent-encodes all but the unreserved characters of RFC 3986; with `is_form`, a space becomes `+`.
fn percent(bytes: &[u8], is_form: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for &byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte),
            b' ' if is_form => out.push(b'+'),
            _ => out.extend_from_slice(format!("%{byte:02x}").as_bytes()),
        }
    }
    out
}

/// The base64 digits that depend on `bytes` alone if `alignment` other bytes precede them in their group of three.
fn base64(bytes: &[u8], alignment: usize, last_two: &[u8; 2]) -> Vec<u8> {
    const FIRST: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let bit = |at: usize| match at.checked_sub(alignment * 8) {
        Some(own) => bytes.get(own / 8).map(|byte| byte >> (7 - own % 8) & 1),
        None => None,
    };
    let groups = (alignment + bytes.len()) * 8 / 6;
    let mut out = Vec::new();
    for group in 0..groups {
        let six = (0..6).try_fold(0_u8, |six, at| Some(six << 1 | bit(group * 6 + at)?));
        // A digit that also contains bits of the surrounding text cannot be predicted.
        let Some(six) = six else { continue };
        let digit = FIRST.get(usize::from(six)).copied();
        out.push(digit.unwrap_or_else(|| last_two[usize::from(six & 1)]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_each_alignment_is_searched() {
        // The output of the command `base64` for these bytes.
        let cases = [
            ("hunter2 secret!", "", "aHVudGVyMiBzZWNyZXQh"),
            ("hunter2 secret!", "x", "eGh1bnRlcjIgc2VjcmV0IQ=="),
            ("hunter2 secret!", "xy", "eHlodW50ZXIyIHNlY3JldCE="),
        ];
        for (alignment, (secret, _, whole)) in cases.into_iter().enumerate() {
            let part = String::from_utf8(base64(secret.as_bytes(), alignment, b"+/")).unwrap();
            assert!(whole.contains(&part) && part.len() >= 18, "{part} in {whole}");
        }
        assert_eq!(base64(&[0xFB, 0xFF, 0xBF], 0, b"-_"), b"-_-_");
    }

    #[test]
    fn every_form_is_listed_once() {
        let texts: Vec<_> = needles(0, "pa\"ss/wörd 1").into_iter().map(|n| n.text).collect();
        for form in [
            "pa\"ss/wörd 1",
            "pa\\\"ss/wörd 1",
            "pa\\\\\\\"ss/wörd 1",
            "pa\\\"ss/w\\u00f6rd 1",
            "pa\\\"ss\\/wörd 1",
            "pa%22ss%2fw%c3%b6rd%201",
            "pa%22ss%2fw%c3%b6rd+1",
            "70612273732f77c3b6726420",
            "1 dröw/ss\"ap",
        ] {
            let found = texts.iter().filter(|text| text.starts_with(form.as_bytes())).count();
            assert!(found >= 1, "{form}");
        }
        let mut sorted = texts.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), texts.len());
    }
}
