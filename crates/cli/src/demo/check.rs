//! Reads the demo's log back and compares it with the calls made and the engine's counts.
use std::path::Path;

use ringseal::Level;
use ringseal::sink::file::reader::{LogReadError, Reader, ReaderOptions, Step, segments_of};
use ringseal::{LevelCounts, Metrics};

use super::canary;
use super::service::{TARGET, WorkerResult};
use crate::json::{Entries, Entry, Token, Tokens};
use crate::progress::Meter;

/// Lines between two updates of the progress bar.
const PROGRESS_LINES: u64 = 4096;
/// Maximum number of problems listed individually.
const LISTED_MAX: usize = 10;

/// The contents of the log files.
#[derive(Debug, Default)]
pub(super) struct CheckedLog {
    /// Lines of the service, by level.
    pub(super) lines: LevelCounts,
    /// Lines of the engine itself: losses, clock steps.
    pub(super) own: LevelCounts,
    /// Lines of events with a planted secret.
    pub(super) canaries: LevelCounts,
    /// Bytes of all files.
    pub(super) bytes: u64,
    pub(super) files: u64,
    threads: Vec<ThreadLines>,
    problems: Problems,
}

/// The lines of one thread.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct ThreadLines {
    lines: u64,
    /// The lowest valid next number.
    next_seq: u64,
}

#[derive(Debug, Default)]
struct Problems {
    listed: Vec<String>,
    count: u64,
}

impl Problems {
    fn add(&mut self, problem: impl FnOnce() -> String) {
        self.count += 1;
        if self.listed.len() < LISTED_MAX {
            self.listed.push(problem());
        }
    }
}

impl CheckedLog {
    pub(super) fn new(threads: usize) -> Self {
        Self { threads: vec![ThreadLines::default(); threads], ..Self::default() }
    }

    /// Reads the whole log at `path`, in which every line must be from this run.
    pub(super) fn read(&mut self, path: &Path, run_id: &str) -> Result<(), LogReadError> {
        let files = segments_of(path)?;
        self.files = files.len() as u64;
        let len_bytes = files.iter().map(|file| file.len_bytes).sum();
        let mut meter =
            Meter::new(len_bytes, "checking {bar:30} {bytes} of {total_bytes}, {eta} left");
        let mut reader = Reader::open(path, ReaderOptions::default())?;
        let mut entries = Entries::default();
        let mut number = 0_u64;
        loop {
            match reader.next_line()? {
                Step::Line(line) => {
                    self.bytes += line.len() as u64 + 1;
                    self.add_line(line, run_id, number, &mut entries);
                    number += 1;
                    if number.is_multiple_of(PROGRESS_LINES) {
                        meter.set(self.bytes);
                    }
                }
                Step::Gap(gap) => self.problems.add(|| format!("after line {number}: {gap:?}")),
                Step::Idle | Step::End => break,
            }
        }
        let bytes = self.bytes;
        if bytes != len_bytes {
            self.problems.add(|| format!("{len_bytes} bytes of files hold {bytes} of lines"));
        }
        Ok(())
    }

    fn add_line(&mut self, line: &[u8], run_id: &str, number: u64, entries: &mut Entries) {
        if let Err(problem) = self.check_line(line, run_id, entries) {
            let shown = String::from_utf8_lossy(&line[..line.len().min(300)]).into_owned();
            self.problems.add(|| format!("line {number}: {problem}: {shown}"));
        }
    }

    fn check_line(
        &mut self,
        line: &[u8],
        run_id: &str,
        entries: &mut Entries,
    ) -> Result<(), String> {
        let text = str::from_utf8(line).map_err(|error| error.to_string())?;
        entries.find(text).map_err(|error| error.to_string())?;
        let keys = Keys::of(entries, text);
        if keys.run_id != Some(run_id) {
            return Err("not from this run".into());
        }
        let level: Level = keys.level.and_then(|level| level.parse().ok()).ok_or("no level")?;
        match keys.target.ok_or("no target")? {
            "ringseal" => self.own.0[level as usize] += 1,
            canary::TARGET => self.canaries.0[level as usize] += 1,
            target if target.starts_with(TARGET) => {
                self.lines.0[level as usize] += 1;
                let worker = keys.worker.ok_or("no worker")?;
                return self.check_sequence(worker, keys.seq.ok_or("no seq")?);
            }
            _ => return Err("not from the demo".into()),
        }
        Ok(())
    }

