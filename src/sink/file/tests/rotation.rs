//! Rotation and retention on real files.
use std::fs;
use std::time::Duration;

use super::*;
use crate::sink::Sink;
use crate::sink::file::RotationReason;

#[test]
fn segments_keep_the_limit_and_every_line() {
    for page_align in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let config = config_in(dir.path()).rotate_bytes_max(10_000).page_align(page_align);
        let mut sink = open(config);
        let mut seq = 0;
        for round in 0..40 {
            let batch = batch_of(seq, 30, (round * 7) % 300);
            sink.write(batch.lines(), system_now()).unwrap();
            seq += 30;
        }
        sink.wait_idle();
        assert_eq!(all_seqs(dir.path()), (0..seq).collect::<Vec<_>>());
        for path in sealed_in(dir.path()) {
            assert!(fs::metadata(&path).unwrap().len() <= 10_000, "{}", path.display());
        }
        let counters = sink.counters();
        assert_eq!(counters.lines, seq);
        assert_eq!(counters.rotations as usize, sealed_in(dir.path()).len());
        assert!(counters.rotations > 10);
    }
}

#[test]
fn an_oversized_line_gets_a_separate_segment() {
    let dir = tempfile::tempdir().unwrap();
    let mut sink = open(config_in(dir.path()).rotate_bytes_max(5_000));
    let mut batch = batch_of(0, 3, 100);
    push_line(&mut batch, 3, 9_000);
    push_line(&mut batch, 4, 100);
    sink.write(batch.lines(), system_now()).unwrap();
    assert_eq!(seqs_of(&dir.path().join("app.log.000001")), [0, 1, 2]);
    assert_eq!(seqs_of(&dir.path().join("app.log.000002")), [3]);
    assert_eq!(seqs_of(&dir.path().join("app.log")), [4]);
}

#[test]
fn size_and_numbers_are_exact_across_restart() {
    let dir = tempfile::tempdir().unwrap();
    let config = config_in(dir.path()).rotate_bytes_max(4_096);
    let mut seq = 0;
    for _ in 0..40 {
        let mut sink = open(config.clone());
        sink.write(batch_of(seq, 7, 90).lines(), system_now()).unwrap();
        seq += 7;
    }
    assert_eq!(all_seqs(dir.path()), (0..seq).collect::<Vec<_>>());
    let names = sealed_in(dir.path());
    for (index, path) in names.iter().enumerate() {
        assert!(path.ends_with(format!("app.log.{:06}", index + 1)));
        assert!(fs::metadata(path).unwrap().len() <= 4_096);
    }
    assert!(names.len() > 3);
}

#[test]
fn segment_numbers_are_never_reused() {
    let dir = tempfile::tempdir().unwrap();
    let config = config_in(dir.path()).rotate_bytes_max(1_000).retain_segments_max(Some(0));
    let mut sink = open(config.clone());
    sink.write(batch_of(0, 50, 80).lines(), system_now()).unwrap();
    let given = sink.counters().rotations;
    drop(sink);
    assert!(sealed_in(dir.path()).is_empty());
    let mut sink = open(config.retain_segments_max(None).retain_bytes_max(None));
    sink.write(batch_of(50, 50, 80).lines(), system_now()).unwrap();
    drop(sink);
    let first = sealed_in(dir.path()).remove(0);
    assert!(first.ends_with(format!("app.log.{:06}", given + 1)), "{}", first.display());
}

#[test]
fn the_active_name_always_exists() {
    let dir = tempfile::tempdir().unwrap();
    let mut sink = open(config_in(dir.path()).rotate_bytes_max(2_000));
    let active = dir.path().join("app.log");
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let looker = scope.spawn(|| {
            let mut reads = 0_u64;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                assert!(active.exists(), "no active file after {reads} reads");
                reads += 1;
            }
        });
        for round in 0..200 {
            sink.write(batch_of(round * 40, 40, 80).lines(), system_now()).unwrap();
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        looker.join().unwrap();
    });
    assert!(sink.counters().rotations > 200);
}

#[test]
fn retention_keeps_the_newest_segments() {
    let dir = tempfile::tempdir().unwrap();
    let mut sink = open(config_in(dir.path()).rotate_bytes_max(1_000).retain_segments_max(Some(3)));
    sink.write(batch_of(0, 100, 80).lines(), system_now()).unwrap();
    sink.wait_idle();
    let rotations = sink.counters().rotations;
    let kept = sealed_in(dir.path());
    assert_eq!(kept.len(), 3);
    assert!(kept[2].ends_with(format!("app.log.{rotations:06}")));
    assert_eq!(sink.counters().removed, rotations - 3);
}

