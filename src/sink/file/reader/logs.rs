//! Lists logs in a directory, and segments of a log.
use std::fs;
use std::path::{Path, PathBuf};

use super::LogReadError;
use super::dir::{Directory, OsDirectory, log_of};

/// One file of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentFile {
    /// Its path.
    pub path: PathBuf,
    /// Its number; `None` is the active file.
    pub number: Option<u64>,
    /// Whether it is compressed with gzip.
    pub compressed: bool,
    /// Its current length.
    pub len_bytes: u64,
}

/// The active file of every log in `dir`, sorted: each name that ends in `.log`, if the file or sealed segments of it
/// exist. Hidden files and directories are left out.
///
/// # Errors
///
/// The directory cannot be listed.
pub fn logs_in(dir: impl AsRef<Path>) -> Result<Vec<PathBuf>, LogReadError> {
    let dir = dir.as_ref();
    let entries = fs::read_dir(dir).map_err(LogReadError::io("list", dir.to_path_buf()))?;
    let mut logs = Vec::new();
    for entry in entries {
        let entry = entry.map_err(LogReadError::io("list", dir.to_path_buf()))?;
        let Some(log) = log_of(&entry.file_name()) else { continue };
        if !entry.path().is_dir() {
            logs.push(dir.join(log));
        }
    }
    logs.sort_unstable();
    logs.dedup();
    Ok(logs)
}

/// The segments of the log whose active file is `path`, oldest first, the active one last. A segment that exists in
/// both forms is listed once, uncompressed.
///
/// # Errors
///
/// The directory cannot be listed. A segment that vanishes meanwhile is left out.
pub fn segments_of(path: impl AsRef<Path>) -> Result<Vec<SegmentFile>, LogReadError> {
    let path = path.as_ref();
    let mut directory = OsDirectory::of(path)
        .ok_or_else(|| LogReadError::NoFileName { path: path.to_path_buf() })?;
    let mut sealed = Vec::new();
    directory.list(&mut sealed).map_err(LogReadError::io("list", path.to_path_buf()))?;
    let names = sealed
        .iter()
        .map(|sealed| (Some(sealed.number), !sealed.plain))
        .chain(std::iter::once((None, false)));
    Ok(names.filter_map(|(number, gz)| segment_file(&directory, number, gz)).collect())
}

fn segment_file(directory: &dyn Directory, number: Option<u64>, gz: bool) -> Option<SegmentFile> {
    let path = directory.path(number, gz);
    let metadata = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
    Some(SegmentFile { path, number, compressed: gz, len_bytes: metadata.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(dir: &Path, names: &[&str]) {
        for name in names {
            fs::write(dir.join(name), name).expect("a temporary file");
        }
    }

    #[test]
    fn every_log_in_a_directory_is_found() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        touch(dir.path(), &["b.log", "b.log.000001", "a.log.000002.gz", ".b.log.next", "c.txt"]);
        fs::create_dir(dir.path().join("d.log")).expect("a directory");
        let logs = logs_in(dir.path()).expect("a listing");
        assert_eq!(logs, [dir.path().join("a.log"), dir.path().join("b.log")]);
    }

    #[test]
    fn segments_come_oldest_first_and_once() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        touch(
            dir.path(),
            &["a.log", "a.log.000010", "a.log.000002.gz", "a.log.000010.gz", "a.log.1", "b.log"],
        );
        let found = segments_of(dir.path().join("a.log")).expect("a listing");
        let seen: Vec<_> = found.iter().map(|file| (file.number, file.compressed)).collect();
        assert_eq!(seen, [(Some(2), true), (Some(10), false), (None, false)]);
        assert_eq!(found[0].len_bytes, "a.log.000002.gz".len() as u64);
    }

    #[test]
    fn a_missing_directory_is_named_in_the_error() {
        let error = logs_in("/nowhere/at/all").expect_err("no such directory");
        assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
    }
}
