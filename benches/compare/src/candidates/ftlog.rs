//! ftlog: text lines from a worker thread.
//!
//! Configuration: `bounded(100_000, true)` (the default size; it waits when full, where the default discards), feature
//! `tsc` and UTC (recommended by its documentation for speed), its file appender without rotation, its default format.

use std::path::Path;

use ftlog::LoggerGuard;
use ftlog::appender::FileAppender;

use crate::candidate::{Candidate, Format, Kind, Output};

/// See the module.
pub struct Ftlog {
    guard: LoggerGuard,
    output: Output,
}

impl Candidate for Ftlog {
    const NAME: &'static str = "ftlog";
    const KIND: Kind = Kind::Rival;
    const FORMAT: Format = Format::Text;
    const CRATE: &'static str = "ftlog";

    fn start(dir: &Path) -> Result<Self, String> {
        let path = dir.join("ftlog.log");
        let guard = ftlog::builder()
            .max_log_level(ftlog::LevelFilter::Info)
            .bounded(100_000, true)
            .utc()
            .root(FileAppender::builder().path(&path).build())
            .try_init()
            .map_err(|e| e.to_string())?;
        Ok(Self { guard, output: Output { files: vec![path], format: Self::FORMAT } })
    }

    #[inline(always)]
    fn log(&mut self, seq: u64, price: f64, sym: &str, qty: i32) {
        log::info!(
            target: "exchange::gateway",
            "order filled seq={seq} price={price} sym={sym} qty={qty}"
        );
    }

    fn finish(self) -> Result<Output, String> {
        drop(self.guard);
        Ok(self.output)
    }
}
