//! A small file in memory whose words and bytes survive the process.
//!
//! What is stored is in the file at once, also if the process is killed by the next instruction, in the order of the
//! program: a word that is stored with [`SharedFile::publish`] is never there without what was stored before it. Other
//! processes read the file with ordinary calls.
//!
//! Promises: a store takes no system call and allocates nothing. Places outside of the file are ignored on storing and
//! read as zeros. Without a file ([`SharedFile::private`]) the same calls work on private memory.
//!
//! Invariants:
//!
//! 1. Every access lies within the region and is aligned (`word`, `write`). No reference to
//!    its bytes is created except to single words, and those are atomics.
//! 2. One thread writes bytes; words may be accessed by any thread.
#![allow(unsafe_code)]
// One note covers the pointer and the copy or the word.
#![allow(clippy::multiple_unsafe_ops_per_block)]
use std::io;
#[cfg(target_os = "linux")]
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::region::Region;

/// Bytes of a word.
pub const WORD_BYTES: usize = 8;

/// A file's memory.
#[derive(Debug)]
pub struct SharedFile {
    region: Region,
}

impl SharedFile {
    /// A new file of `len` zeros, whose blocks are reserved.
    #[cfg(target_os = "linux")]
    pub fn create(path: &Path, len: usize) -> io::Result<SharedFile> {
        Ok(SharedFile { region: Region::create(path, len, len)? })
    }

    /// A new file of `len` zeros, of which only the first page is reserved: a page for which there is no room later is
    /// lost ([`SharedFile::is_lost`]).
    #[cfg(target_os = "linux")]
    pub fn create_sparse(path: &Path, len: usize) -> io::Result<SharedFile> {
        Ok(SharedFile { region: Region::create(path, len, 1)? })
    }

    /// The same in memory that does not survive the process.
    pub fn private(len: usize) -> io::Result<SharedFile> {
        Ok(SharedFile { region: Region::new(len)? })
    }

    /// Its length.
    pub fn len_bytes(&self) -> usize {
        self.region.len_bytes()
    }

    /// Whether some of what is stored does not survive any more: the file was cut off by another process.
    pub fn is_lost(&self) -> bool {
        self.region.is_lost()
    }

    /// The same; finds out whether the first page is still there, which may take a page fault.
    pub fn is_lost_now(&self) -> bool {
        let _ = std::hint::black_box(self.load(0));
        self.region.is_lost()
    }

    #[inline(always)]
    fn word(&self, at: usize) -> Option<&AtomicU64> {
        if !at.is_multiple_of(WORD_BYTES) || at.saturating_add(WORD_BYTES) > self.region.len_bytes()
        {
            return None;
        }
        // SAFETY: invariant 1: within the region, which is aligned to more than a word; atomics may be shared.
        Some(unsafe { &*self.region.start().as_ptr().add(at).cast::<AtomicU64>() })
    }

    /// Stores a word.
    #[inline(always)]
    pub fn store(&self, at: usize, value: u64) {
        if let Some(word) = self.word(at) {
            // ORDER: relaxed; `publish` orders it for a process that reads the file after this one was killed.
            word.store(value.to_le(), Ordering::Relaxed);
        }
    }

    /// Stores a word after everything that was stored before.
    #[inline(always)]
    pub fn publish(&self, at: usize, value: u64) {
        if let Some(word) = self.word(at) {
            // ORDER: release, so that neither compiler nor processor stores it before what precedes it; pairs with the
            // reads of another process.
            word.store(value.to_le(), Ordering::Release);
        }
    }

    /// The word.
    pub fn load(&self, at: usize) -> u64 {
        // ORDER: acquire pairs with `publish` of another thread.
        self.word(at).map_or(0, |word| u64::from_le(word.load(Ordering::Acquire)))
    }

    /// Adds to a word, from any thread.
    pub fn add(&self, at: usize, count: u64) {
        if let Some(word) = self.word(at) {
            // ORDER: relaxed; a count.
            let _ = word.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |old| {
                Some(u64::from_le(old).wrapping_add(count).to_le())
            });
        }
    }

    /// Stores bytes. Returns whether they fit.
    pub fn write(&self, at: usize, bytes: &[u8]) -> bool {
        let fits = at.checked_add(bytes.len()).is_some_and(|end| end <= self.region.len_bytes());
        if fits {
            // SAFETY: invariants 1 and 2; `bytes` is ordinary memory and cannot overlap with memory that has no
            // references.
            unsafe {
                let place = self.region.start().as_ptr().add(at);
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), place, bytes.len());
            }
        }
        fits
    }

    /// The bytes from `at` on.
    pub fn read(&self, at: usize, bytes: &mut [u8]) {
        let fits = at.checked_add(bytes.len()).is_some_and(|end| end <= self.region.len_bytes());
        if fits {
            // SAFETY: invariants 1 and 2, as in `write`.
            unsafe {
                let place = self.region.start().as_ptr().add(at);
                std::ptr::copy_nonoverlapping(place, bytes.as_mut_ptr(), bytes.len());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SharedFile;

    #[test]
    fn words_and_bytes_are_where_they_were_stored() {
        let file = SharedFile::private(4096).unwrap();
        file.store(8, 7);
        file.publish(16, 9);
        file.add(16, 1);
        assert!(file.write(24, b"abc"));
        let mut bytes = [0; 4];
        file.read(23, &mut bytes);
        assert_eq!((file.load(8), file.load(16), &bytes), (7, 10, b"\0abc"));
        assert!(!file.is_lost());
    }

    #[test]
    fn places_outside_of_the_file_are_ignored() {
        let file = SharedFile::private(64).unwrap();
        for at in [1, 60, 64, usize::MAX - 7] {
            file.publish(at, 7);
            assert_eq!(file.load(at), 0, "{at}");
        }
        assert!(!file.write(62, b"abc") && !file.write(usize::MAX, b"abc"));
    }

    #[cfg(all(target_os = "linux", not(miri)))]
    #[test]
    fn stored_bytes_are_in_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("engine");
        let file = SharedFile::create(&path, 4096).unwrap();
        file.publish(8, 0x0102);
        file.write(32, b"text");
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!((bytes.len(), &bytes[8..10], &bytes[32..36]), (4096, &[2, 1][..], &b"text"[..]));
        assert!(SharedFile::create(&path, 4096).is_err(), "it exists");
    }
}
