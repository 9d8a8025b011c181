//! The hot path: writes an event from a macro into the thread's ring.
//!
//! Promises: after a thread's first event, and its first with bound fields, no allocation, no lock, no system call,
//! unless the ring is full and the policy waits. Nothing here panics; a panic in a value's `Display` is passed on and
//! leaves nothing in the ring.
use std::sync::Arc;

use super::ambient::{self, Ambient};
use super::global;
use super::lane::{Lane, Scope, WriteResult};
use super::lanes::{on_any_lane, own_lane, own_lane_in_scope, with_lane};
use super::logger::AsEmitter;
use super::overflow;
use super::shared::Shared;
use super::thread_default;
use crate::core::callsite::{Callsite, Pass};
use crate::core::context::Context;
use crate::core::field::Fields;
use crate::core::level::Level;
use crate::core::record::{Header, Kind};
use crate::sample::decision::PendingDecision;
use ringseal_base::value::ValueWriter;

/// The destination of an event: an engine, and the fields bound to the logger.
#[derive(Debug, Clone, Copy)]
pub struct Emitter<'a> {
    pub(crate) slot: usize,
    pub(crate) engine: u32,
    /// `None` for the global engine, which is looked up when needed.
    pub(crate) shared: Option<&'a Arc<Shared>>,
    pub(crate) context: Option<&'a Arc<Context>>,
}

impl Emitter<'static> {
    /// The global engine, without bound fields.
    #[inline(always)]
    pub fn global() -> Self {
        Emitter { slot: global::SLOT, engine: global::engine_id(), shared: None, context: None }
    }
}

/// The macros' logger if they are given none.
#[derive(Debug, Clone, Copy)]
pub struct Global;

impl AsEmitter for Global {
    #[inline(always)]
    fn emitter(&self) -> Emitter<'_> {
        Emitter::global()
    }

    /// Without the engine, which a disabled call does not need.
    #[inline(always)]
    fn slot(&self) -> usize {
        global::SLOT
    }
}

impl AsEmitter for Emitter<'_> {
    #[inline(always)]
    fn emitter(&self) -> Emitter<'_> {
        *self
    }
}

impl<'a> Emitter<'a> {
    /// This engine, without bound fields.
    #[inline(always)]
    pub(crate) fn of(shared: &'a Arc<Shared>) -> Self {
        Emitter { slot: shared.slot, engine: shared.id, shared: Some(shared), context: None }
    }

    /// The context bound to the logger.
    #[inline(always)]
    pub(crate) fn bound(&self) -> Option<&'a Context> {
        self.context.map(Arc::as_ref)
    }

    /// The engine's place in the registry of call sites.
    pub(super) fn place(&self) -> usize {
        self.shared.map_or(self.slot, |shared| shared.place.index())
    }

    /// Whether the call names no logger, so that it reaches the thread's own default engine if there is one.
    pub(super) fn is_default(&self) -> bool {
        self.slot == global::SLOT && self.shared.is_none()
    }
}

/// Writes an event that its call site has let pass.
///
/// Inlined, so that the values go from registers into the ring; everything that is rarely needed is in one call that
/// is not.
#[inline(always)]
pub fn emit<L: AsEmitter + ?Sized, F: Fields>(
    log: &L,
    callsite: &'static Callsite,
    pass: Pass,
    level: Level,
    fields: F,
) {
    let to = log.emitter();
    // Before the lane is borrowed: the values of types of the caller's own may log.
    let sizes = (fields.plain_bytes(), fields.text_bytes());
    if pass.is_fast
        && let Some(mut lane) = own_lane(to.slot, to.engine)
        && lane.write_plain((pass.id, level), to.bound(), None, sizes, &fields).is_some()
    {
        return;
    }
    // The fields by value and the logger by reference: only this path needs the fields in memory, and the parts of the
    // emitter occupy no registers meanwhile.
    emit_cold(log, callsite, fields);
}

#[cold]
#[inline(never)]
fn emit_cold<L: AsEmitter + ?Sized, F: Fields>(log: &L, callsite: &'static Callsite, fields: F) {
    if ambient::is_suppressed() {
        return;
    }
    if !emit_plain_in_scope(log.emitter(), callsite, &fields) {
        emit_formatted(log.emitter(), &Ambient::current(), callsite, &fields);
    }
}

