//! A lane: a thread's ring and what the thread keeps beside it.
//!
//! Promises: writing an event allocates nothing, locks nothing and does not enter the kernel. Full: the event is not
//! written, and the caller decides by policy (`overflow`). The hot path is [`Lane::write`]; everything it rarely needs
//! is out of line.
use std::sync::Arc;

use super::look::{self, Dice, Thinning};
use super::shared::{LaneSettings, Shared};
use crate::core::callsite::Callsite;
use crate::core::clock::{self, TickSource};
use crate::core::context::{self, Context};
use crate::core::field::Fields;
use crate::core::level::Level;
use crate::core::limits::Limits;
use crate::core::plan::Moment;
use crate::core::record::{HEADER_BYTES, Header, Kind};
use crate::core::registry;
use crate::core::tsc;
use crate::core::value::{DisplayValue, Value, ValueWriter};
use crate::metrics::LaneCounters;
use crate::ringbuf::Producer;
use crate::sample::Random;
use crate::writer::link::Link;

/// Where a lane's timestamps come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LaneClock {
    /// The time-stamp counter, read at every event.
    Tsc,
    /// What the writer last published; the machine's ticks while it sleeps.
    Coarse,
    /// The monotonic clock.
    Monotonic,
    /// A test's clock.
    Injected,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// It is in the ring.
    Done,
    /// Some value has to be formatted, is nested or over a limit, or the call site is sampled or new:
    /// [`Lane::write_slow`] takes it.
    NotPlain,
    /// The ring has no room now.
    Full,
    /// It can never fit, however much its values are cut.
    TooLong,
}

/// One thread's lane of one engine.
#[derive(Debug)]
pub(crate) struct Lane {
    producer: Producer,
    /// The engine it belongs to; the slot may have been taken over by another.
    pub(crate) engine: u64,
    /// That engine's bit in every verdict.
    slot: usize,
    /// The way back to the engine, while a thread has the lane.
    pub(crate) home: Option<Arc<Shared>>,
    clock: LaneClock,
    /// Where the ring stood when a wait for room was in vain.
    losing_at: Option<usize>,
    limits: Limits,
    /// Events of this many bytes and more take the slow way, and so do values that are not plain; with stack traces on,
    /// all do.
    payload_fast_end: usize,
    include_stack: bool,
    link: Arc<Link>,
    contexts: [u64; context::SLOTS],
    pub(crate) counters: Arc<LaneCounters>,
    pub(super) dice: Dice,
    injected: Option<Arc<dyn clock::Clock>>,
}

impl Lane {
    pub(crate) fn new(
        producer: Producer,
        (engine, slot): (u64, usize),
        settings: &LaneSettings,
        link: Arc<Link>,
        counters: Arc<LaneCounters>,
        random: Random,
    ) -> Self {
        let LaneSettings { limits, clock, include_stack, .. } = *settings;
        let quarter = u32::try_from(producer.capacity_bytes() / 4).unwrap_or(u32::MAX);
        let limits = limits.with_record_bytes_max(limits.record_bytes_max.min(quarter));
        Self {
            producer,
            engine,
            slot,
            home: None,
            clock,
            losing_at: None,
            limits,
            payload_fast_end: if include_stack {
                0
            } else {
                (limits.record_bytes_max as usize + 1).saturating_sub(HEADER_BYTES)
            },
            include_stack,
            link,
            contexts: [0; context::SLOTS],
            dice: Dice::new(random, Arc::clone(&counters)),
            counters,
            injected: settings.injected.clone(),
        }
    }

    #[inline(always)]
    fn ticks(&self) -> u64 {
        match self.clock {
            LaneClock::Tsc => tsc::ticks(),
            LaneClock::Coarse => {
                // It may be older than what this lane read itself while the writer slept; the writer keeps time
                // from running backwards within a lane.
                let coarse = self.link.coarse.get();
                if coarse == 0 { self.ticks_cold() } else { coarse }
            }
            _ => self.ticks_cold(),
        }
    }

