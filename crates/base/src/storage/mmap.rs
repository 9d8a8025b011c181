//! Writing into a file through memory, such that no other process can kill this one by truncating the file.
//!
//! There are two precautions. Blocks are reserved before they are mapped ([`reserve`]), so a full disk is an error
//! value. A page that the file no longer has becomes private memory (`bus_error`), and the window is lost, which its
//! owner sees after the copy.
//!
//! Promises: making a window allocates nothing on the heap and takes a few system calls; copying takes none. Dropping a
//! large window with many dirty pages takes milliseconds: do it on a helper thread. At most [`WINDOWS_MAX`] windows and
//! shared regions ([`Region::shared`](super::region::Region::shared)) can exist at a time; another one is an error. A
//! crash leaves the file with the length it was given, with zeros where nothing was copied yet.
//!
//! Invariants:
//!
//! 1. `base .. base + len` of a [`FileWindow`] is mapped, shared and writable, from its creation to its drop, and no
//!    reference to that memory is ever created: it is accessed through raw pointers alone, because others may change
//!    the file.
//! 2. Every access stays within `0..len` of its window (checked in `checked_range`).
//! 3. The guard of a window is dropped before its mapping. Only the owner of a window (`&mut` or `&`, and the window is
//!    not `Sync`) touches its memory, so a fault in it happens while the owner is inside a method of it.
//! 4. What is passed to a system call is valid for the time of the call: descriptors are open, pointers are null or
//!    point to values of the right type, for which all zeros are valid too.
//! 5. The page of a [`ForkMark`] lives as long as it; only the kernel writes it, in a forked child.
#![allow(unsafe_code)]
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::ptr;

use memmap2::{Advice, MmapOptions, MmapRaw};

use super::bus_error::FaultGuard;
pub use super::bus_error::WINDOWS_MAX;

/// The file was truncated under the window; the copied bytes may be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost;

/// Reserves blocks for `offset .. offset + len` of a file without changing its visible length. A full disk is an error
/// here (`StorageFull`) instead of a signal later. `Unsupported` if the file system cannot reserve.
pub fn reserve(file: &File, offset: u64, len: u64) -> io::Result<()> {
    let as_offset = |value: u64| {
        libc::off_t::try_from(value).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))
    };
    let (offset, len) = (as_offset(offset)?, as_offset(len)?);
    loop {
        // SAFETY: invariant 4; the descriptor is open because `file` is borrowed.
        let result =
            unsafe { libc::fallocate(file.as_raw_fd(), libc::FALLOC_FL_KEEP_SIZE, offset, len) };
        if result == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        match error.kind() {
            io::ErrorKind::Interrupted => {}
            _ => return Err(error),
        }
    }
}

/// Distinguishes a forked child from the process that created the mark, by a page that is wiped in a child (madvise(2),
/// Linux 4.14). The check takes no system call.
#[derive(Debug)]
pub struct ForkMark(MmapRaw);

impl ForkMark {
    /// A mark of this process; an error if the system cannot wipe pages.
    pub fn new() -> io::Result<ForkMark> {
        let mut page = MmapOptions::new().len(1).map_anon()?;
        page[0] = 1;
        let page = MmapRaw::from(page);
        // SAFETY: invariants 4 and 5: no references into the page exist, and zeros are valid bytes.
        let result = unsafe { libc::madvise(page.as_mut_ptr().cast(), 1, libc::MADV_WIPEONFORK) };
        if result == 0 { Ok(ForkMark(page)) } else { Err(io::Error::last_os_error()) }
    }

    /// Whether this is the process that made the mark.
    #[inline]
    pub fn is_same_process(&self) -> bool {
        // SAFETY: invariant 5; volatile, because a fork changes the byte unseen.
        unsafe { ptr::read_volatile(self.0.as_ptr()) == 1 }
    }
}

/// A part of a file, mapped for writing. It may extend beyond the file's end; bytes written there before the file is
/// extended are lost.
#[derive(Debug)]
pub struct FileWindow {
    /// Dropped first: invariant 3.
    guard: FaultGuard,
    map: MmapRaw,
    /// Invariant 3 needs that two threads cannot be in the same window at once.
    _not_sync: std::marker::PhantomData<std::cell::Cell<()>>,
}

impl FileWindow {
    /// Maps `len` bytes of a file, which must be open for reading and writing, from `offset` on, a
    /// multiple of the page size.
    pub fn new(file: &File, offset: u64, len: usize) -> io::Result<FileWindow> {
        let map = MmapOptions::new().offset(offset).len(len).map_raw(file)?;
        // Unwritten pages need no read-ahead; best effort.
        let _ = map.advise(Advice::Random);
        let guard = FaultGuard::new(map.as_ptr() as usize, map.len())?;
        Ok(FileWindow { guard, map, _not_sync: std::marker::PhantomData })
    }

    /// How many bytes are mapped; at least one.
    pub fn len_bytes(&self) -> usize {
        self.map.len()
    }

