//! flexi_logger: JSON format, two write modes.
//!
//! Configuration: `json_format` with key-values, one file without rotation. `flexi_async` passes formatted lines to its
//! output thread over an unbounded channel (`WriteMode::Async`), as its documentation recommends to avoid waiting.
//! `flexi_buffer` writes on the calling thread through a buffer (`WriteMode::BufferAndFlush`), as it recommends for
//! throughput. Other sizes are the defaults.

use std::path::{Path, PathBuf};

use flexi_logger::{FileSpec, Logger, LoggerHandle, WriteMode};

use crate::candidate::{Candidate, Format, Kind, Output};

fn start(dir: &Path, mode: WriteMode) -> Result<(LoggerHandle, PathBuf), String> {
    let path = dir.join("flexi.log");
    let file = FileSpec::try_from(&path).map_err(|e| e.to_string())?;
    let handle = Logger::try_with_str("info")
        .and_then(|logger| {
            logger
                .log_to_file(file)
                .format_for_files(flexi_logger::json_format)
                .write_mode(mode)
                .start()
        })
        .map_err(|e| e.to_string())?;
    Ok((handle, path))
}

/// See the module.
pub struct FlexiAsync {
    handle: LoggerHandle,
    path: PathBuf,
}

impl Candidate for FlexiAsync {
    const NAME: &'static str = "flexi_async";
    const KIND: Kind = Kind::Rival;
    const FORMAT: Format = Format::Json;
    const CRATE: &'static str = "flexi_logger";

    fn start(dir: &Path) -> Result<Self, String> {
        let (handle, path) = start(dir, WriteMode::Async)?;
        Ok(Self { handle, path })
    }

    #[inline(always)]
    fn log(&mut self, seq: u64, price: f64, sym: &str, qty: i32) {
        log::info!(target: "exchange::gateway", seq, price, sym, qty; "order filled");
    }

    fn finish(self) -> Result<Output, String> {
        self.handle.shutdown();
        Ok(Output { files: vec![self.path], format: Self::FORMAT })
    }
}

/// See the module.
pub struct FlexiBuffer {
    handle: LoggerHandle,
    path: PathBuf,
}

impl Candidate for FlexiBuffer {
    const NAME: &'static str = "flexi_buffer";
    const KIND: Kind = Kind::Rival;
    const FORMAT: Format = Format::Json;
    const CRATE: &'static str = "flexi_logger";

    fn start(dir: &Path) -> Result<Self, String> {
        let (handle, path) = start(dir, WriteMode::BufferAndFlush)?;
        Ok(Self { handle, path })
    }

    #[inline(always)]
    fn log(&mut self, seq: u64, price: f64, sym: &str, qty: i32) {
        log::info!(target: "exchange::gateway", seq, price, sym, qty; "order filled");
    }

    fn finish(self) -> Result<Output, String> {
        self.handle.shutdown();
        Ok(Output { files: vec![self.path], format: Self::FORMAT })
    }
}
