//! A log on fault-injecting storage, and a slow reference check of all its files.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::chain::Chain;
use crate::checkpoint::Checkpoint;
use crate::entry::control::{Control, Prune, statement_text};
use crate::entry::{Body, Parser, Scheme, Signature};
use crate::keys::{ChainKey, verify_statement};
use crate::merkle::{Tree, leaf_hash};
use crate::note::Verifier;
use crate::store::names::{ACTIVE, CHECKPOINT, CHECKPOINTS, KEPT, parse_sealed, sealed_name};
use crate::store::{AuditLog, LogOptions, Receipt, StoreError};
use crate::tiles::Tile;
use crate::verify::tests::support::host;
use ringseal_base::clock::ManualClock;
use ringseal_base::digest::{Hash, Sha256, hkdf};
use ringseal_base::storage::faulty::FaultyDisk;

pub const DIR: &str = "/log";
pub const AWAY: &str = "/away";
pub const ORIGIN: &str = "test.example/audit";
/// 2026-11-22T15:09:20Z.
pub const START: i64 = 1_795_360_160_000_000_000;

/// A disk, a clock and the verifier's keys.
#[derive(Clone)]
pub struct Fixture {
    pub disk: FaultyDisk,
    pub clock: Arc<ManualClock>,
    pub root: Verifier,
    pub first_key: ChainKey,
}

impl Fixture {
    /// An empty log with its keys.
    pub fn new() -> Fixture {
        let disk = FaultyDisk::new(Path::new(DIR));
        disk.put_dir(Path::new(AWAY));
        let clock = Arc::new(ManualClock::at(START));
        let mut host = host(&disk, &clock, 1);
        let root = AuditLog::create(&mut host, Path::new(DIR), Path::new(AWAY), ORIGIN).unwrap();
        let mac = disk.files()[&Path::new(AWAY).join("audit.mac")].clone();
        let first_key = ChainKey::parse_mac(std::str::from_utf8(&mac).unwrap()).unwrap();
        Fixture { disk, clock, root, first_key }
    }

    pub fn open(&self, options: LogOptions) -> Result<AuditLog, StoreError> {
        // The seed differs each time, so that the keys differ.
        let host = host(&self.disk, &self.clock, 1000 + self.disk.calls());
        AuditLog::open(host, Path::new(DIR), options)
    }

    /// The same with another disk.
    pub fn with(&self, disk: FaultyDisk) -> Fixture {
        Fixture { disk, ..self.clone() }
    }

    pub fn advance(&self, seconds: u64) {
        self.clock.advance(seconds * 1_000_000_000);
    }

    /// The log's files by name.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let below = |path: PathBuf| Some(path.strip_prefix(DIR).ok()?.to_str()?.to_owned());
        self.disk
            .files()
            .into_iter()
            .filter_map(|(path, bytes)| Some((below(path)?, bytes)))
            .collect()
    }
}

/// Small segments, so that rotation and pruning happen often.
pub fn small() -> LogOptions {
    LogOptions { segment_bytes_max: 6_000, checkpoint_entries: 20, ..LogOptions::default() }
}

pub fn members(number: u64) -> String {
    format!(
        "\"event_type\":\"user.login\",\"actor\":{{\"type\":\"user\",\"id\":\"u{number}\"}},\
         \"outcome\":\"success\""
    )
}

pub fn append(log: &mut AuditLog, number: u64) -> Receipt {
    let members = members(number);
    let body = Body::new(members.as_bytes(), &mut Parser::new()).unwrap();
    log.append(body, START + number as i64).unwrap()
}

/// The result of the reference check.
#[derive(Debug, Default)]
pub struct Checked {
    /// Leaf of each existing entry.
    pub leaves: BTreeMap<u64, Hash>,
    pub types: BTreeMap<u64, String>,
    pub controls: BTreeMap<u64, Control>,
    pub sizes: Vec<u64>,
}

/// Entries in order, each with its file; no torn end.
fn lines(files: &BTreeMap<String, Vec<u8>>) -> Vec<(String, Vec<u8>)> {
    let mut segments: BTreeMap<u64, (String, Vec<u8>)> = BTreeMap::new();
    for (name, bytes) in files {
        if let Some((first, is_compressed)) = parse_sealed(name) {
            let plain = if is_compressed { unpack(bytes) } else { bytes.clone() };
            segments.insert(first, (sealed_name(first), plain));
        }
    }
    if let Some(bytes) = files.get(ACTIVE) {
        segments.insert(u64::MAX, (ACTIVE.to_owned(), bytes.clone()));
    }
    let mut all = Vec::new();
    for (name, bytes) in segments.into_values() {
        assert!(bytes.is_empty() || bytes.ends_with(b"\n"), "{name} is torn");
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            all.push((name.clone(), line[..line.len() - 1].to_vec()));
        }
    }
    all
}

