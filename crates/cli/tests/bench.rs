//! `ringseal bench`, run as a process.
use std::fs;
use std::process::Command;

use serde_json::Value;

fn bench(arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringseal"));
    let output = command.arg("bench").args(arguments).output().expect("the binary runs");
    (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8"))
}

#[test]
fn bench_measures_every_setting_and_recommends_one() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().to_str().expect("UTF-8");
    let few = ["--quick", "--events", "1000", "--rounds", "1", "--dir", path];
    let (code, table) = bench(&few);
    assert_eq!(code, Some(0));
    assert_eq!(table.matches("  <-").count(), 1, "{table}");
    assert!(table.contains("Recommended: ring_bytes "), "{table}");

    let (code, json) = bench(&[&few[..], &["--json"]].concat());
    assert_eq!(code, Some(0));
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let settings = json["settings"].as_array().expect("settings");
    assert_eq!(settings.len(), 9);
    for setting in settings {
        assert!(setting["events_per_second"]["median"].as_f64() > Some(0.0), "{setting}");
        assert!(setting["call_p99_nanos"]["median"].as_f64() > Some(0.0), "{setting}");
    }
    let is_recommended = |setting: &Value| {
        ["ring_bytes", "batch_bytes_max"].iter().all(|key| setting[key] == json["recommended"][key])
    };
    assert_eq!(settings.iter().filter(|setting| is_recommended(setting)).count(), 1);
    assert!(json["recommended"]["why"].is_string());
    assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 0);
}

#[test]
fn a_missing_directory_exits_with_2() {
    assert_eq!(bench(&["--quick", "--dir", "/nowhere/at/all"]).0, Some(2));
}
