//! Nouns that every floor shares.
pub mod batch;
pub mod clock;
pub mod level;

pub use batch::{Batch, Lines};
pub use clock::Now;
pub use level::{Level, LevelFilter};
