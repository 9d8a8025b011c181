//! The reader's access to a directory, as a trait, so that tests can let the writer act between any two calls.
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::super::names::NUMBER_MAX;
use super::LogReadError;

/// The identity of an open file or a name's file. While a file is open, no other file has its identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileId {
    /// The file system.
    device: u64,
    /// The file in it.
    inode: u64,
}

impl FileId {
    /// The identity of the file that `metadata` describes.
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self { device: metadata.dev(), inode: metadata.ino() }
    }

    /// Without inodes, the moment of creation identifies the file.
    #[cfg(not(unix))]
    pub(super) fn of(metadata: &Metadata) -> Self {
        let created = metadata.created().ok();
        let since = created.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        Self { device: 0, inode: since.map_or(0, |at| at.as_nanos() as u64) }
    }
}

/// A sealed segment in a directory listing. Both forms exist for a moment while it is being compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sealed {
    pub(super) number: u64,
    pub(super) plain: bool,
    pub(super) gz: bool,
}

/// One log's files.
pub(super) trait Directory: Send {
    /// Opens the active file, if there is one.
    fn open_active(&mut self) -> io::Result<Option<File>>;
    /// The identity of the active name's file.
    fn active_id(&mut self) -> io::Result<Option<FileId>>;
    /// Replaces the contents of `out` by the sealed segments, oldest first.
    fn list(&mut self, out: &mut Vec<Sealed>) -> io::Result<()>;
    /// Opens a sealed segment in one of its forms.
    fn open_sealed(&mut self, number: u64, gz: bool) -> io::Result<Option<File>>;
    /// The identity of the file under a sealed segment's plain name.
    fn sealed_id(&mut self, number: u64) -> io::Result<Option<FileId>>;
    /// Names of segments whose files cannot be segments, in the last listing; empties the list.
    fn take_foreign(&mut self) -> Vec<LogReadError> {
        Vec::new()
    }
    /// The path of a sealed segment, or of the active one, for messages.
    fn path(&self, number: Option<u64>, gz: bool) -> PathBuf;
}

/// A directory of the operating system.
#[derive(Debug)]
pub(super) struct OsDirectory {
    dir: PathBuf,
    base: OsString,
    foreign: Vec<LogReadError>,
}

impl OsDirectory {
    /// The log whose active file is `path`; `None` when the path has no file name.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let base = path.file_name()?.to_os_string();
        let dir = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
            _ => PathBuf::from("."),
        };
        Some(Self { dir, base, foreign: Vec::new() })
    }

    /// A name for messages about a stream.
    pub(super) fn named(name: &str) -> Self {
        Self { dir: PathBuf::new(), base: name.into(), foreign: Vec::new() }
    }
}

impl Directory for OsDirectory {
    fn open_active(&mut self) -> io::Result<Option<File>> {
        found(File::open(self.path(None, false)))
    }

    fn active_id(&mut self) -> io::Result<Option<FileId>> {
        Ok(found(fs::metadata(self.path(None, false)))?.map(|metadata| FileId::of(&metadata)))
    }

    fn list(&mut self, out: &mut Vec<Sealed>) -> io::Result<()> {
        out.clear();
        self.foreign.clear();
        let Some(entries) = found(fs::read_dir(&self.dir))? else { return Ok(()) };
        for entry in entries {
            let entry = entry?;
            let Some((number, gz)) = sealed_of(&self.base, &entry.file_name()) else { continue };
            match foreign(number, &entry) {
                None => out.push(Sealed { number, plain: !gz, gz }),
                Some(found) => {
                    let path = entry.path();
                    self.foreign.push(LogReadError::NotASegment { path, found });
                }
            }
        }
        out.sort_unstable_by_key(|sealed| sealed.number);
        out.dedup_by(|next, kept| {
            let same = next.number == kept.number;
            if same {
                kept.plain |= next.plain;
                kept.gz |= next.gz;
            }
            same
        });
        Ok(())
    }

    fn take_foreign(&mut self) -> Vec<LogReadError> {
        std::mem::take(&mut self.foreign)
    }

    fn open_sealed(&mut self, number: u64, gz: bool) -> io::Result<Option<File>> {
        let path = self.path(Some(number), gz);
        // Opening a pipe would wait for its other end.
        match found(fs::metadata(&path))? {
            Some(metadata) if metadata.is_file() => found(File::open(path)),
            _ => Ok(None),
        }
    }

