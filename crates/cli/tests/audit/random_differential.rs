//! Random changes of logs: the command and the Python programs give the same verdict, which is the oracle's.
//!
//! 150 changes by default, of seeds 0, 1, 2 …; `RINGSEAL_TEST_CHANGES=100000` for the long form, and
//! `RINGSEAL_TEST_SEED` for the first seed. A failure names its seed; keys and times are the same in each run.
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use ringseal::audit::entry::control::RotateReason;
use ringseal::audit::entry::{Body, Parser, Scheme};
use ringseal::audit::store::{AuditLog, Host, LogOptions, compress_sealed};
use ringseal::system::{Clock, ManualClock, OsStorage, Storage};
use serde_json::{Value, json};

use crate::oracle::{Content, Files, Given, Verdict, verdict};
use crate::support::{copy, ringseal};

/// 2026-11-22T15:09:20Z.
const START: i64 = 1_795_360_160_000_000_000;

/// Numbers that follow from a seed (Steele, Lea, Flood, 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn is_one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn bytes(&mut self, max: usize) -> Vec<u8> {
        let zeros = self.is_one_in(3);
        let count = 1 + self.below(max);
        (0..count).map(|_| if zeros { 0 } else { self.next() as u8 }).collect()
    }
}

/// Both Python programs, on one log after the other.
struct Python {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Python {
    /// `None` if Python is not installed.
    fn start(dir: &Path) -> Option<Python> {
        let top = Path::new(env!("CARGO_MANIFEST_DIR"));
        let docs = top.join("../../docs");
        let mut command = Command::new("python3");
        command.arg(top.join("tests/audit/batch.py"));
        command.args([docs.join("verify_audit.py"), docs.join("verify_audit_short.py")]);
        command.current_dir(dir).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().ok()?;
        let (input, output) = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
        Some(Python { child, input, output })
    }

