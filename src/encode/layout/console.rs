//! The layout `console`: text to read at a terminal.
//!
//! `2025-11-13T19:00:00.123Z [INFO    ] User registered user_id=7 trace_id=abc123 target=shop::users`
//!
//! [`ConsoleStyle`] has two other forms:
//!
//! `2025-11-13T19:00:00.123Z [WARNING ] Rate limit approaching current_rate=45 limit=50`
//! `[2025-11-13T19:00:00.123456Z] WARNING  shop 0af7651916cd shop::users — Rate limit approaching limit=50`
//!
//! Strings are quoted only if their end would be ambiguous. Control characters are escaped: a logged value cannot move
//! the cursor or change the colours of a terminal. An error is its message with the causes, and its type; the
//! types of its causes are only in JSON. Keys of fields that the layout uses itself begin with
//! `field.`, as in JSON.
mod cloud_dog;

use super::dedup::Scratch;
use super::json::error_members::short_type;
use super::json_options::{LevelCase, LevelWords, level_name};
use super::scope::{Id, Scope};
use super::stack_hash::stack_hash;
use super::{Event, Order, RenderContext, Source, TickClock, as_entries, json_value};
use crate::core::level::Level;
use crate::encode::{Out, Subsecond, TimeCache};
use ringseal_base::value::{Entries, ReadError, ValueRef, Values};

/// The form of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ConsoleStyle {
    /// Time, level, event, fields, target.
    #[default]
    Console,
    /// Time, level, event, fields; an error is `error_type` and `error_message`.
    Dashtam,
    /// Time, level, service, correlation, target, event, fields.
    CloudDog,
}

/// Options of the layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsoleOptions {
    /// The form of a line.
    pub style: ConsoleStyle,
    /// The word for warnings.
    pub level_words: LevelWords,
    /// Digits after the second.
    pub subsecond: Subsecond,
    /// Colour levels and dim keys with ANSI sequences.
    pub color: bool,
    /// Leave out fields whose value is null.
    pub omit_none: bool,
}

impl Default for ConsoleOptions {
    fn default() -> Self {
        Self::of(ConsoleStyle::Console)
    }
}

impl ConsoleOptions {
    /// The options that a style has by itself.
    pub fn of(style: ConsoleStyle) -> Self {
        let (level_words, subsecond) = match style {
            ConsoleStyle::Console => (LevelWords::Warn, Subsecond::Millis),
            ConsoleStyle::Dashtam => (LevelWords::Warning, Subsecond::Millis),
            ConsoleStyle::CloudDog => (LevelWords::Warning, Subsecond::Micros),
        };
        Self { style, level_words, subsecond, color: false, omit_none: false }
    }
}

/// The layout with its buffers.
#[derive(Debug)]
pub struct ConsoleLayout {
    options: ConsoleOptions,
    time: TimeCache,
    pub(super) clock: TickClock,
    scratch: Scratch,
    field: Field,
    /// Fields of every line: the entries of a map.
    static_fields: Vec<u8>,
    /// The entries of an event whose name is the value of a field.
    message_entries: Vec<u8>,
}

/// Writes single fields.
#[derive(Debug)]
struct Field {
    style: ConsoleStyle,
    color: bool,
    omit_none: bool,
    /// Whether the event has a field `error`.
    has_error: bool,
    /// A buffer for values that are rendered as JSON first.
    json: Vec<u8>,
    /// Buffers for the message of an error with its causes, for its short type, and for one of its parts.
    message: Vec<u8>,
    short: Vec<u8>,
    part: Vec<u8>,
}

impl ConsoleLayout {
    /// A layout with these options.
    pub fn new(options: ConsoleOptions) -> Self {
        let ConsoleOptions { style, color, omit_none, .. } = options;
        let field = Field {
            style,
            color,
            omit_none,
            has_error: false,
            json: Vec::new(),
            message: Vec::new(),
            short: Vec::new(),
            part: Vec::new(),
        };
        Self {
            options,
            time: TimeCache::new(),
            clock: TickClock::default(),
            scratch: Scratch::default(),
            field,
            static_fields: Vec::new(),
            message_entries: Vec::new(),
        }
    }

