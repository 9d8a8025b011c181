//! Splits a key into words.
//!
//! A key is read as people write it: percent-encoding and JSON escapes are decoded, invisible characters dropped, and
//! Latin letters lose their accents, so that `user%5Bcontrase%C3%B1a%5D` is *user* and *contrasena*. Words end at
//! everything that is not a letter or digit, at camelCase humps, and between letters and digits.
//!
//! Allocates nothing and never blocks. Only the last 96 bytes of a longer key are used.

/// Bytes of a key that are used, counted from its end.
const KEY_BYTES_MAX: usize = 96;
/// Most words that are kept: the first, and the last fifteen.
const WORDS_MAX: usize = 16;

/// A key's words, in lower case, on the stack.
pub(crate) struct Tokens {
    text: [u8; KEY_BYTES_MAX],
    ends: [(u8, u8); WORDS_MAX],
    count: usize,
}

impl Tokens {
    /// Splits `key`.
    pub(crate) fn split(key: &[u8]) -> Tokens {
        let key = &key[key.len().saturating_sub(KEY_BYTES_MAX)..];
        let mut tokens = Tokens { text: [0; KEY_BYTES_MAX], ends: [(0, 0); WORDS_MAX], count: 0 };
        let len = decode(key, &mut tokens.text);
        let mut at = 0;
        while at < len {
            let end = at + word_len(&tokens.text[at..len]);
            if end == at {
                at += 1;
                continue;
            }
            tokens.text[at..end].make_ascii_lowercase();
            tokens.push(at, end);
            at = end;
        }
        tokens
    }

    fn push(&mut self, start: usize, end: usize) {
        if self.count == WORDS_MAX {
            // The first word (`has`, `is`) and the last words decide.
            self.ends.copy_within(2.., 1);
            self.count -= 1;
        }
        // Both are at most 96.
        self.ends[self.count] = (start as u8, end as u8);
        self.count += 1;
    }

    /// How many words there are.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// The word `back` places from the end; empty if the key has fewer.
    pub(crate) fn last(&self, back: usize) -> &[u8] {
        match self.count.checked_sub(back + 1) {
            Some(i) => self.get(i),
            None => &[],
        }
    }

    /// The word at `index`.
    pub(crate) fn get(&self, index: usize) -> &[u8] {
        let (start, end) = self.ends[index];
        &self.text[usize::from(start)..usize::from(end)]
    }

    /// Both words of a key that has two.
    pub(crate) fn get_if_two_words(&self) -> Option<(&[u8], &[u8])> {
        (self.count == 2).then(|| (self.get(0), self.get(1)))
    }

    /// Replaces the word at `index` by the parts that end at `ends`, which are offsets in it.
    pub(crate) fn cut(&mut self, index: usize, ends: &[usize]) {
        let more = ends.len().saturating_sub(1);
        if self.count + more > WORDS_MAX {
            return;
        }
        self.ends.copy_within(index + 1..self.count, index + 1 + more);
        let (mut start, _) = self.ends[index];
        let base = usize::from(start);
        for (to, end) in self.ends[index..].iter_mut().zip(ends) {
            // Below 96, as the word's end is.
            *to = (start, (base + end) as u8);
            start = to.1;
        }
        self.count += more;
    }
}

/// The last word of a key, as [`Tokens`] has it, without splitting the rest.
pub(crate) struct LastWord {
    text: [u8; KEY_BYTES_MAX],
    len: usize,
    /// The key has no other word.
    pub(crate) is_only: bool,
}

impl LastWord {
    /// The last word of `key`.
    pub(crate) fn of(key: &[u8]) -> LastWord {
        let mut last = LastWord { text: [0; KEY_BYTES_MAX], len: 0, is_only: false };
        let key = &key[key.len().saturating_sub(KEY_BYTES_MAX)..];
        if key.iter().all(is_plain) {
            let (start, end) = plain_last_word(key);
            last.is_only = start < end && !key[..start].iter().any(u8::is_ascii_alphanumeric);
            last.set(&key[start..end]);
            last.text[..last.len].make_ascii_lowercase();
        } else {
            let tokens = Tokens::split(key);
            last.is_only = tokens.len() == 1;
            last.set(tokens.last(0));
        }
        last
    }

