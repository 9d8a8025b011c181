//! The counted events of other logging interfaces: the standard event, with a message, logged by `tracing` and by
//! `log`.
use std::fmt::{Debug, Write};
use std::hint::black_box;

use ringseal::Engine;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};

use crate::cases::{Case, Collect, STEADY, config, finish, order, prepare};

/// The rows of the table.
pub const CASES: &[Case] = &[
    Case {
        name: "bridge_reader",
        title: "an event of tracing, whose fields a subscriber copies and does nothing else",
        events: STEADY,
        collect: Collect::Function("log_for_reader"),
        log: |events| {
            tracing::subscriber::set_global_default(Reader).map_err(|error| error.to_string())?;
            log_for_reader(events);
            Ok(())
        },
    },
    Case {
        name: "bridge_tracing",
        title: "the same, bridged to the engine",
        events: STEADY,
        collect: Collect::Function("log_with_tracing"),
        log: |events| {
            let engine = started()?;
            ringseal_tracing::init(engine.logger()).map_err(|error| error.to_string())?;
            log_with_tracing(events);
            finish(engine, events)
        },
    },
    Case {
        name: "bridge_log",
        title: "a record of log with four pairs, bridged to the engine",
        events: STEADY,
        collect: Collect::Function("log_with_log"),
        log: |events| {
            let engine = started()?;
            ringseal_log::init(engine.logger()).map_err(|error| error.to_string())?;
            log_with_log(events);
            finish(engine, events)
        },
    },
];

fn started() -> Result<Engine, String> {
    let engine = Engine::start(config()).map_err(|error| error.to_string())?;
    prepare(&engine)?;
    Ok(engine)
}

#[inline(never)]
fn log_for_reader(events: u64) {
    for seq in 0..events {
        let (price, sym, qty) = order(seq);
        tracing::info!(target: "exchange::gateway", seq, price, sym, qty, "order filled");
    }
}

#[inline(never)]
fn log_with_tracing(events: u64) {
    for seq in 0..events {
        let (price, sym, qty) = order(seq);
        tracing::info!(target: "exchange::gateway", seq, price, sym, qty, "order filled");
    }
}

#[inline(never)]
fn log_with_log(events: u64) {
    for seq in 0..events {
        let (price, sym, qty) = order(seq);
        log::info!(target: "exchange::gateway", seq, price, sym, qty; "order filled");
    }
}

/// A subscriber that copies the values of each event.
struct Reader;

impl tracing::Subscriber for Reader {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut copy = Copy { bytes: [0; 256], len: 0 };
        event.record(&mut copy);
        black_box(&copy);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Copy {
    bytes: [u8; 256],
    len: usize,
}

impl Copy {
    fn take(&mut self, bytes: &[u8]) {
        if let Some(free) = self.bytes.get_mut(self.len..self.len + bytes.len()) {
            free.copy_from_slice(bytes);
            self.len += bytes.len();
        }
    }
}

impl Write for Copy {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.take(text.as_bytes());
        Ok(())
    }
}

impl Visit for Copy {
    fn record_u64(&mut self, _: &Field, value: u64) {
        self.take(&value.to_le_bytes());
    }

    fn record_i64(&mut self, _: &Field, value: i64) {
        self.take(&value.to_le_bytes());
    }

    fn record_f64(&mut self, _: &Field, value: f64) {
        self.take(&value.to_le_bytes());
    }

    fn record_str(&mut self, _: &Field, value: &str) {
        self.take(value.as_bytes());
    }

    fn record_debug(&mut self, _: &Field, value: &dyn Debug) {
        let _ = write!(self, "{value:?}");
    }
}
