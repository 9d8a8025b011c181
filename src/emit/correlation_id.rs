//! The correlation id: one text that all events of a request have as `correlation_id`, besides or instead of a trace.
//!
//! Promises: an id is believed only if it is 1 to 128 characters of `A-Z`, `a-z`, `0-9`, `.`, `_` and `-`. Binding
//! allocates. Without an id, events do not have the field. A field `correlation_id` of the event, or bound to its
//! logger, takes its place.
//!
//! ```
//! use ringseal::{Context, correlation_id, info, testing::Capture};
//! let (engine, capture) = Capture::start();
//! Context::current().run(|| {
//!     assert_eq!(correlation_id::bind("test-cid").as_str(), "test-cid");
//!     info!(engine, "paid");
//! });
//! assert_eq!(capture.event("paid")["correlation_id"], "test-cid");
//! assert_eq!(correlation_id::get(), None);
//! ```
use super::ambient::{Context, update};
use super::logger::BoundFields;
use crate::core::keys;
use crate::trace_context::{NewRequestId, RequestId};

/// Binds this id, or a new UUID (version 4) if it is not a valid one, and returns the bound id.
///
/// It applies to the end of the inmost scope: a [`Context`](crate::Context) that is entered, or a future or closure
/// with one. Outside of every scope it applies to the calling thread until it is bound again or [cleared](clear).
pub fn bind(id: impl AsRef<str>) -> RequestId {
    set(RequestId::parse(id.as_ref()).unwrap_or_else(|_| RequestId::uuid_v4()))
}

/// Binds a new id of this form.
pub fn bind_new(form: NewRequestId) -> RequestId {
    set(form.generate())
}

/// The id that is bound here.
pub fn get() -> Option<RequestId> {
    RequestId::parse(Context::current().text(keys::CORRELATION_ID)?).ok()
}

/// The id that is bound here; binds a new UUID (version 4) if there is none.
pub fn get_or_bind() -> RequestId {
    get().unwrap_or_else(|| bind_new(NewRequestId::UuidV4))
}

/// Removes the id to the end of the inmost scope.
pub fn clear() {
    update(true, |context| context.without(keys::CORRELATION_ID));
}

fn set(id: RequestId) -> RequestId {
    let field = BoundFields::new(&[keys::CORRELATION_ID], &(id.as_str(), ()));
    update(true, |context| context.with(field));
    id
}
