//! The oracle of the random differential test: a slow and obvious verdict on a changed log, by comparison with the
//! unchanged one. It checks no signature and no hash: what differs from the truth must be found, except what a crash
//! can leave, what is derived from entries, and a cut that the remaining checkpoints allow.
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

/// The files of a log by name.
pub type Files = BTreeMap<String, Content>;

/// What a name refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Regular(Vec<u8>),
    Directory,
    /// A link to a file of these bytes.
    Link(Vec<u8>),
    Pipe,
}

impl Content {
    /// The bytes of a regular file.
    pub fn regular(&self) -> Option<&[u8]> {
        match self {
            Content::Regular(bytes) => Some(bytes),
            _ => None,
        }
    }
}

const ACTIVE: &str = "audit.log.jsonl";

/// The verdict that a change must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Intact,
    Tampered,
    /// It depends on more than a comparison: the verifiers only have to agree.
    Unknown,
}

/// What the verifiers are given besides the log.
#[derive(Clone, Copy, Debug)]
pub struct Given {
    pub has_mac: bool,
    /// The number of entries that a checkpoint kept elsewhere covers.
    pub kept: Option<usize>,
}

/// The verdict on `changed`, which was `truth`.
pub fn verdict(truth: &Files, changed: &Files, given: Given) -> Verdict {
    Comparison { truth, changed, given }.verdict().unwrap_or(Verdict::Tampered)
}

struct Comparison<'a> {
    truth: &'a Files,
    changed: &'a Files,
    given: Given,
}

/// The end of a function that found a difference which must be reported: `None`.
type Found<T> = Option<T>;

