//! ringseal: a logging engine for latency-sensitive services.
mod sync;

pub mod core;
pub mod encode;
pub mod logger;
pub mod metrics;
pub mod ringbuf;
pub mod sink;
pub mod storage;
pub mod writer;
