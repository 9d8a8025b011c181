//! The command line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::candidates;
use crate::candidates::ringseal::Tuning;
use crate::child::Mode;
use crate::measure::Amounts;
use crate::sweep::Sweep;
use crate::sweep::point::{Plan, What};

/// The usage text, printed with every error in the command line.
pub const USAGE: &str = "\
compare [run] [--rounds N] [--events N] [--batches N] [--singles N] [--colds N] [--only A,B]
        [--quick] [--mode latency|throughput] [--results FILE] [--dir DIR]
    measures every candidate, interleaved, and prints the tables;
    results go to FILE (default results/latest.jsonl), output files under DIR (default out/)
compare sweep [--rounds N] [--events N] [--batches N] [--quick] [--results FILE] [--dir DIR]
    measures ringseal by ring capacity, batch size and number of rings, when idle and at its start;
    results go to FILE (default results/sweep.jsonl)
compare report FILE.jsonl... [--into PAGE.md] [--svg DIR]
    prints the tables of these results; rewrites the marked places of PAGE.md;
    draws latency.svg, throughput.svg and capacity.svg into DIR
compare list
    names the candidates";

/// A parsed command line.
#[derive(Debug)]
pub enum Command {
    /// Measure everything.
    Run(Run),
    /// Measure ringseal against its own settings.
    Sweep(Sweep),
    /// One measurement of a sweep; how `Sweep` calls its own program.
    Point {
        /// What to measure, with which settings.
        plan: Plan,
        /// An empty directory to write in.
        dir: PathBuf,
        /// Ticks per second of the counter.
        tsc_hz: f64,
        /// The amount to measure.
        amounts: Amounts,
        /// The time for which an idle engine is observed.
        idle: Duration,
    },
    /// Make tables and drawings of earlier results.
    Report(Report),
    /// Names of the candidates.
    List,
    /// One measurement; how `Run` calls its own program.
    Child {
        /// The candidate.
        name: String,
        /// What to measure.
        mode: Mode,
        /// An empty directory to write in.
        dir: PathBuf,
        /// Ticks per second of the counter.
        tsc_hz: f64,
        /// The amount to measure.
        amounts: Amounts,
    },
}

/// Options of `run`.
#[derive(Debug)]
pub struct Run {
    /// The number of times that every candidate is measured.
    pub rounds: usize,
    /// The amount to measure each time.
    pub amounts: Amounts,
    /// The candidates, in the order of the list.
    pub only: Vec<&'static str>,
    /// What to measure.
    pub modes: Vec<Mode>,
    /// The file of the result records.
    pub results: PathBuf,
    /// The directory in which candidates write.
    pub dir: PathBuf,
}

/// Options of `report`.
#[derive(Debug)]
pub struct Report {
    /// Result files.
    pub files: Vec<PathBuf>,
    /// The page to rewrite.
    pub into: Option<PathBuf>,
    /// The directory of the drawings.
    pub svg: Option<PathBuf>,
}

const FULL: Amounts = Amounts { batches: 100_000, singles: 100_000, colds: 500, events: 4_000_000 };
const QUICK: Amounts = Amounts { batches: 8_000, singles: 8_000, colds: 50, events: 300_000 };

/// Reads the command line without the program name.
pub fn parse(mut words: Vec<String>) -> Result<Command, String> {
    let verb = match words.first() {
        Some(word) if !word.starts_with("--") => words.remove(0),
        _ => "run".to_owned(),
    };
    match verb.as_str() {
        "run" => run(words).map(Command::Run),
        "report" => report(words).map(Command::Report),
        "list" => Ok(Command::List),
        "sweep" => sweep(words).map(Command::Sweep),
        "child" => child(words),
        "point" => point(words),
        other => Err(format!("expected run, sweep, report or list, found {other}")),
    }
}

/// The value after the option `name`.
fn value(name: &str, words: &mut impl Iterator<Item = String>) -> Result<String, String> {
    words.next().ok_or_else(|| format!("{name} expects a value"))
}

fn number<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, String> {
    let digits = text.replace('_', "");
    digits.parse().map_err(|_| format!("{name} expects a number, found {text}"))
}