#[cfg(feature = "compress")]
fn unpack(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(bytes), &mut plain).unwrap();
    plain
}

#[cfg(not(feature = "compress"))]
fn unpack(_bytes: &[u8]) -> Vec<u8> {
    panic!("compressed")
}

pub fn seq_of(line: &[u8]) -> u64 {
    Parser::new().entry(line).map_or(0, |entry| entry.seq)
}

/// Key of entry `seq`, derived from the first key each time.
fn chain_at(first: &ChainKey, seq: u64) -> Chain {
    let mut key = *first.bytes();
    for _ in 0..seq {
        key = hkdf::expand(&key, b"ringseal audit ratchet v1");
    }
    Chain::with_key(&ChainKey::new(key), seq, 1)
}

/// Checks everything that section 11 of the format page requires, without optimizations; panics on a violation.
/// `is_at_rest`: no process has the log open, so its end must be sealed.
pub fn check(fixture: &Fixture) -> Checked {
    let files = fixture.files();
    let mut checked = Checked::default();
    let all = lines(&files);
    let mut parser = Parser::new();
    let mut epochs: Vec<(u64, Verifier)> = vec![(u64::MAX, fixture.root.clone())];
    for line in files.get(KEPT).map_or(&[][..], |bytes| bytes).split_inclusive(|b| *b == b'\n') {
        let entry = parser.entry(&line[..line.len() - 1]).expect("a kept entry");
        // After a crash, some may be of segments that still exist.
        if all.first().is_none_or(|first| entry.seq < seq_of(&first.1)) {
            learn_epoch(&entry, &mut epochs);
        }
    }
    let mut previous: Option<Signature> = None;
    let mut next: Option<u64> = None;
    let mut chain: Option<Chain> = None;
    let mut segment = String::new();
    for (name, line) in &all {
        let entry = parser.entry(line).unwrap_or_else(|error| panic!("{name}: {error}"));
        let seq = entry.seq;
        if next.is_none() && seq == 0 {
            previous = Some(Signature::first(Scheme::Mac));
        }
        assert_eq!(seq, next.unwrap_or(seq), "{name}: numbers are consecutive");
        assert_eq!(entry.previous, previous.unwrap_or(entry.previous), "entry {seq} is chained");
        let chain = chain.get_or_insert_with(|| chain_at(&fixture.first_key, seq));
        assert_eq!(
            chain.check(seq, entry.signed, &entry.signature),
            Some(true),
            "entry {seq} is signed"
        );
        let begins = *name != segment;
        assert_eq!(
            begins && seq > 0,
            entry.event_type == "ringseal.segment",
            "entry {seq} in {name}"
        );
        segment.clone_from(name);
        if entry.is_control() {
            let statement =
                Control::read(&entry).unwrap_or_else(|error| panic!("entry {seq}: {error}"));
            if let Some(signature) = statement.signature {
                let key = &epochs.last().unwrap().1;
                let text = statement_text(&entry).unwrap();
                assert!(
                    verify_statement(key, text, &signature),
                    "entry {seq} is a signed statement"
                );
            }
            learn_epoch(&entry, &mut epochs);
            check_control(&files, seq, &statement.control, &all);
            checked.controls.insert(seq, statement.control);
        }
        checked.types.insert(seq, entry.event_type.to_owned());
        checked.leaves.insert(seq, leaf_hash(line));
        previous = Some(entry.signature);
        next = Some(seq + 1);
    }
    check_tree(&files, &mut checked, &epochs);
    checked
}

fn learn_epoch(entry: &crate::entry::Entry<'_>, epochs: &mut Vec<(u64, Verifier)>) {
    if entry.event_type != "ringseal.epoch" {
        return;
    }
    let Ok(Control::Epoch(epoch)) = Control::read(entry).map(|statement| statement.control) else {
        panic!("an epoch entry");
    };
    let count = epochs.len() as u64;
    let last = epochs.last_mut().unwrap();
    if last.1.to_string() == epoch.new_key {
        return;
    }
    assert_eq!((epoch.number, epoch.old_key), (count, last.1.to_string()), "epochs are chained");
    last.0 = entry.seq;
    epochs.push((u64::MAX, Verifier::parse(&epoch.new_key).unwrap()));
}

