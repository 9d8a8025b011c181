//! Compares tiles with entries, to find a line that was changed after it was hashed.
//!
//! Promises: one tile per level and a bounded list of torn ones in memory. A correct entry takes precedence: a tile
//! that contradicts it is damage, reported last.
use std::collections::BTreeSet;
use std::path::Path;

use super::super::tiles::{self, TILE_HEIGHT, TILE_WIDTH, Tile, TileError, TileReader};
use super::report::{Finding, FindingKind};
use super::{Stop, files};
use ringseal_base::digest::Hash;
use ringseal_base::storage::Storage;

/// A crash leaves a few torn tiles.
const TORN_MAX: usize = 4096;

/// Compares tiles with the tree as it grows.
pub(super) struct TileCheck<'a> {
    storage: &'a dyn Storage,
    dir: &'a Path,
    reader: TileReader<'a>,
    /// A tile that cannot be read; it is not read again.
    unreadable: Option<(u8, u64)>,
    /// Tiles that end in zeros, by level and index: copies are not compared with them.
    torn: BTreeSet<(u8, u64)>,
    /// The first tile that contradicts correct entries.
    pub fault: Option<Finding>,
    pub missing: u64,
}

impl<'a> TileCheck<'a> {
    /// The tiles of a tree of `size` leaves.
    pub fn new(storage: &'a dyn Storage, dir: &'a Path, size: u64) -> TileCheck<'a> {
        let reader = TileReader::new(storage, dir, size);
        TileCheck {
            storage,
            dir,
            reader,
            unreadable: None,
            torn: BTreeSet::new(),
            fault: None,
            missing: 0,
        }
    }

    /// Whether the tiles have another hash for this leaf.
    pub fn contradicts(&mut self, seq: u64, leaf: &Hash) -> bool {
        self.differs(0, seq, leaf)
    }

    /// Compares the hash of a perfect subtree, if the tiles include it.
    pub fn check_node(&mut self, level: u8, index: u64, hash: &Hash) {
        let row = level / TILE_HEIGHT;
        if level == 0 || !level.is_multiple_of(TILE_HEIGHT) || !self.differs(row, index, hash) {
            return;
        }
        self.report_bad(row, index);
    }

    /// Records that the tile with this hash is wrong.
    pub fn report_bad(&mut self, row: u8, index: u64) {
        let Some(tile) = Tile::at(row, index / TILE_WIDTH, self.reader.size()) else { return };
        let detail = format!("hash {} does not match the entries", index % TILE_WIDTH);
        let finding = || Finding::of_file(FindingKind::BadTile, &tile.name(), detail);
        self.fault.get_or_insert_with(finding);
    }

    /// Compares another file of a tile with the hashes of the tree.
    pub fn check_copy(&mut self, tile: Tile, path: &Path, bytes: usize) {
        let is_torn = self.torn.contains(&(tile.level, tile.index));
        let Ok(expected) = self.reader.tile(tile.level, tile.index) else { return };
        if is_torn {
            return;
        }
        let expected = expected.get(..bytes).unwrap_or_default().to_vec();
        let Ok(found) = tiles::read_whole_file(self.storage, path) else {
            self.fault = self.fault.take().or(wrong_kind_of(self.storage, self.dir, path));
            return;
        };
        if found.len() > expected.len() || !is_torn_copy(&found, &expected) {
            let finding = || {
                let detail = "does not match the entries";
                Finding::of_file(FindingKind::BadTile, &tile.name(), detail)
            };
            self.fault.get_or_insert_with(finding);
        }
    }

    /// The hash of a leaf whose entry was removed.
    pub fn leaf(&mut self, seq: u64) -> Result<Hash, Stop> {
        let (storage, dir) = (self.storage, self.dir);
        self.reader.leaf(seq).map_err(|error| match error {
            TileError::Io { path, source } => match wrong_kind_of(storage, dir, &path) {
                Some(finding) => finding.into(),
                None => Stop::io(&path, &source),
            },
            other => {
                let name = Tile::at(0, seq / TILE_WIDTH, self.reader.size());
                let name = name.map_or_else(|| "tile".to_owned(), |tile| tile.name());
                Finding::of_file(FindingKind::BadTile, &name, other.to_string()).into()
            }
        })
    }

    fn differs(&mut self, row: u8, index: u64, hash: &Hash) -> bool {
        let number = index / TILE_WIDTH;
        let hashes = self.reader.size().checked_shr(8 * u32::from(row)).unwrap_or(0);
        if index >= hashes || self.unreadable == Some((row, number)) {
            return false;
        }
        match self.reader.tile(row, number) {
            Ok(bytes) => {
                let start = (index % TILE_WIDTH) as usize * hash.len();
                let found = bytes.get(start..start + hash.len()).unwrap_or(hash);
                if found == hash {
                    return false;
                }
                let is_torn = is_torn_copy(found, hash);
                if is_torn {
                    // Power loss left zeros: as good as missing.
                    self.unreadable = Some((row, number));
                    self.missing += 1;
                    if self.torn.len() < TORN_MAX {
                        self.torn.insert((row, number));
                    }
                }
                !is_torn
            }
            Err(error) => {
                self.unreadable = Some((row, number));
                if let TileError::Io { path, .. } = &error
                    && let Some(finding) = wrong_kind_of(self.storage, self.dir, path)
                {
                    self.fault.get_or_insert(finding);
                    return false;
                }
                match &error {
                    TileError::Length { expected, found, .. } if found > expected => {
                        let tile = Tile::at(row, number, self.reader.size());
                        let name = tile.map_or_else(String::new, |tile| tile.name());
                        let finding =
                            || Finding::of_file(FindingKind::BadTile, &name, error.to_string());
                        self.fault.get_or_insert_with(finding);
                    }
                    _ => self.missing += 1,
                }
                false
            }
        }
    }
}

fn wrong_kind_of(storage: &dyn Storage, dir: &Path, path: &Path) -> Option<Finding> {
    files::wrong_kind(storage, dir, path.strip_prefix(dir).ok()?.to_str()?)
}

/// Whether a crash explains the difference: the beginning of the expected bytes, then zeros or nothing.
fn is_torn_copy(found: &[u8], expected: &[u8]) -> bool {
    let same = found.iter().zip(expected).take_while(|(found, expected)| found == expected).count();
    found.get(same..).unwrap_or_default().iter().all(|byte| *byte == 0)
}
