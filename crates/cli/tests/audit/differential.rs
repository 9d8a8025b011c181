//! The command and the Python programs, which share only the format page, give the same verdict on each family of
//! changes, with and without the chain's key, with and without a checkpoint kept elsewhere. The expected verdicts are
//! an oracle: each family says what has to be found.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ringseal::audit::entry::control::RotateReason;
use serde_json::Value;

use crate::support::{Fixture, append, copy, lines_of, ringseal, run};

const ACTIVE: &str = "audit.log.jsonl";

/// When a change has to be found.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Expect {
    /// By every verifier, with any key.
    Always,
    /// Never: derived or meaningless files.
    Never,
    /// With `audit.mac` only: entries after the last checkpoint.
    WithMac,
    /// With a checkpoint kept elsewhere only.
    WithKept,
}

type Change = fn(&Dir);

/// A copy of a log.
struct Dir(PathBuf);

impl Dir {
    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("a file")
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).expect("disk space");
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).expect("it was there");
    }

    /// Changes the lines of a file.
    fn edit(&self, name: &str, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
        let mut lines = lines_of(&self.read(name));
        change(&mut lines);
        self.put(name, &lines.concat());
    }

    /// Replaces a text in a line.
    fn replace(&self, name: &str, line: usize, from: &str, to: &str) {
        self.edit(name, |lines| {
            let text = String::from_utf8(lines[line].clone()).expect("UTF-8");
            assert!(text.contains(from), "{from} in {text}");
            lines[line] = text.replacen(from, to, 1).into_bytes();
        });
    }

    fn names(&self, is: impl Fn(&str) -> bool) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("a directory");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<String> =
            names.map(|name| name.into_string().expect("UTF-8")).filter(|name| is(name)).collect();
        names.sort_unstable();
        names
    }

    fn sealed(&self, index: usize) -> String {
        self.names(|name| name.starts_with("audit-0")).swap_remove(index)
    }

    /// The line of the active segment that contains this text.
    fn line_with(&self, text: &str) -> usize {
        let lines = lines_of(&self.read(ACTIVE));
        let found = lines.iter().position(|line| String::from_utf8_lossy(line).contains(text));
        found.expect("a line")
    }

    /// Drops the last notes of the list of checkpoints.
    fn drop_notes(&self, count: usize) {
        let text = String::from_utf8(self.read("checkpoints")).expect("UTF-8");
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let notes: Vec<String> = lines.chunks(6).map(<[&str]>::concat).collect();
        let kept = &notes[..notes.len() - count];
        self.put("checkpoints", kept.concat().as_bytes());
        let latest = kept.last().expect("a note");
        self.put("checkpoint", &latest.as_bytes()[..latest.len() - 1]);
    }

    fn replace_by_link(&self, name: &str) {
        let elsewhere = self.path("elsewhere");
        fs::rename(self.path(name), &elsewhere).expect("it was there");
        std::os::unix::fs::symlink(&elsewhere, self.path(name)).expect("a link");
    }

    fn replace_by_pipe(&self, name: &str) {
        let _ = fs::remove_file(self.path(name));
        let made = Command::new("mkfifo").arg(self.path(name)).status().expect("mkfifo");
        assert!(made.success());
    }

    fn replace_by_dir(&self, name: &str) {
        let _ = fs::remove_file(self.path(name));
        fs::create_dir(self.path(name)).expect("a directory");
    }
}

fn flip(bytes: &mut [u8], at: usize) {
    bytes[at] ^= 1;
}

