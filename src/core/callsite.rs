//! Call sites: one static per macro invocation, with its constant data and its verdict.
//!
//! Promises: a disabled call is one relaxed load and a branch. An enabled call tests one more bit of the same word,
//! which is set if a further check is needed, and finds the site's id in that word. Only the registration at a site's
//! first call takes a lock and allocates.
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use ringseal_base::value::ECS_OBJECTS;

use super::level::Level;
use super::registry;
use super::sampling::site_plan::{SitePlan, SitePlans};
use super::sampling::trace;

/// The slot of the engine that calls without a logger use.
pub const GLOBAL_SLOT: usize = 0;

/// The slot, and the bit in every verdict, of the engines for which no own bit is left. Each call to one of them takes
/// the slow path, which asks the engine itself.
pub const SHARED_SLOT: usize = 28;

/// How many slots a verdict has.
pub const SLOTS: usize = SHARED_SLOT + 1;

/// The bit that no verdict sets: with it, not even a site that every engine enables looks like an unregistered one.
const NEVER_SET: u32 = 1 << SLOTS;

/// Whether the global engine enables the event. The bit of its slot is also set while a thread has a default engine for
/// calls without a logger.
const GLOBAL_PASSES: u32 = 1 << 30;

/// The bit that requires a further check of an enabled call: the site is not registered yet, some engine samples its
/// events, an engine in the shared slot enables it, or a thread has its own default engine.
const DECIDE: u32 = 1 << 31;

/// The verdict before the site is registered: every call takes the slow path.
const UNREGISTERED: u32 = u32::MAX;

const _: () = assert!(NEVER_SET & (GLOBAL_PASSES | DECIDE) == 0 && NEVER_SET < GLOBAL_PASSES);

/// The constant data of a call site.
#[derive(Debug, Clone, Copy)]
pub struct Metadata {
    /// Severity.
    pub level: Level,
    /// The event's name.
    pub event: &'static str,
    /// The target: the path of the module unless `target:` sets it.
    pub target: &'static str,
    /// Source file.
    pub file: &'static str,
    /// Line in it, from 1.
    pub line: u32,
    /// The fields' keys, in the order of the values.
    pub keys: &'static [&'static str],
}

/// One macro invocation.
#[derive(Debug)]
pub struct Callsite {
    /// The verdict in the lower half, the id in the upper half: one load gives both.
    word: AtomicU64,
    id: AtomicU32,
    /// Whether some engine keeps only a share of the site's events.
    keeps_share: AtomicBool,
    has_sampling_key: bool,
    /// The field whose value is shown as the event's name.
    message: u16,
    metadata: Metadata,
    plans: SitePlans,
}

/// No field is shown as the event's name.
const NO_MESSAGE: u16 = u16::MAX;
/// The same for a call site of another logging interface.
const FOREIGN_WITHOUT_MESSAGE: u16 = u16::MAX - 1;

impl Callsite {
    /// An unregistered call site.
    ///
    /// # Panics
    /// At compile time, if the event's name looks like a format string or a key is repeated.
    pub const fn new(metadata: Metadata) -> Self {
        assert!(
            !has_brace(metadata.event),
            "an event's name must be a constant, not a format string; put variable data in fields: \
             info!(\"order_filled\", id = id, state = ?state)"
        );
        assert!(!metadata.event.is_empty(), "an event needs a name; this one is empty");
        check_keys(metadata.keys);
        Self::unchecked(metadata, NO_MESSAGE)
    }

    /// The call site of a program that logs otherwise. Its name and target may be any text. The value of the field with
    /// the index `message` is shown as the event's name. Without keys, each event has keys with it.
    pub(crate) fn foreign(metadata: Metadata, message: Option<usize>) -> Self {
        let index = message.and_then(|index| u16::try_from(index).ok());
        let index = index.filter(|index| *index < FOREIGN_WITHOUT_MESSAGE);
        let mut site = Self::unchecked(metadata, index.unwrap_or(FOREIGN_WITHOUT_MESSAGE));
        site.has_sampling_key |= site.has_free_keys();
        site
    }

    /// The call site of another process. Its name and keys may be any texts. An index of a message that has no key is
    /// ignored, and so is that of a site of the macros.
    pub(crate) fn adopted(metadata: Metadata, is_foreign: bool, message: Option<usize>) -> Self {
        if is_foreign {
            Self::foreign(metadata, message.filter(|&index| index < metadata.keys.len()))
        } else {
            Self::unchecked(metadata, NO_MESSAGE)
        }
    }

    const fn unchecked(metadata: Metadata, message: u16) -> Self {
        Self {
            word: AtomicU64::new(UNREGISTERED as u64),
            id: AtomicU32::new(0),
            keeps_share: AtomicBool::new(false),
            has_sampling_key: has_sampling_key(metadata.keys),
            message,
            metadata,
            plans: SitePlans::new(),
        }
    }

