//! A lane: a thread's ring and the state that the thread needs to write into it.
//!
//! Promises: writing an event allocates nothing, locks nothing and makes no system call. If the ring is full, the event
//! is not written and the caller applies the overflow policy (`overflow`). The hot path is [`Lane::write_plain`], which
//! is inlined into every call site; what it does not handle goes through [`Lane::write_formatted`], out of line.
mod plain;
mod scope;

use std::fmt;
use std::sync::Arc;

pub(crate) use self::scope::Scope;
use super::lane_settings::{LaneClock, LaneSettings, SpanLines};
use super::span::Began;
use crate::core::callsite::Callsite;
use crate::core::field::Fields;
use crate::core::lane_contexts::LaneContexts;
use crate::core::level::Level;
use crate::core::record::{ExtraFlags, HEADER_BYTES, Header, Kind};
use crate::core::registry;
use crate::core::sampling::limiter::Moment;
use crate::metrics::LaneCounters;
use crate::ringbuf::Producer;
use crate::sample::Random;
use crate::sample::decision::{
    Decision, PendingDecision, Sampled, SamplerState, finish, rate_bytes_max,
};
use crate::writer::link::Link;
use ringseal_base::clock::{self, TickSource};
use ringseal_base::limits::{Limits, floor_char_boundary};
use ringseal_base::tsc;
use ringseal_base::value::{DisplayValue, Value, ValueWriter};

/// The result of an attempt to write an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriteResult {
    /// The event is in the ring.
    Written,
    /// Sampling has dropped the event, and counted it.
    NotKept,
    /// The ring has no space now.
    Full,
    /// The event can never fit, however much its values are cut.
    TooLong,
    /// The fields do not have the form of the record ([`ValueWriter::refuse`]); nothing was written.
    Refused,
}

impl WriteResult {
    /// Whether nothing is left to do for the event.
    pub(crate) fn is_done(self) -> bool {
        matches!(self, WriteResult::Written | WriteResult::NotKept | WriteResult::Refused)
    }
}

/// The engine that a lane belongs to, as the lane sees it.
pub(crate) trait LaneOwner: fmt::Debug + Send + Sync {
    /// Takes a lane back from a thread that no longer needs it.
    fn take_back(&self, lane: Box<Lane>);

    /// Whether the engine has ended.
    fn is_closed(&self) -> bool;
}

/// One thread's lane of one engine.
///
/// The fields of the hot path come first, so that they share cache lines and have short offsets.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Lane {
    producer: Producer,
    /// [`Lane::write_plain`] writes events whose texts have fewer bytes than this in total; none with stack traces on.
    text_bytes_end: u16,
    /// The same if the clock is the time-stamp counter, and 0 if it is another: one comparison decides about both.
    tsc_text_bytes_end: u16,
    /// The same if the clock is the coarse one of the time-stamp counter.
    coarse_text_bytes_end: u16,
    clock: LaneClock,
    include_stack: bool,
    span_lines: SpanLines,
    link: Arc<Link>,
    /// Those bound to loggers.
    contexts: LaneContexts,
    /// The id of its engine. The thread's slot may hold a lane of an earlier engine.
    pub(crate) engine: u32,
    /// The engine's place in the registry.
    place: usize,
    /// The engine, while a thread has the lane.
    pub(crate) owner: Option<Arc<dyn LaneOwner>>,
    /// The ring's position when a wait for space timed out.
    losing_at: Option<usize>,
    limits: Limits,
    pub(crate) counters: Arc<LaneCounters>,
    sampler: SamplerState,
    /// The ambient contexts of its threads.
    ambient_contexts: LaneContexts,
    injected: Option<Arc<dyn clock::Clock>>,
}

