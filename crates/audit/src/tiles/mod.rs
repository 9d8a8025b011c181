//! The tree on disk: C2SP tlog-tiles, 256 hashes per tile.
//!
//! A [`Tile`] names a file in the log's directory, [`TileWriter`] writes tiles as leaves arrive,
//! [`TileReader`] reads them to make proofs. Tiles are kept when segments are removed: a proof for a
//! pruned entry can still be made.
//!
//! Promises: appending a leaf does no I/O; memory is bounded (one tile per level, and the leaves since
//! the last write). Tiles can be derived from entries while these exist, so writing does not wait for the
//! disk; [`TileWriter::sync`] does, and must be called before entries are removed. After a crash, tiles may
//! be missing, short or beyond the last checkpoint. Appending the same leaves again repairs them.
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::merkle::ProofError;

mod read;
#[cfg(test)]
mod tests;
mod write;

pub use read::TileReader;
pub(crate) use read::read_whole_file;
pub use write::TileWriter;

/// Hashes in a full tile.
pub const TILE_WIDTH: u64 = 256;
/// Levels of the tree per level of tiles.
pub const TILE_HEIGHT: u8 = 8;
/// Levels of tiles in a tree of fewer than 2^64 leaves.
const ROWS: usize = 8;
pub(crate) const HASH_BYTES: usize = 32;
const TILE_BYTES: usize = TILE_WIDTH as usize * HASH_BYTES;

/// One tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    /// Level of tiles, 0 for the hashes of leaves.
    pub level: u8,
    /// Index of the tile in its level.
    pub index: u64,
    /// Number of hashes, 1 to 256; 256 is a full tile.
    pub width: u16,
}

impl Tile {
    /// The tile `index` of `level` in the tree of `size` leaves, if it is not empty.
    pub fn at(level: u8, index: u64, size: u64) -> Option<Tile> {
        let hashes = size.checked_shr(8 * u32::from(level))?;
        let width = hashes.saturating_sub(index.checked_mul(TILE_WIDTH)?).min(TILE_WIDTH);
        if width == 0 { None } else { Some(Tile { level, index, width: width as u16 }) }
    }

    /// The partial tiles of the tree of `size` leaves, from level 0 upwards.
    pub fn partials_of(size: u64) -> impl Iterator<Item = Tile> {
        (0..ROWS as u8).filter_map(move |level| {
            let index = size >> (8 * level) >> TILE_HEIGHT;
            Tile::at(level, index, size)
        })
    }

    /// Whether it has all its hashes.
    pub const fn is_full(&self) -> bool {
        self.width as u64 == TILE_WIDTH
    }

    /// Its name relative to the log's directory.
    ///
    /// ```
    /// use ringseal_audit::tiles::Tile;
    /// let tile = Tile { level: 0, index: 1_234_067, width: 5 };
    /// assert_eq!(tile.name(), "tile/0/x001/x234/067.p/5");
    /// assert_eq!(Tile::parse("tile/0/x001/x234/067.p/5"), Some(tile));
    /// ```
    pub fn name(&self) -> String {
        use fmt::Write;
        let mut name = format!("tile/{}/", self.level);
        let mut scale = 1;
        while self.index / scale >= 1000 {
            scale *= 1000;
        }
        while scale > 1 {
            // Writing to a string cannot fail.
            let _ = write!(name, "x{:03}/", self.index / scale % 1000);
            scale /= 1000;
        }
        let _ = write!(name, "{:03}", self.index % 1000);
        if !self.is_full() {
            let _ = write!(name, ".p/{}", self.width);
        }
        name
    }

    /// Parses a name. `None` if it is not the canonical name of a tile.
    pub fn parse(name: &str) -> Option<Tile> {
        let (level, rest) = name.strip_prefix("tile/")?.split_once('/')?;
        let level: u8 = level.parse().ok()?;
        let (path, width) = match rest.split_once(".p/") {
            Some((path, width)) => (path, width.parse().ok()?),
            None => (rest, TILE_WIDTH as u16),
        };
        let mut index = 0u64;
        for part in path.split('/') {
            let digits = part.strip_prefix('x').unwrap_or(part);
            index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
        }
        let tile = Tile { level, index, width };
        // A tile has one name: a name that does not round-trip is not canonical.
        if level < 64 && (1..=256).contains(&width) && tile.name() == name {
            Some(tile)
        } else {
            None
        }
    }

    pub(crate) fn path(&self, dir: &Path) -> PathBuf {
        dir.join(self.name())
    }

    fn bytes(&self) -> usize {
        usize::from(self.width) * HASH_BYTES
    }
}

/// Why a tile cannot be written or read, or a proof cannot be made from tiles.
#[derive(Debug)]
#[non_exhaustive]
pub enum TileError {
    /// The system returned an error.
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Neither the tile nor a wider one of the same index exists.
    Missing {
        /// The missing file.
        path: PathBuf,
    },
    /// The length of the file does not match its name.
    Length {
        /// The file.
        path: PathBuf,
        /// Bytes expected, at least.
        expected: u64,
        /// Bytes found.
        found: u64,
    },
    /// The request is outside the tree.
    Proof(ProofError),
}

impl fmt::Display for TileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TileError::Io { path, source } => write!(f, "{}: {source}", path.display()),
            TileError::Missing { path } => {
                write!(f, "{} is missing, and there is no wider tile", path.display())
            }
            TileError::Length { path, expected, found } => {
                write!(f, "{} has {found} bytes, expected {expected}", path.display())
            }
            TileError::Proof(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Display shows the cause, so `source` skips it.
            TileError::Io { source, .. } => source.source(),
            TileError::Proof(error) => error.source(),
            _ => None,
        }
    }
}

impl From<ProofError> for TileError {
    fn from(error: ProofError) -> Self {
        TileError::Proof(error)
    }
}
