//! The settings of redaction: on by default, with the standard rules.
//!
//! Rules are compiled here, on the caller's thread; the writer only receives compiled rules. Reloading waits for the
//! writer's answer: when [`Engine::set_redaction`] returns, all events that are logged later or are still in the rings
//! are redacted by the new rules, bound fields included.
use std::fmt;
use std::sync::Arc;

use super::config::{Config, InitError};
use super::engine::Engine;
use super::env::EnvError;
use crate::writer::RedactionConfig;
use crate::writer::control::{Control, FlushError};
use crate::writer::redaction::rules_hash;
use ringseal_redact::{KeyMatch, Preset, Profile, RuleError, RuleSet, Rules, Tokenize};

/// The redaction settings of a configuration.
#[derive(Clone)]
pub(super) struct Choice {
    /// `None` if redaction is off.
    pub(super) rules: Option<RuleSet>,
    pub(super) tokens: Option<Tokens>,
}

impl Default for Choice {
    fn default() -> Self {
        Self { rules: Some(RuleSet::default()), tokens: None }
    }
}

impl Choice {
    /// Compiles the rules.
    pub(super) fn build(&self) -> Result<RedactionConfig, InitError> {
        let rules = self.rules.as_ref().map(Rules::compile).transpose();
        let rules = rules.map_err(InitError::Redaction)?.map(Arc::new);
        let tokenizer = match &self.tokens {
            Some(Tokens(TokenSource::Custom(tokenizer))) => Some(Arc::clone(tokenizer)),
            // `open_keys` has already turned the keysets into a tokenizer.
            _ => None,
        };
        Ok(RedactionConfig { rules, tokenizer })
    }
}

/// Replaces personal data by tokens: see [`Config::tokens`].
///
/// ```
/// use std::sync::Arc;
/// use ringseal::redact::HmacTokenizer;
/// use ringseal::{Config, Tokens};
/// let tokenizer = HmacTokenizer::new(b"a key of at least sixteen bytes", "prod");
/// let config = Config::new().tokens(Tokens::custom(Arc::new(tokenizer)));
/// ```
#[derive(Clone)]
pub struct Tokens(pub(super) TokenSource);

#[derive(Clone)]
pub(super) enum TokenSource {
    Custom(Arc<dyn Tokenize>),
    /// Keysets that are opened when the engine starts.
    #[cfg(feature = "tokens")]
    Keysets(ringseal_redact::token::TokenKeysConfig),
    /// Keysets that the application has opened.
    #[cfg(feature = "tokens")]
    Shared(Arc<ringseal_redact::token::TokenKeys>),
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

impl Tokens {
    /// Tokens from a tokenizer of the application.
    pub fn custom(tokenizer: Arc<dyn Tokenize>) -> Self {
        Self(TokenSource::Custom(tokenizer))
    }
}

impl Config {
    /// Redacts by these rules. Default: the standard rules, [`RuleSet::default`].
    ///
    /// ```
    /// use ringseal::redact::{LiteralRule, RuleSet};
    /// use ringseal::{Config, info, testing::Capture};
    /// let mut rules = RuleSet::default();
    /// rules.literals.push(LiteralRule { name: "db_password".into(), text: b"tr0ub4dor".to_vec() });
    /// let (engine, capture) = Capture::start_with(Config::new().redact(rules));
    /// info!(engine, "connecting", note = "as tr0ub4dor", mail = "ann@example.com");
    /// engine.flush().unwrap();
    /// let event = &capture.events()[0];
    /// assert_eq!(event.text("note"), "as ***REDACTED***");
    /// assert_eq!(event.text("mail"), "<email>");
    /// ```
    #[must_use]
    pub fn redact(mut self, rules: RuleSet) -> Self {
        self.redaction.rules = Some(rules);
        self
    }

    /// Writes everything as it was logged, except values marked as [`Secret`](crate::Secret).
    #[must_use]
    pub fn no_redaction(mut self) -> Self {
        self.redaction.rules = None;
        self
    }

