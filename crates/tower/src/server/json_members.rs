//! JSON without some of its members, and JSON that was cut as a whole document again.
//!
//! Promises: a member is left out at any depth and however its name is escaped. Of a text that was cut, the last value
//! is left out if it is not whole, so that redaction sees every value with its key and its end. A text that is not JSON
//! has no result, so that nothing is shown that could not be searched. The depth is bounded.

/// The deepest nesting that is read.
const DEPTH_MAX: usize = 64;

/// Why reading ends.
enum Stop {
    /// The text ends inside of a value.
    Cut,
    Malformed,
}

type Read = Result<(), Stop>;

/// A text after reading.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Whole {
    /// A whole document, without white space between its tokens.
    pub(super) text: String,
    /// Whether the end of what was read is missing.
    pub(super) is_cut: bool,
}

/// The text as a whole document without the members of these names. `None` if it is not JSON, or nothing of it is left.
pub(super) fn whole(text: &[u8], names: &[Box<str>]) -> Option<Whole> {
    let mut filter = Filter { text, at: 0, out: Vec::with_capacity(text.len()), names };
    let is_cut = match filter.value(true, 0) {
        Ok(()) if filter.peek().is_some() => return None,
        Ok(()) => false,
        Err(Stop::Cut) => true,
        Err(Stop::Malformed) => return None,
    };
    let text = String::from_utf8_lossy(&filter.out).into_owned();
    (!text.is_empty()).then_some(Whole { text, is_cut })
}

struct Filter<'t> {
    text: &'t [u8],
    at: usize,
    out: Vec<u8>,
    names: &'t [Box<str>],
}

