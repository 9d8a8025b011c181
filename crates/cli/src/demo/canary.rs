//! Made-up secrets, logged in every way in which a service could let one slip, and looked for afterwards in
//! everything that the demo has written. None may be found.
use std::fmt;
use std::path::Path;

use ringseal::core::fnv::fnv1a;
use ringseal::core::value::Map;
use ringseal::redact::{KeyClass, Rules};
use ringseal::testing::{Canary, Leak, canaries, find_leaks};
use ringseal::{Engine, Level, Limits, Logger, error, fields, info, warn};

use crate::size::format_count;

/// The target of the events that hold them.
pub(super) const TARGET: &str = "ringseal_demo::canary";
/// So many survivors are listed one by one.
const LISTED_MAX: usize = 20;

/// What was planted.
#[derive(Debug)]
pub(super) struct Planted {
    canaries: Vec<Canary>,
    /// Events that hold one.
    pub(super) events: u64,
    /// Of them, those whose value is longer than the engine keeps.
    pub(super) cut_events: u64,
}

/// An error whose cause names the secret.
#[derive(Debug)]
struct Failed(String, Option<Box<Failed>>);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.1.as_deref().map(|cause| cause as _)
    }
}

/// A value with a field of the canary's name, as `#[derive(Debug)]` shows it.
struct Shown<'c>(&'c Canary);

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("id", &7).field(self.0.key, &self.0.value).finish()
    }
}

/// A way to log one.
type LogMethod = fn(&Logger, &Canary);

const LOG_METHODS: [LogMethod; 13] = [
    |log, canary| {
        log.dynamic(Level::Info, TARGET, "canary_under_its_key", &|out| {
            out.entry(canary.key, &canary.value);
        });
    },
    |log, canary| info!(target: TARGET, log, "canary_in_a_field", note = canary.prose.as_str()),
    |log, canary| info!(target: TARGET, log, "canary_in_bytes", raw = canary.prose.as_bytes()),
    |log, canary| warn!(target: TARGET, log, "canary_shown", note = %canary.prose, state = ?Some(&canary.prose)),
    |log, canary| warn!(target: TARGET, log, "canary_in_debug", state = ?Shown(canary)),
    |log, canary| {
        let inner = Map(&[(canary.key, &canary.value), ("attempt", &3)]);
        info!(target: TARGET, log, "canary_in_maps", request = Map(&[("user", &inner), ("note", &canary.prose)]));
    },
    |log, canary| {
        let inner = [Map(&[(canary.key, &canary.value)])];
        info!(target: TARGET, log, "canary_in_a_list", items = &inner[..], notes = ["clean", &canary.prose]);
    },
    |log, canary| {
        let cause = Failed(canary.prose.clone(), None);
        let failed = Failed("the order was refused".into(), Some(Box::new(cause)));
        error!(target: TARGET, log, "canary_in_a_cause", error = &failed);
    },
    |log, canary| {
        let log = log.bind(
            fields! { note = canary.prose.as_str(), request.user_note = canary.prose.as_str() },
        );
        info!(target: TARGET, log, "canary_in_bound_fields");
    },
    |log, canary| {
        if let Some(url) = url_with(canary) {
            info!(target: TARGET, log, "canary_in_a_url", url.full = url);
        }
    },
    |log, canary| {
        let pair = match has_sensitive_key(canary) {
            true => format!("user=7 {}=\"{}\" ok=true", canary.key, canary.value.replace('"', "")),
            false => canary.prose.clone(),
        };
        info!(target: TARGET, log, "canary_in_a_pair", args = pair);
    },
    |log, canary| {
        let body =
            format!("{{\"id\":7,\"{}\":\"{}\"}}", canary.key, canary.value.replace('\n', "\\n"));
        info!(target: TARGET, log, "canary_in_json", body);
    },
    |log, canary| {
        for eighths in [5, 7] {
            info!(target: TARGET, log, "canary_cut", story = oversized_text(canary, eighths));
        }
    },
];