impl Lane {
    pub(crate) fn new(
        producer: Producer,
        (engine, place): (u32, usize),
        settings: &LaneSettings,
        link: Arc<Link>,
        counters: Arc<LaneCounters>,
        random: Random,
    ) -> Self {
        let LaneSettings { limits, clock, include_stack, .. } = *settings;
        let quarter = u32::try_from(producer.capacity_bytes() / 4).unwrap_or(u32::MAX);
        let limits = limits.with_record_bytes_max(limits.record_bytes_max.min(quarter));
        let text_bytes_end = if include_stack { 0 } else { plain::text_bytes_end(limits) };
        let reads_tsc = settings.injected.is_none() && clock::tick_source() == TickSource::Tsc;
        let is_coarse_tsc = clock == LaneClock::Coarse && reads_tsc;
        Self {
            producer,
            engine,
            place,
            owner: None,
            clock,
            losing_at: None,
            limits,
            text_bytes_end,
            tsc_text_bytes_end: if clock == LaneClock::Tsc { text_bytes_end } else { 0 },
            coarse_text_bytes_end: if is_coarse_tsc { text_bytes_end } else { 0 },
            include_stack,
            span_lines: settings.span_lines,
            link,
            contexts: LaneContexts::new(),
            ambient_contexts: LaneContexts::new(),
            sampler: SamplerState::new(random, Arc::clone(&counters)),
            counters,
            injected: settings.injected.clone(),
        }
    }

    #[inline]
    fn ticks(&self) -> u64 {
        match self.clock {
            LaneClock::Tsc => tsc::ticks(),
            _ => self.ticks_of_other_clock(),
        }
    }

    #[cold]
    #[inline(never)]
    fn ticks_of_other_clock(&self) -> u64 {
        // May be older than the ticks that this lane read while the writer slept; the writer keeps time monotonic
        // within a lane.
        let coarse = self.link.coarse.get();
        if self.clock == LaneClock::Coarse && coarse != 0 {
            return coarse;
        }
        match (&self.injected, clock::tick_source()) {
            (Some(injected), _) => injected.ticks(),
            (None, TickSource::Tsc) => tsc::ticks(),
            (None, TickSource::Monotonic) => clock::monotonic_nanos(),
        }
    }

    /// Whether a span has a first event, whose time is the span's start.
    #[inline]
    pub(crate) fn times_span_starts(&self) -> bool {
        self.clock == LaneClock::Tsc && self.span_lines == SpanLines::StartAndEnd
    }

    /// The start of a span that begins now, and the lines of a span.
    pub(crate) fn span_start(&self) -> (Began, SpanLines) {
        (Began::now(self.clock, self.injected.as_deref()), self.span_lines)
    }

    /// Writes an event that [`Lane::write_plain`] does not write.
    #[inline(never)]
    pub(crate) fn write_formatted(
        &mut self,
        callsite: &'static Callsite,
        scope: Scope<'_>,
        fields: &dyn Fields,
    ) -> WriteResult {
        if callsite.id() == 0 {
            assign_id(callsite);
        }
        match callsite.keeps_share() {
            true => self.write_sampled(callsite, scope, fields),
            false => self.format_record(Kind::Event, callsite, scope, fields, None),
        }
    }

    /// Writes a run-time event of a call site: `fields` are target, name and entries.
    pub(crate) fn write_entries(
        &mut self,
        callsite: &'static Callsite,
        scope: Scope<'_>,
        fields: &dyn Fields,
    ) -> WriteResult {
        if callsite.id() == 0 {
            assign_id(callsite);
        }
        let pending = match callsite.keeps_share() {
            true => PendingDecision::of_entries(callsite, self.place, scope.randomness()),
            false => None,
        };
        self.format_record(Kind::Dynamic, callsite, scope, fields, pending)
    }

    #[cold]
    #[inline(never)]
    fn write_sampled(
        &mut self,
        callsite: &'static Callsite,
        scope: Scope<'_>,
        fields: &dyn Fields,
    ) -> WriteResult {
        let pending = PendingDecision::of_site(callsite, self.place, scope.randomness());
        self.format_record(Kind::Event, callsite, scope, fields, pending)
    }