    /// Adds these entries of a map to every line.
    pub(super) fn set_static_fields(&mut self, entries: &[u8]) {
        self.static_fields = entries.to_vec();
    }

    /// Appends one line.
    #[inline(never)]
    pub(super) fn line(&mut self, event: &Event<'_>, line: &mut Vec<u8>) -> Result<(), ReadError> {
        let mut entries = std::mem::take(&mut self.message_entries);
        let result = match as_entries(event, &mut entries) {
            Ok(event_of_entries) => self.write_line(&event_of_entries.unwrap_or(*event), line),
            Err(error) => Err(error),
        };
        self.message_entries = entries;
        result
    }

    fn write_line(&mut self, event: &Event<'_>, line: &mut Vec<u8>) -> Result<(), ReadError> {
        let context = RenderContext::of(event, self.clock);
        self.field.has_error =
            self.options.style == ConsoleStyle::Dashtam && event.has_own_or_bound(b"error");
        if self.options.style == ConsoleStyle::CloudDog {
            self.cloud_dog_header(event, line)?;
        } else {
            let mut out = Out::new(line);
            out.timestamp(&mut self.time, event.unix_nanos, self.options.subsecond);
            out.literal(b" [");
            self.level(&mut out, event.level);
            out.literal(b"] ");
        }
        self.field.event(&mut Out::new(line), context.event);
        self.own_fields(event, line)?;
        if let Some(scope) = event.scope {
            self.scope(event, scope, line)?;
        }
        if !self.static_fields.is_empty() {
            let entries = std::mem::take(&mut self.static_fields);
            let other = |key: &[u8]| event.replaces_static(key);
            let result = self.entries(Entries(&entries), RenderContext::BOUND, &other, line);
            self.static_fields = entries;
            result?;
        }
        if let Some(rate) = event.sample_rate {
            self.field.named(&mut Out::new(line), ("", b"sample_rate", ""));
            Out::new(line).f64(rate);
        }
        if self.options.style == ConsoleStyle::Console {
            self.field.text_field(("", b"target", ""), context.target, line);
        }
        line.push(b'\n');
        Ok(())
    }

    /// The level in capitals, eight wide.
    fn level(&self, out: &mut Out<'_>, level: Level) {
        let color: &[u8; 5] = match level {
            Level::Trace => b"\x1b[35m",
            Level::Debug => b"\x1b[36m",
            Level::Info => b"\x1b[32m",
            Level::Warn => b"\x1b[33m",
            Level::Error => b"\x1b[31m",
            Level::Critical => b"\x1b[41m",
        };
        if self.field.color {
            out.literal(color);
        }
        let name = level_name(level, LevelCase::Upper, self.options.level_words).as_bytes();
        out.raw(name);
        out.raw(b"        ".get(name.len()..).unwrap_or_default());
        if self.field.color {
            out.literal(b"\x1b[0m");
        }
    }

    fn own_fields(&mut self, event: &Event<'_>, line: &mut Vec<u8>) -> Result<(), ReadError> {
        let context = RenderContext::of(event, self.clock);
        let callsite = match event.source {
            Source::Site(callsite) => callsite,
            Source::Dynamic { .. } => {
                return self.entries(Entries(event.payload), context, &|_| false, line);
            }
        };
        let mut payload = event.payload;
        for key in callsite.metadata().keys.iter().map(|key| key.as_bytes()) {
            let value = ValueRef::read(&mut payload)?;
            self.field.write(&mut self.scratch, context.under(key), key, value, line)?;
        }
        if event.has_stack {
            let stack = ValueRef::read(&mut payload)?;
            self.field.write_as(&mut self.scratch, context, ("", b"stack"), stack, line)?;
        }
        Ok(())
    }

