//! `ringseal recover`: writes what the logs of killed processes miss, without the next start of the program.
//!
//! Promises: a home is removed only after its lines were written, to a file with a sync. A home of a live process, of
//! another log, or that cannot be read is left as it is and reported.
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ringseal::Level;

use crate::cat::parse_level;
use crate::console::{ExitStatus, Failure, write_stderr};
use crate::redact::RuleOptions;
use crate::rings::homes::{self, Home, Status};

mod dry_run;
mod into_log;
mod lines;

use lines::Target;

const EXAMPLES: &str = "\
Examples:
  ringseal recover /dev/shm/shop --dry-run
                                         count what is missing in which sink
  ringseal recover /dev/shm/shop --into /var/log/shop/app.log
                                         write it where the next start would
  ringseal recover /dev/shm/shop --stdout --keep
                                         show it and leave everything as it is
  ringseal recover 4711 --watch --into app.log
                                         when process 4711 ends, however it ends
  ringseal recover DIR --into old.log --after-power-loss

--into FILE recovers all homes in the directory whose log is FILE, each line once, also if the command is \
killed and run again. Set LOG_FORMAT and the variables of the service as for the program, so that the lines \
look alike. The log must not be in use.

--stdout and --into with --force-log write one JSON line for each event that at least one of the sinks misses. \
Every recovered line has `\"recovered\":true`, or \"maybe_repeated\" if it may be in place: a stream cannot be \
asked. A home with records that cannot be read is set aside instead of removed: it is renamed to HOME.aside, \
and recovered only if it is named. A home with audit events that are not sealed yet is left to the next start \
of the program.

--after-power-loss is for homes on a disk, of which some pages may be older than others. Their lines are marked \
\"unsure\", may be incomplete or in the log, and go to standard output or to a new file; the home is set aside.

Exit codes: 0 nothing is left, 1 something was left or set aside (reported on standard error), 2 wrong usage \
or could not run.";

/// How often `--watch` asks.
const WATCH_INTERVAL: Duration = Duration::from_millis(50);

/// Writes what the logs of killed processes miss.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[command(override_usage = "ringseal recover <--dry-run|--stdout|--into FILE> [OPTIONS] <HOME>")]
#[command(group = clap::ArgGroup::new("mode").required(true).args(["dry_run", "stdout", "into"]))]
pub struct Args {
    /// A directory of homes, one home, or in the default directory the number of a process or the identifier of a
    /// run.
    #[arg(value_name = "DIR|HOME|PID")]
    home: PathBuf,
    /// Only say what is missing.
    #[arg(long)]
    dry_run: bool,
    /// Write the missing lines to standard output, then remove the homes.
    #[arg(long)]
    stdout: bool,
    /// Write the missing lines into this log, then remove the homes.
    #[arg(long, value_name = "FILE")]
    into: Option<PathBuf>,
    /// Write the lines of any log into FILE, which must not exist.
    #[arg(long, requires = "into", conflicts_with_all = ["stdout", "dry_run"])]
    force_log: bool,
    /// With --stdout: leave the homes as they are.
    #[arg(long, requires = "stdout", conflicts_with_all = ["into", "dry_run"])]
    keep: bool,
    /// Only homes from before the machine was started, whose lines are unsure. With --into, FILE must not exist.
    #[arg(long, conflicts_with = "watch")]
    after_power_loss: bool,
    /// Wait until the processes of the homes have ended.
    #[arg(long, conflicts_with = "dry_run")]
    watch: bool,
    /// Only events of this level and above; the others are dropped with the home.
    #[arg(short, long, value_name = "LEVEL", value_parser = parse_level, default_value = "trace")]
    level: Level,
    /// Write events as they were logged, with secrets and personal data.
    #[arg(long, conflicts_with = "RuleOptions")]
    unredacted: bool,
    #[command(flatten)]
    rules: RuleOptions,
}

/// Runs the command.
///
/// # Errors
/// If there is no such home, or the lines cannot be written.
pub fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let mut found = homes::resolve(&args.home)?;
    if args.watch {
        wait_for_end(&found);
        found = found.iter().filter_map(|home| homes::read(&home.dir)).collect();
    }
    let is_named = found.iter().any(|home| home.dir == args.home);
    let (chosen, mut left) = choose(found, args.after_power_loss, is_named);
    match &args.into {
        _ if args.dry_run => left += dry_run::run(&chosen, args)?,
        Some(path) if args.force_log || args.after_power_loss => {
            if !chosen.is_empty() {
                left += lines::run(&chosen, args, Target::new_file(path)?)?;
            }
        }
        Some(path) => left += into_log::run(&chosen, path, args)?,
        None => left += lines::run(&chosen, args, Target::stdout())?,
    }
    Ok(if left == 0 { ExitStatus::Success } else { ExitStatus::Findings })
}

/// Waits until no process has one of these homes.
fn wait_for_end(homes: &[Home]) {
    // A lock that cannot be asked for is reported later.
    while homes.iter().any(|home| homes::is_locked(&home.dir).unwrap_or(false)) {
        std::thread::sleep(WATCH_INTERVAL);
    }
}

/// The homes to recover, and how many are left because they cannot be.
fn choose(homes: Vec<Home>, after_power_loss: bool, is_named: bool) -> (Vec<Home>, u64) {
    let mut left = 0;
    let mut chosen = Vec::new();
    for home in homes {
        match why_left(&home, after_power_loss, is_named) {
            None => chosen.push(home),
            Some(reason) => {
                report_left(&home.dir, &reason);
                left += 1;
            }
        }
    }
    (chosen, left)
}

/// Why a home is not recovered.
fn why_left(home: &Home, after_power_loss: bool, is_named: bool) -> Option<String> {
    let is_old = home.facts.as_ref().is_some_and(|facts| !facts.is_same_boot);
    match &home.status {
        Status::Alive => Some("its process is alive; --watch waits for its end".into()),
        Status::Recovering => Some("another process recovers it".into()),
        Status::Unreadable(reason) => Some(reason.clone()),
        Status::Aside if !is_named => Some("it was set aside; name it to recover it".into()),
        Status::Ended => None,
        _ if is_old && !after_power_loss => Some(
            "the machine has restarted since, so its pages may be from any time; see --after-power-loss".into(),
        ),
        _ if !is_old && after_power_loss => Some("it is not from before the machine started".into()),
        Status::Aside | Status::OldBoot | Status::Dead => None,
    }
}

fn report_left(dir: &Path, reason: &str) {
    write_stderr(format_args!("left {}: {reason}", dir.display()));
}

/// An error of a call on a home's files.
fn failed(dir: &Path, error: &io::Error) -> Failure {
    Failure::Message(format!("{}: {error}", dir.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(status: Status) -> Home {
        Home { dir: "/dev/shm/x/home".into(), status, facts: None }
    }

    #[test]
    fn only_the_dead_are_chosen() {
        let unread = Status::Unreadable("other bytes".into());
        let all = [Status::Alive, Status::Recovering, Status::Dead, Status::Ended, Status::Aside];
        let homes: Vec<Home> = all.into_iter().chain([unread]).map(home).collect();
        let (chosen, left) = choose(homes.clone(), false, false);
        let chosen: Vec<&Status> = chosen.iter().map(|home| &home.status).collect();
        assert_eq!((chosen, left), (vec![&Status::Dead, &Status::Ended], 4));
        // A home that was set aside has to be named.
        assert_eq!(choose(homes, false, true).1, 3);
    }
}
