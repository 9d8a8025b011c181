//! Arguments for the log files: directory, name, rotation, retention, compression.
use std::path::PathBuf;
use std::time::Duration;

use ringseal::sink::file::{FileConfig, RotateEvery};

use crate::size::parse_bytes;
use crate::time::parse_duration;

/// Directory, name, rotation and retention of log files.
///
/// All sealed segments are kept unless a `--keep` option limits them. (The library's file sink keeps 1 GiB.) The size
/// of the input is unknown, and a command whose exit code reports that every line is in place must not remove lines by
/// default.
#[derive(Debug, Clone, clap::Args)]
pub struct LogFileOptions {
    /// The log's directory; created if it does not exist.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
    /// The active file's name. It must end in `.log` so that `ringseal cat DIR` finds it. Sealed segments get the
    /// suffix `.000001` and so on.
    #[arg(long, value_name = "NAME", default_value = "app.log", value_parser = file_name)]
    pub name: String,
    /// Maximum size of a segment; a longer line gets a segment to itself. 0: no limit.
    #[arg(long, value_name = "BYTES", default_value = "10485760", value_parser = parse_bytes)]
    pub rotate_bytes: u64,
    /// When to start a new segment (UTC): never, hourly, daily, or at every multiple of a duration.
    #[arg(long, value_name = "WHEN", default_value = "daily", value_parser = parse_every)]
    pub rotate_every: RotateEvery,
    /// Keep this many sealed segments and remove older ones. [default: keep all]
    #[arg(long, value_name = "COUNT")]
    pub keep: Option<usize>,
    /// Keep this many bytes of sealed segments. [default: no limit]
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    pub keep_bytes: Option<u64>,
    /// Keep sealed segments for this long. [default: no age limit]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub keep_age: Option<Duration>,
    /// Compress sealed segments with gzip.
    #[arg(long)]
    pub compress: bool,
    /// Permissions of the files: exactly this octal number, or `umask` for what the process's umask allows.
    #[arg(long, value_name = "MODE", default_value = "644", value_parser = parse_mode)]
    pub file_mode: Mode,
    /// Permissions of the directory, if it is created.
    #[arg(long, value_name = "MODE", default_value = "700", value_parser = parse_mode)]
    pub dir_mode: Mode,
}

/// Permissions of files or directories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Exactly these bits.
    Exact(u32),
    /// What the process's umask allows.
    Umask,
}

impl Mode {
    /// The bits; `all` are those that a umask of 0 allows.
    fn bits(self, all: u32) -> u32 {
        match self {
            Mode::Exact(bits) => bits,
            Mode::Umask => all & !umask(),
        }
    }
}

/// The process's umask. The system can only replace it, so it is replaced twice.
#[cfg(unix)]
fn umask() -> u32 {
    use rustix::fs::Mode;
    use rustix::process::umask;
    let found = umask(Mode::from_raw_mode(0o077));
    umask(found);
    #[allow(clippy::useless_conversion, reason = "the type differs between systems")]
    u32::from(found.bits())
}

#[cfg(not(unix))]
fn umask() -> u32 {
    0
}

fn parse_mode(text: &str) -> Result<Mode, String> {
    let octal = text.strip_prefix("0o").unwrap_or(text);
    let bits = u32::from_str_radix(octal, 8).ok().filter(|bits| *bits <= 0o7777);
    match (text, bits) {
        ("umask", _) => Ok(Mode::Umask),
        (_, Some(bits)) if octal.bytes().all(|byte| byte.is_ascii_digit()) => Ok(Mode::Exact(bits)),
        _ => Err("expected an octal number such as 640, or `umask`".into()),
    }
}

impl LogFileOptions {
    /// The active file.
    pub fn path(&self) -> PathBuf {
        self.dir.join(&self.name)
    }

    /// The configuration of the file sink.
    pub fn sink_config(&self) -> FileConfig {
        FileConfig::new(self.path())
            .rotate_bytes_max(self.rotate_bytes)
            .rotate_every(self.rotate_every)
            .retain_segments_max(self.keep)
            .retain_bytes_max(self.keep_bytes)
            .retain_age_max(self.keep_age)
            .compress(self.compress)
            .file_mode(self.file_mode.bits(0o666))
            .dir_mode(self.dir_mode.bits(0o777))
    }
}

fn file_name(text: &str) -> Result<String, String> {
    if text.contains(['/', '\\', '\0']) || matches!(text, "" | "." | "..") {
        return Err("expected a file name without a directory".into());
    }
    // `logs_in` does not find other names: the log would seem lost.
    if text.starts_with('.') || !text.ends_with(".log") {
        let stem = text.trim_start_matches('.').trim_end_matches(".log");
        let stem = if stem.is_empty() { "app" } else { stem };
        return Err(format!(
            "expected a name that ends in .log and does not begin with a dot, such as {stem}.log: \
             `ringseal cat DIR` finds only such files"
        ));
    }
    Ok(text.to_owned())
}

fn parse_every(text: &str) -> Result<RotateEvery, String> {
    match text {
        "never" => Ok(RotateEvery::Never),
        "hourly" => Ok(RotateEvery::Hourly),
        "daily" => Ok(RotateEvery::Daily),
        span => parse_duration(span)
            .map(RotateEvery::Interval)
            .map_err(|_| "expected never, hourly, daily or a duration such as 15m".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotation_times_are_words_or_durations() {
        let cases = [
            ("never", Some(RotateEvery::Never)),
            ("hourly", Some(RotateEvery::Hourly)),
            ("daily", Some(RotateEvery::Daily)),
            ("15m", Some(RotateEvery::Interval(Duration::from_secs(900)))),
            ("0s", None),
            ("weekly", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_every(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn modes_are_octal_or_the_umask() {
        let cases = [
            ("640", Some(Mode::Exact(0o640))),
            ("0640", Some(Mode::Exact(0o640))),
            ("0o600", Some(Mode::Exact(0o600))),
            ("umask", Some(Mode::Umask)),
            ("", None),
            ("+640", None),
            ("689", None),
            ("17777", None),
            ("rw-r-----", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_mode(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_name_with_a_directory_is_refused() {
        for name in ["", ".", "..", "a/b.log", "/a.log", "a\0.log"] {
            assert!(file_name(name).is_err(), "{name:?}");
        }
        assert_eq!(file_name("app.log"), Ok("app.log".into()));
    }

    #[test]
    fn exactly_the_names_that_cat_finds_are_accepted() {
        let names =
            ["service", "service.log", ".log", ".a.log", "a.log.000001", "a.b.log", "a.txt"];
        for name in names {
            let dir = tempfile::tempdir().expect("a temporary directory");
            std::fs::write(dir.path().join(name), "x").expect("room");
            let logs = ringseal::sink::file::reader::logs_in(dir.path()).expect("a directory");
            let is_found = logs == [dir.path().join(name)];
            assert_eq!(file_name(name).is_ok(), is_found, "{name}");
        }
        let error = file_name("service").expect_err("no .log");
        assert!(error.contains("such as service.log: `ringseal cat DIR`"), "{error}");
    }
}
