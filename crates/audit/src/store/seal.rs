//! Checkpoints: made immediately, published when the entries that they cover are on disk.
use super::disk::Result;
use super::names::CHAIN_KEY;
use super::{AuditLog, StoreError, checkpoint_files};
use crate::checkpoint::Checkpoint;
use crate::entry::control::Trigger;
use crate::keys::replace_secret;
use crate::note::Signer;

/// After this many checkpoints the tiles are synced and stale partial tiles removed.
const SEALS_PER_SYNC: u32 = 32;

/// A checkpoint that is made and not yet published.
#[derive(Debug)]
pub(super) struct PendingNote {
    pub size: u64,
    pub text: String,
    /// It has been appended to `checkpoints`.
    pub is_listed: bool,
}

impl AuditLog {
    /// The key that signs everything after the last entry.
    pub(super) fn current_signer(&self) -> &Signer {
        self.next_signer.as_ref().unwrap_or(&self.signer)
    }

    /// Commits, publishes a checkpoint over all entries and returns it as a signed note. Returns the existing
    /// checkpoint if it has this size already.
    pub fn checkpoint(&mut self) -> Result<String> {
        let result = self.commit().and_then(|_| self.finish_epoch()).and_then(|()| self.seal());
        self.counts.record(&result);
        result?;
        let text = self.disk.read_note(super::names::CHECKPOINT)?.unwrap_or_default();
        String::from_utf8(text)
            .map_err(|_| StoreError::Refused { why: "the checkpoint is not text" })
    }

    /// A check of integrity and a checkpoint, so that the age of the log is visible while nothing is logged.
    pub(super) fn seal_periodically(&mut self) -> Result<()> {
        self.check_integrity(Trigger::Periodic)?;
        self.commit()?;
        self.seal()
    }

    /// A checkpoint within a backlog of commits. Its errors do not fail the commit: `maintain` tries again.
    pub(super) fn seal_backlog(&mut self) {
        if self.next_signer.is_some() {
            // The change of epochs makes its own checkpoint.
            return;
        }
        if self.seal().is_err() {
            self.counts.failures += 1;
        }
    }

    /// Publishes a checkpoint over all entries, which must be committed.
    pub(super) fn seal(&mut self) -> Result<()> {
        if self.tiles.tree().len() > self.sealed_size {
            let signer = self.next_signer.as_ref().unwrap_or(&self.signer);
            let note = sign_note(signer, self.tiles.tree().len(), self.tiles.tree().root())?;
            self.push_note(note);
        }
        self.flush_notes()?;
        self.save_chain_key()
    }

    pub(super) fn push_note(&mut self, note: PendingNote) {
        self.sealed_size = note.size;
        self.sealed_since = self.clock.unix_nanos();
        self.pending_notes.push(note);
    }

    /// Publishes the pending checkpoints.
    pub(super) fn flush_notes(&mut self) -> Result<()> {
        while let Some(note) = self.pending_notes.first_mut() {
            if note.size > self.committed {
                return Ok(());
            }
            if !note.is_listed {
                // The tiles may be those of a larger tree by now: partial tiles are those of the current tree.
                self.seals += 1;
                if self.seals < SEALS_PER_SYNC {
                    self.tiles.seal(&*self.disk.storage)?;
                } else {
                    self.tiles.sync(&*self.disk.storage)?;
                    self.seals = 0;
                }
                checkpoint_files::append_note(&mut self.notes, &note.text)?;
                note.is_listed = true;
            }
            checkpoint_files::replace_latest(&self.disk, &note.text)?;
            self.pending_notes.remove(0);
        }
        Ok(())
    }

    /// Makes the tiles survive power loss and removes partial ones that are no longer needed.
    pub(super) fn sync_tiles(&mut self) -> Result<()> {
        self.tiles.sync(&*self.disk.storage)?;
        self.seals = 0;
        Ok(())
    }

    /// Saves the key of the next entry, if it is newer than the saved one.
    pub(super) fn save_chain_key(&mut self) -> Result<()> {
        self.saved_since = self.clock.unix_nanos();
        if self.saved_seq == self.committed || self.committed != self.next_seq {
            return Ok(());
        }
        // A state that is older than the key on disk could not be checked.
        self.sync_state()?;
        let Some(key) = self.chain.key(self.committed) else { return Ok(()) };
        let text = key.chain_text(self.committed);
        replace_secret(&*self.disk.storage, &self.disk.secret(CHAIN_KEY), text.as_bytes())?;
        self.saved_seq = self.committed;
        Ok(())
    }
}

/// A checkpoint, signed.
pub(super) fn sign_note(
    signer: &Signer,
    size: u64,
    root: ringseal_base::digest::Hash,
) -> Result<PendingNote> {
    let origin = signer.verifier().name().to_owned();
    let text = Checkpoint { origin, size, root }.sign(signer);
    let text =
        text.map_err(|_| StoreError::Refused { why: "the origin cannot be used in a checkpoint" })?;
    Ok(PendingNote { size, text, is_listed: false })
}
