//! The reader's decisions: what to read next, when a segment is complete, which segment comes after
//! it.
use std::fs::File;
use std::io;
use std::io::Read;

use memchr::memchr;

use super::dir::FileId;
use super::segment::{Plain, Segment, Source, gunzip, read_some};
use super::{Found, Gap, ReadError, Reader, Start, Stop};

/// How often bytes behind a NUL may be seen in the active file before they are taken as they are. A
/// writer that copies into a mapping is done in microseconds; a file that holds NULs for good must
/// not stop its reader for good.
const NUL_LOOKS_MAX: u32 = 32;

/// How often the directory may change under one search for the next segment.
const SEARCHES_MAX: u32 = 64;

/// How many numbers before one that is there are tried by name.
const NAMES_TRIED_MAX: u64 = 1024;

impl Reader {
    /// Looks at what is there, so that a reader that does not follow knows where to stop.
    pub(super) fn begin(&mut self) -> Result<(), ReadError> {
        let active = self.directory.open_active().map_err(self.io_error("open"))?;
        self.list_settled()?;
        let number_max = self.listing.last().map(|sealed| sealed.number);
        if active.is_none() && number_max.is_none() && !self.options.follow {
            return Err(ReadError::NotFound { path: self.directory.path(None, false) });
        }
        let Some(file) = active else { return self.begin_absent(number_max) };
        let metadata = file.metadata().map_err(self.io_error("stat"))?;
        let id = FileId::of(&metadata);
        if !self.options.follow {
            self.stop = Stop { active: Some((id, metadata.len())), number_max };
        }
        if self.options.start == Start::Oldest {
            return Ok(());
        }
        if !metadata.is_file() {
            self.begin_alone(Box::new(file), false);
            return Ok(());
        }
        if self.directory.path(None, false).extension().is_some_and(|extension| extension == "gz") {
            let path = self.directory.path(None, false);
            let stream = gunzip(file).ok_or(ReadError::Compressed { path })?;
            self.begin_alone(stream, true);
            return Ok(());
        }
        self.begin_active(file, id)
    }

    /// Reads one stream and nothing else.
    pub(super) fn begin_alone(&mut self, stream: Box<dyn Read + Send>, gz: bool) {
        self.alone = true;
        self.enter(Segment::stream(stream, None, gz));
    }

    /// Only sealed segments, or nothing yet.
    fn begin_absent(&mut self, number_max: Option<u64>) -> Result<(), ReadError> {
        self.stop = Stop { active: None, number_max };
        if self.options.start == Start::Active {
            self.start_behind(number_max);
            if !self.options.follow {
                return Err(ReadError::NotFound { path: self.directory.path(None, false) });
            }
        }
        Ok(())
    }

    /// Starts in the active file: what was sealed before is behind us. Between opening and listing
    /// it may have been sealed itself; then only what is older is behind us.
    fn begin_active(&mut self, file: File, id: FileId) -> Result<(), ReadError> {
        let own = self.number_of(id)?;
        let older = |number: &u64| own.is_none_or(|own| *number < own);
        let behind = self.listing.iter().map(|sealed| sealed.number).filter(older).max();
        self.start_behind(behind);
        let segment = Segment::plain(file, own).map_err(self.io_error("stat"))?;
        self.enter(segment);
        Ok(())
    }

    fn start_behind(&mut self, number: Option<u64>) {
        self.floor = number;
        self.expected = number.and_then(|number| number.checked_add(1));
    }