impl Filter<'_> {
    /// The next byte after white space.
    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.text.get(self.at) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    /// The next token is this byte.
    fn expect(&mut self, byte: u8, is_kept: bool) -> Read {
        match self.peek() {
            None => Err(Stop::Cut),
            Some(found) if found == byte => {
                self.at += 1;
                if is_kept {
                    self.out.push(byte);
                }
                Ok(())
            }
            Some(_) => Err(Stop::Malformed),
        }
    }

    fn value(&mut self, is_kept: bool, depth: usize) -> Read {
        if depth == DEPTH_MAX {
            return Err(Stop::Malformed);
        }
        match self.peek() {
            None => Err(Stop::Cut),
            Some(b'{') => self.object(is_kept, depth),
            Some(b'[') => self.array(is_kept, depth),
            Some(b'"') => self.string(is_kept),
            Some(b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => self.word(is_kept),
            Some(_) => Err(Stop::Malformed),
        }
    }

    /// The value of an element or member, whose copy begins at `start`. If the text ends in it, what is left is a
    /// container that was closed, or nothing.
    fn part(&mut self, start: usize, is_kept: bool, depth: usize) -> Read {
        let is_container = matches!(self.peek(), Some(b'{' | b'['));
        let read = self.value(is_kept, depth + 1);
        if matches!(read, Err(Stop::Cut)) && !is_container {
            self.out.truncate(start);
        }
        read
    }

    fn array(&mut self, is_kept: bool, depth: usize) -> Read {
        self.expect(b'[', is_kept)?;
        let read = self.elements(is_kept, depth);
        self.close(b']', is_kept, read)
    }

    fn elements(&mut self, is_kept: bool, depth: usize) -> Read {
        if self.peek() == Some(b']') {
            return Ok(());
        }
        let mut start = self.out.len();
        loop {
            self.part(start, is_kept, depth)?;
            if self.peek() == Some(b']') {
                return Ok(());
            }
            start = self.out.len();
            self.expect(b',', is_kept)?;
        }
    }

    fn object(&mut self, is_kept: bool, depth: usize) -> Read {
        self.expect(b'{', is_kept)?;
        let read = self.members(is_kept, depth);
        self.close(b'}', is_kept, read)
    }

    fn members(&mut self, is_kept: bool, depth: usize) -> Read {
        if self.peek() == Some(b'}') {
            return Ok(());
        }
        let mut is_first = true;
        loop {
            self.peek();
            let (from, start) = (self.at, self.out.len());
            self.string(false)?;
            let name = &self.text[from..self.at];
            let is_member_kept = is_kept && !self.is_ignored(name);
            self.expect(b':', false)?;
            if is_member_kept {
                let comma: &[u8] = if is_first { b"" } else { b"," };
                self.out.extend([comma, name, b":"].concat());
                is_first = false;
            }
            self.part(start, is_member_kept, depth)?;
            if self.peek() == Some(b'}') {
                return Ok(());
            }
            self.expect(b',', false)?;
        }
    }

    /// Ends a container, also one that is cut.
    fn close(&mut self, byte: u8, is_kept: bool, read: Read) -> Read {
        match read {
            Ok(()) => self.expect(byte, is_kept),
            Err(Stop::Cut) => {
                if is_kept {
                    self.out.push(byte);
                }
                Err(Stop::Cut)
            }
            Err(Stop::Malformed) => Err(Stop::Malformed),
        }
    }

    /// A string with its quotes. Of one that is cut, nothing is copied: its start may be that of an escape.
    fn string(&mut self, is_kept: bool) -> Read {
        let start = self.at;
        self.expect(b'"', false)?;
        loop {
            match self.text.get(self.at) {
                None => return Err(Stop::Cut),
                Some(b'"') => break,
                Some(b'\\') => self.at += 2,
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        if is_kept {
            self.out.extend_from_slice(&self.text[start..self.at]);
        }
        Ok(())
    }

    /// A number, or `true`, `false`, `null`. One at the end of the text may have been longer.
    fn word(&mut self, is_kept: bool) -> Read {
        let rest = &self.text[self.at..];
        let is_end = |byte: &u8| !(byte.is_ascii_alphanumeric() || b"+-.".contains(byte));
        let len = rest.iter().position(is_end).ok_or(Stop::Cut)?;
        if is_kept {
            self.out.extend_from_slice(&rest[..len]);
        }
        self.at += len;
        Ok(())
    }

    /// Whether a name, with its quotes, is one of those that are left out.
    fn is_ignored(&self, name: &[u8]) -> bool {
        let name = name.get(1..name.len().saturating_sub(1)).unwrap_or_default();
        match name.contains(&b'\\') {
            false => self.names.iter().any(|ignored| ignored.as_bytes() == name),
            true => {
                let name = unescaped(name);
                self.names.iter().any(|ignored| **ignored == *name)
            }
        }
    }
}

/// The text of a string without its escapes. Halves of surrogate pairs become replacement characters.
fn unescaped(text: &[u8]) -> String {
    let mut units = Vec::new();
    let text = String::from_utf8_lossy(text);
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        let char = match char {
            '\\' => match chars.next() {
                Some('u') => {
                    let digits: String = chars.by_ref().take(4).collect();
                    units.push(u16::from_str_radix(&digits, 16).unwrap_or(0xFFFD));
                    continue;
                }
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some(char) => char,
                None => break,
            },
            char => char,
        };
        units.extend_from_slice(char.encode_utf16(&mut [0; 2]));
    }
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_left_out_at_any_depth() {
        let rows = [
            (r#"{"a":1,"card":"4","b":2}"#, Some(r#"{"a":1,"b":2}"#)),
            (r#"{"card":{"a":[1,{"b":2}]},"b":2}"#, Some(r#"{"b":2}"#)),
            (r#"{"a":{"card":1}}"#, Some(r#"{"a":{}}"#)),
            (r#"[{"card":1},{"a":1}]"#, Some(r#"[{},{"a":1}]"#)),
            (r#" { "a" : "x\"card\":" , "card" : null } "#, Some(r#"{"a":"x\"card\":"}"#)),
            (r#"{"\u0063ard":1,"c\u0061rd":2,"a":3}"#, Some(r#"{"a":3}"#)),
            (
                r#"{"cards":[true,false,null,-1.5e3]}"#,
                Some(r#"{"cards":[true,false,null,-1.5e3]}"#),
            ),
            (r#""card""#, Some(r#""card""#)),
            ("[]", Some("[]")),
            ("", None),
            ("card=4", None),
            (r#"{"a":1} {"card":4}"#, None),
            (r#"{"a":1,,"card":4}"#, None),
            (r#"{"a" "card":4}"#, None),
        ];
        for (text, expected) in rows {
            let expected = expected.map(|text| Whole { text: text.into(), is_cut: false });
            assert_eq!(whole(text.as_bytes(), &["card".into()]), expected, "{text}");
        }
    }

    #[test]
    fn cut_texts_end_with_their_last_value() {
        let rows = [
            (r#"{"a":1,"card":"4111"#, r#"{"a":1}"#),
            (r#"{"a":1,"card":{"x":[1,"#, r#"{"a":1}"#),
            (r#"{"a":1,"ca"#, r#"{"a":1}"#),
            (r#"{"a":1,"b""#, r#"{"a":1}"#),
            (r#"{"a":1,"b":"#, r#"{"a":1}"#),
            (r#"{"a":1,"#, r#"{"a":1}"#),
            (r#"{"a":1"#, r#"{}"#),
            (r#"{"a":"cut"#, r#"{}"#),
            (r#"{"a":"cut\"#, r#"{}"#),
            (r#"{"a":"x","b":tr"#, r#"{"a":"x"}"#),
            (r#"{"a":[{"b":"x"},{"c":"y"#, r#"{"a":[{"b":"x"},{}]}"#),
            (r#"[1,[2,"x","#, r#"[1,[2,"x"]]"#),
            (r#"[1,"#, "[1]"),
            ("[", "[]"),
        ];
        for (text, expected) in rows {
            let expected = Some(Whole { text: expected.into(), is_cut: true });
            assert_eq!(whole(text.as_bytes(), &["card".into()]), expected, "{text}");
        }
        assert_eq!(whole(b"\"cut", &[]), None);
    }

    #[test]
    fn results_are_what_another_reader_reads() {
        let text =
            r#"{"a":[1,"\u00e9\\",{"card":true,"d":[]}],"card":"x","n":-1.5e3,"o":{"p":{}}}"#;
        for end in 0..=text.len() {
            if let Some(whole) = whole(&text.as_bytes()[..end], &["card".into()]) {
                let read: serde_json::Value = serde_json::from_str(&whole.text).unwrap();
                assert!(!read.to_string().contains("card"));
                assert_eq!(whole.is_cut, end < text.len());
            }
        }
    }

    #[test]
    fn deep_texts_have_no_result() {
        let deep = "[".repeat(100_000);
        assert_eq!(whole(deep.as_bytes(), &["card".into()]), None);
    }

    #[test]
    fn any_bytes_end_without_a_panic() {
        let text = br#"{"a":[1,"\u00e9\\",{"card":true}],"card":"x","n":-1.5e3}"#;
        for end in 0..text.len() {
            for byte in [0, b'"', b'\\', b'{', b'}', 0xFF] {
                let mut changed = text[..end].to_vec();
                whole(&changed, &["card".into()]);
                changed.push(byte);
                changed.extend_from_slice(&text[end..]);
                whole(&changed, &["card".into()]);
            }
        }
    }
}
