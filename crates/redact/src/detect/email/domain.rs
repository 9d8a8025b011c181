//! The part of an e-mail address after the at sign.

use crate::bytes::{ALNUM, ByteSet, at, starts_nocase};

const DOMAIN: ByteSet = ByteSet::of(b"A-Za-z0-9.\\-");
const DOMAIN_BYTES_MAX: usize = 255;

/// The length of the domain at `host`, if there is one, and the bytes read.
pub(super) fn read(input: &[u8], host: usize) -> (Option<usize>, usize) {
    let run = DOMAIN.run(input, host, DOMAIN_BYTES_MAX + 1);
    let narrow = domain_len(&input[host..host + run]);
    let next = at(input, host + run);
    // A letter of two bytes continues an alphabet with spaces between words: the domain does not end there.
    if next < 0x80 || narrow.is_some() && next >= 0xE0 || letter_at(input, host + run).is_none() {
        return (narrow, run);
    }
    let run = wide_run(input, host);
    (domain_len(&input[host..host + run]).or(narrow), run)
}

/// The bytes of a domain with letters of any alphabet. A label does not change from ASCII to letters of three bytes.
fn wide_run(input: &[u8], host: usize) -> usize {
    let mut end = host;
    while end - host <= DOMAIN_BYTES_MAX {
        let byte = at(input, end);
        if DOMAIN.has(byte) {
            end += 1;
            continue;
        }
        let Some(letter) = letter_at(input, end) else { break };
        if letter.len_utf8() > 2 && end > host && input[end - 1].is_ascii_alphabetic() {
            break;
        }
        end += letter.len_utf8();
    }
    end - host
}

/// The letter of another alphabet than ASCII at `pos`.
fn letter_at(input: &[u8], pos: usize) -> Option<char> {
    let len = match at(input, pos) {
        0xC3..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return None,
    };
    let text = str::from_utf8(input.get(pos..pos + len)?).ok()?;
    text.chars().next().filter(|letter| letter.is_alphanumeric())
}

/// The letter of another alphabet than ASCII that ends before `pos`.
pub(super) fn letter_before(input: &[u8], pos: usize) -> Option<char> {
    let len = (2..=4).find(|len| pos >= *len && input[pos - len] >= 0xC0)?;
    letter_at(input, pos - len).filter(|letter| letter.len_utf8() == len)
}

/// Length of the domain at the start of `run`, if it is one.
fn domain_len(run: &[u8]) -> Option<usize> {
    if run.len() > DOMAIN_BYTES_MAX {
        return None;
    }
    let is_inner = |byte: u8| ALNUM.has(byte) || byte >= 0x80;
    let trailing = run.iter().rev().take_while(|&&byte| !is_inner(byte)).count();
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
    (labels >= 2 && !is_version(domain) && is_tld(last)).then_some(domain.len())
}

/// `2x` in `icon@2x.png`.
fn is_scale(label: &[u8]) -> bool {
    matches!(label, [digits @ .., b'x'] if !digits.is_empty()
        && digits.iter().all(u8::is_ascii_digit))
}

/// `1.2.beta` in `package@1.2.beta`.
fn is_version(domain: &[u8]) -> bool {
    let mut labels = domain.split(|byte| *byte == b'.');
    let is_number = |label: Option<&[u8]>| {
        label.is_some_and(|label| {
            label.strip_prefix(b"v").unwrap_or(label).iter().all(u8::is_ascii_digit)
        })
    };
    is_number(labels.next()) && is_number(labels.next())
}

pub(super) fn is_tld(label: &[u8]) -> bool {
    if label.len() >= 6 && label[..4].eq_ignore_ascii_case(b"xn--") {
        return label.len() <= 28;
    }
    if !(2..=24).contains(&label.len()) {
        return false;
    }
    if label.iter().any(|byte| *byte >= 0x80) {
        return !label.iter().any(|byte| byte.is_ascii_digit() || *byte == b'-');
    }
    label.iter().all(u8::is_ascii_alphabetic) && !is_suffix(&lower(label))
}

