//! Searches the files that a test has written for secrets.
//!
//! Each secret is searched for unchanged (in any ASCII case), escaped for JSON and URLs, in base64 at all three
//! alignments and in both alphabets, in hexadecimal, backwards, and cut by a length limit. Files are read in chunks:
//! memory grows with the longest secret, not with the longest file. A leak is reported by place and label; the secret
//! itself is not repeated.
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::forms::{Needle, needles};
use ringseal_base::storage::is_locked_here;

/// Shorter secrets occur in ordinary words.
const SECRET_BYTES_MIN: usize = 4;
/// Bytes of a file that are searched together, besides those kept from the chunk before.
const CHUNK_BYTES: usize = 1 << 20;

/// A secret that must not be found, with the label that names it in reports.
#[derive(Clone, PartialEq, Eq)]
pub struct Planted {
    label: String,
    text: String,
}

impl Planted {
    /// A secret `text` that reports name by `label`.
    pub fn new(label: impl Into<String>, text: impl Into<String>) -> Self {
        Self { label: label.into(), text: text.into() }
    }

    /// The name in reports.
    pub fn label(&self) -> &str {
        &self.label
    }
}

impl fmt::Debug for Planted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Planted({})", self.label)
    }
}

/// The label consists of the first and the last character and the length.
impl From<&str> for Planted {
    fn from(text: &str) -> Self {
        let ends = (text.chars().next(), text.chars().last());
        let label = match ends {
            (Some(first), Some(last)) => format!("{first}…{last} ({} bytes)", text.len()),
            _ => "an empty secret".into(),
        };
        Self::new(label, text)
    }
}

impl From<&String> for Planted {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

/// The pair is label and text.
impl From<(&str, &str)> for Planted {
    fn from((label, text): (&str, &str)) -> Self {
        Self::new(label, text)
    }
}

impl From<&Planted> for Planted {
    fn from(planted: &Planted) -> Self {
        planted.clone()
    }
}

/// The form in which a secret was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Form {
    /// Unchanged.
    Raw,
    /// In another case.
    OtherCase,
    /// Escaped for JSON, once or twice.
    Json,
    /// Percent-encoded, as in URLs.
    Url,
    /// In base64.
    Base64,
    /// In hexadecimal.
    Hex,
    /// Backwards.
    Reversed,
    /// Half of it or more, followed by the mark of a length limit or the end of the line.
    Cut,
}

/// A secret that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// The file.
    pub file: PathBuf,
    /// The number of the line in which it starts, from 1.
    pub line: u64,
    /// The secret's label.
    pub secret: String,
    /// The index of the secret among those given, from 0.
    pub index: usize,
    /// The form in which it was found.
    pub form: Form,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {} ({:?})", self.file.display(), self.line, self.secret, self.form)
    }
}

/// Panics if a file below `dir` contains one of `secrets` in any [form](Form). Needs the feature `testing`.
///
/// Compressed files are decompressed and searched (feature `compress`; without it they are an error).
///
/// Choose numbers of more than eight digits: the nanoseconds of a time have nine, so millions of lines contain a
/// shorter number by chance.
///
/// ```
/// use ringseal::{Config, Engine, info, testing::assert_no_leak};
/// let dir = tempfile::tempdir().unwrap();
/// let path = dir.path().join("app.log");
/// let engine = Engine::start(Config::new().panic_hook(false).file(&path)).unwrap();
/// info!(engine, "user_created", user.id = 42);
/// engine.stop().unwrap();
/// assert_no_leak(dir.path(), ["hunter2", "ann@example.com"]);
/// assert_no_leak(dir.path(), [("the database password", "correct-horse")]);
/// ```
///
/// # Panics
/// If a secret is found: the message names file, line and the secret's label. Also if there are no secrets, no bytes
/// to search, or a file cannot be read, because then nothing would be proven.
#[track_caller]
pub fn assert_no_leak<S: Into<Planted>>(
    dir: impl AsRef<Path>,
    secrets: impl IntoIterator<Item = S>,
) {
    let dir = dir.as_ref();
    let search = match search(dir, secrets) {
        Ok(search) => search,
        Err(error) => panic!("cannot search for leaks in {}: {error}", dir.display()),
    };
    assert!(search.bytes > 0, "expected files to search, found none: {}", dir.display());
    let shown: Vec<_> = search.leaks.iter().take(20).map(Leak::to_string).collect();
    assert!(
        search.leaks.is_empty(),
        "{} leaks in {} files:\n{}",
        search.leaks.len(),
        search.files,
        shown.join("\n")
    );
}

/// Like [`assert_no_leak`], but returns all leaks, by file and place. Needs the feature `testing`.
///
/// # Errors
/// If a file cannot be read, no secret is given, or a secret is shorter than four bytes.
pub fn find_leaks<S: Into<Planted>>(
    dir: impl AsRef<Path>,
    secrets: impl IntoIterator<Item = S>,
) -> io::Result<Vec<Leak>> {
    search(dir.as_ref(), secrets).map(|search| search.leaks)
}

struct Search {
    secrets: Vec<Planted>,
    needles: Vec<Needle>,
    automaton: AhoCorasick,
    leaks: Vec<Leak>,
    files: u64,
    bytes: u64,
}

