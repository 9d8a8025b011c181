//! ringseal itself.
//!
//! Configuration: the defaults, with one file that is never rotated, and a ring of the size that the
//! floors have. `ringseal` reads the exact clock, `ringseal_coarse` the writer's published time.

use std::path::Path;

use ringseal::sink::file::{FileConfig, RotateEvery};
use ringseal::{Config, Engine, Timestamps};

use crate::candidate::{Candidate, Format, Kind, Output};

/// See the module.
pub struct Ringseal<const COARSE: bool> {
    engine: Engine,
    output: Output,
}

impl<const COARSE: bool> Candidate for Ringseal<COARSE> {
    const NAME: &'static str = if COARSE { "ringseal_coarse" } else { "ringseal" };
    const KIND: Kind = Kind::Own;
    const FORMAT: Format = Format::Json;
    const CRATE: &'static str = "ringseal";

    fn start(dir: &Path) -> Result<Self, String> {
        let path = dir.join("app.log");
        let file = FileConfig::new(&path).rotate_bytes_max(0).rotate_every(RotateEvery::Never);
        let timestamps = if COARSE { Timestamps::Coarse } else { Timestamps::Exact };
        let quiet = "info,boot=off"
            .parse()
            .map_err(|e: ringseal::core::filter::ParseFilterError| e.to_string())?;
        let config = Config::new().filter(quiet).file_with(file).timestamps(timestamps);
        let engine = ringseal::init(config).map_err(|e| e.to_string())?;
        Ok(Self { engine, output: Output { files: vec![path], format: Self::FORMAT } })
    }

    #[inline(always)]
    fn log(&mut self, seq: u64, price: f64, sym: &str, qty: i32) {
        ringseal::info!(target: "exchange::gateway", "order filled", seq, price, sym, qty);
    }

    fn finish(self) -> Result<Output, String> {
        self.engine.stop().map_err(|e| e.to_string())?;
        Ok(self.output)
    }
}
