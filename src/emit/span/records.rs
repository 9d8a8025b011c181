//! The log records of a span.
use std::borrow::Cow;
use std::sync::atomic::Ordering;

use super::attributes::Encoded;
use super::values::Began;
use super::{Outcome, Span};
use crate::core::callsite::Pass;
use crate::core::context::Context;
use crate::core::field::Fields;
use crate::emit::ambient::Ambient;
use crate::emit::emitter::Emitter;
use crate::emit::lane::Scope;
use crate::emit::lane_settings::{LaneSettings, SpanLines};
use crate::emit::{global, thread_default};
use ringseal_base::value::{Maybe, SpanId, Start, Value};

impl Span {
    /// Takes the time, and writes the first event unless there is none, by `lines` or by the engine's setting.
    #[inline]
    pub(super) fn write_start(&mut self, pass: Pass, lines: Option<SpanLines>) {
        self.is_logged = true;
        let quickly = match lines {
            None => self.write_start_quickly(pass),
            Some(_) => None,
        };
        match quickly {
            Some(ticks) => self.began = Began::Ticks(Start::from_ticks(ticks)),
            None => self.write_start_slowly(lines),
        }
    }

    /// Writes the first event if the fast path does, and its time is exact. Returns that time.
    #[inline]
    fn write_start_quickly(&self, pass: Pass) -> Option<u64> {
        if !(pass.is_fast && self.attributes.is_whole()) {
            return None;
        }
        let mut lane = self.to.own_lane()?;
        if !lane.times_span_starts() {
            return None;
        }
        let ambient = Ambient::of_parts(self.ids, self.ambient.as_deref());
        let fields = (self.name, Encoded(self.attributes.bytes()));
        let sizes = (fields.plain_bytes(), fields.text_bytes());
        let site = (pass.id, self.site.start.metadata().level);
        lane.write_plain(site, self.to.bound(), Some(&ambient), sizes, &fields)
    }

    #[cold]
    #[inline(never)]
    fn write_start_slowly(&mut self, wanted: Option<SpanLines>) {
        let (began, lines) = match self.to.own_lane() {
            Some(lane) => lane.span_start(),
            None => self.to.with_emitter(start_without_lane).unwrap_or_default(),
        };
        self.began = began;
        if wanted.unwrap_or(lines) == SpanLines::StartAndEnd {
            let own = self.own_values(None);
            let ambient = Ambient::of_parts(self.ids, self.ambient.as_deref());
            let scope = self.scope(self.to.bound(), &ambient);
            self.to.emit(scope, &self.site.start, &(self.name, Encoded(&own)));
        }
    }

    /// Writes `span.error`.
    pub(super) fn write_error(&self, error: &dyn Value) {
        let site = &self.site.error;
        let is_enabled = || {
            let _scope = self.enter();
            self.to.pass(site).is_some()
        };
        if self.is_suppressed || !is_enabled() {
            return;
        }
        let recorded = self.recorded.lock().clone();
        let own = self.own_values(recorded.as_deref());
        let merged = recorded.map(|recorded| recorded.over(self.to.bound()));
        let ambient = Ambient::of_parts(self.ids, self.ambient.as_deref());
        let scope = self.scope(merged.as_ref().or(self.to.bound()), &ambient);
        let fields = (self.name, (self.began.so_far(), (error, Encoded(&own))));
        self.to.emit(scope, site, &fields);
    }

    /// Writes `span.end`, whatever filters and sampling say by now.
    pub(super) fn write_end(&self, recorded: Option<&Context>) {
        let site = &self.site.end;
        // Registers the site if it is new.
        site.resolve(self.to.slot);
        // ORDER: relaxed; see where it is set.
        let outcome = Outcome::of(self.outcome.load(Ordering::Relaxed)).as_str();
        let own = self.own_values(recorded);
        let parent = Maybe((self.parent != [0; 8]).then_some(SpanId(self.parent)));
        let last = (parent, Encoded(&own));
        let fields = (outcome, (self.site.kind.as_str(), (self.ids.is_sampled(), last)));
        let fields = (self.name, (self.began.so_far(), fields));
        let merged = recorded.map(|recorded| recorded.over(self.to.bound()));
        let bound = merged.as_ref().or(self.to.bound());
        let ambient = Ambient::of_parts(self.ids, self.ambient.as_deref());
        let pass = site.decided();
        let sizes = (fields.plain_bytes(), fields.text_bytes());
        let callsite = (pass.id, site.metadata().level);
        let is_written = pass.is_fast
            && self.to.own_lane().is_some_and(|mut lane| {
                lane.write_plain(callsite, bound, Some(&ambient), sizes, &fields).is_some()
            });
        if !is_written {
            self.to.emit(self.scope(bound, &ambient), site, &fields);
        }
    }

    fn scope<'a>(&'a self, bound: Option<&'a Context>, ambient: &'a Ambient) -> Scope<'a> {
        Scope { bound, ambient, ambient_fields: self.ambient.as_deref() }
    }

    /// The values of the span's own keys, absent if a recorded one replaces them.
    #[inline]
    fn own_values(&self, recorded: Option<&Context>) -> Cow<'_, [u8]> {
        match recorded {
            None if self.attributes.is_whole() => self.attributes.bytes().into(),
            _ => self.own_values_without(recorded).into(),
        }
    }

    #[cold]
    #[inline(never)]
    fn own_values_without(&self, recorded: Option<&Context>) -> Vec<u8> {
        let is_recorded = |key: &str| recorded.is_some_and(|fields| fields.has(key.as_bytes()));
        self.attributes.without(self.site.own_keys(), &is_recorded)
    }
}

/// The start of a span, and its lines, on a thread without a lane of the engine.
#[cold]
fn start_without_lane(to: Emitter<'_>) -> (Began, SpanLines) {
    let found = to.shared.cloned().or_else(thread_default::current).or_else(global::shared);
    let Some(shared) = found else { return (Began::Ticks(Start::now()), SpanLines::StartAndEnd) };
    let LaneSettings { clock, span_lines, injected, .. } = &shared.settings;
    (Began::now(*clock, injected.as_deref()), *span_lines)
}
