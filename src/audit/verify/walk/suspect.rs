//! Places that are accused only later, if at all, and what was read before them.
use super::super::report::{Finding, FindingKind, Place};
use super::Walk;

/// What stands in segments before some place.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ReadCounts {
    pub entries: u64,
    pub bytes: u64,
    pub segments: u64,
}

/// A place that is accused only later, if at all.
pub(in crate::audit::verify) struct Suspect {
    pub place: Place,
    /// What was read before it.
    read: ReadCounts,
}

impl Walk<'_> {
    /// A line that was suspect already is the first that is bad.
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

    /// What came behind such a place is not what was right before the first bad record.
    pub fn rewind_to(&mut self, suspect: Suspect) -> Place {
        self.read = suspect.read;
        suspect.place
    }

    /// A place that the pass has reached, and what was read before it.
    pub(super) fn suspect_at(&self, place: Place) -> Suspect {
        Suspect { place, read: self.read }
    }
}
