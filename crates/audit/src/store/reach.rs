//! Bounds the work that a number in a file can cause when a log is opened.
//!
//! Nothing proves the number of a file's first entry before the signature of that entry is checked, and for the check
//! the ratchet is followed up to that number. A number that is far ahead of the saved key must therefore be reached by
//! the entries in between, or by the tiles of entries that were removed.
//!
//! Promises: the work grows with the files that are there, not with what a line claims. A log whose key could not be
//! saved for any time is accepted.
use super::disk::{Disk, Result};
use super::error::{Damage, StoreError};
use super::lines::{Lines, next_of};
use super::names::{ACTIVE, sealed_name};
use super::scan::read_sealed;
use crate::entry::Parser;
use crate::tiles::{TILE_WIDTH, Tile};

/// Numbers up to this far ahead are followed at once. A key on disk is rarely older, and following it this far takes a
/// fraction of a second.
pub(super) const AHEAD_MAX: u64 = 1 << 20;

/// Checks that the entries after `keyed_from` lead to the first one of the active segment, or of the last sealed one if
/// there is no active one. Without a key there is no ratchet to follow, and old segments are not read.
pub(super) fn check_reach(disk: &Disk, sealed: &[u64], keyed_from: Option<u64>) -> Result<()> {
    check_beyond(disk, sealed, keyed_from, AHEAD_MAX)
}

/// The same if numbers more than `ahead` after `keyed_from` must be reached.
pub(super) fn check_beyond(
    disk: &Disk,
    sealed: &[u64],
    keyed_from: Option<u64>,
    ahead: u64,
) -> Result<()> {
    let Some(keyed_from) = keyed_from else { return Ok(()) };
    let active = first_seq(disk, ACTIVE)?;
    let reach = keyed_from.saturating_add(ahead);
    if active.or(sealed.last().copied()).is_none_or(|first_seq| first_seq <= reach) {
        return Ok(());
    }
    let wrong = |file, seq, found| {
        let what = Damage::Seq { found };
        Err(StoreError::Damaged { file, offset: 0, seq, what })
    };
    let before = sealed.iter().filter(|first_seq| **first_seq <= keyed_from).count();
    let mut expected = None;
    for &first_seq in sealed.iter().skip(before.saturating_sub(1)) {
        let is_reached = match expected {
            Some(expected) => expected == first_seq,
            None => first_seq <= reach || has_tiles(disk, keyed_from, first_seq)?,
        };
        if !is_reached {
            return wrong(sealed_name(first_seq), expected.unwrap_or(keyed_from), first_seq);
        }
        expected = Some(read_sealed(disk, first_seq)?.sealed.last_seq + 1);
    }
    match (active, expected) {
        (Some(found), Some(expected)) if found != expected => {
            wrong(ACTIVE.to_owned(), expected, found)
        }
        (Some(found), None) if !has_tiles(disk, keyed_from, found)? => {
            wrong(ACTIVE.to_owned(), keyed_from, found)
        }
        _ => Ok(()),
    }
}

/// The number of the first entry of a file; `None` if there is no such file, or it does not begin with an entry.
fn first_seq(disk: &Disk, name: &str) -> Result<Option<u64>> {
    let Some(mut lines) = Lines::of_file(disk, name)? else { return Ok(None) };
    let Some(line) = next_of(&mut lines, disk, name)? else { return Ok(None) };
    Ok(Parser::new().entry(line.bytes).ok().map(|entry| entry.seq))
}

/// Whether the whole tiles of leaves between two entries are there: those of removed entries are kept.
fn has_tiles(disk: &Disk, from: u64, to: u64) -> Result<bool> {
    for index in from / TILE_WIDTH..to / TILE_WIDTH {
        let tile = Tile { level: 0, index, width: 256 };
        let stat = disk.stat(&tile.name())?;
        if stat.is_none_or(|stat| stat.len != TILE_WIDTH * 32) {
            return Ok(false);
        }
    }
    Ok(true)
}
