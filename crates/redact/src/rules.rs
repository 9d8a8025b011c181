//! Rule sets, and the rules compiled from them.
//!
//! [`RuleSet`] is the configuration: presets, a profile, the user's keys, literals and token shapes. [`Rules`] is the
//! compiled form for the scanner: immutable, shared, with a hash that identifies the rules under which a file was
//! written. Only compiling allocates.

use std::borrow::Cow;
use std::fmt;

use super::bytes::ByteSet;
use super::detect::{Literals, may_name_secret};
use super::hits::rule;
use super::key::{self, Decision, KeyMatch};
use super::key_tails::KeyTails;
use super::kind::{HitKind, KeyClass, KindSet, MASK_BYTES_MAX, Profile, ends_in_mask};
use super::literal_forms::forms;
use super::provider_table::{How, PROVIDERS, Provider};
use super::rules_hash::rules_hash;
use super::scope::KeyFacts;
use super::user_literals::UserLiterals;

/// Named collections of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Preset {
    /// Personal data and secrets.
    Default,
    /// Also national telephone numbers, identity numbers, spaced numbers and dates of up to 2019 without a
    /// hint, the last part of IP addresses, hardware addresses.
    Strict,
    /// Also a payment gateway's `udf1`…; cards keep their last four digits, e-mail addresses and bank
    /// accounts become tokens where a tokenizer is set.
    Payments,
    /// Secrets only, no personal data.
    FileTools,
    /// As default, and all that the patterns and the key hints of Python's loggers find: also ten digits in a row and
    /// 20 hexadecimal digits anywhere, so trace ids and versions of commits. Keys match by substrings.
    StructlogCompat,
}

impl Preset {
    /// The preset with this name, or `None`.
    pub fn from_name(name: &str) -> Option<Preset> {
        Some(match name {
            "default" => Preset::Default,
            "strict" => Preset::Strict,
            "payments" => Preset::Payments,
            "file_tools" => Preset::FileTools,
            "structlog_compat" => Preset::StructlogCompat,
            _ => return None,
        })
    }

    /// The preset's name.
    pub const fn name(self) -> &'static str {
        match self {
            Preset::Default => "default",
            Preset::Strict => "strict",
            Preset::Payments => "payments",
            Preset::FileTools => "file_tools",
            Preset::StructlogCompat => "structlog_compat",
        }
    }

    const fn kinds(self) -> KindSet {
        let secrets = KindSet::EMPTY
            .with(HitKind::Secret)
            .with(HitKind::Token)
            .with(HitKind::Bearer)
            .with(HitKind::Basic)
            .with(HitKind::UrlPassword)
            .with(HitKind::Jwt)
            .with(HitKind::PrivateKey)
            .with(HitKind::PwHash)
            .with(HitKind::Custom)
            .with(HitKind::Cut)
            .with(HitKind::Overrun);
        let all = KindSet::ALL.without(HitKind::Ip).without(HitKind::Mac).without(HitKind::Udf);
        match self {
            Preset::FileTools => secrets,
            Preset::Default | Preset::StructlogCompat => all,
            Preset::Payments => all.with(HitKind::Udf),
            Preset::Strict => all.with(HitKind::Ip).with(HitKind::Mac),
        }
    }
}

/// A user-defined key: its values are replaced or kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRule {
    /// The whole key, compared without regard to ASCII case.
    pub key: String,
    /// The class of its values; [`KeyClass::Plain`] puts the key on the whitelist.
    pub class: KeyClass,
}

/// A user-defined literal, such as the actual database password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiteralRule {
    /// A name for reports and errors; never the literal itself.
    pub name: String,
    /// The text that must not appear. At least four bytes. It is also found in the encodings of URLs, JSON and XML, and
    /// from eight bytes on in base64 and hexadecimal.
    pub text: Vec<u8>,
}

/// A user-defined token shape: a literal followed by a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRule {
    /// A name for reports and errors.
    pub name: String,
    /// The start of the token: a letter, digit or `_`, then any visible ASCII, 3 bytes or more.
    pub literal: String,
    /// The bytes of the body, written as a regular expression's class: `A-Za-z0-9_\-`.
    pub alphabet: String,
    /// Fewest bytes of body.
    pub body_min: u16,
    /// Most bytes of body.
    pub body_max: u16,
}

/// The configuration of redaction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RuleSet {
    /// Presets, all of which apply; an empty list means [`Preset::Default`].
    pub presets: Vec<Preset>,
    /// The words that are written.
    pub profile: Profile,
    /// How keys are compared.
    pub key_match: KeyMatch,
    /// Kinds that are not replaced although a preset finds them (e-mail addresses, for example).
    pub keep: Vec<HitKind>,
    /// The user's keys; they take precedence over the built-in rules.
    pub keys: Vec<KeyRule>,
    /// The user's literals.
    pub literals: Vec<LiteralRule>,
    /// The user's token shapes.
    pub tokens: Vec<TokenRule>,
}