/// Whether its key says what it is.
fn has_sensitive_key(canary: &Canary) -> bool {
    Rules::standard().key(canary.key.as_bytes(), None) != KeyClass::Plain
}

/// As a part of a query, if it can be one: what has to be encoded is known by its key only.
fn url_with(canary: &Canary) -> Option<String> {
    let mut value = String::new();
    for byte in canary.value.bytes() {
        match byte {
            b'%' | b' ' | b'"' | b'<' | b'>' | b'#' | b'&' | 0..=0x1F => {
                value += &format!("%{byte:02X}")
            }
            _ => value.push(char::from(byte)),
        }
    }
    let is_plain = value == canary.value && !value.contains("://");
    let url = format!("https://shop.example.com/v2/users?page=2&{}={value}&lang=en", canary.key);
    (is_plain || has_sensitive_key(canary)).then_some(url)
}

/// A story so long that the engine cuts it inside the secret.
fn oversized_text(canary: &Canary, eighths: usize) -> String {
    let kept = Limits::default().value_bytes_max as usize;
    let at = canary.prose.find(&canary.secret).unwrap_or(0) + canary.secret.len() * eighths / 8;
    let filler = "and then nothing happened ".repeat(kept / 26 + 1);
    let filler = &filler[filler.len() - kept.saturating_sub(at)..];
    format!("{filler}{} {}", canary.prose, "and so on ".repeat(20))
}

/// Logs them all, in every way.
pub(super) fn plant(engine: &Engine) -> Planted {
    let log = engine.logger();
    // Of this run alone.
    let canaries = canaries(fnv1a(engine.run_id().bytes()));
    for canary in &canaries {
        LOG_METHODS.iter().for_each(|log_canary| log_canary(&log, canary));
        // Whatever a full ring does to the events of the service: none of these is lost.
        let _ = engine.flush();
    }
    let urls = canaries.iter().filter(|canary| url_with(canary).is_some()).count();
    // One event for each way, one more for the second cut, none for what cannot stand in a URL.
    let events = (canaries.len() * LOG_METHODS.len() + urls) as u64;
    let cut_events = 2 * canaries.len() as u64;
    Planted { canaries, events, cut_events }
}

/// What became of them.
#[derive(Debug)]
pub(super) struct LeakReport {
    summary: String,
    /// One line for each that survived.
    pub(super) survivors: Vec<String>,
}

impl fmt::Display for LeakReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary)
    }
}

impl Planted {
    /// Looks for them in everything below `dir`.
    pub(super) fn find_leaks(&self, dir: &Path) -> std::io::Result<LeakReport> {
        let leaks = find_leaks(dir, &self.canaries)?;
        let made = format_count(self.canaries.len() as u64);
        let events = format_count(self.events);
        let end = match leaks.len() {
            0 => "none survived".to_owned(),
            count => format!("{} SURVIVED", format_count(count as u64)),
        };
        let summary = format!(
            "canaries    {made} made-up secrets planted in {events} events, {end}\n            {}\n",
            self.count_kinds()
        );
        Ok(LeakReport { summary, survivors: self.describe(&leaks) })
    }

    fn describe(&self, leaks: &[Leak]) -> Vec<String> {
        let descriptions = leaks.iter().take(LISTED_MAX);
        let mut descriptions: Vec<_> =
            descriptions.map(|leak| format!("a canary survived: {leak}")).collect();
        if leaks.len() > LISTED_MAX {
            descriptions.push(format!("and {} more", leaks.len() - LISTED_MAX));
        }
        descriptions
    }

    /// How many of each kind.
    fn count_kinds(&self) -> String {
        let mut kinds: Vec<(&str, u64)> = Vec::new();
        for canary in &self.canaries {
            match kinds.iter_mut().find(|(kind, _)| *kind == canary.kind.name()) {
                Some((_, count)) => *count += 1,
                None => kinds.push((canary.kind.name(), 1)),
            }
        }
        let kinds: Vec<_> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        kinds.join(", ")
    }
}