/// The label in small letters; at most 24 bytes.
fn lower(label: &[u8]) -> Lower {
    let mut low = Lower { bytes: [0; 24], len: label.len().min(24) };
    low.bytes[..low.len].copy_from_slice(&label[..low.len]);
    low.bytes.make_ascii_lowercase();
    low
}

struct Lower {
    bytes: [u8; 24],
    len: usize,
}

impl std::ops::Deref for Lower {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Last labels of unit names (`getty@tty1.service`) and file names that are not top-level domains.
#[rustfmt::skip]
fn is_suffix(label: &[u8]) -> bool {
    matches!(
        label,
        b"service" | b"socket" | b"target" | b"timer" | b"mount" | b"slice" | b"scope" | b"path"
            | b"device" | b"swap" | b"automount" | b"png" | b"jpg" | b"jpeg" | b"gif" | b"svg"
            | b"webp" | b"ico" | b"bmp" | b"css" | b"js" | b"mjs" | b"ts" | b"tsx" | b"jsx"
            | b"html" | b"htm" | b"json" | b"xml" | b"yml" | b"yaml" | b"toml"
            | b"txt" | b"log" | b"gz" | b"tar" | b"tgz" | b"whl" | b"jar" | b"war"
            | b"class" | b"java" | b"rb" | b"go" | b"dll" | b"exe"
            | b"conf" | b"cfg" | b"ini" | b"lock" | b"sum" | b"mod" | b"proto" | b"csv" | b"pdf"
    )
}

/// Whether a domain ends like a file (`archive.zip`, `data.py`) or like the names of a private network, so that only a
/// person's name makes it an address.
pub(super) fn is_doubtful(domain: &[u8]) -> bool {
    let last = domain.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    is_file(last) && has_few_labels(domain) || is_private_label(last)
}

/// Whether a top-level domain is also the suffix of files.
pub(super) fn is_file(label: &[u8]) -> bool {
    matches!(&*lower(label), b"zip" | b"py" | b"rs" | b"md" | b"so" | b"map")
}

/// File names in addresses have one dot; `mail.example.rs` is a host.
fn has_few_labels(domain: &[u8]) -> bool {
    domain.iter().filter(|byte| **byte == b'.').count() == 1
}

fn is_private_label(label: &[u8]) -> bool {
    matches!(
        &*lower(label),
        b"local"
            | b"localdomain"
            | b"localhost"
            | b"lan"
            | b"internal"
            | b"intranet"
            | b"home"
            | b"arpa"
    )
}

/// Whether the domain at `host` belongs to a private network.
pub(super) fn is_private(input: &[u8], host: usize) -> bool {
    let run = DOMAIN.run(input, host, DOMAIN_BYTES_MAX);
    let domain = input[host..host + run].trim_ascii_end();
    let domain = domain.strip_suffix(b".").unwrap_or(domain);
    domain.rsplit(|byte| *byte == b'.').next().is_some_and(is_private_label)
}

/// The length of an address in brackets at `host`: IPv4, or IPv6 with its tag.
pub(super) fn literal(input: &[u8], host: usize) -> usize {
    const ADDRESS: ByteSet = ByteSet::of(b"0-9A-Fa-f.:");
    if at(input, host) != b'[' {
        return 0;
    }
    let tag = if starts_nocase(input, host + 1, b"ipv6:") { 5 } else { 0 };
    let run = ADDRESS.run(input, host + 1 + tag, 46);
    let text = &input[host + 1 + tag..host + 1 + tag + run];
    let dots = text.iter().filter(|byte| **byte == b'.').count();
    let v4 =
        tag == 0 && dots == 3 && text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    let v6 = tag > 0 && text.contains(&b':');
    if (v4 || v6) && at(input, host + 1 + tag + run) == b']' { tag + run + 2 } else { 0 }
}
