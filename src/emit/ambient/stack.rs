//! The scopes of a thread: the current context, and those that it returns to.
//!
//! Promises: entering a scope allocates only when the stack grows. No code of the program runs while the stack is
//! borrowed. A scope that ends restores what was before it; if others began inside it and have not ended, they end with
//! it, and their own ends have no effect then. What happens in a closed scope, the poll of a future, cannot end scopes
//! that began outside of it before the closed scope ends.
use std::cell::{Cell, RefCell};
use std::mem;
use std::sync::Arc;

use super::context::{Context, Ids};
use super::{Ambient, CURRENT};
use crate::core::context::Context as Fields;
use crate::emit::lanes::mark_lanes;

thread_local! {
    /// The number of the next scope.
    static NEXT: Cell<u64> = const { Cell::new(1) };
    static STACK: RefCell<Stack> = const { RefCell::new(Stack::NEW) };
}

/// A thread's scopes.
#[derive(Debug)]
struct Stack {
    current: Context,
    /// What each scope began in, the inmost last; their numbers ascend.
    saved: Vec<Saved>,
    /// Scopes below this index began outside of the inmost closed scope.
    floor: usize,
}

/// What a scope restores when it ends.
#[derive(Debug)]
struct Saved {
    number: u64,
    ids: Ids,
    /// All but the ids; `None` if the scope has not changed it.
    rest: Option<Rest>,
    /// Whether the scope has ended and waits for the end of the closed scope around its end.
    is_ended: bool,
}

/// A context without its ids.
#[derive(Debug, Default)]
struct Rest {
    trace_state: Option<Arc<str>>,
    fields: Option<Arc<Fields>>,
    is_suppressed: bool,
}

impl Rest {
    fn take(context: &mut Context) -> Rest {
        let Context { trace_state, fields, is_suppressed, .. } = mem::take(context);
        Rest { trace_state, fields, is_suppressed }
    }

    fn copy(context: &Context) -> Rest {
        Rest::take(&mut context.clone())
    }

    fn with(self, ids: Ids) -> Context {
        let Rest { trace_state, fields, is_suppressed } = self;
        Context { ids, trace_state, fields, is_suppressed }
    }
}

impl Stack {
    const NEW: Stack = Stack { current: Context::new(), saved: Vec::new(), floor: 0 };

    /// Begins a scope of `context` and returns its number.
    fn push(&mut self, context: Context) -> u64 {
        let ids = self.current.ids;
        let rest = Some(Rest::take(&mut self.current));
        self.current = context;
        self.save(ids, rest)
    }

    fn save(&mut self, ids: Ids, rest: Option<Rest>) -> u64 {
        let number = NEXT.get();
        NEXT.set(number + 1);
        self.saved.push(Saved { number, ids, rest, is_ended: false });
        number
    }

    /// Ends the inmost scope.
    fn pop(&mut self) {
        let Some(saved) = self.saved.pop() else { return };
        match saved.rest {
            Some(rest) => self.current = rest.with(saved.ids),
            None => self.current.ids = saved.ids,
        }
    }

    /// Ends the scope of this number and those inside it.
    fn end(&mut self, number: u64) {
        // Not found if a scope around it has ended before.
        let Ok(index) = self.saved.binary_search_by_key(&number, |saved| saved.number) else {
            return;
        };
        while self.saved.len() > index.max(self.floor) {
            self.pop();
        }
        // Those outside of the closed scope end with it.
        self.saved[index..].iter_mut().for_each(|saved| saved.is_ended = true);
    }

    /// Begins a closed scope of `context`; returns the floor outside of it.
    fn close(&mut self, context: Context) -> usize {
        self.push(context);
        mem::replace(&mut self.floor, self.saved.len())
    }

    /// Ends the closed scope, and those that it left behind. Returns its context.
    fn reopen(&mut self, floor: usize) -> Context {
        while self.saved.len() > self.floor {
            self.pop();
        }
        let context = mem::take(&mut self.current);
        self.pop();
        self.floor = floor;
        let is_ended = |stack: &Stack| stack.saved.last().is_some_and(|saved| saved.is_ended);
        while self.saved.len() > floor && is_ended(self) {
            self.pop();
        }
        context
    }
}