fn check_control(
    files: &BTreeMap<String, Vec<u8>>,
    seq: u64,
    control: &Control,
    all: &[(String, Vec<u8>)],
) {
    match control {
        Control::Segment(segment) => {
            let before = &segment.previous;
            assert_eq!(before.last_seq + 1, seq);
            assert_eq!(before.name, sealed_name(before.first_seq));
            let lines = all.iter().filter(|(name, _)| *name == before.name);
            let plain: Vec<u8> = lines.flat_map(|(_, line)| [&line[..], b"\n"].concat()).collect();
            if !plain.is_empty() {
                assert_eq!(plain.len() as u64, before.bytes, "{}", before.name);
                assert_eq!(Sha256::of(&plain), before.sha256, "{}", before.name);
            }
        }
        Control::Recovery(recovery) => {
            for piece in &recovery.torn {
                let kept =
                    files.get(&piece.kept).unwrap_or_else(|| panic!("{} is kept", piece.kept));
                assert_eq!(Sha256::of(kept), piece.sha256);
                assert_eq!(kept.len() as u64, piece.bytes);
            }
        }
        Control::Prune(Prune { before_seq, segments, .. }) => {
            assert_eq!(segments.last().unwrap().last_seq + 1, *before_seq);
        }
        _ => {}
    }
}

fn check_tree(
    files: &BTreeMap<String, Vec<u8>>,
    checked: &mut Checked,
    epochs: &[(u64, Verifier)],
) {
    let size = checked.leaves.keys().next_back().map_or(0, |last| last + 1);
    let mut tree = Tree::new();
    let mut roots = vec![tree.root()];
    for seq in 0..size {
        let leaf = checked.leaves.get(&seq).copied().unwrap_or_else(|| tile_leaf(files, seq));
        tree.push(leaf);
        roots.push(tree.root());
    }
    let notes = files.get(CHECKPOINTS).cloned().unwrap_or_default();
    let notes = String::from_utf8(notes).unwrap();
    let mut last_size = 0;
    let mut texts = Vec::new();
    for (text, signatures) in
        notes.split("\n\n").collect::<Vec<_>>().chunks(2).filter_map(|c| Some((c[0], c.get(1)?)))
    {
        let note = format!("{text}\n\n{signatures}\n");
        let found = text.split('\n').nth(1).unwrap().parse::<u64>().unwrap();
        let key = epochs.iter().find(|(last, _)| found - 1 <= *last).map(|(_, key)| key).unwrap();
        let checkpoint = Checkpoint::open(note.as_bytes(), key)
            .unwrap_or_else(|error| panic!("checkpoint of {found}: {error}"));
        assert!(checkpoint.size >= last_size && checkpoint.size <= size, "{found} of {size}");
        assert_eq!(checkpoint.root, roots[checkpoint.size as usize], "checkpoint of {found}");
        last_size = checkpoint.size;
        checked.sizes.push(last_size);
        texts.push(note);
    }
    if let Some(latest) = files.get(CHECKPOINT) {
        let latest = std::str::from_utf8(latest).unwrap();
        assert!(texts.iter().any(|text| text == latest), "`checkpoints` contains the latest");
    }
    for (seq, control) in &checked.controls {
        if matches!(control, Control::Epoch(_)) && *seq + 1 < size {
            assert!(checked.sizes.contains(&(seq + 1)), "epoch entry {seq} is sealed");
        }
    }
    for index in 0..size / 256 {
        let tile = Tile { level: 0, index, width: 256 };
        if let Some(bytes) = files.get(&tile.name())
            && last_size >= (index + 1) * 256
        {
            let right = (0..256).all(|i| {
                let leaf = checked.leaves.get(&(index * 256 + i));
                leaf.is_none_or(|leaf| bytes[i as usize * 32..][..32] == *leaf)
            });
            assert!(right, "{}", tile.name());
        }
    }
}

fn tile_leaf(files: &BTreeMap<String, Vec<u8>>, seq: u64) -> Hash {
    let (index, place) = (seq / 256, (seq % 256) as usize * 32);
    let full = Tile { level: 0, index, width: 256 }.name();
    let prefix = format!("{full}.p/");
    let candidates = files.iter().filter(|(name, _)| **name == full || name.starts_with(&prefix));
    let bytes = candidates.map(|(_, bytes)| bytes).find(|bytes| bytes.len() >= place + 32);
    bytes.unwrap_or_else(|| panic!("leaf {seq} is in a tile"))[place..][..32].try_into().unwrap()
}