    /// The index of the field whose value is shown as the event's name.
    #[inline]
    pub(crate) fn message(&self) -> Option<usize> {
        (self.message < FOREIGN_WITHOUT_MESSAGE).then_some(usize::from(self.message))
    }

    /// Whether it belongs to another logging interface, so that its target may be a text of run time.
    pub(crate) fn is_foreign(&self) -> bool {
        self.message != NO_MESSAGE
    }

    /// Whether each event has keys with it.
    pub(crate) fn has_free_keys(&self) -> bool {
        self.is_foreign() && self.metadata.keys.is_empty()
    }

    /// The constant data.
    #[inline(always)]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Whether the engine in `slot`, or some engine in the shared slot, enables this event, sampling aside.
    #[inline(always)]
    pub fn enabled(&'static self, slot: usize) -> bool {
        self.pass(slot, || self.resolve(slot).then(|| self.decided())).is_some()
    }

    /// Lets the event pass if the engine in `slot` enables it. If the verdict requires a further check, calls `decide`,
    /// which is not inlined, calls [`Callsite::resolve`] first, and lets the event pass by [`Callsite::decided`].
    #[inline(always)]
    pub fn pass(&'static self, slot: usize, decide: impl FnOnce() -> Option<Pass>) -> Option<Pass> {
        // ORDER: relaxed; a stale verdict only logs or drops an event of that moment. Other data that an enabled call
        // reads is published by other means.
        let word = self.word.load(Ordering::Relaxed);
        let verdict = word as u32;
        if verdict & (1 << (slot as u32 & 31)) == 0 {
            return None;
        }
        if verdict & DECIDE == 0 {
            return Some(Pass { id: (word >> 32) as u32, is_fast: true });
        }
        decide()
    }

    /// Lets an event pass that a further check has let pass.
    pub fn decided(&self) -> Pass {
        // ORDER: acquire pairs with the release store in `set_verdict`: what belongs to the verdict is seen, too.
        let word = self.word.load(Ordering::Acquire);
        // The verdict may be another one than that which led here, even that of an unregistered site.
        let id = (word >> 32) as u32;
        Pass { id, is_fast: id != 0 && !self.keeps_share() }
    }

    /// Registers the site if necessary, and returns whether the engine in `slot` enables this event, sampling aside.
    #[inline(always)]
    pub fn resolve(&'static self, slot: usize) -> bool {
        // ORDER: relaxed; see `pass`.
        match self.word.load(Ordering::Relaxed) as u32 {
            UNREGISTERED => registry::register(self, slot),
            verdict => verdict & Verdict::resolved_bit(slot) != 0,
        }
    }

    /// The sampling plan of the engine in `place` of the registry, if it ever had one.
    #[inline(always)]
    pub fn plan(&self, place: usize) -> Option<&SitePlan> {
        self.plans.of(place)
    }

    /// Whether a field may decide about sampling, by its key: a trace id, or the type of a domain event.
    #[inline]
    pub fn has_sampling_key(&self) -> bool {
        self.has_sampling_key
    }

    /// The id, from 1; 0 before the site is registered.
    #[inline(always)]
    pub fn id(&self) -> u32 {
        // ORDER: relaxed; `pass` has seen a verdict, and the id never changes once set. The caller assigns one if it
        // sees a zero.
        self.id.load(Ordering::Relaxed)
    }

    /// Whether some engine keeps only a share of the site's events.
    #[inline]
    pub fn keeps_share(&self) -> bool {
        // ORDER: relaxed; a stale value is one of the moment before.
        self.keeps_share.load(Ordering::Relaxed)
    }

    pub(super) fn set_id(&self, id: u32) {
        // ORDER: relaxed; the release store of the word follows.
        self.id.store(id, Ordering::Relaxed);
    }

    pub(super) fn plans(&self) -> &SitePlans {
        &self.plans
    }

    pub(super) fn set_verdict(&self, verdict: Verdict) {
        // ORDER: relaxed; see `keeps_share`.
        self.keeps_share.store(verdict.keeps_share, Ordering::Relaxed);
        let word = u64::from(verdict.bits) | u64::from(self.id()) << 32;
        // ORDER: release, so that a thread that sees the verdict through `register`'s lock also sees the id; the
        // relaxed load in `pass` needs nothing that was written before.
        self.word.store(word, Ordering::Release);
    }
}

/// An event that its call site's verdict has let pass.
#[derive(Debug, Clone, Copy)]
pub struct Pass {
    /// The call site's id, if the fast path may write the event.
    pub(crate) id: u32,
    /// Whether the fast path may write it: nothing has to be appended to the values.
    pub(crate) is_fast: bool,
}

