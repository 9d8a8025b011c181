//! Writes missing lines as JSON to standard output or a new file.
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ringseal::LevelFilter;
use ringseal::internals::recover::{
    DeadHome, From, Mark, Showing, SinkPlace, State, is_aside, show, show_stage, sink_place,
};

use super::{Args, failed, report_left};
use crate::console::{Failure, write_stderr};
use crate::peek::redaction;
use crate::progress::Progress;
use crate::rings::homes::{self, Home};
use crate::size::format_count;

/// Where lines go.
pub(super) struct Target {
    out: Box<dyn Write + Send>,
    /// The file, to sync it.
    file: Option<(PathBuf, File)>,
    progress: Progress,
}

impl Target {
    pub(super) fn stdout() -> Target {
        Target { out: Box::new(io::stdout()), file: None, progress: Progress::new(0) }
    }

    /// A new file, which only this user can read.
    pub(super) fn new_file(path: &Path) -> Result<Target, Failure> {
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| failed(path, &error))?;
        let again = file.try_clone().map_err(|error| failed(path, &error))?;
        let progress = Progress::without_output(0);
        Ok(Target { out: Box::new(again), file: Some((path.to_owned(), file)), progress })
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        self.progress.add(line.len());
        self.out.write_all(line)
    }

    /// Passes everything on to where it survives.
    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()?;
        match &self.file {
            Some((_, file)) => file.sync_all(),
            None => Ok(()),
        }
    }

    /// The failure of a call that writes to it.
    fn failure(&self, error: io::Error) -> Failure {
        match &self.file {
            Some((path, _)) => failed(path, &error),
            None => Failure::Output(error),
        }
    }
}

/// Writes the lines of these homes. Returns how many of them are left.
pub(super) fn run(found: &[Home], args: &Args, mut target: Target) -> Result<u64, Failure> {
    let waiting = found.iter().filter_map(|home| Some(home.facts.as_ref()?.waiting_bytes)).sum();
    target.progress = match target.file {
        Some(_) => Progress::without_output(waiting),
        None => Progress::new(waiting),
    };
    target.out = Box::new(io::BufWriter::with_capacity(256 * 1024, target.out));
    let target = Arc::new(Mutex::new(target));
    let mut left = 0;
    for home in found {
        match recover(&home.dir, args, &target)? {
            Outcome::Removed => {}
            Outcome::Left(reason) => {
                report_left(&home.dir, &reason);
                left += 1;
            }
        }
    }
    Ok(left)
}

/// Why a home with audit events is left.
pub(super) const HAS_AUDIT: &str =
    "it has audit events, which only the next start of the program can seal";

/// What became of a home.
enum Outcome {
    Removed,
    Left(String),
}

fn recover(dir: &Path, args: &Args, target: &Arc<Mutex<Target>>) -> Result<Outcome, Failure> {
    let home = match DeadHome::claim(&homes::storage(), dir) {
        Ok(home) => home,
        Err(error) => return Ok(Outcome::Left(homes::reason(error))),
    };
    let failed = |error| failed(dir, &error);
    if matches!(home.image.state, Some(State::Clean | State::Drained)) {
        return if args.keep { Ok(Outcome::Left("--keep".into())) } else { remove(&home) };
    }
    if home.has_journal() && !args.after_power_loss {
        return Ok(Outcome::Left(HAS_AUDIT.into()));
    }
    let (lines, unreadable) = write_lines(&home, args, target)?;
    lock(target).finish().map_err(|error| lock(target).failure(error))?;
    report(&home, lines);
    if args.keep {
        return Ok(Outcome::Left("--keep".into()));
    }
    let is_set_aside = unreadable > 0 || args.after_power_loss;
    if !is_set_aside {
        return remove(&home);
    }
    if is_aside(dir) {
        return Ok(Outcome::Left("it stays set aside".into()));
    }
    let aside = home.set_aside().map_err(failed)?;
    let reason = match unreadable {
        0 => "its lines are unsure".into(),
        count => format!("{count} of its records or rings cannot be read"),
    };
    Ok(Outcome::Left(format!("{reason}; it was set aside as {}", aside.display())))
}

fn remove(home: &DeadHome) -> Result<Outcome, Failure> {
    home.remove().map_err(|error| failed(home.dir(), &error))?;
    Ok(Outcome::Removed)
}

fn report(home: &DeadHome, lines: u64) {
    let run = &home.image.run;
    let count = format_count(lines);
    write_stderr(format_args!("run {} (process {}): {count} lines", run.run_id, run.pid));
}

fn lock(target: &Mutex<Target>) -> MutexGuard<'_, Target> {
    target.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the number of lines, and of what cannot be read.
fn write_lines(
    home: &DeadHome,
    args: &Args,
    target: &Arc<Mutex<Target>>,
) -> Result<(u64, u64), Failure> {
    let places = places(home).map_err(|error| failed(home.dir(), &error))?;
    let failure = |error: io::Error| match error.get_ref() {
        Some(inner) if inner.is::<TargetError>() => lock(target).failure(inner_kind(&error)),
        _ => failed(home.dir(), &error),
    };
    let again = Arc::clone(target);
    let mut take = move |line: &[u8]| lock(&again).write(line).map_err(TargetError::wrap);
    // An earlier recovery had made all lines.
    if home.image.state == Some(State::Delivering)
        && let Some((sink, done)) = least_done(home, &places)
    {
        return show_stage(home, sink, done, &mut take).map(|lines| (lines, 0)).map_err(failure);
    }
    let showing = Showing {
        from: if args.after_power_loss { From::Head } else { From::Missing(places) },
        level: LevelFilter::AtLeast(args.level),
        redaction: redaction(args.unredacted, &args.rules)?,
        mark: Some(if args.after_power_loss { Mark::Unsure } else { Mark::Recovered }),
        ..Showing::default()
    };
    let shown = show(home, &showing, Box::new(take)).map_err(failure)?;
    Ok((shown.lines, shown.unreadable))
}

/// How far each sink is.
pub(super) fn places(home: &DeadHome) -> io::Result<Vec<(usize, SinkPlace)>> {
    let sinks = 0..home.image.sinks.len();
    sinks.map(|sink| Ok((sink, sink_place(home, sink)?))).collect()
}

/// The sink of whose stage the fewest lines are in place, among those with a stage.
fn least_done(home: &DeadHome, places: &[(usize, SinkPlace)]) -> Option<(usize, u64)> {
    let staged = places.iter().filter(|(sink, _)| home.image.sinks[*sink].stage_bytes > 0);
    staged
        .filter_map(|(sink, place)| Some((*sink, place.stage_done?)))
        .min_by_key(|(_, done)| *done)
}

/// An error of the target, not of the home.
#[derive(Debug)]
struct TargetError(io::Error);

impl TargetError {
    fn wrap(error: io::Error) -> io::Error {
        io::Error::new(error.kind(), TargetError(error))
    }
}

impl std::fmt::Display for TargetError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for TargetError {}

/// An error of this kind and text.
fn inner_kind(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), error.to_string())
}
