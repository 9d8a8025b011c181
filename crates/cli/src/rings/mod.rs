//! `ringseal rings`: what processes have in rings that outlive them.
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ringseal::internals::recover::{HomeFacts, SinkFacts};
use ringseal::system::{Clock, SystemClock};

use crate::console::{ExitStatus, Failure, write_safe};
use crate::redact::escape::quoted;
use crate::size::{format_bytes, format_count};
use crate::time::write_millis;

pub mod homes;

use homes::{Home, Status};

const EXAMPLES: &str = "\
Examples:
  ringseal rings                         those of this user in /dev/shm
  ringseal rings /dev/shm/shop --json    of another directory, for programs
  ringseal peek 4711                     show what waits in its rings
  ringseal recover /dev/shm/shop --dry-run

A program with Config::survive_kill keeps its rings in a directory, its home. If it is killed, its \
next start writes what is missing in the log; `ringseal recover` does the same without it.

STATUS is alive, being recovered, dead, dead before boot (the machine has restarted since), ended (nothing \
is left), set aside (recovery failed three times, or was unsure) or unreadable. WAITING is the size of the \
records that wait in the rings, some of which may be in the log already; LOST counts events that were lost \
and not reported yet. CLOCK is the age of the last note of the time, which a live process makes about every \
second.

Exit codes: 0 the directory was read, also if it is empty or missing and none was named, 2 wrong usage or \
the directory cannot be read.";

/// Shows the rings that live and killed processes have in files.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The directory with the homes. [default: /dev/shm/ringseal-UID]
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Print a JSON array with an object for each home.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// If the directory cannot be read.
pub fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let found = match &args.dir {
        Some(dir) => find(dir)?,
        None => find_default()?,
    };
    let now = SystemClock.now().unix_nanos;
    let mut out = io::stdout().lock();
    if args.json {
        let homes: Vec<String> = found.iter().map(to_json).collect();
        writeln!(out, "[{}]", homes.join(",\n"))?;
    } else {
        write_table(&found, now, &mut out)?;
    }
    Ok(ExitStatus::Success)
}

fn find(dir: &Path) -> Result<Vec<Home>, Failure> {
    homes::find(dir).map_err(|error| Failure::Message(format!("{}: {error}", dir.display())))
}

/// The homes in the default directory, which the first program makes.
fn find_default() -> Result<Vec<Home>, Failure> {
    let dir = homes::default_dir()?;
    if dir.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Ok(Vec::new());
    }
    find(&dir)
}

const HEADINGS: [&str; 8] = ["RUN", "STATUS", "PID", "SINCE", "LANES", "WAITING", "LOST", "CLOCK"];

fn write_table(homes: &[Home], now: i64, out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<[String; 8]> = homes.iter().map(|home| row(home, now)).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([HEADINGS[column].len()]).max().unwrap_or(0)
    };
    let widths: [usize; 8] = std::array::from_fn(width);
    write_row(&HEADINGS, &widths, out)?;
    for (home, row) in homes.iter().zip(&rows) {
        write_row(row, &widths, out)?;
        write_details(home, out)?;
    }
    Ok(())
}

fn write_row(cells: &[impl AsRef<str>], widths: &[usize], out: &mut dyn Write) -> io::Result<()> {
    let cells = cells.iter().zip(widths);
    let line: Vec<String> =
        cells.map(|(cell, width)| format!("{:width$}", cell.as_ref())).collect();
    write_safe(line.join("  ").trim_end(), out)?;
    out.write_all(b"\n")
}

fn row(home: &Home, now: i64) -> [String; 8] {
    let Some(facts) = &home.facts else {
        let mut row = std::array::from_fn(|_| "-".to_owned());
        (row[0], row[1]) = (home.name(), home.status.as_str().to_owned());
        return row;
    };
    [
        home.run_id(),
        home.status.as_str().to_owned(),
        facts.run.pid.to_string(),
        time(facts.run.started_unix_nanos),
        facts.rings.to_string(),
        format_bytes(facts.waiting_bytes),
        format_count(facts.lost.total()),
        age(facts.clock_unix_nanos, now),
    ]
}

