//! The audit part of the demo: a thread that emits a shop's audit events, 1000 per second, and the verification of
//! their log.
//!
//! The keys of `ringseal audit keygen` are copied, so that the demo can be repeated; a service would let
//! [`AuditConfig::keys`] move them.
use std::fmt;
use std::fs;
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ringseal::audit::event::Crud;
use ringseal::audit::keys::{KeyPaths, create_secret, load_mac, load_secret, load_verifier};
use ringseal::audit::store::names;
use ringseal::audit::verify::{self, VerifyOptions};
use ringseal::audit::{Actor, AuditEvent, Change, EventOutcome, Target};
use ringseal::system::{OsStorage, Storage};
use ringseal::value::Map;
use ringseal::{AuditConfig, AuditError, AuditLogger};

use crate::audit::verify::{Verified, verify_with_progress};
use crate::console::Failure;
use crate::histogram::Histogram;
use crate::size::format_count;
use crate::stopwatch::format_nanos;

/// The audit log's directory inside the demo's directory.
const DIR: &str = "audit";
/// File that marks an audit log as written by a demo.
const MARKER: &str = ".ringseal-demo";
const EVENTS_PER_SECOND: u64 = 1000;
/// Pause of the thread that waits for receipts.
const BETWEEN_WAITS: Duration = Duration::from_millis(10);

/// The audit log to be written.
#[derive(Debug)]
pub(super) struct AuditPlan {
    dir: PathBuf,
    /// Paths of the keys; `None` makes the log keyless.
    keys: Option<KeyPaths>,
}

impl AuditPlan {
    /// Removes the audit log of an earlier demo and copies the keys for the new one. `keys` is the user's key
    /// directory; the default is `./keys` if it exists.
    pub(super) fn prepare(demo_dir: &Path, keys: Option<&Path>) -> Result<AuditPlan, Failure> {
        let dir = demo_dir.join(DIR);
        let paths = KeyPaths::in_dir(keys.unwrap_or(Path::new("keys")));
        let has_keys = keys.is_some() || paths.public.exists();
        let keys = has_keys.then_some(paths);
        // Loaded before anything is removed.
        let secrets = keys.as_ref().map(secrets_of).transpose()?;
        remove_old_log(&dir).map_err(|error| with_path(&dir, error))?;
        let own = KeyPaths::in_dir(&dir);
        OsStorage.create_dir(&own.keys, 0o700).map_err(|error| with_path(&own.keys, error))?;
        create_secret(&OsStorage, &dir.join(MARKER), b"").map_err(Failure::of)?;
        if let Some([chain, epoch]) = secrets {
            create_secret(&OsStorage, &own.chain(), &chain).map_err(Failure::of)?;
            create_secret(&OsStorage, &own.epoch(), &epoch).map_err(Failure::of)?;
        }
        Ok(AuditPlan { dir, keys })
    }

    pub(super) fn config(&self) -> AuditConfig {
        AuditConfig::new(&self.dir).service("ringseal-demo").environment("demo").component("shop")
    }

    /// Verifies the audit log.
    pub(super) fn verify(&self, done: AuditResult) -> Result<AuditReport, Failure> {
        let public = match &self.keys {
            Some(paths) => paths.public.clone(),
            None => KeyPaths::in_dir(&self.dir).public,
        };
        let mut options =
            VerifyOptions::new(load_verifier(&OsStorage, &public).map_err(Failure::of)?);
        if let Some(paths) = self.keys.as_ref().filter(|paths| paths.mac.exists()) {
            options.first_key = Some(load_mac(&OsStorage, &paths.mac).map_err(Failure::of)?);
        }
        let verified = verify_with_progress(&self.dir, &options);
        let keys = self.keys.as_ref().and_then(|paths| paths.public.parent());
        Ok(AuditReport { dir: self.dir.clone(), keys: keys.map(Path::to_owned), done, verified })
    }
}

