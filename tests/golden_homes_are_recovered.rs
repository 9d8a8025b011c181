//! Homes of killed runs of earlier versions, as text in `tests/golden`: this version and each later one recovers the
//! same lines from them.
//!
//! `cargo test --test golden_homes_are_recovered -- --ignored` makes the directory of the present version again, which
//! is right only as long as no release has that version.
#![cfg(target_os = "linux")]
#[path = "support/disaster.rs"]
mod disaster;
#[path = "support/stuck_run.rs"]
mod stuck_run;
mod support;

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use disaster::{Place, TestDir, kill, wait_until};
use ringseal::{Config, Context, Engine, Rings, fields, info, warn};
use stuck_run::{at, boot_id, correct_checksum, patch};

/// Bytes of a line of a dump.
const ROW: usize = 32;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/home-v1")
}

/// The place of a test, in any directory: its rings are beside the log, whose name is the same on all machines.
fn config(place: &Place) -> Config {
    let rings = Rings::dir(&place.rings).on_disk(true).require(true).name("golden");
    Config::new().file(place.log()).survive_kill(rings).ring_bytes(4096)
}

/// The bytes of a file as rows that are not zeros, with their places.
fn dump(bytes: &[u8]) -> String {
    let mut text = format!("length {}\n", bytes.len());
    for (index, row) in bytes.chunks(ROW).enumerate() {
        if row.iter().any(|byte| *byte != 0) {
            let hex: String = row.iter().map(|byte| format!("{byte:02x}")).collect();
            writeln!(text, "{:06x} {hex}", index * ROW).unwrap();
        }
    }
    text
}

/// The bytes of a dump.
fn load(text: &str) -> Vec<u8> {
    let (length, rows) = text.split_once('\n').expect("a length");
    let length = length.strip_prefix("length ").expect("a length").parse().expect("a number");
    let mut bytes = vec![0; length];
    for (place, hex) in rows.lines().map(|row| row.split_once(' ').expect("a place")) {
        let place = usize::from_str_radix(place, 16).expect("a place");
        for (index, digits) in hex.as_bytes().chunks(2).enumerate() {
            let digits = std::str::from_utf8(digits).expect("digits");
            bytes[place + index] = u8::from_str_radix(digits, 16).expect("digits");
        }
    }
    bytes
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("a directory");
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The run: contexts, threads, values of all kinds, some of them written, the others in rings alone.
fn live(place: &Place) -> ! {
    let config = config(place).run_id_value("golden-run").event_hook(|event| {
        while event.name() == "stuck" {
            std::thread::park();
        }
    });
    let engine = Engine::start(config).expect("a start");
    let bound = engine.logger().bind(fields! { service = "shop", shard = 3 });
    let log = |from: u64| {
        let _scope = Context::new().with(fields! { request = from, user = "u-1" }).enter();
        for number in from..from + 5 {
            info!(bound, "order_filled", number, price = 1.5, side = "buy", is_last = number == 9);
            warn!(engine, "slow", number, took_ms = -7, text = "ünï\"code\n");
        }
    };
    log(0);
    engine.flush().expect("written");
    info!(engine, "stuck");
    log(5);
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("worker".into());
        thread
            .spawn_scoped(scope, || info!(engine, "from_a_thread", number = 1))
            .expect("a thread");
    });
    fs::write(place.dir.join("ready"), "").expect("a file");
    loop {
        std::thread::park();
    }
}

/// Makes the golden directory.
#[test]
#[ignore = "writes tests/golden, for a new version of the layout"]
fn a_golden_home_is_made() {
    if let Some((_, dir)) = support::role() {
        live(&Place::at(&dir));
    }
    let dir = TestDir::new();
    let mut command = support::child("a_golden_home_is_made", "golden", &dir.dir);
    let command = disaster::quiet(command.arg("--ignored"));
    let mut child = disaster::Child(command.spawn().unwrap());
    wait_until("it has logged", || dir.dir.join("ready").exists());
    kill(&mut child);
    let golden = golden();
    let _ = fs::remove_dir_all(&golden);
    fs::create_dir_all(golden.join("home")).unwrap();
    let home = dir.home();
    for name in names(&home) {
        let bytes = fs::read(home.join(&name)).unwrap();
        fs::write(golden.join("home").join(&name), dump(&bytes)).unwrap();
    }
    fs::copy(dir.log(), golden.join("app.log")).unwrap();
    fs::write(golden.join("log-id"), dump(&fs::read(dir.dir.join(".app.log.id")).unwrap()))
        .unwrap();
    let recovered = recovered_lines();
    fs::write(golden.join("recovered.log"), recovered).unwrap();
}

/// Recovers the golden home; the lines that were added to the log, without those of this run.
fn recovered_lines() -> String {
    let (golden, dir) = (golden(), TestDir::new());
    let home = dir.rings.join("00000000000000000001-golden");
    fs::create_dir_all(&home).unwrap();
    for path in [&dir.rings, &home] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
    }
    for name in names(&golden.join("home")) {
        let text = fs::read_to_string(golden.join("home").join(&name)).unwrap();
        fs::write(home.join(&name), load(&text)).unwrap();
    }
    let log_id = load(&fs::read_to_string(golden.join("log-id")).unwrap());
    fs::write(dir.dir.join(".app.log.id"), log_id).unwrap();
    fs::copy(golden.join("app.log"), dir.log()).unwrap();
    patch(&home.join("engine"), |bytes| {
        bytes[at::BOOT..at::BOOT + 16].copy_from_slice(&boot_id());
        correct_checksum(bytes);
    });
    // The copy of the log is another file than the one of the record: what the record says counts.
    let (engine, report) = dir.recovering(config(&dir).run_id_value("reader"));
    engine.stop().unwrap();
    assert_eq!((report.runs.len(), report.left.len()), (1, 0), "{report:?}");
    assert!(report.runs[0].error.is_none(), "{report:?}");
    assert!(dir.homes().is_empty());
    let text = fs::read_to_string(dir.log()).unwrap();
    let is_of_run = |line: &&str| line.contains("\"run_id\":\"golden-run\"");
    let own: Vec<&str> = text.lines().filter(is_of_run).collect();
    let written = fs::read_to_string(golden.join("app.log")).unwrap();
    assert!(written.lines().eq(own[..written.lines().count()].iter().copied()));
    own[written.lines().count()..].iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn version_1_is_recovered() {
    let expected = fs::read_to_string(golden().join("recovered.log")).unwrap();
    assert_eq!(recovered_lines(), expected);
    let events = support::parse(expected.as_bytes());
    for (name, count) in [("order_filled", 5), ("slow", 5), ("from_a_thread", 1), ("stuck", 1)] {
        assert_eq!(support::named(&events, name).len(), count, "{name}");
    }
    let filled = support::named(&events, "order_filled");
    assert!(filled.iter().all(|event| event["request"] == 5 && event["service"] == "shop"));
}

#[test]
fn dumps_are_exact() {
    let mut bytes = vec![0; 300];
    bytes[77] = 7;
    bytes[299] = 0xFF;
    assert_eq!(load(&dump(&bytes)), bytes);
    assert_eq!(load(&dump(&[])), Vec::<u8>::new());
}
