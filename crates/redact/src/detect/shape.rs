//! Credentials without a literal at their start: recognised by a mark inside and fixed lengths.

use super::{base58, drawn};
use crate::bytes::{ALNUM, BASE64URL, ByteSet, WORD, at, before, distinct, mixed};
use crate::hits::{Finder, rule};
use crate::kind::HitKind;

/// Words of this length at the end of a text that was cut.
const CUT_BYTES_MIN: usize = 16;
pub(super) const CUT_BYTES_MAX: usize = 4096;
const HEX_LOWER: ByteSet = ByteSet::of(b"a-f0-9");
const DIGIT: ByteSet = ByteSet::of(b"0-9");
const AZURE: ByteSet = ByteSet::of(b"A-Za-z0-9_~.");
const AZURE_BODY: ByteSet = ByteSet::of(b"A-Za-z0-9_~.\\-");

/// A filter applied before [`at_word`], for words that do not end near the end of the text.
#[inline(always)]
pub(super) fn may_be(input: &[u8], pos: usize) -> bool {
    let alnum = |i: usize| input.get(pos + i).is_none_or(|&byte| ALNUM.has(byte));
    let dot = || input.get(pos + 23..pos + 28).is_none_or(|part| part.contains(&b'.'));
    matches!(at(input, pos), b'M' | b'N' | b'O') && dot()
        || input.get(pos + 36..pos + 40).is_none_or(|part| matches!(part, b"NRAL" | b"_mmk"))
        || matches!(before(input, pos), b'!' | b'-')
            && (before(input, pos) == b'!' || is_keyed(input, pos))
        || matches!(at(input, pos), b'5' | b'K' | b'L') && [32, 33, 40, 50].into_iter().all(alnum)
        || input.get(pos + 32..pos + 35).is_none_or(|part| part == b"-us")
        || [32, 33, 40, 60, 83].into_iter().all(alnum)
}

/// Shapes that start with a long word: `pos` is where a word starts.
pub(super) fn at_word(finder: &mut Finder<'_>, pos: usize) {
    let run = ALNUM.run(finder.input, pos, 85);
    match run {
        22..=27 => discord(finder, pos, run),
        32 => mailchimp(finder, pos),
        84 => azure_devops(finder, pos),
        40 if finder.input[pos..pos + 40].ends_with(b"NRAL") => {
            finder.hit(pos, pos + 40, rule::NEW_RELIC, HitKind::Token);
        }
        51 | 52 => wallet(finder, pos, run),
        6 => maxmind(finder, pos),
        64 => truenas(finder, pos),
        _ => {}
    }
    salesforce(finder, pos);
}

/// Whether a number and a dash are before `pos`, and 64 letters and digits after it.
fn is_keyed(input: &[u8], pos: usize) -> bool {
    input.get(pos + 63).is_none_or(|&byte| ALNUM.has(byte))
        && before(input, pos - 1).is_ascii_digit()
}

/// A key of TrueNAS: its number, a dash, 64 letters and digits.
fn truenas(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    if before(input, pos) != b'-' {
        return;
    }
    let start = pos - 1 - DIGIT.run_back(input, pos - 1, 4);
    let alone = start + 1 < pos
        && !BASE64URL.has(before(input, start))
        && !BASE64URL.has(at(input, pos + 64));
    if alone && drawn::is_drawn(&input[pos..pos + 64]) {
        finder.hit(start, pos + 64, rule::TRUENAS, HitKind::Token);
    }
}

/// `abc123_…_mmk`: six characters, 29 characters and the mark.
fn maxmind(finder: &mut Finder<'_>, pos: usize) {
    let key = WORD.run(finder.input, pos, 41) == 40 && at(finder.input, pos + 6) == b'_';
    if key && finder.input[pos..pos + 40].ends_with(b"_mmk") {
        finder.hit(pos, pos + 40, rule::MAXMIND, HitKind::Token);
    }
}

/// A private key of Bitcoin in the wallet import format, by its checksum.
fn wallet(finder: &mut Finder<'_>, pos: usize, run: usize) {
    finder.spend(8 * run);
    if base58::is_private_key(&finder.input[pos..pos + run]) {
        finder.hit(pos, pos + run, rule::WALLET_KEY, HitKind::Token);
    }
}