impl Comparison<'_> {
    fn verdict(&self) -> Found<Verdict> {
        for name in ["checkpoints", "checkpoint", "checkpoint.next", "kept.jsonl", "tile", "torn"] {
            let is_dir = ["tile", "torn"].contains(&name);
            let is_right = |content: &Content| match is_dir {
                true => *content == Content::Directory,
                false => content.regular().is_some(),
            };
            self.changed.get(name).is_none_or(is_right).then_some(())?;
        }
        let is_pruned = self.truth.contains_key("kept.jsonl");
        let was = self.entries(self.truth)?;
        let now = self.entries(self.changed)?;
        let first = was.first().map_or(0, |(seq, _)| *seq);
        self.same_segments()?;
        let is_prefix = now.len() <= was.len() && now[..] == was[..now.len()];
        let end = first + now.len() as u64;
        if self.has_added_signatures() {
            return Some(Verdict::Unknown);
        }
        let notes = self.notes()?;
        let sealed = notes.last().copied().unwrap_or(0);
        if !is_prefix {
            // Without the chain's key nothing proves the entries after the last checkpoint.
            let same = now.iter().zip(&was).take_while(|(now, was)| now == was).count() as u64;
            let is_provable = self.given.has_mac || first + same < sealed;
            return if is_provable { None } else { Some(Verdict::Unknown) };
        }
        (sealed <= end && !now.is_empty()).then_some(())?;
        (self.given.kept.unwrap_or(0) as u64 <= end).then_some(())?;
        if is_pruned {
            self.same_kept()?;
            let is_tile = |name: &&String| name.starts_with("tile/0/");
            let differs = |name: &&String| self.truth.get(*name) != self.changed.get(*name);
            if self.all_names().filter(is_tile).any(|name| differs(&name)) || end < was_end(&was) {
                // Hashes of removed entries are evidence, and so is the prune entry, which may be cut off.
                return Some(Verdict::Unknown);
            }
        }
        self.has_required_notes(&now, &notes)?;
        self.right_latest()?;
        if self.tiles_differ() {
            // Tiles are compared up to the size in `checkpoint`, and older ones with a newer one that is whole. One
            // that is too short counts as missing.
            let same = |name: &str| self.truth.get(name) == self.changed.get(name);
            let is_changed = |name: &&String| name.starts_with("tile/") && !same(name);
            let changed: Vec<&String> = self.all_names().filter(is_changed).collect();
            let len = |files, name: &str| self.bytes(files, name).len();
            let is_one =
                changed.len() == 1 && len(self.changed, changed[0]) >= len(self.truth, changed[0]);
            let is_covered = is_one && same("checkpoint") && now.len() == was.len();
            return if is_covered { None } else { Some(Verdict::Unknown) };
        }
        Some(Verdict::Intact)
    }

    fn all_names(&self) -> impl Iterator<Item = &String> {
        let names: BTreeSet<&String> = self.truth.keys().chain(self.changed.keys()).collect();
        names.into_iter()
    }

    /// The entries in order, with their numbers by position; a torn end of the active segment is not one.
    fn entries(&self, files: &Files) -> Found<Vec<(u64, Vec<u8>)>> {
        let mut lines = Vec::new();
        let mut first = None;
        for (name, bytes) in segments(files)? {
            let is_active = name == ACTIVE;
            if !is_active && first.is_none() {
                first = name.get(6..26).and_then(|digits| digits.parse().ok());
            }
            for line in bytes.split_inclusive(|byte| *byte == b'\n') {
                let is_torn = line.contains(&0) || !line.ends_with(b"\n");
                if is_active && is_torn {
                    break;
                }
                (!is_torn || line.contains(&0)).then_some(())?;
                lines.push(line.to_vec());
            }
        }
        let first = first.unwrap_or(0);
        Some(lines.into_iter().enumerate().map(|(at, line)| (first + at as u64, line)).collect())
    }

    /// Sealed segments have their names and their content.
    fn same_segments(&self) -> Found<()> {
        let is_sealed = |name: &str| name != ACTIVE;
        let of = |files| -> Found<BTreeMap<String, Vec<u8>>> {
            Some(segments(files)?.into_iter().filter(|(name, _)| is_sealed(name)).collect())
        };
        (of(self.truth)? == of(self.changed)?).then_some(())
    }

    /// The sizes of the notes, each of which must be one of the true ones, in order; an unfinished last one is ignored.
    fn notes(&self) -> Found<Vec<u64>> {
        let was = split_notes(self.bytes(self.truth, "checkpoints"));
        let now = split_notes(self.bytes(self.changed, "checkpoints"));
        let sizes: Vec<u64> = now
            .iter()
            .map(|note| was.contains(note).then(|| size_of(note)))
            .collect::<Found<_>>()?;
        sizes.is_sorted().then_some(sizes)
    }

    /// Whether a note has its own text and signature, and further signatures: those of other keys are ignored, as with
    /// every signed note, and a further one of the same key is wrong.
    fn has_added_signatures(&self) -> bool {
        let was = split_notes(self.bytes(self.truth, "checkpoints"));
        let now = split_notes(self.bytes(self.changed, "checkpoints"));
        let is_added = |note: &&[u8]| {
            let (text, signatures) = parts_of(note);
            let is_same = |(own, of_it): (&[u8], BTreeSet<&[u8]>)| {
                own == text && of_it.len() < signatures.len() && of_it.is_subset(&signatures)
            };
            was.iter().any(|known| is_same(parts_of(known)))
        };
        now.iter().any(is_added)
    }

    fn bytes<'f>(&self, files: &'f Files, name: &str) -> &'f [u8] {
        files.get(name).and_then(Content::regular).unwrap_or_default()
    }

    /// The checkpoints without which a log does not continue.
    fn has_required_notes(&self, entries: &[(u64, Vec<u8>)], notes: &[u64]) -> Found<()> {
        let staged = self.bytes(self.changed, "checkpoint.next");
        let is_staged = split_notes(self.bytes(self.truth, "checkpoints"))
            .iter()
            .any(|note| note.strip_suffix(b"\n") == Some(staged));
        let mut sizes: BTreeSet<u64> = notes.iter().copied().collect();
        if is_staged {
            sizes.insert(size_of(staged));
        }
        let opening = ["start", "integrity", "epoch", "segment", "recovery"];
        let mut opened: Option<u64> = None;
        let mut unsealed = false;
        for (seq, line) in entries {
            let kind = own_kind(line);
            if sizes.contains(seq) {
                // A checkpoint before this entry: it seals the opening, and proves that the epoch's is missing.
                opened = None;
                (!unsealed).then_some(())?;
            }
            let is_opening = kind.is_some_and(|kind| opening.contains(&kind));
            (opened.is_none() || is_opening).then_some(())?;
            match kind {
                Some("start") => opened = Some(*seq),
                Some("epoch") => unsealed = !sizes.contains(&(seq + 1)),
                Some("stop") => sizes.contains(&(seq + 1)).then_some(())?,
                _ => {}
            }
            let ends = kind.is_some_and(|kind| ["start", "recovery", "stop"].contains(&kind));
            (!ends || !unsealed).then_some(())?;
        }
        let end = entries.last().map_or(0, |(seq, _)| seq + 1);
        (!unsealed || !sizes.contains(&end)).then_some(())?;
        let needs =
            entries.iter().any(|(_, line)| own_kind(line).is_none_or(|kind| kind == "stop"));
        (!sizes.is_empty() || !needs).then_some(())
    }

    /// The file of the latest checkpoint is missing, or one of those in the list.
    fn right_latest(&self) -> Found<()> {
        let Some(latest) = self.changed.get("checkpoint") else { return Some(()) };
        let latest = latest.regular()?;
        let list = split_notes(self.bytes(self.changed, "checkpoints"));
        list.iter().any(|note| note.strip_suffix(b"\n") == Some(latest)).then_some(())
    }

    /// Whether a tile is something else than right, missing or torn: too short, or with zeros at its end.
    fn tiles_differ(&self) -> bool {
        let differs = |(name, content): (&String, &Content)| {
            let Some(was) = self.truth.get(name).and_then(Content::regular) else { return false };
            let Some(bytes) = content.regular() else { return !name.ends_with(".p") };
            let same = bytes.iter().zip(was).take_while(|(now, was)| now == was).count();
            bytes.len() > was.len() || bytes[same..].iter().any(|byte| *byte != 0)
        };
        self.changed.iter().filter(|(name, _)| name.starts_with("tile/")).any(differs)
    }

    /// The control entries of removed segments are there, perhaps with an unfinished last line.
    fn same_kept(&self) -> Found<()> {
        let was = self.bytes(self.truth, "kept.jsonl");
        let now = self.changed.get("kept.jsonl")?.regular()?;
        let rest = now.strip_prefix(was)?;
        (!rest.contains(&b'\n')).then_some(())
    }
}

