//! Writes the input's events into the engine: from the line's text directly into the ring.
//!
//! Promises: no tree is built; numbers stay as written; strings with escapes are decoded while they are written into
//! the ring. Allocates only while its one buffer for decoded keys grows.
use std::cell::RefCell;
use std::fmt;

use ringseal::value::{DisplayValue, Number, Value as _, ValueWriter};
use ringseal::{Limits, Logger};

use super::event::{Event, Value};
use super::{EventSink, LINE_BYTES_MAX};
use crate::json::{Text, Token, Tokens};

/// Record bytes besides the line: name, target, original length or parse error.
const RECORD_BYTES_EXTRA: u32 = 64 * 1024;

/// Returns limits under which every line of up to `line_bytes_max` fits whole.
///
/// A record takes at most three bytes per byte of the line: the two bytes `1,` become six (a number in an array), and a
/// byte that is not UTF-8 becomes a three-byte replacement character.
pub(super) fn limits(line_bytes_max: u32) -> Limits {
    let bytes = line_bytes_max.min(LINE_BYTES_MAX) * 3 + RECORD_BYTES_EXTRA;
    let mut limits = Limits::default().with_value_bytes_max(bytes).with_record_bytes_max(bytes);
    // Deeper than the tokenizer accepts.
    limits.depth_max = u8::MAX;
    limits
}

/// Passes events to a logger.
#[derive(Debug)]
pub(super) struct EngineSink<'l> {
    logger: &'l Logger,
    target: &'l str,
    key: RefCell<String>,
}

impl<'l> EngineSink<'l> {
    pub(super) fn new(logger: &'l Logger, target: &'l str) -> Self {
        Self { logger, target, key: RefCell::new(String::new()) }
    }
}

impl EventSink for EngineSink<'_> {
    fn event(&mut self, event: &Event<'_>) {
        self.logger.dynamic(event.level, self.target, event.name, &|out| {
            for field in event.fields.iter() {
                out.key(field.key);
                self.field(out, field.value);
            }
        });
    }
}

impl EngineSink<'_> {
    fn field(&self, out: &mut ValueWriter<'_>, value: Value<'_>) {
        match value {
            Value::Null => out.null(),
            Value::Bool(value) => out.bool(value),
            Value::Number(raw) => Number(raw).write(out),
            Value::Count(count) => out.u64(count),
            Value::Str(text) => out.str(text),
            Value::Map(nested) | Value::List(nested) => {
                let mut tokens = nested.tokens();
                if let Ok(Some(first)) = tokens.next_token() {
                    self.value(out, &mut tokens, first);
                }
            }
        }
    }

    /// Writes the value that begins with `first`. The tokenizer bounds the depth.
    fn value<'t>(&self, out: &mut ValueWriter<'_>, tokens: &mut Tokens<'t>, first: Token<'t>) {
        let mut entered = false;
        match first {
            Token::MapStart => out.map(|out| {
                entered = true;
                while let Ok(Some(Token::Key(key))) = tokens.next_token() {
                    self.key(out, key);
                    let Ok(Some(first)) = tokens.next_token() else { return };
                    self.value(out, tokens, first);
                }
            }),
            Token::ListStart => out.array(|out| {
                entered = true;
                while let Ok(Some(first)) = tokens.next_token() {
                    if first == Token::ListEnd {
                        return;
                    }
                    self.value(out, tokens, first);
                }
            }),
            Token::String(text) | Token::Key(text) => match text.plain() {
                Some(plain) => out.str(plain),
                None => DisplayValue(Unescaped(text)).write(out),
            },
            Token::Number(raw) => Number(raw).write(out),
            Token::Bool(value) => out.bool(value),
            Token::Null | Token::MapEnd | Token::ListEnd => out.null(),
        }
        if matches!(first, Token::MapStart | Token::ListStart) && !entered {
            // The container did not fit; continue after it.
            let _ = tokens.skip_value(&first);
        }
    }

    fn key(&self, out: &mut ValueWriter<'_>, key: Text<'_>) {
        match key.plain() {
            Some(plain) => out.key(plain),
            None => {
                let mut decoded = self.key.borrow_mut();
                decoded.clear();
                key.decode_into(&mut decoded);
                out.key(&decoded);
            }
        }
    }
}

/// Displays a string unescaped, piece by piece.
struct Unescaped<'a>(Text<'a>);

impl fmt::Display for Unescaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.pieces().try_for_each(|piece| f.write_str(piece.as_str(&mut [0; 4])))
    }
}
