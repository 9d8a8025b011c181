//! tracing + tracing-subscriber's JSON layer + tracing-appender's worker thread.
//!
//! Configuration: the documented pair for files, `rolling::never` through `non_blocking`, with `lossy(false)` (the
//! default loses lines when full) and the default of 128,000 buffered lines. The JSON layer has no span fields (there
//! are no spans) and flattens the event's fields, its cheapest configuration. Otherwise the defaults of `fmt().json()`.

use std::path::Path;

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};

use crate::candidate::{Candidate, Format, Kind, Output};

/// See the module.
pub struct Tracing {
    guard: WorkerGuard,
    output: Output,
}

impl Candidate for Tracing {
    const NAME: &'static str = "tracing";
    const KIND: Kind = Kind::Rival;
    const FORMAT: Format = Format::Json;
    const CRATE: &'static str = "tracing-subscriber";

    fn start(dir: &Path) -> Result<Self, String> {
        let appender = tracing_appender::rolling::never(dir, "tracing.log");
        let (writer, guard) = NonBlockingBuilder::default().lossy(false).finish(appender);
        tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .with_writer(writer)
            .try_init()
            .map_err(|e| e.to_string())?;
        let output = Output { files: vec![dir.join("tracing.log")], format: Self::FORMAT };
        Ok(Self { guard, output })
    }

    #[inline(always)]
    fn log(&mut self, seq: u64, price: f64, sym: &str, qty: i32) {
        tracing::info!(target: "exchange::gateway", seq, price, sym, qty, "order filled");
    }

    fn finish(self) -> Result<Output, String> {
        drop(self.guard);
        Ok(self.output)
    }
}