    /// The last word of `key` without the number after it: `password` of `password2` and `password_2`.
    pub(crate) fn before_number(key: &[u8]) -> LastWord {
        let digits = key.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let rest = &key[..key.len() - digits];
        let has_word = rest.iter().any(u8::is_ascii_alphanumeric);
        LastWord::of(if has_word { rest } else { key })
    }

    fn set(&mut self, word: &[u8]) {
        self.text[..word.len()].copy_from_slice(word);
        self.len = word.len();
    }

    /// The word, in lower case.
    pub(crate) fn get(&self) -> &[u8] {
        &self.text[..self.len]
    }
}

/// Where the last word of a key without encodings starts and ends.
fn plain_last_word(key: &[u8]) -> (usize, usize) {
    let run = |end: usize, is: fn(&u8) -> bool| {
        key[..end].iter().rev().take_while(|&byte| is(byte)).count()
    };
    let end = key.len() - run(key.len(), |byte| !byte.is_ascii_alphanumeric());
    let digits = run(end, u8::is_ascii_digit);
    let lower = run(end, u8::is_ascii_lowercase);
    let caps = run(end - lower, u8::is_ascii_uppercase);
    let len = match (caps, lower) {
        _ if digits > 0 => digits,
        (_, 0) => caps,
        (0, _) => lower,
        // `IDs`: a plural.
        (2.., 1) if key[end - 1] == b's' => caps + 1,
        _ => lower + 1,
    };
    (end - len, end)
}

/// A byte that is not part of an encoding.
fn is_plain(byte: &u8) -> bool {
    byte.is_ascii() && !matches!(byte, b'%' | b'\\')
}

/// Length of the word at the start of `text`: letters up to a hump, digits, or bytes that are not ASCII; 0 for
/// separators.
fn word_len(text: &[u8]) -> usize {
    let run =
        |from: usize, is: fn(&u8) -> bool| text[from..].iter().take_while(|&byte| is(byte)).count();
    let Some(&first) = text.first() else { return 0 };
    if first.is_ascii_digit() {
        return run(0, u8::is_ascii_digit);
    }
    if first.is_ascii_lowercase() {
        return run(0, u8::is_ascii_lowercase);
    }
    if !first.is_ascii() {
        return run(0, |byte| !byte.is_ascii());
    }
    if !first.is_ascii_uppercase() {
        return 0;
    }
    let caps = run(0, u8::is_ascii_uppercase);
    let lower = run(caps, u8::is_ascii_lowercase);
    match (caps, lower) {
        (_, 0) => caps,
        (1, _) => 1 + lower,
        // `IDs`, `API_KEYs`: a plural.
        (_, 1) if text[caps] == b's' => caps + 1,
        // `APIKey` is `API` and `Key`: the last capital belongs to the next word.
        _ => caps - 1,
    }
}

/// Writes `key` to `out` without encodings, and returns its length, which is not larger.
fn decode(key: &[u8], out: &mut [u8; KEY_BYTES_MAX]) -> usize {
    if key.iter().all(is_plain) {
        out[..key.len()].copy_from_slice(key);
        return key.len();
    }
    // First the bytes that are encoded, then the characters that these bytes are.
    let len = unescape(key, out);
    let mut at = 0;
    let mut to = 0;
    while at < len {
        let (char_len, folded, folded_len) = fold(&out[at..len]);
        // A character is never longer when folded.
        out[to..to + folded_len].copy_from_slice(&folded[..folded_len]);
        at += char_len;
        to += folded_len;
    }
    to
}

/// Decodes `%5B` and `\u005b`.
fn unescape(key: &[u8], out: &mut [u8; KEY_BYTES_MAX]) -> usize {
    let hex = |text: Option<&[u8]>| -> Option<u32> {
        let digit = |value: u32, &byte: &u8| Some(value << 4 | char::from(byte).to_digit(16)?);
        text?.iter().try_fold(0, digit)
    };
    let (mut at, mut to) = (0, 0);
    while at < key.len() {
        let (code, len) = match &key[at..] {
            [b'%', rest @ ..] => (hex(rest.get(..2)), 3),
            [b'\\', b'u', rest @ ..] => (hex(rest.get(..4)), 6),
            _ => (None, 0),
        };
        match code {
            Some(byte @ 0..=0xFF) if len == 3 => {
                out[to] = byte as u8;
                (at, to) = (at + 3, to + 1);
            }
            Some(unit) if len == 6 => {
                let c = char::from_u32(unit).unwrap_or(' ');
                to += c.encode_utf8(&mut out[to..]).len();
                at += 6;
            }
            _ => {
                out[to] = key[at];
                (at, to) = (at + 1, to + 1);
            }
        }
    }
    to
}

