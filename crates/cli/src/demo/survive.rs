//! `ringseal demo --survive-kill`: recovers what the demos before it left, logs, and checks all of them.
//!
//! A demo notes how many of its log calls have returned. Each of them must be in the log once, in the order of its
//! thread, unless it was counted as lost; of each thread of a killed demo, one more may be there, whose call had not
//! returned.
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use ringseal::sink::file::reader::{Reader, ReaderOptions, Step};
use ringseal::{Engine, Level, Overflow, Recovery, RecoveryReport, Rings};

use super::check::Keys;
use super::notes::{self, Noted, Notes};
use super::service::TARGET;
use super::{Args, DRAIN_MAX, ServiceResult, SizeLimit, cleanup, config, free_bytes, run_service};
use crate::console::{ExitStatus, Failure, write_stderr};
use crate::json::Entries;
use crate::size::format_count;
use crate::stopwatch::Stopwatch;

/// Runs the demo.
pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let path = args.dir.join(cleanup::LOG);
    // Waiting instead of losing, so that every call has a line.
    let config = config(args, &path, None)?
        .overflow([Overflow::Wait(DRAIN_MAX); Level::COUNT])
        .survive_kill(Rings::auto())
        .recovery(Recovery::Wait(DRAIN_MAX));
    let engine = Engine::start(config).map_err(Failure::of)?;
    let mut out = io::stdout().lock();
    write_recovered(&engine.recovered().unwrap_or_default(), &mut out)?;
    out.flush()?;
    let notes = Notes::create(&args.dir, engine.run_id(), args.threads);
    if let Err(error) = &notes {
        write_stderr(format_args!("a killed demo will not be checked: {error}"));
    }
    let limit = SizeLimit::of(args.bytes_max, free_bytes(&args.dir));
    let watch = Stopwatch::start();
    let ServiceResult { stopped_early, .. } =
        run_service(args, &engine, (&limit, notes.as_ref().ok()), &watch)?;
    engine.stop().map_err(Failure::of)?;
    if let Some(reason) = stopped_early {
        writeln!(out, "stopped early: {reason}")?;
    }
    check(&args.dir, &path, &mut out)
}

fn write_recovered(report: &RecoveryReport, out: &mut dyn Write) -> io::Result<()> {
    if report.runs.is_empty() {
        writeln!(out, "recovered   nothing: no demo was killed")?;
    }
    for run in &report.runs {
        let lines = format_count(run.lines);
        writeln!(out, "recovered   {lines} lines of process {} (run {})", run.pid, run.run_id)?;
    }
    Ok(())
}

/// Compares the log with the notes of all runs.
fn check(dir: &Path, path: &Path, out: &mut dyn Write) -> Result<ExitStatus, Failure> {
    let noted = notes::read_all(dir).map_err(Failure::of)?;
    let found = FoundRuns::read(path)?;
    let mut problems = found.problems.clone();
    for run in noted {
        let none = FoundRun::default();
        let lines = found.runs.get(&run.run_id).unwrap_or(&none);
        problems.extend(lines.problems(&run));
        let returned = run.calls.iter().sum();
        writeln!(
            out,
            "run {}: reported {} calls; in the file {}, of which recovered {}; lost {}",
            run.run_id,
            format_count(returned),
            format_count(lines.lines()),
            format_count(lines.recovered),
            format_count(lines.lost)
        )?;
        if lines.lines() > returned {
            let extra = lines.lines() - returned;
            writeln!(out, "            {extra} of the calls had not returned when it was killed")?;
        }
        // It was checked; the next demo need not do it again.
        run.remove().map_err(Failure::of)?;
    }
    if problems.is_empty() {
        writeln!(out, "checked     every log call that returned is in the log, once and in order")?;
        return Ok(ExitStatus::Success);
    }
    writeln!(out, "checked     FAILED")?;
    out.flush()?;
    problems.iter().for_each(write_stderr);
    Ok(ExitStatus::Findings)
}

/// The lines of one run.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct FoundRun {
    /// By thread: the number of lines, and the lowest valid next number.
    threads: BTreeMap<u64, (u64, u64)>,
    recovered: u64,
    lost: u64,
}

impl FoundRun {
    fn lines(&self) -> u64 {
        self.threads.values().map(|(lines, _)| lines).sum()
    }

