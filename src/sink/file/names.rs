//! The names of a log's files, and reading them back from a directory.
//!
//! `app.log` is the active segment. Sealed ones have permanent, increasing numbers: `app.log.000001`, compressed
//! `app.log.000001.gz`. The other files are internal: `.app.log.next` (the prepared next segment), `.app.log.last` (the
//! highest assigned number), `.app.log.lock` (held by the one process that writes), `.app.log.id` (the log's id, see
//! [`super::log_id`]), `.app.log.000001.gz.partial` (unfinished compression), `app.log.torn` (torn lines that were cut
//! on start), `NAME.aside-1` (what was in place of a file and is none, see [`super::foreign`]).
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf, absolute};

use ringseal_base::storage::Storage;

const NUMBER_DIGITS: usize = 6;
/// The highest number of a segment. A name with a higher one is not a segment's: no log gets there, and the numbers
/// after it must not overflow.
pub(super) const NUMBER_MAX: u64 = 999_999_999_999;
const COMPRESSED: &str = ".gz";
const PARTIAL: &str = ".gz.partial";

/// The names of one log.
#[derive(Debug, Clone)]
pub(super) struct Names {
    pub dir: PathBuf,
    pub active: PathBuf,
    pub next: PathBuf,
    pub last: PathBuf,
    pub last_partial: PathBuf,
    pub torn: PathBuf,
    pub lock: PathBuf,
    pub id: PathBuf,
    pub id_partial: PathBuf,
    base: OsString,
}

impl Names {
    /// The names that belong to an active file's absolute path; `None` if it has no file name.
    pub fn of(path: &Path) -> Option<Names> {
        let base = path.file_name()?.to_owned();
        let dir = path.parent()?.to_owned();
        Some(Names {
            active: path.to_owned(),
            next: dir.join(joined(&[".".as_ref(), &base, ".next".as_ref()])),
            last: dir.join(joined(&[".".as_ref(), &base, ".last".as_ref()])),
            last_partial: dir.join(joined(&[".".as_ref(), &base, ".last.partial".as_ref()])),
            lock: dir.join(joined(&[".".as_ref(), &base, ".lock".as_ref()])),
            id: dir.join(joined(&[".".as_ref(), &base, ".id".as_ref()])),
            id_partial: dir.join(joined(&[".".as_ref(), &base, ".id.partial".as_ref()])),
            torn: dir.join(joined(&[&base, ".torn".as_ref()])),
            dir,
            base,
        })
    }

    /// The names that belong to an active file's path; relative ones start at the working directory.
    pub fn of_any(path: &Path) -> io::Result<Names> {
        Names::of(&absolute(path)?).ok_or_else(|| io::ErrorKind::InvalidInput.into())
    }

    /// `app.log.000001`
    pub fn sealed(&self, number: u64) -> PathBuf {
        self.numbered("", number, "")
    }

    /// `app.log.000001.gz`
    pub fn compressed(&self, number: u64) -> PathBuf {
        self.numbered("", number, COMPRESSED)
    }

    /// `.app.log.000001.gz.partial`
    pub fn partial(&self, number: u64) -> PathBuf {
        self.numbered(".", number, PARTIAL)
    }

    fn numbered(&self, before: &str, number: u64, after: &str) -> PathBuf {
        let tail = format!(".{number:0NUMBER_DIGITS$}{after}");
        self.dir.join(joined(&[before.as_ref(), &self.base, tail.as_ref()]))
    }

    /// The log's files in the directory, sorted by number.
    pub fn found(&self, storage: &dyn Storage) -> io::Result<Found> {
        let mut found = Found::default();
        for name in storage.list(&self.dir)? {
            self.add_name(&name, &mut found);
        }
        found.sealed.sort_unstable();
        Ok(found)
    }

