//! Changes of the files of a scene.
use std::path::{Path, PathBuf};

use arbitrary::Arbitrary;

use super::scene::{LIVE, LOG, correct_checksum, set_commit_file};
use super::{Files, RINGS, Scene};
use ringseal_base::storage::Storage;
use ringseal_base::storage::faulty::FaultyDisk;

/// One change. Files, places and lengths are taken modulo what there is.
#[derive(Debug, Clone, Arbitrary)]
pub enum Change {
    /// The bytes from a place on.
    Bytes {
        /// The file.
        file: u8,
        /// The place.
        place: Place,
        /// The bytes.
        bytes: [u8; 3],
    },
    /// A word.
    Word {
        /// The file.
        file: u8,
        /// The place.
        place: Place,
        /// Its value.
        value: Word,
    },
    /// A word is one of another place or file.
    Copy {
        /// From where.
        from: (u8, Place),
        /// To where.
        to: (u8, Place),
    },
    /// The file ends there.
    Cut {
        /// The file.
        file: u8,
        /// Its new length.
        at: u32,
    },
    /// Zeros follow.
    Extend {
        /// The file.
        file: u8,
        /// How many.
        bytes: u16,
    },
    /// Two files have each other's bytes.
    Swap {
        /// The files.
        files: (u8, u8),
    },
    /// A file is gone.
    Remove {
        /// The file.
        file: u8,
    },
    /// A file has another number or name.
    Rename {
        /// The file.
        file: u8,
        /// The new name.
        name: Name,
    },
    /// Somebody has written a line into the log, or cut it off.
    Log {
        /// What to append.
        line: u8,
        /// How many bytes to cut off first.
        cut: u16,
    },
}

/// A place in a file: words of the parts that say where the others are can be hit at random.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub struct Place {
    part: u8,
    offset: u16,
}

/// Where the parts of the files of a home begin.
const PARTS: [usize; 10] = [0, 128, 256, 320, 384, 512, 4096, 4096 + 256, 32_768, 65_536];

impl Place {
    fn of(self, len: usize) -> usize {
        let start = PARTS[usize::from(self.part) % PARTS.len()];
        (start + usize::from(self.offset)) % len.max(1)
    }
}

/// A word.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub enum Word {
    /// A small number.
    Small(u8),
    /// A place.
    Place(u16),
    /// A power of two.
    Power(u8),
    /// One less than a power of two.
    BelowPower(u8),
    /// The word that is there, with this added.
    Plus(i16),
    /// Any word.
    Any(u64),
}

impl Word {
    fn value(self, old: u64) -> u64 {
        match self {
            Word::Small(value) => value.into(),
            Word::Place(value) => value.into(),
            Word::Power(bit) => 1 << (bit % 64),
            Word::BelowPower(bit) => (1 << (bit % 64)) - 1,
            Word::Plus(value) => old.wrapping_add_signed(value.into()),
            Word::Any(value) => value,
        }
    }
}

/// The name of a file of a home.
#[derive(Debug, Clone, Copy, Arbitrary)]
#[allow(missing_docs)]
pub enum Name {
    Engine,
    Ring(u8),
    Lane(u8, u8),
    Lines(u8),
    Sites(u8),
    Spool(u8, bool),
    Stage(u8),
    Spill,
    Other,
}

impl Name {
    fn text(self) -> String {
        match self {
            Name::Engine => "engine".into(),
            Name::Ring(number) => format!("ring-{}", number % 6),
            Name::Lane(number, generation) => format!("lane-{}-{generation}", number % 6),
            Name::Lines(number) => format!("lines-{}", number % 3),
            Name::Sites(number) => format!("sites-{}", number % 3),
            Name::Spool(sink, half) => format!("spool-{}-{}", sink % 3, u8::from(half)),
            Name::Stage(sink) => format!("stage-{}", sink % 3),
            Name::Spill => "audit-spill".into(),
            Name::Other => "ring-99999999999999999999".into(),
        }
    }
}

/// What the changes touch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Touched {
    /// Bytes without a checksum that events are made of: any event may come from them.
    pub has_other_data: bool,
    /// Anything.
    pub is_changed: bool,
}

/// Whether lines are made of the bytes of this file.
fn is_data(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let of_events = ["ring-", "lane-", "sites-", "spool-", "stage-", "audit-spill"];
    of_events.iter().any(|start| name.starts_with(start))
}

/// Whether a place is one of the words of a ring, or of the counts of a lane, in which no event is.
fn is_word(path: &Path, place: usize) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("lane-") && place < 136
}

fn pick(files: &Files, number: u8) -> Option<PathBuf> {
    files.keys().nth(usize::from(number) % files.len().max(1)).cloned()
}

impl Change {
    /// Changes the files.
    pub fn apply(&self, files: &mut Files) -> Touched {
        self.try_apply(files).unwrap_or_default()
    }

