//! A span: its fields, its ids, and its lines.
//!
//! Promises: a span that records fields late shows them on all later events inside of it and inside of the spans below
//! it, on every thread. If no span of the process has recorded since the last look, one comparison says so.
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ringseal::bridge::BridgedSpan;
use ringseal::{BoundFields, Context, ContextScope, Logger, Span, SpanLines};

/// How often any span of the process has recorded fields.
static RECORDS: AtomicU64 = AtomicU64::new(1);

/// How often any span of the process has recorded fields.
#[inline]
pub(crate) fn records() -> u64 {
    // ORDER: acquire pairs with the release in `SpanState::record`: who sees the count sees the fields.
    RECORDS.load(Ordering::Acquire)
}

/// The state of a span that is not closed.
#[derive(Debug)]
pub(crate) struct SpanState {
    /// Its lines; `None` if it has none.
    span: Option<Span>,
    /// The context in which it began, with its ids.
    base: Context,
    own: Mutex<Option<BoundFields>>,
    /// How often it has recorded fields.
    version: AtomicU64,
    inside: Mutex<Inside>,
    /// The span around this one, which ends after it.
    parent: Option<Arc<SpanState>>,
}

/// The context inside of a span.
#[derive(Debug)]
struct Inside {
    context: Context,
    seen: Seen,
}

/// What a context shows of what spans have recorded. If it shows more, that is added again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// The count of records when it was last compared.
    records: u64,
    /// The sum of the versions of the span and its ancestors when it was made.
    versions: u64,
}

impl Seen {
    /// What a context shows that is made inside of this span after this call.
    pub(crate) fn inside_of(span: Option<&SpanState>) -> Seen {
        span.map_or_else(|| Seen { records: records(), versions: 0 }, |span| span.inside().seen)
    }
}

impl Drop for SpanState {
    /// Ends the spans around it one after the other: a chain of them may be longer than the thread's stack.
    fn drop(&mut self) {
        self.span.take();
        let mut outer = self.parent.take();
        while let Some(mut state) = outer.and_then(Arc::into_inner) {
            state.span.take();
            outer = state.parent.take();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SpanState {
    /// Begins a span in the current context, which shows what is `seen` of its parent.
    pub(crate) fn begin(
        log: &Logger,
        lines: Option<(&'static BridgedSpan, SpanLines)>,
        fields: Option<BoundFields>,
        (parent, seen): (Option<Arc<SpanState>>, Seen),
    ) -> SpanState {
        let span = lines.map(|(site, lines)| site.begin(log, fields.clone(), Some(lines)));
        let base = match &span {
            Some(span) => span.context(),
            None => Context::current().child(),
        };
        let context = match &fields {
            Some(fields) => base.with(fields.clone()),
            None => base.clone(),
        };
        let inside = Mutex::new(Inside { context, seen });
        let own = Mutex::new(fields);
        SpanState { span, base, own, version: AtomicU64::new(0), inside, parent }
    }

    /// Adds fields.
    pub(crate) fn record(&self, fields: &BoundFields) {
        if let Some(span) = &self.span {
            span.record(fields.clone());
        }
        let mut own = lock(&self.own);
        *own = Some(match own.take() {
            Some(before) => before.with(fields),
            None => fields.clone(),
        });
        drop(own);
        // ORDER: relaxed; the release below publishes it.
        self.version.fetch_add(1, Ordering::Relaxed);
        // ORDER: release pairs with the acquire in `records`.
        RECORDS.fetch_add(1, Ordering::Release);
    }

    /// This span and those around it, the innermost first.
    fn chain(&self) -> impl Iterator<Item = &SpanState> {
        std::iter::successors(Some(self), |span| span.parent.as_deref())
    }

    /// The sum of the versions of this span and those around it.
    pub(crate) fn versions(&self) -> u64 {
        // ORDER: relaxed; `records` has acquired what belongs to the versions.
        self.chain().map(|span| span.version.load(Ordering::Relaxed)).sum()
    }

    /// The fields of this span and those around it.
    pub(crate) fn fields(&self) -> Option<BoundFields> {
        let mut all: Option<BoundFields> = None;
        for span in self.chain() {
            let own = lock(&span.own).clone();
            all = match (own, all) {
                (Some(outer), Some(inner)) => Some(outer.with(&inner)),
                (outer, inner) => inner.or(outer),
            };
        }
        all
    }

    /// The context inside of the span, with what its ancestors have recorded.
    fn inside(&self) -> MutexGuard<'_, Inside> {
        let mut inside = lock(&self.inside);
        let records = records();
        if inside.seen.records != records {
            let versions = self.versions();
            if inside.seen.versions != versions {
                inside.context = match self.fields() {
                    Some(fields) => self.base.with(fields),
                    None => self.base.clone(),
                };
            }
            inside.seen = Seen { records, versions };
        }
        inside
    }

    /// Enters the context inside of the span; also returns the count of records and the versions that it has.
    pub(crate) fn enter(&self) -> (ContextScope, u64, u64) {
        let inside = self.inside();
        (inside.context.enter(), inside.seen.records, inside.seen.versions)
    }

    /// The context inside of the span.
    pub(crate) fn context(&self) -> Context {
        self.inside().context.clone()
    }
}
