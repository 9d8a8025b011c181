//! The command line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::candidates::ringseal::Tuning;
use crate::candidates::{self, Entry};
use crate::child::Mode;
use crate::family::{self, Group, Measurement, Selection};
use crate::measure::Amounts;
use crate::programs;
use crate::sweep::Sweep;
use crate::sweep::point::{Plan, What};

/// The usage text, printed with every error in the command line.
pub const USAGE: &str = "\
compare [run] [--family A,B]... [--only A,B] [--quill DIR] [--rounds N] [--events N] [--batches N] [--singles N]
        [--colds N] [--quick] [--results FILE] [--dir DIR]
    measures every candidate, interleaved, and prints the tables;
    --family measures only these families; those of measurements and those of candidates combine
    --only measures only these candidates
    --quill also measures quill, built by the C++ compiler ($CXX or c++) with the headers of DIR, a checkout of
    github.com/odygrd/quill
    results go to FILE (default results/latest.jsonl), output files under DIR (default out/)
compare sweep [--family A,B]... [--rounds N] [--events N] [--batches N] [--quick] [--results FILE] [--dir DIR]
    the same as run --family sweep: ringseal by ring capacity, batch size and number of rings, when idle and at its
    start; results go to FILE (default results/sweep.jsonl)
compare report FILE.jsonl... [--family A,B]... [--into PAGE.md] [--svg DIR]
    prints the tables of these results; rewrites the marked places of PAGE.md;
    draws latency.svg, throughput.svg and capacity.svg into DIR;
    --family prints and rewrites only the tables of these families, with only these candidates
compare list
    names the candidates
compare --list-families
    names the families";

/// A parsed command line.
#[derive(Debug)]
pub enum Command {
    /// Measure.
    Run(Box<Run>),
    /// One measurement of a sweep; how `Run` calls its own program.
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
    /// Names of the families.
    ListFamilies,
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
    pub candidates: Vec<&'static Entry>,
    /// What to measure of them.
    pub modes: Vec<Mode>,
    /// The sweep that follows.
    pub sweep: Option<Sweep>,
    /// What separate programs measure.
    pub programs: Vec<programs::Plan>,
    /// The families, for the tables that are printed.
    pub selection: Selection,
    /// A checkout of quill.
    pub quill: Option<PathBuf>,
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
    /// The tables and candidates to show.
    pub selection: Selection,
    /// The page to rewrite.
    pub into: Option<PathBuf>,
    /// The directory of the drawings.
    pub svg: Option<PathBuf>,
}

const FULL: Amounts = Amounts { batches: 100_000, singles: 100_000, colds: 500, events: 4_000_000 };
const QUICK: Amounts = Amounts { batches: 8_000, singles: 8_000, colds: 50, events: 300_000 };

const SWEEP: Amounts = Amounts { batches: 10_000, singles: 0, colds: 0, events: 1_000_000 };
const SWEEP_QUICK: Amounts = Amounts { batches: 2_000, singles: 0, colds: 0, events: 100_000 };