    /// Inlined into its callers so that the unsampled path carries no sampling checks.
    #[inline(always)]
    fn format_record(
        &mut self,
        kind: Kind,
        callsite: &'static Callsite,
        scope: Scope<'_>,
        fields: &dyn Fields,
        pending: Option<PendingDecision<'_>>,
    ) -> WriteResult {
        let extra_bytes = rate_bytes_max(&pending) + scope.correlation_bytes();
        let payload_max = fields.size_bytes_max(&self.limits) + extra_bytes;
        if self.include_stack
            || payload_max > (self.limits.record_bytes_max as usize).saturating_sub(HEADER_BYTES)
        {
            return self.write_oversized(kind, callsite, scope, fields, pending);
        }
        let Some(slots) = self.slots(scope, callsite.metadata().level) else {
            return WriteResult::Full;
        };
        let ticks = self.ticks();
        let limits = self.limits;
        let Some(mut grant) = self.producer.grant(HEADER_BYTES + payload_max) else {
            return WriteResult::Full;
        };
        let Some((head, payload)) = grant.bytes_mut().split_first_chunk_mut::<HEADER_BYTES>()
        else {
            return WriteResult::TooLong;
        };
        let mut out = ValueWriter::new(payload, limits);
        fields.write(&mut out);
        if out.is_full() || out.is_cut() && fields.is_guessed() {
            if out.is_refused() {
                return WriteResult::Refused;
            }
            // A value takes more bytes than its `size_bytes_max`.
            drop(grant);
            return self.write_oversized(kind, callsite, scope, fields, pending);
        }
        let (is_cut, len) = (out.is_cut(), out.len_bytes());
        let now = Moment { ticks, nanos_per_tick: self.link.nanos_per_tick() };
        let Some((len, has_rate)) = finish(pending, payload, len, &mut self.sampler, now) else {
            // Dropping the grant gives its bytes back.
            return WriteResult::NotKept;
        };
        let (len, has_correlation) = scope.put_correlation(payload, len);
        let level = callsite.metadata().level;
        let header = Header {
            is_cut,
            extras: ExtraFlags::new(has_rate, has_correlation),
            callsite: callsite.id(),
            slots,
            ticks,
            ..Header::new(kind, level)
        };
        let len = header.write(head, len);
        grant.commit(len);
        WriteResult::Written
    }

    /// Writes a record whose payload is complete. Returns whether there was space for it.
    fn put<const N: usize>(&mut self, header: Header, payload: [&[u8]; N]) -> bool {
        let len = payload.iter().map(|part| part.len()).sum();
        let copy = |granted: &mut [u8], _: Limits| {
            let mut rest = granted;
            for part in payload {
                let (front, behind) = rest.split_at_mut_checked(part.len())?;
                front.copy_from_slice(part);
                rest = behind;
            }
            Some((len, header.is_cut))
        };
        self.write_record(header, len, copy) == WriteResult::Written
    }

    /// Writes a record of at most `payload_max` bytes besides its header. `fill` writes the payload and returns its
    /// length and whether anything was cut, or `None` if it does not fit.
    #[inline]
    pub(crate) fn write_record(
        &mut self,
        mut header: Header,
        payload_max: usize,
        fill: impl FnOnce(&mut [u8], Limits) -> Option<(usize, bool)>,
    ) -> WriteResult {
        header.ticks = self.ticks();
        let limits = self.limits;
        let record_bytes = HEADER_BYTES + payload_max;
        let Some(mut grant) = self.producer.grant(record_bytes) else {
            let is_hopeless = record_bytes > limits.record_bytes_max as usize;
            return if is_hopeless { WriteResult::TooLong } else { WriteResult::Full };
        };
        let Some((head, payload)) = grant.bytes_mut().split_first_chunk_mut::<HEADER_BYTES>()
        else {
            return WriteResult::TooLong;
        };
        let Some((len, is_cut)) = fill(payload, limits) else { return WriteResult::TooLong };
        header.is_cut = is_cut;
        let len = header.write(head, len);
        grant.commit(len);
        WriteResult::Written
    }

    /// Makes the memory of the next events resident.
    pub(crate) fn populate(&self) {
        self.producer.populate();
    }

    /// Writes a record that names the thread that has taken the lane. Returns whether there was space for it.
    pub(crate) fn write_thread(&mut self, thread: u64, name: &str) -> bool {
        let mut payload = [0; 128];
        let mut out = ValueWriter::new(&mut payload, Limits::default());
        out.u64(thread);
        out.str(&name[..floor_char_boundary(name, 100)]);
        let len = out.len_bytes();
        let is_written = self.put(Header::new(Kind::Thread, Level::Trace), [&payload[..len]]);
        if is_written {
            // The writer forgets them, too.
            self.forget_contexts();
        }
        is_written
    }