    fn add_name(&self, name: &OsStr, found: &mut Found) {
        let bytes = name.as_encoded_bytes();
        if let Some((number, tail)) = self.number_of(bytes) {
            match tail {
                b"" => found.sealed.push(SealedName { number, compressed: false }),
                tail if tail == COMPRESSED.as_bytes() => {
                    found.sealed.push(SealedName { number, compressed: true });
                }
                _ => {}
            }
        } else if let Some((number, tail)) =
            bytes.strip_prefix(b".").and_then(|b| self.number_of(b))
            && tail == PARTIAL.as_bytes()
        {
            found.partial.push(number);
        }
    }

    /// The number after the base name, and the rest of the name. Only the form that [`Names::sealed`] writes counts.
    fn number_of<'a>(&self, name: &'a [u8]) -> Option<(u64, &'a [u8])> {
        let rest = name.strip_prefix(self.base.as_encoded_bytes())?.strip_prefix(b".")?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, tail) = rest.split_at(digits);
        let canonical = digits.len() == NUMBER_DIGITS
            || digits.len() > NUMBER_DIGITS && digits.first() != Some(&b'0');
        let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
        (canonical && (1..=NUMBER_MAX).contains(&number)).then_some((number, tail))
    }
}

/// A sealed segment's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SealedName {
    pub number: u64,
    pub compressed: bool,
}

impl SealedName {
    pub fn path(&self, names: &Names) -> PathBuf {
        if self.compressed { names.compressed(self.number) } else { names.sealed(self.number) }
    }
}

/// A log's files in its directory.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Sorted by number; for equal numbers, the plain name comes before the compressed one.
    pub sealed: Vec<SealedName>,
    /// Numbers of unfinished compressions.
    pub partial: Vec<u64>,
}

impl Found {
    /// The highest number in use.
    pub fn highest(&self) -> u64 {
        self.sealed.last().map_or(0, |sealed| sealed.number)
    }
}

fn joined(parts: &[&OsStr]) -> OsString {
    let mut name = OsString::new();
    for part in parts {
        name.push(part);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringseal_base::storage::faulty::FaultyDisk;

    #[test]
    fn similar_foreign_names_are_ignored() {
        let names = Names::of(Path::new("/logs/app.log")).unwrap();
        let disk = FaultyDisk::new(Path::new("/logs"));
        let ours = [
            names.sealed(2),
            names.compressed(2),
            names.compressed(1),
            names.sealed(999_999),
            names.sealed(1_000_000),
            names.partial(7),
            names.sealed(NUMBER_MAX),
        ];
        let others = [
            "app.log",
            "app.log.0000001",
            "app.log.000000",
            "app.log.00001",
            "app.log.1",
            "app.log.000001.bz2",
            "app.log.000001.gz.partial",
            ".app.log.000003",
            ".app.log.000003.gz",
            "app.log.99999999999999999999999999",
            "app.log.18446744073709551615",
            "app.log.1000000000000",
            "app.log.000003.aside-1",
            "app.log.torn",
            ".app.log.id",
            ".app.log.id.partial",
            "app.logs.000001",
            "other.log.000001",
            "app.log.00000a",
        ];
        let others = others.iter().map(|name| names.dir.join(name));
        for path in ours.into_iter().chain(others) {
            disk.put(&path, b"");
        }
        let found = names.found(&disk).unwrap();
        let sealed: Vec<_> = found.sealed.iter().map(|s| (s.number, s.compressed)).collect();
        let expected = [
            (1, true),
            (2, false),
            (2, true),
            (999_999, false),
            (1_000_000, false),
            (NUMBER_MAX, false),
        ];
        assert_eq!(sealed, expected);
        assert_eq!(found.partial, [7]);
        assert_eq!(found.highest(), NUMBER_MAX);
        for sealed in found.sealed {
            assert!(disk.files().contains_key(&sealed.path(&names)));
        }
    }

    #[test]
    fn a_path_without_file_name_has_no_names() {
        assert!(Names::of(Path::new("/")).is_none());
        assert!(Names::of(Path::new("/logs/..")).is_none());
    }
}