/// Which engines enable a site's events, and how they are decided.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Verdict {
    bits: u32,
    /// An engine keeps only a share of the events.
    keeps_share: bool,
}

impl Verdict {
    /// The bit that decides for the engine in `slot` once the site is registered.
    fn resolved_bit(slot: usize) -> u32 {
        if slot == GLOBAL_SLOT { GLOBAL_PASSES } else { 1 << (slot as u32 & 31) }
    }

    /// Whether the engine in `slot`, or some engine in the shared slot, enables the events.
    pub(super) fn passes(self, slot: usize) -> bool {
        self.bits & Self::resolved_bit(slot) != 0
    }

    /// The engine in `slot` enables the events.
    pub(super) fn enable(&mut self, slot: usize) {
        self.bits |= 1 << (slot as u32 & 31) | Self::resolved_bit(slot);
        if slot == SHARED_SLOT {
            self.require_decision();
        }
    }

    /// An enabled call takes the slow path.
    pub(super) fn require_decision(&mut self) {
        self.bits |= DECIDE;
    }

    /// Every call without a logger takes the slow path, whether the global engine enables it or not.
    pub(super) fn decide_global_calls(&mut self) {
        self.bits |= 1 << GLOBAL_SLOT | DECIDE;
    }

    /// An engine keeps only a share of the events.
    pub(super) fn keep_share(&mut self) {
        self.keeps_share = true;
    }
}

const fn has_sampling_key(keys: &[&str]) -> bool {
    let mut index = 0;
    while index < keys.len() {
        if same(keys[index], super::keys::EVENT_TYPE) {
            return true;
        }
        let mut known = 0;
        while known < trace::KEYS.len() {
            if same(keys[index], trace::KEYS[known]) {
                return true;
            }
            known += 1;
        }
        index += 1;
    }
    false
}

/// Rejects empty and repeated keys, at compile time.
pub const fn check_keys(keys: &[&str]) {
    let mut index = 0;
    while index < keys.len() {
        assert!(!keys[index].is_empty(), "a field needs a key; this one is empty");
        let mut other = 0;
        while other < index {
            if same(keys[index], keys[other]) {
                refuse("duplicate key `", keys[index], "`");
            }
            other += 1;
        }
        index += 1;
    }
}

/// Rejects, at compile time, keys that the events of a span have themselves.
pub const fn check_span_keys(keys: &[&str], members: &[&str]) {
    let mut index = 0;
    while index < keys.len() {
        let mut member = 0;
        while member < members.len() {
            if same(keys[index], members[member]) {
                refuse(
                    "the events of a span have `",
                    keys[index],
                    "` themselves: give this field another key",
                );
            }
            member += 1;
        }
        index += 1;
    }
}

/// Panics with a text of three parts; in constant evaluation, `panic!` itself can only print one.
pub const fn refuse(before: &str, key: &str, after: &str) -> ! {
    const BYTES_MAX: usize = 512;
    let (mut text, mut len) = ([b' '; BYTES_MAX], 0);
    let parts = [before.as_bytes(), key.as_bytes(), after.as_bytes()];
    let mut part = 0;
    while part < parts.len() {
        let mut index = 0;
        while index < parts[part].len() && len < BYTES_MAX {
            text[len] = parts[part][index];
            (index, len) = (index + 1, len + 1);
        }
        part += 1;
    }
    match std::str::from_utf8(text.split_at(len).0) {
        Ok(text) => panic!("{}", text),
        Err(_) => panic!("a key that cannot be used"),
    }
}

const fn has_brace(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut index = 0;
    while index < bytes.len() {
        if bytes[index] == b'{' || bytes[index] == b'}' {
            return true;
        }
        index += 1;
    }
    false
}

/// Whether two texts are the same, at compile time.
pub const fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut index = 0;
    while index < one.len() {
        if one[index] != other[index] {
            return false;
        }
        index += 1;
    }
    true
}

/// Whether `key` names an object of the Elastic Common Schema; at compile time in the macros.
pub const fn is_ecs_object(key: &str) -> bool {
    let mut index = 0;
    while index < ECS_OBJECTS.len() {
        if same(key, ECS_OBJECTS[index]) {
            return true;
        }
        index += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each of its calls would take the registry's lock.
    #[test]
    fn no_verdict_makes_a_registered_site_look_unregistered() {
        let mut verdict = Verdict::default();
        (0..SLOTS).for_each(|slot| verdict.enable(slot));
        verdict.require_decision();
        verdict.keep_share();
        for is_replaced in [false, true] {
            if is_replaced {
                verdict.decide_global_calls();
            }
            assert_ne!(verdict.bits, UNREGISTERED, "replaced for a thread: {is_replaced}");
            assert!((0..SLOTS).all(|slot| verdict.passes(slot)));
        }
    }
}
