//! The key decision: the class of a key's values.
//!
//! The decision is made once per call site and once per interned dynamic key, never per event. A key is split into
//! words ([`Tokens`]); a telling word anywhere in it tells, unless a harmless companion after it takes it back. Whole
//! words are compared, so that `monkey`, `author`, `hostname` and `max_tokens` are not sensitive; words that are
//! written together (`pgpassword`) are cut where all parts are known. The same decision serves structured keys,
//! `key=value` in prose, URL queries and JSON inside strings.
//!
//! Allocates nothing and never blocks.

pub(crate) use super::key_split::{LastWord, Tokens};

use super::key_path::{Joined, path_above_name};
use super::key_table::{self, Role};
use super::key_words as words;
use super::kind::KeyClass;

/// How keys are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyMatch {
    /// Whole tokens; the default.
    #[default]
    Tokens,
    /// Substrings as well, as older loggers do: finds more, including `monkey`.
    Substring,
}

impl KeyMatch {
    /// The way with this name, or `None`.
    ///
    /// ```
    /// use ringseal_redact::KeyMatch;
    /// assert_eq!(KeyMatch::from_name("substring"), Some(KeyMatch::Substring));
    /// ```
    pub fn from_name(name: &str) -> Option<KeyMatch> {
        Some(match name {
            "tokens" => KeyMatch::Tokens,
            "substring" => KeyMatch::Substring,
            _ => return None,
        })
    }
}

/// What a key says about its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Decision {
    /// The class of the values.
    pub(crate) class: KeyClass,
    /// The word is ambiguous: it says nothing about maps and lists below the key. `auth`, `pass`, `pin`.
    pub(crate) is_weak: bool,
    /// A harmless companion has taken a telling word back.
    pub(crate) is_taken_back: bool,
    /// The user has set the class.
    pub(crate) is_own: bool,
}

impl Decision {
    const PLAIN: Decision =
        Decision { class: KeyClass::Plain, is_weak: false, is_taken_back: false, is_own: false };
    pub(crate) const TAKEN_BACK: Decision = Decision { is_taken_back: true, ..Decision::PLAIN };

    pub(crate) const fn strong(class: KeyClass) -> Decision {
        Decision { class, ..Decision::PLAIN }
    }

    const fn weak(class: KeyClass) -> Decision {
        Decision { class, is_weak: true, ..Decision::PLAIN }
    }
}

/// The class of `key` below `parent`, the nearest enclosing key that is not an array's.
///
/// `udf` says whether `udf1`, `udf2`… are personal data (the payments preset).
///
/// ```
/// use ringseal_redact::{KeyClass, KeyMatch, classify_key};
/// assert_eq!(classify_key(b"userPassword", None, KeyMatch::Tokens, false), KeyClass::Password);
/// assert_eq!(classify_key(b"password_confirmation", None, KeyMatch::Tokens, false), KeyClass::Password);
/// assert_eq!(classify_key(b"password_policy", None, KeyMatch::Tokens, false), KeyClass::Plain);
/// assert_eq!(classify_key(b"max_tokens", None, KeyMatch::Tokens, false), KeyClass::Plain);
/// assert_eq!(classify_key(b"name", Some(b"service"), KeyMatch::Tokens, false), KeyClass::Plain);
/// assert_eq!(classify_key(b"name", Some(b"customer"), KeyMatch::Tokens, false), KeyClass::Name);
/// ```
pub fn classify_key(key: &[u8], parent: Option<&[u8]>, how: KeyMatch, udf: bool) -> KeyClass {
    decide(key, parent, how, udf).class
}

/// As [`classify_key`], with everything that the key says.
pub(crate) fn decide(key: &[u8], parent: Option<&[u8]>, how: KeyMatch, udf: bool) -> Decision {
    if whitelisted(key) {
        // Alone: `id` in `session` is the session's.
        let below = parent.and_then(|parent| Key::read(key).decide_below(parent, key));
        return below.unwrap_or(Decision::PLAIN);
    }
    let decision = by_words(key, parent, udf);
    if decision.class == KeyClass::Plain && how == KeyMatch::Substring {
        return Decision::strong(words::substring_class(key));
    }
    decision
}

/// Whether the key is that of a header with an API key.
pub(crate) fn is_api_key(key: &[u8]) -> bool {
    let key = if key.len() > 2 && key[..2].eq_ignore_ascii_case(b"x-") { &key[2..] } else { key };
    ["api-key", "api_key", "apikey"].iter().any(|name| key.eq_ignore_ascii_case(name.as_bytes()))
}

/// The source documents' whitelist, which wins over every other rule.
fn whitelisted(key: &[u8]) -> bool {
    let mut low = [0u8; 24];
    let Some(low) = low.get_mut(..key.len()) else { return false };
    low.copy_from_slice(key);
    low.make_ascii_lowercase();
    words::whitelist(low)
}

