//! The layout `text`: for people at a terminal.
//!
//! `2025-11-13T19:00:00.123Z [INFO    ] User registered user_id=7 trace_id=abc123`
//!
//! Strings are quoted only where a reader could not tell where they end. Control characters are shown, never sent:
//! a logged value cannot move the cursor or change the colours of a terminal.
use super::dedup::Scratch;
use super::{Event, Place, Source, tree};
use crate::core::level::Level;
use crate::core::value::{Entries, ReadError, ValueRef};
use crate::encode::{Out, Subsecond, TimeCache};

/// What can be chosen about the layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TextOptions {
    /// Colour levels and dim keys with ANSI sequences.
    pub color: bool,
}

/// The layout and what it reuses.
#[derive(Debug)]
pub struct Text {
    options: TextOptions,
    time: TimeCache,
    scratch: Scratch,
    /// Where values are rendered as JSON before they are shown.
    value: Vec<u8>,
}

impl Text {
    /// A layout with these options.
    pub fn new(options: TextOptions) -> Self {
        Self { options, time: TimeCache::new(), scratch: Scratch::default(), value: Vec::new() }
    }

    /// Appends one line.
    pub(super) fn line(&mut self, event: &Event<'_>, line: &mut Vec<u8>) -> Result<(), ReadError> {
        let place = Place::of(&event.source);
        let mut out = Out::new(line);
        out.timestamp(&mut self.time, event.unix_nanos, Subsecond::Millis);
        self.level(&mut out, event.level);
        out.text(place.event);
        drop(out);
        self.own_fields(event, line)?;
        if let Some(bound) = event.context {
            let own = |key: &[u8]| has_own(event, key);
            self.entries(Entries(bound.entries), &own, line)?;
        }
        line.push(b'\n');
        Ok(())
    }

    fn level(&self, out: &mut Out<'_>, level: Level) {
        let (name, color): (&[u8; 8], &[u8; 5]) = match level {
            Level::Trace => (b"TRACE   ", b"\x1b[35m"),
            Level::Debug => (b"DEBUG   ", b"\x1b[36m"),
            Level::Info => (b"INFO    ", b"\x1b[32m"),
            Level::Warn => (b"WARN    ", b"\x1b[33m"),
            Level::Error => (b"ERROR   ", b"\x1b[31m"),
            Level::Critical => (b"CRITICAL", b"\x1b[41m"),
        };
        out.literal(b" [");
        if self.options.color {
            out.literal(color);
        }
        out.literal(name);
        if self.options.color {
            out.literal(b"\x1b[0m");
        }
        out.literal(b"] ");
    }

    fn own_fields(&mut self, event: &Event<'_>, line: &mut Vec<u8>) -> Result<(), ReadError> {
        let callsite = match event.source {
            Source::Site(callsite) => callsite,
            Source::Dynamic { .. } => {
                return self.entries(Entries(event.payload), &|_| false, line);
            }
        };
        let mut payload = event.payload;
        for key in callsite.metadata().keys {
            let value = ValueRef::read(&mut payload)?;
            self.field(key.as_bytes(), value, line)?;
        }
        if event.has_stack {
            let value = ValueRef::read(&mut payload)?;
            self.field(b"stack", value, line)?;
        }
        Ok(())
    }

    fn entries(
        &mut self,
        entries: Entries<'_>,
        excluded: &dyn Fn(&[u8]) -> bool,
        line: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        let mut scratch = std::mem::take(&mut self.scratch);
        let result = scratch.each_last(entries, |_, key, value| {
            if excluded(key) { Ok(()) } else { self.field(key, value, line) }
        });
        self.scratch = scratch;
        result
    }

    /// ` key=value`
    fn field(
        &mut self,
        key: &[u8],
        value: ValueRef<'_>,
        line: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        let mut out = Out::new(line);
        out.byte(b' ');
        if self.options.color {
            out.literal(b"\x1b[2m");
        }
        out.text(key);
        out.byte(b'=');
        if self.options.color {
            out.literal(b"\x1b[0m");
        }
        if let ValueRef::Str(text) = value
            && is_plain(text)
        {
            out.text(text);
            return Ok(());
        }
        let place = Place { unit: super::unit_of(key), target: b"", event: b"" };
        self.value.clear();
        let mut json = Out::new(&mut self.value);
        match value {
            ValueRef::Time(..)
            | ValueRef::Ipv4(_)
            | ValueRef::Ipv6(_)
            | ValueRef::SocketV4(..)
            | ValueRef::SocketV6(..)
            | ValueRef::Uuid(_) => tree::bare(&mut json, value),
            other => tree::value(&mut json, &mut Scratch::default(), place, other)?,
        }
        drop(json);
        out.text(&self.value);
        Ok(())
    }

    /// Renders bound fields.
    pub(super) fn bound(
        &mut self,
        entries: &[u8],
        rendered: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        self.entries(Entries(entries), &|_| false, rendered)
    }
}

/// Whether a string can stand without quotes.
fn is_plain(text: &[u8]) -> bool {
    !text.is_empty()
        && text.iter().all(|byte| {
            byte.is_ascii_graphic() && !matches!(byte, b'"' | b'=' | b'{' | b'}' | b'[' | b']')
                || *byte >= 0x80
        })
}

fn has_own(event: &Event<'_>, key: &[u8]) -> bool {
    match event.source {
        Source::Site(callsite) => callsite.metadata().keys.iter().any(|own| own.as_bytes() == key),
        Source::Dynamic { .. } => {
            Entries(event.payload).any(|entry| entry.is_ok_and(|(own, _)| own == key))
        }
    }
}
