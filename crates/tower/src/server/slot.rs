//! What a handler reports about its request while it runs: notes, the route, the user.
//!
//! Promises: each request has its own slot, which is reachable from its handler's polls and nowhere else; a poll moves
//! it to the thread and back, also in a panic, and allocates nothing. What a request may report is bounded; more is
//! counted.
use std::cell::RefCell;
use std::sync::Arc;

#[cfg(feature = "axum")]
use ringseal::Logger;
use ringseal::{BoundFields, Context, fields};

use super::options::Options;

/// The most calls of [`note`] whose fields are kept for a request.
pub const NOTES_MAX: usize = 32;
/// The most bytes of a user id or a route.
const TEXT_BYTES_MAX: usize = 256;

thread_local! {
    static CURRENT: RefCell<Slot> = const { RefCell::new(Slot::NONE) };
}

/// The template of a route.
#[derive(Debug, Clone)]
pub(crate) enum Route {
    #[cfg(feature = "axum")]
    Matched(axum::extract::MatchedPath),
    Text(Box<str>),
}

impl Route {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            #[cfg(feature = "axum")]
            Route::Matched(path) => path.as_str(),
            Route::Text(text) => text,
        }
    }
}

/// What was reported about a request.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    /// Those of the layer; `None` outside of every request.
    options: Option<Arc<Options>>,
    pub(crate) notes: Vec<BoundFields>,
    pub(crate) route: Option<Route>,
    pub(crate) user: Option<Box<str>>,
}

impl Slot {
    const NONE: Slot = Slot { options: None, notes: Vec::new(), route: None, user: None };

    pub(crate) fn new(options: Arc<Options>) -> Slot {
        Slot { options: Some(options), ..Slot::NONE }
    }

    /// Makes this the slot of the thread, until the result is dropped.
    pub(crate) fn enter(&mut self) -> Entered<'_> {
        swap(self);
        Entered { slot: self }
    }
}

/// The time in which a slot is that of its thread.
pub(crate) struct Entered<'s> {
    slot: &'s mut Slot,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        swap(self.slot);
    }
}

fn swap(slot: &mut Slot) {
    // A thread that is ending has no slot; then both swaps do nothing.
    let _ = CURRENT.try_with(|current| {
        if let Ok(mut current) = current.try_borrow_mut() {
            std::mem::swap(&mut *current, slot);
        }
    });
}

/// Changes the slot of the request that is handled here. Returns whether there is one.
fn update(change: impl FnOnce(&mut Slot) -> bool) -> bool {
    let apply = |current: &RefCell<Slot>| {
        let mut current = current.try_borrow_mut().ok()?;
        current.options.as_ref()?;
        Some(change(&mut current))
    };
    CURRENT.try_with(apply).ok().flatten().unwrap_or_default()
}

/// The settings of the layer whose request is handled here.
pub(crate) fn options() -> Option<Arc<Options>> {
    CURRENT.try_with(|current| current.try_borrow().ok()?.options.clone()).ok().flatten()
}

/// The logger of the layer whose request is handled here.
#[cfg(feature = "axum")]
pub(crate) fn logger() -> Option<Logger> {
    options().map(|options| options.logger.clone())
}

/// Adds fields to the access event of the request that is handled here. Returns whether they were added: not outside
/// of a request, and not after 32 calls for one request, which are counted.
///
/// The fields are on that event alone; [`Context::add`] adds fields to all later events of the request. Call it from
/// the task that the handler runs in: a spawned task has the context of its request if it was given it, but not its
/// access event.
///
/// ```
/// use ringseal::fields;
/// async fn pay() -> &'static str {
///     ringseal_tower::note(fields! { cart.items = 3, payment.provider = "knet" });
///     "paid"
/// }
/// ```
pub fn note(fields: BoundFields) -> bool {
    update(|slot| {
        if slot.notes.len() == NOTES_MAX {
            if let Some(options) = &slot.options {
                options.counters.notes_refused.add();
            }
            return false;
        }
        slot.notes.push(fields);
        true
    })
}

/// Sets the template of the route of the request that is handled here, such as `/orders/{id}`: for routers that this
/// crate does not know. Returns whether there is such a request. A template of more than 256 bytes is cut.
pub fn set_route(template: &str) -> bool {
    let template = crate::url::cut_text(template, TEXT_BYTES_MAX).into();
    update(|slot| {
        slot.route = Some(Route::Text(template));
        true
    })
}

#[cfg(feature = "axum")]
pub(crate) fn set_matched_path(path: axum::extract::MatchedPath) {
    update(|slot| {
        slot.route = Some(Route::Matched(path));
        true
    });
}

/// Names the user of the request that is handled here, after authentication: all later events of the request have the
/// id as `user_id`, and the audit event has it as its actor. Returns whether there is such a request. An id of more
/// than 256 bytes is cut.
///
/// ```
/// async fn authenticate() {
///     ringseal_tower::set_user("u-17");
/// }
/// ```
pub fn set_user(id: &str) -> bool {
    let id = crate::url::cut_text(id, TEXT_BYTES_MAX);
    let is_inside = update(|slot| {
        slot.user = Some(id.into());
        true
    });
    is_inside && Context::add(fields! { user_id = id })
}
