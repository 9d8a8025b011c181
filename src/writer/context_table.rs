//! The writer's copy of a lane's context tables.
//!
//! Promises: the memory of a definition is reused by the one in whose place it comes, so memory does not grow with the
//! number of contexts; see [`lane_contexts`](crate::core::lane_contexts) for the bound. A context that several lanes
//! define one after the other is redacted and rendered once.
use super::output::Output;
use super::redaction::{Redaction, Verdict};
use crate::core::context::NUMBERS;
use crate::core::lane_contexts::ALL;
use crate::core::level::Level;
use crate::core::record::{CONTEXT_ID_BYTES, HEADER_BYTES, Header, Kind, Slots};
use crate::encode::layout::{Bound, Layout, key_bits};
use ringseal_base::limits::Limits;
use ringseal_base::value::{ReadError, ValueWriter};

/// One lane's bound or ambient contexts, by number.
#[derive(Debug, Default)]
pub(super) struct ContextTable {
    slots: Vec<Option<Box<Rendered>>>,
}

/// A context as its lines show it.
#[derive(Debug, Default)]
struct Rendered {
    /// Unique in the process; 0 if the definition could not be read.
    id: u64,
    /// The entries as logged, to redact them again if the rules change.
    raw: Vec<u8>,
    /// The redacted entries.
    entries: Vec<u8>,
    key_bits: u64,
    /// Rendered for each output.
    lines: Vec<Vec<u8>>,
}

impl Rendered {
    fn render<'l>(
        &mut self,
        redaction: &mut Redaction,
        verdict: Verdict,
        layouts: impl Iterator<Item = &'l mut Layout>,
    ) -> Result<(), ReadError> {
        let entries = redaction.entries_with(verdict, &self.raw)?;
        self.entries.clear();
        self.entries.extend_from_slice(entries);
        self.key_bits = key_bits(&self.entries);
        for (index, layout) in layouts.enumerate() {
            if self.lines.len() <= index {
                self.lines.push(Vec::new());
            }
            layout.bound(&self.entries, &mut self.lines[index])?;
        }
        Ok(())
    }

    /// Becomes a copy, in its own memory.
    fn copy(&mut self, from: &Self) {
        self.id = from.id;
        self.raw.clone_from(&from.raw);
        self.entries.clone_from(&from.entries);
        self.key_bits = from.key_bits;
        self.lines.clone_from(&from.lines);
    }
}

/// A definition in a lane's record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Definition<'r> {
    pub(super) number: u16,
    /// The number whose definition gives way; 0 if none does, [`ALL`] if all do.
    pub(super) evicted: u32,
    /// The id, then the entries.
    pub(super) payload: &'r [u8],
    /// That on the entries.
    pub(super) verdict: Verdict,
}

