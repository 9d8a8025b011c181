//! Adds the fields of an event and of its contexts to a tree, each at the place that the rules give it.
//!
//! Promises: nothing is allocated once the scratch memory has the size of the largest event.
use super::EcsOptions;
use super::field_types::{FieldType, Kind, Problem, field_of};
use super::merge::{MAP_HEAD, Merger, each_entry, open_value};
use super::misfits::Misfits;
use super::rules::{self, ContextAliases, Origin, Path, Place};
use super::tree::{Content, Form, Leaf, ROOT, Region, Tier, ValueLeaf};
use crate::encode::Unit;
use crate::encode::layout::unit_of;
use ringseal_base::value::{ReadError, ValueRef};

/// How often entries of a map are placed one by one inside each other.
const PLACED_DEPTH_MAX: usize = 16;

/// Adds fields to a tree.
pub(super) struct Builder<'t, 'a> {
    pub(super) merger: Merger<'t, 'a>,
    pub(super) options: &'t EcsOptions,
    pub(super) omit_none: bool,
    /// Where fields that do not fit the schema are counted, if they are.
    pub(super) misfits: Option<&'t mut Misfits>,
    /// Target and name of the event, for misfits.
    pub(super) names: (&'a [u8], &'a [u8]),
    /// Keys of the contexts that mean a field of the schema: in the call they mean the same.
    pub(super) aliases: ContextAliases,
}

/// Target and name of the event with which the engine ends a span.
const SPAN_END: (&[u8], &[u8]) = (b"span", b"span.end");

/// A field as it is found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'v> {
    pub(super) tier: Tier,
    pub(super) region: Region,
    /// The offset of the value in the region.
    pub(super) at: u32,
    pub(super) value: ValueRef<'v>,
}

impl Builder<'_, '_> {
    /// Adds the entries of a region that is a map.
    pub(super) fn fields(&mut self, tier: Tier, region: Region) -> Result<(), ReadError> {
        each_entry(self.merger.regions[region as usize], 0, |key, at, value| {
            self.field(key, Found { tier, region, at, value }, 0)
        })
    }

    /// Adds a field, which is in `depth` maps.
    pub(super) fn field(
        &mut self,
        key: &[u8],
        found: Found<'_>,
        depth: usize,
    ) -> Result<(), ReadError> {
        let kind = Kind::of(found.value);
        if kind == Kind::Absent {
            return Ok(());
        }
        let mut path = self.merger.scratch.paths.pop().unwrap_or_default();
        let origin = self.origin(key, found.tier);
        let (mut place, problem) = rules::place(self.options, (key, kind), origin, &mut path);
        if let (Some(problem), Some(misfits)) = (problem, &mut self.misfits) {
            misfits.add(self.names, key, problem, kind.name());
        }
        if depth >= PLACED_DEPTH_MAX && matches!(place, Place::Entries | Place::RootEntries) {
            path.clear();
            path.push_dotted(b"extra.value", 0);
            place = Place::Path;
        }
        let result = match place {
            Place::Nowhere => Ok(()),
            Place::Entries => self.entries_below(Some(key), found, depth),
            Place::RootEntries => self.entries_below(None, found, depth),
            Place::Path | Place::Label | Place::Outcome => {
                let form = match place {
                    Place::Label => Form::Label,
                    Place::Outcome => Form::Outcome,
                    _ => Form::Plain,
                };
                let content = self.content(&path, key, (found, kind), form, depth);
                self.merger.insert(ROOT, &path, found.tier, content)
            }
        };
        self.merger.scratch.paths.push(path);
        result
    }

    /// Where a field comes from. A key that shortens one of the schema in a context means the same in the call, so that
    /// the value of the call replaces that of the context.
    fn origin(&self, key: &[u8], tier: Tier) -> Origin {
        match tier {
            Tier::Call if self.aliases.contains(key) => Origin::Context,
            Tier::Call if self.names == SPAN_END => Origin::SpanEnd,
            Tier::Call => Origin::Call,
            _ => Origin::Context,
        }
    }

    /// Finds the keys of these regions that mean a field of the schema.
    pub(super) fn find_aliases(&mut self, regions: [Region; 3]) -> Result<(), ReadError> {
        for region in regions {
            add_aliases(self.merger.regions[region as usize], &mut self.aliases, 0)?;
        }
        Ok(())
    }

    /// Adds a member at a dotted path.
    pub(super) fn leaf(&mut self, name: &str, tier: Tier, leaf: Leaf) -> Result<(), ReadError> {
        let mut path = self.merger.scratch.paths.pop().unwrap_or_default();
        path.clear();
        path.push_dotted(name.as_bytes(), 0);
        let result = self.merger.insert(ROOT, &path, tier, Content::Leaf(leaf));
        self.merger.scratch.paths.push(path);
        result
    }

    /// Adds the entries of a map as fields, with `prefix` and a dot before their keys.
    fn entries_below(
        &mut self,
        prefix: Option<&[u8]>,
        found: Found<'_>,
        depth: usize,
    ) -> Result<(), ReadError> {
        let (value, at) = self.merger.open_value(found.region, found.at)?;
        let ValueRef::Map(entries) = value else { return Ok(()) };
        let mut full = self.merger.scratch.keys.pop().unwrap_or_default();
        let result = each_entry(entries.0, at + MAP_HEAD, |key, at, value| {
            full.clear();
            if let Some(prefix) = prefix {
                full.extend_from_slice(prefix);
                full.push(b'.');
            }
            let start = full.len();
            full.extend_from_slice(if key.is_empty() { b"_" } else { key });
            if rules::has_empty_part(&full[start..]) {
                full[start..].iter_mut().filter(|it| **it == b'.').for_each(|it| *it = b'_');
            }
            self.field(&full, Found { at, value, ..found }, depth + 1)
        });
        self.merger.scratch.keys.push(full);
        result
    }

    /// The member at the path of a field.
    fn content(
        &mut self,
        path: &Path,
        key: &[u8],
        (found, kind): (Found<'_>, Kind),
        form: Form,
        depth: usize,
    ) -> Content {
        if kind == Kind::Null && self.omit_none && depth == 0 {
            self.merger.tree.has_hidden = true;
            return Content::Leaf(Leaf::Hidden);
        }
        let schema = field_of(path.dotted());
        let leaf = ValueLeaf {
            region: found.region,
            at: found.at,
            unit: match schema {
                Some((_, FieldType::Integer)) => Unit::Nanos,
                _ => unit_of(key),
            },
            form,
            check: match schema {
                Some((field, FieldType::Ip)) => Some((field, Problem::NotAnIp)),
                Some((field, FieldType::Date)) => Some((field, Problem::NotADate)),
                Some((field @ "event.category", _)) => Some((field, Problem::UnknownCategory)),
                _ => None,
            },
        };
        match kind {
            Kind::Map | Kind::Error if form == Form::Plain => Content::Whole(leaf, kind),
            _ => Content::Leaf(Leaf::Value(leaf)),
        }
    }
}

/// Adds the keys of a context's entries to the set, with those of maps under `extra`.
fn add_aliases(
    entries: &[u8],
    aliases: &mut ContextAliases,
    depth: usize,
) -> Result<(), ReadError> {
    each_entry(entries, 0, |key, at, value| {
        let is_wrapper = rules::without_extra(key) == b"extra" && depth < PLACED_DEPTH_MAX;
        match open_value(entries, at)? {
            (ValueRef::Map(inner), _) if is_wrapper => add_aliases(inner.0, aliases, depth + 1),
            _ => {
                aliases.add(key, Kind::of(value));
                Ok(())
            }
        }
    })
}
