//! Several logs as one, by the time in their lines.
//!
//! A log's own order is never changed: a line without a time, or with an earlier one than the line before it, counts
//! as if it had that line's time. One log alone is passed through without looking at times.
use std::path::PathBuf;

use ringseal::sink::file::reader::{Gap, ReadError, Reader, Step};

use crate::json::Entries;
use crate::line::time_of;

/// What the logs have next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn<'a> {
    /// A line.
    Line(&'a [u8]),
    /// Nothing new in any of them.
    Idle,
    /// Something is missing in the log with this index.
    Gap(usize, Gap),
    /// All have ended.
    End,
}

/// One log and its next line.
struct Head {
    reader: Reader,
    line: Vec<u8>,
    /// `line` is waiting to be given.
    full: bool,
    time: i64,
    ended: bool,
}

/// What filling a head came to.
enum Filled {
    Ready,
    Idle,
    Gap(Gap),
}

/// Reads several logs.
pub(super) struct Merge {
    heads: Vec<Head>,
    entries: Entries,
    /// More logs may come.
    follow: bool,
}

impl Merge {
    pub(super) fn new(readers: Vec<Reader>, follow: bool) -> Self {
        let mut merge = Self { heads: Vec::new(), entries: Entries::default(), follow };
        merge.add(readers);
        merge
    }

    /// More logs.
    pub(super) fn add(&mut self, readers: Vec<Reader>) {
        let head =
            |reader| Head { reader, line: Vec::new(), full: false, time: i64::MIN, ended: false };
        self.heads.extend(readers.into_iter().map(head));
    }

    /// The file that the log with this index is at, for messages.
    pub(super) fn path(&self, index: usize) -> PathBuf {
        self.heads.get(index).map(|head| head.reader.path()).unwrap_or_default()
    }

    /// The next line of all logs, or what one of them reports.
    ///
    /// Without following, lines come in the order of their times. When following, a log that has nothing new is not
    /// waited for.
    pub(super) fn next_turn(&mut self) -> Result<Turn<'_>, ReadError> {
        if self.heads.len() == 1 {
            return self.turn_alone();
        }
        let mut idle = self.follow && self.heads.is_empty();
        for (index, head) in self.heads.iter_mut().enumerate() {
            match head.fill(&mut self.entries)? {
                Filled::Ready => {}
                Filled::Idle => idle = true,
                Filled::Gap(gap) => return Ok(Turn::Gap(index, gap)),
            }
        }
        match self.heads.iter_mut().filter(|head| head.full).min_by_key(|head| head.time) {
            Some(head) => {
                head.full = false;
                Ok(Turn::Line(&head.line))
            }
            None if idle => Ok(Turn::Idle),
            None => Ok(Turn::End),
        }
    }

    fn turn_alone(&mut self) -> Result<Turn<'_>, ReadError> {
        let Some(only) = self.heads.first_mut() else { return Ok(Turn::End) };
        only.reader.next_line().map(|step| match step {
            Step::Line(line) => Turn::Line(line),
            Step::Idle => Turn::Idle,
            Step::Gap(gap) => Turn::Gap(0, gap),
            Step::End => Turn::End,
        })
    }
}

impl Head {
    fn fill(&mut self, entries: &mut Entries) -> Result<Filled, ReadError> {
        if self.full || self.ended {
            return Ok(Filled::Ready);
        }
        match self.reader.next_line()? {
            Step::Line(line) => {
                self.line.clear();
                self.line.extend_from_slice(line);
            }
            Step::Idle => return Ok(Filled::Idle),
            Step::Gap(gap) => return Ok(Filled::Gap(gap)),
            Step::End => {
                self.ended = true;
                return Ok(Filled::Ready);
            }
        }
        self.full = true;
        if let Ok(text) = str::from_utf8(&self.line)
            && entries.find(text).is_ok()
            && let Some(time) = time_of(entries, text)
        {
            self.time = self.time.max(time);
        }
        Ok(Filled::Ready)
    }
}
