//! Checks of one line: its number, its link, its copy in `kept.jsonl`, its time.
use super::super::Stop;
use super::super::control_state::{ControlState, EntryPosition};
use super::super::hashing::{EventLine, HashedBatch};
use super::super::report::{Finding, FindingKind, Place};
use super::super::source::Batch;
use super::{LineError, Walk};
use crate::entry::{Entry, ParseError, Parser, Scheme, Signature};
use ringseal_base::digest::Hash;

impl Walk<'_> {
    /// Checks one line and appends its leaf.
    pub(super) fn check_line(
        &mut self,
        hashed: &HashedBatch,
        at: usize,
        parser: &mut Parser,
    ) -> Result<(), LineError> {
        let batch = &hashed.batch;
        let line = batch.line(at);
        let malformed =
            |error: ParseError| LineError::Violation((FindingKind::Malformed, error.to_string()));
        let is_first = batch.lines_before == 0 && at == 0;
        let position = if is_first { EntryPosition::First } else { EntryPosition::Inner };
        // An event where any event is allowed needs no more of its text.
        let event = hashed.event(at).filter(|event| self.control_state.allows(event.seq, position));
        let (entry, parts) = match event {
            Some(event) => (None, *event),
            None => {
                let entry = parser.entry(line).map_err(malformed)?;
                (Some(entry), EventLine::of(&entry))
            }
        };
        let leaf = hashed.leaf(at);
        let is_signed = hashed.bad_signature.is_none_or(|bad| at < bad);
        self.check_link(&parts, is_signed)?;
        if self.tiles.contradicts(parts.seq, &leaf) {
            // A valid MAC outweighs a tile; a hash, which needs no key, does not.
            if self.chain_checked && parts.signature.scheme == Scheme::Mac {
                self.tiles.report_bad(0, parts.seq);
            } else if self.suspect.is_none() {
                self.suspect = Some(self.suspect_at(self.place(batch, at)));
            }
        }
        self.compare_kept(line)?;
        match entry {
            Some(entry) => self.apply_entry(&entry, leaf, position, (batch, at))?,
            None => {
                self.needs_checkpoint = true;
                self.add_time(parts.unix_nanos, Some(false));
                (self.previous, self.previous_leaf) = (Some(parts.signature), Some(leaf));
                self.append(leaf, None, Place::default)?;
            }
        }
        self.read.entries += 1;
        self.read.bytes += line.len() as u64 + 1;
        Ok(())
    }

    /// Applies an entry to the state that control entries define, and appends its leaf.
    fn apply_entry(
        &mut self,
        entry: &Entry<'_>,
        leaf: Hash,
        position: EntryPosition,
        (batch, at): (&Batch, usize),
    ) -> Result<(), LineError> {
        self.control_state.check_position(entry, position)?;
        let mut next_key = None;
        let is_stop = entry.event_type == "ringseal.stop";
        self.needs_checkpoint |= !entry.is_control() || is_stop;
        if entry.is_control() {
            let before = self.before.as_ref();
            next_key = self.control_state.apply(entry, before, &self.files, &mut self.notes)?;
        }
        let is_pause = ControlState::is_pause(entry);
        let is_end = is_stop || is_pause == Some(true);
        if is_end && let Some(stop) = self.unsealed_epoch_finding() {
            return Err(stop.into());
        }
        self.add_time(entry.unix_nanos, is_pause);
        (self.previous, self.previous_leaf) = (Some(entry.signature), Some(leaf));
        let needs_place = next_key.is_some() || is_stop;
        let place = if needs_place { self.place(batch, at) } else { Place::default() };
        let here = place.clone();
        self.append(leaf, next_key, || place)?;
        if is_stop && self.control_state.format() > 1 && self.checkpoints.sealed != self.seq() {
            let detail = "the log was closed here, and no checkpoint covers its end";
            return Err(Stop::from(Finding::new(FindingKind::Unsealed, here, detail)).into());
        }
        Ok(())
    }

    /// Whether a crash left the end of the active segment from this line on: it contains zeros, which no writer writes.
    /// Cutting the end off would leave no more traces.
    pub(super) fn is_unwritten(&self, batch: &Batch, at: usize) -> bool {
        let is_active =
            self.segments.get(batch.segment).is_some_and(|segment| segment.first_seq.is_none());
        is_active && memchr::memchr(0, batch.line(at)).is_some()
    }

    /// Checks number, link and signature of any entry.
    pub(super) fn check_link(
        &mut self,
        entry: &EventLine,
        is_signed: bool,
    ) -> Result<(), LineError> {
        let (expected, found) = (self.seq(), entry.seq);
        if found != expected {
            return Err(if found > expected {
                LineError::SeqTooHigh { found }
            } else {
                LineError::SeqTooLow { found }
            });
        }
        let altered = |detail: &str| Err(LineError::Altered { detail: detail.into() });
        let is_first = expected == 0;
        let previous = match self.previous {
            None if is_first => Some(Signature::first(entry.signature.scheme)),
            previous => previous,
        };
        if !is_signed {
            return altered("the signature of the chain is wrong");
        }
        if previous.is_some_and(|previous| previous != entry.previous) {
            return altered("_prev_signature is not the signature of the previous entry");
        }
        if entry.previous.scheme != entry.signature.scheme {
            return altered("two kinds of signatures in one log");
        }
        Ok(())
    }

    pub(super) fn compare_kept(&mut self, line: &[u8]) -> Result<(), LineError> {
        if self.kept.seq != Some(self.seq()) {
            return Ok(());
        }
        if self.kept.line != line {
            let place = self.kept.place();
            let finding =
                Finding::new(FindingKind::BadTile, place, "differs from the entry in its segment");
            self.tiles.fault.get_or_insert(finding);
        }
        self.kept.advance()?;
        Ok(())
    }

    /// Adds to the time that a process was running since the last checkpoint. Times of different threads
    /// arrive slightly out of order, so only increases of the greatest time count.
    ///
    /// `is_pause` as in [`ControlState::is_pause`].
    pub(super) fn add_time(&mut self, unix_nanos: i64, is_pause: Option<bool>) {
        let latest = self.latest_unix_nanos.unwrap_or(unix_nanos);
        let step = unix_nanos.saturating_sub(latest).max(0) as u64;
        self.latest_unix_nanos = Some(unix_nanos.max(latest));
        let open = std::mem::take(&mut self.step_open_nanos);
        match is_pause {
            // No process was running, and the clock may have been corrected since.
            Some(true) => self.latest_unix_nanos = Some(unix_nanos),
            None => self.step_open_nanos = step,
            Some(false) => {
                let gap = &mut self.checkpoints.gap;
                gap.nanos = gap.nanos.saturating_add(open).saturating_add(step);
            }
        }
    }
}
