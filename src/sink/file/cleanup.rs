//! The helper thread's work on sealed segments. Each step derives its work from the directory and can be repeated at
//! any time, so a crash between two steps leaves work undone but causes no damage.
use std::io;
use std::path::Path;

use super::config::RetainBytes;
use super::helper::Shared;
use super::names::{NUMBER_MAX, Names, SealedName};
use super::recover::stat_or_missing;
use super::retain::{Limits, SealedSegment};
use crate::sink::SinkError;
use ringseal_base::storage::{
    FileKind, OpenMode, Storage, append_all, publish_durably, read_full, remove_durably,
};

/// Makes the given segments and their names durable. A segment that retention removed meanwhile needs nothing.
pub(super) fn sync_segments(shared: &Shared, numbers: &[u64]) -> Result<(), SinkError> {
    let storage = &*shared.storage;
    for &number in numbers {
        let path = shared.names.sealed(number);
        match storage.open(&path, OpenMode::Append).and_then(|file| file.sync()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // The next clean-up sets it aside.
            Err(_) if is_foreign(storage, &path) => {}
            result => result.map_err(|source| SinkError::io("sync", &path, source))?,
        }
    }
    let dir = &shared.names.dir;
    storage.sync_dir(dir).map_err(|source| SinkError::io("sync", dir, source))
}

fn is_foreign(storage: &dyn Storage, path: &Path) -> bool {
    storage.stat(path).is_ok_and(|stat| stat.kind != FileKind::Regular)
}

/// Sets foreign things aside, removes surplus segments, makes the rest durable, stores the highest number, compresses.
pub(super) fn clean_up(shared: &Shared) -> Result<(), SinkError> {
    let in_dir = |source| SinkError::io("tidy", &shared.names.dir, source);
    let mut found = shared.names.found(&*shared.storage).map_err(in_dir)?;
    shared.set_aside_foreign_segments(&mut found)?;
    for &number in &found.partial {
        // A crash left these files: no other thread writes one, and this thread is not writing one now.
        shared.storage.remove(&shared.names.partial(number)).map_err(in_dir)?;
    }
    // First, because removed segments need neither be synced nor compressed.
    retain(shared, &found.sealed).map_err(in_dir)?;
    // Read first: a segment that is sealed meanwhile is not among those that are synced now.
    let number = shared.last_number();
    shared.sync_sealed()?;
    keep_last_number(shared, number).map_err(in_dir)?;
    #[cfg(feature = "compress")]
    if shared.config.compress {
        let found = shared.names.found(&*shared.storage).map_err(in_dir)?;
        super::compress::compress_sealed(shared, &found).map_err(in_dir)?;
    }
    Ok(())
}

/// Retention or an operator may remove the newest sealed segment; its number must not be assigned again. The stored
/// number also shows which segments survive power loss: the next start examines the tails of later ones.
fn keep_last_number(shared: &Shared, number: u64) -> io::Result<()> {
    let (storage, names) = (&*shared.storage, &shared.names);
    if number == 0 || read_last_number(storage, names)? == number {
        return Ok(());
    }
    let partial = &names.last_partial;
    let create = OpenMode::CreateNew { mode: shared.config.file_mode };
    let mut file = match storage.open(partial, create) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            storage.remove(partial)?;
            storage.open(partial, create)?
        }
        opened => opened?,
    };
    append_all(&mut *file, format!("{number}\n").as_bytes())?;
    publish_durably(storage, &*file, partial, &names.last)
}

/// The stored number; 0 if it is missing, cannot be parsed or is too high.
pub(super) fn read_last_number(storage: &dyn Storage, names: &Names) -> io::Result<u64> {
    let file = match storage.open(&names.last, OpenMode::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        opened => opened?,
    };
    let mut text = [0; 32];
    let len = read_full(&*file, &mut text, 0)?;
    let digits = std::str::from_utf8(&text[..len]).ok().and_then(|text| text.strip_suffix('\n'));
    let number = digits.and_then(|digits| digits.parse().ok());
    Ok(number.filter(|number| *number <= NUMBER_MAX).unwrap_or(0))
}

/// The limits of retention. The size of the file system is read again each time: it may have grown.
fn limits(shared: &Shared) -> Limits {
    let config = &shared.config;
    let (segments_max, age_max) = (config.retain_segments_max, config.retain_age_max);
    let (bytes_max, keeps_newest) = match config.retain_bytes_max {
        RetainBytes::AtMost(bytes) => (Some(bytes), false),
        RetainBytes::Unlimited => (None, false),
        RetainBytes::Automatic if segments_max.is_some() => (None, false),
        RetainBytes::Automatic => {
            let capacity = shared.storage.capacity(&shared.names.dir).ok().flatten();
            (Some(RetainBytes::automatic(capacity)), true)
        }
    };
    Limits { segments_max, age_max, bytes_max, keeps_newest }
}

fn retain(shared: &Shared, sealed: &[SealedName]) -> io::Result<()> {
    let limits = limits(shared);
    if !limits.any() {
        return Ok(());
    }
    let storage = &*shared.storage;
    let mut kept: Vec<SealedSegment> = Vec::with_capacity(sealed.len());
    for name in sealed.iter().filter(|name| name.number <= shared.last_number()) {
        let Some(stat) = stat_or_missing(storage.stat(&name.path(&shared.names)))? else {
            continue;
        };
        match kept.last_mut().filter(|last| last.number == name.number) {
            // Between two steps of compression both forms of a segment exist: they count as one segment with the sum of
            // both lengths.
            Some(last) => last.len += stat.len,
            None => kept.push(SealedSegment {
                number: name.number,
                len: stat.len,
                modified_unix_nanos: stat.modified_unix_nanos,
            }),
        }
    }
    let now = shared.now_unix_nanos();
    let surplus = limits.surplus(&kept, now);
    if let (Some(newest), true) = (kept.last(), surplus == kept.len()) {
        keep_last_number(shared, newest.number)?;
    }
    for segment in &kept[..surplus] {
        for name in sealed.iter().filter(|name| name.number == segment.number) {
            match remove_durably(storage, &name.path(&shared.names)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                result => result?,
            }
        }
        shared.count_removed(segment.len);
    }
    Ok(())
}