impl ContextTable {
    /// Stores a definition.
    pub(super) fn define<'l>(
        &mut self,
        definition: Definition<'_>,
        recent: &mut RecentContexts,
        redaction: &mut Redaction,
        layouts: impl Iterator<Item = &'l mut Layout>,
    ) -> Result<(), ReadError> {
        let Definition { number, evicted, payload, verdict } = definition;
        let index = usize::from(number);
        // A foreign ring may contain any number.
        if !(1..NUMBERS).contains(&index) {
            return Ok(());
        }
        if self.slots.len() <= index {
            self.slots.resize_with(index + 1, || None);
        }
        if evicted == ALL {
            self.slots.iter_mut().for_each(|slot| *slot = None);
        }
        let given_way = self.slots.get_mut(evicted as usize).and_then(Option::take);
        let slot = self.slots[index].get_or_insert_with(|| given_way.unwrap_or_default());
        // Until it is rendered. A definition that cannot be read must not leave the one before it.
        slot.id = 0;
        let short = ReadError::Short { expected: CONTEXT_ID_BYTES, found: payload.len() };
        let (id, entries) = payload.split_first_chunk::<CONTEXT_ID_BYTES>().ok_or(short)?;
        let id = u64::from_le_bytes(*id);
        if let Some(known) = recent.find(id, entries) {
            slot.copy(known);
            return Ok(());
        }
        slot.raw.clear();
        slot.raw.extend_from_slice(entries);
        slot.render(redaction, verdict, layouts)?;
        slot.id = id;
        recent.keep(slot);
        Ok(())
    }

    /// Redacts and renders all definitions again, after a change of the rules.
    pub(super) fn rerender(
        &mut self,
        redaction: &mut Redaction,
        outputs: &mut [Output],
    ) -> Result<(), ReadError> {
        let mut result = Ok(());
        for slot in self.slots.iter_mut().flatten().filter(|slot| slot.id != 0) {
            let id = std::mem::take(&mut slot.id);
            let layouts = outputs.iter_mut().map(|output| &mut output.layout);
            match slot.render(redaction, Verdict::Unknown, layouts) {
                Ok(()) => slot.id = id,
                // Not shown any more.
                failed => result = failed,
            }
        }
        result
    }

    /// Passes on a record for each definition, as the lane would write it.
    pub(super) fn put_records(&self, is_ambient: bool, put: &mut dyn FnMut(&[u8])) {
        for (number, slot) in self.slots.iter().enumerate() {
            let Some(context) = slot.as_deref().filter(|context| context.id != 0) else { continue };
            let number = number as u16;
            let slots = if is_ambient { Slots::new(0, number) } else { Slots::new(number, 0) };
            let payload = [&context.id.to_le_bytes()[..], &context.raw].concat();
            let header = Header { slots, ..Header::new(Kind::Context, Level::Info) };
            put(&record(&header, &payload));
        }
    }

    /// Forgets all definitions: another thread has taken the lane.
    pub(super) fn clear(&mut self) {
        self.slots.clear();
    }

    /// The fields of context `number`, as rendered for `output`.
    #[inline]
    pub(super) fn get(&self, number: u16, output: usize) -> Option<Bound<'_>> {
        // Most events have no context.
        if number == 0 {
            return None;
        }
        let slot = self.slots.get(usize::from(number))?.as_deref()?;
        if slot.id == 0 {
            return None;
        }
        let rendered = slot.lines.get(output)?;
        Some(Bound { entries: &slot.entries, rendered, key_bits: slot.key_bits })
    }
}

/// The record of the thread that uses a lane.
pub(super) fn thread_record(number: u64, name: &str) -> Vec<u8> {
    let mut payload = vec![0; name.len() + 64];
    let mut out = ValueWriter::new(&mut payload, Limits::default());
    out.u64(number);
    out.str(name);
    let len = out.len_bytes();
    record(&Header::new(Kind::Thread, Level::Info), &payload[..len])
}

/// A record as it is in a ring.
fn record(header: &Header, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; HEADER_BYTES];
    header.write(&mut bytes, payload.len());
    bytes.extend_from_slice(payload);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

/// How many contexts [`RecentContexts`] remembers.
const RECENT: usize = 256;
/// The longest entries of a context that it remembers.
const RECENT_BYTES_MAX: usize = 4096;

/// The contexts last defined in any lane, as they were rendered.
#[derive(Debug, Default)]
pub(super) struct RecentContexts {
    /// By id, modulo their number; empty before the first.
    slots: Vec<Rendered>,
}

impl RecentContexts {
    /// The context of this id, if it is here with the same entries: a small ring may have cut them.
    fn find(&self, id: u64, entries: &[u8]) -> Option<&Rendered> {
        let known = self.slots.get(id as usize % RECENT)?;
        (id != 0 && known.id == id && known.raw == entries).then_some(known)
    }

    fn keep(&mut self, context: &Rendered) {
        if context.raw.len() > RECENT_BYTES_MAX {
            return;
        }
        if self.slots.is_empty() {
            self.slots.resize_with(RECENT, Rendered::default);
        }
        self.slots[context.id as usize % RECENT].copy(context);
    }

    /// Forgets all, after a change of the rules.
    pub(super) fn clear(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.id = 0);
    }
}
