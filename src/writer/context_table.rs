//! The writer's copy of a lane's context table.
//!
//! Promises: a slot's memory is reused by the next definition, so memory does not grow with the number of contexts.
use super::output::Output;
use super::redaction::Redaction;
use crate::core::context::NUMBERS;
use crate::encode::layout::{Bound, Layout, key_bits};
use ringseal_base::value::ReadError;

/// One lane's contexts by number.
#[derive(Debug)]
pub(super) struct ContextTable {
    slots: Vec<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    /// The entries as logged, to redact them again if the rules change.
    raw: Vec<u8>,
    /// The redacted entries.
    entries: Vec<u8>,
    key_bits: u64,
    /// Rendered for each output.
    rendered: Vec<Vec<u8>>,
    is_defined: bool,
}

impl Slot {
    fn render<'l>(
        &mut self,
        redaction: &mut Redaction,
        layouts: impl Iterator<Item = &'l mut Layout>,
    ) -> Result<(), ReadError> {
        let entries = redaction.entries(&self.raw)?;
        self.entries.clear();
        self.entries.extend_from_slice(entries);
        self.key_bits = key_bits(&self.entries);
        for (index, layout) in layouts.enumerate() {
            if self.rendered.len() <= index {
                self.rendered.push(Vec::new());
            }
            layout.bound(&self.entries, &mut self.rendered[index])?;
        }
        self.is_defined = true;
        Ok(())
    }
}

impl ContextTable {
    pub(super) fn new() -> Self {
        Self { slots: std::iter::repeat_with(Slot::default).take(NUMBERS).collect() }
    }

    /// Stores a definition.
    pub(super) fn define<'l>(
        &mut self,
        number: u32,
        entries: &[u8],
        redaction: &mut Redaction,
        layouts: impl Iterator<Item = &'l mut Layout>,
    ) -> Result<(), ReadError> {
        let Some(slot) = self.slots.get_mut(number as usize) else {
            return Ok(());
        };
        slot.is_defined = false;
        slot.raw.clear();
        slot.raw.extend_from_slice(entries);
        slot.render(redaction, layouts)
    }

    /// Redacts and renders all definitions again, after a change of the rules.
    pub(super) fn rerender(
        &mut self,
        redaction: &mut Redaction,
        outputs: &mut [Output],
    ) -> Result<(), ReadError> {
        for slot in self.slots.iter_mut().filter(|slot| slot.is_defined) {
            slot.is_defined = false;
            slot.render(redaction, outputs.iter_mut().map(|output| &mut output.layout))?;
        }
        Ok(())
    }

    /// The bound fields of context `number`, as rendered for `output`.
    #[inline]
    pub(super) fn get(&self, number: u32, output: usize) -> Option<Bound<'_>> {
        let slot = self.slots.get(number as usize)?;
        if !slot.is_defined {
            return None;
        }
        let rendered = slot.rendered.get(output)?;
        Some(Bound { entries: &slot.entries, rendered, key_bits: slot.key_bits })
    }
}
