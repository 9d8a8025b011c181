//! The file `engine` as another process finds it.
//!
//! Promises: reading is total: any bytes give the run's facts or a typed error, and nothing here depends on a number
//! from the file without a check.
use std::fmt;

use super::engine_file::{RunFacts, SinkFacts, State, crc_of, sink_at};
use super::layout::{self, engine as at};
use super::oom::OomKills;
use crate::core::level::Level;
use crate::core::record::RECORD_FORMAT;
use crate::metrics::LevelCounts;
use crate::sink::commit::Place;
use crate::sink::file::Committed;
use ringseal_base::clock::{Calibration, Now};
use ringseal_base::storage::FileId;

/// Why a directory is not a home that this version can recover.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HomeError {
    /// The file is missing or is something else.
    NotAHome,
    /// A newer version made it.
    Newer {
        /// The version.
        version: u64,
    },
    /// Records of another format.
    RecordFormat {
        /// The format.
        found: u64,
    },
    /// The constant part is damaged.
    Damaged {
        /// What was expected.
        what: &'static str,
    },
}

impl fmt::Display for HomeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HomeError::NotAHome => write!(f, "expected the home of a run, found something else"),
            HomeError::Newer { version } => write!(
                f,
                "expected a home of version {} or less, found {version}: recover it with the version that made it",
                layout::VERSION
            ),
            HomeError::RecordFormat { found } => write!(
                f,
                "expected records of format {RECORD_FORMAT}, found {found}: recover them with the version that made them"
            ),
            HomeError::Damaged { what } => {
                write!(f, "expected {what} in the home's description, found other bytes")
            }
        }
    }
}

impl std::error::Error for HomeError {}

/// A sink and how far it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkImage {
    /// Its description.
    pub facts: SinkFacts,
    /// The newest commit record.
    pub committed: Committed,
    /// Lines up to this number may be in place.
    pub offered: u64,
    /// The number of the first line in its stage.
    pub stage_first: u64,
    /// Lines of the stage, from its first, that may be in place already.
    pub staged_unsure: u64,
    /// Bytes of its complete stage.
    pub stage_bytes: u64,
    /// The numbers of the first lines in its spools.
    pub spool_firsts: [u64; 2],
}

/// A run that is no longer alive, or whose file was read while it was.
#[derive(Debug, Clone)]
pub struct EngineImage {
    /// The run.
    pub run: RunFacts,
    /// What it was doing; `None` for a number that is none of the states.
    pub state: Option<State>,
    /// How often recovery has begun.
    pub attempts: u64,
    /// How often it has failed.
    pub failures: u64,
    /// How its ticks are converted to wall time.
    pub calibration: Calibration,
    /// Its sinks.
    pub sinks: Vec<SinkImage>,
    /// Events that were lost without a lane, and those of them that were reported.
    pub unplaced: (LevelCounts, LevelCounts),
    /// Audit events on disk in the log, and the log's next number then.
    pub audit: (u64, u64),
    /// The numbers of the first events in the spools of the audit journal.
    pub journal_firsts: [u64; 2],
    /// Processes of its memory group that the kernel had ended when it began.
    pub oom_kills: OomKills,
    /// How many rings it has made.
    pub rings: u64,
    /// How many of its lanes have no ring in a file.
    pub unbacked: u64,
}

/// The word at a place; 0 beyond the end.
pub(super) fn word(bytes: &[u8], at: usize) -> u64 {
    let chunk = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>());
    chunk.map_or(0, |chunk| u64::from_le_bytes(*chunk))
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(|rest| rest.first_chunk::<N>()).copied().unwrap_or([0; N])
}

/// Six counts.
fn levels(bytes: &[u8], at: usize) -> LevelCounts {
    LevelCounts(std::array::from_fn(|level| word(bytes, at + level * 8)))
}

/// Events that are counted, at most: sums of damaged counts do not overflow.
const COUNT_MAX: u64 = 1 << 48;

/// Six counts of lost events, and of those of them that were reported, which are not more.
pub(super) fn losses(bytes: &[u8], lost_at: usize, told_at: usize) -> (LevelCounts, LevelCounts) {
    let (lost, told) = (levels(bytes, lost_at), levels(bytes, told_at));
    let lost = LevelCounts(lost.0.map(|count| count.min(COUNT_MAX)));
    let told = LevelCounts(Level::ALL.map(|level| told.of(level).min(lost.of(level))));
    (lost, told)
}

