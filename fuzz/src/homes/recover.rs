//! Damaged homes are recovered by a start, and by the commands.
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::change::{Changes, Reader, Touched, changed};
use super::{Identity, LOG, RINGS, Scene, identity_of, scene};
use crate::json_of;
use ringseal::internals::recover::{
    ClaimError, DeadHome, From, Mark, Showing, homes, inspect, recover_on, show, sink_place,
};
use ringseal::sink::file::{FileConfig, RotateEvery};
use ringseal::system::{Clock, ManualClock, Storage};
use ringseal_base::storage::faulty::FaultyDisk;
use ringseal_counting_allocator::peak_bytes;

/// What recovery may take beyond the bytes of the files: buffers of lines and blocks.
const FIXED_BYTES: usize = 4 << 20;
/// And for each lane.
const LANE_BYTES: usize = 64 << 10;

/// Recovers the scene after these changes.
///
/// # Panics
/// If anything panics, takes too much memory, or a line is written that nobody logged, or twice.
pub fn check(changes: &Changes) {
    let scene = scene();
    let (disk, touched) = changed(scene, changes);
    match changes.reader {
        Reader::Start => starts(&disk, scene, touched),
        reader => command(&disk, scene, (touched, reader)),
    }
}

fn starts(disk: &FaultyDisk, scene: &Scene, touched: Touched) {
    let before = log_lines(disk);
    let bound = bound_of(disk);
    let ((), peak) = peak_bytes(|| start(disk));
    assert!(peak <= bound, "{peak} bytes of memory, at most {bound}");
    check_log(disk, &before, scene, touched);
    if touched.is_changed {
        return;
    }
    // The next start finds nothing.
    let lines = log_lines(disk);
    let disk = disk.after_kill();
    start(&disk);
    assert_eq!(identities(&lines, touched), identities(&log_lines(&disk), touched));
}

/// A start of the program with the log.
fn start(disk: &FaultyDisk) {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(1_795_360_160_000_000_000));
    let log = FileConfig::new(LOG).rotate_every(RotateEvery::Never).rotate_bytes_max(0);
    let log = log.retain_bytes_max(None).retain_segments_max(None);
    let report = recover_on(&storage, Path::new(RINGS), "golden", log, &clock);
    // A log that cannot be opened is an error value.
    let Ok(report) = report else { return };
    for run in &report.runs {
        let error = run.error.as_deref().unwrap_or_default();
        assert!(!error.contains("panicked"), "{error}");
    }
}

/// Memory that recovery may take.
fn bound_of(disk: &FaultyDisk) -> usize {
    let files = disk.files();
    let bytes: usize = files.values().map(Vec::len).sum();
    let lanes = files.keys().filter(|path| path.to_string_lossy().contains("/ring-")).count();
    FIXED_BYTES + 4 * bytes + lanes * LANE_BYTES
}

/// The lines of the log and of its segments.
fn log_lines(disk: &FaultyDisk) -> Vec<Vec<u8>> {
    let files = disk.files();
    let log = files.iter().filter(|(path, _)| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        path.starts_with("/app") && name.starts_with("app") && !name.ends_with(".torn")
    });
    log.flat_map(|(_, bytes)| bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec))
        .collect()
}

/// Each line that was added is whole, JSON, and was logged.
fn check_log(disk: &FaultyDisk, before: &[Vec<u8>], scene: &Scene, touched: Touched) {
    let mut old: BTreeMap<&[u8], usize> = BTreeMap::new();
    before.iter().for_each(|line| *old.entry(line).or_default() += 1);
    let mut recovered = Vec::new();
    let lines = log_lines(disk);
    for line in &lines {
        if let Some(count) = old.get_mut(&line[..]).filter(|count| **count > 0) {
            *count -= 1;
            continue;
        }
        let Some(json) = read(line, touched) else { continue };
        if let Some(identity) = identity_of(&json) {
            assert!(json["recovered"] != serde_json::Value::Null, "{json}");
            recovered.push(identity);
        }
    }
    check_identities(&recovered, scene, touched);
    if !touched.is_changed {
        // Each event once, in the log before or now.
        let all = identities(&lines, touched);
        assert_eq!(all.len(), scene.logged.len());
        assert_eq!(all.into_iter().collect::<BTreeSet<_>>(), scene.logged);
    }
}

