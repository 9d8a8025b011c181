//! A subscriber that stands alone.
//!
//! Promises: spans are found by their ids without a lock. A span closes when its last handle is dropped, on whichever
//! thread; its parent stays open until then.
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ringseal::Logger;
use sharded_slab::{Config, DefaultConfig, Entry, Slab};
use tracing_core::dispatcher::{self, Dispatch, SetGlobalDefaultError};
use tracing_core::span::{Attributes, Current, Id, Record};
use tracing_core::subscriber::Interest;
use tracing_core::{Event, LevelFilter, Metadata};

use super::bridge::{Bridge, Parent, count_unknown, passes};
use super::current;
use super::options::Options;
use super::span::SpanState;

/// A subscriber of `tracing` that logs with the engine of `log`. Made by [`subscriber`].
pub struct Subscriber {
    bridge: Bridge,
    spans: Slab<Kept, Spans>,
}

/// Leaves the highest bits of an id to the tag of the subscriber.
#[derive(Debug)]
struct Spans;

impl Config for Spans {
    /// Threads that have begun spans and are alive; the slab panics beyond it.
    const MAX_THREADS: usize = if IS_WIDE { 1 << 14 } else { DefaultConfig::MAX_THREADS };
    /// Room for 8 million spans of each thread at a time.
    const MAX_PAGES: usize = if IS_WIDE { 18 } else { DefaultConfig::MAX_PAGES };
    const RESERVED_BITS: usize = if IS_WIDE { TAG_BITS as usize } else { 0 };
}

/// Whether ids and keys have the same width.
const IS_WIDE: bool = usize::BITS == u64::BITS;
const TAG_BITS: u32 = 14;

/// A span, and how many handles it has.
#[derive(Debug)]
struct Kept {
    metadata: &'static Metadata<'static>,
    state: Arc<SpanState>,
    handles: AtomicUsize,
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber").field("bridge", &self.bridge).finish_non_exhaustive()
    }
}

/// A subscriber that logs with the engine of `log`, and with the fields that are bound to it.
///
/// ```
/// use ringseal::testing::Capture;
/// let (engine, capture) = Capture::start();
/// tracing::subscriber::with_default(ringseal_tracing::subscriber(engine.logger()), || {
///     tracing::warn!(current = 45, limit = 50, "rate limit near");
/// });
/// assert_eq!(capture.event("rate limit near")["current"], 45);
/// ```
pub fn subscriber(log: Logger) -> Subscriber {
    Subscriber { bridge: Bridge::new(log, Options::new()), spans: Slab::new_with_config() }
}

/// Makes a [`subscriber`] the one of the whole process.
///
/// # Errors
/// If the process has one already.
pub fn init(log: Logger) -> Result<(), SetGlobalDefaultError> {
    dispatcher::set_global_default(Dispatch::new(subscriber(log)))
}

impl Subscriber {
    /// The same with these options.
    ///
    /// ```
    /// use ringseal::testing::Capture;
    /// use ringseal_tracing::{Options, SpanEvents};
    /// let (engine, capture) = Capture::start();
    /// let options = Options::new().span_lines(SpanEvents::Off);
    /// let subscriber = ringseal_tracing::subscriber(engine.logger()).with_options(options);
    /// tracing::subscriber::with_default(subscriber, || drop(tracing::info_span!("query")));
    /// assert!(capture.events().iter().all(|event| event.name() != "span.end"));
    /// ```
    #[must_use]
    pub fn with_options(self, options: Options) -> Subscriber {
        Subscriber { bridge: self.bridge.with_options(options), ..self }
    }

    /// What the ids of this subscriber's spans have in their highest bits, so that a span of another one is unknown.
    fn tag(&self) -> u64 {
        self.bridge.instance << (u64::BITS - TAG_BITS)
    }

    /// The id of a span. Never zero.
    fn id(&self, key: usize) -> Id {
        Id::from_u64((key as u64 | self.tag()) + 1)
    }

    /// The span, if it is one of this subscriber.
    fn kept(&self, id: &Id) -> Option<Entry<'_, Kept, Spans>> {
        self.spans.get(self.key(id)?)
    }

    fn key(&self, id: &Id) -> Option<usize> {
        let key = (id.into_u64() - 1) ^ self.tag();
        (key >> (u64::BITS - TAG_BITS) == 0).then_some(key as usize)
    }

    fn state(&self, id: &Id) -> Option<Arc<SpanState>> {
        let state = self.kept(id).map(|kept| Arc::clone(&kept.state));
        if state.is_none() {
            count_unknown();
        }
        state
    }

    fn parent(&self, is_contextual: bool, id: Option<&Id>) -> Parent {
        if is_contextual {
            return Parent::Current;
        }
        id.and_then(|id| self.state(id)).map_or(Parent::Root, Parent::Span)
    }
}

impl tracing_core::Subscriber for Subscriber {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.bridge.interest(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.bridge.max_level())
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        passes(&self.bridge.log, metadata)
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let parent = self.parent(attributes.is_contextual(), attributes.parent());
        let state = self.bridge.new_span(attributes, parent);
        let metadata = attributes.metadata();
        let kept = Kept { metadata, state, handles: AtomicUsize::new(1) };
        match self.spans.insert(kept) {
            Some(key) => self.id(key),
            // More spans than the slab can hold: this one has no state.
            None => {
                count_unknown();
                Id::from_u64(u64::MAX)
            }
        }
    }

    fn record(&self, id: &Id, record: &Record<'_>) {
        if let Some(state) = self.state(id) {
            Bridge::record(&state, record);
        }
    }

    fn record_follows_from(&self, _id: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        if event.is_contextual() {
            return self.bridge.event(event, Parent::Current);
        }
        self.bridge.event(event, self.parent(false, event.parent()));
    }

    fn enter(&self, id: &Id) {
        if let Some(state) = self.state(id) {
            current::enter(self.bridge.instance, id.into_u64(), state);
        }
    }

    fn exit(&self, id: &Id) {
        if !current::leave(self.bridge.instance, id.into_u64()) {
            count_unknown();
        }
    }

    fn clone_span(&self, id: &Id) -> Id {
        match self.kept(id) {
            // ORDER: relaxed; the caller has a handle, so the count is not zero.
            Some(kept) => drop(kept.handles.fetch_add(1, Ordering::Relaxed)),
            None => count_unknown(),
        }
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let Some(kept) = self.kept(&id) else {
            count_unknown();
            return false;
        };
        // ORDER: release pairs with the acquire of the thread that closes the span.
        if kept.handles.fetch_sub(1, Ordering::Release) != 1 {
            return false;
        }
        // ORDER: acquire pairs with the release of the other handles.
        std::sync::atomic::fence(Ordering::Acquire);
        let state = Arc::clone(&kept.state);
        drop(kept);
        if let Some(key) = self.key(&id) {
            self.spans.remove(key);
        }
        // The line of the span is written here, unless a thread is still inside of it or a span inside of it is open.
        drop(state);
        true
    }

    fn current_span(&self) -> Current {
        let Some((id, _)) = current::innermost(self.bridge.instance) else {
            return Current::none();
        };
        let id = Id::from_u64(id);
        match self.kept(&id) {
            Some(kept) => Current::new(id, kept.metadata),
            None => Current::none(),
        }
    }
}
