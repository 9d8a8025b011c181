//! Codes of a few digits in sentences: `Your code is 482913`, `482913 is your login code`, `Ihr Code lautet 482913`.
//!
//! Anchored at the word for codes, which alone says nothing (`status code 404`): a word before it or after it says that
//! it proves an identity, or whose it is. Reads a few dozen bytes in each direction.

use super::number::is_amount;
use crate::bytes::{ByteSet, at, before, mixed, starts_nocase};
use crate::hits::{Finder, rule};
use crate::kind::HitKind;

const WORD: ByteSet = ByteSet::of(b"A-Za-z0-9\x80-\xFF\\-'");
const WORD_BYTES_MAX: usize = 32;
const LETTERS: ByteSet = ByteSet::of(b"A-Za-z");
const DIGIT: ByteSet = ByteSet::of(b"0-9");
const CODE: ByteSet = ByteSet::of(b"A-Z0-9\\-");
const DIGITS_MIN: usize = 4;
const DIGITS_MAX: usize = 8;
/// Most bytes of a code with letters or groups.
const CODE_BYTES_MAX: usize = 12;
/// Words between a code and the word for codes: `482913 is your Acme login code`.
const WORDS_MAX: usize = 5;

const NOUNS: [&[u8]; 5] = [b"code", b"codice", b"codigo", b"codes", b"coden"];
/// Words before a code that say what it is for.
#[rustfmt::skip]
const PURPOSES: [&[u8]; 29] = [
    b"verification", b"confirmation", b"security", b"login", b"log-in", b"signin", b"sign-in", b"access", b"one-time",
    b"onetime", b"time", b"otp", b"2fa", b"mfa", b"sms", b"auth", b"authentication", b"authenticator", b"authorization",
    b"activation", b"recovery", b"reset", b"unlock", b"backup", b"pairing", b"pin", b"factor", b"sign", b"two-factor",
];
/// The same, written together with it.
#[rustfmt::skip]
const FIRST_PARTS: [&[u8]; 19] = [
    b"verifizierungs", "bestätigungs".as_bytes(), b"bestaetigungs", b"sicherheits", b"zugangs", b"anmelde",
    b"freischalt", b"aktivierungs", b"einmal", b"login", b"verificatie", b"beveiligings", b"bevestigings", b"toegangs",
    b"inlog", b"pin", b"otp", b"sms", b"verifierings",
];
/// The same after it.
#[rustfmt::skip]
const COMPLEMENTS: [&[u8]; 22] = [
    " de vérification".as_bytes(), b" de verification", " de verificación".as_bytes(), b" de verificacion",
    " de verificação".as_bytes(), b" de verificacao", b" di verifica", b" de confirmation", " de confirmación".as_bytes(),
    b" de confirmacion", " de confirmação".as_bytes(), b" di conferma", " de sécurité".as_bytes(), b" de seguridad",
    " de segurança".as_bytes(), b" di sicurezza", " d'accès".as_bytes(), b" de acceso", b" de acesso", b" di accesso",
    b" d'authentification", b" de connexion",
];
/// Words before it that say whose it is.
#[rustfmt::skip]
const OWNERS: [&[u8]; 18] = [
    b"your", b"my", b"ihr", b"dein", b"votre", b"ton", b"tu", b"su", b"tuo", b"suo", b"seu", b"teu", b"uw", b"je", b"din",
    b"ditt", b"ihren", b"deinen",
];
/// Verbs before it.
const USES: [&[u8]; 5] = [b"enter", b"use", b"using", b"type", b"submit"];
/// Words before codes of other things.
#[rustfmt::skip]
const OTHERS: [&[u8]; 44] = [
    b"status", b"exit", b"error", b"response", b"return", b"country", b"area", b"postal", b"zip", b"post", b"currency",
    b"language", b"source", b"product", b"event", b"qr", b"promo", b"discount", b"coupon", b"voucher", b"http",
    b"result", b"reason", b"failure", b"tax", b"sort", b"swift", b"branch", b"bar", b"booking", b"tracking", b"item",
    b"color", b"colour", b"hs", b"naics", b"icd", b"airport", b"dialing", b"dialling", b"gift", b"referral", b"building",
    b"diagnosis",
];
/// What is between a code and its word.
#[rustfmt::skip]
const LINKS: [&[u8]; 17] = [
    b" is: ", b" is ", b": ", b" : ", b" ist: ", b" ist ", b" lautet: ", b" lautet ", b" est : ", b" est ", b" es: ",
    b" es ", " è: ".as_bytes(), " è ".as_bytes(), " é: ".as_bytes(), " é ".as_bytes(), b" was ",
];
/// Verbs after a code that is before its word.
const IS: [&[u8]; 7] = [b"is", b"as", b"ist", b"est", b"es", "è".as_bytes(), "é".as_bytes()];

