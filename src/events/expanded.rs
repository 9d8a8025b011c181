//! What `domain_events!` expands to. It changes without notice.
pub use super::apply::{
    AllowedOf, BoundsOf, counts, custom, hex, is, items, len, listed, not_blank, pattern, range,
    typed,
};
pub use super::contradiction::{check_rules, key_of};
pub use super::field::{AnyShape, ShapeOf};
pub use super::naming::{Names, check_name, fits};
pub use super::snapshot::assert_snapshot;
pub use super::state::EventState;
pub use super::state::degraded;
pub use super::violation::Collector;