    /// Writes the bound fields, the ambient fields and the ids.
    fn scope(
        &mut self,
        event: &Event<'_>,
        scope: &Scope<'_>,
        line: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        if let Some(bound) = scope.bound {
            let own = |key: &[u8]| event.has_own(key);
            self.entries(Entries(bound.entries), RenderContext::BOUND, &own, line)?;
        }
        if let Some(ambient) = scope.ambient {
            let other = |key: &[u8]| event.has_own_or_bound(key);
            self.entries(Entries(ambient.entries), RenderContext::BOUND, &other, line)?;
        }
        for id in Id::ALL.into_iter().filter(|id| scope.shows_id(*id, event)) {
            let mut out = Out::new(line);
            self.field.named(&mut out, ("", id.key(), ""));
            scope.write_id(id, &mut out);
        }
        Ok(())
    }

    fn entries(
        &mut self,
        entries: Entries<'_>,
        context: RenderContext<'_>,
        excluded: &dyn Fn(&[u8]) -> bool,
        line: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        let field = &mut self.field;
        self.scratch.for_each_last(Order::Logged, entries, |scratch, key, value| {
            if excluded(key) {
                return Ok(());
            }
            field.write(scratch, context.under(key), key, value, line)
        })
    }
}

impl Field {
    /// Whether the layout uses a key itself, for which a user's field gets the prefix `field.`.
    fn is_own_key(&self, key: &[u8]) -> bool {
        let mut unprefixed = key;
        while let Some(rest) = unprefixed.strip_prefix(b"field.") {
            unprefixed = rest;
        }
        match unprefixed {
            b"target" => self.style == ConsoleStyle::Console,
            b"stack" | b"sample_rate" => true,
            b"error_type" | b"error_message" | b"error_stack_trace" => self.has_error,
            _ => false,
        }
    }

    /// ` key=value`
    fn write(
        &mut self,
        scratch: &mut Scratch,
        context: RenderContext<'_>,
        key: &[u8],
        value: ValueRef<'_>,
        line: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        if value == ValueRef::Absent || (self.omit_none && value == ValueRef::Null) {
            return Ok(());
        }
        let prefix = if self.is_own_key(key) { "field." } else { "" };
        if self.style == ConsoleStyle::CloudDog && cloud_dog::HEADER_KEYS.contains(&key) {
            return Ok(());
        }
        self.write_as(scratch, context, (prefix, key), value, line)
    }

    fn write_as(
        &mut self,
        scratch: &mut Scratch,
        context: RenderContext<'_>,
        (prefix, key): (&str, &[u8]),
        value: ValueRef<'_>,
        line: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        match value {
            ValueRef::Str(text) => {
                self.text_field((prefix, key, ""), text, line);
                return Ok(());
            }
            ValueRef::Error(parts) => {
                return self.error(scratch, context, (prefix, key), parts, line);
            }
            _ => {}
        }
        let mut out = Out::new(line);
        self.named(&mut out, (prefix, key, ""));
        self.json.clear();
        let mut json = Out::new(&mut self.json);
        match value {
            ValueRef::Time(..)
            | ValueRef::Ipv4(_)
            | ValueRef::Ipv6(_)
            | ValueRef::SocketV4(..)
            | ValueRef::SocketV6(..)
            | ValueRef::Uuid(_)
            | ValueRef::SpanId(_) => json_value::unquoted(&mut json, value),
            other => json_value::value(&mut json, scratch, context, other)?,
        }
        drop(json);
        out.text(&self.json);
        Ok(())
    }

    /// ` key=text`
    fn text_field(&mut self, key: (&str, &[u8], &str), text: &[u8], line: &mut Vec<u8>) {
        let mut out = Out::new(line);
        self.named(&mut out, key);
        self.text(&mut out, text);
    }

    /// ` key=`; the key with a prefix and a suffix of the layout.
    fn named(&mut self, out: &mut Out<'_>, (prefix, key, suffix): (&str, &[u8], &str)) {
        out.byte(b' ');
        if self.color {
            out.literal(b"\x1b[2m");
        }
        out.raw(prefix.as_bytes());
        self.text(out, key);
        out.raw(suffix.as_bytes());
        out.byte(b'=');
        if self.color {
            out.literal(b"\x1b[0m");
        }
    }