    #[cold]
    #[inline(never)]
    fn ticks_cold(&self) -> u64 {
        match (&self.injected, clock::tick_source()) {
            (Some(injected), _) => injected.ticks(),
            (None, TickSource::Tsc) => tsc::ticks(),
            (None, TickSource::Monotonic) => clock::monotonic_nanos(),
        }
    }

    /// Writes one event of a call site.
    #[inline(always)]
    pub(crate) fn write<F: Fields>(
        &mut self,
        callsite: &'static Callsite,
        level: Level,
        context: Option<&Context>,
        fields: &F,
    ) -> Written {
        let id = match callsite.fast_id() {
            0 => match fast_number(callsite) {
                0 => return Written::NotPlain,
                id => id,
            },
            id => id,
        };
        let payload_len = fields.plain_bytes(&self.limits);
        if payload_len >= self.payload_fast_end {
            return Written::NotPlain;
        }
        let context = match context {
            None => 0,
            Some(context) => match self.context_slot(context, level) {
                Some(slot) => slot,
                None => return Written::Full,
            },
        };
        let ticks = self.ticks();
        let Some(mut grant) = self.producer.grant(HEADER_BYTES + payload_len) else {
            return Written::Full;
        };
        let Some((head, payload)) = grant.bytes_mut().split_first_chunk_mut::<HEADER_BYTES>()
        else {
            return Written::TooLong;
        };
        fields.put(payload);
        let (is_cut, has_stack, has_rate) = (false, false, false);
        let kind = Kind::Event;
        let header =
            Header { kind, level, is_cut, has_stack, has_rate, callsite: id, context, ticks };
        let len = header.write(head, payload_len);
        grant.commit(len);
        Written::Done
    }

    /// Writes an event with values that are formatted, nested or over a limit, or of a call site that is sampled.
    #[inline(never)]
    pub(crate) fn write_slow(
        &mut self,
        callsite: &'static Callsite,
        context: Option<&Context>,
        fields: &dyn Fields,
    ) -> Written {
        match callsite.fast_id() {
            0 => self.write_sampled(callsite, context, fields),
            id => self.write_values(callsite, id, context, fields, None),
        }
    }

    #[cold]
    #[inline(never)]
    fn write_sampled(
        &mut self,
        callsite: &'static Callsite,
        context: Option<&Context>,
        fields: &dyn Fields,
    ) -> Written {
        fast_number(callsite);
        let thinning = Thinning::of_site(callsite, self.slot, context);
        self.write_values(callsite, callsite.id(), context, fields, thinning)
    }

    /// Both of them: twice in the program, so that what is not sampled does not pay for what is.
    #[inline(always)]
    fn write_values(
        &mut self,
        callsite: &'static Callsite,
        id: u32,
        context: Option<&Context>,
        fields: &dyn Fields,
        thinning: Option<Thinning<'_>>,
    ) -> Written {
        let payload_max = fields.size_bytes_max(&self.limits) + look::room_for(&thinning);
        if self.include_stack
            || payload_max > (self.limits.record_bytes_max as usize).saturating_sub(HEADER_BYTES)
        {
            return self.write_long(callsite, context, &|out| fields.write(out), thinning);
        }
        let slot = match context {
            None => 0,
            Some(context) => match self.context_slot(context, callsite.metadata().level) {
                Some(slot) => slot,
                None => return Written::Full,
            },
        };
        let ticks = self.ticks();
        let limits = self.limits;
        let Some(mut grant) = self.producer.grant(HEADER_BYTES + payload_max) else {
            return Written::Full;
        };
        let Some((head, payload)) = grant.bytes_mut().split_first_chunk_mut::<HEADER_BYTES>()
        else {
            return Written::TooLong;
        };
        let mut out = ValueWriter::new(payload, limits);
        fields.write(&mut out);
        if out.is_full() {
            // A value that takes more than it said.
            drop(grant);
            return self.write_long(callsite, context, &|out| fields.write(out), thinning);
        }
        let (is_cut, len) = (out.is_cut(), out.len_bytes());
        let now = Moment { ticks, nanos_per_tick: self.link.nanos_per_tick() };
        let Some((len, has_rate)) = look::finish(thinning, payload, len, &mut self.dice, now)
        else {
            // Not kept: the granted bytes go back.
            return Written::Done;
        };
        let header = Header {
            kind: Kind::Event,
            level: callsite.metadata().level,
            is_cut,
            has_stack: false,
            has_rate,
            callsite: id,
            context: slot,
            ticks,
        };
        let len = header.write(head, len);
        grant.commit(len);
        Written::Done
    }

