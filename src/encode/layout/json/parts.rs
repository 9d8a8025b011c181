//! Lines that are written part by part: those of run-time events, those in which one field replaces another, and the
//! members of a scope.
use super::{JsonLayout, LINE_BYTES_EXTRA, START};
use crate::encode::Out;
use crate::encode::layout::line_keys::LineKey;
use crate::encode::layout::scope::Scope;
use crate::encode::layout::{
    Bound, Event, RenderContext, Source, as_entries, collected, json_value, key_bits,
};
use ringseal_base::value::{Entries, ReadError, ValueRef};

impl JsonLayout {
    /// Writes what follows the own fields of a call site's event with contexts; `index` is that of its shape.
    #[inline(never)]
    pub(super) fn end_in_scope(
        &mut self,
        event: &Event<'_>,
        scope: &Scope<'_>,
        index: usize,
        line: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        let bits = scope.fields_bits() | self.ids.bits_in(scope);
        if bits & self.names.error_bits != 0 {
            start_again(line);
            return collected::line(self, event, line);
        }
        if bits & self.static_fields.key_bits != 0 {
            return self.line_from_parts(event, line);
        }
        let shape = self.shapes.get(index).and_then(Option::as_ref);
        let own_bits = shape.map_or(u64::MAX, |shape| shape.key_bits);
        self.scope_members(event, scope, own_bits, line)?;
        self.end(event, line);
        Ok(())
    }

    /// Writes the bound fields, the ambient fields and the ids. `own_bits` are those of the keys of the event.
    fn scope_members(
        &mut self,
        event: &Event<'_>,
        scope: &Scope<'_>,
        own_bits: u64,
        line: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        if let Some(bound) = scope.bound {
            let own = |key: &[u8]| event.has_own(key);
            self.context(bound, bound.key_bits & own_bits == 0, &own, line)?;
        }
        if let Some(ambient) = scope.ambient {
            let is_disjoint = ambient.key_bits & (own_bits | scope.bound_bits()) == 0;
            let nearer = |key: &[u8]| event.has_own_or_bound(key);
            self.context(ambient, is_disjoint, &nearer, line)?;
        }
        let bits = own_bits | scope.fields_bits();
        let mut out = Out::new(line);
        for (id, key, bit) in self.ids.iter() {
            // Without its bit, no field has its key.
            let is_shown =
                if bits & bit == 0 { scope.has_id(id) } else { scope.shows_id(id, event) };
            if is_shown {
                out.fragment(key);
                out.byte(b'"');
                scope.write_id(id, &mut out);
                out.byte(b'"');
            }
        }
        Ok(())
    }

    /// Writes the fields of a context whose keys are not `excluded`; as rendered before if none are.
    fn context(
        &mut self,
        context: Bound<'_>,
        is_disjoint: bool,
        excluded: &dyn Fn(&[u8]) -> bool,
        line: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        let is_clear = || {
            let mut entries = Entries(context.entries);
            entries.all(|entry| entry.is_ok_and(|(key, _)| !excluded(key)))
        };
        // Different keys may have the same bit.
        if is_disjoint || is_clear() {
            line.extend_from_slice(context.rendered);
            return Ok(());
        }
        self.entries(Entries(context.entries), RenderContext::BOUND, excluded, line)
    }

    /// Writes the line of a call site's event again, because the constants lack a static field or have one too many: a
    /// bound field replaces it.
    #[cold]
    pub(super) fn line_from_parts(
        &mut self,
        event: &Event<'_>,
        line: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        start_again(line);
        if self.names.error_bits != 0 {
            return collected::line(self, event, line);
        }
        let mut entries = Vec::new();
        if let Some(event) = as_entries(event, &mut entries)? {
            return self.dynamic_line(&event, line);
        }
        self.start_line(event, line);
        let Source::Site(callsite) = event.source else { return Ok(()) };
        let context = RenderContext::of(event, self.clock);
        let mut payload = event.payload;
        let stack = event.has_stack.then_some("stack");
        let mut out = Out::new(line);
        for (index, key) in callsite.metadata().keys.iter().copied().chain(stack).enumerate() {
            let value = ValueRef::read(&mut payload)?;
            if self.omits(value) {
                continue;
            }
            out.raw(b",\"");
            if index == callsite.metadata().keys.len() {
                out.string_part(self.options.keys.get(LineKey::Stack).as_bytes());
            } else {
                self.names.write(&mut out, key.as_bytes(), false);
            }
            out.raw(b"\":");
            json_value::value(&mut out, &mut self.scratch, context.under(key.as_bytes()), value)?;
        }
        drop(out);
        self.end_line(event, line)
    }

    #[inline(never)]
    pub(super) fn dynamic_line(
        &mut self,
        event: &Event<'_>,
        line: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        let bits = || event.scope.map_or(0, Scope::key_bits) | key_bits(event.payload);
        if self.names.error_bits != 0 && self.names.error_bits & bits() != 0 {
            return collected::line(self, event, line);
        }
        self.start_line(event, line);
        let context = RenderContext::of(event, self.clock);
        self.entries(Entries(event.payload), context, &|_| false, line)?;
        self.end_line(event, line)
    }

    /// Writes everything before the event's fields.
    fn start_line(&mut self, event: &Event<'_>, line: &mut Vec<u8>) {
        let mut out = Out::new(line);
        out.reserve(LINE_BYTES_EXTRA + 2 * event.payload.len());
        out.literal(START);
        out.timestamp(&mut self.time, event.unix_nanos, self.options.subsecond);
        let (target, name) = event.source.names();
        let excluded = |key: &[u8]| event.replaces_static(key);
        self.write_constants(&mut out, event.level, (target, Some(name)), &excluded);
    }

    /// Writes everything after the event's fields.
    fn end_line(&mut self, event: &Event<'_>, line: &mut Vec<u8>) -> Result<(), ReadError> {
        if let Some(scope) = event.scope {
            self.scope_members(event, scope, u64::MAX, line)?;
        }
        self.end(event, line);
        Ok(())
    }

    fn end(&self, event: &Event<'_>, line: &mut Vec<u8>) {
        let mut out = Out::new(line);
        self.sample_rate(&mut out, event);
        out.literal(b"}\n");
    }
}

/// Removes what was written of the line.
fn start_again(line: &mut Vec<u8>) {
    // A line has no newline inside.
    line.truncate(memchr::memrchr(b'\n', line).map_or(0, |end| end + 1));
}
