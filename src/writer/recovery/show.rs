//! Writes what the rings of a home have as lines, for commands: the dead writer runs over copies, and its only sink is
//! a function.
//!
//! Promises: nothing in the home is changed, and its lock is not needed, so the run may be alive. Lines come in order
//! of time. An event whose context is no longer known is shown without it. Memory: the rings of the home.
use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use super::stage::{StageReader, mark};
use super::{AdoptedSink, Recovering, SLICE_BYTES, collect};
use crate::core::level::{Level, LevelFilter};
use crate::core::record::Record;
use crate::core::{Batch, Lines};
use crate::encode::layout::{JsonLayout, JsonOptions, Layout, Profile};
use crate::metrics::LaneCounters;
use crate::recover::dead::DeadHome;
use crate::recover::engine_image::untold;
use crate::recover::sink_place::SinkPlace;
use crate::recover::snapshot::{KnownRecords, LaneSnapshot};
use crate::sink::{Sink, SinkError, WriteError};
use crate::writer::lane_reader::LaneReader;
use crate::writer::link::NewLane;
use crate::writer::{RedactionConfig, Writer};
use ringseal_base::clock::{Clock, Now, SystemClock};
use ringseal_base::storage::OpenMode;

/// Takes lines, each with its newline.
pub type TakeLine = Box<dyn FnMut(&[u8]) -> io::Result<()> + Send>;

/// From where on the events of each lane are shown.
#[derive(Debug, Clone, Default)]
pub enum From {
    /// From the first that waits.
    #[default]
    Head,
    /// With those before it that are still in the ring.
    History,
    /// From the first that one of these sinks misses, each with its number.
    Missing(Vec<(usize, SinkPlace)>),
}

/// What is shown, and how.
#[derive(Debug, Clone)]
pub struct Showing {
    /// Where the events of each lane begin.
    pub from: From,
    /// The run may be alive.
    pub is_live: bool,
    /// The levels that are shown.
    pub level: LevelFilter,
    /// How events are redacted.
    pub redaction: RedactionConfig,
    /// Only lanes that a thread of this number or name has used.
    pub thread: Option<String>,
    /// The word with which lines are marked as recovered.
    pub mark: Option<Mark>,
}

impl Default for Showing {
    /// Everything that waits in the home of a dead run, unredacted and unmarked.
    fn default() -> Showing {
        Showing {
            from: From::Head,
            is_live: false,
            level: LevelFilter::AtLeast(Level::Trace),
            redaction: RedactionConfig::default(),
            thread: None,
            mark: None,
        }
    }
}

/// How lines are marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// `"recovered":true`, and `"maybe_repeated"` for those that may be in place.
    Recovered,
    /// `"recovered":"unsure"`: the bytes may be from any time.
    Unsure,
}

/// What was shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shown {
    /// Lines.
    pub lines: u64,
    /// Rings that contradict themselves, and records and lines that cannot be read.
    pub unreadable: u64,
    /// Lanes of a live run that change faster than they can be read.
    pub busy_lanes: u64,
}

/// Passes the lines of a home to `take`.
///
/// # Errors
/// The first one of `take`, or of a call on the home's files.
pub fn show(home: &DeadHome, showing: &Showing, take: TakeLine) -> io::Result<Shown> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let now = clock.now();
    let sites = collect::call_sites(home);
    let unsure = match &showing.from {
        From::Missing(places) => places.iter().map(|(_, place)| place.unsure).max().unwrap_or(0),
        _ => 0,
    };
    let (mut sink, written) = FunctionSink::new(take, showing.mark, unsure);
    let (ends, damaged) = match &showing.from {
        From::Missing(places) => put_spooled(home, places, &mut sink)?,
        _ => (HashMap::new(), 0),
    };
    let settings = Recovering::new(showing.redaction.clone(), Vec::new(), clock);
    let place = only_sink(showing.level);
    let layout = layout(&home.image.run.run_id);
    let is_site = |id: u32| matches!(sites.get(id as usize), Some(Some(_)));
    let slack_ticks = slack_ticks(home);
    let known = KnownRecords { is_site: &is_site, slack_ticks };
    let mut writer =
        collect::dead_writer((&place, layout), Box::new(sink), home, &settings, sites.clone());
    let mut shown = Shown { unreadable: damaged, ..Shown::default() };
    if showing.mark.is_none() {
        // Losses are the run's to report.
        writer.unplaced.lost_reported = writer.unplaced.counters.lost.get();
    }
    add_lanes(&mut writer, home, (showing, &known, &ends), &mut shown, now)?;
    collect::drain(&mut writer, now);
    shown.unreadable += writer.processor.tally.record_errors;
    finish(&written, shown)
}