    /// Sets how personal data is replaced by tokens, if the rules require tokens: profile `ecs`, preset `payments`.
    #[doc(alias = "configure_pii")]
    #[must_use]
    pub fn tokens(mut self, tokens: Tokens) -> Self {
        self.redaction.tokens = Some(tokens);
        self
    }
}

/// Why new rules were not applied. The old rules stay in use.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedactionError {
    /// A rule cannot be used.
    Rules(RuleError),
    /// The writer did not apply them.
    Writer(FlushError),
}

impl fmt::Display for RedactionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RedactionError::Rules(error) => error.fmt(f),
            RedactionError::Writer(error) => write!(f, "redaction rules: {error}"),
        }
    }
}

ringseal_base::debug_by_message!(RedactionError);

impl std::error::Error for RedactionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            RedactionError::Rules(error) => error.source(),
            RedactionError::Writer(error) => error.source(),
        }
    }
}

impl Engine {
    /// Replaces the redaction rules; `None` switches redaction off. Logs `ringseal.redaction_changed`.
    ///
    /// ```
    /// use ringseal::redact::{HitKind, RuleSet};
    /// use ringseal::{info, testing::Capture};
    /// let (engine, capture) = Capture::start();
    /// let mut rules = RuleSet::default();
    /// rules.keep.push(HitKind::Email);
    /// engine.set_redaction(Some(&rules)).unwrap();
    /// info!(engine, "sent", to = "ann@example.com");
    /// engine.flush().unwrap();
    /// assert_eq!(capture.events()[1].text("to"), "ann@example.com");
    /// ```
    pub fn set_redaction(&self, rules: Option<&RuleSet>) -> Result<(), RedactionError> {
        let rules = rules.map(Rules::compile).transpose().map_err(RedactionError::Rules)?;
        let rules = rules.map(Arc::new);
        let request = |reply| Control::SetRules(rules, reply);
        self.logger().ask(request, self.shared().flush_timeout).map_err(RedactionError::Writer)
    }
}

/// The hash of the rules, for the events that report the configuration.
pub(super) fn hash_of(config: &RedactionConfig) -> String {
    config.rules.as_ref().map(|rules| rules_hash(rules)).unwrap_or_default()
}

/// Reads the variables that begin with `LOG_REDACT`.
pub(super) fn from_variables(
    config: &mut Config,
    is_on: Option<bool>,
    read: &dyn Fn(&'static str) -> Option<String>,
) -> Result<(), EnvError> {
    let refuse = |variable: &'static str, found: &str, expected: &str| {
        Err(EnvError {
            variable: variable.into(),
            found: found.to_owned(),
            expected: expected.to_owned(),
        })
    };
    let mut rules = match read("LOG_REDACT_RULES") {
        None => RuleSet::default(),
        Some(path) => match rules_file(path.trim()) {
            Ok(rules) => rules,
            Err(problem) => return refuse("LOG_REDACT_RULES", &path, &problem),
        },
    };
    if let Some(name) = read("LOG_REDACT_PROFILE") {
        match Profile::from_name(name.trim()) {
            Some(profile) => rules.profile = profile,
            None => {
                return refuse("LOG_REDACT_PROFILE", &name, "default, structlog, ecs or audit");
            }
        }
    }
    if let Some(name) = read("LOG_REDACT_KEY_MATCH") {
        match KeyMatch::from_name(name.trim()) {
            Some(key_match) => rules.key_match = key_match,
            None => return refuse("LOG_REDACT_KEY_MATCH", &name, "tokens or substring"),
        }
    }
    if let Some(names) = read("LOG_REDACT_PRESETS") {
        for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            match Preset::from_name(name) {
                Some(preset) => rules.presets.push(preset),
                None => {
                    let expected = "default, strict, payments, file_tools or structlog_compat, with commas between";
                    return refuse("LOG_REDACT_PRESETS", &names, expected);
                }
            }
        }
    }
    config.redaction.rules = is_on.unwrap_or(true).then_some(rules);
    Ok(())
}

