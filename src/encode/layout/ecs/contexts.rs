//! Contexts: their values are rendered once, and their keys are known by a shape.
//!
//! Two contexts have one shape if their keys are the same, and the kinds of their values as far as kinds decide about
//! places. So a plan that was made for one of them fits all of them.
//!
//! A rendered context is the number of its shape and of its values, then offset and end of each value, then the values'
//! bytes, and space after them so that short values are copied as one block.
//!
//! Promises: at most [`SHAPES_MAX`] shapes are remembered. Contexts of others are written without a plan.
use std::collections::HashMap;

use super::builder::Builder;
use super::field_types::Kind;
use super::merge::{Merger, each_entry};
use super::rules::ContextAliases;
use super::tree::{Content, Emit, Leaf, ROOT, Region, Tier, Tree, ValueLeaf};
use super::values::check_value;
use super::{EcsLayout, rules};
use crate::encode::layout::{Bound, RenderContext};
use crate::encode::{Fragment, Out};
use ringseal_base::value::{Entries, ReadError, ValueRef};

/// Shapes that are remembered.
pub(super) const SHAPES_MAX: usize = 4096;

/// The longest description of a shape that is remembered.
const SHAPE_BYTES_MAX: usize = 4096;

/// Maps inside each other that a shape describes.
const DEPTH_MAX: usize = 8;

/// Bytes of the numbers before a rendered context's values, and of those of each value.
const HEAD: usize = 8;

/// Bytes that are copied as one block.
const BLOCK: usize = 32;

/// The shapes seen so far, numbered from 1.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    numbers: HashMap<Box<[u8]>, u32>,
    text: Vec<u8>,
}

impl Shapes {
    /// The number of the shape of these entries; 0 if it is not remembered.
    fn number(&mut self, entries: &[u8], is_null_alike: bool) -> Result<u32, ReadError> {
        self.text.clear();
        if !describe(entries, is_null_alike, 0, &mut self.text)? {
            return Ok(0);
        }
        if let Some(number) = self.numbers.get(&self.text[..]) {
            return Ok(*number);
        }
        if self.numbers.len() >= SHAPES_MAX {
            return Ok(0);
        }
        let number = self.numbers.len() as u32 + 1;
        self.numbers.insert(self.text[..].into(), number);
        Ok(number)
    }
}

/// Writes keys and kinds of the entries; returns whether they can be described.
fn describe(
    entries: &[u8],
    is_null_alike: bool,
    depth: usize,
    text: &mut Vec<u8>,
) -> Result<bool, ReadError> {
    let mut is_described = depth <= DEPTH_MAX;
    each_entry(entries, 0, |key, _, value| {
        if !is_described || text.len() > SHAPE_BYTES_MAX {
            is_described = false;
            return Ok(());
        }
        text.extend_from_slice(&(key.len() as u16).to_le_bytes());
        text.extend_from_slice(key);
        let kind = Kind::of(value);
        let is_exact = rules::is_sensitive(key);
        text.push(if is_exact { kind } else { Kind::coarse(value, is_null_alike) } as u8);
        if kind == Kind::Map {
            text.push(b'{');
            is_described = describe(opened(value).0, is_null_alike, depth + 1, text)?;
            text.push(b'}');
        }
        Ok(())
    })?;
    Ok(is_described)
}

