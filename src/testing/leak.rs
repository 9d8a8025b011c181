//! Looks for secrets in whatever a test has written.
//!
//! Each secret is looked for as it is (in any ASCII case), as JSON and URLs write it, in base64 at all three
//! alignments and in both alphabets, in hexadecimal, backwards, and with its end taken by a length limit. Files are
//! read in stretches: memory is that of the longest secret, not of the longest file. What is found is told by place
//! and label; the secret itself is not repeated.
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::forms::{Needle, needles};

/// Shorter secrets would be found in ordinary words.
const SECRET_BYTES_MIN: usize = 4;
/// Bytes of a file that are looked at together, besides what is carried over.
const STRETCH_BYTES: usize = 1 << 20;

/// A secret that must not be found, and what it is called.
#[derive(Clone, PartialEq, Eq)]
pub struct Planted {
    label: String,
    text: String,
}

impl Planted {
    /// `label` is what a report says instead of `text`.
    pub fn new(label: impl Into<String>, text: impl Into<String>) -> Self {
        Self { label: label.into(), text: text.into() }
    }

    /// What a report calls it.
    pub fn label(&self) -> &str {
        &self.label
    }
}

impl fmt::Debug for Planted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Planted({})", self.label)
    }
}

/// The label is the first and the last character and the length.
impl From<&str> for Planted {
    fn from(text: &str) -> Self {
        let ends = (text.chars().next(), text.chars().last());
        let label = match ends {
            (Some(first), Some(last)) => format!("{first}…{last} ({} bytes)", text.len()),
            _ => "an empty one".into(),
        };
        Self::new(label, text)
    }
}

impl From<&String> for Planted {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

/// Label and text.
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

/// How a secret was written where it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Form {
    /// As it is.
    Raw,
    /// In another case.
    OtherCase,
    /// As JSON writes it, once or twice over.
    Json,
    /// With percent signs, as URLs write it.
    Url,
    /// In base64.
    Base64,
    /// In hexadecimal.
    Hex,
    /// Backwards.
    Reversed,
    /// Half of it or more, and then the mark of a length limit or the end of the line.
    Cut,
}

/// A secret that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// The file.
    pub file: PathBuf,
    /// The line that it begins in, from 1.
    pub line: u64,
    /// The secret's label.
    pub secret: String,
    /// Which of the secrets it is, from 0.
    pub index: usize,
    /// How it was written.
    pub form: Form,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {} ({:?})", self.file.display(), self.line, self.secret, self.form)
    }
}

/// Panics when one of `secrets` stands in a file below `dir`, in any of the [forms](Form) that it could take.
///
/// Compressed files are looked into as well (feature `compress`; without it they are an error).
///
/// A number of eight digits stands in millions of lines by chance: the nanoseconds of a time are nine. Take longer
/// ones.
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
/// When one is found: tells file and line, and the label of the secret. Also when there is nothing to look for or
/// nothing to look at, or a file cannot be read: that would prove nothing.
#[track_caller]
pub fn assert_no_leak<S: Into<Planted>>(
    dir: impl AsRef<Path>,
    secrets: impl IntoIterator<Item = S>,
) {
    let dir = dir.as_ref();
    let search = match search(dir, secrets) {
        Ok(search) => search,
        Err(error) => panic!("cannot look for leaks in {}: {error}", dir.display()),
    };
    assert!(search.bytes > 0, "no leak can be found where nothing is: {}", dir.display());
    let told: Vec<_> = search.leaks.iter().take(20).map(Leak::to_string).collect();
    assert!(
        search.leaks.is_empty(),
        "{} leaks in {} files:\n{}",
        search.leaks.len(),
        search.files,
        told.join("\n")
    );
}

/// The same without panicking: everything that was found, by file and place.
///
/// # Errors
/// When a file cannot be read, no secret is given, or one is shorter than four bytes.
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
    search.dir(dir)?;
    Ok(search)
}

impl Search {
    /// Everything below `dir`, in the order of the names. Links to directories are not followed.
    fn dir(&mut self, dir: &Path) -> io::Result<()> {
        let mut entries = fs::read_dir(dir)?.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                self.dir(&path)?;
            } else if fs::metadata(&path)?.is_file() {
                let named = |error: io::Error| {
                    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
                };
                self.file(&path).map_err(named)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> io::Result<()> {
        self.files += 1;
        let mut file = File::open(path)?;
        let mut magic = [0; 2];
        let len = read_full(&mut file, &mut magic)?;
        let whole = magic[..len].chain(file);
        if magic == [0x1F, 0x8B] { self.compressed(path, whole) } else { self.stream(path, whole) }
    }

    #[cfg(feature = "compress")]
    fn compressed(&mut self, path: &Path, from: impl Read) -> io::Result<()> {
        self.stream(path, flate2::read::MultiGzDecoder::new(from))
    }

    #[cfg(not(feature = "compress"))]
    fn compressed(&mut self, _path: &Path, _from: impl Read) -> io::Result<()> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "is compressed; needs the feature `compress`",
        ))
    }

    fn stream(&mut self, path: &Path, mut from: impl Read) -> io::Result<()> {
        let longest = self.needles.iter().map(Needle::reach).max().unwrap_or(0);
        let mut buffer = vec![0; STRETCH_BYTES + 2 * longest];
        // `kept` bytes at the front were searched already, but for what may reach beyond them.
        let (mut kept, mut settled, mut line) = (0, 0, 1_u64);
        loop {
            let read = read_full(&mut from, &mut buffer[kept..])?;
            self.bytes += read as u64;
            let (filled, is_end) = (kept + read, kept + read < buffer.len());
            // A place is judged once, when everything that belongs to it is there.
            let until = if is_end { filled } else { filled - longest };
            self.stretch(path, &buffer[..filled], settled..until, is_end, line);
            if is_end {
                return Ok(());
            }
            let from_byte = until.saturating_sub(1);
            line += memchr::memchr_iter(b'\n', &buffer[..from_byte]).count() as u64;
            buffer.copy_within(from_byte..filled, 0);
            (kept, settled) = (filled - from_byte, until - from_byte);
        }
    }

    /// Looks for needles that start in `places`; `line` is that of the stretch's first byte.
    fn stretch(&mut self, path: &Path, text: &[u8], places: Range<usize>, is_end: bool, line: u64) {
        let mut found: Vec<(usize, usize, Form)> = Vec::new();
        for hit in self.automaton.find_overlapping_iter(text) {
            let needle = &self.needles[hit.pattern().as_usize()];
            let form = needle.judge(text, hit.start(), is_end);
            if let Some(form) = form.filter(|_| places.contains(&hit.start())) {
                found.push((hit.start(), needle.secret, form));
            }
        }
        // One finding for each place and secret: the plainest form.
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

/// Fills `to` unless the stream ends before.
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
