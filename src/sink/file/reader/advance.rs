//! The reader's decisions: what to read next, when a segment is complete, which segment follows it.
use std::fs::File;
use std::io;
use std::io::Read;

use memchr::memchr;

use super::dir::FileId;
use super::open_segment::{Plain, Segment, Source, gunzip, read_some};
use super::{Found, Gap, LogReadError, ReadFrom, Reader, Stop};

/// How often bytes after a NUL may be seen in the active file before they are returned. A writer that copies into a
/// mapping needs microseconds; a file that contains NULs permanently must not stop its reader permanently.
const NUL_READS_MAX: u32 = 32;

/// How often the directory may change during one search for the next segment.
pub(super) const SEARCHES_MAX: u32 = 64;

/// How many numbers before an existing one are tried by name.
const NAMES_TRIED_MAX: u64 = 1024;

impl Reader {
    /// Examines the log's files, so that a reader that does not follow can stop at their current end.
    pub(super) fn begin(&mut self) -> Result<(), LogReadError> {
        let active = self.directory.open_active().map_err(self.io_error("open"))?;
        self.list_until_stable()?;
        let number_max = self.listing.last().map(|sealed| sealed.number);
        if active.is_none() && number_max.is_none() && !self.options.follow {
            return Err(LogReadError::NotFound { path: self.directory.path(None, false) });
        }
        let Some(file) = active else { return self.begin_absent(number_max) };
        let metadata = file.metadata().map_err(self.io_error("stat"))?;
        let id = FileId::of(&metadata);
        if !self.options.follow {
            self.stop = Stop { active: Some((id, metadata.len())), number_max };
        }
        if self.options.start == ReadFrom::Oldest {
            return Ok(());
        }
        if !metadata.is_file() {
            self.begin_stream(Box::new(file), false);
            return Ok(());
        }
        if self.directory.path(None, false).extension().is_some_and(|extension| extension == "gz") {
            let path = self.directory.path(None, false);
            let stream = gunzip(file).ok_or(LogReadError::Compressed { path })?;
            self.begin_stream(stream, true);
            return Ok(());
        }
        self.begin_active(file, id)
    }

    /// Reads one stream and nothing else.
    pub(super) fn begin_stream(&mut self, stream: Box<dyn Read + Send>, gz: bool) {
        self.is_single_stream = true;
        self.enter_segment(Segment::stream(stream, None, gz));
    }

    /// There are only sealed segments, or no files yet.
    fn begin_absent(&mut self, number_max: Option<u64>) -> Result<(), LogReadError> {
        self.stop = Stop { active: None, number_max };
        if self.options.start == ReadFrom::Active {
            self.start_after(number_max);
            if !self.options.follow {
                return Err(LogReadError::NotFound { path: self.directory.path(None, false) });
            }
        }
        Ok(())
    }

    /// Starts in the active file: segments sealed before it are skipped. The file may have been sealed itself between
    /// opening and listing; then only older segments are skipped.
    fn begin_active(&mut self, file: File, id: FileId) -> Result<(), LogReadError> {
        let own = self.number_of(id)?;
        let older = |number: &u64| own.is_none_or(|own| *number < own);
        let last = self.listing.iter().map(|sealed| sealed.number).filter(older).max();
        self.start_after(last);
        let segment = Segment::plain(file, own).map_err(self.io_error("stat"))?;
        self.enter_segment(segment);
        Ok(())
    }

    fn start_after(&mut self, number: Option<u64>) {
        self.read_up_to = number;
        self.expected = number.and_then(|number| number.checked_add(1));
    }

    /// One step: a line from the buffer, or more bytes, or the next segment.
    pub(super) fn next_found(&mut self) -> Result<Found, LogReadError> {
        if let Some(gap) = self.gap.take() {
            return Ok(Found::Gap(gap));
        }
        if let Some(line) = self.lines.take_line() {
            return Ok(Found::Line(line));
        }
        if self.done {
            return Ok(Found::End);
        }
        if self.current.is_none() {
            return self.advance();
        }
        if self.fill()? {
            return Ok(Found::Again);
        }
        self.at_end()
    }

