//! A writer of the rotation protocol that can be stopped between any two steps, and the lines that it wrote.
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use super::super::dir::{Directory, FileId, OsDirectory, Sealed};
use super::super::{Gap, Reader, ReaderOptions, Step};

/// One step of the writer, or of its helper thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// A whole line, or the second half of one.
    Write,
    /// The first half of a line.
    Half,
    /// Space is reserved: NULs are visible after the data.
    Reserve,
    /// Rotation, first step: the active file gets a number.
    Link,
    /// Rotation, second step: another file takes the active name.
    Swap,
    /// The oldest uncompressed segment appears in compressed form as well.
    Compress,
    /// Its uncompressed form is removed.
    Unlink,
    /// Retention removes the oldest sealed segment.
    Retain,
}

#[derive(Debug, Default, Clone)]
struct Segment {
    number: Option<u64>,
    lines: Vec<String>,
    compressed: bool,
    plain: bool,
    removed: bool,
}

/// The writer.
#[derive(Debug)]
pub(super) struct Model {
    dir: tempfile::TempDir,
    segments: Vec<Segment>,
    active: File,
    data_len: u64,
    half: Option<String>,
    linked: bool,
    lines: u64,
}

impl Model {
    /// In memory if possible: thousands of short histories need no disk.
    pub(super) fn in_memory() -> Self {
        match tempfile::tempdir_in("/dev/shm") {
            Ok(dir) => Self::new(dir),
            Err(_) => Self::on_disk(),
        }
    }

    /// On a real file system, with its behaviour when a directory changes during a listing.
    pub(super) fn on_disk() -> Self {
        Self::new(tempfile::tempdir().expect("a temporary directory"))
    }

    fn new(dir: tempfile::TempDir) -> Self {
        let active = File::create(dir.path().join("app.log")).expect("an active file");
        let segments = vec![Segment { plain: true, ..Segment::default() }];
        Self { dir, segments, active, data_len: 0, half: None, linked: false, lines: 0 }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.dir.path().join("app.log")
    }

    fn sealed_path(&self, number: u64, gz: bool) -> PathBuf {
        self.dir.path().join(format!("app.log.{number:06}{}", if gz { ".gz" } else { "" }))
    }

    /// Sealed: numbered, and not active any more.
    fn sealed(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.segments.len() - 1).filter(|&at| !self.segments[at].removed)
    }

    pub(super) fn may(&self, act: Act) -> bool {
        match act {
            Act::Write | Act::Reserve => !self.linked,
            Act::Half | Act::Link => !self.linked && self.half.is_none(),
            Act::Swap => self.linked,
            Act::Compress if cfg!(not(feature = "compress")) => false,
            Act::Compress => self.sealed().any(|at| !self.segments[at].compressed),
            Act::Unlink => self.sealed().any(|at| self.has_both(at)),
            Act::Retain => self.sealed().next().is_some(),
        }
    }

    fn has_both(&self, at: usize) -> bool {
        self.segments[at].compressed && self.segments[at].plain
    }

    pub(super) fn act(&mut self, act: Act) {
        match act {
            Act::Write => self.write(),
            Act::Half => self.write_half(),
            Act::Reserve => self.active.set_len(self.data_len + 100).expect("to reserve"),
            Act::Link => self.link(),
            Act::Swap => self.swap(),
            Act::Compress => self.compress(),
            Act::Unlink => self.unlink(),
            Act::Retain => self.retain(),
        }
    }

    fn append(&mut self, bytes: &[u8]) {
        self.active.write_all_at(bytes, self.data_len).expect("to write");
        self.data_len += bytes.len() as u64;
    }

    fn new_line(&mut self) -> String {
        self.lines += 1;
        format!("line {} {}", self.lines, "x".repeat((self.lines % 23) as usize))
    }

    fn write(&mut self) {
        let line = match self.half.take() {
            Some(line) => {
                self.append(format!("{}\n", &line[3..]).as_bytes());
                line
            }
            None => {
                let line = self.new_line();
                self.append(format!("{line}\n").as_bytes());
                line
            }
        };
        self.segments.last_mut().expect("an active segment").lines.push(line);
    }

    fn write_half(&mut self) {
        let line = self.new_line();
        self.append(&line.as_bytes()[..3]);
        self.half = Some(line);
    }

    fn link(&mut self) {
        self.active.set_len(self.data_len).expect("to give back what was reserved");
        let number = self.segments.len() as u64;
        fs::hard_link(self.path(), self.sealed_path(number, false)).expect("to link");
        self.segments.last_mut().expect("an active segment").number = Some(number);
        self.linked = true;
    }

    fn swap(&mut self) {
        let next = self.dir.path().join(".app.log.next");
        self.active = File::create(&next).expect("a prepared file");
        fs::rename(&next, self.path()).expect("to rename");
        self.data_len = 0;
        self.linked = false;
        self.segments.push(Segment { plain: true, ..Segment::default() });
    }

    fn compress(&mut self) {
        let Some(at) = self.sealed().find(|&at| !self.segments[at].compressed) else { return };
        let number = self.segments[at].number.expect("sealed");
        let bytes = fs::read(self.sealed_path(number, false)).expect("the plain form");
        let hidden = self.dir.path().join(".app.log.gz.partial");
        fs::write(&hidden, gzip(&bytes)).expect("to write");
        fs::rename(hidden, self.sealed_path(number, true)).expect("to rename");
        self.segments[at].compressed = true;
    }

    fn unlink(&mut self) {
        let Some(at) = self.sealed().find(|&at| self.has_both(at)) else { return };
        let number = self.segments[at].number.expect("sealed");
        fs::remove_file(self.sealed_path(number, false)).expect("to remove");
        self.segments[at].plain = false;
    }

    fn retain(&mut self) {
        let Some(at) = self.sealed().next() else { return };
        let segment = &mut self.segments[at];
        segment.removed = true;
        let (plain, gz, number) = (segment.plain, segment.compressed, segment.number);
        let number = number.expect("sealed");
        for (exists, form) in [(plain, false), (gz, true)] {
            if exists {
                fs::remove_file(self.sealed_path(number, form)).expect("to remove");
            }
        }
    }
}

