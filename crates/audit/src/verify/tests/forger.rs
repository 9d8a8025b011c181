//! A simulated forger who rewrites a log. He makes everything consistent that needs no key. He computes a signature if
//! he has its key, and otherwise leaves it unchanged.
use std::path::Path;

use super::support::{DIR, LogFiles, disk_of};
use crate::chain::Chain;
use crate::checkpoint::Checkpoint;
use crate::entry::control::{Control, SealedSegment, put_statement_signature, statement_line};
use crate::entry::{Body, Parser, Scheme, Signature, begin, finish};
use crate::keys::{ChainKey, sign_statement};
use crate::merkle::{Tree, leaf_hash};
use crate::note::Signer;
use crate::store::names::{ACTIVE, parse_sealed, sealed_name};
use crate::tiles::TileWriter;
use ringseal_base::digest::{Hash, Sha256};

/// The forger's keys.
pub struct Keys<'a> {
    /// A key of the ratchet and the entry from which it applies.
    pub chain: Option<(u64, ChainKey)>,
    /// The key of each epoch.
    pub signers: Vec<Option<&'a Signer>>,
}

/// An entry to write.
#[derive(Clone)]
pub struct ForgedEntry {
    /// Its original number.
    pub was: Option<u64>,
    pub segment: usize,
    pub unix_nanos: i64,
    pub body: String,
    signature: Signature,
}

impl ForgedEntry {
    pub fn is_event(&self) -> bool {
        self.body.starts_with("\"event_type\":\"user.")
    }

    pub fn is(&self, kind: &str) -> bool {
        self.body.starts_with(&format!("\"event_type\":\"ringseal.{kind}\""))
    }
}

/// All entries of a log.
pub fn entries_of(files: &LogFiles) -> Vec<ForgedEntry> {
    let mut segments: Vec<(u64, &Vec<u8>)> =
        files.iter().filter_map(|(name, bytes)| Some((parse_sealed(name)?.0, bytes))).collect();
    segments.push((u64::MAX, &files[ACTIVE]));
    let mut all = Vec::new();
    for (segment, (_, bytes)) in segments.into_iter().enumerate() {
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let entry = Parser::new().entry(line).unwrap();
            all.push(ForgedEntry {
                was: Some(entry.seq),
                segment,
                unix_nanos: entry.unix_nanos,
                body: entry.body.to_owned(),
                signature: entry.signature,
            });
        }
    }
    all
}

/// Writes a log of these entries.
pub fn forge(original: &LogFiles, items: &[ForgedEntry], keys: &Keys<'_>) -> LogFiles {
    let mut forger = Forger {
        keys,
        chain: keys.chain.as_ref().map(|(seq, key)| (*seq, Chain::with_key(key, *seq, 1))),
        epoch: 0,
        previous: Signature::first(Scheme::Mac),
        tree: Tree::new(),
        leaves: Vec::new(),
        sizes: Vec::new(),
        before: None,
    };
    let mut files = LogFiles::new();
    let last = items.last().map_or(0, |item| item.segment);
    for segment in 0..=last {
        let first_seq = forger.tree.len();
        let mut bytes = Vec::new();
        for item in items.iter().filter(|item| item.segment == segment) {
            forger.entry(item, &mut bytes);
        }
        forger.before = Some(SealedSegment {
            name: sealed_name(first_seq),
            bytes: bytes.len() as u64,
            sha256: Sha256::of(&bytes),
            first_seq,
            last_seq: forger.tree.len() - 1,
        });
        let name = if segment == last { ACTIVE.to_owned() } else { sealed_name(first_seq) };
        files.insert(name, bytes);
    }
    forger.checkpoints(original, &mut files);
    forger.tiles(&mut files);
    files
}

struct Forger<'a> {
    keys: &'a Keys<'a>,
    chain: Option<(u64, Chain)>,
    epoch: usize,
    previous: Signature,
    tree: Tree,
    leaves: Vec<Hash>,
    /// For each original entry: its number, the new tree size, the root, its epoch.
    sizes: Vec<(u64, u64, Hash, usize)>,
    before: Option<SealedSegment>,
}

