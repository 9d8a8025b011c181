//! The dedicated thread: drains the lanes, merges by time, encodes, and hands batches to the sinks.
pub mod control;
pub mod link;
