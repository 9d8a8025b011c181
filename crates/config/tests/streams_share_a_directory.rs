//! The layout of a service: `logs/app.log` and `logs/audit.log.jsonl` side by side. The retention of the application's
//! log touches nothing of the audit log, which verifies after restarts.
#![cfg(all(feature = "audit", feature = "yaml"))]

use std::path::Path;

use ringseal::audit::keys::{KeyPaths, keygen, load_mac, load_verifier, system_random};
use ringseal::audit::verify::{self, VerifyOptions, VerifyOutcome};
use ringseal::audit::{Actor, AuditEvent, EventOutcome};
use ringseal::system::OsStorage;
use ringseal::{Engine, info};
use ringseal_config::Composer;

const BACKUPS: usize = 2;

fn run(config: &Path, round: u32) {
    let composed = Composer::new().file(config).host("host-1").compose().unwrap();
    let engine = Engine::start(composed.config().unwrap().panic_hook(false)).unwrap();
    for number in 0..500 {
        info!(engine, "order_stored", number, note = "enough text for several files of this size");
    }
    let logger = engine.logger();
    let audit = logger.audit().expect("an audit log");
    let user = format!("u-{round}");
    audit.emit(&AuditEvent::login(Actor::user(&user), EventOutcome::Success)).unwrap();
    engine.stop().unwrap();
}

fn sealed(dir: &Path) -> usize {
    let names = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().starts_with("app.log.")).count()
}

#[test]
fn retention_leaves_the_audit_log_alone() {
    let top = tempfile::tempdir().unwrap();
    let (keys, logs) = (top.path().join("keys"), top.path().join("logs"));
    let paths = KeyPaths::in_dir(&keys);
    keygen(&OsStorage, &paths, "shop.example/audit", &mut system_random).unwrap();
    let mac = load_mac(&OsStorage, &paths.mac).unwrap();
    let text = format!(
        "log:\n  handler: Rotating\n  level: INFO\n  format: JSON\n  app_log: {logs}/app.log\n  audit_log: \
         {logs}/audit.log.jsonl\n  rotation:\n    max_bytes: 8_192\n    backup_count: {BACKUPS}\n    when: midnight\n    \
         interval: 1\n  audit:\n    signing:\n      enabled: true\n      key: {keys}\n",
        logs = logs.display(),
        keys = keys.display(),
    );
    let config = top.path().join("observability.yaml");
    std::fs::write(&config, text).unwrap();
    for round in 0..3 {
        run(&config, round);
        assert!(logs.join("audit.log.jsonl").is_file() && logs.join("app.log").is_file());
        assert_eq!(sealed(&logs), BACKUPS);
        let mut options = VerifyOptions::new(load_verifier(&OsStorage, &paths.public).unwrap());
        options.first_key = Some(mac.clone());
        let report = verify::verify(&OsStorage, &logs, &options, &mut |_| ());
        assert_eq!(report.outcome, VerifyOutcome::Intact, "{report:?}");
        assert_eq!(report.entries_unproven, 0, "{report:?}");
        let text = std::fs::read_to_string(logs.join("audit.log.jsonl")).unwrap();
        assert!(text.contains(&format!("u-{round}")) && text.contains("\"user.login\""), "{text}");
    }
}