/// Loads the initial secrets of a log: the chain's key and the epoch's key.
fn secrets_of(paths: &KeyPaths) -> Result<[impl Deref<Target = Vec<u8>> + use<>; 2], Failure> {
    let load = |path: PathBuf| {
        load_secret(&OsStorage, &path).map_err(|error| {
            Failure::Message(format!(
                "{error}\n  (the demo copies the keys of `ringseal audit keygen`; a service that was \
                 started with them has moved them)"
            ))
        })
    };
    Ok([load(paths.chain())?, load(paths.epoch())?])
}

fn with_path(path: &Path, error: io::Error) -> Failure {
    Failure::Message(format!("{}: {error}", path.display()))
}

/// Removes the audit log of an earlier demo; other files in the directory are kept.
fn remove_old_log(dir: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?.collect::<io::Result<Vec<_>>>()?,
    };
    if !entries.is_empty() && !dir.join(MARKER).is_file() {
        let why = "is not empty and was not written by a demo; move it or choose another --dir";
        return Err(io::Error::other(why));
    }
    let lock = OsStorage.lock(&dir.join(names::LOCK), 0o600);
    if lock.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
        return Err(io::Error::other("in use by another demo"));
    }
    for entry in &entries {
        let name = entry.file_name();
        let (path, name) = (entry.path(), name.to_str().unwrap_or_default());
        let is_dir = entry.file_type()?.is_dir();
        match name {
            names::TILE_DIR | names::TORN_DIR | names::KEYS_DIR if is_dir => {
                fs::remove_dir_all(&path)?;
            }
            _ if is_dir || !belongs_to_log(name) => {}
            _ => fs::remove_file(&path)?,
        }
    }
    Ok(())
}

fn belongs_to_log(name: &str) -> bool {
    const FILES: [&str; 7] = [
        names::ACTIVE,
        names::CHECKPOINT_NEXT,
        names::CHECKPOINT,
        names::CHECKPOINTS,
        names::KEPT,
        names::INTEGRITY_LOG,
        "audit.pub",
    ];
    FILES.contains(&name)
        || names::parse_sealed(name).is_some()
        || name.ends_with(".tmp")
        || name == MARKER
}

/// The result of the audit thread.
#[derive(Debug, Default)]
pub(super) struct AuditResult {
    events: u64,
    /// Durations of waits for receipts, in nanoseconds.
    waits: Histogram,
    /// The first error of an event or of its receipt.
    failed: Option<AuditError>,
}

/// Emits until it is stopped: one thread emits 1000 events per second by the clock and catches up if it runs late, and
/// another emits events one by one and waits for the receipt of each.
pub(super) fn emit(audit: &AuditLogger, stop: &AtomicBool) -> AuditResult {
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| emit_and_wait(audit, stop));
        let mut done = emit_paced(audit, stop);
        match waiting.join() {
            Ok(waited) => {
                done.events += waited.events;
                done.waits = waited.waits;
                done.failed = done.failed.or(waited.failed);
            }
            Err(panic) => std::panic::resume_unwind(panic),
        }
        done
    })
}

