//! The file `engine` of a home: the run, its clock, its sinks, and how far each sink is.
//!
//! Promises: the constant part is written once, before the first event; what changes is stored word by word such that a
//! kill at any instant leaves either the old or the new value: clocks and commit records are written into the slot
//! that does not count, and one store makes it count.
use std::io;
#[cfg(target_os = "linux")]
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::layout::{self, SLOT_BYTES, engine as at};
use super::oom::OomKills;
use crate::core::level::Level;
use crate::core::record::RECORD_FORMAT;
use crate::metrics::LevelCounts;
use crate::sink::commit::{Commit, Place};
use ringseal_base::clock::{Calibration, Now};
use ringseal_base::digest::Crc32;
use ringseal_base::limits::floor_char_boundary;
use ringseal_base::storage::shared_file::SharedFile;

/// What a run, or the recovery of its home, is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It logs.
    Running,
    /// It has ended, and all of its events are in the sinks.
    Clean,
    /// Its lines are being collected in the stages; how far the sinks are is settled.
    Collecting,
    /// The stages are complete and are being written to the sinks.
    Delivering,
    /// Everything is in the sinks.
    Drained,
}

impl State {
    /// All states.
    pub const ALL: [State; 5] =
        [State::Running, State::Clean, State::Collecting, State::Delivering, State::Drained];

    /// Its number in the file.
    pub fn number(self) -> u64 {
        match self {
            State::Running => 1,
            State::Clean => 2,
            State::Collecting => 3,
            State::Delivering => 4,
            State::Drained => 5,
        }
    }

    /// The state of this number.
    pub fn of(number: u64) -> Option<State> {
        State::ALL.into_iter().find(|state| state.number() == number)
    }
}

/// A sink, as its home describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkFacts {
    /// Its name, for streams also its identity.
    pub name: String,
    /// The identity of its log, if it writes files.
    pub log_id: Option<[u8; 16]>,
    /// The number of its output.
    pub output: usize,
}

impl SinkFacts {
    /// Whether a sink of this run writes to the place of this sink of a dead run. A log that could not be given an id,
    /// because the disk was full, has been given one since.
    pub fn is_same(&self, own: &SinkFacts) -> bool {
        match (self.log_id, own.log_id) {
            (Some(one), Some(two)) => one == two,
            (None, _) => self.name == own.name,
            (Some(_), None) => false,
        }
    }
}

/// A run, as its home describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFacts {
    /// The identifier of the run.
    pub run_id: String,
    /// The name under which runs without a log directory find each other.
    pub program: String,
    /// The directory of the audit log; empty without one.
    pub audit: String,
    /// The process.
    pub pid: u32,
    /// The boot of the machine.
    pub boot: [u8; 16],
    /// When it began.
    pub started_unix_nanos: i64,
}

/// The place of a sink.
pub fn sink_at(sink: usize) -> usize {
    at::SINK_TABLE_AT + sink * at::SINK_BYTES
}

/// The file of a running engine.
#[derive(Debug)]
pub struct EngineFile {
    file: Arc<SharedFile>,
    clocks: u64,
}

impl EngineFile {
    /// Writes the file. The run counts as running from the last store on.
    #[cfg(target_os = "linux")]
    pub fn create(path: &Path, run: &RunFacts, sinks: &[SinkFacts]) -> io::Result<EngineFile> {
        let file = SharedFile::create(path, at::BYTES)?;
        Self::fill(file, run, sinks)
    }

    /// Writes the constant part.
    pub fn fill(file: SharedFile, run: &RunFacts, sinks: &[SinkFacts]) -> io::Result<EngineFile> {
        if sinks.len() > at::SINKS_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "too many sinks"));
        }
        file.write(0, &layout::engine_magic());
        file.store(at::VERSION_AT, layout::VERSION);
        file.store(at::BYTES_AT, at::BYTES as u64);
        file.store(at::PID_AT, run.pid.into());
        file.store(at::RECORD_FORMAT_AT, RECORD_FORMAT.into());
        file.write(at::BOOT_AT, &run.boot);
        file.store(at::STARTED_AT, run.started_unix_nanos as u64);
        let kills = OomKills::now();
        file.store(at::OOM_AT[0], kills.group);
        file.store(at::OOM_AT[1], kills.count);
        file.store(at::SINKS_AT, sinks.len() as u64);
        for (index, sink) in sinks.iter().enumerate() {
            write_sink(&file, sink_at(index), sink);
        }
        let texts = texts_of(run);
        file.write(at::TEXTS_AT, &texts);
        file.store(at::FACTS_AT, texts.len() as u64);
        let mut bytes = vec![0; at::BYTES];
        file.read(0, &mut bytes);
        file.store(at::CRC_AT, crc_of(&bytes).into());
        file.publish(at::STATE_AT, State::Running.number());
        Ok(EngineFile { file: Arc::new(file), clocks: 0 })
    }

    /// The memory.
    pub fn shared(&self) -> &Arc<SharedFile> {
        &self.file
    }

    /// Sets the state.
    pub fn set_state(&self, state: State) {
        self.file.publish(at::STATE_AT, state.number());
    }

    /// Notes how ticks are converted to wall time from here on.
    pub fn set_clock(&mut self, calibration: &Calibration, now: Now) {
        self.clocks += 1;
        let place = at::CLOCKS_AT[(self.clocks & 1) as usize];
        self.file.store(place, now.ticks);
        self.file.store(place + 8, calibration.unix_nanos(now.ticks) as u64);
        self.file.store(place + 16, calibration.nanos_per_tick().to_bits());
        self.file.store(place + 24, now.unix_nanos as u64);
        self.file.publish(at::CLOCK_INDEX_AT, self.clocks);
    }

    /// Notes the events that were lost without a lane, and those of them that were reported.
    pub fn set_unplaced(&self, lost: LevelCounts, told: LevelCounts) {
        for level in Level::ALL {
            let place = at::UNPLACED_AT + level as usize * 8;
            self.file.store(place, lost.of(level));
            self.file.store(place + 64, told.of(level));
        }
    }

    /// The commit record of a sink.
    pub fn commit_of(&self, sink: usize) -> SharedCommit {
        SharedCommit {
            file: Arc::clone(&self.file),
            at: sink_at(sink),
            skipped: Arc::default(),
            base: 0,
        }
    }
}

