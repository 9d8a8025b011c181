//! Logs made-up secrets in every way in which a service could leak one, then searches all files of the demo for them. A
//! secret that is found is a failure.
use std::fmt;
use std::path::Path;

use ringseal::internals::core::fnv::fnv1a;
use ringseal::redact::{KeyClass, Rules};
use ringseal::testing::{Canary, Leak, canaries, find_leaks};
use ringseal::value::{Map, Value};
use ringseal::{Engine, Level, Limits, Logger, error, fields, info, warn};

use crate::size::format_count;

/// The target of the events with secrets.
pub(super) const TARGET: &str = "ringseal_demo::canary";
/// Maximum number of leaks listed individually.
const LISTED_MAX: usize = 20;

/// The planted secrets.
#[derive(Debug)]
pub(super) struct Planted {
    canaries: Vec<Canary>,
    /// Number of events with a secret.
    pub(super) events: u64,
    /// Number of these events whose value exceeds the engine's limit.
    pub(super) cut_events: u64,
}

/// An error with an optional cause; the innermost text contains the secret.
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

/// A value with a field named like the canary, as `#[derive(Debug)]` shows it.
struct Shown<'c>(&'c Canary);

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("id", &7).field(self.0.key, &self.0.value).finish()
    }
}

/// Logs a canary in one particular way.
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
        let entries: [(&str, &dyn Value); 2] = [(canary.key, &canary.value), ("attempt", &3)];
        let inner = Map(&entries);
        info!(target: TARGET, log, "canary_in_maps", request = Map(&[("user", &inner), ("note", &canary.prose)]));
    },
    |log, canary| {
        let entries: [(&str, &dyn Value); 1] = [(canary.key, &canary.value)];
        let inner = [Map(&entries)];
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

/// Whether the rules redact the canary because of its key.
fn has_sensitive_key(canary: &Canary) -> bool {
    Rules::standard().key(canary.key.as_bytes(), None) != KeyClass::Plain
}

/// A URL with the canary in its query, or `None` if redaction cannot find it there: an encoded value is found only by
/// its key.
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

/// A text so long that the engine cuts it inside the secret.
fn oversized_text(canary: &Canary, eighths: usize) -> String {
    let kept = Limits::default().value_bytes_max as usize;
    let at = canary.prose.find(&canary.secret).unwrap_or(0) + canary.secret.len() * eighths / 8;
    let filler = "and then nothing happened ".repeat(kept / 26 + 1);
    let filler = &filler[filler.len() - kept.saturating_sub(at)..];
    format!("{filler}{} {}", canary.prose, "and so on ".repeat(20))
}

/// Logs all canaries in every way.
pub(super) fn plant(engine: &Engine) -> Planted {
    let log = engine.logger();
    // The seed depends on the run, so that canaries of earlier runs differ.
    let canaries = canaries(fnv1a(engine.run_id().bytes()));
    for canary in &canaries {
        LOG_METHODS.iter().for_each(|log_canary| log_canary(&log, canary));
        // Flushed, so that no canary is lost at a full ring.
        let _ = engine.flush();
    }
    let urls = canaries.iter().filter(|canary| url_with(canary).is_some()).count();
    // One event per method, one more for the second cut, and one per canary that fits in a URL.
    let events = (canaries.len() * LOG_METHODS.len() + urls) as u64;
    let cut_events = 2 * canaries.len() as u64;
    Planted { canaries, events, cut_events }
}

/// The result of the search for canaries.
#[derive(Debug)]
pub(super) struct LeakReport {
    summary: String,
    /// One line per canary found.
    pub(super) leaks: Vec<String>,
}

impl fmt::Display for LeakReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary)
    }
}

impl Planted {
    /// Searches all files below `dir` for the canaries.
    pub(super) fn find_leaks(&self, dir: &Path) -> std::io::Result<LeakReport> {
        let leaks = find_leaks(dir, &self.canaries)?;
        let made = format_count(self.canaries.len() as u64);
        let events = format_count(self.events);
        let end = match leaks.len() {
            0 => "none leaked".to_owned(),
            count => format!("{} LEAKED", format_count(count as u64)),
        };
        let summary = format!(
            "canaries    {made} made-up secrets planted in {events} events, {end}\n            {}\n",
            self.count_kinds()
        );
        Ok(LeakReport { summary, leaks: self.describe(&leaks) })
    }

    fn describe(&self, leaks: &[Leak]) -> Vec<String> {
        let descriptions = leaks.iter().take(LISTED_MAX);
        let mut descriptions: Vec<_> =
            descriptions.map(|leak| format!("a canary leaked: {leak}")).collect();
        if leaks.len() > LISTED_MAX {
            descriptions.push(format!("and {} more", leaks.len() - LISTED_MAX));
        }
        descriptions
    }

    /// The number of canaries of each kind.
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