/// Changes the thread's scopes, and what events read. `None` on a thread that is ending, or inside another change: an
/// allocator of the program may enter a scope.
#[inline]
fn change<T>(action: impl FnOnce(&mut Stack) -> T) -> Option<T> {
    let apply = |stack: &RefCell<Stack>| {
        let mut stack = stack.try_borrow_mut().ok()?;
        let result = action(&mut stack);
        let (was_active, ambient) = (is_active(), Ambient::of(&stack.current));
        CURRENT.set(ambient);
        if was_active == ambient.is_none() {
            mark_lanes(!was_active);
        }
        Some(result)
    };
    STACK.try_with(apply).ok().flatten()
}

/// Whether the calling thread has an ambient context.
#[inline]
pub(crate) fn is_active() -> bool {
    CURRENT.with(|current| !current.get().is_none())
}

/// The context of the calling thread.
pub(super) fn current() -> Context {
    let copy = |stack: &RefCell<Stack>| Some(stack.try_borrow().ok()?.current.clone());
    STACK.try_with(copy).ok().flatten().unwrap_or_default()
}

/// The ids of the calling thread's context.
pub(super) fn current_ids() -> Ids {
    let copy = |stack: &RefCell<Stack>| Some(stack.try_borrow().ok()?.current.ids);
    STACK.try_with(copy).ok().flatten().unwrap_or_default()
}

/// Runs `action` with the fields of the current context, if their id is `id`.
pub(crate) fn with_fields<T>(id: u64, action: impl FnOnce(&Fields) -> T) -> Option<T> {
    let current = current().fields?;
    (current.id() == id).then(|| action(&current))
}

/// Begins a scope of `context`; its number. Inside a scope that suppresses events, this one does as well.
pub(super) fn enter(mut context: Context) -> u64 {
    let push = |stack: &mut Stack| {
        context.is_suppressed |= stack.current.is_suppressed;
        stack.push(context)
    };
    change(push).unwrap_or_default()
}

/// Begins a scope of the current context with these ids.
pub(super) fn enter_ids(ids: Ids) -> u64 {
    let push = |stack: &mut Stack| {
        let before = mem::replace(&mut stack.current.ids, ids);
        stack.save(before, None)
    };
    change(push).unwrap_or_default()
}

/// Ends the scope of this number, and those inside it.
pub(super) fn end(number: u64) {
    change(|stack| stack.end(number));
}

/// Replaces the current context by what `update` makes of it, to the end of the inmost scope. Returns whether it has:
/// outside of every scope, only if `anywhere`.
pub(super) fn update(anywhere: bool, update: impl FnOnce(&Context) -> Context) -> bool {
    // Outside of the borrow, because it may allocate.
    let updated = update(&current());
    let replace = |stack: &mut Stack| {
        match stack.saved.last_mut() {
            Some(saved) => {
                saved.rest.get_or_insert_with(|| Rest::copy(&stack.current));
            }
            None if !anywhere => return false,
            None => {}
        }
        stack.current = updated;
        true
    };
    change(replace).unwrap_or_default()
}

/// A closed scope that has the context of its owner for its time, and gives it back when it ends.
pub(crate) struct Scoped<'a> {
    context: &'a mut Context,
    /// That outside of the scope. `None` if it could not begin.
    floor: Option<usize>,
}

impl<'a> Scoped<'a> {
    #[inline]
    pub(crate) fn new(context: &'a mut Context) -> Scoped<'a> {
        let floor = change(|stack| stack.close(mem::take(context)));
        Scoped { context, floor }
    }
}

impl Drop for Scoped<'_> {
    #[inline]
    fn drop(&mut self) {
        let Some(floor) = self.floor else { return };
        if let Some(context) = change(|stack| stack.reopen(floor)) {
            *self.context = context;
        }
    }
}
