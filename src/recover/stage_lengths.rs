//! The lengths of a stage's lines.
use std::io;
use std::path::Path;

use ringseal_base::storage::{OpenMode, Storage, read_full};

/// Bytes that are read at a time.
const BLOCK_BYTES: u64 = 64 << 10;

/// The length of each line in the first `bytes` bytes, newlines included.
pub fn stage_lengths(storage: &dyn Storage, path: &Path, bytes: u64) -> io::Result<Vec<u32>> {
    let mut lengths = Vec::new();
    if bytes == 0 {
        return Ok(lengths);
    }
    let file = storage.open(path, OpenMode::Read)?;
    let mut block = vec![0; BLOCK_BYTES as usize];
    let (mut at, mut line_start) = (0, 0);
    while at < bytes {
        let part = &mut block[..(bytes - at).min(BLOCK_BYTES) as usize];
        let read = read_full(&*file, part, at)?;
        if read == 0 {
            break;
        }
        for newline in memchr::memchr_iter(b'\n', &part[..read]) {
            let end = at + newline as u64 + 1;
            lengths.push(u32::try_from(end - line_start).unwrap_or(u32::MAX));
            line_start = end;
        }
        at += read as u64;
    }
    Ok(lengths)
}
