//! The hash of a rule set: two sets with the same hash find the same texts and write the same words.
//!
//! It is computed from stable names and numbers, never from `Debug` texts, so that renaming something in
//! the code does not change it. Every `match` here is exhaustive and every struct is destructured field
//! by field: a new variant or field does not compile until it has a stable encoding. Allocates nothing.

use sha2::{Digest, Sha256};

use super::key::KeyMatch;
use super::kind::{HitKind, KeyClass, KindSet};
use super::provider_table::{How, Provider};
use super::rules::{KeyRule, LiteralRule, RuleSet, TokenRule};

/// Incremented when the built-in detectors or key words find different texts.
const DETECTORS_VERSION: u32 = 4;

/// The hash of `set`, which finds `kinds`, together with the `built_in` token shapes.
///
/// Literals enter by their own hash, so that the result does not reveal them.
pub(super) fn rules_hash(set: &RuleSet, kinds: KindSet, built_in: &[Provider]) -> [u8; 32] {
    // `keep` removes kinds from those of the presets, so `kinds` already contains its effect.
    let RuleSet { presets, profile, key_match, keep: _, keys, literals, tokens } = set;
    let mut parts = Parts(Sha256::new());
    parts.list("detectors", 1);
    parts.number(DETECTORS_VERSION);
    parts.list("kinds", HitKind::ALL.len());
    for kind in HitKind::ALL {
        parts.text(kind.name());
        parts.number(u32::from(kinds.has(kind)));
    }
    parts.list("presets", presets.len());
    presets.iter().for_each(|preset| parts.text(preset.name()));
    parts.list("profile", 1);
    parts.text(profile.name());
    parts.list("key_match", 1);
    parts.text(match key_match {
        KeyMatch::Tokens => "tokens",
        KeyMatch::Substring => "substring",
    });
    parts.list("built_in", built_in.len());
    built_in.iter().for_each(|provider| parts.provider(provider));
    parts.list("keys", keys.len());
    for KeyRule { key, class } in keys {
        parts.text(key);
        parts.text(class_name(*class));
    }
    parts.list("tokens", tokens.len());
    for TokenRule { name, literal, alphabet, body_min, body_max } in tokens {
        [name, literal, alphabet].into_iter().for_each(|text| parts.text(text));
        [body_min, body_max].into_iter().for_each(|&bytes| parts.number(bytes.into()));
    }
    parts.list("literals", literals.len());
    for LiteralRule { name, text } in literals {
        parts.text(name);
        parts.bytes(&Sha256::digest(text));
    }
    parts.0.finalize().into()
}

/// The name of a class in the hash; rule files use the same names.
pub(super) const fn class_name(class: KeyClass) -> &'static str {
    match class {
        KeyClass::Plain => "keep",
        KeyClass::Password => "password",
        KeyClass::Secret => "secret",
        KeyClass::Token => "token",
        KeyClass::Cookie => "cookie",
        KeyClass::Auth => "authorization",
        KeyClass::Name => "name",
        KeyClass::Email => "email",
        KeyClass::Phone => "phone",
        KeyClass::Address => "address",
        KeyClass::Ssn => "ssn",
        KeyClass::Card => "card",
        KeyClass::Bank => "bank",
        KeyClass::Dob => "dob",
        KeyClass::Udf => "udf",
        KeyClass::Custom => "custom",
        KeyClass::Drawn => "drawn",
    }
}

/// The hash under construction. Every part is preceded by its length and every list by its name and
/// length, so that no two different sequences of parts are the same bytes.
struct Parts(Sha256);

impl Parts {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn number(&mut self, number: u32) {
        self.bytes(&number.to_le_bytes());
    }

    fn list(&mut self, name: &str, len: usize) {
        self.text(name);
        self.bytes(&(len as u64).to_le_bytes());
    }

