//! The little JSON (RFC 8259) that a keyset is, read in place: no text of a key is copied, so none is
//! left behind. Members that nobody asks for are checked and passed over, 32 levels deep.

/// Why reading stopped.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// No JSON, or not what must stand there.
    Syntax { at: usize, expected: &'static str, found: String },
    /// A field's value is not what it may be.
    Field { field: String, expected: String, found: String },
}

const DEPTH_MAX: usize = 32;

/// A place in a text.
pub(super) struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Reader<'a> {
        Reader { text: text.as_bytes(), at: 0 }
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.text.get(self.at) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    /// That `expected` must stand here, and what does.
    pub(super) fn wrong(&mut self, expected: &'static str) -> Problem {
        let found = self.found();
        Problem::Syntax { at: self.at, expected, found }
    }

    /// What stands here, without giving a value away.
    pub(super) fn found(&mut self) -> String {
        match self.peek() {
            None => "the end",
            Some(b'{') => "an object",
            Some(b'[') => "an array",
            Some(b'"') => "a text",
            Some(b'0'..=b'9' | b'-') => "a number",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            Some(b) if b.is_ascii_punctuation() => return format!("`{}`", char::from(b)),
            Some(_) => "another character",
        }
        .to_owned()
    }

    /// Calls `member` with the name of each member, standing before its value.
    pub(super) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &'a str) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        if !self.eat(b'{') {
            return Err(self.wrong("an object"));
        }
        if self.eat(b'}') {
            return Ok(());
        }
        loop {
            let Some(name) = self.plain_text()? else {
                return Err(self.wrong("a name in quotes"));
            };
            self.need(b':', "`:` after a name")?;
            member(self, name)?;
            if self.eat(b'}') {
                return Ok(());
            }
            self.need(b',', "`,` or `}`")?;
        }
    }

    fn need(&mut self, byte: u8, expected: &'static str) -> Result<(), Problem> {
        if self.eat(byte) { Ok(()) } else { Err(self.wrong(expected)) }
    }

    /// A text without escapes, or `None` where something else stands. Nothing in a keyset needs an escape.
    pub(super) fn plain_text(&mut self) -> Result<Option<&'a str>, Problem> {
        if self.peek() != Some(b'"') {
            return Ok(None);
        }
        let start = self.at + 1;
        self.skip_text()?;
        let text = self.text.get(start..self.at - 1).unwrap_or_default();
        if text.contains(&b'\\') {
            let found = "a `\\`".to_owned();
            return Err(Problem::Syntax { at: start, expected: "a text without escapes", found });
        }
        // The quotes are ASCII, so what stands between them is UTF-8 like the whole.
        Ok(Some(std::str::from_utf8(text).unwrap_or_default()))
    }

    /// The digits of a whole number without sign, or `None` where something else stands.
    pub(super) fn digits(&mut self) -> Result<Option<&'a str>, Problem> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Ok(None);
        }
        let start = self.at;
        self.skip_number()?;
        let text = self.text.get(start..self.at).unwrap_or_default();
        let whole = text.iter().all(u8::is_ascii_digit);
        Ok(if whole { std::str::from_utf8(text).ok() } else { None })
    }

    /// Nothing but white space may follow.
    pub(super) fn end(&mut self) -> Result<(), Problem> {
        if self.peek().is_none() { Ok(()) } else { Err(self.wrong("the end")) }
    }

    /// Passes a value over.
    pub(super) fn skip(&mut self) -> Result<(), Problem> {
        self.skip_below(0)
    }

    fn skip_below(&mut self, depth: usize) -> Result<(), Problem> {
        match self.peek() {
            Some(b'{' | b'[') if depth == DEPTH_MAX => Err(self.wrong("32 levels at most")),
            Some(b'{') => self.skip_items(b'}', |reader| {
                if reader.peek() != Some(b'"') {
                    return Err(reader.wrong("a name in quotes"));
                }
                reader.skip_text()?;
                reader.need(b':', "`:` after a name")?;
                reader.skip_below(depth + 1)
            }),
            Some(b'[') => self.skip_items(b']', |reader| reader.skip_below(depth + 1)),
            Some(b'"') => self.skip_text(),
            Some(b'-' | b'0'..=b'9') => self.skip_number(),
            _ => self.skip_word(),
        }
    }

    /// What stands between brackets, the first of which is next.
    fn skip_items(
        &mut self,
        close: u8,
        mut item: impl FnMut(&mut Self) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        self.at += 1;
        if self.eat(close) {
            return Ok(());
        }
        loop {
            item(self)?;
            if self.eat(close) {
                return Ok(());
            }
            self.need(b',', "`,` or a closing bracket")?;
        }
    }

    fn skip_word(&mut self) -> Result<(), Problem> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let word = [&b"true"[..], b"false", b"null"].into_iter().find(|w| rest.starts_with(w));
        match word {
            Some(word) => self.at += word.len(),
            None => return Err(self.wrong("a value")),
        }
        Ok(())
    }

    /// A text in quotes, the first of which is next.
    fn skip_text(&mut self) -> Result<(), Problem> {
        self.at += 1;
        loop {
            let byte = self.text.get(self.at).copied();
            self.at += 1;
            match byte {
                Some(b'"') => return Ok(()),
                Some(b'\\') => self.skip_escape()?,
                Some(0x20..) => {}
                // Control characters must be escaped.
                Some(_) | None => {
                    self.at -= 1;
                    return Err(self.wrong("a `\"` to end the text"));
                }
            }
        }
    }

    fn skip_escape(&mut self) -> Result<(), Problem> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let len = match rest.first() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 1,
            Some(b'u') if rest.get(1..5).is_some_and(|h| h.iter().all(u8::is_ascii_hexdigit)) => 5,
            _ => return Err(self.wrong("an escape of JSON")),
        };
        self.at += len;
        Ok(())
    }

    fn skip_number(&mut self) -> Result<(), Problem> {
        self.at += usize::from(self.here() == Some(b'-'));
        match self.here() {
            Some(b'0') => self.at += 1,
            _ => self.need_digits()?,
        }
        if self.here() == Some(b'.') {
            self.at += 1;
            self.need_digits()?;
        }
        if let Some(b'e' | b'E') = self.here() {
            self.at += 1;
            self.at += usize::from(matches!(self.here(), Some(b'+' | b'-')));
            self.need_digits()?;
        }
        // `01` is no number.
        if matches!(self.here(), Some(b'0'..=b'9')) { Err(self.wrong("a number")) } else { Ok(()) }
    }

    fn need_digits(&mut self) -> Result<(), Problem> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { Err(self.wrong("a digit")) } else { Ok(()) }
    }

    fn here(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_json(text: &str) -> bool {
        let mut reader = Reader::new(text);
        reader.skip().and_then(|()| reader.end()).is_ok()
    }

    fn oracle(text: &str) -> bool {
        serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
    }

    #[test]
    fn what_is_json_and_what_is_not() {
        for text in
            ["{}", "[]", " [1, -0.5e+3,\t0] ", r#"{"a":{"b":[null,true,false,"\u00e9\n"]}}"#, "0"]
        {
            assert!(is_json(text) && oracle(text), "{text}");
        }
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "{\"a\":}",
            "01",
            "-",
            "1.",
            "1e",
            "\"\u{1}\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"",
            "{} {}",
            "tru",
            "{a:1}",
            "[1 2]",
            "\u{FEFF}{}",
        ] {
            assert!(!is_json(text) && !oracle(text), "{text}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert!(is_json(&nested(DEPTH_MAX)));
        assert!(!is_json(&nested(DEPTH_MAX + 1)));
        assert!(!is_json(&"[".repeat(100_000)));
    }

    proptest! {
        /// Pieces of JSON in any order: mostly wrong, sometimes right, never different.
        #[test]
        fn the_oracle_agrees(pieces in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"a\"", "\"\\n\"", "\"\\u00", "1", "-", ".5", "e3", "0",
            "true", "null", " ", "\n", "\"", "x", "é",
        ]), 0..12)) {
            let text = pieces.concat();
            prop_assert_eq!(is_json(&text), oracle(&text), "{:?}", text);
        }
    }
}