/// Writes a plain event of a thread that has an ambient context. Returns whether it has been written.
#[inline(always)]
fn emit_plain_in_scope<F: Fields>(
    to: Emitter<'_>,
    callsite: &'static Callsite,
    fields: &F,
) -> bool {
    if callsite.id() == 0 || callsite.keeps_share() {
        return false;
    }
    // Before the lane is borrowed, as in `emit`.
    let sizes = (fields.plain_bytes(), fields.text_bytes());
    let Some(mut lane) = own_lane_in_scope(to.slot, to.engine) else { return false };
    let site = (callsite.id(), callsite.metadata().level);
    if lane.write_plain(site, to.bound(), Some(&Ambient::current()), sizes, fields).is_some() {
        return true;
    }
    // The first event of a scope: many scopes, such as those of requests, have only one.
    lane.define_ambient(site.1) && emit_defined(&mut lane, site, to.bound(), sizes, fields)
}

/// Writes a plain event of a thread whose ambient context was just defined. Returns whether it has been written.
#[cold]
#[inline(never)]
fn emit_defined<F: Fields>(
    lane: &mut Lane,
    site: (u32, Level),
    bound: Option<&Context>,
    sizes: (usize, usize),
    fields: &F,
) -> bool {
    lane.write_plain(site, bound, Some(&Ambient::current()), sizes, fields).is_some()
}

/// The part of the cold path that does not depend on the type of the fields.
pub(crate) fn emit_formatted(
    to: Emitter<'_>,
    ambient: &Ambient,
    callsite: &'static Callsite,
    fields: &dyn Fields,
) {
    emit_in(to, Scope::new(to.bound(), ambient), callsite, fields);
}

/// Writes an event with these contexts.
pub(super) fn emit_in(
    to: Emitter<'_>,
    scope: Scope<'_>,
    callsite: &'static Callsite,
    fields: &dyn Fields,
) {
    let level = callsite.metadata().level;
    let mut write = |lane: &mut Lane| lane.write_formatted(callsite, scope, fields);
    let result = with_lane(to.slot, to.engine, write);
    if !result.is_some_and(WriteResult::is_done) {
        emit_on_any_lane(to, level, result, &mut write);
    }
}

/// Writes an event whose name and keys are known only at run time. `fill` may be called more than once.
pub(super) fn emit_dynamic(
    to: Emitter<'_>,
    level: Level,
    ambient: &Ambient,
    fill: &dyn Fn(&mut ValueWriter<'_>),
    pending: Option<PendingDecision<'_>>,
) {
    let header = Header::new(Kind::Dynamic, level);
    let scope = Scope::new(to.bound(), ambient);
    let mut write = |lane: &mut Lane| lane.write_shrinking(header, scope, fill, pending);
    let result = with_lane(to.slot, to.engine, write);
    if !result.is_some_and(WriteResult::is_done) {
        emit_on_any_lane(to, level, result, &mut write);
    }
}

/// Handles a thread's first event, a full ring, an event inside an event, and a thread that is ending.
pub(super) fn emit_on_any_lane(
    to: Emitter<'_>,
    level: Level,
    first: Option<WriteResult>,
    write: &mut dyn FnMut(&mut Lane) -> WriteResult,
) {
    let default;
    let shared = match to.shared {
        Some(shared) => shared,
        None => match thread_default::current().or_else(global::shared) {
            Some(found) => {
                default = found;
                &default
            }
            // The global engine has stopped since the verdict was read.
            None => return,
        },
    };
    if shared.link.is_closed() {
        return shared.count_loss_without_lane(level);
    }
    let policy = shared.overflow[level as usize];
    let has_lane = first.is_some();
    let mut first = first;
    let has_run = on_any_lane(shared, has_lane, &mut |lane| {
        let result = first.take().unwrap_or_else(|| write(lane));
        match result {
            WriteResult::Written | WriteResult::NotKept | WriteResult::Refused => {}
            WriteResult::TooLong => lane.lose(level),
            WriteResult::Full => overflow::retry(lane, &shared.link, policy, level, write),
        }
    });
    if !has_run {
        shared.count_loss_without_lane(level);
    }
}

/// Writes one of the engine's own events regardless of the filter and without waiting for space. Returns whether it was
/// written; a caller that does not try again counts it as lost.
pub(crate) fn emit_own(
    shared: &Arc<Shared>,
    callsite: &'static Callsite,
    fields: &dyn Fields,
) -> bool {
    let mut is_written = false;
    on_any_lane(shared, false, &mut |lane| {
        is_written = lane.write_formatted(callsite, Scope::NONE, fields) == WriteResult::Written;
    });
    is_written
}
