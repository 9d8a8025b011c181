//! ringseal itself.
//!
//! Configuration: the defaults, redaction included, with one file that is never rotated, a ring of the floors' size,
//! and a long wait for a full ring (no logger here may be configured to lose events). `ringseal` reads the exact clock;
//! `ringseal_unredacted` is the same without redaction, and `ringseal_unredacted_boot_id` writes `run_id` only once;
//! `ringseal_coarse` uses the writer's published time; `ringseal_mmap` writes through a mapping. `ringseal_logger` and
//! `ringseal_bound` log through a `Logger` without fields and with five, so that their difference is the cost of bound
//! fields. `ringseal_disabled` is a call below the
//! level. The sweep changes sizes with `tune`.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use ringseal::sink::file::{FileConfig, RotateEvery, WriteMode};
use ringseal::{Config, Engine, Level, Logger, Overflow, RunId, Timestamps, WaitStrategy, fields};

use crate::candidate::{Candidate, Format, Kind, Output};

/// Longer than any run: no event may be lost because 64 producers share a core.
const PATIENCE: Duration = Duration::from_secs(60);
const FILE: &str = "app.log";

/// Sizes that the sweep changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// Bytes of each ring.
    pub ring_bytes: usize,
    /// Bytes of a batch.
    pub batch_bytes: usize,
}

static TUNING: OnceLock<Tuning> = OnceLock::new();

/// Sets the sizes for every engine that this process starts later; the first call wins. This is a static because
/// candidates are started without settings and each process makes one measurement.
pub fn tune(tuning: Tuning) {
    TUNING.get_or_init(|| tuning);
}

/// The configuration of all of them, writing under `dir`.
pub fn config(dir: &Path, mode: WriteMode) -> Result<Config, String> {
    let file = FileConfig::new(dir.join(FILE))
        .write_mode(mode)
        .rotate_bytes_max(0)
        .rotate_every(RotateEvery::Never);
    let quiet = "info,boot=off".parse().map_err(|e: ringseal::ParseFilterError| e.to_string())?;
    let config = Config::new()
        .filter(quiet)
        .output(ringseal::Output::file(file))
        .overflow([Overflow::Wait(PATIENCE); Level::COUNT]);
    Ok(match TUNING.get() {
        Some(tuning) => config.ring_bytes(tuning.ring_bytes).batch_bytes_max(tuning.batch_bytes),
        None => config,
    })
}

/// The shortest and longest sleep of the writer, by default.
pub fn writer_pauses() -> (Duration, Duration) {
    match WaitStrategy::default() {
        WaitStrategy::Sleep { min, max } => (min, max),
        _ => (Duration::ZERO, Duration::ZERO),
    }
}

/// The files that `config` writes.
pub fn output(dir: &Path) -> Output {
    Output { files: vec![dir.join(FILE)], format: Format::Json }
}

/// Logs an event with the global engine.
#[inline(always)]
pub fn log_globally(seq: u64, price: f64, sym: &str, qty: i32) {
    ringseal::info!(target: "exchange::gateway", "order filled", seq, price, sym, qty);
}

fn start(config: Config) -> Result<Engine, String> {
    ringseal::init(config).map_err(|e| e.to_string())
}

/// Waits until everything is with the kernel, and keeps the engine until the process ends. Stopping it would also wait
/// for the disk, which is not required of the other candidates.
pub fn finish(engine: Engine, output: Output) -> Result<Output, String> {
    engine.flush().map_err(|e| e.to_string())?;
    std::mem::forget(engine);
    Ok(output)
}

/// With the global engine; see the module.
pub struct Ringseal<const COARSE: bool, const MMAP: bool> {
    engine: Engine,
    output: Output,
}

