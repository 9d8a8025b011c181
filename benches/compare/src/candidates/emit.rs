//! emit + emit_file: JSON lines from a worker thread.
//!
//! Configuration: `emit_file::set(..).spawn()`, the default JSON writer, flushed at the end. Its channel holds 10,000
//! events and discards them when it overflows; no setting makes it wait. It therefore loses events in flat-out runs,
//! and the table reports this. It also syncs every batch to the disk, unlike all other candidates.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::candidate::{Candidate, Format, Kind, Output};

/// Long enough to write a full channel.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(60);

/// See the module.
pub struct Emit {
    flush: Box<dyn Fn() -> bool>,
    dir: PathBuf,
}

impl Candidate for Emit {
    const NAME: &'static str = "emit_file";
    const KIND: Kind = Kind::Rival;
    const FORMAT: Format = Format::Json;
    const CRATE: &'static str = "emit_file";

    fn start(dir: &Path) -> Result<Self, String> {
        let set = emit_file::set(dir.join("emit.log")).spawn();
        let init = emit::setup().emit_to(set).init();
        let flush = Box::new(move || init.blocking_flush(FLUSH_TIMEOUT));
        Ok(Self { flush, dir: dir.to_owned() })
    }

    #[inline(always)]
    fn log(&mut self, seq: u64, price: f64, sym: &str, qty: i32) {
        emit::info!(mdl: emit::path!("exchange::gateway"), "order filled", seq, price, sym, qty);
    }

    fn finish(self) -> Result<Output, String> {
        if !(self.flush)() {
            return Err("blocking_flush timed out".to_owned());
        }
        Ok(Output { files: super::files_in(&self.dir)?, format: Self::FORMAT })
    }
}
