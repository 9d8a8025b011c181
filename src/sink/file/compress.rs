//! gzip of sealed segments, on the helper thread.
//!
//! The compressed form is written under a hidden name, made durable and renamed; only then is the plain form removed. A
//! crash leaves one of the two or both, never neither. If both exist, the removal was lost: it is repeated after a
//! check that the compressed form has the length it must have. A hidden partial form is removed. One buffer is
//! allocated while it works; it stops between two buffers when the sink is dropped.
use std::io::{self, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::helper::Shared;
use super::names::Found;
use super::recover::stat_or_missing;
use ringseal_base::storage::{
    FileAppender, OpenMode, Storage, StorageFile, publish_durably, read_full, remove_durably,
};

const BUFFER_BYTES: usize = 256 * 1024;
/// CRC-32 and length, at the end (RFC 1952, section 2.3).
const TRAILER_BYTES: u64 = 8;

/// Compresses every sealed segment that is still plain and old enough.
pub(super) fn compress_sealed(shared: &Shared, found: &Found) -> io::Result<()> {
    let last = shared.last_number();
    for plain in found.sealed.iter().filter(|name| !name.compressed && name.number <= last) {
        if shared.stopping() {
            return Ok(());
        }
        compress_one(shared, plain.number)?;
    }
    Ok(())
}

fn compress_one(shared: &Shared, number: u64) -> io::Result<()> {
    let (storage, names) = (&*shared.storage, &shared.names);
    let plain_path = names.sealed(number);
    let plain = match storage.open(&plain_path, OpenMode::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let stat = plain.stat()?;
    if is_young(shared, stat.modified_unix_nanos) {
        return Ok(());
    }
    let len = stat.len;
    let compressed_path = names.compressed(number);
    if !is_whole(storage, &compressed_path, len)? {
        let partial_path = names.partial(number);
        let create = OpenMode::CreateNew { mode: shared.config.file_mode };
        let mut partial = storage.open(&partial_path, create)?;
        if !copy_compressed(shared, &*plain, &mut *partial)? {
            return storage.remove(&partial_path);
        }
        publish_durably(storage, &*partial, &partial_path, &compressed_path)?;
    }
    remove_durably(storage, &plain_path)
}

/// Whether a segment that was modified at that time stays plain for now.
fn is_young(shared: &Shared, modified_unix_nanos: i64) -> bool {
    let age = i128::from(shared.now_unix_nanos()) - i128::from(modified_unix_nanos);
    let after = shared.config.compress_after;
    after.is_some_and(|after| age <= i128::try_from(after.as_nanos()).unwrap_or(i128::MAX))
}

/// Whether a complete compressed form of a plain segment of `len` bytes exists.
fn is_whole(storage: &dyn Storage, path: &Path, len: u64) -> io::Result<bool> {
    let Some(stat) = stat_or_missing(storage.stat(path))? else { return Ok(false) };
    if stat.len <= TRAILER_BYTES {
        return Ok(false);
    }
    let file = storage.open(path, OpenMode::Read)?;
    let mut stored = [0; 4];
    let read = read_full(&*file, &mut stored, stat.len - 4)?;
    // The format keeps the length modulo 2^32.
    Ok(read == 4 && u32::from_le_bytes(stored) == len as u32)
}

/// Returns whether it reached the end; it does not when the sink is being dropped.
fn copy_compressed(
    shared: &Shared,
    plain: &dyn StorageFile,
    partial: &mut dyn StorageFile,
) -> io::Result<bool> {
    let mut encoder = GzEncoder::new(FileAppender(partial), Compression::default());
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut offset = 0;
    loop {
        if shared.stopping() {
            return Ok(false);
        }
        let read = read_full(plain, &mut buffer, offset)?;
        if read == 0 {
            break;
        }
        encoder.write_all(&buffer[..read])?;
        offset += read as u64;
    }
    encoder.finish()?;
    Ok(true)
}
