//! `ringseal audit show`.
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::Arc;

use ringseal::audit::store::compress_sealed;
use ringseal::system::{OsStorage, Storage};
use serde_json::Value;

use crate::world::{World, append, ringseal, said, told};

fn all_lines(world: &World) -> String {
    let mut names: Vec<_> = fs::read_dir(world.log())
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().ends_with(".jsonl") && !path.ends_with("kept.jsonl"))
        .collect();
    // `-` comes before `.`: sealed segments first.
    names.sort_unstable();
    names.iter().map(|path| fs::read_to_string(path).expect("a segment")).collect()
}

#[test]
fn raw_lines_are_the_bytes_of_the_log() {
    let world = World::of_three_segments();
    let lines = all_lines(&world);
    let (out, errors) = said(world.path(), &["audit", "show", "log", "--json"], 0);
    assert!(out == lines && errors.is_empty(), "{out}\n{errors}");
    // Compressed segments are read like plain ones.
    let storage: Arc<dyn Storage> = Arc::new(OsStorage);
    assert_eq!(compress_sealed(&storage, &world.log()).expect("a disk"), 2);
    assert_eq!(said(world.path(), &["audit", "show", "log", "--json"], 0).0, lines);
    world.verify(&[], 0);
    let from_to = ["audit", "show", "log", "--json", "--from", "10", "--to", "40"];
    let expected: String = lines.split_inclusive('\n').skip(10).take(31).collect();
    assert_eq!(said(world.path(), &from_to, 0).0, expected);
}

/// Which entries a filter lets through.
type Fits = fn(&Value) -> bool;