    fn check_sequence(&mut self, worker: u64, seq: u64) -> Result<(), String> {
        let thread = usize::try_from(worker).ok().and_then(|at| self.threads.get_mut(at));
        let thread = thread.ok_or("no such worker")?;
        if seq < thread.next_seq {
            return Err(format!(
                "out of order or duplicate; expected at least {}",
                thread.next_seq
            ));
        }
        *thread = ThreadLines { lines: thread.lines + 1, next_seq: seq + 1 };
        Ok(())
    }

    /// Returns all inconsistencies; empty if there are none. `cut_events` planted events were cut.
    pub(super) fn problems(
        &self,
        done: &[WorkerResult],
        metrics: &Metrics,
        cut_events: u64,
    ) -> Vec<String> {
        let mut problems = self.problems.listed.clone();
        let unlisted = self.problems.count - self.problems.listed.len() as u64;
        if unlisted > 0 {
            problems.push(format!("and {unlisted} more"));
        }
        self.compare_levels(done, metrics, &mut problems);
        self.compare_threads(done, metrics, &mut problems);
        let in_place: u64 = metrics.sinks.iter().map(|sink| sink.lines).sum();
        let bytes: u64 = metrics.sinks.iter().map(|sink| sink.bytes).sum();
        let pairs = [
            ("lines in the files", self.total(), in_place),
            ("bytes in the files", self.bytes, bytes),
            ("events discarded", 0, metrics.discarded.total()),
            ("events truncated", cut_events, metrics.truncated.total()),
            ("lines dropped", 0, metrics.dropped.total()),
            ("records that could not be read", 0, metrics.record_errors),
        ];
        let differ = pairs.iter().filter(|(_, ours, engines)| ours != engines);
        problems.extend(differ.map(|(what, ours, engines)| {
            format!("{what}: found {ours}, the engine counted {engines}")
        }));
        problems
    }

    /// The number of all lines.
    pub(super) fn total(&self) -> u64 {
        self.lines.total() + self.own.total() + self.canaries.total()
    }

    fn compare_levels(&self, done: &[WorkerResult], metrics: &Metrics, problems: &mut Vec<String>) {
        for level in Level::ALL {
            let calls: u64 = done.iter().map(|done| done.calls.of(level)).sum();
            let (lines, lost) = (self.lines.of(level), metrics.lost.of(level));
            if calls != lines + lost {
                problems.push(format!("{level}: {calls} calls, {lines} lines, {lost} lost"));
            }
            let own = self.own.of(level) + self.canaries.of(level);
            let events = metrics.events.of(level);
            if lines + own != events {
                problems.push(format!(
                    "{level}: {lines} lines of the service and {own} others, the engine counted \
                     {events} events"
                ));
            }
        }
    }

    fn compare_threads(
        &self,
        done: &[WorkerResult],
        metrics: &Metrics,
        problems: &mut Vec<String>,
    ) {
        for (worker, (thread, done)) in self.threads.iter().zip(done).enumerate() {
            let calls = done.calls.total();
            let is_complete = *thread == ThreadLines { lines: calls, next_seq: calls };
            if thread.next_seq > calls || (metrics.lost.total() == 0 && !is_complete) {
                problems.push(format!(
                    "thread {worker}: {calls} calls, {} lines, the last number is {}",
                    thread.lines,
                    thread.next_seq.saturating_sub(1)
                ));
            }
        }
    }
}

/// The fields of a line that the check needs.
#[derive(Debug, Default)]
pub(super) struct Keys<'a> {
    pub(super) run_id: Option<&'a str>,
    pub(super) level: Option<&'a str>,
    pub(super) target: Option<&'a str>,
    pub(super) worker: Option<u64>,
    pub(super) seq: Option<u64>,
    /// In a report of lost events: how many.
    pub(super) lost: Option<u64>,
}

impl<'a> Keys<'a> {
    pub(super) fn of(entries: &'a Entries, text: &'a str) -> Self {
        let mut keys = Keys::default();
        let string = |entry: &Entry<'a>| entry.string().and_then(|text| text.plain());
        for entry in entries.iter(text) {
            match entry.key.raw() {
                "run_id" => keys.run_id = string(&entry),
                "level" => keys.level = string(&entry),
                "target" => keys.target = string(&entry),
                "worker" => keys.worker = entry.raw.parse().ok(),
                "seq" => keys.seq = entry.raw.parse().ok(),
                "lost" => keys.lost = entry.raw.parse().ok(),
                "log.level" => keys.level = string(&entry),
                "log.logger" => keys.target = string(&entry),
                "service" | "extra" => keys.read_object(entry.raw),
                _ => {}
            }
        }
        keys
    }