fn by_words(name: &[u8], parent: Option<&[u8]>, udf: bool) -> Decision {
    if path_above_name(name).is_some_and(|above| is_person(&Tokens::split(above))) {
        return Decision::strong(KeyClass::Name);
    }
    let key = Key::read(name);
    let decision = key.decide();
    if key.is_signature_below(parent) {
        return Decision::PLAIN;
    }
    if matches!(decision.class, KeyClass::Plain | KeyClass::Drawn)
        && !decision.is_taken_back
        && let Some(decision) = parent.and_then(|parent| key.decide_below(parent, name))
    {
        return decision;
    }
    if decision.class != KeyClass::Plain || decision.is_taken_back || key.tokens.len() != 1 {
        return match key.tokens.get_if_two_words() {
            Some((b"udf", number)) if udf && is_number(number) => Decision::strong(KeyClass::Udf),
            _ => decision,
        };
    }
    let class = match (key.tokens.get(0), parent) {
        (b"udf", _) if udf => KeyClass::Udf,
        (word, Some(parent)) => below(word, key.roles[0], parent),
        _ => KeyClass::Plain,
    };
    Decision::strong(class)
}

/// The class of a key of one word that tells only together with its parent: `{"card":{"number":…}}`.
fn below(word: &[u8], role: Role, parent: &[u8]) -> KeyClass {
    let parent = Tokens::split(parent);
    let above = parent.last(0);
    match word {
        b"name" | b"names" if is_person(&parent) => KeyClass::Name,
        b"key" | b"keys" if words::is_secret_key_of(above) => KeyClass::Secret,
        _ if role.has(words::PAIRED) => pair_class(above, word),
        _ => KeyClass::Plain,
    }
}

/// Whether a `name` below `parent` is a person's: the same for `{"user":{"name":…}}` and `user.name`.
fn is_person(parent: &Tokens) -> bool {
    // The index of a list is not a word: `users[0][name]`.
    let mut words = (0..parent.len()).rev().map(|i| parent.get(i));
    let Some(word) = words.find(|word| !is_number(word)) else { return false };
    let role = key_table::role(word);
    role.has(words::PERSON) && !role.has(words::THING) || words::is_user(word)
}

/// Whether a `name` below `parent` is a thing's, whatever its other keys are.
pub(crate) fn is_thing(parent: &[u8]) -> bool {
    key_table::role(Tokens::split(parent).last(0)).has(words::THING)
}

/// Whether the key ends in a word that is common in texts, too: there, its value has to look drawn.
pub(crate) fn is_common_word(key: &[u8]) -> bool {
    matches!(
        LastWord::of(key).get(),
        b"signature"
            | b"signatures"
            | b"id"
            | b"ids"
            | b"sid"
            | b"code"
            | b"codes"
            | b"verifier"
            | b"assertion"
            | b"response"
            | b"csrf"
            | b"xsrf"
    )
}

/// Whether a key that ends in `pass` names an account before it, so that a number under it is a password: `db_pass`,
/// but not `hash_pass`.
pub(crate) fn is_pass_of_account(tokens: &Tokens) -> bool {
    let before = key_table::role(tokens.last(1));
    before.has(words::PART) && !before.has(words::FOLLOWS | words::ROUND)
}

fn is_number(word: &[u8]) -> bool {
    word.first().is_some_and(u8::is_ascii_digit)
}

/// The class of two adjacent words, which is that of their singulars.
fn pair_class(before: &[u8], last: &[u8]) -> KeyClass {
    let is = |word: &[u8], known: &&str| {
        word.strip_prefix(known.as_bytes()).is_some_and(|rest| matches!(rest, b"" | b"s"))
    };
    let found = words::PAIRS.iter().find(|pairs| {
        pairs.lasts.iter().any(|known| is(last, known))
            && pairs.firsts.iter().any(|known| is(before, known))
    });
    found.map_or(KeyClass::Plain, |pairs| pairs.class)
}

const WORDS_MAX: usize = 16;

/// A key's words and their roles.
struct Key {
    tokens: Tokens,
    roles: [Role; WORDS_MAX],
}

impl Key {
    /// Splits a key, and cuts words that are written together.
    fn read(key: &[u8]) -> Key {
        let mut tokens = Tokens::split(key);
        let mut roles = [Role::UNKNOWN; WORDS_MAX];
        let mut i = 0;
        while i < tokens.len() {
            let word = tokens.get(i);
            let mut role = key_table::role(word);
            if role == Role::UNKNOWN {
                if word.first().is_some_and(|byte| !byte.is_ascii()) {
                    role = run_role(word);
                } else if let Some(parts) = Parts::of(word) {
                    tokens.cut(i, parts.ends());
                    role = key_table::role(tokens.get(i));
                }
            }
            roles[i] = role;
            i += 1;
        }
        Key { tokens, roles }
    }

