//! `ringseal audit show`.
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::Arc;

use ringseal::audit::store::compress_sealed;
use ringseal::system::{OsStorage, Storage};
use serde_json::Value;

use crate::support::{Fixture, append, expect_exit, ringseal, run};

fn all_lines(fixture: &Fixture) -> String {
    let mut names: Vec<_> = fs::read_dir(fixture.log())
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().ends_with(".jsonl") && !path.ends_with("kept.jsonl"))
        .collect();
    // `-` comes before `.`: sealed segments first.
    names.sort_unstable();
    names.iter().map(|path| fs::read_to_string(path).expect("a segment")).collect()
}

#[test]
fn json_output_is_the_logs_exact_bytes() {
    let fixture = Fixture::with_three_segments();
    let lines = all_lines(&fixture);
    let (out, errors) = run(fixture.path(), &["audit", "show", "log", "--json"], 0);
    assert!(out == lines && errors.is_empty(), "{out}\n{errors}");
    // Compressed segments are read like plain ones.
    let storage: Arc<dyn Storage> = Arc::new(OsStorage);
    assert_eq!(compress_sealed(&storage, &fixture.log()).expect("a disk"), 2);
    assert_eq!(run(fixture.path(), &["audit", "show", "log", "--json"], 0).0, lines);
    fixture.verify(&[], 0);
    let from_to = ["audit", "show", "log", "--json", "--from", "10", "--to", "40"];
    let expected: String = lines.split_inclusive('\n').skip(10).take(31).collect();
    assert_eq!(run(fixture.path(), &from_to, 0).0, expected);
}

/// Whether an entry passes a filter.
type Filter = fn(&Value) -> bool;

#[test]
fn show_filters_by_type_and_actor() {
    let fixture = Fixture::with_three_segments();
    let cases: [(&[&str], Filter); 5] = [
        (&["--type", "user.login"], |entry| entry["event_type"] == "user.login"),
        (&["--type", "ringseal.*"], |entry| {
            entry["event_type"].as_str().is_some_and(|kind| kind.starts_with("ringseal."))
        }),
        (&["--type", "*.de??te"], |entry| entry["event_type"] == "order.delete"),
        (&["--actor", "u-3"], |entry| entry["actor"]["id"] == "u-3"),
        (&["--actor", "u-2", "--type", "user.*"], |entry| {
            entry["actor"]["id"] == "u-2" && entry["event_type"] == "user.login"
        }),
    ];
    let lines = all_lines(&fixture);
    let fits = |line: &str, filter: Filter| filter(&serde_json::from_str(line).expect("JSON"));
    for (arguments, filter) in cases {
        let expected: String =
            lines.split_inclusive('\n').filter(|line| fits(line, filter)).collect();
        assert!(!expected.is_empty(), "{arguments:?}");
        let raw = [&["audit", "show", "log", "--json"], arguments].concat();
        assert_eq!(run(fixture.path(), &raw, 0).0, expected, "{arguments:?}");
        let columns = [&["audit", "show", "log"], arguments].concat();
        let shown = run(fixture.path(), &columns, 0).0;
        assert_eq!(shown.lines().count(), expected.lines().count(), "{arguments:?}");
    }
    assert_eq!(run(fixture.path(), &["audit", "show", "log", "--actor", "unknown"], 0).0, "");
}

#[test]
fn columns_dim_control_entries() {
    let fixture = Fixture::with_three_segments();
    let colored = ["--color", "always", "audit", "show", "log", "--to", "3"];
    let (out, _) = run(fixture.path(), &colored, 0);
    for line in out.lines() {
        assert_eq!(line.starts_with("\x1b[2m"), line.contains("ringseal."), "{line}");
    }
    let plain = ["audit", "show", "log", "--type", "order.delete"];
    let (out, _) = run(fixture.path(), &plain, 0);
    let line = out.lines().next().expect("an entry");
    assert!(line.contains(" order.delete         success  user:u-3 > session:s-3"), "{line}");
    assert!(!out.contains('\x1b') && !out.contains("_signature"), "{out}");
}

#[test]
fn a_pruned_log_shows_from_its_first_entry() {
    let fixture = Fixture::with_three_segments();
    fixture.write(|log| assert!(log.prune(25).expect("a disk") > 0));
    let (out, errors) = run(fixture.path(), &["audit", "show", "log", "--json"], 0);
    assert!(out == all_lines(&fixture), "{out}");
    assert!(errors.contains("were pruned"), "{errors}");
    fixture.verify(&["--mac", "keys/audit.mac"], 0);
}

