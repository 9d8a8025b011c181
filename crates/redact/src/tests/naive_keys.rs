//! A naive key decision beside the real one: the rules as they are documented, word by word, without tables.

use proptest::prelude::*;

use super::*;

const TELLING: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "credential",
    "cookie",
    "jwt",
    "otp",
    "cvv",
    "psk",
];
const BEFORE_KEY: &[&str] = &[
    "api",
    "access",
    "secret",
    "private",
    "signing",
    "encryption",
    "subscription",
    "license",
    "account",
];
const HARMLESS: &[&str] = &[
    "count", "length", "size", "type", "kind", "id", "version", "verified", "policy", "expires",
    "expiry", "ttl", "age", "changed", "reset", "required", "enabled", "field", "url", "max",
    "min", "total", "prompt", "page", "hint",
];
const ASKING: &[&str] = &["has", "is", "num"];
const COUNTING: &[&str] = &["prompt", "completion", "max", "min", "input", "output", "total"];
const OTHER: &[&str] = &[
    "db", "user", "order", "colour", "monkey", "author", "host", "x", "pg", "blue", "team", "old",
    "new",
];

/// Whether a key of these words names a secret: a telling word tells, unless a harmless word follows it.
fn names_secret(words: &[&str]) -> bool {
    let tells = |i: usize| {
        let (word, before) = (words[i], i.checked_sub(1).map_or("", |i| words[i]));
        match word {
            "token" | "tokens" => !COUNTING.contains(&before) && before != "page",
            "key" => BEFORE_KEY.contains(&before),
            "pass" => i > 0 && i + 1 == words.len(),
            _ => TELLING.contains(&word),
        }
    };
    let is_asked = words.len() > 1
        && (ASKING.contains(&words[0])
            || COUNTING.contains(&words[0]) && COUNTING[2..4].contains(&words[0]));
    // Tokens that are counted take back what is before them, too.
    let is_counted = |i: usize| matches!(words[i], "token" | "tokens") && !tells(i);
    let is_taken_back =
        |i: usize| (i + 1..words.len()).any(|i| HARMLESS.contains(&words[i]) || is_counted(i));
    !is_asked && (0..words.len()).any(|i| tells(i) && !is_taken_back(i))
}

/// The words in one of the spellings that keys have.
fn spelt(words: &[&str], style: usize) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    match style {
        0 => words.join("_"),
        1 => words.join("-"),
        2 => words.join("."),
        3 => words.join("_").to_uppercase(),
        4 => words.iter().map(|word| capital(word)).collect(),
        5 => words[..1]
            .iter()
            .map(|word| (*word).to_owned())
            .chain(words[1..].iter().map(|word| capital(word)))
            .collect(),
        6 => format!("{}[{}]", words[0], words[1..].join("][")),
        _ => format!("{}%5B{}%5D", words[0], words[1..].join("%5D%5B")),
    }
}

fn word() -> impl Strategy<Value = &'static str> {
    let of = proptest::sample::select;
    prop_oneof![
        3 => of(TELLING),
        2 => of(BEFORE_KEY),
        2 => Just("key"),
        3 => of(HARMLESS),
        1 => of(ASKING),
        2 => of(COUNTING),
        1 => Just("tokens"),
        1 => Just("pass"),
        4 => of(OTHER),
    ]
}

fn is_secret(key: &str) -> bool {
    let class = classify_key(key.as_bytes(), None, KeyMatch::Tokens, false);
    class.is_secret() || class == KeyClass::Auth
}

/// The keys of the source documents that are never sensitive.
fn is_whitelisted(key: &str) -> bool {
    super::super::key_words::whitelist(key.to_lowercase().as_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, max_global_rejects: 1 << 20, ..ProptestConfig::default() })]
    #[test]
    fn keys_are_decided_as_documented(words in proptest::collection::vec(word(), 1..5), style in 0usize..8) {
        let key = spelt(&words, style);
        prop_assume!(!(is_whitelisted(&key) || words.len() == 1 && (6..8).contains(&style)));
        // Alone, it is weak: a counter or a password by its value.
        prop_assume!(words != ["pass"]);
        // Pairs and weak words that the documentation only names as open lists.
        prop_assume!(!words.windows(2).any(|pair| is_open_pair(pair[0], pair[1])));
        // A pair such as `license_num` can make the value personal data, which is masked, too.
        let class = classify_key(key.as_bytes(), None, KeyMatch::Tokens, false);
        let agrees = if names_secret(&words) { class != KeyClass::Plain } else { !is_secret(&key) };
        prop_assert!(agrees, "{} {:?} {:?}", key, words, class);
    }
}

/// Pairs that tell or take back in the open lists of words, beyond those that are documented.
fn is_open_pair(first: &str, second: &str) -> bool {
    match (first, second) {
        // A word of the open list of words before `key`: `jwt_key`, `user_key`.
        (_, "key") => !BEFORE_KEY.contains(&first),
        // `session_id`, `token_id`: the pair is in a list.
        ("tax" | "user", "id") => true,
        // Words before which tokens are counted.
        (_, "token" | "tokens") => {
            matches!(first, "new" | "user" | "is" | "has" | "num" | "count" | "page")
        }
        // `license_num`, `account_num`: numbers of persons, which are masked, too.
        (_, "num") => true,
        // Rounds of work.
        (_, "pass") => true,
        _ => false,
    }
}