/// The entries of a map that may be marked as personal data.
fn opened(value: ValueRef<'_>) -> Entries<'_> {
    match value {
        ValueRef::Map(entries) => entries,
        ValueRef::Pii(_, mut values) => match values.next() {
            Some(Ok(inner)) => opened(inner),
            _ => Entries(&[]),
        },
        _ => Entries(&[]),
    }
}

/// A rendered context.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rendered<'r>(pub(super) &'r [u8]);

impl<'r> Rendered<'r> {
    /// That of a context, if there is one.
    #[inline(always)]
    pub(super) fn of(context: Option<Bound<'r>>) -> Self {
        Rendered(context.map_or(&[], |context| context.rendered))
    }

    fn number_at(self, at: usize) -> u32 {
        let bytes = self.0.get(at..).and_then(<[u8]>::first_chunk);
        bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
    }

    /// The number of the shape; 0 if no plan fits.
    #[inline]
    pub(super) fn shape(self) -> u32 {
        self.number_at(0)
    }

    fn len(self) -> u32 {
        self.number_at(4)
    }

    /// The index of the value at this offset of the entries.
    pub(super) fn index_of(self, at: u32) -> Option<u32> {
        (0..self.len()).find(|index| self.number_at(HEAD + *index as usize * HEAD) == at)
    }

    /// Start and end of a value.
    #[inline(always)]
    fn range(self, index: u32) -> (usize, usize) {
        let end_of = HEAD + index as usize * HEAD + 4;
        let start =
            if index == 0 { self.values_start() } else { self.number_at(end_of - HEAD) as usize };
        (start, self.number_at(end_of) as usize)
    }

    #[inline(always)]
    fn values_start(self) -> usize {
        HEAD + self.len() as usize * HEAD
    }

    /// Writes the key and the value of this index.
    #[inline(always)]
    pub(super) fn write(self, index: u32, key: &Fragment, out: &mut Out<'_>) {
        let (start, end) = self.range(index);
        let from = self.0.get(start..).unwrap_or_default();
        let len = end.saturating_sub(start);
        match from.first_chunk::<BLOCK>() {
            Some(block) if len <= BLOCK => out.key(key).block(block, len),
            _ => {
                out.fragment(key);
                out.raw(from.get(..len).unwrap_or(b"null"));
            }
        }
    }
}

impl EcsLayout {
    /// Renders bound fields.
    pub(in crate::encode::layout) fn bound(
        &mut self,
        entries: &[u8],
        rendered: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        rendered.clear();
        let shape = self.shapes.number(entries, !self.settings.omit_none)?;
        if shape == 0 {
            return Ok(());
        }
        let mut tree = std::mem::take(&mut self.tree);
        let result = self.render(entries, shape, &mut tree, rendered);
        self.tree = tree;
        result
    }

    fn render(
        &mut self,
        entries: &[u8],
        shape: u32,
        tree: &mut Tree,
        rendered: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        tree.clear();
        let regions = [b"", entries, b"", b""];
        let mut builder = Builder {
            merger: Merger { tree, scratch: &mut self.values.scratch, regions },
            options: &self.options,
            omit_none: self.settings.omit_none,
            // The lines that have the fields report them.
            misfits: None,
            names: (b"", b""),
            aliases: ContextAliases::default(),
        };
        builder.fields(Tier::Bound, Region::Bound)?;
        let mut leaves = Leaves(std::mem::take(&mut self.leaves));
        leaves.0.clear();
        let Ok(()) = tree.write_members(ROOT, 1, &mut leaves);
        leaves.0.sort_unstable_by_key(|(leaf, _)| leaf.at);
        let result = self.render_values(entries, shape, &leaves.0, rendered);
        self.leaves = leaves.0;
        result
    }

    fn render_values(
        &mut self,
        entries: &[u8],
        shape: u32,
        leaves: &[(ValueLeaf, usize)],
        rendered: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        // The parts of an error are at one offset; a plan cannot distinguish them.
        if !leaves.is_sorted_by(|(one, _), (other, _)| one.at < other.at) {
            return Ok(());
        }
        rendered.extend_from_slice(&shape.to_le_bytes());
        rendered.extend_from_slice(&(leaves.len() as u32).to_le_bytes());
        rendered.resize(HEAD + leaves.len() * HEAD, 0);
        for (index, (leaf, depth)) in leaves.iter().enumerate() {
            self.render_value(entries, (leaf, *depth), rendered)?;
            let (at, end) = (leaf.at.to_le_bytes(), (rendered.len() as u32).to_le_bytes());
            let start = HEAD + index * HEAD;
            rendered[start..start + 4].copy_from_slice(&at);
            rendered[start + 4..start + HEAD].copy_from_slice(&end);
        }
        rendered.resize(rendered.len() + BLOCK, 0);
        Ok(())
    }

    fn render_value(
        &mut self,
        entries: &[u8],
        (leaf, depth): (&ValueLeaf, usize),
        rendered: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        let mut bytes = entries.get(leaf.at as usize..).unwrap_or_default();
        let value = ValueRef::read(&mut bytes)?;
        if let Some(check) = leaf.check {
            check_value(check, value, (b"", b"a context"), &mut self.misfits);
        }
        self.values.leaf(rendered, RenderContext::BOUND, (leaf, value), depth)
    }
}

/// Collects the values of a tree.
struct Leaves(Vec<(ValueLeaf, usize)>);

impl Emit for Leaves {
    type Error = std::convert::Infallible;

    fn punctuation(&mut self, _: &[u8]) {}

    fn key(&mut self, _: &[u8]) {}

    fn leaf(&mut self, content: Content, depth: usize) -> Result<(), Self::Error> {
        if let Content::Whole(leaf, _) | Content::Leaf(Leaf::Value(leaf)) = content {
            self.0.push((leaf, depth));
        }
        Ok(())
    }
}
