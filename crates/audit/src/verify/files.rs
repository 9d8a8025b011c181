//! Checks the files that are not read as part of a segment: kinds of files, impossible numbers, compressed files beside
//! plain ones, partial tiles.
//!
//! Promises: reads a compressed file only if the plain one exists too; one tile in memory. Nothing is opened before its
//! kind is known, because opening a pipe may wait without end.
use std::io::{self, Read};
use std::path::Path;

use super::Stop;
use super::report::{Finding, FindingKind};
use super::source::{Segment, decompressor};
use super::tile_check::TileCheck;
use crate::store::names::{
    CHECKPOINT, CHECKPOINT_NEXT, CHECKPOINTS, KEPT, TILE_DIR, TORN_DIR, parse_sealed,
};
use crate::tiles::{HASH_BYTES, TILE_WIDTH, Tile};
use ringseal_base::storage::{FileKind, FileReader, OpenMode, Storage};

/// The greatest number of an entry.
const SEQ_MAX: u64 = i64::MAX as u64;

/// The finding for something that is not a regular file; `None` if it is one, is missing, or cannot be examined.
pub(super) fn wrong_kind(storage: &dyn Storage, dir: &Path, name: &str) -> Option<Finding> {
    expect_kind(storage, dir, name, FileKind::Regular)
}

fn expect_kind(
    storage: &dyn Storage,
    dir: &Path,
    name: &str,
    expected: FileKind,
) -> Option<Finding> {
    let found = storage.stat(&dir.join(name)).ok()?.kind;
    let what = format!("expected {}, found {}", expected.as_str(), found.as_str());
    (found != expected).then(|| Finding::of_file(FindingKind::BadFile, name, what))
}

/// Checks the kinds of all files that are read by name, before any is opened.
pub(super) fn check_kinds(storage: &dyn Storage, dir: &Path) -> Result<(), Stop> {
    let files = [CHECKPOINTS, CHECKPOINT, CHECKPOINT_NEXT, KEPT];
    let mut wrong = files.iter().filter_map(|name| wrong_kind(storage, dir, name));
    let dirs = [TILE_DIR, TORN_DIR];
    let mut wrong_dirs =
        dirs.iter().filter_map(|name| expect_kind(storage, dir, name, FileKind::Directory));
    wrong.next().or_else(|| wrong_dirs.next()).map_or(Ok(()), |finding| Err(finding.into()))
}

/// Whether a name is that of a segment with a number that no entry has.
pub(super) fn is_impossible_segment(name: &str) -> bool {
    let digits = name.strip_prefix("audit-").and_then(|rest| rest.split_at_checked(20));
    let is_named = digits.is_some_and(|(digits, end)| {
        digits.bytes().all(|byte| byte.is_ascii_digit()) && [".jsonl", ".jsonl.gz"].contains(&end)
    });
    is_named && parse_sealed(name).is_none_or(|(seq, _)| seq > SEQ_MAX)
}

/// Compares each compressed file with the plain file of the same segment.
pub(super) fn compare_copies(
    storage: &dyn Storage,
    dir: &Path,
    copies: &[Segment],
) -> Result<(), Stop> {
    for copy in copies {
        let differs = || {
            let detail = format!("its content is not that of {}", copy.plain);
            Stop::from(Finding::of_file(FindingKind::BadFile, &copy.file, detail))
        };
        let open = |name: &str| {
            let path = dir.join(name);
            storage.open(&path, OpenMode::Read).map_err(|error| (path, error))
        };
        let (plain, packed) = match (open(&copy.plain), open(&copy.file)) {
            (Ok(plain), Ok(packed)) => (plain, packed),
            // Compression has just finished, or the segment was removed.
            (Err((_, error)), _) | (_, Err((_, error)))
                if error.kind() == io::ErrorKind::NotFound =>
            {
                continue;
            }
            (Err((path, error)), _) | (_, Err((path, error))) => {
                return Err(Stop::io(&path, &error));
            }
        };
        let Some(mut packed) = decompressor(FileReader { file: packed, offset: 0 }) else {
            continue;
        };
        let mut plain = FileReader { file: plain, offset: 0 };
        match is_same(&mut plain, &mut *packed) {
            Ok(true) => {}
            Ok(false) => return Err(differs()),
            Err(error) if is_damage(&error) => return Err(differs()),
            Err(error) => return Err(Stop::io(&dir.join(&copy.file), &error)),
        }
    }
    Ok(())
}

fn is_damage(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    [InvalidData, InvalidInput, UnexpectedEof].contains(&error.kind())
}

fn is_same(one: &mut dyn Read, two: &mut dyn Read) -> io::Result<bool> {
    let (mut first, mut second) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        let count = fill(one, &mut first)?;
        if fill(two, &mut second)? != count || first.get(..count) != second.get(..count) {
            return Ok(false);
        }
        if count == 0 {
            return Ok(true);
        }
    }
}

fn fill(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Compares older partial tiles of the tree of `size` leaves with the widest ones, which the pass has compared with
/// entries.
pub(super) fn check_partial_tiles(
    storage: &dyn Storage,
    dir: &Path,
    tiles: &mut TileCheck<'_>,
    size: u64,
) {
    for level in 0..8u8 {
        let hashes = size >> (8 * u32::from(level));
        for index in 0..hashes.div_ceil(TILE_WIDTH) {
            let full = Tile { level, index, width: TILE_WIDTH as u16 };
            let partials = full.path(dir).with_extension("p");
            // Missing tiles are counted elsewhere.
            let Ok(names) = storage.list(&partials) else { continue };
            let widths = names.iter().filter_map(|name| name.to_str()?.parse::<u16>().ok());
            for width in widths.filter(|width| (1..TILE_WIDTH as u16).contains(width)) {
                let tile = Tile { width, ..full };
                let known = (hashes - index * TILE_WIDTH).min(TILE_WIDTH) as u16;
                // A wider tile than the checkpoint needs belongs to a later one.
                if width <= known {
                    tiles.check_copy(tile, &tile.path(dir), usize::from(width) * HASH_BYTES);
                }
            }
        }
    }
}