    /// Reads more. Returns `false` if there is nothing more for now.
    fn fill(&mut self) -> Result<bool, LogReadError> {
        if std::mem::take(&mut self.was_idle) && self.restart_if_replaced()? {
            return Ok(true);
        }
        let Some(segment) = &mut self.current else { return Ok(false) };
        let result = match &mut segment.source {
            Source::Stream(stream) => read_some(stream, self.lines.space()).map(|len| {
                self.lines.filled(len);
                len > 0
            }),
            Source::Plain(plain) => {
                let limit = match self.stop.active {
                    Some((id, len)) if id == plain.id => Some(len),
                    _ => None,
                };
                Self::fill_plain(plain, &mut self.lines, limit, &mut self.nul_reads)
            }
        };
        let (number, gz) = (segment.number, segment.gz);
        result.map_err(|source| {
            LogReadError::of_read(self.directory.path(number, gz && number.is_some()), gz, source)
        })
    }

    fn fill_plain(
        plain: &mut Plain,
        lines: &mut super::LineBuffer,
        limit: Option<u64>,
        nul_reads: &mut u32,
    ) -> io::Result<bool> {
        let unfinished = lines.unfinished();
        let space = lines.space();
        let before = plain.position;
        // At the limit, only a line that has started is completed.
        let completing = limit.is_some_and(|limit| before >= limit);
        if completing && unfinished == 0 {
            return Ok(false);
        }
        let wanted = match limit {
            Some(limit) if !completing => space.len().min((limit - before) as usize),
            _ => space.len(),
        };
        let mut len = plain.read(&mut space[..wanted])?;
        let read = &space[..len];
        if completing && let Some(newline) = memchr(b'\n', read) {
            len = newline + 1;
        }
        if let Some(nul) = memchr(0, &space[..len]) {
            len = written_before_nul(&space[..len], nul, plain.live, unfinished, nul_reads);
            if len == 0 && !plain.live {
                // Reserved space in a file that will not grow any more: not a line.
                return Ok(true);
            }
        }
        if plain.position != before + len as u64 {
            plain.seek(before + len as u64);
        }
        lines.filled(len);
        Ok(len > 0)
    }

    /// Handles the present end of the segment: decides whether it is complete or may grow.
    fn at_end(&mut self) -> Result<Found, LogReadError> {
        let follow = self.options.follow;
        let Some(segment) = &mut self.current else { return Ok(Found::Again) };
        let Source::Plain(plain) = &mut segment.source else { return Ok(self.complete()) };
        if !plain.live {
            return Ok(self.complete());
        }
        let id = plain.id;
        if self.restart_if_shortened()? {
            return Ok(Found::Again);
        }
        if !self.is_active(id)? {
            // Bytes written between our last read and the rotation still have to be read.
            self.set_live(false);
            self.find_own_number()?;
            return Ok(Found::Again);
        }
        if follow {
            self.rewind();
            return Ok(Found::Idle);
        }
        if (1..=NUL_READS_MAX).contains(&self.nul_reads) {
            std::thread::yield_now();
            return Ok(Found::Again);
        }
        self.done = true;
        Ok(self.complete())
    }

    /// Handles a segment that will not grow any more: returns a last line without a newline if there is one, otherwise
    /// leaves the segment.
    fn complete(&mut self) -> Found {
        if let Some(rest) = self.lines.take_rest() {
            return Found::Line(rest);
        }
        self.leave_segment();
        Found::Again
    }

    fn enter_segment(&mut self, segment: Segment) {
        self.counters.segments += 1;
        self.lines.reset();
        self.was_idle = false;
        self.nul_reads = 0;
        self.current = Some(segment);
    }