    /// Writes an event whose values may exceed a record, or that carries a stack trace.
    #[cold]
    #[inline(never)]
    fn write_oversized(
        &mut self,
        kind: Kind,
        callsite: &'static Callsite,
        scope: Scope<'_>,
        fields: &dyn Fields,
        pending: Option<PendingDecision<'_>>,
    ) -> WriteResult {
        let has_stack = self.include_stack && kind == Kind::Event;
        let event = Header {
            has_stack,
            callsite: callsite.id(),
            ..Header::new(kind, callsite.metadata().level)
        };
        let fill = |out: &mut ValueWriter<'_>| fields.write(out);
        if !has_stack {
            return self.write_shrinking(event, scope, &fill, pending);
        }
        // Only if configured, for debugging. This is the only place where a call allocates.
        let stack = std::backtrace::Backtrace::force_capture();
        let fill = |out: &mut ValueWriter<'_>| {
            fill(out);
            DisplayValue(&stack).write(out);
        };
        self.write_shrinking(event, scope, &fill, pending)
    }

    /// Writes an event of unknown size: grants the largest record and calls `fill` with smaller limits until it fits.
    pub(crate) fn write_shrinking(
        &mut self,
        mut header: Header,
        scope: Scope<'_>,
        fill: &dyn Fn(&mut ValueWriter<'_>),
        pending: Option<PendingDecision<'_>>,
    ) -> WriteResult {
        let Some(slots) = self.slots(scope, header.level) else { return WriteResult::Full };
        header.slots = slots;
        header.ticks = self.ticks();
        let mut limits = self.limits;
        let mut is_tight = false;
        let Some(mut grant) = self.producer.grant(limits.record_bytes_max as usize) else {
            return WriteResult::Full;
        };
        loop {
            let Some((head, payload)) = grant.bytes_mut().split_first_chunk_mut::<HEADER_BYTES>()
            else {
                return WriteResult::TooLong;
            };
            let extra_bytes = rate_bytes_max(&pending) + scope.correlation_bytes();
            let values_max = payload.len().saturating_sub(extra_bytes);
            let mut out = ValueWriter::new(&mut payload[..values_max], limits);
            if is_tight {
                out.tighten();
            }
            fill(&mut out);
            if out.is_refused() {
                return WriteResult::Refused;
            }
            if out.is_full() && (!is_tight || limits.value_bytes_max > 0) {
                limits.value_bytes_max /= 2;
                is_tight = true;
                continue;
            }
            if out.is_full() {
                return WriteResult::TooLong;
            }
            header.is_cut = out.is_cut() || is_tight;
            let len = out.len_bytes();
            let now = Moment { ticks: header.ticks, nanos_per_tick: self.link.nanos_per_tick() };
            let Some((len, has_rate)) = finish(pending, payload, len, &mut self.sampler, now)
            else {
                return WriteResult::NotKept;
            };
            let (len, has_correlation) = scope.put_correlation(payload, len);
            header.extras = ExtraFlags::new(has_rate, has_correlation);
            let len = header.write(head, len);
            grant.commit(len);
            return WriteResult::Written;
        }
    }

    /// Decides about an event of a sampled call site.
    #[inline]
    pub(super) fn decide(&mut self, event: &Sampled<'_>) -> Decision {
        match self.sampler.decide_by_rate(event) {
            Some(decision) => decision,
            None => {
                let now =
                    Moment { ticks: self.ticks(), nanos_per_tick: self.link.nanos_per_tick() };
                self.sampler.decide_by_limit(event, now)
            }
        }
    }

    /// Counts an event as lost, and notes for the writer that there is a loss to report.
    #[cold]
    pub(crate) fn lose(&self, level: Level) {
        self.counters.lose(level);
        self.link.note_loss();
    }

    /// Gives a lane back to its engine, for the next thread.
    pub(crate) fn return_to_engine(mut lane: Box<Lane>) {
        if let Some(owner) = lane.owner.take() {
            owner.take_back(lane);
        }
    }

    /// Whether the last wait for space timed out and nothing has been written since, so that another wait would time
    /// out, too.
    pub(crate) fn is_losing(&self) -> bool {
        self.losing_at == Some(self.producer.position())
    }

    /// Notes that a wait for space has timed out.
    pub(crate) fn set_losing(&mut self) {
        self.losing_at = Some(self.producer.position());
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.forget_contexts();
    }
}

#[cold]
#[inline(never)]
fn assign_id(callsite: &'static Callsite) {
    registry::assign_id(callsite);
}
