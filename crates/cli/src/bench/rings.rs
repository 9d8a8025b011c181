//! `ringseal bench --rings`: what it costs that rings survive a kill.
//!
//! Each round measures both places of rings once, one after the other, so that other load affects both alike.
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, mpsc};
use std::time::Instant;

use ringseal::{Rings, info};

use super::advice::Spread;
use super::run::{RunSize, Sample, clock_name, measure_at, start};
use super::{Args, DEFAULT};
use crate::console::{ExitStatus, Failure};
use crate::progress::Meter;

/// Threads whose first event is timed, in each round.
const FIRST_EVENTS: usize = 20;

/// What one round has measured of one place.
#[derive(Debug, Clone, Copy)]
struct Round {
    sample: Sample,
    first_event_nanos: f64,
}

/// Measures rings in private memory and in a ring directory.
pub(super) fn run(
    args: &Args,
    rings: &Path,
    rounds: u64,
    size: RunSize,
) -> Result<ExitStatus, Failure> {
    let dir = args.dir.clone().unwrap_or_else(std::env::temp_dir);
    let rings = match rings.as_os_str() == "auto" {
        true => Rings::auto(),
        false => Rings::dir(rings).on_disk(true),
    };
    let places = [("memory", None), ("survives", Some(rings.require(true)))];
    let mut found: [Vec<Round>; 2] = [Vec::new(), Vec::new()];
    let mut meter = Meter::new(rounds * 2, "{bar:30} {pos} of {len}, {eta} left, {msg}");
    for round in 0..rounds as usize {
        for step in 0..places.len() {
            let at = (round + step) % places.len();
            let (name, rings) = &places[at];
            meter.set_message(|| format!("round {}: {name}", round + 1));
            found[at].push(measure(&dir, rings.as_ref(), size)?);
            meter.advance();
        }
    }
    let mut out = io::stdout().lock();
    match args.json {
        true => write_json(&mut out, &places.map(|(name, _)| name), &found)?,
        false => write_table(&mut out, &found, rounds, size)?,
    }
    Ok(ExitStatus::Success)
}

fn measure(dir: &Path, rings: Option<&Rings>, size: RunSize) -> Result<Round, Failure> {
    let first_event_nanos = first_event(dir, rings)?;
    let sample = measure_at(dir, DEFAULT, size, rings)?;
    Ok(Round { sample, first_event_nanos })
}

/// The median time in nanoseconds of the first event of threads that are all alive, so that each gets its own ring.
fn first_event(dir: &Path, rings: Option<&Rings>) -> Result<f64, Failure> {
    let dir = tempfile::tempdir_in(dir).map_err(Failure::of)?;
    let engine = start(dir.path(), DEFAULT, rings)?;
    let (alive, ended) = mpsc::channel::<()>();
    let ended = Mutex::new(ended);
    let mut nanos = std::thread::scope(|scope| {
        let times: Vec<_> = (0..FIRST_EVENTS)
            .map_while(|_| {
                let (engine, ended) = (&engine, &ended);
                let (send, time) = mpsc::channel();
                scope.spawn(move || {
                    let start = Instant::now();
                    info!(engine, "first");
                    let _ = send.send(start.elapsed().as_nanos());
                    // Until the sender is dropped.
                    let _ = ended.lock().map(|ended| ended.recv());
                });
                time.recv().ok()
            })
            .collect();
        drop(alive);
        times
    });
    engine.stop().map_err(Failure::of)?;
    nanos.sort_unstable();
    let middle = nanos.get(nanos.len() / 2);
    let middle = middle.ok_or_else(|| Failure::Message("no thread has logged".into()))?;
    Ok(*middle as f64)
}

/// Name, unit and spread of what a place's rounds have in common.
fn rows(rounds: &[Round]) -> [(&'static str, Spread); 5] {
    let spread = |value: fn(&Round) -> f64| Spread::of(rounds.iter().map(value));
    [
        ("events_per_second", spread(|round| round.sample.events_per_second)),
        ("cpu_nanos_per_event", spread(|round| round.sample.cpu_nanos_per_event)),
        ("call_p50_nanos", spread(|round| round.sample.latency.p50)),
        ("call_p99_nanos", spread(|round| round.sample.latency.p99)),
        ("first_event_nanos", spread(|round| round.first_event_nanos)),
    ]
}

fn write_table(
    out: &mut dyn Write,
    found: &[Vec<Round>; 2],
    rounds: u64,
    size: RunSize,
) -> io::Result<()> {
    writeln!(
        out,
        "{rounds} rounds of {} events and {} bursts, one thread, by {}; medians (lowest to highest round)\n",
        size.events,
        size.bursts,
        clock_name()
    )?;
    writeln!(
        out,
        "{:<20}  {:>30}  {:>30}  {:>6}",
        "", "private memory", "survives a kill", "ratio"
    )?;
    let [memory, survives] = [rows(&found[0]), rows(&found[1])];
    for ((name, one), (_, two)) in memory.into_iter().zip(survives) {
        let shown = |spread: &Spread| {
            let Spread { median, min, max } = spread;
            format!("{median:.0} ({min:.0} to {max:.0})")
        };
        let ratio = two.median / one.median;
        writeln!(out, "{name:<20}  {:>30}  {:>30}  {ratio:>6.2}", shown(&one), shown(&two))?;
    }
    Ok(())
}

fn write_json(out: &mut dyn Write, names: &[&str; 2], found: &[Vec<Round>; 2]) -> io::Result<()> {
    out.write_all(b"{")?;
    for (index, (name, rounds)) in names.iter().zip(found).enumerate() {
        let comma = if index > 0 { "," } else { "" };
        write!(out, "{comma}\"{name}\":{{")?;
        for (index, (key, Spread { median, min, max })) in rows(rounds).into_iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(
                out,
                "{comma}\"{key}\":{{\"median\":{median:.1},\"min\":{min:.1},\"max\":{max:.1}}}"
            )?;
        }
        out.write_all(b"}")?;
    }
    out.write_all(b"}\n")
}