fn emit_paced(audit: &AuditLogger, stop: &AtomicBool) -> AuditResult {
    let (mut done, start) = (AuditResult::default(), Instant::now());
    loop {
        // ORDER: relaxed; the flag only ends the loop. Loaded first, so that all events due are emitted.
        let is_last = stop.load(Ordering::Relaxed);
        let due = (start.elapsed().as_secs_f64() * EVENTS_PER_SECOND as f64) as u64;
        while done.events <= due && done.failed.is_none() {
            done.failed = with_event(done.events, &mut |event| audit.emit(event).map(drop)).err();
            done.events += u64::from(done.failed.is_none());
        }
        if is_last || done.failed.is_some() {
            return done;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn emit_and_wait(audit: &AuditLogger, stop: &AtomicBool) -> AuditResult {
    let mut done = AuditResult::default();
    // ORDER: relaxed; the flag only ends the loop.
    while !stop.load(Ordering::Relaxed) && done.failed.is_none() {
        let start = Instant::now();
        let wait = |event: &AuditEvent<'_>| audit.emit(event)?.wait().map(drop);
        done.failed = with_event(done.events, &mut { wait }).err();
        if done.failed.is_none() {
            done.events += 1;
            done.waits.record(start.elapsed().as_nanos() as u64);
        }
        std::thread::sleep(BETWEEN_WAITS);
    }
    done
}

/// Builds event number `number` and passes it to `use_event`; cycles through all builders.
fn with_event<T>(number: u64, use_event: &mut dyn FnMut(&AuditEvent<'_>) -> T) -> T {
    let (user, order) = (format!("u-{}", number % 97), format!("o-{}", number % 1009));
    let correlation = format!("req-{number}");
    let actor = Actor::user(&user).ip([192, 0, 2, (number % 250) as u8].into());
    let outcome = if number % 11 == 5 { EventOutcome::Denied } else { EventOutcome::Success };
    let mut pass = |event: AuditEvent<'_>| use_event(&event.correlation_id(&correlation));
    match number % 12 {
        0..=2 => pass(AuditEvent::login(actor, outcome).details(&[("method", &"password")])),
        3..=6 => {
            let action =
                [Crud::Create, Crud::Read, Crud::Update, Crud::Delete][number as usize % 4];
            pass(AuditEvent::crud(actor, action, Target::new("order", &order), outcome))
        }
        7 => {
            let (size, larger) = (10 + number % 50, 11 + number % 50);
            let changes = [
                Change::new("pool.size", &size, &larger),
                Change::new("db.password", &"an old one", &"a new one"),
            ];
            pass(AuditEvent::config_change(actor.roles(&["admin"]), &changes, outcome))
        }
        8 | 9 => {
            let params = Map(&[("path", &"invoices/2026.csv"), ("api_key", &"masked by its name")]);
            pass(AuditEvent::tool_call(actor, "read_file", outcome).params(&params).duration_ms(12))
        }
        10 => {
            let target = Target::new("session", &order);
            pass(AuditEvent::security(actor, "revoke", target, outcome))
        }
        _ => pass(AuditEvent::privileged(actor, "systemctl restart shop", outcome)),
    }
}

/// The report about the demo's audit log.
#[derive(Debug)]
pub(super) struct AuditReport {
    dir: PathBuf,
    /// The directory from which the keys were copied.
    keys: Option<PathBuf>,
    done: AuditResult,
    verified: Verified,
}

impl AuditReport {
    /// Returns all problems of the audit log.
    pub(super) fn problems(&self) -> Vec<String> {
        let report = &self.verified.report;
        let mut problems = Vec::new();
        if let Some(error) = &self.done.failed {
            problems.push(format!("after {} audit events: {error}", self.done.events));
        }
        match (&report.first_bad, &report.problem) {
            (Some(finding), _) => problems.push(format!("the audit log is not intact: {finding}")),
            (_, Some(problem)) => problems.push(format!("the audit log: {problem}")),
            _ if report.outcome != verify::VerifyOutcome::Intact => {
                problems.push("the audit log could not be checked".into());
            }
            // The log also contains its own control entries, so it may have more.
            _ if report.entries < self.done.events => problems.push(format!(
                "{} audit events were accepted, but the log has only {} entries",
                self.done.events, report.entries
            )),
            _ => {}
        }
        problems
    }
}

impl fmt::Display for AuditReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = &self.verified.report;
        let (entries, events) = (format_count(report.entries), format_count(self.done.events));
        writeln!(
            f,
            "audit       {entries} entries, {events} of them events, in {}",
            self.dir.display()
        )?;
        match &self.keys {
            Some(keys) => writeln!(f, "            with the keys of {}", keys.display())?,
            None => writeln!(
                f,
                "            KEYLESS, as ./keys does not exist (`ringseal audit keygen --dir ./keys` creates it): this detects\n            \
                 corruption but not forgery by anyone with write access to the directory"
            )?,
        }
        let waits = &self.done.waits;
        let [p50, p99] = [0.5, 0.99].map(|part| format_nanos(waits.quantile(part) as f64));
        writeln!(
            f,
            "            {} events were waited for until they were on disk: p50 {p50}, p99 {p99}",
            format_count(waits.count())
        )?;
        let (checkpoints, size) =
            (report.checkpoints, format_count(report.tree_size - report.entries_unsealed));
        writeln!(f, "            {checkpoints} checkpoints, the last covers {size} entries")?;
        writeln!(f, "            verified: {}", report.outcome.as_str())
    }
}
