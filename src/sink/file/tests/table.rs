//! The recovery table is total, and each row does what it says.
use std::sync::Arc;

use super::*;
use crate::sink::Sink;
use crate::sink::file::recover::{ActiveSeen, NextSeen, Plan, Seen, TABLE};
use crate::storage::faulty::FaultyDisk;

fn every_combination() -> impl Iterator<Item = Seen> {
    let actives = [ActiveSeen::Missing, ActiveSeen::Empty, ActiveSeen::Filled, ActiveSeen::Foreign];
    let nexts = [NextSeen::Missing, NextSeen::Empty, NextSeen::Filled, NextSeen::Foreign];
    actives.into_iter().flat_map(move |active| {
        [false, true]
            .into_iter()
            .flat_map(move |twin| nexts.into_iter().map(move |next| Seen { active, twin, next }))
    })
}

#[test]
fn every_combination_hits_exactly_one_row() {
    for seen in every_combination() {
        let rows = TABLE.iter().filter(|row| row.covers(seen)).count();
        assert_eq!(rows, 1, "{seen:?}");
    }
}

#[test]
fn every_row_is_hit() {
    for row in TABLE {
        assert!(every_combination().any(|seen| row.covers(seen)), "{:?}", row.plan);
    }
}

/// Builds the situation on a disk, opens the log, and checks what was promised: each line that was
/// there is there once, in order, and the next line follows.
#[test]
fn each_situation_ends_with_all_its_lines_in_order() {
    for seen in every_combination() {
        let dir = Path::new("/logs");
        let disk = FaultyDisk::new(dir);
        disk.put(&dir.join("app.log.000004"), b"{\"seq\":0}\n");
        match seen.active {
            ActiveSeen::Missing => {}
            ActiveSeen::Empty => disk.put(&dir.join("app.log"), b""),
            ActiveSeen::Filled => disk.put(&dir.join("app.log"), b"{\"seq\":1}\n"),
            ActiveSeen::Foreign => disk.put_dir(&dir.join("app.log")),
        }
        if seen.twin && matches!(seen.active, ActiveSeen::Empty | ActiveSeen::Filled) {
            disk.put_link(&dir.join("app.log"), &dir.join("app.log.000005"));
        }
        match seen.next {
            NextSeen::Missing => {}
            NextSeen::Empty => disk.put(&dir.join(".app.log.next"), b""),
            NextSeen::Filled => disk.put(&dir.join(".app.log.next"), b"{\"seq\":2}\n"),
            NextSeen::Foreign => disk.put_dir(&dir.join(".app.log.next")),
        }
        let opened = FileSink::open_on(Arc::new(disk.clone()), config_in(dir), at(0));
        if matches!(seen.plan(), Plan::RefuseActive | Plan::RefuseNext) {
            let error = opened.err().map(|error| error.to_string());
            assert!(error.is_some_and(|text| text.ends_with("found a directory")), "{seen:?}");
            continue;
        }
        let mut sink = opened.unwrap_or_else(|error| panic!("{seen:?}: {error}"));
        sink.write(batch_of(3, 1, 10).lines(), at(0)).unwrap();
        drop(sink);
        let mut expected = vec![0];
        expected.extend((seen.active == ActiveSeen::Filled).then_some(1));
        expected.extend((seen.next == NextSeen::Filled).then_some(2));
        expected.push(3);
        let files = disk.files();
        let mut found: Vec<u64> = files
            .iter()
            .filter(|(path, _)| sealed_name(path))
            .flat_map(|(_, bytes)| seqs_in(bytes))
            .collect();
        found.extend(seqs_in(&files[&dir.join("app.log")]));
        assert_eq!(found, expected, "{seen:?}");
    }
}

fn sealed_name(path: &Path) -> bool {
    path.file_name().unwrap().to_str().unwrap().starts_with("app.log.0")
}

#[test]
fn the_table_and_reality_agree_on_what_a_directory_shows() {
    let dir = Path::new("/logs");
    let disk = FaultyDisk::new(dir);
    let names = crate::sink::file::names::Names::of(&dir.join("app.log")).unwrap();
    let look = |disk: &FaultyDisk, newest| Seen::look(disk, &names, newest).unwrap();
    let nothing = Seen { active: ActiveSeen::Missing, twin: false, next: NextSeen::Missing };
    assert_eq!(look(&disk, None), nothing);
    disk.put(&dir.join("app.log"), b"x");
    disk.put_link(&dir.join("app.log"), &dir.join("app.log.000001"));
    disk.put(&dir.join(".app.log.next"), b"");
    let half = Seen { active: ActiveSeen::Filled, twin: true, next: NextSeen::Empty };
    assert_eq!(look(&disk, Some(1)), half);
    assert_eq!(look(&disk, Some(2)), Seen { twin: false, ..half });
}
