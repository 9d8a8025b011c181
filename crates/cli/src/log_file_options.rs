//! The arguments that say where lines go and how long they stay.
use std::path::PathBuf;
use std::time::Duration;

use ringseal::sink::file::{FileConfig, RotateEvery};

use crate::size::parse_bytes;
use crate::time::parse_duration;

/// Where lines go, when files rotate and which of them are kept.
///
/// All are, unless one of the `--keep` options says otherwise. (A file sink of the library keeps
/// five.) What an input holds is not known beforehand, and a command whose exit code says that
/// every line is in place must not remove some of them by itself.
#[derive(Debug, Clone, clap::Args)]
pub struct LogFileOptions {
    /// The directory of the log; created if it is missing.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
    /// The name of the active file, ending in `.log`: by that `ringseal cat DIR` finds it. Sealed
    /// segments get `.000001` and so on behind it.
    #[arg(long, value_name = "NAME", default_value = "app.log", value_parser = file_name)]
    pub name: String,
    /// No segment grows beyond this; a longer single line gets one of its own. 0: no limit.
    #[arg(long, value_name = "BYTES", default_value = "10485760", value_parser = parse_bytes)]
    pub rotate_bytes: u64,
    /// Begin a new segment at these times (UTC): never, hourly, daily, or every multiple of a span.
    #[arg(long, value_name = "WHEN", default_value = "daily", value_parser = parse_every)]
    pub rotate_every: RotateEvery,
    /// Keep this many sealed segments and remove older ones. [default: all are kept]
    #[arg(long, value_name = "COUNT")]
    pub keep: Option<usize>,
    /// Keep this many bytes of sealed segments. [default: no limit]
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    pub keep_bytes: Option<u64>,
    /// Keep sealed segments for this long. [default: for ever]
    #[arg(long, value_name = "SPAN", value_parser = parse_duration)]
    pub keep_age: Option<Duration>,
    /// Compress sealed segments with gzip.
    #[arg(long)]
    pub compress: bool,
}

impl LogFileOptions {
    /// The active file.
    pub fn path(&self) -> PathBuf {
        self.dir.join(&self.name)
    }

    /// What the file sink needs to know.
    pub fn sink_config(&self) -> FileConfig {
        FileConfig::new(self.path())
            .rotate_bytes_max(self.rotate_bytes)
            .rotate_every(self.rotate_every)
            .retain_segments_max(self.keep)
            .retain_bytes_max(self.keep_bytes)
            .retain_age_max(self.keep_age)
            .compress(self.compress)
    }
}

fn file_name(text: &str) -> Result<String, String> {
    if text.contains(['/', '\\', '\0']) || matches!(text, "" | "." | "..") {
        return Err("expected the name of a file, without a directory".into());
    }
    // What `logs_in` would not find is a log that seems to be lost.
    if text.starts_with('.') || !text.ends_with(".log") {
        let stem = text.trim_start_matches('.').trim_end_matches(".log");
        let stem = if stem.is_empty() { "app" } else { stem };
        return Err(format!(
            "expected a name that ends in .log and does not begin with a dot, such as {stem}.log: \
             `ringseal cat DIR` finds logs by it"
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
            .map_err(|_| "expected never, hourly, daily or a span such as 15m".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_rotation_are_words_or_spans() {
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
    fn a_name_with_a_directory_is_refused() {
        for name in ["", ".", "..", "a/b.log", "/a.log", "a\0.log"] {
            assert!(file_name(name).is_err(), "{name:?}");
        }
        assert_eq!(file_name("app.log"), Ok("app.log".into()));
    }

    #[test]
    fn a_name_that_cat_would_not_find_is_refused_and_one_that_it_finds_is_not() {
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
