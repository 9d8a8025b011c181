//! The spill file: holds entries while the log cannot be written and memory has reached its bound.
//!
//! One line per event: `<ticket> <nanoseconds since 1970> <members>`. The file outlives the process: its entries are
//! the first to go into the log at the next start. A torn last line, which no `sync` covered, is skipped.
//!
//! Each entry goes into the log once, even if the process dies during replay. Before the first one is appended,
//! `<file>.replay` records the next sequence number of the log. If that file exists at the start, the log's entries
//! from there on are compared with the spilled ones, and equal ones are skipped. The replay file is removed after the
//! spilled entries. A leftover replay file matches no entry that is spilled later, and the next replay replaces it.
use std::io::{self, IoSlice, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ringseal_audit::entry::{Body, Parser};
use ringseal_audit::read::{LineContent, read_entries};
use ringseal_base::storage::{
    OpenMode, Storage, StorageFile, append_all, parent_dir, publish_durably, remove_durably,
};

/// Owner only: the entries are redacted, but are evidence.
const MODE: u32 = 0o600;

/// The spill file and the read position.
pub(super) struct Spill {
    storage: Arc<dyn Storage>,
    /// The file that records where the replay started in the log.
    replay_path: PathBuf,
    /// Its content at the start, until the log has been compared.
    found_seq: Option<u64>,
    has_replay: bool,
    /// Bytes that an earlier process left: their tickets are not valid in this process.
    foreign_len: u64,
    /// Bytes of lines that were read.
    taken: u64,
    file: Box<dyn StorageFile>,
    /// Whole lines in the file.
    len: u64,
    read: u64,
    /// Lines that are not in the file yet.
    unwritten: Vec<u8>,
    /// Bytes read from the file and not yet returned.
    window: Vec<u8>,
    window_at: usize,
    /// Length of the last line returned.
    last_line: usize,
}

impl Spill {
    /// Opens the file, or creates it.
    pub(super) fn open(storage: Arc<dyn Storage>, path: &Path) -> io::Result<Spill> {
        let named =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        let mut file = match storage.open(path, OpenMode::Append) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let made = storage.open(path, OpenMode::CreateNew { mode: MODE });
                made.and_then(|file| storage.sync_dir(parent_dir(path)).map(|()| file))
            }
            result => result,
        }
        .map_err(named)?;
        let len = whole_lines(&*file).map_err(named)?;
        if file.stat()?.len != len {
            file.set_len(len).map_err(named)?;
        }
        let mut replay_path = path.to_owned().into_os_string();
        replay_path.push(".replay");
        let replay_path = PathBuf::from(replay_path);
        let found_seq = read_replay(&*storage, &replay_path)?;
        Ok(Spill {
            storage,
            replay_path,
            found_seq,
            has_replay: found_seq.is_some(),
            foreign_len: len,
            taken: 0,
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

    /// Adds an event; it is in the file when [`Spill::sync`] has returned.
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

    /// The next event's ticket, if this process issued it, and its time; its members go to `members`. `None` at the
    /// end.
    pub(super) fn next(&mut self, members: &mut Vec<u8>) -> io::Result<Option<(Option<u64>, i64)>> {
        loop {
            let rest = self.window.get(self.window_at..).unwrap_or_default();
            if let Some(len) = memchr::memchr(b'\n', rest) {
                let line = &rest[..len];
                self.last_line = len + 1;
                self.window_at += len + 1;
                let is_foreign = self.taken < self.foreign_len;
                self.taken += len as u64 + 1;
                let mut parts = line.splitn(3, |byte| *byte == b' ');
                let mut number = || std::str::from_utf8(parts.next()?).ok();
                let ticket: Option<u64> = number().and_then(|text| text.parse().ok());
                let nanos = number().and_then(|text| text.parse().ok());
                let (Some(ticket), Some(nanos), Some(text)) = (ticket, nanos, parts.next()) else {
                    continue;
                };
                members.clear();
                members.extend_from_slice(text);
                return Ok(Some(((!is_foreign).then_some(ticket), nanos)));
            }
            if !self.fill()? {
                if self.unwritten.is_empty() {
                    return Ok(None);
                }
                // Lines that the file did not take follow the ones it has, including the rest of a partly written line.
                self.window.append(&mut self.unwritten);
            }
        }
    }

    /// Reads more; returns whether there was more.
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

    /// Makes the last line returned the next one again.
    pub(super) fn unread_last(&mut self) {
        self.window_at -= self.last_line;
        self.taken -= self.last_line as u64;
        self.last_line = 0;
    }

    /// Empties the file: all entries are in the log.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.sync()?;
        (self.len, self.read, self.window_at, self.last_line) = (0, 0, 0, 0);
        (self.foreign_len, self.taken, self.found_seq) = (0, 0, None);
        self.window.clear();
        // If it cannot be removed now, it is replaced before it is needed again.
        if std::mem::take(&mut self.has_replay) {
            remove_durably(&*self.storage, &self.replay_path)?;
        }
        Ok(())
    }

    /// Prepares the replay into a log in `dir` whose next entry is `log_next_seq` and whose earlier entries are on
    /// disk. Skips entries that an earlier process has replayed, and records the position for a later one.
    pub(super) fn begin_replay(&mut self, dir: &Path, log_next_seq: u64) -> io::Result<()> {
        if let Some(from_seq) = self.found_seq {
            // A replay file that matches nothing may be a leftover of earlier spilled entries.
            self.has_replay = self.skip_replayed(dir, from_seq)?;
            self.found_seq = None;
        }
        if self.has_replay {
            return Ok(());
        }
        let mut temporary = self.replay_path.clone().into_os_string();
        temporary.push(".tmp");
        let temporary = PathBuf::from(temporary);
        match self.storage.remove(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = self.storage.open(&temporary, OpenMode::CreateNew { mode: MODE })?;
        append_all(&mut *file, format!("{REPLAY_HEAD}{log_next_seq}\n").as_bytes())?;
        publish_durably(&*self.storage, &*file, &temporary, &self.replay_path)?;
        self.has_replay = true;
        Ok(())
    }

    /// Skips spilled events that are in the log from `from_seq` on; returns whether there was one.
    fn skip_replayed(&mut self, dir: &Path, from_seq: u64) -> io::Result<bool> {
        let (mut members, mut parser) = (Vec::new(), Parser::new());
        let storage = Arc::clone(&self.storage);
        let mut next = self.next_valid(&mut members, &mut parser)?;
        let (mut has_passed, mut failed) = (false, None);
        let read = read_entries(&*storage, dir, from_seq, &mut |line| {
            let LineContent::Entry(entry) = line.content else { return ControlFlow::Continue(()) };
            if entry.is_control() {
                return ControlFlow::Continue(());
            }
            if next != Some(entry.unix_nanos) || entry.body.as_bytes() != members {
                return ControlFlow::Break(());
            }
            has_passed = true;
            match self.next_valid(&mut members, &mut parser) {
                Ok(found) => next = found,
                Err(error) => failed = Some(error),
            }
            if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if next.is_some() && failed.is_none() {
            self.unread_last();
        }
        match failed.or_else(|| read.err().map(|error| io::Error::other(error.to_string()))) {
            None => Ok(has_passed),
            Some(error) => {
                self.rewind();
                Err(error)
            }
        }
    }

    /// The time of the next valid event of an earlier process.
    fn next_valid(
        &mut self,
        members: &mut Vec<u8>,
        parser: &mut Parser,
    ) -> io::Result<Option<i64>> {
        while self.taken < self.foreign_len {
            let Some((_, unix_nanos)) = self.next(members)? else { break };
            if Body::new(members, parser).is_ok() {
                return Ok(Some(unix_nanos));
            }
        }
        Ok(None)
    }

    /// Starts reading at the beginning again. Lines that are not in the file have not been reached yet.
    fn rewind(&mut self) {
        (self.read, self.window_at, self.last_line, self.taken) = (0, 0, 0, 0);
        self.window.clear();
    }
}

/// The beginning of a replay file; the number of an entry follows.
pub(crate) const REPLAY_HEAD: &str = "ringseal-replay-v1 ";

/// The content of the replay file; `None` if there is no such file.
fn read_replay(storage: &dyn Storage, path: &Path) -> io::Result<Option<u64>> {
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let file = match storage.open(path, OpenMode::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        result => result.map_err(named)?,
    };
    let mut bytes = [0; 64];
    let count = file.read_at(&mut bytes, 0).map_err(named)?;
    let text = bytes.get(..count).and_then(|bytes| std::str::from_utf8(bytes).ok());
    let seq = text
        .and_then(|text| text.strip_prefix(REPLAY_HEAD)?.strip_suffix('\n')?.parse().ok())
        .ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "expected the number of an entry")
        });
    seq.map(Some).map_err(named)
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
    use ringseal_base::storage::faulty::{Faults, FaultyDisk};

    fn spill(disk: &FaultyDisk) -> Spill {
        Spill::open(Arc::new(disk.clone()), Path::new("/spill")).unwrap()
    }

    fn all(spill: &mut Spill) -> Vec<(Option<u64>, Vec<u8>)> {
        let (mut found, mut members) = (Vec::new(), Vec::new());
        while let Some((ticket, _)) = spill.next(&mut members).unwrap() {
            found.push((ticket, members.clone()));
        }
        found
    }

    #[test]
    fn partly_written_lines_are_replayed_once() {
        for capacity_bytes in 0..60 {
            let disk = FaultyDisk::new(Path::new("/"));
            let mut spill = spill(&disk);
            disk.set_faults(Faults { capacity_bytes, ..Faults::default() });
            let mut expected = Vec::new();
            for ticket in 0..3 {
                spill.push(ticket, 5, b"\"a\":1");
                expected.push((Some(ticket), b"\"a\":1".to_vec()));
                let _ = spill.sync();
            }
            assert!(!spill.is_empty());
            assert_eq!(all(&mut spill), expected, "{capacity_bytes}");
            spill.clear().unwrap();
            assert!(spill.is_empty() && spill.held_bytes() == 0);
        }
    }

    #[test]
    fn a_torn_last_line_is_skipped() {
        let disk = FaultyDisk::new(Path::new("/"));
        disk.put(Path::new("/spill"), b"7 5 \"a\":1\n8 5 \"b\":2\n9 5 \"to");
        let mut spill = spill(&disk);
        let found = [&b"\"a\":1"[..], b"\"b\":2"].map(|members| (None, members.to_vec()));
        assert_eq!(all(&mut spill), found, "tickets of another process are not valid here");
    }
}
