//! Keeps a file open under the active name even if other processes move, remove or truncate it.
use std::io;

use super::FileSink;
use super::cleanup::read_last_number;
use super::foreign::refuse_mistaken_path;
use super::helper::Job;
use super::next_segment::write_method;
use super::recover::{Plan, StartState, Tail, keep_fragment, stat_or_missing, tail_of};
use super::rotate::{HalfRotated, RotationReason};
use super::schedule::Period;
use super::segment::{Appended, Segment};
use crate::sink::SinkError;
use ringseal_base::Now;
use ringseal_base::storage::{FileKind, FileStat, OpenMode};

/// How often a directory or name that other processes create and remove is retried.
const OPEN_TRIES: usize = 4;

impl FileSink {
    /// On start: reads the directory, finishes what a crash left unfinished, opens the active file.
    pub(super) fn recover(&mut self, now: Now) -> Result<(), SinkError> {
        let shared = std::sync::Arc::clone(&self.shared);
        let (storage, names) = (&*shared.storage, &shared.names);
        let in_dir = |source| SinkError::io("read directory", &names.dir, source);
        self.create_dir_if_missing()?;
        refuse_mistaken_path(storage, names)?;
        self.take_lock()?;
        if let Err(error) = shared.find_or_make_log_id() {
            self.record_error(error);
        }
        shared.set_aside_foreign()?;
        let found = names.found(storage).map_err(in_dir)?;
        let remembered = read_last_number(storage, names).map_err(in_dir)?;
        let last = found.highest().max(remembered);
        self.next_number = last + 1;
        shared.set_last_number(last);
        let mut plain = found.sealed.iter().filter(|sealed| !sealed.compressed);
        for sealed in plain.clone().filter(|sealed| sealed.number > remembered) {
            // It may not have been synced: power loss may have taken its end.
            self.open_existing(&names.sealed(sealed.number))?;
        }
        let newest_plain = plain.next_back();
        let seen = StartState::read(storage, names, newest_plain.map(|sealed| sealed.number));
        match seen.map_err(in_dir)?.plan() {
            Plan::Create | Plan::Continue => self.open_active(now),
            Plan::RefuseActive => Err(self.not_a_file(&names.active)),
            Plan::Promote => {
                storage
                    .rename(&names.next, &names.active)
                    .map_err(|source| SinkError::io("rename to", &names.active, source))?;
                self.open_active(now)
            }
            Plan::FinishRotation => {
                self.half_rotated =
                    newest_plain.map(|sealed| HalfRotated { number: sealed.number, linked: true });
                self.rotate_found(now)
            }
            Plan::SealAndPromote => self.rotate_found(now),
        }
    }

