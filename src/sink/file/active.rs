//! Keeping a file open under the active name, whatever others do to it.
use std::io;

use super::FileSink;
use super::helper::Job;
use super::prepare::way;
use super::recover::{Plan, Seen, Tail, keep_fragment, stat_or_missing, tail_of};
use super::rotate::Period;
use super::seal::{Half, RotationReason};
use super::segment::{Appended, Segment};
use super::tidy::read_last_number;
use crate::core::Now;
use crate::sink::SinkError;
use crate::storage::{FileKind, FileStat, OpenHow};

/// How often a vanished directory or a name that others create and remove is chased before giving
/// up.
const OPEN_TRIES: usize = 4;

impl FileSink {
    /// On start: reads the directory, finishes what a crash left unfinished, opens the active file.
    pub(super) fn recover(&mut self, now: Now) -> Result<(), SinkError> {
        let shared = std::sync::Arc::clone(&self.shared);
        let (storage, names) = (&*shared.storage, &shared.names);
        let in_dir = |source| SinkError::io("look into", &names.dir, source);
        self.create_dir_if_missing()?;
        self.take_lock()?;
        let found = names.found(storage).map_err(in_dir)?;
        let remembered = read_last_number(storage, names).map_err(in_dir)?;
        let last = found.highest().max(remembered);
        self.next_number = last + 1;
        shared.set_last_number(last);
        let mut plain = found.sealed.iter().filter(|sealed| !sealed.compressed);
        for sealed in plain.clone().filter(|sealed| sealed.number > remembered) {
            // Not known to have been synced: power loss may have taken its end.
            self.adopt(&names.sealed(sealed.number))?;
        }
        let newest_plain = plain.next_back();
        let seen = Seen::look(storage, names, newest_plain.map(|sealed| sealed.number));
        match seen.map_err(in_dir)?.plan() {
            Plan::Create | Plan::Continue => self.open_active(now),
            Plan::RefuseActive => Err(self.not_a_file(&names.active)),
            Plan::RefuseNext => Err(self.not_a_file(&names.next)),
            Plan::Promote => {
                storage
                    .rename(&names.next, &names.active)
                    .map_err(|source| SinkError::io("rename to", &names.active, source))?;
                self.open_active(now)
            }
            Plan::FinishRotation => {
                self.half_rotated =
                    newest_plain.map(|sealed| Half { number: sealed.number, linked: true });
                self.rotate_found(now)
            }
            Plan::SealAndPromote => self.rotate_found(now),
        }
    }

