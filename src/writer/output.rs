//! An output: a layout, the batch that it fills, and the sinks that receive the batch.
use super::line_table::{LineOrigin, LineTable};
use super::managed_sink::{ManagedSink, SinkEvent};
use super::report::OWN_TARGET;
use crate::core::Batch;
use crate::core::callsite::Callsite;
use crate::core::filter::Filter;
use crate::core::level::{Level, LevelFilter};
use crate::encode::layout::{Event, Layout, PlainEvent, Source};
use crate::recover::home::OutputTables;
use crate::sink::Sink;
use ringseal_base::clock::Now;
use ringseal_base::value::ReadError;

/// The parts of an output.
pub struct OutputConfig {
    /// The format of lines.
    pub layout: Layout,
    /// The levels that are written.
    pub level: LevelFilter,
    /// The targets that are written, of the levels that pass; `None` for all.
    pub filter: Option<Filter>,
    /// The sinks that lines go to.
    pub sinks: Vec<Box<dyn Sink>>,
}

impl std::fmt::Debug for OutputConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sinks: Vec<&str> = self.sinks.iter().map(|sink| sink.name()).collect();
        f.debug_struct("OutputConfig").field("level", &self.level).field("sinks", &sinks).finish()
    }
}

/// Which events of one level an output takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    None,
    All,
    /// The filter decides by target.
    ByTarget,
}

