//! Picks single values out of a response.
//!
//! Promises: validates what it reads up to the value; copies nothing but the value.
use ringseal_base::json::{Token, Tokens};
use zeroize::Zeroizing;

/// The value at this path of keys; `None` if the text has none or is not JSON up to it.
fn find<'a>(text: &'a [u8], path: &[&str]) -> Option<Token<'a>> {
    let mut tokens = Tokens::new(text).ok()?;
    let (last, parents) = path.split_last()?;
    for key in parents {
        enter(&mut tokens)?;
        seek(&mut tokens, key)?;
    }
    enter(&mut tokens)?;
    seek(&mut tokens, last)?;
    tokens.next_token().ok()?
}

fn enter(tokens: &mut Tokens<'_>) -> Option<()> {
    matches!(tokens.next_token(), Ok(Some(Token::MapStart))).then_some(())
}

/// Moves to the value of this key in the current map.
fn seek(tokens: &mut Tokens<'_>, key: &str) -> Option<()> {
    loop {
        match tokens.next_token().ok()?? {
            Token::Key(found) if found.is(key) => return Some(()),
            Token::Key(_) => {
                let first = tokens.next_token().ok()??;
                tokens.skip_value(&first).ok()?;
            }
            _ => return None,
        }
    }
}

/// The string at this path.
pub(crate) fn text(body: &[u8], path: &[&str]) -> Option<Zeroizing<String>> {
    let Some(Token::String(found)) = find(body, path) else { return None };
    // Enough for the decoded text: a string that grows would leave copies.
    let mut text = Zeroizing::new(String::with_capacity(found.raw().len()));
    found.decode_into(&mut text);
    Some(text)
}

/// The whole number at this path.
pub(crate) fn number(body: &[u8], path: &[&str]) -> Option<u64> {
    match find(body, path) {
        Some(Token::Number(found)) => found.parse().ok(),
        _ => None,
    }
}

/// A text as a string of JSON. The capacity is enough for escapes of each byte.
pub(crate) fn quote(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_path() {
        let body = br#"{"a":[{"data":1}],"x":{"y":{"keyset":"no"}},"data":{"b":null,"data":{"keyset":"{\"k\":1}\n","n":7}}}"#;
        let found = text(body, &["data", "data", "keyset"]).expect("a text");
        assert_eq!(found.as_str(), "{\"k\":1}\n");
        assert_eq!(number(body, &["data", "data", "n"]), Some(7));
        for path in [&["data", "keyset"][..], &["data", "b", "c"], &["a", "data"], &["none"], &[]] {
            assert!(text(body, path).is_none(), "{path:?}");
        }
        assert!(number(body, &["data", "data", "keyset"]).is_none());
        for broken in ["", "[]", "{", "{\"data\":{\"data\":{\"keyset\":\"x", "nonsense"] {
            assert!(text(broken.as_bytes(), &["data", "data", "keyset"]).is_none(), "{broken}");
        }
    }

    #[test]
    fn quoted_texts_come_back() {
        let mut out = b"{\"a\":".to_vec();
        quote("a\"b\\c\n\u{1}é", &mut out);
        out.push(b'}');
        assert_eq!(text(&out, &["a"]).expect("a text").as_str(), "a\"b\\c\n\u{1}é");
    }
}
