//! The process's own handle, opened by the first who asks for it.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::{TokenKeys, TokenKeysConfig, TokenKeysError};
use crate::core::clock::monotonic_nanos;

static GLOBAL: Global = Global::new();

impl TokenKeys {
    /// The handle that the process's environment describes ([`TokenKeysConfig::from_env`]), opened at the first
    /// call; `None` if the environment asks for no tokens. Nothing need be called at the start.
    ///
    /// Each call also does what [`TokenKeys::refresh`] does when it is due, so it may block on the disk: it is
    /// for the application's threads. An error of a refresh is counted, and the last good keyset is used.
    ///
    /// # Errors
    /// Why the handle could not be opened. The next call tries again.
    pub fn global() -> Result<Option<Arc<TokenKeys>>, TokenKeysError> {
        let open = || TokenKeysConfig::from_env()?.as_ref().map(TokenKeys::open).transpose();
        GLOBAL.get(open, Duration::from_nanos(monotonic_nanos()))
    }
}

/// What was opened, once it was.
struct Global {
    opened: Mutex<Option<Option<Arc<TokenKeys>>>>,
}

impl Global {
    const fn new() -> Global {
        Global { opened: Mutex::new(None) }
    }

    fn get(
        &self,
        open: impl FnOnce() -> Result<Option<TokenKeys>, TokenKeysError>,
        now: Duration,
    ) -> Result<Option<Arc<TokenKeys>>, TokenKeysError> {
        let pii = {
            // Others wait while the first one opens it: all of them need it.
            let mut opened = self.opened.lock();
            match &*opened {
                Some(pii) => pii.clone(),
                None => opened.insert(open()?.map(Arc::new)).clone(),
            }
        };
        if let Some(pii) = &pii {
            // Counted by the handle, which goes on with the last good keyset.
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
    fn the_first_who_asks_opens_it_and_later_ones_keep_it_fresh() {
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
    fn nothing_is_opened_where_nothing_is_configured() {
        let global = Global::new();
        for _ in 0..2 {
            let none = global.get(|| Ok(None), Duration::ZERO).expect("no error");
            assert!(none.is_none());
        }
    }
}
