//! The arguments that choose the rules.
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ringseal_redact::{KeyMatch, Preset, Profile, RuleSet, Rules};

use crate::console::Failure;

/// Which rules apply.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct RuleOptions {
    /// A collection of rules: default, strict, payments, file_tools (secrets only) or structlog_compat. May be given
    /// several times; all of them apply, together with those in the rule file.
    #[arg(long = "preset", value_name = "NAME", value_parser = preset)]
    presets: Vec<Preset>,
    /// The set of replacement words: default (`<email>`), structlog, ecs or audit.
    #[arg(long, value_name = "NAME", value_parser = profile)]
    profile: Option<Profile>,
    /// How keys are compared: by words (tokens), or also by parts of words (substring), as older loggers do.
    #[arg(long, value_name = "HOW", value_parser = key_match)]
    key_match: Option<KeyMatch>,
    /// Rules of your own, in TOML: keys, literals, token shapes, kinds that are kept.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
}

impl RuleOptions {
    /// The rules.
    ///
    /// # Errors
    /// If the rule file cannot be read or is invalid; the message names the file, the rule and its line.
    pub fn compile(&self) -> Result<Arc<Rules>, Failure> {
        let compiled = Rules::compile(&self.rule_set()?);
        compiled.map(Arc::new).map_err(|error| match &self.rules {
            Some(path) => Failure::of(format_args!("{}: {error}", path.display())),
            None => Failure::of(error),
        })
    }

    /// The rules before they are compiled, as an engine takes them.
    ///
    /// # Errors
    /// If the rule file cannot be read or is not a rule file.
    pub fn rule_set(&self) -> Result<RuleSet, Failure> {
        let mut set = match &self.rules {
            Some(path) => read(path)?,
            None => RuleSet::default(),
        };
        set.presets.extend(&self.presets);
        set.profile = self.profile.unwrap_or(set.profile);
        set.key_match = self.key_match.unwrap_or(set.key_match);
        Ok(set)
    }
}

fn read(path: &Path) -> Result<RuleSet, Failure> {
    let failed = |problem: &dyn std::fmt::Display| {
        Failure::of(format_args!("{}: {problem}", path.display()))
    };
    let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
    RuleSet::from_toml(&text).map_err(|error| failed(&error))
}

fn preset(name: &str) -> Result<Preset, String> {
    Preset::from_name(name)
        .ok_or_else(|| "expected default, strict, payments, file_tools or structlog_compat".into())
}

fn key_match(name: &str) -> Result<KeyMatch, String> {
    KeyMatch::from_name(name).ok_or_else(|| "expected tokens or substring".into())
}

fn profile(name: &str) -> Result<Profile, String> {
    Profile::from_name(name).ok_or_else(|| "expected default, structlog, ecs or audit".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash_of(presets: &[&str], file: &str) -> [u8; 32] {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("rules.toml");
        std::fs::write(&path, file).expect("room");
        let presets = presets.iter().map(|name| preset(name).expect("a preset")).collect();
        let options = RuleOptions { presets, rules: Some(path), ..RuleOptions::default() };
        options.compile().expect("rules").hash()
    }

    #[test]
    fn presets_of_arguments_and_file_add_up() {
        let both = hash_of(&["default", "payments"], "");
        assert_eq!(hash_of(&["payments"], "presets = [\"default\"]"), both);
        assert_ne!(hash_of(&["payments"], ""), both);
    }

    #[test]
    fn unknown_names_are_errors() {
        assert!(preset("defaults").is_err() && profile("").is_err());
        let options = RuleOptions { rules: Some("no/such/file".into()), ..RuleOptions::default() };
        assert!(options.compile().is_err());
    }
}