/// `00D…!AQ…`, a session of Salesforce: `pos` is the start of the part after the sign.
fn salesforce(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    if before(input, pos) != b'!' || pos < 16 || WORD.run(input, pos, 22) < 22 {
        return;
    }
    let id = ALNUM.run_back(input, pos - 1, 19);
    let start = pos - 1 - id;
    if !matches!(id, 15 | 18) || !input[start..].starts_with(b"00") {
        return;
    }
    let len = ByteSet::of(b"A-Za-z0-9._").run(input, pos, 160);
    finder.spend(len);
    if len >= 50 || finder.is_cut(pos + len) {
        finder.hit(start, pos + len, rule::SALESFORCE, HitKind::Token);
    }
}

/// A long word of letters and digits that reaches the end of a cut text: the part that would distinguish a
/// credential from a trace id is missing. `pos` is the start of a word.
pub(super) fn cut_word(finder: &mut Finder<'_>, pos: usize) {
    let word = &finder.input[pos..];
    if (CUT_BYTES_MIN..=CUT_BYTES_MAX).contains(&word.len()) {
        let len = WORD.run(word, 0, word.len());
        finder.spend(len);
        if len == word.len() && mixed(word) {
            finder.hit(pos, pos + len, rule::WORD_CUT, HitKind::Cut);
        }
    }
}

/// `M…26.6.38`: the id in base64, the time, the signature.
fn discord(finder: &mut Finder<'_>, pos: usize, run: usize) {
    let input = finder.input;
    if !matches!(at(input, pos), b'M' | b'N' | b'O') || run < 23 || at(input, pos + run) != b'.' {
        return;
    }
    let time = pos + run + 1;
    let time_len = BASE64URL.run(input, time, 7);
    if time_len != 6 || at(input, time + 6) != b'.' {
        if time_len <= 6 && finder.is_cut(time + time_len) {
            finder.hit(pos, time + time_len, rule::DISCORD, HitKind::Token);
        }
        return;
    }
    let mut len = BASE64URL.run(input, time + 7, 38);
    finder.spend(len + 16);
    while len >= 27 && ALNUM.has(at(input, time + 7 + len)) {
        len -= 1;
    }
    if len >= 27 || finder.is_cut(time + 7 + len) {
        finder.hit(pos, time + 7 + len, rule::DISCORD, HitKind::Token);
    }
}

/// 32 hexadecimal digits and a data centre.
fn mailchimp(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    let hex = pos + 32;
    if HEX_LOWER.run(input, pos, 33) != 32 {
        return;
    }
    let tail = &input[hex..];
    if finder.cut && b"-us".starts_with(tail) {
        return finder.hit(pos, input.len(), rule::MAILCHIMP, HitKind::Token);
    }
    if !tail.starts_with(b"-us") {
        return;
    }
    let digits = DIGIT.run(input, hex + 3, 3);
    if (1..=2).contains(&digits) && !ALNUM.has(at(input, hex + 3 + digits)) {
        finder.hit(pos, hex + 3 + digits, rule::MAILCHIMP, HitKind::Token);
    }
}

/// An Azure DevOps personal access token: 84 characters with `AZDO` or `JQQJ99` in them.
fn azure_devops(finder: &mut Finder<'_>, pos: usize) {
    let text = &finder.input[pos..pos + 84];
    if &text[76..80] == b"AZDO" || text.windows(6).any(|w| w == b"JQQJ99") {
        finder.hit(pos, pos + 84, rule::AZURE_DEVOPS, HitKind::Token);
    }
}

/// `pos` is where `atlasv1.` starts; 14 characters and a dot precede it.
pub(super) fn terraform(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    if !input[pos..].starts_with(b"atlasv1.") || before(input, pos) != b'.' || pos < 15 {
        return;
    }
    let start = pos - 15;
    if ALNUM.run_back(input, pos - 1, 15) != 14 {
        return;
    }
    let len = ByteSet::of(b"A-Za-z0-9_=\\-").run(input, pos + 8, 70);
    finder.spend(len);
    if len >= 60 || finder.is_cut(pos + 8 + len) {
        finder.hit(start, pos + 8 + len, rule::TERRAFORM, HitKind::Token);
    }
}