    /// ` error="the message: its cause: the cause's cause" error.type=the::Type`, the stack trace if there is one, and
    /// the hash by which failures are compared.
    fn error(
        &mut self,
        scratch: &mut Scratch,
        context: RenderContext<'_>,
        (prefix, key): (&str, &[u8]),
        mut parts: Values<'_>,
        line: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        let hash = stack_hash(context.target, context.event, parts);
        let kind = parts.next().transpose()?;
        let mut trace = None;
        let mut message = std::mem::take(&mut self.message);
        message.clear();
        for (index, part) in parts.enumerate() {
            let text = match part? {
                ValueRef::Map(mut entries) => {
                    trace = entries.next().transpose()?.map(|(_, trace)| trace);
                    continue;
                }
                ValueRef::Error(mut cause) => cause.nth(1).unwrap_or(Ok(ValueRef::Null))?,
                text => text,
            };
            if index > 0 {
                message.extend_from_slice(b": ");
            }
            put_text(scratch, context, text, &mut message)?;
        }
        let hash = Some(ValueRef::Str(&hash));
        let mut short_name = std::mem::take(&mut self.short);
        short_name.clear();
        if let Some(ValueRef::Str(kind)) = kind
            && self.style == ConsoleStyle::Dashtam
        {
            short_type(kind, |part| short_name.extend_from_slice(part));
        }
        let short = Some(ValueRef::Str(&short_name));
        let text = ValueRef::Str(&message);
        let parts: [(&str, Option<ValueRef<'_>>); 4] = match self.style {
            ConsoleStyle::Dashtam if key == b"error" => {
                [("_type", short), ("_message", Some(text)), ("_stack_trace", trace), ("", None)]
            }
            _ => {
                [("", Some(text)), (".type", kind), (".stack_trace", trace), (".stack_hash", hash)]
            }
        };
        let mut part_text = std::mem::take(&mut self.part);
        for (suffix, part) in parts {
            if let Some(part) = part {
                part_text.clear();
                put_text(scratch, context, part, &mut part_text)?;
                self.text_field((prefix, key, suffix), &part_text, line);
            }
        }
        (self.part, self.short, self.message) = (part_text, short_name, message);
        Ok(())
    }

    /// The name of an event: as it is, or as a JSON string if it could be taken for a level or contain a field.
    fn event(&mut self, out: &mut Out<'_>, name: &[u8]) {
        let forges = |byte: &u8| matches!(byte, b'=' | b'"');
        if name.iter().any(forges) || name.starts_with(b"[") {
            return self.quoted(out, name);
        }
        out.text(name);
    }

    /// A key or a string: without quotes if it is plain, otherwise as a JSON string.
    fn text(&mut self, out: &mut Out<'_>, text: &[u8]) {
        if is_plain(text) {
            return out.text(text);
        }
        self.quoted(out, text);
    }

    fn quoted(&mut self, out: &mut Out<'_>, text: &[u8]) {
        self.json.clear();
        Out::new(&mut self.json).string_lossy(text);
        out.text(&self.json);
    }
}

/// Appends the text of a part of an error.
fn put_text(
    scratch: &mut Scratch,
    context: RenderContext<'_>,
    part: ValueRef<'_>,
    text: &mut Vec<u8>,
) -> Result<(), ReadError> {
    match part {
        ValueRef::Str(part) => text.extend_from_slice(part),
        ValueRef::StrCut(kept, whole) => {
            text.extend_from_slice(kept);
            json_value::cut_note(&mut Out::new(text), kept.len(), whole);
        }
        // A foreign record may have any value there.
        other => json_value::value(&mut Out::new(text), scratch, context, other)?,
    }
    Ok(())
}

/// Whether a string needs no quotes.
fn is_plain(text: &[u8]) -> bool {
    let is_plain = |byte: &u8| {
        byte.is_ascii_graphic() && !matches!(byte, b'"' | b'=' | b'{' | b'}' | b'[' | b']')
            || *byte >= 0x80
    };
    !text.is_empty() && text.iter().all(is_plain) && (text.is_ascii() || !has_wide_space(text))
}

/// Whether there is a space other than that of ASCII, which looks like the end of the string.
fn has_wide_space(text: &[u8]) -> bool {
    text.utf8_chunks().any(|chunk| chunk.valid().contains(|shown: char| shown.is_whitespace()))
}
