//! The scopes of a thread: the current context, and those that it returns to. A future or closure with a context has
//! separate scopes, which replace the thread's while it is polled.
//!
//! Promises: entering a scope allocates only when the stack grows; a poll swaps two pointers and allocates nothing. No
//! code of the program runs while the stack is borrowed. A scope that ends restores what was before it; if others began
//! inside it and have not ended, they end with it; dropping their guards has no effect then. A scope that began outside
//! of a poll and whose guard is dropped inside of it ends after the poll.
use std::cell::{Cell, RefCell};
use std::mem;
use std::sync::Arc;

use super::context::{Context, Ids};
use super::{Ambient, CURRENT};
use crate::core::context::Context as Fields;
use crate::emit::lanes::mark_lanes;
use crate::emit::logger::BoundFields;

thread_local! {
    /// The number of the next scope.
    static NEXT: Cell<u64> = const { Cell::new(1) };
    /// In a box, so that a poll swaps pointers; `None` before the first scope.
    static STACK: RefCell<Scopes> = const { RefCell::new(None) };
    /// How many polls the thread is inside of.
    static POLLS: Cell<u32> = const { Cell::new(0) };
    /// Scopes whose guard was dropped in a poll inside of them.
    static ENDED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// The scopes of a thread, or of a future; `None` is a stack without scopes and context.
pub(crate) type Scopes = Option<Box<Stack>>;

/// The scopes of a thread, or of a future.
#[derive(Debug, Default)]
pub(crate) struct Stack {
    current: Context,
    /// That of `current`.
    ambient: Ambient,
    /// What each scope began in, the inmost last; their numbers ascend.
    saved: Vec<Saved>,
}

/// What a scope restores when it ends.
#[derive(Debug)]
struct Saved {
    number: u64,
    ids: Ids,
    /// All but the ids; `None` if the scope has not changed it.
    rest: Option<Rest>,
}

/// A context without its ids.
#[derive(Debug, Clone, Default)]
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
    /// No scope, in this context.
    pub(crate) fn of(context: Context) -> Scopes {
        let context = context.with_required_trace();
        let ambient = Ambient::of(&context);
        Some(Box::new(Stack { current: context, ambient, saved: Vec::new() }))
    }

    /// Begins a scope of `context` and returns its number.
    fn push(&mut self, context: Context) -> u64 {
        let ids = self.current.ids;
        let rest = Some(Rest::take(&mut self.current));
        self.current = context.with_required_trace();
        self.save(ids, rest)
    }

    fn save(&mut self, ids: Ids, rest: Option<Rest>) -> u64 {
        let number = NEXT.get();
        NEXT.set(number + 1);
        self.saved.push(Saved { number, ids, rest });
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

    /// Ends the scope of this number and those inside it. Returns whether it was there: not if a scope around it has
    /// ended before, or if it is outside of the present poll.
    fn end(&mut self, number: u64) -> bool {
        let Some(index) = self.index_of(number) else { return false };
        while self.saved.len() > index {
            self.pop();
        }
        true
    }

    fn index_of(&self, number: u64) -> Option<usize> {
        self.saved.binary_search_by_key(&number, |saved| saved.number).ok()
    }

    /// Replaces the fields of the scope of this number. Returns whether it was there.
    fn set_fields(&mut self, number: u64, fields: Option<Arc<Fields>>) -> bool {
        let Some(index) = self.index_of(number) else { return false };
        let (outer, inner) = self.saved.split_at_mut(index + 1);
        // The first scope inside with another context holds that of this scope.
        let inner = inner.iter_mut().find_map(|inner| inner.rest.as_mut());
        if let Some(saved) = outer.last_mut()
            && saved.rest.is_none()
        {
            let own = || Rest::copy(&self.current);
            saved.rest = Some(inner.as_deref().map_or_else(own, Rest::clone));
        }
        match inner {
            Some(inner) => inner.fields = fields,
            None => self.current.fields = fields,
        }
        true
    }

    /// Ends all scopes.
    #[cold]
    fn end_all(&mut self) {
        while !self.saved.is_empty() {
            self.pop();
        }
        self.ambient = Ambient::of(&self.current);
    }
}

/// Changes the thread's scopes, and what events read. `None` on a thread that is ending, or inside another change: an
/// allocator of the program may enter a scope.
#[inline]
fn change<T>(action: impl FnOnce(&mut Stack) -> T) -> Option<T> {
    let apply = |stack: &RefCell<Scopes>| {
        let mut stack = stack.try_borrow_mut().ok()?;
        let stack = stack.get_or_insert_default();
        let result = action(stack);
        stack.ambient = Ambient::of(&stack.current);
        set_current(&stack.ambient);
        Some(result)
    };
    STACK.try_with(apply).ok().flatten()
}

/// Sets what events read.
#[inline]
fn set_current(ambient: &Ambient) {
    let was_active = is_active();
    CURRENT.set(*ambient);
    if was_active != ambient.is_active {
        mark_lanes(!was_active);
    }
}

/// Whether the calling thread has an ambient context.
#[inline]
pub(crate) fn is_active() -> bool {
    CURRENT.get().is_active
}

/// The context of the calling thread.
pub(super) fn current() -> Context {
    let copy = |stack: &RefCell<Scopes>| Some(stack.try_borrow().ok()?.as_ref()?.current.clone());
    STACK.try_with(copy).ok().flatten().unwrap_or_default()
}

/// The fields of the calling thread's context.
pub(crate) fn current_fields() -> Option<Arc<Fields>> {
    let copy = |stack: &RefCell<Scopes>| stack.try_borrow().ok()?.as_ref()?.current.fields.clone();
    STACK.try_with(copy).ok().flatten()
}

/// Runs `action` with the fields of the current context, if their id is `id`.
pub(crate) fn with_fields<T>(id: u64, action: impl FnOnce(&Fields) -> T) -> Option<T> {
    let current = current_fields()?;
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
        let before = mem::replace(&mut stack.current.ids, ids.with_required_trace());
        stack.save(before, None)
    };
    change(push).unwrap_or_default()
}