fn run(words: Vec<String>) -> Result<Run, String> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut run = Run {
        rounds: 3,
        amounts: if words.iter().any(|word| word == "--quick") { QUICK } else { FULL },
        only: candidates::ALL.iter().map(|entry| entry.name).collect(),
        modes: vec![Mode::Latency, Mode::Throughput],
        results: here.join("results/latest.jsonl"),
        dir: here.join("out"),
    };
    let mut words = words.into_iter();
    while let Some(name) = words.next() {
        if name == "--quick" {
            continue;
        }
        let text = value(&name, &mut words)?;
        match name.as_str() {
            "--rounds" => run.rounds = number(&name, &text)?,
            "--events" => run.amounts.events = number(&name, &text)?,
            "--batches" => run.amounts.batches = number(&name, &text)?,
            "--singles" => run.amounts.singles = number(&name, &text)?,
            "--colds" => run.amounts.colds = number(&name, &text)?,
            "--only" => run.only = text.split(',').map(candidate_name).collect::<Result<_, _>>()?,
            "--mode" => run.modes = vec![mode(&text)?],
            "--results" => run.results = text.into(),
            "--dir" => run.dir = text.into(),
            other => return Err(format!("run has no option {other}")),
        }
    }
    Ok(run)
}

const SWEEP: Amounts = Amounts { batches: 10_000, singles: 0, colds: 0, events: 1_000_000 };
const SWEEP_QUICK: Amounts = Amounts { batches: 2_000, singles: 0, colds: 0, events: 100_000 };

fn sweep(words: Vec<String>) -> Result<Sweep, String> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let quick = words.iter().any(|word| word == "--quick");
    let mut sweep = Sweep {
        rounds: if quick { 1 } else { 3 },
        amounts: if quick { SWEEP_QUICK } else { SWEEP },
        idle: Duration::from_secs(if quick { 1 } else { 4 }),
        results: here.join("results/sweep.jsonl"),
        dir: here.join("out"),
    };
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        if word == "--quick" {
            continue;
        }
        let text = value(&word, &mut words)?;
        match word.as_str() {
            "--rounds" => sweep.rounds = number(&word, &text)?,
            "--events" => sweep.amounts.events = number(&word, &text)?,
            "--batches" => sweep.amounts.batches = number(&word, &text)?,
            "--results" => sweep.results = text.into(),
            "--dir" => sweep.dir = text.into(),
            other => return Err(format!("sweep has no option {other}")),
        }
    }
    Ok(sweep)
}

fn candidate_name(name: &str) -> Result<&'static str, String> {
    candidates::find(name).map(|entry| entry.name).ok_or_else(|| {
        let names: Vec<_> = candidates::ALL.iter().map(|entry| entry.name).collect();
        format!("expected one of {}, found {name}", names.join(", "))
    })
}

fn mode(text: &str) -> Result<Mode, String> {
    Mode::parse(text).ok_or_else(|| format!("expected latency or throughput, found {text}"))
}

fn report(words: Vec<String>) -> Result<Report, String> {
    let mut report = Report { files: Vec::new(), into: None, svg: None };
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--into" => report.into = Some(value(&word, &mut words)?.into()),
            "--svg" => report.svg = Some(value(&word, &mut words)?.into()),
            option if option.starts_with("--") => {
                return Err(format!("report has no option {option}"));
            }
            file => report.files.push(file.into()),
        }
    }
    if report.files.is_empty() { Err("report expects result files".to_owned()) } else { Ok(report) }
}

/// The words of a child's command line, verb included; `child` reads them back.
pub fn child_words(
    name: &str,
    mode: Mode,
    dir: &std::path::Path,
    tsc_hz: f64,
    amounts: Amounts,
) -> Vec<String> {
    let Amounts { batches, singles, colds, events } = amounts;
    [
        "child".to_owned(),
        name.to_owned(),
        mode.word().to_owned(),
        dir.to_string_lossy().into_owned(),
        tsc_hz.to_string(),
        batches.to_string(),
        singles.to_string(),
        colds.to_string(),
        events.to_string(),
    ]
    .into()
}

