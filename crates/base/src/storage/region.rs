//! Memory of a fixed length that is accessed through raw pointers: private to the process, or part of a file.
//!
//! On Linux a private region of 64 KiB or more is a mapping: a page becomes resident when it is first written
//! ([`Region::populate`] does that ahead of time), and [`Region::discard`] gives pages back. Smaller regions, and all
//! regions on other systems, are ordinary zeroed allocations that keep their memory.
//!
//! A region of a file (`Region::shared`, on Linux) survives its process: what was stored is in the file's pages at
//! once, also if the process is killed by the next instruction. A page for which the file system has no room, or that
//! another process cuts off the file, becomes private memory ([`Region::is_lost`]): nothing fails, but that page does
//! not survive.
//!
//! Promises: creating a private region takes two system calls and touches no page; without memory it is an error value.
//! Creating a shared one reserves its first bytes, so a full file system is an error value. Dropping a region returns
//! everything. Huge pages are refused, because one written byte would make 2 MiB resident.
//!
//! Invariants:
//!
//! 1. `start .. start + len` is readable and writable from the creation of a [`Region`] to its drop, aligned to
//!    [`REGION_ALIGN`], and initialised. The region itself creates no reference to it.
//! 2. The pointer and the layout of `Memory::Heap` are those of its allocation; the size is not zero.
//! 3. What is passed to a system call lies within the mapping, and starts and ends at page borders.
#![allow(unsafe_code)]
use std::alloc::{self, Layout};
#[cfg(target_os = "linux")]
use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
#[cfg(target_os = "linux")]
use std::path::Path;
use std::ptr::NonNull;

#[cfg(target_os = "linux")]
use memmap2::{Advice, MmapOptions, MmapRaw, UncheckedAdvice};

#[cfg(target_os = "linux")]
use super::bus_error::FaultGuard;
#[cfg(target_os = "linux")]
use super::mmap::reserve;

/// Smaller regions are allocated: a mapping would round them up and could hardly give anything back.
#[cfg(target_os = "linux")]
const MAPPED_BYTES_MIN: usize = 64 << 10;

/// Regions start at a multiple of this: two cache lines, because x86 prefetches lines in pairs.
pub const REGION_ALIGN: usize = 128;

/// The page size that is assumed where the system does not say.
const PAGE_BYTES_DEFAULT: usize = 4096;

/// Writable memory of a fixed length, accessed through raw pointers alone.
#[derive(Debug)]
pub struct Region {
    memory: Memory,
    len: usize,
}

#[derive(Debug)]
enum Memory {
    #[cfg(target_os = "linux")]
    Pages {
        map: MmapRaw,
        start: NonNull<u8>,
        page_bytes: usize,
    },
    #[cfg(target_os = "linux")]
    File {
        /// Dropped before the mapping.
        guard: FaultGuard,
        map: MmapRaw,
        start: NonNull<u8>,
        page_bytes: usize,
    },
    Heap {
        start: NonNull<u8>,
        layout: Layout,
    },
}

// SAFETY: invariant 1: the region is plain memory of this process; who may access which bytes is up to its owner, who
// does so through raw pointers.
unsafe impl Send for Region {}
// SAFETY: as above; its methods change no byte, except `discard`, whose contract excludes other accesses.
unsafe impl Sync for Region {}

/// Bytes of a page of memory.
pub fn page_bytes() -> usize {
    #[cfg(all(target_os = "linux", not(miri)))]
    // SAFETY: invariant 3 does not apply: this call takes no memory.
    return usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) })
        .unwrap_or(PAGE_BYTES_DEFAULT);
    #[cfg(not(all(target_os = "linux", not(miri))))]
    return PAGE_BYTES_DEFAULT;
}

impl Region {
    /// Zeroed memory of this process, `len` bytes, at least 64.
    pub fn new(len: usize) -> io::Result<Region> {
        let len = len.max(64);
        #[cfg(target_os = "linux")]
        if len >= MAPPED_BYTES_MIN && !cfg!(miri) {
            return Self::mapped(len);
        }
        let no_memory = || io::Error::from(io::ErrorKind::OutOfMemory);
        let layout = Layout::from_size_align(len, REGION_ALIGN).map_err(|_| no_memory())?;
        // SAFETY: invariant 2: the size is at least 64.
        let start = NonNull::new(unsafe { alloc::alloc_zeroed(layout) }).ok_or_else(no_memory)?;
        Ok(Region { memory: Memory::Heap { start, layout }, len })
    }

