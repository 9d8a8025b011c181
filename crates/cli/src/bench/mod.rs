//! `ringseal bench`: finds ring and batch sizes for this machine.
//!
//! Each round measures every setting once, so that other load on the machine affects all settings alike; the result is
//! the median over the rounds.
use std::io::{self, Write};
use std::path::PathBuf;

use clap::value_parser;

use crate::console::{ExitStatus, Failure};
use crate::progress::Meter;
use crate::size::format_bytes;

mod advice;
mod rings;
mod run;

use advice::{Advice, NOISE_MAX, Spread, Summary, advise, noise};
use run::{RunSize, Sample, clock_name, measure};

const EXAMPLES: &str = "\
Examples:
  ringseal bench                      every setting, five rounds
  ringseal bench --quick              fewer settings, shorter runs, three rounds
  ringseal bench --dir /var/log       on the disk that will hold the logs
  ringseal bench --json > bench.json  as JSON for other programs
  ringseal bench --rings --quick      what it costs that events survive a kill

Throughput: one thread logs as fast as it can, until the last line is in the file. Latency: bursts of 20 \
calls with pauses of 40 µs; a call's latency is the mean of its burst. Each round measures both; the \
output shows the medians of all rounds.

Exit codes: 0 done, 2 wrong usage or could not run.";

/// Measures rings and batches of several sizes on this machine, and recommends one of each.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Fewer settings, shorter runs, three rounds instead of five.
    #[arg(long)]
    quick: bool,
    /// Print the result as one JSON object.
    #[arg(long)]
    json: bool,
    /// Directory for the log files, which are removed afterwards. [default: the system's directory for temporary files]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Compare rings in private memory with rings that survive a kill, with the default sizes. They are in DIR, on a
    /// disk too, or where `LOG_RING_DIR=auto` puts them.
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = "auto")]
    rings: Option<PathBuf>,
    /// Events per throughput run.
    #[arg(long, value_name = "COUNT", value_parser = value_parser!(u64).range(1000..=100_000_000))]
    events: Option<u64>,
    /// Number of rounds.
    #[arg(long, value_name = "COUNT", value_parser = value_parser!(u64).range(1..=100))]
    rounds: Option<u64>,
}

/// The sizes that vary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Setting {
    ring_bytes: usize,
    batch_bytes: usize,
}

/// The engine's defaults.
const DEFAULT: Setting = Setting { ring_bytes: 1 << 20, batch_bytes: 1 << 20 };

const KIB: usize = 1 << 10;
const RINGS: [usize; 5] = [64 * KIB, 256 * KIB, 1024 * KIB, 4096 * KIB, 8192 * KIB];
const RINGS_QUICK: [usize; 3] = [64 * KIB, 1024 * KIB, 8192 * KIB];
const BATCHES: [usize; 4] = [64 * KIB, 256 * KIB, 1024 * KIB, 4096 * KIB];
const BATCHES_QUICK: [usize; 3] = [64 * KIB, 1024 * KIB, 4096 * KIB];

/// Runs the command.
///
/// # Errors
/// If files cannot be written or an event was lost.
pub fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let settings = settings(args.quick);
    let rounds = args.rounds.unwrap_or(if args.quick { 3 } else { 5 });
    let mut size = if args.quick {
        RunSize { events: 400_000, bursts: 2_000 }
    } else {
        RunSize { events: 1_000_000, bursts: 5_000 }
    };
    size.events = args.events.unwrap_or(size.events);
    size.bursts = size.bursts.min(size.events);
    if let Some(dir) = &args.rings {
        return rings::run(args, dir, rounds, size);
    }
    let samples = sweep(args, &settings, rounds, size)?;
    let summaries: Vec<_> = settings
        .iter()
        .zip(&samples)
        .map(|(setting, samples)| Summary::of(*setting, samples))
        .collect();
    let advice = advise(&summaries, DEFAULT)
        .ok_or_else(|| Failure::Message("nothing was measured".into()))?;
    let mut out = io::stdout().lock();
    if args.json {
        write_json(&mut out, &summaries, &advice, rounds, size)?;
    } else {
        write_table(&mut out, &summaries, &advice, rounds, size)?;
    }
    Ok(ExitStatus::Success)
}

fn settings(is_quick: bool) -> Vec<Setting> {
    let (rings, batches): (&[_], &[_]) =
        if is_quick { (&RINGS_QUICK, &BATCHES_QUICK) } else { (&RINGS, &BATCHES) };
    let of_ring = |ring_bytes: &usize| {
        let ring_bytes = *ring_bytes;
        batches.iter().map(move |&batch_bytes| Setting { ring_bytes, batch_bytes })
    };
    rings.iter().flat_map(of_ring).collect()
}

/// Measures all settings; returns the samples of each, by round.
fn sweep(
    args: &Args,
    settings: &[Setting],
    rounds: u64,
    size: RunSize,
) -> Result<Vec<Vec<Sample>>, Failure> {
    let dir = args.dir.clone().unwrap_or_else(std::env::temp_dir);
    let mut samples = vec![Vec::new(); settings.len()];
    let mut meter =
        Meter::new(rounds * settings.len() as u64, "{bar:30} {pos} of {len}, {eta} left, {msg}");
    for round in 0..rounds {
        for at in order(settings.len(), round) {
            let (Some(&setting), Some(samples)) = (settings.get(at), samples.get_mut(at)) else {
                continue;
            };
            let (ring, batch) = (show(setting.ring_bytes), show(setting.batch_bytes));
            meter.set_message(|| format!("round {}: ring {ring}, batch {batch}", round + 1));
            samples.push(measure(&dir, setting, size)?);
            meter.advance();
        }
    }
    Ok(samples)
}

