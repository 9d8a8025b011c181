//! Types that all layers share.
pub mod batch;
pub mod callsite;
pub mod context;
pub mod correlation;
pub mod field;
pub mod filter;
pub mod keys;
pub mod lane_contexts;
pub mod level;
pub mod record;
pub mod registry;
pub mod sampling;
pub mod site_mirror;
mod unheard;

pub use batch::{Batch, Lines};
pub use filter::Filter;
pub use level::{Level, LevelFilter};
pub use unheard::UnheardCounts;