    /// Reads an object of a line in the Elastic Common Schema.
    fn read_object(&mut self, object: &'a str) {
        let mut tokens = Tokens::of(object);
        // The line was checked, so the object is JSON, and its first token is the brace.
        let _ = tokens.next_token();
        while let Ok(Some(Token::Key(key))) = tokens.next_token() {
            let Ok(Some(value)) = tokens.next_token() else { return };
            match (key.raw(), &value) {
                ("ephemeral_id", Token::String(text)) => self.run_id = text.plain(),
                ("worker", Token::Number(number)) => self.worker = number.parse().ok(),
                ("seq", Token::Number(number)) => self.seq = number.parse().ok(),
                ("lost", Token::Number(number)) => self.lost = number.parse().ok(),
                _ => {}
            }
            if tokens.skip_value(&value).is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ringseal::SinkMetrics;

    use super::*;

    fn line(worker: u64, seq: u64) -> String {
        format!(
            r#"{{"level":"info","target":"{TARGET}::http","run_id":"r","seq":{seq},"worker":{worker}}}"#
        )
    }

    /// The problems of a log with these lines, written by one thread that made `calls` calls.
    fn problems(lines: &[String], calls: u64, change: impl FnOnce(&mut Metrics)) -> Vec<String> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("ringseal-demo.log");
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(&path, &text).expect("room");
        let mut found = CheckedLog::new(1);
        found.read(&path, "r").expect("the log");
        let mut done = WorkerResult::default();
        done.calls.0[Level::Info as usize] = calls;
        let mut metrics = Metrics::default();
        metrics.events.0[Level::Info as usize] = lines.len() as u64;
        let mut sink = SinkMetrics::default();
        (sink.lines, sink.bytes) = (lines.len() as u64, text.len() as u64);
        metrics.sinks = vec![sink];
        change(&mut metrics);
        found.problems(&[done], &metrics, 0)
    }

    #[test]
    fn a_complete_log_has_no_problems() {
        let lines: Vec<_> = (0..5).map(|seq| line(0, seq)).collect();
        assert_eq!(problems(&lines, 5, |_| {}), Vec::<String>::new());
        assert_eq!(problems(&[], 0, |_| {}), Vec::<String>::new());
    }

    #[test]
    fn missing_duplicate_reordered_and_broken_lines_are_found() {
        let cases: [(&str, Vec<String>, u64); 6] = [
            ("missing at the end", vec![line(0, 0), line(0, 1)], 3),
            ("missing in the middle", vec![line(0, 0), line(0, 2)], 3),
            ("duplicate", vec![line(0, 0), line(0, 0)], 2),
            ("out of order", vec![line(0, 1), line(0, 0)], 2),
            ("not JSON", vec![line(0, 0), "{\"level\":".into()], 2),
            ("another's", vec![line(0, 0), line(7, 1)], 2),
        ];
        for (case, lines, calls) in cases {
            assert!(!problems(&lines, calls, |_| {}).is_empty(), "{case}");
        }
    }

    #[test]
    fn exactly_counted_losses_are_not_problems() {
        let lines = [line(0, 0), line(0, 2), line(0, 5)];
        let lost = |count| move |metrics: &mut Metrics| metrics.lost.0[2] = count;
        assert_eq!(problems(&lines, 6, lost(3)), Vec::<String>::new());
        assert_eq!(problems(&lines, 6, lost(2)).len(), 1);
        assert_eq!(problems(&lines, 6, lost(4)).len(), 1);
    }

    #[test]
    fn wrong_engine_counts_are_found() {
        type Change = fn(&mut Metrics);
        let changes: [Change; 6] = [
            |metrics| metrics.events.0[2] += 1,
            |metrics| metrics.sinks[0].lines += 1,
            |metrics| metrics.sinks[0].bytes += 1,
            |metrics| metrics.dropped.0[5] += 1,
            |metrics| metrics.truncated.0[0] += 1,
            |metrics| metrics.record_errors += 1,
        ];
        for (index, change) in changes.into_iter().enumerate() {
            assert_eq!(problems(&[line(0, 0)], 1, change).len(), 1, "change {index}");
        }
    }
}
