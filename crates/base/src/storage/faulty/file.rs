//! An open file of the disk: see the parent module.
use std::io::{self, IoSlice};
use std::sync::Arc;

use parking_lot::Mutex;

use super::State;
use crate::storage::{FileKind, FileStat, StorageFile};

/// What is overwritten whole or not at all.
const WORD: usize = 8;

/// An open file.
pub(super) struct FaultyFile {
    pub(super) state: Arc<Mutex<State>>,
    pub(super) inode: usize,
    pub(super) position: u64,
}

impl StorageFile for FaultyFile {
    fn append(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = self.state.lock();
        let before = state.calls;
        let called = state.call();
        let mut taken = state.faults.append_bytes_max.min(state.space());
        let is_full = |dir| {
            let mut names = state.names.iter().filter(|(_, inode)| **inode == self.inode);
            names.any(|(path, _)| path.starts_with(dir))
        };
        if state.faults.full_below.is_some_and(is_full) {
            taken = 0;
        }
        if called.is_err() {
            taken = taken.min(state.bytes_when_killed(before));
        } else if taken == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let unix_nanos = state.unix_nanos;
        let inode = &mut state.inodes[self.inode];
        let old = inode.bytes.len();
        for slice in slices {
            let part = taken.min(slice.len());
            inode.bytes.extend_from_slice(&slice[..part]);
            taken -= part;
        }
        inode.modified_unix_nanos = unix_nanos;
        self.position = inode.bytes.len() as u64;
        called.map(|()| inode.bytes.len() - old)
    }

    fn position(&self) -> io::Result<u64> {
        self.state.lock().call()?;
        Ok(self.position)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.state.lock();
        state.call()?;
        state.inodes[self.inode].refuse(&[FileKind::Other])?;
        let bytes = &state.inodes[self.inode].bytes;
        let from = bytes.len().min(offset as usize);
        let count = buffer.len().min(bytes.len() - from);
        buffer[..count].copy_from_slice(&bytes[from..from + count]);
        Ok(count)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut state = self.state.lock();
        let before = state.calls;
        let called = state.call();
        let mut taken = if called.is_err() { state.bytes_when_killed(before) } else { usize::MAX };
        if bytes.len() <= WORD && taken < bytes.len() {
            // No kill tears a word.
            taken = 0;
        }
        let bytes = &bytes[..taken.min(bytes.len())];
        let inode = &mut state.inodes[self.inode];
        let start = inode.bytes.len().min(offset as usize);
        let end = start + bytes.len();
        inode.bytes.resize(inode.bytes.len().max(end), 0);
        inode.bytes[start..end].copy_from_slice(bytes);
        called.map(|()| bytes.len())
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        let mut state = self.state.lock();
        state.call()?;
        state.inodes[self.inode].bytes.resize(len as usize, 0);
        Ok(())
    }

    fn stat(&self) -> io::Result<FileStat> {
        let mut state = self.state.lock();
        state.call()?;
        Ok(state.stat(self.inode))
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        state.call()?;
        let inode = &mut state.inodes[self.inode];
        inode.refuse(&[FileKind::Other])?;
        inode.durable = inode.bytes.clone();
        Ok(())
    }
}