    /// The number by which records refer to `context`, after its definition is in the ring.
    #[inline(always)]
    fn context_slot(&mut self, context: &Context, level: Level) -> Option<u32> {
        let slot = context.slot();
        if self.contexts[slot] != context.id() && !self.define(context, level) {
            return None;
        }
        Some(slot as u32 + 1)
    }

    #[cold]
    #[inline(never)]
    fn define(&mut self, context: &Context, level: Level) -> bool {
        let room = (self.limits.record_bytes_max as usize).saturating_sub(HEADER_BYTES);
        // Of a context that no record can hold, the fields that fit; binding has already cut each to the limits.
        let (entries, is_cut) = context.entries_within(room);
        let slot = context.slot();
        if !self.put(Kind::Context, level, slot as u32 + 1, entries, is_cut) {
            return false;
        }
        self.contexts[slot] = context.id();
        true
    }

    /// Writes a record whose payload is complete. Returns whether there was space for it.
    fn put(
        &mut self,
        kind: Kind,
        level: Level,
        context: u32,
        payload: &[u8],
        is_cut: bool,
    ) -> bool {
        let (has_stack, has_rate, callsite, ticks) = (false, false, 0, 0);
        let header = Header { kind, level, is_cut, has_stack, has_rate, callsite, context, ticks };
        let copy = |granted: &mut [u8], _: Limits| {
            granted.get_mut(..payload.len())?.copy_from_slice(payload);
            Some((payload.len(), is_cut))
        };
        self.write_record(header, payload.len(), copy) == Written::Done
    }

    /// Writes a record of at most `payload_max` bytes besides its header. `fill` writes the payload and returns its
    /// length and whether anything was cut, or `None` if it does not fit.
    #[inline]
    pub(crate) fn write_record(
        &mut self,
        mut header: Header,
        payload_max: usize,
        fill: impl FnOnce(&mut [u8], Limits) -> Option<(usize, bool)>,
    ) -> Written {
        header.ticks = self.ticks();
        let limits = self.limits;
        let record_bytes = HEADER_BYTES + payload_max;
        let Some(mut grant) = self.producer.grant(record_bytes) else {
            let is_hopeless = record_bytes > limits.record_bytes_max as usize;
            return if is_hopeless { Written::TooLong } else { Written::Full };
        };
        let Some((head, payload)) = grant.bytes_mut().split_first_chunk_mut::<HEADER_BYTES>()
        else {
            return Written::TooLong;
        };
        let Some((len, is_cut)) = fill(payload, limits) else { return Written::TooLong };
        header.is_cut = is_cut;
        let len = header.write(head, len);
        grant.commit(len);
        Written::Done
    }

    /// Tells the writer that this thread has taken the lane.
    pub(crate) fn introduce(&mut self, thread: u64, name: &str) -> bool {
        self.contexts = [0; context::SLOTS];
        let mut payload = [0; 128];
        let mut out = ValueWriter::new(&mut payload, Limits::default());
        out.u64(thread);
        out.str(&name[..name.floor_char_boundary(100)]);
        let len = out.len_bytes();
        self.put(Kind::Thread, Level::Trace, 0, &payload[..len], false)
    }

