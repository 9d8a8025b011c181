//! An open segment: a plain file that can be read again, or a stream that cannot.
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::dir::FileId;

/// The segment that is being read.
pub(super) struct Segment {
    /// Its number, if known.
    pub(super) number: Option<u64>,
    /// Whether it was opened under its compressed name.
    pub(super) gz: bool,
    /// The source of its bytes.
    pub(super) source: Source,
}

/// A source of bytes.
pub(super) enum Source {
    /// An uncompressed file.
    Plain(Plain),
    /// A decoder or a pipe: forward only, and complete at its end.
    Stream(Box<dyn Read + Send>),
}

/// An uncompressed file and the current position in it.
#[derive(Debug)]
pub(super) struct Plain {
    file: File,
    pub(super) id: FileId,
    /// Where the next read starts.
    pub(super) position: u64,
    /// The position of the descriptor may differ.
    moved: bool,
    /// The file still had the active name at the last check: it may grow, and NULs may be bytes that are being
    /// written.
    pub(super) live: bool,
}

impl Segment {
    /// A plain file, from its start.
    pub(super) fn plain(file: File, number: Option<u64>) -> io::Result<Self> {
        let id = FileId::of(&file.metadata()?);
        let plain = Plain { file, id, position: 0, moved: false, live: true };
        Ok(Self { number, gz: false, source: Source::Plain(plain) })
    }

    /// A stream.
    pub(super) fn stream(stream: Box<dyn Read + Send>, number: Option<u64>, gz: bool) -> Self {
        Self { number, gz, source: Source::Stream(stream) }
    }
}

impl Plain {
    /// Reads at the position and advances it.
    pub(super) fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        if std::mem::take(&mut self.moved) {
            self.file.seek(SeekFrom::Start(self.position))?;
        }
        let len = read_some(&mut self.file, space)?;
        self.position += len as u64;
        Ok(len)
    }

    /// Moves to another position.
    pub(super) fn seek(&mut self, position: u64) {
        self.position = position;
        self.moved = true;
    }

    /// The current length of the file.
    pub(super) fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Whether the bytes before the position are still `mark`.
    pub(super) fn has_before(&mut self, mark: &[u8]) -> io::Result<bool> {
        self.moved = true;
        let Some(from) = self.position.checked_sub(mark.len() as u64) else { return Ok(false) };
        self.file.seek(SeekFrom::Start(from))?;
        same(&mut self.file, &mut &mark[..], Some(mark.len()))
    }

    /// Whether the whole file, from its start, equals what `other` reads.
    pub(super) fn same_contents(&mut self, other: &mut dyn Read) -> io::Result<bool> {
        self.moved = true;
        self.file.seek(SeekFrom::Start(0))?;
        same(&mut self.file, other, None)
    }
}

/// Whether two streams read the same bytes: the first `len`, or all.
fn same(left: &mut dyn Read, right: &mut dyn Read, len: Option<usize>) -> io::Result<bool> {
    let (mut one, mut other) = ([0; 4096], [0; 4096]);
    let mut left_over = len.unwrap_or(usize::MAX);
    while left_over > 0 {
        let want = left_over.min(one.len());
        let one_len = read_full(left, &mut one[..want])?;
        let other_len = read_full(right, &mut other[..want])?;
        if one[..one_len] != other[..other_len] {
            return Ok(false);
        }
        if one_len < want {
            return Ok(len.is_none());
        }
        left_over -= want;
    }
    Ok(true)
}

fn read_full(from: &mut dyn Read, space: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while len < space.len() {
        match read_some(from, &mut space[len..])? {
            0 => break,
            more => len += more,
        }
    }
    Ok(len)
}

/// One read, retried if a signal interrupts it.
pub(super) fn read_some(from: &mut dyn Read, space: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(space) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Decompresses a sealed segment.
#[cfg(feature = "compress")]
pub(super) fn gunzip(file: File) -> Option<Box<dyn Read + Send>> {
    let compressed = io::BufReader::with_capacity(64 * 1024, file);
    Some(Box::new(flate2::bufread::MultiGzDecoder::new(compressed)))
}

/// Returns `None`: this build lacks the feature.
#[cfg(not(feature = "compress"))]
pub(super) fn gunzip(_file: File) -> Option<Box<dyn Read + Send>> {
    None
}
