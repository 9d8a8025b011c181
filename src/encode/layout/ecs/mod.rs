//! The layout `ecs`: lines in the Elastic Common Schema 1.12.
//!
//! `{"@timestamp":…,"log.level":…,"message":…,"ecs.version":"1.12.0","log.logger":…,"trace":{…},"span":{…}, fields of
//! the schema…, "service":{…}, configured objects and fields…, "labels":{…},"extra":{…}}`
//!
//! `rules` has the place of each field. Dotted keys and maps with one path become one member. Of two values with one
//! path, that of the call stays, then the bound, the ambient, the correlation's, the one of every line, the options'.
//! Within an object, members have the order in which they were first logged.
//!
//! Promises: an event of a call site is written by a plan, which is made with the first event of its kind, and costs
//! about as much as in the layout `json`. There is one plan for each call site, and a bounded number of further ones
//! for contexts and kinds of values. All other events are written from a tree, with the same bytes, and counted.
//! Neither allocates in steady state. Fields that do not fit the schema are counted and reported; they change nothing.
mod builder;
mod contexts;
mod field_types;
mod fields;
mod line;
mod merge;
mod misfits;
mod options;
mod plan;
mod plans;
mod rules;
mod tree;
mod values;

#[cfg(test)]
mod tests;

pub use field_types::{
    CATEGORIES, FieldType, Kind, Problem, field_type, is_date, is_ip, is_object, of_number,
    problem_of,
};
pub use misfits::Misfit;
pub use options::{EcsOptions, EcsOrder};

use self::contexts::{Rendered, Shapes};
use self::misfits::Misfits;
use self::plan::{EXTRA_BYTES, Tools};
use self::plans::{PlanKey, Plans};
use self::tree::{Tree, ValueLeaf};
use self::values::ValueWriter;
use super::{
    BOOT_EVENT, Event, JsonOptions, PlainEvent, RenderContext, RunId, Source, TickClock, as_entries,
};
use crate::core::level::Level;
use crate::encode::{Out, TimeCache};
use ringseal_base::value::ReadError;

/// The version of the schema.
pub const ECS_VERSION: &str = "1.12.0";

/// The text between the first brace of a line and the time.
const LEAD: &[u8; 14] = b"\"@timestamp\":\"";

/// The member with the identifier of the run.
const RUN_ID: &str = "service.ephemeral_id";

/// The layout with its plans.
#[derive(Debug)]
pub struct EcsLayout {
    options: EcsOptions,
    settings: JsonOptions,
    /// Path and text of the members that the options give.
    members: Vec<(&'static str, String)>,
    time: TimeCache,
    pub(super) clock: TickClock,
    /// The entries of the fields of every line.
    static_entries: Vec<u8>,
    shapes: Shapes,
    plans: Plans,
    misfits: Misfits,
    tree_lines: u64,
    values: ValueWriter,
    // Reused memory.
    tree: Tree,
    order: Vec<(usize, u32)>,
    leaves: Vec<(ValueLeaf, usize)>,
    offsets: Vec<u32>,
    /// The entries of an event whose name is the value of a field.
    entries: Vec<u8>,
    /// The place of an event that is written as a run-time event, but has a call site.
    place: Option<(&'static str, u32)>,
}

/// What a layout has counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EcsCounts {
    /// Fields that do not fit the schema.
    pub misfits: u64,
    /// Lines that were written without a plan.
    pub tree_lines: u64,
}

impl EcsLayout {
    /// A layout with these options. Of the settings of JSON lines, those apply that the schema leaves open: the case of
    /// levels, whether null is left out, and the identifier of the run.
    pub fn new(options: EcsOptions, settings: JsonOptions) -> Self {
        let mut members = options.service.clone();
        if !settings.run_id.is_empty() {
            members.push((RUN_ID, settings.run_id.clone()));
        }
        Self {
            options,
            settings,
            members,
            time: TimeCache::new(),
            clock: TickClock::default(),
            static_entries: Vec::new(),
            shapes: Shapes::default(),
            plans: Plans::default(),
            misfits: Misfits::default(),
            tree_lines: 0,
            values: ValueWriter::default(),
            tree: Tree::default(),
            order: Vec::new(),
            leaves: Vec::new(),
            offsets: Vec::new(),
            entries: Vec::new(),
            place: None,
        }
    }

    /// Adds these entries of a map to every line whose event and contexts do not have the same path.
    pub(super) fn set_static_fields(&mut self, entries: &[u8]) {
        self.static_entries = entries.to_vec();
        self.plans = Plans::default();
    }