    /// Exit status and output of the long program, then of the short one.
    fn verify(&mut self, arguments: &[&str]) -> [(i32, String); 2] {
        writeln!(self.input, "{}", json!(arguments)).expect("a pipe");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a pipe");
        let answer: Value = serde_json::from_str(&line).expect("an answer");
        let one = |at: usize| {
            let code = answer[at].as_i64().expect("a status") as i32;
            (code, answer[at + 1].as_str().expect("a text").to_owned())
        };
        [one(0), one(2)]
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // The test ends either way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A log to change, and the checkpoint kept elsewhere.
struct Log {
    name: &'static str,
    dir: PathBuf,
    keys: PathBuf,
    kept: PathBuf,
    kept_entries: usize,
    is_keyed: bool,
}

/// Logs in use and closed, with packed and with removed segments, and one without keys.
fn logs(top: &Path) -> Vec<Log> {
    let kinds = ["closed", "live", "packed", "pruned", "keyless"];
    kinds.iter().zip(1..).map(|(name, number)| log(&top.join(name), name, number)).collect()
}

/// The machine's storage, with keys and times that are the same in each run.
fn host(clock: &Arc<ManualClock>, number: u64, life: u64) -> Host {
    let mut random = Random(number * 1000 + life);
    let random = Box::new(move |buffer: &mut [u8]| {
        buffer.iter_mut().for_each(|byte| *byte = random.next() as u8);
        Ok(())
    });
    Host { storage: Arc::new(OsStorage), clock: clock.clone(), random }
}

fn append(log: &mut AuditLog, clock: &ManualClock, count: u64) {
    for _ in 0..count {
        clock.advance(1_000_000_000);
        let seq = log.next_seq();
        let members = format!(
            "\"event_type\":\"user.login\",\"actor\":{{\"id\":\"u-{seq}\"}},\"outcome\":\"success\""
        );
        let body = Body::new(members.as_bytes(), &mut Parser::new()).expect("members");
        log.append(body, clock.unix_nanos()).expect("disk space");
    }
    log.commit().expect("a disk");
    log.maintain().expect("a disk");
}

fn log(top: &Path, name: &'static str, number: u64) -> Log {
    let (dir, keys, kept) = (top.join("log"), top.join("keys"), top.join("kept"));
    fs::create_dir_all(&keys).expect("a directory");
    let clock = Arc::new(ManualClock::at(START));
    let is_keyed = name != "keyless";
    AuditLog::create(&mut host(&clock, number, 0), &dir, &keys, "shop/audit").expect("keys");
    let scheme = if is_keyed { Scheme::Mac } else { Scheme::Hash };
    let open = |life| {
        let options = LogOptions { scheme, ..LogOptions::default() };
        AuditLog::open(host(&clock, number, life), &dir, options).expect("a log")
    };
    let mut log = open(1);
    for _ in 0..2 {
        append(&mut log, &clock, 5);
        log.rotate(RotateReason::Manual).expect("a new segment");
    }
    append(&mut log, &clock, 5);
    log.close().expect("an end");
    let mut log = open(2);
    append(&mut log, &clock, 3);
    log.checkpoint().expect("a checkpoint");
    if name == "pruned" {
        assert_eq!(log.prune(9).expect("a removal"), 1);
    }
    append(&mut log, &clock, 4);
    fs::copy(dir.join("checkpoint"), &kept).expect("a checkpoint");
    let live = top.join("live");
    copy(&dir, &live);
    log.close().expect("an end");
    if name == "packed" {
        let storage: Arc<dyn Storage> = Arc::new(OsStorage);
        compress_sealed(&storage, &dir).expect("a compression");
    }
    let dir = if name == "live" { live } else { dir };
    let note = fs::read_to_string(&kept).expect("a checkpoint");
    let kept_entries = note.lines().nth(1).and_then(|line| line.parse().ok()).expect("a size");
    Log { name, dir, keys, kept, kept_entries, is_keyed }
}

/// The files of a log, without its keys.
fn read_files(dir: &Path) -> Files {
    fn add(top: &Path, dir: &Path, files: &mut Files) {
        for entry in fs::read_dir(dir).expect("a directory") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(top).expect("inside").to_str().expect("UTF-8").to_owned();
            if path.is_dir() {
                files.insert(name, Content::Directory);
                add(top, &path, files);
            } else {
                files.insert(name, Content::Regular(fs::read(&path).expect("a file")));
            }
        }
    }
    let mut files = Files::new();
    add(dir, dir, &mut files);
    files.retain(|name, _| !name.starts_with("keys"));
    files
}

/// Writes the files; what links lead to is written to `elsewhere`.
fn write_files(dir: &Path, elsewhere: &Path, files: &Files) {
    for (number, (name, content)) in files.iter().enumerate() {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        match content {
            Content::Regular(bytes) => fs::write(&path, bytes).expect("disk space"),
            Content::Directory => fs::create_dir_all(&path).expect("a directory"),
            Content::Link(bytes) => {
                let target = elsewhere.join(number.to_string());
                fs::create_dir_all(elsewhere).expect("a directory");
                fs::write(&target, bytes).expect("disk space");
                std::os::unix::fs::symlink(target, &path).expect("a link");
            }
            Content::Pipe => {
                let made = Command::new("mkfifo").arg(&path).status();
                assert!(made.expect("mkfifo").success());
            }
        }
    }
}

/// Makes a random change; returns what it was.
fn change(random: &mut Random, files: &mut Files) -> String {
    let is_evidence = |name: &str| !["audit.lock", "audit-integrity.log"].contains(&name);
    let regular =
        files.iter().filter(|(name, content)| content.regular().is_some() && is_evidence(name));
    let names: Vec<String> = regular.map(|(name, _)| name.clone()).collect();
    if names.is_empty() {
        return "nothing is left".to_owned();
    }
    let name = names[random.below(names.len())].clone();
    let other = names[random.below(names.len())].clone();
    let bytes = files[&name].regular().expect("a regular file").to_vec();
    let (bytes, what) = match random.below(5) {
        0 => change_bytes(random, bytes),
        1 | 2 => change_lines(random, &bytes),
        3 => change_notes(random, &name, bytes),
        _ => return change_files(random, files, &name, &other),
    };
    files.insert(name.clone(), Content::Regular(bytes));
    format!("{name}: {what}")
}

fn change_bytes(random: &mut Random, mut bytes: Vec<u8>) -> (Vec<u8>, String) {
    let at = random.below(bytes.len());
    let what = match random.below(6) {
        0 | 1 => {
            let bit = 1 << random.below(8);
            bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= bit);
            "a bit changed"
        }
        2 => {
            bytes.insert(at, random.next() as u8);
            "a byte inserted"
        }
        3 => {
            if at < bytes.len() {
                bytes.remove(at);
            }
            "a byte removed"
        }
        4 => {
            bytes.truncate(at);
            "cut"
        }
        _ => {
            bytes.extend(random.bytes(400));
            "extended"
        }
    };
    (bytes, format!("{what} at {at}"))
}

fn change_lines(random: &mut Random, bytes: &[u8]) -> (Vec<u8>, String) {
    let mut lines: Vec<Vec<u8>> =
        bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    if lines.is_empty() {
        return (Vec::new(), "no lines".to_owned());
    }
    let (at, to) = (random.below(lines.len()), random.below(lines.len()));
    let what = match random.below(6) {
        0 => {
            lines.remove(at);
            "removed"
        }
        1 => {
            let line = lines[at].clone();
            lines.insert(to, line);
            "copied"
        }
        2 => {
            lines.swap(at, to);
            "swapped"
        }
        3 => {
            let keep = lines.len() - random.below(4).min(lines.len() - 1);
            lines.truncate(keep);
            "and the last ones cut"
        }
        4 => {
            let text = String::from_utf8_lossy(&lines[at]).replace("success", "failure");
            lines[at] = text.into_bytes();
            "made a failure"
        }
        _ => {
            let byte = random.below(lines[at].len());
            lines[at][byte] ^= 1 << random.below(8);
            "changed by a bit"
        }
    };
    (lines.concat(), format!("line {at} {what} ({to})"))
}

/// Checkpoints dropped, repeated, swapped; in other files, a torn end.
fn change_notes(random: &mut Random, name: &str, bytes: Vec<u8>) -> (Vec<u8>, String) {
    if name != "checkpoints" {
        let mut bytes = bytes;
        let from = bytes.len() - random.below(64).min(bytes.len());
        match random.below(2) {
            0 => bytes.truncate(from),
            _ => bytes[from..].fill(0),
        }
        return (bytes, format!("torn at {from}"));
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut notes: Vec<String> = lines.chunks(6).map(<[&str]>::concat).collect();
    let (at, to) = (random.below(notes.len()), random.below(notes.len()));
    let what = match random.below(4) {
        0 => {
            notes.remove(at);
            "dropped"
        }
        1 => {
            notes.insert(at, notes[at].clone());
            "repeated"
        }
        2 => {
            notes.swap(at, to);
            "swapped"
        }
        _ => {
            notes.truncate(at);
            "and all after it dropped"
        }
    };
    (notes.concat().into_bytes(), format!("note {at} {what} ({to})"))
}

fn change_files(random: &mut Random, files: &mut Files, name: &str, other: &str) -> String {
    match random.below(8) {
        0 | 1 => {
            files.remove(name);
            format!("{name} removed")
        }
        2 => {
            let bytes = files[name].clone();
            files.insert(other.to_owned(), bytes);
            format!("{name} copied over {other}")
        }
        3 => {
            let (one, two) = (files[name].clone(), files[other].clone());
            files.insert(name.to_owned(), two);
            files.insert(other.to_owned(), one);
            format!("{name} and {other} swapped")
        }
        4 => {
            let bytes = files[name].regular().unwrap_or_default().to_vec();
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packer.write_all(&bytes).expect("memory");
            let packed = packer.finish().expect("memory");
            files.insert(format!("{name}.gz"), Content::Regular(packed));
            format!("{name} packed beside it")
        }
        5 => {
            files.insert(name.to_owned(), Content::Directory);
            format!("{name} made a directory")
        }
        6 => {
            files.insert(name.to_owned(), Content::Pipe);
            format!("{name} made a pipe")
        }
        _ => {
            // The same bytes are found through the link.
            let bytes = files[name].regular().unwrap_or_default().to_vec();
            files.insert(name.to_owned(), Content::Link(bytes));
            format!("{name} made a link")
        }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[test]
fn random_changes_get_one_verdict_from_all() {
    let top = tempfile::tempdir().expect("a directory");
    let logs = logs(&top.path().join("logs"));
    let Some(mut python) = Python::start(top.path()) else {
        eprintln!("skipped: python3 is not installed");
        return;
    };
    let truths: Vec<Files> = logs.iter().map(|log| read_files(&log.dir)).collect();
    let (first, count) =
        (number("RINGSEAL_TEST_SEED").unwrap_or(0), number("RINGSEAL_TEST_CHANGES").unwrap_or(150));
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in first..first + count {
        let mut random = Random(seed << 32);
        let at = random.below(logs.len());
        let (log, truth) = (&logs[at], &truths[at]);
        let mut files = truth.clone();
        let changes: Vec<String> =
            (0..1 + random.below(2)).map(|_| change(&mut random, &mut files)).collect();
        let dir = top.path().join(format!("log-{seed}"));
        let elsewhere = top.path().join(format!("elsewhere-{seed}"));
        write_files(&dir, &elsewhere, &files);
        let what = format!("seed {seed}, {}: {changes:?}", log.name);
        let expected = check(&mut random, log, truth, &files, &dir, &mut python, &what);
        *seen.entry(expected).or_default() += 1;
        fs::remove_dir_all(&dir).expect("it is there");
        let _ = fs::remove_dir_all(&elsewhere);
    }
    println!("seeds {first} to {}: {seen:?}", first + count);
    assert!(count < 100 || seen.len() == 3, "{seen:?}");
}

/// Compares all verdicts; returns the oracle's.
fn check(
    random: &mut Random,
    log: &Log,
    truth: &Files,
    files: &Files,
    dir: &Path,
    python: &mut Python,
    what: &str,
) -> &'static str {
    let (has_mac, has_kept) = (log.is_keyed && random.is_one_in(2), random.is_one_in(2));
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let (name, public, mac, kept) = (
        text(dir),
        text(&log.keys.join("audit.pub")),
        text(&log.keys.join("audit.mac")),
        text(&log.kept),
    );
    let mut more: Vec<&str> = Vec::new();
    if has_mac {
        more.extend(["--mac", &mac]);
    }
    if has_kept {
        more.extend(["--known-checkpoint", &kept]);
    }
    let all = [&["audit", "verify", &name, "--key", &public], &more[..]].concat();
    let output = ringseal(dir, &all).output().expect("the binary runs");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let command = output.status.code().expect("a status");
    let [long, short] = python.verify(&[&[&name[..], &public], &more[..]].concat());
    let what = format!("{what}, mac {has_mac}, kept {has_kept}\ncommand: {said}python: {}", long.1);
    assert_eq!(command, long.0, "{what}");
    // Every entry of a log without keys is checked by its hash.
    let given =
        Given { has_mac: has_mac || !log.is_keyed, kept: has_kept.then_some(log.kept_entries) };
    // The short program checks less: what it finds, the command finds.
    // It does not read logs whose beginning was removed.
    let is_pruned = truth.contains_key("kept.jsonl");
    let is_right = short.0 == 0 || command != 0 || is_pruned || short.1.contains("openssl");
    assert!(is_right, "{what}short: {}", short.1);
    match verdict(truth, files, given) {
        Verdict::Intact => {
            assert_eq!(command, 0, "{what}");
            "intact"
        }
        Verdict::Tampered => {
            assert_eq!(command, 1, "{what}");
            "tampered"
        }
        Verdict::Unknown => "unknown",
    }
}