#[test]
fn retention_by_bytes_counts_what_is_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let config = config_in(dir.path()).rotate_bytes_max(1_000).retain_bytes_max(Some(3_500));
    let mut sink = open(config);
    sink.write(batch_of(0, 100, 80).lines(), system_now()).unwrap();
    sink.wait_idle();
    let total: u64 = sealed_in(dir.path()).iter().map(|p| fs::metadata(p).unwrap().len()).sum();
    assert!(total <= 3_500 && total > 2_000, "{total}");
}

#[test]
fn retention_by_age_uses_the_injected_clock() {
    let dir = tempfile::tempdir().unwrap();
    let config = config_in(dir.path())
        .rotate_bytes_max(1_000)
        .retain_age_max(Some(Duration::from_secs(3600)));
    let mut sink = open(config);
    sink.write(batch_of(0, 100, 80).lines(), system_now()).unwrap();
    sink.wait_idle();
    assert_eq!(sink.counters().removed, 0);
    let later = at(system_now().unix_nanos + 2 * HOUR);
    sink.turn(later).unwrap();
    sink.write(batch_of(100, 10, 80).lines(), later).unwrap();
    sink.wait_idle();
    // All were last modified two hours earlier by the system's clock.
    assert!(sealed_in(dir.path()).is_empty());
}

#[test]
fn midnight_seals_a_filled_file_once() {
    let dir = tempfile::tempdir().unwrap();
    let config = config_in(dir.path()).rotate_every(RotateEvery::Daily);
    let start = system_now().unix_nanos.div_euclid(DAY) * DAY + HOUR;
    let mut sink = FileSink::open(config, at(start)).unwrap();
    sink.turn(at(start + DAY)).unwrap();
    assert!(sealed_in(dir.path()).is_empty(), "an empty file was sealed");
    sink.write(batch_of(0, 1, 10).lines(), at(start + DAY)).unwrap();
    sink.turn(at(start + 2 * DAY)).unwrap();
    sink.turn(at(start + 2 * DAY)).unwrap();
    assert_eq!(sealed_in(dir.path()).len(), 1);
    sink.write(batch_of(1, 1, 10).lines(), at(start + 2 * DAY)).unwrap();
    // The clock is set back over midnight and reaches it again: no second file.
    for step in 0..50 {
        let wobble = start + 2 * DAY - HOUR + if step % 2 == 0 { -SECOND } else { SECOND };
        sink.write(batch_of(2 + step, 1, 10).lines(), at(wobble)).unwrap();
    }
    assert_eq!(sealed_in(dir.path()).len(), 1);
}

#[test]
fn a_file_of_yesterday_is_sealed_on_start() {
    let dir = tempfile::tempdir().unwrap();
    let config = config_in(dir.path()).rotate_every(RotateEvery::Daily);
    let mut sink = open(config.clone());
    sink.write(batch_of(0, 2, 10).lines(), system_now()).unwrap();
    drop(sink);
    let tomorrow = at(system_now().unix_nanos + DAY);
    let mut sink = FileSink::open(config, tomorrow).unwrap();
    sink.write(batch_of(2, 1, 10).lines(), tomorrow).unwrap();
    assert_eq!(seqs_of(&dir.path().join("app.log.000001")), [0, 1]);
    assert_eq!(seqs_of(&dir.path().join("app.log")), [2]);
}

#[test]
fn the_hook_gets_every_rotation_and_may_panic() {
    let dir = tempfile::tempdir().unwrap();
    let config = config_in(dir.path()).rotate_bytes_max(300).rotate_every(RotateEvery::Daily);
    let start = system_now().unix_nanos.div_euclid(DAY) * DAY + HOUR;
    let mut sink = FileSink::open(config, at(start)).unwrap();
    let rotations = std::sync::Arc::new(parking_lot::Mutex::new(Vec::new()));
    let hook_rotations = std::sync::Arc::clone(&rotations);
    sink.on_rotation(move |rotation| {
        hook_rotations.lock().push(rotation.clone());
        assert_ne!(rotation.reason, RotationReason::Time, "the test wants a panic here");
    });
    sink.write(batch_of(0, 6, 40).lines(), at(start)).unwrap();
    sink.turn(at(start + DAY)).unwrap();
    sink.write(batch_of(6, 6, 40).lines(), at(start + DAY)).unwrap();
    sink.wait_idle();
    let rotations = rotations.lock();
    let reasons: Vec<&str> = rotations.iter().map(|rotation| rotation.reason.as_str()).collect();
    assert_eq!(reasons, ["size", "time", "size"]);
    assert!(rotations[0].sealed.ends_with("app.log.000001"));
    assert_eq!(fs::metadata(&rotations[0].sealed).unwrap().len(), rotations[0].len_bytes);
    assert_eq!(sink.counters().errors, 1);
    assert_eq!(all_seqs(dir.path()), (0..12).collect::<Vec<_>>());
}