/// Families of changes. The log: two sealed segments, an active one closed in order.
const CHANGES: &[(&str, Expect, Change)] = &[
    ("nothing", Expect::Never, |_| ()),
    ("a value changed in a sealed segment", Expect::Always, |log| {
        log.replace(&log.sealed(0), 5, "success", "failure");
    }),
    ("a value changed in the active segment", Expect::Always, |log| {
        log.replace(ACTIVE, 6, "success", "failure");
    }),
    ("a time changed", Expect::Always, |log| log.replace(&log.sealed(1), 6, "Z\"", "1Z\"")),
    ("a link changed", Expect::Always, |log| {
        log.replace(&log.sealed(0), 5, "_prev_signature\":\"m1:", "_prev_signature\":\"m1:A");
    }),
    ("a signature changed", Expect::Always, |log| {
        log.edit(&log.sealed(0), |lines| {
            let at = lines[5].len() - 20;
            lines[5][at] = if lines[5][at] == b'A' { b'B' } else { b'A' };
        });
    }),
    ("an entry deleted", Expect::Always, |log| {
        log.edit(&log.sealed(0), |lines| drop(lines.remove(5)));
    }),
    ("the first entry deleted", Expect::Always, |log| {
        log.edit(&log.sealed(0), |lines| drop(lines.remove(0)));
    }),
    ("entries swapped", Expect::Always, |log| log.edit(&log.sealed(0), |lines| lines.swap(5, 6))),
    ("an entry duplicated", Expect::Always, |log| {
        log.edit(&log.sealed(0), |lines| lines.insert(6, lines[5].clone()));
    }),
    ("an entry inserted", Expect::Always, |log| {
        log.edit(ACTIVE, |lines| lines.insert(6, b"{\"event_type\":\"x\"}\n".to_vec()));
    }),
    ("an empty line", Expect::Always, |log| {
        log.edit(ACTIVE, |lines| lines.insert(6, b"\n".to_vec()));
    }),
    ("a space in an entry", Expect::Always, |log| {
        log.replace(ACTIVE, 6, ",\"actor\"", ", \"actor\"");
    }),
    ("an escape that is not canonical", Expect::Always, |log| {
        log.replace(ACTIVE, 6, "\"success\"", "\"\\u0073uccess\"");
    }),
    ("a byte that is not UTF-8", Expect::Always, |log| {
        log.edit(ACTIVE, |lines| lines[6][70] = 0xFF);
    }),
    ("the last newline of a sealed segment removed", Expect::Always, |log| {
        let bytes = log.read(&log.sealed(0));
        log.put(&log.sealed(0), &bytes[..bytes.len() - 1]);
    }),
    ("the tail cut below a checkpoint", Expect::Always, |log| {
        log.edit(ACTIVE, |lines| lines.truncate(lines.len() - 3));
    }),
    ("half a line at the end", Expect::Never, |log| {
        let bytes = [&log.read(ACTIVE)[..], b"{\"seq\":"].concat();
        log.put(ACTIVE, &bytes);
    }),
    ("zeros at the end", Expect::Never, |log| {
        let bytes = [&log.read(ACTIVE)[..], &[0; 300], b"\n"].concat();
        log.put(ACTIVE, &bytes);
    }),
    ("the first segment gone", Expect::Always, |log| log.remove(&log.sealed(0))),
    ("a middle segment gone", Expect::Always, |log| log.remove(&log.sealed(1))),
    ("the active segment gone", Expect::Always, |log| log.remove(ACTIVE)),
    ("segments swapped", Expect::Always, |log| {
        let (one, two) = (log.sealed(0), log.sealed(1));
        let (first, second) = (log.read(&one), log.read(&two));
        log.put(&one, &second);
        log.put(&two, &first);
    }),
    ("a segment of an impossible number", Expect::Always, |log| {
        log.put("audit-99999999999999999999.jsonl", &log.read(&log.sealed(0)));
    }),
    ("another compressed file beside a plain one", Expect::Always, |log| {
        log.put(&format!("{}.gz", log.sealed(0)), b"not gzip");
    }),
    ("the last checkpoint dropped behind the end", Expect::Always, |log| log.drop_notes(1)),
    ("all checkpoints of the epoch dropped", Expect::Always, |log| log.drop_notes(4)),
    ("the list of checkpoints gone", Expect::Always, |log| log.remove("checkpoints")),
    ("a checkpoint's root changed", Expect::Always, |log| {
        log.edit("checkpoints", |lines| flip(&mut lines[2], 3));
    }),
    ("a checkpoint's signature changed", Expect::Always, |log| {
        log.edit("checkpoints", |lines| {
            let at = lines[4].len() - 30;
            lines[4][at] = if lines[4][at] == b'A' { b'B' } else { b'A' };
        });
    }),
    ("checkpoints out of order", Expect::Always, |log| {
        log.edit("checkpoints", |lines| {
            let second: Vec<_> = lines.drain(6..12).collect();
            lines.splice(12..12, second);
        });
    }),
    ("a checkpoint of another origin", Expect::Always, |log| {
        log.edit("checkpoints", |lines| lines[0] = b"other/audit\n".to_vec());
    }),
    ("half a checkpoint at the end", Expect::Never, |log| {
        let bytes = [&log.read("checkpoints")[..], b"shop/audit\n99"].concat();
        log.put("checkpoints", &bytes);
    }),
    ("`checkpoint` changed", Expect::Always, |log| log.put("checkpoint", b"something else\n")),
    ("`checkpoint` gone", Expect::Never, |log| log.remove("checkpoint")),
    ("a tile changed", Expect::Always, |log| {
        let name = tiles(log).pop().expect("a tile");
        let mut bytes = log.read(&name);
        flip(&mut bytes, 70);
        log.put(&name, &bytes);
    }),
    ("an older partial tile changed", Expect::Always, |log| {
        let name = tiles(log).swap_remove(0);
        let mut bytes = log.read(&name);
        flip(&mut bytes, 5);
        log.put(&name, &bytes);
    }),
    ("a tile too long", Expect::Always, |log| {
        let name = tiles(log).pop().expect("a tile");
        let bytes = [&log.read(&name)[..], &[7]].concat();
        log.put(&name, &bytes);
    }),
    ("tiles torn", Expect::Never, |log| {
        for name in tiles(log) {
            let bytes = log.read(&name);
            log.put(&name, &bytes[..bytes.len() / 2]);
        }
    }),
    ("tiles gone", Expect::Never, |log| {
        fs::remove_dir_all(log.path("tile")).expect("tiles");
    }),
    ("a start without its signature", Expect::Always, |log| {
        let start = String::from_utf8(log.read(&log.sealed(0))).expect("UTF-8");
        let line = start.lines().next().expect("a line");
        let (head, rest) = line.split_once(",\"signature\":\"").expect("a signature");
        let (_, tail) = rest.split_once('"').expect("its end");
        log.edit(&log.sealed(0), |lines| lines[0] = format!("{head}{tail}\n").into_bytes());
    }),
    ("an end without its signature", Expect::Always, |log| {
        let at = log.line_with("ringseal.stop");
        log.edit(ACTIVE, |lines| {
            let line = String::from_utf8(lines[at].clone()).expect("UTF-8");
            let (head, rest) = line.split_once(",\"signature\":\"").expect("a signature");
            let (_, tail) = rest.split_once('"').expect("its end");
            lines[at] = format!("{head}{tail}").into_bytes();
        });
    }),
    ("an event made a start", Expect::Always, |log| {
        log.replace(ACTIVE, 6, "user.login", "ringseal.start");
    }),
    ("a link in place of `checkpoints`", Expect::Always, |log| log.replace_by_link("checkpoints")),
    ("a pipe in place of `checkpoints`", Expect::Always, |log| log.replace_by_pipe("checkpoints")),
    ("a pipe in place of `checkpoint`", Expect::Always, |log| log.replace_by_pipe("checkpoint")),
    ("a directory in place of `checkpoints`", Expect::Always, |log| {
        log.replace_by_dir("checkpoints");
    }),
    ("a pipe in place of a segment", Expect::Always, |log| log.replace_by_pipe(ACTIVE)),
    ("a link in place of a sealed segment", Expect::Always, |log| {
        log.replace_by_link(&log.sealed(0));
    }),
    ("a pipe in place of `tile`", Expect::Always, |log| {
        fs::remove_dir_all(log.path("tile")).expect("tiles");
        log.replace_by_pipe("tile");
    }),
    ("a pipe in place of `kept.jsonl`", Expect::Always, |log| log.replace_by_pipe("kept.jsonl")),
    ("an unrelated file", Expect::Never, |log| log.put("notes.txt", b"hello")),
];

