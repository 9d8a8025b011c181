//! ringseal: a logging engine for latency-sensitive services.
pub mod core;
pub mod encode;
pub mod redact;
pub mod sink;
pub mod storage;