/// What the words around say about a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Telling {
    No,
    /// Whose it is.
    Owned,
    /// What it is for.
    Sure,
}

/// A filter applied before [`find`]: whether the letters at `pos` are a word for codes.
pub(super) fn may_be(input: &[u8], pos: usize) -> bool {
    let len = LETTERS.run(input, pos, WORD_BYTES_MAX);
    (4..=6).contains(&len) && !matches!(at(input, pos + len), b'_' | b'(' | b'=' | 0x80..)
}

/// `pos` is the start of `code`, which may be the end of a longer word.
pub(super) fn find(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    let end = pos + LETTERS.run(input, pos, WORD_BYTES_MAX);
    if !NOUNS.iter().any(|noun| input[pos..end].eq_ignore_ascii_case(noun)) {
        return;
    }
    finder.spend(WORD_BYTES_MAX);
    let start = pos - WORD.run_back(input, pos, WORD_BYTES_MAX);
    let complement = COMPLEMENTS.iter().find(|words| starts_nocase(input, end, words));
    let end = end + complement.map_or(0, |words| words.len());
    let telling = if complement.is_some() { Telling::Sure } else { telling(input, start, pos) };
    if telling == Telling::No {
        return;
    }
    let code = after(input, end, telling).or_else(|| ahead(input, start));
    if let Some((start, end)) = code {
        finder.hit(start, end, rule::PROSE, HitKind::Secret);
    }
}

/// What the word `start..pos` is written together with, and the words before it.
fn telling(input: &[u8], start: usize, pos: usize) -> Telling {
    let is_one =
        |word: &[u8], known: &[&[u8]]| known.iter().any(|one| word.eq_ignore_ascii_case(one));
    let first = input[start..pos].strip_suffix(b"-").unwrap_or(&input[start..pos]);
    if !first.is_empty() {
        // The capitals outside of ASCII are compared as they are written.
        let ends = |part: &&[u8]| {
            let from = first.len().checked_sub(part.len());
            from.is_some_and(|from| first[from..].eq_ignore_ascii_case(part))
        };
        return if FIRST_PARTS.iter().any(ends) { Telling::Sure } else { Telling::No };
    }
    let (before_it, at_word) = word_before(input, start);
    if is_one(before_it, &PURPOSES) {
        return Telling::Sure;
    }
    if is_one(before_it, &OTHERS) {
        return Telling::No;
    }
    if is_one(before_it, &OWNERS) || is_one(before_it, &USES) {
        return Telling::Owned;
    }
    // `Your Acme code`, `Enter the code`
    let (further, _) = word_before(input, at_word);
    let is_name = before_it.first().is_some_and(u8::is_ascii_uppercase);
    let is_small = is_one(before_it, &[b"the", b"this"]);
    let owned = is_name && is_one(further, &OWNERS) || is_small && is_one(further, &USES);
    if owned { Telling::Owned } else { Telling::No }
}

/// The word before the space before `pos`, and where it starts.
fn word_before(input: &[u8], pos: usize) -> (&[u8], usize) {
    if before(input, pos) != b' ' {
        return (&[], pos);
    }
    let start = pos - 1 - WORD.run_back(input, pos - 1, WORD_BYTES_MAX);
    (&input[start..pos - 1], start)
}