#[test]
fn filters_are_by_type_and_actor() {
    let world = World::of_three_segments();
    let cases: [(&[&str], Fits); 5] = [
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
    let lines = all_lines(&world);
    let fits = |line: &str, fits: Fits| fits(&serde_json::from_str(line).expect("JSON"));
    for (arguments, filter) in cases {
        let expected: String =
            lines.split_inclusive('\n').filter(|line| fits(line, filter)).collect();
        assert!(!expected.is_empty(), "{arguments:?}");
        let raw = [&["audit", "show", "log", "--json"], arguments].concat();
        assert_eq!(said(world.path(), &raw, 0).0, expected, "{arguments:?}");
        let columns = [&["audit", "show", "log"], arguments].concat();
        let shown = said(world.path(), &columns, 0).0;
        assert_eq!(shown.lines().count(), expected.lines().count(), "{arguments:?}");
    }
    assert_eq!(said(world.path(), &["audit", "show", "log", "--actor", "nobody"], 0).0, "");
}

#[test]
fn columns_are_for_people_and_control_entries_are_dimmed() {
    let world = World::of_three_segments();
    let colored = ["--color", "always", "audit", "show", "log", "--to", "3"];
    let (out, _) = said(world.path(), &colored, 0);
    for line in out.lines() {
        assert_eq!(line.starts_with("\x1b[2m"), line.contains("ringseal."), "{line}");
    }
    let plain = ["audit", "show", "log", "--type", "order.delete"];
    let (out, _) = said(world.path(), &plain, 0);
    let line = out.lines().next().expect("an entry");
    assert!(line.contains(" order.delete         success  user:u-3 > session:s-3"), "{line}");
    assert!(!out.contains('\x1b') && !out.contains("_signature"), "{out}");
}

#[test]
fn a_pruned_log_is_shown_from_where_it_begins() {
    let world = World::of_three_segments();
    world.write(|log| assert!(log.prune(25).expect("a disk") > 0));
    let (out, errors) = said(world.path(), &["audit", "show", "log", "--json"], 0);
    assert!(out == all_lines(&world), "{out}");
    assert!(errors.contains("were pruned"), "{errors}");
    world.verify(&["--mac", "keys/audit.mac"], 0);
}

#[test]
fn what_is_no_entry_is_told_at_its_place_and_not_shown() {
    let world = World::of_three_segments();
    let mut lines = world.lines("audit.log.jsonl");
    let hidden = b"{\"seq\":1,\"event_type\":\"x\"}\n".to_vec();
    lines.insert(4, hidden);
    world.put_lines("audit.log.jsonl", &lines);
    let (out, errors) = said(world.path(), &["audit", "show", "log", "--json"], 1);
    assert!(errors.contains("audit.log.jsonl:5: no entry"), "{errors}");
    assert!(!out.contains("\"x\""), "{out}");
    lines.drain(4..7);
    world.put_lines("audit.log.jsonl", &lines);
    let (_, errors) = said(world.path(), &["audit", "show", "log", "--json"], 1);
    assert!(errors.contains("audit.log.jsonl:5: entry"), "{errors}");
    // A write under way is no finding.
    let mut lines = lines[..4].to_vec();
    lines[3].truncate(50);
    world.put_lines("audit.log.jsonl", &lines);
    let (_, errors) = said(world.path(), &["audit", "show", "log"], 0);
    assert!(errors.contains("an unfinished line"), "{errors}");
}

#[test]
fn head_has_seen_enough_and_nobody_complains() {
    let world = World::new();
    world.write(|log| (0..10).for_each(|_| append(log, 500)));
    for arguments in [&["audit", "show", "log"][..], &["audit", "show", "log", "--json"]] {
        let mut command = ringseal(world.path(), arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        let mut first = String::new();
        let out = child.stdout.take().expect("a pipe");
        BufReader::with_capacity(64, out).read_line(&mut first).expect("a line");
        assert!(first.contains("ringseal.start"), "{first}");
        let (_, errors) = told(&child.wait_with_output().expect("it ends"), 0);
        assert_eq!(errors, "");
    }
}

#[test]
fn a_range_that_is_turned_round_is_wrong_usage() {
    let world = World::of_three_segments();
    let turned = ["audit", "show", "log", "--from", "10", "--to", "5"];
    let (out, err) = said(world.path(), &turned, 2);
    assert_eq!(out, "");
    assert!(err.contains("--from 10 lies behind --to 5"), "{err}");
    let one = ["audit", "show", "log", "--from", "5", "--to", "5", "--json"];
    assert_eq!(said(world.path(), &one, 0).0.lines().count(), 1);
}

#[cfg(unix)]
#[test]
fn following_ends_when_nobody_reads_any_more() {
    let world = World::of_three_segments();
    let follow = ["audit", "show", "log", "--json", "--follow"];
    let mut child =
        ringseal(world.path(), &follow).stdout(Stdio::piped()).spawn().expect("it runs");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut lines = String::new();
    while !lines.contains("\"seq\":30,") {
        out.read_line(&mut lines).expect("a line");
    }
    drop(out);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn cat_of_an_audit_log_says_which_command_shows_it() {
    let world = World::of_three_segments();
    let (out, err) = said(world.path(), &["cat", "log"], 0);
    assert!(out.contains("record_type=audit_integrity_check"), "{out}");
    assert!(err.contains("`ringseal audit show log` shows its entries"), "{err}");
    fs::remove_file(world.log().join("audit-integrity.log")).expect("it is there");
    let (_, err) = said(world.path(), &["cat", "log"], 2);
    assert!(err.contains("log holds an audit log: `ringseal audit show log` shows it"), "{err}");
}

#[test]
fn a_directory_without_a_log_cannot_be_shown() {
    let world = World::new();
    fs::create_dir(world.path().join("empty")).expect("room");
    said(world.path(), &["audit", "show", "empty"], 2);
    said(world.path(), &["audit", "show", "nowhere"], 2);
}

#[test]
fn a_log_that_is_followed_is_shown_across_rotations_each_entry_once() {
    let world = World::of_three_segments();
    let follow = ["audit", "show", "log", "--json", "--follow", "--from", "30"];
    let mut child =
        ringseal(world.path(), &follow).stdout(Stdio::piped()).spawn().expect("it runs");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let (send, lines) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut line = String::new();
        while out.read_line(&mut line).is_ok_and(|count| count > 0) {
            let _ = send.send(std::mem::take(&mut line));
        }
    });
    let mut shown = String::new();
    let mut catch_up = |world: &World| {
        let expected: String = all_lines(world).split_inclusive('\n').skip(30).collect();
        while shown.len() < expected.len() {
            let line = lines.recv_timeout(std::time::Duration::from_secs(30));
            shown.push_str(&line.expect("what was written is shown"));
        }
        assert_eq!(shown, expected);
    };
    catch_up(&world);
    world.write(|log| {
        for round in 0..3 {
            append(log, 5);
            if round < 2 {
                log.rotate(ringseal::audit::entry::control::RotateReason::Manual).expect("room");
            }
        }
    });
    catch_up(&world);
    world.write(|log| append(log, 5));
    catch_up(&world);
    child.kill().expect("it still follows");
    child.wait().expect("an end");
    reader.join().expect("a reader");
    // With an end, it ends by itself.
    let bounded = ["audit", "show", "log", "--json", "--follow", "--to", "9"];
    assert_eq!(said(world.path(), &bounded, 0).0.lines().count(), 10);
}