#[cfg(feature = "rules-toml")]
fn rules_file(path: &str) -> Result<RuleSet, String> {
    use std::io::Read;
    let unreadable = |error| format!("the path of a readable file of rules ({error})");
    // Opening a pipe would block until another process opens it, too.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err("the path of a file of rules, not of a directory, a pipe or a device".into());
    }
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(RULES_BYTES_MAX + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > RULES_BYTES_MAX {
        return Err("the path of a file of rules of at most 4 MiB".into());
    }
    RuleSet::from_toml(&text).map_err(|error| format!("a file of rules ({error})"))
}

/// The largest file of rules that is read.
#[cfg(feature = "rules-toml")]
const RULES_BYTES_MAX: u64 = 4 << 20;

#[cfg(not(feature = "rules-toml"))]
fn rules_file(_path: &str) -> Result<RuleSet, String> {
    Err("nothing: this build reads no rules from files (feature `rules-toml`)".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Capture;
    use ringseal_redact::LiteralRule;

    fn with_literal(text: &str) -> RuleSet {
        let literal = LiteralRule { name: "own".into(), text: text.into() };
        {
            let mut set = RuleSet::default();
            set.literals = vec![literal];
            set
        }
    }

    /// A sink whose writes wait for the lock.
    struct Locked(Arc<parking_lot::Mutex<()>>);

    impl crate::sink::Sink for Locked {
        fn name(&self) -> &str {
            "locked"
        }

        fn write(
            &mut self,
            _: crate::sink::Lines<'_>,
            _: crate::sink::Now,
        ) -> Result<(), crate::sink::WriteError> {
            drop(self.0.lock());
            Ok(())
        }

        fn flush(&mut self) -> Result<(), crate::sink::SinkError> {
            Ok(())
        }

        fn sync(&mut self) -> Result<(), crate::sink::SinkError> {
            Ok(())
        }
    }

    #[test]
    fn rules_that_timed_out_change_together() {
        let gate = Arc::new(parking_lot::Mutex::new(()));
        let config = Config::new()
            .output(crate::Output::custom(Locked(Arc::clone(&gate))))
            .flush_timeout(std::time::Duration::from_millis(1));
        let engine = Engine::start(config).unwrap();
        let redacted = || engine.shared().link.stderr.redacted("mail ann@example.com");
        let log = || {
            engine.logger().dynamic(crate::Level::Info, "test", "step", &|_| ());
        };
        let held = gate.lock();
        log();
        let mut answer = engine.set_redaction(None);
        // The writer may have answered before it reached the line.
        while answer.is_ok() {
            engine.set_redaction(Some(&RuleSet::default())).ok();
            log();
            answer = engine.set_redaction(None);
        }
        let before = redacted();
        assert!(
            before == "mail <email>" || answer != Err(RedactionError::Writer(FlushError::Timeout))
        );
        drop(held);
        while redacted() != "mail ann@example.com" {
            std::thread::yield_now();
        }
    }

    #[test]
    fn stderr_messages_pass_the_rules_of_their_engine() {
        let start = |text| Capture::start_with(Config::new().redact(with_literal(text))).0;
        let (one, two) = (start("swordfish"), start("hydrangea"));
        let redacted =
            |engine: &Engine| engine.shared().link.stderr.redacted("swordfish and hydrangea");
        assert_eq!(redacted(&one), "***REDACTED*** and hydrangea");
        assert_eq!(redacted(&two), "swordfish and ***REDACTED***");
        one.set_redaction(None).unwrap();
        assert_eq!(redacted(&one), "swordfish and hydrangea");
        assert_eq!(redacted(&two), "swordfish and ***REDACTED***");
    }
}
