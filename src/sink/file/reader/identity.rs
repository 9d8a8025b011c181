//! Which file is which: whether the open one is still written to, what number it got, whether it is
//! still itself.
use super::dir::FileId;
use super::segment::{Segment, Source, gunzip};
use super::{Gap, ReadError, Reader};

impl Reader {
    /// Whether the open file still is, or still may be, the one that is written to.
    pub(super) fn is_active(&mut self, id: FileId) -> Result<bool, ReadError> {
        if let Some(active) = self.directory.active_id().map_err(self.io_error("stat"))? {
            return Ok(active == id);
        }
        // No active file: somebody moved it away and its writer may still be writing, or it was
        // rotated by hand. Only a newer segment proves that ours is complete.
        self.list()?;
        let own = self.current.as_ref().and_then(|segment| segment.number);
        let own = own.max(self.number_of(id)?);
        let behind = self.floor.max(own);
        Ok(!self.listing.iter().any(|sealed| behind.is_none_or(|behind| sealed.number > behind)))
    }

    /// Finds out which number the open file got when it was sealed.
    pub(super) fn learn_number(&mut self) -> Result<(), ReadError> {
        let Some(Segment { number, source: Source::Plain(plain), .. }) = &self.current else {
            return Ok(());
        };
        let id = plain.id;
        if let Some(number) = *number {
            return self.pass_second_numbers(id, number);
        }
        if let Some(number) = self.find_number(id)? {
            self.note_gap(number);
            if let Some(segment) = &mut self.current {
                segment.number = Some(number);
            }
        }
        Ok(())
    }

    /// By name where it is expected, then by a listing.
    fn find_number(&mut self, id: FileId) -> Result<Option<u64>, ReadError> {
        if let Some(expected) = self.expected {
            let found = self.directory.sealed_id(expected);
            let found = found.map_err(self.sealed_error("stat", expected, false))?;
            if found == Some(id) || (found.is_none() && self.has_contents_of(expected)?) {
                return Ok(Some(expected));
            }
        }
        self.list_settled()?;
        if let Some(number) = self.number_of(id)? {
            return Ok(Some(number));
        }
        let unread = |number: u64| self.floor.is_none_or(|floor| number > floor);
        let compressed = self.listing.iter().filter(|sealed| sealed.gz && unread(sealed.number));
        let numbers: Vec<u64> = compressed.map(|sealed| sealed.number).collect();
        for number in numbers {
            if self.has_contents_of(number)? {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    /// A rotation that failed between its link and its rename leaves one file with two numbers: it
    /// is read once.
    fn pass_second_numbers(&mut self, id: FileId, number: u64) -> Result<(), ReadError> {
        let mut last = number;
        while let Some(next) = last.checked_add(1) {
            let found = self.directory.sealed_id(next);
            if found.map_err(self.sealed_error("stat", next, false))? != Some(id) {
                break;
            }
            last = next;
        }
        if let Some(segment) = &mut self.current {
            segment.number = Some(last);
        }
        Ok(())
    }

    /// The newest number under which `id` is linked, by the last listing.
    pub(super) fn number_of(&mut self, id: FileId) -> Result<Option<u64>, ReadError> {
        // Newest first: that is where it is, nearly always.
        for sealed in self.listing.iter().rev().filter(|sealed| sealed.plain) {
            let found = self.directory.sealed_id(sealed.number);
            if found.map_err(self.sealed_error("stat", sealed.number, false))? == Some(id) {
                return Ok(Some(sealed.number));
            }
        }
        Ok(None)
    }

    /// Whether this compressed segment holds what the open file holds.
    fn has_contents_of(&mut self, number: u64) -> Result<bool, ReadError> {
        let opened = self.directory.open_sealed(number, true);
        let opened = opened.map_err(self.sealed_error("open", number, true))?;
        let Some(mut stream) = opened.and_then(gunzip) else { return Ok(false) };
        let Some(Segment { source: Source::Plain(plain), .. }) = &mut self.current else {
            return Ok(false);
        };
        // A damaged segment is met again, and reported, when its turn comes.
        Ok(plain.same_contents(&mut *stream).unwrap_or(false))
    }

    /// Starts over when the file is shorter than what was read of it.
    pub(super) fn restart_if_shortened(&mut self) -> Result<bool, ReadError> {
        let error = self.io_error("stat");
        let unfinished = self.lines.unfinished() as u64;
        let Some(Segment { source: Source::Plain(plain), .. }) = &mut self.current else {
            return Ok(false);
        };
        let read_bytes = plain.position - unfinished;
        let found_bytes = plain.len().map_err(error)?;
        if found_bytes >= read_bytes {
            return Ok(false);
        }
        self.restart(read_bytes, found_bytes);
        Ok(true)
    }

    /// After a pause: starts over when the file was shortened, or when other bytes stand where we
    /// had been.
    pub(super) fn restart_if_replaced(&mut self) -> Result<bool, ReadError> {
        if self.restart_if_shortened()? {
            return Ok(true);
        }
        let error = self.io_error("stat");
        let Some(Segment { source: Source::Plain(plain), .. }) = &mut self.current else {
            return Ok(false);
        };
        let read_bytes = plain.position;
        let found_bytes = plain.len().map_err(error)?;
        if found_bytes == read_bytes {
            return Ok(false);
        }
        let mark = self.lines.mark();
        if plain
            .has_before(mark)
            .map_err(ReadError::io("read", self.directory.path(None, false)))?
        {
            return Ok(false);
        }
        self.restart(read_bytes, found_bytes);
        Ok(true)
    }

    fn restart(&mut self, read_bytes: u64, found_bytes: u64) {
        self.lines.reset();
        if let Some(Segment { source: Source::Plain(plain), .. }) = &mut self.current {
            plain.seek(0);
        }
        self.counters.truncations += 1;
        self.gap = Some(Gap::Truncated { read_bytes, found_bytes });
    }
}
