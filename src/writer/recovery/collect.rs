//! Collects the lines that each sink misses: reads the dead run's rings as its writer would have.
use std::collections::HashMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use super::stage::StageSink;
use super::{AdoptedSink, Adoption, RecoveredRun, Recovering};
use crate::core::callsite::Callsite;
use crate::core::record::{Kind, Record};
use crate::encode::layout::Layout;
use crate::metrics::LaneCounters;
use crate::recover::adopt;
use crate::recover::dead::DeadHome;
use crate::recover::engine_image::untold;
use crate::sink::Sink;
use crate::writer::lane_reader::LaneReader;
use crate::writer::link::{Link, NewLane};
use crate::writer::process::Processor;
use crate::writer::redaction::Verdict;
use crate::writer::{OutputConfig, RedactionConfig, Turn, Writer, WriterConfig};
use ringseal_base::clock::{Clock, Now};
use ringseal_base::storage::OpenMode;

/// Makes the stages of all sinks, of events as the functions of this run's writer change them.
pub(super) fn collect(
    adoption: &mut Adoption,
    (settings, live): (&Recovering, &mut Writer),
    run: &mut RecoveredRun,
    now: Now,
) -> io::Result<()> {
    let sites = call_sites(&adoption.home);
    for index in 0..adoption.sinks.len() {
        let mut found = RecoveredRun::default();
        let bytes = collect_sink(adoption, index, &sites, (settings, live), &mut found, now)?;
        adoption.home.note_stage(adoption.sinks[index].dead, bytes)?;
        let is_first = index == 0;
        run.lines = run.lines.max(found.lines);
        run.lines_maybe_repeated += found.lines_maybe_repeated;
        if is_first {
            run.unreadable_bytes = found.unreadable_bytes;
            run.lost = found.lost;
        }
        if found.lines > 0
            && (run.from_unix_nanos == 0 || found.from_unix_nanos < run.from_unix_nanos)
        {
            run.from_unix_nanos = found.from_unix_nanos;
        }
        run.to_unix_nanos = run.to_unix_nanos.max(found.to_unix_nanos);
    }
    Ok(())
}

/// The dead run's call sites as this process has them, by their ids there.
pub(super) fn call_sites(home: &DeadHome) -> Vec<Option<&'static Callsite>> {
    let mut sites = Vec::new();
    for (id, entry) in home.sites().iter() {
        let index = id as usize;
        // Ids are counted from 1; a larger one than there can be entries is not from a dictionary.
        if index > 1 << 20 {
            continue;
        }
        if sites.len() <= index {
            sites.resize(index + 1, None);
        }
        sites[index] = adopt(entry);
    }
    sites
}

