//! Call sites of other logging interfaces.
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::interner::Interner;
use super::writer::{EntriesOf, SiteWriter, ValuesOf};
use crate::core::callsite::{Callsite, Metadata};
use crate::core::level::Level;
use crate::emit::ambient::{self, Ambient};
use crate::emit::emitter::{Emitter, emit_in, emit_on_any_lane};
use crate::emit::lane::{Lane, Scope, WriteResult};
use crate::emit::lanes::with_lane;
use crate::emit::logger::{AsEmitter, Logger};
use ringseal_base::own_thread;

/// What a foreign call site states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SiteMeta<'a> {
    pub(super) level: Level,
    pub(super) target: &'a str,
    pub(super) name: &'a str,
    file: &'a str,
    line: u32,
    keys: &'a [&'a str],
    message: Option<&'a str>,
}

impl<'a> SiteMeta<'a> {
    /// A site without keys. `name` is the event's name if it has no message; filters read `target`.
    pub const fn new(level: Level, target: &'a str, name: &'a str) -> Self {
        SiteMeta { level, target, name, file: "", line: 0, keys: &[], message: None }
    }

    /// With this place in the source.
    #[must_use]
    pub const fn at(self, file: &'a str, line: u32) -> Self {
        SiteMeta { file, line, ..self }
    }

    /// With these keys, in the order in which their values are written. Without keys, each event brings its keys.
    #[must_use]
    pub const fn keys(self, keys: &'a [&'a str]) -> Self {
        SiteMeta { keys, ..self }
    }

    /// The value of this key is shown as the event's name.
    #[must_use]
    pub const fn message(self, key: &'a str) -> Self {
        SiteMeta { message: Some(key), ..self }
    }

    /// The same, with texts that are never freed.
    pub(super) fn leak(&self) -> SiteMeta<'static> {
        let text = |text: &str| -> &'static str { Box::leak(Box::from(text)) };
        let keys: Vec<&'static str> = self.keys.iter().map(|key| text(key)).collect();
        SiteMeta {
            level: self.level,
            target: text(self.target),
            name: text(self.name),
            file: text(self.file),
            line: self.line,
            keys: Box::leak(keys.into()),
            message: self.message.map(text),
        }
    }

    /// File and line.
    pub(super) fn place(&self) -> (&'a str, u32) {
        (self.file, self.line)
    }

    /// Whether an event can be the list of the keys' values.
    fn has_plain_keys(&self) -> bool {
        let is_first = |index: usize, key: &str| self.keys[..index].iter().all(|own| *own != key);
        let is_plain = |(index, key): (usize, &&str)| !key.is_empty() && is_first(index, key);
        !self.keys.is_empty() && self.keys.iter().enumerate().all(is_plain)
    }
}

/// A call site of another logging interface; see the [module](crate::bridge).
#[derive(Debug)]
pub struct Site {
    callsite: Callsite,
    /// Whether an event is the values of the site's keys; otherwise it has its keys with it.
    has_keys: bool,
    message_key: Option<&'static str>,
    name: &'static str,
    /// Bytes that events have taken so far.
    payload_bytes: AtomicU32,
}

/// The first guess of an event's bytes.
const PAYLOAD_BYTES_FIRST: u32 = 128;
/// Events that take more bytes than this get them in a second attempt.
const PAYLOAD_BYTES_MAX: u32 = 4096;

static SITES: Interner<Site> = Interner::new();

/// Events that were dropped because libraries logged them on a thread of the engine.
static SUPPRESSED: AtomicU64 = AtomicU64::new(0);

/// How many events of other logging interfaces were dropped in this process because a thread of the engine logged them.
pub fn suppressed_events() -> u64 {
    // ORDER: relaxed; a count.
    SUPPRESSED.load(Ordering::Relaxed)
}

/// Whether this is a thread of the engine: what is logged here through other interfaces is dropped, and counted now.
#[inline]
pub(in crate::emit) fn is_own_thread() -> bool {
    let is_marked = own_thread::is_marked();
    if is_marked {
        // ORDER: relaxed; a count.
        SUPPRESSED.fetch_add(1, Ordering::Relaxed);
    }
    is_marked
}

