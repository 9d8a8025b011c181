//! Names and defaults that services already use.
#[cfg(feature = "audit")]
use std::path::Path;

use super::Sources;
use crate::check::offset_seconds;
use crate::setup_logger;

#[cfg(feature = "yaml")]
#[test]
fn rotation_has_the_usual_keys() {
    let text = "log:\n  rotation:\n    max_bytes: 10_485_760\n    backup_count: 5\n    when: midnight\n    interval: 1\n";
    let written = Sources::new().file("o.yaml", text).compose();
    let defaults = Sources::new().compose();
    for path in ["max_bytes", "backup_count", "when", "interval"] {
        let path = format!("log.rotation.{path}");
        let value = |text: &str| text.replace('_', "");
        assert_eq!(written.get(&path).map(value), defaults.get(&path).map(value), "{path}");
        assert_eq!(written.source(&path).unwrap().as_str(), "file");
    }
    let short = Sources::new().file("o.yaml", "log:\n  rotation:\n    backups: 7\n").compose();
    assert_eq!(short.get("log.rotation.backup_count"), Some("7"));
    assert_eq!(short.get("log.rotation.backups"), Some("7"));
    let both =
        Sources::new().file("o.yaml", "log:\n  rotation:\n    backups: 7\n    backup_count: x\n");
    assert_eq!(
        both.problems(),
        ["o.yaml:4:19: log.rotation.backup_count: expected each key once, dotted or nested"]
    );
    let wrong = Sources::new().file("o.yaml", "log:\n  rotation:\n    backups: x\n").problems();
    assert!(
        wrong[0].starts_with("o.yaml:3:14: log.rotation.backups: expected a whole"),
        "{wrong:?}"
    );
}

#[test]
fn days_that_are_set_replace_the_default_number() {
    for (days, backups, expected) in
        [("", "", Some("5")), ("365", "", None), ("60", "9", Some("9")), ("", "0", Some("0"))]
    {
        let variables = [("LOG_RETENTION_COLD_DAYS", days), ("LOG_ROTATION_BACKUPS", backups)];
        let composed = Sources::new().variables(&variables).compose();
        assert_eq!(composed.get("log.rotation.backup_count"), expected, "{variables:?}");
    }
    let defaults = Sources::new().compose();
    assert_eq!(defaults.get("log.retention.hot_days"), Some("60"));
    assert_eq!(defaults.get("log.retention.cold_days"), Some("365"));
    assert_eq!(defaults.get("service.project"), Some("connect"));
    assert_eq!(defaults.get("service.version"), Some("0.0.0"));
    assert_eq!((defaults.instance(), defaults.service_type()), ("host-1", "app"));
}

#[test]
fn other_names_of_variables_are_read() {
    let one = Sources::new().variables(&[("INSTANCE_ID", "shop-7")]).compose();
    assert_eq!(one.instance(), "shop-7");
    assert!(one.explain().to_string().contains("environment INSTANCE_ID"));
    let same = [("INSTANCE_ID", "a"), ("SERVICE_INSTANCE", "a")];
    assert_eq!(Sources::new().variables(&same).compose().instance(), "a");
    let empty = [("INSTANCE_ID", "a"), ("SERVICE_INSTANCE", "")];
    assert_eq!(Sources::new().variables(&empty).compose().instance(), "a");
    let two = [("INSTANCE_ID", "a"), ("SERVICE_INSTANCE", "b")];
    assert_eq!(
        Sources::new().variables(&two).problems(),
        ["environment: INSTANCE_ID: expected one of SERVICE_INSTANCE and INSTANCE_ID"]
    );
}

#[test]
fn offsets_shift_midnight() {
    for (text, expected) in [
        ("Z", Some(0)),
        ("utc", Some(0)),
        ("+02:00", Some(7_200)),
        ("-0330", Some(-12_600)),
        ("2", Some(7_200)),
        ("+5:45", Some(20_700)),
        ("+14:00", Some(50_400)),
        ("+14:01", None),
        ("+02:60", None),
        ("+2:0", None),
        ("+123", None),
        ("Europe/Berlin", None),
        ("+é0", None),
        ("--1", None),
        ("", None),
    ] {
        assert_eq!(offset_seconds(text), expected, "{text}");
    }
    let composed = Sources::new().variables(&[("LOG_ROTATION_UTC_OFFSET", "+02:00")]).compose();
    assert_eq!(composed.file().rotate_offset_seconds, -7_200);
    let problems = Sources::new().variables(&[("LOG_ROTATION_UTC_OFFSET", "CET")]).problems();
    assert!(problems[0].contains("expected a distance from UTC"), "{problems:?}");
}

#[cfg(feature = "audit")]
#[test]
fn audit_logs_are_named_by_directory_or_file() {
    let dir_of = |text: &str| {
        let composed = Sources::new().variables(&[("LOG_AUDIT_LOG", text)]).compose();
        composed.audit_dir().map(Path::to_owned)
    };
    for (text, expected) in [
        ("logs/audit.log.jsonl", "logs"),
        ("audit.log.jsonl", "."),
        ("/var/log/shop/audit", "/var/log/shop/audit"),
        ("logs/audit.log", "logs/audit.log"),
    ] {
        assert_eq!(dir_of(text).as_deref(), Some(Path::new(expected)), "{text}");
    }
    let other = Sources::new().variables(&[("LOG_AUDIT_LOG", "logs/events.jsonl")]).problems();
    assert_eq!(
        other,
        [
            "environment: LOG_AUDIT_LOG: expected a directory, or the path of audit.log.jsonl in it, found \
          \"logs/events.jsonl\""
        ]
    );
}

#[test]
fn a_logger_has_the_name_of_its_service() {
    let dir = tempfile::tempdir().unwrap();
    for (format, member) in [
        ("JSON", "\"service\":\"api\""),
        ("cloud-dog-json", "\"service\":\"api\""),
        ("ecs", "\"name\":\"api\""),
    ] {
        let path = dir.path().join(format).join("api.log");
        let engine = setup_logger("api", &path, "info", format, false).unwrap();
        ringseal::info!(engine, "order_stored");
        ringseal::debug!(engine, "not_logged");
        engine.stop().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let line = text.lines().find(|line| line.contains("order_stored")).unwrap();
        assert!(line.contains(member) && !text.contains("not_logged"), "{format}: {text}");
    }
}
