//! log4rs: JSON encoder, file appender, written on the calling thread.
//!
//! Configuration: `FileAppender` with `JsonEncoder` and key-values (feature `log_kv`). It has no asynchronous appender.
//! It flushes its buffer after every event; no setting changes that.

use std::path::Path;

use log::LevelFilter;
use log4rs::append::file::FileAppender;
use log4rs::config::{Appender, Config, Root};
use log4rs::encode::json::JsonEncoder;

use crate::candidate::{Candidate, Format, Kind, Output};

/// See the module.
pub struct Log4rs {
    output: Output,
}

impl Candidate for Log4rs {
    const NAME: &'static str = "log4rs";
    const KIND: Kind = Kind::Rival;
    const FORMAT: Format = Format::Json;
    const CRATE: &'static str = "log4rs";

    fn start(dir: &Path) -> Result<Self, String> {
        let path = dir.join("log4rs.log");
        let file = FileAppender::builder()
            .encoder(Box::new(JsonEncoder::new()))
            .build(&path)
            .map_err(|e| e.to_string())?;
        let config = Config::builder()
            .appender(Appender::builder().build("file", Box::new(file)))
            .build(Root::builder().appender("file").build(LevelFilter::Info))
            .map_err(|e| e.to_string())?;
        log4rs::init_config(config).map_err(|e| e.to_string())?;
        Ok(Self { output: Output { files: vec![path], format: Self::FORMAT } })
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
