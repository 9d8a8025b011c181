//! Self-contained proofs: text files that are checked with the log's public key alone.
//!
//! [`InclusionProof`] is C2SP tlog-proof: entry `index` is in the log of the checkpoint at its end.
//! Its `extra` data are the entry's line and, because the signing key changes within the log, the
//! `ringseal.epoch` entries that lead from the first key to the one that signed the checkpoint, each
//! line ended by a newline. [`ConsistencyProof`] proves that a smaller tree is the beginning of a larger
//! one, in a similar format:
//!
//! ```text
//! ringseal-consistency-proof v1
//! extra <base64 of ringseal.epoch entries; the line is missing if there are none>
//! old <size of the smaller tree>
//! root <base64 of its root hash>
//! <base64 of each hash of the proof, one a line>
//!
//! <checkpoint of the larger tree>
//! ```
//!
//! Promises: any bytes give a proof or a typed error; the form is canonical. [`prove_inclusion`] and
//! [`prove_consistency`] read the log (in one pass, for the changes of keys), block on the disk, and check
//! a proof before they return it.
use std::fmt;

use super::checkpoint::{Checkpoint, CheckpointError, decimal};
use super::entry::control::{Control, statement_text};
use super::entry::{ParseError, Parser};
use super::keys::verify_statement;
use super::merkle::{ProofError, leaf_hash, verify_consistency, verify_inclusion};
use super::note::{NOTE_BYTES_MAX, Verifier};
use ringseal_base::digest::Hash;
use ringseal_base::digest::text::{Base64, base64, base64_array, decode_base64};

mod prove;
#[cfg(test)]
mod tests;

pub use prove::{ProveError, prove_consistency, prove_inclusion};

const INCLUSION: &str = "c2sp.org/tlog-proof@v1";
const CONSISTENCY: &str = "ringseal-consistency-proof v1";
/// Greatest number of hashes in a proof.
const HASHES_MAX: usize = 130;
/// Greatest length of a proof file: a line, some thousand changes of keys, a note.
pub const PROOF_BYTES_MAX: usize = 16 << 20;

/// Why a file is not a proof, or not a valid one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProofFileError {
    /// A line is not as expected.
    Line {
        /// Number of the line, from 1.
        number: usize,
        /// What was expected.
        expected: &'static str,
    },
    /// A line ends with a carriage return: the file was copied as text with CR LF line ends, and a proof must be
    /// copied as bytes.
    CarriageReturn {
        /// Number of the line, from 1.
        number: usize,
    },
    /// The checkpoint is malformed, or not signed by the key to which the changes of keys lead.
    Checkpoint(CheckpointError),
    /// The hashes do not lead to the checkpoint's root.
    Proof(ProofError),
    /// The entry's line is neither in the file nor given.
    NoEntry,
    /// The entry is malformed, or its number differs from the proof's.
    Entry {
        /// What was expected and found.
        reason: String,
    },
    /// A change of keys is not signed by the previous key.
    Epoch {
        /// Number of the change, from 1.
        number: usize,
        /// What was expected and found.
        reason: String,
    },
}

impl fmt::Display for ProofFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProofFileError::Line { number, expected } => {
                write!(f, "line {number} of the proof: expected {expected}")
            }
            ProofFileError::CarriageReturn { number } => write!(
                f,
                "line {number} of the proof ends with a carriage return (CR LF), expected a newline alone: copy the \
                 file as bytes, or remove the carriage returns"
            ),
            ProofFileError::Checkpoint(error) => write!(f, "the checkpoint: {error}"),
            ProofFileError::Proof(error) => error.fmt(f),
            ProofFileError::NoEntry => f.write_str("the entry is neither in the file nor given"),
            ProofFileError::Entry { reason } => write!(f, "the entry: {reason}"),
            ProofFileError::Epoch { number, reason } => {
                write!(f, "change of keys {number}: {reason}")
            }
        }
    }
}

impl std::error::Error for ProofFileError {}

impl From<CheckpointError> for ProofFileError {
    fn from(error: CheckpointError) -> Self {
        ProofFileError::Checkpoint(error)
    }
}

impl From<ProofError> for ProofFileError {
    fn from(error: ProofError) -> Self {
        ProofFileError::Proof(error)
    }
}

impl From<ParseError> for ProofFileError {
    fn from(error: ParseError) -> Self {
        ProofFileError::Entry { reason: error.to_string() }
    }
}

/// Proves that an entry is in the log of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    /// The entry's line without its newline; empty if it was pruned.
    pub line: Vec<u8>,
    /// Lines of the `ringseal.epoch` entries from the first key to the checkpoint's.
    pub epochs: Vec<Vec<u8>>,
    /// The entry's number.
    pub index: u64,
    /// From the leaf's sibling to the root's child.
    pub path: Vec<Hash>,
    /// The signed note.
    pub checkpoint: String,
}