/// Changes of a log that is in use: its last entries have no checkpoint yet.
const LIVE_CHANGES: &[(&str, Expect, Change)] = &[
    ("nothing", Expect::Never, |_| ()),
    ("an unproven event changed", Expect::WithMac, |log| {
        let last = lines_of(&log.read(ACTIVE)).len() - 2;
        log.replace(ACTIVE, last, "success", "failure");
    }),
    ("unproven events cut", Expect::Never, |log| {
        log.edit(ACTIVE, |lines| lines.truncate(lines.len() - 2));
    }),
    ("cut back to a checkpoint", Expect::WithKept, |log| {
        let text = String::from_utf8(log.read("checkpoints")).expect("UTF-8");
        let sizes: Vec<usize> = text.lines().filter_map(|line| line.parse().ok()).collect();
        let first = Value::from(sizes[sizes.len() - 2]).as_u64().expect("a size") as usize;
        let before: usize = log
            .names(|name| name.starts_with("audit-0"))
            .iter()
            .map(|name| lines_of(&log.read(name)).len())
            .sum();
        log.edit(ACTIVE, |lines| lines.truncate(first - before));
        log.drop_notes(1);
        let _ = fs::remove_dir_all(log.path("tile"));
    }),
];

/// The partial tiles of level 0, the narrowest first.
fn tiles(log: &Dir) -> Vec<String> {
    let dir = log.path("tile/0/000.p");
    let names = fs::read_dir(dir).expect("tiles").map(|entry| entry.expect("one").file_name());
    let mut widths: Vec<u64> =
        names.map(|name| name.to_str().expect("UTF-8").parse().expect("a width")).collect();
    widths.sort_unstable();
    widths.iter().map(|width| format!("tile/0/000.p/{width}")).collect()
}

