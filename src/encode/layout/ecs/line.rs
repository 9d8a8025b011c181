//! Lines written from a tree: the reference for plans, and the way of events that no plan fits.
use super::builder::{Builder, Found};
use super::merge::Merger;
use super::options::EcsOrder;
use super::rules::ContextAliases;
use super::tree::{Emit, Form, Leaf, ROOT, Region, Tier, Tree, ValueLeaf};
use super::values::{LineParts, LineWriter};
use super::{ECS_VERSION, EcsLayout, LEAD};
use crate::core::level::Level;
use crate::encode::layout::scope::{Id, Scope};
use crate::encode::layout::{Event, RenderContext, Source};
use crate::encode::{Out, Subsecond, Unit};
use ringseal_base::value::{ReadError, ValueRef};

/// The members of lines of this layout that come first, after those of the head.
const FIRST: [&[u8]; 6] = [b"trace", b"span", b"transaction", b"parent", b"user", b"client"];

/// The members that come last.
const LAST: [&[u8]; 5] = [b"labels", b"tags", b"payload", b"headers", b"extra"];

impl EcsLayout {
    /// Appends the line of any event, without a plan.
    pub(super) fn line_of_tree(
        &mut self,
        event: &Event<'_>,
        line: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        self.tree_lines += 1;
        let mut tree = std::mem::take(&mut self.tree);
        let result = self.write_tree(event, &mut tree, line);
        self.tree = tree;
        result
    }

    fn write_tree(
        &mut self,
        event: &Event<'_>,
        tree: &mut Tree,
        line: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        self.fill(event, tree)?;
        let names = event.source.names();
        let mut out = Out::new(line);
        out.byte(b'{');
        out.literal(LEAD);
        out.timestamp(&mut self.time, event.unix_nanos, Subsecond::Millis);
        self.write_head(&mut out, event.level, names);
        drop(out);
        let order = self.root_order(tree);
        let mut writer = LineWriter {
            line,
            regions: regions(event, &self.static_entries),
            context: RenderContext::of(event, self.clock),
            values: &mut self.values,
            event: Some(LineParts {
                correlation: event.scope.and_then(|scope| scope.correlation),
                members: &self.members,
                place: place_of(&event.source).or(self.place),
                misfits: &mut self.misfits,
                names,
            }),
        };
        let result = write_root(tree, &order, &mut writer);
        self.order = order;
        result?;
        end(line, event.sample_rate);
        Ok(())
    }

    /// Writes the members after the time that every line has.
    pub(super) fn write_head(&self, out: &mut Out<'_>, level: Level, names: (&[u8], &[u8])) {
        let (target, event) = names;
        let level = |out: &mut Out<'_>| {
            out.literal(b",\"log.level\":\"");
            out.raw(self.level_name(level));
            out.byte(b'"');
        };
        let version = |out: &mut Out<'_>| {
            out.literal(b",\"ecs.version\":\"");
            out.raw(ECS_VERSION.as_bytes());
            out.byte(b'"');
        };
        out.byte(b'"');
        match self.options.order {
            EcsOrder::Specification => level(out),
            EcsOrder::Ecsctx => version(out),
        }
        out.literal(b",\"message\":");
        out.string_lossy(event);
        match self.options.order {
            EcsOrder::Specification => version(out),
            EcsOrder::Ecsctx => level(out),
        }
        out.literal(b",\"log.logger\":");
        out.string_lossy(target);
    }

    /// The members of the root in the order of the line; the vector is to be given back.
    pub(super) fn root_order(&mut self, tree: &Tree) -> Vec<(usize, u32)> {
        let mut order = std::mem::take(&mut self.order);
        order.clear();
        let shown = tree.children(ROOT).filter(|child| tree.is_shown(*child));
        order.extend(shown.map(|child| (self.rank(tree.key(child)), child)));
        order.sort_unstable();
        order
    }

    /// Where a member of the root is written.
    fn rank(&self, key: &[u8]) -> usize {
        let of = |names: &[String]| names.iter().position(|name| name.as_bytes() == key);
        let (objects, fields) = (&self.options.root_objects, &self.options.root_fields);
        let known = FIRST.iter().position(|first| *first == key);
        let last =
            || Some(objects.len() + fields.len() + 8 + LAST.iter().position(|it| *it == key)?);
        known
            .or_else(|| (key == b"service").then_some(7))
            .or_else(|| of(objects).map(|at| 8 + at))
            .or_else(|| of(fields).map(|at| 8 + objects.len() + at))
            .or_else(last)
            // Other objects of the schema.
            .unwrap_or(FIRST.len())
    }

    /// Fills the tree with all members of a line that depend on the event, its contexts and the settings.
    pub(super) fn fill(&mut self, event: &Event<'_>, tree: &mut Tree) -> Result<(), ReadError> {
        tree.clear();
        let names = event.source.names();
        let has_run_id = self.has_run_id(names);
        let mut builder = Builder {
            merger: Merger {
                tree,
                scratch: &mut self.values.scratch,
                regions: regions(event, &self.static_entries),
            },
            options: &self.options,
            omit_none: self.settings.omit_none,
            misfits: Some(&mut self.misfits),
            names,
            aliases: ContextAliases::default(),
        };
        builder.find_aliases([Region::Bound, Region::Ambient, Region::Static])?;
        add_own(&mut builder, event)?;
        if let Some(scope) = event.scope {
            builder.fields(Tier::Bound, Region::Bound)?;
            builder.fields(Tier::Ambient, Region::Ambient)?;
            if scope.has_id(Id::Trace) {
                builder.leaf("trace.id", Tier::Ids, Leaf::TraceId)?;
            }
            if scope.has_id(Id::Span) {
                builder.leaf("span.id", Tier::Ids, Leaf::SpanId)?;
            }
        }
        builder.fields(Tier::Static, Region::Static)?;
        for (index, (name, _)) in self.members.iter().enumerate() {
            if has_run_id || *name != super::RUN_ID {
                builder.leaf(name, Tier::Options, Leaf::Option(index as u32))?;
            }
        }
        if self.options.has_call_site && place_of(&event.source).or(self.place).is_some() {
            builder.leaf("log.origin.file.name", Tier::Options, Leaf::File)?;
            builder.leaf("log.origin.file.line", Tier::Options, Leaf::Line)?;
        }
        Ok(())
    }
}

