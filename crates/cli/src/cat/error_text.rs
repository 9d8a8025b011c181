//! Errors as people read them: the message and its causes in one text, the type beside it.
use crate::json::{Entries, Kind, Token, Tokens};

/// An error of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ErrorText {
    /// `cannot pay: the gateway did not answer: timed out`
    pub(super) text: String,
    pub(super) kind: Option<String>,
    /// The types of the causes, in the order of the text.
    pub(super) cause_kinds: Option<String>,
    pub(super) stack_trace: Option<String>,
    pub(super) stack_hash: Option<String>,
}

/// The members of a map that is an error of the engine. A map with others is shown as it is, so that nothing is hidden.
const KEYS: [&str; 6] = ["type", "message", "chain", "chain_types", "stack_trace", "stack_hash"];

impl ErrorText {
    /// The error that a value is; `None` if it is something else.
    pub(super) fn of(raw: &str) -> Option<ErrorText> {
        let mut inner = Entries::default();
        inner.find(raw).ok()?;
        if inner.iter(raw).any(|entry| !KEYS.iter().any(|key| entry.key.is(key))) {
            return None;
        }
        let find = |key: &str| inner.iter(raw).find(|entry| entry.key.is(key));
        let text_of = |key| Some(find(key)?.string()?.decode());
        let mut text = text_of("message")?;
        let (kind, stack_hash) = (text_of("type"), text_of("stack_hash"));
        let stack_trace = match find("stack_trace") {
            Some(trace) => Some(trace.string()?.decode()),
            None => None,
        };
        let cause_kinds = match find("chain_types") {
            Some(types) => Some(causes(types.raw)?.join(": ")),
            None => None,
        };
        if let Some(chain) = find("chain") {
            for cause in causes(chain.raw)? {
                text.push_str(": ");
                text.push_str(&cause);
            }
        } else if kind.is_none() {
            return None;
        }
        Some(ErrorText { text, kind, cause_kinds, stack_trace, stack_hash })
    }
}

/// The messages of a list of causes, which are texts or maps with a message.
fn causes(raw: &str) -> Option<Vec<String>> {
    let mut tokens = Tokens::of(raw);
    if tokens.next_token() != Ok(Some(Token::ListStart)) {
        return None;
    }
    let mut causes = Vec::new();
    while let Ok(Some(token)) = tokens.next_token() {
        match token {
            Token::ListEnd => return Some(causes),
            Token::String(text) => causes.push(text.decode()),
            Token::MapStart => {
                let map = raw.get(tokens.skip_value(&token).ok()?)?;
                let mut inner = Entries::default();
                inner.find(map).ok()?;
                let message = inner.iter(map).find(|entry| entry.key.is("message"))?;
                (message.kind != Kind::Map).then_some(())?;
                causes.push(message.string()?.decode());
            }
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_one_text_with_their_causes() {
        let rows = [
            (r#"{"type":"io::Error","message":"no","stack_hash":"ab"}"#, Some("no")),
            (r#"{"type":"E","message":"a","chain":["b","c \"d\""]}"#, Some("a: b: c \"d\"")),
            (r#"{"message":"a","chain":[{"type":"T","message":"b"}]}"#, Some("a: b")),
            (r#"{"message":"a","chain":[]}"#, Some("a")),
            (
                r#"{"type":"E","message":"a","chain":["b"],"chain_types":["T"],"stack_trace":"0: main"}"#,
                Some("a: b"),
            ),
            (r#"{"type":"E","message":"a","stack_trace":7}"#, None),
            (r#"{"type":"E","message":"a","chain_types":7}"#, None),
            (r#"{"message":"a"}"#, None),
            (r#"{"type":"E","message":7}"#, None),
            (r#"{"type":"E","message":"a","code":7}"#, None),
            (r#"{"message":"a","chain":[7]}"#, None),
            (r#"{"message":"a","chain":"b"}"#, None),
            ("{}", None),
        ];
        for (raw, text) in rows {
            let found = ErrorText::of(raw);
            assert_eq!(found.as_ref().map(|found| &*found.text), text, "{raw}");
        }
    }
}