fn child(words: Vec<String>) -> Result<Command, String> {
    let [name, mode_word, dir, tsc_hz, batches, singles, colds, events] =
        <[String; 8]>::try_from(words).map_err(|words| format!("child got {words:?}"))?;
    Ok(Command::Child {
        name,
        mode: mode(&mode_word)?,
        dir: dir.into(),
        tsc_hz: number("tsc_hz", &tsc_hz)?,
        amounts: Amounts {
            batches: number("batches", &batches)?,
            singles: number("singles", &singles)?,
            colds: number("colds", &colds)?,
            events: number("events", &events)?,
        },
    })
}

/// The words of the command line of one measurement of a sweep; `point` reads them back.
pub fn point_words(plan: Plan, dir: &Path, tsc_hz: f64, sweep: &Sweep) -> Vec<String> {
    [
        "point".to_owned(),
        plan.what.word().to_owned(),
        dir.to_string_lossy().into_owned(),
        tsc_hz.to_string(),
        plan.tuning.ring_bytes.to_string(),
        plan.tuning.batch_bytes.to_string(),
        plan.producers.to_string(),
        sweep.amounts.events.to_string(),
        sweep.amounts.batches.to_string(),
        sweep.idle.as_millis().to_string(),
    ]
    .into()
}

fn point(words: Vec<String>) -> Result<Command, String> {
    let [what, dir, tsc_hz, ring_bytes, batch_bytes, producers, events, batches, idle_ms] =
        <[String; 9]>::try_from(words).map_err(|words| format!("point got {words:?}"))?;
    let tuning = Tuning {
        ring_bytes: number("ring_bytes", &ring_bytes)?,
        batch_bytes: number("batch_bytes", &batch_bytes)?,
    };
    Ok(Command::Point {
        plan: Plan {
            what: What::parse(&what).ok_or_else(|| format!("a sweep does not measure {what}"))?,
            tuning,
            producers: number("producers", &producers)?,
        },
        dir: dir.into(),
        tsc_hz: number("tsc_hz", &tsc_hz)?,
        amounts: Amounts {
            batches: number("batches", &batches)?,
            events: number("events", &events)?,
            singles: 0,
            colds: 0,
        },
        idle: Duration::from_millis(number("idle_ms", &idle_ms)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn options_given_win_over_quick() {
        let Ok(Command::Run(run)) = parse(words("--events 1_000 --quick --only enc,ring")) else {
            panic!("a run was asked for");
        };
        assert_eq!((run.amounts.events, run.amounts.batches), (1000, QUICK.batches));
        assert_eq!(run.only, ["enc", "ring"]);
    }

    #[test]
    fn a_child_reads_what_its_parent_wrote() {
        let written =
            child_words("enc", Mode::Latency, std::path::Path::new("/tmp/x y"), 2.7e9, QUICK);
        let Ok(Command::Child { name, mode, dir, tsc_hz, amounts }) = parse(written) else {
            panic!("a child was asked for");
        };
        assert_eq!((name.as_str(), mode, tsc_hz), ("enc", Mode::Latency, 2.7e9));
        assert_eq!((dir, amounts.events), (PathBuf::from("/tmp/x y"), QUICK.events));
    }

    #[test]
    fn a_point_reads_what_the_sweep_wrote() {
        let Ok(Command::Sweep(sweep)) = parse(words("sweep --quick --events 5_000")) else {
            panic!("a sweep was asked for");
        };
        let tuning = Tuning { ring_bytes: 65_536, batch_bytes: 1 << 20 };
        let wanted = Plan { what: What::Idle, tuning, producers: 64 };
        let written = point_words(wanted, Path::new("/tmp/x y"), 2.7e9, &sweep);
        let Ok(Command::Point { plan, amounts, idle, .. }) = parse(written) else {
            panic!("a point was asked for");
        };
        assert_eq!((plan, amounts.events, idle), (wanted, 5_000, sweep.idle));
    }

    #[test]
    fn errors_are_reported_as_text() {
        for (line, part) in [
            ("--only nobody", "found nobody"),
            ("--rounds many", "found many"),
            ("--rounds", "expects a value"),
            ("sweep --only enc", "no option --only"),
            ("dance", "found dance"),
            ("report", "expects result files"),
        ] {
            let error = parse(words(line)).expect_err(line);
            assert!(error.contains(part), "{error}");
        }
    }
}
