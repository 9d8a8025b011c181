//! Settings of a log file.
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::names::Names;
use crate::sink::SinkError;

/// The method of writing lines to the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WriteMode {
    /// `O_APPEND` and vectored writes. Keeps every promise.
    #[default]
    Append,
    /// Stores into a memory mapping. It also survives truncation by other processes and a full disk, but for the time
    /// of one copy a reader may see zeros at the end of the file. Linux only. It registers a handler for SIGBUS.
    Mmap,
}

/// When a segment is sealed because of its age. Times are UTC, shifted by [`FileConfig::rotate_offset_seconds`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RotateEvery {
    /// Only size decides.
    Never,
    /// At every full hour.
    Hourly,
    /// At midnight.
    #[default]
    Daily,
    /// At every multiple of this, counted from 1970-01-01T00:00:00Z, so that a restart does not shift the moment.
    Interval(Duration),
}

/// How many bytes of sealed segments are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RetainBytes {
    /// 1 GiB, or 5 % of the file system if that is less; the newest segment is kept in any case. No limit if segments
    /// are limited by number: a limit by age alone bounds no bytes.
    #[default]
    Automatic,
    /// No limit.
    Unlimited,
    /// At most this many bytes.
    AtMost(u64),
}

impl RetainBytes {
    /// The automatic limit on a file system of this many bytes.
    pub(super) fn automatic(capacity_bytes: Option<u64>) -> u64 {
        let known = capacity_bytes.filter(|bytes| *bytes > 0);
        known.map_or(u64::MAX, |bytes| bytes / 20).min(1 << 30)
    }
}

impl From<u64> for RetainBytes {
    fn from(bytes: u64) -> Self {
        RetainBytes::AtMost(bytes)
    }
}

impl From<Option<u64>> for RetainBytes {
    /// `None` is no limit.
    fn from(bytes: Option<u64>) -> Self {
        bytes.map_or(RetainBytes::Unlimited, RetainBytes::AtMost)
    }
}

/// Settings of a [`FileSink`](super::FileSink). Make one with [`FileConfig::new`] and change it
/// field by field or in a chain.
///
/// ```
/// use ringseal::sink::file::{FileConfig, RotateEvery};
/// let config = FileConfig::new("/var/log/shop/app.log")
///     .rotate_bytes_max(64 << 20)
///     .rotate_every(RotateEvery::Hourly)
///     .retain_segments_max(Some(24));
/// assert_eq!(config.file_mode, 0o644);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileConfig {
    /// The active file; its directory is created if it is missing.
    pub path: PathBuf,
    /// The method of writing lines to the file.
    pub write_mode: WriteMode,
    /// Stretches lines with spaces so that none crosses a 4096-byte boundary of the file, which keeps readers from
    /// seeing half a line. Costs 2 to 5 % of space with lines of a few hundred bytes.
    pub page_align: bool,
    /// A segment is sealed before it would exceed this length in bytes; 0 for no limit. A longer line gets a separate
    /// segment.
    pub rotate_bytes_max: u64,
    /// A segment is sealed at these times if it is not empty.
    pub rotate_every: RotateEvery,
    /// Shifts the times of `rotate_every`: 3600 makes `Daily` rotate at 01:00 UTC, -7200 at 22:00 UTC.
    pub rotate_offset_seconds: i64,
    /// Sealed segments to keep ("backups"), including compressed ones; the oldest are removed first. `None`, the
    /// default, sets no limit by number.
    pub retain_segments_max: Option<usize>,
    /// Sealed segments that were last modified longer ago than this are removed.
    pub retain_age_max: Option<Duration>,
    /// Bytes that all sealed segments together may take; the oldest are removed first. The default,
    /// [`RetainBytes::Automatic`], is 1 GiB or less.
    pub retain_bytes_max: RetainBytes,
    /// Permission bits of the directory if the sink creates it.
    pub dir_mode: u32,
    /// Permission bits of every file that the sink creates.
    pub file_mode: u32,
    /// Permission bits of the lock file, also if it exists with wider ones. Default 0o600: a process that may open the
    /// file can hold a lock on it and so keep the log from starting. 0o660 lets two users of a group write the log in
    /// turn, with `dir_mode` 0o770 and `file_mode` 0o660 or 0o664. The file of the log's id is created with the same
    /// bits.
    pub lock_mode: u32,
    /// Compress sealed segments with gzip on the helper thread. Needs the crate feature `compress`.
    pub compress: bool,
    /// With `compress`, sealed segments stay plain until they were last modified longer ago than this. `None`, the
    /// default, compresses them at once. As compressing modifies them, `retain_age_max` counts from there.
    pub compress_after: Option<Duration>,
    /// Opening the log cuts a torn line and does not keep it: it is going to be written again whole.
    pub(crate) discards_torn: bool,
}