impl EngineImage {
    /// Reads the file.
    pub fn read(bytes: &[u8]) -> Result<EngineImage, HomeError> {
        if bytes.get(..16) != Some(&layout::engine_magic()) {
            return Err(HomeError::NotAHome);
        }
        let version = word(bytes, at::VERSION_AT);
        if version > layout::VERSION {
            return Err(HomeError::Newer { version });
        }
        if version != layout::VERSION
            || bytes.len() != at::BYTES
            || word(bytes, at::BYTES_AT) != at::BYTES as u64
        {
            return Err(HomeError::Damaged { what: "65,536 bytes of version 1" });
        }
        if word(bytes, at::CRC_AT) != u64::from(crc_of(bytes)) {
            return Err(HomeError::Damaged { what: "the checksum of the bytes" });
        }
        let found = word(bytes, at::RECORD_FORMAT_AT);
        if found != u64::from(RECORD_FORMAT) {
            return Err(HomeError::RecordFormat { found });
        }
        let sinks =
            usize::try_from(word(bytes, at::SINKS_AT)).unwrap_or(usize::MAX).min(at::SINKS_MAX);
        Ok(EngineImage {
            run: run_of(bytes),
            state: State::of(word(bytes, at::STATE_AT)),
            attempts: word(bytes, at::ATTEMPTS_AT),
            failures: word(bytes, at::FAILURES_AT),
            calibration: calibration_of(bytes),
            sinks: (0..sinks).map(|sink| sink_of(bytes, sink_at(sink))).collect(),
            unplaced: losses(bytes, at::UNPLACED_AT, at::UNPLACED_AT + 64),
            audit: audit_of(bytes, sink_at(at::SINKS_MAX)),
            journal_firsts: at::SPOOL_FIRST_AT
                .map(|first| word(bytes, sink_at(at::SINKS_MAX) + first)),
            oom_kills: OomKills {
                group: word(bytes, at::OOM_AT[0]),
                count: word(bytes, at::OOM_AT[1]),
            },
            rings: word(bytes, at::RINGS_AT),
            unbacked: word(bytes, at::UNBACKED_AT),
        })
    }
}

fn run_of(bytes: &[u8]) -> RunFacts {
    let mut rest = bytes.get(at::TEXTS_AT..).unwrap_or_default();
    let mut text = || {
        let len = usize::try_from(word(rest, 0)).unwrap_or(usize::MAX);
        let text = rest.get(8..).and_then(|text| text.get(..len)).unwrap_or_default();
        rest = rest.get(8 + text.len().next_multiple_of(8)..).unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    };
    RunFacts {
        run_id: text(),
        program: text(),
        audit: text(),
        pid: word(bytes, at::PID_AT) as u32,
        boot: array(bytes, at::BOOT_AT),
        started_unix_nanos: word(bytes, at::STARTED_AT) as i64,
    }
}

fn calibration_of(bytes: &[u8]) -> Calibration {
    let place = at::CLOCKS_AT[(word(bytes, at::CLOCK_INDEX_AT) & 1) as usize];
    let rate = f64::from_bits(word(bytes, place + 16));
    let now = Now { ticks: word(bytes, place), unix_nanos: word(bytes, place + 8) as i64 };
    // A run that was killed before it had a clock: its events get the time of its start.
    if !rate.is_finite() || rate <= 0.0 || rate > 1e9 {
        let unix_nanos = word(bytes, at::STARTED_AT) as i64;
        return Calibration::new(Now { ticks: 0, unix_nanos }, 0.0);
    }
    Calibration::new(now, rate)
}

fn audit_of(bytes: &[u8], place: usize) -> (u64, u64) {
    let slot = place + at::COMMITS_AT[(word(bytes, place + at::COMMIT_INDEX_AT) & 1) as usize];
    (word(bytes, slot), word(bytes, slot + 8))
}

fn sink_of(bytes: &[u8], place: usize) -> SinkImage {
    let name_len = (word(bytes, place + at::NAME_AT) as usize).min(at::NAME_BYTES_MAX);
    let name_at = place + at::NAME_AT + 8;
    let name = bytes.get(name_at..name_at + name_len).unwrap_or_default();
    let has_log_id = word(bytes, place + at::HAS_LOG_ID_AT) != 0;
    let slot = place + at::COMMITS_AT[(word(bytes, place + at::COMMIT_INDEX_AT) & 1) as usize];
    let (device, inode) = (word(bytes, slot + 8), word(bytes, slot + 16));
    let file = (inode != 0).then_some(FileId { device, inode });
    SinkImage {
        facts: SinkFacts {
            name: String::from_utf8_lossy(name).into_owned(),
            log_id: has_log_id.then(|| array(bytes, place + at::LOG_ID_AT)),
            output: (word(bytes, place + at::OUTPUT_AT) as usize).min(at::SINKS_MAX),
        },
        committed: Committed {
            lines: word(bytes, slot),
            place: Place { file, len_bytes: word(bytes, slot + 24) },
        },
        offered: word(bytes, place + at::OFFERED_AT),
        stage_first: word(bytes, place + at::STAGE_FIRST_AT),
        staged_unsure: word(bytes, place + at::STAGED_UNSURE_AT),
        stage_bytes: word(bytes, place + at::STAGE_BYTES_AT),
        spool_firsts: at::SPOOL_FIRST_AT.map(|first| word(bytes, place + first)),
    }
}

/// The sum over all levels, of what was lost and not reported.
pub fn untold(lost: LevelCounts, told: LevelCounts) -> LevelCounts {
    LevelCounts(Level::ALL.map(|level| lost.of(level).saturating_sub(told.of(level))))
}
