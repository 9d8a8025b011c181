//! The files of a home, and where their words are.
//!
//! A home is the directory of one run: what the run's next start needs to write what the run had not written when it
//! was killed. All numbers are little-endian words of 64 bits unless stated otherwise. The places of version
//! [`VERSION`] never change; a new version gets new names.
//!
//! | file | what |
//! |---|---|
//! | `lock` | held while the run is alive, or while its home is recovered |
//! | `engine` | the run, its clock, its sinks and how far each sink is ([`super::engine_file`]) |
//! | `ring-N` | the ring of lane N ([`crate::ringbuf`]) |
//! | `lane-N-G` | losses and contexts of lane N, generation G ([`super::lane_file`]) |
//! | `lines-O` | the lines of output O since ring space was last given back ([`super::line_file`]) |
//! | `sites-K` | the call sites ([`super::sites`]) |
//! | `spool-S-H` | lines that sink S was given and does not have in place yet ([`super::spool`]) |
//! | `stage-S` | the lines that recovery will write to sink S |

/// The version of the layouts here.
pub const VERSION: u64 = 1;

/// The first bytes of the file `engine`, each with all bits inverted, so that the program itself does not contain them.
const ENGINE_MAGIC_INVERTED: [u8; 16] =
    *b"\x8d\x96\x91\x98\x8c\x9a\x9e\x93\xd2\x97\x90\x92\x9a\xff\xff\xfe";

/// The first bytes of the file `engine`.
pub fn engine_magic() -> [u8; 16] {
    // The compiler must not compute it ahead of time.
    std::hint::black_box(ENGINE_MAGIC_INVERTED).map(|byte| !byte)
}

/// The name of the lock file.
pub const LOCK: &str = "lock";
/// The name of the file `engine`.
pub const ENGINE: &str = "engine";

/// Its name while it is made.
pub const ENGINE_PARTIAL: &str = "engine.partial";

/// The name of a lane's ring.
pub fn ring_name(lane: u64) -> String {
    format!("ring-{lane}")
}

/// The name of a lane's file of this generation.
pub fn lane_name(lane: u64, generation: u64) -> String {
    format!("lane-{lane}-{generation}")
}

/// The name of the table of an output's lines.
pub fn lines_name(output: usize) -> String {
    format!("lines-{output}")
}

/// The name of one of the two spools of a sink.
pub fn spool_name(sink: usize, half: usize) -> String {
    format!("spool-{sink}-{half}")
}

/// The name of the file with the lines that recovery writes to a sink.
pub fn stage_name(sink: usize) -> String {
    format!("stage-{sink}")
}

/// The file `engine`.
pub mod engine {
    /// Bytes of the file.
    pub const BYTES: usize = 65_536;
    /// [`super::VERSION`].
    pub const VERSION_AT: usize = 16;
    /// Bytes of this layout, so that a reader finds out about a cut file.
    pub const BYTES_AT: usize = 24;
    /// What the run does; see [`State`](crate::recover::State).
    pub const STATE_AT: usize = 32;
    /// How often recovery has begun.
    pub const ATTEMPTS_AT: usize = 40;
    /// The process, for people.
    pub const PID_AT: usize = 48;
    /// The format of records.
    pub const RECORD_FORMAT_AT: usize = 56;
    /// The boot of the machine, 16 bytes.
    pub const BOOT_AT: usize = 64;
    /// When the run began, in nanoseconds since 1970.
    pub const STARTED_AT: usize = 80;
    /// How many sinks there are.
    pub const SINKS_AT: usize = 88;
    /// Where the texts are, and their length.
    pub const FACTS_AT: usize = 96;
    /// CRC-32 of the constant words and the texts.
    pub const CRC_AT: usize = 104;
    /// Which of the two clocks is the newest: its number in the lowest bit.
    pub const CLOCK_INDEX_AT: usize = 256;
    /// Two clocks: ticks, wall time in nanoseconds, nanoseconds per tick as the bits of a double, the time of writing.
    pub const CLOCKS_AT: [usize; 2] = [320, 384];
    /// Events that were lost without a lane, by level, then those that were reported.
    pub const UNPLACED_AT: usize = 512;
    /// How many rings were made.
    pub const RINGS_AT: usize = 640;
    /// How many lanes have a ring in memory that does not survive.
    pub const UNBACKED_AT: usize = 648;
    /// The memory group of the run, and how many of its processes the kernel had ended when the run began.
    pub const OOM_AT: [usize; 2] = [664, 672];
    /// How often recovery has failed.
    pub const FAILURES_AT: usize = 656;
    /// The sinks.
    pub const SINK_TABLE_AT: usize = 4096;
    /// Bytes of a sink.
    pub const SINK_BYTES: usize = 512;
    /// Sinks, at most. The audit journal is described in the place after them: its commit records have the number of
    /// events on disk, and the log's next number.
    pub const SINKS_MAX: usize = 48;
    /// The texts: length and bytes of each.
    pub const TEXTS_AT: usize = 32_768;