/// The code after its word, which ends at `end`.
fn after(input: &[u8], end: usize, telling: Telling) -> Option<(usize, usize)> {
    // `Your code for Acme is`
    let end = match input[end..].strip_prefix(b" for ") {
        Some(rest) => end + 5 + WORD.run(rest, 0, WORD_BYTES_MAX),
        None => end,
    };
    let link = LINKS.iter().find(|link| starts_nocase(input, end, link)).map(|link| link.len());
    let is_plain = at(input, end) == b' ' && at(input, end + 1).is_ascii_digit();
    let start = end + link.or(is_plain.then_some(1))?;
    let start = start + usize::from(matches!(at(input, start), b'"' | b'\'' | b'`'));
    let code = start + code_len(input, start, telling == Telling::Sure)?;
    let counts =
        telling == Telling::Owned && code - start == DIGITS_MIN && counts_things(input, code);
    (!counts).then_some((start, code))
}

/// `Your code is 2000 characters long`: whether the number that ends at `end` may count what follows.
fn counts_things(input: &[u8], end: usize) -> bool {
    const OTHERS: [&[u8]; 7] = [b"and", b"or", b"for", b"to", b"expires", b"please", b"valid"];
    let len = LETTERS.run(input, end + 1, WORD_BYTES_MAX);
    let word = input.get(end + 1..end + 1 + len).unwrap_or_default();
    at(input, end) == b' '
        && len > 0
        && !OTHERS.iter().any(|other| word.eq_ignore_ascii_case(other))
}

/// The code before its word, which starts at `start`: `482913 is your login code`, `Use 482913 as your code`.
fn ahead(input: &[u8], start: usize) -> Option<(usize, usize)> {
    let mut pos = start;
    for _ in 0..WORDS_MAX {
        let (word, at_word) = word_before(input, pos);
        if IS.iter().any(|is| word.eq_ignore_ascii_case(is)) {
            let end = at_word.checked_sub(1).filter(|_| before(input, at_word) == b' ')?;
            let from = end - CODE.run_back(input, end, CODE_BYTES_MAX);
            let opens =
                matches!(before(input, from), 0 | b' ' | b'"' | b'\'' | b':' | b'\n' | b'>');
            return (opens && code_len(input, from, false) == Some(end - from))
                .then_some((from, end));
        }
        if word.is_empty() {
            return None;
        }
        pos = at_word;
    }
    None
}

/// The length of the code at `pos`: digits, digits in two groups, digits after `G-`, or capitals and digits.
fn code_len(input: &[u8], pos: usize, letters: bool) -> Option<usize> {
    let ends = |len: usize| {
        let next = at(input, pos + len);
        let joined = next.is_ascii_alphanumeric() || matches!(next, b'_' | b'%' | b'/' | b'@');
        let goes_on =
            matches!(next, b'.' | b',' | b':' | b'-') && at(input, pos + len + 1).is_ascii_digit();
        (!joined && !goes_on && !is_amount(input, pos + len)).then_some(len)
    };
    let prefix =
        if at(input, pos).is_ascii_uppercase() && at(input, pos + 1) == b'-' { 2 } else { 0 };
    let first = DIGIT.run(input, pos + prefix, DIGITS_MAX + 1);
    let second = pos + prefix + first + 1;
    if first == 3
        && matches!(at(input, second - 1), b' ' | b'-')
        && DIGIT.run(input, second, 4) == 3
    {
        return ends(prefix + 7);
    }
    if (DIGITS_MIN..=DIGITS_MAX).contains(&first) {
        return ends(prefix + first);
    }
    let len = CODE.run(input, pos, CODE_BYTES_MAX + 1);
    let text = &input[pos..pos + len];
    (letters && (6..=CODE_BYTES_MAX).contains(&len) && mixed(text)).then(|| ends(len)).flatten()
}
