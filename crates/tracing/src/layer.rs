//! A layer for registries, and the filter that belongs to it.
//!
//! Promises: as [`Subscriber`](crate::Subscriber), with the spans in the registry. The layer alone never disables an
//! event for other layers; with [`filter`] as its filter, an event that the engine's filter disables costs nothing if
//! no other layer wants it.
use std::fmt;
use std::sync::Arc;

use ringseal::Logger;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::subscriber::Interest;
use tracing_core::{Event, LevelFilter, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter as LayerFilter};
use tracing_subscriber::registry::LookupSpan;

use super::bridge::{Bridge, Parent, count_unknown, max_level, passes};
use super::current;
use super::options::Options;
use super::span::SpanState;

/// A layer that logs with an engine. Made by [`layer`].
pub struct Layer {
    bridge: Bridge,
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layer").field("bridge", &self.bridge).finish()
    }
}

/// A layer that logs with the engine of `log`, and with the fields that are bound to it.
///
/// ```
/// use ringseal::testing::Capture;
/// use tracing_subscriber::prelude::*;
/// let (engine, capture) = Capture::start();
/// let log = engine.logger();
/// let ours = ringseal_tracing::layer(log.clone()).with_filter(ringseal_tracing::filter(log));
/// let others = tracing_subscriber::fmt::layer().with_writer(std::io::sink);
/// tracing::subscriber::with_default(tracing_subscriber::registry().with(ours).with(others), || {
///     tracing::info_span!("request", id = 7).in_scope(|| tracing::info!("handled"));
/// });
/// assert_eq!(capture.event("handled")["id"], 7);
/// ```
pub fn layer(log: Logger) -> Layer {
    Layer { bridge: Bridge::new(log, Options::new()) }
}

impl Layer {
    /// The same with these options.
    #[must_use]
    pub fn with_options(self, options: Options) -> Layer {
        Layer { bridge: self.bridge.with_options(options) }
    }

    /// Whether the registry knows the span; counts it if not.
    fn with_state<S>(&self, id: &Id, context: &Context<'_, S>) -> Option<Arc<SpanState>>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let span = context.span(id);
        let found = span.as_ref().and_then(|span| {
            span.extensions().get::<Kept>().and_then(|kept| kept.of(self.bridge.instance))
        });
        // A span that a filter hides from this layer has no state here.
        if span.is_none() {
            count_unknown();
        }
        found
    }

    fn parent<S>(&self, is_contextual: bool, id: Option<&Id>, context: &Context<'_, S>) -> Parent
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        if is_contextual {
            return Parent::Current;
        }
        id.and_then(|id| self.with_state(id, context)).map_or(Parent::Root, Parent::Span)
    }
}

/// The states of a span in the layers of several engines.
#[derive(Debug, Default)]
struct Kept(Vec<(u64, Arc<SpanState>)>);

impl Kept {
    fn of(&self, instance: u64) -> Option<Arc<SpanState>> {
        let found = self.0.iter().find(|(of, _)| *of == instance)?;
        Some(Arc::clone(&found.1))
    }
}

impl<S> tracing_subscriber::Layer<S> for Layer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let parent = self.parent(attributes.is_contextual(), attributes.parent(), &context);
        let state = self.bridge.new_span(attributes, parent);
        let Some(span) = context.span(id) else { return count_unknown() };
        let mut extensions = span.extensions_mut();
        match extensions.get_mut::<Kept>() {
            Some(kept) => kept.0.push((self.bridge.instance, state)),
            None => extensions.insert(Kept(vec![(self.bridge.instance, state)])),
        }
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        if let Some(state) = self.with_state(id, &context) {
            Bridge::record(&state, record);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if event.is_contextual() {
            return self.bridge.event(event, Parent::Current);
        }
        self.bridge.event(event, self.parent(false, event.parent(), &context));
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some(state) = self.with_state(id, &context) {
            current::enter(self.bridge.instance, id.into_u64(), state);
        }
    }

    fn on_exit(&self, id: &Id, _context: Context<'_, S>) {
        current::leave(self.bridge.instance, id.into_u64());
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return count_unknown() };
        let mut extensions = span.extensions_mut();
        let state = extensions.get_mut::<Kept>().and_then(|kept| {
            let index = kept.0.iter().position(|(of, _)| *of == self.bridge.instance)?;
            Some(kept.0.swap_remove(index))
        });
        drop(extensions);
        // The line of the span is written here, outside of the registry's lock.
        drop(state);
    }
}

/// The engine's filter, as the filter of its [`layer`]. Made by [`filter`].
#[derive(Debug, Clone)]
pub struct Filter {
    log: Logger,
}

/// The engine's filter for its [`layer`], so that what the engine does not log costs it nothing. See [`layer`] for an
/// example.
pub fn filter(log: Logger) -> Filter {
    Filter { log }
}

impl<S> LayerFilter<S> for Filter {
    fn enabled(&self, metadata: &Metadata<'_>, _context: &Context<'_, S>) -> bool {
        passes(&self.log, metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        let is_enabled = super::sites::sites(metadata).is_enabled(&self.log, metadata);
        match (is_enabled, metadata.is_span()) {
            // With a cached answer, the answer to an earlier `enabled!` could hide the span.
            (true, true) => Interest::sometimes(),
            (true, false) => Interest::always(),
            (false, _) => Interest::never(),
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(max_level(&self.log))
    }
}