/// The length of the character at the start of `text`, its folded form, and the length of that: full-width letters
/// become ASCII, Latin letters lose their accents, Greek and Cyrillic capitals become small, and invisible characters
/// vanish. Other characters are unchanged.
fn fold(text: &[u8]) -> (usize, [u8; 4], usize) {
    let len = match text[0] {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return (1, [text[0], 0, 0, 0], 1),
    };
    let Some(Ok(char_text)) = text.get(..len).map(str::from_utf8) else {
        return (1, [text[0], 0, 0, 0], 1);
    };
    let c = char_text.chars().next().unwrap_or_default();
    let ascii = |byte: u8| (len, [byte, 0, 0, 0], 1);
    match c {
        '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}' => {
            (len, [0; 4], 0)
        }
        '\u{FEFF}' | '\u{FE00}'..='\u{FE0F}' | '\u{300}'..='\u{36F}' => (len, [0; 4], 0),
        // A separator in any script.
        '\u{A0}' | '\u{2000}'..='\u{200A}' | '\u{2010}'..='\u{2015}' | '\u{3000}' => ascii(b' '),
        '\u{FF01}'..='\u{FF5E}' => ascii((c as u32 - 0xFEE0) as u8),
        'ß' => (len, *b"ss\0\0", 2),
        '\u{C0}'..='\u{17F}'
        | '\u{1A0}'..='\u{1B0}'
        | '\u{218}'..='\u{21B}'
        | '\u{1EA0}'..='\u{1EF9}' => match base_letter(c) {
            Some(letter) => ascii(letter),
            None => keep(char_text.as_bytes()),
        },
        '\u{391}'..='\u{3A9}' | '\u{410}'..='\u{42F}' => {
            let small = char::from_u32(c as u32 + 0x20).unwrap_or(c);
            let mut utf8 = [0; 4];
            let small_len = small.encode_utf8(&mut utf8).len();
            (len, utf8, small_len)
        }
        _ => keep(char_text.as_bytes()),
    }
}

fn keep(text: &[u8]) -> (usize, [u8; 4], usize) {
    let mut out = [0; 4];
    out[..text.len()].copy_from_slice(text);
    (text.len(), out, text.len())
}

