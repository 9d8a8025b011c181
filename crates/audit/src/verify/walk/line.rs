//! Checks of one line: its number, its link, its copy in `kept.jsonl`, its time.
use super::super::control_state::ControlState;
use super::super::report::{Finding, FindingKind};
use super::super::source::Batch;
use super::{LineError, Walk};
use crate::entry::{Entry, Signature};

impl Walk<'_> {
    /// Whether a crash left the end of the active segment from this line on: it contains zeros, which no writer writes.
    /// Cutting the end off would leave no more traces.
    pub(super) fn is_unwritten(&self, batch: &Batch, at: usize) -> bool {
        let is_active =
            self.segments.get(batch.segment).is_some_and(|segment| segment.first_seq.is_none());
        is_active && memchr::memchr(0, batch.line(at)).is_some()
    }

    /// Checks number, link and signature.
    pub(super) fn check_link(
        &mut self,
        entry: &Entry<'_>,
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
    pub(super) fn add_time(&mut self, entry: &Entry<'_>) {
        let latest = self.latest_unix_nanos.unwrap_or(entry.unix_nanos);
        let step = entry.unix_nanos.saturating_sub(latest).max(0) as u64;
        self.latest_unix_nanos = Some(entry.unix_nanos.max(latest));
        let open = std::mem::take(&mut self.step_open_nanos);
        match ControlState::is_pause(entry) {
            // No process was running, and the clock may have been corrected since.
            Some(true) => self.latest_unix_nanos = Some(entry.unix_nanos),
            None => self.step_open_nanos = step,
            Some(false) => {
                let gap = &mut self.checkpoints.gap;
                gap.nanos = gap.nanos.saturating_add(open).saturating_add(step);
            }
        }
    }
}