/// Proves that a smaller tree is the beginning of the tree of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsistencyProof {
    /// As in [`InclusionProof`].
    pub epochs: Vec<Vec<u8>>,
    /// Size of the smaller tree.
    pub old_size: u64,
    /// Its root hash. Compare it with the known one.
    pub old_root: Hash,
    /// As in RFC 6962, 2.1.2.
    pub path: Vec<Hash>,
    /// The signed note.
    pub checkpoint: String,
}

impl InclusionProof {
    /// The content of the proof file.
    pub fn to_text(&self) -> String {
        let mut lines = vec![self.line.as_slice()];
        lines.extend(self.epochs.iter().map(Vec::as_slice));
        let extra = extra_line(&lines);
        let path = path_text(&self.path);
        format!("{INCLUSION}\n{extra}index {}\n{path}\n{}", self.index, self.checkpoint)
    }

    /// Parses a proof file.
    pub fn parse(bytes: &[u8]) -> Result<InclusionProof, ProofFileError> {
        let mut reader = ProofReader::new(bytes, INCLUSION)?;
        let mut lines = reader.extra()?.into_iter();
        let line = lines.next().unwrap_or_default();
        let index = reader.number("index ", "index and a decimal number")?;
        let (path, checkpoint) = reader.path_and_note()?;
        Ok(InclusionProof { line, epochs: lines.collect(), index, path, checkpoint })
    }

    /// Checks the proof against the log's first key. `line` is the entry (without newline) if it is
    /// not in the file; if both are present, they must be equal. Returns the checkpoint.
    pub fn verify(
        &self,
        root: &Verifier,
        line: Option<&[u8]>,
    ) -> Result<Checkpoint, ProofFileError> {
        let line = match (self.line.as_slice(), line) {
            ([], None) => return Err(ProofFileError::NoEntry),
            ([], Some(given)) => given,
            (own, Some(given)) if own != given => {
                let reason = "differs from the given entry".into();
                return Err(ProofFileError::Entry { reason });
            }
            (own, _) => own,
        };
        let seq = Parser::new().entry(line)?.seq;
        if seq != self.index {
            let reason = format!("number {seq}, expected {}", self.index);
            return Err(ProofFileError::Entry { reason });
        }
        let checkpoint = open_checkpoint(&self.checkpoint, root, &self.epochs)?;
        let leaf = leaf_hash(line);
        verify_inclusion(&leaf, self.index, checkpoint.size, &self.path, &checkpoint.root)?;
        Ok(checkpoint)
    }
}

impl ConsistencyProof {
    /// The content of the proof file.
    pub fn to_text(&self) -> String {
        let lines: Vec<&[u8]> = self.epochs.iter().map(Vec::as_slice).collect();
        let (extra, path) = (extra_line(&lines), path_text(&self.path));
        let root = base64(Base64::Standard, &self.old_root);
        let (size, note) = (self.old_size, &self.checkpoint);
        format!("{CONSISTENCY}\n{extra}old {size}\nroot {root}\n{path}\n{note}")
    }

    /// Parses a proof file.
    pub fn parse(bytes: &[u8]) -> Result<ConsistencyProof, ProofFileError> {
        let mut reader = ProofReader::new(bytes, CONSISTENCY)?;
        let epochs = reader.extra()?;
        let old_size = reader.number("old ", "old and a decimal number")?;
        let old_root = reader.root()?;
        let (path, checkpoint) = reader.path_and_note()?;
        Ok(ConsistencyProof { epochs, old_size, old_root, path, checkpoint })
    }

    /// Checks the proof against the log's first key: the tree of `old_size` leaves with hash
    /// `old_root` is the beginning of that of the checkpoint, which is returned.
    pub fn verify(&self, root: &Verifier) -> Result<Checkpoint, ProofFileError> {
        let checkpoint = open_checkpoint(&self.checkpoint, root, &self.epochs)?;
        let (old, new) = (&self.old_root, &checkpoint.root);
        verify_consistency(self.old_size, checkpoint.size, &self.path, old, new)?;
        Ok(checkpoint)
    }
}

/// Follows the changes of keys and opens the note with the last one.
fn open_checkpoint(
    note: &str,
    root: &Verifier,
    epochs: &[Vec<u8>],
) -> Result<Checkpoint, ProofFileError> {
    let mut key = root.clone();
    for (at, line) in epochs.iter().enumerate() {
        let failed = |reason| ProofFileError::Epoch { number: at + 1, reason };
        key = next_key(&key, line).map_err(failed)?;
    }
    Ok(Checkpoint::open(note.as_bytes(), &key)?)
}