impl<const COARSE: bool, const MMAP: bool> Candidate for Ringseal<COARSE, MMAP> {
    const NAME: &'static str = match (COARSE, MMAP) {
        (false, false) => "ringseal",
        (true, false) => "ringseal_coarse",
        (false, true) => "ringseal_mmap",
        (true, true) => "ringseal_coarse_mmap",
    };
    const KIND: Kind = if MMAP { Kind::Variant } else { Kind::Own };
    const FORMAT: Format = Format::Json;
    const CRATE: &'static str = "ringseal";

    fn start(dir: &Path) -> Result<Self, String> {
        let mode = if MMAP { WriteMode::Mmap } else { WriteMode::Append };
        let timestamps = if COARSE { Timestamps::Coarse } else { Timestamps::Exact };
        let engine = start(config(dir, mode)?.timestamps(timestamps))?;
        Ok(Self { engine, output: output(dir) })
    }

    #[inline(always)]
    fn log(&mut self, seq: u64, price: f64, sym: &str, qty: i32) {
        log_globally(seq, price, sym, qty);
    }

    fn finish(self) -> Result<Output, String> {
        finish(self.engine, self.output)
    }
}

/// With the global engine, without redaction; with `run_id` and `schema_version` in every line, or only in the event
/// with which the log begins.
pub struct Unredacted<const RUN_ID: bool>(Ringseal<false, false>);

impl<const RUN_ID: bool> Candidate for Unredacted<RUN_ID> {
    const NAME: &'static str =
        if RUN_ID { "ringseal_unredacted" } else { "ringseal_unredacted_boot_id" };
    const KIND: Kind = Kind::Variant;
    const FORMAT: Format = Format::Json;
    const CRATE: &'static str = "ringseal";

    fn start(dir: &Path) -> Result<Self, String> {
        let lines = if RUN_ID { RunId::EveryLine } else { RunId::BootEvent };
        let engine = start(config(dir, WriteMode::Append)?.no_redaction().run_id(lines))?;
        Ok(Self(Ringseal { engine, output: output(dir) }))
    }

    #[inline(always)]
    fn log(&mut self, seq: u64, price: f64, sym: &str, qty: i32) {
        log_globally(seq, price, sym, qty);
    }

    fn finish(self) -> Result<Output, String> {
        self.0.finish()
    }
}

/// With an explicit logger, which has five bound fields or none.
pub struct Explicit<const BOUND: bool> {
    engine: Engine,
    logger: Logger,
    output: Output,
}

impl<const BOUND: bool> Candidate for Explicit<BOUND> {
    const NAME: &'static str = if BOUND { "ringseal_bound" } else { "ringseal_logger" };
    const KIND: Kind = Kind::Variant;
    const FORMAT: Format = Format::Json;
    const CRATE: &'static str = "ringseal";

    fn start(dir: &Path) -> Result<Self, String> {
        let engine = start(config(dir, WriteMode::Append)?)?;
        let mut logger = engine.logger();
        if BOUND {
            logger = logger.bind(fields! {
                trace_id = "4bf92f3577b34da6a3ce929d0e0e4736",
                session.id = 7_301_u64,
                venue = "XKUW",
                desk = "equities",
                shard = 12,
            });
        }
        Ok(Self { engine, logger, output: output(dir) })
    }

    #[inline(always)]
    fn log(&mut self, seq: u64, price: f64, sym: &str, qty: i32) {
        let log = &self.logger;
        ringseal::info!(target: "exchange::gateway", log, "order filled", seq, price, sym, qty);
    }

    fn finish(self) -> Result<Output, String> {
        finish(self.engine, self.output)
    }
}

/// A call below the level: the cost of its presence in the code.
pub struct Disabled {
    engine: Engine,
}

impl Candidate for Disabled {
    const NAME: &'static str = "ringseal_disabled";
    const KIND: Kind = Kind::Variant;
    const FORMAT: Format = Format::Nothing;
    const CRATE: &'static str = "ringseal";

    fn start(dir: &Path) -> Result<Self, String> {
        Ok(Self { engine: start(config(dir, WriteMode::Append)?)? })
    }

    #[inline(always)]
    fn log(&mut self, seq: u64, price: f64, sym: &str, qty: i32) {
        ringseal::debug!(target: "exchange::gateway", "order filled", seq, price, sym, qty);
    }

    fn finish(self) -> Result<Output, String> {
        finish(self.engine, Output { files: Vec::new(), format: Format::Nothing })
    }
}