fn finish(written: &Mutex<Written>, shown: Shown) -> io::Result<Shown> {
    let mut written = written.lock();
    match written.error.take() {
        Some(error) => Err(error),
        None => Ok(Shown { lines: written.lines, ..shown }),
    }
}

/// Passes the lines of a sink's stage to `take`, without the first `skipped`.
///
/// # Errors
/// The first one of `take`, or of a call on the stage.
pub fn show_stage(
    home: &DeadHome,
    sink: usize,
    skipped: u64,
    take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<u64> {
    let bytes = home.image.sinks.get(sink).map_or(0, |image| image.stage_bytes);
    if bytes == 0 {
        return Ok(0);
    }
    let file = home.storage().open(&home.stage(sink), OpenMode::Read)?;
    let mut stage = StageReader::new(file, bytes, SLICE_BYTES);
    let mut batch = Batch::default();
    let (mut seen, mut taken) = (0, 0);
    loop {
        stage.next(&mut batch)?;
        if batch.is_empty() {
            return Ok(taken);
        }
        for line in batch.lines().bytes().split_inclusive(|byte| *byte == b'\n') {
            seen += 1;
            if seen > skipped {
                take(line)?;
                taken += 1;
            }
        }
    }
}

/// JSON lines of a run.
fn layout(run_id: &str) -> Layout {
    let options = JsonOptions { run_id: run_id.to_owned(), ..JsonOptions::of(Profile::JSON) };
    Layout::Json(Box::new(JsonLayout::new(options)))
}

fn only_sink(level: LevelFilter) -> AdoptedSink {
    AdoptedSink {
        output: 0,
        sink: 0,
        dead: 0,
        is_file: false,
        layout: None,
        is_json: true,
        level,
        filter: None,
        lines_done: 0,
    }
}

/// The ticks of a second: a log call that makes another one is written after it, with the earlier time.
fn slack_ticks(home: &DeadHome) -> u64 {
    let nanos_per_tick = home.image.calibration.nanos_per_tick();
    if nanos_per_tick > 0.0 { (1e9 / nanos_per_tick) as u64 } else { u64::MAX }
}

/// Passes on the lines that were given to a sink and are not in place: those of an output once. Returns for each lane
/// the end of its last record of which all sinks have the line, in place or among these; and how many are damaged.
fn put_spooled(
    home: &DeadHome,
    places: &[(usize, SinkPlace)],
    to: &mut FunctionSink,
) -> io::Result<(HashMap<u16, u64>, u64)> {
    let (mut all, mut damaged) = (None::<HashMap<u16, u64>>, 0);
    // By output: the number after that of the last line that was passed on.
    let mut done = HashMap::new();
    for (sink, place) in places {
        let Some(image) = home.image.sinks.get(*sink) else { continue };
        let spool = home.spool(*sink)?;
        let end = place.lines.max(spool.end());
        let done = done.entry(image.facts.output).or_insert(0);
        spool.lines_from(place.lines.max(*done)).for_each(|line| to.put(line));
        damaged += spool.damaged_from(place.lines.max(*done)).0;
        *done = end.max(*done);
        let ends = home.lines(image.facts.output).ends(end);
        let Some(all) = &mut all else {
            all = Some(ends);
            continue;
        };
        all.retain(|lane, _| ends.contains_key(lane));
        all.iter_mut().for_each(|(lane, end)| *end = ends[lane].min(*end));
    }
    Ok((all.unwrap_or_default(), damaged))
}

fn add_lanes(
    writer: &mut Writer,
    home: &DeadHome,
    (showing, known, ends): (&Showing, &KnownRecords<'_>, &HashMap<u16, u64>),
    shown: &mut Shown,
    now: Now,
) -> io::Result<()> {
    for ring in home.rings()? {
        let lane = match LaneSnapshot::read(home, ring, showing.is_live) {
            Ok(Some(lane)) => lane,
            Ok(None) => {
                shown.busy_lanes += 1;
                continue;
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => continue,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                shown.unreadable += 1;
                continue;
            }
            Err(error) => return Err(error),
        };
        add_lane(writer, &lane, (showing, known, ends), now)?;
    }
    writer.heads.reserve(writer.lanes.len());
    Ok(())
}

fn add_lane(
    writer: &mut Writer,
    snapshot: &LaneSnapshot,
    (showing, known, ends): (&Showing, &KnownRecords<'_>, &HashMap<u16, u64>),
    now: Now,
) -> io::Result<()> {
    let start = match showing.from {
        From::History => snapshot.history_start(known),
        _ => snapshot.head(),
    };
    let counters = Arc::new(LaneCounters::default());
    let (lost, told) = snapshot.counts.losses();
    collect::set_losses(&counters, untold(lost, told));
    let new = NewLane { consumer: snapshot.consumer(start)?, counters, file: None };
    let mut lane = LaneReader::new(new, snapshot.counts.number(), now.unix_nanos);
    if showing.mark.is_none() {
        lane.memory.lost_reported = lane.memory.counters.lost.get();
    }
    for record in snapshot.log.records(start as u64) {
        if let Ok(record) = Record::read(record) {
            collect::apply(&mut writer.processor, &mut lane, &record);
        }
    }
    if let Some(thread) = &showing.thread
        && !is_of_thread(&lane, snapshot, start, thread)
    {
        return Ok(());
    }
    let first = ends.get(&snapshot.counts.number()).copied().unwrap_or(0);
    let first = usize::try_from(first).unwrap_or(0).min(snapshot.tail());
    collect::skip_to(&mut writer.processor, &mut lane, first);
    writer.lanes.push(lane);
    Ok(())
}

/// Whether a thread of this number or name has used the lane.
fn is_of_thread(lane: &LaneReader, snapshot: &LaneSnapshot, start: usize, thread: &str) -> bool {
    let is_it = |number: u64, name: &str| thread == name || thread.parse() == Ok(number);
    if is_it(lane.memory.thread, &lane.memory.thread_name) {
        return true;
    }
    snapshot.threads(start).iter().any(|(number, name)| is_it(*number, name))
}

/// What a sink of this kind has passed on.
#[derive(Debug, Default)]
struct Written {
    lines: u64,
    error: Option<io::Error>,
}

/// Passes lines to a function, and none after its first error.
struct FunctionSink {
    take: TakeLine,
    mark: Option<Mark>,
    unsure_left: u64,
    marked: Vec<u8>,
    written: Arc<Mutex<Written>>,
}

impl FunctionSink {
    fn new(take: TakeLine, mark: Option<Mark>, unsure: u64) -> (Self, Arc<Mutex<Written>>) {
        let written = Arc::<Mutex<Written>>::default();
        let again = Arc::clone(&written);
        (Self { take, mark, unsure_left: unsure, marked: Vec::new(), written }, again)
    }

    /// Passes a line on, unless there was an error.
    fn put(&mut self, line: &[u8]) {
        let written = Arc::clone(&self.written);
        let mut written = written.lock();
        if written.error.is_some() {
            return;
        }
        match self.take(line) {
            Ok(()) => written.lines += 1,
            Err(error) => written.error = Some(error),
        }
    }

    fn take(&mut self, line: &[u8]) -> io::Result<()> {
        let Some(kind) = self.mark else { return (self.take)(line) };
        self.marked.clear();
        match kind {
            Mark::Recovered => mark(line, true, self.unsure_left > 0, &mut self.marked),
            Mark::Unsure => mark_unsure(line, &mut self.marked),
        }
        self.unsure_left = self.unsure_left.saturating_sub(1);
        (self.take)(&self.marked)
    }
}

/// Appends a line that may be from any time.
fn mark_unsure(line: &[u8], out: &mut Vec<u8>) {
    mark(line, true, false, out);
    let end: &[u8] = b"true}\n";
    if out.ends_with(end) {
        out.truncate(out.len() - end.len());
        out.extend_from_slice(b"\"unsure\"}\n");
    }
}

impl Sink for FunctionSink {
    fn name(&self) -> &str {
        "function"
    }

    fn write(&mut self, lines: Lines<'_>, _now: Now) -> Result<(), WriteError> {
        lines.bytes().split_inclusive(|byte| *byte == b'\n').for_each(|line| self.put(line));
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsure_lines_say_so() {
        let mut out = Vec::new();
        mark_unsure(b"{\"a\":1}\n", &mut out);
        assert_eq!(out, b"{\"a\":1,\"recovered\":\"unsure\"}\n");
    }

    #[test]
    fn nothing_follows_an_error() {
        let take = Box::new(|line: &[u8]| match line {
            b"bad\n" => Err(io::ErrorKind::BrokenPipe.into()),
            _ => Ok(()),
        });
        let (mut sink, written) = FunctionSink::new(take, None, 0);
        let mut batch = Batch::default();
        for line in ["one\n", "bad\n", "two\n"] {
            batch.bytes_mut().extend_from_slice(line.as_bytes());
            batch.end_line();
        }
        let now = Now { ticks: 0, unix_nanos: 0 };
        assert!(sink.write(batch.lines(), now).is_ok());
        assert_eq!(written.lock().lines, 1);
        assert!(finish(&written, Shown::default()).is_err());
    }
}