/// No event twice, and none that was not logged.
fn check_identities(found: &[Identity], scene: &Scene, touched: Touched) {
    if touched.has_other_data {
        // Each is of a record, which has a header at least, or of a line of a spool.
        assert!(found.len() < 20_000, "{} lines", found.len());
        return;
    }
    let mut seen = BTreeSet::new();
    for identity in found {
        assert!(scene.logged.contains(identity), "nobody has logged {identity:?}");
        assert!(seen.insert(identity), "twice: {identity:?}");
    }
}

/// A line as JSON. A damaged spool may have lines of text instead, as those of a program whose format was another one.
fn read(line: &[u8], touched: Touched) -> Option<serde_json::Value> {
    if !touched.has_other_data {
        return Some(json_of(line));
    }
    let text = std::str::from_utf8(line).expect("a line is UTF-8");
    assert!(text.ends_with('\n') && !text.contains('\0'), "{text:?}");
    if !text.trim_start().starts_with('{') {
        assert!(text.contains(" recovered"), "{text:?}");
        return None;
    }
    Some(serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text:?}")))
}

fn identities(lines: &[Vec<u8>], touched: Touched) -> Vec<Identity> {
    let json = lines.iter().filter_map(|line| read(line, touched));
    json.filter_map(|json| identity_of(&json)).collect()
}

/// What a command shows of each home.
fn command(disk: &FaultyDisk, scene: &Scene, (touched, reader): (Touched, Reader)) {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let Ok(dirs) = homes(&*storage, Path::new(RINGS)) else { return };
    for dir in dirs {
        if let Ok(facts) = inspect(&storage, &dir) {
            assert!(facts.waiting_bytes <= 1 << 20, "{}", facts.waiting_bytes);
        }
        match DeadHome::look(&storage, &dir) {
            Ok(home) => show_one(&home, scene, (touched, reader), bound_of(disk)),
            Err(ClaimError::Home(error)) => assert!(!error.to_string().is_empty()),
            Err(_) => {}
        }
    }
}

fn from_of(home: &DeadHome, reader: Reader) -> std::io::Result<From> {
    Ok(match reader {
        Reader::Start | Reader::Peek => From::Head,
        Reader::History => From::History,
        Reader::Missing => {
            let sinks = 0..home.image.sinks.len();
            let places = sinks.map(|sink| Ok((sink, sink_place(home, sink)?)));
            From::Missing(places.collect::<std::io::Result<_>>()?)
        }
    })
}

fn show_one(home: &DeadHome, scene: &Scene, (touched, reader): (Touched, Reader), bound: usize) {
    let Ok(from) = from_of(home, reader) else { return };
    let mark = (reader == Reader::Missing).then_some(Mark::Recovered);
    let showing = Showing { from, mark, ..Showing::default() };
    let lines = Arc::new(Mutex::new(Vec::new()));
    let again = Arc::clone(&lines);
    let take = Box::new(move |line: &[u8]| {
        again.lock().expect("no panic").push(line.to_vec());
        Ok(())
    });
    let (shown, peak) = peak_bytes(|| show(home, &showing, take));
    assert!(peak <= bound, "{peak} bytes of memory, at most {bound}");
    let lines = lines.lock().expect("no panic");
    let found = identities(&lines, touched);
    if let Ok(shown) = shown {
        assert_eq!(shown.lines, lines.len() as u64);
    }
    check_identities(&found, scene, touched);
    if !touched.is_changed {
        let least = if reader == Reader::History { 20 } else { 12 };
        assert!(found.len() >= least, "{} events", found.len());
    }
}

/// Inputs to start from.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = crate::seeds::noise();
    seeds.insert(0, vec![0; 8]);
    seeds
}

#[cfg(test)]
mod tests {
    use super::*;
    use arbitrary::{Arbitrary, Unstructured};

    #[test]
    fn unchanged_homes_are_recovered_whole() {
        for reader in [Reader::Start, Reader::Peek, Reader::History, Reader::Missing] {
            check(&Changes { changes: Vec::new(), is_corrected: false, reader });
        }
    }

    #[test]
    fn damaged_homes_of_the_seeds_pass() {
        for seed in seeds() {
            let changes = Changes::arbitrary(&mut Unstructured::new(&seed));
            changes.iter().for_each(check);
        }
    }
}