/// The letter below the accent, in its case.
fn base_letter(c: char) -> Option<u8> {
    let cased = |upper: u8| upper | if c as u32 & 1 == 0 { 0 } else { 0x20 };
    let letter = match c {
        // Vietnamese: capitals are even.
        'Ạ'..='ặ' => cased(b'A'),
        'Ẹ'..='ệ' => cased(b'E'),
        'Ỉ'..='ị' => cased(b'I'),
        'Ọ'..='ợ' => cased(b'O'),
        'Ụ'..='ự' => cased(b'U'),
        'Ỳ'..='ỹ' => cased(b'Y'),
        'Ơ' => b'O',
        'ơ' => b'o',
        'Ư' => b'U',
        'ư' => b'u',
        'À'..='Å' | 'Ā' | 'Ă' | 'Ą' => b'A',
        'à'..='å' | 'ā' | 'ă' | 'ą' => b'a',
        'Ç' | 'Ć' | 'Ĉ' | 'Ċ' | 'Č' => b'C',
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => b'c',
        'Ď' | 'Đ' | 'Ð' => b'D',
        'ď' | 'đ' | 'ð' => b'd',
        'È'..='Ë' | 'Ē' | 'Ĕ' | 'Ė' | 'Ę' | 'Ě' => b'E',
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => b'e',
        'Ĝ' | 'Ğ' | 'Ġ' | 'Ģ' => b'G',
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => b'g',
        'Ì'..='Ï' | 'Ĩ' | 'Ī' | 'Ĭ' | 'Į' | 'İ' => b'I',
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => b'i',
        'Ķ' => b'K',
        'ķ' => b'k',
        'Ĺ' | 'Ļ' | 'Ľ' | 'Ŀ' | 'Ł' => b'L',
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => b'l',
        'Ñ' | 'Ń' | 'Ņ' | 'Ň' => b'N',
        'ñ' | 'ń' | 'ņ' | 'ň' => b'n',
        'Ò'..='Ö' | 'Ø' | 'Ō' | 'Ŏ' | 'Ő' => b'O',
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => b'o',
        'Ŕ' | 'Ŗ' | 'Ř' => b'R',
        'ŕ' | 'ŗ' | 'ř' => b'r',
        'Ś' | 'Ŝ' | 'Ş' | 'Š' | 'Ș' => b'S',
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => b's',
        'Ţ' | 'Ť' | 'Ŧ' | 'Ț' => b'T',
        'ţ' | 'ť' | 'ŧ' | 'ț' => b't',
        'Ù'..='Ü' | 'Ũ' | 'Ū' | 'Ŭ' | 'Ů' | 'Ű' | 'Ų' => b'U',
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => b'u',
        'Ý' | 'Ÿ' => b'Y',
        'ý' | 'ÿ' => b'y',
        'Ź' | 'Ż' | 'Ž' => b'Z',
        'ź' | 'ż' | 'ž' => b'z',
        _ => return None,
    };
    Some(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(key: &str) -> Vec<String> {
        let tokens = Tokens::split(key.as_bytes());
        (0..tokens.len()).map(|i| String::from_utf8_lossy(tokens.get(i)).into_owned()).collect()
    }

    #[test]
    fn keys_are_split_as_they_are_written() {
        for (key, want) in [
            ("userPassword", "user password"),
            ("DB_PASSWORD2", "db password 2"),
            ("APIKey", "api key"),
            ("API_KEYs", "api keys"),
            ("x-api.key", "x api key"),
            ("user[password][]", "user password"),
            ("user%5Bpassword%5D", "user password"),
            ("wsse:Password", "wsse password"),
            (r"pass\u0077ord", "password"),
            ("pass\u{200B}word", "password"),
            ("ｐａｓｓword", "password"),
            ("Contraseña", "contrasena"),
            ("contrasen\u{303}a", "contrasena"),
            ("contrase%C3%B1a", "contrasena"),
            ("HASŁO_nowe", "haslo nowe"),
            ("şifreYeni", "sifre yeni"),
            ("ПАРОЛЬ", "пароль"),
            ("db密码2", "db 密码 2"),
            ("größe", "grosse"),
            ("", ""),
            ("%%%", ""),
        ] {
            assert_eq!(words(key).join(" "), want, "{key}");
        }
    }

    /// The last word that [`Tokens`] has, and whether it is the only one, are those of [`LastWord`].
    fn check_last(key: &[u8]) {
        let (tokens, last) = (Tokens::split(key), LastWord::of(key));
        let found = (last.get(), last.is_only);
        assert_eq!(found, (tokens.last(0), tokens.len() == 1), "{}", key.escape_ascii());
    }

    proptest::proptest! {
        #[test]
        fn last_words_are_those_of_split_keys(
            key in "([A-Z]{0,3}[a-z]{0,3}[0-9_.%\\\\-]{0,2}(s|Key|ID|IDs|é|%5B|\\\\u0041)?){0,12}",
        ) {
            check_last(key.as_bytes());
        }
    }

    #[test]
    fn any_bytes_can_be_split() {
        for first in 0..=255u8 {
            for second in [0, b'a', b'%', 0x80, 0xBF, 0xE2, 0xFF] {
                check_last(&[first, second, first]);
                check_last(&[[second, first]; 60].concat());
            }
        }
    }

    #[test]
    fn a_word_is_cut_in_its_place() {
        let mut tokens = Tokens::split(b"old_pgpassword_x");
        tokens.cut(1, &[2, 10]);
        let words: Vec<_> = (0..tokens.len()).map(|i| tokens.get(i).to_vec()).collect();
        assert_eq!(words, [&b"old"[..], b"pg", b"password", b"x"]);
    }
}
