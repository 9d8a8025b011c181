//! Reads the segments of a log as batches of lines.
//!
//! Promises: one buffer per batch, of at most [`BATCH_BYTES`] and the longest line; for any content of the
//! files, reading ends and nothing is skipped.
use std::io::{self, BufRead, BufReader, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::super::entry::LINE_BYTES_MAX;
use super::super::store::names::{ACTIVE, parse_sealed, sealed_name};
use super::report::{Finding, FindingKind};
use super::{Stop, files};
use ringseal_base::storage::{FileKind, FileReader, OpenMode, Storage};

/// Bytes of lines in a batch, about.
pub(super) const BATCH_BYTES: usize = 256 * 1024;

/// One file of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    /// The name of the file, with `.gz` if it is compressed.
    pub file: String,
    /// The name without `.gz`.
    pub plain: String,
    /// The number of its first entry according to its name; `None` for the active one.
    pub first_seq: Option<u64>,
    is_compressed: bool,
    /// Its length on disk.
    pub file_bytes: u64,
}

/// The segments of a log in order.
pub(crate) fn segments(storage: &dyn Storage, dir: &Path) -> Result<Vec<Segment>, Stop> {
    segments_and_copies(storage, dir).map(|(segments, _)| segments)
}

/// The segments in order, and the compressed files beside plain ones.
pub(super) fn segments_and_copies(
    storage: &dyn Storage,
    dir: &Path,
) -> Result<(Vec<Segment>, Vec<Segment>), Stop> {
    let names = storage.list(dir).map_err(|error| Stop::io(dir, &error))?;
    let mut found: Vec<Segment> = Vec::new();
    for name in names.iter().filter_map(|name| name.to_str()) {
        let (first_seq, is_compressed) = match parse_sealed(name) {
            Some((seq, is_compressed)) => (Some(seq), is_compressed),
            None if name == ACTIVE => (None, false),
            None if files::is_impossible_segment(name) => (Some(u64::MAX), false),
            None => continue,
        };
        if files::is_impossible_segment(name) {
            let detail = "a segment with a number that no entry has";
            return Err(Finding::of_file(FindingKind::BadFile, name, detail).into());
        }
        let path = dir.join(name);
        let stat = storage.stat(&path).map_err(|error| Stop::io(&path, &error))?;
        if stat.kind != FileKind::Regular {
            let detail = format!("expected a regular file, found {}", stat.kind.as_str());
            return Err(Finding::of_file(FindingKind::BadFile, name, detail).into());
        }
        let plain = first_seq.map_or_else(|| ACTIVE.to_owned(), sealed_name);
        let (file, file_bytes) = (name.to_owned(), stat.len);
        found.push(Segment { file, plain, first_seq, is_compressed, file_bytes });
    }
    // The active segment is last. If both a plain and a compressed file exist, the plain one is read.
    let order = |segment: &Segment| (segment.first_seq.unwrap_or(u64::MAX), segment.is_compressed);
    found.sort_by_key(order);
    let mut copies = Vec::new();
    found.dedup_by(|second, first| {
        let is_copy = second.first_seq == first.first_seq;
        if is_copy {
            copies.push(second.clone());
        }
        is_copy
    });
    Ok((found, copies))
}

/// Lines of one segment, in the buffer into which they were read.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// May be longer than its content: zeroing it for each batch would cost as much as parsing.
    bytes: Vec<u8>,
    /// Each line without its newline.
    pub lines: Vec<Range<usize>>,
    /// Index of the segment in the list.
    pub segment: usize,
    /// Lines of the segment before this batch.
    pub lines_before: u64,
    /// Bytes of the segment before this batch.
    pub bytes_before: u64,
    /// Whether the segment ends here.
    pub ends_segment: bool,
    /// Bytes at the end of the file without a newline.
    torn: Range<usize>,
    /// Whether the last line is followed by one that exceeds the length limit.
    pub is_too_long: bool,
}