    fn sealed_id(&mut self, number: u64) -> io::Result<Option<FileId>> {
        let metadata = found(fs::metadata(self.path(Some(number), false)))?;
        Ok(metadata.map(|metadata| FileId::of(&metadata)))
    }

    fn path(&self, number: Option<u64>, gz: bool) -> PathBuf {
        let mut name = self.base.clone();
        if let Some(number) = number {
            name.push(format!(".{number:06}"));
        }
        if gz {
            name.push(".gz");
        }
        self.dir.join(name)
    }
}

/// Why a file cannot be a segment. A link to a regular file can.
fn foreign(number: u64, entry: &fs::DirEntry) -> Option<&'static str> {
    if number > NUMBER_MAX {
        return Some("a segment number above 999999999999");
    }
    let kind = entry.file_type().ok()?;
    // A file that vanishes meanwhile is not foreign.
    let is_file = || fs::metadata(entry.path()).map_or(true, |metadata| metadata.is_file());
    match () {
        () if kind.is_file() || kind.is_symlink() && is_file() => None,
        () if kind.is_dir() => Some("a directory"),
        () if kind.is_symlink() => Some("a link to something other than a file"),
        () => Some("a pipe, socket or device"),
    }
}

/// The number of a sealed segment of `base`, and whether the name is that of its compressed form.
fn sealed_of(base: &OsStr, name: &OsStr) -> Option<(u64, bool)> {
    let rest = name.as_encoded_bytes().strip_prefix(base.as_encoded_bytes())?.strip_prefix(b".")?;
    sealed_number(rest)
}

/// Parses `000001` or `000001.gz`. A number has one name: six digits, more only if needed.
fn sealed_number(suffix: &[u8]) -> Option<(u64, bool)> {
    let (digits, gz) = match suffix.strip_suffix(b".gz") {
        Some(digits) => (digits, true),
        None => (suffix, false),
    };
    let canonical = digits.len() == 6 || (digits.len() > 6 && digits[0] != b'0');
    if !canonical || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // A number beyond 64 bits is above the highest one, too.
    Some((str::from_utf8(digits).ok()?.parse().unwrap_or(u64::MAX), gz))
}

/// The base name of the log that `name` belongs to: itself, or the part before a segment number, if that ends in
/// `.log`. Hidden files belong to no log.
pub(super) fn log_of(name: &OsStr) -> Option<String> {
    let name = name.to_str()?;
    if name.starts_with('.') {
        return None;
    }
    let name = name
        .strip_suffix(".gz")
        .unwrap_or(name)
        .rsplit_once('.')
        .and_then(|(base, digits)| sealed_number(digits.as_bytes()).map(|_| base))
        .unwrap_or(name);
    name.ends_with(".log").then(|| name.to_owned())
}

/// Turns `NotFound` into `None`.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_number_has_one_name() {
        let cases: [(&str, Option<(u64, bool)>); 14] = [
            ("app.log.000001", Some((1, false))),
            ("app.log.000001.gz", Some((1, true))),
            ("app.log.1234567", Some((1_234_567, false))),
            ("app.log.18446744073709551615", Some((u64::MAX, false))),
            ("app.log.99999999999999999999999999.gz", Some((u64::MAX, true))),
            ("app.log.0000001", None),
            ("app.log.00001", None),
            ("app.log.1", None),
            ("app.log.1.gz", None),
            ("app.log.00000a", None),
            ("app.log", None),
            ("app.log.000001.gz.gz", None),
            (".app.log.000001.gz", None),
            ("other.log.000001", None),
        ];
        for (name, expected) in cases {
            assert_eq!(sealed_of(OsStr::new("app.log"), OsStr::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn names_belong_to_the_log_before_their_number() {
        let cases = [
            ("app.log", Some("app.log")),
            ("app.log.000007", Some("app.log")),
            ("app.log.000007.gz", Some("app.log")),
            ("a.b.log.123456", Some("a.b.log")),
            (".app.log.next", None),
            ("app.log.1", None),
            ("app.txt", None),
            ("app.txt.000001", None),
            ("app.log.gz", None),
        ];
        for (name, expected) in cases {
            assert_eq!(log_of(OsStr::new(name)).as_deref(), expected, "{name}");
        }
    }
}
