//! Epochs: the key that signs checkpoints is replaced and the old one erased.
//!
//! The order lets opening finish after a crash at any point: the next key is on disk, then the entry that names it,
//! then the checkpoint over that entry by the old key, and then the next key replaces the old one.
use super::AuditLog;
use super::disk::Result;
use super::names::{EPOCH_KEY, EPOCH_NEXT};
use super::seal::sign_note;
use crate::entry::control::{Control, Epoch};
use crate::keys::{STATE_MARK, new_signer, replace_secret, wipe_secret};
use crate::note::Signer;
use zeroize::Zeroizing;

/// The content of a key file: the key, and the mark that a protected state exists.
pub(super) fn key_text(signer: &Signer) -> Zeroizing<String> {
    let mut text = signer.secret_text();
    text.reserve_exact(STATE_MARK.len() + 2);
    text.push('\n');
    text.push_str(STATE_MARK);
    text.push('\n');
    text
}

impl AuditLog {
    /// Begins a new epoch: entry, checkpoint, new key.
    pub(super) fn change_epoch(&mut self) -> Result<()> {
        self.commit()?;
        self.finish_epoch()?;
        let origin = self.origin().to_owned();
        let next = new_signer(&origin, &mut *self.random)?;
        let storage = &*self.disk.storage;
        replace_secret(storage, &self.disk.secret(EPOCH_NEXT), key_text(&next).as_bytes())?;
        let entry = Epoch {
            number: self.epoch + 1,
            old_key: self.signer.verifier().to_string(),
            new_key: next.verifier().to_string(),
        };
        self.append_control(&Control::Epoch(entry))?;
        // The checkpoint is made now: later entries belong to the next epoch.
        let note = sign_note(&self.signer, self.tiles.tree().len(), self.tiles.tree().root());
        self.next_signer = Some(next);
        self.push_note(note?);
        self.commit()?;
        self.finish_epoch()
    }

    /// Finishes a change of epochs in progress. Its entry must be committed.
    pub(super) fn finish_epoch(&mut self) -> Result<()> {
        let Some(next) = &self.next_signer else { return Ok(()) };
        let text = key_text(next);
        self.flush_notes()?;
        // The state must be readable with the new key before the old one is erased.
        self.sync_state()?;
        let storage = &*self.disk.storage;
        replace_secret(storage, &self.disk.secret(EPOCH_KEY), text.as_bytes())?;
        wipe_secret(storage, &self.disk.secret(EPOCH_NEXT))?;
        if let Some(next) = self.next_signer.take() {
            self.signer = next;
            self.epoch += 1;
            self.epoch_since = self.clock.unix_nanos();
        }
        self.save_chain_key()
    }
}
