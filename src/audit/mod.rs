//! Audit: typed events for evidence, and what becomes of them.
//!
//! [`event`] is what a program says happened: checked before it is queued, written into a ring
//! without allocation. [`catalogue`] is what an organisation allows and requires of such events.
//! [`sink`] takes sealed entries elsewhere: databases, streams, several at once.
pub mod catalogue;
pub mod event;
pub mod sink;

pub use catalogue::{Catalogue, CatalogueError, Unknown};
pub use event::{Actor, AuditEvent, Change, EventError, Outcome, Severity, Source, Target};

/// The examples of the page on events compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../docs/audit-events.md")]
struct EventsPage;

/// The examples of the page on sinks compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../docs/audit-sinks.md")]
struct SinksPage;
