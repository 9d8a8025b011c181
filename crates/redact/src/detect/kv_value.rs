//! The value after a sensitive key: where it ends, and whether it is masked.

use super::bare;
use super::fits::{fits_class, is_identifier, is_label, is_no_value, is_placeholder, looks_chosen};
use super::literal::{self, Literal};
use super::{foreign, gap, sign, wrapped};
use crate::bytes::{ByteSet, at, starts_nocase};
use crate::hits::{Finder, rule};
use crate::kind::{HitKind, KeyClass, Profile, mask_len};

/// How a key and its value are connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// By a sign: `password=hunter2`.
    Sign,
    /// By their positions: the arguments of a call, a pair, the text of an element. Labels and sentences are found
    /// there, too.
    Position,
    /// As words of a sentence or cells of a table: only a value that looks chosen or drawn counts.
    Words,
}

/// A sensitive key in a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) class: KeyClass,
    pub(super) key: &'a [u8],
    /// The class comes from the key and the word before it.
    pub(super) two_words: bool,
    /// The sign is a plain colon, as in sentences.
    pub(super) colon: bool,
    pub(super) quoted_key: bool,
    /// Only a quoted value counts: the key is compared with it, or is an argument beside it.
    pub(super) literal: bool,
    pub(super) link: Link,
    pub(super) ends: Ends,
    /// The key is the value of an option: `-passin pass:`.
    pub(super) option: bool,
}

/// What ends a value without quotes, beside spaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    Text,
    /// In a URL's query: an ampersand.
    Query,
    /// In an encoded text: an encoded sign.
    Encoded,
    /// In a table: the end of the cell.
    Cell,
}

