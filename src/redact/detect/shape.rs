//! Credentials without a literal at their start: known by a mark inside and fixed lengths.

use crate::redact::bytes::{ALNUM, BASE64URL, ByteSet, WORD, at, before, distinct, mixed};
use crate::redact::find::{Finder, rule};
use crate::redact::kind::Kind;

/// Words of this length at the end of a text that was cut.
const CUT_BYTES_MIN: usize = 16;
pub(super) const CUT_BYTES_MAX: usize = 4096;
const HEX_LOWER: ByteSet = ByteSet::of(b"a-f0-9");
const DIGIT: ByteSet = ByteSet::of(b"0-9");
const AZURE: ByteSet = ByteSet::of(b"A-Za-z0-9_~.");
const AZURE_BODY: ByteSet = ByteSet::of(b"A-Za-z0-9_~.\\-");

/// A filter in front of [`at_word`], for words whose end is not near that of the text.
#[inline(always)]
pub(super) fn may_be(v: &[u8], p: usize) -> bool {
    let alnum = |i: usize| v.get(p + i).is_none_or(|&b| ALNUM.has(b));
    let dot = || v.get(p + 23..p + 28).is_none_or(|part| part.contains(&b'.'));
    matches!(at(v, p), b'M' | b'N' | b'O') && dot()
        || v.get(p + 32..p + 35).is_none_or(|part| part == b"-us")
        || [32, 33, 40, 60, 83].into_iter().all(alnum)
}

/// Shapes that start with a long word: `p` is where a word starts.
pub(super) fn at_word(f: &mut Finder<'_>, p: usize) {
    let run = ALNUM.run(f.v, p, 85);
    match run {
        22..=27 => discord(f, p, run),
        32 => mailchimp(f, p),
        84 => azure_devops(f, p),
        _ => {}
    }
}

/// A long word of letters and digits that runs into the end of a text that was cut there: what
/// would have told a credential from a trace id is gone. `p` is where a word starts.
pub(super) fn cut_word(f: &mut Finder<'_>, p: usize) {
    let word = &f.v[p..];
    if (CUT_BYTES_MIN..=CUT_BYTES_MAX).contains(&word.len()) {
        let len = WORD.run(word, 0, word.len());
        f.spend(len);
        if len == word.len() && mixed(word) {
            f.hit(p, p + len, rule::WORD_CUT, Kind::Cut);
        }
    }
}

/// `M…26.6.38`: the id in base64, the time, the signature.
fn discord(f: &mut Finder<'_>, p: usize, run: usize) {
    let v = f.v;
    if !matches!(at(v, p), b'M' | b'N' | b'O') || run < 23 || at(v, p + run) != b'.' {
        return;
    }
    let time = p + run + 1;
    let time_len = BASE64URL.run(v, time, 7);
    if time_len != 6 || at(v, time + 6) != b'.' {
        if time_len <= 6 && f.is_cut(time + time_len) {
            f.hit(p, time + time_len, rule::DISCORD, Kind::Token);
        }
        return;
    }
    let mut len = BASE64URL.run(v, time + 7, 38);
    f.spend(len + 16);
    while len >= 27 && ALNUM.has(at(v, time + 7 + len)) {
        len -= 1;
    }
    if len >= 27 || f.is_cut(time + 7 + len) {
        f.hit(p, time + 7 + len, rule::DISCORD, Kind::Token);
    }
}

/// 32 hexadecimal digits and a data centre.
fn mailchimp(f: &mut Finder<'_>, p: usize) {
    let v = f.v;
    let hex = p + 32;
    if HEX_LOWER.run(v, p, 33) != 32 {
        return;
    }
    let tail = &v[hex..];
    if f.cut && b"-us".starts_with(tail) {
        return f.hit(p, v.len(), rule::MAILCHIMP, Kind::Token);
    }
    if !tail.starts_with(b"-us") {
        return;
    }
    let digits = DIGIT.run(v, hex + 3, 3);
    if (1..=2).contains(&digits) && !ALNUM.has(at(v, hex + 3 + digits)) {
        f.hit(p, hex + 3 + digits, rule::MAILCHIMP, Kind::Token);
    }
}

/// An Azure DevOps personal access token: 84 characters with `AZDO` or `JQQJ99` in them.
fn azure_devops(f: &mut Finder<'_>, p: usize) {
    let text = &f.v[p..p + 84];
    if &text[76..80] == b"AZDO" || text.windows(6).any(|w| w == b"JQQJ99") {
        f.hit(p, p + 84, rule::AZURE_DEVOPS, Kind::Token);
    }
}

