//! Sources of keysets: files, or the user's own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::KeysetError;
use super::keyset::{Keyset, KeysetKind};
use super::keyset_file::{self, Readers};
use ringseal_base::storage::{FileStat, OsStorage, Storage};

/// A source from which a keyset is loaded repeatedly. Calls may block; the writer thread makes none.
pub trait KeySource: Send {
    /// Whether [`KeySource::load`] may return a different keyset. Must be cheap; returns true if in doubt.
    fn is_changed(&mut self) -> Result<bool, KeysetError>;

    /// The current keyset.
    fn load(&mut self) -> Result<Keyset, KeysetError>;
}

/// A keyset file. A change shows in the file's time, length or identity; symbolic links are resolved each
/// time, so that a replaced link is a change.
pub struct FileSource {
    path: PathBuf,
    kind: KeysetKind,
    readers: Readers,
    storage: Arc<dyn Storage>,
    /// The state of the file that was last loaded without an error.
    loaded: Option<FileStat>,
}

impl FileSource {
    /// The file at `path`, which must hold keys of this kind.
    pub fn new(path: impl AsRef<Path>, kind: KeysetKind) -> FileSource {
        FileSource {
            path: path.as_ref().to_owned(),
            kind,
            readers: Readers::Owner,
            storage: Arc::new(OsStorage),
            loaded: None,
        }
    }

    /// Uses this file system.
    #[must_use]
    pub fn storage(mut self, storage: Arc<dyn Storage>) -> FileSource {
        self.storage = storage;
        self
    }

    /// Sets whether the file's group may read it. Off by default.
    #[must_use]
    pub fn group_readable(mut self, yes: bool) -> FileSource {
        self.readers = if yes { Readers::Group } else { Readers::Owner };
        self
    }
}

impl KeySource for FileSource {
    fn is_changed(&mut self) -> Result<bool, KeysetError> {
        let Some(loaded) = self.loaded else { return Ok(true) };
        let found = self.storage.resolve(&self.path).and_then(|real| self.storage.stat(&real));
        found.map(|found| found != loaded).map_err(|source| KeysetError::Io {
            file: keyset_file::name(&self.path),
            action: "look at",
            source,
        })
    }

    fn load(&mut self) -> Result<Keyset, KeysetError> {
        self.loaded = None;
        let (keyset, file) = keyset_file::load(&*self.storage, &self.path, self.readers)?;
        let keyset = keyset.expect(self.kind, &keyset_file::name(&self.path))?;
        self.loaded = file.stat().ok();
        Ok(keyset)
    }
}
