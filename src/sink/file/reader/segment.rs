//! One open segment: a plain file that can be read again, or a stream that cannot.
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::dir::FileId;

/// The segment that is being read.
pub(super) struct Segment {
    /// Its number, when it has one that is known.
    pub(super) number: Option<u64>,
    /// Whether it was opened under its compressed name.
    pub(super) gz: bool,
    /// Its bytes.
    pub(super) source: Source,
}

/// Where bytes come from.
pub(super) enum Source {
    /// An uncompressed file.
    Plain(Plain),
    /// A decoder or a pipe: forwards only, and complete when it ends.
    Stream(Box<dyn Read + Send>),
}

/// An uncompressed file and the place in it.
#[derive(Debug)]
pub(super) struct Plain {
    file: File,
    pub(super) id: FileId,
    /// Where the next read starts.
    pub(super) position: u64,
    /// The file's own position may differ.
    moved: bool,
    /// Still under the active name, as far as is known: more may come, and NULs may be bytes that
    /// are on their way.
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
    /// Reads at the place and moves on.
    pub(super) fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if std::mem::take(&mut self.moved) {
            self.file.seek(SeekFrom::Start(self.position))?;
        }
        let len = read_some(&mut self.file, room)?;
        self.position += len as u64;
        Ok(len)
    }

    /// Goes to another place.
    pub(super) fn seek(&mut self, position: u64) {
        self.position = position;
        self.moved = true;
    }

    /// How long the file is now.
    pub(super) fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Whether the bytes in front of the place are still `mark`.
    pub(super) fn has_before(&mut self, mark: &[u8]) -> io::Result<bool> {
        self.moved = true;
        let Some(from) = self.position.checked_sub(mark.len() as u64) else { return Ok(false) };
        self.file.seek(SeekFrom::Start(from))?;
        same(&mut self.file, &mut &mark[..], Some(mark.len()))
    }

    /// Whether the whole file, from its start, is what `other` reads.
    pub(super) fn same_contents(&mut self, other: &mut dyn Read) -> io::Result<bool> {
        self.moved = true;
        self.file.seek(SeekFrom::Start(0))?;
        same(&mut self.file, other, None)
    }
}

/// Whether two streams read the same: the first `len` bytes, or all.
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

fn read_full(from: &mut dyn Read, room: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while len < room.len() {
        match read_some(from, &mut room[len..])? {
            0 => break,
            more => len += more,
        }
    }
    Ok(len)
}

/// One read, tried again when a signal interrupts it.
pub(super) fn read_some(from: &mut dyn Read, room: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(room) {
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

/// Not without the feature.
#[cfg(not(feature = "compress"))]
pub(super) fn gunzip(_file: File) -> Option<Box<dyn Read + Send>> {
    None
}