/// Ends the scope of this number, and those inside it.
pub(super) fn end(number: u64) {
    if change(|stack| stack.end(number)) == Some(false) && POLLS.get() > 0 {
        let keep = |ended: &RefCell<Vec<u64>>| {
            if let Ok(mut ended) = ended.try_borrow_mut() {
                ended.push(number);
            }
        };
        let _ = ENDED.try_with(keep);
    }
}

/// Ends the scopes whose guards were dropped in the poll that is over.
#[cold]
fn end_later_ones() {
    let Ok(numbers) = ENDED.try_with(RefCell::take) else { return };
    // A scope that is not there is around a further poll.
    numbers.into_iter().for_each(end);
}

fn has_later_ones() -> bool {
    let is_any =
        |ended: &RefCell<Vec<u64>>| ended.try_borrow().is_ok_and(|ended| !ended.is_empty());
    ENDED.try_with(is_any).unwrap_or_default()
}

/// Replaces the current context by what `update` makes of it, to the end of the inmost scope. Returns whether it has:
/// outside of every scope, only if `anywhere`.
pub(crate) fn update(anywhere: bool, update: impl FnOnce(&Context) -> Context) -> bool {
    let is_scoped =
        |stack: &RefCell<Scopes>| Some(!stack.try_borrow().ok()?.as_ref()?.saved.is_empty());
    let is_scoped = STACK.try_with(is_scoped).ok().flatten().unwrap_or_default();
    if !(is_scoped || anywhere || POLLS.get() > 0) {
        return false;
    }
    // Outside of the borrow, because it allocates.
    let updated = update(&current());
    let replace = |stack: &mut Stack| {
        if let Some(saved) = stack.saved.last_mut() {
            saved.rest.get_or_insert_with(|| Rest::copy(&stack.current));
        }
        stack.current = updated;
    };
    change(replace).is_some()
}

