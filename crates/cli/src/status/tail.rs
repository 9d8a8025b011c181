//! The last lines of a file, plain or compressed.
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use crate::input::{self, Refuse};

/// How much of the end of a file is read.
pub const TAIL_BYTES_MAX: u64 = 1 << 20;

/// The end of a file: whole lines, unless one is longer than [`TAIL_BYTES_MAX`].
pub(super) struct Tail(Vec<u8>);

impl Tail {
    /// Reads the end of a file. A compressed one is read whole, because its end cannot be found otherwise.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        if path.extension().is_some_and(|extension| extension == "gz") {
            return Self::of_compressed(path);
        }
        let mut file = File::open(path)?;
        let start = file.metadata()?.len().saturating_sub(TAIL_BYTES_MAX);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        // The file may grow meanwhile.
        file.take(2 * TAIL_BYTES_MAX).read_to_end(&mut bytes)?;
        if start > 0 {
            let first = memchr::memchr(b'\n', &bytes).map_or(bytes.len(), |at| at + 1);
            bytes.drain(..first);
        }
        Ok(Self::whole_lines(bytes))
    }

    fn of_compressed(path: &Path) -> io::Result<Self> {
        let mut text = input::open(Box::new(File::open(path)?), Refuse::Signatures)?.text;
        let (mut tail, mut piece) = (Vec::new(), vec![0; 64 << 10]);
        loop {
            let read = text.read(&mut piece)?;
            if read == 0 {
                return Ok(Self::whole_lines(tail));
            }
            tail.extend_from_slice(&piece[..read]);
            let bytes_max = TAIL_BYTES_MAX as usize;
            if tail.len() > 2 * bytes_max {
                tail.drain(..tail.len() - bytes_max);
            }
        }
    }

    /// Without a line that is being written, and the blanks or NULs after it.
    fn whole_lines(mut bytes: Vec<u8>) -> Self {
        bytes.truncate(memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1));
        Self(bytes)
    }

    /// The lines, the last one first.
    pub(super) fn lines_backwards(&self) -> impl Iterator<Item = &[u8]> {
        let lines = self.0.split(|byte| *byte == b'\n').rev();
        lines.filter(|line| !line.trim_ascii().is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_lines_are_returned() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("app.log");
        for (text, expected) in
            [("a\nb\n", &["b", "a"][..]), ("a\nb", &["a"]), ("a\n   \n\0\0\0", &["a"]), ("", &[])]
        {
            std::fs::write(&path, text).expect("room");
            let tail = Tail::of(&path).expect("readable");
            let lines: Vec<&[u8]> = tail.lines_backwards().collect();
            let expected: Vec<&[u8]> = expected.iter().map(|line| line.as_bytes()).collect();
            assert_eq!(lines, expected, "{text:?}");
        }
        let long = "x".repeat(600_000);
        std::fs::write(&path, format!("{long}\n{long}\nlast\n")).expect("room");
        let tail = Tail::of(&path).expect("readable");
        assert_eq!(tail.lines_backwards().count(), 2, "the first line is not whole any more");
    }
}
