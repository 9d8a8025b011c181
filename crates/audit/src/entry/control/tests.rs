//! Compares control entries with their texts on the format page.
use super::*;
use crate::entry::{Body, Parser, Signature, begin, finish};

fn sealed(first: u64, last: u64) -> SealedSegment {
    SealedSegment {
        name: format!("audit-{first:020}.jsonl"),
        bytes: 1000 + first,
        sha256: [first as u8; 32],
        first_seq: first,
        last_seq: last,
    }
}

fn checked(
    status: CheckStatus,
    checksum: Option<Checksum>,
    algorithm: Algorithm,
) -> CheckedSegment {
    CheckedSegment {
        name: "audit.log.jsonl".into(),
        algorithm,
        bytes: 7,
        expected: None,
        found: checksum,
        status,
    }
}

fn integrity(segments: Vec<CheckedSegment>) -> Control {
    Control::Integrity(Integrity {
        trigger: Trigger::Periodic,
        algorithm: Algorithm::Sha512,
        log_bytes: 9,
        log_entries: 3,
        segments,
    })
}

/// One control entry of each kind, with its members as on the format page.
fn all() -> Vec<(Control, String)> {
    let zeros = "00".repeat(32);
    let key = "a.example+00000000+AQ==";
    let torn = TornPiece {
        kept: "torn/00000000000000000042-0.bin".into(),
        from: TornFrom::Active,
        offset: 12,
        bytes: 3,
        sha256: [0; 32],
    };
    vec![
        (
            Control::Start(Start {
                format: 2,
                origin: "a.example/audit".into(),
                scheme: Scheme::Mac,
                ratchet: 1,
                checkpoint_seconds: 300,
                checkpoint_entries: 65536,
                public_key: key.into(),
                writer: "ringseal 0.1.0".into(),
                state: StatePlace::Separate,
                continued: Some(Continued {
                    dir: "aside-1".into(),
                    entries: 9,
                    tree_root: [0; 32],
                    epoch: 2,
                    chain_keys: vec![3, 7],
                    damage: "entry 3: wrong".into(),
                }),
            }),
            format!(
                r#""event_type":"ringseal.start","format":2,"origin":"a.example/audit","algorithm":"hmac-sha256","ratchet":1,"checkpoint_seconds":300,"checkpoint_entries":65536,"public_key":"{key}","writer":"ringseal 0.1.0","state":"separate","continued":{{"dir":"aside-1","entries":9,"tree_root":"{zeros}","epoch":2,"chain_keys":[3,7],"damage":"entry 3: wrong"}}"#
            ),
        ),
        (
            Control::Segment(SegmentStart {
                number: 2,
                reason: RotateReason::Size,
                previous: sealed(0, 9),
                extra: None,
            }),
            format!(
                r#""event_type":"ringseal.segment","number":2,"reason":"size","previous":{{"name":"audit-00000000000000000000.jsonl","bytes":1000,"sha256":"{zeros}","first_seq":0,"last_seq":9}}"#
            ),
        ),
        (
            Control::Segment(SegmentStart {
                number: 2,
                reason: RotateReason::Recovery,
                previous: sealed(0, 9),
                extra: Some(Checksum::Crc32(0xDEAD)),
            }),
            format!(
                r#""event_type":"ringseal.segment","number":2,"reason":"recovery","previous":{{"name":"audit-00000000000000000000.jsonl","bytes":1000,"sha256":"{zeros}","first_seq":0,"last_seq":9,"crc32":"0000dead"}}"#
            ),
        ),
        (
            Control::Epoch(Epoch { number: 1, old_key: key.into(), new_key: key.into() }),
            format!(r#""event_type":"ringseal.epoch","number":1,"old_key":"{key}","new_key":"{key}""#),
        ),
        (
            Control::Recovery(Recovery {
                torn: vec![torn],
                rebuilt: vec![Rebuilt::Tiles, Rebuilt::EpochKey],
                mismatch: Some(StateMismatch {
                    kind: MismatchKind::Changed,
                    expected_entries: 7,
                    expected_root: [0; 32],
                    found_entries: 8,
                    found_root: [1; 32],
                }),
            }),
            format!(
                r#""event_type":"ringseal.recovery","torn":[{{"kept":"torn/00000000000000000042-0.bin","from":"audit.log.jsonl","offset":12,"bytes":3,"sha256":"{zeros}"}}],"rebuilt":["tiles","epoch.key"],"mismatch":{{"kind":"changed","expected_entries":7,"expected_root":"{zeros}","found_entries":8,"found_root":"{}"}}"#,
                "01".repeat(32)
            ),
        ),
        (
            Control::Prune(Prune {
                before_seq: 10,
                reason: PruneReason::Age,
                segments: vec![sealed(0, 9)],
                terms: Some(PruneTerms {
                    segments_max: None,
                    seconds_max: Some(60),
                    bytes_max: None,
                    tree_root: [0; 32],
                }),
            }),
            format!(
                r#""event_type":"ringseal.prune","before_seq":10,"reason":"age","segments":[{{"name":"audit-00000000000000000000.jsonl","bytes":1000,"sha256":"{zeros}","first_seq":0,"last_seq":9}}],"policy":{{"segments_max":null,"seconds_max":60,"bytes_max":null}},"tree_root":"{zeros}""#
            ),
        ),
        (
            integrity(vec![checked(CheckStatus::Missing, None, Algorithm::Sha256)]),
            r#""event_type":"ringseal.integrity","trigger":"periodic","algorithm":"sha512","status":"mismatch","log_bytes":9,"log_entries":3,"segments":[{"name":"audit.log.jsonl","algorithm":"sha256","bytes":7,"expected":null,"found":null,"status":"missing"}]"#.into(),
        ),
        (
            integrity(vec![
                checked(CheckStatus::Ok, Some(Checksum::Sha512([1; 64])), Algorithm::Sha512),
                checked(CheckStatus::Ok, Some(Checksum::Crc32(1)), Algorithm::Crc32),
            ]),
            format!(
                r#""event_type":"ringseal.integrity","trigger":"periodic","algorithm":"sha512","status":"ok","log_bytes":9,"log_entries":3,"segments":[{{"name":"audit.log.jsonl","algorithm":"sha512","bytes":7,"expected":null,"found":"{}","status":"ok"}},{{"name":"audit.log.jsonl","algorithm":"crc32","bytes":7,"expected":null,"found":"00000001","status":"ok"}}]"#,
                "01".repeat(64)
            ),
        ),
        (
            Control::Stop(StopReason::Shutdown),
            r#""event_type":"ringseal.stop","reason":"shutdown""#.into(),
        ),
    ]
}

fn line(members: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let first = Signature::first(Scheme::Mac);
    begin(&mut out, 9, 0, Body::trusted(members), &first);
    finish(&mut out, &first);
    out.pop();
    out
}

fn members(control: &Control) -> Vec<u8> {
    let mut members = Vec::new();
    control.put(&mut members);
    if control.is_statement() {
        put::put_statement_signature(&mut members, &[0x5A; 64]);
    }
    members
}

#[test]
fn control_entries_round_trip_as_the_format_says() {
    for (control, want) in all() {
        let mut bare = Vec::new();
        control.put(&mut bare);
        assert_eq!(String::from_utf8(bare).unwrap(), want);
        let line = line(&members(&control));
        let entry = Parser::new().entry(&line).unwrap();
        assert!(entry.is_control());
        let statement = Control::read(&entry).unwrap();
        assert_eq!(statement.signature, control.is_statement().then_some([0x5A; 64]));
        assert_eq!(statement.control, control);
    }
}

/// Entries of format 1, which older writers left: starts and stops without signature, recoveries without a mismatch,
/// prune entries without their terms.
#[test]
fn entries_of_format_1_are_read() {
    let (start, recovery, prune) = (&all()[0].1, &all()[4].1, &all()[5].1);
    let cut = |text: &str, from: &str| text.split_once(from).unwrap().0.to_owned();
    let old = [
        cut(start, ",\"state\":").replace("\"format\":2", "\"format\":1"),
        cut(recovery, ",\"mismatch\":"),
        cut(prune, ",\"policy\":"),
        all()[8].1.clone(),
    ];
    for (text, is_signed) in old.iter().zip([false, true, true, false]) {
        let mut members = text.clone().into_bytes();
        if is_signed {
            put::put_statement_signature(&mut members, &[0x5A; 64]);
        }
        let line = line(&members);
        let statement = Control::read(&Parser::new().entry(&line).unwrap()).unwrap();
        assert_eq!((statement.format, statement.signature.is_some()), (1, is_signed), "{text}");
    }
    for (control, _) in all() {
        let line = line(&members(&control));
        assert_eq!(Control::read(&Parser::new().entry(&line).unwrap()).unwrap().format, 2);
    }
}

#[test]
fn a_statement_signs_all_bytes_before_its_signature() {
    let (control, want) = &all()[3];
    let line = line(&members(control));
    let entry = Parser::new().entry(&line).unwrap();
    let text = read::statement_text(&entry).unwrap();
    let head = r#"{"seq":9,"timestamp":"1970-01-01T00:00:00.000000000Z","#;
    assert_eq!(std::str::from_utf8(text).unwrap(), format!("{head}{want}"));
}

/// No byte is ignored: any changed byte gives another entry or an error.
#[test]
fn every_byte_change_is_detected() {
    for (control, _) in all() {
        let good = members(&control);
        let whole = Control::read(&Parser::new().entry(&line(&good)).unwrap()).unwrap();
        for at in 0..good.len() {
            for byte in *b"0a1 {}[],:\"\\x" {
                if good[at] == byte {
                    continue;
                }
                let mut bad = good.clone();
                bad[at] = byte;
                let line = line(&bad);
                let Ok(entry) = Parser::new().entry(&line) else { continue };
                if let Ok(read) = Control::read(&entry) {
                    assert_ne!(read, whole, "{}", String::from_utf8_lossy(&bad));
                }
            }
        }
    }
}

#[test]
fn extra_or_missing_members_are_rejected() {
    for (control, _) in all() {
        let good = String::from_utf8(members(&control)).unwrap();
        let mut bad = vec![format!("{good},\"more\":1")];
        // A stop without its signature is one of format 1.
        let is_stop = matches!(control, Control::Stop(_));
        if let Some((less, _)) = good.rsplit_once(",\"").filter(|_| !is_stop) {
            bad.push(less.to_owned());
        }
        for members in bad {
            let line = line(members.as_bytes());
            let Ok(entry) = Parser::new().entry(&line) else { continue };
            assert!(Control::read(&entry).is_err(), "{members}");
        }
    }
}

#[test]
fn contradictory_control_entries_are_rejected() {
    let bad = [
        r#""event_type":"ringseal.future","reason":"x""#.to_owned(),
        r#""event_type":"ringseal.start","format":3,"origin":"x""#.to_owned(),
        all()[0].1.replace("\"separate\"", "\"elsewhere\""),
        all()[4].1.replace("\"changed\"", "\"other\""),
        all()[6].1.replace("\"mismatch\",\"log", "\"ok\",\"log"),
        all()[7].1.replacen("\"status\":\"ok\"", "\"status\":\"mismatch\"", 1),
        all()[5].1.replace("\"before_seq\":10", "\"before_seq\":11"),
        all()[4].1.replace("[\"tiles\",\"epoch.key\"]", "[\"epoch.key\",\"tiles\"]"),
        all()[4].1.replace("[\"tiles\",\"epoch.key\"]", "[\"tiles\",\"tiles\"]"),
        r#""event_type":"ringseal.recovery","torn":[],"rebuilt":[]"#.to_owned(),
        r#""event_type":"ringseal.recovery","torn":[],"rebuilt":[],"mismatch":null"#.to_owned(),
    ];
    for mut members in bad {
        if ["start", "epoch", "recovery", "prune"]
            .iter()
            .any(|kind| members.contains(&format!("ringseal.{kind}")))
        {
            let mut bytes = members.into_bytes();
            put::put_statement_signature(&mut bytes, &[0; 64]);
            members = String::from_utf8(bytes).unwrap();
        }
        let line = line(members.as_bytes());
        let entry = Parser::new().entry(&line).unwrap();
        let error = Control::read(&entry).unwrap_err();
        assert!(matches!(error.kind, ParseErrorKind::Control(_)), "{members}: {error}");
    }
}

use crate::entry::ParseErrorKind;
