//! Lines that were passed on to a sink and are not in place yet, for the next start.
//!
//! Ring space is given back once the sinks have the lines made from it. A sink that fails holds its lines in memory,
//! and a sink with its own thread has a queue. With a home, those lines are also in one of the sink's two *spools*,
//! plain files that are used in turn. A spool is emptied once the last of its lines is in place.
//!
//! Promises: one system call for a batch that a sink does not take at once, none for any other. What is in a spool
//! after a kill is a run of whole lines, numbered from the number that was stored before the first of them was written.
//! Reading leaves out lines that nobody can have written, and counts them.
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::layout::{engine as at, spool_name};
use ringseal_base::json::Tokens;
use ringseal_base::storage::shared_file::SharedFile;
use ringseal_base::storage::{OpenMode, OsStorage, Storage, StorageFile, append_all, read_full};

/// A spool takes no further lines once it has this many bytes, if the other one is empty.
const SPOOL_BYTES: u64 = 1 << 20;

/// The two spools of a sink of a running engine.
pub struct Spool {
    engine: Arc<SharedFile>,
    /// The place of the sink in the file `engine`.
    sink_at: usize,
    paths: [PathBuf; 2],
    spools: [Option<OneSpool>; 2],
    current: usize,
}

struct OneSpool {
    file: Box<dyn StorageFile>,
    bytes: u64,
    /// The number after that of its last line.
    end: u64,
}

impl std::fmt::Debug for Spool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spool").field("current", &self.current).finish_non_exhaustive()
    }
}

impl Spool {
    /// The spools of sink `sink` in a home; their files are made when they are needed.
    pub fn new(engine: Arc<SharedFile>, sink_at: usize, dir: &Path, sink: usize) -> Spool {
        let paths = [0, 1].map(|half| dir.join(spool_name(sink, half)));
        Spool { engine, sink_at, paths, spools: [None, None], current: 0 }
    }

    /// Adds lines whose first has the number `first`. An error means that they do not survive a kill.
    pub fn add(&mut self, first: u64, lines: u64, bytes: &[u8]) -> io::Result<()> {
        let is_empty =
            |spool: &Option<OneSpool>| spool.as_ref().is_none_or(|spool| spool.bytes == 0);
        let is_full =
            self.spools[self.current].as_ref().is_some_and(|spool| spool.bytes >= SPOOL_BYTES);
        if is_full && is_empty(&self.spools[1 - self.current]) {
            self.current = 1 - self.current;
        }
        let half = self.current;
        if is_empty(&self.spools[half]) {
            self.engine.publish(self.sink_at + at::SPOOL_FIRST_AT[half], first);
        }
        let result = self.try_add(half, first + lines, bytes);
        if result.is_err() {
            // The writer goes on with what is in memory.
            self.engine.add(at::UNBACKED_AT, 1);
        }
        result
    }

    fn try_add(&mut self, half: usize, end: u64, bytes: &[u8]) -> io::Result<()> {
        let path = &self.paths[half];
        let spool = match &mut self.spools[half] {
            Some(spool) => spool,
            none => {
                let file = OsStorage.open(path, OpenMode::CreateNew { mode: 0o600 })?;
                none.insert(OneSpool { file, bytes: 0, end })
            }
        };
        spool.end = end;
        spool.bytes += bytes.len() as u64;
        append_all(&mut *spool.file, bytes)
    }

    /// Notes that the lines before number `lines` are in place.
    pub fn note_done(&mut self, lines: u64) {
        for spool in self.spools.iter_mut().flatten() {
            if spool.bytes > 0 && spool.end <= lines && spool.file.set_len(0).is_ok() {
                spool.bytes = 0;
            }
        }
    }

    /// Whether it has lines.
    pub fn is_empty(&self) -> bool {
        self.spools.iter().flatten().all(|spool| spool.bytes == 0)
    }
}

/// The lines in a dead run's spools of one sink.
#[derive(Debug, Clone, Default)]
pub struct SpoolImage {
    /// By the number of the line.
    lines: std::collections::BTreeMap<u64, Vec<u8>>,
}

