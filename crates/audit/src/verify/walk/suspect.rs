//! Suspect places. They become findings only if later evidence shows that they are bad.
use super::super::report::{Finding, FindingKind, Place};
use super::Walk;

/// The counts of entries and bytes read before a place.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ReadCounts {
    pub entries: u64,
    pub bytes: u64,
    pub segments: u64,
}

/// A place that may turn out to be the first bad record.
pub(in crate::verify) struct Suspect {
    pub place: Place,
    /// The amount read before it.
    read: ReadCounts,
}

impl Walk<'_> {
    /// Replaces the finding by an earlier suspect line, which is then the first bad record.
    pub fn prefer_suspect(&mut self, finding: Finding) -> Finding {
        match self.suspect.take() {
            Some(suspect) => {
                let place = self.rewind_to(suspect);
                let detail = format!("not the entry whose leaf hash is in its tile; {finding}");
                Finding::new(FindingKind::Modified, place, detail)
            }
            None => finding,
        }
    }

    /// Resets the counts to those before the suspect, and returns its place.
    pub fn rewind_to(&mut self, suspect: Suspect) -> Place {
        self.read = suspect.read;
        suspect.place
    }

    /// Marks a place with the current counts.
    pub(super) fn suspect_at(&self, place: Place) -> Suspect {
        Suspect { place, read: self.read }
    }
}
