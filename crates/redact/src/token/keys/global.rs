//! The process-wide handle, opened by its first user.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::{TokenKeys, TokenKeysConfig, TokenKeysError};
use ringseal_base::clock::monotonic_nanos;

static GLOBAL: Global = Global::new();

impl TokenKeys {
    /// The handle configured by the process's environment ([`TokenKeysConfig::from_env`]), opened at the
    /// first call; `None` if the environment does not configure one. No call at startup is needed.
    ///
    /// Each call also refreshes the keys as [`TokenKeys::refresh`] does, so it may block on the disk: it is
    /// for the application's threads. A failed refresh is counted, and the last good keyset is used.
    ///
    /// # Errors
    /// Why the handle could not be opened. The next call tries again.
    pub fn global() -> Result<Option<Arc<TokenKeys>>, TokenKeysError> {
        let open = || TokenKeysConfig::from_env()?.as_ref().map(TokenKeys::open).transpose();
        GLOBAL.get(open, Duration::from_nanos(monotonic_nanos()))
    }
}

/// The handle, once it was opened.
struct Global {
    state: Mutex<State>,
}

enum State {
    /// Not opened yet, or opening has failed.
    Closed,
    /// The environment configures no handle.
    NotConfigured,
    Open(Arc<TokenKeys>),
}

impl Global {
    const fn new() -> Global {
        Global { state: Mutex::new(State::Closed) }
    }

    fn get(
        &self,
        open: impl FnOnce() -> Result<Option<TokenKeys>, TokenKeysError>,
        now: Duration,
    ) -> Result<Option<Arc<TokenKeys>>, TokenKeysError> {
        let pii = {
            // Other threads wait until it is open: all of them need it.
            let mut state = self.state.lock();
            if let State::Closed = *state {
                *state = open()?.map_or(State::NotConfigured, |keys| State::Open(Arc::new(keys)));
            }
            match &*state {
                State::Open(keys) => Some(Arc::clone(keys)),
                State::Closed | State::NotConfigured => None,
            }
        };
        if let Some(pii) = &pii {
            // The handle counts the failure and keeps the last good keyset.
            let _ = pii.refresh(now);
        }
        Ok(pii)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::time::Duration;

    use super::super::tests::{TOKENS, disk, keyset_text, open};
    use super::super::{FieldType, KeysetKind, TokenKeysConfig, TokenKeysError};
    use super::Global;

    #[test]
    fn the_first_call_opens_and_later_calls_refresh() {
        let global = Global::new();
        let disk = disk();
        let at = Duration::from_secs;
        let failed = global.get(|| Err(TokenKeysError::TooLong { found: 0 }), at(0));
        assert!(failed.is_err(), "and the next call tries again");
        let first = global.get(|| open(&disk, &TokenKeysConfig::new(TOKENS)).map(Some), at(0));
        let first = first.expect("good").expect("configured");
        let old = first.tokenize("ann", FieldType::Generic);
        disk.set_time(2_000);
        disk.put(Path::new(TOKENS), keyset_text(KeysetKind::Token, &[("tk2", 50)]).as_bytes());
        let later = |seconds| {
            let pii = global.get(|| unreachable!("it is open"), at(seconds));
            pii.expect("good").expect("configured")
        };
        assert!(Arc::ptr_eq(&first, &later(9)));
        assert_eq!(first.tokenize("ann", FieldType::Generic), old);
        assert_ne!(later(10).tokenize("ann", FieldType::Generic), old);
        disk.put(Path::new(TOKENS), b"{");
        let bad = later(20);
        assert_eq!(bad.status().failures, 1, "the last good keyset is used");
    }

    #[test]
    fn nothing_is_opened_without_configuration() {
        let global = Global::new();
        for _ in 0..2 {
            let none = global.get(|| Ok(None), Duration::ZERO).expect("no error");
            assert!(none.is_none());
        }
    }
}