/// Why a rule set cannot be used. Names the rule, never its secret.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RuleError {
    /// A rule is not valid.
    Bad {
        /// The rule: `literals.db_password`, `tokens.acme`, `keys.x`.
        rule: String,
        /// What was expected and what was found.
        problem: String,
    },
    /// More rules than can be numbered.
    TooMany {
        /// The number of rules.
        found: usize,
        /// The most rules that are allowed.
        max: usize,
    },
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RuleError::Bad { rule, problem } => write!(f, "redaction rule {rule}: {problem}"),
            RuleError::TooMany { found, max } => {
                write!(f, "redaction rules: expected at most {max}, found {found}")
            }
        }
    }
}

ringseal_base::debug_by_message!(RuleError);

impl std::error::Error for RuleError {}

/// Most user-defined rules.
const USER_RULES_MAX: usize = 16_384;
/// Most literals that are searched in encodings: each has at most 40 forms.
const LITERALS_WITH_FORMS_MAX: usize = 1_024;
/// Shortest user-defined literal; shorter ones would occur inside ordinary words.
const LITERAL_BYTES_MIN: usize = 4;

/// Compiled rules.
#[derive(Debug)]
pub struct Rules {
    kinds: KindSet,
    profile: Profile,
    key_match: KeyMatch,
    pub(crate) loose_numbers: bool,
    pub(crate) card_last4: bool,
    pub(crate) is_compat: bool,
    pub(crate) macs: bool,
    /// Whether IP addresses are detected.
    #[doc(hidden)]
    pub ips: bool,
    keys: Vec<(Box<[u8]>, KeyClass)>,
    pub(crate) key_tails: KeyTails,
    pub(crate) providers: Vec<Provider>,
    pub(crate) literals: Literals,
    /// Whether one of the user's tokens can contain a colon.
    pub(crate) tokens_have_colons: bool,
    user_literals: UserLiterals,
    /// By form of a literal: the place of its rule.
    literal_rules: Vec<u16>,
    names: Vec<String>,
    hash: [u8; 32],
}

impl Rules {
    /// The rules of the default preset and profile.
    pub fn standard() -> Rules {
        Rules::build(&RuleSet::default(), Vec::new())
    }

    /// Compiles `set`.
    pub fn compile(set: &RuleSet) -> Result<Rules, RuleError> {
        let found = set.keys.len() + set.literals.len() + set.tokens.len();
        if found > USER_RULES_MAX {
            return Err(RuleError::TooMany { found, max: USER_RULES_MAX });
        }
        for rule in &set.keys {
            if rule.key.is_empty() {
                return Err(bad("keys", "", "expected a key, found nothing"));
            }
        }
        let tokens = set.tokens.iter().map(compile_token).collect::<Result<Vec<_>, _>>()?;
        set.literals.iter().try_for_each(check_literal)?;
        Ok(Rules::build(set, tokens))
    }

    fn build(set: &RuleSet, tokens: Vec<Provider>) -> Rules {
        let standard = [Preset::Default];
        let presets = if set.presets.is_empty() { &standard[..] } else { &set.presets };
        let mut kinds = presets.iter().fold(KindSet::EMPTY, |k, p| k.union(p.kinds()));
        if set.profile == Profile::Ecs {
            kinds = kinds.with(HitKind::Udf);
        }
        for &kind in &set.keep {
            kinds = kinds.without(kind);
        }
        let tokens_have_colons =
            tokens.iter().any(|t| t.alphabet.has(b':') || t.literal.contains(&b':'));
        let mut providers = PROVIDERS.to_vec();
        providers.extend(tokens);
        let keys: Vec<(Box<[u8]>, KeyClass)> = set
            .keys
            .iter()
            .map(|r| (r.key.to_ascii_lowercase().into_bytes().into_boxed_slice(), r.class))
            .collect();
        let mut key_tails = KeyTails::new();
        for (key, _) in keys.iter().filter(|(_, class)| *class != KeyClass::Plain) {
            key_tails.add(key);
        }
        let is_compat = presets.contains(&Preset::StructlogCompat);
        let key_match = if is_compat { KeyMatch::Substring } else { set.key_match };
        if key_match == KeyMatch::Substring {
            key_tails.open();
        }
        let literals = Literals::new(&providers);
        let (user_literals, literal_rules) = literal_forms(&set.literals);
        Rules {
            kinds,
            profile: set.profile,
            key_match,
            is_compat,
            loose_numbers: presets.contains(&Preset::Strict),
            card_last4: presets.contains(&Preset::Payments),
            macs: kinds.has(HitKind::Mac),
            ips: kinds.has(HitKind::Ip),
            keys,
            key_tails,
            providers,
            literals,
            tokens_have_colons,
            user_literals: UserLiterals::new(user_literals),
            literal_rules,
            names: rule_names(set),
            hash: rules_hash(set, kinds, PROVIDERS),
        }
    }