#[test]
fn size_and_time_together_are_both() {
    let dir = tempfile::tempdir().unwrap();
    let config = config_in(dir.path()).rotate_bytes_max(300).rotate_every(RotateEvery::Daily);
    let start = system_now().unix_nanos.div_euclid(DAY) * DAY + HOUR;
    let mut sink = FileSink::open(config, at(start)).unwrap();
    let reasons = std::sync::Arc::new(parking_lot::Mutex::new(Vec::new()));
    let hook_reasons = std::sync::Arc::clone(&reasons);
    sink.on_rotation(move |rotation| hook_reasons.lock().push(rotation.reason));
    // One line that fills the file, and midnight before the next one.
    sink.write(batch_of(0, 1, 400).lines(), at(start)).unwrap();
    sink.turn(at(start + DAY)).unwrap();
    sink.wait_idle();
    assert_eq!(*reasons.lock(), [RotationReason::Both]);
}

#[test]
#[cfg(feature = "compress")]
fn compressed_segments_count_for_retention() {
    use std::io::Read;
    let dir = tempfile::tempdir().unwrap();
    let config = config_in(dir.path()).rotate_bytes_max(1_000).compress(true);
    let mut sink = open(config.retain_segments_max(Some(4)));
    sink.write(batch_of(0, 100, 80).lines(), system_now()).unwrap();
    sink.wait_idle();
    assert!(sealed_in(dir.path()).is_empty(), "a plain form was kept");
    let rotations = sink.counters().rotations;
    let mut seqs = Vec::new();
    for number in rotations - 3..=rotations {
        let path = dir.path().join(format!("app.log.{number:06}.gz"));
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(fs::File::open(path).unwrap())
            .read_to_end(&mut plain)
            .unwrap();
        seqs.extend(seqs_in(&plain));
    }
    seqs.extend(seqs_of(&dir.path().join("app.log")));
    assert!(seqs.iter().copied().eq(seqs[0]..100));
    assert_eq!(sink.counters().removed, rotations - 4);
    assert!(!dir.path().join(format!("app.log.{:06}.gz", rotations - 4)).exists());
}

#[test]
#[cfg(feature = "compress")]
fn hot_segments_become_cold_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let day = Duration::from_secs(86_400);
    let config = config_in(dir.path())
        .rotate_bytes_max(1_000)
        .compress(true)
        .compress_after(Some(60 * day))
        .retain_age_max(Some(365 * day));
    let mut sink = open(config);
    let start = system_now().unix_nanos;
    // Files have the times of the system's clock, also those that were just compressed.
    let mut counts_at = |age_days: i64| {
        let now = at(start + age_days * DAY);
        sink.turn(now).unwrap();
        sink.write(batch_of(0, 30, 80).lines(), now).unwrap();
        sink.wait_idle();
        let names = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
        let compressed = names.filter(|path| path.extension().is_some_and(|end| end == "gz"));
        (sealed_in(dir.path()).len(), compressed.count())
    };
    let (hot, compressed) = counts_at(0);
    assert!(hot > 0 && compressed == 0, "{hot} {compressed}");
    let (_, cold) = counts_at(61);
    assert!(cold >= hot, "{cold}");
    assert!(counts_at(364).1 >= cold, "kept for a year");
    assert_eq!(counts_at(367), (0, 0), "gone");
}