fn was_end(entries: &[(u64, Vec<u8>)]) -> u64 {
    entries.last().map_or(0, |(seq, _)| seq + 1)
}

/// The plain content of each segment in order, the active one last. A packed copy must have the same content.
fn segments(files: &Files) -> Found<Vec<(String, Vec<u8>)>> {
    let mut found: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let is_segment = |name: &str| {
        let plain = name.strip_suffix(".gz").unwrap_or(name);
        let digits = plain.strip_prefix("audit-").and_then(|rest| rest.strip_suffix(".jsonl"));
        name == ACTIVE || digits.is_some_and(|digits| digits.len() == 20)
    };
    for (name, bytes) in files.iter().filter(|(name, _)| is_segment(name)) {
        let bytes = bytes.regular()?;
        let (plain, content) = match name.strip_suffix(".gz") {
            Some(plain) => (plain.to_owned(), unpack(bytes)?),
            None => (name.clone(), bytes.to_vec()),
        };
        if let Some(other) = found.insert(plain, content.clone()) {
            (other == content).then_some(())?;
        }
    }
    // `-` sorts before `.`: the active one is last.
    Some(found.into_iter().collect())
}

fn unpack(bytes: &[u8]) -> Found<Vec<u8>> {
    let mut plain = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut plain).ok()?;
    Some(plain)
}

/// Whole notes, each with the empty line after it.
fn split_notes(mut bytes: &[u8]) -> Vec<&[u8]> {
    let end_of = |bytes: &[u8]| bytes.windows(2).position(|pair| pair == b"\n\n").map(|at| at + 2);
    let mut notes = Vec::new();
    while let Some(text) = end_of(bytes)
        && let Some(signatures) = end_of(&bytes[text..])
    {
        let (note, rest) = bytes.split_at(text + signatures);
        notes.push(note);
        bytes = rest;
    }
    notes
}

/// The text of a note and its lines of signatures.
fn parts_of(note: &[u8]) -> (&[u8], BTreeSet<&[u8]>) {
    let end = note.windows(2).position(|pair| pair == b"\n\n").map_or(note.len(), |at| at + 2);
    let (text, signatures) = note.split_at(end);
    (text, signatures.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect())
}

fn size_of(note: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(note);
    text.lines().nth(1).and_then(|line| line.parse().ok()).unwrap_or(0)
}

/// The kind of an entry of the log's own.
fn own_kind(line: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(line).ok()?;
    let (_, kind) = text.split_once("\"event_type\":\"")?;
    kind.split('"').next()?.strip_prefix("ringseal.")
}
