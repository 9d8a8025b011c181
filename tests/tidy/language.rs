//! The language of comments and documents, and the names of tests.
use super::source::{Source, find_word, is_word};

/// Words that the project does not use: archaic ones, and "who" for code. CONTRIBUTING.md has the rules.
pub const BANNED: &[&str] = &[
    "graver",
    "whoever",
    "somebody",
    "anybody",
    "nobody",
    "stands",
    "behind",
    "told",
    "tells",
    "anew",
    "for ever",
    "in vain",
    "of its own",
    "so much",
    "so many",
    "likewise",
    "made of",
    "gone",
    "goes on",
];

/// Banned words that are allowed: file, the phrase around them, reason. Each must be in use.
pub const EXCUSES: &[(&str, &str, &str)] = &[];

/// The rate at which the rule fails, in banned words per 10,000.
const RATE_MAX: f64 = 5.0;

/// How many of the worst files a breach lists.
const WORST: usize = 30;

/// The most words of a test's name.
const TEST_NAME_WORDS_MAX: usize = 8;

/// The text of a file that the rule applies to, in lower case and on one line: a document, or the comments of a source.
fn prose(path: &str, text: &str) -> Option<String> {
    let joined = |words: &str| words.split_whitespace().collect::<Vec<_>>().join(" ");
    if path.ends_with(".md") {
        return Some(joined(&text.to_lowercase()));
    }
    if !path.ends_with(".rs") {
        return None;
    }
    let source = Source::new(path, text);
    let comments = source.lines.iter().map(|line| line.comment.trim_start_matches(['/', '!']));
    Some(joined(&comments.collect::<Vec<_>>().join(" ").to_lowercase()))
}

/// How often `phrase` occurs as whole words.
fn count(mut text: &str, phrase: &str) -> usize {
    let mut found = 0;
    while let Some(at) = find_word(text, phrase) {
        found += 1;
        text = &text[at + phrase.len()..];
    }
    found
}

fn count_banned(text: &str) -> usize {
    BANNED.iter().map(|word| count(text, word)).sum()
}

fn count_words(text: &str) -> usize {
    let is_letter = |c: char| c.is_ascii_alphabetic() || c == '\'';
    text.split(|c| !is_letter(c)).filter(|word| !word.is_empty()).count()
}

/// Documents and comments have fewer than [`RATE_MAX`] banned words per 10,000.
pub fn words(files: &[(String, String)], excuses: &[(&str, &str, &str)]) -> Vec<String> {
    let mut breaches = Vec::new();
    let (mut words, mut banned, mut worst) = (0, 0, Vec::new());
    let mut is_used = vec![false; excuses.len()];
    for (path, text) in files {
        let Some(text) = prose(path, text) else { continue };
        let mut excused = 0;
        for (index, (file, phrase, _)) in excuses.iter().enumerate() {
            if file == path {
                let found = count(&text, &phrase.to_lowercase());
                is_used[index] |= found * count_banned(&phrase.to_lowercase()) > 0;
                excused += found * count_banned(&phrase.to_lowercase());
            }
        }
        let found = count_banned(&text).saturating_sub(excused);
        words += count_words(&text);
        banned += found;
        if found > 0 {
            worst.push((found, path));
        }
    }
    let rate = banned as f64 * 10_000.0 / words.max(1) as f64;
    if rate >= RATE_MAX {
        worst.sort_by(|one, other| other.cmp(one));
        breaches.push(format!("{rate:.1} banned words per 10,000 ({banned} of {words})"));
        breaches.extend(worst.iter().take(WORST).map(|(found, path)| format!("{path}: {found}")));
    }
    for ((file, phrase, _), _) in excuses.iter().zip(is_used).filter(|(_, is_used)| !is_used) {
        breaches.push(format!("{file}: the excuse for `{phrase}` is not in use"));
    }
    breaches
}

/// Test names have at most [`TEST_NAME_WORDS_MAX`] words.
pub fn test_names(sources: &[Source]) -> Vec<String> {
    let mut breaches = Vec::new();
    for source in sources {
        let mut is_test = false;
        for (number, line) in source.numbered() {
            is_test |= line.code.contains("#[test]");
            let Some(at) = find_word(&line.code, "fn").filter(|_| is_test) else { continue };
            is_test = false;
            let name = line.code[at + 2..].trim_start();
            let name = &name[..name.find(|c| !is_word(c)).unwrap_or(name.len())];
            let words = name.split('_').filter(|word| !word.is_empty()).count();
            if words > TEST_NAME_WORDS_MAX {
                let why = format_args!("`{name}` has {words} words; {TEST_NAME_WORDS_MAX} at most");
                breaches.push(source.breach(number, why));
            }
        }
    }
    breaches
}
