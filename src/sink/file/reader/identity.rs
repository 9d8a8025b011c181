//! The identity of files: whether the open one is still written to, which number it got, whether it was replaced.
use super::advance::SEARCHES_MAX;
use super::dir::FileId;
use super::open_segment::{Segment, Source, gunzip};
use super::{Gap, LogReadError, Reader};

impl Reader {
    /// Whether the open file is, or may still be, the one that is written to.
    pub(super) fn is_active(&mut self, id: FileId) -> Result<bool, LogReadError> {
        if let Some(active) = self.directory.active_id().map_err(self.io_error("stat"))? {
            return Ok(active == id);
        }
        // There is no active file: it was moved away and its writer may still be writing, or it was rotated by hand.
        // Only a newer segment proves that ours is complete.
        self.list()?;
        let own = self.current.as_ref().and_then(|segment| segment.number);
        let own = own.max(self.number_of(id)?);
        let last = self.read_up_to.max(own);
        Ok(!self.listing.iter().any(|sealed| last.is_none_or(|last| sealed.number > last)))
    }

    /// Determines which number the open file got when it was sealed.
    pub(super) fn find_own_number(&mut self) -> Result<(), LogReadError> {
        let Some(Segment { number, source: Source::Plain(plain), .. }) = &self.current else {
            return Ok(());
        };
        let id = plain.id;
        if let Some(number) = *number {
            return self.skip_second_numbers(id, number);
        }
        if let Some(number) = self.find_number(id)? {
            self.note_gap(number);
            if let Some(segment) = &mut self.current {
                segment.number = Some(number);
            }
        }
        Ok(())
    }

    /// By the expected name, then by a listing.
    fn find_number(&mut self, id: FileId) -> Result<Option<u64>, LogReadError> {
        if let Some(expected) = self.expected {
            let found = self.directory.sealed_id(expected);
            let found = found.map_err(self.sealed_error("stat", expected, false))?;
            if found == Some(id) || (found.is_none() && self.has_contents_of(expected)?) {
                return Ok(Some(expected));
            }
        }
        for _ in 0..SEARCHES_MAX {
            self.list_until_stable()?;
            let listed = self.listing.clone();
            if let Some(number) = self.find_listed(id)? {
                return Ok(Some(number));
            }
            // What was compressed or removed since the listing may have been it.
            self.list()?;
            if self.listing == listed {
                break;
            }
        }
        Ok(None)
    }

    /// By the last listing: by the identity of plain segments, and by the contents of compressed ones.
    fn find_listed(&mut self, id: FileId) -> Result<Option<u64>, LogReadError> {
        if let Some(number) = self.number_of(id)? {
            return Ok(Some(number));
        }
        let unread = |number: u64| self.read_up_to.is_none_or(|read| number > read);
        let compressed = self.listing.iter().filter(|sealed| sealed.gz && unread(sealed.number));
        let numbers: Vec<u64> = compressed.map(|sealed| sealed.number).collect();
        for number in numbers {
            if self.has_contents_of(number)? {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    /// A rotation that failed between its link and its rename leaves one file with two numbers; it is read once.
    fn skip_second_numbers(&mut self, id: FileId, number: u64) -> Result<(), LogReadError> {
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

    /// The newest number under which `id` is linked, according to the last listing.
    pub(super) fn number_of(&mut self, id: FileId) -> Result<Option<u64>, LogReadError> {
        // Newest first: nearly always found there.
        for sealed in self.listing.iter().rev().filter(|sealed| sealed.plain) {
            let found = self.directory.sealed_id(sealed.number);
            if found.map_err(self.sealed_error("stat", sealed.number, false))? == Some(id) {
                return Ok(Some(sealed.number));
            }
        }
        Ok(None)
    }

    /// Whether this compressed segment has the contents of the open file.
    fn has_contents_of(&mut self, number: u64) -> Result<bool, LogReadError> {
        let opened = self.directory.open_sealed(number, true);
        let opened = opened.map_err(self.sealed_error("open", number, true))?;
        let Some(mut stream) = opened.and_then(gunzip) else { return Ok(false) };
        let Some(Segment { source: Source::Plain(plain), .. }) = &mut self.current else {
            return Ok(false);
        };
        // A damaged segment is reported when it is read.
        Ok(plain.same_contents(&mut *stream).unwrap_or(false))
    }

    /// Restarts if the file is shorter than what was read of it.
    pub(super) fn restart_if_shortened(&mut self) -> Result<bool, LogReadError> {
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

    /// After a pause: restarts if the file was shortened, or if the bytes before the current position changed.
    pub(super) fn restart_if_replaced(&mut self) -> Result<bool, LogReadError> {
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
            .map_err(LogReadError::io("read", self.directory.path(None, false)))?
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