    /// Seals the active file as it is found, and goes on with the prepared one, which may have
    /// lines already.
    fn rotate_found(&mut self, now: Now) -> Result<(), SinkError> {
        self.open_active(now)?;
        let shared = std::sync::Arc::clone(&self.shared);
        match self.adopt(&shared.names.next) {
            Ok((next, _)) => shared.offer_next(next),
            Err(SinkError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        // Whatever the reason was, it is not known any more; a crash inside a rotation is far
        // likeliest at a full one.
        self.rotate(now, RotationReason::Size);
        match self.rotate_not_before_unix_nanos {
            None => Ok(()),
            Some(_) => {
                Err(self.take_error().unwrap_or_else(|| self.not_a_file(&shared.names.active)))
            }
        }
    }

    /// Opens the file under the active name, or creates it, and its directory.
    pub(super) fn open_active(&mut self, now: Now) -> Result<(), SinkError> {
        let (segment, stat) = self.open_or_create()?;
        let content = if segment.len == 0 { now.unix_nanos } else { stat.modified_unix_nanos };
        let period = self.schedule.period(content);
        let id_before = self.active_id;
        if let Some(old) = self.replace_active(segment, period) {
            self.close(old);
            if self.active_id != id_before
                && let Some(half) = self.half_rotated.take()
            {
                // The file that was left has its permanent name, and no other any more.
                self.shared.sealed(half.number);
            }
        }
        Ok(())
    }

    fn open_or_create(&mut self) -> Result<(Segment, FileStat), SinkError> {
        let shared = std::sync::Arc::clone(&self.shared);
        let (storage, path) = (&*shared.storage, &shared.names.active);
        for _ in 0..OPEN_TRIES {
            match self.adopt(path) {
                Err(SinkError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                adopted => return adopted,
            }
            let create = OpenHow::CreateNew { mode: shared.config.file_mode };
            match storage.open(path, create).and_then(|file| Ok((file.stat()?, file))) {
                Ok((stat, file)) => return Ok((Segment::new(file, 0, way(&shared.config)), stat)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.create_dir_if_missing()?;
                }
                Err(source) => return Err(SinkError::io("create", path, source)),
            }
        }
        Err(SinkError::io("keep", path, io::ErrorKind::NotFound.into()))
    }

    fn create_dir_if_missing(&mut self) -> Result<(), SinkError> {
        let shared = std::sync::Arc::clone(&self.shared);
        let (storage, dir) = (&*shared.storage, &shared.names.dir);
        if storage.stat(dir).is_ok() {
            return Ok(());
        }
        shared.discard_next();
        storage
            .create_dir(dir, shared.config.dir_mode)
            .map_err(|source| SinkError::io("create directory", dir, source))?;
        // The lock went with the old directory.
        if self.lock.is_some() { self.take_lock() } else { Ok(()) }
    }

    /// Two that rotate one log would rename files over each other's lines.
    fn take_lock(&mut self) -> Result<(), SinkError> {
        let names = &self.shared.names;
        match self.shared.storage.lock(&names.lock, self.shared.config.file_mode) {
            Ok(lock) => self.lock = Some(lock),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(SinkError::InUse { path: names.active.clone() });
            }
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
            Err(source) => return Err(SinkError::io("lock", &names.lock, source)),
        }
        Ok(())
    }

    /// Opens an existing file and cuts a torn tail.
    fn adopt(&mut self, path: &std::path::Path) -> Result<(Segment, FileStat), SinkError> {
        let storage = &*self.shared.storage;
        let failed = |source| SinkError::io("open", path, source);
        let found = storage.stat(path).map_err(failed)?;
        if found.kind != FileKind::Regular {
            return Err(self.not_a_file(path));
        }
        let file = storage.open(path, OpenHow::Append).map_err(failed)?;
        let stat = file.stat().map_err(failed)?;
        let mut segment = Segment::new(file, stat.len, way(&self.shared.config));
        self.mend_tail(&mut segment, stat.len).map_err(failed)?;
        Ok((segment, stat))
    }

    /// Cuts what comes after the last newline, and keeps it aside.
    fn mend_tail(&mut self, segment: &mut Segment, len: u64) -> io::Result<()> {
        let (len, tail) = settled_tail(segment, len)?;
        if tail.whole_len == len {
            segment.accept_len(len);
            return Ok(());
        }
        let shared = &self.shared;
        let kept =
            keep_fragment(&*shared.storage, &shared.names, shared.config.file_mode, &tail.fragment);
        segment.cut(tail.whole_len)?;
        self.counters.torn_bytes += len - tail.whole_len;
        if let Err(source) = kept {
            self.note(SinkError::io("append to", &self.shared.names.torn.clone(), source));
        }
        Ok(())
    }

    /// Makes sure, before something is written, that what is open is what stands under the active
    /// name and is as long as it was left.
    pub(super) fn ensure_active(&mut self, now: Now) -> Result<(), SinkError> {
        let Some(active) = &self.active else { return self.open_active(now) };
        let path = &self.shared.names.active;
        match stat_or_missing(self.shared.storage.stat(path)) {
            Ok(Some(stat)) if stat.id == self.active_id && stat.kind == FileKind::Regular => {
                if stat.len == active.len_expected() {
                    return Ok(());
                }
                self.counters.reopened += u64::from(stat.len < active.len_expected());
                self.accept_change(stat.len)
            }
            Ok(_) => self.open_again(now),
            Err(source) => {
                // The open file is still there, and a line in it is better than a line nowhere.
                let error = SinkError::io("look at", path, source);
                self.note(error);
                Ok(())
            }
        }
    }

    fn accept_change(&mut self, len: u64) -> Result<(), SinkError> {
        let Some(mut active) = self.active.take() else { return Ok(()) };
        let mended = self.mend_tail(&mut active, len);
        self.active = Some(active);
        mended.map_err(|source| SinkError::io("mend", &self.shared.names.active, source))
    }

    /// The active name stands for another file by now, or for none.
    fn open_again(&mut self, now: Now) -> Result<(), SinkError> {
        match self.open_active(now) {
            Ok(()) => {
                self.counters.reopened += 1;
                self.helper.offer(Job::Prepare);
                Ok(())
            }
            // It was moved, and no new one can be made: the moved one still has a name and takes
            // lines.
            Err(error) if self.active_has_name() => {
                self.note(error);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn active_has_name(&self) -> bool {
        self.active.as_ref().is_some_and(|active| active.stat().is_ok_and(|stat| stat.links > 0))
    }

    /// After a write: whether the lines are in a file that somebody can find, none of them glued to
    /// a fragment that somebody left by truncating at the same moment.
    ///
    /// The lines *were* written. When it cannot be found out what became of them, they count as in
    /// place: written once and reported is better than written twice.
    pub(super) fn in_place(&mut self, appended: &Appended) -> bool {
        let Some(active) = &self.active else { return false };
        let stat = match active.stat() {
            Ok(stat) => stat,
            Err(source) => {
                self.note(SinkError::io("look at", &self.shared.names.active.clone(), source));
                return true;
            }
        };
        if stat.links == 0 {
            self.counters.reopened += 1;
            self.close_active();
            return false;
        }
        if stat.len >= active.len_expected() {
            // What somebody added is looked at before the next write.
            return true;
        }
        let meant = active.len - appended.bytes;
        match active.start_of(appended) {
            // Truncated before our write, perhaps inside a line.
            Ok(start) if start < meant => !self.is_glued(start) || !self.unglue(start),
            // Truncated after our write: what is left of it is what he wanted.
            Ok(_) => true,
            Err(source) => {
                self.note(SinkError::io("look at", &self.shared.names.active.clone(), source));
                true
            }
        }
    }

    /// Lets go of a file that is not ours any more.
    pub(super) fn close_active(&mut self) {
        if let Some(gone) = self.active.take() {
            self.close(gone);
        }
    }

    fn close(&mut self, segment: Segment) {
        self.closing = true;
        self.helper.offer(Job::Close(segment));
    }

    /// Whether what we wrote at `start` follows on something that is no line end: the file was
    /// truncated before it.
    fn is_glued(&self, start: u64) -> bool {
        let tail = self.active.as_ref().map(|active| tail_of(&*active.file, start));
        matches!(tail, Some(Ok(tail)) if tail.whole_len != start)
    }

    /// Cuts our lines off again, with the fragment before them, so that they can be written after a
    /// line end. Says whether it could.
    fn unglue(&mut self, start: u64) -> bool {
        let cut = self.active.as_mut().map_or(Ok(()), |active| active.cut(start));
        if let Err(source) = cut {
            self.note(SinkError::io("cut", &self.shared.names.active.clone(), source));
            return false;
        }
        if let Err(error) = self.accept_change(start) {
            self.note(error);
            // Opening it again will try once more.
            self.close_active();
        }
        true
    }

    pub(super) fn replace_active(&mut self, segment: Segment, period: Period) -> Option<Segment> {
        self.active_id = segment.stat().ok().and_then(|stat| stat.id);
        self.active_period = period;
        self.active.replace(segment)
    }

    pub(super) fn period_of_new(&self, segment: &Segment, now: Now) -> Period {
        let content = match segment.stat() {
            Ok(stat) if segment.len > 0 => stat.modified_unix_nanos,
            _ => now.unix_nanos,
        };
        self.schedule.period(content)
    }

    fn not_a_file(&self, path: &std::path::Path) -> SinkError {
        let kind = self.shared.storage.stat(path).map_or(FileKind::Other, |stat| stat.kind);
        SinkError::NotAFile { path: path.to_owned(), found: kind.as_str() }
    }
}

/// The tail and the length that it was found at. Another process may be in the middle of a write:
/// as long as the file grows, what looks torn is not.
fn settled_tail(segment: &Segment, len: u64) -> io::Result<(u64, Tail)> {
    let mut len = len;
    loop {
        let tail = tail_of(&*segment.file, len)?;
        if tail.whole_len == len {
            return Ok((len, tail));
        }
        let len_now = segment.stat()?.len;
        if len_now <= len {
            return Ok((len, tail));
        }
        len = len_now;
    }
}
