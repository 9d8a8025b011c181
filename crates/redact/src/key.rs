//! The key decision: the class of a key's values.
//!
//! The decision is made once per call site and once per interned dynamic key, never per event. A key is split into
//! tokens at camelCase humps and at everything that is not a letter or digit; the decision compares whole tokens, so
//! that `monkey`, `author`, `hostname` and `max_tokens` are not sensitive. The same decision serves structured keys,
//! `key=value` in prose, URL queries and JSON inside strings.
//!
//! Allocates nothing and never blocks. Only the last 96 bytes of a longer key are used.

use super::key_words as words;
use super::kind::KeyClass;

/// Bytes of a key that are used, counted from its end.
const KEY_BYTES_MAX: usize = 96;
/// Most tokens that are kept: the first, and the last fifteen.
const TOKENS_MAX: usize = 16;

/// A key's tokens, in lower case, on the stack.
pub(crate) struct Tokens {
    text: [u8; KEY_BYTES_MAX],
    ends: [(u8, u8); TOKENS_MAX],
    count: usize,
}

impl Tokens {
    /// Splits `key`.
    pub(crate) fn split(key: &[u8]) -> Tokens {
        let key = &key[key.len().saturating_sub(KEY_BYTES_MAX)..];
        let mut tokens = Tokens { text: [0; KEY_BYTES_MAX], ends: [(0, 0); TOKENS_MAX], count: 0 };
        let mut at = 0;
        while at < key.len() {
            let len = hump_len(&key[at..]);
            if len == 0 {
                at += 1;
                continue;
            }
            for (to, from) in tokens.text[at..at + len].iter_mut().zip(&key[at..at + len]) {
                *to = from.to_ascii_lowercase();
            }
            tokens.push(at, at + len);
            at += len;
        }
        tokens
    }

    fn push(&mut self, start: usize, end: usize) {
        if self.count == TOKENS_MAX {
            // The first token (`has`, `is`) and the last tokens decide.
            self.ends.copy_within(2.., 1);
            self.count -= 1;
        }
        // Both are below 96.
        self.ends[self.count] = (start as u8, end as u8);
        self.count += 1;
    }

    /// How many tokens there are.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// The token `back` places from the end; empty if the key has fewer.
    pub(crate) fn last(&self, back: usize) -> &[u8] {
        match self.count.checked_sub(back + 1) {
            Some(i) => self.get(i),
            None => &[],
        }
    }

    fn get(&self, index: usize) -> &[u8] {
        let (start, end) = self.ends[index];
        &self.text[usize::from(start)..usize::from(end)]
    }

    fn first(&self) -> &[u8] {
        if self.count == 0 { &[] } else { self.get(0) }
    }

    fn has(&self, word: &[u8]) -> bool {
        (0..self.count).any(|i| self.get(i) == word)
    }

    /// Removes a trailing number: `address2`, `cvv2`, `email_1` are treated as `address`, `cvv`, `email`.
    fn drop_last_number(&mut self) -> bool {
        let number = self.count > 1 && self.last(0).first().is_some_and(u8::is_ascii_digit);
        if number {
            self.count -= 1;
        }
        number
    }
}

/// Length of the token at the start of `text`: a word, a run of capitals, or digits; 0 for separators.
fn hump_len(text: &[u8]) -> usize {
    let run =
        |from: usize, is: fn(&u8) -> bool| text[from..].iter().take_while(|&byte| is(byte)).count();
    let Some(&first) = text.first() else { return 0 };
    if first.is_ascii_digit() {
        return run(0, u8::is_ascii_digit);
    }
    if first.is_ascii_lowercase() {
        return run(0, u8::is_ascii_lowercase);
    }
    if !first.is_ascii_uppercase() {
        return 0;
    }
    let caps = run(0, u8::is_ascii_uppercase);
    let lower = run(caps, u8::is_ascii_lowercase);
    match (caps, lower) {
        (_, 0) => caps,
        (1, _) => 1 + lower,
        // `IDs`, `API_KEYs`: a plural.
        (_, 1) if text[caps] == b's' => caps + 1,
        // `APIKey` is `API` and `Key`: the last capital belongs to the next token.
        _ => caps - 1,
    }
}

/// How keys are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyMatch {
    /// Whole tokens; the default.
    #[default]
    Tokens,
    /// Substrings as well, as older loggers do: finds more, including `monkey`.
    Substring,
}

/// The class of `key` below `parent`, the nearest enclosing key that is not an array's.
///
/// `udf` says whether `udf1`, `udf2`… are personal data (the payments preset).
///
/// ```
/// use ringseal_redact::{KeyClass, KeyMatch, classify_key};
/// assert_eq!(classify_key(b"userPassword", None, KeyMatch::Tokens, false), KeyClass::Password);
/// assert_eq!(classify_key(b"max_tokens", None, KeyMatch::Tokens, false), KeyClass::Plain);
/// assert_eq!(classify_key(b"name", Some(b"service"), KeyMatch::Tokens, false), KeyClass::Plain);
/// assert_eq!(classify_key(b"name", Some(b"customer"), KeyMatch::Tokens, false), KeyClass::Name);
/// ```
pub fn classify_key(key: &[u8], parent: Option<&[u8]>, how: KeyMatch, udf: bool) -> KeyClass {
    if whitelisted(key) {
        return KeyClass::Plain;
    }
    let class = by_tokens(key, parent, udf);
    if class == KeyClass::Plain && how == KeyMatch::Substring {
        return words::substring_class(key);
    }
    class
}