fn write_sink(file: &SharedFile, place: usize, sink: &SinkFacts) {
    let name = cut(&sink.name, at::NAME_BYTES_MAX);
    file.store(place + at::NAME_AT, name.len() as u64);
    file.write(place + at::NAME_AT + 8, name.as_bytes());
    file.store(place + at::HAS_LOG_ID_AT, sink.log_id.is_some().into());
    file.write(place + at::LOG_ID_AT, &sink.log_id.unwrap_or_default());
    file.store(place + at::OUTPUT_AT, sink.output as u64);
}

/// At most `bytes_max` bytes of a text.
fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..floor_char_boundary(text, bytes_max.min(text.len()))]
}

fn texts_of(run: &RunFacts) -> Vec<u8> {
    let mut texts = Vec::new();
    for text in [&run.run_id, &run.program, &run.audit] {
        let text = cut(text, 4096);
        texts.extend_from_slice(&(text.len() as u64).to_le_bytes());
        texts.extend_from_slice(text.as_bytes());
        texts.resize(texts.len().next_multiple_of(8), 0);
    }
    texts
}

/// CRC-32 of what never changes: the words up to the state, those after the attempts up to the checksum, the sinks'
/// descriptions, and the texts.
pub(crate) fn crc_of(bytes: &[u8]) -> u32 {
    let mut constant = Vec::new();
    let part = |from: usize, to: usize| bytes.get(from..to).unwrap_or_default();
    constant.extend_from_slice(part(0, at::STATE_AT));
    constant.extend_from_slice(part(at::PID_AT, at::CRC_AT));
    for sink in 0..at::SINKS_MAX {
        constant.extend_from_slice(part(sink_at(sink), sink_at(sink) + at::COMMIT_INDEX_AT));
    }
    constant.extend_from_slice(part(at::TEXTS_AT, at::BYTES));
    let mut crc = Crc32::new();
    crc.update(&constant);
    crc.finish()
}

/// Puts a sink's progress into the file of the running engine.
#[derive(Debug)]
pub struct SharedCommit {
    file: Arc<SharedFile>,
    at: usize,
    /// Lines that were dropped; they have numbers, too.
    skipped: Arc<AtomicU64>,
    /// What the sink's count was when the run's first line was written.
    base: u64,
}

impl SharedCommit {
    /// For a sink whose count is `base` when the first line of the run is written.
    #[must_use]
    pub fn with_base(self, base: u64) -> Self {
        SharedCommit { base, ..self }
    }

    /// Another handle of the same record, for the caller that counts dropped lines.
    #[must_use]
    pub fn again(&self) -> Self {
        SharedCommit {
            file: Arc::clone(&self.file),
            at: self.at,
            skipped: Arc::clone(&self.skipped),
            base: self.base,
        }
    }

    /// The sink has taken as many lines that are not this run's.
    pub fn pass_over(&mut self, lines: u64) {
        self.base = self.base.wrapping_add(lines);
    }

    /// The number of a line in the run, from the sink's count.
    pub fn number(&self, lines: u64) -> u64 {
        // ORDER: relaxed; one thread at a time publishes.
        lines.wrapping_sub(self.base).wrapping_add(self.skipped.load(Ordering::Relaxed))
    }

    /// Notes that as many lines were dropped, and follow the lines in place.
    pub fn skip(&self, lines: u64) {
        // ORDER: relaxed; one thread at a time publishes.
        self.skipped.fetch_add(lines, Ordering::Relaxed);
    }
}

impl Commit for SharedCommit {
    fn offer(&self, lines: u64) {
        self.file.publish(self.at + at::OFFERED_AT, self.number(lines));
    }

    fn publish(&self, lines: u64, place: Place) {
        let lines = self.number(lines);
        let turn = self.file.load(self.at + at::COMMIT_INDEX_AT) + 1;
        let slot = self.at + at::COMMITS_AT[(turn & 1) as usize];
        for (index, word) in commit_words(lines, place).into_iter().enumerate() {
            self.file.store(slot + index * 8, word);
        }
        self.file.publish(self.at + at::COMMIT_INDEX_AT, turn);
    }
}

/// The words of a commit record.
pub(super) fn commit_words(lines: u64, place: Place) -> [u64; SLOT_BYTES / 8] {
    let (device, inode) = place.file.map_or((0, 0), |file| (file.device, file.inode));
    [lines, device, inode, place.len_bytes]
}