struct Verdicts {
    command: (i32, String),
    python: (i32, String),
    short: (i32, String),
}

fn exit_of(command: &mut Command) -> (i32, String) {
    let output = command.output().expect("it runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().expect("a status"), String::from_utf8_lossy(&text).into_owned())
}

fn verdicts(fixture: &Fixture, dir: &Path, has_mac: bool, has_kept: bool) -> Verdicts {
    let mut more = Vec::new();
    if has_mac {
        more.extend(["--mac", "keys/audit.mac"]);
    }
    if has_kept {
        more.extend(["--known-checkpoint", "kept"]);
    }
    let name = dir.to_str().expect("UTF-8");
    let all = [&["audit", "verify", name, "--key", "keys/audit.pub"], &more[..]].concat();
    let python = |program: &str, more: &[&str]| {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(program);
        let mut command = Command::new("python3");
        command.arg(program).arg(name).arg("keys/audit.pub").args(more);
        exit_of(command.current_dir(fixture.path()))
    };
    Verdicts {
        command: exit_of(&mut ringseal(fixture.path(), &all)),
        python: python("verify_audit.py", &more),
        short: python("verify_audit_short.py", &[]),
    }
}

/// Checks all families, four at a time.
fn check_families(fixture: &Fixture, log: &Path, families: &[(&str, Expect, Change)]) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((name, expect, change)) =
                    families.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    check_family(fixture, log, name, *expect, *change);
                }
            });
        }
    });
}

fn check_family(fixture: &Fixture, log: &Path, name: &str, expect: Expect, change: Change) {
    let top = tempfile::tempdir().expect("a directory");
    let dir = top.path().join("changed");
    copy(log, &dir);
    change(&Dir(dir.clone()));
    for has_mac in [false, true] {
        for has_kept in [false, true] {
            let what = format!("{name}, mac {has_mac}, kept {has_kept}");
            let found = verdicts(fixture, &dir, has_mac, has_kept);
            let expected = match expect {
                Expect::Always => 1,
                Expect::Never => 0,
                Expect::WithMac => i32::from(has_mac),
                Expect::WithKept => i32::from(has_kept),
            };
            assert_eq!(found.command.0, expected, "{what}: {}", found.command.1);
            assert_eq!(found.python.0, expected, "{what}: {}", found.python.1);
            // The short program checks less: what it finds, the command finds.
            let (short, text) = &found.short;
            assert!(*short == 0 || expected == 1 || text.contains("openssl"), "{what}: {text}");
        }
    }
}

