//! spdlog-rs: text lines through its asynchronous pool sink.
//!
//! Configuration: `AsyncPoolSink` (overflow blocks by default, queue of 8,192, one thread) around `FileSink`, default
//! format, no flush per event (its example flushes every line; its benchmark does not).

use std::path::Path;
use std::sync::Arc;

use spdlog::Logger;
use spdlog::sink::{AsyncPoolSink, FileSink};

use crate::candidate::{Candidate, Format, Kind, Output};

/// See the module.
pub struct Spdlog {
    log: Arc<Logger>,
    output: Output,
}

impl Candidate for Spdlog {
    const NAME: &'static str = "spdlog-rs";
    const KIND: Kind = Kind::Rival;
    const FORMAT: Format = Format::Text;
    const CRATE: &'static str = "spdlog-rs";

    fn start(dir: &Path) -> Result<Self, String> {
        let path = dir.join("spdlog.log");
        let file = FileSink::builder().path(&path).build_arc().map_err(|e| e.to_string())?;
        let sink = AsyncPoolSink::builder().sink(file).build_arc().map_err(|e| e.to_string())?;
        let log = Logger::builder()
            .name("exchange::gateway")
            .sink(sink)
            .build_arc()
            .map_err(|e| e.to_string())?;
        Ok(Self { log, output: Output { files: vec![path], format: Self::FORMAT } })
    }

    #[inline(always)]
    fn log(&mut self, seq: u64, price: f64, sym: &str, qty: i32) {
        spdlog::info!(
            logger: self.log,
            "order filled seq={} price={} sym={} qty={}", seq, price, sym, qty
        );
    }

    fn finish(self) -> Result<Output, String> {
        self.log.flush();
        Ok(self.output)
    }
}
