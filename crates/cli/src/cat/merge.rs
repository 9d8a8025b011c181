//! Merges several logs by the time in their lines.
//!
//! A log's own order never changes: a line without a time, or with an earlier time than the line before it, gets that
//! line's time. A single log is passed through without parsing times.
use std::path::PathBuf;

use ringseal::sink::file::reader::{Gap, LogReadError, Reader, Step};

use crate::line::LineParser;

/// The next step of a merge.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum MergeStep<'a> {
    /// A line of the log with this index.
    Line(usize, &'a [u8]),
    /// No log has a new line.
    Idle,
    /// Lines are missing in the log with this index.
    Gap(usize, Gap),
    /// All logs have ended.
    End,
}

/// One log and its next line.
struct NextLine {
    reader: Reader,
    line: Vec<u8>,
    /// `line` has not been returned yet.
    full: bool,
    time: i64,
    ended: bool,
}

/// The result of reading a log's next line.
enum FillResult {
    Ready,
    Idle,
    Gap(Gap),
}

/// Reads several logs in the order of their times.
pub(super) struct Merge {
    logs: Vec<NextLine>,
    parser: LineParser,
    /// More lines and logs may appear.
    follow: bool,
}

impl Merge {
    /// `parser` reads the times.
    pub(super) fn new(readers: Vec<Reader>, follow: bool, parser: LineParser) -> Self {
        let mut merge = Self { logs: Vec::new(), parser, follow };
        merge.add(readers);
        merge
    }

    /// Adds logs.
    pub(super) fn add(&mut self, readers: Vec<Reader>) {
        let log = |reader| NextLine {
            reader,
            line: Vec::new(),
            full: false,
            time: i64::MIN,
            ended: false,
        };
        self.logs.extend(readers.into_iter().map(log));
    }

    /// The current file of the log with this index, for messages.
    pub(super) fn path(&self, index: usize) -> PathBuf {
        self.logs.get(index).map(|log| log.reader.path()).unwrap_or_default()
    }

    /// The names of the logs without `.log`.
    pub(super) fn log_names(&self) -> Vec<String> {
        let stem = |log: &NextLine| {
            let path = log.reader.path();
            path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
        };
        self.logs.iter().map(stem).collect()
    }

    /// File and line number of the last line of the log with this index.
    pub(super) fn place(&self, index: usize) -> String {
        let number = self.logs.get(index).map_or(0, |log| log.reader.line_number());
        format!("{}:{number}", self.path(index).display())
    }

    /// Returns the next line of all logs, or a gap in one of them.
    ///
    /// Without following, lines are returned in the order of their times. When following, the merge does not wait for a
    /// log without a new line.
    pub(super) fn next_step(&mut self) -> Result<MergeStep<'_>, LogReadError> {
        if self.logs.len() == 1 {
            return self.next_step_of_single_log();
        }
        let mut idle = self.follow && self.logs.is_empty();
        for (index, log) in self.logs.iter_mut().enumerate() {
            match log.fill(&mut self.parser)? {
                FillResult::Ready => {}
                FillResult::Idle => idle = true,
                FillResult::Gap(gap) => return Ok(MergeStep::Gap(index, gap)),
            }
        }
        let full = self.logs.iter_mut().enumerate().filter(|(_, log)| log.full);
        match full.min_by_key(|(_, log)| log.time) {
            Some((index, log)) => {
                log.full = false;
                Ok(MergeStep::Line(index, &log.line))
            }
            None if idle => Ok(MergeStep::Idle),
            None => Ok(MergeStep::End),
        }
    }

    fn next_step_of_single_log(&mut self) -> Result<MergeStep<'_>, LogReadError> {
        let Some(only) = self.logs.first_mut() else { return Ok(MergeStep::End) };
        only.reader.next_line().map(|step| match step {
            Step::Line(line) => MergeStep::Line(0, line),
            Step::Idle => MergeStep::Idle,
            Step::Gap(gap) => MergeStep::Gap(0, gap),
            Step::End => MergeStep::End,
        })
    }
}

impl NextLine {
    fn fill(&mut self, parser: &mut LineParser) -> Result<FillResult, LogReadError> {
        if self.full || self.ended {
            return Ok(FillResult::Ready);
        }
        match self.reader.next_line()? {
            Step::Line(line) => {
                self.line.clear();
                self.line.extend_from_slice(line);
            }
            Step::Idle => return Ok(FillResult::Idle),
            Step::Gap(gap) => return Ok(FillResult::Gap(gap)),
            Step::End => {
                self.ended = true;
                return Ok(FillResult::Ready);
            }
        }
        self.full = true;
        if let Some(time) = parser.parse(&self.line).time().unix_nanos() {
            self.time = self.time.max(time);
        }
        Ok(FillResult::Ready)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ringseal::sink::file::reader::ReaderOptions;

    use super::*;

    fn merged(logs: &[Vec<String>]) -> Vec<String> {
        let reader = |log: &Vec<String>| {
            let stream = Box::new(std::io::Cursor::new(log.join("\n").into_bytes()));
            Reader::from_stream("log", stream, ReaderOptions::default())
        };
        let mut merge = Merge::new(logs.iter().map(reader).collect(), false, LineParser::new(0));
        let mut lines = Vec::new();
        while let MergeStep::Line(_, line) = merge.next_step().expect("no read fails") {
            lines.push(String::from_utf8(line.to_vec()).expect("UTF-8"));
        }
        lines
    }

    fn line(log: usize, second: u8, serial: usize) -> String {
        let time = crate::time::write_millis(i64::from(second) * 1_000_000_000);
        let time = String::from_utf8_lossy(&time);
        format!("{{\"timestamp\":\"{time}\",\"log\":{log},\"serial\":{serial}}}")
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn merging_sorted_logs_is_a_stable_sort(
            mut logs in prop::collection::vec(prop::collection::vec(0..20_u8, 0..15), 0..5)
        ) {
            logs.iter_mut().for_each(|log| log.sort_unstable());
            let mut all = Vec::new();
            let mut texts = Vec::new();
            for (log, seconds) in logs.iter().enumerate() {
                let lines = seconds.iter().enumerate();
                let timed: Vec<_> = lines.map(|(at, &second)| (second, line(log, second, at))).collect();
                texts.push(timed.iter().map(|(_, line)| line.clone()).collect::<Vec<_>>());
                all.extend(timed);
            }
            all.sort_by_key(|&(second, _)| second);
            let expected: Vec<_> = all.into_iter().map(|(_, line)| line).collect();
            prop_assert_eq!(merged(&texts), expected);
        }
    }

    #[test]
    fn a_log_keeps_its_own_order() {
        let logs = [
            vec![line(0, 5, 0), "no time".into(), line(0, 3, 1), line(0, 9, 2)],
            vec![line(1, 4, 0), line(1, 6, 1)],
        ];
        let expected =
            [&logs[1][0], &logs[0][0], &logs[0][1], &logs[0][2], &logs[1][1], &logs[0][3]];
        assert_eq!(merged(&logs).iter().collect::<Vec<_>>(), expected);
    }
}