/// `pos` is the start of `webhooks/`, after Discord's host. The whole address is replaced.
pub(super) fn discord_webhook(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    let literal = b"webhooks/";
    if !input[pos..].starts_with(literal) {
        return;
    }
    let hosts = [&b"https://discord.com/api/"[..], b"https://discordapp.com/api/"];
    let bare = hosts.map(|host| &host[b"https://".len()..]);
    let Some(host) = hosts.iter().chain(&bare).find(|host| input[..pos].ends_with(host)) else {
        return;
    };
    let start = pos - host.len();
    let body = pos + literal.len();
    let id = DIGIT.run(input, body, 21);
    let key = body + id + 1;
    let len = BASE64URL.run(input, key, 72);
    finder.spend(id + len);
    let slash = at(input, key - 1) == b'/';
    let end = if slash { key + len } else { body + id };
    if (17..=20).contains(&id) && slash && len >= 60 || finder.is_cut(end) {
        finder.hit(start, end, rule::DISCORD_WEBHOOK, HitKind::Token);
    }
}

/// A Telegram bot's token: `pos` is the colon between its number and `A…`, or 35 characters that look drawn.
pub(super) fn telegram(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    let digits = DIGIT.run_back(input, pos, 11);
    if !(8..=10).contains(&digits) {
        return;
    }
    let len = BASE64URL.run(input, pos + 2, 36);
    finder.spend(len);
    let end = pos + 2 + len;
    if at(input, pos + 1) != b'A' {
        let alone = !BASE64URL.has(before(input, pos - digits));
        if len == 34
            && alone
            && at(input, pos + 1).is_ascii_alphabetic()
            && drawn::is_drawn(&input[pos + 1..end])
        {
            finder.hit(pos - digits, end, rule::TELEGRAM, HitKind::Token);
        }
        return;
    }
    // One character less if a letter or digit follows the longest form.
    let whole = matches!(len, 33..=35);
    if whole || finder.is_cut(end) {
        finder.hit(pos - digits, end, rule::TELEGRAM, HitKind::Token);
    }
}

/// An Azure AD client secret: `pos` is the tilde of `Q~`, three characters and a digit before it.
pub(super) fn azure_ad(finder: &mut Finder<'_>, pos: usize) {
    let input = finder.input;
    if before(input, pos) != b'Q' || pos < 5 || !input[pos - 2].is_ascii_digit() {
        return;
    }
    let start = pos - 5;
    if AZURE.run(input, start, 3) != 3 || AZURE_BODY.has(before(input, start)) {
        return;
    }
    let len = AZURE_BODY.run(input, pos + 1, 35);
    finder.spend(len);
    if (31..=34).contains(&len) || finder.is_cut(pos + 1 + len) {
        finder.hit(start, pos + 1 + len, rule::AZURE_AD, HitKind::Token);
    }
}

/// `AccountKey=`, `SharedAccessKey=`, `sig=`: `key` is the text before the sign, `pos` the position after
/// it.
pub(super) fn azure(finder: &mut Finder<'_>, key: &[u8], pos: usize) {
    let input = finder.input;
    let (set, rule) = match key {
        b"AccountKey" | b"SharedAccessKey" => (ByteSet::of(b"A-Za-z0-9+/"), rule::AZURE_KEY),
        b"sig" => (ByteSet::of(b"A-Za-z0-9%+/"), rule::AZURE_SAS),
        _ => return,
    };
    let len = set.run(input, pos, 140);
    let pads =
        input.get(pos + len..).unwrap_or_default().iter().take(2).take_while(|&&byte| byte == b'=');
    let end = pos + len + pads.count();
    finder.spend(len);
    let drawn = len >= 40 && distinct(&input[pos..pos + len]) >= 5;
    if drawn || finder.is_cut(end) {
        finder.hit(pos, end, rule, HitKind::Token);
    }
}