impl SpoolImage {
    /// Reads the spools; `firsts` are the numbers of their first lines.
    pub fn read(
        storage: &dyn Storage,
        dir: &Path,
        sink: usize,
        firsts: [u64; 2],
    ) -> io::Result<SpoolImage> {
        let mut image = SpoolImage::default();
        for (half, first) in firsts.into_iter().enumerate() {
            let path = dir.join(spool_name(sink, half));
            let file = match storage.open(&path, OpenMode::Read) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened?,
            };
            let len = usize::try_from(file.stat()?.len).unwrap_or(usize::MAX).min(BYTES_MAX);
            let mut bytes = vec![0; len];
            let read = read_full(&*file, &mut bytes, 0)?;
            // A torn line was not passed on: its ring still has its record.
            let whole = memchr::memrchr(b'\n', &bytes[..read]).map_or(0, |at| at + 1);
            let lines = bytes[..whole].split_inclusive(|byte| *byte == b'\n');
            image.lines.extend((first..).zip(lines.map(<[u8]>::to_vec)));
        }
        Ok(image)
    }

    /// The number after that of the last line; 0 without lines.
    pub fn end(&self) -> u64 {
        self.lines.last_key_value().map_or(0, |(number, _)| number + 1)
    }

    /// The length of a line.
    pub fn line_bytes(&self, number: u64) -> Option<u32> {
        self.lines.get(&number).map(|line| u32::try_from(line.len()).unwrap_or(u32::MAX))
    }

    /// The lines from number `first` on, without those that no sink was given.
    pub fn lines_from(&self, first: u64) -> impl Iterator<Item = &[u8]> {
        self.all_from(first).filter(|line| is_line(line))
    }

    /// How many lines from number `first` on are damaged, and their bytes.
    pub fn damaged_from(&self, first: u64) -> (u64, u64) {
        let damaged = self.all_from(first).filter(|line| !is_line(line));
        damaged.fold((0, 0), |(lines, bytes), line| (lines + 1, bytes + line.len() as u64))
    }

    fn all_from(&self, first: u64) -> impl Iterator<Item = &[u8]> {
        self.lines.range(first..).map(|(_, line)| &line[..])
    }
}

/// Whether the writer can have made these bytes: a JSON object, or a line of text. A spool has no checksum, and a log
/// of JSON lines must not get half an object.
fn is_line(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    if !line.starts_with(b"{") {
        return std::str::from_utf8(line).is_ok() && !line.contains(&0);
    }
    let Ok(mut tokens) = Tokens::new(line) else { return false };
    loop {
        match tokens.next_token() {
            Ok(Some(_)) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

/// Bytes of a spool that are read, at most.
const BYTES_MAX: usize = 1 << 30;

#[cfg(all(test, target_os = "linux", not(miri)))]
mod tests {
    use super::*;

    fn read(dir: &Path, engine: &SharedFile) -> SpoolImage {
        let firsts = at::SPOOL_FIRST_AT.map(|place| engine.load(place));
        SpoolImage::read(&OsStorage, dir, 3, firsts).unwrap()
    }

    #[test]
    fn lines_are_kept_until_they_are_in_place() {
        let dir = tempfile::tempdir().unwrap();
        let engine = Arc::new(SharedFile::private(4096).unwrap());
        let mut spool = Spool::new(Arc::clone(&engine), 0, dir.path(), 3);
        assert_eq!(read(dir.path(), &engine).end(), 0);
        spool.add(7, 2, b"seven\neight\n").unwrap();
        spool.add(9, 1, b"nine\n").unwrap();
        let image = read(dir.path(), &engine);
        assert_eq!((image.end(), image.line_bytes(8), image.line_bytes(6)), (10, Some(6), None));
        assert_eq!(image.lines_from(9).collect::<Vec<_>>(), [b"nine\n"]);
        spool.note_done(9);
        assert!(!spool.is_empty(), "the last line is not in place");
        spool.note_done(10);
        assert!(spool.is_empty());
        spool.add(20, 1, b"twenty\n").unwrap();
        assert_eq!(read(dir.path(), &engine).lines_from(0).collect::<Vec<_>>(), [b"twenty\n"]);
    }

    #[test]
    fn damaged_lines_are_left_out() {
        for (name, line, is_kept) in [
            ("an object", &b"{\"a\":1}\n"[..], true),
            ("an object with padding", b"{\"a\":1}   \n", true),
            ("text", b"INFO started\n", true),
            ("an audit event", b"7 1700000000 {\"a\":1}\n", true),
            ("half an object", b"{\"a\":\n", false),
            ("two objects", b"{}{}\n", false),
            ("a control character", b"{\"a\":\"\x01\"}\n", false),
            ("no UTF-8", b"INFO \xFF\n", false),
            ("zeros", b"\0\0\n", false),
        ] {
            let bytes = [b"{\"before\":1}\n", line, b"{\"after\":1}\n"].concat();
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join(spool_name(3, 0)), &bytes).unwrap();
            let image = SpoolImage::read(&OsStorage, dir.path(), 3, [7, 0]).unwrap();
            // Their numbers count all the same.
            assert_eq!((image.end(), image.line_bytes(8)), (10, Some(line.len() as u32)), "{name}");
            assert_eq!(image.lines_from(7).count(), 2 + usize::from(is_kept), "{name}");
            let damaged = if is_kept { (0, 0) } else { (1, line.len() as u64) };
            assert_eq!(image.damaged_from(7), damaged, "{name}");
            assert_eq!(image.damaged_from(9), (0, 0), "{name}");
        }
    }

    #[test]
    fn full_spools_take_turns() {
        let dir = tempfile::tempdir().unwrap();
        let engine = Arc::new(SharedFile::private(4096).unwrap());
        let mut spool = Spool::new(Arc::clone(&engine), 0, dir.path(), 3);
        let line = [&vec![b'x'; 400_000][..], b"\n"].concat();
        (0..8).for_each(|number| spool.add(number, 1, &line).unwrap());
        let image = read(dir.path(), &engine);
        assert_eq!((image.end(), image.lines_from(0).count()), (8, 8));
        spool.note_done(3);
        assert_eq!(read(dir.path(), &engine).lines_from(0).count(), 5);
    }
}
