//! gzip compression of sealed segments.
//!
//! Runs beside the log, on the caller's thread: sealed segments do not change. The compressed file is written under a
//! temporary name, read back and compared, made durable and renamed; then the plain file is removed. A crash leaves one
//! of the two files or both. Uses two buffers.
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::disk::{Disk, Result, with_path};
use super::error::{Damage, StoreError};
use super::names::{parse_sealed, sealed_name};
use ringseal_base::digest::{Hash, Sha256};
use ringseal_base::storage::{
    FileAppender, FileReader, OpenMode, Storage, StorageFile, publish_durably, remove_durably,
};

const BUFFER_BYTES: usize = 128 * 1024;

/// Compresses every sealed segment of the log in `dir` that is still plain; returns how many.
pub fn compress_sealed(storage: &Arc<dyn Storage>, dir: &Path) -> Result<u64> {
    let disk = Disk::new(storage.clone(), dir, None);
    let mut done = 0;
    let mut names = disk.list("")?;
    names.sort_unstable();
    for name in names {
        if let Some((first_seq, false)) = parse_sealed(&name) {
            done += u64::from(compress_one(&disk, first_seq)?);
        }
    }
    Ok(done)
}

fn compress_one(disk: &Disk, first_seq: u64) -> Result<bool> {
    let plain_name = sealed_name(first_seq);
    let Some(plain) = disk.open(&plain_name, OpenMode::Read)? else { return Ok(false) };
    let (name, unfinished) = (format!("{plain_name}.gz"), format!("{plain_name}.gz.tmp"));
    let (plain_path, path) = (disk.path(&plain_name), disk.path(&name));
    let mut file = disk.create(&unfinished)?;
    let written = with_path("compressing", &plain_path, pack(plain, &mut *file))?;
    let packed = disk.open(&unfinished, OpenMode::Read)?;
    let packed =
        packed.ok_or(StoreError::Refused { why: "the compressed file has disappeared" })?;
    if with_path("reading back", &path, unpacked_hash(packed))? != written {
        disk.remove(&unfinished)?;
        let what = Damage::Order("the content that was compressed");
        return Err(StoreError::Damaged { file: name, offset: 0, seq: first_seq, what });
    }
    let published = publish_durably(&*disk.storage, &*file, &disk.path(&unfinished), &path);
    with_path("publishing", &path, published)?;
    if disk.stat(&plain_name)?.is_none() {
        // The segment was pruned in the meantime, so its compressed file must not stay.
        return with_path("removing", &path, remove_durably(&*disk.storage, &path)).map(|()| false);
    }
    with_path("removing", &plain_path, remove_durably(&*disk.storage, &plain_path)).map(|()| true)
}

fn pack(plain: Box<dyn StorageFile>, packed: &mut dyn StorageFile) -> io::Result<Hash> {
    let mut encoder = GzEncoder::new(FileAppender(packed), Compression::default());
    let hash = copy(FileReader { file: plain, offset: 0 }, &mut encoder)?;
    encoder.finish()?;
    Ok(hash)
}

fn unpacked_hash(packed: Box<dyn StorageFile>) -> io::Result<Hash> {
    let packed = io::BufReader::with_capacity(BUFFER_BYTES, FileReader { file: packed, offset: 0 });
    copy(MultiGzDecoder::new(packed), &mut io::sink())
}

/// Copies everything and hashes it.
fn copy(mut from: impl Read, to: &mut impl Write) -> io::Result<Hash> {
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; BUFFER_BYTES]);
    loop {
        let read = match from.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            return Ok(hash.finish());
        };
        hash.update(bytes);
        to.write_all(bytes)?;
    }
}
