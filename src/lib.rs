//! ringseal: a logging engine for latency-sensitive services.
//!
//! Producers write events into a lock-free ring per thread; one writer thread merges, encodes and hands whole JSON
//! lines to rotating files and other sinks. An enabled call neither allocates nor locks nor enters the kernel; nothing
//! disappears silently; a log file holds whole lines at any moment.
//!
//! ```
//! use ringseal::{Config, error, fields, info, warn};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("app.log");
//! let engine = ringseal::init(Config::from_env()?.file(path))?; // the guard: drains and stops on drop
//! info!("payment_processed", amount = 100, currency = "KWD", user.id = 42);
//! let peer = std::net::Ipv4Addr::LOCALHOST;
//! warn!("rate_limit_near", current = 45, limit = 50, peer = %peer);
//! if let Err(err) = "x".parse::<u16>() {
//!     error!("upload_failed", error = &err, retry = 3);
//! }
//! let log = engine.logger().bind(fields! { trace_id = "4bf9", http.request.method = "POST" });
//! info!(log, "request_started");
//! # Ok(())
//! # }
//! ```
//!
//! The grammar of the macros is described at [`event!`], the configuration at [`Config`], what happens when a ring is
//! full at [`Overflow`], files at [`sink::file`].
mod macros;
mod sync;

#[cfg(feature = "audit")]
pub mod audit;
pub mod core;
pub mod digest;
mod emit;
pub mod encode;
mod engine;
pub mod metrics;
pub mod redact;
pub mod ringbuf;
pub mod sample;
mod simd;
pub mod sink;
pub mod storage;
pub mod testing;
pub mod writer;

pub use crate::core::value::{Pii, PiiKind, Sanitized, Secret};
pub use crate::core::{Filter, Level, LevelFilter, Limits};
#[cfg(feature = "serde")]
pub use crate::emit::serialize;
pub use crate::emit::{AsEmitter, BoundFields, Logger, Overflow};
#[cfg(feature = "audit")]
pub use crate::engine::{
    AuditConfig, AuditError, AuditHealth, AuditLogger, AuditOpenError, Emitted,
};
pub use crate::engine::{
    Color, Config, Engine, EnvError, Format, InitError, RedactionError, Timestamps, init,
};
pub use crate::sample::Sampling;
pub use crate::writer::control::FlushError;
pub use crate::writer::run::WaitStrategy;

/// What the macros expand to. Not for use by hand; it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use crate::core::callsite::{Callsite, Metadata, check_keys, is_ecs_object};
    pub use crate::core::level::is_compiled_in;
    pub use crate::core::value::{DebugValue, DisplayValue};
    pub use crate::emit::capture::{
        ViaCopy, ViaError, ViaNothing, ViaReport, ViaReportRef, ViaValue, Wrap, check, check_text,
        dotted, dotted_len, dotted_str, key,
    };
    pub use crate::emit::emitter::{Emitter, emit};
    pub use crate::emit::sampling::should_log_globally;
    pub use crate::emit::{AsEmitter, BoundFields};
}

/// The examples of the README compile and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
