//! The spans that a thread is inside of.
//!
//! Promises: spans may be left in any order; one that is left before those entered inside of it takes effect when they
//! are left, and never changes their context. Entering allocates only when the stack grows beyond 64 spans.
use std::cell::{Cell, RefCell};
use std::sync::Arc;

use ringseal::ContextScope;

use super::span::{SpanState, records};

/// A span that the thread has entered.
struct Entered {
    /// Which subscriber's.
    instance: u64,
    id: u64,
    state: Arc<SpanState>,
    scope: ContextScope,
    /// The versions of the fields that the scope has.
    versions: u64,
    is_left: bool,
}

thread_local! {
    static STACK: RefCell<Vec<Entered>> = const { RefCell::new(Vec::new()) };
    /// The count of records up to which the current context shows all fields; 0 outside of spans.
    static FRESH: Cell<u64> = const { Cell::new(0) };
}

/// Runs `action` on the thread's stack, unless the thread is ending or is inside of such an action.
fn with_stack<T>(action: impl FnOnce(&mut Vec<Entered>) -> T) -> Option<T> {
    STACK.try_with(|stack| stack.try_borrow_mut().ok().map(|mut stack| action(&mut stack))).ok()?
}

/// Spans for which a thread's stack has space at first.
const SPANS: usize = 64;

/// Enters a span.
pub(crate) fn enter(instance: u64, id: u64, state: Arc<SpanState>) {
    let (scope, records, versions) = state.enter();
    let entered = Entered { instance, id, state, scope, versions, is_left: false };
    with_stack(|stack| {
        if stack.capacity() == 0 {
            stack.reserve(SPANS);
        }
        stack.push(entered);
    });
    FRESH.set(records);
}

/// Leaves a span that was entered on this thread. Returns whether it was.
pub(crate) fn leave(instance: u64, id: u64) -> bool {
    let is_it =
        |entered: &Entered| !entered.is_left && entered.id == id && entered.instance == instance;
    let found = with_stack(|stack| {
        let Some(index) = stack.iter().rposition(is_it) else { return false };
        stack[index].is_left = true;
        true
    });
    // One at a time, and outside of the borrow: a span may end here, and writes its line.
    while let Some(Some(left)) = with_stack(|stack| stack.pop_if(|entered| entered.is_left)) {
        drop(left);
        // What is around it may have recorded meanwhile.
        FRESH.set(if with_stack(|stack| stack.is_empty()).unwrap_or(true) { 0 } else { 1 });
    }
    found.unwrap_or_default()
}

/// The innermost span of a subscriber.
pub(crate) fn innermost(instance: u64) -> Option<(u64, Arc<SpanState>)> {
    let find = |stack: &mut Vec<Entered>| {
        let mut open = stack.iter().rev().filter(|entered| !entered.is_left);
        let found = open.find(|entered| entered.instance == instance)?;
        Some((found.id, Arc::clone(&found.state)))
    };
    with_stack(find).flatten()
}

/// Adds to the scope of the innermost span what the spans of the thread have recorded since it was entered.
#[inline]
pub(crate) fn refresh() {
    let fresh = FRESH.get();
    if fresh != 0 && fresh != records() {
        add_recorded();
    }
}

#[cold]
fn add_recorded() {
    let records = records();
    let add = |stack: &mut Vec<Entered>| {
        let Some(top) = stack.last_mut() else { return true };
        let versions = top.state.versions();
        if top.versions == versions {
            return true;
        }
        // In a future with another context, the scope is out of reach: the fields are added after its poll.
        if !top.scope.is_open() {
            return false;
        }
        top.versions = versions;
        top.state.fields().is_none_or(|fields| top.scope.add(fields))
    };
    if with_stack(add) == Some(true) {
        FRESH.set(records);
    }
}