    #[cfg(target_os = "linux")]
    fn mapped(len: usize) -> io::Result<Region> {
        let map = MmapRaw::from(MmapOptions::new().len(len).map_anon()?);
        // Kernels without huge pages refuse the advice.
        let _ = map.advise(Advice::NoHugePage);
        let start = NonNull::new(map.as_mut_ptr()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Region { memory: Memory::Pages { map, start, page_bytes: page_bytes() }, len })
    }

    /// `len` bytes of a file from `offset` on, a multiple of the page size. A file that is too short is extended with
    /// zeros; the first `reserved` bytes get blocks now, the others when they are first stored to. A forked child does
    /// not inherit the memory: an access to it ends the child.
    ///
    /// # Safety
    /// While the region exists, only its owner writes these bytes.
    #[cfg(target_os = "linux")]
    pub unsafe fn shared(
        file: &File,
        offset: u64,
        len: usize,
        reserved: usize,
    ) -> io::Result<Region> {
        let len = len.max(64);
        let end = offset.checked_add(len as u64).ok_or(io::ErrorKind::InvalidInput)?;
        let page_bytes = page_bytes();
        if !offset.is_multiple_of(page_bytes as u64) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        if file.metadata()?.len() < end {
            file.set_len(end)?;
        }
        let reserved = reserved.clamp(1, len);
        reserve(file, offset, reserved as u64)?;
        let map = MmapOptions::new().offset(offset).len(len).map_raw(file)?;
        map.advise(Advice::DontFork)?;
        let start = NonNull::new(map.as_mut_ptr()).ok_or(io::ErrorKind::OutOfMemory)?;
        let guard = FaultGuard::for_region(start.as_ptr() as usize, map.len())?;
        let region = Region { memory: Memory::File { guard, map, start, page_bytes }, len };
        region.populate(0..reserved);
        Ok(region)
    }

