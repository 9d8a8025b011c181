//! Reads `kept.jsonl`: control entries of removed segments.
//!
//! Promises: one line in memory.
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use super::super::entry::{LINE_BYTES_MAX, Parser};
use super::Stop;
use super::report::{Finding, FindingKind, Place};
use ringseal_base::storage::{FileReader, OpenMode, Storage};

pub(super) const KEPT: &str = "kept.jsonl";

/// A cursor over the lines of the file.
pub(super) struct KeptEntries {
    reader: Option<BufReader<FileReader>>,
    /// The next line, without its newline.
    pub line: Vec<u8>,
    /// The entry's number; `None` at the end.
    pub seq: Option<u64>,
    number: u64,
    parser: Parser,
}

impl KeptEntries {
    pub fn open(storage: &dyn Storage, dir: &Path) -> Result<KeptEntries, Stop> {
        let path = dir.join(KEPT);
        let reader = match storage.open(&path, OpenMode::Read) {
            Ok(file) => Some(BufReader::new(FileReader { file, offset: 0 })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(Stop::io(&path, &error)),
        };
        let (line, parser) = (Vec::new(), Parser::new());
        let mut kept = KeptEntries { reader, line, seq: None, number: 0, parser };
        kept.advance()?;
        Ok(kept)
    }

    pub fn place(&self) -> Place {
        Place { file: KEPT.into(), line: Some(self.number), offset: None, seq: self.seq }
    }

    /// Moves to the next line.
    pub fn advance(&mut self) -> Result<(), Stop> {
        let before = self.seq.take();
        let Some(reader) = &mut self.reader else { return Ok(()) };
        self.line.clear();
        let mut limited = reader.take(LINE_BYTES_MAX as u64);
        let read = limited.read_until(b'\n', &mut self.line);
        let read = read.map_err(|error| Stop::io(Path::new(KEPT), &error))?;
        let is_cut = read == 0 || self.line.pop() != Some(b'\n');
        let is_zeros = is_cut && self.line.contains(&0);
        // An unfinished last line, or a length without data: its segment has not been removed yet.
        if is_cut && (read < LINE_BYTES_MAX || is_zeros) {
            self.reader = None;
            return Ok(());
        }
        self.number += 1;
        match self.parser.entry(&self.line) {
            Ok(entry) if before.is_none_or(|before| before < entry.seq) => {
                self.seq = Some(entry.seq);
                Ok(())
            }
            Ok(entry) => {
                let detail = format!("entry {} after a later one", entry.seq);
                Err(Finding::new(FindingKind::BadTile, self.place(), detail).into())
            }
            Err(error) => {
                Err(Finding::new(FindingKind::Malformed, self.place(), error.to_string()).into())
            }
        }
    }
}
