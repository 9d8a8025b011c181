//! The dry run against a configuration.
use std::path::Path;

use ringseal::audit::store::names::LOCK;
use ringseal::{Engine, Output, Pii, Secret, info};
use ringseal_config::{Composed, Environment, SETTINGS, Source};

use super::places::{self, Access};
use super::{Check, lines};
use crate::explain::SourceArgs;
use crate::size::format_bytes;
use crate::status::app_log::lock_path;
use crate::status::lock::{Holder, holder};

/// What is left of a file system below which a log may fill it.
const FREE_BYTES_MIN: u64 = 1 << 30;

/// The bit of a directory's mode by which others cannot replace files, as in `/tmp`.
const STICKY: u32 = 0o1000;

/// All checks, in the order in which a service would meet them.
pub(super) fn check(sources: &SourceArgs) -> Vec<Check> {
    let composed = match sources.compose() {
        Ok(composed) => composed,
        Err(error) => {
            let problems = error.problems().iter();
            return problems
                .map(|problem| Check::failed("settings", problem.to_string()))
                .collect();
        }
    };
    let mut checks = vec![settings(&composed)];
    checks.extend(composed.warnings().iter().map(|it| Check::warning("variable", it.to_string())));
    checks.extend(outputs(&composed));
    checks.extend(rings(&composed));
    checks.extend(audit(&composed));
    checks.extend(trial(&composed));
    if composed.get("pii.provider").is_some_and(|provider| provider.eq_ignore_ascii_case("vault")) {
        checks.push(Check::unchecked("tokens", "the server of the keysets is not asked"));
    }
    checks
}

fn settings(composed: &Composed) -> Check {
    let is_default = |path| composed.source(path).is_none_or(|source| *source == Source::Default);
    let changed = SETTINGS.iter().filter(|setting| !is_default(setting.path)).count();
    let environment = composed.environment();
    let text =
        format!("{changed} of {} are not the defaults; environment {environment}", SETTINGS.len());
    if is_default("environment") {
        let hint = "ENVIRONMENT is not set, so the profile is that of development";
        return Check::warning("settings", format!("{text}\n{hint}"));
    }
    let is_verbose = ["debug", "trace"].contains(&composed.get("log.level").unwrap_or_default());
    if environment == Environment::Production && is_verbose {
        return Check::warning("settings", format!("{text}\nlog.level is verbose for production"));
    }
    let is_ecs = composed.get("log.format").is_some_and(|it| it.eq_ignore_ascii_case("ecs"));
    if is_ecs && is_default("service.project") {
        let hint = "PROJECT_NAME is not set, so the lines name the project `connect`";
        return Check::warning("settings", format!("{text}\n{hint}"));
    }
    Check::good("settings", text)
}

fn outputs(composed: &Composed) -> Vec<Check> {
    let mut checks = Vec::new();
    let handler = composed.get("log.handler").unwrap_or_default().to_ascii_lowercase();
    let sink = composed.get("log.sink");
    let only_sink = sink.is_some_and(|sink| sink.starts_with("only:"))
        || sink.is_some()
            && composed.source("log.handler").is_none_or(|source| *source == Source::Default);
    if !only_sink && handler != "console" {
        let path = composed.get("log.app_log").unwrap_or_default();
        checks.extend(file("output", Path::new(path)));
    } else if !only_sink {
        checks.push(Check::good("output", "standard output"));
    }
    if let Some(sink) = sink {
        let name = sink.strip_prefix("only:").unwrap_or(sink);
        match name.strip_prefix("file:") {
            Some(path) => checks.extend(file("output", Path::new(path))),
            None => checks.push(Check::good("output", name)),
        }
    }
    checks
}

/// Whether a log can be opened there, and whether another process has it.
fn file(name: &'static str, path: &Path) -> [Check; 2] {
    [place(name, path), lock(&lock_path(path))]
}

/// Whether another process has the lock of a log. A service that runs with these settings is not a mistake.
fn lock(path: &Path) -> Check {
    const NAME: &str = "lock";
    let shown = path.display();
    match holder(path) {
        Ok(None) => Check::good(NAME, format!("{shown}: no process has it")),
        Ok(Some(Holder(pid))) => {
            let process = pid.map_or("another process".into(), |pid| format!("the process {pid}"));
            let text = "a second service with these settings would not start";
            Check::warning(NAME, format!("{shown}: {process} has it; {text}"))
        }
        Err(error) => Check::unchecked(NAME, format!("{shown}: {error}")),
    }
}

/// Whether a log can be written there, and how much space is left.
fn place(name: &'static str, path: &Path) -> Check {
    let shown = path.display();
    if path.exists() && !path.is_file() {
        return Check::failed(
            name,
            format!("{shown}: expected a file, found something else; move it away"),
        );
    }
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    match places::access(dir) {
        Access::Writable => {}
        Access::Creatable(above) => {
            return space(name, &above, format!("{shown}: the directory will be made"));
        }
        Access::Refused(reason) => return Check::failed(name, format!("{shown}: {reason}")),
    }
    if path.exists() && !places::is_writable(path) {
        return Check::failed(name, format!("{shown}: this user cannot write it"));
    }
    if let Some(mode) = places::open_mode(dir).filter(|mode| mode & STICKY == 0) {
        let dir = dir.display();
        let text =
            format!("{dir}: others can replace files in it (mode {mode:o}); use `chmod o-w`");
        return Check::failed(name, text);
    }
    if let Some(mode) = places::open_mode(path) {
        let text = format!("{shown}: others can write it (mode {mode:o}); use `chmod o-w`");
        return Check::failed(name, text);
    }
    space(name, dir, format!("{shown}: can be written"))
}