    /// Copies bytes to `offset` from the window's start. The file must have been extended before.
    pub fn write(&mut self, offset: usize, bytes: &[u8]) -> Result<(), Lost> {
        let start = self.checked_range(offset, bytes.len()).ok_or(Lost)?;
        let target = self.map.as_mut_ptr().wrapping_add(start);
        // SAFETY: invariants 1 and 2; `bytes` is ordinary memory and cannot overlap with a mapping that has no
        // references. A fault is repaired by the handler (invariant 3).
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), target, bytes.len()) };
        if self.is_lost() { Err(Lost) } else { Ok(()) }
    }

    /// One byte of the file, or `None` outside of the window or when it is lost.
    pub fn byte(&self, offset: usize) -> Option<u8> {
        let source = self.map.as_ptr().wrapping_add(self.checked_range(offset, 1)?);
        // SAFETY: invariants 1 and 2; volatile because others may change it at any time. A fault is
        // repaired by the handler (invariant 3).
        let byte = unsafe { ptr::read_volatile(source) };
        if self.is_lost() { None } else { Some(byte) }
    }

    /// Takes the page faults of a range at once instead of one by one. The file must already be long enough. Best
    /// effort: old kernels cannot do it, and then the copy takes the faults itself.
    pub fn populate_pages(&mut self, offset: usize, len: usize) {
        if self.checked_range(offset, len).is_some() {
            let _ = self.map.advise_range(Advice::PopulateWrite, offset, len);
        }
    }

    /// Whether the file was truncated under an access since the window was made.
    pub fn is_lost(&self) -> bool {
        self.guard.is_lost()
    }

    /// Invariant 2.
    fn checked_range(&self, offset: usize, len: usize) -> Option<usize> {
        let end = offset.checked_add(len)?;
        (end <= self.map.len()).then_some(offset)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file_of(len: u64) -> File {
        let file = tempfile::tempfile().unwrap();
        file.set_len(len).unwrap();
        file
    }

    fn content(file: &File) -> Vec<u8> {
        use std::os::unix::fs::FileExt;
        let mut bytes = vec![0; file.metadata().unwrap().len() as usize];
        file.read_exact_at(&mut bytes, 0).unwrap();
        bytes
    }

    #[test]
    fn window_writes_reach_the_file() {
        let file = file_of(10_000);
        let mut window = FileWindow::new(&file, 0, 1 << 20).unwrap();
        window.populate_pages(0, 10_000);
        window.write(9_990, b"0123456789").unwrap();
        assert_eq!(&content(&file)[9_990..], b"0123456789");
        assert_eq!(window.byte(9_991), Some(b'1'));
    }

    #[test]
    fn truncation_loses_the_window_but_not_the_process() {
        let file = file_of(1 << 20);
        let mut window = FileWindow::new(&file, 0, 1 << 20).unwrap();
        window.write(0, &[b'a'; 1 << 20]).unwrap();
        file.set_len(4096).unwrap();
        assert_eq!(window.write(0, b"still there"), Ok(()));
        assert_eq!(window.write(100_000, &[b'b'; 50_000]), Err(Lost));
        assert!(window.is_lost());
        assert_eq!(window.byte(200_000), None);
        assert_eq!(file.metadata().unwrap().len(), 4096, "a lost copy must not reach the file");
        drop(window);
        // The slot is free and reset.
        file.set_len(8192).unwrap();
        assert_eq!(FileWindow::new(&file, 0, 8192).unwrap().write(5000, b"x"), Ok(()));
    }

    #[test]
    fn accesses_outside_the_window_are_refused() {
        let file = file_of(8192);
        let mut window = FileWindow::new(&file, 4096, 4096).unwrap();
        assert_eq!(window.write(4090, b"1234567"), Err(Lost));
        assert_eq!(window.write(usize::MAX, b"1"), Err(Lost));
        assert_eq!(window.byte(4096), None);
        assert!(!window.is_lost(), "a refused access touches nothing");
        window.write(0, b"in the second page").unwrap();
        assert!(content(&file)[4096..].starts_with(b"in the second page"));
    }

    #[test]
    fn reserving_keeps_the_visible_length() {
        use std::os::unix::fs::MetadataExt;
        let file = file_of(0);
        reserve(&file, 0, 1 << 20).unwrap();
        let metadata = file.metadata().unwrap();
        assert_eq!(metadata.len(), 0);
        assert!(metadata.blocks() * 512 >= 1 << 20);
        assert!(reserve(&file, u64::MAX, 1).is_err());
    }

    #[test]
    fn too_many_windows_are_an_error() {
        // In a separate process, because other tests need windows, too.
        let name = "storage::mmap::tests::too_many_windows_are_an_error";
        if let Some(status) = status_of_child(name) {
            assert!(status.success());
            return;
        }
        let file = file_of(4096);
        let windows: Vec<_> =
            (0..WINDOWS_MAX).map(|_| FileWindow::new(&file, 0, 4096).unwrap()).collect();
        let error = FileWindow::new(&file, 0, 4096).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::QuotaExceeded);
        drop(windows);
        assert!(FileWindow::new(&file, 0, 4096).is_ok());
    }

    /// Runs the named test in a separate process; `None` in that process.
    fn status_of_child(name: &str) -> Option<std::process::ExitStatus> {
        const CHILD: &str = "RINGSEAL_TEST_CHILD";
        if std::env::var_os(CHILD).is_some() {
            return None;
        }
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", name]).env(CHILD, "1");
        child.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        Some(child.status().unwrap())
    }

    /// In a separate process, which is expected to die: a SIGBUS outside of windows must still end the process.
    #[test]
    fn a_fault_outside_of_windows_still_kills() {
        use std::os::unix::process::ExitStatusExt;
        let name = "storage::mmap::tests::a_fault_outside_of_windows_still_kills";
        if let Some(status) = status_of_child(name) {
            assert_eq!(status.signal(), Some(libc::SIGBUS));
            return;
        }
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[1; 8192]).unwrap();
        let window = FileWindow::new(&file, 0, 8192).unwrap();
        let foreign = MmapOptions::new().len(8192).map_raw(&file).unwrap();
        file.set_len(0).unwrap();
        let lost = foreign.as_ptr().wrapping_add(4096);
        // SAFETY: mapped above; the fault is the purpose.
        let byte = unsafe { ptr::read_volatile(lost) };
        panic!("read {byte} and lived, {window:?}");
    }
}