/// The key that this `ringseal.epoch` entry, signed by `key`, names.
fn next_key(key: &Verifier, line: &[u8]) -> Result<Verifier, String> {
    let mut parser = Parser::new();
    let entry = parser.entry(line).map_err(|error| error.to_string())?;
    let statement = Control::read(&entry).map_err(|error| error.to_string())?;
    let (Control::Epoch(epoch), Some(signature)) = (&statement.control, &statement.signature)
    else {
        return Err("not a ringseal.epoch entry".into());
    };
    let is_signed =
        statement_text(&entry).is_some_and(|text| verify_statement(key, text, signature));
    if epoch.old_key != key.to_string() || !is_signed {
        return Err(format!("not signed by {}", key.short()));
    }
    match Verifier::parse(&epoch.new_key) {
        Ok(next) if next.name() == key.name() => Ok(next),
        _ => Err("does not name a key of this log".into()),
    }
}

fn extra_line(lines: &[&[u8]]) -> String {
    if lines.iter().all(|line| line.is_empty()) {
        return String::new();
    }
    let mut bytes = Vec::new();
    for line in lines {
        bytes.extend_from_slice(line);
        bytes.push(b'\n');
    }
    format!("extra {}\n", base64(Base64::Standard, &bytes))
}

fn path_text(path: &[Hash]) -> String {
    path.iter().map(|hash| base64(Base64::Standard, hash) + "\n").collect()
}

/// Reads a proof line by line.
struct ProofReader<'a> {
    rest: &'a str,
    /// Number of lines read.
    number: usize,
}

impl<'a> ProofReader<'a> {
    fn new(bytes: &'a [u8], header: &'static str) -> Result<ProofReader<'a>, ProofFileError> {
        let too_long = ProofFileError::Line { number: 1, expected: "a file of at most 16 MiB" };
        if bytes.len() > PROOF_BYTES_MAX {
            return Err(too_long);
        }
        let rest = std::str::from_utf8(bytes)
            .map_err(|_| ProofFileError::Line { number: 1, expected: "UTF-8" })?;
        let mut reader = ProofReader { rest, number: 0 };
        match reader.line(header)? {
            line if line == header => Ok(reader),
            _ => reader.wrong(header),
        }
    }

    fn wrong<T>(&self, expected: &'static str) -> Result<T, ProofFileError> {
        Err(ProofFileError::Line { number: self.number, expected })
    }

    fn line(&mut self, expected: &'static str) -> Result<&'a str, ProofFileError> {
        self.number += 1;
        match self.rest.split_once('\n') {
            Some((line, _)) if line.ends_with('\r') => {
                Err(ProofFileError::CarriageReturn { number: self.number })
            }
            Some((line, rest)) => {
                self.rest = rest;
                Ok(line)
            }
            None => self.wrong(expected),
        }
    }

    /// The lines in the extra data, if present.
    fn extra(&mut self) -> Result<Vec<Vec<u8>>, ProofFileError> {
        const EXPECTED: &str = "extra and base64 of lines";
        if !self.rest.starts_with("extra ") {
            return Ok(Vec::new());
        }
        let line = self.line(EXPECTED)?;
        let code = line.strip_prefix("extra ").unwrap_or_default();
        let mut bytes = Vec::new();
        let decoded = decode_base64(Base64::Standard, code.as_bytes(), &mut bytes);
        let lines = bytes.strip_suffix(b"\n").filter(|lines| !lines.is_empty());
        let (Ok(()), Some(lines)) = (decoded, lines) else { return self.wrong(EXPECTED) };
        let lines: Vec<_> = lines.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        // Only the first line, the entry, may be empty.
        if lines.iter().skip(1).any(Vec::is_empty) { self.wrong(EXPECTED) } else { Ok(lines) }
    }

    fn number(&mut self, prefix: &str, expected: &'static str) -> Result<u64, ProofFileError> {
        match self.line(expected)?.strip_prefix(prefix).and_then(decimal) {
            Some(number) => Ok(number),
            None => self.wrong(expected),
        }
    }

    fn root(&mut self) -> Result<Hash, ProofFileError> {
        const EXPECTED: &str = "root and base64 of 32 bytes";
        let code = self.line(EXPECTED)?.strip_prefix("root ");
        match code.map(|code| base64_array(Base64::Standard, code.as_bytes())) {
            Some(Ok(root)) => Ok(root),
            _ => self.wrong(EXPECTED),
        }
    }

    /// Hashes up to an empty line, and the note after it.
    fn path_and_note(mut self) -> Result<(Vec<Hash>, String), ProofFileError> {
        const EXPECTED: &str = "base64 of 32 bytes, or an empty line and the checkpoint";
        let mut path = Vec::new();
        loop {
            match self.line(EXPECTED)? {
                "" => break,
                line => match base64_array(Base64::Standard, line.as_bytes()) {
                    Ok(hash) if path.len() < HASHES_MAX => path.push(hash),
                    _ => return self.wrong(EXPECTED),
                },
            }
        }
        if self.rest.len() > NOTE_BYTES_MAX {
            return self.wrong("a note of at most 1 MiB");
        }
        Ok((path, self.rest.to_owned()))
    }
}
