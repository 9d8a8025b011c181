//! The recovery table is total, and each row has the stated effect.
use std::sync::Arc;

use super::*;
use crate::sink::Sink;
use crate::sink::file::recover::{ActiveState, NextState, Plan, StartState, TABLE};
use ringseal_base::storage::faulty::FaultyDisk;

fn every_combination() -> impl Iterator<Item = StartState> {
    let actives =
        [ActiveState::Missing, ActiveState::Empty, ActiveState::Filled, ActiveState::Foreign];
    let nexts = [NextState::Missing, NextState::Empty, NextState::Filled];
    actives.into_iter().flat_map(move |active| {
        [false, true].into_iter().flat_map(move |same_inode| {
            nexts.into_iter().map(move |next| StartState { active, same_inode, next })
        })
    })
}

#[test]
fn every_combination_matches_exactly_one_row() {
    for seen in every_combination() {
        let rows = TABLE.iter().filter(|row| row.covers(seen)).count();
        assert_eq!(rows, 1, "{seen:?}");
    }
}

#[test]
fn every_row_is_matched() {
    for row in TABLE {
        assert!(every_combination().any(|seen| row.covers(seen)), "{:?}", row.plan);
    }
}

/// Builds the situation on a disk, opens the log, and checks the promise: each existing line is there once, in order,
/// and the next line follows.
#[test]
fn each_start_situation_keeps_all_lines() {
    for seen in every_combination() {
        let dir = Path::new("/logs");
        let disk = FaultyDisk::new(dir);
        disk.put(&dir.join("app.log.000004"), b"{\"seq\":0}\n");
        match seen.active {
            ActiveState::Missing => {}
            ActiveState::Empty => disk.put(&dir.join("app.log"), b""),
            ActiveState::Filled => disk.put(&dir.join("app.log"), b"{\"seq\":1}\n"),
            ActiveState::Foreign => disk.put_dir(&dir.join("app.log")),
        }
        if seen.same_inode && matches!(seen.active, ActiveState::Empty | ActiveState::Filled) {
            disk.put_link(&dir.join("app.log"), &dir.join("app.log.000005"));
        }
        match seen.next {
            NextState::Missing => {}
            NextState::Empty => disk.put(&dir.join(".app.log.next"), b""),
            NextState::Filled => disk.put(&dir.join(".app.log.next"), b"{\"seq\":2}\n"),
        }
        let opened = FileSink::open_on(Arc::new(disk.clone()), config_in(dir), at(0));
        if seen.plan() == Plan::RefuseActive {
            let error = opened.err().map(|error| error.to_string());
            assert!(error.is_some_and(|text| text.ends_with("found a directory")), "{seen:?}");
            continue;
        }
        let mut sink = opened.unwrap_or_else(|error| panic!("{seen:?}: {error}"));
        sink.write(batch_of(3, 1, 10).lines(), at(0)).unwrap();
        drop(sink);
        let mut expected = vec![0];
        expected.extend((seen.active == ActiveState::Filled).then_some(1));
        expected.extend((seen.next == NextState::Filled).then_some(2));
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
fn the_table_matches_real_directories() {
    let dir = Path::new("/logs");
    let disk = FaultyDisk::new(dir);
    let names = crate::sink::file::names::Names::of(&dir.join("app.log")).unwrap();
    let state = |disk: &FaultyDisk, newest| StartState::read(disk, &names, newest).unwrap();
    let nothing =
        StartState { active: ActiveState::Missing, same_inode: false, next: NextState::Missing };
    assert_eq!(state(&disk, None), nothing);
    disk.put(&dir.join("app.log"), b"x");
    disk.put_link(&dir.join("app.log"), &dir.join("app.log.000001"));
    disk.put(&dir.join(".app.log.next"), b"");
    let half = StartState { active: ActiveState::Filled, same_inode: true, next: NextState::Empty };
    assert_eq!(state(&disk, Some(1)), half);
    assert_eq!(state(&disk, Some(2)), StartState { same_inode: false, ..half });
}