/// Makes the stage of one sink. Returns its bytes.
fn collect_sink(
    adoption: &mut Adoption,
    index: usize,
    sites: &[Option<&'static Callsite>],
    (settings, live): (&Recovering, &mut Writer),
    found: &mut RecoveredRun,
    now: Now,
) -> io::Result<u64> {
    let Adoption { home, sinks, .. } = adoption;
    let sink = &mut sinks[index];
    let Some(image) = home.image.sinks.get(sink.dead).cloned() else { return Ok(0) };
    let storage = home.storage();
    let path = home.stage(sink.dead);
    match storage.remove(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = storage.open(&path, OpenMode::CreateNew { mode: 0o600 })?;
    let (mut stage, staged) = StageSink::new(file, sink.is_json, image.staged_unsure);
    let spool = home.spool(sink.dead)?;
    let ends = home.lines(image.facts.output).ends(image.stage_first.max(spool.end()));
    spool.lines_from(image.stage_first).for_each(|line| stage.put(line));
    found.unreadable_bytes += spool.damaged_from(image.stage_first).1;
    let layout =
        sink.layout.take().ok_or_else(|| io::Error::other("a layout is needed for each sink"))?;
    let mut writer = dead_writer((sink, layout), Box::new(stage), home, settings, sites.to_vec());
    add_lanes(&mut writer, home, &ends, found, (settings, live))?;
    drain_beside(&mut writer, live, settings, now);
    let tally = &writer.processor.tally;
    let oldest = tally.unix_nanos_oldest.min(tally.unix_nanos_min);
    if oldest != i64::MAX {
        found.from_unix_nanos = oldest;
    }
    found.unreadable_bytes += tally.unreadable_bytes;
    let last = writer.lanes.iter().map(|lane| lane.memory.last_unix_nanos).max();
    found.to_unix_nanos = last.unwrap_or(0).max(0);
    let lost: u64 = writer.lanes.iter().map(|lane| lane.memory.counters.lost_total.get()).sum();
    found.lost = lost.saturating_sub(found.lost);
    let mut staged = staged.lock();
    if let Some(error) = staged.error.take() {
        return Err(error);
    }
    found.lines = staged.lines;
    found.lines_maybe_repeated = staged.lines.min(image.staged_unsure);
    Ok(staged.bytes)
}

/// A writer with the dead run's clock and call sites, whose only sink is the stage.
pub(super) fn dead_writer(
    (sink, layout): (&AdoptedSink, Layout),
    stage: Box<dyn Sink>,
    home: &DeadHome,
    settings: &Recovering,
    sites: Vec<Option<&'static Callsite>>,
) -> Writer {
    let outputs = vec![OutputConfig {
        layout,
        level: sink.level,
        filter: sink.filter.clone(),
        sinks: vec![stage],
    }];
    let (redaction, clock) = (&settings.redaction, &settings.clock);
    let mut writer = dead_writer_of(home, (outputs, settings.slice_bytes), redaction, clock);
    writer.processor.replace_static_fields(settings.static_fields.clone());
    writer.processor.set_foreign_sites(sites);
    let (lost, told) = home.image.unplaced;
    set_losses(&writer.unplaced.counters, lost);
    writer.unplaced.lost_reported = told;
    writer
}

/// A writer with the dead run's clock, whose batches have this many bytes.
pub(super) fn dead_writer_of(
    home: &DeadHome,
    (outputs, batch_bytes_max): (Vec<OutputConfig>, usize),
    redaction: &RedactionConfig,
    clock: &Arc<dyn Clock>,
) -> Writer {
    let (link, inbox) = Link::new();
    let config = WriterConfig {
        outputs,
        batch_bytes_max,
        held_bytes_max: 0,
        reorder_window_nanos: 0,
        publishes_time: false,
        redaction: redaction.clone(),
        static_fields: Vec::new(),
        hooks: Vec::new(),
        observing: Default::default(),
    };
    let mut writer = Writer::new(config, link, inbox, Arc::clone(clock));
    writer.processor.calibration = home.image.calibration;
    writer.processor.pass_on_calibration();
    writer
}

impl Processor {
    /// The records are those of another process, with these call sites.
    fn set_foreign_sites(&mut self, sites: Vec<Option<&'static Callsite>>) {
        self.sites = sites;
        self.has_foreign_sites = true;
        self.redaction.expect_foreign_ids();
        self.outputs.iter_mut().for_each(|output| output.has_foreign_ids = true);
    }

    /// Sets the fields of every line.
    fn replace_static_fields(&mut self, static_fields: Vec<u8>) {
        self.static_fields = static_fields;
        // They were written by this process a moment ago, so they can be read.
        let _ = self.set_static_fields();
    }
}

pub(super) fn set_losses(counters: &LaneCounters, lost: crate::metrics::LevelCounts) {
    for level in crate::core::level::Level::ALL {
        counters.lost.of(level).set(lost.of(level));
    }
    counters.lost_total.set(lost.total());
}

/// Gives the writer a copy of each ring, from the first record on that the sink misses.
fn add_lanes(
    writer: &mut Writer,
    home: &DeadHome,
    ends: &HashMap<u16, u64>,
    found: &mut RecoveredRun,
    (settings, live): (&Recovering, &mut Writer),
) -> io::Result<()> {
    for ring in home.rings()? {
        live.give_way(settings);
        let (counts, log) = home.lane(ring);
        let image = match home.ring(ring) {
            Ok(image) => image,
            // A ring that contradicts itself does not keep the others from being read.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                found.unreadable_bytes += home.ring_file_bytes(ring);
                continue;
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                // Unless the writer had the ring, the process was killed while it made it.
                if counts.number() != 0 {
                    found.unreadable_bytes += home.ring_file_bytes(ring);
                }
                continue;
            }
            Err(error) => return Err(error),
        };
        let words = image.words();
        let counters = Arc::new(LaneCounters::default());
        let (lost, told) = counts.losses();
        set_losses(&counters, lost);
        let new = NewLane { consumer: image.consumer()?, counters, file: None };
        let mut lane = LaneReader::new(new, counts.number(), settings.clock.unix_nanos());
        lane.memory.lost_reported = told;
        found.lost += lost.total() - untold(lost, told).total();
        for record in log.records(words.head as u64) {
            if let Ok(record) = Record::read(record) {
                apply(&mut writer.processor, &mut lane, &record);
            }
        }
        let start = ends.get(&counts.number()).copied().unwrap_or(0);
        skip_to(
            &mut writer.processor,
            &mut lane,
            usize::try_from(start).unwrap_or(0).min(words.tail),
        );
        writer.lanes.push(lane);
    }
    writer.heads.reserve(writer.lanes.len());
    Ok(())
}

/// Gives the writer a copy of each ring that can be read.
#[cfg(feature = "audit")]
pub(super) fn add_rings(writer: &mut Writer, home: &DeadHome) -> io::Result<()> {
    for ring in home.rings()? {
        let Ok(image) = home.ring(ring) else { continue };
        let new = NewLane { consumer: image.consumer()?, counters: Arc::default(), file: None };
        writer.lanes.push(LaneReader::new(new, 0, 0));
    }
    Ok(())
}

/// Applies a record that changes the state of its lane.
pub(super) fn apply(processor: &mut Processor, lane: &mut LaneReader, record: &Record<'_>) {
    if matches!(record.header.kind, Kind::Context | Kind::Thread) {
        // A definition that cannot be read leaves its slot empty.
        let _ = processor.other_record(record, Verdict::Unknown, &mut lane.memory);
    }
}

/// Passes over the records whose lines are in place, up to position `start`. What they define applies.
pub(super) fn skip_to(processor: &mut Processor, lane: &mut LaneReader, start: usize) {
    lane.consumer.poll();
    loop {
        let (position, stretch) = lane.consumer.readable_at();
        if stretch.is_empty() || position >= start {
            break;
        }
        let mut at = 0;
        while position + at < start && at < stretch.len() {
            let Ok(record) = Record::read(&stretch[at..]) else {
                // The rest cannot be told apart from records; the drain reports it.
                lane.memory.forget_contexts();
                at = stretch.len().min(start - position);
                break;
            };
            if matches!(record.header.kind, Kind::Context | Kind::Thread) {
                let _ = processor.other_record(&record, Verdict::Unknown, &mut lane.memory);
            }
            at += record.len_bytes;
        }
        lane.consumer.advance(at);
    }
    lane.consumer.release();
}

/// Writes everything to the stage, in slices, between which the writer of this run may have turns. Both use the
/// functions that see each event, one at a time.
fn drain_beside(writer: &mut Writer, live: &mut Writer, settings: &Recovering, now: Now) {
    writer.heads.is_sliced = true;
    writer.processor.set_hooks(std::mem::take(&mut live.processor.hooks));
    writer.processor.set_observing(live.processor.observing.of_another_run());
    loop {
        let result = catch_unwind(AssertUnwindSafe(|| drain_slice(writer, now)));
        // Later events must not miss them, whatever happened.
        std::mem::swap(&mut live.processor.hooks, &mut writer.processor.hooks);
        if result.unwrap_or_else(|panic| resume_unwind(panic)) {
            break;
        }
        live.give_way(settings);
        std::mem::swap(&mut live.processor.hooks, &mut writer.processor.hooks);
    }
}

/// Writes everything to the stage.
pub(super) fn drain(writer: &mut Writer, now: Now) {
    while !drain_slice(writer, now) {}
}

/// Writes some of it to the stage. Returns whether that was the rest.
fn drain_slice(writer: &mut Writer, now: Now) -> bool {
    let mut turn = Turn::default();
    writer.drain(now, u64::MAX, &mut turn);
    writer.hand_over(now);
    if turn.is_waiting {
        return false;
    }
    for index in 0..writer.lanes.len() {
        writer.processor.report_loss_of(&mut writer.lanes[index].memory, now);
    }
    writer.processor.report_loss_of(&mut writer.unplaced, now);
    writer.processor.deliver(now);
    true
}
