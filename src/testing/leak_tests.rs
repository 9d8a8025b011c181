//! Tests of the search for leaks: every form is found at its line, and clean files give no leak.
use std::fs;
use std::path::Path;

use super::*;

fn dir_with(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    dir
}

fn found(dir: &Path, secrets: &[&str]) -> Vec<(u64, Form)> {
    let leaks = find_leaks(dir, secrets.iter().copied()).unwrap();
    leaks.into_iter().map(|leak| (leak.line, leak.form)).collect()
}

#[test]
fn every_form_is_found_at_its_line() {
    let secret = "pa\"ss/wörd 12345";
    let cases: [(&str, Form); 12] = [
        ("x pa\"ss/wörd 12345 y", Form::Raw),
        ("PA\"SS/Wörd 12345", Form::OtherCase),
        (r#"{"a":"pa\"ss/wörd 12345"}"#, Form::Json),
        (r#"{"a":"pa\"ss\/wörd 12345"}"#, Form::Json),
        (r#"{"a":"pa\"ss/w\u00F6rd 12345"}"#, Form::Json),
        (r#"{"a":"{\"b\":\"pa\\\"ss/wörd 12345\"}"}"#, Form::Json),
        ("/login?p=pa%22ss%2Fw%C3%B6rd%2012345&x", Form::Url),
        ("p=pa%22ss%2fw%c3%b6rd+12345", Form::Url),
        ("Basic cGEic3Mvd8O2cmQgMTIzNDU=", Form::Base64),
        ("Basic dTpwYSJzcy93w7ZyZCAxMjM0NQ==", Form::Base64),
        ("54321 dröw/ss\"ap", Form::Reversed),
        ("pa\"ss/wörd…[truncated, 11 of 16 bytes]", Form::Cut),
    ];
    for (text, form) in cases {
        let dir = dir_with(&[("a.log", format!("one\ntwo {text}\nthree\n").as_bytes())]);
        assert_eq!(found(dir.path(), &[secret]), [(2, form)], "{text}");
    }
    let hex: String = secret.bytes().map(|byte| format!("{byte:02X}")).collect();
    let dir = dir_with(&[("a.log", hex.as_bytes())]);
    assert_eq!(found(dir.path(), &[secret]), [(1, Form::Hex)]);
}

#[test]
fn only_long_numbers_are_searched_backwards() {
    for (secret, count) in [("27643665", 0), ("4111111111111122", 1), ("27643665x", 1)] {
        let backwards: String = secret.chars().rev().collect();
        let dir = dir_with(&[("a.log", format!("at 12:00:00.3{backwards}Z\n").as_bytes())]);
        assert_eq!(found(dir.path(), &[secret]).len(), count, "{secret}");
        let dir = dir_with(&[("a.log", format!("call {secret}\n").as_bytes())]);
        assert_eq!(found(dir.path(), &[secret]).len(), 1, "{secret}");
    }
}

#[test]
fn half_a_secret_counts_only_at_a_cut() {
    let secret = "ann.smith@example.com";
    for (text, is_leak) in [
        ("ann.smith@e…[truncated]", true),
        ("ann.smith@ex\\u2026", true),
        ("ann.smith@exam...", true),
        ("ann.smith@example\nrest", true),
        ("ann.smith@example", true),
        ("ann.smith@example.org", false),
        ("ann.smith…", false),
        ("bob@example.com", false),
    ] {
        let dir = dir_with(&[("a.log", text.as_bytes())]);
        assert_eq!(!found(dir.path(), &[secret]).is_empty(), is_leak, "{text}");
    }
}

#[test]
fn short_secrets_are_searched_in_exact_case() {
    let dir = dir_with(&[("a.log", b"Hunter2 2retnuh hunter\nhunter2")]);
    assert_eq!(found(dir.path(), &["hunter2"]), [(2, Form::Raw)]);
    assert!(find_leaks(dir.path(), ["abc"]).is_err());
    assert!(find_leaks(dir.path(), Vec::<&str>::new()).is_err());
    assert!(find_leaks(dir.path().join("missing"), ["hunter2"]).is_err());
}

#[test]
fn lines_are_counted_across_files_and_chunks() {
    let mut long = b"line\n".repeat(300_000);
    // The chunk ends somewhere in this range.
    for at in (1_048_000..1_049_400).step_by(35) {
        long[at..at + 10].copy_from_slice(b"s3cr3t-key");
    }
    let mut want = Vec::new();
    for at in (1_048_000..1_049_400).step_by(35) {
        want.push(1 + long[..at].iter().filter(|byte| **byte == b'\n').count() as u64);
    }
    let dir = dir_with(&[("a/b/c.log", &long), ("a/empty", b""), ("z.log", b"s3cr3t-key")]);
    let leaks = find_leaks(dir.path(), [("the key", "s3cr3t-key")]).unwrap();
    let lines: Vec<_> = leaks.iter().map(|leak| leak.line).collect();
    assert_eq!(lines, [&want[..], &[1]].concat());
    assert!(leaks[0].to_string().ends_with(&format!("c.log:{}: the key (Raw)", want[0])));
}

#[test]
fn the_message_names_the_place_without_the_secret() {
    let dir = dir_with(&[("a.log", b"one\nit is correct-horse here")]);
    let text = std::panic::catch_unwind(|| assert_no_leak(dir.path(), ["correct-horse"]));
    let text = *text.unwrap_err().downcast::<String>().unwrap();
    assert!(text.contains("a.log:2: c…e (13 bytes) (Raw)"), "{text}");
    assert!(!text.contains("correct"), "{text}");
    assert!(!format!("{:?}", Planted::from("correct-horse")).contains("correct"));
}

#[test]
fn a_search_without_bytes_or_secrets_panics() {
    let dir = dir_with(&[("empty.log", b"")]);
    for secrets in [vec!["correct-horse"], vec![]] {
        let result = std::panic::catch_unwind(|| assert_no_leak(dir.path(), secrets.clone()));
        assert!(result.is_err());
    }
}

#[cfg(feature = "compress")]
#[test]
fn compressed_files_are_searched() {
    use std::io::Write;
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(b"one\ncorrect-horse").unwrap();
    let dir = dir_with(&[("a.log.000001.gz", &gz.finish().unwrap())]);
    assert_eq!(found(dir.path(), &["correct-horse"]), [(2, Form::Raw)]);
}

#[cfg(not(feature = "compress"))]
#[test]
fn compressed_files_without_the_feature_are_errors() {
    let dir = dir_with(&[("a.log.000001.gz", &[0x1F, 0x8B, 8, 0])]);
    assert!(find_leaks(dir.path(), ["correct-horse"]).is_err());
}

#[test]
#[cfg(target_os = "linux")]
fn a_search_keeps_the_locks_of_running_engines() {
    use std::os::unix::fs::MetadataExt;

    use crate::system::{OsStorage, Storage};

    let dir = dir_with(&[("app.log", b"clean\n")]);
    let path = dir.path().join(".app.log.lock");
    let _lock = OsStorage.lock(&path, 0o600).unwrap();
    let inode = fs::metadata(&path).unwrap().ino();
    let is_locked = || {
        let locks = fs::read_to_string("/proc/locks").unwrap();
        let holder = format!(" {} ", std::process::id());
        let suffix = format!(":{inode} ");
        locks.lines().any(|lock| lock.contains(&holder) && lock.contains(&suffix))
    };
    assert!(is_locked(), "the lock is listed while it is held");
    assert_eq!(found(dir.path(), &["a secret text"]), []);
    assert!(is_locked(), "the search has ended the lock");
}
