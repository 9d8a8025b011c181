//! Types that all layers share.
pub mod backoff;
pub mod batch;
pub mod calendar;
pub mod callsite;
pub mod clock;
pub mod context;
pub mod field;
pub mod filter;
pub mod fnv;
pub mod level;
pub mod limits;
pub mod panic;
pub mod record;
pub mod registry;
pub mod sampling;
pub mod tsc;
pub mod value;

pub use batch::{Batch, Lines};
pub use clock::Now;
pub use filter::Filter;
pub use level::{Level, LevelFilter};
pub use limits::Limits;