    /// Writes an event whose values, at their limits, exceed a record, or that is to carry a stack trace.
    #[cold]
    #[inline(never)]
    fn write_long(
        &mut self,
        callsite: &'static Callsite,
        context: Option<&Context>,
        fill: &dyn Fn(&mut ValueWriter<'_>),
        thinning: Option<Thinning<'_>>,
    ) -> Written {
        let event = Header {
            kind: Kind::Event,
            level: callsite.metadata().level,
            is_cut: false,
            has_stack: self.include_stack,
            has_rate: false,
            callsite: callsite.id(),
            context: 0,
            ticks: 0,
        };
        if !self.include_stack {
            return self.write_bounded(event, context, fill, thinning);
        }
        // Asked for by configuration, for debugging: the only place where a call allocates.
        let stack = std::backtrace::Backtrace::force_capture();
        let fill = |out: &mut ValueWriter<'_>| {
            fill(out);
            DisplayValue(&stack).write(out);
        };
        self.write_bounded(event, context, &fill, thinning)
    }

    /// Writes an event of which only a bound of the record is known: `fill` is tried with ever tighter limits.
    pub(crate) fn write_bounded(
        &mut self,
        mut header: Header,
        context: Option<&Context>,
        fill: &dyn Fn(&mut ValueWriter<'_>),
        thinning: Option<Thinning<'_>>,
    ) -> Written {
        header.context = match context.map(|context| self.context_slot(context, header.level)) {
            None => 0,
            Some(Some(slot)) => slot,
            Some(None) => return Written::Full,
        };
        header.ticks = self.ticks();
        let mut limits = self.limits;
        let mut is_tight = false;
        let Some(mut grant) = self.producer.grant(limits.record_bytes_max as usize) else {
            return Written::Full;
        };
        loop {
            let Some((head, payload)) = grant.bytes_mut().split_first_chunk_mut::<HEADER_BYTES>()
            else {
                return Written::TooLong;
            };
            let room = payload.len().saturating_sub(look::room_for(&thinning));
            let mut out = ValueWriter::new(&mut payload[..room], limits);
            if is_tight {
                out.tighten();
            }
            fill(&mut out);
            if out.is_full() && (!is_tight || limits.value_bytes_max > 0) {
                limits.value_bytes_max /= 2;
                is_tight = true;
                continue;
            }
            if out.is_full() {
                return Written::TooLong;
            }
            header.is_cut = out.is_cut() || is_tight;
            let len = out.len_bytes();
            let now = Moment { ticks: header.ticks, nanos_per_tick: self.link.nanos_per_tick() };
            let Some((len, has_rate)) = look::finish(thinning, payload, len, &mut self.dice, now)
            else {
                return Written::Done;
            };
            header.has_rate = has_rate;
            let len = header.write(head, len);
            grant.commit(len);
            return Written::Done;
        }
    }

    /// The time, as a limiter needs it.
    pub(super) fn moment(&self) -> Moment {
        Moment { ticks: self.ticks(), nanos_per_tick: self.link.nanos_per_tick() }
    }

    /// Counts one event as lost, and lets the writer know that there is something to report.
    #[cold]
    pub(crate) fn lose(&self, level: Level) {
        self.counters.lose(level);
        self.link.note_loss();
    }

    /// Gives a lane back to its engine, for the next thread.
    pub(crate) fn go_home(mut lane: Box<Lane>) {
        if let Some(home) = lane.home.take() {
            home.return_lane(lane);
        }
    }

    /// Whether the last wait for room was in vain and nothing has been written since, so that another is futile.
    pub(crate) fn is_losing(&self) -> bool {
        self.losing_at == Some(self.producer.position())
    }

    /// Notes that a wait was in vain.
    pub(crate) fn set_losing(&mut self) {
        self.losing_at = Some(self.producer.position());
    }
}

/// The verdict was seen before the number, which another thread has just given, or the call site is sampled: then there
/// is none for the fast way, and 0 is returned.
#[cold]
#[inline(never)]
fn fast_number(callsite: &'static Callsite) -> u32 {
    if callsite.id() == 0 {
        registry::assign_id(callsite);
    }
    callsite.fast_id()
}
