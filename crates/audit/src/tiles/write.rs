//! Writes tiles as leaves arrive.
//!
//! Promises: [`TileWriter::push`] does no I/O; [`TileWriter::write`] and [`TileWriter::seal`] create
//! files and do not wait for the disk; [`TileWriter::sync`] waits. If the disk fails, nothing is
//! lost: the next call tries again. An existing tile is compared, not written; one that differs (after a
//! crash) is replaced atomically and counted.
use std::io;
use std::path::{Path, PathBuf};

use super::super::merkle::Tree;
use super::read::{read, read_whole};
use super::{ROWS, TILE_BYTES, TILE_HEIGHT, TILE_WIDTH, Tile, TileError, TileReader};
use ringseal_base::digest::Hash;
use ringseal_base::storage::{
    FileKind, OpenMode, Storage, StorageFile, append_all, remove_durably,
};

/// Appends leaves to a tree and its tiles.
pub struct TileWriter {
    dir: PathBuf,
    mode: u32,
    tree: Tree,
    rows: [Row; ROWS],
    /// Leaves whose tiles survive power loss.
    synced: u64,
    /// Existing tiles with other content, which were replaced.
    replaced: u64,
}

/// The hashes of one level that are not in a full tile on disk yet.
#[derive(Default)]
struct Row {
    /// Index of the tile of the first hash.
    index: u64,
    bytes: Vec<u8>,
}

impl TileWriter {
    /// A tree without leaves in the log's directory. Files get the given mode, directories 0700.
    pub fn new(dir: &Path, mode: u32) -> TileWriter {
        let rows = Default::default();
        TileWriter { dir: dir.to_owned(), mode, tree: Tree::new(), rows, synced: 0, replaced: 0 }
    }

    /// Continues from the tiles of a tree of `size` leaves. The caller must compare the root with the
    /// checkpoint of that size: the tiles are not verified. The tiles of the first `synced` leaves (those
    /// of removed entries) are known to survive power loss.
    pub fn open(
        storage: &dyn Storage,
        dir: &Path,
        mode: u32,
        size: u64,
        synced: u64,
    ) -> Result<TileWriter, TileError> {
        let mut writer = TileWriter::new(dir, mode);
        writer.tree = Tree::load(&mut TileReader::new(storage, dir, size), size)?;
        writer.synced = synced.min(size);
        for (level, row) in writer.rows.iter_mut().enumerate() {
            row.index = size >> (8 * level) >> TILE_HEIGHT;
        }
        for tile in Tile::partials_of(size) {
            if let Some(row) = writer.rows.get_mut(usize::from(tile.level)) {
                row.bytes = read(storage, dir, tile)?;
            }
        }
        Ok(writer)
    }

    /// The tree so far.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The number of existing tiles with wrong content, which were replaced.
    pub fn replaced(&self) -> u64 {
        self.replaced
    }

    /// Appends a leaf by its hash.
    pub fn push(&mut self, leaf: Hash) {
        let rows = &mut self.rows;
        self.tree.push_with(leaf, |level, _, hash| {
            if level % TILE_HEIGHT == 0
                && let Some(row) = rows.get_mut(usize::from(level / TILE_HEIGHT))
            {
                row.bytes.extend_from_slice(hash);
            }
        });
    }

    /// Writes the tiles that became full.
    pub fn write(&mut self, storage: &dyn Storage) -> Result<(), TileError> {
        for (level, row) in self.rows.iter_mut().enumerate() {
            while let Some(bytes) = row.bytes.first_chunk::<TILE_BYTES>() {
                let width = TILE_WIDTH as u16;
                let tile = Tile { level: level as u8, index: row.index, width };
                let was_replaced =
                    write_or_compare(storage, &tile.path(&self.dir), bytes, self.mode)?;
                self.replaced += u64::from(was_replaced);
                row.bytes.drain(..TILE_BYTES);
                row.index += 1;
            }
        }
        Ok(())
    }

    /// Writes all tiles that a tree of the current size needs, including partial ones. Must be called
    /// before a checkpoint of this size is written.
    pub fn seal(&mut self, storage: &dyn Storage) -> Result<(), TileError> {
        self.write(storage)?;
        for (level, row) in self.rows.iter().enumerate().filter(|(_, row)| !row.bytes.is_empty()) {
            let width = (row.bytes.len() / 32) as u16;
            let tile = Tile { level: level as u8, index: row.index, width };
            let was_replaced =
                write_or_compare(storage, &tile.path(&self.dir), &row.bytes, self.mode)?;
            self.replaced += u64::from(was_replaced);
        }
        Ok(())
    }

