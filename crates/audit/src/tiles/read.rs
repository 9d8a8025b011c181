//! Reads tiles: hashes of leaves and of perfect subtrees, for proofs and for the verifier.
//!
//! Promises: one tile per level is cached; reading a level in order reads each file once. Hashes are not
//! verified: compare a root with a checkpoint before trusting them.
use std::io;
use std::path::{Path, PathBuf};

use super::super::merkle::{Nodes, node_hash};
use super::{HASH_BYTES, ROWS, TILE_BYTES, TILE_HEIGHT, TILE_WIDTH, Tile, TileError};
use crate::merkle::ProofError;
use ringseal_base::digest::Hash;
use ringseal_base::storage::{OpenMode, Storage, read_full};

/// Reads the tiles of a tree of a given size.
pub struct TileReader<'a> {
    storage: &'a dyn Storage,
    dir: &'a Path,
    size: u64,
    rows: [Option<(u64, Vec<u8>)>; ROWS],
}

impl<'a> TileReader<'a> {
    /// The tiles in `dir` (the log's directory, which has the directory `tile`) for a tree of `size` leaves.
    pub fn new(storage: &'a dyn Storage, dir: &'a Path, size: u64) -> TileReader<'a> {
        TileReader { storage, dir, size, rows: Default::default() }
    }

    /// The number of leaves of the tree.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The hash of leaf `index`.
    pub fn leaf(&mut self, index: u64) -> Result<Hash, TileError> {
        self.node(0, index)
    }

    /// The hashes of tile `index` of `level` within the tree.
    pub fn tile(&mut self, level: u8, index: u64) -> Result<&[u8], TileError> {
        let outside = ProofError::OutOfTree { index, size: self.size };
        let tile = Tile::at(level, index, self.size).ok_or(outside)?;
        let (storage, dir) = (self.storage, self.dir);
        let row = self.rows.get_mut(usize::from(level)).ok_or(outside)?;
        let bytes = match row.take() {
            Some((known, bytes)) if known == index => bytes,
            _ => read(storage, dir, tile)?,
        };
        let (_, bytes) = row.insert((index, bytes));
        Ok(bytes)
    }
}

impl Nodes for TileReader<'_> {
    type Error = TileError;

    fn node(&mut self, level: u8, index: u64) -> Result<Hash, TileError> {
        let outside = ProofError::OutOfTree { index, size: self.size };
        let (row, height) = (level / TILE_HEIGHT, level % TILE_HEIGHT);
        let first = index.checked_mul(1 << height).ok_or(outside)?;
        let bytes = self.tile(row, first / TILE_WIDTH)?;
        let start = (first % TILE_WIDTH) as usize * HASH_BYTES;
        let bytes = bytes.get(start..start + (HASH_BYTES << height)).ok_or(outside)?;
        let (hashes, _) = bytes.as_chunks::<HASH_BYTES>();
        Ok(subtree_root(hashes))
    }
}

/// The root of 2^k hashes.
fn subtree_root(hashes: &[Hash]) -> Hash {
    let mut hashes_up = [[0; HASH_BYTES]; TILE_WIDTH as usize / 2];
    let mut count = hashes.len() / 2;
    for (up, pair) in hashes_up.iter_mut().zip(hashes.as_chunks::<2>().0) {
        *up = node_hash(&pair[0], &pair[1]);
    }
    while count > 1 {
        count /= 2;
        for at in 0..count {
            hashes_up[at] = node_hash(&hashes_up[2 * at], &hashes_up[2 * at + 1]);
        }
    }
    if count == 1 { hashes_up[0] } else { hashes.first().copied().unwrap_or_default() }
}

/// Reads a tile's hashes from its file, or from a wider one if the log has grown since. A file of another length than
/// its name says, as a crash may leave, is passed over if there is another.
pub(super) fn read(storage: &dyn Storage, dir: &Path, tile: Tile) -> Result<Vec<u8>, TileError> {
    let mut failed = match read_file(storage, dir, tile, tile.bytes()) {
        Err(error @ (TileError::Missing { .. } | TileError::Length { .. })) => error,
        read => return read,
    };
    let full = Tile { width: TILE_WIDTH as u16, ..tile };
    let mut wider = vec![full];
    let partials = full.path(dir).with_extension("p");
    match storage.list(&partials) {
        Ok(names) => {
            let widths = names.iter().filter_map(|name| name.to_str()?.parse::<u16>().ok());
            let widths = widths.filter(|width| (tile.width + 1..TILE_WIDTH as u16).contains(width));
            let mut widths: Vec<u16> = widths.collect();
            // The narrowest first: which file answers must not depend on the order of a directory.
            widths.sort_unstable();
            wider.extend(widths.into_iter().map(|width| Tile { width, ..tile }));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(TileError::Io { path: partials, source }),
    }
    for tile_wider in wider {
        match read_file(storage, dir, tile_wider, tile.bytes()) {
            Err(TileError::Missing { .. }) => {}
            Err(error @ TileError::Length { .. }) => failed = error,
            read => return read,
        }
    }
    Err(failed)
}

/// Reads the first `count` bytes of a tile's file, whose length must match its name.
fn read_file(
    storage: &dyn Storage,
    dir: &Path,
    tile: Tile,
    count: usize,
) -> Result<Vec<u8>, TileError> {
    let path = tile.path(dir);
    let mut buffer = vec![0; TILE_BYTES + 1];
    match read_whole(storage, &path, &mut buffer) {
        Ok(filled) if filled == tile.bytes() => {
            buffer.truncate(count);
            Ok(buffer)
        }
        Ok(filled) => {
            let (expected, found) = (tile.bytes() as u64, filled as u64);
            Err(TileError::Length { path, expected, found })
        }
        Err(error) => Err(io_error(path, error)),
    }
}

fn io_error(path: PathBuf, source: io::Error) -> TileError {
    match source.kind() {
        io::ErrorKind::NotFound => TileError::Missing { path },
        _ => TileError::Io { path, source },
    }
}

/// The bytes of a tile's file, of at most one tile.
pub(crate) fn read_whole_file(storage: &dyn Storage, path: &Path) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; TILE_BYTES + 1];
    let filled = read_whole(storage, path, &mut buffer)?;
    buffer.truncate(filled);
    Ok(buffer)
}

/// Fills the buffer from the beginning of a file; returns the number of bytes read.
pub(super) fn read_whole(
    storage: &dyn Storage,
    path: &Path,
    buffer: &mut [u8],
) -> io::Result<usize> {
    let file = storage.open(path, OpenMode::Read)?;
    read_full(&*file, buffer, 0)
}
