//! Epochs: the key that signs checkpoints is exchanged, and the old one erased.
//!
//! In this order, so that a crash at any point leaves something that opening can finish: the next
//! key on disk, the entry that names it on disk, the checkpoint over that entry by the old key on
//! disk, the next key in the place of the old one.
use super::AuditLog;
use super::disk::Result;
use super::names::{EPOCH_KEY, EPOCH_NEXT};
use super::seal::sign_note;
use crate::audit::entry::control::{Control, Epoch};
use crate::audit::keys::{new_signer, replace_secret, wipe_secret};
use crate::audit::note::Signer;
use zeroize::Zeroizing;

/// What a key's file holds.
pub(super) fn key_text(signer: &Signer) -> Zeroizing<String> {
    let mut text = signer.secret_text();
    text.reserve_exact(1);
    text.push('\n');
    text
}

impl AuditLog {
    /// Begins a new epoch: entry, seal, new key.
    pub(super) fn change_epoch(&mut self) -> Result<()> {
        self.commit()?;
        self.finish_epoch()?;
        let origin = self.origin().to_owned();
        let next = new_signer(&origin, &mut *self.random)?;
        let storage = &*self.disk.storage;
        replace_secret(storage, &self.disk.path(EPOCH_NEXT), key_text(&next).as_bytes())?;
        let entry = Epoch {
            number: self.epoch + 1,
            old_key: self.signer.verifier().to_string(),
            new_key: next.verifier().to_string(),
        };
        self.append_control(&Control::Epoch(entry))?;
        // The seal is made now: what comes later belongs to the next epoch.
        let note = sign_note(&self.signer, self.tiles.tree().len(), self.tiles.tree().root());
        self.next_signer = Some(next);
        self.push_note(note?);
        self.commit()?;
        self.finish_epoch()
    }

    /// Finishes a change of epochs that is under way. Its entry must be committed.
    pub(super) fn finish_epoch(&mut self) -> Result<()> {
        let Some(next) = &self.next_signer else { return Ok(()) };
        let text = key_text(next);
        self.flush_notes()?;
        let storage = &*self.disk.storage;
        replace_secret(storage, &self.disk.path(EPOCH_KEY), text.as_bytes())?;
        wipe_secret(storage, &self.disk.path(EPOCH_NEXT))?;
        if let Some(next) = self.next_signer.take() {
            self.signer = next;
            self.epoch += 1;
            self.epoch_since = self.clock.unix_nanos();
        }
        self.save_chain_key()
    }
}