impl Batch {
    pub fn line(&self, at: usize) -> &[u8] {
        self.lines.get(at).and_then(|range| self.bytes.get(range.clone())).unwrap_or_default()
    }

    #[cfg(test)]
    pub fn of(lines: &[Vec<u8>]) -> Batch {
        let mut batch = Batch::default();
        for line in lines {
            let start = batch.bytes.len();
            batch.bytes.extend_from_slice(line);
            batch.lines.push(start..batch.bytes.len());
            batch.bytes.push(b'\n');
        }
        batch
    }

    /// All bytes of complete lines.
    pub fn whole(&self) -> &[u8] {
        let end = self.lines.last().map_or(0, |line| line.end + 1);
        self.bytes.get(..end).unwrap_or_default()
    }

    /// The bytes after the last newline.
    pub fn torn(&self) -> &[u8] {
        self.bytes.get(self.torn.clone()).unwrap_or_default()
    }

    /// Empties the batch for reuse; its memory is kept.
    fn reset(&mut self) {
        self.lines.clear();
        (self.torn, self.ends_segment, self.is_too_long) = (0..0, false, false);
    }
}

/// Reads segments in order.
pub(crate) struct BatchReader<'a> {
    storage: &'a dyn Storage,
    dir: &'a Path,
    segments: &'a [Segment],
    next: usize,
    open: Option<OpenSegment>,
    /// Bytes of lines in a batch, about.
    batch_bytes: usize,
    /// Batches for reuse.
    spare: Vec<Batch>,
}

struct OpenSegment {
    reader: Box<dyn Read + Send>,
    path: PathBuf,
    is_compressed: bool,
    segment: usize,
    lines: u64,
    bytes: u64,
    /// The beginning of a line whose end has not been read yet.
    rest: Vec<u8>,
}

impl<'a> BatchReader<'a> {
    pub fn new(
        storage: &'a dyn Storage,
        dir: &'a Path,
        segments: &'a [Segment],
    ) -> BatchReader<'a> {
        let (batch_bytes, spare) = (BATCH_BYTES, Vec::new());
        BatchReader { storage, dir, segments, next: 0, open: None, batch_bytes, spare }
    }

    /// The same with batches of about this length.
    pub fn with_batch_bytes(mut self, batch_bytes: usize) -> BatchReader<'a> {
        self.batch_bytes = batch_bytes.max(1);
        self
    }

    /// The segments that it reads.
    pub fn segments(&self) -> &'a [Segment] {
        self.segments
    }

    /// Takes back a batch whose lines are no longer needed.
    pub fn recycle(&mut self, batch: Batch) {
        self.spare.push(batch);
    }

    /// The next batch; `None` after the last segment.
    pub fn next(&mut self) -> Result<Option<Batch>, Stop> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => match self.open_next()? {
                Some(open) => open,
                None => return Ok(None),
            },
        };
        let mut batch = self.spare.pop().unwrap_or_default();
        batch.reset();
        batch.segment = open.segment;
        batch.lines_before = open.lines;
        batch.bytes_before = open.bytes;
        let is_end = open
            .fill(&mut batch, self.batch_bytes)
            .map_err(|error| open.failed(self.segments, &error))?;
        open.lines += batch.lines.len() as u64;
        open.bytes += batch.whole().len() as u64;
        if !is_end {
            self.open = Some(open);
        }
        Ok(Some(batch))
    }

    fn open_next(&mut self) -> Result<Option<OpenSegment>, Stop> {
        let Some(segment) = self.segments.get(self.next) else { return Ok(None) };
        let path = self.dir.join(&segment.file);
        let file = self.storage.open(&path, OpenMode::Read);
        let file = FileReader { file: file.map_err(|error| Stop::io(&path, &error))?, offset: 0 };
        let reader = if segment.is_compressed {
            decompressor(file).ok_or_else(|| Stop::Unchecked {
                reason: format!(
                    "{}: compressed, and this program was built without the feature `compress`",
                    path.display()
                ),
            })?
        } else {
            Box::new(file) as Box<dyn Read + Send>
        };
        let (index, is_compressed) = (self.next, segment.is_compressed);
        self.next += 1;
        let rest = Vec::new();
        Ok(Some(OpenSegment {
            reader,
            path,
            is_compressed,
            segment: index,
            lines: 0,
            bytes: 0,
            rest,
        }))
    }
}

