//! Whole reads and writes of [`StorageFile`]s, and adapters to [`Read`] and [`Write`].
//!
//! A single call may take or return fewer bytes than it was given, or be interrupted by a signal. These functions
//! continue until everything is done or a call fails. They allocate nothing.
use std::io::{self, IoSlice, Read, Write};

use super::StorageFile;

/// Appends all bytes. After an error an unknown number of them is in the file.
pub fn append_all(file: &mut dyn StorageFile, bytes: &[u8]) -> io::Result<()> {
    append_slices(file, &mut [IoSlice::new(bytes)]).1
}

/// Appends all slices; returns how many bytes were accepted and why the next one was not.
pub fn append_slices(
    file: &mut dyn StorageFile,
    mut slices: &mut [IoSlice<'_>],
) -> (usize, io::Result<()>) {
    let mut written = 0;
    // Removes empty slices from the front.
    IoSlice::advance_slices(&mut slices, 0);
    while !slices.is_empty() {
        match file.append(slices) {
            Ok(0) => return (written, Err(io::ErrorKind::WriteZero.into())),
            Ok(count) => {
                written += count;
                IoSlice::advance_slices(&mut slices, count);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (written, Err(error)),
        }
    }
    (written, Ok(()))
}

/// Fills the buffer from an offset on, or as much of it as the file has; returns how many bytes were read.
pub fn read_full(file: &dyn StorageFile, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Fills the whole buffer from an offset on; `UnexpectedEof` if the file ends before that.
pub fn read_exact(file: &dyn StorageFile, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    let filled = read_full(file, buffer, offset)?;
    if filled == buffer.len() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Reads a file from an offset on.
pub struct FileReader {
    /// The file.
    pub file: Box<dyn StorageFile>,
    /// The offset of the next read.
    pub offset: u64,
}

impl Read for FileReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

/// Appends to a file.
pub struct FileAppender<'a>(pub &'a mut dyn StorageFile);

impl Write for FileAppender<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.append(&[IoSlice::new(bytes)])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::storage::faulty::{Faults, FaultyDisk};
    use crate::storage::{OpenMode, Storage};

    #[test]
    fn short_calls_transfer_everything() {
        let disk = FaultyDisk::new(Path::new("/d"));
        let path = Path::new("/d/file");
        let mut file = disk.open(path, OpenMode::CreateNew { mode: 0o600 }).unwrap();
        disk.set_faults(Faults { append_bytes_max: 3, ..Faults::default() });
        append_all(&mut *file, b"0123456789").unwrap();
        let mut slices = [&b""[..], b"abcd", b"", b"e"].map(IoSlice::new);
        let (written, result) = append_slices(&mut *file, &mut slices);
        assert_eq!((written, result.is_ok()), (5, true));
        append_all(&mut *file, b"").unwrap();
        let mut buffer = [0; 20];
        assert_eq!(read_full(&*file, &mut buffer, 8).unwrap(), 7);
        assert_eq!(&buffer[..7], b"89abcde");
        assert!(read_exact(&*file, &mut buffer[..7], 8).is_ok());
        let error = read_exact(&*file, &mut buffer[..8], 8).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        let mut text = String::new();
        FileReader { file, offset: 1 }.read_to_string(&mut text).unwrap();
        assert_eq!(text, "123456789abcde");
    }

    #[test]
    fn a_full_disk_reports_the_accepted_bytes() {
        let disk = FaultyDisk::new(Path::new("/d"));
        let create = OpenMode::CreateNew { mode: 0o600 };
        let mut file = disk.open(Path::new("/d/file"), create).unwrap();
        disk.set_faults(Faults { capacity_bytes: 4, ..Faults::default() });
        let (written, result) = append_slices(&mut *file, &mut [IoSlice::new(b"012345")]);
        assert_eq!(written, 4);
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