    fn try_apply(&self, files: &mut Files) -> Option<Touched> {
        let touched = |has_other_data| Some(Touched { has_other_data, is_changed: true });
        match self {
            Change::Bytes { file, place, bytes } => {
                let path = pick(files, *file)?;
                let place = write(files.get_mut(&path)?, *place, |_| bytes.to_vec());
                touched(is_data(&path) && !is_word(&path, place + 8))
            }
            Change::Word { file, place, value } => {
                let path = pick(files, *file)?;
                let place = write(files.get_mut(&path)?, *place, |old| {
                    value.value(old).to_le_bytes().to_vec()
                });
                touched(is_data(&path) && !is_word(&path, place + 8))
            }
            Change::Copy { from, to } => {
                let (source, target) = (pick(files, from.0)?, pick(files, to.0)?);
                let bytes = &files[&source];
                let at = from.1.of(bytes.len()) & !7;
                let word = bytes.get(at..at + 8)?.to_vec();
                let place = write(files.get_mut(&target)?, to.1, |_| word);
                touched(is_data(&target) && !is_word(&target, place + 8))
            }
            Change::Cut { file, at } => {
                let path = pick(files, *file)?;
                let bytes = files.get_mut(&path)?;
                bytes.truncate(*at as usize % (bytes.len() + 1));
                touched(is_data(&path))
            }
            Change::Extend { file, bytes } => {
                let path = pick(files, *file)?;
                let old = files.get_mut(&path)?;
                old.resize(old.len() + usize::from(*bytes), 0);
                touched(is_data(&path))
            }
            Change::Swap { files: (one, two) } => {
                let (one, two) = (pick(files, *one)?, pick(files, *two)?);
                let bytes = std::mem::take(files.get_mut(&one)?);
                let other = std::mem::replace(files.get_mut(&two)?, bytes);
                *files.get_mut(&one)? = other;
                touched(is_data(&one) || is_data(&two))
            }
            Change::Remove { file } => {
                let path = pick(files, *file)?;
                files.remove(&path);
                touched(is_data(&path))
            }
            Change::Rename { file, name } => {
                let path = pick(files, *file)?;
                let bytes = files.remove(&path)?;
                let new = path.with_file_name(name.text());
                let is_other = is_data(&path) || is_data(&new);
                files.insert(new, bytes);
                touched(is_other)
            }
            Change::Log { line, cut } => {
                let log = files.get_mut(Path::new(LOG))?;
                log.truncate(log.len().saturating_sub(usize::from(*cut)));
                let lines: [&[u8]; 4] =
                    [b"", b"{\"foreign\":1}\n", b"torn", b"    {\"padded\":2}   \n"];
                log.extend_from_slice(lines[usize::from(*line) % lines.len()]);
                touched(false)
            }
        }
    }
}

/// Replaces bytes; returns their place.
fn write(bytes: &mut [u8], place: Place, new: impl FnOnce(u64) -> Vec<u8>) -> usize {
    let at = place.of(bytes.len());
    let is_whole = bytes.get(at & !7..(at & !7) + 8).and_then(<[u8]>::first_chunk);
    let old = is_whole.map_or(0, |word| u64::from_le_bytes(*word));
    let new = new(old);
    let at = if new.len() == 8 { at & !7 } else { at };
    for (byte, new) in bytes.iter_mut().skip(at).zip(new) {
        *byte = new;
    }
    at
}

/// Changes of a scene, and whether the descriptions of homes get the checksums that they should have.
#[derive(Debug, Clone, Arbitrary)]
pub struct Changes {
    /// The changes, in order.
    pub changes: Vec<Change>,
    /// Whether checksums are corrected.
    pub is_corrected: bool,
    /// Who reads the homes then.
    pub reader: Reader,
}

/// Who reads damaged homes. One at a time: each takes milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Arbitrary)]
pub enum Reader {
    /// A start of the program, and the start after it.
    Start,
    /// `ringseal peek`.
    Peek,
    /// `ringseal peek --history`.
    History,
    /// `ringseal recover --stdout`.
    Missing,
}

/// The scene after the changes, on a disk.
pub fn changed(scene: &Scene, changes: &Changes) -> (FaultyDisk, Touched) {
    let mut files = scene.files.clone();
    let mut touched = Touched::default();
    for change in changes.changes.iter().take(8) {
        let one = change.apply(&mut files);
        touched.has_other_data |= one.has_other_data;
        touched.is_changed |= one.is_changed;
    }
    if changes.is_corrected {
        let engines = files.iter_mut().filter(|(path, _)| path.ends_with("engine"));
        engines.for_each(|(_, bytes)| correct_checksum(bytes));
    }
    (disk_of(&files), touched)
}

/// A disk with these files; the record of the live run is of the log as it is there.
pub fn disk_of(files: &Files) -> FaultyDisk {
    let disk = FaultyDisk::new(Path::new("/"));
    ["/app", RINGS, "/rings/1-golden", LIVE].iter().for_each(|dir| disk.put_dir(Path::new(dir)));
    if let Some(log) = files.get(Path::new(LOG)) {
        disk.put(Path::new(LOG), log);
    }
    let id = disk.stat(Path::new(LOG)).ok().and_then(|stat| stat.id);
    for (path, bytes) in files.iter().filter(|(path, _)| !path.ends_with("app.log")) {
        let is_live = path.starts_with(LIVE) && path.ends_with("engine");
        match id.filter(|_| is_live) {
            Some(id) => {
                let mut bytes = bytes.clone();
                set_commit_file(&mut bytes, id.device, id.inode);
                disk.put(path, &bytes);
            }
            None => disk.put(path, bytes),
        }
    }
    disk
}