    fn decide(&self) -> Decision {
        let len = self.tokens.len();
        if len > 1 && self.roles[0].has(words::ASKS) {
            // A flag about a secret is not a secret.
            return self.taken_back(len);
        }
        let mut is_neutral = true;
        for i in (0..len).rev() {
            if is_number(self.tokens.get(i)) {
                continue;
            }
            let found = self.tells(i, i + 1 == self.len_without_number());
            if found.is_taken_back || is_secret(found.class) {
                return found;
            }
            if found.class != KeyClass::Plain && is_neutral {
                return found;
            }
            if self.roles[i].has(words::HARMLESS) {
                return self.taken_back(i);
            }
            is_neutral &= self.roles[i].has(words::NEUTRAL);
        }
        Decision::PLAIN
    }

    /// `{"alert":{"signature":…}}`: the name of what was recognised, not the proof of who wrote something.
    fn is_signature_below(&self, parent: Option<&[u8]>) -> bool {
        self.tokens.len() == 1
            && matches!(self.tokens.get(0), b"signature" | b"signatures")
            && parent.is_some_and(|parent| {
                key_table::role(Tokens::split(parent).last(0)).has(words::CODE)
            })
    }

    /// What `parent.key` tells, if the key tells more there than alone. `name` is the text of this key.
    fn decide_below(&self, parent: &[u8], name: &[u8]) -> Option<Decision> {
        if !self.may_tell_below(parent) {
            return None;
        }
        let joined = Key::read(Joined::of(parent, name).bytes()).decide();
        (!matches!(joined.class, KeyClass::Plain | KeyClass::Drawn)).then_some(joined)
    }

    /// Whether the first word can tell something together with the last word of `parent`, as it does in
    /// `parent.key`.
    fn may_tell_below(&self, parent: &[u8]) -> bool {
        let (word, role) = (self.tokens.get(0), self.roles[0]);
        if role.has(words::PAIRED | words::TELLS_LAST) {
            return true;
        }
        // The roles of the parent's words are not read for most keys.
        matches!(word, b"key" | b"keys" | b"name" | b"names") && {
            let above = Key::read(parent);
            let last = above.tokens.len().saturating_sub(1);
            above.roles[last].has(words::KEYED | words::PERSON)
        }
    }

    /// A plain decision; says whether one of the first `len` words would tell a secret.
    fn taken_back(&self, len: usize) -> Decision {
        let tells = (0..len).any(|i| is_secret(self.tells(i, false).class));
        if tells { Decision::TAKEN_BACK } else { Decision::PLAIN }
    }

    /// How many words there are before a trailing number.
    fn len_without_number(&self) -> usize {
        let len = self.tokens.len();
        len - usize::from(len > 1 && is_number(self.tokens.last(0)))
    }

    /// The word before the one at `index`, and its role.
    fn before(&self, index: usize) -> (&[u8], Role) {
        match index.checked_sub(1) {
            Some(i) => (self.tokens.get(i), self.roles[i]),
            None => (&[], Role::UNKNOWN),
        }
    }

    /// What the word at `index` tells, alone or together with the word before it.
    fn tells(&self, index: usize, is_last: bool) -> Decision {
        let (word, role) = (self.tokens.get(index), self.roles[index]);
        let (before, role_before) = self.before(index);
        // `id_token_hint` is a token; other hints are about one.
        let is_hint = word == b"hint" && !(index > 1 && self.tokens.get(index - 2) == b"id");
        if role.has(words::PAIRED) && !is_hint {
            let class = pair_class(before, word);
            if class != KeyClass::Plain {
                return Decision::strong(class);
            }
        }
        if role.has(words::TELLS) {
            // A volume of Kubernetes: its map says where the token is.
            if word == b"token" && before == b"account" {
                return Decision::weak(role.class);
            }
            return counted_or(word, before, role, role_before);
        }
        if role.has(words::TELLS_LAST) && is_last {
            return self.tells_last(index);
        }
        match word {
            b"key" | b"keys" if role_before.has(words::KEYED) => {
                let is_token = matches!(before, b"api" | b"app");
                Decision::strong(if is_token { KeyClass::Token } else { KeyClass::Secret })
            }
            b"name" | b"names" if role_before.has(words::PERSON) => {
                Decision::strong(KeyClass::Name)
            }
            b"address" | b"addresses" | b"addresss" if !role_before.has(words::MACHINE) => {
                Decision::strong(KeyClass::Address)
            }
            b"addr" | b"addrs"
                if index == 0
                    || words::lives_at(before)
                    || role_before.has(words::PERSON) && !role_before.has(words::MACHINE) =>
            {
                Decision::strong(KeyClass::Address)
            }
            _ => Decision::PLAIN,
        }
    }