    fn leave_segment(&mut self) {
        self.lines.reset();
        let Some(segment) = self.current.take() else { return };
        let last = match (&segment.source, self.stop.active) {
            (Source::Plain(plain), Some((id, _))) => plain.id == id,
            _ => false,
        };
        self.done |= self.is_single_stream || last;
        match segment.number {
            Some(number) => self.skip_segment(number),
            // The file was moved or removed before its number was seen. Its number was the expected one.
            None => {
                self.lost_count = self.expected.is_none() && !self.is_single_stream;
                self.expected = self.expected.and_then(|number| number.checked_add(1));
            }
        }
    }

    /// Opens the oldest unread segment.
    ///
    /// A listing that is made while names appear and disappear may lack a segment that always existed in one form or
    /// the other. So the next expected segment is opened by name, and a listing only shows how far to search.
    fn advance(&mut self) -> Result<Found, LogReadError> {
        for _ in 0..SEARCHES_MAX {
            // Open first, search for sealed segments second: if there is none, none was sealed before the open file.
            let active = self.directory.open_active().map_err(self.io_error("open"))?;
            if let Some(expected) = self.expected
                && !self.is_beyond_stop(expected)
                && self.enter_sealed(expected)?
            {
                return Ok(Found::Again);
            }
            if let Some(number) = self.next_listed()? {
                if self.is_beyond_stop(number) {
                    break;
                }
                if self.enter_first_up_to(number)? {
                    return Ok(Found::Again);
                }
            } else if let Some(file) = active {
                let segment = Segment::plain(file, None).map_err(self.io_error("stat"))?;
                self.enter_segment(segment);
                return Ok(Found::Again);
            } else {
                break;
            }
        }
        if self.options.follow {
            return Ok(Found::Idle);
        }
        self.done = true;
        Ok(Found::End)
    }

    /// Whether a segment was sealed after the reader was opened; a reader that does not follow ignores it.
    fn is_beyond_stop(&self, number: u64) -> bool {
        !self.options.follow && self.stop.number_max.is_some_and(|max| number > max + 1)
    }

    /// The oldest unread segment in a listing.
    fn next_listed(&mut self) -> Result<Option<u64>, LogReadError> {
        match self.expected {
            Some(_) => self.list()?,
            None => self.list_until_stable()?,
        }
        let unread = |number: &u64| self.read_up_to.is_none_or(|read| *number > read);
        Ok(self.listing.iter().map(|sealed| sealed.number).find(unread))
    }