    /// Whether hits of this kind are replaced.
    #[inline]
    #[doc(hidden)]
    pub fn finds(&self, kind: HitKind) -> bool {
        self.kinds.has(kind)
    }

    /// The key decision, made once per call site and once per interned key.
    ///
    /// `parent` is the nearest enclosing key that is not an array's.
    pub fn key(&self, key: &[u8], parent: Option<&[u8]>) -> KeyClass {
        self.decide(key, parent).class
    }

    /// The key decision, and what the key says about the values beside and below it.
    #[doc(hidden)]
    pub fn key_facts(&self, key: &[u8], parent: Option<&[u8]>) -> KeyFacts {
        let mut decision = self.decide(key, parent);
        let open = decision.class == KeyClass::Plain && !decision.is_taken_back;
        if open && self.finds(HitKind::Secret) && may_name_secret(key) {
            decision = Decision { class: KeyClass::Drawn, is_weak: true, ..decision };
        }
        KeyFacts::of(key, parent, &decision)
    }

    fn decide(&self, key: &[u8], parent: Option<&[u8]>) -> Decision {
        if ends_in_mask(key) {
            // `<email>` was an address before it was redacted: it does not describe its value.
            return Decision::default();
        }
        let decision = match self.keys.iter().find(|(own, _)| own.eq_ignore_ascii_case(key)) {
            Some(&(_, KeyClass::Plain)) => Decision::TAKEN_BACK,
            Some(&(_, class)) => Decision { is_own: true, ..Decision::strong(class) },
            None => key::decide(key, parent, self.key_match, self.kinds.has(HitKind::Udf)),
        };
        match decision.class.kind() {
            Some(kind) if self.finds(kind) => self.as_header(key, decision),
            _ => Decision { class: KeyClass::Plain, ..decision },
        }
    }

    /// In profile `ecs`, API keys are shown like authorization headers.
    fn as_header(&self, key: &[u8], decision: Decision) -> Decision {
        let is_shown = self.profile == Profile::Ecs && !decision.is_own && key::is_api_key(key);
        Decision { class: if is_shown { KeyClass::Auth } else { decision.class }, ..decision }
    }

    /// Whether a hit of this kind becomes a keyed token where a tokenizer is set.
    pub fn tokenizes(&self, kind: HitKind) -> bool {
        let payment = self.card_last4 && matches!(kind, HitKind::Iban | HitKind::Email);
        payment || self.profile.tokenizes() && kind.is_personal()
    }

    /// The words that are written.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// The number of rules; they are numbered from 0.
    pub fn rule_count(&self) -> usize {
        self.names.len()
    }

    /// A rule's name for metrics: `email`, `token:ghp_`, `literal:db_password`.
    pub fn rule_name(&self, rule: usize) -> Option<&str> {
        self.names.get(rule).map(String::as_str)
    }

    /// SHA-256 of all settings that decide which texts are found and which words are written. Literals enter by their
    /// own hash, so that the result does not reveal them.
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// The number of the user's first literal.
    fn first_user_literal_rule(&self) -> usize {
        rule::NAMES.len() + self.providers.len()
    }

    /// Whether every `:` and `=` is passed to the detectors, whatever text surrounds it.
    #[inline]
    pub(crate) fn checks_every_sign(&self) -> bool {
        self.macs || self.key_tails.is_open()
    }

    /// Whether the user has set any literals.
    pub(crate) fn has_user_literals(&self) -> bool {
        !self.user_literals.is_empty()
    }

    /// Calls `found` with each position in `input` where one of the user's literals starts, until it
    /// returns false.
    pub(crate) fn user_literal_starts(&self, input: &[u8], mut found: impl FnMut(usize) -> bool) {
        if self.has_user_literals() {
            self.user_literals.find(input, |start, _| found(start));
        }
    }

    /// Searches the finder's text for the user's literals.
    pub(crate) fn find_user_literals(&self, finder: &mut super::hits::Finder<'_>) {
        if !self.has_user_literals() {
            return;
        }
        let input = finder.input;
        finder.spend(input.len());
        self.user_literals.find(input, |start, index| {
            let len = self.user_literals.texts().get(index).map_or(0, |text| text.len());
            finder.spend(len);
            let place = self.literal_rules.get(index).copied().unwrap_or_default();
            // `compile` refuses more rules than a u16 can number.
            let rule = self.first_user_literal_rule() as u16 + place;
            finder.hit(start, start + len, rule, HitKind::Custom);
            !finder.over_budget()
        });
        if finder.cut {
            for literal in self.user_literals.texts() {
                if let Some(start) = cut_start(input, literal) {
                    finder.hit(start, input.len(), rule::LITERAL_CUT, HitKind::Cut);
                }
            }
        }
    }
}