    /// A word that is often something else: it tells at the end of a longer key, and weakly if it is alone.
    fn tells_last(&self, index: usize) -> Decision {
        let (word, role) = (self.tokens.get(index), self.roles[index]);
        let (_, role_before) = self.before(index);
        let is_pin = matches!(word, b"pin" | b"pins");
        if index == 0 {
            return match word {
                _ if self.tokens.len() > 1 => Decision::PLAIN,
                b"pw" => Decision::strong(KeyClass::Password),
                b"pin" => Decision::weak(KeyClass::Password),
                b"pass" => Decision::weak(KeyClass::Password),
                b"auth" => Decision::weak(KeyClass::Secret),
                _ => Decision::PLAIN,
            };
        }
        let is_other =
            if is_pin { role_before.has(words::WIRE) } else { role_before.has(words::ROUND) };
        match word {
            _ if is_other || role_before.has(words::HARMLESS) && is_pin => Decision::PLAIN,
            b"auth" => Decision::weak(role.class),
            b"auths" | b"passes" => Decision::PLAIN,
            _ => Decision::strong(role.class),
        }
    }
}

/// A telling word, unless the word before it makes it something that is counted or code.
fn counted_or(word: &[u8], before: &[u8], role: Role, role_before: Role) -> Decision {
    let is_other = match word {
        // Headers with fixed values.
        b"xsrf" => matches!(before, b"kbn" | b"osd"),
        b"token" => role_before.has(words::COUNTS),
        b"tokens" => role_before.has(words::COUNTS | words::COUNTS_MANY),
        b"signature" | b"signatures" => role_before.has(words::CODE),
        _ => false,
    };
    if is_other { Decision::TAKEN_BACK } else { Decision::strong(role.class) }
}

fn is_secret(class: KeyClass) -> bool {
    class.is_secret() || class == KeyClass::Auth
}

/// The role of a word in a script without spaces: known words are found anywhere in it.
fn run_role(word: &[u8]) -> Role {
    let contains = |part: &str| word.windows(part.len()).any(|w| w == part.as_bytes());
    if words::RUN_HARMLESS.iter().any(|ending| word.ends_with(ending.as_bytes())) {
        return Role { is: words::HARMLESS, class: KeyClass::Plain };
    }
    let found = words::RUN_WORDS.iter().find(|(part, _)| contains(part));
    found.map_or(Role::UNKNOWN, |&(_, class)| Role { is: words::TELLS, class })
}

/// Most parts of a word.
const PARTS_MAX: usize = 5;
/// The longest word that is cut.
const CUT_BYTES_MAX: usize = 32;

/// The parts of a word that is written together.
struct Parts {
    ends: [usize; PARTS_MAX],
    count: usize,
}

impl Parts {
    /// Cuts `word` at known words, one of which tells. `None` if it cannot be cut completely.
    fn of(word: &[u8]) -> Option<Parts> {
        if word.len() > CUT_BYTES_MAX {
            return None;
        }
        let mut parts = Parts { ends: [0; PARTS_MAX], count: 0 };
        // The parts are found from the end.
        if !parts.cut(word, false) {
            return None;
        }
        parts.ends[..parts.count].reverse();
        Some(parts)
    }

    /// Cuts the last part off, then the rest. `tells`: a telling part was found; only certain parts follow it.
    fn cut(&mut self, word: &[u8], tells: bool) -> bool {
        if word.is_empty() {
            return tells;
        }
        if self.count == PARTS_MAX {
            return false;
        }
        let mut hash = 0;
        for start in (0..word.len()).rev() {
            hash = key_table::hash_before(hash, word[start]);
            let part = &word[start..];
            if part.len() < 2 && part != b"x" {
                continue;
            }
            let role = key_table::role_of_hashed(part, hash);
            let role = match part {
                // A plural at the end.
                [one @ .., b's'] if role == Role::UNKNOWN && self.count == 0 => {
                    key_table::role(one)
                }
                _ => role,
            };
            let telling = role.has(words::TELLS | words::TELLS_LAST) && role.has(words::PART);
            let usable = if tells || telling {
                role.has(words::PART | words::KEYED)
            } else {
                // One part can follow the telling one.
                self.count == 0
                    && (role.has(words::FOLLOWS)
                        || role.has(words::PART) && role.has(words::HARMLESS))
            };
            if !usable {
                continue;
            }
            let is_key = part == b"key" || part == b"keys";
            self.ends[self.count] = word.len();
            self.count += 1;
            if self.cut(&word[..start], tells || telling || is_key) {
                return true;
            }
            self.count -= 1;
        }
        false
    }

    fn ends(&self) -> &[usize] {
        &self.ends[..self.count]
    }
}
