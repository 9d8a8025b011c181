//! Outputs: destinations of lines, each with a choice of events.
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;

use super::{Color, Format, InitError};
use crate::core::filter::Filter;
use crate::core::level::{Level, LevelFilter};
use crate::sink::Sink;
use crate::sink::console::{ConsoleSink, Stream};
use crate::sink::file::{FileConfig, FileSink};
use crate::sink::isolated::IsolatedSink;
use crate::writer::rotations::Rotations;
use crate::writer::stderr::Stderr;
use ringseal_base::clock::Clock;

/// One destination of the log, with its own format, level and filter.
///
/// ```
/// use ringseal::sink::file::{FileConfig, RotateEvery};
/// use ringseal::{Config, Format, Level, Output};
/// let file = FileConfig::new("/var/log/shop/app.log").rotate_every(RotateEvery::Hourly);
/// let config = Config::new()
///     .output(Output::file(file))
///     .output(Output::file("/var/log/shop/errors.log").level(Level::Error))
///     .output(Output::stderr().format(Format::Console).filter("warn,shop::payments=info".parse()?));
/// # Ok::<(), ringseal::ParseFilterError>(())
/// ```
///
/// Events first pass [`Config::filter`](crate::Config::filter): an output can take fewer events than the engine logs,
/// never more.
#[must_use = "an output does nothing until `Config::output` takes it"]
#[derive(Debug)]
pub struct Output {
    pub(super) destination: Destination,
    pub(super) format: Option<Format>,
    pub(super) level: LevelFilter,
    pub(super) filter: Option<Filter>,
}

/// The destination of lines.
pub(super) enum Destination {
    Stdout,
    Stderr,
    File(FileConfig),
    Custom(Box<dyn Sink>),
}

impl std::fmt::Debug for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}

impl Output {
    fn new(destination: Destination) -> Self {
        let level = LevelFilter::AtLeast(Level::Trace);
        Self { destination, format: None, level, filter: None }
    }

    /// A rotating file: a path, or a [`FileConfig`] with its settings.
    #[doc(alias = "RotatingFileHandler")]
    pub fn file(file: impl Into<FileConfig>) -> Self {
        Self::new(Destination::File(file.into()))
    }

    /// Standard output.
    #[doc(alias = "StdoutSink")]
    pub fn stdout() -> Self {
        Self::new(Destination::Stdout)
    }

    /// Standard error.
    pub fn stderr() -> Self {
        Self::new(Destination::Stderr)
    }

    /// A sink that the application implements.
    pub fn custom(sink: impl Sink + 'static) -> Self {
        Self::new(Destination::Custom(Box::new(sink)))
    }

    /// The format of this output's lines. Default: [`Config::format`](crate::Config::format).
    pub fn format(mut self, format: Format) -> Self {
        self.format = Some(format);
        self
    }

    /// Takes events at `level` and above. [`LevelFilter::Off`] takes none. Default: all that the engine logs.
    pub fn level(mut self, level: impl Into<LevelFilter>) -> Self {
        self.level = level.into();
        self
    }

    /// Takes events whose target and level pass `filter`, of those that pass [`Output::level`]. Default: all.
    ///
    /// The writer evaluates the filter once per call site, so a filter adds almost no cost per event. Events of
    /// [`Logger::dynamic`](crate::Logger::dynamic), which have no call site, are filtered one by one.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Rejects a level and a filter that no event can pass together.
    pub(super) fn check(&self) -> Result<(), InitError> {
        let Some(filter) = &self.filter else { return Ok(()) };
        let passes = |level: &Level| self.level.passes(*level) && filter.may_pass(*level);
        if self.level == LevelFilter::Off || Level::ALL.iter().any(passes) {
            return Ok(());
        }
        Err(InitError::Setting {
            setting: "output",
            expected: "a level and a filter that an event can pass together",
            found: format!("{}: level {}, filter {filter}", self.destination.name(), self.level),
        })
    }
}

impl Output {
    /// The log file, if it writes one.
    pub(in crate::engine) fn log_path(&self) -> Option<&Path> {
        self.destination.log_path()
    }

    /// Whether opening a file keeps no copy of a torn line.
    pub(super) fn discard_torn(&mut self, discards_torn: bool) {
        if let Destination::File(file) = &mut self.destination {
            file.discards_torn = discards_torn;
        }
    }

    /// The name of its sink.
    pub(in crate::engine) fn sink_name(&self) -> String {
        self.destination.name()
    }
}

impl Destination {
    pub(super) fn log_path(&self) -> Option<&Path> {
        match self {
            Destination::File(file) => Some(&file.path),
            _ => None,
        }
    }

    /// The name in the event `logging.configured`.
    pub(super) fn name(&self) -> String {
        match self {
            Destination::Stdout => "stdout".to_owned(),
            Destination::Stderr => "stderr".to_owned(),
            Destination::File(file) => format!("file:{}", file.path.display()),
            Destination::Custom(sink) => sink.name().to_owned(),
        }
    }

    pub(super) fn is_colored(&self, color: Color) -> bool {
        match (color, self) {
            (Color::Always, _) => true,
            (Color::Auto, Destination::Stdout) => std::io::stdout().is_terminal(),
            (Color::Auto, Destination::Stderr) => std::io::stderr().is_terminal(),
            _ => false,
        }
    }

    /// Opens the sink. The writer calls a lone sink itself; each of several sinks has its own thread, so that a slow
    /// sink does not delay the others.
    pub(super) fn open(
        self,
        clock: &dyn Clock,
        (stderr, rotations): (&Arc<Stderr>, Option<&Arc<Rotations>>),
        is_alone: bool,
        (batch_bytes_max, backups): (usize, Option<usize>),
    ) -> Result<Box<dyn Sink>, InitError> {
        let console = |stream| ConsoleSink::open(stream).map_err(InitError::Sink);
        let sink: Box<dyn Sink> = match self {
            Destination::Stdout => Box::new(console(Stream::Stdout)?),
            Destination::Stderr => Box::new(console(Stream::Stderr)?),
            Destination::File(file) => {
                let file = file.with_segments_max(backups);
                let sink = FileSink::open(file, clock.now()).map_err(InitError::Sink)?;
                if let Some(rotations) = rotations.map(Arc::clone) {
                    sink.on_rotation(move |rotation| rotations.notify(rotation));
                }
                Box::new(sink)
            }
            Destination::Custom(sink) => sink,
        };
        if is_alone {
            return Ok(sink);
        }
        let isolated = IsolatedSink::start(sink, batch_bytes_max);
        let isolated = isolated.map_err(|source| InitError::Thread { source })?;
        let stderr = Arc::clone(stderr);
        Ok(Box::new(isolated.reporting_to(Box::new(move |message| {
            stderr.write(format_args!("{message}"));
        }))))
    }
}
