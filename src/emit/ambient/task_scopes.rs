//! The scopes of work that runs in parts.
use super::context::Context;
use super::stack::{self, Poll, Scopes, Stack};

/// The scopes of work that runs in parts, such as a request: its handler, then the body of its response. They are those
/// of the thread while a part runs, and what one part adds to the context is there in the next one.
///
/// Promises: one allocation for all parts; a part swaps two pointers, as a poll of
/// [`InContext`](crate::InContext) does.
#[derive(Debug)]
pub struct TaskScopes {
    scopes: Scopes,
}

impl TaskScopes {
    /// No scope, in this context.
    pub fn new(context: Context) -> TaskScopes {
        TaskScopes { scopes: Stack::of(context) }
    }

    /// Makes these scopes those of the thread, until the result is dropped. Scopes that are still open then end.
    #[inline]
    pub fn enter(&mut self) -> TaskPart<'_> {
        TaskPart { poll: Poll::begin(&mut self.scopes) }
    }
}

/// A part that runs; see [`TaskScopes::enter`].
#[must_use = "the part ends when this is dropped"]
pub struct TaskPart<'s> {
    poll: Poll<'s>,
}

impl TaskPart<'_> {
    /// Ends the scopes that are still open, as a new part would.
    #[inline]
    pub fn end_open_scopes(&mut self) {
        if self.poll.is_swapped() {
            stack::end_open_ones();
        }
    }
}

impl std::fmt::Debug for TaskPart<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskPart").finish_non_exhaustive()
    }
}
