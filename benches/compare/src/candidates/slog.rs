//! slog + slog-async + slog-json.
//!
//! Configuration: `OverflowStrategy::Block` (the default loses records when full), a channel of 128,000 records (with
//! the default of 128 the producer waits constantly), slog-json with its default keys on a `BufWriter`, and the guard
//! that the documentation recommends for flushing at exit. slog-json does not print slog's tag, so the target is a
//! value of the root logger.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use slog::{Drain, Logger, o};
use slog_async::{Async, AsyncGuard, OverflowStrategy};

use crate::candidate::{Candidate, Format, Kind, Output};

/// See the module.
pub struct Slog {
    log: Logger,
    guard: AsyncGuard,
    output: Output,
}

impl Candidate for Slog {
    const NAME: &'static str = "slog";
    const KIND: Kind = Kind::Rival;
    const FORMAT: Format = Format::Json;
    const CRATE: &'static str = "slog-async";

    fn start(dir: &Path) -> Result<Self, String> {
        let path = dir.join("slog.log");
        let file = File::create(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let json = slog_json::Json::new(BufWriter::new(file)).add_default_keys().build();
        let (drain, guard) = Async::new(json.fuse())
            .chan_size(128_000)
            .overflow_strategy(OverflowStrategy::Block)
            .build_with_guard();
        let log = Logger::root(drain.fuse(), o!("target" => "exchange::gateway"));
        Ok(Self { log, guard, output: Output { files: vec![path], format: Self::FORMAT } })
    }

    #[inline(always)]
    fn log(&mut self, seq: u64, price: f64, sym: &str, qty: i32) {
        slog::info!(
            self.log, "order filled";
            "seq" => seq, "price" => price, "sym" => sym, "qty" => qty
        );
    }

    fn finish(self) -> Result<Output, String> {
        drop(self.log);
        drop(self.guard);
        Ok(self.output)
    }
}