fn has_python() -> bool {
    Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success())
}

#[test]
fn all_verifiers_agree_on_every_family_of_changes() {
    if !has_python() {
        eprintln!("skipped: python3 is not installed");
        return;
    }
    assert!(CHANGES.len() + LIVE_CHANGES.len() > 34);
    let fixture = Fixture::new();
    fixture.write(|log| {
        for _ in 0..2 {
            append(log, 7);
            log.rotate(RotateReason::Manual).expect("a new segment");
        }
        append(log, 7);
        log.checkpoint().expect("a checkpoint");
        append(log, 3);
    });
    run(fixture.path(), &["audit", "checkpoint", "log", "--out", "kept"], 0);
    check_families(&fixture, &fixture.log(), CHANGES);
    let live = fixture.path().join("live");
    fixture.write(|log| {
        append(log, 7);
        log.checkpoint().expect("a checkpoint");
        append(log, 5);
        log.checkpoint().expect("a checkpoint");
        append(log, 5);
        copy(&fixture.log(), &live);
    });
    run(fixture.path(), &["audit", "checkpoint", "live", "--out", "kept"], 0);
    check_families(&fixture, &live, LIVE_CHANGES);
}

/// A log that is written and rotated while it is read is never called tampered.
#[test]
fn a_rotating_log_is_not_called_tampered() {
    if !has_python() {
        return;
    }
    let fixture = Fixture::new();
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            fixture.write(|log| {
                // Bounded, so that the log does not grow faster than a busy machine reads it.
                for _ in 0..40 {
                    if is_done.load(Ordering::Relaxed) {
                        break;
                    }
                    append(log, 20);
                    log.rotate(RotateReason::Manual).expect("a new segment");
                    std::thread::sleep(std::time::Duration::from_millis(150));
                }
            });
        });
        while fs::read(fixture.log().join("checkpoint")).is_err() {
            std::thread::yield_now();
        }
        let mut seen = [0; 3];
        for _ in 0..4 {
            let found = verdicts(&fixture, &fixture.log(), true, false);
            for (code, text) in [found.command, found.python] {
                assert_ne!(code, 1, "{text}");
                seen[code as usize] += 1;
            }
        }
        assert!(seen[0] > 0, "{seen:?}");
        is_done.store(true, Ordering::Relaxed);
        writer.join().expect("a writer");
    });
}

/// Removals are allowed or not by the entries' own times, in both programs.
#[test]
fn removals_are_judged_alike() {
    if !has_python() {
        return;
    }
    let fixture = Fixture::new();
    fixture.write(|log| {
        for _ in 0..3 {
            append(log, 5);
            log.rotate(RotateReason::Manual).expect("a new segment");
        }
        assert_eq!(log.prune(14).expect("a removal"), 1);
        append(log, 5);
    });
    let cases: [(&[&str], &[&str], i32); 4] = [
        (&[], &[], 0),
        (&["--no-prune"], &["--no-prune"], 1),
        (&["--prune-policy", "1h"], &["--prune-policy", "3600"], 1),
        (&["--prune-policy", "1ms"], &["--prune-policy", "0"], 0),
    ];
    for (command, python, expected) in cases {
        let (words, _) = fixture.verify(command, expected);
        let what = if expected == 0 { "\npruned      " } else { "first bad record: pruned" };
        assert!(words.contains(what), "{words}");
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/verify_audit.py");
        let mut run = Command::new("python3");
        run.arg(program).args(["log", "keys/audit.pub"]).args(python).current_dir(fixture.path());
        let (code, text) = exit_of(&mut run);
        assert_eq!(code, expected, "{text}");
    }
}