    /// Opens the first existing segment from the expected one to `number`.
    fn enter_first_up_to(&mut self, number: u64) -> Result<bool, LogReadError> {
        let oldest = number.saturating_sub(NAMES_TRIED_MAX);
        for candidate in self.expected.unwrap_or(number).max(oldest)..=number {
            if self.enter_sealed(candidate)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Opens a sealed segment in the form that exists. Returns `false` if it was removed.
    fn enter_sealed(&mut self, number: u64) -> Result<bool, LogReadError> {
        // Plain first: compression removes the plain file only after the other is in place, so that one of the two
        // opens succeeds.
        let plain = self.directory.open_sealed(number, false);
        if let Some(file) = plain.map_err(self.sealed_error("open", number, false))? {
            self.note_gap(number);
            if self.is_too_old(&file) {
                self.skip_segment(number);
                return Ok(true);
            }
            let segment = Segment::plain(file, Some(number))
                .map_err(self.sealed_error("stat", number, false))?;
            self.enter_segment(segment);
            return Ok(true);
        }
        let gz = self.directory.open_sealed(number, true);
        let Some(file) = gz.map_err(self.sealed_error("open", number, true))? else {
            return Ok(false);
        };
        self.note_gap(number);
        if self.is_too_old(&file) {
            self.skip_segment(number);
            return Ok(true);
        }
        let Some(stream) = gunzip(file) else {
            self.skip_segment(number);
            return Err(LogReadError::Compressed { path: self.directory.path(Some(number), true) });
        };
        self.enter_segment(Segment::stream(stream, Some(number), true));
        Ok(true)
    }

    /// Whether a sealed segment is older than the requested moment.
    fn is_too_old(&self, file: &File) -> bool {
        let modified = || file.metadata().and_then(|metadata| metadata.modified()).ok();
        self.options
            .modified_since
            .is_some_and(|since| modified().is_some_and(|modified| modified < since))
    }

    /// Skips a sealed segment.
    fn skip_segment(&mut self, number: u64) {
        self.read_up_to = self.read_up_to.max(Some(number));
        self.expected = number.checked_add(1);
    }

    /// Numbers are assigned without gaps, so retention removed what is missing.
    pub(super) fn note_gap(&mut self, number: u64) {
        if let Some(expected) = self.expected
            && number > expected
        {
            let segments = number - expected;
            self.counters.segments_removed += segments;
            self.gap = Some(Gap::Removed { segments, next: number });
        } else if std::mem::take(&mut self.lost_count) && number > 1 {
            self.gap = Some(Gap::Unknown { next: number });
        }
        self.expected = Some(number);
    }

    /// An unfinished line is read again as a whole: a writer that recovers from a crash may cut it.
    fn rewind(&mut self) {
        self.was_idle = true;
        let unfinished = self.lines.rewind() as u64;
        if let Some(Segment { source: Source::Plain(plain), .. }) = &mut self.current {
            plain.seek(plain.position - unfinished);
        }
    }

    fn set_live(&mut self, live: bool) {
        if let Some(Segment { source: Source::Plain(plain), .. }) = &mut self.current {
            plain.live = live;
        }
    }

    /// Handles an error. A sealed segment that cannot be read is skipped. Anything else is retried at the same place
    /// when following, so that no line is returned twice; otherwise it is the end.
    pub(super) fn skip_after_error(&mut self, error: &LogReadError) {
        let unreadable = match error {
            LogReadError::Corrupt { .. } | LogReadError::Compressed { .. } => true,
            LogReadError::Io { action, .. } => *action == "read",
            _ => false,
        };
        match &self.current {
            Some(segment) if unreadable && (segment.number.is_some() || self.is_single_stream) => {
                self.leave_segment()
            }
            None if unreadable => {}
            _ if self.options.follow => self.rewind(),
            _ => self.done = true,
        }
    }

    pub(super) fn list(&mut self) -> Result<(), LogReadError> {
        let error = self.io_error("list");
        self.directory.list(&mut self.listing).map_err(error)
    }

    /// Lists until two consecutive listings are equal.
    pub(super) fn list_until_stable(&mut self) -> Result<(), LogReadError> {
        self.list()?;
        for _ in 0..SEARCHES_MAX {
            let before = self.listing.clone();
            self.list()?;
            if self.listing == before {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn io_error(
        &self,
        action: &'static str,
    ) -> impl FnOnce(io::Error) -> LogReadError + use<> {
        LogReadError::io(action, self.directory.path(None, false))
    }

    pub(super) fn sealed_error(
        &self,
        action: &'static str,
        number: u64,
        gz: bool,
    ) -> impl FnOnce(io::Error) -> LogReadError + use<> {
        LogReadError::io(action, self.directory.path(Some(number), gz))
    }
}

/// How many of the bytes read are accepted, if the first NUL among them is at `nul`.
fn written_before_nul(
    read: &[u8],
    nul: usize,
    live: bool,
    unfinished: usize,
    nul_reads: &mut u32,
) -> usize {
    let only_nul = |bytes: &[u8]| bytes.iter().all(|&byte| byte == 0);
    if !live {
        return if nul == 0 && unfinished == 0 && only_nul(read) { 0 } else { read.len() };
    }
    if nul > 0 {
        return nul;
    }
    if only_nul(read) {
        return 0;
    }
    *nul_reads += 1;
    if *nul_reads > NUL_READS_MAX { read.len() } else { 0 }
}
