//! The log's id: one for the life of the log, whole or absent.
use std::sync::Arc;

use super::*;
use crate::sink::Sink;
use crate::sink::file::read_log_id;
use ringseal_base::storage::faulty::{Faults, FaultyDisk};
use ringseal_base::storage::{OsStorage, Storage};

const ACTIVE: &str = "/logs/app.log";
const ID: &str = "/logs/.app.log.id";

fn new_disk() -> FaultyDisk {
    FaultyDisk::new(Path::new("/logs"))
}

fn open_on(disk: &FaultyDisk) -> Result<FileSink, SinkError> {
    FileSink::open_on(Arc::new(disk.clone()), config_in(Path::new("/logs")), at(0))
}

fn read(disk: &FaultyDisk) -> Option<[u8; 16]> {
    read_log_id(disk, Path::new(ACTIVE)).unwrap()
}

#[test]
fn a_log_has_one_id_for_life() {
    let disk = new_disk();
    assert_eq!(read(&disk), None);
    let first = open_on(&disk).unwrap().log_id();
    assert_eq!(first, read(&disk));
    let again: Box<dyn Sink> = Box::new(open_on(&disk).unwrap());
    assert_eq!((again.log_id(), first.is_some()), (first, true));
    assert_eq!(disk.stat(Path::new(ID)).unwrap().mode, Some(0o600));
    assert_ne!(open_on(&new_disk()).unwrap().log_id(), first);
}

#[test]
fn a_malformed_id_is_replaced() {
    for bytes in [&b""[..], b"fifteen bytes..", b"seventeen bytes..", &[0; 16]] {
        let disk = new_disk();
        disk.put(Path::new(ID), bytes);
        disk.put(Path::new("/logs/.app.log.id.partial"), b"left");
        assert_eq!(read(&disk), None);
        let id = open_on(&disk).unwrap().log_id();
        assert_eq!((id, id.is_some()), (read(&disk), true));
        assert_eq!(
            disk.files().keys().filter(|path| path.ends_with(".app.log.id.partial")).count(),
            0
        );
    }
}

#[test]
fn a_crash_leaves_a_whole_id_or_none() {
    let disk = new_disk();
    drop(open_on(&disk));
    for call in 0..disk.calls() {
        for torn in 0..=16 {
            let disk = new_disk();
            disk.set_faults(Faults { kill_call: Some((call, torn)), ..Faults::default() });
            drop(open_on(&disk));
            for left in [disk.after_kill(), disk.after_power_loss(call * 17 + torn as u64)] {
                let found = read(&left);
                let id = open_on(&left).unwrap().log_id();
                assert!(id.is_some() && (found.is_none() || found == id), "{call} {torn}");
            }
        }
    }
}

#[test]
fn a_log_without_id_is_written() {
    let disk = new_disk();
    drop(open_on(&disk));
    let calls = disk.calls();
    let mut without = 0;
    for call in 0..calls {
        let disk = new_disk();
        let fail_call = Some((call, std::io::ErrorKind::PermissionDenied));
        disk.set_faults(Faults { fail_call, ..Faults::default() });
        let Ok(mut sink) = open_on(&disk) else { continue };
        without += u32::from(sink.log_id().is_none());
        assert!(sink.log_id().is_some() || sink.warning().is_some());
        // The call that fails may belong to the write.
        let batch = batch_of(0, 1, 10);
        if sink.write(batch.lines(), at(0)).is_err() {
            sink.write(batch.lines(), at(0)).unwrap();
        }
    }
    assert!(without >= 4, "{without}");
}

#[test]
fn a_new_directory_gets_the_same_id() {
    let dir = tempfile::tempdir().unwrap();
    let logs = dir.path().join("logs");
    let mut sink = open(config_in(&logs));
    sink.wait_idle();
    let id = sink.log_id();
    fs::remove_dir_all(&logs).unwrap();
    sink.write(batch_of(0, 1, 10).lines(), system_now()).unwrap();
    sink.wait_idle();
    assert_eq!(read_log_id(&OsStorage, &logs.join("app.log")).unwrap(), id);
    fs::remove_dir_all(&logs).unwrap();
    fs::create_dir(&logs).unwrap();
    sink.write(batch_of(1, 1, 10).lines(), system_now()).unwrap();
    sink.wait_idle();
    drop(sink);
    assert_eq!(open(config_in(&logs)).log_id(), id);
}

#[cfg(unix)]
#[test]
fn a_link_in_place_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let (id, victim) = (dir.path().join(".app.log.id"), dir.path().join("victim"));
    fs::write(&victim, b"sixteen bytes it").unwrap();
    std::os::unix::fs::symlink(&victim, &id).unwrap();
    assert_eq!(read_log_id(&OsStorage, &dir.path().join("app.log")).unwrap(), None);
    let sink = open(config_in(dir.path()));
    assert!(sink.log_id().is_some());
    assert_eq!(fs::read(&victim).unwrap(), b"sixteen bytes it");
    assert!(fs::symlink_metadata(&id).unwrap().is_file());
}
