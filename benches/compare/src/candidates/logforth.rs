//! logforth: JSON layout, file appender, through its asynchronous appender.
//!
//! Configuration: `Async` around `File` with `JsonLayout`, overflow blocks (the default), 128,000 buffered lines (the
//! default is unbounded and grows by gigabytes under this load). No rotation. Events come through its bridge from the
//! `log` crate, as in its documentation.

use std::path::Path;
use std::sync::Arc;

use logforth::append::asynchronous::AsyncBuilder;
use logforth::append::file::FileBuilder;
use logforth::bridge::log::LogBridge;
use logforth::layout::JsonLayout;

use crate::candidate::{Candidate, Format, Kind, Output};

/// See the module.
pub struct Logforth {
    output: Output,
}

impl Candidate for Logforth {
    const NAME: &'static str = "logforth";
    const KIND: Kind = Kind::Rival;
    const FORMAT: Format = Format::Json;
    const CRATE: &'static str = "logforth";

    fn start(dir: &Path) -> Result<Self, String> {
        let file = FileBuilder::new(dir, "logforth")
            .filename_suffix("log")
            .layout(JsonLayout::default())
            .build()
            .map_err(|e| e.to_string())?;
        let writer = AsyncBuilder::new("logforth")
            .buffered_lines_limit(Some(128_000))
            .overflow_block()
            .append(file)
            .build();
        let logger = logforth::core::builder().dispatch(|d| d.append(writer)).build();
        log::set_boxed_logger(Box::new(LogBridge::new(Arc::new(logger))))
            .map_err(|e| e.to_string())?;
        log::set_max_level(log::LevelFilter::Info);
        let files = super::files_in(dir)?;
        Ok(Self { output: Output { files, format: Self::FORMAT } })
    }

    #[inline(always)]
    fn log(&mut self, seq: u64, price: f64, sym: &str, qty: i32) {
        log::info!(target: "exchange::gateway", seq, price, sym, qty; "order filled");
    }

    fn finish(self) -> Result<Output, String> {
        log::logger().flush();
        Ok(self.output)
    }
}