/// Adds the event's own fields.
fn add_own(builder: &mut Builder<'_, '_>, event: &Event<'_>) -> Result<(), ReadError> {
    let Source::Site(callsite) = event.source else {
        return builder.fields(Tier::Call, Region::Own);
    };
    let (tier, region) = (Tier::Call, Region::Own);
    let mut rest = event.payload;
    for key in callsite.metadata().keys {
        let at = (event.payload.len() - rest.len()) as u32;
        let value = ValueRef::read(&mut rest)?;
        builder.field(key.as_bytes(), Found { tier, region, at, value }, 0)?;
    }
    if event.has_stack {
        let at = (event.payload.len() - rest.len()) as u32;
        let (unit, form, check) = (Unit::Seconds, Form::Plain, None);
        let leaf = Leaf::Value(ValueLeaf { region, at, unit, form, check });
        // An error of the event may have its own.
        builder.leaf("error.stack_trace", Tier::Bound, leaf)?;
    }
    Ok(())
}

/// The bytes in which the values of an event are found, by region.
pub(super) fn regions<'a>(event: &Event<'a>, static_entries: &'a [u8]) -> [&'a [u8]; 4] {
    let bound = event.scope.and_then(|scope| scope.bound);
    let ambient = event.scope.and_then(|scope| scope.ambient);
    let bound = bound.map_or(&b""[..], |bound| bound.entries);
    let ambient = ambient.map_or(&b""[..], |ambient| ambient.entries);
    [event.payload, bound, ambient, static_entries]
}

/// File and line of the call.
pub(super) fn place_of(source: &Source<'_>) -> Option<(&'static str, u32)> {
    match source {
        // That of another logging interface may have no place.
        Source::Site(callsite) if callsite.metadata().file.is_empty() => None,
        Source::Site(callsite) => Some((callsite.metadata().file, callsite.metadata().line)),
        Source::Dynamic { .. } => None,
    }
}

/// Writes the members of the root in this order, each with a comma before it.
pub(super) fn write_root<E: Emit>(
    tree: &Tree,
    order: &[(usize, u32)],
    emit: &mut E,
) -> Result<(), E::Error> {
    for (_, child) in order {
        emit.punctuation(b",");
        tree.write_member(*child, 1, emit)?;
    }
    Ok(())
}

/// Ends a line.
pub(super) fn end(line: &mut Vec<u8>, sample_rate: Option<f64>) {
    let mut out = Out::new(line);
    if let Some(rate) = sample_rate {
        out.literal(b",\"sample_rate\":");
        out.f64(rate);
    }
    out.literal(b"}\n");
}

/// The ids of a scope, as far as they decide about the members of a line: one bit each.
pub(super) fn id_bits(scope: &Scope<'_>) -> u8 {
    u8::from(scope.has_id(Id::Trace)) | u8::from(scope.has_id(Id::Span)) << 1
}
