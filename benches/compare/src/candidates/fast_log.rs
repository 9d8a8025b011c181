//! fast_log: text lines from a worker thread.
//!
//! Configuration: a bounded channel of 100,000 as in its examples (the default is unbounded), its file appender, its
//! default format. Its JSON format has no key-values and escapes only quotes, so the text format is measured.

use std::path::Path;

use fast_log::Config;
use log::LevelFilter;

use crate::candidate::{Candidate, Format, Kind, Output};

/// See the module.
pub struct FastLog {
    output: Output,
}

impl Candidate for FastLog {
    const NAME: &'static str = "fast_log";
    const KIND: Kind = Kind::Rival;
    const FORMAT: Format = Format::Text;
    const CRATE: &'static str = "fast_log";

    fn start(dir: &Path) -> Result<Self, String> {
        let path = dir.join("fast_log.log");
        let config = Config::new()
            .level(LevelFilter::Info)
            .chan_len(Some(100_000))
            .file(&path.to_string_lossy());
        fast_log::init(config).map_err(|e| e.to_string())?;
        Ok(Self { output: Output { files: vec![path], format: Self::FORMAT } })
    }

    #[inline(always)]
    fn log(&mut self, seq: u64, price: f64, sym: &str, qty: i32) {
        log::info!(
            target: "exchange::gateway",
            "order filled seq={seq} price={price} sym={sym} qty={qty}"
        );
    }

    fn finish(self) -> Result<Output, String> {
        fast_log::flush().map_err(|e| e.to_string())?.wait();
        Ok(self.output)
    }
}