/// The order in which a round measures `len` settings: each round starts elsewhere, and every other round runs
/// backwards, so that no setting always follows the same one.
fn order(len: usize, round: u64) -> impl Iterator<Item = usize> {
    let start = round as usize * len / 3;
    (0..len).map(move |step| {
        let at = (start + step) % len;
        if round.is_multiple_of(2) { at } else { len - 1 - at }
    })
}

fn show(bytes: usize) -> String {
    format_bytes(bytes as u64).replace(".0 ", " ")
}

fn write_table(
    out: &mut dyn Write,
    summaries: &[Summary],
    advice: &Advice,
    rounds: u64,
    size: RunSize,
) -> io::Result<()> {
    writeln!(
        out,
        "{rounds} rounds of {} events and {} bursts, one thread, by {}; medians (lowest to highest \
         round)\n",
        size.events,
        size.bursts,
        clock_name()
    )?;
    writeln!(
        out,
        "{:>8}  {:>8}  {:>22}  {:>10}  {:>8}  {:>18}  {:>8}",
        "ring", "batch", "million events/s", "cpu/event", "call p50", "call p99", "waits"
    )?;
    for summary in summaries {
        let range = |spread: &Spread, unit: f64, digits: usize| {
            let [median, min, max] = [spread.median, spread.min, spread.max].map(|x| x / unit);
            format!("{median:.digits$} ({min:.digits$} to {max:.digits$})")
        };
        let nanos = |spread: &Spread| format!("{:.0} ns", spread.median);
        writeln!(
            out,
            "{:>8}  {:>8}  {:>22}  {:>10}  {:>8}  {:>18}  {:>8}{}",
            show(summary.setting.ring_bytes),
            show(summary.setting.batch_bytes),
            range(&summary.events_per_second, 1e6, 2),
            nanos(&summary.cpu_nanos_per_event),
            nanos(&summary.p50_nanos),
            range(&summary.p99_nanos, 1.0, 0),
            summary.waits.median,
            if summary.setting == advice.setting { "  <-" } else { "" }
        )?;
    }
    let Setting { ring_bytes, batch_bytes } = advice.setting;
    writeln!(
        out,
        "\nRecommended: ring_bytes {} ({ring_bytes}), batch_bytes_max {} ({batch_bytes}):\n{}.",
        show(ring_bytes),
        show(batch_bytes),
        advice.why
    )?;
    writeln!(
        out,
        "Memory: a thread that fills its ring takes {} of it, 100 such threads {}; idle threads give it back.",
        show(ring_bytes),
        show(100 * ring_bytes)
    )?;
    match noise(summaries) {
        noise if noise > NOISE_MAX => writeln!(
            out,
            "The machine was busy: rounds of one setting differ by a factor of {noise:.1}. Repeat this on a \
             quiet machine."
        ),
        _ => Ok(()),
    }
}

fn write_json(
    out: &mut dyn Write,
    summaries: &[Summary],
    advice: &Advice,
    rounds: u64,
    size: RunSize,
) -> io::Result<()> {
    let RunSize { events, bursts } = size;
    write!(out, "{{\"rounds\":{rounds},\"events\":{events},\"bursts\":{bursts},\"settings\":[")?;
    for (index, summary) in summaries.iter().enumerate() {
        let Setting { ring_bytes, batch_bytes } = summary.setting;
        let comma = if index > 0 { "," } else { "" };
        write!(out, "{comma}{{\"ring_bytes\":{ring_bytes},\"batch_bytes_max\":{batch_bytes}")?;
        let spreads = [
            ("events_per_second", summary.events_per_second),
            ("cpu_nanos_per_event", summary.cpu_nanos_per_event),
            ("call_p50_nanos", summary.p50_nanos),
            ("call_p99_nanos", summary.p99_nanos),
            ("waits", summary.waits),
        ];
        for (name, Spread { median, min, max }) in spreads {
            write!(
                out,
                ",\"{name}\":{{\"median\":{median:.1},\"min\":{min:.1},\"max\":{max:.1}}}"
            )?;
        }
        out.write_all(b"}")?;
    }
    let Setting { ring_bytes, batch_bytes } = advice.setting;
    // `why` is written by `advise`: nothing in it needs escaping.
    writeln!(
        out,
        "],\"noise\":{:.2},\"recommended\":{{\"ring_bytes\":{ring_bytes},\"batch_bytes_max\":{batch_bytes},\
         \"why\":\"{}\"}}}}",
        noise(summaries),
        advice.why
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_round_measures_every_setting_once() {
        let rounds: Vec<Vec<usize>> = (0..4).map(|round| order(9, round).collect()).collect();
        for round in &rounds {
            let mut sorted = round.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..9).collect::<Vec<_>>());
        }
        assert!(rounds.iter().enumerate().all(|(at, round)| !rounds[..at].contains(round)));
    }

    #[test]
    fn the_default_is_always_measured() {
        for is_quick in [false, true] {
            let settings = settings(is_quick);
            assert!(settings.contains(&DEFAULT));
            assert!(settings.iter().all(|setting| setting.ring_bytes >= 64 * KIB));
        }
    }
}
