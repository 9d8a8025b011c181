//! ferrilog (a name for zerolog-rs): deferred formatting, a ring per thread, text lines.
//!
//! Configuration: its builder's defaults (2 MiB rings, poller every millisecond, default header) and
//! `QueueFullPolicy::Block`, because the default loses events when the ring is full. Measured with its default flush
//! buffer of 8 KiB, and as `ferrilog_1mib` with a buffer of 1 MiB, the size of the floors' chunks. The larger buffer
//! costs it far less processor time. The poller runs on core 1 like every other candidate's thread. Needs unstable
//! features: see `.cargo/config.toml`.

use std::path::Path;

use zerolog::{Level, QueueFullPolicy, ZeroLogGuard};

use crate::candidate::{Candidate, Format, Kind, Output};

/// The default of its builder.
pub const FLUSH_DEFAULT: u32 = 8 << 10;
/// The number of bytes that the floors pass to the kernel at once.
pub const FLUSH_1MIB: u32 = 1 << 20;

/// See the module.
pub struct Ferrilog<const FLUSH_BYTES: u32> {
    guard: ZeroLogGuard,
    output: Output,
}

impl<const FLUSH_BYTES: u32> Candidate for Ferrilog<FLUSH_BYTES> {
    const NAME: &'static str =
        if FLUSH_BYTES == FLUSH_DEFAULT { "ferrilog" } else { "ferrilog_1mib" };
    const KIND: Kind = Kind::Rival;
    const FORMAT: Format = Format::Text;
    const CRATE: &'static str = "zerolog-rs";

    fn start(dir: &Path) -> Result<Self, String> {
        let path = dir.join("ferrilog.log");
        let guard = zerolog::builder()
            .level(Level::INF)
            .queue_full_policy(QueueFullPolicy::Block)
            .flush_buffer_size(FLUSH_BYTES)
            .log_file(path.to_string_lossy())
            .start()
            .map_err(|e| e.to_string())?;
        Ok(Self { guard, output: Output { files: vec![path], format: Self::FORMAT } })
    }

    #[inline(always)]
    fn log(&mut self, seq: u64, price: f64, sym: &str, qty: i32) {
        zerolog::info!("order filled seq={} price={} sym={} qty={}", seq, price, sym, qty);
    }

    fn finish(self) -> Result<Output, String> {
        drop(self.guard);
        Ok(self.output)
    }
}