    /// One turn: a line that is in the buffer, or more bytes, or the next segment.
    pub(super) fn look(&mut self) -> Result<Found, ReadError> {
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

    /// Reads more. `false`: there is nothing more for now.
    fn fill(&mut self) -> Result<bool, ReadError> {
        if std::mem::take(&mut self.was_idle) && self.restart_if_replaced()? {
            return Ok(true);
        }
        let Some(segment) = &mut self.current else { return Ok(false) };
        let result = match &mut segment.source {
            Source::Stream(stream) => read_some(stream, self.lines.room()).map(|len| {
                self.lines.filled(len);
                len > 0
            }),
            Source::Plain(plain) => {
                let limit = match self.stop.active {
                    Some((id, len)) if id == plain.id => Some(len),
                    _ => None,
                };
                Self::fill_plain(plain, &mut self.lines, limit, &mut self.nul_looks)
            }
        };
        let (number, gz) = (segment.number, segment.gz);
        result.map_err(|source| {
            ReadError::of_read(self.directory.path(number, gz && number.is_some()), gz, source)
        })
    }

    fn fill_plain(
        plain: &mut Plain,
        lines: &mut super::LineBuffer,
        limit: Option<u64>,
        nul_looks: &mut u32,
    ) -> io::Result<bool> {
        let unfinished = lines.unfinished();
        let room = lines.room();
        let before = plain.position;
        // At the limit, only a line that has begun is still completed.
        let completing = limit.is_some_and(|limit| before >= limit);
        if completing && unfinished == 0 {
            return Ok(false);
        }
        let wanted = match limit {
            Some(limit) if !completing => room.len().min((limit - before) as usize),
            _ => room.len(),
        };
        let mut len = plain.read(&mut room[..wanted])?;
        let read = &room[..len];
        if completing && let Some(newline) = memchr(b'\n', read) {
            len = newline + 1;
        }
        if let Some(nul) = memchr(0, &room[..len]) {
            len = written_before_nul(&room[..len], nul, plain.live, unfinished, nul_looks);
            if len == 0 && !plain.live {
                // Space that was reserved in a file that will not grow any more: no line.
                return Ok(true);
            }
        }
        if plain.position != before + len as u64 {
            plain.seek(before + len as u64);
        }
        lines.filled(len);
        Ok(len > 0)
    }

    /// Nothing more in this segment for now: is it complete, or may more come?
    fn at_end(&mut self) -> Result<Found, ReadError> {
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
            // What was written between our last read and the rotation is still to be read.
            self.set_live(false);
            self.learn_number()?;
            return Ok(Found::Again);
        }
        if follow {
            self.rewind();
            return Ok(Found::Idle);
        }
        if (1..=NUL_LOOKS_MAX).contains(&self.nul_looks) {
            std::thread::yield_now();
            return Ok(Found::Again);
        }
        self.done = true;
        Ok(self.complete())
    }

    /// The segment will not grow any more: its last line may lack a newline; after that it is
    /// behind us.
    fn complete(&mut self) -> Found {
        if let Some(rest) = self.lines.take_rest() {
            return Found::Line(rest);
        }
        self.leave();
        Found::Again
    }

    fn enter(&mut self, segment: Segment) {
        self.counters.segments += 1;
        self.lines.reset();
        self.was_idle = false;
        self.nul_looks = 0;
        self.current = Some(segment);
    }

    fn leave(&mut self) {
        self.lines.reset();
        let Some(segment) = self.current.take() else { return };
        let last = match (&segment.source, self.stop.active) {
            (Source::Plain(plain), Some((id, _))) => plain.id == id,
            _ => false,
        };
        self.done |= self.alone || last;
        match segment.number {
            Some(number) => self.pass_segment(number),
            // It was moved away or removed before its number was seen. Its number was the one that
            // we expected.
            None => {
                self.lost_count = self.expected.is_none() && !self.alone;
                self.expected = self.expected.and_then(|number| number.checked_add(1));
            }
        }
    }

