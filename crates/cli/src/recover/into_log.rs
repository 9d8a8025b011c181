//! Recovers homes into their log, by a short run of the engine: the same code as a start of the program.
use std::path::{Path, PathBuf};
use std::time::Duration;

use ringseal::internals::recover::DeadHome;
use ringseal::sink::file::{FileConfig, RotateEvery};
use ringseal::{
    Config, Engine, Filter, Level, LevelFilter, Output, Recovery, RecoveryReport, Rings,
};

use super::lines::HAS_AUDIT;
use super::{Args, report_left};
use crate::console::{Failure, write_stderr};
use crate::rings::homes::{self, Home};
use crate::size::format_count;

/// Recovery is as long as it is.
const NO_TIMEOUT: Duration = Duration::from_secs(100 * 365 * 86_400);

/// The variables that say how the lines of a service look.
const VARIABLES: [&str; 5] =
    ["LOG_FORMAT", "SERVICE_TYPE", "APP_VERSION", "ENVIRONMENT", "PROJECT_NAME"];

/// Recovers all homes beside these whose log is `path`. Returns how many of these are left.
pub(super) fn run(found: &[Home], path: &Path, args: &Args) -> Result<u64, Failure> {
    if !path.exists() {
        let path = path.display();
        return Err(Failure::Message(format!(
            "{path}: expected the log of the homes, found no file; --force-log writes any lines into a new one"
        )));
    }
    let mut dirs: Vec<&Path> = found.iter().filter_map(|home| home.dir.parent()).collect();
    dirs.dedup();
    for dir in dirs {
        if has_audit_events(dir) {
            report_left(dir, HAS_AUDIT);
            continue;
        }
        let report = recover(dir, path, args)?;
        for run in &report.runs {
            let lines = format_count(run.lines);
            let (id, pid) = (&run.run_id, run.pid);
            write_stderr(match &run.error {
                None => format!("run {id} (process {pid}): {lines} lines"),
                Some(error) => format!("run {id} (process {pid}): {error}"),
            });
        }
        // Of the homes that were not chosen, the reason is known.
        for (home, reason) in &report.left {
            if found.iter().any(|chosen| chosen.dir == *home) {
                report_left(home, reason);
            }
        }
    }
    Ok(found.iter().filter(|home| is_left(&home.dir)).count() as u64)
}

/// Whether a home in this directory has audit events: the engine would set it aside.
fn has_audit_events(ring_dir: &Path) -> bool {
    let dead = homes::find(ring_dir).unwrap_or_default().into_iter().filter(|home| !home.is_live());
    let looked = dead.filter_map(|home| DeadHome::look(&homes::storage(), &home.dir).ok());
    looked.into_iter().any(|home| home.has_journal())
}

fn is_left(dir: &Path) -> bool {
    let mut aside = dir.to_owned().into_os_string();
    aside.push(".aside");
    homes::read(dir).is_some() || PathBuf::from(aside).exists()
}

/// Runs an engine until everything is recovered.
fn recover(ring_dir: &Path, path: &Path, args: &Args) -> Result<RecoveryReport, Failure> {
    let engine = Engine::start(config(ring_dir, path, args)?).map_err(Failure::of)?;
    let report = engine.recovered().unwrap_or_default();
    engine.stop().map_err(Failure::of)?;
    Ok(report)
}

fn config(ring_dir: &Path, path: &Path, args: &Args) -> Result<Config, Failure> {
    let read = |name: &str| VARIABLES.contains(&name).then(|| std::env::var(name).ok()).flatten();
    let config = Config::from_variables(read).map_err(Failure::of)?;
    let config = match args.unredacted {
        true => config.no_redaction(),
        false => config.redact(args.rules.rule_set()?),
    };
    // The program rotates the log and removes segments; here nothing is removed.
    let file = FileConfig::new(path)
        .rotate_bytes_max(0)
        .rotate_every(RotateEvery::Never)
        .retain_bytes_max(None);
    Ok(config
        .filter(Filter::new(LevelFilter::AtLeast(Level::Trace)))
        .output(Output::file(file).level(args.level))
        .survive_kill(Rings::dir(ring_dir).on_disk(true).require(true))
        .recovery(Recovery::Wait(NO_TIMEOUT))
        .flush_timeout(NO_TIMEOUT)
        .shutdown_timeout(NO_TIMEOUT))
}
