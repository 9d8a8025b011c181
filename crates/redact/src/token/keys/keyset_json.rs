//! Reads the JSON of a keyset in place: no text of a key is copied, so no copy remains in memory. Unknown members are
//! validated and skipped, up to 32 levels deep.
use ringseal_base::json::{Expected, JsonError, Token, Tokens};

/// Why reading stopped.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// The text is not JSON, or not the JSON of a keyset.
    Syntax { at: usize, expected: &'static str, found: String },
    /// A field has an invalid value.
    Field { field: String, expected: String, found: String },
}

const DEPTH_MAX: u32 = 32;

/// A position in a text.
pub(super) struct Reader<'a> {
    text: &'a [u8],
    tokens: Tokens<'a>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Reader<'a> {
        Reader { text: text.as_bytes(), tokens: Tokens::of(text) }
    }

    fn peek(&mut self) -> Option<u8> {
        self.tokens.peek_value().0
    }

    fn next(&mut self) -> Result<Option<Token<'a>>, Problem> {
        self.tokens.next_token().map_err(|error| self.syntax(error))
    }

    /// An error at the next value.
    fn wrong(&mut self, expected: &'static str) -> Problem {
        let (byte, at) = self.tokens.peek_value();
        Problem::Syntax { at, expected, found: describe(byte) }
    }

    fn syntax(&self, error: JsonError) -> Problem {
        let expected = match error.expected {
            Expected::Key | Expected::KeyOrEnd => "a name in quotes",
            Expected::Colon => "`:` after a name",
            Expected::CommaOrMapEnd => "`,` or `}`",
            Expected::CommaOrListEnd => "`,` or `]`",
            Expected::End => "the end",
            Expected::Depth => "32 levels at most",
            Expected::Digit => "a digit",
            Expected::NoLeadingZero => "a number",
            Expected::ClosingQuote => "a `\"` to end the text",
            Expected::Escape
            | Expected::HexDigit
            | Expected::HighSurrogate
            | Expected::LowSurrogate
            | Expected::LowSurrogateEscape => "an escape of JSON",
            Expected::Utf8 => "UTF-8",
            Expected::Map => "an object",
            Expected::Value | Expected::Word(_) => "a value",
        };
        let rest = self.text.get(error.at..).unwrap_or_default().trim_ascii_start();
        Problem::Syntax { at: error.at, expected, found: describe(rest.first().copied()) }
    }

    /// Describes the next value without its content.
    pub(super) fn found(&mut self) -> String {
        describe(self.peek())
    }

    /// Reads an object; calls `member` with the name of each member, which must read the member's value.
    pub(super) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &'a str) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        if self.peek() != Some(b'{') {
            return Err(self.wrong("an object"));
        }
        self.next()?;
        while let Some(Token::Key(name)) = self.next()? {
            let start = self.tokens.range().start + 1;
            let name = name.plain().ok_or_else(|| escaped(start))?;
            member(self, name)?;
        }
        Ok(())
    }

    /// Reads a text without escapes; `None` if the next value is not a text. Nothing in a keyset needs an escape.
    pub(super) fn plain_text(&mut self) -> Result<Option<&'a str>, Problem> {
        if self.peek() != Some(b'"') {
            return Ok(None);
        }
        let Some(Token::String(text)) = self.next()? else { return Ok(None) };
        let start = self.tokens.range().start + 1;
        text.plain().map(Some).ok_or_else(|| escaped(start))
    }

    /// Reads the digits of a whole number without sign; `None` if the next value is something else.
    pub(super) fn digits(&mut self) -> Result<Option<&'a str>, Problem> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Ok(None);
        }
        let Some(Token::Number(number)) = self.next()? else { return Ok(None) };
        Ok(number.bytes().all(|byte| byte.is_ascii_digit()).then_some(number))
    }

    /// Checks that only white space follows.
    pub(super) fn end(&mut self) -> Result<(), Problem> {
        self.next().map(|_| ())
    }

    /// Skips a value.
    pub(super) fn skip(&mut self) -> Result<(), Problem> {
        let outside = self.tokens.depth();
        loop {
            let token = self.next()?;
            if self.tokens.depth() > outside + DEPTH_MAX {
                let at = self.tokens.range().start;
                let found = describe(self.text.get(at).copied());
                return Err(Problem::Syntax { at, expected: "32 levels at most", found });
            }
            if token.is_none() || self.tokens.depth() <= outside {
                return Ok(());
            }
        }
    }
}

fn escaped(at: usize) -> Problem {
    Problem::Syntax { at, expected: "a text without escapes", found: "a `\\`".to_owned() }
}

/// Describes the value that begins with `byte`, without its content.
fn describe(byte: Option<u8>) -> String {
    match byte {
        None => "the end",
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a text",
        Some(b'0'..=b'9' | b'-') => "a number",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        Some(byte) if byte.is_ascii_punctuation() => return format!("`{}`", char::from(byte)),
        Some(_) => "another character",
    }
    .to_owned()
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
    fn json_is_accepted_and_other_text_refused() {
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
        let nested = |n: u32| "[".repeat(n as usize) + &"]".repeat(n as usize);
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