    /// Takes the counts since the last call, and the fields to report.
    pub(crate) fn take_misfits(&mut self) -> (EcsCounts, Vec<Misfit>) {
        let counts = EcsCounts {
            misfits: std::mem::take(&mut self.misfits.count),
            tree_lines: std::mem::take(&mut self.tree_lines),
        };
        (counts, std::mem::take(&mut self.misfits.pending))
    }

    fn level_name(&self, level: Level) -> &'static [u8] {
        self.settings.level_name(level)
    }

    /// Whether the line of this target and event has the identifier of the run.
    fn has_run_id(&self, (target, event): (&[u8], &[u8])) -> bool {
        let (boot_target, boot_event) = BOOT_EVENT;
        match self.settings.run_id_in {
            RunId::EveryLine => true,
            RunId::BootEvent => target == boot_target.as_bytes() && event == boot_event.as_bytes(),
            RunId::Off => false,
        }
    }

    /// Appends the line of an event that has nothing but its fields.
    #[inline(always)]
    pub(super) fn plain_line(
        &mut self,
        event: &PlainEvent<'_>,
        line: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        let Some(plan) = self.plans.plain(event.site.id()).filter(|plan| plan.is_in_order) else {
            return self.line(&event.whole(), line);
        };
        let start = line.len();
        let mut payload = event.payload;
        let mut out = Out::new(line);
        out.byte(b'{');
        let extra = EXTRA_BYTES + 2 * payload.len();
        out.template(&mut plan.start, &mut self.time, event.unix_nanos, extra);
        let mut steps = plan.steps.iter();
        while let Some(step) = plan::next_other(&mut out, &mut steps, &mut payload) {
            let mut tools = Tools {
                values: &mut self.values,
                misfits: &mut self.misfits,
                context: RenderContext::at(&Source::Site(event.site), event.unix_nanos, self.clock),
            };
            match out.with_vec(|line| step.write_own(line, &mut tools, payload))? {
                Some(rest) => payload = rest,
                None => {
                    drop(out);
                    line.truncate(start);
                    return self.line(&event.whole(), line);
                }
            }
        }
        out.fragment(&plan.tail);
        out.literal(b"}\n");
        self.misfits.count += plan.misfits;
        Ok(())
    }

    /// Appends the line of an event that never has a plan.
    #[cold]
    fn line_without_plan(
        &mut self,
        event: &Event<'_>,
        line: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        let mut entries = std::mem::take(&mut self.entries);
        self.place = line::place_of(&event.source);
        let result = match as_entries(event, &mut entries) {
            Ok(event_of_entries) => self.line_of_tree(&event_of_entries.unwrap_or(*event), line),
            Err(error) => Err(error),
        };
        self.entries = entries;
        self.place = None;
        result
    }

    /// Appends one line.
    #[inline(never)]
    pub(super) fn line(&mut self, event: &Event<'_>, line: &mut Vec<u8>) -> Result<(), ReadError> {
        let Some(mut key) = plan_key(event) else { return self.line_without_plan(event, line) };
        for _ in 0..2 {
            let found = match self.plans.find(&key) {
                Some(found) => found,
                None => {
                    let Some(slot) = self.plans.free_slot(&key) else { break };
                    let plan = self.compile(event)?;
                    self.plans.put(slot, key, plan)
                }
            };
            let Some(plan) = found else { break };
            let mut tools = Tools {
                values: &mut self.values,
                misfits: &mut self.misfits,
                context: RenderContext::of(event, self.clock),
            };
            if plan.write(event, &mut tools, &mut self.time, &mut self.offsets, line)? {
                return Ok(());
            }
            key.variant = plan.variant_of(event.payload)?;
        }
        self.line_of_tree(event, line)
    }
}

/// The key of the event's plan; `None` if no plan fits.
#[inline(always)]
fn plan_key(event: &Event<'_>) -> Option<PlanKey> {
    let Source::Site(callsite) = event.source else { return None };
    if event.has_stack || callsite.message().is_some() {
        return None;
    }
    let mut key = PlanKey { site: callsite.id(), bound: 0, ambient: 0, ids: 0, variant: 0 };
    let Some(scope) = event.scope else { return Some(key) };
    if let Some(bound) = scope.bound {
        key.bound = Some(Rendered(bound.rendered).shape()).filter(|shape| *shape != 0)?;
    }
    if let Some(ambient) = scope.ambient {
        key.ambient = Some(Rendered(ambient.rendered).shape()).filter(|shape| *shape != 0)?;
    }
    key.ids = line::id_bits(scope);
    Some(key)
}