impl<'a> Found<'a> {
    /// A key that a sign connects with its value.
    pub(super) fn by_sign(class: KeyClass, key: &'a [u8]) -> Found<'a> {
        Found {
            class,
            key,
            two_words: false,
            colon: false,
            quoted_key: false,
            literal: false,
            link: Link::Sign,
            ends: Ends::Text,
            option: false,
        }
    }

    /// A key that its position connects with a quoted value.
    pub(super) fn by_position(class: KeyClass, key: &'a [u8]) -> Found<'a> {
        let found = Found::by_sign(class, key);
        Found { quoted_key: true, literal: true, link: Link::Position, ..found }
    }

    pub(super) fn query(&self) -> bool {
        matches!(self.ends, Ends::Query | Ends::Encoded)
    }

    /// `passphrase: …`
    pub(super) fn is_passphrase(&self) -> bool {
        self.key.len() >= 6 && self.key[self.key.len() - 6..].eq_ignore_ascii_case(b"phrase")
    }

    /// Keys that are common words in sentences: only a quoted value counts.
    pub(super) fn needs_quotes(&self) -> bool {
        const WORDS: [&[u8]; 7] =
            [b"name", b"names", b"recipient", b"recipients", b"address", b"addr", b"addresses"];
        !self.two_words && WORDS.iter().any(|word| self.key.eq_ignore_ascii_case(word))
    }
}

/// A value's place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) quoted: bool,
}

/// `pos` is the position after the sign.
pub(super) fn find(finder: &mut Finder<'_>, found: &Found<'_>, pos: usize) {
    let input = finder.input;
    let Some(pos) = start(finder, found, pos) else { return };
    if wrapped::find(finder, found, pos) {
        return;
    }
    let bare = !literal::opens(input, pos);
    let words = matches!(found.class, KeyClass::Name | KeyClass::Address) && found.needs_quotes();
    if bare && (words || found.literal) {
        return;
    }
    if let Some(default) = typed_default(input, found, pos) {
        let found = Found { colon: false, literal: true, ..*found };
        return find(finder, &found, default);
    }
    let Some(value) = bounds(finder, found, pos) else { return };
    let spaced = at(input, pos.wrapping_sub(1)) == b' ' || input[..pos].ends_with("：".as_bytes());
    decide(finder, found, value, spaced);
    if value.quoted && found.class.is_secret() && found.link == Link::Sign {
        changed(finder, found, value.end);
    }
}

/// `password = "old" -> "new"`: the value after the one whose quote is at `pos`.
fn changed(finder: &mut Finder<'_>, found: &Found<'_>, pos: usize) {
    let input = finder.input;
    let end = pos + sign::quote_len(input, pos);
    let gap = gap::spaces(input, end);
    let arrow = [&b"->"[..], b"=>", "→".as_bytes()]
        .into_iter()
        .find(|arrow| input[end + gap..].starts_with(arrow));
    let Some(arrow) = arrow.filter(|_| gap > 0) else { return };
    let first = end + gap + arrow.len();
    if let Some(text) = literal::at_quote(input, first + gap::spaces(input, first)) {
        finder.spend(text.next - end);
        decide(finder, found, Value { start: text.start, end: text.end, quoted: true }, false);
    }
}

/// Masks `value` if it is a value of the key's class.
pub(super) fn decide(finder: &mut Finder<'_>, found: &Found<'_>, value: Value, spaced: bool) {
    let text = &finder.input[value.start..value.end];
    finder.spend(text.len());
    let masked = |text: &[u8]| mask_len(text) != 0;
    // What is left of `&'static str`.
    let sign = text.len() == 1 && !value.quoted && text[0].is_ascii_punctuation();
    if text.is_empty() || sign || masked(text) || text[0] == b'[' && masked(&text[1..]) {
        return;
    }
    let cut = finder.is_cut(value.end);
    if !cut && (is_no_value(text) || is_placeholder(text, value.quoted) || foreign::is_mask(text)) {
        return;
    }
    let unlike = match found.link {
        Link::Sign => false,
        Link::Position => is_label(finder, found, text),
        Link::Words => is_label(finder, found, text) || !looks_chosen(text),
    };
    if !cut && unlike {
        return;
    }
    if found.class == KeyClass::Auth {
        return auth(finder, &value);
    }
    let Some(value) = past_arrow(finder, value, spaced) else { return };
    let text = &finder.input[value.start..value.end];
    // `token_line = file_line_number;`
    let statement = spaced && !value.quoted && at(finder.input, value.end) == b';';
    if !cut && statement && found.class != KeyClass::Password && is_identifier(text) {
        return;
    }
    if !cut && !fits_class(found, text, value.quoted, spaced) {
        return;
    }
    let Some(kind) = found.class.kind() else { return };
    finder.kv_from = value.end;
    finder.hit(value.start, value.end, rule::KV, kind);
}

/// The value with what follows an arrow in it, `hunter2->x9Kq`; `None` if it is a member of a structure in C code:
/// `sid_before = rule5710->sid;`. Those have spaces around their sign.
fn past_arrow(finder: &Finder<'_>, value: Value, spaced: bool) -> Option<Value> {
    let input = finder.input;
    let has_arrow = input[value.start..value.end].ends_with(b"-") && at(input, value.end) == b'>';
    if value.quoted || !has_arrow {
        return Some(value);
    }
    let rest = &input[value.end + 1..];
    let is_end = |at: usize| match rest[at] {
        // A further arrow.
        b'>' => at == 0 || rest[at - 1] != b'-',
        byte => byte.is_ascii_whitespace() || b"\"'`,;&<()[]{}".contains(&byte),
    };
    let len = (0..rest.len()).find(|at| is_end(*at)).unwrap_or(rest.len());
    let end = value.end + 1 + len;
    let is_name = |part: &[u8]| {
        let name = part.strip_suffix(b"-").unwrap_or(part);
        name.first().is_some_and(u8::is_ascii_alphabetic)
            && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    };
    let ends_statement = matches!(at(input, end), b';' | b')');
    let is_statement = ends_statement && !at(input, end + 1).is_ascii_alphanumeric();
    let mut parts = input[value.start..end].split(|byte| *byte == b'>');
    let is_member = spaced && is_statement && parts.all(is_name);
    (!is_member || finder.is_cut(end)).then_some(Value { end, ..value })
}

/// Where the value after the sign that ends at `pos` starts; `None` if there is none, or it is on the next lines and
/// decided already.
fn start(finder: &mut Finder<'_>, found: &Found<'_>, pos: usize) -> Option<usize> {
    let input = finder.input;
    let first = pos + gap::spaces(input, pos);
    let first = first + dump_len(input, first);
    let first = first + conversion_len(input, first)?;
    match at(input, first) {
        b'\r' | b'\n' => on_next_line(finder, first),
        b'|' | b'>' if found.colon && block(finder, found, first) => None,
        b',' | b';' if found.class.is_secret() => None,
        b'&' if found.ends == Ends::Query || bare::pair_follows(input, first + 1) => None,
        _ if first > pos && !found.colon && pair_starts(input, first) => None,
        _ => Some(first),
    }
}

/// The length of the command that makes a secret of a text in PowerShell, with its options:
/// `ConvertTo-SecureString -String `. `None` if it is applied to a variable.
fn conversion_len(input: &[u8], pos: usize) -> Option<usize> {
    const COMMAND: &[u8] = b"ConvertTo-SecureString";
    let open = pos + usize::from(at(input, pos) == b'(');
    if !starts_nocase(input, open, COMMAND) {
        return Some(0);
    }
    let mut end = open + COMMAND.len();
    loop {
        let next = end + gap::spaces(input, end);
        if at(input, next) != b'-' {
            return literal::opens(input, next).then_some(next - pos);
        }
        end = next + 1 + LETTERS.run(input, next + 1, OPTION_BYTES_MAX);
    }
}

const LETTERS: ByteSet = ByteSet::of(b"A-Za-z");
/// Letters of an option.
const OPTION_BYTES_MAX: usize = 24;

/// The length of `string(12) ` before a text in PHP's dumps.
fn dump_len(input: &[u8], pos: usize) -> usize {
    let Some(rest) = input[pos..].strip_prefix(b"string(") else { return 0 };
    let digits = ByteSet::of(b"0-9").run(rest, 0, 9);
    if rest[digits..].starts_with(b") \"") { digits + 9 } else { 0 }
}

const SPACES: ByteSet = ByteSet::of(b" \t\r\n");
/// Spaces before a value on the next line.
const INDENT_BYTES_MAX: usize = 64;

/// A value on the next line is in quotes, and no key: `password:\n  "hunter2"`.
fn on_next_line(finder: &mut Finder<'_>, pos: usize) -> Option<usize> {
    let input = finder.input;
    let first = pos + SPACES.run(input, pos, INDENT_BYTES_MAX);
    let first = first + dump_len(input, first);
    let Some(text) = literal::at_quote(input, first) else {
        return matches!(at(input, first), b'[' | b'{' | b'(').then_some(first);
    };
    finder.spend(text.next - first);
    let next = text.next + SPACES.run(input, text.next, 4);
    (!matches!(at(input, next), b':' | b'=')).then_some(first)
}

/// Whether a pair starts at `pos`: `user=bob`; but `=` at the end of a value is padding.
fn pair_starts(input: &[u8], pos: usize) -> bool {
    let word = ByteSet::of(b"A-Za-z0-9_.\\-").run(input, pos, 48);
    word > 0
        && at(input, pos + word) == b'='
        && !matches!(at(input, pos + word + 1), 0 | b' ' | b'=' | b'\r' | b'\n' | b'"' | b'\'')
}

/// Most lines of a block.
const BLOCK_LINES_MAX: usize = 64;

/// The value in `password: str = 'hunter2'`, where `pos` is the start of the type.
fn typed_default(input: &[u8], found: &Found<'_>, pos: usize) -> Option<usize> {
    const TYPE: ByteSet = ByteSet::of(b"A-Za-z_&<>[]'|?.");
    if !found.colon || !matches!(at(input, pos), b'A'..=b'Z' | b'a'..=b'z' | b'&') {
        return None;
    }
    let end = pos + TYPE.run(input, pos, 48);
    let sign = end + gap::spaces(input, end);
    let default = sign + 1 + gap::spaces(input, sign + 1);
    (sign > end && at(input, sign) == b'=' && literal::opens(input, default)).then_some(default)
}

/// YAML's block scalars: `password: |` and indented lines. Returns whether one is there.
fn block(finder: &mut Finder<'_>, found: &Found<'_>, pos: usize) -> bool {
    let input = finder.input;
    let mut line = pos + 1 + ByteSet::of(b"0-9+\\-").run(input, pos + 1, 2);
    line += ByteSet::of(b"\r").run(input, line, 1);
    let indent = ByteSet::of(b" ").run(input, line + 1, INDENT_BYTES_MAX);
    if at(input, line) != b'\n' || indent == 0 || !found.class.is_secret() {
        return false;
    }
    for _ in 0..BLOCK_LINES_MAX {
        let start = line + 1 + ByteSet::of(b" ").run(input, line + 1, INDENT_BYTES_MAX);
        if at(input, line) != b'\n' || start < line + 1 + indent {
            break;
        }
        let rest = &input[start..];
        let len = rest.iter().take_while(|&&byte| !matches!(byte, b'\r' | b'\n')).count();
        decide(finder, found, Value { start, end: start + len, quoted: true }, false);
        line = start + len + ByteSet::of(b"\r").run(input, start + len, 1);
    }
    true
}

/// Where the value that starts at `pos` ends.
fn bounds(finder: &mut Finder<'_>, found: &Found<'_>, pos: usize) -> Option<Value> {
    let input = finder.input;
    if let Some(Literal { start, end, open, .. }) = literal::at_quote(input, pos) {
        // The quote that closes the text that the key is in: `input("Enter password: ")`.
        let closer = |byte: &u8| matches!(byte, b')' | b']' | b'}' | b',' | b';' | b'.' | b'\n');
        if open && input[start..end].iter().all(closer) && !finder.cut {
            return None;
        }
        return Some(Value { start, end, quoted: true });
    }
    if matches!(at(input, pos), 0 | b' ' | b'\t' | b'\r' | b'\n') {
        return None;
    }
    let end = bare::end(input, found, pos);
    // Spaces before the end of a value are not part of it.
    let text = input.get(pos..end)?;
    let blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\r' | b',');
    let trailing = text.iter().rev().take_while(blank).count();
    Some(Value { start: pos, end: end - trailing, quoted: false })
}

/// The parts of an authorization header's value.
pub(crate) enum AuthValue {
    /// Scheme and credentials: where the credentials start and end, and how many bytes may be kept.
    Scheme { start: usize, end: usize, keep: u8 },
    /// Something else.
    Other,
    /// Already masked.
    Masked,
}

/// Splits an authorization header's value.
///
/// With `shows_end`, the end of a key without a scheme is kept, too.
pub(crate) fn auth_value(text: &[u8], shows_end: bool) -> AuthValue {
    const SCHEMES: [&[u8]; 6] = [b"bearer", b"basic", b"token", b"digest", b"apikey", b"negotiate"];
    let lead = text.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let rest = &text[lead..];
    if mask_len(rest) != 0 {
        return AuthValue::Masked;
    }
    let word = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let gap = rest[word..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let has_scheme = gap > 0 && SCHEMES.iter().any(|s| rest[..word].eq_ignore_ascii_case(s));
    if !has_scheme && !shows_end {
        return AuthValue::Other;
    }
    let start = if has_scheme { lead + word + gap } else { lead };
    let len = text[start..].iter().rev().skip_while(|byte| byte.is_ascii_whitespace()).count();
    if len == 0 {
        return AuthValue::Other;
    }
    let credentials = &text[start..start + len];
    if mask_len(credentials) != 0 {
        return AuthValue::Masked;
    }
    // Only a single word may show its end: the last four characters of a Digest are not those of a key.
    let one = !credentials.iter().any(u8::is_ascii_whitespace);
    let plain = credentials[len.saturating_sub(4)..].iter().all(u8::is_ascii_alphanumeric);
    let keep = if one && plain && len >= 16 { 4 } else { 0 };
    // A long word is not a key.
    if !has_scheme && (keep == 0 || !credentials.iter().any(u8::is_ascii_digit)) {
        return AuthValue::Other;
    }
    AuthValue::Scheme { start, end: start + len, keep }
}

/// `Digest username="ann", realm=…`: a scheme with parameters instead of credentials.
fn is_digest(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    text.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"digest "))
        && text[7..].trim_ascii_start().iter().find(|byte| !byte.is_ascii_alphabetic())
            == Some(&b'=')
}

/// `allowed by policy reader`: at least three words of small letters.
fn is_sentence(text: &[u8]) -> bool {
    text.iter().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b' ' | b'.'))
        && text.split(|&byte| byte == b' ').filter(|word| !word.is_empty()).count() >= 3
}

pub(super) fn auth(finder: &mut Finder<'_>, value: &Value) {
    let text = &finder.input[value.start..value.end];
    match auth_value(text, finder.rules.profile() == Profile::Ecs) {
        // The response of a Digest is found by its own key; the other parameters are public (RFC 7616, section 3.4).
        AuthValue::Scheme { .. } if is_digest(text) => {}
        AuthValue::Scheme { start, end, keep } => {
            finder.kv_from = value.end;
            finder.hit_keeping(
                value.start + start,
                value.start + end,
                rule::KV_AUTH,
                HitKind::Bearer,
                keep,
            );
        }
        AuthValue::Other if is_sentence(text) => {}
        AuthValue::Other if text.len() >= 8 || finder.is_cut(value.end) => {
            finder.kv_from = value.end;
            finder.hit(value.start, value.end, rule::KV_AUTH, HitKind::Secret);
        }
        _ => {}
    }
}
