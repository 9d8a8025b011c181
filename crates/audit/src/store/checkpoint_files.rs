//! The files `checkpoints` and `checkpoint`.
use super::disk::{Disk, Result, Tail, with_path};
use super::error::{Damage, StoreError};
use super::names::{CHECKPOINT, CHECKPOINTS};
use crate::checkpoint::Checkpoint;
use crate::note::Note;
use ringseal_base::storage::OpenMode;

/// The last note is searched in this many bytes at the end of the file; a note has a few hundred bytes.
const LOOK_BACK_BYTES: u64 = 64 * 1024;

/// The end of `checkpoints`.
#[derive(Debug, Default)]
pub(super) struct LastNote {
    /// The last whole note.
    pub note: Option<(String, Checkpoint)>,
    /// The number of bytes of the file that are whole notes.
    pub good_bytes: u64,
    /// The bytes after them.
    pub torn: Vec<u8>,
}

/// Reads the end of `checkpoints`.
pub(super) fn last_note(disk: &Disk, origin: &str) -> Result<LastNote> {
    let Some(file) = disk.open(CHECKPOINTS, OpenMode::Read)? else {
        return Ok(LastNote::default());
    };
    let path = disk.path(CHECKPOINTS);
    let len = with_path("reading the metadata of", &path, file.stat())?.len;
    let from = len.saturating_sub(LOOK_BACK_BYTES);
    let mut tail = Vec::new();
    let mut reader = ringseal_base::storage::FileReader { file, offset: from };
    with_path("reading", &path, std::io::Read::read_to_end(&mut reader, &mut tail))?;
    let mut starts: Vec<usize> = note_starts(&tail, from == 0);
    // Searches for the last start with a whole note; the bytes after that note are torn.
    let mut end = tail.len();
    while let Some(start) = starts.pop() {
        let whole = tail.get(start..end).and_then(|text| text.strip_suffix(b"\n"));
        let note = whole.and_then(|text| parse(text, origin).map(|checkpoint| (text, checkpoint)));
        if let Some((text, checkpoint)) = note {
            let text = String::from_utf8_lossy(text).into_owned();
            let torn = tail.get(end..).unwrap_or_default().to_vec();
            let good_bytes = from + end as u64;
            return Ok(LastNote { note: Some((text, checkpoint)), good_bytes, torn });
        }
        end = start;
    }
    if from > 0 {
        let what = Damage::Order("a checkpoint");
        return Err(StoreError::Damaged { file: CHECKPOINTS.into(), offset: from, seq: 0, what });
    }
    Ok(LastNote { note: None, good_bytes: 0, torn: tail })
}

fn parse(note: &[u8], origin: &str) -> Option<Checkpoint> {
    let note = Note::parse(note).ok()?;
    let checkpoint = Checkpoint::parse_text(note.text).ok()?;
    (checkpoint.origin == origin).then_some(checkpoint)
}

/// Start offsets of notes: the start of the file, and after each empty line that is not followed by a signature.
fn note_starts(tail: &[u8], from_start: bool) -> Vec<usize> {
    let mut starts = if from_start { vec![0] } else { Vec::new() };
    for end in memchr::memmem::find_iter(tail, b"\n\n") {
        let next = end + 2;
        let rest = tail.get(next..).unwrap_or_default();
        if !rest.is_empty() && !rest.starts_with("\u{2014} ".as_bytes()) {
            starts.push(next);
        }
    }
    starts
}

/// Appends a note to `checkpoints`.
pub(super) fn append_note(tail: &mut Tail, note: &str) -> Result<()> {
    let mut bytes = Vec::with_capacity(note.len() + 1);
    bytes.extend_from_slice(note.as_bytes());
    bytes.push(b'\n');
    tail.append(&bytes)
}

/// Replaces `checkpoint` by this note.
pub(super) fn replace_latest(disk: &Disk, note: &str) -> Result<()> {
    disk.replace(CHECKPOINT, note.as_bytes())
}
