//! Rule sets from TOML (feature `rules-toml`).
//!
//! ```toml
//! presets = ["default", "payments"]     # default, strict, payments, file_tools, structlog_compat
//! profile = "ecs"                       # default, structlog, ecs, audit
//! key_match = "tokens"                  # or "substring"
//! keep = ["email"]                      # kinds that stay in clear
//!
//! [keys]                                # a class, or "keep" for the whitelist
//! "internal.ref" = "secret"
//! api_key_id = "keep"
//!
//! [literals]
//! db_password = "correct-horse-battery"
//!
//! [tokens.acme]
//! literal = "acme_"
//! alphabet = "A-Za-z0-9"
//! body_min = 32
//! body_max = 40
//! ```
//!
//! Every error names the rule and its line. Unknown names are errors: a misspelt rule would not redact.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::key::KeyMatch;
use super::kind::{HitKind, KeyClass, Profile};
use super::rules::{
    KeyRule, LiteralRule, Preset, RuleError, RuleSet, TokenRule, check_literal, compile_token,
};

impl RuleSet {
    /// Reads a rule set.
    ///
    /// ```
    /// use ringseal_redact::{Profile, RuleSet};
    /// let set = RuleSet::from_toml("profile = \"audit\"").unwrap();
    /// assert_eq!(set.profile, Profile::Audit);
    /// let error = RuleSet::from_toml("profile = \"adit\"").unwrap_err().to_string();
    /// assert!(error.contains("line 1: profile: expected default, structlog, ecs or audit"));
    /// ```
    pub fn from_toml(text: &str) -> Result<RuleSet, RuleError> {
        let root = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            RuleError::Bad { rule: place(text, at), problem: error.message().to_owned() }
        })?;
        let file = File { text };
        let mut set = RuleSet::default();
        for (key, value) in root.get_ref() {
            file.top(&mut set, key.get_ref(), value)?;
        }
        Ok(set)
    }
}

fn place(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    format!("line {}", before.bytes().filter(|&b| b == b'\n').count() + 1)
}

type Value<'i> = Spanned<DeValue<'i>>;

struct File<'a> {
    text: &'a str,
}

