//! Writes the call sites of this process into files that survive it.
//!
//! The first file has 256 KiB. When it is full, a further one of twice the size follows, up to 16 MiB in total.
//!
//! Promises: called at a site's first call alone. An entry takes no system call and reuses one buffer; a further file
//! takes a few calls. A site that finds no room, or for which no file can be made, is left out and counted; the next
//! one tries again. An entry is complete before it is published, so a kill at any instant leaves a whole dictionary. A
//! forked child writes nothing.
use std::fmt;
use std::io;
#[cfg(target_os = "linux")]
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use ringseal_base::process::fork;
use ringseal_base::storage::shared_file::SharedFile;

use super::sites::{
    COUNT_AT, END_AT, ENTRY_ALIGN, HEADER_BYTES, VERSION_AT, header_start, write_entry,
};
use crate::core::callsite::Callsite;
use crate::core::site_mirror::SiteMirror;

/// Bytes of the first file.
const FIRST_BYTES: usize = 256 << 10;

/// The most bytes of all files together.
pub const BYTES_MAX: usize = 16 << 20;

/// The most bytes of an entry. It fits into every empty file.
const ENTRY_BYTES_MAX: usize = FIRST_BYTES / 2;

/// The name of the file with this index, from 0.
pub fn file_name(index: usize) -> String {
    format!("sites-{index}")
}

/// Makes the file with this index and length.
type MakeFile = dyn Fn(usize, usize) -> io::Result<SharedFile> + Send + Sync;

/// The files with the call sites of this process. A mirror of the registry.
pub struct SiteLog {
    make: Box<MakeFile>,
    /// Distinguishes this process from its forked children.
    generation: u32,
    state: Mutex<State>,
    left_out: AtomicU64,
}

impl SiteLog {
    /// Makes the first file in a directory of this run.
    #[cfg(target_os = "linux")]
    pub fn create(home: &Path) -> io::Result<SiteLog> {
        let home = home.to_owned();
        SiteLog::with(move |index, len| {
            let path = home.join(file_name(index));
            let file = SharedFile::create(&path, len);
            if file.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::AlreadyExists) {
                // Without room, the file may have been made: the next attempt needs its name.
                let _ = std::fs::remove_file(&path);
            }
            file
        })
    }

    /// With files that `make` makes of an index and a length; the first one now. It must not log.
    pub fn with(
        make: impl Fn(usize, usize) -> io::Result<SharedFile> + Send + Sync + 'static,
    ) -> io::Result<SiteLog> {
        fork::watch();
        let part = Part::new(make(0, FIRST_BYTES)?);
        let state = State { part, index: 0, total_bytes: FIRST_BYTES, entry: Vec::new() };
        Ok(SiteLog {
            make: Box::new(make),
            generation: fork::generation(),
            state: Mutex::new(state),
            left_out: AtomicU64::new(0),
        })
    }

    /// How many call sites are in no file.
    pub fn left_out(&self) -> u64 {
        // ORDER: relaxed; a count.
        self.left_out.load(Ordering::Relaxed)
    }

    /// Whether another process has cut off the current file, so that its entries may not survive.
    pub fn is_lost(&self) -> bool {
        self.state.lock().part.file.is_lost_now()
    }

    /// The bytes of the current file.
    #[cfg(test)]
    pub(super) fn current_bytes(&self) -> Vec<u8> {
        let state = self.state.lock();
        let mut bytes = vec![0; state.part.file.len_bytes()];
        state.part.file.read(0, &mut bytes);
        bytes
    }
}

impl fmt::Debug for SiteLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SiteLog").field("left_out", &self.left_out()).finish_non_exhaustive()
    }
}

impl SiteMirror for SiteLog {
    fn add(&self, id: u32, site: &'static Callsite) {
        // The lock may have been held by another thread when a child was forked.
        if fork::generation() == self.generation && !self.state.lock().add(&self.make, id, site) {
            // ORDER: relaxed; a count.
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }
}

struct State {
    part: Part,
    /// The index of `part`.
    index: usize,
    /// Bytes of all files.
    total_bytes: usize,
    /// The entry that is being written.
    entry: Vec<u8>,
}

impl State {
    /// Returns whether the site is in a file.
    fn add(&mut self, make: &MakeFile, id: u32, site: &Callsite) -> bool {
        let is_valid = write_entry(id, site, &mut self.entry);
        let is_short = self.entry.len() <= ENTRY_BYTES_MAX;
        is_valid && is_short && (self.part.append(&self.entry) || self.append_to_next(make))
    }

    fn append_to_next(&mut self, make: &MakeFile) -> bool {
        let (index, len) = (self.index + 1, FIRST_BYTES << (self.index + 1));
        if self.total_bytes + len > BYTES_MAX {
            return false;
        }
        let Ok(file) = make(index, len) else { return false };
        (self.part, self.index) = (Part::new(file), index);
        self.total_bytes += len;
        self.part.append(&self.entry)
    }
}

/// One file.
struct Part {
    file: SharedFile,
    /// Where the next entry starts.
    end: usize,
    count: u64,
}

impl Part {
    /// In a file of zeros.
    fn new(file: SharedFile) -> Part {
        let start = header_start();
        file.write(0, &start[..VERSION_AT]);
        file.write(VERSION_AT, &start[VERSION_AT..]);
        file.publish(END_AT, HEADER_BYTES as u64);
        Part { file, end: HEADER_BYTES, count: 0 }
    }

    /// Returns whether the entry fits.
    fn append(&mut self, entry: &[u8]) -> bool {
        let end = self.end + entry.len().next_multiple_of(ENTRY_ALIGN);
        if end > self.file.len_bytes() || !self.file.write(self.end, entry) {
            return false;
        }
        (self.end, self.count) = (end, self.count + 1);
        self.file.store(COUNT_AT, self.count);
        // Last: the entry that it makes valid was stored before.
        self.file.publish(END_AT, end as u64);
        true
    }
}