    /// Within a sink: the length of its name, then the name.
    pub const NAME_AT: usize = 0;
    /// Bytes of a name, at most.
    pub const NAME_BYTES_MAX: usize = 200;
    /// Whether the log has an id.
    pub const HAS_LOG_ID_AT: usize = 216;
    /// The id of the log, 16 bytes.
    pub const LOG_ID_AT: usize = 224;
    /// The number of its output.
    pub const OUTPUT_AT: usize = 240;
    /// Which of the two commit records is the newest: its number in the lowest bit.
    pub const COMMIT_INDEX_AT: usize = 256;
    /// Two commit records: lines in place, device, inode, length.
    pub const COMMITS_AT: [usize; 2] = [264, 296];
    /// For streams: lines up to this number may be in place, because a call has begun.
    pub const OFFERED_AT: usize = 328;
    /// While recovery writes: the number of the first line in the stage.
    pub const STAGE_FIRST_AT: usize = 336;
    /// Whether the lines before [`STAGED_UNSURE_AT`] of the stage may be in place already.
    pub const STAGED_UNSURE_AT: usize = 344;
    /// Bytes of the stage once it is complete.
    pub const STAGE_BYTES_AT: usize = 352;
    /// The numbers of the first lines in the two spools.
    pub const SPOOL_FIRST_AT: [usize; 2] = [360, 368];
}

/// The table of an output's lines.
pub mod lines {
    /// Lines that each half holds.
    pub const LINES_MAX_AT: usize = 0;
    /// The number of the first line of each half.
    pub const FIRST_AT: [usize; 2] = [8, 16];
    /// The half that is written to.
    pub const HALF_AT: usize = 24;
    /// The entries of the first half; those of the second one follow.
    pub const ENTRIES_AT: usize = 64;
    /// Bytes of an entry: the end of the record, then length, lane and level.
    pub const ENTRY_BYTES: usize = 16;
}

/// A lane's file.
pub mod lane {
    /// Lost events by level.
    pub const LOST_AT: usize = 0;
    /// Lost events by level, as far as they were reported.
    pub const TOLD_AT: usize = 64;
    /// The lane's number in tables of lines.
    pub const NUMBER_AT: usize = 128;
    /// Bytes of each of the two areas.
    pub const AREA_BYTES_AT: usize = 136;
    /// The area that counts.
    pub const AREA_AT: usize = 144;
    /// Bytes used of each area.
    pub const USED_AT: [usize; 2] = [152, 160];
    /// The areas: end of a record in the ring, its length, and the record, padded to words.
    pub const AREAS_AT: usize = 512;
}

/// Bytes of a commit record, and of a clock.
pub const SLOT_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    #[test]
    fn the_magic_is_readable_in_files_alone() {
        assert_eq!(&super::engine_magic()[..13], b"ringseal-home");
    }
}
