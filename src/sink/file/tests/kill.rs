//! SIGKILL of a real process that writes to real files.
use std::process::{Command, Stdio};
use std::time::Duration;

use super::*;
use crate::sink::Sink;
use crate::sink::file::WriteMode;

const DIR: &str = "RINGSEAL_TEST_KILL_DIR";
const MAPPED: &str = "RINGSEAL_TEST_KILL_MAPPED";
const NAME: &str = "sink::file::tests::kill::a_killed_process_leaves_whole_lines";

fn config(dir: &Path, mapped: bool) -> FileConfig {
    let mode = if mapped { WriteMode::Mmap } else { WriteMode::Append };
    config_in(dir).write_mode(mode).rotate_bytes_max(4 << 20)
}

/// The child: writes until it is killed, from where the last one stopped.
fn write_until_killed(dir: &Path, mapped: bool) -> ! {
    let mut sink = open(config(dir, mapped));
    let mut seq = all_seqs(dir).last().map_or(0, |last| last + 1);
    loop {
        sink.write(batch_of(seq, 2_000, 100).lines(), system_now()).unwrap();
        seq += 2_000;
    }
}

#[test]
fn a_killed_process_leaves_whole_lines() {
    if let Some(dir) = std::env::var_os(DIR) {
        write_until_killed(Path::new(&dir), std::env::var_os(MAPPED).is_some());
    }
    for mapped in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        for round in 0..6 {
            let mut child = Command::new(std::env::current_exe().unwrap());
            child.args(["--exact", NAME]).env(DIR, dir.path());
            if mapped {
                child.env(MAPPED, "1");
            }
            let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            wait_until_it_writes(dir.path());
            // Any moment after that is suitable.
            std::thread::sleep(Duration::from_millis(round * 7));
            child.kill().unwrap();
            child.wait().unwrap();
            if mapped {
                // There may be zeros; the next start cuts them.
                drop(open(config(dir.path(), mapped)));
            }
            let seqs = whole_seqs(dir.path());
            assert!(seqs.iter().copied().eq(0..seqs.len() as u64), "mapped {mapped} {round}");
        }
        assert!(whole_seqs(dir.path()).len() >= 2_000, "nothing was written at all");
    }
}

fn wait_until_it_writes(dir: &Path) {
    let total = || -> u64 {
        let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
        let lines =
            entries.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b"app"));
        lines.filter_map(|entry| Some(entry.metadata().ok()?.len())).sum()
    };
    let before = total();
    for _ in 0..10_000 {
        if total() > before {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("the child wrote nothing for ten seconds");
}

/// As a reader sees it without recovery: if a rotation is half done, the newest sealed segment is the active one.
fn whole_seqs(dir: &Path) -> Vec<u64> {
    let mut seqs = all_seqs(dir);
    let half = seqs.iter().enumerate().position(|(index, &seq)| seq != index as u64);
    if let Some(half) = half {
        let active = seqs_of(&dir.join("app.log"));
        assert!(seqs[..half].ends_with(&active), "not the same file twice");
        seqs.truncate(half);
    }
    seqs
}
