//! Logs of format 1, written by the release before format 2: files as they were, compressed.
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use super::assert_intact;
use super::support::{Fixture, append, small_options, verify_disk};
use crate::entry::Scheme;
use crate::store::LogOptions;
use crate::verify::{FindingKind, VerifyOptions, VerifyReport};
use ringseal_base::clock::Clock;
use ringseal_base::digest::text::{Base64, decode_base64};
use ringseal_base::storage::faulty::FaultyDisk;

const DIR: &str = "/log";
const CLOSED: &[u8] = include_bytes!("format_1/closed.json.gz");
const LIVE: &[u8] = include_bytes!("format_1/live.json.gz");
const KEYLESS: &[u8] = include_bytes!("format_1/keyless.json.gz");

/// A fixture with the same keys, whose disk has these files.
fn fixture_of(packed: &[u8]) -> Fixture {
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    let files: BTreeMap<String, String> = serde_json::from_str(&text).unwrap();
    let mut fixture = Fixture::new();
    fixture.disk = FaultyDisk::new(Path::new(DIR));
    for dir in ["/away", "/log/keys", "/log/torn"] {
        fixture.disk.put_dir(Path::new(dir));
    }
    for (name, code) in files {
        let mut bytes = Vec::new();
        decode_base64(Base64::Standard, code.as_bytes(), &mut bytes).unwrap();
        fixture.disk.put(Path::new(&name), &bytes);
    }
    // After the times of its entries.
    fixture.clock.advance(1_000 * 1_000_000_000);
    fixture.remember();
    fixture
}

fn reports(fixture: &Fixture) -> Vec<VerifyReport> {
    let mut options = fixture.options();
    let check = |options: &VerifyOptions| verify_disk(&fixture.disk, options);
    let with_mac = check(&options);
    options.first_key = None;
    vec![with_mac, check(&options)]
}

#[test]
fn logs_of_format_1_are_still_verified() {
    for (packed, is_keyed) in [(CLOSED, true), (LIVE, true), (KEYLESS, false)] {
        let fixture = fixture_of(packed);
        for report in reports(&fixture) {
            assert_intact(&report);
            assert_eq!((report.format, report.is_keyed), (1, is_keyed));
        }
    }
    let pruned = reports(&fixture_of(CLOSED)).remove(0).pruned.unwrap();
    assert_eq!(pruned.prune_entries, 1);
}

#[test]
fn a_format_1_log_continues_in_format_2() {
    for (packed, is_keyed) in [(CLOSED, true), (LIVE, true), (KEYLESS, false)] {
        let mut fixture = fixture_of(packed);
        let scheme = if is_keyed { Scheme::Mac } else { Scheme::Hash };
        let options = LogOptions { scheme, ..small_options() };
        for _ in 0..2 {
            let mut log = fixture.open(options.clone());
            assert_eq!(log.health().state_mismatch, None);
            fixture.append(&mut log, 9);
            log.close().unwrap();
            for report in reports(&fixture) {
                assert_intact(&report);
                assert_eq!(report.format, 2);
            }
        }
        // From now on the state is required.
        let state = Path::new(DIR).join("keys/state");
        ringseal_base::storage::Storage::remove(&fixture.disk, &state).unwrap();
        let log = fixture.open(options);
        assert!(log.health().state_mismatch.is_some());
        log.close().unwrap();
        for report in reports(&fixture) {
            assert_eq!(report.first_bad.unwrap().kind, FindingKind::StateMismatch);
        }
    }
}

/// A kill at any call of the first opening by the newer writer leaves a log that the next one opens.
#[test]
fn the_upgrade_survives_kills() {
    use ringseal_base::storage::faulty::Faults;
    for call in 0.. {
        let mut fixture = fixture_of(LIVE);
        let killed = fixture.disk.calls() + call * 3;
        fixture.disk.set_faults(Faults { kill_call: Some((killed, 30)), ..Faults::default() });
        let is_open = fixture.try_open(small_options()).is_ok_and(|mut log| {
            append(&mut log, fixture.clock.unix_nanos());
            log.close().is_ok()
        });
        fixture.disk = fixture.disk.after_kill();
        for _ in 0..2 {
            let log = fixture.open(small_options());
            assert_eq!(log.health().state_mismatch, None, "call {call}");
            log.close().unwrap();
        }
        for report in reports(&fixture) {
            assert_intact(&report);
        }
        if is_open {
            break;
        }
    }
}