/// The source documents' whitelist, which wins over every other rule.
fn whitelisted(key: &[u8]) -> bool {
    let mut low = [0u8; 24];
    let Some(low) = low.get_mut(..key.len()) else { return false };
    low.copy_from_slice(key);
    low.make_ascii_lowercase();
    words::whitelist(low)
}

fn by_tokens(key: &[u8], parent: Option<&[u8]>, udf: bool) -> KeyClass {
    let mut tokens = Tokens::split(key);
    let numbered = tokens.drop_last_number();
    if tokens.len() == 0 {
        return KeyClass::Plain;
    }
    let last = tokens.last(0);
    if words::tail_safe(last)
        && !words::secret_pair(tokens.last(1), last)
        && !matches!(last, b"name" | b"names")
        && !words::id_pair(tokens.last(1), last)
    {
        return KeyClass::Plain;
    }
    // A flag about a secret is not a secret.
    if tokens.len() > 1 && words::asks(tokens.first()) {
        return KeyClass::Plain;
    }
    if let Some(class) = secret(&tokens, numbered) {
        return class;
    }
    let class = identity(&tokens);
    if class != KeyClass::Plain {
        return class;
    }
    let class = contact(&tokens);
    if class != KeyClass::Plain {
        return class;
    }
    let class = name(&tokens, parent);
    if class == KeyClass::Plain && udf && tokens.len() == 1 && last == b"udf" {
        return KeyClass::Udf;
    }
    class
}

/// `Some` if the tokens name a secret: its class, or `Plain` for a count or a flag.
fn secret(tokens: &Tokens, numbered: bool) -> Option<KeyClass> {
    let (before, last) = (tokens.last(1), tokens.last(0));
    if matches!(last, b"authorization" | b"authorizations") {
        return Some(KeyClass::Auth);
    }
    let alone = tokens.len() == 1 && !numbered;
    let class = match words::secret_word(last) {
        KeyClass::Plain if alone && matches!(last, b"pass" | b"pin") => KeyClass::Password,
        KeyClass::Plain if alone && last == b"auth" => KeyClass::Secret,
        KeyClass::Plain => words::secret_pair_class(before, last),
        class => class,
    };
    if class == KeyClass::Plain {
        return None;
    }
    if matches!(last, b"token" | b"tokens") && words::counts_tokens(before) {
        return Some(KeyClass::Plain);
    }
    Some(class)
}

/// Cards, identity numbers, bank accounts, dates of birth.
fn identity(tokens: &Tokens) -> KeyClass {
    let (before, last) = (tokens.last(1), tokens.last(0));
    let one = singular(last);
    if words::card_pair(before, one) || words::card_word(one) {
        return KeyClass::Card;
    }
    let passport = tokens.len() == 1 && one == b"passport";
    if words::id_word(one) || words::id_pair(before, one) || passport {
        return KeyClass::Ssn;
    }
    if one == b"iban" || words::bank_pair(before, one) {
        return KeyClass::Bank;
    }
    let of_birth = last == b"birth" && before == b"of" && tokens.last(2) == b"date";
    if words::dob_word(one) || (before == b"birth" && one == b"date") || of_birth {
        return KeyClass::Dob;
    }
    KeyClass::Plain
}

/// E-mail, telephone, postal address.
fn contact(tokens: &Tokens) -> KeyClass {
    let (before, last) = (tokens.last(1), tokens.last(0));
    let one = singular(last);
    if words::email_word(one) || words::email_pair(before, one) {
        return KeyClass::Email;
    }
    let numbered = matches!(one, b"number" | b"no" | b"num");
    if words::phone_word(one)
        || numbered && (words::phone_word(before) || matches!(before, b"contact" | b"cell"))
    {
        return KeyClass::Phone;
    }
    if words::address_word(last) {
        return if words::not_postal(before) { KeyClass::Plain } else { KeyClass::Address };
    }
    let line =
        before == b"address" && last == b"line" || before == b"line" && tokens.has(b"address");
    if line || words::place_word(last) || words::place_pair(before, last) {
        return KeyClass::Address;
    }
    KeyClass::Plain
}

/// Names of persons; a bare `name` unless its parent is a thing.
fn name(tokens: &Tokens, parent: Option<&[u8]>) -> KeyClass {
    let (before, last) = (tokens.last(1), tokens.last(0));
    if matches!(last, b"name" | b"names") {
        let personal = match tokens.len() {
            1 => !parent.is_some_and(|p| words::thing(Tokens::split(p).last(0))),
            _ => words::person(before),
        };
        return if personal { KeyClass::Name } else { KeyClass::Plain };
    }
    if words::name_word(last) { KeyClass::Name } else { KeyClass::Plain }
}

/// `emails` → `email`, but `address` and `pos` are unchanged.
fn singular(word: &[u8]) -> &[u8] {
    match word {
        b"address" | b"pos" => word,
        [one @ .., b's'] if !one.is_empty() => one,
        _ => word,
    }
}
