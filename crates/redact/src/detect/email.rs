//! E-mail addresses, anchored at `@` or `%40`.
//!
//! RFC 5321 without quoted local parts: local part of at most 64 bytes, at least two labels, a
//! top-level domain of letters. Unit names, file names, decorators and `git@host:` are not addresses.

use crate::bytes::{ALNUM, ByteSet, at, before, is_word};
use crate::hits::{Finder, rule};
use crate::kind::HitKind;

const LOCAL: ByteSet = ByteSet::of(b"A-Za-z0-9._%+\\-");
const DOMAIN: ByteSet = ByteSet::of(b"A-Za-z0-9.\\-");
const LOCAL_BYTES_MAX: usize = 64;
const DOMAIN_BYTES_MAX: usize = 255;

/// `pos` is where the at sign starts, `host` where the domain does.
pub(super) fn find(finder: &mut Finder<'_>, pos: usize, host: usize) {
    let Some(start) = local_start(finder.input, pos, host - pos == 3) else { return };
    let run = DOMAIN.run(finder.input, host, DOMAIN_BYTES_MAX + 1);
    finder.spend(pos - start + run);
    if finder.is_cut(host + run) {
        return finder.hit(start, host + run, rule::EMAIL, HitKind::Email);
    }
    let Some(len) = domain_len(&finder.input[host..host + run]) else { return };
    let end = host + len;
    let user = &finder.input[start..pos];
    if matches!(user, b"git" | b"hg" | b"svn") && matches!(at(finder.input, end), b':' | b'/') {
        return;
    }
    if is_userinfo(finder.input, start) {
        return;
    }
    finder.hit(start, end, rule::EMAIL, HitKind::Email);
}

/// Where the local part starts.
fn local_start(input: &[u8], pos: usize, encoded: bool) -> Option<usize> {
    let run = LOCAL.run_back(input, pos, LOCAL_BYTES_MAX + 16);
    let mut start = pos - run;
    if encoded {
        // In a percent-encoded text, escapes such as `%3D` before the local part do not belong to it.
        if let Some(i) = (start..pos).rev().find(|&i| input[i] == b'%') {
            start = (i + 3).min(pos);
        }
    }
    while start < pos && !is_word(input[start]) {
        start += 1;
    }
    (start < pos && pos - start <= LOCAL_BYTES_MAX).then_some(start)
}

/// Length of the domain at the start of `run`, if it is one.
fn domain_len(run: &[u8]) -> Option<usize> {
    if run.len() > DOMAIN_BYTES_MAX {
        return None;
    }
    let trailing = run.iter().rev().take_while(|&&byte| !ALNUM.has(byte)).count();
    let domain = &run[..run.len() - trailing];
    // `a@b.c-` and `a@b.c--`: a dash belongs to its word.
    if run.get(domain.len()) == Some(&b'-') {
        return None;
    }
    let mut labels = 0;
    let mut last: &[u8] = &[];
    for label in domain.split(|&byte| byte == b'.') {
        let edge = |byte: Option<&u8>| byte.is_none_or(|&byte| byte == b'-');
        if label.len() > 63 || edge(label.first()) || edge(label.last()) {
            return None;
        }
        if labels == 0 && is_scale(label) {
            return None;
        }
        labels += 1;
        last = label;
    }
    (labels >= 2 && is_tld(last)).then_some(domain.len())
}

/// `2x` in `icon@2x.png`.
fn is_scale(label: &[u8]) -> bool {
    matches!(label, [digits @ .., b'x'] if !digits.is_empty()
        && digits.iter().all(u8::is_ascii_digit))
}

fn is_tld(label: &[u8]) -> bool {
    if label.len() >= 6 && label[..4].eq_ignore_ascii_case(b"xn--") {
        return label.len() <= 28;
    }
    if !(2..=24).contains(&label.len()) || !label.iter().all(u8::is_ascii_alphabetic) {
        return false;
    }
    let mut low = [0u8; 24];
    low[..label.len()].copy_from_slice(label);
    low.make_ascii_lowercase();
    !is_suffix(&low[..label.len()])
}

/// Last labels of unit names (`getty@tty1.service`) and file names.
#[rustfmt::skip]
fn is_suffix(label: &[u8]) -> bool {
    matches!(
        label,
        b"service" | b"socket" | b"target" | b"timer" | b"mount" | b"slice" | b"scope" | b"path"
            | b"device" | b"swap" | b"automount" | b"png" | b"jpg" | b"jpeg" | b"gif" | b"svg"
            | b"webp" | b"ico" | b"bmp" | b"css" | b"js" | b"mjs" | b"ts" | b"tsx" | b"jsx"
            | b"map" | b"html" | b"htm" | b"json" | b"xml" | b"yml" | b"yaml" | b"toml" | b"md"
            | b"txt" | b"log" | b"gz" | b"zip" | b"tar" | b"tgz" | b"whl" | b"jar" | b"war"
            | b"class" | b"java" | b"py" | b"rb" | b"go" | b"rs" | b"so" | b"dll" | b"exe"
            | b"conf" | b"cfg" | b"ini" | b"lock" | b"sum" | b"mod" | b"proto" | b"csv" | b"pdf"
    )
}

/// Whether `start` directly follows the colon of `scheme://user:`; then it is a password, not a name.
fn is_userinfo(input: &[u8], start: usize) -> bool {
    if before(input, start) != b':' {
        return false;
    }
    let from = start.saturating_sub(80);
    let Some(slashes) = input[from..start].windows(3).rposition(|w| w == b"://") else {
        return false;
    };
    !input[from + slashes + 3..start]
        .iter()
        .any(|&byte| matches!(byte, b'/' | b' ' | b'@' | b'"' | b'\''))
}