impl Site {
    /// The site of this description, made if there is none. `None` if there are too many sites.
    ///
    /// Takes a lock; a bridge keeps the result where it finds it again quickly.
    pub fn intern(meta: &SiteMeta<'_>) -> Option<&'static Site> {
        SITES.get(meta, Site::new)
    }

    /// The same for a description whose texts live as long as the process: they are not copied, and a key that is the
    /// same text is found by its address.
    pub fn intern_static(meta: &SiteMeta<'static>) -> Option<&'static Site> {
        SITES.get_static(meta, Site::new)
    }

    fn new(meta: SiteMeta<'static>) -> Site {
        let has_keys = meta.has_plain_keys();
        let SiteMeta { level, target, name, file, line, .. } = meta;
        let keys: &'static [&'static str] = if has_keys { meta.keys } else { &[] };
        let metadata = Metadata { level, event: name, target, file, line, keys };
        let message = keys.iter().position(|key| Some(*key) == meta.message);
        Site {
            callsite: Callsite::foreign(metadata, message),
            has_keys,
            message_key: meta.message,
            name,
            payload_bytes: AtomicU32::new(PAYLOAD_BYTES_FIRST),
        }
    }

    /// The level of the site's events.
    pub fn level(&self) -> Level {
        self.callsite.metadata().level
    }

    /// The target of the site's events.
    pub fn target(&self) -> &'static str {
        self.callsite.metadata().target
    }

    /// Whether the filter lets the site's events pass. Costs one load, after the site's first event.
    #[inline]
    pub fn is_enabled(&'static self, log: &Logger) -> bool {
        let shared = &log.shared;
        self.callsite.enabled(shared.slot) && shared.passes_in_shared_slot(&self.callsite)
    }

    /// Logs an event if it is to be logged. `fill` writes its values; it may be called more than once.
    #[inline]
    pub fn emit(&'static self, log: &Logger, fill: &dyn Fn(&mut SiteWriter<'_, '_>)) {
        if log.pass(&self.callsite).is_some() {
            self.emit_passed(log, fill);
        }
    }

    #[inline(never)]
    fn emit_passed(&'static self, log: &Logger, fill: &dyn Fn(&mut SiteWriter<'_, '_>)) {
        if is_own_thread() || ambient::is_suppressed() {
            return;
        }
        let (to, ambient) = (log.emitter(), Ambient::current());
        let scope = Scope::new(to.bound(), &ambient);
        let values = ValuesOf::new(self, fill);
        if self.has_keys {
            emit_in(to, scope, &self.callsite, &values);
            if !values.is_refused() {
                return;
            }
        }
        self.emit_entries(to, scope, fill);
    }

    /// Logs an event whose keys are in its record.
    fn emit_entries(
        &'static self,
        to: Emitter<'_>,
        scope: Scope<'_>,
        fill: &dyn Fn(&mut SiteWriter<'_, '_>),
    ) {
        let entries = EntriesOf::new(self, fill);
        let mut write = |lane: &mut Lane| lane.write_entries(&self.callsite, scope, &entries);
        let result = with_lane(to.slot, to.engine, write);
        if !result.is_some_and(WriteResult::is_done) {
            emit_on_any_lane(to, self.level(), result, &mut write);
        }
    }

    pub(super) fn keys(&self) -> &'static [&'static str] {
        self.callsite.metadata().keys
    }

    pub(super) fn message(&self) -> Option<usize> {
        self.callsite.message()
    }

    pub(super) fn message_key(&self) -> Option<&'static str> {
        self.message_key
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// The bytes to grant to an event.
    pub(super) fn payload_bytes(&self) -> usize {
        // ORDER: relaxed; a guess.
        self.payload_bytes.load(Ordering::Relaxed) as usize
    }

    /// Notes the bytes of an event.
    #[inline]
    pub(super) fn learn(&self, bytes: usize) {
        if bytes > self.payload_bytes() && bytes <= PAYLOAD_BYTES_MAX as usize {
            // ORDER: relaxed; a guess.
            self.payload_bytes.store((bytes as u32).next_multiple_of(64), Ordering::Relaxed);
        }
    }
}