/// Whether the scope of this number has not ended and is not outside of the present poll.
pub(super) fn is_open(number: u64) -> bool {
    let find = |stack: &RefCell<Scopes>| stack.try_borrow().ok()?.as_ref()?.index_of(number);
    STACK.try_with(find).ok().flatten().is_some()
}

/// Adds fields to the context of the scope of this number, to its end; not to those of scopes that began inside of it
/// with their own contexts. Returns whether it has: not if the scope has ended or is outside of the present poll.
pub(super) fn add_to(number: u64, fields: &BoundFields) -> bool {
    let before = |stack: &RefCell<Scopes>| {
        let stack = stack.try_borrow().ok()?;
        let stack = stack.as_ref()?;
        let index = stack.index_of(number)?;
        let inner = stack.saved[index + 1..].iter().find_map(|inner| inner.rest.as_ref());
        Some(inner.map_or(&stack.current.fields, |inner| &inner.fields).clone())
    };
    let Some(before) = STACK.try_with(before).ok().flatten() else { return false };
    // Outside of the borrow, because it allocates.
    let added = Some(Arc::new(fields.added_to(before.as_deref())));
    change(|stack| stack.set_fields(number, added)) == Some(true)
}

/// A poll: while this lives, the scopes of the thread are those of the future.
pub(crate) struct Poll<'a> {
    /// The future's, then the thread's, and the future's again.
    other: &'a mut Scopes,
    is_swapped: bool,
    /// Whether the future's events are suppressed only because the poll is inside of a scope that does so.
    is_suppressed: bool,
}

/// Ends all scopes of the present poll.
#[inline]
pub(super) fn end_open_ones() {
    let is_any = |stack: &RefCell<Scopes>| {
        stack.try_borrow().is_ok_and(|stack| stack.as_ref().is_some_and(|it| !it.saved.is_empty()))
    };
    if STACK.try_with(is_any).unwrap_or_default() {
        change(Stack::end_all);
    }
}

/// Swaps the thread's scopes with these. Returns whether they could be.
#[inline]
fn swap(other: &mut Scopes) -> bool {
    let swap = |stack: &RefCell<Scopes>| {
        let Ok(mut stack) = stack.try_borrow_mut() else { return false };
        mem::swap(&mut *stack, other);
        set_current(stack.as_ref().map_or(&Ambient::NONE, |stack| &stack.ambient));
        true
    };
    STACK.try_with(swap).unwrap_or_default()
}

/// Suppresses the events of a future, or ends this. Returns whether it was a change.
#[cold]
fn suppress(scopes: &mut Scopes, is_suppressed: bool) -> bool {
    let stack = scopes.get_or_insert_default();
    let before = mem::replace(&mut stack.current.is_suppressed, is_suppressed);
    stack.ambient = Ambient::of(&stack.current);
    before != is_suppressed
}

impl<'a> Poll<'a> {
    #[inline]
    pub(crate) fn begin(scopes: &'a mut Scopes) -> Poll<'a> {
        let is_suppressed = CURRENT.with(|current| current.get().is_suppressed);
        let is_suppressed = is_suppressed && suppress(scopes, true);
        let is_swapped = swap(scopes);
        POLLS.set(POLLS.get() + u32::from(is_swapped));
        Poll { other: scopes, is_swapped, is_suppressed }
    }

    /// Whether the thread's scopes are those of the future.
    pub(super) fn is_swapped(&self) -> bool {
        self.is_swapped
    }
}

impl Drop for Poll<'_> {
    #[inline]
    fn drop(&mut self) {
        if !(self.is_swapped && swap(self.other)) {
            return;
        }
        POLLS.set(POLLS.get() - 1);
        // What was forgotten inside.
        if let Some(other) = self.other.as_deref_mut().filter(|other| !other.saved.is_empty()) {
            other.end_all();
        }
        if self.is_suppressed {
            suppress(self.other, false);
        }
        if has_later_ones() {
            end_later_ones();
        }
    }
}