fn search<S: Into<Planted>>(
    dir: &Path,
    secrets: impl IntoIterator<Item = S>,
) -> io::Result<Search> {
    let secrets: Vec<Planted> = secrets.into_iter().map(Into::into).collect();
    let short = secrets.iter().find(|secret| secret.text.len() < SECRET_BYTES_MIN);
    if let Some(short) = short {
        let why = format!("expected {SECRET_BYTES_MIN} bytes or more, found {short:?}");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    let needles: Vec<Needle> = secrets
        .iter()
        .enumerate()
        .flat_map(|(index, secret)| needles(index, &secret.text))
        .collect();
    if needles.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "expected secrets, found none"));
    }
    let automaton = AhoCorasick::builder()
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::ContiguousNFA))
        .ascii_case_insensitive(true)
        .build(needles.iter().map(|needle| &needle.text))
        .map_err(io::Error::other)?;
    let mut search = Search { secrets, needles, automaton, leaks: Vec::new(), files: 0, bytes: 0 };
    search.search_dir(dir)?;
    Ok(search)
}

impl Search {
    /// Searches all files below `dir` in order of their names. Links to directories are not followed. The lock files of
    /// running engines of this process, which are empty, are left out: opening and closing one would end its lock.
    fn search_dir(&mut self, dir: &Path) -> io::Result<()> {
        let mut entries = fs::read_dir(dir)?.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                self.search_dir(&path)?;
            } else if fs::metadata(&path)?.is_file() && !is_locked_here(&path) {
                let named = |error: io::Error| {
                    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
                };
                self.search_file(&path).map_err(named)?;
            }
        }
        Ok(())
    }

    fn search_file(&mut self, path: &Path) -> io::Result<()> {
        self.files += 1;
        let mut file = File::open(path)?;
        let mut magic = [0; 2];
        let len = read_full(&mut file, &mut magic)?;
        let whole = magic[..len].chain(file);
        if magic == [0x1F, 0x8B] {
            self.search_compressed(path, whole)
        } else {
            self.search_stream(path, whole)
        }
    }

    #[cfg(feature = "compress")]
    fn search_compressed(&mut self, path: &Path, from: impl Read) -> io::Result<()> {
        self.search_stream(path, flate2::read::MultiGzDecoder::new(from))
    }

    #[cfg(not(feature = "compress"))]
    fn search_compressed(&mut self, _path: &Path, _from: impl Read) -> io::Result<()> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "the file is compressed; searching it needs the feature `compress`",
        ))
    }

    fn search_stream(&mut self, path: &Path, mut from: impl Read) -> io::Result<()> {
        let longest = self.needles.iter().map(Needle::match_bytes_max).max().unwrap_or(0);
        let mut buffer = vec![0; CHUNK_BYTES + 2 * longest];
        // The first `kept` bytes are from the chunk before; needles that start in the first `searched` were reported.
        let (mut kept, mut searched, mut line) = (0, 0, 1_u64);
        loop {
            let read = read_full(&mut from, &mut buffer[kept..])?;
            self.bytes += read as u64;
            let (filled, is_end) = (kept + read, kept + read < buffer.len());
            // A place is searched once all bytes that a needle can reach from it are in the buffer.
            let until = if is_end { filled } else { filled - longest };
            self.search_chunk(path, &buffer[..filled], searched..until, is_end, line);
            if is_end {
                return Ok(());
            }
            let from_byte = until.saturating_sub(1);
            line += memchr::memchr_iter(b'\n', &buffer[..from_byte]).count() as u64;
            buffer.copy_within(from_byte..filled, 0);
            (kept, searched) = (filled - from_byte, until - from_byte);
        }
    }

    /// Reports needles that start within `places`; `line` is the line number of the first byte of `text`.
    fn search_chunk(
        &mut self,
        path: &Path,
        text: &[u8],
        places: Range<usize>,
        is_end: bool,
        line: u64,
    ) {
        let mut found: Vec<(usize, usize, Form)> = Vec::new();
        for hit in self.automaton.find_overlapping_iter(text) {
            let needle = &self.needles[hit.pattern().as_usize()];
            let form = needle.form_at(text, hit.start(), is_end);
            if let Some(form) = form.filter(|_| places.contains(&hit.start())) {
                found.push((hit.start(), needle.secret, form));
            }
        }
        // One leak per place and secret, in its plainest form.
        found.sort_unstable();
        found.dedup_by_key(|(at, secret, _)| (*at, *secret));
        let (mut counted, mut line) = (0, line);
        for (at, index, form) in found {
            line += memchr::memchr_iter(b'\n', &text[counted..at]).count() as u64;
            counted = at;
            let secret = self.secrets[index].label.clone();
            self.leaks.push(Leak { file: path.to_owned(), line, secret, index, form });
        }
    }
}

/// Fills `to`, or returns how many bytes there were if the stream ends first.
fn read_full(from: &mut impl Read, to: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while len < to.len() {
        match from.read(&mut to[len..]) {
            Ok(0) => break,
            Ok(more) => len += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}
