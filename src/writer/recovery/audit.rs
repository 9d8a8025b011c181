//! Audit events of a dead run: what its log may lack goes to a spill file in its home, from which the audit thread
//! seals each once.
//!
//! Promises: the spill file and the file that says from where the log is to be compared appear in one step each, the
//! latter first. While they are there they are what counts; so a crash at any moment leaves the old state or the new
//! one. The file is empty once all of its events are sealed.
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::SLICE_BYTES;
use super::collect::{add_rings, dead_writer_of};
use crate::core::record::{Kind, Record};
use crate::recover::dead::{AUDIT_SPILL as SPILL, DeadHome};
use crate::recover::journal::{JOURNAL, event_of, events_in, put_event};
use crate::writer::RedactionConfig;
use crate::writer::audit::{BatchReader, Feed, REPLAY_HEAD};
use ringseal_base::clock::Clock;
use ringseal_base::storage::{OpenMode, Storage, append_all, publish_durably, read_full};

/// Puts the audit events that the log of a dead run may lack into a spill file. Returns its path, or nothing if there
/// are none. `configured` is the spill file of the log's settings, whose events are not put in again.
pub fn collect_audit(
    home: &DeadHome,
    redaction: &RedactionConfig,
    clock: &Arc<dyn Clock>,
    configured: Option<&Path>,
) -> io::Result<Option<PathBuf>> {
    let storage = home.storage();
    let spill = home.dir().join(SPILL);
    if let Ok(stat) = storage.stat(&spill) {
        return Ok((stat.len > 0).then_some(spill));
    }
    let known = match configured {
        Some(path) => events_in(&read_or_empty(&**storage, path)?),
        None => HashSet::new(),
    };
    let (done, next_seq) = home.image.audit;
    let mut lines = Vec::new();
    let mut journal = HashSet::new();
    let spool = home.spool(JOURNAL)?;
    for line in spool.lines_from(0) {
        journal.extend(event_of(line).map(|(ticket, _)| ticket));
    }
    for line in spool.lines_from(done) {
        if event_of(line).is_some_and(|event| !known.contains(&event)) {
            lines.extend_from_slice(line);
        }
    }
    for (ticket, unix_nanos, members) in events_in_rings(home, redaction, clock)? {
        if !journal.contains(&ticket) && !known.contains(&(ticket, unix_nanos)) {
            put_event(&mut lines, ticket, unix_nanos, &members);
        }
    }
    if lines.is_empty() {
        return Ok(None);
    }
    let replay = home.dir().join(format!("{SPILL}.replay"));
    publish(&**storage, &replay, format!("{REPLAY_HEAD}{next_seq}\n").as_bytes())?;
    publish(&**storage, &spill, &lines)?;
    Ok(Some(spill))
}

/// Writes a file that appears whole.
fn publish(storage: &dyn Storage, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut temporary = path.to_owned().into_os_string();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    match storage.remove(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = storage.open(&temporary, OpenMode::CreateNew { mode: 0o600 })?;
    append_all(&mut *file, bytes)?;
    publish_durably(storage, &*file, &temporary, path)
}

fn read_or_empty(storage: &dyn Storage, path: &Path) -> io::Result<Vec<u8>> {
    let file = match storage.open(path, OpenMode::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened?,
    };
    let mut bytes = vec![0; usize::try_from(file.stat()?.len).unwrap_or(usize::MAX)];
    let read = read_full(&*file, &mut bytes, 0)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// Ticket, time and members of each audit event in the rings.
fn events_in_rings(
    home: &DeadHome,
    redaction: &RedactionConfig,
    clock: &Arc<dyn Clock>,
) -> io::Result<Vec<(u64, i64, Vec<u8>)>> {
    let (feed, ends) = Feed::new(redaction.clone());
    let writer = dead_writer_of(home, (Vec::new(), SLICE_BYTES), redaction, clock);
    let mut writer = writer.with_audit(feed, None);
    add_rings(&mut writer, home)?;
    for index in 0..writer.lanes.len() {
        let lane = &mut writer.lanes[index];
        lane.consumer.poll();
        loop {
            let (_, stretch) = lane.consumer.readable_at();
            if stretch.is_empty() {
                break;
            }
            let len = stretch.len();
            let mut at = 0;
            while at < len {
                let Ok(record) = Record::read(&stretch[at..]) else { break };
                at += record.len_bytes;
                if record.header.kind == Kind::Audit {
                    // One that cannot be read is reported with the other records.
                    let _ = writer.processor.audit_event(&record, &mut lane.memory);
                }
            }
            lane.consumer.advance(len);
        }
    }
    writer.processor.send_audit_batch();
    Ok(BatchReader::all(ends))
}
