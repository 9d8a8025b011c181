//! Files that rotate.
pub mod reader;