impl OpenSegment {
    /// Fills the batch up to the last newline that was read. Returns whether the file ends.
    fn fill(&mut self, batch: &mut Batch, batch_bytes: usize) -> io::Result<bool> {
        let bytes = &mut batch.bytes;
        let mut filled = self.rest.len();
        grow(bytes, filled);
        bytes[..filled].copy_from_slice(&self.rest);
        self.rest.clear();
        loop {
            grow(bytes, filled + batch_bytes);
            let read = read_once(&mut *self.reader, &mut bytes[filled..filled + batch_bytes])?;
            for newline in memchr::memchr_iter(b'\n', &bytes[filled..filled + read]) {
                let start = batch.lines.last().map_or(0, |line| line.end + 1);
                batch.lines.push(start..filled + newline);
            }
            filled += read;
            let end = batch.lines.last().map_or(0, |line| line.end + 1);
            batch.is_too_long = filled - end >= LINE_BYTES_MAX;
            if read == 0 || batch.is_too_long {
                batch.ends_segment = true;
                batch.torn = end..filled;
                return Ok(true);
            }
            if !batch.lines.is_empty() && filled >= batch_bytes / 2 {
                self.rest.extend_from_slice(&bytes[end..filled]);
                return Ok(false);
            }
        }
    }

    /// Damaged compressed data is a finding; any other error means that the log cannot be checked.
    fn failed(&self, segments: &[Segment], error: &io::Error) -> Stop {
        let damaged =
            [io::ErrorKind::InvalidData, io::ErrorKind::InvalidInput, io::ErrorKind::UnexpectedEof];
        match segments.get(self.segment) {
            Some(segment) if self.is_compressed && damaged.contains(&error.kind()) => {
                let detail = format!("the compressed file is damaged: {error}");
                Finding::of_file(FindingKind::Malformed, &segment.file, detail).into()
            }
            _ => Stop::io(&self.path, error),
        }
    }
}

fn grow(bytes: &mut Vec<u8>, len: usize) {
    if bytes.len() < len {
        bytes.resize(len, 0);
    }
}

fn read_once(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

#[cfg(feature = "compress")]
pub(super) fn decompressor(file: FileReader) -> Option<Box<dyn Read + Send>> {
    let file = io::BufReader::with_capacity(128 * 1024, file);
    Some(Box::new(flate2::bufread::MultiGzDecoder::new(file)))
}

#[cfg(not(feature = "compress"))]
pub(super) fn decompressor(_file: FileReader) -> Option<Box<dyn Read + Send>> {
    None
}

/// Passes the lines of a file to `visit`, without newlines, until it returns `false`; none if the file is missing. An
/// unfinished last line is omitted, and so is everything from a line that is too long on. One line is in memory.
pub(crate) fn visit_lines(
    storage: &dyn Storage,
    dir: &Path,
    name: &str,
    visit: &mut dyn FnMut(&[u8]) -> bool,
) -> Result<(), Stop> {
    let path = dir.join(name);
    let file = match storage.open(&path, OpenMode::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Stop::io(&path, &error)),
    };
    let mut reader = BufReader::new(FileReader { file, offset: 0 });
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut reader).take(LINE_BYTES_MAX as u64).read_until(b'\n', &mut line);
        read.map_err(|error| Stop::io(&path, &error))?;
        match line.strip_suffix(b"\n") {
            Some(line) if visit(line) => {}
            _ => return Ok(()),
        }
    }
}