#[test]
fn malformed_lines_are_reported_and_not_shown() {
    let fixture = Fixture::with_three_segments();
    let mut lines = fixture.lines("audit.log.jsonl");
    let hidden = b"{\"seq\":1,\"event_type\":\"x\"}\n".to_vec();
    lines.insert(4, hidden);
    fixture.put_lines("audit.log.jsonl", &lines);
    let (out, errors) = run(fixture.path(), &["audit", "show", "log", "--json"], 1);
    assert!(errors.contains("audit.log.jsonl:5: not an entry"), "{errors}");
    assert!(!out.contains("\"x\""), "{out}");
    lines.drain(4..7);
    fixture.put_lines("audit.log.jsonl", &lines);
    let (_, errors) = run(fixture.path(), &["audit", "show", "log", "--json"], 1);
    assert!(errors.contains("audit.log.jsonl:5: entry"), "{errors}");
    // A write in progress is not a finding.
    let mut lines = lines[..4].to_vec();
    lines[3].truncate(50);
    fixture.put_lines("audit.log.jsonl", &lines);
    let (_, errors) = run(fixture.path(), &["audit", "show", "log"], 0);
    assert!(errors.contains("an unfinished line"), "{errors}");
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let fixture = Fixture::new();
    fixture.write(|log| (0..10).for_each(|_| append(log, 500)));
    for arguments in [&["audit", "show", "log"][..], &["audit", "show", "log", "--json"]] {
        let mut command = ringseal(fixture.path(), arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        let mut first = String::new();
        let out = child.stdout.take().expect("a pipe");
        BufReader::with_capacity(64, out).read_line(&mut first).expect("a line");
        assert!(first.contains("ringseal.start"), "{first}");
        let (_, errors) = expect_exit(&child.wait_with_output().expect("it ends"), 0);
        assert_eq!(errors, "");
    }
}

#[test]
fn a_reversed_range_is_a_usage_error() {
    let fixture = Fixture::with_three_segments();
    let turned = ["audit", "show", "log", "--from", "10", "--to", "5"];
    let (out, err) = run(fixture.path(), &turned, 2);
    assert_eq!(out, "");
    assert!(err.contains("--from 10 is after --to 5"), "{err}");
    let one = ["audit", "show", "log", "--from", "5", "--to", "5", "--json"];
    assert_eq!(run(fixture.path(), &one, 0).0.lines().count(), 1);
}

#[cfg(unix)]
#[test]
fn following_ends_when_the_reader_closes() {
    let fixture = Fixture::with_three_segments();
    let follow = ["audit", "show", "log", "--json", "--follow"];
    let mut child =
        ringseal(fixture.path(), &follow).stdout(Stdio::piped()).spawn().expect("it runs");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut lines = String::new();
    while !lines.contains("\"seq\":30,") {
        out.read_line(&mut lines).expect("a line");
    }
    drop(out);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn cat_points_to_audit_show_for_audit_logs() {
    let fixture = Fixture::with_three_segments();
    let (out, err) = run(fixture.path(), &["cat", "log"], 0);
    assert!(out.contains("record_type=audit_integrity_check"), "{out}");
    assert!(err.contains("`ringseal audit show log` shows its entries"), "{err}");
    fs::remove_file(fixture.log().join("audit-integrity.log")).expect("it is there");
    let (_, err) = run(fixture.path(), &["cat", "log"], 2);
    assert!(err.contains("log holds an audit log: `ringseal audit show log` shows it"), "{err}");
}

#[test]
fn a_directory_without_a_log_cannot_be_shown() {
    let fixture = Fixture::new();
    fs::create_dir(fixture.path().join("empty")).expect("disk space");
    run(fixture.path(), &["audit", "show", "empty"], 2);
    run(fixture.path(), &["audit", "show", "nowhere"], 2);
}

#[test]
fn following_shows_each_entry_once_across_rotations() {
    let fixture = Fixture::with_three_segments();
    let follow = ["audit", "show", "log", "--json", "--follow", "--from", "30"];
    let mut child =
        ringseal(fixture.path(), &follow).stdout(Stdio::piped()).spawn().expect("it runs");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let (send, lines) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut line = String::new();
        while out.read_line(&mut line).is_ok_and(|count| count > 0) {
            let _ = send.send(std::mem::take(&mut line));
        }
    });
    let mut shown = String::new();
    let mut catch_up = |fixture: &Fixture| {
        let expected: String = all_lines(fixture).split_inclusive('\n').skip(30).collect();
        while shown.len() < expected.len() {
            let line = lines.recv_timeout(std::time::Duration::from_secs(30));
            shown.push_str(&line.expect("what was written is shown"));
        }
        assert_eq!(shown, expected);
    };
    catch_up(&fixture);
    fixture.write(|log| {
        for round in 0..3 {
            append(log, 5);
            if round < 2 {
                log.rotate(ringseal::audit::entry::control::RotateReason::Manual)
                    .expect("disk space");
            }
        }
    });
    catch_up(&fixture);
    fixture.write(|log| append(log, 5));
    catch_up(&fixture);
    child.kill().expect("it still follows");
    child.wait().expect("an end");
    reader.join().expect("a reader");
    // With --to, following ends.
    let bounded = ["audit", "show", "log", "--json", "--follow", "--to", "9"];
    assert_eq!(run(fixture.path(), &bounded, 0).0.lines().count(), 10);
}
