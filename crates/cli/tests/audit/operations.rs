//! Loss and compromise of keys: the commands of `docs/audit-operations.md`, run as they are.
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use ringseal::audit::{Actor, AuditEvent, EventOutcome};
use ringseal::sink::memory::MemorySink;
use ringseal::{AuditConfig, Config, Engine, Output};

/// Set in the process that a test starts as the service.
const SERVICE: &str = "RINGSEAL_TEST_OPERATIONS_TOP";
const NAME: &str = "operations::the_commands_for_lost_keys_work";

/// The commands below this heading.
fn commands(heading: &str) -> String {
    let page = include_str!("../../../../docs/audit-operations.md");
    let (_, section) = page.split_once(&format!("### {heading}\n")).expect("the heading");
    let section = section.split("\n## ").next().unwrap_or_default();
    let section = section.split("\n### ").next().unwrap_or_default();
    let (_, block) = section.split_once("```sh\n").expect("commands");
    block.split_once("```").expect("their end").0.to_owned()
}

/// One life of the service: events that are on disk, and an orderly end.
fn serve(top: &Path) {
    let audit = AuditConfig::new(top.join("log")).keys(top.join("keys"));
    let config = Config::new().panic_hook(false).output(Output::custom(MemorySink::new()));
    let engine = Engine::start(config.audit(audit)).expect("the service starts");
    let logger = engine.audit().expect("an audit log");
    for _ in 0..5 {
        let event = AuditEvent::login(Actor::user("u-17"), EventOutcome::Success);
        logger.emit(&event).expect("room").wait().expect("a disk");
    }
    engine.stop().expect("an end");
}

/// A host with the service, and the place off the host.
struct Site {
    top: tempfile::TempDir,
}

impl Site {
    fn new() -> Site {
        let top = tempfile::tempdir().expect("a directory");
        let bin = top.path().join("bin");
        fs::create_dir_all(&bin).expect("a directory");
        fs::create_dir_all(top.path().join("away")).expect("a directory");
        let test = std::env::current_exe().expect("a test");
        // The service runs for one life at each start.
        let start = format!(
            "#!/bin/sh\n[ \"$1 $2\" = \"stop shop\" ] || {SERVICE}=\"$TOP\" exec {test:?} --exact {NAME} --nocapture\n"
        );
        let ringseal = format!("#!/bin/sh\nexec {:?} \"$@\"\n", env!("CARGO_BIN_EXE_ringseal"));
        for (name, script) in [("systemctl", start), ("ringseal", ringseal)] {
            let path = bin.join(name);
            fs::write(&path, script).expect("disk space");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
        }
        let site = Site { top };
        site.run("ringseal audit keygen --dir $KEYS --origin shop/audit/1", 0);
        site.run("cp $KEYS/audit.pub $AWAY; mv $KEYS/audit.mac $AWAY; systemctl start shop", 0);
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.top.path().join(name)
    }

    /// Runs commands; the first that fails ends them.
    #[track_caller]
    fn run(&self, commands: &str, code: i32) -> String {
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new("sh")
            .args(["-eu", "-c", commands])
            .current_dir(self.top.path())
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env("TOP", self.top.path())
            .env("LOG", self.path("log"))
            .env("KEYS", self.path("keys"))
            .env("AWAY", self.path("away"))
            .output()
            .expect("a shell");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        assert_eq!(output.status.code(), Some(code), "{commands}\n{text}");
        text
    }
}

/// Loses or gives away something, and says which commands follow, with their exit status.
type Case = (&'static str, &'static str, &'static str, i32);

const CASES: &[Case] = &[
    (
        "chain.key lost",
        "rm $LOG/keys/chain.key; ! systemctl start shop",
        "Derive the key of the chain again",
        0,
    ),
    ("epoch.key lost", "rm $LOG/keys/epoch.key; ! systemctl start shop", "Start a new log", 0),
    ("state lost", "rm $LOG/keys/state; systemctl start shop", "Start a new log", 1),
    ("epoch.key seen by others", "cp $LOG/keys/epoch.key seen", "Start a new log", 0),
    ("audit.mac seen by others", "cp $AWAY/audit.mac seen", "Start a new log", 0),
];

#[test]
fn the_commands_for_lost_keys_work() {
    if let Some(top) = std::env::var_os(SERVICE) {
        return serve(Path::new(&top));
    }
    for (name, loss, heading, code) in CASES {
        let site = Site::new();
        println!("{name}");
        site.run(loss, 0);
        site.run(&commands(heading), *code);
        // The service goes through another restart, and the log verifies with keys kept elsewhere.
        let verify =
            "ringseal audit verify $LOG --key $AWAY/audit.pub --mac $AWAY/audit.mac --strict";
        site.run(&format!("systemctl start shop; {verify}"), 0);
    }
    let site = Site::new();
    let without_mac =
        commands("Start a new log").replace("$AWAY/audit.pub $AWAY/audit.mac", "$AWAY/audit.pub");
    site.run("rm $AWAY/audit.mac", 0);
    site.run(&without_mac, 0);
}

#[test]
fn the_commands_for_keysets_work() {
    let site = Site::new();
    let make = commands("Make a new keyset");
    let token = "echo u@example.com | ringseal token tokenize --env prod --type email --keyset token-keyset.json";
    let full = "--env prod --type email --access full --keyset token-keyset.json --reveal-keyset reveal-keyset.json";
    site.run(&make, 0);
    let before = site.run(token, 0);
    let hidden = site.run(&format!("echo u@example.com | ringseal token protect {full}"), 0);
    site.run(&commands("Rotate a keyset that others may have"), 0);
    assert_ne!(site.run(token, 0), before, "a token of the new key");
    let reveal = format!("echo {} | ringseal token reveal {full}", hidden.trim());
    assert_eq!(site.run(&reveal, 0).trim(), "u@example.com", "the old key reveals");
    site.run(&make, 0);
    assert!(!site.run(&format!("{reveal} || true"), 0).contains("u@example.com"));
}