    fn provider(&mut self, provider: &Provider) {
        let Provider { literal, alphabet, body_min, body_max, how } = provider;
        self.bytes(literal);
        self.bytes(&alphabet.to_le_bytes());
        self.number((*body_min).into());
        self.number((*body_max).into());
        self.text(match how {
            How::Whole => "whole",
            How::Drawn => "drawn",
            How::Cases => "cases",
            How::Uuid => "uuid",
            How::Digit => "digit",
            How::Url => "url",
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::ByteSet;
    use crate::kind::Profile;
    use crate::provider_table::PROVIDERS;
    use crate::rules::{Preset, Rules};

    fn hex(set: &RuleSet) -> String {
        let hash = Rules::compile(set).unwrap().hash();
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn literal(name: &str, text: &[u8]) -> LiteralRule {
        LiteralRule { name: name.into(), text: text.to_vec() }
    }

    fn key(key: &str, class: KeyClass) -> KeyRule {
        KeyRule { key: key.into(), class }
    }

    fn token(name: &str) -> TokenRule {
        TokenRule {
            name: name.into(),
            literal: "acme_".into(),
            alphabet: "A-Za-z0-9_\\-".into(),
            body_min: 20,
            body_max: 40,
        }
    }

    /// A rule set that uses every part.
    fn full() -> RuleSet {
        RuleSet {
            presets: vec![Preset::Default, Preset::Strict, Preset::Payments, Preset::FileTools],
            profile: Profile::Ecs,
            key_match: KeyMatch::Substring,
            keep: vec![HitKind::Email, HitKind::Ip],
            keys: ALL_CLASSES.map(|class| key(class_name(class), class)).to_vec(),
            literals: vec![literal("db", b"correct-horse"), literal("mq", b"battery-staple")],
            tokens: vec![token("acme"), token("other")],
        }
    }

    const ALL_CLASSES: [KeyClass; 16] = [
        KeyClass::Plain,
        KeyClass::Password,
        KeyClass::Secret,
        KeyClass::Token,
        KeyClass::Cookie,
        KeyClass::Auth,
        KeyClass::Name,
        KeyClass::Email,
        KeyClass::Phone,
        KeyClass::Address,
        KeyClass::Ssn,
        KeyClass::Card,
        KeyClass::Bank,
        KeyClass::Dob,
        KeyClass::Udf,
        KeyClass::Custom,
    ];

    /// Users compare these values between files. They may change with the rules, never with names in the code.
    #[test]
    fn hashes_of_known_rule_sets_are_stable() {
        assert_eq!(
            hex(&RuleSet::default()),
            "641814d35bc705f740223cb0d9245cbe6d2e1224e555ea81e28b1ae843d3a79a"
        );
        assert_eq!(
            hex(&full()),
            "e02cf13f9de870638e9ac8f6e29a877f51e0ba2caa4bbe88805c8745be7f9a43"
        );
    }

    #[test]
    fn every_rule_set_part_changes_the_hash() {
        let changes: [fn(&mut RuleSet); 19] = [
            |_| {},
            |set| set.presets.truncate(3),
            |set| set.presets.swap(0, 1),
            |set| set.profile = Profile::Audit,
            |set| set.key_match = KeyMatch::Tokens,
            |set| set.keep.truncate(1),
            |set| drop(set.keys.pop()),
            |set| set.keys[3].key.push('s'),
            |set| set.keys[3].class = KeyClass::Dob,
            |set| drop(set.literals.pop()),
            |set| set.literals[0].name.push('x'),
            |set| set.literals[0].text.push(b'x'),
            |set| drop(set.tokens.pop()),
            |set| set.tokens[0].name.push('x'),
            |set| set.tokens[0].literal.push('x'),
            |set| set.tokens[0].alphabet.push('.'),
            |set| set.tokens[0].body_min += 1,
            |set| set.tokens[0].body_max += 1,
            |set| set.keys.push(key("x", KeyClass::Custom)),
        ];
        all_differ(changes.iter().map(|change| {
            let mut set = full();
            change(&mut set);
            hex(&set)
        }));
    }

    #[test]
    fn every_built_in_token_part_changes_the_hash() {
        let changes: [fn(&mut Provider); 7] = [
            |_| {},
            |provider| provider.literal.to_mut().push(b'x'),
            |provider| provider.alphabet = ByteSet::of(b"a-c"),
            |provider| provider.body_min += 1,
            |provider| provider.body_max += 1,
            |provider| provider.how = How::Digit,
            |provider| provider.how = How::Url,
        ];
        all_differ(changes.iter().map(|change| {
            let mut providers = PROVIDERS[..1].to_vec();
            change(&mut providers[0]);
            rules_hash(&RuleSet::default(), KindSet::ALL, &providers)
        }));
    }

    #[test]
    fn every_variant_has_its_own_name() {
        all_differ(ALL_CLASSES.map(class_name).into_iter());
        all_differ(HitKind::ALL.map(HitKind::name).into_iter());
        let presets = [
            Preset::Default,
            Preset::Strict,
            Preset::Payments,
            Preset::FileTools,
            Preset::StructlogCompat,
        ];
        all_differ(presets.map(Preset::name).into_iter());
        assert_eq!(presets.map(|preset| Preset::from_name(preset.name())), presets.map(Some));
        let profiles = [Profile::Default, Profile::Structlog, Profile::Ecs, Profile::Audit];
        all_differ(profiles.map(Profile::name).into_iter());
    }

    fn all_differ<T: Ord + std::fmt::Debug>(items: impl Iterator<Item = T>) {
        let mut items: Vec<T> = items.collect();
        let count = items.len();
        items.sort_unstable();
        items.dedup();
        assert_eq!(items.len(), count, "{items:?}");
    }
}