    /// What differs from the calls that returned.
    fn problems(&self, noted: &Noted) -> Vec<String> {
        let mut problems = Vec::new();
        let mut missing = 0;
        for (worker, calls) in noted.calls.iter().enumerate() {
            let (lines, _) = self.threads.get(&(worker as u64)).copied().unwrap_or_default();
            if lines > calls + 1 {
                problems.push(format!("thread {worker}: {calls} calls returned, found {lines}"));
            }
            missing += calls.saturating_sub(lines);
        }
        if missing > self.lost {
            let lost = self.lost;
            problems
                .push(format!("{missing} calls are not in the log, {lost} were counted as lost"));
        }
        problems.iter().map(|problem| format!("run {}: {problem}", noted.run_id)).collect()
    }
}

/// The lines of all runs.
#[derive(Debug, Default)]
struct FoundRuns {
    runs: BTreeMap<String, FoundRun>,
    problems: Vec<String>,
}

/// Problems that are listed.
const LISTED_MAX: usize = 10;

impl FoundRuns {
    fn read(path: &Path) -> Result<FoundRuns, Failure> {
        let mut found = FoundRuns::default();
        let mut reader = Reader::open(path, ReaderOptions::default()).map_err(Failure::of)?;
        let mut entries = Entries::default();
        loop {
            match reader.next_line().map_err(Failure::of)? {
                Step::Line(line) => {
                    if let Err(problem) = found.add(line, &mut entries)
                        && found.problems.len() < LISTED_MAX
                    {
                        let line = String::from_utf8_lossy(&line[..line.len().min(300)]);
                        found.problems.push(format!("{problem}: {line}"));
                    }
                }
                Step::Gap(_) => {}
                Step::Idle | Step::End => return Ok(found),
            }
        }
    }

    fn add(&mut self, line: &[u8], entries: &mut Entries) -> Result<(), String> {
        let text = str::from_utf8(line).map_err(|error| error.to_string())?;
        entries.find(text).map_err(|error| error.to_string())?;
        let keys = Keys::of(entries, text);
        let Some(run_id) = keys.run_id else { return Err("no run".into()) };
        let run = self.runs.entry(run_id.to_owned()).or_default();
        match keys.target {
            Some("ringseal") if text.contains("\"ringseal.lost\"") => {
                run.lost += keys.lost.unwrap_or(0);
            }
            Some(target) if target.starts_with(TARGET) => {
                let (Some(worker), Some(seq)) = (keys.worker, keys.seq) else { return Ok(()) };
                run.recovered += u64::from(text.trim_end().ends_with("\"recovered\":true}"));
                let (lines, next) = run.threads.entry(worker).or_default();
                *lines += 1;
                if seq < *next {
                    return Err(format!("out of order or duplicate; expected at least {next}"));
                }
                *next = seq + 1;
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(lines: &[(u64, u64)]) -> FoundRuns {
        let mut found = FoundRuns::default();
        let mut entries = Entries::default();
        for (worker, seq) in lines {
            let line = format!(
                "{{\"target\":\"{TARGET}::http\",\"run_id\":\"r\",\"worker\":{worker},\"seq\":{seq},\"recovered\":true}}"
            );
            let added = found.add(line.as_bytes(), &mut entries);
            found.problems.extend(added.err());
        }
        found
    }

    fn noted(calls: &[u64]) -> Noted {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(
            dir.path().join(".ringseal-demo.log.calls.r"),
            calls.iter().flat_map(|calls| [calls.to_le_bytes(); 16].concat()).collect::<Vec<_>>(),
        )
        .expect("room");
        notes::read_all(dir.path()).expect("readable").remove(0)
    }

    #[test]
    fn calls_that_returned_must_be_there() {
        let all = found(&[(0, 0), (1, 0), (0, 1)]);
        assert!(all.problems.is_empty() && all.runs["r"].recovered == 3);
        let run = &all.runs["r"];
        for calls in [[2, 1], [1, 1], [1, 0]] {
            assert_eq!(run.problems(&noted(&calls)), [""; 0], "{calls:?}");
        }
        for calls in [[3, 1], [2, 3], [0, 1]] {
            assert_eq!(run.problems(&noted(&calls)).len(), 1, "{calls:?}");
        }
        let lost = FoundRun { lost: 1, ..run.clone() };
        assert_eq!(lost.problems(&noted(&[3, 1])), [""; 0]);
    }

    #[test]
    fn a_line_that_comes_twice_is_found() {
        assert_eq!(found(&[(0, 0), (0, 1), (0, 1)]).problems.len(), 1);
    }
}
