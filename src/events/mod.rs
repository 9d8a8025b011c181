//! Typed events: what [`domain_events!`](crate::domain_events) declares, with rules, catalogues and schemas.
//!
//! ```
//! use ringseal::{Pii, catalogue, domain_events, events::Catalogue, testing::Capture};
//! domain_events! {
//!     /// The torrent file exists and was checked.
//!     pub event TorrentBuilt<'a> = "TORRENT_BUILT_SUCCESS", Info, version 1 {
//!         infohash: &'a str where hex, len(40..=40);
//!         torrent_path: &'a str where not_blank;
//!         score: f64 where range(0.0..=100.0);
//!         asin: Option<&'a str>;
//!         title: Option<&'a str>;
//!         author: Pii<&'a str>;
//!         require any(asin, title);
//!     }
//! }
//! static CATALOGUE: Catalogue = catalogue![TorrentBuilt];
//!
//! let (engine, capture) = Capture::start();
//! let built = TorrentBuilt {
//!     infohash: "da39a3ee5e6b4b0d3255bfef95601890afd80709",
//!     torrent_path: "/data/book",
//!     score: 97.5,
//!     asin: None,
//!     title: Some("Emma"),
//!     author: Pii::name("Jane Austen"),
//! };
//! built.emit(&engine)?;
//! assert_eq!(capture.event("TORRENT_BUILT_SUCCESS")["score"], 97.5);
//! # Ok::<(), ringseal::events::Violations>(())
//! ```
//!
//! Promises: an event that satisfies its rules costs what `info!` with the same fields costs, and the comparisons of
//! its rules. A disabled event costs one relaxed load, and its rules are not applied. Nothing allocates, whether rules
//! are satisfied or not; schemas and snapshots allocate.
mod apply;
mod catalogue;
mod contradiction;
mod descriptor;
#[doc(hidden)]
pub mod expanded;
mod field;
mod json;
mod naming;
mod python;
mod rule;
mod schema;
mod snapshot;
mod state;
mod taxonomy;
mod violation;

pub use catalogue::Catalogue;
pub use descriptor::{EventDescriptor, FieldDescriptor, RuleFailures};
pub use field::{EventField, FieldShape, Nullable, Shape};
pub use ringseal_base::catalogue::CatalogueError;
pub use rule::{Allowed, Bounds, FieldValue, Num, Rule};
pub use snapshot::SnapshotError;
pub use state::Policy;
pub use taxonomy::Taxonomy;
pub use violation::{VIOLATIONS_MAX, Violation, Violations};