/// `p` is where `atlasv1.` starts; 14 characters and a dot stand before it.
pub(super) fn terraform(f: &mut Finder<'_>, p: usize) {
    let v = f.v;
    if !v[p..].starts_with(b"atlasv1.") || before(v, p) != b'.' || p < 15 {
        return;
    }
    let start = p - 15;
    if ALNUM.run_back(v, p - 1, 15) != 14 {
        return;
    }
    let len = ByteSet::of(b"A-Za-z0-9_=\\-").run(v, p + 8, 70);
    f.spend(len);
    if len >= 60 || f.is_cut(p + 8 + len) {
        f.hit(start, p + 8 + len, rule::TERRAFORM, Kind::Token);
    }
}

/// `p` is where `webhooks/` starts, behind Discord's host. The whole address goes.
pub(super) fn discord_webhook(f: &mut Finder<'_>, p: usize) {
    let v = f.v;
    let literal = b"webhooks/";
    if !v[p..].starts_with(literal) {
        return;
    }
    let hosts = [&b"https://discord.com/api/"[..], b"https://discordapp.com/api/"];
    let bare = hosts.map(|host| &host[b"https://".len()..]);
    let Some(host) = hosts.iter().chain(&bare).find(|host| v[..p].ends_with(host)) else { return };
    let start = p - host.len();
    let body = p + literal.len();
    let id = DIGIT.run(v, body, 21);
    let key = body + id + 1;
    let len = BASE64URL.run(v, key, 72);
    f.spend(id + len);
    let slash = at(v, key - 1) == b'/';
    let end = if slash { key + len } else { body + id };
    if (17..=20).contains(&id) && slash && len >= 60 || f.is_cut(end) {
        f.hit(start, end, rule::DISCORD_WEBHOOK, Kind::Token);
    }
}

/// A Telegram bot's token: `p` is the colon between its number and `A…`.
pub(super) fn telegram(f: &mut Finder<'_>, p: usize) {
    let v = f.v;
    if at(v, p + 1) != b'A' {
        return;
    }
    let digits = DIGIT.run_back(v, p, 11);
    if !(8..=10).contains(&digits) {
        return;
    }
    let len = BASE64URL.run(v, p + 2, 36);
    f.spend(len);
    let end = p + 2 + len;
    // One character less when a letter or digit would follow the longest form.
    let whole = matches!(len, 34 | 35);
    if whole || f.is_cut(end) {
        f.hit(p - digits, end, rule::TELEGRAM, Kind::Token);
    }
}

/// An Azure AD client secret: `p` is the tilde of `Q~`, three characters and a digit before it.
pub(super) fn azure_ad(f: &mut Finder<'_>, p: usize) {
    let v = f.v;
    if before(v, p) != b'Q' || p < 5 || !v[p - 2].is_ascii_digit() {
        return;
    }
    let start = p - 5;
    if AZURE.run(v, start, 3) != 3 || AZURE_BODY.has(before(v, start)) {
        return;
    }
    let len = AZURE_BODY.run(v, p + 1, 35);
    f.spend(len);
    if (31..=34).contains(&len) || f.is_cut(p + 1 + len) {
        f.hit(start, p + 1 + len, rule::AZURE_AD, Kind::Token);
    }
}

/// `AccountKey=`, `SharedAccessKey=`, `sig=`: `key` is what stands before the sign, `i` is behind it.
pub(super) fn azure(f: &mut Finder<'_>, key: &[u8], i: usize) {
    let v = f.v;
    let (set, rule) = match key {
        b"AccountKey" | b"SharedAccessKey" => (ByteSet::of(b"A-Za-z0-9+/"), rule::AZURE_KEY),
        b"sig" => (ByteSet::of(b"A-Za-z0-9%+/"), rule::AZURE_SAS),
        _ => return,
    };
    let len = set.run(v, i, 140);
    let pads = v.get(i + len..).unwrap_or_default().iter().take(2).take_while(|&&b| b == b'=');
    let end = i + len + pads.count();
    f.spend(len);
    let drawn = len >= 40 && distinct(&v[i..i + len]) >= 5;
    if drawn || f.is_cut(end) {
        f.hit(i, end, rule, Kind::Token);
    }
}
