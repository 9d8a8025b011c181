//! Entries that have to wait in a file, because the log cannot be written and memory has its bound.
//!
//! One line per event: `<ticket> <nanoseconds since 1970> <members>`. The file outlives the process: what is found in
//! it at the start goes into the log first. After a crash in the middle of that, entries may be sealed twice; none is
//! missing. A torn last line, which no `sync` has told of, is left out.
use std::io::{self, IoSlice, Write};
use std::path::Path;
use std::sync::Arc;

use crate::storage::{OpenHow, Storage, StorageFile};

/// Owner only: the entries are redacted, and evidence.
const MODE: u32 = 0o600;

/// The file and how far it was read.
pub(super) struct Spill {
    file: Box<dyn StorageFile>,
    /// Whole lines in the file.
    len: u64,
    read: u64,
    /// Lines that are not in the file yet.
    unwritten: Vec<u8>,
    /// What was read and not taken.
    window: Vec<u8>,
    window_at: usize,
    /// Length of the line taken last.
    last_line: usize,
}

impl Spill {
    /// Opens the file, or makes it.
    pub(super) fn open(storage: Arc<dyn Storage>, path: &Path) -> io::Result<Spill> {
        let named =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        let mut file = match storage.open(path, OpenHow::Append) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                storage.open(path, OpenHow::CreateNew { mode: MODE })
            }
            result => result,
        }
        .map_err(named)?;
        let len = whole_lines(&*file).map_err(named)?;
        if file.stat()?.len != len {
            file.set_len(len).map_err(named)?;
        }
        Ok(Spill {
            file,
            len,
            read: 0,
            unwritten: Vec::new(),
            window: Vec::new(),
            window_at: 0,
            last_line: 0,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0 && self.held_bytes() == 0
    }

    /// Bytes of events that are in memory only.
    pub(super) fn held_bytes(&self) -> usize {
        let window_bytes = if self.len == 0 { self.window.len() - self.window_at } else { 0 };
        self.unwritten.len() + window_bytes
    }

    /// Adds an event, which is in the file when [`Spill::sync`] has returned.
    pub(super) fn push(&mut self, ticket: u64, unix_nanos: i64, members: &[u8]) {
        // Writing into a vector cannot fail.
        let _ = write!(self.unwritten, "{ticket} {unix_nanos} ");
        self.unwritten.extend_from_slice(members);
        self.unwritten.push(b'\n');
    }

    pub(super) fn sync(&mut self) -> io::Result<()> {
        while !self.unwritten.is_empty() {
            match self.file.append(&[IoSlice::new(&self.unwritten)]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.unwritten.drain(..count.min(self.unwritten.len()));
                    self.len += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.file.sync()
    }

    /// The next event's ticket and time; its members go to `members`. `None` at the end.
    pub(super) fn next(&mut self, members: &mut Vec<u8>) -> io::Result<Option<(u64, i64)>> {
        loop {
            let rest = self.window.get(self.window_at..).unwrap_or_default();
            if let Some(len) = memchr::memchr(b'\n', rest) {
                let line = &rest[..len];
                self.last_line = len + 1;
                self.window_at += len + 1;
                let mut parts = line.splitn(3, |byte| *byte == b' ');
                let mut number = || std::str::from_utf8(parts.next()?).ok();
                let ticket = number().and_then(|text| text.parse().ok());
                let nanos = number().and_then(|text| text.parse().ok());
                let (Some(ticket), Some(nanos), Some(text)) = (ticket, nanos, parts.next()) else {
                    continue;
                };
                members.clear();
                members.extend_from_slice(text);
                return Ok(Some((ticket, nanos)));
            }
            if !self.fill()? {
                if self.unwritten.is_empty() {
                    return Ok(None);
                }
                // What the file would not take follows what it has, the rest of a line that it took in part included.
                self.window.append(&mut self.unwritten);
            }
        }
    }

    /// Reads on; says whether there was more.
    fn fill(&mut self) -> io::Result<bool> {
        self.window.drain(..self.window_at);
        self.window_at = 0;
        let start = self.window.len();
        self.window.resize(start + (256 << 10), 0);
        let count = self.file.read_at(&mut self.window[start..], self.read)?;
        self.window.truncate(start + count);
        self.read += count as u64;
        Ok(count > 0)
    }

    /// Puts the line that was taken last back.
    pub(super) fn put_back(&mut self) {
        self.window_at -= self.last_line;
        self.last_line = 0;
    }

    /// Everything was taken and is in the log.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.sync()?;
        (self.len, self.read, self.window_at, self.last_line) = (0, 0, 0, 0);
        self.window.clear();
        Ok(())
    }
}

/// Bytes up to the end of the last whole line.
fn whole_lines(file: &dyn StorageFile) -> io::Result<u64> {
    let mut end = file.stat()?.len;
    let mut bytes = vec![0; 64 << 10];
    while end > 0 {
        let start = end.saturating_sub(bytes.len() as u64);
        let part = &mut bytes[..(end - start) as usize];
        let count = file.read_at(part, start)?;
        if let Some(at) = memchr::memrchr(b'\n', &part[..count]) {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::faulty::{Faults, FaultyDisk};

    fn spill(disk: &FaultyDisk) -> Spill {
        Spill::open(Arc::new(disk.clone()), Path::new("/spill")).unwrap()
    }

    fn all(spill: &mut Spill) -> Vec<(u64, Vec<u8>)> {
        let (mut found, mut members) = (Vec::new(), Vec::new());
        while let Some((ticket, _)) = spill.next(&mut members).unwrap() {
            found.push((ticket, members.clone()));
        }
        found
    }

    #[test]
    fn what_the_disk_takes_in_part_or_not_at_all_comes_back_whole_and_once() {
        for capacity_bytes in 0..60 {
            let disk = FaultyDisk::new(Path::new("/"));
            let mut spill = spill(&disk);
            disk.set_faults(Faults { capacity_bytes, ..Faults::default() });
            let mut expected = Vec::new();
            for ticket in 0..3 {
                spill.push(ticket, 5, b"\"a\":1");
                expected.push((ticket, b"\"a\":1".to_vec()));
                let _ = spill.sync();
            }
            assert!(!spill.is_empty());
            assert_eq!(all(&mut spill), expected, "{capacity_bytes}");
            spill.clear().unwrap();
            assert!(spill.is_empty() && spill.held_bytes() == 0);
        }
    }

    #[test]
    fn the_file_of_an_earlier_process_is_read_without_its_torn_line() {
        let disk = FaultyDisk::new(Path::new("/"));
        disk.put(Path::new("/spill"), b"7 5 \"a\":1\n8 5 \"b\":2\n9 5 \"to");
        let mut spill = spill(&disk);
        let tickets: Vec<u64> = all(&mut spill).into_iter().map(|(ticket, _)| ticket).collect();
        assert_eq!(tickets, [7, 8]);
    }
}