    /// Opens the oldest segment that is not behind us.
    ///
    /// A listing that is made while names come and go may lack one that was there all the time in
    /// one form or the other. So what is expected next is asked for by name, and a listing only
    /// says how far to look.
    fn advance(&mut self) -> Result<Found, ReadError> {
        for _ in 0..SEARCHES_MAX {
            // Open first, look for sealed ones second: if there is none, none was sealed before the
            // open file.
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
                self.enter(segment);
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

    /// Whether a segment was sealed after the reader came; one that does not follow leaves it
    /// alone.
    fn is_beyond_stop(&self, number: u64) -> bool {
        !self.options.follow && self.stop.number_max.is_some_and(|max| number > max + 1)
    }

    /// The oldest unread segment that a listing shows.
    fn next_listed(&mut self) -> Result<Option<u64>, ReadError> {
        match self.expected {
            Some(_) => self.list()?,
            None => self.list_settled()?,
        }
        let unread = |number: &u64| self.floor.is_none_or(|floor| *number > floor);
        Ok(self.listing.iter().map(|sealed| sealed.number).find(unread))
    }

    /// Opens the first segment there is from the expected one to `number`.
    fn enter_first_up_to(&mut self, number: u64) -> Result<bool, ReadError> {
        let oldest = number.saturating_sub(NAMES_TRIED_MAX);
        for candidate in self.expected.unwrap_or(number).max(oldest)..=number {
            if self.enter_sealed(candidate)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Opens a sealed segment in the form that is there. `false`: it is gone.
    fn enter_sealed(&mut self, number: u64) -> Result<bool, ReadError> {
        // Plain first: compression removes the plain file only after the other is in place, so that
        // between the two questions one of them is always answered.
        let plain = self.directory.open_sealed(number, false);
        if let Some(file) = plain.map_err(self.sealed_error("open", number, false))? {
            self.note_gap(number);
            if self.is_too_old(&file) {
                self.pass_segment(number);
                return Ok(true);
            }
            let segment = Segment::plain(file, Some(number))
                .map_err(self.sealed_error("stat", number, false))?;
            self.enter(segment);
            return Ok(true);
        }
        let gz = self.directory.open_sealed(number, true);
        let Some(file) = gz.map_err(self.sealed_error("open", number, true))? else {
            return Ok(false);
        };
        self.note_gap(number);
        if self.is_too_old(&file) {
            self.pass_segment(number);
            return Ok(true);
        }
        let Some(stream) = gunzip(file) else {
            self.pass_segment(number);
            return Err(ReadError::Compressed { path: self.directory.path(Some(number), true) });
        };
        self.enter(Segment::stream(stream, Some(number), true));
        Ok(true)
    }

    /// Whether nothing in a sealed segment can be of interest.
    fn is_too_old(&self, file: &File) -> bool {
        let modified = || file.metadata().and_then(|metadata| metadata.modified()).ok();
        self.options
            .modified_since
            .is_some_and(|since| modified().is_some_and(|modified| modified < since))
    }

    /// Leaves a sealed segment behind without reading it.
    fn pass_segment(&mut self, number: u64) {
        self.floor = self.floor.max(Some(number));
        self.expected = number.checked_add(1);
    }

    /// Numbers are given out without holes, so a hole is what retention took.
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

    /// An unfinished line is read again as a whole: a writer that recovers from a crash may cut it
    /// off.
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

    /// After an error. A sealed segment that cannot be read is passed over. Anything else is tried
    /// again when following, at the same place, so that no line is given twice; without following
    /// it is the end.
    pub(super) fn pass_over(&mut self, error: &ReadError) {
        let unreadable = match error {
            ReadError::Corrupt { .. } | ReadError::Compressed { .. } => true,
            ReadError::Io { action, .. } => *action == "read",
            _ => false,
        };
        match &self.current {
            Some(segment) if unreadable && (segment.number.is_some() || self.alone) => self.leave(),
            None if unreadable => {}
            _ if self.options.follow => self.rewind(),
            _ => self.done = true,
        }
    }

    pub(super) fn list(&mut self) -> Result<(), ReadError> {
        let error = self.io_error("list");
        self.directory.list(&mut self.listing).map_err(error)
    }

    /// Lists until two listings in a row are the same.
    pub(super) fn list_settled(&mut self) -> Result<(), ReadError> {
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
    ) -> impl FnOnce(io::Error) -> ReadError + use<> {
        ReadError::io(action, self.directory.path(None, false))
    }

    pub(super) fn sealed_error(
        &self,
        action: &'static str,
        number: u64,
        gz: bool,
    ) -> impl FnOnce(io::Error) -> ReadError + use<> {
        ReadError::io(action, self.directory.path(Some(number), gz))
    }
}

/// How many of the bytes that were read are to be taken, when the first NUL among them is at `nul`.
fn written_before_nul(
    read: &[u8],
    nul: usize,
    live: bool,
    unfinished: usize,
    nul_looks: &mut u32,
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
    *nul_looks += 1;
    if *nul_looks > NUL_LOOKS_MAX { read.len() } else { 0 }
}