#[test]
#[cfg(feature = "compress")]
fn an_interrupted_compression_is_finished_on_start() {
    let dir = tempfile::tempdir().unwrap();
    let name = |name: &str| dir.path().join(name);
    let whole = batch_of(0, 10, 80);
    // Cut inside; finished, but with the plain form still there; never started.
    fs::write(name("app.log.000001"), whole.lines().bytes()).unwrap();
    fs::write(name(".app.log.000001.gz.partial"), b"\x1f\x8b cut off").unwrap();
    fs::write(name("app.log.000002"), whole.lines().bytes()).unwrap();
    fs::write(name("app.log.000002.gz"), b"not as long as it must be").unwrap();
    fs::write(name("app.log.000003"), whole.lines().bytes()).unwrap();
    let sink = open(config_in(dir.path()).compress(true));
    sink.wait_idle();
    assert!(!name(".app.log.000001.gz.partial").exists());
    for number in 1..=3 {
        use std::io::Read;
        assert!(!name(&format!("app.log.00000{number}")).exists());
        let file = fs::File::open(name(&format!("app.log.00000{number}.gz"))).unwrap();
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(file).read_to_end(&mut plain).unwrap();
        assert_eq!(plain, whole.lines().bytes());
    }
}

#[test]
fn retention_counts_what_it_removes() {
    let dir = tempfile::tempdir().unwrap();
    let mut sink = open(config_in(dir.path()).rotate_bytes_max(1_000).retain_segments_max(Some(2)));
    sink.write(batch_of(0, 100, 80).lines(), system_now()).unwrap();
    sink.wait_idle();
    let counters = sink.counters();
    let left: u64 =
        sealed_in(dir.path()).iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    let active = fs::metadata(dir.path().join("app.log")).unwrap().len();
    assert_eq!(counters.removed_bytes, counters.bytes - left - active);
    assert!(counters.removed > 5, "{counters:?}");
}

#[test]
fn the_default_limit_is_by_bytes() {
    use crate::sink::file::RetainBytes;
    for (capacity, limit) in [
        (None, 1 << 30),
        (Some(1 << 40), 1 << 30),
        (Some(20 << 30), 1 << 30),
        (Some(2000), 100),
        (Some(0), 1 << 30),
    ] {
        assert_eq!(RetainBytes::automatic(capacity), limit, "{capacity:?}");
    }
    let default = FileConfig::default();
    assert_eq!((default.retain_segments_max, default.retain_age_max), (None, None));
    assert_eq!(default.retain_bytes_max, RetainBytes::Automatic);
    let bytes = |config: FileConfig| config.retain_bytes_max;
    assert_eq!(bytes(default.clone().retain_bytes_max(7)), RetainBytes::AtMost(7));
    assert_eq!(bytes(default.retain_bytes_max(None)), RetainBytes::Unlimited);
}

/// A small file system: the automatic limit keeps 5 % of it, and the newest segment in any case; a limit by number
/// takes its place, and one by age applies beside it.
#[test]
fn the_automatic_limit_follows_the_file_system() {
    use crate::sink::file::RetainBytes;
    use ringseal_base::storage::faulty::{Faults, FaultyDisk};
    let base = FileConfig::new("/logs/app.log").rotate_every(RotateEvery::Never);
    let base = base.rotate_bytes_max(1_000).page_align(false);
    let rows = [
        ("a large one", 1 << 30, base.clone(), 20..=200),
        ("three segments", 60_000, base.clone(), 3..=3),
        ("less than a segment", 10_000, base.clone(), 1..=1),
        ("limited by number", 60_000, base.clone().retain_segments_max(Some(9)), 9..=9),
        (
            "limited by age",
            60_000,
            base.clone().retain_age_max(Some(std::time::Duration::MAX)),
            3..=3,
        ),
        ("no limit", 60_000, base.clone().retain_bytes_max(RetainBytes::Unlimited), 20..=200),
    ];
    for (name, capacity_bytes, config, expected) in rows {
        let disk = FaultyDisk::new(Path::new("/logs"));
        disk.set_faults(Faults { capacity_bytes, ..Faults::default() });
        let mut sink = FileSink::open_on(std::sync::Arc::new(disk.clone()), config, at(0)).unwrap();
        for seq in 0..250 {
            // One by one, so that the helper thread keeps up and the disk does not fill.
            sink.write(batch_of(seq, 1, 80).lines(), at(0)).unwrap();
            sink.wait_idle();
        }
        let files = disk.files();
        let is_sealed = |path: &&PathBuf| path.to_str().unwrap().contains("app.log.0");
        let sealed = files.keys().filter(is_sealed).count();
        assert!(expected.contains(&sealed), "{name}: {sealed}");
    }
}