impl Default for FileConfig {
    fn default() -> Self {
        Self {
            path: PathBuf::from("app.log"),
            write_mode: WriteMode::Append,
            page_align: true,
            rotate_bytes_max: 10_485_760,
            rotate_every: RotateEvery::Daily,
            rotate_offset_seconds: 0,
            retain_segments_max: None,
            retain_age_max: None,
            retain_bytes_max: RetainBytes::Automatic,
            dir_mode: 0o700,
            file_mode: 0o644,
            lock_mode: 0o600,
            compress: false,
            compress_after: None,
            discards_torn: false,
        }
    }
}

impl<P: AsRef<Path>> From<P> for FileConfig {
    /// The defaults, for this active file.
    fn from(path: P) -> Self {
        Self::new(path)
    }
}

macro_rules! setters {
    ($($field:ident: $kind:ty),* $(,)?) => {
        $(
            #[doc = concat!("Sets the field [`", stringify!($field), "`](#structfield.",
                stringify!($field), ").")]
            #[must_use]
            pub fn $field(mut self, $field: $kind) -> Self {
                self.$field = $field;
                self
            }
        )*
    };
}

impl FileConfig {
    /// The defaults for this active file.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned(), ..Self::default() }
    }

    setters! {
        write_mode: WriteMode,
        page_align: bool,
        rotate_bytes_max: u64,
        rotate_every: RotateEvery,
        rotate_offset_seconds: i64,
        retain_segments_max: Option<usize>,
        retain_age_max: Option<Duration>,
        dir_mode: u32,
        file_mode: u32,
        lock_mode: u32,
        compress: bool,
        compress_after: Option<Duration>,
    }

    /// Sets the field [`retain_bytes_max`](#structfield.retain_bytes_max): a number of bytes, or `None` for no limit.
    #[must_use]
    pub fn retain_bytes_max(mut self, bytes: impl Into<RetainBytes>) -> Self {
        self.retain_bytes_max = bytes.into();
        self
    }

    /// With this limit of segments, if it has none.
    pub(crate) fn with_segments_max(mut self, max: Option<usize>) -> Self {
        self.retain_segments_max = self.retain_segments_max.or(max);
        self
    }

    /// Rejects invalid settings; returns the log's names.
    pub(super) fn check(&self) -> Result<Names, SinkError> {
        let bad = |field, expected, found| Err(SinkError::Config { field, expected, found });
        if self.rotate_every == RotateEvery::Interval(Duration::ZERO) {
            return bad("rotate_every", "an interval longer than zero", "0 s".to_owned());
        }
        if self.compress && !cfg!(feature = "compress") {
            return bad(
                "compress",
                "a build with the feature `compress`",
                "one without".to_owned(),
            );
        }
        if self.write_mode == WriteMode::Mmap && !cfg!(target_os = "linux") {
            return bad("write_mode", "`Append`, or Linux", "`Mmap` on another system".to_owned());
        }
        let modes = [
            ("dir_mode", self.dir_mode),
            ("file_mode", self.file_mode),
            ("lock_mode", self.lock_mode),
        ];
        for (field, mode) in modes {
            if mode > 0o7777 {
                return bad(field, "permission bits up to 0o7777", format!("{mode:#o}"));
            }
        }
        // Absolute, because the working directory may change while the sink lives.
        match std::path::absolute(&self.path).ok().and_then(|path| Names::of(&path)) {
            Some(names) => Ok(names),
            None => bad("path", "a path that ends in a file name", self.path.display().to_string()),
        }
    }

    /// The length that no segment exceeds.
    pub(super) fn len_max(&self) -> u64 {
        if self.rotate_bytes_max == 0 { u64::MAX } else { self.rotate_bytes_max }
    }
}