/// The forms of all literals, and by form the place of its rule. With very many literals, only the literals themselves,
/// because an index has at most 65,535 texts.
fn literal_forms(literals: &[LiteralRule]) -> (Vec<Box<[u8]>>, Vec<u16>) {
    let has_forms = literals.len() <= LITERALS_WITH_FORMS_MAX;
    let (mut texts, mut rules) = (Vec::new(), Vec::new());
    for (place, literal) in (0..).zip(literals) {
        let forms = if has_forms { forms(&literal.text) } else { vec![literal.text.clone()] };
        for form in forms.into_iter().filter(|form| !is_part_of_mask(form)) {
            texts.push(form.into_boxed_slice());
            rules.push(place);
        }
    }
    (texts, rules)
}

/// If `input` ends with the first four or more bytes of `literal`, the position where they start.
fn cut_start(input: &[u8], literal: &[u8]) -> Option<usize> {
    let longest = literal.len().min(input.len());
    (LITERAL_BYTES_MIN..=longest)
        .rev()
        .find(|&n| input.ends_with(&literal[..n]))
        .map(|n| input.len() - n)
}

fn bad(table: &str, name: &str, problem: impl Into<String>) -> RuleError {
    let rule = if name.is_empty() { table.to_owned() } else { format!("{table}.{name}") };
    RuleError::Bad { rule, problem: problem.into() }
}

pub(super) fn compile_token(rule: &TokenRule) -> Result<Provider, RuleError> {
    let fail = |problem: String| Err(bad("tokens", &rule.name, problem));
    let literal = rule.literal.as_bytes();
    if literal.len() < 3 {
        return fail(format!("expected a literal of 3 bytes or more, found {}", literal.len()));
    }
    let first = literal[0].is_ascii_alphanumeric() || literal[0] == b'_';
    if !first || !literal.iter().all(|b| (b'+'..=b'~').contains(b)) {
        return fail(
            "expected a literal of visible ASCII from `+` to `~` that starts with a letter, \
                     a digit or `_`"
                .to_owned(),
        );
    }
    let alphabet = ByteSet::of(rule.alphabet.as_bytes());
    let outside = (0..=255u8).find(|&b| alphabet.has(b) && !(b'+'..=b'~').contains(&b));
    if let Some(b) = outside {
        return fail(format!("expected an alphabet within `+` to `~`, found byte {b:#04x}"));
    }
    if rule.body_min > rule.body_max {
        return fail(format!("body_min is {}, above body_max {}", rule.body_min, rule.body_max));
    }
    let least = super::byte_masks::CHUNK_BYTES_MIN as usize;
    if literal.len() + usize::from(rule.body_min) < least {
        return fail(format!("expected literal and body of {least} bytes or more together"));
    }
    Ok(Provider {
        literal: Cow::Owned(literal.to_vec()),
        alphabet,
        body_min: rule.body_min,
        body_max: rule.body_max,
        how: How::Whole,
    })
}

pub(super) fn check_literal(rule: &LiteralRule) -> Result<(), RuleError> {
    let fail = |problem: String| Err(bad("literals", &rule.name, problem));
    let found = rule.text.len();
    if found < LITERAL_BYTES_MIN {
        return fail(format!("expected {LITERAL_BYTES_MIN} bytes or more, found {found}"));
    }
    if is_part_of_mask(&rule.text) {
        return fail("expected no part of a mask, found one".to_owned());
    }
    Ok(())
}

/// Such a literal would be found again in the mask that replaced it.
fn is_part_of_mask(text: &[u8]) -> bool {
    [Profile::Default, Profile::Structlog, Profile::Ecs, Profile::Audit].iter().any(|profile| {
        let kinds = HitKind::ALL.iter().map(|&kind| profile.mask(kind));
        kinds.chain(["<redacted>", "ptok:v1:", "penc:v1:"]).any(|mask| {
            text.len() <= MASK_BYTES_MAX && mask.as_bytes().windows(text.len()).any(|w| w == text)
        })
    })
}

fn rule_names(set: &RuleSet) -> Vec<String> {
    let built_in = rule::NAMES.iter().map(|&name| name.to_owned());
    let providers =
        PROVIDERS.iter().map(|p| format!("token:{}", String::from_utf8_lossy(&p.literal)));
    let tokens = set.tokens.iter().map(|r| format!("token:{}", r.name));
    let literals = set.literals.iter().map(|r| format!("literal:{}", r.name));
    built_in.chain(providers).chain(tokens).chain(literals).collect()
}