    /// Seals the active file as found and continues with the prepared one, which may have lines already.
    fn rotate_found(&mut self, now: Now) -> Result<(), SinkError> {
        self.open_active(now)?;
        let shared = std::sync::Arc::clone(&self.shared);
        match self.open_existing(&shared.names.next) {
            Ok((next, _)) => shared.offer_next(next),
            Err(SinkError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        // The original reason is unknown; a crash inside a rotation is most likely at a full segment.
        self.rotate(now, RotationReason::Size);
        match self.rotate_not_before_unix_nanos {
            None => Ok(()),
            Some(_) => {
                Err(self.last_error.take().unwrap_or_else(|| self.not_a_file(&shared.names.active)))
            }
        }
    }

    /// Opens the file under the active name, or creates it and its directory.
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
                // The previous file has its permanent name, and lost the active one.
                self.shared.sealed(half.number);
            }
        }
        Ok(())
    }

    fn open_or_create(&mut self) -> Result<(Segment, FileStat), SinkError> {
        let shared = std::sync::Arc::clone(&self.shared);
        let (storage, path) = (&*shared.storage, &shared.names.active);
        for _ in 0..OPEN_TRIES {
            match self.open_existing(path) {
                Err(SinkError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                Err(SinkError::NotAFile { .. }) => {
                    shared.set_aside(path)?;
                }
                opened => return opened,
            }
            let create = OpenMode::CreateNew { mode: shared.config.file_mode };
            match storage.open(path, create).and_then(|file| Ok((file.stat()?, file))) {
                Ok((stat, file)) => {
                    return Ok((Segment::new(file, 0, write_method(&shared.config)), stat));
                }
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
        // The lock file and the log's id were removed with the old directory.
        if !self.is_opening {
            self.helper.offer(Job::CleanUp);
        }
        if self.lock.is_some() { self.take_lock() } else { Ok(()) }
    }

    /// Two sinks that rotate one log would rename files over each other's lines.
    fn take_lock(&mut self) -> Result<(), SinkError> {
        self.shared.set_aside(&self.shared.names.lock)?;
        let names = &self.shared.names;
        match self.shared.storage.lock(&names.lock, self.shared.config.lock_mode) {
            Ok(lock) => self.lock = Some(lock),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(SinkError::InUse { path: names.active.clone() });
            }
            Err(source) if source.kind() == io::ErrorKind::Unsupported => {
                let path = names.lock.clone();
                self.record_error(SinkError::NotLocked { path, source });
            }
            Err(source) => return Err(SinkError::io("lock", &names.lock, source)),
        }
        Ok(())
    }

    /// Opens an existing file and cuts a torn tail.
    fn open_existing(&mut self, path: &std::path::Path) -> Result<(Segment, FileStat), SinkError> {
        let storage = &*self.shared.storage;
        let failed = |source| SinkError::io("open", path, source);
        let found = storage.stat(path).map_err(failed)?;
        if found.kind != FileKind::Regular {
            return Err(self.not_a_file(path));
        }
        let file = storage.open(path, OpenMode::Append).map_err(failed)?;
        let stat = file.stat().map_err(failed)?;
        let mut segment = Segment::new(file, stat.len, write_method(&self.shared.config));
        self.cut_torn_tail(&mut segment, stat.len).map_err(failed)?;
        Ok((segment, stat))
    }

    /// Cuts what follows the last newline, and keeps it in the file of torn lines, unless it is going to be written
    /// again.
    fn cut_torn_tail(&mut self, segment: &mut Segment, len: u64) -> io::Result<()> {
        let (len, tail) = stable_tail(segment, len)?;
        if tail.whole_len == len {
            segment.accept_len(len);
            return Ok(());
        }
        let shared = &self.shared;
        let (storage, mode) = (&*shared.storage, shared.config.file_mode);
        let kept = match self.is_opening && shared.config.discards_torn {
            true => Ok(()),
            false => keep_fragment(storage, &shared.names, mode, &tail.fragment),
        };
        segment.cut(tail.whole_len)?;
        self.counters.torn_bytes += len - tail.whole_len;
        if let Err(source) = kept {
            self.record_error(SinkError::io("append to", &self.shared.names.torn.clone(), source));
        }
        Ok(())
    }

    /// Ensures before a write that the open file is the one under the active name and has the length it was left with.
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
                // The open file still exists, and a line in it is better than a lost line.
                let error = SinkError::io("examine", path, source);
                self.record_error(error);
                Ok(())
            }
        }
    }

    fn accept_change(&mut self, len: u64) -> Result<(), SinkError> {
        let Some(mut active) = self.active.take() else { return Ok(()) };
        let repaired = self.cut_torn_tail(&mut active, len);
        self.active = Some(active);
        self.publish();
        repaired.map_err(|source| SinkError::io("repair", &self.shared.names.active, source))
    }

    /// The active name refers to another file, or to none.
    fn open_again(&mut self, now: Now) -> Result<(), SinkError> {
        match self.open_active(now) {
            Ok(()) => {
                self.counters.reopened += 1;
                self.helper.offer(Job::Prepare);
                self.helper.offer(Job::CleanUp);
                Ok(())
            }
            // The file was moved and a new one cannot be created: the moved file still has a name and takes lines.
            Err(error) if self.active_has_name() => {
                self.record_error(error);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn active_has_name(&self) -> bool {
        self.active.as_ref().is_some_and(|active| active.stat().is_ok_and(|stat| stat.links > 0))
    }

    /// After a write: whether the lines are in a file that has a name, and none is joined to a fragment that a
    /// truncation left at the same moment.
    ///
    /// The lines *were* written. If it cannot be determined whether they are still there, they count as in place: a
    /// line that is written once and reported is better than a line written twice.
    pub(super) fn is_in_place(&mut self, appended: &Appended) -> bool {
        let Some(active) = &self.active else { return false };
        let stat = match active.stat() {
            Ok(stat) => stat,
            Err(source) => {
                self.record_error(SinkError::io(
                    "examine",
                    &self.shared.names.active.clone(),
                    source,
                ));
                return true;
            }
        };
        if stat.links == 0 {
            self.counters.reopened += 1;
            self.close_active();
            return false;
        }
        if stat.len >= active.len_expected() {
            // Lines that others added are examined before the next write.
            return true;
        }
        let meant = active.len - appended.bytes;
        match active.start_of(appended) {
            // Truncated before our write, possibly inside a line.
            Ok(start) if start < meant => {
                !self.follows_fragment(start) || !self.cut_after_fragment(start)
            }
            // Truncated after our write: that was intended.
            Ok(_) => true,
            Err(source) => {
                self.record_error(SinkError::io(
                    "examine",
                    &self.shared.names.active.clone(),
                    source,
                ));
                true
            }
        }
    }

    /// Closes a file that is no longer ours.
    pub(super) fn close_active(&mut self) {
        if let Some(old) = self.active.take() {
            self.close(old);
        }
    }

    fn close(&mut self, segment: Segment) {
        self.closing = true;
        self.helper.offer(Job::Close(segment));
    }

    /// Whether the bytes before `start` do not end with a line end: the file was truncated before our write.
    fn follows_fragment(&self, start: u64) -> bool {
        let tail = self.active.as_ref().map(|active| tail_of(&*active.file, start));
        matches!(tail, Some(Ok(tail)) if tail.whole_len != start)
    }

    /// Cuts our lines and the fragment before them, so that they can be written after a line end. Returns whether it
    /// succeeded.
    fn cut_after_fragment(&mut self, start: u64) -> bool {
        let cut = self.active.as_mut().map_or(Ok(()), |active| active.cut(start));
        if let Err(source) = cut {
            self.record_error(SinkError::io("cut", &self.shared.names.active.clone(), source));
            return false;
        }
        if let Err(error) = self.accept_change(start) {
            self.record_error(error);
            // Opening the file again retries.
            self.close_active();
        }
        true
    }

    pub(super) fn replace_active(&mut self, segment: Segment, period: Period) -> Option<Segment> {
        self.active_id = segment.stat().ok().and_then(|stat| stat.id);
        self.active_period = period;
        let old = self.active.replace(segment);
        self.publish();
        old
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

/// Returns the tail and the length at which it was found. Another process may be writing: while the file grows, a tail
/// that seems torn is not.
fn stable_tail(segment: &Segment, len: u64) -> io::Result<(u64, Tail)> {
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