/// What has no column: the reason, the sinks, and what is unusual.
fn write_details(home: &Home, out: &mut dyn Write) -> io::Result<()> {
    let mut details = Vec::new();
    if let Status::Unreadable(reason) = &home.status {
        details.push(reason.clone());
    }
    if let Some(facts) = &home.facts {
        details.extend(facts.sinks.iter().map(|(sink, lines)| {
            format!("{}: {} lines in place", sink.name, format_count(*lines))
        }));
        if facts.unreadable_rings > 0 {
            details.push(format!("{} rings are damaged", facts.unreadable_rings));
        }
        if facts.unbacked_lanes > 0 {
            let lanes = facts.unbacked_lanes;
            details.push(format!("{lanes} lanes are in private memory and do not survive a kill"));
        }
        if facts.has_failed {
            details.push("recovery has failed too often".into());
        }
    }
    for detail in details {
        out.write_all(b"  ")?;
        write_safe(&detail, out)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// A moment in UTC.
pub(crate) fn time(unix_nanos: i64) -> String {
    String::from_utf8_lossy(&write_millis(unix_nanos)).into_owned()
}

fn age(since: i64, now: i64) -> String {
    if since == 0 {
        return "-".into();
    }
    let seconds = now.saturating_sub(since).max(0) as f64 / 1e9;
    match seconds {
        ..120.0 => format!("{seconds:.1} s"),
        ..7200.0 => format!("{:.0} min", seconds / 60.0),
        ..172_800.0 => format!("{:.0} h", seconds / 3600.0),
        _ => format!("{:.0} d", seconds / 86_400.0),
    }
}

fn to_json(home: &Home) -> String {
    let mut members = vec![
        format!("\"dir\":{}", quoted(&home.dir.to_string_lossy())),
        format!("\"status\":{}", quoted(home.status.as_str())),
    ];
    if let Status::Unreadable(reason) = &home.status {
        members.push(format!("\"reason\":{}", quoted(reason)));
    }
    if let Some(facts) = &home.facts {
        members.push(facts_to_json(facts));
    }
    format!("{{{}}}", members.join(","))
}

fn facts_to_json(facts: &HomeFacts) -> String {
    let sinks: Vec<String> = facts.sinks.iter().map(sink_to_json).collect();
    let clock = match facts.clock_unix_nanos {
        0 => "null".into(),
        nanos => quoted(&time(nanos)),
    };
    let HomeFacts { rings, waiting_bytes, unreadable_rings, unbacked_lanes, .. } = facts;
    format!(
        "\"run_id\":{},\"program\":{},\"pid\":{},\"started\":{},\"clock\":{clock},\"lanes\":{rings},\
         \"waiting_bytes\":{waiting_bytes},\"lost\":{},\"unreadable_rings\":{unreadable_rings},\
         \"unbacked_lanes\":{unbacked_lanes},\"has_failed\":{},\"sinks\":[{}]",
        quoted(&facts.run.run_id),
        quoted(&facts.run.program),
        facts.run.pid,
        quoted(&time(facts.run.started_unix_nanos)),
        facts.lost.total(),
        facts.has_failed,
        sinks.join(",")
    )
}

fn sink_to_json((sink, lines): &(SinkFacts, u64)) -> String {
    format!("{{\"name\":{},\"lines\":{lines}}}", quoted(&sink.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_a_fitting_unit() {
        let second = 1_000_000_000;
        for (seconds, expected) in
            [(0, "0.0 s"), (119, "119.0 s"), (600, "10 min"), (10_800, "3 h"), (864_000, "10 d")]
        {
            assert_eq!(age(1, 1 + seconds * second), expected);
        }
        assert_eq!((age(0, 5), age(second, 0)), ("-".into(), "0.0 s".into()));
    }

    #[test]
    fn an_unreadable_home_has_a_row() {
        let status = Status::Unreadable("no \u{1b}[31mmagic".into());
        let home = Home { dir: "/dev/shm/x/a\"b".into(), status, facts: None };
        let mut out = Vec::new();
        write_table(std::slice::from_ref(&home), 0, &mut out).expect("room");
        let text = String::from_utf8(out).expect("UTF-8");
        assert!(text.contains("a\"b") && text.contains("no \\u001b[31mmagic"), "{text}");
        let value: serde_json::Value = serde_json::from_str(&to_json(&home)).expect("JSON");
        assert_eq!(value["status"], "unreadable");
    }
}
