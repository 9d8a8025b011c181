//! What the thread has read, as a source of keysets for the handle.
//!
//! Promises: nothing here waits for the network. The text of a keyset is overwritten as soon as the handle has loaded
//! it.
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;

use parking_lot::Mutex;
use ringseal_redact::token::{KeySource, Keyset, KeysetError};
use zeroize::Zeroizing;

use crate::error::VaultError;

/// The last result of reading one keyset.
#[derive(Default)]
struct Slot {
    /// A text that the handle has not loaded yet.
    new: Option<Zeroizing<String>>,
    /// A hash of the last text under random keys: an unchanged keyset is not loaded again.
    last: Option<u64>,
    /// Why the last read failed.
    error: Option<Arc<VaultError>>,
}

/// One keyset of the server; clones share it.
#[derive(Clone)]
pub(crate) struct VaultSource {
    /// The path, for errors.
    origin: String,
    hasher: RandomState,
    slot: Arc<Mutex<Slot>>,
}

impl VaultSource {
    pub(crate) fn new(origin: &str) -> VaultSource {
        VaultSource { origin: origin.to_owned(), hasher: RandomState::new(), slot: Arc::default() }
    }

    /// Takes the result of a read.
    pub(crate) fn put(&self, result: Result<Zeroizing<String>, Arc<VaultError>>) {
        let mut slot = self.slot.lock();
        match result {
            Ok(text) => {
                slot.error = None;
                let hash = Some(self.hasher.hash_one(text.as_bytes()));
                if slot.last != hash {
                    slot.last = hash;
                    slot.new = Some(text);
                }
            }
            Err(error) => slot.error = Some(error),
        }
    }

    fn error(&self, source: Arc<VaultError>) -> KeysetError {
        KeysetError::Source { origin: self.origin.clone(), source }
    }
}

impl KeySource for VaultSource {
    fn is_changed(&mut self) -> Result<bool, KeysetError> {
        let slot = self.slot.lock();
        match &slot.error {
            Some(error) => Err(self.error(Arc::clone(error))),
            None => Ok(slot.new.is_some()),
        }
    }

    fn load(&mut self) -> Result<Keyset, KeysetError> {
        let mut slot = self.slot.lock();
        let Some(text) = &slot.new else {
            let error = slot.error.clone();
            let none = || Arc::new(VaultError::NoKeyset);
            return Err(self.error(error.unwrap_or_else(none)));
        };
        // A text that cannot be used stays, so that each check reports it.
        let keyset = Keyset::parse(text.as_bytes(), &self.origin)?;
        slot.new = None;
        Ok(keyset)
    }
}