fn taken(level: LevelFilter, filter: Option<&Filter>) -> [Taken; Level::COUNT] {
    Level::ALL.map(|each| match filter {
        _ if !level.passes(each) => Taken::None,
        None => Taken::All,
        Some(_) => Taken::ByTarget,
    })
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoded {
    /// It is in the batch.
    Whole,
    /// It is in the batch, which is full.
    Full,
    /// It cannot be read.
    Nothing,
}

/// Lines of a batch. They have about 200 bytes; if they are much shorter, the vector of ends grows once.
fn batch_lines(batch_bytes_max: usize) -> usize {
    batch_bytes_max / 64
}

/// The tables of lines in the home of a writer with these settings.
pub(crate) fn tables_of(config: &super::WriterConfig) -> OutputTables {
    let lines_max = super::line_table::file_lines(batch_lines(config.batch_bytes_max));
    OutputTables { count: config.outputs.len(), lines_max }
}

#[derive(Debug)]
pub(super) struct Output {
    pub(super) layout: Layout,
    taken: [Taken; Level::COUNT],
    filter: Option<Filter>,
    /// The filter's decision about each call site, by the site's id.
    sites: Vec<Option<bool>>,
    /// Whether ids of call sites are those of another process, beside which the engine's own events have theirs.
    pub(super) has_foreign_ids: bool,
    pub(super) batch: Batch,
    pub(super) lines: LineTable,
    pub(super) sinks: Vec<ManagedSink>,
    batch_bytes_max: usize,
    capacity: usize,
    held_bytes_max: usize,
}

impl Output {
    pub(super) fn new(config: OutputConfig, batch_bytes_max: usize, held_bytes_max: usize) -> Self {
        let lines = batch_lines(batch_bytes_max);
        let batch = Batch::with_capacity(batch_bytes_max + batch_bytes_max / 4, lines);
        let sinks = config.sinks.into_iter().map(|sink| ManagedSink::new(sink, held_bytes_max));
        Self {
            layout: config.layout,
            taken: taken(config.level, config.filter.as_ref()),
            filter: config.filter,
            sites: Vec::new(),
            has_foreign_ids: false,
            capacity: batch.capacity_bytes(),
            batch,
            lines: LineTable::new(lines),
            sinks: sinks.collect(),
            batch_bytes_max,
            held_bytes_max,
        }
    }

    pub(super) fn add_sink(&mut self, sink: Box<dyn Sink>) {
        self.sinks.push(ManagedSink::new(sink, self.held_bytes_max));
    }

    /// Whether an event is written. `site_id` is 0 for an event without a call site.
    #[inline]
    pub(super) fn passes(&mut self, level: Level, site_id: u32, source: &Source<'_>) -> bool {
        match self.taken[level as usize] {
            Taken::All => true,
            Taken::None => false,
            Taken::ByTarget => self.passes_filter(level, site_id, source),
        }
    }

    /// The filter decides once per call site, and per event where there is none.
    #[inline(never)]
    fn passes_filter(&mut self, level: Level, site_id: u32, source: &Source<'_>) -> bool {
        match self.sites.get(site_id as usize) {
            Some(Some(passes)) => *passes,
            _ => self.filter_decides(level, site_id, source),
        }
    }

    #[cold]
    fn filter_decides(&mut self, level: Level, site_id: u32, source: &Source<'_>) -> bool {
        let Some(filter) = &self.filter else { return true };
        let Source::Site(site) = source else {
            let Source::Dynamic { target, .. } = source else { return true };
            return filter.passes(&String::from_utf8_lossy(target), level);
        };
        let target = site.metadata().target;
        // A filter for the application's targets must not hide the engine's reports, for example of lost events.
        let passes = match filter.directive(target) {
            None if target == OWN_TARGET => true,
            _ => filter.passes(target, level),
        };
        if self.has_foreign_ids {
            return passes;
        }
        let index = site_id as usize;
        if self.sites.len() <= index {
            self.sites.resize(index + 1, None);
        }
        self.sites[index] = Some(passes);
        passes
    }

    /// Encodes one event; returns whether the batch or the table of its lines is full.
    #[inline]
    pub(super) fn encode(
        &mut self,
        event: &Event<'_>,
        origin: LineOrigin,
    ) -> Result<bool, ReadError> {
        let start = self.batch.len_bytes();
        match self.layout.line(event, self.batch.bytes_mut()) {
            Ok(()) => {
                self.batch.end_line();
                let line_bytes = self.batch.len_bytes() - start;
                Ok(self.add_line(origin, line_bytes, event.level))
            }
            Err(error) => {
                self.batch.abandon_line();
                Err(error)
            }
        }
    }

    /// Adds the line of an event that has nothing but its fields to the batch; [`Output::add_line`] must follow.
    /// Returns the line's length, 0 if the event cannot be read.
    #[inline(never)]
    pub(super) fn encode_plain(
        &mut self,
        site: &'static Callsite,
        level: Level,
        unix_nanos: i64,
        payload: &[u8],
    ) -> usize {
        let start = self.batch.len_bytes();
        // Put together here, so that the parts are passed in registers.
        let event = PlainEvent { site, level, unix_nanos, payload };
        match self.layout.plain_line(&event, self.batch.bytes_mut()) {
            Ok(()) => {
                self.batch.end_line();
                self.batch.len_bytes() - start
            }
            Err(_) => {
                self.batch.abandon_line();
                0
            }
        }
    }

    /// Notes the record of the line that was added last. Returns whether the batch or the table of its lines is full.
    #[inline(always)]
    pub(super) fn add_line(&mut self, origin: LineOrigin, line_bytes: usize, level: Level) -> bool {
        let is_table_full = self.lines.push(origin, line_bytes, level);
        is_table_full || self.batch.len_bytes() >= self.batch_bytes_max
    }

    /// From now on, decides about each event, even if it takes all of a level.
    pub(super) fn decide_each(&mut self) {
        for taken in self.taken.iter_mut().filter(|taken| **taken == Taken::All) {
            *taken = Taken::ByTarget;
        }
    }

    /// Whether it writes all events of the level, whatever their target.
    #[inline(always)]
    pub(super) fn takes_all(&self, level: Level) -> bool {
        self.taken[level as usize] == Taken::All
    }

    /// Delivers the batch to the sinks and empties it. Returns whether the buffer has grown.
    pub(super) fn deliver(&mut self, now: Now, events: &mut Vec<SinkEvent>) -> bool {
        if !self.batch.is_empty() {
            self.lines.publish_batch();
            for sink in &mut self.sinks {
                events.extend(sink.write(self.batch.lines(), self.lines.batch(), now));
            }
            self.batch.clear();
            self.lines.end_batch();
        }
        let grown = self.batch.capacity_bytes() > self.capacity;
        self.capacity = self.batch.capacity_bytes();
        grown
    }
}