    /// A new file of `len` zeros for the region alone, which only this user may open. The first `reserved` bytes get
    /// blocks now.
    #[cfg(target_os = "linux")]
    pub fn create(path: &Path, len: usize, reserved: usize) -> io::Result<Region> {
        use std::os::unix::fs::OpenOptionsExt;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        let file = options.custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC).open(path)?;
        // SAFETY: (1) the contract holds: the file is new, and no other code of this process knows it. Other processes
        // of the user are as trusted as those that could write into this process.
        unsafe { Region::shared(&file, 0, len, reserved) }
    }

    /// Whether a page of the region is no longer part of its file, so that what is stored there does not survive.
    pub fn is_lost(&self) -> bool {
        match &self.memory {
            #[cfg(target_os = "linux")]
            Memory::File { guard, .. } => guard.is_lost(),
            #[cfg(target_os = "linux")]
            Memory::Pages { .. } => false,
            Memory::Heap { .. } => false,
        }
    }

    /// The first byte.
    pub fn start(&self) -> NonNull<u8> {
        match &self.memory {
            #[cfg(target_os = "linux")]
            Memory::Pages { start, .. } | Memory::File { start, .. } => *start,
            Memory::Heap { start, .. } => *start,
        }
    }

    /// Its length.
    pub fn len_bytes(&self) -> usize {
        self.len
    }

    /// Bytes that can become resident and be given back one by one; `None` if the region keeps its memory.
    pub fn page_bytes(&self) -> Option<usize> {
        match &self.memory {
            #[cfg(target_os = "linux")]
            Memory::Pages { page_bytes, .. } | Memory::File { page_bytes, .. } => Some(*page_bytes),
            Memory::Heap { .. } => None,
        }
    }

    /// Makes the pages of a range resident, so that writing to them takes no page fault. Changes no byte, so others may
    /// use the range meanwhile. Best effort: before Linux 5.14 the first write takes the fault.
    #[cfg_attr(not(target_os = "linux"), allow(unused_variables))]
    pub fn populate(&self, range: Range<usize>) {
        match &self.memory {
            #[cfg(target_os = "linux")]
            Memory::Pages { map, page_bytes, .. } | Memory::File { map, page_bytes, .. } => {
                let start = range.start - range.start % page_bytes;
                let end = range.end.next_multiple_of(*page_bytes).min(map.len());
                if start < end {
                    let _ = map.advise_range(Advice::PopulateWrite, start, end - start);
                }
            }
            Memory::Heap { .. } => {}
        }
    }

    /// Gives back the pages that lie wholly inside a range; their bytes are zeros afterwards.
    ///
    /// # Safety
    /// Nothing else accesses the range during the call.
    #[cfg_attr(not(target_os = "linux"), allow(unused_variables))]
    pub unsafe fn discard(&self, range: Range<usize>) {
        match &self.memory {
            #[cfg(target_os = "linux")]
            Memory::Pages { map, page_bytes, .. } | Memory::File { map, page_bytes, .. } => {
                let start = range.start.next_multiple_of(*page_bytes);
                let end = range.end.min(map.len());
                let end = end - end % page_bytes;
                // That of a file also frees its pages. Those that are no longer part of it stay as they are.
                let advice = match self.memory {
                    Memory::File { .. } => UncheckedAdvice::Remove,
                    _ => UncheckedAdvice::DontNeed,
                };
                if start < end {
                    // SAFETY: invariant 3, and the contract of this function: no reference to these bytes exists.
                    let _ = unsafe { map.unchecked_advise_range(advice, start, end - start) };
                }
            }
            Memory::Heap { .. } => {}
        }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        match &self.memory {
            // The mappings unmap themselves.
            #[cfg(target_os = "linux")]
            Memory::Pages { .. } | Memory::File { .. } => {}
            // SAFETY: invariant 2; the owner of a region keeps it as long as it uses the memory.
            Memory::Heap { start, layout } => unsafe { alloc::dealloc(start.as_ptr(), *layout) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Region;

    fn byte(region: &Region, at: usize) -> u8 {
        // SAFETY: (1) the tests read within the region.
        unsafe { region.start().as_ptr().wrapping_add(at).read() }
    }

    fn set(region: &Region, at: usize) {
        // SAFETY: (1) the tests write within the region.
        unsafe { region.start().as_ptr().wrapping_add(at).write(7) }
    }

    #[test]
    fn small_regions_keep_their_bytes() {
        for len in [1, 64, 4096] {
            let region = Region::new(len).unwrap();
            assert_eq!((byte(&region, len - 1), region.page_bytes()), (0, None));
            set(&region, len - 1);
            region.populate(0..len);
            // SAFETY: the contract holds: this thread alone has the region.
            unsafe { region.discard(0..len) };
            assert_eq!(byte(&region, len - 1), 7);
        }
    }

    #[test]
    fn regions_start_at_cache_line_pairs() {
        for len in [1, 64, 4096, 68 << 10] {
            let region = Region::new(len).unwrap();
            assert!(region.start().as_ptr().addr().is_multiple_of(super::REGION_ALIGN));
            assert_eq!(region.len_bytes(), len.max(64));
        }
    }

    #[cfg(all(target_os = "linux", not(miri)))]
    #[test]
    fn a_store_is_in_the_file_at_once() {
        use std::os::unix::fs::FileExt;
        let file = tempfile::tempfile().unwrap();
        // SAFETY: the contract holds: nothing else has the file.
        let region = unsafe { Region::shared(&file, 4096, 8192, 4096) }.unwrap();
        assert_eq!(file.metadata().unwrap().len(), 4096 + 8192);
        set(&region, 8191);
        let mut byte = [0];
        file.read_exact_at(&mut byte, 4096 + 8191).unwrap();
        assert_eq!(byte, [7]);
        region.populate(0..8192);
        // SAFETY: the contract holds: this thread alone has the region.
        unsafe { region.discard(0..8192) };
        assert_eq!(self::byte(&region, 8191), 0);
        set(&region, 8191);
        assert!(!region.is_lost());
        drop(region);
        // SAFETY: as above.
        let again = unsafe { Region::shared(&file, 4096, 8192, 4096) }.unwrap();
        assert_eq!(self::byte(&again, 8191), 7);
    }

    #[cfg(all(target_os = "linux", not(miri)))]
    #[test]
    fn a_mapping_outside_of_pages_is_refused() {
        let file = tempfile::tempfile().unwrap();
        for (offset, len) in [(1, 4096), (128, 4096), (u64::MAX - 4095, 4096)] {
            // SAFETY: the contract holds: nothing else has the file.
            assert!(unsafe { Region::shared(&file, offset, len, len) }.is_err(), "{offset}");
        }
    }

    #[cfg(all(target_os = "linux", not(miri)))]
    #[test]
    fn only_whole_pages_are_given_back() {
        let region = Region::new(1 << 20).unwrap();
        let page = region.page_bytes().unwrap();
        let places = [0, page - 1, page, 2 * page - 1, 2 * page, 3 * page];
        places.iter().for_each(|&place| set(&region, place));
        region.populate(0..1 << 20);
        // SAFETY: the contract holds: this thread alone has the region.
        unsafe { region.discard(1..2 * page + 1) };
        assert_eq!(places.map(|place| byte(&region, place)), [7, 7, 0, 0, 7, 7]);
        // SAFETY: as above.
        unsafe { region.discard(3 * page..4 << 20) };
        assert_eq!(byte(&region, 3 * page), 0);
        region.populate(0..4 << 20);
        region.populate(4 << 20..5 << 20);
    }
}