impl Forger<'_> {
    fn signer(&self, epoch: usize) -> Option<&Signer> {
        self.keys.signers.get(epoch).copied().flatten()
    }

    fn entry(&mut self, item: &ForgedEntry, out: &mut Vec<u8>) {
        let seq = self.tree.len();
        let body = self.body(item, seq);
        let start = out.len();
        begin(out, seq, item.unix_nanos, Body::trusted(&body), &self.previous);
        let signature = match &mut self.chain {
            Some((from, chain)) if *from <= seq => {
                chain.sign(seq, &crate::chain::digest_of(&out[start..])).unwrap()
            }
            _ => item.signature,
        };
        finish(out, &signature);
        let leaf = leaf_hash(&out[start..out.len() - 1]);
        self.tree.push(leaf);
        self.leaves.push(leaf);
        self.previous = signature;
        if let Some(was) = item.was {
            self.sizes.push((was, self.tree.len(), self.tree.root(), self.epoch));
        }
        self.epoch += usize::from(item.is("epoch"));
    }

    /// Control entries describe the rewritten segments.
    fn body(&self, item: &ForgedEntry, seq: u64) -> Vec<u8> {
        if item.is_event() {
            return item.body.clone().into_bytes();
        }
        // A temporary line for the parser.
        let mut line = Vec::new();
        let body = Body::trusted(item.body.as_bytes());
        begin(&mut line, seq, item.unix_nanos, body, &self.previous);
        finish(&mut line, &item.signature);
        let entry_line = line[..line.len() - 1].to_vec();
        let mut parser = Parser::new();
        let entry = parser.entry(&entry_line).unwrap();
        let mut control = Control::read(&entry).unwrap().control;
        if let (Control::Segment(segment), Some(before)) = (&mut control, &self.before) {
            segment.previous = before.clone();
        }
        let mut members = Vec::new();
        control.put(&mut members);
        if control.is_statement() {
            let Some(signer) = self.signer(self.epoch) else {
                return item.body.clone().into_bytes();
            };
            let text = statement_line(seq, item.unix_nanos, &members);
            put_statement_signature(&mut members, &sign_statement(signer, &text));
        }
        members
    }

    /// Checkpoints at the original positions, signed again where he has the key.
    fn checkpoints(&self, original: &LogFiles, files: &mut LogFiles) {
        let text = String::from_utf8(original["checkpoints"].clone()).unwrap();
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let mut all = String::new();
        let mut latest = String::new();
        for note in lines.chunks(6) {
            let was: u64 = note[1].trim().parse().unwrap();
            let found = self.sizes.iter().find(|(seq, ..)| seq + 1 == was);
            let Some((_, size, root, epoch)) = found else { continue };
            latest = match self.signer(*epoch) {
                Some(signer) => {
                    let origin = signer.verifier().name().to_owned();
                    Checkpoint { origin, size: *size, root: *root }.sign(signer).unwrap()
                }
                None => note[..5].concat(),
            };
            all.push_str(&latest);
            all.push('\n');
        }
        files.insert("checkpoints".into(), all.into_bytes());
        files.insert("checkpoint".into(), latest.into_bytes());
    }

    fn tiles(&self, files: &mut LogFiles) {
        let disk = disk_of(&LogFiles::new());
        let mut writer = TileWriter::new(Path::new(DIR), 0o600);
        for leaf in &self.leaves {
            writer.push(*leaf);
            if self.sizes.iter().any(|(_, size, ..)| *size == writer.tree().len()) {
                writer.seal(&disk).unwrap();
            }
        }
        for (path, bytes) in disk.files() {
            files.insert(path.strip_prefix(DIR).unwrap().to_str().unwrap().to_owned(), bytes);
        }
    }
}