fn space(name: &'static str, dir: &Path, text: String) -> Check {
    match places::free_bytes(dir) {
        Some(free) if free < FREE_BYTES_MIN => {
            Check::warning(name, format!("{text}, with only {} free", format_bytes(free)))
        }
        Some(free) => Check::good(name, format!("{text}, {} free", format_bytes(free))),
        None => Check::unchecked(name, format!("{text}; the free space is not known")),
    }
}

fn rings(composed: &Composed) -> Option<Check> {
    let dir = composed.get("log.ring_dir").filter(|dir| !dir.eq_ignore_ascii_case("off"))?;
    let dir = if dir.eq_ignore_ascii_case("auto") { "/dev/shm" } else { dir };
    let path = Path::new(dir);
    Some(match places::access(path) {
        Access::Refused(reason) => Check::failed("rings", format!("{dir}: {reason}")),
        _ if places::is_in_memory(path) == Some(false) => Check::failed(
            "rings",
            format!("{dir}: expected a file system in memory: rings hold events before redaction"),
        ),
        _ => Check::good("rings", format!("{dir}: events outlive a kill")),
    })
}

fn audit(composed: &Composed) -> Vec<Check> {
    let Some(dir) = composed.audit_dir() else { return Vec::new() };
    let shown = dir.display();
    let mut checks = vec![match places::access(dir) {
        Access::Writable => space("audit log", dir, format!("{shown}: can be written")),
        Access::Creatable(above) => {
            space("audit log", &above, format!("{shown}: the directory will be made"))
        }
        Access::Refused(reason) => Check::failed("audit log", format!("{shown}: {reason}")),
    }];
    checks.push(lock(&dir.join(LOCK)));
    checks.push(match composed.get("log.audit.signing.key") {
        None => Check::warning(
            "audit keys",
            "no keys: whoever can write the directory can replace the log; `ringseal audit keygen` makes keys",
        ),
        Some(keys) => match places::readable_by_others(Path::new(keys)) {
            Some(file) => Check::failed("audit keys", format!("others can read {}; use `chmod 600`", file.display())),
            None => Check::good("audit keys", "a directory that only its owner can read"),
        },
    });
    checks
}

/// Made up, in the form of what must not be in a log.
const MADE_UP: [(&str, &str); 4] = [
    ("an email address", "doctor.probe@example.com"),
    ("a password", "doctor-Pr0be-pa55"),
    ("a card number", "4111 1111 1111 1111"),
    ("a token", "ghp_0123456789abcdefghijABCDEFGHIJ012345"),
];

/// Starts an engine that writes to a temporary file, and reads what it wrote.
fn trial(composed: &Composed) -> Vec<Check> {
    let line = match sample(composed) {
        Ok(line) => line,
        Err(error) => return vec![Check::failed("engine", format!("does not start: {error}"))],
    };
    let mut checks = vec![Check::good("engine", "starts with these settings")];
    let format = composed.get("log.format").unwrap_or_default().to_ascii_lowercase();
    let is_text = matches!(format.as_str(), "console" | "dashtam-dev" | "cloud-dog-text");
    checks.push(match is_text {
        true => Check::good("line", line.clone()),
        false => lines::json(&line),
    });
    let shown: Vec<&str> =
        MADE_UP.iter().filter(|(_, value)| line.contains(value)).map(|(name, _)| *name).collect();
    let is_off = composed.get("log.redact.enabled").is_some_and(|value| {
        ["0", "false", "no", "off"].contains(&value.to_ascii_lowercase().as_str())
    });
    checks.push(match (shown.is_empty(), is_off) {
        (true, _) => {
            Check::good("redaction", "a made-up email, password, card and token are masked")
        }
        (false, true) => {
            Check::failed("redaction", "log.redact.enabled is off: secrets are written as they are")
        }
        (false, false) => Check::failed("redaction", format!("in clear: {}", shown.join(", "))),
    });
    checks
}

/// The line of an event with made-up data.
fn sample(composed: &Composed) -> Result<String, String> {
    let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = dir.path().join("app.log");
    let config = composed.trial_config().map_err(|error| error.to_string())?;
    let config = config.output(Output::file(&path)).panic_hook(false);
    // The filter of the service may leave out the sample.
    let config = config.filter("critical,ringseal_doctor=trace".parse().map_err(|_| "the filter")?);
    let engine =
        Engine::start(config.require_trace_id(false)).map_err(|error| error.to_string())?;
    info!(
        target: "ringseal_doctor",
        engine,
        "doctor_probed",
        email = MADE_UP[0].1,
        customer = Pii::name("Doctor Probe"),
        password = MADE_UP[1].1,
        api_key = Secret::new("doctor-key-0123456789"),
        note = "card 4111 1111 1111 1111 of doctor.probe@example.com, ghp_0123456789abcdefghijABCDEFGHIJ012345",
        amount = 42,
    );
    engine.stop().map_err(|error| error.to_string())?;
    let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
    let line = text.lines().find(|line| line.contains("doctor_probed"));
    line.map(|line| line.trim_end().to_owned())
        .ok_or_else(|| "the sample event was not written".to_owned())
}