/// Reads the command line without the program name.
pub fn parse(mut words: Vec<String>) -> Result<Command, String> {
    if words == ["--list-families"] {
        return Ok(Command::ListFamilies);
    }
    let verb = match words.first() {
        Some(word) if !word.starts_with("--") => words.remove(0),
        _ => "run".to_owned(),
    };
    match verb.as_str() {
        "run" => run(words, Selection::run()),
        "report" => report(words).map(Command::Report),
        "list" => Ok(Command::List),
        "sweep" => run(words, Selection::sweep()),
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

/// The options of a run as they were given.
#[derive(Default)]
struct Given {
    quick: bool,
    rounds: Option<usize>,
    events: Option<u64>,
    batches: Option<usize>,
    singles: Option<usize>,
    colds: Option<usize>,
    only: Option<Vec<&'static Entry>>,
    quill: Option<PathBuf>,
    results: Option<PathBuf>,
    dir: Option<PathBuf>,
}

impl Given {
    /// The amounts, where `full` or `quick` is the default.
    fn amounts(&self, full: Amounts, quick: Amounts) -> Amounts {
        let default = if self.quick { quick } else { full };
        Amounts {
            batches: self.batches.unwrap_or(default.batches),
            singles: self.singles.unwrap_or(default.singles),
            colds: self.colds.unwrap_or(default.colds),
            events: self.events.unwrap_or(default.events),
        }
    }
}

fn given(words: Vec<String>, selection: &mut Selection) -> Result<Given, String> {
    let mut given = Given::default();
    let mut words = words.into_iter();
    while let Some(name) = words.next() {
        if name == "--quick" {
            given.quick = true;
            continue;
        }
        let text = value(&name, &mut words)?;
        match name.as_str() {
            "--family" => selection.add(&text)?,
            "--rounds" => given.rounds = Some(number(&name, &text)?),
            "--events" => given.events = Some(number(&name, &text)?),
            "--batches" => given.batches = Some(number(&name, &text)?),
            "--singles" => given.singles = Some(number(&name, &text)?),
            "--colds" => given.colds = Some(number(&name, &text)?),
            "--only" => given.only = Some(text.split(',').map(named).collect::<Result<_, _>>()?),
            "--quill" => given.quill = Some(text.into()),
            "--results" => given.results = Some(text.into()),
            "--dir" => given.dir = Some(text.into()),
            other => return Err(format!("run has no option {other}")),
        }
    }
    Ok(given)
}

fn run(words: Vec<String>, mut selection: Selection) -> Result<Command, String> {
    let given = given(words, &mut selection)?;
    let modes = modes(&selection);
    let mut amounts = given.amounts(FULL, QUICK);
    if !selection.has(Measurement::Latency) {
        amounts.batches = 0;
    }
    if !selection.has(Measurement::Pauses) {
        (amounts.singles, amounts.colds) = (0, 0);
    }
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let dir = given.dir.clone().unwrap_or_else(|| here.join("out"));
    let sweep = sweep_of(&given, &selection, &dir);
    let programs = programs::plans(&selection, given.rounds, given.batches, given.quick);
    let file = programs::result_file(modes.is_empty(), sweep.is_some(), &programs);
    let run = Run {
        rounds: given.rounds.unwrap_or(3),
        amounts,
        candidates: chosen(&given, &selection, &modes)?,
        sweep,
        programs,
        selection,
        modes,
        quill: given.quill,
        results: given.results.unwrap_or_else(|| here.join(file)),
        dir,
    };
    let is_empty = run.candidates.is_empty() || run.modes.is_empty();
    if is_empty && run.sweep.is_none() && run.programs.is_empty() {
        return Err("these families and candidates have no measurement in common".to_owned());
    }
    Ok(Command::Run(Box::new(run)))
}

fn modes(selection: &Selection) -> Vec<Mode> {
    let is_timed = selection.has(Measurement::Latency) || selection.has(Measurement::Pauses);
    [(is_timed, Mode::Latency), (selection.has(Measurement::Throughput), Mode::Throughput)]
        .into_iter()
        .filter_map(|(is_wanted, mode)| is_wanted.then_some(mode))
        .collect()
}

/// The selected candidates, in the order of the list.
fn chosen(
    given: &Given,
    selection: &Selection,
    modes: &[Mode],
) -> Result<Vec<&'static Entry>, String> {
    let candidates: Vec<&Entry> = match &given.only {
        Some(_) if modes.is_empty() => {
            let error = "--only names candidates, but the families have no measurement of them";
            return Err(error.to_owned());
        }
        Some(only) => only.clone(),
        None => candidates::ALL.iter().collect(),
    };
    Ok(candidates.into_iter().filter(|entry| selection.includes(entry.group)).collect())
}

/// The sweep, if one of its families is selected. Its points are configurations of ringseal.
fn sweep_of(given: &Given, selection: &Selection, dir: &Path) -> Option<Sweep> {
    let parts: Vec<_> = family::SWEEP.iter().copied().filter(|&part| selection.has(part)).collect();
    if parts.is_empty() || !selection.includes(Group::Ringseal) {
        return None;
    }
    Some(Sweep {
        parts,
        rounds: given.rounds.unwrap_or(if given.quick { 1 } else { 3 }),
        amounts: given.amounts(SWEEP, SWEEP_QUICK),
        idle: Duration::from_secs(if given.quick { 1 } else { 4 }),
        dir: dir.to_owned(),
    })
}

fn named(name: &str) -> Result<&'static Entry, String> {
    candidates::find(name).ok_or_else(|| {
        let names: Vec<_> = candidates::ALL.iter().map(|entry| entry.name).collect();
        format!("expected one of {}, found {name}", names.join(", "))
    })
}

