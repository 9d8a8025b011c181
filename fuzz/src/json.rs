//! The pull reader against `serde_json`.
use ringseal::internals::json::{Token, Tokens};
use serde_json::Value;

/// Reads all tokens and unescapes all strings.
fn read_all(bytes: &[u8]) -> bool {
    let Ok(mut tokens) = Tokens::new(bytes) else { return false };
    loop {
        match tokens.next_token() {
            Ok(Some(Token::Key(text) | Token::String(text))) => assert!(text.is(&text.decode())),
            Ok(Some(_)) => {}
            Ok(None) => return true,
            Err(error) => {
                assert!(error.at <= bytes.len(), "{error}");
                return false;
            }
        }
    }
}

/// Checks that the reader accepts exactly what `serde_json` accepts.
///
/// # Panics
/// If they disagree.
pub fn check(bytes: &[u8]) {
    let oracle = serde_json::from_slice::<Value>(bytes);
    assert_eq!(read_all(bytes), oracle.is_ok(), "{oracle:?}");
}

#[cfg(test)]
mod tests {
    #[test]
    fn seeds_agree_with_serde_json() {
        for seed in [
            "{}",
            "[1,-0.5e+3,\"\\u00e9\\ud83d\\ude00\"]",
            "{\"a\":[null,true]}",
            "[01]",
            "\"\\udc00\"",
        ] {
            for end in 0..=seed.len() {
                super::check(&seed.as_bytes()[..end]);
            }
        }
    }
}