impl File<'_> {
    fn bad(&self, value: &Value<'_>, rule: &str, problem: String) -> RuleError {
        RuleError::Bad {
            rule: format!("{}: {rule}", place(self.text, value.span().start)),
            problem,
        }
    }

    /// A compile error with the rule's line.
    fn at(&self, value: &Value<'_>, error: RuleError) -> RuleError {
        match error {
            RuleError::Bad { rule, problem } => self.bad(value, &rule, problem),
            other => other,
        }
    }

    fn wrong(&self, value: &Value<'_>, rule: &str, expected: &str) -> RuleError {
        let found = match value.get_ref() {
            DeValue::String(s) => format!("{s:?}"),
            other => format!("{} {}", article(other.type_str()), other.type_str()),
        };
        self.bad(value, rule, format!("expected {expected}, found {found}"))
    }

    fn top(&self, set: &mut RuleSet, key: &str, value: &Value<'_>) -> Result<(), RuleError> {
        match key {
            "presets" => {
                set.presets = self.list(value, key, PRESETS, Preset::from_name)?;
            }
            "keep" => set.keep = self.list(value, key, &kinds(), kind)?,
            "profile" => set.profile = self.name(value, key, PROFILES, Profile::from_name)?,
            "key_match" => set.key_match = self.name(value, key, MATCHES, KeyMatch::from_name)?,
            "keys" => {
                for (name, value) in self.table(value, key)? {
                    if name.get_ref().is_empty() {
                        return Err(self.bad(value, key, "expected a key, found nothing".into()));
                    }
                    let rule = format!("keys.{}", name.get_ref());
                    let class = self.name(value, &rule, CLASSES, class)?;
                    set.keys.push(KeyRule { key: name.get_ref().to_string(), class });
                }
            }
            "literals" => {
                for (name, value) in self.table(value, key)? {
                    let name = name.get_ref().to_string();
                    // The value may be a secret: errors do not repeat it.
                    let Some(text) = value.get_ref().as_str() else {
                        return Err(self.wrong(value, &format!("literals.{name}"), "a string"));
                    };
                    let rule = LiteralRule { name, text: text.as_bytes().to_vec() };
                    check_literal(&rule).map_err(|error| self.at(value, error))?;
                    set.literals.push(rule);
                }
            }
            "tokens" => {
                for (name, value) in self.table(value, key)? {
                    let rule = self.token(name.get_ref(), value)?;
                    compile_token(&rule).map_err(|error| self.at(value, error))?;
                    set.tokens.push(rule);
                }
            }
            _ => {
                let known = "expected presets, profile, key_match, keep, keys, literals or tokens";
                return Err(self.bad(value, key, known.to_owned()));
            }
        }
        Ok(())
    }

    fn token(&self, name: &str, value: &Value<'_>) -> Result<TokenRule, RuleError> {
        let rule = format!("tokens.{name}");
        let (mut literal, mut alphabet, mut min, mut max) = (None, None, None, None);
        for (key, value) in self.table(value, &rule)? {
            let rule = format!("{rule}.{}", key.get_ref());
            match key.get_ref().as_ref() {
                "literal" => literal = Some(self.string(value, &rule)?),
                "alphabet" => alphabet = Some(self.string(value, &rule)?),
                "body_min" => min = Some(self.number(value, &rule)?),
                "body_max" => max = Some(self.number(value, &rule)?),
                _ => {
                    let known = "expected literal, alphabet, body_min or body_max";
                    return Err(self.bad(value, &rule, known.to_owned()));
                }
            }
        }
        let (Some(literal), Some(alphabet), Some(body_min), Some(body_max)) =
            (literal, alphabet, min, max)
        else {
            let all = "expected literal, alphabet, body_min and body_max, found fewer";
            return Err(self.bad(value, &rule, all.to_owned()));
        };
        Ok(TokenRule { name: name.to_owned(), literal, alphabet, body_min, body_max })
    }

    fn table<'v, 'i>(
        &self,
        value: &'v Value<'i>,
        rule: &str,
    ) -> Result<&'v DeTable<'i>, RuleError> {
        value.get_ref().as_table().ok_or_else(|| self.wrong(value, rule, "a table"))
    }

    fn string(&self, value: &Value<'_>, rule: &str) -> Result<String, RuleError> {
        let text = value.get_ref().as_str().ok_or_else(|| self.wrong(value, rule, "a string"))?;
        Ok(text.to_owned())
    }

    fn number(&self, value: &Value<'_>, rule: &str) -> Result<u16, RuleError> {
        let number = value.get_ref().as_integer();
        number
            .and_then(|n| u16::from_str_radix(n.as_str(), n.radix()).ok())
            .ok_or_else(|| self.wrong(value, rule, "an integer from 0 to 65535"))
    }

    fn name<T>(
        &self,
        value: &Value<'_>,
        rule: &str,
        expected: &str,
        known: impl Fn(&str) -> Option<T>,
    ) -> Result<T, RuleError> {
        let found = value.get_ref().as_str().and_then(known);
        found.ok_or_else(|| self.wrong(value, rule, expected))
    }

    fn list<T>(
        &self,
        value: &Value<'_>,
        rule: &str,
        expected: &str,
        known: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, RuleError> {
        let list = value.get_ref().as_array().ok_or_else(|| self.wrong(value, rule, "a list"))?;
        list.iter().map(|item| self.name(item, rule, expected, &known)).collect()
    }
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

const PRESETS: &str = "default, strict, payments, file_tools or structlog_compat";
const PROFILES: &str = "default, structlog, ecs or audit";
const MATCHES: &str = "tokens or substring";
const CLASSES: &str = "keep, secret, password, token, cookie, authorization, name, email, phone, \
                       address, ssn, card, bank, dob or custom";

/// The names of all kinds, as a phrase.
fn kinds() -> String {
    let names = HitKind::ALL.map(HitKind::name);
    let (last, others) = names.split_last().unwrap_or((&"", &[]));
    format!("{} or {last}", others.join(", "))
}

fn kind(name: &str) -> Option<HitKind> {
    HitKind::ALL.into_iter().find(|kind| kind.name() == name)
}

fn class(name: &str) -> Option<KeyClass> {
    Some(match name {
        "keep" => KeyClass::Plain,
        "secret" => KeyClass::Secret,
        "password" => KeyClass::Password,
        "token" => KeyClass::Token,
        "cookie" => KeyClass::Cookie,
        "authorization" => KeyClass::Auth,
        "name" => KeyClass::Name,
        "email" => KeyClass::Email,
        "phone" => KeyClass::Phone,
        "address" => KeyClass::Address,
        "ssn" => KeyClass::Ssn,
        "card" => KeyClass::Card,
        "bank" => KeyClass::Bank,
        "dob" => KeyClass::Dob,
        "custom" => KeyClass::Custom,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_named_as_in_the_hash() {
        for name in CLASSES.replace(" or ", ", ").split(", ") {
            assert_eq!(class(name).map(super::super::rules_hash::class_name), Some(name));
        }
    }

    const WHOLE: &str = r#"
presets = ["default", "payments"]
profile = "ecs"
key_match = "substring"
keep = ["email", "ip"]

[keys]
"internal.ref" = "secret"
api_key_id = "keep"

[literals]
db_password = "correct-horse-battery"

[tokens.acme]
literal = "acme_"
alphabet = "A-Za-z0-9"
body_min = 0x20
body_max = 40
"#;

    #[test]
    fn a_whole_file_is_read() {
        let set = RuleSet::from_toml(WHOLE).unwrap();
        let want = RuleSet {
            presets: vec![Preset::Default, Preset::Payments],
            profile: Profile::Ecs,
            key_match: KeyMatch::Substring,
            keep: vec![HitKind::Email, HitKind::Ip],
            keys: vec![
                KeyRule { key: "api_key_id".into(), class: KeyClass::Plain },
                KeyRule { key: "internal.ref".into(), class: KeyClass::Secret },
            ],
            literals: vec![LiteralRule {
                name: "db_password".into(),
                text: b"correct-horse-battery".to_vec(),
            }],
            tokens: vec![TokenRule {
                name: "acme".into(),
                literal: "acme_".into(),
                alphabet: "A-Za-z0-9".into(),
                body_min: 32,
                body_max: 40,
            }],
        };
        assert_eq!(set, want);
        assert!(super::super::Rules::compile(&set).is_ok());
        assert_eq!(RuleSet::from_toml("").unwrap(), RuleSet::default());
    }

    #[test]
    fn errors_name_line_and_rule_but_not_secrets() {
        for (text, want) in [
            (
                "presets = [\"x\"]",
                "line 1: presets: expected default, strict, payments, file_tools or structlog_compat, found \"x\"",
            ),
            ("\npresets = 1", "line 2: presets: expected a list, found an integer"),
            ("keys.a = \"nothing\"", "line 1: keys.a: expected keep, secret,"),
            ("[literals]\na = 12345", "line 2: literals.a: expected a string, found an integer"),
            (
                "[tokens.a]\nliteral = \"abc\"",
                "tokens.a: expected literal, alphabet, body_min and body_max",
            ),
            (
                "[tokens.a]\nbody_min = 70000",
                "line 2: tokens.a.body_min: expected an integer from 0 to 65535",
            ),
            ("[tokens.a]\nbody = 1", "line 2: tokens.a.body: expected literal, alphabet,"),
            ("unknown = 1", "line 1: unknown: expected presets, profile,"),
            ("a = ", "line 1"),
            ("\nkeep = [\"ip\", \"emial\"]", "line 2: keep: expected secret, token, bearer,"),
            ("keep = [\"emial\"]", ", name, email, phone,"),
            ("keep = [\"emial\"]", " cut or overrun, found \"emial\""),
            ("[literals]\nx = \"\"", "line 2: literals.x: expected 4 bytes or more, found 0"),
            ("[literals]\nx = \"email\"", "line 2: literals.x: expected no part of a mask"),
            ("[keys]\n\"\" = \"secret\"", "line 2: keys: expected a key, found nothing"),
            (
                "[tokens.a]\nliteral=\"a\"\nalphabet=\"a-z\"\nbody_min=30\nbody_max=40",
                "line 1: tokens.a: expected a literal of 3 bytes or more, found 1",
            ),
        ] {
            let error = RuleSet::from_toml(text).unwrap_err().to_string();
            assert!(error.contains(want), "{text:?}: {error}");
            assert!(!error.contains("12345"), "{error}");
        }
    }
}