fn mode(text: &str) -> Result<Mode, String> {
    Mode::parse(text).ok_or_else(|| format!("expected latency or throughput, found {text}"))
}

fn report(words: Vec<String>) -> Result<Report, String> {
    let mut report =
        Report { files: Vec::new(), selection: Selection::report(), into: None, svg: None };
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--family" => report.selection.add(&value(&word, &mut words)?)?,
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

    fn run_of(line: &str) -> Run {
        match parse(words(line)) {
            Ok(Command::Run(run)) => *run,
            other => panic!("a run was asked for, found {other:?}"),
        }
    }

    fn names(run: &Run) -> Vec<&'static str> {
        run.candidates.iter().map(|entry| entry.name).collect()
    }

    #[test]
    fn options_given_win_over_quick() {
        let run = run_of("--events 1_000 --quick --only enc,ring");
        assert_eq!((run.amounts.events, run.amounts.batches), (1000, QUICK.batches));
        assert_eq!(names(&run), ["enc", "ring"]);
        let sweep = run_of("sweep --events 1_000 --quick").sweep.expect("a sweep");
        assert_eq!((sweep.amounts.events, sweep.amounts.batches), (1000, SWEEP_QUICK.batches));
    }

    #[test]
    fn families_choose_measurements_and_candidates() {
        use Mode::{Latency, Throughput};
        let table: [(&str, &[Mode], [bool; 2], usize); 6] = [
            ("", &[Latency, Throughput], [true, true], 0),
            ("--family latency", &[Latency], [true, false], 0),
            ("run --family pauses", &[Latency], [false, true], 0),
            ("--family throughput,rings", &[Throughput], [false, false], 1),
            ("--family pauses --family latency", &[Latency], [true, true], 0),
            ("sweep", &[], [false, false], 3),
        ];
        for (line, modes, [batches, singles], parts) in table {
            let run = run_of(line);
            let found = [run.amounts.batches > 0, run.amounts.singles > 0];
            assert_eq!((run.modes.as_slice(), found), (modes, [batches, singles]), "{line}");
            assert_eq!(run.amounts.colds > 0, singles, "{line}");
            assert_eq!(run.sweep.map_or(0, |sweep| sweep.parts.len()), parts, "{line}");
            assert_eq!(run.candidates.len(), candidates::ALL.len(), "{line}");
        }
        let floors = run_of("--family floors,latency --only enc,tracing");
        assert_eq!(names(&floors), ["enc"]);
    }

    #[test]
    fn a_sweep_has_a_separate_result_file() {
        for (line, file) in [
            ("", "latest.jsonl"),
            ("sweep", "sweep.jsonl"),
            ("--family idle", "sweep.jsonl"),
            ("--family traceparent", "traceparent.jsonl"),
            ("--family bridges", "bridges.jsonl"),
            ("--family typed", "typed.jsonl"),
            ("--family http", "http.jsonl"),
            ("--family idle,latency", "latest.jsonl"),
            ("sweep --results /tmp/mine.jsonl", "mine.jsonl"),
        ] {
            assert!(run_of(line).results.ends_with(file), "{line}");
        }
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
        let sweep = run_of("sweep --quick --events 5_000").sweep.expect("a sweep");
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
            ("sweep --only enc", "no measurement of them"),
            ("sweep --family floors", "no measurement in common"),
            ("run --family floors,rings", "no measurement in common"),
            ("--family tunnels", "found tunnels"),
            ("report results.jsonl --family tunnels", "expected a family, one of latency"),
            ("--mode latency", "no option --mode"),
            ("--quill", "expects a value"),
            ("dance", "found dance"),
            ("report", "expects result files"),
        ] {
            let error = parse(words(line)).expect_err(line);
            assert!(error.contains(part), "{error}");
        }
    }
}