    /// As [`TileWriter::seal`], and returns when the tiles survive power loss. Then removes partial
    /// tiles that wider ones replace. Must be called before entries are removed.
    pub fn sync(&mut self, storage: &dyn Storage) -> Result<(), TileError> {
        self.seal(storage)?;
        let size = self.tree.len();
        for level in 0..ROWS as u8 {
            let before = self.synced >> (8 * level);
            let after = size >> (8 * level);
            let mut dirs = DirSync::default();
            let tiles = before / TILE_WIDTH..after.div_ceil(TILE_WIDTH);
            for tile in tiles.clone().filter_map(|index| Tile::at(level, index, size)) {
                let path = tile.path(&self.dir);
                let file = storage.open(&path, OpenMode::Append);
                file.and_then(|file| file.sync()).map_err(|source| io_error(&path, source))?;
                dirs.visit(storage, &self.dir, &path)?;
            }
            dirs.finish(storage, &self.dir)?;
            for tile in tiles.filter_map(|index| Tile::at(level, index, size)) {
                self.remove_narrower(storage, tile)?;
            }
        }
        self.synced = size;
        Ok(())
    }

    fn remove_narrower(&self, storage: &dyn Storage, tile: Tile) -> Result<(), TileError> {
        let full = Tile { width: TILE_WIDTH as u16, ..tile };
        let dir = full.path(&self.dir).with_extension("p");
        let names = match storage.list(&dir) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(io_error(&dir, source)),
        };
        let widths = names.iter().filter_map(|name| name.to_str()?.parse::<u16>().ok());
        for width in widths.filter(|width| *width < tile.width) {
            let path = dir.join(width.to_string());
            remove_durably(storage, &path).map_err(|source| io_error(&path, source))?;
        }
        Ok(())
    }
}

/// Syncs each directory and its parents once, when all its tiles are written.
#[derive(Default)]
struct DirSync {
    last: Option<PathBuf>,
}

impl DirSync {
    fn visit(&mut self, storage: &dyn Storage, top: &Path, file: &Path) -> Result<(), TileError> {
        let dir = file.parent().unwrap_or(top);
        if self.last.as_deref() != Some(dir) {
            self.finish(storage, top)?;
            self.last = Some(dir.to_owned());
        }
        Ok(())
    }

    fn finish(&mut self, storage: &dyn Storage, top: &Path) -> Result<(), TileError> {
        let Some(dir) = self.last.take() else { return Ok(()) };
        for dir in dir.ancestors().take_while(|dir| dir.starts_with(top)) {
            storage.sync_dir(dir).map_err(|source| io_error(dir, source))?;
        }
        Ok(())
    }
}

fn io_error(path: &Path, source: io::Error) -> TileError {
    TileError::Io { path: path.to_owned(), source }
}

/// Writes a tile unless it exists. Returns whether it existed with other content.
fn write_or_compare(
    storage: &dyn Storage,
    path: &Path,
    bytes: &[u8],
    mode: u32,
) -> Result<bool, TileError> {
    match create(storage, path, mode) {
        Ok(mut file) => {
            append_all(&mut *file, bytes).map(|()| false).map_err(|source| io_error(path, source))
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let mut found = vec![0; TILE_BYTES + 1];
            match read_whole(storage, path, &mut found) {
                Ok(filled) if found.get(..filled) == Some(bytes) => return Ok(false),
                Ok(_) => {}
                // A link or a pipe that someone put there must not keep the log from making checkpoints.
                Err(_) if is_other(storage, path) => {}
                Err(source) => return Err(io_error(path, source)),
            }
            replace(storage, path, bytes, mode).map_err(|source| io_error(path, source))?;
            Ok(true)
        }
        Err(source) => Err(io_error(path, source)),
    }
}

/// Whether something other than a file or a directory has the name.
fn is_other(storage: &dyn Storage, path: &Path) -> bool {
    let is_ours = |kind| matches!(kind, FileKind::Regular | FileKind::Directory);
    storage.stat(path).is_ok_and(|stat| !is_ours(stat.kind))
}

fn replace(storage: &dyn Storage, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    match storage.remove(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    append_all(&mut *create(storage, &temporary, mode)?, bytes)?;
    storage.rename(&temporary, path)
}

/// Creates a file and, if necessary, its parent directories.
fn create(storage: &dyn Storage, path: &Path, mode: u32) -> io::Result<Box<dyn StorageFile>> {
    match storage.open(path, OpenMode::CreateNew { mode }) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let dir = path.parent().ok_or(error)?;
            storage.create_dir(dir, 0o700)?;
            storage.open(path, OpenMode::CreateNew { mode })
        }
        opened => opened,
    }
}