/// `bytes`, compressed.
#[cfg(feature = "compress")]
pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(bytes).expect("to compress");
    gz.finish().expect("to compress")
}

/// Never called.
#[cfg(not(feature = "compress"))]
fn gzip(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

/// A directory in which the writer acts before each call.
pub(super) struct Staged {
    inner: OsDirectory,
    model: Arc<Mutex<Model>>,
    /// What the writer does before the next call, the one after it, and so on.
    schedule: Arc<Mutex<VecDeque<Vec<Act>>>>,
}

impl Staged {
    /// Lets the writer act. Returns the numbers whose plain form vanished.
    fn before(&mut self) -> Vec<u64> {
        let acts = lock(&self.schedule).pop_front().unwrap_or_default();
        let mut model = lock(&self.model);
        let plain = |model: &Model| -> Vec<u64> {
            let segments = model.segments.iter().filter(|segment| segment.plain);
            segments.filter_map(|segment| segment.number).collect()
        };
        let before = plain(&model);
        for act in acts {
            if model.may(act) {
                model.act(act);
            }
        }
        let after = plain(&model);
        before.into_iter().filter(|number| !after.contains(number)).collect()
    }
}

impl Directory for Staged {
    fn open_active(&mut self) -> io::Result<Option<File>> {
        self.before();
        self.inner.open_active()
    }

    fn active_id(&mut self) -> io::Result<Option<FileId>> {
        self.before();
        self.inner.active_id()
    }

    fn list(&mut self, out: &mut Vec<Sealed>) -> io::Result<()> {
        // A listing may miss both names of a file that is renamed during it.
        let vanished = self.before();
        self.inner.list(out)?;
        out.retain(|sealed| !vanished.contains(&sealed.number));
        Ok(())
    }

    fn open_sealed(&mut self, number: u64, gz: bool) -> io::Result<Option<File>> {
        self.before();
        self.inner.open_sealed(number, gz)
    }

    fn sealed_id(&mut self, number: u64) -> io::Result<Option<FileId>> {
        self.before();
        self.inner.sealed_id(number)
    }

    fn path(&self, number: Option<u64>, gz: bool) -> PathBuf {
        self.inner.path(number, gz)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The writer, a reader, and what the reader has returned so far.
pub(super) struct Play {
    model: Arc<Mutex<Model>>,
    schedule: Arc<Mutex<VecDeque<Vec<Act>>>>,
    reader: Option<Reader>,
    options: ReaderOptions,
    given: Vec<String>,
    removed: u64,
    unknown: bool,
    other_gaps: u32,
}

impl Play {
    pub(super) fn new(options: ReaderOptions) -> Self {
        Self {
            model: Arc::new(Mutex::new(Model::in_memory())),
            schedule: Arc::default(),
            reader: None,
            options,
            given: Vec::new(),
            removed: 0,
            unknown: false,
            other_gaps: 0,
        }
    }

    pub(super) fn may(&self, act: Act) -> bool {
        lock(&self.model).may(act)
    }

    pub(super) fn act(&self, act: Act) {
        lock(&self.model).act(act);
    }

    /// Lets the writer do this before the reader's next calls.
    pub(super) fn schedule(&self, acts: Vec<Vec<Act>>) {
        *lock(&self.schedule) = acts.into();
    }

    fn open(&mut self) {
        let inner = OsDirectory::of(&lock(&self.model).path()).expect("a file name");
        let model = Arc::clone(&self.model);
        let schedule = Arc::clone(&self.schedule);
        let mut reader =
            Reader::over(Box::new(Staged { inner, model, schedule }), self.options.clone());
        reader.begin().expect("a log to read");
        self.reader = Some(reader);
    }

    /// One step of the reader. Returns `false` if it is idle or at the end.
    pub(super) fn step(&mut self) -> bool {
        if self.reader.is_none() {
            self.open();
        }
        let Some(reader) = &mut self.reader else { return false };
        match reader.next_line().expect("no error") {
            Step::Line(line) => {
                self.given
                    .push(String::from_utf8(line.to_vec()).expect("no NUL tail, no torn line"));
            }
            Step::Gap(Gap::Removed { segments, .. }) => self.removed += segments,
            Step::Gap(Gap::Unknown { .. }) => self.unknown = true,
            Step::Gap(Gap::Truncated { .. }) => self.other_gaps += 1,
            Step::Idle | Step::End => return false,
        }
        true
    }

    pub(super) fn poll(&mut self) {
        while self.step() {}
    }

    /// The writer finishes what it started and writes into one more segment, the reader reads to the end. Then every
    /// line must have been returned once, in order, except those of whole segments that retention removed unread, and
    /// those must have been reported.
    pub(super) fn finish_and_check(&mut self) {
        let rest: Vec<Act> = lock(&self.schedule).drain(..).flatten().collect();
        for act in rest.into_iter().chain([Act::Write, Act::Swap, Act::Write]) {
            if self.may(act) {
                self.act(act);
            }
        }
        self.poll();
        for act in [Act::Link, Act::Swap, Act::Write] {
            self.act(act);
        }
        self.poll();
        self.check();
    }

    /// The lines that a reader that opens the log now must return.
    pub(super) fn existing_lines(&self) -> Vec<String> {
        let model = lock(&self.model);
        let existing = model.segments.iter().filter(|segment| !segment.removed);
        existing.flat_map(|segment| segment.lines.clone()).collect()
    }

    /// Without following: the lines that existed at the start have been returned, in order and once, except those that
    /// retention removed meanwhile; possibly more.
    pub(super) fn check_all_of(&self, existing: &[String]) {
        let model = lock(&self.model);
        // The first half of a line that is being written counts as a last line without newline.
        let given: Vec<_> = self.given.iter().filter(|line| *line != "lin").cloned().collect();
        assert!(
            self.given.len() - given.len() <= 1
                && !self.given.iter().rev().skip(1).any(|line| line == "lin")
        );
        let mut sorted = given.clone();
        sorted.sort_by_key(|line| {
            line.split(' ').nth(1).and_then(|number| number.parse::<u64>().ok())
        });
        sorted.dedup();
        assert_eq!(given, sorted, "in order and once: {model:?}");
        let removed = |line: &String| {
            model.segments.iter().any(|segment| segment.removed && segment.lines.contains(line))
        };
        for line in existing {
            assert!(
                self.given.contains(line) || removed(line),
                "{line} was missed: {self:?} {model:?}"
            );
        }
    }

    fn check(&self) {
        let model = lock(&self.model);
        let mut given = self.given.iter().peekable();
        let mut missing = 0;
        let mut is_started = false;
        for segment in &model.segments {
            let is_returned = segment.lines.first().is_some_and(|line| given.peek() == Some(&line));
            if is_returned {
                for line in &segment.lines {
                    assert_eq!(given.next(), Some(line), "{self:?} {model:?}");
                }
                is_started = true;
            } else if segment.lines.is_empty() {
                // It has no line that could be missed, and whether it was opened cannot be observed.
                is_started &= !segment.removed;
            } else {
                assert!(segment.removed, "segment {:?} was missed: {self:?}", segment.number);
                missing += u64::from(is_started);
            }
        }
        assert_eq!(given.next(), None, "repeated or out of order: {self:?} {model:?}");
        assert_eq!(self.other_gaps, 0, "nothing was truncated");
        assert!(
            self.unknown || self.removed >= missing,
            "{missing} segments missing, {} reported: {self:?} {model:?}",
            self.removed
        );
    }
}

impl std::fmt::Debug for Play {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Play")
            .field("given", &self.given)
            .field("removed", &self.removed)
            .field("unknown", &self.unknown)
            .field("reader", &self.reader)
            .finish_non_exhaustive()
    }
}
