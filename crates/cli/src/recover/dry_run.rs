//! Says what recovery would write, and changes nothing.
use std::io::{self, Write};

use ringseal::LevelFilter;
use ringseal::internals::recover::{DeadHome, From, Showing, SinkPlace, State, show, show_stage};

use super::lines::places;
use super::{Args, failed, report_left};
use crate::console::{Failure, write_safe};
use crate::peek::redaction;
use crate::rings::homes::{self, Home};
use crate::rings::time;
use crate::size::format_count;

/// Reports on these homes. Returns how many there are.
pub(super) fn run(found: &[Home], args: &Args) -> Result<u64, Failure> {
    let mut out = io::stdout().lock();
    for home in found {
        match DeadHome::look(&homes::storage(), &home.dir) {
            Ok(looked) => describe(&looked, args, &mut out)?,
            Err(error) => report_left(&home.dir, &homes::reason(error)),
        }
    }
    Ok(found.len() as u64)
}

fn describe(home: &DeadHome, args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    let run = &home.image.run;
    let since = time(run.started_unix_nanos);
    let heading = format!("run {} (process {}, since {since})", run.run_id, run.pid);
    write_safe(&heading, out)?;
    writeln!(out)?;
    if matches!(home.image.state, Some(State::Clean | State::Drained)) {
        writeln!(out, "  nothing is missing")?;
        return Ok(());
    }
    let places = places(home).map_err(|error| failed(home.dir(), &error))?;
    for (sink, place) in places {
        let (missing, unreadable) = count(home, sink, &place, args)?;
        let text = describe_sink(home, sink, &place, (missing, unreadable));
        write_safe(&text, out)?;
        writeln!(out)?;
    }
    Ok(())
}

fn describe_sink(
    home: &DeadHome,
    sink: usize,
    place: &SinkPlace,
    (missing, unreadable): (u64, u64),
) -> String {
    let name = &home.image.sinks[sink].facts.name;
    let done = format_count(place.lines + place.stage_done.unwrap_or(0));
    let mut text = format!("  {name}: {done} lines in place, {} missing", format_count(missing));
    let unsure = place.unsure.min(missing);
    if unsure > 0 {
        text.push_str(&format!(" of which {} may be in place", format_count(unsure)));
    }
    if place.is_log_missing {
        text.push_str("; the log is not there, so this is what it said last");
    }
    if unreadable > 0 {
        text.push_str(&format!("; {unreadable} records or rings cannot be read"));
    }
    text
}

/// How many lines a sink misses, and how much cannot be read.
fn count(
    home: &DeadHome,
    sink: usize,
    place: &SinkPlace,
    args: &Args,
) -> Result<(u64, u64), Failure> {
    let failed = |error| failed(home.dir(), &error);
    if let Some(done) = place.stage_done {
        let lines = show_stage(home, sink, done, &mut |_| Ok(())).map_err(failed)?;
        return Ok((lines, 0));
    }
    let showing = Showing {
        from: From::Missing(vec![(sink, place.clone())]),
        level: LevelFilter::AtLeast(args.level),
        redaction: redaction(args.unredacted, &args.rules)?,
        ..Showing::default()
    };
    let shown = show(home, &showing, Box::new(|_| Ok(()))).map_err(failed)?;
    Ok((shown.lines, shown.unreadable))
}
